//! What the agent may do unasked, by mode; how questions are asked, answered, overtaken and withdrawn.

use pillion_tests::task::is_final;
use pillion_tests::{Answer, Client, Model, Options, Sandbox};
use serde_json::{Value, json};

const QUESTION: &str = "pillion/session/request_permission";

fn client(sandbox: &Sandbox, model: &Model) -> Client {
    Client::start(sandbox, Options::pillion().model(model))
}

fn bash(command: &str) -> Answer {
    Answer::call("toolu_1", "bash", json!({"command": command}))
}

#[test]
fn a_question_says_what_it_is_about_and_yes_runs_it() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", bash("touch made"));
    model.then("the result", |request| {
        assert!(!request.is_error("toolu_1"), "{}", request.tool_result("toolu_1"));
        Answer::say("Made.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Make it.");
    let question = client.question(QUESTION);
    let params = &question.params;
    assert_eq!(params["sessionId"], json!(session));
    assert!(params["questionId"].is_string(), "{params}");
    assert!(params.get("parentToolCallId").is_some(), "{params}");
    let call = &params["toolCall"];
    assert_eq!(
        (&call["toolCallId"], &call["name"], &call["kind"]),
        (&json!("toolu_1"), &json!("bash"), &json!("execute"))
    );
    assert_eq!(call["rawInput"]["command"], "touch made");
    assert!(call["title"].is_string() && call["content"].is_array(), "{call}");
    let options = params["options"].as_array().expect("options");
    for option in options {
        assert!(option["optionId"].is_string() && option["name"].is_string(), "{option}");
    }
    let kinds: Vec<_> = options.iter().map(|option| &option["kind"]).collect();
    for kind in ["allow_once", "allow_always", "reject_once"] {
        assert!(kinds.iter().any(|known| **known == kind), "{kind} among {kinds:?}");
    }
    let always = options.iter().find(|option| option["kind"] == "allow_always").expect("always");
    assert!(always["name"].to_string().contains("touch"), "it names the rule that it saves: {always}");
    assert!(!sandbox.path("made").exists(), "nothing runs before the answer");
    client.choose(&question, "allow_once");
    client.wait_turn_ended(&session, &prompt.turn_id);
    assert!(sandbox.path("made").exists());
}

#[test]
fn no_is_told_with_its_reason() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", bash("touch made"));
    model.then("the refusal", |request| {
        assert!(request.tool_result("toolu_1").contains("not in this folder"), "{}", request.tool_result("toolu_1"));
        Answer::say("I see.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Make it.");
    let question = client.question(QUESTION);
    let options = question.params["options"].as_array().expect("options");
    let no = options.iter().find(|option| option["kind"] == "reject_once").expect("a no");
    let outcome = json!({"outcome": "selected", "optionId": no["optionId"], "reason": "not in this folder"});
    client.answer(&question, json!({"outcome": outcome}));
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "end_turn");
    assert!(!sandbox.path("made").exists());
}

#[test]
fn a_prompt_during_a_question_answers_it_no_with_its_words() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", bash("touch made"));
    model.then("the refusal", |request| {
        assert!(request.all_text().contains("Use the other folder."), "{}", request.all_text());
        Answer::say("I see.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Make it.");
    let question = client.question(QUESTION);
    client.prompt(&session, "Use the other folder.");
    client.wait_turn_ended(&session, &prompt.turn_id);
    // Late, and so ignored.
    client.choose(&question, "allow_once");
    client.call("pillion/task/list", json!({}));
    assert!(!sandbox.path("made").exists());
}

#[test]
fn a_background_start_that_needs_permission_does_not_hold_the_turn() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("notes.txt", "the notes\n");
    model.answer("the prompt", Answer::call("toolu_1", "background_run", json!({"command": "touch made"})));
    model.answer("the task's id", Answer::call("toolu_2", "read_file", json!({"path": "notes.txt"})));
    model.then("the text", |request| {
        assert!(request.tool_result("toolu_2").contains("the notes"), "reads go on meanwhile");
        Answer::say("It waits for you.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Start it.");
    let question = client.question(QUESTION);
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "end_turn");
    let queued = client.wait_task("it is queued", |task| task["command"] == "touch made");
    assert_eq!((&queued["status"], &queued["waitingFor"]["kind"]), (&json!("queued"), &json!("permission")));
    let id = queued["id"].as_str().expect("an id");
    let result = model.wait_request(2).tool_result("toolu_1");
    assert!(result.contains(id), "the id comes at once: {result}");
    assert!(!sandbox.path("made").exists());
    model.answer("the end", Answer::say("Made."));
    let at = client.mark();
    client.choose(&question, "allow_once");
    let ended = client.wait_task_end(id);
    assert_eq!((&ended["status"], &ended["waitingFor"]), (&json!("succeeded"), &Value::Null));
    assert!(sandbox.path("made").exists());
    let turn = client.wait_wake(at, &session);
    client.wait_turn_ended(&session, &turn);
    assert_eq!(model.wait_request(4).notified(id, 1), 1);
}

#[test]
fn no_to_a_background_start_is_a_notification() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::call("toolu_1", "background_run", json!({"command": "touch made"})));
    model.answer("the task's id", Answer::say("It waits for you."));
    let client = client(&sandbox, &model);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Start it.");
    let question = client.question(QUESTION);
    client.wait_turn_ended(&session, &prompt.turn_id);
    model.then("the refusal", |request| {
        request.notification_in_place();
        Answer::say("I see.")
    });
    let at = client.mark();
    client.choose(&question, "reject_once");
    let turn = client.wait_wake(at, &session);
    client.wait_turn_ended(&session, &turn);
    let task = client.wait_task("its end", |task| task["command"] == "touch made" && is_final(task));
    assert_ne!(task["status"], "succeeded");
    assert_eq!(model.wait_request(3).notified(task["id"].as_str().expect("an id"), 1), 1);
    assert!(!sandbox.path("made").exists());
}

