//! Perl::Critic: `lib/A.pm: text at line 3, column 1.  why.  (Severity: 4)`; about a single file it leaves the name out, and
//! the command has it.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::number;
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "perlcritic",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside { words: &["(Severity: "], text: r" at line [0-9]+, column [0-9]+\. .*\(Severity: [1-5]\)\z" }],
    new: |_| Box::new(Critic),
};

struct Critic;

expression!(head, r"^(?:(\S[^:]*): )?(\S.*?) at line (\d+), column (\d+)\.\s+(.*?)\s*\(Severity: ([1-5])\)$");

/// The only file that the command names.
fn only(scope: &Scope) -> Option<String> {
    let is_perl = |word: &&String| [".pl", ".pm", ".t", ".cgi"].iter().any(|ending| word.ends_with(ending));
    let mut files = scope.command.words().iter().filter(is_perl);
    files.next().filter(|_| files.next().is_none()).cloned()
}

impl Matcher for Critic {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = head().captures(line).filter(|_| scope.inside.is_none()) else { return };
        let named = found.get(1).and_then(|path| scope.own(path.as_str()));
        let (file, message) = match named {
            Some(file) => (file, found[2].to_owned()),
            None => {
                let Some(file) = only(scope).and_then(|path| scope.own(&path)) else { return };
                let start = found.get(1).map_or(String::new(), |text| format!("{}: ", text.as_str()));
                (file, start + &found[2])
            }
        };
        let Some(at) = number(&found, 3) else { return };
        // 5 is the gravest; by default no others are told.
        let severity = if number(&found, 6) >= Some(3) { Severity::Warning } else { Severity::Information };
        let place = scope.at(file, at, number(&found, 4).map(Column::Chars), None);
        let mut told = problem("perlcritic", severity, place, message);
        told.detail = Some(line.to_owned());
        scope.problem(told);
        scope.claim();
    }
}
