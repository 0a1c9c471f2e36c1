//! gcc's diagnostics as JSON, `-fdiagnostics-format=json`: one array on one line per file that is compiled. The fields are
//! those of <https://gcc.gnu.org/onlinedocs/gcc-12.2.0/gcc/Diagnostic-Message-Formatting-Options.html>.

use serde::Deserialize;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::place::Column;
use crate::matcher::scope::{Scope, problem, related};
use crate::problem::{Place, Severity};

/// Notes of one diagnostic that are shown.
const MAX_NOTES: usize = 8;

pub(super) const FORMAT: Format = Format {
    name: "gcc json",
    rank: Rank::Structured,
    gate: always,
    // gcc sorts the fields of one version alike, but not those of all.
    starts: &[r#"\[\{"kind": ""#, r#"\[\{"children": \["#, r#"\[\{"locations": \["#],
    inside: &[],
    new: |_| Box::new(GccJson),
};

struct GccJson;

#[derive(Deserialize)]
struct Diagnostic {
    kind: String,
    message: String,
    /// The option that asked for it, `-Wformat=`.
    option: Option<String>,
    #[serde(default)]
    locations: Vec<Location>,
    #[serde(default)]
    children: Vec<Diagnostic>,
}

#[derive(Deserialize)]
struct Location {
    caret: Point,
    /// Its last column.
    finish: Option<Point>,
}

#[derive(Deserialize)]
struct Point {
    file: String,
    line: u32,
    #[serde(rename = "display-column")]
    column: u32,
}

impl Diagnostic {
    fn place(&self, scope: &mut Scope) -> Option<Place> {
        let Location { caret, finish } = self.locations.first()?;
        let end = finish.as_ref().filter(|finish| finish.line == caret.line && finish.column >= caret.column);
        let end = end.map(|finish| Column::Display(finish.column.saturating_add(1)));
        let file = scope.own(&caret.file)?;
        Some(scope.at(file, caret.line, Some(Column::Display(caret.column)), end))
    }

    fn tell(self, scope: &mut Scope) {
        let Some(place) = self.place(scope) else { return };
        let severity = if self.kind == "warning" { Severity::Warning } else { Severity::Error };
        let mut found = problem("gcc", severity, place, self.message);
        for note in self.children.into_iter().take(MAX_NOTES) {
            if let Some(place) = note.place(scope) {
                found.related.push(related(place, note.message));
            }
        }
        found.code = self.option.map(|option| option.replacen("-Werror=", "-W", 1));
        scope.problem(found);
    }
}

impl Matcher for GccJson {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        let Ok(diagnostics) = serde_json::from_str::<Vec<Diagnostic>>(line.trim()) else { return };
        scope.claim();
        diagnostics.into_iter().filter(|diagnostic| diagnostic.kind != "note").for_each(|it| it.tell(scope));
    }

    fn reads_documents(&self) -> bool {
        true
    }
}
