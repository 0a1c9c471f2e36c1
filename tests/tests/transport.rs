//! The process and its pipes: handshake, order, bad frames, and when it ends.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pillion_tests::connection::{Message, Way};
use pillion_tests::options::initialize_params;
use pillion_tests::{Answer, Client, Hold, Model, Options, RpcError, Sandbox, wire};
use serde_json::{Value, json};

/// The contract gives one second; the rest is for a busy machine.
const EXIT_WITHIN: Duration = Duration::from_secs(2);

const GOOD: &str = r#"{"jsonrpc":"2.0","method":"x","params":[1]}"#;

fn framed(body: &[u8]) -> Vec<u8> {
    wire::frame(body)
}

/// The code of an error that answers no request in particular.
fn stray_error(message: &Message) -> Option<i64> {
    let stray = message.way == Way::Received && message.body["id"].is_null() && message.method().is_none();
    stray.then(|| message.body["error"]["code"].as_i64()).flatten()
}

/// Writes a bad frame; the error must come, with this code, and the next request must be answered.
fn survives(frame: &[u8], code: i64) {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    client.write_raw(frame);
    let (_, found) = client.wait_for("an error without an id", 0, stray_error);
    assert_eq!(found, code, "the code for {:?}", String::from_utf8_lossy(frame));
    client.call("pillion/task/list", json!({}));
}

/// Writes an odd but good frame; no error comes, and the next request is answered.
fn accepts(frame: &[u8]) {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    client.write_raw(frame);
    client.call("pillion/task/list", json!({}));
    let strays: Vec<i64> = client.log().iter().filter_map(stray_error).collect();
    assert!(strays.is_empty(), "errors {strays:?} for {:?}", String::from_utf8_lossy(frame));
}

#[test]
fn bad_json_is_a_parse_error() {
    survives(&framed(b"{bad}"), -32700);
}

#[test]
fn json_that_is_no_message_is_an_invalid_request() {
    survives(&framed(br#"{"hello":1}"#), -32600);
}

#[test]
fn a_batch_is_an_invalid_request() {
    survives(&framed(format!("[{GOOD}]").as_bytes()), -32600);
}

#[test]
fn a_header_without_a_length_is_a_parse_error() {
    survives(b"Foo: 1\r\n\r\n", -32700);
}

#[test]
fn a_length_that_is_no_number_is_a_parse_error() {
    survives(b"Content-Length: abc\r\n\r\n", -32700);
}

#[test]
fn an_empty_body_is_a_parse_error() {
    survives(b"Content-Length: 0\r\n\r\n", -32700);
}

#[test]
fn garbage_is_a_parse_error() {
    survives(b"\x00\x01 hello\r\n\r\n", -32700);
}

#[test]
fn invalid_utf8_is_a_parse_error() {
    survives(&framed(b"{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":[\"\xff\"]}"), -32700);
}

#[test]
fn header_names_are_case_blind() {
    accepts(format!("content-length: {}\r\n\r\n{GOOD}", GOOD.len()).as_bytes());
}

#[test]
fn unknown_headers_are_passed_over() {
    accepts(format!("Content-Length: {}\r\nX-A: 1\r\n\r\n{GOOD}", GOOD.len()).as_bytes());
    accepts(format!("X-A: 1\r\nContent-Length: {}\r\nX-B: 1\r\n\r\n{GOOD}", GOOD.len()).as_bytes());
}

#[test]
fn a_lone_surrogate_is_survived() {
    // Editors send one while a person types half of an emoji.
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    client.write_raw(&framed(br#"{"jsonrpc":"2.0","method":"x","params":{"t":"\ud83d"}}"#));
    let id = client.take_id();
    let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"pillion/task/get","params":{{"taskId":"\ud83d"}}}}"#);
    client.write_raw(&framed(body.as_bytes()));
    assert_eq!(client.response(id).expect_err("no task has that name").code, -32011);
}

#[test]
fn an_oversize_frame_is_refused_and_skipped() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    client.write_raw(&framed(&vec![b' '; (64 << 20) + 1]));
    let (_, code) = client.wait_for("an error without an id", 0, stray_error);
    assert!([-32700, -32600].contains(&code), "the code {code}");
    client.call("pillion/task/list", json!({}));
}

#[test]
fn a_frame_may_be_split_anywhere() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let frame = |id: u64| {
        framed(json!({"jsonrpc": "2.0", "id": id, "method": "pillion/task/list", "params": {}}).to_string().as_bytes())
    };
    // Ids of one length, so that every cut is another one.
    let ids = 1000..;
    for (id, cut) in ids.zip(1..frame(1000).len()) {
        let bytes = frame(id);
        client.write_raw(&bytes[..cut]);
        client.drain();
        client.write_raw(&bytes[cut..]);
        assert!(client.response(id).is_ok(), "cut after {cut} bytes");
    }
}

#[test]
fn an_unknown_method_is_refused_and_an_unknown_notification_ignored() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    client.notify("pillion/no/such/notification", json!({"a": 1}));
    client.notify("$/noSuchNotification", json!({}));
    assert_eq!(client.refused("pillion/no/such/method", json!({})).code, -32601);
    assert!(client.log().iter().filter_map(stray_error).next().is_none());
}

