//! Python's traceback, read line by line: its frames, its exception, and the exceptions that led to it.

use std::sync::LazyLock;

use regex::Regex;

use crate::matcher::scope::{Scope, keep, related};
use crate::problem::{Place, Related};

/// Frames of one traceback that are kept.
const MAX_FRAMES: usize = 200;

/// One frame as it was printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) path: String,
    pub(super) line: u32,
    /// The function, where it is told.
    pub(super) function: String,
}

/// A traceback so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Traceback {
    /// The outermost first.
    pub(super) frames: Vec<Frame>,
    /// The exception's line, for instance `ValueError: x`; empty while frames are read.
    pub(super) message: String,
    /// Frames of the exceptions before it.
    pub(super) earlier: Vec<Frame>,
    pub(super) detail: String,
    /// Another exception follows.
    pub(super) chained: bool,
}

/// `  File "x.py", line 3, in main`.
pub(super) fn file_line(line: &str) -> Option<Frame> {
    static FILE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"^\s*File "(.+?)", line (\d+)(?:, in (.+))?$"#).expect("valid"));
    if !line.trim_start().starts_with("File \"") {
        return None;
    }
    let found = FILE.captures(line)?;
    let function = found.get(3).map(|function| function.as_str().to_owned()).unwrap_or_default();
    Some(Frame { path: found[1].to_owned(), line: found[2].parse().ok()?, function })
}

impl Traceback {
    /// Takes a line below `Traceback (most recent call last):`; false when it is not a part of it.
    pub(super) fn line(&mut self, line: &str) -> bool {
        if self.message.is_empty() {
            keep(&mut self.detail, line);
            if let Some(frame) = file_line(line) {
                if self.frames.len() < MAX_FRAMES {
                    self.frames.push(frame);
                }
            } else if !line.is_empty() && !line.starts_with(' ') && !line.starts_with('\t') {
                self.message = line.to_owned();
            }
            return true;
        }
        if line.starts_with("Traceback (most recent call last)") {
            self.message.clear();
            self.earlier.append(&mut self.frames);
            self.chained = false;
            keep(&mut self.detail, line);
            return true;
        }
        let chained = line.starts_with("The above exception was") || line.starts_with("During handling of the above");
        if line.is_empty() || chained {
            self.chained |= chained;
            keep(&mut self.detail, line);
            return true;
        }
        if std::mem::take(&mut self.chained) {
            // One whose frames are all the runner's, which leaves them out.
            line.clone_into(&mut self.message);
            self.earlier.append(&mut self.frames);
            keep(&mut self.detail, line);
            return true;
        }
        false
    }

    /// The primary place and the others: the deepest own frame of `test_file` (the file of the outermost own frame when
    /// that is not known), so that a failed test is shown in the test.
    pub(super) fn places(&self, scope: &mut Scope, in_test: bool) -> Option<(Place, Vec<Related>)> {
        pick(scope, &self.frames, &self.earlier, in_test)
    }
}

/// The place of a failure among its frames, the outermost first. In a test it is the deepest frame of the test's own file;
/// else the deepest own frame. The other own frames are related.
pub(super) fn pick(
    scope: &mut Scope,
    frames: &[Frame],
    earlier: &[Frame],
    in_test: bool,
) -> Option<(Place, Vec<Related>)> {
    let mut own: Vec<(Place, &str)> = Vec::new();
    for frame in frames {
        if let Some(file) = scope.own(&frame.path) {
            own.push((scope.at(file, frame.line, None, None), frame.function.as_str()));
        }
    }
    let mut at = own.len().checked_sub(1)?;
    if in_test {
        let test_file = own[0].0.file.clone();
        at = own.iter().rposition(|(place, _)| place.file == test_file).unwrap_or(at);
    }
    let (place, _) = own.remove(at);
    let mut others: Vec<Related> = Vec::new();
    for (other, function) in own.into_iter().rev() {
        if other != place && !others.iter().any(|known| known.place == other) && others.len() < 8 {
            let message = if function.is_empty() { "called here".to_owned() } else { format!("in {function}") };
            others.push(related(other, message));
        }
    }
    for frame in earlier.iter().rev() {
        if let Some(file) = scope.own(&frame.path).filter(|_| others.len() < 8) {
            others.push(related(scope.at(file, frame.line, None, None), "the exception before it"));
        }
    }
    Some((place, others))
}
