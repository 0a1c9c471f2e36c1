//! Moves problems with the edits of their document, so that they stay at the code they speak of until the next run.

use super::store::Stored;

/// An edit in whole lines. Lines are 0-based as in LSP; `old_end` is the last line that the edit touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineEdit {
    pub start: u32,
    pub old_end: u32,
    /// How many lines stand there afterwards; 1 for an edit inside of a line.
    pub new_lines: u32,
    /// The edit starts behind the last character of `start`: that line itself stays as it was.
    pub after_start: bool,
}

impl LineEdit {
    /// The edit of an incremental change: from line `start` to line `old_end`, replaced by `text`, begun behind the line's
    /// last character or not.
    pub fn of_change(start: u32, old_end: u32, text: &str, after_start: bool) -> Self {
        let new_lines = text.matches('\n').count() as u32 + 1;
        Self { start, old_end: old_end.max(start), new_lines, after_start }
    }

    /// The edit between two whole texts; `None` when their lines are the same.
    pub fn between(old: &str, new: &str) -> Option<Self> {
        let (old, new): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
        let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        if same == old.len() && same == new.len() {
            return None;
        }
        let room = old.len().min(new.len()) - same;
        let tail = old.iter().rev().zip(new.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
        let (old_middle, new_middle) = (old.len() - same - tail, new.len() - same - tail);
        if old_middle == 0 {
            // Only new lines: they stand behind the line before, or before the first.
            return Some(match same.checked_sub(1) {
                Some(start) => {
                    let start = start as u32;
                    Self { start, old_end: start, new_lines: new_middle as u32 + 1, after_start: true }
                }
                None => Self { start: 0, old_end: 0, new_lines: new_middle as u32 + 1, after_start: false },
            });
        }
        let start = same as u32;
        Some(Self { start, old_end: start + old_middle as u32 - 1, new_lines: new_middle as u32, after_start: false })
    }
}

/// Moves problems below an edit and marks those whose own line it touched. True when one changed.
pub fn shift(problems: &mut [Stored], edit: LineEdit) -> bool {
    let removed = edit.old_end - edit.start + 1;
    let by = i64::from(edit.new_lines) - i64::from(removed);
    let mut any = false;
    for stored in problems {
        let place = &mut stored.problem.place;
        let Some(line) = place.line.and_then(|line| line.checked_sub(1)) else { continue };
        if line < edit.start || line == edit.start && edit.after_start {
            continue;
        }
        if line > edit.old_end {
            if by != 0 {
                let move_line = |line: u32| u32::try_from(i64::from(line) + by).unwrap_or(1).max(1);
                place.line = place.line.map(move_line);
                place.end_line = place.end_line.map(move_line);
                any = true;
            }
            continue;
        }
        // Its own line: it stays as near as it can, and is marked.
        let last = edit.start + edit.new_lines.saturating_sub(1);
        let stays = line.min(last) + 1;
        any |= !stored.edited || place.line != Some(stays);
        place.line = Some(stays);
        place.end_line = place.end_line.map(|_| stays);
        stored.edited = true;
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TaskId;
    use crate::problem::{Place, Problem, Severity};

    fn at(line: u32) -> Stored {
        let place = Place { file: "a".into(), line: Some(line), column: Some(2), end_line: None, end_column: None };
        let problem = Problem {
            place,
            severity: Severity::Error,
            message: String::new(),
            detail: None,
            code: None,
            tool: String::new(),
            test: None,
            related: Vec::new(),
            provisional: false,
        };
        Stored { task: TaskId::from("t"), run: 1, problem, edited: false, stale: false }
    }

    /// Problems at 1-based lines 1 to 5, after an edit; `!` marks edited ones.
    fn after(edit: LineEdit) -> String {
        let mut problems: Vec<Stored> = (1..=5).map(at).collect();
        shift(&mut problems, edit);
        let line = |stored: &Stored| {
            format!("{}{}", stored.problem.place.line.unwrap_or(0), if stored.edited { "!" } else { "" })
        };
        problems.iter().map(line).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn shifts() {
        for (start, old_end, text, after_start, expected) in [
            (1, 1, "x", false, "1 2! 3 4 5"),
            (1, 1, "\n", false, "1 2! 4 5 6"),
            (1, 1, "\n", true, "1 2 4 5 6"),
            (1, 3, "", false, "1 2! 2! 2! 3"),
            (0, 0, "a\nb\n", false, "1! 4 5 6 7"),
            (4, 4, "x\n", false, "1 2 3 4 5!"),
        ] {
            let edit = LineEdit::of_change(start, old_end, text, after_start);
            assert_eq!(after(edit), expected, "{start}-{old_end} {text:?}");
        }
    }

    #[test]
    fn whole_texts() {
        for (old, new, expected) in [
            ("a\nb\nc\nd\ne", "a\nb\nx\nc\nd\ne", "1 2 4 5 6"),
            ("a\nb\nc\nd\ne", "a\nc\nd\ne", "1 2! 2 3 4"),
            ("a\nb\nc\nd\ne", "a\nb\nX\nd\ne", "1 2 3! 4 5"),
        ] {
            let edit = LineEdit::between(old, new).expect("they differ");
            assert_eq!(after(edit), expected, "{new:?}");
        }
        assert_eq!(LineEdit::between("a\nb", "a\nb"), None);
    }
}
