//! What people type, and what it is taken for.

use crate::provider::offline::understand::{Request, Which, understand};

/// A request in a few characters, for the table.
fn short(request: &Request) -> String {
    let ground = |background: &Option<bool>| match background {
        None => "",
        Some(true) => " bg",
        Some(false) => " fg",
    };
    match request {
        Request::Project { group, near, background } => {
            let near = near.as_ref().map(|near| format!(" at {near}")).unwrap_or_default();
            format!("{}{near}{}", group.as_str(), ground(background))
        }
        Request::Run { command, background } => format!("run[{command}]{}", ground(background)),
        Request::Again { task } => format!("again {}", task.as_deref().unwrap_or("last")),
        Request::Failures => "failures".into(),
        Request::Stop { which: Which::Newest } => "stop newest".into(),
        Request::Stop { which: Which::All } => "stop all".into(),
        Request::Stop { which: Which::Named(name) } => format!("stop {name}"),
        Request::Status => "status".into(),
        Request::Output { task } => format!("output {}", task.as_deref().unwrap_or("last")),
        Request::Read { path, lines: None } => format!("read {path}"),
        Request::Read { path, lines: Some((first, last)) } => format!("read {path} {first}-{last}"),
        Request::Help => "help".into(),
        Request::Unknown(clause) => format!("?{clause}"),
    }
}

