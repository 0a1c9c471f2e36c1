//! Tasks that file changes start again: the rule as a table, and its runs in the ledger.

use std::path::PathBuf;

use expect_test::expect;
use proptest::prelude::*;

use super::story::{Story, by_person};
use crate::session::effect::Effect;
use crate::session::event::{Event, Loaded, Request, StartTask, Timer};
use crate::session::watching::{Span, Watcher};

use crate::task::model::{OnExit, Origin, Status, StoppedBy, Task, Timestamp, Watch};
use crate::task::run::{Change, Ending, RunControl};

fn at(path: &str, at: u64, created: bool) -> Change {
    Change { path: PathBuf::from(path), at: Timestamp(at), created }
}

fn change(path: &str, ms: u64) -> Change {
    at(path, ms, false)
}

const RUNS: Span = Span::Runs(Timestamp(1_000));
const OVER: Span = Span::Over(Timestamp(1_000));

/// A watcher whose runs have written these paths, oldest run first.
fn after(runs: &[&[(&str, bool)]]) -> Watcher {
    let mut watcher = Watcher::default();
    for run in runs {
        for (path, created) in *run {
            watcher.counts(&at(path, 1_000, *created), RUNS);
        }
        watcher.begins();
    }
    watcher
}

#[test]
fn a_change_between_runs_counts() {
    let mut watcher = after(&[&[("/w/out", false)], &[("/w/out", false)]]);
    assert!(watcher.counts(&change("/w/a", 5_000), OVER));
    assert!(watcher.counts(&change("/w/out", 5_000), OVER), "also of a file that runs write");
    assert!(!watcher.counts(&change("/w/out", 1_200), OVER), "a last write is seen late");
    assert!(!watcher.counts(&change("/w/a", 5_000), Span::Waits), "the run that waits will see it");
    assert!(!watcher.counts(&change("/w/a", 900), RUNS), "the run has seen it");
}

#[test]
fn what_two_runs_have_written_is_the_commands() {
    let written: &[(&str, bool)] = &[("/w/out", false)];
    assert!(after(&[]).counts(&change("/w/out", 2_000), RUNS));
    assert!(after(&[written]).counts(&change("/w/out", 2_000), RUNS));
    assert!(!after(&[written, written]).counts(&change("/w/out", 2_000), RUNS));
    assert!(after(&[written, written]).counts(&change("/w/a", 2_000), RUNS));
    // A run that left it alone shows that it is not what every run writes.
    assert!(after(&[written, written, &[]]).counts(&change("/w/out", 2_000), RUNS));
}

#[test]
fn new_files_of_other_names_are_the_commands_too() {
    let runs: &[&[(&str, bool)]] = &[&[("/w/tmp/1", true)], &[("/w/tmp/2", true)]];
    assert!(!after(runs).counts(&at("/w/tmp/3", 2_000, true), RUNS));
    assert!(after(runs).counts(&at("/w/src/3", 2_000, true), RUNS));
    assert!(after(runs).counts(&change("/w/tmp/source", 2_000), RUNS), "it was there before");
}

#[test]
fn a_save_always_counts() {
    let written: &[(&str, bool)] = &[("/w/a", false)];
    let mut watcher = after(&[written, written]);
    assert!(!watcher.was_saved(&PathBuf::from("/w/a"), Timestamp(2_000)));
    assert!(watcher.counts(&change("/w/a", 2_005), RUNS));
    assert!(!watcher.counts(&change("/w/a", 2_100), RUNS), "one save is one change");
    // The word of the save may come behind the change.
    assert!(watcher.was_saved(&PathBuf::from("/w/a"), Timestamp(2_200)));
    assert!(!watcher.was_saved(&PathBuf::from("/w/a"), Timestamp(2_300)));
    assert!(!watcher.counts(&change("/w/a", 9_000), RUNS), "that save was long ago");
}

proptest! {
    /// A command that writes the same files in every run, or new ones in the same folders, comes to rest.
    #[test]
    fn a_command_that_writes_comes_to_rest(files in proptest::collection::vec((0..4_u8, any::<bool>()), 1..8)) {
        let mut watcher = Watcher::default();
        let mut runs = 0;
        loop {
            runs += 1;
            let again = files.iter().enumerate().map(|(at_index, (folder, unique))| {
                let name = if *unique { format!("/w/{folder}/{runs}-{at_index}") } else { format!("/w/{folder}/{at_index}") };
                at(&name, 2_000, *unique || runs == 1)
            }).filter(|change| watcher.counts(change, RUNS)).count();
            if again == 0 {
                break;
            }
            watcher.begins();
        }
        prop_assert!(runs <= 3, "{runs} runs");
    }
}

