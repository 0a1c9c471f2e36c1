//! What the hands read of the store for the owner: sessions, and the past of commands.

use std::time::Duration;

use super::Hands;
use crate::ids::SessionId;
use crate::session::effect::{Refusal, Reply};
use crate::session::event::{Event, ReplyId};
use crate::session::owner::Input;
use crate::session::storage;
use crate::store::{self, Elsewhere};
use crate::task::lease;
use crate::task::run::RunId;
use crate::tool::sweep_results;

/// How long a session waits for its window's last sidecar, which is on its way out.
const WAY_OUT: Duration = Duration::from_secs(2);

impl Hands {
    pub(super) fn load_session(&self, reply: ReplyId, session: SessionId) {
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
                && loaded.elsewhere.is_some()
            {
                inbox.send(Input::Answer(reply, Err(storage::in_use(&session))));
                return;
            }
            let stored = storage::session(read);
            inbox.tell(Event::SessionLoaded { reply, session, stored });
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

    /// Removes the files of a session's long results.
    pub(super) fn forget_results(&self, session: &SessionId) {
        let folder = self.results.join(session.as_str());
        tokio::task::spawn_blocking(move || sweep_results::remove(&folder));
    }

    pub(super) fn delete_session(&self, reply: ReplyId, session: SessionId) {
        let (read, store) = (self.store.load_session(session.clone()), self.store.clone());
        let results = self.results.clone();
        self.answer_later(reply, async move {
            match read.await {
                Ok(None) => Err(Refusal::UnknownSession(session)),
                Ok(Some(loaded)) if loaded.elsewhere.is_some() => Err(storage::in_use(&session)),
                // One that cannot be read can still be deleted.
                Ok(Some(_)) | Err(_) => {
                    let folder = results.join(session.as_str());
                    let deleted = store.written(store::Write::DeleteSession(session)).await;
                    tokio::task::spawn_blocking(move || sweep_results::remove(&folder));
                    deleted.map(|()| Reply::Done).map_err(|error| Refusal::Internal(error.to_string()))
                }
            }
        });
    }

    pub(super) fn list_sessions(&self, reply: ReplyId, limit: usize, before: Option<SessionId>, open: Vec<SessionId>) {
        let read = self.store.list_sessions(u32::try_from(limit).unwrap_or(u32::MAX), before);
        self.answer_later(reply, async move { storage::rows(read.await, &open) });
    }
}
