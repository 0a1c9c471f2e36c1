//! The agent's edits where the person has the file open, has typed in it, or has it closed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use pillion_tests::connection::Way;
use pillion_tests::options::uri;
use pillion_tests::task::id_of;
use pillion_tests::{Answer, Client, Model, Options, Request, Sandbox};
use serde_json::{Value, json};

const APPLY: &str = "workspace/applyEdit";
const SAVE: &str = "pillion/document/save";

/// A model that reads `a.txt`, replaces `old` by `new` in it, and then `look`s at the result.
fn editing_model(old: &str, new: &str, look: impl FnOnce(&Request) + Send + 'static) -> Model {
    let model = Model::start();
    let edit = json!({"path": "a.txt", "old_string": old, "new_string": new});
    model.answer("the prompt", Answer::call("toolu_read", "read_file", json!({"path": "a.txt"})));
    model.answer("the text", Answer::call("toolu_edit", "edit_file", edit));
    model.then("the result of the edit", |request| {
        look(request);
        Answer::say("Done.")
    });
    model
}

fn succeeded(request: &Request) {
    assert!(!request.is_error("toolu_edit"), "{}", request.tool_result("toolu_edit"));
}

/// Runs the turn that edits.
fn edit(client: &Client) {
    let session = client.new_session("accept_edits");
    assert_eq!(client.ask(&session, "Edit it.")["stopReason"], "end_turn");
}

/// The requests of that method so far, with their places in the log.
fn requests(client: &Client, method: &str) -> Vec<(usize, Value)> {
    let log = client.log();
    let received = log.iter().enumerate().filter(|(_, message)| message.way == Way::Received);
    received
        .filter(|(_, message)| message.method() == Some(method))
        .map(|(index, message)| (index, message.body["params"].clone()))
        .collect()
}

/// The version that each applied edit of the file was for; every one must name it.
fn versions(client: &Client, path: &Path) -> Vec<Value> {
    let edits = requests(client, APPLY).into_iter().map(|(_, params)| params["edit"].clone());
    let changes: Vec<Value> = edits
        .flat_map(|edit| {
            assert!(edit.get("changes").is_none_or(Value::is_null), "an edit without versions: {edit}");
            edit["documentChanges"].as_array().cloned().unwrap_or_default()
        })
        .map(|change| change["textDocument"].clone())
        .collect();
    changes.iter().filter(|document| document["uri"] == uri(path)).map(|document| document["version"].clone()).collect()
}

#[test]
fn an_open_clean_document_is_edited_and_saved() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("a.txt", "one 😀\ntwo\nthree\n");
    let model = editing_model("😀\ntwo", "😀\n2", succeeded);
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    client.open(&path);
    edit(&client);
    assert_eq!(versions(&client, &path), [json!(1)]);
    let saves = requests(&client, SAVE);
    assert_eq!(saves.len(), 1);
    assert_eq!(saves[0].1["uris"], json!([uri(&path)]));
    assert!(requests(&client, APPLY)[0].0 < saves[0].0, "edited, then saved");
    let document = client.document(&path);
    assert_eq!((document.text.as_str(), document.dirty), ("one 😀\n2\nthree\n", false));
    assert_eq!(sandbox.read("a.txt"), "one 😀\n2\nthree\n");
}

#[test]
fn an_open_document_with_unsaved_text_is_edited_and_not_saved() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("a.txt", "one\ntwo\n");
    let model = editing_model("typed", "edited", |request| {
        assert!(request.tool_result("toolu_read").contains("typed"), "the unsaved text is read");
        succeeded(request);
        let result = request.tool_result("toolu_edit").to_lowercase();
        assert!(result.contains("saved") && result.contains("command"), "commands still see the old text: {result}");
    });
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    client.open(&path);
    client.type_text(&path, "one\ntyped\n");
    edit(&client);
    assert_eq!(versions(&client, &path), [json!(2)]);
    assert_eq!(requests(&client, SAVE).len(), 0);
    let document = client.document(&path);
    assert_eq!((document.text.as_str(), document.dirty), ("one\nedited\n", true));
    assert_eq!(sandbox.read("a.txt"), "one\ntwo\n");
}

#[test]
fn two_edits_of_one_answer_are_both_applied_and_saved() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("a.txt", "one\ntwo\nthree\n");
    let model = Model::start();
    let replace = |old: &str, new: &str| json!({"path": "a.txt", "old_string": old, "new_string": new});
    model.answer("the prompt", Answer::call("toolu_1", "read_file", json!({"path": "a.txt"})));
    model.answer(
        "the text",
        Answer::new().tool("toolu_2", "edit_file", replace("one", "1\n1")).tool(
            "toolu_3",
            "edit_file",
            replace("three", "3"),
        ),
    );
    model.then("the results", |request| {
        for call in ["toolu_2", "toolu_3"] {
            assert!(!request.is_error(call), "{}", request.tool_result(call));
        }
        Answer::say("Done.")
    });
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    client.open(&path);
    edit(&client);
    assert_eq!(sandbox.read("a.txt"), "1\n1\ntwo\n3\n");
    assert!(!client.document(&path).dirty);
}

