//! `$/progress` of running tasks: created, begun when the client has agreed, reported, ended; cancelling one stops its
//! task.

use std::collections::HashMap;

use serde_json::json;
use tokio::sync::mpsc;

use super::outbox::Outbox;
use super::words;
use crate::ids::TaskId;
use crate::task::model::{Status, Task};

/// Where a task's progress stands.
#[derive(Debug)]
struct Shown {
    title: String,
    message: Option<String>,
    percent: Option<u8>,
    /// The client has agreed to show it.
    begun: bool,
    /// The task ended before the client had agreed.
    ended: bool,
}

/// The progress of every running task, by token.
#[derive(Debug)]
pub struct Progress {
    outbox: Outbox,
    agreed: mpsc::UnboundedSender<String>,
    shown: HashMap<String, Shown>,
}

/// The task that a token belongs to.
pub fn task_of(token: &str) -> Option<&str> {
    token.strip_prefix("pillion/")?.split('/').next()
}

impl Progress {
    /// `agreed` is given the tokens that the client has agreed to; each is to be handed to [`Progress::begin`].
    pub fn new(outbox: Outbox, agreed: mpsc::UnboundedSender<String>) -> Self {
        Self { outbox, agreed, shown: HashMap::new() }
    }

    /// A task's row changed.
    pub async fn task(&mut self, task: &Task) {
        let token = token(&task.id, task.run);
        let running = matches!(task.status, Status::Running | Status::WaitingForInput);
        let message = words::message(task, |id| self.label(id));
        match self.shown.get_mut(&token) {
            None if running => {
                let (title, percent) = (task.label.clone(), task.progress.percent);
                self.shown.insert(token.clone(), Shown { title, message, percent, begun: false, ended: false });
                let asked = self.outbox.request("window/workDoneProgress/create", json!({"token": token})).await;
                let agreed = self.agreed.clone();
                tokio::spawn(async move {
                    if asked.answer().await.is_ok() {
                        let _ = agreed.send(token);
                    }
                });
            }
            None => {}
            Some(shown) if running => {
                if shown.message == message && shown.percent == task.progress.percent {
                    return;
                }
                shown.message = message;
                shown.percent = task.progress.percent;
                if shown.begun {
                    let value = json!({"kind": "report", "message": shown.message, "percentage": shown.percent});
                    self.send(&token, strip_null(value)).await;
                }
            }
            Some(shown) if task.status.is_final() || task.status == Status::Queued => {
                shown.ended = true;
                shown.message = message;
                if shown.begun {
                    self.end(&token).await;
                }
            }
            Some(_) => {}
        }
    }

    /// The client has agreed to a token.
    pub async fn begin(&mut self, token: &str) {
        let Some(shown) = self.shown.get_mut(token) else { return };
        shown.begun = true;
        let ended = shown.ended;
        let value = json!({
            "kind": "begin", "title": shown.title, "cancellable": true,
            "message": shown.message, "percentage": shown.percent,
        });
        self.send(token, strip_null(value)).await;
        if ended {
            self.end(token).await;
        }
    }

    async fn end(&mut self, token: &str) {
        let Some(shown) = self.shown.remove(token) else { return };
        self.send(token, strip_null(json!({"kind": "end", "message": shown.message}))).await;
    }

    /// The label of a running task.
    fn label(&self, id: &str) -> Option<String> {
        let shown = self.shown.iter().find(|(token, _)| task_of(token) == Some(id));
        shown.map(|(_, shown)| shown.title.clone())
    }

    async fn send(&self, token: &str, value: serde_json::Value) {
        self.outbox.notify("$/progress", json!({"token": token, "value": value})).await;
    }
}

/// LSP leaves out what has no value here.
fn strip_null(mut value: serde_json::Value) -> serde_json::Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    value
}

/// The token of a task's progress.
pub fn token(task: &TaskId, run: u32) -> String {
    format!("pillion/{task}/{run}")
}
