//! Subagents: a model's call that is done by a conversation of its own. The conversation is a session among the others,
//! with a parent: its turn, calls, questions and notifications go the way of all; what clients see of it belongs to the
//! parent's session and names the call. It lives in memory alone: nothing of it can be resumed, and its row says so.
//!
//! Each has a row in the ledger: out of sight while a call waits for it, as a foreground command has, a task of kind
//! `agent` else. Subagents take no slots; so many work at a time, and the others wait for their turn in order. `over` has
//! their ends, `transcript` the lines of the task's output.
//!
//! Invariants: a subagent starts none; it never sees notifications of its parent; a report is told once.

mod by_person;
mod over;
mod transcript;

use std::collections::VecDeque;

use crate::agent::approval::Mode;
use crate::agent::history::{AssistantItem, Content, Item, Prompt};
use crate::agent::{instructions, notification, prompt};
use crate::ids::{SessionId, TaskId, ToolCallId, TurnId};
use crate::task::model::{Group, Kind, OutputInfo, Status, WaitKind, WaitingFor};
use crate::task::model::{Origin, Task};
use crate::task::run::RunId;
use crate::tool::input::Agent;

use super::calls::Step;
use super::conversation::Session;
use super::effect::{Effect, Outgoing, ToolChange, TurnReason, Update};
use super::event::{CallName, StartTask};
use super::state::State;
use super::usage::Meter;

use self::over::Over;

/// Where a subagent belongs.
#[derive(Clone, Debug)]
pub(super) struct Parent {
    /// The conversation that called it: never a subagent's.
    pub(super) session: SessionId,
    /// The turn and the call that it works for.
    pub(super) turn: TurnId,
    pub(super) call: ToolCallId,
    /// Its row.
    pub(super) task: TaskId,
}

/// One that waits for its turn, works, or whose last lines are being written.
#[derive(Debug)]
struct Subagent {
    parent: Parent,
    prompt: String,
    /// Its conversation, while it works.
    child: Option<SessionId>,
    /// What went into its transcript, and how much of it is written.
    bytes: u64,
    lines: u64,
    written: u64,
    /// Its newest words that are no call, and where they begin in the transcript.
    words: Option<(u64, String)>,
    /// What the person said to it instead of a yes.
    said: Vec<String>,
    over: Option<Over>,
    /// A person has started it: no model's call is behind it.
    by_person: bool,
}

impl Subagent {
    /// One that waits for its turn.
    fn new(parent: Parent, prompt: String, by_person: bool) -> Self {
        Self {
            parent,
            prompt,
            child: None,
            bytes: 0,
            lines: 0,
            written: 0,
            words: None,
            said: Vec::new(),
            over: None,
            by_person,
        }
    }
}

/// The subagents, in the order of their calls.
#[derive(Debug, Default)]
pub(super) struct Subagents {
    all: Vec<Subagent>,
    /// The last ones that are gone, with what they worked for: a tool may end after them.
    gone: VecDeque<(SessionId, Parent)>,
}

/// Subagents that are remembered.
const GONE: usize = 100;

impl Subagents {
    /// A conversation is over.
    fn remember(&mut self, child: SessionId, parent: Parent) {
        if self.gone.len() == GONE {
            self.gone.pop_front();
        }
        self.gone.push_back((child, parent));
    }

    fn of(&mut self, task: &TaskId) -> Option<&mut Subagent> {
        self.all.iter_mut().find(|subagent| subagent.parent.task == *task)
    }
}

impl State {
    pub(super) fn is_subagent(&self, session: &SessionId) -> bool {
        self.parent(session).is_some()
    }

    pub(super) fn parent(&self, session: &SessionId) -> Option<&Parent> {
        self.sessions.get(session)?.parent.as_ref()
    }

    /// The session of a conversation as people know it: its own, or the one that its subagent works for.
    pub(super) fn root<'a>(&'a self, session: &'a SessionId) -> &'a SessionId {
        self.parent(session).map_or(session, |parent| &parent.session)
    }

