//! What the project's own commands run: the text of the scripts that its files hold, for a person who is asked, and all
//! that such a script may reach, so that a change is seen. Reads files, runs nothing.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{find, read};
use crate::agent::approval::Own;
use crate::task::model::Group;

/// The most bytes of what a script may reach: beyond that it is asked about each time.
const LARGEST: usize = 64 * 1024;
/// The most scripts of a file.
const MOST: usize = 100;
/// The most characters of a script that a person is shown.
const SHOWN: usize = 300;

/// The commands of the package nearest to `near`: its test, build and lint commands, which are offered together, and
/// every script of `package.json`, Makefile and justfile by all the names that it can be started by.
pub fn own(root: &Path, near: &Path) -> Vec<Own> {
    let mut scripts = Vec::new();
    if let Some(dir) = above(root, near, &["package.json"]) {
        scripts.extend(node(&dir));
    }
    for (program, files) in
        [("make", &["GNUmakefile", "makefile", "Makefile"][..]), ("just", &["justfile", "Justfile", ".justfile"])]
    {
        if let Some(dir) = above(root, near, files) {
            scripts.extend(targets(program, files, &dir));
        }
    }
    let mut own: Vec<Own> = Vec::new();
    for group in [Group::Test, Group::Build, Group::Lint] {
        // What needs more than the command (an environment, tasks before it) is not what a model would type.
        let first = find(root, near).into_iter().find(|command| command.group == group && command.task.is_none());
        let Some(command) = first.filter(|command| command.cwd == near && !command.source.contains("tasks.json"))
        else {
            continue;
        };
        let script = scripts.iter().find(|script| script.command == command.command);
        let is_bound = script.is_none_or(|script| script.fingerprint.is_some());
        let script = script.cloned().unwrap_or(Own {
            command: command.command,
            script: None,
            fingerprint: None,
            is_offered: true,
        });
        own.extend(is_bound.then_some(Own { is_offered: true, ..script }));
    }
    scripts.retain(|script| own.iter().all(|offered| offered.command != script.command));
    own.extend(scripts);
    own
}

/// The nearest folder from `near` up to `root` that holds one of these files.
fn above(root: &Path, near: &Path, files: &[&str]) -> Option<std::path::PathBuf> {
    let within = near.ancestors().take_while(|dir| dir.starts_with(root));
    within.into_iter().find(|dir| files.iter().any(|file| dir.join(file).is_file())).map(Path::to_owned)
}

fn shown(text: &str) -> String {
    let short: String = text.trim().chars().take(SHOWN).collect();
    if short.len() < text.trim().len() { format!("{short} …") } else { short }
}

fn bound(reach: String) -> Option<String> {
    (reach.len() <= LARGEST).then_some(reach)
}

/// Every script, with those that run before and after it, and those whose names stand in them.
fn node(dir: &Path) -> Vec<Own> {
    let manifest: Value =
        read(&dir.join("package.json")).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let Some(scripts) = manifest["scripts"].as_object() else { return Vec::new() };
    let scripts: BTreeMap<&str, &str> =
        scripts.iter().filter_map(|(name, script)| Some((name.as_str(), script.as_str()?))).take(MOST).collect();
    let mut own = Vec::new();
    for name in scripts.keys() {
        let around = [format!("pre{name}"), (*name).to_owned(), format!("post{name}")];
        let of = around.iter().filter_map(|name| scripts.get(name.as_str())).copied().collect::<Vec<_>>().join(" && ");
        let fingerprint = bound(reached(&scripts, name));
        let runs = ["npm run", "pnpm run", "yarn run", "bun run", "pnpm", "yarn"].map(|run| format!("{run} {name}"));
        let short = matches!(*name, "test" | "start" | "stop" | "restart").then(|| format!("npm {name}"));
        let test = (*name == "test").then(|| "npm t".to_owned());
        own.extend(runs.into_iter().chain(short).chain(test).map(|command| Own {
            command,
            script: Some(shown(&of)),
            fingerprint: fingerprint.clone(),
            is_offered: false,
        }));
    }
    own
}

