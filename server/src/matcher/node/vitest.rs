//! Vitest: each file's line with its counts, below it (or with `verbose`) its tests while it runs, and after `Failed Suites` and
//! `Failed Tests` each failure with its message, difference, code and stack. Versions differ in what they indent and whether
//! they print suites with a test: the source tells.

use std::path::PathBuf;

use super::assertion::{difference, is_code};
use super::outcome::{Error, ended, failed, numbers};
use super::source::{TestFinder, id};
use super::stack::{Frame, message, pick};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::milliseconds;
use crate::matcher::place::Column;
use crate::matcher::scope::{Runner, Scope, keep};
use crate::problem::{Counts, CyclePhase, TestResult, TestStatus, Watcher};

const TOOL: &str = "vitest";
const RUNNER: Runner = Runner(TOOL);
/// Lines of one failure that are read.
const MAX_LINES: usize = 300;

pub(super) const FORMAT: Format = Format {
    name: "vitest",
    rank: Rank::Runner,
    gate: always,
    starts: &[
        "(?:RUN|DEV|RERUN) +[vxt/a-z]",
        "(?:✓|❯|×|↓|□) ",
        "FAIL ",
        "(?:PASS|CANCELLED) .*file changes",
        "⎯{3,}",
        "Tests +[0-9n]",
        "Duration +[0-9]",
        r"std(?:out|err) \| ",
    ],
    inside: &[],
    new: |_| Box::new(Vitest::default()),
};

#[derive(Default)]
pub(super) struct Vitest {
    /// `RUN v4.1.0 /w` was read.
    active: bool,
    before: Counts,
    counts: Counts,
    /// The file whose tests are listed.
    file: Option<(String, PathBuf)>,
    finder: TestFinder,
    /// Below a heading of failures.
    listing: bool,
    failure: Option<Failure>,
}

#[derive(Default)]
struct Failure {
    /// What failed with this error: file, and suites and test.
    heads: Vec<(String, Vec<String>)>,
    error: Error,
    /// Of a file that could not be compiled.
    broken: Option<Frame>,
}

expression!(run, r"^ ?(?:RUN|DEV) +v\d\S* +(\S.*?)$");
// The name of a project may stand in front of a file, between bars or, coloured, between spaces.
expression!(file_line, r"^ ?(?:✓|❯|×|↓) (?:.{1,60}? )??(\S+\.[cm]?[jt]sx?) \((\d+) tests?(?: \| ([^)]*))?\)");
expression!(
    test_line,
    r"^( +)(✓|×|↓|□) (?:\|[^|]*\| )?(.*?)(?: \(retry x\d+\)| \(repeat x\d+\))*(?: (\d+(?:\.\d+)?)(m?s))?$"
);
expression!(fail, r"^ ?FAIL {1,2}(?:.{1,60}? )??(\S+\.[cm]?[jt]sx?)(?: > (.*)| \[ .* \])$");
expression!(spot, r"^(.*?):(\d+):(\d+)$");
expression!(broken, r"^╭─\[ ?(\S+):(\d+):(\d+) ?\]$");
expression!(transform, r"^(/[^:]+):(\d+):(\d+): ERROR: (.*)$");
expression!(file_at, r"^File: ([^:]+)(?::(\d+):(\d+))?$");

impl Vitest {
    fn tell_counts(&self, scope: &mut Scope) {
        scope.counts(RUNNER, self.before + self.counts);
    }

    fn begin(&mut self, root: &str, scope: &mut Scope) {
        self.before += self.counts;
        (self.counts, self.active, self.listing) = (Counts::default(), true, false);
        scope.rooted(std::path::Path::new(root));
        scope.inside = Some(RUNNER);
    }

    /// `❯ test/a.test.ts (12 tests | 7 failed) 66ms`.
    fn file_line(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(found) = file_line().captures(line) else { return false };
        let mut counts = numbers(found.get(3).map_or("", |parts| parts.as_str()));
        counts.passed = found[2].parse::<u32>().unwrap_or(0).saturating_sub(counts.failed + counts.skipped);
        self.counts += counts;
        self.tell_counts(scope);
        self.file = scope.own(&found[1]).map(|path| (found[1].to_owned(), path));
        true
    }

