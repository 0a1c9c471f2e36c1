//! `edit_file`: replaces text that occurs exactly, in a file that the model has read and that is still as it was then.
//! What does not fit is told with the reason and with what would.

use std::fmt::Write;
use std::ops::Range;

use super::change::change;
use super::files::{count, look, missing, push_numbered, shown, unseen};
use super::input::EditFile;
use super::nearest::{Difference, nearest};
use super::{Context, Output};
use crate::workspace::roots::absolute;

/// Lines shown before and after a change.
const AROUND: usize = 3;
/// Changed places that are shown, and lines of each.
const PLACES: usize = 3;
const PLACE_LINES: usize = 24;
/// Line numbers that are named when there are several matches.
const NAMED: usize = 100;

/// Replaces text in a file.
pub async fn edit(call: EditFile, context: Context) -> Result<Output, String> {
    let path = absolute(&context.cwd, &call.path);
    let name = shown(&context, &path);
    if call.old_string.is_empty() {
        return Err("`old_string` is empty: give the text to replace. A new file is made with write_file.".into());
    }
    let present =
        look(&context, path.clone()).await?.map_err(|why| format!("{} Nothing was changed.", why.tell(&name)))?;
    let Some(text) = &present.text else { return Err(missing(&context, &path).await) };
    if let Some(why) = unseen(&context, &present) {
        return Err(format!("{name} {why} Nothing was changed."));
    }
    let all = call.replace_all.unwrap_or(false);
    let replaced =
        replace(text, &call.old_string, &call.new_string, all).map_err(|why| why.tell(&name, text, &call))?;
    let mut places = String::new();
    for range in replaced.ranges.iter().take(PLACES) {
        if !places.is_empty() {
            places.push_str("…\n");
        }
        show(&mut places, &replaced.text, range);
    }
    let line = line_of(&replaced.text, replaced.ranges[0].start) as u32;
    let number = replaced.ranges.len();
    let mut output = change(&context, present, replaced.text, line).await?;
    let note = std::mem::take(&mut output.text);
    let _ = write!(output.text, "Edited {name}");
    if number > 1 {
        let _ = write!(output.text, " in {}", count(number, "place"));
    }
    let _ = writeln!(output.text, ".{}{note}", if note.is_empty() { "" } else { " " });
    output.text.push_str(&places);
    if number > PLACES {
        let _ = writeln!(output.text, "({} more)", count(number - PLACES, "place"));
    }
    Ok(output)
}

/// A text in which something was replaced, and where the new text is in it.
#[derive(Debug, PartialEq)]
struct Replaced {
    text: String,
    ranges: Vec<Range<usize>>,
}

/// Why nothing was replaced.
#[derive(Debug, PartialEq)]
enum Mismatch {
    Same,
    None,
    /// The lines where it occurs, 1-based.
    Many(Vec<usize>),
}

impl Mismatch {
    fn tell(&self, name: &str, text: &str, call: &EditFile) -> String {
        match self {
            Self::Same => "`old_string` and `new_string` are the same. Nothing was changed.".into(),
            Self::Many(lines) => {
                let named: Vec<String> = lines.iter().take(NAMED).map(usize::to_string).collect();
                let more = match lines.len().saturating_sub(NAMED) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!(
                    "`old_string` occurs {} times in {name}, at lines {}{more}. Add lines around it so that it is found once, or \
                     set `replace_all`. Nothing was changed.",
                    lines.len(),
                    named.join(", ")
                )
            }
            Self::None => {
                let mut told = format!("`old_string` does not occur in {name}. Nothing was changed.");
                if let Some(why) = reason(text, call) {
                    told.push(' ');
                    told.push_str(&why);
                }
                match nearest(text, &call.old_string) {
                    None => told.push_str(" Nothing in the file is like it: read the file again."),
                    Some(near) => {
                        let only = match near.difference {
                            Some(Difference::Space) => " (it differs in white space only)",
                            Some(Difference::Marks) => " (it differs in quotation marks, dashes or spaces only)",
                            Some(Difference::Case) => " (it differs in upper and lower case only)",
                            None => "",
                        };
                        let _ = writeln!(told, " The nearest text{only}:");
                        for (number, line) in
                            text.lines().enumerate().skip(near.first).take(near.count.min(PLACE_LINES))
                        {
                            push_numbered(&mut told, number + 1, line);
                        }
                    }
                }
                told
            }
        }
    }
}

