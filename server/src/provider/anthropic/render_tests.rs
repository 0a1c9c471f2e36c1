//! How requests are written: examples in full, and the promises that hold for every history.

use std::sync::Arc;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::render::{self, Body, Form};
use super::thinking::Plan;
use crate::agent::history::{AssistantItem, AssistantPart, Content, Item, ModelStop, Prompt, ToolResult, UserItem};
use crate::provider::{ModelRequest, ToolSpec};

fn body(request: &ModelRequest) -> Body<'_> {
    render::body(request, &Form { plan: Plan::default(), max_output: None, thoughts: true })
}

fn request(history: Vec<Item>) -> ModelRequest {
    let tool = |name: &str| ToolSpec {
        name: name.into(),
        description: format!("Does {name}."),
        input_schema: json!({"type": "object"}),
    };
    ModelRequest {
        model: "m".into(),
        system: "You ride along.".into(),
        tools: vec![tool("bash"), tool("glob")].into(),
        history: history.into_iter().map(Arc::new).collect(),
        max_tokens: 100,
    }
}

fn typed(text: &str) -> Prompt {
    Prompt { id: "p".into(), content: vec![Content::Text { text: text.into() }] }
}

fn user(text: &str) -> Item {
    Item::User(UserItem { prompts: vec![typed(text)], ..UserItem::default() })
}

fn assistant(provider: &str, parts: Vec<AssistantPart>) -> Item {
    Item::Assistant(AssistantItem { parts, stop: ModelStop::EndTurn, provider: provider.into(), model: "m".into() })
}

fn said(text: &str) -> AssistantPart {
    AssistantPart::Text { text: text.into() }
}

fn call(id: &str) -> AssistantPart {
    AssistantPart::ToolCall { id: id.into(), name: "bash".into(), input: json!({"command": "ls"}), invalid: None }
}

fn result(id: &str, text: &str) -> ToolResult {
    ToolResult { call: id.into(), text: text.into(), is_error: false }
}

