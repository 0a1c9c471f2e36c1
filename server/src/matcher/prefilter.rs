//! Which lines some format wants, and which formats: everything that the table declares, compiled once. Made for lines
//! that nobody wants: they cost a search for words over many lines at a time, and a look at their first byte.

use std::sync::LazyLock;

use regex::bytes::{RegexSet, RegexSetBuilder};
use regex_syntax::hir::literal::{ExtractKind, Extractor};

use super::table::{MAX_FORMATS, formats};
use super::words::{Triples, Words};

/// The formats that want a line, by their place in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted([u64; MAX_FORMATS / 64]);

impl Wanted {
    pub(super) fn is_empty(self) -> bool {
        self.0.iter().all(|&bits| bits == 0)
    }

    /// Adds or takes out one.
    pub(super) fn set(&mut self, format: usize, wants: bool) {
        let bit = 1 << (format % 64);
        let bits = &mut self.0[format / 64];
        *bits = if wants { *bits | bit } else { *bits & !bit };
    }

    /// Those of either.
    pub(super) fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    /// Their places in the table, the first of it first.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(at, mut bits)| {
            std::iter::from_fn(move || {
                let lowest = bits.trailing_zeros() as usize;
                bits &= bits.wrapping_sub(1);
                (lowest < 64).then_some(64 * at + lowest)
            })
        })
    }
}

/// An expression of each of some formats.
struct Set {
    expressions: RegexSet,
    formats: Vec<usize>,
}

impl Set {
    fn new(expressions: Vec<(String, usize)>) -> Self {
        let (texts, formats): (Vec<_>, Vec<_>) = expressions.into_iter().unzip();
        let expressions = RegexSetBuilder::new(texts)
            .unicode(false)
            .size_limit(64 << 20)
            .dfa_size_limit(32 << 20)
            .build()
            .expect("the formats' expressions are valid");
        Self { expressions, formats }
    }

    fn add(&self, text: &[u8], wanted: &mut Wanted) {
        for at in &self.expressions.matches(text) {
            wanted.set(self.formats[at], true);
        }
    }
}

/// What a wanted start may begin with: one byte, two or three, whichever is known of it.
struct Openings {
    one: [bool; 256],
    /// A bit for each two bytes.
    two: Box<[u64; 1024]>,
    three: Triples,
}

impl Openings {
    fn add(&mut self, opening: &[u8]) {
        match *opening {
            [] => self.one.fill(true),
            [first] => self.one[usize::from(first)] = true,
            [first, second] => {
                let (at, bit) = Self::pair(first, second);
                self.two[at] |= 1 << bit;
            }
            [first, second, third, ..] => self.three.add([first, second, third]),
        }
    }

    /// False for a text that begins like none of them.
    fn may_begin(&self, text: &[u8]) -> bool {
        let is_pair = |first, second| {
            let (at, bit) = Self::pair(first, second);
            self.two[at] >> bit & 1 != 0
        };
        match *text {
            [] => false,
            [first] => self.one[usize::from(first)],
            [first, second] => self.one[usize::from(first)] || is_pair(first, second),
            [first, second, third, ..] => {
                self.one[usize::from(first)] || is_pair(first, second) || self.three.may_have([first, second, third])
            }
        }
    }

    fn pair(first: u8, second: u8) -> (usize, u16) {
        let pair = u16::from_le_bytes([first, second]);
        (usize::from(pair >> 6), pair & 63)
    }
}

/// The whole table's wishes.
pub(super) struct Prefilter {
    openings: Openings,
    starts: Set,
    words: Words,
    inside: Set,
}

/// The one that all engines share.
pub(super) fn prefilter() -> &'static Prefilter {
    static PREFILTER: LazyLock<Prefilter> = LazyLock::new(Prefilter::new);
    &PREFILTER
}

