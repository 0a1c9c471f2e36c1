//! Finds the function of a Rust test by the name that libtest prints. Modules and file names mirror each other, so that
//! among many functions of one name the right one is known.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::matcher::place::Column;
use crate::matcher::scope::Scope;
use crate::problem::Place;

/// The test program that runs, as cargo names it.
#[derive(Clone, Debug, Default)]
pub(super) struct Binary {
    /// `auth` of `target/debug/deps/auth-0123456789abcdef`.
    pub(super) name: Option<String>,
    /// Its root source file, relative to its package, for instance `tests/http.rs`.
    pub(super) source: Option<String>,
    /// Its package, where that is known.
    pub(super) package: Option<String>,
}

/// Looks tests up; keeps what it read for the run.
#[derive(Default)]
pub(super) struct TestFinder {
    packages: Option<Vec<Package>>,
    sources: Option<Vec<PathBuf>>,
    found: HashMap<String, Option<Place>>,
}

pub(super) struct Package {
    pub(super) root: PathBuf,
    /// As its manifest has it.
    pub(super) name: String,
    /// Names of the package and its targets, with `_`.
    pub(super) names: Vec<String>,
}

impl TestFinder {
    /// A new test program starts: the same name may mean another function.
    pub(super) fn forget(&mut self) {
        self.found.clear();
    }

    /// Where the test's function is.
    pub(super) fn find(&mut self, scope: &mut Scope, binary: &Binary, test: &str) -> Option<Place> {
        if let Some(known) = self.found.get(test) {
            return known.clone();
        }
        let place = doc_test(scope, test).or_else(|| self.search(scope, binary, test));
        self.found.insert(test.to_owned(), place.clone());
        place
    }

    fn search(&mut self, scope: &mut Scope, binary: &Binary, test: &str) -> Option<Place> {
        let roots = self.roots(scope, binary);
        let mut segments: Vec<&str> = test.split("::").collect();
        // Macros make modules and cases of a function: `sum::case_1` is `fn sum`.
        while let Some(function) = segments.pop() {
            let place = self.search_function(scope, &roots, binary, &segments, function);
            if place.is_some() {
                return place;
            }
        }
        None
    }

    fn search_function(
        &mut self,
        scope: &mut Scope,
        roots: &[PathBuf],
        binary: &Binary,
        modules: &[&str],
        function: &str,
    ) -> Option<Place> {
        let declaration = Regex::new(&format!(r"\bfn\s+(?:r#)?{}\b", regex::escape(function))).ok()?;
        let sources = self.sources.get_or_insert_with(|| scope.files.with_extension("rs"));
        let mut candidates: Vec<(usize, &PathBuf, &PathBuf, Vec<String>)> = Vec::new();
        for source in sources.iter() {
            let Some(root) =
                roots.iter().filter(|root| source.starts_with(root)).max_by_key(|root| root.as_os_str().len())
            else {
                continue;
            };
            let relative = source.strip_prefix(root).unwrap_or(source);
            let path = module_path(relative);
            if path.len() <= modules.len() && path.iter().zip(modules).all(|(a, b)| a == b) {
                let is_root = binary.source.as_deref().is_some_and(|root| relative == Path::new(root));
                let same_folder = binary
                    .source
                    .as_deref()
                    .is_some_and(|root| Path::new(root).components().next() == relative.components().next());
                let rank = path.len() * 4 + usize::from(is_root) * 2 + usize::from(same_folder);
                candidates.push((rank, source, root, path));
            }
        }
        candidates.sort_by_key(|(rank, ..)| std::cmp::Reverse(*rank));
        let mut best: Option<(usize, &PathBuf, Place)> = None;
        for (rank, source, root, path) in candidates.into_iter().take(2_000) {
            if let Some((best_rank, best_root, _)) = &best {
                if rank < *best_rank {
                    break;
                }
                if *best_root == root {
                    continue;
                }
            }
            let Some(text) = scope.files.read(source) else { continue };
            let Some((line, column)) = declared(&text, &declaration, &modules[path.len()..]) else { continue };
            if best.is_some() {
                // Two packages have it, and nothing tells which one runs.
                return None;
            }
            let end = Column::Chars(column + function.chars().count() as u32);
            best = Some((rank, root, scope.at(source.clone(), line, Some(Column::Chars(column)), Some(end))));
        }
        best.map(|(.., place)| place)
    }

