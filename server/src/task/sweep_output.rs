//! What is kept of outputs: so many days, and so many bytes in all, the oldest finished runs going first. A new run gets
//! no more than what is left. What a living run writes is never touched, whichever window it belongs to. Blocks; takes
//! some microseconds a run.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::model::Timestamp;
use super::run_folder::{self, RunFolder, TaskFolder};

const DAY: u64 = 24 * 3_600 * 1_000;
/// Milliseconds after the last write in which a finished run is left alone: somebody may be reading it, and a shim that
/// is being started has no lock yet.
const SETTLED: u64 = 60_000;
/// The same for what no row names (the agent's own short commands, dismissed tasks).
const NAMELESS: u64 = DAY;
/// Below this many bytes a run is not worth starting.
const LEAST: u64 = 64 << 10;
/// While this part of the total is free, room is looked for only once in [`AMPLE`] milliseconds.
const PLENTY: u64 = 4;
const AMPLE: u64 = 5_000;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Days after the last write.
    pub days: u32,
    /// Bytes of all outputs of the workspace.
    pub total: u64,
}

/// What a sweep came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Outputs removed, and the bytes that they took.
    pub outputs: u64,
    pub bytes: u64,
    /// Bytes that are still there.
    pub used: u64,
}

/// Removes what is older than `keeping` says, what is too much, and the folders of tasks that are not in `known`
/// (`None`: nobody knows which there are).
pub fn sweep(runs: &Path, keeping: Keeping, known: Option<&HashSet<String>>, now: Timestamp) -> Swept {
    let mut swept = Swept::default();
    let mut kept = Vec::new();
    for task in run_folder::all(runs) {
        let nameless = known.is_some_and(|known| !known.contains(&task.name));
        if nameless && now.since(task.modified) > NAMELESS && remove(&task, &mut swept) {
            continue;
        }
        for run in task.runs.into_iter().filter(|run| run.size > 0) {
            let old = now.since(run.modified) > u64::from(keeping.days) * DAY;
            if !old || !empty(&run, &mut swept) {
                kept.push(run);
            }
        }
    }
    swept.used = kept.iter().map(|run| run.size).sum();
    make_room(kept, keeping.total, now, &mut swept);
    swept
}

/// Removes the oldest finished outputs until the rest fits.
fn make_room(mut runs: Vec<RunFolder>, most: u64, now: Timestamp, swept: &mut Swept) {
    runs.sort_by_key(|run| run.modified);
    for run in runs {
        if swept.used <= most {
            return;
        }
        if now.since(run.modified) > SETTLED && empty(&run, swept) {
            swept.used -= run.size;
        }
    }
}

/// True when its output was removed.
fn empty(run: &RunFolder, swept: &mut Swept) -> bool {
    let Some(_claim) = run.claim() else { return false };
    match run.remove_output() {
        Ok(bytes) => {
            swept.outputs += 1;
            swept.bytes += bytes;
            true
        }
        Err(error) => {
            tracing::warn!(%error, folder = %run.path.display(), "an old output could not be removed");
            false
        }
    }
}

/// Removes a task's folder, unless a run in it is alive.
fn remove(task: &TaskFolder, swept: &mut Swept) -> bool {
    let claims: Option<Vec<fs::File>> = task.runs.iter().map(RunFolder::claim).collect();
    if claims.is_none() || fs::remove_dir_all(&task.path).is_err() {
        return false;
    }
    swept.outputs += task.runs.iter().filter(|run| run.size > 0).count() as u64;
    swept.bytes += task.runs.iter().map(|run| run.size).sum::<u64>();
    true
}

/// Hands out room to new runs.
#[derive(Debug, Default)]
pub struct Room {
    /// Until then there is enough of it, in milliseconds since the Unix epoch.
    ample_until: AtomicU64,
}

impl Room {
    /// How many bytes a new run below `runs` may write: `wanted`, or what is left of `total` after a sweep. `Err` says
    /// why none is left and what to do.
    pub fn grant(&self, runs: &Path, wanted: u64, total: u64, now: Timestamp) -> Result<u64, String> {
        if now.0 < self.ample_until.load(Ordering::Relaxed) {
            return Ok(wanted);
        }
        let runs: Vec<RunFolder> = run_folder::all(runs).into_iter().flat_map(|task| task.runs).collect();
        let mut swept = Swept { used: runs.iter().map(|run| run.size).sum(), ..Swept::default() };
        if total.saturating_sub(swept.used) < wanted {
            make_room(runs, total.saturating_sub(wanted), now, &mut swept);
        }
        let left = total.saturating_sub(swept.used);
        if left < LEAST.min(wanted) {
            return Err(format!(
                "There is no room for its output: the runs of this workspace have written {} of the {total} bytes that \
                 the setting background.outputTotalBytes allows. Stop a task that writes much, or raise it, and start \
                 the task again.",
                swept.used
            ));
        }
        if left > total / PLENTY && left > wanted {
            self.ample_until.store(now.0 + AMPLE, Ordering::Relaxed);
        }
        Ok(left.min(wanted))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::task::kept::Kept;

    const KB: usize = 1 << 10;

    struct Runs(tempfile::TempDir);

    impl Runs {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        /// A finished run of that many KiB, written that many hours ago.
        fn run(&self, name: &str, kb: usize, hours: u64) -> PathBuf {
            let dir = self.0.path().join(name);
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("output"), vec![b'x'; kb * KB]).unwrap();
            let then = SystemTime::now() - Duration::from_secs(hours * 3_600);
            for path in [dir.join("output"), dir.clone(), dir.parent().unwrap().to_owned()] {
                File::open(path).unwrap().set_modified(then).unwrap();
            }
            dir
        }

        fn sweep(&self, days: u32, total: usize, known: &[&str]) -> Swept {
            let known = known.iter().map(|name| (*name).to_owned()).collect();
            sweep(self.0.path(), Keeping { days, total: (total * KB) as u64 }, Some(&known), crate::clock::now())
        }
    }

