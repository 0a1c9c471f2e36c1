//! Linters and formatters with lines of their own: Biome's `file:4:1 rule ━━━` with the message below, `prettier --check`,
//! markdownlint, HTML Tidy (which does not name its file: the command does).

use std::path::PathBuf;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::{OneLine, Printed, number, text};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::{Place, Severity};

/// Lines of one diagnostic of Biome in which its range must come.
const MAX_LINES: usize = 30;

pub(super) const FORMAT: Format = Format {
    name: "biome, prettier, markdownlint, tidy",
    rank: Rank::Tool,
    gate: always,
    starts: &[r"\[(?:warn|error)\] ", "Checking formatting", "line [0-9]+ column [0-9]+ - "],
    inside: &[
        Inside { words: &[" ━━━━"], text: "" },
        Inside { words: &[".htm", ".xhtml"], text: "" },
        Inside { words: &[" MD0"], text: r":[0-9]+(?::[0-9]+)?(?: error| warning)? MD[0-9]{3}/" },
    ],
    new: |scope| {
        let is_list = |word: &String| word == "-l" || word == "--list-different";
        let lists = scope.command.mentions("prettier") && scope.command.words().iter().any(is_list);
        Box::new(Linters { lists, ..Linters::default() })
    },
};

#[derive(Default)]
pub(super) struct Linters {
    biome: Option<Biome>,
    /// `Checking formatting...` was read.
    prettier: bool,
    /// The page that was named last: Tidy does not say which one it reads.
    page: Option<PathBuf>,
    /// The command is `prettier -l`: each line is a file.
    lists: bool,
    /// The file that was listed last: in a terminal one that cannot be read stands above its error too.
    listed: Option<PathBuf>,
}

struct Biome {
    place: Place,
    code: String,
    severity: Severity,
    message: Option<String>,
    detail: String,
    ranged: bool,
    taken: usize,
}

expression!(biome_head, r"^(\S[^:━]*?)(?::(\d+):(\d+))? ([a-z]\w*(?:/\w+)*)(?: +[A-Z]+)* +━{4,}");
expression!(prettier_warn, r"^\[warn\] (\S.*)$");
expression!(prettier_error, r"^\[error\] (\S.*?): (\w*Error: .*?) \((\d+):(\d+)\)$");
expression!(markdown, r"^(\S.*?):(\d+)(?::(\d+))?(?: (error|warning))? (MD\d{3})/\S+ (.*)$");
expression!(tidy, r"^line (\d+) column (\d+) - (Error|Warning|Info): (.*)$");

impl Biome {
    fn below(&mut self, line: &str, scope: &Scope) -> bool {
        self.taken += 1;
        if self.taken > MAX_LINES || !line.is_empty() && !line.starts_with("  ") {
            return false;
        }
        keep(&mut self.detail, line);
        let text = line.trim();
        if self.message.is_none() {
            let severity = match text.chars().next() {
                Some('×' | '✖') => Severity::Error,
                Some('!' | '⚠') => Severity::Warning,
                Some('i' | 'ℹ') => Severity::Information,
                _ => return true,
            };
            self.severity = severity;
            self.message = Some(text.trim_start_matches(['×', '✖', '!', '⚠', 'i', 'ℹ']).trim().to_owned());
        } else if text.starts_with("i ") || text.starts_with("ℹ ") {
            self.ranged = true;
        } else if !self.ranged
            && let Some(marks) = text.strip_prefix('│').map(str::trim)
            && !marks.is_empty()
            && marks.bytes().all(|byte| byte == b'^')
        {
            self.ranged = true;
            if let (Some(at), Some(column)) = (self.place.line, self.place.column) {
                // As it is a column of UTF-16 already, its end is.
                let end = column.saturating_add(marks.len() as u32);
                self.place =
                    scope.at(self.place.file.clone(), at, Some(Column::Utf16(column)), Some(Column::Utf16(end)));
            }
        }
        true
    }

    fn tell(self, scope: &mut Scope) {
        let Some(message) = self.message else { return };
        let mut found = problem("biome", self.severity, self.place, message.trim_end_matches(':'));
        found.code = Some(self.code);
        found.detail = Some(self.detail);
        scope.problem(found);
    }
}

/// The only page that the command names.
fn page(scope: &mut Scope) -> Option<PathBuf> {
    let is_page = |word: &&String| [".html", ".htm", ".xhtml", ".xml"].iter().any(|ending| word.ends_with(ending));
    let mut pages = scope.command.words().iter().filter(is_page);
    let only = pages.next().filter(|_| pages.next().is_none())?.clone();
    scope.own(&only)
}

/// A page that a line names.
fn named(line: &str, scope: &mut Scope) -> Option<PathBuf> {
    let mut words = line.split([' ', '\t']).map(|word| word.trim_matches(['=', ':', '`', '"', '\'', '-']));
    let page = words.find(|word| word.ends_with(".html") || word.ends_with(".htm") || word.ends_with(".xhtml"))?;
    scope.own(page)
}

