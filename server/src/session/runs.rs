//! What becomes of a run: its events into the row, its findings into diagnostics, its end to whoever waits for it. A status
//! comes from what the operating system reported; late events of an older run are dropped.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::agent::notification::{self, Report};
use crate::diagnostics::shift::LineEdit;
use crate::diagnostics::unsaved;
use crate::ids::TaskId;
use crate::problem::{Applies, CyclePhase, Finding, TestResult, TestStatus};
use crate::task::model::{
    EnvironmentRecord, Kind, Narrowed, OnExit, Origin, Progress, Status, Stdin, StoppedBy, Task, Timestamp,
};
use crate::task::question;
use crate::task::run::{Ending, OutputRange, RunEnd, RunEvent, RunId};
use crate::workspace::documents::Documents;

use super::agents::is_agent;
use super::calls::Step;
use super::describe::{notes, told_summary};
use super::effect::{Effect, Outgoing, ToolChange};
use super::event::{FileProblems, ShownProblem, Timer};
use super::facts::Failures;
use super::ledger::close_run;
use super::monitor::standing;
use super::reports::{CHECK_IN, END};
use super::results::OutputOf;
use super::state::State;
use super::waiting_for_input;
use super::watching;

/// How long a server that was started again may be silent until what it died of before counts as repaired, in milliseconds.
const SETTLED_AFTER: u64 = 3_000;

impl State {
    /// What a run reports. Late events of an older run are dropped.
    pub(super) fn run_event(&mut self, id: &RunId, event: RunEvent) {
        let now = self.now();
        let Some(entry) = self.ledger.get_mut(&id.task) else { return };
        // After the end only `Emptied` comes, and before it none counts: that is of an attempt that was tried again.
        // What another window has taken is told there.
        if !entry.task.owned
            || entry.task.run != id.run
            || entry.task.status.is_final() != matches!(event, RunEvent::Emptied)
        {
            return;
        }
        match event {
            RunEvent::Started { pid, at } => {
                let task = &mut entry.task;
                // One that waited for an answer before it was taken over waits until the shim says otherwise.
                if task.status != Status::WaitingForInput {
                    task.status = Status::Running;
                }
                task.pid = Some(pid);
                task.started_at = Some(at);
                task.ended_at = None;
                if let Some(record) = task.runs.last_mut() {
                    record.status = task.status;
                }
                let checks_in = task.origin == Origin::Agent
                    && task.kind != Kind::Monitor
                    && task.timeout.is_none()
                    && !task.checked_in;
                // A run that was taken over has used up a part of it.
                let left = self.settings.check_in.saturating_sub(now.since(at));
                let timer = match entry.promote_after {
                    Some(after_ms) => Some((Timer::Promote(id.task.clone(), id.run), after_ms)),
                    None => checks_in.then(|| (Timer::CheckIn(id.task.clone(), id.run), left)),
                };
                // It goes on through all attempts.
                if let Some((timer, after_ms)) = timer.filter(|_| task.attempt == 1 || entry.taken_over) {
                    self.effects.push(Effect::SetTimer { timer, after_ms });
                }
                self.task_changed(&id.task);
                self.early_changes_count(&id.task);
            }
            RunEvent::Output { bytes, lines, last_line, truncated } => {
                let output = &mut entry.task.output;
                (output.bytes, output.lines, output.last_line, output.truncated) = (bytes, lines, last_line, truncated);
                if self.locked(&id.task) {
                    self.task_changed(&id.task);
                    // Who waits leaves its slot to others.
                    self.place();
                } else {
                    self.task_got_on(&id.task);
                }
            }
            RunEvent::Progress(progress) => {
                let message = standing(&entry.task, &progress, entry.total);
                entry.task.progress = Progress { message, ..progress };
                self.task_got_on(&id.task);
            }
            RunEvent::Waiting(asked) => self.waits(id, asked),
            RunEvent::Resumed => self.resumed(id),
            RunEvent::PassedOver { bytes } => entry.task.output.passed_over += bytes,
            RunEvent::Findings(findings) => self.found(id, findings),
            RunEvent::Matched(batch) => self.matched(&id.task, batch),
            RunEvent::Ready(ready) => self.became_ready(&id.task, ready),
            RunEvent::AddressTaken { port, holder, goes_on } => {
                self.address_taken(&id.task, port, holder.as_ref(), goes_on);
            }
            RunEvent::Ended(end) => self.ended(id, end, now),
            RunEvent::Emptied => {
                entry.task.stragglers = 0;
                entry.task.stopping = false;
                self.task_changed(&id.task);
            }
        }
    }

