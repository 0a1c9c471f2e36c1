//! Notifications of tasks on their way into a history: kept until a drain carries them, told once, and waking an idle
//! session whose person has spoken.

use crate::agent::notification::{self, Key, Limits, Report};
use crate::ids::{SessionId, TaskId, TurnId};
use crate::task::model::{Delivery, OnExit, Status, Timestamp};

use super::effect::{Effect, TurnReason, Write};
use super::event::{StoredReport, Timer};
use super::ledger::Entry;
use super::state::State;

/// What a report of an end is about.
pub(super) const END: &str = "end";
/// What a report of a task that takes long is about.
pub(super) const CHECK_IN: &str = "check_in";

/// The reports that no history has yet.
#[derive(Debug, Default)]
pub(super) struct Reports {
    pending: Vec<StoredReport>,
    /// Reports that a tool result has told, until the drain that carries the result.
    told: Vec<(SessionId, StoredReport)>,
    /// What is in the history of a subagent whose model has not answered it. The store has it as pending for the parent,
    /// which gets it when the subagent does not come to it.
    lent: Vec<StoredReport>,
}

impl Reports {
    /// Takes the pending reports of a session, as one block of text. What does not fit, after many hundred, stays for the
    /// next one.
    pub(super) fn drain(&mut self, session: &SessionId, limits: Limits) -> (Vec<StoredReport>, Option<String>) {
        let mine = |pending: &StoredReport| pending.session.as_ref() == Some(session);
        let reports: Vec<Report> =
            self.pending.iter().filter(|pending| mine(pending)).map(|pending| pending.report.clone()).collect();
        let (text, told) = notification::block(&reports, limits);
        let mut left = told;
        let drained = self.pending.extract_if(.., |pending| {
            let take = mine(pending) && left > 0;
            left -= usize::from(take);
            take
        });
        (drained.collect(), (told > 0).then_some(text))
    }

    /// These went into the history of a subagent.
    pub(super) fn lend<'a>(&mut self, reports: impl Iterator<Item = &'a StoredReport>) {
        self.lent.extend(reports.cloned());
    }

    /// A subagent has ended: what it was not told, or has not answered, is for its parent.
    pub(super) fn pass_on(&mut self, child: &SessionId, parent: &SessionId) -> Vec<Key> {
        let own = |session: &Option<SessionId>| session.as_ref() == Some(child);
        let mut back: Vec<StoredReport> = self.lent.extract_if(.., |stored| own(&stored.session)).collect();
        back.extend(self.told.extract_if(.., |(session, _)| session == child).map(|(_, stored)| stored));
        let keys = back.iter().map(|stored| stored.report.key.clone()).collect();
        self.pending.extend(back);
        self.pending.iter_mut().filter(|stored| own(&stored.session)).for_each(|stored| {
            stored.session = Some(parent.clone());
        });
        keys
    }

    /// Drops what is kept for a session that is about to be read.
    pub(super) fn forget(&mut self, session: &SessionId) {
        self.pending.retain(|pending| pending.session.as_ref() != Some(session));
        self.told.retain(|(owner, _)| owner != session);
    }

    /// Takes the reports that this drain's tool results tell.
    pub(super) fn told_by_results(&mut self, session: &SessionId) -> Vec<StoredReport> {
        self.told.extract_if(.., |(owner, _)| owner == session).map(|(_, stored)| stored).collect()
    }

    /// A batch of lines of this task waits to be told.
    pub(super) fn has_lines(&self, task: &TaskId) -> bool {
        let lines = |key: &Key| key.task == *task && key.is_lines();
        self.pending.iter().any(|pending| lines(&pending.report.key))
    }

    /// The ends that are still to be told to a session, in the order in which they came.
    pub(super) fn pending_ends(&self, session: &SessionId) -> impl Iterator<Item = &Report> {
        let mine = self.pending.iter().filter(move |pending| pending.session.as_ref() == Some(session));
        mine.map(|pending| &pending.report).filter(|report| report.key.about == END)
    }

    /// What is still to be told to one session is told to another. False where there is nothing.
    pub(super) fn give(&mut self, from: &SessionId, to: &SessionId) -> bool {
        let mine = self.pending.iter_mut().filter(|pending| pending.session.as_ref() == Some(from));
        mine.map(|pending| pending.session = Some(to.clone())).count() > 0
    }

    pub(super) fn is_pending(&self, key: &Key) -> bool {
        self.pending.iter().any(|pending| pending.report.key == *key)
    }

    pub(super) fn wakes(&self, session: &SessionId) -> bool {
        self.pending.iter().any(|pending| pending.wakes && pending.session.as_ref() == Some(session))
    }
}

