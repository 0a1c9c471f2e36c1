//! rustc's diagnostics, as cargo build, check, clippy, test and doc print them, long or short. One diagnostic ends at an
//! empty line. What has no place in the workspace (`could not compile`, `generated 3 warnings`) is no problem.

use std::sync::LazyLock;

use regex::Regex;

use super::libtest::package_folder;
use super::rustc_json::tool;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Runner, Scope, keep, problem, related};
use crate::problem::{Problem, Related, Severity};

/// Lines of one diagnostic that are read.
const MAX_LINES: usize = 300;

pub(super) const FORMAT: Format = Format {
    name: "rustc",
    rank: Rank::Tool,
    gate: always,
    starts: &[
        r"error",
        r"warning",
        r"(?:Compiling|Checking|Building|Running|Doc-tests|Documenting|Blocking|Downloading) ",
    ],
    inside: &[Inside { words: &[".rs:", ".toml:"], text: r": (?:error|warning)(?:\[[\w:-]+\])?: " }],
    new: |_| Box::new(Rustc::default()),
};

#[derive(Default)]
pub(super) struct Rustc {
    current: Option<Diagnostic>,
}

struct Diagnostic {
    severity: Severity,
    code: Option<String>,
    message: String,
    detail: String,
    /// What `-->` and `:::` name, with what is said there; the first one is the primary place.
    spots: Vec<Spot>,
    lines: usize,
    /// The message that the next place belongs to: `note: function defined here`.
    note: Option<String>,
}

struct Spot {
    path: String,
    line: u32,
    column: u32,
    /// From the underline: how many characters, and its label.
    width: Option<u32>,
    label: Option<String>,
    note: Option<String>,
    secondary: bool,
    /// The number of the newest source line in its snippet.
    source_line: Option<u32>,
}

expression!(head, r"^(error|warning)(?:\[([\w:-]+)\])?: (.+)$");
expression!(spot, r"^\s*(-->|:::) (.+?):(\d+):(\d+)\s*$");
expression!(source, r"^\s*(\d+) \| ?");
expression!(underline, r"^\s*\| (.*)$");
expression!(short, r"^(\S.*?\.rs|Cargo\.toml):(\d+):(\d+): (error|warning)(?:\[([\w:-]+)\])?: (.+)$");
expression!(status, r"^\s*(Compiling|Checking|Building|Documenting|Downloading|Blocking|Running|Doc-tests) (.+)$");

fn severity(word: &str) -> Severity {
    if word == "error" { Severity::Error } else { Severity::Warning }
}

/// True for the first line of a diagnostic.
fn begins(line: &str) -> bool {
    line.starts_with(['e', 'w']) && head().is_match(line)
}

impl Rustc {
    fn begin(&mut self, line: &str) -> bool {
        if !line.starts_with("error") && !line.starts_with("warning") {
            return false;
        }
        let Some(found) = head().captures(line) else { return false };
        self.current = Some(Diagnostic {
            severity: severity(&found[1]),
            code: found.get(2).map(|code| code.as_str().to_owned()),
            message: found[3].to_owned(),
            detail: line.to_owned(),
            spots: Vec::new(),
            lines: 0,
            note: None,
        });
        true
    }

    fn short(line: &str, scope: &mut Scope) {
        if !line.contains(".rs:") && !line.contains(".toml:") {
            return;
        }
        let Some(found) = short().captures(line) else { return };
        let Some(file) = scope.own_rust(&found[1]) else { return };
        let number = |at: usize| found[at].parse().unwrap_or(0);
        let place = scope.at(file, number(2), Some(Column::Chars(number(3))), None);
        let mut told = problem("rustc", severity(&found[4]), place, found[6].to_owned());
        told.code = found.get(5).map(|code| code.as_str().to_owned());
        told.test = scope.test.clone();
        scope.problem(told);
    }

    fn end_current(&mut self, scope: &mut Scope) {
        if let Some(told) = self.current.take().and_then(|diagnostic| diagnostic.problem(scope)) {
            scope.problem(told);
        }
    }
}

impl Diagnostic {
    fn line(&mut self, line: &str) {
        self.lines += 1;
        keep(&mut self.detail, line);
        // Most lines are none of these, and a byte says so.
        let first = line.trim_start().as_bytes().first();
        if let Some(b'-' | b':') = first
            && let Some(found) = spot().captures(line)
        {
            let number = |at: usize| found[at].parse().unwrap_or(0);
            self.spots.push(Spot {
                path: found[2].to_owned(),
                line: number(3),
                column: number(4),
                width: None,
                label: None,
                note: self.note.take(),
                secondary: &found[1] == ":::",
                source_line: None,
            });
        } else if let Some(b'0'..=b'9') = first
            && let Some(found) = source().captures(line)
        {
            if let Some(spot) = self.spots.last_mut() {
                spot.source_line = found[1].parse().ok();
            }
        } else if let Some(b'|') = first
            && let Some(found) = underline().captures(line)
        {
            if let Some(spot) = self.spots.last_mut() {
                spot.underline(&found[1]);
            }
        } else if let Some(note) = line.strip_prefix("note: ").or_else(|| line.strip_prefix("help: ")) {
            self.note = Some(note.to_owned());
        }
    }

