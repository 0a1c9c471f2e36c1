//! What a person sees of a task in a terminal: one row that lives, the problems as they are found, and how it ended. Without
//! a terminal, and with `--output`, the command's own output as it is, and one line about its end on standard error.

use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::news::{Found, Outcome, Row};
use super::output::Output;
use crate::agent::notification::duration;
use crate::cli::terminal::{Style, Tone};
use crate::problem::Severity;
use crate::task::model::Status;

/// Between two drawings of the row.
const FRAME: Duration = Duration::from_millis(100);
/// Problems that are shown; the rest is counted.
const SHOWN: usize = 200;
/// Lines of output that a failure shows where nothing in it was recognised.
const TAIL: u32 = 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The command's output as it is.
    Raw,
    /// Lines that stay.
    Plain,
    /// A row that is drawn again and again, below lines that stay.
    Live,
}

pub(super) struct View {
    kind: Kind,
    style: Style,
    /// Places are shown relative to it.
    cwd: PathBuf,
    row: Option<(Row, Instant)>,
    /// A row stands on the screen's last line.
    is_drawn: bool,
    seen: HashSet<String>,
    waiting: Vec<Found>,
    shown: usize,
    not_shown: usize,
    /// The output ended within a line.
    is_open: bool,
    is_stopping: bool,
}

impl View {
    /// For standard output. `wants_output`: the command's output in place of the view. `is_plain`: nothing moves, and no
    /// colours.
    pub fn new(wants_output: bool, is_plain: bool, cwd: PathBuf) -> Self {
        let kind = match (wants_output || !io::stdout().is_terminal(), is_plain) {
            (true, _) => Kind::Raw,
            (false, true) => Kind::Plain,
            (false, false) => Kind::Live,
        };
        Self {
            kind,
            style: if kind == Kind::Live { Style::of_stdout(is_plain) } else { Style::PLAIN },
            cwd,
            row: None,
            is_drawn: false,
            seen: HashSet::new(),
            waiting: Vec::new(),
            shown: 0,
            not_shown: 0,
            is_open: false,
            is_stopping: false,
        }
    }

    /// Whether the command's own output is what is shown.
    pub fn shows_output(&self) -> bool {
        self.kind == Kind::Raw
    }

    /// The task as it stands.
    pub fn row(&mut self, row: Row) -> io::Result<()> {
        let is_over = row.outcome().is_some();
        self.row = Some((row, Instant::now()));
        if is_over { self.clear() } else { self.draw() }
    }

    /// Problems of one file: each is shown once.
    pub fn found(&mut self, found: Vec<Found>) -> io::Result<()> {
        if self.kind == Kind::Raw {
            return Ok(());
        }
        for problem in found {
            let line = self.line(&problem);
            self.waiting.retain(|waiting| waiting.test.is_none() || waiting.test != problem.test);
            if problem.provisional {
                self.waiting.push(problem);
            } else if self.seen.insert(line.clone()) {
                self.problem(problem.severity, &line)?;
            }
        }
        self.draw()
    }

    fn problem(&mut self, severity: Severity, line: &str) -> io::Result<()> {
        if severity != Severity::Error && severity != Severity::Warning {
            return Ok(());
        }
        if self.shown == SHOWN {
            self.not_shown += 1;
            return Ok(());
        }
        self.shown += 1;
        self.clear()?;
        let tone = if severity == Severity::Error { Tone::Bad } else { Tone::Quiet };
        let (place, rest) = line.split_once("  ").unwrap_or((line, ""));
        writeln!(io::stdout().lock(), "  {}  {rest}", self.style.paint(tone, place))
    }

    /// `src/auth.rs:41:9  login_expires: assertion failed  left: 200`.
    fn line(&self, found: &Found) -> String {
        let path = found.path.strip_prefix(&self.cwd).unwrap_or(&found.path).display();
        let place = match (found.line, found.column) {
            (Some(line), Some(column)) => format!("{path}:{line}:{column}"),
            (Some(line), None) => format!("{path}:{line}"),
            _ => path.to_string(),
        };
        let test = found.test.as_ref().map(|test| format!("{test}: ")).unwrap_or_default();
        let message = found.message.lines().map(str::trim).collect::<Vec<_>>().join("  ");
        format!("{}  {}", printable(&place), printable(&format!("{test}{message}")))
    }

