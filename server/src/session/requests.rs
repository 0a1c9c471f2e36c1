//! The client's requests, one by one: each is answered at once (or as soon as the disk has answered), and what follows
//! comes as notifications. Here is what they ask of tasks; `sessions` has those about sessions.

use crate::ids::TaskId;
use crate::task::model::{Kind, Lifetime, Progress, Stdin, StoppedBy, WaitKind};
use crate::task::run::{RunControl, RunId};

use super::agents::is_agent;
use super::effect::{Effect, Outgoing, Refusal, Reply, Write};
use super::event::{ReplyId, Request, RunProject, StartTask};
use super::export::Talk;
use super::folding::Asker;
use super::state::State;

/// Bytes of an output that is read again for its tests.
const MOST_READ: u64 = 64 << 20;

impl State {
    pub(super) fn reply(&mut self, reply: ReplyId, answer: Reply) {
        self.effects.push(Effect::Reply { reply, result: Ok(answer) });
    }

    pub(super) fn refuse(&mut self, reply: ReplyId, refusal: Refusal) {
        self.effects.push(Effect::Reply { reply, result: Err(refusal) });
    }

    /// One request of the client.
    pub(super) fn request(&mut self, reply: ReplyId, request: Request) {
        match request {
            Request::NewSession { cwd, mode, model } => self.new_session(reply, cwd, mode, model),
            Request::ListSessions { limit, before } => {
                let own = self.sessions.values().filter(|session| session.parent.is_none());
                let open = own.map(|session| session.id.clone()).collect();
                self.effects.push(Effect::ListSessions { reply, limit, before, open });
            }
            Request::LoadSession { session, page } => self.load_session(reply, session, page),
            Request::HandOver { session, to } => self.hand_over(reply, session, to),
            Request::Prompt { session, content } => self.prompt(reply, &session, content),
            Request::Compact { session, instructions } => self.compact_request(reply, &session, instructions),
            Request::Context { session } => match self.context_report(&session) {
                Some(text) => self.reply(reply, Reply::Text(text)),
                None => self.refuse(reply, Refusal::UnknownSession(session)),
            },
            Request::EditQueue { session, prompt, replace } => self.edit_queue(reply, &session, &prompt, replace),
            Request::SetMode { session, mode } => self.set_mode(reply, &session, &mode),
            Request::SetModel { session, model } => self.set_model(reply, &session, &model),
            Request::ListModels { session } => self.list_models(reply, session),
            Request::Rename { session, title } => self.rename(reply, &session, title),
            Request::DeleteSession { session } => self.delete_session(reply, session),
            Request::StartTask(start) => self.start_task(reply, start),
            Request::ReportTask(reported) => self.report_task(reply, reported),
            Request::StartDefined { start, defined } => self.start_workflow(reply, *start, defined),
            Request::RunProject(RunProject { group, near }) => {
                self.effects.push(Effect::FindCommands { reply, near, start: Some(group) });
            }
            Request::ProjectCommands { near } => self.effects.push(Effect::FindCommands { reply, near, start: None }),
            Request::ListTasks { session, include_finished } => {
                let mut tasks = self.tasks();
                tasks.retain(|task| session.is_none() || task.session == session);
                tasks.retain(|task| include_finished || !task.status.is_final());
                self.reply(reply, Reply::Tasks(tasks, 0));
            }
            Request::GetTask { task } => match self.ledger.visible(&task) {
                Some(found) => {
                    let found = Box::new(found.clone());
                    self.reply(reply, Reply::Task(found));
                }
                None => self.refuse(reply, Refusal::UnknownTask(Some(task))),
            },
            Request::ReadOutput { task, run, range } => self.read_output(reply, task, run, range),
            Request::Follow { task, on } => self.follow(reply, task, on),
            Request::StopTask { task } => self.stop_request(reply, task),
            Request::RerunTask { task } => self.rerun_request(reply, task, None),
            Request::StartService { task } => self.start_service(reply, &task),
            Request::RerunTests { task, only } => self.rerun_request(reply, Some(task), Some(&only)),
            Request::RerunScripted { task, only, script } => self.rerun_scripted(reply, &task, &only, script.as_ref()),
            Request::Promote { session, call } => match self.to_promote(session.as_ref(), call.as_ref()) {
                Some(task) => {
                    self.promote(&task);
                    self.reply_task(reply, &task);
                }
                None => self.refuse(
                    reply,
                    Refusal::State {
                        kind: "no_foreground_command",
                        message: "no foreground command is running there".into(),
                        remedy: "It has ended, or it runs in the background already.".into(),
                    },
                ),
            },
            Request::Input { task, text, eof } => self.input(reply, task, text, eof),
            Request::DismissTask { task } => self.dismiss(reply, &task),
            Request::WithholdReport { task } => self.withhold(reply, &task),
            Request::SetPriority { task, priority } => match self.ledger.visible(&task) {
                Some(_) => {
                    self.set_priority(&task, priority);
                    self.reply(reply, Reply::Done);
                }
                None => self.refuse(reply, Refusal::UnknownTask(Some(task))),
            },
            Request::TestResults { task, run } => self.test_results(reply, task, run),
            Request::Export { session, format } => match self.sessions.get(&session) {
                Some(owner) => {
                    let (title, history, log) = (owner.title.clone(), owner.history.clone(), owner.log.clone());
                    self.effects.push(Effect::Export { reply, talk: Talk { title, history, log }, format });
                }
                None => self.refuse(reply, Refusal::UnknownSession(session)),
            },
            Request::Changes { session, chosen, choose } => self.choose_changes(reply, session, chosen, choose),
            Request::SlashCommands => self.reply(reply, Reply::SlashCommands),
            Request::Rules => {
                let rules = self.rules.iter().chain(&self.settings.said).cloned().collect();
                self.reply(reply, Reply::Rules(rules));
            }
            Request::RemoveRule { rule } => self.remove_rule(reply, &rule),
            Request::AnswerOldest { choice, reason } => self.answer_oldest(reply, choice, reason),
        }
    }

