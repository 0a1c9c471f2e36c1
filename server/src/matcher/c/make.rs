//! make and ninja: the folders that they enter, and errors in a Makefile itself. That a recipe failed is no problem of its
//! own: what failed in it is. What its linker says without a place is shown at its rule.

use std::path::Path;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{find_word, number};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem};
use crate::problem::Severity;

pub(super) const FORMAT: Format = Format {
    name: "make",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[
        Inside { words: &["Entering directory", "Leaving directory"], text: "" },
        Inside {
            words: &[": *** "],
            text: r"(?:\.mk|[Mm]akefile[^ ]*):[0-9]+: \*\*\* |: \*\*\* No rule to make target|: \*\*\* \[[^:\]]+:[0-9]+: ",
        },
        Inside { words: &[".mk:", "akefile:"], text: r"\A(?:[^ :]*[Mm]akefile|[^ :]+\.mk):[0-9]+: " },
        Inside { words: &[": cannot find "], text: r"ld(?:\.[a-z]+)?: cannot find " },
    ],
    new: |_| Box::new(Make::default()),
};

#[derive(Default)]
struct Make {
    /// What the linker said without a place: the rule that ran it has one.
    linker: Option<String>,
}

expression!(linker, r"^\S*ld(?:\.\w+)?: (cannot find .+)$");
expression!(recipe, r"^\S*make(?:\[\d+\])?: \*\*\* \[([^:\]]+):(\d+): ([^\]]+)\] Error \d+$");

expression!(folder, r"^(?:\S*make|ninja)(?:\[\d+\])?: (Entering|Leaving) directory [`'](.+)'$");
expression!(makefile, r"^(?:\S*make(?:\[\d+\])?: )?(\S*[Mm]akefile\S*|\S+\.mk):(\d+): \*\*\* (.*?)(?:\.  Stop\.)?$");
// What a Makefile says with `$(warning …)`, and a file that it includes and nobody has.
expression!(remark, r"^(\S*[Mm]akefile|\S+\.mk):(\d+): (.+)$");
expression!(
    rule,
    r"^\S*make(?:\[\d+\])?: \*\*\* (No rule to make target [`']([^']+)'(?:, needed by [`'][^']+')?)(?:\.  Stop\.|\.)?$"
);

/// The place in a Makefile where a target that nobody makes is asked for.
fn asked_for(target: &str, scope: &mut Scope) -> Option<crate::problem::Place> {
    let file = ["GNUmakefile", "makefile", "Makefile"].iter().find_map(|name| scope.own(name))?;
    let text = scope.files.read(&file)?;
    let mut from = 1;
    while let Some((line, column, end)) = find_word(&text, target, from) {
        let source = text.lines().nth(line as usize - 1).unwrap_or_default();
        if !source.starts_with(['\t', '#']) {
            return Some(scope.at(file, line, Some(Column::Chars(column)), Some(Column::Chars(end))));
        }
        from = line + 1;
    }
    None
}

impl Make {
    /// A recipe failed, in which the linker had said that it cannot find something.
    fn failed(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = recipe().captures(line) else { return };
        let (Some(message), Some(file)) = (self.linker.take(), scope.own(&found[1])) else { return };
        // With `-s` make does not say in which folder it is: another Makefile has no such target.
        let text = scope.files.read(&file).unwrap_or_default();
        if let Some(at) = number(&found, 2).filter(|_| find_word(&text, &found[3], 1).is_some()) {
            scope.problem(problem("ld", Severity::Error, scope.at(file, at, None, None), message));
        }
    }
}

impl Matcher for Make {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if let Some(found) = folder().captures(line) {
            let folder = Path::new(&found[2]);
            if &found[1] == "Entering" { scope.enter(folder) } else { scope.leave(folder) }
        } else if scope.inside.is_some() {
        } else if let Some(found) = makefile().captures(line)
            && let (Some(file), Some(line)) = (scope.own(&found[1]), number(&found, 2))
        {
            let place = scope.at(file, line, None, None);
            scope.problem(problem("make", Severity::Error, place, &found[3]));
        } else if let Some(found) = rule().captures(line) {
            if let Some(place) = asked_for(&found[2], scope) {
                scope.problem(problem("make", Severity::Error, place, &found[1]));
            }
        } else if scope.command.mentions("make")
            && let Some(found) = remark().captures(line)
            && let (Some(file), Some(at)) = (scope.own(&found[1]), number(&found, 2))
        {
            let gone = found[3].ends_with(": No such file or directory");
            let severity = if gone { Severity::Error } else { Severity::Warning };
            scope.problem(problem("make", severity, scope.at(file, at, None, None), &found[3]));
        } else if let Some(found) = linker().captures(line) {
            self.linker = Some(found[1].to_owned());
        } else {
            self.failed(line, scope);
        }
    }
}
