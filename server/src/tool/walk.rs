//! Walking a folder as people see it: what ignore files name and what is hidden is left out.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use globset::{GlobBuilder, GlobMatcher};
use ignore::{DirEntry, WalkBuilder, WalkState};

/// A name pattern, and the folder that it starts in.
#[derive(Debug)]
pub(super) struct Pattern {
    pub base: PathBuf,
    matcher: GlobMatcher,
    /// Without a slash it is matched with names, in every folder.
    names: bool,
    /// It asks for hidden files by name.
    pub hidden: bool,
}

impl Pattern {
    /// Understands a pattern below a folder. Plain folders at its start are the folder to search, so that a folder which is
    /// named is searched also where it is ignored. The error is for the model.
    pub(super) fn new(base: &Path, pattern: &str) -> Result<Self, String> {
        let (mut base, mut rest) = (base.to_owned(), pattern);
        while let Some((folder, below)) = rest.split_once('/') {
            if folder.contains(['*', '?', '[', '{', '\\']) {
                break;
            }
            base = if folder.is_empty() && rest.len() == pattern.len() { "/".into() } else { base.join(folder) };
            rest = below;
        }
        let matcher = GlobBuilder::new(rest)
            .literal_separator(true)
            .build()
            .map_err(|error| format!("The pattern {pattern:?} is not understood: {error}."))?
            .compile_matcher();
        let names = !pattern.contains('/');
        Ok(Self { base, matcher, names, hidden: asks_for_hidden(rest) })
    }

    /// Whether a path below `base` matches.
    pub(super) fn matches(&self, path: &Path) -> bool {
        if self.names {
            return path.file_name().is_some_and(|name| self.matcher.is_match(name));
        }
        path.strip_prefix(&self.base).is_ok_and(|rest| self.matcher.is_match(rest))
    }
}

/// Whether a path or a pattern names something hidden.
fn asks_for_hidden(pattern: &str) -> bool {
    Path::new(pattern)
        .components()
        .any(|part| matches!(part, Component::Normal(name) if name.as_encoded_bytes()[0] == b'.'))
}

/// Stops a walk when the call that it belongs to is gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Sets it when dropped.
    pub(super) fn at_drop(&self) -> StopAtDrop {
        StopAtDrop(self.clone())
    }
}

pub(super) struct StopAtDrop(Stop);

impl Drop for StopAtDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// Calls `visit` with every file below `base`, on a few threads, each with a visitor of its own. Blocks.
pub(super) fn files<'a, V: FnMut(DirEntry) + Send + 'a>(
    base: &Path,
    hidden: bool,
    stop: &'a Stop,
    mut visitor: impl FnMut() -> V + 'a,
) {
    // Ignore files hold also where there is no repository; `.git` itself is never asked for.
    let mut walk = WalkBuilder::new(base);
    walk.hidden(!hidden).require_git(false).filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git");
    walk.build_parallel().run(|| {
        let mut visit = visitor();
        Box::new(move |entry| {
            if stop.is_set() {
                return WalkState::Quit;
            }
            // Folders that cannot be read are left out like ignored ones.
            if let Ok(entry) = entry
                && (entry.file_type().is_some_and(|kind| kind.is_file())
                    || entry.path_is_symlink() && entry.path().is_file())
            {
                visit(entry);
            }
            WalkState::Continue
        })
    });
}