    fn problem(mut self, scope: &mut Scope) -> Option<Problem> {
        let mut places: Vec<(Spot, Related)> = Vec::new();
        for spot in std::mem::take(&mut self.spots) {
            if let Some(file) = scope.own_rust(&spot.path) {
                let end = spot.width.map(|width| Column::Chars(spot.column + width));
                let place = scope.at(file, spot.line, Some(Column::Chars(spot.column)), end);
                let text = spot.note.clone().or_else(|| spot.label.clone()).unwrap_or_default();
                places.push((spot, related(place, text)));
            }
        }
        // An error inside of a library's macro is shown where the workspace uses it; a note alone is no place for it.
        let primary = places.iter().position(|(spot, _)| spot.note.is_none())?;
        let (spot, at) = places.remove(primary);
        let message = match spot.label.filter(|label| !label.starts_with("help: ")) {
            Some(label) if !self.message.contains(&label) => format!("{}: {label}", self.message),
            _ => self.message.clone(),
        };
        let code = self.code.take().or_else(|| lint(&self.detail));
        let clippy = self.detail.contains("clippy::") || self.detail.contains("rust-clippy");
        // Of one lint rustdoc names the rule once.
        let rustdoc = code.is_none() && (scope.command.mentions("doc") || scope.command.mentions("rustdoc"));
        let tool = match tool(code.as_deref()) {
            _ if clippy => "clippy",
            _ if rustdoc => "rustdoc",
            tool => tool,
        };
        let mut told = problem(tool, self.severity, at.place, message);
        told.code = code;
        told.detail = Some(self.detail);
        told.related = places.into_iter().map(|(_, related)| related).take(8).collect();
        told.test = scope.test.clone();
        Some(told)
    }
}

impl Spot {
    /// Reads `|     ^^^^ label` below the source line of this place.
    fn underline(&mut self, marks: &str) {
        let on_line = self.source_line == Some(self.line);
        if self.width.is_some() || self.secondary || !on_line {
            return;
        }
        // Where nothing stands in front of it but spaces, the underline begins below the printed column, also when the
        // mark of another span covers its start: `----^^^`. With tabs or wide characters the first `^` has to do.
        let below = marks.get((self.column as usize).saturating_sub(1)..).filter(|run| {
            let joined = run.bytes().take_while(|byte| matches!(byte, b'^' | b'-'));
            joined.collect::<Vec<_>>().contains(&b'^')
        });
        let Some(run) = below.or_else(|| marks.find('^').map(|at| &marks[at..])) else { return };
        let width = run.bytes().take_while(|byte| matches!(byte, b'^' | b'-')).count();
        let width = run[..width].rfind('^').map_or(width, |last| last + 1);
        self.width = Some(width as u32);
        let label = run[width..].trim();
        if !label.is_empty() && !label.starts_with(['-', '^', '|']) {
            self.label = Some(label.to_owned());
        }
    }
}

/// The lint of ``= note: `#[warn(unused_mut)]` on by default`` and its kin.
fn lint(detail: &str) -> Option<String> {
    static LINT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"= note: (?:requested on the command line with )?`(?:#\[(?:warn|deny|forbid)\(([\w:]+)\)\]|-[WDF] ([\w:-]+))`").expect("valid")
    });
    let found = LINT.captures(detail)?;
    found.get(1).or(found.get(2)).map(|lint| lint.as_str().replace('-', "_"))
}

impl Matcher for Rustc {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        // Tests of compilers print diagnostics too; in a doc-test's own output they are its failure.
        if scope.inside.is_some() && scope.test.is_none() || scope.inside.is_some_and(|at| at != Runner::LIBTEST) {
            self.current = None;
            return;
        }
        if let Some(current) = &mut self.current {
            if !line.is_empty() && current.lines < MAX_LINES && !begins(line) {
                current.line(line);
                // Many programs print `error: text`: until its snippet begins, other formats may want the lines below.
                let is_linker = current.message.starts_with("linking with ");
                if !is_linker && (!current.spots.is_empty() || line.starts_with([' ', '\t'])) {
                    scope.claim();
                }
                return;
            }
            self.end_current(scope);
        }
        if self.begin(line) {
            scope.claim();
            return;
        }
        Self::short(line, scope);
        if line.starts_with("  ")
            && let Some(found) = status().captures(line)
        {
            if let Some(folder) = package_folder(line) {
                scope.add_cargo_folder(folder);
            }
            let what = found[2].split(" (").next().unwrap_or_default();
            scope.progress(&format!("{} {what}", &found[1]));
        }
    }

    fn wants_all(&self) -> bool {
        self.current.is_some()
    }

    fn end(&mut self, scope: &mut Scope) {
        self.end_current(scope);
    }
}
