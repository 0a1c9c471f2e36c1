//! RSpec: the numbered failures below `Failures:`, files that could not be loaded, and the last line's counts. What stands
//! below `Pending:` was expected to fail.

use super::dots::{Dots, sum};
use super::frames::pick;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::{count, number};
use crate::matcher::scope::{Runner, Scope, keep, problem};
use crate::problem::{Counts, Severity, TestResult, TestStatus};

const RUNNER: Runner = Runner("rspec");
/// Lines of one failure.
const MAX_LINES: usize = 400;

pub(super) const FORMAT: Format = Format {
    name: "rspec",
    rank: Rank::Runner,
    gate: always,
    starts: &[
        r"Failures:\z",
        r"Pending: \(Failures listed here",
        r"An error occurred (?:while loading|in an? `|outside)",
        r"[0-9]+ examples?, [0-9]+ failures?",
    ],
    inside: &[],
    new: |scope| {
        Box::new(Rspec {
            section: Section::None,
            block: None,
            before: Counts::default(),
            live: Counts::default(),
            dots: Dots::new(letter),
            lettered: scope.command.runs("rspec"),
        })
    },
};

struct Rspec {
    section: Section,
    block: Option<Block>,
    /// Of the runs before.
    before: Counts,
    /// Of this run's letters, until its last line says it.
    live: Counts,
    dots: Dots,
    /// The letters of the progress format may come.
    lettered: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Section {
    #[default]
    None,
    Failures,
    Pending,
}

#[derive(Default)]
struct Block {
    /// The example's full description; `None` for an error outside of examples.
    title: Option<String>,
    /// The file that could not be loaded.
    file: Option<String>,
    /// `Failure/Error:` was read, and the empty line behind it.
    begun: bool,
    in_message: bool,
    message: Vec<String>,
    frames: Vec<(String, u32)>,
    detail: String,
    lines: usize,
}

expression!(title, r"^  \d+\) (.+)$");
// `6.1) Failure/Error: …`: one of several of an example.
expression!(part, r"^ +\d+\.\d+\) (Failure/Error: .*)$");
expression!(loading, r"^An error occurred (?:while loading (\S+?)\.?(?: - .*)?|in an? .*|outside .*)$");
expression!(frame, r"^\s*# (\S[^:]*):(\d+)(?::in |$)");
expression!(
    counts,
    r"^(\d+) examples?, (\d+) failures?(?:, (\d+) pending)?(?:, (\d+) errors? occurred outside of examples)?$"
);

fn letter(byte: u8) -> Option<TestStatus> {
    match byte {
        b'.' => Some(TestStatus::Passed),
        b'F' => Some(TestStatus::Failed),
        b'*' => Some(TestStatus::Skipped),
        _ => None,
    }
}

fn is_spec(path: &str) -> bool {
    path.ends_with("_spec.rb")
}

/// One line: both sides of an expectation, or an exception with its text.
fn one_line(lines: &[String]) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for line in lines.iter().map(|line| line.trim()) {
        if line.is_empty() || line.starts_with("Diff:") || line.starts_with("(compared using") {
            break;
        }
        let continues = parts.last().is_some_and(|last| last.ends_with(':'));
        let compared = ["got:", "expected", "to ", "received:"].iter().any(|word| line.starts_with(word));
        if !parts.is_empty() && !continues && !compared || parts.len() >= 4 {
            break;
        }
        parts.push(line);
    }
    let mut text = String::new();
    for part in parts {
        if !text.is_empty() {
            text.push_str(if text.ends_with(':') { " " } else { ", " });
        }
        // Values are aligned below each other.
        match part.split_once(": ").filter(|(name, _)| matches!(*name, "got" | "expected" | "received")) {
            Some((name, value)) => text.push_str(&format!("{name}: {}", value.trim_start())),
            None => text.push_str(part),
        }
    }
    text
}

