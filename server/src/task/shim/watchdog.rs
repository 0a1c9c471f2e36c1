//! Whether the command waits for input. A look is a snapshot of the tree and a pure judgement over it: a thread that reads
//! the task's own input and nothing else waits for an answer; one that listens to it among others may, when nothing was
//! written and nothing was worked for long. What that looks like on the screen is for others to judge: the output is not
//! read here.
//!
//! Looks cost a wake: a command without input gets none, one with an input about one a second, and only while its output
//! pauses. Two in a row must agree before a wait is told.

use std::time::{Duration, Instant};

use crate::task::link::Report;
use crate::task::system::{Activity, FileId, Wait};

/// From the last output, or from an answer, to the first look.
const PAUSE: Duration = Duration::from_millis(300);
/// From a look that saw a wait to the one that has to see it too.
const CONFIRM: Duration = Duration::from_millis(150);
/// Between two looks at a command that works.
const WORKING: Duration = Duration::from_secs(1);
/// Between two looks at a command that waits: its output and its input wake the shim anyway.
const WAITING: Duration = Duration::from_secs(2);
/// `/dev/tty`: whatever the process's controlling terminal is.
const OWN_TERMINAL: u64 = 5 << 8;

/// The input of a command, as it is known again in its processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    pub file: FileId,
    pub is_terminal: bool,
}

impl Input {
    fn is(self, file: FileId, process: &Activity) -> bool {
        let same = (file.device, file.inode) == (self.file.device, self.file.inode);
        same || self.is_terminal && file.special == OWN_TERMINAL && process.terminal == self.file.special
    }
}

/// What a snapshot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// A thread can go on only with input.
    Reads,
    /// A thread listens to the input, among others.
    Listens,
    Neither,
}

fn judge(tree: &[Activity], input: Input) -> Seen {
    let mut seen = Seen::Neither;
    for process in tree {
        let is_input = |file: &FileId| input.is(*file, process);
        for wait in &process.waits {
            match wait {
                Wait::Read(file) if is_input(file) => return Seen::Reads,
                Wait::Poll { of, endless: true } if !of.is_empty() && of.iter().all(is_input) => return Seen::Reads,
                Wait::Poll { of, .. } if of.iter().any(is_input) => seen = Seen::Listens,
                Wait::Read(_) | Wait::Poll { .. } => {}
            }
        }
    }
    seen
}

/// A wait, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiting {
    sure: bool,
    /// Bytes of output when it was seen: more of them may be another question.
    at: u64,
}

/// The watch over one command's input.
pub struct Watchdog {
    /// `None` when nobody could answer.
    input: Option<Input>,
    stall_after: Duration,
    /// Bytes of output at the last look.
    size: u64,
    /// Bytes of output when the command was last given something.
    asked_from: u64,
    /// Hundredths of a second that the tree had worked at the last look, and when that was.
    worked: (u64, Instant),
    /// Since when nothing was written, given or worked.
    quiet_since: Instant,
    next: Instant,
    /// The last look saw a wait.
    suspected: bool,
    state: Option<Waiting>,
    told: Option<Waiting>,
}

impl Watchdog {
    /// A watch that begins now.
    pub fn new(input: Option<Input>, stall_after: Duration, now: Instant) -> Self {
        Self {
            input,
            stall_after,
            size: 0,
            asked_from: 0,
            worked: (0, now),
            quiet_since: now,
            next: now + PAUSE,
            suspected: false,
            state: None,
            told: None,
        }
    }

    /// When the next look is due.
    pub fn due(&self) -> Option<Instant> {
        self.input.map(|_| self.next)
    }

    /// Nobody can answer any more, or nobody needs to: the watch is over.
    pub fn rest(&mut self) {
        self.input = None;
        self.state = None;
    }

    /// The command was given something when its output had `size` bytes.
    pub fn given(&mut self, size: u64, now: Instant) {
        self.asked_from = size;
        self.pause(size, now);
    }

    /// What is to be told, if that has changed. To be called only when it can be told.
    pub fn news(&mut self) -> Option<Report> {
        if self.state == self.told {
            return None;
        }
        self.told = self.state;
        let waiting = |state: Waiting| Report::Waiting { sure: state.sure, asked_from: self.asked_from };
        Some(self.state.map_or(Report::Resumed, waiting))
    }

