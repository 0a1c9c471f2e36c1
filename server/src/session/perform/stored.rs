//! What the hands read of the store for the owner: sessions, and the past of commands.

use std::time::Duration;

use super::Hands;
use crate::ids::{SessionId, TaskId};
use crate::session::effect::{Refusal, Reply};
use crate::session::event::{Event, ExportFormat, Page, ReplyId};
use crate::session::export::{self, Talk};
use crate::session::inbox::Input;
use crate::session::moving::Taker;
use crate::session::slash::{self, Place};
use crate::session::storage;
use crate::store::{self, Elsewhere, LoadedSession};
use crate::task::lease;
use crate::task::run::RunId;
use crate::tool::sweep_results;

/// How long a session waits for its window's last sidecar, which is on its way out.
const WAY_OUT: Duration = Duration::from_secs(2);
/// How long a run may take to be let go.
const LETS_GO: Duration = Duration::from_secs(2);

impl Hands {
    pub(super) fn load_session(&self, reply: ReplyId, session: SessionId, page: Page) {
        let store = self.store.clone();
        let read = store.load_session(session.clone());
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let mut read = read.await;
            if let Ok(Some(loaded)) = &read
                && let Some(Elsewhere { owner, same_client: true }) = loaded.elsewhere.clone()
            {
                // The window reloads, and its last sidecar has not quite ended.
                let _ = tokio::task::spawn_blocking(move || lease::gone_within(&owner, WAY_OUT)).await;
                read = store.load_session(session.clone()).await;
            }
            if let Ok(Some(loaded)) = &read
                && let Some(Elsewhere { owner, .. }) = &loaded.elsewhere
            {
                let refused = Refusal::InUse { session, holder: owner.clone() };
                inbox.send(Input::Answer(reply, Err(refused)));
                return;
            }
            let stored = storage::session(read);
            inbox.tell(Event::SessionLoaded { reply, session, page, stored });
        });
    }

    /// What cannot be read is as if it had never been: the run is told without it.
    pub(super) fn read_past(&self, run: RunId, command: String) {
        let read = self.store.past(command);
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let past = Box::new(read.await.unwrap_or_default());
            inbox.tell(Event::Past { run, past });
        });
    }

    /// The runs first: who takes the rows finds shims that wait for it.
    pub(super) fn hand_over(
        &mut self,
        reply: ReplyId,
        session: SessionId,
        tasks: Vec<TaskId>,
        runs: Vec<RunId>,
        to: Taker,
    ) {
        let given: Vec<_> = runs.iter().map(|run| self.supervisor.hand_over(run, to.token.clone())).collect();
        for run in &runs {
            self.commands.remove(run);
        }
        let store = self.store.clone();
        self.answer_later(reply, async move {
            for run in given {
                // One that does not let go is found by its shim's socket all the same.
                let _ = tokio::time::timeout(LETS_GO, run).await;
            }
            let written = store.written(store::Write::HandOver { session, tasks, to: to.owner }).await;
            written.map(|()| Reply::Done).map_err(|error| Refusal::Internal(error.to_string()))
        });
    }

    /// Removes the files of a session's long results.
    pub(super) fn forget_results(&self, session: &SessionId) {
        let folder = self.results.join(session.as_str());
        tokio::task::spawn_blocking(move || sweep_results::remove(&folder));
    }

    pub(super) fn delete_session(&self, reply: ReplyId, session: SessionId) {
        let (read, store) = (self.store.load_session(session.clone()), self.store.clone());
        let inbox = self.inbox.clone();
        let results = self.results.clone();
        self.answer_later(reply, async move {
            match read.await {
                Ok(None) => Err(Refusal::UnknownSession(session)),
                Ok(Some(LoadedSession { elsewhere: Some(Elsewhere { owner, .. }), .. })) => {
                    Err(Refusal::InUse { session, holder: owner })
                }
                // One that cannot be read can still be deleted.
                Ok(Some(_)) | Err(_) => {
                    let folder = results.join(session.as_str());
                    let deleted = store.written(store::Write::DeleteSession(session.clone())).await;
                    if deleted.is_ok() {
                        // Its tasks are of no session any more.
                        inbox.tell(Event::SessionDeleted(session));
                    }
                    tokio::task::spawn_blocking(move || sweep_results::remove(&folder));
                    deleted.map(|()| Reply::Done).map_err(|error| Refusal::Internal(error.to_string()))
                }
            }
        });
    }

    pub(super) fn recent_sessions(&self, place: Place, wanted: Option<String>) {
        // With room for those that are passed over.
        let read = self.store.list_sessions(slash::SESSIONS as u32 * 10, None);
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let rows = match storage::rows(read.await, &[]) {
                Ok(Reply::Sessions(rows)) => rows,
                _ => Vec::new(),
            };
            inbox.tell(Event::RecentSessions { place, wanted, rows });
        });
    }

    pub(super) fn export(&self, reply: ReplyId, talk: Talk, format: ExportFormat) {
        self.answer_later(reply, async move {
            let text = tokio::task::spawn_blocking(move || export::text(&talk, format)).await;
            text.map(Reply::Text).map_err(|error| Refusal::Internal(error.to_string()))
        });
    }

    pub(super) fn list_sessions(&self, reply: ReplyId, limit: usize, before: Option<SessionId>, open: Vec<SessionId>) {
        let read = self.store.list_sessions(u32::try_from(limit).unwrap_or(u32::MAX), before);
        self.answer_later(reply, async move { storage::rows(read.await, &open) });
    }
}