#[test]
fn asking_again_for_the_same_command_joins_the_open_question() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::call("toolu_1", "background_run", json!({"command": "touch made"})));
    model.answer("the first id", Answer::call("toolu_2", "background_run", json!({"command": "touch made"})));
    model.answer("the second answer", Answer::say("It waits for you."));
    let client = client(&sandbox, &model);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Start it.");
    // A second question would fail the test at its end.
    let question = client.question(QUESTION);
    client.wait_turn_ended(&session, &prompt.turn_id);
    let task = client.wait_task("it is queued", |task| task["command"] == "touch made");
    let result = model.wait_request(3).tool_result("toolu_2");
    assert!(result.contains(task["id"].as_str().expect("an id")), "the same task: {result}");
    model.answer("the end", Answer::say("Made."));
    let at = client.mark();
    client.choose(&question, "allow_once");
    let turn = client.wait_wake(at, &session);
    client.wait_turn_ended(&session, &turn);
}

#[test]
fn always_is_remembered_listed_and_can_be_taken_back() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    for number in 1..=3 {
        let call = Answer::call(&format!("toolu_{number}"), "bash", json!({"command": "touch made"}));
        model.answer("a prompt", call).answer("its result", Answer::say("Done."));
    }
    let client = client(&sandbox, &model);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Make it.");
    client.choose(&client.question(QUESTION), "allow_always");
    client.wait_turn_ended(&session, &prompt.turn_id);
    // A question would stay open, and the turn with it.
    client.ask(&session, "Again.");
    let rules = client.call("pillion/permission/list", json!({}))["rules"].clone();
    assert!(rules.as_array().is_some_and(|rules| rules.len() == 1), "{rules}");
    assert!(rules.to_string().contains("touch"), "{rules}");
    let rule = rules[0].clone();
    let params = if rule.is_object() { rule } else { json!({"rule": rule}) };
    client.call("pillion/permission/remove", params);
    assert_eq!(client.call("pillion/permission/list", json!({}))["rules"], json!([]));
    let prompt = client.prompt(&session, "Once more.");
    client.choose(&client.question(QUESTION), "allow_once");
    client.wait_turn_ended(&session, &prompt.turn_id);
}

#[test]
fn auto_asks_nothing() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer(
        "the prompt",
        bash("touch made").tool("toolu_2", "write_file", json!({"path": "new.txt", "content": "new\n"})),
    );
    model.answer("the results", Answer::say("Done."));
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    client.ask(&session, "Make both.");
    assert!(sandbox.path("made").exists());
    assert_eq!(sandbox.read("new.txt"), "new\n");
}

#[test]
fn accept_edits_asks_for_commands_alone() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::call("toolu_1", "write_file", json!({"path": "new.txt", "content": "new\n"})));
    model.answer("the result", Answer::call("toolu_2", "bash", json!({"command": "touch made"})));
    model.answer("the second result", Answer::say("Done."));
    let client = client(&sandbox, &model);
    let session = client.new_session("accept_edits");
    let prompt = client.prompt(&session, "Make both.");
    let question = client.question(QUESTION);
    assert_eq!(question.params["toolCall"]["toolCallId"], "toolu_2");
    client.choose(&question, "allow_once");
    client.wait_turn_ended(&session, &prompt.turn_id);
    assert_eq!(sandbox.read("new.txt"), "new\n");
}

