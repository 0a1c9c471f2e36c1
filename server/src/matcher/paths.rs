//! What a path says without a look at the disk.

use std::path::{Component, Path, PathBuf};

/// An absolute path without `.` and `..`; links are not followed.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
