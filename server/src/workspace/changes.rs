//! What the workspace looks like: a fingerprint for "what was this run on?", and when something in it was written last, for
//! "would the same command say the same again?". Found by walking, when asked: nothing watches. It knows no task.
//!
//! What version control ignores as a folder (`target`, `node_modules`) is nobody's source and is not looked into. Ignored
//! files beside sources (`.env`) count as written, but not for the fingerprint: runs write such files themselves.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ignore::WalkBuilder;

use super::head::{self, GitDirs};

/// Entries that a walk looks at, and how long it may take. Beyond either nothing is known.
const MOST_ENTRIES: usize = 200_000;
const LONGEST: Duration = Duration::from_secs(2);

/// The time of a file's change comes from a clock that ticks 100 times a second on the slowest kernels: what is written at
/// a moment may carry the tick before it.
const TICK_NS: i128 = 20_000_000;

const FNV_START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// The state of a workspace's files at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The commit that is checked out, and a hash over path, size and time of the files that are not ignored. Equal when
    /// nothing was changed.
    pub fingerprint: String,
    /// Nanoseconds since the Unix epoch: the newest change of a file or a folder.
    newest_ns: i128,
}

impl Look {
    /// Whether something was written at that moment (milliseconds since the Unix epoch) or after it. True also when it was
    /// so shortly before that the file system's clock cannot tell.
    pub fn is_written_since(&self, ms: u64) -> bool {
        self.newest_ns >= i128::from(ms) * 1_000_000 - TICK_NS
    }
}

/// The fingerprint of the folders. `None` when there is too much to look at. Blocks for up to two seconds.
pub fn fingerprint(roots: &[PathBuf]) -> Option<String> {
    Walk::new(roots, false).run().map(|look| look.fingerprint)
}

/// The fingerprint, and when something was written last. `None` when it cannot be known: there is too much to look at, or a
/// link leads to a folder elsewhere. Blocks for up to two seconds.
pub fn look(roots: &[PathBuf]) -> Option<Look> {
    Walk::new(roots, true).run()
}

struct Walk<'a> {
    roots: &'a [PathBuf],
    /// Also: ignored files, folders and git's own files.
    times: bool,
    left: usize,
    end: Instant,
    newest_ns: i128,
    files: u128,
}

/// What tools write for themselves beside the sources, and a workspace without ignore rules shows: no source, and written by
/// the very run that is to be compared with the next.
const CACHES: [&str; 8] = [
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".coverage",
    "node_modules",
    "target",
    ".hypothesis",
];

pub(super) fn is_cache(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str().to_str().is_some_and(|name| CACHES.contains(&name)))
}

impl<'a> Walk<'a> {
    fn new(roots: &'a [PathBuf], times: bool) -> Self {
        Self { roots, times, left: MOST_ENTRIES, end: Instant::now() + LONGEST, newest_ns: 0, files: 0 }
    }

    fn run(mut self) -> Option<Look> {
        let mut commits = Vec::new();
        for root in self.roots {
            let git = head::git_dirs(root);
            commits.push(git.as_ref().and_then(head::commit).unwrap_or_else(|| "none".into()));
            if let Some(git) = git.filter(|_| self.times) {
                self.repository(&git)?;
            }
            self.folder(root)?;
        }
        let fingerprint = format!("{} {:032x}", commits.join(","), self.files);
        Some(Look { fingerprint, newest_ns: self.newest_ns })
    }

    fn folder(&mut self, root: &Path) -> Option<()> {
        let mut walk = WalkBuilder::new(root);
        walk.hidden(false).require_git(false).filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git");
        for entry in walk.build() {
            // A folder that cannot be read, or that goes away meanwhile, hides what is in it.
            let Ok(entry) = entry else {
                if self.times {
                    return None;
                }
                continue;
            };
            self.step()?;
            if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                if self.times {
                    self.everything_in(entry.path())?;
                }
            } else if let Ok(metadata) = entry.metadata()
                && !is_cache(entry.path().strip_prefix(root).unwrap_or(entry.path()))
            {
                self.file(root, entry.path(), &metadata);
            }
        }
        Some(())
    }

    /// Into the fingerprint. The order of a folder's entries is nobody's promise: the sum has none.
    fn file(&mut self, root: &Path, path: &Path, metadata: &Metadata) {
        let mut hash = FNV_START;
        let mut take = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u128::from(*byte)).wrapping_mul(FNV_PRIME);
            }
        };
        take(path.strip_prefix(root).unwrap_or(path).as_os_str().as_encoded_bytes());
        take(&[0]);
        take(&metadata.size().to_le_bytes());
        take(&metadata.mtime().to_le_bytes());
        take(&metadata.mtime_nsec().to_le_bytes());
        self.files = self.files.wrapping_add(hash);
    }

    /// The times of a folder and of the files in it, ignored ones too.
    fn everything_in(&mut self, folder: &Path) -> Option<()> {
        self.time(&fs::symlink_metadata(folder).ok()?);
        for entry in fs::read_dir(folder).ok()? {
            let entry = entry.ok()?;
            let kind = entry.file_type().ok()?;
            if kind.is_dir() {
                continue;
            }
            self.step()?;
            // One that goes away meanwhile changes the folder, which is looked at again by whoever asks again.
            self.time(&fs::symlink_metadata(entry.path()).ok()?);
            if kind.is_symlink() {
                self.behind(&entry.path())?;
            }
        }
        Some(())
    }

    /// What a link leads to counts like what it is; a folder elsewhere cannot be looked at whole.
    fn behind(&mut self, link: &Path) -> Option<()> {
        let Ok(target) = fs::metadata(link) else { return Some(()) };
        if target.is_dir() {
            let target = fs::canonicalize(link).ok()?;
            return self.roots.iter().any(|root| target.starts_with(root)).then_some(());
        }
        self.time(&target);
        Some(())
    }

    /// What of a repository a command may depend on: where it stands, what is staged, its branches.
    fn repository(&mut self, git: &GitDirs) -> Option<()> {
        for file in [git.own.join("HEAD"), git.own.join("index"), git.shared.join("packed-refs")] {
            if let Ok(metadata) = fs::symlink_metadata(file) {
                self.time(&metadata);
            }
        }
        let mut folders = vec![git.shared.join("refs")];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            self.time(&fs::symlink_metadata(&folder).ok()?);
            for entry in entries.flatten() {
                self.step()?;
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(entry.path());
                } else {
                    self.time(&fs::symlink_metadata(entry.path()).ok()?);
                }
            }
        }
        Some(())
    }

    fn time(&mut self, metadata: &Metadata) {
        let changed = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
        self.newest_ns = self.newest_ns.max(changed);
    }

    fn step(&mut self) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        // The clock is asked now and then: a look at it costs as much as one at a file.
        (!self.left.is_multiple_of(64) || Instant::now() < self.end).then_some(())
    }
}

#[cfg(test)]
mod tests;
