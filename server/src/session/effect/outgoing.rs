//! What goes out to the client: replies, refusals and notifications, in the owner's words; the edge turns them into the
//! wire's. Pure words.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::agent::approval::Said;
use crate::agent::change::Standing;
use crate::agent::history::{Content, FileDiff};
use crate::agent::prices::Cost;
use crate::ids::{MessageId, PromptId, QuestionId, SessionId, TaskId, ToolCallId, TurnId};
use crate::problem::{Counts, TestResult};
use crate::session::event::FileProblems;
use crate::session::since::Since;
use crate::task::model::{Task, Timestamp};
use crate::task::run::OutputSlice;
use crate::tool::Location;
use crate::tool::input::Todo;
use crate::workspace::commands::ProjectCommand;

/// A test's result, and how often it has failed of how many results, where it does now and did not always.
pub type Tested = (TestResult, Option<(u32, u32)>);

/// The answer to a request of the client.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Done,
    Session {
        session: SessionId,
        mode: &'static str,
        model: String,
    },
    /// What is replayed now; `before` is where older items go on, `None` at the beginning.
    Loaded {
        session: SessionId,
        mode: &'static str,
        model: String,
        before: Option<String>,
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
    SlashCommands,
    Rules(Vec<Said>),
    TestResults {
        task: TaskId,
        run: u32,
        tests: Vec<Tested>,
        counts: Counts,
    },
    Text(String),
    /// Edits as they stand, and what a person must know besides.
    Changes {
        rows: Vec<ChangeRow>,
        notes: Vec<String>,
    },
    Models(ModelList),
}

/// What a turn's edits made of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeRow {
    pub path: PathBuf,
    pub turn: TurnId,
    /// `create`, `edit`, `delete`.
    pub kind: &'static str,
    pub state: Standing,
    /// Unified; empty where the texts were too large to be kept.
    pub diff: String,
    /// Lines of the diff that are left out.
    pub omitted_lines: usize,
    /// Bytes of texts that were too large to be kept: the change cannot be reverted.
    pub omitted_bytes: u64,
    pub hunks: Vec<HunkRow>,
}

/// A hunk of the diff. Starts are 1-based, 0 where there are no lines before or after.
#[derive(Clone, Debug, PartialEq)]
pub struct HunkRow {
    pub index: usize,
    pub old_start: usize,
    pub old_lines: usize,
    pub new_start: usize,
    pub new_lines: usize,
    pub state: Standing,
}

/// Which models there are, and what became of asking each provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelList {
    pub models: Vec<ModelRow>,
    pub providers: Vec<ProviderRow>,
}

/// A model that a session can have.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// What `set_model` takes.
    pub id: String,
    /// For people.
    pub name: String,
    pub provider: &'static str,
    pub window: Option<u64>,
    pub max_output: Option<u32>,
    pub tools: Option<bool>,
    /// What a person has to know before it is asked.
    pub warning: Option<String>,
    /// The model of the session that asks.
    pub is_current: bool,
    /// Nobody has chosen its provider: it is there to be had.
    pub offered: bool,
}

/// A provider in the list of models.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderRow {
    pub word: &'static str,
    /// For people.
    pub label: &'static str,
    pub state: ProviderState,
    /// What is wrong, and what to do.
    pub message: Option<String>,
}

/// How it stands with a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderState {
    Ready,
    /// It answers, and nobody has chosen it.
    Offered,
    /// It is configured and did not answer.
    Failed,
    /// Something is missing, a key for instance.
    NotConfigured,
    /// Nothing answers where it would be on this machine.
    Absent,
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
    /// Another window has it open; `holder` names its sidecar.
    InUse {
        session: SessionId,
        holder: String,
    },
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnReason {
    Prompt,
    TaskNotification,
}

/// Tokens and cost, summed over a session or a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UsageSum {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    /// Tokens of the newest request and its answer.
    pub context_used: u64,
    pub cost: Cost,
    /// What of the cost is of turns that started by themselves.
    pub auto: Cost,
}

/// Where a compaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompactionStatus {
    /// A summary is being written.
    Started,
    Completed,
    /// Nothing was left out.
    Failed,
    Cancelled,
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
    /// ACP's kind: `read`, `edit`, `search`, `execute`, `think`, `other`.
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
    pub(in crate::session) fn of(task: TaskId) -> Self {
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
    /// What a batch of tool calls is called; a later one replaces it.
    Label {
        calls: Vec<ToolCallId>,
        text: String,
    },
    /// The session is not open in this window any more.
    SessionClosed {
        reason: &'static str,
    },
    /// The person goes on in that session.
    SwitchSession {
        session: SessionId,
    },
    /// What happened while the session was away.
    Since(Box<Since>),
    /// The agent's steps, all of them.
    Plan(Vec<Todo>),
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
        window: Option<u64>,
        /// It started by itself, and no person spoke in it.
        auto: bool,
        error: Option<String>,
        /// Prompts of it that only a model could have answered, and none is configured.
        needs_model: Vec<PromptId>,
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
    /// What requests hold was cut, or is about to be; tokens, estimated. `message` is for the person.
    Compaction {
        status: CompactionStatus,
        before: u64,
        after: Option<u64>,
        message: Option<String>,
    },
    /// Items follow. `before` is the cursor that they were asked for with: they go ahead of what is shown. `None`: they are
    /// the newest, and replace it.
    ReplayStarted {
        before: Option<String>,
    },
    /// `before` is the cursor of the items that are older still; `None` at the beginning.
    ReplayEnded {
        before: Option<String>,
    },
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
    /// The call of the subagent that wants it.
    pub parent: Option<ToolCallId>,
    pub row: ToolRow,
    /// Why it is asked, where the call itself does not say it.
    pub reason: Option<String>,
    /// The choices of "always allow", each by the rules that it saves, as a person reads them.
    pub always: Vec<String>,
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
        /// The call of the subagent that does it.
        parent: Option<ToolCallId>,
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
    /// Results of single tests that a run has shown since the last time, and the counts now.
    Tests {
        task: TaskId,
        run: u32,
        tests: Vec<Tested>,
        counts: Counts,
    },
    Ask(Box<Question>),
    /// A question is over; a late answer is ignored.
    Withdraw(QuestionId),
    /// One sentence for the person, outside of any session.
    Say {
        error: bool,
        text: String,
    },
}
