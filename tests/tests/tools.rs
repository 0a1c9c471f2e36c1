//! What tools tell when it is too long, what they leave out, and the editor's part of the diagnostics.

use std::fs;

use pillion_tests::{Answer, Client, Model, Options, Sandbox};
use serde_json::{Value, json};

#[test]
fn a_long_result_is_paged_without_a_question_and_goes_with_its_session() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", &(1..=300).map(|n| format!("needle {n}\n")).collect::<String>());
    let model = Model::start();
    model.answer("the prompt", Answer::call("toolu_1", "grep", json!({"pattern": "needle"})));
    model.then("the first page", |request| {
        let told = request.tool_result("toolu_1");
        assert!(told.contains("200 of 300 hits in 1 file shown"), "{told}");
        let path = told.split("read_file ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a path").to_owned();
        Answer::call("toolu_2", "read_file", json!({"path": path, "offset": 201}))
    });
    model.then("the second page", |request| {
        let told = request.tool_result("toolu_2");
        assert!(told.starts_with("201\ta.txt:201:needle 201\n") && told.contains("\n300\t"), "{told}");
        Answer::call("toolu_3", "bash", json!({"command": "seq 1 20000"}))
    });
    model.then("the command's end", |request| {
        let told = request.tool_result("toolu_3");
        assert!(told.chars().count() <= 30_000 && told.trim_end().ends_with("20000"), "{told}");
        let line = told.lines().next().expect("a line");
        assert!(
            line.starts_with("(the first ") && line.contains(" of 108894 bytes are left out: read_file "),
            "{line}"
        );
        let path = line.split("read_file ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a path").to_owned();
        Answer::call("toolu_4", "read_file", json!({"path": path, "limit": 2}))
    });
    model.then("the command's beginning", |request| {
        assert!(request.tool_result("toolu_4").starts_with("1\t1\n2\t2\n"), "{}", request.tool_result("toolu_4"));
        Answer::say("Read.")
    });
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Find it.");
    // The command is all that a person is asked about.
    let question = client.question("pillion/session/request_permission");
    assert_eq!(question.params["toolCall"]["toolCallId"], "toolu_3");
    client.choose(&question, "allow_once");
    client.wait_turn_ended(&session, &prompt.turn_id);
    let kept = || {
        let workspaces = fs::read_dir(sandbox.base().join("state/pillion/workspaces")).expect("the state");
        let folders = workspaces.flatten().map(|workspace| workspace.path().join("results").join(&session));
        folders.filter(|folder| folder.is_dir()).count()
    };
    assert_eq!(kept(), 1);
    client.call("pillion/session/delete", json!({"sessionId": session}));
    client.shutdown();
    assert_eq!(kept(), 0);
}

#[test]
fn what_a_person_ignores_everywhere_is_left_out() {
    let sandbox = Sandbox::new();
    sandbox.write(".git/HEAD", "ref: refs/heads/main\n");
    fs::create_dir_all(sandbox.base().join("config/git")).expect("a folder");
    fs::write(sandbox.base().join("config/git/ignore"), "*.secret\n").expect("the person's ignore file");
    sandbox.write("a.secret", "needle\n");
    sandbox.write("a.txt", "needle\n");
    let model = Model::start();
    model.answer(
        "the prompt",
        Answer::new().tool("toolu_1", "grep", json!({"pattern": "needle"})).tool(
            "toolu_2",
            "glob",
            json!({"pattern": "a.*"}),
        ),
    );
    model.then("the results", |request| {
        assert_eq!(request.tool_result("toolu_1"), "a.txt:1:needle\n");
        assert_eq!(request.tool_result("toolu_2"), "a.txt\n");
        Answer::say("Found.")
    });
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("ask");
    assert_eq!(client.ask(&session, "Find it.")["stopReason"], "end_turn");
}

/// The model asks for diagnostics, once.
fn diagnosing_model(look: impl FnOnce(String) + Send + 'static) -> Model {
    let model = Model::start();
    model.answer("the prompt", Answer::call("toolu_1", "diagnostics", json!({"path": "a.rs"})));
    model.then("the diagnostics", |request| {
        look(request.tool_result("toolu_1"));
        Answer::say("Seen.")
    });
    model
}

#[test]
fn the_editor_is_asked_for_its_diagnostics() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("a.rs", "fn main() {}\n");
    let model = diagnosing_model(|told| assert_eq!(told, "a.rs\n  1:4 warning: unused (editor: lint)\n"));
    let client = Client::start(&sandbox, Options::pillion().model(&model).diagnostics());
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "What is wrong?");
    let question = client.question("pillion/diagnostics/get");
    let uri = pillion_tests::options::uri(&path);
    assert_eq!(question.params, json!({"uri": uri}));
    let range = json!({"start": {"line": 0, "character": 3}, "end": {"line": 0, "character": 7}});
    let own = json!({"range": range, "severity": 1, "message": "ours", "source": "pillion"});
    let lint = json!({"range": range, "severity": 2, "message": "unused", "source": "lint"});
    client.answer(&question, json!({"diagnostics": [{"uri": uri, "diagnostics": [own, lint]}]}));
    client.wait_turn_ended(&session, &prompt.turn_id);
}

#[test]
fn an_editor_that_does_not_answer_is_not_waited_for() {
    let sandbox = Sandbox::new();
    sandbox.write("a.rs", "fn main() {}\n");
    let model = diagnosing_model(|told| {
        assert!(told.contains("(The editor's own diagnostics are missing: it did not answer within 2s)"), "{told}");
    });
    let client = Client::start(&sandbox, Options::pillion().model(&model).diagnostics());
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "What is wrong?");
    let question = client.question("pillion/diagnostics/get");
    client.wait_turn_ended(&session, &prompt.turn_id);
    client.wait_notification("$/cancelRequest", 0, |params| params["id"].is_string());
    client.answer(&question, Value::Null);
}

#[test]
fn a_client_that_offers_none_is_not_asked_and_the_plan_outlives_the_server() {
    let sandbox = Sandbox::new();
    let model = diagnosing_model(|told| assert!(told.contains("does not offer its own diagnostics"), "{told}"));
    let plan =
        json!({"todos": [{"content": "Read", "status": "completed"}, {"content": "Write", "status": "in_progress"}]});
    model.answer("the next prompt", Answer::call("toolu_2", "todo_write", plan));
    model.answer("the plan", Answer::say("Planned."));
    let options = Options::pillion().model(&model);
    let client = Client::start(&sandbox, options.clone());
    let session = client.new_session("plan");
    client.ask(&session, "What is wrong?");
    client.ask(&session, "Make a plan.");
    let entries = json!([
        {"content": "Read", "status": "completed", "priority": "medium"},
        {"content": "Write", "status": "in_progress", "priority": "medium"},
    ]);
    assert_eq!(client.updates(&session, "plan")[0]["update"]["entries"], entries);
    client.shutdown();
    let client = Client::start(&sandbox, options);
    client.call("pillion/session/load", json!({"sessionId": session}));
    let (_, plan) = client.wait_notification("pillion/session/update", 0, |params| {
        params["update"]["sessionUpdate"] == "plan" && params["replay"] == true
    });
    assert_eq!(plan["update"]["entries"], entries);
}
