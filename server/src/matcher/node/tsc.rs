//! TypeScript's compiler: `src/a.ts(5,3): error TS2322: …`, and `--pretty` with `src/a.ts:5:3 - error TS2322: …`, the code with the
//! range underlined, and places that belong to it. The same lines come from `tsc -b`, `--watch`, vue-tsc, Angular and ts-node.

use std::path::PathBuf;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{CyclePhase, Related, Severity, Watcher};

const TOOL: &str = "tsc";
/// Lines of one diagnostic that are read.
const MAX_LINES: usize = 100;

pub(super) const FORMAT: Format = Format {
    name: "tsc",
    rank: Rank::Tool,
    gate: always,
    starts: &[],
    inside: &[
        Inside { words: &["error TS", "warning TS", "message TS"], text: "(?:error|warning|message) TS[0-9]+: " },
        Inside {
            words: &[
                "compilation in watch mode...",
                "Starting incremental compilation...",
                "Watching for file changes.",
            ],
            text: "",
        },
    ],
    new: |_| Box::new(Tsc::default()),
};

#[derive(Default)]
pub(super) struct Tsc {
    current: Option<Diagnostic>,
}

struct Diagnostic {
    file: PathBuf,
    line: u32,
    column: u32,
    severity: Severity,
    code: String,
    message: String,
    detail: String,
    pretty: bool,
    /// Of the underlined range: its length, and whether the lines below are other code.
    length: Option<u32>,
    underlined: u32,
    /// A place whose message follows.
    at: Option<(String, u32, u32)>,
    related: Vec<Related>,
    taken: usize,
}

expression!(head, r"^(?:Error: )?(\S.*?)(?:\((\d+),(\d+)\):|:(\d+):(\d+) -) (error|warning|message) (TS\d+): (.*)$");
expression!(whole, r"^error (TS\d+): (.*)$");
expression!(config, r"config file '([^']+)'|[Ff]ile '([^']+\.json)'");
expression!(place, r"^  (\S.*):(\d+):(\d+)$");
// `[11:37:24 PM] File change detected. Starting incremental compilation...`, without brackets where it is not pretty.
expression!(
    cycle,
    r"^\[?[\d:. ]+(?:[AP]M)?\]?(?: -)? (?:(Starting compilation in watch mode|File change detected\. Starting incremental compilation)\.\.\.|Found \d+ errors?\. Watching for file changes\.)$"
);

impl Tsc {
    fn head(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(found) = head().captures(line) else { return Self::whole(line, scope) };
        self.flush(scope);
        scope.claim();
        let Some(file) = scope.own(&found[1]) else { return true };
        let number = |plain: usize, pretty: usize| {
            found.get(plain).or(found.get(pretty)).and_then(|number| number.as_str().parse().ok()).unwrap_or(0)
        };
        self.current = Some(Diagnostic {
            file,
            line: number(2, 4),
            column: number(3, 5),
            severity: match &found[6] {
                "error" => Severity::Error,
                "warning" => Severity::Warning,
                _ => Severity::Information,
            },
            code: found[7].to_owned(),
            message: found[8].to_owned(),
            detail: found[8].to_owned(),
            pretty: found.get(4).is_some(),
            length: None,
            underlined: 0,
            at: None,
            related: Vec::new(),
            taken: 0,
        });
        true
    }

    /// An error without a place, which may name the configuration that it is about.
    fn whole(line: &str, scope: &mut Scope) -> bool {
        let Some(found) = whole().captures(line) else { return false };
        scope.claim();
        let named = config().captures(&found[2]);
        let path = named.and_then(|named| named.get(1).or(named.get(2)).map(|path| path.as_str().to_owned()));
        if let Some(file) = path.and_then(|path| scope.own(&path)) {
            let mut problem = problem(TOOL, Severity::Error, scope.whole(file), &found[2]);
            problem.code = Some(found[1].to_owned());
            scope.problem(problem);
        }
        true
    }

    /// A line below a head; false when it is none of its.
    fn below(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(current) = &mut self.current else { return false };
        current.taken += 1;
        if current.taken > MAX_LINES {
            return false;
        }
        if !current.pretty {
            let is_more = line.starts_with("  ");
            if is_more {
                keep(&mut current.detail, line);
            }
            return is_more;
        }
        let text = line.trim_start();
        let numbered = text.trim_start_matches(|c: char| c.is_ascii_digit());
        if text.is_empty() {
            return true;
        }
        if text.bytes().all(|byte| matches!(byte, b'~' | b' ')) {
            if current.at.is_none() {
                current.underlined += 1;
                current.length = Some(text.trim_end().len() as u32);
            }
            return true;
        }
        if let Some(found) = place().captures(line) {
            current.at = Some((found[1].to_owned(), found[2].parse().unwrap_or(0), found[3].parse().unwrap_or(0)));
            return true;
        }
        if numbered.len() < text.len() && (numbered.is_empty() || numbered.starts_with(' ')) {
            return true;
        }
        if !line.starts_with("  ") {
            return false;
        }
        keep(&mut current.detail, line);
        if let Some((path, at, column)) = current.at.take()
            && let Some(file) = scope.own(&path)
            && current.related.len() < 8
        {
            current.related.push(related(scope.at(file, at, Some(Column::Utf16(column)), None), text));
        }
        true
    }

    fn flush(&mut self, scope: &mut Scope) {
        let Some(current) = self.current.take() else { return };
        let end =
            current.length.filter(|_| current.underlined == 1).map(|length| current.column.saturating_add(length));
        let at = scope.at(current.file, current.line, Some(Column::Utf16(current.column)), end.map(Column::Utf16));
        let mut found = problem(TOOL, current.severity, at, current.message);
        found.code = Some(current.code);
        found.detail = Some(current.detail);
        found.related = current.related;
        scope.problem(found);
    }
}

impl Matcher for Tsc {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.flush(scope);
            return;
        }
        if let Some(found) = line.ends_with('.').then(|| cycle().captures(line)).flatten() {
            self.flush(scope);
            let phase = if found.get(1).is_some() { CyclePhase::Begins } else { CyclePhase::Ends };
            return scope.cycle(phase, Watcher::Tool(TOOL.to_owned()));
        }
        if line.contains(" TS") && self.head(line, scope) || self.below(line, scope) {
            return;
        }
        self.flush(scope);
    }

    fn wants_all(&self) -> bool {
        self.current.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