/// jshint's unix reporter: places with texts alone.
pub(super) const JSHINT: Format = Format {
    name: "jshint --reporter=unix",
    rank: Rank::Tool,
    gate: |command| command.mentions("jshint"),
    starts: &[],
    inside: &[Inside { words: &["js:", ".jsx:", ".html:"], text: r"\A[^ :]+\.(?:[cm]?jsx?|html):[0-9]+:[0-9]+: " }],
    new: |_| Box::new(OneLine { tool: "jshint", read: jshint }),
};

expression!(jshint_row, r"^(\S[^:]*\.\w+):(\d+):(\d+): (?:\(([EWI]\d{3})\) )?(.+?)(?: \(([EWI]\d{3})\))?$");

fn jshint(line: &str) -> Option<Printed<'_>> {
    let found = jshint_row().captures(line)?;
    let code = text(&found, 4).or(text(&found, 6));
    let error = code.map_or_else(|| super::eslint::stops(&found[5]), |code| code.starts_with('E'));
    Some(Printed {
        path: text(&found, 1)?,
        line: number(&found, 2),
        column: number(&found, 3).map(Column::Utf16),
        severity: if error { Severity::Error } else { Severity::Warning },
        code,
        message: text(&found, 5)?,
    })
}

impl Linters {
    fn one_line(&mut self, line: &str, scope: &mut Scope) {
        if line.starts_with("Checking formatting") {
            self.prettier = true;
        } else if line.starts_with('[') {
            self.prettier(line, scope);
        } else if let Some(found) = markdown().captures(line) {
            let Some(file) = scope.own(&found[1]) else { return };
            let column = found.get(3).and_then(|column| column.as_str().parse().ok()).map(Column::Utf16);
            let place = scope.at(file, found[2].parse().unwrap_or(0), column, None);
            let error = found.get(4).is_some_and(|word| word.as_str() == "error");
            let severity = if error { Severity::Error } else { Severity::Warning };
            let message = found[6].split(" [Context: ").next().unwrap_or_default();
            let mut problem = problem("markdownlint", severity, place, message);
            problem.code = Some(found[5].to_owned());
            problem.detail = Some(found[6].to_owned());
            scope.claim();
            scope.problem(problem);
        } else if let Some(found) = tidy().captures(line)
            && let Some(file) = page(scope).or_else(|| self.page.clone())
        {
            let severity = match &found[3] {
                "Error" => Severity::Error,
                "Warning" => Severity::Warning,
                _ => Severity::Information,
            };
            let column = Column::Chars(found[2].parse().unwrap_or(0));
            let place = scope.at(file, found[1].parse().unwrap_or(0), Some(column), None);
            scope.problem(problem("tidy", severity, place, &found[4]));
        } else if self.lists {
            self.tell_listed(scope);
            self.listed = Some(line).filter(|line| !line.contains([':', '>'])).and_then(|line| scope.own(line));
        } else if line.contains(".htm") || line.contains(".xhtml") {
            self.page = named(line, scope).or(self.page.take());
        }
    }

    fn tell_listed(&mut self, scope: &mut Scope) {
        if let Some(file) = self.listed.take() {
            let place = scope.whole(file);
            scope.problem(problem("prettier", Severity::Warning, place, "not formatted as Prettier does it"));
        }
    }

    fn prettier(&mut self, line: &str, scope: &mut Scope) {
        if !self.prettier && !scope.command.mentions("prettier") {
            return;
        }
        if let Some(found) = prettier_error().captures(line) {
            let Some(file) = scope.own(&found[1]) else { return };
            self.listed.take_if(|listed| *listed == file);
            let column = Column::Utf16(found[4].parse().unwrap_or(0));
            let place = scope.at(file, found[3].parse().unwrap_or(0), Some(column), None);
            scope.problem(problem("prettier", Severity::Error, place, &found[2]));
        } else if let Some(found) = prettier_warn().captures(line)
            && let Some(file) = scope.own(&found[1])
        {
            let place = scope.whole(file);
            scope.problem(problem("prettier", Severity::Warning, place, "not formatted as Prettier does it"));
        }
    }
}

impl Matcher for Linters {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.biome = None;
            return;
        }
        if line.contains(" ━━━━")
            && let Some(found) = biome_head().captures(line)
        {
            self.interrupted(scope);
            let Some(file) = scope.own(&found[1]) else { return };
            let number = |at: usize| found.get(at).and_then(|number| number.as_str().parse().ok());
            let place = match number(2) {
                Some(line) => scope.at(file, line, number(3).map(Column::Chars), None),
                None => scope.whole(file),
            };
            let code = found[4].to_owned();
            let (severity, detail) = (Severity::Error, String::new());
            self.biome = Some(Biome { place, code, severity, message: None, detail, ranged: false, taken: 0 });
            return;
        }
        if let Some(biome) = &mut self.biome {
            if biome.below(line, scope) {
                return;
            }
            self.interrupted(scope);
        }
        self.one_line(line, scope);
    }

    fn wants_all(&self) -> bool {
        self.biome.is_some() || self.lists
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        if let Some(biome) = self.biome.take() {
            biome.tell(scope);
        }
    }

    fn end(&mut self, scope: &mut Scope) {
        self.interrupted(scope);
        self.tell_listed(scope);
    }
}
