//! Messages out of a byte stream with LSP framing (base protocol: <https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/#baseProtocol>).
//! Nothing that a client sends ends the stream: what cannot be understood becomes one [`Incoming::Malformed`], and reading
//! goes on at the next header. Knows JSON-RPC's shape, and no method.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The largest message, in bytes: 64 MiB. A larger one is read and thrown away.
pub const MAX_MESSAGE: u64 = 64 << 20;

/// A header line longer than this is no header; only its end is kept, in case a header follows without a line break.
const MAX_HEADER: usize = 8 << 10;

/// A length beyond this is a mistake: waiting for that many bytes would hold up everything.
const MAX_SKIPPED: u64 = 1 << 32;

const LENGTH: &[u8] = b"content-length:";

/// JSON-RPC's code for text that is no JSON, or no frame.
pub const PARSE_ERROR: i64 = -32700;
/// JSON-RPC's code for JSON that is no message.
pub const INVALID_REQUEST: i64 = -32600;

/// What one frame came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A request, a notification or a response: an object with `method`, or with `id` and `result` or `error`.
    Message(Value),
    /// Something else, and what to answer. `id` is null where the sender's could not be found.
    Malformed { code: i64, message: String, id: Value },
}

/// The reading side of a connection.
#[derive(Debug)]
pub struct Frames<R> {
    input: R,
    /// The length from a header that followed bytes which were no header: the bytes are reported first.
    ahead: Option<Length>,
    /// Bytes of a message that is too large, still to be thrown away.
    skip: u64,
}

#[derive(Clone, Debug)]
enum Length {
    Missing,
    Bad(String),
    Bytes(u64),
}

impl<R: AsyncBufRead + Unpin> Frames<R> {
    /// Reads frames from `input`.
    pub fn new(input: R) -> Self {
        Self { input, ahead: None, skip: 0 }
    }

    /// The next message; `None` at the end of the input, also in the middle of a frame. Not cancel safe.
    pub async fn read(&mut self) -> io::Result<Option<Incoming>> {
        if self.skip > 0 {
            let skipped = tokio::io::copy(&mut (&mut self.input).take(self.skip), &mut tokio::io::sink()).await?;
            let all = skipped == std::mem::take(&mut self.skip);
            if !all {
                return Ok(None);
            }
        }
        let length = match self.ahead.take() {
            Some(length) => length,
            None => {
                let Some((length, garbage)) = self.header().await? else { return Ok(None) };
                if garbage && matches!(length, Length::Bytes(_)) {
                    self.ahead = Some(length);
                    return Ok(Some(malformed(PARSE_ERROR, "bytes outside of a message were skipped")));
                }
                length
            }
        };
        match length {
            Length::Missing => Ok(Some(malformed(PARSE_ERROR, "a message without a Content-Length header"))),
            Length::Bad(text) => Ok(Some(malformed(PARSE_ERROR, format!("Content-Length is no length: {text:?}")))),
            Length::Bytes(length) if length > MAX_MESSAGE => {
                self.skip = length;
                Ok(Some(malformed(
                    PARSE_ERROR,
                    format!("a message of {length} bytes; the largest that is read has {MAX_MESSAGE}"),
                )))
            }
            Length::Bytes(length) => {
                let mut body = Vec::with_capacity(length.min(1 << 20) as usize);
                (&mut self.input).take(length).read_to_end(&mut body).await?;
                Ok((body.len() as u64 == length).then(|| parse(&body)))
            }
        }
    }

    /// One block of header lines, up to its empty line, and whether other bytes came with it. Empty lines before it are
    /// skipped.
    async fn header(&mut self) -> io::Result<Option<(Length, bool)>> {
        let (mut length, mut garbage, mut any) = (Length::Missing, false, false);
        let mut line = Vec::new();
        loop {
            let Some(whole) = self.line(&mut line).await? else { return Ok(None) };
            garbage |= !whole;
            let text = line.trim_ascii();
            if text.is_empty() {
                if any {
                    return Ok(Some((length, garbage)));
                }
                continue;
            }
            any = true;
            match find_length(text) {
                Some((before, value)) => {
                    garbage |= before > 0;
                    length = value;
                }
                None => garbage |= !is_header(text),
            }
        }
    }

    /// One line, without its break. False when it was too long and only its end is there; `None` at the end of the input.
    async fn line(&mut self, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
        line.clear();
        let mut whole = true;
        loop {
            let chunk = self.input.fill_buf().await?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let end = memchr::memchr(b'\n', chunk);
            line.extend_from_slice(&chunk[..end.unwrap_or(chunk.len())]);
            let used = end.map_or(chunk.len(), |end| end + 1);
            self.input.consume(used);
            if line.len() > MAX_HEADER {
                whole = false;
                line.drain(..line.len() - LENGTH.len() - 32);
            }
            if end.is_some() {
                return Ok(Some(whole));
            }
        }
    }
}

