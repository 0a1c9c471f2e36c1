//! The script's file: its shape, its reading, and its texts with `{{name}}` filled in. Pure: the caller reads the file.
//! Unknown fields are mistakes, told with line and column, so that a misspelled expectation cannot pass unseen.
//!
//! Every field but `steps` may be left out. `{{name}}` stands for what a step has captured: in the texts, tool inputs and
//! gates of that step's answer, and in everything of the steps after it, expectations included.
//!
//! ```json
//! {
//!   "description": "tests run in the background while a file is read",
//!   "model": "scripted", "contextWindow": 200000, "paceMs": 0, "repeatLast": false, "anyOrder": false,
//!   "steps": [
//!     {"note": "the prompt",
//!      "expect": {"contains": ["text anywhere"], "notContains": [], "lastUserContains": ["fix it"],
//!                 "lastUserNotContains": [], "times": {"fix it": 1}, "tools": ["bash"]},
//!      "answer": [
//!        {"thinking": "Hm.", "signature": "s"},
//!        {"text": "I run the tests.", "chunks": 3},
//!        {"tool": "bash", "input": {"command": "cargo test", "run_in_background": true}, "id": "call_a"}],
//!      "usage": {"input": 100, "output": 20, "cacheRead": 0, "cacheWrite": 0}},
//!     {"capture": {"task": "task (t[0-9a-z]+)"},
//!      "waitForFile": "gate-before-the-answer",
//!      "answer": [
//!        {"text": "{{task}} runs. "}, {"waitForFile": "gate-inside-the-answer"},
//!        {"restart": "the stream was cut"}, {"retrying": {"reason": "overloaded", "afterMs": 500, "attempt": 2}},
//!        {"tool": "check_background", "rawInput": "{\"task_id\": not JSON"}],
//!      "stop": "tool_use"},
//!     {"answer": [{"text": "half an ans"}], "error": {"kind": "unreachable", "message": "The line is dead."}}
//!   ]
//! }
//! ```
//!
//! `stop`: `end_turn`, `tool_use`, `max_tokens`, `pause`, `refusal`, `context_full`, `needs_model`. `error.kind`: `auth`,
//! `unknown_model`, `bad_request`, `rate_limited`, `unreachable`, `service`, `context_too_long`, `not_configured`.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::agent::history::ModelStop;
use crate::provider::{ProviderError, Usage};

/// A whole script.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Script {
    /// For people.
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default = "default_model")]
    pub model: String,
    /// What the provider says of its window, in tokens.
    #[serde(default = "default_window")]
    pub context_window: u64,
    /// Milliseconds between two pieces of an answer: for demonstrations.
    #[serde(default)]
    pub pace_ms: u64,
    pub steps: Vec<Step>,
    /// The last step answers every further request too.
    #[serde(default)]
    pub repeat_last: bool,
    /// A request takes the first unused step that expects it: for several sessions at once.
    #[serde(default)]
    pub any_order: bool,
}

/// One request and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// For messages, when something goes wrong.
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    pub expect: Expect,
    /// Names for `{{name}}` from here on: regular expressions with one group, over the last user message.
    #[serde(default)]
    pub capture: BTreeMap<String, Pattern>,
    /// Hold the answer until this file exists. A gate for tests: it is polled.
    pub wait_for_file: Option<String>,
    #[serde(default)]
    pub answer: Vec<Part>,
    /// Default: `tool_use` when the answer calls a tool, else `end_turn`.
    pub stop: Option<ModelStop>,
    #[serde(default)]
    pub usage: Tokens,
    /// Fail after the parts of `answer`.
    pub error: Option<Failure>,
}

/// What the request has to hold. Texts are looked for as they stand, capitals included.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expect {
    /// Anywhere: the system text and every message.
    #[serde(default)]
    pub contains: Vec<String>,
    #[serde(default)]
    pub not_contains: Vec<String>,
    /// In the last user message: tool results, notification, context, prompts.
    #[serde(default)]
    pub last_user_contains: Vec<String>,
    #[serde(default)]
    pub last_user_not_contains: Vec<String>,
    /// How often a text occurs in all messages.
    #[serde(default)]
    pub times: BTreeMap<String, usize>,
    /// Tools that the request has to offer.
    #[serde(default)]
    pub tools: Vec<String>,
}

