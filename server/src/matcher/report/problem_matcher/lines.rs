//! Runs a definition over lines: one pattern after the other, each on the next line; the last may repeat.

use std::path::PathBuf;

use regex::Captures;

use super::definition::{Definition, Location, Pattern, severity};
use crate::matcher::Matcher;
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::{CyclePhase, Watcher};

/// A definition at work.
pub(in crate::matcher) struct Custom {
    definition: Definition,
    /// The pattern that the next line must match.
    next: usize,
    /// What the lines so far gave.
    found: Found,
}

#[derive(Clone, Debug, Default)]
struct Found {
    file: Option<String>,
    whole_file: bool,
    line: Option<u32>,
    column: Option<u32>,
    end_line: Option<u32>,
    end_column: Option<u32>,
    severity: Option<String>,
    code: Option<String>,
    message: Option<String>,
    detail: String,
}

impl Found {
    /// Takes what a pattern's groups hold.
    fn take(&mut self, pattern: &Pattern, found: &Captures<'_>) {
        let text =
            |group: Option<usize>| Some(found.get(group?)?.as_str().trim().to_owned()).filter(|it| !it.is_empty());
        let number = |group: Option<usize>| text(group)?.parse::<u32>().ok();
        self.whole_file |= pattern.whole_file;
        self.file = text(pattern.file).or(self.file.take());
        self.line = number(pattern.line).or(self.line);
        self.column = number(pattern.column).or(self.column);
        self.end_line = number(pattern.end_line).or(self.end_line);
        self.end_column = number(pattern.end_column).or(self.end_column);
        self.severity = text(pattern.severity).or(self.severity.take());
        self.code = text(pattern.code).or(self.code.take());
        self.message = text(pattern.message).or(self.message.take());
        if let Some(location) = text(pattern.location) {
            // `line`, `line,column` or `line,column,endLine,endColumn`.
            let mut numbers = location.split([',', ':']).map(|number| number.trim().parse::<u32>().ok());
            self.line = numbers.next().flatten();
            self.column = numbers.next().flatten();
            self.end_line = numbers.next().flatten();
            self.end_column = numbers.next().flatten();
        }
        keep(&mut self.detail, found.get(0).map_or("", |all| all.as_str()));
    }
}

/// A folder of a definition, its variables replaced.
fn folder(base: &str, scope: &Scope) -> PathBuf {
    let root = scope.root.to_string_lossy();
    let here = scope.command.folders.last().map_or_else(|| root.clone(), |it| it.to_string_lossy());
    let base = base.replace("${workspaceFolder}", &root).replace("${workspaceRoot}", &root).replace("${cwd}", &here);
    scope.root.join(base)
}

impl Custom {
    pub(in crate::matcher) fn new(definition: Definition) -> Self {
        Self { definition, next: 0, found: Found::default() }
    }

    /// Tells what was found, and for a repeating pattern forgets only what that pattern gave.
    fn tell(&mut self, scope: &mut Scope) {
        let found = self.found.clone();
        let (Some(path), Some(message)) = (found.file, found.message) else { return };
        let Some(file) = self.file(&path, scope) else { return };
        let column = |column: Option<u32>| column.map(Column::Utf16);
        let mut place = match found.line.filter(|_| !found.whole_file) {
            Some(line) => {
                let end = found.end_column.filter(|_| found.end_line.is_none_or(|end| end == line));
                scope.at(file, line, column(found.column), column(end))
            }
            None => scope.whole(file),
        };
        if place.line.is_some() && found.end_line > place.line {
            (place.end_line, place.end_column) = (found.end_line, found.end_column);
        }
        let severity = found.severity.as_deref().and_then(severity).unwrap_or(self.definition.severity);
        let mut told = problem(&self.definition.source, severity, place, message);
        told.code = found.code;
        told.applies = self.definition.applies;
        told.detail = Some(found.detail);
        scope.problem(told);
    }

