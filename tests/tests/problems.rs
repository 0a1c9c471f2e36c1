//! What the server does with problems: a watcher's cycles, one diagnostic for one cause, what can be done at them, and where
//! they stand in unsaved text.

use std::path::Path;

use pillion_tests::options::uri;
use pillion_tests::sandbox::write_file;
use pillion_tests::task::id_of;
use pillion_tests::{Client, Options, Sandbox};
use serde_json::{Value, json};

const PUBLISHED: &str = "textDocument/publishDiagnostics";

fn published(client: &Client, from: usize, file: &Path, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let (_, params) = client.wait_notification(PUBLISHED, from, |params| {
        params["uri"] == uri(file) && wanted(params["diagnostics"].as_array().map_or(&[], Vec::as_slice))
    });
    params["diagnostics"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_watchers_cycle_replaces_the_one_before() {
    let sandbox = Sandbox::new();
    let (mended, stays) = (sandbox.write("a.ts", "a\n"), sandbox.write("b.ts", "b\n"));
    let (change, ready) = (sandbox.gate("change"), sandbox.gate("ready"));
    let error = |file: &str| format!("{file}(1,1): error TS2322: Type 'string' is not assignable to type 'number'.");
    sandbox.write(
        "watch.sh",
        &format!(
            "echo '11:00:00 PM - Starting compilation in watch mode...'\n\
             echo\necho \"{a}\"\necho \"{b}\"\necho\n\
             echo '11:00:02 PM - Found 2 errors. Watching for file changes.'\n\
             {change}\n\
             echo '11:00:09 PM - File change detected. Starting incremental compilation...'\n\
             echo\necho \"{b}\"\necho\n\
             {ready}\n\
             echo '11:00:10 PM - Found 1 error. Watching for file changes.'\n\
             sleep 600\n",
            a = error("a.ts"),
            b = error("b.ts"),
            change = change.wait(),
            ready = ready.wait(),
        ),
    );
    let client = Client::start(&sandbox, Options::pillion());
    let task = id_of(&client.start_task(json!({"command": "sh watch.sh # tsc --watch"})));
    for file in [&mended, &stays] {
        let found = published(&client, 0, file, |found| found.len() == 1);
        assert_eq!(found[0]["code"], "TS2322");
    }
    let at = client.mark();
    change.open();
    ready.open();
    published(&client, at, &mended, <[Value]>::is_empty);
    let gone = client.log().iter().any(|message| {
        let params = &message.body["params"];
        message.body["method"] == PUBLISHED && params["uri"] == uri(&stays) && params["diagnostics"] == json!([])
    });
    assert!(!gone, "what is found again was there all the time");
    assert_eq!(client.task(&task)["diagnostics"]["errors"], 1);
    client.call("pillion/task/stop", json!({"taskId": task}));
    client.wait_run_end(&task, 1);
}

/// What jest prints of tests that fail in the same function of `db.js`.
fn refused(tests: usize) -> String {
    let failure = |number: usize| {
        format!(
            "  ● reads {number}\n\n    connect ECONNREFUSED 127.0.0.1:5432\n\n      at connect (db.js:3:9)\n      \
             at Object.<anonymous> (db.test.js:{line}:30)\n\n",
            line = number + 1
        )
    };
    let all: String = (0..tests).map(failure).collect();
    format!("FAIL ./db.test.js\n{all}Tests:       {tests} failed, {tests} total\nRan all test suites.\n")
}

#[test]
fn one_cause_is_one_diagnostic_and_its_service_can_be_started() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("db.js", "exports.connect = () => {\n  // …\n  throw refused;\n};\n");
    let tests = sandbox.write("db.test.js", &"test(\"reads\", async () => connect());\n".repeat(4));
    sandbox.write("compose.yaml", "services:\n  db:\n    image: postgres\n    ports:\n      - \"5432:5432\"\n");
    let up = sandbox.path("up");
    sandbox.write("refused.txt", &refused(4));
    sandbox.write("passed.txt", "PASS ./db.test.js\nTests:       4 passed, 4 total\nRan all test suites.\n");
    sandbox.write("jest.sh", "if [ -e up ]; then cat passed.txt; else cat refused.txt; exit 1; fi\n");
    let bin = sandbox.path("bin");
    write_file(&bin.join("docker"), &format!("#!/bin/sh\necho \"$@\" > {}\n", up.display()));
    make_runnable(&bin.join("docker"));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let client = Client::start(&sandbox, Options::pillion().env("PATH", &path));
    let task = id_of(&client.start_task(json!({"command": "sh jest.sh # jest"})));
    client.wait_run_end(&task, 1);
    let found = published(&client, 0, &file, |found| found.len() == 1 && found[0]["data"]["service"] == "db");
    let message = found[0]["message"].as_str().unwrap_or_default();
    assert_eq!(message.lines().next(), Some("4 tests failed for one reason: connection refused 127.0.0.1:5432"));
    assert!(message.contains("reads 3: connect ECONNREFUSED"), "the hover has all of them: {message}");
    assert_eq!(found[0]["range"]["start"]["line"], 2, "at the deepest frame that they share");
    assert_eq!(found[0]["data"]["tests"], json!([0, 1, 2, 3].map(|number| format!("db.test.js > reads {number}"))));
    assert_eq!(found[0]["relatedInformation"].as_array().map(Vec::len), Some(4));
    let asked = |file: &Path, line: u32| {
        let position = json!({"line": line, "character": 0});
        let range = json!({"start": position, "end": position});
        let params = json!({"textDocument": {"uri": uri(file)}, "range": range, "context": {"diagnostics": []}});
        client.call("textDocument/codeAction", params)
    };
    assert_eq!(asked(&tests, 0), json!([]), "nothing stands at its members");
    let actions = asked(&file, 2);
    let titles: Vec<&str> = actions.as_array().into_iter().flatten().filter_map(|it| it["title"].as_str()).collect();
    assert_eq!(
        titles,
        [
            "Fix with Pillion",
            "Start db and rerun",
            "Rerun these 4 tests",
            "Rerun failed tests",
            "Show output at this line",
            "Dismiss the problems of this task",
        ]
    );
    let at = client.mark();
    client.call("workspace/executeCommand", actions[1]["command"].clone());
    let ended = client.wait_run_end(&task, 2);
    assert_eq!((&ended["status"], &ended["progress"]["passed"]), (&json!("succeeded"), &json!(4)), "{ended}");
    assert_eq!(sandbox.read("up").trim(), "compose up -d db");
    published(&client, at, &file, <[Value]>::is_empty);
    // The results of the run before are read off its output.
    let earlier = client.call("pillion/test/results", json!({"taskId": task, "run": 1}));
    assert_eq!((&earlier["run"], &earlier["counts"]["failed"]), (&json!(1), &json!(4)), "{earlier}");
    let refused = client.refused("pillion/test/results", json!({"taskId": task, "run": 9}));
    assert!(refused.message.contains("there is no run 9"), "{refused:?}");
}

#[test]
fn a_client_with_actions_of_its_own_gets_none() {
    for (options, offered) in [(Options::pillion(), true), (Options::pillion().code_actions(), false)] {
        let sandbox = Sandbox::new();
        let client = Client::start(&sandbox, options);
        let log = client.log();
        let said = log.iter().map(|message| &message.body["result"]["capabilities"]).find(|said| said.is_object());
        let said = said.expect("what the server can do");
        assert_eq!((said["codeActionProvider"].is_null(), said["codeLensProvider"].is_null()), (!offered, !offered));
    }
}

#[test]
fn a_problem_stands_where_its_line_is_in_unsaved_text() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("a.c", "int one;\nint two\nint three;\n");
    sandbox.write("gcc.sh", "echo \"a.c:2:8: error: expected ';' before 'int'\"; exit 1\n");
    let client = Client::start(&sandbox, Options::pillion());
    client.open(&file);
    client.edit(&file, (0, 0), (0, 0), "// new\n// new\n");
    let task = id_of(&client.start_task(json!({"command": "sh gcc.sh # gcc"})));
    client.wait_run_end(&task, 1);
    let found = published(&client, 0, &file, |found| found.len() == 1);
    assert_eq!(found[0]["range"]["start"], json!({"line": 3, "character": 7}));
}

