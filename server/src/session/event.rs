//! What happens to the owner's state: one enum, from every side. Pure words.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::agent::history::{Content, Item};
use crate::agent::notification::{Key, Report};
use crate::diagnostics::delta::Past;
use crate::ids::{PromptId, QuestionId, SessionId, TaskId, ToolCallId, TurnId};
use crate::problem::Problem;
use crate::provider::{Answer, ProviderError, StreamEvent};
use crate::task::model::{EnvironmentRecord, Group, Kind, Lifetime, OnExit, Origin, Stdin, Task, Timestamp, Watch};
use crate::task::run::{Change, Imported, OutputRange, OutputSlice, RunEvent, RunId};
use crate::tool;
use crate::workspace::commands::Defined;
use crate::workspace::documents::Documents;

use super::settings::Settings;

/// Names a request of the client that waits for its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplyId(pub u64);

/// Names a store transaction that a turn waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommitId(pub u64);

/// Names a start that the disk is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CheckId(pub u64);

/// When an event is applied, and what the editor holds then.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    pub now: Timestamp,
    pub documents: Documents,
}

/// A task that somebody wants started.
#[derive(Clone, Debug, PartialEq)]
pub struct StartTask {
    pub command: String,
    pub cwd: Option<PathBuf>,
    pub env: Vec<(String, String)>,
    pub label: Option<String>,
    /// What the command is says, when nobody does.
    pub kind: Option<Kind>,
    pub group: Option<Group>,
    pub session: Option<SessionId>,
    pub timeout_ms: Option<u64>,
    pub priority: i32,
    pub retries: u32,
    pub on_exit: Option<OnExit>,
    pub lifetime: Lifetime,
    pub stdin: Stdin,
    pub origin: Origin,
    /// Lines that match are told while it runs.
    pub pattern: Option<String>,
    /// The line that says that it is ready.
    pub ready: Option<String>,
    pub watch: Option<Watch>,
    /// What has to succeed before it starts.
    pub depends_on: Vec<Dependency>,
    /// The dependencies run one after another, and not all at a time.
    pub in_sequence: bool,
    /// It goes with this sidecar, whatever the settings say: the terminal that shows it does.
    pub tied: bool,
    /// The active file, for the variables of `.vscode/tasks.json`.
    pub file: Option<PathBuf>,
}

/// One dependency of a start.
#[derive(Clone, Debug, PartialEq)]
pub enum Dependency {
    /// The id of a task, or the label of one in `.vscode/tasks.json`.
    Named(String),
    Command(Box<StartTask>),
}

impl StartTask {
    /// How often it is run at most until it succeeds.
    pub(super) fn attempts(&self) -> u32 {
        self.retries.min(5) + 1
    }

    /// What its end means to its session, where nobody has said.
    pub(super) fn on_exit(&self) -> OnExit {
        self.on_exit.unwrap_or(match self.origin {
            Origin::Agent => OnExit::Wake,
            Origin::User => OnExit::NextTurn,
            Origin::Watch => OnExit::None,
        })
    }

    /// A plain start: everything else is as nobody has said.
    pub fn new(command: impl Into<String>, origin: Origin) -> Self {
        Self {
            command: command.into(),
            cwd: None,
            env: Vec::new(),
            label: None,
            kind: None,
            group: None,
            session: None,
            timeout_ms: None,
            priority: 0,
            retries: 0,
            on_exit: None,
            lifetime: Lifetime::Session,
            stdin: Stdin::Null,
            origin,
            pattern: None,
            ready: None,
            watch: None,
            depends_on: Vec::new(),
            in_sequence: false,
            tied: false,
            file: None,
        }
    }
}

/// A command that ran elsewhere, and is over.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportedTask {
    pub command: String,
    pub cwd: PathBuf,
    pub exit_code: i32,
    pub output: String,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub label: Option<String>,
    pub group: Option<Group>,
    pub session: Option<SessionId>,
}

/// Which of the project's own commands a person wants.
#[derive(Clone, Debug, PartialEq)]
pub struct RunProject {
    pub group: Group,
    /// The active file, where the editor says.
    pub near: Option<PathBuf>,
}