    /// The environment that a run got.
    pub(super) fn environment_of(&mut self, id: &RunId, environment: EnvironmentRecord) {
        if let Some(entry) = self.ledger.get_mut(&id.task).filter(|entry| entry.task.run == id.run) {
            entry.task.environment = environment;
        }
    }

    /// Why a command was not found: comes just before the end of its run.
    pub(super) fn explained(&mut self, id: &RunId, text: String) {
        if let Some(entry) = self.ledger.get_mut(&id.task).filter(|entry| entry.task.run == id.run) {
            entry.explanation = Some(text);
        }
    }

    fn found(&mut self, id: &RunId, findings: Vec<Finding>) {
        let files = self.take_findings(id, findings);
        self.count_problems(&id.task);
        self.show_problems(files);
        self.task_got_on(&id.task);
    }

    /// Takes findings into the row and the diagnostics; gives the files whose diagnostics changed.
    pub(super) fn take_findings(&mut self, id: &RunId, findings: Vec<Finding>) -> Vec<PathBuf> {
        let (mut files, mut tests) = (Vec::new(), Vec::new());
        let mut edits: HashMap<PathBuf, Vec<LineEdit>> = HashMap::new();
        for finding in findings {
            let Some(entry) = self.ledger.get_mut(&id.task) else { return files };
            if matches!(&finding, Finding::Test(test) if is_left_out(&entry.task, test)) {
                continue;
            }
            let is_kept = entry.facts.add(&finding);
            match finding {
                Finding::Problem(problem) => {
                    let file = &problem.place.file;
                    if !edits.contains_key(file) {
                        edits.insert(file.clone(), edits_since(&entry.read, &self.moment.documents, file));
                    }
                    let lane = entry.facts.lane;
                    let edits = edits.get(file).map_or(&[][..], Vec::as_slice);
                    files.extend(self.problems.add_edited(&id.task, id.run, lane, problem, edits));
                }
                Finding::Cycle(phase, watcher) => {
                    if phase != CyclePhase::Ends {
                        entry.read = self.moment.documents.clone();
                        edits.clear();
                    }
                    let lane = entry.facts.lane;
                    files.extend(self.problems.cycle(&id.task, id.run, lane, phase, &watcher));
                    if phase == CyclePhase::Restarts {
                        let timer = Timer::Settle(id.task.clone(), id.run);
                        self.effects.push(Effect::SetTimer { timer, after_ms: SETTLED_AFTER });
                    }
                }
                Finding::Total(total) => entry.total = Some(total),
                Finding::Counts(counts) => {
                    entry.task.progress.counts = counts;
                    let message = standing(&entry.task, &entry.task.progress, entry.total);
                    entry.task.progress.message = message;
                }
                Finding::Test(test) if is_kept => tests.push((test, None)),
                Finding::Lane(_)
                | Finding::LeftOut(_)
                | Finding::Test(_)
                | Finding::Progress(_)
                | Finding::Summary(_) => {}
            }
        }
        if !tests.is_empty() {
            let counts = self.ledger.get(&id.task).map(|entry| entry.task.progress.counts).unwrap_or_default();
            let told = Outgoing::Tests { task: id.task.clone(), run: id.run, tests, counts };
            self.effects.push(Effect::Send(told));
        }
        files
    }

    /// What a watching program started again has said nothing new for a while. After the run's end that is no news: what it
    /// found last stays.
    pub(super) fn settle(&mut self, task: &TaskId, run: u32) {
        let files = self.problems.settle(task, run);
        if !files.is_empty() {
            self.count_problems(task);
            self.show_problems(files);
            self.task_got_on(task);
        }
    }

    pub(super) fn count_problems(&mut self, id: &TaskId) {
        let (errors, warnings) = self.problems.counts(id);
        if let Some(entry) = self.ledger.get_mut(id) {
            entry.task.errors = errors;
            entry.task.warnings = warnings;
        }
    }

