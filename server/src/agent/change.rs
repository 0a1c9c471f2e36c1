//! What a turn's edits made of a file, hunk by hunk, and how they are taken back: pure, on lines. Line breaks and a
//! byte-order mark are the file's own and make no difference; what others wrote since stays, and where they wrote at the
//! same place nothing is taken back.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::ids::TurnId;
use crate::line_diff;
use crate::task::model::Timestamp;

/// Unchanged lines around a hunk.
const AROUND: usize = 3;

/// Above so many lines on either side, what differs is one piece: what a diff finds must not depend on the time it had.
const MOST_LINES: usize = 4_000;

/// One file as one turn's edits left it: from before the first of them to after the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Later changes have greater ones.
    pub id: i64,
    pub turn: TurnId,
    pub path: PathBuf,
    /// `None`: there was no file.
    pub before: Option<String>,
    /// `None`: there is no file any more.
    pub after: Option<String>,
    /// How many folders were made for the file, from it upwards.
    pub new_folders: u32,
    /// Bytes of texts that were too large to be kept; such a change can only be named.
    pub omitted: u64,
    /// Hunks that a person has settled.
    pub accepted: BTreeSet<usize>,
    pub reverted: BTreeSet<usize>,
}

/// A folder that an edit made for its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeFolder {
    pub path: PathBuf,
    /// It was there by then: one that is younger is another one.
    pub by: Timestamp,
}

/// Where a change, or a hunk of it, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Pending,
    Accepted,
    Reverted,
}

impl Standing {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Reverted => "reverted",
        }
    }
}

/// Changed lines, 0-based: `old` of the text before became `new` of the text after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub old: Range<usize>,
    pub new: Range<usize>,
}

/// Edits that stand close together, as in a unified diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    pub edits: Vec<Edit>,
    /// With the unchanged lines around.
    pub old: Range<usize>,
    pub new: Range<usize>,
}

/// Why hunks cannot be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Somebody wrote there since; the line in the text as it is now, 1-based.
    Edited(usize),
    /// The same lines stand there more than once by now.
    Ambiguous(usize),
    /// The file is there no more, or is there again.
    File,
}

impl Change {
    /// The hunks, in order; none where the texts were not kept.
    pub fn hunks(&self) -> Vec<Hunk> {
        if self.omitted > 0 {
            return Vec::new();
        }
        let (before, after) = (plain(self.before.as_deref()), plain(self.after.as_deref()));
        self.hunks_of(&lines(&before), &lines(&after))
    }

    fn hunks_of(&self, before: &[&str], after: &[&str]) -> Vec<Hunk> {
        let found = hunks(before, after);
        if found.is_empty() && self.before.is_some() != self.after.is_some() {
            // An empty file was made or removed.
            return vec![Hunk { edits: Vec::new(), old: 0..0, new: 0..0 }];
        }
        found
    }

    /// Where a hunk stands.
    pub fn hunk_standing(&self, hunk: usize) -> Standing {
        if self.reverted.contains(&hunk) {
            Standing::Reverted
        } else if self.accepted.contains(&hunk) {
            Standing::Accepted
        } else {
            Standing::Pending
        }
    }

    /// Where it stands as a whole; `hunks` is how many it has.
    pub fn standing(&self, hunks: usize) -> Standing {
        // One whose texts were not kept counts as one hunk.
        let all: Vec<Standing> = (0..hunks.max(1)).map(|hunk| self.hunk_standing(hunk)).collect();
        if all.contains(&Standing::Pending) {
            Standing::Pending
        } else if all.contains(&Standing::Accepted) {
            Standing::Accepted
        } else {
            Standing::Reverted
        }
    }

    /// The text without these hunks, where `now` is what the file holds. What others wrote elsewhere stays.
    pub fn without(&self, hunks: &BTreeSet<usize>, now: Option<&str>) -> Result<Option<String>, Conflict> {
        let texts = (plain(self.before.as_deref()), plain(self.after.as_deref()), plain(now));
        let (before, after, current) = (lines(&texts.0), lines(&texts.1), lines(&texts.2));
        let all = self.hunks_of(&before, &after);
        let left = replayed(&before, &after, &all, &self.reverted);
        let gone: BTreeSet<usize> = self.reverted.union(hunks).copied().collect();
        let wanted = replayed(&before, &after, &all, &gone);
        let whole = gone.len() == all.len();
        let is_left = current == left || same_but_for_the_end(&current, &left);
        // What is made or removed as a whole must be as it was left.
        match (&self.before, &self.after, now) {
            (None, _, Some(_)) if whole && is_left => return Ok(None),
            (Some(before), None, None) if whole => return Ok(Some(before.clone())),
            (_, Some(_), Some(_)) => {}
            _ => return Err(Conflict::File),
        }
        let merged = match merge(&left, &wanted, &current) {
            Err(_) if is_left => wanted,
            merged => merged?,
        };
        Ok(now.map(|now| like(now, self.before.as_deref(), merged.concat())))
    }

