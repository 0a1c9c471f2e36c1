//! Tasks that run others first.

use expect_test::expect;

use super::story::{Story, background, by_person};
use crate::session::effect::{Effect, Reply};
use crate::session::event::{Choice, Dependency, Event, ReplyId, Request, StartTask};
use crate::task::model::{Group, Status, WaitKind};
use crate::workspace::commands::{Defined, DefinedRun};

fn defined(label: &str, depends_on: &[&str]) -> Defined {
    Defined {
        label: label.into(),
        group: Group::Other,
        is_default: false,
        is_hidden: false,
        run: Ok(DefinedRun {
            command: format!("run {label}"),
            cwd: "/w".into(),
            env: Vec::new(),
            matchers: Vec::new(),
            unread: Vec::new(),
        }),
        depends_on: depends_on.iter().map(|name| (*name).to_owned()).collect(),
        in_sequence: false,
    }
}

fn sequence(label: &str, depends_on: &[&str]) -> Defined {
    Defined { in_sequence: true, ..defined(label, depends_on) }
}

fn label(label: &str) -> StartTask {
    StartTask { label: Some(label.into()), ..by_person("", None) }
}

fn step(command: &str) -> Dependency {
    Dependency::Command(Box::new(by_person(command, None)))
}

/// Starts what the file defines; the file is read by the way.
fn start(story: &mut Story, wanted: StartTask, file: &[Defined]) {
    story.request(Request::StartTask(wanted));
    let asked = story.effects.iter().find_map(|effect| match effect {
        Effect::ReadDefined { reply, start } => Some((*reply, start.clone())),
        _ => None,
    });
    let (reply, start) = asked.expect("the file is asked for");
    again(story, reply, *start, file);
}

fn again(story: &mut Story, reply: ReplyId, start: StartTask, file: &[Defined]) {
    let request = Request::StartDefined { start: Box::new(start), defined: Ok(file.to_vec()) };
    story.event(Event::Request { reply, request });
}

/// The commands that run now.
fn running(story: &Story) -> Vec<String> {
    story.world.runs.iter().map(|run| story.task(run.task.as_str()).command.clone()).collect()
}

/// The task of a command.
fn id(story: &Story, command: &str) -> String {
    let tasks = story.state.tasks();
    let found: Vec<_> = tasks.iter().filter(|task| task.command == command).collect();
    assert_eq!(found.len(), 1, "{command}");
    found[0].id.to_string()
}

fn exits(story: &mut Story, command: &str, code: i32) {
    let id = id(story, command);
    story.started(&id);
    story.exits(&id, code);
}

#[test]
fn a_task_starts_when_all_before_it_have_succeeded() {
    let mut story = Story::new();
    let wanted = StartTask { depends_on: vec![step("a"), step("b")], ..by_person("c", None) };
    story.request(Request::StartTask(wanted));
    assert_eq!(running(&story), ["a", "b"]);
    let last = story.task(&id(&story, "c")).clone();
    let waiting = last.waiting_for.expect("it waits");
    assert_eq!((waiting.kind, waiting.holder), (WaitKind::Dependency, Some(id(&story, "a"))));
    assert_eq!(last.depends_on, [id(&story, "a").as_str().into(), id(&story, "b").as_str().into()]);
    exits(&mut story, "a", 0);
    assert_eq!(
        story.task(last.id.as_str()).waiting_for.as_ref().and_then(|on| on.holder.clone()),
        Some(id(&story, "b"))
    );
    exits(&mut story, "b", 0);
    assert_eq!(running(&story), ["c"]);
}

