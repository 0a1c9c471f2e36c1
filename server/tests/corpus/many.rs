//! Runs with thousands of failures, and documents of megabytes on one line: the counts are right whatever is cut.

use std::fmt::Write;
use std::sync::Arc;

use pillion::matcher::{Engine, LeftOut, Origin};
use pillion::problem::{Counts, Finding};

use crate::case::Tree;

const TESTS: u32 = 3_000;

/// The problems and the last counts of an output that comes in pieces.
fn read(command: &str, tree: Tree, output: &str) -> (usize, Option<Counts>, Engine) {
    let origin = Origin { command: command.to_owned(), cwd: "/w".into(), root: "/w".into() };
    let mut engine = Engine::new(origin, Arc::new(tree));
    let mut findings = Vec::new();
    output.as_bytes().chunks(60_000).for_each(|piece| engine.push(piece, &mut findings));
    engine.finish(&mut findings);
    let problems = findings.iter().filter(|it| matches!(it, Finding::Problem(problem) if !problem.provisional)).count();
    let counts =
        findings.iter().rev().find_map(|it| if let Finding::Counts(counts) = it { Some(*counts) } else { None });
    (problems, counts, engine)
}

#[test]
fn thousands_of_failures_are_counted() {
    let (mut source, mut output) = (String::new(), format!("running {TESTS} tests\n"));
    let mut list = String::new();
    for test in 0..TESTS {
        let _ = writeln!(source, "#[test] fn t{test}() {{ panic!() }}");
        let _ = writeln!(output, "test t{test} ... FAILED");
        let _ = writeln!(list, "    t{test}");
    }
    let _ = writeln!(output, "\nfailures:\n");
    for test in 0..TESTS {
        let line = test + 1;
        let _ = writeln!(
            output,
            "---- t{test} stdout ----\nthread 't{test}' panicked at src/lib.rs:{line}:5:\nboom {test}\n\n"
        );
    }
    let _ = writeln!(
        output,
        "\nfailures:\n{list}\ntest result: FAILED. 0 passed; {TESTS} failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s\n"
    );
    let tree = Tree::new([("/w/src/lib.rs", source.as_str()), ("/w/Cargo.toml", "[package]\nname = \"a\"\n")]);
    let (problems, counts, _) = read("cargo test", tree, &output);
    assert_eq!(counts, Some(Counts { passed: 0, failed: TESTS, skipped: 0 }));
    assert_eq!(problems, TESTS as usize);
}

#[test]
fn pytest_lists_of_thousands_are_counted() {
    let mut source = String::new();
    let mut output = format!("============ test session starts ============\ncollected {TESTS} items\n\n");
    let mut list = String::from("========= short test summary info =========\n");
    for test in 0..TESTS {
        let _ = writeln!(source, "def test_{test}(): assert {test} == 0");
        let _ = writeln!(output, "test_a.py::test_{test} FAILED");
        let _ = writeln!(list, "FAILED test_a.py::test_{test} - assert {test} == 0");
    }
    let _ = writeln!(output, "{list}============ {TESTS} failed in 1.00s ============");
    let tree = Tree::new([("/w/test_a.py", source.as_str())]);
    let (problems, counts, _) = read("pytest -v --tb=no", tree, &output);
    assert_eq!(counts, Some(Counts { passed: 0, failed: TESTS, skipped: 0 }));
    assert_eq!(problems, TESTS as usize);
}

/// ESLint's report of a project, 2 MB on one line.
#[test]
fn a_document_is_read_whole() {
    let message = |line: u32| {
        format!(
            "{{\"ruleId\":\"no-undef\",\"severity\":2,\"message\":\"'x{line}' is not defined.\",\"line\":{line},\"column\":1}}"
        )
    };
    let messages: Vec<String> = (1..=20_000).map(message).collect();
    let output = format!("[{{\"filePath\":\"/w/a.js\",\"messages\":[{}]}}]\n", messages.join(","));
    assert!(output.len() > 1_500_000);
    let (problems, _, engine) = read("eslint -f json .", Tree::new([("/w/a.js", "x\n")]), &output);
    // As many as one output may have.
    assert_eq!((problems, engine.left_out()), (10_000, vec![LeftOut::Problems(10_000)]));
}

#[test]
fn a_document_that_is_cut_is_told() {
    let filler = "{\"filePath\":\"/w/a.js\",\"messages\":[]},".repeat(500_000);
    let last = "{\"filePath\":\"/w/a.js\",\"messages\":[{\"severity\":2,\"message\":\"late\",\"line\":1}]}";
    let output = format!("[{filler}{last}]\nnext line\n");
    let (problems, _, engine) = read("eslint -f json .", Tree::new([("/w/a.js", "x\n")]), &output);
    assert_eq!((problems, engine.left_out()), (0, vec![LeftOut::Documents(1)]));
}
