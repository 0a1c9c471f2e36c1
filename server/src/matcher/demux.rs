//! Who wrote a line, where several programs write into one output: the prefixes of docker compose, foreman, concurrently,
//! turbo, nx, pnpm, yarn, lerna and of a CI's logs. Says where the line's own text begins and whose it is; knows no format
//! behind it. Decides on the bytes alone, and what it said of a line's beginning holds for the whole line.

use super::command::Command;
use super::lines::{Growing, escape_length};

/// Prefixes that are told apart in one output. Lines with others are read as they are.
pub(super) const MAX_LANES: usize = 64;
/// Visible bytes of a line in which a prefix must end.
const MAX_PREFIX: usize = 120;

/// Words in brackets at the start of a line that tell how bad it is, a worker's number, or with which a program that watches
/// others speaks for itself: nobody's name.
const NO_NAMES: &[&str] = &[
    "error", "warn", "warning", "info", "debug", "trace", "success", "notice", "fatal", "verbose", "master", "main",
    "nodemon", "watch", "vite", "mocha",
];

/// What a line begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// More bytes are needed to tell.
    Undecided,
    /// Its text begins at this byte: 0, or behind a timestamp.
    Plain(usize),
    /// A prefix's name, and where the text begins.
    Named(String, usize),
}

/// Which forms the command makes likely. Others are taken where they can hardly be anything else.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Demux {
    /// `web  | text`.
    bars: bool,
    /// `[web] text`.
    brackets: bool,
    /// `pkg:test: text`, `packages/a test: text`.
    tasks: bool,
    /// The output goes through a program that may put anything in front of a line.
    edited: bool,
}

/// A form's answer about a line's beginning: a name and where the text begins, in visible bytes.
enum Form {
    No,
    More,
    Yes { name: usize, start: usize, text: usize },
}

impl Demux {
    pub(super) fn new(command: &Command) -> Self {
        let any = |names: &[&str]| names.iter().any(|name| command.mentions(name));
        Self {
            bars: any(&["compose", "docker-compose", "podman-compose", "foreman", "overmind", "honcho", "hivemind"]),
            brackets: any(&["concurrently", "npm-run-all", "run-p", "wireit", "workspaces", "foreach"]),
            tasks: any(&["turbo", "nx", "lerna", "rush", "workspaces"])
                || command.mentions("pnpm") && any(&["-r", "--recursive", "--parallel", "--filter", "-F"]),
            edited: any(&["sed", "awk", "gawk"]),
        }
    }

    /// True when the command makes prefixes likely.
    pub(super) fn expects(self) -> bool {
        self.bars || self.brackets || self.tasks || self.edited
    }

