//! Bundlers: esbuild's `✘ [ERROR] message` with its place below; rolldown's `[CODE] message` with `╭─[ file:1:2 ]`, Vite's and
//! rollup's errors; webpack's `ERROR in ./src/a.js 2:0-35`. Each message comes before or after its place on lines of its own.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{Place, Problem, Severity};

/// How Vite's lines about the steps of a build begin.
const BUILD_STEPS: &[&str] = &["transforming", "✓ ", "rendering chunks", "computing gzip size"];

/// Lines in which a message's place, or a place's message, must come.
const MAX_LINES: usize = 40;

pub(super) const FORMAT: Format = Format {
    name: "bundlers",
    rank: Rank::Tool,
    gate: always,
    starts: &[
        r"(?:✘|▲|X) \[(?:ERROR|WARNING)\] ",
        r"(?:ERROR|WARNING) in [./@a-zA-Z]",
        r"\[[A-Z]+_[A-Z_]+\] ",
        r"\[(?:builtin:|plugin )",
        r"\[vite",
        "error during build:",
        r"build started\.\.\.",
        r"\[!\] ",
        "file: /",
    ],
    inside: &[Inside { words: &[": ERROR: "], text: r"\A[^ :]+:[0-9]+:[0-9]+: ERROR: " }],
    new: |_| Box::new(Bundlers::default()),
};

#[derive(Default)]
pub(super) struct Bundlers {
    current: Option<Current>,
    /// A vite build failed: its error follows, in so many lines.
    failed: usize,
    /// Its first line.
    said: String,
}

struct Current {
    tool: &'static str,
    severity: Severity,
    message: Option<String>,
    code: Option<String>,
    place: Option<Place>,
    /// Printed column, 1-based, while its range may be underlined.
    column: Option<Column>,
    /// The line of the source that was shown last.
    shown: Option<u32>,
    detail: String,
    problem: Option<Problem>,
    taken: usize,
}

expression!(esbuild, r"^(?:✘|▲|X) \[(ERROR|WARNING)\] (.*?)(?: \[([a-z-]+)\])?$");
expression!(esbuild_at, r"^ {4}(\S.*?):(\d+):(\d+):$");
expression!(rolldown, r"^\[(?:([A-Z]+(?:_[A-Z]+)+)|builtin:[^\]]+)\] (?:(Warning|Error): )?(.*)$");
expression!(plugin, r"^\[plugin [^\]]+\] (/[^:]+):(\d+|undefined):(\d+|NaN)$");
expression!(thrown, r"^(?:\w*Error: )?(.+)$");
expression!(rolldown_at, r"^\s*╭─\[ ?(\S+?):(\d+):(\d+) ?\]$");
// Of several configurations each has its own, indented.
expression!(webpack, r"^ *(ERROR|WARNING) in (\S+?)(?:[ :](\d+):(\d+)(?:-(\d+))?(?:-\d+:\d+)?)?(?: \(\S+\))?$");
expression!(
    rolled,
    r"^\[!\] (?:\([^)]*\) )?(?:\w*Error: )?(\S+\.\w+) \((\d+):(\d+)\): (.*?)(?: \(Note that you need.*)?$"
);
expression!(span, r"^(?:\./\S+ )?\d+:\d+(?:-\d+(?::\d+)?)?$");
expression!(ts_loader, r"^\[tsl\] (ERROR|WARNING) in (\S+?)\((\d+),(\d+)\)$");
expression!(sheet, r"^(\S+\.(?:s[ac]ss|less)) (\d+):(\d+) {2}\S");
expression!(transform, r"^([^\s:]+):(\d+):(\d+): ERROR: (.*)$");
expression!(
    unresolved,
    r#"^(?:(?:Error: )?\[vite\]: ((?:Rollup|Rolldown) failed to resolve import)|\[!\] (?:\([^)]*\) )?RollupError: (Could not resolve)) "([^"]+)" from "([^"]+)"\.?$"#
);
expression!(rollup, r"^(?:\[[^\]]*\] ){0,4}(\S+\.\w+) \((\d+):(\d+)\): (.*)$");
expression!(file, r"^file: (/[^:]+?)(?::(?:(\d+):(\d+)|undefined:NaN))?$");
expression!(babel, r"^(?:\w*Error: )?(/\S+?): (.*?) \((\d+):(\d+)\)$");
expression!(server, r"^\[vite\] (?:\([^)]*\) )?(?:Internal server error|Pre-transform error): (.*)$");
expression!(server_at, r"^ +File: ([^:]+):(\d+):(\d+)$");

