//! From the text that a command has read to the one that an editor holds: what a run finds stands where the person sees it,
//! also in a document with unsaved text. Pure.

use super::shift::LineEdit;
use crate::line_diff;

/// Lines of a text that is compared; in a longer one places stay as they were printed.
const MOST: usize = 100_000;

/// The edits that make `now` of `read`, the last of the text first: each counts lines of `read`.
pub fn edits(read: &str, now: &str) -> Vec<LineEdit> {
    let (read, now): (Vec<&str>, Vec<&str>) = (read.lines().collect(), now.lines().collect());
    if read.len().max(now.len()) > MOST {
        return Vec::new();
    }
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    let edits = line_diff::between_anchors(&read, &now).into_iter().map(|(old, new)| LineEdit {
        start: number(old.start),
        old_end: number(old.end),
        new_lines: number(new.len()),
    });
    let mut edits: Vec<LineEdit> = edits.collect();
    edits.reverse();
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_edit_by_lines_of_what_was_read() {
        let edit = |start, old_end, new_lines| LineEdit { start, old_end, new_lines };
        for (read, now, expected) in [
            ("a\nb\nc\n", "a\nb\nc\n", vec![]),
            ("a\nb\nc\n", "new\na\nb\nc\n", vec![edit(0, 0, 1)]),
            ("a\nb\nc\nd\n", "x\ny\na\nc\nd2\n", vec![edit(3, 4, 1), edit(1, 2, 0), edit(0, 0, 2)]),
            ("", "a\n", vec![edit(0, 0, 1)]),
        ] {
            assert_eq!(edits(read, now), expected, "{read:?} to {now:?}");
        }
    }
}