#[test]
fn plan_only_reads_and_a_mode_can_be_left() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("notes.txt", "the notes\n");
    let write = json!({"path": "new.txt", "content": "new\n"});
    model.answer(
        "the prompt",
        Answer::call("toolu_1", "read_file", json!({"path": "notes.txt"})).tool("toolu_2", "write_file", write.clone()),
    );
    model.then("the results", |request| {
        assert!(!request.is_error("toolu_1"));
        assert!(request.is_error("toolu_2"), "{}", request.tool_result("toolu_2"));
        Answer::say("I only plan.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("plan");
    client.ask(&session, "Plan it.");
    assert!(!sandbox.path("new.txt").exists());
    // The tools and the system text stay what they were: the model server checks it.
    assert_eq!(client.call("pillion/session/set_mode", json!({"sessionId": session, "mode": "auto"})), json!({}));
    model.answer("the next prompt", Answer::call("toolu_3", "write_file", write));
    model.answer("the result", Answer::say("Done."));
    client.ask(&session, "Do it.");
    assert_eq!(sandbox.read("new.txt"), "new\n");
}

#[test]
fn cancelling_a_turn_withdraws_its_question() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", bash("touch made"));
    let client = client(&sandbox, &model);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Make it.");
    // Seen in the log, and left in the editor: the withdrawal must take it away.
    client.wait_for("the question", 0, |message| (message.method() == Some(QUESTION)).then_some(()));
    client.notify("pillion/session/cancel", json!({"sessionId": session}));
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "cancelled");
    client.wait_notification("$/cancelRequest", 0, |_| true);
    assert!(!sandbox.path("made").exists());
}

#[test]
fn the_start_mode_comes_from_the_settings() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let settings = json!({"permissions": {"mode": "plan"}});
    let client = Client::start(&sandbox, Options::pillion().model(&model).settings(settings));
    let session = client.call("pillion/session/new", json!({}));
    assert_eq!(session["mode"], "plan");
    let modes: Vec<_> = session["modes"].as_array().into_iter().flatten().map(|mode| &mode["id"]).collect();
    assert_eq!(modes, ["ask", "accept_edits", "plan", "auto"]);
    assert!(session["modes"].as_array().into_iter().flatten().all(|mode| mode["name"].is_string()), "{session}");
    let settings = json!({"settings": {"pillion": {"permissions": {"mode": "ask"}}}});
    client.notify("workspace/didChangeConfiguration", settings);
    assert_eq!(client.call("pillion/session/new", json!({}))["mode"], "ask", "settings are live");
}

/// A plain client whose model wants to run `touch made`, and the request that asks its person.
fn plain_question(sandbox: &Sandbox, model: &Model) -> (Client, pillion_tests::connection::Question) {
    model.answer("the prompt", bash("touch made")).answer("the result", Answer::say("Made."));
    let client = Client::start(sandbox, Options::plain().model(model));
    let session = client.new_session("ask");
    client.prompt(&session, "Make it.");
    let question = client.question("window/showMessageRequest");
    assert!(question.params["message"].as_str().is_some_and(|text| text.contains("touch made")), "{question:?}");
    (client, question)
}

#[test]
fn a_plain_client_is_asked_with_buttons() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let (client, question) = plain_question(&sandbox, &model);
    let actions = question.params["actions"].as_array().expect("buttons");
    let yes = actions.iter().find(|action| action["title"] == "Yes").expect("a button that says Yes");
    client.answer(&question, yes.clone());
    model.wait_request(2);
    assert!(sandbox.path("made").exists());
}

#[test]
fn a_closed_box_is_no_answer_and_a_command_answers_later() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let (client, question) = plain_question(&sandbox, &model);
    client.answer(&question, Value::Null);
    // The question stays open, and the person is told how to answer it.
    client.wait_notification("window/showMessage", question.index, |params| {
        params["message"].as_str().is_some_and(|text| text.contains("touch made"))
    });
    assert_eq!(model.requests().len(), 1, "null is never no");
    client.call("workspace/executeCommand", json!({"command": "pillion.allow"}));
    model.wait_request(2);
    assert!(sandbox.path("made").exists());
}

/// A client whose model calls `bash` with each of these in turn, one prompt for each.
fn calling(sandbox: &Sandbox, model: &Model, commands: &[&str]) -> Client {
    for (number, command) in commands.iter().enumerate() {
        let call = Answer::call(&format!("toolu_{number}"), "bash", json!({"command": command}));
        model.answer("a prompt", call).answer("its result", Answer::say("Done."));
    }
    client(sandbox, model)
}

