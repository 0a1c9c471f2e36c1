//! One conversation and its running turn, as data. What is done with them is in `turn`, `calls` and `sessions`.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use crate::agent::approval::Mode;
use crate::agent::history::{History, Item, Prompt, ToolResult};
use crate::agent::notification::Key;
use crate::agent::prompt;
use crate::ids::{MessageId, PromptId, SessionId, ToolCallId, TurnId};
use crate::provider::{ModelFacts, names};
use crate::task::model::Timestamp;
use crate::tool::FileSeen;
use crate::tool::input::Todo;

use super::agents::Parent;
use super::calls::CallState;
use super::compaction::Compacting;
use super::effect::{StopReason, UsageSum};
use super::event::StoredSession;
use super::history::Written;
use super::instructions::Nested;
use super::looks::Looks;
use super::mentions::Pointed;
use super::settings::Settings;
use super::since::Changes;
use super::small::TitleBy;
use super::stop::Barred;
use super::turn_log::{TurnRecord, close_cut};
use super::usage::Meter;

/// One conversation.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    /// The call that it works for, where it is a subagent's: then it lives in memory alone, and no client knows it.
    pub(super) parent: Option<Parent>,
    pub(super) title: Option<String>,
    pub(super) title_by: TitleBy,
    pub(super) cwd: PathBuf,
    pub(super) mode: Mode,
    pub(super) model: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) turns: u32,
    /// Frozen: prompt caches depend on it.
    pub(super) system: Arc<str>,
    /// The instruction files for the system text are being read: no request leaves before.
    pub(super) awaits_instructions: bool,
    /// What happened while it was away is to be told when earlier runs have been heard: since when, and what was found.
    pub(super) since: Option<(Timestamp, Changes)>,
    pub(super) nested: Nested,
    /// Everything that was ever said.
    pub(super) history: Vec<Arc<Item>>,
    /// What requests hold of it.
    pub(super) view: History,
    pub(super) meter: Meter,
    /// A summary is being written.
    pub(super) compacting: Option<Compacting>,
    /// A person wants a compaction before the next request, and what of it.
    pub(super) compact_wanted: Option<Option<String>>,
    /// The service has refused the newest request as too long.
    pub(super) overflowed: bool,
    pub(super) written: Written,
    /// Its turns, oldest first; the last one has no end while it runs.
    pub(super) log: Vec<TurnRecord>,
    /// The day that the model was told last.
    pub(super) told_date: String,
    /// The mode that `/plan` left.
    pub(super) before_plan: Option<Mode>,
    /// The model was told that it only plans.
    pub(super) told_plan: bool,
    /// Results of calls of the newest answer that a cancelled turn left for the next drain.
    pub(super) left_over: Vec<ToolResult>,
    pub(super) queue: Vec<Prompt>,
    /// What prompts that are on their way point at.
    pub(super) pointed: HashMap<PromptId, Pointed>,
    pub(super) turn: Option<Turn>,
    /// Files in which a person took back edits, and the model does not know yet.
    pub(super) reverted: Vec<PathBuf>,
    /// Edits are being taken back.
    pub(super) reverting: bool,
    /// The agent's steps, in order.
    pub(super) plan: Vec<Todo>,
    pub(super) seen: FileSeen,
    /// Outputs of foreground commands that a result has named: to be read without a question.
    pub(super) given_outputs: BTreeSet<PathBuf>,
    /// The agent has done something in it that may change what a test finds.
    pub(super) has_acted: bool,
    /// What the model has seen of tasks, so that a second look can say that nothing is new.
    pub(super) looks: Looks,
    /// What people have stopped since a person spoke here last: commands, folders, and the tasks.
    pub(super) barred: Vec<Barred>,
    /// A person has spoken in it since it was loaded: only then may it wake by itself.
    pub(super) spoken: bool,
    /// It is about to wake: the timer is set.
    pub(super) waking: bool,
    /// Turns in a row that started by themselves.
    pub(super) auto_turns: u32,
    pub(super) wakes_paused: bool,
    pub(super) usage: UsageSum,
    /// The person knows that a budget in dollars does not hold.
    pub(super) warned_of_price: bool,
    /// What is known of its model; `None` until the provider has said.
    pub(super) facts: Option<ModelFacts>,
    /// Reports that are in the history and that no model has begun to answer.
    pub(super) carried: Vec<Key>,
}

/// One answer in the making.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) id: TurnId,
    /// It started by itself, and no person has spoken in it.
    pub(super) auto: bool,
    pub(super) phase: Phase,
    pub(super) requests: u32,
    /// The message that streams now, and its text so far (kept when the turn is cancelled).
    pub(super) message: Option<MessageId>,
    pub(super) partial: String,
    pub(super) thought: Option<MessageId>,
    /// The thinking that streams now: shown to a client that joins in, and no part of a cut answer.
    pub(super) thinking: String,
    pub(super) calls: Vec<CallState>,
    /// Rows that were shown while the answer was still streaming, and the tools' names.
    pub(super) announced: Vec<(ToolCallId, String)>,
    /// The newest request carried a block of notifications.
    pub(super) carried_block: bool,
    pub(super) continued: bool,
    /// What the next item tells the model, while it waits for what its prompts point at.
    pub(super) nudge: Option<String>,
    /// A compaction in it has gained less than a fifth.
    pub(super) gained_nothing: bool,
    /// Requests in a row that the service refused as too long.
    pub(super) overflows: u32,
    pub(super) usage: UsageSum,
}

