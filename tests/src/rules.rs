//! What must hold for every notification that the server ever sends, whatever a test is about: the contract's listed
//! fields, growing `seq`, a final status that stays. Breaches fail the test at its end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::task;

/// The fields of each kind of session update, beside `sessionUpdate`.
const UPDATES: &[(&str, &[&str])] = &[
    ("user_message_chunk", &["content", "messageId"]),
    ("agent_message_chunk", &["content", "messageId"]),
    ("agent_thought_chunk", &["content", "messageId"]),
    ("message_discarded", &["messageId"]),
    ("tool_call", &["toolCallId", "title", "name", "kind", "status", "rawInput", "content", "locations"]),
    ("tool_call_update", &["toolCallId"]),
    ("plan", &["entries"]),
    ("queue", &["prompts"]),
    ("task_notification", &["taskIds", "text"]),
    ("turn_started", &["reason"]),
    ("retrying", &["reason", "afterMs", "attempt"]),
    ("turn_ended", &["stopReason", "usage", "auto", "error", "needsModel"]),
    (
        "usage",
        &[
            "inputTokens",
            "outputTokens",
            "cacheReadTokens",
            "cacheWriteTokens",
            "contextUsed",
            "contextWindow",
            "cost",
            "autoCost",
        ],
    ),
    ("compaction", &["status", "before", "after", "message"]),
    ("session_info", &[]),
    ("label", &["toolCallIds", "text"]),
    ("since", &["since", "tasks", "moreTasks", "changes", "text"]),
    ("session_switch", &["sessionId"]),
    ("session_closed", &["reason"]),
    ("replay_started", &["before"]),
    ("replay_ended", &["before", "hasMore"]),
];

const STOP_REASONS: &[&str] =
    &["end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled", "interrupted", "error"];
