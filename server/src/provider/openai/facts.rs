//! What services say of their models, read from their answers. Pure. Sources stand at the parsers; what nobody says stays
//! unknown. A window that is too small for an agent becomes a warning with the command that mends it.

use serde_json::Value;

use super::presets::{Facts, Preset};
use crate::provider::ModelFacts;

/// What an agent's system text, tools and a few files need, in tokens. Smaller windows are warned of.
const ENOUGH: u64 = 32_000;

/// What the remedy asks for, in tokens.
const WANTED: u64 = 32_768;

/// OpenAI's windows and longest answers by the start of the model's name; the longest start that fits holds. OpenAI's
/// list of models says neither. As catalogues of models tell it, November 2026; OpenAI's own pages were not read for each.
const OPENAI_WINDOWS: &[(&str, u64, u32)] = &[
    ("gpt-5.6", 1_050_000, 128_000),
    ("gpt-5.5", 1_050_000, 128_000),
    ("gpt-5.4", 1_050_000, 128_000),
    ("gpt-5.4-mini", 400_000, 128_000),
    ("gpt-5.4-nano", 400_000, 128_000),
    ("gpt-5.3-chat", 128_000, 16_384),
    ("gpt-5.2-chat", 128_000, 16_384),
    ("gpt-5.1-chat", 128_000, 16_384),
    ("gpt-5-chat", 128_000, 16_384),
    ("gpt-5", 400_000, 128_000),
    ("gpt-4.1", 1_047_576, 32_768),
    ("gpt-4o", 128_000, 16_384),
    ("gpt-4-turbo", 128_000, 4_096),
    ("gpt-4", 8_192, 8_192),
    ("gpt-3.5-turbo", 16_385, 4_096),
    ("o4-mini", 200_000, 100_000),
    ("o3", 200_000, 100_000),
    ("o1", 200_000, 100_000),
];

/// What the table knows: window and longest answer.
pub fn table(preset: &Preset, model: &str) -> Option<(u64, u32)> {
    let rows = OPENAI_WINDOWS.iter().filter(|(start, ..)| preset.facts == Facts::Table && model.starts_with(start));
    rows.max_by_key(|(start, ..)| start.len()).map(|(_, window, answer)| (*window, *answer))
}

/// What the table knows of a model, as facts.
pub fn named(preset: &Preset, model: &str) -> ModelFacts {
    let known = table(preset, model);
    ModelFacts {
        window: known.map(|(window, _)| window),
        max_output: known.map(|(_, answer)| answer),
        ..ModelFacts::named(preset.word, model)
    }
}

/// An entry of `GET /models`. The names for the window: OpenRouter's `context_length`, vLLM's `max_model_len`, Groq's
/// `context_window`, Mistral's `max_context_length`, llama.cpp's `meta.n_ctx`.
pub fn listed(preset: &Preset, entry: &Value) -> Option<ModelFacts> {
    let mut facts = named(preset, entry["id"].as_str()?);
    let top = &entry["top_provider"];
    let windows = [
        &top["context_length"],
        &entry["context_length"],
        &entry["max_model_len"],
        &entry["context_window"],
        &entry["max_context_length"],
        &entry["meta"]["n_ctx"],
    ];
    facts.window = windows.into_iter().find_map(positive).or(facts.window);
    facts.max_output =
        positive(&top["max_completion_tokens"]).and_then(|most| most.try_into().ok()).or(facts.max_output);
    facts.tools = entry["supported_parameters"].as_array().map(|known| known.iter().any(|name| name == "tools"));
    facts.warning = no_tools(preset, &facts);
    Some(facts)
}

/// The entries of a list that can hold a conversation, best first where the service says so.
pub fn list(preset: &Preset, list: &Value) -> Vec<ModelFacts> {
    let mut entries: Vec<&Value> = list["data"].as_array().into_iter().flatten().collect();
    match preset.facts {
        Facts::Table => {
            let chats: Vec<&Value> = entries.iter().copied().filter(|entry| is_openai_chat(entry)).collect();
            // Another service behind the same word names its models in its own way.
            if !chats.is_empty() {
                entries = chats;
            }
            entries.sort_by_key(|entry| std::cmp::Reverse(entry["created"].as_i64()));
        }
        // LM Studio's own list, which has embedding models too.
        Facts::LmStudio => {
            entries.retain(|entry| entry["type"] != "embeddings");
            entries.sort_by_key(|entry| entry["state"] != "loaded");
            return entries.into_iter().filter_map(|entry| lm_studio(preset, entry)).collect();
        }
        Facts::OpenRouter | Facts::Ollama | Facts::LlamaCpp | Facts::Vllm => {}
    }
    entries.into_iter().filter_map(|entry| listed(preset, entry)).collect()
}

/// OpenAI lists models for speech, images and embeddings among the others, by name alone.
fn is_openai_chat(entry: &Value) -> bool {
    const OTHER: [&str; 9] =
        ["audio", "realtime", "transcribe", "tts", "image", "search", "instruct", "deep-research", "embedding"];
    let id = entry["id"].as_str().unwrap_or_default();
    let chat = ["gpt-", "chatgpt-", "o1", "o3", "o4"].iter().any(|start| id.starts_with(start));
    chat && !OTHER.iter().any(|word| id.contains(word))
}

