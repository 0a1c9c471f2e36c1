//! Which provider answers, from the settings. Every refusal says where the setting was made and what to write instead.

use std::path::Path;
use std::sync::Arc;

use super::anthropic::{Anthropic, Options};
use super::scripted::Scripted;
use super::{Provider, ProviderError};
use crate::config::{ApiKey, ModelSettings};

/// The words of `model.provider`, for messages.
const WORDS: &str = "`auto`, `anthropic`, `offline` or `scripted:FILE`";

/// The provider that answers, the model that is asked, and the reason in one sentence for people.
#[derive(Clone)]
pub struct Resolved {
    pub provider: Arc<dyn Provider>,
    pub model: String,
    pub why: String,
}

impl std::fmt::Debug for Resolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolved")
            .field("provider", &self.provider.name())
            .field("model", &self.model)
            .field("why", &self.why)
            .finish()
    }
}

/// Finds the provider that the settings name. A script is read anew and begins at its first step, so a caller whose
/// settings did not change keeps what it has.
pub fn resolve(settings: &ModelSettings, offline: Arc<dyn Provider>) -> Result<Resolved, ProviderError> {
    let word = settings.provider.trim();
    let source = &settings.provider_source;
    let with_own_model = |provider: Arc<dyn Provider>, why: String| {
        let model = provider.default_model();
        Ok(Resolved { provider, model, why })
    };
    match word {
        "auto" | "" => match &settings.anthropic {
            Some(key) => Ok(anthropic(settings, key, format!("Anthropic, because a key is set by {}", key.source))),
            None => with_own_model(
                offline,
                "offline: commands without a model, because no key is set (ANTHROPIC_API_KEY, or keys.toml beside the \
                 config file)"
                    .into(),
            ),
        },
        "anthropic" => match &settings.anthropic {
            Some(key) => {
                let why = format!("Anthropic, as {source} says, with the key from {}", key.source);
                Ok(anthropic(settings, key, why))
            }
            None => Err(ProviderError::NotConfigured(format!(
                "`model.provider` is `anthropic` (set by {source}), but there is no API key. Set ANTHROPIC_API_KEY, or \
                 write `anthropic = \"…\"` into keys.toml beside the config file (mode 0600), and start Pillion anew; \
                 `offline` needs no key."
            ))),
        },
        "offline" => with_own_model(offline, format!("offline: commands without a model, as {source} says")),
        "openai" | "editor" => Err(ProviderError::NotConfigured(format!(
            "The provider `{word}` (set by {source}) is not in this version. What works: {WORDS}."
        ))),
        _ => match word.strip_prefix("scripted:") {
            Some("") => Err(ProviderError::NotConfigured(format!(
                "`scripted:` (set by {source}) needs a file: `scripted:FILE`."
            ))),
            Some(file) => {
                let provider = Scripted::open(Path::new(file)).map_err(|error| {
                    ProviderError::NotConfigured(format!(
                        "{error} It was set by {source}; correct the file or the setting."
                    ))
                })?;
                let mut resolved: Result<_, ProviderError> =
                    with_own_model(Arc::new(provider), format!("the script {file}, as {source} says"));
                if let (Ok(resolved), Some(name)) = (&mut resolved, &settings.name) {
                    resolved.model.clone_from(name);
                }
                resolved
            }
            None => Err(ProviderError::NotConfigured(format!(
                "There is no provider named {word:?} (set by {source}). Write {WORDS} there."
            ))),
        },
    }
}

