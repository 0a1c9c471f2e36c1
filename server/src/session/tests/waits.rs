//! Waiting well: a sleep ends with what it waits for, a second look says when nothing is new, a long task is told of once.

use expect_test::expect;
use serde_json::json;

use super::story::{Story, background, bash, by_person, call, check, idle, words};
use crate::agent::approval::{Mode, Rule, Said};
use crate::agent::history::Item;
use crate::agent::notification::Key;
use crate::session::event::{Choice, Request, Timer};
use crate::task::model::StoppedBy;
use crate::task::run::Ending;

fn stopped() -> Ending {
    Ending::Stopped { code: None, signal: Some(15) }
}

/// `t5` runs in the background, and the model sleeps in the foreground as the second run.
fn sleeping(command: &str) -> (Story, String) {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test")]);
    story.commit();
    story.started("t5");
    story.answer(vec![bash("c2", command)]);
    let wait = story.world.runs.last().expect("a run").task.to_string();
    story.started(&wait);
    story.skip();
    (story, wait)
}

fn list(id: &str) -> crate::agent::history::AssistantPart {
    call(id, "check_background", json!({}))
}

/// The text of the newest result of a call.
fn result(story: &Story, call: &str) -> String {
    let mut results = story.items().iter().filter_map(|item| match &**item {
        Item::User(item) => item.results.iter().find(|result| result.call.as_str() == call),
        Item::Assistant(_) | Item::Compaction(_) => None,
    });
    results.next_back().unwrap_or_else(|| panic!("{call} has no result")).text.clone()
}

#[test]
fn a_sleep_ends_with_the_task_that_it_waits_for() {
    let (mut story, wait) = sleeping("sleep 30");
    story.tests("t5", "one-", "assert 1 == 2");
    story.exits("t5", 101);
    story.commit();
    let text = result(&story, "c2");
    for expected in [
        "t5 failed while this waited: `sleep 30` was stopped.",
        "<status>failed</status>",
        "<exit_code>101</exit_code>",
        "one: assert 1 == 2",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(story.world.stopping.contains(&format!("{wait} 1")), "the sleep is stopped");
    assert_eq!(story.world.undelivered(), Vec::<&Key>::new(), "the result is the delivery");
    let Item::User(item) = &**story.items().last().expect("an item") else { panic!("a user's item") };
    assert_eq!(item.notification, None, "it is told once");
    // What becomes of the sleep is nobody's news.
    story.skip();
    story.ended(&wait, stopped());
    story.ends("I see");
    assert_eq!(story.world.timers, []);
    assert!(story.state.task(&wait.as_str().into()).is_none());
    assert_eq!(story.world.outbox.len(), 1);
}

#[test]
fn a_poll_loop_does_so_too_and_a_working_command_does_not() {
    let (mut story, wait) = sleeping("until curl -sf localhost:3000; do sleep 1; done");
    story.exits("t5", 1);
    assert!(story.world.stopping.contains(&format!("{wait} 1")));
    let (mut story, wait) = sleeping("npm run build && sleep 1");
    story.exits("t5", 1);
    assert!(!story.world.stopping.contains(&format!("{wait} 1")), "a build is not cut short");
    assert_eq!(story.world.undelivered().len(), 1);
}

#[test]
fn the_end_of_another_sessions_task_wakes_no_sleep() {
    let (mut story, wait) = sleeping("sleep 30");
    let other = story.new_session();
    story.request(Request::StartTask(by_person("make", Some(&other))));
    let task = story.world.runs.last().expect("a run").task.to_string();
    story.started(&task);
    story.exits(&task, 0);
    assert!(!story.world.stopping.contains(&format!("{wait} 1")));
}

#[test]
fn two_ends_at_once_are_both_told_once() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test"), background("c2", "npm run lint")]);
    story.commit();
    story.started("t5");
    story.started("t6");
    story.answer(vec![bash("c3", "sleep 60")]);
    let wait = story.world.runs.last().expect("a run").task.to_string();
    story.started(&wait);
    story.exits("t5", 0);
    story.exits("t6", 1);
    story.commit();
    assert!(result(&story, "c3").starts_with("t5 succeeded while this waited"));
    story.ends("and the other?");
    story.wakes();
    story.commit();
    assert_eq!(story.world.undelivered(), Vec::<&Key>::new());
    let Item::User(item) = &**story.items().last().expect("an item") else { panic!("a user's item") };
    let block = item.notification.as_deref().expect("a block");
    assert!(block.contains("<task_id>t6</task_id>") && !block.contains("t5"), "{block}");
}

