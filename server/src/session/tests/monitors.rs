//! Tasks that stay: what of their lines is told, when a foreground call of one is answered, and that they have no clock.

use expect_test::expect;

use super::story::{Story, by_person, call, text};
use crate::agent::history::Item;
use crate::session::event::{Request, StartTask};
use crate::task::model::{Kind, Origin, Ready};
use crate::task::run::{Batch, Holder, RunEvent};

fn ready(url: &str) -> RunEvent {
    RunEvent::Ready(Ready { line: format!("Local: {url}"), url: Some(url.into()) })
}

fn matched(line: &str, heard: u64) -> RunEvent {
    RunEvent::Matched(Batch { lines: vec![line.into()], more: 0, heard })
}

/// A session that is idle while `t5` runs, which tells of lines with ERROR in them.
fn monitored() -> Story {
    let mut story = Story::new();
    let input = serde_json::json!({"command": "tail -f a.log", "pattern": "ERROR"});
    story.turn("go", vec![call("c1", "background_run", input)]);
    story.commit();
    story.ends("started");
    story.started("t5");
    story.skip();
    story
}

/// The newest block that the history took.
fn block(story: &Story) -> String {
    let Item::User(item) = &**story.items().last().expect("an item") else { panic!("a user's item") };
    item.notification.clone().expect("a block")
}

