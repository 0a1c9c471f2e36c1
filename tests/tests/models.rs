//! Which models there are, and how a session gets one: several providers at once, keys that come while the sidecar runs,
//! and servers on this machine, which are offered and never taken.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use pillion_tests::model::{Answer, Api, KEY, Model};
use pillion_tests::{Client, Options, Sandbox};
use serde_json::{Value, json};

/// A server on this machine that lists one model, and knows nothing else.
fn local_server(model: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of this machine");
    let address = listener.local_addr().expect("the server's address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = BufReader::new(stream.try_clone().expect("the same stream")).lines().map_while(Result::ok);
            let first = head.next().unwrap_or_default();
            // A body is never sent to `/v1/models`; whoever sends one elsewhere gets its 404 anyway.
            head.by_ref().take_while(|line| !line.is_empty()).for_each(drop);
            let list = json!({"object": "list", "data": [{"id": model, "object": "model"}]}).to_string();
            let (status, body) =
                if first.starts_with("GET /v1/models ") { ("200 OK", list) } else { ("404 Not Found", String::new()) };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
        }
    });
    format!("http://{address}")
}

fn row<'a>(list: &'a Value, kind: &str, id: &str) -> &'a Value {
    let rows = list[kind].as_array().unwrap_or_else(|| panic!("no {kind} in {list}"));
    rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("no {id} in {list:#}"))
}

/// A client without settings, but for the address of a model server that a key would lead to.
fn without_key(model: &Model) -> Options {
    let (variable, path) = model.api().url_variable();
    Options::pillion().env(variable, &format!("{}{path}", model.url()))
}

fn hand_over(secret: Value, persist: bool) -> Value {
    json!({"provider": provider(), "secret": secret, "persist": persist})
}

/// The provider that this binary is about.
fn provider() -> &'static str {
    Api::of_this_binary().provider()
}

/// What it takes where no model is named.
fn default_model() -> &'static str {
    match Api::of_this_binary() {
        Api::Messages => "claude-sonnet-5",
        Api::ChatCompletions => "gpt-5.6",
    }
}

#[test]
fn a_server_of_this_machine_is_offered_and_not_taken() {
    let sandbox = Sandbox::new();
    let url = local_server("qwen3:8b");
    sandbox.write_config(&format!("model.ollamaBaseUrl = \"{url}/v1\"\n"));
    let client = Client::start(&sandbox, Options::pillion());
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "What is the airspeed of an unladen swallow?");
    client.wait_turn_ended(&session, &prompt.turn_id);
    let said = client.said(&session, &prompt.turn_id);
    assert!(said.contains("No model is configured"), "{said:?}");
    let offer = format!("Ollama answers at {url} with qwen3:8b: choose it with `/model ollama:qwen3:8b`");
    assert!(said.contains(&offer), "{said:?}");
    let list = client.call("pillion/model/list", json!({"sessionId": session}));
    assert_eq!(row(&list, "models", "offline")["current"], true, "{list:#}");
    assert_eq!(row(&list, "models", "ollama:qwen3:8b")["provider"], "ollama");
}

#[test]
fn the_list_says_what_there_is_and_what_is_missing() {
    let sandbox = Sandbox::new();
    let url = local_server("qwen3:8b");
    // Nobody listens at the port of a listener that is gone.
    let gone = TcpListener::bind(("127.0.0.1", 0)).and_then(|held| held.local_addr()).expect("a port");
    sandbox.write_config(&format!("model.vllmBaseUrl = \"http://{gone}/v1\"\n"));
    let options = Options::pillion()
        .env("PILLION_PROVIDER", "openai")
        .env("OPENAI_API_KEY", "sk-test")
        .env("OPENAI_BASE_URL", &format!("{url}/v1"));
    let client = Client::start(&sandbox, options);
    let session = client.call("pillion/session/new", json!({"model": "qwen3:8b"}));
    let list = client.call("pillion/model/list", json!({"sessionId": session["sessionId"]}));
    let model = row(&list, "models", "qwen3:8b");
    assert_eq!(
        (&model["provider"], &model["current"], &model["offered"]),
        (&json!("openai"), &json!(true), &json!(false))
    );
    assert_eq!(row(&list, "models", "offline:offline")["current"], false, "its provider is not the default one");
    assert_eq!(row(&list, "providers", "openai")["state"], "ready");
    let unset = row(&list, "providers", "anthropic");
    assert_eq!(unset["state"], "not_configured");
    assert!(unset["message"].as_str().is_some_and(|text| text.contains("ANTHROPIC_API_KEY")), "{unset}");
    let failed = row(&list, "providers", "vllm");
    assert_eq!(failed["state"], "failed", "somebody configured it");
    assert!(
        failed["message"].as_str().is_some_and(|text| text.contains("config.toml:1")),
        "where it was set: {failed}"
    );
    let error = client.refused("pillion/model/list", json!({"sessionId": "s0"}));
    assert_eq!(error.code, -32010);
}

