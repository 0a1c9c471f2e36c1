//! The words of background tasks. A Task is one ledger row; each start of it is a numbered run. Pure data: no clock, no
//! process, no wire names (`protocol` has those).

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{SessionId, TaskId, ToolCallId};
use crate::problem::Counts;

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Milliseconds from `earlier` to `self`; 0 when the clock went backwards.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `2026-01-31`, UTC.
    pub fn date(self) -> String {
        // Days to a date of the proleptic Gregorian calendar, after Howard Hinnant's `civil_from_days`.
        let days = self.0 / 86_400_000 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// The moment that an RFC 3339 text names: date and time with an offset, a fraction of up to nine digits. `None` for
    /// any other text, and for times before 1970.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |text: &str, length: usize| {
            (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| text.parse::<i64>().ok())?
        };
        let (date, rest) = text.split_once(['T', 't', ' '])?;
        let (time, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-'])?);
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let mut date = date.splitn(3, '-');
        let (year, month, day) = (digits(date.next()?, 4)?, digits(date.next()?, 2)?, digits(date.next()?, 2)?);
        let mut time = time.splitn(3, ':');
        let (hour, minute, second) = (digits(time.next()?, 2)?, digits(time.next()?, 2)?, digits(time.next()?, 2)?);
        let is_fraction = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
        let offset = match zone {
            "Z" | "z" => 0,
            _ => {
                let (hours, minutes) = zone[1..].split_once(':')?;
                let offset = digits(hours, 2)? * 60 + digits(minutes, 2)?;
                if zone.starts_with('-') { -offset } else { offset }
            }
        };
        let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
        if !is_fraction || !in_range {
            return None;
        }
        let ms = format!("{fraction:0<3}")[..3].parse::<i64>().ok()?;
        // A date to days, after Howard Hinnant's `days_from_civil`.
        let shifted_year = year - i64::from(month <= 2);
        let (era, year_of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
        let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
        let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
        let seconds = days * 86_400 + hour * 3_600 + (minute - offset) * 60 + second;
        u64::try_from(seconds * 1_000 + ms).ok().map(Self)
    }

    /// `2026-01-31T12:34:56.789Z` (RFC 3339).
    pub fn rfc3339(self) -> String {
        let (seconds, ms) = (self.0 / 1_000 % 86_400, self.0 % 1_000);
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        format!("{}T{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z", self.date())
    }
}

/// Declares a fieldless enum together with its names on the wire and in the store.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name that the contract gives it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value of a name, `None` for a word that is not one of them.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words!(
    /// What kind of work a task is.
    Kind { Shell = "shell", /// A subagent.
        Agent = "agent", /// A watched stream.
        Monitor = "monitor" }
);
words!(
    /// What the command is for.
    Group { Build = "build", Test = "test", Lint = "lint", Install = "install", Run = "run", Other = "other" }
);
words!(
    /// Who started it.
    Origin { Agent = "agent", /// An editor command or a terminal.
        User = "user", /// A file change.
        Watch = "watch" }
);
words!(
    /// Where a run stands. Set from what the operating system reported, never guessed; a final status never changes.
    Status {
        Queued = "queued", Running = "running", WaitingForInput = "waiting_for_input",
        Succeeded = "succeeded", /// Non-zero exit.
        Failed = "failed", TimedOut = "timed_out", Killed = "killed",
        /// Pillion or the machine went away and the end was not seen.
        Interrupted = "interrupted",
    }
);
words!(
    /// Who or what stopped a run.
    StoppedBy { User = "user", Agent = "agent", /// The output cap.
        Limit = "limit", /// The end of the sidecar.
        Exit = "exit" }
);
words!(
    /// What the end of the task means to its session.
    OnExit { None = "none", /// Told with the next request.
        NextTurn = "next_turn", /// Wakes an idle session.
        Wake = "wake" }
);
words!(
    /// How far the notification of the newest run has got.
    Delivery { None = "none", Pending = "pending", /// It is in the history.
        Carried = "carried", /// A model began to answer a request that contained it.
        Delivered = "delivered" }
);
words!(
    /// How long a task may live.
    Lifetime { Turn = "turn", Session = "session", Detached = "detached" }
);
words!(
    /// What happens to a run when its sidecar goes away.
    OnClose { /// It waits for the next sidecar of its window, for a while.
        Grace = "grace", /// It is stopped at once.
        Stop = "stop", /// It runs on.
        Keep = "keep" }
);
words!(
    /// What the command's standard input is.
    Stdin { Null = "null", Pipe = "pipe", Pty = "pty" }
);
words!(
    /// What a task that does not run waits for.
    WaitKind { Permission = "permission", Input = "input", Lock = "lock", Slot = "slot", Dependency = "dependency" }
);

