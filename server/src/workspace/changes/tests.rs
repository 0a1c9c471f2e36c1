//! Real folders: what counts as a change, and what does not.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;
use crate::clock;

/// A workspace, and the look at it before anything happens.
struct Workspace {
    folder: TempDir,
    before: Look,
}

impl Workspace {
    /// With these files; a name that ends with `/` is a folder.
    fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(if name.ends_with('/') { &path } else { path.parent().unwrap() }).unwrap();
            if !name.ends_with('/') {
                fs::write(path, "target/\n.env\n").unwrap();
            }
        }
        let before = look(&[folder.path().to_owned()]).expect("small enough");
        Self { folder, before }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn roots(&self) -> [PathBuf; 1] {
        [self.folder.path().to_owned()]
    }

    fn look(&self) -> Look {
        look(&self.roots()).expect("small enough")
    }

    /// Waits until the file system's clock gives another time than it gave so far.
    fn tick(&self) {
        let clock = tempfile::NamedTempFile::new().unwrap();
        while fs::metadata(clock.path()).map(|metadata| time(&metadata)).unwrap() <= self.before.newest_ns {
            fs::write(clock.path(), "tick").unwrap();
        }
    }

    /// What a change does: whether the newest time moves, and whether the fingerprint does.
    fn after(&self, change: impl FnOnce(&Self)) -> (bool, bool) {
        self.tick();
        change(self);
        let after = self.look();
        assert_eq!(fingerprint(&self.roots()).as_ref(), Some(&after.fingerprint), "both walks see the same");
        (after.newest_ns > self.before.newest_ns, after.fingerprint != self.before.fingerprint)
    }
}

fn time(metadata: &Metadata) -> i128 {
    i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec())
}

const NAMES: &[&str] =
    &[".gitignore", ".git/HEAD", ".git/index", ".git/refs/heads/main", ".git/objects/", ".env", "src/a.rs", "target/x"];

#[test]
fn every_way_to_change_a_source_is_seen() {
    type Change = fn(&Workspace);
    let table: &[(&str, Change)] = &[
        ("an edit", |at| fs::write(at.path("src/a.rs"), "longer than before").unwrap()),
        ("a new file", |at| fs::write(at.path("src/b.rs"), "").unwrap()),
        ("a hidden one", |at| fs::write(at.path(".hidden"), "").unwrap()),
        ("a file in a new folder", |at| {
            fs::create_dir_all(at.path("c/d")).unwrap();
            fs::write(at.path("c/d/e"), "").unwrap();
        }),
        ("a removed file", |at| fs::remove_file(at.path("src/a.rs")).unwrap()),
        ("a renamed one", |at| fs::rename(at.path("src/a.rs"), at.path("src/c.rs")).unwrap()),
    ];
    for (what, change) in table {
        assert_eq!(Workspace::new(NAMES).after(*change), (true, true), "{what}");
    }
}

#[test]
fn an_edit_that_restores_size_and_time_is_a_change_all_the_same() {
    let (written, _) = Workspace::new(NAMES).after(|at| {
        let path = at.path("src/a.rs");
        let metadata = fs::metadata(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace('e', "E")).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(metadata.modified().unwrap()).unwrap();
    });
    assert!(written);
}

#[test]
fn ignored_files_count_as_written_and_ignored_folders_do_not() {
    assert_eq!(Workspace::new(NAMES).after(|at| fs::write(at.path(".env"), "KEY=1").unwrap()), (true, false));
    assert_eq!(Workspace::new(NAMES).after(|at| fs::write(at.path("target/y"), "").unwrap()), (false, false));
    assert_eq!(Workspace::new(NAMES).after(|_| ()), (false, false));
}

#[test]
fn of_git_it_counts_where_it_stands_and_what_is_staged() {
    for name in [".git/HEAD", ".git/index", ".git/refs/heads/main", ".git/refs/heads/new", ".git/packed-refs"] {
        let (written, _) = Workspace::new(NAMES).after(|at| fs::write(at.path(name), "x").unwrap());
        assert!(written, "{name}");
    }
    assert_eq!(Workspace::new(NAMES).after(|at| fs::write(at.path(".git/objects/x"), "").unwrap()), (false, false));
    let commit = "1111111111111111111111111111111111111111";
    assert_eq!(Workspace::new(NAMES).after(|at| fs::write(at.path(".git/HEAD"), commit).unwrap()), (true, true));
}

#[test]
fn a_link_counts_as_what_it_leads_to() {
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("a");
    fs::write(&file, "").unwrap();
    let at = Workspace::new(NAMES);
    symlink(&file, at.path("link")).unwrap();
    symlink("src", at.path("inside")).unwrap();
    symlink("nowhere", at.path("broken")).unwrap();
    let at = Workspace { before: at.look(), folder: at.folder };
    let (written, _) = at.after(|_| fs::write(&file, "x").unwrap());
    assert!(written);
    symlink(elsewhere.path(), at.path("folder")).unwrap();
    assert_eq!(look(&at.roots()), None, "what is there cannot be seen whole");
    assert!(fingerprint(&at.roots()).is_some());
}

#[test]
fn what_was_written_just_before_a_moment_counts_as_after_it() {
    let at = Workspace::new(NAMES);
    let now = clock::now().0;
    assert!(at.before.is_written_since(now.min(u64::try_from(at.before.newest_ns / 1_000_000).unwrap())));
    assert!(at.before.is_written_since(u64::try_from(at.before.newest_ns / 1_000_000).unwrap() + 19));
    assert!(!at.before.is_written_since(u64::try_from(at.before.newest_ns / 1_000_000).unwrap() + 21));
}

#[test]
fn too_much_is_not_known() {
    let at = Workspace::new(NAMES);
    let roots = at.roots();
    let walk = |left| Walk { left, ..Walk::new(&roots, true) };
    assert_eq!(walk(3).run(), None);
    assert!(walk(100).run().is_some());
    assert_eq!(Walk { end: Instant::now(), left: 65, ..Walk::new(&roots, true) }.run(), None);
}
