//! What a sidecar makes of what the one before it left: nothing is lost, nothing is told twice.

use expect_test::expect;
use serde_json::json;

use super::story::{Story, background, by_person, call, words};
use crate::agent::history::{AssistantItem, Item, ModelStop, Prompt, UserItem};
use crate::agent::notification::{Key, Report};
use crate::session::event::{Loaded, Request, StoredReport, StoredSession};
use crate::task::model::{Delivery, RunRecord, Status, Task, Timestamp};

fn stored(history: Vec<Item>) -> StoredSession {
    StoredSession {
        id: "old".into(),
        title: Some("Old".into()),
        cwd: "/w".into(),
        mode: "auto".into(),
        model: "m".into(),
        created_at: Timestamp(1_769_817_600_000),
        updated_at: Timestamp(1_769_817_600_000),
        turns: 1,
        history,
        carried: Vec::new(),
        pending: Vec::new(),
    }
}

fn prompted(words: &str) -> Item {
    let prompt = Prompt { id: "p".into(), content: super::story::text(words) };
    Item::User(UserItem { prompts: vec![prompt], ..UserItem::default() })
}

fn answered(parts: Vec<crate::agent::history::AssistantPart>) -> Item {
    Item::Assistant(AssistantItem { parts, stop: ModelStop::ToolUse, provider: "test".into(), model: "m".into() })
}

/// A task of the session `old`, as the store kept it.
fn task(id: &str, status: Status) -> Task {
    let mut story = Story::new();
    story.request(Request::StartTask(by_person("cargo test", None)));
    let mut task = story.state.tasks().remove(0);
    task.id = id.into();
    task.session = Some("old".into());
    task.on_exit = crate::task::model::OnExit::Wake;
    task.status = status;
    task.started_at = Some(Timestamp(1_769_817_000_000));
    task.runs = vec![RunRecord { status, ..RunRecord::new(1, crate::task::model::Origin::Agent, None) }];
    task
}