/// What a turn waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// What the next prompts point at.
    Reading,
    /// The store: the request may leave when that many items are written.
    Committing(usize),
    /// What the request needs before it leaves: the instruction files, or a compaction.
    Preparing,
    /// The model.
    Asking,
    /// Tool calls.
    Working,
}

impl Session {
    /// A conversation that begins now. Its system text is fixed from here on.
    pub(super) fn new(
        id: SessionId,
        settings: &Settings,
        cwd: PathBuf,
        mode: Mode,
        model: String,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            parent: None,
            title: None,
            title_by: TitleBy::Rule,
            mode,
            model,
            created_at: now,
            updated_at: now,
            turns: 0,
            system: prompt::system(&settings.root, &cwd, &now.date(), None).into(),
            awaits_instructions: false,
            since: None,
            nested: Nested::default(),
            told_date: now.date(),
            before_plan: None,
            told_plan: false,
            cwd,
            history: Vec::new(),
            view: History::default(),
            meter: Meter::default(),
            compacting: None,
            compact_wanted: None,
            overflowed: false,
            written: Written::default(),
            log: Vec::new(),
            left_over: Vec::new(),
            queue: Vec::new(),
            pointed: HashMap::new(),
            turn: None,
            reverted: Vec::new(),
            reverting: false,
            plan: Vec::new(),
            seen: Arc::default(),
            given_outputs: BTreeSet::new(),
            has_acted: false,
            looks: Looks::default(),
            barred: Vec::new(),
            spoken: false,
            waking: false,
            auto_turns: 0,
            wakes_paused: false,
            usage: UsageSum::default(),
            warned_of_price: false,
            facts: None,
            carried: Vec::new(),
        }
    }

    /// A session of an earlier sidecar. It does not wake before a person speaks in it.
    pub(super) fn restored(stored: StoredSession, settings: &Settings) -> Self {
        let history: Vec<Arc<Item>> = stored.history.into_iter().map(Arc::new).collect();
        let model = model_again(stored.model, &history, settings);
        let said = history.iter().rev().find(|item| !matches!(***item, Item::Compaction(_)));
        let left_over = match said.map(|item| &**item) {
            Some(Item::Assistant(answer)) => {
                let cancelled = stored.log.last().is_some_and(|turn| turn.stop == Some(StopReason::Cancelled));
                let text = if cancelled {
                    "Cancelled by the user before it ended."
                } else {
                    "Pillion went away before this call was answered: its result is not known."
                };
                answer.tool_calls().map(|(call, ..)| super::turn::result(call, text, true)).collect()
            }
            _ => Vec::new(),
        };
        let mut log = stored.log;
        close_cut(&mut log, history.len(), stored.updated_at);
        let mode = Mode::parse(&stored.mode).unwrap_or(Mode::Ask);
        let new = Self::new(stored.id, settings, stored.cwd, mode, model, stored.created_at);
        let mut restored = Self {
            title: stored.title,
            title_by: stored.title_by,
            // To the letter what its earlier requests began with.
            system: stored.system.map_or(new.system, Arc::from),
            usage: stored.usage,
            updated_at: stored.updated_at,
            turns: stored.turns,
            written: Written::all(history.len()),
            history,
            log,
            left_over,
            plan: stored.plan,
            reverted: stored.reverted,
            // What it did before is in its history, and not asked for.
            has_acted: true,
            carried: stored.carried,
            ..new
        };
        restored.renew_view();
        restored
    }

    /// The session's row in the store, without its history.
    pub(super) fn row(&self) -> StoredSession {
        StoredSession {
            id: self.id.clone(),
            title: self.title.clone(),
            title_by: self.title_by,
            cwd: self.cwd.clone(),
            mode: self.mode.as_str().to_owned(),
            model: self.model.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            turns: self.turns,
            usage: self.usage,
            system: None,
            history: Vec::new(),
            log: Vec::new(),
            carried: Vec::new(),
            pending: Vec::new(),
            tasks: Vec::new(),
            head: None,
            plan: Vec::new(),
            reverted: Vec::new(),
        }
    }
}

/// The model of a session of an earlier sidecar: its own, where that means today what it meant then.
fn model_again(stored: String, history: &[Arc<Item>], settings: &Settings) -> String {
    let is_known = match names::parse(&stored).provider {
        Some(word) => settings.problem(word).is_none(),
        // A name alone means something to the provider that answered last, and to no other.
        None => {
            let last = history.iter().rev().find_map(|item| match &**item {
                Item::Assistant(answer) => Some(answer.provider.as_str()),
                Item::User(_) | Item::Compaction(_) => None,
            });
            last.is_none_or(|provider| provider == settings.provider)
        }
    };
    if is_known { stored } else { settings.model.clone() }
}
