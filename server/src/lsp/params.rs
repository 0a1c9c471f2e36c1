//! Reads the client's parameters into the owner's requests. An error names the field and the remedy.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_lsp::jsonrpc;

use crate::agent::change::Chosen;
use crate::config::services;
use crate::ids::{PromptId, SessionId, TaskId, ToolCallId, TurnId};
use crate::matcher::problem_matcher;
use crate::protocol as wire;
use crate::session::event::{
    CallName, Choice, Choose, Dependency, ExportFormat, OnlyTests, Page, ReportedTask, Request, RunProject, StartTask,
};
use crate::session::inbox::Secret;
use crate::task::listen;
use crate::task::model::{Group, Kind, Lifetime, OnExit, Origin, Stdin, Timestamp, Watch};
use crate::task::run::OutputRange;
use crate::workspace::folders;
use crate::workspace::roots::absolute;

use super::convert;
use super::uri;

/// Bytes of one reply of `pillion/task/output`, when the client names no limit, and the most that it may name.
const OUTPUT_LIMIT: u64 = 64 << 10;
const OUTPUT_MAX: u64 = 1 << 20;
/// Milliseconds that watched files must be quiet, when the client names none, and the most that it may name.
const WATCH_DEBOUNCE: u64 = 300;
const WATCH_DEBOUNCE_MAX: u64 = 60_000;

/// The most bytes of output that a reported task may have.
const REPORT_MAX: usize = 16 << 20;
/// Own formats of problems that one task may have.
const MOST_MATCHERS: usize = 20;

type Read<T> = Result<T, jsonrpc::Error>;

/// Parameters of a type; the error names the field.
pub fn typed<T: DeserializeOwned>(params: Value) -> Read<T> {
    const REMEDY: &str = "See PROTOCOL.md for the fields of this method.";
    if !matches!(params, Value::Object(_) | Value::Array(_)) {
        return Err(convert::error(-32602, "the params are no object".to_owned(), "bad_params", None, REMEDY));
    }
    serde_path_to_error::deserialize(params).map_err(|error| {
        let path = error.path().to_string();
        let text = error.into_inner().to_string();
        // A missing field is named in the text, a wrong one by its path.
        let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        let field = missing.unwrap_or(&path).to_owned();
        let message = if missing.is_some() { text } else { format!("`{field}`: {text}") };
        convert::error(-32602, message, "bad_params", Some(&field), REMEDY)
    })
}

fn bad(field: &str, message: String, remedy: &str) -> jsonrpc::Error {
    convert::error(-32602, format!("`{field}`: {message}"), "bad_params", Some(field), remedy)
}

fn word<T: Copy>(
    field: &str,
    text: Option<&str>,
    all: &[T],
    parse: impl Fn(&str) -> Option<T>,
    name: impl Fn(T) -> &'static str,
) -> Read<Option<T>> {
    let Some(text) = text else { return Ok(None) };
    parse(text).map(Some).ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|value| name(*value)).collect();
        bad(field, format!("there is no {text:?}"), &format!("It can be: {}.", known.join(", ")))
    })
}

/// A folder that the client names: absolute, or relative to the workspace; it must be there.
fn folder(field: &str, text: Option<String>, root: &Path) -> Read<Option<PathBuf>> {
    let Some(text) = text else { return Ok(None) };
    let path = root.join(uri::to_path(&text).unwrap_or_else(|| PathBuf::from(&text)));
    if path.is_dir() {
        return Ok(Some(path));
    }
    let why = if path.exists() { "is not a directory" } else { "does not exist" };
    Err(bad(field, format!("the directory {} {why}", path.display()), "Name a directory that exists."))
}

/// `pillion/session/new`.
pub fn new_session(params: Value, root: &Path) -> Read<Request> {
    let wire::NewSessionParams { cwd, mode, model } = typed(params)?;
    Ok(Request::NewSession { cwd: folder("cwd", cwd, root)?, mode, model })
}

/// `pillion/secret/set`. No error repeats the secret.
pub fn secret(params: Value) -> Read<Secret> {
    let wire::SetSecretParams { provider, secret, persist } = typed(params)?;
    if secret.as_deref().is_some_and(|secret| !services::can_be_key(secret.trim())) {
        let message = "that can be no key: it is empty, very long, or holds blanks or line ends".into();
        return Err(bad("secret", message, "Paste the key alone, or send null to take it back."));
    }
    let secret = secret.map(|secret| SecretString::from(secret.trim()));
    Ok(Secret { provider, secret, persist })
}