/// The texts of a script and of all that it names, directly or not.
fn reached(scripts: &BTreeMap<&str, &str>, name: &str) -> String {
    let mut names = vec![name.to_owned()];
    let mut at = 0;
    while let Some(name) = names.get(at).cloned() {
        at += 1;
        let mut next = vec![format!("pre{name}"), format!("post{name}")];
        let text = scripts.get(name.as_str()).copied().unwrap_or_default();
        let word = |char: char| char.is_alphanumeric() || matches!(char, ':' | '-' | '_' | '.' | '/' | '@');
        next.extend(text.split(|char| !word(char)).map(str::to_owned));
        // `run-p "build:*"` and `--workspaces` reach what is not named.
        if text.contains('*') {
            next.extend(scripts.keys().map(|name| (*name).to_owned()));
        }
        next.retain(|next| scripts.contains_key(next.as_str()) && !names.contains(next));
        next.dedup();
        names.extend(next);
    }
    names.iter().filter_map(|name| Some(format!("{name}: {}\n", scripts.get(name.as_str())?))).collect()
}

/// Targets of a Makefile or recipes of a justfile. A variable or a target anywhere in the file may change what one runs, so
/// the whole file is what it reaches.
fn targets(program: &str, files: &[&str], dir: &Path) -> Vec<Own> {
    let Some(text) = files.iter().find_map(|file| read(&dir.join(file))) else { return Vec::new() };
    let lines: Vec<&str> = text.lines().collect();
    let mut own: Vec<Own> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((names, rest)) = line.split_once(':') else { continue };
        if line.starts_with(['\t', ' ', '#', '@', '.']) || rest.starts_with('=') || names.contains(['=', '$', '%', '"'])
        {
            continue;
        }
        let recipe: Vec<&str> = lines[at + 1..]
            .iter()
            .take_while(|line| line.starts_with(['\t', ' ']) || line.is_empty())
            .map(|line| line.trim())
            .filter(|line| !line.is_empty())
            .collect();
        let needs = rest.split('#').next().unwrap_or_default().trim();
        let needs = if needs.is_empty() || recipe.is_empty() { needs.to_owned() } else { format!("({needs}) ") };
        // `just` may have parameters after the name.
        let names = names.split_whitespace().take(if program == "just" { 1 } else { 10 });
        for name in names {
            if own.len() >= MOST {
                return own;
            }
            own.push(Own {
                command: format!("{program} {name}"),
                script: Some(shown(&format!("{needs}{}", recipe.join("; ")))),
                fingerprint: bound(text.clone()),
                is_offered: false,
            });
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            std::fs::write(dir.path().join(path), text).expect("written");
        }
        dir
    }

    fn find<'a>(own: &'a [Own], command: &str) -> &'a Own {
        own.iter().find(|one| one.command == command).unwrap_or_else(|| panic!("{command} among {own:?}"))
    }

    #[test]
    fn a_script_reaches_what_it_names_and_what_runs_around_it() {
        let manifest = |lint: &str, other: &str| {
            format!(
                r#"{{"scripts":{{"test":"jest && npm run lint","pretest":"tsc","lint":"{lint}","deploy":"{other}"}}}}"#
            )
        };
        let of = |text: &str| {
            let dir = project(&[("package.json", text)]);
            own(dir.path(), dir.path())
        };
        let (first, lint, other) =
            (of(&manifest("eslint .", "a")), of(&manifest("curl x", "a")), of(&manifest("eslint .", "b")));
        let test = |own: &[Own]| find(own, "npm test").fingerprint.clone();
        assert_eq!(find(&first, "npm test").script.as_deref(), Some("tsc && jest && npm run lint"));
        assert!(find(&first, "npm test").is_offered);
        assert_ne!(test(&first), test(&lint), "it runs lint");
        assert_eq!(test(&first), test(&other), "it does not deploy");
        assert!(!find(&first, "yarn deploy").is_offered);
    }

    #[test]
    fn a_target_reaches_its_whole_file() {
        let dir =
            project(&[("Makefile", "CMD = pytest\n.PHONY: test\ntest: build\n\t$(CMD) -q\n\nbuild:\n\tcc x.c\n")]);
        let own = own(dir.path(), dir.path());
        assert_eq!(find(&own, "make test").script.as_deref(), Some("(build) $(CMD) -q"));
        assert!(find(&own, "make test").fingerprint.as_deref().is_some_and(|text| text.contains("CMD = pytest")));
        assert!(find(&own, "make build").is_offered);
    }

    #[test]
    fn a_program_that_is_itself_is_bound_to_nothing() {
        let dir = project(&[("Cargo.toml", "")]);
        let own = own(dir.path(), dir.path());
        let commands: Vec<&str> = own.iter().map(|one| one.command.as_str()).collect();
        assert_eq!(commands, ["cargo test", "cargo build", "cargo clippy"]);
        assert!(own.iter().all(|one| one.fingerprint.is_none() && one.is_offered));
    }
}
