//! A value of each type that the server sends, with every field set.

use pillion::protocol::*;
use serde_json::Value;

use crate::Shown;

pub fn text() -> String {
    "text".to_owned()
}

pub fn task() -> Task {
    Task {
        id: text(),
        kind: "shell",
        label: text(),
        command: text(),
        cwd: text(),
        environment: Environment { set: [("TERM".to_owned(), text())].into(), omitted: 1, withheld: vec![text()] },
        group: "test",
        origin: "agent",
        session_id: Some(text()),
        tool_call_id: Some(text()),
        parent_tool_call_id: None,
        owned: true,
        status: "running",
        stopping: false,
        stopped_by: Some("user"),
        run: 1,
        attempt: 1,
        max_attempts: 1,
        flaky: false,
        runs: vec![Run {
            run: 1,
            status: "running",
            ended_at: Some(text()),
            exit_code: Some(0),
            started_by: Some("agent"),
            session_id: Some(text()),
            stopped_by: Some("user"),
            narrowed: Some(text()),
        }],
        priority: 0,
        on_exit: "wake",
        lifetime: "session",
        timeout_ms: Some(1),
        created_at: text(),
        started_at: Some(text()),
        ended_at: Some(text()),
        elapsed_ms: 1,
        pid: Some(1),
        exit_code: Some(0),
        signal: Some(1),
        stragglers: 0,
        waiting_for: Some(waiting()),
        unsaved: vec![text()],
        output: Output { path: Some(text()), bytes: 1, lines: 1, last_line: text(), truncated: false },
        pattern: Some(text()),
        ready: Some(Ready { line: text(), url: Some(text()) }),
        watching: false,
        progress: Progress { message: Some(text()), percent: Some(1), passed: 1, failed: 1, skipped: 1 },
        diagnostics: ProblemCounts { errors: 1, warnings: 1 },
        wanted_answer: Some(text()),
        summary: Some(text()),
        delivery: "none",
        depends_on: Vec::new(),
        delivered_turn_id: Some(text()),
    }
}

pub fn waiting() -> WaitingFor {
    WaitingFor {
        kind: "input",
        question: Some(text()),
        holder: Some(text()),
        options: vec![AnswerOption { label: text(), text: text() }],
        secret: false,
    }
}

pub fn complete() -> CompleteParams {
    let content = vec![
        MessagePart::Text { text: text() },
        MessagePart::Image { data: text(), mime_type: text() },
        // Whatever the model wrote.
        MessagePart::ToolCall { call_id: text(), name: text(), input: Value::Null },
        MessagePart::ToolResult { call_id: text(), content: text(), is_error: false },
    ];
    CompleteParams {
        request_id: text(),
        model: Some(text()),
        system: text(),
        messages: vec![ModelMessage { role: "user", content }],
        tools: vec![ModelTool { name: text(), description: text(), input_schema: Value::Null }],
        max_tokens: 1,
    }
}

pub fn content() -> ContentBlock {
    ContentBlock::Text { text: text() }
}

pub fn tool_content() -> Vec<ToolContent> {
    let diff = ToolContent::Diff { path: text(), old_text: Some(text()), new_text: text() };
    vec![ToolContent::Content { content: content() }, diff]
}

pub fn tool_call() -> ToolCall {
    ToolCall {
        tool_call_id: text(),
        title: text(),
        name: text(),
        kind: "execute",
        status: "pending",
        // Whatever the model wrote.
        raw_input: Value::Null,
        content: tool_content(),
        locations: vec![ToolLocation { path: text(), line: Some(1) }],
    }
}

pub fn queued() -> Vec<QueuedPrompt> {
    vec![QueuedPrompt { prompt_id: text(), prompt: vec![content()] }]
}

pub fn usage() -> Usage {
    Usage {
        input_tokens: 1,
        output_tokens: 1,
        cache_read_tokens: 1,
        cache_write_tokens: 1,
        context_used: 1,
        context_window: Some(1),
        cost: Some(0.5),
        auto_cost: Some(0.5),
    }
}

/// Each kind of update, and whether all of its fields are always there.
pub fn updates() -> Vec<(Update, Shown)> {
    let always = [
        Update::UserMessageChunk { content: content(), message_id: text() },
        Update::AgentMessageChunk { content: content(), message_id: text() },
        Update::AgentThoughtChunk { content: content(), message_id: text() },
        Update::MessageDiscarded { message_id: text() },
        Update::ToolCall(tool_call()),
        Update::Plan { entries: vec![PlanEntry { content: text(), status: "pending", priority: "medium" }] },
        Update::Queue { prompts: queued() },
        Update::TaskNotification { task_ids: vec![text()], text: text() },
        Update::TurnStarted { reason: "prompt" },
        Update::TurnEnded {
            stop_reason: "end_turn",
            usage: usage(),
            auto: false,
            error: Some(TurnError { message: text() }),
            unsent: queued(),
        },
        Update::Usage(usage()),
        Update::Retrying { reason: text(), after_ms: 1, attempt: 1 },
        Update::Compaction { status: "completed", before: 1, after: Some(1), message: Some(text()) },
        Update::Label { tool_call_ids: vec![text()], text: text() },
        Update::Since {
            since: text(),
            tasks: vec![EndedTask {
                task_id: text(),
                label: text(),
                status: "failed",
                summary: Some(text()),
                ended_at: text(),
            }],
            more_tasks: 1,
            changes: Changes { commits: Some(Commits { from: text(), to: text() }), files: 1, at_least: true },
            text: text(),
        },
        Update::SessionSwitch { session_id: text() },
        Update::SessionClosed { reason: "moved" },
        Update::ReplayStarted { before: Some(text()) },
        Update::ReplayEnded { before: Some(text()), has_more: true },
    ];
    let changes = [
        Update::ToolCallUpdate {
            tool_call_id: text(),
            status: Some("completed"),
            content: Some(tool_content()),
            raw_output: Some(Value::Null),
            locations: Some(vec![ToolLocation { path: text(), line: Some(1) }]),
            task_id: Some(text()),
        },
        Update::SessionInfo { title: Some(text()), mode: Some("ask"), model: Some(text()), wakes_paused: Some(true) },
    ];
    let always = always.into_iter().map(|update| (update, Shown::All));
    always.chain(changes.into_iter().map(|update| (update, Shown::Some))).collect()
}

pub fn test_results() -> TestResults {
    let test = TestResult {
        id: text(),
        name: text(),
        file: Some(text()),
        line: Some(1),
        status: "failed",
        duration_ms: Some(1),
        message: Some(text()),
        recent: Some(RecentResults { failed: 1, of: 2 }),
    };
    TestResults { task_id: text(), run: 1, tests: vec![test], counts: TestCounts { passed: 1, failed: 1, skipped: 1 } }
}