#[test]
fn a_refused_edit_is_a_tool_error() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("a.txt", "one\ntwo\n");
    let model = editing_model("two", "2", |request| {
        assert!(request.is_error("toolu_edit"), "{}", request.tool_result("toolu_edit"));
    });
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    client.open(&path);
    client.refuse_edits();
    edit(&client);
    client.wait_tool_call("toolu_edit", "failed");
    assert_eq!(requests(&client, SAVE).len(), 0);
    assert_eq!(client.document(&path).text, "one\ntwo\n");
    assert_eq!(sandbox.read("a.txt"), "one\ntwo\n");
}

#[test]
fn a_closed_file_keeps_its_mode_and_line_endings() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("a.txt", "\u{feff}one\r\ntwo\r\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).expect("the mode");
    let model = editing_model("one\ntwo", "one\n2\nthree", succeeded);
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    edit(&client);
    assert_eq!(sandbox.read("a.txt"), "\u{feff}one\r\n2\r\nthree\r\n");
    assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o751);
    assert_eq!(requests(&client, APPLY).len() + requests(&client, SAVE).len(), 0, "no document is open");
}

#[test]
fn a_file_that_changed_since_it_was_read_is_not_overwritten_blindly() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", "one\ntwo\n");
    let path = sandbox.path("a.txt");
    let model = Model::start();
    model.answer("the prompt", Answer::call("toolu_1", "read_file", json!({"path": "a.txt"})));
    model.then("the text", move |_| {
        fs::write(&path, "someone else's work\n").expect("the other's write");
        Answer::call("toolu_2", "write_file", json!({"path": "a.txt", "content": "mine\n"}))
    });
    model.then("the refusal", |request| {
        assert!(request.is_error("toolu_2"), "{}", request.tool_result("toolu_2"));
        Answer::say("I read again.")
    });
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    edit(&client);
    assert_eq!(sandbox.read("a.txt"), "someone else's work\n");
}

#[test]
fn a_plain_clients_clean_document_is_written_to_disk() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("a.txt", "one\ntwo\n");
    let model = editing_model("two", "2", succeeded);
    let client = Client::start(&sandbox, Options::plain().model(&model));
    client.open(&path);
    let session = client.new_session("accept_edits");
    client.prompt(&session, "Edit it.");
    // The result went to the model: the edit is done.
    model.wait_request(3);
    assert_eq!(sandbox.read("a.txt"), "one\n2\n");
    assert_eq!(versions(&client, &path), Vec::<Value>::new(), "its editor reloads the file by itself");
    assert_eq!(requests(&client, SAVE).len(), 0, "a plain client knows no such request");
}

#[test]
fn a_plain_clients_unsaved_document_is_edited_in_place() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("a.txt", "one\ntwo\n");
    let model = editing_model("typed", "edited", succeeded);
    let client = Client::start(&sandbox, Options::plain().model(&model));
    client.open(&path);
    client.type_text(&path, "one\ntyped\n");
    let session = client.new_session("accept_edits");
    client.prompt(&session, "Edit it.");
    model.wait_request(3);
    assert_eq!(client.document(&path).text, "one\nedited\n");
    assert_eq!(sandbox.read("a.txt"), "one\ntwo\n");
}

#[test]
fn a_task_lists_what_was_not_saved_when_it_started() {
    let sandbox = Sandbox::new();
    let (dirty, clean) = (sandbox.write("a.txt", "one\n"), sandbox.write("b.txt", "two\n"));
    let client = Client::start(&sandbox, Options::pillion());
    client.open(&dirty);
    client.open(&clean);
    client.type_text(&dirty, "typed\n");
    let task = client.start_task(json!({"command": "cat a.txt"}));
    let id = id_of(&task);
    let ended = client.wait_task_end(&id);
    assert_eq!(ended["unsaved"], json!([dirty.display().to_string()]));
    assert_eq!(client.output(&id), "one\n");
    client.notify("textDocument/didSave", json!({"textDocument": {"uri": uri(&dirty)}}));
    client.call("pillion/task/rerun", json!({"taskId": id}));
    assert_eq!(client.wait_run_end(&id, 2)["unsaved"], json!([]));
}
