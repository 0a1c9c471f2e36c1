//! Finds a JavaScript test by the name in its source: `test('adds', …)`, inside of its suites.

use std::path::PathBuf;

use regex::Regex;

use crate::matcher::place::Column;
use crate::matcher::scope::Scope;
use crate::problem::Place;

const EXTENSIONS: &[&str] = &["js", "mjs", "cjs", "ts", "mts", "cts", "jsx", "tsx"];
/// Files that are searched for one test.
const MAX_FILES: usize = 2_000;

/// Looks tests up; keeps the list of files for the run.
#[derive(Default)]
pub(super) struct TestFinder {
    files: Option<Vec<PathBuf>>,
}

impl TestFinder {
    /// The place of the only test with this name and these suites around it; `None` when there is none or more than one.
    pub(super) fn find(&mut self, scope: &Scope, suites: &[&str], name: &str) -> Option<Place> {
        let files = self.files.get_or_insert_with(|| {
            let all = EXTENSIONS.iter().flat_map(|extension| scope.files.with_extension(extension));
            let mut tests: Vec<PathBuf> = all
                .filter(|path| {
                    let relative = path.strip_prefix(&scope.root).unwrap_or(path).to_string_lossy();
                    (relative.contains("test") || relative.contains("spec")) && !relative.contains("node_modules")
                })
                .collect();
            tests.truncate(MAX_FILES);
            tests
        });
        let suites: Vec<Regex> = suites.iter().map(|suite| call(suite)).collect::<Option<_>>()?;
        let test = call(name)?;
        let mut found = None;
        for file in files.iter() {
            let Some(text) = scope.files.read(file) else { continue };
            let mut from = 0;
            if !suites.iter().all(|suite| suite.find_at(&text, from).map(|at| from = at.end()).is_some()) {
                continue;
            }
            if let Some(at) = test.find_at(&text, from) {
                let again = suites.is_empty() && test.find_at(&text, at.end()).is_some();
                if found.is_some() || again {
                    return None;
                }
                let line_start = text[..at.start()].rfind('\n').map_or(0, |newline| newline + 1);
                let line = text[..at.start()].matches('\n').count() as u32 + 1;
                let column = text[line_start..at.start()].chars().count() as u32 + 1;
                found = Some(scope.at(file.clone(), line, Some(Column::Chars(column)), None));
            }
        }
        found
    }
}

/// `test('name'`, `it.only("name"`, `t.test(` and so on.
fn call(name: &str) -> Option<Regex> {
    let name = regex::escape(name);
    Regex::new(&format!(r#"\b(?:test|it|describe|suite)(?:\.\w+)?\(\s*(?:'{name}'|"{name}"|`{name}`)"#)).ok()
}
