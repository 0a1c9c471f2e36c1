//! Failures of real tools as diagnostics: on the right line, while the command still runs, replaced by the next run.

use std::path::Path;
use std::time::Duration;

use pillion_tests::options::uri;
use pillion_tests::project::{self, Place};
use pillion_tests::task::id_of;
use pillion_tests::{Client, Gate, Options, Sandbox};
use serde_json::{Value, json};

/// Tools that compile take their time on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

fn client(sandbox: &Sandbox) -> Client {
    Client::start(sandbox, Options::pillion().deadline(PATIENCE))
}

/// Waits, from an index on, for a publication for that file whose diagnostics `wanted` accepts.
fn published(client: &Client, from: usize, file: &Path, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let (_, params) = client.wait_notification("textDocument/publishDiagnostics", from, |params| {
        params["uri"] == uri(file) && wanted(params["diagnostics"].as_array().map_or(&[], Vec::as_slice))
    });
    params["diagnostics"].as_array().cloned().unwrap_or_default()
}

/// The 1-based line on which a diagnostic starts.
fn line(diagnostic: &Value) -> u64 {
    diagnostic["range"]["start"]["line"].as_u64().expect("a line") + 1
}

/// What `command` needs, its gate, and how its failing test is named.
struct Suite<'a> {
    sandbox: &'a Sandbox,
    place: Place,
    command: String,
    env: Value,
    gate: Gate,
    test: &'a str,
    fix: fn(&Sandbox),
}

impl Suite<'_> {
    /// The failure shows on `lines` while the task runs, on its line in the end, and goes with the next run after a fix.
    fn check(&self, lines: std::ops::RangeInclusive<u64>) {
        let client = client(self.sandbox);
        let task = client.start_task(json!({"command": self.command, "env": self.env}));
        let id = id_of(&task);
        assert_eq!(task["group"], "test");
        let file = &self.place.file;
        let early = published(&client, 0, file, |found| found.iter().any(|found| lines.contains(&line(found))));
        // The suite cannot end before its gate opens.
        assert_eq!(client.task(&id)["status"], "running", "the diagnostic came while the task runs");
        assert_eq!(early.len(), 1, "{early:#?}");
        assert_eq!(early[0]["source"], "pillion");
        assert_eq!(early[0]["severity"], 1);
        let data = &early[0]["data"];
        assert_eq!((&data["taskId"], &data["run"], &data["test"]), (&json!(id), &json!(1), &json!(self.test)));
        assert_eq!(early[0]["code"], self.test, "the code is the test's id");
        assert!(data["tool"].as_str().is_some_and(|tool| !tool.is_empty()), "{data}");
        // The test's result too is there before the end.
        let (_, told) = client.wait_notification("pillion/test/results", 0, |params| {
            params["tests"].as_array().into_iter().flatten().any(|test| test["id"] == self.test)
        });
        assert_eq!((&told["taskId"], &told["run"]), (&json!(id), &json!(1)));
        assert_eq!(client.task(&id)["status"], "running", "the result came while the task runs");
        self.gate.open();
        let ended = client.wait_run_end(&id, 1);
        assert_eq!((&ended["status"], &ended["diagnostics"]["errors"]), (&json!("failed"), &json!(1)));
        assert_eq!((&ended["progress"]["passed"], &ended["progress"]["failed"]), (&json!(1), &json!(1)));
        assert!(ended["summary"].as_str().is_some_and(|text| text.contains("1 failed")), "{ended}");
        let last = published(&client, 0, file, |found| found.len() == 1 && line(&found[0]) == self.place.line);
        let message = last[0]["message"].as_str().expect("a message");
        assert!(message.contains('5') && !message.contains('\u{1b}'), "the message says what was expected: {message}");
        self.check_results(&client, &id);
        // The failed one alone: nothing waits for the gate.
        client.call("pillion/task/rerun", json!({"taskId": id, "only": "failed"}));
        let again = client.wait_run_end(&id, 2);
        assert_eq!((&again["progress"]["passed"], &again["progress"]["failed"]), (&json!(0), &json!(1)), "{again}");
        let results = client.call("pillion/test/results", json!({"taskId": id}));
        assert_eq!(results["tests"].as_array().map(Vec::len), Some(1), "what was left out has no result: {results}");
        assert!(again["runs"][1]["narrowed"].as_str().is_some_and(|command| command != self.command), "{again}");
        (self.fix)(self.sandbox);
        let at = client.mark();
        client.call("pillion/task/rerun", json!({"taskId": id, "only": self.test}));
        let fixed = client.wait_run_end(&id, 3);
        assert_eq!((&fixed["status"], &fixed["progress"]["passed"]), (&json!("succeeded"), &json!(1)), "{fixed}");
        published(&client, at, file, <[Value]>::is_empty);
        self.gate.open();
        client.call("pillion/task/rerun", json!({"taskId": id}));
        let whole = client.wait_run_end(&id, 4);
        assert_eq!((&whole["status"], &whole["progress"]["passed"]), (&json!("succeeded"), &json!(2)), "{whole}");
        // Another sidecar reads the results off the output.
        let before = client.call("pillion/test/results", json!({"taskId": id}));
        client.shutdown();
        let next = self::client(self.sandbox);
        assert_eq!(next.call("pillion/test/results", json!({"taskId": id})), before);
        assert_eq!(before["tests"].as_array().map(Vec::len), Some(2), "{before}");
    }

    fn check_results(&self, client: &Client, id: &str) {
        let results = client.call("pillion/test/results", json!({"taskId": id}));
        assert_eq!((&results["taskId"], &results["run"]), (&json!(id), &json!(1)));
        assert_eq!((&results["counts"]["passed"], &results["counts"]["failed"]), (&json!(1), &json!(1)));
        let tests = results["tests"].as_array().expect("tests");
        let failed = tests.iter().find(|test| test["status"] == "failed").expect("a failed test");
        assert_eq!(failed["id"], self.test);
        for name in ["name", "file", "line", "durationMs", "message"] {
            assert!(failed.get(name).is_some(), "{name} in {failed}");
        }
    }
}

