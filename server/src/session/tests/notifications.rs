//! What the model is told of tasks: once, in the history.

use expect_test::expect;
use serde_json::json;

use super::story::{Story, background, bash, by_person, call, check, idle, read, thought, words};
use crate::agent::history::{Item, ModelStop};
use crate::agent::notification::Key;
use crate::provider::{ProviderError, StreamEvent};
use crate::session::event::{Request, Timer};
use crate::task::model::Delivery;
use crate::task::run::Ending;

fn stop() -> Ending {
    Ending::Stopped { code: None, signal: Some(15) }
}

#[test]
fn an_end_during_a_turn_rides_inside_the_item_with_the_results() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test"), read("c2")]);
    story.started("t5");
    story.skip();
    story.exits("t5", 101);
    story.prompt("hurry");
    story.tool_done();
    story.tells(expect![[r#"
        no promote t5.1
        no check in on t5.1
        report t5.1 end failed to s1, wakes
        save t5.1 failed, delivery pending
        row t5.1 failed, delivery pending
        reply p6 queued in turn3
        queue [hurry]
        call c2 completed: done
        user: hurry
        queue []
        told of t5
        save t5.1 failed, delivery carried
        row t5.1 failed, delivery carried
        append 2: user{c1 = "Started in the background as t5. Go on with other work or end your turn: you are told when it ends.", c2 = "done", <t5 failed>, "hurry"}, carries t5.1 end
    "#]]);
    story.commit();
    story.stream(StreamEvent::ContentStarted);
    story.tells(expect![[r#"
        ask the model, 3 items
        save t5.1 failed, delivery delivered
        row t5.1 failed, delivery delivered
        delivered t5
    "#]]);
    story.ends("done");
    story.tells(expect![[r#"
        append 3: assistant{"done"}
        turn ended: EndTurn
    "#]]);
}

#[test]
fn a_result_that_tells_the_end_is_the_delivery() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test")]);
    story.started("t5");
    story.commit();
    story.exits("t5", 101);
    story.skip();
    story.answer(vec![check("c2", "t5")]);
    story.output_read("test result: FAILED\n");
    story.tells(expect![[r#"
        append 3: assistant{c2 check_background}
        call c2 check_background: Look at t5
        read output for c2, Tail { lines: 60, limit: 14500 }
        call c2 completed: t5 failed · cargo test · run 1 · 0.0s⏎Exit code: 101⏎Output (0 bytes, /runs/t5/1/output):⏎test result: FAILED
        save t5.1 failed, delivery carried
        row t5.1 failed, delivery carried
        append 4: user{c2 = "t5 failed · cargo test · run 1 · 0.0s⏎Exit code: 101⏎Output (0 bytes, /runs/t5/1/output):⏎test result: FAILED"}, carries t5.1 end
    "#]]);
    story.commit();
    story.ends("I see");
    assert_eq!(story.world.undelivered(), Vec::<&Key>::new());
    assert_eq!(story.world.timers, []);
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 background_run}
        user{c1 = "Started in the background as t5. Go on with other work or end your turn: you are told when it ends."}
        assistant{c2 check_background}
        user{c2 = "t5 failed · cargo test · run 1 · 0.0s⏎Exit code: 101⏎Output (0 bytes, /runs/t5/1/output):⏎test result: FAILED"}
        assistant{"I see"}"#]]);
}

#[test]
fn a_look_at_a_running_task_is_not_its_delivery() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test")]);
    story.commit();
    story.started("t5");
    story.answer(vec![check("c2", "t5")]);
    story.exits("t5", 0);
    story.output_read("running 3 tests\n");
    story.commit();
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 background_run}
        user{c1 = "Started in the background as t5. Go on with other work or end your turn: you are told when it ends."}
        assistant{c2 check_background}
        user{c2 = "t5 running · cargo test · run 1 · 0.0s⏎Output (0 bytes, /runs/t5/1/output):⏎running 3 tests", <t5 succeeded>}"#]]);
}

#[test]
fn a_stop_by_the_model_is_no_news() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "npm run dev")]);
    story.started("t5");
    story.commit();
    story.skip();
    story.answer(vec![call("c2", "stop_background", json!({"task_id": "t5"}))]);
    story.ended("t5", stop());
    story.tells(expect![[r#"
        append 3: assistant{c2 stop_background}
        call c2 stop_background: Stop t5
        stop t5.1
        save t5.1 running stopping by agent, delivery none
        row t5.1 running stopping by agent, delivery none
        call c2 completed (t5): Stopping t5 and everything that it started.
        append 4: user{c2 = "Stopping t5 and everything that it started."}
        no promote t5.1
        no check in on t5.1
        save t5.1 killed by agent, delivery none
        row t5.1 killed by agent, delivery none
    "#]]);
    assert_eq!(story.world.outbox.len(), 0);
}

#[test]
fn a_stop_by_the_person_is_told_without_waking() {
    let mut story = idle();
    story.request(Request::StopTask { task: Some("t5".into()) });
    story.ended("t5", stop());
    story.tells(expect![[r#"
        stop t5.1
        save t5.1 running stopping by user, delivery none
        row t5.1 running stopping by user, delivery none
        reply t5.1 running stopping by user, delivery none
        no promote t5.1
        no check in on t5.1
        report t5.1 end killed to s1
        save t5.1 killed by user, delivery pending
        row t5.1 killed by user, delivery pending
    "#]]);
    story.prompt("what now");
    story.commit();
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 background_run}
        user{c1 = "Started in the background as t5. Go on with other work or end your turn: you are told when it ends."}
        assistant{"started"}
        user{<t5 killed The user stopped this task. Do not start it again unless asked.>, "what now"}"#]]);
}

#[test]
fn who_stops_first_has_stopped_it() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "npm run dev")]);
    story.started("t5");
    story.commit();
    story.request(Request::StopTask { task: Some("t5".into()) });
    story.answer(vec![call("c2", "stop_background", json!({"task_id": "t5"}))]);
    story.skip();
    story.ended("t5", stop());
    story.tells(expect![[r#"
        no promote t5.1
        no check in on t5.1
        report t5.1 end killed to s1
        save t5.1 killed by user, delivery pending
        row t5.1 killed by user, delivery pending
    "#]]);
}

#[test]
fn an_empty_answer_to_a_block_is_continued_once() {
    let mut story = idle();
    story.exits("t5", 101);
    story.wakes();
    story.commit();
    story.skip();
    story.answer(vec![thought("hm")]);
    story.tells(expect![[r#"
        save t5.1 failed, delivery delivered
        row t5.1 failed, delivery delivered
        delivered t5
        append 5: assistant{Thinking { text: "hm", signature: Some("signed") }}
        append 6: user{nudge}
    "#]]);
    story.commit();
    story.answer(vec![words(" ")]);
    story.tells(expect![[r#"
        ask the model, 7 items
        append 7: assistant{" "}
        turn ended: EndTurn
    "#]]);
}

#[test]
fn an_empty_answer_to_a_prompt_is_the_end() {
    let mut story = Story::new();
    story.turn("go", vec![]);
    story.skip();
    assert!(story.state.sessions[&story.session].turn.is_none());
}

#[test]
fn a_failed_request_with_a_block_keeps_it_as_history() {
    let mut story = idle();
    story.exits("t5", 0);
    story.wakes();
    story.commit();
    story.skip();
    story.answered(Err(ProviderError::RateLimited("busy".into())));
    story.tells(expect![[r#"
        turn ended: Error: busy
    "#]]);
    story.prompt("again");
    story.commit();
    story.stream(StreamEvent::ContentStarted);
    story.tells(expect![[r#"
        turn started: Prompt
        reply p7 in turn8
        user: again
        append 5: user{"again"}
        ask the model, 6 items
        save t5.1 succeeded, delivery delivered
        row t5.1 succeeded, delivery delivered
        delivered t5
    "#]]);
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 background_run}
        user{c1 = "Started in the background as t5. Go on with other work or end your turn: you are told when it ends."}
        assistant{"started"}
        user{<t5 succeeded>}
        user{"again"}"#]]);
}

#[test]
fn tasks_of_nobody_go_to_the_session_that_is_prompted_next() {
    let mut story = Story::new();
    let other = story.new_session();
    story.request(Request::StartTask(by_person("sleep 1", None)));
    story.request(Request::StartTask(by_person("sleep 2", None)));
    let (one, two) = (story.world.runs[0].task.to_string(), story.world.runs[1].task.to_string());
    story.started(&one);
    story.started(&two);
    story.exits(&one, 1);
    story.skip();
    story.prompt("look");
    story.tells(expect![[r#"
        save t3.1 failed, delivery pending
        save t4.1 running, delivery none
        assign t3 to s1
        turn started: Prompt
        reply p5 in turn6
        user: look
        told of t3
        save t3.1 failed, delivery carried
        row t3.1 failed, delivery carried
        append 0: user{<t3 failed Started by the user.>, [Context from the editor. Background tasks: t4 sleep 2 (running).], "look"}, carries t3.1 end
    "#]]);
    story.exits(&two, 0);
    story.tells(expect![[r#"
        no promote t4.1
        no check in on t4.1
        report t4.1 end succeeded to s1
        save t4.1 succeeded, delivery pending
        row t4.1 succeeded, delivery pending
    "#]]);
    story.session = other;
    story.prompt("and you?");
    let Item::User(item) = &*story.items()[0] else { panic!("a user's item") };
    assert_eq!(item.notification, None);
}

#[test]
fn a_queued_prompt_is_given_the_tasks_of_nobody_too() {
    let mut story = Story::new();
    story.turn("go", vec![read("c1")]);
    story.request(Request::StartTask(by_person("sleep 1", None)));
    let task = story.world.runs[0].task.to_string();
    story.started(&task);
    story.exits(&task, 1);
    story.prompt("look");
    story.tool_done();
    story.commit();
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 read_file}
        user{c1 = "done", <t5 failed Started by the user.>, "look"}"#]]);
}

#[test]
fn a_long_task_is_told_of_once_while_it_runs() {
    let mut story = idle();
    story.now += 300_000;
    story.timer(Timer::CheckIn("t5".into(), 1));
    story.tells(expect![[r#"
        report t5.1 check_in running to s1, wakes
        in 250 ms wake s1
        save t5.1 running, delivery pending
    "#]]);
    story.wakes();
    story.commit();
    story.ends("I wait");
    story.exits("t5", 0);
    story.wakes();
    story.commit();
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 background_run}
        user{c1 = "Started in the background as t5. Go on with other work or end your turn: you are told when it ends."}
        assistant{"started"}
        user{<t5 running Still running. It goes on; you are told when it ends.>}
        assistant{"I wait"}
        user{<t5 succeeded>}"#]]);
}

#[test]
fn a_long_task_that_is_tried_again_is_told_of_once() {
    let mut story = Story::new();
    story.turn("go", vec![call("c1", "background_run", json!({"command": "cargo test", "retries": 1}))]);
    story.commit();
    story.started("t5");
    story.timer(Timer::CheckIn("t5".into(), 1));
    story.answer(vec![check("c2", "t5")]);
    story.output_read("");
    story.commit();
    story.exits("t5", 1);
    story.started("t5");
    if story.world.timers.contains(&Timer::CheckIn("t5".into(), 1)) {
        story.timer(Timer::CheckIn("t5".into(), 1));
    }
    story.exits("t5", 1);
    story.ends("ok");
    story.wakes();
    story.commit();
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 background_run}
        user{c1 = "Started in the background as t5. Go on with other work or end your turn: you are told when it ends."}
        assistant{c2 check_background}
        user{c2 = "t5 running · cargo test · run 1 · 0.0s⏎Output (0 bytes, /runs/t5/1/output):⏎(no output)", <t5 running Still running. It goes on; you are told when it ends.>}
        assistant{"ok"}
        user{<t5 failed>}"#]]);
}

#[test]
fn a_dismissed_row_is_told_of_all_the_same() {
    let mut story = idle();
    story.exits("t5", 1);
    story.skip();
    story.request(Request::DismissTask { task: "t5".into() });
    story.tells(expect![[r#"
        ForgetTask(TaskId("t5"))
        snapshot
    "#]]);
    story.prompt("well?");
    story.commit();
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 background_run}
        user{c1 = "Started in the background as t5. Go on with other work or end your turn: you are told when it ends."}
        assistant{"started"}
        user{<t5 failed>, "well?"}"#]]);
}

#[test]
fn reports_of_two_runs_do_not_mix() {
    let mut story = idle();
    story.exits("t5", 1);
    story.request(Request::RerunTask { task: Some("t5".into()) });
    story.started("t5");
    story.wakes();
    story.commit();
    story.stream(StreamEvent::ContentStarted);
    assert_eq!(story.task("t5").delivery, crate::task::model::Delivery::None, "nothing is told of run 2 yet");
    story.ends("I see");
    story.skip();
    story.exits("t5", 0);
    story.tells(expect![[r#"
        no promote t5.2
        no check in on t5.2
        report t5.2 end succeeded to s1, wakes
        in 250 ms wake s1
        save t5.2 succeeded, delivery pending
        row t5.2 succeeded, delivery pending
    "#]]);
}

#[test]
fn a_turn_that_reads_nothing_of_a_task_is_not_its_delivery() {
    let mut story = Story::with(|settings| settings.max_turn_requests = 1);
    story.turn("go", vec![background("c1", "cargo test"), bash("c2", "ls")]);
    story.started("t5");
    story.exits("t5", 0);
    let task = story.world.runs[0].task.to_string();
    story.started(&task);
    story.exits(&task, 0);
    story.output_read("a.rs");
    story.commit();
    assert_eq!(story.world.outbox.values().next(), Some(&crate::task::model::Delivery::Carried));
    story.skip();
    story.turn("on", vec![]);
    assert_eq!(story.world.outbox.values().next(), Some(&crate::task::model::Delivery::Delivered));
}

#[test]
fn on_exit_none_tells_nobody() {
    let mut story = Story::new();
    let input = json!({"command": "sleep 1", "on_exit": "none"});
    story.turn("go", vec![call("c1", "background_run", input)]);
    story.commit();
    story.answer_with(vec![words("ok")], ModelStop::EndTurn);
    story.started("t5");
    story.skip();
    story.exits("t5", 0);
    story.tells(expect![[r#"
        no promote t5.1
        no check in on t5.1
        save t5.1 succeeded, delivery none
        row t5.1 succeeded, delivery none
    "#]]);
}

#[test]
fn a_deleted_session_leaves_its_tasks_to_nobody() {
    let mut story = Story::new();
    let deleted = story.new_session();
    for command in ["sleep 1", "sleep 2"] {
        story.request(Request::StartTask(by_person(command, Some(&deleted))));
    }
    let (one, two) = (story.world.runs[0].task.to_string(), story.world.runs[1].task.to_string());
    story.started(&one);
    story.started(&two);
    story.exits(&one, 1);
    assert_eq!(story.world.undelivered().len(), 1);
    story.request(Request::DeleteSession { session: deleted });
    assert!(story.world.undelivered().is_empty(), "what was for the session is for nobody");
    assert_eq!((story.task(&one).delivery, &story.task(&two).session), (Delivery::None, &None));
    story.exits(&two, 1);
    story.prompt("look");
    story.commit();
    let Item::User(item) = &*story.items()[0] else { panic!("a user's item") };
    assert!(format!("{item:?}").contains(&two), "it is told where a person speaks next: {item:?}");
}

#[test]
fn what_a_person_withholds_is_told_to_nobody() {
    let mut story = idle();
    story.ended("t5", Ending::Exited { code: 0 });
    assert_eq!(story.state.task(&"t5".into()).unwrap().delivery, Delivery::Pending);
    story.request(Request::WithholdReport { task: "t5".into() });
    assert_eq!(story.state.task(&"t5".into()).unwrap().delivery, Delivery::None);
    assert_eq!(story.world.undelivered(), Vec::<&Key>::new(), "the store does not keep it either");
    story.prompt("go on");
    story.commit();
    assert!(!format!("{:?}", story.items()).contains("<task_id>t5</task_id>"));
}
