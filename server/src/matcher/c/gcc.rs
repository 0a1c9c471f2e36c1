//! Compilers that print `file:line:column: error: message`: gcc, g++, clang, and the many that copied them (mypy, javac). Also
//! the linker's undefined references and make's own errors. Gives nothing for a line that only looks so: the file must
//! exist in the workspace.

use std::path::{Path, PathBuf};

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{Related, Severity};

/// Lines that belong to one diagnostic: snippets and notes.
const MAX_LINES: usize = 200;

pub(super) const FORMAT: Format = Format {
    name: "gcc",
    rank: Rank::Shared,
    gate: always,
    starts: &["In file included"],
    inside: &[
        Inside {
            words: &["error: ", "warning: ", "note: ", "Error: ", "Warning: "],
            text: r":[0-9]+(?::[0-9]+)?: (?:fatal )?(?:[Ee]rror|[Ww]arning|note): ",
        },
        Inside { words: &["required from here", "undefined reference", "multiple definition", ": *** "], text: "" },
        Inside { words: &["Entering directory", "Leaving directory"], text: "" },
    ],
    new: |_| Box::new(Gcc::default()),
};

#[derive(Default)]
pub(super) struct Gcc {
    current: Option<Diagnostic>,
    /// Where somebody else's header with an error was included or a template was asked for, while such lines last.
    asked: Option<Printed>,
}

type Printed = (String, u32, Option<u32>);

struct Diagnostic {
    file: PathBuf,
    line: u32,
    column: Option<u32>,
    severity: Severity,
    message: String,
    code: Option<String>,
    detail: String,
    /// Of the first `^~~~`: its screen column and its length.
    caret: Option<(u32, u32)>,
    related: Vec<Related>,
    lines: usize,
}

expression!(head, r"^(\S[^:]*):(\d+)(?::(\d+))?: (?:fatal )?([Ee]rror|[Ww]arning|note): (.*)$");
expression!(included, r"^(?:In file included from |\s+from )(\S[^:]*):(\d+)(?::(\d+))?[:,]$");
expression!(required, r"^(\S[^:]*):(\d+)(?::(\d+))?:\s+required from here$");
expression!(context, r"^\S[^:]*: (?:In |At |in )");
expression!(
    linker,
    r"^(?:\S*ld: )?(\S[^:]*):(?:(\d+)|\(\.[\w.]+\+0x[0-9a-f]+\)): ((?:undefined reference|multiple definition) .*)$"
);
expression!(makefile, r"^(\S*[Mm]akefile\S*|\S+\.mk):(\d+): \*\*\* (.*)$");
expression!(folder, r"^(?:\S*make|ninja)(?:\[\d+\])?: (Entering|Leaving) directory [`'](.+)'$");
expression!(coded, r"^(.*?)\s+\[(-W[\w+=.,-]+|[a-z][a-z-]+)\]$");

impl Gcc {
    fn head(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(found) = head().captures(line) else { return false };
        let number: u32 = found[2].parse().unwrap_or(0);
        let column: Option<u32> = found.get(3).and_then(|column| column.as_str().parse().ok());
        let mut file = scope.own(&found[1]).filter(|file| file.extension().is_none_or(|extension| extension != "rs"));
        if &found[4] == "note" {
            if let (Some(current), Some(file)) = (&mut self.current, file) {
                keep(&mut current.detail, line);
                let place = scope.at(file, number, column.map(Column::Display), None);
                if current.related.len() < 8 {
                    current.related.push(related(place, &found[5]));
                }
            }
            return true;
        }
        self.flush(scope);
        let (mut at, mut column) = (number, column);
        if file.is_none()
            && let Some((path, line, asked)) = self.asked.take()
        {
            file = scope.own(&path);
            (at, column) = (line, asked);
        }
        let Some(file) = file else { return true };
        let python = file.extension().is_some_and(|extension| extension == "py");
        let (message, code) = match coded().captures(&found[5]) {
            Some(parts) if python || parts[2].starts_with('-') => (parts[1].to_owned(), Some(parts[2].to_owned())),
            _ => (found[5].to_owned(), None),
        };
        self.asked = None;
        self.current = Some(Diagnostic {
            file,
            line: at,
            column,
            severity: if found[4].eq_ignore_ascii_case("error") { Severity::Error } else { Severity::Warning },
            message,
            code,
            detail: line.to_owned(),
            caret: None,
            related: Vec::new(),
            lines: 0,
        });
        true
    }

