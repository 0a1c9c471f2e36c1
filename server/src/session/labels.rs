//! What a batch of tool calls is called, in a few words of the past tense, as the subject of a commit is ("Read 3 files",
//! "Ran cargo test"). The rules are here; `small` asks a small model for better words. Pure.

use serde_json::Value;

use crate::agent::history::{AssistantPart, Item, ToolResult};
use crate::agent::notification::cut;
use crate::ids::{SessionId, ToolCallId};

use super::conversation::Session;
use super::effect::Update;
use super::state::State;

/// Characters of a label.
pub(super) const LABEL: usize = 40;

/// One call of a batch and what it came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Called<'a> {
    pub(super) name: &'a str,
    pub(super) input: &'a Value,
    pub(super) failed: bool,
}

/// What calls of one kind did: `Read src/a.rs`, of several `read 3 files`.
struct Deed {
    /// What several are counted as.
    kind: &'static str,
    verb: &'static str,
    one: String,
    several: &'static str,
}

fn deed(call: &Called<'_>) -> Deed {
    let word = |key: &str| {
        let text = call.input[key].as_str().unwrap_or_default().trim();
        text.lines().next().unwrap_or_default().to_owned()
    };
    let file = || {
        let path = word("path");
        path.rsplit('/').take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("/")
    };
    let is_background = call.name == "background_run" || call.input["run_in_background"] == Value::Bool(true);
    let (kind, verb, one, several) = match call.name {
        "read_file" => ("read", "Read", file(), "files"),
        "write_file" | "edit_file" => ("edit", "Edited", file(), "files"),
        "glob" | "grep" => ("search", "Searched for", word("pattern"), "things"),
        "bash" | "background_run" if is_background => ("start", "Started", word("command"), "tasks"),
        "bash" => ("run", "Ran", word("command"), "commands"),
        "check_background" => ("look", "Looked at", word("task_id"), "tasks"),
        "stop_background" => ("stop", "Stopped", word("task_id"), "tasks"),
        "diagnostics" => ("problems", "Read", "the problems".to_owned(), "lists of problems"),
        "todo_write" => ("plan", "Wrote", "the plan".to_owned(), "plans"),
        "agent" => ("agent", "Asked", "a subagent".to_owned(), "subagents"),
        other => ("other", "Used", other.to_owned(), "tools"),
    };
    Deed { kind, verb, one, several }
}

/// A label by rule, at most [`LABEL`] characters; empty for no call.
pub(super) fn by_rule(calls: &[Called<'_>]) -> String {
    let mut kinds: Vec<(Deed, usize)> = Vec::new();
    for call in calls {
        let deed = deed(call);
        match kinds.iter_mut().find(|(known, _)| known.kind == deed.kind) {
            // The same file twice is one file.
            Some((known, _)) if known.one == deed.one => {}
            Some((_, count)) => *count += 1,
            None => kinds.push((deed, 1)),
        }
    }
    let words = |(deed, count): &(Deed, usize)| match count {
        1 if deed.one.is_empty() => format!("{} {}", deed.verb, deed.several),
        1 => format!("{} {}", deed.verb, deed.one),
        count => format!("{} {count} {}", deed.verb, deed.several),
    };
    let lower = |text: String| text[..1].to_lowercase() + &text[1..];
    let mut text = String::new();
    for (at, kind) in kinds.iter().enumerate() {
        let (next, left) = (words(kind), kinds.len() - at - 1);
        let joined = if text.is_empty() { next } else { format!("{text}, {}", lower(next)) };
        let room = if left > 0 { LABEL - 9 } else { LABEL };
        if !text.is_empty() && joined.chars().count() > room {
            text.push_str(&format!(" and {} more", left + 1));
            break;
        }
        text = joined;
    }
    let failed = if !calls.is_empty() && calls.iter().all(|call| call.failed) { " (failed)" } else { "" };
    cut(&text, LABEL - failed.len()) + failed
}

/// A label as a model worded it, made to fit; `None` where it is of no use.
pub(super) fn by_model(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = line.trim_matches(|c: char| matches!(c, '"' | '\'' | '`' | '*' | '#') || c.is_whitespace());
    let line = line.trim_end_matches('.');
    (!line.is_empty()).then(|| cut(line, LABEL))
}

impl Session {
    /// The calls of the answer at an index with their results, where it made any.
    fn called<'a>(&'a self, item: usize, results: &'a [ToolResult]) -> (Vec<ToolCallId>, Vec<Called<'a>>) {
        let Some(Item::Assistant(answer)) = self.history.get(item).map(|item| &**item) else {
            return Default::default();
        };
        let calls = answer.parts.iter().filter_map(|part| match part {
            AssistantPart::ToolCall { id, name, input, .. } => {
                let failed = results.iter().any(|result| result.call == *id && result.is_error);
                Some((id.clone(), Called { name, input, failed }))
            }
            _ => None,
        });
        calls.unzip()
    }

    /// The newest item before an index that somebody has said.
    pub(super) fn said_before(&self, at: usize) -> Option<usize> {
        (0..at).rev().find(|at| !matches!(&*self.history[*at], Item::Compaction(_)))
    }

    /// The label of the answer's batch of calls: a model's words where there are any, else by rule.
    pub(super) fn label(&self, item: usize, results: &[ToolResult]) -> Option<Update> {
        let (calls, called) = self.called(item, results);
        if calls.is_empty() {
            return None;
        }
        let given = self.record_at(item).and_then(|at| self.log[at].labels.get(&item).cloned());
        Some(Update::Label { calls, text: given.unwrap_or_else(|| by_rule(&called)) })
    }
}

