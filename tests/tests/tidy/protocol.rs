//! `PROTOCOL.md` is the contract: its methods are the server's and the editors', and every example in it can be parsed. A
//! test in the server reads the same examples into the wire types.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::source;

const CONTRACT: &str = "PROTOCOL.md";
const SERVER: &str = "server/src/protocol/mod.rs";
/// The editors' mirrors of the names.
const MIRRORS: [&str; 2] = ["editors/nvim/lua/pillion/protocol.lua", "vscode-extension/src/protocol.ts"];
/// The part of the contract that no code has yet.
const LATER: &str = "## Not yet served";

/// Methods have two words behind `pillion/`: `pillion/task/start`. Paths and globs are none.
fn methods(text: &str) -> BTreeSet<&str> {
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let part = |c: char| c.is_alphanumeric() || "_-./*$".contains(c);
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("pillion/") {
        let end = text[at..].find(|c| !part(c)).map_or(text.len(), |length| at + length);
        let name = text[at..end].trim_end_matches('.');
        let words: Vec<&str> = name.split('/').collect();
        if !text[..at].ends_with(part) && words.len() == 3 && words[1..].iter().all(|one| word(one)) {
            found.insert(name);
        }
    }
    found
}

/// The contract without the part that is not served yet.
fn served(contract: &str) -> String {
    let (before, rest) = contract.split_once(LATER).unwrap_or_else(|| panic!("{CONTRACT} has no `{LATER}`"));
    let after = rest.find("\n## ").map_or("", |at| &rest[at..]);
    format!("{before}{after}")
}

#[test]
fn contract_server_and_mirrors_name_the_same_methods() {
    let contract = source::read(CONTRACT);
    let (now, server) = (served(&contract), source::read(SERVER));
    let (now, server) = (methods(&now), methods(&server));
    assert!(!now.is_empty());
    let mut complaints = Vec::new();
    let mut missing = |file: &str, names: &BTreeSet<&str>, from: &BTreeSet<&str>| {
        complaints.extend(names.difference(from).map(|method| format!("{file} does not name {method}")));
    };
    missing(SERVER, &now, &server);
    missing(CONTRACT, &server, &now);
    for file in MIRRORS {
        let mirror = source::read(file);
        let mirror = methods(&mirror);
        missing(file, &now, &mirror);
        // An editor may know what comes later: it asks, and an older server says no.
        missing(CONTRACT, &mirror, &methods(&contract));
    }
    source::none(&complaints);
}

#[test]
fn what_comes_later_is_not_served() {
    let contract = source::read(CONTRACT);
    let now = served(&contract);
    let both: Vec<String> = methods(&contract)
        .difference(&methods(&now))
        .filter(|method| methods(&source::read(SERVER)).contains(**method))
        .map(|method| format!("{method} is served: it has left `{LATER}`"))
        .collect();
    source::none(&both);
}

/// One example of the contract.
struct Example {
    /// A method, or an object's name.
    name: String,
    /// `params`, `result` or `object`.
    kind: String,
    /// Line of the fence, 1-based.
    line: usize,
    json: String,
}

/// The examples: a ```json block right below a line like `` `pillion/task/get` params: `` or `` `Task` object: ``. A remark
/// may follow the kind (`` `pillion/session/update` params, a piece of text: ``). `Err` names what is not like that.
fn examples(contract: &str) -> Result<Vec<Example>, String> {
    let mut examples = Vec::new();
    let lines: Vec<&str> = contract.lines().collect();
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| **line == "```json") {
        let heading = lines[..at].last().copied().unwrap_or_default();
        let wrong = || format!("{CONTRACT}:{}: {heading:?} does not say what the example is", at + 1);
        let (name, rest) = heading.strip_prefix('`').and_then(|rest| rest.split_once('`')).ok_or_else(wrong)?;
        let rest = rest.strip_suffix(':').ok_or_else(wrong)?;
        let kind = rest.split(',').next().unwrap_or_default().trim();
        if !["params", "result", "object"].contains(&kind) {
            return Err(wrong());
        }
        let body = lines[at + 1..].iter().take_while(|line| **line != "```").copied().collect::<Vec<_>>().join("\n");
        examples.push(Example { name: name.to_owned(), kind: kind.to_owned(), line: at + 1, json: body });
    }
    Ok(examples)
}

#[test]
fn every_example_is_json() {
    let mut complaints = Vec::new();
    let examples = examples(&source::read(CONTRACT)).unwrap_or_else(|error| panic!("{error}"));
    assert!(!examples.is_empty());
    for example in &examples {
        let at = format!("{CONTRACT}:{} ({} {})", example.line, example.name, example.kind);
        match serde_json::from_str::<Value>(&example.json) {
            // Every message of Pillion is an object, so that fields can be added.
            Ok(Value::Object(_)) => {}
            Ok(_) => complaints.push(format!("{at}: not an object")),
            Err(error) => complaints.push(format!("{at}: {error}")),
        }
    }
    source::none(&complaints);
}

#[test]
fn every_served_method_has_an_example() {
    let contract = source::read(CONTRACT);
    let examples = examples(&contract).unwrap_or_else(|error| panic!("{error}"));
    let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for example in &examples {
        kinds.entry(&example.name).or_default().insert(&example.kind);
    }
    let now = served(&contract);
    let served = methods(&now);
    let mut complaints = Vec::new();
    for method in &served {
        if !kinds.get(method).is_some_and(|kinds| kinds.contains("params")) {
            complaints.push(format!("{CONTRACT}: {method} has no example of its params"));
        }
    }
    for name in kinds.keys().filter(|name| name.starts_with("pillion/") && !served.contains(**name)) {
        complaints.push(format!("{CONTRACT}: the example of {name} is of no served method"));
    }
    source::none(&complaints);
}

#[test]
fn methods_and_examples_are_found() {
    let text = "`pillion/task/start`, pillion/session/set_mode. `pillion/*` $XDG/pillion/log/x lua/pillion/chat.lua `pillion/log/` \"pillion/a/b/c\"";
    assert_eq!(methods(text).into_iter().collect::<Vec<_>>(), ["pillion/session/set_mode", "pillion/task/start"]);
    assert_eq!(served("a\n## Not yet served\nb\n## c\n"), "a\n\n## c\n");
    let good = "`x/y` params, some words:\n```json\n{}\n```\n";
    assert!(examples(good).is_ok_and(|found| found.len() == 1 && found[0].name == "x/y" && found[0].json == "{}"));
    assert!(examples("some words\n```json\n{}\n```\n").is_err());
}
