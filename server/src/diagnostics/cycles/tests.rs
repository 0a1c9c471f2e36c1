//! Real outputs of watching tools, read as they come: what stands in the editor after each cycle, and that nothing goes
//! before its time. How each was made stands in `tests/fixtures/watch/README.md`; the truth was written by hand from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostics::Store;
use crate::ids::TaskId;
use crate::matcher::{Engine, Files, Origin, problem_matcher};
use crate::problem::{CyclePhase, Finding};

/// The files of the captures, with their texts where a matcher looks into them.
struct Project;

impl Files for Project {
    fn is_file(&self, path: &Path) -> bool {
        self.read(path).is_some()
    }

    fn read(&self, path: &Path) -> Option<String> {
        let text = match path.to_str()?.strip_prefix("/w/")? {
            "test/price.test.js" => "test(\"doubles\", () => {\n});\ntest(\"zero\", () => {\n});\n",
            "test/name.test.js" | "jt/name.test.js" => "test(\"is Ada\", () => {\n});\n",
            "test/a.test.js" => "test(\"a\", () => {\n});\n",
            "test/b.test.js" => "test(\"b\", () => {\n});\ntest(\"b2\", () => {\n});\n",
            "test/add.js" => "describe('add', () => {\n});\n",
            "test_add.py" => "def test_sums():\n    pass\n",
            "main.ts"
            | "total.ts"
            | "src/main.js"
            | "src/total.js"
            | "src/main.ts"
            | "src/main/java/Sum.java"
            | "src/price.ts"
            | "src/total.ts"
            | "jt/price.test.js"
            | "src/x.js"
            | "server.js"
            | "src/lib.rs"
            | "a.rs"
            | "b.rs"
            | "Program.cs" => "",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn with_extension(&self, _: &str) -> Vec<PathBuf> {
        Vec::new()
    }
}

struct Watch {
    engine: Engine,
    store: Store,
    lane: u16,
    /// After each cycle: `file:line` of what stands.
    ends: Vec<String>,
    /// How often something stood nowhere between two of its cycles.
    gaps: usize,
    last: Vec<String>,
}

fn task() -> TaskId {
    TaskId::from("t")
}

impl Watch {
    fn new(command: &str, cwd: &str) -> Self {
        let origin = Origin { command: command.to_owned(), cwd: cwd.into(), root: "/w".into() };
        let mut store = Store::default();
        store.begin_run(&task(), 1, (command.to_owned(), PathBuf::from(cwd)), None);
        Self { engine: Engine::new(origin, Arc::new(Project)), store, lane: 0, ends: vec![], gaps: 0, last: vec![] }
    }

    fn shown(&self) -> Vec<String> {
        let place = |it: &crate::diagnostics::Stored| {
            let place = &it.problem.place;
            let again = if it.problem.provisional { "?" } else { "" };
            let file = place.file.strip_prefix("/w").unwrap_or(&place.file);
            format!("{}:{}{again}", file.display(), place.line.unwrap_or(0))
        };
        self.store.all().map(place).collect()
    }

    fn push(&mut self, bytes: &[u8]) {
        let mut findings = Vec::new();
        self.engine.push(bytes, &mut findings);
        for finding in findings {
            match finding {
                Finding::Lane(lane) => self.lane = lane,
                Finding::Problem(problem) => drop(self.store.add(&task(), 1, self.lane, problem)),
                Finding::Cycle(phase, watcher) => {
                    self.store.cycle(&task(), 1, self.lane, phase, &watcher);
                    if phase == CyclePhase::Ends {
                        self.ends.push(self.shown().join(" "));
                    }
                }
                _ => {}
            }
            // What this cycle ends with and the one before did was there all the time.
            let shown: Vec<String> = self.shown().iter().map(|it| it.trim_end_matches('?').to_owned()).collect();
            self.gaps += usize::from(shown.is_empty() && !self.last.is_empty());
            self.last = shown;
        }
    }
}

fn ends(command: &str, cwd: &str, output: &[u8]) -> (Vec<String>, usize) {
    let mut whole = Watch::new(command, cwd);
    whole.push(output);
    let mut bytes = Watch::new(command, cwd);
    output.chunks(3).for_each(|piece| bytes.push(piece));
    assert_eq!(whole.ends, bytes.ends, "{command}: cut into pieces");
    (whole.ends, whole.gaps)
}

macro_rules! capture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/fixtures/watch/", $name, ".txt")).as_slice()
    };
}

