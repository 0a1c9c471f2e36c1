//! Results of tool calls that are too long for a model: the whole goes into a file, the result says where and how to go on.
//! What a session was given that way it may read without a question, that and nothing else. The files are written by
//! `perform`; a command's output has its file already.

use std::path::{Path, PathBuf};

use crate::agent::notification;
use crate::ids::{SessionId, TaskId, ToolCallId, TurnId};
use crate::task::run::OutputSlice;
use crate::tool::input::FileCall;
use crate::workspace::roots;

use super::calls::Step;
use super::effect::{Effect, ToolChange};
use super::state::State;

/// Characters of a result that are left for what is said about it.
pub(super) const NOTES: usize = 1_000;

/// Characters of a result that was to be saved when its turn was cancelled.
const CANCELLED: usize = 2_000;

/// Whose output a call reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutputOf {
    pub(super) path: PathBuf,
    /// `None` for a foreground command: it is no task that could be looked at.
    pub(super) task: Option<TaskId>,
}

impl State {
    /// Characters of a result's own text.
    pub(super) fn result_room(&self) -> usize {
        self.settings.max_result.saturating_sub(NOTES).max(NOTES)
    }

    pub(super) fn is_too_long(&self, text: &str) -> bool {
        let most = self.settings.max_result;
        text.len() > most && text.chars().count() > most
    }

    /// Where long results of a session lie, its subagents' among them.
    pub(super) fn results_of(&self, session: &SessionId) -> PathBuf {
        self.settings.results.join(self.root(session).as_str())
    }

    /// Puts a result that is too long into a file; comes back to [`State::result_saved`].
    pub(super) fn save_result(
        &mut self,
        session: &SessionId,
        id: &ToolCallId,
        text: String,
        is_error: bool,
        change: ToolChange,
    ) {
        let folder = self.results_of(session);
        let most = self.settings.max_result;
        let Some(turn) = self.sessions.get(session).and_then(|owner| owner.turn.as_ref()) else { return };
        let turn = turn.id.clone();
        let Some(state) = self.call(session, id).filter(|state| !state.is_done()) else { return };
        state.step = Step::Saving { text: text.clone(), is_error, change: Box::new(change) };
        let (session, call) = (session.clone(), id.clone());
        self.effects.push(Effect::SaveResult { session, turn, call, folder, text, most });
    }

    /// The result is in a file; `text` is what is told of it.
    pub(super) fn result_saved(&mut self, session: &SessionId, turn: &TurnId, id: &ToolCallId, text: String) {
        if self.running_turn(session, turn).is_none() {
            return;
        }
        let Some(state) = self.call(session, id) else { return };
        let Step::Saving { is_error, change, .. } = &mut state.step else { return };
        let (is_error, change) = (*is_error, std::mem::take(&mut **change));
        self.end_call(session, id, text, is_error, change);
    }

    /// A piece of output as a result has it, with what is left and how to get it.
    pub(super) fn output_for_result(
        &mut self,
        session: &SessionId,
        from: &OutputOf,
        slice: Result<OutputSlice, String>,
    ) -> String {
        let slice = match slice {
            Err(error) => return format!("(the output could not be read: {error})"),
            Ok(slice) if slice.text.trim().is_empty() && slice.eof => return "(no output)".to_owned(),
            Ok(slice) => slice,
        };
        let mut lines = Vec::new();
        if slice.offset > 0 {
            let how = match &from.task {
                Some(task) => format!("check_background {task} with an offset from 0 on shows them"),
                None => format!("read_file {} shows them, from line 1 on", from.path.display()),
            };
            lines.push(format!("(the first {} of {} bytes are left out: {how})", slice.offset, slice.total_bytes));
        }
        lines.push(slice.text.trim_end().to_owned());
        if !slice.eof {
            let (left, next) = (slice.total_bytes.saturating_sub(slice.next_offset), slice.next_offset);
            lines.push(match &from.task {
                Some(task) => format!("({left} more bytes: check_background {task} with offset {next})"),
                None => format!("({left} more bytes in {})", from.path.display()),
            });
        }
        if from.task.is_none() && (slice.offset > 0 || !slice.eof) {
            self.give_output(session, &from.path);
        }
        lines.join("\n")
    }

    /// The session may read this file without a question.
    pub(super) fn give_output(&mut self, session: &SessionId, path: &Path) {
        if let Some(owner) = self.sessions.get_mut(session) {
            owner.given_outputs.insert(path.to_owned());
        }
    }

    /// Whether a call reads exactly what this session was given: one of its saved results, or the output of a task.
    pub(super) fn has_given(&self, session: &SessionId, call: &FileCall) -> bool {
        let Some(owner) = self.sessions.get(session) else { return false };
        let path = match call {
            FileCall::Read(call) => roots::absolute(&owner.cwd, &call.path),
            FileCall::Grep(call) => roots::absolute(&owner.cwd, call.path.as_deref().unwrap_or(".")),
            FileCall::Write(_) | FileCall::Edit(_) | FileCall::Glob(_) => return false,
        };
        let saved = path.parent() == Some(&*self.results_of(session));
        // `check_background` shows the same without a question.
        let of_task = || self.ledger.all_visible().any(|task| task.output.path == path);
        saved || owner.given_outputs.contains(&path) || of_task()
    }
}

/// The beginning of a result that nobody waited for to be saved.
pub(super) fn cut_short(text: &str) -> String {
    let left = text.chars().count().saturating_sub(CANCELLED);
    format!("{}\n(The user cancelled: {left} more characters are left out.)", notification::cut(text, CANCELLED))
}
