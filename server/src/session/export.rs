//! A session as text: for reading (Markdown), or for programs (JSON lines). Pure.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::agent::history::{AssistantPart, Compaction, Item, UserItem};
use crate::agent::prompt;

use super::event::ExportFormat;

/// The whole history as text.
pub(super) fn text(title: Option<&str>, history: &[Arc<Item>], format: ExportFormat) -> String {
    match format {
        ExportFormat::Jsonl => history
            .iter()
            .filter_map(|item| serde_json::to_string(&**item).ok())
            .fold(String::new(), |text, line| text + &line + "\n"),
        ExportFormat::Markdown => {
            let mut text = format!("# {}\n", title.unwrap_or("Session"));
            for item in history {
                match &**item {
                    Item::Compaction(done) => compaction(&mut text, done),
                    Item::User(item) => user(&mut text, item),
                    Item::Assistant(answer) => answer.parts.iter().for_each(|part| assistant(&mut text, part)),
                }
            }
            text
        }
    }
}

// Writing into a string does not fail.
fn user(text: &mut String, item: &UserItem) {
    for result in &item.results {
        let _ = write!(text, "\n{}\n", fenced(&result.text));
    }
    if let Some(block) = &item.notification {
        let _ = write!(text, "\n{}\n", fenced(block));
    }
    for prompt in &item.prompts {
        let _ = write!(text, "\n## You\n\n{}\n", prompt::words(&prompt.content));
    }
}

fn compaction(text: &mut String, done: &Compaction) {
    let _ = match &done.summary {
        Some(summary) => write!(text, "\n## Summary of what is above, for the model\n\n{}\n", fenced(summary)),
        None => write!(text, "\n(From here on the model was not sent {} older outputs.)\n", done.left_out.len()),
    };
}

fn assistant(text: &mut String, part: &AssistantPart) {
    let _ = match part {
        AssistantPart::Text { text: said } => write!(text, "\n## Pillion\n\n{said}\n"),
        AssistantPart::ToolCall { name, input, .. } => write!(text, "\n`{name}` {}\n", fenced(&input.to_string())),
        AssistantPart::Thinking { .. } | AssistantPart::RedactedThinking { .. } => Ok(()),
    };
}

/// A code block whose fence is longer than any in the text.
fn fenced(body: &str) -> String {
    let longest = body.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}", body.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::{Content, Prompt, ToolResult};

    #[test]
    fn a_session_reads_as_markdown() {
        let question = Item::User(UserItem {
            results: vec![ToolResult { call: "c1".into(), text: "a ``` fence".into(), is_error: false }],
            prompts: vec![Prompt { id: "p1".into(), content: vec![Content::Text { text: "Why?".into() }] }],
            ..UserItem::default()
        });
        let text = text(Some("A title"), &[Arc::new(question)], ExportFormat::Markdown);
        assert_eq!(text, "# A title\n\n````\na ``` fence\n````\n\n## You\n\nWhy?\n");
    }
}