/// An entry of `GET /api/v0/models`. Source: LM Studio, "REST API v0". The loaded window is the real one.
fn lm_studio(preset: &Preset, entry: &Value) -> Option<ModelFacts> {
    let mut facts = ModelFacts::named(preset.word, entry["id"].as_str()?);
    let trained = positive(&entry["max_context_length"]);
    facts.window = positive(&entry["loaded_context_length"]);
    facts.tools = entry["capabilities"].as_array().map(|known| known.iter().any(|word| word == "tool_use"));
    let remedy = |model: &str, tokens: u64| format!("Load it with `lms load {model} --context-length {tokens}`.");
    facts.warning = small_window(&facts, trained, remedy).or_else(|| no_tools(preset, &facts));
    facts.window = facts.window.or(trained);
    Some(facts)
}

/// llama.cpp: `GET /props` and the model's entry in the list. Source: tools/server/README.md. `n_ctx` is a slot's share.
pub fn llama_cpp(preset: &Preset, model: &str, props: &Value, entry: Option<&Value>) -> ModelFacts {
    let mut facts =
        entry.and_then(|entry| listed(preset, entry)).unwrap_or_else(|| ModelFacts::named(preset.word, model));
    facts.window = positive(&props["default_generation_settings"]["n_ctx"]).or(facts.window);
    facts.tools = props["chat_template_caps"]["supports_tools"].as_bool();
    let trained = entry.and_then(|entry| positive(&entry["meta"]["n_ctx_train"]));
    facts.warning = small_window(&facts, trained, |_, tokens| format!("Start llama-server with `-c {tokens}`."))
        .or_else(|| no_tools(preset, &facts));
    facts
}

/// A model of vLLM, from the list.
pub fn vllm(mut facts: ModelFacts) -> ModelFacts {
    facts.warning = small_window(&facts, None, |_, tokens| {
        format!("Start vLLM with `--max-model-len {tokens}`, if the model has it.")
    });
    facts
}

/// Ollama: `POST /api/show`, and `GET /api/ps` where the model is loaded. Source: Ollama's API reference and its page
/// "Context length". The window of a loaded model is the real one; of another only a `num_ctx` of its own is known,
/// because the server's default depends on the machine.
pub fn ollama(preset: &Preset, model: &str, show: &Value, ps: &Value) -> ModelFacts {
    let mut facts = ModelFacts::named(preset.word, model);
    let info = show["model_info"].as_object();
    let trained = info
        .into_iter()
        .flatten()
        .find_map(|(name, value)| name.ends_with(".context_length").then(|| positive(value)).flatten());
    let fixed = show["parameters"].as_str().and_then(|text| {
        text.lines().find_map(|line| line.trim().strip_prefix("num_ctx")?.trim().trim_matches('"').parse::<u64>().ok())
    });
    let is_remote = show["remote_host"].as_str().is_some_and(|host| !host.is_empty());
    facts.window = match (is_remote, loaded_window(ps, model)) {
        (true, _) => trained,
        (false, Some(loaded)) => Some(loaded),
        (false, None) => fixed.map(|fixed| trained.map_or(fixed, |trained| fixed.min(trained))),
    };
    facts.tools = show["capabilities"].as_array().map(|known| known.iter().any(|word| word == "tools"));
    let remedy = |model: &str, tokens: u64| match fixed {
        // A model's own `num_ctx` beats the server's setting.
        Some(_) => format!(
            "Make one with a larger window: `printf 'FROM {model}\\nPARAMETER num_ctx {tokens}\\n' > Modelfile && ollama \
             create {}-{}k -f Modelfile`, and choose that.",
            model.replace(':', "-"),
            tokens / 1024
        ),
        None => format!(
            "Start Ollama with `OLLAMA_CONTEXT_LENGTH={tokens} ollama serve`; where it runs as a service: `sudo systemctl \
             edit ollama`, `[Service]`, `Environment=OLLAMA_CONTEXT_LENGTH={tokens}`, and restart it."
        ),
    };
    facts.warning = no_tools(preset, &facts).or_else(|| small_window(&facts, trained, remedy));
    facts
}

/// The window that a loaded model runs with, from `GET /api/ps`.
fn loaded_window(ps: &Value, model: &str) -> Option<u64> {
    let full = if model.contains(':') { model.to_owned() } else { format!("{model}:latest") };
    let mut loaded = ps["models"].as_array().into_iter().flatten();
    let entry = loaded.find(|entry| [&entry["name"], &entry["model"]].iter().any(|name| **name == full))?;
    positive(&entry["context_length"])
}

/// The names of Ollama's loaded models.
pub fn ollama_loaded(ps: &Value) -> Vec<String> {
    let models = ps["models"].as_array().into_iter().flatten();
    models.filter_map(|entry| entry["name"].as_str()).map(str::to_owned).collect()
}

fn no_tools(preset: &Preset, facts: &ModelFacts) -> Option<String> {
    let (label, model, remedy) = (preset.label, &facts.model, preset.tools_remedy);
    (facts.tools == Some(false))
        .then(|| format!("{label} says that {model} cannot call tools, so it can only talk. {remedy}"))
}

/// `remedy` gets the model and the tokens to ask for.
fn small_window(facts: &ModelFacts, trained: Option<u64>, remedy: impl Fn(&str, u64) -> String) -> Option<String> {
    let window = facts.window.filter(|window| *window < ENOUGH)?;
    let model = &facts.model;
    let remedy = match trained {
        Some(trained) if trained < ENOUGH => {
            format!("The model was made for {trained} tokens, so choose another one.")
        }
        _ => remedy(model, trained.map_or(WANTED, |trained| trained.min(WANTED))),
    };
    Some(format!(
        "{model} runs with a window of {window} tokens, and an agent needs {WANTED}: what does not fit is forgotten or cut \
         off. {remedy}"
    ))
}

fn positive(value: &Value) -> Option<u64> {
    value.as_u64().filter(|number| *number > 0)
}
