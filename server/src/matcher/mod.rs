//! Finds problems, test results and counts in a command's output, while it is written. Pure: bytes in, findings out, and
//! the same findings for any cut of the bytes. Matchers know no task, no session and no LSP; files are seen through
//! [`Files`] alone.
//!
//! [`engine`] cuts lines (`lines`), takes prefixes off that say who wrote a line (`demux`) and shows each line to those
//! formats of the `table` that want it (`prefilter`). A format is one file in its family's folder: what it says of itself
//! (`format`) and its line machine. Matchers report through `scope`, which resolves paths (`place`), says everything once
//! and adds up the runners' counts. README.md tells how one is written.

/// A function that gives an expression, compiled at its first use. `\d` is an ASCII digit.
macro_rules! expression {
    ($name:ident, $text:literal) => {
        fn $name() -> &'static regex::Regex {
            static EXPRESSION: std::sync::LazyLock<regex::Regex> =
                std::sync::LazyLock::new(|| crate::matcher::compiled($text));
            &EXPRESSION
        }
    };
}

/// Tools print ASCII digits: the others would only make an expression larger and slower.
fn compiled(text: &str) -> regex::Regex {
    regex::Regex::new(&text.replace(r"\d", "[0-9]")).expect("the expression is valid")
}

mod c;
mod command;
pub mod compose;
mod container;
mod demux;
mod document;
pub mod engine;
mod format;
mod go;
mod jvm;
pub(crate) mod left_out;
mod lines;
pub mod narrow;
mod node;
mod once;
mod oneline;
mod place;
mod prefilter;
mod python;
mod report;
mod rows;
mod rust;
mod scope;
mod script;
mod table;
#[cfg(test)]
pub(crate) mod tree;
mod words;

use std::path::{Path, PathBuf};

pub use engine::Engine;
pub use left_out::LeftOut;
pub use report::problem_matcher;

use scope::Scope;

/// What matchers may ask of the file system: to resolve a printed path, to find a test's function by its name.
pub trait Files: Send + Sync {
    /// True when `path` is a file.
    fn is_file(&self, path: &Path) -> bool;

    /// The text of a file; `None` when it cannot be read or is larger than a matcher should look at (1 MiB).
    fn read(&self, path: &Path) -> Option<String>;

    /// Files of the workspace with this extension (`rs`, `py`, …), ignore rules obeyed, at most 5,000.
    fn with_extension(&self, extension: &str) -> Vec<PathBuf>;
}

/// What is known before the first line.
#[derive(Clone, Debug)]
pub struct Origin {
    pub command: String,
    /// Where the command runs; absolute.
    pub cwd: PathBuf,
    /// The workspace's root; absolute.
    pub root: PathBuf,
}

/// One format: a line machine that cannot fail. What it does not understand it passes over.
trait Matcher: Send + Sync {
    /// A line that its [`format::Format`] wants, and while [`Self::wants_all`] every line: whole, colours and overwrites
    /// resolved, without its end and without the prefix of an interleaving runner.
    fn line(&mut self, line: &str, scope: &mut Scope);

    /// The current line so far, as raw bytes: it only grows until [`Self::line`] ends it. For runners that write a
    /// character per test. Must depend on the bytes alone, never on how often it is called.
    fn growing(&mut self, raw: &[u8], scope: &mut Scope) {
        let _ = (raw, scope);
    }

    /// True while [`Self::growing`] counts letters; changes in [`Self::line`] alone.
    fn reads_letters(&self) -> bool {
        false
    }

    /// True while every following line matters, not only those that its format wants; changes in [`Self::line`] and
    /// [`Self::interrupted`] alone.
    fn wants_all(&self) -> bool {
        false
    }

    /// True for a reader of documents that may be one line of megabytes: it gets such a line whole, up to
    /// [`lines::MAX_DOCUMENT`] bytes. Everybody else gets its first [`lines::MAX_LINE`].
    fn reads_documents(&self) -> bool {
        false
    }

    /// A line came, while [`Self::wants_all`], that a format of an earlier rank claimed: what is being read may end here.
    fn interrupted(&mut self, scope: &mut Scope) {
        let _ = scope;
    }

    /// The output is over.
    fn end(&mut self, scope: &mut Scope) {
        let _ = scope;
    }
}
