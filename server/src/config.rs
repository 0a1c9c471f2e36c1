//! Settings: the config file, then the environment, then the editor's own (`initializationOptions`,
//! `didChangeConfiguration`), each on top of the one before. The only file that reads the environment. `keys` is the table
//! of settings, `services` who can answer, `source` reads the files, `secrets` writes the one of the keys.
//!
//! Invariant: loading never fails. What is wrong becomes a problem with its place and remedy; the rest holds.

mod keys;
pub mod secrets;
pub mod services;
mod source;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

pub use self::keys::{KEYS, Key};
pub use self::services::{Address, ApiKey, Handed, ModelSettings};

use self::source::{Entry, Value};
use crate::agent::approval::{Decision, Rule, Said};
use crate::task::model::OnClose;

/// Where values come from that nobody set.
const BY_DEFAULT: &str = "the default";

/// Where the editor's values come from, for messages.
const EDITOR: &str = "the editor's settings";

/// Every setting, with its default. The keys are the same in the config file, in `initializationOptions` and in VS Code
/// (`pillion.` in front).
#[derive(Clone, Debug)]
pub struct Config {
    pub model: ModelSettings,
    pub permissions: PermissionSettings,
    pub background: BackgroundSettings,
    pub diagnostics: DiagnosticSettings,
    pub sessions: SessionSettings,
    /// `$HOME`.
    pub home: PathBuf,
    pub agents: AgentSettings,
    pub budget: BudgetSettings,
    /// `$XDG_CONFIG_HOME/pillion`: settings, keys, the person's own instructions.
    pub config_dir: PathBuf,
    /// `$XDG_STATE_HOME`; what is kept lies in [`Config::state_dir`].
    pub state_home: PathBuf,
    /// `$XDG_RUNTIME_DIR`, or a folder in the state directory; sockets lie in [`Config::socket_dir`].
    pub runtime_dir: PathBuf,
    /// Where keys are stored: `$XDG_CONFIG_HOME/pillion/keys.toml`.
    pub keys_file: PathBuf,
    /// Environment variables whose values only Pillion was given: they do not reach commands, unless
    /// [`BackgroundSettings::pass_env`] names them. The person's own keys are not among them: their commands may need
    /// them.
    pub withheld: Vec<OwnVariable>,
    /// What is wrong with the settings, each with the file, the line and the remedy. The rest holds.
    pub problems: Vec<String>,
}

/// A variable whose value only Pillion was given.
#[derive(Clone, Debug)]
pub struct OwnVariable {
    pub name: String,
    pub secret: SecretString,
    /// It stands in Pillion's own environment, and not in a file.
    pub is_inherited: bool,
}

/// `permissions.*`: what may be done unasked.
#[derive(Clone, Debug)]
pub struct PermissionSettings {
    /// `ask`, `accept_edits`, `plan`, `auto`: the mode of new sessions.
    pub mode: String,
    /// What the files say of calls: the person's, and the workspace's own, which can only tighten.
    pub said: Vec<Said>,
}

/// `agents.*`: subagents.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    /// How many work at a time; at least 1.
    pub max_concurrent: usize,
    /// Model requests of one.
    pub max_requests: u32,
    /// Their model; that of their session when unset.
    pub model: Option<String>,
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self { max_concurrent: 10, max_requests: 50, model: None }
    }
}

/// `background.*`: tasks.
#[derive(Clone, Debug)]
pub struct BackgroundSettings {
    /// Slots for build, test, lint and install tasks; the number of cores, at least 2.
    pub max_concurrent: usize,
    /// Groups and programs of which one task runs at a time: `NAME` in a folder, `NAME = CLASS` in the workspace.
    pub exclusive: Vec<String>,
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
    /// How long tasks wait for the next sidecar of their window (`reattachGraceMs`, 60,000).
    pub reattach_grace: Duration,
    /// What becomes of tasks when the window closes or reloads (`onClose`).
    pub on_close: OnClose,
    /// Names of programs whose daemons are left alone (`keepDaemons`).
    pub keep_daemons: Vec<String>,
    /// Without output and work, from a question to `waiting_for_input` (`stallAfterMs`, 45,000).
    pub stall_after: Duration,
    /// Bytes of output of one run (`outputCapBytes`, 1 GiB).
    pub output_cap: u64,
    /// Bytes of output of all runs of a workspace (`outputTotalBytes`, 8 GiB).
    pub output_total: u64,
    /// Days after which an output is removed (`keepOutputDays`, 14).
    pub keep_output_days: u32,
    /// Characters of one task's notification, and of a whole block (4,000 and 16,000).
    pub notification_chars: usize,
    pub block_chars: usize,
    /// Variables of [`Config::withheld`] that commands get all the same (`passEnv`).
    pub pass_env: Vec<String>,
}

