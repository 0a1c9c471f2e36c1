//! Gradle's own errors: `* Where:` with `Build file '/w/build.gradle' line: 4`, and below `* What went wrong:` the cause behind
//! `>`. What a task found wrong is told by the task.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::oneline::number;
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::{Place, Severity};

/// Lines behind the place in which the cause must come.
const MAX_LINES: usize = 40;

pub(super) const FORMAT: Format = Format {
    name: "gradle script",
    rank: Rank::Tool,
    gate: always,
    starts: &["(?:Build|Settings|Initialization script) file '", "Script '"],
    inside: &[],
    new: |_| Box::new(Script::default()),
};

#[derive(Default)]
struct Script {
    place: Option<Place>,
    message: String,
    detail: String,
    lines: usize,
}

expression!(place, r"^(?:(?:Build|Settings|Initialization script) file|Script) '([^']+)' line: (\d+)$");

impl Script {
    fn flush(&mut self, scope: &mut Scope) {
        let Script { place, message, detail, .. } = std::mem::take(self);
        if let Some(place) = place.filter(|_| !message.is_empty()) {
            let mut told = problem("gradle", Severity::Error, place, message);
            told.detail = Some(detail);
            scope.problem(told);
        }
    }
}

impl Matcher for Script {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        if let Some(found) = place().captures(line) {
            self.flush(scope);
            let file = scope.own(&found[1]);
            self.place = file.map(|file| scope.at(file, number(&found, 2).unwrap_or(1), None, None));
            return;
        }
        self.lines += 1;
        if self.lines > MAX_LINES || line.starts_with("* Try:") {
            self.flush(scope);
            return;
        }
        if line.starts_with("* ") || line.is_empty() {
            return;
        }
        keep(&mut self.detail, line);
        // The last cause is the first one in time.
        line.trim_start_matches([' ', '>']).clone_into(&mut self.message);
    }

    fn wants_all(&self) -> bool {
        self.place.is_some()
    }

    fn interrupted(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }

    fn end(&mut self, scope: &mut Scope) {
        self.flush(scope);
    }
}
