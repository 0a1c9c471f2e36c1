//! What a person sees of a command's raw output: colours stripped, lines that were written over resolved. Pure: bytes
//! in, text out. Knows no file and no task.

use vte::{Params, Parser, Perform};

/// Characters of a last line.
pub const LAST_LINE_CHARS: usize = 200;
/// Characters of the tail that an end carries.
pub const TAIL_CHARS: usize = 6_000;
/// Bytes of an unfinished line that are looked at.
const LINE_CAP: usize = 8 << 10;
/// No cursor goes further to the right.
const COLUMN_CAP: usize = 1_000;

/// The text that a terminal of endless width would show, line by line: each line is one of its own, so that a torn
/// sequence spoils no more than its line. Invalid UTF-8 becomes U+FFFD; control characters are left out, but for tabs.
pub fn resolve(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        resolve_line(&rest[..end], &mut text);
        text.push('\n');
        rest = &rest[end + 1..];
    }
    resolve_line(rest, &mut text);
    text
}

fn resolve_line(line: &[u8], text: &mut String) {
    // CRLF is a line end, not an overwrite.
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.iter().all(|byte| (*byte >= 0x20 && *byte < 0x7f) || *byte == b'\t') {
        text.push_str(&String::from_utf8_lossy(line));
        return;
    }
    let mut row = Row::default();
    Parser::new().advance(&mut row, line);
    if ends_torn(line) {
        row.print(char::REPLACEMENT_CHARACTER);
    }
    let end = if row.overwritten {
        row.cells.iter().rposition(|cell| *cell != ' ').map_or(0, |last| last + 1)
    } else {
        row.cells.len()
    };
    text.extend(&row.cells[..end]);
}

/// True when the bytes end within a character.
fn ends_torn(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    (0..tail.len()).any(|start| matches!(std::str::from_utf8(&tail[start..]), Err(error) if error.valid_up_to() == 0 && error.error_len().is_none()))
}

/// One line of a terminal.
#[derive(Default)]
struct Row {
    cells: Vec<char>,
    column: usize,
    /// The cursor went back: what is blank at the end was blanked out.
    overwritten: bool,
}

impl Row {
    fn move_to(&mut self, column: usize) {
        self.overwritten |= column < self.cells.len();
        self.column = column.min(self.cells.len().max(COLUMN_CAP));
    }
}

impl Perform for Row {
    fn print(&mut self, character: char) {
        if self.column < self.cells.len() {
            self.cells[self.column] = character;
        } else {
            self.cells.resize(self.column, ' ');
            self.cells.push(character);
        }
        self.column += 1;
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\r' => self.move_to(0),
            8 => self.move_to(self.column.saturating_sub(1)),
            b'\t' => self.print('\t'),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, action: char) {
        if !intermediates.is_empty() {
            return;
        }
        let first = params.iter().next().and_then(|param| param.first()).copied().unwrap_or(0);
        let count = usize::from(first.max(1));
        match action {
            'G' => self.move_to(count - 1),
            'C' => self.move_to(self.column + count),
            'D' => self.move_to(self.column.saturating_sub(count)),
            'K' if first == 0 => self.cells.truncate(self.column),
            'K' if first == 2 => self.cells.clear(),
            'K' => {
                let end = (self.column + 1).min(self.cells.len());
                self.cells[..end].fill(' ');
            }
            _ => {}
        }
    }
}

/// The last [`TAIL_CHARS`] characters of a resolved text, cut at the start of a line; within a line where that one is
/// longer than all of it. `torn` says that `raw` begins in the middle of a line, which is then left out.
pub fn tail(raw: &[u8], torn: bool) -> String {
    let raw = match memchr::memchr(b'\n', raw) {
        Some(end) if torn && end + 1 < raw.len() => &raw[end + 1..],
        _ => raw,
    };
    let text = resolve(raw);
    let Some((start, _)) = text.char_indices().rev().nth(TAIL_CHARS - 1) else { return text };
    if start == 0 || text.as_bytes()[start - 1] == b'\n' {
        return text[start..].to_owned();
    }
    let cut = &text[start..];
    match cut.find('\n') {
        Some(end) if end + 1 < cut.len() => cut[end + 1..].to_owned(),
        _ => cut.to_owned(),
    }
}

/// Counts lines and keeps the newest one with text in it, over bytes that come in any pieces. A few KiB at most.
#[derive(Debug, Default)]
pub struct Lines {
    ended: u64,
    /// The unfinished line, or as much of it as counts.
    open: Vec<u8>,
    last: String,
}

impl Lines {
    /// Goes on after `ended` lines that were counted before.
    pub fn after(ended: u64) -> Self {
        Self { ended, ..Self::default() }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let Some(end) = memchr::memrchr(b'\n', bytes) else { return self.extend(bytes) };
        let first = memchr::memchr(b'\n', bytes).unwrap_or(end);
        self.ended += memchr::memchr_iter(b'\n', bytes).count() as u64;
        // The newest line counts, so the search goes backwards; the line that was open is the oldest.
        let newest = (first < end)
            .then(|| bytes[first + 1..end].rsplit(|byte| *byte == b'\n').find_map(visible))
            .flatten()
            .or_else(|| {
                self.extend(&bytes[..first]);
                visible(&self.open)
            });
        self.last = newest.unwrap_or(std::mem::take(&mut self.last));
        self.open.clear();
        self.extend(&bytes[end + 1..]);
    }

    /// Lines so far; an unfinished one counts.
    pub fn count(&self) -> u64 {
        self.ended + u64::from(!self.open.is_empty())
    }

