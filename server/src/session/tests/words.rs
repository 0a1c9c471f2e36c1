//! Effects in words, a line each. What no test looks at is left out: usage, titles, rows of sessions.

use crate::agent::history::{AssistantPart, Item, UserItem};
use crate::agent::{notification, prompt};
use crate::session::effect::{Effect, Outgoing, Reply, ToolStatus, Update, Write};
use crate::session::event::Timer;
use crate::session::state::State;
use crate::task::model::Task;
use crate::task::run::RunControl;

fn cut(text: &str) -> String {
    notification::cut(&text.replace('\n', "⏎"), 110)
}

fn list(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(", ")
}

/// One effect; `None` for what is left out.
pub(super) fn effect(state: &State, effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Reply { result: Ok(done), .. } => format!("reply {}", reply(done)?),
        Effect::Reply { result: Err(refusal), .. } => format!("refused {}", cut(&format!("{refusal:?}"))),
        Effect::Send(outgoing) => sent(state, outgoing)?,
        Effect::Store(write) => stored(write)?,
        Effect::AskModel { request, .. } => format!("ask the model, {} items", request.history.len()),
        Effect::Abort(turn) => format!("abort {turn}"),
        Effect::RunTool { call, .. } => format!("run tool {call}"),
        Effect::ReadForTool { call, range, .. } => format!("read output for {call}, {range:?}"),
        Effect::ListChanges { .. } => "list the changes".into(),
        Effect::AcceptChanges { .. } => "accept changes".into(),
        Effect::RevertChanges { .. } => "revert changes".into(),
        Effect::ReadPast { .. } | Effect::FingerprintAfter { .. } => return None,
        Effect::FindService(missed) => format!("look for who offers port {}", missed.port),
        Effect::AskDiagnostics { path, .. } => format!("ask the editor for its diagnostics of {path:?}"),
        Effect::SaveResult { call, text, .. } => format!("save the result of {call}, {} bytes", text.len()),
        Effect::DescribeModel { .. }
        | Effect::ReadInstructions { .. }
        | Effect::NoteHead(_)
        | Effect::ReadProject { .. } => return None,
        Effect::AskAside { request, .. } => format!("ask beside, at most {} tokens", request.max_tokens),
        Effect::AbortAside(_) => "abort what was asked beside".into(),
        Effect::ReadMentions { wanted, .. } => format!("read {wanted:?}"),
        Effect::StartRun(spec) => {
            let timeout = spec.timeout.map(|after| format!(", timeout {after:?}")).unwrap_or_default();
            format!("start {}.{} `{}`{timeout}", spec.id.task, spec.id.run, spec.command)
        }
        Effect::ResumeRun { spec, ended } => {
            let what = if *ended { "what is left of" } else { "run" };
            format!("take over {what} {}.{}", spec.id.task, spec.id.run)
        }
        Effect::Control(_, RunControl::OnClose(_)) => return None,
        Effect::Control(run, RunControl::Stop) => format!("stop {}.{}", run.task, run.run),
        Effect::Control(run, RunControl::StopNow) => format!("stop {}.{} now", run.task, run.run),
        Effect::Control(run, control) => format!("{}.{} {control:?}", run.task, run.run),
        Effect::HandOver { session, tasks, runs, to, .. } => {
            let runs = list(runs.iter().map(|run| format!("{}.{}", run.task, run.run)));
            format!(
                "give {session} to {}: tasks [{}], runs [{runs}]",
                to.owner,
                list(tasks.iter().map(ToString::to_string))
            )
        }
        Effect::ReadScript { command, .. } => format!("read the script of {command:?}"),
        Effect::ReadDefined { .. } => "read .vscode/tasks.json".into(),
        Effect::CheckUnchanged { since, fingerprint, .. } => {
            format!("look whether it is {fingerprint} since {}", since.0 % 1_000_000)
        }
        Effect::Transcribe { .. } => return None,
        Effect::SetTimer { timer, after_ms } => format!("in {after_ms} ms {}", self::timer(timer)),
        // Every run asks for one.
        Effect::Fingerprint { .. } => return None,
        Effect::CancelTimer(timer) => format!("no {}", self::timer(timer)),
        other => format!("{other:?}"),
    })
}

fn timer(timer: &Timer) -> String {
    match timer {
        Timer::Wake(session) => format!("wake {session}"),
        Timer::Since(session) => format!("say what happened in {session}"),
        Timer::Promote(task, run) => format!("promote {task}.{run}"),
        Timer::Settle(task, run) => format!("settle {task}.{run}"),
        Timer::CheckIn(task, run) => format!("check in on {task}.{run}"),
        Timer::Again(task) => format!("run {task} again"),
        Timer::Claim(task) => format!("claim again for {task}"),
    }
}

