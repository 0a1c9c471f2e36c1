//! Finds Go's tests by name and packages by import path, in the workspace's files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::matcher::place::Column;
use crate::matcher::scope::Scope;
use crate::problem::Place;

/// Files of tests that are read.
const MAX_FILES: usize = 2_000;

/// Test functions by name: file, line, column.
type Functions = HashMap<String, Vec<(PathBuf, u32, u32)>>;

/// What was found, kept for the run.
#[derive(Default)]
pub(super) struct Tests {
    functions: Option<Functions>,
    /// Import paths of modules and their folders.
    modules: Option<Vec<(String, PathBuf)>>,
}

expression!(declares, r"^func ((?:Test|Fuzz|Example|Benchmark)\w*)\(");

impl Tests {
    fn functions(&mut self, scope: &Scope) -> &Functions {
        self.functions.get_or_insert_with(|| {
            let mut functions = Functions::new();
            let files = scope.files.with_extension("go").into_iter();
            for file in files.filter(|file| file.to_string_lossy().ends_with("_test.go")).take(MAX_FILES) {
                let Some(text) = scope.files.read(&file) else { continue };
                for (at, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with("func ")) {
                    if let Some(found) = declares().captures(line) {
                        functions.entry(found[1].to_owned()).or_default().push((file.clone(), at as u32 + 1, 6));
                    }
                }
            }
            functions
        })
    }

    /// The folder of a package.
    pub(super) fn folder(&mut self, scope: &Scope, package: &str) -> Option<PathBuf> {
        let modules = self.modules(scope);
        let inside = |(name, folder): &(String, PathBuf)| {
            let rest = package.strip_prefix(name.as_str())?;
            let own = rest.is_empty() || rest.starts_with('/');
            own.then(|| (name.len(), folder.join(rest.trim_start_matches('/'))))
        };
        modules.iter().filter_map(inside).max_by_key(|(length, _)| *length).map(|(_, folder)| folder)
    }

    fn modules(&mut self, scope: &Scope) -> &[(String, PathBuf)] {
        self.modules.get_or_insert_with(|| {
            let manifests = scope.files.with_extension("mod").into_iter().filter(|path| path.ends_with("go.mod"));
            let module = |path: PathBuf| {
                let text = scope.files.read(&path)?;
                let name = text.lines().find_map(|line| line.trim().strip_prefix("module "))?;
                Some((name.trim().trim_matches('"').to_owned(), path.parent()?.to_owned()))
            };
            manifests.filter_map(module).collect()
        })
    }

    /// Whether tests of several packages go by that name.
    pub(super) fn is_shared(&mut self, scope: &Scope, test: &str) -> bool {
        let found = self.functions(scope).get(root(test)).into_iter().flatten();
        let mut folders = found.filter_map(|(file, ..)| file.parent());
        folders.next().is_some_and(|first| folders.any(|other| other != first))
    }

    /// The import path of the package of a test's folder; of the folder where the command runs, where that has such a test
    /// and `go test` runs there alone.
    pub(super) fn package(&mut self, scope: &Scope, test: &str, folder: Option<&Path>) -> Option<String> {
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => {
                let words = scope.command.words();
                let at = words.iter().position(|word| word == "test")?;
                let is_alone = !words[at..].iter().any(|word| word.contains('/') || word == "." || word == "...");
                let here = scope.command.folders.first().filter(|_| is_alone)?.clone();
                let found = self.functions(scope).get(root(test))?;
                found.iter().any(|(file, ..)| file.parent() == Some(&*here)).then_some(here)?
            }
        };
        let modules = self.modules(scope);
        let (name, root) = modules
            .iter()
            .filter(|(_, root)| folder.starts_with(root))
            .max_by_key(|(_, root)| root.as_os_str().len())?;
        let below = folder.strip_prefix(root).ok()?;
        let below: String = below.iter().map(|part| format!("/{}", part.to_string_lossy())).collect();
        Some(format!("{name}{below}"))
    }

    /// Folders in which the function of a test may be: the package's where it is known.
    pub(super) fn folders(&mut self, scope: &Scope, test: &str, package: Option<&Path>) -> Vec<PathBuf> {
        if let Some(package) = package {
            return vec![package.to_owned()];
        }
        let found = self.functions(scope).get(root(test)).into_iter().flatten();
        let mut folders: Vec<PathBuf> = found.filter_map(|(file, ..)| Some(file.parent()?.to_owned())).collect();
        folders.dedup();
        folders
    }

    /// The test's function, where it is known which one is meant.
    pub(super) fn function(&mut self, scope: &Scope, test: &str, package: Option<&Path>) -> Option<Place> {
        let name = root(test);
        let found = self.functions(scope).get(name)?.iter();
        let mut found = found.filter(|(file, ..)| package.is_none_or(|package| file.parent() == Some(package)));
        let (file, line, column) = found.next()?.clone();
        if found.next().is_some() {
            return None;
        }
        let end = column + name.len() as u32;
        Some(scope.at(file, line, Some(Column::Bytes(column)), Some(Column::Bytes(end))))
    }
}

/// The function of `TestTable/one_price`.
pub(super) fn root(test: &str) -> &str {
    test.split('/').next().unwrap_or(test)
}
