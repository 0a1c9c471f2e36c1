//! What the tools may ask of the editor, and in `lent` what models may be asked of it. The edge implements it over LSP;
//! tests implement it in memory.

pub mod lent;

use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;

use super::documents::Documents;
use crate::problem::Severity;

/// A replacement of a whole document's text, checked against the version that the tool looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentEdit {
    pub uri: String,
    pub version: i32,
    pub old_text: String,
    pub new_text: String,
    /// A few words for the editor's undo list.
    pub label: String,
}

/// A diagnostic that the editor shows, of a source of its own: a language server, a linter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditorProblem {
    pub path: PathBuf,
    /// 1-based; columns count UTF-16 units.
    pub line: u32,
    pub column: u32,
    pub severity: Severity,
    pub message: String,
    pub source: Option<String>,
    pub code: Option<String>,
}

/// What the editor says of its own diagnostics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditorDiagnostics {
    /// This client does not tell them.
    NotOffered,
    /// Why they are not known now.
    Failed(String),
    Found {
        problems: Vec<EditorProblem>,
        /// Those above the cap.
        omitted: usize,
    },
}

/// The editor as the tools see it.
pub trait Editor: Send + Sync {
    /// The open documents now.
    fn documents(&self) -> Documents;

    /// Applies an edit to an open document (`workspace/applyEdit`, versioned). `Err` says why the editor refused.
    fn apply(&self, edit: DocumentEdit) -> BoxFuture<'_, Result<(), String>>;

    /// Saves an open document (`pillion/document/save`). `Err` says why not.
    fn save(&self, path: &Path) -> BoxFuture<'_, Result<(), String>>;

    /// False for a plain client, which cannot save on request: its clean documents are written on disk instead, and the
    /// editor reloads them.
    fn can_save(&self) -> bool;

    /// The editor's own diagnostics of a file, below a folder, or all (`pillion/diagnostics/get`); Pillion's are left out.
    fn diagnostics(&self, of: Option<PathBuf>) -> BoxFuture<'_, EditorDiagnostics> {
        drop(of);
        Box::pin(std::future::ready(EditorDiagnostics::NotOffered))
    }

    /// Files were written on disk; an editor that has them open should look.
    fn changed_on_disk(&self, paths: &[PathBuf]);
}
