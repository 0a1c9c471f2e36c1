//! The calls that speak of background tasks: a start in the background, a look at a task, a stop.

use crate::agent::approval::Asking;
use crate::ids::{SessionId, TaskId, ToolCallId, TurnId};
use crate::task::model::{Kind, StoppedBy};
use crate::task::run::OutputRange;
use crate::tool::input::{Bash, Call, CheckBackground, StopBackground};

use super::calls::{Step, row};
use super::effect::{Effect, ToolChange};
use super::folding::Asker;
use super::monitor::expectation;
use super::results::OutputOf;
use super::state::State;

impl State {
    pub(super) fn start_in_background(
        &mut self,
        session: &SessionId,
        id: &ToolCallId,
        bash: &Bash,
        ask: Option<Asking>,
    ) {
        if ask.is_some()
            && let Some(task) = self.waiting_for_permission(session, &bash.command)
        {
            let text = format!("Already waiting for the user's permission as {task}. You are told when it is decided.");
            return self.finish_call(session, id, text, false, ToolChange::of(task));
        }
        let wanted = self.background_start(session, bash);
        let turn = self.sessions.get(session).and_then(|owner| owner.turn.as_ref()).map(|turn| turn.id.clone());
        if ask.is_none()
            && let (Some(run), Some(turn)) = (self.runs_already(&wanted), turn)
        {
            let (session, call, bash) = (session.clone(), id.clone(), Box::new(bash.clone()));
            return self.check_folding(run, Asker::Call { session, turn, call, bash });
        }
        self.enter_in_background(session, id, bash, ask);
    }

    /// The same for a start that nothing running stands for.
    pub(super) fn start_in_background_now(&mut self, session: &SessionId, id: &ToolCallId, bash: &Bash) {
        self.enter_in_background(session, id, bash, None);
    }

    fn enter_in_background(&mut self, session: &SessionId, id: &ToolCallId, bash: &Bash, ask: Option<Asking>) {
        let task = self.start_for_agent(session, id, bash, ask.is_some());
        let text = match ask {
            Some(asking) => {
                let input = serde_json::json!({ "command": bash.command });
                let row = row(id, "bash", &input, &Ok(Call::Bash(bash.clone())));
                let question = self.ask_person(session, None, Some(task.clone()), row, asking);
                self.ledger.asked(&task, question);
                format!(
                    "Task {task} waits for the user's permission and starts when it is given. Go on with other work; \
                     you are told when it ends, or that it was refused."
                )
            }
            None => match self.ledger.get(&task).map(|entry| &entry.task).filter(|task| task.kind == Kind::Monitor) {
                Some(monitor) => format!(
                    "Started in the background as {task}. {} Go on with other work or end your turn.",
                    expectation(monitor)
                ),
                None => format!("Started in the background as {task}. {}", self.when_told(session)),
            },
        };
        self.place();
        self.acted(session, Some(&bash.command));
        self.finish_call(session, id, text, false, ToolChange::of(task));
    }

    /// What a model may do while a task runs, and who hears of its end.
    pub(super) fn when_told(&self, session: &SessionId) -> &'static str {
        if self.is_subagent(session) {
            "Go on with other work: you are told when it ends. When you need its end, `sleep 100` ends with it; once you have \
             ended your turn it goes to the agent that called you."
        } else {
            "Go on with other work or end your turn: you are told when it ends."
        }
    }

    pub(super) fn check(&mut self, session: &SessionId, id: &ToolCallId, turn: &TurnId, check: &CheckBackground) {
        let Some(task) = check.task_id.as_deref().map(TaskId::from) else {
            let text = self.list_for_model(session);
            return self.finish_call(session, id, text, false, ToolChange::default());
        };
        let Some(entry) = self.ledger.get(&task) else {
            let text = format!("There is no task {task}. `check_background` without an id lists all tasks.");
            return self.finish_call(session, id, text, true, ToolChange::default());
        };
        let (path, report_at) = (entry.task.output.path.clone(), entry.report_at);
        if let Some(text) = self.look(session, check, &task) {
            self.told_by_result(session, &task);
            return self.finish_call(session, id, text, false, ToolChange::default());
        }
        let limit = self.result_room() as u64;
        let range = match (check.offset, check.tail) {
            (Some(offset), _) => OutputRange::From { offset, limit },
            (None, Some(lines)) => OutputRange::Tail { lines, limit },
            (None, None) if report_at.is_some() => OutputRange::From { offset: report_at.unwrap_or_default(), limit },
            (None, None) => OutputRange::Tail { lines: 60, limit: limit / 2 },
        };
        let head = self.describe_for_model(&task);
        self.told_by_result(session, &task);
        if path.as_os_str().is_empty() {
            return self.finish_call(session, id, head, false, ToolChange::default());
        }
        if let Some(state) = self.call(session, id) {
            let from = OutputOf { path: path.clone(), task: Some(task) };
            state.step = Step::Reading { head, foot: String::new(), is_error: false, from };
        }
        self.effects.push(Effect::ReadForTool {
            session: session.clone(),
            turn: turn.clone(),
            call: id.clone(),
            path,
            range,
        });
    }

    pub(super) fn stop_call(&mut self, session: &SessionId, id: &ToolCallId, stop: &StopBackground) {
        let task = TaskId::from(stop.task_id.as_str());
        let (text, is_error) = match self.ledger.get(&task) {
            None => (format!("There is no task {task}. `check_background` without an id lists all tasks."), true),
            Some(entry) if entry.task.status.is_final() && entry.task.stragglers == 0 => {
                let status = entry.task.status.as_str();
                self.told_by_result(session, &task);
                (format!("Task {task} had already ended: {status}."), false)
            }
            Some(_) => {
                self.stop_task(&task, StoppedBy::Agent);
                (format!("Stopping {task} and everything that it started."), false)
            }
        };
        self.finish_call(session, id, text, is_error, ToolChange::of(task));
    }
}
