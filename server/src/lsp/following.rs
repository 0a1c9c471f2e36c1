//! Output as it comes: one follower for each task that the client follows. It is woken when the output grew, reads through
//! the owner, and sends what is new, at most ten pieces a second. It waits while the client does not read; a client that is
//! far behind gets the newest, and is told how much it did not get. Knows no file.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::Owner;
use super::outbox::Outbox;
use crate::ids::TaskId;
use crate::protocol::{self as wire, method};
use crate::session::effect::{Growth, Reply};
use crate::session::event::Request;
use crate::task::run::{OutputRange, OutputSlice};

/// Between two pieces.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a line without an end stays as it is before it is sent so.
const OPEN_LINE: Duration = Duration::from_millis(300);
/// Between two looks at an output whose growth nobody tells.
const UNWATCHED: Duration = Duration::from_secs(1);
/// Bytes of one piece.
const PIECE: u64 = 64 << 10;
/// A client that is more than this behind gets only the last of it, in bytes.
const BEHIND: u64 = 1 << 20;
const NEWEST: u64 = 256 << 10;

/// The way to the followers.
#[derive(Clone, Debug)]
pub struct Followers {
    words: mpsc::UnboundedSender<Word>,
}

#[derive(Debug)]
enum Word {
    Begin { task: TaskId, offset: u64 },
    Grew { task: TaskId, growth: Option<Growth> },
    End { task: TaskId },
}

impl Followers {
    /// Followers that send through `outbox`, none at first. To be called within a tokio runtime.
    pub fn start(outbox: Outbox, owner: Arc<Owner>) -> Self {
        let (words, heard) = mpsc::unbounded_channel();
        tokio::spawn(listen(heard, outbox, owner));
        Self { words }
    }

    /// The client follows a task from an offset of its newest run's output.
    pub fn begin(&self, task: TaskId, offset: u64) {
        // Gone only with the whole sidecar.
        let _ = self.words.send(Word::Begin { task, offset });
    }

    /// The owner tells of a task's output.
    pub fn grew(&self, task: TaskId, growth: Option<Growth>) {
        let _ = self.words.send(Word::Grew { task, growth });
    }

    /// The client does not follow the task any longer.
    pub fn end(&self, task: TaskId) {
        let _ = self.words.send(Word::End { task });
    }
}

/// Dropping it ends the follower.
struct Running {
    growth: watch::Sender<Option<Growth>>,
    work: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn listen(mut words: mpsc::UnboundedReceiver<Word>, outbox: Outbox, owner: Arc<Owner>) {
    let mut running: HashMap<TaskId, Running> = HashMap::new();
    while let Some(word) = words.recv().await {
        match word {
            Word::Begin { task, offset } => {
                let (growth, seen) = watch::channel(None);
                let follower = Follower {
                    task: task.clone(),
                    outbox: outbox.clone(),
                    owner: owner.clone(),
                    at: None,
                    sent: offset,
                    open: None,
                    is_told: false,
                };
                let work = tokio::spawn(follower.follow(seen)).abort_handle();
                running.insert(task, Running { growth, work });
            }
            Word::Grew { task, growth: None } | Word::End { task } => drop(running.remove(&task)),
            Word::Grew { task, growth } => {
                if let Some(follower) = running.get(&task) {
                    follower.growth.send_replace(growth);
                }
            }
        }
    }
}

/// One task's follower.
struct Follower {
    task: TaskId,
    outbox: Outbox,
    owner: Arc<Owner>,
    /// The run and the attempt that it reads.
    at: Option<(u32, u32)>,
    /// Everything before this offset was sent.
    sent: u64,
    /// A line whose beginning was sent before it had an end.
    open: Option<OpenLine>,
    /// The client knows that this run is over.
    is_told: bool,
}

/// Where the line begins, and what was sent of it.
struct OpenLine {
    start: u64,
    text: String,
}

/// What a look brought.
#[derive(PartialEq)]
enum Look {
    Sent,
    /// Nothing but a line without an end.
    Open,
    Nothing,
}

impl Follower {
    async fn follow(mut self, mut growth: watch::Receiver<Option<Growth>>) {
        let mut is_quiet = false;
        loop {
            let seen = *growth.borrow_and_update();
            let look = match seen {
                Some(seen) => self.look(seen, is_quiet).await,
                None => Some(Look::Nothing),
            };
            let wait = match (look, seen) {
                // The owner is gone, or the task is.
                (None, _) => return,
                (Some(Look::Sent), _) => {
                    sleep(PAUSE).await;
                    is_quiet = false;
                    continue;
                }
                (Some(Look::Open), _) if !is_quiet => Some(OPEN_LINE),
                (_, Some(seen)) if !seen.is_watched && !seen.is_over => Some(UNWATCHED),
                _ => None,
            };
            is_quiet = match wait {
                None => growth.changed().await.map(|()| false),
                Some(wait) => timeout(wait, growth.changed()).await.map_or(Ok(true), |changed| changed.map(|()| false)),
            }
            .unwrap_or(false);
        }
    }

