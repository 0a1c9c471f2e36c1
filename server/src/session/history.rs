//! A session's history on its way into the store: every item is appended once, in order, and the request that it belongs
//! to leaves when the store has it. What could not be written is written with the next item.

use std::sync::Arc;

use crate::agent::history::Item;
use crate::agent::notification::Key;
use crate::ids::SessionId;

use super::effect::{Effect, StopReason, Write};
use super::event::{CommitId, StoredSession};
use super::state::{Phase, Session, State};

/// An append that the store has not acknowledged.
#[derive(Debug)]
pub(super) struct Commit {
    session: SessionId,
    /// The items from `first` up to, not including, `end`.
    first: usize,
    end: usize,
    carried: Vec<Key>,
}

/// What the store refused to take (a full disk): the history from `first` on, and the reports that it carries.
#[derive(Debug)]
pub(super) struct Unwritten {
    first: usize,
    carried: Vec<Key>,
}

impl State {
    /// Appends an item to a history, and everything before it that could not be written.
    pub(super) fn append(&mut self, session: &SessionId, item: Item, mut carried: Vec<Key>) -> CommitId {
        let commit = self.next_commit();
        let Some(owner) = self.sessions.get_mut(session) else { return commit };
        let mut first = owner.history.len();
        owner.history.push(Arc::new(item));
        if let Some(unwritten) = owner.unwritten.take() {
            first = unwritten.first;
            carried.splice(0..0, unwritten.carried);
        }
        let (session, end) = (session.clone(), owner.history.len());
        let items = owner.history[first..].to_vec();
        self.commits.insert(commit, Commit { session: session.clone(), first, end, carried: carried.clone() });
        self.effects.push(Effect::Store(Write::Append { session, first, items, carried, commit }));
        commit
    }

    /// The store has answered: the request that waited for it may leave, or the turn ends.
    pub(super) fn committed(&mut self, id: CommitId, result: Result<(), String>) {
        let Some(commit) = self.commits.remove(&id) else { return };
        let Some(owner) = self.sessions.get_mut(&commit.session) else { return };
        match (&result, &mut owner.unwritten) {
            // An earlier item failed, and this append has brought it along.
            (Ok(()), Some(unwritten)) => unwritten.first = unwritten.first.max(commit.end),
            (Ok(()), None) => {}
            (Err(_), Some(unwritten)) => {
                unwritten.first = unwritten.first.min(commit.first);
                unwritten.carried.extend(commit.carried);
            }
            (Err(_), none) => *none = Some(Unwritten { first: commit.first, carried: commit.carried }),
        }
        let waiting = owner.turn.as_ref().filter(|turn| turn.phase == Phase::Committing(id));
        let Some(turn) = waiting.map(|turn| turn.id.clone()) else { return };
        match result {
            Ok(()) => self.ask(&commit.session, &turn),
            Err(error) => {
                let text = format!(
                    "The conversation could not be written: {error}. Free disk space or check the state folder; the \
                     next prompt tries again."
                );
                self.end_turn(&commit.session, StopReason::Error, Some(text));
            }
        }
    }

    /// The session's row, for the store.
    pub(super) fn save_session(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get(session) else { return };
        let row = owner.row();
        self.effects.push(Effect::Store(Write::Session(Box::new(row))));
    }
}

impl Session {
    fn row(&self) -> StoredSession {
        StoredSession {
            id: self.id.clone(),
            title: self.title.clone(),
            cwd: self.cwd.clone(),
            mode: self.mode.as_str().to_owned(),
            model: self.model.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            turns: self.turns,
            history: Vec::new(),
            carried: Vec::new(),
        }
    }
}
