//! The JSON of ShellCheck (`-f json`, `json1`), RuboCop (`-f json`) and markdownlint (`--json`), read by [`Document`].

use serde_json::Value;

use crate::matcher::document::{Document, START, number, text};
use crate::matcher::format::{Format, Rank};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "linters' json",
    rank: Rank::Structured,
    gate: |command| {
        ["shellcheck", "rubocop", "standardrb", "markdownlint", "markdownlint-cli2"]
            .iter()
            .any(|tool| command.mentions(tool))
    },
    starts: &[START],
    inside: &[],
    new: |_| Box::new(Document::new(tell)),
};

fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn tell(document: &Value, scope: &mut Scope) {
    for finding in items(document, "comments").chain(document.as_array().into_iter().flatten()) {
        if finding.get("level").is_some() {
            shellcheck(finding, scope);
        } else if finding.get("ruleNames").is_some() {
            markdownlint(finding, scope);
        }
    }
    for file in items(document, "files") {
        for offense in items(file, "offenses") {
            offended(text(file, "path").unwrap_or_default(), offense, scope);
        }
    }
}

fn shellcheck(finding: &Value, scope: &mut Scope) -> Option<()> {
    let file = scope.own(text(finding, "file")?)?;
    let line = number(finding, &["line"])?;
    let at = |name: &str| number(finding, &[name]).map(Column::Chars);
    let one_line = number(finding, &["endLine"]) == Some(line);
    let place = scope.at(file, line, at("column"), at("endColumn").filter(|_| one_line));
    let severity = match text(finding, "level")? {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        "info" => Severity::Information,
        _ => Severity::Hint,
    };
    let mut told = problem("shellcheck", severity, place, text(finding, "message")?);
    told.code = number(finding, &["code"]).map(|code| format!("SC{code}"));
    scope.problem(told);
    Some(())
}

fn markdownlint(finding: &Value, scope: &mut Scope) -> Option<()> {
    let file = scope.own(text(finding, "fileName")?)?;
    let at = |index: usize| finding.get("errorRange")?.get(index)?.as_u64().and_then(|at| u32::try_from(at).ok());
    let (column, length) = (at(0), at(1));
    let end = column.and_then(|from| Some(Column::Utf16(from.saturating_add(length?))));
    let place = scope.at(file, number(finding, &["lineNumber"])?, column.map(Column::Utf16), end);
    let severity = if text(finding, "severity") == Some("warning") { Severity::Warning } else { Severity::Error };
    let message = match text(finding, "errorDetail") {
        Some(detail) => format!("{} [{detail}]", text(finding, "ruleDescription")?),
        None => text(finding, "ruleDescription")?.to_owned(),
    };
    let mut told = problem("markdownlint", severity, place, message);
    told.code = finding["ruleNames"][0].as_str().map(str::to_owned);
    scope.problem(told);
    Some(())
}

fn offended(path: &str, offense: &Value, scope: &mut Scope) -> Option<()> {
    let file = scope.own(path)?;
    let at = |name: &str| number(offense, &["location", name]);
    let line = at("start_line")?;
    // The last column is in the range.
    let end = at("last_column").filter(|_| at("last_line") == Some(line)).map(|end| end.saturating_add(1));
    let place = scope.at(file, line, at("start_column").map(Column::Chars), end.map(Column::Chars));
    let severity = match text(offense, "severity")? {
        "error" | "fatal" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Information,
    };
    let mut told = problem("rubocop", severity, place, text(offense, "message")?);
    told.code = text(offense, "cop_name").map(str::to_owned);
    scope.problem(told);
    Some(())
}
