//! The tool calls of one answer: what overlaps, what keeps its order, what each comes to.

use expect_test::expect;
use serde_json::json;

use super::story::{Story, background, bash, call, check, read, write};
use crate::agent::history::{AssistantPart, ModelStop};
use crate::session::event::{Request, Timer};
use crate::task::run::Ending;

#[test]
fn background_starts_and_reads_of_one_answer_overlap() {
    let mut story = Story::new();
    story.prompt("go");
    story.commit();
    story.skip();
    story.answer(vec![background("c1", "cargo test"), background("c2", "npm run dev"), read("c3")]);
    story.tells(expect![[r#"
        append 1: assistant{c1 background_run, c2 background_run, c3 read_file}
        call c1 background_run: cargo test
        call c2 background_run: npm run dev
        call c3 read_file: Read a.rs
        run tool c3
        save t5.1 queued, delivery none
        row t5.1 queued, delivery none
        start t5.1 `cargo test`
        call c1 completed (t5): Started in the background as t5. Go on with other work or end your turn: you are told when it ends.
        save t6.1 queued, delivery none
        row t6.1 queued, delivery none
        start t6.1 `npm run dev`
        call c2 completed (t6): Started in the background as t6. It stays until it is stopped; you are told when it is ready, and if it ends.…
    "#]]);
    story.tool_done();
    story.tells(expect![[r#"
        call c3 completed: done
        append 2: user{c1 = "Started in the background as t5. Go on with other work or end your turn: you are told when it ends.", c2 = "Started in the background as t6. It stays until it is stopped; you are told when it is ready, and if it ends.…", c3 = "done"}
    "#]]);
}

#[test]
fn what_writes_or_runs_keeps_the_order_of_the_answer() {
    let mut story = Story::new();
    story.prompt("go");
    story.commit();
    story.skip();
    story.answer(vec![write("c1"), background("c2", "cargo test"), bash("c3", "ls"), read("c4")]);
    story.tells(expect![[r#"
        append 1: assistant{c1 write_file, c2 background_run, c3 bash, c4 read_file}
        call c1 write_file: Write a.rs
        call c2 background_run: cargo test
        call c3 bash: ls
        call c4 read_file: Read a.rs
        run tool c1
    "#]]);
    story.tool_done();
    story.tells(expect![[r#"
        call c1 completed: done
        run tool c4
        save t5.1 queued, delivery none
        row t5.1 queued, delivery none
        start t5.1 `cargo test`
        call c2 completed (t5): Started in the background as t5. Go on with other work or end your turn: you are told when it ends.
        start t6.1 `ls`
    "#]]);
}

#[test]
fn a_foreground_command_gives_its_output_and_leaves_no_task() {
    let mut story = Story::new();
    story.turn("go", vec![bash("c1", "ls")]);
    story.skip();
    story.started("t5");
    story.exits("t5", 2);
    story.output_read("no such file\n");
    story.tells(expect![[r#"
        in 15000 ms promote t5.1
        no promote t5.1
        no check in on t5.1
        read output for c1, Tail { lines: 2000, limit: 29000 }
        call c1 failed: no such file⏎Exit code: 2
        append 2: user{c1 error = "no such file⏎Exit code: 2"}
    "#]]);
    assert_eq!(story.state.tasks(), []);
    story.commit();
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 bash}
        user{c1 error = "no such file⏎Exit code: 2"}"#]]);
}

#[test]
fn a_foreground_command_goes_on_in_the_background() {
    let mut story = Story::new();
    story.turn("go", vec![bash("c1", "cargo test")]);
    story.started("t5");
    story.skip();
    story.now += 1_000;
    story.timer(Timer::Promote("t5".into(), 1));
    story.tells(expect![[r#"
        in 300000 ms check in on t5.1
        save t5.1 running, delivery none
        row t5.1 running, delivery none
        call c1 completed (t5): Still running after 1.0s: it goes on in the background as t5. Go on with other work or end your turn: you are…
        append 2: user{c1 = "Still running after 1.0s: it goes on in the background as t5. Go on with other work or end your turn: you are…"}
    "#]]);
    story.now += 5_000;
    story.exits("t5", 0);
    story.tells(expect![[r#"
        no promote t5.1
        no check in on t5.1
        report t5.1 end succeeded to s1, wakes
        save t5.1 succeeded, delivery pending
        row t5.1 succeeded, delivery pending
    "#]]);
    story.commit();
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 bash}
        user{c1 = "Still running after 1.0s: it goes on in the background as t5. Go on with other work or end your turn: you are…"}"#]]);
}

#[test]
fn a_person_promotes_a_foreground_command() {
    let mut story = Story::new();
    story.turn("go", vec![bash("c1", "ls")]);
    story.started("t5");
    story.skip();
    let session = story.session.clone();
    story.request(Request::Promote { session: Some(session), call: None });
    story.tells(expect![[r#"
        in 300000 ms check in on t5.1
        save t5.1 running, delivery none
        row t5.1 running, delivery none
        call c1 completed (t5): Still running after 0.0s: it goes on in the background as t5. Go on with other work or end your turn: you are…
        append 2: user{c1 = "Still running after 0.0s: it goes on in the background as t5. Go on with other work or end your turn: you are…"}
        reply t5.1 running, delivery none
    "#]]);
}

#[test]
fn promotion_goes_by_the_words_of_the_call() {
    let rows = [
        (json!({"command": "ls"}), 15_000),
        (json!({"command": "cargo test"}), 1_000),
        (json!({"command": "cargo test", "run_in_background": false}), 120_000),
        (json!({"command": "cargo test", "run_in_background": false, "timeout": 7_000}), 7_000),
    ];
    for (input, after) in rows {
        let mut story = Story::new();
        story.turn("go", vec![call("c1", "bash", input.clone())]);
        story.skip();
        story.started("t5");
        story.tells(match after {
            15_000 => expect![[r#"
                in 15000 ms promote t5.1
            "#]],
            1_000 => expect![[r#"
                in 1000 ms promote t5.1
            "#]],
            120_000 => expect![[r#"
                in 120000 ms promote t5.1
            "#]],
            _ => expect![[r#"
                in 7000 ms promote t5.1
            "#]],
        });
    }
}

#[test]
fn a_foreground_command_that_is_tried_again_is_still_promoted() {
    let mut story = Story::new();
    story.turn("go", vec![call("c1", "bash", json!({"command": "cargo test", "retries": 2}))]);
    story.started("t5");
    story.skip();
    story.exits("t5", 1);
    story.tells(expect![[r#"
        start t5.1 `cargo test`
    "#]]);
    story.timer(Timer::Promote("t5".into(), 1));
    story.started("t5");
    story.exits("t5", 0);
    story.tells(expect![[r#"
        in 300000 ms check in on t5.1
        save t5.1 queued attempt 2, delivery none
        row t5.1 queued attempt 2, delivery none
        call c1 completed (t5): Still running after 0.0s: it goes on in the background as t5. Go on with other work or end your turn: you are…
        append 2: user{c1 = "Still running after 0.0s: it goes on in the background as t5. Go on with other work or end your turn: you are…"}
        save t5.1 running attempt 2, delivery none
        row t5.1 running attempt 2, delivery none
        no promote t5.1
        no check in on t5.1
        report t5.1 end succeeded to s1, wakes
        save t5.1 succeeded attempt 2, delivery pending
        row t5.1 succeeded attempt 2, delivery pending
    "#]]);
}

#[test]
fn a_cancelled_foreground_command_stops_and_is_not_promoted() {
    let mut story = Story::new();
    story.turn("go", vec![bash("c1", "cargo test"), read("c2")]);
    story.started("t5");
    story.skip();
    story.cancel();
    story.tells(expect![[r#"
        abort turn3
        stop t5.1
        call c1 failed
        call c2 failed
        turn ended: Cancelled
    "#]]);
    story.timer(Timer::Promote("t5".into(), 1));
    story.ended("t5", Ending::Stopped { code: None, signal: Some(15) });
    story.tells(expect![[r#"
        no promote t5.1
        no check in on t5.1
    "#]]);
    assert_eq!(story.state.tasks(), []);
    story.prompt("and now");
    story.commit();
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 bash, c2 read_file}
        user{c1 error = "Cancelled by the user before it ended.", c2 error = "Cancelled by the user before it ended.", "and now"}"#]]);
}

#[test]
fn a_look_at_a_task_that_is_cancelled_still_tells_its_end() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test")]);
    story.commit();
    story.started("t5");
    story.exits("t5", 1);
    story.answer(vec![check("c2", "t5")]);
    story.skip();
    story.cancel();
    story.prompt("and now");
    story.commit();
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 background_run}
        user{c1 = "Started in the background as t5. Go on with other work or end your turn: you are told when it ends."}
        assistant{c2 check_background}
        user{c2 = "t5 failed · cargo test · run 1 · 0.0s⏎Exit code: 1⏎Output (0 bytes, /runs/t5/1/output):⏎(The user cancelled b…", "and now"}"#]]);
    assert_eq!(story.world.undelivered(), Vec::<&crate::agent::notification::Key>::new());
}

#[test]
fn a_call_that_cannot_be_understood_is_answered_with_what_is_wrong() {
    let mut story = Story::new();
    story.prompt("go");
    story.commit();
    story.skip();
    story.answer(vec![
        call("c1", "fly", json!({})),
        call("c2", "bash", json!({"cmd": "ls"})),
        AssistantPart::ToolCall {
            id: "c3".into(),
            name: "bash".into(),
            input: json!({}),
            invalid: Some("the input is not valid JSON: EOF at column 7".into()),
        },
        check("c4", "t99"),
        call("c5", "check_background", json!({})),
    ]);
    story.tells(expect![[r#"
        append 1: assistant{c1 fly, c2 bash, c3 bash, c4 check_background, c5 check_background}
        call c1 fly: fly
        call c2 bash: bash
        call c3 bash: bash
        call c4 check_background: Look at t99
        call c5 check_background: Look at the tasks
        call c1 failed: There is no tool named fly. The tools are: bash, background_run, check_background, stop_background, read_file…
        call c2 failed: bash: unknown field `cmd`, expected one of `command`, `description`, `run_in_background`, `timeout`, `stdin`,…
        call c3 failed: This call cannot be carried out: the input is not valid JSON: EOF at column 7. Nothing was done. Call again.
        call c4 failed: There is no task t99. `check_background` without an id lists all tasks.
        call c5 completed: There are no tasks.
        append 2: user{c1 error = "There is no tool named fly. The tools are: bash, background_run, check_background, stop_background, read_file…", c2 error = "bash: unknown field `cmd`, expected one of `command`, `description`, `run_in_background`, `timeout`, `stdin`,…", c3 error = "This call cannot be carried out: the input is not valid JSON: EOF at column 7. Nothing was done. Call again.", c4 error = "There is no task t99. `check_background` without an id lists all tasks.", c5 = "There are no tasks."}
    "#]]);
}

#[test]
fn plan_mode_refuses_without_a_question() {
    let mut story = Story::new();
    let session = story.session.clone();
    story.request(Request::SetMode { session, mode: "plan".into() });
    story.prompt("go");
    story.commit();
    story.skip();
    story.answer(vec![bash("c1", "make"), write("c2")]);
    story.tells(expect![[r#"
        append 1: assistant{c1 bash, c2 write_file}
        call c1 bash: make
        call c2 write_file: Write a.rs
        call c1 failed: Plan mode only reads, and this command is not known to only read: it was not run. Describe the plan; the user…
        call c2 failed: Plan mode only reads: nothing was changed. Describe the plan; the user can switch the mode.
        append 2: user{c1 error = "Plan mode only reads, and this command is not known to only read: it was not run. Describe the plan; the user…", c2 error = "Plan mode only reads: nothing was changed. Describe the plan; the user can switch the mode."}
    "#]]);
}

#[test]
fn calls_of_an_answer_that_was_cut_at_its_length_are_carried_out() {
    let mut story = Story::new();
    story.prompt("go");
    story.commit();
    story.answer_with(vec![read("c1")], ModelStop::MaxTokens);
    story.tool_done();
    story.commit();
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 read_file}
        user{c1 = "done"}"#]]);
}
