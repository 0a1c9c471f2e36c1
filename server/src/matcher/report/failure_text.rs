//! What a report prints about a failed test whose runner nobody knows: the places in it, and the line that a person needs.
//! Forms of stack frames that whole languages share; knows no report.

use std::path::Path;

use crate::matcher::oneline::{find_word, number};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, related};
use crate::problem::{Place, Related};

/// Lines of a text that are looked at, and bytes of one.
const MAX_LINES: usize = 300;
const MAX_LINE: usize = 2_000;
/// Frames that are resolved.
const MAX_FRAMES: usize = 60;
/// Lines in which both sides of an assertion stand.
const MAX_SIDES: usize = 40;

expression!(
    jvm_frame,
    r"^\s*at (?:[\w.$@-]+/)?((?:\w+\.)+)[\w$<>]+\.[\w$<>]+\((\w+\.(?:java|kt|kts|scala|groovy)):(\d+)\)"
);
expression!(python_frame, r#"^\s*File "([^"]+)", line (\d+)"#);
expression!(spoken, r"\b(?:at|in(?: test)? file) ([^\s(),]+),? line (\d+)\b");
expression!(
    counted,
    r#"(?:^|[\s(\[@"'])((?:file://)?[^\s():"'\[\],@]*[^\s():"'\[\]/,@]\.\w+):(?:line )?(\d+)(?::(\d+))?(?:[\s:),\]"']|$)"#
);
expression!(at_start, r"^(?:(?:file://)?[^\s():]+\.\w+:\d+(?::\d+)?|\S+\.\w+\(\d+\))(?:: |:?$)");
expression!(
    no_message,
    r"^\s*(?:=== |--- (?:FAIL|PASS|SKIP)|\(?(?:in|from)(?: test)? f(?:ile|unction) |thread '.*' (?:\(\d+\) )?panicked at |at \S|❯ |Failed (?:\(TODO\) )?test\b|Looks like you )"
);
expression!(side, r"(?i)^(?:E\s+)?\W*((?:expected|received|actual|got|want|left|right)\b[^:]{0,30}: *\S.*)$");
expression!(
    both,
    r"(?i)\bexpected\b.*\b(?:but|to|got|received|was|actual)\b|\bgot\b.*\bwant\b| !==? | ===? (?:[^r]|r[^i])"
);

/// A printed position, the path as the tool wrote it.
fn frame(line: &str) -> Option<(String, u32, Option<u32>)> {
    if !line.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if let Some(found) = jvm_frame().captures(line) {
        return Some((found[1].replace('.', "/") + &found[2], number(&found, 3)?, None));
    }
    if let Some(found) = python_frame().captures(line).or_else(|| spoken().captures(line)) {
        return Some((found[1].to_owned(), number(&found, 2)?, None));
    }
    let found = counted().captures(line)?;
    Some((found[1].replace("%20", " "), number(&found, 2)?, number(&found, 3)))
}

/// The lines of a text that are looked at.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take(MAX_LINES).filter(|line| line.len() <= MAX_LINE)
}

/// Where a failed test failed: the deepest own frame in the test's own file, else in that of the outermost own frame; the
/// others are related.
pub(super) fn place(scope: &mut Scope, text: &str, test_file: Option<&Path>) -> Option<(Place, Vec<Related>)> {
    let frames: Vec<_> = lines(text).filter_map(frame).take(MAX_FRAMES).collect();
    let mut own: Vec<Place> = Vec::new();
    for (path, line, column) in frames {
        let Some(file) = scope.own(&path) else { continue };
        let place = scope.at(file, line, column.map(Column::Chars), None);
        if !own.iter().any(|known| known.file == place.file && known.line == place.line) {
            own.push(place);
        }
    }
    // Python tells the innermost call last, everybody else first.
    if own.last()?.file.extension().is_some_and(|extension| extension == "py") {
        own.reverse();
    }
    let outermost = own.last()?.file.clone();
    let home = test_file.filter(|file| own.iter().any(|place| place.file == **file)).unwrap_or(&outermost);
    let at = own.iter().position(|place| place.file == *home)?;
    let place = own.remove(at);
    Some((place, own.into_iter().take(8).map(|other| related(other, "in the stack")).collect()))
}