    /// The file of the workspace that a printed path means.
    fn file(&self, path: &str, scope: &mut Scope) -> Option<PathBuf> {
        match &self.definition.location {
            Location::Absolute => scope.own(path),
            Location::Relative(base) | Location::AutoDetect(base) => {
                let joined = folder(base, scope).join(path);
                joined.to_str().and_then(|joined| scope.own(joined)).or_else(|| scope.own(path))
            }
            Location::Search { include, exclude } => {
                let include: Vec<PathBuf> = include.iter().map(|base| folder(base, scope)).collect();
                let exclude: Vec<PathBuf> = exclude.iter().map(|base| folder(base, scope)).collect();
                let is_meant = |file: &PathBuf| {
                    include.iter().any(|base| file.starts_with(base))
                        && !exclude.iter().any(|base| file.starts_with(base))
                };
                let mut joined = include.iter().map(|base| base.join(path));
                let direct = joined.find_map(|joined| joined.to_str().and_then(|it| scope.own(it)).filter(is_meant));
                direct.or_else(|| scope.own(path).filter(is_meant))
            }
        }
    }

    /// Tries the pattern at `at`; true when the line is its.
    fn try_at(&mut self, at: usize, line: &str, scope: &mut Scope) -> bool {
        let pattern = &self.definition.patterns[at];
        let Some(found) = pattern.regexp.captures(line) else { return false };
        let repeats = pattern.repeats;
        let before = repeats.then(|| self.found.clone());
        self.found.take(pattern, &found);
        if at + 1 < self.definition.patterns.len() {
            self.next = at + 1;
            return true;
        }
        self.tell(scope);
        match before {
            Some(before) => (self.found, self.next) = (before, at),
            None => self.reset(),
        }
        true
    }

    fn reset(&mut self) {
        (self.next, self.found) = (0, Found::default());
    }
}