    /// Bytes of the command's output.
    pub fn output(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.is_open = bytes.last().is_some_and(|last| *last != b'\n');
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// The person asked for the end.
    pub fn stopping(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_stopping, true) {
            return Ok(());
        }
        if self.kind == Kind::Live { self.draw() } else { self.say("stopping; once more for at once") }
    }

    /// Comes when the row is to be drawn again; never where nothing moves.
    pub async fn tick(&mut self) {
        if self.kind != Kind::Live {
            return std::future::pending().await;
        }
        tokio::time::sleep(FRAME).await;
        // A terminal that is gone sends a signal.
        let _ = self.draw();
    }

    /// One line of Pillion's own, on standard error.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.clear()?;
        let start = if std::mem::take(&mut self.is_open) { "\n" } else { "" };
        writeln!(io::stderr().lock(), "{start}pillion: {text}")
    }

    /// How it ended.
    pub fn end(&mut self, output: &Output) -> io::Result<()> {
        self.clear()?;
        for problem in std::mem::take(&mut self.waiting) {
            let line = self.line(&problem);
            if self.seen.insert(line.clone()) {
                self.problem(problem.severity, &line)?;
            }
        }
        let Some((row, _)) = self.row.take() else { return Ok(()) };
        let failed = !matches!(row.outcome(), Some(Outcome::Exited(0) | Outcome::Stopped(_)));
        let line = self.last_line(&row);
        if self.kind == Kind::Raw {
            let start = if self.is_open && io::stdout().is_terminal() { "\n" } else { "" };
            return writeln!(io::stderr().lock(), "{start}{line}");
        }
        let mut out = io::stdout().lock();
        if self.not_shown > 0 {
            writeln!(out, "  … and {} more", self.not_shown)?;
        }
        if failed && self.shown == 0 {
            for line in output.tail(TAIL) {
                writeln!(out, "  {}", printable(&line))?;
            }
        }
        writeln!(out, "{line}")?;
        out.flush()
    }

    fn last_line(&self, row: &Row) -> String {
        let (icon, word, tone) = match row.status {
            Status::Succeeded => ("✓", "passed", Tone::Good),
            Status::TimedOut => ("✕", "timed out", Tone::Bad),
            Status::Killed => ("■", "stopped", Tone::Quiet),
            Status::Interrupted => ("■", "interrupted", Tone::Bad),
            _ => ("✕", "failed", Tone::Bad),
        };
        let code = match row.outcome() {
            Some(Outcome::Exited(code)) if code != 0 => format!(" ({code})"),
            Some(Outcome::Signaled(signal)) => format!(" (signal {signal})"),
            _ => String::new(),
        };
        let mut line = format!("{}  {word}{code}", printable(&row.label));
        if row.outcome() != Some(Outcome::NotStarted) {
            line.push_str(&format!(" in {}", duration(row.elapsed_ms)));
        }
        // How it died is said already.
        if let Some(summary) = row.summary.as_ref().filter(|summary| !summary.starts_with("ended by signal")) {
            line.push_str(&format!(" · {}", printable(summary)));
        }
        match row.stragglers {
            0 => {}
            1 => line.push_str(" · 1 process that it started still ran"),
            n => line.push_str(&format!(" · {n} processes that it started still ran")),
        }
        format!("{} {line}", self.style.paint(tone, icon))
    }

    /// Draws the row over the one before.
    fn draw(&mut self) -> io::Result<()> {
        let Some((row, at)) = self.row.as_ref().filter(|_| self.kind == Kind::Live) else { return Ok(()) };
        let elapsed = row.elapsed_ms + u64::try_from(at.elapsed().as_millis()).unwrap_or(0);
        let (icon, note) = match row.status {
            _ if self.is_stopping || row.stopping => ("■", Some("stopping; once more for at once")),
            Status::Queued => ("○", None),
            Status::WaitingForInput => ("?", Some("waiting for input")),
            _ => ("◐", None),
        };
        let note = note.or(row.message.as_deref()).unwrap_or_default();
        let time = if row.status == Status::Queued { "queued".to_owned() } else { duration(elapsed) };
        let line = columns(&format!("{icon} {}", printable(&row.label)), &printable(note), &time, width());
        let line = line.replacen(icon, &self.style.paint(Tone::Running, icon), 1);
        self.is_drawn = true;
        let mut out = io::stdout().lock();
        write!(out, "\r\x1b[2K{line}")?;
        out.flush()
    }

    fn clear(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.is_drawn) {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        write!(out, "\r\x1b[2K")?;
        out.flush()
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // Whatever went wrong, the shell's next line begins on a clean one.
        let _ = self.clear();
    }
}