/// `pillion/session/list`.
pub fn list_sessions(params: Value) -> Read<Request> {
    let wire::ListSessionsParams { limit, before } = typed(params)?;
    Ok(Request::ListSessions { limit: limit.unwrap_or(50).clamp(1, 500) as usize, before: before.map(SessionId) })
}

/// `pillion/session/load`.
pub fn load_session(params: Value) -> Read<Request> {
    let wire::LoadSessionParams { session_id, limit, before, .. } = typed(params)?;
    if limit == Some(0) {
        return Err(bad("limit", "is 0".into(), "Give a number of items, or leave it out for all."));
    }
    let page = Page { limit: limit.map(|limit| limit as usize), before };
    Ok(Request::LoadSession { session: SessionId(session_id), page })
}

/// `pillion/session/prompt`.
pub fn prompt(params: Value) -> Read<Request> {
    let wire::PromptParams { session_id, prompt } = typed(params)?;
    Ok(Request::Prompt { session: SessionId(session_id), content: convert::content(prompt) })
}

/// `pillion/session/export`.
pub fn export(params: Value) -> Read<Request> {
    let wire::ExportParams { session_id, format } = typed(params)?;
    let format = match format.as_deref() {
        None | Some("markdown") => ExportFormat::Markdown,
        Some("jsonl") => ExportFormat::Jsonl,
        Some(other) => {
            return Err(bad("format", format!("there is no {other:?}"), "It can be: jsonl, markdown."));
        }
    };
    Ok(Request::Export { session: SessionId(session_id), format })
}

/// `pillion/change/list`, `…/accept`, `…/revert`.
pub fn changes(params: Value, root: &Path, choose: Choose) -> Read<Request> {
    let wire::ChangeParams { session_id, turn_id, path, hunk, gone } = typed(params)?;
    if hunk.is_some() && (path.is_none() || turn_id.is_none()) {
        let missing = if path.is_none() { "path" } else { "turnId" };
        return Err(bad(missing, "is missing: a hunk is one of a turn's edits of a file".into(), "Name all three."));
    }
    let path = path.map(|text| uri::to_path(&text).unwrap_or_else(|| absolute(root, &text)));
    let chosen = Chosen { turn: turn_id.map(TurnId), path, hunk, gone };
    Ok(Request::Changes { session: SessionId(session_id), chosen, choose })
}

/// `pillion/session/queue`.
pub fn queue(params: Value) -> Read<Request> {
    let wire::QueueParams { session_id, prompt_id, remove, replace } = typed(params)?;
    if remove == replace.is_some() {
        return Err(bad("remove", "give either `remove: true` or `replace`".into(), "Not both, and not neither."));
    }
    Ok(Request::EditQueue {
        session: SessionId(session_id),
        prompt: PromptId(prompt_id),
        replace: replace.map(convert::content),
    })
}

/// `pillion/task/start`, and the arguments of the command `pillion.task.start`.
pub fn start_task(params: Value, root: &Path) -> Read<Request> {
    let params: wire::StartTaskParams = typed(params)?;
    let kind = word("kind", params.kind.as_deref(), Kind::ALL, Kind::parse, Kind::as_str)?;
    if kind == Some(Kind::Agent) {
        agent_has(&params)?;
    }
    let matchers = matchers(params.matchers)?;
    let stdin = word("stdin", params.stdin.as_deref(), Stdin::ALL, Stdin::parse, Stdin::as_str)?;
    for (field, pattern) in [("pattern", &params.pattern), ("ready", &params.ready)] {
        if let Some(Err(why)) = pattern.as_deref().map(listen::compile) {
            return Err(bad(field, why, listen::PATTERN_REMEDY));
        }
    }
    let on_exit = word("onExit", params.on_exit.as_deref(), OnExit::ALL, OnExit::parse, OnExit::as_str)?;
    let watch = params.watch.map(|watch| watched(watch, on_exit)).transpose()?.flatten();
    if params.timeout_ms == Some(0) {
        return Err(bad("timeoutMs", "is 0".into(), "Give milliseconds, or leave it out for no limit."));
    }
    let in_sequence = match params.depends_order.as_deref() {
        None | Some("parallel") => false,
        Some("sequence") => true,
        Some(other) => {
            return Err(bad("dependsOrder", format!("there is no {other:?}"), "It can be: parallel, sequence."));
        }
    };
    let command = match (params.command, &params.label) {
        (Some(command), _) => command,
        (None, Some(_)) => String::new(),
        (None, None) => return Err(bad("command", "is missing".into(), "Give it, or the `label` of a task.")),
    };
    for (field, texts) in
        [("command", vec![&command]), ("env", params.env.iter().flat_map(|(name, value)| [name, value]).collect())]
    {
        if texts.iter().any(|text| text.contains('\0')) {
            return Err(bad(field, "holds a NUL character".into(), "No command can be given one; take it out."));
        }
    }
    if let Some(name) = params.env.keys().find(|name| name.is_empty() || name.contains('=')) {
        return Err(bad("env", format!("{name:?} is no name of a variable"), "A name has no `=`, and is not empty."));
    }
    Ok(Request::StartTask(StartTask {
        depends_on: dependencies(params.depends_on, root)?,
        in_sequence,
        file: params.uri.as_deref().and_then(uri::to_path),
        cwd: folder("cwd", params.cwd, root)?,
        env: params.env.into_iter().collect(),
        label: params.label,
        kind,
        group: word("group", params.group.as_deref(), Group::ALL, Group::parse, Group::as_str)?,
        session: params.session_id.map(SessionId),
        timeout_ms: params.timeout_ms,
        priority: params.priority.unwrap_or(0),
        retries: params.retries.unwrap_or(0),
        on_exit,
        lifetime: word("lifetime", params.lifetime.as_deref(), Lifetime::ALL, Lifetime::parse, Lifetime::as_str)?
            .unwrap_or(Lifetime::Session),
        stdin: stdin.unwrap_or(Stdin::Null),
        pattern: params.pattern,
        ready: params.ready,
        watch,
        matchers,
        ..StartTask::new(command, Origin::User)
    }))
}