expression!(source, r"^ *(\d+) │");

fn number(text: &str) -> u32 {
    text.parse().unwrap_or(0)
}

/// The line of a file on which the path stands that a message says cannot be had; bundlers do not tell it.
fn naming(message: &str, path: &str, scope: &mut Scope) -> Option<u32> {
    let wanted = ["Could not resolve ", "failed to resolve import ", "no such file or directory, open "]
        .iter()
        .find_map(|words| message.split_once(words))?
        .1;
    let quote = wanted.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let wanted = wanted[1..].split(quote).next().filter(|wanted| !wanted.is_empty())?;
    let text = scope.own(path).and_then(|file| scope.files.read(&file))?;
    u32::try_from(text.lines().position(|line| line.contains(wanted))? + 1).ok()
}

/// The length of the first underlined range.
fn underlined(line: &str) -> Option<u32> {
    let marks = line.trim_start().trim_start_matches(['│', '╵', '|']).trim();
    let is_mark = |c: char| matches!(c, '^' | '~' | '─' | '┬');
    (!marks.is_empty() && marks.chars().all(is_mark)).then(|| marks.chars().count() as u32)
}

impl Current {
    fn new(tool: &'static str, severity: Severity, message: Option<&str>, code: Option<&str>) -> Self {
        Self {
            tool,
            severity,
            message: message.map(str::to_owned),
            code: code.map(str::to_owned),
            place: None,
            column: None,
            shown: None,
            detail: message.unwrap_or_default().to_owned(),
            problem: None,
            taken: 0,
        }
    }

    fn tell(self, scope: &mut Scope) {
        if let Some(found) = self.problem {
            return scope.problem(Problem { detail: Some(self.detail), ..found });
        }
        let (Some(place), Some(message)) = (self.place, self.message) else { return };
        let mut found = problem(self.tool, self.severity, place, message);
        found.code = self.code;
        found.detail = Some(self.detail);
        scope.problem(found);
    }

    /// The first place is the problem's, the others belong to it.
    fn at(&mut self, path: &str, line: u32, column: Column, scope: &mut Scope) {
        let Some(file) = scope.own(path) else { return };
        let place = scope.at(file, line, Some(column), None);
        match (&mut self.problem, &self.message) {
            (Some(found), _) if found.related.len() < 8 => {
                let note = self.detail.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim();
                found.related.push(related(place, note));
            }
            (None, Some(message)) => {
                let mut found = problem(self.tool, self.severity, place, message.clone());
                found.code.clone_from(&self.code);
                self.problem = Some(found);
                self.column = Some(column);
            }
            _ => {}
        }
    }

