//! Each line to those who want it. A line that no format could care about costs its part of a search for words
//! (`prefilter`); the others are cleaned, their prefix taken off (`demux`), and shown to the formats that want them, and to
//! those that are inside a block, on the lane of their prefix. Same findings for any cut of the bytes: matchers see whole
//! lines, or each byte of the growing line in order.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::demux::{Demux, MAX_LANES, Split};
use super::format::Format;
use super::left_out::LeftOut;
use super::lines::{MAX_DOCUMENT, MAX_LINE, Partial, clean, cut};
use super::prefilter::{Prefilter, Wanted, prefilter};
use super::problem_matcher::{Custom, Definition};
use super::rows::Rows;
use super::scope::{self, Scope};
use super::table::formats;
use super::{Files, Matcher, Origin};
use crate::problem::{CyclePhase, Finding};

/// The names of the formats that are known, the first to see a line first.
pub fn format_names() -> impl Iterator<Item = &'static str> {
    formats().iter().map(|format| format.name)
}

/// All matching for one run's output.
pub struct Engine {
    scope: Scope,
    prefilter: &'static Prefilter,
    demux: Demux,
    /// One for each prefix; the first is that of lines without one.
    lanes: Vec<Lane>,
    names: HashMap<String, usize>,
    /// Lines whose prefix came after the bound was reached.
    beyond: u64,
    /// Lines of which [`MAX_DOCUMENT`] bytes were read and no more.
    cut: u64,
    /// Some line had a prefix.
    prefixed: bool,
    partial: Partial,
    /// For a program that draws instead of writing lines.
    rows: Option<Rows>,
    /// A matcher of some lane reads every line now.
    wants_all: bool,
    /// What a person defined; each lane has its own machines of them.
    custom: Vec<Definition>,
}

/// The line machines of one program among those that write into the output.
struct Lane {
    /// What a person defined; they read every line.
    custom: Vec<Slot>,
    /// By their places in the table; `None` where the command has no use for a format.
    known: Vec<Option<Slot>>,
    /// Those that read every line now.
    open: Wanted,
    /// The first that reads letters now.
    letters: Option<usize>,
    /// Lines, no documents, of which [`MAX_LINE`] bytes were read and no more, though a format wanted them.
    long: u64,
    scope: scope::Lane,
}

/// A matcher, and how it reads, as it said after the last line that it saw.
struct Slot {
    /// Every line.
    open: bool,
    letters: bool,
    matcher: Box<dyn Matcher>,
}

impl Slot {
    fn new(matcher: Box<dyn Matcher>) -> Self {
        Self { open: matcher.wants_all(), letters: matcher.reads_letters(), matcher }
    }

    /// Shows it a line, or that somebody else has it.
    fn line(&mut self, line: &mut Line<'_>, scope: &mut Scope) {
        if !line.claimed {
            self.matcher.line(if self.matcher.reads_documents() { line.document } else { line.text }, scope);
            line.claimed = scope.take_claim();
        } else if self.open {
            self.matcher.interrupted(scope);
        } else {
            return;
        }
        (self.open, self.letters) = (self.matcher.wants_all(), self.matcher.reads_letters());
    }
}

/// A line without colours on its way along the matchers.
struct Line<'l> {
    /// Cut at [`MAX_LINE`].
    text: &'l str,
    /// The whole of it, for those who read documents.
    document: &'l str,
    /// Somebody keeps it from those behind.
    claimed: bool,
}

/// As much of a line as those are shown who read no documents.
fn first_of(document: &str) -> &str {
    &document[..document.floor_char_boundary(MAX_LINE)]
}

impl Lane {
    fn new(scope: &Scope, lane: scope::Lane, custom: &[Definition]) -> Self {
        let mut lane = Self {
            custom: Vec::new(),
            known: Vec::new(),
            open: Wanted::default(),
            letters: None,
            long: 0,
            scope: lane,
        };
        lane.renew(scope, custom);
        lane
    }

