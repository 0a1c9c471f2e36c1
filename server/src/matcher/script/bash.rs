//! Shells about the script that they run: bash's `x.sh: line 3: foo: command not found`, dash's `x.sh: 3: foo: not found`. A
//! script prints lines of this form too, so the shell's own words must stand in it.

use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{OneLine, Printed, number, text};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "shell",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[
        Inside { words: &[": line "], text: r": line [0-9]+: " },
        Inside {
            words: &[
                ": not found",
                ": Syntax error: ",
                ": Permission denied",
                ": Bad substitution",
                ": parameter not set",
            ],
            text: r": [0-9]+: ",
        },
    ],
    new: |_| Box::new(OneLine { tool: "shell", read }),
};

// The author's own words of `${1:?needs a name}`.
expression!(unset, r"^(?:\d|[A-Za-z_]\w*): \S");
expression!(head, r"^(\S[^:]*): (?:line )?(\d+): (.+)$");
expression!(
    words,
    r"(?x)
    : \ (?:command\ )?not\ found$ | ^syntax\ error | ^Syntax\ error | ^unexpected\ EOF | :\ unbound\ variable$ | :\ parameter\ not\ set$
    | :\ No\ such\ file\ or\ directory$ | :\ Permission\ denied$ | :\ Is\ a\ directory$ | :\ Not\ a\ directory$
    | division\ by\ 0 | :\ not\ a\ valid\ identifier$ | operator\ expected$ | :\ integer\ expression\ expected$
    | :\ too\ many\ arguments$ | :\ bad\ substitution$ | :\ Bad\ substitution$ | :\ readonly\ variable$ | :\ cannot\ execute
    | :\ ambiguous\ redirect$ | :\ bad\ array\ subscript$ | :\ invalid\ option$ | :\ missing\ `\]'$ | error\ token\ is
    | :\ numeric\ argument\ required$ | :\ cannot\ overwrite\ existing\ file$ | :\ bad\ interpreter | ^warning:\ here-document"
);

fn read(line: &str) -> Option<Printed<'_>> {
    let found = head().captures(line)?;
    let script = text(&found, 1).is_some_and(|path| path.ends_with(".sh") || path.ends_with(".bash"));
    let message = text(&found, 3).filter(|text| words().is_match(text) || script && unset().is_match(text))?;
    let severity = if message.starts_with("warning:") { Severity::Warning } else { Severity::Error };
    Some(Printed { path: text(&found, 1)?, line: number(&found, 2), column: None, severity, code: None, message })
}