    /// A line below; false when nothing more belongs to it.
    fn below(&mut self, line: &str, scope: &mut Scope) -> bool {
        self.taken += 1;
        if self.taken > MAX_LINES {
            return false;
        }
        if let (None, Some(place), Some(found)) = (&self.message, &self.place, thrown().captures(line))
            && self.tool == "vite"
        {
            // What a plugin threw, behind the place.
            let path = place.file.to_string_lossy().into_owned();
            let place = match place.line {
                Some(_) => place.clone(),
                None => match naming(&found[1], &path, scope) {
                    Some(line) => scope.at(place.file.clone(), line, None, None),
                    None => place.clone(),
                },
            };
            self.problem = Some(problem(self.tool, self.severity, place, &found[1]));
            self.message = Some(found[1].to_owned());
            keep(&mut self.detail, line);
            return true;
        }
        if self.tool == "webpack" {
            let text = line.trim();
            keep(&mut self.detail, text);
            if text.is_empty() {
                return self.message.is_none();
            }
            if span().is_match(text) {
                return true;
            }
            if let Some(found) = ts_loader().captures(text) {
                if let Some(file) = scope.own(&found[2]) {
                    self.place = Some(scope.at(file, number(&found[3]), Some(Column::Utf16(number(&found[4]))), None));
                }
                return true;
            }
            if let Some(found) = sheet().captures(text)
                && self.place.as_ref().is_none_or(|place| place.line.is_none())
                && let Some(file) = scope.own(&found[1])
            {
                self.place = Some(scope.at(file, number(&found[2]), Some(Column::Utf16(number(&found[3]))), None));
                return true;
            }
            if let Some(found) = babel().captures(text).filter(|_| self.message.is_none()) {
                if let Some(file) = scope.own(&found[1]) {
                    let column = Column::Utf16(number(&found[4]).saturating_add(1));
                    self.place = Some(scope.at(file, number(&found[3]), Some(column), None));
                }
                self.message = Some(found[2].to_owned());
            } else if self.message.is_none() && !text.starts_with("Module build failed") && !text.starts_with("[tsl]") {
                if let Some((code, message)) = text.split_once(": ").filter(|(code, _)| is_typescript(code)) {
                    (self.code, self.message) = (Some(code.to_owned()), Some(message.to_owned()));
                } else {
                    self.message = Some(text.to_owned());
                }
            }
            return true;
        }
        if let Some(found) = source().captures(line) {
            self.shown = Some(number(&found[1]));
        }
        let is_shown = |it: &Problem| self.shown.is_none() || self.shown == it.place.line;
        if let Some(length) = underlined(line).filter(|_| self.problem.as_ref().is_some_and(is_shown))
            && let (Some(column), Some(found)) = (self.column.take(), &mut self.problem)
        {
            let (Column::Chars(from) | Column::Bytes(from) | Column::Display(from) | Column::Utf16(from)) = column;
            let to = from.saturating_add(length);
            let end = if matches!(column, Column::Bytes(_)) { Column::Bytes(to) } else { Column::Chars(to) };
            let line = found.place.line.unwrap_or(0);
            found.place = scope.at(found.place.file.clone(), line, Some(column), Some(end));
        } else if let Some(found) = esbuild_at().captures(line) {
            let column = Column::Bytes(number(&found[3]).saturating_add(1));
            self.at(&found[1], number(&found[2]), column, scope);
        } else if let Some(found) = rolldown_at().captures(line) {
            self.at(&found[1], number(&found[2]), Column::Chars(number(&found[3])), scope);
        } else if let Some(found) = server_at().captures(line) {
            self.at(&found[1], number(&found[2]), Column::Utf16(number(&found[3]).saturating_add(1)), scope);
        }
        keep(&mut self.detail, line);
        !line.starts_with("───╯") && (line.starts_with(' ') || line.is_empty() || self.problem.is_none())
    }
}

