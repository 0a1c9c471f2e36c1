//! How requests are written: examples in full, and the promises that hold for every history.

use std::sync::Arc;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::presets::preset;
use super::refused::Learned;
use super::render::{self, Message, body};
use crate::agent::history::{AssistantItem, AssistantPart, Content, Item, ModelStop, Prompt, ToolResult, UserItem};
use crate::provider::anthropic;
use crate::provider::{ModelRequest, ToolSpec};

fn request(history: Vec<Item>) -> ModelRequest {
    let tool =
        ToolSpec { name: "bash".into(), description: "Runs it.".into(), input_schema: json!({"type": "object"}) };
    ModelRequest {
        model: "m".into(),
        system: "You ride along.".into(),
        tools: vec![tool].into(),
        history: history.into_iter().map(Arc::new).collect(),
        max_tokens: 100,
    }
}

fn prompt(content: Vec<Content>) -> Prompt {
    Prompt { id: "p".into(), content }
}

fn typed(text: &str) -> Prompt {
    prompt(vec![Content::Text { text: text.into() }])
}

fn user(text: &str) -> Item {
    Item::User(UserItem { prompts: vec![typed(text)], ..UserItem::default() })
}

fn results(results: Vec<ToolResult>, notification: Option<&str>) -> Item {
    Item::User(UserItem { results, notification: notification.map(Into::into), ..UserItem::default() })
}

fn assistant(provider: &str, parts: Vec<AssistantPart>) -> Item {
    Item::Assistant(AssistantItem { parts, stop: ModelStop::EndTurn, provider: provider.into(), model: "m".into() })
}

fn said(text: &str) -> AssistantPart {
    AssistantPart::Text { text: text.into() }
}

fn thought(text: &str, signature: Option<&str>) -> AssistantPart {
    AssistantPart::Thinking { text: text.into(), signature: signature.map(Into::into) }
}

fn call(id: &str) -> AssistantPart {
    AssistantPart::ToolCall { id: id.into(), name: "bash".into(), input: json!({"command": "ls"}), invalid: None }
}

fn result(id: &str, text: &str) -> ToolResult {
    ToolResult { call: id.into(), text: text.into(), is_error: false }
}

fn written(word: &str, learned: &Learned, history: Vec<Item>) -> Value {
    let request = request(history);
    let preset = preset(word).expect("a row");
    serde_json::to_value(body(&request, "m", preset, learned)).expect("JSON")
}

