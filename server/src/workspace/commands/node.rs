//! `package.json`: its scripts, through the package manager that owns the lock file; Node's own test runner where there
//! are test files and no script.

use std::path::Path;

use serde_json::Value;

use super::{Package, ProjectCommand};
use crate::task::model::Group::{self, Build, Lint, Test};

/// Lock file, package manager. The first that is there counts.
const LOCKS: &[(&str, &str)] = &[
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
];

/// Scripts that serve a group, the usual name first.
const SCRIPTS: &[(Group, &[&str])] = &[
    (Test, &["test", "tests", "test:unit", "unit"]),
    (Build, &["build", "compile", "bundle"]),
    (Lint, &["lint", "eslint", "check", "typecheck"]),
];

/// Folders and files looked at for tests, at most.
const MOST_ENTRIES: usize = 2_000;

/// The commands of a Node project.
pub(super) fn find(package: &Package<'_>) -> Vec<ProjectCommand> {
    let Some(text) = package.read("package.json") else { return Vec::new() };
    let manifest: Value = serde_json::from_str(&text).unwrap_or_default();
    let (manager, lock) = manager(package, &manifest);
    let mut found = Vec::new();
    for (group, names) in SCRIPTS {
        let script = |name: &&&str| manifest["scripts"][**name].as_str().is_some_and(|script| !is_placeholder(script));
        if let Some(name) = names.iter().find(script) {
            let lock = lock.as_ref().map(|lock| format!(" ({lock})")).unwrap_or_default();
            found.push(package.command(*group, run(manager, name), format!("package.json script {name:?}{lock}")));
        } else if *group == Test && has_tests(package.dir) {
            let command = if manager == "bun" { "bun test" } else { "node --test" };
            found.push(package.command(Test, command, "test files beside package.json"));
        } else if *group == Lint {
            found.extend(linter(package, &manifest, manager));
        }
    }
    found
}

/// The package manager of the nearest folder that names one, and what named it.
fn manager(package: &Package<'_>, manifest: &Value) -> (&'static str, Option<String>) {
    for dir in package.upwards() {
        let outer = if dir == package.dir {
            manifest["packageManager"].clone()
        } else {
            let text = super::read(&dir.join("package.json")).unwrap_or_default();
            serde_json::from_str::<Value>(&text).unwrap_or_default()["packageManager"].clone()
        };
        let name = outer.as_str().and_then(|text| text.split('@').next()).unwrap_or_default();
        if let Some((_, manager)) = LOCKS.iter().find(|(_, manager)| *manager == name) {
            return (manager, Some("packageManager".to_owned()));
        }
        if let Some((lock, manager)) = LOCKS.iter().find(|(lock, _)| dir.join(lock).is_file()) {
            return (manager, Some((*lock).to_owned()));
        }
    }
    ("npm", None)
}

fn run(manager: &str, script: &str) -> String {
    match (manager, script) {
        // `bun test` is Bun's own runner, not the script.
        ("npm" | "pnpm" | "yarn", "test") => format!("{manager} test"),
        _ => format!("{manager} run {script}"),
    }
}

/// What `npm init` writes.
fn is_placeholder(script: &str) -> bool {
    script.contains("no test specified")
}

fn linter(package: &Package<'_>, manifest: &Value, manager: &str) -> Option<ProjectCommand> {
    let has =
        |name: &str| ["devDependencies", "dependencies"].iter().any(|section| manifest[*section].get(name).is_some());
    let exec = match manager {
        "pnpm" => "pnpm exec",
        "yarn" => "yarn",
        "bun" => "bunx",
        _ => "npx",
    };
    if has("eslint") {
        return Some(package.command(Lint, format!("{exec} eslint ."), "package.json devDependencies eslint"));
    }
    let typed = has("typescript") && package.has("tsconfig.json");
    typed.then(|| package.command(Lint, format!("{exec} tsc --noEmit"), "tsconfig.json"))
}

/// True when a file is there that `node --test` would run.
fn has_tests(dir: &Path) -> bool {
    let walk = ignore::WalkBuilder::new(dir)
        .max_depth(Some(4))
        .filter_entry(|entry| entry.file_name() != "node_modules")
        .build();
    walk.flatten().take(MOST_ENTRIES).any(|entry| {
        let Some((stem, extension)) = entry.file_name().to_str().and_then(|name| name.rsplit_once('.')) else {
            return false;
        };
        let below = entry.path().strip_prefix(dir).unwrap_or(entry.path());
        matches!(extension, "js" | "mjs" | "cjs")
            && (stem == "test"
                || stem.starts_with("test-")
                || [".test", "-test", "_test"].iter().any(|end| stem.ends_with(end))
                || below.parent().is_some_and(|parent| parent.components().any(|part| part.as_os_str() == "test")))
    })
}
