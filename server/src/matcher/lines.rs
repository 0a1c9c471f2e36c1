//! Lines of raw output: cleaned of colours and overwrites, and read byte by byte while they grow. Knows no format.

use std::borrow::Cow;

/// Bytes of a line that are looked at; the rest of a longer line is dropped.
pub(super) const MAX_LINE: usize = 64 * 1024;
/// The same of a line that may be a document: JSON or XML, which tools write as one line.
pub(super) const MAX_DOCUMENT: usize = 16 << 20;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// The part of a raw line that a terminal would leave: what stands behind the last carriage return that is not at its end.
pub(super) fn shown(raw: &[u8]) -> &[u8] {
    let mut raw = raw;
    while let [head @ .., b'\r'] = raw {
        raw = head;
    }
    memchr::memrchr(b'\r', raw).map_or(raw, |overwrite| &raw[overwrite + 1..])
}

/// The text of a raw line as a terminal would leave it: escape sequences gone, the last overwrite kept, bytes that are
/// not UTF-8 replaced.
pub(super) fn clean(raw: &[u8]) -> Cow<'_, str> {
    let raw = shown(raw);
    if memchr::memchr2(ESC, 0x08, raw).is_none() {
        return String::from_utf8_lossy(raw);
    }
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr2(ESC, 0x08, rest) {
        text.extend_from_slice(&rest[..at]);
        if rest[at] == ESC {
            let (escape, behind) = rest[at..].split_at(escape_length(&rest[at..]));
            if matches!(escape, b"\x1b[1G" | b"\x1b[G") {
                // Back to the first column, as npm's spinner goes: what follows is written over it.
                text.clear();
            }
            rest = behind;
        } else {
            text.pop();
            rest = &rest[at + 1..];
        }
    }
    text.extend_from_slice(rest);
    Cow::Owned(String::from_utf8_lossy(&text).into_owned())
}

/// The unfinished last line. Holds at most twice [`MAX_LINE`], also of a progress bar that overwrites itself
/// for hours, and [`MAX_DOCUMENT`] of a document.
#[derive(Debug, Default)]
pub(super) struct Partial {
    /// Its first bytes.
    head: Vec<u8>,
    /// Of a longer line: what a terminal would show of it.
    tail: Option<Vec<u8>>,
    /// Whether that is a document, once there are [`MAX_LINE`] bytes of it.
    document: Option<bool>,
    /// A carriage return was read, and nothing behind it yet.
    returned: bool,
}

impl Partial {
    pub(super) fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// The line's first bytes.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The part that a terminal would leave, cut at [`MAX_LINE`], a document at [`MAX_DOCUMENT`].
    pub(super) fn shown(&self) -> &[u8] {
        self.tail.as_deref().unwrap_or_else(|| shown(&self.head))
    }

    pub(super) fn clear(&mut self) {
        self.head.clear();
        self.tail = None;
        self.document = None;
        self.returned = false;
    }

    /// Adds bytes without a newline. `behind` says where a line's own text begins, behind a prefix.
    pub(super) fn extend(&mut self, bytes: &[u8], behind: impl Fn(&[u8]) -> usize) {
        let room = MAX_LINE - self.head.len();
        let (head, rest) = bytes.split_at(bytes.len().min(room));
        self.head.extend_from_slice(head);
        if rest.is_empty() {
            return;
        }
        if self.tail.is_none() {
            self.tail = Some(shown(&self.head).to_vec());
            self.returned = self.head.ends_with(b"\r");
        }
        let tail = self.tail.get_or_insert_default();
        for (at, part) in rest.split(|&byte| byte == b'\r').enumerate() {
            self.returned |= at > 0;
            if !part.is_empty() {
                if std::mem::take(&mut self.returned) {
                    tail.clear();
                    self.document = None;
                }
                let (part, rest) = part.split_at(part.len().min(MAX_LINE.saturating_sub(tail.len())));
                tail.extend_from_slice(part);
                if !rest.is_empty() && *self.document.get_or_insert_with(|| is_document(tail, &behind)) {
                    let room = MAX_DOCUMENT - tail.len();
                    tail.extend_from_slice(&rest[..rest.len().min(room)]);
                }
            }
        }
    }
}

