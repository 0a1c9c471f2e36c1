//! JavaScript stack frames, and programs that Node ends with an uncaught error.

use std::sync::LazyLock;

use regex::Regex;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{Place, Related, Severity};

/// Lines of one error that are read.
const MAX_LINES: usize = 300;

/// A position as it was printed: path, line, column in UTF-16 units.
pub(super) type Frame = (String, u32, u32);

/// The position at the end of a line of a stack: `at f (file:///w/a.js:3:5)`, `f (/w/a.js:3:5)`, `at /w/a.js:3:5`.
pub(super) fn frame(line: &str) -> Option<Frame> {
    static FRAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:^|[( ])((?:file://)?[^():\s][^():]*):(\d+):(\d+)\)?[ {]*$").expect("valid"));
    if !line.ends_with([')', '{']) && !line.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let found = FRAME.captures(line.trim_start().strip_prefix("at ").unwrap_or(line.trim_start()))?;
    let path = found[1].strip_prefix("async ").unwrap_or(&found[1]);
    Some((path.replace("%20", " "), found[2].parse().ok()?, found[3].parse().ok()?))
}

/// A place among the workspace's own files.
pub(super) fn own(scope: &mut Scope, (path, line, column): &Frame) -> Option<Place> {
    let file = scope.own(path)?;
    Some(scope.at(file, *line, Some(Column::Utf16(*column)), None))
}

/// The place of a failure among its frames, the deepest first. In a test it is the deepest frame of the test's own file
/// (`test_file`, else the outermost own one); the others are related.
pub(super) fn pick(
    scope: &mut Scope,
    frames: &[Frame],
    in_test: bool,
    test_file: Option<&Place>,
) -> Option<(Place, Vec<Related>)> {
    let mut own: Vec<Place> = frames.iter().filter_map(|frame| self::own(scope, frame)).collect();
    let outermost = own.last()?.file.clone();
    let mut at = 0;
    if in_test {
        let file = test_file.map_or(&outermost, |place| &place.file);
        at = own.iter().position(|place| place.file == *file).unwrap_or(0);
    }
    let place = own.remove(at);
    let mut others: Vec<Related> = Vec::new();
    for other in own {
        if other != place && !others.iter().any(|known| known.place == other) && others.len() < 8 {
            others.push(related(other, "in the stack"));
        }
    }
    Some((place, others))
}

/// One line for an error's text: the first line, with the compared values where they follow on their own line.
pub(super) fn message(lines: &[&str]) -> String {
    let mut lines = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let first = first.replacen(" [ERR_ASSERTION]", "", 1).replacen(" [Error]", "", 1);
    let first = first.strip_prefix("AssertionError: ").unwrap_or(&first);
    match (first.strip_suffix(':'), lines.next()) {
        (Some(short), Some(values))
            if values.contains(" !== ") || values.contains(" != ") || short.ends_with("falsy value") =>
        {
            format!("{first} {values}")
        }
        (Some(short), _) => short.to_owned(),
        (None, _) => first.to_owned(),
    }
}

pub(super) const FORMAT: Format = Format {
    name: "node crash",
    rank: Rank::Tool,
    gate: always,
    starts: &[r"(?:# )?(?:file://)?/[^ ]*:[0-9]+\z", r"(?:# )?node:[^ ]*:[0-9]+\z", r#"(?:#|ℹ) \w+: Test ""#],
    inside: &[],
    new: |_| Box::new(Crashes::default()),
};

/// Reads an uncaught error: `/w/app.js:2`, the source, the error, the stack, `Node.js v20.1.0`.
#[derive(Default)]
pub(super) struct Crashes {
    current: Option<Crash>,
}

#[derive(Default)]
struct Crash {
    /// Where it was thrown, or could not be parsed; the column is that of the caret below.
    at: Frame,
    error: Option<String>,
    frames: Vec<Frame>,
    detail: String,
    lines: usize,
}

expression!(head, r"^((?:file://)?/[^\s:]+|node:\S+):(\d+)$");
expression!(
    afterwards,
    r#"^(?:# |ℹ )\w+: Test "(.*)" at (\S+?):(\d+):(\d+) generated asynchronous activity after the test ended\. This activity created the error "(.*)" and "#
);
expression!(error, r"^(?:Uncaught )?(?:[\w.$]*Error|[\w.$]*Exception)(?: \[[\w-]+\])?(?:: |$)");

impl Crashes {
    fn tell(&mut self, scope: &mut Scope) {
        let Some(crash) = self.current.take() else { return };
        let Some(error) = crash.error else { return };
        let places = pick(scope, &crash.frames, false, None).or_else(|| {
            let file = scope.own(&crash.at.0)?;
            let column = Some(crash.at.2).filter(|&column| column > 0).map(Column::Utf16);
            Some((scope.at(file, crash.at.1, column, None), Vec::new()))
        });
        if let Some((place, others)) = places {
            scope.crashed = true;
            let mut found = problem("node", Severity::Error, place, error);
            found.detail = Some(crash.detail);
            found.related = others;
            scope.problem(found);
        }
    }
}

impl Matcher for Crashes {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if let Some(found) = afterwards().captures(line) {
            let frame = (found[2].to_owned(), found[3].parse().unwrap_or(0), found[4].parse().unwrap_or(0));
            if let Some(place) = own(scope, &frame) {
                // The file's own failure says no more.
                scope.crashed = true;
                let text = format!("{}, after the test {} had ended", &found[5], &found[1]);
                scope.problem(problem("node:test", Severity::Error, place, text));
            }
            return;
        }
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(found) = head().captures(line) {
            let at = (found[1].to_owned(), found[2].parse().unwrap_or(0), 0);
            self.current = Some(Crash { at, ..Crash::default() });
            return;
        }
        let Some(crash) = &mut self.current else { return };
        crash.lines += 1;
        if crash.lines > MAX_LINES {
            self.current = None;
            return;
        }
        if line.starts_with("Node.js v") {
            return self.tell(scope);
        }
        keep(&mut crash.detail, line);
        if crash.error.is_none() {
            if error().is_match(line) {
                crash.error = Some(message(&[line]));
            } else if line.contains('^') && line.bytes().all(|byte| byte == b' ' || byte == b'^') {
                crash.at.2 = line.find('^').unwrap_or(0) as u32 + 1;
            }
        } else if line.trim_start().starts_with("at ") {
            crash.frames.extend(frame(line).filter(|_| crash.frames.len() < 100));
        }
    }

    fn wants_all(&self) -> bool {
        self.current.is_some()
    }

    /// ts-node and other loaders print the error themselves, without Node's version behind it.
    fn end(&mut self, scope: &mut Scope) {
        if self.current.as_ref().is_some_and(|crash| !crash.frames.is_empty()) {
            self.tell(scope);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        for (line, path) in [
            ("    at f (file:///w/a.js:3:5)", Some("file:///w/a.js")),
            ("    at async /w/a.js:3:5", Some("/w/a.js")),
            ("    at Object.<anonymous> (/w/a b.js:3:5) {", Some("/w/a b.js")),
            ("TestContext.<anonymous> (file:///w/a.js:3:5)", Some("file:///w/a.js")),
            ("    at new Promise (<anonymous>)", None),
        ] {
            assert_eq!(frame(line), path.map(|path| (path.to_owned(), 3, 5)), "{line}");
        }
    }

    #[test]
    fn messages() {
        for (lines, text) in [
            (&["AssertionError [ERR_ASSERTION]: not equal:", "", "3 !== 4"][..], "not equal: 3 !== 4"),
            (&["TypeError [Error]: x"][..], "TypeError: x"),
            (&["differs:", "+ actual"][..], "differs"),
        ] {
            assert_eq!(message(lines), text);
        }
    }
}