#[test]
fn node_test() {
    let sandbox = Sandbox::new();
    let gate = sandbox.gate("go");
    let suite = Suite {
        sandbox: &sandbox,
        place: project::node(&sandbox),
        command: "node --test".into(),
        env: json!({"GATE": gate.path()}),
        gate,
        test: "adds numbers",
        fix: project::fix_node,
    };
    let exact = suite.place.line;
    suite.check(exact..=exact);
}

#[test]
fn cargo_test() {
    let sandbox = Sandbox::new();
    let gate = sandbox.gate("go");
    let target = sandbox.base().join("target").display().to_string();
    let suite = Suite {
        sandbox: &sandbox,
        place: project::cargo(&sandbox),
        command: "cargo test".into(),
        env: json!({"GATE": gate.path(), "CARGO_TARGET_DIR": target}),
        gate,
        test: "tests::adds_numbers",
        fix: project::fix_cargo,
    };
    // Until all tests are over, libtest names the failed test alone.
    suite.check(suite.place.test_line..=suite.place.line);
}

#[test]
fn pytest() {
    let sandbox = Sandbox::new();
    let gate = sandbox.gate("go");
    let suite = Suite {
        sandbox: &sandbox,
        place: project::python(&sandbox),
        command: format!("'{}' -m pytest -v", project::pytest_python().display()),
        env: json!({"GATE": gate.path()}),
        gate,
        test: "test_sums.py::test_adds_numbers",
        fix: project::fix_python,
    };
    // Until all tests are over, pytest names the failed test alone.
    suite.check(suite.place.test_line..=suite.place.line);
}

/// The one error of `gcc -c sum.c`, with the task that found it.
fn gcc_error(sandbox: &Sandbox, client: &Client) -> (Place, String) {
    let place = project::c(sandbox);
    let id = client.start_command("gcc -c sum.c -o sum.o");
    let found = published(client, 0, &place.file, |found| !found.is_empty());
    assert_eq!(found.len(), 1, "{found:#?}");
    let start = &found[0]["range"]["start"];
    assert_eq!((line(&found[0]), &start["character"]), (place.line, &json!(15)), "{found:#?}");
    assert_eq!((&found[0]["severity"], &found[0]["data"]["test"]), (&json!(1), &Value::Null));
    assert!(found[0]["message"].as_str().is_some_and(|text| text.contains("undeclared")), "{found:#?}");
    (place, id)
}

#[test]
fn a_compiler_error_is_shown_and_goes_with_the_next_run() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let (place, id) = gcc_error(&sandbox, &client);
    assert_eq!(client.wait_task_end(&id)["status"], "failed");
    sandbox.write("sum.c", "int sum(int a, int b)\n{\n    return a + b;\n}\n");
    let at = client.mark();
    client.call("pillion/task/rerun", json!({"taskId": id}));
    published(&client, at, &place.file, <[Value]>::is_empty);
    assert_eq!(client.wait_run_end(&id, 2)["status"], "succeeded");
}

