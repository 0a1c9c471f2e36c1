//! Runs of one command, one after the other, and what is said of each.

use super::*;
use crate::problem::{Place, Severity};

/// A run in words: `3@b a+ b- !x` is run 3 on the files `b` (nothing: not known; a trailing `~`: it was stopped), in which
/// test `a` passed, `b` failed and a compiler named `x`; a number is of
/// tests that passed unnamed. `3@b>c` leaves the files `c`, `3@b>?` nobody knows which, `3@b>!`
/// was run while somebody edited.
fn present(words: &str) -> (u32, Present, Option<String>) {
    let mut words = words.split_whitespace();
    let head = words.next().expect("a run");
    let (head, whole) = head.strip_suffix('~').map_or((head, true), |head| (head, false));
    let (head, after) = head.split_once('>').map_or((head, None), |(head, after)| (head, Some(after.to_owned())));
    let (run, files) = head.split_once('@').map_or((head, None), |(run, files)| (run, Some(files.to_owned())));
    let after = after.or_else(|| files.clone());
    let mut present = Present { fingerprint: files, whole, ..Present::default() };
    for word in words {
        match (word.strip_suffix('+'), word.strip_suffix('-')) {
            (Some(test), _) => present.tests.push((test.to_owned(), Outcome::Passed)),
            (_, Some(test)) => present.tests.push((test.to_owned(), Outcome::Failed)),
            _ if word.starts_with('!') => present.problems.push(word.to_owned()),
            _ => present.unnamed = word.parse().expect("a number"),
        }
    }
    present.total = present.tests.len() as u32 + present.unnamed;
    (run.parse().expect("a number"), present, after)
}

fn play(runs: &[(&str, &str)]) {
    let mut past = Past::default();
    for (words, expected) in runs {
        let (run, present, after) = present(words);
        let (delta, results) = past.compare(&present);
        assert_eq!(delta.words(&"t1".into()).as_deref().unwrap_or(""), *expected, "{words}");
        past.record(&Results {
            run: PastRun {
                serial: past.next_serial(),
                task: if run > 9 { "t2".into() } else { "t1".into() },
                run: run % 10,
                fingerprint: present.fingerprint,
                at: Timestamp(0),
                by_agent: true,
                whole: present.whole,
                total: present.total,
                edited: after.as_deref() == Some("!"),
                after: after.filter(|after| !matches!(after.as_str(), "?" | "!")),
            },
            results,
            renamed: Vec::new(),
        });
    }
}

#[test]
fn a_run_is_compared_with_each_tests_last_result() {
    for runs in [
        // The contract's example, cut small.
        &[("1@a a- b- c+ d+", ""), ("2@b a+ b- c- d-", "2 new, 1 still failing, 1 fixed since run 1")][..],
        // Nothing has changed, and something has.
        &[("1@a a-", ""), ("2@a a+", "1 passed without a change (flaky?) since run 1")],
        &[("1@a a+", ""), ("2@a a-", "1 new without a change (flaky?) since run 1")],
        &[("1 a-", ""), ("2 a+", "1 now passes since run 1")],
        &[("1@a a- b-", ""), ("2 a+ b+", "2 now pass since run 1")],
        // What the run itself has written is no repair.
        &[("1@a>b a-", ""), ("2@b a+", "1 now passes since run 1")],
        &[("1@a>b a-", ""), ("2@c a+", "1 fixed since run 1")],
        &[("1@a>? a-", ""), ("2@c a+", "1 now passes since run 1")],
        &[("1@a>! a-", ""), ("2@c a+", "1 fixed since run 1")],
        // Runners that name failures alone.
        &[("1@a a- b- 8", ""), ("2@b b- 9", "1 still failing, 1 fixed since run 1"), ("3@c 10", "1 fixed since run 2")],
        &[("1@a a- 8", ""), ("2@a 9", "1 passed without a change (flaky?) since run 1")],
        &[("1@a 9", ""), ("2@a a- 8", "1 new without a change (flaky?) since run 1")],
        &[("1@a a- 8", ""), ("2@b 8", "")],
        &[("1@a a- 8", ""), ("2@b~ 9", "")],
        // Green stays green: nothing to say.
        &[("1@a a+ b+", ""), ("2@b a+ b+", "")],
        // A run that was stopped is no base for what it did not come to.
        &[
            ("1@a a- b-", ""),
            ("2@b~ a-", "1 still failing since run 1"),
            ("3@c a- b+", "1 still failing, 1 fixed since run 2"),
        ],
        &[("1@a~ a+", ""), ("2@b a+ b-", "")],
        &[("1@a a+", ""), ("2@b a+ b-", "1 new since run 1")],
        // The files are those of the run that the result is of, not of the one in between.
        &[
            ("1@a a- b-", ""),
            ("2@b~ b-", "1 still failing since run 1"),
            ("3@a a+ b-", "1 still failing, 1 passed without a change (flaky?) since run 2"),
        ],
        // Another task of the same command.
        &[("11@a a-", ""), ("1@b a+", "1 fixed since t2")],
        &[("12@a a-", ""), ("1@b a-", "1 still failing since t2 run 2")],
        // Compilers.
        &[
            ("1@a !x !y", ""),
            ("2@b !x", "1 still failing, 1 fixed since run 1"),
            ("3@c", "1 fixed since run 2"),
            ("4@d !y", "1 new since run 3"),
        ],
        &[("1@a !x !y", ""), ("2@b !z", "1 new, 2 not reported any more since run 1"), ("3@c", "3 fixed since run 2")],
        &[
            ("1@a !x !y", ""),
            ("2@b~ !x", "1 still failing since run 1"),
            ("3@c !x", "1 still failing, 1 fixed since run 2"),
        ],
        &[("1@a !x", ""), ("2@a", "1 passed without a change (flaky?) since run 1")],
        &[("1@a", ""), ("2@b !x", "1 new since run 1")],
    ] {
        play(runs);
    }
}