#[test]
fn who_begins_to_wait_for_what_has_ended_does_not_wait() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test"), bash("c2", "ls"), bash("c3", "sleep 30")]);
    story.started("t5");
    let task = story.world.runs.last().expect("a run").task.to_string();
    story.started(&task);
    story.exits("t5", 0);
    story.exits(&task, 0);
    story.output_read("a.rs");
    story.commit();
    assert!(result(&story, "c3").starts_with("Not waited: t5 has ended already."), "{}", result(&story, "c3"));
    assert_eq!(story.world.runs, [], "nothing sleeps");
    assert_eq!(story.world.undelivered(), Vec::<&Key>::new());
}

#[test]
fn of_two_ends_of_a_task_each_is_told() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test")]);
    story.started("t5");
    story.commit();
    story.exits("t5", 1);
    story.request(Request::RerunTask { task: Some("t5".into()) });
    story.started("t5");
    story.exits("t5", 0);
    story.answer(vec![bash("c2", "sleep 30")]);
    story.commit();
    let told = format!("{:?}", story.items());
    for run in [1, 2] {
        let end = format!("<task_id>t5</task_id>\\n<run>{run}</run>");
        assert_eq!(told.matches(&end).count(), 1, "run {run}: {told}");
    }
}

#[test]
fn a_cancelled_turn_keeps_what_the_sleep_was_told() {
    let (mut story, wait) = sleeping("sleep 30");
    story.exits("t5", 0);
    story.cancel();
    story.ended(&wait, stopped());
    story.prompt("well?");
    story.commit();
    assert!(result(&story, "c2").contains("t5 succeeded while this waited"));
    assert_eq!(story.world.undelivered(), Vec::<&Key>::new());
}

#[test]
fn a_second_look_says_that_nothing_is_new() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test")]);
    story.commit();
    story.started("t5");
    story.answer(vec![check("c2", "t5")]);
    story.output_read("running 3 tests");
    story.commit();
    story.now += 12_300;
    story.answer(vec![check("c3", "t5")]);
    assert_eq!(
        result(&story, "c3"),
        "t5 running, 12.3s: no change since your last look. You are told when it ends; end your turn or go on with other \
         work."
    );
    story.commit();
    let other = json!({"task_id": "t5", "tail": 200});
    story.answer(vec![call("c4", "check_background", other)]);
    story.output_read("running 3 tests");
    assert!(result(&story, "c4").contains("running 3 tests"), "another piece is another look");
    story.commit();
    story.tests("t5", "one+", "");
    story.answer(vec![check("c5", "t5")]);
    story.output_read("running 3 tests\none ok");
    assert!(result(&story, "c5").contains("one ok"));
    story.commit();
    story.exits("t5", 0);
    story.answer(vec![check("c6", "t5")]);
    story.output_read("done");
    assert!(result(&story, "c6").starts_with("t5 succeeded"));
    assert_eq!(story.world.undelivered(), Vec::<&Key>::new());
    story.commit();
    story.answer(vec![check("c7", "t5")]);
    assert_eq!(result(&story, "c7"), "t5 succeeded, 12.3s: no change since your last look.");
}

