//! `glob` and `grep`: finding files by name and by content, in this process.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::SystemTime;

use grep::matcher::Matcher;
use grep::regex::{RegexMatcher, RegexMatcherBuilder};
use grep::searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkFinish, SinkMatch};

use super::files::{blocking, count, missing, shown};
use super::input::{Glob, Grep};
use super::saved::told;
use super::walk::{self, Pattern, Stop};
use super::{Context, Location, Output};
use crate::workspace::roots::absolute;

/// Most files that `glob` names.
const NAMES: usize = 500;
/// Hits of `grep` when no limit is given, and the largest limit.
const HITS: u32 = 200;
const MAX_HITS: u32 = 5000;
/// Hits after which the search ends: their number is then a "more than".
const COUNTED: usize = 100_000;
/// Characters of a line.
const LINE: usize = 300;
/// Places that the editor is told of.
const LOCATIONS: usize = 20;

const IGNORED: &str =
    "Hidden files and those that ignore files name are left out, unless the path or the pattern names their folder.";

/// Files whose name matches, newest first.
pub async fn glob(call: Glob, context: Context) -> Result<Output, String> {
    let base = folder(&call.path, &context);
    let pattern = Pattern::new(&base, &call.pattern)?;
    if !pattern.base.is_dir() {
        return Err(format!("There is no folder {}.", shown(&context, &pattern.base)));
    }
    let stop = Stop::default();
    let _stop_with_us = stop.at_drop();
    let mut found = blocking(move || {
        let (send, receive) = channel();
        walk::files(&pattern.base, pattern.hidden, &stop, || {
            let (send, pattern) = (send.clone(), &pattern);
            move |entry| {
                if pattern.matches(entry.path()) {
                    let changed = entry.metadata().ok().and_then(|file| file.modified().ok());
                    let _ = send.send((changed.unwrap_or(SystemTime::UNIX_EPOCH), entry.into_path()));
                }
            }
        });
        drop(send);
        receive.into_iter().collect::<Vec<_>>()
    })
    .await?;
    found.sort_by(|(at, path), (other_at, other)| other_at.cmp(at).then_with(|| path.cmp(other)));
    if found.is_empty() {
        return Ok(Output { text: format!("No file matches. {IGNORED}"), ..Output::default() });
    }
    let mut out = Lines::new(context.max_result);
    for (at, (_, path)) in found.iter().enumerate() {
        out.push(&shown(&context, path), at < NAMES);
    }
    let left = found.len() - out.lines;
    let text = if left > 0 {
        let left = format!("{} left out, the oldest", count(left, "file"));
        told(&out.text, out.shown, &left, "narrow the pattern, or ", context.results).await
    } else {
        out.text
    };
    Ok(Output { text, ..Output::default() })
}

/// Lines that match, as `path:line:text`; lines around them as `path-line-text`.
pub async fn grep(call: Grep, context: Context) -> Result<Output, String> {
    let base = folder(&call.path, &context);
    if !base.exists() {
        return Err(missing(&context, &base).await);
    }
    let names = call.glob.as_deref().map(|glob| Pattern::new(&base, glob)).transpose()?;
    // What the model did not limit is kept beyond what it is shown.
    let limit = call.limit.unwrap_or(MAX_HITS).clamp(1, MAX_HITS) as usize;
    let shown_hits = limit.min(call.limit.unwrap_or(HITS).max(1) as usize);
    let search = Search::new(&call, limit)?;
    let stop = Stop::default();
    let _stop_with_us = stop.at_drop();
    let Found { mut files, total, unreadable } = blocking(move || search.run(&base, names.as_ref(), &stop)).await?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let unread =
        if unreadable > 0 { format!("({} could not be read)\n", count(unreadable, "file")) } else { String::new() };
    if total == 0 {
        return Ok(Output { text: format!("Nothing matches. {IGNORED}\n{unread}"), ..Output::default() });
    }
    let mut output = Output::default();
    let mut out = Lines::new(context.max_result);
    let (mut hits, mut hits_shown) = (0, 0);
    'files: for file in &files {
        let name = shown(&context, &file.path);
        for line in &file.lines {
            let line_told = match line {
                Line::Hit(number, text) => format!("{name}:{number}:{text}"),
                Line::Around(number, text) => format!("{name}-{number}-{text}"),
                Line::Gap => "--".into(),
            };
            let hit = matches!(line, Line::Hit(..));
            if hit && hits == limit {
                break 'files;
            }
            hits += usize::from(hit);
            let is_shown = out.push(&line_told, !hit || hits <= shown_hits);
            hits_shown += usize::from(hit && is_shown);
            if let (Line::Hit(number, _), true) = (line, is_shown && output.locations.len() < LOCATIONS) {
                output.locations.push(Location { path: file.path.clone(), line: Some(*number as u32) });
            }
        }
    }
    let more = if total >= COUNTED { "more than " } else { "" };
    let left = format!("{hits_shown} of {more}{total} hits in {} shown", count(files.len(), "file"));
    output.text = if out.shown < out.text.len() {
        told(&out.text, out.shown, &left, "narrow the pattern or the path, or ", context.results).await
    } else if hits < total {
        format!("{}({left}: narrow the pattern or the path, or raise `limit`)\n", out.text)
    } else {
        out.text
    };
    output.text += &unread;
    Ok(output)
}

fn folder(path: &Option<String>, context: &Context) -> PathBuf {
    absolute(&context.cwd, path.as_deref().unwrap_or("."))
}

