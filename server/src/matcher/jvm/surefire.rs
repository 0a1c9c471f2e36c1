//! Maven's surefire and failsafe: `Tests run: 4, Failures: 1, …` of each class and of the whole module, and each failed test
//! with its trace.

use std::collections::BTreeMap;

use super::stack::{Frame, frame, pick};
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::oneline::count;
use crate::matcher::scope::{Runner, Scope, keep, problem};
use crate::problem::{Counts, Place, Severity, TestResult, TestStatus};

const RUNNER: Runner = Runner("surefire");
/// Lines of one failure.
const MAX_LINES: usize = 500;

pub(super) const FORMAT: Format = Format {
    name: "surefire",
    rank: Rank::Runner,
    gate: always,
    starts: &[r"(?:\[\w+\] +)?T E S T S\z", r"(?:\[\w+\] +)?Tests run: [0-9]+, Failures: "],
    inside: &[Inside { words: &["<<< FAILURE!", "<<< ERROR!"], text: "" }],
    new: |_| Box::new(Surefire::default()),
};

#[derive(Default)]
struct Surefire {
    active: bool,
    /// Of the modules whose last line was read.
    before: Counts,
    /// Of the classes of this module so far.
    classes: BTreeMap<String, Counts>,
    block: Option<Block>,
}

struct Block {
    class: String,
    method: String,
    message: Vec<String>,
    frames: Vec<Frame>,
    detail: String,
    lines: usize,
}

expression!(run, r"Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)(.*)$");
expression!(
    failed,
    r"^(?:\[\w+\] +)?(?:(\w[\w $\[\]{}=,.-]*?)\(([\w.$]+)\)|([\w.$]+)\.(\w+)[^ ]*)\s+(?:--\s+)?Time elapsed: .*<<< (?:FAILURE|ERROR)!"
);

/// Where a test's method is declared: a test that did not throw what it should have no frame.
fn declared(scope: &mut Scope, class: &str, method: &str) -> Option<Place> {
    let path = class.split('$').next()?.replace('.', "/");
    let file = ["java", "kt", "groovy", "scala"].iter().find_map(|end| scope.own(&format!("{path}.{end}")))?;
    let text = scope.files.read(&file)?;
    let called = format!("{method}(");
    let declares = |line: &&str| {
        let line = line.trim_start();
        line.contains(&called) && (line.contains("void ") || line.contains("fun ") || line.contains("def "))
    };
    let at = text.lines().position(|line| declares(&line))?;
    let line = u32::try_from(at).ok()?.checked_add(1)?;
    Some(scope.at(file, line, None, None))
}

impl Surefire {
    fn tell_counts(&self, scope: &mut Scope) {
        let mut sum = self.before;
        for counts in self.classes.values() {
            sum.passed += counts.passed;
            sum.failed += counts.failed;
            sum.skipped += counts.skipped;
        }
        scope.counts(RUNNER, sum);
    }

    fn count(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(found) = run().captures(line) else { return false };
        let number = |at| count(&found, at);
        let (failed, skipped) = (number(2) + number(3), number(4));
        let counts = Counts { passed: number(1).saturating_sub(failed).saturating_sub(skipped), failed, skipped };
        if found[5].contains("Time elapsed") {
            if self.classes.len() < 100_000 {
                let name = found[5].rsplit(" in ").next().unwrap_or_default().trim().to_owned();
                self.classes.insert(name, counts);
            }
        } else {
            self.classes.clear();
            self.active = false;
            self.before += counts;
            scope.summary(
                line.trim_start_matches("[ERROR] ").trim_start_matches("[INFO] ").trim_start_matches("[WARNING] "),
            );
        }
        self.tell_counts(scope);
        true
    }

    fn flush(&mut self, scope: &mut Scope) {
        let Some(block) = self.block.take() else { return };
        let declared = declared(scope, &block.class, &block.method).map(|place| (place, Vec::new()));
        let Some((place, others)) = pick(scope, &block.frames, Some(&block.class)).or(declared) else { return };
        let mut lines = block.message.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
        let mut message = lines.next().unwrap_or("the test failed").to_owned();
        if message.ends_with(':')
            && let Some(more) = lines.next()
        {
            message = format!("{message} {more}");
        }
        for known in
            ["java.lang.AssertionError: ", "org.opentest4j.AssertionFailedError: ", "org.junit.ComparisonFailure: "]
        {
            message = message.strip_prefix(known).map(str::to_owned).unwrap_or(message);
        }
        let whole = block.method.is_empty();
        let test = if whole { block.class.clone() } else { format!("{}#{}", block.class, block.method) };
        scope.test_result(TestResult {
            id: test.clone(),
            name: test.replace('#', "."),
            program: None,
            status: TestStatus::Failed,
            place: Some(place.clone()),
            duration_ms: None,
            message: Some(message.clone()),
        });
        let mut told = problem("surefire", Severity::Error, place, message);
        told.related = others;
        told.detail = Some(block.detail);
        told.test = Some(test);
        scope.problem(told);
    }
}

impl Matcher for Surefire {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.block = None;
            return;
        }
        if line.ends_with("T E S T S") {
            self.active = true;
            return;
        }
        // `mvn -q` leaves the headings out.
        if line.contains("<<< ") && line.contains("Tests run: ") {
            self.active = true;
        }
        if !self.active {
            return;
        }
        if self.count(line, scope) {
            self.flush(scope);
        } else if let Some(found) = failed().captures(line) {
            self.flush(scope);
            let group = |first: usize, second: usize| {
                found.get(first).or_else(|| found.get(second)).map_or("", |it| it.as_str()).to_owned()
            };
            let (mut method, mut class) = (group(1, 4), group(2, 3));
            // A class that fails as a whole has no method: `org.bank.LedgerTest`.
            if found.get(1).is_none() && method.starts_with(|c: char| c.is_uppercase()) {
                (class, method) = (format!("{class}.{method}"), String::new());
            }
            let method = method.split(['[', '{', ' ']).next().unwrap_or_default().to_owned();
            let (message, frames) = (Vec::new(), Vec::new());
            self.block = Some(Block { class, method, message, frames, detail: String::new(), lines: 0 });
        } else if let Some(block) = &mut self.block {
            block.lines += 1;
            if line.starts_with('[') || line.trim().is_empty() && !block.frames.is_empty() || block.lines > MAX_LINES {
                self.flush(scope);
                return;
            }
            keep(&mut block.detail, line);
            match frame(line) {
                Some(frame) if block.frames.len() < 200 => block.frames.push(frame),
                None if block.frames.is_empty() && block.message.len() < 50 => block.message.push(line.to_owned()),
                _ => {}
            }
        }
    }

    fn wants_all(&self) -> bool {
        self.block.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
