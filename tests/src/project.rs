//! Small projects for real tools. Each has a test that fails and one that waits at a gate, so that a check can look while
//! the command still runs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::{Sandbox, write_file};

/// A place in a project's file: lines are 1-based.
#[derive(Clone, Debug)]
pub struct Place {
    pub file: PathBuf,
    /// Where the assertion stands.
    pub line: u64,
    /// Where its test begins.
    pub test_line: u64,
}

const NODE_TEST: &str = "const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs/promises');
const { sum } = require('./sum');

test('adds numbers', () => {
  assert.strictEqual(sum(2, 3), 5);
});

test('waits for the gate', async () => {
  if (!process.env.GATE) return;
  const gate = await fs.open(process.env.GATE, 'r');
  await gate.read(Buffer.alloc(1), 0, 1, null);
  await gate.close();
});
";

/// A project for `node --test`. The gate's path is read from `GATE`.
pub fn node(sandbox: &Sandbox) -> Place {
    sandbox.write("package.json", "{\n  \"name\": \"sums\",\n  \"scripts\": { \"test\": \"node --test\" }\n}\n");
    sandbox.write("sum.js", "exports.sum = (a, b) => a - b;\n");
    Place { file: sandbox.write("sum.test.js", NODE_TEST), line: 7, test_line: 6 }
}

/// Makes its failing test pass.
pub fn fix_node(sandbox: &Sandbox) {
    sandbox.write("sum.js", "exports.sum = (a, b) => a + b;\n");
}

const RUST: &str = "pub fn sum(a: i32, b: i32) -> i32 {
    a - b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_numbers() {
        assert_eq!(sum(2, 3), 5);
    }

    #[test]
    fn waits_for_the_gate() {
        use std::io::Read;
        let mut gate = std::fs::File::open(std::env::var(\"GATE\").unwrap()).unwrap();
        gate.read_exact(&mut [0]).unwrap();
    }
}
";

/// A crate without dependencies, for `cargo test`.
pub fn cargo(sandbox: &Sandbox) -> Place {
    sandbox.write("Cargo.toml", "[package]\nname = \"sums\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n");
    Place { file: sandbox.write("src/lib.rs", RUST), line: 11, test_line: 10 }
}

/// Makes its failing test pass.
pub fn fix_cargo(sandbox: &Sandbox) {
    sandbox.write("src/lib.rs", &RUST.replace("a - b", "a + b"));
}

const PYTHON: &str = "import os


def test_adds_numbers():
    total = 2 - 3
    assert total == 5


def test_waits_for_the_gate():
    with open(os.environ[\"GATE\"]) as gate:
        gate.readline()
";

/// A module for `pytest`.
pub fn python(sandbox: &Sandbox) -> Place {
    Place { file: sandbox.write("test_sums.py", PYTHON), line: 6, test_line: 4 }
}

/// Makes its failing test pass.
pub fn fix_python(sandbox: &Sandbox) {
    // Of another length: within one second Python takes a file of the same length for the compiled one.
    sandbox.write("test_sums.py", &PYTHON.replace("2 - 3", "2 + 3 + 0"));
}

/// A file that does not compile, for `gcc`.
pub fn c(sandbox: &Sandbox) -> Place {
    let file = sandbox.write("sum.c", "int sum(int a, int b)\n{\n    return a + c;\n}\n");
    Place { file, line: 3, test_line: 3 }
}

/// A Python that has pytest: `PILLION_TEST_PYTHON`, else an environment of our own in the build's folder, made once.
pub fn pytest_python() -> PathBuf {
    if let Some(python) = std::env::var_os("PILLION_TEST_PYTHON") {
        return python.into();
    }
    let test = std::env::current_exe().expect("the test's own path");
    let tools = test.ancestors().nth(3).expect("the folder of builds").join("tools");
    fs::create_dir_all(&tools).expect("a folder for tools");
    let lock = File::create(tools.join("pytest.lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let venv = tools.join("pytest-venv");
    let done = venv.join("done");
    let python = venv.join("bin/python");
    if !done.is_file() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv), &tools);
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "pytest==8.*"]), &tools);
        write_file(&done, "");
    }
    python
}

fn run(command: &mut Command, folder: &Path) {
    let output = command.current_dir(folder).output().unwrap_or_else(|error| {
        panic!("pytest is needed: cannot run {command:?}: {error}; set PILLION_TEST_PYTHON to a python that has it")
    });
    assert!(
        output.status.success(),
        "pytest is needed: {command:?} failed; set PILLION_TEST_PYTHON to a python that has it\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
