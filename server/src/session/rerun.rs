//! A further run of a finished task, whole or of some of its tests, as a person asks for it.

use std::collections::BTreeSet;

use super::agents::is_agent;
use super::effect::{Effect, Refusal};
use super::event::{OnlyTests, ReplyId};
use super::requests::not_owned;
use super::state::State;
use crate::ids::TaskId;
use crate::matcher::narrow::{self, Script};
use crate::task::model::Narrowed;

/// Tests that are named on a command line; with more the whole command runs as well.
const MOST: usize = 200;

impl State {
    /// Of some tests alone, where `only` says which.
    pub(super) fn rerun_request(&mut self, reply: ReplyId, task: Option<TaskId>, only: Option<&OnlyTests>) {
        let chosen = match task {
            Some(task) => self.ledger.visible(&task).map(|found| found.id.clone()).ok_or(Some(task)),
            None => {
                let newest = self
                    .ledger
                    .all_visible()
                    .filter(|task| task.status.is_final() && !is_agent(task))
                    .max_by_key(|task| task.ended_at);
                newest.map(|task| task.id.clone()).ok_or(None)
            }
        };
        let task = match chosen {
            Err(task) => return self.refuse(reply, Refusal::UnknownTask(task)),
            Ok(task) => task,
        };
        if !self.may_rerun(reply, &task) {
            return;
        }
        let Some(only) = only else { return self.rerun_now(reply, &task, None) };
        match self.ledger.get(&task).filter(|entry| narrow::calls_a_script(&entry.task.command)) {
            Some(entry) => {
                let (command, cwd) = (entry.task.command.clone(), entry.task.cwd.clone());
                self.effects.push(Effect::ReadScript { reply, task, only: only.clone(), command, cwd });
            }
            None => self.rerun_scripted(reply, &task, only, None),
        }
    }

    /// Of some tests alone; `script` is what the task's command runs, where that is known.
    pub(super) fn rerun_scripted(&mut self, reply: ReplyId, task: &TaskId, only: &OnlyTests, script: Option<&Script>) {
        // It may have been started meanwhile.
        if !self.may_rerun(reply, task) {
            return;
        }
        match self.narrowed(task, only, script) {
            Ok(narrowed) => self.rerun_now(reply, task, narrowed),
            Err(refusal) => self.refuse(reply, refusal),
        }
    }

    fn rerun_now(&mut self, reply: ReplyId, task: &TaskId, narrowed: Option<Narrowed>) {
        self.unbar(task);
        self.rerun_narrowed(task, narrowed);
        self.reply_task(reply, task);
    }

    /// Whether a task can run again now; answers the request where it cannot.
    pub(super) fn may_rerun(&mut self, reply: ReplyId, task: &TaskId) -> bool {
        let Some(entry) = self.ledger.get(task).filter(|_| self.ledger.visible(task).is_some()) else {
            self.refuse(reply, Refusal::UnknownTask(Some(task.clone())));
            return false;
        };
        let (agent, owned) = (is_agent(&entry.task), entry.task.owned);
        let running = !entry.task.status.is_final() || entry.task.stopping;
        let refusal = if agent {
            Refusal::State {
                kind: "subagent",
                message: format!("task {task} is a subagent: its conversation is over, and cannot be had again"),
                remedy: "Start another one, or ask the agent of its session to.".into(),
            }
        } else if !owned {
            not_owned(task)
        } else if running {
            Refusal::State {
                kind: "running",
                message: format!("task {task} is running"),
                remedy: "Wait for its end, or stop it first.".into(),
            }
        } else {
            return true;
        };
        self.refuse(reply, refusal);
        false
    }

    /// The task's command for these tests; `None` where the whole command runs for them.
    fn narrowed(&self, id: &TaskId, only: &OnlyTests, script: Option<&Script>) -> Result<Option<Narrowed>, Refusal> {
        let refused =
            |message: String, remedy: &str| Refusal::State { kind: "not_narrowed", message, remedy: remedy.into() };
        let whole = "Rerun the whole task.";
        let Some(entry) = self.ledger.get(id) else { return Err(Refusal::UnknownTask(Some(id.clone()))) };
        let facts = &entry.facts;
        // A run of some tests leaves what the run before says of the others.
        let shown = || self.problems.all().filter(|stored| stored.task == *id).map(|stored| &stored.problem);
        let known = || facts.problems().chain(shown());
        let tests: BTreeSet<&str> = match only {
            OnlyTests::These(tests) => tests.iter().map(String::as_str).collect(),
            OnlyTests::Failed => facts.failed_tests().chain(known().filter_map(|it| it.test.as_deref())).collect(),
        };
        if tests.is_empty() {
            return Err(refused(format!("no failed test of {id} is known"), whole));
        }
        if tests.len() > MOST && *only == OnlyTests::Failed {
            return Ok(None);
        }
        if tests.len() > MOST {
            return Err(refused(format!("{} tests of {id} are too many to name", tests.len()), whole));
        }
        let reported =
            |problem: &&crate::problem::Problem| problem.test.as_deref().is_some_and(|test| tests.contains(test));
        let runner = known().find(reported).map(|problem| problem.tool.as_str());
        let runner = runner.or_else(|| narrow::runner(&entry.task.command));
        let runner = runner.or_else(|| script.and_then(|script| narrow::runner(&script.text)));
        let tests: Vec<&str> = tests.into_iter().collect();
        let command = runner.and_then(|runner| narrow::narrowed(&entry.task.command, runner, &tests, script));
        let Some(command) = command else {
            let message = format!("`{}` cannot be run for some of its tests", entry.task.command);
            return Err(refused(message, "Rerun the whole task, or start the runner itself with the test's name."));
        };
        Ok(Some(Narrowed { command, tests: tests.into_iter().map(str::to_owned).collect() }))
    }

    fn rerun_narrowed(&mut self, id: &TaskId, narrowed: Option<Narrowed>) {
        self.queue_again(id, crate::task::model::Origin::User);
        if let Some(record) = self.ledger.get_mut(id).and_then(|entry| entry.task.runs.last_mut()) {
            record.narrowed = narrowed;
        }
        self.place();
    }
}