/// A request of the client. Every one is answered at once, but for those that read the disk.
#[expect(clippy::large_enum_variant, reason = "there is one for each thing that a person does, for a moment")]
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    NewSession {
        cwd: Option<PathBuf>,
        mode: Option<String>,
        model: Option<String>,
    },
    ListSessions {
        limit: usize,
        before: Option<SessionId>,
    },
    LoadSession {
        session: SessionId,
    },
    Prompt {
        session: SessionId,
        content: Vec<Content>,
    },
    EditQueue {
        session: SessionId,
        prompt: PromptId,
        replace: Option<Vec<Content>>,
    },
    SetMode {
        session: SessionId,
        mode: String,
    },
    SetModel {
        session: SessionId,
        model: String,
    },
    Rename {
        session: SessionId,
        title: String,
    },
    DeleteSession {
        session: SessionId,
    },
    StartTask(StartTask),
    /// A task that ran elsewhere enters the ledger.
    ReportTask(Box<ReportedTask>),
    /// A start that names tasks of `.vscode/tasks.json`, and what that file says.
    StartDefined {
        start: Box<StartTask>,
        defined: Result<Vec<Defined>, String>,
    },
    /// `pillion.test`, `.build`, `.lint`.
    RunProject(RunProject),
    ProjectCommands {
        near: Option<PathBuf>,
    },
    ListTasks {
        session: Option<SessionId>,
        include_finished: bool,
    },
    GetTask {
        task: TaskId,
    },
    ReadOutput {
        task: TaskId,
        run: Option<u32>,
        range: OutputRange,
    },
    /// Tells every growth of the task's output, or no longer.
    Follow {
        task: TaskId,
        on: bool,
    },
    /// The newest running task when `task` is `None`.
    StopTask {
        task: Option<TaskId>,
    },
    /// The newest finished task when `task` is `None`.
    RerunTask {
        task: Option<TaskId>,
    },
    /// The foreground command of this session, or of this tool call, goes on in the background.
    Promote {
        session: Option<SessionId>,
        call: Option<ToolCallId>,
    },
    Input {
        task: Option<TaskId>,
        text: String,
        eof: bool,
    },
    DismissTask {
        task: TaskId,
    },
    SetPriority {
        task: TaskId,
        priority: i32,
    },
    /// The results of single tests of a task's newest run.
    TestResults {
        task: TaskId,
        run: Option<u32>,
    },
    /// A session as text.
    Export {
        session: SessionId,
        format: ExportFormat,
    },
    Rules,
    RemoveRule {
        rule: String,
    },
    /// Answers the oldest open question, for clients that cannot show one.
    AnswerOldest {
        choice: Choice,
        reason: Option<String>,
    },
}

/// How a session is written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One item of the history a line, as the store keeps it.
    Jsonl,
    /// For reading.
    Markdown,
}

/// A person's choice at a permission question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    AllowOnce,
    AllowAlways,
    Reject,
}

/// How a question came back from the client.
#[derive(Clone, Debug, PartialEq)]
pub enum QuestionOutcome {
    Chosen {
        choice: Choice,
        reason: Option<String>,
    },
    /// Closed without a choice, or the client cannot ask: it stays open. Null is never "no".
    Undecided,
}

/// A session as the store has it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSession {
    pub id: SessionId,
    pub title: Option<String>,
    pub cwd: PathBuf,
    pub mode: String,
    pub model: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub turns: u32,
    pub history: Vec<Item>,
    /// Reports that are in the history and that no model has begun to answer.
    pub carried: Vec<Key>,
    /// Reports that are still to be put into it.
    pub pending: Vec<StoredReport>,
}

/// A notification that the store still holds as undelivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredReport {
    pub report: Report,
    pub at: Timestamp,
    pub session: Option<SessionId>,
    pub wakes: bool,
}

