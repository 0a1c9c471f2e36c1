//! File events: one watcher for the whole process, and a wake-up for each file that somebody waits for. The only place
//! that names `notify`. An event is a hint: it may come late, doubled or not at all, so whoever waits also looks by
//! itself now and then.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::AccessKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
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