impl Status {
    /// True when the run is over.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running | Self::WaitingForInput)
    }
}

/// One of the answers that a question lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerOption {
    /// As the question lists it.
    pub label: String,
    /// What to give to the command's standard input, the line end included.
    pub text: String,
}

/// What a running command asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// In its own words; `None` for a command that reads without a word.
    pub text: Option<String>,
    /// The answers that it lists; any other may be right too.
    pub options: Vec<AnswerOption>,
    /// It asks for a password or the like: the answer is not to be shown.
    pub secret: bool,
}

/// What a task waits for, with the question or the holder where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingFor {
    pub kind: WaitKind,
    pub question: Option<String>,
    pub holder: Option<String>,
    /// The answers that the question lists.
    #[serde(default)]
    pub options: Vec<AnswerOption>,
    /// The answer is not to be shown.
    #[serde(default)]
    pub secret: bool,
}

impl WaitingFor {
    /// Nothing but the kind.
    pub fn of(kind: WaitKind) -> Self {
        Self { kind, question: None, holder: None, options: Vec::new(), secret: false }
    }

    /// An answer to what a command asks.
    pub fn input(asked: Asked) -> Self {
        let Asked { text, options, secret } = asked;
        Self { question: text, options, secret, ..Self::of(WaitKind::Input) }
    }
}

/// The line that said that a server is ready, and the address in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// At most 500 characters.
    pub line: String,
    pub url: Option<String>,
}

/// What lines of the output mean to whoever started the task, and how far they were told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitor {
    /// Lines that match this regular expression are told in batches.
    pub pattern: Option<String>,
    /// The line that says that it is ready; those of known servers when it is `None`.
    pub ready: Option<String>,
    /// Batches of the newest run so far.
    pub batches: u32,
    /// Bytes of the newest run's output whose lines were told.
    pub heard: u64,
}

/// Which file changes start the task again. Globs are relative to the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Only these count; all when empty.
    pub paths: Vec<String>,
    pub ignore: Vec<String>,
    /// How long files must be quiet.
    pub debounce_ms: u64,
    /// A change stops a run that is alive, and starts the next.
    pub restart: bool,
    /// Whether the ends of the runs that changes start are told; not, unless somebody says so.
    pub on_exit: OnExit,
}

/// What a running command says of its own progress.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub message: Option<String>,
    /// 0 to 100.
    pub percent: Option<u8>,
    pub counts: Counts,
}

/// The output file of the newest run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputInfo {
    pub path: PathBuf,
    /// Bytes ever written, also when the command cut its own file.
    pub bytes: u64,
    pub lines: u64,
    /// The newest line with text in it, colours and overwrites resolved, at most 200 characters.
    pub last_line: String,
    /// True when the output cap ended it or the command cut its own file.
    pub truncated: bool,
    /// Bytes that were not searched for problems, because the run was stopped while they waited.
    #[serde(default)]
    pub passed_over: u64,
}

/// What the environment of the newest run was, beside the person's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentRecord {
    /// What Pillion or the start set, by name; values of names that look secret are `…`, long ones are cut.
    pub set: Vec<(String, String)>,
    /// Variables beyond the hundred in `set`.
    pub omitted: u32,
    /// Names whose values only Pillion was given, and which the command did not get.
    pub withheld: Vec<String>,
    /// Those of `withheld` that the output of a run that failed speaks of.
    pub missed: Vec<String>,
}

/// One run in a task's list of runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    pub run: u32,
    pub status: Status,
    pub ended_at: Option<Timestamp>,
    pub exit_code: Option<i32>,
    /// Who asked for this run; `None` in rows that an older version wrote.
    #[serde(default)]
    pub started_by: Option<Origin>,
    /// The session whose agent asked for it.
    #[serde(default)]
    pub session: Option<SessionId>,
    #[serde(default)]
    pub stopped_by: Option<StoppedBy>,
    /// What it was run on: the commit that was checked out, a hash of the workspace's files, one of the unsaved texts in
    /// the editor. Two runs with the same one saw the same sources. `None` until it is known, and where the workspace is
    /// too large to look at.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// It ran some of the tests; `None` for the whole command.
    #[serde(default)]
    pub narrowed: Option<Narrowed>,
}

/// The part of a command that a run was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowed {
    /// What ran instead of the task's command.
    pub command: String,
    /// The tests' ids.
    pub tests: Vec<String>,
}

