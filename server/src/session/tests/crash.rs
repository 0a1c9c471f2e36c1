//! What a sidecar makes of what the one before it left: nothing is lost, nothing is told twice.

use expect_test::expect;
use serde_json::json;

use super::story::{Story, background, by_person, call, words};
use crate::agent::history::{AssistantItem, Item, ModelStop, Prompt, UserItem};
use crate::agent::notification::{Key, Report};
use crate::problem::{Finding, Place, Problem, Severity};
use crate::session::effect::{Effect, Refusal};
use crate::session::event::{Event, Loaded, Request, StartTask, StoredReport, StoredSession, Taken, Timer};
use crate::session::since::Changes;
use crate::task::model::{
    Delivery, Lifetime, OnClose, Origin, RunRecord, Status, StoppedBy, Task, Timestamp, WaitKind, WaitingFor,
};
use crate::task::run::{Ending, RunControl, RunEvent};

pub(super) fn stored(history: Vec<Item>) -> StoredSession {
    StoredSession {
        id: "old".into(),
        title: Some("Old".into()),
        title_by: Default::default(),
        cwd: "/w".into(),
        mode: "auto".into(),
        model: "m".into(),
        created_at: Timestamp(1_769_817_600_000),
        updated_at: Timestamp(1_769_817_600_000),
        turns: 1,
        usage: Default::default(),
        system: None,
        history,
        log: Vec::new(),
        carried: Vec::new(),
        pending: Vec::new(),
        tasks: Vec::new(),
        head: None,
        plan: Vec::new(),
        reverted: Vec::new(),
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

fn problem() -> Problem {
    let place = Place { file: "/w/a.rs".into(), line: Some(1), column: None, end_line: None, end_column: None };
    Problem {
        place,
        severity: Severity::Error,
        message: "broken".into(),
        detail: None,
        code: None,
        tool: "rustc".into(),
        test: None,
        related: Vec::new(),
        provisional: false,
        applies: Default::default(),
    }
}

/// The same, launched.
fn running(id: &str) -> Task {
    let mut task = task(id, Status::Running);
    task.output.path = format!("/runs/{id}/1/output").into();
    task.pid = Some(42);
    task
}

#[test]
fn a_task_that_runs_on_stays_the_one_that_it_was() {
    let loaded = Loaded { tasks: vec![running("t90")], ..Loaded::default() };
    let mut story = Story::loaded(loaded, |_| {});
    let resumed = |story: &Story| story.world.runs.iter().map(|run| run.task.to_string()).collect::<Vec<_>>();
    assert_eq!(resumed(&story), ["t90"]);
    let before = story.task("t90").clone();
    assert_eq!(before.status, Status::Running);
    story.load(stored(vec![prompted("go"), answered(vec![words("started")])]));
    story.skip();
    let started_at = before.started_at.unwrap();
    story.run("t90", 1, RunEvent::Started { pid: 42, at: started_at });
    assert_eq!(*story.task("t90"), before, "nothing that a person sees has changed");
    story.run("t90", 1, RunEvent::Findings(vec![Finding::Problem(problem())]));
    story.exits("t90", 1);
    let after = story.task("t90");
    assert_eq!((after.status, after.run, after.started_at), (Status::Failed, 1, Some(started_at)));
    assert_eq!((after.errors, after.summary.as_deref()), (1, Some("1 error")));
    story.prompt("well?");
    story.commit();
    let Item::User(item) = &**story.items().last().unwrap() else { panic!("a user's item") };
    assert_eq!(item.notification.as_ref().unwrap().matches("<task_id>t90</task_id>").count(), 1);
    assert_eq!(story.world.runs, []);
}

#[test]
fn the_agent_hears_once_in_all_that_a_task_takes_long() {
    let due = |told: bool| {
        let mut task = running("t90");
        task.origin = Origin::Agent;
        task.started_at = Some(Timestamp(1_769_817_600_000 - 100_000));
        task.checked_in = told;
        let mut story = Story::loaded(Loaded { tasks: vec![task.clone()], ..Loaded::default() }, |_| {});
        story.skip();
        story.run("t90", 1, RunEvent::Started { pid: 42, at: task.started_at.unwrap() });
        let timers = story.effects.iter().filter_map(|effect| match effect {
            Effect::SetTimer { timer: Timer::CheckIn(..), after_ms } => Some(*after_ms),
            _ => None,
        });
        timers.collect::<Vec<_>>()
    };
    assert_eq!(due(false), [200_000], "what is left of the time");
    assert_eq!(due(true), [0_u64; 0]);
}

#[test]
fn a_stop_that_was_asked_for_is_asked_for_again() {
    let stopping = Task { stopping: true, stopped_by: Some(StoppedBy::User), ..running("t90") };
    let mut story = Story::loaded(Loaded { tasks: vec![stopping], ..Loaded::default() }, |_| {});
    assert!(story.world.stopping.contains("t90 1"));
    assert!(story.task("t90").stopping);
    story.ended("t90", Ending::Stopped { code: None, signal: Some(15) });
    assert_eq!((story.task("t90").status, story.task("t90").stopped_by), (Status::Killed, Some(StoppedBy::User)));
}

#[test]
fn nobody_came_in_time_is_an_end_by_the_exit() {
    let mut story = Story::loaded(Loaded { tasks: vec![running("t90")], ..Loaded::default() }, |_| {});
    story.ended("t90", Ending::Orphaned { code: None, signal: Some(15) });
    assert_eq!((story.task("t90").status, story.task("t90").stopped_by), (Status::Killed, Some(StoppedBy::Exit)));
}

#[test]
fn what_was_never_launched_waits_on_in_its_own_window_alone() {
    let queued = || task("t90", Status::Queued);
    let story = Story::loaded(Loaded { tasks: vec![queued()], ..Loaded::default() }, |_| {});
    assert_eq!(story.world.runs.len(), 1, "its place is free");
    assert_eq!(story.task("t90").status, Status::Queued);

    let strangers = vec!["t90".into()];
    let story = Story::loaded(Loaded { tasks: vec![queued()], strangers, ..Loaded::default() }, |_| {});
    assert_eq!((story.world.runs.len(), story.task("t90").status), (0, Status::Interrupted));

    let waiting_for = Some(WaitingFor::of(WaitKind::Permission));
    let asked = Task { waiting_for, started_at: None, ..queued() };
    let story = Story::loaded(Loaded { tasks: vec![asked], ..Loaded::default() }, |_| {});
    assert_eq!(story.task("t90").status, Status::Interrupted, "who asked is gone");
    assert!(story.task("t90").summary.as_deref().unwrap().contains("permitted"));
}

#[test]
fn what_another_window_left_is_taken_over_while_this_one_runs() {
    let mut story = Story::new();
    let other = Task { owned: false, ..running("t90") };
    story.event(Event::Others { changed: vec![other], taken: Vec::new(), reports: Vec::new() });
    assert!(!story.task("t90").owned);
    story.skip();
    let taken = Taken { task: running("t90"), same_client: false };
    story.event(Event::Others { changed: Vec::new(), taken: vec![taken], reports: Vec::new() });
    story.tells(expect![[r#"
        take over run t90.1
        save t90.1 running, delivery none
        row t90.1 running, delivery none
    "#]]);
    assert!(story.task("t90").owned);
    story.exits("t90", 0);
    assert_eq!(story.task("t90").status, Status::Succeeded);
}

#[test]
fn what_another_window_left_untold_is_told_here_once() {
    let mut story = Story::new();
    let report = untold(None);
    story.world.outbox.insert(report.report.key.clone(), Delivery::Pending);
    let ended = Task { session: None, delivery: Delivery::Pending, ..task("t90", Status::Succeeded) };
    let taken = |task| vec![Taken { task, same_client: false }];
    story.event(Event::Others { changed: Vec::new(), taken: taken(ended.clone()), reports: vec![report.clone()] });
    // A second look that finds it again changes nothing.
    story.event(Event::Others { changed: Vec::new(), taken: taken(ended), reports: vec![report] });
    story.prompt("well?");
    assert_eq!(story.world.undelivered(), Vec::<&Key>::new());
    let Item::User(item) = &**story.items().last().expect("an item") else { panic!("a user's item") };
    let block = item.notification.as_deref().unwrap_or_default();
    assert_eq!(block.matches("<task_id>t90</task_id>").count(), 1, "{block}");
}

#[test]
fn daemons_that_outlived_their_sidecar_are_owned_again() {
    let left = Task { stragglers: 2, ..task("t90", Status::Succeeded) };
    let left = Task { output: running("t90").output, ..left };
    let mut story = Story::loaded(Loaded { tasks: vec![left], ..Loaded::default() }, |_| {});
    assert_eq!((story.world.runs.len(), story.task("t90").stragglers), (0, 2));
    story.request(Request::StopTask { task: Some("t90".into()) });
    assert!(story.world.stopping.contains("t90 1"));
    story.run("t90", 1, RunEvent::Emptied);
    assert_eq!((story.task("t90").stragglers, story.task("t90").stopping), (0, false));
}

#[test]
fn what_becomes_of_a_run_follows_who_wants_it() {
    let on_close = |story: &Story| {
        story.effects.iter().find_map(|effect| match effect {
            Effect::StartRun(spec) => Some(spec.on_close),
            Effect::Control(_, RunControl::OnClose(on_close)) => Some(*on_close),
            _ => None,
        })
    };
    let mut story = Story::new();
    let session = Some(story.session.clone());
    for (lifetime, expected) in
        [(Lifetime::Turn, OnClose::Stop), (Lifetime::Session, OnClose::Grace), (Lifetime::Detached, OnClose::Keep)]
    {
        story.request(Request::StartTask(StartTask { lifetime, ..by_person("serve", session.as_ref()) }));
        assert_eq!(on_close(&story), Some(expected), "{lifetime:?}");
    }
    story.quick_store = false;
    story.turn("go", vec![call("c1", "bash", json!({"command": "sleep 9"}))]);
    assert_eq!(on_close(&story), Some(OnClose::Stop), "its call is never answered with its end");
    let started: Vec<String> = story.world.runs.iter().map(|run| run.task.to_string()).collect();
    let foreground = started.last().unwrap().clone();
    story.started(&foreground);
    story.request(Request::Promote { session, call: None });
    assert_eq!(on_close(&story), Some(OnClose::Grace), "it is a task like any other now");
}

#[test]
fn a_task_of_a_turn_ends_with_it() {
    let mut story = Story::new();
    let session = Some(story.session.clone());
    story.request(Request::StartTask(StartTask { lifetime: Lifetime::Turn, ..by_person("serve", None) }));
    assert!(matches!(
        story.effects.first(),
        Some(Effect::Reply { result: Err(Refusal::BadField { field: "sessionId", .. }), .. })
    ));
    story.prompt("go");
    story.commit();
    story.request(Request::StartTask(StartTask { lifetime: Lifetime::Turn, ..by_person("serve", session.as_ref()) }));
    story.request(Request::StartTask(by_person("make", session.as_ref())));
    let ids: Vec<String> = story.world.runs.iter().map(|run| run.task.to_string()).collect();
    story.started(&ids[0]);
    story.started(&ids[1]);
    story.ends("done");
    assert!(story.task(&ids[0]).stopping);
    assert!(!story.task(&ids[1]).stopping);
    story.ended(&ids[0], Ending::Stopped { code: None, signal: Some(15) });
    assert_eq!(story.task(&ids[0]).stopped_by, Some(StoppedBy::Exit));
    assert_eq!(story.world.timers.iter().filter(|timer| matches!(timer, Timer::Wake(_))).count(), 0);
}

#[test]
fn a_task_whose_end_nobody_saw_is_told() {
    let loaded = Loaded { tasks: vec![running("t90"), task("t92", Status::Queued)], ..Loaded::default() };
    let loaded = Loaded { strangers: vec!["t92".into()], ..loaded };
    let mut story = Story::loaded(loaded, |_| {});
    story.ended("t90", Ending::Lost);
    assert_eq!(story.task("t90").status, Status::Interrupted);
    assert_eq!(story.task("t90").runs[0].status, Status::Interrupted);
    story.skip();
    story.load(stored(vec![prompted("go"), answered(vec![words("started")])]));
    story.tells(expect![[r#"
        reply Loaded { session: SessionId("old"), mode: "auto", model: "m", before: None }
        replay: started
        replay: user: go
        replay: agent: started
        replay: wakes paused: false
        replay: queue []
        replay: ended
    "#]]);
    assert_eq!(story.world.timers, [], "nobody has spoken");
    story.prompt("well?");
    story.tells(expect![[r#"
        turn started: Prompt
        reply p1 in turn2
        user: well?
        told of t92, t90
        save t92.1 interrupted, delivery carried
        row t92.1 interrupted, delivery carried
        save t90.1 interrupted, delivery carried
        row t90.1 interrupted, delivery carried
        append 2: user{<t92 interrupted t90 interrupted>, "well?"}, carries t92.1 end, t90.1 end
    "#]]);
}

/// The end of `t90`, which nobody was told.
fn untold(session: Option<&str>) -> StoredReport {
    let report = Report {
        key: Key { task: "t90".into(), run: 1, about: "end".into() },
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
        matched: Vec::new(),
        more_matched: 0,
        report: None,
        tail: String::new(),
        output_file: String::new(),
        notes: Vec::new(),
    };
    StoredReport { report, at: Timestamp(1), session: session.map(Into::into), wakes: true }
}

#[test]
fn a_report_that_was_pending_is_told_once() {
    let report = untold(Some("old"));
    let key = report.report.key.clone();
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

#[test]
fn what_ran_while_it_was_away_is_heard_before_it_is_told() {
    let told = |ends: bool| {
        let mut story = Story::loaded(Loaded { tasks: vec![running("t90")], ..Loaded::default() }, |_| {});
        let from = Timestamp(story.now);
        story.now += 50 * 3_600_000;
        story.load(stored(vec![prompted("go"), answered(vec![words("started")])]));
        story.skip();
        let (session, changes) = (story.session.clone(), Changes { files: 2, ..Changes::default() });
        story.event(Event::SinceLooked { session: session.clone(), from, changes });
        story.tells(expect![[r#"
            in 3000 ms say what happened in old
        "#]]);
        if ends {
            story.exits("t90", 1);
        } else {
            story.timer(Timer::Since(session));
        }
        let told = story.told();
        told.lines().find(|line| line.starts_with("since: ")).expect("it is told").to_owned()
    };
    let ended = told(true);
    assert!(ended.contains(" failed") && ended.ends_with("- 2 files changed"), "{ended}");
    assert_eq!(told(false), "since: While this was closed (2 days):⏎- 2 files changed", "it still runs");
}
