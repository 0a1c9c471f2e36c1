//! How well a case's findings meet its truth: which diagnostics are right, which are there at the wrong words, which are
//! missing, and what nobody asked for.

use std::fmt;
use std::ops::AddAssign;

use pillion::problem::{Counts, Finding, Problem};

use crate::case::{Case, Wanted, settle};

/// Sums over cases.
#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    pub cases: u32,
    /// Diagnostics that are true.
    pub wanted: u32,
    /// Of these, told at their file and line.
    pub found: u32,
    /// Of these, with place, severity, message and test right.
    pub right: u32,
    /// Diagnostics that were told.
    pub told: u32,
    /// Of these, at the file and line of a true one.
    pub true_ones: u32,
    /// Cases that are test runs, or look like one to the parser.
    pub counted: u32,
    pub counts_right: u32,
}

/// A case's score and what differs from what its file says, one line each; empty where the case holds.
pub struct Verdict {
    pub score: Score,
    pub differences: Vec<String>,
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        self.cases += other.cases;
        self.wanted += other.wanted;
        self.found += other.found;
        self.right += other.right;
        self.told += other.told;
        self.true_ones += other.true_ones;
        self.counted += other.counted;
        self.counts_right += other.counts_right;
    }
}

/// Recall, precision, right-placed, counts.
impl fmt::Display for Score {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |part: u32, of: u32| {
            if of == 0 { "     –".to_owned() } else { format!("{:5.1}%", 100.0 * f64::from(part) / f64::from(of)) }
        };
        write!(
            out,
            "{:5}  {:6}  {}  {}  {}  {:>9}",
            self.cases,
            self.wanted,
            share(self.found, self.wanted),
            share(self.true_ones, self.told),
            share(self.right, self.wanted),
            format!("{}/{}", self.counts_right, self.counted)
        )
    }
}

/// Compares what was found with what is true.
pub fn judge(case: &Case, findings: &[Finding]) -> Verdict {
    let (problems, counts) = settle(findings);
    let truth = &case.truth;
    let mut score =
        Score { cases: 1, told: problems.len() as u32, wanted: truth.diagnostics.len() as u32, ..Score::default() };
    let mut differences = Vec::new();
    let mut left: Vec<&Problem> = problems.iter().collect();
    let mut not_right = Vec::new();
    for wanted in &truth.diagnostics {
        match left.iter().position(|problem| is_right(case, wanted, problem)) {
            Some(at) => {
                left.remove(at);
                score.found += 1;
                score.right += 1;
                score.true_ones += 1;
                if let Some(why) = &wanted.misses {
                    differences.push(format!("is right now, though it is a known miss ({why}): {}", name(wanted)));
                }
            }
            None => not_right.push(wanted),
        }
    }
    for wanted in not_right {
        let there = left.iter().position(|problem| is_there(case, wanted, problem));
        let instead = there.map(|at| left.remove(at));
        score.found += u32::from(instead.is_some());
        score.true_ones += u32::from(instead.is_some());
        if wanted.misses.is_none() {
            let instead = instead.map(|problem| format!(", instead of it {}", told(case, problem)));
            differences.push(format!("missing {}{}", name(wanted), instead.unwrap_or_default()));
        }
    }
    let mut known: Vec<_> = truth.unasked.iter().collect();
    for problem in left {
        let file = case.relative(problem);
        let is_known = known.iter().position(|known| {
            known.file == file && known.line == problem.place.line && problem.message.contains(&known.message)
        });
        match is_known {
            Some(at) => drop(known.remove(at)),
            None => differences.push(format!("unasked {}", told(case, problem))),
        }
    }
    for gone in known {
        differences.push(format!("is not told any more, though it is known as unasked: {}:{:?}", gone.file, gone.line));
    }
    judge_counts(case, counts, &mut score, &mut differences);
    Verdict { score, differences }
}

fn judge_counts(case: &Case, counts: Option<Counts>, score: &mut Score, differences: &mut Vec<String>) {
    let counts = counts.filter(|counts| counts.total() > 0 || case.truth.counts.is_some());
    if counts.is_none() && case.truth.counts.is_none() {
        return;
    }
    score.counted = 1;
    let wanted = case.truth.counts.as_ref();
    let numbers = wanted.map(|wanted| Counts { passed: wanted.passed, failed: wanted.failed, skipped: wanted.skipped });
    let right = counts.unwrap_or_default() == numbers.unwrap_or_default();
    score.counts_right = u32::from(right);
    match (right, wanted.and_then(|wanted| wanted.misses.as_ref())) {
        (true, Some(why)) => differences.push(format!("counts are right now, though they are a known miss ({why})")),
        (false, None) => differences.push(format!("counts {counts:?} instead of {numbers:?}")),
        _ => {}
    }
}

/// Right: the place, the severity, the message, and whatever else is said of it.
fn is_right(case: &Case, wanted: &Wanted, problem: &Problem) -> bool {
    let place = &problem.place;
    let number = |wanted: Option<u32>, value: Option<u32>| wanted.is_none() || wanted == value;
    let text = |wanted: &Option<String>, value: Option<&str>| wanted.is_none() || wanted.as_deref() == value;
    let severity = serde_json::to_value(problem.severity).expect("a word");
    wanted.file == case.relative(problem)
        && number(wanted.line, place.line)
        && number(wanted.col, place.column)
        && number(wanted.end_col, place.end_column)
        && severity == wanted.severity.as_str()
        && problem.message.contains(&wanted.message)
        && text(&wanted.code, problem.code.as_deref())
        && text(&wanted.source, Some(&problem.tool))
        && wanted.test == problem.test
}

fn is_there(case: &Case, wanted: &Wanted, problem: &Problem) -> bool {
    wanted.file == case.relative(problem) && (wanted.line.is_none() || wanted.line == problem.place.line)
}

fn name(wanted: &Wanted) -> String {
    let Wanted { file, line, col, end_col, severity, message, test, code, .. } = wanted;
    format!("{file}:{line:?}:{col:?}-{end_col:?} {severity} {code:?} {test:?} {message:?}")
}

fn told(case: &Case, problem: &Problem) -> String {
    let Problem { place, severity, message, code, tool, test, .. } = problem;
    let (line, column, end) = (place.line, place.column, place.end_column);
    format!("{}:{line:?}:{column:?}-{end:?} {severity:?} {tool} {code:?} {test:?} {message:?}", case.relative(problem))
}
