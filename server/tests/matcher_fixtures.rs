//! The matchers over captured output of the real tools, against truth written by hand. `tests/fixtures/outputs/TOOL/CASE/`
//! has `output.txt`, `command`, `truth.jsonl` (the objects of `pillion parse`; a field that is not there is not compared, a
//! message is compared by a part of it) and `w/`, the files of the workspace, which stood at `/w`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pillion::matcher::{Engine, Files, Origin};
use pillion::problem::{Counts, Finding, Problem};
use proptest::prelude::*;
use serde_json::Value;

/// A case's files, at `/w`.
struct Tree(BTreeMap<PathBuf, String>);

impl Files for Tree {
    fn is_file(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    fn read(&self, path: &Path) -> Option<String> {
        self.0.get(path).cloned()
    }

    fn with_extension(&self, extension: &str) -> Vec<PathBuf> {
        let matches = |path: &&PathBuf| path.extension().is_some_and(|known| known == extension);
        self.0.keys().filter(matches).cloned().collect()
    }
}

struct Case {
    name: String,
    command: String,
    output: Vec<u8>,
    truth: Vec<Value>,
    files: Arc<Tree>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/outputs")
}

fn read_tree(folder: &Path, at: &Path, files: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, at) = (entry.path(), at.join(entry.file_name()));
        if path.is_dir() {
            read_tree(&path, &at, files);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            files.insert(at, text);
        }
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for tool in std::fs::read_dir(fixtures()).expect("the fixtures are there").flatten() {
        for case in std::fs::read_dir(tool.path()).into_iter().flatten().flatten() {
            let folder = case.path();
            let read = |name: &str| std::fs::read_to_string(folder.join(name));
            let truth = read("truth.jsonl").unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            let mut files = BTreeMap::new();
            read_tree(&folder.join("w"), Path::new("/w"), &mut files);
            cases.push(Case {
                name: folder.strip_prefix(fixtures()).expect("below").display().to_string(),
                command: read("command").expect("a command").trim().to_owned(),
                output: std::fs::read(folder.join("output.txt")).expect("an output"),
                truth: truth.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect(),
                files: Arc::new(Tree(files)),
            });
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

fn run(case: &Case, pieces: impl Iterator<Item = usize>) -> Vec<Finding> {
    let origin = Origin { command: case.command.clone(), cwd: "/w".into(), root: "/w".into() };
    let mut engine = Engine::new(origin, case.files.clone());
    let mut findings = Vec::new();
    let mut rest = case.output.as_slice();
    for piece in pieces {
        let (now, later) = rest.split_at(piece.min(rest.len()));
        engine.push(now, &mut findings);
        rest = later;
    }
    engine.push(rest, &mut findings);
    engine.finish(&mut findings);
    findings
}

/// What a person sees at the end: provisional problems replaced.
fn settle(findings: &[Finding]) -> (Vec<Problem>, Option<Counts>) {
    let mut problems: Vec<Problem> = Vec::new();
    let mut counts = None;
    for finding in findings {
        match finding {
            Finding::Problem(problem) => {
                problems.retain(|known| !known.provisional || known.test != problem.test);
                problems.push(problem.clone());
            }
            Finding::Counts(now) => counts = Some(*now),
            _ => {}
        }
    }
    (problems, counts)
}

fn describes(truth: &Value, problem: &Problem) -> bool {
    let number =
        |name: &str, value: Option<u32>| truth.get(name).is_none_or(|wanted| wanted.as_u64() == value.map(u64::from));
    let text = |name: &str, value: Option<&str>| truth.get(name).is_none_or(|wanted| wanted.as_str() == value);
    let place = &problem.place;
    let file = place.file.strip_prefix("/w").unwrap_or(&place.file).to_str();
    let severity = serde_json::to_value(problem.severity).expect("a word");
    text("file", file)
        && number("line", place.line)
        && number("col", place.column)
        && number("endCol", place.end_column)
        && truth["severity"] == severity
        && problem.message.contains(truth["message"].as_str().unwrap_or_default())
        && text("code", problem.code.as_deref())
        && text("source", Some(&problem.tool))
        && (truth.get("test").and_then(Value::as_str) == problem.test.as_deref())
}

#[test]
fn finds_what_is_there_and_nothing_else() {
    let (mut wanted, mut report) = (0, String::new());
    for case in cases() {
        let (mut problems, counts) = settle(&run(&case, std::iter::empty()));
        let mut here = String::new();
        for truth in &case.truth {
            if truth["type"] == "summary" {
                let number = |name: &str| truth[name].as_u64().unwrap_or(0) as u32;
                let truth = Counts { passed: number("passed"), failed: number("failed"), skipped: number("skipped") };
                if counts != Some(truth) {
                    here += &format!("  counts {counts:?} instead of {truth:?}\n");
                }
                continue;
            }
            wanted += 1;
            match problems.iter().position(|problem| describes(truth, problem)) {
                Some(at) => drop(problems.remove(at)),
                None => here += &format!("  missing {truth}\n"),
            }
        }
        for problem in problems {
            let Problem { place, message, code, tool, test, .. } = problem;
            here += &format!(
                "  unasked {}:{:?}:{:?}-{:?} {tool} {code:?} {test:?} {message}\n",
                place.file.display(),
                place.line,
                place.column,
                place.end_column
            );
        }
        if case.truth.iter().all(|truth| truth["type"] != "summary") && counts.is_some() {
            here += &format!("  unasked {counts:?}\n");
        }
        if !here.is_empty() {
            report += &format!("{}\n{here}", case.name);
        }
    }
    assert!(report.is_empty(), "\n{report}");
    assert!(wanted > 150, "only {wanted} problems are asked for");
}

/// Failed tests are told while the tests still run, before the line that ends them.
#[test]
fn tells_failures_while_tests_run() {
    for (name, end, failed) in
        [("libtest/mixed", "\nfailures:\n", 8), ("pytest/verbose", "\n=", 11), ("node/spec", "✖ failing tests", 9)]
    {
        let case = cases().into_iter().find(|case| case.name == name).expect("it is there");
        let text = String::from_utf8_lossy(&case.output);
        let cut = text[100..].find(end).expect("the end") + 100;
        let origin = Origin { command: case.command.clone(), cwd: "/w".into(), root: "/w".into() };
        let mut engine = Engine::new(origin, case.files.clone());
        let mut findings = Vec::new();
        engine.push(&text.as_bytes()[..cut + 1], &mut findings);
        let (problems, counts) = settle(&findings);
        let told = problems.iter().filter(|problem| problem.test.is_some()).count();
        assert_eq!(told, failed, "{name}");
        assert!(counts.is_some_and(|counts| counts.failed >= 8), "{name}: {counts:?}");
    }
}

/// A program that panics and lives on says nothing more for a long time.
#[test]
fn tells_a_panic_with_its_message() {
    let files = BTreeMap::from([(PathBuf::from("/w/src/main.rs"), "fn main() {}".to_owned())]);
    let origin = Origin { command: "cargo run".to_owned(), cwd: "/w".into(), root: "/w".into() };
    let mut engine = Engine::new(origin, Arc::new(Tree(files)));
    let mut findings = Vec::new();
    engine.push(b"listening\n\nthread 'worker' (7) panicked at src/main.rs:1:4:\nno answer\n", &mut findings);
    assert_eq!(settle(&findings).0.len(), 1);
    engine.push(b"listening again\n\n", &mut findings);
    engine.finish(&mut findings);
    assert_eq!(settle(&findings).0.len(), 1);
}

/// pytest's letters count before their line is over.
#[test]
fn counts_letters_of_an_unfinished_line() {
    let origin = Origin { command: "pytest".to_owned(), cwd: "/w".into(), root: "/w".into() };
    let mut engine = Engine::new(origin, Arc::new(Tree(BTreeMap::new())));
    let mut findings = Vec::new();
    engine.push(b"collected 9 items\n\ntests/test_a.py .F", &mut findings);
    assert_eq!(settle(&findings).1, Some(Counts { passed: 1, failed: 1, skipped: 0 }));
    engine.push(b"\x1b[33ms\x1b[0m", &mut findings);
    assert_eq!(settle(&findings).1, Some(Counts { passed: 1, failed: 1, skipped: 1 }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_gives_the_same(
        pieces in prop::collection::vec(1usize..200, 1..400),
        small in prop::collection::vec(1usize..4, 1..600),
    ) {
        for case in cases() {
            let whole = run(&case, std::iter::empty());
            prop_assert_eq!(&run(&case, pieces.iter().copied()), &whole, "{}", case.name);
            prop_assert_eq!(&run(&case, small.iter().copied()), &whole, "{}", case.name);
        }
    }
}
