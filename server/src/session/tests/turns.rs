//! The turn loop: prompt, commit, request, stream, end; queued prompts; the ways in which a turn ends.

use std::sync::Arc;

use expect_test::expect;

use super::story::{Story, background, bash, by_person, read, text, words};
use crate::agent::history::{Content, Item, ModelStop};
use crate::ids::PromptId;
use crate::provider::{ModelFacts, ProviderError, StreamEvent};
use crate::session::effect::Effect;
use crate::session::event::{Event, Request};

#[test]
fn a_prompt_is_committed_before_the_model_is_asked() {
    let mut story = Story::new();
    story.prompt("hello");
    story.tells(expect![[r#"
        turn started: Prompt
        reply p2 in turn3
        user: hello
        append 0: user{"hello"}
    "#]]);
    story.commit();
    story.stream(StreamEvent::ContentStarted);
    story.stream(StreamEvent::Text("hi".into()));
    story.tells(expect![[r#"
        ask the model, 1 items
        agent: hi
    "#]]);
    story.ends("hi");
    story.tells(expect![[r#"
        append 1: assistant{"hi"}
        turn ended: EndTurn
    "#]]);
}

#[test]
fn a_queued_prompt_rides_in_the_next_request_of_the_turn() {
    let mut story = Story::new();
    story.turn("one", vec![read("c1")]);
    story.skip();
    story.prompt("two");
    story.tool_done();
    story.tells(expect![[r#"
        reply p5 queued in turn3
        queue [two]
        call c1 completed: done
        user: two
        queue []
        append 2: user{c1 = "done", "two"}
    "#]]);
    story.commit();
    story.prompt("three");
    story.ends("done");
    story.commit();
    story.ends("done again");
    story.history(expect![[r#"
        user{"one"}
        assistant{c1 read_file}
        user{c1 = "done", "two"}
        assistant{"done"}
        user{"three"}
        assistant{"done again"}"#]]);
    story.skip();
    assert!(story.state.sessions[&story.session].turn.is_none());
}

#[test]
fn queued_prompts_are_edited_and_come_back_from_a_cancelled_turn() {
    let mut story = Story::new();
    story.turn("one", vec![read("c1")]);
    story.prompt("two");
    story.prompt("three");
    let queue: Vec<PromptId> = story.state.sessions[&story.session].queue.iter().map(|p| p.id.clone()).collect();
    story.skip();
    let session = story.session.clone();
    story.request(Request::EditQueue { session: session.clone(), prompt: queue[0].clone(), replace: None });
    let replace = Some(text("3"));
    story.request(Request::EditQueue { session, prompt: queue[1].clone(), replace });
    story.cancel();
    story.tells(expect![[r#"
        queue [three]
        queue [3]
        abort turn3
        call c1 failed
        queue []
        turn ended: Cancelled, unsent [3]
    "#]]);
    story.prompt("four");
    story.commit();
    story.history(expect![[r#"
        user{"one"}
        assistant{c1 read_file}
        user{c1 error = "Cancelled by the user before it ended.", "four"}"#]]);
}

#[test]
fn a_stale_cancel_is_ignored() {
    let mut story = Story::new();
    story.prompt("one");
    story.skip();
    let session = story.session.clone();
    story.event(Event::Cancel { session, turn: Some("turn0".into()) });
    story.tells(expect![[""]]);
}

#[test]
fn a_cut_answer_stays_as_far_as_it_came() {
    let mut story = Story::new();
    story.prompt("one");
    story.commit();
    story.stream(StreamEvent::ContentStarted);
    story.stream(StreamEvent::Text("half an".into()));
    story.stream(StreamEvent::ToolCallStarted { id: "c1".into(), name: "bash".into() });
    story.skip();
    story.cancel();
    story.tells(expect![[r#"
        abort turn3
        call c1 failed
        append 1: assistant{"half an"}
        turn ended: Cancelled
    "#]]);
    story.prompt("go on");
    story.commit();
    story.history(expect![[r#"
        user{"one"}
        assistant{"half an"}
        user{"go on"}"#]]);
}

#[test]
fn a_stream_that_begins_anew_takes_back_what_it_showed() {
    let mut story = Story::new();
    story.prompt("one");
    story.commit();
    story.stream(StreamEvent::ContentStarted);
    story.stream(StreamEvent::Text("half".into()));
    story.stream(StreamEvent::ToolCallStarted { id: "c1".into(), name: "bash".into() });
    story.skip();
    story.stream(StreamEvent::Restarted { reason: "cut".into() });
    story.tells(expect![[r#"
        discard s1.1
        call c1 failed
    "#]]);
    story.ends("whole");
    story.history(expect![[r#"
        user{"one"}
        assistant{"whole"}"#]]);
}

#[test]
fn an_error_of_the_provider_keeps_the_prompt_and_gives_queued_ones_back() {
    let mut story = Story::new();
    story.prompt("one");
    story.commit();
    story.prompt("two");
    story.skip();
    story.answered(Err(ProviderError::Unreachable("no network".into())));
    story.tells(expect![[r#"
        queue []
        turn ended: Error: no network, unsent [two]
    "#]]);
    story.turn("three", vec![words("ok")]);
    story.history(expect![[r#"
        user{"one"}
        user{"three"}
        assistant{"ok"}"#]]);
}

#[test]
fn too_many_requests_end_the_turn_and_lose_no_prompt() {
    let mut story = Story::with(|settings| settings.max_turn_requests = 1);
    story.turn("one", vec![read("c1")]);
    story.tool_done();
    story.prompt("two");
    story.skip();
    story.commit();
    story.tells(expect![[r#"
        queue []
        turn ended: MaxTurnRequests, unsent [two]
    "#]]);
    story.turn("three", vec![words("ok")]);
    story.history(expect![[r#"
        user{"one"}
        assistant{c1 read_file}
        user{c1 = "done"}
        user{"three"}
        assistant{"ok"}"#]]);
}

#[test]
fn a_refusal_gives_queued_prompts_back() {
    let mut story = Story::new();
    story.prompt("one");
    story.commit();
    story.prompt("two");
    story.skip();
    story.answer_with(vec![words("no")], ModelStop::Refusal);
    story.tells(expect![[r#"
        append 1: assistant{"no"}
        queue []
        turn ended: Refusal: The model declined to answer. It is likely to decline again while the request stands in this conversation: start a new session and put it differently, or choose another model (`model.name`)., unsent [two]
    "#]]);
}

#[test]
fn a_refusal_in_the_middle_of_a_call_runs_nothing_and_leaves_a_history_that_can_be_sent() {
    let mut story = Story::new();
    story.prompt("one");
    story.commit();
    story.skip();
    story.answer_with(vec![words("Let me"), bash("c1", "ls")], ModelStop::Refusal);
    story.tells(expect![[r#"
        append 1: assistant{"Let me", c1 bash}
        call c1 failed
        turn ended: Refusal: The model declined to answer. It is likely to decline again while the request stands in this conversation: start a new session and put it differently, or choose another model (`model.name`).
    "#]]);
    story.prompt("two");
    story.tells(expect![[r#"
        turn started: Prompt
        reply p5 in turn6
        user: two
        append 2: user{c1 error = "Not run: the answer ended before its end.", "two"}
    "#]]);
}

#[test]
fn a_full_context_gives_queued_prompts_back() {
    let mut story = Story::new();
    story.prompt("one");
    story.commit();
    story.prompt("two");
    story.skip();
    story.answer_with(vec![words("half")], ModelStop::ContextFull);
    let log = story.log();
    assert!(
        log.starts_with("append 1: assistant{\"half\"}\nqueue []\nturn ended: Error: The conversation, about "),
        "{log}"
    );
    assert!(log.ends_with("or begin a new session., unsent [two]\n"), "{log}");
}

#[test]
fn a_paused_answer_goes_on_with_the_same_history() {
    let mut story = Story::new();
    story.prompt("one");
    story.commit();
    story.skip();
    story.answer_with(vec![words("so far")], ModelStop::Pause);
    story.commit();
    story.tells(expect![[r#"
        append 1: assistant{"so far"}
        ask the model, 2 items
    "#]]);
    story.ends("the rest");
    story.history(expect![[r#"
        user{"one"}
        assistant{"so far"}
        assistant{"the rest"}"#]]);
}

#[test]
fn a_conversation_that_cannot_be_written_is_written_with_the_next_prompt() {
    let mut story = Story::new();
    story.world.full = true;
    story.prompt("one");
    story.skip();
    story.commit();
    story.tells(expect![[r#"
        turn ended: Error: The conversation could not be written: disk full. Free disk space or check the state folder; the next prompt tries again.
    "#]]);
    story.world.full = false;
    story.prompt("two");
    story.tells(expect![[r#"
        turn started: Prompt
        reply p5 in turn6
        user: two
        append 0: user{"one"}, user{"two"}
    "#]]);
    story.commit();
    story.world.full = true;
    story.ends("done");
    story.commit();
    story.world.full = false;
    story.skip();
    story.prompt("three");
    story.tells(expect![[r#"
        turn started: Prompt
        reply p8 in turn9
        user: three
        append 2: assistant{"done"}, user{"three"}
    "#]]);
}

#[test]
fn a_request_shares_the_items_of_a_long_history() {
    let mut story = Story::new();
    for n in 0..500 {
        story.turn(&format!("prompt {n}"), vec![words("ok")]);
    }
    story.prompt("the last");
    story.commit();
    let asked = story.effects.iter().find_map(|effect| match effect {
        Effect::AskModel { request, .. } => Some(request),
        _ => None,
    });
    let request = asked.expect("a request");
    assert_eq!(request.history.len(), 1_001);
    let mut pairs = request.history.iter().zip(story.items());
    assert!(pairs.all(|(sent, kept): (&Arc<Item>, &Arc<Item>)| Arc::ptr_eq(sent, kept)));
}

#[test]
fn a_prompt_tells_what_has_changed_around_it() {
    let mut story = Story::new();
    story.turn("start", vec![background("c1", "sleep 100")]);
    story.commit();
    story.ends("ok");
    story.unsaved("/w/a.rs");
    story.unsaved("/elsewhere/b.rs");
    story.now += 86_400_000;
    let session = story.session.clone();
    story.request(Request::SetMode { session, mode: "plan".into() });
    story.turn("again", vec![bash("c2", "make")]);
    story.commit();
    story.history(expect![[r#"
        user{"start"}
        assistant{c1 background_run}
        user{c1 = "Started in the background as t5. Go on with other work or end your turn: you are told when it ends."}
        assistant{"ok"}
        user{[Context from the editor. Date: 2026-02-01. Mode: plan. Read and plan only; edits are refused, and commands that do more than read. Background tasks: t5 sleep 100 (queued). Unsaved in the editor: /w/a.rs.], "again"}
        assistant{c2 bash}
        user{c2 error = "Plan mode only reads, and this command is not known to only read: it was not run. Describe the plan; the user…"}"#]]);
}

#[test]
fn sessions_run_side_by_side() {
    let mut story = Story::new();
    let other = story.new_session();
    story.prompt("one");
    story.request(Request::Prompt { session: other, content: text("two") });
    story.commit();
    story.commit();
    assert_eq!(story.world.asks.len(), 2);
    story.skip();
    story.cancel();
    story.ends("the other goes on");
    story.tells(expect![[r#"
        abort turn4
        turn ended: Cancelled
        append 1: assistant{"the other goes on"}
        turn ended: EndTurn
    "#]]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut story = Story::new();
    let session = story.session.clone();
    story.prompt("  ");
    story.request(Request::Prompt { session: "s0".into(), content: text("x") });
    story.request(Request::StartTask(by_person(" ", None)));
    story.request(Request::StopTask { task: Some("t0".into()) });
    story.request(Request::RerunTask { task: None });
    story.request(Request::Promote { session: Some(session.clone()), call: None });
    story.request(Request::SetMode { session: session.clone(), mode: "yolo".into() });
    story.request(Request::EditQueue { session: session.clone(), prompt: "p0".into(), replace: None });
    story.prompt("one");
    story.request(Request::DeleteSession { session });
    story.tells(expect![[r#"
        refused BadField { field: "prompt", message: "the prompt is empty", remedy: "Send at least one content block with tex…
        refused UnknownSession(SessionId("s0"))
        refused BadField { field: "command", message: "the command is empty", remedy: "Give a shell command, for instance \"c…
        refused UnknownTask(Some(TaskId("t0")))
        refused UnknownTask(None)
        refused State { kind: "no_foreground_command", message: "no foreground command is running there", remedy: "It has end…
        refused BadField { field: "mode", message: "there is no mode \"yolo\"; the modes are ask, accept_edits, plan, auto", …
        refused State { kind: "not_queued", message: "the prompt p0 is not queued (any more)", remedy: "It has reached the mo…
        turn started: Prompt
        reply p2 in turn3
        user: one
        append 0: user{"one"}
        refused State { kind: "turn_running", message: "a turn is running in session s1", remedy: "Cancel the turn first." }
    "#]]);
}

#[test]
fn a_link_alone_is_a_prompt() {
    let mut story = Story::new();
    let session = story.session.clone();
    let link = Content::Link { uri: "file:///w/a.rs".into(), name: "a.rs".into(), lines: None };
    story.request(Request::Prompt { session, content: vec![link.clone()] });
    let Item::User(item) = &*story.items()[0] else { panic!("a user's item") };
    assert_eq!(item.prompts[0].content, [link]);
}

#[test]
fn a_warning_about_the_model_is_said_once() {
    let mut story = Story::new();
    story.prompt("one");
    story.commit();
    story.skip();
    let warning = Some("Its window is too small. Start it anew.".to_owned());
    let facts = ModelFacts { warning, window: Some(4_096), ..ModelFacts::named("ollama", "qwen3") };
    story.stream(StreamEvent::Described(Box::new(facts.clone())));
    story.tells(expect![[r#"
        say "Its window is too small. Start it anew."
    "#]]);
    story.stream(StreamEvent::Described(Box::new(facts)));
    story.tells(expect![[""]]);
}
