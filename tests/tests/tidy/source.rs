//! Reads the repository: its files, and Rust code without comments and tests. Knows no rule.

use std::path::{Path, PathBuf};

/// Folders that hold nothing of the project's own.
const SKIPPED: [&str; 9] =
    [".git", "target", "node_modules", ".venv", "__pycache__", ".pytest_cache", "dist", "out", "test-results"];

/// A file of the repository.
pub struct File {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
}

impl File {
    /// The file's name without folders.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// What follows the last dot of the name.
    pub fn extension(&self) -> &str {
        self.name().rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// True for Rust tests in files of their own: `tests.rs`, `render_tests.rs`, `tests/stream.rs`.
    pub fn is_tests(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs"))
    }

    /// True for the demo's projects and for captured material: they are data here, other people's code in shape.
    pub fn is_material(&self) -> bool {
        self.path.starts_with("server/demo/") || self.path.contains("/fixtures/")
    }
}

/// The repository's root, as the test's runner tells it; a build folder may be older than the repository's place.
pub fn root() -> PathBuf {
    let tests: PathBuf =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).into();
    tests.parent().expect("the tests have a folder").to_owned()
}

/// A file that has to be there.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text file, sorted by path.
pub fn files() -> Vec<File> {
    let mut files = Vec::new();
    collect(&root(), &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.len() > 20, "only {} files found", files.len());
    files
}

fn collect(folder: &Path, files: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the repository can be read") {
        let entry = entry.expect("an entry can be read");
        let (path, kind) = (entry.path(), entry.file_type().expect("an entry has a type"));
        let name = entry.file_name();
        if SKIPPED.iter().any(|skipped| name == *skipped) {
            continue;
        }
        if kind.is_dir() {
            collect(&path, files);
        } else if kind.is_file() {
            // What is not UTF-8 is no text.
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let inside = path.strip_prefix(root()).expect("it was found there");
            files.push(File { path: inside.to_string_lossy().replace('\\', "/"), text });
        }
    }
}

/// Rust code alone: line comments are blanked, and the file ends where its test module begins. Line numbers stay.
pub fn code(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let inline = |next: &&str| next.starts_with("mod ") && !next.ends_with(';');
        if line.starts_with("#[cfg(test)]") && lines.peek().is_some_and(inline) {
            break;
        }
        out.push_str(line.split_once("//").map_or(line, |(code, _)| code));
        out.push('\n');
    }
    out
}

/// True where `text` has `word` at `at` as a whole: no letter, digit or underscore on either side.
pub fn stands_alone(text: &str, at: usize, word: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    let (first, last) = (word.starts_with(part), word.ends_with(part));
    let before = text[..at].chars().next_back().is_some_and(part);
    let after = text[at + word.len()..].chars().next().is_some_and(part);
    !(first && before || last && after)
}

/// The lines (1-based) on which `word` stands as a whole.
pub fn lines_with(text: &str, word: &str) -> Vec<usize> {
    let found = |line: &str| line.match_indices(word).any(|(at, _)| stands_alone(line, at, word));
    text.lines().enumerate().filter(|(_, line)| found(line)).map(|(at, _)| at + 1).collect()
}

/// Fails with every complaint at once.
pub fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n  {}\n", complaints.join("\n  "));
}

#[test]
fn comments_and_tests_are_no_code() {
    let text = "use a; // b\n/// c\n#[cfg(test)]\nmod tests;\nfn d() {}\n#[cfg(test)]\nmod tests {}\n";
    assert_eq!(code(text), "use a; \n\n#[cfg(test)]\nmod tests;\nfn d() {}\n");
    assert_eq!(lines_with("notify::x\nmy_notify::x\nNotify\n notify;", "notify"), [1, 4]);
    assert_eq!(lines_with("env::var(x)\nenv::vars(x)", "env::var"), [1]);
}
