//! The agent's edits, listed, accepted and taken back: on disk, in open documents, over a reload, and what the model is told.

use std::fs;

use pillion_tests::options::uri;
use pillion_tests::{Answer, Client, Model, Options, Sandbox};
use serde_json::{Value, json};

const REVERT: &str = "pillion/change/revert";

fn lines(from: usize, to: usize) -> String {
    (from..=to).map(|n| format!("line {n}\n")).collect()
}

/// A turn that reads `a.txt`, changes its lines 3 and 20, and makes `new.txt`.
fn edit(model: &Model) {
    let replace = |old: &str, new: &str| json!({"path": "a.txt", "old_string": old, "new_string": new});
    model.answer("the prompt", Answer::call("toolu_1", "read_file", json!({"path": "a.txt"})));
    model.answer(
        "the text",
        Answer::new()
            .tool("toolu_2", "edit_file", replace("line 3\n", "three\n"))
            .tool("toolu_3", "edit_file", replace("line 20\n", "twenty\nand more\n"))
            .tool("toolu_4", "write_file", json!({"path": "new.txt", "content": "made\n"})),
    );
    model.answer("the results", Answer::say("Done."));
}

fn list(client: &Client, session: &str) -> Vec<Value> {
    let list = client.call("pillion/change/list", json!({"sessionId": session}));
    list["changes"].as_array().expect("changes").clone()
}

/// `name state`, and the states of the hunks.
fn states(changes: &[Value]) -> Vec<String> {
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    changes
        .iter()
        .map(|change| {
            let name = word(&change["path"]).rsplit('/').next().expect("a name").to_owned();
            let hunks: Vec<String> =
                change["hunks"].as_array().expect("hunks").iter().map(|hunk| word(&hunk["state"])).collect();
            format!("{name} {} [{}]", word(&change["state"]), hunks.join(" "))
        })
        .collect()
}

#[test]
fn folders_that_were_made_for_a_file_go_with_it_where_they_are_empty() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("there/kept.txt", "kept\n");
    let write = |id: &str, path: &str| Answer::call(id, "write_file", json!({"path": path, "content": "made\n"}));
    model.answer("the prompt", write("toolu_1", "there/new/deep/a.txt"));
    model.answer("the first", write("toolu_2", "other/b.txt"));
    model.answer("the second", write("toolu_3", "there/c.txt"));
    model.answer("the third", Answer::say("Done."));
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("accept_edits");
    client.ask(&session, "Make them.");
    sandbox.write("other/theirs.txt", "somebody's\n");
    let turn = list(&client, &session)[0]["turnId"].clone();
    client.call(REVERT, json!({"sessionId": session, "turnId": turn}));
    assert!(!sandbox.path("there/new").exists(), "made for the file alone");
    assert!(sandbox.path("there/kept.txt").exists() && !sandbox.path("there/c.txt").exists());
    assert!(sandbox.path("other/theirs.txt").exists() && !sandbox.path("other/b.txt").exists());
}

#[test]
fn a_folder_that_was_made_goes_with_its_last_file_in_whatever_order_they_go() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("there/kept.txt", "kept\n");
    let write = |id: &str, path: &str| Answer::call(id, "write_file", json!({"path": path, "content": "made\n"}));
    let files = ["new/deep/a.txt", "new/b.txt", "new/deep/c.txt", "there/d.txt"];
    for (at, path) in files.iter().enumerate() {
        model.answer("a request of the turn", write(&format!("toolu_{at}"), path));
    }
    model.answer("the last result", Answer::say("Done."));
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("accept_edits");
    client.ask(&session, "Make them.");
    for (path, folders) in files.iter().zip([["new/deep", "new"], ["new/deep", "new"], ["", ""], ["", ""]]) {
        client.call(REVERT, json!({"sessionId": session, "path": sandbox.path(path)}));
        assert!(!sandbox.path(path).exists(), "{path}");
        for folder in folders.into_iter().filter(|folder| !folder.is_empty()) {
            assert!(sandbox.path(folder).exists(), "{folder} after {path}");
        }
    }
    assert!(!sandbox.path("new").exists() && sandbox.path("there/kept.txt").exists());
}

