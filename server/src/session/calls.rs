//! The tool calls of one answer: which may start, what each came to. `order` says which of them go together. `background`
//! carries out those that speak of background tasks; `results` sees that none is too long.

mod order;

use serde_json::Value;

use crate::agent::approval::Asking;
use crate::agent::history::{AssistantPart, ToolResult};
use crate::agent::notification;
use crate::ids::{QuestionId, SessionId, TaskId, ToolCallId, TurnId};
use crate::task::model::StoppedBy;
use crate::task::run::OutputSlice;
use crate::tool::input::{self, Call, FileCall};
use crate::workspace::classify;

use super::conversation::Phase;
use super::effect::{Effect, ToolChange, ToolContent, ToolRow, ToolStatus, Update};
use super::permission::Judged;
use super::results::{OutputOf, cut_short};
use super::state::State;
use super::turn::result;

/// One call and where it stands.
#[derive(Debug)]
pub(super) struct CallState {
    pub(super) id: ToolCallId,
    pub(super) name: String,
    pub(super) input: Value,
    /// `Err` when the call could not be understood.
    pub(super) call: Result<Call, String>,
    /// It is a command that is known to do nothing but read.
    only_reads: bool,
    pub(super) step: Step,
}

/// Where a call stands.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Not begun.
    Waiting,
    /// Whether a person is asked depends on links or on the project's scripts, which are being looked at.
    Looking,
    /// A person is asked; the call does not run before the answer.
    Asking(QuestionId),
    /// A file tool runs, or output is read.
    Running,
    /// A foreground command runs as this task.
    Foreground(TaskId),
    /// The output of an ended foreground command, or of a looked-at task, is being read; this stands above it.
    Reading {
        head: String,
        foot: String,
        is_error: bool,
        from: OutputOf,
    },
    /// The result is too long and goes into a file.
    Saving {
        text: String,
        is_error: bool,
        change: Box<ToolChange>,
    },
    Done(ToolResult),
}

impl CallState {
    pub(super) fn is_done(&self) -> bool {
        matches!(self.step, Step::Done(_))
    }

    /// The result for the history: what it came to, or that it was cut off.
    pub(super) fn into_result(self) -> ToolResult {
        match self.step {
            Step::Done(result) => result,
            // What it came to is known already, and may be the only word of a task's end.
            Step::Saving { text, is_error, .. } => result(&self.id, cut_short(&text), is_error),
            Step::Reading { head, foot, is_error, .. } => {
                let body = "(The user cancelled before the output was read.)".to_owned();
                result(&self.id, paragraphs([head, body, foot]), is_error)
            }
            _ => result(&self.id, "Cancelled by the user before it ended.", true),
        }
    }
}

impl State {
    /// A call was announced while its input is still on the way.
    pub(super) fn announce_call(&mut self, session: &SessionId, call: &ToolCallId, name: &str) {
        let row = row(call, name, &Value::Object(serde_json::Map::new()), &Err(String::new()));
        self.update(session, Update::ToolCall(Box::new(row)));
    }

    /// An announced call never came to be.
    pub(super) fn discard_call(&mut self, session: &SessionId, call: &ToolCallId) {
        let change = ToolChange { status: Some(ToolStatus::Failed), ..ToolChange::default() };
        self.update(session, Update::ToolCallUpdate { call: call.clone(), change: Box::new(change) });
    }

    /// The answer's calls, all of them.
    pub(super) fn begin_calls(&mut self, session: &SessionId, turn: &TurnId, parts: Vec<AssistantPart>) {
        let mut calls = Vec::new();
        for part in parts {
            let AssistantPart::ToolCall { id, name, input, invalid } = part else { continue };
            let call = match invalid {
                Some(why) => Err(format!("This call cannot be carried out: {why}. Nothing was done. Call again.")),
                None if self.is_subagent(session) && !input::is_for_subagents(&name) => {
                    Err(format!("A subagent has no tool named {name}: do the work yourself. Nothing was done."))
                }
                None => input::parse(&name, &input),
            };
            self.update(session, Update::ToolCall(Box::new(row(&id, &name, &input, &call))));
            let only_reads = matches!(&call, Ok(Call::Bash(bash)) if self.only_reads(session, bash));
            calls.push(CallState { id, name, input, call, only_reads, step: Step::Waiting });
        }
        let Some(running) = self.running_turn(session, turn) else { return };
        running.calls = calls;
        running.phase = Phase::Working;
        running.message = None;
        self.advance(session);
    }

