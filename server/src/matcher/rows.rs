//! Lines of a program that draws a progress bar below them and never ends a line: cargo nextest in a terminal pads each
//! line with spaces to the terminal's width, so that the cursor is on the next row, and moves up to draw the bar anew. Turns
//! that into lines, without the bar. Knows the bar, and nothing else of the program.

use super::lines::{MAX_LINE, escape_length};

/// Bytes of an escape sequence.
const MAX_ESCAPE: usize = 64;

/// What is read of the current row.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Its bytes, colours included.
    row: Vec<u8>,
    /// Characters of it that are seen, and whether the last one is a blank.
    seen: usize,
    blank: bool,
    /// An escape sequence that has not ended yet.
    escape: Vec<u8>,
    /// Characters of a row: as many as the first bar has. Before it lines end as everybody's do.
    width: Option<usize>,
    /// A carriage return ended the row.
    returned: bool,
}

impl Rows {
    /// Appends the lines that `bytes` end.
    pub(super) fn push(&mut self, bytes: &[u8], lines: &mut Vec<u8>) {
        for &byte in bytes {
            self.byte(byte, lines);
        }
    }

    /// The output is over.
    pub(super) fn finish(&mut self, lines: &mut Vec<u8>) {
        if self.seen > 0 {
            self.end_row(lines);
        }
    }

    fn byte(&mut self, byte: u8, lines: &mut Vec<u8>) {
        if !self.escape.is_empty() || byte == 0x1b {
            self.escape.push(byte);
            let whole = self.escape.len() > 1 && escape_ends(&self.escape) || self.escape.len() > MAX_ESCAPE;
            if whole {
                let escape = std::mem::take(&mut self.escape);
                match escape.last() {
                    // Another row.
                    Some(b'A' | b'B' | b'E' | b'F' | b'H') if self.width.is_some() => {
                        if self.seen > 0 {
                            self.end_row(lines);
                        }
                    }
                    Some(b'K' | b'J') if self.width.is_some() => {}
                    _ => self.row.extend(escape),
                }
            }
            return;
        }
        match byte {
            b'\n' if std::mem::take(&mut self.returned) => {}
            b'\n' => self.end_row(lines),
            b'\r' => {
                if self.width.is_none() && is_bar(&self.row) {
                    self.width = Some(self.seen.max(20));
                }
                if self.width.is_none() {
                    self.row.push(byte);
                } else if self.seen > 0 {
                    self.end_row(lines);
                    self.returned = true;
                }
            }
            _ => {
                self.returned = false;
                // A continued character of UTF-8 takes no room.
                let starts = byte & 0xc0 != 0x80;
                // A line that is longer than a row goes on, and has no blank there but by chance.
                if starts
                    && self.blank
                    && self.width.is_some_and(|width| self.seen > 0 && self.seen.is_multiple_of(width))
                {
                    self.end_row(lines);
                }
                if starts {
                    self.seen += 1;
                    self.blank = byte == b' ';
                }
                if self.row.len() < MAX_LINE {
                    self.row.push(byte);
                }
            }
        }
    }

    fn end_row(&mut self, lines: &mut Vec<u8>) {
        let row = std::mem::take(&mut self.row);
        (self.seen, self.blank) = (0, false);
        if self.width.is_none() {
            lines.extend(row);
            lines.push(b'\n');
        } else if !is_bar(&row) {
            lines.extend(row.trim_ascii_end());
            lines.push(b'\n');
        }
    }
}

/// True when the escape sequence has its last byte.
fn escape_ends(escape: &[u8]) -> bool {
    // One byte more would belong to it if it had not ended.
    let mut longer = [0; MAX_ESCAPE + 2];
    longer[..escape.len()].copy_from_slice(escape);
    longer[escape.len()] = b'x';
    escape_length(&longer[..=escape.len()]) == escape.len()
}

expression!(bar, r"^\s*(?:[A-Za-z]+)?\s*\[ *\d\d:\d\d:\d\d\] ");

/// `     Running [ 00:00:01] ████    2/10: 3 running, 2 passed, 0 skipped`, and the tests that run, below it.
fn is_bar(row: &[u8]) -> bool {
    row.len() < 4 * 1024 && bar().is_match(&super::lines::clean(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rows() {
        let bar = "  Running [ 00:00:00] 1/2 ";
        let pad = |text: &str| format!("{text:<width$}", width = bar.len());
        let long = format!("{}{}", "x".repeat(bar.len()), pad("yz"));
        for (output, lines) in [
            ("a\r\nb\rc\n".to_owned(), "a\r\nb\rc\n"),
            (
                format!("a\r\n{bar}\r\x1b[2K\x1b[31m{}{bar}\r\x1b[2K\x1b[1A{}{bar}", pad("FAIL"), pad("b")),
                "a\r\n\x1b[31mFAIL\nb\n",
            ),
            (format!("{bar}\r{long}{bar}"), "xxxxxxxxxxxxxxxxxxxxxxxxxxyz\n"),
            (format!("{bar}\r{}{}c\r\n\r\nd\r\n", pad(""), pad("é")), "\né\nc\n\nd\n"),
        ] {
            for piece in [1, 3, 1_000] {
                let (mut rows, mut found) = (Rows::default(), Vec::new());
                output.as_bytes().chunks(piece).for_each(|piece| rows.push(piece, &mut found));
                rows.finish(&mut found);
                assert_eq!(String::from_utf8_lossy(&found), lines, "{output:?} by {piece}");
            }
        }
    }
}