fn reply(reply: &Reply) -> Option<String> {
    Some(match reply {
        Reply::Prompted { turn, prompt, queued } => {
            format!("{prompt} {} {turn}", if *queued { "queued in" } else { "in" })
        }
        Reply::Task(task) => row(task),
        Reply::Folded(task) => format!("folded {}", row(task)),
        Reply::Done => return None,
        other => cut(&format!("{other:?}")),
    })
}

fn row(task: &Task) -> String {
    let mut text = format!("{}.{} {}", task.id, task.run, task.status.as_str());
    if task.attempt > 1 {
        text += &format!(" attempt {}", task.attempt);
    }
    if task.stopping {
        text += " stopping";
    }
    if let Some(by) = task.stopped_by {
        text += &format!(" by {}", by.as_str());
    }
    if let Some(waiting) = &task.waiting_for {
        text += &format!(" for {}", waiting.kind.as_str());
        text += &waiting.holder.as_ref().map(|holder| format!(" of {holder}")).unwrap_or_default();
    }
    format!("{text}, delivery {}", task.delivery.as_str())
}

fn sent(state: &State, outgoing: &Outgoing) -> Option<String> {
    Some(match outgoing {
        Outgoing::Update { update, replay, parent, .. } => {
            let text = self::update(update)?;
            let by = parent.as_ref().map(|call| format!("{call}> ")).unwrap_or_default();
            if *replay { format!("replay: {text}") } else { format!("{by}{text}") }
        }
        Outgoing::Task { task, .. } => format!("row {}", state.task(task).map_or_else(|| format!("{task} gone"), row)),
        Outgoing::Snapshot => "snapshot".into(),
        Outgoing::Tests { task, run, tests, .. } => {
            let tests = tests.iter().map(|(test, _)| format!(" {} {:?}", test.id, test.status));
            format!("tests of {task} {run}:{}", tests.collect::<String>())
        }
        Outgoing::Ask(question) => {
            let always: String = question.always.iter().map(|rules| format!(", always: {rules}")).collect();
            let why = question.reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
            format!("ask the person {}: {}{why}{always}", question.id, question.row.title)
        }
        Outgoing::Withdraw(question) => format!("withdraw {question}"),
        Outgoing::Say { text, .. } => format!("say {text:?}"),
        Outgoing::Grew { task, .. } => format!("{task} grew"),
        Outgoing::Problems(problems) => format!("{} problems in {}", problems.problems.len(), problems.path.display()),
    })
}

fn update(update: &Update) -> Option<String> {
    Some(match update {
        Update::UserMessage { content, .. } => format!("user: {}", prompt::words(std::slice::from_ref(content))),
        Update::AgentMessage { text, .. } => format!("agent: {text}"),
        Update::AgentThought { text, .. } => format!("thought: {text}"),
        Update::MessageDiscarded { message } => format!("discard {message}"),
        Update::ToolCall(row) => format!("call {} {}: {}", row.call, row.name, row.title),
        Update::ToolCallUpdate { call, change } => {
            let status = match change.status? {
                ToolStatus::Pending | ToolStatus::InProgress => return None,
                ToolStatus::Completed => "completed",
                ToolStatus::Failed => "failed",
            };
            let text = change.output.as_deref().map(|text| format!(": {}", cut(text))).unwrap_or_default();
            let task = change.task.as_ref().map(|task| format!(" ({task})")).unwrap_or_default();
            format!("call {call} {status}{task}{text}")
        }
        Update::Plan(plan) => {
            format!("plan [{}]", list(plan.iter().map(|todo| format!("{} {}", todo.status.as_str(), todo.content))))
        }
        Update::Queue(prompts) => {
            format!("queue [{}]", list(prompts.iter().map(|(_, content)| prompt::words(content))))
        }
        Update::TaskNotification { tasks, .. } => format!("told of {}", list(tasks.iter().map(ToString::to_string))),
        Update::TurnStarted { reason } => format!("turn started: {reason:?}"),
        Update::TurnEnded { stop, error, unsent, .. } => {
            let error = error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
            let unsent = if unsent.is_empty() {
                String::new()
            } else {
                format!(", unsent [{}]", list(unsent.iter().map(|(_, content)| prompt::words(content))))
            };
            format!("turn ended: {stop:?}{error}{unsent}")
        }
        Update::Info { wakes_paused, mode, .. } => match (wakes_paused, mode) {
            (Some(paused), _) => format!("wakes paused: {paused}"),
            (None, Some(mode)) => format!("mode {mode}"),
            (None, None) => return None,
        },
        Update::Retrying { reason, .. } => format!("retrying: {reason}"),
        Update::Compaction { status, message, .. } => {
            let message = message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
            format!("compaction {status:?}{message}")
        }
        Update::ReplayStarted { .. } => "started".into(),
        Update::ReplayEnded { .. } => "ended".into(),
        Update::Since(since) => format!("since: {}", since.text.replace('\n', "⏎")),
        Update::SwitchSession { session } => format!("go on in {session}"),
        Update::SessionClosed { reason } => format!("session closed: {reason}"),
        // Every batch has one.
        Update::Label { .. } => return None,
        Update::Usage { .. } => return None,
    })
}

