//! Programs that start others again when files change, and bundlers that watch: the lines with which a cycle begins and ends.
//! What was found before it is replaced by what it finds. Runners and compilers that watch by themselves (tsc, vitest, jest)
//! tell their cycles in their own files.

use std::sync::LazyLock;

use regex::Regex;

use crate::matcher::Matcher;
use crate::matcher::command::Command;
use crate::matcher::format::{Format, Inside, Rank, always};
use crate::matcher::scope::Scope;
use crate::problem::CyclePhase::{self, Begins, Ends, Restarts};

pub(super) const FORMAT: Format = Format {
    name: "watchers",
    rank: Rank::Structured,
    gate: always,
    starts: &[
        r"\[nodemon\] (?:starting|restarting|app crashed|clean exit)",
        r"\[(?:Running|Finished running|Command)[ :.]",
        r"\[watch\] build ",
        "(?:Restarting|Completed running|Failed running) '",
        "(?:build started|built in [0-9]|bundles [^ ]+ )",
        "webpack [0-9][^ ]* compiled ",
        "Change detected, executing build",
        "Waiting for changes to input files",
        "={3,}.*(?:test session starts| in [0-9.]+s)",
        "dotnet watch ",
    ],
    inside: &[
        Inside { words: &["[mocha] waiting for changes"], text: "" },
        Inside { words: &["] waiting for changes..."], text: "" },
        Inside { words: &["[tsx] "], text: r"\[tsx\] .*(?:Rerunning|Restarting)\.\.\." },
        Inside { words: &["[vite] "], text: r"\[vite\].* (?:hmr update|page reload) " },
    ],
    new: |scope| Box::new(Watchers::new(&scope.command)),
};

/// A line of a watching program, over the text without what indents it, and whether the command has to say that it watches:
/// other programs write the same once.
struct Mark {
    line: &'static str,
    phase: CyclePhase,
    gate: fn(&Command) -> bool,
}

const fn mark(line: &'static str, phase: CyclePhase) -> Mark {
    Mark { line, phase, gate: always }
}

const MARKS: &[Mark] = &[
    mark(r"^\[nodemon\] (?:re)?starting ", Restarts),
    mark(r"^\[nodemon\] (?:app crashed|clean exit)", Ends),
    // cargo watch.
    mark(r"^\[Running '.*'\]$", Begins),
    mark(r"^\[Finished running\. Exit status: .*\]$", Ends),
    // watchexec.
    mark(r"^\[Running: .*\]$", Begins),
    mark(
        r"^\[Command (?:was successful|exited with \d+|(?:killed|stopped) by \S+|ended by exception|timed out after).*\]$",
        Ends,
    ),
    // dotnet watch, as its sources have it. `Exited` comes before that it waits: two ends in a row would be two cycles.
    mark(r"^dotnet watch \S+ (?:\[[^\]]*\] )?Files? (?:changed|updated|added|deleted): ", Restarts),
    mark(
        concat!(
            r"^dotnet watch \S+ (?:\[[^\]]*\] )?(?:Waiting for a file to change |Fix the error to continue |",
            r"Hot reload (?:of changes )?succeeded|C# and Razor changes applied |No (?:C#|managed code) changes to apply|",
            r"Unable to apply changes due to compilation errors)"
        ),
        Ends,
    ),
    // esbuild.
    mark(r"^\[watch\] build started", Begins),
    mark(r"^\[watch\] build finished", Ends),
    // node --watch.
    Mark { line: r"^Restarting '.*'$", phase: Restarts, gate: watches },
    Mark { line: r"^(?:Completed|Failed) running '.*'$", phase: Ends, gate: watches },
    // tsx watch.
    mark(r"\[tsx\] .*(?:Rerunning|Restarting)\.\.\.$", Restarts),
    // vite build --watch, which says nothing behind a build that failed.
    Mark { line: r"^build started\.\.\.$", phase: Restarts, gate: watches },
    Mark { line: r"^(?:✓ )?built in \d", phase: Ends, gate: watches },
    // rollup --watch: `created …` comes behind a good build alone.
    Mark { line: r"^bundles \S+ (?:→|->) ", phase: Begins, gate: watches },
    Mark { line: r"^\[[-\d]+ [:\d]+\] waiting for changes\.\.\.$", phase: Ends, gate: watches },
    mark(r"\[vite\].* (?:hmr update|page reload) ", Restarts),
    // webpack tells nothing but the end.
    Mark { line: r"^webpack \d\S* compiled ", phase: Ends, gate: bundles_again },
    mark(r"\[mocha\] waiting for changes", Ends),
    // gradle --continuous.
    mark(r"^Change detected, executing build", Begins),
    mark(r"^Waiting for changes to input files", Ends),
    // pytest-watch and pytest-watcher.
    Mark { line: "^=+ test session starts =+$", phase: Begins, gate: tests_again },
    Mark { line: r"^=+ .* in [\d.]+s(?: \(.*\))? =+$", phase: Ends, gate: tests_again },
];

/// Whether the command says that it watches.
pub(super) fn watches(command: &Command) -> bool {
    command
        .words()
        .iter()
        .any(|word| matches!(word.as_str(), "--watch" | "-w" | "watch") || word.starts_with("--watch"))
}

fn bundles_again(command: &Command) -> bool {
    watches(command) || ["serve", "server", "webpack-dev-server"].iter().any(|word| command.mentions(word))
}

fn tests_again(command: &Command) -> bool {
    ["ptw", "pytest-watch", "pytest-watcher", "pytest_watcher", "pytest_watch"]
        .iter()
        .any(|word| command.mentions(word))
}

/// The marks of [`MARKS`] that count for the command.
struct Watchers {
    marks: Vec<usize>,
    /// For bacon, whose mark begins with the name of its folder: the names that may be it, and every line is looked at.
    bacon: Vec<String>,
}

impl Watchers {
    fn new(command: &Command) -> Self {
        let marks = (0..MARKS.len()).filter(|&at| (MARKS[at].gate)(command)).collect();
        let is_bacon = command.mentions("bacon") && command.words().iter().any(|word| word == "--headless");
        let folders = command.folders.iter().filter(|_| is_bacon).flat_map(|folder| folder.iter());
        Self { marks, bacon: folders.map(|name| name.to_string_lossy().into_owned()).collect() }
    }

    /// True for the line with which a job of bacon ends.
    fn is_bacons(&self, text: &str) -> bool {
        let behind = |name: &String| text.strip_prefix(name.as_str())?.strip_prefix("  ");
        self.bacon.iter().filter_map(behind).any(|text| badges().is_match(text))
    }
}

// bacon without its screen passes on what its job writes, and says at the end of each in which folder it was, which one, and
// what came of it, each between spaces: ` shop  clippy   2 errors    1 warning  `.
expression!(badges, r"^\S+(?: \(scoped\))?(?: +(?:\d+ (?:error|warning|fail)s?|pass!|Command error code: -?\d+))*$");

fn expressions() -> &'static [Regex] {
    static EXPRESSIONS: LazyLock<Vec<Regex>> =
        LazyLock::new(|| MARKS.iter().map(|it| Regex::new(it.line).expect("the expression is valid")).collect());
    &EXPRESSIONS
}

impl Matcher for Watchers {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        let text = line.trim();
        if self.is_bacons(text) {
            return scope.turn(Ends);
        }
        if let Some(&at) = self.marks.iter().find(|&&at| expressions()[at].is_match(text)) {
            scope.turn(MARKS[at].phase);
        }
    }

    fn wants_all(&self) -> bool {
        !self.bacon.is_empty()
    }
}
