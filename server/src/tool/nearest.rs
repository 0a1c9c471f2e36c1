//! The text of a file that is most like one that was not found in it. Pure.

use std::time::{Duration, Instant};

use similar::TextDiff;

/// Lines of the wanted text that are looked at.
const WANTED: usize = 40;
/// Less alike than this is not worth showing.
const ALIKE: f32 = 0.6;
const TIME: Duration = Duration::from_millis(200);

/// A place in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nearest {
    /// 0-based.
    pub first: usize,
    pub count: usize,
    /// Every line is the same but for white space at its ends.
    pub only_space: bool,
}

/// Finds the lines with the most lines of the wanted text at their place; where there are none, the line that is most like
/// the longest line of the wanted text.
pub(super) fn nearest(text: &str, wanted: &str) -> Option<Nearest> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let wanted: Vec<&str> = wanted.lines().map(str::trim).skip_while(|line| line.is_empty()).take(WANTED).collect();
    let count = wanted.len().min(lines.len());
    let full = wanted.iter().filter(|line| !line.is_empty()).count();
    if count == 0 || full == 0 {
        return None;
    }
    let same = |first: usize| {
        lines[first..].iter().zip(&wanted).filter(|(line, wanted)| line == wanted && !line.is_empty()).count()
    };
    let mut best = (0, 0);
    for first in 0..lines.len() {
        let score = same(first);
        if score > best.1 {
            best = (first, score);
        }
    }
    if best.1 > 0 {
        return Some(Nearest { first: best.0, count, only_space: best.1 == full });
    }
    let (index, longest) = wanted.iter().enumerate().max_by_key(|(_, line)| line.len())?;
    let end = Instant::now() + TIME;
    let mut near = (0, ALIKE);
    for (number, line) in lines.iter().enumerate() {
        let (short, long) = (line.len().min(longest.len()), line.len().max(longest.len()));
        // The ratio cannot be better than this.
        if 2.0 * short as f32 / (short + long).max(1) as f32 <= near.1 {
            continue;
        }
        if Instant::now() > end {
            break;
        }
        let ratio = TextDiff::configure().deadline(end).diff_chars(*line, *longest).ratio();
        if ratio > near.1 {
            near = (number, ratio);
        }
    }
    (near.1 > ALIKE).then(|| Nearest { first: near.0.saturating_sub(index), count, only_space: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_text_is_found() {
        let text = "fn one() {\n    first();\n}\n\nfn two() {\n    second();\n    third();\n}\n";
        // Wanted, first line (0-based), lines, whether only white space differs.
        let table = [
            ("fn two() {\n  second();\n", Some((4, 2, true))),
            ("\n\tsecond();\n\tthird();", Some((5, 2, true))),
            ("fn two() {\n    second();\n    fourth();\n}", Some((4, 4, false))),
            ("    secnd();", Some((5, 1, false))),
            ("nothing of the kind", None),
            ("\n \n", None),
        ];
        for (wanted, expected) in table {
            let found = nearest(text, wanted).map(|near| (near.first, near.count, near.only_space));
            assert_eq!(found, expected, "{wanted:?}");
        }
        assert_eq!(nearest("", "x"), None);
    }
}
