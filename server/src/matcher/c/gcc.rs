//! Compilers that print `file:line:column: error: message`: gcc, g++, clang, and those that copied them. Gives nothing for a
//! line that only looks so: the file must exist in the workspace. An error in somebody else's header is shown where the
//! workspace asked for it.

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
        Inside { words: &["required from here"], text: "" },
    ],
    new: |_| Box::new(Gcc::default()),
};

#[derive(Default)]
pub(super) struct Gcc {
    current: Option<Diagnostic>,
    /// Where somebody else's header with an error was included or a template was asked for, while such lines last.
    asked: Option<Asked>,
}

/// A place that led to the next diagnostic.
struct Asked {
    at: Printed,
    /// A template was asked for there; else a file was included.
    template: bool,
}

type Printed = (String, u32, Option<u32>);

struct Diagnostic {
    /// `None` while the place is somebody else's header: clang says below where the workspace asked for it.
    file: Option<PathBuf>,
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
    /// The place is that of an include: where clang names a better one below, that is taken.
    borrowed: bool,
    /// clang before 18 prints a source line and a line of marks, without numbers: what comes next.
    bare: Bare,
    /// The line of the source that such a snippet begins with; `None` where any may: below a note.
    source: Option<String>,
}

/// Parts of a snippet without line numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bare {
    Source,
    Marks,
    FixIt,
    Over,
}

expression!(head, r"^(\S[^:]*):(\d+)(?::(\d+))?: (?:fatal )?([Ee]rror|[Ww]arning|note): (.*)$");
expression!(included, r"^(?:In file included from |\s+from )(\S[^:]*):(\d+)(?::(\d+))?[:,]$");
expression!(required, r"^(\S[^:]*):(\d+)(?::(\d+))?:\s+required from here$");
expression!(context, r"^\S[^:]*: (?:In |At |in )");
expression!(coded, r"^(.*?)\s+\[(-[Wf][\w+=.,-]+|[a-z][a-z-]+)\]$");

impl Gcc {
    fn head(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(found) = head().captures(line) else { return false };
        scope.claim();
        let number: u32 = found[2].parse().unwrap_or(0);
        let column: Option<u32> = found.get(3).and_then(|column| column.as_str().parse().ok());
        // Go's own log begins a line with the file: no compiler of Go leaves the column out.
        let logged = column.is_none() && found[1].ends_with(".go");
        let mut file = scope.own(&found[1]).filter(|file| file.extension().is_none_or(|extension| extension != "rs"));
        file = file.filter(|_| !logged);
        if &found[4] == "note" {
            if let Some(current) = &mut self.current {
                current.note(line, file.map(|file| (file, number, column)), &found[5], scope);
            }
            return true;
        }
        self.flush(scope);
        let (mut at, mut column) = (number, column);
        let asked = self.asked.take();
        let mut others = Vec::new();
        let mut borrowed = false;
        if let Some(Asked { at: (path, asked_line, asked_column), template }) = asked
            && (template || file.is_none())
            && let Some(asked_file) = scope.own(&path)
        {
            if file.is_none() {
                file = Some(asked_file);
                borrowed = !template;
                (at, column) = (asked_line, asked_column);
            } else {
                let place = scope.at(asked_file, asked_line, asked_column.map(Column::Display), None);
                others.push(related(place, "required from here"));
            }
        }
        let python = file.as_ref().is_some_and(|file| file.extension().is_some_and(|extension| extension == "py"));
        let (message, code) = match coded().captures(&found[5]) {
            Some(parts) if python => (parts[1].to_owned(), Some(parts[2].to_owned())),
            Some(parts) if parts[2].starts_with('-') => (parts[1].to_owned(), Some(flag(&parts[2]))),
            _ => (found[5].to_owned(), None),
        };
        // Where the source is known, any other line is the next one's: what was found is told at once.
        let source = file.as_ref().filter(|_| !borrowed).map(|file| scope.source_line(file, at));
        self.current = Some(Diagnostic {
            file,
            line: at,
            column,
            severity: if found[4].eq_ignore_ascii_case("error") { Severity::Error } else { Severity::Warning },
            message,
            code,
            detail: line.to_owned(),
            caret: None,
            related: others,
            lines: 0,
            borrowed,
            bare: Bare::Source,
            source,
        });
        true
    }