impl State {
    /// A batch of calls is over: what it is called is told at once by rule, and later in a small model's words.
    pub(super) fn label_batch(&mut self, session: &SessionId, results: &[ToolResult]) {
        let Some(owner) = self.sessions.get(session).filter(|owner| owner.parent.is_none()) else { return };
        let Some(item) = owner.said_before(owner.history.len()) else { return };
        if let Some(label) = owner.label(item, results) {
            self.update(session, label);
            self.ask_for_label(session, item, results);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_batch_is_called_by_what_it_did() {
        let label = |calls: &[(&str, Value)], failed: bool| {
            by_rule(&calls.iter().map(|(name, input)| Called { name, input, failed }).collect::<Vec<_>>())
        };
        let file = |path: &str| json!({"path": path});
        let command = |command: &str| json!({"command": command});
        for (calls, expected) in [
            (vec![("read_file", file("/w/server/src/auth.rs"))], "Read src/auth.rs"),
            (vec![("read_file", file("a")), ("read_file", file("b")), ("read_file", file("c"))], "Read 3 files"),
            (vec![("read_file", file("a")), ("read_file", file("a"))], "Read a"),
            (vec![("bash", command("cargo test\nmore"))], "Ran cargo test"),
            (vec![("bash", json!({"command": "cargo test", "run_in_background": true}))], "Started cargo test"),
            (vec![("background_run", command("npm run dev"))], "Started npm run dev"),
            (vec![("edit_file", file("a")), ("write_file", file("b"))], "Edited 2 files"),
            (vec![("edit_file", file("src/auth.rs")), ("bash", command("make"))], "Edited src/auth.rs, ran make"),
            (
                vec![
                    ("edit_file", file("src/auth.rs")),
                    ("bash", command("cargo test")),
                    ("grep", json!({"pattern": "x"})),
                ],
                "Edited src/auth.rs and 2 more",
            ),
            (vec![("check_background", json!({}))], "Looked at tasks"),
            (vec![("fly", json!({}))], "Used fly"),
            (vec![("read_file", json!({"path": 7}))], "Read files"),
            (vec![], ""),
        ] {
            assert_eq!(label(&calls, false), expected, "{calls:?}");
        }
        assert_eq!(label(&[("edit_file", file("a.rs"))], true), "Edited a.rs (failed)");
        let long = label(&[("bash", command(&"x".repeat(200)))], true);
        assert_eq!(long.chars().count(), LABEL);
        assert!(long.ends_with(" (failed)"), "{long}");
    }

    #[test]
    fn a_models_words_are_made_to_fit() {
        assert_eq!(by_model("\n \"Fixed the login test.\"\nBecause …").as_deref(), Some("Fixed the login test"));
        assert_eq!(by_model(&"y".repeat(500)).map(|text| text.chars().count()), Some(LABEL));
        assert_eq!(by_model(" \n``\n"), None);
    }
}
