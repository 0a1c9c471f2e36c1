//! Formats that say each problem on one line of its own: a reader of such a line is all that they need. Knows no format.

use super::Matcher;
use super::place::Column;
use super::scope::{Scope, problem};
use crate::problem::Severity;

/// Most tests that one line may count.
pub(super) const MAX_COUNT: u32 = 1_000_000;

/// What stands on the line.
pub(super) struct Printed<'l> {
    pub(super) path: &'l str,
    /// `None` where the file alone is named.
    pub(super) line: Option<u32>,
    pub(super) column: Option<Column>,
    pub(super) severity: Severity,
    pub(super) code: Option<&'l str>,
    pub(super) message: &'l str,
}

/// A line machine without a state.
pub(super) struct OneLine {
    pub(super) tool: &'static str,
    pub(super) read: fn(&str) -> Option<Printed<'_>>,
}

impl Matcher for OneLine {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        let Some(printed) = (self.read)(line) else { return };
        let Some(file) = scope.own(printed.path) else { return };
        let place = match printed.line {
            Some(line) => scope.at(file, line, printed.column, None),
            None => scope.whole(file),
        };
        let mut found = problem(self.tool, printed.severity, place, printed.message);
        found.code = printed.code.map(str::to_owned);
        scope.problem(found);
        scope.claim();
    }
}

/// A number of a match; `None` where it took no part or is too large.
pub(super) fn number(found: &regex::Captures<'_>, group: usize) -> Option<u32> {
    found.get(group)?.as_str().parse().ok()
}

/// A time as a runner prints it, a number and its unit (`ms` or `s`), in milliseconds.
pub(super) fn milliseconds(found: &regex::Captures<'_>, time: usize, unit: usize) -> Option<u64> {
    let seconds = found.get(unit).is_some_and(|unit| unit.as_str() == "s");
    let time: f64 = found.get(time)?.as_str().parse().ok()?;
    Some((time * if seconds { 1000.0 } else { 1.0 }) as u64)
}

/// A count of tests: bounded, so that no sum of some thousands overflows.
pub(super) fn count(found: &regex::Captures<'_>, group: usize) -> u32 {
    number(found, group).unwrap_or(0).min(MAX_COUNT)
}

/// The text of a group that took part in the match.
pub(super) fn text<'l>(found: &regex::Captures<'l>, group: usize) -> Option<&'l str> {
    found.get(group).map(|found| found.as_str())
}

/// The first place in `text` where `word` stands as a word of its own, from line `from` (1-based) on: line, column and end
/// column in characters.
pub(super) fn find_word(text: &str, word: &str, from: u32) -> Option<(u32, u32, u32)> {
    if word.is_empty() {
        return None;
    }
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut ends = memchr::memchr_iter(b'\n', text.as_bytes());
    let start = if from <= 1 { 0 } else { ends.nth(from as usize - 2)? + 1 };
    let text = &text[start..];
    let at = memchr::memmem::find_iter(text.as_bytes(), word).find(|&at| {
        let open = !text[..at].ends_with(is_part) || !word.starts_with(is_part);
        let closed = !text[at + word.len()..].starts_with(is_part) || !word.ends_with(is_part);
        open && closed
    })?;
    let before = &text[..at];
    let line = from.max(1) + memchr::memchr_iter(b'\n', before.as_bytes()).count() as u32;
    let column = before[before.rfind('\n').map_or(0, |end| end + 1)..].chars().count() as u32 + 1;
    Some((line, column, column + word.chars().count() as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words() {
        let text = "absently\nint x = absent(ä, absent);\n";
        assert_eq!(find_word(text, "absent", 1), Some((2, 9, 15)));
        assert_eq!(find_word(text, "absent", 3), None);
        assert_eq!(find_word(text, "absent", 9), None);
        assert_eq!(find_word(text, "int", 2), Some((2, 1, 4)));
        assert_eq!(find_word(text, "", 1), None);
    }
}
