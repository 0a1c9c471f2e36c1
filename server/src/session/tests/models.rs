//! Which model a session has: named by a person, following the settings, and again after a restart.

use super::story::{self, Story};
use crate::agent::history::{AssistantItem, Item, ModelStop};
use crate::ids::SessionId;
use crate::provider::ModelFacts;
use crate::provider::names::Known;
use crate::session::effect::Outgoing;
use crate::session::effect::{Effect, Refusal, Update};
use crate::session::event::{Event, Request, StoredSession};
use crate::session::settings::Settings;

fn known(words: &[(&'static str, bool)]) -> Vec<Known> {
    let known = words.iter().map(|(word, ready)| Known {
        word,
        model: format!("{word}-best"),
        problem: (!ready).then(|| format!("Set the key of {word}.")),
    });
    known.collect()
}

/// The default provider is `anthropic`; `openai` has no key.
fn settings() -> Settings {
    Settings {
        provider: "anthropic".into(),
        model: "claude".into(),
        known: known(&[("anthropic", true), ("openai", false), ("ollama", true)]),
        ..story::settings()
    }
}

fn story() -> Story {
    Story::with(|own| *own = settings())
}

fn model(story: &Story, session: &SessionId) -> String {
    story.state.sessions[session].model.clone()
}

fn set(story: &mut Story, model: &str) -> Result<String, Refusal> {
    let session = story.session.clone();
    story.request(Request::SetModel { session: session.clone(), model: model.into() });
    let refused = story.effects.iter().find_map(|effect| match effect {
        Effect::Reply { result: Err(refusal), .. } => Some(refusal.clone()),
        _ => None,
    });
    refused.map_or_else(|| Ok(self::model(story, &session)), Err)
}

/// The models that the client is told of.
fn told(story: &Story) -> Vec<String> {
    let models = story.effects.iter().filter_map(|effect| match effect {
        Effect::Send(Outgoing::Update { update: Update::Info { model: Some(model), .. }, .. }) => Some(model.clone()),
        _ => None,
    });
    models.collect()
}

#[test]
fn a_person_names_a_model() {
    let mut story = story();
    assert_eq!(set(&mut story, "ollama:qwen3:8b").as_deref(), Ok("ollama:qwen3:8b"));
    assert_eq!(told(&story), ["ollama:qwen3:8b"]);
    assert_eq!(set(&mut story, "qwen3:8b").as_deref(), Ok("qwen3:8b"), "a name of the default provider's");
    assert_eq!(set(&mut story, "ollama").as_deref(), Ok("ollama:ollama-best"));
    assert_eq!(set(&mut story, "anthropic").as_deref(), Ok("anthropic-best"));
    let Err(Refusal::BadField { field, remedy, .. }) = set(&mut story, "openai:gpt") else { panic!("it has no key") };
    assert_eq!((field, remedy.as_str()), ("model", "Set the key of openai."));
    assert_eq!(model(&story, &story.session), "anthropic-best", "a refusal changes nothing");
}

#[test]
fn other_settings_move_the_sessions_that_follow_the_default_provider() {
    let mut story = story();
    let (follows, keeps, loses) = (story.session.clone(), story.new_session(), story.new_session());
    for (session, model) in [(&keeps, "ollama:q"), (&loses, "anthropic:old")] {
        story.session = session.clone();
        set(&mut story, model).expect("it can answer");
    }
    let other = Settings {
        provider: "openai".into(),
        model: "gpt".into(),
        known: known(&[("anthropic", false), ("openai", true), ("ollama", true)]),
        ..settings()
    };
    story.event(Event::Settings(Box::new(other.clone())));
    let models = [&follows, &keeps, &loses].map(|session| model(&story, session));
    assert_eq!(models, ["gpt", "ollama:q", "gpt"]);
    assert_eq!(told(&story), ["gpt", "gpt"]);
    // The same again changes nothing, and asks nobody.
    story.event(Event::Settings(Box::new(other)));
    assert!(story.effects.is_empty(), "{:?}", story.effects);
}

#[test]
fn a_new_key_asks_again_what_nobody_knew() {
    let mut story = story();
    let describes =
        |story: &Story| story.effects.iter().filter(|effect| matches!(effect, Effect::DescribeModel { .. })).count();
    let keyed = Settings { known: known(&[("anthropic", true), ("openai", true)]), ..settings() };
    story.event(Event::Settings(Box::new(keyed)));
    assert_eq!(describes(&story), 1);
    let (session, facts) = (story.session.clone(), ModelFacts::named("anthropic", "claude"));
    story.event(Event::ModelDescribed { session, model: "claude".into(), facts });
    story.event(Event::Settings(Box::new(settings())));
    assert_eq!(describes(&story), 0);
    // An editor's offers concern its own models alone.
    story.event(Event::ModelsOffered);
    assert_eq!(describes(&story), 0);
}

#[test]
fn a_session_of_an_earlier_sidecar_has_its_model_where_that_means_the_same() {
    let again = |stored: &str, last: Option<&str>| {
        let mut story = Story::loaded(Default::default(), |own| *own = settings());
        let answer = |provider: &str| {
            let (provider, model) = (provider.to_owned(), "m".to_owned());
            Item::Assistant(AssistantItem { parts: Vec::new(), stop: ModelStop::EndTurn, provider, model })
        };
        let history = last.into_iter().map(answer).collect();
        story.load(StoredSession { model: stored.into(), ..super::crash::stored(history) });
        model(&story, &"old".into())
    };
    assert_eq!(again("opus", Some("anthropic")), "opus");
    assert_eq!(again("opus", None), "opus");
    assert_eq!(
        again("offline", Some("offline")),
        "claude",
        "a name of a provider that is not the default one any more"
    );
    assert_eq!(again("ollama:q", Some("anthropic")), "ollama:q", "chosen, and not asked yet");
    assert_eq!(again("openai:gpt", Some("openai")), "claude", "its key is gone");
}
