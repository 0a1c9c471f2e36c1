//! How subagents end: by themselves, stopped, with their session, with their sidecar; and what each leaves to its parent.

use expect_test::expect;
use serde_json::json;

use super::agents::{agent, blocks, in_background, newest_result, with_background};
use super::story::{Story, background, bash, call, read, words};
use crate::agent::history::ModelStop;
use crate::ids::{SessionId, TaskId};
use crate::provider::{ProviderError, Usage};
use crate::session::event::{Choice, Event, Loaded, Request};
use crate::task::model::{Delivery, Status, StoppedBy, WaitKind};

#[test]
fn its_end_waits_for_the_last_line_of_its_transcript() {
    let (mut story, child) = with_background();
    story.quick_disk = false;
    story.answers_to(&child, vec![words("the report")]);
    assert_eq!(story.task("t5").status, Status::Running);
    story.transcribed();
    assert_eq!(story.task("t5").status, Status::Succeeded);
    assert_eq!(story.task("t5").output.bytes, story.world.files[&TaskId::from("t5")].len() as u64);
}

#[test]
fn what_it_was_told_and_did_not_come_to_is_told_to_its_parent() {
    let (mut story, child) = with_background();
    story.answers_to(&child, vec![background("d1", "make"), read("d2")]);
    let make = story.world.runs[0].task.to_string();
    story.started(&make);
    story.exits(&make, 1);
    story.tool_done();
    assert_eq!(story.task(&make).delivery, Delivery::Carried, "it is in the history of the subagent");
    story.request(Request::StopTask { task: Some("t5".into()) });
    assert_eq!(story.task(&make).delivery, Delivery::Pending);
    story.wakes();
    let block = blocks(&story).remove(0);
    assert!(block.contains(&format!("<task_id>{make}</task_id>")), "{block}");
}

#[test]
fn a_cancelled_turn_stops_the_subagents_that_it_waits_for_and_keeps_what_they_had() {
    let mut story = Story::new();
    story.turn("go", vec![agent("c1", "look"), agent("c2", "try")]);
    let children = story.children();
    story.answers_to(&children[0], vec![words("I see a thing."), read("d1")]);
    story.answers_to(&children[1], vec![bash("d2", "make")]);
    let run = story.world.runs[0].clone();
    story.started(run.task.as_str());
    story.skip();
    story.cancel();
    assert!(story.world.stopping.contains(&format!("{} 1", run.task)), "its foreground command is stopped");
    assert!(story.world.asks.is_empty() && story.world.tools.is_empty());
    story.ended(run.task.as_str(), crate::task::run::Ending::Stopped { code: None, signal: Some(15) });
    assert_eq!(story.state.sessions.len(), 1);
    assert_eq!(story.state.tasks(), []);
    story.turn("again", vec![words("well")]);
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 agent, c2 agent}
        user{c1 error = "The subagent ended early: the user cancelled the turn. What it said last:⏎⏎I see a thing.", c2 error = "The subagent ended early: the user cancelled the turn.", "again"}
        assistant{"well"}"#]]);
}

#[test]
fn a_cancelled_turn_leaves_those_in_the_background() {
    let mut story = Story::new();
    story.turn("go", vec![in_background("c1", "look"), read("c2")]);
    let child = story.children()[0].clone();
    story.cancel();
    assert_eq!(story.task("t5").status, Status::Running);
    story.answers_to(&child, vec![words("found")]);
    assert_eq!(story.task("t5").status, Status::Succeeded);
}

#[test]
fn a_person_stops_one_and_its_background_tasks_go_on() {
    let (mut story, child) = with_background();
    story.answers_to(&child, vec![words("I begin."), background("d1", "make"), bash("d2", "ls")]);
    let (make, ls) = (story.world.runs[0].clone(), story.world.runs[1].clone());
    story.started(make.task.as_str());
    story.started(ls.task.as_str());
    story.skip();
    story.request(Request::StopTask { task: Some("t5".into()) });
    assert_eq!(story.world.stopping, [format!("{} 1", ls.task)].into());
    let task = story.task("t5");
    assert_eq!((task.status, task.stopped_by), (Status::Killed, Some(StoppedBy::User)));
    assert_eq!(story.world.timers.iter().filter(|timer| format!("{timer:?}").contains("Wake")).count(), 0);
    story.turn("so?", vec![words("well")]);
    let block = blocks(&story).remove(0);
    assert!(block.contains("I begin.") && block.contains("The user stopped this task."), "{block}");
    assert!(block.contains(&format!("go on: {}.", make.task)), "{block}");
}

#[test]
fn its_agent_stops_one_and_is_not_told_of_that() {
    let (mut story, _) = with_background();
    story.turn("stop it", vec![call("c2", "stop_background", json!({"task_id": "t5"}))]);
    assert_eq!(story.task("t5").status, Status::Killed);
    story.commit();
    story.ends("stopped");
    assert_eq!(blocks(&story), Vec::<String>::new());
    assert_eq!(story.state.sessions.len(), 1);
}

#[test]
fn one_that_fails_reports_what_it_had() {
    let (mut story, child) = with_background();
    story.answers_to(&child, vec![words("Half of it."), read("d1")]);
    story.tool_done();
    story.answered(Err(ProviderError::Unreachable("gone".into())));
    let task = story.task("t5");
    assert_eq!(task.status, Status::Failed);
    assert!(task.summary.as_deref().is_some_and(|why| why.contains("gone")), "{task:?}");
    story.wakes();
    assert!(blocks(&story)[0].contains("<report>\nHalf of it.\n</report>"), "{:?}", blocks(&story));
}

