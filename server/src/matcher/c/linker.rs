//! Linkers: ld's `undefined reference` and `multiple definition`, lld's `undefined symbol` and `duplicate symbol` with the
//! places below them. Where the object has no line numbers, the symbol is looked for in the function that uses it.

use std::path::PathBuf;

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
        Inside { words: &["ld.lld: error: ", "rust-lld: error: ", "mold: error: "], text: "" },
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
    /// Of a place without a line, whose function is told next.
    file: Option<PathBuf>,
    detail: String,
    lines: usize,
}

expression!(
    ld,
    r"^(?:\S*ld(?:\.\w+)?: )?(?:[^\s:]+\.o(?:\)|bj)?:)?(\S[^:]*):(?:(\d+)|\(\.[^\s()]+\+0x[0-9a-f]+\)): ((undefined reference to|multiple definition of) [`']([^']+)')(.*)$"
);
expression!(first, r"; (?:\S+\.o(?:bj)?:)?([^\s:]+):(\d+): first defined here$");
expression!(function, r": in function `([^']+)':$");
expression!(lld, r"^\S*(?:ld\.lld|rust-lld|lld|ld64\.lld|wasm-ld|mold): error: ((undefined|duplicate) symbol: .+)$");
expression!(spot, r"^>>> (?:referenced by|defined at) .*?\(?([^\s()]+):(\d+)\)?$");

expression!(unnumbered, r"^>>> referenced by ([^\s():]+\.\w+)$");
expression!(user, r"^>>> +\S+\.o(?:bj)?:\((.+)\)$");

/// Where a function of a file uses a symbol, as far as its text shows that.
fn used(scope: &Scope, file: PathBuf, function: Option<&str>, symbol: &str) -> Place {
    let source = scope.files.read(&file).unwrap_or_default();
    let name = |symbol: &str| symbol.split('(').next().unwrap_or_default().rsplit("::").next().map(str::to_owned);
    let from = function.and_then(name).and_then(|name| find_word(&source, &name, 1));
    let symbol = name(symbol.strip_prefix("vtable for ").unwrap_or(symbol)).unwrap_or_default();
    match find_word(&source, &symbol, from.map_or(1, |(line, ..)| line)) {
        Some((line, column, end)) => scope.at(file, line, Some(Column::Chars(column)), Some(Column::Chars(end))),
        None => scope.whole(file),
    }
}

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
            None => used(scope, file, self.function.as_deref(), &found[5]),
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
        // rustc tells what its linker printed below its own error.
        let line = line.trim_start();
        let line = line.strip_prefix("= note: ").map_or(line, str::trim_start);
        if let Some(current) = &mut self.current {
            current.lines += 1;
            if line.starts_with(">>>") && current.lines < MAX_LINES {
                keep(&mut current.detail, line);
                let mut place = None;
                if let Some(found) = spot().captures(line) {
                    let file = scope.own(&found[1]).or_else(|| scope.own_rust(&found[1]));
                    place = file.zip(number(&found, 2)).map(|(file, line)| scope.at(file, line, None, None));
                } else if let Some(found) = unnumbered().captures(line) {
                    current.file = scope.own(&found[1]);
                } else if let Some(file) = current.file.take() {
                    let symbol = current.message.split_once(": ").map_or("", |(_, symbol)| symbol);
                    place = Some(used(
                        scope,
                        file,
                        user().captures(line).as_ref().map(|found| found.get(1).map_or("", |name| name.as_str())),
                        symbol,
                    ));
                }
                if let Some(place) = place.filter(|place| !current.places.contains(place) && current.places.len() < 20)
                {
                    current.places.push(place);
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
                file: None,
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
