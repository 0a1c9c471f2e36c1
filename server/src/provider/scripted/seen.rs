//! A request as plain text, for the expectations and captures of a script. Pure.

use super::script::{Expect, Names, Step, fill};
use crate::provider::ModelRequest;
use crate::provider::anthropic::{self, Block, Message};

/// Most characters of a message that an error shows.
const SHOWN: usize = 3000;

/// A request as plain text: what expectations look at.
pub struct Seen {
    system: String,
    tools: Vec<String>,
    messages: Vec<String>,
    last_user: String,
}

impl Seen {
    /// The request's system text, and every message in plain text.
    pub fn of(request: &ModelRequest) -> Self {
        let messages = anthropic::messages(&request.history);
        let last_user = messages.iter().rfind(|message| message.role == anthropic::Role::User);
        Self {
            system: request.system.to_string(),
            tools: request.tools.iter().map(|tool| tool.name.clone()).collect(),
            last_user: last_user.map(plain).unwrap_or_default(),
            messages: messages.iter().map(plain).collect(),
        }
    }

    /// Whether the request holds what a step expects; the error says what is missing.
    pub fn meets(&self, expect: &Expect, names: &Names) -> Result<(), String> {
        let anywhere = |text: &str| self.system.contains(text) || self.messages.iter().any(|m| m.contains(text));
        for text in &expect.contains {
            let text = fill(text, names)?;
            if !anywhere(&text) {
                return Err(format!("expected somewhere in the request: {text:?}"));
            }
        }
        for text in &expect.not_contains {
            let text = fill(text, names)?;
            if anywhere(&text) {
                return Err(format!("expected nowhere in the request: {text:?}"));
            }
        }
        for text in &expect.last_user_contains {
            let text = fill(text, names)?;
            if !self.last_user.contains(&text) {
                return Err(format!("expected in the last user message: {text:?}"));
            }
        }
        for text in &expect.last_user_not_contains {
            let text = fill(text, names)?;
            if self.last_user.contains(&text) {
                return Err(format!("expected not to be in the last user message: {text:?}"));
            }
        }
        for (text, times) in &expect.times {
            let text = fill(text, names)?;
            let found: usize = self.messages.iter().map(|message| message.matches(&text).count()).sum();
            if found != *times {
                return Err(format!("expected {times} times in all messages, and found {found} times: {text:?}"));
            }
        }
        match expect.tools.iter().find(|tool| !self.tools.contains(tool)) {
            Some(tool) => Err(format!("expected the tool {tool:?}; the request offers: {}", self.tools.join(", "))),
            None => Ok(()),
        }
    }

    /// The names so far, and the step's own.
    pub fn capture(&self, step: &Step, names: &Names) -> Result<Names, String> {
        let mut names = names.clone();
        for (name, pattern) in &step.capture {
            let found = pattern.0.captures(&self.last_user).and_then(|groups| groups.get(1));
            let found = found.ok_or_else(|| format!("nothing to capture as {name:?} by {:?}", pattern.0.as_str()))?;
            names.insert(name.clone(), found.as_str().to_owned());
        }
        Ok(names)
    }

    /// For errors.
    pub fn last_message(&self) -> String {
        let mut shown: String = self.last_user.chars().take(SHOWN).collect();
        if shown.len() < self.last_user.len() {
            shown.push('…');
        }
        format!("The last user message was:\n{shown}")
    }
}

/// The texts of a message, one a line: tool results and calls included.
fn plain(message: &Message<'_>) -> String {
    let blocks: Vec<String> = message.content.iter().map(|marked| plain_block(&marked.block)).collect();
    blocks.join("\n")
}

fn plain_block(block: &Block<'_>) -> String {
    match block {
        Block::Text { text } => text.to_string(),
        Block::Image { .. } => "[image]".to_owned(),
        Block::Thinking { thinking, .. } => (*thinking).to_owned(),
        Block::RedactedThinking { .. } => String::new(),
        Block::ToolUse { name, input, .. } => format!("{name} {input}"),
        Block::ToolResult { content, .. } => content.iter().map(plain_block).collect::<Vec<_>>().join("\n"),
    }
}