    /// Looks, if a look is due. `size` is that of the output; `unread` says that the command has input that it has not
    /// taken; `tree` takes the snapshot.
    pub fn look(
        &mut self,
        now: Instant,
        size: u64,
        unread: impl FnOnce() -> bool,
        tree: impl FnOnce() -> Vec<Activity>,
    ) {
        let Some(input) = self.input else { return };
        if size != self.size {
            match self.state {
                // It may still read while others of its tree write: the next look says.
                Some(Waiting { sure: true, .. }) => {
                    (self.size, self.quiet_since) = (size, now);
                    self.next = self.next.min(now + PAUSE);
                }
                _ => self.pause(size, now),
            }
        }
        if now < self.next {
            return;
        }
        let tree = tree();
        self.note_work(&tree, now);
        let sure = match judge(&tree, input) {
            Seen::Reads => Some(true),
            Seen::Listens if now.saturating_duration_since(self.quiet_since) >= self.stall_after => Some(false),
            Seen::Listens | Seen::Neither => None,
        }
        // What was given lies there: it will go on.
        .filter(|_| !unread());
        let Some(sure) = sure else {
            (self.state, self.suspected) = (None, false);
            self.next = now + self.rhythm();
            return;
        };
        if self.suspected {
            self.state = Some(Waiting { sure, at: self.size });
            self.next = now + WAITING;
        } else {
            self.suspected = true;
            self.next = now + CONFIRM;
        }
    }

    /// It is not seen to wait, for now.
    fn pause(&mut self, size: u64, now: Instant) {
        (self.size, self.quiet_since) = (size, now);
        (self.state, self.suspected) = (None, false);
        self.next = now + PAUSE;
    }

    /// A second, or less where so little is to pass until a quiet command counts as stalled.
    fn rhythm(&self) -> Duration {
        WORKING.min(self.stall_after).max(PAUSE)
    }

