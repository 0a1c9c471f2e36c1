//! rustc's diagnostics as JSON: `cargo build --message-format=json` (and check, clippy, test), whose messages have a
//! `reason`, and `rustc --error-format=json`, whose have not. The fields are those of
//! <https://doc.rust-lang.org/rustc/json.html>.

use std::path::Path;

use serde::Deserialize;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem, related};
use crate::problem::{Place, Severity};

/// How deep macros may be unfolded.
const MAX_EXPANSIONS: usize = 32;

pub(super) const FORMAT: Format = Format {
    name: "rustc json",
    rank: Rank::Structured,
    gate: always,
    starts: &[r#"\{"reason":"compiler-message""#],
    inside: &[Inside { words: &[r#""$message_type":"diagnostic""#], text: "" }],
    new: |_| Box::new(RustcJson),
};

struct RustcJson;

#[derive(Deserialize)]
struct CargoMessage {
    #[serde(default)]
    manifest_path: String,
    message: Diagnostic,
}

#[derive(Deserialize)]
struct Diagnostic {
    message: String,
    code: Option<Code>,
    level: String,
    #[serde(default)]
    spans: Vec<Span>,
    #[serde(default)]
    children: Vec<Diagnostic>,
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u32,
    line_end: u32,
    column_start: u32,
    column_end: u32,
    is_primary: bool,
    label: Option<String>,
    expansion: Option<Expansion>,
}

#[derive(Deserialize)]
struct Expansion {
    span: Box<Span>,
}

impl Span {
    /// The span's own place, or that of the macro's use where it lies in somebody else's macro.
    fn place(&self, scope: &mut Scope) -> Option<Place> {
        let mut span = self;
        for _ in 0..MAX_EXPANSIONS {
            if let Some(file) = scope.own_rust(&span.file_name) {
                let end = (span.line_end == span.line_start).then_some(Column::Chars(span.column_end));
                return Some(scope.at(file, span.line_start, Some(Column::Chars(span.column_start)), end));
            }
            span = &span.expansion.as_ref()?.span;
        }
        None
    }
}

fn tell(diagnostic: Diagnostic, scope: &mut Scope) {
    let severity = match diagnostic.level.as_str() {
        "warning" => Severity::Warning,
        level if level.starts_with("error") => Severity::Error,
        _ => return,
    };
    let Some((primary, place)) =
        diagnostic.spans.iter().filter(|span| span.is_primary).find_map(|span| Some((span, span.place(scope)?)))
    else {
        return;
    };
    let code = diagnostic.code.map(|code| code.code);
    let message = match &primary.label {
        Some(label) if !diagnostic.message.contains(label) => format!("{}: {label}", diagnostic.message),
        _ => diagnostic.message,
    };
    let mut found = problem(tool(code.as_deref()), severity, place, message);
    found.code = code;
    let others = diagnostic.spans.iter().filter(|span| !span.is_primary).map(|span| (span, ""));
    let children = diagnostic.children.iter().filter(|child| child.level == "note");
    let notes = children.flat_map(|child| child.spans.iter().map(|span| (span, child.message.as_str())));
    for (span, text) in others.chain(notes) {
        if let Some(place) = span.place(scope).filter(|place| *place != found.place && found.related.len() < 8) {
            found.related.push(related(place, span.label.as_deref().unwrap_or(text)));
        }
    }
    found.detail = diagnostic.rendered.map(|text| {
        let lines: Vec<_> = text.lines().map(|line| crate::matcher::lines::clean(line.as_bytes())).collect();
        lines.join("\n").trim_end().to_owned()
    });
    scope.problem(found);
}

/// Who says a lint of this name.
pub(super) fn tool(code: Option<&str>) -> &'static str {
    match code.and_then(|code| code.split_once("::")) {
        Some(("clippy", _)) => "clippy",
        Some(("rustdoc", _)) => "rustdoc",
        _ => "rustc",
    }
}

impl Matcher for RustcJson {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        let text = line.trim();
        if scope.inside.is_some() || !text.starts_with('{') {
            return;
        }
        if let Ok(message) = serde_json::from_str::<CargoMessage>(text) {
            if let Some(folder) = Path::new(&message.manifest_path).parent().filter(|folder| folder.is_absolute()) {
                scope.add_cargo_folder(folder);
            }
            scope.claim();
            tell(message.message, scope);
        } else if let Ok(diagnostic) = serde_json::from_str::<Diagnostic>(text) {
            scope.claim();
            tell(diagnostic, scope);
        }
    }
}