/// What the store held when the sidecar started.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub tasks: Vec<Task>,
    /// Those that came from another client's sidecar, which is gone.
    pub strangers: Vec<TaskId>,
    pub reports: Vec<StoredReport>,
    pub rules: Vec<String>,
    /// What went wrong with the store; the sidecar goes on in memory then.
    pub problem: Option<String>,
}

/// A row of a sidecar that is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub task: Task,
    /// It was a sidecar of this client.
    pub same_client: bool,
}

/// A moment that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Completions have gathered for long enough: wake the session.
    Wake(SessionId),
    /// A foreground command has run for so long that it goes on in the background.
    Promote(TaskId, u32),
    /// A background task has run for so long that the agent hears of it once.
    CheckIn(TaskId, u32),
    /// A watched task runs again.
    Again(TaskId),
    /// What another window held may be free by now.
    Claim(TaskId),
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The store is open (or is not, and why).
    Loaded(Box<Loaded>),
    /// Rows of other windows that changed, rows that came from windows that are gone, and what of these was not told.
    Others {
        changed: Vec<Task>,
        taken: Vec<Taken>,
        reports: Vec<StoredReport>,
    },
    /// The client is ready for notifications.
    ClientReady,
    Settings(Box<Settings>),
    /// A sentence for the person, from outside of the state.
    Say {
        error: bool,
        text: String,
    },
    Request {
        reply: ReplyId,
        request: Request,
    },
    Cancel {
        session: SessionId,
        turn: Option<TurnId>,
    },
    SessionLoaded {
        reply: ReplyId,
        session: SessionId,
        stored: Result<Option<Box<StoredSession>>, String>,
    },
    Committed {
        commit: CommitId,
        result: Result<(), String>,
    },
    Stream {
        session: SessionId,
        turn: TurnId,
        event: StreamEvent,
    },
    Answered {
        session: SessionId,
        turn: TurnId,
        result: Box<Result<Answer, ProviderError>>,
    },
    ToolDone {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        result: Result<tool::Output, String>,
    },
    /// The output that a tool result needs has been read.
    OutputRead {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        slice: Result<OutputSlice, String>,
    },
    QuestionAnswered {
        question: QuestionId,
        outcome: QuestionOutcome,
    },
    Run {
        id: RunId,
        event: RunEvent,
    },
    Timer(Timer),
    /// The output of a reported task is written and matched, or could not be.
    Imported {
        reply: ReplyId,
        id: TaskId,
        reported: Box<ReportedTask>,
        result: Result<Imported, String>,
    },
    /// What environment a run got: comes before everything that the run itself tells.
    Environment {
        id: RunId,
        environment: EnvironmentRecord,
    },
    /// A run may start, or another window's task holds what it needs.
    Claimed {
        id: RunId,
        result: Result<(), TaskId>,
    },
    /// Whether the workspace is as it was when a run began.
    Unchanged {
        check: CheckId,
        unchanged: bool,
    },
    /// What the store knows of a command's earlier runs.
    Past {
        run: RunId,
        past: Box<Past>,
    },
    /// What a run was run on.
    Fingerprinted {
        id: RunId,
        fingerprint: Option<String>,
    },
    /// Why a command was not found: comes before the end of that run.
    Explained {
        id: RunId,
        text: String,
    },
    /// Files changed, for a task that is watched.
    FilesChanged {
        task: TaskId,
        changes: Vec<Change>,
    },
    /// The files of a task cannot be watched (any longer), and why.
    WatchFailed {
        task: TaskId,
        why: String,
    },
    /// The editor saved a document.
    DocumentSaved {
        path: PathBuf,
    },
    /// Lines of a document were replaced: diagnostics move.
    DocumentEdited {
        path: PathBuf,
        start: u32,
        old_end: u32,
        new_lines: u32,
    },
}

/// Diagnostics of one file, as they are to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct FileProblems {
    pub path: PathBuf,
    pub problems: Vec<ShownProblem>,
}

/// One diagnostic with the run that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownProblem {
    pub task: TaskId,
    pub run: u32,
    pub problem: Problem,
    /// Its line was edited since the run.
    pub edited: bool,
}
