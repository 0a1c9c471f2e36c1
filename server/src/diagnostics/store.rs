//! The problems of all tasks, by task and run.
//!
//! A run's problems stay until the next run of the same task, or of a newer task with the same command and folder, says
//! more: a file's old ones go when the new run first names that file, the rest at its end. A run that was stopped clears
//! nothing: it did not get to the rest. What comes late from an older run is dropped. A cycle of a watching program is to
//! its run what a run is to its command (`cycles`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::cycles::{self, Cycle};
use super::groups::{self, Group};
use super::shift::{LineEdit, shift};
use super::stored::{Changed, Stored};
use crate::ids::TaskId;
use crate::problem::{CyclePhase, Problem, Severity, Watcher};

/// Problems of one run that are kept; what is above is counted.
pub const MAX_PROBLEMS: usize = 1_000;

/// What makes two tasks the same work: the command and its folder.
pub type CommandKey = (String, PathBuf);

#[derive(Clone, Debug)]
struct TaskState {
    key: CommandKey,
    run: u32,
    /// Counts the runs of all tasks in the order in which they began.
    serial: u64,
    running: bool,
    /// It is tried once more, or read once more: what it said before is old too.
    again: bool,
    /// Files that the current run has named.
    named: BTreeSet<PathBuf>,
    /// The tests that the current run is about, where it is not the whole command.
    only: Option<BTreeSet<String>>,
    cut: usize,
    /// Of the current run, where it watches.
    cycles: Vec<Cycle>,
}

/// All problems.
#[derive(Clone, Debug, Default)]
pub struct Store {
    files: BTreeMap<PathBuf, Vec<Stored>>,
    tasks: HashMap<TaskId, TaskState>,
    groups: Vec<Group>,
    /// Runs that have begun.
    begun: u64,
}

impl Store {
    /// A run starts. The problems of earlier runs of this task and of other tasks with this command become stale; those
    /// of the tests alone that it is about, where `only` names them. Another attempt of a run does so to the one before.
    pub fn begin_run(
        &mut self,
        task: &TaskId,
        run: u32,
        command: CommandKey,
        only: Option<BTreeSet<String>>,
    ) -> Changed {
        match self.tasks.get_mut(task) {
            Some(state) if state.run > run => return Changed::new(),
            Some(state) if state.run == run => {
                (state.again, state.running) = (true, true);
                state.named.clear();
                state.cycles.clear();
                return self.grow_old(|_, stored| stored.task == *task && stored.run == run);
            }
            _ => {}
        }
        self.begun += 1;
        let (serial, named) = (self.begun, BTreeSet::new());
        let state =
            TaskState { key: command, run, serial, running: true, again: false, named, only, cut: 0, cycles: vec![] };
        self.tasks.insert(task.clone(), state);
        self.grow_old(|tasks, stored| is_replaced(tasks, task, stored))
    }

    fn grow_old(&mut self, old: impl Fn(&HashMap<TaskId, TaskState>, &Stored) -> bool) -> Changed {
        let mut changed = Changed::new();
        let tasks = &self.tasks;
        for (file, stored) in &mut self.files {
            for stored in stored.iter_mut().filter(|stored| !stored.stale) {
                if old(tasks, stored) {
                    stored.stale = true;
                    changed.insert(file.clone());
                }
            }
        }
        changed
    }

    /// Adds a problem of a run, that the program of this lane printed. A provisional problem gives way to the one with
    /// details of the same test.
    pub fn add(&mut self, task: &TaskId, run: u32, lane: u16, problem: Problem) -> Changed {
        self.add_edited(task, run, lane, problem, &[])
    }

