//! The services that can answer: where each one's key and address may come from, and what came. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{BY_DEFAULT, Config, OwnVariable};

/// Where the Anthropic API is, unless settings say otherwise.
pub const ANTHROPIC_BASE_URL: &str = "https://api.anthropic.com";

/// Most characters of a key. Real ones have some two hundred.
pub const KEY_CAP: usize = 4096;

/// Where the settings of a service stand.
pub struct Source {
    /// The word of `model.provider`, and of `keys.toml`.
    pub word: &'static str,
    /// The variables of its key.
    pub key: Option<KeyVariables>,
    /// The variable of its address.
    pub url: Option<&'static str>,
    /// The setting of its address.
    pub setting: &'static str,
}

/// The variables of a key.
pub struct KeyVariables {
    /// As everybody's programs look for it.
    pub shared: &'static str,
    /// What an editor hands to Pillion alone, out of its own secret storage. Kept from commands.
    pub own: &'static str,
}

/// Every service that is reached over HTTP. The first three answer nobody without a key, and are what `auto` looks for,
/// in this order.
pub const SOURCES: [Source; 7] = [
    Source {
        word: "anthropic",
        key: Some(KeyVariables { shared: "ANTHROPIC_API_KEY", own: "PILLION_ANTHROPIC_API_KEY" }),
        url: Some("ANTHROPIC_BASE_URL"),
        setting: "model.anthropicBaseUrl",
    },
    Source {
        word: "openai",
        key: Some(KeyVariables { shared: "OPENAI_API_KEY", own: "PILLION_OPENAI_API_KEY" }),
        url: Some("OPENAI_BASE_URL"),
        setting: "model.openaiBaseUrl",
    },
    Source {
        word: "openrouter",
        key: Some(KeyVariables { shared: "OPENROUTER_API_KEY", own: "PILLION_OPENROUTER_API_KEY" }),
        url: None,
        setting: "model.openrouterBaseUrl",
    },
    Source { word: "ollama", key: None, url: None, setting: "model.ollamaBaseUrl" },
    Source { word: "llamacpp", key: None, url: None, setting: "model.llamacppBaseUrl" },
    Source { word: "vllm", key: None, url: None, setting: "model.vllmBaseUrl" },
    Source { word: "lmstudio", key: None, url: None, setting: "model.lmstudioBaseUrl" },
];

/// The row of a word.
pub fn source(word: &str) -> Option<&'static Source> {
    SOURCES.iter().find(|source| source.word == word)
}

/// `model.*`: who answers.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSettings {
    /// `auto`, a provider's word, `scripted:FILE`.
    pub provider: String,
    /// Where `provider` was set, for messages: a file, `PILLION_PROVIDER`, the editor's settings, the default.
    pub provider_source: String,
    /// The model's name, for instance `claude-sonnet-5` or `ollama:qwen3:8b`; the provider's own default when unset.
    pub name: Option<String>,
    /// What is known of each service, by its word.
    pub services: BTreeMap<&'static str, Service>,
    /// Values of the header `anthropic-beta`.
    pub anthropic_betas: Vec<String>,
    /// `auto`, `off`, or an effort from `low` to `max`.
    pub thinking: String,
    /// How long a service may be silent in its answer (`idleTimeoutMs`, 90,000).
    pub idle_timeout: Duration,
    /// Most tokens of one answer.
    pub max_tokens: u32,
}

/// What was set for a service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    pub key: Option<ApiKey>,
    /// `None`: where the service is for everybody.
    pub address: Option<Address>,
    /// The key stands in `keys.toml`.
    pub is_stored: bool,
    /// The person's own environment has the variable of its key: their commands may need it.
    pub in_environment: bool,
}

/// Where a service is, when somebody said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Without a slash at the end. Anthropic's is without `/v1`, all others are with it.
    pub url: String,
    /// Where it was set, for messages.
    pub source: String,
}

/// A key and where it came from (messages name the source, never the key).
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub secret: SecretString,
    /// For instance `the environment variable ANTHROPIC_API_KEY`.
    pub source: String,
}

