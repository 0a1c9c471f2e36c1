//! What is told while a command still runs, before the lines that end it.

use std::sync::Arc;

use pillion::matcher::{Engine, Origin};
use pillion::problem::Counts;

use crate::case::{Tree, case, settle};

/// Failed tests are told while the tests still run, before the line that ends them.
#[test]
fn tells_failures_while_tests_run() {
    for (name, end, failed) in
        [("libtest/mixed", "\nfailures:\n", 8), ("pytest/verbose", "\n=", 11), ("node/spec", "✖ failing tests", 9)]
    {
        let case = case(name);
        let text = String::from_utf8_lossy(&case.output);
        let cut = text[100..].find(end).expect("the end") + 100;
        let mut engine = case.engine();
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
    let files = Tree::new([("/w/src/main.rs", "fn main() {}")]);
    let origin = Origin { command: "cargo run".to_owned(), cwd: "/w".into(), root: "/w".into() };
    let mut engine = Engine::new(origin, Arc::new(files));
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
    let mut engine = Engine::new(origin, Arc::new(Tree::new([])));
    let mut findings = Vec::new();
    engine.push(b"collected 9 items\n\ntests/test_a.py .F", &mut findings);
    assert_eq!(settle(&findings).1, Some(Counts { passed: 1, failed: 1, skipped: 0 }));
    engine.push(b"\x1b[33ms\x1b[0m", &mut findings);
    assert_eq!(settle(&findings).1, Some(Counts { passed: 1, failed: 1, skipped: 1 }));
}

/// Programs that write into one output are read apart, each with the blocks and the folder of its own.
#[test]
fn reads_interleaved_programs_apart() {
    let files = Tree::new([
        ("/w/packages/a/package.json", r#"{"name": "@acme/a"}"#),
        ("/w/packages/b/package.json", r#"{"name": "@acme/b"}"#),
        ("/w/packages/a/src/main.c", "int x;\n"),
        ("/w/packages/b/src/main.c", "int y;\n"),
        ("/w/src/lib.rs", "fn f() {}\n"),
    ]);
    let origin = Origin { command: "pnpm -r build".to_owned(), cwd: "/w".into(), root: "/w".into() };
    let output = "packages/a build: src/main.c:1:5: error: one\n\
                  packages/b build: error[E0001]: two\n\
                  packages/a build:     1 | int x;\n\
                  packages/b build:  --> /w/src/lib.rs:1:4\n\
                  @acme/b build: src/main.c:1:5: warning: three\n\
                  packages/a build: done\n";
    let mut engine = Engine::new(origin, Arc::new(files));
    let mut findings = Vec::new();
    engine.push(output.as_bytes(), &mut findings);
    engine.finish(&mut findings);
    let (problems, _) = settle(&findings);
    let mut told: Vec<_> =
        problems.iter().map(|it| (it.place.file.to_str().unwrap_or_default(), it.message.as_str())).collect();
    told.sort_unstable();
    let expected =
        [("/w/packages/a/src/main.c", "one"), ("/w/packages/b/src/main.c", "three"), ("/w/src/lib.rs", "two")];
    assert_eq!(told, expected);
    assert_eq!(engine.lines_beyond_prefixes(), 0);
}

/// What invents a name for every line gets no memory for it.
#[test]
fn prefixes_are_bounded() {
    let origin = Origin { command: "docker compose up".to_owned(), cwd: "/w".into(), root: "/w".into() };
    let mut engine = Engine::new(origin, Arc::new(Tree::new([])));
    for number in 0..1_000 {
        engine.push(format!("s{number}  | error: no\n").as_bytes(), &mut Vec::new());
    }
    assert_eq!(engine.lines_beyond_prefixes(), 1_000 - 64);
}

/// A path inside of a container is the file that was mounted there, not one of the same name elsewhere.
#[test]
fn paths_come_out_of_containers() {
    let compose = "services:\n  api:\n    working_dir: /app\n    volumes:\n      - ./api:/app\n";
    for (command, output, file) in [
        ("docker run -v $PWD/api:/srv -w /srv gcc make", "/srv/main.c:1:5: error: x", "/w/api/main.c"),
        ("docker run -v $PWD/api:/srv -w /srv gcc make", "main.c:1:5: error: x", "/w/api/main.c"),
        ("docker compose run --rm api make", "main.c:1:5: error: x", "/w/api/main.c"),
        ("docker compose up", "api-1  | /app/main.c:1:5: error: x", "/w/api/main.c"),
        ("docker compose up", "api-1  | main.c:1:5: error: x", "/w/api/main.c"),
        ("make up", "api-1  | main.c:1:5: error: x", "/w/api/main.c"),
        ("docker exec box make", "/code/only/here.c:1:5: error: x", "/w/only/here.c"),
        ("docker exec box make", "/usr/include/only/here.c:1:5: error: x", ""),
        // Two files end so.
        ("docker exec box make", "/code/main.c:1:5: error: x", ""),
        ("make", "/code/only/here.c:1:5: error: x", ""),
        ("", "/workspaces/w/api/main.c:1:5: error: x", "/w/api/main.c"),
    ] {
        let files = Tree::new([
            ("/w/compose.yaml", compose),
            ("/w/.devcontainer/devcontainer.json", "{ /* no folder */ }"),
            ("/w/main.c", "int decoy;\n"),
            ("/w/api/main.c", "int x;\n"),
            ("/w/only/here.c", "int x;\n"),
        ]);
        let origin = Origin { command: command.to_owned(), cwd: "/w".into(), root: "/w".into() };
        let mut engine = Engine::new(origin, Arc::new(files));
        let mut findings = Vec::new();
        engine.push(output.as_bytes(), &mut findings);
        engine.finish(&mut findings);
        let (problems, _) = settle(&findings);
        let told = problems.first().map_or("", |problem| problem.place.file.to_str().unwrap_or_default());
        assert_eq!(told, file, "{command:?} prints {output:?}");
    }
}
