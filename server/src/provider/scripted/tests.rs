//! The scripted provider against itself: it plays what is written, and refuses what is not.

use std::path::PathBuf;
use std::sync::Arc;

use expect_test::expect;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::agent::history::{Content, Item, Prompt, ToolResult, UserItem};

fn open(script: &Value) -> Scripted {
    Scripted::parse(&script.to_string(), PathBuf::new()).expect("a script")
}

fn user(text: &str) -> Arc<Item> {
    let content = vec![Content::Text { text: text.into() }];
    Arc::new(Item::User(UserItem { prompts: vec![Prompt { id: "p".into(), content }], ..UserItem::default() }))
}

fn results(id: &str, text: &str) -> Arc<Item> {
    let results = vec![ToolResult { call: id.into(), text: text.into(), is_error: false }];
    Arc::new(Item::User(UserItem { results, ..UserItem::default() }))
}

fn request(history: &[Arc<Item>]) -> ModelRequest {
    let bash = ToolSpec { name: "bash".into(), description: String::new(), input_schema: json!({}) };
    ModelRequest {
        model: "m".into(),
        system: "the system text".into(),
        tools: vec![bash].into(),
        history: history.to_vec().into(),
        max_tokens: 10,
    }
}

/// Sends a history; returns the events in short and the answer.
async fn ask(provider: &Scripted, history: &[Arc<Item>]) -> (Vec<String>, Result<Answer, ProviderError>) {
    let (sender, mut receiver) = mpsc::channel(1);
    let asking = tokio::spawn(provider.stream(request(history), sender));
    let mut events = Vec::new();
    while let Some(event) = receiver.recv().await {
        events.push(format!("{event:?}"));
    }
    (events, asking.await.expect("no panic"))
}

async fn answer(provider: &Scripted, history: &[Arc<Item>]) -> Answer {
    ask(provider, history).await.1.expect("an answer")
}

