//! The ledger: what starts when, runs and their ends, what is told of rows.

use expect_test::expect;
use serde_json::json;

use super::story::{Story, background, by_person, call};
use crate::agent::history::AssistantPart;
use crate::problem::{Finding, Place, Problem, Severity};
use crate::session::event::{Event, Request};
use crate::task::model::{Group, Status, Stdin, StoppedBy, Timestamp};
use crate::task::run::{Ending, RunEnd, RunEvent};

fn with_priority(id: &str, command: &str, priority: i32) -> AssistantPart {
    call(id, "background_run", json!({"command": command, "priority": priority}))
}

fn end(ending: Ending) -> RunEnd {
    RunEnd { ending, at: Timestamp(1), stragglers: 0, tail: String::new(), bytes: 0, lines: 0, truncated: false }
}

#[test]
fn slots_go_by_priority_and_then_by_age() {
    let mut story = Story::with(|settings| settings.slots = 1);
    story.prompt("go");
    story.commit();
    story.answer(vec![
        with_priority("c1", "cargo test one", 0),
        with_priority("c2", "cargo test two", 0),
        with_priority("c3", "cargo test three", 5),
        with_priority("c4", "cargo test four", 5),
        with_priority("c5", "sleep 1", -5),
    ]);
    let mut order = Vec::new();
    while let Some(run) = story.world.runs.iter().find(|run| story.task(run.task.as_str()).group == Group::Test) {
        let task = run.task.to_string();
        order.push(story.task(&task).command.clone());
        story.started(&task);
        story.exits(&task, 0);
    }
    assert_eq!(order, ["cargo test one", "cargo test three", "cargo test four", "cargo test two"]);
    assert_eq!(story.world.runs.len(), 1, "`sleep` takes no slot");
}