    /// Takes a further edit of the same turn in: from `old` to `new`. `false` where somebody wrote in between at the same
    /// place: that is a change of its own.
    pub fn extend(&mut self, old: Option<&str>, new: Option<&str>) -> bool {
        let (left, found) = (plain(self.after.as_deref()), plain(old));
        if left != found && !same_but_for_the_end(&lines(&left), &lines(&found)) {
            let every = (0..self.hunks().len()).collect();
            self.reverted.clear();
            match self.without(&every, old) {
                Ok(before) => self.before = before,
                Err(_) => return false,
            }
        }
        self.after = new.map(str::to_owned);
        self.accepted.clear();
        self.reverted.clear();
        true
    }

    /// The unified diff, at most about `most` bytes of it, and how many lines were left out.
    pub fn unified(&self, most: usize) -> (String, usize) {
        let texts = (plain(self.before.as_deref()), plain(self.after.as_deref()));
        let (before, after) = (lines(&texts.0), lines(&texts.1));
        let mut out = String::new();
        let name = |sign: char, there: bool| match there {
            true => format!("{sign}/{}", self.path.strip_prefix("/").unwrap_or(&self.path).display()),
            false => "/dev/null".to_owned(),
        };
        // Writing into a string does not fail.
        let _ = writeln!(out, "--- {}", name('a', self.before.is_some()));
        let _ = writeln!(out, "+++ {}", name('b', self.after.is_some()));
        let mut left_out = 0;
        let mut push = |line: String| {
            if out.len() + line.len() > most {
                left_out += 1;
            } else if left_out == 0 {
                out.push_str(&line);
            } else {
                left_out += 1;
            }
        };
        for hunk in self.hunks() {
            push(format!("@@ -{} +{} @@\n", span(&hunk.old), span(&hunk.new)));
            let mut show = |sign: char, lines: &[&str]| {
                for line in lines {
                    let end = if line.ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
                    push(format!("{sign}{line}{end}"));
                }
            };
            let mut at = hunk.old.start;
            for edit in &hunk.edits {
                show(' ', &before[at..edit.old.start]);
                show('-', &before[edit.old.clone()]);
                show('+', &after[edit.new.clone()]);
                at = edit.old.end;
            }
            show(' ', &before[at..hunk.old.end]);
        }
        (out, left_out)
    }
}

/// `12,3` as in the head of a hunk: the first line, 1-based, and how many.
fn span(lines: &Range<usize>) -> String {
    let first = if lines.is_empty() { lines.start } else { lines.start + 1 };
    format!("{first},{}", lines.len())
}

