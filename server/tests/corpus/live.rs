//! What is told while a command still runs, before the lines that end it.

use std::sync::Arc;

use pillion::matcher::{Engine, LeftOut, Origin};
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

/// So do those of RSpec, Minitest and PHPUnit; their last line then says how many there were.
#[test]
fn counts_letters_of_other_runners() {
    let after = |passed, failed, skipped| Some(Counts { passed, failed, skipped });
    for (command, start, end, last) in [
        ("rspec", ".F*", "\n\nFinished in 0.1 seconds\n3 examples, 1 failure, 1 pending\n", after(1, 1, 1)),
        (
            "ruby test/a_test.rb",
            "Run options: --seed 1\n\n# Running:\n\n.ES",
            "\n\nFinished in 0.1s.\n\n3 runs, 2 assertions, 0 failures, 1 errors, 1 skips\n",
            after(1, 1, 1),
        ),
        (
            "phpunit",
            "PHPUnit 9.6.7 by Sebastian Bergmann and contributors.\n\n.FS",
            "   3 / 3 (100%)\n\nTime: 00:00.1\n\nFAILURES!\nTests: 3, Assertions: 2, Failures: 1, Skipped: 1.\n",
            after(1, 1, 1),
        ),
    ] {
        let origin = Origin { command: command.to_owned(), cwd: "/w".into(), root: "/w".into() };
        let mut engine = Engine::new(origin, Arc::new(Tree::new([])));
        let mut findings = Vec::new();
        engine.push(start.as_bytes(), &mut findings);
        assert_eq!(settle(&findings).1, after(1, 1, 1), "{command}: its letters");
        engine.push(b".", &mut findings);
        assert_eq!(settle(&findings).1, after(2, 1, 1), "{command}: one letter more");
        engine.push(end.as_bytes(), &mut findings);
        engine.finish(&mut findings);
        assert_eq!(settle(&findings).1, last, "{command}: its last line");
    }
}

/// What is known at a line is told at that line: a linter's finding, a failed test of a runner that shows each.
#[test]
fn tells_at_the_line() {
    for (name, upto, told) in [
        ("hadolint/docker", "docker/Dockerfile:3 DL3008", 2),
        ("actionlint/ci", ".github/workflows/ci.yml:10:23", 2),
        ("yamllint/github", "::warning file=deploy/station.yaml,line=8,col=5", 3),
        ("doctest/verbose", "to_fahrenheit(0)\nExpecting", 2),
        ("zig/test", "/w/queue.zig:9:26", 1),
        ("terraform/plan", "Invalid function argument", 2),
        ("playwright/basket", "  ✓   4 tests/polls", 2),
        ("ctest/queue", "    Start 4: ", 2),
    ] {
        let case = case(name);
        let text = String::from_utf8_lossy(&case.output).into_owned();
        let cut = text.find(upto).unwrap_or_else(|| panic!("{name} has no `{upto}`"));
        let line = text[..cut].rfind('\n').map_or(0, |end| end + 1);
        let mut engine = case.engine();
        let mut findings = Vec::new();
        engine.push(&text.as_bytes()[..line], &mut findings);
        assert_eq!(settle(&findings).0.len(), told, "{name} before `{upto}`");
    }
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
    assert_eq!(engine.left_out(), []);
}

/// What invents a name for every line gets no memory for it.
#[test]
fn prefixes_are_bounded() {
    let origin = Origin { command: "docker compose up".to_owned(), cwd: "/w".into(), root: "/w".into() };
    let mut engine = Engine::new(origin, Arc::new(Tree::new([])));
    for number in 0..1_000 {
        engine.push(format!("s{number}  | error: no\n").as_bytes(), &mut Vec::new());
    }
    assert_eq!(engine.left_out(), [LeftOut::Prefixes(1_000 - 64)]);
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
