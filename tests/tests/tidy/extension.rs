//! The VS Code extension against the server: its mirror of the wire types, and the settings in its manifest.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::source;

const MANIFEST: &str = "vscode-extension/package.json";
const MIRROR: &str = "vscode-extension/src/protocol/";
const SERVER: &str = "server/src/protocol/";
const KEYS: &str = "server/src/config/keys.rs";

/// Settings that are the extension's own, and why the server does not know them.
const OWN: [(&str, &str); 5] = [
    ("server.path", "it is known before there is a server"),
    ("codeLens.tests", "the editor shows them"),
    ("diagnostics.show", "the editor shows them"),
    ("notifications.afterSeconds", "the editor knows who looks at it"),
    ("trace.server", "the trace is of the client"),
];

/// What a repository might set to harm whoever opens it: the machine's settings alone decide these.
const MACHINE: [&str; 6] = ["server.", "model.", "permissions.", "budget.", "agents.", "trace."];

fn words<'a>(text: &'a str, before: &str, after: char) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).filter_map(move |rest| rest.split_once(after)).map(|(word, _)| word)
}

/// `read_file` is `readFile`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_uppercase() + tail
    })
}

/// `ToolCallUpdate` is `tool_call_update`.
fn snake(name: &str) -> String {
    name.char_indices().fold(String::new(), |word, (at, letter)| {
        let gap = if at > 0 && letter.is_uppercase() { "_" } else { "" };
        word + gap + &letter.to_lowercase().to_string()
    })
}

/// The body of every block that opens with a line `START Name … {` and closes with `}` at the margin.
fn blocks<'a>(text: &'a str, start: &str) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut found = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(rest) = line.strip_prefix(start).filter(|_| line.ends_with('{')) else { continue };
        let name = rest.split([' ', '<', '{']).next().unwrap_or_default();
        found.insert(name, lines.by_ref().take_while(|line| *line != "}").collect());
    }
    found
}

fn texts(folder: &str, extension: &str) -> String {
    let files = source::files().into_iter();
    let wanted = files.filter(|file| file.path.starts_with(folder) && file.extension() == extension);
    wanted.map(|file| file.text).collect::<Vec<_>>().join("\n")
}

/// The structs of the wire, with the names that their fields have there. A flattened struct is part of the one around it.
fn structs(rust: &str) -> BTreeMap<&str, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for (name, body) in blocks(rust, "pub struct ") {
        let mut fields = BTreeSet::new();
        let mut renamed = None;
        for line in body.into_iter().map(str::trim) {
            if let Some(name) = words(line, "rename = \"", '"').next() {
                renamed = Some(name.to_owned());
            }
            if line.starts_with("#[serde(flatten") {
                renamed = Some(String::new());
            }
            if let Some((field, _)) = line.strip_prefix("pub ").and_then(|rest| rest.split_once(':')) {
                fields.insert(renamed.take().unwrap_or_else(|| camel(field)));
            }
        }
        fields.remove("");
        found.insert(name, fields);
    }
    found
}

/// The interfaces of the mirror, with their own fields.
fn interfaces(typescript: &str) -> BTreeMap<&str, BTreeSet<String>> {
    let field = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let name = |line: &str| line.trim().split_once(':').map(|(name, _)| name.trim_end_matches('?').to_owned());
    let plain = |name: &String| name.chars().all(char::is_alphanumeric);
    blocks(typescript, "export interface ")
        .into_iter()
        .map(|(interface, body)| (interface, body.into_iter().filter(field).filter_map(name).filter(plain).collect()))
        .collect()
}

/// Types of the same name have the same fields. Those that inherit are looked at by the compiler, over the examples.
#[test]
fn the_mirror_has_the_fields_of_the_wire() {
    let (rust, typescript) = (texts(SERVER, "rs"), texts(MIRROR, "ts"));
    let inherits = |name: &str| typescript.contains(&format!("export interface {name} extends "));
    let (server, mirror) = (structs(&rust), interfaces(&typescript));
    // What the server refuses as not served yet.
    let later =
        |name: &str, field: &str| [("StartTaskParams", "matchers"), ("RerunParams", "only")].contains(&(name, field));
    let mut complaints = Vec::new();
    let mut compared = 0;
    for (name, fields) in &server {
        let Some(mirrored) = mirror.get(name).filter(|_| !inherits(name)) else { continue };
        compared += 1;
        let missing = fields.difference(mirrored).filter(|field| !later(name, field));
        complaints.extend(missing.map(|field| format!("{MIRROR}: `{name}` has no `{field}`")));
        complaints.extend(mirrored.difference(fields).map(|field| format!("{SERVER}: `{name}` has no `{field}`")));
    }
    assert!(compared > 40, "only {compared} types of the same name were found");
    source::none(&complaints);
}

