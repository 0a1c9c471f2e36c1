//! One section of pytest's `FAILURES` or `ERRORS`: the frames, the `E` lines, in any of the traceback styles.

use std::path::Path;

use super::source::test_place;
use super::traceback::{Frame, file_line, pick};
use crate::matcher::scope::{Scope, keep};
use crate::problem::{Place, Related};

/// Frames that are kept.
const MAX_FRAMES: usize = 200;
/// Exceptions of a group that are kept.
const MAX_GROUP: usize = 20;
/// Bytes of a comparison to which another line is joined.
const MAX_CLOSED: usize = 200;

/// What the section is about, by its title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// `TestTax::test_many[5]`.
    Test(String),
    /// The set-up or the clean-up of a test.
    Fixture(String),
    /// A file that could not be imported.
    File(String),
    /// A `conftest.py` that could not: no test ran.
    Conftest,
}

/// A section while it is read.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) subject: Subject,
    frames: Vec<Frame>,
    earlier: Vec<Frame>,
    /// Without the `E`.
    errors: Vec<String>,
    /// The exception's name at the end of the last frame, or the last line of a native traceback.
    exception: String,
    /// It was told behind the newest frame: lines below it are more of its text.
    raised: bool,
    /// The exceptions of a group, each as its last line.
    group: Vec<String>,
    pub(super) detail: String,
    /// Below is what the test printed.
    captured: bool,
}

// pytest-sugar draws another line.
expression!(title, r"^(?:_+ (.*[^_ ].*) _+|―+ (.*[^― ].*) ―+)$");
expression!(location, r"^([^\s:>][^:]*):(\d+)(?:$|: ?(?:in (.+)|(.*))$)");
expression!(exception, r"^[\w.]*(?:Error|Exception|Warning|Exit|Interrupt|Failed|Refused|\w)(?:: .*)?$");

/// The section that a title line opens.
pub(super) fn open(line: &str) -> Option<Section> {
    if !line.starts_with(['_', '―']) {
        return None;
    }
    let found = title().captures(line)?;
    let title = found.get(1).or(found.get(2))?.as_str().trim();
    let subject = if let Some(file) = title.strip_prefix("ERROR collecting ") {
        Subject::File(file.to_owned())
    } else if let Some(test) =
        title.strip_prefix("ERROR at setup of ").or_else(|| title.strip_prefix("ERROR at teardown of "))
    {
        Subject::Fixture(domain(test))
    } else if let Some(example) = title.strip_prefix("[doctest] ") {
        Subject::Test(example.to_owned())
    } else {
        Subject::Test(domain(title))
    };
    Some(Section::new(subject))
}

/// `TestTax.test_many[5.0]` as a node id has it: `TestTax::test_many[5.0]`. A subtest's `(i=1)` is no part of it.
fn domain(title: &str) -> String {
    let subtest = title.find([' ', '[']).filter(|&at| title[at..].starts_with(" (") || title[at..].starts_with(" ["));
    let title = subtest.map_or(title, |at| &title[..at]);
    let split = title.find('[').unwrap_or(title.len());
    format!("{}{}", title[..split].replace('.', "::"), &title[split..])
}

impl Section {
    pub(super) fn new(subject: Subject) -> Self {
        Self {
            subject,
            frames: Vec::new(),
            earlier: Vec::new(),
            errors: Vec::new(),
            exception: String::new(),
            raised: false,
            group: Vec::new(),
            detail: String::new(),
            captured: false,
        }
    }