    /// A hundredth of the time since the last look is nobody's work: clocks tick in idle programs.
    fn note_work(&mut self, tree: &[Activity], now: Instant) {
        let ticks: u64 = tree.iter().map(|process| process.ticks).sum();
        let passed = now.saturating_duration_since(self.worked.1).as_secs();
        if ticks.abs_diff(self.worked.0) > passed + 1 {
            self.quiet_since = now;
        }
        self.worked = (ticks, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPE: FileId = FileId { device: 13, inode: 77, special: 0 };
    const OTHER: FileId = FileId { device: 13, inode: 78, special: 0 };
    const PTS: FileId = FileId { device: 24, inode: 5, special: 136 << 8 | 2 };
    const TTY: FileId = FileId { device: 5, inode: 9, special: OWN_TERMINAL };
    const PIPED: Input = Input { file: PIPE, is_terminal: false };
    const TERMINAL: Input = Input { file: PTS, is_terminal: true };

    fn process(waits: &[Wait]) -> Activity {
        Activity { terminal: PTS.special, ticks: 0, waits: waits.to_vec() }
    }

    fn poll(of: &[FileId], endless: bool) -> Wait {
        Wait::Poll { of: of.to_vec(), endless }
    }

    #[test]
    fn only_the_tasks_own_input_counts() {
        for (input, waits, seen) in [
            (PIPED, vec![Wait::Read(PIPE)], Seen::Reads),
            // `sleep 60 | tail`: the input of `tail` is another pipe.
            (PIPED, vec![Wait::Read(OTHER)], Seen::Neither),
            (PIPED, vec![], Seen::Neither),
            (PIPED, vec![poll(&[PIPE], true)], Seen::Reads),
            // A limit will end it without an answer; another file may.
            (PIPED, vec![poll(&[PIPE], false)], Seen::Listens),
            (PIPED, vec![poll(&[OTHER, PIPE], true)], Seen::Listens),
            (PIPED, vec![poll(&[OTHER], true), poll(&[], true)], Seen::Neither),
            (PIPED, vec![poll(&[OTHER], true), Wait::Read(PIPE)], Seen::Reads),
            (PIPED, vec![Wait::Read(TTY)], Seen::Neither),
            (TERMINAL, vec![Wait::Read(PTS)], Seen::Reads),
            (TERMINAL, vec![Wait::Read(TTY)], Seen::Reads),
            (TERMINAL, vec![Wait::Read(PIPE)], Seen::Neither),
        ] {
            assert_eq!(judge(&[process(&[]), process(&waits)], input), seen, "{waits:?}");
        }
        let elsewhere = Activity { terminal: 136 << 8 | 3, ..process(&[Wait::Read(TTY)]) };
        assert_eq!(judge(&[elsewhere], TERMINAL), Seen::Neither, "another terminal is its own");
    }

    /// A watch over a tree that a test moves: `at` milliseconds from the start.
    struct Story {
        dog: Watchdog,
        start: Instant,
        now: Instant,
        size: u64,
        unread: bool,
        tree: Vec<Activity>,
        looks: u32,
    }

    impl Story {
        fn new(input: Option<Input>) -> Self {
            let start = Instant::now();
            let dog = Watchdog::new(input, Duration::from_secs(45), start);
            Self { dog, start, now: start, size: 0, unread: false, tree: vec![process(&[])], looks: 0 }
        }

        /// Wakes now, since what the test moved wakes the shim, and then when the watch wants to be woken.
        fn until(&mut self, at: u64) -> Vec<Report> {
            let end = self.start + Duration::from_millis(at);
            let mut told = Vec::new();
            loop {
                let (size, unread, tree) = (self.size, self.unread, self.tree.clone());
                let looks = &mut self.looks;
                let snapshot = || {
                    *looks += 1;
                    tree
                };
                self.dog.look(self.now, size, || unread, snapshot);
                told.extend(self.dog.news());
                if self.now >= end {
                    return told;
                }
                self.now = self.dog.due().unwrap_or(end).max(self.now).min(end);
            }
        }
    }

    fn waiting(sure: bool, asked_from: u64) -> Report {
        Report::Waiting { sure, asked_from }
    }

    #[test]
    fn a_read_is_told_once_and_over_when_it_is_answered() {
        let mut story = Story::new(Some(PIPED));
        story.size = 6;
        assert_eq!(story.until(1_000), []);
        story.tree = vec![process(&[Wait::Read(PIPE)])];
        assert_eq!(story.until(3_000), [waiting(true, 0)], "within two seconds");
        assert_eq!(story.until(60_000), []);
        story.dog.given(6, story.start + Duration::from_secs(60));
        assert_eq!(story.dog.news(), Some(Report::Resumed));
        story.unread = true;
        assert_eq!(story.until(70_000), [], "it has not taken it yet");
        story.unread = false;
        assert_eq!(story.until(72_000), [waiting(true, 6)], "the next question");
        story.tree = vec![process(&[])];
        assert_eq!(story.until(75_000), [Report::Resumed]);
    }

    #[test]
    fn a_read_that_is_over_by_the_second_look_is_none() {
        let mut story = Story::new(Some(PIPED));
        story.tree = vec![process(&[Wait::Read(PIPE)])];
        assert_eq!(story.until(300), []);
        assert_eq!(story.looks, 1);
        story.tree = vec![process(&[])];
        assert_eq!(story.until(60_000), []);
    }

    #[test]
    fn output_that_goes_on_beside_a_reader_is_told_as_it_is() {
        let mut story = Story::new(Some(PIPED));
        story.tree = vec![process(&[Wait::Read(PIPE)])];
        assert_eq!(story.until(1_000), [waiting(true, 0)]);
        story.size = 100;
        assert_eq!(story.until(1_500), [waiting(true, 0)], "it still reads, and may ask something else");
        story.size = 200;
        story.tree = vec![process(&[])];
        assert_eq!(story.until(2_000), [Report::Resumed]);
    }

    #[test]
    fn who_listens_waits_only_after_long_silence() {
        let mut story = Story::new(Some(PIPED));
        story.tree = vec![process(&[poll(&[OTHER, PIPE], true)])];
        assert_eq!(story.until(44_000), []);
        story.size = 10;
        assert_eq!(story.until(88_000), [], "it wrote something");
        story.tree[0].ticks += 50;
        assert_eq!(story.until(132_000), [], "it worked");
        assert_eq!(story.until(137_000), [waiting(false, 0)]);
        story.size = 11;
        assert_eq!(story.until(138_000), [Report::Resumed]);
    }

    #[test]
    fn a_quiet_tree_that_does_not_listen_never_waits() {
        let mut story = Story::new(Some(PIPED));
        story.tree = vec![process(&[Wait::Read(OTHER)]), process(&[])];
        assert_eq!(story.until(3_600_000), []);
        assert!(story.looks <= 3_601, "{} looks in an hour", story.looks);
    }

    #[test]
    fn without_an_input_nobody_looks() {
        let mut story = Story::new(None);
        story.tree = vec![process(&[Wait::Read(PIPE)])];
        assert_eq!((story.until(10_000), story.looks), (vec![], 0));
        let mut story = Story::new(Some(PIPED));
        story.dog.rest();
        assert_eq!((story.until(10_000), story.looks), (vec![], 0));
    }
}