impl Entry {
    /// A report about the newest run that says nothing yet but which run it is, and where it stands.
    pub(super) fn report(&self, about: impl Into<String>, now: Timestamp) -> Report {
        let task = &self.task;
        let about = about.into();
        // What is told when the end is known and right before it, such as the last lines, is no end: there is one alone.
        let status = if about != END && task.status.is_final() { Status::Running } else { task.status };
        Report {
            key: Key { task: task.id.clone(), run: task.run, about },
            status: status.as_str().into(),
            command: task.ran().to_owned(),
            exit_code: None,
            duration_ms: task.started_at.map(|_| task.elapsed_ms(now)),
            summary: None,
            own_summary: None,
            failures: Vec::new(),
            names: Vec::new(),
            more_failures: 0,
            matched: Vec::new(),
            more_matched: 0,
            report: None,
            tail: String::new(),
            lines: task.output.lines,
            output_file: task.output.path.display().to_string(),
            notes: Vec::new(),
        }
    }
}

impl State {
    /// What was undelivered when the sidecar went away.
    pub(super) fn restore_reports(&mut self, reports: Vec<StoredReport>) {
        for stored in reports {
            self.ledger.set_delivery(&stored.report.key, Delivery::Pending, None);
            self.reports.pending.push(stored);
        }
    }

    /// Takes back what nobody was told yet.
    pub(super) fn withdraw_reports(&mut self, over: impl Fn(&StoredReport) -> bool) {
        let mut keys = Vec::new();
        self.reports.pending.retain(|pending| {
            let is_over = over(pending);
            if is_over {
                keys.push(pending.report.key.clone());
            }
            !is_over
        });
        if !keys.is_empty() {
            self.set_delivery(&keys, Delivery::None, None);
            self.effects.push(Effect::Store(Write::Withdraw(keys)));
        }
    }

    /// Something to tell the task's session. What people answered to commands stays with these.
    pub(super) fn report(&mut self, report: Report, session: Option<SessionId>, on_exit: OnExit) {
        let report = Report {
            summary: report.summary.map(|summary| self.without_answers(summary)),
            own_summary: report.own_summary.map(|summary| self.without_answers(summary)),
            failures: report.failures.into_iter().map(|failure| self.without_answers(failure)).collect(),
            names: report.names.into_iter().map(|name| self.without_answers(name)).collect(),
            tail: self.without_answers(report.tail),
            notes: report.notes.into_iter().map(|note| self.without_answers(note)).collect(),
            ..report
        };
        if on_exit == OnExit::None || self.reports.is_pending(&report.key) {
            return;
        }
        self.replace_check_in(&report.key);
        self.ledger.set_delivery(&report.key, Delivery::Pending, None);
        // While the subagent that started it works, it is told; the store knows of its parent alone.
        let child = self.ledger.get(&report.key.task).and_then(|entry| entry.subagent.clone());
        let hearer = child.or_else(|| session.clone());
        let stored = StoredReport { report, at: self.now(), session, wakes: on_exit == OnExit::Wake };
        self.effects.push(Effect::Store(Write::Report(Box::new(stored.clone()))));
        self.reports.pending.push(StoredReport { session: hearer.clone(), ..stored });
        if let Some(hearer) = hearer {
            self.wake_soon(&hearer);
        }
    }

