//! The services that speak Chat Completions, one row each: where they are, what they want in a request and where they say
//! what a model can do. Knows nothing of requests in flight. What a row gets wrong for some server behind the same
//! address is put right by what that server refuses (see `refused`).

/// A row of the table.
#[derive(Debug)]
pub struct Preset {
    /// The word of the settings, and of [`crate::agent::history::AssistantItem::provider`].
    pub word: &'static str,
    /// The name that people know.
    pub label: &'static str,
    /// Where it is unless settings say otherwise: with `/v1`, without a slash at the end.
    pub base_url: &'static str,
    /// The environment variable in which everybody's programs look for the key.
    pub key_variable: Option<&'static str>,
    /// Whether it answers nobody without a key. Servers on one's own machine may have one all the same.
    pub needs_key: bool,
    /// Where a person makes a key, or sees what is wrong with one.
    pub key_page: Option<&'static str>,
    /// The model where none is named; `None` asks the server which one it has.
    pub default_model: Option<&'static str>,
    /// The parameter that bounds an answer.
    pub limit: Limit,
    /// Whether a stream tells its usage only when `stream_options` asks for it.
    pub stream_options: bool,
    /// Whether `parallel_tool_calls` has to be said; it is the default everywhere else.
    pub parallel_tool_calls: bool,
    /// Where the context length and the rest of a model's facts are.
    pub facts: Facts,
    /// Which field gives an answer's reasoning back to the service that wrote it.
    pub reasoning: Reasoning,
    /// Where a person pays, and sees whether the service is well.
    pub billing_page: Option<&'static str>,
    pub status_page: Option<&'static str>,
    /// A sentence that says how a key is set.
    pub key_remedy: &'static str,
    /// A sentence that says how to get, or to name, another model than this one.
    pub model_remedy: fn(&str) -> String,
    /// A sentence that says where models are that can call tools.
    pub tools_remedy: &'static str,
    /// A sentence that says how it is started, for servers on one's own machine.
    pub start_remedy: Option<&'static str>,
}

/// The name of the parameter that bounds an answer, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Counts the reasoning too. OpenAI's reasoning models refuse the older name.
    MaxCompletionTokens,
    /// The older name, the one that compatible servers know.
    MaxTokens,
}

/// Who says what a model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facts {
    /// Nobody: the list has names only, so there is a table (`windows`).
    Table,
    /// `GET /v1/models`: `context_length`, `supported_parameters`. Source: OpenRouter, "List available models".
    OpenRouter,
    /// `POST /api/show` and `GET /api/ps`. Source: Ollama's API reference.
    Ollama,
    /// `GET /props`, and `meta` in the list. Source: llama.cpp, tools/server/README.md.
    LlamaCpp,
    /// `max_model_len` in the list. Source: vLLM, `ModelCard`.
    Vllm,
    /// `GET /api/v0/models`. Source: LM Studio, "REST API".
    LmStudio,
}

/// Which field of an assistant message carries its reasoning back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasoning {
    /// None: it is not taken back, or not documented to be.
    Dropped,
    /// `reasoning_details`, in the order and shape in which they came. Source: OpenRouter, "Preserving reasoning".
    Details,
    /// The field that it came in, `reasoning_content` or `reasoning`, where the answer called tools. DeepSeek refuses a
    /// request without it ("Thinking mode"); the templates of other models (Qwen, GLM, Kimi, MiniMax) read it.
    SameField,
}

/// For servers that are not given a key.
const NO_KEY: &str = "Pillion has none for it: start it without one, or reach it as `openai` (`model.openaiBaseUrl` and \
                      OPENAI_API_KEY)";

