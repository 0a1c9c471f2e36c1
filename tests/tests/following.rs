//! Output as it comes, and tasks that ran elsewhere.

use pillion_tests::options::uri;
use pillion_tests::task::id_of;
use pillion_tests::{Answer, Client, Model, Options, Sandbox};
use serde_json::{Value, json};

fn client(sandbox: &Sandbox) -> Client {
    Client::start(sandbox, Options::pillion())
}

/// The pieces of a run so far, each of which begins where the one before ended.
fn pieces(client: &Client, id: &str, run: u64) -> Vec<Value> {
    let log = client.log();
    let sent = log.iter().filter(|message| message.method() == Some("pillion/task/output"));
    let params = sent.map(|message| message.body["params"].clone()).filter(|params| params["offset"].is_u64());
    let found: Vec<Value> =
        params.filter(|params| params["taskId"] == id && params["run"] == run && params["eof"].is_boolean()).collect();
    for pair in found.windows(2) {
        let skipped = pair[1]["skipped"].as_u64().expect("a count");
        assert_eq!(pair[0]["nextOffset"].as_u64().expect("an offset") + skipped, pair[1]["offset"], "{pair:#?}");
    }
    found
}

fn text(pieces: &[Value]) -> String {
    pieces.iter().filter_map(|piece| piece["text"].as_str()).collect()
}

/// Waits for a piece of that run that `wanted` accepts.
fn piece(client: &Client, id: &str, run: u64, wanted: impl Fn(&Value) -> bool) -> Value {
    let is_wanted = |params: &Value| params["taskId"] == id && params["run"] == run && wanted(params);
    client.wait_notification("pillion/task/output", 0, is_wanted).1
}

#[test]
fn output_is_sent_as_it_comes_and_into_the_next_run() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let gate = sandbox.gate("go");
    let command = format!("echo one; {}; printf '\\033[31mtwo\\033[0m\\nend'", gate.wait());
    let id = client.start_command(&command);
    assert_eq!(client.call("pillion/task/follow", json!({"taskId": id, "on": true})), json!({}));
    piece(&client, &id, 1, |piece| piece["text"] == "one\n" && piece["offset"] == 0 && piece["nextOffset"] == 4);
    assert_eq!(client.task(&id)["status"], "running");
    gate.open();
    piece(&client, &id, 1, |piece| piece["eof"] == true);
    let first = pieces(&client, &id, 1);
    assert_eq!(text(&first), "one\ntwo\nend");
    assert_eq!(first.iter().filter(|piece| piece["eof"] == true).count(), 1, "one last piece: {first:#?}");
    client.wait_task_end(&id);

    client.call("pillion/task/rerun", json!({"taskId": id}));
    gate.open();
    piece(&client, &id, 2, |piece| piece["eof"] == true);
    let second = pieces(&client, &id, 2);
    assert_eq!((text(&second), &second[0]["offset"]), ("one\ntwo\nend".to_owned(), &json!(0)));
    client.wait_run_end(&id, 2);

    client.call("pillion/task/follow", json!({"taskId": id, "on": false}));
    gate.open();
    client.call("pillion/task/rerun", json!({"taskId": id}));
    client.wait_run_end(&id, 3);
    client.call("pillion/task/output", json!({"taskId": id}));
    assert!(pieces(&client, &id, 3).is_empty(), "nothing after `on: false`");
    assert_eq!(client.refused("pillion/task/follow", json!({"taskId": "t0", "on": true})).code, -32011);
    assert_eq!(client.refused("pillion/task/follow", json!({"taskId": id})).data["field"], "on");
}

#[test]
fn a_line_that_waits_for_its_end_is_shown() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let gate = sandbox.gate("go");
    let id =
        client.start_command(&format!("printf 'package name: '; {}; printf 'demo\\n10%%\\r100%%\\n'", gate.wait()));
    client.call("pillion/task/follow", json!({"taskId": id, "on": true}));
    piece(&client, &id, 1, |piece| piece["text"] == "package name: ");
    gate.open();
    piece(&client, &id, 1, |piece| piece["eof"] == true);
    assert_eq!(text(&pieces(&client, &id, 1)), "package name: demo\n100%\n");
}

#[test]
fn who_is_far_behind_gets_the_newest_and_hears_of_the_rest() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let id = client.start_command("yes 'a line of the output' | head -c 3000000; echo; echo end");
    let bytes = client.wait_task_end(&id)["output"]["bytes"].as_u64().expect("bytes");
    client.call("pillion/task/follow", json!({"taskId": id, "on": true, "offset": 23}));
    piece(&client, &id, 1, |piece| piece["eof"] == true);
    let pieces = pieces(&client, &id, 1);
    let skipped: u64 = pieces.iter().filter_map(|piece| piece["skipped"].as_u64()).sum();
    assert!(skipped > 2_500_000, "{skipped} bytes were left out");
    assert_eq!(pieces[0]["offset"], 23 + pieces[0]["skipped"].as_u64().expect("a count"));
    let text = text(&pieces);
    assert_eq!(23 + skipped + text.len() as u64, bytes);
    assert!(text.starts_with("a line") && text.ends_with("\nend\n"));
    assert!(pieces.iter().all(|piece| piece["text"].as_str().is_some_and(|text| text.len() <= 64 << 10)));
}

