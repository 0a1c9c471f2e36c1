//! The project's own commands: how this project builds, tests and lints, through what owns its environment (the lock
//! file's package manager, the virtual environment). Reads files, runs nothing.

mod cmake;
mod marker;
mod node;
mod python;
pub mod scripts;
mod targets;
mod tasks_json;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::task::model::Group;

/// One command of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectCommand {
    /// For a list, for instance `cargo test`.
    pub label: String,
    pub command: String,
    /// Absolute.
    pub cwd: PathBuf,
    pub group: Group,
    /// Where it comes from, for instance `Cargo.toml`, `package.json script "test"`, `uv.lock`.
    pub source: String,
    /// The label in `.vscode/tasks.json` where there is more to it than the command: an environment, tasks before it.
    pub task: Option<String>,
}

/// A task of `.vscode/tasks.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defined {
    pub label: String,
    pub group: Group,
    pub is_default: bool,
    /// Not meant to be chosen from a list.
    pub is_hidden: bool,
    /// Or why it cannot be run here, for a person.
    pub run: Result<DefinedRun, String>,
    /// Labels of the tasks that have to succeed before it.
    pub depends_on: Vec<String>,
    pub in_sequence: bool,
}

/// What a defined task runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinedRun {
    /// `:` for one that only runs others.
    pub command: String,
    /// Absolute.
    pub cwd: PathBuf,
    pub env: Vec<(String, String)>,
    /// Its problem matchers that can be read.
    pub matchers: Vec<serde_json::Value>,
    /// What is wrong with those that cannot be used, and what to write, for the person: a line each.
    pub unread: Vec<String>,
}

/// The tasks of the workspace's `.vscode/tasks.json`; `file` is the active one. The error says why the file cannot be
/// read, for a person. Reads one file.
pub fn defined(root: &Path, file: Option<&Path>) -> Result<Vec<Defined>, String> {
    tasks_json::read(&Package { root, dir: root }, file)
}

/// What [`find`] looks for, for the message when it finds nothing.
pub const LOOKED_FOR: &str = "Cargo.toml, package.json, pyproject.toml and other Python files, go.mod, Makefile, \
    justfile, CMakeLists.txt, Maven, Gradle, Mix, .NET and Swift files, .vscode/tasks.json";

/// A project file larger than this is not read.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Finds the commands of the package nearest to `near` (the active file or the workspace's root), the best one of each
/// group first. A group that the nearest package lacks is taken from the packages around it, up to `root`; where there is
/// none at all, from those one folder below `root`. Reads files; takes at most a few milliseconds.
pub fn find(root: &Path, near: &Path) -> Vec<ProjectCommand> {
    let start = if near.is_dir() { near } else { near.parent().unwrap_or(root) };
    let start = if start.starts_with(root) { start } else { root };
    let mut found: Vec<ProjectCommand> = Vec::new();
    for dir in start.ancestors().take_while(|dir| dir.starts_with(root)) {
        let known: Vec<Group> = found.iter().map(|command| command.group).collect();
        found.extend(in_folder(root, dir).into_iter().filter(|command| !known.contains(&command.group)));
    }
    if found.is_empty() {
        found = folders(root).iter().flat_map(|dir| in_folder(root, dir)).collect();
    }
    found
}

/// The commands of one package.
fn in_folder(root: &Path, dir: &Path) -> Vec<ProjectCommand> {
    let package = Package { root, dir };
    let (preferred, others) = tasks_json::find(&package);
    let mut found = preferred;
    found.extend(marker::cargo(&package));
    found.extend(node::find(&package));
    found.extend(python::find(&package));
    found.extend(marker::find(&package));
    found.extend(cmake::find(&package));
    found.extend(targets::find(&package));
    found.extend(others);
    found
}

/// Folders in which a package may be, when the root is none: not hidden, nobody else's.
fn folders(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            !name.starts_with('.')
                && !matches!(&*name, "node_modules" | "target" | "vendor" | "venv" | "build" | "dist")
        })
        .map(|entry| entry.path())
        .take(200)
        .collect();
    folders.sort();
    folders
}

/// A folder that may be a package, in its workspace.
struct Package<'a> {
    root: &'a Path,
    dir: &'a Path,
}

impl Package<'_> {
    fn has(&self, name: &str) -> bool {
        self.dir.join(name).exists()
    }

    /// The text of a file of the package; `None` when there is none, or none that can be read.
    fn read(&self, name: &str) -> Option<String> {
        read(&self.dir.join(name))
    }

    /// The package's folder and those around it up to the workspace's root.
    fn upwards(&self) -> impl Iterator<Item = &Path> {
        self.dir.ancestors().take_while(|dir| dir.starts_with(self.root))
    }

    fn command(&self, group: Group, command: impl Into<String>, source: impl Into<String>) -> ProjectCommand {
        let command = command.into();
        ProjectCommand {
            label: command.clone(),
            command,
            cwd: self.dir.to_owned(),
            group,
            source: source.into(),
            task: None,
        }
    }
}

fn read(path: &Path) -> Option<String> {
    let meta = std::fs::metadata(path).ok()?;
    (meta.is_file() && meta.len() <= LARGEST).then(|| std::fs::read(path).ok())?.map(|bytes| {
        // A broken byte in a project file is no reason to know nothing of it.
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A word as the shell needs it.
fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "_-./:=@%+,".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
