//! Tasks that stay until they are stopped: servers, watchers and followed streams, as the person and the model see them.

use std::net::TcpListener;

use pillion_tests::{Answer, Client, Model, Options, Sandbox};
use serde_json::{Value, json};

fn client(sandbox: &Sandbox, model: &Model) -> Client {
    Client::start(sandbox, Options::pillion().model(model))
}

fn id(task: &Value) -> String {
    task["id"].as_str().expect("an id").to_owned()
}

/// A package whose scripts are these.
fn package(sandbox: &Sandbox, scripts: Value) {
    sandbox.write("package.json", &json!({"name": "demo", "version": "1.0.0", "scripts": scripts}).to_string());
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("an address").port()
}

#[test]
fn lines_that_match_reach_the_model_in_batches_and_once() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let (first, last) = (sandbox.gate("first"), sandbox.gate("last"));
    // The last lines come in one write, and so in one batch.
    sandbox.write(
        "stream.sh",
        &format!(
            "echo quiet; {}; printf '\\033[31mERROR one\\033[0m\\nfine\\n'; {}; \
             seq -f 'ERROR %g' 2 40; exit 3\n",
            first.wait(),
            last.wait()
        ),
    );
    let start = json!({"command": "sh stream.sh", "pattern": "^ERROR"});
    model.answer("the prompt", Answer::call("toolu_1", "background_run", start));
    model.then("the started task", |request| {
        let result = request.tool_result("toolu_1");
        assert!(result.contains("of the lines that match"), "{result}");
        Answer::say("Started.")
    });
    model.then("the first batch", |request| {
        let block = request.notification_in_place();
        assert!(block.contains("<status>running</status>"), "{block}");
        assert!(block.contains("<lines>\nERROR one\n</lines>"), "{block}");
        assert!(!block.contains("fine"), "{block}");
        Answer::say("One error.")
    });
    model.then("the rest and the end", |request| {
        let block = request.notification_in_place();
        assert!(block.contains("<lines>\nERROR 2\nERROR 3\n"), "{block}");
        assert!(block.contains("ERROR 21\n… and 19 more lines matched\n</lines>"), "{block}");
        assert_eq!(block.matches("<status>failed</status>").count(), 1, "{block}");
        Answer::say("It is over.")
    });
    let client = Client::start(
        &sandbox,
        Options::pillion().model(&model).settings(json!({"background": {"wakeDebounceMs": 2000}})),
    );
    let session = client.new_session("auto");
    client.ask(&session, "Watch the stream.");
    let task = client.wait_task("it runs", |task| task["status"] == "running");
    assert_eq!((&task["kind"], &task["pattern"]), (&json!("monitor"), &json!("^ERROR")));
    let at = client.mark();
    first.open();
    let turn = client.wait_wake(at, &session);
    client.wait_turn_ended(&session, &turn);
    let at = client.mark();
    last.open();
    let turn = client.wait_wake(at, &session);
    client.wait_turn_ended(&session, &turn);
    let told = model.wait_request(4).all_text();
    for line in ["ERROR one", "ERROR 2"] {
        assert_eq!(told.matches(&format!("<lines>\n{line}\n")).count(), 1, "{told}");
    }
}

#[test]
fn a_dev_server_in_the_foreground_answers_with_its_address() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let gate = sandbox.gate("stays");
    package(
        &sandbox,
        json!({"dev": format!("printf '\\n  \\033[32m➜\\033[39m  \\033[1mLocal\\033[22m:   http://localhost:5173/\\n'; {}", gate.wait())}),
    );
    model.answer("the prompt", Answer::call("toolu_1", "bash", json!({"command": "npm run dev"})));
    model.then("the server's address", |request| {
        let result = request.tool_result("toolu_1");
        assert!(result.contains("http://localhost:5173/"), "{result}");
        Answer::say("It is up.")
    });
    // It would be promoted after an hour: only its own word ends the call.
    let settings = json!({"background": {"promoteSlowAfterMs": 3_600_000, "checkInMs": 50}});
    let client = Client::start(&sandbox, Options::pillion().model(&model).settings(settings));
    let session = client.new_session("auto");
    client.ask(&session, "Start the dev server.");
    let task = client.wait_task("it is ready", |task| !task["ready"].is_null());
    assert_eq!(task["kind"], "monitor");
    assert_eq!(task["ready"], json!({"line": "➜  Local:   http://localhost:5173/", "url": "http://localhost:5173/"}));
    assert_eq!(task["progress"]["message"], "ready at http://localhost:5173/");
    assert_eq!((&task["timeoutMs"], &task["delivery"]), (&Value::Null, &json!("none")));
    assert!(model.wait_request(2).tool_result("toolu_1").contains(&id(&task)));
}

#[test]
fn a_server_in_the_background_tells_when_it_is_ready() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let port = free_port();
    let command = format!("python3 -u -m http.server --bind 127.0.0.1 {port}");
    model.answer("the prompt", Answer::call("toolu_1", "background_run", json!({"command": command})));
    model.answer("the started task", Answer::say("Started."));
    model.then("it is ready", move |request| {
        let block = request.notification_in_place();
        assert!(block.contains(&format!("<summary>ready at http://127.0.0.1:{port}/</summary>")), "{block}");
        Answer::say("It is ready.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let at = client.mark();
    client.ask(&session, "Serve the folder.");
    let turn = client.wait_wake(at, &session);
    client.wait_turn_ended(&session, &turn);
    let told = model.wait_request(3);
    let task = client.wait_task("it is ready", |task| !task["ready"].is_null());
    assert_eq!(told.notified(&id(&task), 1), 1);
}

#[test]
fn an_address_in_use_names_the_process_that_has_it() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let port = free_port();
    let serve = format!("python3 -u -m http.server --bind 127.0.0.1 {port}");
    let server = id(&client.start_task(json!({"command": serve})));
    client.wait_task("the server is ready", |task| task["id"] == server.as_str() && !task["ready"].is_null());
    let second = client.start_command(&format!("{serve} --directory /"));
    let failed = client.wait_task_end(&second);
    assert_eq!(failed["status"], "failed");
    let summary = failed["summary"].as_str().unwrap_or_default();
    assert!(summary.contains(&format!("port {port} is taken by task {server}")), "{summary}");
}

#[test]
fn an_address_that_somebody_else_has_is_named_to_the_model_too() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    // This very process listens: nothing that Pillion started.
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let start = json!({"command": format!("python3 -m http.server --bind 127.0.0.1 {port}")});
    model.answer("the prompt", Answer::call("toolu_1", "background_run", start));
    model.answer("the started task", Answer::say("Started."));
    model.then("it failed", move |request| {
        let block = request.notification_in_place();
        let pid = std::process::id();
        assert!(block.contains(&format!("<note>Port {port} is taken by `")), "{block}");
        assert!(block.contains(&format!("(pid {pid}, in ")), "{block}");
        assert!(block.contains("which no task of Pillion started"), "{block}");
        Answer::say("The port is taken.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let at = client.mark();
    client.ask(&session, "Serve.");
    let turn = client.wait_wake(at, &session);
    client.wait_turn_ended(&session, &turn);
    drop(listener);
}

#[test]
fn a_bad_pattern_is_refused_with_what_to_do() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    for field in ["pattern", "ready"] {
        let error = client.refused("pillion/task/start", json!({"command": "true", field: "("}));
        assert_eq!((error.code, &error.data["field"]), (-32602, &json!(field)));
        assert!(error.message.contains("unclosed group"), "{}", error.message);
        assert!(error.data["remedy"].as_str().is_some_and(|remedy| remedy.contains("regex")), "{}", error.data);
    }
}
