//! A run beside the earlier ones of its command: what its summary, its failures and its notification say.

use expect_test::expect;
use serde_json::json;

use super::story::{Story, background, bash, by_person, call, idle, read, write};
use crate::ids::TaskId;
use crate::problem::{Counts, Finding, Place, Problem, Severity};
use crate::session::event::{Event, OnlyTests, Request};
use crate::task::model::Origin;
use crate::task::run::{Ending, RunId};

/// The files that the newest run of a task is run on.
fn on(story: &mut Story, task: &str, files: &str) {
    let run = story.task(task).run;
    let id = RunId { task: task.into(), run };
    story.event(Event::Fingerprinted { id, fingerprint: Some(files.into()) });
}

/// A run of a task, from its start to its end.
fn runs(story: &mut Story, task: &str, files: &str, tests: &str) {
    if story.task(task).started_at.is_none() {
        story.started(task);
    }
    on(story, task, files);
    story.tests(task, tests, "assert 1 == 2");
    story.exits(task, i32::from(tests.contains('-')));
}

fn rerun(story: &mut Story, task: &str) {
    story.request(Request::RerunTask { task: Some(task.into()) });
}

fn summary(story: &Story, task: &str) -> String {
    story.task(task).summary.clone().unwrap_or_default()
}

/// The newest report of a task, without what does not matter here.
fn report(story: &Story, task: &str) -> String {
    let task = TaskId::from(task);
    let stored = story.world.reports.iter().rev().find(|stored| stored.report.key.task == task).expect("a report");
    let report = &stored.report;
    let mut lines = vec![report.summary.clone().unwrap_or_default()];
    lines.extend(report.failures.iter().cloned());
    lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n")
}

