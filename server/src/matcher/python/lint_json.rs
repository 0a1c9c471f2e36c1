//! The JSON of Python's linters: `ruff --output-format=json` and `json-lines`, `pylint --output-format=json` and `json2`,
//! `pyright --outputjson`. One document over many lines: told when it is whole.

use serde_json::Value;

use super::lint;
use super::pyright;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};

/// Bytes of a document.
const MAX_DOCUMENT: usize = 16 << 20;

pub(super) const FORMAT: Format = Format {
    name: "python linters' json",
    rank: Rank::Structured,
    gate: |command| ["ruff", "pylint", "pyright", "basedpyright"].iter().any(|tool| command.mentions(tool)),
    starts: &[r#"[\[{](?:\s*\z|[{"])"#],
    inside: &[],
    new: |_| Box::new(LintJson::default()),
};

#[derive(Default)]
pub(super) struct LintJson {
    document: String,
    /// How the document's last line begins; empty when none is read.
    closing: &'static str,
}

impl LintJson {
    fn tell(&mut self, scope: &mut Scope) {
        let document = std::mem::take(&mut self.document);
        let Ok(value) = serde_json::from_str::<Value>(&document) else { return };
        let diagnostics = value.get("generalDiagnostics").or(value.get("messages")).unwrap_or(&value);
        match diagnostics {
            Value::Array(findings) => findings.iter().for_each(|finding| tell(finding, scope)),
            finding => tell(finding, scope),
        }
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

fn number(value: &Value, path: &[&str]) -> Option<u32> {
    let found = path.iter().try_fold(value, |value, name| value.get(name))?;
    u32::try_from(found.as_u64()?).ok()
}

fn tell(finding: &Value, scope: &mut Scope) {
    if text(finding, "filename").is_some() {
        ruff(finding, scope);
    } else if text(finding, "symbol").is_some() {
        pylint(finding, scope);
    } else if finding.get("range").is_some() {
        pyright(finding, scope);
    }
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

impl Matcher for LintJson {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            (self.closing, self.document) = ("", String::new());
            return;
        }
        if self.closing.is_empty() {
            let closing = match line.as_bytes().first() {
                Some(b'[') => "]",
                Some(b'{') => "}",
                _ => return,
            };
            self.document.clear();
            self.document.push_str(line);
            if line.len() > 1 && line.trim_end().ends_with(closing) {
                return self.tell(scope);
            }
            self.closing = closing;
            return;
        }
        if self.document.len() + line.len() > MAX_DOCUMENT {
            (self.closing, self.document) = ("", String::new());
            return;
        }
        self.document.push('\n');
        self.document.push_str(line);
        if line.starts_with(self.closing) {
            self.closing = "";
            self.tell(scope);
        }
    }

    fn wants_all(&self) -> bool {
        !self.closing.is_empty()
    }

    fn reads_documents(&self) -> bool {
        true
    }
}
