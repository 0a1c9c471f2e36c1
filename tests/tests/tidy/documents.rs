//! What the documents promise is there.

use crate::source;

/// The documents that a reader starts from.
const DOCUMENTS: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "PROTOCOL.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "editors/nvim/README.md",
    "vscode-extension/README.md",
];

/// How the binary is built, and how everything is checked.
const COMMANDS: [&str; 2] = ["cargo build --release", "cargo xtask check"];

#[test]
fn the_readme_names_the_two_commands() {
    let readme = source::read("README.md");
    let missing = COMMANDS.iter().filter(|command| !readme.contains(**command));
    source::none(&missing.map(|command| format!("README.md does not name `{command}`")).collect::<Vec<_>>());
}

#[test]
fn continuous_integration_runs_the_same_command() {
    assert!(source::read(".ci/run").lines().any(|line| line == "exec cargo xtask check"));
}

#[test]
fn the_changelog_has_a_place_for_the_next_change() {
    let changelog = source::read("CHANGELOG.md");
    assert!(changelog.lines().any(|line| line.starts_with("## [Unreleased]")), "no `## [Unreleased]` in CHANGELOG.md");
}

#[test]
fn links_lead_somewhere() {
    let mut complaints = Vec::new();
    for document in DOCUMENTS {
        let text = source::read(document);
        let folder = source::root().join(document);
        let folder = folder.parent().expect("a document lies in a folder");
        for link in links(&text) {
            let file = link.split('#').next().unwrap_or_default();
            if !link.contains(':') && !file.is_empty() && !folder.join(file).exists() {
                complaints.push(format!("{document}: the link to {link} leads nowhere"));
            }
        }
    }
    source::none(&complaints);
}

/// The targets of `[text](target)`, outside of code blocks.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    let after = prose.flat_map(|prose| prose.split("](").skip(1));
    after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

#[test]
fn links_are_found() {
    assert_eq!(links("[a](b.md#c) ![d](e.svg)\n```\n[no](no)\n```\n[f](https://g)"), ["b.md#c", "e.svg", "https://g"]);
}