async fn refusal(provider: &Scripted, history: &[Arc<Item>]) -> String {
    match ask(provider, history).await.1 {
        Err(ProviderError::OffScript(what)) => what,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn a_conversation_with_captures() {
    let provider = open(&json!({
        "model": "actor",
        "steps": [
            {"expect": {"contains": ["the system text"], "lastUserContains": ["hello"], "tools": ["bash"]},
             "answer": [
                {"thinking": "hm", "signature": "s"},
                {"text": "one two", "chunks": 2},
                {"tool": "bash", "input": {"command": "cargo test", "run_in_background": true}}],
             "usage": {"input": 5, "cacheRead": 2}},
            {"capture": {"task": "as (t\\w+)"}, "answer": [{"tool": "check_background", "id": "own", "input": {"task_id": "{{task}}", "list": ["{{task}}", 1]}}]},
            {"expect": {"lastUserContains": ["{{task}}"], "times": {"{{task}}": 4}}, "answer": [{"text": "{{task}} is {{ done }}"}], "stop": "max_tokens"}
        ]
    }));
    assert_eq!(provider.default_model(), "actor");
    let mut history = vec![user("hello")];
    let (events, first) = ask(&provider, &history).await;
    expect![[r#"
        ContentStarted
        Thinking("hm")
        Text("one ")
        Text("two")
        ToolCallStarted { id: ToolCallId("call_1"), name: "bash" }"#]]
    .assert_eq(&events.join("\n"));
    let first = first.expect("an answer");
    assert_eq!(first.item.stop, ModelStop::ToolUse);
    assert_eq!((first.usage.input, first.usage.cache_read), (5, 2));

    history.extend([Arc::new(Item::Assistant(first.item)), results("call_1", "started as t1k9")]);
    let second = answer(&provider, &history).await;
    let calls: Vec<_> = second.item.tool_calls().map(|(id, name, input)| format!("{id} {name} {input}")).collect();
    assert_eq!(calls, [r#"own check_background {"list":["t1k9",1],"task_id":"t1k9"}"#]);

    assert_eq!(provider.unused(), ["step 3 of 3"]);
    history.extend([Arc::new(Item::Assistant(second.item)), results("own", "t1k9 passed")]);
    let third = answer(&provider, &history).await;
    assert_eq!(third.item.parts, [AssistantPart::Text { text: "t1k9 is {{ done }}".into() }]);
    assert_eq!(third.item.stop, ModelStop::MaxTokens);
    assert_eq!(provider.unused(), Vec::<String>::new());
}

#[tokio::test]
async fn unexpected_requests_are_refused_and_use_no_step() {
    let expectations = [
        (json!({"contains": ["absent"]}), "expected somewhere in the request: \"absent\""),
        (json!({"notContains": ["system text"]}), "expected nowhere in the request: \"system text\""),
        (json!({"lastUserContains": ["system text"]}), "expected in the last user message: \"system text\""),
        (json!({"lastUserNotContains": ["hello"]}), "expected not to be in the last user message: \"hello\""),
        (json!({"times": {"l": 3}}), "expected 3 times in all messages, and found 2 times: \"l\""),
        (json!({"tools": ["glob"]}), "expected the tool \"glob\"; the request offers: bash"),
        (json!({"contains": ["{{task}}"]}), "nothing was captured as {{task}}"),
    ];
    for (expect, message) in expectations {
        let provider = open(&json!({"steps": [{"note": "greeting", "expect": expect, "answer": []}]}));
        let what = refusal(&provider, &[user("hello")]).await;
        assert!(what.starts_with("request 1: step 1 of 1 (greeting): "), "{what}");
        assert!(what.contains(message), "{what}");
        assert!(what.ends_with("The last user message was:\nhello"), "{what}");
        assert_eq!(provider.unused(), ["step 1 of 1 (greeting)"]);
    }
    let provider = open(&json!({"steps": [{"capture": {"a": "x(y)"}, "answer": []}]}));
    let what = refusal(&provider, &[user("hello")]).await;
    assert!(what.contains("nothing to capture as \"a\" by \"x(y)\""), "{what}");
}

#[tokio::test]
async fn an_exhausted_script_and_one_that_repeats() {
    let step = json!({"answer": [{"text": "a"}]});
    let provider = open(&json!({"steps": [step]}));
    answer(&provider, &[user("one")]).await;
    let what = refusal(&provider, &[user("two")]).await;
    assert!(what.contains("request 2: the script has no further step"), "{what}");

    let provider = open(&json!({"steps": [step], "repeatLast": true}));
    for text in ["one", "two", "three"] {
        answer(&provider, &[user(text)]).await;
    }
}

#[tokio::test]
async fn the_rules_of_services_hold() {
    let step = json!({"answer": [{"tool": "bash"}]});
    let provider = open(&json!({"steps": [step, step, step, step]}));
    let mut history = vec![user("hello")];
    history.push(Arc::new(Item::Assistant(answer(&provider, &history).await.item)));

    let unanswered = [history.clone(), vec![user("and?")]].concat();
    let what = refusal(&provider, &unanswered).await;
    assert!(what.contains("it breaks the rules of model services: message 2: without a result"), "{what}");

    history.push(results("call_1", "done"));
    history.push(Arc::new(Item::Assistant(answer(&provider, &history).await.item)));
    history.push(results("call_2", "done"));
    let mut changed = history.clone();
    changed[2] = results("call_1", "something else");
    let what = refusal(&provider, &changed).await;
    assert!(what.contains("item 2 of the history is not what was sent before"), "{what}");

    let other_system = ModelRequest { system: "changed".into(), ..request(&history) };
    let (sender, _receiver) = mpsc::channel(8);
    let error = provider.stream(other_system, sender).await.expect_err("refused");
    assert!(error.to_string().contains("the system text is not the one"), "{error}");

    // The same request again (a retry) and another conversation are both fine.
    answer(&provider, &history).await;
    answer(&provider, &[user("another conversation")]).await;
}

#[tokio::test]
async fn sessions_side_by_side() {
    let step = |name: &str| json!({"expect": {"contains": [name]}, "answer": [{"text": name}]});
    let provider = open(&json!({"anyOrder": true, "steps": [step("one"), step("two")]}));
    for name in ["two", "one"] {
        let answer = answer(&provider, &[user(name)]).await;
        assert_eq!(answer.item.parts, [AssistantPart::Text { text: name.into() }]);
    }
    let provider = open(&json!({"anyOrder": true, "steps": [step("one"), step("two")]}));
    let what = refusal(&provider, &[user("three")]).await;
    assert!(what.contains("step 1 of 2: expected") && what.contains("step 2 of 2: expected"), "{what}");
}

#[tokio::test]
async fn gates_hold_an_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = json!({"steps": [{"waitForFile": "first", "answer": [{"text": "a"}, {"waitForFile": "second"}, {"text": "b"}]}]});
    let provider = Scripted::parse(&script.to_string(), folder.path().to_owned()).expect("a script");
    let (sender, mut receiver) = mpsc::channel(8);
    let asking = tokio::spawn(provider.stream(request(&[user("x")]), sender));
    std::fs::write(folder.path().join("first"), "").expect("a file");
    assert_eq!(receiver.recv().await, Some(StreamEvent::ContentStarted));
    assert_eq!(receiver.recv().await, Some(StreamEvent::Text("a".into())));
    assert!(!asking.is_finished());
    std::fs::write(folder.path().join("second"), "").expect("a file");
    assert_eq!(receiver.recv().await, Some(StreamEvent::Text("b".into())));
    assert_eq!(asking.await.expect("no panic").expect("an answer").item.parts.len(), 2);
}

#[tokio::test]
async fn mishaps() {
    let provider = open(&json!({"steps": [
        {"answer": [
            {"text": "half"}, {"restart": "cut"}, {"retrying": {"reason": "cut", "afterMs": 5, "attempt": 2}},
            {"tool": "bash", "rawInput": "{\"comm"}]},
        {"answer": [{"text": "half"}], "error": {"kind": "rate_limited", "message": "later"}},
        {"answer": []}
    ]}));
    let (events, first) = ask(&provider, &[user("a")]).await;
    expect![[r#"
        ContentStarted
        Text("half")
        Restarted { reason: "cut" }
        Retrying { reason: "cut", after: 5ms, attempt: 2 }
        ToolCallStarted { id: ToolCallId("call_1"), name: "bash" }"#]]
    .assert_eq(&events.join("\n"));
    let parts = first.expect("an answer").item.parts;
    assert!(matches!(&parts[..], [AssistantPart::ToolCall { invalid: Some(_), .. }]), "{parts:?}");

    let (events, second) = ask(&provider, &[user("b")]).await;
    assert_eq!(events.len(), 2);
    assert_eq!(second, Err(ProviderError::RateLimited("later".into())));

    let third = answer(&provider, &[user("c")]).await;
    assert_eq!((third.item.parts.len(), third.item.stop), (0, ModelStop::EndTurn));
}

#[test]
fn mistakes_in_a_script() {
    for (script, message) in [
        ("{", "EOF while parsing"),
        (r#"{"steps": []}"#, "`steps` is empty"),
        (r#"{"steps": [{"anser": []}]}"#, "unknown field `anser`"),
        (r#"{"steps": [{"answer": [{}]}]}"#, "exactly one of"),
        (r#"{"steps": [{"answer": [{"text": "a", "tool": "b"}]}]}"#, "exactly one of"),
        (r#"{"steps": [{"answer": [{"tool": "b", "input": 3}]}]}"#, "is not an object"),
        (r#"{"steps": [{"capture": {"a": "b"}}]}"#, "exactly one group"),
        (r#"{"steps": [{"capture": {"a": "(b"}}]}"#, "unclosed group"),
        (r#"{"steps": [{"expect": {"contain": []}}]}"#, "unknown field `contain`"),
        (r#"{"steps": [{"stop": "halt"}]}"#, "unknown variant `halt`"),
    ] {
        let error = Scripted::parse(script, PathBuf::new()).err().expect(script);
        assert!(error.contains(message), "{script}: {error}");
    }
    let error = Scripted::open(Path::new("/nowhere/script.json")).err().expect("no file").to_string();
    assert!(error.starts_with("The script /nowhere/script.json cannot be used: No such file"), "{error}");
}

#[test]
fn the_example_in_the_documentation_is_a_script() {
    let lines = include_str!("script.rs").lines().filter_map(|line| line.strip_prefix("//!"));
    let example: String =
        lines.skip_while(|line| !line.contains("```json")).skip(1).take_while(|line| !line.contains("```")).collect();
    let script = Script::parse(&example).expect("the example");
    assert_eq!(script.steps.len(), 3);
}