fn report(sandbox: &Sandbox, output: &str) -> Value {
    json!({
        "command": "make all",
        "cwd": sandbox.workspace().display().to_string(),
        "exitCode": 2,
        "output": output,
        "startedAt": "2026-01-01T10:00:00.000+01:00",
        "endedAt": "2026-01-01T09:00:12.500Z",
    })
}

#[test]
fn a_task_that_ran_elsewhere_enters_the_ledger() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let file = sandbox.write("a.c", "int x\n");
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let output = "gcc a.c\na.c:1:5: \x1b[31merror:\x1b[0m no semicolon\nmake: *** [all] Error 2\n";
    let task = client.call("pillion/task/report", report(&sandbox, output))["task"].clone();
    let broken = pillion_tests::task::check(&task);
    assert!(broken.is_empty(), "{broken:#?}");
    let id = id_of(&task);
    assert_eq!((&task["status"], &task["exitCode"], &task["origin"]), (&json!("failed"), &json!(2), &json!("user")));
    assert_eq!((&task["elapsedMs"], &task["startedAt"]), (&json!(12_500), &json!("2026-01-01T09:00:00.000Z")));
    assert_eq!((&task["group"], &task["diagnostics"]["errors"]), (&json!("build"), &json!(1)));
    assert_eq!((&task["output"]["bytes"], &task["output"]["lines"]), (&json!(output.len()), &json!(3)));
    let (_, published) =
        client.wait_notification("textDocument/publishDiagnostics", 0, |params| params["uri"] == uri(&file));
    assert_eq!(published["diagnostics"][0]["message"], "no semicolon");
    assert_eq!(client.output(&id), "gcc a.c\na.c:1:5: error: no semicolon\nmake: *** [all] Error 2\n");
    let seen = client.log().iter().filter_map(pillion_tests::task::status_of).filter(|task| task["id"] == id).count();
    assert_eq!(seen, 1, "it appears once, and is over");
    let told = id.clone();
    model.then("the prompt", move |request| {
        assert_eq!(request.notified(&told, 1), 1);
        Answer::say("I see.")
    });
    let session = client.new_session("auto");
    client.ask(&session, "What now?");
    let _ = model.wait_request(1);
}

#[test]
fn a_report_that_makes_no_sense_is_refused_by_its_field() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    for (field, value) in [
        ("command", json!(" ")),
        ("cwd", json!("none")),
        ("startedAt", json!("yesterday")),
        ("endedAt", json!("2025-01-01T00:00:00Z")),
        ("group", json!("game")),
        ("output", json!("x".repeat((16 << 20) + 1))),
    ] {
        let mut params = report(&sandbox, "");
        params[field] = value;
        let error = client.refused("pillion/task/report", params);
        assert_eq!((error.code, &error.data["field"]), (-32602, &json!(field)), "{}", error.message);
    }
}

#[test]
fn a_withheld_variable_that_a_failure_speaks_of_is_said() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let options = || {
        Options::pillion()
            .model(&model)
            .env("ANTHROPIC_API_KEY", "")
            .env("PILLION_ANTHROPIC_API_KEY", pillion_tests::model::KEY)
    };
    let client = Client::start(&sandbox, options());
    let command = "echo \"set: [$ANTHROPIC_API_KEY$PILLION_ANTHROPIC_API_KEY]\"; echo no ANTHROPIC_API_KEY >&2; exit 1";
    let id = client.start_command(command);
    let task = client.wait_task_end(&id);
    assert_eq!(task["environment"]["withheld"], json!(["ANTHROPIC_API_KEY", "PILLION_ANTHROPIC_API_KEY"]));
    assert!(client.output(&id).starts_with("set: []\n"));
    model.then("the prompt", |request| {
        let text = request.notification_blocks().join("");
        assert!(text.contains("ANTHROPIC_API_KEY was withheld from this command"), "{text}");
        assert!(text.contains("background.passEnv"), "{text}");
        Answer::say("I see.")
    });
    let session = client.new_session("auto");
    client.ask(&session, "What now?");
    let _ = model.wait_request(1);
    client.shutdown();

    sandbox.write_config("[background]\npassEnv = [\"ANTHROPIC_API_KEY\"]\n");
    let client = Client::start(&sandbox, options());
    let id = client.start_command("echo $ANTHROPIC_API_KEY");
    let task = client.wait_task_end(&id);
    assert_eq!(client.output(&id), format!("{}\n", pillion_tests::model::KEY));
    let environment = &task["environment"];
    assert_eq!(environment["set"]["ANTHROPIC_API_KEY"], "…", "its value is not shown");
    assert_eq!(environment["withheld"], json!(["PILLION_ANTHROPIC_API_KEY"]));
}
