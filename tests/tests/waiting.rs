//! Commands that wait for input, from the outside: the row, the answer, what the model hears, the buttons of a plain
//! client.

use pillion_tests::task::id_of;
use pillion_tests::{Answer, Client, Model, Options, Sandbox};
use serde_json::{Value, json};

/// Asks for a name and for a confirmation, and says what it was given.
const WIZARD: &str = "read -rp 'Name: ' name; read -rp 'Create it? [Y/n] ' sure; echo \"made by $sure\"";

fn give(client: &Client, id: &str, text: &str) {
    assert_eq!(client.call("pillion/task/input", json!({"taskId": id, "text": text})), json!({}));
}

fn asks(client: &Client, id: &str, question: &str) -> Value {
    client.wait_task("the question", |task| {
        task["id"] == id && task["status"] == "waiting_for_input" && task["waitingFor"]["question"] == question
    })
}

#[test]
fn a_task_waits_on_each_question_and_goes_on_when_it_is_answered() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let id = id_of(&client.start_task(json!({"command": WIZARD, "stdin": "pty"})));
    let waiting = asks(&client, &id, "Name:");
    assert_eq!(
        waiting["waitingFor"],
        json!({"kind": "input", "question": "Name:", "holder": null, "options": [], "secret": false})
    );
    assert_eq!(waiting["runs"][0]["status"], "waiting_for_input");
    let at = client.mark();
    give(&client, &id, "Ada\n");
    client.wait_task_from(at, "it goes on", |task| task["id"] == id.as_str() && task["status"] == "running");
    let waiting = asks(&client, &id, "Create it? [Y/n]");
    let options = json!([{"label": "Y", "text": "Y\n"}, {"label": "n", "text": "n\n"}]);
    assert_eq!(waiting["waitingFor"]["options"], options);
    give(&client, &id, "Y\n");
    let ended = client.wait_task_end(&id);
    assert_eq!((&ended["status"], &ended["waitingFor"]), (&json!("succeeded"), &Value::Null));
    assert!(client.output(&id).ends_with("made by Y\n"));
}

#[test]
fn the_model_hears_the_question_once_and_never_the_answer() {
    const SECRET: &str = "correct-horse";
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let command = "read -rsp 'Passphrase: ' word; read -rp 'Sure? ' sure; echo \"unlocked with $word\"";
    let call = json!({"command": command, "stdin": "pty"});
    model.answer("the prompt", Answer::call("toolu_1", "background_run", call));
    model.answer("the started task", Answer::say("Started."));
    model.then("the first question", |request| {
        let block = request.notification_in_place();
        assert!(block.contains("<status>waiting_for_input</status>"), "{block}");
        assert!(block.contains("Passphrase:"), "{block}");
        Answer::say("The user is asked.")
    });
    model.then("the second question", |request| {
        assert!(request.notification_in_place().contains("Sure?"));
        Answer::say("Asked again.")
    });
    model.then("the end", |request| {
        let block = request.notification_in_place();
        assert!(block.contains("unlocked with"), "{block}");
        Answer::say("Unlocked.")
    });
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    client.ask(&session, "Unlock it.");
    let mut at = client.mark();
    for (question, answer) in [("Passphrase:", "correct-horse\n"), ("Sure?", "yes\n")] {
        let task = client.wait_task("the question", |task| task["waitingFor"]["question"] == question);
        let turn = client.wait_wake(at, &session);
        client.wait_turn_ended(&session, &turn);
        assert_eq!(task["waitingFor"]["secret"], question == "Passphrase:");
        at = client.mark();
        give(&client, task["id"].as_str().expect("an id"), answer);
    }
    let turn = client.wait_wake(at, &session);
    client.wait_turn_ended(&session, &turn);
    for request in model.requests() {
        assert!(!request.all_text().contains(SECRET), "{}", request.all_text());
    }
    let told: Vec<String> = model.wait_request(5).notification_blocks();
    assert_eq!(told.iter().filter(|block| block.contains("input: Passphrase:")).count(), 1);
}

#[test]
fn a_command_that_had_nobody_to_ask_says_so() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let id = client.start_command("printf 'Do you want to continue? [Y/n] '; read -r sure || exit 1");
    let ended = client.wait_task_end(&id);
    assert_eq!(ended["status"], "failed");
    assert_eq!(ended["wantedAnswer"], "Do you want to continue? [Y/n]");
}

#[test]
fn a_plain_client_is_asked_with_the_listed_answers_and_stop() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::plain());
    let start = |command: &str| {
        let arguments = json!([{"command": command, "stdin": "pty"}]);
        let reply =
            client.call("workspace/executeCommand", json!({"command": "pillion.task.start", "arguments": arguments}));
        id_of(&reply["task"])
    };
    let id = start(WIZARD);
    let question = client.question("window/showMessageRequest");
    assert_eq!(question.params["actions"], json!([{"title": "Stop"}]));
    let message = question.params["message"].as_str().expect("a message");
    assert!(message.contains("asks: Name:") && message.contains("pillion.task.input"), "{message}");
    client.answer(&question, Value::Null);
    let answer = json!({"command": "pillion.task.input", "arguments": ["Ada"]});
    client.call("workspace/executeCommand", answer);
    let question = client.question("window/showMessageRequest");
    assert_eq!(question.params["actions"], json!([{"title": "Y"}, {"title": "n"}, {"title": "Stop"}]));
    // Closed: no answer, and how to give one is said.
    let at = client.mark();
    client.answer(&question, Value::Null);
    client.wait_notification("window/showMessage", at, |params| {
        params["message"]
            .as_str()
            .is_some_and(|text| text.contains("Create it?") && text.contains("pillion.task.input"))
    });
    assert_eq!(client.task(&id)["status"], "waiting_for_input");
    client.call("workspace/executeCommand", json!({"command": "pillion.task.stop", "arguments": [id]}));
    wait_final(&client, &id);

    let id = start("read -rp 'Go on? (y/n) ' sure; echo \"<$sure>\"");
    let question = client.question("window/showMessageRequest");
    client.answer(&question, json!({"title": "y"}));
    assert_eq!(wait_final(&client, &id), "succeeded");
    let id = start("read -rp 'Go on? (y/n) ' sure");
    let question = client.question("window/showMessageRequest");
    client.answer(&question, json!({"title": "Stop"}));
    assert_eq!(wait_final(&client, &id), "killed");
}

/// The final status of a task; a plain client hears of it by the end of its progress.
fn wait_final(client: &Client, id: &str) -> String {
    let token = format!("pillion/{id}/1");
    client.wait_notification("$/progress", 0, |params| {
        params["token"] == token.as_str() && params["value"]["kind"] == "end"
    });
    client.task(id)["status"].as_str().expect("a status").to_owned()
}
