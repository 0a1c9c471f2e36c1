//! Tasks that run others first, as `dependsOn` in `.vscode/tasks.json`: what a start comes to, whole, before anything runs;
//! and what the end of a step means to those that wait for it.
//!
//! Invariant: a dependent starts when all that it depends on have succeeded, and never otherwise.

use std::collections::HashMap;

use crate::agent::notification;
use crate::ids::TaskId;
use crate::task::model::{Origin, Status, Task, WaitKind, WaitingFor};
use crate::workspace::commands::Defined;

use super::agents::is_agent;
use super::effect::{Effect, Refusal};
use super::event::{Dependency, ReplyId, StartTask};
use super::ledger::close_run;
use super::state::State;

/// Tasks of one workflow, the last one included.
const MOST: usize = 50;

/// A task of a workflow that is to be started.
#[derive(Debug, PartialEq)]
struct Node {
    what: What,
    /// Those that have to succeed before it, by their places in the plan.
    after: Vec<usize>,
}

#[derive(Debug, PartialEq)]
enum What {
    /// It is there already.
    Known(TaskId),
    New(Box<StartTask>),
}

/// A workflow, dependencies before what depends on them.
struct Plan<'a> {
    defined: &'a [Defined],
    is_task: &'a dyn Fn(&str) -> bool,
    nodes: Vec<Node>,
    by_label: HashMap<String, usize>,
    /// The names on the way from the last task to here.
    path: Vec<String>,
}

impl Plan<'_> {
    /// Adds a start with everything that it depends on. `before`: what has to be over before any of it begins.
    fn add(&mut self, start: StartTask, before: &[usize]) -> Result<usize, Refusal> {
        let name = start.label.clone().unwrap_or_else(|| start.command.clone());
        let round = self.path.iter().position(|known| *known == name);
        self.path.push(name);
        if let Some(round) = round {
            let circle = self.path[round..].join(" → ");
            return Err(bad(
                format!("the tasks depend on each other: {circle}"),
                "Take one of these dependencies out.",
            ));
        }
        let mut after = before.to_vec();
        let mut earlier = before.to_vec();
        for dependency in &start.depends_on {
            let at = match dependency {
                Dependency::Named(name) => self.named(name, &start, &earlier)?,
                Dependency::Command(step) => {
                    let session = step.session.clone().or(start.session.clone());
                    let on_exit = step.on_exit.or(start.on_exit);
                    self.add(StartTask { session, on_exit, ..(**step).clone() }, &earlier)?
                }
            };
            after.push(at);
            if start.in_sequence {
                earlier.push(at);
            }
        }
        self.path.pop();
        self.push(Node { what: What::New(Box::new(StartTask { depends_on: Vec::new(), ..start })), after })
    }

    fn named(&mut self, name: &str, by: &StartTask, before: &[usize]) -> Result<usize, Refusal> {
        if (self.is_task)(name) {
            return self.push(Node { what: What::Known(name.into()), after: Vec::new() });
        }
        // A task that several depend on runs once.
        if let Some(at) = self.by_label.get(name) {
            return Ok(*at);
        }
        let plain = StartTask {
            session: by.session.clone(),
            on_exit: by.on_exit,
            priority: by.priority,
            lifetime: by.lifetime,
            label: Some(name.to_owned()),
            ..StartTask::new("", by.origin)
        };
        let start = filled(plain, self.defined).map_err(|refusal| match refusal {
            Refusal::BadField { message, remedy, .. } => bad(message, &remedy),
            other => other,
        })?;
        let at = self.add(start, before)?;
        self.by_label.insert(name.to_owned(), at);
        Ok(at)
    }

    fn push(&mut self, node: Node) -> Result<usize, Refusal> {
        if self.nodes.len() == MOST {
            return Err(bad(format!("more than {MOST} tasks come of it"), "Start parts of it one after the other."));
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }
}

fn bad(message: String, remedy: &str) -> Refusal {
    Refusal::BadField { field: "dependsOn", message, remedy: remedy.to_owned() }
}

