//! What the hands look up for a session that was away: the commit that was checked out then and the one that is now, and
//! how many files were written.

use std::path::Path;

use super::Hands;
use crate::ids::SessionId;
use crate::session::event::Event;
use crate::session::since::Changes;
use crate::store;
use crate::task::model::Timestamp;
use crate::workspace::written::{self, Written};

impl Hands {
    /// What changed since a session was used last.
    pub(super) fn look_since(&self, session: SessionId, from: Timestamp, head: Option<String>) {
        let (inbox, roots) = (self.inbox.clone(), self.roots.all().map(Path::to_owned).collect::<Vec<_>>());
        tokio::task::spawn_blocking(move || {
            let Written { commit, files, is_part } = written::since(&roots, from.0);
            let moved = head.zip(commit).filter(|(then, now)| then != now);
            inbox.tell(Event::SinceLooked { session, from, changes: Changes { moved, files, is_part } });
        });
    }

    /// Notes with a session where the repository stands.
    pub(super) fn note_head(&self, session: SessionId) {
        let (store, root) = (self.store.clone(), self.root.clone());
        tokio::task::spawn_blocking(move || {
            if let Some(head) = written::commit(&root) {
                store.write(store::Write::SaveHead { session, head });
            }
        });
    }
}
