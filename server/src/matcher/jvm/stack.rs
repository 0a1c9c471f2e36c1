//! Stack traces of the JVM: `at shop.Main.parse(Main.java:15)`. A frame names a class and a file's name; its package tells
//! the folder. Also programs that end with an exception.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::number;
use crate::matcher::scope::{Scope, keep, problem, related};
use crate::problem::{Place, Related, Severity};

/// Lines of one trace.
const MAX_LINES: usize = 500;

pub(super) const FORMAT: Format = Format {
    name: "java trace",
    rank: Rank::Tool,
    gate: always,
    starts: &[r#"Exception in thread ""#],
    inside: &[],
    new: |_| Box::new(Uncaught::default()),
};

/// A frame as it was printed.
pub(super) struct Frame {
    /// `shop/Main.java`, from the class's package.
    path: String,
    line: u32,
    /// Of `shop.Main.parse` the class.
    class: String,
}

expression!(
    frame_line,
    r"^\s*(?:\[ERROR\] )?\s*at (?:[\w.@/-]+/)?([\w.$<>]+)\.([\w$<>]+)\(([\w$-]+\.(?:java|kt|scala|groovy)):(\d+)\)"
);

/// Reads `at shop.Main.parse(Main.java:15)`.
pub(super) fn frame(line: &str) -> Option<Frame> {
    let found = frame_line().captures(line)?;
    let class = found[1].to_owned();
    let package = class.rsplit_once('.').map_or("", |(package, _)| package);
    let folder = if package.is_empty() { String::new() } else { package.replace('.', "/") + "/" };
    Some(Frame { path: folder + &found[3], line: number(&found, 4)?, class })
}

/// The places of the workspace's own frames, each with its class.
fn own(scope: &mut Scope, frames: &[Frame]) -> Vec<(Place, String)> {
    let mut own = Vec::new();
    for frame in frames {
        if let Some(file) = scope.own(&frame.path) {
            own.push((scope.at(file, frame.line, None, None), frame.class.clone()));
        }
    }
    own
}

/// The place among frames, the deepest first: in a test the deepest one of the test's class. The others are related.
pub(super) fn pick(scope: &mut Scope, frames: &[Frame], test_class: Option<&str>) -> Option<(Place, Vec<Related>)> {
    let mut own = own(scope, frames);
    if own.is_empty() {
        return None;
    }
    let in_test = |class: &str| test_class.is_some_and(|test| class.split('$').next() == Some(test));
    let at = own.iter().position(|(_, class)| in_test(class)).unwrap_or(0);
    let (place, _) = own.remove(at);
    let mut others: Vec<Related> = Vec::new();
    for (other, _) in own {
        if other != place && !others.iter().any(|known| known.place == other) && others.len() < 8 {
            others.push(related(other, "in the stack"));
        }
    }
    Some((place, others))
}

#[derive(Default)]
struct Uncaught {
    current: Option<Trace>,
}

struct Trace {
    message: String,
    cause: Option<String>,
    frames: Vec<Frame>,
    detail: String,
    lines: usize,
}

expression!(head, r#"^Exception in thread "[^"]*" (\S.*)$"#);

impl Uncaught {
    fn flush(&mut self, scope: &mut Scope) {
        let Some(trace) = self.current.take() else { return };
        if let Some((place, others)) = pick(scope, &trace.frames, None) {
            let message = match trace.cause {
                Some(cause) => format!("{}: caused by {cause}", trace.message),
                None => trace.message,
            };
            let mut told = problem("java", Severity::Error, place, message);
            told.related = others;
            told.detail = Some(trace.detail);
            scope.problem(told);
        }
    }
}

impl Matcher for Uncaught {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            self.current = None;
            return;
        }
        if let Some(found) = head().captures(line) {
            self.flush(scope);
            let message = found[1].to_owned();
            self.current = Some(Trace { message, cause: None, frames: Vec::new(), detail: line.to_owned(), lines: 0 });
            return;
        }
        let Some(trace) = &mut self.current else { return };
        trace.lines += 1;
        let text = line.trim_start();
        if trace.lines > MAX_LINES {
            self.flush(scope);
        } else if text.starts_with("at ") && line.starts_with(['\t', ' ']) {
            keep(&mut trace.detail, line);
            trace.frames.extend(frame(line));
        } else if let Some(cause) = text.strip_prefix("Caused by: ") {
            keep(&mut trace.detail, line);
            trace.cause = Some(cause.to_owned());
        } else if !text.starts_with("... ") && !text.starts_with("Suppressed: ") {
            if trace.frames.is_empty() && trace.lines < 10 {
                keep(&mut trace.detail, line);
            } else {
                self.flush(scope);
            }
        }
    }

    fn wants_all(&self) -> bool {
        self.current.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        for (line, path) in [
            ("\tat shop.Main.parse(Main.java:15)", Some("shop/Main.java")),
            ("\tat java.base/java.lang.Iterable.forEach(Iterable.java:15)", Some("java/lang/Iterable.java")),
            (
                "    at app//shop.a.CartTest$Inner.lambda$x$0(CartTest.java:15) ~[classes/:?]",
                Some("shop/a/CartTest.java"),
            ),
            ("\tat Main.main(Main.java:15)", Some("Main.java")),
            ("\tat jdk.internal.reflect.Method.invoke(Native Method)", None),
        ] {
            let found = frame(line);
            assert_eq!(found.as_ref().map(|frame| frame.path.as_str()), path, "{line}");
            assert!(found.is_none_or(|frame| frame.line == 15));
        }
    }
}