/// Refuses what only a command has.
fn agent_has(params: &wire::StartTaskParams) -> Read<()> {
    let given = [
        ("cwd", params.cwd.is_some()),
        ("env", !params.env.is_empty()),
        ("group", params.group.is_some()),
        ("timeoutMs", params.timeout_ms.is_some()),
        ("priority", params.priority.is_some()),
        ("retries", params.retries.is_some()),
        ("lifetime", params.lifetime.is_some()),
        ("stdin", params.stdin.is_some()),
        ("matchers", params.matchers.is_some()),
        ("pattern", params.pattern.is_some()),
        ("ready", params.ready.is_some()),
        ("watch", params.watch.is_some()),
        ("dependsOn", params.depends_on.is_some()),
        ("dependsOrder", params.depends_order.is_some()),
        ("uri", params.uri.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((field, _)) => {
            let remedy = "Leave it out: the agent works in its session's folder, as its session is set.";
            Err(bad(field, "is nothing that an agent has".into(), remedy))
        }
        None if params.command.as_deref().is_none_or(|prompt| prompt.trim().is_empty()) => {
            Err(bad("command", "is empty".into(), "Say in it what the agent is to do."))
        }
        None => Ok(()),
    }
}

/// Own formats of problems: one, or a list.
fn matchers(given: Option<Value>) -> Read<Vec<Value>> {
    let matchers = match given {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(matchers)) => matchers,
        Some(one) => vec![one],
    };
    if matchers.len() > MOST_MATCHERS {
        let message = format!("has {} entries, and may have {MOST_MATCHERS}", matchers.len());
        return Err(bad("matchers", message, "Leave out those that the command does not need."));
    }
    for (at, matcher) in matchers.iter().enumerate() {
        problem_matcher::parse(matcher)
            .map_err(|error| bad("matchers", format!("entry {at}: `{}` {}", error.field, error.what), &error.remedy))?;
    }
    Ok(matchers)
}

/// `pillion/task/report`.
pub fn report_task(params: Value, root: &Path) -> Read<Request> {
    let params: wire::ReportTaskParams = typed(params)?;
    if params.output.len() > REPORT_MAX {
        let message = format!("has {} bytes, and may have {REPORT_MAX}", params.output.len());
        return Err(bad("output", message, "Send its end."));
    }
    let time = |field, text: &str| {
        let remedy = "Give a time like \"2026-01-31T12:34:56.789Z\".";
        Timestamp::parse(text).ok_or_else(|| bad(field, format!("{text:?} is no time"), remedy))
    };
    let started_at = time("startedAt", &params.started_at)?;
    let ended_at = time("endedAt", &params.ended_at)?;
    if ended_at < started_at {
        return Err(bad("endedAt", "is before `startedAt`".into(), "Give the times of the same run."));
    }
    Ok(Request::ReportTask(Box::new(ReportedTask {
        command: params.command,
        cwd: folder("cwd", Some(params.cwd), root)?.unwrap_or_else(|| root.to_owned()),
        exit_code: params.exit_code,
        output: params.output,
        started_at,
        ended_at,
        label: params.label,
        group: word("group", params.group.as_deref(), Group::ALL, Group::parse, Group::as_str)?,
        session: params.session_id.map(SessionId),
    })))
}

