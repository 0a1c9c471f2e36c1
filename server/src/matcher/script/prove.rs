//! Test::More and prove: `#   Failed test 'x'` with its place and both sides, prove's results of files and its counts.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::{count, number};
use crate::matcher::scope::{Runner, Scope, keep, problem};
use crate::problem::{Counts, Severity};

const RUNNER: Runner = Runner("prove");
/// Lines below a failed test.
const MAX_LINES: usize = 50;

pub(super) const FORMAT: Format = Format {
    name: "prove",
    rank: Rank::Runner,
    gate: always,
    starts: &[
        "#   Failed test",
        "# Looks like you failed",
        r"(?:not )?ok [0-9]+.*# (?:skip|SKIP|todo|TODO)",
        r"Failed [0-9]+/[0-9]+ subtests",
        r"\(less [0-9]+ skipped",
        r"Parse errors: Bad plan",
        r"Files=[0-9]+, Tests=[0-9]+",
    ],
    inside: &[],
    new: |_| Box::new(Prove::default()),
};

#[derive(Default)]
struct Prove {
    current: Option<Failed>,
    /// A subtest said how many of its tests failed: what fails next, less indented, is only its parent.
    inner: Option<usize>,
    failed: u32,
    unrun: u32,
    skipped: u32,
    seen_skipped: u32,
    seen_todo: u32,
    before: Counts,
}

struct Failed {
    indent: usize,
    name: String,
    at: Option<(String, u32)>,
    details: Vec<String>,
    detail: String,
    lines: usize,
}

expression!(head, r"^( *)#   Failed test(?: '(.*)')?(?: at (\S+) line (\d+)\.)?$");
expression!(place, r"^ *#   at (\S+) line (\d+)\.$");
expression!(looks, r"^( +)# Looks like you failed ");
expression!(skipped_or_todo, r"^(?:not )?ok \d+.*?# (?i:(skip)|(todo))");
expression!(subtests, r"^Failed (\d+)/\d+ subtests");
expression!(less, r"^\s*\(less (\d+) skipped subtests");
expression!(plan, r"Bad plan\.  You planned (\d+) tests but ran (\d+)\.");
expression!(files, r"^Files=\d+, Tests=(\d+),");

impl Prove {
    fn flush(&mut self, scope: &mut Scope) {
        let Some(failed) = self.current.take() else { return };
        let Some((path, line)) = failed.at else { return };
        let Some(file) = scope.own(&path) else { return };
        let details: Vec<&str> =
            failed.details.iter().map(|it| it.trim()).filter(|it| !it.ends_with("at:")).take(3).collect();
        let mut message = if failed.name.is_empty() { "a test failed".to_owned() } else { failed.name };
        if !details.is_empty() {
            message = format!("{message}: {}", details.join(", "));
        }
        let mut told = problem("prove", Severity::Error, scope.at(file, line, None, None), message);
        told.detail = Some(failed.detail);
        told.test = Some(path);
        scope.problem(told);
    }

    /// Numbers that prove prints about a file, and at the end.
    fn count(&mut self, line: &str, scope: &mut Scope) {
        if let Some(found) = skipped_or_todo().captures(line) {
            if found.get(1).is_some() { self.seen_skipped += 1 } else { self.seen_todo += 1 }
        } else if let Some(found) = subtests().captures(line) {
            self.failed += count(&found, 1);
            let counts = Counts { failed: self.before.failed + self.failed, ..self.before };
            scope.counts(RUNNER, counts);
        } else if let Some(found) = less().captures(line) {
            self.skipped += count(&found, 1);
        } else if let Some(found) = plan().captures(line) {
            self.unrun += count(&found, 1).saturating_sub(count(&found, 2));
        } else if let Some(found) = files().captures(line) {
            let skipped = self.skipped.max(self.seen_skipped) + self.seen_todo;
            let ran = count(&found, 1);
            self.before.passed += ran.saturating_sub(self.failed.saturating_sub(self.unrun)).saturating_sub(skipped);
            self.before.failed += self.failed;
            self.before.skipped += skipped;
            scope.counts(RUNNER, self.before);
            scope.summary(line);
            *self = Self { before: self.before, ..Self::default() };
        }
    }
}

impl Matcher for Prove {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        if let Some(current) = &mut self.current {
            current.lines += 1;
            let text = line.get(current.indent..).filter(|_| line[..current.indent].bytes().all(|byte| byte == b' '));
            let is_place = current.at.is_none();
            if current.lines < MAX_LINES
                && let Some(text) = text
            {
                if is_place && let Some(found) = place().captures(line) {
                    current.at = number(&found, 2).map(|line| (found[1].to_owned(), line));
                    return;
                }
                if let Some(more) = text.strip_prefix("#     ").filter(|_| !is_place) {
                    keep(&mut current.detail, more);
                    current.details.push(more.to_owned());
                    return;
                }
            }
            self.flush(scope);
        }
        if let Some(found) = looks().captures(line) {
            self.inner = Some(found[1].len());
        } else if let Some(found) = head().captures(line) {
            let indent = found[1].len();
            if self.inner.take().is_some_and(|inner| inner > indent) {
                return;
            }
            let at = found.get(3).map(|path| path.as_str().to_owned()).zip(number(&found, 4));
            let name = found.get(2).map_or("", |name| name.as_str()).to_owned();
            self.current = Some(Failed { indent, name, at, details: Vec::new(), detail: String::new(), lines: 0 });
        } else {
            self.count(line, scope);
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
