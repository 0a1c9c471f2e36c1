//! A JSON document among a command's lines, as linters print one: on a line, or from `[` or `{` alone to what closes it. Told
//! when it is whole. Knows no linter.

use serde_json::Value;

use super::Matcher;
use super::scope::Scope;

/// Bytes of a document.
const MAX_DOCUMENT: usize = 16 << 20;
/// How a document's first line begins.
pub(super) const START: &str = r#"[\[{](?:\s*\z|[{"])"#;

/// The line machine: `tell` gets each document.
pub(super) struct Document {
    tell: fn(&Value, &mut Scope),
    text: String,
    /// How the document's last line begins; empty when none is read.
    closing: &'static str,
}

impl Document {
    pub(super) fn new(tell: fn(&Value, &mut Scope)) -> Self {
        Self { tell, text: String::new(), closing: "" }
    }

    fn take(&mut self, scope: &mut Scope) {
        let text = std::mem::take(&mut self.text);
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            (self.tell)(&value, scope);
        }
    }
}

/// A text of an object.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

/// A number of an object, by the names that lead to it; `None` where it is negative or too large.
pub(super) fn number(value: &Value, path: &[&str]) -> Option<u32> {
    let found = path.iter().try_fold(value, |value, name| value.get(name))?;
    u32::try_from(found.as_u64()?).ok()
}

impl Matcher for Document {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            (self.closing, self.text) = ("", String::new());
            return;
        }
        if self.closing.is_empty() {
            let closing = match line.as_bytes().first() {
                Some(b'[') => "]",
                Some(b'{') => "}",
                _ => return,
            };
            self.text.clear();
            self.text.push_str(line);
            if line.len() > 1 && line.trim_end().ends_with(closing) {
                return self.take(scope);
            }
            self.closing = closing;
            return;
        }
        if self.text.len() + line.len() > MAX_DOCUMENT {
            (self.closing, self.text) = ("", String::new());
            return;
        }
        self.text.push('\n');
        self.text.push_str(line);
        if line.starts_with(self.closing) {
            self.closing = "";
            self.take(scope);
        }
    }

    fn wants_all(&self) -> bool {
        !self.closing.is_empty()
    }

    fn reads_documents(&self) -> bool {
        true
    }
}