    /// Fresh machines.
    fn renew(&mut self, scope: &Scope, custom: &[Definition]) {
        self.custom = custom.iter().map(|it| Slot::new(Box::new(Custom::new(it.clone())))).collect();
        let slot = |format: &&Format| (format.gate)(&scope.command).then(|| Slot::new((format.new)(scope)));
        self.known = formats().iter().map(slot).collect();
        for (number, slot) in self.known.iter().enumerate() {
            self.open.set(number, slot.as_ref().is_some_and(|slot| slot.open));
        }
        self.look_for_letters();
    }

    /// The programs of this lane are started again, or have ended: what their machines were at is over.
    fn turn(&mut self, phase: CyclePhase, scope: &mut Scope, custom: &[Definition]) {
        self.end(scope);
        scope.turned(phase);
        self.renew(scope, custom);
    }

    fn end(&mut self, scope: &mut Scope) {
        for slot in self.custom.iter_mut().chain(self.known.iter_mut().flatten()) {
            slot.matcher.end(scope);
        }
    }

    fn wants_all(&self) -> bool {
        !self.custom.is_empty() || !self.open.is_empty()
    }

    fn look_for_letters(&mut self) {
        self.letters = self.known.iter().position(|slot| slot.as_ref().is_some_and(|slot| slot.letters));
    }

    /// Shows a line without colours to those who want it, and to those who read every line, the first of the table first,
    /// until one claims it.
    fn line(&mut self, text: &str, wanted: Wanted, scope: &mut Scope) {
        let mut line = Line { text: first_of(text), document: text, claimed: false };
        let mut letters = false;
        for slot in &mut self.custom {
            slot.line(&mut line, scope);
        }
        for number in wanted.or(self.open).iter() {
            if let Some(slot) = &mut self.known[number] {
                let before = slot.letters;
                slot.line(&mut line, scope);
                self.open.set(number, slot.open);
                letters |= before != slot.letters;
            }
        }
        if letters {
            self.look_for_letters();
        }
    }

    /// Shows a growing line to the runner that reads letters now: to one only, so that how often it is shown makes no
    /// difference to the order of what is found.
    fn grow(&mut self, head: &[u8], scope: &mut Scope) {
        if let Some(slot) = self.letters.and_then(|at| self.known[at].as_mut()) {
            slot.matcher.growing(head, scope);
        }
    }
}

impl Engine {
    /// An engine for the output of one run.
    pub fn new(origin: Origin, files: Arc<dyn Files>) -> Self {
        let mut scope = Scope::new(&origin, files);
        let mut lanes = Vec::new();
        if !scope.command.only_lists() {
            let lane = scope.new_lane(0, None);
            lanes.push(Lane::new(&scope, lane, &[]));
        }
        Self {
            prefilter: prefilter(),
            demux: Demux::new(&scope.command),
            rows: scope.command.mentions("nextest").then(Rows::default),
            wants_all: lanes.iter().any(Lane::wants_all),
            scope,
            lanes,
            names: HashMap::new(),
            beyond: 0,
            cut: 0,
            prefixed: false,
            partial: Partial::default(),
            custom: Vec::new(),
        }
    }

    /// Matchers that a person defined, before the first bytes: they see each line first.
    pub fn define(&mut self, matchers: impl IntoIterator<Item = Definition>) {
        self.custom.extend(matchers);
        if !self.lanes.is_empty() {
            let lane = self.scope.new_lane(0, None);
            self.lanes[0] = Lane::new(&self.scope, lane, &self.custom);
            self.wants_all = self.lanes[0].wants_all();
        }
    }

