//! Arrows point down only. Every module of the server has a layer; what it names with `crate::…`, or with a `use super::…`
//! at the top of the file, lies in its own layer or below.

use std::collections::BTreeSet;

use crate::source::{self, File};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// Ids and plain words.
    Words,
    /// Decides, and does nothing: no runtime, no file, no process, no socket.
    Pure,
    /// A folder's own face (`mod.rs`): traits and types that others may name. May name a runtime in a signature.
    Port,
    Actors,
    Owner,
    Edge,
}

use Layer::{Actors, Edge, Owner, Port, Pure, Words};

impl Layer {
    fn height(self) -> u8 {
        match self {
            Words => 0,
            Pure | Port => 1,
            Actors => 2,
            Owner => 3,
            Edge => 4,
        }
    }
}

/// Module and layer; the longest entry that fits wins. `name` covers the module and what is below it, `name/` only what is
/// below it.
const LAYERS: &[(&str, Layer)] = &[
    ("ids", Words),
    ("line_diff", Words),
    ("problem", Words),
    ("task/model", Words),
    ("task/run", Words),
    ("agent", Pure),
    ("config", Pure),
    ("diagnostics", Pure),
    ("matcher", Pure),
    ("provider/names", Pure),
    ("provider/sse", Pure),
    // Events in, effects out: the state machine and the words of both.
    ("session", Pure),
    ("task/address", Pure),
    ("task/listen", Pure),
    ("task/output", Pure),
    ("task/question", Pure),
    ("task/ready", Pure),
    ("task/screen", Pure),
    ("tool/input", Pure),
    ("workspace/classify", Pure),
    ("workspace/documents", Pure),
    ("workspace/editor", Pure),
    // A stream of pieces in a trait's signature.
    ("workspace/editor/lent", Port),
    // One function that reads the clock; who is pure is given the time.
    ("clock", Port),
    // A request, an answer, its events and errors: what a turn is made of.
    ("provider", Port),
    ("task", Port),
    // What a file tool is given and what it came to.
    ("tool", Port),
    ("workspace", Port),
    // `absolute` is for everybody; the rest asks the disk where links lead.
    ("workspace/roots", Port),
    // A command of the project, which the client is told; the finders lie below.
    ("workspace/commands", Port),
    ("provider/", Actors),
    ("store", Actors),
    ("task/", Actors),
    ("tool/", Actors),
    ("workspace/", Actors),
    ("workspace/commands/", Actors),
    ("session/housekeeping", Owner),
    ("session/inbox", Owner),
    ("session/owner", Owner),
    ("session/perform", Owner),
    ("session/storage", Owner),
    ("cli", Edge),
    ("control", Edge),
    ("lsp", Edge),
    ("main", Edge),
    ("protocol", Edge),
];

/// Arrows that the layers would allow and the design does not.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("matcher", "task", "matchers know no task"),
    ("matcher", "session", "matchers know no session"),
    ("lsp", "provider", "the edge knows no provider"),
    ("protocol", "provider", "the edge knows no provider"),
];

/// What pure code does not name.
const EFFECTS: [&str; 5] = ["tokio", "std::fs", "std::process", "std::net", "thread::spawn"];

/// Pure modules that name one of these all the same, and why.
const EFFECTS_ALLOWED: &[(&str, &str, &str)] =
    &[("config", "std::fs", "it reads the settings and writes the file of the keys")];

fn covers(entry: &str, module: &str) -> bool {
    match entry.strip_suffix('/') {
        Some(folder) => module.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')),
        None => module == entry || module.strip_prefix(entry).is_some_and(|rest| rest.starts_with('/')),
    }
}

fn layer(module: &str) -> Option<Layer> {
    let fitting = LAYERS.iter().filter(|(entry, _)| covers(entry, module));
    fitting.max_by_key(|(entry, _)| entry.len()).map(|(_, layer)| *layer)
}

/// `task/shim` for `server/src/task/shim.rs` and for `server/src/task/shim/mod.rs`; `None` for other files and for `lib.rs`.
fn module(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("server/src/")?.strip_suffix(".rs")?;
    let module = inside.strip_suffix("/mod").unwrap_or(inside);
    (module != "lib").then_some(module)
}

fn server() -> Vec<(String, File)> {
    let named = |file: File| module(&file.path).map(str::to_owned).map(|module| (module, file));
    // Tests in files of their own may reach wherever they like.
    source::files().into_iter().filter(|file| !file.is_tests()).filter_map(named).collect()
}

/// The paths behind `crate::` and `super::` in code, as `a/b/Item`.
fn named_paths(module: &str, code: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        if source::stands_alone(code, at, "crate::") && !code[..at].ends_with("$") {
            expand("", &code[at + start.len()..], &mut paths);
        }
    }
    let parent = module.rsplit_once('/').map_or("", |(parent, _)| parent);
    let mut line_start = 0;
    for line in code.split_inclusive('\n') {
        let rest =
            ["use super::", "pub use super::", "pub(crate) use super::"].iter().find(|start| line.starts_with(**start));
        if let Some(start) = rest {
            let (mut folder, mut rest) = (parent, &code[line_start + start.len()..]);
            while let Some(further) = rest.strip_prefix("super::") {
                folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
                rest = further;
            }
            expand(folder, rest, &mut paths);
        }
        line_start += line.len();
    }
    paths
}

