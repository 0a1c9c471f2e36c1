//! The agent's edits as a person sees and settles them: every edit is recorded when it is done, listed on request, accepted
//! or reverted. The texts are in the store, and whether one can be taken back is worked out where the files are; here is
//! who may ask, what follows, and what the model is told.

use std::path::{Path, PathBuf};

use crate::agent::change::{Change, Chosen};
use crate::agent::history::FileDiff;
use crate::agent::notification::{cut, escape};
use crate::ids::{SessionId, TurnId};

use super::effect::{ChangeRow, Effect, HunkRow, Refusal, Reply, Write};
use super::event::{Choose, ReplyId, Reverted, StoredEdit};
use super::state::State;

/// Bytes of all diffs of one list, and of one diff.
const LIST: usize = 4 << 20;
const DIFF: usize = 256 << 10;

/// Files that the model is told of; the rest is counted.
const NAMED: usize = 20;

impl State {
    /// A tool has edited files: that can be taken back from now on.
    pub(super) fn record_edits(&mut self, session: &SessionId, turn: &TurnId, diffs: &[FileDiff]) {
        let at = self.now();
        let (session, turn) = &self.credited(session, turn);
        for diff in diffs {
            let edit = StoredEdit {
                session: session.clone(),
                turn: turn.clone(),
                path: diff.path.clone(),
                before: diff.old_text.clone(),
                after: Some(diff.new_text.clone()),
                new_folders: diff.new_folders,
                at,
            };
            self.effects.push(Effect::Store(Write::Edit(Box::new(edit))));
        }
    }

    /// `pillion/change/*`.
    pub(super) fn choose_changes(&mut self, reply: ReplyId, session: SessionId, chosen: Chosen, choose: Choose) {
        let Some(owner) = self.sessions.get_mut(&session) else {
            return self.refuse(reply, Refusal::UnknownSession(session));
        };
        let effect = match choose {
            Choose::List => Effect::ListChanges { reply, session, chosen },
            Choose::Accept => Effect::AcceptChanges { reply, session, chosen },
            Choose::Revert if owner.turn.is_some() => {
                return self.refuse(
                    reply,
                    Refusal::State {
                        kind: "turn_running",
                        message: "the agent is working in this session".into(),
                        remedy: "Wait for the end of its turn, or cancel it, then take the edits back.".into(),
                    },
                );
            }
            Choose::Revert if owner.reverting => {
                return self.refuse(
                    reply,
                    Refusal::State {
                        kind: "revert_running",
                        message: "edits of this session are being taken back".into(),
                        remedy: "Wait for the answer, then try again.".into(),
                    },
                );
            }
            Choose::Revert => {
                owner.reverting = true;
                let (cwd, seen) = (owner.cwd.clone(), owner.seen.clone());
                Effect::RevertChanges { reply, session, chosen, cwd, seen }
            }
        };
        self.effects.push(effect);
    }

    /// Edits were taken back: as after any edit, and the model hears of it with the next message.
    pub(super) fn changes_reverted(&mut self, reply: ReplyId, session: &SessionId, result: Result<Reverted, Refusal>) {
        if let Some(owner) = self.sessions.get_mut(session) {
            owner.reverting = false;
        }
        let Reverted { rows, files, failed } = match result {
            Ok(reverted) => reverted,
            Err(refusal) => return self.refuse(reply, refusal),
        };
        if let Some(owner) = self.sessions.get_mut(session) {
            let seen = std::sync::Arc::make_mut(&mut owner.seen);
            for file in &files {
                match file.seen {
                    Some(fingerprint) => seen.insert(file.real.clone(), fingerprint),
                    None => seen.remove(&file.real),
                };
                if !owner.reverted.contains(&file.path) {
                    owner.reverted.push(file.path.clone());
                }
            }
        }
        self.agent_edits();
        self.acted(session, None);
        files.iter().for_each(|file| self.file_saved(&file.path));
        match failed {
            Some(refusal) => self.refuse(reply, refusal),
            None => {
                let notes = files.into_iter().map(|file| file.note).filter(|note| !note.is_empty()).collect();
                self.reply(reply, Reply::Changes { rows, notes });
            }
        }
    }

    /// Whether the model is still to be told of reverted edits.
    pub(super) fn has_reverts(&self, session: &SessionId) -> bool {
        self.sessions.get(session).is_some_and(|owner| !owner.reverted.is_empty())
    }

    /// What the model is to be told of reverted edits, once.
    pub(super) fn tell_reverted(&mut self, session: &SessionId) -> Option<String> {
        let owner = self.sessions.get_mut(session)?;
        let paths = std::mem::take(&mut owner.reverted);
        if paths.is_empty() {
            return None;
        }
        let text = reverted(&paths, &owner.cwd);
        self.effects.push(Effect::Store(Write::RevertsTold(session.clone())));
        Some(text)
    }
}

fn reverted(paths: &[PathBuf], cwd: &Path) -> String {
    let shown = |path: &PathBuf| escape(&cut(&crate::agent::change::shown(path, cwd), 200));
    let mut names: Vec<String> = paths.iter().take(NAMED).map(shown).collect();
    names.extend((paths.len() > NAMED).then(|| format!("{} more", paths.len() - NAMED)));
    format!(
        "The user took back edits of yours, all or in part, in: {}. They are not in the files any more; do not make them again \
         unless asked.",
        names.join(", ")
    )
}

/// The rows of the chosen ones of `changes`, which are all of their files, oldest first. Takes a moment for large texts.
pub(super) fn rows(changes: &[Change], chosen: &Chosen) -> Vec<ChangeRow> {
    let mut left = LIST;
    let mut rows: Vec<ChangeRow> = Vec::new();
    for change in changes.iter().filter(|change| chosen.takes(change)) {
        let hunks = change.hunks();
        let (diff, omitted_lines) =
            if change.omitted > 0 { (String::new(), 0) } else { change.unified(DIFF.min(left)) };
        left = left.saturating_sub(diff.len());
        // The numbers of the hunks count through all changes of a turn to a file.
        let before = rows.iter().filter(|row| row.turn == change.turn && row.path == change.path);
        let first: usize = before.map(|row| row.hunks.len().max(1)).sum();
        let hunk_row = |(at, hunk): (usize, &crate::agent::change::Hunk)| HunkRow {
            index: first + at,
            old_start: hunk.old.start + usize::from(!hunk.old.is_empty()),
            old_lines: hunk.old.len(),
            new_start: hunk.new.start + usize::from(!hunk.new.is_empty()),
            new_lines: hunk.new.len(),
            state: change.hunk_standing(at),
        };
        rows.push(ChangeRow {
            path: change.path.clone(),
            turn: change.turn.clone(),
            kind: match (&change.before, &change.after) {
                (None, _) => "create",
                (_, None) => "delete",
                _ => "edit",
            },
            state: change.standing(hunks.len()),
            diff,
            omitted_lines,
            omitted_bytes: change.omitted,
            hunks: hunks.iter().enumerate().map(hunk_row).collect(),
        });
    }
    rows
}
