//! The state of a sidecar, as one pure machine: `apply(event) -> effects`. No clock, no process, no socket, no file: what
//! happens comes in as an [`Event`], what is to be done goes out as an [`Effect`].
//!
//! Invariants: a final status of a run never changes; every tool call of a history is answered exactly once, in the next
//! user item; a report is in at most one history, and leaves the machine only when its transaction is written; a request
//! of the client gets one reply. Whoever queues a task or ends one calls `place`, which says what may start.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use crate::agent::approval::Said;
use crate::agent::history::Content;
use crate::diagnostics;
use crate::diagnostics::shift::LineEdit;
use crate::ids::{IdSource, SessionId, TaskId, TurnId};
use crate::provider::ToolSpec;
use crate::task::model::{Task, Timestamp};
use crate::tool::{self};
use crate::workspace::Service;

use super::agents::Subagents;
use super::asides::Asides;
use super::conversation::{Phase, Session, Turn};
use super::effect::{Effect, Outgoing, StopReason, TurnReason, Update, UsageSum};
use super::event::{CommitId, Event, Moment, Timer};
use super::folding::Folding;
use super::ledger::Ledger;
use super::questions::Questions;
use super::reports::Reports;
use super::services::Missed;
use super::settings::Settings;
use super::turn_log::TurnRecord;

/// Turns within which a session gets its title; a small model that fails so often is not asked again.
const NAMED_WITHIN: usize = 3;

/// Everything that the sidecar knows.
#[derive(Debug)]
pub struct State {
    pub(super) settings: Settings,
    pub(super) ids: IdSource,
    pub(super) moment: Moment,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    pub(super) ledger: Ledger,
    pub(super) reports: Reports,
    pub(super) questions: Questions,
    pub(super) subagents: Subagents,
    pub(super) problems: diagnostics::store::Store,
    /// What was looked for in compose files, and what offers it.
    pub(super) services: BTreeMap<Missed, Option<Service>>,
    pub(super) folding: Folding,
    /// The rules that "always" saved.
    pub(super) rules: Vec<Said>,
    /// Tasks whose output the client follows.
    pub(super) followed: BTreeSet<TaskId>,
    /// How often a person or an agent has changed something that a command may read.
    pub(super) edits: u64,
    /// What models are asked beside the conversations.
    pub(super) asides: Asides,
    /// What models may call: the same in every request.
    pub(super) tools: Arc<[ToolSpec]>,
    /// The same for subagents.
    pub(super) subagent_tools: Arc<[ToolSpec]>,
    /// The appends that the store has not acknowledged.
    pub(super) commits: HashMap<CommitId, SessionId>,
    commit: u64,
    /// The store has answered.
    pub(super) is_loaded: bool,
    /// The client takes notifications.
    is_ready: bool,
    /// What is to be said once the client is ready.
    held: Vec<Outgoing>,
    pub(super) effects: Vec<Effect>,
}

