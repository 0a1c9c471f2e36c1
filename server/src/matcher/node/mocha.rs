//! mocha: the spec reporter's `✔ name`, `1) name` and `- name` below their suites while it runs (when the command names mocha),
//! `1 passing (58ms)`, `8 failing` and the list of failures that most of its reporters end with.

use std::path::Path;

use super::assertion::difference;
use super::outcome::{ended, failed};
use super::source::TestFinder;
use super::stack::{Frame, frame, message, pick};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::scope::{Runner, Scope, keep};
use crate::problem::{Counts, Place, Related, TestResult, TestStatus};

const TOOL: &str = "mocha";
const RUNNER: Runner = Runner(TOOL);
/// Lines of one failure that are read.
const MAX_LINES: usize = 300;

pub(super) const FORMAT: Format = Format {
    name: "mocha",
    rank: Rank::Runner,
    gate: always,
    starts: &[r"[0-9]+ passing \(", r"[0-9]+ (?:failing|pending)\z", r"[0-9]+\) "],
    inside: &[],
    new: |scope| Box::new(Mocha::new(scope)),
};

pub(super) struct Mocha {
    /// The command names mocha: its lines are read while it runs.
    running: bool,
    expected: bool,
    before: Counts,
    counts: Counts,
    suites: Vec<(usize, String)>,
    finder: TestFinder,
    /// Failures that the list at the end has yet to tell.
    listing: u32,
    /// `N passing` was read, so that the list may come.
    ended: bool,
    failure: Option<Failure>,
    told: u32,
}

struct Failure {
    names: Vec<String>,
    /// Its title may go on.
    titled: bool,
    lines: Vec<String>,
    diff: Vec<String>,
    in_diff: bool,
    frames: Vec<Frame>,
    detail: String,
    taken: usize,
}

