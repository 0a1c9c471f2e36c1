//! Which provider answers, from the settings: the default one, and every other that a model's name can choose. A provider
//! is made when it is first needed and kept while its own settings stay the same, because it has a state: connections,
//! what a service refused before, the place in a script. Every refusal says what to write, and where.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt;

use super::anthropic::{self, Anthropic, Options};
use super::catalog::{self, Entry, Listed};
use super::editor::{self, EditorModels};
use super::http::Limits;
use super::names::{self, ANY_MODEL, Known, Named};
use super::offline::{self, Offers, Offline};
use super::openai::{OpenAi, Preset, preset};
use super::scripted::{self, Scripted};
use super::{Provider, ProviderError};
use crate::config::services::{self, ANTHROPIC_BASE_URL};
use crate::config::{Address, ApiKey, ModelSettings};
use crate::workspace::editor::lent::Lender;

/// What `auto` takes, in this order, when there is a key.
const AUTO: [&str; 3] = ["anthropic", "openai", "openrouter"];

/// Servers on the person's own machine: offered, and never taken unasked.
const LOCAL: [&str; 4] = ["ollama", "lmstudio", "llamacpp", "vllm"];

/// The provider that answers, and the model's name there.
#[derive(Clone)]
pub struct Resolved {
    pub provider: Arc<dyn Provider>,
    pub model: String,
}

/// Who answers where a session's model names no provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// `None` when the settings name no provider that there is.
    pub provider: Option<&'static str>,
    /// The model of new sessions, as sessions name it.
    pub model: String,
    /// The reason in one sentence for people, or what is wrong and what to do.
    pub why: Result<String, String>,
}

/// What a provider is made from.
#[derive(Clone, PartialEq)]
enum Recipe {
    Anthropic(ApiKey, Address, Options, Limits),
    Chat(&'static str, Option<ApiKey>, Address, Limits),
    Editor,
    /// The servers of this machine that it may look for, to offer their models; `None` when it was chosen.
    Offline(Option<Vec<String>>),
    Scripted(PathBuf),
}

/// All providers of one workspace.
pub struct Registry {
    settings: ModelSettings,
    root: PathBuf,
    lender: Arc<dyn Lender>,
    made: BTreeMap<&'static str, (Recipe, Arc<Listed>)>,
}

impl Registry {
    /// A registry that has made nothing yet. `root` is the workspace's folder.
    pub fn new(settings: ModelSettings, root: PathBuf, lender: Arc<dyn Lender>) -> Self {
        Self { settings, root, lender, made: BTreeMap::new() }
    }

    /// Other settings hold from now on.
    pub fn configure(&mut self, settings: ModelSettings) {
        self.settings = settings;
    }

    /// The default provider. Makes it, so that what is wrong with it is known.
    pub fn choice(&mut self) -> Choice {
        let (word, why) = match self.chosen() {
            Ok(found) => found,
            Err(problem) => {
                let model = self.settings.name.clone().unwrap_or_else(|| "none".into());
                return Choice { provider: None, model, why: Err(problem) };
            }
        };
        let made = self.get(word);
        // Without a model there is none to choose: the name is meant for the provider that is missing.
        let named = self.settings.name.clone().filter(|_| word != offline::NAME);
        let model = named.unwrap_or_else(|| default_model(word, made.as_ref().ok()));
        Choice { provider: Some(word), model, why: made.map(|_| why).map_err(|error| error.to_string()) }
    }

    /// The provider and the name of a session's model.
    pub fn resolve(&mut self, model: &str) -> Result<Resolved, ProviderError> {
        let Named { provider, name } = names::parse(model);
        let word = match provider {
            Some(word) => word,
            None => self.chosen().map_err(ProviderError::NotConfigured)?.0,
        };
        let listed = self.get(word)?;
        let name = if name.is_empty() { default_model(word, Some(&listed)) } else { name.to_owned() };
        Ok(Resolved { provider: listed.provider.clone(), model: name })
    }

    /// Every provider that a model's name can choose. Makes none.
    pub fn known(&self) -> Vec<Known> {
        let known = names::WORDS.into_iter().map(|word| Known {
            word,
            model: default_model(word, None),
            problem: self.recipe(word).err().map(|error| error.to_string()),
        });
        known.collect()
    }

    /// Whom to ask for models: the configured providers, the default one first; then what could be offered.
    pub fn entries(&mut self) -> Vec<Entry> {
        let chosen = self.chosen().ok().map(|(word, _)| word);
        let mut words: Vec<&'static str> = chosen.into_iter().collect();
        words.extend(names::WORDS.into_iter().filter(|word| Some(*word) != chosen && *word != offline::NAME));
        words.extend(Some(offline::NAME).filter(|word| chosen != Some(*word)));
        if !self.lender.lends() {
            words.retain(|word| *word != editor::NAME || chosen == Some(*word));
        }
        let entries = words.into_iter().map(|word| {
            let is_local = LOCAL.contains(&word) && self.settings.address(word).is_none();
            let offered = Some(word) != chosen && (is_local || word == editor::NAME);
            Entry { word, label: label(word), offered, knock: self.knock(word), listed: self.get(word) }
        });
        entries.collect()
    }

