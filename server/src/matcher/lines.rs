//! Lines of raw output: cleaned of colours and overwrites, and read byte by byte while they grow. Knows no format.

use std::borrow::Cow;

/// Bytes of a line that are looked at; the rest of a longer line is dropped.
pub(super) const MAX_LINE: usize = 64 * 1024;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// The text of a raw line as a terminal would leave it: escape sequences gone, the last overwrite kept, bytes that are
/// not UTF-8 replaced.
pub(super) fn clean(raw: &[u8]) -> Cow<'_, str> {
    let mut raw = raw;
    while let [head @ .., b'\r'] = raw {
        raw = head;
    }
    if let Some(overwrite) = memchr::memrchr(b'\r', raw) {
        raw = &raw[overwrite + 1..];
    }
    if memchr::memchr2(ESC, 0x08, raw).is_none() {
        return String::from_utf8_lossy(raw);
    }
    let mut reader = Growing::default();
    let mut text = Vec::with_capacity(raw.len());
    reader.advance(raw, |byte| match byte {
        0x08 => {
            text.pop();
        }
        byte => text.push(byte),
    });
    Cow::Owned(String::from_utf8_lossy(&text).into_owned())
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    Text,
    /// After ESC.
    Start,
    /// `ESC [`, up to its final byte.
    Control,
    /// `ESC ]` and its kin, up to BEL or `ESC \`.
    Command,
    CommandEnd,
    /// `ESC (`: one more byte.
    Charset,
}

/// Reads a line that grows, each byte once, without escape sequences.
#[derive(Debug, Default)]
pub(super) struct Growing {
    seen: usize,
    escape: Escape,
}

impl Growing {
    /// Hands over the text bytes of `raw` that were not handed over before; `raw` starts with what was given earlier.
    pub(super) fn advance(&mut self, raw: &[u8], mut take: impl FnMut(u8)) {
        let start = self.seen.min(raw.len());
        for &byte in &raw[start..] {
            self.escape = match (self.escape, byte) {
                (Escape::Text, ESC) => Escape::Start,
                (Escape::Text, _) => {
                    take(byte);
                    Escape::Text
                }
                (Escape::Start, b'[') => Escape::Control,
                (Escape::Start, b']' | b'P' | b'X' | b'^' | b'_') => Escape::Command,
                (Escape::Start, b'(' | b')' | b'*' | b'+' | b'#' | b' ') => Escape::Charset,
                (Escape::Control, 0x40..=0x7e) | (Escape::Start | Escape::Charset, _) => Escape::Text,
                (Escape::Command, BEL) => Escape::Text,
                (Escape::Command, ESC) => Escape::CommandEnd,
                (Escape::CommandEnd, b'\\') => Escape::Text,
                (Escape::CommandEnd, _) => Escape::Command,
                (state, _) => state,
            };
        }
        self.seen = raw.len();
    }

    /// The line is over.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans() {
        for (raw, text) in [
            ("plain", "plain"),
            ("dos\r", "dos"),
            ("10%\r20%\rdone", "done"),
            ("10%\r20%\r", "20%"),
            ("\x1b[1m\x1b[91merror[E1]\x1b[0m: x", "error[E1]: x"),
            ("\x1b]8;;https://a.b/c\x1b\\E0308\x1b]8;;\x07!", "E0308!"),
            ("FAILED\x1b(B\x1b[m", "FAILED"),
            ("\tkeeps\ttabs", "\tkeeps\ttabs"),
            ("ab\x08c", "ac"),
        ] {
            assert_eq!(clean(raw.as_bytes()), text, "{raw:?}");
        }
        assert_eq!(clean(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn growing_reads_each_byte_once() {
        let line = b"\x1b[32m..\x1b[0mF";
        for cut in 0..line.len() {
            let mut reader = Growing::default();
            let mut text = Vec::new();
            reader.advance(&line[..cut], |byte| text.push(byte));
            reader.advance(line, |byte| text.push(byte));
            assert_eq!(text, b"..F");
        }
    }
}
