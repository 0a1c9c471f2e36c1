//! A case of the corpus: what a real tool printed, and what is true about it. `tests/fixtures/outputs/README.md` tells what
//! stands in its files. Knows nothing of scores.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pillion::matcher::{Engine, Files, Origin};
use pillion::problem::{Counts, Finding, Problem};
use serde::Deserialize;

/// A case's files, where they stood when its output was captured.
pub struct Tree(BTreeMap<PathBuf, String>);

impl Files for Tree {
    fn is_file(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    fn read(&self, path: &Path) -> Option<String> {
        self.0.get(path).cloned()
    }

    fn with_extension(&self, extension: &str) -> Vec<PathBuf> {
        let matches = |path: &&PathBuf| path.extension().is_some_and(|known| known == extension);
        self.0.keys().filter(matches).cloned().collect()
    }
}

impl Tree {
    /// Files by absolute path.
    pub fn new<const N: usize>(files: [(&str, &str); N]) -> Self {
        Self(files.map(|(path, text)| (path.into(), text.to_owned())).into())
    }

    fn read_folder(&mut self, folder: &Path, at: &Path) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, at) = (entry.path(), at.join(entry.file_name()));
            if path.is_dir() {
                self.read_folder(&path, &at);
            } else if let Ok(bytes) = std::fs::read(&path) {
                self.0.insert(at, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
}

/// `case.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    pub command: String,
    /// Where the command ran, from the root.
    #[serde(default)]
    pub cwd: PathBuf,
    /// Where the root stood.
    #[serde(default = "usual_root")]
    pub root: PathBuf,
    /// The files of the workspace, from the case's folder.
    #[serde(default = "usual_project")]
    pub project: PathBuf,
    pub tool: String,
    /// What the tool calls its version.
    #[serde(default, rename = "version")]
    pub _version: String,
    #[serde(rename = "made")]
    pub _made: String,
    /// The bytes have colours.
    #[serde(default)]
    pub colour: bool,
    /// Written to a terminal.
    #[serde(default, rename = "pty")]
    pub _pty: bool,
    pub counts: Option<TrueCounts>,
    #[serde(default, rename = "diagnostic")]
    pub diagnostics: Vec<Wanted>,
    /// What is told wrongly, and known.
    #[serde(default)]
    pub unasked: Vec<Unasked>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrueCounts {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
    /// Why the counts are not right yet.
    pub misses: Option<String>,
}

/// A diagnostic that must be there. What is not said is not compared, but for `test`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub file: String,
    pub line: Option<u32>,
    pub col: Option<u32>,
    pub end_col: Option<u32>,
    pub severity: String,
    /// A part of the message.
    pub message: String,
    pub code: Option<String>,
    pub source: Option<String>,
    pub test: Option<String>,
    /// Why it is not found yet.
    pub misses: Option<String>,
}

/// A diagnostic that is told though it should not be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unasked {
    pub file: String,
    pub line: Option<u32>,
    pub message: String,
    #[serde(rename = "why")]
    pub _why: String,
}

fn usual_root() -> PathBuf {
    "/w".into()
}

fn usual_project() -> PathBuf {
    "project".into()
}

pub struct Case {
    /// `TOOL/CASE`.
    pub name: String,
    pub output: Vec<u8>,
    pub truth: Truth,
    files: Arc<Tree>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/outputs")
}

/// Every case, by name. `PILLION_CASES` names the folders that are looked at; all others are left out.
pub fn cases() -> Vec<Case> {
    let only = std::env::var("PILLION_CASES").unwrap_or_default();
    let mut cases = Vec::new();
    for tool in std::fs::read_dir(fixtures()).expect("the fixtures are there").flatten() {
        for case in std::fs::read_dir(tool.path()).into_iter().flatten().flatten() {
            let folder = case.path();
            let name = format!("{}/{}", tool.file_name().display(), case.file_name().display());
            if folder.join("case.toml").is_file() && name.starts_with(&only) {
                cases.push(Case::read(name, &folder));
            }
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!cases.is_empty(), "there is no case `{only}`");
    cases
}

/// One case by its name.
pub fn case(name: &str) -> Case {
    Case::read(name.to_owned(), &fixtures().join(name))
}

impl Case {
    fn read(name: String, folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("case.toml")).unwrap_or_else(|error| panic!("{name}: {error}"));
        let truth: Truth = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}/case.toml: {error}"));
        let output = std::fs::read(folder.join("output")).unwrap_or_else(|error| panic!("{name}/output: {error}"));
        assert_eq!(truth.colour, memchr::memmem::find(&output, b"\x1b[").is_some(), "{name}: `colour` is wrong");
        let mut files = Tree(BTreeMap::new());
        files.read_folder(&folder.join(&truth.project), &truth.root);
        Self { name, output, truth, files: Arc::new(files) }
    }

    /// A fresh engine for its command.
    pub fn engine(&self) -> Engine {
        let truth = &self.truth;
        let cwd = truth.root.join(&truth.cwd);
        let origin = Origin { command: truth.command.clone(), cwd, root: truth.root.clone() };
        Engine::new(origin, self.files.clone())
    }

    /// What is found when the output comes in such pieces; the rest comes at once.
    pub fn run(&self, pieces: impl IntoIterator<Item = usize>) -> Vec<Finding> {
        let mut engine = self.engine();
        let mut findings = Vec::new();
        let mut rest = self.output.as_slice();
        for piece in pieces {
            let (now, later) = rest.split_at(piece.min(rest.len()));
            engine.push(now, &mut findings);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        engine.push(rest, &mut findings);
        engine.finish(&mut findings);
        findings
    }

    /// The path of a problem's file from the root.
    pub fn relative(&self, problem: &Problem) -> String {
        let file = &problem.place.file;
        file.strip_prefix(&self.truth.root).unwrap_or(file).display().to_string()
    }
}

/// What a person sees at the end: provisional problems replaced.
pub fn settle(findings: &[Finding]) -> (Vec<Problem>, Option<Counts>) {
    let mut problems: Vec<Problem> = Vec::new();
    let mut counts = None;
    for finding in findings {
        match finding {
            Finding::Problem(problem) => {
                problems.retain(|known| !known.provisional || known.test != problem.test);
                problems.push(problem.clone());
            }
            Finding::Counts(now) => counts = Some(*now),
            _ => {}
        }
    }
    (problems, counts)
}
