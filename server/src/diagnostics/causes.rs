//! One cause of many failures: two hundred tests that cannot reach a database failed once. Pure: messages in, groups out.
//!
//! Failures belong together when their messages say the same of something outside of the code (no connection, no module,
//! no space), or are the same but for addresses, times and other chance; different assertions never are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

/// So many failures of one cause outside of the tests are told as one.
const FEWEST: usize = 3;
/// So many that merely say the same.
const FEWEST_ALIKE: usize = 5;
/// So many that are the same only by the words of an assertion.
const FEWEST_ASSERTIONS: usize = 10;

/// Why a test failed, as far as its message says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause {
    /// In a few words: `connection refused 127.0.0.1:5432`.
    pub text: String,
    /// It lies outside of the code, as a rule.
    pub environment: bool,
}

/// Failures of one cause, by their places in the list that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub cause: Cause,
    pub members: Vec<usize>,
}

/// What a message shows of a cause outside of the code: expression, words, and whether the code may well be at fault all
/// the same. What the expression's group caught stands behind the words. The first that fits counts.
const KNOWN: &[(&str, &str, bool)] = &[
    (r"(?i)(?:getaddrinfo )?(?:ENOTFOUND|EAI_AGAIN)\s+([\w.-]+)", "no such host", true),
    (r"(?i)lookup ([\w.-]+)(?: on [\w.:]+)?: no such host", "no such host", true),
    (
        r"(?i)name or service not known|temporary failure in name resolution|nodename nor servname|failed to lookup address|could not translate host name",
        "no such host",
        true,
    ),
    (
        r"(?i)(?:ECONNREFUSED|connection refused|actively refused|could not connect to server|can't connect to \w+ server)",
        "connection refused",
        true,
    ),
    (r"(?i)ETIMEDOUT|connection timed out|connect(?:ion)? timeout|os error 110\b", "connection timed out", true),
    (r"(?i)ECONNRESET|connection reset by peer", "connection reset", true),
    (r"(?i)ENOSPC|no space left on device|os error 28\b", "no space left on the device", true),
    (r"(?i)EADDRINUSE|address (?:is )?already in use|os error 98\b", "address in use", true),
    (r"(?i)(?:EACCES|EPERM|permission denied)\b[^'/]*(?:'([^']+)'|(/\S+))?", "permission denied", true),
    (r#"(?i)no module named ['"]?([\w.]+)"#, "no module named", true),
    (r#"(?i)cannot find (?:module|package) ['"](\.[^'"]*)['"]"#, "cannot find module", false),
    (r#"(?i)cannot find (?:module|package) ['"]([^'"]+)['"]"#, "cannot find module", true),
    (r"(?i)spawn (\S+) ENOENT", "command not found:", true),
    (r"(?i)([\w./+-]+): (?:command )?not found", "command not found:", true),
    (r#"(?i)(?:ENOENT|no such file or directory)\b[^'"]*(?:['"]([^'"]+)['"])?"#, "no such file or directory", false),
];

fn known() -> &'static [(Regex, &'static str, bool)] {
    static COMPILED: LazyLock<Vec<(Regex, &str, bool)>> = LazyLock::new(|| {
        let compile = |text: &str| Regex::new(text).expect("the expression is valid");
        KNOWN.iter().map(|(text, words, environment)| (compile(text), *words, *environment)).collect()
    });
    &COMPILED
}

macro_rules! expression {
    ($name:ident, $text:literal) => {
        fn $name() -> &'static Regex {
            static EXPRESSION: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).expect("the expression is valid"));
            &EXPRESSION
        }
    };
}

