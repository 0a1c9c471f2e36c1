//! Perl: `text at file line 3.` of `die`, `warn`, the compiler and the interpreter. Perl does not say which of them spoke: its
//! known warnings and the source line do.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank};
use crate::matcher::oneline::number;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

/// ` line ` alone is a word of ordinary text.
const LINES: &[&str] =
    &[" line 1", " line 2", " line 3", " line 4", " line 5", " line 6", " line 7", " line 8", " line 9"];

pub(super) const FORMAT: Format = Format {
    name: "perl",
    rank: Rank::Tool,
    gate: |command| {
        let is_script = |program: &String| [".pl", ".t", ".pm"].iter().any(|end| program.ends_with(end));
        command.runs("perl") || command.runs("prove") || command.programs.iter().any(is_script)
    },
    starts: &[],
    inside: &[Inside { words: LINES, text: r" at [^ ]+ line [0-9]+(?:\.|,)" }],
    new: |_| Box::new(Perl::default()),
};

#[derive(Default)]
struct Perl {
    /// An error was told: that loading then fails is its consequence.
    told: bool,
}

expression!(head, r"^([^#\s].*?) at (\S+) line (\d+)(?:\.$|, (?:<\w*> line \d+\.|near (.*)|at EOF)$)");
expression!(
    warning,
    r"^(?:Use of uninitialized|Argument .* isn't numeric|Subroutine \S+ redefined|Odd number of|Useless use|Deep recursion|Name .* used only once|Scalar value|Possible |Unquoted string|Statement unlikely|Use of .* deprecated|.* masks earlier|substr outside|splice|Found = in|print .* on (?:un)?opened|Reference found|Unrecognized escape)"
);

// What the source says with it, as far as no variable stands in it.
expression!(spoken, r#"\b(?:die|warn|croak|confess|carp|cluck)\b\s*\(?\s*["']([^"'$@\\%]+)"#);

impl Matcher for Perl {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = head().captures(line) else { return };
        let (Some(file), Some(line)) = (scope.own(&found[2]), number(&found, 3)) else { return };
        let source = scope.files.read(&file).unwrap_or_default();
        let source = source.lines().nth((line as usize).saturating_sub(1)).unwrap_or_default();
        let warned = ["warn ", "warn(", "carp ", "carp(", "cluck"].iter().any(|word| source.contains(word));
        let died = ["die ", "die(", "croak", "confess"].iter().any(|word| source.contains(word));
        // With other words in front it was caught, and is only shown. prove's bar of parallel scripts ends with `=`.
        let said = spoken().captures(source).and_then(|said| found[1].find(&said[1]));
        if said.is_some_and(|at| at > 0 && !found[1][..at].ends_with('=')) {
            return;
        }
        let severity =
            if warning().is_match(&found[1]) || warned && !died { Severity::Warning } else { Severity::Error };
        let message = match found.get(4) {
            Some(near) => format!("{} near {}", &found[1], near.as_str()),
            None => found[1].to_owned(),
        };
        let follows = found[1].starts_with("Compilation failed in require") || found[1].starts_with("BEGIN failed--");
        if follows && self.told {
            return;
        }
        self.told |= severity == Severity::Error;
        scope.problem(problem("perl", severity, scope.at(file, line, None, None), message));
    }
}
