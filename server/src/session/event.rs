//! What happens to the owner's state: one enum, from every side. `request` has what clients ask for. Pure words.

mod request;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::agent::approval::Own;
use crate::agent::history::Item;
use crate::agent::instructions::InstructionFile;
use crate::agent::notification::{Key, Report};
use crate::diagnostics::delta::Past;
use crate::ids::{PromptId, QuestionId, SessionId, TaskId, ToolCallId, TurnId};
use crate::problem::Problem;
use crate::provider::{Answer, ModelFacts, ProviderError, StreamEvent};
use crate::task::model::{EnvironmentRecord, Task, Timestamp};
use crate::task::run::{Change, Imported, OutputSlice, RunEvent, RunId};
use crate::tool;
use crate::tool::input::Todo;
use crate::workspace::Service;
use crate::workspace::documents::Documents;
use crate::workspace::editor::EditorDiagnostics;

pub use self::request::{
    CallName, Choice, Choose, Dependency, ExportFormat, OnlyTests, Page, ReportedTask, Request, RunProject, StartTask,
};
use super::effect::{ChangeRow, ModelList, Refusal, SessionRow, UsageSum};
use super::services::Missed;
use super::settings::Settings;
use super::since::Changes;
use super::slash::Place;
use super::small::TitleBy;
use super::turn_log::TurnRecord;

/// Names a request of the client that waits for its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplyId(pub u64);

/// Names a store transaction that a turn waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommitId(pub u64);

/// Names a question to a model beside the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AsideId(pub u64);

/// Names a start that the disk is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CheckId(pub u64);

/// When an event is applied, and what the editor holds then.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    pub now: Timestamp,
    pub documents: Documents,
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
    pub title_by: TitleBy,
    pub cwd: PathBuf,
    pub mode: String,
    pub model: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub turns: u32,
    /// Tokens and money so far.
    pub usage: UsageSum,
    /// The system text that its requests begin with; `None` for a session that has none yet.
    pub system: Option<String>,
    pub history: Vec<Item>,
    /// Its turns, oldest first.
    pub log: Vec<TurnRecord>,
    /// Reports that are in the history and that no model has begun to answer.
    pub carried: Vec<Key>,
    /// Reports that are still to be put into it.
    pub pending: Vec<StoredReport>,
    /// Its tasks that are this sidecar's.
    pub tasks: Vec<Task>,
    /// The commit that was checked out when it was used last.
    pub head: Option<String>,
    /// The agent's steps.
    pub plan: Vec<Todo>,
    /// Files of which the model is still to be told that an edit was reverted.
    pub reverted: Vec<PathBuf>,
}

/// An edit of a file, for the store.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEdit {
    pub session: SessionId,
    pub turn: TurnId,
    pub path: PathBuf,
    /// `None`: there was no file.
    pub before: Option<String>,
    /// `None`: there is no file any more.
    pub after: Option<String>,
    /// How many folders were made for the file, from it upwards.
    pub new_folders: u32,
    pub at: Timestamp,
}

/// Edits that were taken back.
#[derive(Clone, Debug)]
pub struct Reverted {
    pub rows: Vec<ChangeRow>,
    pub files: Vec<RevertedFile>,
    /// Why it did not get to the end, if so.
    pub failed: Option<Refusal>,
}

/// A file that was put back.
#[derive(Clone, Debug)]
pub struct RevertedFile {
    pub path: PathBuf,
    /// Links followed.
    pub real: PathBuf,
    /// What it holds now; `None` when it was removed.
    pub seen: Option<tool::Fingerprint>,
    pub note: String,
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
    /// The saved permission rules, each with the script that it is bound to.
    pub rules: Vec<(String, Option<String>)>,
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
    /// Earlier runs have been waited for long enough to say what happened while the session was away.
    Since(SessionId),
    /// What a watching program has started again has had its time to fail.
    Settle(TaskId, u32),
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
        page: Page,
        stored: Result<Option<Box<StoredSession>>, String>,
    },
    /// The newest sessions, for `/resume`.
    RecentSessions {
        place: Place,
        wanted: Option<String>,
        rows: Vec<SessionRow>,
    },
    /// The models that there are, for `/model`.
    ModelsInChat {
        place: Place,
        current: String,
        list: ModelList,
    },
    /// The workspace was looked at for a session that was away.
    SinceLooked {
        session: SessionId,
        from: Timestamp,
        changes: Changes,
    },
    /// A session that was not open is deleted.
    SessionDeleted(SessionId),
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
    /// A question beside the conversation is answered, or is not.
    AsideAnswered {
        aside: AsideId,
        result: Box<Result<Answer, ProviderError>>,
    },
    /// The instruction files of a session, from the outermost to the nearest.
    InstructionsRead {
        session: SessionId,
        files: Vec<InstructionFile>,
    },
    /// What a prompt points at, as a block for the model.
    MentionsRead {
        session: SessionId,
        prompt: PromptId,
        block: Option<String>,
        seen: Vec<tool::SeenFile>,
    },
    /// What is known of a session's model.
    ModelDescribed {
        session: SessionId,
        model: String,
        facts: ModelFacts,
    },
    /// The editor lends other models than before.
    ModelsOffered,
    ToolDone {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        result: Result<tool::Output, String>,
    },
    /// What the judgement of a command depends on.
    ProjectRead {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        /// The project's own commands as they are now, where they were wanted.
        own: Vec<Own>,
        /// Paths of the command that are links, and where they lead.
        links: Vec<(PathBuf, PathBuf)>,
    },
    /// The output that a tool result needs has been read.
    OutputRead {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        slice: Result<OutputSlice, String>,
    },
    /// Edits were taken back, or could not be.
    ChangesReverted {
        reply: ReplyId,
        session: SessionId,
        result: Result<Reverted, Refusal>,
    },
    /// What the editor shows of its own.
    /// The service that offers a port, where a compose file names one.
    ServiceFound {
        missed: Missed,
        service: Option<Service>,
    },
    EditorDiagnostics {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        found: EditorDiagnostics,
    },
    /// A result that was too long is in a file; `text` is what is told of it.
    ResultSaved {
        session: SessionId,
        turn: TurnId,
        call: ToolCallId,
        text: String,
    },
    QuestionAnswered {
        question: QuestionId,
        outcome: QuestionOutcome,
    },
    Run {
        id: RunId,
        event: RunEvent,
    },
    /// The output of a subagent's task is written that far, or why it is not.
    Transcribed {
        id: RunId,
        bytes: u64,
        lines: u64,
        problem: Option<String>,
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
    /// The editor opened or closed a document.
    DocumentShown {
        path: PathBuf,
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
    /// The tests that failed so: several where it stands for a group.
    pub tests: Vec<String>,
    /// The service of a compose file whose start would repair it.
    pub service: Option<Service>,
}
