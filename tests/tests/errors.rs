//! When the model service or the settings are broken: what is said, and that the rest goes on.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use pillion_tests::connection::Message;
use pillion_tests::{Answer, Api, Client, Hold, Model, Options, Sandbox};
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
    let client = asking(&sandbox, &format!("http://127.0.0.1:{port}"), &[]);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Hello?");
    goes_on(&client);
    let ended = client.wait_turn_ended(&session, &prompt.turn_id);
    assert_eq!(ended["stopReason"], "error");
    assert!(ended["error"].to_string().contains(&format!("127.0.0.1:{port}")), "{ended}");
}

#[test]
fn every_refusal_says_what_to_do_and_the_conversation_goes_on() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    let key = model.api().key_variable();
    let cases: &[(u16, &str, &str, &[&str])] = &[
        (401, "authentication_error", "invalid x-api-key", &[key, "https://"]),
        (403, "permission_error", "not for you", &[key, "not for you", "model.name"]),
        (404, "not_found_error", "model: claude-test", &["claude-test", "model.name"]),
        (402, "billing_error", "pay first", &[key, "pay first", "https://"]),
        (400, "invalid_request_error", "messages.0: no", &["messages.0: no"]),
        (413, "request_too_large", "32 MB", &["32 MB", "new session"]),
        (302, "", "", &[model.api().url_variable().0]),
        (407, "", "", &["HTTPS_PROXY"]),
    ];
    for (status, kind, message, parts) in cases {
        model.answer(kind, Answer::status(*status, kind, message));
        ends_with_error(&client, &session, parts);
    }
    model.then("the next prompt", |request| {
        assert_eq!(request.all_text().matches("Hello?").count(), 8, "no prompt is lost: {}", request.all_text());
        assert_eq!(request.messages().len(), 1, "nobody has answered: {:#?}", request.messages());
        Answer::say("Here.")
    });
    assert_eq!(client.ask(&session, "And now?")["stopReason"], "end_turn");
    goes_on(&client);
}

/// The kinds of the updates of a session from an index on, in order, with what tells them apart.
fn kinds(client: &Client, session: &str, from: usize) -> Vec<String> {
    let log = client.log();
    let updates = log[from..].iter().filter(|message| message.method() == Some("pillion/session/update"));
    updates
        .map(|message| &message.body["params"])
        .filter(|params| params["sessionId"] == session)
        .map(|params| params["update"]["sessionUpdate"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_retry_is_announced_after_what_it_takes_back() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let half = Answer::new().thinking("Hm").text("Half").tool("c1", "bash", json!({"command": "touch ran"}));
    model.answer("the prompt", half.error_event("overloaded_error", "Overloaded"));
    model.answer("the retry", Answer::say("Whole."));
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    let from = client.mark();
    assert_eq!(client.ask(&session, "Well?")["stopReason"], "end_turn");
    let kinds = kinds(&client, &session, from);
    let retried = kinds.iter().position(|kind| kind == "retrying").expect("a retry is told");
    let before = &kinds[..retried];
    assert_eq!(before.iter().filter(|kind| *kind == "message_discarded").count(), 2, "text and thought: {kinds:?}");
    assert!(kinds[retried..].iter().all(|kind| kind != "message_discarded"), "{kinds:?}");
    client.wait_tool_call("c1", "failed");
    assert!(!sandbox.path("ran").exists(), "nothing of a broken answer is run");
    let retrying = &client.updates(&session, "retrying")[0]["update"];
    assert_eq!(retrying["attempt"], 2, "{retrying}");
    assert!(retrying["reason"].to_string().contains("overloaded") && retrying["afterMs"].is_u64(), "{retrying}");
}

#[test]
fn a_wait_can_be_cancelled_and_nothing_is_lost() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::status(429, "rate_limit_error", "Slow down").header("retry-after", "50"));
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "First");
    let (_, told) = client.wait_update(0, &session, "retrying", |_| true);
    assert!(told["update"]["afterMs"].as_u64().is_some_and(|ms| ms >= 50_000), "what the service asks for: {told}");
    goes_on(&client);
    client.notify("pillion/session/cancel", json!({"sessionId": session}));
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "cancelled");
    model.then("the next prompt", |request| {
        assert!(request.all_text().contains("First"), "{}", request.all_text());
        Answer::say("Both.")
    });
    assert_eq!(client.ask(&session, "Second")["stopReason"], "end_turn");
    assert_eq!(model.requests().len(), 2);
}

#[test]
fn a_tool_runs_once_and_its_result_is_sent_once_whatever_breaks() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let command = "echo once >> count; cat count";
    model.answer("the prompt", Answer::call("c1", "bash", json!({"command": command})));
    model.answer("the result", Answer::say("Ha").cut());
    model.answer("a retry", Answer::status(503, "api_error", "unavailable"));
    model.answer("another", Answer::other("text/event-stream", "event: message_start\ndata: {\"type\": \"mess"));
    model.answer("the last", Answer::status(401, "authentication_error", "expired"));
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    let ended = client.ask(&session, "Count.");
    assert_eq!(ended["stopReason"], "error", "{ended}");
    model.then("the next prompt", |request| {
        assert_eq!(request.tool_result("c1").matches("once").count(), 1, "{:#?}", request.messages());
        let content = request.last_content();
        let told = content.iter().filter(|block| block["type"] == "tool_result").count();
        assert_eq!(told, 1, "in one message with the new prompt, once: {content:#?}");
        Answer::say("One.")
    });
    assert_eq!(client.ask(&session, "And?")["stopReason"], "end_turn");
    assert_eq!(sandbox.read("count"), "once\n");
    let requests = model.requests();
    assert!(requests[1..5].windows(2).all(|pair| pair[0].body == pair[1].body), "every try sends the same");
}