#[test]
fn a_model_whose_provider_cannot_answer_is_refused() {
    let sandbox = Sandbox::new();
    let model = Model::start();
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let error = client.refused("pillion/session/new", json!({"model": "openrouter:x/y"}));
    assert_eq!((error.code, &error.data["field"]), (-32602, &json!("model")));
    assert!(error.data["remedy"].as_str().is_some_and(|remedy| remedy.contains("OPENROUTER_API_KEY")), "{error:?}");
    let session = client.new_session("ask");
    let set = |model: &str| json!({"sessionId": session, "model": model});
    let error = client.refused("pillion/session/set_model", set("editor:gpt"));
    assert!(error.message.contains("lends no models"), "{error:?}");
    client.refused("pillion/session/set_model", set(" "));
    // A provider's word alone is its own choice.
    let at = client.mark();
    client.call("pillion/session/set_model", set("offline"));
    client.wait_update(at, &session, "session_info", |params| params["update"]["model"] == "offline:offline");
    client.call("pillion/session/set_model", set("ollama"));
    client.wait_update(at, &session, "session_info", |params| params["update"]["model"] == "ollama:default");
}

#[test]
fn a_conversation_changes_its_provider_and_goes_on() {
    let sandbox = Sandbox::new();
    let model = Model::start();
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("ask");
    model.answer("a hello", Answer::say("Hello."));
    client.ask(&session, "hello");
    client.call("pillion/session/set_model", json!({"sessionId": session, "model": "offline:offline"}));
    let prompt = client.prompt(&session, "help");
    client.wait_turn_ended(&session, &prompt.turn_id);
    assert!(client.said(&session, &prompt.turn_id).contains("Without a model"), "the offline provider answers");
    client.call(
        "pillion/session/set_model",
        json!({"sessionId": session, "model": format!("{}:claude-test", provider())}),
    );
    model.then("all that was said, whoever said it", |request| {
        let text = request.body["messages"].to_string();
        assert_eq!(request.body["model"], "claude-test");
        assert!(text.contains("Hello.") && text.contains("Without a model"), "{text}");
        Answer::say("Again.")
    });
    model.allow_conversations(2);
    assert_eq!(client.ask(&session, "and now?")["stopReason"], "end_turn");
}

#[test]
fn the_end_of_a_turn_names_the_prompts_that_need_a_model_live_and_later() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let session = client.new_session("ask");
    let needing = |params: &Value| params["update"]["needsModel"].clone();
    let help = client.prompt(&session, "help");
    assert_eq!(client.wait_turn_ended(&session, &help.turn_id)["needsModel"], json!([]));
    let explain = client.prompt(&session, "Explain the code of this project.");
    let ended = client.wait_turn_ended(&session, &explain.turn_id);
    assert_eq!((&ended["stopReason"], &ended["needsModel"]), (&json!("end_turn"), &json!([explain.prompt_id])));
    let at = client.mark();
    client.call("pillion/session/load", json!({"sessionId": session}));
    let (_, replayed) = client.wait_update(at, &session, "turn_ended", |params| params["turnId"] == explain.turn_id);
    assert_eq!((&replayed["replay"], needing(&replayed)), (&json!(true), json!([explain.prompt_id])));
}

