//! File events: one watcher for the whole process, and a wake-up for each file that somebody waits for; and watchers of
//! whole folders, for tasks that run again on changes. The only place that names `notify`. An event is a hint: it may come
//! late, doubled or not at all, so whoever waits also looks by itself now and then.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, CreateKind, ModifyKind, RenameMode};
use notify::{ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Who is woken for which path. Shared with the watcher's thread, which has nobody to ask.
type Waiting = Arc<Mutex<HashMap<PathBuf, Arc<Notify>>>>;

/// The process's file watcher. Cloning gives the same one. The thread behind it starts with the first watch.
#[derive(Clone, Default)]
pub struct FileEvents {
    waiting: Waiting,
    watcher: Arc<Mutex<Option<RecommendedWatcher>>>,
}

impl FileEvents {
    /// Wakes `wake` whenever the file at `path` may have changed, until the guard is dropped; one guard a path. `None`
    /// where the system gives no more watches. Blocks for some microseconds, as does dropping the guard.
    pub fn watch(&self, path: &Path, wake: Arc<Notify>) -> Option<Watch> {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if watcher.is_none() {
            *watcher = Self::start(self.waiting.clone());
        }
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), wake);
        let watch = Watch { path: path.to_owned(), events: self.clone() };
        let told = watcher.as_mut().map(|watcher| watcher.watch(path, RecursiveMode::NonRecursive));
        drop(watcher);
        // Without the watch the guard goes at once, and takes the wake-up with it.
        matches!(told, Some(Ok(()))).then_some(watch)
    }

    fn start(waiting: Waiting) -> Option<RecommendedWatcher> {
        let started = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Ok(event) if matches!(event.kind, EventKind::Access(AccessKind::Open(_))) => {}
                Ok(event) if !event.need_rescan() => {
                    event.paths.iter().filter_map(|path| waiting.get(path)).for_each(|wake| wake.notify_one());
                }
                // Something was lost: everybody looks.
                _ => waiting.values().for_each(|wake| wake.notify_one()),
            }
        });
        started.inspect_err(|error| tracing::warn!(%error, "no file events; files are looked at by the clock")).ok()
    }
}

/// A watch on one path. Dropping it ends it.
pub struct Watch {
    path: PathBuf,
    events: FileEvents,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watcher = self.events.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watcher) = watcher.as_mut() {
            let _ = watcher.unwatch(&self.path);
        }
        self.events.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
    }
}

/// One file or folder that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    pub path: PathBuf,
    /// It was made, or moved here.
    pub created: bool,
}

/// Why a folder is not watched.
#[derive(Debug)]
pub enum AddError {
    /// It is not there (any more), or may not be read.
    Gone,
    /// The system gives no more watches.
    NoMore,
    Other(String),
}

/// A watcher of whole folders, each for itself. Dropping it ends all its watches.
pub struct FolderEvents(RecommendedWatcher);

impl FolderEvents {
    /// `heard` is called on the watcher's own thread for what is written, made, moved and removed; with `None` when
    /// something was lost. What was only read, or got other rights, is no change.
    pub fn start(heard: impl Fn(Option<FileChange>) + Send + 'static) -> Result<Self, String> {
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event.inspect_err(|error| tracing::debug!(%error, "a file event was lost")) else {
                return heard(None);
            };
            if event.need_rescan() {
                return heard(None);
            }
            let created = match event.kind {
                EventKind::Create(CreateKind::Any | CreateKind::File | CreateKind::Folder | CreateKind::Other)
                | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => true,
                EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => return,
                // Told by its two halves too.
                EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return,
                EventKind::Any | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => false,
            };
            event.paths.into_iter().for_each(|path| heard(Some(FileChange { path, created })));
        });
        watcher.map(Self).map_err(|error| match error.kind {
            ErrorKind::Io(error) if error.raw_os_error() == Some(libc::EMFILE) => {
                "the system gives no more file watchers. Raise fs.inotify.max_user_instances, or close other editors."
                    .to_owned()
            }
            _ => format!("there are no file events: {error}"),
        })
    }

    /// Watches one folder, and not what is below it. Blocks for some microseconds.
    pub fn add(&mut self, folder: &Path) -> Result<(), AddError> {
        self.0.watch(folder, RecursiveMode::NonRecursive).map_err(|error| match error.kind {
            ErrorKind::MaxFilesWatch => AddError::NoMore,
            ErrorKind::Io(error) if error.raw_os_error() == Some(libc::ENOSPC) => AddError::NoMore,
            ErrorKind::PathNotFound | ErrorKind::WatchNotFound => AddError::Gone,
            ErrorKind::Io(error)
                if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied) =>
            {
                AddError::Gone
            }
            _ => AddError::Other(error.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_write_wakes() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let wake = Arc::new(Notify::new());
        let events = FileEvents::default();
        let watch = events.watch(file.path(), wake.clone()).unwrap();
        file.write_all(b"x").unwrap();
        tokio::time::timeout(Duration::from_secs(20), wake.notified()).await.unwrap();
        drop(watch);
        assert!(events.waiting.lock().unwrap().is_empty());
    }

    #[test]
    fn a_missing_file_cannot_be_watched() {
        let events = FileEvents::default();
        assert!(events.watch(Path::new("/does/not/exist"), Arc::default()).is_none());
        assert!(events.waiting.lock().unwrap().is_empty());
    }
}