#[test]
fn a_step_that_fails_is_named_by_all_that_do_not_start() {
    let mut story = Story::new();
    let file = [defined("build", &[]), defined("test", &["build"]), defined("all", &["test"])];
    start(&mut story, label("all"), &file);
    story.skip();
    exits(&mut story, "run build", 2);
    story.tells(expect![[r#"
        save t2.1 running, delivery none
        row t2.1 running, delivery none
        no promote t2.1
        no check in on t2.1
        report t2.1 end failed to nobody
        save t2.1 failed, delivery pending
        row t2.1 failed, delivery pending
        report t3.1 end failed to nobody
        save t3.1 failed, delivery pending
        row t3.1 failed, delivery pending
        report t4.1 end failed to nobody
        save t4.1 failed, delivery pending
        row t4.1 failed, delivery pending
    "#]]);
    let build = id(&story, "run build");
    for command in ["run test", "run all"] {
        let task = story.task(&id(&story, command));
        assert_eq!((task.status, task.exit_code, task.started_at), (Status::Failed, None, None));
        let why = format!("not started: `run build` ({build}) failed with exit code 2");
        assert_eq!(task.summary, Some(why));
    }
}

#[test]
fn a_step_that_is_stopped_stops_the_rest() {
    let mut story = Story::new();
    story.request(Request::StartTask(StartTask { depends_on: vec![step("a")], ..by_person("b", None) }));
    let a = id(&story, "a");
    story.request(Request::StopTask { task: Some(a.as_str().into()) });
    story.ended(&a, crate::task::run::Ending::Stopped { code: None, signal: Some(15) });
    assert_eq!(story.task(&id(&story, "b")).summary, Some(format!("not started: `a` ({a}) was stopped")));
}

#[test]
fn a_sequence_runs_one_after_another_with_all_that_belongs_to_each() {
    let mut story = Story::new();
    let file = [defined("x", &[]), defined("one", &[]), defined("two", &["x"]), sequence("all", &["one", "two"])];
    start(&mut story, label("all"), &file);
    for command in ["run one", "run x", "run two", "run all"] {
        assert_eq!(running(&story), [command]);
        exits(&mut story, command, 0);
    }
}

#[test]
fn what_several_depend_on_runs_once() {
    let mut story = Story::new();
    let file = [defined("base", &[]), defined("a", &["base"]), defined("b", &["base"]), defined("all", &["a", "b"])];
    start(&mut story, label("all"), &file);
    assert_eq!(running(&story), ["run base"]);
    exits(&mut story, "run base", 0);
    assert_eq!(running(&story), ["run a", "run b"]);
}

#[test]
fn a_task_that_is_there_is_waited_for() {
    let mut story = Story::new();
    story.request(Request::StartTask(by_person("a", None)));
    let a = id(&story, "a");
    let wanted = StartTask { depends_on: vec![Dependency::Named(a.clone())], ..by_person("b", None) };
    story.request(Request::StartTask(wanted.clone()));
    assert_eq!(running(&story), ["a"]);
    exits(&mut story, "a", 1);
    assert_eq!(story.task(&id(&story, "b")).status, Status::Failed);
    // It has failed already.
    story.request(Request::StartTask(StartTask { command: "c".into(), ..wanted }));
    assert_eq!(story.task(&id(&story, "c")).status, Status::Failed);
}

#[test]
fn a_circle_is_named() {
    let mut story = Story::new();
    story.skip();
    let file = [defined("a", &["b"]), defined("b", &["c"]), defined("c", &["b"])];
    start(&mut story, label("a"), &file);
    story.tells(expect![[r#"
        read .vscode/tasks.json
        refused BadField { field: "dependsOn", message: "the tasks depend on each other: b → c → b", remedy: "Take one of the…
    "#]]);
    start(&mut story, label("nothing"), &file);
    story.tells(expect![[r#"
        read .vscode/tasks.json
        refused BadField { field: "label", message: "there is no task \"nothing\"", remedy: ".vscode/tasks.json has: \"a\", \…
    "#]]);
    assert!(story.state.tasks().is_empty());
}

#[test]
fn a_workflow_has_a_bound() {
    let mut story = Story::new();
    let steps = |count| (0..count).map(|at| step(&format!("s{at}"))).collect();
    story.request(Request::StartTask(StartTask { depends_on: steps(50), ..by_person("last", None) }));
    assert!(story.state.tasks().is_empty());
    story.request(Request::StartTask(StartTask { depends_on: steps(49), ..by_person("last", None) }));
    assert_eq!(story.state.tasks().len(), 50);
}

#[test]
fn a_rerun_runs_what_it_depends_on_again() {
    let mut story = Story::new();
    let file = [defined("base", &[]), defined("a", &["base"]), defined("all", &["a"])];
    start(&mut story, label("all"), &file);
    exits(&mut story, "run base", 0);
    exits(&mut story, "run a", 1);
    let all = id(&story, "run all");
    assert_eq!(story.task(&all).status, Status::Failed);
    story.request(Request::RerunTask { task: Some(all.as_str().into()) });
    assert_eq!(running(&story), ["run base"]);
    exits(&mut story, "run base", 0);
    exits(&mut story, "run a", 0);
    exits(&mut story, "run all", 0);
    assert_eq!((story.task(&all).status, story.task(&all).run), (Status::Succeeded, 2));
}

#[test]
fn the_answer_is_the_last_task() {
    let mut story = Story::new();
    story.request(Request::StartTask(StartTask { depends_on: vec![step("a")], ..by_person("b", None) }));
    let answer = story.effects.iter().find_map(|effect| match effect {
        Effect::Reply { result: Ok(Reply::Task(task)), .. } => Some(task.command.clone()),
        _ => None,
    });
    assert_eq!(answer.as_deref(), Some("b"));
}

#[test]
fn a_matcher_that_cannot_be_used_is_said_and_loses_nothing_else() {
    let mut story = Story::new();
    let mut build = defined("build", &[]);
    if let Ok(run) = &mut build.run {
        run.matchers = vec!["$tsc".into()];
        run.unread = vec!["problem matcher: `pattern` is missing; give it".into()];
    }
    start(&mut story, label("build"), &[build]);
    let said: Vec<&str> = story.log().lines().filter(|line| line.contains("say ")).map(str::trim).collect();
    let expected = r#"say ".vscode/tasks.json, task \"build\" (it runs without this): problem matcher: `pattern` is missing; give it""#;
    assert_eq!(said, [expected]);
    assert_eq!(running(&story), ["run build"]);
}

#[test]
fn what_depends_on_a_refused_task_does_not_start() {
    let mut story = Story::with(|settings| settings.mode = crate::agent::approval::Mode::Ask);
    story.turn("go", vec![background("c1", "make it")]);
    let asked = id(&story, "make it");
    let depends_on = vec![Dependency::Named(asked.clone())];
    story.request(Request::StartTask(StartTask { depends_on, ..by_person("after", None) }));
    story.answers(Choice::Reject, None);
    let after = story.task(&id(&story, "after"));
    assert_eq!(
        (after.status, &after.summary),
        (Status::Failed, &Some(format!("not started: `make it` ({asked}) was stopped")))
    );
}