fn stored(write: &Write) -> Option<String> {
    Some(match write {
        Write::Append { first, items, carried, .. } => {
            let items = list(items.iter().map(|item| self::item(item)));
            let carried = if carried.is_empty() {
                String::new()
            } else {
                format!(
                    ", carries {}",
                    list(carried.iter().map(|key| format!("{}.{} {}", key.task, key.run, key.about)))
                )
            };
            format!("append {first}: {items}{carried}")
        }
        Write::Report(stored) => {
            let report = &stored.report;
            let wakes = if stored.wakes { ", wakes" } else { "" };
            let whose = stored.session.as_ref().map_or("nobody".into(), ToString::to_string);
            format!(
                "report {}.{} {} {} to {whose}{wakes}",
                report.key.task, report.key.run, report.key.about, report.status
            )
        }
        Write::Withdraw(keys) => {
            format!("withdraw {}", list(keys.iter().map(|key| format!("{}.{} {}", key.task, key.run, key.about))))
        }
        Write::Delivered { keys, .. } => format!("delivered {}", list(keys.iter().map(|key| key.task.to_string()))),
        Write::Assign { keys, session } => {
            format!("assign {} to {session}", list(keys.iter().map(|key| key.task.to_string())))
        }
        Write::Edit(edit) => format!("edit of {} in {}", edit.path.display(), edit.turn),
        Write::RevertsTold(session) => format!("{session} is told what was reverted"),
        Write::Task(task) => format!("save {}", row(task)),
        Write::Claim { run, classes } => format!("claim {} for {}.{}", list(classes.clone()), run.task, run.run),
        Write::Release(run) => format!("release {}.{}", run.task, run.run),
        Write::Session(_) | Write::Turn { .. } | Write::System { .. } | Write::Results { .. } | Write::Plan { .. } => {
            return None;
        }
        other => format!("{other:?}"),
    })
}

/// One item of a history.
pub(super) fn item(item: &Item) -> String {
    match item {
        Item::Compaction(done) => {
            let summary = if done.summary.is_some() { " with a summary" } else { "" };
            format!("compaction{{from {}{summary}, {} left out}}", done.kept_from, done.left_out.len())
        }
        Item::User(item) => format!("user{{{}}}", user(item)),
        Item::Assistant(item) => {
            let parts = item.parts.iter().map(|part| match part {
                AssistantPart::Text { text } => format!("{text:?}"),
                AssistantPart::ToolCall { id, name, .. } => format!("{id} {name}"),
                other => format!("{other:?}"),
            });
            format!("assistant{{{}}}", list(parts))
        }
    }
}

fn user(item: &UserItem) -> String {
    let mut parts: Vec<String> = item
        .results
        .iter()
        .map(|result| {
            format!("{}{} = {:?}", result.call, if result.is_error { " error" } else { "" }, cut(&result.text))
        })
        .collect();
    if let Some(block) = &item.notification {
        let value = |line: &str, tag: &str| {
            Some(line.strip_prefix(&format!("<{tag}>"))?.strip_suffix(&format!("</{tag}>"))?.to_owned())
        };
        let words = block.lines().filter_map(|line| {
            value(line, "task_id")
                .or_else(|| value(line, "status"))
                .or_else(|| value(line, "note").map(|note| cut(&note)))
        });
        parts.push(format!("<{}>", words.collect::<Vec<_>>().join(" ")));
    }
    parts.extend(item.context.clone());
    parts.extend(item.prompts.iter().map(|prompt| format!("{:?}", prompt::words(&prompt.content))));
    parts.extend(item.nudge.as_ref().map(|_| "nudge".to_owned()));
    list(parts)
}
