//! A start of what runs already: one run where nothing can have changed, two wherever something may have.

use expect_test::expect;
use serde_json::json;

use super::story::{Story, background, by_person, call, write};
use crate::session::event::{Request, StartTask};

/// A session whose `cargo test` (`t5`) runs since eight seconds, and what it was run on is known.
fn running() -> Story {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test")]);
    story.commit();
    story.ends("started");
    story.started("t5");
    story.fingerprinted("t5");
    story.now += 8_000;
    story.skip();
    story
}

fn again(story: &mut Story, command: &str) {
    story.turn("again", vec![background("c2", command)]);
    story.skip();
}

fn person(story: &mut Story, start: StartTask) {
    story.request(Request::StartTask(start));
}

#[test]
fn the_same_start_is_the_same_task() {
    let mut story = running();
    story.turn("again", vec![background("c2", "cargo test")]);
    story.tells(expect![[r#"
        turn started: Prompt
        reply p6 in turn7
        user: again
        append 4: user{[Context from the editor. Background tasks: t5 cargo test (running).], "again"}
        ask the model, 5 items
        append 5: assistant{c2 background_run}
        call c2 background_run: cargo test
        look whether it is seen since 600000
    "#]]);
    story.unchanged(true);
    story.tells(expect![[r#"
        call c2 completed (t5): Already running since 8.0s as t5: the same command, and nothing in the workspace was written since it began. …
        append 6: user{c2 = "Already running since 8.0s as t5: the same command, and nothing in the workspace was written since it began. …"}
    "#]]);
    assert_eq!(story.world.runs.len(), 1);
}

#[test]
fn where_something_was_written_it_is_a_task_of_its_own_behind_the_running_one() {
    let mut story = running();
    again(&mut story, "cargo test");
    story.unchanged(false);
    story.tells(expect![[r#"
        save t9.1 queued for slot of t5, delivery none
        row t9.1 queued for slot of t5, delivery none
        call c2 completed (t9): Started in the background as t9. Go on with other work or end your turn: you are told when it ends.
        append 6: user{c2 = "Started in the background as t9. Go on with other work or end your turn: you are told when it ends."}
    "#]]);
}

#[test]
fn an_edit_of_the_agent_makes_two_runs_without_a_question() {
    let mut story = running();
    story.turn("edit", vec![write("c2"), background("c3", "cargo test")]);
    story.tool_done();
    assert!(story.world.checks.is_empty());
    assert_eq!(story.state.tasks().len(), 2);
}

#[test]
fn an_edit_while_the_disk_is_asked_makes_two_runs() {
    let mut story = running();
    let other = story.new_session();
    again(&mut story, "cargo test");
    let first = std::mem::replace(&mut story.session, other);
    story.turn("edit", vec![write("c3")]);
    story.session = first;
    story.unchanged(true);
    assert_eq!(story.state.tasks().len(), 2);
}

#[test]
fn unsaved_text_makes_two_runs() {
    let mut story = running();
    story.unsaved("/w/src/lib.rs");
    again(&mut story, "cargo test");
    assert!(story.world.checks.is_empty());
    assert_eq!(story.state.tasks().len(), 2);
    // And when it comes while the disk is asked.
    let mut story = running();
    again(&mut story, "cargo test");
    story.unsaved("/w/src/lib.rs");
    story.unchanged(true);
    assert_eq!(story.state.tasks().len(), 2);
}

#[test]
fn a_run_that_ends_while_the_disk_is_asked_is_not_it() {
    let mut story = running();
    again(&mut story, "cargo test");
    story.exits("t5", 0);
    story.unchanged(true);
    assert_eq!(story.world.runs.len(), 1, "another run of its own");
    assert_eq!(story.state.tasks().len(), 2);
}

#[test]
fn what_is_not_known_is_not_folded() {
    let mut story = Story::new();
    person(&mut story, by_person("cargo test", None));
    // Not running yet; then running, and what it was run on is not known.
    person(&mut story, by_person("cargo test", None));
    story.started("t2");
    person(&mut story, by_person("cargo test", None));
    assert!(story.world.checks.is_empty());
    assert_eq!(story.state.tasks().len(), 3);
}

#[test]
fn whatever_is_asked_for_otherwise_is_another_task() {
    let session = running().session;
    let whole = StartTask { retries: 0, ..by_person("cargo test", Some(&session)) };
    let others = [
        StartTask { env: vec![("A".into(), "1".into())], ..whole.clone() },
        StartTask { cwd: Some("/w/sub".into()), ..whole.clone() },
        StartTask { cwd: Some("/elsewhere".into()), ..whole.clone() },
        StartTask { timeout_ms: Some(5), ..whole.clone() },
        StartTask { stdin: crate::task::model::Stdin::Pipe, ..whole.clone() },
        StartTask { command: "cargo test ".into(), ..whole.clone() },
        StartTask { retries: 1, ..whole.clone() },
        // The agent's own is not the person's.
        whole,
    ];
    for start in others {
        let mut story = running();
        person(&mut story, start.clone());
        assert!(story.world.checks.is_empty(), "{start:?}");
        assert_eq!(story.state.tasks().len(), 2);
    }
    let mut story = running();
    story.turn("again", vec![call("c2", "background_run", json!({"command": "cargo test", "timeout": 5}))]);
    assert!(story.world.checks.is_empty());
}

#[test]
fn a_person_gets_the_running_task() {
    let mut story = Story::new();
    person(&mut story, by_person("cargo test", None));
    story.started("t2");
    story.fingerprinted("t2");
    story.skip();
    person(&mut story, by_person("cargo test", None));
    story.unchanged(true);
    story.tells(expect![[r#"
        look whether it is seen since 600000
        reply folded t2.1 running, delivery none
    "#]]);
    // Whose task it is by now does not matter to an editor command.
    story.prompt("hello");
    person(&mut story, by_person("cargo test", None));
    assert_eq!(story.world.checks.len(), 1);
}

#[test]
fn a_cancelled_turn_starts_nothing_afterwards() {
    let mut story = running();
    again(&mut story, "cargo test");
    story.cancel();
    story.unchanged(false);
    assert_eq!(story.state.tasks().len(), 1);
}
