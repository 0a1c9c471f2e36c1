//! Where the next of some words begins in a text: a search for three bytes of each word, chosen so that plain text seldom
//! has them, and a comparison where they are met. A byte that begins nothing costs a look into a table that stays in the
//! nearest cache; an automaton would wait for each byte's state before it can look at the next.

/// Slots of the table, as a power of two: 16 KiB.
const BITS: u32 = 14;

/// A set of sequences of three bytes, with a few too many in it.
pub(super) struct Triples(Box<[bool; 1 << BITS]>);

impl Triples {
    pub(super) fn new() -> Self {
        Self(Box::new([false; 1 << BITS]))
    }

    /// The slot of the lower three bytes.
    fn slot(key: u32) -> usize {
        // Fibonacci hashing: the upper bits depend on all lower ones.
        ((key & 0xff_ffff).wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize
    }

    fn key(bytes: [u8; 3]) -> u32 {
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0])
    }

    pub(super) fn add(&mut self, bytes: [u8; 3]) {
        self.0[Self::slot(Self::key(bytes))] = true;
    }

    pub(super) fn may_have(&self, bytes: [u8; 3]) -> bool {
        self.0[Self::slot(Self::key(bytes))]
    }

    /// The first place in `text` where a sequence of the set may stand. Six places are looked at in one turn: none of
    /// them waits for another.
    fn find(&self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(eight) = text.get(at..at + 8) {
            let eight = eight.try_into().map_or(0, u64::from_le_bytes);
            let has = |place: u32| self.0[Self::slot((eight >> (8 * place)) as u32)];
            if has(0) | has(1) | has(2) | has(3) | has(4) | has(5) {
                return (0..6).find(|place| has(*place)).map(|place| at + place as usize);
            }
            at += 6;
        }
        let rest = text[at..].windows(3).position(|three| self.may_have([three[0], three[1], three[2]]))?;
        Some(at + rest)
    }
}

/// A word, and where in it the bytes stand that are looked for.
struct Word {
    text: &'static [u8],
    rare: usize,
}

/// Some words of three bytes and more.
pub(super) struct Words {
    triples: Triples,
    /// Sorted by the bytes that are looked for.
    words: Vec<Word>,
}

impl Word {
    fn key(&self) -> [u8; 3] {
        [self.text[self.rare], self.text[self.rare + 1], self.text[self.rare + 2]]
    }
}

impl Words {
    pub(super) fn new(words: &[&'static str]) -> Self {
        let mut triples = Triples::new();
        let mut words: Vec<Word> = words
            .iter()
            .filter(|word| word.len() >= 3)
            .map(|word| {
                let text = word.as_bytes();
                let rarity = |at: &usize| text[*at..at + 3].iter().map(|byte| rarity(*byte)).sum::<u32>();
                Word { text, rare: (0..text.len() - 2).max_by_key(rarity).unwrap_or(0) }
            })
            .collect();
        for word in &words {
            triples.add(word.key());
        }
        words.sort_by_key(Word::key);
        Self { triples, words }
    }

    /// Where a word begins, from `at` on: one of those on the first line that has any.
    pub(super) fn find(&self, text: &[u8], at: usize) -> Option<usize> {
        let mut from = at;
        loop {
            let rest = text.get(from..)?;
            let met = from + self.triples.find(rest)?;
            if let Some(start) = self.start(text, at, met) {
                return Some(start);
            }
            from = met + 1;
        }
    }

    /// The start of the word whose bytes stand at `met`, when it begins behind `at`.
    fn start(&self, text: &[u8], at: usize, met: usize) -> Option<usize> {
        let key = &text[met..met + 3];
        let first = self.words.partition_point(|word| word.key()[..] < *key);
        let same = self.words[first..].iter().take_while(|word| word.key()[..] == *key);
        let starts = same.filter_map(|word| {
            let start = met.checked_sub(word.rare).filter(|start| *start >= at)?;
            text[start..].starts_with(word.text).then_some(start)
        });
        starts.min()
    }
}

/// How seldom a byte stands in plain text, roughly.
fn rarity(byte: u8) -> u32 {
    match byte {
        b' ' | b'e' | b't' | b'a' | b'o' | b'n' | b'i' | b's' | b'r' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' | b'.' | b'-' | b'/' | b'_' => 2,
        b'A'..=b'Z' | b',' | b'=' | b'"' => 3,
        b':' | b'(' | b')' | b'\'' => 4,
        _ => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_plain_search_finds() {
        let known = [": error: ", "error[", "warning", "at line", " - x", "css"];
        let words = Words::new(&known);
        for text in [
            "a.c:1:2: error: x",
            "warnin warning",
            "error[error[E1",
            "nothing of it",
            "",
            "cs",
            "css",
            "xxcss: error: ",
            "a long line of words with no word in it until the css",
            " - - x at lin",
        ] {
            for at in 0..=text.len() {
                let plain = known.iter().any(|word| text[at..].contains(word));
                let found = words.find(text.as_bytes(), at);
                assert_eq!(found.is_some(), plain, "{text:?} from {at}");
                let is_word = |start: usize| known.iter().any(|word| text[start..].starts_with(word));
                assert!(found.is_none_or(|start| start >= at && is_word(start)), "{text:?} from {at}");
            }
        }
    }
}
