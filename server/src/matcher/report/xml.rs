//! Reads XML as it comes, line by line, into elements and text: as much of it as test reports have. No document type, no
//! names of namespaces, no check that elements are closed by their own name. Knows no report.

use std::borrow::Cow;

/// Bytes of one tag. The message of a failure stands in an attribute.
const MAX_TAG: usize = 1 << 20;

/// One piece of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event<'x> {
    Open(Tag),
    Close,
    /// A part of an element's text, without its end of line.
    Text(Cow<'x, str>),
}

/// An element's name and attributes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// An attribute's value; empty where it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.attributes.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// What is not XML, or longer than a report's tag is.
#[derive(Debug)]
pub(super) struct Broken;

/// What the next bytes belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Inside `<…>`, in a quoted value when its quote is there.
    Tag(Option<u8>),
    Cdata,
    Comment,
    /// `<?…?>`.
    Instruction,
}

/// A reader; what a line leaves open goes on in the next one.
#[derive(Debug, Default)]
pub(super) struct Reader {
    state: State,
    /// The tag so far, without `<`.
    tag: String,
}

impl Reader {
    /// Takes the next line, without its end.
    pub(super) fn line(&mut self, line: &str, take: &mut dyn FnMut(Event<'_>)) -> Result<(), Broken> {
        let mut rest = line;
        loop {
            match self.state {
                State::Text => {
                    let Some(at) = memchr::memchr(b'<', rest.as_bytes()) else {
                        take(Event::Text(decoded(rest)));
                        return Ok(());
                    };
                    if at > 0 {
                        take(Event::Text(decoded(&rest[..at])));
                    }
                    rest = &rest[at + 1..];
                    let kinds = [
                        ("![CDATA[", State::Cdata),
                        ("!--", State::Comment),
                        ("?", State::Instruction),
                        ("", State::Tag(None)),
                    ];
                    if let Some((start, state)) = kinds.into_iter().find(|(start, _)| rest.starts_with(start)) {
                        self.state = state;
                        rest = &rest[start.len()..];
                    }
                }
                State::Cdata => match rest.split_once("]]>") {
                    Some((text, behind)) => {
                        take(Event::Text(text.into()));
                        (self.state, rest) = (State::Text, behind);
                    }
                    None => {
                        take(Event::Text(rest.into()));
                        return Ok(());
                    }
                },
                State::Comment | State::Instruction => {
                    let end = if self.state == State::Comment { "-->" } else { "?>" };
                    let Some((_, behind)) = rest.split_once(end) else { return Ok(()) };
                    (self.state, rest) = (State::Text, behind);
                }
                State::Tag(quote) => {
                    let (end, quote) = end_of_tag(rest.as_bytes(), quote);
                    self.tag.push_str(&rest[..end.unwrap_or(rest.len())]);
                    if self.tag.len() > MAX_TAG {
                        return Err(Broken);
                    }
                    let Some(end) = end else {
                        self.tag.push('\n');
                        self.state = State::Tag(quote);
                        return Ok(());
                    };
                    self.state = State::Text;
                    rest = &rest[end + 1..];
                    tell(&std::mem::take(&mut self.tag), take)?;
                }
            }
        }
    }
}

/// Where a tag's `>` stands, and the quote that is open where it does not.
fn end_of_tag(text: &[u8], quote: Option<u8>) -> (Option<usize>, Option<u8>) {
    let (mut quote, mut at) = (quote, 0);
    loop {
        let found = match quote {
            Some(open) => memchr::memchr(open, &text[at..]),
            None => memchr::memchr3(b'>', b'"', b'\'', &text[at..]),
        };
        let Some(found) = found.map(|found| at + found) else { return (None, quote) };
        quote = match (quote, text[found]) {
            (None, b'>') => return (Some(found), None),
            (None, open) => Some(open),
            (Some(_), _) => None,
        };
        at = found + 1;
    }
}

/// `name a="b"`, `name/`, `/name`.
fn tell(tag: &str, take: &mut dyn FnMut(Event<'_>)) -> Result<(), Broken> {
    if tag.starts_with('/') {
        take(Event::Close);
        return Ok(());
    }
    if tag.starts_with('!') {
        return Ok(());
    }
    let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
    let end = tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len());
    let (name, mut rest) = tag.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Err(Broken);
    }
    let mut attributes = Vec::new();
    while let Some((name, behind)) = rest.split_once('=') {
        let behind = behind.trim_start();
        let quote = behind.chars().next().filter(|quote| matches!(quote, '"' | '\'')).ok_or(Broken)?;
        let (value, behind) = behind[1..].split_once(quote).ok_or(Broken)?;
        attributes.push((name.trim().to_owned(), decoded(value).into_owned()));
        rest = behind;
    }
    take(Event::Open(Tag { name: name.to_owned(), attributes }));
    if closed {
        take(Event::Close);
    }
    Ok(())
}

/// Text with its entities resolved; what is no entity stays as it is.
fn decoded(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'&', text.as_bytes()).is_none() {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        // The longest is `&#x10FFFF;`.
        let end = part.bytes().take(10).position(|byte| byte == b';');
        match end.and_then(|end| Some((entity(&part[..end])?, &part[end + 1..]))) {
            Some((c, rest)) => {
                out.push(c);
                out.push_str(rest);
            }
            None => {
                out.push('&');
                out.push_str(part);
            }
        }
    }
    out.into()
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let hexadecimal = number.strip_prefix(['x', 'X']).map(|digits| u32::from_str_radix(digits, 16));
            char::from_u32(hexadecimal.unwrap_or_else(|| number.parse()).ok()?)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of some lines, in short.
    fn read(lines: &[&str]) -> String {
        let (mut reader, mut out) = (Reader::default(), String::new());
        for line in lines {
            let done = reader.line(line, &mut |event| match event {
                Event::Open(tag) => out.push_str(&format!("<{} {:?}>", tag.name, tag.attributes)),
                Event::Close => out.push_str("</>"),
                Event::Text(text) => out.push_str(&text),
            });
            if done.is_err() {
                out.push_str("BROKEN");
                break;
            }
        }
        out
    }

    #[test]
    fn reads() {
        for (lines, events) in [
            (&["<?xml version='1.0'?><a/>"][..], "<a []></>"),
            (&["<a b=\"1 &gt; 0\" c='>'>x &amp; y</a>"], "<a [(\"b\", \"1 > 0\"), (\"c\", \">\")]>x & y</>"),
            (&["<a b=\"one", "two\"", "/>"], "<a [(\"b\", \"one\\ntwo\")]></>"),
            (&["<a><![CDATA[<b>", "]] > &lt;]]></a>"], "<a []><b>]] > &lt;</>"),
            (&["<!-- <a> --><!DOCTYPE x><b/>"], "<b []></>"),
            (&["<a b=\"&#10;&#x41;&nope;&\"/>"], "<a [(\"b\", \"\\nA&nope;&\")]></>"),
            (&["1 < 2"], "1 "),
            (&["1 < 2 >"], "1 BROKEN"),
            (&["<a b=c>"], "BROKEN"),
            (&["<a b=\"é\">&é;</a>"], "<a [(\"b\", \"é\")]>&é;</>"),
        ] {
            assert_eq!(read(lines), events, "{lines:?}");
        }
    }
}
