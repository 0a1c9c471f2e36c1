//! The table of tools: what the model may call, with which input. Pure. Doc comments of the fields become the
//! descriptions that the model reads.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::provider::ToolSpec;
use crate::task::listen;
use crate::task::model::{OnExit, Stdin};

/// Run a shell command in the workspace. Slow commands (tests, builds, installs, servers) belong in the background:
/// you get a task id at once, go on working, and are told when it ends. Never sleep or poll for one: to wait, end your turn;
/// you are woken when it ends.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bash {
    /// The command, as for `bash -c`.
    pub command: String,
    /// What it does, in a few words, for the person.
    pub description: Option<String>,
    /// true: start in the background and return the task id at once. false: wait for the end.
    pub run_in_background: Option<bool>,
    /// Milliseconds from process start after which the command is ended. Foreground default 120000.
    pub timeout: Option<u64>,
    /// What the command reads from: nothing (`null`, the default), a `pipe`, or a terminal (`pty`). Take `pty` for a command
    /// that has to ask the user something (a password, a confirmation, a wizard): the user is asked, and you are told.
    /// Better: an option that answers beforehand, like `--yes`.
    pub stdin: Option<String>,
    /// Times to try again after a failure, 0 to 5.
    pub retries: Option<u32>,
    /// Larger starts first when slots are short.
    pub priority: Option<i32>,
    /// `wake` (default): you are told even when you have ended your turn. `next_turn`: told with the next request. `none`.
    pub on_exit: Option<String>,
    /// `monitor`: it stays until it is stopped (a server, a watcher, `tail -f`). Known ones are recognised.
    pub kind: Option<String>,
    /// Regular expression (Rust syntax): you are told of output lines that match, in batches, while it runs.
    pub pattern: Option<String>,
    /// Regular expression for the line that says that a server is ready; known servers need none.
    pub ready: Option<String>,
}

/// Start a command in the background; the explicit form of `bash` with `run_in_background`. Returns the task id at once.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackgroundRun {
    /// The command, as for `bash -c`.
    pub command: String,
    /// What it does, in a few words, for the person.
    pub description: Option<String>,
    /// Milliseconds from process start after which the command is ended. No limit when unset.
    pub timeout: Option<u64>,
    /// `null` (default), `pipe` or `pty`: what the command reads from. `pty` for one that has to ask the user something.
    pub stdin: Option<String>,
    /// Times to try again after a failure, 0 to 5.
    pub retries: Option<u32>,
    /// Larger starts first when slots are short.
    pub priority: Option<i32>,
    /// `wake` (default), `next_turn` or `none`.
    pub on_exit: Option<String>,
    /// `monitor`: it stays until it is stopped (a server, a watcher, `tail -f`). Known ones are recognised.
    pub kind: Option<String>,
    /// Regular expression (Rust syntax): you are told of output lines that match, in batches, while it runs.
    pub pattern: Option<String>,
    /// Regular expression for the line that says that a server is ready; known servers need none.
    pub ready: Option<String>,
}

/// Look at a background task: status, counts, failures, output. There is no need to poll: you are told when it ends, also
/// after you have ended your turn.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckBackground {
    /// Which task; all tasks when unset.
    pub task_id: Option<String>,
    /// Output from this byte offset on.
    pub offset: Option<u64>,
    /// The last so many lines of output.
    pub tail: Option<u32>,
}

/// Stop a background task with everything that it started.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopBackground {
    /// Which task.
    pub task_id: String,
}

/// Read a text file, with line numbers.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadFile {
    /// Relative to the workspace, or absolute.
    pub path: String,
    /// First line, 1-based.
    pub offset: Option<u32>,
    /// Most lines to return; 2000 when unset.
    pub limit: Option<u32>,
}

/// Write a whole file. An existing file must have been read before.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteFile {
    /// Relative to the workspace, or absolute.
    pub path: String,
    /// The whole new content.
    pub content: String,
}

/// Replace text in a file that you have read. `old_string` must occur exactly once unless `replace_all` is true.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditFile {
    /// Relative to the workspace, or absolute.
    pub path: String,
    /// The text to replace, exactly as it stands in the file, without line numbers.
    pub old_string: String,
    /// What to put there.
    pub new_string: String,
    /// Replace every occurrence.
    pub replace_all: Option<bool>,
}

/// Find files by name pattern; ignored files are left out. Newest first.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Glob {
    /// For instance `src/**/*.rs`.
    pub pattern: String,
    /// Folder to search; the workspace when unset.
    pub path: Option<String>,
}