    /// The word of the default provider, and why it is that; or what is wrong with the settings.
    fn chosen(&self) -> Result<(&'static str, String), String> {
        let settings = &self.settings;
        let source = &settings.provider_source;
        match settings.provider.trim() {
            "auto" | "" => {
                if let Some(word) = settings.name.as_deref().and_then(|name| names::parse(name).provider) {
                    return Ok((word, format!("{}, because `model.name` says so", label(word))));
                }
                let with_key = AUTO.into_iter().find_map(|word| Some((word, settings.key(word)?)));
                Ok(match with_key {
                    Some((word, key)) => (word, format!("{}, because a key is set by {}", label(word), key.source)),
                    None => (
                        offline::NAME,
                        "offline: commands without a model, because no key is set (ANTHROPIC_API_KEY, OPENAI_API_KEY, \
                         OPENROUTER_API_KEY, or keys.toml beside the config file)"
                            .to_owned(),
                    ),
                })
            }
            scripted if scripted.starts_with("scripted:") => {
                Ok((scripted::NAME, format!("the script {}, as {source} says", &scripted["scripted:".len()..])))
            }
            offline::NAME => Ok((offline::NAME, format!("offline: commands without a model, as {source} says"))),
            other => match names::word(other) {
                Some(word) => Ok((word, format!("{}, as {source} says", label(word)))),
                None => Err(format!(
                    "There is no provider named {other:?} (set by {source}). Write `auto`, {} or `scripted:FILE` there.",
                    names::WORDS.map(|word| format!("`{word}`")).join(", ")
                )),
            },
        }
    }

    /// What a provider is made from; or what is missing, and how it is set.
    fn recipe(&self, word: &'static str) -> Result<Recipe, ProviderError> {
        let address = |default: &str| {
            let unset = || Address { url: default.to_owned(), source: "the default".to_owned() };
            self.settings.address(word).cloned().unwrap_or_else(unset)
        };
        let key = self.settings.key(word);
        let limits = Limits::with_idle(self.settings.idle_timeout);
        match word {
            anthropic::NAME => match key {
                Some(key) => {
                    let settings = &self.settings;
                    let options =
                        Options { betas: settings.anthropic_betas.clone(), thinking: settings.thinking.clone() };
                    Ok(Recipe::Anthropic(key.clone(), address(ANTHROPIC_BASE_URL), options, limits))
                }
                None => Err(self.no_key(word)),
            },
            editor::NAME if self.lender.lends() => Ok(Recipe::Editor),
            editor::NAME => Err(ProviderError::NotConfigured(
                "This editor lends no models to Pillion. VS Code's extension does; elsewhere choose another provider, for \
                 instance `ollama`, or set a key."
                    .into(),
            )),
            offline::NAME => {
                let offers = matches!(self.settings.provider.trim(), "auto" | "");
                Ok(Recipe::Offline(offers.then(|| LOCAL.map(|word| self.url(word)).to_vec())))
            }
            scripted::NAME => match self.settings.provider.trim().strip_prefix("scripted:") {
                Some(file) if !file.is_empty() => Ok(Recipe::Scripted(PathBuf::from(file))),
                _ => Err(ProviderError::NotConfigured(format!(
                    "`scripted:` (set by {}) needs a file: `scripted:FILE`.",
                    self.settings.provider_source
                ))),
            },
            _ => match preset(word) {
                Some(row) if row.needs_key && key.is_none() => Err(self.no_key(word)),
                Some(row) => Ok(Recipe::Chat(row.word, key.cloned(), address(row.base_url), limits)),
                None => Err(ProviderError::NotConfigured(format!("There is no provider named {word:?}."))),
            },
        }
    }

    fn no_key(&self, word: &str) -> ProviderError {
        let settings = &self.settings;
        let asked = if settings.provider.trim() == word {
            format!("`model.provider` is `{word}` (set by {}), but there is no API key", settings.provider_source)
        } else {
            format!("There is no API key for {}", label(word))
        };
        let variable = services::source(word).and_then(|source| Some(source.key.as_ref()?.shared)).unwrap_or_default();
        ProviderError::NotConfigured(format!(
            "{asked}. Add it in the editor (VS Code: \"Pillion: Add API key\"), or set {variable} or write `{word} = \"…\"` \
             into keys.toml beside the config file (mode 0600) and start Pillion anew; `offline` needs no key."
        ))
    }

