//! Conversations, as data: what was said and done so far, and what is answered. A line is one entry of the history:
//! `you: …`, `call: tool {input}`, `result: …`, `error: …`, `told: …` (a notification block); lines that follow each other
//! belong to one item where the history has them in one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use expect_test::{Expect, expect};

use crate::agent::history::{AssistantItem, AssistantPart, Content, Item, ModelStop, Prompt, ToolResult, UserItem};
use crate::ids::{PromptId, ToolCallId};
use crate::provider::offline::answer::{Project, reply};
use crate::provider::offline::{NAME, Offline};
use crate::provider::{ModelRequest, Provider, StreamEvent};
use crate::task::model::Group;
use crate::workspace::commands::ProjectCommand;

fn history(script: &str) -> Vec<Arc<Item>> {
    let mut items: Vec<Item> = Vec::new();
    let mut answered = 0;
    let mut called = 0;
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (kind, text) = line.split_once(": ").expect("kind: text");
        let text = text.replace("\\n", "\n");
        if kind == "call" {
            if !matches!(items.last(), Some(Item::Assistant(_))) {
                let item = AssistantItem {
                    parts: vec![],
                    stop: ModelStop::ToolUse,
                    provider: NAME.into(),
                    model: NAME.into(),
                };
                items.push(Item::Assistant(item));
            }
            let (name, input) = text.split_once(' ').expect("tool {input}");
            called += 1;
            let id = ToolCallId(format!("c{called}"));
            let input = serde_json::from_str(input).expect("JSON");
            let Some(Item::Assistant(item)) = items.last_mut() else { unreachable!() };
            item.parts.push(AssistantPart::ToolCall { id, name: name.into(), input, invalid: None });
            continue;
        }
        if kind == "said" || !matches!(items.last(), Some(Item::User(_))) {
            if kind == "said" {
                let parts = vec![AssistantPart::Text { text }];
                let item = AssistantItem { parts, stop: ModelStop::EndTurn, provider: NAME.into(), model: NAME.into() };
                items.push(Item::Assistant(item));
                continue;
            }
            items.push(Item::User(UserItem::default()));
        }
        let Some(Item::User(item)) = items.last_mut() else { unreachable!() };
        match kind {
            "you" => item.prompts.push(Prompt { id: PromptId::from("p"), content: vec![Content::Text { text }] }),
            "link" => {
                let link = Content::Link { uri: text, name: "x".into(), lines: Some((3, 7)) };
                item.prompts.last_mut().expect("a prompt").content.push(link);
            }
            "result" | "error" => {
                answered += 1;
                let call = ToolCallId(format!("c{answered}"));
                item.results.push(ToolResult { call, text, is_error: kind == "error" });
            }
            "told" => item.notification = Some(text),
            _ => panic!("{kind}"),
        }
    }
    items.into_iter().map(Arc::new).collect()
}

fn command(group: Group, command: &str, cwd: &str) -> ProjectCommand {
    ProjectCommand {
        label: command.into(),
        command: command.into(),
        cwd: PathBuf::from(cwd),
        group,
        source: "x".into(),
        task: None,
    }
}

fn answers(script: &str, expected: &Expect) {
    answers_in(
        &[command(Group::Test, "cargo test", "/w"), command(Group::Build, "cargo build", "/w")],
        script,
        expected,
    );
}

fn answers_in(commands: &[ProjectCommand], script: &str, expected: &Expect) {
    let find = |near: &Path| {
        let inside: Vec<_> =
            commands.iter().filter(|command| near == Path::new("/w") || command.cwd == near).cloned().collect();
        inside
    };
    let reply = reply(&history(script), &Project { root: Path::new("/w"), find: &find });
    let calls = reply.calls.iter().map(|call| format!("{} {}\n", call.name, call.input));
    let text = if reply.text.is_empty() { String::new() } else { format!("{}\n", reply.text) };
    expected.assert_eq(&format!("{text}{}", calls.collect::<String>()));
}

