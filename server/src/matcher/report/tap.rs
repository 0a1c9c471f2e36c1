//! TAP, versions 12 to 14, of whatever writes it: node:test, tape, bats, Test::More without prove, node-tap, AVA, Vitest and
//! mocha by their TAP reporters. Tests inside of tests count, what only sums them up does not. node:test has the counts at
//! the end, and what it says of a failure is read by `node/tap`; what prove runs is counted by prove. Sources:
//! <https://testanything.org/tap-version-14-specification.html>, <https://nodejs.org/api/test.html#test-reporters>.

use super::tap_stream::{MAX_DEPTH, MAX_NAME, RUNNER, Stream, Writer, unescaped};
use super::watchers::watches;
use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank};
use crate::matcher::scope::{Runner, Scope};
use crate::problem::{Counts, CyclePhase, Watcher};

/// Lines without TAP between two with it.
const MAX_FOREIGN: usize = 10_000;
pub(super) const FORMAT: Format = Format {
    name: "tap",
    rank: Rank::Structured,
    gate: |command| !command.runs("prove"),
    starts: &["TAP version 1[2-9]", r"1\.\.[0-9]+(?:[ \t]*#.*)?\s*\z", r"(?:not )?ok 1(?: |\z)"],
    inside: &[Inside { words: &[".t ..", ".t  .."], text: r"\A\S+\.t +\.\.+ *\z" }],
    new: |scope| Box::new(Tap { watching: watches(&scope.command), ..Tap::default() }),
};

#[derive(Default)]
struct Tap {
    stream: Option<Stream>,
    /// Of the documents that are over, by who wrote them.
    before: [Counts; 2],
    /// prove shows what it runs, and counts it.
    harnessed: bool,
    /// The command says that it watches.
    watching: bool,
    /// node:test has run all its tests; between two of its runs it writes nothing, no version either.
    between_runs: bool,
}

expression!(version, r"^TAP version 1[2-9]\s*$");
expression!(plan, r"^1\.\.(\d+)(?:\s*#.*)?\s*$");
expression!(bail, r"^Bail out!\s*(.*)$");
expression!(harness, r"^\S+\.t +\.\.+ *$");
/// What tape says at its end.
const SUMS: &[&str] = &["tests ", "pass ", "fail ", "ok", "skip ", "todo "];

impl Tap {
    fn start(&mut self, headed: bool) -> &mut Stream {
        self.stream.insert(Stream::new(headed))
    }

    fn count(&self, writer: Writer, counts: Counts, scope: &mut Scope) -> Counts {
        let sum = self.before[writer as usize] + counts;
        scope.counts(writer.runner(), sum);
        sum
    }

    /// The document is over; `why` is what a person should know of its end.
    fn finish(&mut self, why: Option<String>, scope: &mut Scope) {
        let Some(mut stream) = self.stream.take() else { return };
        if scope.inside == Some(stream.writer.runner()) {
            scope.inside = None;
        }
        if !stream.sure {
            return;
        }
        stream.tell_failure(scope);
        self.before[stream.writer as usize] = self.count(stream.writer, stream.counts, scope);
        let level = stream.levels.first();
        let short =
            level.and_then(|level| level.plan.filter(|plan| *plan != level.seen).map(|plan| (plan, level.seen)));
        let short = short.map(|(plan, seen)| format!("{plan} tests were planned, {seen} ran"));
        if let Some(why) = why.or(short) {
            scope.summary(&why);
        }
    }

