//! `pillion doctor`: what Pillion finds on this machine and in this folder, and what is wrong with it, each with the remedy.
//! Changes nothing and asks no service.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use crate::config::{self, Config};
use crate::provider::registry::Registry;
use crate::store;
use crate::task::model::Stdin;
use crate::workspace::commands::{self, ProjectCommand};
use crate::workspace::editor::lent::{self, Lender};
use crate::workspace::environment::{Environment, KeptBack, Wanted};

/// Says what was found and what is wrong.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// The project's folder.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub cwd: PathBuf,
}

/// Editors by the program that starts them.
const EDITORS: &[(&str, &str)] = &[
    ("code", "VS Code"),
    ("codium", "VSCodium"),
    ("cursor", "Cursor"),
    ("nvim", "Neovim"),
    ("hx", "Helix"),
    ("helix", "Helix"),
    ("emacs", "Emacs"),
    ("zed", "Zed"),
];

/// What was found, a line each.
#[derive(Default)]
struct Findings {
    text: String,
    wrong: usize,
}

impl Findings {
    fn line(&mut self, mark: char, what: &str, text: &str) {
        // Writing into a string does not fail.
        let _ = writeln!(self.text, "{mark} {what:<14} {text}");
    }

    fn good(&mut self, what: &str, text: impl AsRef<str>) {
        self.line('✓', what, text.as_ref());
    }

    /// Neither good nor bad.
    fn note(&mut self, what: &str, text: impl AsRef<str>) {
        self.line('–', what, text.as_ref());
    }

    /// `text` says what is wrong and what to do.
    fn wrong(&mut self, what: &str, text: impl AsRef<str>) {
        self.wrong += 1;
        self.line('✕', what, text.as_ref());
    }
}

/// Runs `pillion doctor`; gives how many things are wrong.
pub async fn run(args: DoctorArgs) -> anyhow::Result<usize> {
    let root = args.cwd.canonicalize().with_context(|| format!("--cwd {}: no such folder", args.cwd.display()))?;
    let config = Config::from_env().with_workspace(&root);
    let environment = Environment::new(config::environment());
    environment.ready().await;
    let kept = KeptBack::from(&config);
    let wanted = Wanted { cwd: &root, command: "", stdin: Stdin::Null, variables: &[] };
    let (variables, _) = environment.for_command(&wanted, &kept);
    let path = variables.iter().find(|(name, _)| name == "PATH").map_or("", |(_, value)| value.as_str());
    let mut found = Findings::default();
    found.note(
        "pillion",
        format!("{} on {} {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH),
    );
    model(&config, &root, &mut found);
    settings(&config, &root, &mut found);
    folders(&config, &root, &mut found);
    project(&root, path, &mut found);
    editors(path, &mut found);
    platform(&mut found);
    let text = match found.wrong {
        0 => "Nothing is wrong.".to_owned(),
        1 => "One thing is wrong: see ✕.".to_owned(),
        wrong => format!("{wrong} things are wrong: see ✕."),
    };
    println!("{}{text}", found.text);
    Ok(found.wrong)
}

fn model(config: &Config, root: &Path, found: &mut Findings) {
    let mut registry = Registry::new(config.model.clone(), root.to_owned(), Arc::new(NoEditor));
    let choice = registry.choice();
    match &choice.why {
        Ok(why) if choice.provider == Some("offline") => found.note("model", why),
        Ok(why) => found.good("model", format!("{}: {why}", choice.model)),
        Err(problem) => return found.wrong("model", problem),
    }
    let window = registry.resolve(&choice.model).ok().and_then(|it| it.provider.context_window(&it.model));
    match window {
        Some(tokens) => found.good("window", format!("{tokens} tokens")),
        None if choice.provider == Some("offline") => {}
        None => found.note("window", "not known before the service is asked"),
    }
}

fn settings(config: &Config, root: &Path, found: &mut Findings) {
    let files = [
        ("settings", config.config_dir.join("config.toml")),
        ("keys", config.keys_file.clone()),
        ("settings", root.join(".pillion/config.toml")),
    ];
    for (what, file) in files {
        if file.is_file() {
            found.good(what, file.display().to_string());
        } else {
            found.note(what, format!("no {}: the defaults hold", file.display()));
        }
    }
    if let Ok(about) = config.keys_file.metadata()
        && about.permissions().mode() & 0o077 != 0
    {
        let file = config.keys_file.display();
        found.wrong("keys", format!("{file} can be read by others. Run `chmod 600 {file}`."));
    }
    for problem in &config.problems {
        found.wrong("settings", problem);
    }
}

fn folders(config: &Config, root: &Path, found: &mut Findings) {
    for (what, folder, remedy) in
        [("state", config.state_dir(), "XDG_STATE_HOME"), ("sockets", config.socket_dir(), "XDG_RUNTIME_DIR")]
    {
        match writable(&folder) {
            Ok(()) => found.good(what, folder.display().to_string()),
            Err(error) => found.wrong(
                what,
                format!(
                    "{} cannot be written ({error}). Make it yours, or set {remedy} to another folder.",
                    folder.display()
                ),
            ),
        }
    }
    let workspace = store::workspace_dir(&config.state_home, root);
    let known = if workspace.is_dir() { "known" } else { "not opened before" };
    found.note("workspace", format!("{}, {known}: {}", root.display(), workspace.display()));
}

/// Whether a folder, or the nearest one above that is there, can be written. Leaves nothing.
fn writable(folder: &Path) -> std::io::Result<()> {
    let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
    let probe = there.join(format!(".pillion-doctor-{}", std::process::id()));
    fs::write(&probe, "")?;
    fs::remove_file(probe)
}

fn project(root: &Path, path: &str, found: &mut Findings) {
    if let Err(problem) = commands::defined(root, None) {
        found.wrong("tasks.json", format!("{problem} Correct the file: its tasks cannot be started by name."));
    }
    let all = commands::find(root, root);
    if all.is_empty() {
        found.note("commands", format!("none of {} is here; commands can be started by name", commands::LOOKED_FOR));
    }
    for command in all {
        let ProjectCommand { command: line, group, source, cwd, .. } = &command;
        let about = format!("{}: `{line}` in {} (from {source})", group.as_str(), cwd.display());
        match missing(line, cwd, path) {
            None => found.good("commands", about),
            Some(program) => found.wrong(
                "commands",
                format!(
                    "{about}: {program} was not found. Install it, or put its folder into PATH of your login shell."
                ),
            ),
        }
    }
}

/// The program of a plain command line that is not there. What only a shell can tell counts as there.
fn missing<'c>(line: &'c str, cwd: &Path, path: &str) -> Option<&'c str> {
    let program = line.split_whitespace().find(|word| !word.contains('='))?;
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.' | '/' | '+');
    if !program.chars().all(is_plain) || matches!(program, "cd" | "." | "source" | "exec") {
        return None;
    }
    let is_there = if program.contains('/') { cwd.join(program).is_file() } else { on_path(program, path).is_some() };
    (!is_there).then_some(program)
}