#[test]
fn a_list_that_tells_an_end_is_its_delivery() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test"), background("c2", "npm run dev")]);
    story.commit();
    story.started("t5");
    story.started("t6");
    story.answer(vec![list("c3")]);
    story.commit();
    story.now += 3_000;
    story.answer(vec![list("c4")]);
    expect![[r#"No change since your last look: t5 running 3.0s, t6 running 3.0s; 0 ended. You are told when it ends; end your turn or go on with other work."#]]
        .assert_eq(&result(&story, "c4"));
    story.commit();
    story.tests("t5", "one-", "assert 1 == 2");
    story.exits("t5", 1);
    story.answer(vec![list("c5")]);
    expect![[r#"
        t6 running · npm run dev · 3.0s
        t5 failed · cargo test · 3.0s · 0 passed, 1 failed
          one: assert 1 == 2 (failed before you began)"#]]
    .assert_eq(&result(&story, "c5"));
    assert_eq!(story.world.undelivered(), Vec::<&Key>::new());
}

#[test]
fn an_end_replaces_the_check_in_that_nobody_has_heard() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test")]);
    story.commit();
    story.started("t5");
    story.timer(Timer::CheckIn("t5".into(), 1));
    story.skip();
    story.exits("t5", 0);
    story.tells(expect![[r#"
        no promote t5.1
        no check in on t5.1
        withdraw t5.1 check_in
        report t5.1 end succeeded to s1, wakes
        save t5.1 succeeded, delivery pending
        row t5.1 succeeded, delivery pending
    "#]]);
    story.ends("ok");
    story.wakes();
    story.commit();
    let Item::User(item) = &**story.items().last().expect("an item") else { panic!("a user's item") };
    assert_eq!(item.notification.as_deref().map(|block| block.matches("<task_id>").count()), Some(1));
}

#[test]
fn a_long_task_checks_in_once_and_never_again() {
    let mut story = idle();
    story.timer(Timer::CheckIn("t5".into(), 1));
    story.wakes();
    story.commit();
    story.ends("I wait");
    // Whatever comes before the end, no timer is set again.
    story.tests("t5", "one+", "");
    story.request(Request::SetPriority { task: "t5".into(), priority: 3 });
    story.prompt("still?");
    story.commit();
    story.ends("yes");
    assert_eq!(story.world.timers, []);
    // A foreground command that went on in the background checks in once as well.
    story.prompt("build");
    story.commit();
    story.answer(vec![bash("c2", "make")]);
    let task = story.world.runs.last().expect("a run").task.to_string();
    story.started(&task);
    story.timer(Timer::Promote(task.as_str().into(), 1));
    story.timer(Timer::CheckIn(task.as_str().into(), 1));
    assert!(!story.world.timers.iter().any(|timer| matches!(timer, Timer::CheckIn(..) | Timer::Promote(..))));
}

#[test]
fn what_a_person_stopped_is_not_started_again_before_a_word() {
    let mut story = idle();
    story.request(Request::StopTask { task: Some("t5".into()) });
    story.ended("t5", stopped());
    assert_eq!(story.task("t5").runs[0].stopped_by, Some(StoppedBy::User));
    // A turn that wakes by itself: another task has ended.
    let session = story.session.clone();
    story.request(Request::StartTask(crate::session::event::StartTask {
        on_exit: Some(crate::task::model::OnExit::Wake),
        ..by_person("make", Some(&session))
    }));
    let other = story.world.runs.last().expect("a run").task.to_string();
    story.started(&other);
    story.exits(&other, 0);
    story.wakes();
    story.commit();
    story.skip();
    story.answer(vec![background("c2", "cargo test"), background("c3", "cargo build")]);
    story.commit();
    assert_eq!(
        result(&story, "c2"),
        "The user stopped this command (t5) and has said nothing since: it was not started again. Do not start it in \
         another way; go on without it, or end your turn and ask."
    );
    assert!(result(&story, "c3").starts_with("Started"), "another command is another matter");
    story.ends("may I?");
    story.prompt("yes, test again");
    story.commit();
    story.answer(vec![background("c4", "cargo test")]);
    story.commit();
    assert!(result(&story, "c4").starts_with("Started"), "{}", result(&story, "c4"));
}

#[test]
fn a_person_who_is_asked_anyway_decides() {
    let mut story = idle();
    story.request(Request::StopTask { task: Some("t5".into()) });
    story.ended("t5", stopped());
    let start = |story: &mut Story, id: &str| {
        let session = story.session.clone();
        story.request(Request::StartTask(crate::session::event::StartTask {
            on_exit: Some(crate::task::model::OnExit::Wake),
            ..by_person("make", Some(&session))
        }));
        let other = story.world.runs.last().expect("a run").task.to_string();
        story.started(&other);
        story.exits(&other, 0);
        story.wakes();
        story.commit();
        story.answer(vec![background(id, "cargo test")]);
    };
    story.state.sessions.values_mut().for_each(|owner| owner.mode = Mode::Ask);
    start(&mut story, "c2");
    assert_eq!(story.world.questions.len(), 1, "the question is asked");
    story.answers(Choice::AllowOnce, None);
    assert!(story.world.runs.iter().any(|run| run.task.as_str() != "t5"));
    // A rule that allows it is no word about the stop.
    let mut story = idle();
    story.request(Request::StopTask { task: Some("t5".into()) });
    story.ended("t5", stopped());
    story.state.sessions.values_mut().for_each(|owner| owner.mode = Mode::Ask);
    story.state.rules = vec![Said::saved(Rule::command(&["cargo", "test"], false), None)];
    start(&mut story, "c2");
    story.commit();
    assert!(result(&story, "c2").starts_with("The user stopped this command"));
    story.answer(vec![words("ok")]);
    // A person who runs it again has spoken too.
    story.request(Request::RerunTask { task: Some("t5".into()) });
    story.started("t5");
    story.exits("t5", 0);
    story.wakes();
    story.commit();
    story.answer(vec![background("c3", "cargo test")]);
    story.commit();
    assert!(result(&story, "c3").starts_with("Started"));
}
