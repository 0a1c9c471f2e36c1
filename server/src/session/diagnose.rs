//! The `diagnostics` tool: what commands have found, by task and run, and what the editor shows of itself, in words for the
//! model. The editor is asked for its part; what it says is text from outside, as the rest is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::agent::notification::{cut, escape};
use crate::diagnostics::Stored;
use crate::ids::{SessionId, ToolCallId, TurnId};
use crate::problem::{Problem, Severity};
use crate::tool::Location;
use crate::tool::input::{Call, Diagnostics};
use crate::workspace::editor::{EditorDiagnostics, EditorProblem};
use crate::workspace::roots::absolute;

use super::calls::Step;
use super::effect::{Effect, ToolChange};
use super::state::State;

/// Diagnostics that are told; the rest is counted.
const TOLD: usize = 300;
/// Characters of one message.
const MESSAGE: usize = 400;
/// Places that the editor is told of.
const LOCATIONS: usize = 20;

/// One diagnostic in words: errors first, then by its place.
type Row = (Severity, u32, u32, String);

impl State {
    /// Asks the editor for its part; comes back to [`State::editor_diagnostics`].
    pub(super) fn diagnose(&mut self, session: &SessionId, id: &ToolCallId, turn: &TurnId, call: &Diagnostics) {
        let path = self.place_of(session, call);
        if let Some(state) = self.call(session, id) {
            state.step = Step::Running;
        }
        let (session, turn, call) = (session.clone(), turn.clone(), id.clone());
        self.effects.push(Effect::AskDiagnostics { session, turn, call, path });
    }

    fn place_of(&self, session: &SessionId, call: &Diagnostics) -> Option<PathBuf> {
        let owner = self.sessions.get(session)?;
        call.path.as_deref().map(|path| absolute(&owner.cwd, path))
    }

    /// The editor has said what it shows, or does not.
    pub(super) fn editor_diagnostics(
        &mut self,
        session: &SessionId,
        turn: &TurnId,
        id: &ToolCallId,
        found: &EditorDiagnostics,
    ) {
        if self.running_turn(session, turn).is_none() {
            return;
        }
        let asked = self.call(session, id).filter(|state| state.step == Step::Running);
        let Some(Ok(Call::Diagnostics(call))) = asked.map(|state| state.call.clone()) else { return };
        let Some(owner) = self.sessions.get(session) else { return };
        let (place, cwd) = (self.place_of(session, &call), owner.cwd.clone());
        let files = self.diagnostics_by_file(place.as_deref(), found);
        let locations = files.iter().flat_map(|(path, rows)| {
            rows.iter().map(|(_, line, ..)| Location { path: path.clone(), line: Some(*line) })
        });
        let change = ToolChange { locations: Some(locations.take(LOCATIONS).collect()), ..ToolChange::default() };
        let text = told(&files, &cwd, found);
        self.finish_call(session, id, text, false, change);
    }

    fn diagnostics_by_file(&self, place: Option<&Path>, found: &EditorDiagnostics) -> BTreeMap<PathBuf, Vec<Row>> {
        let wanted = |path: &Path| place.is_none_or(|place| path.starts_with(place));
        let mut files: BTreeMap<PathBuf, Vec<Row>> = BTreeMap::new();
        let own: Vec<&Stored> = self.problems.all().filter(|stored| wanted(&stored.problem.place.file)).collect();
        for stored in &own {
            let place = &stored.problem.place;
            let row =
                (stored.problem.severity, place.line.unwrap_or(1), place.column.unwrap_or(1), self.own_row(stored));
            files.entry(place.file.clone()).or_default().push(row);
        }
        let EditorDiagnostics::Found { problems, .. } = found else { return sorted(files) };
        // A language server may show what its compiler has printed: once is enough.
        let known = |other: &EditorProblem| {
            own.iter().any(|stored| {
                let Problem { place, message, .. } = &stored.problem;
                place.file == other.path
                    && place.line == Some(other.line)
                    && other.message.starts_with(message.as_str())
            })
        };
        for problem in problems.iter().filter(|problem| wanted(&problem.path) && !known(problem)) {
            let row = (problem.severity, problem.line, problem.column, editor_row(problem));
            files.entry(problem.path.clone()).or_default().push(row);
        }
        sorted(files)
    }

    fn own_row(&self, stored: &Stored) -> String {
        let Problem { severity, message, code, tool, test, .. } = &stored.problem;
        let mut from = vec![tool.clone()];
        from.extend(test.clone());
        let command = self.ledger.visible(&stored.task).map(|task| format!(" `{}`", cut(&task.command, 80)));
        from.push(format!("{}{} run {}", stored.task, command.unwrap_or_default(), stored.run));
        from.extend(stored.edited.then(|| "edited since".to_owned()));
        from.extend(stored.stale.then(|| "it runs again".to_owned()));
        words(*severity, code.as_deref(), message, &from.join("; "))
    }
}

fn editor_row(problem: &EditorProblem) -> String {
    let source = problem.source.as_deref().unwrap_or("unnamed");
    words(problem.severity, problem.code.as_deref(), &problem.message, &format!("editor: {source}"))
}

fn words(severity: Severity, code: Option<&str>, message: &str, from: &str) -> String {
    let severity = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "information",
        Severity::Hint => "hint",
    };
    let code = code.map(|code| format!(" {}", cut(code, 60))).unwrap_or_default();
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    escape(&format!("{severity}{code}: {} ({})", cut(&message, MESSAGE), cut(from, MESSAGE)))
}

fn sorted(mut files: BTreeMap<PathBuf, Vec<Row>>) -> BTreeMap<PathBuf, Vec<Row>> {
    files.values_mut().for_each(|rows| rows.sort());
    files
}

fn told(files: &BTreeMap<PathBuf, Vec<Row>>, cwd: &Path, found: &EditorDiagnostics) -> String {
    let mut text = String::new();
    let (mut shown, mut all) = (0, 0);
    // Writing into a string does not fail.
    for (path, rows) in files {
        all += rows.len();
        if shown == TOLD {
            continue;
        }
        let _ = writeln!(text, "{}", escape(&path.strip_prefix(cwd).unwrap_or(path).display().to_string()));
        for (_, line, column, words) in rows.iter().take(TOLD - shown) {
            let _ = writeln!(text, "  {line}:{column} {words}");
        }
        shown += rows.len().min(TOLD - shown);
    }
    if all == 0 {
        text.push_str(
            "No diagnostics are known here. Pillion has those that commands print: run the build or the tests.\n",
        );
    }
    let omitted = match found {
        EditorDiagnostics::Found { omitted, .. } => *omitted,
        EditorDiagnostics::NotOffered => {
            text.push_str("(The editor does not offer its own diagnostics.)\n");
            0
        }
        EditorDiagnostics::Failed(why) => {
            let _ = writeln!(text, "(The editor's own diagnostics are missing: {})", escape(&cut(why, MESSAGE)));
            0
        }
    };
    if all + omitted > shown {
        let _ = writeln!(text, "({} more: name a file or a folder with `path`)", all + omitted - shown);
    }
    text
}