/// `watch` of `pillion/task/start`: which files, and how long they must be quiet.
fn watched(watch: wire::WatchParams, on_exit: Option<OnExit>) -> Read<Option<Watch>> {
    let wire::WatchFiles { paths, ignore, debounce_ms, restart } = match watch {
        wire::WatchParams::Plain(false) => return Ok(None),
        wire::WatchParams::Plain(true) => wire::WatchFiles::default(),
        wire::WatchParams::Files(files) => files,
    };
    for (field, globs) in [("watch.paths", &paths), ("watch.ignore", &ignore)] {
        folders::globs(globs)
            .map_err(|why| bad(field, why, "Give globs relative to the workspace, for instance \"src/**/*.rs\"."))?;
    }
    let debounce_ms = debounce_ms.unwrap_or(WATCH_DEBOUNCE).clamp(10, WATCH_DEBOUNCE_MAX);
    Ok(Some(Watch { paths, ignore, debounce_ms, restart, on_exit: on_exit.unwrap_or(OnExit::None) }))
}

/// One dependency or a list of them: a name, or a start of its own.
fn dependencies(value: Option<Value>, root: &Path) -> Read<Vec<Dependency>> {
    let values = match value {
        None => Vec::new(),
        Some(Value::Array(values)) => values,
        Some(one) => vec![one],
    };
    let one = |value| match value {
        Value::String(name) => Ok(Dependency::Named(name)),
        Value::Object(_) => match start_task(value, root)? {
            // Without a command of its own it is the task of that label.
            Request::StartTask(StartTask { command, label: Some(label), .. }) if command.is_empty() => {
                Ok(Dependency::Named(label))
            }
            Request::StartTask(start) if start.kind == Some(Kind::Agent) => {
                let remedy = "Give commands; start the agent by itself.";
                Err(bad("dependsOn", "names an agent, for which nothing can wait".into(), remedy))
            }
            Request::StartTask(start) => Ok(Dependency::Command(Box::new(start))),
            _ => Err(bad("dependsOn", "is no start".into(), "Give the parameters of a start.")),
        },
        _ => {
            let remedy = "Give ids of tasks, labels of .vscode/tasks.json, or objects with a `command`.";
            Err(bad("dependsOn", "holds neither a text nor an object".into(), remedy))
        }
    };
    values.into_iter().map(one).collect()
}

/// `pillion/task/list`.
pub fn list_tasks(params: Value) -> Read<Request> {
    let wire::ListTasksParams { session_id, include_finished } = typed(params)?;
    Ok(Request::ListTasks { session: session_id.map(SessionId), include_finished: include_finished.unwrap_or(true) })
}

/// `pillion/task/output`.
pub fn output(params: Value) -> Read<Request> {
    let wire::OutputParams { task_id, run, offset, limit, tail } = typed(params)?;
    let limit = limit.unwrap_or(OUTPUT_LIMIT).clamp(1, OUTPUT_MAX);
    let range = match (offset, tail) {
        (Some(_), Some(_)) => {
            return Err(bad("tail", "does not go with `offset`".into(), "Give one of the two."));
        }
        (None, Some(lines)) => OutputRange::Tail { lines, limit },
        (offset, None) => OutputRange::From { offset: offset.unwrap_or(0), limit },
    };
    Ok(Request::ReadOutput { task: TaskId(task_id), run, range })
}

/// Methods that take a task alone.
pub fn task(params: Value, make: impl FnOnce(TaskId) -> Request) -> Read<Request> {
    let wire::TaskParams { task_id } = typed(params)?;
    Ok(make(TaskId(task_id)))
}

/// `pillion/task/rerun`.
pub fn rerun(params: Value) -> Read<Request> {
    let wire::RerunParams { task_id, only } = typed(params)?;
    let task = TaskId(task_id);
    let tests = match only {
        None => return Ok(Request::RerunTask { task: Some(task) }),
        Some(wire::RerunOnly::One(word)) if word == "failed" => {
            return Ok(Request::RerunTests { task, only: OnlyTests::Failed });
        }
        Some(wire::RerunOnly::One(test)) => vec![test],
        Some(wire::RerunOnly::Tests(tests)) => tests,
    };
    if tests.is_empty() || tests.iter().any(|test| test.trim().is_empty()) {
        return Err(bad("only", "is empty".into(), "Say `failed`, a test's id or a list of ids, or leave it out."));
    }
    Ok(Request::RerunTests { task, only: OnlyTests::These(tests) })
}

