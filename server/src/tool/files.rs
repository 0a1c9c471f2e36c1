//! What the file tools share: what a file holds now, in the editor or on disk; what identifies it; how paths, lines and
//! failures are told to the model.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::nearest::close_names;
use super::{Context, Fingerprint};
use crate::workspace::documents::{Document, Documents, same_text};
use crate::workspace::roots::{absolute, real_path};

/// A larger file is not read.
const MAX_FILE: u64 = 32 << 20;

/// Zero bytes this far from the start make a file binary.
const BINARY_LOOK: usize = 8 << 10;

/// Files of a folder among which a name is looked for that is like one that is not there.
const MOST_SIBLINGS: usize = 10_000;

/// Characters of one line that the model is shown.
pub(super) const MAX_LINE: usize = 2000;

/// A file as it is now.
#[derive(Debug)]
pub(super) struct Present {
    pub path: PathBuf,
    /// Links followed. The key of [`Context::seen`], so that every spelling of a path is the same file.
    pub real: PathBuf,
    /// `None`: there is no such file.
    pub text: Option<String>,
    /// The open document that holds the text. `None` where none is open, and where the disk is newer than a clean one.
    pub document: Option<Document>,
    /// The editor shows as text what is no UTF-8 on disk: only the editor can write it.
    pub foreign: bool,
}

/// Why a path cannot be read as text.
#[derive(Debug)]
pub(super) enum Unreadable {
    Folder,
    /// A pipe, a socket, a device.
    Special,
    Large(u64),
    Binary(u64),
    NotUtf8(Vec<u8>),
    Io(io::Error),
}

impl Unreadable {
    /// For the model, with the remedy.
    pub(super) fn tell(&self, shown: &str) -> String {
        match self {
            Self::Folder => format!("{shown} is a folder. List it with glob, pattern `*` and this path."),
            Self::Special => format!("{shown} is no regular file (a pipe, a socket or a device)."),
            Self::Large(bytes) => format!(
                "{shown} has {bytes} bytes; more than {MAX_FILE} are not read at once. Find the place with grep, or show \
                 some lines with bash, for instance `sed -n '100,200p'`."
            ),
            Self::Binary(bytes) => {
                format!(
                    "{shown} is a binary file of {bytes} bytes. Look at it with bash, for instance `file` or `xxd | head`."
                )
            }
            Self::NotUtf8(_) => {
                format!("{shown} is text, but not UTF-8. Change it with bash, for instance `iconv`, or in the editor.")
            }
            Self::Io(error) => format!("{shown}: {error}."),
        }
    }
}

/// Runs blocking work; a panic in it is told, not spread.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| "Pillion failed inside this tool; nothing more is known.".into())
}

/// Fails for a path in the workspace whose links lead out of it: what a call may do was judged by the path as it is
/// written. By its real path the call is judged for what it is.
pub(super) async fn stays_inside(context: &Context, path: &str) -> Result<(), String> {
    let (path, roots) = (absolute(&context.cwd, path), context.roots.clone());
    let shown = shown(context, &path);
    blocking(move || {
        if roots.all().any(|root| path.starts_with(root)) && !roots.contains(&path) {
            let real = real_path(&path).display().to_string();
            return Err(format!(
                "{shown} leads to {real}, outside of the workspace. Name {real} itself if it is meant."
            ));
        }
        Ok(())
    })
    .await?
}

/// What a path holds now.
pub(super) async fn look(context: &Context, path: PathBuf) -> Result<Result<Present, Unreadable>, String> {
    let (documents, can_save) = (context.editor.documents(), context.editor.can_save());
    blocking(move || look_now(path, &documents, can_save)).await
}

fn look_now(path: PathBuf, documents: &Documents, can_save: bool) -> Result<Present, Unreadable> {
    let real = real_path(&path);
    let document =
        documents.get(&path).or_else(|| documents.all().find(|document| real_path(&document.path) == real)).cloned();
    let Some(document) = document else {
        return Ok(Present { text: on_disk(&path)?, path, real, document: None, foreign: false });
    };
    let held = Some(document.text.to_string());
    if document.is_dirty() {
        return Ok(Present { path, real, text: held, document: Some(document), foreign: false });
    }
    let (text, document, foreign) = match on_disk(&path) {
        Ok(None) if document.text.is_empty() => (None, Some(document), false),
        // What is written on disk is made from the disk's text: the editor's may lack a byte-order mark.
        Ok(Some(disk)) if same_text(&disk, &document.text) => {
            (if can_save { held } else { Some(disk) }, Some(document), false)
        }
        Err(Unreadable::NotUtf8(_)) => (held, Some(document), true),
        // Changed or removed behind the editor's back: the disk is newer.
        other => (other?, None, false),
    };
    Ok(Present { path, real, text, document, foreign })
}

