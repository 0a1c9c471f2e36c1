//! PHPUnit 6 to 12: the numbered errors, failures and risky tests, the testdox format, and the counts at the end.

use super::dots::{Dots, sum};
use super::frames::pick;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::{MAX_COUNT, count, number};
use crate::matcher::scope::{Runner, Scope, keep, problem};
use crate::problem::{Counts, Place, Severity, TestResult, TestStatus};

const RUNNER: Runner = Runner("phpunit");
/// Lines of one failure.
const MAX_LINES: usize = 400;

pub(super) const FORMAT: Format = Format {
    name: "phpunit",
    rank: Rank::Runner,
    gate: always,
    starts: &["PHPUnit [0-9]+", "ParaTest "],
    inside: &[],
    new: |_| {
        let (before, live, dots) = (Counts::default(), Counts::default(), Dots::new(letter));
        Box::new(Phpunit { active: false, severity: None, block: None, before, live, dots, lettered: false })
    },
};

struct Phpunit {
    active: bool,
    /// What the section that is read now lists; `None` for what is no problem.
    severity: Option<Severity>,
    block: Option<Block>,
    /// Of the runs before.
    before: Counts,
    /// Of this run's letters, until its last line says it.
    live: Counts,
    dots: Dots,
    /// The letters may come: they end before `Time:`.
    lettered: bool,
}

struct Block {
    severity: Severity,
    /// `Class::method`, of testdox the words that stand for it.
    title: String,
    testdox: bool,
    message: Vec<String>,
    frames: Vec<(String, u32)>,
    detail: String,
    lines: usize,
}

expression!(section, r"^There (?:was|were) \d+ (.+):$");
expression!(title, r"^\d+\) (\S.*)$");
expression!(frame, r"^(/\S.*?|[A-Za-z]:\\.*?|\S+\.php):(\d+)$");
expression!(testdox, r"^ (?:✘|x) (.+?)(?: \[[\d.]+ ms\])?$");
expression!(passed_all, r"^OK \((\d+) tests?, ");
expression!(totals, r"^Tests: (\d+), Assertions: \d+(.*?)\.?$");
expression!(data_set, r#"^(.*? with data set (?:"[^"]*"|#\d+))(?: \(.*\))?$"#);
expression!(method, r"^\s*(?:(?:final|abstract|public|static|protected|private|readonly)\s+)*function\s+(\w+)");
expression!(class, r"^\s*(?:(?:final|abstract|readonly)\s+)*class\s+(\w+)");

/// Risky tests and those with notices passed.
fn letter(byte: u8) -> Option<TestStatus> {
    match byte {
        b'.' | b'R' | b'W' | b'N' | b'D' => Some(TestStatus::Passed),
        b'F' | b'E' => Some(TestStatus::Failed),
        b'S' | b'I' => Some(TestStatus::Skipped),
        _ => None,
    }
}

/// The method of `Namespace\CartTest::testTotal`, where no frame is printed: that of the only file of its class.
fn declared(title: &str, scope: &Scope) -> Option<Place> {
    let (class, name) = title.split(' ').next()?.split_once("::")?;
    let file = format!("{}.php", class.rsplit('\\').next()?);
    let files = scope.files.with_extension("php");
    let mut files = files.into_iter().filter(|path| path.file_name().is_some_and(|name| name == file.as_str()));
    let file = files.next().filter(|_| files.next().is_none())?;
    let text = scope.files.read(&file)?;
    let at = text.lines().position(|line| method().captures(line).is_some_and(|found| &found[1] == name))?;
    Some(scope.at(file, u32::try_from(at + 1).ok()?, None, None))
}

/// The class and the method around a line.
fn enclosing(text: &str, line: u32) -> Option<String> {
    let before: Vec<&str> = text.lines().take(line as usize).collect();
    let name = |find: fn() -> &'static regex::Regex| {
        before.iter().rev().find_map(|line| Some(find().captures(line)?.get(1)?.as_str().to_owned()))
    };
    Some(format!("{}::{}", name(class)?, name(method)?))
}

/// The data set's name in testdox's words: `reduced` of `Tax with reduced`, where the method is `testTax`.
fn set<'w>(words: &'w str, name: &str) -> Option<&'w str> {
    let method = name.rsplit("::").next()?;
    let method = method.strip_prefix("test").unwrap_or(method);
    let (mut rest, mut method) = (words, method.chars().filter(|c| *c != '_').peekable());
    while let Some(wanted) = method.peek() {
        let mut letters = rest.chars();
        let letter = letters.next()?;
        if letter.eq_ignore_ascii_case(wanted) {
            method.next();
        } else if letter != ' ' {
            return None;
        }
        rest = letters.as_str();
    }
    rest.strip_prefix(" with ")
}

/// One line: the author's message, what was asserted, and both sides where they are one line each.
fn one_line(lines: &[String]) -> String {
    let first = lines.first().map(String::as_str).unwrap_or_default();
    let mut text = first.to_owned();
    let mut asserted = 0;
    if let Some(second) = lines.get(1).filter(|second| second.starts_with("Failed asserting")) {
        text = format!("{first}: {second}");
        asserted = 1;
    }
    // A text of several lines is printed as such, each end of a line as `\n` too.
    for more in lines.iter().skip(asserted + 1).take(MAX_TEXT) {
        if !text.ends_with("\\n") {
            break;
        }
        text.push_str(more);
    }
    let side = |mark: &str| {
        let mut found = lines.iter().skip_while(|line| !line.starts_with("@@")).filter(|line| line.starts_with(mark));
        found.next().filter(|_| found.next().is_none()).map(|line| line[1..].trim().to_owned())
    };
    if let (Some(expected), Some(actual)) = (side("-"), side("+")) {
        text = format!("{} Expected: {expected}, Actual: {actual}", text.trim_end());
    }
    text
}