/// The line that a person needs: what is said first, with both sides of an assertion where they stand below. `None` where
/// nothing is said.
pub(super) fn message(text: &str) -> Option<String> {
    let mut rest = lines(text).take(MAX_SIDES).filter_map(|line| {
        let line = line.trim_end();
        if no_message().is_match(line) || line.trim().is_empty() {
            return None;
        }
        let said = at_start().find(line.trim_start()).map_or(line, |place| &line.trim_start()[place.end()..]);
        (!said.trim().is_empty()).then_some(said.trim())
    });
    let first = rest.next()?;
    let short =
        ["AssertionError: ", "Error: ", "java.lang.AssertionError: "].iter().find_map(|it| first.strip_prefix(it));
    let first = short.unwrap_or(first);
    if !first.ends_with(':') && both().is_match(first) {
        return Some(first.to_owned());
    }
    let below: Vec<&str> = rest.collect();
    let sides: Vec<&str> =
        below.iter().filter_map(|line| side().captures(line)?.get(1).map(|side| side.as_str())).take(2).collect();
    if side().is_match(first) && !sides.is_empty() {
        return Some(format!("{first}, {}", sides[0]));
    }
    Some(match first.strip_suffix(':') {
        Some(short) if below.first().is_some_and(|next| both().is_match(next)) => format!("{short}: {}", below[0]),
        _ if sides.len() == 2 => format!("{}: {}", first.trim_end_matches(':'), sides.join(", ")),
        Some(short) if !below.is_empty() => format!("{short}: {}", below[..below.len().min(4)].join(", ")),
        _ => first.to_owned(),
    })
}

/// Where a test is declared in its file: the word that is its name, else its name as a quoted text; else the file alone.
pub(super) fn declared(scope: &Scope, file: &Path, name: &str) -> Place {
    let name = name.split(['[', '(']).next().unwrap_or(name).trim();
    let name = name.rsplit([' ', '.', '/', ':']).next().filter(|_| is_word(name)).unwrap_or(name);
    let source = scope.files.read(file).unwrap_or_default();
    let found = if is_word(name) {
        find_word(&source, name, 1)
    } else {
        ["'", "\"", "`"].iter().find_map(|quote| find_text(&source, &format!("{quote}{name}{quote}")))
    };
    match found {
        Some((line, from, to)) => scope.at(file.to_owned(), line, Some(Column::Chars(from)), Some(Column::Chars(to))),
        None => scope.whole(file.to_owned()),
    }
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | ':'))
}

/// Line, column and end column, in characters, of a text that stands in one line.
fn find_text(source: &str, text: &str) -> Option<(u32, u32, u32)> {
    source.lines().zip(1..).find_map(|(line, number)| {
        let column = line[..line.find(text)?].chars().count() as u32 + 1;
        Some((number, column, column + text.chars().count() as u32))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        for (line, printed) in [
            ("    at Cart.total (/w/src/cart.js:3:15)", Some(("/w/src/cart.js", 3, Some(15)))),
            ("    at /w/a b.js:3:15", Some(("b.js", 3, Some(15)))),
            ("\tat com.acme.CartTest.adds(CartTest.java:12)", Some(("com/acme/CartTest.java", 12, None))),
            ("\tat java.base/java.util.List.of(List.java:12)", Some(("java/util/List.java", 12, None))),
            ("  File \"/w/a.py\", line 3, in f", Some(("/w/a.py", 3, None))),
            ("tests/test_a.py:12: AssertionError", Some(("tests/test_a.py", 12, None))),
            ("    cart_test.go:12: got 3, want 4", Some(("cart_test.go", 12, None))),
            ("#   at t/a.t line 5.", Some(("t/a.t", 5, None))),
            ("# (in test file test/a.bats, line 5)", Some(("test/a.bats", 5, None))),
            ("   at Shop.Tests.Adds() in /w/T.cs:line 12", Some(("/w/T.cs", 12, None))),
            ("expected 12:34:56 to be 3", None),
            ("see https://example.com:8080/a", None),
        ] {
            let found = frame(line);
            let found = found.as_ref().map(|(path, line, column)| (path.as_str(), *line, *column));
            assert_eq!(found, printed, "{line}");
        }
    }

    #[test]
    fn messages() {
        for (text, said) in [
            ("expected 3 to be 4\n    at a.js:1:1", Some("expected 3 to be 4")),
            (
                "Error: expect(x).toBe(y)\n\nExpected: 4\nReceived: 3\n",
                Some("expect(x).toBe(y): Expected: 4, Received: 3"),
            ),
            ("=== RUN   TestX\n    cart_test.go:12: got 3, want 4\n--- FAIL: TestX (0.00s)", Some("got 3, want 4")),
            (
                "thread 'a' panicked at src/lib.rs:3:5:\nassertion `left == right` failed\n  left: 1\n right: 2",
                Some("assertion `left == right` failed: left: 1, right: 2"),
            ),
            (
                "a.cc:12\nExpected equality of these values:\n  add(1, 2)\n    Which is: 3\n  4",
                Some("Expected equality of these values: add(1, 2), Which is: 3, 4"),
            ),
            ("Expected to be equal:\n\n50 !== 95\n\nAssertionError: x:", Some("Expected to be equal: 50 !== 95")),
            ("(in test file a.bats, line 5)\n  `[ 1 -eq 2 ]' failed", Some("`[ 1 -eq 2 ]' failed")),
            (
                "  Failed test 'adds'\n  at t/a.t line 8.\n         got: '3'\n    expected: '4'",
                Some("got: '3', expected: '4'"),
            ),
            ("\n  \n", None),
        ] {
            assert_eq!(message(text).as_deref(), said, "{text}");
        }
    }
}
