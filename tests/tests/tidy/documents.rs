//! What the documents promise is there.

use std::collections::BTreeSet;

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
const COMMANDS: [&str; 2] = ["cargo run --release -- demo", "cargo xtask check"];

#[test]
fn the_readme_names_the_two_commands() {
    let readme = source::read("README.md");
    let missing = COMMANDS.iter().filter(|command| !readme.contains(**command));
    source::none(&missing.map(|command| format!("README.md does not name `{command}`")).collect::<Vec<_>>());
}

/// The settings are a table in the code (`name: "model.provider",`) and a table in the README.
#[test]
fn the_readme_tells_every_setting() {
    let readme = source::read("README.md");
    let told: BTreeSet<&str> =
        readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name).collect();
    let config = source::files().into_iter().filter(|file| file.path.starts_with("server/src/config"));
    let names = |text: &str| -> Vec<String> {
        let fields = text.lines().filter_map(|line| line.trim().strip_prefix("name: \"")?.strip_suffix("\","));
        fields.map(str::to_owned).collect()
    };
    let known: Vec<String> = config.flat_map(|file| names(&file.text)).collect();
    assert!(!known.is_empty(), "no settings found in server/src/config");
    let mut complaints: Vec<String> = known
        .iter()
        .filter(|name| !told.contains(name.as_str()))
        .map(|name| format!("README.md does not tell `{name}`"))
        .collect();
    let sections: BTreeSet<&str> = known.iter().filter_map(|name| name.split('.').next()).collect();
    let unknown = told.iter().filter(|name| {
        name.split_once('.').is_some_and(|(section, _)| sections.contains(section))
            && !known.iter().any(|key| key == *name)
    });
    complaints.extend(unknown.map(|name| format!("README.md tells `{name}`, which is no setting")));
    source::none(&complaints);
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