    /// A cheap look: false for lines that cannot have a prefix.
    pub(super) fn may(self, line: &[u8]) -> bool {
        let line = uncoloured(line);
        let start = &line[..line.len().min(64)];
        // A colour may stand anywhere in a prefix.
        let coloured = || memchr::memchr(0x1b, start).is_some();
        match line {
            [b'@', b'@', ..] => false,
            [b'@', ..] | [b'['] => true,
            [b'[', name, ..] => self.brackets || name.is_ascii_lowercase() || *name == b'@' || coloured(),
            [b'0'..=b'9', _, b':', ..] => memchr::memchr(b'|', start).is_some(),
            [b'2', b'0', _, _, b'-', ..] => line.get(10) == Some(&b'T') && line.get(19) == Some(&b'.'),
            [b'a'..=b'z' | b'A'..=b'Z' | b'_', ..] => {
                let bar = || {
                    let name = span(start, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
                    let spaces = span(&start[name..], |byte| byte == b' ');
                    start.get(name + spaces).is_none_or(|byte| *byte == b'|') || coloured()
                };
                match memchr::memchr2(b'|', b'\t', start) {
                    _ if self.tasks => true,
                    Some(at) if start[at] == b'|' => bar() || memchr::memchr(b'\t', start).is_some(),
                    Some(_) => true,
                    None => false,
                }
            }
            _ => false,
        }
    }

    /// Splits a line, or the beginning of one that is not `complete`.
    pub(super) fn split(self, line: &[u8], complete: bool) -> Split {
        let begun = uncoloured(line);
        if !self.may(line) && (complete || begun.len() >= 64 || !may_become(begun, self)) {
            return Split::Plain(0);
        }
        let mut reader = Growing::default();
        let (mut visible, mut ends) = ([0; MAX_PREFIX], [0; MAX_PREFIX]);
        let mut length = 0;
        for at in 1..=line.len().min(4 * MAX_PREFIX) {
            reader.advance(&line[..at], |byte| {
                if length < MAX_PREFIX {
                    (visible[length], ends[length]) = (byte, at);
                    length += 1;
                }
            });
            if length == MAX_PREFIX {
                break;
            }
        }
        let complete = complete || length == MAX_PREFIX || line.len() > 4 * MAX_PREFIX;
        let text = &visible[..length];
        let stamped = stamp(text);
        if stamped == Some(0) && !complete {
            return Split::Undecided;
        }
        let start = stamped.unwrap_or(0);
        let rest = &text[start..];
        let mut undecided = false;
        for form in [self.bar(rest), self.bracket(rest), self.task(rest), job(rest)] {
            match form {
                Form::Yes { name, start: from, text: end } => {
                    let end = start + end;
                    let name = String::from_utf8_lossy(&rest[from..from + name]).into_owned();
                    let behind = match stamp(&text[end..]) {
                        _ if text[end..].is_empty() && !complete => return Split::Undecided,
                        Some(0) if !complete => return Split::Undecided,
                        Some(behind) => end + behind,
                        None => end,
                    };
                    return Split::Named(name, if behind == 0 { 0 } else { ends[behind - 1] });
                }
                Form::More => undecided = true,
                Form::No => {}
            }
        }
        if undecided && !complete {
            return Split::Undecided;
        }
        Split::Plain(if start == 0 { 0 } else { ends[start - 1] })
    }

    /// `web-1  | text`, `12:00:01 web.1   | text`.
    fn bar(self, text: &[u8]) -> Form {
        let clock = text.iter().take(9).enumerate().take_while(|&(at, byte)| match at {
            2 | 5 => *byte == b':',
            8 => *byte == b' ',
            _ => byte.is_ascii_digit(),
        });
        let clock = clock.count();
        if clock == text.len() && clock < 9 {
            return Form::More;
        }
        let start = if clock == 9 { 9 } else { 0 };
        let name = span(&text[start..], |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
        if name == 0 && start < text.len() || !text.get(start).is_none_or(u8::is_ascii_alphabetic) {
            return Form::No;
        }
        let word = &text[start..start + name];
        let spaces = span(&text[start + name..], |byte| byte == b' ');
        match text.get(start + name + spaces..) {
            None | Some([]) => Form::More,
            Some([b'|']) => Form::More,
            Some([b'|', b' ', ..]) if spaces > 0 => {
                let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
                let numbered = digits > 0
                    && word.len() > digits + 1
                    && matches!(word[word.len() - digits - 1], b'-' | b'.' | b'_');
                if self.bars || numbered || start > 0 {
                    Form::Yes { name, start, text: start + name + spaces + 2 }
                } else {
                    Form::No
                }
            }
            Some(_) => Form::No,
        }
    }

    /// `[web] text`, `[@scope/pkg]: text`.
    fn bracket(self, text: &[u8]) -> Form {
        let [b'[', rest @ ..] = text else { return if text.is_empty() { Form::More } else { Form::No } };
        let name =
            span(rest, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@' | b'/' | b':'));
        let word = &rest[..name];
        let is_name = word.first().is_some_and(|first| first.is_ascii_lowercase() || *first == b'@');
        let worker = word.starts_with(b"gw") && word[2..].iter().all(u8::is_ascii_digit);
        if name < rest.len()
            && !self.brackets
            && (!is_name || worker || NO_NAMES.iter().any(|no| no.as_bytes() == word))
        {
            return Form::No;
        }
        match rest.get(name..) {
            Some([b']', b' ', ..]) if name > 0 => Form::Yes { name, start: 1, text: name + 3 },
            Some([b']', b':', b' ', ..]) if name > 0 => Form::Yes { name, start: 1, text: name + 4 },
            None | Some([] | [b']'] | [b']', b':']) => Form::More,
            Some(_) => Form::No,
        }
    }

    /// `pkg:test: text`, `@scope/pkg:test: text`, `@scope/pkg: text`, `packages/a test: text`.
    fn task(self, text: &[u8]) -> Form {
        let token = span(text, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@' | b'/' | b'#' | b':')
        });
        let word = &text[..token];
        let scoped = word.first() == Some(&b'@') && word.contains(&b'/');
        let scoped_later = word.first().is_none_or(|first| *first == b'@') && token == text.len();
        if !self.tasks && !scoped {
            return if scoped_later { Form::More } else { Form::No };
        }
        match (text.get(token..), word) {
            (None | Some([]), _) => Form::More,
            (Some([b' ', ..]), [name @ .., b':']) => {
                let tasked = name.iter().position(|byte| matches!(byte, b':' | b'#'));
                let is_task = tasked.is_some_and(|at| name.get(at + 1).is_some_and(u8::is_ascii_alphabetic));
                let place = tasked.is_some() && !is_task;
                if place || !is_task && !scoped {
                    return Form::No;
                }
                Form::Yes { name: name.len(), start: 0, text: token + 1 }
            }
            (Some([b' ', script @ ..]), [_, ..]) => {
                let length =
                    span(script, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.'));
                let (inner, colon) = match &script[..length] {
                    [inner @ .., b':'] => (inner.len(), true),
                    inner => (inner.len(), false),
                };
                match script.get(length..) {
                    None | Some([]) => Form::More,
                    Some([b' ', ..]) if colon && inner > 0 => {
                        Form::Yes { name: token + 1 + inner, start: 0, text: token + 1 + length + 1 }
                    }
                    Some([b'$', ..]) if inner > 0 && !colon => {
                        Form::Yes { name: token + 1 + inner, start: 0, text: token + 1 + length + 1 }
                    }
                    Some(_) => Form::No,
                }
            }
            _ => Form::No,
        }
    }
}

/// `job<TAB>step<TAB>2026-01-02T03:04:05.1234567Z text`, as `gh run view --log` prints it.
fn job(text: &[u8]) -> Form {
    let name =
        span(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'_' | b'-' | b',' | b'(' | b')'));
    if name == text.len() {
        return Form::More;
    }
    if text[name] != b'\t' {
        return Form::No;
    }
    let mut tabs = text.iter().enumerate().filter(|(_, byte)| **byte == b'\t').map(|(at, _)| at);
    match (tabs.next(), tabs.next()) {
        (Some(_), Some(second)) => match stamp(&text[second + 1..]) {
            _ if text.len() == second + 1 => Form::More,
            Some(0) => Form::More,
            Some(behind) => Form::Yes { name: second, start: 0, text: second + 1 + behind },
            None => Form::No,
        },
        (Some(_), None) => Form::More,
        (None, _) => Form::No,
    }
}

/// How many bytes a timestamp with a fraction and `Z ` takes at the start; 0 where more bytes are needed to tell.
fn stamp(text: &[u8]) -> Option<usize> {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00.000000";
    for (at, wanted) in SHAPE.iter().enumerate() {
        match text.get(at) {
            None => return (!text.is_empty()).then_some(0),
            Some(byte) if *wanted == b'0' && byte.is_ascii_digit() || byte == wanted => {}
            Some(_) => return None,
        }
    }
    let digits = span(&text[SHAPE.len()..], |byte| byte.is_ascii_digit());
    match &text[SHAPE.len() + digits..] {
        [b'Z', b' ', ..] if digits <= 3 => Some(SHAPE.len() + digits + 2),
        [] | [b'Z'] if digits <= 3 => Some(0),
        _ => None,
    }
}

/// A line behind the escape sequences that it begins with; nothing where the last of them does not end.
fn uncoloured(line: &[u8]) -> &[u8] {
    let mut rest = line;
    while rest.first() == Some(&0x1b) {
        rest = &rest[escape_length(&rest[..rest.len().min(4 * MAX_PREFIX)])..];
    }
    rest
}

/// True for the beginning of a line that [`Demux::may`] may still say yes to.
fn may_become(line: &[u8], demux: Demux) -> bool {
    match line {
        [] => true,
        [first, ..] if first.is_ascii_alphabetic() || *first == b'_' => {
            // Before a bar or a tab: the form of a name alone. A job's name may hold anything.
            demux.tasks || !line.contains(&b'\r')
        }
        [first, ..] => first.is_ascii_digit() && line.len() < 20 || line.get(2) == Some(&b':'),
    }
}

fn span(text: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| belongs(**byte)).count()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::matcher::tree::Tree;

    fn demux(command: &str) -> Demux {
        Demux::new(&Command::read(command, Path::new("/w"), Path::new("/w"), &Tree(&[])))
    }

    #[test]
    fn who_pipes_through_an_editor_puts_prefixes() {
        for (command, expects) in [
            ("pytest -q", false),
            ("(cd web; jest | sed 's/^/[web] /') & (cd api; pytest | sed 's/^/[api] /'); wait", true),
            ("go test ./... | awk '{print \"[api] \" $0}'", true),
        ] {
            assert_eq!(demux(command).expects(), expects, "{command}");
        }
    }

    #[test]
    fn splits() {
        for (command, line, name, text) in [
            ("", "web-1  | error: x", "web-1", "error: x"),
            ("", "\x1b[36mweb-1  |\x1b[0m error: x", "web-1", "error: x"),
            ("docker compose up", "web | error: x", "web", "error: x"),
            ("", "web | error: x", "", "web | error: x"),
            ("", "12 | let x = 3;", "", "12 | let x = 3;"),
            ("", "12:00:01 web.1   | hi", "web.1", "hi"),
            ("", "\x1b[34m[web]\x1b[39m hi", "web", "hi"),
            ("", "[info] hi", "", "[info] hi"),
            ("", "[gw0] [ 10%] PASSED a.py::b", "", "[gw0] [ 10%] PASSED a.py::b"),
            ("concurrently 'a' 'b'", "[0] hi", "0", "hi"),
            ("turbo run test", "web:test: hi", "web:test", "hi"),
            ("turbo run test", "src/a.c:3:5: error: x", "", "src/a.c:3:5: error: x"),
            ("", "@acme/web:test: hi", "@acme/web:test", "hi"),
            ("", "@acme/web test: hi", "@acme/web test", "hi"),
            ("pnpm -r test", "packages/a test: hi", "packages/a test", "hi"),
            ("", "packages/a test: hi", "", "packages/a test: hi"),
            ("", "2026-01-02T03:04:05.1234567Z error: x", "", "error: x"),
            ("", "web-1  | 2026-01-02T03:04:05.123456789Z error: x", "web-1", "error: x"),
            ("", "test\tRun tests\t2026-01-02T03:04:05.1234567Z error: x", "test\tRun tests", "error: x"),
            ("", "2026-01-02 03:04:05 error", "", "2026-01-02 03:04:05 error"),
        ] {
            let demux = demux(command);
            let whole = demux.split(line.as_bytes(), true);
            let (found, at) = match &whole {
                Split::Named(found, at) => (found.as_str(), *at),
                Split::Plain(at) => ("", *at),
                Split::Undecided => panic!("{line:?} is whole"),
            };
            assert_eq!((found, &line[at..]), (name, text), "{line:?}");
            for cut in 0..line.len() {
                let early = demux.split(&line.as_bytes()[..cut], false);
                assert!(early == Split::Undecided || early == whole, "{line:?} cut at {cut}: {early:?}");
            }
        }
    }
}