#[test]
fn each_cycle_replaces_the_one_before() {
    let both = "test/name.test.js:4 test/price.test.js:4";
    let jest = "jt/name.test.js:2 jt/price.test.js:3";
    for (command, cwd, output, expected) in [
        (
            "npx tsc --watch",
            "/w",
            capture!("tsc.pipe"),
            vec!["src/price.ts:4 src/total.ts:1", "src/price.ts:4", "src/price.ts:4 src/total.ts:2"],
        ),
        (
            "npx tsc --watch",
            "/w",
            capture!("tsc.pty"),
            vec!["src/price.ts:4 src/total.ts:1", "src/price.ts:4", "src/price.ts:4 src/total.ts:2"],
        ),
        // A file that did not run again is listed by name, and keeps its details.
        (
            "npx vitest --watch",
            "/w",
            capture!("vitest.pipe"),
            vec![both, "test/name.test.js:4?", "test/name.test.js:4? test/price.test.js:4"],
        ),
        (
            "npx vitest --watch",
            "/w",
            capture!("vitest.pty"),
            vec![both, "test/name.test.js:4?", "test/name.test.js:4? test/price.test.js:4"],
        ),
        (
            "npx vitest",
            "/w",
            capture!("vitest4.pipe"),
            vec!["test/a.test.js:2 test/b.test.js:2 test/b.test.js:3", "test/b.test.js:2? test/b.test.js:3?"],
        ),
        ("npx jest --watchAll", "/w/jt", capture!("jest.pipe"), vec![jest, "jt/name.test.js:2", jest]),
        ("npx jest --watchAll", "/w/jt", capture!("jest.pty"), vec![jest, "jt/name.test.js:2", jest]),
        // In a terminal it says that it watches, whatever the command was.
        ("docker compose up", "/w/jt", capture!("jest.pty"), vec![jest, "jt/name.test.js:2", jest]),
        ("npx esbuild --watch", "/w", capture!("esbuild.pipe"), vec!["src/x.js:1", "", "src/x.js:1", ""]),
        ("npx webpack --watch", "/w", capture!("webpack.pipe"), vec!["src/x.js:1", "", "src/x.js:1", ""]),
        // A build that fails has no last line.
        ("npx vite build --watch", "/w", capture!("vitebuild.pipe"), vec!["", ""]),
        ("npx vite build --watch", "/w", capture!("vitebuild8.pipe"), vec!["", ""]),
        ("npx rollup -w", "/w", capture!("rollup.pipe"), vec!["src/total.js:2", "src/main.js:1", ""]),
        ("npx rollup -w", "/w", capture!("rollup.pty"), vec!["src/total.js:2", "src/main.js:1", ""]),
        ("npx mocha --watch", "/w", capture!("mocha.pipe"), vec!["test/add.js:4 test/add.js:5", "test/add.js:4", ""]),
        ("npx mocha --watch", "/w", capture!("mocha.pty"), vec!["test/add.js:4 test/add.js:5", "test/add.js:4", ""]),
        ("pytest-watch", "/w", capture!("ptw.pipe"), vec!["test_add.py:5 test_add.py:9", "test_add.py:5", ""]),
        ("pytest-watch", "/w", capture!("ptw.pty"), vec!["test_add.py:5 test_add.py:9", "test_add.py:5", ""]),
        ("ptw .", "/w", capture!("pytestwatcher.pipe"), vec!["test_add.py:5", ""]),
        (
            "gradle -t compileJava",
            "/w",
            capture!("gradle.pipe"),
            vec!["src/main/java/Sum.java:1", "src/main/java/Sum.java:1", ""],
        ),
        ("bacon --headless", "/w", capture!("bacon.pipe"), vec!["src/lib.rs:3", "src/lib.rs:3 src/lib.rs:7", ""]),
        ("bacon --headless", "/w", capture!("bacon.pty"), vec!["src/lib.rs:3", "src/lib.rs:3 src/lib.rs:7", ""]),
        (
            "bacon --headless --job test",
            "/w",
            capture!("bacon_test.pipe"),
            vec!["src/lib.rs:3", "src/lib.rs:3 src/lib.rs:7", "", "src/lib.rs:9", ""],
        ),
        ("npx nodemon server.js", "/w", capture!("nodemon.pipe"), vec!["server.js:2", "server.js:2"]),
        ("node --watch server.js", "/w", capture!("nodewatch.pipe"), vec!["server.js:2", "server.js:2"]),
    ] {
        let (found, gaps) = ends(command, cwd, output);
        assert_eq!(found, expected, "{command}");
        let cleared = expected.windows(2).filter(|two| !two[0].is_empty() && two[1].is_empty()).count();
        if !command.contains("vite build") {
            assert_eq!(gaps, cleared, "{command}: it was gone for a moment");
        }
    }
}

