//! Finds a JavaScript test by the name in its source: `test('adds', …)`, inside of its suites.

use std::path::{Path, PathBuf};

use regex::Regex;

use crate::matcher::place::Column;
use crate::matcher::scope::Scope;
use crate::problem::Place;

const EXTENSIONS: &[&str] = &["js", "mjs", "cjs", "ts", "mts", "cts", "jsx", "tsx"];
/// Files that are searched for one test.
const MAX_FILES: usize = 2_000;
/// Names of suites and a test that are looked for in more than one way.
const MAX_NAMES: usize = 10;

/// What reruns exactly a test of jest and Vitest: its file, and behind ` > ` the names of its suites and its own, as `-t`
/// compares them. A file that did not load is its path alone.
pub(super) fn id(file: &str, names: &[String]) -> String {
    if names.is_empty() { file.to_owned() } else { format!("{file} > {}", names.join(" ")) }
}

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
        let calls = calls(suites, name)?;
        let mut found = None;
        for file in files.iter() {
            match look(scope, file, &calls) {
                Found::None => {}
                Found::One(place) if found.is_none() => found = Some(place),
                Found::One(_) | Found::Many => return None,
            }
        }
        found
    }

    /// The same in one file.
    pub(super) fn find_in(&self, scope: &Scope, file: &Path, suites: &[&str], name: &str) -> Option<Place> {
        match look(scope, file, &calls(suites, name)?) {
            Found::One(place) => return Some(place),
            // A suite of a table has another name in the source.
            Found::None if !suites.is_empty() => {}
            Found::None | Found::Many => return None,
        }
        match look(scope, file, &calls(&[], name)?) {
            Found::One(place) => Some(place),
            Found::None | Found::Many => None,
        }
    }

    /// The test with this name in a file of which the name alone is known, without its ending.
    pub(super) fn find_in_named(&self, scope: &Scope, stem: &str, name: &str) -> Option<Place> {
        let begins = format!("{stem}.");
        let is_named = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&begins) && !path.components().any(|part| part.as_os_str() == "node_modules")
        };
        let all = EXTENSIONS.iter().flat_map(|extension| scope.files.with_extension(extension));
        all.filter(is_named).take(MAX_FILES).find_map(|file| self.find_in(scope, &file, &[], name))
    }

    /// The names of suites and test as the source has them: `between` stands between printed names, and may stand in one.
    pub(super) fn regrouped(&self, scope: &Scope, file: &Path, names: Vec<String>, between: &str) -> Vec<String> {
        let is_there = |names: &[String]| {
            let (name, suites) = names.split_last()?;
            let suites: Vec<&str> = suites.iter().map(String::as_str).collect();
            Some(matches!(look(scope, file, &calls(&suites, name)?), Found::One(_)))
        };
        if names.len() < 2 || names.len() > MAX_NAMES || is_there(&names) == Some(true) {
            return names;
        }
        let last = names.len();
        (0..last - 1)
            .rev()
            .flat_map(|from| (from + 2..=last).map(move |to| (from, to)))
            .map(|(from, to)| [&names[..from], &[names[from..to].join(between)], &names[to..]].concat())
            .find(|names| is_there(names) == Some(true))
            .unwrap_or(names)
    }

    /// The suites around the only test with this name in a file, by how far their calls are indented.
    pub(super) fn suites(&self, scope: &Scope, file: &Path, name: &str) -> Option<Vec<String>> {
        let Found::One(place) = look(scope, file, &calls(&[], name)?) else { return None };
        let text = scope.files.read(file)?;
        let before: Vec<&str> = text.lines().take(place.line?.saturating_sub(1) as usize).collect();
        let own = text.lines().nth(before.len()).unwrap_or_default();
        let (mut margin, mut suites) = (own.len() - own.trim_start().len(), Vec::new());
        for line in before.iter().rev() {
            let indent = line.len() - line.trim_start().len();
            if indent < margin
                && let Some(found) = suite().captures(line)
            {
                suites.insert(0, found[2].to_owned());
                margin = indent;
            }
        }
        Some(suites)
    }
}

expression!(
    suite,
    r#"^\s*(?:await )?(?:\w+\.)*(?:describe|suite|context|test|it)(?:\.\w+)*\(\s*(['"`])(.*?)['"`]\s*,"#
);

enum Found {
    None,
    One(Place),
    Many,
}

/// The calls of the suites, then that of the test.
fn calls(suites: &[&str], name: &str) -> Option<Vec<Regex>> {
    suites.iter().chain([&name]).map(|name| call(name)).collect()
}

fn look(scope: &Scope, file: &Path, calls: &[Regex]) -> Found {
    let (Some(text), Some((test, suites))) = (scope.files.read(file), calls.split_last()) else { return Found::None };
    let mut from = 0;
    if !suites.iter().all(|suite| suite.find_at(&text, from).map(|at| from = at.end()).is_some()) {
        return Found::None;
    }
    let Some(at) = test.find_at(&text, from) else { return Found::None };
    if suites.is_empty() && test.find_at(&text, at.end()).is_some() {
        return Found::Many;
    }
    let line_start = text[..at.start()].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[..at.start()].matches('\n').count() as u32 + 1;
    let column = text[line_start..at.start()].chars().count() as u32 + 1;
    Found::One(scope.at(file.to_owned(), line, Some(Column::Chars(column)), None))
}

/// `test('name'`, `it.only("name"`, `t.test(` and so on.
fn call(name: &str) -> Option<Regex> {
    let name = regex::escape(name);
    Regex::new(&format!(r#"\b(?:test|it|specify|describe|context|suite)(?:\.\w+)*\(\s*(?:'{name}'|"{name}"|`{name}`)"#))
        .ok()
}
