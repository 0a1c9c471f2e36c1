//! What effects reach: store, model, tools, processes, timers, the person. It does nothing by itself, remembers what is
//! under way, and panics where the real thing would refuse: an append out of order or of nothing, a report that is carried
//! twice, a request that no model service takes, a run that starts twice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use crate::agent::compaction;
use crate::agent::history::{History, Item};
use crate::agent::mentions::Wanted;
use crate::agent::notification::Key;
use crate::diagnostics::delta::Past;
use crate::ids::{PromptId, QuestionId, SessionId, TaskId, ToolCallId, TurnId};
use crate::provider::{ModelRequest, check};
use crate::session::effect::{Effect, Outgoing, Write};
use crate::session::event::{AsideId, CheckId, CommitId, StoredReport, Timer};
use crate::task::model::{Delivery, Status, StoppedBy, Task};
use crate::task::run::{RunControl, RunId};

/// A tool call that works in the world.
pub(super) type Work = (SessionId, TurnId, ToolCallId);

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) commits: VecDeque<CommitId>,
    /// The disk is full.
    pub(super) full: bool,
    /// Appends that the store did not take.
    refused: BTreeSet<u64>,
    /// Requests that a model has not answered.
    pub(super) asks: Vec<(SessionId, TurnId)>,
    /// The history of each session's newest request, and how often it had been compacted.
    pub(super) sent: BTreeMap<SessionId, (usize, History)>,
    /// Questions beside the conversations that no model has answered.
    pub(super) asides: Vec<(AsideId, ModelRequest)>,
    /// Sessions whose instruction files are being read.
    pub(super) instructions: VecDeque<SessionId>,
    /// Prompts whose mentions are being read.
    pub(super) mentions: Vec<(SessionId, PromptId, Vec<Wanted>)>,
    /// The stored system texts.
    pub(super) systems: BTreeMap<SessionId, Arc<str>>,
    pub(super) tools: Vec<Work>,
    pub(super) reads: Vec<Work>,
    /// Results that are on their way into a file.
    pub(super) saves: Vec<Work>,
    /// Questions to the editor.
    pub(super) looks: Vec<Work>,
    pub(super) runs: Vec<RunId>,
    pub(super) stopping: BTreeSet<String>,
    pub(super) questions: Vec<QuestionId>,
    pub(super) timers: Vec<Timer>,
    /// The stored histories.
    pub(super) stored: BTreeMap<SessionId, Vec<Arc<Item>>>,
    pub(super) outbox: BTreeMap<Key, Delivery>,
    /// What was reported, whatever became of it.
    pub(super) reports: Vec<StoredReport>,
    pub(super) tasks: BTreeMap<TaskId, Task>,
    /// Turns whose work was dropped.
    pub(super) aborted: Vec<(SessionId, TurnId)>,
    /// Looks at the workspace that have not come back.
    pub(super) checks: Vec<CheckId>,
    /// Claims that the store has not answered.
    pub(super) claims: Vec<RunId>,
    /// How each run ended, and who stopped it.
    pub(super) ends: BTreeMap<(TaskId, u32), (Status, Option<StoppedBy>)>,
    /// What the store knows of commands' earlier runs.
    pub(super) pasts: BTreeMap<String, Past>,
    /// Runs write into the workspace.
    pub(super) writes: bool,
    /// Calls whose judgement waits for the project's own commands, and what these are.
    pub(super) project_reads: VecDeque<(SessionId, TurnId, ToolCallId, bool)>,
    pub(super) own: Vec<crate::agent::approval::Own>,
    /// What was looked at.
    pub(super) looked: Vec<crate::session::permission::Look>,
    /// Where links of the workspace lead.
    pub(super) links: Vec<(PathBuf, PathBuf)>,
    /// Pieces of transcripts on their way to the disk, and what was written.
    pub(super) transcripts: VecDeque<(RunId, u64, u64)>,
    pub(super) files: BTreeMap<TaskId, String>,
    /// The tools of each session's newest request.
    pub(super) offered: BTreeMap<SessionId, Vec<String>>,
    /// Conversations that the store does not know.
    pub(super) subagents: BTreeSet<SessionId>,
    /// What their models have answered. Their compactions leave no trace of it elsewhere.
    pub(super) heard: Vec<Arc<Item>>,
    /// Runs whose past is being read.
    pub(super) past_reads: VecDeque<(RunId, String)>,
    folders: BTreeSet<PathBuf>,
}

impl World {
    /// A subagent's model answers its newest request: it has read what stands at its end.
    pub(super) fn heard_by(&mut self, session: &SessionId) {
        let Some((_, request)) = self.sent.get(session).filter(|_| self.subagents.contains(session)) else { return };
        let new = request.iter().rev().take_while(|item| matches!(***item, Item::User(_)));
        self.heard.extend(new.cloned());
    }