/// The terminal's columns.
fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(80)
}

/// One line of at most `width` columns: left, middle and right. What does not fit is cut, the left part first.
fn columns(left: &str, middle: &str, right: &str, width: usize) -> String {
    let room = width.saturating_sub(1);
    let count = |text: &str| text.chars().count();
    let cut = |text: &str, most: usize| match count(text) > most {
        true => text.chars().take(most.saturating_sub(1)).chain(['…']).take(most).collect::<String>(),
        false => text.to_owned(),
    };
    if room < 30 {
        return cut(left, room);
    }
    let right = cut(right, room);
    let middle = cut(middle, room.saturating_sub(count(&right) + 16));
    let left = cut(left, room.saturating_sub(count(&right) + count(&middle) + 4));
    let start = (room / 2).max(count(&left) + 2).min(room.saturating_sub(count(&middle) + count(&right) + 2));
    let gap = start.saturating_sub(count(&left));
    let rest = room.saturating_sub(count(&left) + gap + count(&middle) + count(&right));
    format!("{left}{}{middle}{}{right}", " ".repeat(gap), " ".repeat(rest))
}

/// Text from outside, without what would move the cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        let mut view = View::new(false, true, "/w".into());
        view.kind = Kind::Plain;
        view
    }

    fn row(status: Status) -> Row {
        Row {
            label: "cargo test".into(),
            status,
            stopping: false,
            exit_code: None,
            signal: None,
            elapsed_ms: 12_400,
            message: None,
            summary: None,
            stragglers: 0,
            output: PathBuf::new(),
        }
    }

    #[test]
    fn the_last_line_says_how_it_ended() {
        let summary = Some("47 passed, 3 failed".to_owned());
        for (row, expected) in [
            (row(Status::Succeeded), "✓ cargo test  passed in 12.4s"),
            (
                Row { exit_code: Some(101), summary, ..row(Status::Failed) },
                "✕ cargo test  failed (101) in 12.4s · 47 passed, 3 failed",
            ),
            (Row { signal: Some(9), ..row(Status::Failed) }, "✕ cargo test  failed (signal 9) in 12.4s"),
            (
                Row { stragglers: 2, ..row(Status::Killed) },
                "■ cargo test  stopped in 12.4s · 2 processes that it started still ran",
            ),
            (Row { summary: Some("no shell".into()), ..row(Status::Failed) }, "✕ cargo test  failed · no shell"),
        ] {
            assert_eq!(view().last_line(&row), expected);
        }
    }

    #[test]
    fn a_problem_is_one_line_without_control_characters() {
        let found = Found {
            path: "/w/src/auth.rs".into(),
            line: Some(41),
            column: Some(9),
            severity: Severity::Error,
            test: Some("login_expires".into()),
            message: "assertion failed\n  left: \x1b[31m200".into(),
            provisional: false,
        };
        assert_eq!(view().line(&found), "src/auth.rs:41:9  login_expires: assertion failed  left:  [31m200");
    }

    #[test]
    fn a_row_fits() {
        assert_eq!(
            columns("◐ cargo test", "12/50", "8.1s", 41),
            format!("◐ cargo test        12/50{}8.1s", " ".repeat(11))
        );
        for width in 0..60 {
            let line = columns("◐ a very long label of a command", "bundling the modules of it", "12.0s", width);
            assert!(line.chars().count() <= width, "{width}: {line:?}");
        }
    }
}