/// A text with `\n` for every line break, without a byte-order mark; no file is an empty one here.
fn plain(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

/// The lines of a text with their breaks, so that one without is another line.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Editors show a text without a last line break as one with it.
fn same_but_for_the_end(one: &[&str], other: &[&str]) -> bool {
    match (one.split_last(), other.split_last()) {
        (Some((last, one)), Some((other_last, other))) => {
            one == other && last.trim_end_matches('\n') == other_last.trim_end_matches('\n')
        }
        _ => false,
    }
}

/// What differs. The same for the same texts, however busy the machine is.
fn edits(old: &[&str], new: &[&str]) -> Vec<Edit> {
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    if old.is_empty() && new.is_empty() {
        return Vec::new();
    }
    if old.len().max(new.len()) > MOST_LINES {
        return vec![Edit { old: start..start + old.len(), new: start..start + new.len() }];
    }
    let mut found: Vec<Edit> = Vec::new();
    for (old, new) in line_diff::fewest(old, new) {
        let edit = Edit { old: start + old.start..start + old.end, new: start + new.start..start + new.end };
        match found.last_mut() {
            // A removal and an insertion at one place are one edit.
            Some(last) if last.old.end == edit.old.start && last.new.end == edit.new.start => {
                (last.old.end, last.new.end) = (edit.old.end, edit.new.end);
            }
            _ => found.push(edit),
        }
    }
    found
}

fn hunks(before: &[&str], after: &[&str]) -> Vec<Hunk> {
    let mut found: Vec<Hunk> = Vec::new();
    for edit in edits(before, after) {
        let around =
            |changed: &Range<usize>, end: usize| changed.start.saturating_sub(AROUND)..(changed.end + AROUND).min(end);
        let (old, new) = (around(&edit.old, before.len()), around(&edit.new, after.len()));
        match found.last_mut() {
            Some(last) if last.old.end >= old.start => {
                (last.old.end, last.new.end) = (old.end, new.end);
                last.edits.push(edit);
            }
            _ => found.push(Hunk { edits: vec![edit], old, new }),
        }
    }
    found
}

/// The text after, with these hunks as they were before.
fn replayed<'a>(before: &[&'a str], after: &[&'a str], hunks: &[Hunk], reverted: &BTreeSet<usize>) -> Vec<&'a str> {
    let mut out = Vec::with_capacity(after.len());
    let mut at = 0;
    let chosen = hunks.iter().enumerate().filter(|(index, _)| reverted.contains(index));
    for edit in chosen.flat_map(|(_, hunk)| &hunk.edits) {
        out.extend_from_slice(&after[at..edit.new.start]);
        out.extend_from_slice(&before[edit.old.clone()]);
        at = edit.new.end;
    }
    out.extend_from_slice(&after[at..]);
    out
}

/// `current` with the edits that make `wanted` of `left`, where nobody has touched those lines or the ones beside them.
fn merge<'a>(left: &[&'a str], wanted: &[&'a str], current: &[&'a str]) -> Result<Vec<&'a str>, Conflict> {
    let (ours, theirs) = (edits(left, wanted), edits(left, current));
    let mut out = Vec::with_capacity(current.len());
    // How far `current` is copied, and how far `left` goes along with it.
    let (mut copied, mut foreign) = (0, theirs.iter().peekable());
    let mut shift = 0_isize;
    for edit in &ours {
        while let Some(other) = foreign.next_if(|other| other.old.end < edit.old.start) {
            shift += other.new.len() as isize - other.old.len() as isize;
        }
        let line = |at: usize| at.saturating_add_signed(shift);
        if let Some(other) = foreign.peek().filter(|other| other.old.start <= edit.old.end) {
            return Err(Conflict::Edited(other.new.start + 1));
        }
        if !theirs.is_empty() {
            let after = foreign.peek().map_or(left.len(), |other| other.old.start);
            let before =
                theirs.iter().rev().find(|other| other.old.end < edit.old.start).map_or(0, |other| other.old.end);
            let context = edit.old.start.saturating_sub(AROUND).max(before)..(edit.old.end + AROUND).min(after);
            let window = &left[context];
            if window.is_empty() || current.windows(window.len()).filter(|lines| *lines == window).count() != 1 {
                return Err(Conflict::Ambiguous(line(edit.old.start) + 1));
            }
        }
        out.extend_from_slice(&current[copied..line(edit.old.start)]);
        out.extend_from_slice(&wanted[edit.new.clone()]);
        copied = line(edit.old.end);
    }
    out.extend_from_slice(&current[copied..]);
    Ok(out)
}

/// A text with the byte-order mark and the line breaks that `now` has; where it has none, those of `before`. In a file
/// with both kinds each line that stays keeps its own.
fn like(now: &str, before: Option<&str>, text: String) -> String {
    let count = |text: &str| (text.matches("\r\n").count(), text.matches('\n').count());
    let (windows, all) = match count(now) {
        (_, 0) => before.map_or((0, 0), count),
        found => found,
    };
    let mark = if now.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    if windows == 0 {
        return mark.to_owned() + &text;
    }
    if windows == all {
        return mark.to_owned() + &text.replace('\n', "\r\n");
    }
    let own: Vec<&str> = now.strip_prefix('\u{feff}').unwrap_or(now).split_inclusive('\n').collect();
    let old = plain(Some(now));
    let (old, new) = (lines(&old), lines(&text));
    let mut out = mark.to_owned();
    let (mut at, mut from) = (0, 0);
    let end = Edit { old: old.len()..old.len(), new: new.len()..new.len() };
    for edit in edits(&old, &new).into_iter().chain([end]) {
        out.extend(own[from..edit.old.start].iter().copied());
        for line in &new[edit.new.clone()] {
            out.push_str(&if windows * 2 > all { line.replace('\n', "\r\n") } else { (*line).to_owned() });
        }
        (at, from) = (edit.new.end, edit.old.end);
    }
    debug_assert_eq!(at, new.len());
    out
}

/// Which changes are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    pub turn: Option<TurnId>,
    pub path: Option<PathBuf>,
    pub hunk: Option<usize>,
}

impl Chosen {
    /// Whether a change is meant.
    pub fn takes(&self, change: &Change) -> bool {
        let turn = self.turn.as_ref().is_none_or(|turn| *turn == change.turn);
        turn && self.path.as_deref().is_none_or(|path| path == change.path.as_path())
    }
}

/// A path for people, relative to the folder where it lies below it.
pub fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