#[test]
fn the_mirror_knows_every_update() {
    let rust = source::read("server/src/protocol/update.rs");
    let typescript = source::read("vscode-extension/src/protocol/update.ts");
    let variants: BTreeSet<String> = blocks(&rust, "pub enum ")["Update"]
        .iter()
        .filter(|line| line.starts_with("    ") && line.trim_start().starts_with(char::is_uppercase))
        .filter(|line| !line.starts_with("     "))
        .map(|line| {
            snake(line.trim().trim_end_matches(|last: char| !last.is_alphanumeric()).split('(').next().unwrap_or(""))
        })
        .collect();
    let told: BTreeSet<String> = words(&typescript, "sessionUpdate: \"", '"').map(str::to_owned).collect();
    assert!(variants.len() > 15, "{variants:?}");
    assert_eq!(told, variants);
}

/// Every setting that an editor may set is in the manifest, in the server's words; what could harm is the machine's.
#[test]
fn the_manifest_has_the_servers_settings() {
    let manifest: Value = serde_json::from_str(&source::read(MANIFEST)).expect("the manifest is JSON");
    let declared = manifest["contributes"]["configuration"]["properties"].as_object().expect("settings");
    let keys = source::read(KEYS);
    let mut complaints = Vec::new();
    let mut known: BTreeSet<String> = OWN.iter().map(|(name, _)| (*name).to_owned()).collect();
    for key in keys.split("    Key {").skip(1) {
        let name = words(key, "name: \"", '"').next().expect("a name");
        if !key.contains("editor: true") {
            continue;
        }
        known.insert(name.to_owned());
        let Some(setting) = declared.get(&format!("pillion.{name}")) else {
            complaints.push(format!("{MANIFEST} has no `pillion.{name}`"));
            continue;
        };
        let literal = |field: &str| {
            let rest = key.split_once(&format!("{field}: \"")).expect("a field").1;
            let end = rest.match_indices('"').find(|(at, _)| !rest[..*at].ends_with('\\')).expect("an end").0;
            let joined = rest[..end].split("\\\n").map(str::trim_start).collect::<String>();
            joined.replace("\\\"", "\"")
        };
        if setting["markdownDescription"] != literal("doc") {
            complaints.push(format!("{MANIFEST}: `pillion.{name}` is described in other words than {KEYS}"));
        }
        if setting["default"].to_string().replace(' ', "") != literal("default").replace(' ', "") {
            complaints.push(format!("{MANIFEST}: `pillion.{name}` has another default than {KEYS}"));
        }
    }
    for (name, setting) in declared {
        let name = name.strip_prefix("pillion.").unwrap_or(name);
        if !known.contains(name) {
            complaints
                .push(format!("{MANIFEST}: `{name}` is no setting of the server; name the extension's own in OWN"));
        }
        if MACHINE.iter().any(|section| name.starts_with(section)) && setting["scope"] != "machine" {
            complaints.push(format!("{MANIFEST}: `{name}` must have the scope `machine`"));
        }
    }
    source::none(&complaints);
}

#[test]
fn types_and_names_are_found() {
    let rust = "pub struct A {\n    /// x\n    pub session_id: String,\n    #[serde(rename = \"move\")]\n    pub moves: bool,\n}\n";
    assert_eq!(structs(rust)["A"], BTreeSet::from(["sessionId".to_owned(), "move".to_owned()]));
    let typescript = "export interface A {\n  sessionId: string;\n  /** x: y */\n  move?: boolean;\n}\n";
    assert_eq!(interfaces(typescript)["A"], BTreeSet::from(["sessionId".to_owned(), "move".to_owned()]));
    assert_eq!(snake("ToolCallUpdate"), "tool_call_update");
}
