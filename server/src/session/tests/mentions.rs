//! Prompts that point at things, and the files that instruct: what is read, when, and how it comes before the model.

use expect_test::expect;

use super::story::{Story, background, read, words};
use crate::agent::history::Item;
use crate::agent::instructions::InstructionFile;
use crate::agent::mentions::Wanted;
use crate::session::event::{Event, Request};
use crate::tool;

fn file(path: &str, text: &str) -> InstructionFile {
    InstructionFile { path: path.into(), text: text.into(), personal: false, unread: 0 }
}

#[test]
fn a_prompt_waits_for_what_it_points_at() {
    let mut story = Story::new();
    story.quick_mentions = false;
    story.prompt("Look at @a.rs.");
    assert!(story.world.commits.is_empty(), "nothing is appended yet");
    assert_eq!(story.world.mentions[0].2, [Wanted::Path { path: "a.rs".into(), lines: None }]);
    story.skip();
    story.mentions_read(Some("THE FILE"));
    story.commit();
    story.ends("I see.");
    story.history(expect![[r#"
        user{THE FILE, "Look at @a.rs."}
        assistant{"I see."}"#]]);
    assert!(
        story.state.sessions[&story.session].seen.contains_key(std::path::Path::new("/w/a.rs")),
        "it may be edited"
    );
}

#[test]
fn a_queued_prompt_rides_when_it_is_read() {
    let mut story = Story::new();
    story.quick_mentions = false;
    story.prompt("go");
    story.commit();
    story.prompt("and @a.rs");
    story.answer(vec![words("so far")]);
    assert!(story.world.commits.is_empty() && story.world.asks.is_empty(), "the turn waits for the file");
    story.mentions_read(Some("THE FILE"));
    story.commit();
    story.ends("seen");
    story.history(expect![[r#"
        user{"go"}
        assistant{"so far"}
        user{THE FILE, "and @a.rs"}
        assistant{"seen"}"#]]);
}

#[test]
fn a_cancel_gives_the_prompt_back_and_what_was_read_late_is_dropped() {
    let mut story = Story::new();
    story.quick_mentions = false;
    story.prompt("Look at @a.rs.");
    story.skip();
    story.cancel();
    assert!(story.log().contains("unsent [Look at @a.rs.]"), "{}", story.log());
    story.mentions_read(Some("THE FILE"));
    assert!(story.items().is_empty());
    story.turn("go", vec![words("yes")]);
    story.history(expect![[r#"
        user{"go"}
        assistant{"yes"}"#]]);
}

#[test]
fn tasks_and_diagnostics_are_known_at_once() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test")]);
    story.commit();
    story.ends("started");
    let task = story.state.tasks()[0].id.to_string();
    story.quick_mentions = false;
    story.prompt(&format!("@{task} @task:t0 @diagnostics @someone"));
    let wanted = &story.world.mentions[0].2;
    let Wanted::Task { id, head, .. } = &wanted[0] else { panic!("{wanted:?}") };
    assert!(*id == task && head.contains("cargo test"), "{head}");
    assert_eq!(wanted[1], Wanted::Known("(@task:t0: there is no such task.)".into()));
    assert_eq!(wanted[2], Wanted::Known("<diagnostics>\nThere are none.\n</diagnostics>".into()));
    assert_eq!(wanted[3], Wanted::Path { path: "someone".into(), lines: None });
}

#[test]
fn the_first_request_waits_for_the_instructions_and_they_are_frozen() {
    let mut story = Story::with(|_| {});
    story.quick_instructions = false;
    story.session = story.new_session();
    story.prompt("go");
    story.commit();
    assert!(story.world.asks.is_empty(), "the request waits");
    story.instructions_read(vec![file("/w/AGENTS.md", "Use tabs.")]);
    assert_eq!(story.world.asks.len(), 1);
    let system = story.world.systems[&story.session].clone();
    assert!(system.contains("<instructions file=\"/w/AGENTS.md\">\nUse tabs.\n</instructions>"), "{system}");
    // A second answer changes nothing.
    let session = story.session.clone();
    story.event(Event::InstructionsRead { session, files: vec![file("/w/AGENTS.md", "Use spaces.")] });
    assert_eq!(story.state.sessions[&story.session].system, system);
}

#[test]
fn a_cancel_while_the_instructions_are_read_leaves_the_session_sound() {
    let mut story = Story::with(|_| {});
    story.quick_instructions = false;
    story.session = story.new_session();
    story.prompt("go");
    story.commit();
    story.cancel();
    story.instructions_read(Vec::new());
    assert!(story.world.asks.is_empty());
    story.turn("again", vec![words("yes")]);
    story.history(expect![[r#"
        user{"go"}
        user{"again"}
        assistant{"yes"}"#]]);
}

#[test]
fn nested_instructions_go_along_once() {
    let mut story = Story::new();
    story.turn("go", vec![read("c1"), read("c2")]);
    for _ in 0..2 {
        let (session, turn, call) = story.world.tools.remove(0);
        let output = tool::Output {
            text: "1\tx".into(),
            instructions: vec![file("/w/sub/AGENTS.md", "Only here.")],
            ..tool::Output::default()
        };
        story.event(Event::ToolDone { session, turn, call, result: Ok(output) });
    }
    story.commit();
    let Item::User(item) = &*story.items()[2] else { panic!("a user's item") };
    assert!(item.results[0].text.contains("[Instructions from /w/sub/AGENTS.md, for files in /w/sub."));
    assert_eq!(item.results[1].text, "1\tx");
    story.ends("ok");
    // After a summary they are not before the model any more, and are told again.
    let session = story.session.clone();
    story.turn("more", vec![words("yes")]);
    story.commit();
    story.request(Request::Compact { session, instructions: None });
    story.aside_answered(Ok("short"));
    story.commit();
    story.turn("again", vec![read("c3")]);
    let (session, turn, call) = story.world.tools.remove(0);
    let instructions = vec![file("/w/sub/AGENTS.md", "Only here.")];
    let output = tool::Output { text: "1\tx".into(), instructions, ..tool::Output::default() };
    story.event(Event::ToolDone { session, turn, call, result: Ok(output) });
    let last = format!("{:?}", story.items().last());
    assert!(last.contains("Only here."), "{last}");
}
