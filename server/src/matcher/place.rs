//! From what a tool prints to a [`Place`]: which file a printed path means, and which UTF-16 column a printed column is.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::Files;
use super::container::Containers;
use crate::problem::Place;
use crate::workspace::roots::normal;

/// Searches of the whole workspace for a printed path, in one output.
const MAX_SUFFIXES: usize = 1_000;

/// Sources whose lines are known at a time.
const MAX_SOURCES: usize = 16;

/// How a tool counts columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// 1-based characters (Unicode scalar values): rustc, Python.
    Chars(u32),
    /// 1-based bytes: clang, older gcc.
    Bytes(u32),
    /// 1-based columns of a screen with tab stops every 8: gcc since 11.
    Display(u32),
    /// 1-based UTF-16 code units: JavaScript.
    Utf16(u32),
}

/// Folders of other people's code: never the primary place of a problem.
fn is_library(relative: &Path) -> bool {
    let mut previous = None;
    relative.components().any(|part| {
        let name = part.as_os_str();
        let library = ["node_modules", "site-packages", "dist-packages", ".venv", "venv", ".tox", ".rustup"]
            .iter()
            .any(|known| name == *known)
            || (name == "registry" && previous.is_some_and(|previous| previous == ".cargo"));
        previous = Some(name);
        library
    })
}

/// Folders of a system, where no container keeps the code that it was given.
fn is_system(path: &Path) -> bool {
    ["/usr", "/lib", "/etc", "/proc", "/rustc", "/bin", "/sbin", "/dev", "/sys"]
        .iter()
        .any(|known| path.starts_with(known))
        && !path.starts_with("/usr/src")
}

/// Resolves printed paths. Answers of the file system are kept for the run.
pub(super) struct Paths {
    files: Arc<dyn Files>,
    root: PathBuf,
    known: HashMap<PathBuf, bool>,
    suffixes: HashMap<PathBuf, Option<PathBuf>>,
    /// The newest last.
    sources: Mutex<Vec<(PathBuf, Source)>>,
}

/// A file's text, and where its lines begin.
struct Source {
    text: String,
    starts: Vec<usize>,
}

impl Source {
    fn new(text: String) -> Self {
        let starts = memchr::memchr_iter(b'\n', text.as_bytes()).map(|end| end + 1);
        let starts = [0].into_iter().chain(starts).filter(|&start| start < text.len()).collect();
        Self { text, starts }
    }

    /// A line by its number, from 1; empty behind the last.
    fn line(&self, number: u32) -> &str {
        let Some(at) = (number as usize).checked_sub(1) else { return "" };
        let Some(&start) = self.starts.get(at) else { return "" };
        let end = self.starts.get(at + 1).copied().unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }
}

impl Paths {
    pub(super) fn new(files: Arc<dyn Files>, root: &Path) -> Self {
        Self { files, root: normal(root), known: HashMap::new(), suffixes: HashMap::new(), sources: Mutex::default() }
    }