/// A program that says nothing when all is well: what it said before stays until it has had its time.
#[test]
fn what_was_started_again_and_is_silent_is_well() {
    for (command, output, up_to, before, after) in [
        ("npx tsx watch main.ts", capture!("tsx.pipe"), "\ntotal 2", "total.ts:1", ""),
        ("npx tsx watch main.ts", capture!("tsx.pty"), "\n\u{1b}ctotal", "total.ts:1", ""),
        // The second build fails elsewhere.
        (
            "npx vite build --watch",
            capture!("vitebuild8.pipe"),
            "\n\n\nbuild started...\ntransforming...\n✓ 5 modules transformed.\nrendering chunks...\ncomputing",
            "src/total.ts:3 src/main.ts:1",
            "src/main.ts:1",
        ),
    ] {
        let text = String::from_utf8_lossy(output);
        let at = text.find(up_to).expect("it is in the capture");
        let mut watch = Watch::new(command, "/w");
        watch.push(&output[..at + 1]);
        assert!(watch.shown().iter().any(|it| before.contains(it.as_str())), "{command}: {:?}", watch.shown());
        watch.store.settle(&task(), 1);
        assert_eq!(watch.shown().join(" "), after, "{command}");
    }
}

/// dotnet watch in the words of its sources (dotnet/sdk, `MessageDescriptor`), which stand behind an emoji or a colon.
#[test]
fn dotnet_watch_compiles_anew() {
    let says = |emoji: &str, text: &str| format!("dotnet watch {emoji} {text}\n");
    let error = |line: u32| format!("/w/Program.cs({line},5): error CS0103: The name 'x' does not exist");
    let built = |line: u32| {
        format!("{} [/w/App.csproj]\n\nThe build failed. Fix the build errors and run again.\n", error(line))
    };
    let waits = |restarting: &str| format!("Waiting for a file to change before restarting {restarting}...");
    // What the process ends with comes right before that it waits: one cycle.
    let restarts = [
        built(3),
        says("❌", "Exited with error code 1") + &says("⏳", &waits("")),
        says("⌚", "File changed: /w/Program.cs") + &built(7),
        says("❌", "Exited with error code 1") + &says("⏳", &waits("dotnet")),
        says("⌚", "File changed: /w/Program.cs") + "Hello\n",
        says("⌚", "Exited") + &says("⏳", &waits("")),
    ];
    assert_eq!(
        ends("dotnet watch --no-hot-reload", "/w", restarts.concat().as_bytes()).0,
        ["Program.cs:3", "Program.cs:7", ""]
    );
    for (emoji, done) in [
        ("🔥", "C# and Razor changes applied in 12ms."),
        ("🔥", "[App (net9.0)] Hot reload succeeded."),
        ("🔥", "Hot reload of changes succeeded."),
        (":", "No managed code changes to apply."),
    ] {
        let reloads = [
            says("🔥", "Hot reload enabled. For a list of supported edits, see https://aka.ms/dotnet/hot-reload."),
            says("⌚", "File updated: ./Program.cs") + &says("❌", &error(3)),
            says("🔥", "Unable to apply changes due to compilation errors."),
            says(emoji, "Files updated: ./Program.cs, ./Other.cs")
                + &says("❌", &format!("[App (net9.0)] {}", error(7))),
            says("🔥", "Unable to apply changes due to compilation errors."),
            says("⌚", "File added: ./Other.cs") + &says(emoji, done),
        ];
        let expected = ["Program.cs:3", "Program.cs:7", ""];
        assert_eq!(ends("dotnet watch", "/w", reloads.concat().as_bytes()).0, expected, "{done}");
    }
    let unloaded =
        says("⌚", "File updated: ./App.csproj") + &says("⌚", "Fix the error to continue or press Ctrl+C to exit.");
    let outputs = [built(3), says("⏳", &waits("")), unloaded].concat();
    assert_eq!(ends("dotnet watch", "/w", outputs.as_bytes()).0, ["Program.cs:3", ""]);
}

