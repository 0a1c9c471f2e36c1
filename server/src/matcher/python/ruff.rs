//! ruff's usual output: `F401 [*] message`, ` --> file:line:column`, the source with an underline; an empty line ends it.
//! Also `ruff format --check` and its `--diff`, and the annotations and groups of `--output-format`.

use std::path::PathBuf;

use super::lint::severity;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::Severity;

/// Lines of one finding that are read.
const MAX_LINES: u32 = 300;

pub(super) const FORMAT: Format = Format {
    name: "ruff",
    rank: Rank::Tool,
    gate: always,
    starts: &[
        r"[EFWI][0-9]{3,4} ",
        "invalid-syntax: ",
        "unformatted: ",
        "Would reformat: ",
        "::(?:error|warning|notice) title=[Rr]uff ",
    ],
    inside: &[],
    new: |scope| {
        let expected = scope.command.mentions("ruff");
        let formats = expected && scope.command.mentions("format");
        Box::new(Ruff { expected, formats, current: None, group: None, diff: None })
    },
};

pub(super) struct Ruff {
    /// The command names ruff: rules of any letter are looked for.
    expected: bool,
    /// It formats: a difference is a finding.
    formats: bool,
    current: Option<Finding>,
    /// The file whose findings follow, in a table.
    group: Option<PathBuf>,
    /// The file of a difference, until its first changed line, and the line that comes next.
    diff: Option<(PathBuf, u32)>,
}

struct Finding {
    code: String,
    message: String,
    detail: String,
    at: Option<(String, u32, u32)>,
    /// The number of the newest line of the source.
    shown: Option<u32>,
    width: Option<u32>,
    lines: u32,
}

expression!(head, r"^(?:([A-Z]+\d{1,4})|(invalid-syntax|unformatted):)(?: \[[*-]\])? (\S.*)$");
expression!(spot, r"^ *--> (\S.*?)(?::cell \d+)?:(\d+):(\d+)$");
expression!(source, r"^ *(\d+) \| ");
expression!(underline, r"^ *\| ( *)(\^+)\s*$");
expression!(
    annotation,
    r"^::\w+ title=[Rr]uff \(([\w-]+)\),file=([^,]+),line=(\d+)(?:,col=(\d+))?(?:,endLine=(\d+))?(?:,endColumn=(\d+))?::(.*)$"
);
expression!(grouped, r"^ +(\d+):(\d+) +([A-Z]+\d+|invalid-syntax:?) (?:\[[*-]\] )?(\S.*)$");
expression!(hunk, r"^@@ -(\d+)");
expression!(repeated, r"^\S+?:\d+:\d+: (?:[\w-]+:? )?(.*)$");

impl Finding {
    /// False when the line is none of it.
    fn line(&mut self, line: &str) -> bool {
        self.lines += 1;
        let known = line.starts_with([' ', '|', '-']) || line.starts_with(|c: char| c.is_ascii_digit());
        if self.lines > MAX_LINES || !known && !line.starts_with("help: ") && !line.starts_with("note: ") {
            return false;
        }
        keep(&mut self.detail, line);
        if self.at.is_none() {
            let Some(found) = spot().captures(line) else { return false };
            let number = |at: usize| found[at].parse().unwrap_or(0);
            self.at = Some((found[1].to_owned(), number(2), number(3)));
        } else if let Some(found) = source().captures(line) {
            self.shown = found[1].parse().ok();
        } else if let (Some(found), Some((_, at, column))) = (underline().captures(line), &self.at)
            && self.shown == Some(*at)
            && self.width.is_none()
            && found[1].chars().count() as u32 + 1 == *column
        {
            self.width = Some(found[2].len() as u32);
        }
        true
    }

    fn tell(self, scope: &mut Scope) {
        let Some((path, line, column)) = self.at else { return };
        let Some(file) = scope.own(&path) else { return };
        let formatting = self.code == "unformatted";
        let end = self.width.map(|width| Column::Chars(column.saturating_add(width)));
        let place = if formatting {
            scope.at(file, line, None, None)
        } else {
            scope.at(file, line, Some(Column::Chars(column)), end)
        };
        let message = if formatting { "not formatted: ruff would reformat the file".to_owned() } else { self.message };
        let mut found = problem("ruff", severity(&self.code), place, message);
        found.code = Some(self.code).filter(|_| !formatting);
        found.detail = Some(self.detail);
        scope.problem(found);
    }
}

