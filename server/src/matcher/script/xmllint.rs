//! xmllint: `file:line: parser error : text`, validity errors of schemas and DTDs.

use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{OneLine, Printed, number, text};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "xmllint",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside { words: &[" error : ", " warning : "], text: r":[0-9]+: .*(?:error|warning) : " }],
    new: |_| Box::new(OneLine { tool: "xmllint", read }),
};

expression!(
    head,
    r"^(\S[^:]*):(\d+): (?:element [^:\s]+(?::[^:\s]+)?: )?(?:parser|namespace|validity|Schemas validity|Schemas parser|Relax-NG validity|Relax-NG parser|XPath|HTML parser|I/O) (error|warning) : (.*)$"
);

fn read(line: &str) -> Option<Printed<'_>> {
    let found = head().captures(line)?;
    let severity = if &found[3] == "error" { Severity::Error } else { Severity::Warning };
    Some(Printed {
        path: text(&found, 1)?,
        line: number(&found, 2),
        column: None,
        severity,
        code: None,
        message: text(&found, 4)?,
    })
}
