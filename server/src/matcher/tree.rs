//! Files that a test names by path and text.

use std::path::{Path, PathBuf};

use super::Files;

/// Paths and texts.
pub(crate) struct Tree(pub(crate) &'static [(&'static str, &'static str)]);

impl Files for Tree {
    fn is_file(&self, path: &Path) -> bool {
        self.read(path).is_some()
    }

    fn read(&self, path: &Path) -> Option<String> {
        self.0.iter().find(|(known, _)| Path::new(known) == path).map(|(_, text)| (*text).to_owned())
    }

    fn with_extension(&self, extension: &str) -> Vec<PathBuf> {
        let paths = self.0.iter().map(|(path, _)| PathBuf::from(path));
        paths.filter(|path| path.extension().is_some_and(|it| it == extension)).collect()
    }
}
