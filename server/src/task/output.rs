//! What a person sees of a command's raw output: its last part, how many lines it has, the newest of them, and how far a
//! progress bar has come. Pure: bytes in, text out. Knows no file and no task; what a terminal would show is `screen`'s.

use std::sync::LazyLock;

use regex::Regex;

pub use super::screen::resolve;
use super::screen::resolve_line;

/// Characters of a last line.
pub const LAST_LINE_CHARS: usize = 200;
/// Characters of the tail that an end carries.
pub const TAIL_CHARS: usize = 6_000;
/// Bytes of an unfinished line that are looked at.
const LINE_CAP: usize = 8 << 10;

/// The last [`TAIL_CHARS`] characters of a resolved text, cut at the start of a line; within a line where that one is
/// longer than all of it. `torn` says that `raw` begins in the middle of a line, which is then left out.
pub fn tail(raw: &[u8], torn: bool) -> String {
    let raw = match memchr::memchr(b'\n', raw) {
        Some(end) if torn && end + 1 < raw.len() => &raw[end + 1..],
        _ => raw,
    };
    let text = resolve(raw);
    let Some((start, _)) = text.char_indices().rev().nth(TAIL_CHARS - 1) else { return text };
    if start == 0 || text.as_bytes()[start - 1] == b'\n' {
        return text[start..].to_owned();
    }
    let cut = &text[start..];
    match cut.find('\n') {
        Some(end) if end + 1 < cut.len() => cut[end + 1..].to_owned(),
        _ => cut.to_owned(),
    }
}

/// Counts lines and keeps the newest one with text in it, over bytes that come in any pieces. A few KiB at most.
#[derive(Debug, Default)]
pub struct Lines {
    ended: u64,
    /// The unfinished line, or as much of it as counts.
    open: Vec<u8>,
    /// It wrote over itself.
    overwritten: bool,
    last: String,
}

impl Lines {
    /// Goes on after `ended` lines that were counted before.
    pub fn after(ended: u64) -> Self {
        Self { ended, ..Self::default() }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let Some(end) = memchr::memrchr(b'\n', bytes) else { return self.extend(bytes) };
        let first = memchr::memchr(b'\n', bytes).unwrap_or(end);
        self.ended += memchr::memchr_iter(b'\n', bytes).count() as u64;
        // The newest line counts, so the search goes backwards; the line that was open is the oldest.
        let newest = (first < end)
            .then(|| bytes[first + 1..end].rsplit(|byte| *byte == b'\n').find_map(visible))
            .flatten()
            .or_else(|| {
                self.extend(&bytes[..first]);
                visible(&self.open)
            });
        self.last = newest.unwrap_or(std::mem::take(&mut self.last));
        self.open.clear();
        self.overwritten = false;
        self.extend(&bytes[end + 1..]);
    }

    /// Lines so far; an unfinished one counts.
    pub fn count(&self) -> u64 {
        self.ended + u64::from(!self.open.is_empty())
    }

    /// The newest line with text in it, at most [`LAST_LINE_CHARS`] characters.
    pub fn last(&self) -> String {
        visible(&self.open).unwrap_or_else(|| self.last.clone())
    }

    /// How far the bar has come that the unfinished line draws; `None` where it draws none.
    pub fn percent(&self) -> Option<u8> {
        if self.overwritten { visible(&self.open).and_then(|text| percent(&text)) } else { None }
    }

    /// Appends to the unfinished line. Of a long one its newest overwrite counts, else its beginning.
    fn extend(&mut self, bytes: &[u8]) {
        self.overwritten |= memchr::memchr(b'\r', bytes).is_some();
        let newest = |bytes: &[u8]| memchr::memrchr(b'\r', &bytes[..bytes.len().saturating_sub(1)]).map(|at| at + 1);
        if self.open.len() + bytes.len() <= LINE_CAP {
            self.open.extend_from_slice(bytes);
        } else if let Some(start) = newest(bytes) {
            self.open.clear();
            self.open.extend_from_slice(&bytes[start..][..(bytes.len() - start).min(LINE_CAP)]);
        } else {
            if let Some(start) = newest(&self.open) {
                self.open.drain(..start);
            }
            let room = LINE_CAP.saturating_sub(self.open.len()).min(bytes.len());
            self.open.extend_from_slice(&bytes[..room]);
        }
    }
}

/// The number that a bar shows: `45%`, `45/123`, `1.2 MB/3.4 MB`. The last one counts.
fn percent(text: &str) -> Option<u8> {
    static NUMBERS: LazyLock<Regex> = LazyLock::new(|| {
        let amount = r"(\d{1,12}(?:\.\d{1,6})?) ?([kKMGT]?i?B)?";
        Regex::new(&format!(r"(?:^|[^\d.])(?:(\d{{1,3}})(?:\.\d+)? ?%|{amount} ?/ ?{amount})"))
            .expect("a valid expression")
    });
    let found = NUMBERS.captures_iter(text).last()?;
    if let Some(percent) = found.get(1) {
        return percent.as_str().parse().ok().filter(|percent| *percent <= 100);
    }
    let (done, all): (f64, f64) = (found[2].parse().ok()?, found[4].parse().ok()?);
    let (unit, of) = (found.get(3).map(|unit| unit.as_str()), found.get(5).map(|unit| unit.as_str()));
    let same = unit.is_none() || unit == of;
    // Never above 100, and no part of nothing.
    (same && all > 0.0 && done <= all).then(|| (done * 100.0 / all) as u8)
}