impl PartialEq for ApiKey {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.secret.expose_secret() == other.secret.expose_secret()
    }
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            provider: "auto".into(),
            provider_source: BY_DEFAULT.into(),
            name: None,
            services: BTreeMap::new(),
            anthropic_betas: Vec::new(),
            thinking: "auto".into(),
            idle_timeout: Duration::from_secs(90),
            max_tokens: 32_000,
        }
    }
}

impl ModelSettings {
    /// The key of a service, where there is one.
    pub fn key(&self, word: &str) -> Option<&ApiKey> {
        self.services.get(word)?.key.as_ref()
    }

    /// Where a service is, where somebody said so.
    pub fn address(&self, word: &str) -> Option<&Address> {
        self.services.get(word)?.address.as_ref()
    }

    /// What is set for a service, to be changed.
    pub(super) fn service(&mut self, word: &'static str) -> &mut Service {
        self.services.entry(word).or_default()
    }
}

/// Whether a text can be a key: a blank, a line's end or the quotes of a text come from a slip of the hand.
pub fn can_be_key(secret: &str) -> bool {
    !secret.is_empty() && secret.len() <= KEY_CAP && secret.chars().all(|c| c.is_ascii_graphic())
}

/// What a client did with a service's key while Pillion runs. It counts more than what was there at the start.
#[derive(Clone, Debug)]
pub enum Handed {
    /// This is the key from now on.
    Set(ApiKey),
    /// The stored key is forgotten. One in the person's environment holds.
    Removed,
}

impl Config {
    /// These settings with what a client has done to the keys.
    pub fn with_handed(mut self, handed: &BTreeMap<&'static str, Handed>) -> Self {
        for (word, handed) in handed {
            let Some(source) = source(word) else { continue };
            let shared = source.key.as_ref().map(|variables| variables.shared);
            match handed {
                Handed::Set(key) => {
                    if let Some(name) = shared.filter(|_| !self.model.service(source.word).in_environment) {
                        self.withhold(name, key.secret.expose_secret(), false);
                    }
                    self.model.service(source.word).key = Some(key.clone());
                }
                Handed::Removed => {
                    let service = self.model.service(source.word);
                    if service.is_stored {
                        service.key = None;
                        self.withheld.retain(|own| Some(own.name.as_str()) != shared || own.is_inherited);
                    }
                }
            }
        }
        self
    }

    /// Notes that only Pillion was given this value; of two for a name the later one counts, as it does for Pillion.
    pub(super) fn withhold(&mut self, name: &str, secret: &str, is_inherited: bool) {
        self.withheld.retain(|known| known.name != name);
        let secret = SecretString::from(secret.trim());
        self.withheld.push(OwnVariable { name: name.to_owned(), secret, is_inherited });
    }

    pub(super) fn take_key(&mut self, word: &'static str, secret: &str, source: String, is_stored: bool) {
        let secret = secret.trim();
        if secret.is_empty() {
            return;
        }
        if can_be_key(secret) {
            let service = self.model.service(word);
            service.key = Some(ApiKey { secret: SecretString::from(secret), source });
            service.is_stored = is_stored;
        } else {
            self.problems.push(format!(
                "The key in {source} holds characters that no key has (a blank, a line's end, quotes of a text); it is \
                 ignored. Set it again."
            ));
        }
    }

    /// The keys in the environment. One that Pillion alone was given counts more than everybody's.
    pub(super) fn read_key_variables(&mut self, env: &dyn Fn(&str) -> Option<String>) {
        for source in &SOURCES {
            let Some(KeyVariables { shared, own }) = &source.key else { continue };
            for variable in [shared, own] {
                if let Some(secret) = env(variable) {
                    self.take_key(source.word, &secret, format!("the environment variable {variable}"), false);
                }
            }
            if let Some(secret) = env(own) {
                self.withhold(own, &secret, true);
                self.withhold(shared, &secret, false);
            }
            if env(shared).is_some() {
                // The person's own, for whoever they start.
                self.withheld.retain(|known| known.name != *shared);
                self.model.service(source.word).in_environment = true;
            }
        }
    }
}