    pub(super) fn start_task(&mut self, reply: ReplyId, start: StartTask) {
        if start.kind == Some(Kind::Agent) {
            return self.start_agent(reply, start);
        }
        if start.command.trim().is_empty() && (!start.command.is_empty() || start.label.is_none()) {
            return self.refuse(
                reply,
                Refusal::BadField {
                    field: "command",
                    message: "the command is empty".into(),
                    remedy: "Give a shell command, for instance \"cargo test\".".into(),
                },
            );
        }
        if let Some(session) = start.session.as_ref().filter(|session| !self.sessions.contains_key(session)) {
            return self.refuse(reply, Refusal::UnknownSession(session.clone()));
        }
        if start.lifetime == Lifetime::Turn && start.session.is_none() {
            return self.refuse(
                reply,
                Refusal::BadField {
                    field: "sessionId",
                    message: "the lifetime \"turn\" is that of a session's turn, and no session is named".into(),
                    remedy: "Name the session, or leave the lifetime out.".into(),
                },
            );
        }
        if self.needs_definitions(&start) {
            return self.ask_definitions(reply, start);
        }
        if !start.depends_on.is_empty() {
            return self.start_workflow(reply, start, Ok(Vec::new()));
        }
        if let Some(run) = self.runs_already(&start) {
            return self.check_folding(run, Asker::Person { reply, start: Box::new(start) });
        }
        self.start_now(reply, start);
    }

    /// A start that nothing running stands for.
    pub(super) fn start_now(&mut self, reply: ReplyId, start: StartTask) {
        let task = self.enter(start);
        self.unbar(&task);
        self.reply_task(reply, &task);
        self.place();
    }

    pub(super) fn reply_task(&mut self, reply: ReplyId, task: &TaskId) {
        match self.ledger.get(task) {
            Some(entry) => {
                let task = Box::new(entry.task.clone());
                self.reply(reply, Reply::Task(task));
            }
            None => self.refuse(reply, Refusal::UnknownTask(Some(task.clone()))),
        }
    }

    fn read_output(&mut self, reply: ReplyId, task: TaskId, run: Option<u32>, range: crate::task::run::OutputRange) {
        let Some(found) = self.ledger.visible(&task) else {
            return self.refuse(reply, Refusal::UnknownTask(Some(task)));
        };
        let path = match run.filter(|run| *run != found.run) {
            None => found.output.path.clone(),
            Some(run) if run > 0 && run < found.run => {
                self.settings.runs.join(task.as_str()).join(run.to_string()).join("output")
            }
            Some(run) => {
                let message = format!("task {task} has no run {run}");
                let remedy = format!("Its runs are 1 to {}.", found.run);
                return self.refuse(reply, Refusal::BadField { field: "run", message, remedy });
            }
        };
        self.effects.push(Effect::ReadForReply { reply, path, range });
    }

