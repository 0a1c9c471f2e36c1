//! jest: `PASS file` and `FAIL file`, below them the results of `--verbose`, each failure as `● suite › test` with its message,
//! code and stack, and `Tests: 1 failed, 2 passed, 3 total` at the end. Details come when a file has ended, so failures are
//! told per file. Paths of a stack are relative to `rootDir`, which no line names: it is learned from the test file's path.

use std::path::PathBuf;

use super::assertion::message;
use super::outcome::{Error, failed, numbers};
use super::source::{TestFinder, id};
use super::stack::{Frame, pick};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::milliseconds;
use crate::matcher::place::Column;
use crate::matcher::scope::{Runner, Scope, problem};
use crate::problem::{Counts, CyclePhase, Severity, TestResult, TestStatus, Watcher};

const TOOL: &str = "jest";
const RUNNER: Runner = Runner(TOOL);
/// Lines of one failure that are read, and of one file's list of results.
const MAX_LINES: usize = 400;
/// Files that may tell where `rootDir` is.
const CONFIGS: &[&str] = &["jest.config.js", "jest.config.ts", "jest.config.mjs", "jest.config.cjs", "package.json"];

pub(super) const FORMAT: Format = Format {
    name: "jest",
    rank: Rank::Runner,
    gate: always,
    starts: &[
        "(?:PASS|FAIL) ",
        "● ",
        "Test Suites: ",
        "Tests: ",
        "Ran all test suites",
        "No tests found, exiting",
        "Summary of all failing tests",
        "Watch Usage",
    ],
    inside: &[],
    new: |_| Box::new(Jest::default()),
};

#[derive(Default)]
pub(super) struct Jest {
    before: Counts,
    counts: Counts,
    file: Option<TestFile>,
    block: Option<Block>,
    /// The line before counted the files: that about the tests follows, even where no file was named.
    suites_counted: bool,
    /// The list at the end tells again what was told.
    again: bool,
    /// It runs again and again: it said how it is used so.
    watching: bool,
    root: Option<PathBuf>,
    finder: TestFinder,
}

/// The file whose results are read.
struct TestFile {
    printed: String,
    path: PathBuf,
    /// Its results may be listed here, for so many lines yet.
    listing: usize,
    /// They were, so that blocks are not counted.
    listed: bool,
    suites: Vec<(usize, String)>,
}

/// One `●`.
struct Block {
    /// Suites and test; none for a file that did not run.
    names: Vec<String>,
    error: Error,
}

expression!(head, r"^ ?(PASS|FAIL) {1,2}(?:[^>]* )?([^\s>]+\.[cm]?[jt]sx?)(?: \([^()]*\))*$");
expression!(mark, r"^( +)([✓✕○✎√×]) (.*?)(?: \((\d+(?:\.\d+)?) (m?s)\))?$");
expression!(parse, r"^(?:SyntaxError: )?(\S+): (.*) \((\d+):(\d+)\)$");
expression!(typescript, r"^(\S+\.[cm]?tsx?):(\d+):(\d+) - error (TS\d+): (.*)$");

impl Jest {
    fn tell_counts(&self, scope: &mut Scope) {
        scope.counts(RUNNER, self.before + self.counts);
    }

    fn head(&mut self, line: &str, scope: &mut Scope) {
        let Some(found) = head().captures(line) else { return };
        self.close(scope);
        self.file = None;
        let Some(path) = scope.own(&found[2]) else { return };
        scope.inside = Some(RUNNER);
        self.file = Some(TestFile {
            // Below a folder of its own it is `./a.test.js`.
            printed: found[2].trim_start_matches("./").to_owned(),
            path,
            listing: MAX_LINES,
            listed: false,
            suites: Vec::new(),
        });
    }