    /// The same for a problem in a file whose text was edited since it was read; each of `edits` counts lines of what was
    /// read, the last first.
    pub fn add_edited(&mut self, task: &TaskId, run: u32, lane: u16, problem: Problem, edits: &[LineEdit]) -> Changed {
        let mut changed = Changed::new();
        let Some(state) = self.tasks.get_mut(task).filter(|state| state.run == run) else { return changed };
        let file = problem.place.file.clone();
        for cycle in state.cycles.iter_mut().filter(|it| it.lane == lane && it.watcher.covers(&problem.tool)) {
            let mine = |stored: &Stored| stored.task == *task && stored.run == run;
            if cycle.takes(&problem, &mut self.files, &mine, &mut changed) {
                return changed;
            }
        }
        // A test that fails again is told by its name first: what is known of it stays until the details come.
        if problem.provisional {
            let tasks = &self.tasks;
            let again = |it: &&mut Stored| {
                is_replaced(tasks, task, it)
                    && !it.edited
                    && problem.test.is_some()
                    && it.problem.test == problem.test
                    && it.problem.tool == problem.tool
            };
            if let Some(known) = self.files.values_mut().flatten().find(again) {
                let serial = tasks.get(task).map_or(0, |state| state.serial);
                (known.task, known.run, known.serial, known.stale) = (task.clone(), run, serial, false);
                known.problem.provisional = true;
                changed.insert(known.problem.place.file.clone());
                return changed;
            }
        }
        let Some(state) = self.tasks.get_mut(task) else { return changed };
        let first = state.named.insert(file.clone());
        if let Some(only) = &mut state.only {
            // A runner may run more tests than it was asked for, and fewer: each speaks for itself.
            only.extend(problem.test.clone());
            let same = |stored: &Stored| problem.test.is_some() && stored.problem.test == problem.test;
            self.remove(None, |tasks, stored| same(stored) && is_replaced(tasks, task, stored), &mut changed);
        } else if first {
            self.remove(Some(&file), |tasks, stored| is_replaced(tasks, task, stored), &mut changed);
        }
        if let Some(test) = problem.test.clone() {
            let same = |stored: &Stored| {
                stored.task == *task && stored.run == run && stored.problem.test.as_deref() == Some(&test)
            };
            if problem.provisional && self.all().any(|stored| same(stored) && !stored.problem.provisional) {
                return changed;
            }
            self.remove(None, |_, stored| same(stored) && stored.problem.provisional, &mut changed);
        }
        let kept = self.all().filter(|stored| stored.task == *task && stored.run == run).count();
        if kept >= MAX_PROBLEMS {
            if let Some(state) = self.tasks.get_mut(task) {
                state.cut += 1;
            }
            return changed;
        }
        let cause = groups::cause(&problem);
        let serial = self.tasks.get(task).map_or(0, |state| state.serial);
        let task = task.clone();
        let stored = Stored { task, run, serial, problem, edited: false, stale: false, lane, cause, grouped: false };
        let mut moved = vec![stored];
        for edit in edits {
            shift(&mut moved, *edit);
        }
        if !moved.is_empty() {
            self.files.entry(file.clone()).or_default().append(&mut moved);
        }
        changed.insert(file);
        changed
    }

    /// A watching program of a run begins or ends a cycle.
    pub fn cycle(&mut self, task: &TaskId, run: u32, lane: u16, phase: CyclePhase, watcher: &Watcher) -> Changed {
        let mut changed = Changed::new();
        let Some(state) = self.tasks.get_mut(task).filter(|state| state.run == run) else { return changed };
        let mine = |stored: &Stored| stored.task == *task && stored.run == run;
        let cycle = cycles::of(&mut state.cycles, lane, watcher);
        if let Some(cycle) = cycle {
            match phase {
                CyclePhase::Begins | CyclePhase::Restarts => cycle.begin(&mut self.files, &mine, &mut changed),
                CyclePhase::Ends => cycle.end(&mut self.files, &mine, &mut changed),
            }
        }
        changed
    }

    /// Cycles whose programs say nothing when all is well have had their time: they are through.
    pub fn settle(&mut self, task: &TaskId, run: u32) -> Changed {
        let mut changed = Changed::new();
        let current = |state: &&mut TaskState| state.run == run && state.running;
        let Some(state) = self.tasks.get_mut(task).filter(current) else { return changed };
        let mine = |stored: &Stored| stored.task == *task && stored.run == run;
        for cycle in state.cycles.iter_mut().filter(|cycle| cycle.open) {
            cycle.end(&mut self.files, &mine, &mut changed);
        }
        changed
    }

    /// Finds failures of one cause anew; gives the files whose diagnostics change by it.
    pub fn regroup(&mut self) -> Changed {
        let tasks = &self.tasks;
        let cwd = |task: &TaskId| tasks.get(task).map(|state| state.key.1.clone()).unwrap_or_default();
        groups::regroup(&mut self.files, &mut self.groups, cwd)
    }