/// The names of the options of a kind.
fn named<'a>(question: &'a pillion_tests::connection::Question, kind: &str) -> Vec<&'a str> {
    let options = question.params["options"].as_array().into_iter().flatten();
    options.filter(|option| option["kind"] == kind).filter_map(|option| option["name"].as_str()).collect()
}

/// Answers with the option of that id.
fn take(client: &Client, question: &pillion_tests::connection::Question, option: &str) {
    client.answer(question, json!({"outcome": {"outcome": "selected", "optionId": option}}));
}

#[test]
fn reading_commands_are_free_and_each_part_of_another_is_judged() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("a.txt", "one\n");
    let commands = ["cat a.txt | wc -l && ls", "ls; touch made > log.txt", "cat ../outside.txt", "cat .env"];
    let client = calling(&sandbox, &model, &commands);
    let session = client.new_session("ask");
    client.ask(&session, "Look.");
    for why in ["It writes a file: ", "It reads outside the workspace: ", "It reads a file that may hold secrets: "] {
        let prompt = client.prompt(&session, "Next.");
        let question = client.question(QUESTION);
        assert!(question.params["reason"].as_str().is_some_and(|reason| reason.contains(why)), "{why}: {question:?}");
        assert_eq!(named(&question, "allow_always"), [""; 0]);
        take(&client, &question, "reject_once");
        client.wait_turn_ended(&session, &prompt.turn_id);
    }
    assert!(!sandbox.path("made").exists());
}

#[test]
fn always_saves_the_prefix_that_it_names_and_no_more() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let client = calling(&sandbox, &model, &["mkdir one", "mkdir two", "mkdir three && touch made", "mkdir ../four"]);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Make it.");
    let question = client.question(QUESTION);
    assert_eq!(named(&question, "allow_always"), ["Always allow `mkdir *`"]);
    take(&client, &question, "allow_always");
    client.wait_turn_ended(&session, &prompt.turn_id);
    client.ask(&session, "And two.");
    assert!(sandbox.path("two").exists(), "the rule stands for it");
    let rules = client.call("pillion/permission/list", json!({}))["rules"].clone();
    assert_eq!(
        rules,
        json!([{"rule": "bash(mkdir *)", "decision": "allow", "source": "saved", "script": null}]),
        "exactly the rule that was shown"
    );
    let prompt = client.prompt(&session, "And three.");
    let question = client.question(QUESTION);
    assert_eq!(question.params["reason"], "It runs `touch made`.");
    take(&client, &question, "allow_once");
    client.wait_turn_ended(&session, &prompt.turn_id);
    let prompt = client.prompt(&session, "And four.");
    take(&client, &client.question(QUESTION), "reject_once");
    client.wait_turn_ended(&session, &prompt.turn_id);
    assert!(!sandbox.path("../four").exists());
}

#[test]
fn what_destroys_is_asked_about_in_every_mode() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write_config("[permissions]\nallow = [\"bash\"]\n");
    let commands = ["git push --force", "true && rm -rf ..", "cat $(echo \"a"];
    let client = calling(&sandbox, &model, &commands);
    let session = client.new_session("auto");
    for why in ["overwrites or removes what is on the server", "It removes everything", "It cannot be understood"] {
        let prompt = client.prompt(&session, "Do it.");
        let question = client.question(QUESTION);
        assert!(question.params["reason"].as_str().is_some_and(|reason| reason.contains(why)), "{why}: {question:?}");
        assert_eq!(named(&question, "allow_always"), [""; 0]);
        take(&client, &question, "reject_once");
        client.wait_turn_ended(&session, &prompt.turn_id);
    }
}

