//! GitHub's workflow commands: `::error file=a.py,line=3,col=5,title=F401::text`, which linters print by `--format=github`. The
//! tool is the one of them that the command names.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "workflow commands",
    rank: Rank::Shared,
    gate: always,
    starts: &["::(?:error|warning|notice) "],
    inside: &[],
    new: |_| Box::new(Workflow),
};

/// Who prints them, as commands name them.
const TOOLS: &[&str] =
    &["yamllint", "biome", "eslint", "stylelint", "pylint", "flake8", "mypy", "pyright", "golangci-lint", "phpstan"];

struct Workflow;

expression!(head, r"^\s*::(error|warning|notice) ([^:]*(?::[^:]+)*?)::(.*)$");
// yamllint says place and rule once more, in front of its text.
expression!(ruled, r"^\d+:\d+ \[([\w-]+)\] (.*)$");

/// Undoes what GitHub's toolkit escapes.
fn unescaped(text: &str) -> String {
    text.replace("%0D", "").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
}

impl Matcher for Workflow {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = head().captures(line).filter(|_| scope.inside.is_none()) else { return };
        let value = |name: &str| {
            let mut pairs = found[2].split(',').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| unescaped(value.trim()))
        };
        let number = |name: &str| value(name).and_then(|text| text.parse::<u32>().ok());
        let Some(file) = value("file").and_then(|path| scope.own(&path)) else { return };
        let severity = match &found[1] {
            "error" => Severity::Error,
            "warning" => Severity::Warning,
            _ => Severity::Information,
        };
        let same_line = number("endLine").is_none_or(|end| Some(end) == number("line"));
        let end = number("endColumn").filter(|_| same_line).map(Column::Chars);
        let place = match number("line") {
            Some(line) => scope.at(file, line, number("col").or_else(|| number("column")).map(Column::Chars), end),
            None => scope.whole(file),
        };
        let text = unescaped(&found[3]);
        let (code, text) = match ruled().captures(&text) {
            Some(parts) => (Some(parts[1].to_owned()), parts[2].to_owned()),
            None => (value("title").filter(|title| !title.contains(' ')), text.clone()),
        };
        let mut lines = text.lines();
        let tool = TOOLS.iter().copied().find(|tool| scope.command.mentions(tool)).unwrap_or("output");
        let mut told = problem(tool, severity, place, lines.next().unwrap_or_default());
        told.code = code;
        told.detail = lines.next().map(|_| text.clone());
        scope.problem(told);
        scope.claim();
    }
}