    pub(super) fn line(&mut self, line: &str) {
        if line.starts_with("---") && line.contains(" Captured ") {
            self.captured = true;
        }
        if self.captured {
            return;
        }
        keep(&mut self.detail, line);
        // Python draws a line beside a group of exceptions, and below it each of them.
        if let Some(text) = line.strip_prefix("  | ") {
            if let Some(frame) = file_line(text) {
                self.frame(frame);
            } else if self.exception.is_empty() && exception().is_match(text) {
                text.clone_into(&mut self.exception);
            }
            return;
        }
        if !self.exception.is_empty() && line.starts_with("  ") && line.trim_start().starts_with(['|', '+']) {
            return self.in_group(line.trim_start());
        }
        if line == "E" || line.starts_with("E  ") {
            let text = line[1..].trim_end();
            if let Some(frame) = file_line(text) {
                // A syntax error: the file that could not be read.
                self.frame(frame);
            }
            self.errors.push(text.strip_prefix("   ").unwrap_or(text).to_owned());
        } else if line.starts_with("The above exception was") || line.starts_with("During handling of the above") {
            self.earlier.append(&mut self.frames);
            self.errors.clear();
        } else if let Some(frame) = file_line(line) {
            self.frame(frame);
        } else if let Some(found) = location().captures(line) {
            let function = found.get(3).map(|function| function.as_str().to_owned()).unwrap_or_default();
            if let Some(exception) = found.get(4).filter(|exception| !exception.as_str().is_empty()) {
                self.exception = exception.as_str().to_owned();
            }
            if let Ok(line) = found[2].parse() {
                self.frame(Frame { path: found[1].to_owned(), line, function });
            }
        } else if self.errors.is_empty()
            && !self.raised
            && !line.starts_with([' ', '>', '_'])
            && exception().is_match(line)
        {
            (self.exception, self.raised) = (line.to_owned(), true);
        }
    }

    /// A line of one of a group's exceptions: `+---- 2 ----` begins one, `| ValueError: no` tells it.
    fn in_group(&mut self, line: &str) {
        if line.starts_with('+') {
            if line.ends_with('-') && self.group.len() < MAX_GROUP {
                self.group.push(String::new());
            }
        } else if let (Some(text), Some(newest)) = (line.strip_prefix("| "), self.group.last_mut())
            && exception().is_match(text)
        {
            text.clone_into(newest);
        }
    }

    fn frame(&mut self, frame: Frame) {
        self.raised = false;
        if self.frames.len() < MAX_FRAMES {
            self.frames.push(frame);
        }
    }

    /// One line that says what went wrong.
    pub(super) fn message(&self) -> String {
        let errors: Vec<&str> =
            self.errors.iter().map(|error| error.trim()).filter(|error| !error.is_empty()).collect();
        match errors.as_slice() {
            [] => doctest(&self.exception, &self.detail).unwrap_or_else(|| self.told()),
            [file, .., last] if file.starts_with("File \"") => (*last).to_owned(),
            [first, rest @ ..] if !first.starts_with("assert ") => {
                // A message of several lines may begin with an empty one.
                let more =
                    rest.first().filter(|_| first.ends_with(':')).map_or(String::new(), |next| format!(" {next}"));
                let compared = rest.iter().find(|line| line.starts_with("assert "));
                let compared = compared.map_or(String::new(), |compared| format!(" ({compared})"));
                // What a call of a mock or the words of an exception should have been.
                let sides: Vec<&str> = rest.iter().copied().filter(|line| is_side(line)).take(2).collect();
                let sides = if sides.len() == 2 { format!(" {}", sides.join(", ")) } else { String::new() };
                format!("{}{more}{sides}{compared}", closed(first, rest))
            }
            [first, rest @ ..] => closed(first, rest),
        }
    }

    /// What no `E` line tells: the exception, those of its group, or why a file could not be collected.
    fn told(&self) -> String {
        if let Some(inner) = self.group.iter().find(|inner| !inner.is_empty()) {
            return format!("{}: {inner}", self.exception);
        }
        if !self.exception.is_empty() {
            return self.exception.clone();
        }
        if !matches!(self.subject, Subject::File(_)) {
            return String::new();
        }
        let (_, text) = self.stated();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let take = if text.lines().next().is_some_and(|first| first.ends_with(':')) { 4 } else { 1 };
        lines.take(take).collect::<Vec<_>>().join(" ")
    }

    /// The test that a collection error names, and its text without it.
    fn stated(&self) -> (Option<&str>, &str) {
        let text = self.detail.trim_start();
        let named = text.split_once(": ").filter(|(id, _)| id.contains(".py::") && !id.contains('\n'));
        named.map_or((None, text), |(id, text)| (Some(id), text))
    }

