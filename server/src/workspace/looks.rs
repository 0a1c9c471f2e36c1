//! Looks at the workspace, one walk at a time: who asks while one is under way shares the next, so that fifty tasks that
//! start together cost two walks.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::changes;

type Waiting = oneshot::Sender<Option<String>>;

/// A handle; the walks end with the last one.
#[derive(Clone, Debug)]
pub struct Looks {
    roots: Arc<[PathBuf]>,
    waiting: mpsc::UnboundedSender<Waiting>,
}

impl Looks {
    /// For these folders. To be called on a runtime.
    pub fn new(roots: Vec<PathBuf>) -> Self {
        let roots: Arc<[PathBuf]> = roots.into();
        let (waiting, queue) = mpsc::unbounded_channel();
        tokio::spawn(walk(roots.clone(), queue));
        Self { roots, waiting }
    }

    /// What the workspace is like: seen by a walk that begins after this call. `None` when there is too much to look at.
    pub fn fingerprint(&self) -> impl Future<Output = Option<String>> + Send + 'static {
        let (send, receive) = oneshot::channel();
        // The walker lives as long as a handle does.
        let _ = self.waiting.send(send);
        async move { receive.await.ok().flatten() }
    }

    /// The same with the time of the newest change.
    pub fn look(&self) -> impl Future<Output = Option<changes::Look>> + Send + 'static {
        let roots = self.roots.clone();
        async move { tokio::task::spawn_blocking(move || changes::look(&roots)).await.ok().flatten() }
    }
}

async fn walk(roots: Arc<[PathBuf]>, mut queue: mpsc::UnboundedReceiver<Waiting>) {
    let mut waiting = Vec::new();
    while queue.recv_many(&mut waiting, 1_024).await > 0 {
        let roots = roots.clone();
        let found = tokio::task::spawn_blocking(move || changes::fingerprint(&roots)).await.ok().flatten();
        for waits in waiting.drain(..) {
            // Who asked may be gone.
            let _ = waits.send(found.clone());
        }
    }
}
