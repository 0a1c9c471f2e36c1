//! The folders of runs on the disk, `<task>/<run>/`: which there are, what their outputs take up, whether somebody still
//! writes there. Whoever watches over a run holds a lock on its folder, in any window. Knows no rule of what is kept.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::kept::Kept;
use super::model::Timestamp;

/// The folders of one task.
#[derive(Debug)]
pub struct TaskFolder {
    pub path: PathBuf,
    /// The task's id.
    pub name: String,
    pub runs: Vec<RunFolder>,
    /// The newest change of anything in it.
    pub modified: Timestamp,
}

/// The folder of one run.
#[derive(Debug)]
pub struct RunFolder {
    pub path: PathBuf,
    /// Bytes on the disk; 0 where the output is removed.
    pub size: u64,
    /// The last write to the output.
    pub modified: Timestamp,
}

/// Every task's folder below `runs`. What cannot be read is left out.
pub fn all(runs: &Path) -> Vec<TaskFolder> {
    folders(runs)
        .map(|(path, modified)| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let runs: Vec<RunFolder> = folders(&path).map(|(path, modified)| RunFolder::at(path, modified)).collect();
            let modified = runs.iter().map(|run| run.modified).fold(modified, Timestamp::max);
            TaskFolder { path, name, runs, modified }
        })
        .collect()
}

fn folders(parent: &Path) -> impl Iterator<Item = (PathBuf, Timestamp)> + use<> {
    fs::read_dir(parent).into_iter().flatten().flatten().filter_map(|entry| {
        // Of the entry itself: a link is no folder of ours.
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_dir)?;
        Some((entry.path(), changed(&metadata)))
    })
}

fn changed(metadata: &fs::Metadata) -> Timestamp {
    Timestamp(u64::try_from(metadata.mtime()).unwrap_or(0) * 1_000)
}

/// Held while a run goes on: its folder is not touched by a sweep. Any number may hold it.
pub fn lock(folder: &File) -> io::Result<()> {
    Ok(rustix::fs::flock(folder, FlockOperation::NonBlockingLockShared)?)
}

/// Whether somebody watches over the run in this folder.
pub fn is_watched(dir: &Path) -> bool {
    let Ok(folder) = File::open(dir) else { return false };
    rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive).is_err()
}

impl RunFolder {
    fn at(path: PathBuf, created: Timestamp) -> Self {
        let output = fs::symlink_metadata(path.join("output")).ok();
        // Sparse files take less than their length.
        let size = output.as_ref().map_or(0, |output| output.blocks() * 512);
        Self { size, modified: output.as_ref().map_or(created, |output| changed(output).max(created)), path }
    }

    /// The lock of a sweep: `None` while somebody watches over a run here.
    pub fn claim(&self) -> Option<File> {
        let folder = File::open(&self.path).ok()?;
        rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive).ok()?;
        Some(folder)
    }

    /// Removes the output, and writes down that there was one. Returns the bytes that it took.
    pub fn remove_output(&self) -> io::Result<u64> {
        let output = self.path.join("output");
        let kept = Kept::of(&output);
        let length = fs::symlink_metadata(&output)?.len();
        let from = if kept.swept { kept.from } else { kept.from + length };
        let record = Kept { from, swept: true, ..kept };
        // The word before the deed: who reads meanwhile is not told that there was nothing. On a full disk there may be no
        // room for it yet.
        let is_noted = record.write(&output).is_ok();
        fs::remove_file(&output)?;
        if !is_noted {
            record.write(&output)?;
        }
        Ok(self.size)
    }
}
