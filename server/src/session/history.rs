//! A session's history on its way into the store: in order, one append at a time, and the request that an item belongs to
//! leaves when the store has it. What a full disk did not take goes along with the next item.

use std::sync::Arc;

use crate::agent::history::Item;
use crate::agent::notification::Key;
use crate::ids::SessionId;

use super::conversation::Phase;
use super::effect::{Effect, StopReason, Write};
use super::event::CommitId;
use super::state::State;

/// How far a history has got into the store.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Items that the store has.
    items: usize,
    /// Reports that the items after those carry.
    carried: Vec<Key>,
    /// The append that is under way: the items that the store has after it, and the reports that it carries.
    under_way: Option<(usize, Vec<Key>)>,
}

impl Written {
    /// A history that came out of the store.
    pub(super) fn all(items: usize) -> Self {
        Self { items, ..Self::default() }
    }

    /// There is something that the store did not take.
    pub(super) fn is_behind(&self, items: usize) -> bool {
        self.under_way.is_none() && self.items < items
    }
}

impl State {
    /// Appends an item to a history. Returns the number of items with it, to wait for. A subagent's are in memory alone.
    pub(super) fn append(&mut self, session: &SessionId, item: Item, carried: Vec<Key>) -> usize {
        let item = Arc::new(item);
        self.transcribe(session, &item);
        let Some(owner) = self.sessions.get_mut(session) else { return 0 };
        owner.history.push(item.clone());
        if matches!(*item, Item::Compaction(_)) {
            owner.renew_view();
        } else {
            owner.meter.add(&item);
            owner.view.push(item);
        }
        if owner.parent.is_some() {
            return owner.history.len();
        }
        owner.written.carried.extend(carried);
        let items = owner.history.len();
        self.write_on(session);
        items
    }

    fn write_on(&mut self, session: &SessionId) {
        let commit = self.next_commit();
        let Some(owner) = self.sessions.get_mut(session) else { return };
        let written = &mut owner.written;
        let first = written.items;
        if written.under_way.is_some() || first == owner.history.len() {
            return;
        }
        let carried = std::mem::take(&mut written.carried);
        written.under_way = Some((owner.history.len(), carried.clone()));
        let (session, items) = (session.clone(), owner.history[first..].to_vec());
        self.commits.insert(commit, session.clone());
        self.effects.push(Effect::Store(Write::Append { session, first, items, carried, commit }));
    }

    /// The store has answered: the request that waited for it may leave, or the turn ends.
    pub(super) fn committed(&mut self, commit: CommitId, result: Result<(), String>) {
        let Some(session) = self.commits.remove(&commit) else { return };
        let Some(owner) = self.sessions.get_mut(&session) else { return };
        let Some((items, carried)) = owner.written.under_way.take() else { return };
        let waiting = owner.turn.as_ref().and_then(|turn| match turn.phase {
            Phase::Committing(items) => Some((turn.id.clone(), items)),
            _ => None,
        });
        match (result, waiting) {
            (Ok(()), waiting) => {
                owner.written.items = items;
                self.write_on(&session);
                if let Some((turn, _)) = waiting.filter(|(_, wanted)| *wanted <= items) {
                    self.ask(&session, &turn);
                }
            }
            (Err(error), waiting) => {
                owner.written.carried.splice(0..0, carried);
                if waiting.is_some() {
                    let text = format!(
                        "The conversation could not be written: {error}. Free disk space or check the state folder; the \
                         next prompt tries again."
                    );
                    self.end_turn(&session, StopReason::Error, Some(text));
                }
            }
        }
    }

    /// The session's row, for the store.
    pub(super) fn save_session(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get(session).filter(|owner| owner.parent.is_none()) else { return };
        let row = owner.row();
        self.effects.push(Effect::Store(Write::Session(Box::new(row))));
    }
}
