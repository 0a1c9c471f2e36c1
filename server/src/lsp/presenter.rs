//! Shows the owner's messages to the client: `pillion/*` notifications and requests where the client renders the panel,
//! plain LSP where it does not; `$/progress` for running tasks; `publishDiagnostics` for both.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::ids::{QuestionId, TaskId};
use crate::protocol::{self as wire, PermissionOutcome, PermissionResult, method};
use crate::session::effect::Question;
use crate::session::event::{Choice, Event, FileProblems, QuestionOutcome};
use crate::session::owner::Message;
use crate::task::model::{Task, Timestamp};

use super::Owner;
use super::convert;
use super::documents::OpenDocuments;
use super::following::Followers;
use super::outbox::Outbox;
use super::problems::Published;
use super::progress::Progress;
use super::tokens;
use super::uri;
use super::waiting_for_input::InputQuestions;
use super::words;

/// What the client can show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shows {
    /// It renders sessions itself.
    pub updates: bool,
    /// It asks permission questions itself.
    pub asks: bool,
    /// It shows `$/progress` that the server begins.
    pub progress: bool,
    /// It has `window/showMessageRequest`.
    pub message_requests: bool,
}

/// Reads the owner's messages until it is gone.
pub async fn run(
    mut messages: mpsc::UnboundedReceiver<Message>,
    outbox: Outbox,
    shows: Shows,
    owner: Arc<Owner>,
    followers: Followers,
    published: Published,
    documents: Arc<OpenDocuments>,
) {
    let (begun, mut ready) = mpsc::unbounded_channel();
    let mut presenter = Presenter {
        progress: Progress::new(outbox.clone(), begun),
        waiting: InputQuestions::new(outbox.clone(), owner.clone(), shows.message_requests),
        outbox,
        shows,
        owner,
        followers,
        questions: HashMap::new(),
        published,
        documents,
        ends: HashMap::new(),
    };
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Some(message) => presenter.show(message).await,
                None => break,
            },
            Some(token) = ready.recv() => presenter.progress.begin(&token).await,
        }
    }
}

struct Presenter {
    outbox: Outbox,
    shows: Shows,
    owner: Arc<Owner>,
    followers: Followers,
    progress: Progress,
    /// For clients that show no tasks of their own.
    waiting: InputQuestions,
    /// The open questions, by the id of the request that asks them.
    questions: HashMap<QuestionId, String>,
    /// The diagnostics at the client.
    published: Published,
    documents: Arc<OpenDocuments>,
    /// The newest run of each task whose bad end a plain client knows of, and when that was.
    ends: HashMap<TaskId, (u32, Timestamp)>,
}

impl Presenter {
    async fn show(&mut self, message: Message) {
        match message {
            Message::Update { seq, session, turn, parent, replay, update } => {
                if self.shows.updates {
                    let params = wire::UpdateParams {
                        session_id: session.0,
                        turn_id: turn.map(|id| id.0),
                        seq,
                        parent_tool_call_id: parent.map(|call| call.0),
                        replay,
                        update: convert::update(*update),
                    };
                    self.outbox.notify(method::SESSION_UPDATE, params).await;
                }
            }
            Message::Task { seq, task, now } => self.task(seq, &task, now).await,
            Message::Snapshot { seq, tasks, now } => {
                if self.shows.updates {
                    let tasks = tasks.iter().map(|task| convert::task(task, now)).collect();
                    self.outbox.notify(method::TASK_SNAPSHOT, wire::TaskSnapshotParams { seq, tasks }).await;
                }
            }
            Message::Grew { task, growth } => self.followers.grew(task, growth),
            Message::Problems(problems) => self.problems(problems).await,
            Message::Tests { seq, task, run, tests, counts } => {
                if self.shows.updates {
                    let results = convert::test_results(task, run, tests, counts);
                    self.outbox.notify(method::TEST_RESULTS, wire::TestResultsTold { seq, results }).await;
                }
            }
            Message::Ask(question) => self.ask(*question).await,
            Message::Withdraw(question) => {
                if let Some(request) = self.questions.remove(&question) {
                    self.outbox.cancel(&request).await;
                }
            }
            Message::Say { error, text } => self.say(if error { 1 } else { 3 }, &text).await,
        }
    }

    async fn say(&self, kind: u32, text: &str) {
        self.outbox.notify("window/showMessage", json!({"type": kind, "message": format!("Pillion: {text}")})).await;
    }

    async fn task(&mut self, seq: u64, task: &Task, now: Timestamp) {
        if self.shows.progress && task.owned {
            self.progress.task(task).await;
        }
        if self.shows.updates {
            let params = wire::TaskStatusParams { seq, task: convert::task(task, now) };
            self.outbox.notify(method::TASK_STATUS, params).await;
            return;
        }
        self.waiting.task(task).await;
        // Another window's task is told there.
        if let Some(text) =
            words::bad_end(task).or_else(|| words::doubtful_end(task)).filter(|_| task.owned && self.is_news(task, now))
        {
            self.say(2, &text).await;
        }
    }

