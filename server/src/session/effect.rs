//! What the state wants done: one enum, carried out by `perform`. `outgoing` has what goes out to the client. Pure words.

mod outgoing;

use std::path::PathBuf;
use std::sync::Arc;

use crate::agent::change::Chosen;
use crate::agent::history::Item;
use crate::agent::mentions::Wanted;
use crate::agent::notification::Key;
use crate::diagnostics::delta::Results;
use crate::ids::{PromptId, SessionId, TaskId, ToolCallId, TurnId};
use crate::provider::ModelRequest;
use crate::task::model::{Group, Task, Timestamp, Watch};
use crate::task::run::{OutputRange, RunControl, RunId, RunSpec};
use crate::tool::FileSeen;
use crate::tool::input::Todo;

pub use self::outgoing::{
    ChangeRow, CompactionStatus, Growth, HunkRow, ModelList, ModelRow, Outgoing, ProviderRow, ProviderState, Question,
    Refusal, Reply, SessionRow, StopReason, Tested, ToolChange, ToolContent, ToolRow, ToolStatus, TurnReason, Update,
    UsageSum,
};
use super::event::{
    AsideId, CheckId, CommitId, ExportFormat, OnlyTests, Page, ReplyId, ReportedTask, StartTask, StoredEdit,
    StoredReport, StoredSession, Timer,
};
use super::export::Talk;
use super::moving::Taker;
use super::permission::Look;
use super::services::Missed;
use super::slash::Place;
use super::turn_log::TurnRecord;

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
        page: Page,
    },
    /// Gives a session to another window: first its runs, then its rows at one stroke; then replies.
    HandOver {
        reply: ReplyId,
        session: SessionId,
        tasks: Vec<TaskId>,
        runs: Vec<RunId>,
        to: Taker,
    },
    /// Writes a session as text, and replies.
    Export {
        reply: ReplyId,
        talk: Talk,
        format: ExportFormat,
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
    /// Reads the newest sessions for `/resume`; comes back as `RecentSessions`.
    RecentSessions {
        place: Place,
        wanted: Option<String>,
    },
    /// Lists the models for `/model`; comes back as `ModelsInChat`.
    ListModelsInChat {
        place: Place,
        current: String,
    },
    /// Looks what changed since then, for a session that was away; comes back as `SinceLooked`.
    LookSince {
        session: SessionId,
        from: Timestamp,
        head: Option<String>,
    },
    /// Notes with a session which commit is checked out now.
    NoteHead(SessionId),
    /// Asks the model; comes back as `Stream` and `Answered`.
    AskModel {
        session: SessionId,
        turn: TurnId,
        request: ModelRequest,
    },
    /// Asks a model something beside the conversation (a title, a summary); comes back as `AsideAnswered`. Never streamed.
    AskAside {
        aside: AsideId,
        request: ModelRequest,
    },
    /// Nobody wants that answer any more.
    AbortAside(AsideId),
    /// Asks what is known of a session's model; comes back as `ModelDescribed`.
    DescribeModel {
        session: SessionId,
        model: String,
    },
    /// Reads the instruction files that hold in a folder; comes back as `InstructionsRead`.
    ReadInstructions {
        session: SessionId,
        cwd: PathBuf,
    },
    /// Reads what a prompt points at; comes back as `MentionsRead`. `more` were not even looked at.
    ReadMentions {
        session: SessionId,
        prompt: PromptId,
        cwd: PathBuf,
        wanted: Vec<Wanted>,
        more: usize,
    },
    /// Asks all providers for their models and replies. `current` is the model of the session that asks.
    ListModels {
        reply: ReplyId,
        current: Option<String>,
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
        /// Where what is too long for the model is put.
        results: PathBuf,
    },
    /// Reads what the judgement of a command depends on: where the links lead that its words name, and the project's own
    /// commands and scripts where they matter; comes back as `ProjectRead`.
    ReadProject {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        cwd: PathBuf,
        home: PathBuf,
        look: Look,
    },
    /// Reads output for a tool result; comes back as `OutputRead`.
    ReadForTool {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        path: PathBuf,
        range: OutputRange,
    },
    /// Reads the edits that can be taken back, and replies.
    ListChanges {
        reply: ReplyId,
        session: SessionId,
        chosen: Chosen,
    },
    /// Marks edits as accepted, and replies.
    AcceptChanges {
        reply: ReplyId,
        session: SessionId,
        chosen: Chosen,
    },
    /// Takes edits back; comes back as `ChangesReverted`.
    RevertChanges {
        reply: ReplyId,
        session: SessionId,
        chosen: Chosen,
        cwd: PathBuf,
        seen: FileSeen,
    },
    /// Looks for the service that offers a port; comes back as `ServiceFound`.
    FindService(Missed),
    /// Asks the editor for its own diagnostics; comes back as `EditorDiagnostics`.
    AskDiagnostics {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        path: Option<PathBuf>,
    },
    /// Writes a result that is too long into a file of `folder`; comes back as `ResultSaved` with at most `most`
    /// characters of it and what is to be said of the rest.
    SaveResult {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        folder: PathBuf,
        text: String,
        most: usize,
    },
    /// Reads output for the client and replies.
    /// Reads the results of single tests off the output of a run that was over before this sidecar began.
    ReadTests {
        reply: ReplyId,
        task: Box<Task>,
    },
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
    /// Reads the script of a package.json that a command runs; the request comes again with it.
    ReadScript {
        reply: ReplyId,
        task: TaskId,
        only: OnlyTests,
        command: String,
        cwd: PathBuf,
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
    /// Appends lines to the output of a subagent's task, in order; comes back as `Transcribed`. `bytes` and `lines` are what
    /// is there then.
    Transcribe {
        id: RunId,
        path: PathBuf,
        text: String,
        bytes: u64,
        lines: u64,
    },
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
    /// The session's system text, once.
    System {
        session: SessionId,
        text: Arc<str>,
    },
    DeleteSession(SessionId),
    /// An edit that can be taken back.
    Edit(Box<StoredEdit>),
    /// The model of a session is told what was reverted.
    RevertsTold(SessionId),
    /// The whole plan of a session.
    Plan {
        session: SessionId,
        plan: Vec<Todo>,
    },
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
    /// What is still to be told to one session is to be told to another.
    GiveReports {
        from: SessionId,
        to: SessionId,
    },
    /// Appends to a history and marks the reports carried, in one transaction. `commit` is acknowledged.
    Append {
        session: SessionId,
        first: usize,
        items: Vec<Arc<Item>>,
        carried: Vec<Key>,
        commit: CommitId,
    },
    /// Inserts or replaces the record of the turn with that number.
    Turn {
        session: SessionId,
        at: usize,
        record: Box<TurnRecord>,
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
    /// A rule that "always" saved, and the project's script that it is bound to.
    Rule {
        rule: String,
        script: Option<String>,
    },
    RemoveRule(String),
}
