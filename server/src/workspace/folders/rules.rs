//! Which folders a watch enters, and which files count: the globs that were asked for, and neither what version control
//! ignores nor its own folders, installed packages, editors' temporary files and Pillion's own state. Reads ignore files,
//! watches nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::task::model::Watch;

/// Folders that never count, whatever is ignored.
const NEVER: [&str; 7] = [".git", ".hg", ".svn", ".jj", "node_modules", "__pycache__", ".venv"];

/// Compiles the globs of a watch. `src` means everything below it, `*.rs` at any depth. The error names the glob.
pub fn globs(patterns: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    let mut add = |text: &str, all: &str| {
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        set.add(glob.map_err(|error| format!("{all:?} is no glob: {}", error.kind()))?);
        Ok::<(), String>(())
    };
    for pattern in patterns {
        let plain = pattern.trim_start_matches("./").trim_end_matches('/');
        if plain.is_empty() || plain.starts_with('/') || plain.split('/').any(|part| part == "..") {
            return Err(format!("{pattern:?} is not relative to the workspace"));
        }
        let text = if plain.contains('/') { plain.to_owned() } else { format!("**/{plain}") };
        add(&text, pattern)?;
        add(&format!("{text}/**"), pattern)?;
    }
    set.build().map_err(|error| error.to_string())
}

/// Which folders are entered, and which files count.
pub(super) struct Rules {
    pub(super) root: PathBuf,
    never: PathBuf,
    /// `None`: all files.
    only: Option<GlobSet>,
    /// Folders that every glob of `only` begins with; all when empty.
    bases: Vec<PathBuf>,
    without: GlobSet,
    /// The ignore files of the folders around the root, of the repository and of the person.
    outer: Vec<Gitignore>,
    inner: HashMap<PathBuf, Gitignore>,
}

impl Rules {
    pub(super) fn new(root: PathBuf, never: PathBuf, watch: &Watch) -> Result<Self, String> {
        let only = if watch.paths.is_empty() { None } else { Some(globs(&watch.paths)?) };
        let based: Vec<PathBuf> = watch.paths.iter().map(|glob| root.join(base(glob))).collect();
        let bases = if based.contains(&root) { Vec::new() } else { based };
        let mut outer = Vec::new();
        let top = root.ancestors().find(|dir| dir.join(".git").exists()).map(Path::to_owned);
        if let Some(top) = &top {
            let between = root.ancestors().skip(1).take_while(|dir| dir.starts_with(top));
            outer.extend(between.map(of_folder));
            let mut exclude = GitignoreBuilder::new(top);
            exclude.add(top.join(".git/info/exclude"));
            outer.extend(exclude.build());
        }
        outer.push(Gitignore::global().0);
        Ok(Self { without: globs(&watch.ignore)?, root, never, only, bases, outer, inner: HashMap::new() })
    }

    /// Ignore files changed.
    pub(super) fn forget(&mut self) {
        self.inner.clear();
    }

    /// True when the folder is looked into. Its own parent is.
    pub(super) fn enters(&mut self, folder: &Path) -> bool {
        let name = folder.file_name().unwrap_or_default();
        let on_the_way =
            self.bases.is_empty() || self.bases.iter().any(|base| folder.starts_with(base) || base.starts_with(folder));
        on_the_way
            && !NEVER.iter().any(|never| name == *never)
            && !folder.starts_with(&self.never)
            && !self.is_ignored(folder, true)
    }

    /// True when a change of the file means something. Its folder is entered.
    pub(super) fn counts(&mut self, file: &Path) -> bool {
        let Ok(inside) = file.strip_prefix(&self.root) else { return false };
        let wanted = self.only.as_ref().is_none_or(|only| only.is_match(inside)) && !self.without.is_match(inside);
        wanted && !is_temporary(file) && !file.starts_with(&self.never) && !self.is_ignored(file, false)
    }

    fn is_ignored(&mut self, path: &Path, is_dir: bool) -> bool {
        if path.strip_prefix(&self.root).is_ok_and(|inside| is_dir && self.without.is_match(inside)) {
            return true;
        }
        let folders = path.ancestors().skip(1).take_while(|dir| dir.starts_with(&self.root));
        for folder in folders {
            let rules = self.inner.entry(folder.to_owned()).or_insert_with(|| of_folder(folder));
            match rules.matched(path, is_dir) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        let outer = self.outer.iter().map(|rules| rules.matched_path_or_any_parents(path, is_dir));
        outer.into_iter().find(|found| !found.is_none()).is_some_and(|found| found.is_ignore())
    }
}

fn of_folder(folder: &Path) -> Gitignore {
    let mut rules = GitignoreBuilder::new(folder);
    for name in [".gitignore", ".ignore"] {
        // A file that is not there, or that holds a bad line, ignores nothing by that.
        let _ = rules.add(folder.join(name));
    }
    rules.build().unwrap_or_else(|_| Gitignore::empty())
}

pub(super) fn is_rules(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ".gitignore" || name == ".ignore")
}

