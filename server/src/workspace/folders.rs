//! Watches a folder's files for one task: the folders one by one, and when a burst of changes is over. `rules` says which
//! folders and files count. Knows no task and decides nothing about runs.
//!
//! A file that came and went within one burst never was. Folders that come later are watched too.

mod rules;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

use self::rules::{Rules, is_rules};
use super::watch::{AddError, FileChange, FolderEvents};
use crate::clock;
use crate::task::model::{Timestamp, Watch};
use crate::task::run::Change;

pub use self::rules::globs;

/// Folders that are watched for one task.
const MOST_FOLDERS: usize = 20_000;
/// Changes of one burst that are named; more are "anything".
const MOST_CHANGES: usize = 1_000;
/// Changes that wait to be looked at.
const QUEUE: usize = 8_192;
/// A burst that does not end is told after so many pauses.
const PATIENCE: u32 = 10;
/// The times of files come from a clock that may be so much behind, in milliseconds.
const TICK: u64 = 20;

/// What a watch tells.
#[derive(Debug)]
pub enum Seen {
    /// Files changed, and were quiet for a while.
    Changes(Vec<Change>),
    /// It cannot be kept up; it is over.
    Failed(String),
}

/// Watches `root` until the future is dropped or `tell` says that nobody listens, and tells all that was written after
/// `since`. `never` is left out.
pub async fn follow(root: PathBuf, never: PathBuf, watch: Watch, since: Timestamp, tell: impl Fn(Seen) -> bool + Send) {
    let debounce = Duration::from_millis(watch.debounce_ms);
    let (queue, mut changes) = mpsc::channel::<(FileChange, Timestamp)>(QUEUE);
    let (lost, wake) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let (full, poke) = (lost.clone(), wake.clone());
    let heard = move |change: Option<FileChange>| {
        let taken = change.is_some_and(|change| queue.try_send((change, clock::now())).is_ok());
        if !taken {
            full.store(true, Ordering::Release);
        }
        poke.notify_one();
    };
    let started = tokio::task::spawn_blocking(move || Folders::start(root, never, &watch, since, heard)).await;
    let mut folders = match started.unwrap_or_else(|error| Err(error.to_string())) {
        Ok((folders, early)) => {
            if !early.is_empty() && !tell(Seen::Changes(early)) {
                return;
            }
            folders
        }
        Err(why) => {
            tell(Seen::Failed(why));
            return;
        }
    };
    loop {
        wake.notified().await;
        let mut burst = Burst::default();
        let begun = Instant::now();
        loop {
            while let Ok((change, at)) = changes.try_recv() {
                burst.take(change, at);
            }
            let quiet = (Instant::now() + debounce).min(begun + debounce * PATIENCE);
            tokio::select! {
                () = wake.notified() => {}
                () = sleep_until(quiet) => break,
            }
        }
        burst.lost |= lost.swap(false, Ordering::AcqRel);
        let sorted = tokio::task::spawn_blocking(move || {
            let sorted = folders.sort(burst);
            (folders, sorted)
        });
        let Ok((back, sorted)) = sorted.await else { return };
        folders = back;
        match sorted {
            Ok(changes) if changes.is_empty() => {}
            Ok(changes) => {
                if !tell(Seen::Changes(changes)) {
                    return;
                }
            }
            Err(why) => {
                tell(Seen::Failed(why));
                return;
            }
        }
    }
}

/// Changes that have gathered.
#[derive(Debug, Default)]
struct Burst {
    /// By path: when it changed last, and whether it came in this burst.
    files: BTreeMap<PathBuf, (Timestamp, bool)>,
    lost: bool,
}

impl Burst {
    fn take(&mut self, change: FileChange, at: Timestamp) {
        if self.files.len() >= MOST_CHANGES * 4 && !self.files.contains_key(&change.path) {
            self.lost = true;
            return;
        }
        let known = self.files.entry(change.path).or_insert((at, change.created));
        known.0 = at;
    }
}

/// The folders that are watched, and the rules.
struct Folders {
    events: FolderEvents,
    rules: Rules,
    count: usize,
}

impl Folders {
    fn start(
        root: PathBuf,
        never: PathBuf,
        watch: &Watch,
        since: Timestamp,
        heard: impl Fn(Option<FileChange>) + Send + 'static,
    ) -> Result<(Self, Vec<Change>), String> {
        let rules = Rules::new(root.clone(), never, watch)?;
        let events = FolderEvents::start(heard)?;
        let mut folders = Self { events, rules, count: 0 };
        let mut files = Vec::new();
        folders.add(&root, &mut files)?;
        // What was written while the watches were set up made no event.
        let written = |path: &Path| {
            let at = path.symlink_metadata().ok()?.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            u64::try_from(at.as_millis()).ok().map(Timestamp).filter(|at| at.0 + TICK >= since.0)
        };
        let early = files.into_iter().filter_map(|path| {
            let at = written(&path)?;
            folders.rules.counts(&path).then_some(Change { path, at, created: false })
        });
        let early = early.take(MOST_CHANGES).collect();
        Ok((folders, early))
    }