#[test]
fn a_silent_service_is_asked_again() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write_config("[model]\nidleTimeoutMs = 500\n");
    let never = Hold::new();
    model.answer("the prompt", Answer::new().text("Wait").hold(&never));
    model.answer("the retry", Answer::say("Awake."));
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Hello?");
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "end_turn");
    assert_eq!(client.said(&session, &prompt.turn_id), "Awake.");
    let (_, told) = client.wait_update(0, &session, "retrying", |_| true);
    assert!(told["update"]["reason"].to_string().contains("nothing came for 0.5 s"), "{told}");
    never.release();
}

#[test]
fn what_is_no_model_is_named_for_what_it_is() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    let (address, _) = model.api().url_variable();
    model.answer("a page", Answer::other("text/html", "<html><title>Hotel WiFi</title><body>Log in</body></html>"));
    ends_with_error(&client, &session, &["web page", "Hotel WiFi", address]);
    for _ in 0..2 {
        model.answer("nonsense", Answer::other("text/event-stream", "data: {\"type\": }\n\n"));
    }
    ends_with_error(&client, &session, &["not an answer of", address]);
    model.answer("the next prompt", Answer::say("Fine."));
    assert_eq!(client.ask(&session, "And now?")["stopReason"], "end_turn");
}

#[test]
fn a_call_that_a_limit_cut_is_not_run_and_the_model_is_told() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let cut = Answer::new().tool("c1", "bash", json!({"command": "echo whole > whole"})).cut_tool(
        "c2",
        "write_file",
        "{\"path\": \"half\", \"content\": \"on and on",
    );
    model.answer("the prompt", cut.stop("max_tokens"));
    model.then("the results", |request| {
        assert!(!request.is_error("c1") && request.is_error("c2"));
        assert!(request.tool_result("c2").contains("limit of tokens"), "{}", request.tool_result("c2"));
        Answer::say("In pieces, then.")
    });
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    assert_eq!(client.ask(&session, "Write.")["stopReason"], "end_turn");
    assert!(sandbox.path("whole").exists() && !sandbox.path("half").exists());
}

#[test]
fn a_refusal_runs_nothing_and_says_what_to_do() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let begun = Answer::new().text("Well").tool("c1", "bash", json!({"command": "touch ran"}));
    model.answer("the prompt", begun.refused("cyber", "This could do harm."));
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Do it.");
    let ended = client.wait_turn_ended(&session, &prompt.turn_id);
    assert_eq!(ended["stopReason"], "refusal", "{ended}");
    let error = ended["error"].to_string();
    // Chat Completions says no more than that it declined.
    let why = if model.api() == Api::Messages { "This could do harm" } else { "content filter" };
    for part in [why, "new session", "model.name"] {
        assert!(error.contains(part), "{part:?} in {error}");
    }
    assert_eq!(client.said(&session, &prompt.turn_id), "Well", "what came stays");
    model.then("the next prompt", |request| {
        assert!(request.is_error("c1"), "{:#?}", request.messages());
        Answer::say("Gladly.")
    });
    assert_eq!(client.ask(&session, "Something else.")["stopReason"], "end_turn");
    assert!(!sandbox.path("ran").exists());
}

/// A client whose model service is at `url`.
fn asking(sandbox: &Sandbox, url: &str, env: &[(&str, &str)]) -> Client {
    let options = Options::pillion()
        .env("PILLION_PROVIDER", "anthropic")
        .env("ANTHROPIC_API_KEY", pillion_tests::model::KEY)
        .env("ANTHROPIC_BASE_URL", url)
        // Retries come first.
        .deadline(Duration::from_secs(120));
    Client::start(sandbox, env.iter().fold(options, |options, (name, value)| options.env(name, value)))
}

/// Answers every connection with these bytes, once something was asked; returns the address.
fn stub(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        }
    });
    address
}

#[test]
fn a_name_that_is_not_there() {
    let sandbox = Sandbox::new();
    let client = asking(&sandbox, "https://pillion-tests.invalid", &[]);
    let session = client.new_session("auto");
    ends_with_error(&client, &session, &["pillion-tests.invalid", "cannot be found", "online", "ANTHROPIC_BASE_URL"]);
    goes_on(&client);
}

#[test]
fn tls_that_does_not_come_about() {
    let sandbox = Sandbox::new();
    let client = asking(&sandbox, &format!("https://{}", stub(b"HTTP/1.1 400 No TLS here\r\n\r\n")), &[]);
    let session = client.new_session("auto");
    ends_with_error(&client, &session, &["No trusted connection", "certificates", "ANTHROPIC_BASE_URL"]);
    assert!(client.updates(&session, "retrying").is_empty(), "another try would end the same way");
    goes_on(&client);
}

#[test]
fn proxies_that_refuse() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port");
    let login = stub(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    for (proxy, part) in
        [(login, "login"), (closed.to_string(), "refused"), (stub(b"HTTP/1.1 403 No\r\n\r\n"), "no connection")]
    {
        let sandbox = Sandbox::new();
        let proxy = format!("http://{proxy}");
        let client =
            asking(&sandbox, "https://pillion-tests.invalid", &[("HTTPS_PROXY", &proxy), ("https_proxy", &proxy)]);
        let session = client.new_session("auto");
        ends_with_error(&client, &session, &["proxy", "HTTPS_PROXY", part]);
        goes_on(&client);
    }
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