/// Lines of a result: all of them, and how far they are shown.
struct Lines {
    text: String,
    /// Lines that are shown, their bytes, and the characters that are left for more.
    lines: usize,
    shown: usize,
    left: usize,
}

impl Lines {
    fn new(left: usize) -> Self {
        Self { text: String::new(), lines: 0, shown: 0, left }
    }

    /// Adds a line. It is shown where it may be and there is room, and all before it were; the first one always is.
    fn push(&mut self, line: &str, may: bool) -> bool {
        let length = line.chars().count() + 1;
        let whole = self.shown == self.text.len();
        self.text.push_str(line);
        self.text.push('\n');
        let shows = whole && may && (length <= self.left || self.lines == 0);
        if shows {
            self.left = self.left.saturating_sub(length);
            self.lines += 1;
            self.shown = self.text.len();
        }
        shows
    }
}

enum Line {
    Hit(u64, String),
    Around(u64, String),
    Gap,
}

/// What a search found, the files in no order.
#[derive(Default)]
struct Found {
    files: Vec<Hits>,
    /// All hits, also those that are not in `files`.
    total: usize,
    unreadable: usize,
}

/// The hits of one file.
struct Hits {
    path: PathBuf,
    lines: Vec<Line>,
}

struct Search {
    matcher: RegexMatcher,
    searcher: SearcherBuilder,
    limit: usize,
}

impl Search {
    fn new(call: &Grep, limit: usize) -> Result<Self, String> {
        let across = call.pattern.contains("\\n");
        let mut regex = RegexMatcherBuilder::new();
        regex.case_insensitive(call.ignore_case.unwrap_or(false)).multi_line(true);
        if !across {
            regex.crlf(true).line_terminator(Some(b'\n'));
        }
        let matcher = regex.build(&call.pattern).map_err(|error| {
            format!(
                "The regular expression is not understood: {error}\nIts syntax is Rust's: no look-around and no \
                 back-references; a literal `(`, `[`, `{{` or `.` needs a backslash."
            )
        })?;
        let around = call.context.unwrap_or(0).min(50) as usize;
        let mut searcher = SearcherBuilder::new();
        searcher.line_number(true).multi_line(across).before_context(around).after_context(around);
        searcher.binary_detection(BinaryDetection::quit(0));
        Ok(Self { matcher, searcher, limit })
    }

    /// Blocks.
    fn run(self, base: &Path, names: Option<&Pattern>, stop: &Stop) -> Found {
        let found = Mutex::new(Found::default());
        if base.is_file() {
            self.file(base.to_owned(), &mut self.searcher.build(), &found, stop);
        } else {
            let hidden = names.is_some_and(|names| names.hidden);
            let base = names.map_or(base, |names| &names.base);
            walk::files(base, hidden, stop, || {
                let (mut searcher, found, search) = (self.searcher.build(), &found, &self);
                move |entry| {
                    if names.is_none_or(|names| names.matches(entry.path())) {
                        search.file(entry.into_path(), &mut searcher, found, stop);
                    }
                }
            });
        }
        found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn file(&self, path: PathBuf, searcher: &mut Searcher, found: &Mutex<Found>, stop: &Stop) {
        let mut sink = Collect { search: self, lines: Vec::new(), hits: 0, binary: false };
        let searched = searcher.search_path(&self.matcher, &path, &mut sink);
        let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Err(error) = searched {
            tracing::debug!(path = %path.display(), %error, "not searched");
            found.unreadable += 1;
        } else if sink.hits > 0 && !sink.binary {
            found.files.push(Hits { path, lines: sink.lines });
            found.total += sink.hits;
            if found.total >= COUNTED {
                stop.set();
            }
        }
    }
}

/// Takes one file's hits from the searcher.
struct Collect<'a> {
    search: &'a Search,
    lines: Vec<Line>,
    hits: usize,
    binary: bool,
}

impl Sink for Collect<'_> {
    type Error = std::io::Error;

    fn matched(&mut self, _: &Searcher, hit: &SinkMatch<'_>) -> Result<bool, Self::Error> {
        let first = hit.line_number().unwrap_or(0);
        for (number, line) in (first..).zip(hit.lines()) {
            self.hits += 1;
            if self.hits <= self.search.limit {
                let at = self.search.matcher.find(line).ok().flatten().map_or(0, |found| found.start());
                self.lines.push(Line::Hit(number, cut(line, at)));
            }
        }
        Ok(true)
    }

    fn context(&mut self, _: &Searcher, context: &SinkContext<'_>) -> Result<bool, Self::Error> {
        if self.hits <= self.search.limit {
            self.lines.push(Line::Around(context.line_number().unwrap_or(0), cut(context.bytes(), 0)));
        }
        Ok(true)
    }

    fn context_break(&mut self, _: &Searcher) -> Result<bool, Self::Error> {
        self.lines.push(Line::Gap);
        Ok(true)
    }

    fn finish(&mut self, _: &Searcher, end: &SinkFinish) -> Result<(), Self::Error> {
        self.binary = end.binary_byte_offset().is_some();
        Ok(())
    }
}

/// A line without its break; of a long one, the part around the byte `at`.
fn cut(line: &[u8], at: usize) -> String {
    let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line));
    let text = text.strip_suffix('\r').unwrap_or(&text);
    if text.chars().count() <= LINE {
        return text.to_owned();
    }
    let before = String::from_utf8_lossy(&line[..at]).chars().count();
    let from = before.saturating_sub(LINE / 3);
    let part: String = text.chars().skip(from).take(LINE).collect();
    let left = text.chars().count() - part.chars().count();
    format!("{}{part}… ({left} more characters)", if from > 0 { "…" } else { "" })
}