/// A common reason why text is not found, where it is one.
fn reason(text: &str, call: &EditFile) -> Option<String> {
    let (text, _) = plain(text);
    let (old, new) = (call.old_string.replace("\r\n", "\n"), call.new_string.replace("\r\n", "\n"));
    if let Some(at) = text.find(&new).filter(|_| new.trim().chars().count() > 3) {
        return Some(format!("`new_string` is there already, at line {}: it may be done.", line_of(&text, at)));
    }
    let unnumbered: Option<Vec<&str>> = old.lines().map(without_number).collect();
    if unnumbered.is_some_and(|lines| !lines.is_empty() && text.contains(&lines.join("\n"))) {
        return Some("It begins with the line numbers that read_file shows: leave them out.".into());
    }
    if old.contains("\\n") && text.contains(&old.replace("\\n", "\n")) {
        return Some("It has a backslash and an `n` where the file has a line break.".into());
    }
    if text.contains('\r') && text.contains(&old.replace('\n', "\r")) {
        return Some("The file's line breaks are carriage returns alone: change it with bash.".into());
    }
    None
}

/// `12⇥text` without the number.
fn without_number(line: &str) -> Option<&str> {
    let (number, rest) = line.split_once('\t')?;
    (!number.is_empty() && number.trim_start().bytes().all(|byte| byte.is_ascii_digit())).then_some(rest)
}

/// Replaces the one occurrence, or all. The model writes `\n`: in a file with `\r\n` this matches it, and what is put in
/// gets the file's own line breaks. A line break at the end of `old` matches the end of a file that has none.
fn replace(text: &str, old: &str, new: &str, all: bool) -> Result<Replaced, Mismatch> {
    let (plain, windows) = plain(text);
    let (mut old, mut new) = (old.replace("\r\n", "\n"), new.replace("\r\n", "\n"));
    if old == new {
        return Err(Mismatch::Same);
    }
    let mut starts: Vec<usize> = plain.match_indices(&old).map(|(at, _)| at).collect();
    if starts.is_empty()
        && let Some(line) = old.strip_suffix('\n')
        && !line.is_empty()
        && plain.ends_with(line)
    {
        old.truncate(line.len());
        new.truncate(new.strip_suffix('\n').unwrap_or(&new).len());
        starts.push(plain.len() - old.len());
    }
    if starts.is_empty() {
        return Err(Mismatch::None);
    }
    if starts.len() > 1 && !all {
        return Err(Mismatch::Many(starts.into_iter().map(|at| line_of(&plain, at)).collect()));
    }
    if windows.len() * 2 > plain.matches('\n').count() {
        new = new.replace('\n', "\r\n");
    }
    let original = |at: usize| at + windows.partition_point(|line_break| *line_break < at);
    let mut replaced = Replaced { text: String::with_capacity(text.len() + new.len()), ranges: Vec::new() };
    let mut copied = 0;
    for start in starts {
        replaced.text.push_str(&text[copied..original(start)]);
        let at = replaced.text.len();
        replaced.text.push_str(&new);
        replaced.ranges.push(at..replaced.text.len());
        copied = original(start + old.len());
    }
    replaced.text.push_str(&text[copied..]);
    Ok(replaced)
}

/// The text with `\n` for every `\r\n`, and where in it those are.
fn plain(text: &str) -> (String, Vec<usize>) {
    let mut out = String::with_capacity(text.len());
    let mut breaks = Vec::new();
    let mut parts = text.split("\r\n");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        breaks.push(out.len());
        out.push('\n');
        out.push_str(part);
    }
    (out, breaks)
}

/// The line of a byte, 1-based.
fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Adds the numbered lines of a place and a few around it.
fn show(out: &mut String, text: &str, place: &Range<usize>) {
    let (first, last) = (line_of(text, place.start), line_of(text, place.end.max(place.start + 1) - 1).max(1));
    let from = first.saturating_sub(AROUND + 1);
    let wanted = last + AROUND - from;
    for (number, line) in text.lines().enumerate().skip(from).take(wanted.min(PLACE_LINES)) {
        push_numbered(out, number + 1, line);
    }
    if wanted > PLACE_LINES {
        let rest = text.lines().count().saturating_sub(from + PLACE_LINES).min(wanted - PLACE_LINES);
        let _ = writeln!(out, "({} not shown)", count(rest, "more line"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn line_breaks_do_not_matter_to_a_replacement(
            text in "([ab]|\n|\r\n){0,12}", old in "[ab\n]{1,3}", new in "[xy\n]{0,3}",
        ) {
            let plain_text = text.replace("\r\n", "\n");
            match replace(&text, &old, &new, true) {
                Ok(replaced) => {
                    prop_assert!(replaced.ranges.iter().all(|range| replaced.text[range.clone()].replace("\r\n", "\n") == new
                        || old.ends_with('\n')));
                    if plain_text.contains(&old) {
                        prop_assert_eq!(replaced.text.replace("\r\n", "\n"), plain_text.replace(&old, &new));
                    } else {
                        prop_assert_eq!((plain_text + "\n").contains(&old), true);
                    }
                }
                Err(why) => {
                    prop_assert_eq!(&why, if old == new { &Mismatch::Same } else { &Mismatch::None });
                    prop_assert!(old == new || !plain_text.contains(&old));
                }
            }
        }
    }
}