/// Where the last `Content-Length:` of a line starts, and its value. Usually at 0; later where the bytes of a message with
/// a wrong length run into the next header.
fn find_length(line: &[u8]) -> Option<(usize, Length)> {
    let start = line.windows(LENGTH.len()).rposition(|window| window.eq_ignore_ascii_case(LENGTH))?;
    let text = String::from_utf8_lossy(line[start + LENGTH.len()..].trim_ascii()).into_owned();
    let length = match text.parse() {
        Ok(length) if length < MAX_SKIPPED && !text.starts_with('+') => Length::Bytes(length),
        _ => Length::Bad(text),
    };
    Some((start, length))
}

/// A header's name is a token (RFC 9110, section 5.1).
fn is_header(line: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', line) else { return false };
    let name = &line[..colon];
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

fn malformed(code: i64, message: impl Into<String>) -> Incoming {
    Incoming::Malformed { code, message: message.into(), id: Value::Null }
}

fn parse(body: &[u8]) -> Incoming {
    let Ok(text) = std::str::from_utf8(body) else {
        return malformed(PARSE_ERROR, "a message that is not UTF-8");
    };
    let parsed = serde_json::from_str(text).or_else(|error| match repair_surrogates(text) {
        Some(repaired) => serde_json::from_str(&repaired).map_err(|_| error),
        None => Err(error),
    });
    match parsed {
        Ok(value) => check(value),
        Err(error) => malformed(PARSE_ERROR, format!("a message that is not JSON: {error}")),
    }
}

/// What JSON-RPC 2.0 demands of every message.
fn check(value: Value) -> Incoming {
    let object = match &value {
        Value::Object(object) => object,
        Value::Array(_) => return malformed(INVALID_REQUEST, "LSP has no batches: send the messages one by one"),
        _ => return malformed(INVALID_REQUEST, "a message that is not an object"),
    };
    let id = object.get("id").cloned();
    let wrong = if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        "a message without \"jsonrpc\": \"2.0\""
    } else if id.as_ref().is_some_and(|id| !(id.is_string() || id.is_i64() || id.is_null())) {
        "an id is a string or an integer"
    } else if object.get("method").is_some_and(Value::is_string)
        || (id.is_some() && (object.contains_key("result") || object.contains_key("error")))
    {
        return Incoming::Message(value);
    } else {
        "a message without a method, and without a result"
    };
    let id = id.filter(|id| id.is_string() || id.is_i64()).unwrap_or(Value::Null);
    Incoming::Malformed { code: INVALID_REQUEST, message: wrong.to_owned(), id }
}

