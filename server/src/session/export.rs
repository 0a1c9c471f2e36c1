//! A session as text: for reading (Markdown), or for programs (JSON lines). Made from the history and the log of its turns:
//! what was said and thought, every call with its diff and its result, notifications, times. Pure.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::agent::history::{AssistantItem, AssistantPart, Compaction, Content, Item, UserItem};
use crate::agent::prompt;

use super::effect::StopReason;
use super::event::ExportFormat;
use super::turn_log::{self, TurnRecord};

/// Bytes of an export: what a client can still hold in one message. The oldest items are left out beyond it.
const MOST: usize = 32 << 20;

/// What an export is made from. Cheap to take: the items are shared.
#[derive(Clone, Debug)]
pub struct Talk {
    pub title: Option<String>,
    pub history: Vec<Arc<Item>>,
    pub log: Vec<TurnRecord>,
}

/// The whole session as text. Takes as long as there is to write: not for the owner's loop.
pub(super) fn text(session: &Talk, format: ExportFormat) -> String {
    newest(session, format, MOST)
}

/// As many of the newest items as fit, with a word about the others.
fn newest(session: &Talk, format: ExportFormat, most: usize) -> String {
    let write = match format {
        ExportFormat::Jsonl => json_line,
        ExportFormat::Markdown => markdown,
    };
    let (mut pieces, mut bytes) = (Vec::new(), 0);
    for at in (0..session.history.len()).rev() {
        let piece = write(session, at);
        bytes += piece.len();
        if bytes > most && !pieces.is_empty() {
            break;
        }
        pieces.push(piece);
    }
    let left_out = session.history.len() - pieces.len();
    let head = match format {
        ExportFormat::Jsonl if left_out > 0 => format!("{}\n", json!({"leftOut": left_out})),
        ExportFormat::Jsonl => String::new(),
        ExportFormat::Markdown => {
            let mut head = format!("# {}\n", session.title.as_deref().unwrap_or("Session"));
            if left_out > 0 {
                let _ = write!(
                    head,
                    "\n*The {left_out} oldest entries are left out: the export has a limit of {most} bytes.*\n"
                );
            }
            head
        }
    };
    pieces.push(head);
    pieces.reverse();
    pieces.concat()
}

/// An item as the store keeps it, with its turn.
fn json_line(session: &Talk, at: usize) -> String {
    let Ok(mut value) = serde_json::to_value(&*session.history[at]) else { return String::new() };
    if let (Some(record), Value::Object(fields)) = (turn_log::record_at(&session.log, at), &mut value) {
        let turn = &session.log[record];
        fields.insert("turnId".into(), json!(turn.id));
        fields.insert("startedAt".into(), json!(turn.started_at.rfc3339()));
        fields.insert("endedAt".into(), json!(turn.ended_at.map(|at| at.rfc3339())));
        if turn.last == Some(at + 1) {
            fields.insert("stopReason".into(), json!(turn.stop));
        }
    }
    format!("{value}\n")
}

fn markdown(session: &Talk, at: usize) -> String {
    let record = turn_log::record_at(&session.log, at).map(|record| &session.log[record]);
    let mut text = String::new();
    match &*session.history[at] {
        Item::User(item) => user(&mut text, item, record),
        Item::Assistant(answer) => {
            let is_new = at == 0 || !goes_on(session, at);
            assistant(&mut text, answer, is_new);
        }
        Item::Compaction(done) => compaction(&mut text, done),
    }
    if let Some(turn) = record.filter(|turn| turn.last == Some(at + 1)) {
        ended(&mut text, turn);
    }
    text
}

/// The answer before was given in the same turn, and nobody has spoken since.
fn goes_on(session: &Talk, at: usize) -> bool {
    matches!(&*session.history[at - 1], Item::User(item) if item.prompts.is_empty()) && at > 1
        || matches!(&*session.history[at - 1], Item::Assistant(_))
}

// Writing into a string does not fail.
fn user(text: &mut String, item: &UserItem, turn: Option<&TurnRecord>) {
    for result in &item.results {
        let what = if result.is_error { "Error" } else { "Result" };
        let _ = write!(text, "\n<details><summary>{what}</summary>\n\n{}\n\n</details>\n", fenced("", &result.text));
    }
    if let Some(block) = &item.notification {
        let _ =
            write!(text, "\n<details><summary>Task notification</summary>\n\n{}\n\n</details>\n", fenced("", block));
    }
    for prompt in &item.prompts {
        let at = turn.map(|turn| format!(" · {}", turn.started_at.rfc3339())).unwrap_or_default();
        let _ = write!(text, "\n## You{at}\n\n{}\n", prompt::words(&prompt.content));
        for block in &prompt.content {
            let _ = match block {
                Content::Text { .. } => Ok(()),
                Content::Image { mime_type, .. } => write!(text, "\n*(a picture, {mime_type})*\n"),
                Content::Link { uri, name, lines } => {
                    let lines = lines.map(|(from, to)| format!(":{from}-{to}")).unwrap_or_default();
                    write!(text, "\n[{name}{lines}]({uri})\n")
                }
                Content::Resource { uri, text: body } => write!(text, "\n{uri}\n\n{}\n", fenced("", body)),
            };
        }
    }
}

fn assistant(text: &mut String, answer: &AssistantItem, is_new: bool) {
    if is_new {
        text.push_str("\n## Pillion\n");
    }
    for part in &answer.parts {
        let _ = match part {
            AssistantPart::Text { text: said } => write!(text, "\n{said}\n"),
            AssistantPart::Thinking { text: thought, .. } if !thought.trim().is_empty() => {
                write!(text, "\n<details><summary>Thinking</summary>\n\n{}\n\n</details>\n", fenced("", thought))
            }
            AssistantPart::ToolCall { name, input, .. } => write!(text, "\n`{name}`{}\n", called(name, input)),
            _ => Ok(()),
        };
    }
}