expression!(passing, r"^ *(\d+) passing \(.*\)$");
expression!(more, r"^ *(\d+) (failing|pending)$");
expression!(item, r"^ {2,}(\d+)\) (.*)$");
expression!(mark, r"^( {2,})(?:(✔|✓|√) (.*?)(?: \((\d+)ms\))?|(\d+)\) (.*)|- (.*))$");
expression!(hook, r#"^(.*?) ?"(?:before|after)(?: each| all)" hook(?:: .*?)?(?: (?:for|in) "(.*)")?$"#);
expression!(timeout, r"^(.*?exceeded\.).* \((/[^()]+)\)$");

/// The full title that reruns a test, where `title` may be that of a hook of it.
pub(in crate::matcher) fn rerun(title: &str) -> String {
    match hook().captures(title) {
        Some(found) => match found.get(2).map(|test| test.as_str()) {
            Some(test) if !found[1].ends_with(test) => format!("{} {test}", &found[1]).trim().to_owned(),
            _ => found[1].to_owned(),
        },
        None => title.to_owned(),
    }
}

/// The place of a failure: its frames, else the test in `file`, else that file.
pub(super) fn place(
    scope: &mut Scope,
    frames: &[Frame],
    file: Option<&Path>,
    name: &str,
) -> Option<(Place, Vec<Related>)> {
    let file = file.map(Path::to_owned);
    let whole = file.clone().map(|file| scope.whole(file));
    pick(scope, frames, true, whole.as_ref()).or_else(|| {
        let found = file.and_then(|file| TestFinder::default().find_in(scope, &file, &[], name));
        Some((found.or(whole)?, Vec::new()))
    })
}

impl Mocha {
    fn new(scope: &Scope) -> Self {
        let expected = scope.command.mentions("mocha") || scope.command.mentions("_mocha");
        Self {
            running: expected,
            expected,
            before: Counts::default(),
            counts: Counts::default(),
            suites: Vec::new(),
            finder: TestFinder::default(),
            listing: 0,
            ended: false,
            failure: None,
            told: 0,
        }
    }

    fn tell_counts(&self, scope: &mut Scope) {
        scope.counts(RUNNER, self.before + self.counts);
    }

    /// A line while the tests run.
    fn live(&mut self, line: &str, scope: &mut Scope) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if indent < 2 || indent == line.len() {
            return;
        }
        let found = mark().captures(line);
        let number = found.as_ref().and_then(|found| found.get(5)).map(|number| number.as_str().parse());
        if number.is_some_and(|number| number != Ok(self.counts.failed + 1)) {
            // A test may print a list of its own.
            return;
        }
        self.suites.retain(|(open, _)| *open < indent);
        let Some(found) = found else {
            if indent.is_multiple_of(2) && self.suites.len() < 50 {
                self.suites.push((indent, line.trim().to_owned()));
            }
            return;
        };
        let (status, name) = if let Some(name) = found.get(3) {
            (TestStatus::Passed, name.as_str())
        } else if let (Some(_), Some(name)) = (found.get(5), found.get(6)) {
            (TestStatus::Failed, name.as_str())
        } else {
            (TestStatus::Skipped, found.get(7).map_or("", |name| name.as_str()))
        };
        self.counts.count(status);
        self.tell_counts(scope);
        let suites: Vec<&str> = self.suites.iter().map(|(_, suite)| suite.as_str()).collect();
        let id = rerun(&suites.iter().copied().chain([name]).collect::<Vec<_>>().join(" "));
        let place = (status == TestStatus::Failed).then(|| self.finder.find(scope, &suites, name)).flatten();
        let duration_ms = found.get(4).and_then(|time| time.as_str().parse().ok());
        let name = name.to_owned();
        ended(
            TOOL,
            &id.clone(),
            TestResult { id, name, program: None, status, place, duration_ms, message: None },
            scope,
        );
    }

    /// `1 passing (58ms)`, `2 pending`, `8 failing`.
    fn ending(&mut self, line: &str, scope: &mut Scope) -> bool {
        if let Some(found) = passing().captures(line) {
            self.running = false;
            self.suites.clear();
            self.ended = true;
            self.told = 0;
            self.counts = Counts { passed: found[1].parse().unwrap_or(0), ..Counts::default() };
            self.before.passed += self.counts.passed;
            self.counts = Counts::default();
            scope.summary(line);
        } else if let Some(found) = more().captures(line).filter(|_| self.ended) {
            let number: u32 = found[1].parse().unwrap_or(0);
            if &found[2] == "pending" {
                self.before.skipped += number;
            } else {
                self.before.failed += number;
                self.listing = number;
                self.ended = false;
            }
        } else {
            return false;
        }
        self.tell_counts(scope);
        true
    }

    /// The next failure of the list at the end; false when the line is none.
    fn item(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(found) = item().captures(line).filter(|found| found[1].parse() == Ok(self.told + 1)) else {
            return false;
        };
        self.close(scope);
        self.told += 1;
        let title = &found[2];
        let titled = !title.ends_with(':');
        self.failure = Some(Failure {
            names: vec![title.trim_end_matches(':').to_owned()],
            titled,
            lines: Vec::new(),
            diff: Vec::new(),
            in_diff: false,
            frames: Vec::new(),
            detail: String::new(),
            taken: 0,
        });
        true
    }

    fn below(&mut self, line: &str, scope: &mut Scope) {
        let Some(failure) = &mut self.failure else { return };
        failure.taken += 1;
        let text = line.trim();
        if failure.taken > MAX_LINES || text.is_empty() && !failure.frames.is_empty() {
            return self.close(scope);
        }
        if failure.titled {
            failure.titled = !text.ends_with(':') && failure.names.len() < 50;
            failure.names.push(text.trim_end_matches(':').to_owned());
            return;
        }
        keep(&mut failure.detail, line);
        if text.starts_with("at ") {
            failure.frames.extend(frame(line));
        } else if text == "+ expected - actual" {
            failure.in_diff = true;
        } else if failure.in_diff {
            failure.diff.push(text.to_owned());
        } else {
            failure.lines.push(text.to_owned());
        }
    }

    fn close(&mut self, scope: &mut Scope) {
        let Some(failure) = self.failure.take() else { return };
        self.listing = self.listing.saturating_sub(1);
        let lines: Vec<&str> = failure.lines.iter().map(String::as_str).collect();
        let colon = lines.iter().find(|line| !line.is_empty()).is_some_and(|line| line.ends_with(':'));
        let mut text = message(&lines);
        if colon
            && !text.contains(" !== ")
            && let Some(sides) = difference(&failure.diff, true)
        {
            text = format!("{text}: {sides}");
        }
        let text = text.strip_prefix("Error: ").unwrap_or(&text);
        let printed = timeout().captures(text).map(|found| found[2].to_owned());
        let printed = printed.or_else(|| Some(text.split_once("> of file ")?.1.trim().to_owned()));
        let file = printed.as_deref().and_then(|path| scope.own(path));
        let (suites, name) = failure.names.split_at(failure.names.len().saturating_sub(1));
        let Some(name) = name.first() else { return };
        let found = place(scope, &failure.frames, file.as_deref(), name).or_else(|| {
            let suites: Vec<&str> = suites.iter().map(String::as_str).collect();
            Some((self.finder.find(scope, &suites, name)?, Vec::new()))
        });
        let id = rerun(&failure.names.join(" "));
        let place = found.as_ref().map(|(place, _)| place.clone());
        if !self.expected {
            let (status, message) = (TestStatus::Failed, Some(text.to_owned()));
            scope.test_result(TestResult {
                id: id.clone(),
                name: name.clone(),
                program: None,
                status,
                place,
                duration_ms: None,
                message,
            });
        }
        if let Some(at) = found {
            scope.problem(failed(TOOL, at, text, Some(id), failure.detail));
        }
    }
}

impl Matcher for Mocha {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        if self.listing > 0 && self.item(line, scope) {
            return;
        }
        if self.failure.is_some() {
            self.below(line, scope);
        } else if !self.ending(line, scope) && self.running {
            self.live(line, scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.running || self.failure.is_some() || self.listing > 0 && self.expected
    }

    fn end(&mut self, scope: &mut Scope) {
        self.close(scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_rerun_their_test() {
        for (title, id) in [
            ("a \"before each\" hook: connects for \"reads\"", "a reads"),
            ("a \"before all\" hook in \"a\"", "a"),
            ("a \"after each\" hook for \"x\"", "a x"),
            ("plain", "plain"),
        ] {
            assert_eq!(rerun(title), id);
        }
    }
}
