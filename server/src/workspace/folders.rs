//! Watches a folder's files for one task: which folders are looked at, which files count, and when a burst of changes is
//! over. Knows no task and decides nothing about runs.
//!
//! What version control ignores does not count, nor do its own folders, installed packages, editors' temporary files and
//! Pillion's own state. A file that came and went within one burst never was. Folders that come later are watched too.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

use super::watch::{AddError, FileChange, FolderEvents};
use crate::clock;
use crate::task::model::{Timestamp, Watch};
use crate::task::run::Change;

/// Folders that are watched for one task.
const MOST_FOLDERS: usize = 20_000;
/// Changes of one burst that are named; more are "anything".
const MOST_CHANGES: usize = 1_000;
/// Changes that wait to be looked at.
const QUEUE: usize = 8_192;
/// A burst that does not end is told after so many pauses.
const PATIENCE: u32 = 10;
/// The times of files come from a clock that may be so much behind, in milliseconds.
const TICK: u64 = 20;
/// Folders that never count, whatever is ignored.
const NEVER: [&str; 7] = [".git", ".hg", ".svn", ".jj", "node_modules", "__pycache__", ".venv"];

/// What a watch tells.
#[derive(Debug)]
pub enum Seen {
    /// Files changed, and were quiet for a while.
    Changes(Vec<Change>),
    /// It cannot be kept up; it is over.
    Failed(String),
}

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

/// Watches `root` until the future is dropped or `tell` says that nobody listens. `never` is left out.
pub async fn follow(root: PathBuf, never: PathBuf, watch: Watch, tell: impl Fn(Seen) -> bool + Send) {
    let debounce = Duration::from_millis(watch.debounce_ms);
    let (queue, mut changes) = mpsc::channel::<(FileChange, Timestamp)>(QUEUE);
    let (lost, wake) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let (full, poke) = (lost.clone(), wake.clone());
    let heard = move |change: Option<FileChange>| {
        let taken = change.is_some_and(|change| queue.try_send((change, clock::now())).is_ok());
        if !taken {
            full.store(true, Ordering::Release);
        }
        poke.notify_one();
    };
    let since = clock::now();
    let started = tokio::task::spawn_blocking(move || Folders::start(root, never, &watch, since, heard)).await;
    let mut folders = match started.unwrap_or_else(|error| Err(error.to_string())) {
        Ok((folders, early)) => {
            if !early.is_empty() && !tell(Seen::Changes(early)) {
                return;
            }
            folders
        }
        Err(why) => {
            tell(Seen::Failed(why));
            return;
        }
    };
    loop {
        wake.notified().await;
        let mut burst = Burst::default();
        let begun = Instant::now();
        loop {
            while let Ok((change, at)) = changes.try_recv() {
                burst.take(change, at);
            }
            let quiet = (Instant::now() + debounce).min(begun + debounce * PATIENCE);
            tokio::select! {
                () = wake.notified() => {}
                () = sleep_until(quiet) => break,
            }
        }
        burst.lost |= lost.swap(false, Ordering::AcqRel);
        let sorted = tokio::task::spawn_blocking(move || {
            let sorted = folders.sort(burst);
            (folders, sorted)
        });
        let Ok((back, sorted)) = sorted.await else { return };
        folders = back;
        match sorted {
            Ok(changes) if changes.is_empty() => {}
            Ok(changes) => {
                if !tell(Seen::Changes(changes)) {
                    return;
                }
            }
            Err(why) => {
                tell(Seen::Failed(why));
                return;
            }
        }
    }
}

/// Changes that have gathered.
#[derive(Debug, Default)]
struct Burst {
    /// By path: when it changed last, and whether it came in this burst.
    files: BTreeMap<PathBuf, (Timestamp, bool)>,
    lost: bool,
}

impl Burst {
    fn take(&mut self, change: FileChange, at: Timestamp) {
        if self.files.len() >= MOST_CHANGES * 4 && !self.files.contains_key(&change.path) {
            self.lost = true;
            return;
        }
        let known = self.files.entry(change.path).or_insert((at, change.created));
        known.0 = at;
    }
}

/// The folders that are watched, and the rules.
struct Folders {
    events: FolderEvents,
    rules: Rules,
    count: usize,
}

impl Folders {
    fn start(
        root: PathBuf,
        never: PathBuf,
        watch: &Watch,
        since: Timestamp,
        heard: impl Fn(Option<FileChange>) + Send + 'static,
    ) -> Result<(Self, Vec<Change>), String> {
        let rules = Rules::new(root.clone(), never, watch)?;
        let events = FolderEvents::start(heard)?;
        let mut folders = Self { events, rules, count: 0 };
        let mut files = Vec::new();
        folders.add(&root, &mut files)?;
        // What was written while the watches were set up made no event.
        let written = |path: &Path| {
            let at = path.symlink_metadata().ok()?.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            u64::try_from(at.as_millis()).ok().map(Timestamp).filter(|at| at.0 + TICK >= since.0)
        };
        let early = files.into_iter().filter_map(|path| {
            let at = written(&path)?;
            folders.rules.counts(&path).then_some(Change { path, at, created: false })
        });
        let early = early.take(MOST_CHANGES).collect();
        Ok((folders, early))
    }

