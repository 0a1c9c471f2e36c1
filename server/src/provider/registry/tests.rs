//! Settings in, providers and reasons out. No network: providers are made, and not asked.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::mpsc;

use super::*;
use crate::config::services::Service;
use crate::workspace::editor::lent;

/// An editor that lends models, or does not.
struct Nobody(bool);

impl Lender for Nobody {
    fn lends(&self) -> bool {
        self.0
    }

    fn offered(&self) -> Vec<lent::Model> {
        Vec::new()
    }

    fn complete(
        &self,
        _request: lent::Request,
        _pieces: mpsc::UnboundedSender<lent::Piece>,
    ) -> BoxFuture<'static, Result<lent::End, lent::Failure>> {
        unreachable!("nobody asks")
    }
}

fn settings(provider: &str, keys: &[&'static str], name: Option<&str>) -> ModelSettings {
    let own = || ApiKey { secret: SecretString::from("sk"), source: "the file keys.toml".into() };
    let service = || Service { key: Some(own()), ..Service::default() };
    ModelSettings {
        provider: provider.into(),
        provider_source: "config.toml:3".into(),
        name: name.map(Into::into),
        services: keys.iter().map(|word| (*word, service())).collect::<BTreeMap<_, _>>(),
        ..ModelSettings::default()
    }
}

fn registry(settings: ModelSettings) -> Registry {
    Registry::new(settings, PathBuf::from("/w"), Arc::new(Nobody(false)))
}

fn check(provider: &str, keys: &[&'static str], name: Option<&str>, expected: Expect) {
    let choice = registry(settings(provider, keys, name)).choice();
    let why = choice.why.unwrap_or_else(|problem| format!("PROBLEM: {problem}"));
    expected.assert_eq(&format!("{} {}: {why}", choice.provider.unwrap_or("-"), choice.model));
}

#[test]
fn auto_takes_the_first_that_has_a_key() {
    check(
        "auto",
        &["openrouter", "openai", "anthropic"],
        None,
        expect!["anthropic claude-sonnet-5: Anthropic, because a key is set by the file keys.toml"],
    );
    check(
        "auto",
        &["openrouter", "openai"],
        Some("gpt-x"),
        expect!["openai gpt-x: OpenAI, because a key is set by the file keys.toml"],
    );
    check(
        "auto",
        &["openrouter"],
        None,
        expect!["openrouter openrouter/auto: OpenRouter, because a key is set by the file keys.toml"],
    );
    // A key of a server on this machine makes it no choice.
    check(
        "auto",
        &["vllm"],
        Some("claude-x"),
        expect![
            "offline offline: offline: commands without a model, because no key is set (ANTHROPIC_API_KEY, OPENAI_API_KEY, OPENROUTER_API_KEY, or keys.toml beside the config file)"
        ],
    );
    check(
        "auto",
        &["anthropic"],
        Some("ollama:qwen3:8b"),
        expect!["ollama ollama:qwen3:8b: Ollama, because `model.name` says so"],
    );
}

#[test]
fn every_word() {
    check(
        "anthropic",
        &["anthropic"],
        Some("claude-x"),
        expect!["anthropic claude-x: Anthropic, as config.toml:3 says"],
    );
    check(
        "openai",
        &["anthropic"],
        None,
        expect![[
            r#"openai gpt-5.6: PROBLEM: `model.provider` is `openai` (set by config.toml:3), but there is no API key. Add it in the editor (VS Code: "Pillion: Add API key"), or set OPENAI_API_KEY or write `openai = "…"` into keys.toml beside the config file (mode 0600) and start Pillion anew; `offline` needs no key."#
        ]],
    );
    check("ollama", &[], None, expect!["ollama default: Ollama, as config.toml:3 says"]);
    check(
        "offline",
        &["anthropic"],
        Some("ollama:x"),
        expect!["offline offline: offline: commands without a model, as config.toml:3 says"],
    );
    check(
        "editor",
        &[],
        None,
        expect![
            "editor default: PROBLEM: This editor lends no models to Pillion. VS Code's extension does; elsewhere choose another provider, for instance `ollama`, or set a key."
        ],
    );
    check(
        "antropic",
        &["anthropic"],
        None,
        expect![[
            r#"- none: PROBLEM: There is no provider named "antropic" (set by config.toml:3). Write `auto`, `anthropic`, `openai`, `openrouter`, `ollama`, `llamacpp`, `vllm`, `lmstudio`, `editor`, `offline` or `scripted:FILE` there."#
        ]],
    );
    check(
        "scripted:",
        &[],
        None,
        expect!["scripted default: PROBLEM: `scripted:` (set by config.toml:3) needs a file: `scripted:FILE`."],
    );
    check(
        "scripted:/nowhere.json",
        &[],
        None,
        expect![
            "scripted default: PROBLEM: The script /nowhere.json cannot be used: No such file or directory (os error 2). It was set by config.toml:3; correct the file or the setting."
        ],
    );
    let lends = Registry::new(settings("editor", &[], None), PathBuf::from("/w"), Arc::new(Nobody(true))).choice();
    assert_eq!((lends.provider, lends.why.is_ok()), (Some("editor"), true));
}

#[test]
fn a_models_name_chooses_its_provider() {
    let mut registry = registry(settings("auto", &["anthropic"], None));
    let resolved = |registry: &mut Registry, model: &str| match registry.resolve(model) {
        Ok(resolved) => format!("{} {}", resolved.provider.name(), resolved.model),
        Err(error) => error.to_string(),
    };
    assert_eq!(resolved(&mut registry, "claude-x"), "anthropic claude-x");
    assert_eq!(resolved(&mut registry, "ollama:qwen3:8b"), "ollama qwen3:8b");
    assert_eq!(resolved(&mut registry, "qwen3:8b"), "anthropic qwen3:8b", "an unknown word is part of the name");
    assert_eq!(resolved(&mut registry, "offline:"), "offline offline");
    expect![[
        r#"There is no API key for OpenRouter. Add it in the editor (VS Code: "Pillion: Add API key"), or set OPENROUTER_API_KEY or write `openrouter = "…"` into keys.toml beside the config file (mode 0600) and start Pillion anew; `offline` needs no key."#
    ]]
    .assert_eq(&resolved(&mut registry, "openrouter:x/y"));
    registry.configure(settings("ollama", &["anthropic"], None));
    assert_eq!(resolved(&mut registry, "qwen3:8b"), "ollama qwen3:8b");
    let known = registry.known();
    let ready: Vec<_> = known.iter().filter(|known| known.problem.is_none()).map(|known| known.word).collect();
    assert_eq!(ready, ["anthropic", "ollama", "llamacpp", "vllm", "lmstudio", "offline"]);
}

#[test]
fn a_provider_stays_while_its_own_settings_do() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), r#"{"model": "actor", "steps": [{}]}"#).expect("written");
    let script = format!("scripted:{}", file.path().display());
    let mut registry = registry(settings(&script, &["anthropic"], None));
    let made = |registry: &mut Registry, model: &str| registry.resolve(model).map(|it| it.provider).expect("made");
    assert_eq!(registry.choice().model, "actor");
    let (script_before, anthropic_before) = (made(&mut registry, "actor"), made(&mut registry, "anthropic:x"));
    // A script has a place: it is not begun anew because something else changes.
    registry.configure(ModelSettings { max_tokens: 7, ..settings(&script, &["anthropic", "openai"], Some("other")) });
    assert_eq!(registry.choice().model, "other");
    assert!(Arc::ptr_eq(&script_before, &made(&mut registry, "actor")));
    assert!(Arc::ptr_eq(&anthropic_before, &made(&mut registry, "anthropic:x")));
    let mut other_key = settings(&script, &["anthropic"], None);
    let key = ApiKey { secret: SecretString::from("sk-2"), source: "the editor".into() };
    other_key.services.insert("anthropic", Service { key: Some(key), ..Service::default() });
    registry.configure(other_key);
    assert!(Arc::ptr_eq(&script_before, &made(&mut registry, "actor")));
    assert!(!Arc::ptr_eq(&anthropic_before, &made(&mut registry, "anthropic:x")));
}

#[test]
fn whom_the_list_asks() {
    let listed = |provider: &str, keys: &[&'static str], lends: bool| {
        let entries =
            Registry::new(settings(provider, keys, None), PathBuf::from("/w"), Arc::new(Nobody(lends))).entries();
        let row = |entry: &Entry| match (&entry.listed, entry.offered) {
            (Ok(_), true) => format!("{}?", entry.word),
            (Ok(_), false) => entry.word.to_owned(),
            (Err(_), _) => format!("({})", entry.word),
        };
        entries.iter().map(row).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        listed("auto", &["openai"], false),
        "openai (anthropic) (openrouter) ollama? llamacpp? vllm? lmstudio? offline"
    );
    assert_eq!(
        listed("ollama", &[], true),
        "ollama (anthropic) (openai) (openrouter) llamacpp? vllm? lmstudio? editor? offline"
    );
}