/// `pillion/task/promote`.
pub fn promote(params: Value) -> Read<Request> {
    let wire::PromoteParams { session_id, tool_call_id, parent_tool_call_id } = typed(params)?;
    let call = match (tool_call_id, parent_tool_call_id) {
        (None, Some(_)) => {
            let remedy = "Give `toolCallId` too: the call that is meant.";
            return Err(bad("toolCallId", "is missing".into(), remedy));
        }
        (None, None) if session_id.is_none() => {
            return Err(bad("sessionId", "is missing".into(), "Give `sessionId` or `toolCallId`."));
        }
        (id, parent) => id.map(|id| CallName { id: ToolCallId(id), parent: parent.map(ToolCallId) }),
    };
    Ok(Request::Promote { session: session_id.map(SessionId), call })
}

/// `pillion/task/input`.
pub fn input(params: Value) -> Read<Request> {
    let wire::InputParams { task_id, text, eof } = typed(params)?;
    Ok(Request::Input { task: Some(TaskId(task_id)), text, eof })
}

/// `workspace/executeCommand`.
pub fn command(name: &str, mut arguments: Vec<Value>, root: &Path) -> Read<Request> {
    let first = if arguments.is_empty() { Value::Null } else { arguments.remove(0) };
    let id = first.as_str().map(TaskId::from);
    let project = |group| -> Read<Request> {
        let wire::ProjectRunArguments { scope, uri } =
            if first.is_null() { wire::ProjectRunArguments::default() } else { typed(first.clone())? };
        let near = uri.as_deref().and_then(uri::to_path).filter(|_| scope.as_deref() != Some("workspace"));
        Ok(Request::RunProject(RunProject { group, near }))
    };
    let answer = |choice| Request::AnswerOldest { choice, reason: first.as_str().map(str::to_owned) };
    match name {
        "pillion.task.start" => start_task(first, root),
        "pillion.task.stop" => Ok(Request::StopTask { task: id }),
        "pillion.task.rerun" => match (id, arguments.first()) {
            (Some(task), Some(only)) if !only.is_null() => rerun(json!({"taskId": task, "only": only})),
            (task, _) => Ok(Request::RerunTask { task }),
        },
        "pillion.task.dismiss" => match id {
            Some(task) => Ok(Request::DismissTask { task }),
            None => Err(bad("arguments", "name no task".into(), "Give the task's id.")),
        },
        "pillion.service.start" => match id {
            Some(task) => Ok(Request::StartService { task }),
            None => Err(bad("arguments", "name no task".into(), "Give the id of the task that has missed it.")),
        },
        "pillion.task.list" => Ok(Request::ListTasks { session: None, include_finished: true }),
        "pillion.task.input" => {
            let (task, text) = match arguments.first().and_then(Value::as_str) {
                Some(text) => (id, text),
                None => (None, first.as_str().unwrap_or_default()),
            };
            let text = if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
            Ok(Request::Input { task, text, eof: false })
        }
        "pillion.test" => project(Group::Test),
        "pillion.build" => project(Group::Build),
        "pillion.lint" => project(Group::Lint),
        "pillion.allow" => Ok(answer(Choice::AllowOnce)),
        "pillion.always" => Ok(answer(Choice::AllowAlways(0))),
        "pillion.deny" => Ok(answer(Choice::Reject)),
        _ => Err(convert::error(
            -32602,
            format!("there is no command {name}"),
            "unknown_command",
            Some("command"),
            &format!("The commands are: {}.", COMMANDS.join(", ")),
        )),
    }
}

/// What `workspace/executeCommand` serves.
pub const COMMANDS: [&str; 16] = [
    "pillion.task.start",
    "pillion.task.stop",
    "pillion.task.rerun",
    "pillion.task.list",
    "pillion.task.output",
    "pillion.task.input",
    "pillion.task.show",
    "pillion.task.dismiss",
    "pillion.service.start",
    "pillion.fix",
    "pillion.test",
    "pillion.build",
    "pillion.lint",
    "pillion.allow",
    "pillion.always",
    "pillion.deny",
];

/// There is nothing to fix.
pub fn no_problem() -> jsonrpc::Error {
    convert::error(
        wire::code::STATE,
        "no problem is known".into(),
        "no_problem",
        None,
        "Run the build or the tests first, or name a document and a diagnostic.",
    )
}
