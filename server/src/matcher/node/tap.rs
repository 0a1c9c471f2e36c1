//! TAP as `node --test` writes it when no terminal reads: nested `# Subtest`, `not ok 2 - name`, a YAML block with the place
//! and the stack, and the counts at the end.

use super::stack::{Frame, frame, message, own, pick};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::scope::{Runner, Scope, keep, problem};
use crate::problem::{Counts, Place, Severity, TestResult, TestStatus};

const TOOL: &str = "node:test";

pub(super) const FORMAT: Format = Format {
    name: "node tap",
    rank: Rank::Runner,
    gate: always,
    starts: &["TAP version 1"],
    inside: &[],
    new: |_| Box::new(Tap::default()),
};

#[derive(Default)]
pub(super) struct Tap {
    active: bool,
    before: Counts,
    counts: Counts,
    /// Open subtests: name, and whether a test inside of it ended.
    stack: Vec<(String, bool)>,
    failure: Option<Failure>,
    totals: Totals,
}

/// A `not ok` whose YAML block is read.
struct Failure {
    id: String,
    name: String,
    indent: usize,
    open: bool,
    key: String,
    fields: Vec<(String, Vec<String>)>,
    detail: String,
    is_leaf: bool,
}

/// The counts at the end, from `# tests 3` to `# duration_ms 12`; the spec reporter has the same with another mark.
#[derive(Debug, Default)]
pub(super) struct Totals {
    words: Vec<(String, u32)>,
}

impl Totals {
    /// Takes `tests 3` and so on; with `duration_ms` they are complete.
    pub(super) fn take(&mut self, text: &str) -> Option<(Counts, String)> {
        let (word, number) = text.split_once(' ')?;
        if word == "duration_ms" {
            let words = std::mem::take(&mut self.words);
            let get = |name: &str| words.iter().find(|(word, _)| word == name).map(|(_, number)| *number);
            get("tests")?;
            let sum = |names: &[&str]| names.iter().filter_map(|name| get(name)).sum();
            let counts = Counts {
                passed: sum(&["pass"]),
                failed: sum(&["fail", "cancelled"]),
                skipped: sum(&["skipped", "todo"]),
            };
            let parts: Vec<String> = words.iter().map(|(word, number)| format!("{word} {number}")).collect();
            return Some((counts, parts.join(", ")));
        }
        if matches!(word, "tests" | "suites" | "pass" | "fail" | "cancelled" | "skipped" | "todo") {
            if word == "tests" {
                self.words.clear();
            }
            self.words.push((word.to_owned(), number.trim().parse().ok()?));
        }
        None
    }
}

expression!(subtest, r"^( *)# Subtest: (.*)$");
expression!(outcome, r"^( *)(not ok|ok) \d+(?: - (.*?))?(?: # (SKIP|TODO)\b.*)?$");
expression!(field, r"^(\w+):(?: (.*))?$");

impl Tap {
    fn tell_counts(&self, scope: &mut Scope) {
        scope.counts(Runner::NODE, self.before + self.counts);
    }

    fn outcome(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(found) = outcome().captures(line) else { return false };
        self.end_failure(scope);
        let indent = found[1].len();
        let depth = indent / 4;
        let name = found.get(3).map_or("", |name| name.as_str()).replace("\\#", "#");
        self.stack.truncate(depth + 1);
        let has_children = match self.stack.get(depth) {
            Some((open, has_children)) if *open == name => *has_children,
            _ => false,
        };
        self.stack.truncate(depth);
        if let Some((_, has_children)) = self.stack.last_mut() {
            *has_children = true;
        }
        let outer = self.stack.iter().map(|(name, _)| name.as_str());
        let id = outer.chain([name.as_str()]).collect::<Vec<_>>().join(" ");
        let status = match (&found[2], found.get(4)) {
            (_, Some(_)) => TestStatus::Skipped,
            ("ok", None) => TestStatus::Passed,
            _ => TestStatus::Failed,
        };
        if !has_children {
            self.counts.count(status);
            self.tell_counts(scope);
        }
        if status == TestStatus::Failed {
            self.failure = Some(Failure {
                id,
                name,
                indent,
                open: false,
                key: String::new(),
                fields: Vec::new(),
                detail: String::new(),
                is_leaf: !has_children,
            });
        } else if !has_children {
            let test = TestResult { id, name, program: None, status, place: None, duration_ms: None, message: None };
            scope.test_result(test);
        }
        true
    }