#[test]
fn a_wrapper_starts_everything_anew() {
    let panic = |line: u32| format!("error[E0425]: no value\n --> a.rs:{line}:5\n\n");
    let test =
        "running 2 tests\ntest x ... FAILED\ntest y ... ok\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored\n";
    let output = format!(
        "[Running 'cargo check']\n{}[Finished running. Exit status: 101]\n[Running 'cargo check']\n{}{}[Finished running. Exit status: 101]\n[Running 'cargo check']\n[Finished running. Exit status: 0]\n",
        panic(3),
        panic(3),
        panic(9),
    );
    assert_eq!(ends("cargo watch", "/w", output.as_bytes()).0, ["a.rs:3", "a.rs:3 a.rs:9", ""]);
    // Counts are those of the cycle.
    let mut watch = Watch::new("cargo watch -x test", "/w");
    let mut findings = Vec::new();
    for _ in 0..2 {
        watch.engine.push(
            format!("[Running 'cargo test']\n{test}[Finished running. Exit status: 101]\n").as_bytes(),
            &mut findings,
        );
    }
    let counts =
        findings.iter().rev().find_map(|it| if let Finding::Counts(counts) = it { Some(*counts) } else { None });
    assert_eq!(counts.map(|it| (it.passed, it.failed)), Some((1, 1)));
}

/// One program's cycle is nothing to the one beside it.
#[test]
fn each_program_has_cycles_of_its_own() {
    let output = "\
        [a] 11:00:00 PM - Starting compilation in watch mode...\n\
        [b] 11:00:00 PM - Starting compilation in watch mode...\n\
        [a] src/price.ts(4,14): error TS2322: Type 'number' is not assignable to type 'string'.\n\
        [b] src/total.ts(1,14): error TS2322: Type 'string' is not assignable to type 'number'.\n\
        [a] 11:00:02 PM - Found 1 error. Watching for file changes.\n\
        [b] 11:00:02 PM - Found 1 error. Watching for file changes.\n\
        [b] 11:00:09 PM - File change detected. Starting incremental compilation...\n\
        [b] 11:00:09 PM - Found 0 errors. Watching for file changes.\n";
    let (found, _) = ends("npx concurrently -n a,b 'tsc -w' 'tsc -w -p b'", "/w", output.as_bytes());
    let both = "src/price.ts:4 src/total.ts:1";
    // A compiler's problem is told with the line behind it: b's with its end.
    assert_eq!(found, ["src/price.ts:4", both, "src/price.ts:4"]);
}

#[test]
fn a_persons_own_matcher_has_cycles() {
    let matcher = serde_json::json!({
        "owner": "check", "pattern": {"regexp": "^(\\S+)!(\\d+) (.*)$", "file": 1, "line": 2, "message": 3},
        "background": {"beginsPattern": "^Looking", "endsPattern": "^Looked"},
    });
    let mut watch = Watch::new("./check", "/w");
    watch.engine.define([problem_matcher::parse(&matcher).expect("a good definition")]);
    for (output, shown) in [
        ("Looking\na.rs!1 x\nb.rs!2 y\nLooked\n", "a.rs:1 b.rs:2"),
        ("Looking\n", "a.rs:1 b.rs:2"),
        ("b.rs!5 y\n", "a.rs:1 b.rs:5"),
        ("Looked\n", "b.rs:5"),
        ("Looking\nLooked\n", ""),
    ] {
        watch.push(output.as_bytes());
        assert_eq!(watch.shown().join(" "), shown, "after {output:?}");
    }
}

/// A server that lives says nothing: after a while what it died of before is gone.
#[test]
fn a_silent_server_is_well() {
    let mut watch = Watch::new("npx nodemon server.js", "/w");
    let output = String::from_utf8_lossy(capture!("nodemon.pipe")).into_owned();
    let (dead, _) = output.split_once("[nodemon] restarting").expect("a restart");
    watch.push(dead.as_bytes());
    watch.push(b"[nodemon] restarting due to changes...\n[nodemon] starting `node server.js`\nlistening\n");
    assert_eq!(watch.shown(), ["server.js:2"]);
    watch.store.settle(&task(), 1);
    assert!(watch.shown().is_empty());
}
