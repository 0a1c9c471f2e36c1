//! What happens in a session, as clients see it; and content blocks, both ways.

use serde_json::Value;

use crate::agent::approval::Said;
use crate::agent::history::Content;
use crate::protocol::{self as wire, ContentBlock};
use crate::session::effect::{
    CompactionStatus, Question, StopReason, ToolChange, ToolContent, ToolRow, ToolStatus, TurnReason, Update, UsageSum,
};

use crate::session::since::Since;

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

fn since(since: Since) -> wire::Update {
    let Since { from, tasks, more, changes, text } = since;
    let tasks = tasks.into_iter().map(|ended| wire::EndedTask {
        task_id: ended.task.0,
        label: ended.label,
        status: ended.status.as_str(),
        summary: ended.summary,
        ended_at: ended.ended_at.rfc3339(),
    });
    wire::Update::Since {
        since: from.rfc3339(),
        tasks: tasks.collect(),
        more_tasks: more,
        changes: wire::Changes {
            commits: changes.moved.map(|(from, to)| wire::Commits { from, to }),
            files: changes.files,
            at_least: changes.is_part,
        },
        text,
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
        Update::Since(since) => self::since(*since),
        Update::SessionClosed { reason } => wire::Update::SessionClosed { reason },
        Update::SwitchSession { session } => wire::Update::SessionSwitch { session_id: session.0 },
        Update::Label { calls, text } => {
            wire::Update::Label { tool_call_ids: calls.into_iter().map(|id| id.0).collect(), text }
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
        Update::TurnEnded { stop, usage: sum, window, auto, error, needs_model, unsent } => wire::Update::TurnEnded {
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
            needs_model: needs_model.into_iter().map(|prompt| prompt.0).collect(),
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
        Update::ReplayStarted { before } => wire::Update::ReplayStarted { before },
        Update::ReplayEnded { before } => wire::Update::ReplayEnded { has_more: before.is_some(), before },
    }
}

/// A permission question with its choices.
pub fn question(question: &Question) -> wire::PermissionParams {
    let option = |option_id: String, name, kind| wire::PermissionOption { option_id, name, kind };
    let mut options = vec![option("allow_once".into(), "Yes".into(), "allow_once")];
    options.extend(
        question
            .always
            .iter()
            .enumerate()
            .map(|(at, rules)| option(always_id(at), format!("Always allow {rules}"), "allow_always")),
    );
    options.push(option("reject_once".into(), "No".into(), "reject_once"));
    wire::PermissionParams {
        session_id: question.session.0.clone(),
        question_id: question.id.0.clone(),
        parent_tool_call_id: question.parent.as_ref().map(|call| call.0.clone()),
        tool_call: tool_call(question.row.clone()),
        reason: question.reason.clone(),
        options,
    }
}

/// The id of a choice of "always", by its number from 0. The first has the name of its kind.
fn always_id(at: usize) -> String {
    if at == 0 { "allow_always".to_owned() } else { format!("allow_always_{}", at + 1) }
}

/// The number of the choice that an id names.
pub fn always_number(id: &str) -> Option<usize> {
    match id.strip_prefix("allow_always")? {
        "" => Some(0),
        rest => rest.strip_prefix('_')?.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at > 0),
    }
}

/// A permission rule for the client's list.
pub fn rule(said: Said) -> wire::RuleRow {
    wire::RuleRow {
        rule: said.rule.to_string(),
        decision: said.decision.as_str(),
        source: said.place.unwrap_or_else(|| "saved".to_owned()),
        script: said.script,
    }
}