#[test]
fn requests_before_initialize_and_after_shutdown_are_refused() {
    let sandbox = Sandbox::new();
    let options = Options::pillion();
    let client = Client::spawn(&sandbox, &options);
    assert_eq!(client.refused("pillion/task/list", json!({})).code, -32002);
    client.call("initialize", initialize_params(&sandbox, &options));
    client.notify("initialized", json!({}));
    client.call("pillion/task/list", json!({}));
    assert_eq!(client.refused("initialize", initialize_params(&sandbox, &options)).code, -32600);
    client.call("shutdown", Value::Null);
    assert_eq!(client.refused("pillion/task/list", json!({})).code, -32600);
}

#[test]
fn the_handshake_names_the_server() {
    let sandbox = Sandbox::new();
    for options in [Options::pillion(), Options::plain()] {
        let client = Client::start(&sandbox, options);
        let server = &client.server;
        assert_eq!(server["serverInfo"]["name"], "pillion");
        assert!(server["serverInfo"]["version"].is_string(), "{server}");
        let own = &server["capabilities"]["experimental"]["pillion"];
        assert_eq!(own["version"], 1, "{server}");
        assert!(own["instanceId"].as_str().is_some_and(|id| !id.is_empty()), "{server}");
        for feature in ["hoverProvider", "completionProvider", "documentFormattingProvider"] {
            let offered = &server["capabilities"][feature];
            assert!(offered.is_null() || offered == false, "{feature} is the language server's own: {offered}");
        }
    }
}

#[test]
fn requests_take_effect_in_the_order_of_the_wire() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    for round in 0..20 {
        let label = format!("round {round}");
        let (start, list) = (client.take_id(), client.take_id());
        let start_params = json!({"command": "true", "label": label});
        let mut bytes = framed(
            json!({"jsonrpc": "2.0", "id": start, "method": "pillion/task/start", "params": start_params})
                .to_string()
                .as_bytes(),
        );
        let list_params = json!({"includeFinished": true});
        bytes.extend(framed(
            json!({"jsonrpc": "2.0", "id": list, "method": "pillion/task/list", "params": list_params})
                .to_string()
                .as_bytes(),
        ));
        client.write_raw(&bytes);
        let answer: Result<Value, RpcError> = client.response(list);
        let tasks = answer.expect("a list")["tasks"].clone();
        let listed = tasks.as_array().into_iter().flatten().any(|task| task["label"] == label);
        assert!(listed, "the task started before the list is in it: {tasks}");
        client.response(start).expect("a started task");
    }
}

