//! The tool calls of a streamed answer, put together from deltas. Pure. The reference says: an index tells which call a
//! delta belongs to, the first one brings id and name, the others pieces of the arguments. Servers differ: they leave out
//! the index or the id, give every call the index 0 (Ollama), repeat id and name in every delta (llama-cpp-python), or
//! send the arguments as an object.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::agent::history::AssistantPart;
use crate::ids::ToolCallId;
use crate::provider::{CUT_CALL, StreamEvent};

/// A piece of a tool call. Fields of the wrong type count as left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Delta {
    index: Value,
    id: Value,
    function: Option<Function>,
}

/// Name and arguments; also the whole of the old `function_call`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Function {
    name: Value,
    arguments: Value,
}

#[derive(Debug, Default)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    /// Arguments that came as text, in pieces.
    pieces: String,
    /// Arguments that came as an object.
    whole: Option<Map<String, Value>>,
    /// What it was announced as.
    announced: Option<String>,
}

/// The calls of one answer, in the order of their beginnings.
#[derive(Debug, Default)]
pub struct Calls {
    calls: Vec<Call>,
    /// The old form, which some servers send beside the new one: counts where nothing else came.
    old: Option<Call>,
}

impl Calls {
    /// Takes a piece.
    pub fn take(&mut self, delta: Delta) {
        let function = delta.function.unwrap_or_default();
        let name = function.name.as_str().unwrap_or_default();
        let id = delta.id.as_str().unwrap_or_default();
        let index = delta.index.as_u64();
        let at = self.place(index, id, name, &function.arguments);
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        call.add(name, function.arguments);
    }

    /// Takes a piece of the old `function_call`.
    pub fn take_old(&mut self, function: Function) {
        let call = self.old.get_or_insert_default();
        let name = function.name.as_str().unwrap_or_default().to_owned();
        call.add(&name, function.arguments);
    }

    /// Which call a delta goes on with, or a new one.
    fn place(&mut self, index: Option<u64>, id: &str, name: &str, arguments: &Value) -> usize {
        let by_id = |calls: &[Call]| calls.iter().rposition(|call| !id.is_empty() && call.id == id);
        let by_index = |calls: &[Call]| calls.iter().rposition(|call| index.is_some() && call.index == index);
        let last = self.calls.len().checked_sub(1);
        let known = match (by_id(&self.calls), by_index(&self.calls)) {
            // One id at two indices is two calls: the ids are told apart at the end.
            (Some(at), _) if index.is_none() || self.calls[at].index == index => Some(at),
            (_, Some(at)) if !self.calls[at].is_left_by(id, name, arguments) => Some(at),
            (_, Some(_)) => None,
            (None, None) if index.is_none() => last.filter(|at| !self.calls[*at].is_left_by(id, name, arguments)),
            _ => None,
        };
        known.unwrap_or_else(|| {
            self.calls.push(Call { index, ..Call::default() });
            self.calls.len() - 1
        })
    }

    /// Announces the calls whose names are known; `ended`: nothing more comes, so the last is known as well.
    pub fn announce(&mut self, ids: &mut Ids<'_>, ended: bool) -> Vec<StreamEvent> {
        if ended && self.calls.is_empty() {
            self.calls.extend(self.old.take().filter(|call| !call.name.is_empty()));
        }
        let mut events = Vec::new();
        for call in &mut self.calls {
            let has_arguments = !call.pieces.is_empty() || call.whole.is_some();
            if call.announced.is_none() && !call.name.is_empty() && (has_arguments || ended) {
                let id = ids.give(&call.id);
                call.announced = Some(id.clone());
                events.push(StreamEvent::ToolCallStarted { id: ToolCallId(id), name: call.name.clone() });
            }
        }
        events
    }

    /// The calls as parts of the answer; `cut`: the bound on the answer ended it, maybe within the last of them. One
    /// without a name is none.
    pub fn into_parts(self, cut: bool) -> impl Iterator<Item = AssistantPart> {
        let last = self.calls.len();
        self.calls.into_iter().zip(1..).filter_map(move |(call, number)| {
            let id = ToolCallId(call.announced?);
            let unsaid = call.whole.is_none() && call.pieces.trim().is_empty();
            let (input, mut invalid) = input(call.whole, &call.pieces);
            if cut && number == last && (unsaid || invalid.is_some()) {
                invalid = Some(CUT_CALL.into());
            }
            Some(AssistantPart::ToolCall { id, name: call.name, input, invalid })
        })
    }
}

impl Call {
    /// Whether a delta at this call's place begins another call: another id together with a name does, and so does a name
    /// without an id once this call's arguments are complete.
    fn is_left_by(&self, id: &str, name: &str, arguments: &Value) -> bool {
        if name.is_empty() || self.name.is_empty() {
            return false;
        }
        if !id.is_empty() && !self.id.is_empty() {
            return id != self.id;
        }
        let brings_arguments = match arguments {
            Value::String(text) => !text.trim().is_empty(),
            other => other.is_object(),
        };
        let complete = self.whole.is_some() || serde_json::from_str::<Map<String, Value>>(&self.pieces).is_ok();
        name != self.name && !self.pieces.is_empty() || complete && brings_arguments
    }

    fn add(&mut self, name: &str, arguments: Value) {
        // The name comes once, in pieces, or whole again and again.
        if self.name != name && self.pieces.is_empty() && self.whole.is_none() {
            if name.starts_with(self.name.as_str()) {
                name.clone_into(&mut self.name);
            } else {
                self.name.push_str(name);
            }
        }
        match arguments {
            Value::String(text) => self.pieces.push_str(&text),
            Value::Object(object) => self.whole = Some(object),
            _ => {}
        }
    }
}

/// Gives out ids of tool calls: the service's own where it has one that is new, else one that nobody else has.
pub struct Ids<'a> {
    /// Whether an id is taken in the conversation.
    pub taken: &'a mut dyn FnMut(&str) -> bool,
    /// Different for every answer.
    pub salt: &'a str,
    pub given: &'a mut usize,
}

impl Ids<'_> {
    fn give(&mut self, wanted: &str) -> String {
        if !wanted.is_empty() && !(self.taken)(wanted) {
            return wanted.to_owned();
        }
        *self.given += 1;
        let id = format!("call_{}_{}", self.salt, self.given);
        // Marks it as taken.
        (self.taken)(&id);
        id
    }
}

/// A call's input: always an object, and what was wrong where the arguments give none.
fn input(whole: Option<Map<String, Value>>, pieces: &str) -> (Value, Option<String>) {
    let empty = || Value::Object(Map::new());
    if pieces.trim().is_empty() {
        return (whole.map_or_else(empty, Value::Object), None);
    }
    match serde_json::from_str::<Value>(pieces) {
        Ok(input) if input.is_object() => (input, None),
        Ok(Value::Null) => (whole.map_or_else(empty, Value::Object), None),
        // Some servers put the arguments into a string twice.
        Ok(Value::String(inner)) => match serde_json::from_str::<Value>(&inner) {
            Ok(input) if input.is_object() => (input, None),
            _ => (empty(), Some("the arguments are not a JSON object".into())),
        },
        Ok(_) => (empty(), Some("the arguments are not a JSON object".into())),
        Err(error) => (empty(), Some(format!("the arguments are not valid JSON: {error}"))),
    }
}
