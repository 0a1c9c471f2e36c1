//! The matchers over captured output of the real tools, against truth written by hand: every case whole and cut at random
//! bytes. A known miss is stated in its case: it fails here when it is cured unsaid, as a hit does when it is lost.
//! `cargo xtask score` prints the table, `cargo xtask fuzz` hammers the matchers.

mod case;
mod hostile;
mod live;
mod many;
mod random;
mod score;

use std::collections::BTreeMap;

use case::cases;
use random::Random;
use score::{Score, judge};

#[test]
fn finds_what_is_there_and_nothing_else() {
    let mut report = String::new();
    for case in cases() {
        let verdict = judge(&case, &case.run([]));
        if !verdict.differences.is_empty() {
            report += &format!("{}\n", case.name);
            verdict.differences.iter().for_each(|difference| report += &format!("  {difference}\n"));
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

/// Each of so many tests cuts its share of the cases: one alone would take longer than all the others.
const SHARES: usize = 4;

fn any_cut_gives_the_same(share: usize) {
    let seed = random::seed();
    for case in cases().into_iter().skip(share).step_by(SHARES) {
        let whole = case.run([]);
        for longest in [3, 200] {
            let mut random = Random::new(seed ^ longest);
            let pieces = std::iter::repeat_with(|| 1 + random.below(longest) as usize);
            let found = case.run(pieces);
            let first = found.iter().zip(&whole).find(|(cut, whole)| cut != whole);
            let told = format!("{} differs in pieces up to {longest}, seed {seed}", case.name);
            assert!(found == whole, "{told}: {} of {} findings, first {first:#?}", found.len(), whole.len());
        }
    }
}

#[test]
fn any_cut_gives_the_same_first_quarter() {
    any_cut_gives_the_same(0);
}

#[test]
fn any_cut_gives_the_same_second_quarter() {
    any_cut_gives_the_same(1);
}

#[test]
fn any_cut_gives_the_same_third_quarter() {
    any_cut_gives_the_same(2);
}

#[test]
fn any_cut_gives_the_same_last_quarter() {
    any_cut_gives_the_same(3);
}

/// Not a test: what `cargo xtask score` prints.
#[test]
#[ignore = "prints the table of `cargo xtask score`"]
fn score() {
    let mut tools: BTreeMap<String, Score> = BTreeMap::new();
    let mut all = Score::default();
    for case in cases() {
        let verdict = judge(&case, &case.run([]));
        *tools.entry(case.truth.tool.clone()).or_default() += verdict.score;
        all += verdict.score;
    }
    println!("{:<24} cases  wanted  recall  precis.  right  counts", "tool");
    for (tool, score) in &tools {
        println!("{tool:<24} {score}");
    }
    println!("{:<24} {all}", "all");
}
