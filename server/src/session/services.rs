//! Services that failing tests miss: a compose file of the workspace may offer the port at which nobody answered. Then a
//! person can have the service started and the task run again in one step.

use std::path::{Path, PathBuf};

use crate::diagnostics::groups::Group;
use crate::ids::TaskId;
use crate::task::model::{Group as TaskGroup, Origin};
use crate::workspace::Service;

use super::effect::{Effect, Refusal};
use super::event::{ReplyId, ShownProblem, StartTask};
use super::state::State;

/// A port that somebody looked for, from a folder: with the name that was called, where it was one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missed {
    pub cwd: PathBuf,
    pub host: Option<String>,
    pub port: u16,
}

impl Missed {
    fn of(group: &Group) -> Option<Self> {
        let place = group.cause.text.rsplit(' ').next().unwrap_or_default();
        let host = place.rsplit_once(':').map(|(host, _)| host.to_owned());
        Some(Self { cwd: group.cwd.clone(), host, port: group.port? })
    }
}

impl State {
    /// Looks for the services that groups of failures miss; comes back to [`State::service_found`].
    pub(super) fn ask_services(&mut self) {
        for missed in self.problems.groups().iter().filter_map(Missed::of) {
            if !self.services.contains_key(&missed) {
                self.services.insert(missed.clone(), None);
                self.effects.push(Effect::FindService(missed));
            }
        }
    }

    /// A compose file may be another one at the next run.
    pub(super) fn forget_services(&mut self) {
        self.services.retain(|_, service| service.is_some());
    }

    /// What was found is shown with the failures.
    pub(super) fn service_found(&mut self, missed: Missed, service: Option<Service>) {
        if service.is_none() {
            return;
        }
        let groups = self.problems.groups().iter();
        let files: Vec<PathBuf> = groups
            .filter(|group| Missed::of(group).as_ref() == Some(&missed))
            .map(|group| group.problem.place.file.clone())
            .collect();
        self.services.insert(missed, service);
        self.show_problems(files);
    }

    /// The groups of failures that stand in a file.
    pub(super) fn shown_groups(&self, path: &Path) -> impl Iterator<Item = ShownProblem> {
        self.problems.groups().iter().filter(move |group| group.problem.place.file == path).map(|group| ShownProblem {
            task: group.task.clone(),
            run: group.run,
            problem: group.problem.clone(),
            edited: false,
            tests: group.tests.clone(),
            service: self.service_of(group),
        })
    }

    fn service_of(&self, group: &Group) -> Option<Service> {
        self.services.get(&Missed::of(group)?)?.clone()
    }

    /// Starts the service that a task's failures miss, and the task again when it has come up.
    pub(super) fn start_service(&mut self, reply: ReplyId, task: &TaskId) {
        let service = self.problems.groups().iter().filter(|group| group.task == *task);
        let service = service.filter_map(|group| self.service_of(group)).next();
        let Some(service) = service else {
            return self.refuse(
                reply,
                Refusal::State {
                    kind: "no_service",
                    message: format!("no compose file is known to offer what task {task} has missed"),
                    remedy: "Start the service by hand, then rerun the task.".into(),
                },
            );
        };
        if !self.may_rerun(reply, task) {
            return;
        }
        let command = format!("docker compose up -d {}", service.name);
        let start = StartTask {
            cwd: Some(service.folder),
            group: Some(TaskGroup::Run),
            ..StartTask::new(command, Origin::User)
        };
        let step = self.enter(start);
        self.task_changed(&step);
        self.unbar(task);
        self.queue_again(task, Origin::User);
        self.rerun_after(task, step);
        self.follow_dependencies();
        self.reply_task(reply, task);
        self.place();
    }
}
