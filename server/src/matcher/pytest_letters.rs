//! pytest's letters: one a test, read while their line grows, so that the counts are live.

use super::lines::Growing;
use crate::problem::Counts;

/// The letters of a line that grows: `tests/test_a.py ..F.  [ 50%]`, or without the file.
#[derive(Default)]
pub(super) struct Letters {
    reader: Growing,
    pub(super) at: At,
    /// The file, where the line begins with one.
    pub(super) word: Vec<u8>,
    pub(super) counts: Counts,
}

/// Where in its line the reader is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum At {
    #[default]
    Word,
    Results,
    Tail,
    Not,
}

impl Letters {
    /// Reads what is new of `raw`; `step` gets the counts of this line after each letter.
    pub(super) fn take(&mut self, raw: &[u8], mut step: impl FnMut(Counts)) {
        let Self { reader, at, word, counts } = self;
        reader.advance(raw, |byte| {
            *at = match (*at, byte) {
                // Without a file's name a line starts with its letters.
                (At::Word, b'.' | b'F' | b'E' | b's' | b'x' | b'X') if word.is_empty() => {
                    count(counts, byte);
                    step(*counts);
                    At::Results
                }
                (At::Word, b' ') if is_file(word) => At::Results,
                (At::Word, b' ' | b'\r') => At::Not,
                (At::Word, byte) => {
                    if word.len() < 512 {
                        word.push(byte);
                    }
                    At::Word
                }
                (At::Results, b'.' | b'F' | b'E' | b's' | b'x' | b'X') => {
                    count(counts, byte);
                    step(*counts);
                    At::Results
                }
                (At::Results, b' ') => At::Tail,
                (At::Tail, b' ' | b'[' | b']' | b'%' | b'0'..=b'9' | b'\r') => At::Tail,
                (At::Results, b'\r') => At::Tail,
                _ => At::Not,
            };
        });
    }
}

fn count(counts: &mut Counts, letter: u8) {
    match letter {
        b'.' | b'X' => counts.passed += 1,
        b'F' | b'E' => counts.failed += 1,
        _ => counts.skipped += 1,
    }
}

fn is_file(word: &[u8]) -> bool {
    !word.windows(2).any(|two| two == b"::")
        && [&b".py"[..], b".txt", b".rst", b".md", b".yaml", b".yml", b".ipynb"].iter().any(|end| word.ends_with(end))
}