    fn test_results(&mut self, reply: ReplyId, task: TaskId, run: Option<u32>) {
        let found = self.ledger.get(&task).filter(|_| self.ledger.visible(&task).is_some());
        let Some(entry) = found else {
            return self.refuse(reply, Refusal::UnknownTask(Some(task)));
        };
        let newest = entry.task.run;
        if let Some(run) = run.filter(|run| *run != newest) {
            let Some(at) = entry.task.runs.iter().position(|record| record.run == run) else {
                let message = format!("there is no run {run}");
                let remedy = format!("Ask for one from 1 to {newest}, or leave it out for the newest.");
                return self.refuse(reply, Refusal::BadField { field: "run", message, remedy });
            };
            // Its output is there as long as outputs are kept, and is read once more.
            let mut earlier = entry.task.clone();
            earlier.runs.truncate(at + 1);
            earlier.run = run;
            earlier.progress = Progress::default();
            earlier.output.path = self.settings.runs.join(earlier.id.as_str()).join(run.to_string()).join("output");
            return self.effects.push(Effect::ReadTests { reply, task: Box::new(earlier) });
        }
        // A run that was over before this sidecar began is known by its output alone.
        let is_unread = entry.facts.counts.is_none() && entry.task.progress.counts.total() > 0;
        if is_unread && entry.task.status.is_final() && entry.task.output.bytes <= MOST_READ {
            let task = Box::new(entry.task.clone());
            return self.effects.push(Effect::ReadTests { reply, task });
        }
        let often = |id: &str| entry.beside.delta.as_ref().and_then(|delta| delta.often(id));
        let tests = entry.facts.tests.iter().map(|test| (test.clone(), often(&test.id))).collect();
        let counts = entry.facts.counts.unwrap_or_default();
        self.reply(reply, Reply::TestResults { task, run: newest, tests, counts });
    }

    fn stop_request(&mut self, reply: ReplyId, task: Option<TaskId>) {
        let chosen = match task {
            Some(task) => self.ledger.visible(&task).map(|found| found.id.clone()).ok_or(Some(task)),
            None => {
                let newest = self.ledger.all_visible().rev().find(|task| !task.status.is_final());
                newest.map(|task| task.id.clone()).ok_or(None)
            }
        };
        match chosen {
            Err(task) => self.refuse(reply, Refusal::UnknownTask(task)),
            Ok(task) => {
                if self.ledger.get(&task).is_some_and(|entry| is_agent(&entry.task) && !entry.task.owned) {
                    let refusal = not_owned(&task);
                    return self.refuse(reply, refusal);
                }
                self.bar(&task);
                self.stop_task(&task, StoppedBy::User);
                self.reply_task(reply, &task);
            }
        }
    }

    fn input(&mut self, reply: ReplyId, task: Option<TaskId>, text: String, eof: bool) {
        let chosen = task.clone().or_else(|| {
            let waits = |kind| {
                move |task: &&crate::task::model::Task| task.waiting_for.as_ref().is_some_and(|on| on.kind == kind)
            };
            self.ledger.all_visible().find(waits(WaitKind::Input)).map(|task| task.id.clone())
        });
        let Some(found) = chosen.as_ref().and_then(|id| self.ledger.visible(id)) else {
            return self.refuse(reply, Refusal::UnknownTask(task));
        };
        if !found.owned {
            let refusal = not_owned(&found.id);
            return self.refuse(reply, refusal);
        }
        let alive = self.ledger.get(&found.id).is_some_and(|entry| entry.launched);
        if !alive || found.stdin == Stdin::Null {
            let (message, remedy) = if found.stdin == Stdin::Null {
                (
                    format!("task {} reads from nothing", found.id),
                    "Start it with `stdin` \"pipe\" or \"pty\" to be able to answer it.",
                )
            } else {
                (format!("task {} is not running", found.id), "Rerun it first.")
            };
            let remedy = remedy.to_owned();
            return self.refuse(reply, Refusal::State { kind: "no_input", message, remedy });
        }
        let run = RunId { task: found.id.clone(), run: found.run };
        self.answered_by_person(&run, &text);
        self.effects.push(Effect::Control(run, RunControl::Input { text, eof }));
        self.reply(reply, Reply::Done);
    }

    /// What is on its way into a request stays there.
    fn withhold(&mut self, reply: ReplyId, task: &TaskId) {
        if self.ledger.visible(task).is_none() {
            return self.refuse(reply, Refusal::UnknownTask(Some(task.clone())));
        }
        self.withdraw_reports(|stored| stored.report.key.task == *task);
        self.reply(reply, Reply::Done);
    }

    fn dismiss(&mut self, reply: ReplyId, task: &TaskId) {
        let Some(found) = self.ledger.visible(task) else {
            return self.refuse(reply, Refusal::UnknownTask(Some(task.clone())));
        };
        if !found.status.is_final() || found.stragglers > 0 {
            return self.refuse(
                reply,
                Refusal::State {
                    kind: "running",
                    message: format!("task {task} is running"),
                    remedy: "Stop it first, then dismiss it.".into(),
                },
            );
        }
        self.stop_watching(task);
        let files = self.problems.dismiss(task);
        self.show_problems(files);
        self.ledger.remove(task);
        self.grew(task);
        self.effects.push(Effect::Store(Write::ForgetTask(task.clone())));
        self.effects.push(Effect::Send(Outgoing::Snapshot));
        self.reply(reply, Reply::Done);
    }
}

pub(super) fn not_owned(task: &TaskId) -> Refusal {
    Refusal::State {
        kind: "not_owned",
        message: format!("task {task} belongs to another window"),
        remedy: "Do it in that window. Its output can be read and it can be stopped here.".into(),
    }
}
