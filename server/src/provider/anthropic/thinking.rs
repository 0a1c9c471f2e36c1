//! How much a model is to think, and how that is said to each generation. Pure. Sources: the documentation's pages
//! "Adaptive thinking", "Effort", "Preserved thinking", and the migration guides of the models.
//!
//! From 4.6 on models decide themselves when and how much to think (`adaptive`), and are given an effort. Their thoughts
//! are asked for as a summary: on newer models they would be empty otherwise, and what those say between tool calls comes
//! as thoughts. Older models think by a budget that they were given; they are not asked to.

use serde::Serialize;

use super::models::{Generation, generation};

/// The beta that lets a request say what becomes of thoughts whose past has changed.
const BINDING_BETA: &str = "thinking-binding-controls-2026-08-01";

/// What the person wants, from `model.thinking`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// As the model does by itself.
    #[default]
    Auto,
    /// As little as the model lets one choose.
    Off,
    /// A word of the API: `low` to `max`.
    Effort(&'static str),
}

impl Wish {
    /// Reads a value of the setting; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        const EFFORTS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];
        match word {
            "auto" | "" => Some(Self::Auto),
            "off" => Some(Self::Off),
            _ => EFFORTS.into_iter().find(|effort| *effort == word).map(Self::Effort),
        }
    }
}

/// `thinking` of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Thinking {
    Adaptive {
        display: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        block_binding: Option<BlockBinding>,
    },
    Disabled,
    /// Only the notes between tool calls, which are as long as a sentence.
    BetweenTools,
}

/// What becomes of thoughts whose past is not what it was when they were thought. That happens when a conversation is
/// compacted; the rest of the time the history only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BlockBinding {
    prefix_mismatch_behavior: &'static str,
}

/// `output_config` of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OutputConfig {
    effort: &'static str,
}

/// What is sent to one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub thinking: Option<Thinking>,
    pub output_config: Option<OutputConfig>,
    /// A beta that the fields above need.
    pub beta: Option<&'static str>,
}

/// The wish in the words of the model's generation.
pub fn plan(model: &str, wish: Wish) -> Plan {
    let Some(Generation { family, version }) = generation(model) else { return Plan::default() };
    if version < (4, 6) {
        return Plan::default();
    }
    // The first generation that ties thoughts to what was sent before them.
    let bound = version >= (5, 1);
    if wish == Wish::Off {
        let thinking = match family {
            "sonnet" if bound => Some(Thinking::BetweenTools),
            "sonnet" | "haiku" => Some(Thinking::Disabled),
            "opus" if !bound => Some(Thinking::Disabled),
            _ => None,
        };
        if thinking.is_some() {
            return Plan { thinking, ..Plan::default() };
        }
    }
    let output_config = match wish {
        Wish::Effort(effort) => Some(OutputConfig { effort }),
        // It cannot be turned off there.
        Wish::Off => Some(OutputConfig { effort: "low" }),
        Wish::Auto => None,
    };
    let block_binding = bound.then_some(BlockBinding { prefix_mismatch_behavior: "drop_block" });
    Plan {
        thinking: Some(Thinking::Adaptive { display: "summarized", block_binding }),
        output_config,
        beta: bound.then_some(BINDING_BETA),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_generation_in_its_words() {
        let summarized = r#"{"type":"adaptive","display":"summarized"}"#;
        let bound =
            r#"{"type":"adaptive","display":"summarized","block_binding":{"prefix_mismatch_behavior":"drop_block"}}"#;
        for (model, word, thinking, effort, beta) in [
            ("claude-test", "auto", "null", "null", false),
            ("claude-test", "high", "null", "null", false),
            ("claude-haiku-4-5", "auto", "null", "null", false),
            ("claude-opus-4-6", "auto", summarized, "null", false),
            ("claude-sonnet-5", "", summarized, "null", false),
            ("claude-sonnet-5", "high", summarized, r#"{"effort":"high"}"#, false),
            ("claude-sonnet-5", "off", r#"{"type":"disabled"}"#, "null", false),
            ("claude-sonnet-5-5", "auto", bound, "null", true),
            ("claude-sonnet-5-5", "max", bound, r#"{"effort":"max"}"#, true),
            ("claude-sonnet-5-5", "off", r#"{"type":"between_tools"}"#, "null", false),
            ("claude-haiku-5-5", "off", r#"{"type":"disabled"}"#, "null", false),
            ("claude-opus-5", "off", r#"{"type":"disabled"}"#, "null", false),
            ("claude-opus-5-5", "off", bound, r#"{"effort":"low"}"#, true),
            ("claude-fable-5-2", "auto", bound, "null", true),
            ("claude-fable-5", "off", summarized, r#"{"effort":"low"}"#, false),
        ] {
            let plan = plan(model, Wish::parse(word).expect("a word"));
            let json = |value: serde_json::Result<String>| value.expect("JSON");
            assert_eq!(json(serde_json::to_string(&plan.thinking)), thinking, "{model} {word}");
            assert_eq!(json(serde_json::to_string(&plan.output_config)), effort, "{model} {word}");
            assert_eq!(plan.beta.is_some(), beta, "{model} {word}");
        }
        assert_eq!(Wish::parse("much"), None);
    }
}
