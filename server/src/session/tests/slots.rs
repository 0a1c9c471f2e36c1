//! Slots, classes of which one runs at a time, and claims that hold over windows.

use expect_test::expect;

use super::story::{Story, by_person};
use crate::session::event::{Event, Request, StartTask, Timer};
use crate::task::model::{Group, Status, Task, Timestamp};

fn start(story: &mut Story, command: &str) {
    story.request(Request::StartTask(by_person(command, None)));
}

/// A row of another window.
fn elsewhere(id: &str, command: &str, group: Group) -> Task {
    let mut other = Story::new();
    let wanted = StartTask { group: Some(group), ..by_person(command, None) };
    other.request(Request::StartTask(wanted));
    let task = other.state.tasks().pop().expect("a task");
    Task { id: id.into(), owned: false, status: Status::Running, started_at: Some(Timestamp(1)), ..task }
}

fn others(story: &mut Story, changed: Vec<Task>) {
    story.event(Event::Others { changed, taken: Vec::new(), reports: Vec::new() });
}

#[test]
fn one_install_runs_in_a_folder() {
    let mut story = Story::new();
    start(&mut story, "npm install");
    story.tells(expect![[r#"
        reply t2.1 queued, delivery none
        save t2.1 queued, delivery none
        row t2.1 queued, delivery none
        claim install in /w for t2.1
    "#]]);
    story.claimed(Ok(()));
    story.started("t2");
    story.skip();
    start(&mut story, "npm ci");
    story.tells(expect![[r#"
        reply t3.1 queued, delivery none
        save t3.1 queued for lock of t2, delivery none
        row t3.1 queued for lock of t2, delivery none
    "#]]);
    let sub = StartTask { cwd: Some("/w/sub".into()), ..by_person("npm install", None) };
    story.request(Request::StartTask(sub));
    story.skip();
    story.claimed(Ok(()));
    story.tells(expect![[r#"
        save t4.1 queued, delivery none
        row t4.1 queued, delivery none
        start t4.1 `npm install`
    "#]]);
    story.exits("t2", 0);
    story.tells(expect![[r#"
        release t2.1
        no promote t2.1
        no check in on t2.1
        report t2.1 end succeeded to nobody
        save t2.1 succeeded, delivery pending
        row t2.1 succeeded, delivery pending
        claim install in /w for t3.1
    "#]]);
}

#[test]
fn another_window_was_first() {
    let mut story = Story::new();
    start(&mut story, "npm install");
    story.skip();
    story.claimed(Err("t9"));
    story.tells(expect![[r#"
        in 1000 ms claim again for t2
        save t2.1 queued for lock of t9, delivery none
        row t2.1 queued for lock of t9, delivery none
    "#]]);
    // A third one does not ask before the one that came first.
    start(&mut story, "npm ci");
    assert!(story.world.claims.is_empty());
    story.timer(Timer::Claim("t2".into()));
    story.claimed(Err("t9"));
    assert_eq!(story.task("t2").status, Status::Queued);
    // Its end is seen.
    let mut ended = elsewhere("t9", "npm install", Group::Install);
    ended.status = Status::Succeeded;
    others(&mut story, vec![ended]);
    story.claimed(Ok(()));
    assert_eq!(story.world.runs.len(), 1);
    story.started("t2");
    assert_eq!(story.task("t2").waiting_for, None);
}

#[test]
fn one_that_is_stopped_while_it_asks_gives_back_what_it_may_get() {
    let mut story = Story::new();
    start(&mut story, "npm install");
    story.skip();
    story.request(Request::StopTask { task: Some("t2".into()) });
    story.tells(expect![[r#"
        release t2.1
        no promote t2.1
        no check in on t2.1
        report t2.1 end killed to nobody
        save t2.1 killed by user, delivery pending
        row t2.1 killed by user, delivery pending
        reply t2.1 killed by user, delivery pending
    "#]]);
    story.claimed(Ok(()));
    story.tells(expect![""]);
}

#[test]
fn tasks_of_other_windows_take_slots_as_far_as_one_is_left() {
    let mut story = Story::new();
    others(
        &mut story,
        vec![elsewhere("t8", "cargo test a", Group::Test), elsewhere("t9", "cargo test b", Group::Test)],
    );
    start(&mut story, "cargo test c");
    start(&mut story, "cargo test d");
    assert_eq!(story.world.runs.len(), 1);
    let waiting = story.state.tasks().pop().expect("a task").waiting_for.expect("it waits");
    assert!(["t8", "t9"].contains(&waiting.holder.as_deref().expect("for somebody")));
    let mut ended = elsewhere("t8", "cargo test a", Group::Test);
    ended.status = Status::Failed;
    others(&mut story, vec![ended.clone()]);
    assert_eq!(story.world.runs.len(), 1);
    ended.id = "t9".into();
    others(&mut story, vec![ended]);
    assert_eq!(story.world.runs.len(), 2);
}

#[test]
fn nothing_waits_behind_a_server_or_a_watcher() {
    let mut story = Story::with(|settings| settings.slots = 1);
    for command in ["npm run dev", "vitest --watch", "tsc --watch", "vitest --watch", "npm run dev", "cargo test"] {
        start(&mut story, command);
    }
    assert_eq!(story.world.runs.len(), 6);
}

#[test]
fn the_same_command_in_the_same_folder_goes_behind() {
    let mut story = Story::with(|settings| settings.slots = 5);
    start(&mut story, "cargo test");
    story.started("t2");
    story.skip();
    start(&mut story, "cargo test");
    story.tells(expect![[r#"
        reply t3.1 queued, delivery none
        save t3.1 queued for slot of t2, delivery none
        row t3.1 queued for slot of t2, delivery none
    "#]]);
    let other = StartTask { env: vec![("A".into(), "1".into())], ..by_person("cargo test", None) };
    story.request(Request::StartTask(other));
    assert_eq!(story.world.runs.len(), 2, "another environment is another command");
    story.exits("t2", 1);
    assert!(story.world.runs.iter().any(|run| run.task.as_str() == "t3"));
}

#[test]
fn a_class_of_its_own_holds_in_the_whole_workspace() {
    let mut story =
        Story::with(|settings| settings.exclusive = crate::session::schedule::exclusive(&["terraform = infra"]));
    start(&mut story, "terraform plan");
    story.claimed(Ok(()));
    let sub = StartTask { cwd: Some("/w/sub".into()), ..by_person("terraform apply", None) };
    story.request(Request::StartTask(sub));
    assert_eq!(story.world.runs.len(), 1);
    start(&mut story, "npm install a");
    start(&mut story, "npm install b");
    assert_eq!(story.world.runs.len(), 3, "the setting replaces the default");
}
