//! PHP's own messages: `PHP Fatal error:  Uncaught X: text in /w/a.php:9`, `Warning: text in a.php on line 3`. The command line
//! prints each twice where it logs too.

use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::{OneLine, Printed, number, text};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "php",
    rank: Rank::Tool,
    gate: always,
    starts: &[
        r"PHP (?:Fatal|Parse|Recoverable|Warning|Notice|Deprecated|Strict)",
        r"(?:Fatal error|Parse error|Recoverable fatal error|Warning|Notice|Deprecated): .* in .*[0-9]\z",
    ],
    inside: &[],
    new: |_| Box::new(OneLine { tool: "php", read }),
};

expression!(
    head,
    r"^(?:PHP )?(Fatal error|Parse error|Recoverable fatal error|Warning|Notice|Deprecated|Strict Standards):\s+(.*?)(?:, called in .*)? (?:and defined )?in (\S+?)(?:\((\d+)\) : eval\(\)'d code)?(?::(\d+)| on line (\d+))$"
);

fn read(line: &str) -> Option<Printed<'_>> {
    let found = head().captures(line)?;
    let severity = match &found[1] {
        "Warning" | "Deprecated" | "Strict Standards" => Severity::Warning,
        "Notice" => Severity::Information,
        _ => Severity::Error,
    };
    let line = [4, 5, 6].into_iter().find_map(|group| number(&found, group));
    Some(Printed { path: text(&found, 3)?, line, column: None, severity, code: None, message: text(&found, 2)? })
}