/// A part of an answer, in the order of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawPart")]
pub enum Part {
    Thinking {
        text: String,
        signature: Option<String>,
    },
    /// `chunks`: in how many pieces it arrives; small ones when unset.
    Text {
        text: String,
        chunks: Option<usize>,
    },
    Tool {
        name: String,
        id: Option<String>,
        input: Value,
    },
    /// A call whose input is not valid JSON.
    BrokenTool {
        name: String,
        id: Option<String>,
        raw: String,
    },
    WaitForFile(String),
    /// Forget what arrived, as after a cut stream.
    Restart(String),
    /// Announce a wait (without waiting).
    Retrying {
        reason: String,
        after: Duration,
        attempt: u32,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawPart {
    thinking: Option<String>,
    signature: Option<String>,
    text: Option<String>,
    chunks: Option<usize>,
    tool: Option<String>,
    id: Option<String>,
    input: Option<Value>,
    raw_input: Option<String>,
    wait_for_file: Option<String>,
    restart: Option<String>,
    retrying: Option<RawRetrying>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawRetrying {
    reason: String,
    #[serde(default)]
    after_ms: u64,
    attempt: u32,
}

impl TryFrom<RawPart> for Part {
    type Error = String;

    fn try_from(raw: RawPart) -> Result<Self, String> {
        let RawPart { signature, chunks, id, input, raw_input, .. } = raw;
        let parts = [
            raw.thinking.map(|text| Self::Thinking { text, signature }),
            raw.text.map(|text| Self::Text { text, chunks }),
            match (raw.tool, raw_input) {
                (Some(name), Some(raw)) => Some(Self::BrokenTool { name, id, raw }),
                (Some(name), None) => {
                    let input = input.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
                    if !input.is_object() {
                        return Err(format!("the `input` of the tool {name:?} is not an object"));
                    }
                    Some(Self::Tool { name, id, input })
                }
                (None, _) => None,
            },
            raw.wait_for_file.map(Self::WaitForFile),
            raw.restart.map(Self::Restart),
            raw.retrying.map(|RawRetrying { reason, after_ms, attempt }| Self::Retrying {
                reason,
                after: Duration::from_millis(after_ms),
                attempt,
            }),
        ];
        let mut parts = parts.into_iter().flatten();
        match (parts.next(), parts.next()) {
            (Some(part), None) => Ok(part),
            _ => Err("a part of an answer has exactly one of `thinking`, `text`, `tool`, `waitForFile`, `restart`, \
                      `retrying`"
                .into()),
        }
    }
}

/// What the answer says it cost.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Tokens {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
}

impl From<Tokens> for Usage {
    fn from(Tokens { input, output, cache_read, cache_write }: Tokens) -> Self {
        Self { input, output, cache_read, cache_write, cost: None }
    }
}

/// An error instead of the answer's end.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    kind: ErrorKind,
    message: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ErrorKind {
    Auth,
    UnknownModel,
    BadRequest,
    RateLimited,
    Unreachable,
    Service,
    ContextTooLong,
    NotConfigured,
}

impl From<Failure> for ProviderError {
    fn from(Failure { kind, message }: Failure) -> Self {
        match kind {
            ErrorKind::Auth => Self::Auth(message),
            ErrorKind::UnknownModel => Self::UnknownModel(message),
            ErrorKind::BadRequest => Self::BadRequest(message),
            ErrorKind::RateLimited => Self::RateLimited(message),
            ErrorKind::Unreachable => Self::Unreachable(message),
            ErrorKind::Service => Self::Service(message),
            ErrorKind::ContextTooLong => Self::ContextTooLong(message),
            ErrorKind::NotConfigured => Self::NotConfigured(message),
        }
    }
}

/// A regular expression with one group.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(pub Regex);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let regex = Regex::new(&text).map_err(|error| error.to_string())?;
        if regex.captures_len() != 2 {
            return Err(format!("the expression {text:?} needs exactly one group"));
        }
        Ok(Self(regex))
    }
}

fn default_model() -> String {
    "scripted".to_owned()
}

fn default_window() -> u64 {
    200_000
}

impl Script {
    /// Reads a script. The error names line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        let script: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if script.steps.is_empty() {
            return Err("`steps` is empty; a script needs at least one".into());
        }
        Ok(script)
    }
}

/// Captured names and their values.
pub type Names = BTreeMap<String, String>;

/// `text` with every `{{name}}` filled in.
pub fn fill(text: &str, names: &Names) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let name = after
            .split_once("}}")
            .filter(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        rest = match name {
            Some((name, after)) => {
                let value = names.get(name).ok_or_else(|| format!("nothing was captured as {{{{{name}}}}}"))?;
                filled.push_str(value);
                after
            }
            None => {
                filled.push_str("{{");
                after
            }
        };
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The same for every text inside a value.
pub fn fill_value(value: &Value, names: &Names) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(fill(text, names)?),
        Value::Array(values) => Value::Array(values.iter().map(|v| fill_value(v, names)).collect::<Result<_, _>>()?),
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(key, v)| Ok((key.clone(), fill_value(v, names)?))).collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}