fn anthropic(settings: &ModelSettings, key: &ApiKey, why: String) -> Resolved {
    let options = Options {
        betas: settings.anthropic_betas.clone(),
        thinking: settings.thinking.clone(),
        idle_timeout: Some(settings.idle_timeout),
    };
    let (url, source) = (&settings.anthropic_base_url, &settings.anthropic_base_url_source);
    let provider = Anthropic::new(key.clone(), url, source, &options);
    let model = settings.name.clone().unwrap_or_else(|| provider.default_model());
    Resolved { provider: Arc::new(provider), model, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Answer, ModelRequest, StreamEvent};
    use expect_test::{Expect, expect};
    use futures_util::future::BoxFuture;
    use secrecy::SecretString;
    use tokio::sync::mpsc;

    struct Nobody;

    impl Provider for Nobody {
        fn name(&self) -> &'static str {
            "offline"
        }

        fn default_model(&self) -> String {
            "none".into()
        }

        fn context_window(&self, _model: &str) -> Option<u64> {
            None
        }

        fn stream(
            &self,
            _request: ModelRequest,
            _events: mpsc::Sender<StreamEvent>,
        ) -> BoxFuture<'static, Result<Answer, ProviderError>> {
            Box::pin(async { Err(ProviderError::NotConfigured("nobody".into())) })
        }
    }

    fn settings(provider: &str, key: bool, name: Option<&str>) -> ModelSettings {
        let own = || ApiKey { secret: SecretString::from("sk"), source: "the file keys.toml".into() };
        ModelSettings {
            provider: provider.into(),
            provider_source: "config.toml:3".into(),
            name: name.map(Into::into),
            anthropic: key.then(own),
            ..ModelSettings::default()
        }
    }

    fn check(settings: &ModelSettings, expected: Expect) {
        expected.assert_eq(&match resolve(settings, Arc::new(Nobody)) {
            Ok(resolved) => format!("{} {}: {}", resolved.provider.name(), resolved.model, resolved.why),
            Err(error) => error.to_string(),
        });
    }

    #[test]
    fn every_word() {
        check(
            &settings("auto", true, None),
            expect!["anthropic claude-sonnet-5: Anthropic, because a key is set by the file keys.toml"],
        );
        check(
            &settings("auto", false, Some("claude-x")),
            expect![
                "offline none: offline: commands without a model, because no key is set (ANTHROPIC_API_KEY, or keys.toml beside the config file)"
            ],
        );
        check(
            &settings("anthropic", true, Some("claude-x")),
            expect!["anthropic claude-x: Anthropic, as config.toml:3 says, with the key from the file keys.toml"],
        );
        check(
            &settings("anthropic", false, None),
            expect![[
                r#"`model.provider` is `anthropic` (set by config.toml:3), but there is no API key. Set ANTHROPIC_API_KEY, or write `anthropic = "…"` into keys.toml beside the config file (mode 0600), and start Pillion anew; `offline` needs no key."#
            ]],
        );
        check(
            &settings("offline", true, None),
            expect!["offline none: offline: commands without a model, as config.toml:3 says"],
        );
        check(
            &settings("openai", true, None),
            expect![
                "The provider `openai` (set by config.toml:3) is not in this version. What works: `auto`, `anthropic`, `offline` or `scripted:FILE`."
            ],
        );
        check(
            &settings("editor", true, None),
            expect![
                "The provider `editor` (set by config.toml:3) is not in this version. What works: `auto`, `anthropic`, `offline` or `scripted:FILE`."
            ],
        );
        check(
            &settings("antropic", true, None),
            expect![[
                r#"There is no provider named "antropic" (set by config.toml:3). Write `auto`, `anthropic`, `offline` or `scripted:FILE` there."#
            ]],
        );
        check(
            &settings("scripted:", true, None),
            expect!["`scripted:` (set by config.toml:3) needs a file: `scripted:FILE`."],
        );
        check(
            &settings("scripted:/nowhere.json", true, None),
            expect![
                "The script /nowhere.json cannot be used: No such file or directory (os error 2). It was set by config.toml:3; correct the file or the setting."
            ],
        );
    }

    #[test]
    fn a_script() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), r#"{"model": "actor", "steps": [{}]}"#).expect("written");
        let word = format!("scripted:{}", file.path().display());
        let resolved = resolve(&settings(&word, false, None), Arc::new(Nobody)).expect("resolved");
        assert_eq!((resolved.provider.name(), resolved.model.as_str()), ("scripted", "actor"));
        let resolved = resolve(&settings(&word, false, Some("m")), Arc::new(Nobody)).expect("resolved");
        assert_eq!(resolved.model, "m");
    }
}