#[test]
fn a_task_that_was_running_is_interrupted_and_told() {
    let mut ended = task("t91", Status::Failed);
    ended.exit_code = Some(1);
    ended.ended_at = Some(Timestamp(1_769_817_100_000));
    let loaded = Loaded {
        tasks: vec![task("t90", Status::Running), ended, task("t92", Status::Queued)],
        ended: vec![("t91".into(), "the tail".into())],
        ..Loaded::default()
    };
    let mut story = Story::loaded(loaded, |_| {});
    assert_eq!(story.task("t90").status, Status::Interrupted);
    assert_eq!(story.task("t90").runs[0].status, Status::Interrupted);
    story.skip();
    story.load(stored(vec![prompted("go"), answered(vec![words("started")])]));
    story.tells(expect![[r#"
        reply Session { session: SessionId("old"), mode: "auto", model: "m" }
        replay: started
        replay: user: go
        replay: agent: started
        replay: mode auto
        replay: ended
    "#]]);
    assert_eq!(story.world.timers, [], "nobody has spoken");
    story.prompt("well?");
    story.tells(expect![[r#"
        turn started: Prompt
        reply p3 in turn4
        user: well?
        told of t90, t92, t91
        save t90.1 interrupted, delivery carried
        row t90.1 interrupted, delivery carried
        save t92.1 interrupted, delivery carried
        row t92.1 interrupted, delivery carried
        save t91.1 failed, delivery carried
        row t91.1 failed, delivery carried
        append 2: user{<t90 interrupted t92 interrupted t91 failed>, "well?"}, carries t90.1 end, t92.1 end, t91.1 end
    "#]]);
}

#[test]
fn a_report_that_was_pending_is_told_once() {
    let key = Key { task: "t90".into(), run: 1, about: "end".into() };
    let report = Report {
        key: key.clone(),
        status: "succeeded".into(),
        command: "cargo test".into(),
        exit_code: Some(0),
        duration_ms: Some(1),
        summary: None,
        own_summary: None,
        names: Vec::new(),
        lines: 0,
        failures: Vec::new(),
        more_failures: 0,
        tail: String::new(),
        output_file: String::new(),
        notes: Vec::new(),
    };
    let report = StoredReport { report, at: Timestamp(1), session: Some("old".into()), wakes: true };
    let tasks = vec![task("t90", Status::Succeeded)];
    let loaded = Loaded { tasks, reports: vec![report.clone()], ..Loaded::default() };
    let mut story = Story::loaded(loaded, |_| {});
    story.world.outbox.insert(key, Delivery::Pending);
    story.world.reports.push(report);
    assert_eq!(story.task("t90").delivery, Delivery::Pending);
    story.load(stored(Vec::new()));
    story.skip();
    story.prompt("well?");
    story.tells(expect![[r#"
        turn started: Prompt
        reply p1 in turn2
        user: well?
        told of t90
        save t90.1 succeeded, delivery carried
        row t90.1 succeeded, delivery carried
        append 0: user{<t90 succeeded>, "well?"}, carries t90.1 end
    "#]]);
    story.commit();
    story.ends("fine");
    story.prompt("and?");
    let Item::User(item) = &**story.items().last().expect("an item") else { panic!("a user's item") };
    assert_eq!(item.notification, None);
}

#[test]
fn a_report_that_was_stored_before_the_end_of_its_row_is_told_once() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test")]);
    story.commit();
    story.started("t5");
    story.exits("t5", 1);
    // The report and the row's end are two writes: a crash between them must neither lose nor double it.
    let order: Vec<&str> = story
        .effects
        .iter()
        .filter_map(|effect| match effect {
            crate::session::effect::Effect::Store(crate::session::effect::Write::Report(_)) => Some("report"),
            crate::session::effect::Effect::Store(crate::session::effect::Write::Task(task)) => {
                Some(if task.status.is_final() { "final row" } else { "row" })
            }
            _ => None,
        })
        .collect();
    assert_eq!(order.first(), Some(&"report"), "{order:?}");
    assert_eq!(order.last(), Some(&"final row"), "{order:?}");
}

#[test]
fn a_task_that_waits_is_in_the_store() {
    let mut story = Story::with(|settings| {
        settings.slots = 1;
        settings.mode = crate::agent::approval::Mode::Ask;
    });
    story.turn("go", vec![background("c1", "cargo test")]);
    story.request(Request::StartTask(by_person("cargo test", None)));
    story.request(Request::StartTask(by_person("cargo build", None)));
    for task in story.state.tasks() {
        assert!(story.world.tasks.contains_key(&task.id), "{} would be lost", task.command);
    }
}

#[test]
fn rows_in_the_store_say_how_far_their_report_got() {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test")]);
    story.commit();
    story.started("t5");
    story.exits("t5", 1);
    assert_eq!(story.world.tasks[&"t5".into()].delivery, Delivery::Pending);
    story.ends("ok");
    story.wakes();
    assert_eq!(story.world.tasks[&"t5".into()].delivery, Delivery::Carried);
    story.commit();
    story.ends("seen");
    assert_eq!(story.world.tasks[&"t5".into()].delivery, Delivery::Delivered);
}

#[test]
fn calls_without_a_result_get_one_in_the_next_request() {
    let mut story = Story::loaded(Loaded::default(), |_| {});
    let calls = vec![words("running"), call("c1", "bash", json!({"command": "ls"})), background("c2", "make")];
    story.load(stored(vec![prompted("go"), answered(calls)]));
    story.prompt("well?");
    story.commit();
    story.history(expect![[r#"
        user{"go"}
        assistant{"running", c1 bash, c2 background_run}
        user{c1 error = "Pillion went away before this call was answered: its result is not known.", c2 error = "Pillion went away before this call was answered: its result is not known.", "well?"}"#]]);
}

#[test]
fn what_was_carried_is_delivered_by_the_next_answer() {
    let key = Key { task: "t90".into(), run: 1, about: "end".into() };
    let mut story = Story::loaded(Loaded { tasks: vec![task("t90", Status::Failed)], ..Loaded::default() }, |_| {});
    story.world.outbox.insert(key.clone(), Delivery::Carried);
    story.load(StoredSession { carried: vec![key.clone()], ..stored(vec![prompted("go")]) });
    story.prompt("well?");
    story.commit();
    story.ends("seen");
    assert_eq!(story.world.outbox[&key], Delivery::Delivered);
}

#[test]
fn a_store_that_does_not_open_is_said() {
    let problem = Some("Nothing is remembered: no space".to_owned());
    let mut story = Story::loaded(Loaded::default(), |_| {});
    story.event(crate::session::event::Event::Loaded(Box::new(Loaded { problem, ..Loaded::default() })));
    story.tells(expect![[r#"
        say "Nothing is remembered: no space"
        snapshot
    "#]]);
}