/// Adds the paths of a use tree (`a::{b::C, d}`) that begins at `text`; returns how much of it was read.
fn expand(prefix: &str, text: &str, paths: &mut BTreeSet<String>) -> usize {
    let mut path = prefix.to_owned();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        if rest.starts_with('{') {
            at += 1;
            loop {
                at += text[at..].len() - text[at..].trim_start_matches([' ', '\n', ',']).len();
                match text[at..].chars().next() {
                    Some('}') => return at + 1,
                    None => return at,
                    Some(_) => {
                        let read = expand(&path, &text[at..], paths);
                        // What cannot be read as a path is stepped over, so that this ends.
                        at += read.max(1);
                        at += text[at..].find([',', '}']).unwrap_or(text[at..].len());
                    }
                }
            }
        }
        let length =
            rest.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(rest.len());
        if length > 0 && &rest[..length] != "self" {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(&rest[..length]);
        }
        at += length;
        if !text[at..].starts_with("::") || length == 0 {
            paths.insert(path);
            return at;
        }
        at += 2;
    }
}

/// The module that a path lies in: the longest beginning of it that is one.
fn owner<'a>(path: &'a str, modules: &BTreeSet<String>) -> Option<&'a str> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]).collect::<Vec<_>>();
    ends.into_iter().rev().map(|end| &path[..end]).find(|start| modules.contains(*start))
}

#[test]
fn every_module_has_a_layer() {
    let homeless = server().into_iter().filter(|(module, _)| layer(module).is_none());
    source::none(&homeless.map(|(_, file)| format!("{} has no layer in LAYERS", file.path)).collect::<Vec<_>>());
}

#[test]
fn arrows_point_down() {
    let server = server();
    let modules: BTreeSet<String> = server.iter().map(|(module, _)| module.clone()).collect();
    let mut complaints = Vec::new();
    for (module, file) in &server {
        let Some(from) = layer(module) else { continue };
        for path in named_paths(module, &source::code(&file.text)) {
            let Some(target) = owner(&path, &modules).filter(|target| target != module) else { continue };
            let Some(to) = layer(target) else { continue };
            // A folder's face may name what it is the face of.
            let own = from == Port && covers(&format!("{module}/"), target);
            if to.height() > from.height() && !own {
                complaints.push(format!("{}: {module} ({from:?}) names {target} ({to:?})", file.path));
            }
            for (user, used, why) in FORBIDDEN {
                if covers(user, module) && covers(used, target) {
                    complaints.push(format!("{}: {module} names {target}: {why}", file.path));
                }
            }
        }
    }
    complaints.sort();
    complaints.dedup();
    source::none(&complaints);
}

#[test]
fn pure_code_has_no_effects() {
    let mut complaints = Vec::new();
    for (module, file) in server().iter().filter(|(module, _)| matches!(layer(module), Some(Pure | Words))) {
        let code = source::code(&file.text);
        for effect in EFFECTS {
            let allowed = EFFECTS_ALLOWED.iter().any(|(who, what, _)| covers(who, module) && *what == effect);
            if !allowed {
                let found = source::lines_with(&code, effect);
                complaints.extend(found.iter().map(|line| format!("{}:{line}: pure code names {effect}", file.path)));
            }
        }
    }
    source::none(&complaints);
}

#[test]
fn paths_are_read() {
    let code = "use crate::a::b::C;\nuse crate::{ids::X, task::{self, model::{Y, Z as W}}, c};\nlet x = crate::d::e();\n\
                use super::run::{RunId, RunSpec};\nuse super::*;\n    use super::indented::X;\nuse super::super::top::T;\n";
    let paths: Vec<String> = named_paths("task/shim/tree", code).into_iter().collect();
    let expected = [
        "a/b/C",
        "c",
        "d/e",
        "ids/X",
        "task",
        "task/model/Y",
        "task/model/Z",
        "task/shim",
        "task/shim/run/RunId",
        "task/shim/run/RunSpec",
        "task/top/T",
    ];
    assert_eq!(paths, expected);
    let modules = ["task", "task/model"].map(str::to_owned).into();
    assert_eq!(owner("task/model/Y", &modules), Some("task/model"));
    assert_eq!(owner("task/Y", &modules), Some("task"));
    assert_eq!(owner("other/Y", &modules), None);
    assert_eq!(layer("provider"), Some(Port));
    assert_eq!(layer("provider/anthropic/request"), Some(Actors));
    assert_eq!(layer("provider/sse"), Some(Pure));
    assert_eq!(layer("task/models"), Some(Actors));
    assert_eq!(layer("elsewhere"), None);
    assert_eq!(module("server/src/task/shim/mod.rs"), Some("task/shim"));
    assert_eq!(module("server/src/lib.rs"), None);
}
