//! The C library's `program: file:line: function: Assertion `x' failed.`, with which `assert` ends a program.

use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{OneLine, Printed, number};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "c assert",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside { words: &[": Assertion `"], text: "" }],
    new: |_| Box::new(OneLine { tool: "assert", read: assertion }),
};

expression!(failed, r"^(?:[^:\s]+: )?(\S[^:]*):(\d+): .+?: (Assertion `.*' failed)\.?$");

/// A failed assertion with its place.
pub(super) fn assertion(line: &str) -> Option<Printed<'_>> {
    let found = failed().captures(line)?;
    let group = |at: usize| found.get(at).map_or("", |found| found.as_str());
    Some(Printed {
        path: group(1),
        line: number(&found, 2),
        column: None,
        severity: Severity::Error,
        code: None,
        message: group(3),
    })
}
