//! How long results that went into files are kept: so many days, and so many bytes in all, the oldest going first; those
//! of a session that is deleted go with it. Blocks.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    pub age: Duration,
    /// Bytes of all sessions of the workspace.
    pub total: u64,
}

/// Removes files below `results` (`<session>/<file>`) that are older than `keeping` says or too much at `now`, and the
/// folders of sessions that are not in `known` (`None`: nobody knows which there are). Returns how many files went.
pub fn sweep(results: &Path, keeping: Keeping, known: Option<&HashSet<String>>, now: SystemTime) -> usize {
    let mut files = Vec::new();
    let mut removed = 0;
    for session in entries(results) {
        let name = session.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if known.is_some_and(|known| !known.contains(&name)) {
            removed += entries(&session).len();
            remove(&session);
            continue;
        }
        for path in entries(&session) {
            let Ok(file) = fs::symlink_metadata(&path) else { continue };
            files.push((file.modified().unwrap_or(now), file.len(), path));
        }
    }
    // The newest first: what is beyond the total is the oldest.
    files.sort_by_key(|file| std::cmp::Reverse(file.0));
    let mut used = 0;
    for (modified, size, path) in files {
        used += size;
        let is_old = now.duration_since(modified).is_ok_and(|age| age > keeping.age);
        if (is_old || used > keeping.total) && fs::remove_file(&path).is_ok() {
            removed += 1;
        }
    }
    removed
}

/// Removes what was kept for a session.
pub fn remove(session: &Path) {
    if let Err(error) = fs::remove_dir_all(session)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, folder = %session.display(), "old results could not be removed");
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_too_much_or_nobodys_goes() {
        let home = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let put = |name: &str, size: usize, age: u64| {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "x".repeat(size)).unwrap();
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(now - Duration::from_secs(age)).unwrap();
        };
        put("s1/new", 10, 1);
        put("s1/older", 10, 5);
        put("s2/old", 10, 9);
        put("s2/ancient", 1, 99);
        put("gone/a", 1, 1);
        let keeping = Keeping { age: Duration::from_secs(50), total: 25 };
        let known = ["s1", "s2"].map(str::to_owned).into();
        assert_eq!(sweep(home.path(), keeping, Some(&known), now), 3);
        let mut left: Vec<String> = entries(home.path())
            .iter()
            .flat_map(|session| entries(session))
            .map(|path| path.strip_prefix(home.path()).unwrap().display().to_string())
            .collect();
        left.sort();
        assert_eq!(left, ["s1/new", "s1/older"]);
        assert_eq!(sweep(home.path(), keeping, None, now), 0, "nobody knows: nothing is nobody's");
        assert_eq!(sweep(Path::new("/nowhere"), keeping, Some(&known), now), 0);
    }
}