#[test]
fn its_requests_are_counted_and_end_with_what_it_had() {
    let mut story = Story::with(|settings| settings.agents.max_requests = 2);
    story.turn("go", vec![agent("c1", "look")]);
    let child = story.children()[0].clone();
    for id in ["d1", "d2"] {
        story.answers_to(&child, vec![words("Looking."), read(id)]);
        story.tool_done();
    }
    story.commit();
    assert_eq!(
        newest_result(&story),
        "The subagent ended early: its 2 requests are used up (setting `agents.maxRequests`). What it said last:\n\n\
         Looking."
    );
}

#[test]
fn one_without_a_word_has_failed() {
    let mut story = Story::new();
    story.turn("go", vec![agent("c1", "look")]);
    story.answers_to(&story.children()[0].clone(), vec![]);
    assert_eq!(newest_result(&story), "The subagent ended early: it ended without a report.");
}

#[test]
fn a_pause_of_the_service_is_no_end() {
    let mut story = Story::new();
    story.turn("go", vec![agent("c1", "look")]);
    story.answer_with(vec![words("wait")], ModelStop::Pause);
    let child = story.children()[0].clone();
    story.answers_to(&child, vec![words("there")]);
    assert_eq!(newest_result(&story), "there");
}

#[test]
fn a_start_that_waits_for_permission_outlives_it() {
    let mut story = Story::with(|settings| settings.mode = crate::agent::approval::Mode::Ask);
    story.turn("go", vec![agent("c1", "a")]);
    let child = story.children()[0].clone();
    story.answers_to(&child, vec![background("d1", "make")]);
    story.answers_to(&child, vec![words("started")]);
    story.commit();
    story.ends("so");
    story.answers(Choice::AllowOnce, None);
    let make = story.world.runs[0].task.to_string();
    story.started(&make);
    story.exits(&make, 0);
    story.wakes();
    assert!(blocks(&story)[0].contains(&format!("<task_id>{make}</task_id>")));
}

#[test]
fn what_waits_for_its_turn_can_be_stopped() {
    let mut story = Story::with(|settings| settings.agents.max_concurrent = 1);
    story.turn("go", vec![in_background("c1", "a"), in_background("c2", "b")]);
    let waiting = story.state.tasks().pop().expect("two tasks");
    assert_eq!(waiting.status, Status::Queued);
    assert_eq!(waiting.waiting_for.map(|on| on.kind), Some(WaitKind::Slot));
    story.request(Request::StopTask { task: Some(waiting.id.clone()) });
    assert_eq!(story.task(waiting.id.as_str()).status, Status::Killed);
    story.answers_to(&story.children()[0].clone(), vec![words("a")]);
    assert_eq!(story.children(), Vec::<SessionId>::new(), "it never starts");
}

#[test]
fn they_go_with_their_session_and_nobody_is_told() {
    let (mut story, child) = with_background();
    story.answers_to(&child, vec![bash("d1", "make")]);
    let session = story.session.clone();
    story.request(Request::DeleteSession { session });
    assert!(story.state.sessions.is_empty());
    assert_eq!(story.task("t5").status, Status::Killed);
    assert_eq!(story.world.undelivered(), Vec::<&crate::agent::notification::Key>::new());
    assert_eq!(story.world.stopping.len(), 1);
}

#[test]
fn one_whose_sidecar_went_away_is_interrupted_and_told_once() {
    let (story, _) = with_background();
    let tasks = vec![story.task("t5").clone()];
    let mut next = Story::loaded(Loaded { tasks, ..Loaded::default() }, |_| {});
    let task = next.task("t5");
    assert_eq!(task.status, Status::Interrupted);
    assert!(task.summary.as_deref().is_some_and(|why| why.contains("Pillion went away")), "{task:?}");
    assert_eq!(next.world.runs, [], "there is nothing to take over");
    assert_eq!(next.world.undelivered().len(), 1);
    next.request(Request::RerunTask { task: Some("t5".into()) });
    next.tells(expect![[r#"
        refused State { kind: "subagent", message: "task t5 is a subagent: its conversation is over, and cannot be had again"…
    "#]]);
}

#[test]
fn a_late_answer_to_one_that_was_stopped_does_nothing() {
    let (mut story, child) = with_background();
    let (_, turn) = story.world.asks[0].clone();
    story.request(Request::StopTask { task: Some("t5".into()) });
    story.skip();
    let item = crate::agent::history::AssistantItem {
        parts: vec![words("late")],
        stop: ModelStop::EndTurn,
        provider: "test".into(),
        model: "m".into(),
    };
    let result = Box::new(Ok(crate::provider::Answer { item, usage: Usage::default(), why: None }));
    story.event(Event::Answered { session: child, turn, result });
    story.tells(expect![[""]]);
}
#[test]
fn what_it_asked_for_a_task_goes_with_its_session() {
    let mut story = Story::with(|settings| settings.mode = crate::agent::approval::Mode::Ask);
    story.turn("go", vec![agent("c1", "a")]);
    let child = story.children()[0].clone();
    story.answers_to(&child, vec![background("d1", "make")]);
    story.answers_to(&child, vec![words("started")]);
    story.commit();
    story.ends("so");
    assert_eq!(story.world.questions.len(), 1);
    let session = story.session.clone();
    story.request(Request::DeleteSession { session });
    assert!(story.world.questions.is_empty(), "nobody is left to ask for");
}