    /// A line of an open document; true when it is TAP.
    fn read(&mut self, line: &str, scope: &mut Scope) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if text.trim_end() == "---" && stream.writer == Writer::Any {
            stream.again(scope);
        }
        if stream.diagnostic(line, indent) {
            // With node:test nothing follows its block, and the next file's crash is not its own.
            if stream.writer == Writer::Node && stream.has_told() {
                stream.tell_failure(scope);
            }
            return true;
        }
        let depth = (indent / 4).min(MAX_DEPTH);
        if let Some(found) = plan().captures(text) {
            let tests = found[1].parse().unwrap_or(u32::MAX);
            stream.levels.truncate(depth + 1);
            let level = stream.level(depth);
            let first = level.plan.replace(tests).is_none() && level.seen == 0;
            // A plan at the end makes sure of what ran.
            stream.sure |= !first;
            if depth == 0 && first && stream.headed {
                scope.more(stream.writer.runner(), tests);
            }
        } else if stream.point(text, indent, scope) {
            let (planned, seen) = stream.levels.first().map_or((false, 0), |level| (level.plan.is_some(), level.seen));
            stream.sure |= stream.headed || planned || seen > 1 || stream.levels.len() > 1;
            if stream.sure {
                if stream.headed {
                    scope.inside = Some(stream.writer.runner());
                }
                let (writer, counts) = (stream.writer, stream.counts);
                self.count(writer, counts, scope);
            }
        } else if let Some(name) = text.strip_prefix("# Subtest") {
            // The tests may be indented like their headline or deeper.
            stream.tell_failure(scope);
            let outdented = indent == 0 || stream.writer == Writer::Node;
            let inner = if outdented { (depth + 1).min(MAX_DEPTH) } else { depth };
            stream.levels.truncate(inner);
            let name = unescaped(name.trim_start_matches(':').trim());
            stream.level(inner).name = name.chars().take(MAX_NAME).collect();
        } else if let Some(found) = bail().captures(text) {
            let reason = found[1].trim().to_owned();
            stream.sure |= stream.headed;
            let why = if reason.is_empty() { "bailed out".to_owned() } else { format!("bailed out: {reason}") };
            self.finish(Some(why), scope);
        } else if let Some(comment) = text.strip_prefix("# ") {
            if stream.writer == Writer::Node {
                if indent == 0
                    && let Some((counts, words)) = stream.totals.take(comment)
                {
                    stream.tell_failure(scope);
                    stream.counts = counts;
                    self.finish(Some(words), scope);
                    if self.watching {
                        scope.cycle(CyclePhase::Ends, Watcher::Runner(Runner::NODE.0.to_owned()));
                        (self.before[Writer::Node as usize], self.between_runs) = (Counts::default(), true);
                    }
                }
            } else if indent == 0 && stream.headed && !SUMS.iter().any(|sum| comment.starts_with(sum)) {
                stream.tell_failure(scope);
                stream.heading = comment.trim().chars().take(MAX_NAME).collect();
            }
        } else if text.trim_end() == "}" {
            // What stood in it is none of the next test's.
            stream.tell_failure(scope);
            stream.levels.truncate(depth + 1);
        } else {
            return matches!(text.trim_end(), "---" | "...") || text.starts_with("pragma ") || version().is_match(text);
        }
        true
    }
}