/// The whole table.
pub static PRESETS: [Preset; 6] = [
    Preset {
        word: "openai",
        label: "OpenAI",
        base_url: "https://api.openai.com/v1",
        key_variable: Some("OPENAI_API_KEY"),
        needs_key: true,
        key_page: Some("https://platform.openai.com/api-keys"),
        default_model: Some("gpt-5.6"),
        limit: Limit::MaxCompletionTokens,
        stream_options: true,
        parallel_tool_calls: false,
        facts: Facts::Table,
        reasoning: Reasoning::SameField,
        billing_page: Some("https://platform.openai.com/settings/organization/billing"),
        status_page: Some("https://status.openai.com"),
        key_remedy: "Set OPENAI_API_KEY, or write `openai = \"…\"` into keys.toml beside the config file",
        model_remedy: |_| "Name another one in `model.name` or PILLION_MODEL, or leave it out for gpt-5.6.".into(),
        tools_remedy: "Choose another one (`model.name`).",
        start_remedy: None,
    },
    Preset {
        word: "openrouter",
        label: "OpenRouter",
        base_url: "https://openrouter.ai/api/v1",
        key_variable: Some("OPENROUTER_API_KEY"),
        needs_key: true,
        key_page: Some("https://openrouter.ai/settings/keys"),
        default_model: Some("openrouter/auto"),
        limit: Limit::MaxTokens,
        stream_options: true,
        parallel_tool_calls: false,
        facts: Facts::OpenRouter,
        reasoning: Reasoning::Details,
        billing_page: Some("https://openrouter.ai/settings/credits"),
        status_page: Some("https://status.openrouter.ai"),
        key_remedy: "Set OPENROUTER_API_KEY, or write `openrouter = \"…\"` into keys.toml beside the config file",
        model_remedy: |_| "Name one of https://openrouter.ai/models in `model.name` or PILLION_MODEL.".into(),
        tools_remedy: "Choose one of https://openrouter.ai/models?supported_parameters=tools.",
        start_remedy: None,
    },
    Preset {
        word: "ollama",
        label: "Ollama",
        base_url: "http://127.0.0.1:11434/v1",
        key_variable: None,
        needs_key: false,
        key_page: None,
        default_model: None,
        limit: Limit::MaxTokens,
        stream_options: true,
        parallel_tool_calls: false,
        facts: Facts::Ollama,
        reasoning: Reasoning::Dropped,
        billing_page: None,
        status_page: None,
        key_remedy: NO_KEY,
        model_remedy: |model| {
            let model = if model.is_empty() { "qwen3" } else { model };
            format!("Get it with `ollama pull {model}`, or name one that `ollama list` has in `model.name`.")
        },
        tools_remedy: "Choose one that can: https://ollama.com/search?c=tools.",
        start_remedy: Some("Start it with `ollama serve`."),
    },
    Preset {
        word: "llamacpp",
        label: "llama.cpp",
        base_url: "http://127.0.0.1:8080/v1",
        key_variable: None,
        needs_key: false,
        key_page: None,
        default_model: None,
        limit: Limit::MaxTokens,
        stream_options: true,
        parallel_tool_calls: true,
        facts: Facts::LlamaCpp,
        reasoning: Reasoning::SameField,
        billing_page: None,
        status_page: None,
        key_remedy: NO_KEY,
        model_remedy: |_| "Start llama-server with the model that you want, or leave `model.name` out.".into(),
        tools_remedy: "Start llama-server with one that can, and with `--jinja`.",
        start_remedy: Some("Start it with `llama-server -m MODEL.gguf -c 32768`."),
    },
    Preset {
        word: "vllm",
        label: "vLLM",
        base_url: "http://127.0.0.1:8000/v1",
        key_variable: None,
        needs_key: false,
        key_page: None,
        default_model: None,
        limit: Limit::MaxTokens,
        stream_options: true,
        parallel_tool_calls: false,
        facts: Facts::Vllm,
        reasoning: Reasoning::SameField,
        billing_page: None,
        status_page: None,
        key_remedy: NO_KEY,
        model_remedy: |_| "Start vLLM with the model that you want, or leave `model.name` out.".into(),
        tools_remedy: "Start vLLM with one that can, and with `--enable-auto-tool-choice --tool-call-parser PARSER`.",
        start_remedy: Some("Start it with `vllm serve MODEL --enable-auto-tool-choice --tool-call-parser PARSER`."),
    },
    Preset {
        word: "lmstudio",
        label: "LM Studio",
        base_url: "http://127.0.0.1:1234/v1",
        key_variable: None,
        needs_key: false,
        key_page: None,
        default_model: None,
        limit: Limit::MaxTokens,
        stream_options: true,
        parallel_tool_calls: false,
        facts: Facts::LmStudio,
        reasoning: Reasoning::Dropped,
        billing_page: None,
        status_page: None,
        key_remedy: NO_KEY,
        model_remedy: |_| "Name one that `lms ls` has in `model.name`, or get it with `lms get`.".into(),
        tools_remedy: "Choose one with “tool use” in LM Studio's list.",
        start_remedy: Some("Start it with `lms server start`."),
    },
];

/// The row of a word of the settings.
pub fn preset(word: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.word == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_found_and_used() {
        for row in &PRESETS {
            assert_eq!(preset(row.word).map(|found| found.label), Some(row.label), "{}", row.word);
            assert!(row.base_url.ends_with("/v1"), "{}", row.word);
            assert_eq!(row.needs_key, row.key_variable.is_some() && row.key_page.is_some(), "{}", row.word);
            assert_eq!(row.start_remedy.is_none(), row.needs_key, "{}: whoever runs it must be told how", row.word);
            assert!((row.model_remedy)("qwen3").ends_with('.'), "{}", row.word);
        }
        assert!(preset("anthropic").is_none());
    }
}
