//! What a terminal would show of raw output: colours stripped, what was written over resolved, on one line and on the
//! lines above it. Pure: bytes in, text out.

use std::collections::VecDeque;

use vte::{Params, Parser, Perform};

/// No cursor goes further to the right.
const COLUMN_CAP: usize = 1_000;

/// The text that a terminal of endless width would show. Where nothing goes up, each line is one of its own, so that a
/// torn sequence spoils no more than its line. Clearing the screen clears nothing: what was printed counts. Invalid UTF-8 becomes U+FFFD; control characters are left out, but for tabs.
pub fn resolve(raw: &[u8]) -> String {
    if goes_up(raw) {
        return Screen::default().show(raw);
    }
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

pub(super) fn resolve_line(line: &[u8], text: &mut String) {
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
    row.write(text);
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
    fn write(&self, text: &mut String) {
        let end = if self.overwritten {
            self.cells.iter().rposition(|cell| *cell != ' ').map_or(0, |last| last + 1)
        } else {
            self.cells.len()
        };
        text.extend(&self.cells[..end]);
    }

    fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| *cell == ' ')
    }

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
            'K' | 'J' if first == 0 => self.cells.truncate(self.column),
            'K' if first == 2 => self.cells.clear(),
            'K' if first == 1 => {
                let end = (self.column + 1).min(self.cells.len());
                self.cells[..end].fill(' ');
            }
            _ => {}
        }
    }
}

/// True when the cursor goes to an earlier line somewhere.
fn goes_up(raw: &[u8]) -> bool {
    memchr::memmem::find_iter(raw, b"\x1b[").any(|at| {
        let after = &raw[at + 2..];
        let length = after.iter().take(8).take_while(|byte| byte.is_ascii_digit()).count();
        matches!(after.get(length), Some(b'A' | b'F'))
    })
}

/// Lines that may still be written over: those above have scrolled away for good.
const ROWS: usize = 200;

/// What several lines show that are drawn anew again and again.
#[derive(Default)]
struct Screen {
    text: String,
    rows: VecDeque<Row>,
    at: usize,
}

impl Screen {
    fn show(mut self, raw: &[u8]) -> String {
        self.rows.push_back(Row::default());
        for (number, line) in raw.split(|byte| *byte == b'\n').enumerate() {
            if number > 0 {
                self.go_down();
            }
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            Parser::new().advance(&mut self, line);
            if ends_torn(line) {
                self.print(char::REPLACEMENT_CHARACTER);
            }
        }
        while self.rows.len() > self.at + 1 && self.rows.back().is_some_and(Row::is_blank) {
            self.rows.pop_back();
        }
        for (number, row) in self.rows.iter().enumerate() {
            if number > 0 {
                self.text.push('\n');
            }
            row.write(&mut self.text);
        }
        self.text
    }

    fn go_down(&mut self) {
        self.at += 1;
        if self.at == self.rows.len() {
            self.rows.push_back(Row::default());
        }
        if self.rows.len() > ROWS
            && let Some(row) = self.rows.pop_front()
        {
            self.at -= 1;
            row.write(&mut self.text);
            self.text.push('\n');
        }
        self.rows[self.at].move_to(0);
    }

    fn go(&mut self, to: usize, column: Option<usize>) {
        let column = column.unwrap_or(self.rows[self.at].column);
        self.at = to.min(self.rows.len() - 1);
        self.rows[self.at].move_to(column);
    }
}

impl Perform for Screen {
    fn print(&mut self, character: char) {
        self.rows[self.at].print(character);
    }

    fn execute(&mut self, byte: u8) {
        self.rows[self.at].execute(byte);
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        let first = params.iter().next().and_then(|param| param.first()).copied().unwrap_or(0);
        let count = usize::from(first.max(1));
        match action {
            _ if !intermediates.is_empty() => {}
            'A' => self.go(self.at.saturating_sub(count), None),
            'B' => self.go(self.at + count, None),
            'E' => self.go(self.at + count, Some(0)),
            'F' => self.go(self.at.saturating_sub(count), Some(0)),
            _ => {
                self.rows[self.at].csi_dispatch(params, intermediates, ignore, action);
                if action == 'J' && first == 0 {
                    self.rows.truncate(self.at + 1);
                }
            }
        }
    }
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
    fn lines_that_are_drawn_anew_are_shown_once() {
        for (raw, shown) in [
            // docker: up, erase, write, for each of its lines.
            (&b"top\na: 1\nb: 1\n\x1b[2A\x1b[2Ka: 2\n\x1b[2Kb: 2\nend\n"[..], "top\na: 2\nb: 2\nend\n"),
            // Node's kind: erase all lines from the last to the first, then write them again.
            (b"one\ntwo\n\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K\x1b[Gdone\n", "done\n"),
            (b"one\ntwo\n\x1b[2F\x1b[Jthree\n", "three\n"),
            (b"one\ntwo\n\x1b[1Axx", "one\nxxo"),
            (b"a\nb\n\x1b[2A\x1b[1Bc\n", "a\nc\n"),
            // There is nothing above the first line.
            (b"a\x1b[99Ab", "ab"),
            (b"torn \x1b[1;\nnext\n\x1b[1Aover\n", "torn \nover\n"),
        ] {
            assert_eq!(resolve(raw), shown, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn a_screen_has_a_height() {
        let mut raw: Vec<u8> = (0..1_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        raw.extend_from_slice(b"\x1b[5000Atop\n");
        let shown = resolve(&raw);
        assert!(shown.starts_with("line 0\nline 1\n"));
        assert!(shown.contains("line 800\ntope 801\nline 802\n"), "{shown}");
    }

    proptest! {
        #[test]
        fn going_up_and_down_again_changes_no_line(lines in proptest::collection::vec("[a-z]{0,12}", 3..40)) {
            let plain: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let moved = format!("{plain}\x1b[3A\x1b[3B");
            prop_assert_eq!(resolve(moved.as_bytes()), plain);
        }

        #[test]
        fn nothing_breaks_it(
            raw in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(0x1b), Just(b'['), Just(b'A'), Just(b'J'), Just(b'9'), any::<u8>()],
                0..500,
            ),
        ) {
            let shown = resolve(&raw);
            prop_assert!(!shown.contains(char::from(0x1b)) && !shown.contains('\0'));
        }
    }
}
