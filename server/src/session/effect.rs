//! What the state wants done: one enum, carried out by `perform`. And what goes out to the client, in the owner's words;
//! the edge turns it into the wire's. Pure words.

use std::path::PathBuf;
use std::sync::Arc;

use crate::agent::history::{Content, FileDiff, Item};
use crate::agent::notification::Key;
use crate::diagnostics::delta::Results;
use crate::ids::{MessageId, PromptId, QuestionId, SessionId, TaskId, ToolCallId, TurnId};
use crate::problem::{Counts, TestResult};
use crate::provider::ModelRequest;
use crate::task::model::{Group, Task, Timestamp, Watch};
use crate::task::run::{OutputRange, OutputSlice, RunControl, RunId, RunSpec};
use crate::tool::{FileSeen, Location};
use crate::workspace::commands::ProjectCommand;

use super::event::{
    CheckId, CommitId, FileProblems, ReplyId, ReportedTask, StartTask, StoredReport, StoredSession, Timer,
};

/// One thing to do.
#[derive(Debug)]
pub enum Effect {
    Reply {
        reply: ReplyId,
        result: Result<Reply, Refusal>,
    },
    Send(Outgoing),
    Store(Write),
    /// Reads a session for `LoadSession`; comes back as `SessionLoaded`.
    LoadSession {
        reply: ReplyId,
        session: SessionId,
    },
    /// Deletes a session that is not open, and replies.
    DeleteStored {
        reply: ReplyId,
        session: SessionId,
    },
    /// Lists the stored sessions and replies.
    ListSessions {
        reply: ReplyId,
        limit: usize,
        before: Option<SessionId>,
        open: Vec<SessionId>,
    },
    /// Asks the model; comes back as `Stream` and `Answered`.
    AskModel {
        session: SessionId,
        turn: TurnId,
        request: ModelRequest,
    },
    /// Drops the request and the file tools of a turn.
    Abort(TurnId),
    /// Runs a file tool; comes back as `ToolDone`.
    RunTool {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        tool: crate::tool::input::FileCall,
        cwd: PathBuf,
        seen: FileSeen,
    },
    /// Reads output for a tool result; comes back as `OutputRead`.
    ReadForTool {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        path: PathBuf,
        range: OutputRange,
    },
    /// Reads output for the client and replies.
    ReadForReply {
        reply: ReplyId,
        path: PathBuf,
        range: OutputRange,
    },
    /// Writes and matches the output of a task that ran elsewhere; comes back as `Imported`.
    Import {
        reply: ReplyId,
        id: TaskId,
        dir: PathBuf,
        reported: Box<ReportedTask>,
    },
    /// Reads what the store knows of a command's earlier runs; comes back as `Past`.
    ReadPast {
        run: RunId,
        command: String,
    },
    /// Notes with a run's results what the run has left.
    FingerprintAfter {
        run: RunId,
        command: String,
        unsaved: u64,
    },
    /// Looks for the project's own commands, then replies, or starts the first of `start` and replies.
    FindCommands {
        reply: ReplyId,
        near: Option<PathBuf>,
        start: Option<Group>,
    },
    /// Reads the project's `.vscode/tasks.json`; the request comes again with what it says.
    ReadDefined {
        reply: ReplyId,
        start: Box<StartTask>,
    },
    /// `spec.env` holds the task's own variables; the person's environment is put under them.
    StartRun(RunSpec),
    /// The same for a run of a sidecar that is gone; after `ended` only what was left behind is taken over.
    ResumeRun {
        spec: RunSpec,
        ended: bool,
    },
    /// Looks whether the workspace is as it was when a run began; comes back as `Unchanged`.
    CheckUnchanged {
        check: CheckId,
        /// When the run began.
        since: Timestamp,
        /// What it was run on, and the hash of the unsaved texts then.
        fingerprint: String,
        unsaved: u64,
    },
    /// Looks what the workspace is like, for the record of a run; comes back as `Fingerprinted`. `unsaved` is the hash of
    /// the unsaved texts.
    Fingerprint {
        run: RunId,
        unsaved: u64,
    },
    /// Stops a run of another window; the pid is its main process.
    StopElsewhere(u32),
    Control(RunId, RunControl),
    SetTimer {
        timer: Timer,
        after_ms: u64,
    },
    CancelTimer(Timer),
    /// Watches the files below `root`; comes back as `FilesChanged` and `WatchFailed`.
    Watch {
        task: TaskId,
        root: PathBuf,
        watch: Watch,
    },
    Unwatch(TaskId),
}

/// What the store is told. Writes happen in this order, whole transactions each.
#[derive(Debug)]
pub enum Write {
    Task(Box<Task>),
    /// A dismissed task.
    ForgetTask(TaskId),
    /// The session's row; its history is appended apart.
    Session(Box<StoredSession>),
    DeleteSession(SessionId),
    Report(Box<StoredReport>),
    /// Reports that are not to be told any more: something newer says the same, or what they tell is over.
    Withdraw(Vec<Key>),
    /// What a run adds to the past of its command.
    Results {
        command: String,
        results: Box<Results>,
    },
    /// Reports that no session owned become this session's.
    Assign {
        keys: Vec<Key>,
        session: SessionId,
    },
    /// Appends to a history and marks the reports carried, in one transaction. `commit` is acknowledged.
    Append {
        session: SessionId,
        first: usize,
        items: Vec<Arc<Item>>,
        carried: Vec<Key>,
        commit: CommitId,
    },
    Delivered {
        session: SessionId,
        keys: Vec<Key>,
        turn: TurnId,
    },
    /// Classes of which one task runs at a time over all windows; comes back as `Claimed`.
    Claim {
        run: RunId,
        classes: Vec<String>,
    },
    /// A run that is over holds no class any more.
    Release(RunId),
    Rule(String),
    RemoveRule(String),
}

