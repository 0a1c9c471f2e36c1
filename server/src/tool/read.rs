//! `read_file`: a text file, with line numbers.

use super::files::{Unreadable, fingerprint, look, missing, push_numbered, shown};
use super::input::ReadFile;
use super::{Context, Location, Output};
use crate::workspace::roots::absolute;

const LINES: u32 = 2000;

/// Reads a file: the open document's text where it is open.
pub async fn read(call: ReadFile, context: Context) -> Result<Output, String> {
    let path = absolute(&context.cwd, &call.path);
    let name = shown(&context, &path);
    let mut notes = Vec::new();
    let mut output = Output::default();
    let text = match look(&context, path.clone()).await? {
        Ok(present) => {
            let Some(text) = present.text else { return Err(missing(&context, &path).await) };
            if present.document.is_some_and(|document| document.is_dirty()) {
                notes.push(
                    "this is the editor's text with the person's unsaved changes; commands see the older text on disk"
                        .into(),
                );
            }
            output.seen.push((present.real, fingerprint(&text)));
            text
        }
        Err(Unreadable::NotUtf8(bytes)) => {
            notes.push("not UTF-8: what cannot be read is shown as \u{fffd}, and edits are refused".into());
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Err(why) => return Err(why.tell(&name)),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let total = text.lines().count();
    let first = call.offset.unwrap_or(1).max(1) as usize;
    output.locations.push(Location { path, line: Some(first as u32) });
    if total == 0 {
        notes.push("the file is empty".into());
    } else if first > total {
        return Err(format!(
            "{name} has only {}; offset {first} is behind its end.",
            super::files::count(total, "line")
        ));
    }
    let limit = call.limit.unwrap_or(LINES).max(1) as usize;
    let (mut next, mut used) = (first, 0);
    for line in text.lines().skip(first - 1).take(limit) {
        let before = output.text.len();
        push_numbered(&mut output.text, next, line);
        used += output.text[before..].chars().count();
        if used > context.max_result && next > first {
            output.text.truncate(before);
            break;
        }
        next += 1;
    }
    if next <= total {
        notes.push(format!("lines {first} to {} of {total}; go on with offset {next}", next - 1));
    }
    for note in notes {
        output.text.push_str(&format!("({note})\n"));
    }
    Ok(output)
}
