//! Settings: the config file, then the environment, then the editor's own (`initializationOptions`,
//! `didChangeConfiguration`), each on top of the one before. The only file that reads the environment.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// Every setting, with its default. The keys are the same in the config file, in `initializationOptions` and in VS Code
/// (`pillion.` in front).
#[derive(Clone, Debug)]
pub struct Config {
    pub model: ModelSettings,
    pub permissions: PermissionSettings,
    pub background: BackgroundSettings,
    pub state_home: PathBuf,
    pub runtime_dir: PathBuf,
    /// What is wrong with the settings, each with the file, the line and the remedy. The rest holds.
    pub problems: Vec<String>,
}

/// `model.*`: who answers.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// `auto`, `anthropic`, `offline`, `scripted:FILE`.
    pub provider: String,
    /// Where `provider` was set, for messages: a file, `PILLION_PROVIDER`, the editor's settings, the default.
    pub provider_source: String,
    /// The model's name; the provider's own default when unset.
    pub name: Option<String>,
    pub anthropic: Option<ApiKey>,
    /// Without `/v1` and without a slash at the end.
    pub anthropic_base_url: String,
    /// Most tokens of one answer.
    pub max_tokens: u32,
}

/// A key and where it came from (messages name the source, never the key).
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub secret: SecretString,
    /// For instance `the environment variable ANTHROPIC_API_KEY`.
    pub source: String,
}

/// `permissions.*`: what may be done unasked.
#[derive(Clone, Debug)]
pub struct PermissionSettings {
    /// `ask`, `accept_edits`, `plan`, `auto`: the mode of new sessions.
    pub mode: String,
}

/// `background.*`: tasks.
#[derive(Clone, Debug)]
pub struct BackgroundSettings {
    /// Slots for build, test, lint and install tasks; the number of cores, at least 2.
    pub max_concurrent: usize,
    /// Ends background tasks of the agent that name no timeout; no limit when unset (`timeoutMs`).
    pub timeout: Option<Duration>,
    /// One "still running" notification after this time (`checkInMs`, 300,000).
    pub check_in: Duration,
    /// A foreground command is promoted after this time (`promoteAfterMs`, 15,000).
    pub promote_after: Duration,
    /// The same for commands of a known slow kind (`promoteSlowAfterMs`, 1,000).
    pub promote_slow_after: Duration,
    /// Completions within this time wake a session once (`wakeDebounceMs`, 250).
    pub wake_debounce: Duration,
    /// Turns in a row that start by themselves (`maxAutoTurns`, 5).
    pub max_auto_turns: u32,
    /// From TERM to KILL (`stopGraceMs`, 2,000).
    pub stop_grace: Duration,
    /// Bytes of output of one run (`outputCapBytes`, 1 GiB).
    pub output_cap: u64,
    /// Characters of one task's notification, and of a whole block (4,000 and 16,000).
    pub notification_chars: usize,
    pub block_chars: usize,
}