    /// Sends one piece, if there is one. `is_quiet`: an unfinished line may go out as it is.
    async fn look(&mut self, seen: Growth, is_quiet: bool) -> Option<Look> {
        let at = (seen.run, seen.attempt);
        if self.at.is_some_and(|before| before != at) {
            (self.sent, self.open, self.is_told) = (0, None, false);
        }
        self.at = Some(at);
        if self.is_told {
            return Some(Look::Nothing);
        }
        let mut start = self.open.as_ref().map_or(self.sent, |open| open.start);
        let mut slice = self.read(seen.run, OutputRange::Lines { offset: start, limit: PIECE }).await?;
        if slice.total_bytes.saturating_sub(slice.next_offset) > BEHIND {
            let newest = self.read(seen.run, OutputRange::Tail { lines: u32::MAX, limit: NEWEST }).await?;
            (start, self.open) = (newest.offset, None);
            slice = self.read(seen.run, OutputRange::Lines { offset: start, limit: PIECE }).await?;
        }
        let is_open = slice.next_offset <= start && !slice.eof;
        if is_open && (seen.is_over || is_quiet) {
            slice = self.read(seen.run, OutputRange::From { offset: start, limit: PIECE }).await?;
            return Some(self.send_open(seen, start, slice).await);
        }
        if slice.next_offset <= self.sent && !(seen.is_over && slice.eof) {
            return Some(if is_open { Look::Open } else { Look::Nothing });
        }
        let text = match self.open.take() {
            Some(open) => continued(&open.text, slice.text),
            None => slice.text,
        };
        let (range, eof) = (slice.offset..slice.next_offset, seen.is_over && slice.eof);
        self.send(seen.run, range, text, eof).await;
        Some(Look::Sent)
    }

    /// Sends a line that has no end, as far as it is.
    async fn send_open(&mut self, seen: Growth, start: u64, slice: OutputSlice) -> Look {
        let eof = seen.is_over && slice.eof;
        let fits = self.open.as_ref().is_none_or(|open| slice.text.starts_with(&open.text));
        if !eof && (slice.next_offset <= self.sent || !fits) {
            // A line that is written over again and again is sent when it is done.
            return Look::Nothing;
        }
        let text = match self.open.take() {
            Some(open) => continued(&open.text, slice.text.clone()),
            None => slice.text.clone(),
        };
        self.open = Some(OpenLine { start, text: slice.text });
        self.send(seen.run, slice.offset..slice.next_offset, text, eof).await;
        Look::Sent
    }

    /// The range may begin within a line that was sent in part, or behind what was left out.
    async fn send(&mut self, run: u32, range: Range<u64>, text: String, eof: bool) {
        let skipped = range.start.saturating_sub(self.sent);
        let offset = self.sent + skipped;
        self.sent = range.end.max(offset);
        self.is_told = eof;
        let task_id = self.task.0.clone();
        let piece = wire::TaskOutputParams { task_id, run, offset, next_offset: self.sent, text, skipped, eof };
        self.outbox.notify(method::TASK_OUTPUT, piece).await;
    }

    /// `None` when there is nothing to read from any more.
    async fn read(&self, run: u32, range: OutputRange) -> Option<OutputSlice> {
        let request = Request::ReadOutput { task: self.task.clone(), run: Some(run), range };
        match self.owner.get()?.ask(request).await {
            Ok(Ok(Reply::Output(slice))) => Some(slice),
            _ => None,
        }
    }
}

/// The rest of a line whose beginning was sent; all of it on a line of its own, where that beginning was written over.
fn continued(sent: &str, line: String) -> String {
    match line.strip_prefix(sent) {
        Some(rest) => rest.to_owned(),
        None => format!("\n{line}"),
    }
}
