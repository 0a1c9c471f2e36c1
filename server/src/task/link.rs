//! What the sidecar and the shim say to each other: JSON lines over one socket. Words only: no I/O, no process. A shim
//! outlives the sidecar's version, so that every field here stays readable to the next version: new fields have
//! defaults, an unknown order or report is skipped.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::{Stdin, Timestamp};
use super::run::{Ending, RunSpec};

/// The version of these words.
pub const VERSION: u32 = 1;

/// The variable that marks every process of a run; its value is random.
pub const MARKER: &str = "PILLION_TASK";

/// Text for a command's standard input that it has not read yet: at most this many bytes are kept.
pub const INPUT_CAP: u64 = 1 << 20;

/// Bytes of one line on the socket. The longest is the first: a command and an environment have 2 MiB together on Linux.
pub const LINE_CAP: usize = 32 << 20;

/// Everything that the shim must know, in the first line that it reads.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    pub version: u32,
    /// Value of [`MARKER`].
    pub marker: String,
    pub command: String,
    pub cwd: PathBuf,
    pub env: Vec<(String, String)>,
    pub stdin: Stdin,
    pub timeout: Option<Duration>,
    pub stop_grace: Duration,
    /// After so long without output and work, a command that listens to its input may be waiting for an answer.
    #[serde(default = "stall_after")]
    pub stall_after: Duration,
    pub output_cap: u64,
    pub dir: PathBuf,
}

fn stall_after() -> Duration {
    Duration::from_secs(45)
}

impl Spec {
    /// What the shim must know of a run.
    pub fn new(run: &RunSpec, marker: String) -> Self {
        Self {
            version: VERSION,
            marker,
            command: run.command.clone(),
            cwd: run.cwd.clone(),
            env: run.env.clone(),
            stdin: run.stdin,
            timeout: run.timeout,
            stop_grace: run.stop_grace,
            stall_after: run.stall_after,
            output_cap: run.output_cap,
            dir: run.dir.clone(),
        }
    }
}

/// From the sidecar to the shim.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// The first one, and the only time.
    Run(Box<Spec>),
    /// End the tree: TERM, the grace, KILL.
    Stop,
    /// For the command's standard input.
    Input { text: String, eof: bool },
}

/// From the shim to the sidecar.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// The first one.
    Hello { version: u32 },
    /// The main process runs.
    Started { pid: u32, at: Timestamp },
    /// Nothing runs and nothing will: why, and what to do.
    NotStarted { reason: String },
    /// How much of the input, in bytes since the start, is not waiting any more; `closed` when no more is taken.
    Input { taken: u64, closed: bool },
    /// The command waits for input; `sure` when one of its processes was seen reading it, else it listens and is quiet.
    /// What it asks is in its output from `asked_from` on, which is where that stood when it was last given something.
    /// A state, that may be told again at any time.
    Waiting { sure: bool, asked_from: u64 },
    /// It does not wait for input.
    Resumed,
    /// The run is over. The same words are in `exit.json`.
    Ended(Exit),
    /// The last straggler is gone; the shim goes too.
    Emptied,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its main process ended by itself.
    Own,
    /// Somebody asked for it.
    Stop,
    Timeout,
    /// The output cap.
    Limit,
    /// The sidecar went away.
    Orphaned,
}

/// The end of a run, as `exit.json` keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    pub version: u32,
    pub cause: Cause,
    /// Of the main process: one of the two, or none where it could not be killed.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub at: Timestamp,
    /// Processes that the main process left behind.
    pub stragglers: u32,
}

impl Exit {
    /// The same in the ledger's words.
    pub fn ending(&self) -> Ending {
        let (code, signal) = (self.code, self.signal);
        match (self.cause, code, signal) {
            (Cause::Own, Some(code), _) => Ending::Exited { code },
            (Cause::Own, None, Some(signal)) => Ending::Signaled { signal },
            (Cause::Own, None, None) => Ending::Lost,
            (Cause::Stop | Cause::Orphaned, ..) => Ending::Stopped { code, signal },
            (Cause::Timeout, ..) => Ending::TimedOut { code, signal },
            (Cause::Limit, ..) => Ending::OverLimit { code, signal },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_line() {
        let order = Order::Input { text: "y\n\0é".into(), eof: true };
        let line = serde_json::to_string(&order).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Order>(&line).unwrap(), order);
    }

    #[test]
    fn an_end_says_who_ended_it() {
        let exit = |cause, code, signal| {
            Exit { version: VERSION, cause, code, signal, at: Timestamp(1), stragglers: 0 }.ending()
        };
        assert_eq!(exit(Cause::Own, Some(127), None), Ending::Exited { code: 127 });
        assert_eq!(exit(Cause::Own, None, Some(11)), Ending::Signaled { signal: 11 });
        assert_eq!(exit(Cause::Stop, Some(0), None), Ending::Stopped { code: Some(0), signal: None });
        assert_eq!(exit(Cause::Orphaned, None, Some(15)), Ending::Stopped { code: None, signal: Some(15) });
    }
}
