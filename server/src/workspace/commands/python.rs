//! Python projects: pytest or unittest, ruff or flake8, through what owns the environment: uv, poetry, pipenv, pdm, a
//! virtual environment in the project, else the `python3` of the PATH.

use std::path::Path;

use super::{Package, ProjectCommand, quoted};
use crate::task::model::Group::{Build, Lint, Test};

/// Lock file, what runs a tool of its environment.
const LOCKS: &[(&str, &str)] =
    &[("uv.lock", "uv run"), ("poetry.lock", "poetry run"), ("Pipfile.lock", "pipenv run"), ("pdm.lock", "pdm run")];

/// Files that make a folder a Python package.
const MARKERS: &[&str] = &[
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "requirements-dev.txt",
    "pytest.ini",
    "tox.ini",
    "conftest.py",
    "manage.py",
    "Pipfile",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
];

/// Files looked at for tests, at most.
const MOST_FILES: usize = 500;

/// What owns the environment.
struct Owner {
    /// Before a tool's name: `uv run`, `.venv/bin/python -m`, `python3 -m`.
    tool: String,
    python: String,
    /// What says so, `None` for the `python3` of the PATH.
    source: Option<String>,
}

/// The commands of a Python project.
pub(super) fn find(package: &Package<'_>) -> Vec<ProjectCommand> {
    let tests = TestFiles::of(package.dir);
    let marker = MARKERS.iter().find(|name| package.has(name));
    // Test files alone make a package of the workspace's root only: elsewhere they belong to the package around them.
    if marker.is_none() && (tests.first.is_none() || package.dir != package.root) {
        return Vec::new();
    }
    let owner = owner(package);
    let evidence = evidence(package);
    let source = |found: &str| owner.source.clone().unwrap_or_else(|| found.to_owned());
    let mut found = Vec::new();
    if package.has("manage.py") && evidence.is_none() {
        found.push(package.command(Test, format!("{} manage.py test", owner.python), source("manage.py")));
    } else if evidence.is_some() || tests.pytest || owner.source.is_some() && !tests.unittest {
        let written = tests.first.as_deref().filter(|_| tests.pytest);
        found.push(package.command(
            Test,
            format!("{} pytest", owner.tool),
            source(evidence.as_deref().or(written).unwrap_or("pytest")),
        ));
    } else if let Some(first) = &tests.first {
        let discover = tests.below.as_ref().map(|folder| format!(" discover -s {folder}")).unwrap_or_default();
        found.push(package.command(Test, format!("{} -m unittest{discover}", owner.python), source(first)));
    }
    let build = owner.tool.split(' ').next().filter(|tool| matches!(*tool, "uv" | "poetry" | "pdm"));
    if let Some(tool) =
        build.filter(|_| package.read("pyproject.toml").is_some_and(|text| text.contains("[build-system]")))
    {
        found.push(package.command(Build, format!("{tool} build"), "pyproject.toml [build-system]"));
    }
    found.extend(linters(package, &owner));
    found
}

fn owner(package: &Package<'_>) -> Owner {
    for dir in package.upwards() {
        if let Some((lock, run)) = LOCKS.iter().find(|(lock, _)| dir.join(lock).is_file()) {
            return Owner {
                tool: (*run).to_owned(),
                python: format!("{run} python"),
                source: Some((*lock).to_owned()),
            };
        }
        for venv in [".venv", "venv"] {
            if dir.join(venv).join("bin/python").exists() {
                let prefix = if dir == package.dir { venv.to_owned() } else { dir.join(venv).display().to_string() };
                let python = quoted(&format!("{prefix}/bin/python"));
                return Owner { tool: format!("{python} -m"), python, source: Some(venv.to_owned()) };
            }
        }
    }
    Owner { tool: "python3 -m".to_owned(), python: "python3".to_owned(), source: None }
}

