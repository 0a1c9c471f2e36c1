//! AVA: `✔ name` and `✘ [fail]: name` while it runs, and behind `─` each failure with its file, difference and place. Its marks are
//! other runners' too, so it is read when the command names it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::assertion::difference;
use super::source::TestFinder;
use super::stack::{Frame, frame, message, pick};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank};
use crate::matcher::scope::{Runner, Scope, keep, problem};
use crate::problem::{Counts, Severity, TestResult, TestStatus};

const TOOL: &str = "ava";
const RUNNER: Runner = Runner(TOOL);
/// Lines of one failure that are read.
const MAX_LINES: usize = 300;

pub(super) const FORMAT: Format = Format {
    name: "ava",
    rank: Rank::Runner,
    gate: |command| command.mentions("ava"),
    starts: &["(?:✔|✘|-) ", "─", "Uncaught exception in "],
    inside: &[],
    new: |_| Box::new(Ava::default()),
};

#[derive(Default)]
pub(super) struct Ava {
    counts: Counts,
    failed: HashSet<String>,
    listing: bool,
    failure: Option<Failure>,
    /// An exception outside of tests: the file of tests, and what is printed about it.
    uncaught: Option<Failure>,
}

struct Failure {
    name: String,
    lines: Vec<String>,
    frames: Vec<Frame>,
    detail: String,
}

expression!(
    mark,
    r"^ +(?:(✔)|✘ \[(?:fail|unexpected pass)\]:|(- \[(?:skip|todo)\]|✔ \[expected fail\])) (.*?)(?: \((\d+(?:\.\d+)?)(m?s)\))?$"
);
expression!(at, r"^› (?:.*\()?(?:file://)?([^():]+):(\d+):(\d+)\)?$");

impl Ava {
    fn mark(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = mark().captures(line) else { return };
        let mut name = found[3].to_owned();
        let status = if found.get(2).is_some() || name.starts_with("[expected fail] ") {
            self.counts.skipped += 1;
            TestStatus::Skipped
        } else if found.get(1).is_some() {
            self.counts.passed += 1;
            TestStatus::Passed
        } else {
            self.counts.failed += 1;
            name = name.strip_suffix(" Error thrown in test").unwrap_or(&name).to_owned();
            if self.failed.len() < 10_000 {
                self.failed.insert(name.clone());
            }
            TestStatus::Failed
        };
        scope.counts(RUNNER, self.counts);
        scope.test_result(TestResult {
            id: id(&name),
            name,
            program: None,
            status,
            place: None,
            duration_ms: None,
            message: None,
        });
    }

    /// True once for a failed test. Its mark may have the assertion's message behind its title.
    fn is_failed(&mut self, title: &str) -> bool {
        if self.failed.remove(title) {
            return true;
        }
        let marked = |mark: &&String| mark.strip_prefix(title).is_some_and(|rest| rest.starts_with(' '));
        let Some(mark) = self.failed.iter().find(marked).filter(|_| !title.is_empty()).cloned() else { return false };
        self.failed.remove(&mark)
    }

    fn below(&mut self, line: &str, scope: &mut Scope) {
        let text = line.trim();
        if line.starts_with("  ") && !line.starts_with("   ") && self.is_failed(text) {
            self.close(scope);
            let (lines, frames, detail) = (Vec::new(), Vec::new(), String::new());
            self.failure = Some(Failure { name: text.to_owned(), lines, frames, detail });
            return;
        }
        if text == "─" {
            self.close(scope);
            self.listing = false;
            return;
        }
        let Some(failure) = self.failure.as_mut().filter(|failure| failure.lines.len() < MAX_LINES) else { return };
        keep(&mut failure.detail, line);
        if let Some(found) = at().captures(text) {
            let (line, column) = (found[2].parse().unwrap_or(0), found[3].parse().unwrap_or(0));
            failure.frames.push((found[1].to_owned(), line, column));
        } else if text.starts_with("at ") {
            failure.frames.extend(frame(line));
        } else {
            failure.lines.push(text.to_owned());
        }
    }

    /// A line about an exception outside of tests; false for the one that ends it.
    fn outside(&mut self, line: &str, scope: &mut Scope) -> bool {
        let text = line.trim();
        if let Some(name) = text.strip_prefix("Uncaught exception in ") {
            self.end_outside(scope);
            let (lines, frames, detail) = (Vec::new(), Vec::new(), String::new());
            self.uncaught = Some(Failure { name: name.to_owned(), lines, frames, detail });
            return true;
        }
        let Some(failure) = &mut self.uncaught else { return false };
        if text.starts_with(['✘', '✔', '─', '-']) || failure.lines.len() >= MAX_LINES {
            self.end_outside(scope);
            return false;
        }
        keep(&mut failure.detail, line);
        if text.starts_with("at ") {
            failure.frames.extend(frame(line))
        } else {
            failure.lines.push(text.to_owned())
        }
        true
    }

