//! Claude models: what their names say, and the service's list of them. Pure. Sources: the models' pages ("Models
//! overview", one page a model), and the API reference, "List Models".

use serde::Deserialize;

use super::NAME;
use crate::provider::ModelFacts;

/// What every Claude model in service holds at least. Too small a number costs an early compaction, too large a one a
/// refused request.
pub const DEFAULT_WINDOW: u64 = 200_000;

/// Most characters of a model's name.
const NAME_CAP: usize = 200;

/// A model's family (`sonnet`) and generation (4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation<'a> {
    pub family: &'a str,
    pub version: (u8, u8),
}

/// Reads a name: `claude-sonnet-5-5`, `claude-opus-4-1-20250805`, `claude-3-7-sonnet-latest`, and what gateways make of
/// them (`anthropic/claude-opus-4.6`). `None` for what is no Claude model, or of no numbered generation.
pub fn generation(name: &str) -> Option<Generation<'_>> {
    let (_, rest) = name.rsplit_once("claude-")?;
    let mut family = None;
    let mut numbers = Vec::new();
    for word in rest.split(['-', '.', '@', ':']) {
        match word.parse::<u8>() {
            Ok(number) if word.len() <= 2 && numbers.len() < 2 => numbers.push(number),
            // A date, `latest`, `v1`: what follows says nothing of the generation.
            _ if family.is_some() => break,
            _ if !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()) => family = Some(word),
            _ => return None,
        }
    }
    let major = *numbers.first()?;
    Some(Generation { family: family?, version: (major, numbers.get(1).copied().unwrap_or(0)) })
}

/// Window and longest answer in tokens, by the name; `None` for a name that says nothing.
pub fn by_name(name: &str) -> Option<(u64, u32)> {
    const MILLION: u64 = 1_000_000;
    let Generation { family, version } = generation(name)?;
    Some(match (family, version) {
        ("haiku", (..5, _)) if version >= (4, 0) => (DEFAULT_WINDOW, 64_000),
        ("sonnet", (4, 6)) => (MILLION, 64_000),
        (_, version) if version >= (4, 6) => (MILLION, 128_000),
        ("opus", (4, 0 | 1)) => (DEFAULT_WINDOW, 32_000),
        (_, (4, _) | (3, 7)) => (DEFAULT_WINDOW, 64_000),
        (_, (3, 5)) => (DEFAULT_WINDOW, 8_192),
        _ => (DEFAULT_WINDOW, 4_096),
    })
}

/// What the name says of a model.
pub fn facts(name: &str) -> ModelFacts {
    let known = by_name(name);
    ModelFacts {
        window: Some(known.map_or(DEFAULT_WINDOW, |(window, _)| window)),
        max_output: known.map(|(_, output)| output),
        tools: Some(true),
        ..ModelFacts::named(NAME, name)
    }
}

/// A page of `GET /v1/models`. A gateway's list may lack everything but the names.
#[derive(Debug, Deserialize)]
pub struct Page {
    data: Vec<Entry>,
    #[serde(default)]
    has_more: Option<bool>,
    #[serde(default)]
    last_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    max_input_tokens: Option<u64>,
    #[serde(default)]
    max_tokens: Option<u32>,
}

impl Page {
    /// Where the next page begins; `None` on the last one.
    pub fn next(&self) -> Option<&str> {
        let last = self.last_id.as_deref().or_else(|| self.data.last().map(|entry| entry.id.as_str()));
        last.filter(|_| self.has_more == Some(true))
    }

    /// Its models, in the service's order (newest first). What it does not say of one, the name says.
    pub fn models(&self) -> impl Iterator<Item = ModelFacts> {
        let fits = |entry: &&Entry| !entry.id.is_empty() && entry.id.chars().count() <= NAME_CAP;
        self.data.iter().filter(fits).map(|entry| {
            let named = facts(&entry.id);
            ModelFacts {
                window: entry.max_input_tokens.filter(|tokens| *tokens > 0).or(named.window),
                max_output: entry.max_tokens.filter(|tokens| *tokens > 0).or(named.max_output),
                ..named
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, family, version) in [
            ("claude-sonnet-5", "sonnet", (5, 0)),
            ("claude-sonnet-5-5", "sonnet", (5, 5)),
            ("claude-opus-4-1-20250805", "opus", (4, 1)),
            ("claude-sonnet-4-20250514", "sonnet", (4, 0)),
            ("claude-3-7-sonnet-20250219", "sonnet", (3, 7)),
            ("claude-3-5-haiku-latest", "haiku", (3, 5)),
            ("claude-3-opus-20240229", "opus", (3, 0)),
            ("anthropic/claude-opus-4.6", "opus", (4, 6)),
            ("us.anthropic.claude-opus-4-6-v1:0", "opus", (4, 6)),
            ("claude-fable-5-2@20261101", "fable", (5, 2)),
        ] {
            assert_eq!(generation(name), Some(Generation { family, version }), "{name}");
        }
        for name in ["claude-mythos-preview", "claude-test", "gpt-5", "claude-", "claude-instant", "", "claude-5"] {
            assert_eq!(generation(name), None, "{name}");
        }
    }

    #[test]
    fn what_names_say() {
        for (name, known) in [
            ("claude-sonnet-5-5", Some((1_000_000, 128_000))),
            ("claude-haiku-5-5", Some((1_000_000, 128_000))),
            ("claude-haiku-4-5-20251001", Some((200_000, 64_000))),
            ("claude-sonnet-4-6", Some((1_000_000, 64_000))),
            ("claude-opus-4-6", Some((1_000_000, 128_000))),
            ("claude-opus-4-5", Some((200_000, 64_000))),
            ("claude-opus-4-1", Some((200_000, 32_000))),
            ("claude-3-5-haiku-latest", Some((200_000, 8_192))),
            ("claude-3-haiku-20240307", Some((200_000, 4_096))),
            ("claude-test", None),
        ] {
            assert_eq!(by_name(name), known, "{name}");
        }
        assert_eq!((facts("mine").window, facts("mine").max_output), (Some(200_000), None));
    }

    #[test]
    fn pages() {
        let page: Page = serde_json::from_str(
            r#"{"data": [
                {"type": "model", "id": "claude-opus-5-5", "display_name": "Claude Opus 5.5", "created_at": "2026-09-22T00:00:00Z",
                 "max_input_tokens": 500000, "max_tokens": 64000, "capabilities": {"thinking": {"supported": true}}},
                {"type": "model", "id": "claude-sonnet-5", "max_input_tokens": null, "max_tokens": 0},
                {"id": "house-model", "object": "model"},
                {"id": ""}
            ], "has_more": true, "first_id": "claude-opus-5-5", "last_id": "house-model"}"#,
        )
        .expect("a page");
        let models: Vec<_> = page.models().map(|facts| (facts.model, facts.window, facts.max_output)).collect();
        assert_eq!(
            models,
            [
                ("claude-opus-5-5".to_owned(), Some(500_000), Some(64_000)),
                ("claude-sonnet-5".to_owned(), Some(1_000_000), Some(128_000)),
                ("house-model".to_owned(), Some(200_000), None),
            ]
        );
        assert_eq!(page.next(), Some("house-model"));
        let gateway: Page = serde_json::from_str(r#"{"object": "list", "data": [{"id": "a"}]}"#).expect("a page");
        assert_eq!(gateway.next(), None);
    }
}