    /// Starts what may start; drains and asks again when every call is over.
    pub(super) fn advance(&mut self, session: &SessionId) {
        loop {
            let Some(turn) = self.sessions.get(session).and_then(|owner| owner.turn.as_ref()) else { return };
            if turn.phase != Phase::Working || turn.calls.is_empty() {
                return;
            }
            if turn.calls.iter().all(CallState::is_done) {
                return self.drain(session, Vec::new(), None);
            }
            match order::next(&turn.calls, self.settings.reads_at_once) {
                Some(at) => self.begin_call(session, at),
                None => return,
            }
        }
    }

    fn begin_call(&mut self, session: &SessionId, at: usize) {
        let Some(state) = self.call_at(session, at) else { return };
        let (id, call) = (state.id.clone(), state.call.clone());
        match call {
            Err(why) => self.finish_call(session, &id, why, true, ToolChange::default()),
            Ok(call) => match self.judge(session, &call) {
                Judged::Now(verdict) => self.decided(session, &id, call, verdict),
                Judged::AfterLooking(look) => self.look_at_project(session, &id, look),
            },
        }
    }

    fn call_at(&mut self, session: &SessionId, at: usize) -> Option<&mut CallState> {
        self.sessions.get_mut(session)?.turn.as_mut()?.calls.get_mut(at)
    }

    pub(super) fn call(&mut self, session: &SessionId, id: &ToolCallId) -> Option<&mut CallState> {
        self.sessions.get_mut(session)?.turn.as_mut()?.calls.iter_mut().find(|call| call.id == *id)
    }

    /// A background start that needs permission is a queued task at once; anything else waits for its answer.
    pub(super) fn ask_for_call(&mut self, session: &SessionId, id: &ToolCallId, call: Call, asking: Asking) {
        match call {
            Call::Bash(bash) if bash.run_in_background == Some(true) => {
                self.start_in_background(session, id, &bash, Some(asking));
            }
            call => {
                let Some(state) = self.call(session, id) else { return };
                let row = row(id, &state.name, &state.input, &Ok(call));
                let question = self.ask_person(session, Some(id.clone()), None, row, asking);
                if let Some(state) = self.call(session, id) {
                    state.step = Step::Asking(question);
                }
            }
        }
    }

    /// Carries out a call that is allowed.
    pub(super) fn run_call(&mut self, session: &SessionId, id: &ToolCallId, call: Call) {
        let Some(turn) = self.sessions.get(session).and_then(|owner| owner.turn.as_ref()) else { return };
        let turn = turn.id.clone();
        let change = ToolChange { status: Some(ToolStatus::InProgress), ..ToolChange::default() };
        self.update(session, Update::ToolCallUpdate { call: id.clone(), change: Box::new(change) });
        match call {
            Call::File(tool) => {
                if tool.edits() {
                    self.agent_edits();
                }
                let Some(owner) = self.sessions.get(session) else { return };
                let (cwd, seen, results) = (owner.cwd.clone(), owner.seen.clone(), self.results_of(session));
                self.effects.push(Effect::RunTool {
                    session: session.clone(),
                    turn,
                    call: id.clone(),
                    tool,
                    cwd,
                    seen,
                    results,
                });
                if let Some(state) = self.call(session, id) {
                    state.step = Step::Running;
                }
            }
            Call::Bash(bash) if bash.run_in_background == Some(true) => {
                self.start_in_background(session, id, &bash, None);
            }
            Call::Bash(bash) => {
                if classify::waits(&bash.command)
                    && let Some((task, text)) = self.ended_already(session)
                {
                    self.told_by_result(session, &task);
                    let change = ToolChange::of(task);
                    return self.finish_call(session, id, text, false, change);
                }
                self.start_in_foreground(session, id, &turn, &bash);
                self.acted(session, Some(&bash.command));
            }
            Call::Check(check) => self.check(session, id, &turn, &check),
            Call::Diagnostics(call) => self.diagnose(session, id, &turn, &call),
            Call::Todo(written) => self.write_plan(session, id, written),
            Call::Stop(stop) => self.stop_call(session, id, &stop),
            Call::Agent(agent) => self.start_subagent(session, id, &turn, &agent),
        }
    }

