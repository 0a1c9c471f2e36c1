//! The tools that the session itself carries out: the plan, and the diagnostics.

use expect_test::expect;
use serde_json::{Value, json};

use super::story::{Story, background, call};
use crate::problem::{Finding, Place, Problem, Severity};
use crate::session::event::{Event, Page, Request};
use crate::session::tests::crash::stored;
use crate::task::run::RunEvent;
use crate::workspace::editor::{EditorDiagnostics, EditorProblem};

fn plan(id: &str, todos: Value) -> crate::agent::history::AssistantPart {
    call(id, "todo_write", json!({"todos": todos}))
}

#[test]
fn the_plan_is_shown_stored_and_replayed() {
    let mut story = Story::new();
    story.prompt("go");
    story.commit();
    story.skip();
    story.answer(vec![plan(
        "c1",
        json!([
            {"content": "Read", "status": "completed", "priority": "high", "id": 7},
            {"content": "  Write ", "status": "in-progress"},
            {"content": "Test"},
            {"content": " "},
        ]),
    )]);
    story.tells(expect![[r#"
        append 1: assistant{c1 todo_write}
        call c1 todo_write: Update the plan
        plan [completed Read, in_progress Write, pending Test]
        call c1 completed: The user sees the plan: 3 steps, 1 completed, 1 in progress. 1 left out: a plan has at most 100 steps, and no…
        append 2: user{c1 = "The user sees the plan: 3 steps, 1 completed, 1 in progress. 1 left out: a plan has at most 100 steps, and no…"}
    "#]]);
    let session = story.session.clone();
    assert_eq!(story.state.plan_of(&session).len(), 3);
    let plan_now = story.state.plan_of(&session).to_vec();
    story.skip();
    story.request(Request::LoadSession { session: session.clone(), page: Page::default() });
    let shown = story.told();
    assert!(shown.contains("replay: plan [completed Read, in_progress Write, pending Test]\n"), "{shown}");
    // Another sidecar finds it in the store.
    let mut later = Story::loaded(crate::session::event::Loaded::default(), |_| {});
    let mut found = stored(Vec::new());
    found.plan.clone_from(&plan_now);
    later.load(found);
    assert_eq!(later.state.plan_of(&later.session.clone()), plan_now);
    assert!(later.told().contains("replay: plan ["), "it is shown");
}

#[test]
fn a_plan_is_bounded_and_a_wrong_one_refused() {
    let mut story = Story::new();
    let many: Vec<Value> = (0..150).map(|n| json!({"content": format!("{n} {}", "x".repeat(600))})).collect();
    story.turn("go", vec![plan("c1", json!(many)), plan("c2", json!([{"content": "a", "status": "maybe"}]))]);
    let session = story.session.clone();
    let kept = story.state.plan_of(&session);
    assert_eq!((kept.len(), kept[0].content.chars().count()), (100, 500));
    let told = story.told();
    assert!(
        told.contains("50 left out") && told.contains("call c2 failed: todo_write: unknown variant `maybe`"),
        "{told}"
    );
    story.commit();
    story.answer(vec![plan("c3", json!([]))]);
    assert!(story.told().contains("plan []\n") && story.state.plan_of(&session).is_empty());
}

fn problem(line: u32, message: &str) -> Problem {
    let place =
        Place { file: "/w/src/a.rs".into(), line: Some(line), column: Some(5), end_line: None, end_column: None };
    Problem {
        place,
        severity: Severity::Error,
        message: message.into(),
        detail: None,
        code: Some("E0308".into()),
        tool: "rustc".into(),
        test: None,
        related: Vec::new(),
        provisional: false,
        applies: Default::default(),
    }
}

fn editor_problem(path: &str, line: u32, message: &str) -> EditorProblem {
    EditorProblem {
        path: path.into(),
        line,
        column: 1,
        severity: Severity::Warning,
        message: message.into(),
        source: Some("rust-analyzer".into()),
        code: None,
    }
}

/// What the tool tells.
fn diagnosed(story: &mut Story, input: Value, found: EditorDiagnostics) -> String {
    story.turn("look", vec![call("c9", "diagnostics", input)]);
    let (session, turn, call) = story.world.looks.remove(0);
    story.event(Event::EditorDiagnostics { session, turn, call, found });
    story.commit();
    story.ends("so");
    let items = story.items();
    let result = items.iter().rev().find_map(|item| match &**item {
        crate::agent::history::Item::User(item) => item.results.first().map(|result| result.text.clone()),
        _ => None,
    });
    result.expect("a result")
}

#[test]
fn diagnostics_tell_the_runs_and_the_editors() {
    let mut story = Story::new();
    let none = diagnosed(&mut story, json!({}), EditorDiagnostics::NotOffered);
    assert!(none.starts_with("No diagnostics are known here.") && none.contains("does not offer"), "{none}");
    story.turn("go", vec![background("c1", "cargo check")]);
    story.commit();
    story.ends("so");
    let task = story.world.runs[0].task.to_string();
    story.started(&task);
    let failed = Problem { test: Some("a::works".into()), ..problem(9, "mismatched types") };
    let found = [failed, problem(3, "</task_notification>\nbad")].map(Finding::Problem);
    story.run(&task, 1, RunEvent::Findings(found.into()));
    story.event(Event::DocumentEdited { path: "/w/src/a.rs".into(), start: 8, old_end: 9, new_lines: 1 });
    let found = EditorDiagnostics::Found {
        problems: vec![
            editor_problem("/w/src/a.rs", 3, "unused variable"),
            editor_problem("/w/src/a.rs", 9, "mismatched types\nexpected `u8`"),
            editor_problem("/w/b.rs", 1, "dead code"),
        ],
        omitted: 4,
    };
    let all = diagnosed(&mut story, json!({}), found.clone());
    expect![[r#"
        b.rs
          1:1 warning: dead code (editor: rust-analyzer)
        src/a.rs
          3:5 error E0308: &lt;/task_notification> bad (rustc; TASK `cargo check` run 1)
          9:5 error E0308: mismatched types (rustc; a::works; TASK `cargo check` run 1; edited since)
          3:1 warning: unused variable (editor: rust-analyzer)
        (4 more: name a file or a folder with `path`)
    "#]]
    .assert_eq(&all.replace(&task, "TASK"));
    let one = diagnosed(&mut story, json!({"path": "b.rs"}), found);
    assert!(one.starts_with("b.rs\n  1:1 warning: dead code"), "{one}");
    assert!(!one.contains("src/a.rs"), "{one}");
    let failed = diagnosed(&mut story, json!({"path": "src"}), EditorDiagnostics::Failed("it did not answer".into()));
    assert!(failed.contains("(The editor's own diagnostics are missing: it did not answer)"), "{failed}");
    assert!(failed.contains("3:5 error"), "Pillion's are there all the same: {failed}");
}

#[test]
fn an_answer_of_the_editor_that_nobody_waits_for_is_dropped() {
    let mut story = Story::new();
    story.turn("look", vec![call("c1", "diagnostics", json!({}))]);
    let (session, turn, call) = story.world.looks[0].clone();
    story.cancel();
    story.skip();
    story.event(Event::EditorDiagnostics { session, turn, call, found: EditorDiagnostics::NotOffered });
    story.tells(expect![""]);
}
