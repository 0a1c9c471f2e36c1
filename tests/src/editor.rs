//! The editor's side of the conversation: open documents in memory, and an answer to each request of the server. It
//! does what a real editor does: it refuses an edit of a version that is not the document's own.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

/// A document that the editor holds open.
#[derive(Clone, Debug)]
pub struct Document {
    pub path: PathBuf,
    pub version: i64,
    pub text: String,
    /// True while the text is not what is on disk.
    pub dirty: bool,
}

/// What the editor does with one request.
#[derive(Debug)]
pub enum Reply {
    /// These notifications first, then this answer.
    Now { before: Vec<(&'static str, Value)>, result: Result<Value, Value> },
    /// The test answers.
    Queue,
    /// No editor knows this method: -32601, and the test fails for it.
    Unknown,
}

/// The documents, and the answers that the test chose beforehand.
#[derive(Debug, Default)]
pub struct Editor {
    pub documents: BTreeMap<String, Document>,
    /// Answers `applied: false` from now on.
    pub refuse_edits: bool,
    /// The kind of option that answers every permission question; the test answers each when unset.
    pub permission: Option<String>,
}

impl Editor {
    /// Answers a request of the server.
    pub fn answer(&mut self, method: &str, params: &Value) -> Reply {
        match method {
            "workspace/applyEdit" => {
                let mut before = Vec::new();
                let result = match self.apply(params, &mut before) {
                    Ok(()) => json!({"applied": true}),
                    Err(reason) => json!({"applied": false, "failureReason": reason}),
                };
                Reply::Now { before, result: Ok(result) }
            }
            "pillion/document/save" => self.save(params),
            "pillion/session/request_permission" => match &self.permission {
                None => Reply::Queue,
                Some(kind) => match option_of(params, kind) {
                    Some(option) => now(json!({"outcome": {"outcome": "selected", "optionId": option}})),
                    None => Reply::Queue,
                },
            },
            "window/showMessageRequest" | "pillion/model/complete" | "pillion/diagnostics/get" => Reply::Queue,
            "window/showDocument" => now(json!({"success": true})),
            "workspace/configuration" => {
                now(Value::Array(vec![Value::Null; params["items"].as_array().map_or(0, Vec::len)]))
            }
            "window/workDoneProgress/create"
            | "client/registerCapability"
            | "client/unregisterCapability"
            | "workspace/codeLens/refresh"
            | "workspace/diagnostic/refresh" => now(Value::Null),
            _ => Reply::Unknown,
        }
    }

    fn apply(&mut self, params: &Value, before: &mut Vec<(&'static str, Value)>) -> Result<(), String> {
        if self.refuse_edits {
            return Err("the test refuses every edit".into());
        }
        let edit = &params["edit"];
        let mut changes: Vec<(String, Value, Value)> = Vec::new();
        for change in edit["documentChanges"].as_array().into_iter().flatten() {
            let document = &change["textDocument"];
            changes.push((text(&document["uri"])?, document["version"].clone(), change["edits"].clone()));
        }
        for (uri, edits) in edit["changes"].as_object().into_iter().flatten() {
            changes.push((uri.clone(), Value::Null, edits.clone()));
        }
        let mut done = self.documents.clone();
        for (uri, version, edits) in changes {
            let document = done.get_mut(&uri).ok_or_else(|| format!("{uri} is not open"))?;
            if !version.is_null() && version != document.version {
                return Err(format!("the edit is for version {version}, the document has {}", document.version));
            }
            document.text = edited(&document.text, &edits)?;
            document.version += 1;
            document.dirty = true;
            before.push(("textDocument/didChange", did_change(&uri, document)));
        }
        self.documents = done;
        Ok(())
    }

    fn save(&mut self, params: &Value) -> Reply {
        let (mut saved, mut failed, mut before) = (Vec::new(), Vec::new(), Vec::new());
        for uri in params["uris"].as_array().into_iter().flatten() {
            match uri.as_str().and_then(|uri| self.documents.get_mut(uri)) {
                Some(document) if fs::write(&document.path, &document.text).is_ok() => {
                    document.dirty = false;
                    before.push(("textDocument/didSave", json!({"textDocument": {"uri": uri}})));
                    saved.push(uri.clone());
                }
                _ => failed.push(uri.clone()),
            }
        }
        Reply::Now { before, result: Ok(json!({"saved": saved, "failed": failed})) }
    }
}

/// The `didChange` that tells the whole text of a document.
pub fn did_change(uri: &str, document: &Document) -> Value {
    json!({"textDocument": {"uri": uri, "version": document.version}, "contentChanges": [{"text": document.text}]})
}

/// The id of the option of that kind in a permission question.
pub fn option_of(params: &Value, kind: &str) -> Option<String> {
    let options = params["options"].as_array()?;
    Some(options.iter().find(|option| option["kind"] == kind)?["optionId"].as_str()?.to_owned())
}

/// `text` after LSP text edits; they may come in any order and must not overlap.
pub fn edited(text: &str, edits: &Value) -> Result<String, String> {
    let mut parts = VecDeque::new();
    for edit in edits.as_array().ok_or("edits that are no array")? {
        let (start, end) = (&edit["range"]["start"], &edit["range"]["end"]);
        parts.push_back((offset(text, start)?, offset(text, end)?, self::text(&edit["newText"])?));
    }
    // Stable: inserts at one place keep their order.
    parts.make_contiguous().sort_by_key(|(start, end, _)| (*start, *end));
    let (mut result, mut at) = (String::new(), 0);
    for (start, end, new) in parts {
        if start < at || end < start {
            return Err("edits that overlap".into());
        }
        result.push_str(&text[at..start]);
        result.push_str(&new);
        at = end;
    }
    result.push_str(&text[at..]);
    Ok(result)
}

/// The byte offset of an LSP position (columns in UTF-16 units; past a line's end means its end).
fn offset(text: &str, position: &Value) -> Result<usize, String> {
    let number = |name: &str| position[name].as_u64().ok_or_else(|| format!("a position without {name}: {position}"));
    let (line, mut column) = (number("line")?, number("character")?);
    let mut at = 0;
    for _ in 0..line {
        match text[at..].find('\n') {
            Some(end) => at += end + 1,
            None => return Ok(text.len()),
        }
    }
    for letter in text[at..].chars() {
        let units = letter.len_utf16() as u64;
        if letter == '\n' || letter == '\r' || column < units {
            break;
        }
        column -= units;
        at += letter.len_utf8();
    }
    Ok(at)
}

fn now(result: Value) -> Reply {
    Reply::Now { before: Vec::new(), result: Ok(result) }
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("a string was expected: {value}"))
}
