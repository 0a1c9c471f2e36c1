//! What is most like something that was not found: the lines of a file, the names in a folder. Pure.

/// Lines of the wanted text that are looked at.
const WANTED: usize = 40;
/// Less alike than this is not worth showing: the share of pairs of neighbouring characters that two lines have in common.
const ALIKE: f64 = 0.6;

/// A place in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nearest {
    /// 0-based.
    pub first: usize,
    pub count: usize,
    /// All that makes it another text; `None` when there is more.
    pub difference: Option<Difference>,
}

/// What two texts differ in that are the same to a quick eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    Space,
    /// Quotation marks, dashes and spaces that look like the plain ones.
    Marks,
    Case,
}

impl Difference {
    /// Small ones first: each forgives what those before it forgive.
    const ALL: [Self; 3] = [Self::Space, Self::Marks, Self::Case];

    /// A line without this difference.
    fn forgive(self, line: &str) -> String {
        let line = match self {
            Self::Space => line.to_owned(),
            Self::Marks | Self::Case => line.chars().map(plain).collect(),
        };
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if self == Self::Case { line.to_lowercase() } else { line }
    }
}

/// The plain character for one that looks like it.
fn plain(character: char) -> char {
    match character {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{2032}' | '`' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2033}' | '\u{ab}' | '\u{bb}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{200b}' | '\u{feff}' => ' ',
        other => other,
    }
}

/// Where all lines of `wanted` stand but for this difference; the number of the first line, 0-based.
fn but_for(difference: Difference, lines: &[&str], wanted: &[&str]) -> Option<usize> {
    let wanted: Vec<String> = wanted.iter().map(|line| difference.forgive(line)).collect();
    let lines: Vec<String> = lines.iter().map(|line| difference.forgive(line)).collect();
    lines.windows(wanted.len()).position(|window| window == wanted)
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
    for difference in Difference::ALL {
        if let Some(first) = but_for(difference, &lines, &wanted) {
            return Some(Nearest { first, count, difference: Some(difference) });
        }
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
        return Some(Nearest { first: best.0, count, difference: None });
    }
    let (index, longest) = wanted.iter().enumerate().max_by_key(|(_, line)| line.len())?;
    let mut near = (0, ALIKE);
    for (number, line) in lines.iter().enumerate() {
        let alike = strsim::sorensen_dice(line, longest);
        if alike > near.1 {
            near = (number, alike);
        }
    }
    (near.1 > ALIKE).then(|| Nearest { first: near.0.saturating_sub(index), count, difference: None })
}

/// The names that somebody may have meant, the likeliest first: at most two. Letters that were left out, added, taken for
/// others or for each other's place are what makes them differ.
pub(super) fn close_names(wanted: &str, names: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    /// Of the letters of the longer name.
    const ALIKE: f64 = 0.7;
    let alike = |name: String| (strsim::normalized_damerau_levenshtein(wanted, &name), name);
    let mut found: Vec<(f64, String)> = names.map(alike).filter(|(alike, _)| *alike >= ALIKE).collect();
    found.sort_by(|(one, name), (other, other_name)| other.total_cmp(one).then_with(|| name.cmp(other_name)));
    found.into_iter().take(2).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_text_is_found() {
        let text = "fn one() {\n    first();\n}\n\nfn two() {\n    second();\n    third();\n}\nlet s = \"a\" - 1;\n";
        // Wanted, first line (0-based), lines, all that differs.
        let table = [
            ("fn two() {\n  second();\n", Some((4, 2, Some(Difference::Space)))),
            ("\n\tsecond();\n\tthird();", Some((5, 2, Some(Difference::Space)))),
            ("fn  two()\u{a0}{", Some((4, 1, Some(Difference::Space)))),
            ("let s = \u{201c}a\u{201d} \u{2013} 1;", Some((8, 1, Some(Difference::Marks)))),
            ("FN TWO() {", Some((4, 1, Some(Difference::Case)))),
            ("fn two() {\n    second();\n    fourth();\n}", Some((4, 4, None))),
            ("    secnd();", Some((5, 1, None))),
            ("nothing of the kind", None),
            ("\n \n", None),
        ];
        for (wanted, expected) in table {
            let found = nearest(text, wanted).map(|near| (near.first, near.count, near.difference));
            assert_eq!(found, expected, "{wanted:?}");
        }
        assert_eq!(nearest("", "x"), None);
    }

    #[test]
    fn names_that_may_be_meant() {
        let folder = ["main.rs", "util.rs", "utils.rs", "matcher.rs", "README.md"];
        for (wanted, expected) in [
            ("mian.rs", vec!["main.rs"]),
            ("utlis.rs", vec!["utils.rs", "util.rs"]),
            ("readme.txt", vec![]),
            ("", vec![]),
        ] {
            let found: Vec<String> = close_names(wanted, folder.iter().map(ToString::to_string)).collect();
            assert_eq!(found, expected, "{wanted}");
        }
    }
}
