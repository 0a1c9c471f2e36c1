//! The table of settings: name, documentation, default, and how a value is taken. The documentation of the settings and
//! the editors' schemas are made from it. Pure.

use std::time::Duration;

use super::source::Value;
use super::{Address, Config, default_slots};
use crate::agent::approval::Decision;
use crate::agent::prices::NANO;
use crate::task::model::OnClose;

/// One setting.
pub struct Key {
    /// As in the config file and, with `pillion.` in front, in VS Code.
    pub name: &'static str,
    /// For people, in Markdown.
    pub doc: &'static str,
    /// As it would be written in the config file.
    pub default: &'static str,
    /// Whether an editor may set it. Editors pass a workspace's own settings on, and a workspace never chooses where a
    /// key is sent.
    pub editor: bool,
    /// Takes a value that was set at a place. The error says what it has to be.
    pub(super) set: fn(&mut Config, &Value, &str) -> Result<(), String>,
}

/// Every setting, by section.
pub const KEYS: &[Key] = &[
    Key {
        name: "model.provider",
        doc: "Who answers: `auto` (the first that a key is set for: Anthropic, OpenAI, OpenRouter; else offline), \
              `anthropic`, `openai`, `openrouter`, a server on this machine (`ollama`, `llamacpp`, `vllm`, `lmstudio`), \
              `editor` (the models that the editor lends), `offline` (commands without a model) or `scripted:FILE`.",
        default: "\"auto\"",
        editor: true,
        set: |config, value, place| {
            config.model.provider = text(value)?;
            config.model.provider_source = place.to_owned();
            Ok(())
        },
    },
    Key {
        name: "model.name",
        doc: "The model's name, for instance `claude-sonnet-5`, or with its provider: `ollama:qwen3:8b`; the provider's \
              default when empty.",
        default: "\"\"",
        editor: true,
        set: |config, value, _| {
            config.model.name = Some(text(value)?);
            Ok(())
        },
    },
    Key {
        name: "model.small",
        doc: "A small, cheap model that words titles of sessions and labels of what the agent did, beside the conversation, \
              for instance `claude-haiku-4-5` or `ollama:qwen3:1.7b`. Rules make them when empty.",
        default: "\"\"",
        editor: true,
        set: |config, value, _| {
            config.sessions.small_model = Some(text(value)?.trim().to_owned()).filter(|name| !name.is_empty());
            Ok(())
        },
    },
    Key {
        name: "model.maxTokens",
        doc: "The most tokens that one answer may have.",
        default: "32000",
        editor: true,
        set: |config, value, _| {
            config.model.max_tokens = number(value, 1, 1_000_000)?;
            Ok(())
        },
    },
    Key {
        name: "model.anthropicBaseUrl",
        doc: "Where the Anthropic API is, without `/v1`: for a gateway; `https://api.anthropic.com` when empty. Not taken \
              from editors.",
        default: "\"\"",
        editor: false,
        set: |config, value, place| address(config, "anthropic", value, place),
    },
    Key {
        name: "model.openaiBaseUrl",
        doc: "Where the OpenAI API is, with `/v1`: for a gateway, or any service that speaks Chat \
              Completions; `https://api.openai.com/v1` when empty. Not taken from editors.",
        default: "\"\"",
        editor: false,
        set: |config, value, place| address(config, "openai", value, place),
    },
    Key {
        name: "model.openrouterBaseUrl",
        doc: "Where OpenRouter is, with `/v1`; `https://openrouter.ai/api/v1` when empty. Not taken from editors.",
        default: "\"\"",
        editor: false,
        set: |config, value, place| address(config, "openrouter", value, place),
    },
    Key {
        name: "model.ollamaBaseUrl",
        doc: "Where Ollama is, with `/v1`; `http://127.0.0.1:11434/v1` when empty. Not taken from editors.",
        default: "\"\"",
        editor: false,
        set: |config, value, place| address(config, "ollama", value, place),
    },
    Key {
        name: "model.llamacppBaseUrl",
        doc: "Where llama.cpp's server is, with `/v1`; `http://127.0.0.1:8080/v1` when empty. Not taken from editors.",
        default: "\"\"",
        editor: false,
        set: |config, value, place| address(config, "llamacpp", value, place),
    },
    Key {
        name: "model.vllmBaseUrl",
        doc: "Where vLLM is, with `/v1`; `http://127.0.0.1:8000/v1` when empty. Not taken from editors.",
        default: "\"\"",
        editor: false,
        set: |config, value, place| address(config, "vllm", value, place),
    },
    Key {
        name: "model.lmstudioBaseUrl",
        doc: "Where LM Studio is, with `/v1`; `http://127.0.0.1:1234/v1` when empty. Not taken from editors.",
        default: "\"\"",
        editor: false,
        set: |config, value, place| address(config, "lmstudio", value, place),
    },
    Key {
        name: "model.anthropicBetas",
        doc: "Beta features of the Anthropic API to ask for, for instance `[\"context-1m-2025-08-07\"]`: values of the \
              header `anthropic-beta`. They may cost money, so they are not taken from editors.",
        default: "[]",
        editor: false,
        set: |config, value, _| {
            let is_beta = |name: &String| {
                (1..=100).contains(&name.len())
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            };
            let betas = names(value)?;
            if !betas.iter().all(is_beta) {
                return Err("a list of names of letters, digits, `-`, `_` and `.`, each in quotes".into());
            }
            config.model.anthropic_betas = betas;
            Ok(())
        },
    },
    Key {
        name: "model.thinking",
        doc: "How much the model thinks before it answers: `auto` (as it does by itself), `off` (as little as it lets one \
              choose), or an effort: `low`, `medium`, `high`, `xhigh`, `max`. Models that cannot be told are not told.",
        default: "\"auto\"",
        editor: true,
        set: |config, value, _| {
            const WORDS: [&str; 7] = ["auto", "off", "low", "medium", "high", "xhigh", "max"];
            let word = text(value).ok().filter(|word| WORDS.contains(&word.as_str()));
            config.model.thinking = word.ok_or("`auto`, `off`, `low`, `medium`, `high`, `xhigh` or `max`")?;
            Ok(())
        },
    },
    Key {
        name: "model.idleTimeoutMs",
        doc: "A model service that sends nothing for this many milliseconds is asked again; before the first byte of its \
              answer it has twice as long.",
        default: "90000",
        editor: true,
        set: |config, value, _| {
            config.model.idle_timeout = number(value, 100, 3_600_000).map(Duration::from_millis)?;
            Ok(())
        },
    },
    Key {
        name: "permissions.mode",
        doc: "The mode of new sessions: `ask` before changes and commands, `accept_edits`, `plan` (read only) or `auto`.",
        default: "\"ask\"",
        editor: true,
        set: |config, value, _| {
            const MODES: [&str; 4] = ["ask", "accept_edits", "plan", "auto"];
            let mode = text(value).ok().filter(|mode| MODES.contains(&mode.as_str()));
            config.permissions.mode = mode.ok_or("`ask`, `accept_edits`, `plan` or `auto`")?;
            Ok(())
        },
    },
    Key {
        name: "permissions.allow",
        doc: "Rules for what needs no question, for instance `[\"bash(cargo test *)\", \"edit(src/**)\"]`. Not taken from \
              editors, nor from a workspace's own file.",
        default: "[]",
        editor: false,
        set: |config, value, place| {
            let rules = names(value).map_err(|_| "a list of at most 100 rules, each in quotes")?;
            config.say(Decision::Allow, &rules, place);
            Ok(())
        },
    },
    Key {
        name: "permissions.ask",
        doc: "Rules for what is always asked about, in every mode. Not taken from editors; a workspace's own file \
              (`.pillion/config.toml`) may have some.",
        default: "[]",
        editor: false,
        set: |config, value, place| {
            let rules = names(value).map_err(|_| "a list of at most 100 rules, each in quotes")?;
            config.say(Decision::Ask, &rules, place);
            Ok(())
        },
    },
    Key {
        name: "permissions.deny",
        doc: "Rules for what is refused without a question; they win over all others. Not taken from editors; a \
              workspace's own file (`.pillion/config.toml`) may have some.",
        default: "[]",
        editor: false,
        set: |config, value, place| {
            let rules = names(value).map_err(|_| "a list of at most 100 rules, each in quotes")?;
            config.say(Decision::Deny, &rules, place);
            Ok(())
        },
    },
    Key {
        name: "sessions.sinceMs",
        doc: "A session that is opened again after so many milliseconds says what ran and what changed meanwhile; 0 for \
              never.",
        default: "14400000",
        editor: true,
        set: |config, value, _| {
            config.sessions.since = Some(millis(value)?).filter(|after| !after.is_zero());
            Ok(())
        },
    },
    Key {
        name: "agents.maxConcurrent",
        doc: "How many subagents work at a time; the others wait for their turn.",
        default: "10",
        editor: true,
        set: |config, value, _| set(&mut config.agents.max_concurrent, number(value, 1, 100)),
    },
    Key {
        name: "agents.maxRequests",
        doc: "How often one subagent may ask its model; then it reports what it has.",
        default: "50",
        editor: true,
        set: |config, value, _| set(&mut config.agents.max_requests, number(value, 1, 1000)),
    },
    Key {
        name: "agents.model",
        doc: "The model of subagents; that of their session when empty.",
        default: "\"\"",
        editor: true,
        set: |config, value, _| {
            config.agents.model = Some(text(value)?).filter(|model| !model.trim().is_empty());
            Ok(())
        },
    },
    Key {
        name: "background.maxConcurrent",
        doc: "How many build, test, lint and install tasks run at a time; 0 for the number of cores, at least 2.",
        default: "0",
        editor: true,
        set: |config, value, _| {
            let slots: usize = number(value, 0, 1024)?;
            config.background.max_concurrent = if slots == 0 { default_slots() } else { slots };
            Ok(())
        },
    },
    Key {
        name: "background.exclusive",
        doc: "What runs one at a time, also over several windows: groups (`install`) or programs (`terraform`). `NAME` is \
              one at a time in a folder, `NAME = CLASS` one at a time in the workspace of all with that class.",
        default: "[\"install\"]",
        editor: true,
        set: |config, value, _| set(&mut config.background.exclusive, names(value)),
    },
    Key {
        name: "background.timeoutMs",
        doc: "Ends background tasks of the agent that name no timeout themselves, in milliseconds; 0 for never.",
        default: "0",
        editor: true,
        set: |config, value, _| {
            config.background.timeout = Some(millis(value)?).filter(|timeout| !timeout.is_zero());
            Ok(())
        },
    },
    Key {
        name: "background.checkInMs",
        doc: "After this many milliseconds the agent is told once that a task is still running.",
        default: "300000",
        editor: true,
        set: |config, value, _| set(&mut config.background.check_in, millis(value)),
    },
    Key {
        name: "background.promoteAfterMs",
        doc: "A command that the agent waits for goes on in the background after this many milliseconds.",
        default: "15000",
        editor: true,
        set: |config, value, _| set(&mut config.background.promote_after, millis(value)),
    },
    Key {
        name: "background.promoteSlowAfterMs",
        doc: "The same for installs, builds, tests and deployments.",
        default: "1000",
        editor: true,
        set: |config, value, _| set(&mut config.background.promote_slow_after, millis(value)),
    },
    Key {
        name: "background.wakeDebounceMs",
        doc: "Tasks that end within this many milliseconds wake the agent once, together.",
        default: "250",
        editor: true,
        set: |config, value, _| set(&mut config.background.wake_debounce, millis(value)),
    },
    Key {
        name: "background.maxAutoTurns",
        doc: "How many turns in a row may start by themselves before a word from you.",
        default: "5",
        editor: true,
        set: |config, value, _| set(&mut config.background.max_auto_turns, number(value, 0, 1000)),
    },
    Key {
        name: "background.stopGraceMs",
        doc: "Milliseconds from asking a command to end until it is ended.",
        default: "2000",
        editor: true,
        set: |config, value, _| set(&mut config.background.stop_grace, millis(value)),
    },
    Key {
        name: "background.onClose",
        doc: "What becomes of tasks when the window closes or reloads: `grace` (they run on, and are stopped when the \
              window does not come back in time), `stop` at once, or `keep` them running.",
        default: "\"grace\"",
        editor: true,
        set: |config, value, _| {
            let chosen = text(value).ok().and_then(|word| OnClose::parse(&word));
            config.background.on_close = chosen.ok_or("`grace`, `stop` or `keep`")?;
            Ok(())
        },
    },
    Key {
        name: "background.reattachGraceMs",
        doc: "How many milliseconds tasks wait for their window to come back, and are kept for it alone.",
        default: "60000",
        editor: true,
        set: |config, value, _| set(&mut config.background.reattach_grace, millis(value)),
    },
    Key {
        name: "background.keepDaemons",
        doc: "Programs whose daemons are left alone when the command that started them ends or is stopped, for instance \
              `[\"sccache\", \"GradleDaemon\"]`: file names, or the names of Java classes.",
        default: "[]",
        editor: true,
        set: |config, value, _| set(&mut config.background.keep_daemons, names(value)),
    },
    Key {
        name: "background.stallAfterMs",
        doc: "A command that listens to its input and neither writes nor works for this many milliseconds waits for an \
              answer, if its last line looks like a question. A command that reads its input is seen at once.",
        default: "45000",
        editor: true,
        set: |config, value, _| set(&mut config.background.stall_after, millis(value)),
    },
    Key {
        name: "background.outputCapBytes",
        doc: "The most bytes of output that one run may write; it is stopped beyond that.",
        default: "1073741824",
        editor: true,
        set: |config, value, _| set(&mut config.background.output_cap, number(value, 64 * 1024, 1 << 50)),
    },
    Key {
        name: "background.outputTotalBytes",
        doc: "The most bytes of output of all runs of a workspace: beyond that the outputs of the oldest finished runs are \
              removed, and a new run may write no more than what is left.",
        default: "8589934592",
        editor: true,
        set: |config, value, _| set(&mut config.background.output_total, number(value, 64 * 1024, 1 << 50)),
    },
    Key {
        name: "background.keepOutputDays",
        doc: "Outputs are removed this many days after their last line; the tasks stay in the list.",
        default: "14",
        editor: true,
        set: |config, value, _| set(&mut config.background.keep_output_days, number(value, 1, 3650)),
    },
    Key {
        name: "background.notificationChars",
        doc: "The most characters that the agent is told about one task's end.",
        default: "4000",
        editor: true,
        set: |config, value, _| set(&mut config.background.notification_chars, number(value, 500, 100_000)),
    },
    Key {
        name: "background.blockChars",
        doc: "The most characters that the agent is told about all tasks that ended since its last answer.",
        default: "16000",
        editor: true,
        set: |config, value, _| set(&mut config.background.block_chars, number(value, 500, 400_000)),
    },
    Key {
        name: "background.passEnv",
        doc: "Names of variables that commands get although only Pillion was given their values, for instance \
              `ANTHROPIC_API_KEY`. Not taken from editors.",
        default: "[]",
        editor: false,
        set: |config, value, _| set(&mut config.background.pass_env, names(value)),
    },
    Key {
        name: "diagnostics.show",
        doc: "Which problems of commands are shown in the editor: `all`, or `tests` for failed tests alone, where the \
              editor's own extensions already show what compilers and linters say.",
        default: "\"all\"",
        editor: true,
        set: |config, value, _| {
            config.diagnostics.tests_alone = match text(value)?.as_str() {
                "all" => false,
                "tests" => true,
                _ => return Err("`all` or `tests`".into()),
            };
            Ok(())
        },
    },
    Key {
        name: "diagnostics.pathMap",
        doc: "Folders inside of containers and what they are in the workspace, for instance `/app=services/web`: where \
              neither the command nor a compose file says it.",
        default: "[]",
        editor: true,
        set: |config, value, _| {
            let pair = |text: &String| {
                let (inside, outside) = text.split_once('=')?;
                let (inside, outside) = (inside.trim(), outside.trim());
                (inside.len() > 1 && inside.starts_with('/')).then(|| (inside.to_owned(), outside.to_owned()))
            };
            let maps: Option<Vec<_>> = names(value)?.iter().map(pair).collect();
            config.diagnostics.path_map = maps.ok_or("a list of `/INSIDE=OUTSIDE`, each in quotes")?;
            Ok(())
        },
    },
    Key {
        name: "budget.session",
        doc: "US dollars that one session may cost, its subagents and summaries included: then no further request is sent. 0 \
              for no limit. Answers whose price is not known are not counted; `budget.sessionTokens` counts them.",
        default: "0",
        editor: true,
        set: |config, value, _| set(&mut config.budget.session, dollars(value)),
    },
    Key {
        name: "budget.autoTurns",
        doc: "US dollars that those turns of one session may cost that start by themselves when tasks end. Beyond that, what \
              ended waits for your next prompt. 0 for no limit.",
        default: "0",
        editor: true,
        set: |config, value, _| set(&mut config.budget.auto_turns, dollars(value)),
    },
    Key {
        name: "budget.sessionTokens",
        doc: "Tokens that one session may send and receive, cached ones included: a limit that also holds where no price is \
              known. 0 for none.",
        default: "0",
        editor: true,
        set: |config, value, _| {
            let tokens: u64 = number(value, 0, i64::MAX)?;
            config.budget.session_tokens = Some(tokens).filter(|tokens| *tokens > 0);
            Ok(())
        },
    },
];