#[test]
fn a_rerun_says_what_is_new_what_still_fails_and_what_was_fixed() {
    let mut story = idle();
    runs(&mut story, "t5", "a", "one- two- three+ four+");
    rerun(&mut story, "t5");
    runs(&mut story, "t5", "b", "one+ two- three- four-");
    assert_eq!(summary(&story, "t5"), "1 passed, 3 failed (2 new, 1 still failing, 1 fixed since run 1)");
    expect![[r#"
        1 passed, 3 failed (2 new, 1 still failing, 1 fixed since run 1)
        three: assert 1 == 2 (new)
        four: assert 1 == 2 (new)
        two: assert 1 == 2 (still failing)
        note: Rerun by the user."#]]
    .assert_eq(&report(&story, "t5"));
}

#[test]
fn a_new_task_of_the_same_command_is_compared_with_the_last_one() {
    let mut story = Story::new();
    story.request(Request::StartTask(by_person("cargo test", None)));
    let first = story.world.runs[0].task.to_string();
    runs(&mut story, &first, "a", "one-");
    story.request(Request::StartTask(by_person("cargo test", None)));
    let second = story.world.runs[0].task.to_string();
    runs(&mut story, &second, "b", "one+");
    assert_eq!(summary(&story, &second), format!("1 passed, 0 failed (1 fixed since {first})"));
    story.request(Request::StartTask(by_person("cargo test --all", None)));
    let other = story.world.runs[0].task.to_string();
    runs(&mut story, &other, "b", "one-");
    assert_eq!(summary(&story, &other), "0 passed, 1 failed", "another command has a past of its own");
}

#[test]
fn what_an_unchanged_workspace_turns_green_was_not_fixed() {
    let mut story = idle();
    runs(&mut story, "t5", "a", "one-");
    rerun(&mut story, "t5");
    runs(&mut story, "t5", "a", "one+");
    assert_eq!(summary(&story, "t5"), "1 passed, 0 failed (1 passed without a change (flaky?) since run 1)");
}

#[test]
fn what_a_run_writes_itself_is_no_repair() {
    let mut story = idle();
    story.world.writes = true;
    runs(&mut story, "t5", "a", "one-");
    rerun(&mut story, "t5");
    runs(&mut story, "t5", "a*", "one+");
    assert_eq!(summary(&story, "t5"), "1 passed, 0 failed (1 now passes since run 1)");
    // Who edits while it runs has changed something.
    rerun(&mut story, "t5");
    story.started("t5");
    story.event(Event::DocumentEdited { path: "/w/a.rs".into(), start: 1, old_end: 1, new_lines: 1 });
    runs(&mut story, "t5", "b", "one-");
    rerun(&mut story, "t5");
    runs(&mut story, "t5", "b*", "one+");
    assert_eq!(summary(&story, "t5"), "1 passed, 0 failed (1 fixed since run 3)");
}

#[test]
fn a_run_that_was_stopped_is_no_base_for_what_it_did_not_reach() {
    let mut story = idle();
    runs(&mut story, "t5", "a", "one- two-");
    rerun(&mut story, "t5");
    story.started("t5");
    on(&mut story, "t5", "b");
    story.tests("t5", "one-", "assert 1 == 2");
    story.request(Request::StopTask { task: Some("t5".into()) });
    story.ended("t5", Ending::Stopped { code: None, signal: Some(15) });
    assert_eq!(summary(&story, "t5"), "0 passed, 1 failed (1 still failing since run 1)");
    rerun(&mut story, "t5");
    runs(&mut story, "t5", "c", "one- two-");
    assert_eq!(summary(&story, "t5"), "0 passed, 2 failed (2 still failing since run 2)");
}

#[test]
fn the_past_outlives_the_sidecar() {
    let mut story = idle();
    runs(&mut story, "t5", "a", "one-");
    let pasts = std::mem::take(&mut story.world.pasts);
    let mut next = Story::new();
    next.world.pasts = pasts;
    next.request(Request::StartTask(by_person("cargo test", None)));
    let task = next.world.runs[0].task.to_string();
    runs(&mut next, &task, "b", "one+");
    assert_eq!(summary(&next, &task), "1 passed, 0 failed (1 fixed since t5)");
}

#[test]
fn an_end_that_comes_before_the_past_waits_for_it() {
    let mut story = Story::new();
    story.quick_past = false;
    story.request(Request::StartTask(by_person("cargo test", None)));
    let task = story.world.runs[0].task.to_string();
    runs(&mut story, &task, "a", "one-");
    assert!(!story.task(&task).status.is_final());
    story.past_read();
    assert!(story.task(&task).status.is_final());
    assert_eq!(summary(&story, &task), "0 passed, 1 failed");
}

#[test]
fn what_failed_on_the_days_first_run_had_failed_before_the_agent_began() {
    const SAYS: &str = "0 passed, 1 failed (failed before you began)";
    let first = |parts| {
        let mut story = Story::new();
        story.turn("go", parts);
        while !story.world.tools.is_empty() {
            let (session, turn, call) = story.world.tools.remove(0);
            let diff = crate::agent::history::FileDiff {
                path: "/w/a".into(),
                old_text: None,
                new_text: "x".into(),
                new_folders: 0,
            };
            let diffs = if call.as_str().starts_with('e') { vec![diff] } else { Vec::new() };
            let result = Ok(crate::tool::Output { diffs, ..crate::tool::Output::default() });
            story.event(Event::ToolDone { session, turn, call, result });
        }
        story.commit();
        if story.world.runs.is_empty() {
            story.answer(vec![background("c9", "cargo test")]);
            story.commit();
        }
        let task = story.world.runs.last().expect("a run").task.to_string();
        runs(&mut story, &task, "a", "one-");
        (story, task)
    };
    let (mut story, task) = first(vec![background("c1", "cargo test")]);
    expect![[r#"
        0 passed, 1 failed (failed before you began)
        one: assert 1 == 2 (failed before you began)
        note: What failed had failed before you began: nothing was changed in this session before this run."#]]
    .assert_eq(&report(&story, &task));
    assert_eq!(summary(&story, &task), "0 passed, 1 failed", "the row is for people");
    // The second run of the day is about the agent's own work.
    story.ends("ok");
    story.wakes();
    story.commit();
    story.answer(vec![background("c2", "cargo test")]);
    story.commit();
    let task = story.world.runs[0].task.to_string();
    runs(&mut story, &task, "b", "one-");
    assert_eq!(report(&story, &task).lines().next(), Some("0 passed, 1 failed (1 still failing since t5)"));

    let (story, task) = first(vec![read("c1")]);
    assert_eq!(report(&story, &task).lines().next(), Some(SAYS), "who only read has changed nothing");
    let (story, task) = first(vec![write("e1")]);
    assert_eq!(report(&story, &task).lines().next(), Some("0 passed, 1 failed"), "after an edit nobody knows");
    let (story, task) = first(vec![background("c1", "cargo fmt"), background("c2", "cargo test")]);
    assert_eq!(
        report(&story, &task).lines().next(),
        Some("0 passed, 1 failed"),
        "after a command that may change files"
    );
}

#[test]
fn two_hundred_failures_of_one_cause_are_told_once() {
    let mut story = idle();
    let names: Vec<String> = (0..200).map(|n| format!("db::test_{n}-")).collect();
    story.tests("t5", &names.join(" "), "Error: connect ECONNREFUSED 127.0.0.1:5432");
    story.tests("t5", "math::adds-", "assert 3 == 4");
    story.exits("t5", 1);
    let text = report(&story, "t5");
    assert!(
        text.contains(
            "200 tests failed for one reason: connection refused 127.0.0.1:5432 (probably not the code): db::test_0, \
             db::test_1, db::test_2, db::test_3 and 196 more"
        ),
        "{text}"
    );
    assert!(text.contains("\nmath::adds: assert 3 == 4"), "{text}");
    assert!(!text.contains("db::test_7:"), "{text}");
}

#[test]
fn a_test_that_passed_at_the_second_try_is_named() {
    let mut story = Story::new();
    story.turn("go", vec![call("c1", "background_run", json!({"command": "cargo test", "retries": 1}))]);
    story.commit();
    story.started("t5");
    story.tests("t5", "one- two+", "assert 1 == 2");
    story.exits("t5", 1);
    story.started("t5");
    story.tests("t5", "one+ two+", "");
    story.exits("t5", 0);
    assert!(story.task("t5").flaky);
    expect![[r#"
        2 passed, 0 failed
        note: Flaky? It passed at attempt 2 without a change. Failed before: one."#]]
    .assert_eq(&report(&story, "t5"));
}

#[test]
fn a_foreground_command_tells_what_has_changed() {
    let mut story = idle();
    runs(&mut story, "t5", "a", "one- two+");
    story.wakes();
    story.commit();
    story.answer(vec![bash("c2", "cargo test")]);
    let task = story.world.runs[0].task.to_string();
    story.started(&task);
    let id = RunId { task: task.as_str().into(), run: 1 };
    story.event(Event::Fingerprinted { id, fingerprint: Some("b".into()) });
    story.tests(&task, "one+ two+", "");
    story.exits(&task, 0);
    story.skip();
    story.output_read("ok");
    story.tells(expect![[r#"
        call c2 completed: ok⏎2 passed, 0 failed (1 fixed since t5)
        append 6: user{c2 = "ok⏎2 passed, 0 failed (1 fixed since t5)"}
    "#]]);
}

#[test]
fn every_run_says_who_asked_for_it() {
    let mut story = idle();
    story.exits("t5", 1);
    rerun(&mut story, "t5");
    let task = story.task("t5");
    let by: Vec<_> = task.runs.iter().map(|run| (run.started_by, run.session.is_some())).collect();
    assert_eq!(by, [(Some(Origin::Agent), true), (Some(Origin::User), false)]);
}

#[test]
fn a_verdict_that_the_tests_contradict_says_so() {
    for (tests, code, said) in [
        ("one+ two-", 0, "1 passed, 1 failed; but the command says that it succeeded"),
        ("one+ two+", 3, "2 passed, 0 failed; but the command failed (3)"),
        ("one+ two+", 0, "2 passed, 0 failed"),
        ("one+ two-", 1, "1 passed, 1 failed"),
    ] {
        let mut story = idle();
        story.tests("t5", tests, "assert 1 == 2");
        story.exits("t5", code);
        assert_eq!(summary(&story, "t5"), said);
    }
    let mut story = idle();
    story.finds("t5", vec![Finding::Total(0)]);
    story.exits("t5", 0);
    assert_eq!(summary(&story, "t5"), "no test was run");
}

#[test]
fn what_was_left_out_is_said_behind_what_was_found() {
    let left_out = |text: &str| Finding::LeftOut(text.to_owned());
    for (tests, said) in
        [("one+ two-", "1 passed, 1 failed; 2 lines were cut; 3 were lost"), ("", "2 lines were cut; 3 were lost")]
    {
        let mut story = idle();
        if !tests.is_empty() {
            story.tests("t5", tests, "assert 1 == 2");
        }
        story.finds("t5", vec![left_out("2 lines were cut"), left_out("3 were lost")]);
        story.exits("t5", 1);
        assert_eq!(summary(&story, "t5"), said);
    }
}

#[test]
fn how_often_a_test_has_failed_is_said() {
    let mut story = idle();
    runs(&mut story, "t5", "a", "one+ two-");
    for (files, tests) in [("b", "one- two-"), ("c", "one+ two-"), ("d", "one- two-")] {
        rerun(&mut story, "t5");
        runs(&mut story, "t5", files, tests);
    }
    expect![[r#"
        0 passed, 2 failed (1 new, 1 still failing since run 3)
        one: assert 1 == 2 (new; failed 2 of 4)
        two: assert 1 == 2 (still failing)
        note: Rerun by the user."#]]
    .assert_eq(&report(&story, "t5"));
}

#[test]
fn the_failed_tests_run_alone_and_the_others_keep_their_results() {
    let mut story = idle();
    runs(&mut story, "t5", "a", "one- two- three+");
    story.request(Request::RerunTests { task: "t5".into(), only: OnlyTests::Failed });
    assert_eq!(story.task("t5").ran(), "cargo test -- --exact one two");
    runs(&mut story, "t5", "b", "one+ two-");
    assert_eq!(summary(&story, "t5"), "1 passed, 1 failed (1 still failing, 1 fixed since run 1)");
    story.request(Request::RerunTests { task: "t5".into(), only: OnlyTests::These(vec!["two".into()]) });
    runs(&mut story, "t5", "c", "two+");
    rerun(&mut story, "t5");
    assert_eq!(story.task("t5").ran(), "cargo test", "the next one is whole again");
    runs(&mut story, "t5", "c", "one+ two+ three-");
    assert_eq!(summary(&story, "t5"), "2 passed, 1 failed (1 new since run 3)");
    story.skip();
    story.request(Request::RerunTests { task: "t5".into(), only: OnlyTests::These(vec!["it's".into()]) });
    assert_eq!(story.task("t5").ran(), r"cargo test -- --exact 'it'\''s'");
}

/// The diagnostic of a failed test.
fn failure(test: &str, line: u32) -> Finding {
    let place = Place { file: "/w/a.rs".into(), line: Some(line), column: None, end_line: None, end_column: None };
    Finding::Problem(Problem {
        place,
        severity: Severity::Error,
        message: "assert 1 == 2".into(),
        detail: None,
        code: None,
        tool: "cargo test".into(),
        test: Some(test.into()),
        related: Vec::new(),
        provisional: false,
        applies: Default::default(),
    })
}

#[test]
fn the_failed_tests_are_all_whose_failures_stand() {
    let mut story = idle();
    story.finds("t5", vec![failure("one", 3), failure("two", 9)]);
    runs(&mut story, "t5", "a", "one- two- three+");
    story.request(Request::RerunTests { task: "t5".into(), only: OnlyTests::These(vec!["one".into()]) });
    story.started("t5");
    story.finds("t5", vec![failure("one", 3)]);
    runs(&mut story, "t5", "a", "one-");
    story.request(Request::RerunTests { task: "t5".into(), only: OnlyTests::Failed });
    assert_eq!(story.task("t5").ran(), "cargo test -- --exact one two", "two was not run since");
}

#[test]
fn a_test_that_a_narrowed_run_did_not_find_still_fails() {
    let mut story = idle();
    story.finds("t5", vec![failure("one", 3), failure("two", 9)]);
    runs(&mut story, "t5", "a", "one- two- three+");
    story.request(Request::RerunTests { task: "t5".into(), only: OnlyTests::These(vec!["one".into()]) });
    story.started("t5");
    story.finds("t5", vec![Finding::Counts(Counts { passed: 0, failed: 0, skipped: 3 })]);
    story.exits("t5", 0);
    assert_eq!(summary(&story, "t5"), "0 passed, 0 failed, 3 skipped; no test was run");
    story.request(Request::RerunTests { task: "t5".into(), only: OnlyTests::Failed });
    assert_eq!(story.task("t5").ran(), "cargo test -- --exact one two");
}

#[test]
fn more_failed_tests_than_a_command_line_names_run_with_the_whole_command() {
    let mut story = idle();
    let all: Vec<String> = (0..201).map(|number| format!("t{number}-")).collect();
    runs(&mut story, "t5", "a", &all.join(" "));
    story.request(Request::RerunTests { task: "t5".into(), only: OnlyTests::Failed });
    assert_eq!((story.task("t5").run, story.task("t5").ran()), (2, "cargo test"));
}

#[test]
fn subtests_speak_for_their_test() {
    let mut story = idle();
    runs(&mut story, "t5", "a", "TestTable/one- TestTable/two+ TestTable- TestAlone-");
    let told = report(&story, "t5");
    assert!(!told.contains("TestTable:"), "{told}");
    rerun(&mut story, "t5");
    runs(&mut story, "t5", "b", "TestTable/one- TestTable/two+ TestTable- TestAlone-");
    assert!(summary(&story, "t5").contains("(2 still failing since run 1)"), "{}", summary(&story, "t5"));
}

#[test]
fn what_cannot_be_narrowed_is_refused_and_stays_as_it_is() {
    let mut story = Story::new();
    story.request(Request::StartTask(by_person("make check", None)));
    let task = story.world.runs[0].task.to_string();
    runs(&mut story, &task, "a", "one+");
    for only in [OnlyTests::Failed, OnlyTests::These(vec!["one".into()])] {
        story.skip();
        story.request(Request::RerunTests { task: task.as_str().into(), only });
        assert!(story.log().contains("not_narrowed"), "{}", story.log());
        assert_eq!(story.task(&task).run, 1);
    }
}