    /// Folders inside of containers and what they are outside, as the person says: they go before what is guessed.
    pub fn map_paths<'m>(&mut self, maps: impl IntoIterator<Item = (&'m str, &'m Path)>) {
        for (inside, outside) in maps {
            self.scope.command.containers.map(inside, outside.to_owned(), None);
        }
    }

    /// What was left out so far, each kind at most once.
    pub fn left_out(&self) -> Vec<LeftOut> {
        LeftOut::only([
            LeftOut::Problems(self.scope.left_out() + self.lanes.iter().map(|lane| lane.scope.left_out()).sum::<u64>()),
            LeftOut::Documents(self.cut),
            LeftOut::Lines(self.lanes.iter().map(|lane| lane.long).sum()),
            LeftOut::Prefixes(self.beyond),
        ])
    }

    /// Takes the next bytes of the output, cut anywhere, and appends what they show.
    pub fn push(&mut self, bytes: &[u8], findings: &mut Vec<Finding>) {
        if self.lanes.is_empty() {
            return;
        }
        self.scope.forget_sources();
        match &mut self.rows {
            Some(rows) => {
                let mut lines = Vec::new();
                rows.push(bytes, &mut lines);
                self.take(&lines);
            }
            None => self.take(bytes),
        }
        findings.append(&mut self.scope.out);
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if !self.partial.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            let demux = self.demux;
            self.partial.extend(&rest[..end.unwrap_or(rest.len())], |line| behind(demux, line));
            match end {
                Some(end) => {
                    self.end_partial();
                    rest = &rest[end + 1..];
                }
                None => rest = &[],
            }
        }
        let whole = memchr::memrchr(b'\n', rest).map_or(0, |end| end + 1);
        self.scan(&rest[..whole]);
        let demux = self.demux;
        self.partial.extend(&rest[whole..], |line| behind(demux, line));
        if self.lanes[0].wants_all()
            && !self.partial.is_empty()
            && matches!(self.split(self.partial.head(), false), Split::Plain(0))
        {
            self.lanes[0].grow(self.partial.head(), &mut self.scope);
        }
    }

    /// The output is over: appends what only its end shows.
    pub fn finish(&mut self, findings: &mut Vec<Finding>) {
        if let Some(mut rows) = self.rows.take() {
            let mut lines = Vec::new();
            rows.finish(&mut lines);
            if !self.lanes.is_empty() {
                self.take(&lines);
            }
        }
        if !self.partial.is_empty() {
            self.end_partial();
        }
        for lane in &mut self.lanes {
            self.scope.swap(&mut lane.scope);
            lane.end(&mut self.scope);
            self.scope.swap(&mut lane.scope);
        }
        findings.append(&mut self.scope.out);
        findings.extend(self.left_out().iter().map(|it| Finding::LeftOut(it.to_string())));
    }

    fn end_partial(&mut self) {
        let mut partial = std::mem::take(&mut self.partial);
        self.consider(partial.head(), partial.shown(), None);
        partial.clear();
        self.partial = partial;
    }

    /// Whole lines, each with its end.
    fn scan(&mut self, lines: &[u8]) {
        let mut at = 0;
        let (mut word, mut special) = (0, 0);
        let mut known = false;
        while at < lines.len() {
            let end = memchr::memchr(b'\n', &lines[at..]).map_or(lines.len(), |end| at + end);
            let line = &lines[at..end];
            if !known || word < at {
                word = self.prefilter.next_word(lines, at).unwrap_or(lines.len());
            }
            if !known || special < at {
                special = memchr::memchr3(0x1b, b'\r', 0x08, &lines[at..]).map_or(lines.len(), |found| at + found);
            }
            known = true;
            let candidate = self.wants_all || word < end || special < end || self.prefilter.may_start(line);
            if candidate || self.demux.may(line) && self.has_text(line) {
                let demux = self.demux;
                let (head, shown) = cut(line, |line| behind(demux, line));
                // What is left of a line with colours, or of one that is cut, is not known yet.
                let has_word = (special >= end && line.len() <= MAX_LINE).then_some(word < end);
                self.consider(head, shown, has_word);
            }
            at = end + 1;
        }
    }

    /// True when what stands behind a line's prefix may be wanted.
    fn has_text(&self, line: &[u8]) -> bool {
        match self.split(line, true) {
            Split::Plain(at) | Split::Named(_, at) => at > 0 && self.prefilter.may_start(&line[at..]),
            Split::Undecided => false,
        }
    }

    /// Splits a line as far as what is being read allows it: inside of a test run a prefix is text of the test.
    fn split(&self, line: &[u8], complete: bool) -> Split {
        if !self.prefixed && self.lanes[0].wants_all() && !self.demux.expects() {
            return Split::Plain(0);
        }
        self.demux.split(line, complete)
    }

    /// One whole line without its end: its first bytes, what is shown of it, and whether it has a word of the prefilter,
    /// where that is known.
    fn consider(&mut self, head: &[u8], shown: &[u8], has_word: Option<bool>) {
        let (name, at) = match self.split(head, true) {
            Split::Named(name, at) => (Some(name), at),
            Split::Plain(at) => (None, at),
            Split::Undecided => (None, 0),
        };
        // The word may be one of the prefix.
        let has_word = has_word.filter(|has| !has || at == 0);
        // What overwrote the line overwrote its prefix too.
        let mut text = clean(shown.strip_prefix(&head[..at]).unwrap_or(shown));
        let mut wanted = self.prefilter.wanted(first_of(&text).as_bytes(), has_word);
        // Whether such a line comes here at all depends on how the bytes were cut: it must change nothing.
        if wanted.is_empty() && !self.wants_all {
            return;
        }
        self.prefixed |= at > 0;
        self.cut += u64::from(shown.len() == MAX_DOCUMENT);
        let (lane, at) = match name.map(|name| self.lane(name)) {
            Some(Some(lane)) => (lane, at),
            Some(None) => {
                text = clean(shown);
                wanted = self.prefilter.wanted(first_of(&text).as_bytes(), None);
                (0, 0)
            }
            None => (0, at),
        };
        let lane = &mut self.lanes[lane];
        self.scope.swap(&mut lane.scope);
        if at == 0 {
            lane.grow(head, &mut self.scope);
        }
        lane.long += u64::from(shown.len() == MAX_LINE && !wanted.is_empty());
        lane.line(&text, wanted, &mut self.scope);
        if let Some(phase) = self.scope.take_turn() {
            lane.turn(phase, &mut self.scope, &self.custom);
            if phase != CyclePhase::Ends {
                // It may be a runner's first line too.
                lane.line(&text, wanted, &mut self.scope);
                self.scope.take_turn();
            }
        }
        self.scope.swap(&mut lane.scope);
        self.wants_all = self.lanes.iter().any(Lane::wants_all);
    }

    /// The lane of a prefix; `None` when there are too many.
    fn lane(&mut self, name: String) -> Option<usize> {
        if let Some(&known) = self.names.get(&name) {
            return Some(known);
        }
        if self.lanes.len() > MAX_LANES {
            self.beyond += 1;
            return None;
        }
        let number = self.lanes.len();
        let scope = self.scope.named_lane(number, &name);
        self.lanes.push(Lane::new(&self.scope, scope, &self.custom));
        self.names.insert(name, number);
        Some(number)
    }
}

