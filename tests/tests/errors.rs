//! When the model service or the settings are broken: what is said, and that the rest goes on.

use std::time::Duration;

use pillion_tests::connection::Message;
use pillion_tests::{Answer, Client, Model, Options, Sandbox};
use serde_json::{Value, json};

/// Tasks go on whatever is broken.
fn goes_on(client: &Client) {
    let task = client.start_command("echo on");
    assert_eq!(client.wait_task_end(&task)["status"], "succeeded");
}

#[track_caller]
fn ends_with_error(client: &Client, session: &str, parts: &[&str]) {
    let ended = client.ask(session, "Hello?");
    assert_eq!(ended["stopReason"], "error", "{ended}");
    let error = ended["error"].to_string();
    for part in parts {
        assert!(error.contains(part), "{part:?} in the error: {error}");
    }
    assert!(!error.contains(pillion_tests::model::KEY), "a key is never shown: {error}");
}

#[test]
fn a_refused_key_is_named_by_its_source() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::status(401, "authentication_error", "invalid x-api-key"));
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    ends_with_error(&client, &session, &[model.api().key_variable()]);
    goes_on(&client);
    model.then("the next prompt", |request| {
        let text = request.all_text();
        assert!(text.contains("Hello?") && text.contains("And now?"), "what was asked is still there: {text}");
        Answer::say("Better.")
    });
    assert_eq!(client.ask(&session, "And now?")["stopReason"], "end_turn");
}

#[test]
fn a_busy_service_is_asked_again_with_the_same_bytes() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::status(529, "overloaded_error", "Overloaded"));
    model.answer("a retry", Answer::status(500, "api_error", "Internal server error"));
    model.answer("another", Answer::status(429, "rate_limit_error", "Slow down").header("retry-after", "1"));
    model.answer("the last", Answer::say("Here I am."));
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Are you there?");
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "end_turn");
    assert_eq!(client.said(&session, &prompt.turn_id), "Here I am.");
    let requests = model.requests();
    assert!(requests.windows(2).all(|pair| pair[0].body == pair[1].body), "retries send the same request");
}

#[test]
fn a_cut_stream_is_discarded_and_tried_again() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::say("Half an ans").cut());
    model.answer("the retry", Answer::say("A whole answer."));
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Well?");
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "end_turn");
    client.wait_update(0, &session, "message_discarded", |params| params["update"]["messageId"].is_string());
    assert_eq!(client.said(&session, &prompt.turn_id), "A whole answer.");
}

#[test]
fn a_refused_request_tells_the_reason() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::status(400, "invalid_request_error", "your credit balance is too low"));
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    ends_with_error(&client, &session, &["credit balance is too low"]);
}

#[test]
fn an_unreachable_service_is_named_by_its_url() {
    let sandbox = Sandbox::new();
    // The port was free a moment ago and nobody listens there.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let options = Options::pillion()
        .env("PILLION_PROVIDER", "anthropic")
        .env("ANTHROPIC_API_KEY", pillion_tests::model::KEY)
        .env("ANTHROPIC_BASE_URL", &format!("http://127.0.0.1:{port}"))
        // Retries come first.
        .deadline(Duration::from_secs(120));
    let client = Client::start(&sandbox, options);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Hello?");
    goes_on(&client);
    let ended = client.wait_turn_ended(&session, &prompt.turn_id);
    assert_eq!(ended["stopReason"], "error");
    assert!(ended["error"].to_string().contains(&format!("127.0.0.1:{port}")), "{ended}");
}

/// Waits for something that people see (a message, a turn's error) and that contains all `parts`; returns it.
fn is_said(client: &Client, parts: &[&str]) -> String {
    let seen = |message: &Message| {
        let params = &message.body["params"];
        let text = match message.method()? {
            "window/showMessage" => params["message"].as_str()?.to_owned(),
            "pillion/session/update" => params["update"]["error"].to_string(),
            _ => return None,
        };
        parts.iter().all(|part| text.contains(part)).then_some(text)
    };
    client.wait_for(&format!("a message with {parts:?}"), 0, seen).1
}

#[test]
fn an_unknown_provider_is_named_with_its_source() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion().env("PILLION_PROVIDER", "frobnicate"));
    let session = client.new_session("auto");
    client.ask(&session, "Hello?");
    is_said(&client, &["frobnicate", "PILLION_PROVIDER"]);
    goes_on(&client);
}

#[test]
fn a_missing_key_is_named_with_the_remedy() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion().env("PILLION_PROVIDER", "anthropic"));
    let session = client.new_session("auto");
    ends_with_error(&client, &session, &["ANTHROPIC_API_KEY"]);
    goes_on(&client);
}

#[test]
fn a_broken_config_file_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    sandbox.write_config("[permissions]\nmode = \"auto\"\n[background\nstopGraceMs = 5\n");
    let client = Client::start(&sandbox, Options::pillion());
    let file = sandbox.config_file().display().to_string();
    let text = is_said(&client, &[&file]);
    assert!(text.contains(&format!("{file}:3")) || text.contains("line 3"), "it names the line: {text}");
    goes_on(&client);
}

#[test]
fn a_setting_of_the_wrong_type_is_named_and_the_rest_holds() {
    let sandbox = Sandbox::new();
    sandbox.write_config("[background]\nwakeDebounceMs = \"soon\"\n\n[permissions]\nmode = \"plan\"\n");
    let client = Client::start(&sandbox, Options::pillion());
    is_said(&client, &["wakeDebounceMs"]);
    assert_eq!(client.call("pillion/session/new", json!({}))["mode"], "plan", "the rest of the file holds");
}

#[test]
fn a_plain_client_is_told_too() {
    let sandbox = Sandbox::new();
    sandbox.write_config("nonsense\n");
    let client = Client::start(&sandbox, Options::plain());
    is_said(&client, &[&sandbox.config_file().display().to_string()]);
    let listed: Value = client.call("pillion/task/list", json!({}));
    assert_eq!(listed["tasks"], json!([]));
}

#[test]
fn commands_run_where_the_state_folder_cannot_be_written() {
    let sandbox = Sandbox::new();
    let blocked = sandbox.write("a-file", "");
    let client = Client::start(&sandbox, Options::pillion().env("XDG_STATE_HOME", &blocked.display().to_string()));
    client.wait_notification("window/showMessage", 0, |said| {
        said["message"]
            .as_str()
            .is_some_and(|text| text.contains("Nothing is remembered") && text.contains("permissions"))
    });
    let id = client.start_command("echo all the same; exit 3");
    assert_eq!(client.wait_task_end(&id)["exitCode"], 3);
    assert_eq!(client.output(&id), "all the same\n");
}
