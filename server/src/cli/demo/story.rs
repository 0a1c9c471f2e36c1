//! The story as the sidecar's notifications tell it: what happened when, which tasks ran, how long the agent was held up,
//! and whether it all came true. Pure: notifications in, lines out.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::task::model::Status;

/// Milliseconds since the person's message was sent.
pub(super) type Millis = u64;

/// One thing worth a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    Said(String),
    /// The agent's turn began by itself.
    Woke,
    TaskStarted {
        command: String,
        task: String,
        run: u32,
    },
    TaskEnded {
        command: String,
        status: Status,
        exit_code: Option<i64>,
        took: Millis,
        summary: Option<String>,
    },
    ToolDone {
        title: String,
        ok: bool,
    },
    /// A failure is shown in the editor; `running` is the command that still runs meanwhile.
    Shown {
        place: String,
        message: String,
        running: Option<String>,
    },
    /// The failures of a file are gone.
    Cleared {
        file: String,
    },
    /// The agent was told of the end of tasks.
    Told {
        text: String,
    },
    TurnFailed(String),
}

/// One run of a task.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub command: String,
    pub from: Millis,
    pub to: Option<Millis>,
    /// As the sidecar measured it.
    pub took: Millis,
    pub status: Status,
    /// In how many notifications its end was told.
    pub told: u32,
    /// Its end is with the agent, by a notification or by a tool's result.
    pub delivered: bool,
}

impl Run {
    /// A run that is not over, or whose end nobody has told yet. A stop by the agent needs no telling.
    fn is_open(&self) -> bool {
        !self.status.is_final() || self.told == 0 && !self.delivered && self.status != Status::Killed
    }
}

#[derive(Clone, Debug, Default)]
struct Call {
    title: String,
    command: bool,
    task: Option<String>,
    /// When it was first heard of.
    seen: Option<Millis>,
    /// When it began to run.
    from: Option<Millis>,
    to: Option<Millis>,
}

/// Everything so far.
#[derive(Debug, Default)]
pub(super) struct Story {
    root: String,
    pub events: Vec<(Millis, Event)>,
    pub runs: BTreeMap<(String, u32), Run>,
    calls: BTreeMap<String, Call>,
    /// When turns ran.
    pub turns: Vec<(Millis, Option<Millis>)>,
    message: Option<(String, String)>,
    shown: BTreeMap<String, Vec<String>>,
    pub now: Millis,
    pub failed: Option<String>,
}

impl Story {
    /// A story in the project at `root`.
    pub(super) fn new(root: &str) -> Self {
        Self { root: root.trim_end_matches('/').to_owned(), ..Self::default() }
    }

    /// Takes in one notification.
    pub(super) fn apply(&mut self, now: Millis, method: &str, params: &Value) {
        self.now = self.now.max(now);
        match method {
            "pillion/session/update" => self.update(&params["update"]),
            "pillion/task/status" => self.task(&params["task"]),
            "textDocument/publishDiagnostics" => self.diagnostics(params),
            _ => {}
        }
    }

    fn tell(&mut self, event: Event) {
        self.events.push((self.now, event));
    }