/// Files that editors make for the moment.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_swap = || {
        let end = path.extension().unwrap_or_default().to_string_lossy();
        name.starts_with('.') && matches!(&*end, "swp" | "swo" | "swx" | "swpx")
    };
    name.ends_with('~')
        || name.starts_with(".#")
        || name.starts_with('#') && name.ends_with('#')
        || name == "4913"
        || is_swap()
}

/// The folder that a glob begins with.
fn base(glob: &str) -> PathBuf {
    let plain = glob.trim_start_matches("./");
    let whole = |part: &&str| !part.contains(['*', '?', '[', '{']);
    let parts: Vec<&str> = plain.split('/').take_while(whole).collect();
    match parts.len() {
        // A name alone is looked for everywhere; the last one may be a file.
        0 | 1 if !plain.contains('/') => PathBuf::new(),
        length if length == plain.split('/').count() => parts[..length - 1].iter().collect(),
        _ => parts.iter().collect(),
    }
}
#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::workspace::folders) fn watch(paths: &[&str], ignore: &[&str]) -> Watch {
        let texts = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
        Watch {
            paths: texts(paths),
            ignore: texts(ignore),
            debounce_ms: 20,
            restart: false,
            on_exit: crate::task::model::OnExit::None,
        }
    }

    pub(in crate::workspace::folders) fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn what_is_ignored_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("repo/app");
        write(&root, "../.git/info/exclude", "excluded.txt\n");
        write(&root, "../.gitignore", "*.log\n/app/target/\n");
        write(&root, ".gitignore", "dist/\n!keep.log\n");
        write(&root, "src/.ignore", "generated.rs\n");
        let mut rules = Rules::new(root.clone(), root.join("state"), &watch(&[], &["docs/*.md", "tmp"])).unwrap();
        for (path, counts) in [
            ("src/main.rs", true),
            (".env", true),
            ("src/generated.rs", false),
            ("a.log", false),
            ("keep.log", true),
            ("excluded.txt", false),
            ("docs/a.md", false),
            ("docs/deep/a.md", true),
            ("src/main.rs~", false),
            ("src/.main.rs.swp", false),
            ("src/4913", false),
            ("src/.#main.rs", false),
            ("/elsewhere/other.rs", false),
        ] {
            assert_eq!(rules.counts(&root.join(path)), counts, "{path}");
        }
        for (path, enters) in [
            ("src", true),
            ("dist", false),
            ("target", false),
            (".git", false),
            ("node_modules", false),
            ("state", false),
            ("tmp", false),
            ("src/tmp", false),
        ] {
            assert_eq!(rules.enters(&root.join(path)), enters, "{path}");
        }
    }

    #[test]
    fn globs_say_which_files_and_folders() {
        let root = PathBuf::from("/w");
        let mut rules = Rules::new(root.clone(), "/state".into(), &watch(&["src/**/*.rs", "./conf/app"], &[])).unwrap();
        for (path, counts) in [
            ("src/a.rs", true),
            ("src/deep/a.rs", true),
            ("src/a.txt", false),
            ("a.rs", false),
            ("conf/app/x", true),
            ("conf/app", true),
        ] {
            assert_eq!(rules.counts(&root.join(path)), counts, "{path}");
        }
        for (path, enters) in [("src", true), ("src/deep", true), ("conf", true), ("other", false)] {
            assert_eq!(rules.enters(&root.join(path)), enters, "{path}");
        }
        let mut rules = Rules::new(root.clone(), "/state".into(), &watch(&["*.py"], &[])).unwrap();
        assert!(rules.counts(&root.join("deep/down/a.py")) && rules.enters(&root.join("deep")));
        assert!(globs(&["[".into()]).unwrap_err().contains("is no glob"));
        for outside in ["/etc/**", "../other", "src/../../x"] {
            assert!(globs(&[outside.into()]).unwrap_err().contains("relative"), "{outside}");
        }
    }
}