/// Lines of a text in an assertion that its message has.
const MAX_TEXT: usize = 10;

impl Phpunit {
    fn flush(&mut self, scope: &mut Scope) {
        let Some(block) = self.block.take() else { return };
        let message = one_line(&block.message);
        let is_test = |path: &str| path.ends_with("Test.php");
        let found =
            pick(scope, &block.frames, Some(is_test)).or_else(|| Some((declared(&block.title, scope)?, Vec::new())));
        let Some((place, others)) = found.filter(|_| !message.is_empty()) else { return };
        let title = data_set()
            .captures(&block.title)
            .map_or(block.title.as_str(), |found| found.get(1).map_or("", |it| it.as_str()));
        let test = if block.testdox { Self::named(title, &place, scope) } else { title.to_owned() };
        if block.severity == Severity::Error {
            scope.test_result(TestResult {
                id: test.clone(),
                name: test.clone(),
                program: None,
                status: TestStatus::Failed,
                place: Some(place.clone()),
                duration_ms: None,
                message: Some(message.clone()),
            });
        }
        let mut told = problem("phpunit", block.severity, place, message);
        told.related = others;
        told.detail = Some(block.detail);
        told.test = Some(test);
        scope.problem(told);
    }

    /// The method's name for testdox's words, from the source at the failure.
    fn named(words: &str, place: &Place, scope: &Scope) -> String {
        let text = scope.files.read(&place.file).unwrap_or_default();
        let Some(name) = place.line.and_then(|line| enclosing(&text, line)) else { return words.to_owned() };
        match words.find(" with data set ") {
            Some(at) => name + &words[at..],
            None => match set(words, &name) {
                Some(set) => format!("{name} with data set \"{set}\""),
                None => name,
            },
        }
    }

    fn begin(&mut self, title: &str, severity: Severity, testdox: bool) {
        self.block = Some(Block {
            severity,
            title: title.to_owned(),
            testdox,
            message: Vec::new(),
            frames: Vec::new(),
            detail: String::new(),
            lines: 0,
        });
    }

    fn end_run(&mut self, counts: Counts, line: &str, scope: &mut Scope) {
        self.flush(scope);
        self.live = Counts::default();
        self.before += counts;
        scope.counts(RUNNER, self.before);
        scope.summary(line);
        (self.active, self.lettered, self.severity) = (false, false, None);
    }

    fn totals(&mut self, line: &str, scope: &mut Scope) -> bool {
        if let Some(found) = passed_all().captures(line) {
            let counts = Counts { passed: count(&found, 1), ..Counts::default() };
            self.end_run(counts, line, scope);
            return true;
        }
        let Some(found) = totals().captures(line) else { return false };
        let of = |names: &[&str]| -> u32 {
            let parts = found[2].split(", ").filter_map(|part| part.split_once(": "));
            parts
                .filter(|(name, _)| names.contains(name))
                .filter_map(|(_, number)| number.parse::<u32>().ok())
                .map(|it| it.min(MAX_COUNT))
                .sum()
        };
        let (failed, skipped) = (of(&["Errors", "Failures"]), of(&["Skipped", "Incomplete"]));
        let passed = count(&found, 1).saturating_sub(failed).saturating_sub(skipped);
        self.end_run(Counts { passed, failed, skipped }, line, scope);
        true
    }
}

impl Block {
    fn line(&mut self, text: &str) {
        self.lines += 1;
        keep(&mut self.detail, text);
        if let Some(found) = frame().captures(text) {
            if self.frames.len() < 100 {
                self.frames.push((found[1].to_owned(), number(&found, 2).unwrap_or(0)));
            }
        } else if !text.trim().is_empty() && self.frames.is_empty() && self.message.len() < 100 {
            self.message.push(text.to_owned());
        }
    }
}

impl Matcher for Phpunit {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        if line.starts_with("PHPUnit ") || line.starts_with("ParaTest ") {
            (self.active, self.lettered) = (true, true);
            return;
        }
        if self.lettered {
            self.live = sum(self.live, self.dots.end());
            scope.counts(RUNNER, sum(self.before, self.live));
        }
        if line.starts_with("Time: ") {
            self.lettered = false;
        }
        if !self.active || self.totals(line, scope) {
            return;
        }
        if let Some(found) = section().captures(line) {
            self.flush(scope);
            let what = &found[1];
            self.severity = match what.split(' ').next().unwrap_or_default() {
                "error" | "errors" | "failure" | "failures" => Some(Severity::Error),
                "risky" | "warning" | "warnings" => Some(Severity::Warning),
                _ => None,
            };
        } else if let Some(found) = title().captures(line)
            && self.severity.is_some()
        {
            self.flush(scope);
            self.begin(&found[1], self.severity.unwrap_or(Severity::Error), false);
        } else if let Some(found) = testdox().captures(line) {
            self.flush(scope);
            self.begin(&found[1], Severity::Error, true);
        } else if let Some(block) = &mut self.block {
            let inner = if block.testdox {
                line.trim_start().strip_prefix(['│', '├', '┊', '┴', '┐', '╵'])
            } else {
                Some(line)
            };
            let over = line == "--" || line == "ERRORS!" || line == "FAILURES!" || block.lines > MAX_LINES;
            match inner {
                Some(text) if !over => block.line(if block.testdox { text.trim() } else { text }),
                _ => self.flush(scope),
            }
        }
    }

    fn wants_all(&self) -> bool {
        self.active
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
