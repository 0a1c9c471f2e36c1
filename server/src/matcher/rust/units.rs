//! The names of Rust's tests beyond the one that the harness prints: two programs of a workspace may have a test of one
//! name. Such a test's id says its program too, as nextest names it: `api tests::adds`, `api::http tests::adds`,
//! `api::bin/tool tests::adds`, `api::doc src/lib.rs - f (line 3)`. One that no other program has is known by its name alone,
//! whoever runs it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use regex::Regex;

use super::source::{Binary, Package, declared, doc_test_line, module_path, packages};
use crate::matcher::scope::Scope;

/// Ids that are kept of one run: a further program's test of the same name is told from the first.
const MAX_TOLD: usize = 50_000;

/// Who has which test, kept for the run.
#[derive(Default)]
pub(super) struct Units {
    packages: Option<Vec<Package>>,
    /// Sources that declare a function, by its name; `None` where the workspace has one program alone.
    declaring: Option<Option<HashMap<String, Vec<PathBuf>>>>,
    shared: HashMap<String, bool>,
    /// The program that told a test first.
    told: HashMap<String, String>,
    /// Packages whose program of this source has begun, where several have one.
    begun: Vec<(PathBuf, String)>,
    /// The package of the last program.
    current: Option<String>,
}

impl Units {
    /// Names the program whose tests follow, from what cargo says of it; `None` where no package of the workspace has it.
    pub(super) fn begin(&mut self, scope: &Scope, binary: &Binary) -> Option<String> {
        let known = self.packages.get_or_insert_with(|| packages(scope));
        let Some(source) = binary.source.as_deref() else {
            // Doc-tests of a crate.
            let crate_name = binary.name.as_deref()?.replace('-', "_");
            let package = known.iter().find(|package| package.names.contains(&crate_name))?;
            return Some(format!("{}::doc", package.name));
        };
        let has = |package: &&Package| scope.files.is_file(&package.root.join(source));
        let named = |package: &&Package| binary.name.as_ref().is_none_or(|name| package.names.contains(name));
        let mut having: Vec<&Package> = known.iter().filter(has).collect();
        let chosen = Choice::read(scope, known);
        if having.iter().any(|package| chosen.takes(package)) {
            having.retain(|package| chosen.takes(package));
        }
        if having.iter().any(named) && !is_own_program(source) {
            having.retain(named);
        }
        having.sort_by(|a, b| a.name.cmp(&b.name));
        if having.iter().all(|package| self.begun.contains(&(PathBuf::from(source), package.name.clone()))) {
            // Cargo was started again.
            self.begun.retain(|(begun, _)| begun != Path::new(source));
        }
        // Cargo goes through the packages by name, and through a package's programs one after the other.
        let current = having.iter().find(|package| Some(&package.name) == self.current.as_ref());
        let began = |package: &Package| self.begun.contains(&(PathBuf::from(source), package.name.clone()));
        let package = match current.filter(|package| !began(package)) {
            Some(package) => package,
            None => having.iter().find(|package| !began(package)).or(having.first())?,
        };
        let (package, target) = (package.name.clone(), target(Path::new(source), binary.name.as_deref()));
        if self.begun.len() < MAX_TOLD {
            self.begun.push((source.into(), package.clone()));
        }
        self.current = Some(package.clone());
        Some(if target.is_empty() { package } else { format!("{package}::{target}") })
    }

    /// The id of a test of this program.
    pub(super) fn id(&mut self, scope: &Scope, unit: Option<&str>, test: &str) -> String {
        let Some(unit) = unit else { return test.to_owned() };
        let first = match self.told.get(test) {
            Some(first) => first == unit,
            None if self.told.len() < MAX_TOLD => {
                self.told.insert(test.to_owned(), unit.to_owned());
                true
            }
            None => true,
        };
        if first && !self.is_shared(scope, test) { test.to_owned() } else { format!("{unit} {test}") }
    }

    /// Whether the sources of several programs have a test of that name.
    fn is_shared(&mut self, scope: &Scope, test: &str) -> bool {
        if let Some(known) = self.shared.get(test) {
            return *known;
        }
        let shared = self.count(scope, test) > 1;
        if self.shared.len() < MAX_TOLD {
            self.shared.insert(test.to_owned(), shared);
        }
        shared
    }