    /// Whose an edit is, and which turn's, for whoever takes it back: a subagent's is its session's.
    pub(super) fn credited(&self, session: &SessionId, turn: &TurnId) -> (SessionId, TurnId) {
        let gone = || self.subagents.gone.iter().find(|(child, _)| child == session).map(|(_, parent)| parent);
        match self.parent(session).or_else(gone) {
            Some(parent) => (parent.session.clone(), parent.turn.clone()),
            None => (session.clone(), turn.clone()),
        }
    }

    /// What may be done unasked is the session's business, at this moment.
    pub(super) fn mode_of(&self, session: &SessionId) -> Mode {
        self.sessions.get(self.root(session)).map_or(Mode::Ask, |owner| owner.mode)
    }

    /// A call waits for the subagent of this row.
    pub(super) fn waits_for_subagent(&self, task: &TaskId) -> bool {
        self.ledger.get(task).is_some_and(|entry| entry.foreground.is_some())
    }

    /// A model wants a subagent.
    pub(super) fn start_subagent(&mut self, session: &SessionId, id: &ToolCallId, turn: &TurnId, agent: &Agent) {
        let Some(owner) = self.sessions.get(session) else { return };
        let words = [&agent.description, &agent.prompt];
        let label = words.iter().find_map(|text| text.lines().map(str::trim).find(|line| !line.is_empty()));
        let label = notification::cut(label.unwrap_or_default(), 80);
        let start = StartTask {
            cwd: Some(owner.cwd.clone()),
            session: Some(session.clone()),
            label: Some(label.clone()),
            kind: Some(Kind::Agent),
            group: Some(Group::Other),
            ..StartTask::new(label, Origin::Agent)
        };
        let task = self.enter(start);
        let waits = agent.run_in_background != Some(true);
        if let Some(entry) = self.ledger.get_mut(&task) {
            entry.task.tool_call = Some(id.clone());
            entry.foreground = waits.then(|| (session.clone(), turn.clone(), id.clone()));
        }
        let parent = Parent { session: session.clone(), turn: turn.clone(), call: id.clone(), task: task.clone() };
        self.subagents.all.push(Subagent::new(parent, agent.prompt.clone(), false));
        if waits && let Some(state) = self.call(session, id) {
            state.step = Step::Foreground(task.clone());
        }
        self.place_subagents();
        if waits {
            return;
        }
        let queued = self.ledger.get(&task).is_some_and(|entry| entry.task.status == Status::Queued);
        let what = if queued { "waits for its turn behind other subagents" } else { "works in the background" };
        let text = format!(
            "The subagent {task} {what}. Go on with other work or end your turn: its report comes by itself when it ends."
        );
        self.finish_call(session, id, text, false, ToolChange::of(task));
    }

    /// Sets those to work whose turn it is. Whoever queues one or ends one calls this.
    pub(super) fn place_subagents(&mut self) {
        let most = self.settings.agents.max_concurrent;
        while self.subagents.all.iter().filter(|subagent| subagent.child.is_some()).count() < most {
            let waits = |subagent: &Subagent| subagent.child.is_none() && subagent.over.is_none();
            let Some(at) = self.subagents.all.iter().position(waits) else { return };
            self.begin_subagent(at);
        }
        let waiting = self.subagents.all.iter().filter(|subagent| subagent.child.is_none() && subagent.over.is_none());
        for task in waiting.map(|subagent| subagent.parent.task.clone()).collect::<Vec<_>>() {
            if let Some(entry) = self.ledger.get_mut(&task).filter(|entry| entry.task.waiting_for.is_none()) {
                entry.task.waiting_for = Some(WaitingFor::of(WaitKind::Slot));
                self.task_changed(&task);
            }
        }
    }

