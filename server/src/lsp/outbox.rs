//! The way out to the client: notifications and our own requests, in order, over one bounded channel to the one writer.
//! Requests have ids that start with `pillion:`, so that they never meet the service's own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::transport::OWN_ID;

/// Messages that wait for the writer before senders have to wait themselves.
const CAPACITY: usize = 1024;

type Answer = Result<Value, Value>;

/// A handle; cloning is cheap.
#[derive(Clone, Debug)]
pub struct Outbox {
    queue: mpsc::Sender<Vec<u8>>,
    waiting: Arc<Mutex<HashMap<String, oneshot::Sender<Answer>>>>,
    next: Arc<AtomicU64>,
}

/// A request of ours that waits for the client's answer.
#[derive(Debug)]
pub struct Asked {
    pub id: String,
    answer: oneshot::Receiver<Answer>,
}

impl Asked {
    /// The client's result; its error, or `null` when the connection ended, as `Err`.
    pub async fn answer(self) -> Answer {
        self.answer.await.unwrap_or(Err(Value::Null))
    }
}

impl Outbox {
    /// A handle, and the end that the transport writes.
    pub fn new() -> (Self, mpsc::Receiver<Vec<u8>>) {
        let (queue, written) = mpsc::channel(CAPACITY);
        (Self { queue, waiting: Arc::default(), next: Arc::default() }, written)
    }

    async fn send(&self, message: Value) {
        // Fails only when the transport has ended: there is nobody to tell.
        let _ = self.queue.send(message.to_string().into_bytes()).await;
    }

    /// Sends a notification. Waits while the client does not read.
    pub async fn notify(&self, method: &str, params: impl Serialize) {
        self.send(json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }

    /// Sends a request; the answer is waited for apart.
    pub async fn request(&self, method: &str, params: impl Serialize) -> Asked {
        let id = format!("{OWN_ID}{}", self.next.fetch_add(1, Ordering::Relaxed));
        let (answered, answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), answered);
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        Asked { id, answer }
    }

    /// Takes a request back: its answer is not wanted any more.
    pub async fn cancel(&self, id: &str) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.notify("$/cancelRequest", json!({"id": id})).await;
    }

    /// The transport hands in the client's answer to a request of ours.
    pub fn answered(&self, id: &Value, answer: Answer) {
        let waiting = id.as_str().and_then(|id| self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id));
        if let Some(waiting) = waiting {
            // Nobody waits any more when the question was withdrawn.
            let _ = waiting.send(answer);
        }
    }
}