    /// The newest line with text in it, at most [`LAST_LINE_CHARS`] characters.
    pub fn last(&self) -> String {
        visible(&self.open).unwrap_or_else(|| self.last.clone())
    }

    /// Appends to the unfinished line. Of a long one its newest overwrite counts, else its beginning.
    fn extend(&mut self, bytes: &[u8]) {
        let newest = |bytes: &[u8]| memchr::memrchr(b'\r', &bytes[..bytes.len().saturating_sub(1)]).map(|at| at + 1);
        if self.open.len() + bytes.len() <= LINE_CAP {
            self.open.extend_from_slice(bytes);
        } else if let Some(start) = newest(bytes) {
            self.open.clear();
            self.open.extend_from_slice(&bytes[start..][..(bytes.len() - start).min(LINE_CAP)]);
        } else {
            if let Some(start) = newest(&self.open) {
                self.open.drain(..start);
            }
            let room = LINE_CAP.saturating_sub(self.open.len()).min(bytes.len());
            self.open.extend_from_slice(&bytes[..room]);
        }
    }
}

/// What is to be seen of one line: `None` for a blank one.
fn visible(line: &[u8]) -> Option<String> {
    let mut text = String::new();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let start = if line.len() > LINE_CAP { memchr::memrchr(b'\r', line).map_or(0, |at| at + 1) } else { 0 };
    resolve_line(&line[start..][..(line.len() - start).min(LINE_CAP)], &mut text);
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(LAST_LINE_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn resolves_as_a_terminal_would() {
        for (raw, shown) in [
            (&b"plain\ttext\n"[..], "plain\ttext\n"),
            (b"\x1b[31mred\x1b[0m end", "red end"),
            (b"10%\r100%\r\n", "100%\n"),
            (b"abcdef\rxy", "xycdef"),
            (b"long text\r\x1b[Kdone", "done"),
            (b"long text\r         \rok", "ok"),
            (b"a\x08b", "b"),
            (b"\x1b]0;title\x07text", "text"),
            (b"torn \x1b]0;title\nnext", "torn \nnext"),
            (b"ab\x1b[2K\x1b[1Gcd", "cd"),
            (b"n\0ul", "nul"),
            (b"bad \xff\xfe!", "bad \u{fffd}\u{fffd}!"),
            (b"torn \xc3", "torn \u{fffd}"),
            ("größe ✓".as_bytes(), "größe ✓"),
            (b"far\x1b[60000Cx\n\n", &format!("far{}x\n\n", " ".repeat(997))),
        ] {
            assert_eq!(resolve(raw), shown, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn the_last_line_is_the_newest_with_text() {
        let last = |raw: &[u8]| {
            let mut lines = Lines::default();
            lines.push(raw);
            (lines.last(), lines.count())
        };
        assert_eq!(last(b""), (String::new(), 0));
        assert_eq!(last(b"one\ntwo"), ("two".into(), 2));
        assert_eq!(last(b"one\n\n  \n\x1b[0m\n"), ("one".into(), 4));
        assert_eq!(last(b"a\n[#  ] 10%\r[## ] 60%"), ("[## ] 60%".into(), 2));
        assert_eq!(last(b"[#  ] 10%\r[###] 100%\r"), ("[###] 100%".into(), 1));
        assert_eq!(last("é".repeat(300).as_bytes()).0, "é".repeat(200));
    }

    #[test]
    fn a_bar_without_an_end_stays_small() {
        let mut lines = Lines::default();
        for percent in 0..100_000 {
            lines.push(format!("\r[####    ] {percent} of 100000").as_bytes());
            assert!(lines.open.len() <= LINE_CAP);
        }
        assert_eq!(lines.last(), "[####    ] 99999 of 100000");
        assert_eq!(lines.count(), 1);
        lines.push(&b"x".repeat(1 << 20));
        assert!(lines.open.len() <= LINE_CAP);
    }

    #[test]
    fn the_tail_begins_at_a_line() {
        assert_eq!(tail(b"a\nb\n", false), "a\nb\n");
        assert_eq!(tail(b"torn\nb\n", true), "b\n");
        assert_eq!(tail(b"torn", true), "torn");
        let many: String = (0..2_000).map(|n| format!("line {n}\n")).collect();
        let cut = tail(many.as_bytes(), false);
        assert!(cut.starts_with("line ") && cut.ends_with("line 1999\n"));
        assert!(cut.len() <= TAIL_CHARS && cut.len() > TAIL_CHARS - 20);
        let one = "x".repeat(10_000);
        assert_eq!(tail(one.as_bytes(), false).len(), TAIL_CHARS);
    }

    proptest! {
        #[test]
        fn lines_are_the_same_for_any_cut(
            raw in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(0x1b), Just(b'['), Just(b'K'), any::<u8>()], 0..200),
            at in 0_usize..200,
        ) {
            let (mut whole, mut cut) = (Lines::default(), Lines::default());
            whole.push(&raw);
            let (head, rest) = raw.split_at(at.min(raw.len()));
            cut.push(head);
            cut.push(rest);
            prop_assert_eq!(whole.count(), cut.count());
            prop_assert_eq!(whole.last(), cut.last());
        }

        #[test]
        fn nothing_breaks_it(raw in proptest::collection::vec(any::<u8>(), 0..500)) {
            let shown = resolve(&raw);
            prop_assert!(!shown.contains(char::from(0x1b)));
            tail(&raw, true);
        }
    }
}