impl Matcher for Custom {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        let marks = |pattern: &Option<regex::Regex>| pattern.as_ref().is_some_and(|it| it.is_match(line));
        let (begins, ends) = (marks(&self.definition.begins), marks(&self.definition.ends));
        if begins || ends {
            self.reset();
            // One line may end a cycle and begin the next.
            for (_, phase) in [(ends, CyclePhase::Ends), (begins, CyclePhase::Begins)].iter().filter(|(is, _)| *is) {
                scope.cycle(*phase, Watcher::Tool(self.definition.source.clone()));
            }
            return;
        }
        let begun = self.next > 0;
        if self.try_at(self.next, line, scope) {
            scope.claim();
            return;
        }
        self.reset();
        if begun && self.try_at(0, line, scope) {
            scope.claim();
        }
    }

    /// A person's patterns may want any line.
    fn wants_all(&self) -> bool {
        true
    }

    fn interrupted(&mut self, _: &mut Scope) {
        self.reset();
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::super::parse;
    use crate::matcher::{Engine, Files, Origin};
    use crate::problem::{Finding, Severity};

    /// Every path below `/w` is a file.
    struct All;

    impl Files for All {
        fn is_file(&self, path: &Path) -> bool {
            path.starts_with("/w") && path.extension().is_some()
        }

        fn read(&self, _: &Path) -> Option<String> {
            None
        }

        fn with_extension(&self, _: &str) -> Vec<PathBuf> {
            Vec::new()
        }
    }

    fn run(definition: &Value, output: &str) -> Vec<String> {
        let origin = Origin { command: "./check".to_owned(), cwd: "/w/sub".into(), root: "/w".into() };
        let mut engine = Engine::new(origin, Arc::new(All));
        engine.define([parse(definition).expect("a good definition")]);
        let mut findings = Vec::new();
        engine.push(output.as_bytes(), &mut findings);
        engine.finish(&mut findings);
        let problems = findings.iter().filter_map(|finding| match finding {
            Finding::Problem(problem) => Some(problem),
            _ => None,
        });
        problems
            .map(|it| {
                let place = &it.place;
                let severity = if it.severity == Severity::Error { "error" } else { "other" };
                let code = it.code.as_deref().unwrap_or("-");
                let numbers = [place.line, place.column, place.end_line, place.end_column].map(|it| it.unwrap_or(0));
                format!("{} {numbers:?} {severity} {code} {}", place.file.display(), it.message)
            })
            .collect()
    }

    #[test]
    fn one_line() {
        let matcher = json!({
            "owner": "lint", "fileLocation": ["relative", "${workspaceFolder}/src"], "severity": "warning",
            "pattern": {"regexp": "^(\\S+)@(\\d+)/(\\d+) (?:(E)|W)(\\d+) (.*)$",
                        "file": 1, "line": 2, "column": 3, "severity": 4, "code": 5, "message": 6}
        });
        assert_eq!(
            run(&matcher, "a.x@3/4 E12 bad\nnothing\nb.x@5/1 W7 poor\n"),
            ["/w/src/a.x [3, 4, 0, 0] error 12 bad", "/w/src/b.x [5, 1, 0, 0] other 7 poor"]
        );
    }

    #[test]
    fn loops_and_files() {
        let stylish =
            "\n/w/a.js\n  1:2  error  no var  no-var\n  3:1  warning  long line  max-len\n\n/w/b.js\n  9:9  error  x\n";
        assert_eq!(
            run(&json!("$eslint-stylish"), stylish),
            [
                "/w/a.js [1, 2, 0, 0] error no-var no var",
                "/w/a.js [3, 1, 0, 0] other max-len long line",
                "/w/b.js [9, 9, 0, 0] error - x"
            ]
        );
        let whole = json!({"pattern": {"regexp": "^missing: (\\S+) (.*)$", "kind": "file", "file": 1, "message": 2}});
        assert_eq!(run(&whole, "missing: c.txt no licence\n"), ["/w/c.txt [0, 0, 0, 0] error - no licence"]);
    }

    #[test]
    fn named() {
        assert_eq!(
            run(&json!("$tsc"), "src/a.ts(3,5): error TS2304: no name\nb.ts:1:2 - error TS1: y\n"),
            ["/w/sub/src/a.ts [3, 5, 0, 0] error TS2304 no name", "/w/sub/b.ts [1, 2, 0, 0] error TS1 y"]
        );
        assert_eq!(
            run(&json!("$msCompile"), "/w/a.cs(3,5,3,9): error CS1002: ; expected\n"),
            ["/w/a.cs [3, 5, 3, 9] error CS1002 ; expected"]
        );
        assert_eq!(run(&json!("$go"), "vet: ./a.go:3:2: x declared\n"), ["/w/a.go [3, 2, 0, 0] error - x declared"]);
    }

    #[test]
    fn searches_where_it_is_told_to() {
        let matcher = json!({
            "fileLocation": ["search", {"include": ["${workspaceFolder}/lib", "${workspaceFolder}/src"],
                                        "exclude": "${workspaceFolder}/lib/old"}],
            "pattern": {"regexp": "^<([^[]+)\\[(\\d+)\\]> {(.*)}$", "file": 1, "line": 2, "message": 3}
        });
        assert_eq!(
            run(&matcher, "<a.x[3]> {bad}\n<old/b.x[4]> {old}\n</w/etc/c.x[5]> {elsewhere}\n"),
            ["/w/lib/a.x [3, 0, 0, 0] error - bad", "/w/src/old/b.x [4, 0, 0, 0] error - old"]
        );
    }

    #[test]
    fn a_cycle_begins_afresh() {
        let matcher = json!({
            "base": "$eslint-stylish", "background": {"beginsPattern": "^Compiling", "endsPattern": {"regexp": "^Done"}}
        });
        assert_eq!(run(&matcher, "/w/a.js\nCompiling\n  1:2  error  no var  no-var\nDone\n").len(), 0);
    }
}
