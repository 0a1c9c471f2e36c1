//! Finds problems, test results and counts in a command's output, while it is written. Pure: bytes in, findings out, and
//! the same findings for any cut of the bytes. Matchers know no task, no session and no LSP; files are seen through
//! [`Files`] alone.

pub mod engine;

use std::path::{Path, PathBuf};

pub use engine::Engine;

/// What matchers may ask of the file system: to resolve a printed path, to find a test's function by its name.
pub trait Files: Send + Sync {
    /// True when `path` is a file.
    fn is_file(&self, path: &Path) -> bool;

    /// The text of a file; `None` when it cannot be read or is larger than a matcher should look at (1 MiB).
    fn read(&self, path: &Path) -> Option<String>;

    /// Files of the workspace with this extension (`rs`, `py`, …), ignore rules obeyed, at most 5,000.
    fn with_extension(&self, extension: &str) -> Vec<PathBuf>;
}

/// What is known before the first line.
#[derive(Clone, Debug)]
pub struct Origin {
    pub command: String,
    /// Where the command runs; absolute.
    pub cwd: PathBuf,
    /// The workspace's root; absolute.
    pub root: PathBuf,
}