const TOOL_KINDS: &[&str] = &["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "other"];
const TOOL_STATUSES: &[&str] = &["pending", "in_progress", "completed", "failed"];

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Rules {
    /// Newest `seq` by method and, for updates, session.
    newest: BTreeMap<String, u64>,
    /// Final status of each (task, run).
    ended: BTreeMap<(String, u64), String>,
    tool_calls: BTreeSet<String>,
    /// Turns that have ended.
    over: BTreeSet<String>,
    /// Progress tokens: created or begun, and ended.
    progress: BTreeMap<String, &'static str>,
}

impl Rules {
    /// Looks at one notification or request; returns what breaks the contract.
    pub fn observe(&mut self, method: &str, params: &Value) -> Vec<String> {
        let mut broken = Vec::new();
        match method {
            "pillion/task/status" => {
                self.seq(method, params, &mut broken);
                self.task(&params["task"], &mut broken);
            }
            "pillion/task/snapshot" => {
                if params["seq"].as_u64().is_none() {
                    broken.push("a snapshot without seq".into());
                }
                match params["tasks"].as_array() {
                    Some(tasks) => tasks.iter().for_each(|task| self.task(task, &mut broken)),
                    None => broken.push("a snapshot without tasks".into()),
                }
            }
            "pillion/session/update" => {
                self.seq(&format!("updates of {}", params["sessionId"]), params, &mut broken);
                self.update(params, &mut broken);
            }
            "window/workDoneProgress/create" => {
                self.progress.insert(params["token"].to_string(), "created");
            }
            "$/progress" => self.progress(params, &mut broken),
            "textDocument/publishDiagnostics" => diagnostics(params, &mut broken),
            _ => {}
        }
        broken
    }

    fn seq(&mut self, of: &str, params: &Value, broken: &mut Vec<String>) {
        let Some(seq) = params["seq"].as_u64() else {
            broken.push(format!("{of}: no seq"));
            return;
        };
        if let Some(before) = self.newest.insert(of.to_owned(), seq)
            && seq <= before
        {
            broken.push(format!("{of}: seq {seq} after {before}"));
        }
    }

    fn task(&mut self, task: &Value, broken: &mut Vec<String>) {
        broken.extend(task::check(task));
        let (Some(id), Some(run), Some(status)) = (task["id"].as_str(), task["run"].as_u64(), task["status"].as_str())
        else {
            return;
        };
        let key = (id.to_owned(), run);
        match self.ended.get(&key) {
            Some(ended) if ended != status => {
                broken.push(format!("task {id} run {run}: {status} after the final {ended}"));
            }
            None if task::FINAL.contains(&status) => {
                self.ended.insert(key, status.to_owned());
            }
            _ => {}
        }
    }

    fn update(&mut self, params: &Value, broken: &mut Vec<String>) {
        let update = &params["update"];
        let kind = update["sessionUpdate"].as_str().unwrap_or_default();
        for name in ["sessionId", "turnId", "seq", "parentToolCallId", "replay", "update"] {
            if params.get(name).is_none() {
                broken.push(format!("update {kind}: no field {name}"));
            }
        }
        let Some((_, fields)) = UPDATES.iter().find(|(name, _)| *name == kind) else {
            broken.push(format!("an update of no listed kind: {update}"));
            return;
        };
        for name in fields.iter().filter(|name| update.get(**name).is_none()) {
            broken.push(format!("update {kind}: no field {name}"));
        }
        let mut one_of = |field: &str, words: &[&str]| {
            if let Some(value) = update.get(field)
                && !words.iter().any(|word| value == word)
            {
                broken.push(format!("update {kind}: {field} is {value}"));
            }
        };
        if kind.starts_with("tool_call") {
            one_of("status", TOOL_STATUSES);
        }
        match kind {
            "tool_call" => one_of("kind", TOOL_KINDS),
            "turn_started" => one_of("reason", &["prompt", "task_notification"]),
            "turn_ended" => one_of("stopReason", STOP_REASONS),
            _ => {}
        }
        self.order(kind, params, broken);
    }

    /// A call is told before its updates; nothing of a turn's answer comes after its end.
    fn order(&mut self, kind: &str, params: &Value, broken: &mut Vec<String>) {
        let call = params["update"]["toolCallId"].to_string();
        match kind {
            "tool_call" => {
                self.tool_calls.insert(call);
            }
            "tool_call_update" if !self.tool_calls.contains(&call) => {
                broken.push(format!("an update of the tool call {call} before the call"));
            }
            _ => {}
        }
        if params["replay"] == true {
            return;
        }
        let turn = params["turnId"].to_string();
        match kind {
            "turn_ended" if !self.over.insert(turn.clone()) => broken.push(format!("turn {turn} ended twice")),
            "turn_started" | "agent_message_chunk" | "agent_thought_chunk" | "tool_call"
                if self.over.contains(&turn) =>
            {
                broken.push(format!("{kind} after the end of turn {turn}"));
            }
            _ => {}
        }
    }

    fn progress(&mut self, params: &Value, broken: &mut Vec<String>) {
        let token = params["token"].to_string();
        let kind = params["value"]["kind"].as_str().unwrap_or_default();
        let state = self.progress.get(&token).copied();
        let next = match (kind, state) {
            ("begin", Some("created")) => "begun",
            ("report", Some("begun")) => "begun",
            ("end", Some("begun")) => "ended",
            _ => {
                broken.push(format!("progress {token}: {kind:?} when it was {state:?}"));
                return;
            }
        };
        if kind == "begin" && params["value"]["title"].as_str().is_none_or(str::is_empty) {
            broken.push(format!("progress {token} begins without a title"));
        }
        self.progress.insert(token, next);
    }
}

fn diagnostics(params: &Value, broken: &mut Vec<String>) {
    for item in params["diagnostics"].as_array().into_iter().flatten() {
        if item["source"] != "pillion" {
            broken.push(format!("a diagnostic whose source is {}", item["source"]));
        }
        for name in ["taskId", "run", "tool", "test"] {
            if item["data"].get(name).is_none() {
                broken.push(format!("a diagnostic without data.{name}: {item}"));
            }
        }
        let (start, end) = (&item["range"]["start"], &item["range"]["end"]);
        let place = |at: &Value| (at["line"].as_u64(), at["character"].as_u64());
        if place(start).0.is_none() || place(start).1.is_none() || place(end) < place(start) {
            broken.push(format!("a diagnostic with a bad range: {item}"));
        }
    }
}