impl Prefilter {
    fn new() -> Self {
        let mut openings = Openings { one: [false; 256], two: Box::new([0; 1024]), three: Triples::new() };
        let mut words = Vec::new();
        let (mut starts, mut inside) = (Vec::new(), Vec::new());
        for (number, format) in formats().iter().enumerate() {
            for start in format.starts {
                self::openings(start).unwrap_or_else(|| vec![Vec::new()]).iter().for_each(|it| openings.add(it));
            }
            if !format.starts.is_empty() {
                starts.push((format!("\\A[ \\t]*(?:{})", format.starts.join("|")), number));
            }
            let here = format.inside.iter().map(|here| {
                words.extend(here.words);
                let any = || here.words.iter().map(|word| regex::escape(word)).collect::<Vec<_>>().join("|");
                if here.text.is_empty() { any() } else { format!("(?:{})", here.text) }
            });
            let here: Vec<_> = here.collect();
            if !here.is_empty() {
                inside.push((here.join("|"), number));
            }
        }
        words.sort_unstable();
        words.dedup();
        Self { openings, starts: Set::new(starts), words: Words::new(&words), inside: Set::new(inside) }
    }

    /// A place at or behind `at` in the next line that is known by a word.
    pub(super) fn next_word(&self, text: &[u8], at: usize) -> Option<usize> {
        self.words.find(text, at)
    }

    /// True when a line without colours, that has no word, may be wanted for its start.
    pub(super) fn may_start(&self, line: &[u8]) -> bool {
        self.opens(line) && self.starts.expressions.is_match(line)
    }

    /// False for a line that begins like none that is wanted.
    fn opens(&self, line: &[u8]) -> bool {
        let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
        self.openings.may_begin(&line[start..])
    }

    /// Who wants a line without colours. `has_word`: what [`Prefilter::next_word`] said of it, where that was asked.
    pub(super) fn wanted(&self, line: &[u8], has_word: Option<bool>) -> Wanted {
        let mut wanted = Wanted::default();
        if self.opens(line) {
            self.starts.add(line, &mut wanted);
        }
        if has_word.unwrap_or_else(|| self.words.find(line, 0).is_some()) {
            self.inside.add(line, &mut wanted);
        }
        wanted
    }
}

/// What a match of `expression` may begin with, up to three bytes of it; `None` where that is too much to be listed.
fn openings(expression: &str) -> Option<Vec<Vec<u8>>> {
    let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(expression);
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_class(16).limit_literal_len(3).limit_total(4_000);
    let literals = extractor.extract(&hir.expect("the formats' expressions are valid"));
    Some(literals.literals()?.iter().map(|literal| literal.as_bytes().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters() {
        for (line, matters) in [
            ("error[E0308]: mismatched types", true),
            ("a.c:3:5: error: x", true),
            ("  Compiling shop v0.1.0", true),
            ("..F.  [ 50%]", true),
            ("2026-11-21 10:12:13 GET /error 200", false),
            ("the quick brown fox", false),
        ] {
            assert_eq!(!prefilter().wanted(line.as_bytes(), None).is_empty(), matters, "{line:?}");
            let passed = prefilter().may_start(line.as_bytes()) || prefilter().next_word(line.as_bytes(), 0).is_some();
            assert!(!matters || passed, "{line:?} is passed over");
        }
    }

    #[test]
    fn starts_begin_with_few_bytes() {
        for format in formats() {
            for start in format.starts {
                let openings =
                    openings(start).unwrap_or_else(|| panic!("{}: `{start}` may begin with anything", format.name));
                let first: std::collections::BTreeSet<u8> =
                    openings.iter().filter_map(|it| it.first().copied()).collect();
                assert!(first.len() <= 16, "{}: `{start}` may begin with {} bytes", format.name, first.len());
                assert!(openings.iter().all(|it| !it.is_empty()), "{}: `{start}` may begin with anything", format.name);
            }
        }
    }

    /// The table of openings is a short cut, and must change nothing.
    #[test]
    fn openings_let_pass_what_starts() {
        let prefilter = prefilter();
        for line in [
            "FAILED a.py::b",
            "  E       assert 1",
            "ok 1",
            "1..3",
            "/w/a.js:3",
            "✗ x",
            "..F",
            "F",
            "make: x",
            "{\"Time\":\"",
        ] {
            let starts = prefilter.starts.expressions.is_match(line.as_bytes());
            assert!(!starts || prefilter.opens(line.as_bytes()), "{line}");
        }
    }
}
