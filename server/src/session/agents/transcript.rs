//! What a subagent says and does as plain lines, for the file that people and models read as its task's output. Pure.

use std::fmt::Write as _;

use crate::agent::history::{AssistantItem, AssistantPart, Item, UserItem};
use crate::agent::{notification, prompt};
use crate::session::calls::row;
use crate::tool::input;

/// Characters of one text that is not the model's own.
const CUT: usize = 2_000;
/// Characters of a result's line.
const LINE: usize = 200;

/// The lines of one item of a history; empty for what nobody reads.
pub(in crate::session) fn lines(item: &Item) -> String {
    match item {
        Item::User(item) => user(item),
        Item::Assistant(item) => assistant(item),
        Item::Compaction(_) => "  ↳ older parts of the conversation are left out from here on\n\n".to_owned(),
    }
}

/// What the model says in an answer, calls apart.
pub(in crate::session) fn words(item: &AssistantItem) -> String {
    let texts = item.parts.iter().filter_map(|part| match part {
        AssistantPart::Text { text } => Some(text.trim_end()).filter(|text| !text.trim().is_empty()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

// Writing into a string does not fail.
fn user(item: &UserItem) -> String {
    let mut text = String::new();
    for result in &item.results {
        let mark = if result.is_error { "✗" } else { "↳" };
        let mut lines = result.text.lines().filter(|line| !line.trim().is_empty());
        let first = notification::cut(lines.next().unwrap_or("(nothing)"), LINE);
        let _ = match lines.count() {
            0 => writeln!(text, "  {mark} {first}"),
            1 => writeln!(text, "  {mark} {first} (1 more line)"),
            more => writeln!(text, "  {mark} {first} ({more} more lines)"),
        };
    }
    for task in item.notification.iter().flat_map(|block| notification::tasks_of(block)) {
        let _ = writeln!(text, "  ↳ told of {task}");
    }
    for prompt in &item.prompts {
        let words = notification::cut(&prompt::words(&prompt.content), CUT);
        words.lines().for_each(|line| {
            let _ = writeln!(text, "{}", format!("> {line}").trim_end());
        });
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn assistant(item: &AssistantItem) -> String {
    let mut text = words(item);
    if !text.is_empty() {
        text.push('\n');
    }
    for (call, name, given) in item.tool_calls() {
        let title = row(call, name, given, &input::parse(name, given)).title;
        let _ = writeln!(text, "• {title}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::{Content, ModelStop, Prompt, ToolResult};
    use serde_json::json;

    #[test]
    fn a_transcript_is_plain_lines() {
        let prompt = Prompt { id: "p".into(), content: vec![Content::Text { text: "Find it.\n\nNow.".into() }] };
        let items = [
            Item::User(UserItem { prompts: vec![prompt], ..UserItem::default() }),
            Item::Assistant(AssistantItem {
                parts: vec![
                    AssistantPart::Thinking { text: "hm".into(), signature: None },
                    AssistantPart::Text { text: "I look.\n".into() },
                    AssistantPart::ToolCall {
                        id: "c1".into(),
                        name: "read_file".into(),
                        input: json!({"path": "a.rs"}),
                        invalid: None,
                    },
                ],
                stop: ModelStop::ToolUse,
                provider: "test".into(),
                model: "m".into(),
            }),
            Item::User(UserItem {
                results: vec![
                    ToolResult { call: "c1".into(), text: "\nfn a\nfn b\nfn c\n".into(), is_error: false },
                    ToolResult { call: "c2".into(), text: "no such file".into(), is_error: true },
                ],
                notification: Some("<task_notification>\n<task_id>t5</task_id>".into()),
                ..UserItem::default()
            }),
            Item::Assistant(AssistantItem {
                parts: vec![AssistantPart::Text { text: "It is there.".into() }],
                stop: ModelStop::EndTurn,
                provider: "test".into(),
                model: "m".into(),
            }),
        ];
        assert_eq!(
            items.iter().map(lines).collect::<String>(),
            "> Find it.\n>\n> Now.\n\nI look.\n• Read a.rs\n  ↳ fn a (2 more lines)\n  ✗ no such file\n  ↳ told of t5\n\nIt is \
             there.\n"
        );
    }
}
