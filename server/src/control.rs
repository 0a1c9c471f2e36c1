//! Where a sidecar's control socket lies, so that a terminal in its workspace finds it: the names, and what is left of
//! sidecars that are gone. `lsp/control` serves it, `cli/run` calls it. Knows no message.
//!
//! A name is `w-`, twelve hexadecimal digits of the workspace's root, and the sidecar's process id: short, because the
//! path of a socket has at most 107 bytes.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};

use crate::store;

/// What the names of control sockets start with; other sockets of the folder have other names.
const START: &str = "w-";

/// Starts a task for the terminal.
pub const START_TASK: &str = "control/start";
/// Stops it; called again, without a grace.
pub const STOP_TASK: &str = "control/stop";
/// Between sidecars: another window takes a session.
pub const HAND_OVER: &str = "control/hand_over";
/// To the terminal: its task changed.
pub const TASK: &str = "control/task";
/// To the terminal: the problems that its task has in one file.
pub const PROBLEMS: &str = "control/problems";

/// The socket of a sidecar for one of its roots.
pub fn path(dir: &Path, root: &Path, pid: u32) -> PathBuf {
    dir.join(format!("{START}{}-{pid}", digits(root)))
}

/// The same for every build.
fn digits(root: &Path) -> String {
    let folder = store::workspace_dir(Path::new("/"), root);
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name[name.len().saturating_sub(12)..].to_owned()
}

/// Removes the sockets of sidecars that are gone.
pub fn sweep(dir: &Path) {
    for (path, pid, _) in sockets(dir) {
        if Pid::from_raw(pid).is_none_or(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH)) {
            // Another sidecar may have been quicker.
            let _ = fs::remove_file(path);
        }
    }
}

/// The sockets that a command in `cwd` (canonical) may belong to: those of the nearest root first, the newest of each root
/// first.
pub fn candidates(dir: &Path, cwd: &Path) -> Vec<PathBuf> {
    let mut sockets = sockets(dir);
    sockets.sort_by_key(|(path, ..)| {
        std::cmp::Reverse(fs::symlink_metadata(path).and_then(|found| found.modified()).ok())
    });
    let of_root = |root: &Path| {
        let digits = digits(root);
        let found = sockets.iter().filter(move |(_, _, of)| *of == digits);
        found.map(|(path, ..)| path.clone()).collect::<Vec<_>>()
    };
    if sockets.is_empty() { Vec::new() } else { cwd.ancestors().flat_map(of_root).collect() }
}

/// Path, process id and the digits of the root.
fn sockets(dir: &Path) -> Vec<(PathBuf, i32, String)> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let parts = |path: PathBuf| {
        let (digits, pid) = path.file_name()?.to_str()?.strip_prefix(START)?.split_once('-')?;
        let (digits, pid) = (digits.to_owned(), pid.parse().ok()?);
        Some((path, pid, digits))
    };
    entries.flatten().filter_map(|entry| parts(entry.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_root_counts_first() {
        let dir = tempfile::tempdir().unwrap();
        let own = std::process::id();
        let (outer, inner) = (Path::new("/w"), Path::new("/w/packages/web"));
        for root in [outer, inner, Path::new("/elsewhere")] {
            fs::write(path(dir.path(), root, own), "").unwrap();
        }
        fs::write(dir.path().join("abcdefabcdef"), "").unwrap();
        let found = candidates(dir.path(), Path::new("/w/packages/web/src"));
        assert_eq!(found, [path(dir.path(), inner, own), path(dir.path(), outer, own)]);
        assert_eq!(candidates(dir.path(), Path::new("/w/packages")), [path(dir.path(), outer, own)]);
        assert_eq!(candidates(dir.path(), Path::new("/")), [""; 0].map(PathBuf::from));
        assert_eq!(candidates(&dir.path().join("none"), outer), [""; 0].map(PathBuf::from));
    }

    #[test]
    fn what_is_left_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let gone = child.id();
        child.wait().unwrap();
        let (own, left) = (path(dir.path(), dir.path(), std::process::id()), path(dir.path(), dir.path(), gone));
        for socket in [&own, &left] {
            fs::write(socket, "").unwrap();
        }
        sweep(dir.path());
        assert!(own.exists() && !left.exists());
    }
}
