//! Server-sent events, from bytes in any cut to whole events. Pure: no tokio, no HTTP. Follows the HTML standard, section
//! 9.2.6 (interpreting an event stream): a byte order mark, lines ended by CR, LF or CRLF, several `data` lines, comments.
//! `id` and `retry` are read over: a model's answer cannot be resumed.

/// Most bytes of one event. Whole tool inputs arrive in pieces, so a real event is a few KB.
pub const EVENT_CAP: usize = 8 * 1024 * 1024;

/// One event of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `message` where the stream names none.
    pub name: String,
    pub data: String,
}

/// An event was larger than [`EVENT_CAP`]: this is no stream of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {EVENT_CAP} bytes")]
pub struct TooLarge;

/// Reads a stream piece by piece. An event that the stream's end cut off is dropped, as the standard says.
#[derive(Debug, Default)]
pub struct Parser {
    /// The line that has no end yet. UTF-8 is decoded by whole lines only, so that a cut cannot split a character.
    line: Vec<u8>,
    name: String,
    data: String,
    has_data: bool,
    /// The first line has been seen, and with it the byte order mark.
    begun: bool,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
}

impl Parser {
    /// Takes the next bytes and returns the events that they complete.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut events = Vec::new();
        if self.after_cr && !bytes.is_empty() {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            self.after_cr = false;
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) {
            self.line.extend_from_slice(&bytes[..end]);
            let was_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if was_cr {
                self.after_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
            let line = std::mem::take(&mut self.line);
            events.extend(self.end_line(&line));
            self.check_size()?;
        }
        self.line.extend_from_slice(bytes);
        self.check_size()?;
        Ok(events)
    }

    fn check_size(&self) -> Result<(), TooLarge> {
        if self.line.len() + self.data.len() + self.name.len() > EVENT_CAP { Err(TooLarge) } else { Ok(()) }
    }

    fn end_line(&mut self, mut line: &[u8]) -> Option<Event> {
        if !self.begun {
            self.begun = true;
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let data = std::mem::take(&mut self.data);
            let name = if name.is_empty() { "message".to_owned() } else { name };
            return std::mem::take(&mut self.has_data).then_some(Event { name, data });
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
        match field {
            b"data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(&value);
                self.has_data = true;
            }
            b"event" => self.name = value.into_owned(),
            // A comment (empty field), `id`, `retry`, or a field of a later standard.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut parser = Parser::default();
        pieces
            .iter()
            .flat_map(|piece| parser.push(piece).expect("small events"))
            .map(|event| (event.name, event.data))
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, data)| ((*name).to_owned(), (*data).to_owned())).collect()
    }

    /// Streams and what they mean. Every test below goes over all of them.
    const CASES: &[(&str, &[(&str, &str)])] = &[
        ("data: a\n\n", &[("message", "a")]),
        ("event: ping\ndata: {}\n\ndata:b\n\n", &[("ping", "{}"), ("message", "b")]),
        ("\u{feff}data: marked\n\n", &[("message", "marked")]),
        ("data: \u{feff}kept\n\n", &[("message", "\u{feff}kept")]),
        ("data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", &[("message", "a\nb"), ("message", "c")]),
        ("data: a\rdata: b\r\rdata: c\r\r", &[("message", "a\nb"), ("message", "c")]),
        ("data: a\r\n\rdata: b\n\r\n", &[("message", "a"), ("message", "b")]),
        (": comment\n\n:\n\ndata: a\n: another\ndata: b\n\n", &[("message", "a\nb")]),
        ("data\n\ndata\ndata\n\n", &[("message", ""), ("message", "\n")]),
        ("event: lost\n\ndata: a\n\n", &[("message", "a")]),
        ("id: 7\nretry: 10\nother: x\ndata:  two spaces\n\n", &[("message", " two spaces")]),
        ("data: {\"text\":\"héllo 😀\"}\n\n", &[("message", "{\"text\":\"héllo 😀\"}")]),
        ("data: whole\n\ndata: cut off\n", &[("message", "whole")]),
    ];

    #[test]
    fn whole_streams() {
        for (stream, expected) in CASES {
            assert_eq!(read(&[stream.as_bytes()]), pairs(expected), "{stream:?}");
        }
    }

    #[test]
    fn every_single_cut_and_every_byte_alone() {
        for (stream, expected) in CASES {
            let bytes = stream.as_bytes();
            for at in 0..=bytes.len() {
                let pieces = [&bytes[..at], &bytes[at..]];
                assert_eq!(read(&pieces), pairs(expected), "{stream:?} cut at {at}");
            }
            let alone: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(read(&alone), pairs(expected), "{stream:?} byte by byte");
        }
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1024 * 1024];
        let refused = (0..9).any(|_| parser.push(&piece).is_err());
        assert!(refused, "a line of 9 MiB was taken");

        let mut parser = Parser::default();
        let line = [b"data: ".as_slice(), &piece, b"\n"].concat();
        let refused = (0..9).any(|_| parser.push(&line).is_err());
        assert!(refused, "an event of 9 lines of 1 MiB was taken");
    }

    proptest! {
        #[test]
        fn any_cuts_give_the_same_events(
            stream in "((data|event|id|)(: ?)?[a-zé😀]{0,6}(\r\n|\n|\r)|\n|\r){0,20}",
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
        ) {
            let bytes = stream.as_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
            prop_assert_eq!(read(&pieces), read(&[bytes]));
        }
    }
}