/// The messages after the system text, one a line.
fn lines(word: &str, learned: &Learned, history: Vec<Item>) -> String {
    let body = written(word, learned, history);
    let messages = body["messages"].as_array().expect("messages");
    assert_eq!(messages[0], json!({"role": "system", "content": "You ride along."}));
    messages[1..].iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

fn check(history: Vec<Item>, expected: Expect) {
    expected.assert_eq(&lines("openai", &Learned::default(), history));
}

#[test]
fn a_whole_body() {
    let request = request(vec![user("hello")]);
    let text = |word: &str, learned: &Learned| {
        serde_json::to_string(&body(&request, "m", preset(word).expect("a row"), learned)).expect("JSON")
    };
    expect![[r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":100,"tools":[{"type":"function","function":{"name":"bash","description":"Runs it.","parameters":{"type":"object"}}}],"messages":[{"role":"system","content":"You ride along."},{"role":"user","content":"hello"}]}"#]]
    .assert_eq(&text("openai", &Learned::default()));
    let head =
        |word: &str, learned: &Learned| text(word, learned).split(r#","tools""#).next().expect("a start").to_owned();
    expect![[r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_tokens":100,"parallel_tool_calls":true"#]]
        .assert_eq(&head("llamacpp", &Learned::default()));
    expect![[r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_tokens":100"#]]
        .assert_eq(&head("ollama", &Learned::default()));
    let all = Learned {
        other_limit_name: true,
        no_stream_options: true,
        no_parallel_tool_calls: true,
        no_reasoning_with_tools: true,
        ..Learned::default()
    };
    expect![[r#"{"model":"m","stream":true,"max_completion_tokens":100,"reasoning_effort":"none""#]]
        .assert_eq(&head("llamacpp", &all));
    let none = Learned { limit_refused_from: Some(100), ..Learned::default() };
    expect![[r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}"#]].assert_eq(&head("vllm", &none));
}

#[test]
fn without_tools_nothing_is_said_of_them() {
    let request = ModelRequest { tools: Vec::new().into(), ..request(vec![user("hello")]) };
    let learned = Learned { no_reasoning_with_tools: true, ..Learned::default() };
    let body = serde_json::to_value(body(&request, "m", preset("llamacpp").expect("a row"), &learned)).expect("JSON");
    for name in ["tools", "parallel_tool_calls", "reasoning_effort"] {
        assert_eq!(body.get(name), None, "{name}");
    }
}

#[test]
fn results_come_one_a_message_with_the_notification_in_the_last() {
    check(
        vec![
            user("go"),
            assistant("openai", vec![said("Let me see."), call("a"), call("b")]),
            Item::User(UserItem {
                results: vec![result("a", "one"), result("b", " ")],
                notification: Some("[Task notifications …]".into()),
                context: Some("<context>now</context>".into()),
                prompts: vec![typed("and this")],
                nudge: Some("Continue.".into()),
            }),
        ],
        expect![[r#"
            {"content":"go","role":"user"}
            {"content":"Let me see.","role":"assistant","tool_calls":[{"function":{"arguments":"{\"command\":\"ls\"}","name":"bash"},"id":"a","type":"function"},{"function":{"arguments":"{\"command\":\"ls\"}","name":"bash"},"id":"b","type":"function"}]}
            {"content":"one","role":"tool","tool_call_id":"a"}
            {"content":"(no output)\n\n[Task notifications …]","role":"tool","tool_call_id":"b"}
            {"content":"<context>now</context>\n\nand this\n\nContinue.","role":"user"}"#]],
    );
}

#[test]
fn a_notification_that_comes_after_the_results_goes_into_the_last_one() {
    check(
        vec![
            user("go"),
            assistant("openai", vec![call("a")]),
            results(vec![result("a", "one")], None),
            Item::User(UserItem {
                notification: Some("[Task notifications …]".into()),
                prompts: vec![typed("and this")],
                ..UserItem::default()
            }),
        ],
        expect![[r#"
            {"content":"go","role":"user"}
            {"content":"","role":"assistant","tool_calls":[{"function":{"arguments":"{\"command\":\"ls\"}","name":"bash"},"id":"a","type":"function"}]}
            {"content":"one\n\n[Task notifications …]","role":"tool","tool_call_id":"a"}
            {"content":"and this","role":"user"}"#]],
    );
}

#[test]
fn without_results_the_notification_stands_before_what_the_person_says() {
    check(
        vec![Item::User(UserItem {
            notification: Some("[Task notifications …]".into()),
            prompts: vec![typed("hello")],
            ..UserItem::default()
        })],
        expect![[r#"{"content":"[Task notifications …]\n\nhello","role":"user"}"#]],
    );
}

#[test]
fn a_failed_call_says_so() {
    let failed = |id: &str, text: &str| ToolResult { is_error: true, ..result(id, text) };
    check(
        vec![
            user("go"),
            assistant("openai", vec![call("a"), call("b")]),
            results(vec![failed("a", "no such file"), failed("b", "error: denied")], None),
        ],
        expect![[r#"
            {"content":"go","role":"user"}
            {"content":"","role":"assistant","tool_calls":[{"function":{"arguments":"{\"command\":\"ls\"}","name":"bash"},"id":"a","type":"function"},{"function":{"arguments":"{\"command\":\"ls\"}","name":"bash"},"id":"b","type":"function"}]}
            {"content":"Error: no such file","role":"tool","tool_call_id":"a"}
            {"content":"error: denied","role":"tool","tool_call_id":"b"}"#]],
    );
}

#[test]
fn what_a_person_can_send() {
    let image = |mime: &str| Content::Image { data: "aGk=".into(), mime_type: mime.into() };
    let sent = || {
        vec![Item::User(UserItem {
            prompts: vec![prompt(vec![
                Content::Text { text: "look".into() },
                Content::Link { uri: "file:///a".into(), name: "a".into(), lines: Some((1, 2)) },
                image("image/png"),
                image("image/tiff"),
                Content::Resource { uri: "file:///b".into(), text: "text".into() },
            ])],
            ..UserItem::default()
        })]
    };
    check(
        sent(),
        expect![[
            r#"{"content":[{"text":"look\n\n[file: a (file:///a), lines 1-2]","type":"text"},{"image_url":{"url":"data:image/png;base64,aGk="},"type":"image_url"},{"text":"[image left out: image/tiff is not supported]","type":"text"},{"text":"[file: file:///b]\ntext","type":"text"}],"role":"user"}"#
        ]],
    );
    let learned = Learned { no_images: true, ..Learned::default() };
    expect![[r#"{"content":"look\n\n[file: a (file:///a), lines 1-2]\n\n[image left out: this model takes none]\n\n[image left out: this model takes none]\n\n[file: file:///b]\ntext","role":"user"}"#]]
    .assert_eq(&lines("openai", &learned, sent()));
}

#[test]
fn user_items_in_a_row_and_empty_answers_join() {
    check(
        vec![user("one"), user("two"), assistant("openai", vec![thought("hm", None)]), user("three")],
        expect![[r#"{"content":"one\n\ntwo\n\nthree","role":"user"}"#]],
    );
}

/// Anthropic's thinking and ids, an invented tool, and reasoning of other services in one history.
fn mixed() -> Vec<Item> {
    vec![
        user("go"),
        assistant("anthropic", vec![thought("hm", Some("c2ln")), said("First."), call("toolu_01A"), said("Then.")]),
        results(vec![result("toolu_01A", "one")], Some("[Task notifications …]")),
        assistant(
            "openrouter",
            vec![
                AssistantPart::RedactedThinking { data: r#"[{"type":"reasoning.encrypted","data":"x"}]"#.into() },
                thought("well", Some("reasoning")),
                AssistantPart::ToolCall {
                    id: "functions.do it:0".into(),
                    name: "do it".into(),
                    input: json!({}),
                    invalid: Some("no JSON".into()),
                },
            ],
        ),
        results(vec![result("functions.do it:0", "two")], None),
        assistant("vllm", vec![thought("so", Some("reasoning_content")), call("chatcmpl-tool-1")]),
        results(vec![result("chatcmpl-tool-1", "three")], None),
        assistant("vllm", vec![thought("done", Some("reasoning_content")), said("Done.")]),
        user("thanks"),
    ]
}

#[test]
fn answers_of_other_services_are_fitted_and_their_reasoning_stays_at_home() {
    expect![[r#"
        {"content":"go","role":"user"}
        {"content":"First.\n\nThen.","role":"assistant","tool_calls":[{"function":{"arguments":"{\"command\":\"ls\"}","name":"bash"},"id":"toolu_01A","type":"function"}]}
        {"content":"one\n\n[Task notifications …]","role":"tool","tool_call_id":"toolu_01A"}
        {"content":"","reasoning_details":[{"data":"x","type":"reasoning.encrypted"}],"role":"assistant","tool_calls":[{"function":{"arguments":"{}","name":"do_it"},"id":"functions.do it:0","type":"function"}]}
        {"content":"two","role":"tool","tool_call_id":"functions.do it:0"}
        {"content":"","role":"assistant","tool_calls":[{"function":{"arguments":"{\"command\":\"ls\"}","name":"bash"},"id":"chatcmpl-tool-1","type":"function"}]}
        {"content":"three","role":"tool","tool_call_id":"chatcmpl-tool-1"}
        {"content":"Done.","role":"assistant"}
        {"content":"thanks","role":"user"}"#]]
    .assert_eq(&lines("openrouter", &Learned::default(), mixed()));

    let at_vllm = lines("vllm", &Learned::default(), mixed());
    assert_eq!(at_vllm.matches("reasoning").count(), 1, "the one with a tool call: {at_vllm}");
    assert!(at_vllm.contains(r#""reasoning_content":"so""#), "{at_vllm}");
    let fitted: Vec<&str> = at_vllm.matches("call_7").collect();
    assert!(!at_vllm.contains("functions.do it:0"), "{at_vllm} {fitted:?}");

    let at_openai = lines("openai", &Learned::default(), mixed());
    assert!(!at_openai.contains("reasoning"), "{at_openai}");

    let demanded = Learned { reasoning_everywhere: true, ..Learned::default() };
    let everywhere = lines("vllm", &demanded, mixed());
    assert_eq!(everywhere.matches("reasoning_content").count(), 4, "every answer: {everywhere}");
    assert_eq!(everywhere.matches(r#""reasoning_content":"""#).count(), 2, "two are of others: {everywhere}");
    let unwanted = Learned { no_reasoning: true, ..demanded };
    assert!(!lines("vllm", &unwanted, mixed()).contains("reasoning"));
}

/// The other direction: what Chat Completions answered goes to Anthropic.
#[test]
fn anthropic_takes_the_same_history() {
    let history: Vec<Arc<Item>> = mixed().into_iter().map(Arc::new).collect();
    crate::provider::check::check(&history).expect("a history that Anthropic takes");
    let text = serde_json::to_string(&anthropic::messages(&history)).expect("JSON");
    assert_eq!(text.matches(r#""type":"thinking""#).count(), 1, "its own alone: {text}");
    assert!(text.contains(r#""signature":"c2ln""#), "{text}");
    for foreign in ["reasoning", "encrypted", "functions.do it:0", r#""well""#] {
        assert!(!text.contains(foreign), "{foreign}: {text}");
    }
}

#[test]
fn ids_of_others_are_fitted_on_both_sides_alike() {
    let long = "x".repeat(60);
    for id in ["functions.do it:0", long.as_str(), "ü"] {
        let history =
            || vec![user("go"), assistant("anthropic", vec![call(id)]), results(vec![result(id, "one")], None)];
        let body = written("openai", &Learned::default(), history());
        let sent = body["messages"][2]["tool_calls"][0]["id"].as_str().expect("an id").to_owned();
        assert!(sent.len() <= 40 && sent.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{sent}");
        assert_eq!(body["messages"][3]["tool_call_id"], sent.as_str());
        assert_eq!(body, written("openai", &Learned::default(), history()), "the same in the next request");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just("  ".to_owned()), "[a-zé\n]{1,8}"]
}

/// A history as the session keeps it: each call has its result in the next user item.
fn any_history() -> impl Strategy<Value = Vec<Item>> {
    let turn = (any_text(), any_text(), prop::option::of(any_text()), 0usize..4, any::<bool>(), any::<bool>());
    prop::collection::vec(turn, 1..8).prop_map(|turns| {
        let mut history = vec![user("begin")];
        for (number, (text, typed_text, notification, calls, own, again)) in turns.into_iter().enumerate() {
            let ids: Vec<String> = (0..calls).map(|call| format!("id {number}.{call}")).collect();
            let mut parts = vec![thought("hm", Some("reasoning_content")), said(&text)];
            parts.extend(ids.iter().map(|id| call(id)));
            history.push(assistant(if own { "openai" } else { "anthropic" }, parts));
            history.push(Item::User(UserItem {
                results: ids.iter().map(|id| result(id, &text)).collect(),
                notification,
                prompts: vec![typed(&typed_text)],
                ..UserItem::default()
            }));
            if again {
                history.push(user("again"));
            }
        }
        history
    })
}

proptest! {
    /// The rules of the API, and the prefix: but for the last message, which a further user item may lengthen, a request
    /// is the one before it and more.
    #[test]
    fn every_history_keeps_the_rules_and_its_prefix(history in any_history()) {
        let history: Vec<Arc<Item>> = history.into_iter().map(Arc::new).collect();
        let openai = preset("openai").expect("a row");
        let learned = Learned::default();
        let all = render::messages("s", &history, openai, &learned);
        let mut open: Vec<&str> = Vec::new();
        for message in &all {
            match message {
                Message::Tool { tool_call_id, content } => {
                    prop_assert!(!open.is_empty() && open.remove(0) == &**tool_call_id, "{tool_call_id}");
                    prop_assert!(!content.trim().is_empty());
                }
                Message::Assistant(answer) => {
                    prop_assert!(open.is_empty());
                    prop_assert!(!answer.content.is_empty() || !answer.tool_calls.is_empty());
                    open = answer.tool_calls.iter().map(|call| &*call.id).collect();
                }
                Message::System { .. } | Message::User { .. } => prop_assert!(open.is_empty(), "{open:?}"),
            }
        }
        for pair in all.windows(2) {
            let both = matches!(pair, [Message::User { .. }, Message::User { .. }]);
            prop_assert!(!both, "two user messages in a row");
        }
        for length in 0..history.len() {
            if matches!(&*history[length], Item::Assistant(_)) {
                let before = render::messages("s", &history[..length], openai, &learned);
                let (last, rest) = before.split_last().expect("at least the system text");
                prop_assert_eq!(rest, &all[..rest.len()]);
                let now = &all[rest.len()];
                let text = |message: &Message<'_>| serde_json::to_string(message).expect("JSON");
                let (was, is) = (text(last), text(now));
                prop_assert!(is.starts_with(was.trim_end_matches(['"', '}', ']'])), "{was} became {is}");
            }
        }
    }
}