impl Matcher for Tap {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        self.harnessed |= harness().is_match(line);
        if self.harnessed || scope.inside.is_some_and(|runner| runner != RUNNER && runner != Runner::NODE) {
            self.stream = None;
            return;
        }
        if version().is_match(line) {
            self.finish(None, scope);
            self.start(true).like_node = line.trim_end() == "TAP version 13";
            return;
        }
        if self.stream.is_none() && self.between_runs && line.starts_with("# Subtest: ") {
            self.start(true).like_node = true;
        }
        let text = line.trim_start();
        if let Some(stream) = self.stream.as_mut().filter(|stream| stream.like_node && !stream.sure)
            && (text.starts_with("# Subtest: ") || text.trim_end() == "1..0")
            && line == text
        {
            stream.is_of_node(scope);
        }
        let again = plan().is_match(line) || line.starts_with("ok 1 ") || line.starts_with("not ok 1 ");
        if again && self.stream.as_ref().is_some_and(Stream::is_complete) {
            self.finish(None, scope);
        }
        if self.stream.is_none() {
            if !again {
                return;
            }
            self.start(false);
        }
        let is_tap = self.read(line, scope);
        let Some(stream) = &mut self.stream else { return scope.claim() };
        if is_tap {
            stream.foreign = 0;
            // What node:test writes as comments is the tests' own output: a crash may be in it.
            if stream.sure && stream.writer == Writer::Any {
                scope.claim();
            }
            return;
        }
        stream.foreign += 1;
        let over = if stream.sure {
            stream.foreign > MAX_FOREIGN || stream.is_complete() && !text.is_empty() && line == text
        } else {
            stream.foreign > 100 || !stream.headed && !text.is_empty()
        };
        if over {
            self.finish(None, scope);
        }
    }

    fn wants_all(&self) -> bool {
        self.stream.is_some() || self.between_runs
    }

    fn end(&mut self, scope: &mut Scope) {
        self.finish(None, scope);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::matcher::tree::Tree;
    use crate::matcher::{Engine, Origin};
    use crate::problem::{Finding, TestStatus};

    /// Ids of what failed, counts, and who counted.
    fn read(output: &str) -> (Vec<String>, Counts, &'static str) {
        let origin = Origin { command: "./check".into(), cwd: "/w".into(), root: "/w".into() };
        let mut scope = Scope::new(&origin, Arc::new(Tree(&[])));
        let mut tap = Tap::default();
        output.lines().for_each(|line| tap.line(line, &mut scope));
        tap.end(&mut scope);
        let failed = |finding: &Finding| match finding {
            Finding::Test(test) if test.status == TestStatus::Failed => Some(test.id.clone()),
            _ => None,
        };
        let failed = scope.out.iter().filter_map(failed).collect();
        let (runner, counts) = scope.counted().next().expect("tests were counted");
        (failed, counts, runner.0)
    }

    #[test]
    fn tests_of_tests_are_told_by_all_names() {
        for (output, failed, counts, runner) in [
            // The specification's example.
            (
                "TAP version 14\n1..2\n\n# Subtest: foo.tap\n    1..2\n    ok 1\n    not ok 2 - this failed\n\
                 not ok 1 - foo.tap\n\n# Subtest: bar\n    ok 1 - object should be a Bar\n    1..1\nok 2 - bar\n",
                &["this failed"][..],
                (2, 1),
                "tap",
            ),
            // node:test; names with what has a meaning in TAP.
            (
                "TAP version 13\n# a warning\n# Subtest: cart \\\\ \\# 1\n    # Subtest: sums\n        # Subtest: of two {\n        \
                 not ok 1 - of two {\n          ---\n          error: |-\n            ...\n            ---\n            not ok 9 - x\n          \
                 ...\n        1..1\n    not ok 1 - sums\n      ---\n      failureType: 'subtestsFailed'\n      ...\n    \
                 # Subtest: adds # 5ms\n    ok 2 - adds \\# 5ms\n      ---\n      duration_ms: 1\n      ...\n    1..2\n\
                 not ok 1 - cart \\\\ \\# 1\n  ---\n  failureType: 'subtestsFailed'\n  ...\n1..1\n",
                &["cart \\ # 1 sums of two {"],
                (1, 1),
                "node:test",
            ),
        ] {
            let (passed, failing) = counts;
            let counts = Counts { passed, failed: failing, skipped: 0 };
            assert_eq!(read(output), (failed.iter().map(ToString::to_string).collect(), counts, runner));
        }
    }

    /// What `node --test --watch` of Node 20.20 wrote, without most of the stack: nothing begins its second run but tests.
    #[test]
    fn each_run_of_a_watching_node_stands_for_itself() {
        let origin = Origin { command: "node --test --watch".into(), cwd: "/w".into(), root: "/w".into() };
        let files = Tree(&[("/w/a.test.js", "const test = require('node:test');\ntest('adds', () => 1);\n")]);
        let mut engine = Engine::new(origin, Arc::new(files));
        let mut found = Vec::new();
        let sums = |pass: u32, fail: u32| {
            format!(
                "1..2\n# tests 2\n# suites 0\n# pass {pass}\n# fail {fail}\n# cancelled 0\n# skipped 0\n# todo 0\n\
                 # duration_ms 201.454622\n"
            )
        };
        let subs = "# Subtest: subs\nok 2 - subs\n  ---\n  duration_ms: 0.167219\n  ...\n";
        let first = "TAP version 13\n# Subtest: adds\nnot ok 1 - adds\n  ---\n  duration_ms: 1.791422\n  \
                     location: '/w/a.test.js:2:1'\n  failureType: 'testCodeFailure'\n  error: '1 == 2'\n  \
                     code: 'ERR_ASSERTION'\n  stack: |-\n    TestContext.<anonymous> (/w/a.test.js:2:27)\n  ...\n";
        engine.push(format!("{first}{subs}{}", sums(1, 1)).as_bytes(), &mut found);
        let problems = |found: &[Finding]| found.iter().filter(|one| matches!(one, Finding::Problem(_))).count();
        let ends = |found: &[Finding]| {
            found.iter().filter(|one| matches!(one, Finding::Cycle(CyclePhase::Ends, Watcher::Runner(_)))).count()
        };
        let counts = |found: &[Finding]| {
            found.iter().rev().find_map(|one| if let Finding::Counts(counts) = one { Some(*counts) } else { None })
        };
        assert_eq!((problems(&found), ends(&found)), (1, 1));
        assert_eq!(counts(&found), Some(Counts { passed: 1, failed: 1, skipped: 0 }));
        found.clear();
        let second = "# Subtest: adds\nok 1 - adds\n  ---\n  duration_ms: 5.159567\n  ...\n";
        engine.push(format!("{second}{subs}{}", sums(2, 0)).as_bytes(), &mut found);
        assert_eq!((problems(&found), ends(&found)), (0, 1));
        assert_eq!(counts(&found), Some(Counts { passed: 2, failed: 0, skipped: 0 }));
    }
}
