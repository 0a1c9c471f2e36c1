//! Panics of Rust programs, in the format since 1.73 (`thread 'main' (12) panicked at src/main.rs:3:5:` and the message on
//! the next lines) and the one before (`panicked at 'message', src/main.rs:3:5`). [`PanicReader`] reads them for libtest
//! too; the matcher here tells those of programs that are no test.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Runner, Scope, keep, problem, related};
use crate::problem::{Place, Problem, Severity};

/// Lines of a panic that are read: longer messages and backtraces are cut.
const MAX_LINES: usize = 400;

/// A position as it was printed.
pub(super) type Printed = (String, u32, u32);

/// One panic.
#[derive(Clone, Debug, Default)]
pub(super) struct Panic {
    pub(super) thread: String,
    at: Option<Printed>,
    /// One line.
    pub(super) message: String,
    detail: String,
    frames: Vec<Printed>,
    lines: usize,
    reading: Reading,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reading {
    /// The old format, whose message goes on over lines and ends with the place.
    Quoted,
    #[default]
    Message,
    Backtrace,
}

/// Reads panics out of a stream of lines.
#[derive(Debug, Default)]
pub(super) struct PanicReader {
    current: Option<Panic>,
}

fn head() -> &'static Regex {
    static HEAD: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"thread '([^']*)' (?:\(\d+\) )?panicked at (?:'(.*)|([^\n']+?):(\d+):(\d+):?)$").expect("valid")
    });
    &HEAD
}

fn quoted_end() -> &'static Regex {
    static END: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(.*)', (.+?):(\d+):(\d+)$").expect("valid"));
    &END
}

/// `at ./src/lib.rs:3:5` of a backtrace.
fn frame() -> &'static Regex {
    static FRAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s+at (.+?):(\d+)(?::(\d+))?$").expect("valid"));
    &FRAME
}

fn number(text: Option<regex::Match<'_>>) -> u32 {
    text.and_then(|text| text.as_str().parse().ok()).unwrap_or(0)
}

impl PanicReader {
    /// True while a panic's lines go on.
    pub(super) fn is_reading(&self) -> bool {
        self.current.is_some()
    }

    /// Takes a line; a panic is handed over when its last line was the one before, or is this one.
    pub(super) fn line(&mut self, line: &str) -> Option<Panic> {
        if line.contains("panicked at ")
            && let Some(found) = head().captures(line)
        {
            let before = self.current.take();
            let mut panic = Panic { thread: found[1].to_owned(), ..Panic::default() };
            if let Some(quoted) = found.get(2) {
                panic.reading = Reading::Quoted;
                self.current = Some(panic);
                self.quoted(quoted.as_str());
            } else {
                panic.at = Some((found[3].to_owned(), number(found.get(4)), number(found.get(5))));
                self.current = Some(panic);
            }
            return before;
        }
        let panic = self.current.as_mut()?;
        panic.lines += 1;
        if panic.lines > MAX_LINES {
            return self.current.take();
        }
        match panic.reading {
            Reading::Quoted => {
                self.quoted(line);
                None
            }
            _ if line == "stack backtrace:" => {
                panic.reading = Reading::Backtrace;
                None
            }
            Reading::Backtrace => {
                if let Some(found) = frame().captures(line) {
                    panic.frames.push((found[1].to_owned(), number(found.get(2)), number(found.get(3))));
                    return None;
                }
                let goes_on = line.starts_with("   ");
                if goes_on { None } else { self.current.take() }
            }
            Reading::Message if line.starts_with("note: ") || line.is_empty() && !panic.message.is_empty() => {
                self.current.take()
            }
            Reading::Message => {
                panic.text(line);
                None
            }
        }
    }

    fn quoted(&mut self, text: &str) {
        let Some(panic) = &mut self.current else { return };
        match quoted_end().captures(text) {
            Some(found) => {
                panic.text(&found[1]);
                panic.at = Some((found[2].to_owned(), number(found.get(3)), number(found.get(4))));
                panic.reading = Reading::Message;
            }
            None => panic.text(text),
        }
    }

    /// The panic whose message is complete, though its backtrace may follow.
    fn ready(&self) -> Option<&Panic> {
        let complete = |panic: &&Panic| {
            let compares = panic.message.starts_with("assertion `left");
            panic.reading == Reading::Message
                && !panic.message.is_empty()
                && (!compares || panic.message.contains("right: "))
        };
        self.current.as_ref().filter(complete)
    }

    /// No line of this panic follows.
    pub(super) fn finish(&mut self) -> Option<Panic> {
        self.current.take()
    }
}

impl Panic {
    fn text(&mut self, line: &str) {
        keep(&mut self.detail, line);
        let side = line.trim().trim_end_matches(',');
        if self.message.is_empty() {
            self.message = line.trim().trim_end_matches(',').to_owned();
        } else if side.starts_with("left: ") {
            self.message.push_str(": ");
            self.message.push_str(side);
        } else if side.starts_with("right: ") {
            self.message.push_str(", ");
            self.message.push_str(side);
        }
    }

    /// The workspace's own place of the panic, else of the deepest own frame of its backtrace. `package` is the folder of the
    /// package that ran: `./` in a backtrace is there, and not where cargo was started.
    pub(super) fn place(&self, scope: &mut Scope, package: Option<&Path>) -> Option<Place> {
        let printed = self.at.as_ref().and_then(|printed| own(scope, printed));
        printed.or_else(|| self.frames.iter().find_map(|frame| own_frame(scope, frame, package)))
    }

