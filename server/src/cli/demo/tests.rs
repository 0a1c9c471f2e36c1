//! A whole story as the sidecar tells it, and what is printed of it.

use expect_test::expect;
use serde_json::Value;

use super::story::Story;
use super::timeline;
use crate::cli::terminal::Style;

/// Milliseconds, `session/update`'s update or another notification, one a line.
const TOLD: &str = r#"
10 update {"sessionUpdate":"turn_started","reason":"prompt"}
200 update {"sessionUpdate":"agent_message_chunk","messageId":"m1","content":{"type":"text","text":"I'll start the tests"}}
250 update {"sessionUpdate":"agent_message_chunk","messageId":"m1","content":{"type":"text","text":" in the background."}}
300 update {"sessionUpdate":"tool_call","toolCallId":"c1","title":"cargo test","name":"bash","kind":"execute","status":"pending"}
310 update {"sessionUpdate":"tool_call_update","toolCallId":"c1","status":"in_progress"}
312 update {"sessionUpdate":"tool_call_update","toolCallId":"c1","status":"completed","taskId":"t1"}
313 update {"sessionUpdate":"tool_call","toolCallId":"c2","title":"Read src/lib.rs","name":"read_file","kind":"read","status":"in_progress"}
311 task {"id":"t1","run":1,"command":"cargo test","group":"test","status":"queued","elapsedMs":0}
315 task {"id":"t1","run":1,"command":"cargo test","group":"test","status":"running","elapsedMs":0}
320 update {"sessionUpdate":"tool_call_update","toolCallId":"c2","status":"completed"}
500 update {"sessionUpdate":"agent_message_chunk","messageId":"m2","content":{"type":"text","text":"I'll go on later."}}
510 update {"sessionUpdate":"turn_ended","stopReason":"end_turn","usage":null,"error":null}
3000 diagnostics {"uri":"file:///w/src/lib.rs","diagnostics":[{"range":{"start":{"line":42,"character":8}},"source":"pillion","message":"discount: left: 909,\nright: 900"}]}
5000 task {"id":"t1","run":1,"command":"cargo test","group":"test","status":"running","elapsedMs":4700}
9000 task {"id":"t1","run":1,"command":"cargo test","group":"test","status":"failed","elapsedMs":8700,"exitCode":101,"summary":"5 passed, 1 failed"}
9001 diagnostics {"uri":"file:///w/src/lib.rs","diagnostics":[{"range":{"start":{"line":42,"character":8}},"source":"pillion","message":"discount: left: 909,\nright: 900"}]}
9250 update {"sessionUpdate":"turn_started","reason":"task_notification"}
9251 update {"sessionUpdate":"task_notification","taskIds":["t1"],"text":"[Task notifications]\n<task_notification>\n<status>failed</status>\n<command>cargo test</command>\n<summary>5 passed, 1 failed</summary>\n</task_notification>"}
9400 update {"sessionUpdate":"tool_call","toolCallId":"c3","title":"Edit src/lib.rs","name":"edit_file","kind":"edit","status":"in_progress"}
9420 update {"sessionUpdate":"tool_call_update","toolCallId":"c3","status":"completed"}
9500 update {"sessionUpdate":"tool_call","toolCallId":"c4","title":"cargo test","name":"bash","kind":"execute","status":"in_progress"}
9502 update {"sessionUpdate":"tool_call_update","toolCallId":"c4","status":"completed","taskId":"t2"}
9503 task {"id":"t2","run":1,"command":"cargo test","group":"test","status":"running","elapsedMs":0}
9510 update {"sessionUpdate":"turn_ended","stopReason":"end_turn","usage":null,"error":null}
10000 diagnostics {"uri":"file:///w/src/lib.rs","diagnostics":[]}
16000 task {"id":"t2","run":1,"command":"cargo test","group":"test","status":"succeeded","elapsedMs":6500,"exitCode":0,"summary":"6 passed"}
16250 update {"sessionUpdate":"turn_started","reason":"task_notification"}
16251 update {"sessionUpdate":"task_notification","taskIds":["t2"],"text":"[Task notifications]\n<task_notification>\n<status>succeeded</status>\n<command>cargo test</command>\n</task_notification>"}
16400 update {"sessionUpdate":"agent_message_chunk","messageId":"m3","content":{"type":"text","text":"All tests pass now."}}
16410 update {"sessionUpdate":"turn_ended","stopReason":"end_turn","usage":null,"error":null}
"#;