    /// The workspace's own file that `printed` means, seen from the first of `bases` where it exists. `None` for a path
    /// that does not exist, lies outside of the root or belongs to a library.
    pub(super) fn own<'b>(
        &mut self,
        printed: &str,
        bases: impl IntoIterator<Item = &'b Path>,
        containers: &Containers,
        service: Option<&str>,
    ) -> Option<PathBuf> {
        let printed = Path::new(printed.strip_prefix("file://").unwrap_or(printed));
        if printed.as_os_str().is_empty() || printed.as_os_str().len() > 4096 {
            return None;
        }
        if printed.is_absolute() {
            let path = normal(printed);
            if self.is_own(&path) && self.is_file(&path) {
                return Some(path);
            }
            if let Some(outside) = containers.outside(&path, service) {
                return (self.is_own(&outside) && self.is_file(&outside)).then_some(outside);
            }
            let foreign = path.starts_with(&self.root) || is_library(&path) || is_system(&path);
            return if foreign || !containers.inside { None } else { self.by_shorter_suffix(&path) };
        }
        for base in bases {
            let path = normal(&base.join(printed));
            if self.is_file(&path) {
                return self.is_own(&path).then_some(path);
            }
        }
        self.by_suffix(printed)
    }

    fn is_own(&self, path: &Path) -> bool {
        path.strip_prefix(&self.root).is_ok_and(|relative| !is_library(relative))
    }

    fn is_file(&mut self, path: &Path) -> bool {
        if let Some(&known) = self.known.get(path) {
            return known;
        }
        let is_file = self.files.is_file(path);
        if self.known.len() < 10_000 {
            self.known.insert(path.to_owned(), is_file);
        }
        is_file
    }

    /// The only file of the workspace that has as many of the last parts of a path inside of a container as any has; two
    /// parts at least, or all but the container's folder.
    fn by_shorter_suffix(&mut self, path: &Path) -> Option<PathBuf> {
        let parts: Vec<_> = path.components().skip(1).collect();
        (1..parts.len().min(6)).find_map(|skip| {
            let suffix: PathBuf = parts[skip..].iter().collect();
            let enough = parts.len() - skip >= 2 || skip == 1;
            if enough { self.by_suffix(&suffix) } else { None }
        })
    }

    /// A script may have gone to a folder that the command line does not name: the path is taken where exactly one file
    /// of the workspace ends so.
    fn by_suffix(&mut self, printed: &Path) -> Option<PathBuf> {
        if printed.components().any(|part| part == Component::ParentDir) {
            return None;
        }
        if let Some(known) = self.suffixes.get(printed) {
            return known.clone();
        }
        if self.suffixes.len() >= MAX_SUFFIXES {
            return None;
        }
        let suffix = normal(printed);
        let extension = suffix.extension()?.to_str()?;
        let mut found = self.files.with_extension(extension).into_iter().filter(|path| path.ends_with(&suffix));
        let only = found.next().filter(|path| found.next().is_none() && self.is_own(path));
        self.suffixes.insert(printed.to_owned(), only.clone());
        only
    }

    /// Sources may have changed since: what is known of their lines is read anew.
    pub(super) fn forget_sources(&mut self) {
        self.sources.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many lines a file has.
    pub(super) fn line_count(&self, file: &Path) -> usize {
        self.with_source(file, |source| source.starts.len())
    }

    /// A line of a file, without its end.
    pub(super) fn source_line(&self, file: &Path, line: u32) -> String {
        self.with_source(file, |source| source.line(line).to_owned())
    }

    fn with_source<T>(&self, file: &Path, look: impl FnOnce(&Source) -> T) -> T {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, source)) = sources.iter().find(|(known, _)| known.as_os_str() == file.as_os_str()) {
            return look(source);
        }
        if sources.len() == MAX_SOURCES {
            sources.remove(0);
        }
        let source = Source::new(self.files.read(file).unwrap_or_default());
        let seen = look(&source);
        sources.push((file.to_owned(), source));
        seen
    }

    /// A place in `file`. The source line is read only when its columns could differ.
    pub(super) fn at(&self, file: PathBuf, line: Option<u32>, column: Option<Column>, end: Option<Column>) -> Place {
        let line = line.filter(|&line| line > 0);
        let convert = |column: Column| {
            let (Column::Chars(n) | Column::Bytes(n) | Column::Display(n) | Column::Utf16(n)) = column;
            if n <= 1 || matches!(column, Column::Utf16(_)) {
                return n.max(1);
            }
            let number = line.unwrap_or(0);
            self.with_source(&file, |source| utf16_column(source.line(number), column))
        };
        let column = column.map(convert);
        let end_column = end.map(convert).filter(|end| Some(*end) > column);
        Place { end_line: end_column.and(line), column: line.and(column), end_column, line, file }
    }
}

/// The UTF-16 column of a column in `text`; past its end, as far past its end.
fn utf16_column(text: &str, column: Column) -> u32 {
    let (mut bytes, mut chars, mut display, mut utf16) = (1u32, 1u32, 1u32, 1u32);
    let reached = |bytes: u32, chars: u32, display: u32, utf16: u32| match column {
        Column::Chars(n) => chars >= n,
        Column::Bytes(n) => bytes >= n,
        Column::Display(n) => display >= n,
        Column::Utf16(n) => utf16 >= n,
    };
    for c in text.chars() {
        if reached(bytes, chars, display, utf16) {
            return utf16;
        }
        bytes += c.len_utf8() as u32;
        chars += 1;
        utf16 += c.len_utf16() as u32;
        display += match c {
            '\t' => 8 - (display - 1) % 8,
            '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{fe0f}' => 0,
            '\u{1100}'..='\u{115f}'
            | '\u{2e80}'..='\u{a4cf}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe6f}'
            | '\u{ff00}'..='\u{ff60}'
            | '\u{ffe0}'..='\u{ffe6}'
            | '\u{1f300}'..='\u{1f64f}'
            | '\u{1f900}'..='\u{1f9ff}'
            | '\u{20000}'..='\u{3fffd}' => 2,
            _ => 1,
        };
    }
    utf16
        + match column {
            Column::Chars(n) => n.saturating_sub(chars),
            Column::Bytes(n) => n.saturating_sub(bytes),
            Column::Display(n) => n.saturating_sub(display),
            Column::Utf16(n) => n.saturating_sub(utf16),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns() {
        for (text, column, utf16) in [
            ("let x", Column::Chars(5), 5),
            ("größe = y", Column::Bytes(11), 9),
            ("größe = y", Column::Chars(9), 9),
            ("\treturn x", Column::Display(16), 9),
            ("a\tb", Column::Display(9), 3),
            ("🦀 x", Column::Chars(3), 4),
            ("🦀 x", Column::Display(4), 4),
            ("", Column::Chars(3), 3),
        ] {
            assert_eq!(utf16_column(text, column), utf16, "{text:?} {column:?}");
        }
    }

    #[test]
    fn lines() {
        let source = Source::new("a\r\nbc\n\nd".to_owned());
        let lines: Vec<&str> = (1..=5).map(|number| source.line(number)).collect();
        assert_eq!((lines, source.starts.len()), (vec!["a", "bc", "", "d", ""], 4));
        assert_eq!(Source::new(String::new()).starts.len(), 0);
        assert_eq!(Source::new("a\n".to_owned()).starts.len(), 1);
    }

    #[test]
    fn libraries() {
        assert!(is_library(Path::new("a/node_modules/b/c.js")));
        assert!(is_library(Path::new(".cargo/registry/src/x.rs")));
        assert!(!is_library(Path::new("registry/src/x.rs")));
    }
}
