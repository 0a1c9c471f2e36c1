//! nasm and yasm: `file:line: error: message`. What a macro brings in is shown where the macro is used, as they print it.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{find_word, number, text};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "nasm",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside {
        words: &[".asm:", ".nasm:", ".inc:", ".mac:", ".asm(", ".nasm(", ".inc(", ".mac("],
        text: r"\.(?:asm|nasm|inc|mac)(?::[0-9]+|\([0-9]+\) ): (?:error|warning|fatal|panic): ",
    }],
    new: |_| Box::new(Nasm),
};

struct Nasm;

// `a.asm(3) : error: …` with `-X vc`.
expression!(
    head,
    r"^(\S[^:(]*\.(?:asm|nasm|inc|mac))[:(](\d+)(?:\) )?: (error|warning|fatal|panic): (.*?)(?: \[(-w\+[\w-]+)\])?$"
);

impl Matcher for Nasm {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = head().captures(line).filter(|_| scope.inside.is_none()) else { return };
        let (Some(file), Some(line)) = (scope.own(&found[1]), number(&found, 2)) else { return };
        let severity = if &found[3] == "warning" { Severity::Warning } else { Severity::Error };
        // A symbol that the message names is where it stands on the line.
        let symbol = found[4].split('`').nth(1).and_then(|rest| rest.split('\'').next());
        let source = scope.files.read(&file).unwrap_or_default();
        let spot = symbol.and_then(|symbol| find_word(&source, symbol, line)).filter(|spot| spot.0 == line);
        let (column, end) = match spot {
            Some((_, column, end)) => (Some(Column::Chars(column)), Some(Column::Chars(end))),
            None => (None, None),
        };
        let mut told = problem("nasm", severity, scope.at(file, line, column, end), &found[4]);
        told.code = text(&found, 5).map(str::to_owned);
        scope.problem(told);
        scope.claim();
    }
}