    /// A call is over: its row ends, its result waits for the drain. A result that is too long goes into a file first.
    pub(super) fn finish_call(
        &mut self,
        session: &SessionId,
        id: &ToolCallId,
        text: String,
        is_error: bool,
        change: ToolChange,
    ) {
        let text = self.without_answers(text);
        if self.is_too_long(&text) {
            return self.save_result(session, id, text, is_error, change);
        }
        self.end_call(session, id, text, is_error, change);
    }

    /// The same for a result that fits.
    pub(super) fn end_call(
        &mut self,
        session: &SessionId,
        id: &ToolCallId,
        text: String,
        is_error: bool,
        change: ToolChange,
    ) {
        let Some(state) = self.call(session, id) else { return };
        if state.is_done() {
            return;
        }
        state.step = Step::Done(result(id, text.clone(), is_error));
        let status = if is_error { ToolStatus::Failed } else { ToolStatus::Completed };
        let change = ToolChange {
            status: Some(status),
            content: change.content.or_else(|| Some(vec![ToolContent::Text(text.clone())])),
            output: Some(text),
            ..change
        };
        self.update(session, Update::ToolCallUpdate { call: id.clone(), change: Box::new(change) });
        self.advance(session);
    }

    /// A file tool came back.
    pub(super) fn tool_done(
        &mut self,
        session: &SessionId,
        turn: &TurnId,
        id: &ToolCallId,
        outcome: Result<crate::tool::Output, String>,
    ) {
        if let Ok(output) = &outcome
            && !output.diffs.is_empty()
        {
            self.edited(session, turn, output);
        }
        if self.running_turn(session, turn).is_none() {
            return;
        }
        if self.call(session, id).is_some_and(|call| call.writes()) {
            self.agent_edits();
        }
        match outcome {
            Err(why) => self.finish_call(session, id, why, true, ToolChange::default()),
            Ok(output) => {
                if let Some(owner) = self.sessions.get_mut(session) {
                    let seen = std::sync::Arc::make_mut(&mut owner.seen);
                    seen.extend(output.seen);
                }
                let content = (!output.diffs.is_empty())
                    .then(|| output.diffs.into_iter().map(ToolContent::Diff).collect::<Vec<_>>());
                let change = ToolChange { content, locations: Some(output.locations), ..ToolChange::default() };
                let text = self.with_nested(session, output.text, &output.instructions);
                self.finish_call(session, id, text, false, change);
            }
        }
    }

    /// Files were edited, also where the turn was cancelled in the meantime.
    fn edited(&mut self, session: &SessionId, turn: &TurnId, output: &crate::tool::Output) {
        self.agent_edits();
        self.acted(session, None);
        self.record_edits(session, turn, &output.diffs);
        for diff in &output.diffs {
            self.file_saved(&diff.path);
        }
    }