    /// `   × adds wrongly 6ms`, `   × cart > adds 6ms`, `   × test/a.test.ts > cart > adds 6ms`.
    fn test_line(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = test_line().captures(line) else { return };
        let status = match &found[2] {
            "✓" => TestStatus::Passed,
            "×" => TestStatus::Failed,
            _ => TestStatus::Skipped,
        };
        let mut names: Vec<String> = found[3].split(" > ").map(str::to_owned).collect();
        // A project's name may stand before it.
        let first = names[0].rsplit(' ').next().unwrap_or_default().to_owned();
        let extension = first.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_source = matches!(extension, "js" | "ts" | "jsx" | "tsx" | "mjs" | "mts" | "cjs" | "cts");
        let verbose = names.len() > 1 && is_source && (first == names[0] || scope.own(&first).is_some());
        let file = if verbose {
            names.remove(0);
            let printed = first;
            scope.own(&printed).map(|path| (printed, path))
        } else {
            self.file.clone()
        };
        let Some((printed, path)) = file else { return };
        let depth = (found[1].len().saturating_sub(3)) / 2;
        if !verbose && depth > 0 {
            // Below its suites a name stands alone.
            names = vec![found[3].to_owned()];
        }
        if !verbose && names.len() == 1 && depth > 0 {
            match self.finder.suites(scope, &path, &names[0]).filter(|suites| suites.len() == depth) {
                Some(suites) => drop(names.splice(0..0, suites)),
                None => return,
            }
        }
        let names = self.finder.regrouped(scope, &path, names, " > ");
        if verbose {
            self.counts.count(status);
            self.tell_counts(scope);
        }
        let id = id(&printed, &names);
        let (name, suites) = names.split_last().map_or(("", &[][..]), |(name, suites)| (name.as_str(), suites));
        let suites: Vec<&str> = suites.iter().map(String::as_str).collect();
        let place = (status == TestStatus::Failed).then(|| self.finder.find_in(scope, &path, &suites, name)).flatten();
        let duration_ms = milliseconds(&found, 4, 5);
        let name = name.to_owned();
        ended(
            TOOL,
            &names.join(" "),
            TestResult { id, name, program: None, status, place, duration_ms, message: None },
            scope,
        );
    }

    fn tests(&mut self, line: &str, scope: &mut Scope) {
        self.counts = numbers(line);
        self.tell_counts(scope);
        scope.summary(line);
    }

    /// ` FAIL  test/a.test.ts > cart > adds`.
    fn fail(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = fail().captures(line) else { return };
        let names = found.get(2).map_or(Vec::new(), |names| names.as_str().split(" > ").map(str::to_owned).collect());
        let head = (found[1].to_owned(), names);
        match &mut self.failure {
            // One error of several tests.
            Some(failure) if failure.error.lines.is_empty() && failure.heads.len() < 1_000 => failure.heads.push(head),
            _ => {
                self.close(scope);
                self.failure = Some(Failure { heads: vec![head], ..Failure::default() });
            }
        }
    }

    fn below(&mut self, line: &str) {
        let Some(Failure { error, broken: at, .. }) = &mut self.failure else { return };
        if !error.has_room(MAX_LINES) {
            return;
        }
        let text = line.trim();
        keep(&mut error.detail, line);
        if let Some(place) = text.strip_prefix("❯ ") {
            error.frames.extend(place.rsplit(' ').next().and_then(position));
        } else if let Some(found) = broken().captures(text) {
            *at = position(&format!("{}:{}:{}", &found[1], &found[2], &found[3]));
        } else if let Some(found) = transform().captures(text) {
            let column = found[3].parse::<u32>().unwrap_or(0).saturating_add(1);
            *at = Some((found[1].to_owned(), found[2].parse().unwrap_or(0), column));
            error.lines.push(found[4].to_owned());
        } else if let Some(found) = file_at().captures(text) {
            let number = |at: usize| found.get(at).and_then(|number| number.as_str().parse().ok()).unwrap_or(0);
            let column = if found.get(3).is_some() { number(3) + 1 } else { 0 };
            at.get_or_insert((found[1].to_owned(), number(2), column));
        } else if !is_code(line) {
            error.lines.push(text.to_owned());
        }
    }