/// Replaces escapes of half a character (`\ud83d` without its other half) by U+FFFD. JavaScript's strings can hold such
/// halves and `JSON.stringify` writes them so; `None` where there is none.
fn repair_surrogates(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let unit = |at: usize| match bytes.get(at..at + 6) {
        Some([b'\\', b'u', digits @ ..]) => {
            std::str::from_utf8(digits).ok().and_then(|digits| u16::from_str_radix(digits, 16).ok())
        }
        _ => None,
    };
    let mut out = String::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        at += found;
        match unit(at) {
            Some(0xd800..=0xdbff) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                out.push_str(&text[copied..at]);
                out.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            // Over the escaped character as well, so that the second half of `\\` starts nothing.
            _ => at = (at + 2).min(bytes.len()),
        }
    }
    (copied > 0).then(|| out + &text[copied..])
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::BufReader;

    use super::*;

    fn frame(body: impl AsRef<[u8]>) -> Vec<u8> {
        let body = body.as_ref();
        [format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
    }

    const GOOD: &str = r#"{"jsonrpc":"2.0","method":"x","params":[1]}"#;

    fn good() -> Incoming {
        Incoming::Message(json!({"jsonrpc": "2.0", "method": "x", "params": [1]}))
    }

    /// What the bytes are read as, whole and dripped one at a time.
    async fn read_all(bytes: &[u8]) -> Vec<Incoming> {
        let mut readings = Vec::new();
        for capacity in [64 << 10, 1] {
            let mut frames = Frames::new(BufReader::with_capacity(capacity, bytes));
            let mut all = Vec::new();
            while let Some(incoming) = frames.read().await.unwrap() {
                all.push(incoming);
            }
            readings.push(all);
        }
        let dripped = readings.pop().unwrap();
        assert_eq!(readings[0], dripped, "dripped bytes read the same");
        dripped
    }

    /// Codes of the malformed frames; 0 for a message.
    fn codes(incoming: &[Incoming]) -> Vec<i64> {
        incoming
            .iter()
            .map(|incoming| match incoming {
                Incoming::Message(_) => 0,
                Incoming::Malformed { code, .. } => *code,
            })
            .collect()
    }

    #[tokio::test]
    async fn every_malformed_frame_is_survived() {
        let headed = |header: &str| [header.as_bytes(), GOOD.as_bytes()].concat();
        let length = GOOD.len();
        let pretty = "{\n  \"jsonrpc\": \"2.0\",\n  \"method\": \"x\"\n}";
        let long = "x".repeat(100_000);
        let table: Vec<(&str, Vec<u8>, &[i64])> = vec![
            ("bad JSON", frame("{bad}"), &[-32700]),
            ("not JSON-RPC", frame(r#"{"hello":1}"#), &[-32600]),
            ("batch", frame(format!("[{GOOD}]")), &[-32600]),
            ("a number", frame("1"), &[-32600]),
            ("another version", frame(r#"{"jsonrpc":"1.0","method":"x","id":1}"#), &[-32600]),
            ("method is no string", frame(r#"{"jsonrpc":"2.0","method":5,"id":1}"#), &[-32600]),
            ("an id that is none", frame(r#"{"jsonrpc":"2.0","method":"x","id":{}}"#), &[-32600]),
            ("no length", b"Foo: 1\r\n\r\n".into(), &[-32700]),
            ("length is no number", b"Content-Length: abc\r\n\r\n".into(), &[-32700]),
            ("negative length", b"Content-Length: -5\r\n\r\n".into(), &[-32700]),
            ("length of an ocean", b"Content-Length: 99999999999999\r\n\r\n".into(), &[-32700]),
            ("lone surrogate", frame(r#"{"jsonrpc":"2.0","method":"x","params":{"t":"\ud83d"}}"#), &[0]),
            ("lower-case header", headed(&format!("content-length: {length}\r\n\r\n")), &[0]),
            ("no blank", headed(&format!("CONTENT-LENGTH:{length}\r\n\r\n")), &[0]),
            ("unknown header", headed(&format!("Content-Length: {length}\r\nX-A: 1\r\n\r\n")), &[0]),
            ("three headers", headed(&format!("X-A: 1\r\nContent-Length: {length}\r\nX-B: 2\r\n\r\n")), &[0]),
            ("only line feeds", headed(&format!("Content-Length: {length}\n\n")), &[0]),
            ("empty lines before", headed(&format!("\r\n\r\nContent-Length: {length}\r\n\r\n")), &[0]),
            ("invalid UTF-8", frame(b"{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":[\"\xff\"]}"), &[-32700]),
            ("empty", b"Content-Length: 0\r\n\r\n".into(), &[-32700]),
            ("garbage line", b"\x00\x01 hello\r\n\r\n".into(), &[-32700]),
            ("a body without a header", GOOD.into(), &[-32700]),
            ("a pretty body without a header", pretty.into(), &[-32700]),
            ("a long line without a header", long.into_bytes(), &[-32700]),
            ("a bad length and a body", headed("Content-Length: abc\r\n\r\n"), &[-32700, -32700]),
            ("a length too short", headed("Content-Length: 10\r\n\r\n"), &[-32700, -32700]),
            ("deep nesting", frame("[".repeat(100_000)), &[-32700]),
        ];
        for (name, bytes, expected) in table {
            let read = read_all(&[bytes.as_slice(), &frame(GOOD), &frame(GOOD)].concat()).await;
            assert_eq!(codes(&read), [expected, &[0, 0]].concat(), "{name}: {read:?}");
            assert_eq!(read[read.len() - 2..], [good(), good()], "{name}");
        }
    }

    #[tokio::test]
    async fn an_oversized_message_is_thrown_away() {
        let length = MAX_MESSAGE + 1;
        let header = format!("Content-Length: {length}\r\n\r\n");
        let after = frame(GOOD);
        let input = header.as_bytes().chain(tokio::io::repeat(b'x').take(length)).chain(after.as_slice());
        let mut frames = Frames::new(BufReader::new(input));
        let Some(Incoming::Malformed { code, message, .. }) = frames.read().await.unwrap() else { panic!("malformed") };
        assert_eq!(code, PARSE_ERROR);
        assert!(message.contains("67108865"), "{message}");
        assert_eq!(frames.read().await.unwrap(), Some(good()));
        assert_eq!(frames.read().await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_sender_gets_its_id_back_where_it_can_be_found() {
        let read = read_all(&frame(r#"{"jsonrpc":"2.0","id":"a"}"#)).await;
        assert!(matches!(&read[..], [Incoming::Malformed { id, .. }] if *id == json!("a")), "{read:?}");
    }

    #[tokio::test]
    async fn an_end_inside_a_frame_is_the_end() {
        for cut in 1..frame(GOOD).len() {
            assert_eq!(read_all(&frame(GOOD)[..cut]).await, []);
        }
    }

    #[test]
    fn half_characters_are_replaced() {
        let table = [
            (r#""\ud83d""#, Some("\u{fffd}")),
            (r#""a\udc00b""#, Some("a\u{fffd}b")),
            (r#""\ud83d\ud83d\ude00""#, Some("\u{fffd}😀")),
            (r#""\uD83Dx\u0041""#, Some("\u{fffd}xA")),
            (r#""\\\ud83d""#, Some("\\\u{fffd}")),
            (r#""\\ud83d\ude00""#, Some("\\ud83d\u{fffd}")),
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud83d""#, None),
            (r#""ü\u12"#, None),
            (r#""\"#, None),
            (r#""\ü\ü""#, None),
        ];
        for (text, expected) in table {
            let repaired = repair_surrogates(text).map(|json| serde_json::from_str::<String>(&json).unwrap());
            assert_eq!(repaired.as_deref(), expected, "{text}");
        }
    }
}
