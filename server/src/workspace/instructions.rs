//! Finds and reads instruction files (`agent/instructions`): those of the folders from the workspace's root to the session's,
//! the person's own, and those further down. A file whose links lead out of the workspace is passed over: what is read here
//! goes to a model service unasked.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::roots::Roots;
use crate::agent::instructions::{InstructionFile, NAMES, WHOLE};

/// Bytes that are read of one file: four for each character that could be told.
const READ: u64 = 4 * WHOLE as u64;
/// Folders between a session's and a file's that are looked into.
const DEPTH: usize = 32;

/// What holds in a session's folder: the person's own file, then the folders' from the root of the workspace to `cwd`.
pub async fn above(roots: Roots, cwd: PathBuf, personal: PathBuf) -> Vec<InstructionFile> {
    blocking(move || {
        let mut files: Vec<InstructionFile> = of_folder(&personal, &|_| true).into_iter().collect();
        for file in &mut files {
            file.personal = true;
        }
        // A session that works elsewhere has its own folder's alone.
        let root = roots.all().filter(|root| cwd.starts_with(root)).max_by_key(|root| root.components().count());
        let root = root.unwrap_or(&cwd).to_owned();
        let inside = |path: &Path| within(&root, path);
        let folders: Vec<&Path> = cwd.ancestors().take_while(|folder| folder.starts_with(&root)).collect();
        files.extend(folders.into_iter().rev().filter_map(|folder| of_folder(folder, &inside)));
        files
    })
    .await
}

/// What holds for a file below a session's folder and not for the folder itself, the outermost first.
pub async fn between(roots: Roots, cwd: PathBuf, file: PathBuf) -> Vec<InstructionFile> {
    let is_instructions = file.file_name().is_some_and(|name| NAMES.iter().any(|known| *known == name));
    if is_instructions || !file.starts_with(&cwd) || !roots.all().any(|root| cwd.starts_with(root)) {
        return Vec::new();
    }
    blocking(move || {
        let inside = |path: &Path| within(&cwd, path);
        let folders = file.ancestors().skip(1).take_while(|folder| *folder != cwd && folder.starts_with(&cwd));
        let folders: Vec<&Path> = folders.take(DEPTH).collect();
        folders.into_iter().rev().filter_map(|folder| of_folder(folder, &inside)).collect()
    })
    .await
}

fn within(folder: &Path, path: &Path) -> bool {
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    path.canonicalize().is_ok_and(|path| path.starts_with(real))
}

/// The file of one folder.
fn of_folder(folder: &Path, may_read: &dyn Fn(&Path) -> bool) -> Option<InstructionFile> {
    NAMES.iter().find_map(|name| {
        let path = folder.join(name);
        // Neither a pipe nor a folder.
        let length = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?.len();
        if !may_read(&path) {
            tracing::warn!(path = %path.display(), "its links lead out of the workspace: it is not read");
            return None;
        }
        let mut bytes = Vec::new();
        if let Err(error) = File::open(&path).and_then(|file| file.take(READ).read_to_end(&mut bytes)) {
            tracing::warn!(path = %path.display(), %error, "an instruction file cannot be read");
            return None;
        }
        let unread = usize::try_from(length).unwrap_or(usize::MAX).saturating_sub(bytes.len());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Some(InstructionFile { path, text, personal: false, unread })
    })
}

async fn blocking(work: impl FnOnce() -> Vec<InstructionFile> + Send + 'static) -> Vec<InstructionFile> {
    tokio::task::spawn_blocking(work).await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn paths(base: &Path, files: &[InstructionFile]) -> Vec<String> {
        files.iter().map(|file| file.path.strip_prefix(base).unwrap_or(&file.path).display().to_string()).collect()
    }

    #[tokio::test]
    async fn files_are_found_from_the_root_to_the_folder_and_below() {
        let place = tempfile::tempdir().expect("a folder");
        let base = place.path().canonicalize().expect("its path");
        let root = base.join("w");
        fs::create_dir_all(root.join("a/b/c")).expect("folders");
        fs::create_dir_all(base.join("home")).expect("a folder");
        for (path, text) in [
            ("AGENTS.md", "outside of the workspace"),
            ("home/AGENTS.md", "mine"),
            ("w/AGENTS.md", "root"),
            ("w/CLAUDE.md", "passed over"),
            ("w/a/CLAUDE.md", "a"),
            ("w/a/b/AGENTS.md", "b"),
        ] {
            fs::write(base.join(path), text).expect("a file");
        }
        symlink(base.join("AGENTS.md"), root.join("a/b/c/AGENTS.md")).expect("a link");
        let roots = Roots::new(root.clone());
        let found = above(roots.clone(), root.join("a"), base.join("home")).await;
        assert_eq!(paths(&base, &found), ["home/AGENTS.md", "w/AGENTS.md", "w/a/CLAUDE.md"]);
        assert_eq!((found[0].personal, found[1].personal), (true, false));
        let deeper = between(roots.clone(), root.clone(), root.join("a/b/c/x.rs")).await;
        assert_eq!(paths(&base, &deeper), ["w/a/CLAUDE.md", "w/a/b/AGENTS.md"], "no link leads out");
        assert_eq!(between(roots.clone(), root.clone(), root.join("x.rs")).await, []);
        assert_eq!(between(roots.clone(), root.clone(), root.join("a/b/AGENTS.md")).await, [], "it is read itself");
        let elsewhere = above(roots, base.join("home"), base.join("none")).await;
        assert_eq!(paths(&base, &elsewhere), ["home/AGENTS.md"]);
    }

    #[tokio::test]
    async fn of_a_large_file_the_beginning_is_read_and_the_rest_counted() {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path().canonicalize().expect("its path");
        fs::write(root.join("AGENTS.md"), "x".repeat(READ as usize + 7)).expect("a file");
        let found = above(Roots::new(root.clone()), root.clone(), root.join("none")).await;
        assert_eq!((found[0].text.len(), found[0].unread), (READ as usize, 7));
    }
}