/// A start by label: what the definition says, where the start says nothing itself.
fn filled(start: StartTask, defined: &[Defined]) -> Result<StartTask, Refusal> {
    let label = start.label.clone().unwrap_or_default();
    let unknown = |message: String, remedy: String| Err(Refusal::BadField { field: "label", message, remedy });
    let Some(task) = defined.iter().find(|task| task.label == label) else {
        let known: Vec<String> = defined.iter().take(20).map(|task| format!("{:?}", task.label)).collect();
        let remedy = match known.is_empty() {
            true => "There are no tasks in .vscode/tasks.json. Give a `command`, or the id of a task.".to_owned(),
            false => format!(".vscode/tasks.json has: {}.", known.join(", ")),
        };
        return unknown(format!("there is no task {label:?}"), remedy);
    };
    let run = match &task.run {
        Ok(run) => run.clone(),
        Err(why) => {
            return unknown(format!("the task {label:?} cannot run: {why}"), "Give a `command` instead.".into());
        }
    };
    let mut env = run.env;
    env.retain(|(name, _)| !start.env.iter().any(|(own, _)| own == name));
    env.extend(start.env);
    let depends_on = task.depends_on.iter().cloned().map(Dependency::Named);
    Ok(StartTask {
        command: run.command,
        cwd: start.cwd.or(Some(run.cwd)),
        env,
        group: start.group.or(Some(task.group)),
        in_sequence: start.in_sequence || start.depends_on.is_empty() && task.in_sequence,
        depends_on: depends_on.chain(start.depends_on).collect(),
        matchers: if start.matchers.is_empty() { run.matchers } else { start.matchers },
        ..start
    })
}

impl State {
    /// Whether a start names what only `.vscode/tasks.json` knows.
    pub(super) fn needs_definitions(&self, start: &StartTask) -> bool {
        start.command.is_empty() && start.label.is_some()
            || start.depends_on.iter().any(|dependency| match dependency {
                Dependency::Named(name) => self.ledger.visible(&name.as_str().into()).is_none(),
                Dependency::Command(step) => self.needs_definitions(step),
            })
    }

    /// Says which problem matchers of the tasks that start cannot be used. The tasks run without them.
    fn say_unread(&mut self, nodes: &[Node], defined: &[Defined]) {
        let labels = nodes.iter().filter_map(|node| match &node.what {
            What::New(start) => start.label.as_deref(),
            What::Known(_) => None,
        });
        let named = labels.filter_map(|label| defined.iter().find(|task| task.label == label));
        let unread = named.filter_map(|task| Some((&task.label, &task.run.as_ref().ok()?.unread)));
        for (label, why) in unread.flat_map(|(label, all)| all.iter().map(move |why| (label, why))) {
            self.say(true, format!(".vscode/tasks.json, task {label:?} (it runs without this): {why}"));
        }
    }

