//! Linkers: ld's `undefined reference` and `multiple definition`, lld's `undefined symbol` and `duplicate symbol` with the
//! places below them. Where the object has no line numbers, the symbol is looked for in the function that uses it.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{find_word, number, text};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{Place, Severity};

/// Lines below lld's message.
const MAX_LINES: usize = 200;

pub(super) const FORMAT: Format = Format {
    name: "linker",
    rank: Rank::Tool,
    gate: always,
    starts: &[r"(?:ld\.lld|lld|ld64\.lld|wasm-ld): error: "],
    inside: &[
        Inside { words: &["undefined reference", "multiple definition", ": in function `"], text: "" },
        Inside { words: &["ld.lld: error: ", "mold: error: "], text: "" },
    ],
    new: |_| Box::new(Linker::default()),
};

#[derive(Default)]
struct Linker {
    /// Of ``in function `f':``.
    function: Option<String>,
    current: Option<Lld>,
}

/// lld's message with the places so far.
struct Lld {
    message: String,
    duplicate: bool,
    places: Vec<Place>,
    detail: String,
    lines: usize,
}

expression!(
    ld,
    r"^(?:\S*ld(?:\.\w+)?: )?(?:[^\s:]+\.o(?:\)|bj)?:)?(\S[^:]*):(?:(\d+)|\(\.[\w.]+\+0x[0-9a-f]+\)): ((undefined reference to|multiple definition of) [`']([^']+)')(.*)$"
);
expression!(first, r"; (?:\S+\.o(?:bj)?:)?([^\s:]+):(\d+): first defined here$");
expression!(function, r": in function `([^']+)':$");
expression!(lld, r"^\S*(?:ld\.lld|lld|ld64\.lld|wasm-ld|mold): error: ((undefined|duplicate) symbol: .+)$");
expression!(spot, r"^>>> (?:referenced by|defined at) .*?\(?([^\s()]+):(\d+)\)?$");

impl Linker {
    fn ld(&self, line: &str, scope: &mut Scope) {
        let Some(found) = ld().captures(line) else { return };
        let Some(file) = scope.own(&found[1]) else { return };
        let place = match number(&found, 2) {
            Some(line) => {
                let source = scope.files.read(&file).unwrap_or_default();
                let range = find_word(&source, &found[5], line).filter(|&(at, ..)| at == line);
                let (column, end) = (range.map(|it| Column::Chars(it.1)), range.map(|it| Column::Chars(it.2)));
                scope.at(file, line, column, end)
            }
            None => {
                let source = scope.files.read(&file).unwrap_or_default();
                let name =
                    |symbol: &str| symbol.split('(').next().unwrap_or_default().rsplit("::").next().map(str::to_owned);
                let from = self.function.as_deref().and_then(name).and_then(|name| find_word(&source, &name, 1));
                let symbol = name(&found[5]).unwrap_or_default();
                match find_word(&source, &symbol, from.map_or(1, |(line, ..)| line)) {
                    Some((line, column, end)) => {
                        scope.at(file, line, Some(Column::Chars(column)), Some(Column::Chars(end)))
                    }
                    None => scope.whole(file),
                }
            }
        };
        let mut told = problem("ld", Severity::Error, place, &found[3]);
        if let Some(other) = text(&found, 6).and_then(|rest| first().captures(rest))
            && let (Some(file), Some(line)) = (scope.own(&other[1]), number(&other, 2))
        {
            told.related.push(related(scope.at(file, line, None, None), "first defined here"));
        }
        scope.problem(told);
    }

    fn flush(&mut self, scope: &mut Scope) {
        let Some(mut current) = self.current.take() else { return };
        if current.places.is_empty() {
            return;
        }
        // Of two definitions the second is one too many.
        let primary = if current.duplicate { current.places.len() - 1 } else { 0 };
        let place = current.places.remove(primary);
        let word = if current.duplicate { "first defined here" } else { "referenced here" };
        let mut told = problem("lld", Severity::Error, place, current.message);
        told.related = current.places.into_iter().take(8).map(|place| related(place, word)).collect();
        told.detail = Some(current.detail);
        scope.problem(told);
    }
}

impl Matcher for Linker {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        if let Some(current) = &mut self.current {
            current.lines += 1;
            if line.starts_with(">>>") && current.lines < MAX_LINES {
                keep(&mut current.detail, line);
                if let Some(found) = spot().captures(line)
                    && let (Some(file), Some(line)) = (scope.own(&found[1]), number(&found, 2))
                {
                    let place = scope.at(file, line, None, None);
                    if !current.places.contains(&place) && current.places.len() < 20 {
                        current.places.push(place);
                    }
                }
                return;
            }
            self.flush(scope);
        }
        if let Some(found) = lld().captures(line) {
            self.current = Some(Lld {
                message: found[1].to_owned(),
                duplicate: &found[2] == "duplicate",
                places: Vec::new(),
                detail: line.to_owned(),
                lines: 0,
            });
        } else if let Some(found) = function().captures(line) {
            self.function = Some(found[1].to_owned());
        } else {
            self.ld(line, scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.current.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
