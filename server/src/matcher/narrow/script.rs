//! A runner behind a package manager's script: what it is given goes through the script, as each manager passes it on.
//! Where the runner would not hear it there, behind the files that the script names, the script's own line is run instead.

use std::path::{Path, PathBuf};

use super::{Line, narrowed};
use crate::matcher::Files;
use crate::workspace::roots::normal;

const MANAGERS: [&str; 4] = ["npm", "pnpm", "yarn", "bun"];

/// The script that a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub text: String,
    /// Its package is the folder in which the command runs.
    pub here: bool,
    /// Others run before or behind it.
    pub hooked: bool,
}

/// True for the call of a package manager.
pub(super) fn is_called(line: &Line<'_>) -> bool {
    manager(line).is_some()
}

fn manager(line: &Line<'_>) -> Option<usize> {
    MANAGERS.iter().find_map(|manager| line.position(manager))
}

/// The script of the nearest package.json that a command runs at its end; `None` where that is none, or not known: of
/// several workspaces, for instance. Reads files through `files`.
pub fn script(command: &str, cwd: &Path, root: &Path, files: &dyn Files) -> Option<Script> {
    let line = Line::read(command)?;
    let at = manager(&line)?;
    let mut folder = normal(&line.folders.iter().fold(cwd.to_owned(), |folder, next| folder.join(next)));
    let mut here = true;
    let mut words = line.words[at + 1..].iter().map(|word| word.text.as_str()).take_while(|word| *word != "--");
    let mut named: Vec<&str> = Vec::new();
    while let Some(word) = words.next() {
        let (option, value) = word.split_once('=').map_or((word, None), |(option, value)| (option, Some(value)));
        match option {
            "--prefix" | "-C" | "--dir" | "--cwd" => {
                folder = normal(&folder.join(value.or_else(|| words.next())?));
                here = false;
            }
            "-w" | "--workspace" | "--workspaces" | "-ws" | "-F" | "--filter" | "-r" | "--recursive" | "workspace"
            | "workspaces" => return None,
            _ if word.starts_with('-') => {}
            _ => named.push(word),
        }
    }
    let is_bun = line.words[at].text.rsplit('/').next() == Some("bun");
    let name = match named.as_slice() {
        ["run" | "run-script", name, ..] => name,
        // It is bun's own runner.
        ["test", ..] if is_bun => return None,
        ["t" | "tst", ..] => "test",
        [name, ..] => name,
        [] => return None,
    };
    let package = |folder: &PathBuf| Some((folder.clone(), files.read(&folder.join("package.json"))?));
    let mut above = folder.ancestors().take_while(|above| above.starts_with(root)).map(Path::to_owned);
    let (found, text) = above.find_map(|folder| package(&folder))?;
    let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
    let scripts = manifest.get("scripts")?;
    let hooked = ["pre", "post"].iter().any(|hook| scripts.get(format!("{hook}{name}")).is_some());
    Some(Script { text: scripts.get(name)?.as_str()?.to_owned(), here: here && found == folder, hooked })
}

/// The call of a script for some tests of the runner in it.
pub(super) fn through(line: &Line<'_>, runner: &str, tests: &[&str], script: &Script) -> Option<String> {
    let text = script.text.trim_end();
    let own = narrowed(text, runner, tests, None)?;
    let at = manager(line)?;
    if let Some(words) = own.strip_prefix(text).filter(|words| words.starts_with(' ')) {
        let npm = line.position("npm").is_some() && !line.words.iter().any(|word| word.text == "--");
        return Some(format!("{}{}{words}", line.command, if npm { " --" } else { "" }));
    }
    let plain = line.words[at + 1..].iter().all(|word| !word.text.starts_with('-'));
    (script.here && !script.hooked && plain).then(|| format!("{}{own}", &line.command[..line.words[at].start]))
}
