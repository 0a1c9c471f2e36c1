//! The environment that commands get: the person's own, and what makes output plain and unattended. The person's own is
//! what Pillion was started with (given by `config`, the only reader of the environment) and, on top, what their login
//! shell sets: an editor that was started from a desktop icon has none of it.
//!
//! The login shell is asked once, in a thread of its own, for at most 2.5 seconds. Until it has answered, and when it does
//! not, commands get the environment that Pillion was started with. [`Environment::for_command`] never waits; a caller
//! that can wait does so with [`Environment::ready`]. This is the one place beside `task` that starts a process. What
//! Pillion sets stands in `unattended`, why a program was not found in `missing`.

mod missing;
mod unattended;

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Once};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::sync::watch;

use crate::config::{Config, OwnVariable};
use crate::task::model::{EnvironmentRecord, Stdin};

pub use self::missing::explain;
use self::unattended::{DROPPED, is_of_a_terminal};

/// How long the login shell may take.
const CAP: Duration = Duration::from_millis(2_500);

/// The login shell's answer is larger than this only when something is wrong.
const LARGEST: usize = 1 << 20;

type Variables = Arc<BTreeMap<String, String>>;

/// Where commands get their environment from. Cheap to clone; all clones share what the login shell said.
#[derive(Clone)]
pub struct Environment {
    started_with: Variables,
    shell: Option<PathBuf>,
    asked: Arc<Once>,
    answer: Arc<watch::Sender<Option<Variables>>>,
}

impl Environment {
    /// `started_with` is Pillion's own environment. Its `SHELL` is asked for more by [`Environment::warm`].
    pub fn new(started_with: Vec<(String, String)>) -> Self {
        let started_with: Variables = Arc::new(started_with.into_iter().collect());
        let shell = started_with.get("SHELL").map(PathBuf::from).filter(|shell| shell.is_absolute());
        Self { started_with, shell, asked: Arc::new(Once::new()), answer: Arc::new(watch::Sender::new(None)) }
    }

    /// The given environment alone; no shell is asked.
    pub fn without_shell(started_with: Vec<(String, String)>) -> Self {
        Self { shell: None, ..Self::new(started_with) }
    }

    /// Starts to ask the login shell, once, and returns at once. To be called when the server starts.
    pub fn warm(&self) {
        self.asked.call_once(|| {
            let this = self.clone();
            let ask = move || {
                let asked = this.shell.as_deref().and_then(|shell| ask(shell, &this.started_with));
                let whole =
                    asked.map_or_else(|| (*this.started_with).clone(), |login| merged(&this.started_with, login));
                this.answer.send_replace(Some(Arc::new(whole)));
            };
            // Without a thread there is no answer, and commands get what Pillion was started with.
            if std::thread::Builder::new().name("login-shell".into()).spawn(ask).is_err() {
                self.answer.send_replace(Some(self.started_with.clone()));
            }
        });
    }

    /// Waits until the login shell has answered or its time is over: at most some 2.5 s after [`Environment::warm`].
    pub async fn ready(&self) {
        self.warm();
        // The sender lives as long as `self`.
        let _ = self.answer.subscribe().wait_for(Option::is_some).await;
    }

