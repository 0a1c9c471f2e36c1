//! The settings that the state machine goes by: plain values, taken from `Config` whenever it changes.

use std::path::PathBuf;
use std::sync::Arc;

use crate::agent::approval::{Mode, Said};
use crate::agent::notification::Limits;
use crate::config::Config;
use crate::provider::names::{self, Known};
use crate::task::model::OnClose;

use super::budget::Budget;
use super::schedule::{Exclusive, exclusive};

/// What subagents may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentLimits {
    /// How many work at a time; at least 1.
    pub max_concurrent: usize,
    /// Model requests of one.
    pub max_requests: u32,
    /// Their model; that of their session when unset.
    pub model: Option<String>,
}

/// What the state machine needs to know. All times in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub root: PathBuf,
    /// The workspace's folders, `root` among them.
    pub roots: Vec<PathBuf>,
    /// The person's home.
    pub home: PathBuf,
    /// What the settings' files say of calls.
    pub said: Vec<Said>,
    /// Where run folders are made: `<task>/<run>/`.
    pub runs: PathBuf,
    /// Where results of tool calls are kept that are too long for a model: `<session>/`.
    pub results: PathBuf,
    pub mode: Mode,
    /// The model of new sessions.
    pub model: String,
    /// The model that words titles and labels, where there is one.
    pub small_model: Option<String>,
    /// The word of the default provider (`anthropic`, `offline`, `scripted`); `none` when the settings name none.
    pub provider: String,
    /// The providers that a model's name can choose.
    pub known: Vec<Known>,
    pub max_tokens: u32,
    pub slots: usize,
    /// What runs one at a time.
    pub exclusive: Vec<Exclusive>,
    pub background_timeout: Option<u64>,
    pub foreground_timeout: u64,
    pub check_in: u64,
    pub promote_after: u64,
    pub promote_slow_after: u64,
    pub wake_debounce: u64,
    pub max_auto_turns: u32,
    /// A session that was away for so long tells what happened meanwhile.
    pub since_after: Option<u64>,
    /// Model requests of one turn, after which it ends with `max_turn_requests`.
    pub max_turn_requests: u32,
    pub agents: AgentLimits,
    /// Compilers' and linters' problems are not shown.
    pub tests_alone: bool,
    /// Folders inside of containers, and what they are here.
    pub path_map: Arc<[(String, PathBuf)]>,
    pub stop_grace: u64,
    /// Without output and work for so long, a command may be waiting for an answer.
    pub stall_after: u64,
    pub output_cap: u64,
    /// What becomes of tasks when this sidecar goes away.
    pub on_close: OnClose,
    pub output_total: u64,
    pub limits: Limits,
    /// Characters of a tool result.
    pub max_result: usize,
    pub budget: Budget,
    /// Calls of one answer that only read and are under way at a time.
    pub reads_at_once: usize,
}

impl Settings {
    /// The settings of a configuration. `model` and `provider` come from the provider that answers. No other is known.
    pub fn new(config: &Config, root: PathBuf, runs: PathBuf, provider: &str, model: &str) -> Self {
        let background = &config.background;
        let ms = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            roots: vec![root.clone()],
            home: config.home.clone(),
            tests_alone: config.diagnostics.tests_alone,
            path_map: config
                .diagnostics
                .path_map
                .iter()
                .map(|(inside, here)| (inside.clone(), root.join(here)))
                .collect(),
            said: config.permissions.said.clone(),
            root,
            results: runs.with_file_name("results"),
            runs,
            mode: Mode::parse(&config.permissions.mode).unwrap_or(Mode::Ask),
            model: model.to_owned(),
            small_model: config.sessions.small_model.clone(),
            provider: provider.to_owned(),
            known: Vec::new(),
            max_tokens: config.model.max_tokens,
            slots: background.max_concurrent.max(1),
            exclusive: exclusive(&background.exclusive),
            background_timeout: background.timeout.map(ms),
            foreground_timeout: 120_000,
            check_in: ms(background.check_in),
            promote_after: ms(background.promote_after),
            promote_slow_after: ms(background.promote_slow_after),
            wake_debounce: ms(background.wake_debounce),
            max_auto_turns: background.max_auto_turns,
            since_after: config.sessions.since.map(ms),
            max_turn_requests: 200,
            agents: AgentLimits {
                max_concurrent: config.agents.max_concurrent,
                max_requests: config.agents.max_requests,
                model: config.agents.model.clone(),
            },
            stop_grace: ms(background.stop_grace),
            stall_after: ms(background.stall_after),
            output_cap: background.output_cap,
            on_close: background.on_close,
            output_total: background.output_total,
            limits: Limits { task: background.notification_chars, block: background.block_chars },
            max_result: 30_000,
            budget: Budget {
                session: config.budget.session,
                auto_turns: config.budget.auto_turns,
                session_tokens: config.budget.session_tokens,
            },
            reads_at_once: 10,
        }
    }
}

impl Settings {
    /// The provider of a session's model.
    pub(super) fn provider_of(&self, model: &str) -> &str {
        names::parse(model).provider.unwrap_or(&self.provider)
    }

    /// Why that provider cannot answer, with the remedy.
    pub(super) fn problem(&self, word: &str) -> Option<&str> {
        self.known.iter().find(|known| known.word == word)?.problem.as_deref()
    }
}