/// The answer to a request of the client.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Done,
    Session {
        session: SessionId,
        mode: &'static str,
        model: String,
    },
    Sessions(Vec<SessionRow>),
    Prompted {
        turn: TurnId,
        prompt: PromptId,
        queued: bool,
    },
    Task(Box<Task>),
    /// It runs already: nothing was started.
    Folded(Box<Task>),
    Tasks(Vec<Task>, u64),
    Output(OutputSlice),
    Commands(Vec<ProjectCommand>),
    Rules(Vec<String>),
    TestResults {
        task: TaskId,
        run: u32,
        tests: Vec<TestResult>,
        counts: Counts,
    },
    Text(String),
}

/// A row of the list of sessions.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    pub id: SessionId,
    pub title: Option<String>,
    pub cwd: PathBuf,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub turns: u32,
    pub open: bool,
}

/// Why a request was refused. The kinds follow what a client does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    UnknownSession(SessionId),
    UnknownTask(Option<TaskId>),
    BadField {
        field: &'static str,
        message: String,
        remedy: String,
    },
    /// The state forbids it; `kind` is a word for programs.
    State {
        kind: &'static str,
        message: String,
        remedy: String,
    },
    /// Something broke that the client cannot help.
    Internal(String),
}

/// Why a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    EndTurn,
    MaxTokens,
    MaxTurnRequests,
    Refusal,
    Cancelled,
    Interrupted,
    Error,
}

/// Why a turn started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnReason {
    Prompt,
    TaskNotification,
}

/// Tokens and cost, summed over a session or a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageSum {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    /// Tokens of the newest request and its answer.
    pub context_used: u64,
}

/// What stands in a tool call's row.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolContent {
    Text(String),
    Diff(FileDiff),
}

/// Where a tool call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolStatus {
    Pending,
    InProgress,
    Completed,
    Failed,
}

/// A tool call as people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolRow {
    pub call: ToolCallId,
    pub title: String,
    pub name: String,
    /// ACP's kind: `read`, `edit`, `search`, `execute`, `other`.
    pub kind: &'static str,
    pub status: ToolStatus,
    pub input: serde_json::Value,
    pub content: Vec<ToolContent>,
    pub locations: Vec<Location>,
}

/// What changed of a tool call; `None` stayed as it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolChange {
    pub status: Option<ToolStatus>,
    pub content: Option<Vec<ToolContent>>,
    pub output: Option<String>,
    pub locations: Option<Vec<Location>>,
    pub task: Option<TaskId>,
}

impl ToolChange {
    /// The call's work goes on as this task.
    pub(super) fn of(task: TaskId) -> Self {
        Self { task: Some(task), ..Self::default() }
    }
}

/// One `pillion/session/update`.
#[derive(Clone, Debug, PartialEq)]
pub enum Update {
    UserMessage {
        message: MessageId,
        content: Content,
    },
    AgentMessage {
        message: MessageId,
        text: String,
    },
    AgentThought {
        message: MessageId,
        text: String,
    },
    MessageDiscarded {
        message: MessageId,
    },
    ToolCall(Box<ToolRow>),
    ToolCallUpdate {
        call: ToolCallId,
        change: Box<ToolChange>,
    },
    Queue(Vec<(PromptId, Vec<Content>)>),
    TaskNotification {
        tasks: Vec<TaskId>,
        text: String,
    },
    TurnStarted {
        reason: TurnReason,
    },
    /// `unsent`: queued prompts that come back.
    TurnEnded {
        stop: StopReason,
        usage: UsageSum,
        error: Option<String>,
        unsent: Vec<(PromptId, Vec<Content>)>,
    },
    Usage {
        sum: UsageSum,
        window: Option<u64>,
    },
    Info {
        title: Option<String>,
        mode: Option<&'static str>,
        model: Option<String>,
        wakes_paused: Option<bool>,
    },
    ReplayStarted,
    ReplayEnded,
    /// A request is tried again after a wait, and why.
    Retrying {
        reason: String,
        after_ms: u64,
        attempt: u32,
    },
}

/// A permission question as the client is asked it.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub id: QuestionId,
    pub session: SessionId,
    pub row: ToolRow,
    /// The rule that "always allow" saves, as a person reads it; `None` when there is no such choice.
    pub always: Option<String>,
}

/// How far the output of a task is that the client follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    pub run: u32,
    /// Each attempt of a run has an output of its own.
    pub attempt: u32,
    pub bytes: u64,
    /// The run is over: what is there is all.
    pub is_over: bool,
    /// Every growth is told. False for a task of another window, whose row alone is seen.
    pub is_watched: bool,
}

/// What goes out to the client.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    Update {
        session: SessionId,
        turn: Option<TurnId>,
        replay: bool,
        update: Update,
    },
    /// A task's status changed, or (not `urgent`) something about it that may be told a little later.
    Task {
        task: TaskId,
        urgent: bool,
    },
    /// All tasks: replaces whatever the client believed.
    Snapshot,
    /// The output of a task that the client follows; `None` when there is no such task any more.
    Grew {
        task: TaskId,
        growth: Option<Growth>,
    },
    Problems(FileProblems),
    Ask(Box<Question>),
    /// A question is over; a late answer is ignored.
    Withdraw(QuestionId),
    /// One sentence for the person, outside of any session.
    Say {
        error: bool,
        text: String,
    },
}