/// Search file contents with a regular expression; ignored files are left out.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grep {
    /// Regular expression (Rust syntax).
    pub pattern: String,
    /// File or folder to search; the workspace when unset.
    pub path: Option<String>,
    /// Only files whose name matches, for instance `*.py`.
    pub glob: Option<String>,
    /// Ignore case.
    pub ignore_case: Option<bool>,
    /// Lines of context around each hit.
    pub context: Option<u32>,
    /// Most hits; 200 when unset.
    pub limit: Option<u32>,
}

/// Have a subagent do a piece of work: an agent with a conversation of its own, which sees nothing of this one. Good for
/// searches over many files and for work that can be done apart; several calls in one answer work at the same time. Its
/// last message is the result. It cannot ask back and cannot start subagents.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Everything that it has to know: the task, the files, what is to be in its report.
    pub prompt: String,
    /// What it is for, in three to six words, for the person.
    pub description: String,
    /// true: return the id of a task at once; its report comes by itself when it ends. Else wait for the report.
    pub run_in_background: Option<bool>,
}

/// Characters of a subagent's prompt.
const MOST_PROMPT: usize = 50_000;
/// Read the diagnostics (errors, warnings) that are known: those that builds, tests and linters have printed, with the task
/// and run that they come from, and those that the user's editor shows.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Diagnostics {
    /// Only those of this file, or below this folder; relative to the workspace, or absolute. All when unset.
    pub path: Option<String>,
}

/// Keep the plan of work that takes several steps: the user sees it. Give the whole list each time; the newest replaces the
/// one before, an empty one clears it. Mark a step `in_progress` when you begin it and `completed` as soon as it is done.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TodoWrite {
    /// Every step, in order.
    pub todos: Vec<Todo>,
}

/// One step of a plan.
// Fields that models add of themselves (an id, a second wording) are no mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Todo {
    /// What is to be done, in a few words.
    pub content: String,
    #[serde(default)]
    pub status: TodoStatus,
    #[serde(default)]
    pub priority: TodoPriority,
}

/// How far a step of a plan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
pub enum TodoStatus {
    #[default]
    #[serde(alias = "todo", alias = "open")]
    Pending,
    #[serde(alias = "in-progress", alias = "active")]
    InProgress,
    #[serde(alias = "complete", alias = "done")]
    Completed,
}

impl TodoStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
        }
    }
}

/// How much a step of a plan matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
pub enum TodoPriority {
    High,
    #[default]
    Medium,
    Low,
}

impl TodoPriority {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// A call of a tool that only touches files.
#[derive(Clone, Debug, PartialEq)]
pub enum FileCall {
    Read(ReadFile),
    Write(WriteFile),
    Edit(EditFile),
    Glob(Glob),
    Grep(Grep),
}

impl FileCall {
    /// True when it changes a file.
    pub fn edits(&self) -> bool {
        matches!(self, Self::Write(_) | Self::Edit(_))
    }

    /// The one file that it reads or writes, as it was given.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Read(_) | Self::Write(_) | Self::Edit(_) => Some(self.path()),
            Self::Glob(_) | Self::Grep(_) => None,
        }
    }

    /// The path that it names, as it was given.
    pub fn path(&self) -> &str {
        match self {
            Self::Read(call) => &call.path,
            Self::Write(call) => &call.path,
            Self::Edit(call) => &call.path,
            Self::Glob(call) => call.path.as_deref().unwrap_or("."),
            Self::Grep(call) => call.path.as_deref().unwrap_or("."),
        }
    }
}

/// A tool call whose input has been understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// `background_run` is this too, with `run_in_background` true.
    Bash(Bash),
    Check(CheckBackground),
    Stop(StopBackground),
    Agent(Agent),
    File(FileCall),
    Diagnostics(Diagnostics),
    Todo(TodoWrite),
}