#[test]
fn pending_prompts_hold_up_nothing() {
    const PROMPTS: usize = 8;
    let sandbox = Sandbox::new();
    let model = Model::start();
    model.allow_conversations(PROMPTS);
    let hold = Hold::new();
    for _ in 0..PROMPTS {
        model.answer("held back", Answer::new().hold(&hold).text("done"));
    }
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let sessions: Vec<String> = (0..PROMPTS).map(|_| client.new_session("auto")).collect();
    let prompts: Vec<_> =
        sessions.iter().enumerate().map(|(n, session)| client.prompt(session, &format!("prompt {n}"))).collect();
    model.wait_request(PROMPTS);
    let task = client.start_command("echo free");
    assert_eq!(client.wait_task_end(&task)["status"], "succeeded");
    hold.release();
    for (session, prompt) in sessions.iter().zip(&prompts) {
        assert_eq!(client.wait_turn_ended(session, &prompt.turn_id)["stopReason"], "end_turn");
        assert_eq!(client.said(session, &prompt.turn_id), "done");
    }
}

#[test]
fn exit_codes_tell_whether_shutdown_came_first() {
    let sandbox = Sandbox::new();
    Client::start(&sandbox, Options::pillion()).shutdown();
    let client = Client::start(&sandbox, Options::pillion());
    client.notify("exit", Value::Null);
    assert_eq!(client.wait_exit().code, Some(1), "exit without shutdown");
}

/// A sidecar with a running task, a turn that waits for the model, and an open question.
fn with_work_in_flight(sandbox: &Sandbox, options: Options, test: impl FnOnce(&Client)) {
    let model = Model::start();
    model.allow_conversations(2);
    let hold = Hold::new();
    model.answer("a call that needs permission", Answer::call("toolu_1", "bash", json!({"command": "touch made"})));
    model.answer("held back", Answer::new().text("I").hold(&hold));
    let client = Client::start(sandbox, options.model(&model));
    let gate = sandbox.gate("work");
    let task = client.start_command(&gate.wait());
    client.wait_task_status(&task, "running");
    let asking = client.new_session("ask");
    client.prompt(&asking, "make the file");
    client.question("pillion/session/request_permission");
    let waiting = client.new_session("ask");
    client.prompt(&waiting, "wait");
    client.wait_update(0, &waiting, "agent_message_chunk", |_| true);
    test(&client);
    hold.release();
}

#[track_caller]
fn ends_soon(client: &Client, since: Instant) {
    let took = client.wait_exit().at.saturating_duration_since(since);
    assert!(took < EXIT_WITHIN, "it took {took:?} to end");
}

#[test]
fn exit_ends_it_with_work_in_flight() {
    let sandbox = Sandbox::new();
    with_work_in_flight(&sandbox, Options::pillion(), |client| {
        client.call("shutdown", Value::Null);
        let since = Instant::now();
        client.notify("exit", Value::Null);
        ends_soon(client, since);
        assert_eq!(client.wait_exit().code, Some(0));
    });
}

#[test]
fn the_end_of_stdin_ends_it_with_work_in_flight() {
    let sandbox = Sandbox::new();
    with_work_in_flight(&sandbox, Options::pillion(), |client| {
        let since = Instant::now();
        client.close_stdin();
        ends_soon(client, since);
    });
}

#[test]
fn the_end_of_stdin_within_a_frame_ends_it() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    client.write_raw(b"Content-Length: 100\r\n\r\n{");
    client.drain();
    let since = Instant::now();
    client.close_stdin();
    ends_soon(&client, since);
}

#[test]
fn the_end_of_the_client_process_ends_it_though_stdin_is_open() {
    let sandbox = Sandbox::new();
    // The claimed editor; this test holds the sidecar's stdin open, as a child of a crashed editor may.
    let mut command = Command::new("sleep");
    command.arg("1000").stdin(Stdio::null()).envs(sandbox.environment());
    let mut editor = command.spawn().expect("sleep");
    with_work_in_flight(&sandbox, Options::pillion().process_id(editor.id()), |client| {
        assert!(client.process().is_alive());
        let since = Instant::now();
        editor.kill().expect("the editor is killed");
        editor.wait().expect("the editor's end");
        ends_soon(client, since);
    });
}
