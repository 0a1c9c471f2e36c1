//! What happens in a session, as clients see it; and content blocks, both ways.

use serde_json::Value;

use crate::agent::history::Content;
use crate::protocol::{self as wire, ContentBlock};
use crate::session::effect::{
    CompactionStatus, Question, StopReason, ToolChange, ToolContent, ToolRow, ToolStatus, TurnReason, Update, UsageSum,
};

use super::path;

/// A prompt's blocks in the owner's words.
pub fn content(blocks: Vec<ContentBlock>) -> Vec<Content> {
    blocks
        .into_iter()
        .map(|block| match block {
            ContentBlock::Text { text } => Content::Text { text },
            ContentBlock::Image { data, mime_type } => Content::Image { data, mime_type },
            ContentBlock::ResourceLink { uri, name, range } => {
                Content::Link { uri, name, lines: range.map(|range| (range.start, range.end)) }
            }
            ContentBlock::Resource { resource } => Content::Resource { uri: resource.uri, text: resource.text },
        })
        .collect()
}

/// A block as clients send and get it.
pub fn block(content: Content) -> ContentBlock {
    match content {
        Content::Text { text } => ContentBlock::Text { text },
        Content::Image { data, mime_type } => ContentBlock::Image { data, mime_type },
        Content::Link { uri, name, lines } => {
            ContentBlock::ResourceLink { uri, name, range: lines.map(|(start, end)| wire::LineRange { start, end }) }
        }
        Content::Resource { uri, text } => ContentBlock::Resource { resource: wire::ResourceText { uri, text } },
    }
}

fn text(text: String) -> ContentBlock {
    ContentBlock::Text { text }
}

fn queue(prompts: Vec<(crate::ids::PromptId, Vec<Content>)>) -> Vec<wire::QueuedPrompt> {
    prompts
        .into_iter()
        .map(|(id, content)| wire::QueuedPrompt { prompt_id: id.0, prompt: content.into_iter().map(block).collect() })
        .collect()
}

fn usage(sum: UsageSum, window: Option<u64>) -> wire::Usage {
    wire::Usage {
        input_tokens: sum.input,
        output_tokens: sum.output,
        cache_read_tokens: sum.cache_read,
        cache_write_tokens: sum.cache_write,
        context_used: sum.context_used,
        context_window: window,
        cost: sum.cost.dollars(),
        auto_cost: sum.auto.dollars(),
    }
}

fn tool_status(status: ToolStatus) -> &'static str {
    match status {
        ToolStatus::Pending => "pending",
        ToolStatus::InProgress => "in_progress",
        ToolStatus::Completed => "completed",
        ToolStatus::Failed => "failed",
    }
}

fn tool_content(content: Vec<ToolContent>) -> Vec<wire::ToolContent> {
    content
        .into_iter()
        .map(|content| match content {
            ToolContent::Text(body) => wire::ToolContent::Content { content: text(body) },
            ToolContent::Diff(diff) => {
                wire::ToolContent::Diff { path: path(&diff.path), old_text: diff.old_text, new_text: diff.new_text }
            }
        })
        .collect()
}

fn locations(locations: Vec<crate::tool::Location>) -> Vec<wire::ToolLocation> {
    locations.into_iter().map(|at| wire::ToolLocation { path: path(&at.path), line: at.line }).collect()
}

fn tool_call(row: ToolRow) -> wire::ToolCall {
    wire::ToolCall {
        tool_call_id: row.call.0,
        title: row.title,
        name: row.name,
        kind: row.kind,
        status: tool_status(row.status),
        raw_input: row.input,
        content: tool_content(row.content),
        locations: locations(row.locations),
    }
}

/// An update of a session.
pub fn update(update: Update) -> wire::Update {
    match update {
        Update::UserMessage { message, content } => {
            wire::Update::UserMessageChunk { content: block(content), message_id: message.0 }
        }
        Update::AgentMessage { message, text: body } => {
            wire::Update::AgentMessageChunk { content: text(body), message_id: message.0 }
        }
        Update::AgentThought { message, text: body } => {
            wire::Update::AgentThoughtChunk { content: text(body), message_id: message.0 }
        }
        Update::MessageDiscarded { message } => wire::Update::MessageDiscarded { message_id: message.0 },
        Update::ToolCall(row) => wire::Update::ToolCall(tool_call(*row)),
        Update::ToolCallUpdate { call, change } => {
            let ToolChange { status, content, output, locations: places, task } = *change;
            wire::Update::ToolCallUpdate {
                tool_call_id: call.0,
                status: status.map(tool_status),
                content: content.map(tool_content),
                raw_output: output.map(Value::String),
                locations: places.map(locations),
                task_id: task.map(|id| id.0),
            }
        }
        Update::Plan(plan) => wire::Update::Plan {
            entries: plan
                .into_iter()
                .map(|todo| wire::PlanEntry {
                    content: todo.content,
                    status: todo.status.as_str(),
                    priority: todo.priority.as_str(),
                })
                .collect(),
        },
        Update::Queue(prompts) => wire::Update::Queue { prompts: queue(prompts) },
        Update::TaskNotification { tasks, text } => {
            wire::Update::TaskNotification { task_ids: tasks.into_iter().map(|id| id.0).collect(), text }
        }
        Update::TurnStarted { reason } => wire::Update::TurnStarted {
            reason: match reason {
                TurnReason::Prompt => "prompt",
                TurnReason::TaskNotification => "task_notification",
            },
        },
        Update::TurnEnded { stop, usage: sum, window, auto, error, unsent } => wire::Update::TurnEnded {
            stop_reason: match stop {
                StopReason::EndTurn => "end_turn",
                StopReason::MaxTokens => "max_tokens",
                StopReason::MaxTurnRequests => "max_turn_requests",
                StopReason::Refusal => "refusal",
                StopReason::Cancelled => "cancelled",
                StopReason::Interrupted => "interrupted",
                StopReason::Error => "error",
            },
            usage: usage(sum, window),
            auto,
            error: error.map(|message| wire::TurnError { message }),
            unsent: queue(unsent),
        },
        Update::Usage { sum, window } => wire::Update::Usage(usage(sum, window)),
        Update::Info { title, mode, model, wakes_paused } => {
            wire::Update::SessionInfo { title, mode, model, wakes_paused }
        }
        Update::Retrying { reason, after_ms, attempt } => wire::Update::Retrying { reason, after_ms, attempt },
        Update::Compaction { status, before, after, message } => {
            let status = match status {
                CompactionStatus::Started => "started",
                CompactionStatus::Completed => "completed",
                CompactionStatus::Failed => "failed",
                CompactionStatus::Cancelled => "cancelled",
            };
            wire::Update::Compaction { status, before, after, message }
        }
        Update::ReplayStarted => wire::Update::ReplayStarted,
        Update::ReplayEnded => wire::Update::ReplayEnded,
    }
}

/// A permission question with its choices.
pub fn question(question: &Question) -> wire::PermissionParams {
    let option = |option_id, name: String, kind| wire::PermissionOption { option_id, name, kind };
    let mut options = vec![option("allow_once", "Yes".into(), "allow_once")];
    options.extend(
        question.always.as_ref().map(|rule| option("allow_always", format!("Always allow {rule}"), "allow_always")),
    );
    options.push(option("reject_once", "No".into(), "reject_once"));
    wire::PermissionParams {
        session_id: question.session.0.clone(),
        question_id: question.id.0.clone(),
        parent_tool_call_id: question.parent.as_ref().map(|call| call.0.clone()),
        tool_call: tool_call(question.row.clone()),
        options,
    }
}
