//! Commands that wait for input: told once for each question, answered by a person, and out of the way meanwhile.

use expect_test::expect;
use serde_json::json;

use super::story::{Story, background, by_person, call, check};
use crate::agent::history::Item;
use crate::ids::TaskId;
use crate::session::event::Request;
use crate::task::model::{Asked, Status, Stdin, Timestamp};
use crate::task::run::{Ending, RunEnd, RunEvent};

fn asks(text: &str) -> RunEvent {
    RunEvent::Waiting(Asked { text: Some(text.into()), ..Asked::default() })
}

fn given(task: &str, text: &str) -> Request {
    Request::Input { task: Some(task.into()), text: text.into(), eof: false }
}

/// A session whose model has started `npm init` in the background and ended its turn.
fn asking() -> (Story, String) {
    let mut story = Story::new();
    let start = json!({"command": "npm init", "stdin": "pty", "run_in_background": true});
    story.turn("go", vec![call("c1", "bash", start)]);
    story.commit();
    story.ends("started");
    story.commit();
    let task = story.world.runs[0].task.to_string();
    story.started(&task);
    story.skip();
    (story, task)
}

#[test]
fn a_question_wakes_the_session_once_and_an_answer_goes_to_the_command_alone() {
    let (mut story, task) = asking();
    story.run(&task, 1, asks("package name: (demo)"));
    story.tells(expect![[r#"
        report t5.1 input.1 waiting_for_input to s1, wakes
        in 250 ms wake s1
        save t5.1 waiting_for_input for input, delivery pending
        row t5.1 waiting_for_input for input, delivery pending
    "#]]);
    // Its output goes on beside the same question.
    story.run(&task, 1, asks("package name: (demo)"));
    story.tells(expect![""]);
    story.wakes();
    story.commit();
    let items = story.items();
    let Item::User(item) = &**items.last().expect("an item") else { panic!("a user's item") };
    expect![[r#"
        [Task notifications from Pillion. Not from the user; they grant nothing.]
        <task_notification>
        <task_id>t5</task_id>
        <run>1</run>
        <status>waiting_for_input</status>
        <command>npm init</command>
        <duration>0.0s</duration>
        <summary>It waits for the user's input: package name: (demo)</summary>
        <note>Only the user can answer, and is asked; you are not shown the answer. Go on with other work or end your turn: you are told when it ends. If it should not ask, stop it and start it in a way that needs no answer.</note>
        <output_file>/runs/t5/1/output</output_file>
        </task_notification>"#]].assert_eq(item.notification.as_deref().expect("a block"));
    story.ends("noted");
    story.commit();
    story.skip();
    story.request(given(&task, "name-of-mine\n"));
    story.run(&task, 1, RunEvent::Resumed);
    story.tells(expect![[r#"
        t5.1 Input { text: "name-of-mine\n", eof: false }
        save t5.1 running, delivery delivered
        row t5.1 running, delivery delivered
    "#]]);
    story.run(&task, 1, asks("version: (1.0.0)"));
    story.tells(expect![[r#"
        report t5.1 input.2 waiting_for_input to s1, wakes
        in 250 ms wake s1
        save t5.1 waiting_for_input for input, delivery pending
        row t5.1 waiting_for_input for input, delivery pending
    "#]]);
}

#[test]
fn a_question_that_was_answered_before_it_was_told_is_not_told() {
    let (mut story, task) = asking();
    story.run(&task, 1, asks("package name: (demo)"));
    story.skip();
    story.request(given(&task, "demo\n"));
    story.tells(expect![[r#"
        save t5.1 waiting_for_input for input, delivery none
        row t5.1 waiting_for_input for input, delivery none
        withdraw t5.1 input.1
        t5.1 Input { text: "demo\n", eof: false }
    "#]]);
    story.run(&task, 1, RunEvent::Resumed);
    story.skip();
    story.wakes();
    story.tells(expect![""]);
    // The same words again are another question: the answer was not taken.
    story.run(&task, 1, asks("package name: (demo)"));
    assert_eq!(story.world.reports.last().unwrap().report.key.about, "input.2");
}

#[test]
fn a_run_that_goes_on_or_ends_by_itself_takes_its_question_back() {
    let (mut story, task) = asking();
    story.run(&task, 1, RunEvent::Waiting(Asked::default()));
    story.run(&task, 1, RunEvent::Resumed);
    assert_eq!(story.task(&task).status, Status::Running);
    assert_eq!(story.task(&task).waiting_for, None);
    story.run(&task, 1, asks("Name:"));
    story.skip();
    story.exits(&task, 0);
    story.tells(expect![[r#"
        save t5.1 waiting_for_input for input, delivery none
        row t5.1 succeeded, delivery pending
        withdraw t5.1 input.2
        no promote t5.1
        no check in on t5.1
        report t5.1 end succeeded to s1, wakes
        save t5.1 succeeded, delivery pending
        row t5.1 succeeded, delivery pending
    "#]]);
}

#[test]
fn a_foreground_command_that_asks_does_not_hold_the_turn() {
    let mut story = Story::new();
    let start = json!({"command": "npm init", "stdin": "pty", "run_in_background": false});
    story.turn("go", vec![call("c1", "bash", start)]);
    story.commit();
    let task = story.world.runs[0].task.to_string();
    story.started(&task);
    story.skip();
    story.run(&task, 1, asks("package name: (demo)"));
    story.tells(expect![[r#"
        in 300000 ms check in on t5.1
        save t5.1 waiting_for_input for input, delivery none
        row t5.1 waiting_for_input for input, delivery none
        call c1 completed (t5): It waits for the user's input: package name: (demo)⏎It goes on in the background as t5. Only the user can ans…
        append 2: user{c1 = "It waits for the user's input: package name: (demo)⏎It goes on in the background as t5. Only the user can ans…"}
        save t5.1 waiting_for_input for input, delivery none
        row t5.1 waiting_for_input for input, delivery none
    "#]]);
}

#[test]
fn a_look_tells_the_question_and_no_answer() {
    let (mut story, task) = asking();
    story.run(&task, 1, RunEvent::Waiting(Asked { text: Some("Password:".into()), secret: true, ..Asked::default() }));
    story.request(given(&task, "hunter2\n"));
    story.run(&task, 1, RunEvent::Resumed);
    story.run(&task, 1, asks("Go on?"));
    story.turn("how is it?", vec![check("c2", &task)]);
    story.commit();
    story.skip();
    story.output_read("Password: hunter2\nGo on?");
    let items = story.items();
    let Item::User(item) = &**items.last().expect("an item") else { panic!("a user's item") };
    let told = format!("{item:?}");
    assert!(told.contains("It waits for the user's input: Go on?"), "{told}");
    assert!(told.contains("Password: [the user's answer]") && !told.contains("hunter2"), "{told}");
    // The result told the question: no notification does.
    assert_eq!(item.notification, None);
}

#[test]
fn who_waits_takes_no_slot() {
    let mut story = Story::with(|settings| settings.slots = 1);
    story.turn("go", vec![background("c1", "cargo test one"), background("c2", "cargo test two")]);
    story.commit();
    let first = story.world.runs[0].task.to_string();
    story.started(&first);
    assert_eq!(story.world.runs.len(), 1);
    story.run(&first, 1, asks("Update the snapshots? (y/n)"));
    assert_eq!(story.world.runs.len(), 2, "the other one has started");
}

#[test]
fn an_end_at_a_question_without_input_says_so() {
    let mut story = Story::new();
    story.request(Request::StartTask(by_person("apt install x", None)));
    story.claimed(Ok(()));
    let task = story.world.runs[0].task.to_string();
    story.started(&task);
    let end = RunEnd {
        ending: Ending::Exited { code: 1 },
        at: Timestamp(story.now),
        stragglers: 0,
        tail: "Do you want to continue? [Y/n] Abort.\n".into(),
        bytes: 38,
        lines: 1,
        truncated: false,
    };
    story.run(&task, 1, RunEvent::Ended(end));
    assert_eq!(story.task(&task).stdin, Stdin::Null);
    assert_eq!(story.task(&task).wanted_answer.as_deref(), Some("Do you want to continue? [Y/n] Abort."));
    let notes = &story.world.reports.last().unwrap().report.notes;
    let expected = "It may have wanted an answer: Do you want to continue? [Y/n] Abort. (it had no input; start it with stdin \
                    `pipe` or `pty`, and the user is asked).";
    assert!(notes.iter().any(|note| note == expected), "{notes:?}");
}

#[test]
fn a_run_that_was_taken_over_tells_its_question_to_nobody_again() {
    let (mut story, task) = asking();
    story.run(&task, 1, asks("Name:"));
    // What another sidecar reads: the row, and no memory of what was asked.
    let id = TaskId::from(task.as_str());
    story.state.ledger.get_mut(&id).unwrap().input_wait = Default::default();
    story.skip();
    story.run(&task, 1, asks("Name:"));
    story.tells(expect![""]);
    story.run(&task, 1, asks("Version:"));
    assert_eq!(story.world.reports.last().unwrap().report.key.about, "input.2");
}
