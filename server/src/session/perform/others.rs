//! Looks at what other windows write to the state of the workspace, and tells the owner.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::session::event::{Event, Taken};
use crate::session::inbox::Inbox;
use crate::session::storage;
use crate::store::{Others, Store};
use crate::workspace::watch::FileEvents;

/// Between two looks, as long as there are other windows: one that dies writes nothing.
const EVERY: Duration = Duration::from_secs(1);
/// The same where this window is alone and a new one would be heard. An event may be lost.
const ALONE: Duration = Duration::from_secs(30);

/// Tells the owner, once a second at most, what other windows do to their tasks, until nobody listens.
pub(super) async fn watch(store: Store, mut seen: Others, events: FileEvents, inbox: Inbox) {
    let wake = Arc::new(Notify::new());
    let heard = store.log().and_then(|log| events.watch(log, wake.clone()));
    loop {
        sleep(EVERY).await;
        if seen.alone && heard.is_some() {
            // Whoever comes writes its lease before anything else.
            let _ = tokio::time::timeout(ALONE, wake.notified()).await;
        }
        let Ok(found) = store.others(seen.clone()).await else { continue };
        let changed = found.changed.clone();
        let taken = found.taken.iter().map(|row| Taken { task: row.task.clone(), same_client: row.same_client });
        let taken: Vec<Taken> = taken.collect();
        let reports = storage::pending(&found.notifications);
        seen = found;
        if !inbox.is_read() {
            return;
        }
        if !changed.is_empty() || !taken.is_empty() {
            inbox.tell(Event::Others { changed, taken, reports });
        }
    }
}
