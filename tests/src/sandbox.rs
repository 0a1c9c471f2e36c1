//! A private place for one test: home, state, settings and workspace in a folder of their own, with gates that real
//! commands wait at. Whatever was started inside it is ended when the test is over.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::{DEADLINE, process};

/// The folders of one test.
#[derive(Debug)]
pub struct Sandbox {
    root: tempfile::TempDir,
    base: PathBuf,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// A new one, with an empty workspace.
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("pil-").tempdir().expect("a temporary folder");
        let base = root.path().canonicalize().expect("the folder's canonical path");
        for name in ["home", "state", "config", "run", "gates", "w"] {
            fs::create_dir(base.join(name)).expect("a folder in the sandbox");
        }
        // The runtime folder must be the person's alone, as XDG demands.
        fs::set_permissions(base.join("run"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("mode 0700");
        Self { root, base }
    }

    /// The folder above all others; its name is unique and so finds the processes of this test.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// The workspace's folder, canonical.
    pub fn workspace(&self) -> PathBuf {
        self.base.join("w")
    }

    /// A path in the workspace.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.workspace().join(relative)
    }

    /// The user's settings file.
    pub fn config_file(&self) -> PathBuf {
        self.base.join("config/pillion/config.toml")
    }

    /// Writes a file of the workspace, folders included, and returns its path.
    pub fn write(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path(relative);
        write_file(&path, text);
        path
    }

    /// Writes the user's settings file.
    pub fn write_config(&self, text: &str) {
        write_file(&self.config_file(), text);
    }

    /// The text of a file of the workspace.
    pub fn read(&self, relative: &str) -> String {
        let path = self.path(relative);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
    }

    /// The environment of everything that runs here: the person's tools, but none of their settings and keys.
    pub fn environment(&self) -> Vec<(String, String)> {
        const KEPT: &[&str] = &["PATH", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME", "SHELL", "RUSTUP_TOOLCHAIN"];
        let kept = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        // Toolchains live under the real home: without these three the tools on PATH do not find themselves.
        let tools = [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo"), ("PYENV_ROOT", ".pyenv")];
        let tools = tools.into_iter().filter_map(|(name, folder)| {
            let path = std::env::var_os(name).map_or_else(|| home.join(folder), PathBuf::from);
            path.is_dir().then(|| (name.to_owned(), path.display().to_string()))
        });
        let own =
            [("HOME", "home"), ("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "config"), ("XDG_RUNTIME_DIR", "run")];
        let own = own.into_iter().map(|(name, folder)| (name.to_owned(), self.base.join(folder).display().to_string()));
        kept.chain(tools).chain(own).collect()
    }

    /// A new gate, closed, outside the workspace.
    pub fn gate(&self, name: &str) -> Gate {
        Gate { fifo: self.fifo(name) }
    }

    /// A new signal, not yet given.
    pub fn signal(&self, name: &str) -> Signal {
        Signal { fifo: self.fifo(name) }
    }

    fn fifo(&self, name: &str) -> Fifo {
        let path = self.base.join("gates").join(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a FIFO");
        // Open for both: neither side waits for the other to come, and nothing written is lost.
        let file = OpenOptions::new().read(true).write(true).open(&path).expect("the FIFO opens");
        Fifo { path, file }
    }

    /// Files of this sandbox, the workspace's among them, that hold `text`.
    pub fn files_with(&self, text: &str) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.base.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder of the sandbox").flatten() {
                let kind = entry.file_type().expect("an entry has a type");
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    let bytes = fs::read(entry.path()).unwrap_or_default();
                    if bytes.windows(text.len()).any(|part| part == text.as_bytes()) {
                        found.push(entry.path());
                    }
                }
            }
        }
        found
    }

    /// The processes of tasks that live in this sandbox, shims left out.
    pub fn task_processes(&self) -> Vec<process::Process> {
        process::of_tasks(&self.base.display().to_string())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let base = self.root.path().display().to_string();
        // A killed shim may leave a command that was being started: look again until there is none.
        for _ in 0..10 {
            let left = process::naming(&base);
            if left.is_empty() {
                break;
            }
            left.iter().for_each(process::Process::kill);
            left.iter().for_each(|process| {
                process.wait_gone(DEADLINE);
            });
        }
    }
}

/// Writes a file with the folders above it.
pub fn write_file(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a path with a folder")).expect("the folders");
    fs::write(path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

#[derive(Debug)]
struct Fifo {
    path: PathBuf,
    file: File,
}

/// Commands wait at it until the test opens it: one opening lets one reader of one line pass.
#[derive(Debug)]
pub struct Gate {
    fifo: Fifo,
}

impl Gate {
    /// Lets one waiting (or coming) reader pass.
    pub fn open(&self) {
        self.open_for(1);
    }

    /// Lets `readers` pass, in one write.
    pub fn open_for(&self, readers: usize) {
        (&self.fifo.file).write_all("\n".repeat(readers).as_bytes()).expect("the gate opens");
    }

    /// The file to read one line of.
    pub fn path(&self) -> String {
        self.fifo.path.display().to_string()
    }

    /// Shell code that waits here.
    pub fn wait(&self) -> String {
        format!("read -r _ < '{}'", self.path())
    }
}

/// Commands tell the test with it how far they are.
#[derive(Debug)]
pub struct Signal {
    fifo: Fifo,
}

impl Signal {
    /// Shell code that gives the signal.
    pub fn give(&self) -> String {
        format!("echo > '{}'", self.fifo.path.display())
    }

    /// Waits until it is given (once more).
    pub fn wait(&self) {
        let path = self.fifo.path.display();
        assert!(
            process::wait_readable(&self.fifo.file, DEADLINE),
            "nothing gave the signal {path} within {DEADLINE:?}"
        );
        (&self.fifo.file).read_exact(&mut [0]).expect("one byte of the signal");
    }

    /// True when it has been given and nobody took it.
    pub fn is_given(&self) -> bool {
        process::wait_readable(&self.fifo.file, std::time::Duration::ZERO)
    }
}
