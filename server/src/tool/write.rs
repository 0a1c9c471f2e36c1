//! `write_file`: a whole file.

use super::change::change;
use super::files::{count, look, shown, unseen};
use super::input::WriteFile;
use super::{Context, Output};
use crate::workspace::roots::absolute;

/// Writes a whole file. One that exists must have been read as it is now, so that no unknown text is lost.
pub async fn write(call: WriteFile, context: Context) -> Result<Output, String> {
    let path = absolute(&context.cwd, &call.path);
    let name = shown(&context, &path);
    let present = look(&context, path).await?.map_err(|why| format!("{} Nothing was written.", why.tell(&name)))?;
    if let Some(why) = unseen(&context, &present) {
        return Err(format!("{name} {why} Nothing was written."));
    }
    let old = present.text.as_deref().unwrap_or_default();
    let text = like(old, call.content);
    if present.text.as_deref() == Some(&text) {
        return Ok(Output { text: format!("{name} holds exactly this text already."), ..Output::default() });
    }
    let lines = count(text.lines().count(), "line");
    let done = match &present.text {
        None => format!("Created {name} ({lines})."),
        Some(old) => format!("Wrote {name} ({lines}, before {}).", old.lines().count()),
    };
    let mut output = change(&context, present, text, 1).await?;
    output.text = if output.text.is_empty() { done } else { format!("{done} {}", output.text) };
    Ok(output)
}

/// The new text with the line breaks and the byte-order mark of the old one. A new file is what the model wrote.
fn like(old: &str, mut new: String) -> String {
    if old.is_empty() {
        return new;
    }
    let (all, windows) = (old.matches('\n').count(), old.matches("\r\n").count());
    if all > 0 {
        new = new.replace("\r\n", "\n");
        if windows * 2 > all {
            new = new.replace('\n', "\r\n");
        }
    }
    if old.starts_with('\u{feff}') && !new.starts_with('\u{feff}') {
        new.insert(0, '\u{feff}');
    }
    new
}
