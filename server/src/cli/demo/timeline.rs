//! The story in lines for a terminal, as it happens, and the picture at its end. Pure.

use super::story::{Event, Millis, Run, Story};
use crate::cli::terminal::{Style, Tone};
use crate::task::model::Status;

/// Columns of the picture.
const WIDTH: usize = 60;

/// Columns of running text.
const COLUMNS: usize = 96;

/// Characters of a line's text.
const LONGEST: usize = 150;

/// One event as a line, without the line's end.
pub(super) fn line(when: Millis, event: &Event, style: Style) -> String {
    let at = style.paint(Tone::Quiet, &format!("{:>6}", seconds(when)));
    let text = match event {
        Event::Said(text) => format!("{}  {}", style.paint(Tone::Strong, "agent"), one_line(text)),
        Event::Woke => style.paint(Tone::Quiet, "the agent wakes by itself"),
        Event::TaskStarted { command, task, run } => {
            let run = if *run > 1 { format!(", run {run}") } else { String::new() };
            format!("{} {command}  in the background as {task}{run}", style.paint(Tone::Running, "◐"))
        }
        Event::TaskEnded { command, status, exit_code, took, summary } => {
            let good = *status == Status::Succeeded;
            let (mark, tone) = if good { ("✓", Tone::Good) } else { ("✕", Tone::Bad) };
            let word = match status {
                Status::Succeeded => "passed".to_owned(),
                Status::Killed => "stopped".to_owned(),
                other => other.as_str().replace('_', " "),
            };
            let code = exit_code.filter(|code| *code != 0).map(|code| format!(" ({code})")).unwrap_or_default();
            let summary = summary.as_ref().map(|summary| format!(" · {summary}")).unwrap_or_default();
            format!("{} {command}  {word}{code} in {}{summary}", style.paint(tone, mark), seconds(*took))
        }
        Event::ToolDone { title, ok } => {
            let (mark, tone) = if *ok { ("✓", Tone::Good) } else { ("✕", Tone::Bad) };
            format!("  {} {}", style.paint(tone, mark), one_line(title))
        }
        Event::Shown { place, message, running } => {
            let meanwhile = running.as_ref().map(|command| format!("in the editor, while {command} runs"));
            let meanwhile = style.paint(Tone::Quiet, meanwhile.as_deref().unwrap_or("in the editor"));
            format!("  {} {place}  {}\n{:12}{meanwhile}", style.paint(Tone::Bad, "✕"), one_line(message), "")
        }
        Event::Cleared { file } => format!("  {} {file}  cleared in the editor", style.paint(Tone::Good, "✓")),
        Event::Told { text } => format!("→ told to the agent: {}", one_line(&gist(text))),
        Event::TurnFailed(error) => format!("{} {}", style.paint(Tone::Bad, "✕"), one_line(error)),
    };
    format!("{at}  {text}")
}

/// A text that begins at column `indent`, with its further lines below its beginning.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let mut out = String::new();
    let mut column = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > COLUMNS {
            out.push_str(&format!("\n{:indent$}", ""));
            column = indent;
        } else if column > indent {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// The status and the summary of each notification in a block.
fn gist(block: &str) -> String {
    let field = |part: &str, tag: &str| {
        let (_, rest) = part.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once(&format!("</{tag}>"))?.0.trim().to_owned())
    };
    let one = |part: &str| {
        let words = ["command", "status", "summary"].iter().filter_map(|tag| field(part, tag));
        words.collect::<Vec<_>>().join(", ")
    };
    block.split("<task_notification>").skip(1).map(one).collect::<Vec<_>>().join("; ")
}

/// What ran when, how long the agent was held up, and what did not come true.
pub(super) fn end(story: &Story, style: Style) -> String {
    let total = story.now.max(1);
    let mut lanes: Vec<(String, String, Tone)> = Vec::new();
    let mut runs: Vec<&Run> = story.runs.values().collect();
    runs.sort_by_key(|run| run.from);
    for (number, run) in runs.iter().enumerate() {
        let tone = if run.status == Status::Succeeded { Tone::Good } else { Tone::Bad };
        let bar = bar(&[(run.from, run.to.unwrap_or(total))], total, '█');
        lanes.push((format!("{} {}", run.command, number + 1), bar, tone));
    }
    let turns: Vec<(Millis, Millis)> = story.turns.iter().map(|(from, to)| (*from, to.unwrap_or(total))).collect();
    lanes.push(("the agent".to_owned(), bar(&turns, total, '▓'), Tone::Running));
    let shown: Vec<(Millis, Millis)> = story
        .events
        .iter()
        .filter(|(_, event)| matches!(event, Event::Shown { .. }))
        .map(|(when, _)| (*when, *when))
        .collect();
    lanes.push(("failure shown".to_owned(), bar(&shown, total, '▲'), Tone::Bad));
    let name = lanes.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
    let mut text = format!("\n{:name$}  0s{:>width$}\n", "", seconds(total), width = WIDTH - 2);
    for (lane, bar, tone) in &lanes {
        text.push_str(format!("{lane:name$}  {}", style.paint(*tone, bar.trim_end())).trim_end());
        text.push('\n');
    }
    let waits = format!(
        "The tests took {ran} in all. An agent that waits for its commands is blocked for {ran}; this one spent {held} inside \
         tool calls.",
        ran = seconds(story.ran()),
        held = precise(story.held_up()),
    );
    text.push_str(&format!("\n{}\n", wrapped(&waits, 0)));
    for (promise, kept) in story.promises() {
        let (mark, tone) = if kept { ("✓", Tone::Good) } else { ("✕", Tone::Bad) };
        text.push_str(&format!("{} {promise}\n", style.paint(tone, mark)));
    }
    text
}

/// A bar over the whole width, marked where something was going on; the shortest moment has a mark.
fn bar(spans: &[(Millis, Millis)], total: Millis, mark: char) -> String {
    let column = |at: Millis| usize::try_from(at * (WIDTH as u64 - 1) / total).unwrap_or(0).min(WIDTH - 1);
    let mut cells = [' '; WIDTH];
    for (from, to) in spans {
        cells[column(*from)..=column((*to).max(*from))].fill(mark);
    }
    cells.iter().collect()
}

fn seconds(millis: Millis) -> String {
    format!("{}.{}s", millis / 1_000, millis % 1_000 / 100)
}

fn precise(millis: Millis) -> String {
    if millis < 1_000 { format!("{millis} ms") } else { seconds(millis) }
}

fn one_line(text: &str) -> String {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
