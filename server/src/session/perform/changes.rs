//! What the hands do for `pillion/change/*`: read the changes from the store, settle them, take them back in the files.

use std::path::PathBuf;

use super::Hands;
use crate::agent::change::{Change, Chosen};
use crate::ids::SessionId;
use crate::session::changes::rows;
use crate::session::effect::{ChangeRow, Refusal, Reply};
use crate::session::event::{Event, ReplyId, Reverted, RevertedFile};
use crate::store::{self, Settled, Store};
use crate::tool::{self, FileSeen, revert};

impl Hands {
    pub(super) fn list_changes(&self, reply: ReplyId, session: SessionId, chosen: Chosen) {
        let store = self.store.clone();
        self.answer_later(reply, async move {
            let changes = read(&store, session, &chosen).await?;
            Ok(Reply::Changes { rows: shown(changes, chosen).await, notes: Vec::new() })
        });
    }

    pub(super) fn accept_changes(&self, reply: ReplyId, session: SessionId, chosen: Chosen) {
        let store = self.store.clone();
        self.answer_later(reply, async move {
            let rows = accept(&store, session, chosen).await?;
            Ok(Reply::Changes { rows, notes: Vec::new() })
        });
    }

    pub(super) fn revert_changes(
        &self,
        reply: ReplyId,
        session: SessionId,
        chosen: Chosen,
        cwd: PathBuf,
        seen: FileSeen,
    ) {
        let context = self.tool_context(&session, cwd, seen);
        let (store, inbox) = (self.store.clone(), self.inbox.clone());
        tokio::spawn(async move {
            let result = take_back(&store, session.clone(), chosen, context).await;
            inbox.tell(Event::ChangesReverted { reply, session, result });
        });
    }
}

async fn read(store: &Store, session: SessionId, chosen: &Chosen) -> Result<Vec<Change>, Refusal> {
    let read = store.changes(session, chosen.turn.clone(), chosen.path.clone());
    read.await.map_err(|error| Refusal::Internal(error.to_string()))
}

/// Diffs of large files take a moment.
async fn shown(changes: Vec<Change>, chosen: Chosen) -> Vec<ChangeRow> {
    tokio::task::spawn_blocking(move || rows(&changes, &chosen)).await.unwrap_or_default()
}

async fn settle(store: &Store, changes: &[Change], untold: bool) -> Result<(), Refusal> {
    for change in changes {
        let Change { id, accepted, reverted, .. } = change.clone();
        let settled = store.written(store::Write::SettleChange(Settled { id, accepted, reverted, untold }));
        settled.await.map_err(|error| Refusal::Internal(error.to_string()))?;
    }
    Ok(())
}

/// The changes of these ids as they stand now.
async fn again(store: &Store, session: SessionId, chosen: Chosen, ids: Vec<i64>) -> Result<Vec<ChangeRow>, Refusal> {
    let mut changes = read(store, session, &chosen).await?;
    changes.retain(|change| ids.contains(&change.id));
    Ok(shown(changes, Chosen::default()).await)
}

async fn accept(store: &Store, session: SessionId, chosen: Chosen) -> Result<Vec<ChangeRow>, Refusal> {
    let changes = read(store, session.clone(), &chosen).await?;
    let mut settled = Vec::new();
    let mut paths: Vec<&PathBuf> = changes.iter().map(|change| &change.path).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let of_file: Vec<&Change> = changes.iter().filter(|change| change.path == *path).collect();
        for (change, hunks) in of_file.iter().zip(revert::wanted(&of_file, &chosen)) {
            if !hunks.is_empty() {
                let mut change = (*change).clone();
                change.accepted.extend(hunks);
                settled.push(change);
            }
        }
    }
    if settled.is_empty() {
        return Err(Refusal::State {
            kind: "not_found",
            message: "there is no such edit that is still to be accepted".into(),
            remedy: "pillion/change/list shows what there is and how it stands.".into(),
        });
    }
    settle(store, &settled, false).await?;
    again(store, session, chosen, settled.iter().map(|change| change.id).collect()).await
}

async fn take_back(
    store: &Store,
    session: SessionId,
    chosen: Chosen,
    context: tool::Context,
) -> Result<Reverted, Refusal> {
    let changes = read(store, session.clone(), &chosen).await?;
    let made = store.made_folders().await.map_err(|error| Refusal::Internal(error.to_string()))?;
    let refused = |revert::Refused { kind, message, remedy }| Refusal::State { kind, message, remedy: remedy.into() };
    let done = revert::revert(&changes, &chosen, &made, &context).await.map_err(refused)?;
    settle(store, &done.changes, true).await?;
    let ids = done.changes.iter().map(|change| change.id).collect();
    let files =
        done.files.into_iter().map(|revert::File { path, real, seen, note }| RevertedFile { path, real, seen, note });
    Ok(Reverted {
        rows: again(store, session, chosen, ids).await?,
        files: files.collect(),
        failed: done.failed.map(refused),
    })
}
