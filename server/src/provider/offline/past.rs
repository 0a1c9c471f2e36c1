//! What the history says of commands: which were started, as which tasks, what was told of their ends. Pure.

use std::sync::{Arc, LazyLock};

use regex::Regex;
use serde_json::Value;

use super::understand::is_task_id;
use crate::agent::history::{Item, ToolResult};

/// A command that this session started.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Started {
    pub command: String,
    /// The task's id, where the result named one.
    pub task: Option<String>,
    pub background: Option<bool>,
}

/// A tool call with its result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done<'a> {
    pub name: &'a str,
    pub input: &'a Value,
    pub result: &'a ToolResult,
}

/// One `<task_notification>` of a block.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Notice {
    pub task: String,
    pub status: String,
    pub command: String,
    pub exit_code: String,
    pub duration: String,
    pub summary: String,
    /// `file:line:col test: message`, one a line.
    pub failures: Vec<String>,
    pub tail: String,
    /// What a task that waits for input asks.
    pub question: String,
    /// Sentences on what the run did not include or left behind.
    pub notes: Vec<String>,
}

/// Every command that was started, oldest first.
pub(super) fn started(history: &[Arc<Item>]) -> Vec<Started> {
    let results: Vec<&ToolResult> = history.iter().flat_map(|item| results(item)).collect();
    let mut started = Vec::new();
    for item in history {
        let Item::Assistant(answer) = &**item else { continue };
        for (id, name, input) in answer.tool_calls() {
            let result = results.iter().find(|result| result.call == *id);
            if let (true, Some(command)) = (is_shell(name), input["command"].as_str())
                && result.is_none_or(|result| !result.is_error)
            {
                let background = input["run_in_background"].as_bool().or((name == "background_run").then_some(true));
                let task = result.and_then(|result| task_ids(&result.text).into_iter().next());
                started.push(Started { command: command.to_owned(), task, background });
            }
        }
    }
    started
}

/// The tools that run a command.
pub(super) fn is_shell(name: &str) -> bool {
    matches!(name, "bash" | "background_run")
}

fn results(item: &Item) -> &[ToolResult] {
    match item {
        Item::User(user) => &user.results,
        Item::Assistant(_) | Item::Compaction(_) => &[],
    }
}

/// The results of the newest item, each with its call.
pub(super) fn newest_results<'a>(history: &'a [Arc<Item>]) -> Vec<Done<'a>> {
    let Some(last) = history.last() else { return Vec::new() };
    let answer = history.iter().rev().find_map(|item| match &**item {
        Item::Assistant(answer) => Some(answer),
        Item::User(_) | Item::Compaction(_) => None,
    });
    let Some(answer) = answer else { return Vec::new() };
    let of = |result: &'a ToolResult| {
        let (_, name, input) = answer.tool_calls().find(|(id, ..)| **id == result.call)?;
        Some(Done { name, input, result })
    };
    results(last).iter().filter_map(of).collect()
}

/// All notifications so far, oldest first.
pub(super) fn notices(history: &[Arc<Item>]) -> Vec<Notice> {
    let blocks = history.iter().filter_map(|item| match &**item {
        Item::User(user) => user.notification.as_deref(),
        Item::Assistant(_) | Item::Compaction(_) => None,
    });
    blocks.flat_map(parse_block).collect()
}

/// The notifications of one block.
pub(super) fn parse_block(block: &str) -> Vec<Notice> {
    block.split("<task_notification>").skip(1).map(parse_notice).collect()
}

fn parse_notice(text: &str) -> Notice {
    let field = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        let (inside, _) = rest.split_once(&format!("</{tag}>"))?;
        Some(unescaped(inside.trim()))
    };
    let field = |tag: &str| field(tag).unwrap_or_default();
    Notice {
        task: field("task_id"),
        status: field("status"),
        command: field("command"),
        exit_code: field("exit_code"),
        duration: field("duration"),
        summary: field("summary"),
        failures: field("failures").lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        tail: field("output_tail"),
        question: field("question"),
        notes: text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("<note>")?.strip_suffix("</note>"))
            .map(unescaped)
            .collect(),
    }
}

/// Of text from outside only the `<` of the block's own tags was escaped.
fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
}

/// The task ids that a tool's result names, each once: where it says that it is one, else words that can be nothing else.
pub(super) fn task_ids(text: &str) -> Vec<String> {
    static SAID: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i:task[ _]id>?:?|\btask|\bas)[ `:>*]+(t[0-9a-z]{1,8})\b").expect("the pattern is valid")
    });
    const WORDS: &[&str] =
        &["task", "tasks", "the", "this", "that", "to", "test", "tests", "timed", "then", "there", "they", "two"];
    let mut ids: Vec<String> = Vec::new();
    let said = SAID.captures_iter(text).map(|found| found[1].to_owned()).filter(|word| !WORDS.contains(&word.as_str()));
    let alone = text
        .split(|char: char| char.is_whitespace() || "`*,;:()[]<>\"'.|".contains(char))
        .filter(|word| is_task_id(word))
        .map(str::to_owned);
    for id in said.chain(alone) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}
