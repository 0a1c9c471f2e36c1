//! The JSON of Python's linters: `ruff --output-format=json` and `json-lines`, `pylint --output-format=json` and `json2`,
//! `pyright --outputjson`, `mypy --output=json`. Read by [`Document`].

use serde_json::Value;

use super::lint;
use super::pyright;
use crate::matcher::document::{Document, START, number, text};
use crate::matcher::format::{Format, Rank};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "python linters' json",
    rank: Rank::Structured,
    gate: |command| ["ruff", "pylint", "pyright", "basedpyright", "mypy"].iter().any(|tool| command.mentions(tool)),
    starts: &[START],
    inside: &[],
    new: |_| Box::new(Document::new(tell_all)),
};

fn tell_all(document: &Value, scope: &mut Scope) {
    match document.get("generalDiagnostics").or(document.get("messages")).unwrap_or(document) {
        Value::Array(findings) => findings.iter().for_each(|finding| tell(finding, scope)),
        finding => tell(finding, scope),
    }
}

fn tell(finding: &Value, scope: &mut Scope) {
    if text(finding, "filename").is_some() {
        ruff(finding, scope);
    } else if text(finding, "symbol").is_some() {
        pylint(finding, scope);
    } else if finding.get("range").is_some() {
        pyright(finding, scope);
    } else if finding.get("hint").is_some() {
        mypy(finding, scope);
    }
}

fn mypy(finding: &Value, scope: &mut Scope) -> Option<()> {
    let file = scope.own(text(finding, "file")?)?;
    let line = number(finding, &["line"])?;
    // 0-based; -1 where it does not know.
    let at = |name: &str| number(finding, &[name]).map(|column| Column::Chars(column.saturating_add(1)));
    let one_line = number(finding, &["end_line"]) == Some(line);
    let place = scope.at(file, line, at("column"), at("end_column").filter(|_| one_line));
    let severity = if text(finding, "severity")? == "error" { Severity::Error } else { Severity::Information };
    let mut told = problem("mypy", severity, place, text(finding, "message")?);
    told.code = text(finding, "code").map(str::to_owned);
    told.detail = text(finding, "hint").map(str::to_owned);
    scope.problem(told);
    Some(())
}

fn ruff(finding: &Value, scope: &mut Scope) -> Option<()> {
    let file = scope.own(text(finding, "filename")?)?;
    let line = number(finding, &["location", "row"])?;
    let column = number(finding, &["location", "column"]).map(Column::Chars);
    let one_line = number(finding, &["end_location", "row"]) == Some(line);
    let end = number(finding, &["end_location", "column"]).filter(|_| one_line).map(Column::Chars);
    let code = text(finding, "code").unwrap_or("invalid-syntax");
    let place = scope.at(file, line, column, end);
    let mut told = problem("ruff", lint::severity(code), place, text(finding, "message")?);
    told.code = Some(code.to_owned());
    scope.problem(told);
    Some(())
}

fn pylint(finding: &Value, scope: &mut Scope) -> Option<()> {
    let file = scope.own(text(finding, "path")?)?;
    let line = number(finding, &["line"])?;
    let at = |name: &str| number(finding, &[name]).map(|column| Column::Bytes(column.saturating_add(1)));
    let one_line = number(finding, &["endLine"]) == Some(line);
    let place = scope.at(file, line, at("column"), at("endColumn").filter(|_| one_line));
    let id = text(finding, "messageId").or(text(finding, "message-id")).unwrap_or_default();
    let mut told = problem("pylint", lint::pylint_severity(id), place, text(finding, "message")?);
    told.code = text(finding, "symbol").map(str::to_owned);
    scope.problem(told);
    Some(())
}

fn pyright(finding: &Value, scope: &mut Scope) -> Option<()> {
    let file = scope.own(text(finding, "file")?)?;
    let at = |end: &str, name: &str| number(finding, &["range", end, name]).map(|at| at.saturating_add(1));
    let line = at("start", "line")?;
    let one_line = at("end", "line") == Some(line);
    let end = at("end", "character").filter(|_| one_line).map(Column::Utf16);
    let place = scope.at(file, line, at("start", "character").map(Column::Utf16), end);
    let message = text(finding, "message")?;
    let severity = pyright::severity(text(finding, "severity")?);
    let mut told = problem("pyright", severity, place, message.lines().next().unwrap_or_default());
    told.detail = Some(message.to_owned());
    told.code = text(finding, "rule").map(str::to_owned);
    scope.problem(told);
    Some(())
}