#[test]
fn a_server_in_the_foreground_is_answered_when_it_is_ready() {
    let mut story = Story::new();
    story.turn("go", vec![call("c1", "bash", serde_json::json!({"command": "npm run dev"}))]);
    story.skip();
    story.started("t5");
    story.tells(expect![[r#"
        in 1000 ms promote t5.1
    "#]]);
    story.run("t5", 1, ready("http://localhost:5173/"));
    story.tells(expect![[r#"
        save t5.1 running, delivery none
        row t5.1 running, delivery none
        call c1 completed (t5): Ready at http://localhost:5173/: the server goes on in the background as t5. stop_background ends it.
        append 2: user{c1 = "Ready at http://localhost:5173/: the server goes on in the background as t5. stop_background ends it."}
    "#]]);
    let task = story.task("t5");
    assert_eq!(task.kind, Kind::Monitor);
    assert_eq!(task.progress.message.as_deref(), Some("ready at http://localhost:5173/"));
    assert!(story.world.undelivered().is_empty(), "the call has told it");
}

#[test]
fn a_server_that_takes_its_time_goes_on_and_tells_later() {
    let mut story = Story::new();
    let input = serde_json::json!({"command": "npm run dev", "run_in_background": false});
    story.turn("go", vec![call("c1", "bash", input)]);
    story.started("t5");
    story.now += 1_000;
    story.skip();
    story.timer(crate::session::event::Timer::Promote("t5".into(), 1));
    story.tells(expect![[r#"
        save t5.1 running, delivery none
        row t5.1 running, delivery none
        call c1 completed (t5): After 1.0s it goes on in the background as t5. It stays until it is stopped; you are told when it is ready, a…
        append 2: user{c1 = "After 1.0s it goes on in the background as t5. It stays until it is stopped; you are told when it is ready, a…"}
    "#]]);
    assert!(story.world.timers.is_empty(), "it has no check-in: {:?}", story.world.timers);
    story.commit();
    story.ends("It starts.");
    story.skip();
    story.run("t5", 1, ready("http://localhost:3000"));
    story.wakes();
    let told = block(&story);
    assert!(told.contains("<summary>ready at http://localhost:3000</summary>"), "{told}");
    assert!(told.contains("<lines>\nLocal: http://localhost:3000\n</lines>"), "{told}");
    assert!(told.contains("<status>running</status>"), "{told}");
}

#[test]
fn a_background_server_has_no_limit_and_no_check_in() {
    let mut story = Story::with(|settings| settings.background_timeout = Some(60_000));
    let start = |id: &str, command: &str| call(id, "background_run", serde_json::json!({"command": command}));
    story.turn("go", vec![start("c1", "vite"), start("c2", "cargo build")]);
    story.started("t5");
    story.started("t6");
    assert_eq!(story.task("t5").timeout, None);
    assert!(story.task("t6").timeout.is_some());
    assert!(story.world.timers.is_empty(), "{:?}", story.world.timers);
}

#[test]
fn lines_come_in_batches_and_each_is_told_once() {
    let mut story = monitored();
    story.run("t5", 1, matched("ERROR one", 10));
    story.tells(expect![[r#"
        report t5.1 lines.1 running to s1, wakes
        in 250 ms wake s1
        save t5.1 running, delivery pending
        row t5.1 running, delivery pending
    "#]]);
    // While the first one waits, the others gather behind it.
    story.run("t5", 1, matched("ERROR two", 20));
    story.run("t5", 1, matched("ERROR three", 30));
    story.tells(expect![""]);
    story.wakes();
    let told = block(&story);
    assert_eq!(told.matches("<task_notification>").count(), 2, "{told}");
    assert!(told.contains("<lines>\nERROR one\n</lines>"), "{told}");
    assert!(told.contains("<lines>\nERROR two\nERROR three\n</lines>"), "{told}");
    story.commit();
    story.ends("seen");
    story.run("t5", 1, matched("ERROR four", 40));
    story.run("t5", 1, matched("ERROR five", 50));
    story.exits("t5", 0);
    story.wakes();
    let told = block(&story);
    for (line, times) in [("ERROR one", 0), ("ERROR four", 1), ("ERROR five", 1)] {
        assert_eq!(told.matches(line).count(), times, "{line}: {told}");
    }
    assert_eq!(told.matches("<status>succeeded</status>").count(), 1, "lines are no end: {told}");
    assert_eq!(story.task("t5").monitor.heard, 50);
}

#[test]
fn a_stream_that_nobody_hears_of_takes_the_room_of_two() {
    let mut story = monitored();
    for n in 0..500 {
        story.run("t5", 1, matched(&format!("ERROR {n}"), n));
    }
    story.prompt("what is new?");
    let told = block(&story);
    assert_eq!(told.matches("<task_notification>").count(), 2, "{told}");
    assert!(told.contains("ERROR 20\n… and 479 more lines matched\n</lines>"), "{told}");
}

#[test]
fn a_look_at_the_task_does_not_swallow_lines() {
    let mut story = monitored();
    let session = story.session.clone();
    story.prompt("look");
    story.commit();
    story.run("t5", 1, matched("ERROR one", 10));
    story.exits("t5", 1);
    story.answer(vec![super::story::check("c2", "t5")]);
    story.output_read("the tail");
    let told = block(&story);
    assert!(told.contains("ERROR one") && !told.contains("<status>failed</status>"), "{told}");
    assert_eq!(session, story.session);
}

#[test]
fn the_next_run_is_heard_from_its_start() {
    let mut story = monitored();
    story.run("t5", 1, matched("ERROR one", 10));
    story.exits("t5", 1);
    story.wakes();
    story.request(Request::RerunTask { task: Some("t5".into()) });
    assert_eq!((story.task("t5").monitor.heard, story.task("t5").monitor.batches), (0, 0));
    assert_eq!(story.task("t5").runs[1].started_by, Some(Origin::User));
    story.started("t5");
    story.run("t5", 2, matched("ERROR one", 10));
    assert!(story.world.outbox.keys().any(|key| key.run == 2 && key.about == "lines.1"));
}

#[test]
fn a_persons_monitor_tells_with_the_next_prompt() {
    let mut story = Story::new();
    let start = StartTask { pattern: Some("ERROR".into()), ..by_person("make run", None) };
    story.request(Request::StartTask(start));
    let task = story.world.runs[0].task.to_string();
    assert_eq!(story.task(&task).kind, Kind::Monitor);
    story.started(&task);
    story.run(&task, 1, matched("ERROR one", 10));
    story.run(&task, 1, matched("ERROR two", 20));
    story.prompt("hello");
    let told = block(&story);
    assert!(told.contains("ERROR one") && told.contains("ERROR two"), "{told}");
    assert_eq!(text("x").len(), 1);
}

fn holder(pid: u32, lineage: &[u32], output: Option<&str>, marked: bool) -> Option<Holder> {
    Some(Holder {
        pid,
        command: "node server.js".into(),
        cwd: Some("/w".into()),
        lineage: lineage.to_vec(),
        output: output.map(Into::into),
        marked,
    })
}

#[test]
fn an_address_in_use_is_told_with_who_has_it() {
    let mut story = Story::new();
    story.request(Request::StartTask(by_person("node server.js", None)));
    let server = story.world.runs[0].task.to_string();
    story.started(&server);
    let ours = format!(
        "Port 3000 is taken by `node server.js` (pid 99, in /w), which is task {server} here: use it, or stop it first."
    );
    let output = format!("/runs/{server}/1/output");
    for (port, holder, note) in [
        // By its ancestors (the main process has the pid 42), and by where its output goes.
        (3000, holder(99, &[99, 42], None, true), ours.as_str()),
        (3000, holder(99, &[99], Some(&output), true), &ours),
        (
            3000,
            holder(99, &[99], None, true),
            "Port 3000 is taken by `node server.js` (pid 99, in /w), which a task of another Pillion window started.",
        ),
        (
            80,
            holder(1, &[1], Some("/elsewhere/output"), false),
            "Port 80 is taken by `node server.js` (pid 1, in /w), which no task of Pillion started: use another port, or \
             ask the user before you stop it.",
        ),
        (
            80,
            None,
            "Port 80 is taken, and no process that can be seen listens there: it is another user's, in a container, or \
             gone by now.",
        ),
        (0, None, "Its address is taken; it does not say which port."),
    ] {
        story.request(Request::StartTask(by_person("./serve", None)));
        let task = story.world.runs.last().expect("a run").task.to_string();
        story.run(&task, 1, RunEvent::AddressTaken { port, holder, goes_on: false });
        story.exits(&task, 1);
        let report = &story.world.reports.last().expect("a report").report;
        assert_eq!(report.notes.last().map(String::as_str), Some(note));
        assert!(story.task(&task).summary.as_deref().is_some_and(|summary| summary.contains("taken")));
    }
}

#[test]
fn a_server_that_goes_on_without_its_address_is_told_too() {
    let mut story = monitored();
    story.run("t5", 1, RunEvent::AddressTaken { port: 3000, holder: None, goes_on: true });
    story.tells(expect![[r#"
        report t5.1 address running to s1, wakes
        in 250 ms wake s1
        save t5.1 running, delivery pending
        row t5.1 running, delivery pending
    "#]]);
    assert_eq!(story.task("t5").progress.message.as_deref(), Some("port 3000 is taken"));
}
