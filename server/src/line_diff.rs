//! Which lines differ between two texts. Pure; the same for the same texts, however busy the machine is.
//!
//! The algorithms are called by name: `similar`'s choice at run time brings all of them into the program, in every type.

use std::convert::Infallible;
use std::ops::Range;

use similar::DiffOp;
use similar::algorithms::{Capture, Compact, DiffHook, Replace, myers, patience};

/// Lines of the old text, and those of the new one that stand for them. One of them may be empty.
pub type Changed = (Range<usize>, Range<usize>);

/// The fewest lines, in order. Its time grows with the lines times the differences: for texts of some thousand lines.
pub fn fewest(old: &[&str], new: &[&str]) -> Vec<Changed> {
    changed(old, new, |hook| myers::diff(hook, old, 0..old.len(), new, 0..new.len()))
}

/// Between lines that both have once, in order: quick in long texts too.
pub fn between_anchors(old: &[&str], new: &[&str]) -> Vec<Changed> {
    changed(old, new, |hook| patience::diff(hook, old, 0..old.len(), new, 0..new.len()))
}

type Hook<'a> = Compact<'a, 'a, [&'a str], [&'a str], Replace<Capture>>;

fn changed<'a>(
    old: &'a [&'a str],
    new: &'a [&'a str],
    diff: impl FnOnce(&mut Hook<'a>) -> Result<(), <Hook<'a> as DiffHook>::Error>,
) -> Vec<Changed> {
    let mut hook = Compact::new(Replace::new(Capture::new()), old, new);
    let Ok(()): Result<(), Infallible> = diff(&mut hook);
    let ops = hook.into_inner().into_inner().into_ops();
    let differs = |op: &DiffOp| !matches!(op, DiffOp::Equal { .. });
    ops.iter().filter(|op| differs(op)).map(|op| (op.old_range(), op.new_range())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_find_what_makes_one_text_of_the_other() {
        for (old, new, expected) in [
            ("a b c", "a b c", vec![]),
            ("", "a", vec![(0..0, 0..1)]),
            ("a b c", "n a b c", vec![(0..0, 0..1)]),
            ("a b c d", "x y a c e", vec![(0..0, 0..2), (1..2, 3..3), (3..4, 4..5)]),
        ] {
            let (old, new): (Vec<_>, Vec<_>) = (old.split_whitespace().collect(), new.split_whitespace().collect());
            assert_eq!(fewest(&old, &new), expected, "{old:?} to {new:?}");
            assert_eq!(between_anchors(&old, &new), expected, "{old:?} to {new:?}");
        }
    }
}