#[test]
fn diagnostics_move_with_edits_and_a_compilers_goes_with_its_line() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let (place, _) = gcc_error(&sandbox, &client);
    client.open(&place.file);
    let at = client.mark();
    client.edit(&place.file, (0, 0), (0, 0), "// A line above.\n");
    published(&client, at, &place.file, |found| found.len() == 1 && line(&found[0]) == place.line + 1);
    let at = client.mark();
    let changed = u32::try_from(place.line).expect("a small line");
    client.edit(&place.file, (changed, 15), (changed, 16), "b");
    published(&client, at, &place.file, <[Value]>::is_empty);
}

#[test]
fn a_plain_client_gets_them_too() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::plain().deadline(PATIENCE));
    gcc_error(&sandbox, &client);
}

#[test]
fn a_dismissed_task_takes_its_diagnostics_along() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let (place, id) = gcc_error(&sandbox, &client);
    assert_eq!(client.wait_task_end(&id)["status"], "failed");
    let at = client.mark();
    assert_eq!(client.call("pillion/task/dismiss", json!({"taskId": id})), json!({}));
    published(&client, at, &place.file, <[Value]>::is_empty);
}

#[test]
fn a_container_is_where_the_person_says() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("web/deep/a.c", "one\ntwo\n");
    // Another of that name: without the setting nobody could tell which it is.
    sandbox.write("api/deep/a.c", "one\ntwo\n");
    let settings = json!({"diagnostics": {"pathMap": ["/app=web"]}});
    let client = Client::start(&sandbox, Options::pillion().settings(settings).deadline(PATIENCE));
    client.start_command("echo /app/deep/a.c:2:1: error: broken; exit 3");
    let found = published(&client, 0, &file, |found| !found.is_empty());
    assert_eq!((line(&found[0]), &found[0]["message"]), (2, &json!("broken")));
}

#[test]
fn a_person_may_want_failed_tests_alone() {
    let sandbox = Sandbox::new();
    let settings = json!({"diagnostics": {"show": "tests"}});
    let client = Client::start(&sandbox, Options::pillion().settings(settings).deadline(PATIENCE));
    let place = project::c(&sandbox);
    let id = client.start_command("gcc -c sum.c -o sum.o");
    let ended = client.wait_task_end(&id);
    assert_eq!(ended["diagnostics"]["errors"], 1, "it was found: {ended}");
    let shows = |params: &Value| params["diagnostics"].as_array().is_some_and(|found| !found.is_empty());
    let shown =
        client.log().iter().filter(|message| message.method() == Some("textDocument/publishDiagnostics")).count();
    assert_eq!(shown, 0, "and not shown");
    let at = client.mark();
    client
        .notify("workspace/didChangeConfiguration", json!({"settings": {"pillion": {"diagnostics": {"show": "all"}}}}));
    let (_, params) = client.wait_notification("textDocument/publishDiagnostics", at, shows);
    assert_eq!(params["uri"], uri(&place.file), "shown when that is wanted");
}

#[test]
fn a_task_has_formats_of_its_own() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let file = sandbox.write("rules/a.rule", "one\ntwo\nthree\n");
    let pattern = json!({"regexp": "^PROBLEM (\\S+) at (\\d+): (.*)$", "file": 1, "line": 2, "message": 3});
    let own = json!({"owner": "rules", "fileLocation": ["relative", "${workspaceFolder}"], "severity": "warning", "pattern": pattern});
    let command = "echo PROBLEM rules/a.rule at 3: too strict";
    client.start_task(json!({"command": command, "matchers": [own]}));
    let found = published(&client, 0, &file, |found| !found.is_empty());
    assert_eq!((line(&found[0]), &found[0]["message"]), (3, &json!("too strict")));
    assert_eq!(found[0]["severity"], 2);
    let error =
        client.refused("pillion/task/start", json!({"command": command, "matchers": {"pattern": {"regexp": "("}}}));
    assert!(error.message.contains("matchers") && error.message.contains("regexp"), "{}", error.message);
    // The same from the file that the person wrote for the editor.
    let tasks = json!({"tasks": [{"label": "rules", "type": "shell", "command": command, "problemMatcher": own}]});
    sandbox.write(".vscode/tasks.json", &tasks.to_string());
    let first = client.mark();
    client.start_task(json!({"label": "rules"}));
    let (_, params) = client.wait_notification("textDocument/publishDiagnostics", first, |params| {
        params["diagnostics"].as_array().is_some_and(|found| found.iter().any(|one| one["data"]["run"] == 1))
    });
    assert_eq!(params["uri"], uri(&file));
}