fn is_typescript(code: &str) -> bool {
    code.strip_prefix("TS").is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Bundlers {
    fn open(&mut self, current: Current, scope: &mut Scope) {
        if let Some(before) = self.current.replace(current) {
            before.tell(scope);
        }
        scope.claim();
    }

    fn head(&mut self, line: &str, scope: &mut Scope) -> bool {
        let level = |word: &str| if word.eq_ignore_ascii_case("warning") { Severity::Warning } else { Severity::Error };
        if let Some(found) = esbuild().captures(line) {
            let code = found.get(3).map(|code| code.as_str());
            self.open(Current::new("esbuild", level(&found[1]), Some(&found[2]), code), scope);
        } else if let Some(found) = rolldown().captures(line) {
            let tool = if scope.command.mentions("rolldown") { "rolldown" } else { "vite" };
            let severity = level(found.get(2).map_or("error", |word| word.as_str()));
            let code = found.get(1).map(|code| code.as_str());
            self.open(Current::new(tool, severity, Some(&found[3]), code), scope);
        } else if let Some(found) = plugin().captures(line) {
            let mut current = Current::new("vite", Severity::Error, None, None);
            current.place = scope.own(&found[1]).map(|file| match (found[2].parse(), found[3].parse::<u32>()) {
                (Ok(line), Ok(column)) => scope.at(file, line, Some(Column::Utf16(column.saturating_add(1))), None),
                _ => scope.whole(file),
            });
            self.open(current, scope);
        } else if let Some(found) = server().captures(line) {
            self.open(Current::new("vite", Severity::Error, Some(&found[1]), None), scope);
        } else if let Some(found) = webpack().captures(line) {
            let mut current = Current::new("webpack", level(&found[1]), None, None);
            // fork-ts-checker writes `src/a.ts:5:3`, 1-based; webpack `./src/a.ts 5:2`.
            let colon = found.get(3).is_some_and(|at| line.as_bytes().get(at.start() - 1) == Some(&b':'));
            let path = found[2].rsplit('!').next().unwrap_or_default().split('?').next().unwrap_or_default();
            current.place = scope.own(path).map(|file| match (found.get(3), found.get(4)) {
                (Some(at), Some(column)) => {
                    let first = number(column.as_str()).saturating_add(u32::from(!colon));
                    let end =
                        found.get(5).map(|end| Column::Utf16(number(end.as_str()).saturating_add(u32::from(!colon))));
                    scope.at(file, number(at.as_str()), Some(Column::Utf16(first)), end)
                }
                _ => scope.whole(file),
            });
            self.open(current, scope);
        } else {
            return self.vite(line, scope);
        }
        true
    }

    /// What Vite's builds with rollup print on one line.
    fn vite(&mut self, line: &str, scope: &mut Scope) -> bool {
        let rolled = rolled().captures(line);
        let by_rollup = rolled.is_some();
        // What esbuild throws has paths of its own, which Vite makes whole.
        let by_esbuild = !line.starts_with('/') && transform().is_match(line);
        let told = if let Some(found) = rolled {
            let at = (number(&found[2]), Some(Column::Utf16(number(&found[3]).saturating_add(1))));
            Some((found[1].to_owned(), at, found[4].to_owned()))
        } else if let Some(found) = transform().captures(line) {
            let at = (number(&found[2]), Some(Column::Bytes(number(&found[3]).saturating_add(1))));
            Some((found[1].to_owned(), at, found[4].to_owned()))
        } else if let Some(found) = unresolved().captures(line) {
            let words = found.get(1).or(found.get(2)).map_or("", |words| words.as_str());
            let message = format!("{words} \"{}\"", &found[3]);
            let line = naming(&message, &found[4], scope);
            Some((found[4].to_owned(), (line.unwrap_or(0), None), message))
        } else if self.failed > 0
            && let Some(found) = rollup().captures(line)
        {
            let at = (number(&found[2]), Some(Column::Utf16(number(&found[3]).saturating_add(1))));
            Some((found[1].to_owned(), at, found[4].to_owned()))
        } else if self.failed > 0
            && let Some(found) = file().captures(line)
        {
            let message = std::mem::take(&mut self.said);
            let number_at = |at: usize| found.get(at).map(|text| number(text.as_str()));
            let at = number_at(2).or_else(|| naming(&message, &found[1], scope));
            let column = number_at(3).map(|column| Column::Utf16(column.saturating_add(1)));
            Some((found[1].to_owned(), (at.unwrap_or(0), column), message))
        } else {
            None
        };
        let Some((path, (at, column), message)) = told else { return false };
        scope.claim();
        self.failed = 0;
        if let Some(file) = scope.own(&path) {
            let place = scope.at(file, at, column, None);
            let tool = match () {
                () if by_rollup => "rollup",
                () if by_esbuild || scope.command.mentions("esbuild") => "esbuild",
                () => "vite",
            };
            scope.problem(problem(tool, Severity::Error, place, message));
        }
        true
    }
}

impl Matcher for Bundlers {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        self.failed = self.failed.saturating_sub(1);
        if self.head(line, scope) {
            return;
        }
        if let Some(current) = &mut self.current {
            if current.below(line, scope) {
                return;
            }
            if let Some(current) = self.current.take() {
                current.tell(scope);
            }
        }
        if line.starts_with("error during build:") {
            (self.failed, self.said) = (6, String::new());
        } else if line == "build started..." {
            // Where it watches, an error follows without a word.
            (self.failed, self.said) = (12, String::new());
        } else if BUILD_STEPS.iter().any(|step| line.starts_with(step)) {
        } else if self.failed > 0 && self.said.is_empty() {
            line.trim().clone_into(&mut self.said);
        }
    }

    fn wants_all(&self) -> bool {
        self.current.is_some() || self.failed > 0
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        if let Some(current) = self.current.take() {
            current.tell(scope);
        }
        self.failed = 0;
    }

    fn end(&mut self, scope: &mut Scope) {
        self.interrupted(scope);
    }
}