#[test]
fn a_repository_can_tighten_and_never_loosen() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write_config("[permissions]\nallow = [\"bash(touch *)\", \"bash(mkdir *)\", \"cargo\"]\n");
    sandbox.write(
        ".pillion/config.toml",
        "[permissions]\ndeny = [\"bash(touch *)\"]\nallow = [\"bash\"]\nmode = \"auto\"\n\n[model]\nname = \"x\"\n",
    );
    let settings = json!({"permissions": {"allow": ["bash"]}});
    model.answer("the prompt", bash("touch made")).answer("the refusal", Answer::say("I see."));
    model
        .answer("the next", Answer::call("toolu_2", "bash", json!({"command": "mkdir made"})))
        .answer("the result", Answer::say("Made."));
    let client = Client::start(&sandbox, Options::pillion().model(&model).settings(settings));
    let said = |text: &str| {
        client.wait_notification("window/showMessage", 0, |params| {
            params["message"].as_str().is_some_and(|message| message.contains(text))
        });
    };
    for text in [
        "config.toml:3: `permissions.allow` is not taken from a workspace's own file",
        "config.toml:4: `permissions.mode` is not taken from a workspace's own file",
        "config.toml:7: `model.name` is not taken from a workspace's own file",
        "`permissions.allow` is not taken from an editor",
        "config.toml:2: `cargo` is none of `bash`, `edit` and `read`",
    ] {
        said(text);
    }
    let session = client.new_session("ask");
    client.ask(&session, "Make it.");
    assert!(!sandbox.path("made").exists(), "deny wins over the person's own allow");
    client.ask(&session, "Make the folder.");
    assert!(sandbox.path("made").is_dir(), "the person's own rule holds");
    let rules = client.call("pillion/permission/list", json!({}))["rules"].clone();
    let rows: Vec<String> = rules
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            format!("{} {}", row["decision"].as_str().unwrap_or_default(), row["rule"].as_str().unwrap_or_default())
        })
        .collect();
    assert_eq!(rows, ["allow bash(touch *)", "allow bash(mkdir *)", "deny bash(touch *)"]);
    let refused = client.refused("pillion/permission/remove", json!({"rule": "bash(mkdir *)"}));
    assert_eq!(refused.data["kind"], "not_saved", "{refused:?}");
}

#[test]
fn the_projects_commands_are_offered_together_until_a_script_changes() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let manifest = |test: &str| format!(r#"{{"scripts":{{"test":"{test}","lint":"echo lint"}}}}"#);
    sandbox.write("package.json", &manifest("echo one"));
    sandbox.write("Makefile", "build:\n\techo built\n");
    let client = calling(&sandbox, &model, &["make build", "make build", "npm test"]);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Build.");
    let question = client.question(QUESTION);
    assert_eq!(
        named(&question, "allow_always"),
        ["Always allow `make build`", "Always allow this project's commands: `npm test`, `make build`, `npm run lint`"]
    );
    assert_eq!(question.params["reason"], "`make build` runs this project's script: echo built");
    take(&client, &question, "allow_always_2");
    client.wait_turn_ended(&session, &prompt.turn_id);
    let rules = client.call("pillion/permission/list", json!({}))["rules"].clone();
    assert_eq!(rules[0]["rule"], "bash(npm test)");
    assert_eq!(rules[0]["script"], "test: echo one\n");
    client.ask(&session, "Again.");
    sandbox.write("package.json", &manifest("echo two"));
    let prompt = client.prompt(&session, "Test.");
    let question = client.question(QUESTION);
    let reason = question.params["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("which has changed since it was allowed: echo two"), "{reason}");
    take(&client, &question, "reject_once");
    client.wait_turn_ended(&session, &prompt.turn_id);
}

#[test]
fn plan_runs_commands_that_only_read() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("a.txt", "one\n");
    model.answer("the prompt", bash("grep -c one a.txt"));
    model.then("the result", |request| {
        assert!(!request.is_error("toolu_1"), "{}", request.tool_result("toolu_1"));
        Answer::call("toolu_2", "bash", json!({"command": "touch made"}))
    });
    model.then("the refusal", |request| {
        assert!(request.is_error("toolu_2"));
        Answer::say("I only plan.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("plan");
    client.ask(&session, "Plan it.");
    assert!(!sandbox.path("made").exists());
}

#[test]
fn a_link_is_what_it_leads_to() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let outside = sandbox.base().join("home/private.txt");
    std::fs::write(&outside, "a secret of mine\n").expect("a file");
    std::os::unix::fs::symlink(&outside, sandbox.path("notes.txt")).expect("a link");
    sandbox.write("plain.txt", "nothing special\n");
    model.answer("the prompt", bash("cat plain.txt"));
    model.then("the plain file", |request| {
        assert!(request.tool_result("toolu_1").contains("nothing special"));
        Answer::call("toolu_2", "bash", json!({"command": "cat notes.txt"}))
    });
    model.then("the refusal", |request| {
        assert!(!request.all_text().contains("a secret of mine"));
        Answer::say("I see.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Read both.");
    let question = client.question(QUESTION);
    assert_eq!(question.params["toolCall"]["rawInput"]["command"], "cat notes.txt", "only this one is asked about");
    assert!(question.params.to_string().contains("private.txt"), "it says where the link leads: {}", question.params);
    client.choose(&question, "reject_once");
    client.wait_turn_ended(&session, &prompt.turn_id);
}