impl RunRecord {
    /// A run that somebody has just asked for; `session` is the agent's, where it was one.
    pub fn new(run: u32, by: Origin, session: Option<SessionId>) -> Self {
        Self {
            run,
            status: Status::Queued,
            ended_at: None,
            exit_code: None,
            started_by: Some(by),
            session,
            stopped_by: None,
            fingerprint: None,
            narrowed: None,
        }
    }
}

impl Task {
    /// The part of the command that the newest run was, where it was not the whole.
    pub fn narrowed(&self) -> Option<&Narrowed> {
        self.runs.last()?.narrowed.as_ref()
    }

    /// What the newest run ran.
    pub fn ran(&self) -> &str {
        self.narrowed().map_or(&self.command, |narrowed| &narrowed.command)
    }
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: TaskId,
    pub kind: Kind,
    pub label: String,
    pub command: String,
    pub cwd: PathBuf,
    /// Variables set on top of the person's own environment.
    pub env: Vec<(String, String)>,
    #[serde(default)]
    pub environment: EnvironmentRecord,
    pub group: Group,
    pub origin: Origin,
    pub session: Option<SessionId>,
    pub tool_call: Option<ToolCallId>,
    /// The call of the subagent whose call that is; `None` for a call of the session's own model. Names of calls may be the
    /// same in both.
    #[serde(default)]
    pub parent_tool_call: Option<ToolCallId>,
    /// False for a task of another window.
    pub owned: bool,
    pub status: Status,
    pub stopping: bool,
    pub stopped_by: Option<StoppedBy>,
    /// 1 for the first run.
    pub run: u32,
    pub attempt: u32,
    pub max_attempts: u32,
    pub flaky: bool,
    pub runs: Vec<RunRecord>,
    pub priority: i32,
    pub on_exit: OnExit,
    pub lifetime: Lifetime,
    /// The newest run ends with its sidecar, whatever the settings say: the terminal that shows it does.
    #[serde(default)]
    pub tied: bool,
    pub stdin: Stdin,
    /// The limit that ends it, from process start.
    pub timeout: Option<Duration>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub pid: Option<u32>,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    /// Processes that the command left behind when its main process ended.
    pub stragglers: u32,
    pub waiting_for: Option<WaitingFor>,
    /// Workspace files with unsaved text when the run started: the command did not see that text.
    pub unsaved: Vec<PathBuf>,
    pub output: OutputInfo,
    #[serde(default)]
    pub monitor: Monitor,
    #[serde(default)]
    pub ready: Option<Ready>,
    /// What file changes mean to it, while they are watched.
    #[serde(default)]
    pub watch: Option<Watch>,
    /// Its own formats of problems, as VS Code writes them.
    #[serde(default)]
    pub matchers: Vec<serde_json::Value>,
    pub progress: Progress,
    pub errors: u32,
    pub warnings: u32,
    /// What its runs have asked so far, counted: a question's notification is named by it.
    #[serde(default)]
    pub questions: u32,
    /// The last line of a newest run that had no input and ended as if it had wanted an answer.
    #[serde(default)]
    pub wanted_answer: Option<String>,
    /// One line for people and models, for instance `47 passed, 3 failed`.
    pub summary: Option<String>,
    pub delivery: Delivery,
    pub delivered_turn: Option<crate::ids::TurnId>,
    /// The session has heard once that the newest run takes long.
    #[serde(default)]
    pub checked_in: bool,
    /// The tasks that have to succeed before it starts.
    #[serde(default)]
    pub depends_on: Vec<TaskId>,
}

impl Task {
    /// Milliseconds from the start of the newest run to its end, or to `now` while it runs; 0 before it started.
    pub fn elapsed_ms(&self, now: Timestamp) -> u64 {
        self.started_at.map_or(0, |start| self.ended_at.unwrap_or(now).since(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (1_772_323_199_000, "2026-02-28T23:59:59.000Z"),
        ];
        for (ms, text) in table {
            assert_eq!(Timestamp(ms).rfc3339(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp(ms)));
        }
    }

    #[test]
    fn times_are_read() {
        let table = [
            ("2026-01-01T01:00:00+01:00", Some("2026-01-01T00:00:00.000Z")),
            ("2025-12-31T19:30:00.5-04:30", Some("2026-01-01T00:00:00.500Z")),
            ("2026-01-01 00:00:00.123456789Z", Some("2026-01-01T00:00:00.123Z")),
            ("2026-01-01T00:00:00", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-1-01T00:00:00Z", None),
            ("2026-01-01T00:00Z", None),
            ("2026-01-01T00:00:00.Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("2026-01-01T00:00:00+é:00", None),
            ("yesterday", None),
        ];
        for (text, read) in table {
            assert_eq!(Timestamp::parse(text).map(Timestamp::rfc3339).as_deref(), read, "{text}");
        }
    }
}