impl State {
    /// An empty state.
    pub fn new(settings: Settings, ids: IdSource) -> Self {
        Self {
            settings,
            ids,
            moment: Moment::default(),
            sessions: BTreeMap::new(),
            ledger: Ledger::default(),
            reports: Reports::default(),
            questions: Questions::default(),
            subagents: Subagents::default(),
            problems: diagnostics::store::Store::default(),
            services: BTreeMap::new(),
            folding: Folding::default(),
            rules: Vec::new(),
            followed: BTreeSet::new(),
            edits: 0,
            asides: Asides::default(),
            tools: tool::input::specs().into(),
            subagent_tools: tool::input::for_subagents().into(),
            commits: HashMap::new(),
            commit: 0,
            is_loaded: false,
            is_ready: false,
            held: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// Takes one event and says what is to be done, in order.
    pub fn apply(&mut self, moment: Moment, event: Event) -> Vec<Effect> {
        self.moment = moment;
        match event {
            Event::Loaded(loaded) => self.loaded(*loaded),
            Event::Settings(settings) => self.configure(*settings),
            Event::Others { changed, taken, reports } => self.others(changed, taken, reports),
            Event::ClientReady => self.client_ready(),
            Event::Say { error, text } => self.say(error, text),
            Event::Request { reply, request } => self.request(reply, request),
            Event::Cancel { session, turn } => self.cancel(&session, turn.as_ref()),
            Event::SessionLoaded { reply, session, page, stored } => self.session_loaded(reply, &session, page, stored),
            Event::RecentSessions { place, wanted, rows } => self.recent_sessions(&place, wanted.as_deref(), rows),
            Event::ModelsInChat { place, current, list } => self.models_in_chat(&place, &current, &list),
            Event::SinceLooked { session, from, changes } => self.since_looked(&session, from, changes),
            Event::SessionDeleted(session) => self.disown_tasks(&session),
            Event::Committed { commit, result } => self.committed(commit, result),
            Event::Stream { session, turn, event } => self.streamed(&session, &turn, event),
            Event::Answered { session, turn, result } => self.answered(&session, &turn, *result),
            Event::AsideAnswered { aside, result } => self.aside_answered(aside, *result),
            Event::InstructionsRead { session, files } => self.instructions_read(&session, &files),
            Event::MentionsRead { session, prompt, block, seen } => {
                self.mentions_read(&session, &prompt, block, seen);
            }
            Event::ModelDescribed { session, model, facts } => self.model_described(&session, &model, facts),
            Event::ModelsOffered => self.models_offered(),
            Event::ToolDone { session, turn, call, result } => self.tool_done(&session, &turn, &call, result),
            Event::ProjectRead { session, turn, call, own, links } => {
                self.project_read(&session, &turn, &call, &own, &links);
            }
            Event::OutputRead { session, turn, call, slice } => self.output_read(&session, &turn, &call, slice),
            Event::ChangesReverted { reply, session, result } => self.changes_reverted(reply, &session, result),
            Event::ServiceFound { missed, service } => self.service_found(missed, service),
            Event::EditorDiagnostics { session, turn, call, found } => {
                self.editor_diagnostics(&session, &turn, &call, &found);
            }
            Event::ResultSaved { session, turn, call, text } => self.result_saved(&session, &turn, &call, text),
            Event::QuestionAnswered { question, outcome } => self.question_answered(&question, outcome),
            Event::Run { id, event } => self.run_event(&id, event),
            Event::Transcribed { id, bytes, lines, problem } => self.transcribed(&id, bytes, lines, problem),
            Event::Imported { reply, id, reported, result } => self.imported(reply, id, *reported, result),
            Event::Environment { id, environment } => self.environment_of(&id, environment),
            Event::Claimed { id, result } => self.claimed(&id, result),
            Event::Unchanged { check, unchanged } => self.unchanged(check, unchanged),
            Event::Past { run, past } => self.past_read(&run, *past),
            Event::Fingerprinted { id, fingerprint } => self.fingerprinted(&id, fingerprint),
            Event::Explained { id, text } => self.explained(&id, text),
            Event::Timer(Timer::Wake(session)) => self.wake(&session),
            Event::Timer(Timer::Since(session)) => self.tell_since(&session),
            Event::Timer(Timer::Promote(task, run)) => self.promote_due(&task, run),
            Event::Timer(Timer::CheckIn(task, run)) => self.check_in(&task, run),
            Event::Timer(Timer::Settle(task, run)) => self.settle(&task, run),
            Event::Timer(Timer::Again(task)) => self.next_run_due(&task),
            Event::Timer(Timer::Claim(task)) => self.claim_again(&task),
            Event::FilesChanged { task, changes } => self.files_changed(&task, changes),
            Event::WatchFailed { task, why } => self.watch_failed(&task, why),
            Event::DocumentShown { path } => self.document_shown(path),
            Event::DocumentSaved { path } => self.file_saved(&path),
            Event::DocumentEdited { path, start, old_end, new_lines } => {
                self.document_edited(path, LineEdit { start, old_end, new_lines });
            }
        }
        std::mem::take(&mut self.effects)
    }

    /// A person writes: what was found in that file moves along.
    fn document_edited(&mut self, path: PathBuf, edit: LineEdit) {
        self.edits += 1;
        if self.problems.shift(&path, edit) {
            self.show_problems(vec![path]);
        }
    }

    /// A task, for the client.
    pub fn task(&self, id: &TaskId) -> Option<&Task> {
        self.ledger.visible(id)
    }

    /// All tasks that the client sees, oldest first.
    pub fn tasks(&self) -> Vec<Task> {
        self.ledger.all_visible().cloned().collect()
    }

    /// New settings: more tasks may be allowed to run.
    fn configure(&mut self, settings: Settings) {
        let tied: Vec<_> = self.ledger.entries.iter().map(|entry| entry.task.id.clone()).collect();
        if settings.exclusive != self.settings.exclusive {
            for entry in &mut self.ledger.entries {
                entry.needs = None;
            }
        }
        let before = std::mem::replace(&mut self.settings, settings);
        self.models_changed(&before);
        if before.tests_alone != self.settings.tests_alone {
            let files: Vec<_> = self.problems.files().map(Into::into).collect();
            self.show_problems(files);
        }
        // Also where only the time of grace is another one.
        tied.iter().for_each(|task| self.tell_on_close(task));
        self.place();
        self.place_subagents();
    }

    fn client_ready(&mut self) {
        self.is_ready = true;
        let held = std::mem::take(&mut self.held);
        self.effects.extend(held.into_iter().map(Effect::Send));
        self.show_all();
    }

    /// Tells the client all tasks, as soon as there is somebody to tell and something to be told.
    pub(super) fn show_all(&mut self) {
        if self.is_ready && self.is_loaded {
            self.effects.push(Effect::Send(Outgoing::Snapshot));
        }
    }

    /// A sentence for the person, outside of any session.
    pub(super) fn say(&mut self, error: bool, text: String) {
        let saying = Outgoing::Say { error, text };
        if self.is_ready {
            self.effects.push(Effect::Send(saying));
        } else {
            self.held.push(saying);
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.moment.now
    }

    pub(super) fn next_commit(&mut self) -> CommitId {
        self.commit += 1;
        CommitId(self.commit)
    }

    pub(super) fn update(&mut self, session: &SessionId, update: Update) {
        if let Some(parent) = self.parent(session).cloned() {
            return self.update_of_subagent(session, parent, update);
        }
        let turn = self.sessions.get(session).and_then(|session| session.turn.as_ref()).map(|turn| turn.id.clone());
        self.update_of_turn(session, turn, false, update);
    }

    pub(super) fn update_of_turn(&mut self, session: &SessionId, turn: Option<TurnId>, replay: bool, update: Update) {
        let session = session.clone();
        self.effects.push(Effect::Send(Outgoing::Update { session, turn, parent: None, replay, update }));
    }

    pub(super) fn running_turn(&mut self, session: &SessionId, turn: &TurnId) -> Option<&mut Turn> {
        self.sessions.get_mut(session)?.turn.as_mut().filter(|running| running.id == *turn)
    }

    /// The queue of a session changed: tells the client the whole of it.
    pub(super) fn queue_changed(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get(session) else { return };
        let queue: Vec<(crate::ids::PromptId, Vec<Content>)> =
            owner.queue.iter().map(|prompt| (prompt.id.clone(), prompt.content.clone())).collect();
        self.update(session, Update::Queue(queue));
    }

    /// Begins a turn. The caller has seen that none runs.
    pub(super) fn start_turn(&mut self, session: &SessionId, reason: TurnReason) -> Option<TurnId> {
        let id = self.ids.turn();
        let owner = self.sessions.get_mut(session)?;
        owner.turns += 1;
        owner.updated_at = self.moment.now;
        owner.log.push(TurnRecord::begins(id.clone(), reason, owner.history.len(), self.moment.now));
        let record = owner.log.len() - 1;
        owner.turn = Some(Turn {
            id: id.clone(),
            auto: reason == TurnReason::TaskNotification,
            phase: Phase::Working,
            requests: 0,
            message: None,
            partial: String::new(),
            thought: None,
            thinking: String::new(),
            calls: Vec::new(),
            announced: Vec::new(),
            carried_block: false,
            continued: false,
            nudge: None,
            gained_nothing: false,
            overflows: 0,
            usage: UsageSum::default(),
        });
        if std::mem::take(&mut owner.waking) {
            self.effects.push(Effect::CancelTimer(Timer::Wake(session.clone())));
        }
        self.save_session(session);
        self.save_turn(session, record);
        self.update(session, Update::TurnStarted { reason });
        Some(id)
    }

    /// Ends the running turn of a session. Prompts that it did not come to go back to the person.
    pub(super) fn end_turn(&mut self, session: &SessionId, stop: StopReason, error: Option<String>) {
        if self.is_subagent(session) {
            return self.subagent_ended(session, stop, error);
        }
        let Some(owner) = self.sessions.get_mut(session) else { return };
        let Some(turn) = owner.turn.as_ref() else { return };
        let (usage, auto, window) = (turn.usage, turn.auto, owner.window());
        owner.pointed.clear();
        owner.updated_at = self.moment.now;
        let items = owner.history.len();
        let record = owner.log.len().saturating_sub(1);
        if let Some(turn) = owner.log.last_mut() {
            turn.last = Some(items);
            turn.ended_at = Some(self.moment.now);
            turn.stop = Some(stop);
            turn.error.clone_from(&error);
            turn.usage = usage;
            turn.auto = auto;
        }
        let needs_model = owner.log.last().map(|turn| owner.needing_model(turn)).unwrap_or_default();
        let unsent: Vec<_> =
            std::mem::take(&mut owner.queue).into_iter().map(|prompt| (prompt.id, prompt.content)).collect();
        if !unsent.is_empty() {
            self.queue_changed(session);
        }
        self.update(session, Update::TurnEnded { stop, usage, window, auto, error, needs_model, unsent });
        if let Some(owner) = self.sessions.get_mut(session) {
            owner.turn = None;
        }
        self.save_session(session);
        self.save_turn(session, record);
        self.effects.push(Effect::NoteHead(session.clone()));
        self.stop_with_turn(session);
        if record < NAMED_WITHIN {
            self.ask_for_title(session);
        }
        self.compact_after_turn(session);
        self.wake_soon(session);
    }
}
