//! What all matchers of one output share: where paths start, what was said already, the counts of all runners. Everything
//! that a matcher finds passes here, so that one fact is said once.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::command::Command;
use super::once::Once;
use super::place::{Column, Paths};
use super::{Files, Origin};
use crate::problem::{Counts, CyclePhase, Finding, Place, Problem, Related, Severity, TestResult, Watcher};
use crate::workspace::roots::normal;

/// Characters of a problem's one-line message.
const MAX_MESSAGE: usize = 400;
/// Bytes of a problem's whole text.
const MAX_DETAIL: usize = 8 * 1024;

/// A test runner, by its name: the counts of different ones are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Runner(pub(super) &'static str);

impl Runner {
    pub(super) const LIBTEST: Self = Self("libtest");
    pub(super) const PYTEST: Self = Self("pytest");
    pub(super) const UNITTEST: Self = Self("unittest");
    pub(super) const NODE: Self = Self("node:test");
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    counts: Counts,
    total: u32,
}

/// What the matchers of one lane share: an interleaved program has folders, tests and blocks of its own.
#[derive(Debug, Default)]
pub(super) struct Lane {
    number: usize,
    /// The compose service that writes it.
    service: Option<String>,
    /// Folders that the output itself named, the newest first; after them come the command's.
    entered: Vec<PathBuf>,
    /// Folders that the command names, the most specific first.
    folders: Vec<PathBuf>,
    /// Roots of cargo workspaces and packages.
    cargo: Vec<PathBuf>,
    /// Tests with a detailed problem.
    detailed: HashSet<String>,
    /// Tests with a provisional problem.
    provisional: HashSet<String>,
    test: Option<String>,
    inside: Option<Runner>,
    crashed: bool,
    /// What a watching program has told since its last cycle began or ended; before the first one the scope knows it.
    cycle: Option<Once>,
}

impl Lane {
    /// Problems of its cycles that were one too many.
    pub(super) fn left_out(&self) -> u64 {
        self.cycle.as_ref().map_or(0, Once::left_out)
    }
}

/// Shared by the matchers of one output.
pub(super) struct Scope {
    pub(super) command: Command,
    pub(super) files: Arc<dyn Files>,
    pub(super) root: PathBuf,
    paths: Paths,
    /// Of the lane whose line is read.
    lane: Lane,
    tallies: BTreeMap<(usize, Runner), Tally>,
    once: Once,
    claimed: bool,
    /// The lane whose findings came last.
    told: usize,
    /// A cycle of all that the lane writes begins or ends with this line.
    turning: Option<CyclePhase>,
    /// The test whose own output is being read: a compiler's error in it belongs to that test.
    pub(super) test: Option<String>,
    /// The runner whose tests' output is being read: what looks like a compiler's line there is only text.
    pub(super) inside: Option<Runner>,
    /// Node died of an error that was told: the test file that it ran has failed of it.
    pub(super) crashed: bool,
    pub(super) out: Vec<Finding>,
}

impl Scope {
    pub(super) fn new(origin: &Origin, files: Arc<dyn Files>) -> Self {
        let command = Command::read(&origin.command, &origin.cwd, &origin.root, &*files);
        let mut scope = Self {
            paths: Paths::new(files.clone(), &origin.root),
            root: normal(&origin.root),
            files,
            lane: Lane::default(),
            tallies: BTreeMap::new(),
            once: Once::default(),
            claimed: false,
            told: 0,
            turning: None,
            test: None,
            inside: None,
            crashed: false,
            out: Vec::new(),
            command,
        };
        scope.lane = scope.new_lane(0, None);
        scope
    }

    // Lanes.

    /// What a new lane starts with. `base` is the folder of the package that its prefix names.
    pub(super) fn new_lane(&mut self, number: usize, base: Option<PathBuf>) -> Lane {
        let folders: Vec<PathBuf> = base.into_iter().chain(self.command.folders.iter().cloned()).collect();
        let before = std::mem::replace(&mut self.lane, Lane { number, folders: folders.clone(), ..Lane::default() });
        for folder in &folders {
            self.add_cargo_folder(folder);
        }
        std::mem::replace(&mut self.lane, before)
    }

