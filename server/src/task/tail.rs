//! Reads a run's output as it grows, through the matchers. Looks when told to; does not know when. Memory stays flat
//! however much there is: one chunk at a time, kept no longer than the look.
//!
//! A command can cut its own file (`> /dev/stderr`). The tail notices, keeps counting and reads on: `seen` never goes
//! back, and what the matchers have found stays. Where the file begins among all bytes is written down for its other
//! readers (`kept`).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::kept::Kept;
use super::listen::Listener;
use super::model::Progress;
use super::output::{self, Lines};
use super::slice::read_at;
use crate::matcher::Engine;
use crate::problem::Finding;

/// Bytes of one read.
const CHUNK: usize = 256 << 10;
/// Bytes of one look; then others get their turn.
const LOOK: usize = 1 << 20;
/// Bytes before the position that must still be the same.
const MEMORY: usize = 64;
/// Bytes from which the tail of an end is made.
const TAIL_BYTES: u64 = 64 << 10;

/// What a look brought.
#[derive(Debug, Default)]
pub struct Look {
    pub findings: Vec<Finding>,
    /// Something was read.
    pub grew: bool,
    /// There is more to read.
    pub more: bool,
}

/// One run's output.
pub struct Tail {
    file: File,
    path: PathBuf,
    /// `None` after a matcher broke: the output is read on without.
    engine: Option<Engine>,
    /// Whoever wants to hear of lines while the run lives.
    pub listener: Option<Listener>,
    /// Offset in the file.
    position: u64,
    /// The file's time at the last look: a file that was cut and written again may have its old size.
    modified: Option<SystemTime>,
    /// The last bytes before the position.
    memory: Vec<u8>,
    /// Bytes ever seen.
    pub seen: u64,
    pub lines: Lines,
    /// The command cut its own file.
    pub truncated: bool,
    progress: Progress,
    total: Option<u32>,
}

impl Tail {
    /// A tail from the start of the file. What was cut from it before counts as seen.
    pub fn open(path: &Path, engine: Engine) -> io::Result<Self> {
        let file = File::open(path)?;
        let kept = Kept::of(path);
        Ok(Self {
            file,
            path: path.to_owned(),
            engine: Some(engine),
            listener: None,
            position: 0,
            modified: None,
            memory: Vec::new(),
            seen: kept.from,
            lines: Lines::after(kept.lines),
            truncated: kept.from > 0,
            progress: Progress::default(),
            total: None,
        })
    }

    /// True when there is something to look at. Quick enough for any thread.
    pub fn is_due(&self) -> bool {
        self.file.metadata().is_ok_and(|now| {
            now.len() != self.position || self.modified.is_some_and(|at| now.modified().ok() != Some(at))
        })
    }

    /// Reads what is there, 1 MiB at most. Blocks.
    pub fn look(&mut self) -> Look {
        let mut look = Look::default();
        self.notice_cut();
        let mut chunk = vec![0; usize::try_from(self.left()).map_or(CHUNK, |left| left.clamp(1, CHUNK))];
        let mut left = LOOK;
        while left > 0 {
            match self.file.read_at(&mut chunk, self.position) {
                Ok(0) | Err(_) => return look,
                Ok(count) => {
                    look.grew = true;
                    left = left.saturating_sub(count);
                    self.position += count as u64;
                    self.take(&chunk[..count], &mut look.findings);
                }
            }
        }
        look.more = self.is_due();
        look
    }

    /// The output is over: what only its end shows.
    pub fn finish(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.match_with(&mut findings, Engine::finish);
        self.fold(&findings);
        self.listener.iter_mut().for_each(Listener::finish);
        findings
    }

    /// What the command says of its own progress.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The last lines of the file, for people and models.
    pub fn text(&self) -> String {
        let size = self.file.metadata().map_or(0, |metadata| metadata.len());
        let start = size.saturating_sub(TAIL_BYTES);
        read_at(&self.file, start, TAIL_BYTES).map(|raw| output::tail(&raw, start > 0)).unwrap_or_default()
    }

    /// What [`Tail::seen`] will be when all that is there now is read.
    pub fn rest(&mut self) -> u64 {
        self.notice_cut();
        self.seen + self.left()
    }