    fn update(&mut self, update: &Value) {
        let kind = update["sessionUpdate"].as_str().unwrap_or_default();
        let text = |name: &str| update[name].as_str().unwrap_or_default().to_owned();
        if kind == "agent_message_chunk" {
            let id = text("messageId");
            if self.message.as_ref().is_some_and(|(known, _)| *known != id) {
                self.end_message();
            }
            let piece = update["content"]["text"].as_str().unwrap_or_default();
            self.message.get_or_insert((id, String::new())).1.push_str(piece);
            return;
        }
        if kind == "message_discarded" {
            self.message = None;
        } else if matches!(kind, "tool_call" | "turn_started" | "turn_ended" | "task_notification") {
            self.end_message();
        }
        match kind {
            "turn_started" => {
                self.turns.push((self.now, None));
                if update["reason"] == "task_notification" {
                    self.tell(Event::Woke);
                }
            }
            "turn_ended" => {
                let now = self.now;
                if let Some((_, end @ None)) = self.turns.last_mut() {
                    *end = Some(now);
                }
                if matches!(
                    update["stopReason"].as_str(),
                    Some("error" | "refusal" | "interrupted" | "max_turn_requests")
                ) {
                    let error = update["error"]["message"].as_str().or(update["error"].as_str()).map(str::to_owned);
                    let error = error.unwrap_or_else(|| format!("the turn ended with {}", update["stopReason"]));
                    self.failed = Some(error.clone());
                    self.tell(Event::TurnFailed(error));
                }
            }
            "tool_call" | "tool_call_update" => self.tool_call(update),
            "task_notification" => {
                for id in update["taskIds"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    let ended = self.runs.iter_mut().rfind(|((task, _), run)| task == id && run.status.is_final());
                    if let Some((_, run)) = ended {
                        run.told += 1;
                    }
                }
                self.tell(Event::Told { text: text("text") });
            }
            _ => {}
        }
    }

    fn end_message(&mut self) {
        if let Some((_, text)) = self.message.take().filter(|(_, text)| !text.trim().is_empty()) {
            self.tell(Event::Said(text.trim().to_owned()));
        }
    }

    fn tool_call(&mut self, update: &Value) {
        let now = self.now;
        let id = update["toolCallId"].as_str().unwrap_or_default().to_owned();
        let call = self.calls.entry(id).or_default();
        if let Some(title) = update["title"].as_str() {
            call.title = title.to_owned();
        }
        if let Some(task) = update["taskId"].as_str() {
            call.task = Some(task.to_owned());
        }
        call.command |= matches!(update["name"].as_str(), Some("bash" | "background_run"));
        call.seen = call.seen.or(Some(now));
        match update["status"].as_str() {
            Some("in_progress") => call.from = call.from.or(Some(now)),
            Some(status @ ("completed" | "failed")) if call.to.is_none() => {
                // A call whose start was not told counts from when it was known.
                call.from = call.from.or(call.seen);
                call.to = Some(now);
                // A background start shows as its task.
                let (title, ok, command) = (call.title.clone(), status == "completed", call.command);
                if !(command && ok) {
                    self.tell(Event::ToolDone { title, ok });
                }
            }
            _ => {}
        }
    }

    fn task(&mut self, task: &Value) {
        let text = |name: &str| task[name].as_str().unwrap_or_default().to_owned();
        let Some(status) = Status::parse(&text("status")) else { return };
        let number = task["run"].as_u64().and_then(|run| u32::try_from(run).ok()).unwrap_or(1);
        let (id, command, now) = (text("id"), text("command"), self.now);
        let run = self.runs.entry((id.clone(), number)).or_insert_with(|| Run {
            command: command.clone(),
            from: now,
            to: None,
            took: 0,
            status: Status::Queued,
            told: 0,
            delivered: false,
        });
        run.delivered |= matches!(task["delivery"].as_str(), Some("carried" | "delivered"));
        if run.status.is_final() {
            return;
        }
        let before = std::mem::replace(&mut run.status, status);
        run.took = task["elapsedMs"].as_u64().unwrap_or_default();
        let took = run.took;
        let starts = before == Status::Queued && status != Status::Queued;
        if starts {
            run.from = now;
        }
        if status.is_final() {
            run.to = Some(now);
        }
        if starts {
            self.tell(Event::TaskStarted { command: command.clone(), task: id, run: number });
        }
        if status.is_final() {
            let summary = task["summary"].as_str().map(str::to_owned);
            self.tell(Event::TaskEnded { command, status, exit_code: task["exitCode"].as_i64(), took, summary });
        }
    }