    /// A lane for what a prefix names: a compose service (`web-1`), a package (`packages/a test`, `@scope/pkg:test`).
    pub(super) fn named_lane(&mut self, number: usize, prefix: &str) -> Lane {
        let here = self.command.folders.last().unwrap_or(&self.root).clone();
        self.command.containers.find_compose(&*self.files, &here, &self.root);
        let service = prefix.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '_', '.']);
        let containers = &self.command.containers;
        let known = |name: &str| containers.maps.iter().any(|map| map.service.as_deref() == Some(name));
        let Some(service) = [prefix, service].into_iter().find(|name| known(name)).map(str::to_owned) else {
            let base = self.folder_of(prefix);
            return self.new_lane(number, base);
        };
        let working = containers.working.iter().find(|(name, _)| *name == service).map(|(_, folder)| folder.clone());
        let base = working.and_then(|folder| containers.outside(&folder, Some(&service)));
        let mounted = containers.maps.iter().find(|map| map.service.as_ref() == Some(&service));
        let base = base.or_else(|| mounted.map(|map| map.outside.clone()));
        self.command.containers.inside = true;
        Lane { service: Some(service), ..self.new_lane(number, base) }
    }

    /// The folder of a package by its path or its name.
    pub(super) fn folder_of(&self, prefix: &str) -> Option<PathBuf> {
        let name = prefix.split([' ', '#', ':']).next().filter(|name| !name.is_empty() && name.len() < 200)?;
        let start = self.command.folders.first().unwrap_or(&self.root);
        let folder = normal(&start.join(name));
        if self.files.is_file(&folder.join("package.json")) {
            return Some(folder);
        }
        let manifests = self.files.with_extension("json").into_iter();
        let own = |path: &PathBuf| {
            path.ends_with("package.json") && !path.components().any(|part| part.as_os_str() == "node_modules")
        };
        let named = |path: &PathBuf| {
            let text = self.files.read(path)?;
            let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
            (manifest.get("name")?.as_str()? == name).then_some(())
        };
        manifests
            .filter(own)
            .take(200)
            .find(|path| named(path).is_some())
            .map(|path| path.with_file_name(""))
            .map(|folder| normal(&folder))
    }

    /// Makes `lane` the one whose line is read; called again it is put back.
    pub(super) fn swap(&mut self, lane: &mut Lane) {
        self.lane.test = self.test.take();
        self.lane.inside = self.inside.take();
        self.lane.crashed = self.crashed;
        std::mem::swap(&mut self.lane, lane);
        (self.test, self.inside, self.crashed) = (self.lane.test.take(), self.lane.inside.take(), self.lane.crashed);
    }

    /// This line is the calling matcher's: those behind it do not see it.
    pub(super) fn claim(&mut self) {
        self.claimed = true;
    }

    /// True once when the line was claimed.
    pub(super) fn take_claim(&mut self) -> bool {
        std::mem::take(&mut self.claimed)
    }

    // Places.

    /// The workspace's own file that a printed path means.
    pub(super) fn own(&mut self, printed: &str) -> Option<PathBuf> {
        let bases = self.lane.entered.iter().chain(&self.lane.folders).map(PathBuf::as_path);
        let containers = &self.command.containers;
        self.paths.own(printed, bases.chain([self.root.as_path()]), containers, self.lane.service.as_deref())
    }

    /// The same for a path that cargo, rustc or a Rust program prints: relative to the root of the cargo workspace.
    pub(super) fn own_rust(&mut self, printed: &str) -> Option<PathBuf> {
        let bases = self.lane.cargo.iter().chain(&self.lane.folders).map(PathBuf::as_path);
        let containers = &self.command.containers;
        self.paths.own(printed, bases.chain([self.root.as_path()]), containers, self.lane.service.as_deref())
    }

    /// A place in one of the workspace's own files.
    pub(super) fn at(&self, file: PathBuf, line: u32, column: Option<Column>, end: Option<Column>) -> Place {
        self.paths.at(file, Some(line), column, end)
    }

    /// A place that is a file alone.
    pub(super) fn whole(&self, file: PathBuf) -> Place {
        self.paths.at(file, None, None, None)
    }

    /// A line of a file by its number, from 1, without its end; empty where there is none.
    pub(super) fn source_line(&self, file: &Path, line: u32) -> String {
        self.paths.source_line(file, line)
    }

    /// How many lines a file has; 0 for one that cannot be read.
    pub(super) fn line_count(&self, file: &Path) -> usize {
        self.paths.line_count(file)
    }

    /// More output came: sources may have changed meanwhile.
    pub(super) fn forget_sources(&mut self) {
        self.paths.forget_sources();
    }

    /// A path as a person writes it: relative to the folder in which the command runs, else to the root.
    pub(super) fn relative(&self, path: &Path) -> String {
        let bases = self.lane.entered.iter().chain(&self.lane.folders).map(PathBuf::as_path);
        let short = bases.chain([self.root.as_path()]).find_map(|base| path.strip_prefix(base).ok());
        short.unwrap_or(path).to_string_lossy().into_owned()
    }

    /// The output named a folder in which paths start from now on.
    pub(super) fn enter(&mut self, folder: &Path) {
        let folder = normal(&self.lane.folders.last().unwrap_or(&self.root).join(folder));
        if self.lane.entered.len() < 100 {
            self.lane.entered.insert(0, folder);
        }
    }

    /// The output named the root of what runs: where it is below the command's folder paths start there, else it is one
    /// more folder to try.
    pub(super) fn rooted(&mut self, folder: &Path) {
        if self.lane.folders.iter().any(|known| folder != known && folder.starts_with(known)) {
            self.enter(folder);
        } else if !self.lane.folders.iter().any(|known| folder == known) && self.lane.folders.len() < 100 {
            self.lane.folders.push(normal(folder));
        }
    }

    /// The output left a folder.
    pub(super) fn leave(&mut self, folder: &Path) {
        if let Some(at) = self.lane.entered.iter().position(|entered| entered == folder) {
            self.lane.entered.remove(at);
        }
    }

    /// A folder in which cargo works: its package's root and its workspace's root are where printed paths start.
    pub(super) fn add_cargo_folder(&mut self, folder: &Path) {
        let mut package = None;
        let mut workspace = None;
        for folder in folder.ancestors() {
            if let Some(manifest) = self.files.read(&folder.join("Cargo.toml")) {
                package.get_or_insert_with(|| folder.to_owned());
                if manifest.lines().any(|line| line.trim_start().starts_with("[workspace")) {
                    workspace = Some(folder.to_owned());
                    break;
                }
            }
        }
        for root in workspace.into_iter().chain(package) {
            if !self.lane.cargo.contains(&root) && self.lane.cargo.len() < 100 {
                self.lane.cargo.push(root);
            }
        }
    }

    // What is told on.

    /// Tells a problem, once.
    pub(super) fn problem(&mut self, mut problem: Problem) {
        cut(&mut problem.message, MAX_MESSAGE);
        if let Some(detail) = &mut problem.detail {
            cut(detail, MAX_DETAIL);
            if *detail == problem.message {
                problem.detail = None;
            }
        }
        if let Some(test) = &problem.test
            && problem.provisional
            && (self.lane.detailed.contains(test) || self.lane.provisional.contains(test))
        {
            return;
        }
        let replaces = problem.test.as_ref().is_some_and(|test| {
            !problem.provisional && self.lane.provisional.contains(test) && !self.lane.detailed.contains(test)
        });
        // What a cycle finds again is said again.
        if !self.lane.cycle.as_mut().unwrap_or(&mut self.once).admits(&problem, replaces) {
            return;
        }
        if let Some(test) = &problem.test {
            if problem.provisional {
                self.lane.provisional.insert(test.clone());
            } else {
                self.lane.detailed.insert(test.clone());
            }
        }
        self.tell(Finding::Problem(problem));
    }

    /// True when a problem with details of this test was told.
    pub(super) fn is_detailed(&self, test: &str) -> bool {
        self.lane.detailed.contains(test)
    }

    /// A new start of the same runner may fail the same tests again, with other details.
    pub(super) fn forget_test(&mut self, test: &str) {
        self.lane.detailed.remove(test);
        self.lane.provisional.remove(test);
    }

    /// Problems of lines without a cycle that were one too many.
    pub(super) fn left_out(&self) -> u64 {
        self.once.left_out()
    }

    pub(super) fn test_result(&mut self, result: TestResult) {
        self.tell(Finding::Test(result));
    }

    /// Tells something that belongs to a lane.
    fn tell(&mut self, finding: Finding) {
        if self.told != self.lane.number {
            self.told = self.lane.number;
            self.out.push(Finding::Lane(u16::try_from(self.told).unwrap_or(u16::MAX)));
        }
        self.out.push(finding);
    }

    // Cycles of watching programs.

    /// A tool that watches files by itself begins or ends a cycle: what it says from here on may be what it said before.
    pub(super) fn cycle(&mut self, phase: CyclePhase, watcher: Watcher) {
        self.lane.cycle.get_or_insert_default().begin();
        self.lane.detailed.clear();
        self.lane.provisional.clear();
        self.tell(Finding::Cycle(phase, watcher));
    }

    /// A program that starts others anew begins or ends a cycle with this line; the engine tells it once all have seen the
    /// line.
    pub(super) fn turn(&mut self, phase: CyclePhase) {
        self.turning = Some(phase);
    }

    /// The cycle that the line begins or ends.
    pub(super) fn take_turn(&mut self) -> Option<CyclePhase> {
        self.turning.take()
    }

    /// What the lane's programs were at is over: tells the cycle.
    pub(super) fn turned(&mut self, phase: CyclePhase) {
        (self.test, self.inside, self.crashed) = (None, None, false);
        self.cycle(phase, Watcher::Everything);
        let lane = self.lane.number;
        let before = self.tallies.len();
        if phase != CyclePhase::Ends {
            self.tallies.retain(|(of, _), _| *of != lane);
        }
        if self.tallies.len() != before {
            self.tell_counts();
            self.tell_total();
        }
    }

    /// The counts of one runner so far.
    pub(super) fn counts(&mut self, runner: Runner, counts: Counts) {
        let tally = self.tallies.entry((self.lane.number, runner)).or_default();
        if tally.counts == counts {
            return;
        }
        tally.counts = counts;
        self.tell_counts();
    }

    fn tell_counts(&mut self) {
        let mut sum = Counts::default();
        for tally in self.tallies.values() {
            sum.passed += tally.counts.passed;
            sum.failed += tally.counts.failed;
            sum.skipped += tally.counts.skipped;
        }
        self.out.push(Finding::Counts(sum));
    }

    /// What the runners of this lane counted so far.
    pub(super) fn counted(&self) -> impl Iterator<Item = (Runner, Counts)> {
        let own =
            self.tallies.iter().filter(|((lane, _), tally)| *lane == self.lane.number && tally.counts.total() > 0);
        own.map(|((_, runner), tally)| (*runner, tally.counts))
    }

    /// How many more tests a runner said that it will run.
    pub(super) fn more(&mut self, runner: Runner, tests: u32) {
        let tally = self.tallies.entry((self.lane.number, runner)).or_default();
        tally.total = tally.total.saturating_add(tests);
        self.tell_total();
    }

    fn tell_total(&mut self) {
        let total = self.tallies.values().map(|tally| tally.total).sum();
        self.out.push(Finding::Total(total));
    }

    pub(super) fn progress(&mut self, text: &str) {
        self.out.push(Finding::Progress(text.trim().to_owned()));
    }

    pub(super) fn summary(&mut self, text: &str) {
        self.out.push(Finding::Summary(text.trim().to_owned()));
    }
}

/// A problem with the usual fields; the rest is filled in by its matcher.
pub(super) fn problem(tool: &str, severity: Severity, place: Place, message: impl Into<String>) -> Problem {
    Problem {
        place,
        severity,
        message: message.into(),
        detail: None,
        code: None,
        tool: tool.to_owned(),
        test: None,
        related: Vec::new(),
        provisional: false,
        applies: Default::default(),
    }
}

/// Another place with what happened there.
pub(super) fn related(place: Place, message: impl Into<String>) -> Related {
    Related { place, message: message.into() }
}

/// Cuts a text at a character boundary and says so.
fn cut(text: &mut String, max: usize) {
    if text.len() > max {
        let at = (0..=max).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(at);
        text.push('…');
    }
}

/// Adds a line to a text that is kept for details, up to a bound.
pub(super) fn keep(text: &mut String, line: &str) {
    if text.len() < MAX_DETAIL {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line);
    }
}