/// `diagnostics.*`: which problems an editor is shown, and where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiagnosticSettings {
    /// Failed tests alone: what compilers and linters say, the editor hears from their own extensions (`show`).
    pub tests_alone: bool,
    /// Folders inside of containers, and the folders of the workspace (relative) that they are (`pathMap`).
    pub path_map: Vec<(String, String)>,
}

/// `budget.*`: what a session may spend; `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Nanodollars of one session (`session`, in US dollars).
    pub session: Option<u64>,
    /// Nanodollars of a session's turns that start by themselves (`autoTurns`, in US dollars).
    pub auto_turns: Option<u64>,
    /// Tokens of one session (`sessionTokens`).
    pub session_tokens: Option<u64>,
}

impl Default for PermissionSettings {
    fn default() -> Self {
        Self { mode: "ask".into(), said: Vec::new() }
    }
}

/// `sessions.*`, and who words what is shown of them.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// A session that was away for so long tells what happened meanwhile; `None`: it never does.
    pub since: Option<Duration>,
    /// The model that words titles and labels; nobody when unset.
    pub small_model: Option<String>,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { since: Some(Duration::from_secs(4 * 3_600)), small_model: None }
    }
}

impl Default for BackgroundSettings {
    fn default() -> Self {
        Self {
            max_concurrent: default_slots(),
            exclusive: vec!["install".into()],
            timeout: None,
            check_in: Duration::from_secs(300),
            promote_after: Duration::from_secs(15),
            promote_slow_after: Duration::from_secs(1),
            wake_debounce: Duration::from_millis(250),
            max_auto_turns: 5,
            stop_grace: Duration::from_secs(2),
            reattach_grace: Duration::from_secs(60),
            on_close: OnClose::Grace,
            keep_daemons: Vec::new(),
            stall_after: Duration::from_secs(45),
            output_cap: 1 << 30,
            output_total: 8 << 30,
            keep_output_days: 14,
            notification_chars: 4_000,
            block_chars: 16_000,
            pass_env: Vec::new(),
        }
    }
}

/// The number of cores, at least 2.
fn default_slots() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).max(2)
}

/// Where files may lie that nobody needs tomorrow.
pub fn temp_dir() -> PathBuf {
    std::env::temp_dir()
}

/// The environment that the sidecar was started with. Variables that are not UTF-8 are left out.
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

impl Config {
    /// The settings of this process, without an editor's.
    pub fn from_env() -> Self {
        Self::load(&|name| std::env::var(name).ok())
    }

    /// The config file, the key file and the environment, read through `env`. Empty variables count as unset.
    pub fn load(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let env = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        let mut problems = Vec::new();
        let home = env("HOME").map(PathBuf::from).or_else(|| etcetera::home_dir().ok()).unwrap_or_else(|| {
            problems.push("HOME is not set, so settings and state lie in the temporary folder; set it.".into());
            std::env::temp_dir()
        });
        let mut folder = |name: &str, default: PathBuf| match env(name).map(PathBuf::from) {
            Some(path) if path.is_absolute() => path,
            Some(path) => {
                problems.push(format!("{name} is {}, which is not an absolute path; it is ignored.", path.display()));
                default
            }
            None => default,
        };
        let config_dir = folder("XDG_CONFIG_HOME", home.join(".config")).join("pillion");
        let state_home = folder("XDG_STATE_HOME", home.join(".local/state"));
        let runtime_dir = folder("XDG_RUNTIME_DIR", state_home.join("pillion/run"));
        let mut config = Self {
            model: ModelSettings::default(),
            permissions: PermissionSettings::default(),
            background: BackgroundSettings::default(),
            diagnostics: DiagnosticSettings::default(),
            sessions: SessionSettings::default(),
            home,
            agents: AgentSettings::default(),
            budget: BudgetSettings::default(),
            config_dir: config_dir.clone(),
            state_home,
            runtime_dir,
            keys_file: config_dir.join("keys.toml"),
            withheld: Vec::new(),
            problems,
        };
        config.read_file(&config_dir.join("config.toml"));
        config.read_keys(&config_dir.join("keys.toml"));
        config.read_env(&env);
        config
    }

    /// These settings with the editor's on top: the `pillion` section, bare or wrapped, nested or with dotted keys. Null
    /// and empty values, and the provider `auto`, leave what holds. For live changes, call it on the loaded settings each
    /// time, not on the last result.
    pub fn with_editor(mut self, settings: &serde_json::Value) -> Self {
        for entry in source::json(settings) {
            let known = KEYS.iter().find(|key| key.name == entry.key);
            match known {
                Some(key) if !key.editor => self.problems.push(format!(
                    "{EDITOR}: `{}` is not taken from an editor, because a workspace could set it there. Write it into \
                     config.toml or the environment.",
                    key.name
                )),
                // An editor's section also holds what is for its own plugin.
                None if !keys::in_a_section(&entry.key) => {}
                _ if entry.key == "model.provider" && entry.value == Value::Text("auto".into()) => {}
                _ => self.apply(&entry, EDITOR),
            }
        }
        self
    }