    pub(super) fn take(&mut self, effect: &Effect) {
        match effect {
            Effect::Store(write) => self.write(write),
            Effect::AskModel { session, turn, request } => {
                // A subagent's history is not stored: each of its compactions leaves a head of its own.
                let kept = self.stored.get(session).map(Vec::as_slice);
                let stored = kept.unwrap_or_default();
                let compactions = stored.iter().filter(|item| matches!(***item, Item::Compaction(_))).count();
                let (known, before) =
                    self.sent.insert(session.clone(), (compactions, request.history.clone())).unwrap_or_default();
                if known == compactions && kept.is_some() {
                    check::check_continues(&before, &request.history).expect("the history only grows");
                }
                check::check(&request.history).expect("a history that services take");
                assert!(!self.asks.iter().any(|(asking, _)| asking == session), "two requests of {session} at a time");
                // A subagent's conversation is in memory alone.
                if let Some(stored) = self.stored.get(session) {
                    let view = compaction::view(stored);
                    assert_eq!(view, *request.history, "the request leaves when the store has it");
                } else {
                    self.subagents.insert(session.clone());
                }
                let tools = request.tools.iter().map(|tool| tool.name.clone());
                self.offered.insert(session.clone(), tools.collect());
                self.asks.push((session.clone(), turn.clone()));
            }
            Effect::AskAside { aside, request } => {
                check::check(&request.history).expect("a question that services take");
                self.asides.push((*aside, request.clone()));
            }
            Effect::AbortAside(aside) => self.asides.retain(|(open, _)| open != aside),
            Effect::ReadInstructions { session, .. } => self.instructions.push_back(session.clone()),
            Effect::ReadMentions { session, prompt, wanted, .. } => {
                self.mentions.push((session.clone(), prompt.clone(), wanted.clone()));
            }
            Effect::Abort(turn) => {
                let asking = self.asks.iter().map(|(session, of)| (session, of));
                let working = self
                    .tools
                    .iter()
                    .chain(&self.reads)
                    .chain(&self.saves)
                    .chain(&self.looks)
                    .map(|(session, of, _)| (session, of));
                let session = asking.chain(working).find(|(_, of)| *of == turn).map(|(session, _)| session.clone());
                self.aborted.extend(session.map(|session| (session, turn.clone())));
                self.asks.retain(|(_, of)| of != turn);
                self.tools.retain(|(_, of, _)| of != turn);
                self.reads.retain(|(_, of, _)| of != turn);
                self.saves.retain(|(_, of, _)| of != turn);
                self.looks.retain(|(_, of, _)| of != turn);
            }
            Effect::RunTool { session, turn, call, .. } => {
                self.tools.push((session.clone(), turn.clone(), call.clone()));
            }
            Effect::ReadForTool { session, turn, call, .. } => {
                self.reads.push((session.clone(), turn.clone(), call.clone()));
            }
            Effect::ReadProject { session, turn, call, look, .. } => {
                self.project_reads.push_back((session.clone(), turn.clone(), call.clone(), look.scripts));
                self.looked.push(look.clone());
            }
            Effect::AskDiagnostics { session, turn, call, .. } => {
                self.looks.push((session.clone(), turn.clone(), call.clone()));
            }
            Effect::SaveResult { session, turn, call, .. } => {
                self.saves.push((session.clone(), turn.clone(), call.clone()));
            }
            Effect::ReadPast { run, command } => self.past_reads.push_back((run.clone(), command.clone())),
            Effect::FingerprintAfter { command, .. } => {
                // The run has written nothing, but where a test says so.
                let run = self.pasts.get_mut(command).and_then(|past| past.runs.last_mut()).expect("a run");
                let mark = if self.writes { "*" } else { "" };
                run.after = run.fingerprint.as_ref().map(|files| format!("{files}{mark}"));
            }
            Effect::StartRun(spec) => {
                assert!(!self.runs.contains(&spec.id), "{:?} runs already", spec.id);
                assert!(self.folders.insert(spec.dir.clone()), "{} is used twice", spec.dir.display());
                self.runs.push(spec.id.clone());
            }
            Effect::ResumeRun { spec, ended } => {
                assert!(!self.runs.contains(&spec.id), "{:?} runs already", spec.id);
                self.folders.insert(spec.dir.clone());
                if !ended {
                    self.runs.push(spec.id.clone());
                }
            }
            Effect::Transcribe { id, text, bytes, lines, .. } => {
                let file = self.files.entry(id.task.clone()).or_default();
                file.push_str(text);
                assert_eq!((file.len() as u64, file.lines().count() as u64), (*bytes, *lines), "{file:?}");
                self.transcripts.push_back((id.clone(), *bytes, *lines));
            }
            Effect::CheckUnchanged { check, .. } => self.checks.push(*check),
            Effect::Control(run, RunControl::Stop) => {
                self.stopping.insert(format!("{} {}", run.task, run.run));
            }
            Effect::SetTimer { timer, .. } => {
                assert!(!self.timers.contains(timer), "{timer:?} is set already");
                self.timers.push(timer.clone());
            }
            Effect::CancelTimer(timer) => self.timers.retain(|set| set != timer),
            Effect::Send(Outgoing::Ask(question)) => self.questions.push(question.id.clone()),
            Effect::Send(Outgoing::Withdraw(question)) => self.questions.retain(|open| open != question),
            _ => {}
        }
    }

