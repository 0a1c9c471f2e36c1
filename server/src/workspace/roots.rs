//! The workspace's folders, and whether a path lies inside them.

use std::path::{Component, Path, PathBuf};

/// The folders of the workspace. The first one gives the workspace its identity and never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    first: PathBuf,
    further: Vec<PathBuf>,
}

impl Roots {
    /// A workspace with one canonical folder.
    pub fn new(first: PathBuf) -> Self {
        Self { first, further: Vec::new() }
    }

    /// The same workspace with more folders.
    pub fn with(mut self, further: Vec<PathBuf>) -> Self {
        self.further = further;
        self
    }

    /// The folder that gives the workspace its identity.
    pub fn first(&self) -> &Path {
        &self.first
    }

    /// All folders.
    pub fn all(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.first.as_path()).chain(self.further.iter().map(PathBuf::as_path))
    }

    /// True when the path, as it is written and where its links lead, lies in the workspace.
    pub fn contains(&self, path: &Path) -> bool {
        let real = real_path(path);
        self.all().any(|root| {
            let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
            real.starts_with(&root)
        })
    }
}

/// An absolute path without `.` and `..`; relative ones start at `base`. Links are not followed.
pub fn absolute(base: &Path, path: &str) -> PathBuf {
    normal(&base.join(path))
}

/// A path without `.` and `..`. Links are not followed.
pub fn normal(path: &Path) -> PathBuf {
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

/// The real path of a file that may not exist yet: its nearest existing ancestor, links followed, and the rest.
pub fn real_path(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut at = path;
    loop {
        if let Ok(real) = at.canonicalize() {
            return rest.iter().rev().fold(real, |path, name| path.join(name));
        }
        match (at.parent(), at.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name.to_owned());
                at = parent;
            }
            _ => return path.to_owned(),
        }
    }
}
