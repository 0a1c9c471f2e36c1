//! What TAP prints below a failed test: a block of YAML, comments, indented text. As much of YAML as test runners write:
//! keys, scalars and blocks of text.

use super::failure_text;
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, keep};
use crate::problem::{Place, Related};

/// Lines of one diagnostic.
const MAX_LINES: usize = 1_000;
/// Bytes of a value that goes into a message.
const MAX_VALUE: usize = 100;

/// Keys whose values matter, as different programs call them.
const KEYS: &[&str] = &[
    "message",
    "error",
    "expected",
    "actual",
    "wanted",
    "found",
    "got",
    "file",
    "fileName",
    "line",
    "lineNumber",
    "column",
    "columnNumber",
    THROWN,
];
/// Keys of node:test, which has more of them deeper inside.
const OUTER: &[&str] = &["location", "failureType", "exitCode", "name", "stack", "duration_ms"];
/// Under a sentence as its key AVA writes what was thrown, as an object.
const THROWN: &str = "thrown";

/// One test's diagnostic.
#[derive(Default)]
pub(super) struct Diagnostic {
    text: String,
    lines: usize,
    block: Block,
    /// How far the block is indented, and its outermost keys.
    margin: usize,
    outer: Option<usize>,
    /// Values by key; the first of each.
    fields: Vec<(&'static str, String)>,
    /// A key whose value is a text of lines, and how far it is indented: what is indented deeper is that text.
    open: Option<(Option<usize>, usize)>,
    /// Comments alone: the test's name belongs to what they say.
    spoken: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Block {
    #[default]
    None,
    Open,
    Closed,
}

expression!(field, r"^\s*-?\s*(?:(\w+)|'(?:[^']|'')+'): ?(.*)$");
// An object of an error, as AVA formats it.
expression!(thrown, r"(?sm)^(\w*Error) \{.*?^message: '((?:[^'\\]|\\.)*)',?$");

impl Diagnostic {
    pub(super) fn in_block(&self) -> bool {
        self.block == Block::Open
    }

    /// Its block has ended: what comes now is somebody else's.
    pub(super) fn is_over(&self) -> bool {
        self.block == Block::Closed
    }

    /// The whole text, as it was printed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A comment without its `#`; false when it is too much.
    pub(super) fn comment(&mut self, text: &str) -> bool {
        self.spoken = true;
        self.take(text.strip_prefix(' ').unwrap_or(text))
    }

    /// A line of the block, or indented text; false when it is too much.
    pub(super) fn line(&mut self, line: &str) -> bool {
        // Spaces of one byte: an error's text may begin with others.
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        match (self.block, line.trim()) {
            (Block::None, "---") => {
                (self.block, self.margin) = (Block::Open, indent);
                return true;
            }
            // Deeper it is a line of a text.
            (Block::Open, "...") if indent <= self.margin => {
                self.block = Block::Closed;
                return true;
            }
            (Block::Closed, _) => return false,
            (Block::Open, _) => self.yaml(line, indent),
            (Block::None, _) => {}
        }
        self.take(line[indent.min(self.margin)..].trim_end())
    }

    fn take(&mut self, text: &str) -> bool {
        self.lines += 1;
        keep(&mut self.text, text);
        if self.lines > MAX_LINES {
            self.block = Block::Closed;
        }
        true
    }

    fn yaml(&mut self, line: &str, indent: usize) {
        if let Some((at, of)) = self.open
            && indent > of
        {
            if let Some((_, value)) = at.and_then(|at| self.fields.get_mut(at)) {
                keep(value, line.trim());
            }
            return;
        }
        let Some(found) = field().captures(line) else { return };
        let key = found.get(1).map_or(THROWN, |key| key.as_str());
        let is_outer = *self.outer.get_or_insert(indent) == indent;
        let known = KEYS.iter().find(|known| **known == key);
        let known = known.or_else(|| OUTER.iter().find(|known| is_outer && **known == key));
        let value = found[2].trim();
        let is_text = matches!(value, "|" | "|-" | "|+" | ">" | ">-");
        let at = known.filter(|_| is_text || !value.is_empty());
        let at = at.and_then(|key| self.set(key, if is_text { "" } else { value }));
        self.open = is_text.then_some((at, indent));
    }

    /// The field's number; `None` where it was told already.
    fn set(&mut self, key: &'static str, value: &str) -> Option<usize> {
        if self.get(&[key]).is_some() {
            return None;
        }
        self.fields.push((key, unquoted(value)));
        Some(self.fields.len() - 1)
    }

    /// The value of a key.
    pub(super) fn field(&self, key: &str) -> Option<&str> {
        self.get(&[key])
    }

    fn get(&self, keys: &[&str]) -> Option<&str> {
        self.fields.iter().find(|(key, _)| keys.contains(key)).map(|(_, value)| value.as_str())
    }

    /// The line that a person needs.
    pub(super) fn message(&self, name: &str) -> String {
        let error = self.thrown().or_else(|| self.get(&["error", "message"]).and_then(failure_text::message));
        let text =
            if self.block == Block::None && self.fields.is_empty() { failure_text::message(&self.text) } else { None };
        let said = match (error.or(text), name) {
            (Some(said), "") => said,
            (Some(said), name) if self.spoken && !said.contains(name) => format!("{name}: {said}"),
            (Some(said), _) => said,
            (None, "") => "a test failed".to_owned(),
            (None, name) => name.to_owned(),
        };
        let side = |keys: &[&str]| self.get(keys).filter(|value| !value.is_empty() && value.len() <= MAX_VALUE);
        match (side(&["expected", "wanted"]), side(&["actual", "found", "got"])) {
            (Some(expected), Some(actual)) if !(said.contains(expected) && said.contains(actual)) => {
                let line = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
                format!("{said}: expected: {}, actual: {}", line(expected), line(actual))
            }
            _ => said,
        }
    }

    fn thrown(&self) -> Option<String> {
        let found = thrown().captures(self.get(&[THROWN])?)?;
        Some(format!("{}: {}", &found[1], found[2].replace("\\'", "'")))
    }

    /// The place that its fields name.
    pub(super) fn place(&self, scope: &mut Scope) -> Option<(Place, Vec<Related>)> {
        let file = scope.own(self.get(&["file", "fileName"])?)?;
        let number = |keys: &[&str]| self.get(keys).and_then(|value| value.parse::<u32>().ok());
        let line = number(&["line", "lineNumber"])?;
        let column = number(&["column", "columnNumber"]).filter(|&column| column > 0).map(Column::Utf16);
        Some((scope.at(file, line, column, None), Vec::new()))
    }
}

/// A scalar without its quotes.
fn unquoted(value: &str) -> String {
    let inner = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    match (inner('\''), inner('"')) {
        (Some(inner), _) => inner.replace("''", "'"),
        (_, Some(inner)) => inner.replace("\\\"", "\"").replace("\\n", "\n").replace("\\\\", "\\"),
        // It goes on below.
        _ => value.strip_prefix('"').unwrap_or(value).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(lines: &[&str], name: &str) -> String {
        let mut diagnostic = Diagnostic::default();
        for line in lines {
            assert!(match line.strip_prefix('#') {
                Some(text) => diagnostic.comment(text),
                None => diagnostic.line(line),
            });
        }
        diagnostic.message(name)
    }

    #[test]
    fn messages() {
        for (lines, said) in [
            (
                &["  ---", "    operator: equal", "    expected: 4", "    actual: |-", "      3", "    at: x", "  ..."]
                    [..],
                "adds: expected: 4, actual: 3",
            ),
            (&["  ---", "  error: 'not 4: 3'", "  ..."], "not 4: 3"),
            (&["# (in test file a.bats, line 3)", "#   `false' failed"], "adds: `false' failed"),
            (
                &["#   Failed test 'adds'", "#   at t/a.t line 3.", "#          got: '3'", "#     expected: '4'"],
                "adds: got: '3', expected: '4'",
            ),
            (&["  ---", "  error:", "    name: \"E\"", "    message: \"boom\"", "  actual: \"1\"", "  ..."], "boom"),
            (&["  Error: boom", "      at f (a.js:1:1)"], "boom"),
            (
                &[
                    "  ---",
                    "    details:",
                    "      'Error thrown in test:': |-",
                    "        TypeError {",
                    "          message: 'no \\'a\\'',",
                    "        }",
                    "    message: Error thrown in test",
                    "  ...",
                ],
                "TypeError: no 'a'",
            ),
            (&[], "adds"),
        ] {
            assert_eq!(message(lines, "adds"), said);
        }
    }

    #[test]
    fn a_text_may_begin_with_a_space_of_two_bytes() {
        let mut diagnostic = Diagnostic::default();
        for line in ["     ---", "    \u{a0} Attribute", "     ..."] {
            assert!(diagnostic.line(line), "{line}");
        }
        assert_eq!(diagnostic.text(), "\u{a0} Attribute");
    }
}
