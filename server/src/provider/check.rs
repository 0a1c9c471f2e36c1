//! The rules that model services hold a conversation to, as a check on the neutral history. Pure. The scripted provider
//! checks every request with it, so that a test fails here before a real service refuses. Source: Anthropic's API
//! reference ("Create a Message", "Tool use"), the strictest of the services.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::anthropic::{self, Block, Message, Role};
use crate::agent::history::{AssistantPart, Content, Item, ModelStop, UserItem};

/// Whether a service would take this history as a request. The error names the message and the rule.
pub fn check(history: &[Arc<Item>]) -> Result<(), String> {
    for (number, item) in history.iter().enumerate() {
        match &**item {
            Item::User(item) => check_texts(item).map_err(|what| format!("item {number}: {what}"))?,
            Item::Compaction(_) => return Err(format!("item {number}: a compaction stands in a request")),
            Item::Assistant(item) => {
                for part in &item.parts {
                    if let AssistantPart::ToolCall { id, input, .. } = part
                        && !input.is_object()
                    {
                        return Err(format!("item {number}: the input of the tool call {id} is no object"));
                    }
                }
            }
        }
    }
    let messages = anthropic::messages(history);
    if messages.first().is_none_or(|first| first.role != Role::User) {
        return Err("the first message is not the user's".into());
    }
    let paused =
        matches!(history.last().map(|item| &**item), Some(Item::Assistant(item)) if item.stop == ModelStop::Pause);
    if messages.last().is_some_and(|last| last.role != Role::User) && !paused {
        return Err("the last message is not the user's, so there is nothing to answer".into());
    }
    let mut open = BTreeSet::new();
    for (number, message) in messages.iter().enumerate() {
        open = check_calls(message, open).map_err(|what| format!("message {number}: {what}"))?;
    }
    if open.is_empty() || paused { Ok(()) } else { Err(unanswered(&open)) }
}

/// Whether `now` is `before` plus a suffix. Anything else throws the service's cache away, and with it money and time.
pub fn check_continues(before: &[Arc<Item>], now: &[Arc<Item>]) -> Result<(), String> {
    if now.len() < before.len() {
        return Err(format!("the history had {} items and has {} now", before.len(), now.len()));
    }
    match before.iter().zip(now).position(|(before, now)| before != now) {
        Some(number) => Err(format!("item {number} of the history is not what was sent before")),
        None => Ok(()),
    }
}

/// Blank texts are left out when a request is written, but who puts one into the history has made a mistake.
fn check_texts(item: &UserItem) -> Result<(), String> {
    let own = [("notification", &item.notification), ("context", &item.context), ("nudge", &item.nudge)];
    for (name, text) in own {
        if text.as_deref().is_some_and(|text| text.trim().is_empty()) {
            return Err(format!("the {name} is blank"));
        }
    }
    let mut typed = item.prompts.iter().flat_map(|prompt| &prompt.content);
    if typed.any(|content| matches!(content, Content::Text { text } if text.trim().is_empty())) {
        return Err("a text of the prompt is blank".into());
    }
    Ok(())
}

/// `open` are the tool calls of the message before. Returns the calls that the next message has to answer.
fn check_calls<'a>(message: &'a Message<'_>, mut open: BTreeSet<&'a str>) -> Result<BTreeSet<&'a str>, String> {
    let mut calls = BTreeSet::new();
    let mut other = false;
    for marked in &message.content {
        match (message.role, &marked.block) {
            (Role::User, Block::ToolResult { tool_use_id, .. }) => {
                if !open.remove(&**tool_use_id) {
                    return Err(format!(
                        "a result answers {tool_use_id}, which the answer before did not call or which has its result"
                    ));
                }
                if other {
                    return Err(format!("the result of {tool_use_id} comes after other content"));
                }
            }
            (Role::Assistant, Block::ToolUse { id, .. }) => {
                if !calls.insert(&**id) {
                    return Err(format!("two tool calls have the id {id}"));
                }
            }
            (Role::Assistant, Block::ToolResult { .. }) | (Role::User, Block::ToolUse { .. }) => {
                return Err("a tool call or a result is on the wrong side".into());
            }
            _ => other = true,
        }
    }
    if open.is_empty() { Ok(calls) } else { Err(unanswered(&open)) }
}

