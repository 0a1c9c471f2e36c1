//! Makefiles and justfiles: targets whose names say what they are for.

use super::{Package, ProjectCommand};
use crate::task::model::Group::{self, Build, Lint, Test};

/// Files, the program, in the order in which make itself looks.
const FILES: &[(&str, &str)] = &[
    ("GNUmakefile", "make"),
    ("makefile", "make"),
    ("Makefile", "make"),
    ("justfile", "just"),
    ("Justfile", "just"),
    (".justfile", "just"),
];

/// Target names of a group, the usual one first.
const TARGETS: &[(Group, &[&str])] =
    &[(Test, &["test", "tests", "check"]), (Build, &["build", "all", "compile"]), (Lint, &["lint", "clippy"])];

/// The commands of the folder's first file of each program.
pub(super) fn find(package: &Package<'_>) -> Vec<ProjectCommand> {
    let mut found = Vec::new();
    for program in ["make", "just"] {
        let file =
            FILES.iter().filter(|(_, of)| *of == program).find_map(|(file, _)| Some((file, package.read(file)?)));
        let Some((file, text)) = file else { continue };
        let targets = targets(&text);
        for (group, names) in TARGETS {
            if let Some(name) = names.iter().find(|name| targets.iter().any(|target| target == **name)) {
                found.push(package.command(*group, format!("{program} {name}"), format!("{file} target {name:?}")));
            }
        }
    }
    found
}

/// The names before the colon of each rule, `.PHONY` and patterns left out. Recipes of `just` may have parameters.
fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with(['\t', ' ', '#', '@', '.'])) {
        let Some((names, rest)) = line.split_once(':') else { continue };
        if rest.starts_with('=') || names.contains(['=', '$', '%', '"']) && !names.contains(' ') {
            continue;
        }
        targets.extend(names.split_whitespace().map(str::to_owned));
    }
    targets
}
