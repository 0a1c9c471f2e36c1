//! A client's calls about sessions and turns.

use serde_json::{Value, json};

use crate::client::Client;
use crate::connection::{Message, Way};

/// The answer to a prompt.
#[derive(Clone, Debug)]
pub struct Prompt {
    pub turn_id: String,
    pub prompt_id: String,
    pub queued: bool,
}

/// The params of a session's update of that kind; `None` for any other message.
pub fn update_of<'a>(message: &'a Message, session: &str, kind: &str) -> Option<&'a Value> {
    let params = &message.body["params"];
    (message.method() == Some("pillion/session/update")
        && params["sessionId"] == session
        && params["update"]["sessionUpdate"] == kind)
        .then_some(params)
}

impl Client {
    /// A new session in that mode.
    #[track_caller]
    pub fn new_session(&self, mode: &str) -> String {
        let session = self.call("pillion/session/new", json!({"mode": mode}));
        session["sessionId"].as_str().unwrap_or_else(|| panic!("no sessionId in {session}")).to_owned()
    }

    /// Sends a prompt of one text.
    #[track_caller]
    pub fn prompt(&self, session: &str, text: &str) -> Prompt {
        let params = json!({"sessionId": session, "prompt": [{"type": "text", "text": text}]});
        let result = self.call("pillion/session/prompt", params);
        let word = |name: &str| {
            result[name].as_str().unwrap_or_else(|| panic!("no {name} in the answer to a prompt: {result}")).to_owned()
        };
        let queued = result["queued"].as_bool().unwrap_or_else(|| panic!("no queued in {result}"));
        Prompt { turn_id: word("turnId"), prompt_id: word("promptId"), queued }
    }

    /// Sends a prompt and waits for the end of its turn; returns the update `turn_ended`.
    #[track_caller]
    pub fn ask(&self, session: &str, text: &str) -> Value {
        let prompt = self.prompt(session, text);
        self.wait_turn_ended(session, &prompt.turn_id)
    }

    /// Waits for the end of a turn; returns the update.
    #[track_caller]
    pub fn wait_turn_ended(&self, session: &str, turn: &str) -> Value {
        let (_, params) =
            self.wait_update(0, session, "turn_ended", |params| params["turnId"] == turn && params["replay"] != true);
        params["update"].clone()
    }

    /// Waits for an update from an index on; returns the index and the params.
    #[track_caller]
    pub fn wait_update(
        &self,
        from: usize,
        session: &str,
        kind: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> (usize, Value) {
        self.wait_for(&format!("the update {kind} of session {session}"), from, |message| {
            update_of(message, session, kind).filter(|params| wanted(params)).cloned()
        })
    }

    /// Waits for a session that wakes by itself after index `from`; returns the turn's id.
    #[track_caller]
    pub fn wait_wake(&self, from: usize, session: &str) -> String {
        let (_, params) =
            self.wait_update(from, session, "turn_started", |params| params["update"]["reason"] == "task_notification");
        params["turnId"].as_str().unwrap_or_else(|| panic!("no turnId in {params}")).to_owned()
    }

    /// Waits until the tool call has that status; returns the index and the whole update.
    #[track_caller]
    pub fn wait_tool_call(&self, call: &str, status: &str) -> (usize, Value) {
        self.wait_for(&format!("tool call {call} {status}"), 0, |message| {
            let update = &message.body["params"]["update"];
            let kind = update["sessionUpdate"].as_str().unwrap_or_default();
            (kind.starts_with("tool_call") && update["toolCallId"] == call && update["status"] == status)
                .then(|| update.clone())
        })
    }

    /// The updates of that kind so far.
    pub fn updates(&self, session: &str, kind: &str) -> Vec<Value> {
        let log = self.log();
        let received = log.iter().filter(|message| message.way == Way::Received);
        received.filter_map(|message| update_of(message, session, kind).cloned()).collect()
    }

    /// What the agent said in a turn, discarded messages left out.
    pub fn said(&self, session: &str, turn: &str) -> String {
        let discarded = self.updates(session, "message_discarded");
        let is_discarded =
            |id: &Value| discarded.iter().any(|params| params["update"]["messageId"] == *id && !id.is_null());
        let chunks = self.updates(session, "agent_message_chunk");
        chunks
            .iter()
            .filter(|params| params["turnId"] == turn && params["replay"] != true)
            .filter(|params| !is_discarded(&params["update"]["messageId"]))
            .filter_map(|params| params["update"]["content"]["text"].as_str())
            .collect()
    }
}
