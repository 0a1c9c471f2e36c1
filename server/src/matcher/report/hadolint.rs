//! hadolint: `Dockerfile:3 DL3008 warning: text`, and `Dockerfile:2:4 text` for a file that does not parse.

use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{OneLine, Printed, number, text};
use crate::matcher::place::Column;
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "hadolint",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside {
        words: &[" DL1", " DL3", " DL4", " SC1", " SC2", " SC3"],
        text: r":[0-9]+ (?:DL|SC)[0-9]{4} (?:error|warning|info|style): ",
    }],
    new: |_| Box::new(OneLine { tool: "hadolint", read }),
};

pub(super) const UNPARSED: Format = Format {
    name: "hadolint's parser",
    rank: Rank::Tool,
    gate: |command| command.mentions("hadolint"),
    starts: &[],
    inside: &[Inside { words: &["ockerfile:", "ontainerfile:"], text: r"file:[0-9]+:[0-9]+ [a-z]" }],
    new: |_| Box::new(OneLine { tool: "hadolint", read: unparsed }),
};

expression!(rule, r"^(\S[^:]*):(\d+) ((?:DL|SC)\d{4}) (error|warning|info|style): (.*)$");
expression!(parser, r"^(\S[^:]*):(\d+):(\d+) (.*?)\s*$");

fn read(line: &str) -> Option<Printed<'_>> {
    let found = rule().captures(line)?;
    let severity = match &found[4] {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        "info" => Severity::Information,
        _ => Severity::Hint,
    };
    let (path, message) = (text(&found, 1)?, text(&found, 5)?);
    Some(Printed { path, line: number(&found, 2), column: None, severity, code: text(&found, 3), message })
}

fn unparsed(line: &str) -> Option<Printed<'_>> {
    let found = parser().captures(line)?;
    Some(Printed {
        path: text(&found, 1)?,
        line: number(&found, 2),
        column: number(&found, 3).map(Column::Chars),
        severity: Severity::Error,
        code: None,
        message: text(&found, 4)?,
    })
}