fn on_path(program: &str, path: &str) -> Option<PathBuf> {
    let runs = |file: &PathBuf| file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0);
    std::env::split_paths(path).map(|folder| folder.join(program)).find(runs)
}

fn editors(path: &str, found: &mut Findings) {
    let mut any = false;
    for (program, name) in EDITORS {
        if let Some(file) = on_path(program, path) {
            found.good("editor", format!("{name} ({})", file.display()));
            any = true;
        }
    }
    if !any {
        found.note("editor", "none is on the PATH; an editor that is started in another way works too");
    }
}

fn platform(found: &mut Findings) {
    if cfg!(target_os = "linux") {
        found.good("processes", "whole process trees are owned; containers, `systemd-run` and `sudo` escape that");
    } else {
        found.note("processes", "this system has no subreaper: what a command detaches may outlive it");
    }
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok();
    if let Some(limit) = limit.and_then(|text| text.trim().parse::<u64>().ok()).filter(|limit| *limit < 8_192) {
        found.wrong(
            "file events",
            format!("only {limit} folders can be watched. Set fs.inotify.max_user_watches to 524288 with sysctl."),
        );
    }
}

/// No editor is there to lend models.
struct NoEditor;

impl Lender for NoEditor {
    fn lends(&self) -> bool {
        false
    }

    fn offered(&self) -> Vec<lent::Model> {
        Vec::new()
    }

    fn complete(
        &self,
        _: lent::Request,
        _: mpsc::UnboundedSender<lent::Piece>,
    ) -> BoxFuture<'static, Result<lent::End, lent::Failure>> {
        Box::pin(std::future::pending())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let tool = folder.path().join("tool");
        fs::write(&tool, "")?;
        let path = folder.path().display().to_string();
        assert_eq!(missing("tool --all", folder.path(), &path), Some("tool"), "it cannot be run yet");
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755))?;
        for (line, expected) in [
            ("tool --all", None),
            ("CI=1 tool", None),
            ("./tool", None),
            ("bin/tool", Some("bin/tool")),
            ("other run", Some("other")),
            ("$(which tool)", None),
            ("cd api && other", None),
        ] {
            assert_eq!(missing(line, folder.path(), &path), expected, "{line}");
        }
        Ok(())
    }

    #[test]
    fn a_folder_that_is_to_be_made_counts_by_the_one_above() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        writable(&folder.path().join("a/b"))?;
        assert_eq!(fs::read_dir(folder.path())?.count(), 0);
        Ok(())
    }
}
