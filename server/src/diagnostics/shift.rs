//! Moves problems with the edits of their document, so that they stay at the code they speak of until the next run.

use super::stored::Stored;

/// An edit in whole lines, 0-based: the lines from `start` up to but not including `old_end` became `new_lines` lines.
/// Lines that were only put in between others have `start` equal to `old_end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineEdit {
    pub start: u32,
    pub old_end: u32,
    pub new_lines: u32,
}

/// Moves problems below an edit. Where it touched a problem's own line, a failed test is marked, and what a compiler or a
/// linter said is dropped: nobody knows whether it still holds. True when something changed.
pub fn shift(problems: &mut Vec<Stored>, edit: LineEdit) -> bool {
    let before = problems.len();
    problems.retain(|stored| {
        let line = stored.problem.place.line.and_then(|line| line.checked_sub(1));
        let touched = line.is_some_and(|line| (edit.start..edit.old_end).contains(&line));
        !touched || stored.problem.test.is_some()
    });
    let by = i64::from(edit.new_lines) - i64::from(edit.old_end.saturating_sub(edit.start));
    let mut any = problems.len() != before;
    for stored in problems {
        let problem = &mut stored.problem;
        for place in problem.related.iter_mut().map(|it| &mut it.place).filter(|it| it.file == problem.place.file) {
            let below = |line: &u32| *line > edit.old_end;
            if by != 0 && place.line.as_ref().is_some_and(below) {
                place.line = place.line.map(|line| moved(line, by));
                place.end_line = place.end_line.map(|line| moved(line, by));
                any = true;
            }
        }
        let place = &mut problem.place;
        let Some(line) = place.line.and_then(|line| line.checked_sub(1)) else { continue };
        if line < edit.start {
            continue;
        }
        if line >= edit.old_end {
            if by != 0 {
                place.line = place.line.map(|line| moved(line, by));
                place.end_line = place.end_line.map(|line| moved(line, by));
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

/// A line, 1-based, that many lines further down.
fn moved(line: u32, by: i64) -> u32 {
    u32::try_from(i64::from(line) + by).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TaskId;
    use crate::problem::{Place, Problem, Related, Severity};

    fn at(line: u32, test: Option<&str>) -> Stored {
        let place = Place { file: "a".into(), line: Some(line), column: Some(2), end_line: None, end_column: None };
        let problem = Problem {
            place,
            severity: Severity::Error,
            message: String::new(),
            detail: None,
            code: None,
            tool: String::new(),
            test: test.map(str::to_owned),
            related: Vec::new(),
            provisional: false,
            applies: Default::default(),
        };
        Stored {
            task: TaskId::from("t"),
            run: 1,
            serial: 1,
            problem,
            edited: false,
            stale: false,
            lane: 0,
            cause: None,
            grouped: false,
        }
    }

    /// Problems at 1-based lines 1 to 5, after an edit; `!` marks edited ones.
    fn after(start: u32, old_end: u32, new_lines: u32) -> String {
        let mut problems: Vec<Stored> = (1..=5).map(|line| at(line, Some("a_test"))).collect();
        shift(&mut problems, LineEdit { start, old_end, new_lines });
        let line = |stored: &Stored| {
            format!("{}{}", stored.problem.place.line.unwrap_or(0), if stored.edited { "!" } else { "" })
        };
        problems.iter().map(line).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn problems_move_with_the_lines() {
        for (start, old_end, new_lines, expected) in [
            (1, 2, 1, "1 2! 3 4 5"),
            (1, 2, 2, "1 2! 4 5 6"),
            (2, 2, 1, "1 2 4 5 6"),
            (1, 4, 1, "1 2! 2! 2! 3"),
            (1, 2, 0, "1 2! 2 3 4"),
            (0, 0, 2, "3 4 5 6 7"),
            (5, 5, 3, "1 2 3 4 5"),
        ] {
            assert_eq!(after(start, old_end, new_lines), expected, "{start}..{old_end} became {new_lines}");
        }
    }

    #[test]
    fn places_of_the_same_file_that_belong_to_it_move_too() {
        let mut problem = at(5, Some("a_test"));
        let other = Place { file: "b".into(), ..problem.problem.place.clone() };
        let here = Place { line: Some(2), ..problem.problem.place.clone() };
        let related = |place| Related { place, message: "called here".into() };
        problem.problem.related = vec![related(here), related(other)];
        let mut problems = vec![problem];
        assert!(shift(&mut problems, LineEdit { start: 0, old_end: 0, new_lines: 3 }));
        let lines: Vec<_> = problems[0].problem.related.iter().map(|it| it.place.line).collect();
        assert_eq!(lines, [Some(5), Some(5)]);
    }

    #[test]
    fn what_a_compiler_said_goes_with_its_line() {
        let mut problems = vec![at(2, None), at(3, None)];
        assert!(shift(&mut problems, LineEdit { start: 1, old_end: 2, new_lines: 1 }));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].problem.place.line, Some(3));
    }
}