    /// A line of the results of `--verbose`; false when it is none.
    fn listed(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(file) = self.file.as_mut().filter(|file| file.listing > 0) else { return false };
        let indent = line.len() - line.trim_start_matches(' ').len();
        if indent < 2 || line.starts_with("  ● ") {
            file.listing = 0;
            return false;
        }
        file.listing -= 1;
        file.suites.retain(|(open, _)| *open < indent);
        let Some(found) = mark().captures(line) else {
            file.suites.push((indent, line.trim().to_owned()));
            return true;
        };
        let (status, name) = match &found[2] {
            "✓" | "√" => (TestStatus::Passed, &found[3]),
            "✕" | "×" => (TestStatus::Failed, &found[3]),
            _ => (TestStatus::Skipped, found[3].trim_start_matches("skipped ").trim_start_matches("todo ")),
        };
        let suites: Vec<&str> = file.suites.iter().map(|(_, suite)| suite.as_str()).collect();
        let place =
            (status == TestStatus::Failed).then(|| self.finder.find_in(scope, &file.path, &suites, name)).flatten();
        let names: Vec<String> = suites.iter().copied().chain([name]).map(str::to_owned).collect();
        let id = id(&file.printed, &names);
        let duration_ms = milliseconds(&found, 4, 5);
        scope.test_result(TestResult {
            id,
            name: name.to_owned(),
            program: None,
            status,
            place,
            duration_ms,
            message: None,
        });
        file.listed = true;
        self.counts.count(status);
        self.tell_counts(scope);
        true
    }

    /// `  ● cart › adds`.
    fn open(&mut self, title: &str, scope: &mut Scope) {
        self.close(scope);
        if self.file.is_none() || title == "Console" {
            return;
        }
        let names = match title {
            "Test suite failed to run" => Vec::new(),
            title => title.split(" › ").map(str::to_owned).collect(),
        };
        self.block = Some(Block { names, error: Error::default() });
    }

    /// The block is over.
    fn close(&mut self, scope: &mut Scope) {
        let (Some(block), Some(file)) = (self.block.take(), &self.file) else { return };
        let (path, printed, listed) = (file.path.clone(), file.printed.clone(), file.listed);
        if block.names.is_empty() {
            return self.not_run(block.error, path, &printed, scope);
        }
        let frames = self.resolved(&block.error.frames, &path, scope);
        let names = self.finder.regrouped(scope, &path, block.names, " › ");
        let (suites, name) = names.split_at(names.len() - 1);
        let suites: Vec<&str> = suites.iter().map(String::as_str).collect();
        let whole = scope.whole(path.clone());
        let at = pick(scope, &frames, true, Some(&whole))
            .unwrap_or_else(|| (self.finder.find_in(scope, &path, &suites, &name[0]).unwrap_or(whole), Vec::new()));
        let id = id(&printed, &names);
        let message = message(&block.error.lines);
        if !listed && !self.again {
            scope.test_result(TestResult {
                id: id.clone(),
                name: name[0].clone(),
                program: None,
                status: TestStatus::Failed,
                place: Some(at.0.clone()),
                duration_ms: None,
                message: Some(message.clone()),
            });
            self.counts.failed += 1;
            self.tell_counts(scope);
        }
        scope.problem(failed(TOOL, at, message, Some(id), block.error.detail));
    }

    /// A file that could not be loaded.
    fn not_run(&mut self, error: Error, path: PathBuf, printed: &str, scope: &mut Scope) {
        let mut told = false;
        for line in error.lines.iter().filter(|line| line.contains(" - error TS")) {
            let Some(found) = typescript().captures(line) else { continue };
            let frame = (found[1].to_owned(), found[2].parse().unwrap_or(0), found[3].parse().unwrap_or(0));
            let frames = self.resolved(&[frame], &path, scope);
            let Some((place, _)) = pick(scope, &frames, false, None) else { continue };
            let mut found = problem(TOOL, Severity::Error, place, &found[5]);
            found.code = typescript().captures(line).map(|found| found[4].to_owned());
            found.test = Some(printed.to_owned());
            scope.problem(found);
            told = true;
        }
        if told {
            return;
        }
        let details = error.lines.iter().position(|line| line == "Details:").map_or(0, |at| at + 1);
        let mut text = message(&error.lines[details..]);
        let syntax = error.lines[details..].iter().find_map(|line| parse().captures(line));
        let mut place = None;
        if let Some(found) = syntax
            && let Some(file) = scope.own(&found[1])
        {
            let column = found[4].parse::<u32>().unwrap_or(0).saturating_add(1);
            place =
                Some((scope.at(file, found[3].parse().unwrap_or(0), Some(Column::Utf16(column)), None), Vec::new()));
            text = format!("SyntaxError: {}", &found[2]);
        }
        let frames = self.resolved(&error.frames, &path, scope);
        let whole = scope.whole(path);
        let at = place.or_else(|| pick(scope, &frames, true, Some(&whole))).unwrap_or((whole, Vec::new()));
        scope.problem(failed(TOOL, at, text, Some(printed.to_owned()), error.detail));
    }

