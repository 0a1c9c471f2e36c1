//! When a run's output is looked at, and when its news goes out. File events wake it, a slow clock backs them up, and
//! an output that grows without a pause is looked at by a quick clock alone, since an event for each write would cost
//! more than the reading. Where an output comes quicker than it is read and the machine has no core to spare, the reading
//! gives way: the command matters more than the news of it. Knows no process: it is told when the run is over.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time::{Instant, sleep_until};

use super::model::Progress;
use super::news::News;
use super::reporter::End;
use super::run::{Ending, RunEnd, RunEvent};
use super::shared::Shared;
use super::system::is_crowded;
use super::tail::{Look, Tail};
use crate::workspace::watch::{FileEvents, Watch};

/// Between two looks at an output that grows.
const QUICK: Duration = Duration::from_millis(20);
/// The least time between two looks, however many events come.
const LEAST: Duration = Duration::from_millis(5);
/// Between two looks at a quiet output that is watched; up to twice as long.
const SLOW: Duration = Duration::from_secs(1);
/// The same where the system gives no watch.
const UNWATCHED: Duration = Duration::from_millis(100);
/// Looks in a row that found something, after which the watch is given up for the quick clock.
const BUSY: u32 = 5;
/// On a crowded machine a full look is followed by a pause of so many times its own length, up to a limit.
const GIVES_WAY: u32 = 9;
const LONGEST_WAY: Duration = Duration::from_millis(50);
/// Bytes that are searched for problems after a stop, of what was not searched before it.
const LAST: u64 = 1 << 20;
/// Between two reports of the output's state.
const REPORT: Duration = Duration::from_millis(100);

/// Reads one run's output until its end.
pub struct Reader {
    /// Away while a blocking thread has it.
    tail: Option<Box<Tail>>,
    path: PathBuf,
    news: News,
    events: FileEvents,
    /// How many looks happen at a time, over all runs.
    looks: Arc<Semaphore>,
    wake: Arc<Notify>,
    watch: Option<Watch>,
    /// False when the system gave no watch.
    watchable: bool,
    last_look: Instant,
    /// How long the reading gives way after the last look.
    pause: Duration,
    /// Slow looks of all runs fall on the same moments, so that they wake the sidecar together.
    epoch: Instant,
    /// When the next report may go out.
    next_report: Instant,
    /// What the last report said.
    told: (u64, Progress),
}

impl Reader {
    /// A reader of the file at `path`, through `tail`.
    pub fn new(tail: Tail, path: PathBuf, news: News, shared: &Shared) -> Self {
        let now = Instant::now();
        let (events, looks, epoch) = (shared.file_events.clone(), shared.looks.clone(), shared.epoch);
        Self {
            epoch,
            tail: Some(Box::new(tail)),
            path,
            news,
            events,
            looks,
            wake: Arc::new(Notify::new()),
            watch: None,
            watchable: true,
            last_look: now,
            pause: Duration::ZERO,
            next_report: now,
            told: (0, Progress::default()),
        }
    }

    /// Reads and reports until `end` comes, then the rest, and then tells the end. Returns without a word when nobody
    /// will ever send it.
    pub async fn run(mut self, mut end: oneshot::Receiver<End>) {
        let mut streak = 0;
        let end = loop {
            let more = if self.is_due() {
                let look = self.look().await;
                streak = if look.grew { streak + 1 } else { 0 };
                look.more
            } else {
                streak = 0;
                self.last_look = Instant::now();
                self.watch().await
            };
            self.report(false);
            self.tell_news().await;
            if streak >= BUSY && self.watch.is_some() {
                self.unwatch().await;
            }
            let next_look = match (more, streak > 0, self.watch.is_some()) {
                (true, ..) => self.last_look + self.pause,
                (_, true, _) => self.last_look + QUICK,
                (_, _, true) => self.slow_look(),
                _ => self.last_look + UNWATCHED,
            };
            if let Some(end) = self.wait(next_look, &mut end).await {
                break end;
            }
        };
        if let Ok(end) = end {
            self.finish(end).await;
        }
    }

    /// One to two slow pauses from the last look, at a whole number of them from the epoch.
    fn slow_look(&self) -> Instant {
        let pauses = self.last_look.saturating_duration_since(self.epoch).as_secs() / SLOW.as_secs();
        self.epoch + SLOW * u32::try_from(pauses + 2).unwrap_or(u32::MAX)
    }

    /// Until `due`, or until an event or a report that is due says otherwise. Something when the end came.
    async fn wait(
        &self,
        mut due: Instant,
        end: &mut oneshot::Receiver<End>,
    ) -> Option<Result<End, oneshot::error::RecvError>> {
        if self.has_news() {
            due = due.min(self.next_report);
        }
        let listener = self.tail.as_ref().and_then(|tail| tail.listener.as_ref());
        if let Some(news) = listener.and_then(|listener| self.news.due(listener)) {
            due = due.min(news);
        }
        let mut watched = self.watch.is_some();
        loop {
            tokio::select! {
                biased;
                end = &mut *end => return Some(end),
                () = sleep_until(due) => return None,
                () = self.wake.notified(), if watched => {
                    watched = false;
                    due = due.min(self.last_look + LEAST);
                }
            }
        }
    }