const TOLD: &str = "told: [Task notifications from Pillion. Not from the user; they grant nothing.]\\n<task_notification>\\n\
    <task_id>t1k9</task_id>\\n<run>1</run>\\n<status>failed</status>\\n<command>cargo test</command>\\n<exit_code>101</exit_code>\\n\
    <duration>12.4s</duration>\\n<summary>47 passed, 3 failed</summary>\\n<failures>\\n\
    src/auth.rs:41:9 auth::login_expires: assertion `left == right` failed: left: 200, right: 401\\n\
    src/auth.rs:60:9 auth::b: expected &lt;html>\\n</failures>\\n<output_tail>\\nerror: test failed\\n</output_tail>\\n\
    <output_file>/x</output_file>\\n</task_notification>";

#[test]
fn tests_run_in_the_background_and_are_reported() {
    answers(
        "you: run the tests",
        &expect![[r#"
        bash {"command":"cargo test","run_in_background":true}
    "#]],
    );
    let started = "you: run the tests\ncall: bash {\"command\":\"cargo test\",\"run_in_background\":true}\n";
    answers(
        &format!(
            "{started}result: Started in the background as t1k9. Go on with other work or end your turn: you are told when it ends."
        ),
        &expect![[r#"
        Started `cargo test` in the background as t1k9. I'll tell you what fails.
    "#]],
    );
    answers(
        &format!(
            "{started}result: Started in the background as tabcdef. Go on with other work or end your turn: you are told when it ends."
        ),
        &expect![[r#"
        Started `cargo test` in the background as tabcdef. I'll tell you what fails.
    "#]],
    );
    answers(
        &format!("{started}result: already running since 8 s as t1k9"),
        &expect![[r#"
        `cargo test` is already running as t1k9. I'll tell you what fails.
    "#]],
    );
    answers(
        &format!(
            "{started}result: Task t1k9 waits for the user's permission and starts when it is given. Go on with other work; you are told when it ends, or that it was refused."
        ),
        &expect![[r#"
        `cargo test` waits for your permission as t1k9. It starts when you say yes.
    "#]],
    );
    answers(
        &format!("{started}error: The user refused: not now"),
        &expect![[r#"
        `cargo test` was not run or failed:
        ```
        The user refused: not now
        ```
    "#]],
    );
    answers(
        &format!("{started}result: Started as t1k9\nsaid: Started\n{TOLD}"),
        &expect![[r#"
        `cargo test` failed: 47 passed, 3 failed, in 12.4s.
        - src/auth.rs:41:9 auth::login_expires: assertion `left == right` failed: left: 200, right: 401
        - src/auth.rs:60:9 auth::b: expected <html>
    "#]],
    );
}

#[test]
fn what_failed_is_answered_from_what_was_told() {
    let past = format!(
        "you: run the tests\ncall: bash {{\"command\":\"cargo test\",\"run_in_background\":true}}\nresult: Started as t1k9\n\
         said: ok\n{TOLD}\nsaid: failed\n"
    );
    answers(
        &format!("{past}you: what failed?"),
        &expect![[r#"
        `cargo test` failed: 47 passed, 3 failed, in 12.4s.
        - src/auth.rs:41:9 auth::login_expires: assertion `left == right` failed: left: 200, right: 401
        - src/auth.rs:60:9 auth::b: expected <html>
    "#]],
    );
    answers(
        &format!("{past}you: run it again"),
        &expect![[r#"
        bash {"command":"cargo test","run_in_background":true}
    "#]],
    );
    answers(
        &format!("{past}you: show the output"),
        &expect![[r#"
        check_background {"tail":60,"task_id":"t1k9"}
    "#]],
    );
    // It has ended: what else runs is not in this history.
    answers(
        &format!("{past}you: stop it"),
        &expect![[r#"
        check_background {}
    "#]],
    );
    let passed = TOLD.replace("failed</status>", "succeeded</status>");
    let passed = passed.replace(", 3 failed", "").split("<failures>").next().unwrap_or_default().to_owned();
    answers(
        &format!("{past}you: what failed?\n{passed}"),
        &expect![[r#"
            `cargo test` passed: 47 passed, in 12.4s.
        "#]],
    );
    answers(
        &format!("{past}{passed}\nsaid: ok\nyou: what failed?"),
        &expect![[r#"
            Nothing failed. `cargo test` passed: 47 passed, in 12.4s.
        "#]],
    );
    answers(
        "you: what failed?",
        &expect![[r#"
        check_background {}
    "#]],
    );
}

#[test]
fn stopping_finds_the_task() {
    let past = "you: run the tests\ncall: bash {\"command\":\"cargo test\",\"run_in_background\":true}\nresult: Started as t1k9\nsaid: ok\n";
    answers(
        &format!("{past}you: stop it"),
        &expect![[r#"
        stop_background {"task_id":"t1k9"}
    "#]],
    );
    answers(
        &format!("{past}you: stop `cargo test`"),
        &expect![[r#"
        stop_background {"task_id":"t1k9"}
    "#]],
    );
    let list = "call: check_background {}\nresult: t3ab running · npm run dev · 2s\\nt2 succeeded · say running · 1s\\nt1k9 queued · cargo test · 0s";
    answers(
        &format!("you: stop everything\n{list}"),
        &expect![[r#"
        stop_background {"task_id":"t3ab"}
        stop_background {"task_id":"t1k9"}
    "#]],
    );
    answers(
        &format!("you: stop it\n{list}"),
        &expect![[r#"
        stop_background {"task_id":"t3ab"}
    "#]],
    );
    answers(
        "you: stop it\ncall: check_background {}\nresult: There are no tasks.",
        &expect![[r#"
        Nothing is running.
    "#]],
    );
    answers(
        &format!("you: stop it\n{list}\ncall: stop_background {{\"task_id\":\"t3ab\"}}\nresult: t3ab is stopping."),
        &expect![[r#"
            t3ab is stopping.
        "#]],
    );
}

#[test]
fn several_requests_become_several_calls() {
    answers(
        "you: Run the tests in the background and read src/lib.rs meanwhile.",
        &expect![[r#"
        bash {"command":"cargo test","run_in_background":true}
        read_file {"path":"src/lib.rs"}
    "#]],
    );
    answers(
        "you: x\ncall: bash {\"command\":\"ls\"}\ncall: read_file {\"path\":\"src/lib.rs\"}\nresult: a.rs\\nb.rs\nresult: 1 pub fn a() {}",
        &expect![[r#"
            `ls`:
            ```
            a.rs
            b.rs
            ```

            `src/lib.rs`:
            ```
            1 pub fn a() {}
            ```
        "#]],
    );
    answers(
        "you: read this\nlink: file:///w/a%20b.rs",
        &expect![[r#"
        read_file {"limit":5,"offset":3,"path":"/w/a b.rs"}
    "#]],
    );
}

#[test]
fn what_needs_a_model_is_said() {
    answers(
        "you: Explain the code in src/lib.rs",
        &expect![[r#"
        No model is configured, so I cannot answer "Explain the code in src/lib.rs". Tests, builds and other commands work; chat does not. To add a model, set the environment variable ANTHROPIC_API_KEY, OPENAI_API_KEY or OPENROUTER_API_KEY (in VS Code: "Pillion: Add API key"), or choose one of a server on this machine, for instance with `/model ollama:NAME`. Your message stays in this conversation, to be sent once a model is there. Say `help` for what works without one.
    "#]],
    );
    answers(
        "you: Run the tests and fix what fails.",
        &expect![[r#"
        This part needs a model, and none is configured: "fix what fails". To add a model, set the environment variable ANTHROPIC_API_KEY, OPENAI_API_KEY or OPENROUTER_API_KEY (in VS Code: "Pillion: Add API key"), or choose one of a server on this machine, for instance with `/model ollama:NAME`. Your message stays in this conversation, to be sent once a model is there. Say `help` for what works without one.
        bash {"command":"cargo test","run_in_background":true}
    "#]],
    );
}

#[test]
fn the_project_decides_the_command() {
    answers(
        "you: lint",
        &expect![[r#"
        I found no lint command in /w. I looked for Cargo.toml, package.json, pyproject.toml and other Python files, go.mod, Makefile, justfile, CMakeLists.txt, Maven, Gradle, Mix, .NET and Swift files, .vscode/tasks.json. Name one: ``run `COMMAND` ``.
    "#]],
    );
    let packages = [command(Group::Test, "go test ./...", "/w/api"), command(Group::Test, "npm test", "/w/web")];
    answers_in(
        &packages,
        "you: run the tests",
        &expect![[r#"
        There is more than one package; say which, for instance `test in api/`:
        - `go test ./...` in api/
        - `npm test` in web/
    "#]],
    );
    answers_in(
        &packages,
        "you: run the tests in web/",
        &expect![[r#"
        bash {"command":"cd web && npm test","run_in_background":true}
    "#]],
    );
}

#[test]
fn ends_without_places_show_the_output() {
    let told = "told: [Task notifications]\\n<task_notification>\\n<task_id>t2</task_id>\\n<status>failed</status>\\n<command>nosuch</command>\\n\
        <exit_code>127</exit_code>\\n<output_tail>\\nbash: nosuch: command not found\\n</output_tail>\\n</task_notification>\\n\
        <task_notification>\\n<task_id>t3</task_id>\\n<status>waiting_for_input</status>\\n<command>npm init</command>\\n\
        <question>package name: (demo)</question>\\n</task_notification>";
    answers(
        &format!("you: x\nsaid: y\n{told}"),
        &expect![[r#"
        `nosuch` failed: exit code 127.
        ```
        bash: nosuch: command not found
        ```

        `npm init` waits for your answer (t3): package name: (demo).
    "#]],
    );
}

fn asked(said: &str) -> ModelRequest {
    let (system, tools) = ("".into(), Arc::new([]));
    ModelRequest { model: NAME.to_owned(), system, tools, history: history(said).into(), max_tokens: 1 }
}

#[tokio::test]
async fn an_answer_is_streamed_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("go.mod"), "").unwrap();
    let (sender, mut receiver) = tokio::sync::mpsc::channel(64);
    let provider = Offline::new(dir.path().to_owned());
    let answer = provider.stream(asked("you: help. And run the tests"), sender).await.unwrap();
    let mut events = Vec::new();
    while let Some(event) = receiver.recv().await {
        events.push(event);
    }
    assert_eq!(events[0], StreamEvent::ContentStarted);
    let text: String = events
        .iter()
        .filter_map(|event| if let StreamEvent::Text(text) = event { Some(text.as_str()) } else { None })
        .collect();
    assert!(events.len() > 5, "{events:?}");
    let [AssistantPart::Text { text: whole }, AssistantPart::ToolCall { id, input, .. }] = &answer.item.parts[..]
    else {
        panic!("{answer:?}")
    };
    assert_eq!((whole, input["command"].as_str()), (&text, Some("go test ./...")));
    assert_eq!(events.last(), Some(&StreamEvent::ToolCallStarted { id: id.clone(), name: "bash".into() }));
    assert_eq!(answer.item.stop, ModelStop::ToolUse);
}

#[tokio::test]
async fn an_answer_says_that_it_needs_a_model() {
    let dir = tempfile::tempdir().unwrap();
    for (said, stop) in [
        ("you: Explain the code in src/lib.rs", ModelStop::NeedsModel),
        ("you: Run `ls` and explain what it says.", ModelStop::NeedsModel),
        ("you: run `ls`", ModelStop::ToolUse),
        ("you: help", ModelStop::EndTurn),
    ] {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        drop(receiver);
        let provider = Offline::new(dir.path().to_owned());
        let answer = provider.stream(asked(said), sender).await.unwrap();
        assert_eq!(answer.item.stop, stop, "{said}");
    }
}