/// A file's text; `None` when there is no such file.
pub(super) fn on_disk(path: &Path) -> Result<Option<String>, Unreadable> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unreadable::Io(error)),
    };
    if metadata.is_dir() {
        return Err(Unreadable::Folder);
    }
    if !metadata.is_file() {
        return Err(Unreadable::Special);
    }
    let mut bytes = Vec::new();
    // Some files (`/proc`) have more than they say.
    let read = fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    read.map_err(Unreadable::Io)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Unreadable::Large(metadata.len()));
    }
    if bytes[..bytes.len().min(BINARY_LOOK)].contains(&0) {
        return Err(Unreadable::Binary(bytes.len() as u64));
    }
    String::from_utf8(bytes).map(Some).map_err(|error| Unreadable::NotUtf8(error.into_bytes()))
}

/// What identifies a text. The byte-order mark, the kind of line breaks and the last one do not count: an editor may show
/// them differently than the disk.
pub fn fingerprint(text: &str) -> Fingerprint {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    let mut hasher = DefaultHasher::new();
    let mut length = 0;
    for line in text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
        line.hash(&mut hasher);
        length += line.len() as u64 + 1;
    }
    Fingerprint { length, hash: hasher.finish() }
}

/// Why a file that exists must be read before it is changed: the model has not seen it, or not as it is now. `None` when it
/// has.
pub(super) fn unseen(context: &Context, present: &Present) -> Option<&'static str> {
    let text = present.text.as_deref().filter(|text| !text.is_empty())?;
    match context.seen.get(&present.real) {
        None => Some("exists and has not been read in this session: read it with read_file first."),
        Some(seen) if *seen != fingerprint(text) => Some("has changed since you read it: read it again."),
        Some(_) => None,
    }
}

/// A path as the model is told it: relative where relative paths start.
pub(super) fn shown(context: &Context, path: &Path) -> String {
    match path.strip_prefix(&context.cwd) {
        Ok(rest) if rest.as_os_str().is_empty() => ".".into(),
        Ok(rest) => rest.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// Adds `12⇥text` and a line break. A very long line is cut, and the cut counted.
pub(super) fn push_numbered(out: &mut String, number: usize, line: &str) {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let _ = match line.char_indices().nth(MAX_LINE) {
        None => writeln!(out, "{number}\t{line}"),
        Some((cut, _)) => {
            writeln!(out, "{number}\t{}… ({} more characters)", &line[..cut], line[cut..].chars().count())
        }
    };
}

/// `1 line`, `2 lines`.
pub(super) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// There is no such file: says so, and which one may be meant.
pub(super) async fn missing(context: &Context, path: &Path) -> String {
    let (at, roots) = (path.to_owned(), context.roots.clone());
    let found = blocking(move || {
        let name = at.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = at.parent().unwrap_or(Path::new("/"));
        let siblings = fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_SIBLINGS);
        let siblings = siblings.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut found: Vec<PathBuf> = close_names(&name, siblings).map(|name| folder.join(name)).collect();
        let walks = roots.all().map(|root| ignore::WalkBuilder::new(root).require_git(false).build());
        let same_name = walks.flat_map(|walk| walk.take(50_000)).flatten();
        found.extend(
            same_name.filter(|entry| entry.file_name().to_string_lossy() == name).map(|e| e.into_path()).take(2),
        );
        found
    })
    .await
    .unwrap_or_default();
    let mut text = format!("There is no file {}.", shown(context, path));
    if !found.is_empty() {
        let found: Vec<String> = found.iter().map(|path| shown(context, path)).collect();
        let _ = write!(text, " Is {} meant?", found.join(" or "));
    } else {
        text.push_str(" Find it with glob.");
    }
    text
}
