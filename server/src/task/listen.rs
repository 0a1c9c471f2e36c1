//! Lines of a run's output that are news while it runs: those that match a pattern, the one that says that a server is
//! ready, the one that says that its address is taken. Pure: bytes in, what was heard out; when a batch may go is reckoned
//! from the time that the caller gives. Memory stays flat: what does not fit into a batch is counted.

use std::collections::VecDeque;
use std::time::Duration;

use regex::{Regex, RegexBuilder};

use super::address;
use super::model::Ready;
use super::output;
use super::ready;
use super::run::{Batch, Listen, ReadyRule};

/// Characters of a pattern.
const PATTERN_CHARS: usize = 1_000;
/// Bytes that a compiled pattern may take.
const PATTERN_SIZE: usize = 1 << 20;
/// Bytes of a line that are looked at.
const LINE_CAP: usize = 16 << 10;
/// Characters of a line that are told.
pub const LINE_CHARS: usize = 500;
/// Lines of one batch.
const BATCH_LINES: usize = 20;
/// Characters of one batch.
const BATCH_CHARS: usize = 2_000;
/// Between two batches.
const GATHER: Duration = Duration::from_secs(1);
/// Batches in any minute.
const PER_MINUTE: usize = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// What to do about a pattern that does not compile.
pub const PATTERN_REMEDY: &str = "Give a regular expression in the syntax of Rust's regex crate; a backslash goes before `(`, `[`, `{`, `*`, `+`, `?`.";

/// Compiles a pattern of a person or a model. The error says what is wrong with it, without a full stop.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.is_empty() {
        return Err("is empty and would match every line".into());
    }
    if pattern.chars().count() > PATTERN_CHARS {
        return Err(format!("has more than {PATTERN_CHARS} characters"));
    }
    RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE).build().map_err(|error| {
        let text = error.to_string();
        // The error draws the pattern over several lines; its last one says what is wrong.
        let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("is no regular expression: {}", why.trim_end_matches('.'))
    })
}

/// Listens to one run's output.
#[derive(Debug)]
pub struct Listener {
    pattern: Option<Regex>,
    ready: Wanted,
    /// The unfinished line, as much of it as counts.
    open: Vec<u8>,
    batch: Batch,
    chars: usize,
    /// When the newest batches went.
    went: VecDeque<Duration>,
    heard_ready: Option<Ready>,
    taken: Option<u16>,
    /// Bytes heard before: what they said was told already.
    skip: u64,
    seen: u64,
}

/// Which line says that it is ready.
#[derive(Debug)]
enum Wanted {
    Nothing,
    Known,
    Line(Regex),
}