fn compaction(text: &mut String, done: &Compaction) {
    let _ = match &done.summary {
        Some(summary) => write!(text, "\n## Summary of what is above, for the model\n\n{}\n", fenced("", summary)),
        None => write!(text, "\n(From here on the model was not sent {} older outputs.)\n", done.left_out.len()),
    };
}

/// What a call was given, as it is read best: after the tool's name, a fence in lines of its own.
fn called(name: &str, input: &Value) -> String {
    let word = |key: &str| input[key].as_str();
    match (name, word("path"), word("command")) {
        ("bash" | "background_run", _, Some(command)) => format!("\n\n{}", fenced("sh", command)),
        ("edit_file", Some(path), _) => {
            let side = |sign: &str, key: &str| -> String {
                word(key).unwrap_or_default().lines().map(|line| format!("{sign}{line}\n")).collect()
            };
            format!(" {path}\n\n{}", fenced("diff", &(side("-", "old_string") + &side("+", "new_string"))))
        }
        ("write_file", Some(path), _) => format!(" {path}\n\n{}", fenced("", word("content").unwrap_or_default())),
        ("read_file", Some(path), _) => format!(" {path}"),
        _ => format!("\n\n{}", fenced("json", &input.to_string())),
    }
}

fn ended(text: &mut String, turn: &TurnRecord) {
    let how = match turn.stop {
        None | Some(StopReason::EndTurn) => None,
        Some(stop) => serde_json::to_value(stop).ok().and_then(|stop| stop.as_str().map(str::to_owned)),
    };
    if let Some(how) = how {
        let at = turn.ended_at.map(|at| format!(" · {}", at.rfc3339())).unwrap_or_default();
        let error = turn.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        let _ = write!(text, "\n*{}{at}{error}*\n", how.replace('_', " "));
    }
}

/// A code block whose fence is longer than any in the text.
fn fenced(language: &str, body: &str) -> String {
    let longest = body.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}", body.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::{ModelStop, Prompt, ToolResult};
    use crate::session::effect::TurnReason;
    use crate::task::model::Timestamp;

    fn session() -> Talk {
        let now = Timestamp(1_769_817_600_000);
        let prompt = Prompt { id: "p1".into(), content: vec![Content::Text { text: "Why?".into() }] };
        let question = UserItem { prompts: vec![prompt], ..UserItem::default() };
        let call = |id: &str, name: &str, input| AssistantPart::ToolCall {
            id: id.into(),
            name: name.into(),
            input,
            invalid: None,
        };
        let edit = json!({"path": "a.rs", "old_string": "one\ntwo", "new_string": "2"});
        let answer = AssistantItem {
            parts: vec![
                AssistantPart::Thinking { text: "Hm.".into(), signature: None },
                AssistantPart::Text { text: "I look.".into() },
                call("c1", "bash", json!({"command": "make"})),
                call("c2", "edit_file", edit),
            ],
            stop: ModelStop::ToolUse,
            provider: "test".into(),
            model: "m".into(),
        };
        let result = |id: &str, text: &str| ToolResult { call: id.into(), text: text.into(), is_error: id == "c2" };
        let results =
            UserItem { results: vec![result("c1", "a ``` fence"), result("c2", "no")], ..UserItem::default() };
        let items = [Item::User(question), Item::Assistant(answer), Item::User(results)];
        let mut turn = TurnRecord::begins("turn1".into(), TurnReason::Prompt, 0, now);
        turn.last = Some(3);
        turn.ended_at = Some(Timestamp(now.0 + 1_000));
        turn.stop = Some(StopReason::Cancelled);
        Talk { title: Some("A title".into()), history: items.into_iter().map(Arc::new).collect(), log: vec![turn] }
    }

    #[test]
    fn a_session_reads_as_markdown() {
        expect_test::expect![[r#"
            # A title

            ## You · 2026-01-31T00:00:00.000Z

            Why?

            ## Pillion

            <details><summary>Thinking</summary>

            ```
            Hm.
            ```

            </details>

            I look.

            `bash`

            ```sh
            make
            ```

            `edit_file` a.rs

            ```diff
            -one
            -two
            +2
            ```

            <details><summary>Result</summary>

            ````
            a ``` fence
            ````

            </details>

            <details><summary>Error</summary>

            ```
            no
            ```

            </details>

            *cancelled · 2026-01-31T00:00:01.000Z*
        "#]]
        .assert_eq(&text(&session(), ExportFormat::Markdown));
    }

    #[test]
    fn a_line_is_an_item_with_its_turn() {
        let text = text(&session(), ExportFormat::Jsonl);
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!((&lines[0]["role"], &lines[0]["turnId"]), (&json!("user"), &json!("turn1")));
        assert_eq!(lines[2]["stopReason"], "cancelled");
        for line in lines {
            // What is added does not keep the item from being read.
            serde_json::from_value::<Item>(line).unwrap();
        }
    }

    #[test]
    fn a_huge_one_says_how_much_is_left_out() {
        let session = session();
        let cut = newest(&session, ExportFormat::Markdown, 200);
        assert!(cut.contains("The 2 oldest entries are left out") && cut.contains("fence"), "{cut}");
        let cut = newest(&session, ExportFormat::Jsonl, 1);
        assert!(cut.starts_with("{\"leftOut\":2}\n") && cut.lines().count() == 2, "{cut}");
    }
}