fn unanswered(open: &BTreeSet<&str>) -> String {
    let ids: Vec<&str> = open.iter().copied().collect();
    format!("without a result in the next message: {}", ids.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Items as JSON in a short form, so that the cases read as a table.
    fn history(items: &[Value]) -> Vec<Arc<Item>> {
        items
            .iter()
            .map(|item| {
                let full = if let Some(parts) = item.get("assistant") {
                    json!({"role": "assistant", "parts": parts, "stop": item.get("stop").unwrap_or(&json!("end_turn")),
                           "provider": "test", "model": "m"})
                } else {
                    let results: Vec<Value> = item["results"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|call| json!({"call": call, "text": "", "is_error": false}))
                        .collect();
                    let prompts: Vec<Value> = item["prompt"]
                        .as_str()
                        .into_iter()
                        .map(|text| json!({"id": "p", "content": [{"type": "text", "text": text}]}))
                        .collect();
                    json!({"role": "user", "results": results, "notification": item["notification"],
                           "context": null, "prompts": prompts, "nudge": null})
                };
                Arc::new(serde_json::from_value(full).expect("an item"))
            })
            .collect()
    }

    fn call(id: &str) -> Value {
        json!({"type": "tool_call", "id": id, "name": "bash", "input": {}, "invalid": null})
    }

    #[test]
    fn rules() {
        let hello = json!({"prompt": "hello"});
        let said = json!({"assistant": [{"type": "text", "text": "hi"}]});
        let one = json!({"assistant": [call("a")]});
        let two = json!({"assistant": [call("a"), call("b")]});
        let fine: &[&[Value]] = &[
            std::slice::from_ref(&hello),
            &[hello.clone(), hello.clone()],
            &[hello.clone(), said.clone(), hello.clone()],
            &[hello.clone(), two.clone(), json!({"results": ["b", "a"], "prompt": "and"})],
            &[hello.clone(), two.clone(), json!({"results": ["b", "a"]}), hello.clone()],
            &[hello.clone(), json!({"assistant": []}), hello.clone()],
            &[hello.clone(), json!({"assistant": [{"type": "text", "text": "hm"}], "stop": "pause"})],
        ];
        for items in fine {
            assert_eq!(check(&history(items)), Ok(()), "{items:?}");
        }
        let wrong: &[(&[Value], &str)] = &[
            (&[], "first message"),
            (&[said.clone(), hello.clone()], "first message"),
            (&[hello.clone(), said.clone()], "nothing to answer"),
            (&[hello.clone(), one.clone(), hello.clone()], "message 2: without a result in the next message: a"),
            (&[hello.clone(), two.clone(), json!({"results": ["a"]})], "without a result in the next message: b"),
            (&[hello.clone(), one.clone(), json!({"results": ["a", "a"]})], "answers a"),
            (&[hello.clone(), json!({"results": ["a"]})], "answers a"),
            (&[hello.clone(), one.clone(), hello.clone(), json!({"results": ["a"]})], "after other content"),
            (
                &[hello.clone(), json!({"assistant": [call("a"), call("a")]}), json!({"results": ["a"]})],
                "two tool calls",
            ),
            (&[json!({"prompt": " \n"})], "item 0: a text of the prompt is blank"),
            (&[json!({"prompt": "x", "notification": ""})], "the notification is blank"),
            (
                &[
                    hello.clone(),
                    json!({"assistant": [{"type": "tool_call", "id": "a", "name": "n", "input": 1, "invalid": null}]}),
                ],
                "is no object",
            ),
        ];
        for (items, message) in wrong {
            let error = check(&history(items)).expect_err(&format!("{items:?}"));
            assert!(error.contains(message), "{items:?}: {error}");
        }
    }

    #[test]
    fn a_request_continues_the_one_before() {
        let whole = history(&[json!({"prompt": "a"}), json!({"assistant": []}), json!({"prompt": "b"})]);
        let other = history(&[json!({"prompt": "a"}), json!({"assistant": []}), json!({"prompt": "c"})]);
        assert_eq!(check_continues(&[], &whole), Ok(()));
        assert_eq!(check_continues(&whole[..2], &whole), Ok(()));
        assert_eq!(check_continues(&whole, &whole), Ok(()));
        assert!(check_continues(&whole, &whole[..2]).is_err());
        assert!(check_continues(&whole, &other).expect_err("differs").contains("item 2"));
    }
}