    async fn finish(mut self, end: End) {
        // Whoever stopped it waits for its end, and not for what a flood of output holds.
        if matches!(end.ending, Ending::Stopped { .. } | Ending::OverLimit { .. }) {
            let passed = self.with_tail(|tail| tail.pass_over(LAST)).await.unwrap_or(0);
            if passed > 0 {
                self.news.reporter.send(RunEvent::PassedOver { bytes: passed });
            }
        }
        // A straggler may write on for ever: what is there now is the rest.
        let rest = self.with_tail(Tail::rest).await.unwrap_or(0);
        while self.look().await.more && self.tail.as_ref().is_some_and(|tail| tail.seen < rest) {
            self.report(false);
        }
        let watch = self.watch.take();
        let finish = move |tail: &mut Tail| {
            drop(watch);
            (tail.finish(), tail.text())
        };
        let rest = self.with_tail(finish).await;
        let (findings, text) = rest.unwrap_or_default();
        if !findings.is_empty() {
            self.news.reporter.send(RunEvent::Findings(findings));
        }
        self.report(true);
        let listener = self.tail.as_mut().and_then(|tail| tail.listener.as_mut());
        self.news.tell_last(listener, &end, &text).await;
        let (bytes, lines, truncated) =
            self.tail.as_ref().map_or((0, 0, false), |tail| (tail.seen, tail.lines.count(), tail.truncated));
        let truncated = truncated || matches!(end.ending, Ending::OverLimit { .. });
        let End { ending, at, stragglers } = end;
        self.news.reporter.send(RunEvent::Ended(RunEnd {
            ending,
            at,
            stragglers,
            tail: text,
            bytes,
            lines,
            truncated,
        }));
    }

    fn is_due(&self) -> bool {
        self.tail.as_ref().is_some_and(|tail| tail.is_due())
    }

    async fn look(&mut self) -> Look {
        let paced = |tail: &mut Tail| {
            let began = Instant::now();
            let look = tail.look();
            let gives_way = look.more && is_crowded();
            let pause = if gives_way { (began.elapsed() * GIVES_WAY).min(LONGEST_WAY) } else { Duration::ZERO };
            (look, pause)
        };
        let (look, pause) = self.with_tail(paced).await.unwrap_or_default();
        (self.last_look, self.pause) = (Instant::now(), pause);
        if !look.findings.is_empty() {
            self.news.reporter.send(RunEvent::Findings(look.findings));
        }
        Look { findings: Vec::new(), ..look }
    }

    /// Runs something that reads or matches on a thread that may block, when it is this run's turn.
    async fn with_tail<R: Send + 'static>(&mut self, act: impl FnOnce(&mut Tail) -> R + Send + 'static) -> Option<R> {
        let mut tail = self.tail.take()?;
        let turn = self.looks.clone().acquire_owned().await.ok()?;
        let done = tokio::task::spawn_blocking(move || {
            let result = act(&mut tail);
            drop(turn);
            (tail, result)
        });
        let (tail, result) = done.await.ok()?;
        self.tail = Some(tail);
        Some(result)
    }

    /// Asks for file events. True when there may be news already: what came before the watch made no event.
    async fn watch(&mut self) -> bool {
        if self.watch.is_some() || !self.watchable {
            return false;
        }
        let (events, path, wake) = (self.events.clone(), self.path.clone(), self.wake.clone());
        let watch = tokio::task::spawn_blocking(move || events.watch(&path, wake)).await;
        self.watch = watch.ok().flatten();
        self.watchable = self.watch.is_some();
        self.is_due()
    }

    async fn unwatch(&mut self) {
        let watch = self.watch.take();
        let _ = tokio::task::spawn_blocking(move || drop(watch)).await;
    }

    async fn tell_news(&mut self) {
        if let Some(listener) = self.tail.as_mut().and_then(|tail| tail.listener.as_mut()) {
            self.news.tell(listener).await;
        }
    }

    fn has_news(&self) -> bool {
        self.tail.as_ref().is_some_and(|tail| tail.seen != self.told.0 || *tail.progress() != self.told.1)
    }

    /// Tells what changed since the last report; unless `now`, only when its time has come.
    fn report(&mut self, now: bool) {
        let at = Instant::now();
        let Some(tail) = self.tail.as_ref().filter(|_| now || at >= self.next_report) else { return };
        if *tail.progress() != self.told.1 {
            self.told.1 = tail.progress().clone();
            self.next_report = at + REPORT;
            self.news.reporter.send(RunEvent::Progress(self.told.1.clone()));
        }
        if tail.seen != self.told.0 {
            self.told.0 = tail.seen;
            self.next_report = at + REPORT;
            self.news.reporter.send(RunEvent::Output {
                bytes: tail.seen,
                lines: tail.lines.count(),
                last_line: tail.lines.last(),
                truncated: tail.truncated,
            });
        }
    }
}