    fn end_outside(&mut self, scope: &mut Scope) {
        let Some(failure) = self.uncaught.take() else { return };
        let Some(error) = failure.lines.iter().find(|line| !line.is_empty()) else { return };
        let whole = |scope: &mut Scope| {
            let file = scope.own(&failure.name)?;
            let place = match import(scope, &file, error) {
                Some(line) => scope.at(file, line, None, None),
                None => scope.whole(file),
            };
            Some((place, Vec::new()))
        };
        let Some((place, related)) = pick(scope, &failure.frames, true, None).or_else(|| whole(scope)) else { return };
        let mut found = problem(TOOL, Severity::Error, place, message(&[error.as_str()]));
        found.detail = Some(failure.detail.clone());
        found.related = related;
        scope.problem(found);
    }

    fn close(&mut self, scope: &mut Scope) {
        let Some(failure) = self.failure.take() else { return };
        let title = id(&failure.name);
        // `salt › adds` is the file's name and the test's.
        let mut finder = TestFinder::default();
        let in_named = || finder.find_in_named(scope, failure.name.rsplit(" › ").nth(1)?, &title);
        let found = in_named().or_else(|| finder.find(scope, &[], &title)).map(|place| (place, Vec::new()));
        let Some((place, related)) = pick(scope, &failure.frames, true, None).or(found) else { return };
        let differs = failure.lines.iter().position(|line| line.starts_with("Difference ("));
        let difference = differs.and_then(|at| difference(&failure.lines[at + 1..], true));
        let thrown =
            failure.lines.iter().rfind(|line| line.split(": ").next().is_some_and(|word| word.ends_with("Error")));
        let plain = || failure.lines.iter().find(|line| !line.is_empty() && !line.contains(':'));
        // The author's message stands in front of the difference.
        let label = differs.and_then(|at| failure.lines[..at].iter().rfind(|line| !line.is_empty()));
        let label = label.filter(|line| !is_excerpt(line));
        let difference = difference.map(|text| label.map_or(text.clone(), |label| format!("{label}: {text}")));
        let text = difference
            .or_else(|| Some(message(&[thrown?.as_str()])))
            .or_else(|| labelled(&failure.lines))
            .or_else(|| Some(message(&[plain()?.as_str()])))
            .unwrap_or_else(|| "failed".to_owned());
        let mut found = problem(TOOL, Severity::Error, place, text);
        found.test = Some(id(&failure.name));
        found.detail = Some(failure.detail);
        found.related = related;
        scope.problem(found);
    }
}

/// `Value must match expression: 'a', Regular expression: /b/`: each label with what stands below it, behind the author's
/// message where there is one. `None` where no line ends as a label does.
fn labelled(lines: &[String]) -> Option<String> {
    let mut lines = lines.iter().filter(|line| !line.is_empty() && !is_excerpt(line));
    let (mut said, mut parts) = (None, Vec::new());
    while let Some(line) = lines.next() {
        if !line.ends_with(':') {
            // What a value has below its first line follows the first label.
            said = said.or(Some(line).filter(|_| parts.is_empty()));
            continue;
        }
        let value = lines.next()?;
        let value = match value.strip_suffix(" {") {
            // An error says its class first, then its message.
            Some(class) => {
                let text = lines.clone().find_map(|line| line.strip_prefix("message: '")?.strip_suffix("',"));
                text.map_or_else(|| class.to_owned(), |text| format!("{class}: {text}"))
            }
            None => value.clone(),
        };
        parts.push(format!("{line} {value}"));
    }
    let parts = Some(parts.join(", ")).filter(|parts| !parts.is_empty())?;
    Some(said.map_or(parts.clone(), |said| format!("{said}: {parts}")))
}

/// A line of the source that AVA shows, or the place above it.
fn is_excerpt(line: &str) -> bool {
    static EXCERPT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(?:\d+:|\S+:\d+$)").expect("valid"));
    EXCERPT.is_match(line)
}

/// The line of `file` that imports the module that was not found.
fn import(scope: &Scope, file: &Path, error: &str) -> Option<u32> {
    let module = error.split('\'').nth(1)?.rsplit('/').next()?;
    let text = scope.files.read(file)?;
    let at =
        text.lines().position(|line| line.contains(module) && (line.contains("import") || line.contains("require")))?;
    u32::try_from(at + 1).ok()
}

/// What `--match` takes: the title without the file's name.
fn id(name: &str) -> String {
    name.rsplit(" › ").next().unwrap_or(name).to_owned()
}

impl Matcher for Ava {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        if self.outside(line, scope) {
        } else if self.listing {
            self.below(line, scope);
        } else if line.trim() == "─" {
            self.listing = !self.failed.is_empty();
        } else {
            self.mark(line, scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.listing || self.uncaught.is_some()
    }

    fn end(&mut self, scope: &mut Scope) {
        self.end_outside(scope);
        self.close(scope);
    }
}