/// Understands a call. The error is for the model: it names the tool or the field, and what is allowed.
pub fn parse(name: &str, input: &Value) -> Result<Call, String> {
    fn typed<T: serde::de::DeserializeOwned>(name: &str, input: &Value) -> Result<T, String> {
        serde_json::from_value(input.clone()).map_err(|error| format!("{name}: {error}. Nothing was done."))
    }
    Ok(match name {
        "bash" => Call::Bash(check_shell(typed(name, input)?)?),
        "background_run" => {
            let run: BackgroundRun = typed(name, input)?;
            Call::Bash(check_shell(Bash {
                command: run.command,
                description: run.description,
                run_in_background: Some(true),
                timeout: run.timeout,
                stdin: run.stdin,
                retries: run.retries,
                priority: run.priority,
                on_exit: run.on_exit,
                kind: run.kind,
                pattern: run.pattern,
                ready: run.ready,
            })?)
        }
        "check_background" => Call::Check(typed(name, input)?),
        "stop_background" => Call::Stop(typed(name, input)?),
        "agent" => Call::Agent(check_agent(typed(name, input)?)?),
        "read_file" => Call::File(FileCall::Read(typed(name, input)?)),
        "write_file" => Call::File(FileCall::Write(typed(name, input)?)),
        "edit_file" => Call::File(FileCall::Edit(typed(name, input)?)),
        "glob" => Call::File(FileCall::Glob(typed(name, input)?)),
        "grep" => Call::File(FileCall::Grep(typed(name, input)?)),
        "diagnostics" => Call::Diagnostics(typed(name, input)?),
        "todo_write" => Call::Todo(typed(name, input)?),
        _ => {
            let known: Vec<String> = specs().into_iter().map(|spec| spec.name).collect();
            return Err(format!("There is no tool named {name}. The tools are: {}.", known.join(", ")));
        }
    })
}

fn check_shell(call: Bash) -> Result<Bash, String> {
    if call.command.trim().is_empty() {
        return Err("bash: `command` is empty. Nothing was started.".into());
    }
    if let Some(word) = call.stdin.as_deref().filter(|word| Stdin::parse(word).is_none()) {
        return Err(format!(
            "bash: `stdin` is {word:?}; it can be \"null\", \"pipe\" or \"pty\". Nothing was started."
        ));
    }
    if let Some(word) = call.on_exit.as_deref().filter(|word| OnExit::parse(word).is_none()) {
        return Err(format!(
            "bash: `on_exit` is {word:?}; it can be \"wake\", \"next_turn\" or \"none\". Nothing was started."
        ));
    }
    if let Some(word) = call.kind.as_deref().filter(|word| !matches!(*word, "shell" | "monitor")) {
        return Err(format!("bash: `kind` is {word:?}; it can be \"shell\" or \"monitor\". Nothing was started."));
    }
    for (field, pattern) in [("pattern", &call.pattern), ("ready", &call.ready)] {
        if let Some(why) = pattern.as_deref().and_then(|pattern| listen::compile(pattern).err()) {
            return Err(format!("bash: `{field}` {why}. {} Nothing was started.", listen::PATTERN_REMEDY));
        }
    }
    if call.timeout == Some(0) {
        return Err("bash: `timeout` is 0; give milliseconds, or leave it out. Nothing was started.".into());
    }
    Ok(call)
}

fn check_agent(call: Agent) -> Result<Agent, String> {
    if call.prompt.trim().is_empty() {
        return Err("agent: `prompt` is empty. Say what the subagent has to do. Nothing was started.".into());
    }
    let length = call.prompt.chars().count();
    if length > MOST_PROMPT {
        return Err(format!(
            "agent: `prompt` has {length} characters; {MOST_PROMPT} are allowed. Name the files that hold the material: the \
             subagent can read them. Nothing was started."
        ));
    }
    Ok(call)
}

/// The tools that a subagent has: not those that plan for the person, or that start further subagents.
pub fn for_subagents() -> Vec<ToolSpec> {
    specs().into_iter().filter(|spec| is_for_subagents(&spec.name)).collect()
}

/// Whether a subagent has the tool of this name.
pub fn is_for_subagents(name: &str) -> bool {
    !matches!(name, "agent" | "todo_write")
}

/// Every tool, in the order in which models see them. The order never changes within a session (prompt cache).
pub fn specs() -> Vec<ToolSpec> {
    fn spec<T: JsonSchema>(name: &str) -> ToolSpec {
        let mut schema = schemars::schema_for!(T).to_value();
        let mut description = String::new();
        if let Some(object) = schema.as_object_mut() {
            object.remove("$schema");
            object.remove("title");
            if let Some(Value::String(text)) = object.remove("description") {
                description = text;
            }
        }
        ToolSpec { name: name.to_owned(), description, input_schema: schema }
    }
    vec![
        spec::<Bash>("bash"),
        spec::<BackgroundRun>("background_run"),
        spec::<CheckBackground>("check_background"),
        spec::<StopBackground>("stop_background"),
        spec::<ReadFile>("read_file"),
        spec::<WriteFile>("write_file"),
        spec::<EditFile>("edit_file"),
        spec::<Glob>("glob"),
        spec::<Grep>("grep"),
        spec::<Diagnostics>("diagnostics"),
        spec::<TodoWrite>("todo_write"),
        spec::<Agent>("agent"),
    ]
}
