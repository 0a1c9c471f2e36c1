//! The agent's edits: `pillion/change/*`.

use serde::{Deserialize, Serialize};

/// `pillion/change/list`, `…/accept`, `…/revert`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeParams {
    pub session_id: String,
    #[serde(default)]
    pub turn_id: Option<String>,
    /// A path or a `file:` URI.
    #[serde(default)]
    pub path: Option<String>,
    /// A hunk's `index`; needs `turnId` and `path`.
    #[serde(default)]
    pub hunk: Option<usize>,
    /// Of a revert: it is in the files already, by an undo or by hand. Nothing is written.
    #[serde(default)]
    pub gone: bool,
}

#[derive(Debug, Serialize)]
pub struct ChangesResult {
    pub changes: Vec<Change>,
    /// What a person must know besides, for instance that a document was not saved.
    pub notes: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub path: String,
    pub turn_id: String,
    /// `create`, `edit`, `delete`.
    pub kind: &'static str,
    /// `pending`, `accepted`, `reverted`.
    pub state: &'static str,
    pub diff: String,
    pub omitted_lines: usize,
    pub omitted_bytes: u64,
    pub hunks: Vec<Hunk>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hunk {
    pub index: usize,
    pub old_start: usize,
    pub old_lines: usize,
    pub new_start: usize,
    pub new_lines: usize,
    pub state: &'static str,
}