    /// Shows the diagnostics of files anew.
    pub(super) fn show_problems(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        let mut files: BTreeSet<PathBuf> = files.into_iter().collect();
        if !files.is_empty() {
            files.extend(self.problems.regroup());
        }
        self.ask_services();
        for path in files {
            let alone = self.problems.shown_in(&path).into_iter();
            let is_open = self.moment.documents.get(&path).is_some();
            let problems = alone
                .filter(|stored| stored.problem.applies.shows(is_open))
                .filter(|stored| !stored.grouped && (!self.settings.tests_alone || stored.problem.test.is_some()))
                .map(|stored| ShownProblem {
                    task: stored.task.clone(),
                    run: stored.run,
                    problem: stored.problem.clone(),
                    edited: stored.edited,
                    tests: stored.problem.test.iter().cloned().collect(),
                    service: None,
                })
                .chain(self.shown_groups(&path))
                .collect();
            self.effects.push(Effect::Send(Outgoing::Problems(FileProblems { path, problems })));
        }
    }

    /// A document was opened or closed: some problems are shown only then, or only else.
    pub(super) fn document_shown(&mut self, path: PathBuf) {
        if self.problems.for_file(&path).iter().any(|stored| stored.problem.applies != Applies::All) {
            self.show_problems([path]);
        }
    }

    pub(super) fn ended(&mut self, id: &RunId, end: RunEnd, now: Timestamp) {
        self.close_input_wait(&id.task, id.run);
        let Some(entry) = self.ledger.get_mut(&id.task) else { return };
        if entry.beside.past.is_none() {
            entry.beside.held = Some(Box::new(end));
            return;
        }
        entry.launched = false;
        // Another attempt starts as any other.
        entry.taken_over = false;
        let task = &mut entry.task;
        task.output.bytes = end.bytes;
        task.output.lines = end.lines;
        task.output.truncated |= end.truncated;
        task.stragglers = end.stragglers;
        task.ended_at = Some(if end.at.0 == 0 { now } else { end.at });
        task.waiting_for = None;
        task.pid = None;
        if matches!(end.ending, Ending::Stopped { .. }) {
            // Where nobody here asked for it, another window did.
            task.stopped_by = task.stopped_by.or(Some(StoppedBy::User));
        }
        let reason = outcome(task, end.ending);
        task.stopping = false;
        let restarts = entry.watcher.restarts;
        let may_retry = reason.is_none() && task.stopped_by.is_none() && task.attempt < task.max_attempts;
        if task.status == Status::Failed && may_retry {
            task.attempt += 1;
            task.status = Status::Queued;
            (task.started_at, task.ended_at, task.exit_code, task.signal) = (None, None, None, None);
            self.release(&id.task);
            return self.place();
        }
        task.flaky = task.attempt > 1 && task.status == Status::Succeeded;
        close_run(task);
        self.compare(&id.task);
        let Some(entry) = self.ledger.get_mut(&id.task) else { return };
        let said = entry.summary();
        let task = &mut entry.task;
        task.summary = reason
            .or_else(|| entry.explanation.clone())
            .or(said)
            .or_else(|| task.signal.map(|signal| format!("ended by signal {signal}")));
        let status = task.status;
        let cancelled = matches!(status, Status::Killed | Status::TimedOut | Status::Interrupted);
        if task.stdin == Stdin::Null && matches!(task.status, Status::Succeeded | Status::Failed) {
            task.wanted_answer = question::wanted(&end.tail);
        }
        if task.status == Status::Failed && !task.environment.withheld.is_empty() {
            let failures = entry.failures(&self.settings.root).lines;
            miss(&mut entry.task.environment, std::iter::once(&end.tail).chain(&failures));
        }
        self.release(&id.task);
        self.cancel_timers(id);
        if let Some(entry) = self.ledger.get(&id.task)
            && let Some(narrowed) = entry.task.narrowed()
        {
            self.problems.not_run(&id.task, id.run, &entry.facts.not_run(&narrowed.tests, entry.total));
        }
        let files = self.problems.end_run(&id.task, id.run, cancelled);
        self.count_problems(&id.task);
        self.show_problems(files);
        self.tell_lines(&id.task);
        // A run that changes have stopped for the next one is no news.
        if !restarts {
            self.tell_end(&id.task, end.tail);
        }
        self.task_changed(&id.task);
        self.run_as_changes_ask(&id.task);
        self.place();
        self.end_waits(&id.task);
        self.answer_report(&id.task);
        self.heard_of_run();
    }

    /// A run is over: nothing is due any more.
    pub(super) fn cancel_timers(&mut self, id: &RunId) {
        self.effects.push(Effect::CancelTimer(Timer::Promote(id.task.clone(), id.run)));
        self.effects.push(Effect::CancelTimer(Timer::CheckIn(id.task.clone(), id.run)));
    }

