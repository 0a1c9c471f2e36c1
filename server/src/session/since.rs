//! "Since yesterday": what ran and what changed while a session was away, for the person who opens it again, and not for the
//! model. Made by rules from the ledger and one look at the workspace.

use crate::agent::notification::cut;
use crate::ids::{SessionId, TaskId};
use crate::task::model::{Status, Timestamp};

use super::effect::{Effect, Update};
use super::event::Timer;
use super::state::State;

/// Tasks that are named; more are counted.
const NAMED: usize = 10;
/// Milliseconds that are waited for earlier runs at most: one that still runs never says that it has not ended.
const LONGEST_HEARING: u64 = 3_000;

/// What a look at the workspace found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The commit that was checked out then, and the one that is now, where it is another one.
    pub moved: Option<(String, String)>,
    /// Files that were written since.
    pub files: usize,
    /// There may be more.
    pub is_part: bool,
}

/// A task that ended meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedTask {
    pub task: TaskId,
    pub label: String,
    pub status: Status,
    pub summary: Option<String>,
    pub ended_at: Timestamp,
}

/// What happened since a session was used last.
#[derive(Clone, Debug, PartialEq)]
pub struct Since {
    pub from: Timestamp,
    /// Newest first.
    pub tasks: Vec<EndedTask>,
    /// Those that are not named.
    pub more: usize,
    pub changes: Changes,
    /// The same in a few lines.
    pub text: String,
}

impl State {
    /// A session is opened again: after a while away the workspace is looked at.
    pub(super) fn look_since(&mut self, session: &SessionId, from: Timestamp, head: Option<String>) {
        let Some(after) = self.settings.since_after else { return };
        if self.now().since(from) >= after {
            self.effects.push(Effect::LookSince { session: session.clone(), from, head });
        }
    }

    /// The workspace was looked at. The runs of a window that is gone are heard first: they may have ended long ago.
    pub(super) fn since_looked(&mut self, session: &SessionId, from: Timestamp, changes: Changes) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        owner.since = Some((from, changes));
        if self.hears_earlier_runs() {
            let timer = Timer::Since(session.clone());
            return self.effects.push(Effect::SetTimer { timer, after_ms: LONGEST_HEARING });
        }
        self.tell_since(session);
    }

    fn hears_earlier_runs(&self) -> bool {
        self.ledger.entries.iter().any(|entry| entry.taken_over && !entry.task.status.is_final())
    }

    /// A run has ended: it may have been the last that was waited for.
    pub(super) fn heard_of_run(&mut self) {
        let waiting = self.sessions.iter().filter(|(_, owner)| owner.since.is_some());
        let waiting: Vec<SessionId> = waiting.map(|(session, _)| session.clone()).collect();
        if waiting.is_empty() || self.hears_earlier_runs() {
            return;
        }
        for session in waiting {
            self.effects.push(Effect::CancelTimer(Timer::Since(session.clone())));
            self.tell_since(&session);
        }
    }

    /// Where nothing happened nothing is said.
    pub(super) fn tell_since(&mut self, session: &SessionId) {
        let waiting = self.sessions.get_mut(session).and_then(|owner| owner.since.take());
        let Some((from, changes)) = waiting else { return };
        let ended = self.ledger.all_visible().filter(|task| task.status.is_final());
        let mut tasks: Vec<EndedTask> = ended
            .filter_map(|task| {
                let ended_at = task.ended_at.filter(|at| *at > from)?;
                let (label, summary) = (cut(&task.label, 80), task.summary.as_deref().map(|text| cut(text, 200)));
                Some(EndedTask { task: task.id.clone(), label, status: task.status, summary, ended_at })
            })
            .collect();
        if tasks.is_empty() && changes == Changes::default() {
            return;
        }
        tasks.sort_by_key(|task| std::cmp::Reverse(task.ended_at));
        let more = tasks.len().saturating_sub(NAMED);
        tasks.truncate(NAMED);
        let text = text(&tasks, more, &changes, self.now().since(from));
        self.update(session, Update::Since(Box::new(Since { from, tasks, more, changes, text })));
    }
}

fn text(tasks: &[EndedTask], more: usize, changes: &Changes, away_ms: u64) -> String {
    let hours = away_ms / 3_600_000;
    let away = match hours {
        0 => "a while".to_owned(),
        1 => "1 hour".to_owned(),
        2..=47 => format!("{hours} hours"),
        _ => format!("{} days", hours / 24),
    };
    let mut lines = vec![format!("While this was closed ({away}):")];
    lines.extend(tasks.iter().map(|task| {
        let summary = task.summary.as_ref().map(|summary| format!(": {summary}")).unwrap_or_default();
        format!("- `{}` {}{summary}", task.label, task.status.as_str().replace('_', " "))
    }));
    lines.extend((more > 0).then(|| format!("- … and {more} more tasks ended")));
    let short = |commit: &str| commit.chars().take(8).collect::<String>();
    lines.extend(changes.moved.as_ref().map(|(from, to)| format!("- git went from {} to {}", short(from), short(to))));
    lines.extend((changes.files > 0).then(|| {
        let (least, several) =
            (if changes.is_part { "at least " } else { "" }, if changes.files == 1 { "" } else { "s" });
        format!("- {least}{} file{several} changed", changes.files)
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_told_in_a_few_lines() {
        let task = EndedTask {
            task: "t1".into(),
            label: "cargo test".into(),
            status: Status::TimedOut,
            summary: Some("3 failed".into()),
            ended_at: Timestamp(1),
        };
        let moved = Some(("a".repeat(40), "b".repeat(40)));
        let changes = Changes { moved, files: 1_000, is_part: true };
        assert_eq!(
            text(&[task], 2, &changes, 50 * 3_600_000),
            "While this was closed (2 days):\n- `cargo test` timed out: 3 failed\n- … and 2 more tasks ended\n\
             - git went from aaaaaaaa to bbbbbbbb\n- at least 1000 files changed"
        );
        assert_eq!(
            text(&[], 0, &Changes { files: 1, ..Changes::default() }, 3_600_000),
            "While this was closed (1 hour):\n- 1 file changed"
        );
    }
}
