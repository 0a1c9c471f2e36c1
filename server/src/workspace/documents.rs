//! The editor's open documents, as a snapshot: written by the edge alone, read by everybody. A document is dirty when it
//! holds text that the person has not saved.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One open document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The URI exactly as the client spelled it.
    pub uri: String,
    pub path: PathBuf,
    pub version: i32,
    pub text: Arc<str>,
    /// The text as it was last known to be on disk through this editor (at open or save); equal to `text` when clean.
    pub saved: Arc<str>,
}

impl Document {
    /// True when it holds text that is not saved.
    pub fn is_dirty(&self) -> bool {
        self.text != self.saved
    }
}

/// All open documents at one moment. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    by_path: Arc<HashMap<PathBuf, Document>>,
}

impl Documents {
    /// The open document of a path.
    pub fn get(&self, path: &Path) -> Option<&Document> {
        self.by_path.get(path)
    }

    /// All open documents, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Document> {
        self.by_path.values()
    }

    /// The open documents with unsaved text, sorted by path.
    pub fn unsaved(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = self
            .by_path
            .values()
            .filter(|document| document.is_dirty())
            .map(|document| document.path.clone())
            .collect();
        paths.sort();
        paths
    }

    /// A hash over the unsaved texts below a folder, and where they are; 0 when there are none. The same text at the same
    /// place gives the same hash, in every process.
    pub fn unsaved_hash(&self, root: &Path) -> u64 {
        let unsaved = self.all().filter(|document| document.is_dirty() && document.path.starts_with(root));
        unsaved.fold(0, |sum, document| {
            let path = document.path.as_os_str().as_encoded_bytes();
            // FNV-1a; the sum has no order, as the documents have none.
            let bytes = path.iter().chain(&[0]).chain(document.text.as_bytes());
            let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
            sum.wrapping_add(hash)
        })
    }

    /// The same snapshot with a document opened or replaced.
    pub fn with(&self, document: Document) -> Self {
        let mut by_path = (*self.by_path).clone();
        by_path.insert(document.path.clone(), document);
        Self { by_path: Arc::new(by_path) }
    }

    /// The same snapshot without a document.
    pub fn without(&self, path: &Path) -> Self {
        let mut by_path = (*self.by_path).clone();
        by_path.remove(path);
        Self { by_path: Arc::new(by_path) }
    }
}

/// Whole lines that a change replaced, so that what hangs on lines can move with them: lines `start_line` to
/// `old_end_line` (0-based, the end not included) became `new_line_count` lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineEdit {
    pub path: PathBuf,
    pub start_line: u32,
    pub old_end_line: u32,
    pub new_line_count: u32,
}

/// Whether two texts are the same to a person. Editors leave out the byte-order mark, may show `\r\n` as `\n`, and add a
/// final line break where there is none.
pub fn same_text(one: &str, other: &str) -> bool {
    fn lines(text: &str) -> impl Iterator<Item = &str> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line))
    }
    one == other || lines(one).eq(lines(other))
}