    fn close(&mut self, scope: &mut Scope) {
        let Some(Failure { heads, error, broken }) = self.failure.take() else { return };
        if error.lines.iter().all(String::is_empty) {
            return;
        }
        let text = one_line(&error.lines);
        if heads.is_empty() {
            // An error outside of every test.
            let Some(at) = pick(scope, &error.frames, false, None) else { return };
            return scope.problem(failed(TOOL, at, text, None, error.detail));
        }
        for (printed, names) in &heads {
            let Some(path) = scope.own(printed) else { continue };
            let names = self.finder.regrouped(scope, &path, names.clone(), " > ");
            let whole = scope.whole(path.clone());
            let broken = broken.as_ref().filter(|_| names.is_empty()).and_then(|(file, line, column)| {
                let file = scope.own(file)?;
                Some((
                    scope.at(file, *line, Some(*column).filter(|&column| column > 0).map(Column::Utf16), None),
                    Vec::new(),
                ))
            });
            // What a file does while it loads is its own, as a test's.
            let found = broken.or_else(|| pick(scope, &error.frames, true, Some(&whole)));
            let at = found.unwrap_or_else(|| {
                let declared = names.split_last().and_then(|(name, suites)| {
                    let suites: Vec<&str> = suites.iter().map(String::as_str).collect();
                    self.finder.find_in(scope, &path, &suites, name)
                });
                (declared.unwrap_or(whole), Vec::new())
            });
            scope.problem(failed(TOOL, at, text.clone(), Some(id(printed, &names)), error.detail.clone()));
        }
    }
}

/// ` PASS  Waiting for file changes...`, ` FAIL  Tests failed. Watching for file changes...`: the cycle is over.
fn waits(text: &str) -> bool {
    text.trim_end().ends_with("for file changes...")
        && ["PASS ", "FAIL ", "CANCELLED "].iter().any(|it| text.starts_with(it))
}

/// `test/a.test.ts:13:47`.
fn position(text: &str) -> Option<Frame> {
    let found = spot().captures(text)?;
    Some((found[1].to_owned(), found[2].parse().ok()?, found[3].parse().ok()?))
}

/// One line for an error.
fn one_line(lines: &[String]) -> String {
    let parsed = lines.iter().find_map(|line| line.strip_prefix("[PARSE_ERROR] "));
    if let Some(parsed) = parsed {
        return parsed.to_owned();
    }
    let text = message(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let text = text.strip_prefix("Error: ").unwrap_or(&text).split(" // ").next().unwrap_or_default().to_owned();
    if text.starts_with("Transform failed")
        && let Some(inner) = lines.iter().skip(1).find(|line| !line.is_empty())
    {
        return inner.clone();
    }
    if text.contains("called with") || text.starts_with("Snapshot ") || text.contains(" match") {
        let received = difference(lines, false).map(|sides| match sides.split_once("Received: ") {
            Some((_, _)) if text.contains("called with") => {
                let received: Vec<&str> = lines
                    .iter()
                    .filter_map(|line| line.strip_prefix('+'))
                    .map(str::trim)
                    .filter(|line| !line.is_empty() && *line != "Received")
                    .take(5)
                    .collect();
                format!(", Received: {}", received.join(" ").trim_end_matches(','))
            }
            _ => format!(": {sides}"),
        });
        return text + &received.unwrap_or_default();
    }
    text
}

impl Matcher for Vitest {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some_and(|runner| runner != RUNNER) {
            return;
        }
        let text = line.trim_start();
        if let Some(found) = run().captures(line) {
            self.close(scope);
            return self.begin(&found[1], scope);
        }
        if !self.active {
            return;
        }
        if text.starts_with("RERUN ") {
            self.close(scope);
            (self.counts, self.listing) = (Counts::default(), false);
            scope.inside = Some(RUNNER);
            scope.cycle(CyclePhase::Begins, Watcher::Runner(TOOL.to_owned()));
        } else if waits(text) {
            self.close(scope);
            self.listing = false;
            scope.cycle(CyclePhase::Ends, Watcher::Runner(TOOL.to_owned()));
        } else if text.starts_with("⎯⎯⎯") {
            self.close(scope);
            let title = text.trim_matches('⎯').trim();
            if title.starts_with("Failed ") || title.starts_with("Unhandled ") || title.starts_with("Uncaught ") {
                self.listing = true;
                let outside =
                    title.ends_with("Rejection") || title.ends_with("Exception") || title == "Unhandled Error";
                self.failure = outside.then(Failure::default);
            }
        } else if self.listing && text.starts_with("FAIL ") && line.len() - text.len() < 2 {
            self.fail(line, scope);
        } else if self.failure.is_some() {
            self.below(line);
        } else if text.starts_with("Tests ") {
            self.tests(text, scope);
        } else if text.starts_with("Duration ") {
            scope.inside = None;
        } else if text.starts_with("stdout | ") || text.starts_with("stderr | ") {
            scope.inside = Some(RUNNER);
        } else if text.starts_with(['✓', '❯', '×', '↓', '□']) {
            scope.inside = Some(RUNNER);
            if !self.file_line(line, scope) {
                self.test_line(line, scope);
            }
        }
    }

    fn wants_all(&self) -> bool {
        self.failure.is_some()
    }

    fn end(&mut self, scope: &mut Scope) {
        self.close(scope);
    }
}
