//! JSON that JavaScript's tools write instead of text: ESLint's, stylelint's, that of jest and Vitest, mocha's. Each as one line,
//! but mocha's, which is many. A line that was cut is read as far as it goes.

use serde_json::Value;

use super::assertion::{difference, sides};
use super::source::{TestFinder, id};
use super::stack::{Frame, frame, message, pick};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Runner, Scope, problem};
use crate::problem::{Counts, Problem, Severity, TestResult, TestStatus};

/// Bytes of a report of many lines.
const MAX_REPORT: usize = 4 << 20;

pub(super) const FORMAT: Format = Format {
    name: "node json",
    rank: Rank::Structured,
    gate: always,
    starts: &[r#"\[\{"filePath":"#, r#"\[\{"source":"#, r#"\{"num[A-Z]"#, r#""stats": \{\z"#],
    inside: &[],
    new: |_| Box::new(Report::default()),
};

#[derive(Default)]
pub(super) struct Report {
    /// Mocha's, so far.
    mocha: Option<String>,
}

/// The values of an array that may be cut.
fn elements(text: &str) -> Vec<Value> {
    let mut rest = text.trim_start().strip_prefix('[').unwrap_or_default();
    let mut values = Vec::new();
    loop {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(value)) = stream.next() else { return values };
        values.push(value);
        let end = stream.byte_offset();
        rest = match rest.get(end..).and_then(|rest| rest.trim_start().strip_prefix(',')) {
            Some(rest) => rest,
            None => return values,
        };
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn number(value: &Value, name: &str) -> u32 {
    value[name].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value[name].as_array().into_iter().flatten()
}

fn lint(report: &Value, scope: &mut Scope) {
    let eslint = report.get("filePath").is_some();
    let (tool, path, list) =
        if eslint { ("eslint", "filePath", "messages") } else { ("stylelint", "source", "warnings") };
    let Some(file) = scope.own(text(report, path)) else { return };
    for message in items(report, list) {
        let severity = match (&message["severity"], text(message, "severity")) {
            (Value::Number(level), _) if level.as_u64() == Some(1) => Severity::Warning,
            (_, "warning") => Severity::Warning,
            _ => Severity::Error,
        };
        let (line, end_line) = (number(message, "line"), number(message, "endLine"));
        let column = |name: &str| Some(number(message, name)).filter(|&column| column > 0).map(Column::Utf16);
        let end = if end_line == line { column("endColumn") } else { None };
        let place = scope.at(file.clone(), line, column("column"), end);
        let words = if eslint { text(message, "message") } else { text(message, "text") };
        let mut found = problem(tool, severity, place, words.lines().next().unwrap_or_default());
        found.detail = Some(words.to_owned());
        let rule = if eslint { text(message, "ruleId") } else { text(message, "rule") };
        found.code = Some(rule).filter(|rule| !rule.is_empty()).map(str::to_owned);
        scope.problem(found);
    }
}

/// One line for the text of an error, its stack left out.
fn short(text: &str) -> String {
    let lines: Vec<String> =
        text.lines().take_while(|line| !line.trim_start().starts_with("at ")).map(str::to_owned).collect();
    let first = message(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let first = first.strip_prefix("Error: ").unwrap_or(&first).split(" // ").next().unwrap_or_default().to_owned();
    if first == "STACK_TRACE_ERROR" {
        // Vitest puts it in place of what it has no text for in this report.
        return "failed without a message, as a test that timed out does in this report".to_owned();
    }
    let rest = lines.get(1..).unwrap_or_default();
    let sides = sides(rest);
    match (first.starts_with("expect("), sides.is_empty()) {
        (true, false) => format!("{first}: {sides}"),
        (true, true) => difference(rest, false).map_or_else(|| first.clone(), |sides| format!("{first}: {sides}")),
        _ => first,
    }
}

fn frames(text: &str) -> Vec<Frame> {
    text.lines().filter(|line| line.trim_start().starts_with("at ")).take(100).filter_map(frame).collect()
}

/// A failed test or file; nothing where the runner has told it in words, as jest does beside its JSON.
fn tell(found: Problem, scope: &mut Scope) {
    if !found.test.as_deref().is_some_and(|test| scope.is_detailed(test)) {
        scope.problem(found);
    }
}

/// What jest and Vitest write with `--json` and `--reporter=json`.
fn jest(report: &Value, scope: &mut Scope) {
    let tool = if scope.command.mentions("vitest") { "vitest" } else { "jest" };
    let counts = Counts {
        passed: number(report, "numPassedTests"),
        failed: number(report, "numFailedTests"),
        skipped: number(report, "numPendingTests") + number(report, "numTodoTests"),
    };
    for file in items(report, "testResults") {
        let Some(path) = scope.own(text(file, "name")) else { continue };
        let whole = scope.whole(path.clone());
        let itself = !items(file, "assertionResults").any(|test| text(test, "status") == "failed");
        if itself && text(file, "status") == "failed" {
            let said = text(file, "message");
            let (place, related) =
                pick(scope, &frames(said), false, None).unwrap_or_else(|| (whole.clone(), Vec::new()));
            let lines = said.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('●'));
            let mut found =
                problem(tool, Severity::Error, place, lines.unwrap_or("the test file failed outside of its tests"));
            found.detail = Some(said.to_owned());
            found.related = related;
            found.test = Some(scope.relative(&path));
            tell(found, scope);
        }
        for test in items(file, "assertionResults") {
            let id = id(&scope.relative(&path), &[text(test, "fullName").to_owned()]);
            let status = match text(test, "status") {
                "passed" => TestStatus::Passed,
                "failed" => TestStatus::Failed,
                _ => TestStatus::Skipped,
            };
            let said = test["failureMessages"][0].as_str().unwrap_or_default();
            let mut place = None;
            if status == TestStatus::Failed {
                let at = &test["location"];
                let declared = (number(at, "line") > 0).then(|| {
                    scope.at(path.clone(), number(at, "line"), Some(Column::Utf16(number(at, "column"))), None)
                });
                let (at, related) = pick(scope, &frames(said), true, Some(&whole))
                    .or_else(|| {
                        let named = || TestFinder::default().find_in(scope, &path, &[], text(test, "title"));
                        Some((declared.or_else(named)?, Vec::new()))
                    })
                    .unwrap_or_else(|| (whole.clone(), Vec::new()));
                let mut found = problem(tool, Severity::Error, at.clone(), short(said));
                found.detail = Some(said.to_owned());
                found.related = related;
                found.test = Some(id.clone());
                tell(found, scope);
                place = Some(at);
            }
            let duration_ms = test["duration"].as_f64().map(|time| time as u64);
            let name = text(test, "title").to_owned();
            let message = (!said.is_empty()).then(|| short(said));
            scope.test_result(TestResult { id, name, program: None, status, place, duration_ms, message });
        }
    }
    scope.counts(Runner(if tool == "jest" { "jest" } else { "vitest" }), counts);
}

fn mocha(report: &Value, scope: &mut Scope) {
    let stats = &report["stats"];
    let (passed, failed) = (number(stats, "passes"), number(stats, "failures"));
    let lists = [("passes", TestStatus::Passed), ("pending", TestStatus::Skipped), ("failures", TestStatus::Failed)];
    for (list, status) in lists {
        for test in items(report, list) {
            let (id, said) = (super::mocha::rerun(text(test, "fullTitle")), text(&test["err"], "stack"));
            let mut place = None;
            if status == TestStatus::Failed {
                let file = scope.own(text(test, "file"));
                let found = super::mocha::place(scope, &frames(said), file.as_deref(), text(test, "title"));
                if let Some((at, related)) = found {
                    let mut text = short(said);
                    let err = &test["err"];
                    if text.ends_with("deep-equal") || text.ends_with("equal") {
                        let lines = |name| self::text(err, name).lines().map(str::to_owned).collect::<Vec<_>>();
                        let (expected, actual) = (lines("expected"), lines("actual"));
                        let differ = expected.iter().zip(&actual).find(|(a, b)| a != b);
                        if let Some((expected, received)) = differ {
                            let cut = |line: &str| line.trim().trim_end_matches(',').to_owned();
                            text = format!("{text}: Expected: {}, Received: {}", cut(expected), cut(received));
                        }
                    }
                    let mut found = problem("mocha", Severity::Error, at.clone(), text);
                    found.detail = Some(said.to_owned());
                    found.related = related;
                    found.test = Some(id.clone());
                    scope.problem(found);
                    place = Some(at);
                }
            }
            let message = (!said.is_empty()).then(|| short(said));
            let (name, duration_ms) = (text(test, "title").to_owned(), test["duration"].as_u64());
            scope.test_result(TestResult { id, name, program: None, status, place, duration_ms, message });
        }
    }
    scope.counts(Runner("mocha"), Counts { passed, failed, skipped: number(stats, "pending") });
}

impl Matcher for Report {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if let Some(report) = &mut self.mocha {
            scope.claim();
            report.push_str(line);
            report.push('\n');
            if line == "}"
                && let Some(report) = self.mocha.take()
                && let Ok(report) = serde_json::from_str(&report)
            {
                mocha(&report, scope);
            } else if self.mocha.as_ref().is_some_and(|report| report.len() > MAX_REPORT) {
                self.mocha = None;
            }
            return;
        }
        let start = line.trim_start();
        if start == "\"stats\": {" {
            self.mocha = Some(format!("{{{line}\n"));
        } else if start.starts_with("[{\"filePath\":") || start.starts_with("[{\"source\":") {
            scope.claim();
            for report in &elements(start) {
                lint(report, scope);
            }
        } else if start.starts_with("{\"num")
            && let Ok(report) = serde_json::from_str::<Value>(start)
            && report.get("testResults").is_some()
        {
            scope.claim();
            jest(&report, scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.mocha.is_some()
    }

    fn reads_documents(&self) -> bool {
        true
    }
}