fn watch(restart: bool, on_exit: OnExit) -> Watch {
    Watch { paths: Vec::new(), ignore: Vec::new(), debounce_ms: 300, restart, on_exit }
}

/// A person's watched `t1`; its first run is alive.
fn watched(watch: Watch) -> Story {
    let mut story = Story::new();
    let start = StartTask { watch: Some(watch), ..by_person("cargo test", None) };
    story.request(Request::StartTask(start));
    let id = story.world.runs[0].task.to_string();
    assert_eq!(id, "t2");
    assert!(story.effects.iter().any(|effect| matches!(effect, Effect::Watch { .. })));
    story.started(&id);
    story.now += 10_000;
    story.skip();
    story
}

fn changed(story: &mut Story, paths: &[&str]) {
    let changes = paths.iter().map(|path| change(path, story.now)).collect();
    story.event(Event::FilesChanged { task: "t2".into(), changes });
}

/// The end was seen: the next run follows.
fn again(story: &mut Story) {
    story.timer(Timer::Again("t2".into()));
}

#[test]
fn a_stop_between_an_end_and_the_next_run_is_final() {
    let mut story = watched(watch(false, OnExit::None));
    changed(&mut story, &["/w/a.rs"]);
    story.exits("t2", 0);
    story.request(Request::StopTask { task: Some("t2".into()) });
    again(&mut story);
    assert_eq!((story.task("t2").run, story.task("t2").status), (1, Status::Succeeded));
}

#[test]
fn what_a_run_writes_before_its_start_is_known_counts() {
    let mut story = watched(watch(false, OnExit::None));
    story.exits("t2", 0);
    story.now += 10_000;
    changed(&mut story, &["/w/a.rs"]);
    story.event(Event::FilesChanged { task: "t2".into(), changes: vec![change("/w/out", story.now + 5)] });
    story.started("t2");
    story.exits("t2", 0);
    again(&mut story);
    assert_eq!(story.task("t2").run, 3);
    story.started("t2");
    story.exits("t2", 0);
    assert!(!story.world.timers.contains(&Timer::Again("t2".into())), "nothing was written in the last run");
}