fn story(told: &str) -> Story {
    let mut story = Story::new("/w");
    for line in told.lines().filter(|line| !line.is_empty()) {
        let mut parts = line.splitn(3, ' ');
        let (at, kind, json) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let params: Value = serde_json::from_str(json).unwrap();
        let (method, params) = match kind {
            "update" => ("pillion/session/update", serde_json::json!({"update": params})),
            "task" => ("pillion/task/status", serde_json::json!({"task": params})),
            _ => ("textDocument/publishDiagnostics", params),
        };
        story.apply(at.parse().unwrap(), method, &params);
    }
    story
}

fn printed(story: &Story) -> String {
    let lines: Vec<String> =
        story.events.iter().map(|(when, event)| timeline::line(*when, event, Style::PLAIN)).collect();
    format!("{}\n{}", lines.join("\n"), timeline::end(story, Style::PLAIN))
}

#[test]
fn a_story_that_comes_true() {
    let story = story(TOLD);
    assert!(story.is_over());
    expect![[r#"
          0.3s  agent  I'll start the tests in the background.
          0.3s  ◐ cargo test  in the background as t1
          0.3s    ✓ Read src/lib.rs
          0.5s  agent  I'll go on later.
          3.0s    ✕ src/lib.rs:43:9  discount: left: 909, right: 900
                    in the editor, while cargo test runs
          9.0s  ✕ cargo test  failed (101) in 8.7s · 5 passed, 1 failed
          9.2s  the agent wakes by itself
          9.2s  → told to the agent: cargo test, failed, 5 passed, 1 failed
          9.4s    ✓ Edit src/lib.rs
          9.5s  ◐ cargo test  in the background as t2
         10.0s    ✓ src/lib.rs  cleared in the editor
         16.0s  ✓ cargo test  passed in 6.5s · 6 passed
         16.2s  the agent wakes by itself
         16.2s  → told to the agent: cargo test, succeeded
         16.4s  agent  All tests pass now.

                       0s                                                     16.4s
        cargo test 1    ████████████████████████████████
        cargo test 2                                     ████████████████████████
        the agent      ▓▓                               ▓▓                       ▓▓
        failure shown            ▲

        The tests took 15.2s in all. An agent that waits for its commands is blocked for 15.2s; this one
        spent 31 ms inside tool calls.
        ✓ the tests ran in the background: the agent had their task's id before they ended
        ✓ the agent worked meanwhile
        ✓ the failure was shown in the editor while the tests still ran
        ✓ the agent was told of each end, once
        ✓ the first run failed
        ✓ the last run passed
    "#]]
    .assert_eq(&printed(&story));
}

#[test]
fn what_did_not_come_true_is_named() {
    // The failure is shown after the end, nothing is told, and there is no second run.
    let told: Vec<&str> = TOLD
        .lines()
        .filter(|line| !line.starts_with("3000 ") && !line.starts_with("9251 "))
        .take_while(|line| !line.starts_with("9400 "))
        .collect();
    let story = story(&told.join("\n"));
    assert!(!story.is_over());
    let broken: Vec<&str> = story.promises().iter().filter(|(_, kept)| !kept).map(|(promise, _)| *promise).collect();
    expect![[r#"
        the failure was shown in the editor while the tests still ran
        the agent was told of each end, once
        the last run passed"#]]
    .assert_eq(&broken.join("\n"));
}

#[test]
fn waits_that_overlap_count_once() {
    let call = |at: u64, id: &str, status: &str| {
        format!(r#"{at} update {{"sessionUpdate":"tool_call_update","toolCallId":"{id}","status":"{status}"}}"#)
    };
    let told = [
        call(100, "a", "in_progress"),
        call(200, "b", "in_progress"),
        call(300, "a", "completed"),
        call(500, "b", "failed"),
    ];
    assert_eq!(story(&told.join("\n")).held_up(), 400);
}

#[test]
fn a_turn_that_fails_ends_the_story() {
    let story = story(
        r#"5 update {"sessionUpdate":"turn_started","reason":"prompt"}
9 update {"sessionUpdate":"turn_ended","stopReason":"error","usage":null,"error":{"message":"the key was refused"}}"#,
    );
    assert_eq!(story.failed.as_deref(), Some("the key was refused"));
}