    /// The groups that [`Self::regroup`] has found.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// These tests were to run and did not: what is known of them stays.
    pub fn not_run(&mut self, task: &TaskId, run: u32, tests: &BTreeSet<&str>) {
        let current = |state: &&mut TaskState| state.run == run && state.running;
        let Some(only) = self.tasks.get_mut(task).filter(current).and_then(|state| state.only.as_mut()) else { return };
        only.retain(|test| !tests.contains(test.as_str()));
        let of_these = |stored: &&mut Stored| stored.problem.test.as_deref().is_some_and(|test| tests.contains(test));
        for stored in self.files.values_mut().flatten().filter(|it| it.task == *task).filter(of_these) {
            stored.stale = false;
        }
    }

    /// A run is over. Unless it was `cancelled` (stopped, killed, interrupted: it did not say all that it had to say), what
    /// it did not find again is gone.
    pub fn end_run(&mut self, task: &TaskId, run: u32, cancelled: bool) -> Changed {
        let mut changed = Changed::new();
        let Some(state) = self.tasks.get_mut(task).filter(|state| state.run == run && state.running) else {
            return changed;
        };
        state.running = false;
        let again = state.again;
        // A watcher is stopped by hand: what its last cycle has not said anew holds as far as anyone knows.
        let mine = |it: &&mut Stored| it.task == *task && it.run == run && !again;
        for stored in self.files.values_mut().flatten().filter(mine) {
            if std::mem::take(&mut stored.stale) {
                changed.insert(stored.problem.place.file.clone());
            }
        }
        if cancelled {
            for (file, stored) in &mut self.files {
                for stored in stored.iter_mut().filter(|stored| stored.stale) {
                    if is_replaced(&self.tasks, task, stored) {
                        stored.stale = false;
                        changed.insert(file.clone());
                    }
                }
            }
        } else {
            self.remove(None, |tasks, stored| is_replaced(tasks, task, stored), &mut changed);
        }
        changed
    }

    /// Takes a task's problems away, of all its runs. A task that does not run is forgotten.
    pub fn dismiss(&mut self, task: &TaskId) -> Changed {
        if self.tasks.get(task).is_some_and(|state| !state.running) {
            self.tasks.remove(task);
        }
        let mut changed = Changed::new();
        self.remove(None, |_, stored| stored.task == *task, &mut changed);
        changed
    }

    /// The problems in one file, in the order in which they were found.
    pub fn for_file(&self, file: &Path) -> Vec<&Stored> {
        self.files.get(file).map_or_else(Vec::new, |stored| stored.iter().collect())
    }

    /// The same as a person is to see them: of a test that several commands have run, what the newest of their runs says of it
    /// in this file. What an older one says comes back when that one finds nothing any more.
    pub fn shown_in(&self, file: &Path) -> Vec<&Stored> {
        let mut newest: HashMap<&str, u64> = HashMap::new();
        let all = self.files.get(file).map(Vec::as_slice).unwrap_or_default();
        for stored in all {
            if let Some(test) = &stored.problem.test {
                let serial = newest.entry(test).or_default();
                *serial = stored.serial.max(*serial);
            }
        }
        let is_newest = |stored: &&Stored| {
            // Of one command an old run's stay until the next has said more.
            let same_task = |other: &Stored| other.task == stored.task && other.problem.test == stored.problem.test;
            let newest = stored.problem.test.as_deref().and_then(|test| newest.get(test));
            newest.is_none_or(|newest| {
                stored.serial == *newest || all.iter().any(|it| it.serial == *newest && same_task(it))
            })
        };
        all.iter().filter(is_newest).collect()
    }

    /// Files with problems.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// All problems, by file.
    pub fn all(&self) -> impl Iterator<Item = &Stored> {
        self.files.values().flatten()
    }

    /// Errors and warnings of a task's newest run, those above the cap left out.
    pub fn counts(&self, task: &TaskId) -> (u32, u32) {
        let Some(state) = self.tasks.get(task) else { return (0, 0) };
        let of_run = self.all().filter(|stored| stored.task == *task && stored.run == state.run);
        of_run.fold((0, 0), |(errors, warnings), stored| match stored.problem.severity {
            Severity::Error => (errors + 1, warnings),
            Severity::Warning => (errors, warnings + 1),
            Severity::Information | Severity::Hint => (errors, warnings),
        })
    }

