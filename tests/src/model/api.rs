//! Which API the server speaks. The stories are the same in both: the binary `chat_completions` holds the files of the
//! others once more, and there every server speaks the other API unless a test says which.

/// An API of a model service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Anthropic's.
    Messages,
    /// OpenAI's, and that of many others.
    ChatCompletions,
}

impl Api {
    /// The one that this test binary is about.
    pub fn of_this_binary() -> Self {
        let path = std::env::current_exe().unwrap_or_default();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("chat_completions-") { Self::ChatCompletions } else { Self::Messages }
    }

    /// The word of the settings.
    pub fn provider(self) -> &'static str {
        match self {
            Self::Messages => "anthropic",
            Self::ChatCompletions => "openai",
        }
    }

    /// Where the client finds its key.
    pub fn key_variable(self) -> &'static str {
        match self {
            Self::Messages => "ANTHROPIC_API_KEY",
            Self::ChatCompletions => "OPENAI_API_KEY",
        }
    }

    /// Where the client finds the address, and what follows the host in it.
    pub fn url_variable(self) -> (&'static str, &'static str) {
        match self {
            Self::Messages => ("ANTHROPIC_BASE_URL", ""),
            Self::ChatCompletions => ("OPENAI_BASE_URL", "/v1"),
        }
    }

    /// The path that conversations are posted to.
    pub fn path(self) -> &'static str {
        match self {
            Self::Messages => "/v1/messages",
            Self::ChatCompletions => "/v1/chat/completions",
        }
    }

    /// Headers that every request must have.
    pub fn headers(self) -> Vec<(&'static str, String)> {
        let key = super::KEY;
        match self {
            Self::Messages => vec![("x-api-key", key.to_owned()), ("anthropic-version", "2023-06-01".to_owned())],
            Self::ChatCompletions => vec![("authorization", format!("Bearer {key}"))],
        }
    }
}