    /// Who hears of the end need not hear that it was still running.
    fn replace_check_in(&mut self, end: &Key) {
        let older = Key { about: CHECK_IN.into(), ..end.clone() };
        let before = self.reports.pending.len();
        self.reports.pending.retain(|pending| end.about != END || pending.report.key != older);
        if self.reports.pending.len() < before {
            self.effects.push(Effect::Store(Write::Withdraw(vec![older])));
        }
    }

    /// A tool result tells how a task's newest run ended: that is the delivery.
    pub(super) fn told_by_result(&mut self, session: &SessionId, task: &TaskId) {
        let Some(entry) = self.ledger.get(task) else { return };
        let run = entry.task.run;
        if !entry.task.status.is_final() {
            // Nothing is delivered but what it waits for, if it does.
            return self.withdraw_input_wait(task, run, Some(session));
        }
        // What nobody owns is for a person's session.
        let takes_unowned = !self.is_subagent(session);
        let told = self.reports.pending.extract_if(.., |pending| {
            let key = &pending.report.key;
            let mine = pending.session.as_ref().map_or(takes_unowned, |owner| owner == session);
            mine && key.task == *task && key.run == run && !key.is_lines()
        });
        self.reports
            .told
            .extend(told.map(|stored| (session.clone(), StoredReport { session: Some(session.clone()), ..stored })));
    }

    /// Tasks that no session owns become this session's: it is the one that is prompted.
    pub(super) fn adopt_unowned(&mut self, session: &SessionId) {
        for task in self.ledger.adopt(session) {
            self.save_task(&task);
        }
        let mut keys = Vec::new();
        for pending in self.reports.pending.iter_mut().filter(|pending| pending.session.is_none()) {
            pending.session = Some(session.clone());
            keys.push(pending.report.key.clone());
        }
        if !keys.is_empty() {
            self.effects.push(Effect::Store(Write::Assign { keys, session: session.clone() }));
        }
    }

    /// A session is gone: what was to be told to it is told to nobody, and its tasks go on as tasks of no session.
    pub(super) fn disown_tasks(&mut self, session: &SessionId) {
        self.withdraw_reports(|pending| pending.session.as_ref() == Some(session));
        self.reports.told.retain(|(owner, _)| owner != session);
        for task in self.ledger.disown(session) {
            self.task_changed(&task);
        }
    }

    /// Wakes the session a little later, if it is idle and something wants to wake it.
    pub(super) fn wake_soon(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        if owner.turn.is_none() && owner.spoken && !owner.waking && self.reports.wakes(session) {
            owner.waking = true;
            let after_ms = self.settings.wake_debounce;
            self.effects.push(Effect::SetTimer { timer: Timer::Wake(session.clone()), after_ms });
        }
    }

    /// The time has come.
    pub(super) fn wake(&mut self, session: &SessionId) {
        let limit = self.settings.max_auto_turns;
        let Some(owner) = self.sessions.get_mut(session) else { return };
        owner.waking = false;
        if owner.turn.is_some() || !owner.spoken || !self.reports.wakes(session) {
            return;
        }
        if owner.auto_turns >= limit || self.auto_budget_is_used_up(session) {
            return self.pause_wakes(session);
        }
        let Some(owner) = self.sessions.get_mut(session) else { return };
        owner.auto_turns += 1;
        if self.start_turn(session, TurnReason::TaskNotification).is_some() {
            self.drain(session, Vec::new(), None);
        }
    }

    /// A subagent's model has answered what told it these.
    pub(super) fn told_to_subagent(&mut self, child: &SessionId, keys: Vec<Key>) {
        self.reports.lent.retain(|stored| stored.session.as_ref() != Some(child));
        self.effects.push(Effect::Store(Write::Withdraw(keys)));
    }

    /// Tells the rows of tasks how far their notifications got.
    pub(super) fn set_delivery(&mut self, keys: &[Key], delivery: Delivery, turn: Option<&TurnId>) {
        for key in keys {
            if self.ledger.set_delivery(key, delivery, turn) {
                self.task_changed(&key.task);
            }
        }
    }
}
