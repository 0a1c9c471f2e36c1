//! A session that is idle when a task ends: it wakes by itself, once for many, and not for ever.

use expect_test::expect;

use super::story::{Story, background, by_person, idle};
use crate::agent::history::Item;
use crate::session::event::{Event, Request, Timer};

#[test]
fn an_end_while_idle_wakes() {
    let mut story = idle();
    story.exits("t5", 0);
    story.tells(expect![[r#"
        no promote t5.1
        no check in on t5.1
        report t5.1 end succeeded to s1, wakes
        in 250 ms wake s1
        save t5.1 succeeded, delivery pending
        row t5.1 succeeded, delivery pending
    "#]]);
    story.wakes();
    story.tells(expect![[r#"
        turn started: TaskNotification
        told of t5
        save t5.1 succeeded, delivery carried
        row t5.1 succeeded, delivery carried
        append 4: user{<t5 succeeded>}, carries t5.1 end
    "#]]);
    story.commit();
    story.ends("all green");
    story.tells(expect![[r#"
        ask the model, 5 items
        save t5.1 succeeded, delivery delivered
        row t5.1 succeeded, delivery delivered
        delivered t5
        append 5: assistant{"all green"}
        turn ended: EndTurn
    "#]]);
}

#[test]
fn ten_ends_wake_once() {
    let mut story = Story::with(|settings| settings.slots = 10);
    story.turn("go", (0..10).map(|n| background(&format!("c{n}"), &format!("sleep {n}"))).collect());
    story.commit();
    story.ends("started");
    let tasks: Vec<String> = story.world.runs.iter().map(|run| run.task.to_string()).collect();
    for task in &tasks {
        story.started(task);
        story.exits(task, 0);
    }
    assert_eq!(story.world.timers.len(), 1, "{:?}", story.world.timers);
    story.skip();
    story.wakes();
    let Item::User(item) = &**story.items().last().expect("an item") else { panic!("a user's item") };
    let block = item.notification.as_deref().expect("a block");
    for task in &tasks {
        assert_eq!(block.matches(&format!("<task_id>{task}</task_id>")).count(), 1);
    }
    story.commit();
    story.ends("seen");
    assert_eq!(story.world.timers, []);
}

#[test]
fn a_prompt_takes_the_place_of_waking() {
    let mut story = idle();
    story.exits("t5", 0);
    story.skip();
    story.prompt("how is it?");
    story.tells(expect![[r#"
        no wake s1
        turn started: Prompt
        reply p6 in turn7
        user: how is it?
        told of t5
        save t5.1 succeeded, delivery carried
        row t5.1 succeeded, delivery carried
        append 4: user{<t5 succeeded>, "how is it?"}, carries t5.1 end
    "#]]);
    story.commit();
    story.ends("green");
    assert_eq!(story.world.timers, []);
}

#[test]
fn an_end_while_the_model_answers_wakes_after_the_turn() {
    let mut story = idle();
    story.prompt("hm");
    story.commit();
    story.exits("t5", 0);
    story.skip();
    story.ends("ok");
    story.tells(expect![[r#"
        append 5: assistant{"ok"}
        turn ended: EndTurn
        in 250 ms wake s1
    "#]]);
}

#[test]
fn waking_is_limited_without_a_word_from_the_person() {
    let mut story = Story::with(|settings| settings.max_auto_turns = 2);
    story.turn("go", vec![background("c1", "sleep 1")]);
    story.commit();
    story.ends("ok");
    for n in 0..2 {
        let task = story.world.runs[0].task.to_string();
        story.started(&task);
        story.exits(&task, 0);
        story.wakes();
        story.commit();
        story.answer(vec![background(&format!("d{n}"), "sleep 1")]);
        story.commit();
        story.ends("ok");
    }
    let task = story.world.runs[0].task.to_string();
    story.started(&task);
    story.exits(&task, 0);
    story.skip();
    story.wakes();
    story.tells(expect![[r#"
        wakes paused: true
    "#]]);
    story.prompt("go on");
    story.tells(expect![[r#"
        wakes paused: false
        turn started: Prompt
        reply p10 in turn11
        user: go on
        told of t9
        save t9.1 succeeded, delivery carried
        row t9.1 succeeded, delivery carried
        append 12: user{<t9 succeeded>, "go on"}, carries t9.1 end
    "#]]);
}

#[test]
fn a_session_in_which_nobody_spoke_does_not_wake() {
    let mut story = Story::new();
    let session = story.session.clone();
    let mut start = by_person("sleep 1", Some(&session));
    start.on_exit = Some(crate::task::model::OnExit::Wake);
    story.request(Request::StartTask(start));
    let task = story.world.runs[0].task.to_string();
    story.started(&task);
    story.skip();
    story.exits(&task, 0);
    story.tells(expect![[r#"
        no promote t2.1
        no check in on t2.1
        report t2.1 end succeeded to s1, wakes
        save t2.1 succeeded, delivery pending
        row t2.1 succeeded, delivery pending
    "#]]);
    assert_eq!(story.world.timers, []);
}

#[test]
fn a_late_timer_wakes_nobody() {
    let mut story = idle();
    let session = story.session.clone();
    story.event(Event::Timer(Timer::Wake(session)));
    story.tells(expect![[""]]);
}
