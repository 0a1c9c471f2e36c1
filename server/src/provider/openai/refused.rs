//! What a service behind one of these addresses does not take, learned from its refusals: a 400 that names a parameter
//! makes the next request leave it out, or say it in the other way. Pure. What has no other way (`messages`, `model`,
//! `tools`) is not here, so its refusal reaches the person.
//!
//! Every lesson can be learned once for a request, so there is an end: see [`Learned::learn`].

use super::presets::{Limit, Preset};

/// What was learned of one model of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// The bound on the answer goes by its other name: `max_tokens` for `max_completion_tokens` or the reverse.
    pub other_limit_name: bool,
    /// Bounds from here up are refused, so none is sent; 0 where neither name is taken.
    pub limit_refused_from: Option<u32>,
    pub no_stream_options: bool,
    pub no_parallel_tool_calls: bool,
    /// Newer models of OpenAI take tools here only when they are told not to reason.
    pub no_reasoning_with_tools: bool,
    /// `reasoning_content` is demanded on every answer of the history (DeepSeek), also on those of other services.
    pub reasoning_everywhere: bool,
    /// Reasoning is not taken back.
    pub no_reasoning: bool,
    pub no_images: bool,
}

/// What of a request can be said otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// [`crate::provider::ModelRequest::max_tokens`].
    pub max_tokens: u32,
    pub tools: bool,
    pub images: bool,
    pub reasoning: bool,
}

/// Words of a refusal that is about the bound's size and not about its name.
const TOO_LARGE: [&str; 6] = ["too large", "at most", "exceed", "less than or equal", "must be less", "maximum"];

/// A refusal, in small letters.
struct Refusal {
    /// The parameter that the service names by itself; empty where it does not.
    param: String,
    text: String,
}

impl Refusal {
    /// Whether the parameter is what was refused: named as such, or in the text as a whole word.
    fn names(&self, parameter: &str) -> bool {
        if !self.param.is_empty() && self.param != "none" {
            let first = self.param.split(['.', '[']).next().unwrap_or_default();
            return first == parameter;
        }
        has_word(&self.text, parameter)
    }

    fn says(&self, any: &[&str]) -> bool {
        any.iter().any(|words| self.text.contains(words))
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
}

impl Learned {
    /// The bound to send for a wanted one.
    pub fn limit(&self, wanted: u32) -> Option<u32> {
        (wanted > 0 && self.limit_refused_from.is_none_or(|refused| wanted < refused)).then_some(wanted)
    }

    /// Looks for the lesson in a refusal with status 400 or 422 (or 500, llama.cpp's on images). `param` and `text` are
    /// what the service said. Returns what will be done differently, for the log; `None` where the same request would be
    /// sent again.
    pub fn learn(&mut self, preset: &Preset, sent: Sent, param: &str, text: &str) -> Option<String> {
        let refusal = Refusal { param: param.to_ascii_lowercase(), text: text.to_ascii_lowercase() };
        let before = self.clone();
        let what = self.lesson(preset, sent, &refusal)?;
        (*self != before).then_some(what)
    }

    fn lesson(&mut self, preset: &Preset, sent: Sent, refusal: &Refusal) -> Option<String> {
        if refusal.text.contains("reasoning_content") {
            return self.about_reasoning(sent, refusal);
        }
        if sent.tools && refusal.names("reasoning_effort") {
            self.no_reasoning_with_tools = true;
            return Some("`reasoning_effort` is sent as `none`".into());
        }
        if preset.stream_options && refusal.names("stream_options") {
            self.no_stream_options = true;
            return Some("`stream_options` is left out, so usage may be unknown".into());
        }
        if preset.parallel_tool_calls && sent.tools && refusal.names("parallel_tool_calls") {
            self.no_parallel_tool_calls = true;
            return Some("`parallel_tool_calls` is left out".into());
        }
        let older = (preset.limit == Limit::MaxTokens) != self.other_limit_name;
        let (name, other) =
            if older { ("max_tokens", "max_completion_tokens") } else { ("max_completion_tokens", "max_tokens") };
        // OpenAI speaks of `max_tokens` whatever the bound's name was.
        let too_large = refusal.says(&TOO_LARGE);
        let named = refusal.names(name) || too_large && refusal.names(other);
        if self.limit(sent.max_tokens).is_some() && (named || is_about_the_bound(refusal)) {
            return Some(self.about_limit(sent.max_tokens, name, other, refusal));
        }
        let about_images = ["image_url", "image input", "images", "image content", "multimodal", "vision"];
        if sent.images && refusal.says(&about_images) {
            self.no_images = true;
            return Some("images are left out: the model takes none".into());
        }
        None
    }

