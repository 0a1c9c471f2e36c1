//! The real file system behind the matchers' [`Files`](crate::matcher::Files) port, with a small cache.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::matcher::Files;

/// Bytes of the largest file that a matcher should look at.
const MAX_FILE: u64 = 1024 * 1024;
/// Files of one extension that are listed.
const MAX_FILES: usize = 5_000;

/// Files below one folder. The list of files is read once.
pub struct DiskFiles {
    root: PathBuf,
    listed: Mutex<Option<Vec<PathBuf>>>,
}

impl DiskFiles {
    /// The files below `root`, which is absolute.
    pub fn new(root: PathBuf) -> Self {
        Self { root, listed: Mutex::new(None) }
    }
}

impl Files for DiskFiles {
    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn read(&self, path: &Path) -> Option<String> {
        let size = path.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
        if size > MAX_FILE {
            return None;
        }
        let bytes = std::fs::read(path).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn with_extension(&self, extension: &str) -> Vec<PathBuf> {
        let mut listed = self.listed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let files = listed.get_or_insert_with(|| {
            let walk = ignore::WalkBuilder::new(&self.root).require_git(false).build();
            let files =
                walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
            files.map(ignore::DirEntry::into_path).take(100_000).collect()
        });
        let wanted = |path: &&PathBuf| path.extension().is_some_and(|known| known == extension);
        files.iter().filter(wanted).take(MAX_FILES).cloned().collect()
    }
}
