//! Reads what a person's prompt points at (`agent/mentions`): files as `read_file` shows them, folders, the end of a task's
//! output. A person may point at anything that they can read, outside of the workspace too.

use std::path::{Path, PathBuf};

use super::files::{blocking, shown};
use super::input::ReadFile;
use super::{Context, SeenFile};
use crate::agent::mentions::{self, Lines, Wanted, element, looks_like_path};
use crate::task::run::OutputRange;
use crate::task::slice;
use crate::workspace::roots::absolute;
use crate::workspace::uri;

/// Entries of a folder that are listed.
const ENTRIES: usize = 200;
/// Of a task's output.
const TAIL_LINES: u32 = 60;
const TAIL_BYTES: u64 = 8_000;

/// The block for the mentions of one prompt, and what the model sees thereby of which file. `more` mentions were left out.
pub async fn read(wanted: Vec<Wanted>, more: usize, context: &Context) -> (Option<String>, Vec<SeenFile>) {
    let mut pieces = Vec::new();
    let mut seen = Vec::new();
    for wanted in wanted {
        let piece = match wanted {
            Wanted::Known(text) => Some(text),
            Wanted::Task { id, head, output } => Some(task(&id, head, output).await),
            Wanted::Path { path, lines } => match place(&path, context) {
                Some(found) => Some(file_or_folder(found, lines, context, &mut seen).await),
                None => looks_like_path(&path).then(|| format!("(@{path}: there is no such file.)")),
            },
            Wanted::Link { uri, lines } => Some(match uri::to_path(&uri) {
                Some(path) if path.exists() => file_or_folder(path, lines, context, &mut seen).await,
                Some(path) => format!("({}: there is no such file.)", path.display()),
                None => format!("({uri}: only files can be read.)"),
            }),
        };
        pieces.extend(piece);
    }
    (mentions::block(&pieces, more), seen)
}

/// Where a typed path leads: from the session's folder, else from a root of the workspace.
fn place(path: &str, context: &Context) -> Option<PathBuf> {
    let starts = std::iter::once(context.cwd.as_path()).chain(context.roots.all());
    starts.map(|start| absolute(start, path)).find(|path| path.exists())
}

async fn file_or_folder(path: PathBuf, lines: Option<Lines>, context: &Context, seen: &mut Vec<SeenFile>) -> String {
    let name = shown(context, &path);
    let is_outside = !context.roots.contains(&path);
    let note = if is_outside { "(outside of the workspace; the user pointed at it)\n" } else { "" };
    if path.is_dir() {
        let listed = blocking(move || list(&path)).await.and_then(|listed| listed);
        let text = listed.unwrap_or_else(|why| format!("(it cannot be listed: {why})"));
        return element("folder", &[("path", &name)], &format!("{note}{text}"));
    }
    let (offset, limit) = match lines {
        Some((first, last)) => (Some(first), Some(last - first + 1)),
        None => (None, None),
    };
    let call = ReadFile { path: path.display().to_string(), offset, limit };
    let span = lines.map(|(first, last)| format!("{first}-{last}"));
    let mut attributes = vec![("path", name.as_str())];
    attributes.extend(span.as_deref().map(|span| ("lines", span)));
    match super::read::read(call, context.clone()).await {
        Ok(output) => {
            seen.extend(output.seen);
            element("file", &attributes, &format!("{note}{}", output.text))
        }
        Err(why) => element("file", &attributes, &format!("({why})")),
    }
}

/// The names in a folder, folders with a slash.
fn list(path: &Path) -> Result<String, String> {
    let entries = std::fs::read_dir(path).map_err(|error| error.to_string())?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| {
            let slash = if entry.path().is_dir() { "/" } else { "" };
            format!("{}{slash}", entry.file_name().to_string_lossy())
        })
        .collect();
    names.sort();
    let left_out = names.len().saturating_sub(ENTRIES);
    names.truncate(ENTRIES);
    if left_out > 0 {
        names.push(format!("(and {left_out} more)"));
    }
    Ok(if names.is_empty() { "(it is empty)".into() } else { names.join("\n") })
}

async fn task(id: &str, head: String, output: PathBuf) -> String {
    let tail = if output.as_os_str().is_empty() {
        None
    } else {
        let range = OutputRange::Tail { lines: TAIL_LINES, limit: TAIL_BYTES };
        blocking(move || slice::read(&output, range).ok()).await.ok().flatten()
    };
    let tail = tail.map(|slice| slice.text).filter(|text| !text.trim().is_empty());
    element("task", &[("id", id)], &format!("{head}\n{}", tail.as_deref().unwrap_or("(no output)")))
}