    /// Watches a folder and what is below it; `found` gets the files that are there.
    fn add(&mut self, folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            if self.count >= MOST_FOLDERS {
                return Err(format!(
                    "{} has more than {MOST_FOLDERS} folders. Name those that matter in `paths`, or ignore the others.",
                    self.rules.root.display()
                ));
            }
            // First the watch, then the look: what comes between the two is seen twice, and not never.
            match self.events.add(&folder) {
                Ok(()) => self.count += 1,
                Err(AddError::Gone) => continue,
                Err(AddError::NoMore) => {
                    return Err(format!(
                        "the system gives no more file watches ({} folders are watched here). Raise \
                         fs.inotify.max_user_watches (`sudo sysctl fs.inotify.max_user_watches=524288`), or name the \
                         folders that matter in `paths`.",
                        self.count
                    ));
                }
                Err(AddError::Other(why)) => return Err(format!("{}: {why}", folder.display())),
            }
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && self.rules.enters(&path) => open.push(path),
                    Ok(kind) if !kind.is_dir() => found.push(path),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The changes of a burst that count, with the folders that came watched.
    fn sort(&mut self, burst: Burst) -> Result<Vec<Change>, String> {
        let mut changes = Vec::new();
        if burst.files.keys().any(|path| is_rules(path)) {
            self.rules.forget();
        }
        let mut newest = Timestamp::default();
        for (path, (at, created)) in burst.files {
            newest = newest.max(at);
            let found = path.symlink_metadata();
            if found.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
                if created && self.rules.enters(&path) {
                    let mut files = Vec::new();
                    self.add(&path, &mut files)?;
                    let files = files.into_iter().filter(|file| self.rules.counts(file));
                    changes.extend(files.map(|path| Change { path, at, created: true }).collect::<Vec<_>>());
                }
                continue;
            }
            let came_and_went = created && found.is_err();
            if !came_and_went && self.rules.counts(&path) {
                changes.push(Change { path, at, created });
            }
        }
        if burst.lost || changes.len() > MOST_CHANGES {
            let at = if newest == Timestamp::default() { clock::now() } else { newest };
            changes.truncate(MOST_CHANGES);
            changes.push(Change { path: self.rules.root.clone(), at, created: false });
        }
        Ok(changes)
    }
}

/// Which folders are entered, and which files count.
struct Rules {
    root: PathBuf,
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
    fn new(root: PathBuf, never: PathBuf, watch: &Watch) -> Result<Self, String> {
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
    fn forget(&mut self) {
        self.inner.clear();
    }

    /// True when the folder is looked into. Its own parent is.
    fn enters(&mut self, folder: &Path) -> bool {
        let name = folder.file_name().unwrap_or_default();
        let on_the_way =
            self.bases.is_empty() || self.bases.iter().any(|base| folder.starts_with(base) || base.starts_with(folder));
        on_the_way
            && !NEVER.iter().any(|never| name == *never)
            && !folder.starts_with(&self.never)
            && !self.is_ignored(folder, true)
    }

    /// True when a change of the file means something. Its folder is entered.
    fn counts(&mut self, file: &Path) -> bool {
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

fn is_rules(path: &Path) -> bool {
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
mod tests {
    use super::*;

    fn watch(paths: &[&str], ignore: &[&str]) -> Watch {
        let texts = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
        Watch {
            paths: texts(paths),
            ignore: texts(ignore),
            debounce_ms: 20,
            restart: false,
            on_exit: crate::task::model::OnExit::None,
        }
    }

    fn write(root: &Path, path: &str, text: &str) {
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

    async fn next(seen: &mut mpsc::UnboundedReceiver<Seen>) -> Vec<Change> {
        let seen = tokio::time::timeout(Duration::from_secs(30), seen.recv()).await.expect("news").expect("a watch");
        match seen {
            Seen::Changes(changes) => changes,
            Seen::Failed(why) => panic!("{why}"),
        }
    }

    /// Writes until the watch has seen it: from then on it stands.
    async fn settled(root: &Path, seen: &mut mpsc::UnboundedReceiver<Seen>) {
        for attempt in 0.. {
            write(root, "settle", &attempt.to_string());
            let news = tokio::time::timeout(Duration::from_millis(500), seen.recv()).await;
            if news.is_ok() {
                return;
            }
            assert!(attempt < 60, "the watch saw nothing");
        }
    }

    #[tokio::test]
    async fn changes_come_together_and_new_folders_are_watched() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        write(&root, ".gitignore", "out/\n");
        write(&root, "src/a.rs", "1");
        std::fs::create_dir(root.join("out")).unwrap();
        let (tell, mut seen) = mpsc::unbounded_channel();
        let following = tokio::spawn(follow(root.clone(), root.join("state"), watch(&[], &[]), move |news| {
            tell.send(news).is_ok()
        }));
        settled(&root, &mut seen).await;
        write(&root, "out/x", "ignored");
        write(&root, "src/b.rs", "new");
        write(&root, "src/a.rs", "2");
        let mut got: Vec<(PathBuf, bool)> = Vec::new();
        while got.len() < 2 {
            got.extend(next(&mut seen).await.into_iter().map(|change| (change.path, change.created)));
            got.retain(|(path, _)| !path.ends_with("settle"));
        }
        got.sort();
        assert_eq!(got, [(root.join("src/a.rs"), false), (root.join("src/b.rs"), true)]);
        write(&root, "fresh/deep/c.rs", "1");
        let first = next(&mut seen).await;
        assert_eq!(first[0].path, root.join("fresh/deep/c.rs"), "{first:?}");
        write(&root, "fresh/deep/c.rs", "22");
        assert_eq!(next(&mut seen).await[0].path, root.join("fresh/deep/c.rs"));
        std::fs::remove_file(root.join("fresh/deep/c.rs")).unwrap();
        let gone = next(&mut seen).await;
        assert_eq!((gone.len(), &gone[0].path), (1, &root.join("fresh/deep/c.rs")));
        following.abort();
    }
}