expression!(
    address,
    r"(?:\b\d{1,3}(?:\.\d{1,3}){3}|\blocalhost|\[[0-9a-fA-F:]+\]|::1?|\b[\w-]+(?:\.[\w-]+)+):\d{2,5}\b"
);
expression!(called, r"\(['\x22]([\w.:-]+)['\x22], ?(\d{2,5})\)|\b(localhost|\d{1,3}(?:\.\d{1,3}){3}):(\d{2,5})\b");
expression!(port, r#"(?i)\bport[ =:]+"?(\d{2,5})\b"#);
expression!(host, r#"(?i)\b(?:host|server at|at) "([\w.:-]+)""#);
expression!(assertion, r"(?i)assert|expect|should|\bleft\b|\bactual\b|!==?|===?| is not |to equal");
// Addresses in memory, UUIDs, temporary names, dates, times, durations, process ids.
expression!(
    chance,
    r"(?x) 0x[0-9a-fA-F]+ | \b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b | /tmp/[^\s'\x22:]+ |
      \b\d{4}-\d\d-\d\d(?:[T\ ][\d:.]+Z?)? | \b\d\d:\d\d:\d\d(?:\.\d+)? | \b\d+(?:\.\d+)?\ ?(?:ms|s|us|µs|seconds?)\b |
      (?i:\bpid[ =:]+\d+)"
);

/// What a message shows of a cause outside of the code. `text` is all that is known of the failure: an address that the
/// message leaves out, as Python's own errors do, is the only one that the text has.
pub fn known_cause(message: &str, text: Option<&str>) -> Option<Cause> {
    let (found, words, environment) =
        known().iter().find_map(|(known, words, env)| Some((known.captures(message)?, *words, *env)))?;
    // `a is not found` as an assertion's own words is no cause.
    if words.starts_with("command") && assertion().is_match(message) {
        return None;
    }
    let caught = found.iter().skip(1).flatten().next().map(|caught| caught.as_str().to_owned());
    let of_address =
        matches!(words, "connection refused" | "connection timed out" | "connection reset" | "address in use");
    let detail = if of_address { place_of(message).or_else(|| only_address(text?)) } else { caught };
    let text = detail.map_or_else(|| words.to_owned(), |detail| format!("{words} {detail}"));
    Some(Cause { text, environment })
}

/// The port at which nobody answered, where that is the cause.
pub fn refused_port(cause: &Cause) -> Option<u16> {
    let place = cause.text.strip_prefix("connection refused ")?;
    place.rsplit([':', ' ']).next()?.parse().ok()
}

fn place_of(message: &str) -> Option<String> {
    if let Some(found) = address().find(message) {
        return Some(found.as_str().to_owned());
    }
    let port = port().captures(message).map(|found| found[1].to_owned());
    match (host().captures(message).map(|found| found[1].to_owned()), port) {
        (Some(host), Some(port)) => Some(format!("{host}:{port}")),
        (None, Some(port)) => Some(format!("port {port}")),
        (host, None) => host,
    }
}

/// The address of a failure's text, where it has one alone: `('127.0.0.1', 5432)`, `localhost:5432`. Files have lines behind
/// a colon too, so that other names do not count.
fn only_address(text: &str) -> Option<String> {
    let mut found = called().captures_iter(text).map(|found| {
        let part = |at: usize| found.get(at).or_else(|| found.get(at + 2)).map_or("", |part| part.as_str());
        format!("{}:{}", part(1), part(2))
    });
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// The same of a cause outside of the code alone.
pub(super) fn known_key(message: &str, text: Option<&str>) -> Option<(Cause, usize)> {
    known_cause(message, text).map(|cause| (cause, FEWEST))
}

/// What a failure may have in common with others, and how many of it are one cause. `None` for one whose message says
/// nothing; `text` as in [`known_cause`].
pub fn key(message: &str, text: Option<&str>) -> Option<(Cause, usize)> {
    let known = known_key(message, text);
    if known.is_some() {
        return known;
    }
    let text = message.trim();
    let says_values = text.chars().any(|char| char.is_ascii_digit() || matches!(char, '\'' | '"'));
    if assertion().is_match(text) {
        // The same values in so many places are one cause; the bare words of an assertion are none.
        return says_values.then(|| (Cause { text: text.to_owned(), environment: false }, FEWEST_ASSERTIONS));
    }
    if text.len() < 12 {
        return None;
    }
    let text: Cow<'_, str> = chance().replace_all(text, "…");
    Some((Cause { text: text.into_owned(), environment: false }, FEWEST_ALIKE))
}

/// The failures that have one cause, by what [`key`] says of each, the largest group first. What is in none stands alone.
pub fn groups(keys: impl Iterator<Item = Option<(Cause, usize)>>) -> Vec<Group> {
    let mut by_cause: HashMap<Cause, (Vec<usize>, usize)> = HashMap::new();
    for (at, key) in keys.enumerate() {
        if let Some((cause, fewest)) = key {
            by_cause.entry(cause).or_insert((Vec::new(), fewest)).0.push(at);
        }
    }
    let mut groups: Vec<Group> = by_cause
        .into_iter()
        .filter(|(_, (members, fewest))| members.len() >= *fewest)
        .map(|(cause, (members, _))| Group { cause, members })
        .collect();
    groups.sort_by_key(|group| (std::cmp::Reverse(group.members.len()), group.members[0]));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_their_cause() {
        for (message, cause, environment) in [
            ("Error: connect ECONNREFUSED 127.0.0.1:5432", "connection refused 127.0.0.1:5432", true),
            ("ConnectionRefusedError: [Errno 111] Connection refused", "connection refused", true),
            (
                "called `Result::unwrap()` on an `Err` value: Os { code: 111, kind: ConnectionRefused, message: \"Connection refused\" }",
                "connection refused",
                true,
            ),
            ("dial tcp 127.0.0.1:6379: connect: connection refused", "connection refused 127.0.0.1:6379", true),
            ("dial tcp [::1]:6379: connect: connection refused", "connection refused [::1]:6379", true),
            (
                "connection to server at \"localhost\", port 5432 failed: Connection refused",
                "connection refused localhost:5432",
                true,
            ),
            (
                "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
                "connection refused localhost:6379",
                true,
            ),
            ("getaddrinfo ENOTFOUND db.internal", "no such host db.internal", true),
            ("socket.gaierror: [Errno -2] Name or service not known", "no such host", true),
            ("dial tcp: lookup db on 127.0.0.11:53: no such host", "no such host db", true),
            ("OSError: [Errno 28] No space left on device: '/tmp/x'", "no space left on the device", true),
            ("listen EADDRINUSE: address already in use :::3000", "address in use :::3000", true),
            ("PermissionError: [Errno 13] Permission denied: '/var/run/x'", "permission denied /var/run/x", true),
            ("ModuleNotFoundError: No module named 'sqlalchemy'", "no module named sqlalchemy", true),
            ("Cannot find module 'left-pad'", "cannot find module left-pad", true),
            ("Cannot find module './helpers'", "cannot find module ./helpers", false),
            ("spawn ffmpeg ENOENT", "command not found: ffmpeg", true),
            ("sh: 1: ffmpeg: not found", "command not found: ffmpeg", true),
            (
                "FileNotFoundError: [Errno 2] No such file or directory: 'data/a.json'",
                "no such file or directory data/a.json",
                false,
            ),
            ("connect ETIMEDOUT 10.0.0.7:443", "connection timed out 10.0.0.7:443", true),
        ] {
            let expected = Cause { text: cause.to_owned(), environment };
            assert_eq!(known_cause(message, None), Some(expected), "{message}");
        }
    }

    #[test]
    fn an_address_that_the_message_leaves_out_is_in_the_text() {
        let refused = "ConnectionRefusedError: [Errno 111] Connection refused";
        for (text, cause) in [
            (
                "db.py:4: in connect\n    socket.create_connection(('127.0.0.1', 5432), timeout=2)\n\naddress = ('127.0.0.1', 5432), timeout = 2",
                "connection refused 127.0.0.1:5432",
            ),
            ("    get(\"http://localhost:8080/x\")\nlib.py:26: in get", "connection refused localhost:8080"),
            ("    sock.connect((\"::1\", 6379))", "connection refused ::1:6379"),
            ("connect(('127.0.0.1', 5432))\nserving on 127.0.0.1:8080", "connection refused"),
            ("test_db.py:26: ConnectionRefusedError", "connection refused"),
        ] {
            let found = known_cause(refused, Some(text)).map(|cause| cause.text);
            assert_eq!(found.as_deref(), Some(cause), "{text}");
        }
        let said = known_cause("connect ECONNREFUSED 127.0.0.1:5432", Some("at 127.0.0.1:9")).map(|cause| cause.text);
        assert_eq!(said.as_deref(), Some("connection refused 127.0.0.1:5432"), "what the message says counts");
    }

    #[test]
    fn a_plain_failure_has_no_cause_outside() {
        for message in [
            "assertion `left == right` failed: left: 200, right: 401",
            "assert 3 == 4",
            "KeyError: 'x'",
            "expected 'user: not found' to equal 'ok'",
            "panicked at index out of bounds: the len is 3 but the index is 5",
        ] {
            assert_eq!(known_cause(message, None), None, "{message}");
        }
    }

    fn grouped(messages: &[(&str, usize)]) -> Vec<(String, usize)> {
        let all: Vec<&str> =
            messages.iter().flat_map(|(message, times)| std::iter::repeat_n(*message, *times)).collect();
        groups(all.into_iter().map(|message| key(message, None)))
            .into_iter()
            .map(|group| (group.cause.text, group.members.len()))
            .collect()
    }

    #[test]
    fn failures_of_one_cause_are_one() {
        let refused = ("Error: connect ECONNREFUSED 127.0.0.1:5432", 200);
        let told = |text: &str, times| (text.to_owned(), times);
        for (messages, expected) in [
            (vec![refused, ("assert 3 == 4", 2)], vec![told("connection refused 127.0.0.1:5432", 200)]),
            // Two services are two causes.
            (
                vec![("connect ECONNREFUSED 127.0.0.1:5432", 3), ("connect ECONNREFUSED 127.0.0.1:6379", 4)],
                vec![told("connection refused 127.0.0.1:6379", 4), told("connection refused 127.0.0.1:5432", 3)],
            ),
            // Chance is no difference.
            (
                vec![
                    ("RuntimeError: no loop at 0x7f01 after 12 ms", 3),
                    ("RuntimeError: no loop at 0x7f55 after 9 ms", 2),
                ],
                vec![told("RuntimeError: no loop at … after …", 5)],
            ),
            (vec![("KeyError: 'x' in config", 4)], vec![]),
            (vec![("KeyError: 'x' in config", 5)], vec![told("KeyError: 'x' in config", 5)]),
            // Assertions: different ones never, bare ones never, the same values only in numbers.
            (vec![("assert 3 == 4", 3), ("assert 4 == 5", 3)], vec![]),
            (vec![("assertion failed", 50), ("failed", 50)], vec![]),
            (vec![("assert 500 == 200", 9)], vec![]),
            (vec![("assert 500 == 200", 10)], vec![told("assert 500 == 200", 10)]),
        ] {
            assert_eq!(grouped(&messages), expected, "{messages:?}");
        }
    }
}
