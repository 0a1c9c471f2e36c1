//! `rustfmt --check` and `cargo fmt --check`: `Diff in FILE:LINE:` and a diff. One problem for each, at its first change.

use std::path::PathBuf;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::Severity;

/// Lines of one diff.
const MAX_LINES: u32 = 10_000;

pub(super) const FORMAT: Format = Format {
    name: "rustfmt",
    rank: Rank::Tool,
    gate: always,
    starts: &["Diff in "],
    inside: &[],
    new: |_| Box::new(Rustfmt::default()),
};

#[derive(Default)]
pub(super) struct Rustfmt {
    diff: Option<Diff>,
}

struct Diff {
    file: Option<PathBuf>,
    /// The number that the next line of the file has.
    next: u32,
    /// The line of the first change.
    changed: Option<u32>,
    /// What rustfmt writes there.
    wanted: Option<String>,
    detail: String,
    lines: u32,
    told: bool,
}

expression!(head, r"^Diff in (.+?)(?: at line |:)(\d+):$");

impl Diff {
    fn tell(&mut self, scope: &mut Scope) {
        let (Some(line), false) = (self.changed, self.told) else { return };
        self.told = true;
        let Some(file) = self.file.take() else { return };
        let message = match self.wanted.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            Some(wanted) => format!("not formatted: rustfmt writes `{wanted}`"),
            None => "not formatted".to_owned(),
        };
        let place = scope.at(file, line, None, None);
        let mut found = problem("rustfmt", Severity::Warning, place, message);
        found.detail = Some(std::mem::take(&mut self.detail));
        scope.problem(found);
    }

    /// False when the line is none of the diff's.
    fn line(&mut self, line: &str, scope: &mut Scope) -> bool {
        self.lines += 1;
        if self.lines > MAX_LINES || !line.is_empty() && !line.starts_with([' ', '+', '-']) {
            return false;
        }
        if line.starts_with(['+', '-']) {
            self.changed.get_or_insert(self.next);
            if let Some(text) = line.strip_prefix('+') {
                self.wanted.get_or_insert(text.to_owned());
            }
        } else if self.changed.is_some() {
            self.tell(scope);
        }
        keep(&mut self.detail, line);
        if !line.starts_with('+') {
            self.next = self.next.saturating_add(1);
        }
        true
    }
}

impl Matcher for Rustfmt {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.diff = None;
            return;
        }
        if let Some(found) = head().captures(line) {
            self.end(scope);
            self.diff = Some(Diff {
                file: scope.own_rust(&found[1]),
                next: found[2].parse().unwrap_or(0),
                changed: None,
                wanted: None,
                detail: String::new(),
                lines: 0,
                told: false,
            });
            return scope.claim();
        }
        let Some(diff) = &mut self.diff else { return };
        if diff.line(line, scope) { scope.claim() } else { self.end(scope) }
    }

    fn wants_all(&self) -> bool {
        self.diff.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.end(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        if let Some(mut diff) = self.diff.take() {
            diff.tell(scope);
        }
    }
}
