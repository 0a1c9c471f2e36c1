//! What the hands do in the workspace: its state for the records of runs, its changes for watched tasks, its own commands.

use std::path::{Path, PathBuf};

use super::Hands;
use crate::agent::mentions::Wanted;
use crate::clock;
use crate::ids::{PromptId, SessionId, TaskId};
use crate::matcher::narrow;
use crate::session::effect::{Refusal, Reply};
use crate::session::event::{CheckId, Event, OnlyTests, ReplyId, Request, StartTask};
use crate::session::inbox::Input;
use crate::session::services::Missed;
use crate::store;
use crate::task::model::{Group, Origin, Timestamp, Watch};
use crate::task::run::RunId;
use crate::tool::{self, FileSeen, mention};
use crate::workspace::changes::Look;
use crate::workspace::commands::{self, ProjectCommand};
use crate::workspace::compose;
use crate::workspace::files::WorkspaceFiles;
use crate::workspace::folders::{self, Seen};
use crate::workspace::instructions;

impl Hands {
    pub(super) fn read_instructions(&self, session: SessionId, cwd: PathBuf) {
        let (roots, personal, inbox) = (self.roots.clone(), self.config_dir.clone(), self.inbox.clone());
        tokio::spawn(async move {
            let files = instructions::above(roots, cwd, personal).await;
            inbox.tell(Event::InstructionsRead { session, files });
        });
    }

    pub(super) fn read_mentions(
        &self,
        session: SessionId,
        prompt: PromptId,
        cwd: PathBuf,
        wanted: Vec<Wanted>,
        more: usize,
    ) {
        let (context, inbox) = (self.tool_context(&session, cwd, FileSeen::default()), self.inbox.clone());
        tokio::spawn(async move {
            let (block, seen) = mention::read(wanted, more, &context).await;
            inbox.tell(Event::MentionsRead { session, prompt, block, seen });
        });
    }

    /// What a file tool of a session may use.
    pub(super) fn tool_context(&self, session: &SessionId, cwd: PathBuf, seen: FileSeen) -> tool::Context {
        tool::Context {
            roots: self.roots.clone(),
            cwd,
            editor: self.editor.clone(),
            seen,
            max_result: tool::MAX_RESULT,
            results: self.results.join(session.as_str()),
        }
    }

    pub(super) fn fingerprint(&self, id: RunId, unsaved: u64) {
        let (found, inbox) = (self.looks.fingerprint(), self.inbox.clone());
        tokio::spawn(async move {
            let fingerprint = found.await.map(|files| recorded(&files, unsaved));
            inbox.tell(Event::Fingerprinted { id, fingerprint });
        });
    }

    pub(super) fn fingerprint_after(&self, run: RunId, command: String, unsaved: u64) {
        let (found, store) = (self.looks.fingerprint(), self.store.clone());
        tokio::spawn(async move {
            if let Some(files) = found.await {
                store.write(store::Write::SaveAfter { command, run, after: recorded(&files, unsaved) });
            }
        });
    }

    /// Whether the workspace is as it was when a run began.
    pub(super) fn check_unchanged(&self, check: CheckId, since: Timestamp, fingerprint: String, unsaved: u64) {
        let (look, inbox) = (self.looks.look(), self.inbox.clone());
        tokio::spawn(async move {
            let same =
                |look: Look| !look.is_written_since(since.0) && recorded(&look.fingerprint, unsaved) == fingerprint;
            let unchanged = look.await.is_some_and(same);
            inbox.tell(Event::Unchanged { check, unchanged });
        });
    }

    pub(super) fn watch_files(&mut self, task: TaskId, root: PathBuf, watch: Watch) {
        let never = self.runs.parent().unwrap_or(&self.runs).to_owned();
        let (inbox, of) = (self.inbox.clone(), task.clone());
        // The first run may write before the watch stands.
        let since = clock::now();
        let watching = tokio::spawn(folders::follow(root, never, watch, since, move |seen| {
            let task = of.clone();
            let event = match seen {
                Seen::Changes(changes) => Event::FilesChanged { task, changes },
                Seen::Failed(why) => Event::WatchFailed { task, why },
            };
            inbox.tell(event)
        }));
        self.watches.insert(task, watching.abort_handle());
    }

    pub(super) fn find_commands(&self, reply: ReplyId, near: Option<PathBuf>, start: Option<Group>) {
        let root = self.root.clone();
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let at = near.filter(|near| near.starts_with(&root)).unwrap_or_else(|| root.clone());
            let (place, near) = (root.clone(), at.clone());
            let found = tokio::task::spawn_blocking(move || commands::find(&place, &near)).await.unwrap_or_default();
            let input = match start {
                None => Input::Answer(reply, Ok(Reply::Commands(found))),
                Some(group) => match found.into_iter().find(|command| command.group == group) {
                    // With what goes before it.
                    Some(ProjectCommand { task: Some(label), group, .. }) => {
                        let start = by_person(String::new(), root.clone(), label, group);
                        Input::Again(reply, Request::StartTask(StartTask { cwd: None, file: Some(at), ..start }))
                    }
                    Some(ProjectCommand { label, command, cwd, .. }) => {
                        Input::Again(reply, Request::StartTask(by_person(command, cwd, label, group)))
                    }
                    None => Input::Answer(reply, Err(no_command(&root, group))),
                },
            };
            inbox.send(input);
        });
    }

    pub(super) fn find_service(&self, missed: Missed) {
        let (root, inbox) = (self.root.clone(), self.inbox.clone());
        tokio::task::spawn_blocking(move || {
            let service = compose::offering(&missed.cwd, &root, missed.host.as_deref(), missed.port);
            inbox.tell(Event::ServiceFound { missed, service });
        });
    }

    pub(super) fn read_script(&self, reply: ReplyId, task: TaskId, only: OnlyTests, command: String, cwd: PathBuf) {
        let (root, inbox) = (self.root.clone(), self.inbox.clone());
        tokio::task::spawn_blocking(move || {
            let script = narrow::script(&command, &cwd, &root, &WorkspaceFiles::new(root.clone()));
            inbox.send(Input::Again(reply, Request::RerunScripted { task, only, script }));
        });
    }

    pub(super) fn read_defined(&self, reply: ReplyId, start: Box<StartTask>) {
        let (root, inbox) = (self.root.clone(), self.inbox.clone());
        tokio::spawn(async move {
            let file = start.file.clone();
            let read = tokio::task::spawn_blocking(move || commands::defined(&root, file.as_deref())).await;
            let defined = read.unwrap_or_else(|error| Err(error.to_string()));
            inbox.send(Input::Again(reply, Request::StartDefined { start, defined }));
        });
    }
}

/// The fingerprint as a run's record has it.
fn recorded(files: &str, unsaved: u64) -> String {
    format!("{files} {unsaved:016x}")
}

fn no_command(root: &Path, group: Group) -> Refusal {
    Refusal::State {
        kind: "no_project_command",
        message: format!("no {} command was found in {}", group.as_str(), root.display()),
        remedy: format!("Looked for {}. Run a command by name instead.", commands::LOOKED_FOR),
    }
}

/// A plain start by a person.
fn by_person(command: String, cwd: PathBuf, label: String, group: Group) -> StartTask {
    StartTask { cwd: Some(cwd), label: Some(label), group: Some(group), ..StartTask::new(command, Origin::User) }
}
