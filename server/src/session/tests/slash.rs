//! Slash commands: answered by the server, in the chat, and no part of what a model is given.

use expect_test::expect;

use super::story::{Story, background, bash, by_person, idle, words};
use crate::agent::history::Item;
use crate::session::effect::{Effect, Outgoing, SessionRow, Update};
use crate::session::event::{Event, Request};
use crate::task::model::Timestamp;

fn switched(story: &Story) -> Option<String> {
    story.effects.iter().find_map(|effect| match effect {
        Effect::Send(Outgoing::Update { update: Update::SwitchSession { session }, .. }) => Some(session.to_string()),
        _ => None,
    })
}

fn said(story: &Story) -> String {
    let texts = story.effects.iter().filter_map(|effect| match effect {
        Effect::Send(Outgoing::Update { update: Update::AgentMessage { text, .. }, .. }) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

#[test]
fn a_command_is_a_turn_of_its_own_without_a_model() {
    let mut story = Story::new();
    story.prompt("/tasks");
    story.tells(expect![[r#"
        reply p2 in turn3
        turn started: Prompt
        user: /tasks
        agent: There are no tasks.
        turn ended: EndTurn
    "#]]);
    assert!(story.items().is_empty());
    story.prompt("/help");
    assert!(said(&story).contains("`/stop [TASK | all]`"), "{}", said(&story));
    story.skip();
    story.prompt("/taks now");
    story.tells(expect![[r#"
        reply p8 in turn9
        turn started: Prompt
        user: /taks now
        agent: There is no command `/taks`. Did you mean `/tasks`? `/help` lists them. To send this to the model, begin with another word than one behind a slash.
        turn ended: EndTurn, unsent [/taks now]
    "#]]);
    // A path is no command, and nothing of all that is in the history.
    story.prompt("/usr/bin/env is broken");
    let Item::User(item) = &*story.items()[0] else { panic!("a prompt") };
    assert_eq!((item.prompts.len(), story.items().len()), (1, 1));
}

#[test]
fn commands_work_beside_a_running_turn() {
    let mut story = Story::new();
    story.turn("go", vec![bash("c1", "make")]);
    story.skip();
    story.prompt("/tasks");
    story.tells(expect![[r#"
        reply p6 in turn3
        user: /tasks
        agent: There are no tasks.
    "#]]);
    story.prompt("/clear");
    assert_eq!((switched(&story), story.items().len()), (None, 2));
    assert!(said(&story).contains("/stop"), "{}", said(&story));
    story.prompt("/stop");
    assert!(said(&story).starts_with("Stopped the turn."), "{}", said(&story));
    assert!(story.state.sessions[&story.session].turn.is_none());
}

#[test]
fn a_command_is_no_answer_to_a_question_and_no_word_of_a_person_to_the_model() {
    let mut story = Story::with(|settings| settings.mode = crate::agent::approval::Mode::Ask);
    story.turn("go", vec![bash("c1", "make")]);
    assert_eq!(story.world.questions.len(), 1);
    story.prompt("/tasks");
    assert_eq!(story.world.questions.len(), 1, "it is still open");
    let spoken = story.state.sessions[&story.session].title.clone();
    assert_eq!(spoken.as_deref(), Some("go"));
}

#[test]
fn tasks_are_stopped_by_name_and_all_together() {
    let mut story = idle();
    story.prompt("/tasks");
    assert!(said(&story).contains("`t5` running · `cargo test`"), "{}", said(&story));
    story.prompt("/stop");
    assert!(said(&story).contains("No turn is running. Tasks go on: `t5`"), "{}", said(&story));
    story.prompt("/stop t99");
    assert!(said(&story).contains("no task `t99`"), "{}", said(&story));
    story.prompt("/stop all");
    assert!(said(&story).contains("Stopping `t5`"), "{}", said(&story));
    assert!(story.world.stopping.contains("t5 1"));
    story.exits("t5", 143);
    story.prompt("/stop t5");
    assert!(said(&story).contains("over already"), "{}", said(&story));
}

#[test]
fn clear_begins_anew_and_tasks_go_along() {
    let mut story = idle();
    let old = story.session.clone();
    story.prompt("/clear");
    let fresh = switched(&story).expect("the new session is named");
    assert_eq!(story.task("t5").session.as_ref().map(ToString::to_string), Some(fresh.clone()));
    story.session = fresh.as_str().into();
    assert!(story.items().is_empty());
    // A person has spoken: the new conversation is told of the end, and wakes.
    story.exits("t5", 0);
    story.wakes();
    story.commit();
    let Item::User(item) = &*story.items()[0] else { panic!("a user's item") };
    assert!(item.notification.as_ref().is_some_and(|text| text.contains("<task_id>t5</task_id>")));
    story.session = old;
    assert_eq!(story.items().len(), 4, "the old conversation stays");
}

#[test]
fn what_is_still_to_be_told_goes_along_too() {
    let mut story = Story::new();
    let session = story.session.clone();
    story.request(Request::StartTask(by_person("make", Some(&session))));
    let task = story.state.tasks()[0].id.to_string();
    story.started(&task);
    story.exits(&task, 1);
    story.prompt("/clear");
    story.session = switched(&story).expect("a new session").as_str().into();
    story.prompt("what happened?");
    let Item::User(item) = &*story.items()[0] else { panic!("a user's item") };
    assert!(item.notification.as_ref().is_some_and(|text| text.contains(&task)));
    story.commit();
}

#[test]
fn resume_lists_and_chooses() {
    let mut story = Story::new();
    let row = |id: &str, title: &str, turns| SessionRow {
        id: id.into(),
        title: Some(title.into()),
        cwd: "/w".into(),
        created_at: Timestamp(0),
        updated_at: Timestamp(1_769_817_600_000),
        turns,
        open: false,
    };
    let rows = vec![row("s1", "This one", 1), row("s7", "Login", 3), row("s8", "Never begun", 0), row("s9", "Docs", 1)];
    for (typed, to) in
        [("/resume 2", Some("s9")), ("/resume s7", Some("s7")), ("/resume docs", Some("s9")), ("/resume 3", None)]
    {
        story.prompt(typed);
        let Some(Effect::RecentSessions { place, wanted }) = story.effects.pop() else { panic!("the store is asked") };
        story.event(Event::RecentSessions { place, wanted, rows: rows.clone() });
        assert_eq!(switched(&story).as_deref(), to, "{typed}");
    }
    story.prompt("/resume");
    let Some(Effect::RecentSessions { place, wanted }) = story.effects.pop() else { panic!("the store is asked") };
    story.skip();
    story.event(Event::RecentSessions { place, wanted, rows });
    story.tells(expect![[r#"
        agent: 1. Login · 3 turns · 2026-01-31 · `s7`
        2. Docs · 1 turns · 2026-01-31 · `s9`

        `/resume NUMBER` opens one.
        turn ended: EndTurn
    "#]]);
}

#[test]
fn mode_model_and_rules_are_changed_and_shown() {
    let mut story = Story::new();
    let mode = |story: &Story| story.state.sessions[&story.session].mode.as_str();
    story.prompt("/plan");
    assert_eq!(mode(&story), "plan");
    story.prompt("/plan off");
    assert_eq!(mode(&story), "auto");
    story.prompt("/plan");
    story.prompt("/plan");
    assert_eq!(mode(&story), "auto", "the same again leaves it");
    story.prompt("/model other");
    assert_eq!(story.state.sessions[&story.session].model, "other");
    story.prompt("/permissions");
    assert!(said(&story).starts_with("No rule is saved"), "{}", said(&story));
    story.prompt("/permissions remove 1");
    assert!(said(&story).contains("/permissions remove NUMBER"), "{}", said(&story));
    story.prompt("/context");
    assert!(said(&story).contains("0 tokens"), "{}", said(&story));
}

#[test]
fn init_is_a_prompt_like_any_other() {
    let mut story = Story::new();
    story.turn("/init the tests matter", vec![words("Written.")]);
    let Item::User(item) = &*story.items()[0] else { panic!("a prompt") };
    let text = crate::agent::prompt::words(&item.prompts[0].content);
    assert!(text.contains("AGENTS.md") && text.contains("the tests matter"), "{text}");
    story.turn("then", vec![background("c1", "make")]);
}

#[test]
fn without_a_model_nothing_is_summed_up() {
    let mut story = Story::with(|own| own.provider = "offline".into());
    story.prompt("/compact");
    assert!(said(&story).starts_with("No model is there"), "{}", said(&story));
}