    /// The whole environment of a command: the person's own without what was withheld, Pillion's settings, the start's
    /// own variables on top; and the record of it. Takes microseconds and never waits.
    pub fn for_command(&self, wanted: &Wanted<'_>, kept: &KeptBack) -> (Vec<(String, String)>, EnvironmentRecord) {
        let own = self.persons();
        let is_dropped = |name: &str| DROPPED.contains(&name) || kept.is_withheld(name);
        let mut whole: BTreeMap<String, String> = own
            .iter()
            .filter(|(name, _)| !is_dropped(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut set: BTreeMap<String, String> = BTreeMap::new();
        let settings = unattended::settings(wanted.command, wanted.stdin);
        set.extend(settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        // What the person has under that name is theirs and counts more.
        let has = |name: &str| whole.get(name).is_some_and(|value| !value.is_empty());
        let passed = kept.passed().filter(|(name, _)| !has(name));
        set.extend(passed.map(|(name, value)| (name.to_owned(), value.to_owned())));
        set.extend(wanted.variables.iter().cloned());
        whole.extend(set.clone());
        whole.insert("PWD".to_owned(), wanted.cwd.display().to_string());
        let has = |name: &str| whole.get(name).is_some_and(|value| !value.is_empty());
        let mut withheld: Vec<String> = kept.withheld().filter(|name| !has(name)).map(str::to_owned).collect();
        withheld.sort();
        let record = EnvironmentRecord { withheld, ..record(set) };
        (whole.into_iter().collect(), record)
    }

    /// What commands that are started in a terminal would miss here: its variables that are not the same in this
    /// environment, without those that tell of the terminal itself.
    pub fn differences(&self, terminal: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let own = self.persons();
        let differs = |(name, value): &(&String, &String)| own.get(*name) != Some(*value) && !is_of_a_terminal(name);
        terminal.iter().filter(differs).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The person's own, as far as it is known now.
    fn persons(&self) -> Variables {
        self.warm();
        self.answer.borrow().clone().unwrap_or_else(|| self.started_with.clone())
    }
}

/// What a command's environment depends on.
pub struct Wanted<'a> {
    pub cwd: &'a Path,
    pub command: &'a str,
    pub stdin: Stdin,
    /// Variables of this start alone.
    pub variables: &'a [(String, String)],
}

/// What is kept from commands, and the names that are passed on all the same (`background.passEnv`).
#[derive(Clone, Default)]
pub struct KeptBack {
    pub own: Vec<OwnVariable>,
    pub pass: Vec<String>,
}

impl From<&Config> for KeptBack {
    fn from(config: &Config) -> Self {
        Self { own: config.withheld.clone(), pass: config.background.pass_env.clone() }
    }
}

impl KeptBack {
    fn is_passed(&self, name: &str) -> bool {
        self.pass.iter().any(|passed| passed == name)
    }

    /// Whether a variable of Pillion's own process does not go to commands.
    fn is_withheld(&self, name: &str) -> bool {
        !self.is_passed(name) && self.own.iter().any(|own| own.is_inherited && own.name == name)
    }

    fn withheld(&self) -> impl Iterator<Item = &str> {
        self.own.iter().map(|own| own.name.as_str()).filter(|name| !self.is_passed(name))
    }

    fn passed(&self) -> impl Iterator<Item = (&str, &str)> {
        let passed = self.own.iter().filter(|own| self.is_passed(&own.name));
        passed.map(|own| (own.name.as_str(), own.secret.expose_secret()))
    }
}

/// Variables that a record shows, and characters of one's value.
const SHOWN: usize = 100;
const VALUE_SHOWN: usize = 200;

/// What was set, for people: no value of a name that looks secret, none that is long.
fn record(set: BTreeMap<String, String>) -> EnvironmentRecord {
    let omitted = set.len().saturating_sub(SHOWN);
    let shown = set.into_iter().take(SHOWN).map(|(name, value)| {
        let value = if looks_secret(&name) {
            "…".to_owned()
        } else if value.chars().count() > VALUE_SHOWN {
            value.chars().take(VALUE_SHOWN).chain(['…']).collect()
        } else {
            value
        };
        (name, value)
    });
    EnvironmentRecord {
        set: shown.collect(),
        omitted: u32::try_from(omitted).unwrap_or(u32::MAX),
        ..Default::default()
    }
}

/// Whether a name is one that secrets have.
fn looks_secret(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "KEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASS",
        "PWD",
        "PAT",
        "CREDENTIAL",
        "CREDENTIALS",
        "AUTH",
        "COOKIE",
        "DSN",
        "URL",
        "URI",
    ];
    let name = name.to_ascii_uppercase();
    name.split(['_', '-', '.']).any(|word| WORDS.contains(&word) || word.ends_with("KEY") || word.ends_with("TOKEN"))
}

/// What the login shell says on top of what Pillion was started with. Folders of the PATH that only Pillion's own has come
/// first: the person put them there for this editor (an active virtual environment).
fn merged(started_with: &BTreeMap<String, String>, login: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut whole = started_with.clone();
    let own = started_with.get("PATH").cloned().unwrap_or_default();
    whole.extend(login);
    if let Some(path) = whole.get_mut("PATH") {
        let known: HashSet<&str> = path.split(':').collect();
        let only_own: Vec<&str> = own.split(':').filter(|dir| !dir.is_empty() && !known.contains(dir)).collect();
        if !only_own.is_empty() {
            *path = format!("{}:{path}", only_own.join(":"));
        }
    }
    whole
}

/// Runs the login shell and reads the environment that it ends up with.
fn ask(shell: &Path, started_with: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    // Profiles print greetings; between two marks there is nothing but the answer.
    let mark = format!("pillion-{}", uuid::Uuid::now_v7().simple());
    let script = format!("printf '%s\\0' {mark}; command env -0; printf '%s\\0' {mark}");
    let mut child = Command::new(shell)
        .args(["-l", "-c", &script])
        .env_clear()
        .envs(started_with)
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .ok()?;
    let mut stdout = child.stdout.take()?;
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    let end = format!("{mark}\0");
    let (answered, answer) = std::sync::mpsc::channel();
    // A profile may leave a daemon that holds the pipe open, so the reader stops at the mark, and may outlive this call.
    let reader = move || {
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while bytes.len() < LARGEST && !bytes.ends_with(end.as_bytes()) | (count(&bytes, end.as_bytes()) < 2) {
            match stdout.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(read) => bytes.extend_from_slice(&buffer[..read]),
            }
        }
        // Nobody listens any more when the time is over.
        let _ = answered.send(bytes);
        // Reaped here, so that a slow logout delays no answer.
        let _ = child.wait();
    };
    let bytes = match std::thread::Builder::new().name("login-shell-output".into()).spawn(reader) {
        Ok(_) => answer.recv_timeout(CAP).ok(),
        Err(_) => None,
    };
    if let (None, Some(group)) = (&bytes, group) {
        // It may be gone already.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    parse(&bytes?, &mark)
}

fn count(bytes: &[u8], part: &[u8]) -> usize {
    memchr::memmem::find_iter(bytes, part).count()
}

/// The variables between the marks.
fn parse(bytes: &[u8], mark: &str) -> Option<BTreeMap<String, String>> {
    let text = String::from_utf8_lossy(bytes);
    let mark = format!("{mark}\0");
    let mut parts = text.split(&mark).skip(1);
    let (inside, _end) = (parts.next()?, parts.next()?);
    let variable = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables: BTreeMap<String, String> = inside.split('\0').filter_map(variable).collect();
    (!variables.is_empty()).then_some(variables)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn value<'a>(env: &'a [(String, String)], name: &str) -> Option<&'a str> {
        env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn value_of(env: &[(String, String)], name: &str) -> Option<String> {
        value(env, name).map(str::to_owned)
    }

    fn command(
        environment: &Environment,
        variables: &[(String, String)],
        kept: &KeptBack,
    ) -> (Vec<(String, String)>, EnvironmentRecord) {
        let wanted = Wanted { cwd: Path::new("/w"), command: "true", stdin: Stdin::Null, variables };
        environment.for_command(&wanted, kept)
    }

    /// Names that Pillion was started with for itself.
    fn kept(own: &[&str], pass: &[&str]) -> KeptBack {
        let inherited = |name: &&str| OwnVariable { name: (*name).into(), secret: "secret".into(), is_inherited: true };
        KeptBack {
            own: own.iter().map(inherited).collect(),
            pass: pass.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// A shell that prints a greeting, then runs the script of its arguments with a profile's changes.
    fn shell(dir: &Path, profile: &str) -> String {
        let path = dir.join("shell");
        std::fs::write(&path, format!("#!/bin/sh\necho Welcome\n{profile}\neval \"$3\"\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    #[test]
    fn commands_get_the_persons_environment_and_plain_output() {
        let own = [
            ("HOME", "/h"),
            ("TERM", "xterm"),
            ("PILLION_TASK", "x"),
            ("FORCE_COLOR", "1"),
            ("KEY", "secret"),
            ("A", "1"),
        ];
        let environment = Environment::without_shell(variables(&own));
        let kept = kept(&["KEY"], &[]);
        let (env, record) = command(&environment, &variables(&[("A", "2"), ("PAGER", "less")]), &kept);
        for (name, expected) in [
            ("HOME", Some("/h")),
            ("TERM", Some("dumb")),
            ("NO_COLOR", Some("1")),
            ("GIT_PAGER", Some("cat")),
            ("GIT_TERMINAL_PROMPT", Some("0")),
            ("PYTHONUNBUFFERED", Some("1")),
            ("PWD", Some("/w")),
            ("A", Some("2")),
            ("PAGER", Some("less")),
            ("CI", None),
            ("PILLION_TASK", None),
            ("FORCE_COLOR", None),
            ("KEY", None),
        ] {
            assert_eq!(value(&env, name), expected, "{name}");
        }
        assert_eq!(record.withheld, ["KEY"]);
        let set = |name: &str| value(&record.set, name);
        assert_eq!((set("A"), set("PAGER"), set("TERM"), set("HOME")), (Some("2"), Some("less"), Some("dumb"), None));
    }

    #[test]
    fn what_only_pillion_was_given_is_passed_on_when_the_person_says_so() {
        let with = |own: &[(&str, &str)], pass: &[&str]| {
            let environment = Environment::without_shell(variables(own));
            let mut kept = kept(&["PILLION_X_API_KEY"], pass);
            let secret = "from a file".into();
            kept.own.push(OwnVariable { name: "X_API_KEY".into(), secret, is_inherited: false });
            let (env, record) = command(&environment, &[], &kept);
            let of = |name| value_of(&env, name);
            (of("X_API_KEY"), of("PILLION_X_API_KEY"), record.withheld.join(" "), value_of(&record.set, "X_API_KEY"))
        };
        let given = ("PILLION_X_API_KEY", "secret");
        assert_eq!(with(&[given], &[]), (None, None, "PILLION_X_API_KEY X_API_KEY".into(), None));
        let passed = (Some("from a file".into()), None, "PILLION_X_API_KEY".into(), Some("…".into()));
        assert_eq!(with(&[given], &["X_API_KEY"]), passed);
        // The person's own goes to commands as it is, and is nobody's to withhold.
        let own = (Some("mine".into()), None, "PILLION_X_API_KEY".into(), None);
        assert_eq!(with(&[("X_API_KEY", "mine"), given], &[]), own);
        assert_eq!(with(&[("X_API_KEY", "mine"), given], &["X_API_KEY"]), own);
    }

    #[test]
    fn a_record_holds_no_secret_and_no_heap() {
        let many = (0..120).map(|n| (format!("V{n:03}"), "x".repeat(300)));
        let set = [("GH_TOKEN", "t"), ("DATABASE_URL", "u"), ("apikey", "k"), ("A_MONKEY", "m"), ("A_PATH", "p")];
        let record = record(many.chain(variables(&set)).collect());
        assert_eq!((record.set.len(), record.omitted), (100, 25));
        assert!(record.set.iter().all(|(_, value)| value.chars().count() <= 201));
        assert_eq!(value(&record.set, "GH_TOKEN"), Some("…"));
        assert_eq!(value(&record.set, "DATABASE_URL"), Some("…"));
        assert_eq!(value(&record.set, "A_PATH"), Some("p"));
        assert!(looks_secret("apikey") && !looks_secret("PATH") && !looks_secret("CI"));
    }

    #[test]
    fn a_terminal_sends_what_is_different_there() {
        let environment = Environment::without_shell(variables(&[("A", "1"), ("PATH", "/bin"), ("ONLY_HERE", "x")]));
        let terminal = [("A", "1"), ("PATH", "/venv/bin:/bin"), ("B", "2"), ("TERM", "xterm"), ("SHLVL", "2")];
        let terminal = variables(&terminal).into_iter().collect();
        let differences = environment.differences(&terminal);
        assert_eq!(differences, variables(&[("B", "2"), ("PATH", "/venv/bin:/bin")]));
    }

    #[tokio::test]
    async fn the_login_shell_is_asked_and_the_own_path_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let shell = shell(dir.path(), "PATH=/login/bin:/usr/bin:/bin; export PATH; export FROM_PROFILE='a\nb'");
        let own = [("SHELL", shell.as_str()), ("PATH", "/venv/bin:/usr/bin:/bin"), ("AGENT", "sock")];
        let environment = Environment::new(variables(&own));
        environment.ready().await;
        let (env, _) = command(&environment, &[], &KeptBack::default());
        assert_eq!(value(&env, "PATH"), Some("/venv/bin:/login/bin:/usr/bin:/bin"));
        assert_eq!(value(&env, "FROM_PROFILE"), Some("a\nb"));
        assert_eq!(value(&env, "AGENT"), Some("sock"));
    }

    #[tokio::test]
    async fn a_profile_that_breaks_or_leaves_a_daemon_changes_nothing() {
        for (profile, set) in [("exit 3", None), ("sleep 3 & export A=1", Some("1")), ("exec true", None)] {
            let dir = tempfile::tempdir().unwrap();
            let shell = shell(dir.path(), profile);
            let environment = Environment::new(variables(&[("SHELL", &shell), ("PATH", "/usr/bin:/bin")]));
            environment.ready().await;
            let (env, _) = command(&environment, &[], &KeptBack::default());
            assert_eq!((value(&env, "PATH"), value(&env, "A")), (Some("/usr/bin:/bin"), set), "{profile}");
        }
    }
}