    /// The end reaches whoever waits for it: the call of a foreground command, else the outbox.
    fn tell_end(&mut self, id: &TaskId, tail: String) {
        let room = self.result_room() as u64;
        let Some(entry) = self.ledger.get_mut(id) else { return };
        let Some((session, turn, call)) = entry.foreground.take() else {
            return self.report_end(id, tail);
        };
        let task = &entry.task;
        let range = OutputRange::Tail { lines: 2_000, limit: room };
        let path = task.output.path.clone();
        let is_error = task.status != Status::Succeeded;
        let mut foot = Vec::new();
        match task.status {
            Status::Succeeded => {}
            Status::Failed if task.exit_code.is_some() => {
                foot.push(format!("Exit code: {}", task.exit_code.unwrap_or_default()));
            }
            status => foot.push(format!("Status: {}", status.as_str())),
        }
        foot.extend(told_summary(entry).filter(|_| is_error || entry.beside.delta.is_some()));
        foot.extend(notes(entry, &self.settings.root));
        if task.stragglers == 0 {
            self.ledger.remove(id);
        } else {
            // It is a row that people see now, and what it left behind goes the way of all such rows.
            self.tell_on_close(id);
        }
        let task = self.ledger.get(id).map(|_| id.clone());
        // The call may be over: what it waited for came first.
        let waiting = self.call(&session, &call).filter(|state| matches!(state.step, Step::Foreground(_)));
        if let Some(state) = waiting {
            let from = OutputOf { path: path.clone(), task };
            state.step = Step::Reading { head: String::new(), foot: foot.join("\n"), is_error, from };
            self.effects.push(Effect::ReadForTool { session, turn, call, path, range });
        }
    }

    /// The end of a background run, for the outbox. What the model itself stopped is no news to it. To be called before the
    /// row is written: a crash between the two leaves a row without an end, which is not told twice.
    pub(super) fn report_end(&mut self, id: &TaskId, tail: String) {
        let Some(entry) = self.ledger.get(id) else { return };
        let task = &entry.task;
        if task.stopped_by == Some(StoppedBy::Agent) && task.status == Status::Killed {
            return;
        }
        // What never started was refused, which is news; what was stopped is wanted to stay so.
        let refused = task.started_at.is_none() && task.summary.is_some();
        let by_user = task.stopped_by == Some(StoppedBy::User) && task.status == Status::Killed && !refused;
        let on_exit = watching::on_exit(task);
        let on_exit = if by_user && on_exit == OnExit::Wake { OnExit::NextTurn } else { on_exit };
        let Failures { lines: failures, names, more } = entry.failures(&self.settings.root);
        let mut notes = notes(entry, &self.settings.root);
        notes.extend(entry.address.clone());
        if by_user {
            notes.push("The user stopped this task. Do not start it again unless asked.".into());
        }
        let (report, beside) = self.agent_report(id);
        notes.extend(beside);
        // The first line of a report stands in the row, for people; whoever is told the report needs it no second time.
        let is_said = report.is_some() && task.status == Status::Succeeded;
        let report = Report {
            report,
            exit_code: task.exit_code,
            summary: told_summary(entry).filter(|_| !is_said),
            own_summary: entry.facts.own_summary.clone(),
            failures,
            names,
            more_failures: more,
            tail,
            notes,
            ..entry.report(END, self.now())
        };
        let session = task.session.clone();
        self.report(report, session, on_exit);
    }

    /// The time of a foreground command is over: it goes on in the background as it stands.
    pub(super) fn promote_due(&mut self, id: &TaskId, run: u32) {
        let due = self
            .ledger
            .get(id)
            .is_some_and(|entry| entry.task.run == run && entry.foreground.is_some() && !entry.task.stopping);
        if due {
            self.promote(id);
        }
    }

