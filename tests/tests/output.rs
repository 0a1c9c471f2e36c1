//! Output as it is kept and shown: what a command cuts from its own file, what is too much, what is old, and what bars
//! and redrawn lines come to.

use std::fs::File;
use std::time::{Duration, Instant, SystemTime};

use pillion_tests::task::id_of;
use pillion_tests::{Client, DEADLINE, Options, Sandbox};
use serde_json::json;

#[test]
fn offsets_go_on_after_a_command_cut_its_own_output() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let (first, second) = (sandbox.gate("first"), sandbox.gate("second"));
    let id = client.start_command(&format!(
        "echo a first line; {}; : > /dev/stderr; echo second; {}; echo third > /dev/stdout",
        first.wait(),
        second.wait()
    ));
    client.wait_task("the first line", |task| task["id"] == id && task["output"]["bytes"] == 13);
    first.open();
    let task = client.wait_task("the second", |task| task["id"] == id && task["output"]["lastLine"] == "second");
    assert_eq!((&task["output"]["bytes"], &task["output"]["truncated"]), (&json!(20), &json!(true)));
    let page = client.call("pillion/task/output", json!({"taskId": id, "offset": 0}));
    let expected =
        json!({"text": "second\n", "offset": 13, "skipped": 13, "nextOffset": 20, "totalBytes": 20, "eof": true});
    assert_eq!(page, expected);
    second.open();
    let ended = client.wait_task_end(&id);
    assert_eq!((&ended["output"]["bytes"], &ended["output"]["lines"]), (&json!(26), &json!(3)));
    // From where the last page ended, and nothing twice.
    let page = client.call("pillion/task/output", json!({"taskId": id, "offset": 20}));
    let expected =
        json!({"text": "third\n", "offset": 20, "skipped": 0, "nextOffset": 26, "totalBytes": 26, "eof": true});
    assert_eq!(page, expected);
    let tail = client.call("pillion/task/output", json!({"taskId": id, "tail": 9}));
    assert_eq!((&tail["text"], &tail["totalBytes"]), (&json!("third\n"), &json!(26)));
}

#[test]
fn bars_and_redrawn_lines_show_how_they_stand() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let gate = sandbox.gate("go");
    let bar = r"printf '\r[==    ] 10%%'; printf '\r[====  ] 66%%'";
    let lines = r"printf '\r\033[Ka: 1\nb: 1\n\033[2A\033[2Ka: 2\n\033[2Kb: \0\377\n'";
    let id = client.start_command(&format!("{bar}; {}; {lines}", gate.wait()));
    let task = client.wait_task("the bar", |task| task["id"] == id && task["output"]["lastLine"] == "[====  ] 66%");
    assert_eq!((&task["progress"]["percent"], &task["output"]["lines"]), (&json!(66), &json!(1)));
    gate.open();
    let ended = client.wait_task_end(&id);
    assert_eq!(client.output(&id), "a: 2\nb: \u{fffd}\n");
    let raw = std::fs::read(ended["output"]["path"].as_str().expect("a path")).expect("the raw output");
    assert!(raw.ends_with(b"b: \0\xff\n") && raw.starts_with(b"\r[=="), "{}", raw.escape_ascii());
    assert_eq!(ended["output"]["bytes"], raw.len());
}

#[test]
fn outputs_have_a_total() {
    let sandbox = Sandbox::new();
    let settings = json!({"background": {"outputCapBytes": 1_000_000, "outputTotalBytes": 1_000_000}});
    let client = Client::start(&sandbox, Options::pillion().settings(settings));
    let first = client.start_command("head -c 700000 /dev/zero");
    assert_eq!(client.wait_task_end(&first)["status"], "succeeded");
    // It has less than its own cap: what the first one left.
    let second = client.start_command("head -c 600000 /dev/zero; while :; do sleep 1; done");
    let ended = client.wait_task_end(&second);
    assert_eq!((&ended["status"], &ended["stoppedBy"]), (&json!("killed"), &json!("limit")));
    assert_eq!((&ended["output"]["bytes"], &ended["output"]["truncated"]), (&json!(600_000), &json!(true)));
    let third = client.wait_task_end(&client.start_command("true"));
    assert_eq!(third["status"], "failed");
    let why = third["summary"].as_str().unwrap_or_default();
    assert!(why.contains("no room") && why.contains("background.outputTotalBytes"), "{third}");
}

#[test]
fn an_old_output_is_removed_and_says_so() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let gate = sandbox.gate("go");
    let (old, living) =
        (client.start_command("echo old"), client.start_command(&format!("echo here; {}", gate.wait())));
    let ended = client.wait_task_end(&old);
    let running = client.wait_task("its line", |task| task["id"] == living && task["output"]["lastLine"] == "here");
    for task in [&ended, &running] {
        let file = File::open(task["output"]["path"].as_str().expect("a path")).expect("the output");
        file.set_modified(SystemTime::now() - Duration::from_secs(3 * 24 * 3600)).expect("an old file");
        let folder = std::path::Path::new(task["output"]["path"].as_str().expect("a path")).parent().expect("a folder");
        let folder = File::open(folder).expect("the run's folder");
        folder.set_modified(SystemTime::now() - Duration::from_secs(3 * 24 * 3600)).expect("an old folder");
    }
    client.notify(
        "workspace/didChangeConfiguration",
        json!({"settings": {"pillion": {"background": {"keepOutputDays": 2}}}}),
    );
    let end = Instant::now() + DEADLINE;
    let page = loop {
        let page = client.call("pillion/task/output", json!({"taskId": old, "offset": 0}));
        if page["text"] != "old\n" {
            break page;
        }
        assert!(Instant::now() < end, "nothing removed it");
    };
    assert!(page["text"].as_str().is_some_and(|text| text.contains("its 4 bytes were removed")), "{page}");
    assert_eq!((&page["skipped"], &page["totalBytes"], &page["eof"]), (&json!(4), &json!(4), &json!(true)));
    assert_eq!(client.task(&old)["output"]["bytes"], 4, "the row stays");
    assert_eq!(client.output(&living), "here\n", "what is alive stays");
    gate.open();
    assert_eq!(client.wait_task_end(&id_of(&running))["status"], "succeeded");
}