    /// The output for a result has been read.
    pub(super) fn output_read(
        &mut self,
        session: &SessionId,
        turn: &TurnId,
        id: &ToolCallId,
        slice: Result<OutputSlice, String>,
    ) {
        if self.running_turn(session, turn).is_none() {
            return;
        }
        let Some(state) = self.call(session, id) else { return };
        let Step::Reading { head, foot, is_error, from } = &state.step else { return };
        let (head, foot, is_error, from) = (head.clone(), foot.clone(), *is_error, from.clone());
        let body = self.output_for_result(session, &from, slice);
        self.finish_call(session, id, paragraphs([head, body, foot]), is_error, ToolChange::default());
    }

    /// Every call of a cancelled turn gets its result; the next drain puts them into the history.
    pub(super) fn cancel_calls(&mut self, session: &SessionId, by: StoppedBy) {
        let Some(turn) = self.sessions.get_mut(session).and_then(|owner| owner.turn.as_mut()) else { return };
        let calls = std::mem::take(&mut turn.calls);
        let mut left_over = Vec::new();
        for mut call in calls {
            if let Step::Foreground(task) = &call.step {
                let task = task.clone();
                if let Some(text) = self.cut_short(&task) {
                    call.step = Step::Done(result(&call.id, text, true));
                    self.show_cancelled(session, &call.id);
                } else {
                    if by == StoppedBy::User {
                        self.bar(&task);
                    }
                    self.stop_task(&task, by);
                }
            }
            if !call.is_done() {
                self.show_cancelled(session, &call.id);
            }
            left_over.push(call.into_result());
        }
        if let Some(owner) = self.sessions.get_mut(session) {
            owner.left_over.extend(left_over);
        }
    }
}

impl State {
    fn show_cancelled(&mut self, session: &SessionId, call: &ToolCallId) {
        let change = ToolChange { status: Some(ToolStatus::Failed), ..ToolChange::default() };
        self.update(session, Update::ToolCallUpdate { call: call.clone(), change: Box::new(change) });
    }
}

fn paragraphs(parts: [String; 3]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A call's row as people see it.
pub(super) fn row(id: &ToolCallId, name: &str, input: &Value, call: &Result<Call, String>) -> ToolRow {
    let (title, kind) = match call {
        Ok(Call::Bash(bash)) => (bash.command.clone(), "execute"),
        Ok(Call::Check(check)) => match &check.task_id {
            Some(task) => (format!("Look at {task}"), "other"),
            None => ("Look at the tasks".to_owned(), "other"),
        },
        Ok(Call::Stop(stop)) => (format!("Stop {}", stop.task_id), "execute"),
        Ok(Call::Agent(agent)) => (agent.description.trim().to_owned(), "think"),
        Ok(Call::Diagnostics(call)) => match &call.path {
            Some(path) => (format!("Diagnostics of {path}"), "read"),
            None => ("Diagnostics".to_owned(), "read"),
        },
        Ok(Call::Todo(_)) => ("Update the plan".to_owned(), "think"),
        Ok(Call::File(FileCall::Read(call))) => (format!("Read {}", call.path), "read"),
        Ok(Call::File(FileCall::Write(call))) => (format!("Write {}", call.path), "edit"),
        Ok(Call::File(FileCall::Edit(call))) => (format!("Edit {}", call.path), "edit"),
        Ok(Call::File(FileCall::Glob(call))) => (format!("Find {}", call.pattern), "search"),
        Ok(Call::File(FileCall::Grep(call))) => (format!("Search {}", call.pattern), "search"),
        // Announced, or not understood: the kind is known by the name.
        Err(_) => {
            let kind = match name {
                "bash" | "background_run" | "stop_background" => "execute",
                "read_file" => "read",
                "write_file" | "edit_file" => "edit",
                "glob" | "grep" => "search",
                "agent" | "todo_write" => "think",
                "diagnostics" => "read",
                _ => "other",
            };
            (name.to_owned(), kind)
        }
    };
    ToolRow {
        call: id.clone(),
        title: notification::cut(title.lines().next().unwrap_or(name), 120),
        name: name.to_owned(),
        kind,
        status: ToolStatus::Pending,
        input: input.clone(),
        content: Vec::new(),
        locations: Vec::new(),
    }
}
