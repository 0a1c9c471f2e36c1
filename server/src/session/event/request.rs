//! What the client asks for: one variant for each request, already read and checked by the edge. Pure words.

use std::path::PathBuf;

use crate::agent::change::Chosen;
use crate::agent::history::Content;
use crate::ids::{PromptId, SessionId, TaskId, ToolCallId};
use crate::matcher::narrow::Script;
use crate::session::moving::Taker;
use crate::task::model::{Group, Kind, Lifetime, OnExit, Origin, Stdin, Timestamp, Watch};
use crate::task::run::OutputRange;
use crate::workspace::commands::Defined;

/// A call among all of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallName {
    pub id: ToolCallId,
    /// The call of the subagent that made it; `None` where nobody says so.
    pub parent: Option<ToolCallId>,
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
    /// Its own formats of problems, as VS Code writes them; each can be read.
    pub matchers: Vec<serde_json::Value>,
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
    pub(in crate::session) fn attempts(&self) -> u32 {
        self.retries.min(5) + 1
    }

    /// What its end means to its session, where nobody has said.
    pub(in crate::session) fn on_exit(&self) -> OnExit {
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
            matchers: Vec::new(),
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
        page: Page,
    },
    /// Another window takes a session.
    HandOver {
        session: SessionId,
        to: Taker,
    },
    Prompt {
        session: SessionId,
        content: Vec<Content>,
    },
    /// Cuts what requests hold of a conversation; `instructions` is what the summary should heed.
    Compact {
        session: SessionId,
        instructions: Option<String>,
    },
    /// What the window of a session's model holds, in words.
    Context {
        session: SessionId,
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
    /// Which models there are; the session is the one whose model is the current one.
    ListModels {
        session: Option<SessionId>,
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
    /// Starts the service that a task's failures miss, and the task again when it has come up.
    StartService {
        task: TaskId,
    },
    /// A further run of a task for some of its tests.
    RerunTests {
        task: TaskId,
        only: OnlyTests,
    },
    /// The same, with the script that its command runs, where there is one.
    RerunScripted {
        task: TaskId,
        only: OnlyTests,
        script: Option<Script>,
    },
    /// The foreground command of this session, or of this tool call, goes on in the background.
    Promote {
        session: Option<SessionId>,
        call: Option<CallName>,
    },
    Input {
        task: Option<TaskId>,
        text: String,
        eof: bool,
    },
    /// No model is told of the task's end that was not yet.
    WithholdReport {
        task: TaskId,
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
    /// Edits of the agent: what is to be done with those that are chosen.
    Changes {
        session: SessionId,
        chosen: Chosen,
        choose: Choose,
    },
    SlashCommands,
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

/// What is to be done with edits of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choose {
    List,
    Accept,
    Revert,
}

/// Which part of a conversation is replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// About how many items; all of them where nobody says. Exchanges stay whole.
    pub limit: Option<usize>,
    /// Those before this cursor, and nothing else; else the newest, and what goes on now.
    pub before: Option<String>,
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
    /// With the number of the choice, from 0.
    AllowAlways(usize),
    Reject,
}

/// Which tests of a run are to run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnlyTests {
    /// Those that failed in the newest run.
    Failed,
    /// Those with these ids.
    These(Vec<String>),
}