#[test]
fn a_problem_goes_back_with_text_that_is_given_up() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("a.c", "int one;\nint two\nint three;\n");
    sandbox.write("gcc.sh", "echo \"a.c:2:8: error: expected ';' before 'int'\"; exit 1\n");
    let client = Client::start(&sandbox, Options::pillion());
    let task = id_of(&client.start_task(json!({"command": "sh gcc.sh # gcc"})));
    client.wait_run_end(&task, 1);
    let at_line = |line: u64| {
        move |found: &[Value]| found.len() == 1 && found[0]["range"]["start"]["line"].as_u64() == Some(line)
    };
    published(&client, 0, &file, at_line(1));
    let mut at = client.mark();
    let document = json!({"uri": uri(&file), "languageId": "c", "version": 1, "text": "// new\nint one;\nint two\n"});
    client.notify("textDocument/didOpen", json!({"textDocument": document}));
    published(&client, at, &file, at_line(2));
    at = client.mark();
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": uri(&file)}}));
    published(&client, at, &file, at_line(1));
}

#[test]
fn lenses_stand_at_the_tests_of_a_file() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("a_test.go", "package a\n\nfunc TestA(t *testing.T) {\n}\n");
    let client = Client::start(&sandbox, Options::pillion());
    let lenses = client.call("textDocument/codeLens", json!({"textDocument": {"uri": uri(&file)}}));
    assert_eq!(lenses.as_array().map(Vec::len), Some(1), "{lenses}");
    assert_eq!(
        (&lenses[0]["range"]["start"]["line"], &lenses[0]["command"]["title"]),
        (&json!(2), &json!("Run tests"))
    );
}

fn make_runnable(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).expect("the file is there");
}