    /// What the store does, with its own rules (`store/apply.rs`).
    fn write(&mut self, write: &Write) {
        match write {
            Write::Append { session, first, items, carried, commit } => {
                assert!(!self.subagents.contains(session), "{session} is a subagent's");
                self.commits.push_back(*commit);
                assert_eq!(self.stored.get(session).map_or(0, Vec::len), *first, "an append out of order");
                if self.full {
                    self.refused.insert(commit.0);
                    return;
                }
                let stored = self.stored.entry(session.clone()).or_default();
                assert!(!items.is_empty(), "an append of nothing");
                stored.extend(items.iter().cloned());
                for key in carried {
                    let state = self.outbox.get_mut(key).unwrap_or_else(|| panic!("{key:?} is carried, unreported"));
                    assert_eq!(*state, Delivery::Pending, "{key:?} is carried twice");
                    *state = Delivery::Carried;
                }
            }
            Write::Report(stored) => {
                let known = self.outbox.insert(stored.report.key.clone(), Delivery::Pending);
                assert_eq!(known, None, "{:?} is reported twice", stored.report.key);
                self.reports.push((**stored).clone());
            }
            Write::Withdraw(keys) => {
                for key in keys {
                    let before = self.outbox.insert(key.clone(), Delivery::Delivered);
                    assert_eq!(before, Some(Delivery::Pending), "{key:?} is withdrawn");
                }
            }
            Write::Delivered { keys, .. } => {
                for key in keys {
                    let before = self.outbox.insert(key.clone(), Delivery::Delivered);
                    assert_eq!(before, Some(Delivery::Carried), "{key:?} is delivered");
                }
            }
            Write::Task(task) => self.saved(task),
            Write::ForgetTask(task) => {
                self.tasks.remove(task);
            }
            Write::System { session, text } => {
                assert!(self.systems.insert(session.clone(), text.clone()).is_none(), "the system text changes");
            }
            Write::DeleteSession(session) => {
                self.stored.remove(session);
            }
            Write::Claim { run, .. } => {
                assert!(self.tasks.contains_key(&run.task), "a claim lives as long as its row");
                self.claims.push(run.clone());
            }
            Write::Results { command, results } => self.pasts.entry(command.clone()).or_default().record(results),
            Write::Session(_)
            | Write::Edit(_)
            | Write::RevertsTold(_)
            | Write::GiveReports { .. }
            | Write::Turn { .. }
            | Write::Plan { .. }
            | Write::Release(_)
            | Write::Assign { .. }
            | Write::Rule { .. }
            | Write::RemoveRule(_) => {}
        }
    }

    fn saved(&mut self, task: &Task) {
        assert_eq!(task.runs.len(), task.run as usize, "every run has its record");
        for record in task.runs.iter().filter(|record| record.status.is_final()) {
            let end = (record.status, task.stopped_by.filter(|_| record.run == task.run));
            let (known, _) = *self.ends.entry((task.id.clone(), record.run)).or_insert(end);
            assert_eq!(known, record.status, "the end of run {} of {} has changed", record.run, task.id);
        }
        let newest = task.runs.last().expect("a run").status.is_final();
        assert_eq!(newest, task.status.is_final(), "the row and the record of {} say the same", task.id);
        self.tasks.insert(task.id.clone(), task.clone());
    }

    /// What the store says of the oldest append.
    pub(super) fn committed(&mut self) -> (CommitId, Result<(), String>) {
        let commit = self.commits.pop_front().expect("something to commit");
        (commit, if self.refused.remove(&commit.0) { Err("disk full".into()) } else { Ok(()) })
    }

    /// The reports that no history has.
    pub(super) fn undelivered(&self) -> Vec<&Key> {
        self.outbox.iter().filter(|(_, state)| **state == Delivery::Pending).map(|(key, _)| key).collect()
    }

    /// Forgets a run that has ended.
    pub(super) fn over(&mut self, run: &RunId) {
        let at = self.runs.iter().position(|alive| alive == run).unwrap_or_else(|| panic!("{run:?} does not run"));
        self.runs.remove(at);
        self.stopping.remove(&format!("{} {}", run.task, run.run));
    }
}
