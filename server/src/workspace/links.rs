//! Where the links lead that a command's words name: looked up just before it is judged.

use std::fs;
use std::path::{Path, PathBuf};

use super::roots::{absolute, real_path};

/// Entries of a folder that a pattern may mean.
const MOST_ENTRIES: usize = 2_000;
/// Folders that the command may go to first.
const MOST_BASES: usize = 8;

/// Paths that are other ones in truth, and which: of these words of a command that starts in `cwd`. A folder that is one
/// of the words may be where the others begin. Blocks.
pub fn leading(cwd: &Path, root: &Path, home: &Path, names: &[String]) -> Vec<(PathBuf, PathBuf)> {
    let real_root = real_path(root);
    // A root behind a link is the root all the same.
    let known = |real: PathBuf| real.strip_prefix(&real_root).map(|rest| root.join(rest)).unwrap_or(real);
    let at_home = |name: &str| match name.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(name),
    };
    let mut bases = vec![cwd.to_owned()];
    let folders = names.iter().map(|name| cwd.join(at_home(name))).filter(|folder| folder.is_dir());
    bases.extend(folders.take(MOST_BASES));
    let mut found: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut look = |path: &Path| {
        let written = absolute(Path::new("/"), &path.to_string_lossy());
        let real = known(real_path(path));
        if real != written && !found.iter().any(|(known, _)| *known == written) {
            found.push((written, real));
        }
    };
    for base in &bases {
        for name in names {
            let path = base.join(at_home(name));
            let pattern = name.find(['*', '?', '[']);
            let Some(at) = pattern else {
                look(&path);
                continue;
            };
            // The folder before the first mark, and what is linked in it.
            let folder = name[..at].rfind('/').map_or("", |slash| &name[..=slash]);
            let folder = base.join(at_home(folder));
            look(&folder);
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten().take(MOST_ENTRIES) {
                if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                    look(&entry.path());
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_wherever_a_word_leads() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let (root, outside) = (base.join("w"), base.join("outside"));
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("secret"), "").unwrap();
        fs::write(root.join("plain"), "").unwrap();
        symlink(outside.join("secret"), root.join("sub/file")).unwrap();
        symlink(&outside, root.join("folder")).unwrap();
        symlink(root.join("plain"), root.join("within")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let found = leading(&root, &root, &base.join("home"), &names);
            let short = |path: &Path| path.strip_prefix(&base).unwrap().display().to_string();
            found.iter().map(|(from, to)| format!("{} -> {}", short(from), short(to))).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(of(&["plain", "sub", "cat", "none"]), "");
        assert_eq!(of(&["sub/file"]), "w/sub/file -> outside/secret");
        assert_eq!(of(&["sub", "file"]), "w/sub/file -> outside/secret", "after `cd sub`");
        assert_eq!(of(&["folder/secret"]), "w/folder/secret -> outside/secret");
        assert_eq!(of(&["sub/*"]), "w/sub/file -> outside/secret");
        assert_eq!(of(&["within"]), "w/within -> w/plain");
        assert_eq!(of(&["folder/../plain"]), "w/plain -> plain", "the system follows the link first");
    }
}