    /// Where it went wrong, and the other own frames.
    pub(super) fn places(&self, scope: &mut Scope) -> Option<(Place, Vec<Related>)> {
        match &self.subject {
            Subject::Test(_) => pick(scope, &self.frames, &self.earlier, true),
            Subject::Fixture(_) | Subject::Conftest => pick(scope, &self.frames, &self.earlier, false),
            Subject::File(file) => {
                let own = scope.own(file);
                if let Some(found) = pick(scope, &self.frames, &self.earlier, false) {
                    return Some(found);
                }
                let own = own?;
                let named = self.stated().0.and_then(|id| id.split_once("::"));
                let test = named.and_then(|(_, domain)| test_place(scope, own.clone(), domain));
                Some((test.unwrap_or_else(|| scope.whole(own)), Vec::new()))
            }
        }
    }

    /// The file of the outermost own frame, as pytest prints it; below its `root`, where that is a folder inside of a
    /// container.
    pub(super) fn first_file(&self, root: Option<&str>, scope: &mut Scope) -> Option<String> {
        let (printed, file) = self.earlier.iter().chain(&self.frames).find_map(|frame| {
            let file = scope.own(&frame.path)?;
            Some((&frame.path, file))
        })?;
        let inside = root.and_then(|root| printed.strip_prefix(root)?.strip_prefix('/'));
        Some(match inside.filter(|_| !scope.files.is_file(Path::new(printed))) {
            Some(inside) => inside.to_owned(),
            None if printed.starts_with('/') => scope.relative(&file),
            None => printed.clone(),
        })
    }
}

/// Of a doctest's difference of more lines: its last expected and its last line that came.
fn differs(detail: &str) -> Option<String> {
    let below = || detail.lines().skip_while(|line| !line.starts_with("Differences (")).skip(1);
    let last = |mark: &str| below().filter_map(|line| line.strip_prefix(mark)).last().map(str::trim);
    Some(format!("Expected: {}, Got: {}", last("    -")?, last("    +")?))
}

/// One side of what a mock or `pytest.raises` compared.
fn is_side(line: &str) -> bool {
    ["Expected: ", "Actual: ", "Expected regex: ", "Actual message: "].iter().any(|word| line.starts_with(word))
}

/// `assert (a == b and c == d)`, whose comparisons pytest may print on lines of their own.
fn closed(first: &str, rest: &[&str]) -> String {
    let mut text = first.to_owned();
    if text.starts_with("assert (") || text.starts_with("AssertionError: assert (") {
        for next in rest {
            if text.len() > MAX_CLOSED || text.matches('(').count() <= text.matches(')').count() {
                break;
            }
            text.push(' ');
            text.push_str(next);
        }
    }
    text
}

/// Both sides of a failed example of a doctest, or the exception that it raised.
fn doctest(exception: &str, detail: &str) -> Option<String> {
    if exception == "UnexpectedException" {
        let raised = detail.lines().find_map(|line| line.strip_prefix("UNEXPECTED EXCEPTION: "))?;
        return Some(raised.to_owned());
    }
    if exception == "DocTestFailure"
        && let Some(came) = differs(detail)
    {
        return Some(came);
    }
    let side = |name: &str| {
        let below = detail.lines().skip_while(|line| *line != name).skip(1);
        let text: Vec<&str> = below.take_while(|line| line.starts_with("    ")).map(str::trim).take(3).collect();
        text.join(" ")
    };
    let nothing = detail.lines().any(|line| line == "Expected nothing");
    let expected = if nothing { "nothing".to_owned() } else { side("Expected:") };
    let got = if detail.lines().any(|line| line == "Got nothing") { "nothing".to_owned() } else { side("Got:") };
    (exception == "DocTestFailure").then(|| format!("Expected: {expected}, Got: {got}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        for (line, subject) in [
            ("_____ test_a _____", Some(Subject::Test("test_a".to_owned()))),
            ("_ TestA.test_b[1.5] _", Some(Subject::Test("TestA::test_b[1.5]".to_owned()))),
            ("__ TestA.test_b (i=1) __", Some(Subject::Test("TestA::test_b".to_owned()))),
            ("__ [doctest] pkg.boom __", Some(Subject::Test("pkg.boom".to_owned()))),
            ("__ ERROR at setup of test_a __", Some(Subject::Fixture("test_a".to_owned()))),
            ("__ ERROR collecting a/test_b.py __", Some(Subject::File("a/test_b.py".to_owned()))),
            ("_ _ _ _ _ _ _ ", None),
            ("_ _ _ _", None),
        ] {
            assert_eq!(open(line).map(|section| section.subject), subject, "{line}");
        }
    }
}