    fn is_there(dir: &Path) -> bool {
        dir.join("output").exists()
    }

    #[test]
    fn the_old_go_and_leave_a_word() {
        let runs = Runs::new();
        let (old, new) = (runs.run("t1/1", 8, 15 * 24), runs.run("t1/2", 8, 13 * 24));
        let swept = runs.sweep(14, 1 << 20, &["t1"]);
        assert_eq!((swept.outputs, swept.bytes, swept.used), (1, 8 << 10, 8 << 10));
        assert!(!is_there(&old) && is_there(&new));
        assert_eq!(Kept::of(&old.join("output")), Kept { from: 8 << 10, lines: 0, swept: true });
        assert_eq!(runs.sweep(14, 1 << 20, &["t1"]).outputs, 0);
    }

    #[test]
    fn what_is_too_much_goes_oldest_first() {
        let runs = Runs::new();
        let dirs = [runs.run("t1/1", 8, 3), runs.run("t2/1", 8, 2), runs.run("t3/1", 8, 1), runs.run("t4/1", 8, 0)];
        let swept = runs.sweep(14, 20, &["t1", "t2", "t3", "t4"]);
        assert_eq!((swept.outputs, swept.used), (2, 16 << 10));
        assert_eq!(dirs.each_ref().map(|dir| is_there(dir)), [false, false, true, true]);
        // What ended just now may still be read.
        assert_eq!(runs.sweep(14, 4, &["t1", "t2", "t3", "t4"]).used, 8 << 10);
        assert!(is_there(&dirs[3]));
    }

    #[test]
    fn a_living_run_is_left_alone() {
        let runs = Runs::new();
        let dir = runs.run("t1/1", 8, 15 * 24);
        let folder = File::open(&dir).unwrap();
        run_folder::lock(&folder).unwrap();
        assert_eq!(runs.sweep(14, 0, &[]).outputs, 0);
        assert!(is_there(&dir));
        drop(folder);
        assert_eq!(runs.sweep(14, 0, &["t1"]).outputs, 1);
    }

    #[test]
    fn folders_without_a_row_go_whole_after_a_day() {
        let runs = Runs::new();
        let (old, new) = (runs.run("t1/1", 8, 25), runs.run("t2/1", 8, 23));
        let unknown = sweep(runs.0.path(), Keeping { days: 14, total: 1 << 20 }, None, crate::clock::now());
        assert_eq!(unknown.outputs, 0);
        assert_eq!(runs.sweep(14, 1 << 20, &[]).outputs, 1);
        assert!(!old.parent().unwrap().exists() && is_there(&new));
    }

    #[test]
    fn a_new_run_gets_what_is_left() {
        let runs = Runs::new();
        let (old, new) = (runs.run("t1/1", 200, 2), runs.run("t2/1", 200, 0));
        let grant = |wanted: usize, total: usize| {
            Room::default().grant(runs.0.path(), (wanted * KB) as u64, (total * KB) as u64, crate::clock::now())
        };
        assert_eq!(grant(100, 1_000), Ok(100 << 10));
        assert!(is_there(&old));
        assert_eq!(grant(300, 400), Ok(200 << 10));
        assert!(!is_there(&old) && is_there(&new));
        let refused = grant(300, 210).unwrap_err();
        assert!(refused.contains("written 204800 of the 215040 bytes"), "{refused}");
    }

    #[test]
    fn ample_room_is_not_looked_for_again() {
        let runs = Runs::new();
        let (room, now) = (Room::default(), crate::clock::now());
        assert_eq!(room.grant(runs.0.path(), 100 << 10, 1 << 20, now), Ok(100 << 10));
        runs.run("t1/1", 1_000, 0);
        assert_eq!(room.grant(runs.0.path(), 100 << 10, 1 << 20, now), Ok(100 << 10));
        let later = Timestamp(now.0 + AMPLE);
        assert!(room.grant(runs.0.path(), 100 << 10, 1 << 20, later).is_err());
    }
}