impl Listener {
    /// What a run asks for; `None` when it asks for nothing. A pattern that does not compile was refused before the
    /// start, and is left out here.
    pub fn new(listen: &Listen) -> Option<Self> {
        if *listen == Listen::default() {
            return None;
        }
        let ready = match &listen.ready {
            ReadyRule::None => Wanted::Nothing,
            ReadyRule::Known => Wanted::Known,
            ReadyRule::Pattern(pattern) => compile(pattern).map_or(Wanted::Nothing, Wanted::Line),
        };
        Some(Self {
            pattern: listen.pattern.as_deref().and_then(|pattern| compile(pattern).ok()),
            ready,
            open: Vec::new(),
            batch: Batch::default(),
            chars: 0,
            went: VecDeque::new(),
            heard_ready: None,
            taken: None,
            skip: listen.heard,
            seen: 0,
        })
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.seen += end as u64 + 1;
            if self.open.is_empty() {
                self.line(&rest[..end.min(LINE_CAP)]);
            } else {
                self.extend(&rest[..end]);
                let line = std::mem::take(&mut self.open);
                self.line(&line);
                self.open = line;
                self.open.clear();
            }
            rest = &rest[end + 1..];
        }
        self.seen += rest.len() as u64;
        self.extend(rest);
    }

    /// The output is over: its unfinished line is a line.
    pub fn finish(&mut self) {
        let line = std::mem::take(&mut self.open);
        if !line.is_empty() {
            self.line(&line);
        }
    }

    /// Of an unfinished line that is too long the newest overwrite counts, else its beginning.
    fn extend(&mut self, bytes: &[u8]) {
        self.open.extend_from_slice(bytes);
        if self.open.len() > LINE_CAP {
            if let Some(start) = memchr::memrchr(b'\r', &self.open[..self.open.len() - 1]) {
                self.open.drain(..=start);
            }
            self.open.truncate(LINE_CAP);
        }
    }

    fn line(&mut self, raw: &[u8]) {
        if self.seen <= self.skip {
            return;
        }
        let text = output::resolve(raw);
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        if self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(text)) {
            self.matched(text);
        }
        let found = match &self.ready {
            Wanted::Nothing => None,
            Wanted::Known => ready::known(text),
            Wanted::Line(pattern) => pattern.is_match(text).then(|| ready::url(text)),
        };
        if let Some(url) = found {
            self.ready = Wanted::Nothing;
            self.taken = None;
            self.heard_ready = Some(Ready { line: cut(text.trim_start()), url });
        } else if self.taken.is_none() {
            self.taken = address::taken(text);
        }
    }

    fn matched(&mut self, text: &str) {
        let line = cut(text);
        let chars = line.chars().count() + 1;
        self.batch.heard = self.seen;
        if self.batch.lines.len() < BATCH_LINES && self.chars + chars <= BATCH_CHARS {
            self.chars += chars;
            self.batch.lines.push(line);
        } else {
            self.batch.more += 1;
        }
    }

    /// When the gathered lines may go, if there are any. Times are from any fixed moment.
    pub fn due(&self) -> Option<Duration> {
        if self.batch.lines.is_empty() {
            return None;
        }
        let gathered = self.went.back().map_or(Duration::ZERO, |last| *last + GATHER);
        let minute = if self.went.len() < PER_MINUTE { Duration::ZERO } else { self.went[0] + MINUTE };
        Some(gathered.max(minute))
    }

    /// The gathered lines, when they may go at `now` or when it is the `last` chance.
    pub fn take_batch(&mut self, now: Duration, last: bool) -> Option<Batch> {
        if !last && self.due()? > now || self.batch.lines.is_empty() {
            return None;
        }
        self.went.push_back(now);
        if self.went.len() > PER_MINUTE {
            self.went.pop_front();
        }
        self.chars = 0;
        Some(std::mem::take(&mut self.batch))
    }

    /// The line that says that it is ready, once.
    pub fn take_ready(&mut self) -> Option<Ready> {
        self.heard_ready.take()
    }

    /// The port that it could not have. Forgotten when it gets ready all the same.
    pub fn taken(&self) -> Option<u16> {
        self.taken
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LINE_CHARS) {
        None => text.to_owned(),
        Some(_) => text.chars().take(LINE_CHARS - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn listener(pattern: &str) -> Listener {
        Listener::new(&Listen { pattern: Some(pattern.into()), ..Listen::default() }).unwrap()
    }

    fn lines(listener: &mut Listener, at: u32) -> Option<(Vec<String>, u64)> {
        listener.take_batch(SECOND * at, false).map(|batch| (batch.lines, batch.more))
    }

    #[test]
    fn the_first_line_goes_at_once_and_the_next_are_gathered() {
        let mut listener = listener("ERROR");
        listener.push(b"fine\n\x1b[31mERR\x1b[0mOR one\r\nERROR tw");
        assert_eq!(lines(&mut listener, 5), Some((vec!["ERROR one".into()], 0)));
        listener.push(b"o\nERROR three\n");
        assert_eq!(lines(&mut listener, 5), None, "too early");
        assert_eq!(listener.due(), Some(SECOND * 6));
        assert_eq!(lines(&mut listener, 6), Some((vec!["ERROR two".into(), "ERROR three".into()], 0)));
        assert_eq!(listener.due(), None, "nothing is left");
    }

    #[test]
    fn a_flood_is_counted() {
        let mut listener = listener("x");
        for _ in 0..100_000 {
            listener.push(b"xx\n");
        }
        let (told, more) = lines(&mut listener, 0).unwrap();
        assert_eq!((told.len() as u64 + more, told.len()), (100_000, BATCH_LINES));
        listener.push(&b"x".repeat(LINE_CAP * 3));
        assert!(listener.open.len() <= LINE_CAP);
        listener.push(b"\nx\n");
        let (told, more) = lines(&mut listener, 1).unwrap();
        assert_eq!((told[0].chars().count(), told.len(), more), (LINE_CHARS, 2, 0));
        for _ in 0..10 {
            listener.push(&[b"x".repeat(400), b"\n".to_vec()].concat());
        }
        let (told, more) = lines(&mut listener, 2).unwrap();
        assert_eq!((told.len(), more), (4, 6), "at most {BATCH_CHARS} characters");
    }

    #[test]
    fn a_minute_has_ten_batches_and_the_end_has_the_rest() {
        let mut listener = listener("x");
        let mut went = Vec::new();
        for second in 0..65 {
            listener.push(b"x\n");
            if let Some((told, more)) = lines(&mut listener, second) {
                went.push((second, told.len() as u64 + more));
            }
        }
        let quick: Vec<(u32, u64)> = (0..10).map(|second| (second, 1)).collect();
        assert_eq!(went[..10], quick);
        assert_eq!(went[10..], [(60, 51), (61, 1), (62, 1), (63, 1), (64, 1)]);
        listener.push(b"x");
        listener.finish();
        assert_eq!(listener.take_batch(SECOND * 64, true).map(|batch| batch.lines.len()), Some(1));
        assert_eq!(listener.take_batch(SECOND * 99, true), None);
    }

    #[test]
    fn what_was_told_before_is_not_heard_again() {
        let mut first = listener("x");
        first.push(b"x 1\nx 2\n");
        let heard = first.take_batch(SECOND, false).unwrap().heard;
        let mut second = Listener::new(&Listen { pattern: Some("x".into()), heard, ..Listen::default() }).unwrap();
        second.push(b"x 1\nx 2\nx 3\n");
        assert_eq!(lines(&mut second, 1), Some((vec!["x 3".into()], 0)));
    }

    #[test]
    fn a_server_is_ready_once_and_may_have_found_another_port() {
        let mut listener = Listener::new(&Listen { ready: ReadyRule::Known, ..Listen::default() }).unwrap();
        listener.push(b"Port 5173 is in use, trying another one...\n");
        assert_eq!(listener.taken(), Some(5173));
        listener.push("  \u{279c}  Local:   http://localhost:5174/\n".as_bytes());
        assert_eq!(listener.taken(), None);
        let ready = listener.take_ready().unwrap();
        assert_eq!(ready.url.as_deref(), Some("http://localhost:5174/"));
        assert!(ready.line.ends_with("Local:   http://localhost:5174/"), "{ready:?}");
        listener.push(b"  Local:   http://localhost:5174/\n");
        assert_eq!(listener.take_ready(), None);
    }

    #[test]
    fn an_own_pattern_says_when_it_is_ready() {
        let rule = ReadyRule::Pattern("^up and away".into());
        let mut listener = Listener::new(&Listen { ready: rule, ..Listen::default() }).unwrap();
        listener.push(b"Local: http://localhost:1/\nup and away at http://0.0.0.0:8080.\n");
        assert_eq!(listener.take_ready().unwrap().url.as_deref(), Some("http://localhost:8080"));
    }

    #[test]
    fn a_bad_pattern_says_why() {
        for (pattern, why) in [
            ("(", "unclosed group"),
            ("", "is empty"),
            (&"x".repeat(2_000), "1000 characters"),
            (r"\w{500}{500}", "size limit"),
        ] {
            let error = compile(pattern).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(compile(r"ERROR|panicked at").is_ok());
    }

    proptest! {
        #[test]
        fn the_same_is_heard_for_any_cut(
            raw in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'x'), Just(0x1b), any::<u8>()], 0..200),
            at in 0_usize..200,
        ) {
            let (mut whole, mut cut) = (listener("x"), listener("x"));
            whole.push(&raw);
            let (head, rest) = raw.split_at(at.min(raw.len()));
            cut.push(head);
            cut.push(rest);
            whole.finish();
            cut.finish();
            prop_assert_eq!(whole.take_batch(SECOND, true), cut.take_batch(SECOND, true));
        }
    }
}