fn set<T>(field: &mut T, value: Result<T, String>) -> Result<(), String> {
    *field = value?;
    Ok(())
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.trim().to_owned()),
        _ => Err("a text in quotes".into()),
    }
}

/// Where a service is. Anthropic's address is kept without `/v1`, and a slash at the end goes.
fn address(config: &mut Config, word: &'static str, value: &Value, place: &str) -> Result<(), String> {
    let url = text(value)?;
    let url = url.trim_end_matches('/');
    let url = if word == "anthropic" { url.strip_suffix("/v1").unwrap_or(url) } else { url };
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err("an address that begins with `https://` or `http://`".into());
    }
    config.model.service(word).address = Some(Address { url: url.to_owned(), source: place.to_owned() });
    Ok(())
}

fn names(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::List(names) if names.len() <= 100 => Ok(names.clone()),
        _ => Err("a list of at most 100 names, each in quotes".into()),
    }
}

fn number<T: TryFrom<i64>>(value: &Value, least: i64, most: i64) -> Result<T, String> {
    let wanted = || format!("a whole number from {least} to {most}");
    match value {
        Value::Number(number) if (least..=most).contains(number) => T::try_from(*number).map_err(|_| wanted()),
        _ => Err(wanted()),
    }
}

/// Dollars in nanodollars; `None` for 0.
fn dollars(value: &Value) -> Result<Option<u64>, String> {
    let dollars = match value {
        Value::Number(dollars) => *dollars as f64,
        Value::Fraction(dollars) => *dollars,
        _ => -1.0,
    };
    if !(0.0..=1e6).contains(&dollars) {
        return Err("a number of US dollars from 0 to 1000000, for instance 2.5".into());
    }
    Ok(Some((dollars * NANO).round() as u64).filter(|nanodollars| *nanodollars > 0))
}

/// Up to 30 days.
fn millis(value: &Value) -> Result<Duration, String> {
    number(value, 0, 30 * 24 * 3600 * 1000)
        .map(Duration::from_millis)
        .map_err(|wanted| format!("{wanted} (milliseconds)"))
}

/// Whether a key belongs to a section of the table, known itself or not.
pub(super) fn in_a_section(key: &str) -> bool {
    let section = key.split('.').next();
    KEYS.iter().any(|known| known.name.split('.').next() == section)
}

/// The known key that is most like `key`.
pub(super) fn nearest(key: &str) -> &'static str {
    let like = |known: &&Key| {
        let last = known.name.rsplit('.').next().unwrap_or_default();
        distance(key, known.name).min(distance(key.rsplit('.').next().unwrap_or_default(), last) + 1)
    };
    KEYS.iter().min_by_key(like).map_or("", |known| known.name)
}

/// How many characters to insert, remove or replace, capitals aside (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
