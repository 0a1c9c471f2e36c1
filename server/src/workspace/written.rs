//! What was written into the workspace since a moment: which commit is checked out now, and how many files changed. Found
//! by walking, when asked; for people, who want a number and no proof. Blocks. It knows no session.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use ignore::WalkBuilder;

use super::changes;
use super::head;

/// Entries that a walk looks at, files that it counts, and how long it may take.
const MOST_ENTRIES: usize = 200_000;
const MOST_FILES: usize = 1_000;
const LONGEST: Duration = Duration::from_secs(2);

/// What a walk saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The commit that is checked out in the first folder; `None` outside of a repository.
    pub commit: Option<String>,
    /// Files that are not ignored and that were written since then.
    pub files: usize,
    /// The walk was ended before all was seen: there may be more.
    pub is_part: bool,
}

/// The commit that is checked out in a folder, in hexadecimal.
pub fn commit(root: &std::path::Path) -> Option<String> {
    head::git_dirs(root).as_ref().and_then(head::commit)
}

/// What was written into these folders since a moment, in milliseconds since the Unix epoch. Blocks for up to two seconds.
pub fn since(roots: &[PathBuf], ms: u64) -> Written {
    let mut written = Written { commit: roots.first().and_then(|root| commit(root)), ..Written::default() };
    let (moment, end) = (SystemTime::UNIX_EPOCH + Duration::from_millis(ms), Instant::now() + LONGEST);
    let mut left = MOST_ENTRIES;
    for root in roots {
        let mut walk = WalkBuilder::new(root);
        walk.hidden(false).require_git(false).filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git");
        for entry in walk.build().flatten() {
            left -= 1;
            if left == 0 || written.files == MOST_FILES || (left.is_multiple_of(64) && Instant::now() > end) {
                written.is_part = true;
                return written;
            }
            let changed = entry.metadata().ok().filter(|it| it.is_file()).and_then(|it| it.modified().ok());
            let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
            written.files += usize::from(changed.is_some_and(|at| at >= moment) && !changes::is_cache(path));
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_what_is_younger_and_not_ignored_counts() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, at: u64| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, name).unwrap();
            let at = SystemTime::UNIX_EPOCH + Duration::from_millis(at);
            fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        };
        file(".gitignore", 1_000);
        fs::write(dir.path().join(".gitignore"), "ignored\n").unwrap();
        file("old.rs", 1_000);
        file("src/new.rs", 9_000);
        file("src/newer.rs", 10_000);
        file("ignored", 9_000);
        file("target/made", 9_000);
        let roots = [dir.path().to_owned()];
        // `.gitignore` was written just now.
        assert_eq!(since(&roots, 5_000), Written { commit: None, files: 3, is_part: false });
        assert_eq!(since(&roots, 10_000).files, 2);
        for at in 0..MOST_FILES {
            file(&format!("many/{at}"), 9_000);
        }
        let many = since(&roots, 5_000);
        assert!(many.is_part && many.files == MOST_FILES, "{many:?}");
    }
}
