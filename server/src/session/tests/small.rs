//! A small model words titles and labels beside the conversation: nobody waits for it, and a person's words win.

use super::story::{Story, read, words};
use crate::agent::history::Item;
use crate::agent::prompt;
use crate::provider::ProviderError;
use crate::session::effect::{Effect, Outgoing, Update};
use crate::session::event::{Page, Request};

fn with_small() -> Story {
    Story::with(|settings| settings.small_model = Some("small".into()))
}

fn title(story: &Story) -> Option<String> {
    story.state.sessions[&story.session].title.clone()
}

/// What the oldest question beside the conversation says.
fn asked(story: &Story) -> String {
    match &*story.world.asides[0].1.history[0] {
        Item::User(item) => prompt::words(&item.prompts[0].content),
        _ => String::new(),
    }
}

fn told(story: &Story) -> Vec<String> {
    let told = story.effects.iter().filter_map(|effect| match effect {
        Effect::Send(Outgoing::Update { update: Update::Label { text, .. }, .. }) => Some(text.clone()),
        Effect::Send(Outgoing::Update { update: Update::Info { title: Some(title), .. }, .. }) => Some(title.clone()),
        _ => None,
    });
    told.collect()
}

#[test]
fn the_title_comes_after_the_first_answer() {
    let mut story = with_small();
    story.prompt("please fix the login test, it fails since this morning");
    assert_eq!(title(&story).as_deref(), Some("please fix the login test, it fails since this morning"));
    story.commit();
    story.ends("Fixed.");
    let sent = asked(&story);
    assert!(sent.contains("fix the login test") && sent.contains("Fixed."), "{sent}");
    story.aside_answered(Ok("\"Fix the login test.\"\n"));
    assert_eq!(told(&story), ["Fix the login test"]);
    story.commit();
    story.turn("more", vec![words("Yes.")]);
    assert!(story.world.asides.is_empty(), "a title is asked for once");
}

#[test]
fn a_persons_title_wins_for_ever() {
    let mut story = with_small();
    story.turn("go", vec![words("Gone.")]);
    let session = story.session.clone();
    story.request(Request::Rename { session: session.clone(), title: "  My \n own ".into() });
    story.aside_answered(Ok("Another one"));
    assert_eq!(title(&story).as_deref(), Some("My own"));
    for bad in ["", " \n ", &"x".repeat(201)] {
        story.request(Request::Rename { session: session.clone(), title: bad.into() });
        assert!(matches!(story.effects[..], [Effect::Reply { result: Err(_), .. }]), "{bad:?}");
    }
    assert_eq!(title(&story).as_deref(), Some("My own"));
}

#[test]
fn a_label_replaces_the_rules_words_and_stays() {
    let mut story = with_small();
    story.turn("go", vec![read("c1")]);
    story.tool_done();
    assert_eq!(told(&story), ["Read a.rs"]);
    story.commit();
    story.ends("done");
    // The turn is over before the label comes.
    story.aside_answered(Ok("Looked where the login is checked, and more"));
    assert_eq!(told(&story), ["Looked where the login is checked, and …"]);
    story.request(Request::LoadSession { session: story.session.clone(), page: Page::default() });
    assert!(told(&story).contains(&"Looked where the login is checked, and …".to_owned()), "{:?}", told(&story));
}

#[test]
fn what_fails_is_silent_and_what_is_gone_is_dropped() {
    let mut story = with_small();
    story.turn("go", vec![words("Gone.")]);
    story.aside_answered(Err(ProviderError::UnknownModel("no such model".into())));
    assert_eq!(story.effects.len(), 0);
    story.commit();
    story.turn("again", vec![words("Gone.")]);
    assert_eq!(story.world.asides.len(), 1, "the title is tried again");
    let session = story.session.clone();
    story.commit();
    story.request(Request::DeleteSession { session });
    assert!(story.world.asides.is_empty());
}
