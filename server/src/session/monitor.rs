//! Tasks that stay: servers, watchers, followed streams. What their lines mean to whoever started them: batches of lines
//! that match, the line that says that a server is ready, the address that it could not have. While one batch waits to be
//! told, further ones gather behind it, so that a stream that nobody hears of takes the room of two.

use crate::agent::notification::{self, Report};
use crate::ids::{SessionId, TaskId};
use crate::task::model::{Kind, Progress, Ready, Status, Task, Timestamp};
use crate::task::run::{Batch, Holder, Listen, ReadyRule};
use crate::workspace::classify::{self, Stays};

use super::effect::ToolChange;
use super::event::StartTask;
use super::facts::progress_text;
use super::ledger::Entry;
use super::state::State;

/// Lines that a batch may gather while another one waits to be told.
const GATHERED: usize = 20;

/// What kind of work a start is, where nobody says.
pub(super) fn kind_of(start: &StartTask) -> Kind {
    let stays = || start.pattern.is_some() || start.ready.is_some() || classify::stays(&start.command).is_some();
    start.kind.unwrap_or(if stays() { Kind::Monitor } else { Kind::Shell })
}

/// What a run is to listen for.
pub(super) fn listen(task: &Task) -> Listen {
    let monitor = &task.monitor;
    let known = task.kind == Kind::Monitor
        && match classify::stays(&task.command) {
            Some(stays) => stays != Stays::Stream,
            // Somebody says that it is one, and not for which lines.
            None => monitor.pattern.is_none(),
        };
    let ready = match &monitor.ready {
        _ if task.ready.is_some() => ReadyRule::None,
        Some(pattern) => ReadyRule::Pattern(pattern.clone()),
        None if known => ReadyRule::Known,
        None => ReadyRule::None,
    };
    Listen { pattern: monitor.pattern.clone(), ready, heard: monitor.heard }
}

/// What a row says of how far a task is: the tests that it counts, else that it is ready.
pub(super) fn standing(task: &Task, progress: &Progress, total: Option<u32>) -> Option<String> {
    let ready = ready_text(task).filter(|_| progress.counts.total() == 0);
    ready.or_else(|| progress_text(progress, total))
}

/// `ready at http://localhost:5173/`.
pub(super) fn ready_text(task: &Task) -> Option<String> {
    let ready = task.ready.as_ref()?;
    Some(match &ready.url {
        Some(url) => format!("ready at {}", notification::cut(url, 200)),
        None => "ready".to_owned(),
    })
}

/// What the model is told of a task that stays, in place of "you are told when it ends".
pub(super) fn expectation(task: &Task) -> &'static str {
    let listens = listen(task);
    match (listens.ready == ReadyRule::None, listens.pattern.is_some()) {
        (true, false) => "It stays until it is stopped; you are told if it ends.",
        (true, true) => "It stays until it is stopped; you are told of the lines that match, and if it ends.",
        (false, false) => "It stays until it is stopped; you are told when it is ready, and if it ends.",
        (false, true) => {
            "It stays until it is stopped; you are told when it is ready, of the lines that match, and if it ends."
        }
    }
}

