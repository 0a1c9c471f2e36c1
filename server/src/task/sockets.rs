//! The folder of sockets, for this user alone, and the sockets in it at which shims listen for the next sidecar; `control`
//! has the others. Every function here blocks for a moment.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::link::SOCKET_PATH_CAP;
use crate::clock;

/// Letters of a socket's name.
const NAME: usize = 12;
/// Milliseconds. A younger socket may belong to a shim that does not listen yet.
const YOUNG: u64 = 60_000;

/// Makes the folder, for this user alone. `Err` is for people: what is wrong, what that means and what to do.
pub fn prepare(folder: &Path) -> Result<(), String> {
    let means = "Tasks are stopped when this window closes or reloads, because";
    let at = folder.display();
    let longest = folder.as_os_str().len() + 1 + NAME;
    if longest > SOCKET_PATH_CAP {
        return Err(format!(
            "{means} the sockets in {at} would have paths of {longest} bytes, and the system takes {SOCKET_PATH_CAP}. \
             Set XDG_RUNTIME_DIR to a folder with a shorter path."
        ));
    }
    private(folder).map_err(|error| {
        format!("{means} no sockets can be made in {at} ({error}). Mend the folder, or set XDG_RUNTIME_DIR to one of your own.")
    })
}

/// Makes the folder, or closes it to others. Fails where it is a link, or belongs to another user.
pub fn private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = folder.symlink_metadata()?;
    if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is a link or another user's"));
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// A path that no socket has.
pub(super) fn fresh(folder: &Path) -> PathBuf {
    let name = uuid::Uuid::now_v7().simple().to_string();
    // The end of it is random.
    folder.join(&name[name.len() - NAME..])
}

/// Removes the sockets at which nobody listens: shims that were killed leave theirs.
pub fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let ours = entry.file_name().len() == NAME && metadata.file_type().is_socket();
        let made = u64::try_from(metadata.mtime()).unwrap_or(0) * 1_000;
        let old = clock::now().0.saturating_sub(made) >= YOUNG;
        let refused =
            || UnixStream::connect(entry.path()).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        if ours && old && refused() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn the_folder_is_the_persons_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("pillion");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        prepare(&folder).unwrap();
        let link = home.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(private(&link).is_err());
        assert_eq!(folder.metadata().unwrap().mode() & 0o777, 0o700);
        assert!(fresh(&folder).as_os_str().len() <= SOCKET_PATH_CAP);
        assert_ne!(fresh(&folder), fresh(&folder));
    }

    #[test]
    fn a_path_that_is_too_long_is_told_with_the_remedy() {
        let problem = prepare(&Path::new("/tmp").join("x".repeat(100))).unwrap_err();
        assert!(problem.contains("118 bytes") && problem.contains("XDG_RUNTIME_DIR"), "{problem}");
    }

    #[test]
    fn only_sockets_that_nobody_listens_at_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let listens = UnixListener::bind(at("alive0000000")).unwrap();
        for name in ["stale0000000", "young0000000", "not-one-of-ours"] {
            drop(UnixListener::bind(at(name)).unwrap());
        }
        fs::write(at("file00000000"), "").unwrap();
        for name in ["alive0000000", "stale0000000", "not-one-of-ours", "file00000000"] {
            let long_ago = rustix::fs::Timespec { tv_sec: 1_000_000, tv_nsec: 0 };
            let times = rustix::fs::Timestamps { last_access: long_ago, last_modification: long_ago };
            rustix::fs::utimensat(rustix::fs::CWD, at(name), &times, rustix::fs::AtFlags::empty()).unwrap();
        }
        sweep(folder.path());
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["alive0000000", "file00000000", "not-one-of-ours", "young0000000"]);
        drop(listens);
    }
}