    fn count(&mut self, scope: &Scope, test: &str) -> usize {
        let known = self.packages.get_or_insert_with(|| packages(scope));
        if let Some((file, _)) = doc_test_line(test) {
            return known.iter().filter(|package| scope.files.is_file(&package.root.join(file))).count();
        }
        let Some(declaring) = self.declaring.get_or_insert_with(|| index(scope, known)) else { return 1 };
        let mut modules: Vec<&str> = test.split("::").collect();
        // Macros make modules and cases of a function: `sum::case_1` is `fn sum`.
        while let Some(function) = modules.pop() {
            let sources = declaring.get(function).map(Vec::as_slice).unwrap_or_default();
            let programs: BTreeSet<_> = sources.iter().filter_map(|it| at(it, known)).map(|(of, _)| of).collect();
            if programs.len() < 2 {
                if programs.is_empty() {
                    continue;
                }
                return 1;
            }
            let Ok(declaration) = Regex::new(&format!(r"\bfn\s+(?:r#)?{}\b", regex::escape(function))) else {
                return 1;
            };
            let mut having = BTreeSet::new();
            for source in sources {
                let Some((program, path)) = at(source, known).filter(|(program, _)| !having.contains(program)) else {
                    continue;
                };
                let fits = path.len() <= modules.len() && path.iter().zip(&modules).all(|(a, b)| a == b);
                if fits
                    && let Some(text) = scope.files.read(source)
                    && declared(&text, &declaration, &modules[path.len()..]).is_some()
                {
                    having.insert(program);
                }
            }
            if !having.is_empty() {
                return having.len();
            }
        }
        1
    }
}

/// The packages that a command runs.
struct Choice<'c> {
    /// By `--package`; all where it names none.
    named: Vec<&'c str>,
    excluded: Vec<&'c str>,
    /// The one in whose folder cargo runs, where nothing says more.
    here: Option<PathBuf>,
}

impl<'c> Choice<'c> {
    fn read(scope: &'c Scope, packages: &[Package]) -> Self {
        let (mut named, mut excluded, mut wide) = (Vec::new(), Vec::new(), false);
        let mut words = scope.command.words().iter().map(String::as_str).take_while(|word| *word != "--");
        while let Some(word) = words.next() {
            let (option, value) = word.split_once('=').map_or((word, None), |(option, value)| (option, Some(value)));
            let mut name = || value.or_else(|| words.next()).map(|name| name.split('@').next().unwrap_or(name));
            match option {
                "-p" | "--package" => named.extend(name()),
                "--exclude" => excluded.extend(name()),
                "--workspace" | "--all" | "--manifest-path" => wide = true,
                _ => {}
            }
        }
        let cwd = scope.command.folders.first().filter(|_| !wide && named.is_empty());
        let around = |cwd: &PathBuf| {
            let around = packages.iter().filter(|package| cwd.starts_with(&package.root));
            around.max_by_key(|package| package.root.as_os_str().len()).map(|package| package.root.clone())
        };
        let is_alone = |root: &PathBuf| {
            let manifest = scope.files.read(&root.join("Cargo.toml")).unwrap_or_default();
            !manifest.contains("default-members")
        };
        Self { named, excluded, here: cwd.and_then(around).filter(is_alone) }
    }

    fn takes(&self, package: &Package) -> bool {
        let name = package.name.as_str();
        (self.named.is_empty() || self.named.contains(&name))
            && !self.excluded.contains(&name)
            && self.here.as_ref().is_none_or(|root| *root == package.root)
    }
}

/// The program that an id of this test says; `None` where it is the name alone.
pub(super) fn program(id: &str, test: &str) -> Option<String> {
    Some(id.strip_suffix(test)?.strip_suffix(' ')?.to_owned())
}

/// A program of a package: its root, and which of its programs, as far as a path tells.
type Program = (PathBuf, String);

/// The program that a source belongs to, and the module that it is there.
fn at(source: &Path, packages: &[Package]) -> Option<(Program, Vec<String>)> {
    let mine = packages.iter().filter(|package| source.starts_with(&package.root));
    let package = mine.max_by_key(|package| package.root.as_os_str().len())?;
    let relative = source.strip_prefix(&package.root).ok()?;
    let folder = relative.components().next()?.as_os_str().to_string_lossy().into_owned();
    let is_program = relative.starts_with("src/bin") || is_own_program(&relative.to_string_lossy());
    let target = if is_program { target(relative, None) } else { folder };
    Some(((package.root.clone(), target), module_path(relative)))
}

/// True for sources of which each file or folder is a program of its own.
fn is_own_program(relative: &str) -> bool {
    ["tests/", "benches/", "examples/"].iter().any(|folder| relative.starts_with(folder))
}

/// A package's program as nextest names it, by its root source: nothing for the library.
fn target(source: &Path, name: Option<&str>) -> String {
    let parts: Vec<String> = source.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["src", "lib"] => String::new(),
        ["src", "main"] => name.map_or_else(|| "bin".to_owned(), |name| format!("bin/{name}")),
        ["src", "bin", name, ..] => format!("bin/{name}"),
        ["tests", name, ..] => (*name).to_owned(),
        ["benches", name, ..] => format!("bench/{name}"),
        ["examples", name, ..] => format!("example/{name}"),
        // The manifest says which source it is.
        _ => name.unwrap_or_default().to_owned(),
    }
}