    fn begin_subagent(&mut self, at: usize) {
        let (child, now) = (self.ids.session(), self.now());
        let subagent = &mut self.subagents.all[at];
        subagent.child = Some(child.clone());
        let (parent, words) = (subagent.parent.clone(), subagent.prompt.clone());
        let Some(owner) = self.sessions.get(&parent.session) else { return };
        let own_model = self.settings.agents.model.clone();
        let (cwd, mode, facts) = (owner.cwd.clone(), owner.mode, owner.facts.clone());
        let nested = owner.nested.for_subagent();
        let auto = owner.turn.as_ref().is_some_and(|turn| turn.auto && turn.id == parent.turn);
        let model = own_model.clone().unwrap_or_else(|| owner.model.clone());
        let section = instructions::section_of(&owner.system);
        let system = prompt::subagent(&self.settings.root, &cwd, &now.date(), section);
        let mut meter = Meter::default();
        meter.set_fixed(&system, &self.subagent_tools);
        let session = Session {
            nested,
            meter,
            system: system.into(),
            facts: facts.filter(|_| own_model.is_none()),
            parent: Some(parent.clone()),
            ..Session::new(child.clone(), &self.settings, cwd, mode, model, now)
        };
        self.sessions.insert(child.clone(), session);
        if own_model.is_some() {
            self.describe_model(&child);
        }
        if let Some(entry) = self.ledger.get(&parent.task) {
            let path = self.run_dir(&entry.task).join("output");
            if let Some(entry) = self.ledger.get_mut(&parent.task) {
                let task = &mut entry.task;
                (task.status, task.started_at, task.waiting_for) = (Status::Running, Some(now), None);
                task.output = OutputInfo { path, ..OutputInfo::default() };
                if let Some(record) = task.runs.last_mut() {
                    record.status = Status::Running;
                }
            }
        }
        self.task_changed(&parent.task);
        // What a turn that started by itself spends is counted as such, its subagents included.
        let reason = if auto { TurnReason::TaskNotification } else { TurnReason::Prompt };
        if self.start_turn(&child, reason).is_some() {
            let prompt = Prompt { id: self.ids.prompt(), content: vec![Content::Text { text: words }] };
            self.drain(&child, vec![prompt], None);
        }
    }

    /// What a subagent does goes to the client as what is done in its parent's session for the call. What only a session
    /// of a person has (turns, queue, title) is left out.
    pub(super) fn update_of_subagent(&mut self, child: &SessionId, parent: Parent, update: Update) {
        match &update {
            Update::ToolCall(row) => {
                let title = row.title.clone();
                self.subagent_does(child, &parent.task, title);
            }
            Update::AgentMessage { .. }
            | Update::AgentThought { .. }
            | Update::MessageDiscarded { .. }
            | Update::ToolCallUpdate { .. }
            | Update::TaskNotification { .. }
            | Update::Retrying { .. } => {}
            _ => return,
        }
        // One in the background belongs to no turn: that of its call may be long over.
        let turn = self.waits_for_subagent(&parent.task).then_some(parent.turn);
        self.effects.push(Effect::Send(Outgoing::Update {
            session: parent.session,
            turn,
            parent: Some(parent.call),
            replay: false,
            update,
        }));
    }

    /// The row says what it does now.
    fn subagent_does(&mut self, child: &SessionId, task: &TaskId, title: String) {
        let requests = self.sessions.get(child).and_then(|owner| owner.turn.as_ref()).map_or(0, |turn| turn.requests);
        let Some(entry) = self.ledger.get_mut(task) else { return };
        entry.task.progress.message = Some(format!("{}, {title}", times(requests)));
        entry.task.output.last_line = title;
        self.task_got_on(task);
    }

    /// Something new of a subagent's conversation, for its transcript.
    pub(super) fn transcribe(&mut self, child: &SessionId, item: &Item) {
        let Some(task) = self.parent(child).map(|parent| parent.task.clone()) else { return };
        if let (Item::Assistant(item), Some(subagent)) = (item, self.subagents.of(&task)) {
            subagent.hears(item);
        }
        self.write_transcript(&task, transcript::lines(item));
    }

