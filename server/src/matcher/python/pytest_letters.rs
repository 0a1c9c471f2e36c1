//! pytest's letters: one a test, read while their line grows, so that the counts are live.

use crate::matcher::lines::Growing;
use crate::problem::Counts;

/// The letters of a line that grows: `tests/test_a.py ..F.  [ 50%]`, or without the file.
#[derive(Default)]
pub(super) struct Letters {
    reader: Growing,
    at: At,
    /// The first word: a file, or the letters themselves.
    word: Vec<u8>,
    counts: Counts,
}

/// Where in its line the reader is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Word,
    Results,
    Tail,
    Not,
}

impl Letters {
    /// Results of this line so far.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// The file that the line begins with.
    pub(super) fn file(&self) -> Option<String> {
        is_file(&self.word).then(|| String::from_utf8_lossy(&self.word).into_owned())
    }

    /// The line is over: its results, none when it only looked like results.
    pub(super) fn end(mut self) -> Counts {
        match self.at {
            At::Not => return Counts::default(),
            At::Word if self.word.len() == 1 && is_letter(self.word[0]) => count(&mut self.counts, self.word[0]),
            _ => {}
        }
        self.counts
    }

    /// Reads what is new of `raw`; `step` gets the counts of this line after each letter.
    pub(super) fn take(&mut self, raw: &[u8], mut step: impl FnMut(Counts)) {
        let Self { reader, at, word, counts } = self;
        reader.advance(raw, |byte| {
            *at = match (*at, byte) {
                (At::Word, b' ') if is_file(word) => At::Results,
                (At::Word, b' ' | b'\r') => {
                    if let [letter] = word[..]
                        && is_letter(letter)
                    {
                        count(counts, letter);
                        step(*counts);
                    }
                    if *counts == Counts::default() { At::Not } else { At::Tail }
                }
                (At::Word, byte) => {
                    if word.len() < 4096 {
                        word.push(byte);
                    }
                    // One letter may be the start of any word; two are results until something else follows.
                    match word[..] {
                        [first, second] if is_letter(first) && is_letter(second) => {
                            count(counts, first);
                            count(counts, second);
                            step(*counts);
                        }
                        [_, _, ..] if *counts != Counts::default() => {
                            if is_letter(byte) {
                                count(counts, byte);
                            } else {
                                *counts = Counts::default();
                            }
                            step(*counts);
                        }
                        _ => {}
                    }
                    At::Word
                }
                (At::Results, byte) if is_letter(byte) => {
                    count(counts, byte);
                    step(*counts);
                    At::Results
                }
                (At::Results, b' ' | b'\r') => At::Tail,
                (At::Tail, b' ' | b'[' | b']' | b'%' | b'0'..=b'9' | b'\r') => At::Tail,
                _ => At::Not,
            };
        });
    }
}

fn is_letter(byte: u8) -> bool {
    matches!(byte, b'.' | b'F' | b'E' | b's' | b'x' | b'X')
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        for (line, counts, file) in [
            ("tests/test_a.py ..F  [ 50%]", (2, 1, 0), Some("tests/test_a.py")),
            ("src/test_a.py s.", (1, 0, 1), Some("src/test_a.py")),
            ("Fxx/test_a.py .", (1, 0, 0), Some("Fxx/test_a.py")),
            ("./test_a.py EX", (1, 1, 0), Some("./test_a.py")),
            ("..F.x", (3, 1, 1), None),
            (".", (1, 0, 0), None),
            ("F     [100%]", (0, 1, 0), None),
            ("starting the server", (0, 0, 0), None),
            ("...and so on", (0, 0, 0), None),
            ("tests/test_a.py::test_b PASSED", (0, 0, 0), None),
            ("tests/test_a.py printed", (0, 0, 0), Some("tests/test_a.py")),
        ] {
            let mut letters = Letters::default();
            letters.take(line.as_bytes(), |_| {});
            assert_eq!(letters.file().as_deref(), file, "{line}");
            let (passed, failed, skipped) = counts;
            assert_eq!(letters.end(), Counts { passed, failed, skipped }, "{line}");
        }
    }
}