/// Who declares which functions; `None` where there is one program, whose tests cannot be taken for another's.
fn index(scope: &Scope, packages: &[Package]) -> Option<HashMap<String, Vec<PathBuf>>> {
    let sources = scope.files.with_extension("rs");
    let programs: BTreeSet<Program> = sources.iter().filter_map(|it| at(it, packages)).map(|(of, _)| of).collect();
    if programs.len() < 2 {
        return None;
    }
    let mut declaring: HashMap<String, Vec<PathBuf>> = HashMap::new();
    for source in sources {
        let Some(text) = scope.files.read(&source) else { continue };
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for at in memchr::memmem::find_iter(text.as_bytes(), "fn ") {
            let name = text[at + 3..].trim_start().trim_start_matches("r#");
            let end = name.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(name.len());
            names.insert(&name[..end]);
        }
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            declaring.entry(name.to_owned()).or_default().push(source.clone());
        }
    }
    Some(declaring)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::matcher::Origin;
    use crate::matcher::tree::Tree;

    /// Two packages, whose libraries and whose `tests/http.rs` have a test of one name.
    const WORKSPACE: Tree = Tree(&[
        ("/w/Cargo.toml", "[workspace]\nmembers = [\"api\", \"web\"]\n"),
        ("/w/api/Cargo.toml", "[package]\nname = \"my-api\"\nversion = \"0.1.0\"\n\n[[bin]]\nname = \"tool\"\n"),
        ("/w/api/src/lib.rs", "/// ```\nmod tests {\n    fn adds() {}\n    fn only_here() {}\n}\n"),
        ("/w/api/src/bin/tool.rs", "mod tests {\n    fn adds() {}\n}\n"),
        ("/w/api/tests/http.rs", "fn answers() {}\n"),
        ("/w/web/Cargo.toml", "[package]\nname = \"web\"\n"),
        (
            "/w/web/src/lib.rs",
            "mod other {\n    fn only_here() {}\n}\nmod tests {\n    fn adds() {}\n    fn sums() {}\n}\n",
        ),
        ("/w/web/tests/http.rs", "fn answers() {}\nfn asks() {}\n"),
    ]);

    fn scope() -> Scope {
        Scope::new(&Origin { command: "cargo test".into(), cwd: "/w".into(), root: "/w".into() }, Arc::new(WORKSPACE))
    }

    #[test]
    fn the_command_says_whose_a_program_is() {
        for (command, cwd, unit) in [
            ("cargo test", "/w", "my-api::http"),
            ("cargo test -p web --test http", "/w", "web::http"),
            ("cargo test --package=web@0.1.0 -- -p my-api", "/w", "web::http"),
            ("cargo test --workspace --exclude my-api", "/w", "web::http"),
            ("cd web && cargo test", "/w", "web::http"),
            ("cargo test", "/w/web/src", "web::http"),
            ("cargo test --workspace", "/w/web", "my-api::http"),
            // Nothing that has the program.
            ("cargo test -p gone", "/w", "my-api::http"),
        ] {
            let origin = Origin { command: command.into(), cwd: cwd.into(), root: "/w".into() };
            let scope = Scope::new(&origin, Arc::new(WORKSPACE));
            let binary = Binary { source: Some("tests/http.rs".into()), name: Some("http".into()), package: None };
            assert_eq!(Units::default().begin(&scope, &binary).as_deref(), Some(unit), "{command}");
        }
    }

    #[test]
    fn programs_are_named_as_nextest_names_them() {
        let (scope, mut units) = (scope(), Units::default());
        for (source, name, unit) in [
            (Some("src/lib.rs"), "my_api", "my-api"),
            (Some("src/bin/tool.rs"), "tool", "my-api::bin/tool"),
            (Some("tests/http.rs"), "http", "my-api::http"),
            (Some("src/lib.rs"), "web", "web"),
            (Some("tests/http.rs"), "http", "web::http"),
            (None, "my_api", "my-api::doc"),
        ] {
            let binary = Binary { name: Some(name.into()), source: source.map(str::to_owned), package: None };
            assert_eq!(units.begin(&scope, &binary).as_deref(), Some(unit), "{source:?} {name}");
        }
        // Without the libraries: by the packages' names.
        let mut units = Units::default();
        for unit in ["my-api::http", "web::http"] {
            let binary = Binary { name: Some("http".into()), source: Some("tests/http.rs".into()), package: None };
            assert_eq!(units.begin(&scope, &binary).as_deref(), Some(unit));
        }
    }

    #[test]
    fn a_name_that_several_programs_have_says_whose_it_is() {
        let (scope, mut units) = (scope(), Units::default());
        for (unit, test, id) in [
            ("my-api", "tests::adds", "my-api tests::adds"),
            ("my-api::bin/tool", "tests::adds", "my-api::bin/tool tests::adds"),
            ("web", "tests::adds", "web tests::adds"),
            ("web", "tests::sums", "tests::sums"),
            // Another module's function of that name is another test.
            ("my-api", "tests::only_here", "tests::only_here"),
            ("my-api::http", "answers", "my-api::http answers"),
            ("web::http", "asks", "asks"),
            ("web::http", "asks", "asks"),
            // What the sources do not show: a macro makes them.
            ("my-api", "made::up", "made::up"),
            ("web", "made::up", "web made::up"),
            ("my-api::doc", "src/lib.rs - adds (line 1)", "my-api::doc src/lib.rs - adds (line 1)"),
        ] {
            assert_eq!(units.id(&scope, Some(unit), test), id);
        }
    }
}
