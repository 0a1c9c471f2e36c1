//! Tasks that ran elsewhere (a terminal, another runner): they enter the ledger as finished ones, with output, problems,
//! counts and a notification like all others.

use crate::ids::TaskId;
use crate::task::model::{Origin, OutputInfo, Status};
use crate::task::run::{Ending, Imported, RunEnd, RunId};

use super::effect::{Effect, Refusal, Reply};
use super::event::{ReplyId, ReportedTask, StartTask};
use super::state::State;

impl State {
    /// A client tells of a task. Its output is matched first, away from here.
    pub(super) fn report_task(&mut self, reply: ReplyId, reported: Box<ReportedTask>) {
        if reported.command.trim().is_empty() {
            return self.refuse(
                reply,
                Refusal::BadField {
                    field: "command",
                    message: "the command is empty".into(),
                    remedy: "Give the command that ran.".into(),
                },
            );
        }
        if let Some(session) = reported.session.as_ref().filter(|session| !self.sessions.contains_key(session)) {
            return self.refuse(reply, Refusal::UnknownSession(session.clone()));
        }
        let id = self.new_task_id();
        let dir = self.settings.runs.join(id.as_str()).join("1");
        self.effects.push(Effect::Import { reply, id, dir, reported });
    }

    /// The output is written and matched: the row appears, and is over.
    pub(super) fn imported(
        &mut self,
        reply: ReplyId,
        id: TaskId,
        reported: ReportedTask,
        result: Result<Imported, String>,
    ) {
        let Imported { findings, bytes, lines, last_line, tail } = match result {
            Ok(imported) => imported,
            Err(error) => return self.refuse(reply, Refusal::Internal(error)),
        };
        let path = self.settings.runs.join(id.as_str()).join("1").join("output");
        // The session may have been closed meanwhile.
        let session = reported.session.filter(|session| self.sessions.contains_key(session));
        self.enter_as(
            id.clone(),
            StartTask {
                cwd: Some(reported.cwd),
                label: reported.label,
                group: reported.group,
                session,
                ..StartTask::new(reported.command, Origin::User)
            },
        );
        let Some(entry) = self.ledger.get_mut(&id) else { return };
        let task = &mut entry.task;
        task.status = Status::Running;
        task.started_at = Some(reported.started_at);
        task.output = OutputInfo { path, bytes, lines, last_line, ..OutputInfo::default() };
        let key = (task.command.clone(), task.cwd.clone());
        let mut files = self.problems.begin_run(&id, 1, key, None);
        let run = RunId { task: id.clone(), run: 1 };
        files.extend(self.take_findings(&run, findings));
        self.show_problems(files);
        let ending = Ending::Exited { code: reported.exit_code };
        let end = RunEnd { ending, at: reported.ended_at, stragglers: 0, tail, bytes, lines, truncated: false };
        // The end waits for what the store knows of earlier runs, and the answer for the end.
        if let Some(entry) = self.ledger.get_mut(&id) {
            entry.reported = Some(reply);
        }
        self.begin_beside(&id);
        self.ended(&run, end, self.now());
    }

    /// A run has ended: whoever reported it hears of the whole row.
    pub(super) fn answer_report(&mut self, id: &TaskId) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        if let Some(reply) = entry.reported.take() {
            let task = Box::new(entry.task.clone());
            self.reply(reply, Reply::Task(task));
        }
    }
}