#[test]
fn a_key_that_is_handed_over_works_at_once_and_is_nowhere_to_be_found() {
    const SECRET: &str = KEY;
    let sandbox = Sandbox::new();
    let model = Model::start();
    let client = Client::start(&sandbox, without_key(&model).env("PILLION_LOG", "trace"));
    client.always_choose("allow_once");
    let session = client.new_session("auto");
    let at = client.mark();
    client.call("pillion/secret/set", hand_over(json!(SECRET), false));
    let (_, info) = client.wait_update(at, &session, "session_info", |params| params["update"]["model"] != "offline");
    assert_eq!(info["update"]["model"], default_model());
    model.answer("a command", Answer::call("call_1", "bash", json!({"command": "env; cat /proc/$PPID/environ"})));
    model.then("its result", |request| {
        assert!(!request.body.to_string().contains(SECRET), "the key is in the environment of a command");
        Answer::say("Done.")
    });
    assert_eq!(client.ask(&session, "look around")["stopReason"], "end_turn");
    let sent = client.log().into_iter().filter(|message| message.way == pillion_tests::connection::Way::Received);
    for message in sent {
        assert!(!message.body.to_string().contains(SECRET), "{}", message.body);
    }

    // Taken back: there is no model again, and the conversation is still there.
    let at = client.mark();
    client.call("pillion/secret/set", hand_over(Value::Null, false));
    client.wait_update(at, &session, "session_info", |params| params["update"]["model"] == "offline");
    client.shutdown();
    let kept = sandbox.files_with(SECRET);
    assert!(kept.is_empty(), "the key is in {kept:?}");
}

#[test]
fn a_stored_key_is_there_the_next_time() {
    let sandbox = Sandbox::new();
    let model = Model::start();
    let file = sandbox.config_file().with_file_name("keys.toml");
    pillion_tests::sandbox::write_file(&file, "# mine\nopenrouter = \"or\"\n");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("a mode");
    let options = without_key(&model).env("PILLION_PROVIDER", provider());
    let client = Client::start(&sandbox, options.clone());
    let session = client.new_session("ask");
    let ended = client.ask(&session, "hello");
    let why = ended["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(why.contains("there is no API key"), "{ended}");
    client.call("pillion/secret/set", json!({"provider": provider(), "secret": KEY}));
    assert_eq!(
        std::fs::read_to_string(&file).expect("the file"),
        format!("{} = \"{KEY}\"\n# mine\nopenrouter = \"or\"\n", provider())
    );
    assert_eq!(std::fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
    model.answer("the prompt that was lost to nobody", Answer::say("Hello."));
    assert_eq!(client.ask(&session, "hello again")["stopReason"], "end_turn");
    client.shutdown();

    model.allow_conversations(2).answer("the next start", Answer::say("Hello."));
    let client = Client::start(&sandbox, options);
    let session = client.new_session("ask");
    assert_eq!(client.ask(&session, "hello")["stopReason"], "end_turn");
    client.call("pillion/secret/set", json!({"provider": provider(), "secret": null}));
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "# mine\nopenrouter = \"or\"\n");
    assert!(client.ask(&session, "hello")["error"]["message"].as_str().is_some_and(|text| text.contains("no API key")));
}

#[test]
fn a_key_that_is_none_is_refused_and_changes_nothing() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let error = client.refused("pillion/secret/set", hand_over(json!("two words"), true));
    assert_eq!((error.code, &error.data["field"]), (-32602, &json!("secret")));
    assert!(!error.message.contains("two words"), "{error:?}");
    let error = client.refused("pillion/secret/set", json!({"provider": "antropic", "secret": "sk"}));
    assert_eq!(error.data["field"], "provider");
    // A file that is no TOML is left alone, and the key holds all the same.
    let file = sandbox.config_file().with_file_name("keys.toml");
    pillion_tests::sandbox::write_file(&file, "oops");
    let error = client.refused("pillion/secret/set", hand_over(json!("sk-1"), true));
    assert_eq!((error.code, &error.data["kind"]), (-32012, &json!("not_stored")));
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "oops");
    assert_eq!(client.call("pillion/session/new", json!({}))["model"], default_model());
}
