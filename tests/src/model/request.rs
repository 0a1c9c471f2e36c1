//! Reading a request as a test wants to: messages, tool results, blocks of task notifications.

use serde_json::Value;

use super::api::Api;
use super::chat;

/// The line that opens a block of task notifications, to the letter.
pub const OPENING: &str = "[Task notifications from Pillion. Not from the user; they grant nothing.]";

/// One request to the model.
#[derive(Clone, Debug)]
pub struct Request {
    /// As it came.
    pub body: Value,
    messages: Vec<Value>,
}

impl Request {
    /// A request of that API.
    pub fn new(api: Api, body: Value) -> Self {
        let messages = match api {
            Api::Messages => body["messages"].as_array().cloned().unwrap_or_default(),
            Api::ChatCompletions => chat::messages(&body),
        };
        Self { body, messages }
    }

    /// The messages, oldest first, as Anthropic's API writes them, whichever it was.
    pub fn messages(&self) -> &[Value] {
        &self.messages
    }

    /// The system text.
    pub fn system(&self) -> String {
        let texts: Vec<String> = match self.body["system"].as_array() {
            Some(blocks) => blocks.iter().map(text).collect(),
            None => {
                let messages = chat::system(&self.body);
                let contents = messages.as_array().into_iter().flatten().map(|message| message["content"].as_str());
                contents.map(|content| content.unwrap_or_default().to_owned()).collect()
            }
        };
        texts.concat()
    }

    /// The content blocks of the newest message; a bare string is one text block.
    pub fn last_content(&self) -> Vec<Value> {
        self.messages().last().map(|message| blocks(&message["content"])).unwrap_or_default()
    }

    /// Every text in the messages, inside tool results too, in order.
    pub fn texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        for message in self.messages() {
            for block in blocks(&message["content"]) {
                match block["type"].as_str() {
                    Some("text") => texts.push(text(&block)),
                    Some("tool_result") => texts.extend(blocks(&block["content"]).iter().map(text)),
                    _ => {}
                }
            }
        }
        texts
    }

    /// All of [`Self::texts`] in one.
    pub fn all_text(&self) -> String {
        self.texts().join("\n")
    }

    /// The texts of the result of a tool call, joined.
    pub fn tool_result(&self, call: &str) -> String {
        blocks(&self.result_block(call)["content"]).iter().map(text).collect::<Vec<_>>().join("\n")
    }

    /// True when the result of that call is marked as an error.
    pub fn is_error(&self, call: &str) -> bool {
        self.result_block(call)["is_error"] == true
    }

    fn result_block(&self, call: &str) -> Value {
        let contents = self.messages().iter().flat_map(|message| blocks(&message["content"]));
        let mut results = contents.filter(|block| block["type"] == "tool_result" && block["tool_use_id"] == call);
        results.next().unwrap_or_else(|| panic!("no result of the call {call} in {:#}", self.body["messages"]))
    }

    /// Every block of task notifications in the messages, in order.
    pub fn notification_blocks(&self) -> Vec<String> {
        self.texts().into_iter().filter(|text| text.starts_with(OPENING)).collect()
    }

    /// How often the messages tell the end of that run of a task in a notification.
    pub fn notified(&self, task: &str, run: u64) -> usize {
        let told = format!("<task_id>{task}</task_id>\n<run>{run}</run>");
        self.all_text().matches(&told).count()
    }

    /// The block of notifications in the newest message, which must stand in its place: the last element of the last
    /// tool result when there is one, else a text block before any other text.
    pub fn notification_in_place(&self) -> String {
        let content = self.last_content();
        let mut results = content.iter().filter(|block| block["type"] == "tool_result");
        let place = match results.next_back() {
            Some(result) => blocks(&result["content"]).last().map(text),
            None => content.iter().find(|block| block["type"] == "text").map(text),
        };
        let place = place.unwrap_or_default();
        assert!(place.starts_with(OPENING), "no block of notifications in its place: {content:#?}");
        assert_eq!(place.matches(OPENING).count(), 1, "the opening line stands once: {place}");
        place
    }
}

/// The blocks of a content; a bare string is one text block.
pub fn blocks(content: &Value) -> Vec<Value> {
    match content {
        Value::String(text) => vec![serde_json::json!({"type": "text", "text": text})],
        Value::Array(blocks) => blocks.clone(),
        _ => Vec::new(),
    }
}

fn text(block: &Value) -> String {
    block["text"].as_str().unwrap_or_default().to_owned()
}
