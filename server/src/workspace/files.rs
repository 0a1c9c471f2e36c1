//! The real file system behind the matchers' [`Files`] port, with a small cache: matchers ask for
//! the same few files again and again. Blocks; not for a runtime's threads.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::matcher::Files;

/// Bytes of the largest file that a matcher looks at.
const READ_CAP: u64 = 1 << 20;
/// Most files of one extension.
const LIST_CAP: usize = 5_000;
/// Most entries that a walk looks at.
const WALK_CAP: usize = 200_000;
/// How long a list of files is good for.
const LIST_AGE: Duration = Duration::from_secs(5);
/// Texts that are kept.
const TEXTS: usize = 16;

/// The files of one workspace folder.
pub struct WorkspaceFiles {
    root: PathBuf,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    texts: HashMap<PathBuf, Text>,
    lists: HashMap<String, (Instant, Arc<[PathBuf]>)>,
}

/// A text and what the file looked like when it was read.
struct Text {
    modified: Option<SystemTime>,
    size: u64,
    text: Arc<str>,
    used: Instant,
}

impl WorkspaceFiles {
    /// The files below `root`.
    pub fn new(root: PathBuf) -> Self {
        Self { root, cache: Mutex::default() }
    }

    fn cached(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn walk(&self, extension: &str) -> Arc<[PathBuf]> {
        ignore::WalkBuilder::new(&self.root)
            .build()
            .take(WALK_CAP)
            .flatten()
            .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
            .map(ignore::DirEntry::into_path)
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .take(LIST_CAP)
            .collect()
    }
}

impl Files for WorkspaceFiles {
    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn read(&self, path: &Path) -> Option<String> {
        // A pipe or a device would never end, or never begin.
        let metadata = fs::metadata(path).ok().filter(|found| found.is_file() && found.len() <= READ_CAP)?;
        let (modified, size) = (metadata.modified().ok(), metadata.len());
        if let Some(kept) = self.cached().texts.get_mut(path)
            && modified.is_some()
            && (kept.modified, kept.size) == (modified, size)
        {
            kept.used = Instant::now();
            return Some(kept.text.to_string());
        }
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(READ_CAP + 1).read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 > READ_CAP {
            return None;
        }
        let text: Arc<str> = String::from_utf8_lossy(&bytes).into();
        let mut cache = self.cached();
        if cache.texts.len() >= TEXTS {
            let oldest = cache.texts.iter().min_by_key(|(_, text)| text.used).map(|(path, _)| path.clone());
            oldest.and_then(|oldest| cache.texts.remove(&oldest));
        }
        cache.texts.insert(path.to_owned(), Text { modified, size, text: text.clone(), used: Instant::now() });
        Some(text.to_string())
    }

    fn with_extension(&self, extension: &str) -> Vec<PathBuf> {
        if let Some((at, list)) = self.cached().lists.get(extension)
            && at.elapsed() < LIST_AGE
        {
            return list.to_vec();
        }
        // Walked without the lock: others may read meanwhile.
        let list = self.walk(extension);
        self.cached().lists.insert(extension.to_owned(), (Instant::now(), list.clone()));
        list.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_again_when_the_file_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rs");
        let files = WorkspaceFiles::new(folder.path().to_owned());
        assert!(!files.is_file(&path));
        assert_eq!(files.read(&path), None);
        fs::write(&path, "one").unwrap();
        assert!(files.is_file(&path));
        assert_eq!(files.read(&path).as_deref(), Some("one"));
        assert_eq!(files.read(&path).as_deref(), Some("one"));
        fs::write(&path, b"longer \xff").unwrap();
        assert_eq!(files.read(&path).as_deref(), Some("longer \u{fffd}"));
        assert!(files.cached().texts.len() == 1);
    }

    #[test]
    fn what_is_too_large_or_no_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let files = WorkspaceFiles::new(folder.path().to_owned());
        let large = folder.path().join("large");
        fs::write(&large, vec![b'x'; READ_CAP as usize + 1]).unwrap();
        assert_eq!(files.read(&large), None);
        assert_eq!(files.read(folder.path()), None);
        assert_eq!(files.read(Path::new("/dev/zero")), None);
        for n in 0..2 * TEXTS {
            let path = folder.path().join(n.to_string());
            fs::write(&path, "x").unwrap();
            files.read(&path);
        }
        assert_eq!(files.cached().texts.len(), TEXTS);
    }

    #[test]
    fn lists_obey_the_ignore_rules() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".git")).unwrap();
        fs::create_dir_all(folder.path().join("target")).unwrap();
        fs::write(folder.path().join(".gitignore"), "target\n").unwrap();
        for name in ["a.rs", "b.py", "target/c.rs"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let files = WorkspaceFiles::new(folder.path().to_owned());
        assert_eq!(files.with_extension("rs"), [folder.path().join("a.rs")]);
        assert_eq!(files.with_extension("go"), Vec::<PathBuf>::new());
    }
}
