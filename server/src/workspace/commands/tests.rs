//! Little projects as data: their files, the file that is open, and what is found.

use std::path::Path;

use super::find;

/// Files (path, text), the active file, then one line a command: `group | command | folder | source`.
type Case = (&'static [(&'static str, &'static str)], &'static str, &'static [&'static str]);

const UNITTEST: &str = "import unittest\n";

const CASES: &[Case] = &[
    (&[("README.md", "")], "", &[]),
    (
        &[("Cargo.toml", "")],
        "src/lib.rs",
        &[
            "test | cargo test | . | Cargo.toml",
            "build | cargo build | . | Cargo.toml",
            "lint | cargo clippy | . | Cargo.toml",
        ],
    ),
    // The nearest package; what it lacks comes from the ones around it.
    (
        &[
            ("Makefile", "lint: x\n\ttrue\ntest:\n"),
            ("web/package.json", r#"{"scripts":{"test":"jest"}}"#),
            ("web/src/a.js", ""),
        ],
        "web/src/a.js",
        &["test | npm test | web | package.json script \"test\"", "lint | make lint | . | Makefile target \"lint\""],
    ),
    // Nothing at the root: one folder below.
    (
        &[("api/go.mod", ""), ("node_modules/x/package.json", r#"{"scripts":{"test":"x"}}"#)],
        "",
        &[
            "test | go test ./... | api | go.mod",
            "build | go build ./... | api | go.mod",
            "lint | go vet ./... | api | go.mod",
        ],
    ),
    // Package managers.
    (
        &[("package.json", r#"{"scripts":{"test":"jest","build":"tsc","lint":"eslint ."}}"#), ("pnpm-lock.yaml", "")],
        "",
        &[
            "test | pnpm test | . | package.json script \"test\" (pnpm-lock.yaml)",
            "build | pnpm run build | . | package.json script \"build\" (pnpm-lock.yaml)",
            "lint | pnpm run lint | . | package.json script \"lint\" (pnpm-lock.yaml)",
        ],
    ),
    (
        &[("package.json", r#"{"scripts":{"test":"jest"}}"#), ("yarn.lock", "")],
        "",
        &["test | yarn test | . | package.json script \"test\" (yarn.lock)"],
    ),
    (
        &[("package.json", r#"{"scripts":{"test":"x"}}"#), ("bun.lockb", "")],
        "",
        &["test | bun run test | . | package.json script \"test\" (bun.lockb)"],
    ),
    (
        &[("package.json", r#"{"scripts":{"test":"x"}}"#), ("bun.lock", "")],
        "",
        &["test | bun run test | . | package.json script \"test\" (bun.lock)"],
    ),
    (
        &[("package.json", r#"{"scripts":{"test":"x"}}"#), ("package-lock.json", "")],
        "",
        &["test | npm test | . | package.json script \"test\" (package-lock.json)"],
    ),
    (
        &[("package.json", r#"{"packageManager":"yarn@4.1.0","scripts":{"compile":"x"}}"#), ("package-lock.json", "")],
        "",
        &["build | yarn run compile | . | package.json script \"compile\" (packageManager)"],
    ),
    // The lock file of the workspace around the package.
    (
        &[("pnpm-lock.yaml", ""), ("package.json", "{}"), ("apps/a/package.json", r#"{"scripts":{"test":"x"}}"#)],
        "apps/a/package.json",
        &["test | pnpm test | apps/a | package.json script \"test\" (pnpm-lock.yaml)"],
    ),
    // No script, or npm's placeholder.
    (
        &[("package.json", r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#), ("test/a.js", "")],
        "",
        &["test | node --test | . | test files beside package.json"],
    ),
    (
        &[("package.json", "{}"), ("src/a.test.mjs", "")],
        "",
        &["test | node --test | . | test files beside package.json"],
    ),
    (&[("package.json", "{}"), ("src/contest.js", "")], "", &[]),
    (
        &[("package.json", "not json"), ("bun.lock", ""), ("a.test.js", "")],
        "",
        &["test | bun test | . | test files beside package.json"],
    ),
    (
        &[("package.json", r#"{"devDependencies":{"typescript":"5","eslint":"9"}}"#), ("tsconfig.json", "")],
        "",
        &["lint | npx eslint . | . | package.json devDependencies eslint"],
    ),
    // Python.
    (&[("pyproject.toml", ""), ("uv.lock", "")], "", &["test | uv run pytest | . | uv.lock"]),
    (&[("pyproject.toml", ""), ("poetry.lock", "")], "", &["test | poetry run pytest | . | poetry.lock"]),
    (
        &[("pyproject.toml", "[tool.ruff]\n"), (".venv/bin/python", ""), ("tests/test_a.py", "")],
        "tests/test_a.py",
        &[
            "test | .venv/bin/python -m pytest | . | .venv",
            "lint | .venv/bin/python -m ruff check | . | pyproject.toml",
        ],
    ),
    (&[("venv/bin/python", ""), ("requirements.txt", "")], "", &["test | venv/bin/python -m pytest | . | venv"]),
    (
        &[("uv.lock", ""), ("pyproject.toml", ""), ("test_a.py", UNITTEST)],
        "",
        &["test | uv run python -m unittest | . | uv.lock"],
    ),
    (&[("pytest.ini", "")], "", &["test | python3 -m pytest | . | pytest.ini"]),
    (&[("tests/conftest.py", ""), ("setup.py", "")], "", &["test | python3 -m pytest | . | tests/conftest.py"]),
    (
        &[("pyproject.toml", "[tool.pytest.ini_options]")],
        "",
        &["test | python3 -m pytest | . | pyproject.toml [tool.pytest]"],
    ),
    (&[("requirements.txt", "flask\npytest>=8\n")], "", &["test | python3 -m pytest | . | requirements.txt"]),
    (&[("test_a.py", UNITTEST)], "", &["test | python3 -m unittest | . | test_a.py"]),
    (&[("test_a.py", "def test_a():\n    pass\n")], "", &["test | python3 -m pytest | . | test_a.py"]),
    (
        &[("tests/__init__.py", ""), ("tests/test_a.py", UNITTEST)],
        "",
        &["test | python3 -m unittest | . | tests/test_a.py"],
    ),
    (&[("tests/test_a.py", UNITTEST)], "a.py", &["test | python3 -m unittest discover -s tests | . | tests/test_a.py"]),
    (&[("manage.py", "")], "", &["test | python3 manage.py test | . | manage.py"]),
    (&[("setup.py", "")], "", &[]),
    (
        &[("setup.cfg", "[flake8]\n"), ("conftest.py", "")],
        "",
        &["test | python3 -m pytest | . | conftest.py", "lint | flake8 | . | setup.cfg"],
    ),
    (
        &[("pyproject.toml", "[build-system]\n[tool.mypy]\n"), ("uv.lock", "")],
        "",
        &[
            "test | uv run pytest | . | uv.lock",
            "build | uv build | . | pyproject.toml [build-system]",
            "lint | uv run mypy . | . | pyproject.toml",
        ],
    ),
    // Go with a linter of its own.
    (
        &[("go.mod", ""), (".golangci.yml", "")],
        "main.go",
        &[
            "lint | golangci-lint run | . | .golangci.yml",
            "test | go test ./... | . | go.mod",
            "build | go build ./... | . | go.mod",
            "lint | go vet ./... | . | go.mod",
        ],
    ),
    // Targets.
    (
        &[("Makefile", "CC := gcc\n.PHONY: test\nall: main\n\ntest check: all\n\t./test: x\n")],
        "",
        &["test | make test | . | Makefile target \"test\"", "build | make all | . | Makefile target \"all\""],
    ),
    (&[("justfile", "test filter='':\n  cargo test\n")], "", &["test | just test | . | justfile target \"test\""]),
    // CMake.
    (
        &[("CMakeLists.txt", "project(x)\nenable_testing()\n")],
        "",
        &[
            "test | cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure | . | CMakeLists.txt",
            "build | cmake -S . -B build && cmake --build build | . | CMakeLists.txt",
        ],
    ),
    (
        &[("CMakeLists.txt", "PROJECT(x)\n"), ("out/CMakeCache.txt", ""), ("lib/CMakeLists.txt", "add_library(l)")],
        "lib/a.c",
        &["build | cmake --build out | . | CMakeLists.txt"],
    ),
    // The editor's own tasks: a default comes first.
    (
        &[
            ("Cargo.toml", ""),
            (
                ".vscode/tasks.json",
                r#"{ // mine
                "version": "2.0.0", "tasks": [
                  {"label": "fast", "type": "shell", "command": "cargo", "args": ["test", "a b"], "group": {"kind": "test", "isDefault": true}},
                  {"label": "pack", "type": "npm", "script": "pack", "group": "build", "options": {"cwd": "${workspaceFolder}/web"}},
                  {"label": "one", "command": "cargo test ${file}", "group": "test"},
                  {"label": "serve", "command": "x"},
                ]}"#,
            ),
        ],
        "",
        &[
            "test | cargo test 'a b' | . | .vscode/tasks.json task \"fast\"",
            "test | cargo test | . | Cargo.toml",
            "build | cargo build | . | Cargo.toml",
            "lint | cargo clippy | . | Cargo.toml",
            "build | npm run pack | web | .vscode/tasks.json task \"pack\"",
            "other | x | . | .vscode/tasks.json task \"serve\"",
        ],
    ),
    (&[("pom.xml", "")], "", &["test | mvn test | . | pom.xml", "build | mvn package -DskipTests | . | pom.xml"]),
];

#[test]
fn commands_of_little_projects() {
    for (files, near, expected) in CASES {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for (path, text) in *files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = find(&root, &root.join(near));
        let lines: Vec<String> = found
            .iter()
            .map(|command| {
                let cwd = command.cwd.strip_prefix(&root).unwrap();
                let cwd = if cwd == Path::new("") { Path::new(".") } else { cwd };
                format!("{} | {} | {} | {}", command.group.as_str(), command.command, cwd.display(), command.source)
            })
            .collect();
        assert_eq!(lines, *expected, "{files:?}");
    }
}

#[test]
fn a_file_outside_the_workspace_means_the_workspace() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("go.mod"), "").unwrap();
    assert_eq!(find(dir.path(), Path::new("/etc/hosts"))[0].command, "go test ./...");
}