/// A whole line cut as [`Partial`] cuts it: its first bytes, and what is shown of it.
pub(super) fn cut(raw: &[u8], behind: impl Fn(&[u8]) -> usize) -> (&[u8], &[u8]) {
    let shown = shown(raw);
    let is_long_document = shown.len() > MAX_LINE && is_document(&shown[..MAX_LINE], &behind);
    let most = if is_long_document { MAX_DOCUMENT } else { MAX_LINE };
    (&raw[..raw.len().min(MAX_LINE)], &shown[..shown.len().min(most)])
}

/// True where a line's first bytes are how a document begins, or a line of one: its own text, where a prefix stands before
/// it.
fn is_document(start: &[u8], behind: &impl Fn(&[u8]) -> usize) -> bool {
    let begins = |text: &[u8]| {
        let first = text.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
        matches!(first, Some(b'{' | b'[' | b'<' | b'"'))
    };
    begins(&start[behind(start).min(start.len())..])
}

/// How many bytes the escape sequence takes that `bytes` begin with; all where it does not end.
pub(super) fn escape_length(bytes: &[u8]) -> usize {
    let mut state = Escape::Text;
    let end = bytes.iter().position(|&byte| {
        state = state.after(byte);
        state == Escape::Text
    });
    end.map_or(bytes.len(), |end| end + 1)
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

impl Escape {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Text, ESC) => Self::Start,
            (Self::Start, b'[') => Self::Control,
            (Self::Start, b']' | b'P' | b'X' | b'^' | b'_') => Self::Command,
            (Self::Start, b'(' | b')' | b'*' | b'+' | b'#' | b' ') => Self::Charset,
            (Self::Control, 0x40..=0x7e) | (Self::Start | Self::Charset, _) => Self::Text,
            (Self::Command, BEL) => Self::Text,
            (Self::Command, ESC) => Self::CommandEnd,
            (Self::CommandEnd, b'\\') => Self::Text,
            (Self::CommandEnd, _) => Self::Command,
            (state, _) => state,
        }
    }
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
            let before = self.escape;
            self.escape = before.after(byte);
            if before == Escape::Text && byte != ESC {
                take(byte);
            }
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
            ("⠙\x1b[1G\x1b[0Ka.ts(1,2): x", "a.ts(1,2): x"),
            ("|\x1b[1G\x1b[0K", ""),
            ("src/a.js\x1b[2K\x1b[1G[\x1b[33mwarn\x1b[39m] src/a.js", "[warn] src/a.js"),
        ] {
            assert_eq!(clean(raw.as_bytes()), text, "{raw:?}");
        }
        assert_eq!(clean(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn long_lines_are_cut_alike() {
        let bar = |text: &str, times: usize| text.repeat(times).into_bytes();
        for line in [
            bar("x", 200_000),
            bar("10% of it\r", 30_000),
            [bar("10%\r", 30_000), b"error: at last\r\r".to_vec()].concat(),
            [bar("x", 60_000), b"\r".to_vec(), bar("y", 80_000)].concat(),
            [bar("x", MAX_LINE - 1), b"\r\rz".to_vec()].concat(),
            [bar(" ", 10), bar("[\"a\"],", 50_000)].concat(),
            [bar("x", 70_000), b"\r".to_vec(), bar("{}", 100_000)].concat(),
            [bar("{}", 100_000), b"\r".to_vec(), bar("x", 100_000)].concat(),
            [b"web | ".to_vec(), bar("{}", 100_000)].concat(),
            [b"web | ".to_vec(), bar("x", 100_000)].concat(),
        ] {
            let behind = |line: &[u8]| if line.starts_with(b"web | ") { 6 } else { 0 };
            for piece in [1, 7, 4_096, 65_535, 65_536, 65_537, 1_000_000] {
                let mut partial = Partial::default();
                line.chunks(piece).for_each(|piece| partial.extend(piece, behind));
                assert_eq!((partial.head(), partial.shown()), cut(&line, behind), "pieces of {piece}");
            }
        }
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