    /// Watches a folder and what is below it; `found` gets the files that are there.
    fn add(&mut self, folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            if self.count >= MOST_FOLDERS {
                return Err(format!(
                    "{} has more than {MOST_FOLDERS} folders. Name those that matter in `paths`, or ignore the others.",
                    self.rules.root.display()
                ));
            }
            // First the watch, then the look: what comes between the two is seen twice, and not never.
            match self.events.add(&folder) {
                Ok(()) => self.count += 1,
                Err(AddError::Gone) => continue,
                Err(AddError::NoMore) => {
                    return Err(format!(
                        "the system gives no more file watches ({} folders are watched here). Raise \
                         fs.inotify.max_user_watches (`sudo sysctl fs.inotify.max_user_watches=524288`), or name the \
                         folders that matter in `paths`.",
                        self.count
                    ));
                }
                Err(AddError::Other(why)) => return Err(format!("{}: {why}", folder.display())),
            }
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && self.rules.enters(&path) => open.push(path),
                    Ok(kind) if !kind.is_dir() => found.push(path),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The changes of a burst that count, with the folders that came watched.
    fn sort(&mut self, burst: Burst) -> Result<Vec<Change>, String> {
        let mut changes = Vec::new();
        if burst.files.keys().any(|path| is_rules(path)) {
            self.rules.forget();
        }
        let mut newest = Timestamp::default();
        for (path, (at, created)) in burst.files {
            newest = newest.max(at);
            let found = path.symlink_metadata();
            if found.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
                if created && self.rules.enters(&path) {
                    let mut files = Vec::new();
                    self.add(&path, &mut files)?;
                    let files = files.into_iter().filter(|file| self.rules.counts(file));
                    changes.extend(files.map(|path| Change { path, at, created: true }).collect::<Vec<_>>());
                }
                continue;
            }
            let came_and_went = created && found.is_err();
            if !came_and_went && self.rules.counts(&path) {
                changes.push(Change { path, at, created });
            }
        }
        if burst.lost || changes.len() > MOST_CHANGES {
            let at = if newest == Timestamp::default() { clock::now() } else { newest };
            changes.truncate(MOST_CHANGES);
            changes.push(Change { path: self.rules.root.clone(), at, created: false });
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::rules::tests::{watch, write};
    use super::*;

    async fn next(seen: &mut mpsc::UnboundedReceiver<Seen>) -> Vec<Change> {
        let seen = tokio::time::timeout(Duration::from_secs(30), seen.recv()).await.expect("news").expect("a watch");
        match seen {
            Seen::Changes(changes) => changes,
            Seen::Failed(why) => panic!("{why}"),
        }
    }

    /// Writes until the watch has seen it: from then on it stands.
    async fn settled(root: &Path, seen: &mut mpsc::UnboundedReceiver<Seen>) {
        for attempt in 0.. {
            write(root, "settle", &attempt.to_string());
            let news = tokio::time::timeout(Duration::from_millis(500), seen.recv()).await;
            if news.is_ok() {
                return;
            }
            assert!(attempt < 60, "the watch saw nothing");
        }
    }

    #[tokio::test]
    async fn changes_come_together_and_new_folders_are_watched() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        write(&root, ".gitignore", "out/\n");
        write(&root, "src/a.rs", "1");
        std::fs::create_dir(root.join("out")).unwrap();
        let (tell, mut seen) = mpsc::unbounded_channel();
        let following =
            tokio::spawn(follow(root.clone(), root.join("state"), watch(&[], &[]), clock::now(), move |news| {
                tell.send(news).is_ok()
            }));
        settled(&root, &mut seen).await;
        write(&root, "out/x", "ignored");
        write(&root, "src/b.rs", "new");
        write(&root, "src/a.rs", "2");
        let mut got: Vec<(PathBuf, bool)> = Vec::new();
        while got.len() < 2 {
            got.extend(next(&mut seen).await.into_iter().map(|change| (change.path, change.created)));
            got.retain(|(path, _)| !path.ends_with("settle"));
        }
        got.sort();
        assert_eq!(got, [(root.join("src/a.rs"), false), (root.join("src/b.rs"), true)]);
        write(&root, "fresh/deep/c.rs", "1");
        let first = next(&mut seen).await;
        assert_eq!(first[0].path, root.join("fresh/deep/c.rs"), "{first:?}");
        write(&root, "fresh/deep/c.rs", "22");
        assert_eq!(next(&mut seen).await[0].path, root.join("fresh/deep/c.rs"));
        std::fs::remove_file(root.join("fresh/deep/c.rs")).unwrap();
        let gone = next(&mut seen).await;
        assert_eq!((gone.len(), &gone[0].path), (1, &root.join("fresh/deep/c.rs")));
        following.abort();
    }
}