/// What is to be seen of one line: `None` for a blank one.
fn visible(line: &[u8]) -> Option<String> {
    let mut text = String::new();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let start = if line.len() > LINE_CAP { memchr::memrchr(b'\r', line).map_or(0, |at| at + 1) } else { 0 };
    resolve_line(&line[start..][..(line.len() - start).min(LINE_CAP)], &mut text);
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(LAST_LINE_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_line_is_the_newest_with_text() {
        let last = |raw: &[u8]| {
            let mut lines = Lines::default();
            lines.push(raw);
            (lines.last(), lines.count())
        };
        assert_eq!(last(b""), (String::new(), 0));
        assert_eq!(last(b"one\ntwo"), ("two".into(), 2));
        assert_eq!(last(b"one\n\n  \n\x1b[0m\n"), ("one".into(), 4));
        assert_eq!(last(b"a\n[#  ] 10%\r[## ] 60%"), ("[## ] 60%".into(), 2));
        assert_eq!(last(b"[#  ] 10%\r[###] 100%\r"), ("[###] 100%".into(), 1));
        assert_eq!(last("é".repeat(300).as_bytes()).0, "é".repeat(200));
    }

    #[test]
    fn bars_tell_how_far_they_are() {
        for (raw, percent) in [
            (&b"\r  Building [=====>      ] 45/123: serde, syn"[..], Some(36)),
            (b"  10%[=>    ] 1.2M\r  47%[===>   ] 5.6M  1.1MB/s    eta 3s", Some(47)),
            ("\r   \u{2501}\u{2501}\u{2501} 1.2/3.4 MB 5.0 MB/s eta 0:00:01".as_bytes(), Some(35)),
            (b"\rabc: Downloading [==>   ]  512kB/1024kB", Some(50)),
            (b"\rabc: Downloading [==>   ]  512kB/1.5MB", None),
            (b"\r[####    ] 99.9 %", Some(99)),
            (b"\r\x1b[32m100%\x1b[0m", Some(100)),
            (b"\rreify: 812%", None),
            (b"\rwaiting", None),
            (b"no bar: 50%", None),
            (b"\r50%\n", None),
        ] {
            let mut lines = Lines::default();
            lines.push(raw);
            assert_eq!(lines.percent(), percent, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn a_bar_without_an_end_stays_small() {
        let mut lines = Lines::default();
        for percent in 0..100_000 {
            lines.push(format!("\r[####    ] {percent} of 100000").as_bytes());
            assert!(lines.open.len() <= LINE_CAP);
        }
        assert_eq!(lines.last(), "[####    ] 99999 of 100000");
        assert_eq!(lines.count(), 1);
        lines.push(&b"x".repeat(1 << 20));
        assert!(lines.open.len() <= LINE_CAP);
    }

    #[test]
    fn the_tail_begins_at_a_line() {
        assert_eq!(tail(b"a\nb\n", false), "a\nb\n");
        assert_eq!(tail(b"torn\nb\n", true), "b\n");
        assert_eq!(tail(b"torn", true), "torn");
        let many: String = (0..2_000).map(|n| format!("line {n}\n")).collect();
        let cut = tail(many.as_bytes(), false);
        assert!(cut.starts_with("line ") && cut.ends_with("line 1999\n"));
        assert!(cut.len() <= TAIL_CHARS && cut.len() > TAIL_CHARS - 20);
        let one = "x".repeat(10_000);
        assert_eq!(tail(one.as_bytes(), false).len(), TAIL_CHARS);
    }

    proptest! {
        #[test]
        fn lines_are_the_same_for_any_cut(
            raw in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(0x1b), Just(b'['), Just(b'K'), any::<u8>()], 0..200),
            at in 0_usize..200,
        ) {
            let (mut whole, mut cut) = (Lines::default(), Lines::default());
            whole.push(&raw);
            let (head, rest) = raw.split_at(at.min(raw.len()));
            cut.push(head);
            cut.push(rest);
            prop_assert_eq!(whole.count(), cut.count());
            prop_assert_eq!(whole.last(), cut.last());
            prop_assert_eq!(whole.percent(), cut.percent());
        }

        #[test]
        fn nothing_breaks_it(raw in proptest::collection::vec(any::<u8>(), 0..500)) {
            let shown = resolve(&raw);
            prop_assert!(!shown.contains(char::from(0x1b)));
            tail(&raw, true);
        }
    }
}
