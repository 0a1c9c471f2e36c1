//! How a model is named: `NAME` is one of the default provider's, `PROVIDER:NAME` one of that provider's. Names may hold
//! colons themselves (`qwen3:8b`): only a known word in front of the first one names a provider. Pure.

/// The providers that a model's name can choose. `scripted` is none of them: its script says who it is.
pub const WORDS: [&str; 9] =
    ["anthropic", "openai", "openrouter", "ollama", "llamacpp", "vllm", "lmstudio", "editor", "offline"];

/// The name that asks a provider for whichever model it has, where it has no default of its own.
pub const ANY_MODEL: &str = "default";

/// A model's name, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// `None`: the default provider's.
    pub provider: Option<&'static str>,
    /// As that provider knows it.
    pub name: &'a str,
}

/// A provider that a model's name can choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub word: &'static str,
    /// The model where none is named.
    pub model: String,
    /// Why it cannot answer, with the remedy.
    pub problem: Option<String>,
}

/// The word itself, when it is a known one.
pub fn word(text: &str) -> Option<&'static str> {
    WORDS.into_iter().find(|word| *word == text)
}

/// Takes a name apart. Blanks around it do not count.
pub fn parse(model: &str) -> Named<'_> {
    let model = model.trim();
    let split = model.split_once(':').and_then(|(first, name)| Some((word(first)?, name.trim())));
    match split {
        Some((provider, name)) => Named { provider: Some(provider), name },
        None => Named { provider: None, name: model },
    }
}

/// The shortest text that leads to this model while `default` is the default provider.
pub fn join(provider: &str, name: &str, default: &str) -> String {
    if provider == default && parse(name).provider.is_none() { name.to_owned() } else { format!("{provider}:{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_word_and_no_other_is_a_provider() {
        let named = |text| {
            let Named { provider, name } = parse(text);
            format!("{}|{name}", provider.unwrap_or("-"))
        };
        assert_eq!(named("claude-sonnet-5"), "-|claude-sonnet-5");
        assert_eq!(named("qwen3:8b"), "-|qwen3:8b");
        assert_eq!(named(" ollama:qwen3:8b "), "ollama|qwen3:8b");
        assert_eq!(named("ollama: qwen3:8b"), "ollama|qwen3:8b");
        assert_eq!(named("Ollama:x"), "-|Ollama:x");
        assert_eq!(named("editor:"), "editor|");
        assert_eq!(named("offline"), "-|offline");
    }

    #[test]
    fn what_is_joined_is_read_back() {
        assert_eq!(join("ollama", "qwen3:8b", "ollama"), "qwen3:8b");
        assert_eq!(join("ollama", "qwen3:8b", "anthropic"), "ollama:qwen3:8b");
        // A name that looks like another provider's is told apart.
        assert_eq!(join("ollama", "editor:latest", "ollama"), "ollama:editor:latest");
        assert_eq!(parse("ollama:editor:latest"), Named { provider: Some("ollama"), name: "editor:latest" });
    }
}
