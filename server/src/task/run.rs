//! The words between the ledger and the supervisor: what a run needs to start, what it reports, how it ends. Pure data.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::TaskId;
use crate::problem::Finding;
use crate::task::model::{Asked, OnClose, Progress, Ready, Stdin, Timestamp};

/// Names one run of one task. Late events of an older run are dropped by comparing it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunId {
    pub task: TaskId,
    pub run: u32,
}

/// Everything that a run needs to start.
#[derive(Clone, Debug)]
pub struct RunSpec {
    pub id: RunId,
    /// Given to `bash -c` (`sh -c` where there is no bash).
    pub command: String,
    pub cwd: PathBuf,
    /// The whole environment of the command.
    pub env: Vec<(String, String)>,
    pub stdin: Stdin,
    /// Ends the run when it is over, counted from process start.
    pub timeout: Option<Duration>,
    /// How long after TERM the tree gets KILL.
    pub stop_grace: Duration,
    /// After so long without output and work, a command that listens to its input is looked at for a question.
    pub stall_after: Duration,
    /// Bytes of output that end the run (`stoppedBy: limit`).
    pub output_cap: u64,
    /// Bytes that the outputs of all runs may take together: a run gets less where they leave less.
    pub output_total: u64,
    /// Folder of this run: `output` (the command's stdout and stderr), `exit.json`. Created by the supervisor, mode 0700.
    pub dir: PathBuf,
    /// Workspace root: what is outside of it is no primary place of a problem.
    pub root: PathBuf,
    /// Folders inside of containers, and what they are here, as the person says.
    pub path_map: Arc<[(String, PathBuf)]>,
    /// The task's own formats of problems, as VS Code writes them.
    pub matchers: Vec<serde_json::Value>,
    pub listen: Listen,
    /// What becomes of it when this sidecar goes away.
    pub on_close: OnClose,
}

/// Which lines of the output are told while the run lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listen {
    /// Lines that match this regular expression.
    pub pattern: Option<String>,
    pub ready: ReadyRule,
    /// Bytes of this run's output whose lines were told already.
    pub heard: u64,
}

/// Which line says that a server is ready.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReadyRule {
    #[default]
    None,
    /// Those of known servers.
    Known,
    /// One that matches this regular expression.
    Pattern(String),
}

/// Lines that matched, gathered for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// At most 20, and 2,000 characters together.
    pub lines: Vec<String>,
    /// Further lines that matched.
    pub more: u64,
    /// Bytes of the output up to the last of them.
    pub heard: u64,
}

/// A file that changed, as a watch has seen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Absolute. The watched folder itself when changes were lost: anything may have changed.
    pub path: PathBuf,
    pub at: Timestamp,
    /// It was not there before.
    pub created: bool,
}

/// The process that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    /// In short, without the program's folder.
    pub command: String,
    /// `None` where it may not be seen.
    pub cwd: Option<PathBuf>,
    /// Itself, the head of its session, its ancestors.
    pub lineage: Vec<u32>,
    /// The file that its output goes to, where that looks like a run's.
    pub output: Option<PathBuf>,
    /// A task of some Pillion started it.
    pub marked: bool,
}

/// How a run ended, as the operating system reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The main process exited.
    Exited { code: i32 },
    /// The main process died of a signal that nobody here sent.
    Signaled { signal: i32 },
    /// Stopped on request: TERM, then KILL; the tree is empty.
    Stopped { code: Option<i32>, signal: Option<i32> },
    /// The timeout ended it; the tree is empty.
    TimedOut { code: Option<i32>, signal: Option<i32> },
    /// The output cap ended it; the tree is empty.
    OverLimit { code: Option<i32>, signal: Option<i32> },
    /// Its sidecar went away, no other one took it over, and its shim stopped it; the tree is empty.
    Orphaned { code: Option<i32>, signal: Option<i32> },
    /// It never ran: what was missing, and what to do (a directory that does not exist, no shell, no space).
    NotStarted { reason: String },
    /// The shim went away without a report: the end was not seen.
    Lost,
}

/// What a run's end leaves behind for the notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    pub ending: Ending,
    pub at: Timestamp,
    /// Processes of the tree that are still there, owned by the shim.
    pub stragglers: u32,
    /// The last lines of the output, colours and overwrites resolved, at most 6,000 characters, cut at line starts.
    pub tail: String,
    pub bytes: u64,
    pub lines: u64,
    pub truncated: bool,
}

/// What the output of a task that ran elsewhere came to.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    pub findings: Vec<Finding>,
    pub bytes: u64,
    pub lines: u64,
    /// As [`RunEvent::Output`] has it.
    pub last_line: String,
    /// As [`RunEnd::tail`].
    pub tail: String,
}

/// What a run reports while it lives, in order.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// The command's main process runs.
    Started {
        pid: u32,
        at: Timestamp,
    },
    /// There is new output; at most ten a second.
    Output {
        bytes: u64,
        lines: u64,
        last_line: String,
        truncated: bool,
    },
    Progress(Progress),
    /// The command waits for input, and what it asks. Comes again when the question changes or its output grew.
    Waiting(Asked),
    /// It does not wait for input any more.
    Resumed,
    /// So much of the output is counted and was not searched: the run was stopped before.
    PassedOver {
        bytes: u64,
    },
    /// From the matchers, in the order of the output; batched per read.
    Findings(Vec<Finding>),
    /// Lines that match the run's pattern.
    Matched(Batch),
    /// It said that it is ready.
    Ready(Ready),
    /// It could not have this port (0: it names none); and who has it, as far as that can be seen.
    AddressTaken {
        port: u16,
        holder: Option<Holder>,
        /// It runs all the same; else its end comes next.
        goes_on: bool,
    },
    /// The end. No event of this run follows, but for `Emptied`.
    Ended(RunEnd),
    /// The last straggler is gone.
    Emptied,
}

/// What a person or an agent does to a running command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunControl {
    /// TERM to the whole tree, the grace, KILL; over when the tree is empty. Also ends stragglers after the end.
    Stop,
    /// Whoever stops it again does not want to wait: KILL at once.
    StopNow,
    /// What becomes of it when this sidecar goes away is another thing from now on.
    OnClose(OnClose),
    /// Another sidecar takes it over: the one of the client with this token. Nothing is told of it from here any more.
    HandOver { token: Option<String> },
    /// Text to its standard input; `eof` closes it afterwards.
    Input { text: String, eof: bool },
}

/// A piece of a run's output, for people and models: colours stripped, carriage-return overwrites resolved, invalid UTF-8
/// replaced. Offsets are bytes of the raw output, counted from the run's first byte whatever is gone from the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputSlice {
    pub text: String,
    pub offset: u64,
    /// Bytes from the wanted offset to `offset` that are gone: the command cut its own output, or the file was removed.
    pub skipped: u64,
    pub next_offset: u64,
    pub total_bytes: u64,
    /// Nothing follows `next_offset` now. (While the run lives, more may come.)
    pub eof: bool,
}

/// Which piece of the output is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputRange {
    /// From a byte offset or the first byte that is still there, at most `limit` bytes (cut at a line start where one is near).
    From { offset: u64, limit: u64 },
    /// As `From`, without a last line that has no end yet; part of it where `limit` holds no whole line.
    Lines { offset: u64, limit: u64 },
    /// The last `lines` lines, at most `limit` bytes.
    Tail { lines: u32, limit: u64 },
}
