//! What commands ask, for clients that show no tasks of their own: a message with the answers that a question lists as
//! buttons, and "Stop". Whatever else may be answered is typed for the command `pillion.task.input`. Knows no permission.
//!
//! The row is the state: a message is up while its task waits on that question, and is withdrawn when it does not.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::ids::TaskId;
use crate::session::event::Request;
use crate::task::model::{AnswerOption, Status, Task, WaitingFor};

use super::Owner;
use super::outbox::Outbox;

/// The button that ends the task.
const STOP: &str = "Stop";
/// Buttons of one message; the rest of a long menu is typed.
const BUTTONS: usize = 6;

/// The questions that are up.
pub struct InputQuestions {
    outbox: Outbox,
    owner: Arc<Owner>,
    /// The client has `window/showMessageRequest`.
    has_buttons: bool,
    up: HashMap<TaskId, Up>,
}

struct Up {
    run: u32,
    question: Option<String>,
    /// The message's request, where there is one.
    request: Option<String>,
}

impl InputQuestions {
    /// No question yet.
    pub fn new(outbox: Outbox, owner: Arc<Owner>, has_buttons: bool) -> Self {
        Self { outbox, owner, has_buttons, up: HashMap::new() }
    }

    /// A row changed.
    pub async fn task(&mut self, task: &Task) {
        let on = task.waiting_for.as_ref().filter(|_| task.status == Status::WaitingForInput && task.owned);
        let is_up = self.up.get(&task.id).is_some_and(|up| {
            on.is_some_and(|on| up.run == task.run && (on.question.is_none() || up.question == on.question))
        });
        if is_up {
            return;
        }
        if let Some(Up { request: Some(request), .. }) = self.up.remove(&task.id) {
            self.outbox.cancel(&request).await;
        }
        if let Some(on) = on {
            let request = if self.has_buttons {
                Some(self.ask(task, on).await)
            } else {
                name(&self.outbox, task).await;
                None
            };
            self.up.insert(task.id.clone(), Up { run: task.run, question: on.question.clone(), request });
        }
    }

    async fn ask(&self, task: &Task, on: &WaitingFor) -> String {
        let options: Vec<AnswerOption> = on.options.iter().take(BUTTONS).cloned().collect();
        let buttons = options.iter().map(|option| option.label.as_str()).chain([STOP]);
        let actions: Vec<Value> = buttons.map(|title| json!({ "title": title })).collect();
        // Where no button fits, how to answer is said at once.
        let further = if options.is_empty() { format!(" {HOW}") } else { String::new() };
        let params = json!({"type": 3, "message": format!("Pillion: {}{further}", asks(task)), "actions": actions});
        let asked = self.outbox.request("window/showMessageRequest", params).await;
        let request = asked.id.clone();
        let (outbox, owner, task) = (self.outbox.clone(), self.owner.clone(), task.clone());
        tokio::spawn(async move {
            let answer = match asked.answer().await {
                // Withdrawn: it went on, or the client is gone.
                Err(Value::Null) => return,
                answer => answer.ok(),
            };
            let title = answer.as_ref().and_then(|answer| answer["title"].as_str()).unwrap_or_default();
            let id = Some(task.id.clone());
            let chosen = options.into_iter().find(|option| option.label == title);
            let request = match chosen {
                Some(option) => Request::Input { task: id, text: option.text, eof: false },
                None if title == STOP => Request::StopTask { task: id },
                // Closed without a choice, which is no answer: the question stays.
                None if further.is_empty() => return name(&outbox, &task).await,
                None => return,
            };
            if let Some(owner) = owner.get() {
                // A task that went on meanwhile refuses it, and that is all.
                let _ = owner.ask(request).await;
            }
        });
        request
    }
}

const HOW: &str = "Answer with the command pillion.task.input, or stop it with pillion.task.stop.";

fn asks(task: &Task) -> String {
    match task.waiting_for.as_ref().and_then(|on| on.question.as_deref()) {
        Some(question) => format!("{} asks: {question}", task.label),
        None => format!("{} waits for input.", task.label),
    }
}

/// A question without buttons: named, so that the person can answer it by a command.
async fn name(outbox: &Outbox, task: &Task) {
    let message = format!("Pillion: {} {HOW}", asks(task));
    outbox.notify("window/showMessage", json!({"type": 3, "message": message})).await;
}