    /// A start with everything that it depends on; `defined` is what the project's file says, where it was asked for.
    pub(super) fn start_workflow(&mut self, reply: ReplyId, start: StartTask, defined: Result<Vec<Defined>, String>) {
        let planned = defined
            .map_err(|why| bad(why, "Correct the file, or give commands instead of labels."))
            .and_then(|defined| Ok((self.plan(start, &defined)?, defined)));
        let (nodes, defined) = match planned {
            Ok(planned) => planned,
            Err(refusal) => return self.refuse(reply, refusal),
        };
        self.say_unread(&nodes, &defined);
        if let [Node { what: What::New(start), .. }] = &nodes[..] {
            // It depends on nothing: a start like any other.
            return self.start_task(reply, (**start).clone());
        }
        let mut ids: Vec<TaskId> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let id = match node.what {
                What::Known(id) => id,
                What::New(start) => self.enter(*start),
            };
            let mut depends_on: Vec<TaskId> = Vec::new();
            for at in node.after {
                if !depends_on.contains(&ids[at]) {
                    depends_on.push(ids[at].clone());
                }
            }
            if !depends_on.is_empty()
                && let Some(entry) = self.ledger.get_mut(&id)
            {
                entry.task.depends_on = depends_on;
                await_dependencies(&mut entry.task);
            }
            ids.push(id);
        }
        let Some(last) = ids.last() else { return };
        self.follow_dependencies();
        self.reply_task(reply, last);
        self.place();
    }

    fn plan(&self, start: StartTask, defined: &[Defined]) -> Result<Vec<Node>, Refusal> {
        let is_task = |name: &str| self.ledger.visible(&name.into()).is_some();
        let mut plan =
            Plan { defined, is_task: &is_task, nodes: Vec::new(), by_label: HashMap::new(), path: Vec::new() };
        let start = if start.command.is_empty() { filled(start, defined)? } else { start };
        plan.add(start, &[])?;
        Ok(plan.nodes)
    }

    /// Lets go on whose dependencies have succeeded, and ends whose have not. `place` starts what may start then.
    pub(super) fn follow_dependencies(&mut self) {
        // The end of one that does not start may be what another one waits for.
        loop {
            let next = self.ledger.entries.iter().find_map(|entry| {
                let waiting = entry.task.waiting_for.as_ref()?;
                let waits = entry.task.owned && waiting.kind == WaitKind::Dependency && !entry.task.status.is_final();
                let news = waits.then(|| self.news_of(&entry.task)).flatten()?;
                Some((entry.task.id.clone(), news))
            });
            match next {
                None => return,
                Some((id, News::Go)) => {
                    if let Some(entry) = self.ledger.get_mut(&id) {
                        entry.task.waiting_for = None;
                        entry.queued_at = self.moment.now;
                    }
                }
                Some((id, News::WaitFor(holder))) => {
                    if let Some(waiting) = self.ledger.get_mut(&id).and_then(|entry| entry.task.waiting_for.as_mut()) {
                        waiting.holder = Some(holder.to_string());
                    }
                    self.task_changed(&id);
                }
                Some((id, News::Fail(why))) => self.not_started(&id, why),
            }
        }
    }

    /// What has changed for one that waits for others. A step that is gone from the ledger had succeeded: its failure would
    /// have been told at once.
    fn news_of(&self, task: &Task) -> Option<News> {
        let steps = || task.depends_on.iter().filter_map(|id| self.ledger.get(id));
        let failed = steps().find(|step| step.task.status.is_final() && step.task.status != Status::Succeeded);
        if let Some(step) = failed {
            let why = step.not_started.clone();
            return Some(News::Fail(why.unwrap_or_else(|| format!("not started: {}", how(&step.task)))));
        }
        match steps().find(|step| !step.task.status.is_final()) {
            None => Some(News::Go),
            Some(step) => {
                let known = task.waiting_for.as_ref().and_then(|waiting| waiting.holder.as_deref());
                (known != Some(step.task.id.as_str())).then(|| News::WaitFor(step.task.id.clone()))
            }
        }
    }

    fn not_started(&mut self, id: &TaskId, why: String) {
        let now = self.now();
        let Some(entry) = self.ledger.get_mut(id) else { return };
        entry.not_started = Some(why.clone());
        let task = &mut entry.task;
        task.status = Status::Failed;
        task.waiting_for = None;
        task.ended_at = Some(now);
        task.summary = Some(why);
        close_run(task);
        self.report_end(id, String::new());
        self.task_changed(id);
    }

    /// Before a task runs again everything that it depends on does.
    pub(super) fn rerun_dependencies(&mut self, id: &TaskId, by: Origin) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        entry.not_started = None;
        if entry.task.depends_on.is_empty() {
            return;
        }
        await_dependencies(&mut entry.task);
        for step in entry.task.depends_on.clone() {
            let is_over = |entry: &super::ledger::Entry| {
                entry.task.owned
                    && entry.task.status.is_final()
                    && !entry.task.stopping
                    && entry.foreground.is_none()
                    && !is_agent(&entry.task)
            };
            if self.ledger.get(&step).is_some_and(is_over) {
                self.queue_again(&step, by);
            }
        }
    }

    /// The run that was just queued waits for a step of this time.
    pub(super) fn rerun_after(&mut self, id: &TaskId, step: TaskId) {
        if let Some(entry) = self.ledger.get_mut(id) {
            if !entry.task.depends_on.contains(&step) {
                entry.task.depends_on.push(step);
            }
            await_dependencies(&mut entry.task);
            self.task_changed(id);
        }
    }

    /// Asks for the definitions that a start needs.
    pub(super) fn ask_definitions(&mut self, reply: ReplyId, start: StartTask) {
        self.effects.push(Effect::ReadDefined { reply, start: Box::new(start) });
    }
}

/// What became of what one waits for.
enum News {
    Go,
    WaitFor(TaskId),
    /// For the row, and for whoever is told.
    Fail(String),
}

fn await_dependencies(task: &mut Task) {
    task.waiting_for = Some(WaitingFor::of(WaitKind::Dependency));
}

/// How a step failed: `` `npm run build` (t1k9) failed with exit code 2 ``.
fn how(task: &Task) -> String {
    let end = match (task.status, task.exit_code, task.signal) {
        (Status::Failed, Some(code), _) => format!("failed with exit code {code}"),
        (Status::Failed, _, Some(signal)) => format!("was ended by signal {signal}"),
        (Status::TimedOut, ..) => "ran out of time".to_owned(),
        (Status::Killed, ..) => "was stopped".to_owned(),
        (Status::Interrupted, ..) => "was interrupted".to_owned(),
        _ => "failed".to_owned(),
    };
    format!("`{}` ({}) {end}", notification::cut(&task.command, 80), task.id)
}