    /// The provider, made now unless it is there already.
    fn get(&mut self, word: &'static str) -> Result<Arc<Listed>, ProviderError> {
        let recipe = self.recipe(word)?;
        if let Some((_, listed)) = self.made.get(word).filter(|(made_from, _)| *made_from == recipe) {
            return Ok(listed.clone());
        }
        let provider = self.make(&recipe)?;
        let keeps = matches!(recipe, Recipe::Anthropic(..) | Recipe::Chat(..));
        let listed = Arc::new(Listed::new(provider, keeps));
        self.made.insert(word, (recipe, listed.clone()));
        Ok(listed)
    }

    fn make(&mut self, recipe: &Recipe) -> Result<Arc<dyn Provider>, ProviderError> {
        Ok(match recipe {
            Recipe::Anthropic(key, at, options, limits) => {
                Arc::new(Anthropic::new(key.clone(), &at.url, &at.source, options, *limits))
            }
            Recipe::Chat(word, key, at, limits) => {
                let row: &'static Preset = preset(word)
                    .ok_or_else(|| ProviderError::NotConfigured(format!("There is no provider {word:?}.")))?;
                Arc::new(OpenAi::new(row, &at.url, &at.source, key.clone(), *limits))
            }
            Recipe::Editor => Arc::new(EditorModels::new(self.lender.clone())),
            Recipe::Offline(None) => Arc::new(Offline::new(self.root.clone())),
            Recipe::Offline(Some(urls)) => Arc::new(Offline::new(self.root.clone()).with_offers(self.offers(urls))),
            Recipe::Scripted(file) => Arc::new(Scripted::open(Path::new(file)).map_err(|error| {
                ProviderError::NotConfigured(format!(
                    "{error} It was set by {}; correct the file or the setting.",
                    self.settings.provider_source
                ))
            })?),
        })
    }

    /// Looks which models could be had without a key, each time it is called: on this machine, and in the editor.
    fn offers(&mut self, urls: &[String]) -> Offers {
        let entries = LOCAL.map(|word| Entry {
            word,
            label: label(word),
            offered: true,
            knock: self.knock(word),
            listed: self.get(word),
        });
        let addresses: BTreeMap<_, _> = LOCAL.into_iter().zip(urls.iter().cloned()).collect();
        let lender = self.lender.clone();
        Arc::new(move || {
            let (entries, addresses, lender) = (entries.clone(), addresses.clone(), lender.clone());
            async move {
                let found = catalog::list(entries.to_vec()).await.into_iter().filter_map(|found| {
                    let model = found.models.ok()?.into_iter().next()?.model;
                    let (word, label) = (found.entry.word, found.entry.label);
                    Some(offer(&format!("{label} answers at {} with {model}", addresses[word]), word, &model))
                });
                let lent = lender.offered().into_iter().next().filter(|_| lender.lends());
                let lent =
                    lent.map(|model| offer(&format!("Your editor lends {}", model.name), editor::NAME, &model.id));
                found.chain(lent).collect()
            }
            .boxed()
        })
    }

    /// Host and port of a server on this machine.
    fn knock(&self, word: &str) -> Option<String> {
        let url = LOCAL.contains(&word).then(|| self.url(word))?;
        let host = url.split_once("://")?.1.split('/').next()?;
        host.contains(':').then(|| host.to_owned())
    }

    /// Where a server on this machine is, without `/v1`.
    fn url(&self, word: &str) -> String {
        let set = self.settings.address(word).map(|address| address.url.as_str());
        let url = set.or_else(|| Some(preset(word)?.base_url)).unwrap_or_default();
        url.strip_suffix("/v1").unwrap_or(url).to_owned()
    }
}

/// One sentence that offers a model.
fn offer(what: &str, word: &str, model: &str) -> String {
    format!("{what}: choose it with `/model {word}:{model}`, or for good with `model.provider = \"{word}\"`.")
}

/// A provider's name for people.
fn label(word: &str) -> &'static str {
    match word {
        anthropic::NAME => "Anthropic",
        editor::NAME => "The editor",
        offline::NAME => "Offline",
        scripted::NAME => "Script",
        _ => preset(word).map_or("", |row| row.label),
    }
}

/// The model where none is named: as the provider says, or, where there is none, as its table does.
fn default_model(word: &str, listed: Option<&Arc<Listed>>) -> String {
    match (listed, word) {
        (Some(listed), _) => listed.provider.default_model(),
        (None, anthropic::NAME) => anthropic::DEFAULT_MODEL.to_owned(),
        (None, offline::NAME) => offline::NAME.to_owned(),
        (None, _) => preset(word).and_then(|row| row.default_model).unwrap_or(ANY_MODEL).to_owned(),
    }
}

#[cfg(test)]
mod tests;