    /// A line of a snippet, `   12 | int x` or `      |     ^~~`.
    fn snippet(&mut self, line: &str) -> bool {
        let Some(current) = &mut self.current else { return false };
        let text = line.trim_start();
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let Some(marks) = rest.strip_prefix(" | ").or_else(|| rest.strip_prefix("| ")) else {
            return !rest.is_empty() && rest.trim() == "|" || current.bare_line(line);
        };
        current.bare = Bare::Over;
        current.lines += 1;
        keep(&mut current.detail, line);
        let is_marks = rest.len() == text.len() && marks.chars().all(|c| matches!(c, ' ' | '^' | '~' | '|'));
        if is_marks {
            current.marks(marks);
        }
        current.lines < MAX_LINES
    }

    fn flush(&mut self, scope: &mut Scope) {
        let Some(current) = self.current.take() else { return };
        let Some(file) = current.file else { return };
        let tool = tool(&file, scope);
        let at = |column, end| scope.at(file.clone(), current.line, column, end);
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
}

impl Diagnostic {
    /// `note: …` at a place of the workspace, if it is one. Below an error in somebody else's header the first place that
    /// asked for it is where the error is shown.
    fn note(&mut self, line: &str, at: Option<(PathBuf, u32, Option<u32>)>, text: &str, scope: &Scope) {
        keep(&mut self.detail, line);
        self.lines += 1;
        self.bare = if self.lines < MAX_LINES { Bare::Source } else { Bare::Over };
        self.source = None;
        let Some((file, line, column)) = at else { return };
        if (self.file.is_none() || self.borrowed)
            && (text.contains("requested here") || text.starts_with("expanded from "))
        {
            (self.file, self.line, self.column, self.caret) = (Some(file), line, column, None);
            self.borrowed = false;
        } else if self.file.is_some() && self.related.len() < 8 {
            let place = scope.at(file, line, column.map(Column::Display), None);
            if !self.related.iter().any(|known| known.place == place) {
                self.related.push(related(place, text));
            }
        }
    }

    /// The first caret below the diagnostic's own source line.
    fn marks(&mut self, marks: &str) {
        if self.caret.is_none() && self.detail.lines().all(|line| !line.contains(": note: ")) {
            self.caret = marks.find('^').map(|at| {
                let run = marks[at..].bytes().take_while(|byte| matches!(byte, b'^' | b'~')).count();
                (at as u32 + 1, run as u32)
            });
        }
    }

    /// A line of a snippet without numbers: the source line, the marks below it, what could be put in.
    fn bare_line(&mut self, line: &str) -> bool {
        let is_marks = line.contains('^') && line.bytes().all(|byte| matches!(byte, b' ' | b'^' | b'~'));
        let next = match self.bare {
            Bare::Source if is_marks || line.ends_with(" generated.") => return false,
            Bare::Source if line.contains("ing directory ") || line.contains(": *** ") => return false,
            Bare::Source if self.source.as_deref().is_some_and(|source| !shows(line, source)) => return false,
            Bare::Source => Bare::Marks,
            Bare::Marks if is_marks => Bare::FixIt,
            Bare::FixIt if line.starts_with(' ') => Bare::Over,
            _ => return false,
        };
        if self.bare == Bare::Marks {
            self.marks(line);
        }
        self.bare = next;
        self.lines += 1;
        keep(&mut self.detail, line);
        true
    }
}

/// Whether a printed line is one of the source, tabs widened and both ends cut as a terminal's width asks for.
fn shows(line: &str, source: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = plain(line);
    let shown = line.trim_start_matches("...").trim_end_matches("...").trim();
    !shown.is_empty() && plain(source).contains(shown)
}

/// The warning that `-Werror=x` or `-Werror,-Wx` made an error of.
fn flag(printed: &str) -> String {
    let last = printed.rsplit(',').next().unwrap_or(printed);
    last.strip_prefix("-Werror=").map_or_else(|| last.to_owned(), |name| format!("-W{name}"))
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
        let template = required().captures(line);
        let is_template = template.is_some();
        if let Some(found) = template.or_else(|| included().captures(line)) {
            let number = |at: usize| found.get(at).and_then(|text| text.as_str().parse().ok());
            let known = self.asked.as_ref().is_some_and(|asked| asked.template);
            // The first place of the workspace is the nearest one.
            if is_template || !known && (self.asked.is_none() || scope.own(&found[1]).is_some()) {
                let at = (found[1].to_owned(), number(2).unwrap_or(0), number(3));
                self.asked = Some(Asked { at, template: is_template });
            }
            return;
        }
        self.asked = None;
        self.flush(scope);
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