    fn diagnostics(&mut self, params: &Value) {
        let uri = params["uri"].as_str().unwrap_or_default();
        let path = uri.strip_prefix("file://").unwrap_or(uri);
        let file = path.strip_prefix(&format!("{}/", self.root)).unwrap_or(path).to_owned();
        let mut places = Vec::new();
        let errors = |diagnostic: &&Value| diagnostic["severity"].as_u64().is_none_or(|severity| severity == 1);
        for diagnostic in params["diagnostics"].as_array().into_iter().flatten().filter(errors) {
            let start = &diagnostic["range"]["start"];
            let number = |name: &str| start[name].as_u64().unwrap_or_default() + 1;
            let place = format!("{file}:{}:{}", number("line"), number("character"));
            let message = diagnostic["message"].as_str().unwrap_or_default().lines().collect::<Vec<_>>().join("  ");
            places.push(format!("{place} {message}"));
            if self.shown.get(&file).is_none_or(|known| !known.contains(&format!("{place} {message}"))) {
                let running = self.runs.values().find(|run| !run.status.is_final()).map(|run| run.command.clone());
                self.tell(Event::Shown { place, message, running });
            }
        }
        let before = self.shown.insert(file.clone(), places.clone());
        if places.is_empty() && before.is_some_and(|before| !before.is_empty()) {
            self.tell(Event::Cleared { file });
        }
    }

    /// True when nothing runs and nothing is to be told: no turn, no task, no untold end.
    pub(super) fn is_over(&self) -> bool {
        self.is_idle() && !self.runs.is_empty() && !self.runs.values().any(Run::is_open)
    }

    /// True when no turn and no task runs. A task that a tool call has named is on its way.
    pub(super) fn is_idle(&self) -> bool {
        let known = |id: &String| self.runs.keys().any(|(task, _)| task == id);
        self.turns.last().is_some_and(|(_, end)| end.is_some())
            && self.runs.values().all(|run| run.status.is_final())
            && self.calls.values().filter_map(|call| call.task.as_ref()).all(known)
    }

    /// The time that the turn loop spent waiting inside tool calls: overlapping calls count once.
    pub(super) fn held_up(&self) -> Millis {
        let mut waits: Vec<(Millis, Millis)> =
            self.calls.values().filter_map(|call| Some((call.from?, call.to.unwrap_or(self.now)))).collect();
        waits.sort_unstable();
        let mut total = 0;
        let mut until = 0;
        for (from, to) in waits {
            total += to.saturating_sub(from.max(until));
            until = until.max(to);
        }
        total
    }

    /// The time that the commands took in all: what an agent that waits for each of them would have been held up.
    pub(super) fn ran(&self) -> Millis {
        self.runs.values().map(|run| run.took).sum()
    }

    /// What the demo promises, and whether it came true.
    pub(super) fn promises(&self) -> Vec<(&'static str, bool)> {
        let first = self.runs.values().min_by_key(|run| run.from);
        let last = self.runs.values().max_by_key(|run| run.from);
        let before_end = |run: &Run, when: Millis| run.to.is_none_or(|end| when < end);
        let during = |when: Millis| first.is_some_and(|run| run.from <= when && before_end(run, when));
        let worked = self.calls.values().any(|call| !call.command && call.to.is_some_and(during));
        let at_once = |((id, _), run): (&(String, u32), &Run)| {
            let of_run = self.calls.values().find(|call| call.task.as_ref() == Some(id));
            of_run.and_then(|call| call.to).is_some_and(|told| before_end(run, told))
        };
        let at_once = !self.runs.is_empty() && self.runs.iter().all(at_once);
        let told_once = |run: &Run| run.told <= 1 && !run.is_open();
        let shown = self.events.iter().any(|(when, event)| matches!(event, Event::Shown { .. }) && during(*when));
        vec![
            ("the tests ran in the background: the agent had their task's id before they ended", at_once),
            ("the agent worked meanwhile", worked),
            ("the failure was shown in the editor while the tests still ran", shown),
            ("the agent was told of each end, once", !self.runs.is_empty() && self.runs.values().all(told_once)),
            ("the first run failed", first.is_some_and(|run| run.status == Status::Failed)),
            ("the last run passed", self.runs.len() > 1 && last.is_some_and(|run| run.status == Status::Succeeded)),
        ]
    }
}
