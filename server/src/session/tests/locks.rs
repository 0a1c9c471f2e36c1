//! Rows of commands that wait for a lock of their own.

use super::story::{Story, by_person};
use crate::session::event::{Request, StartTask};
use crate::task::model::{Status, WaitKind};
use crate::task::run::RunEvent;

fn says(story: &mut Story, task: &str, line: &str) {
    let output = RunEvent::Output { bytes: 9, lines: 1, last_line: line.into(), truncated: false };
    story.run(task, 1, output);
}

fn start(story: &mut Story, command: &str, cwd: &str) -> String {
    let wanted = StartTask { cwd: Some(cwd.into()), ..by_person(command, None) };
    story.request(Request::StartTask(wanted));
    let id = story.state.tasks().last().expect("a task").id.to_string();
    story.started(&id);
    id
}

const BLOCKED: &str = "    Blocking waiting for file lock on build directory";

#[test]
fn a_row_names_who_has_the_lock_until_output_goes_on() {
    let mut story = Story::with(|settings| settings.slots = 9);
    let first = start(&mut story, "cargo build", "/w/sub");
    let elsewhere = start(&mut story, "cargo check", "/w/other");
    let second = start(&mut story, "cargo test", "/w");
    let third = start(&mut story, "cargo clippy", "/w/sub/deep");
    says(&mut story, &second, BLOCKED);
    says(&mut story, &third, BLOCKED);
    for id in [&second, &third] {
        let task = story.task(id);
        let waiting = task.waiting_for.as_ref().expect("it waits");
        assert_eq!((task.status, waiting.kind), (Status::Running, WaitKind::Lock));
        assert_eq!(waiting.holder.as_ref(), Some(&first));
    }
    says(&mut story, &second, "   Compiling x v0.1.0");
    assert_eq!(story.task(&second).waiting_for, None);
    says(&mut story, &elsewhere, BLOCKED);
    let waiting = story.task(&elsewhere).waiting_for.clone().expect("it waits");
    assert_eq!(waiting.holder.as_ref(), Some(&second), "the workspace's root may share its target");
}

#[test]
fn who_waits_for_a_lock_leaves_its_slot_to_others() {
    let mut story = Story::with(|settings| settings.slots = 1);
    let first = start(&mut story, "cargo build", "/w");
    story.request(Request::StartTask(by_person("npm test", None)));
    assert_eq!(story.world.runs.len(), 1);
    says(&mut story, &first, BLOCKED);
    assert_eq!(story.task(&first).waiting_for.as_ref().and_then(|on| on.holder.clone()), None);
    assert_eq!(story.world.runs.len(), 2);
}
