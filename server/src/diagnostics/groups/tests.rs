//! Which failures are one diagnostic, where it stands, and that it stays one while its command runs again.

use super::*;
use crate::diagnostics::Store;

const REFUSED: &str = "connect ECONNREFUSED 127.0.0.1:5432";

fn at(file: &str, line: u32) -> Place {
    Place { file: file.into(), line: Some(line), column: None, end_line: None, end_column: None }
}

fn failed(test: &str, line: u32, message: &str, stack: &[(&str, u32)]) -> Problem {
    let related = stack.iter().map(|(file, line)| Related { place: at(file, *line), message: "in the stack".into() });
    Problem {
        place: at("/w/test/db.test.js", line),
        severity: Severity::Error,
        message: message.into(),
        detail: None,
        code: None,
        tool: "jest".into(),
        test: Some(test.into()),
        related: related.collect(),
        provisional: false,
        applies: Default::default(),
    }
}

struct Work {
    store: Store,
    task: TaskId,
    run: u32,
}

impl Work {
    fn new() -> Self {
        let mut work = Self { store: Store::default(), task: "t".into(), run: 0 };
        work.begin();
        work
    }

    fn begin(&mut self) {
        self.run += 1;
        self.store.begin_run(&self.task, self.run, ("npm test".into(), "/w".into()), None);
    }

    fn add(&mut self, problem: Problem) {
        self.store.add(&self.task, self.run, 0, problem);
    }

    /// The files that change, and what stands: `file:line message`.
    fn shown(&mut self) -> (String, Vec<String>) {
        let changed = self.store.regroup();
        let alone = self.store.all().filter(|it| !it.grouped).map(|it| &it.problem);
        let shown = alone.chain(self.store.groups().iter().map(|it| &it.problem));
        let line = |it: &Problem| format!("{}:{} {}", it.place.file.display(), it.place.line.unwrap_or(0), it.message);
        let files: Vec<String> = changed.iter().map(|file| file.display().to_string()).collect();
        (files.join(" "), shown.map(line).collect())
    }
}

#[test]
fn one_diagnostic_where_their_stacks_meet() {
    let mut work = Work::new();
    for number in 0..3 {
        let stack = [("/w/src/db.js", 12), ("/w/src/store.js", 40 + number)];
        work.add(failed(&format!("test {number}"), 10 + number, REFUSED, &stack));
        if number < 2 {
            assert_eq!(work.shown().1.len(), number as usize + 1, "two are no group");
        }
    }
    work.add(failed("other", 90, "assert 3 == 4", &[("/w/src/db.js", 12)]));
    let (changed, shown) = work.shown();
    assert_eq!(changed, "/w/src/db.js /w/test/db.test.js");
    assert_eq!(
        shown,
        [
            "/w/test/db.test.js:90 assert 3 == 4",
            "/w/src/db.js:12 3 tests failed for one reason: connection refused 127.0.0.1:5432",
        ]
    );
    let group = &work.store.groups()[0];
    assert_eq!(group.port, Some(5432));
    assert_eq!(group.tests, ["test 0", "test 1", "test 2"]);
    assert_eq!(group.problem.related[0].place, at("/w/test/db.test.js", 10));
    let detail = format!("test 0: {REFUSED}\ntest 1: {REFUSED}\ntest 2: {REFUSED}");
    assert_eq!(group.problem.detail, Some(detail));
    assert_eq!(work.shown().0, "", "nothing has changed since");
}

#[test]
fn it_leads_to_each_place_once() {
    let mut work = Work::new();
    for (number, line) in [(0, 7), (1, 7), (2, 9), (3, 7)] {
        work.add(failed(&format!("test {number}"), line, REFUSED, &[("/w/src/db.js", 12)]));
    }
    work.shown();
    let related = work.store.groups()[0].problem.related.iter();
    let related: Vec<_> = related.map(|it| (it.place.line, it.message.as_str())).collect();
    assert_eq!(related, [(Some(7), "test 0 and 2 more"), (Some(9), "test 2")]);
}

#[test]
fn without_a_shared_frame_it_stands_at_the_first() {
    let mut work = Work::new();
    for number in 0..3 {
        work.add(failed(&format!("test {number}"), 10 + number, REFUSED, &[]));
    }
    let expected = "/w/test/db.test.js:10 3 tests failed for one reason: connection refused 127.0.0.1:5432";
    assert_eq!(work.shown().1, [expected]);
}

#[test]
fn it_stays_one_while_its_command_runs_again() {
    let mut work = Work::new();
    for number in 0..3 {
        work.add(failed(&format!("test {number}"), 10, REFUSED, &[]));
    }
    let three = "/w/test/db.test.js:10 3 tests failed for one reason: connection refused 127.0.0.1:5432";
    assert_eq!(work.shown().1, [three]);
    work.begin();
    assert_eq!(work.shown().1, [three]);
    for number in 0..3 {
        let mut again = failed(&format!("test {number}"), 10, REFUSED, &[]);
        // In another file than before, so that the old ones stay for now.
        again.place.file = "/w/test/other.test.js".into();
        work.add(again);
        let (_, shown) = work.shown();
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert!(shown[0].contains(" 3 tests failed for one reason"), "{shown:?}");
    }
    work.store.end_run(&work.task, 2, false);
    assert_eq!(work.shown().1.len(), 1);
    work.begin();
    work.store.end_run(&work.task, 3, false);
    assert_eq!(work.shown(), ("/w/test/other.test.js".to_owned(), vec![]));
}