    fn about_limit(&mut self, sent: u32, name: &str, other: &str, refusal: &Refusal) -> String {
        if refusal.says(&TOO_LARGE) {
            self.limit_refused_from = Some(sent);
            return format!("a `{name}` of {sent} is left out, so the service's own bound holds");
        }
        // Back again would be for ever: where both names are refused, there is no bound.
        if std::mem::replace(&mut self.other_limit_name, true) {
            self.limit_refused_from = Some(0);
            return format!("`{name}` is left out");
        }
        format!("`{other}` takes the place of `{name}`")
    }

    fn about_reasoning(&mut self, sent: Sent, refusal: &Refusal) -> Option<String> {
        if refusal.says(&["must be passed back", "missing"]) {
            self.reasoning_everywhere = true;
            return Some("`reasoning_content` is sent with every answer of the history".into());
        }
        (sent.reasoning || self.reasoning_everywhere).then(|| {
            self.no_reasoning = true;
            "reasoning is not sent back".into()
        })
    }
}

/// vLLM: the messages would fit, and the bound on the answer does not fit beside them: "This model's maximum context length
/// is 8192 tokens. However, you requested 33012 tokens (1012 in the messages, 32000 in the completion)".
fn is_about_the_bound(refusal: &Refusal) -> bool {
    let number_before = |words: &str| -> Option<u64> {
        let before = refusal.text[..refusal.text.find(words)?].trim_end();
        before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let number_after = |words: &str| -> Option<u64> {
        let after = &refusal.text[refusal.text.find(words)? + words.len()..];
        after.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    match (number_after("maximum context length is"), number_before("in the messages")) {
        (Some(window), Some(messages)) => messages < window && refusal.text.contains("in the completion"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::openai::preset;

    const SENT: Sent = Sent { max_tokens: 32_000, tools: true, images: true, reasoning: true };

    /// What services are documented, or reported, to say; the row that they stand behind; what is done about it.
    const TABLE: &[(&str, &str, &str, &str)] = &[
        (
            "openai",
            "max_completion_tokens",
            "Unsupported parameter: 'max_completion_tokens' is not supported with this model. Use 'max_tokens' instead.",
            "`max_tokens` takes the place of `max_completion_tokens`",
        ),
        (
            "vllm",
            "max_tokens",
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "`max_completion_tokens` takes the place of `max_tokens`",
        ),
        (
            "openai",
            "max_tokens",
            "max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you provided \
             32000.",
            "a `max_completion_tokens` of 32000 is left out, so the service's own bound holds",
        ),
        (
            "openai",
            "max_completion_tokens",
            "max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you provided \
             32000.",
            "a `max_completion_tokens` of 32000 is left out, so the service's own bound holds",
        ),
        (
            "vllm",
            "",
            "This model's maximum context length is 16384 tokens. However, you requested 42000 tokens (10000 in the \
             messages, 32000 in the completion). Please reduce the length of the messages or completion.",
            "a `max_tokens` of 32000 is left out, so the service's own bound holds",
        ),
        (
            "vllm",
            "",
            "This model's maximum context length is 16384 tokens. However, you requested 142000 tokens (110000 in the \
             messages, 32000 in the completion). Please reduce the length of the messages or completion.",
            "",
        ),
        (
            "vllm",
            "",
            "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length is 8192 \
             tokens and your request has 1234 input tokens (32000 > 8192 - 1234).",
            "a `max_tokens` of 32000 is left out, so the service's own bound holds",
        ),
        (
            "openai",
            "",
            "Unrecognized request argument supplied: stream_options",
            "`stream_options` is left out, so usage may be unknown",
        ),
        (
            "openai",
            "",
            r#"{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}"#,
            "`stream_options` is left out, so usage may be unknown",
        ),
        (
            "llamacpp",
            "",
            "[{'type': 'extra_forbidden', 'loc': ('body', 'parallel_tool_calls'), 'msg': 'Extra inputs are not permitted'}]",
            "`parallel_tool_calls` is left out",
        ),
        // It was not sent there.
        ("openai", "", "Unrecognized request argument supplied: parallel_tool_calls", ""),
        (
            "openai",
            "reasoning_effort",
            "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. To use function \
             tools, use /v1/responses or set reasoning_effort to 'none'.",
            "`reasoning_effort` is sent as `none`",
        ),
        (
            "openai",
            "",
            "The `reasoning_content` in the thinking mode must be passed back to the API.",
            "`reasoning_content` is sent with every answer of the history",
        ),
        (
            "openai",
            "",
            "Missing `reasoning_content` field in the assistant message at message index 2.",
            "`reasoning_content` is sent with every answer of the history",
        ),
        (
            "vllm",
            "messages.[3].reasoning_content",
            "property 'messages.3.assistant.reasoning_content' is unsupported",
            "reasoning is not sent back",
        ),
        (
            "llamacpp",
            "",
            "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
            "images are left out: the model takes none",
        ),
        ("openai", "model", "The model `gpt-9` does not exist or you do not have access to it.", ""),
        ("openai", "messages", "Invalid value for 'content': expected a string, got null.", ""),
        ("openai", "messages[2].max_tokens", "Unknown parameter: 'messages[2].max_tokens'.", ""),
        ("openai", "tools[0].function.parameters", "Invalid schema for function 'bash'.", ""),
        ("ollama", "", "registry.ollama.ai/library/gemma:2b does not support tools", ""),
        ("openai", "", "", ""),
    ];

    #[test]
    fn refusals_that_name_a_parameter() {
        for (word, param, text, expected) in TABLE {
            let mut learned = Learned::default();
            let done = learned.learn(preset(word).expect(word), SENT, param, text);
            assert_eq!(done.as_deref().unwrap_or_default(), *expected, "{word} {param}: {text}");
            assert_eq!(learned == Learned::default(), done.is_none(), "{word} {param}: {text}");
        }
    }

    #[test]
    fn the_same_refusals_again_end() {
        for (word, param, text, _) in TABLE {
            let mut learned = Learned::default();
            let lessons = (0..10).take_while(|_| learned.learn(preset(word).expect(word), SENT, param, text).is_some());
            assert!(lessons.count() <= 2, "{word} {param}: {text}");
        }
    }

    #[test]
    fn a_bound_that_is_refused_by_both_names_is_left_out() {
        let openai = preset("openai").expect("a row");
        let mut learned = Learned::default();
        let no = "Unsupported parameter";
        assert!(learned.learn(openai, SENT, "max_completion_tokens", no).is_some());
        assert_eq!(learned.limit(10), Some(10));
        assert!(learned.learn(openai, SENT, "max_tokens", no).is_some());
        assert_eq!(learned.limit(10), None);
        assert_eq!(learned.learn(openai, SENT, "max_tokens", no), None);
    }

    #[test]
    fn a_bound_that_was_too_large_leaves_smaller_ones() {
        let openai = preset("openai").expect("a row");
        let mut learned = Learned::default();
        assert!(learned.learn(openai, SENT, "max_completion_tokens", "too large").is_some());
        assert_eq!((learned.limit(32_000), learned.limit(200)), (None, Some(200)));
        assert!(!learned.other_limit_name);
    }
}