/// What shows that the project uses pytest.
fn evidence(package: &Package<'_>) -> Option<String> {
    for file in ["pytest.ini", ".pytest.ini", "conftest.py", "tests/conftest.py"] {
        if package.has(file) {
            return Some(file.to_owned());
        }
    }
    for (file, sign) in [
        ("pyproject.toml", "[tool.pytest"),
        ("setup.cfg", "[tool:pytest]"),
        ("tox.ini", "[pytest]"),
        ("pyproject.toml", "pytest"),
        ("setup.py", "pytest"),
        ("tox.ini", "pytest"),
        ("Pipfile", "pytest"),
        ("uv.lock", "name = \"pytest\""),
        ("poetry.lock", "name = \"pytest\""),
        ("requirements.txt", "pytest"),
        ("requirements-dev.txt", "pytest"),
        ("requirements_dev.txt", "pytest"),
        ("dev-requirements.txt", "pytest"),
        ("requirements-test.txt", "pytest"),
        ("test-requirements.txt", "pytest"),
        ("requirements/dev.txt", "pytest"),
        ("requirements/test.txt", "pytest"),
    ] {
        if package.read(file).is_some_and(|text| text.contains(sign)) {
            return Some(if sign == "pytest" {
                file.to_owned()
            } else {
                format!("{file} {sign}").replace("[tool.pytest", "[tool.pytest]")
            });
        }
    }
    None
}

/// Which test files are there, and how unittest has to look for them.
#[derive(Default)]
struct TestFiles {
    first: Option<String>,
    /// The folder to discover in, when the tests lie in one that is no Python package.
    below: Option<String>,
    /// They are written for unittest.
    unittest: bool,
    /// They are functions, which unittest does not see.
    pytest: bool,
}

impl TestFiles {
    fn of(dir: &Path) -> Self {
        let mut found = Self::default();
        for folder in ["", "tests", "test"] {
            let Ok(entries) = std::fs::read_dir(dir.join(folder)) else { continue };
            let names =
                entries.flatten().take(MOST_FILES).map(|entry| entry.file_name().to_string_lossy().into_owned());
            let mut names: Vec<String> = names
                .filter(|name| name.ends_with(".py") && (name.starts_with("test") || name.ends_with("_test.py")))
                .collect();
            names.sort();
            let Some(first) = names.first() else { continue };
            let text = super::read(&dir.join(folder).join(first)).unwrap_or_default();
            found.unittest = text.contains("import unittest") || text.contains("from unittest");
            let functions =
                text.lines().any(|line| line.starts_with("def test_") || line.starts_with("async def test_"));
            let imported = text.contains("import pytest") || text.contains("from pytest");
            found.pytest = imported || functions && !found.unittest;
            found.first = Some(Path::new(folder).join(first).display().to_string());
            let package = folder.is_empty() || dir.join(folder).join("__init__.py").exists();
            found.below = (!package).then(|| folder.to_owned());
            break;
        }
        found
    }
}

fn linters(package: &Package<'_>, owner: &Owner) -> Vec<ProjectCommand> {
    let run = |tool: &str| if owner.source.is_some() { format!("{} {tool}", owner.tool) } else { tool.to_owned() };
    let mut found = Vec::new();
    for (command, files) in [
        ("ruff check", &[("ruff.toml", ""), (".ruff.toml", ""), ("pyproject.toml", "[tool.ruff")][..]),
        ("flake8", &[(".flake8", ""), ("setup.cfg", "[flake8]"), ("tox.ini", "[flake8]")]),
        ("mypy .", &[("mypy.ini", ""), (".mypy.ini", ""), ("pyproject.toml", "[tool.mypy"), ("setup.cfg", "[mypy]")]),
    ] {
        let sign = files.iter().find(|(file, sign)| package.read(file).is_some_and(|text| text.contains(sign)));
        if let Some((file, _)) = sign {
            found.push(package.command(Lint, run(command), *file));
        }
    }
    found
}
