//! The environment that commands get: the person's own, and what makes output plain and unattended. The person's own is
//! what Pillion was started with (given by `config`, the only reader of the environment) and, on top, what their login
//! shell sets: an editor that was started from a desktop icon has none of it.
//!
//! The login shell is asked once, in a thread of its own, for at most 2.5 seconds. Until it has answered, and when it does
//! not, commands get the environment that Pillion was started with. [`Environment::for_command`] never waits; a caller
//! that can wait does so with [`Environment::ready`]. This is the one place beside `task` that starts a process.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Once};
use std::time::Duration;

use tokio::sync::watch;

use super::classify;

/// How long the login shell may take.
const CAP: Duration = Duration::from_millis(2_500);

/// The login shell's answer is larger than this only when something is wrong.
const LARGEST: usize = 1 << 20;

/// What makes output plain and unattended. No `CI`: it changes what tools do, not how they print.
const PLAIN: &[(&str, &str)] = &[
    ("TERM", "dumb"),
    ("NO_COLOR", "1"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("PYTHONUNBUFFERED", "1"),
];

/// Never handed on: marks of other tasks, colours by force, what belongs to the process of the editor or of a shell.
const DROPPED: &[&str] = &[
    "PILLION_TASK",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "CARGO_TERM_COLOR",
    "PY_COLORS",
    "COLORTERM",
    "ELECTRON_RUN_AS_NODE",
    "ELECTRON_NO_ATTACH_CONSOLE",
    "VSCODE_ESM_ENTRYPOINT",
    "VSCODE_HANDLES_UNCAUGHT_ERRORS",
    "VSCODE_NLS_CONFIG",
    "VSCODE_PID",
    "SHLVL",
    "OLDPWD",
    "_",
];

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

    /// The whole environment of a command in `cwd`: the person's own without the names in `withheld` (keys that only
    /// Pillion was given), Pillion's settings, `overrides` on top. Takes microseconds and never waits.
    pub fn for_command(
        &self,
        cwd: &Path,
        overrides: &[(String, String)],
        withheld: &[String],
    ) -> Vec<(String, String)> {
        self.warm();
        let own = self.answer.borrow().clone().unwrap_or_else(|| self.started_with.clone());
        let mut whole: BTreeMap<String, String> = own
            .iter()
            .filter(|(name, _)| !DROPPED.contains(&name.as_str()) && !withheld.contains(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        whole.extend(PLAIN.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        whole.insert("PWD".to_owned(), cwd.display().to_string());
        whole.extend(overrides.iter().cloned());
        whole.into_iter().collect()
    }
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

/// Names that shells carry out themselves.
const BUILTINS: &[&str] = &[
    ":", ".", "alias", "bg", "cd", "declare", "dirs", "disown", "echo", "eval", "exit", "export", "false", "fg",
    "getopts", "hash", "jobs", "kill", "let", "local", "popd", "printf", "pushd", "pwd", "read", "readonly", "return",
    "set", "shift", "shopt", "source", "test", "times", "trap", "true", "type", "ulimit", "umask", "unalias", "unset",
    "wait", "command",
];

/// Why a command ended with 127: which of its programs is missing, and where it was looked for. `None` when all are there
/// (then something that it ran itself is missing). `env` is the command's own environment.
pub fn explain_127(command: &str, env: &[(String, String)]) -> Option<String> {
    let variable = |name: &str| env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let cwd = Path::new(variable("PWD").unwrap_or("/"));
    let path: Vec<&str> = variable("PATH").unwrap_or_default().split(':').filter(|dir| !dir.is_empty()).collect();
    let missing = classify::programs(command).into_iter().find(|program| {
        let known = BUILTINS.contains(&program.as_str()) || program.contains(['$', '*', '~']) || program.is_empty();
        let folders = if program.contains('/') { vec![""] } else { path.clone() };
        !known && !folders.iter().any(|dir| is_program(&cwd.join(dir).join(program)))
    })?;
    if missing.contains('/') {
        return Some(format!("`{missing}` is no program: looked for {}.", cwd.join(&missing).display()));
    }
    let looked =
        if path.is_empty() { "PATH is empty".to_owned() } else { format!("looked in {} (PATH)", path.join(", ")) };
    let nearby = ["node_modules/.bin", ".venv/bin", "venv/bin"].iter().map(|dir| format!("{dir}/{missing}"));
    let nearby = nearby.into_iter().find(|near| is_program(&cwd.join(near)));
    let hint = nearby.map(|near| format!(" It is there as `{near}`.")).unwrap_or_default();
    Some(format!("`{missing}` was not found: {looked}.{hint}"))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
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
        let env =
            environment.for_command(Path::new("/w"), &variables(&[("A", "2"), ("PAGER", "less")]), &["KEY".into()]);
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
    }

    #[tokio::test]
    async fn the_login_shell_is_asked_and_the_own_path_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let shell = shell(dir.path(), "PATH=/login/bin:/usr/bin:/bin; export PATH; export FROM_PROFILE='a\nb'");
        let own = [("SHELL", shell.as_str()), ("PATH", "/venv/bin:/usr/bin:/bin"), ("AGENT", "sock")];
        let environment = Environment::new(variables(&own));
        environment.ready().await;
        let env = environment.for_command(Path::new("/w"), &[], &[]);
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
            let env = environment.for_command(Path::new("/w"), &[], &[]);
            assert_eq!((value(&env, "PATH"), value(&env, "A")), (Some("/usr/bin:/bin"), set), "{profile}");
        }
    }

    #[test]
    fn the_missing_program_is_named_with_the_places() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("node_modules/.bin")).unwrap();
        std::fs::copy("/bin/sh", dir.path().join("node_modules/.bin/jest")).unwrap();
        let env = variables(&[("PATH", "/usr/bin:/bin"), ("PWD", &dir.path().display().to_string())]);
        let here = dir.path().display();
        for (command, expected) in [
            (
                "cd x && nosuchtool --all",
                Some("`nosuchtool` was not found: looked in /usr/bin, /bin (PATH).".to_owned()),
            ),
            (
                "jest",
                Some(
                    "`jest` was not found: looked in /usr/bin, /bin (PATH). It is there as `node_modules/.bin/jest`."
                        .to_owned(),
                ),
            ),
            ("A=1 env ./gone.sh", Some(format!("`./gone.sh` is no program: looked for {here}/./gone.sh."))),
            ("sh -c 'ls' | cat", None),
            ("$TOOL x; echo y", None),
        ] {
            assert_eq!(explain_127(command, &env), expected, "{command}");
        }
        assert_eq!(explain_127("x", &[]).unwrap(), "`x` was not found: PATH is empty.");
    }
}