impl Rspec {
    fn flush(&mut self, scope: &mut Scope) {
        let Some(block) = self.block.take() else { return };
        if !block.begun || self.section == Section::Pending && block.title.is_some() {
            return;
        }
        let mut frames = block.frames;
        frames.extend(block.file.map(|file| (file, 1)));
        let is_test: Option<fn(&str) -> bool> = block.title.as_ref().map(|_| is_spec as fn(&str) -> bool);
        let message = one_line(&block.message);
        let Some((place, others)) = pick(scope, &frames, is_test).filter(|_| !message.is_empty()) else { return };
        if let Some(title) = &block.title {
            scope.test_result(TestResult {
                id: title.clone(),
                name: title.clone(),
                program: None,
                status: TestStatus::Failed,
                place: Some(place.clone()),
                duration_ms: None,
                message: Some(message.clone()),
            });
        }
        let mut told = problem("rspec", Severity::Error, place, message);
        told.related = others;
        told.detail = Some(block.detail);
        told.test = block.title;
        scope.problem(told);
    }

    fn count(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(found) = counts().captures(line) else { return false };
        let all = count(&found, 1);
        self.live = Counts::default();
        let (failed, skipped) = (count(&found, 2), count(&found, 3));
        self.before.passed += all.saturating_sub(failed).saturating_sub(skipped);
        self.before.failed += failed;
        self.before.skipped += skipped;
        scope.counts(RUNNER, self.before);
        scope.summary(line);
        true
    }
}

impl Block {
    fn line(&mut self, line: &str) {
        self.lines += 1;
        keep(&mut self.detail, line.strip_prefix("     ").unwrap_or(line));
        let text = line.trim();
        if let Some(found) = frame().captures(line) {
            if self.begun && self.frames.len() < 100 {
                self.frames.push((found[1].to_owned(), number(&found, 2).unwrap_or(0)));
            }
        } else if let Some(code) = text.strip_prefix("Failure/Error:") {
            // Code of one line stands beside it, then the message may follow at once.
            (self.begun, self.in_message) = (true, !code.is_empty());
        } else if self.begun && !self.in_message {
            self.in_message = text.is_empty();
        } else if self.in_message
            && self.frames.is_empty()
            && self.message.len() < 50
            && !(text.is_empty() && self.message.is_empty())
        {
            self.message.push(text.to_owned());
        }
    }
}

impl Matcher for Rspec {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        if self.lettered {
            self.live = sum(self.live, self.dots.end());
            scope.counts(RUNNER, sum(self.before, self.live));
        }
        if line == "Failures:" {
            self.flush(scope);
            self.lettered = false;
            self.section = Section::Failures;
        } else if line.starts_with("Pending: (Failures listed here") {
            self.flush(scope);
            self.lettered = false;
            self.section = Section::Pending;
        } else if let Some(found) = loading().captures(line) {
            self.flush(scope);
            let file = found.get(1).map(|file| file.as_str().to_owned());
            self.block = Some(Block { file, ..Block::default() });
        } else if line.starts_with("Finished in ") || line.starts_with("Failed examples:") || self.count(line, scope) {
            self.flush(scope);
            self.section = Section::None;
        } else if self.section != Section::None
            && let Some(found) = title().captures(line)
        {
            self.flush(scope);
            // What was pending and passes says so at once.
            let fixed = found[1].strip_suffix(" FIXED");
            let title = Some(fixed.unwrap_or(&found[1]).to_owned());
            let begun = fixed.is_some();
            self.block = Some(Block { title, begun, in_message: begun, ..Block::default() });
        } else if let Some(found) = part().captures(line)
            && let Some(title) = self.block.as_ref().map(|block| block.title.clone())
        {
            self.flush(scope);
            let mut block = Block { title, ..Block::default() };
            block.line(&found[1]);
            self.block = Some(block);
        } else if let Some(block) = &mut self.block {
            block.line(line);
            if block.lines > MAX_LINES {
                self.flush(scope);
            }
        }
    }

    fn wants_all(&self) -> bool {
        self.section != Section::None || self.block.is_some() || self.lettered
    }

    fn growing(&mut self, raw: &[u8], scope: &mut Scope) {
        let so_far = sum(self.before, self.live);
        self.dots.take(raw, |line| scope.counts(RUNNER, sum(so_far, line)));
    }

    fn reads_letters(&self) -> bool {
        self.lettered
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
