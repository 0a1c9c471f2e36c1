//! Keeps the snapshot of the open documents as the client tells it: open, change, save, close. The snapshot's only writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tower_lsp::ls_types::TextDocumentContentChangeEvent;

use super::text::{changed_lines, replace};
use super::uri;
use crate::diagnostics::{shift, unsaved};
use crate::workspace::documents::{Document, Documents, LineEdit, same_text};

/// A file larger than this is not compared with the disk: it counts as it was opened.
const MAX_COMPARED: u64 = 16 << 20;

/// The open documents, as told by the client.
#[derive(Debug, Default)]
pub struct OpenDocuments {
    snapshot: watch::Sender<Documents>,
}

impl OpenDocuments {
    /// The documents now, and at every change.
    pub fn subscribe(&self) -> watch::Receiver<Documents> {
        self.snapshot.subscribe()
    }

    /// The documents now.
    pub fn now(&self) -> Documents {
        self.snapshot.borrow().clone()
    }

    /// `textDocument/didOpen`. A document whose text is not the file's holds text that an editor restored or made up, and
    /// is dirty from the start. Documents that are no files are not kept. Gives the lines that are elsewhere than in the
    /// file, the last first.
    pub fn did_open(&self, uri: &str, version: i32, text: String) -> Vec<LineEdit> {
        let Some(path) = uri::to_path(uri) else { return Vec::new() };
        let text: Arc<str> = text.into();
        let saved = match on_disk(&path) {
            OnDisk::Text(disk) if !same_text(&disk, &text) => disk.into(),
            OnDisk::Missing if !text.is_empty() => "".into(),
            _ => Arc::clone(&text),
        };
        let edits = moved(&path, &saved, &text);
        self.put(Document { uri: uri.to_owned(), path, version, text, saved });
        edits
    }

    /// `textDocument/didChange`, whole texts and ranges. Gives the lines that moved, in the order of the changes.
    pub fn did_change(
        &self,
        uri: &str,
        version: i32,
        changes: impl IntoIterator<Item = TextDocumentContentChangeEvent>,
    ) -> Vec<LineEdit> {
        let Some(mut document) = self.get(uri) else {
            tracing::warn!(uri, "a change of a document that is not open");
            return Vec::new();
        };
        let mut text = String::from(&*document.text);
        let mut edits = Vec::new();
        for change in changes {
            let lines = match change.range {
                Some(range) => replace(&mut text, range, &change.text),
                None => {
                    let lines = changed_lines(&text, &change.text);
                    text = change.text;
                    lines
                }
            };
            if let Some((old, new_line_count)) = lines {
                let path = document.path.clone();
                edits.push(LineEdit { path, start_line: old.start, old_end_line: old.end, new_line_count });
            }
        }
        document.version = version;
        document.text = text.into();
        // An editor that reloads a file, or undoes up to the saved state, says no more than this.
        if document.is_dirty() && is_on_disk(&document.path, &document.text) {
            document.saved = Arc::clone(&document.text);
        }
        self.put(document);
        edits
    }

    /// `textDocument/didSave`. Gives the path when the document is open.
    pub fn did_save(&self, uri: &str) -> Option<PathBuf> {
        let mut document = self.get(uri)?;
        document.saved = Arc::clone(&document.text);
        let path = document.path.clone();
        self.put(document);
        Some(path)
    }

    /// The client says that it has saved a document; its `didSave` may still be on the way. The disk decides.
    pub fn check_saved(&self, uri: &str) {
        let Some(mut document) = self.get(uri) else { return };
        if document.is_dirty() && is_on_disk(&document.path, &document.text) {
            document.saved = Arc::clone(&document.text);
            self.put(document);
        }
    }

    /// `textDocument/didClose`. Gives the path when the document was open, and the lines that go back to where the file has
    /// them because unsaved text is given up, the last first.
    pub fn did_close(&self, uri: &str) -> Option<(PathBuf, Vec<LineEdit>)> {
        let Document { path, text, saved, .. } = self.get(uri)?;
        self.snapshot.send_modify(|documents| *documents = documents.without(&path));
        let edits = moved(&path, &text, &saved);
        Some((path, edits))
    }

    fn get(&self, uri: &str) -> Option<Document> {
        self.snapshot.borrow().get(&uri::to_path(uri)?).cloned()
    }

    fn put(&self, document: Document) {
        self.snapshot.send_modify(|documents| *documents = documents.with(document));
    }
}

/// The lines that are elsewhere in `now` than in `before`, the last first.
fn moved(path: &Path, before: &str, now: &str) -> Vec<LineEdit> {
    if before == now {
        return Vec::new();
    }
    let edit = |edit: shift::LineEdit| LineEdit {
        path: path.to_owned(),
        start_line: edit.start,
        old_end_line: edit.old_end,
        new_line_count: edit.new_lines,
    };
    unsaved::edits(before, now).into_iter().map(edit).collect()
}

enum OnDisk {
    Text(String),
    Missing,
    /// Too large, no UTF-8, not readable.
    Unknown,
}

fn on_disk(path: &Path) -> OnDisk {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => OnDisk::Missing,
        Ok(file) if file.is_file() && file.len() <= MAX_COMPARED => {
            std::fs::read_to_string(path).map_or(OnDisk::Unknown, OnDisk::Text)
        }
        _ => OnDisk::Unknown,
    }
}

/// Whether the file holds this text. The file is read only when its length makes it possible: this runs at every key.
fn is_on_disk(path: &Path, text: &str) -> bool {
    let length = text.len() as u64;
    let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64;
    // A byte-order mark, a final line break, two-byte line breaks.
    let possible = |file: u64| {
        [length, length + breaks].iter().any(|length| (length.saturating_sub(2)..=length + 5).contains(&file))
    };
    std::fs::metadata(path).is_ok_and(|file| possible(file.len()))
        && matches!(on_disk(path), OnDisk::Text(disk) if same_text(&disk, text))
}

#[cfg(test)]
mod tests;