    /// A line below `not ok`; false when it is no part of its block.
    fn in_failure(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(failure) = &mut self.failure else { return false };
        let margin = failure.indent + 2;
        let text = match line.get(margin..) {
            Some(text) if line.as_bytes()[..margin].iter().all(|&byte| byte == b' ') => text,
            _ if line.trim().is_empty() && failure.open => "",
            _ => return false,
        };
        match text {
            "---" if !failure.open => failure.open = true,
            "..." => {
                self.end_failure(scope);
            }
            _ if !failure.open => return false,
            text => {
                keep(&mut failure.detail, text);
                if let Some(found) = field().captures(text) {
                    failure.key = found[1].to_owned();
                    let value = found.get(2).map_or("", |value| value.as_str());
                    let lines = if matches!(value, "|-" | "|" | "") { Vec::new() } else { vec![unquoted(value)] };
                    failure.fields.push((found[1].to_owned(), lines));
                } else if let Some((_, lines)) = failure.fields.last_mut().filter(|(_, lines)| lines.len() < 200) {
                    lines.push(text.strip_prefix("  ").unwrap_or(text).to_owned());
                }
            }
        }
        true
    }

    fn end_failure(&mut self, scope: &mut Scope) {
        let Some(failure) = self.failure.take() else { return };
        let get = |name: &str| failure.fields.iter().find(|(key, _)| key == name).map(|(_, lines)| lines.as_slice());
        let first = |name: &str| get(name).and_then(|lines| lines.first()).map_or("", String::as_str);
        let at: Option<Place> = frame(first("location")).and_then(|frame| own(scope, &frame));
        let error: Vec<&str> = get("error").unwrap_or_default().iter().map(String::as_str).collect();
        let mut text = message(&error);
        let name = first("name");
        if !name.is_empty() && name != "AssertionError" && !text.starts_with(name) {
            text = format!("{name}: {text}");
        }
        if failure.is_leaf {
            scope.test_result(TestResult {
                id: failure.id.clone(),
                name: failure.name.clone(),
                program: None,
                status: TestStatus::Failed,
                place: at.clone(),
                duration_ms: first("duration_ms").parse::<f64>().ok().map(|milliseconds| milliseconds as u64),
                message: Some(text.clone()),
            });
        }
        if matches!(first("failureType"), "subtestsFailed") {
            return;
        }
        let is_file = get("exitCode").is_some() || failure.name.starts_with('/');
        if std::mem::take(&mut scope.crashed) && is_file {
            return;
        }
        let frames: Vec<Frame> = get("stack").unwrap_or_default().iter().filter_map(|line| frame(line)).collect();
        let Some((place, others)) = pick(scope, &frames, true, at.as_ref()).or_else(|| Some((at?, Vec::new()))) else {
            return;
        };
        let mut found = problem(TOOL, Severity::Error, place, text);
        found.detail = Some(failure.detail);
        found.related = others;
        found.test = Some(failure.id);
        scope.problem(found);
    }
}

/// A scalar without its quotes.
fn unquoted(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')) {
        inner.replace("''", "'")
    } else if let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        inner.replace("\\\"", "\"").replace("\\n", "\n").replace("\\\\", "\\")
    } else {
        value.to_owned()
    }
}

impl Matcher for Tap {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some_and(|runner| runner != Runner::NODE) {
            return;
        }
        if line.starts_with("TAP version 1") {
            self.active = true;
            scope.inside = Some(Runner::NODE);
            return;
        }
        if !self.active || self.in_failure(line, scope) || self.outcome(line, scope) {
            return;
        }
        if let Some(found) = subtest().captures(line) {
            self.end_failure(scope);
            let depth = found[1].len() / 4;
            self.stack.truncate(depth);
            while self.stack.len() < depth {
                self.stack.push((String::new(), true));
            }
            self.stack.push((found[2].replace("\\#", "#"), false));
        } else if let Some((counts, summary)) = line.strip_prefix("# ").and_then(|text| self.totals.take(text)) {
            self.end_failure(scope);
            self.active = false;
            self.stack.clear();
            scope.inside = None;
            self.counts = Counts::default();
            self.before += counts;
            self.tell_counts(scope);
            scope.summary(&summary);
        }
    }

    fn wants_all(&self) -> bool {
        self.active
    }

    /// What began like this is another program's TAP.
    fn interrupted(&mut self, scope: &mut Scope) {
        if self.stack.is_empty() && self.counts == Counts::default() {
            self.active = false;
            if scope.inside == Some(Runner::NODE) {
                scope.inside = None;
            }
        }
    }

    fn end(&mut self, scope: &mut Scope) {
        self.end_failure(scope);
    }
}