    /// Roots of the packages that the program may belong to; all of them when nothing tells.
    fn roots(&mut self, scope: &Scope, binary: &Binary) -> Vec<PathBuf> {
        let packages = self.packages.get_or_insert_with(|| packages(scope));
        let mut roots: Vec<PathBuf> = Vec::new();
        if let Some(source) = &binary.source {
            let named = |package: &&Package| {
                binary.name.as_deref().is_none_or(|name| package.names.iter().any(|known| known == name))
            };
            let has = |package: &&Package| {
                binary.package.as_ref().is_none_or(|name| package.name == *name)
                    && scope.files.is_file(&package.root.join(source))
            };
            roots.extend(packages.iter().filter(has).filter(named).map(|package| package.root.clone()));
            if roots.is_empty() {
                roots.extend(packages.iter().filter(has).map(|package| package.root.clone()));
            }
        }
        if roots.is_empty() {
            roots.extend(packages.iter().map(|package| package.root.clone()));
        }
        if roots.is_empty() {
            roots.push(scope.root.clone());
        }
        roots
    }
}

/// The packages of the workspace.
pub(super) fn packages(scope: &Scope) -> Vec<Package> {
    let manifests = scope.files.with_extension("toml").into_iter().filter(|path| path.ends_with("Cargo.toml"));
    manifests
        .filter_map(|path| {
            let manifest: toml::Table = scope.files.read(&path)?.parse().ok()?;
            let name_of = |table: &toml::Value| table.get("name").and_then(toml::Value::as_str).map(str::to_owned);
            let name = name_of(manifest.get("package")?)?;
            let targets = ["bin", "test", "bench", "example"].iter().filter_map(|kind| manifest.get(*kind)?.as_array());
            let targets = targets.flatten().chain(manifest.get("lib")).filter_map(name_of);
            let names = std::iter::once(name.clone()).chain(targets).map(|name| name.replace('-', "_")).collect();
            Some(Package { root: path.parent().map(Path::to_owned).unwrap_or_default(), name, names })
        })
        .collect()
}

/// `src/lib.rs - add (line 3)` says itself where it is.
fn doc_test(scope: &mut Scope, test: &str) -> Option<Place> {
    let (file, line) = doc_test_line(test)?;
    let file = scope.own_rust(file)?;
    Some(scope.at(file, line, None, None))
}

/// The file and the line in a doc-test's name.
pub(super) fn doc_test_line(test: &str) -> Option<(&str, u32)> {
    let (file, rest) = test.split_once(" - ")?;
    let (_, line) = rest.rsplit_once("(line ")?;
    Some((file, line.strip_suffix(')')?.parse().ok()?))
}

/// The module that a source file is, by its path inside of the package.
pub(super) fn module_path(relative: &Path) -> Vec<String> {
    let mut parts: Vec<String> =
        relative.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    match parts.first().map(String::as_str) {
        Some("src") if parts.get(1).is_some_and(|part| part == "bin") => {
            parts.drain(..parts.len().min(3));
        }
        Some("src") => {
            parts.remove(0);
        }
        // Each file or folder is a program of its own.
        Some("tests" | "benches" | "examples") => {
            parts.drain(..parts.len().min(2));
        }
        _ => {}
    }
    if parts.last().is_some_and(|last| matches!(last.as_str(), "lib" | "main" | "mod")) {
        parts.pop();
    }
    parts
}

/// Line and character column of the function's name, behind its inline modules.
pub(super) fn declared(text: &str, declaration: &Regex, modules: &[&str]) -> Option<(u32, u32)> {
    let mut from = 0;
    for module in modules {
        let inline = Regex::new(&format!(r"\bmod\s+{}\s*\{{", regex::escape(module))).ok()?;
        from = inline.find_at(text, from)?.end();
    }
    let found = declaration.find_at(text, from)?;
    let name = found.start() + found.as_str().rfind(|c: char| c.is_whitespace() || c == '#').map_or(0, |at| at + 1);
    let line_start = text[..name].rfind('\n').map_or(0, |at| at + 1);
    let line = text[..name].matches('\n').count() as u32 + 1;
    Some((line, text[line_start..name].chars().count() as u32 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_of_files() {
        for (path, module) in [
            ("src/lib.rs", ""),
            ("src/auth.rs", "auth"),
            ("src/auth/mod.rs", "auth"),
            ("src/auth/token.rs", "auth::token"),
            ("src/bin/tool.rs", ""),
            ("tests/http.rs", ""),
            ("tests/http/main.rs", ""),
            ("tests/http/errors.rs", "errors"),
        ] {
            assert_eq!(module_path(Path::new(path)).join("::"), module, "{path}");
        }
    }

    #[test]
    fn behind_modules() {
        let text = "fn a() {}\nmod x {\n    mod y {\n        fn a() {}\n    }\n}\n";
        let declaration = Regex::new(r"\bfn\s+a\b").expect("valid");
        assert_eq!(declared(text, &declaration, &[]), Some((1, 4)));
        assert_eq!(declared(text, &declaration, &["x", "y"]), Some((4, 12)));
        assert_eq!(declared(text, &declaration, &["z"]), None);
    }
}