    /// Problems of a task's newest run that were left out because there were too many.
    pub fn cut(&self, task: &TaskId) -> usize {
        self.tasks.get(task).map_or(0, |state| state.cut)
    }

    /// Moves the problems of a file with an edit of its text; see [`super::shift::shift`]. True when one changed.
    pub fn shift(&mut self, file: &Path, edit: LineEdit) -> bool {
        self.files.get_mut(file).is_some_and(|stored| shift(stored, edit))
    }

    fn remove(
        &mut self,
        only: Option<&Path>,
        gone: impl Fn(&HashMap<TaskId, TaskState>, &Stored) -> bool,
        changed: &mut Changed,
    ) {
        let tasks = &self.tasks;
        self.files.retain(|file, stored| {
            if only.is_none_or(|only| only == file) {
                let before = stored.len();
                stored.retain(|stored| !gone(tasks, stored));
                if stored.len() != before {
                    changed.insert(file.clone());
                }
            }
            !stored.is_empty()
        });
    }
}

/// True for a problem that the current run of `task` replaces: of an earlier run of it, or of another task that does the same
/// and does not run now.
fn is_replaced(tasks: &HashMap<TaskId, TaskState>, task: &TaskId, stored: &Stored) -> bool {
    let Some(state) = tasks.get(task) else { return false };
    let is_in = |only: &BTreeSet<String>| stored.problem.test.as_ref().is_some_and(|test| only.contains(test));
    if !state.only.as_ref().is_none_or(is_in) {
        return false;
    }
    if stored.task == *task {
        return stored.run < state.run || state.again && stored.stale;
    }
    tasks.get(&stored.task).is_some_and(|other| other.key == state.key && (!other.running || stored.run < other.run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Place;

    fn problem(text: &str) -> Problem {
        // file:line message [test] [?]
        let mut words = text.split(' ');
        let (file, line) = words.next().and_then(|place| place.split_once(':')).expect("a place");
        let message = words.next().expect("a message").to_owned();
        let test = words.next().map(str::to_owned);
        let place = Place {
            file: PathBuf::from(file),
            line: line.parse().ok(),
            column: None,
            end_line: None,
            end_column: None,
        };
        Problem {
            place,
            severity: if message.starts_with('w') { Severity::Warning } else { Severity::Error },
            message,
            detail: None,
            code: None,
            tool: "t".to_owned(),
            test,
            related: Vec::new(),
            provisional: words.next().is_some(),
            applies: Default::default(),
        }
    }

    fn list(changed: &Changed) -> String {
        changed.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" ")
    }

    /// Each step: what is done, the files that it changes, and all problems after it.
    fn play(steps: &[(&str, &str, &str)]) {
        let mut store = Store::default();
        for (step, changed, after) in steps {
            let mut words = step.splitn(4, ' ');
            let (verb, task) = (words.next().unwrap_or_default(), TaskId::from(words.next().unwrap_or_default()));
            let run = words.next().and_then(|run| run.parse().ok()).unwrap_or(0);
            let rest = words.next().unwrap_or_default();
            let got = match verb {
                "begin" => {
                    let (command, only) = rest.split_once(" only ").map_or((rest, None), |(a, b)| (a, Some(b)));
                    let only = only.map(|tests| tests.split(' ').map(str::to_owned).collect());
                    store.begin_run(&task, run, (command.to_owned(), PathBuf::from("/w")), only)
                }
                "add" => store.add(&task, run, 0, problem(rest)),
                "end" => store.end_run(&task, run, rest == "cancelled"),
                "dismiss" => store.dismiss(&task),
                other => panic!("{other}"),
            };
            assert_eq!(list(&got), *changed, "{step}");
            let all: Vec<String> = store
                .all()
                .map(|stored| {
                    let line = stored.problem.place.line.unwrap_or(0);
                    let mark = if stored.stale { "~" } else { "" };
                    format!("{mark}{}:{line}:{}", stored.problem.place.file.display(), stored.problem.message)
                })
                .collect();
            assert_eq!(all.join(" "), *after, "after {step}");
        }
    }

    #[test]
    fn next_run_replaces_by_file_then_the_rest() {
        play(&[
            ("begin t 1 make", "", ""),
            ("add t 1 a:1 one", "a", "a:1:one"),
            ("add t 1 b:1 two", "b", "a:1:one b:1:two"),
            ("add t 1 c:1 six", "c", "a:1:one b:1:two c:1:six"),
            ("end t 1 done", "", "a:1:one b:1:two c:1:six"),
            ("begin t 2 make", "a b c", "~a:1:one ~b:1:two ~c:1:six"),
            ("add t 2 a:2 new", "a", "a:2:new ~b:1:two ~c:1:six"),
            ("add t 1 a:9 late", "", "a:2:new ~b:1:two ~c:1:six"),
            ("end t 2 done", "b c", "a:2:new"),
            ("dismiss t", "a", ""),
        ]);
    }

    #[test]
    fn a_run_of_some_tests_replaces_these_alone() {
        play(&[
            ("begin t 1 test", "", ""),
            ("add t 1 a:1 one x", "a", "a:1:one"),
            ("add t 1 a:2 two y", "a", "a:1:one a:2:two"),
            ("add t 1 b:3 six", "b", "a:1:one a:2:two b:3:six"),
            ("end t 1 done", "", "a:1:one a:2:two b:3:six"),
            ("begin t 2 test only y z", "a", "a:1:one ~a:2:two b:3:six"),
            ("end t 2 done", "a", "a:1:one b:3:six"),
            ("begin t 3 test", "a b", "~a:1:one ~b:3:six"),
            ("end t 3 done", "a b", ""),
        ]);
    }

    #[test]
    fn a_test_that_did_not_run_keeps_what_is_known_and_one_too_many_is_replaced() {
        let mut store = Store::default();
        let task = TaskId::from("t");
        let command = || ("test".to_owned(), PathBuf::from("/w"));
        store.begin_run(&task, 1, command(), None);
        for text in ["a:1 one x", "a:2 two y", "a:3 three z"] {
            store.add(&task, 1, 0, problem(text));
        }
        store.end_run(&task, 1, false);
        store.begin_run(&task, 2, command(), Some(["x", "y"].map(str::to_owned).into()));
        store.add(&task, 2, 0, problem("a:3 third z"));
        store.not_run(&task, 2, &BTreeSet::from(["x"]));
        store.end_run(&task, 2, false);
        assert_eq!(shown(&store), "t.1 one, t.2 third");
    }

    #[test]
    fn another_attempt_replaces_the_one_before() {
        play(&[
            ("begin t 1 make", "", ""),
            ("add t 1 a:1 one", "a", "a:1:one"),
            ("add t 1 b:1 two", "b", "a:1:one b:1:two"),
            ("add t 1 b:2 six", "b", "a:1:one b:1:two b:2:six"),
            ("begin t 1 make", "a b", "~a:1:one ~b:1:two ~b:2:six"),
            ("add t 1 b:3 new", "b", "~a:1:one b:3:new"),
            ("add t 1 b:4 more", "b", "~a:1:one b:3:new b:4:more"),
            ("end t 1 done", "a", "b:3:new b:4:more"),
            ("begin t 2 make", "b", "~b:3:new ~b:4:more"),
            ("end t 2 done", "b", ""),
        ]);
    }

    #[test]
    fn a_stopped_run_clears_nothing_else() {
        play(&[
            ("begin t 1 make", "", ""),
            ("add t 1 a:1 one", "a", "a:1:one"),
            ("add t 1 b:1 two", "b", "a:1:one b:1:two"),
            ("end t 1 done", "", "a:1:one b:1:two"),
            ("begin t 2 make", "a b", "~a:1:one ~b:1:two"),
            ("add t 2 a:2 new", "a", "a:2:new ~b:1:two"),
            ("end t 2 cancelled", "b", "a:2:new b:1:two"),
            ("begin t 3 make", "a b", "~a:2:new ~b:1:two"),
            ("end t 3 done", "a b", ""),
        ]);
    }

    #[test]
    fn a_new_task_with_the_same_command_replaces() {
        play(&[
            ("begin t 1 make", "", ""),
            ("add t 1 a:1 one", "a", "a:1:one"),
            ("end t 1 done", "", "a:1:one"),
            ("begin u 1 other", "", "a:1:one"),
            ("end u 1 done", "", "a:1:one"),
            ("begin v 1 make", "a", "~a:1:one"),
            ("end v 1 done", "a", ""),
        ]);
    }

    #[test]
    fn provisional_gives_way() {
        play(&[
            ("begin t 1 test", "", ""),
            ("add t 1 a:5 failed x ?", "a", "a:5:failed"),
            ("add t 1 a:7 failed y ?", "a", "a:5:failed a:7:failed"),
            ("add t 1 b:2 left x", "a b", "a:7:failed b:2:left"),
            ("add t 1 a:5 failed x ?", "", "a:7:failed b:2:left"),
            ("add t 1 b:3 more x", "b", "a:7:failed b:2:left b:3:more"),
            ("end t 1 done", "", "a:7:failed b:2:left b:3:more"),
        ]);
    }

    #[test]
    fn what_is_known_of_a_test_stays_until_its_new_details_come() {
        play(&[
            ("begin t 1 test", "", ""),
            ("add t 1 a:7 left x", "a", "a:7:left"),
            ("add t 1 a:9 left y", "a", "a:7:left a:9:left"),
            ("end t 1 done", "", "a:7:left a:9:left"),
            ("begin t 2 test", "a", "~a:7:left ~a:9:left"),
            ("add t 2 a:5 failed x ?", "a", "a:7:left ~a:9:left"),
            ("end t 2 cancelled", "a", "a:7:left a:9:left"),
            ("begin t 3 test", "a", "~a:7:left ~a:9:left"),
            ("add t 3 a:5 failed x ?", "a", "a:7:left ~a:9:left"),
            ("add t 3 a:8 right x", "a", "a:8:right"),
            ("end t 3 done", "", "a:8:right"),
        ]);
    }

    /// What a person sees of the file `a`.
    fn shown(store: &Store) -> String {
        let shown = store.shown_in(Path::new("a"));
        shown.iter().map(|it| format!("{}.{} {}", it.task, it.run, it.problem.message)).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_test_that_two_commands_run_is_shown_once() {
        let mut store = Store::default();
        let (all, one) = (TaskId::from("all"), TaskId::from("one"));
        let begin = |store: &mut Store, task: &TaskId, run: u32| {
            store.begin_run(task, run, (task.to_string(), PathBuf::from("/w")), None);
        };
        begin(&mut store, &all, 1);
        store.add(&all, 1, 0, problem("a:3 left x"));
        store.add(&all, 1, 0, problem("a:9 left y"));
        store.add(&all, 1, 0, problem("a:12 warned"));
        store.end_run(&all, 1, false);
        begin(&mut store, &one, 1);
        assert_eq!(shown(&store), "all.1 left, all.1 left, all.1 warned");
        let changed = store.add(&one, 1, 0, problem("a:4 right x"));
        assert_eq!(list(&changed), "a");
        store.add(&one, 1, 0, problem("a:5 right x"));
        store.end_run(&one, 1, false);
        assert_eq!(shown(&store), "all.1 left, all.1 warned, one.1 right, one.1 right");
        // Green with one command: the other's failure stands until that is green too.
        begin(&mut store, &one, 2);
        assert_eq!(list(&store.end_run(&one, 2, false)), "a");
        assert_eq!(shown(&store), "all.1 left, all.1 left, all.1 warned");
        begin(&mut store, &all, 2);
        store.end_run(&all, 2, false);
        assert_eq!(shown(&store), "");
    }

    #[test]
    fn too_many_are_counted() {
        let mut store = Store::default();
        let task = TaskId::from("t");
        store.begin_run(&task, 1, ("make".to_owned(), PathBuf::from("/w")), None);
        for line in 0..MAX_PROBLEMS + 5 {
            store.add(&task, 1, 0, problem(&format!("a:{line} {}", if line % 2 == 0 { "error" } else { "warning" })));
        }
        assert_eq!(store.for_file(Path::new("a")).len(), MAX_PROBLEMS);
        assert_eq!(store.counts(&task), (500, 500));
        assert_eq!(store.cut(&task), 5);
    }
}
