//! Where the next of some words begins in a text: a search for three bytes of each word, chosen so that plain text seldom
//! has them, and a comparison where they are met. A byte that begins nothing costs a look into a table that stays in the
//! nearest cache; an automaton would wait for each byte's state before it can look at the next.

/// Slots of a table, as a power of two: 16 KiB.
const BITS: u32 = 14;

/// Three bytes in the lower ones of a number.
fn key(bytes: [u8; 3]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0])
}

/// The slot of the lower three bytes.
fn slot(key: u32) -> usize {
    // Fibonacci hashing: the upper bits depend on all lower ones.
    ((key & 0xff_ffff).wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize
}

/// A set of sequences of three bytes, with a few too many in it.
pub(super) struct Triples(Box<[bool; 1 << BITS]>);

impl Triples {
    pub(super) fn new() -> Self {
        Self(Box::new([false; 1 << BITS]))
    }

    pub(super) fn add(&mut self, bytes: [u8; 3]) {
        self.0[slot(key(bytes))] = true;
    }

    pub(super) fn may_have(&self, bytes: [u8; 3]) -> bool {
        self.0[slot(key(bytes))]
    }
}

/// A word, where in it the bytes stand that are looked for, and their slot.
struct Word {
    text: &'static [u8],
    rare: usize,
    slot: usize,
}

impl Word {
    fn new(text: &'static [u8]) -> Self {
        let rarity = |at: &usize| text[*at..at + 3].iter().map(|byte| rarity(*byte)).sum::<u32>();
        let rare = (0..text.len() - 2).max_by_key(rarity).unwrap_or(0);
        Self { text, rare, slot: slot(key([text[rare], text[rare + 1], text[rare + 2]])) }
    }
}

/// Some words of three bytes and more, 255 at most.
pub(super) struct Words {
    /// By slot: the number of its first word, counted from one; 0 where it has none.
    first: Box<[u8; 1 << BITS]>,
    /// Sorted by slot.
    words: Vec<Word>,
}

impl Words {
    pub(super) fn new(words: &[&'static str]) -> Self {
        let mut words: Vec<Word> =
            words.iter().filter(|word| word.len() >= 3).map(|word| Word::new(word.as_bytes())).collect();
        words.sort_by_key(|word| word.slot);
        let mut first = Box::new([0; 1 << BITS]);
        for (at, word) in words.iter().enumerate().rev() {
            first[word.slot] = u8::try_from(at + 1).expect("there are not more words than a byte can count");
        }
        Self { first, words }
    }

    /// Where a word begins, from `at` on: one of those on the first line that has any. Six places are looked at in one
    /// turn: none of them waits for another.
    pub(super) fn find(&self, text: &[u8], at: usize) -> Option<usize> {
        let mut turn = at;
        while let Some(eight) = text.get(turn..turn + 8) {
            let eight = eight.try_into().map_or(0, u64::from_le_bytes);
            let first = |place: u32| self.first[slot((eight >> (8 * place)) as u32)];
            if first(0) | first(1) | first(2) | first(3) | first(4) | first(5) != 0 {
                let start = |place: u32| self.start(first(place), text, at, turn + place as usize);
                if let Some(start) = (0..6).find_map(start) {
                    return Some(start);
                }
            }
            turn += 6;
        }
        (turn..text.len().saturating_sub(2)).find_map(|met| {
            let first = self.first[slot(key([text[met], text[met + 1], text[met + 2]]))];
            self.start(first, text, at, met)
        })
    }

    /// The start, not before `at`, of a word whose bytes stand at `met`. `first` is what the table says of them.
    fn start(&self, first: u8, text: &[u8], at: usize, met: usize) -> Option<usize> {
        let first = usize::from(first).checked_sub(1)?;
        let same = self.words[first..].iter().take_while(|word| word.slot == self.words[first].slot);
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
        b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'/' | b'_' | b'"' => 1,
        b',' | b'=' => 2,
        b'A'..=b'Z' | b':' => 3,
        b'(' | b')' | b'[' | b']' | b'\'' => 4,
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