#[test]
fn a_row_says_that_it_waits_for_a_slot() {
    let mut story = Story::with(|settings| settings.slots = 1);
    story.request(Request::StartTask(by_person("cargo test", None)));
    story.skip();
    story.request(Request::StartTask(by_person("cargo build", None)));
    story.tells(expect![[r#"
        reply t3.1 queued, delivery none
        save t3.1 queued for slot of t2, delivery none
        row t3.1 queued for slot of t2, delivery none
    "#]]);
    let mut wider = super::story::settings();
    wider.slots = 2;
    story.event(Event::Settings(Box::new(wider)));
    story.tells(expect![[r#"
        save t3.1 queued, delivery none
        row t3.1 queued, delivery none
        start t3.1 `cargo build`
    "#]]);
}

#[test]
fn a_priority_takes_effect_at_the_next_slot() {
    let mut story = Story::with(|settings| settings.slots = 1);
    for command in ["cargo test one", "cargo test two", "cargo test three"] {
        story.request(Request::StartTask(by_person(command, None)));
    }
    let last = story.state.tasks().last().expect("a task").id.clone();
    story.request(Request::SetPriority { task: last.clone(), priority: 1 });
    let first = story.world.runs[0].task.to_string();
    story.started(&first);
    story.exits(&first, 0);
    assert_eq!(story.world.runs[0].task, last);
}

#[test]
fn a_failed_attempt_is_tried_again_in_silence() {
    let mut story = Story::new();
    let input = json!({"command": "cargo test", "retries": 1});
    story.turn("go", vec![call("c1", "background_run", input)]);
    story.commit();
    story.ends("ok");
    story.started("t5");
    story.skip();
    story.exits("t5", 1);
    story.tells(expect![[r#"
        save t5.1 queued attempt 2, delivery none
        row t5.1 queued attempt 2, delivery none
        start t5.1 `cargo test`
    "#]]);
    story.started("t5");
    story.exits("t5", 0);
    story.tells(expect![[r#"
        save t5.1 running attempt 2, delivery none
        row t5.1 running attempt 2, delivery none
        no promote t5.1
        no check in on t5.1
        report t5.1 end succeeded to s1, wakes
        in 250 ms wake s1
        save t5.1 succeeded attempt 2, delivery pending
        row t5.1 succeeded attempt 2, delivery pending
    "#]]);
    assert!(story.task("t5").flaky);
}

#[test]
fn a_stopped_attempt_is_not_tried_again() {
    let mut story = Story::new();
    let mut start = by_person("cargo test", None);
    start.retries = 3;
    story.request(Request::StartTask(start));
    story.started("t2");
    story.request(Request::StopTask { task: Some("t2".into()) });
    story.skip();
    // It ended by itself before the signal came.
    story.exits("t2", 1);
    story.tells(expect![[r#"
        no promote t2.1
        no check in on t2.1
        report t2.1 end failed to nobody
        save t2.1 failed by user, delivery pending
        row t2.1 failed by user, delivery pending
    "#]]);
}

#[test]
fn a_rerun_is_a_new_run_of_the_same_task() {
    let mut story = Story::new();
    story.request(Request::StartTask(by_person("cargo test", None)));
    story.request(Request::RerunTask { task: Some("t2".into()) });
    story.started("t2");
    story.exits("t2", 1);
    story.skip();
    story.request(Request::RerunTask { task: None });
    story.tells(expect![[r#"
        save t2.2 queued, delivery none
        row t2.2 queued, delivery none
        start t2.2 `cargo test`
        reply t2.2 queued, delivery none
    "#]]);
    story.started("t2");
    story.skip();
    // What the first run still had to say.
    story.run("t2", 1, RunEvent::Output { bytes: 9, lines: 9, last_line: "late".into(), truncated: false });
    story.run("t2", 1, RunEvent::Ended(end(Ending::Exited { code: 0 })));
    story.run("t2", 1, RunEvent::Emptied);
    story.tells(expect![[""]]);
    story.exits("t2", 0);
    let runs: Vec<_> = story.task("t2").runs.iter().map(|run| (run.run, run.status, run.exit_code)).collect();
    assert_eq!(runs, [(1, Status::Failed, Some(1)), (2, Status::Succeeded, Some(0))]);
}

#[test]
fn nothing_follows_an_end() {
    let mut story = Story::new();
    story.request(Request::StartTask(by_person("ls", None)));
    story.started("t2");
    story.exits("t2", 0);
    let before = story.task("t2").clone();
    story.skip();
    story.run("t2", 1, RunEvent::Started { pid: 7, at: Timestamp(7) });
    story.run("t2", 1, RunEvent::Ended(end(Ending::Lost)));
    story.request(Request::StopTask { task: Some("t2".into()) });
    assert_eq!(*story.task("t2"), before);
    story.tells(expect![[r#"
        reply t2.1 succeeded, delivery pending
    "#]]);
}

#[test]
fn a_status_is_what_the_system_reported() {
    let rows = [
        (Ending::Exited { code: 0 }, Status::Succeeded, Some(0), None, None),
        (Ending::Exited { code: 3 }, Status::Failed, Some(3), None, None),
        (Ending::Signaled { signal: 11 }, Status::Failed, None, Some(11), None),
        (Ending::Stopped { code: None, signal: Some(9) }, Status::Killed, None, Some(9), Some(StoppedBy::User)),
        (Ending::TimedOut { code: None, signal: Some(15) }, Status::TimedOut, None, Some(15), None),
        (Ending::OverLimit { code: Some(1), signal: None }, Status::Killed, Some(1), None, Some(StoppedBy::Limit)),
        (Ending::NotStarted { reason: "no such folder".into() }, Status::Failed, None, None, None),
        (Ending::Lost, Status::Interrupted, None, None, None),
    ];
    for (ending, status, code, signal, by) in rows {
        let mut story = Story::new();
        story.request(Request::StartTask(by_person("ls", None)));
        story.started("t2");
        story.ended("t2", ending.clone());
        let task = story.task("t2");
        assert_eq!(
            (task.status, task.exit_code, task.signal, task.stopped_by),
            (status, code, signal, by),
            "{ending:?}"
        );
        assert_eq!((task.runs[0].status, task.runs[0].exit_code), (status, code));
    }
}

#[test]
fn what_a_command_leaves_behind_is_counted_and_stopped() {
    let mut story = Story::new();
    story.request(Request::StartTask(by_person("./serve.sh", None)));
    story.started("t2");
    story.world.runs.clear();
    story.run("t2", 1, RunEvent::Ended(RunEnd { stragglers: 2, ..end(Ending::Exited { code: 0 }) }));
    story.skip();
    story.request(Request::DismissTask { task: "t2".into() });
    story.request(Request::StopTask { task: Some("t2".into()) });
    story.run("t2", 1, RunEvent::Emptied);
    story.tells(expect![[r#"
        refused State { kind: "running", message: "task t2 is running", remedy: "Stop it first, then dismiss it." }
        stop t2.1
        save t2.1 succeeded stopping, delivery pending
        row t2.1 succeeded stopping, delivery pending
        reply t2.1 succeeded stopping, delivery pending
        save t2.1 succeeded, delivery pending
        row t2.1 succeeded, delivery pending
    "#]]);
    let task = story.task("t2");
    assert_eq!((task.status, task.stopped_by, task.stragglers), (Status::Succeeded, None, 0));
}

#[test]
fn unsaved_text_is_noted_in_the_row_and_in_the_report() {
    let mut story = Story::new();
    story.unsaved("/w/src/a.rs");
    story.unsaved("/elsewhere/b.rs");
    story.turn("go", vec![background("c1", "cargo test")]);
    assert_eq!(story.task("t5").unsaved, [std::path::PathBuf::from("/w/src/a.rs")]);
    story.started("t5");
    story.exits("t5", 1);
    story.commit();
    story.ends("ok");
    story.wakes();
    story.history(expect![[r#"
        user{[Context from the editor. Unsaved in the editor: /w/src/a.rs.], "go"}
        assistant{c1 background_run}
        user{c1 = "Started in the background as t5. Go on with other work or end your turn: you are told when it ends."}
        assistant{"ok"}
        user{<t5 failed The run did not include unsaved text in the editor: src/a.rs. It saw the files as they are on disk.>}"#]]);
}

#[test]
fn findings_become_diagnostics_and_counts() {
    let mut story = Story::new();
    story.request(Request::StartTask(by_person("cargo build", None)));
    story.started("t2");
    story.skip();
    let place = Place { file: "/w/a.rs".into(), line: Some(3), column: Some(1), end_line: None, end_column: None };
    let problem = Problem {
        place,
        severity: Severity::Error,
        message: "mismatched types".into(),
        detail: None,
        code: Some("E0308".into()),
        tool: "rustc".into(),
        test: None,
        related: Vec::new(),
        provisional: false,
        applies: Default::default(),
    };
    story.run("t2", 1, RunEvent::Findings(vec![Finding::Problem(problem)]));
    story.exits("t2", 101);
    story.tells(expect![[r#"
        1 problems in /w/a.rs
        row t2.1 running, delivery none
        no promote t2.1
        no check in on t2.1
        report t2.1 end failed to nobody
        save t2.1 failed, delivery pending
        row t2.1 failed, delivery pending
    "#]]);
    assert_eq!((story.task("t2").errors, story.task("t2").summary.as_deref()), (1, Some("1 error")));
}

#[test]
fn input_reaches_only_commands_that_read_it() {
    let mut story = Story::new();
    let mut start = by_person("read x", None);
    start.stdin = Stdin::Pipe;
    story.request(Request::StartTask(start));
    story.request(Request::StartTask(by_person("ls", None)));
    story.skip();
    for task in ["t2", "t3"] {
        story.request(Request::Input { task: Some(task.into()), text: "yes\n".into(), eof: false });
    }
    story.tells(expect![[r#"
        t2.1 Input { text: "yes\n", eof: false }
        refused State { kind: "no_input", message: "task t3 reads from nothing", remedy: "Start it with `stdin` \"pipe\" or \…
    "#]]);
}

#[test]
fn a_queued_task_that_is_stopped_never_starts() {
    let mut story = Story::with(|settings| settings.slots = 1);
    story.turn("go", vec![background("c1", "cargo test one"), background("c2", "cargo test two")]);
    let second = story.state.tasks()[1].id.clone();
    story.skip();
    story.request(Request::StopTask { task: Some(second.clone()) });
    story.tells(expect![[r#"
        no promote t6.1
        no check in on t6.1
        report t6.1 end killed to s1
        save t6.1 killed by user, delivery pending
        row t6.1 killed by user, delivery pending
        reply t6.1 killed by user, delivery pending
    "#]]);
    story.started("t5");
    story.exits("t5", 0);
    assert_eq!(story.world.runs, []);
}