    fn write_transcript(&mut self, task: &TaskId, text: String) {
        let Some(entry) = self.ledger.get(task) else { return };
        let (path, id) = (entry.task.output.path.clone(), RunId { task: task.clone(), run: entry.task.run });
        let Some(subagent) = self.subagents.of(task).filter(|_| !text.is_empty()) else { return };
        subagent.bytes += text.len() as u64;
        subagent.lines += text.lines().count() as u64;
        let (bytes, lines) = (subagent.bytes, subagent.lines);
        self.effects.push(Effect::Transcribe { id, path, text, bytes, lines });
    }

    /// A transcript is written that far, or could not be: the row says so, and one that is over ends with its last line.
    pub(super) fn transcribed(&mut self, id: &RunId, bytes: u64, lines: u64, problem: Option<String>) {
        let Some(subagent) = self.subagents.of(&id.task) else { return };
        subagent.written = bytes;
        if let Some(entry) = self.ledger.get_mut(&id.task) {
            let output = &mut entry.task.output;
            (output.bytes, output.lines) = (bytes, lines);
            if let Some(problem) = problem {
                output.truncated = true;
                entry.explanation = Some(format!("Its transcript could not be written: {problem}."));
            }
        }
        if !self.close_subagent(&id.task) {
            self.task_got_on(&id.task);
        }
    }

    /// The foreground command that is meant: the oldest of this session's own, or that of this call. A call's name alone is
    /// that of the session's own call before that of a subagent's.
    pub(super) fn to_promote(&self, session: Option<&SessionId>, call: Option<&CallName>) -> Option<TaskId> {
        let Some(CallName { id, parent }) = call else {
            return self.ledger.foreground().find(|(of, ..)| Some(*of) == session).map(|(.., task)| task.clone());
        };
        let caller = |of| self.parent(of).map(|parent| &parent.call);
        let named = || {
            self.ledger.foreground().filter(|(of, by, _)| *by == id && session.is_none_or(|own| self.root(of) == own))
        };
        let own = || named().find(|(of, ..)| caller(of).is_none());
        let of_subagent = || named().find(|(of, ..)| parent.is_none() || caller(of) == parent.as_ref());
        let found = if parent.is_none() { own().or_else(of_subagent) } else { of_subagent() };
        found.map(|(.., task)| task.clone())
    }

    /// The person lets a subagent go on in the background; its call says so.
    pub(super) fn promote_subagent(&mut self, task: &TaskId) {
        let Some((session, _, call)) = self.ledger.get_mut(task).and_then(|entry| entry.foreground.take()) else {
            return;
        };
        self.task_changed(task);
        let text = format!(
            "The user let the subagent go on in the background as {task}. Go on with other work or end your turn: its report \
             comes by itself when it ends."
        );
        self.finish_call(&session, &call, text, false, ToolChange::of(task.clone()));
    }

    /// The person answered a subagent's question with these words.
    pub(super) fn said_to_subagent(&mut self, child: &SessionId, words: &str) {
        let Some(task) = self.parent(child).map(|parent| parent.task.clone()) else { return };
        if let Some(subagent) = self.subagents.of(&task).filter(|_| !words.is_empty()) {
            subagent.said.push(notification::cut(words, 2_000));
        }
    }
}

impl Subagent {
    /// Keeps the newest words of its model: the last ones are its report.
    fn hears(&mut self, item: &AssistantItem) {
        let words = transcript::words(item);
        if !words.is_empty() {
            self.words = Some((self.bytes, words));
        }
    }
}

/// How often it has asked its model.
fn times(requests: u32) -> String {
    match requests {
        1 => "1 request".to_owned(),
        more => format!("{more} requests"),
    }
}

/// True for the row of a subagent.
pub(super) fn is_agent(task: &Task) -> bool {
    task.kind == Kind::Agent
}
