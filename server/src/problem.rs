//! What a matcher finds in a command's output, before any editor or model has a say: problems with a place, results of
//! single tests, counts. These words know neither LSP nor tasks.

use std::ops::{Add, AddAssign};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How bad a problem is, as the tool that printed it means it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
    Information,
    Hint,
}

/// A place in a file. Lines and columns are 1-based; columns count UTF-16 code units.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Absolute path.
    pub file: PathBuf,
    /// `None` where the tool names the file alone.
    pub line: Option<u32>,
    pub column: Option<u32>,
    pub end_line: Option<u32>,
    /// Exclusive.
    pub end_column: Option<u32>,
}

/// Another place that belongs to a problem, for instance an outer stack frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Related {
    pub place: Place,
    pub message: String,
}

/// One fact that a person should see at a place: a compiler's error, a failed assertion.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Problem {
    pub place: Place,
    pub severity: Severity,
    /// One line that a person needs, for instance ``assertion `left == right` failed: left: 200, right: 401``.
    pub message: String,
    /// The whole text as the tool printed it, for a hover; `None` when it says no more than `message`.
    pub detail: Option<String>,
    /// The tool's own code, for instance `E0308`.
    pub code: Option<String>,
    /// The tool, for instance `rustc`, `pytest`.
    pub tool: String,
    /// The test that failed, by the id that reruns it, for instance `auth::login_expires` or `tests/test_a.py::test_b`.
    pub test: Option<String>,
    pub related: Vec<Related>,
    /// True while the place is only the test's function, because its line with the details has not been printed yet.
    /// A later problem of the same `test` replaces it.
    pub provisional: bool,
    #[serde(default)]
    pub applies: Applies,
}

/// In which documents a problem is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Applies {
    #[default]
    All,
    /// Those that are open in the editor.
    Open,
    /// The others: in open ones the editor's own checker tells it.
    Closed,
}

impl Applies {
    /// Whether it is shown in a document that is open, or is not.
    pub fn shows(self, is_open: bool) -> bool {
        match self {
            Self::All => true,
            Self::Open => is_open,
            Self::Closed => !is_open,
        }
    }
}

/// How one test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TestStatus {
    Passed,
    Failed,
    Skipped,
}

/// The result of one test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// The id that reruns it; the same as [`Problem::test`].
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// The program that `id` says, where it says one: another has a test of that name (`api` of `api tests::adds`).
    #[serde(default)]
    pub program: Option<String>,
    pub status: TestStatus,
    pub place: Option<Place>,
    pub duration_ms: Option<u64>,
    /// The first line of the failure.
    pub message: Option<String>,
}

/// How many tests passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
}

impl Counts {
    /// All tests that ended.
    pub fn total(self) -> u32 {
        self.passed + self.failed + self.skipped
    }

    /// Counts one more test, which ended so.
    pub fn count(&mut self, status: TestStatus) {
        let number = match status {
            TestStatus::Passed => &mut self.passed,
            TestStatus::Failed => &mut self.failed,
            TestStatus::Skipped => &mut self.skipped,
        };
        *number = number.saturating_add(1);
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed.saturating_add(other.passed),
            failed: self.failed.saturating_add(other.failed),
            skipped: self.skipped.saturating_add(other.skipped),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// A step of a watching program, which looks at changed files again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CyclePhase {
    /// It looks anew: what it found before holds until it was found again, or until the cycle ends.
    Begins,
    /// The same, by a program that says nothing when all is well: a server that was started again.
    Restarts,
    /// It is through. What comes next without another word belongs to the next cycle.
    Ends,
}

/// Whose findings a cycle replaces, among those of the program that writes (see [`Finding::Lane`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Watcher {
    /// Whatever it starts: everything.
    Everything,
    /// A test runner by the tool of its problems, and its test results.
    Runner(String),
    /// The problems of one tool.
    Tool(String),
}

impl Watcher {
    /// True when a problem that `tool` printed is one of its.
    pub fn covers(&self, tool: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Runner(name) | Self::Tool(name) => name == tool,
        }
    }

    /// True when it runs tests, as far as is known.
    pub fn runs_tests(&self) -> bool {
        !matches!(self, Self::Tool(_))
    }
}

/// One thing that a matcher found, in the order of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    Problem(Problem),
    Test(TestResult),
    /// The counts so far, over every runner in this output; each one replaces the one before it.
    Counts(Counts),
    /// How many tests the runners said that they will run, over every runner in this output so far.
    Total(u32),
    /// What goes on now, in a few words, where the tool says it (`Compiling serde`).
    Progress(String),
    /// The runner's own summary line, for instance `test result: FAILED. 47 passed; 3 failed`.
    Summary(String),
    /// Problems, tests and cycles from here on are of the program with this number, among those that write into one output
    /// with a prefix each; 0 is what has none, and what an output begins with.
    Lane(u16),
    /// A watching program's cycle begins or ends.
    Cycle(CyclePhase, Watcher),
    /// What was left out of the output, in one sentence; at its end, each kind at most once.
    LeftOut(String),
}