    /// The panic as a problem, at `place`; the other own places of the stack are related.
    pub(super) fn problem(&self, scope: &mut Scope, place: Place, tool: &str, package: Option<&Path>) -> Problem {
        let mut found = problem(tool, Severity::Error, place, self.message.clone());
        found.detail = Some(self.detail.clone());
        for printed in self.frames.iter().take(50) {
            if let Some(place) = own_frame(scope, printed, package) {
                let known = place == found.place || found.related.iter().any(|related| related.place == place);
                if !known && found.related.len() < 8 {
                    found.related.push(related(place, "called here"));
                }
            }
        }
        found
    }
}

fn own(scope: &mut Scope, (path, line, column): &Printed) -> Option<Place> {
    let file = scope.own_rust(path)?;
    Some(scope.at(file, *line, Some(Column::Chars(*column)), None))
}

fn own_frame(scope: &mut Scope, printed: &Printed, package: Option<&Path>) -> Option<Place> {
    let (Some(package), Some(inside)) = (package, printed.0.strip_prefix("./")) else { return own(scope, printed) };
    let file = package.join(inside);
    let path = file.to_str().filter(|_| scope.files.is_file(&file))?;
    own(scope, &(path.to_owned(), printed.1, printed.2))
}

/// The folder of the package that a source belongs to.
pub(super) fn package_of(scope: &Scope, source: &Path) -> Option<PathBuf> {
    let folders = source.ancestors().skip(1).take_while(|folder| folder.starts_with(&scope.root));
    let mut packages = folders.filter(|folder| scope.files.is_file(&folder.join("Cargo.toml")));
    packages.next().map(Path::to_path_buf)
}

pub(super) const FORMAT: Format = Format {
    name: "rust panic",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[Inside { words: &["panicked at "], text: r"" }],
    new: |_| Box::new(Panics::default()),
};

/// Panics outside of tests.
#[derive(Default)]
pub(super) struct Panics {
    reader: PanicReader,
}

impl Panics {
    fn tell(panic: &Panic, scope: &mut Scope) {
        if let Some(place) = panic.place(scope, None) {
            let problem = panic.problem(scope, place, "rust", None);
            scope.problem(problem);
        }
    }
}

impl Matcher for Panics {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside == Some(Runner::LIBTEST) {
            self.reader.finish();
            return;
        }
        if let Some(panic) = self.reader.line(line) {
            Self::tell(&panic, scope);
        }
        // A server may be silent after it; what is told again at the end of the panic is dropped as known.
        if let Some(panic) = self.reader.ready() {
            Self::tell(panic, scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.reader.is_reading()
    }

    fn end(&mut self, scope: &mut Scope) {
        if let Some(panic) = self.reader.finish() {
            Self::tell(&panic, scope);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::matcher::Origin;
    use crate::matcher::tree::Tree;

    /// Two packages, of which the output entered the other one first.
    #[test]
    fn a_backtrace_starts_in_the_package_that_ran() {
        let files = Tree(&[
            ("/w/cart/Cargo.toml", ""),
            ("/w/cart/src/lib.rs", ""),
            ("/w/till/Cargo.toml", ""),
            ("/w/till/src/lib.rs", ""),
        ]);
        let origin = Origin { command: "cargo test".into(), cwd: "/w".into(), root: "/w".into() };
        let mut scope = Scope::new(&origin, Arc::new(files));
        scope.enter(Path::new("cart"));
        let text = "thread 'adds' panicked at till/src/lib.rs:7:9:\nboom\nstack backtrace:\n   4: adds\n             at ./src/lib.rs:7:9\n   5: call\n             at ./src/lib.rs:6:14\n   6: more\n             at ./src/more.rs:1:1\n";
        let panic = read(text);
        let package = package_of(&scope, Path::new("/w/till/src/lib.rs"));
        assert_eq!(package.as_deref(), Some(Path::new("/w/till")));
        let place = panic.place(&mut scope, package.as_deref()).expect("it is the workspace's");
        let found = panic.problem(&mut scope, place, "cargo test", package.as_deref());
        let related: Vec<_> = found.related.iter().map(|it| (it.place.file.to_str(), it.place.line)).collect();
        assert_eq!(related, [(Some("/w/till/src/lib.rs"), Some(6))]);
    }

    fn read(text: &str) -> Panic {
        let mut reader = PanicReader::default();
        text.lines().find_map(|line| reader.line(line)).or_else(|| reader.finish()).expect("a panic")
    }

    #[test]
    fn formats() {
        for (text, thread, at, message) in [
            ("thread 'a' panicked at src/a.rs:3:5:\nboom\n", "a", ("src/a.rs", 3, 5), "boom"),
            ("thread 'a' (77) panicked at src/a.rs:3:5:\nboom\nnote: run", "a", ("src/a.rs", 3, 5), "boom"),
            ("thread 'a' panicked at 'boom', src/a.rs:3:5", "a", ("src/a.rs", 3, 5), "boom"),
            (
                "thread 'a' panicked at 'assertion failed: `(left == right)`\n  left: `1`,\n right: `2`', src/a.rs:3:5",
                "a",
                ("src/a.rs", 3, 5),
                "assertion failed: `(left == right)`: left: `1`, right: `2`",
            ),
            (
                "thread '<unnamed>' panicked at src/a.rs:3:5:\nassertion `left == right` failed\n  left: 1\n right: 2\n",
                "<unnamed>",
                ("src/a.rs", 3, 5),
                "assertion `left == right` failed: left: 1, right: 2",
            ),
        ] {
            let panic = read(text);
            assert_eq!(panic.thread, thread);
            assert_eq!(panic.at, Some((at.0.to_owned(), at.1, at.2)));
            assert_eq!(panic.message, message);
        }
    }
}
