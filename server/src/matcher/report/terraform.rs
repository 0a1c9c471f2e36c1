//! Terraform and OpenTofu: `Error: Unsupported argument`, `on main.tf line 3, in resource …:`, the source and what is wrong
//! with it, in a frame of bars; what `fmt` names.

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Inside, Rank};
use crate::matcher::oneline::number;
use crate::matcher::scope::{Scope, keep, problem};
use crate::problem::{Place, Severity};

/// Lines of one message.
const MAX_LINES: usize = 100;

pub(super) const FORMAT: Format = Format {
    name: "terraform",
    rank: Rank::Tool,
    gate: |command| command.runs("terraform") || command.runs("tofu") || command.runs("terragrunt"),
    starts: &[r"(?:│ )?(?:Error|Warning): "],
    inside: &[Inside { words: &[".tf", ".tofu"], text: r"\A[^ :]+\.(?:tf|tfvars|tofu|tftest\.hcl)\z" }],
    new: |_| Box::new(Terraform::default()),
};

#[derive(Default)]
struct Terraform {
    current: Option<Message>,
}

struct Message {
    severity: Severity,
    summary: String,
    place: Option<Place>,
    /// The first paragraph behind the source.
    text: String,
    detail: String,
    lines: usize,
}

expression!(head, r"^(Error|Warning): (.+)$");
expression!(place, r"^\s+(?:with .*, )?on (\S+) line (\d+)(?:, in .*)?:$");
expression!(source, r"^\s+\d+: ");

impl Terraform {
    fn flush(&mut self, scope: &mut Scope) {
        let Some(current) = self.current.take() else { return };
        let Some(place) = current.place else { return };
        let message =
            if current.text.is_empty() { current.summary } else { format!("{}: {}", current.summary, current.text) };
        let mut told = problem("terraform", current.severity, place, message);
        told.detail = Some(current.detail);
        scope.problem(told);
    }
}

impl Matcher for Terraform {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if self.current.is_none() && scope.command.mentions("fmt") {
            // `fmt -check` and `fmt -list` name the files alone.
            if let Some(file) = scope.own(line) {
                let place = scope.whole(file);
                scope.problem(problem(
                    "terraform",
                    Severity::Warning,
                    place,
                    "not formatted as `terraform fmt` does it",
                ));
            }
            return;
        }
        let text = line.strip_prefix('│').map_or(line, |text| text.strip_prefix(' ').unwrap_or(text));
        if let Some(found) = head().captures(text) {
            self.flush(scope);
            self.current = Some(Message {
                severity: if &found[1] == "Error" { Severity::Error } else { Severity::Warning },
                summary: found[2].to_owned(),
                place: None,
                text: String::new(),
                detail: text.to_owned(),
                lines: 0,
            });
            return;
        }
        let Some(current) = &mut self.current else { return };
        current.lines += 1;
        if line.starts_with('╵') || current.lines > MAX_LINES {
            self.flush(scope);
            return;
        }
        keep(&mut current.detail, text);
        if let Some(found) = place().captures(text) {
            if let (None, Some(file), Some(line)) = (&current.place, scope.own(&found[1]), number(&found, 2)) {
                current.place = Some(scope.at(file, line, None, None));
            }
        } else if current.place.is_some()
            && !text.trim().is_empty()
            && !source().is_match(text)
            && !text.trim_start().starts_with(['├', '│'])
            && current.text.len() < 300
        {
            if !current.text.is_empty() {
                current.text.push(' ');
            }
            current.text.push_str(text.trim());
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