#[test]
fn the_past_is_bounded() {
    let mut past = Past::default();
    for serial in 1..=30 {
        let run = PastRun {
            serial,
            task: "t1".into(),
            run: 1,
            fingerprint: None,
            at: Timestamp(serial),
            by_agent: false,
            whole: true,
            total: 0,
            edited: false,
            after: None,
        };
        let outcome = if serial == 20 { Outcome::Failed } else { Outcome::Passed };
        past.record(&Results { run, results: vec![("a".into(), outcome)], renamed: Vec::new() });
    }
    assert_eq!(past.runs.len(), KEPT_RUNS);
    assert_eq!(past.recent["a"], Recent { serial: 30, results: "PPPPPPPPPP".into() });
    assert_eq!(past.next_serial(), 31);
}

#[test]
fn the_first_run_of_a_day_is_the_agents_own() {
    const DAY: u64 = 86_400_000;
    let run = |at: u64, by_agent: bool| PastRun {
        serial: 1,
        task: "t1".into(),
        run: 1,
        fingerprint: None,
        at: Timestamp(at),
        by_agent,
        whole: true,
        total: 0,
        edited: false,
        after: None,
    };
    let first = |runs: Vec<PastRun>| Past { runs, ..Past::default() }.first_of_day(Timestamp(3 * DAY + 100));
    assert!(first(vec![]));
    assert!(first(vec![run(2 * DAY, true)]));
    assert!(first(vec![run(3 * DAY, false)]), "a person's own run says nothing of the agent");
    assert!(!first(vec![run(3 * DAY, true)]));
}

#[test]
fn a_problem_is_the_same_one_lines_further_down() {
    let problem = |file: &str, line: u32, message: &str, code: Option<&str>| {
        let place = Place { file: file.into(), line: Some(line), column: Some(1), end_line: None, end_column: None };
        Problem {
            place,
            severity: Severity::Error,
            message: message.into(),
            detail: None,
            code: code.map(str::to_owned),
            tool: "rustc".into(),
            test: None,
            related: Vec::new(),
            provisional: false,
            applies: Default::default(),
        }
    };
    let id = |problem: &Problem| problem_id(problem, Path::new("/w"));
    let one = problem("/w/a.rs", 3, "expected 2 arguments, see line 30", Some("E0061"));
    assert_eq!(id(&one), id(&problem("/w/a.rs", 9, "expected 2 arguments, see line 36", Some("E0061"))));
    assert_ne!(id(&one), id(&problem("/w/b.rs", 3, "expected 2 arguments, see line 30", Some("E0061"))));
    assert_ne!(id(&one), id(&problem("/w/a.rs", 3, "expected 2 arguments, see line 30", None)));
    assert_ne!(id(&one), id(&problem("/w/a.rs", 3, "expected a type", Some("E0061"))));
}

#[test]
fn what_was_known_of_a_name_is_its_only_bearer_s() {
    let known = |ids: &[&str]| {
        let mut past = Past::default();
        for id in ids {
            past.recent.insert((*id).to_owned(), Recent { serial: 1, results: "PF".into() });
        }
        past
    };
    // Before the bar is the program.
    let run = |words: &[&str]| Present {
        tests: words.iter().map(|id| (id.replace('|', " "), Outcome::Failed)).collect(),
        of_programs: words
            .iter()
            .filter_map(|id| Some((id.split_once('|')?.1.to_owned(), id.replace('|', " "))))
            .collect(),
        ..Present::default()
    };
    for (before, now, after) in [
        (&["adds"][..], &["api|adds"][..], &["api adds"][..]),
        // Whose it was is not known.
        (&["adds"], &["api|adds", "web|adds"], &[]),
        // It is there still, and a test of its own.
        (&["adds"], &["adds", "api|adds"], &["adds"]),
        (&["adds", "api adds"], &["api|adds"], &["api adds"]),
        (&["sums"], &["api|adds"], &["sums"]),
        // A suite of mocha is no program: its test is another one.
        (&["adds"], &["cart adds"], &["adds"]),
        // The program's name stands in the test's too.
        (&["src/lib.rs - f (line 3)"], &["api::doc|src/lib.rs - f (line 3)"], &["api::doc src/lib.rs - f (line 3)"]),
    ] {
        let mut past = known(before);
        past.adopt(&run(now));
        let mut ids: Vec<&str> = past.recent.keys().map(String::as_str).collect();
        ids.sort_unstable();
        assert_eq!(ids, after, "{before:?} {now:?}");
    }
}