#[test]
fn a_hunk_a_file_and_a_turn_are_taken_back_and_the_model_is_told() {
    let sandbox = Sandbox::new();
    let before = lines(1, 30);
    let path = sandbox.write("a.txt", &before);
    let model = Model::start();
    edit(&model);
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("accept_edits");
    client.ask(&session, "Edit it.");
    let changes = list(&client, &session);
    assert_eq!(states(&changes), ["a.txt pending [pending pending]", "new.txt pending [pending]"]);
    let (turn, diff) = (changes[0]["turnId"].clone(), changes[0]["diff"].as_str().expect("a diff"));
    assert!(diff.contains("@@ -17,7 +17,8 @@\n line 17\n line 18\n line 19\n-line 20\n+twenty\n+and more\n"), "{diff}");
    assert_eq!((&changes[0]["kind"], &changes[1]["kind"]), (&json!("edit"), &json!("create")));

    let hunk = json!({"sessionId": session, "turnId": turn, "path": path, "hunk": 1});
    let reply = client.call(REVERT, hunk.clone());
    assert_eq!(states(reply["changes"].as_array().expect("changes")), ["a.txt pending [pending reverted]"]);
    let edited = before.replace("line 3\n", "three\n");
    assert_eq!(sandbox.read("a.txt"), edited);
    assert_eq!(client.refused(REVERT, hunk).data["kind"], "not_found");
    // Somebody writes at the other hunk's place.
    sandbox.write("a.txt", &edited.replace("three\n", "drei\n"));
    let refused = client.refused(REVERT, json!({"sessionId": session, "turnId": turn}));
    assert_eq!((refused.code, &refused.data["kind"]), (-32012, &json!("edited_since")), "{refused:?}");
    assert!(refused.message.contains("a.txt was edited since at line 3"), "{refused:?}");
    assert_eq!(sandbox.read("new.txt"), "made\n", "nothing of the turn is taken back");
    // Elsewhere it is no matter.
    sandbox.write("a.txt", &format!("first\n{edited}"));
    client.call(REVERT, json!({"sessionId": session, "turnId": turn}));
    assert_eq!(sandbox.read("a.txt"), format!("first\n{before}"));
    assert!(!sandbox.path("new.txt").exists());
    assert_eq!(states(&list(&client, &session)), ["a.txt reverted [reverted reverted]", "new.txt reverted [reverted]"]);

    model.then("the next prompt", |request| {
        let text = request.all_text();
        assert!(text.contains("took back edits of yours, all or in part, in: a.txt, new.txt."), "{text}");
        Answer::say("I see.")
    });
    client.ask(&session, "And now?");
}

#[test]
fn what_is_accepted_stays_and_a_session_that_goes_takes_its_changes_along() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("a.txt", &lines(1, 30));
    let model = Model::start();
    edit(&model);
    let options = Options::pillion().model(&model);
    let client = Client::start(&sandbox, options.clone());
    let session = client.new_session("accept_edits");
    client.ask(&session, "Edit it.");
    client.call("pillion/change/accept", json!({"sessionId": session, "path": uri(&path)}));
    assert_eq!(states(&list(&client, &session)), ["a.txt accepted [accepted accepted]", "new.txt pending [pending]"]);
    let accepted = sandbox.read("a.txt");
    client.shutdown();

    // The next server of that window.
    let client = Client::start(&sandbox, options);
    assert_eq!(client.refused("pillion/change/list", json!({"sessionId": session})).code, -32010);
    client.call("pillion/session/load", json!({"sessionId": session}));
    client.call(REVERT, json!({"sessionId": session}));
    assert_eq!(sandbox.read("a.txt"), accepted, "it is settled");
    assert!(!sandbox.path("new.txt").exists());
    let no_turn = client.refused(REVERT, json!({"sessionId": session, "path": path, "hunk": 0}));
    assert_eq!((no_turn.code, &no_turn.data["field"]), (-32602, &json!("turnId")));
    client.call("pillion/session/delete", json!({"sessionId": session}));
    assert_eq!(client.refused("pillion/change/list", json!({"sessionId": session})).code, -32010);
}

#[test]
fn open_documents_are_put_back_in_the_editor() {
    let sandbox = Sandbox::new();
    let before = lines(1, 30);
    let path = sandbox.write("a.txt", &before);
    let model = Model::start();
    edit(&model);
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    client.open(&path);
    let session = client.new_session("accept_edits");
    client.ask(&session, "Edit it.");
    // The person goes on elsewhere in the document, and has not saved.
    client.edit(&path, (27, 0), (27, 0), "typed ");
    let typed = client.document(&path).text;
    let disk = fs::read_to_string(&path).expect("the file");
    let reply = client.call(REVERT, json!({"sessionId": session, "path": path}));
    let document = client.document(&path);
    assert!(document.text.starts_with(&lines(1, 20)) && document.text.contains("typed line 27\n"), "{typed}");
    assert!(document.dirty, "unsaved text is not saved for the person");
    assert_eq!(fs::read_to_string(&path).expect("the file"), disk);
    assert!(reply["notes"][0].as_str().is_some_and(|note| note.contains("not on disk")), "{reply}");
    // An editor that takes no edit.
    client.refuse_edits();
    let file = sandbox.path("new.txt");
    client.open(&file);
    let refused = client.refused(REVERT, json!({"sessionId": session, "path": file}));
    assert_eq!(refused.data["kind"], "not_written", "{refused:?}");
    assert_eq!(sandbox.read("new.txt"), "made\n");
}

#[test]
fn a_running_turn_is_not_disturbed() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", &lines(1, 30));
    let model = Model::start();
    edit(&model);
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("accept_edits");
    client.ask(&session, "Edit it.");
    let edited = sandbox.read("a.txt");
    model.answer("a command", Answer::call("toolu_9", "bash", json!({"command": "make it"})));
    let prompt = client.prompt(&session, "Run it.");
    let question = client.question("pillion/session/request_permission");
    assert_eq!(client.refused(REVERT, json!({"sessionId": session})).data["kind"], "turn_running");
    assert_eq!(sandbox.read("a.txt"), edited);
    model.answer("the refusal", Answer::say("No."));
    client.choose(&question, "reject_once");
    client.wait_turn_ended(&session, &prompt.turn_id);
    client.call(REVERT, json!({"sessionId": session}));
    assert_eq!(sandbox.read("a.txt"), lines(1, 30));
}