    /// The foreground command goes on in the background; its call says so.
    pub(super) fn promote(&mut self, id: &TaskId) {
        if self.ledger.get(id).is_some_and(|entry| is_agent(&entry.task)) {
            return self.promote_subagent(id);
        }
        let after = self.ledger.get(id).map_or(0, |entry| entry.task.elapsed_ms(self.now()));
        let Some(entry) = self.ledger.get_mut(id) else { return };
        if entry.foreground.is_some() && entry.task.kind == Kind::Monitor {
            entry.promote_after = None;
            let text = self.monitor_result(id, after);
            return self.finish_promotion(id, text);
        }
        let Some((session, _, call)) = entry.foreground.take() else { return };
        entry.promote_after = None;
        // A run that has not started yet gets its timer when it does.
        let has_started = entry.task.started_at.is_some() || entry.task.attempt > 1;
        if entry.task.timeout.is_none() && has_started {
            let timer = Timer::CheckIn(id.clone(), entry.task.run);
            self.effects.push(Effect::SetTimer { timer, after_ms: self.settings.check_in });
        }
        let waits = waiting_for_input::promoted(id, entry.task.waiting_for.as_ref());
        self.task_changed(id);
        self.tell_on_close(id);
        self.claim_running(id);
        let text = waits.unwrap_or_else(|| {
            format!(
                "Still running after {}: it goes on in the background as {id}. {}",
                notification::duration(after),
                self.when_told(&session)
            )
        });
        self.finish_call(&session, &call, text, false, ToolChange::of(id.clone()));
    }

    /// A background task has run for long: its session hears of it once.
    pub(super) fn check_in(&mut self, id: &TaskId, run: u32) {
        let now = self.now();
        let Some(entry) = self.ledger.get_mut(id) else { return };
        if entry.task.run != run || entry.task.status.is_final() || entry.task.checked_in {
            return;
        }
        entry.task.checked_in = true;
        let Failures { lines: failures, names, more } = entry.failures(&self.settings.root);
        let task = &entry.task;
        let report = Report {
            summary: task.progress.message.clone(),
            failures,
            names,
            more_failures: more,
            tail: task.output.last_line.clone(),
            notes: vec!["Still running. It goes on; you are told when it ends.".into()],
            ..entry.report(CHECK_IN, now)
        };
        let (session, on_exit) = (task.session.clone(), task.on_exit);
        self.report(report, session, on_exit);
        self.save_task(id);
    }
}

/// How a file's text in the editor differs from what a run has read of it.
fn edits_since(read: &Documents, now: &Documents, file: &Path) -> Vec<LineEdit> {
    let Some(document) = now.get(file) else { return Vec::new() };
    let read = read.get(file).map_or(&document.saved, |then| &then.saved);
    if *read == document.text { Vec::new() } else { unsaved::edits(read, &document.text) }
}

/// Notes which of the withheld names stand in these texts, as words of their own.
fn miss<'a>(environment: &mut EnvironmentRecord, texts: impl Iterator<Item = &'a String>) {
    let texts: Vec<&String> = texts.collect();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = |text: &str, name: &str| {
        text.match_indices(name)
            .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part))
    };
    let missed = environment.withheld.iter().filter(|name| texts.iter().any(|text| names(text, name)));
    environment.missed = missed.cloned().collect();
}

/// What the operating system reported becomes the status of a row; also: why it never ran, where it did not.
pub(super) fn outcome(task: &mut Task, ending: Ending) -> Option<String> {
    let mut reason = None;
    (task.status, task.exit_code, task.signal) = match ending {
        Ending::Exited { code: 0 } => (Status::Succeeded, Some(0), None),
        Ending::Exited { code } => (Status::Failed, Some(code), None),
        Ending::Signaled { signal } => (Status::Failed, None, Some(signal)),
        Ending::Stopped { code, signal } => {
            task.stopped_by.get_or_insert(StoppedBy::Exit);
            (Status::Killed, code, signal)
        }
        Ending::Orphaned { code, signal } => {
            task.stopped_by.get_or_insert(StoppedBy::Exit);
            (Status::Killed, code, signal)
        }
        Ending::TimedOut { code, signal } => (Status::TimedOut, code, signal),
        Ending::OverLimit { code, signal } => {
            task.stopped_by = Some(StoppedBy::Limit);
            (Status::Killed, code, signal)
        }
        Ending::NotStarted { reason: why } => {
            reason = Some(why);
            (Status::Failed, None, None)
        }
        Ending::Lost => {
            reason = Some(
                "Its end was not seen: the process that watched over it was killed, or the machine went down.".into(),
            );
            (Status::Interrupted, None, None)
        }
    };
    reason
}

/// A runner may report the tests that a narrowed run has left out as skipped.
fn is_left_out(task: &Task, test: &TestResult) -> bool {
    let named = |narrowed: &Narrowed| narrowed.tests.contains(&test.id);
    test.status == TestStatus::Skipped && !task.narrowed().is_none_or(named)
}