    /// Bytes that are there and not read.
    fn left(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len().saturating_sub(self.position))
    }

    /// Starts over when the file is not the one that was read: shorter, or different just before the position.
    fn notice_cut(&mut self) {
        let Ok(metadata) = self.file.metadata() else { return };
        self.modified = metadata.modified().ok();
        let shorter = metadata.len() < self.position;
        let mut now = [0; MEMORY];
        let now = &mut now[..self.memory.len()];
        let before = self.position - self.memory.len() as u64;
        if shorter || self.file.read_exact_at(now, before).is_ok() && *now != self.memory[..] {
            self.truncated = true;
            self.position = 0;
            if self.memory.last().is_some_and(|last| *last != b'\n') {
                self.lines.push(b"\n");
                self.break_line();
            }
            self.memory.clear();
            let kept = Kept { from: self.seen, lines: self.lines.count(), swept: false };
            if let Err(error) = kept.write(&self.path) {
                tracing::warn!(%error, path = %self.path.display(), "where a cut output begins could not be written");
            }
        }
    }

    /// Two lines that never met must not become one.
    fn break_line(&mut self) {
        self.listener.iter_mut().for_each(|listener| listener.push(b"\n"));
        self.match_with(&mut Vec::new(), |engine, findings| engine.push(b"\n", findings));
    }

    /// Counts what is there but for the last `keep` bytes, and searches none of it. Returns how much that was. Some GB/s,
    /// where searching short lines comes to some ten MB/s. Blocks.
    pub fn pass_over(&mut self, keep: u64) -> u64 {
        self.notice_cut();
        let whole = self.left().saturating_sub(keep);
        let mut left = whole;
        let mut chunk = vec![0; if whole > 0 { CHUNK } else { 0 }];
        while left > 0 {
            let most = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
            match self.file.read_at(&mut chunk[..most], self.position) {
                Ok(0) | Err(_) => break,
                Ok(count) => {
                    left -= count as u64;
                    self.position += count as u64;
                    self.count(&chunk[..count]);
                }
            }
        }
        if left < whole {
            self.break_line();
        }
        whole - left
    }

    fn take(&mut self, bytes: &[u8], findings: &mut Vec<Finding>) {
        self.count(bytes);
        self.listener.iter_mut().for_each(|listener| listener.push(bytes));
        let before = findings.len();
        self.match_with(findings, |engine, findings| engine.push(bytes, findings));
        self.fold(&findings[before..]);
    }

    fn count(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        let keep = bytes.len().min(MEMORY);
        let excess = (self.memory.len() + keep).saturating_sub(MEMORY);
        self.memory.drain(..excess);
        self.memory.extend_from_slice(&bytes[bytes.len() - keep..]);
        self.lines.push(bytes);
    }

    /// A matcher that panics loses its findings, and not the run.
    fn match_with(&mut self, findings: &mut Vec<Finding>, act: impl FnOnce(&mut Engine, &mut Vec<Finding>)) {
        let Some(engine) = &mut self.engine else { return };
        if catch_unwind(AssertUnwindSafe(|| act(engine, findings))).is_err() {
            tracing::error!(seen = self.seen, "a matcher broke; this output is not matched any further");
            self.engine = None;
        }
    }

    fn fold(&mut self, findings: &[Finding]) {
        for finding in findings {
            match finding {
                Finding::Counts(counts) => self.progress.counts = *counts,
                Finding::Total(total) => self.total = Some(*total),
                Finding::Progress(message) => self.progress.message = Some(message.clone()),
                Finding::Cycle(..)
                | Finding::Lane(_)
                | Finding::LeftOut(_)
                | Finding::Problem(_)
                | Finding::Summary(_)
                | Finding::Test(_) => {}
            }
        }
        let ended = u64::from(self.progress.counts.total());
        let percent = |total: u32| u8::try_from((ended * 100 / u64::from(total)).min(100)).unwrap_or(100);
        // What is counted is surer than what a bar shows.
        self.progress.percent = self.total.filter(|total| *total > 0).map(percent).or_else(|| self.lines.percent());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use super::*;
    use crate::matcher::Origin;
    use crate::matcher::left_out::{Example, examples};
    use crate::matcher::tree::Tree;
    use crate::problem::Counts;

    fn engine(command: &str) -> Engine {
        let origin = Origin { command: command.into(), cwd: "/w".into(), root: "/w".into() };
        Engine::new(origin, Arc::new(Tree(&[("/w/a.c", "x\n")])))
    }

    fn tail_of(command: &str) -> (std::fs::File, Tail, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        let file = File::options().append(true).create(true).open(&path).unwrap();
        let tail = Tail::open(&path, engine(command)).unwrap();
        (file, tail, folder)
    }

    fn tail() -> (std::fs::File, Tail, tempfile::TempDir) {
        tail_of("true")
    }

    #[test]
    fn what_was_left_out_is_said_at_the_end() {
        for Example { command, output, says } in examples() {
            let (mut file, mut tail, _folder) = tail_of(command);
            file.write_all(output.as_bytes()).unwrap();
            while tail.look().more {}
            assert_eq!(tail.finish(), [Finding::LeftOut(says.to_owned())]);
        }
    }

    #[test]
    fn what_is_passed_over_is_counted_and_not_searched() {
        let (mut file, mut tail, _folder) = tail();
        file.write_all(b"running 2 tests\ntest a ... ok\nnoise\ntest b ... ok\nlast\n").unwrap();
        let end = b"test b ... ok\nlast\n".len() as u64;
        assert_eq!(tail.pass_over(end), 36);
        assert_eq!(tail.pass_over(end), 0);
        let look = tail.look();
        let tests = look.findings.iter().filter(|finding| matches!(finding, Finding::Test(_)));
        assert!(tests.count() <= 1, "{:?}", look.findings);
        assert_eq!((tail.seen, tail.lines.count(), tail.lines.last()), (55, 5, "last".to_owned()));
    }

    #[test]
    fn a_command_may_cut_its_own_file() {
        let (mut file, mut tail, _folder) = tail();
        assert!(!tail.is_due());
        file.write_all(b"first line\nopen").unwrap();
        assert!(tail.is_due());
        assert!(tail.look().grew);
        assert_eq!((tail.seen, tail.lines.count(), tail.truncated), (15, 2, false));
        file.set_len(0).unwrap();
        file.write_all(b"x\n").unwrap();
        tail.look();
        assert_eq!((tail.seen, tail.lines.count(), tail.truncated), (17, 3, true));
        assert_eq!(tail.lines.last(), "x");
        // Whoever comes later counts on from there.
        let path = tail.path.clone();
        assert_eq!(Kept::of(&path), Kept { from: 15, lines: 2, swept: false });
        let mut later = Tail::open(&path, engine("true")).unwrap();
        later.look();
        assert_eq!((later.seen, later.lines.count(), later.truncated), (17, 3, true));
    }

    #[test]
    fn the_rest_is_known_after_a_cut() {
        let (mut file, mut tail, _folder) = tail();
        file.write_all(&b"line\n".repeat(100)).unwrap();
        tail.look();
        file.set_len(0).unwrap();
        file.write_all(b"two\nmore\n").unwrap();
        assert_eq!(tail.rest(), 509);
    }

    #[test]
    fn a_cut_that_grew_over_the_old_end_is_seen() {
        let (mut file, mut tail, _folder) = tail();
        file.write_all(b"some first words\n").unwrap();
        tail.look();
        file.set_len(0).unwrap();
        file.write_all(b"others, and more of them than before\n").unwrap();
        tail.look();
        assert!(tail.truncated);
        assert_eq!(tail.seen, 17 + 37);
    }

    #[test]
    fn a_look_has_an_end() {
        let (mut file, mut tail, _folder) = tail();
        file.write_all(&b"line\n".repeat(LOOK / 2)).unwrap();
        let first = tail.look();
        assert!(first.more);
        assert_eq!(tail.seen, LOOK as u64);
        while tail.look().more {}
        assert_eq!(tail.lines.count(), (LOOK / 2) as u64);
        assert!(!tail.look().grew);
    }

    #[test]
    fn progress_is_folded() {
        let (_file, mut tail, _folder) = tail();
        let counts = Counts { passed: 11, failed: 1, skipped: 0 };
        tail.fold(&[Finding::Total(50), Finding::Counts(counts), Finding::Progress("Running a".into())]);
        assert_eq!(*tail.progress(), Progress { message: Some("Running a".into()), percent: Some(24), counts });
        tail.fold(&[Finding::Total(0)]);
        assert_eq!(tail.progress().percent, None);
    }
}
