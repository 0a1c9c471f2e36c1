//! What a terminal hears of its task, wherever that runs: the words between `joined` or `alone` and the view. Pure data.

use std::path::PathBuf;

use tokio::sync::mpsc;

use crate::problem::Severity;
use crate::task::model::Status;

/// A task that was started for this terminal.
pub(super) struct Task {
    /// Ends when nothing more can come.
    pub news: mpsc::UnboundedReceiver<News>,
    /// Each one is a stop; the second does not wait.
    pub stops: mpsc::UnboundedSender<()>,
    /// What runs it, where that is here: done when nothing is left.
    pub work: Option<tokio::task::JoinHandle<()>>,
}

impl Task {
    /// Asks for the end of the task.
    pub fn stop(&self) {
        // It may be over already.
        let _ = self.stops.send(());
    }

    /// Waits until nothing of it is left here.
    pub async fn close(self) {
        let Self { news, stops, work } = self;
        drop((news, stops));
        if let Some(work) = work {
            // One that broke has said so.
            let _ = work.await;
        }
    }
}

/// One piece of news.
pub(super) enum News {
    Row(Box<Row>),
    Found(Vec<Found>),
    /// It was not let in, and there is no task: why, and what to do.
    Refused(String),
}

/// The task as it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub label: String,
    pub status: Status,
    pub stopping: bool,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub elapsed_ms: u64,
    /// What it says of its progress, or what it waits for.
    pub message: Option<String>,
    pub summary: Option<String>,
    pub stragglers: u32,
    /// Empty before it runs.
    pub output: PathBuf,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Exited(i32),
    Signaled(i32),
    /// By somebody; the signal where the command died of one.
    Stopped(Option<i32>),
    TimedOut,
    /// Its summary says why.
    NotStarted,
    Lost,
}

impl Row {
    /// `None` while it goes on.
    pub fn outcome(&self) -> Option<Outcome> {
        Some(match (self.status, self.exit_code, self.signal) {
            (Status::Queued | Status::Running | Status::WaitingForInput, ..) => return None,
            (Status::Succeeded, ..) => Outcome::Exited(0),
            (Status::Failed, Some(code), _) => Outcome::Exited(code),
            (Status::Failed, None, Some(signal)) => Outcome::Signaled(signal),
            (Status::Failed, None, None) => Outcome::NotStarted,
            (Status::TimedOut, ..) => Outcome::TimedOut,
            (Status::Killed, _, signal) => Outcome::Stopped(signal),
            (Status::Interrupted, ..) => Outcome::Lost,
        })
    }
}

/// A problem that was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub path: PathBuf,
    pub line: Option<u32>,
    pub column: Option<u32>,
    pub severity: Severity,
    pub test: Option<String>,
    pub message: String,
    /// A better one may take its place.
    pub provisional: bool,
}