impl State {
    /// Lines that match a task's pattern.
    pub(super) fn matched(&mut self, id: &TaskId, batch: Batch) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        entry.held.heard = batch.heard;
        for line in batch.lines {
            if entry.held.lines.len() < GATHERED {
                entry.held.lines.push(line);
            } else {
                entry.held.more += 1;
            }
        }
        entry.held.more += batch.more;
        let waits = entry.foreground.is_some() || self.reports.has_lines(id);
        if !waits {
            self.tell_lines(id);
        }
    }

    /// What has gathered becomes a batch of its own.
    pub(super) fn tell_lines(&mut self, id: &TaskId) {
        let now = self.now();
        // A call that waits shows its output itself.
        let Some(entry) = self.ledger.get_mut(id).filter(|entry| entry.foreground.is_none()) else { return };
        let batch = std::mem::take(&mut entry.held);
        if batch.lines.is_empty() {
            return;
        }
        entry.task.monitor.batches += 1;
        entry.task.monitor.heard = batch.heard;
        let about = format!("lines.{}", entry.task.monitor.batches);
        let report = Report { matched: batch.lines, more_matched: batch.more, ..news(entry, about, now) };
        self.report_news(id, report);
    }

    /// The gathered lines of every task of a session, when its history takes notifications.
    pub(super) fn tell_gathered_lines(&mut self, session: &SessionId) {
        let gathered: Vec<TaskId> = self
            .ledger
            .entries
            .iter()
            .filter(|entry| entry.foreground.is_none() && !entry.held.lines.is_empty())
            .filter(|entry| entry.owner() == Some(session))
            .map(|entry| entry.task.id.clone())
            .collect();
        for task in gathered {
            self.tell_lines(&task);
        }
    }

    /// A server said that it is ready: a foreground call is answered with that, anybody else is told.
    pub(super) fn became_ready(&mut self, id: &TaskId, ready: Ready) {
        let now = self.now();
        let Some(entry) = self.ledger.get_mut(id) else { return };
        let line = ready.line.clone();
        entry.task.ready = Some(ready);
        let message = standing(&entry.task, &entry.task.progress, entry.total);
        entry.task.progress.message = message;
        if entry.foreground.is_some() {
            return self.promote(id);
        }
        let report = Report { matched: vec![line], summary: ready_text(&entry.task), ..news(entry, "ready", now) };
        self.report_news(id, report);
    }

    /// A command could not have its address: says who has it. `goes_on`: it runs all the same.
    pub(super) fn address_taken(&mut self, id: &TaskId, port: u16, holder: Option<&Holder>, goes_on: bool) {
        let now = self.now();
        let (short, whole) = self.taken_text(id, port, holder);
        let Some(entry) = self.ledger.get_mut(id) else { return };
        entry.explanation = Some(short.clone());
        entry.address = Some(whole.clone());
        if !goes_on || entry.foreground.is_some() {
            return;
        }
        entry.task.progress.message = Some(short.clone());
        let report = Report { summary: Some(short), notes: vec![whole], ..news(entry, "address", now) };
        self.report_news(id, report);
    }

    /// One line, and the whole with what to do.
    fn taken_text(&self, id: &TaskId, port: u16, holder: Option<&Holder>) -> (String, String) {
        if port == 0 {
            let text = "its address is taken; it does not say which port";
            return (text.into(), "Its address is taken; it does not say which port.".into());
        }
        let Some(holder) = holder else {
            let text = format!("port {port} is taken");
            let whole = format!(
                "Port {port} is taken, and no process that can be seen listens there: it is another user's, in a \
                 container, or gone by now."
            );
            return (text, whole);
        };
        let place = holder.cwd.as_ref().map(|cwd| format!(", in {}", cwd.display())).unwrap_or_default();
        let who = format!("`{}` (pid {}{place})", holder.command, holder.pid);
        let owner = self.task_of(holder);
        let whose = match &owner {
            Some(task) if task.id == *id => {
                ", which an earlier run of this task left: stop the task to end it, then start it again".to_owned()
            }
            Some(task) if task.owned => format!(", which is task {} here: use it, or stop it first", task.id),
            Some(task) => format!(", which is task {} of another window: use it, or stop it first", task.id),
            None if holder.marked => ", which a task of another Pillion window started".to_owned(),
            None => {
                ", which no task of Pillion started: use another port, or ask the user before you stop it".to_owned()
            }
        };
        let short = match &owner {
            Some(task) => format!("port {port} is taken by task {}, `{}`", task.id, holder.command),
            None => format!("port {port} is taken by {who}"),
        };
        (short, format!("Port {port} is taken by {who}{whose}."))
    }

    /// The task that a process belongs to: by where its output goes, or by its ancestors.
    fn task_of(&self, holder: &Holder) -> Option<&Task> {
        let by_output = holder.output.as_ref().and_then(|path| {
            let inside = path.strip_prefix(&self.settings.runs).ok()?;
            let id = TaskId::from(inside.components().next()?.as_os_str().to_str()?);
            self.ledger.visible(&id)
        });
        let by_pid =
            || self.ledger.all_visible().find(|task| task.pid.is_some_and(|pid| holder.lineage.contains(&pid)));
        by_output.or_else(by_pid)
    }

    /// What the call of a foreground command that stays comes to, when it goes on in the background.
    pub(super) fn monitor_result(&self, id: &TaskId, after_ms: u64) -> String {
        let Some(entry) = self.ledger.get(id) else { return String::new() };
        let task = &entry.task;
        let stop = "stop_background ends it.";
        match &task.ready {
            Some(Ready { url: Some(url), .. }) => {
                format!("Ready at {url}: the server goes on in the background as {id}. {stop}")
            }
            Some(Ready { line, .. }) => format!("Ready (\"{line}\"): it goes on in the background as {id}. {stop}"),
            None => format!(
                "After {} it goes on in the background as {id}. {} {stop}",
                notification::duration(after_ms),
                expectation(task)
            ),
        }
    }

    /// A task that stays was promoted: what gathered while a call waited is told now.
    pub(super) fn finish_promotion(&mut self, id: &TaskId, text: String) {
        let Some(entry) = self.ledger.get(id) else { return };
        let Some((session, _, call)) = entry.foreground.clone() else { return };
        if let Some(entry) = self.ledger.get_mut(id) {
            entry.foreground = None;
        }
        self.task_changed(id);
        self.tell_lines(id);
        self.finish_call(&session, &call, text, false, ToolChange::of(id.clone()));
    }

    fn report_news(&mut self, id: &TaskId, report: Report) {
        let Some(entry) = self.ledger.get(id) else { return };
        let (session, on_exit) = (entry.task.session.clone(), super::watching::on_exit(&entry.task));
        self.report(report, session, on_exit);
        self.task_changed(id);
    }
}

/// A report about a run that goes on. Its last lines are told when its end is known, and right before that: they are no
/// end, so that there is one alone.
fn news(entry: &Entry, about: impl Into<String>, now: Timestamp) -> Report {
    let status = Some(entry.task.status).filter(|status| !status.is_final()).unwrap_or(Status::Running);
    Report { status: status.as_str().into(), ..entry.report(about, now) }
}