    /// Whether a plain client does not know of a bad end yet: neither from this task, nor from the step that kept it from
    /// starting.
    fn is_news(&mut self, task: &Task, now: Timestamp) -> bool {
        let known = |step: &TaskId| self.ends.get(step).is_some_and(|(_, ended)| *ended >= task.created_at);
        let by_step = task.started_at.is_none() && task.depends_on.iter().any(known);
        let before = self.ends.insert(task.id.clone(), (task.run, task.ended_at.unwrap_or(now)));
        !by_step && before.is_none_or(|(run, _)| run != task.run)
    }

    async fn problems(&mut self, mut problems: FileProblems) {
        tokens::cover(&mut problems.problems, &problems.path, &self.documents);
        let diagnostics: Vec<Value> = problems.problems.iter().map(convert::diagnostic).collect();
        let params = json!({"uri": uri::from_path(&problems.path), "diagnostics": diagnostics});
        if !self.published.set(problems.path, problems.problems) {
            return;
        }
        self.outbox.notify("textDocument/publishDiagnostics", params).await;
    }

    async fn ask(&mut self, question: Question) {
        let asked = if self.shows.asks {
            self.outbox.request(method::SESSION_REQUEST_PERMISSION, convert::question(&question)).await
        } else if self.shows.message_requests {
            let actions: Vec<Value> =
                convert::question(&question).options.iter().map(|option| json!({"title": option.name})).collect();
            let reason = question.reason.as_deref().map(|why| format!(" {why}")).unwrap_or_default();
            let message = format!("Pillion asks: {}?{reason}", question.row.title);
            let params = json!({"type": 3, "message": message, "actions": actions});
            self.outbox.request("window/showMessageRequest", params).await
        } else {
            return self.name_question(&question).await;
        };
        self.questions.insert(question.id.clone(), asked.id.clone());
        let (owner, outbox, asks) = (self.owner.clone(), self.outbox.clone(), self.shows.asks);
        let always = question.always.clone();
        tokio::spawn(async move {
            let answer = asked.answer().await;
            let outcome = if asks { permission(answer.ok()) } else { button(answer.ok(), &always) };
            if outcome == QuestionOutcome::Undecided && !asks {
                name(&outbox, &question).await;
            }
            if let Some(owner) = owner.get() {
                owner.tell(Event::QuestionAnswered { question: question.id, outcome });
            }
        });
    }

    async fn name_question(&self, question: &Question) {
        name(&self.outbox, question).await;
    }
}

/// A question that the client could not put: named, so that the person can answer it by a command.
async fn name(outbox: &Outbox, question: &Question) {
    let message = format!(
        "Pillion waits for your permission: {}. Answer with the command pillion.allow, pillion.always or pillion.deny.",
        question.row.title
    );
    outbox.notify("window/showMessage", json!({"type": 3, "message": message})).await;
}

/// The answer to `pillion/session/request_permission`. Whatever is no choice leaves the question open.
fn permission(answer: Option<Value>) -> QuestionOutcome {
    match answer.and_then(|answer| serde_json::from_value::<PermissionResult>(answer).ok()).map(|it| it.outcome) {
        Some(PermissionOutcome::Selected { option_id, reason }) => {
            let choice = match option_id.as_str() {
                "allow_once" => Choice::AllowOnce,
                "reject_once" | "reject_always" => Choice::Reject,
                id => match convert::always_number(id) {
                    Some(at) => Choice::AllowAlways(at),
                    None => return QuestionOutcome::Undecided,
                },
            };
            QuestionOutcome::Chosen { choice, reason }
        }
        Some(PermissionOutcome::Cancelled) => QuestionOutcome::Chosen { choice: Choice::Reject, reason: None },
        None => QuestionOutcome::Undecided,
    }
}

/// The answer to `window/showMessageRequest`: null is never "no".
fn button(answer: Option<Value>, always: &[String]) -> QuestionOutcome {
    let title = answer.as_ref().and_then(|answer| answer["title"].as_str()).unwrap_or_default();
    let choice = match title {
        "Yes" => Choice::AllowOnce,
        "No" => Choice::Reject,
        title => {
            let rules = title.strip_prefix("Always allow ").unwrap_or_default();
            match always.iter().position(|known| known == rules) {
                Some(at) => Choice::AllowAlways(at),
                None => return QuestionOutcome::Undecided,
            }
        }
    };
    QuestionOutcome::Chosen { choice, reason: None }
}