#[test]
fn a_change_starts_the_next_run_and_nobody_is_told_of_its_end() {
    let mut story = watched(watch(false, OnExit::None));
    story.exits("t2", 0);
    story.now += 10_000;
    story.skip();
    changed(&mut story, &["/w/a.rs", "/w/b.rs"]);
    story.started("t2");
    story.exits("t2", 1);
    story.tells(expect![[r#"
        save t2.2 queued, delivery none
        row t2.2 queued, delivery none
        start t2.2 `cargo test`
        save t2.2 running, delivery none
        row t2.2 running, delivery none
        no promote t2.2
        no check in on t2.2
        save t2.2 failed, delivery none
        row t2.2 failed, delivery none
    "#]]);
    let task = story.task("t2");
    assert_eq!((task.runs[0].started_by, task.runs[1].started_by), (Some(Origin::User), Some(Origin::Watch)));
    assert_eq!(task.status, Status::Failed, "between runs the row has the last verdict");
}

#[test]
fn changes_during_a_run_are_one_more_run() {
    let mut story = watched(watch(false, OnExit::None));
    changed(&mut story, &["/w/a.rs"]);
    changed(&mut story, &["/w/b.rs"]);
    changed(&mut story, &["/w/a.rs"]);
    story.tells(expect![""]);
    story.exits("t2", 0);
    assert_eq!(story.task("t2").status, Status::Succeeded, "its end is seen before the next run");
    again(&mut story);
    assert_eq!(story.task("t2").run, 2);
    story.started("t2");
    story.exits("t2", 0);
    assert_eq!((story.task("t2").run, story.world.timers.len()), (2, 0), "one more, and no further");
}

#[test]
fn its_end_is_told_when_that_was_asked_for() {
    let mut story = watched(watch(false, OnExit::Wake));
    story.exits("t2", 0);
    story.now += 10_000;
    changed(&mut story, &["/w/a.rs"]);
    story.started("t2");
    story.exits("t2", 1);
    assert!(story.world.outbox.keys().any(|key| key.run == 2 && key.about == "end"));
}

#[test]
fn with_restart_a_change_stops_the_run_that_is_alive() {
    let mut story = watched(watch(true, OnExit::None));
    changed(&mut story, &["/w/a.rs"]);
    changed(&mut story, &["/w/b.rs"]);
    story.tells(expect![[r#"
        stop t2.1
        save t2.1 running stopping by exit, delivery none
        row t2.1 running stopping by exit, delivery none
    "#]]);
    story.ended("t2", Ending::Stopped { code: None, signal: Some(15) });
    again(&mut story);
    let task = story.task("t2");
    assert_eq!((task.run, task.runs[0].status, task.stopped_by), (2, Status::Killed, None));
    assert!(story.world.reports.is_empty(), "a restart is no news");
}

#[test]
fn a_stop_ends_the_watching_also_between_runs() {
    for alive in [true, false] {
        let mut story = watched(watch(false, OnExit::None));
        if !alive {
            story.exits("t2", 0);
        }
        changed(&mut story, &[]);
        story.request(Request::StopTask { task: Some("t2".into()) });
        assert!(story.effects.iter().any(|effect| matches!(effect, Effect::Unwatch(_))));
        let stops = |effect: &&Effect| matches!(effect, Effect::Control(_, RunControl::Stop));
        assert_eq!(story.effects.iter().filter(stops).count(), usize::from(alive));
        if alive {
            story.ended("t2", Ending::Stopped { code: None, signal: Some(15) });
            assert_eq!(story.task("t2").stopped_by, Some(StoppedBy::User));
        }
        story.now += 10_000;
        changed(&mut story, &["/w/a.rs"]);
        assert_eq!((story.task("t2").run, &story.task("t2").watch), (1, &None));
    }
}

/// Other windows read in the store what they show.
#[test]
fn watching_that_ended_with_its_server_is_over_in_the_store_too() {
    for stragglers in [0, 1] {
        let mut before = watched(watch(false, OnExit::None));
        before.exits("t2", 0);
        let left = Task { stragglers, ..before.task("t2").clone() };
        let story = Story::loaded(Loaded { tasks: vec![left], ..Loaded::default() }, |_| {});
        let stored = story.world.tasks.get(&"t2".into()).map(|task| &task.watch);
        assert_eq!(stored, Some(&None), "{stragglers} left");
    }
}

#[test]
fn a_person_may_stop_what_a_change_was_about_to_restart() {
    let mut story = watched(watch(true, OnExit::None));
    changed(&mut story, &["/w/a.rs"]);
    story.request(Request::StopTask { task: Some("t2".into()) });
    story.ended("t2", Ending::Stopped { code: None, signal: Some(15) });
    let task = story.task("t2");
    assert_eq!((task.run, task.status, task.stopped_by), (1, Status::Killed, Some(StoppedBy::User)));
}

#[test]
fn an_edit_of_the_editor_counts_also_where_runs_write() {
    let mut story = watched(watch(false, OnExit::None));
    // Two runs that write the file, as all do: the third is quiet.
    for run in 2..=3 {
        changed(&mut story, &["/w/a.rs"]);
        story.exits("t2", 0);
        again(&mut story);
        assert_eq!(story.task("t2").run, run);
        story.now += 10_000;
        story.started("t2");
        story.now += 10;
    }
    changed(&mut story, &["/w/a.rs"]);
    story.now += 50;
    story.event(Event::DocumentSaved { path: "/w/a.rs".into() });
    story.exits("t2", 0);
    again(&mut story);
    assert_eq!(story.task("t2").run, 4);
}

#[test]
fn a_watch_that_cannot_be_kept_is_said() {
    let mut story = watched(watch(false, OnExit::None));
    story.event(Event::WatchFailed { task: "t2".into(), why: "no more watches.".into() });
    story.tells(expect![[r#"
        Unwatch(TaskId("t2"))
        save t2.1 running, delivery none
        row t2.1 running, delivery none
        say "`cargo test` is not run again on changes: no more watches."
    "#]]);
    assert_eq!(story.task("t2").watch, None);
}