impl Ruff {
    fn close(&mut self, scope: &mut Scope) {
        if let Some(current) = self.current.take() {
            current.tell(scope);
        }
    }

    fn annotation(line: &str, scope: &mut Scope) {
        let Some(found) = annotation().captures(line) else { return };
        scope.claim();
        let Some(file) = scope.own(&found[2]) else { return };
        let number = |at: usize| found.get(at).and_then(|text| text.as_str().parse::<u32>().ok());
        let one_line = number(5).is_none_or(|end| Some(end) == number(3));
        let end = number(6).filter(|_| one_line).map(Column::Chars);
        let place = scope.at(file, number(3).unwrap_or(0), number(4).map(Column::Chars), end);
        let text = found[7].split("%0A").next().unwrap_or_default();
        let text = repeated().captures(text).map_or(text, |found| found.get(1).map_or("", |text| text.as_str()));
        let mut told = problem("ruff", severity(&found[1]), place, text);
        told.code = Some(found[1].to_owned());
        scope.problem(told);
    }
}

impl Ruff {
    /// A row of `--output-format=grouped`, below its file; false when it is none.
    fn row(&mut self, line: &str, scope: &mut Scope) -> bool {
        if !line.starts_with(' ') {
            self.group = line.strip_suffix(':').filter(|path| !path.contains(' ')).and_then(|path| scope.own(path));
            return self.group.is_some();
        }
        let (Some(file), Some(found)) = (&self.group, grouped().captures(line)) else { return false };
        let number = |at: usize| found[at].parse().unwrap_or(0);
        let code = found[3].trim_end_matches(':');
        let place = scope.at(file.clone(), number(1), Some(Column::Chars(number(2))), None);
        let mut told = problem("ruff", severity(code), place, &found[4]);
        told.code = Some(code.to_owned());
        scope.problem(told);
        true
    }

    /// A line of what `ruff format --diff` would change: a file is told once, at its first change.
    fn change(&mut self, line: &str, scope: &mut Scope) {
        if let Some(path) = line.strip_prefix("--- ") {
            self.diff = scope.own(path.split('\t').next().unwrap_or(path)).map(|file| (file, 0));
        } else if let Some((file, at)) = &mut self.diff {
            if let Some(found) = hunk().captures(line) {
                *at = found[1].parse().unwrap_or(0);
            } else if *at > 0 && line.starts_with(['-', '+']) {
                let place = scope.at(std::mem::take(file), *at, None, None);
                scope.problem(problem("ruff", Severity::Warning, place, "not formatted: ruff would reformat the file"));
                self.diff = None;
            } else {
                *at = at.saturating_add(u32::from(*at > 0));
            }
        }
    }
}

impl Matcher for Ruff {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        if let Some(current) = &mut self.current {
            if current.line(line) {
                return scope.claim();
            }
            self.close(scope);
        }
        if line.starts_with("::") {
            Self::annotation(line, scope);
        } else if let Some(path) = line.strip_prefix("Would reformat: ") {
            if let Some(file) = scope.own(path) {
                let place = scope.whole(file);
                scope.problem(problem("ruff", Severity::Warning, place, "not formatted: ruff would reformat the file"));
            }
        } else if let Some(found) = head().captures(line) {
            let code = found.get(1).or(found.get(2)).map_or("", |code| code.as_str());
            self.current = Some(Finding {
                code: code.to_owned(),
                message: found[3].to_owned(),
                detail: line.to_owned(),
                at: None,
                shown: None,
                width: None,
                lines: 0,
            });
        } else if self.formats {
            self.change(line, scope);
        } else if self.expected && self.row(line, scope) {
            scope.claim();
        }
    }

    fn wants_all(&self) -> bool {
        self.expected || self.current.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.close(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.close(scope);
    }
}