fn check(history: Vec<Item>, expected: Expect) {
    let request = request(history);
    let written = serde_json::to_value(body(&request)).expect("JSON");
    let lines: Vec<String> = written["messages"].as_array().expect("messages").iter().map(Value::to_string).collect();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn a_whole_body() {
    let request = request(vec![user("hello")]);
    let written = serde_json::to_string_pretty(&serde_json::to_value(body(&request)).expect("JSON")).expect("text");
    expect![[r#"
        {
          "max_tokens": 100,
          "messages": [
            {
              "content": [
                {
                  "cache_control": {
                    "type": "ephemeral"
                  },
                  "text": "hello",
                  "type": "text"
                }
              ],
              "role": "user"
            }
          ],
          "model": "m",
          "stream": true,
          "system": [
            {
              "cache_control": {
                "type": "ephemeral"
              },
              "text": "You ride along.",
              "type": "text"
            }
          ],
          "tools": [
            {
              "description": "Does bash.",
              "input_schema": {
                "type": "object"
              },
              "name": "bash"
            },
            {
              "cache_control": {
                "type": "ephemeral"
              },
              "description": "Does glob.",
              "input_schema": {
                "type": "object"
              },
              "name": "glob"
            }
          ]
        }"#]]
    .assert_eq(&written);
}

#[test]
fn the_order_inside_a_user_message() {
    let whole = UserItem {
        results: vec![result("a", "done"), ToolResult { call: "b".into(), text: " \n".into(), is_error: true }],
        notification: Some("<task_notification>".into()),
        context: Some("today".into()),
        prompts: vec![typed("first"), typed("second")],
        nudge: Some("Continue.".into()),
    };
    let without_results = UserItem { results: Vec::new(), ..whole.clone() };
    check(
        vec![
            user("go"),
            assistant("anthropic", vec![call("a"), call("b")]),
            Item::User(whole),
            assistant("anthropic", vec![said("ok")]),
            Item::User(without_results),
        ],
        expect![[r#"
            {"content":[{"text":"go","type":"text"}],"role":"user"}
            {"content":[{"id":"a","input":{"command":"ls"},"name":"bash","type":"tool_use"},{"id":"b","input":{"command":"ls"},"name":"bash","type":"tool_use"}],"role":"assistant"}
            {"content":[{"content":[{"text":"done","type":"text"}],"tool_use_id":"a","type":"tool_result"},{"content":[{"text":"(no output)","type":"text"},{"text":"<task_notification>","type":"text"}],"is_error":true,"tool_use_id":"b","type":"tool_result"},{"text":"today","type":"text"},{"text":"first","type":"text"},{"text":"second","type":"text"},{"cache_control":{"type":"ephemeral"},"text":"Continue.","type":"text"}],"role":"user"}
            {"content":[{"text":"ok","type":"text"}],"role":"assistant"}
            {"content":[{"text":"<task_notification>","type":"text"},{"text":"today","type":"text"},{"text":"first","type":"text"},{"text":"second","type":"text"},{"cache_control":{"type":"ephemeral"},"text":"Continue.","type":"text"}],"role":"user"}"#]],
    );
}

#[test]
fn a_notification_that_comes_after_the_results_goes_into_the_last_one() {
    check(
        vec![
            user("go"),
            assistant("anthropic", vec![call("a")]),
            Item::User(UserItem { results: vec![result("a", "done")], ..UserItem::default() }),
            Item::User(UserItem {
                notification: Some("<task_notification>".into()),
                prompts: vec![typed("and this")],
                ..UserItem::default()
            }),
        ],
        expect![[r#"
            {"content":[{"cache_control":{"type":"ephemeral"},"text":"go","type":"text"}],"role":"user"}
            {"content":[{"id":"a","input":{"command":"ls"},"name":"bash","type":"tool_use"}],"role":"assistant"}
            {"content":[{"content":[{"text":"done","type":"text"},{"text":"<task_notification>","type":"text"}],"tool_use_id":"a","type":"tool_result"},{"cache_control":{"type":"ephemeral"},"text":"and this","type":"text"}],"role":"user"}"#]],
    );
}

#[test]
fn kinds_of_content() {
    let content = vec![
        Content::Text { text: "  ".into() },
        Content::Link { uri: "file:///w/a.rs".into(), name: "a.rs".into(), lines: None },
        Content::Link { uri: "file:///w/a.rs".into(), name: "a.rs".into(), lines: Some((3, 9)) },
        Content::Resource { uri: "file:///w/b".into(), text: "B".into() },
        Content::Image { data: "aGk=".into(), mime_type: "image/png".into() },
        Content::Image { data: "aGk=".into(), mime_type: "image/svg+xml".into() },
        Content::Image { data: "a".repeat(7_000_000), mime_type: "image/png".into() },
    ];
    let prompts = vec![Prompt { id: "p".into(), content }];
    check(
        vec![Item::User(UserItem { prompts, ..UserItem::default() })],
        expect![[
            r#"{"content":[{"text":"[file: a.rs (file:///w/a.rs)]","type":"text"},{"text":"[file: a.rs (file:///w/a.rs), lines 3-9]","type":"text"},{"text":"[file: file:///w/b]\nB","type":"text"},{"source":{"data":"aGk=","media_type":"image/png","type":"base64"},"type":"image"},{"text":"[image left out: image/svg+xml is not supported]","type":"text"},{"cache_control":{"type":"ephemeral"},"text":"[image left out: it is larger than 5 MB]","type":"text"}],"role":"user"}"#
        ]],
    );
}

#[test]
fn answers_go_back_as_they_may() {
    let thinking =
        |signature: Option<&str>| AssistantPart::Thinking { text: "hm".into(), signature: signature.map(Into::into) };
    let parts = vec![
        thinking(Some("sig")),
        thinking(None),
        AssistantPart::RedactedThinking { data: "xx".into() },
        said("  said \n"),
        said(" "),
        call("functions.bash:0"),
    ];
    check(
        vec![
            user("one"),
            assistant("anthropic", parts.clone()),
            Item::User(UserItem { results: vec![result("functions.bash:0", "x")], ..UserItem::default() }),
            assistant("anthropic", vec![said("the end \n"), thinking(Some("cut"))]),
            user("two"),
            assistant("openai", parts),
            Item::User(UserItem { results: vec![result("functions.bash:0", "x")], ..UserItem::default() }),
            assistant("anthropic", vec![thinking(Some("nothing but thinking"))]),
            user("three"),
        ],
        expect![[r#"
            {"content":[{"text":"one","type":"text"}],"role":"user"}
            {"content":[{"signature":"sig","thinking":"hm","type":"thinking"},{"data":"xx","type":"redacted_thinking"},{"text":"  said \n","type":"text"},{"id":"functions_bash_0","input":{"command":"ls"},"name":"bash","type":"tool_use"}],"role":"assistant"}
            {"content":[{"content":[{"text":"x","type":"text"}],"tool_use_id":"functions_bash_0","type":"tool_result"}],"role":"user"}
            {"content":[{"text":"the end","type":"text"}],"role":"assistant"}
            {"content":[{"cache_control":{"type":"ephemeral"},"text":"two","type":"text"}],"role":"user"}
            {"content":[{"text":"  said \n","type":"text"},{"id":"functions_bash_0","input":{"command":"ls"},"name":"bash","type":"tool_use"}],"role":"assistant"}
            {"content":[{"content":[{"text":"x","type":"text"}],"tool_use_id":"functions_bash_0","type":"tool_result"},{"cache_control":{"type":"ephemeral"},"text":"three","type":"text"}],"role":"user"}"#]],
    );
}

/// The blocks of a request in order, each with its role and without its mark; and how many marks there were.
fn blocks(request: &ModelRequest) -> (Vec<String>, usize, Vec<Vec<bool>>) {
    let written = serde_json::to_value(body(request)).expect("JSON");
    let marks = serde_json::to_string(&written).expect("text").matches("cache_control").count();
    let mut blocks = Vec::new();
    let mut marked = Vec::new();
    for message in written["messages"].as_array().expect("messages") {
        let mut of_message = Vec::new();
        for block in message["content"].as_array().expect("blocks") {
            let mut block = block.clone();
            let is_marked = block.as_object_mut().expect("object").remove("cache_control").is_some();
            // A notification that comes after a result goes into it: its pieces are told one by one.
            let pieces = match block["content"].take() {
                Value::Array(pieces) => pieces,
                _ => vec![Value::Null],
            };
            of_message.extend((1..=pieces.len()).map(|piece| is_marked && piece == pieces.len()));
            blocks.extend(pieces.iter().map(|piece| format!("{}{block}{piece}", message["role"])));
        }
        marked.push(of_message);
    }
    (blocks, marks, marked)
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just(" \n".into()), "[a-z ]{1,6}\n?"]
}

fn some_item() -> impl Strategy<Value = Item> {
    let part = prop_oneof![
        words().prop_map(|text| AssistantPart::Text { text }),
        (words(), proptest::option::of("[a-z]{0,3}"))
            .prop_map(|(text, signature)| AssistantPart::Thinking { text, signature }),
        Just(AssistantPart::RedactedThinking { data: "xx".into() }),
        "[a-z.]{1,3}".prop_map(|id| call(&id)),
    ];
    let provider = prop_oneof![Just("anthropic"), Just("scripted")];
    let assistant =
        (proptest::collection::vec(part, 0..6), provider).prop_map(|(parts, provider)| assistant(provider, parts));
    let option = || proptest::option::of(words());
    let result = ("[a-z.]{1,3}", words()).prop_map(|(id, text)| result(&id, &text));
    let user = (
        proptest::collection::vec(result, 0..4),
        option(),
        option(),
        proptest::collection::vec(words().prop_map(|text| typed(&text)), 0..3),
        option(),
    )
        .prop_map(|(results, notification, context, prompts, nudge)| {
            Item::User(UserItem { results, notification, context, prompts, nudge })
        });
    prop_oneof![assistant, user]
}

proptest! {
    /// Appending to the history only appends to the request, whatever the items are; and at most four marks are set.
    #[test]
    fn a_request_is_the_one_before_and_more(items in proptest::collection::vec(some_item(), 1..12)) {
        let mut before: Vec<String> = Vec::new();
        for end in 1..=items.len() {
            let request = request(items[..end].to_vec());
            let (now, marks, marked) = blocks(&request);
            prop_assert!(now.starts_with(&before), "{:?}\nis not the start of\n{:?}", before, now);
            prop_assert!(marks <= 4);
            for message in &marked {
                // A mark stands at the end of a message, and never on a message without blocks.
                prop_assert!(!message.is_empty());
                prop_assert!(message[..message.len() - 1].iter().all(|mark| !mark));
            }
            before = now;
        }
    }

    /// Roles alternate, nothing is blank, and no answer ends in thinking or white space.
    #[test]
    fn what_the_api_demands(items in proptest::collection::vec(some_item(), 1..12)) {
        let request = request(items);
        let messages = render::messages(&request.history);
        for pair in messages.windows(2) {
            prop_assert_ne!(pair[0].role, pair[1].role);
        }
        for message in &messages {
            for block in &message.content {
                if let render::Block::Text { text } = &block.block {
                    prop_assert!(!text.trim().is_empty());
                }
                if let render::Block::ToolResult { content, .. } = &block.block {
                    prop_assert!(!content.is_empty());
                }
            }
            if message.role == render::Role::Assistant {
                match message.content.last().map(|marked| &marked.block) {
                    Some(render::Block::Text { text }) => prop_assert_eq!(text.trim_end(), &**text),
                    Some(render::Block::ToolUse { .. }) => {}
                    other => prop_assert!(false, "an answer ends with {:?}", other),
                }
            }
        }
    }
}

/// The last mark of a request is where the next request has its second: what was stored is found directly.
#[test]
fn marks_meet_across_requests() {
    let many: Vec<String> = (0..30).map(|n| format!("c{n}")).collect();
    let mut items = vec![user("go")];
    let mut last_before: Option<String> = None;
    for round in 0..4 {
        let request = request(items.clone());
        let (blocks, marks, marked) = blocks(&request);
        let marked: Vec<bool> = marked.into_iter().flatten().collect();
        let at: Vec<&String> = blocks.iter().zip(marked).filter(|(_, mark)| *mark).map(|(block, _)| block).collect();
        assert_eq!(marks, if round == 0 { 3 } else { 4 });
        assert_eq!(at.last().copied(), blocks.last(), "the end is marked");
        if let Some(before) = &last_before {
            assert_eq!(at[0], before);
        }
        last_before = blocks.last().cloned();
        items.push(assistant("anthropic", many.iter().map(|id| call(&format!("{id}_{round}"))).collect()));
        let results = many.iter().map(|id| result(&format!("{id}_{round}"), &format!("{round}"))).collect();
        items.push(Item::User(UserItem { results, ..UserItem::default() }));
    }
}
