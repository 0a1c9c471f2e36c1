//! Which commit of a git repository is checked out, read from its files: no process is started. Blocks for a moment.

use std::fs;
use std::path::{Path, PathBuf};

/// The largest of these files that is read: lists of packed references grow with a repository.
const LARGEST: u64 = 8 << 20;

/// Where a repository keeps what is its own (`HEAD`, `index`), and what all its work trees share (`refs`).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GitDirs {
    pub(super) own: PathBuf,
    pub(super) shared: PathBuf,
}

/// The folders of the repository that `root` lies in; `None` where there is none.
pub(super) fn git_dirs(root: &Path) -> Option<GitDirs> {
    let (top, git) = root.ancestors().map(|dir| (dir, dir.join(".git"))).find(|(_, git)| git.exists())?;
    let own = match read(&git) {
        // A work tree or a submodule: a file that says where.
        Some(text) => top.join(text.strip_prefix("gitdir:")?.trim()),
        None => git,
    };
    let shared = read(&own.join("commondir")).map_or_else(|| own.clone(), |text| own.join(text.trim()));
    Some(GitDirs { own, shared })
}

/// The commit that `HEAD` stands at, in hexadecimal; `None` outside of a repository and before the first commit.
pub(super) fn commit(dirs: &GitDirs) -> Option<String> {
    let mut value = read(&dirs.own.join("HEAD"))?;
    // A reference may name another one; git itself gives up after five.
    for _ in 0..5 {
        let Some(name) = value.trim().strip_prefix("ref:").map(|name| name.trim().to_owned()) else {
            return is_commit(value.trim()).then(|| value.trim().to_owned());
        };
        value =
            read(&dirs.own.join(&name)).or_else(|| read(&dirs.shared.join(&name))).or_else(|| packed(dirs, &name))?;
    }
    None
}

fn packed(dirs: &GitDirs, name: &str) -> Option<String> {
    let text = read(&dirs.shared.join("packed-refs"))?;
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(_, of)| *of == name).map(|(commit, _)| commit.to_owned())
}

fn is_commit(text: &str) -> bool {
    (40..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn read(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    (metadata.is_file() && metadata.len() <= LARGEST).then(|| fs::read_to_string(path).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn write(path: PathBuf, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn head(root: &Path) -> Option<String> {
        commit(&git_dirs(root)?)
    }

    #[test]
    fn a_branch_a_packed_branch_and_a_commit_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().join(".git");
        assert_eq!(git_dirs(&folder.path().join("x")).filter(|dirs| dirs.own.starts_with(folder.path())), None);
        write(git.join("HEAD"), "ref: refs/heads/main\n");
        assert_eq!(head(folder.path()), None, "nothing is committed yet");
        write(git.join("packed-refs"), &format!("# pack-refs with: peeled\n{ONE} refs/heads/main\n^{TWO}\n"));
        assert_eq!(head(folder.path()).as_deref(), Some(ONE));
        write(git.join("refs/heads/main"), &format!("{TWO}\n"));
        assert_eq!(head(&folder.path().join("below/it")).as_deref(), Some(TWO));
        write(git.join("HEAD"), &format!("{ONE}\n"));
        assert_eq!(head(folder.path()).as_deref(), Some(ONE));
        write(git.join("HEAD"), "ref: HEAD\n");
        assert_eq!(head(folder.path()), None, "a circle ends");
    }

    #[test]
    fn a_work_tree_has_a_head_of_its_own_and_shares_the_branches() {
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().join("main/.git");
        write(git.join("refs/heads/side"), ONE);
        write(git.join("worktrees/side/HEAD"), "ref: refs/heads/side\n");
        write(git.join("worktrees/side/commondir"), "../..\n");
        let side = folder.path().join("side");
        write(side.join(".git"), &format!("gitdir: {}\n", git.join("worktrees/side").display()));
        assert_eq!(head(&side).as_deref(), Some(ONE));
    }
}