/// Where a line's own text begins, behind its prefix.
fn behind(demux: Demux, line: &[u8]) -> usize {
    match demux.split(line, true) {
        Split::Named(_, at) | Split::Plain(at) => at,
        Split::Undecided => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::tree::Tree;

    #[test]
    fn moves_between_threads() {
        fn sends<T: Send>() {}
        sends::<Engine>();
    }

    #[test]
    fn what_is_cut_is_counted_behind_prefixes_too() {
        let json = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes));
        let text = |bytes: usize| format!("error: {}", "x".repeat(bytes));
        for (line, left_out) in [
            (format!("[web] {}\n", json(100_000)), None),
            (format!("web-1  | {}\n", json(100_000)), None),
            (format!("web-1  | {}\n", json(MAX_DOCUMENT)), Some(LeftOut::Documents(1))),
            (format!("{}\n", json(100_000)), None),
            (format!("[web] {}\n", text(100_000)), Some(LeftOut::Lines(1))),
            (format!("web-1  | {}\n", text(100_000)), Some(LeftOut::Lines(1))),
            (format!("{}\n", text(1_000)), None),
        ] {
            for piece in [1 << 12, usize::MAX >> 1] {
                let origin = Origin { command: "docker compose up".into(), cwd: "/w".into(), root: "/w".into() };
                let mut engine = Engine::new(origin, Arc::new(Tree(&[])));
                let mut findings = Vec::new();
                line.as_bytes().chunks(piece).for_each(|piece| engine.push(piece, &mut findings));
                engine.finish(&mut findings);
                assert_eq!(engine.left_out(), Vec::from_iter(left_out), "{}", &line[..20]);
            }
        }
    }
}
