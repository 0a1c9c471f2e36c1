//! LSP's positions in a text: lines 0-based and ended by `\n`, `\r\n` or `\r`, columns in UTF-16 units. Pure. Positions
//! beyond the end of a line or of the text mean that end, as the protocol says.

use tower_lsp::ls_types::{Position, Range};

/// The lines of a text, without their breaks: one more than it has breaks.
pub fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    while let Some((end, next)) = next_break(text, start) {
        lines.push(&text[start..end]);
        start = next;
    }
    lines.push(&text[start..]);
    lines
}

/// The byte at a position. In the middle of a character it is the character's start.
pub fn offset(text: &str, position: Position) -> usize {
    let mut start = 0;
    for _ in 0..position.line {
        match next_break(text, start) {
            Some((_, next)) => start = next,
            None => return text.len(),
        }
    }
    let end = next_break(text, start).map_or(text.len(), |(end, _)| end);
    let mut units = position.character as usize;
    for (at, character) in text[start..end].char_indices() {
        if units < character.len_utf16() {
            return start + at;
        }
        units -= character.len_utf16();
    }
    end
}

/// Replaces a range, and gives what [`changed_lines`] gives of it. A range that is the wrong way round is turned.
pub fn replace(text: &mut String, range: Range, new: &str) -> Option<(std::ops::Range<u32>, u32)> {
    let (one, other) = (offset(text, range.start), offset(text, range.end));
    let (start, end) = (one.min(other), one.max(other));
    // Only the lines that the range touches are compared.
    let line_start = text[..start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let line_end = next_break(text, end).map_or(text.len(), |(end, _)| end);
    let before = text[line_start..line_end].to_owned();
    let above = (lines(&text[..line_start]).len() - 1) as u32;
    text.replace_range(start..end, new);
    let after = &text[line_start..line_end - (end - start) + new.len()];
    let (old, count) = changed_lines(&before, after)?;
    Some((above + old.start..above + old.end, count))
}

/// Which lines of `old` became how many lines of `new`; lines that are the same at both ends are left out. `None` where
/// there are no others.
pub fn changed_lines(old: &str, new: &str) -> Option<(std::ops::Range<u32>, u32)> {
    let (old, new) = (lines(old), lines(new));
    let same_start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - same_start;
    let same_end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let changed = same_start as u32..(old.len() - same_end) as u32;
    let count = (new.len() - same_end - same_start) as u32;
    (!changed.is_empty() || count > 0).then_some((changed, count))
}

/// The position of a byte, which is the start of a character.
pub fn position(text: &str, byte: usize) -> Position {
    let before = lines(&text[..byte]);
    let column = before.last().map_or(0, |line| line.encode_utf16().count());
    Position::new((before.len() - 1) as u32, column as u32)
}

/// The one replacement that makes `new` of `old`: what is the same at both ends is left alone, so that cursors and marks
/// outside of it stay where they are.
pub fn smallest_edit(old: &str, new: &str) -> (Range, String) {
    // Neither in the middle of a character nor between `\r` and `\n`.
    let splits = |text: &str, at: usize| {
        !text.is_char_boundary(at) || (text[..at].ends_with('\r') && text[at..].starts_with('\n'))
    };
    let mut start = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
    while splits(old, start) || splits(new, start) {
        start -= 1;
    }
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let mut end = old_rest.bytes().rev().zip(new_rest.bytes().rev()).take_while(|(old, new)| old == new).count();
    while splits(old_rest, old_rest.len() - end) || splits(new_rest, new_rest.len() - end) {
        end -= 1;
    }
    let range = Range::new(position(old, start), position(old, old.len() - end));
    (range, new_rest[..new_rest.len() - end].to_owned())
}

/// The first line break from `from` on: where it starts and where it ends.
fn next_break(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let at = from + memchr::memchr2(b'\n', b'\r', &bytes[from..])?;
    let length = if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 };
    Some((at, at + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, character: u32) -> Position {
        Position::new(line, character)
    }

    #[test]
    fn the_smallest_edit_makes_the_new_text() {
        let table = [
            ("a\nb\nc\n", "a\nB\nc\n"),
            ("", "new"),
            ("gone", ""),
            ("same", "same"),
            ("aaa", "aa"),
            ("x\r\ny\r\n", "x\ny\r\n"),
            ("x\r\n", "x\r"),
            ("ü😀", "ü😁"),
            ("no newline", "no newline\n"),
        ];
        for (old, new) in table {
            let (range, text) = smallest_edit(old, new);
            let (start, end) = (offset(old, range.start), offset(old, range.end));
            assert_eq!(format!("{}{text}{}", &old[..start], &old[end..]), new, "{old:?} to {new:?}");
        }
        let (range, text) = smallest_edit("a\nb\nc\n", "a\nB\nc\n");
        assert_eq!((range, text.as_str()), (Range::new(at(1, 0), at(1, 1)), "B"));
    }

    #[test]
    fn positions_are_found() {
        let text = "ab\r\nü😀x\rz\n";
        let table = [
            (at(0, 0), 0),
            (at(0, 2), 2),
            (at(0, 9), 2),
            (at(1, 0), 4),
            (at(1, 1), 6),
            (at(1, 2), 6),
            (at(1, 3), 10),
            (at(1, 4), 11),
            (at(2, 0), 12),
            (at(2, 1), 13),
            (at(3, 0), 14),
            (at(3, 1), 14),
            (at(9, 9), 14),
        ];
        for (position, expected) in table {
            assert_eq!(offset(text, position), expected, "{position:?}");
        }
        assert_eq!(lines(text), ["ab", "ü😀x", "z", ""]);
    }

    #[test]
    fn ranges_are_replaced_and_their_lines_told() {
        // Text, start, end, new text, result, changed lines.
        #[rustfmt::skip]
        let table = [
            ("a\nb\nc", (1, 0), (1, 1), "x", "a\nx\nc", Some((1..2, 1))),
            ("a\nb\nc", (1, 0), (1, 0), "x\n", "a\nx\nb\nc", Some((1..1, 1))),
            ("a\nb\nc", (1, 1), (1, 1), "\nx", "a\nb\nx\nc", Some((2..2, 1))),
            ("a\nb\nc", (1, 0), (2, 0), "", "a\nc", Some((1..2, 0))),
            ("a\nb\nc", (0, 1), (1, 1), "", "a\nc", Some((1..2, 0))),
            ("a\nbb\nc", (1, 1), (1, 1), "\n", "a\nb\nb\nc", Some((1..2, 2))),
            ("a\nb\nc", (0, 1), (2, 0), "", "ac", Some((0..3, 1))),
            ("a\nb\nc", (2, 1), (2, 1), "\n", "a\nb\nc\n", Some((3..3, 1))),
            ("a\nb", (1, 1), (1, 0), "x", "a\nx", Some((1..2, 1))),
            ("a\r\nb\r\n", (1, 0), (1, 1), "x\r\ny", "a\r\nx\r\ny\r\n", Some((1..2, 2))),
            ("a\nb", (0, 0), (0, 1), "a", "a\nb", None),
            ("", (0, 0), (0, 0), "a\nb", "a\nb", Some((0..1, 2))),
        ];
        for (text, start, end, new, result, lines) in table {
            let mut changed = text.to_owned();
            let told = replace(&mut changed, Range::new(at(start.0, start.1), at(end.0, end.1)), new);
            assert_eq!((changed.as_str(), told), (result, lines), "{text:?} {start:?} {end:?} {new:?}");
        }
    }

    proptest::proptest! {
        /// Outside of the lines that are told, both texts are the same.
        #[test]
        fn what_is_not_told_has_not_changed(
            text in "([ab😀]|\n|\r\n){0,12}", new in "([ab]|\n|\r\n){0,5}",
            start in (0..6_u32, 0..6_u32), end in (0..6_u32, 0..6_u32),
        ) {
            let mut changed = text.clone();
            let told = replace(&mut changed, Range::new(at(start.0, start.1), at(end.0, end.1)), &new);
            let (old_lines, new_lines) = (lines(&text), lines(&changed));
            let (old, count) = told.unwrap_or((0..0, 0));
            let (first, last, count) = (old.start as usize, old.end as usize, count as usize);
            proptest::prop_assert_eq!(&old_lines[..first], &new_lines[..first]);
            proptest::prop_assert_eq!(&old_lines[last..], &new_lines[first + count..]);
        }
    }
}