    /// Where sessions, tasks and logs are kept: `$XDG_STATE_HOME/pillion`.
    pub fn state_dir(&self) -> PathBuf {
        self.state_home.join("pillion")
    }

    /// Where sockets lie: `$XDG_RUNTIME_DIR/pillion`.
    pub fn socket_dir(&self) -> PathBuf {
        self.runtime_dir.join("pillion")
    }

    /// These settings with what the workspace's own file says: `.pillion/config.toml` in its first folder. It can only
    /// tighten what is allowed; whatever else it says is a problem, and ignored.
    pub fn with_workspace(mut self, root: &Path) -> Self {
        let path = root.join(".pillion/config.toml");
        let entries = match source::file(&path) {
            Ok(entries) => entries,
            Err(problem) => {
                self.problems.push(format!("{problem} Until then it tightens nothing."));
                return self;
            }
        };
        for entry in entries {
            let place = format!("{}:{}", path.display(), entry.line);
            match entry.key.as_str() {
                "permissions.ask" | "permissions.deny" => self.apply(&entry, &place),
                key => self.problems.push(format!(
                    "{place}: `{key}` is not taken from a workspace's own file, which can only tighten what is allowed \
                     (`permissions.ask`, `permissions.deny`); it is ignored. Write it into your own config.toml."
                )),
            }
        }
        self
    }

    /// Takes a list of rules. What is no rule is a problem of its own, and the others hold.
    fn say(&mut self, decision: Decision, rules: &[String], place: &str) {
        for text in rules {
            match Rule::parse(text) {
                Ok(rule) => {
                    let place = Some(place.to_owned());
                    self.permissions.said.push(Said { decision, rule, place, script: None });
                }
                Err(why) => self.problems.push(format!("{place}: {why}. The rule is ignored.")),
            }
        }
    }

    fn apply(&mut self, entry: &Entry, place: &str) {
        if entry.value == Value::Text(String::new()) {
            return;
        }
        let problem = match KEYS.iter().find(|key| key.name == entry.key) {
            Some(key) => match (key.set)(self, &entry.value, place) {
                Ok(()) => return,
                Err(wanted) => {
                    format!("`{}` has to be {wanted}, and not {}; it is ignored.", key.name, entry.value)
                }
            },
            None => {
                format!(
                    "there is no setting `{}`; did you mean `{}`? It is ignored.",
                    entry.key,
                    keys::nearest(&entry.key)
                )
            }
        };
        self.problems.push(format!("{place}: {problem}"));
    }

    fn read_file(&mut self, path: &Path) {
        match source::file(path) {
            Ok(entries) => {
                for entry in entries {
                    self.apply(&entry, &format!("{}:{}", path.display(), entry.line));
                }
            }
            Err(problem) => self.problems.push(format!("{problem} Until then the defaults hold.")),
        }
    }

    fn read_keys(&mut self, path: &Path) {
        if source::open_to_others(path) {
            self.problems.push(format!(
                "{0} can be read by others, so no key is taken from it. Close it: chmod 600 {0}",
                path.display()
            ));
            return;
        }
        match source::file(path) {
            Ok(entries) => {
                for entry in entries {
                    let place = format!("{}:{}", path.display(), entry.line);
                    match (services::source(&entry.key), entry.value) {
                        (Some(service), Value::Text(secret)) => {
                            self.take_key(service.word, &secret, format!("the file {}", path.display()), true);
                            if let Some(variables) = &service.key {
                                self.withhold(variables.shared, &secret, false);
                            }
                        }
                        (Some(service), _) => {
                            self.problems.push(format!("{place}: `{}` has to be the key, in quotes.", service.word))
                        }
                        (None, _) => self.problems.push(format!(
                            "{place}: `{}` is not the name of a provider with a key; those are {}.",
                            entry.key,
                            secrets::words()
                        )),
                    }
                }
            }
            Err(problem) => self.problems.push(format!("{problem} Until then it gives no key.")),
        }
    }

    fn read_env(&mut self, env: &dyn Fn(&str) -> Option<String>) {
        let addresses = services::SOURCES.iter().filter_map(|source| Some((source.url?, source.setting)));
        for (variable, key) in
            [("PILLION_PROVIDER", "model.provider"), ("PILLION_MODEL", "model.name")].into_iter().chain(addresses)
        {
            if let Some(value) = env(variable) {
                let entry = Entry { key: key.into(), value: Value::Text(value.trim().into()), line: 0 };
                self.apply(&entry, &format!("the environment variable {variable}"));
            }
        }
        self.read_key_variables(env);
    }
}