    /// The frames with the paths that they mean: what they print is relative to `rootDir`.
    fn resolved(&mut self, frames: &[Frame], test: &std::path::Path, scope: &Scope) -> Vec<Frame> {
        let learned = frames.iter().find(|(path, ..)| !path.starts_with('/') && test.ends_with(path));
        if let Some((path, ..)) = learned {
            let up = std::path::Path::new(path).components().count();
            self.root = test.ancestors().nth(up).map(PathBuf::from);
        }
        let is_config = |folder: &&std::path::Path| CONFIGS.iter().any(|name| scope.files.is_file(&folder.join(name)));
        let package = test.ancestors().skip(1).take_while(|folder| folder.starts_with(&scope.root)).find(is_config);
        let roots: Vec<PathBuf> = self.root.iter().cloned().chain(package.map(PathBuf::from)).collect();
        let resolve = |(path, line, column): &Frame| {
            let whole = roots.iter().map(|root| root.join(path)).find(|whole| scope.files.is_file(whole));
            let path = whole.map_or_else(|| path.clone(), |whole| whole.to_string_lossy().into_owned());
            (path, *line, *column)
        };
        frames.iter().map(resolve).collect()
    }

    /// A line inside of a block; false when the block ends before it.
    fn in_block(&mut self, line: &str) -> bool {
        let Some(block) = &mut self.block else { return false };
        if line.trim_start().starts_with("RUNS ") {
            return true;
        }
        let text = match line.strip_prefix("    ") {
            Some(text) => text,
            None if line.trim().is_empty() => "",
            None => return false,
        };
        if block.error.has_room(MAX_LINES) {
            block.error.take(text);
        }
        true
    }

    fn tests(&mut self, line: &str, scope: &mut Scope) {
        if !line.ends_with(" total") {
            return;
        }
        self.close(scope);
        self.counts = numbers(line);
        self.tell_counts(scope);
        scope.summary(line);
    }
}

/// True where each run of the files is a cycle: outside of a terminal nothing else tells.
fn watches(scope: &Scope) -> bool {
    scope.command.words().iter().any(|word| matches!(word.as_str(), "--watch" | "--watchAll"))
}

impl Matcher for Jest {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some_and(|runner| runner != RUNNER) {
            return;
        }
        if self.block.is_some() {
            if self.in_block(line) {
                return;
            }
            self.close(scope);
        }
        let text = line.trim_start_matches(' ');
        let suites_counted = std::mem::take(&mut self.suites_counted);
        if (text.starts_with("PASS ") || text.starts_with("FAIL ")) && line.len() - text.len() < 2 {
            self.head(line, scope);
        } else if self.listed(line, scope) {
        } else if let Some(title) = line.strip_prefix("  ● ") {
            self.open(title, scope);
        } else if line.starts_with("Test Suites: ") {
            self.suites_counted = line.ends_with(" total");
        } else if (self.file.is_some() || suites_counted) && line.starts_with("Tests: ") {
            self.tests(line, scope);
        } else if line.starts_with("Ran all test suites") {
            let watching = self.watching || watches(scope);
            if watching {
                scope.cycle(CyclePhase::Ends, Watcher::Runner(TOOL.to_owned()));
            }
            if !watching {
                self.before += self.counts;
            }
            (self.counts, self.again) = (Counts::default(), false);
            self.file = None;
            scope.inside = None;
        } else if line.starts_with("Summary of all failing tests") {
            self.again = true;
        } else if line.starts_with("Watch Usage") {
            // Each run of a watcher stands for itself.
            self.before = Counts::default();
            if !self.watching && !watches(scope) {
                scope.cycle(CyclePhase::Ends, Watcher::Runner(TOOL.to_owned()));
            }
            self.watching = true;
        }
    }

    fn wants_all(&self) -> bool {
        self.block.is_some() || self.file.as_ref().is_some_and(|file| file.listing > 0)
    }

    fn end(&mut self, scope: &mut Scope) {
        self.close(scope);
    }
}