const PHRASES: &[(&str, &str)] = &[
    // Tests.
    ("run the tests", "test"),
    ("Run the tests.", "test"),
    ("run tests", "test"),
    ("test", "test"),
    ("Test it!", "test"),
    ("please run all tests", "test"),
    ("Can you run the test suite?", "test"),
    ("could you please start the unit tests for me", "test"),
    ("kick off the slow test suite", "test"),
    ("run tests in the background", "test bg"),
    ("Run the tests in background", "test bg"),
    ("run the tests, in the background", "test bg"),
    ("run the tests and wait for the result", "test fg"),
    ("run the tests in the foreground", "test fg"),
    ("run the tests again", "test"),
    ("rerun the tests", "test"),
    ("check the tests", "test"),
    ("run the tests in server/", "test at server/"),
    ("run the tests of web/package.json in the background", "test at web/package.json bg"),
    ("let's run the whole test suite now", "test"),
    ("/test", "test"),
    // Builds and lints.
    ("build", "build"),
    ("build the project", "build"),
    ("Compile it", "build"),
    ("make a build", "build"),
    ("run the build in the background", "build bg"),
    ("rebuild everything", "build"),
    ("lint", "lint"),
    ("run the linter", "lint"),
    ("check the code", "lint"),
    ("run clippy", "lint"),
    // Commands.
    ("run `cargo test -q` in the background", "run[cargo test -q] bg"),
    ("run `ls -la`", "run[ls -la]"),
    ("run: ls -la", "run[ls -la]"),
    ("Run: cargo test in the background", "run[cargo test] bg"),
    ("$ ls", "run[ls]"),
    ("!ls -l | head -3", "run[ls -l | head -3]"),
    ("! echo hi, there. and more", "run[echo hi, there. and more]"),
    ("`git status`", "run[git status]"),
    ("please execute `make x y` again", "run[make x y]"),
    ("run cargo test --workspace", "run[cargo test --workspace]"),
    ("run npm run lint in the background", "run[npm run lint] bg"),
    ("run cargo test in the background and read src/lib.rs meanwhile", "run[cargo test] bg | read src/lib.rs"),
    ("cargo build", "run[cargo build]"),
    ("cd web && npm test", "run[cd web && npm test]"),
    ("npm run dev &", "run[npm run dev] bg"),
    ("run git commit -m \"fix this, and that\"", "run[git commit -m \"fix this, and that\"]"),
    ("make", "run[make]"),
    ("make test", "run[make test]"),
    ("run ./scripts/deploy.sh --dry", "run[./scripts/deploy.sh --dry]"),
    ("ls .", "run[ls .]"),
    ("sleep 5", "run[sleep 5]"),
    // Failures.
    ("what failed?", "failures"),
    ("What fails", "failures"),
    ("which tests failed?", "failures"),
    ("show me the failures", "failures"),
    ("did the tests pass?", "failures"),
    ("why did it fail", "failures"),
    ("what went wrong?", "failures"),
    ("any errors?", "failures"),
    // Again.
    ("rerun", "again last"),
    ("run it again", "again last"),
    ("Run again.", "again last"),
    ("try again please", "again last"),
    ("once more", "again last"),
    ("rerun t1k9", "again t1k9"),
    ("rerun the last command", "again last"),
    // Stop.
    ("stop", "stop newest"),
    ("stop it", "stop newest"),
    ("cancel the tests", "stop newest"),
    ("kill the running server", "stop newest"),
    ("stop t1k9", "stop t1k9"),
    ("stop task t1k9.", "stop t1k9"),
    ("stop all tasks", "stop all"),
    ("stop everything", "stop all"),
    ("stop `npm run dev`", "stop npm run dev"),
    // Status and output.
    ("status", "status"),
    ("tasks", "status"),
    ("what's running?", "status"),
    ("how are the tests doing?", "status"),
    ("is it done yet?", "status"),
    ("list the tasks", "status"),
    ("show the output", "output last"),
    ("show me the output of t1k9", "output t1k9"),
    ("log", "output last"),
    ("what is the output of the tests?", "output last"),
    // Files.
    ("read src/lib.rs", "read src/lib.rs"),
    ("show me src/lib.rs:10-20", "read src/lib.rs 10-20"),
    ("open the Makefile", "read Makefile"),
    ("open server/README", "read server/README"),
    ("show lines 10 to 20 of src/a.py", "read src/a.py 10-20"),
    ("what's in package.json?", "read package.json"),
    ("cat Cargo.toml", "read Cargo.toml"),
    ("read `src/main.rs`", "read src/main.rs"),
    ("read a.rs and b.rs", "read a.rs | read b.rs"),
    ("read this file", "read "),
    // Several at once.
    ("Run the tests in the background and read src/lib.rs meanwhile.", "test bg | read src/lib.rs"),
    ("Build, then run the tests", "build | test"),
    ("Run the tests and tell me what fails.", "test"),
    ("Run the tests and fix what fails.", "test | ?fix what fails"),
    ("stop it. Then run `npm test`", "stop newest | run[npm test]"),
    ("run the tests\n!git status", "test | run[git status]"),
    // Help.
    ("help", "help"),
    ("What can you do?", "help"),
    ("?", "help"),
    // What needs a model.
    ("make the login faster", "?make the login faster"),
    ("run the tests that touch login", "?run the tests that touch login"),
    ("run the login tests", "?run the login tests"),
    ("why does login_expires fail?", "?why does login_expires fail"),
    ("explain src/lib.rs", "?explain src/lib.rs"),
    ("find the bug", "?find the bug"),
    ("write a test for parse", "?write a test for parse"),
    ("don't run the tests", "?don't run the tests"),
    ("hi", "?hi"),
    ("", ""),
];

#[test]
fn phrases_are_understood() {
    let wrong: Vec<String> = PHRASES
        .iter()
        .map(|(phrase, expected)| {
            (phrase, expected, understand(phrase).iter().map(short).collect::<Vec<_>>().join(" | "))
        })
        .filter(|(_, expected, got)| *expected != got)
        .map(|(phrase, expected, got)| format!("{phrase:?}: {got:?}, not {expected:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest::proptest! {
    #[test]
    fn nothing_breaks_it(prompt in "[a-z `'\".,:!?$/\\n&-]{0,60}") {
        let _ = understand(&prompt);
    }

    #[test]
    fn nothing_at_all_breaks_it(prompt in "\\PC{0,40}") {
        let _ = understand(&prompt);
    }
}
