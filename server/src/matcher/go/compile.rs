//! Go's compiler and those that print as it does: `go build`, `go vet`, `go test` before its tests, staticcheck,
//! golangci-lint: `file.go:line:column: message`, often below `# package`. And `gofmt -l`, `-d`.

use serde::Deserialize;

use super::source::Tests;
use crate::matcher::Matcher;
use crate::matcher::command::Command;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::{Problem, Severity};

/// Lines that explain one message.
const MAX_LINES: u32 = 20;
/// Packages of one chain of imports.
const MAX_CHAIN: usize = 200;

pub(super) const FORMAT: Format = Format {
    name: "go",
    rank: Rank::Tool,
    gate: always,
    starts: &[r"# \[?[\w./~-]+", r"package [\w./~-]+\z", r#"\{"ImportPath":""#, r"diff (?:-u )?\S+\.go\.orig "],
    inside: &[Inside { words: &[".go:"], text: r"\.go:[0-9]+:[0-9]+: " }],
    new: |scope| Box::new(Compile { formats: lists_files(&scope.command), ..Compile::default() }),
};

#[derive(Default)]
pub(super) struct Compile {
    /// Lines of a package follow.
    below: bool,
    vet: bool,
    current: Option<Problem>,
    lines: u32,
    /// A package and what it imports: the chain of a cycle, while it is read.
    chain: Vec<String>,
    /// The command is `gofmt -l`: each line is a file.
    formats: bool,
    diff: Option<Diff>,
}

#[derive(Default)]
struct Diff {
    path: String,
    next: u32,
    first: Option<u32>,
    wanted: Option<String>,
}

#[derive(Deserialize)]
struct BuildOutput {
    #[serde(rename = "Action")]
    action: String,
    #[serde(rename = "Output", default)]
    output: String,
}

expression!(header, r"^# \[?([\w./~-]+)(?: \[[\w./~-]+\.test\])?\]?$");
expression!(message, r"^(?:vet: )?(\S.*?\.go):(\d+):(\d+): (.+)$");
expression!(linter, r"^(.*\S) \(([A-Za-z][\w-]+)\)$");
expression!(imports, r"^\timports (\S+?)(: import cycle not allowed(?: in test)?)?$");
expression!(hunk, r"^@@ -(\d+)");
expression!(diffed, r"^diff (?:-u )?\S+\.orig (\S+\.go)$");

/// Tools whose lines need no header.
const TOOLS: &[&str] = &["go", "staticcheck", "golangci-lint", "golangci", "revive", "gotestsum", "gofmt"];

fn lists_files(command: &Command) -> bool {
    (command.mentions("gofmt") || command.mentions("goimports") || command.mentions("gofumpt"))
        && ["-l", "-s", "-ld", "-dl"].iter().any(|option| command.mentions(option))
}

impl Compile {
    fn close(&mut self, scope: &mut Scope) {
        if let Some(found) = self.current.take() {
            scope.problem(found);
        }
    }

    /// A line of a chain of imports; false when it is none. The cycle is shown where its first package has its import.
    fn import(&mut self, line: &str, scope: &mut Scope) -> bool {
        if let Some(package) = line.strip_prefix("package ").filter(|package| !package.contains(' ')) {
            self.chain = vec![package.to_owned()];
            return true;
        }
        let Some(found) = imports().captures(line).filter(|_| !self.chain.is_empty() && self.chain.len() < MAX_CHAIN)
        else {
            self.chain.clear();
            return false;
        };
        self.chain.push(found[1].to_owned());
        if found.get(2).is_none() {
            return true;
        }
        let chain = std::mem::take(&mut self.chain);
        // Packages before it only lead to the cycle.
        let from = chain.iter().position(|package| *package == found[1]).unwrap_or(0);
        let (Some(first), Some(next)) = (chain.get(from), chain.get(from + 1)) else { return true };
        let Some(folder) = Tests::default().folder(scope, first) else { return true };
        let written = format!("\"{next}\"");
        let files = scope.files.with_extension("go");
        let mut files = files.into_iter().filter(|file| file.parent() == Some(folder.as_path()));
        let place = files.find_map(|file| {
            let text = scope.files.read(&file)?;
            let at = text.lines().position(|line| line.contains(&written))?;
            Some(scope.at(file, u32::try_from(at + 1).ok()?, None, None))
        });
        if let Some(place) = place {
            let text = format!("import cycle not allowed: {}", chain[from..].join(" imports "));
            scope.problem(problem("go", Severity::Error, place, text));
        }
        true
    }

    fn text(&mut self, line: &str, scope: &mut Scope) {
        if (!self.chain.is_empty() || line.starts_with("package ")) && self.import(line, scope) {
            return;
        }
        if let Some(found) = header().captures(line) {
            self.close(scope);
            (self.below, self.vet) = (true, line.starts_with("# ["));
            scope.progress(&format!("Building {}", &found[1]));
            return scope.claim();
        }
        if let Some(found) = message().captures(line) {
            self.close(scope);
            let known = TOOLS.iter().any(|tool| scope.command.mentions(tool));
            if !self.below && !known {
                return;
            }
            scope.claim();
            let Some(file) = scope.own(&found[1]) else { return };
            let number = |at: usize| found[at].parse().unwrap_or(0);
            let place = scope.at(file, number(2), Some(Column::Bytes(number(3))), None);
            let (text, rule) = match linter().captures(&found[4]) {
                Some(parts) if !self.below => (parts[1].to_owned(), Some(parts[2].to_owned())),
                _ => (found[4].to_owned(), None),
            };
            let lints = scope.command.mentions("golangci-lint") || scope.command.mentions("staticcheck");
            let vets = self.vet || !self.below && scope.command.mentions("vet");
            let (tool, severity) = match () {
                () if line.starts_with("vet: ") => ("go vet", Severity::Error),
                () if lints && rule.as_deref() == Some("typecheck") => ("golangci-lint", Severity::Error),
                () if lints && scope.command.mentions("staticcheck") => ("staticcheck", Severity::Warning),
                () if lints => ("golangci-lint", Severity::Warning),
                () if vets => ("go vet", Severity::Warning),
                () if self.formats => ("gofmt", Severity::Error),
                () => ("go", Severity::Error),
            };
            let mut told = problem(tool, severity, place, text);
            told.code = rule;
            told.detail = Some(found[4].to_owned());
            self.current = Some(told);
            self.lines = 0;
            return;
        }
        if let Some(current) = &mut self.current {
            self.lines += 1;
            if self.lines < MAX_LINES && line.starts_with('\t') {
                let text = line.trim();
                if let Some(detail) = &mut current.detail {
                    keep(detail, line);
                }
                // Both sides of a call that does not fit.
                if current.message.ends_with(':') {
                    // The reason has a line of its own.
                    current.message.push(' ');
                    current.message.push_str(text);
                } else if text.starts_with("have ") || text.starts_with("want ") {
                    let before = if text.starts_with("have ") { ": " } else { ", " };
                    current.message.push_str(before);
                    current.message.push_str(text);
                }
                return scope.claim();
            }
        }
        self.close(scope);
        self.below &= line.starts_with("too many errors") || line.starts_with('\t');
    }

    /// A line of gofmt's diff; false when it is none.
    fn diff(&mut self, line: &str, scope: &mut Scope) -> bool {
        if let Some(found) = diffed().captures(line) {
            self.close_diff(scope);
            self.diff = Some(Diff { path: found[1].to_owned(), ..Diff::default() });
            return true;
        }
        let Some(diff) = &mut self.diff else { return false };
        if line.starts_with("--- ") || line.starts_with("+++ ") {
            return true;
        }
        if let Some(found) = hunk().captures(line) {
            let next = found[1].parse().unwrap_or(0);
            let path = diff.path.clone();
            self.close_diff(scope);
            self.diff = Some(Diff { path, next, ..Diff::default() });
            return true;
        }
        if !line.is_empty() && !line.starts_with([' ', '+', '-']) || line.is_empty() && diff.next == 0 {
            self.close_diff(scope);
            return false;
        }
        if line.starts_with(['+', '-']) {
            diff.first.get_or_insert(diff.next);
        }
        if let Some(text) = line.strip_prefix('+') {
            diff.wanted.get_or_insert(text.trim().to_owned());
        } else {
            diff.next = diff.next.saturating_add(1);
        }
        true
    }

    fn close_diff(&mut self, scope: &mut Scope) {
        let Some(diff) = self.diff.take() else { return };
        let (Some(line), Some(file)) = (diff.first, scope.own(&diff.path)) else { return };
        let place = scope.at(file, line, None, None);
        let message = match diff.wanted.filter(|text| !text.is_empty()) {
            Some(wanted) => format!("not formatted: gofmt writes `{wanted}`"),
            None => "not formatted".to_owned(),
        };
        scope.problem(problem("gofmt", Severity::Warning, place, message));
    }
}

impl Matcher for Compile {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            (self.current, self.diff, self.below) = (None, None, false);
            return;
        }
        if line.starts_with("{\"ImportPath\"") {
            if let Ok(event) = serde_json::from_str::<BuildOutput>(line) {
                scope.claim();
                if event.action == "build-output" {
                    self.text(event.output.trim_end_matches('\n'), scope);
                } else {
                    self.close(scope);
                }
            }
            return;
        }
        if self.diff(line, scope) {
            return scope.claim();
        }
        if self.formats && line.ends_with(".go") && !line.contains(": ") {
            // With the differences its lines are told.
            if scope.command.words().iter().any(|word| word == "-d") {
                return;
            }
            if let Some(file) = scope.own(line) {
                let place = scope.whole(file);
                scope.problem(problem("gofmt", Severity::Warning, place, "not formatted: gofmt would change the file"));
            }
            return;
        }
        self.text(line, scope);
    }

    fn wants_all(&self) -> bool {
        self.below || self.current.is_some() || self.formats || self.diff.is_some() || !self.chain.is_empty()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.close(scope);
        self.close_diff(scope);
        self.below = false;
    }

    fn end(&mut self, scope: &mut Scope) {
        self.close(scope);
        self.close_diff(scope);
    }
}
