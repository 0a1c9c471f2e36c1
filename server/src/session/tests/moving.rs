//! A session goes to another window, with everything that belongs to it, and this one writes no more to it.

use expect_test::expect;

use super::story::{Story, bash, by_person, idle};
use crate::session::effect::{Effect, Refusal};
use crate::session::event::{Event, Request};
use crate::session::moving::Taker;
use crate::task::run::RunEvent;

fn hand_over(story: &mut Story) {
    let to = Taker { owner: "other".into(), token: Some("token".into()) };
    story.request(Request::HandOver { session: story.session.clone(), to });
}

#[test]
fn an_idle_session_goes_with_its_tasks() {
    let mut story = idle();
    let session = story.session.clone();
    story.request(Request::StartTask(by_person("make", Some(&session))));
    story.skip();
    hand_over(&mut story);
    story.tells(expect![[r#"
        no promote t5.1
        no check in on t5.1
        no run t5 again
        no claim again for t5
        row t5.1 running, delivery none
        no promote t6.1
        no check in on t6.1
        no run t6 again
        no claim again for t6
        row t6.1 queued, delivery none
        session closed: moved
        give s1 to other: tasks [t5, t6], runs [t5.1, t6.1]
    "#]]);
    assert!(!story.task("t5").owned);
    // What is still on its way from the runs is not this window's affair any more.
    story.run("t5", 1, RunEvent::Resumed);
    story.exits("t5", 1);
    let writes = story.effects.iter().filter(|effect| matches!(effect, Effect::Store(_)));
    assert_eq!(writes.count(), 0, "{:?}", story.effects);
    assert_eq!(story.world.undelivered().len(), 0);
}

#[test]
fn a_turn_is_not_torn_apart() {
    let mut story = Story::new();
    story.turn("go", vec![bash("c1", "make")]);
    hand_over(&mut story);
    assert!(
        matches!(&story.effects[..], [Effect::Reply { result: Err(Refusal::State { kind: "turn_running", .. }), .. }]),
        "{:?}",
        story.effects
    );
    assert!(story.state.sessions.contains_key(&story.session));
    story.event(Event::Cancel { session: story.session.clone(), turn: None });
    story.commit();
    hand_over(&mut story);
    assert!(story.effects.iter().any(|effect| matches!(effect, Effect::HandOver { .. })));
}
