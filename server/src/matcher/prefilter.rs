//! Which lines some format wants, and which formats: everything that the table declares, compiled once. Made for lines
//! that nobody wants: they cost a search for words over many lines at a time, and a look at their first byte.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input};
use regex::bytes::{RegexSet, RegexSetBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::table::{MAX_FORMATS, formats};

/// The formats that want a line, by their place in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted([u64; MAX_FORMATS / 64]);

impl Wanted {
    fn add(&mut self, format: u16) {
        self.0[usize::from(format) / 64] |= 1 << (format % 64);
    }

    pub(super) fn has(self, format: u16) -> bool {
        self.0[usize::from(format) / 64] & (1 << (format % 64)) != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.iter().all(|&bits| bits == 0)
    }
}

/// Expressions, and the format of each.
struct Set {
    expressions: RegexSet,
    formats: Vec<u16>,
}

impl Set {
    fn new(expressions: Vec<(String, u16)>) -> Self {
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
            wanted.add(self.formats[at]);
        }
    }
}

/// The whole table's wishes.
pub(super) struct Prefilter {
    /// Bytes that a wanted start may begin with.
    first: [bool; 256],
    starts: Set,
    words: AhoCorasick,
    inside: Set,
}

/// The one that all engines share.
pub(super) fn prefilter() -> &'static Prefilter {
    static PREFILTER: LazyLock<Prefilter> = LazyLock::new(Prefilter::new);
    &PREFILTER
}

impl Prefilter {
    fn new() -> Self {
        let (mut first, mut words) = ([false; 256], Vec::<&str>::new());
        let (mut starts, mut inside) = (Vec::new(), Vec::new());
        for (number, format) in (0u16..).zip(formats()) {
            for start in format.starts {
                add_first_bytes(start, &mut first);
                starts.push((format!("\\A[ \\t]*(?:{start})"), number));
            }
            for here in format.inside {
                words.extend(here.words);
                let any = || here.words.iter().map(|word| regex::escape(word)).collect::<Vec<_>>().join("|");
                let text = if here.text.is_empty() { any() } else { here.text.to_owned() };
                inside.push((text, number));
            }
        }
        words.sort_unstable();
        words.dedup();
        let words = AhoCorasick::builder().build(words).expect("words make an automaton");
        Self { first, starts: Set::new(starts), words, inside: Set::new(inside) }
    }

    /// Where the next word begins that some line is known by, from `at` on.
    pub(super) fn next_word(&self, text: &[u8], at: usize) -> Option<usize> {
        self.words.find(Input::new(text).range(at..)).map(|found| found.start())
    }

    /// True when a line without colours, that has no word, may be wanted for its start.
    pub(super) fn may_start(&self, line: &[u8]) -> bool {
        let first = line.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
        first.is_some_and(|&first| self.first[usize::from(first)]) && self.starts.expressions.is_match(line)
    }

    /// Who wants a line without colours.
    pub(super) fn wanted(&self, line: &[u8]) -> Wanted {
        let mut wanted = Wanted::default();
        let first = line.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
        if first.is_some_and(|&first| self.first[usize::from(first)]) {
            self.starts.add(line, &mut wanted);
        }
        if self.words.is_match(line) {
            self.inside.add(line, &mut wanted);
        }
        wanted
    }
}

/// Marks the bytes that a match of `expression` may begin with.
fn add_first_bytes(expression: &str, first: &mut [bool; 256]) {
    let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(expression);
    if may_be_empty(&hir.expect("the formats' expressions are valid"), first) {
        first.fill(true);
    }
}

/// Marks the first bytes of `hir`; true when what follows it may begin the match too.
fn may_be_empty(hir: &Hir, first: &mut [bool; 256]) -> bool {
    let mut mark = |start: u8, end: u8| first[usize::from(start)..=usize::from(end)].fill(true);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            literal.0.first().inspect(|&&byte| mark(byte, byte));
            literal.0.is_empty()
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.iter().for_each(|range| mark(range.start(), range.end()));
            false
        }
        HirKind::Class(Class::Unicode(class)) => {
            // The order of characters is that of their first bytes too.
            let byte = |c: char| c.encode_utf8(&mut [0; 4]).as_bytes()[0];
            class.iter().for_each(|range| mark(byte(range.start()), byte(range.end())));
            false
        }
        HirKind::Repetition(repetition) => may_be_empty(&repetition.sub, first) | (repetition.min == 0),
        HirKind::Capture(capture) => may_be_empty(&capture.sub, first),
        HirKind::Concat(parts) => parts.iter().all(|part| may_be_empty(part, first)),
        HirKind::Alternation(parts) => parts.iter().fold(false, |empty, part| may_be_empty(part, first) | empty),
    }
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
            assert_eq!(!prefilter().wanted(line.as_bytes()).is_empty(), matters, "{line:?}");
            let passed = prefilter().may_start(line.as_bytes()) || prefilter().next_word(line.as_bytes(), 0).is_some();
            assert!(!matters || passed, "{line:?} is passed over");
        }
    }

    #[test]
    fn starts_begin_with_few_bytes() {
        for format in formats() {
            for start in format.starts {
                let mut first = [false; 256];
                add_first_bytes(start, &mut first);
                let bytes = first.iter().filter(|&&marked| marked).count();
                assert!(bytes <= 16, "{}: `{start}` may begin with {bytes} bytes", format.name);
            }
        }
    }
}