    /// A line of a snippet, `   12 | int x` or `      |     ^~~`.
    fn snippet(&mut self, line: &str) -> bool {
        let Some(current) = &mut self.current else { return false };
        let text = line.trim_start();
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let Some(marks) = rest.strip_prefix(" | ").or_else(|| rest.strip_prefix("| ")) else {
            return !rest.is_empty() && rest.trim() == "|";
        };
        current.lines += 1;
        keep(&mut current.detail, line);
        let is_marks = rest.len() == text.len() && marks.chars().all(|c| matches!(c, ' ' | '^' | '~' | '|'));
        if is_marks && current.caret.is_none() && current.related.is_empty() {
            current.caret = marks.find('^').map(|at| {
                let run = marks[at..].bytes().take_while(|byte| matches!(byte, b'^' | b'~')).count();
                (at as u32 + 1, run as u32)
            });
        }
        current.lines < MAX_LINES
    }

    fn flush(&mut self, scope: &mut Scope) {
        let Some(current) = self.current.take() else { return };
        let tool = tool(&current.file, scope);
        let at = |column, end| scope.at(current.file.clone(), current.line, column, end);
        let printed = current.column.map(|column| match tool {
            "gcc" => [Column::Display(column), Column::Bytes(column)],
            "clang" => [Column::Bytes(column), Column::Display(column)],
            _ => [Column::Chars(column), Column::Chars(column)],
        });
        // Which unit a compiler counts in depends on its version; the caret's place on the screen tells.
        let shown =
            current.caret.map(|(column, run)| at(Some(Column::Display(column)), Some(Column::Display(column + run))));
        let mut place = at(printed.map(|[usual, _]| usual), None);
        if let (Some(shown), Some([usual, other])) = (shown, printed)
            && [usual, other].into_iter().any(|column| at(Some(column), None).column == shown.column)
        {
            place = shown;
        }
        let mut found = problem(tool, current.severity, place, current.message);
        found.code = current.code;
        found.detail = Some(current.detail);
        found.related = current.related;
        scope.problem(found);
    }

    fn linker(line: &str, scope: &mut Scope) {
        let Some(found) = linker().captures(line) else { return };
        let Some(file) = scope.own(&found[1]) else { return };
        let place = match found.get(2).and_then(|line| line.as_str().parse().ok()) {
            Some(line) => scope.at(file, line, None, None),
            None => scope.whole(file),
        };
        scope.problem(problem("ld", Severity::Error, place, &found[3]));
    }

    fn make(line: &str, scope: &mut Scope) {
        if let Some(found) = folder().captures(line) {
            let folder = Path::new(&found[2]);
            if &found[1] == "Entering" { scope.enter(folder) } else { scope.leave(folder) }
        } else if let Some(found) = makefile().captures(line)
            && let Some(file) = scope.own(&found[1])
        {
            let place = scope.at(file, found[2].parse().unwrap_or(0), None, None);
            scope.problem(problem("make", Severity::Error, place, &found[3]));
        }
    }
}

/// Who prints about such a file.
fn tool(file: &Path, scope: &Scope) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "py" | "pyi" => "mypy",
        "java" => "javac",
        "sh" | "bash" => "shellcheck",
        "c" | "h" | "cc" | "hh" | "cpp" | "hpp" | "cxx" | "hxx" | "m" | "mm" | "S" | "s" | "inc" | "inl" => {
            if scope.command.runs("clang") { "clang" } else { "gcc" }
        }
        _ => "compiler",
    }
}

impl Matcher for Gcc {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.flush(scope);
            return;
        }
        if line.contains(": ") && (self.head(line, scope) || self.current.is_none() && context().is_match(line)) {
            return;
        }
        if self.snippet(line) {
            return;
        }
        if let Some(found) = included().captures(line).or_else(|| required().captures(line)) {
            let number = |at: usize| found.get(at).and_then(|text| text.as_str().parse().ok());
            self.asked = Some((found[1].to_owned(), number(2).unwrap_or(0), number(3)));
            return;
        }
        self.asked = None;
        self.flush(scope);
        if line.contains("ing directory ") || line.contains(": *** ") {
            Self::make(line, scope);
        } else if line.contains("undefined reference") || line.contains("multiple definition") {
            Self::linker(line, scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.current.is_some() || self.asked.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.asked = None;
        self.flush(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
