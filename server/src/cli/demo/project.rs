//! The bundled little projects: a corner shop's till with a slow test suite and a real bug, and the script that the
//! scripted model plays in it.

use std::path::Path;

use serde_json::{Value, json};

/// What the person asks for, of the scripted model and of a real one.
pub(super) const OPENING: &str = "Run the tests in the background. While they run, read the code and write a NOTES.md with two \
    sentences about what it does. When the tests have ended, fix what fails and run them again in the background.";

/// A language that the demo can be played in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    Rust,
    Node,
    Python,
}

/// A project: its files, how its tests run, where its bug is.
pub(super) struct Project {
    pub name: &'static str,
    /// What has to be on the PATH, with arguments that only show that it is there.
    pub needs: &'static [&'static str],
    files: &'static [(&'static str, &'static str)],
    pub test: &'static str,
    source: &'static str,
    wrong: &'static str,
    right: &'static str,
}

impl Language {
    /// In the order in which they are tried.
    pub(super) const ALL: [Self; 3] = [Self::Rust, Self::Node, Self::Python];

    pub(super) fn project(self) -> &'static Project {
        match self {
            Self::Rust => &RUST,
            Self::Node => &NODE,
            Self::Python => &PYTHON,
        }
    }
}

/// A file below `server/demo/`, under its name in the project.
macro_rules! bundled {
    ($folder:literal, $($name:literal),+) => {
        &[$(($name, include_str!(concat!("../../../demo/", $folder, "/", $name)))),+]
    };
}

static RUST: Project = Project {
    name: "Rust",
    needs: &["cargo", "--version"],
    files: &[
        // Under its own name, Cargo would take the folder for a part of this repository.
        ("Cargo.toml", include_str!("../../../demo/rust/Cargo.toml.txt")),
        ("src/lib.rs", include_str!("../../../demo/rust/src/lib.rs")),
        ("tests/checkout.rs", include_str!("../../../demo/rust/tests/checkout.rs")),
    ],
    test: "cargo test --no-fail-fast",
    source: "src/lib.rs",
    wrong: "cents - cents / 100 * percent",
    right: "cents - cents * percent / 100",
};

static NODE: Project = Project {
    name: "Node",
    needs: &["node", "--test", "--version"],
    files: bundled!("node", "package.json", "src/till.js", "test/a-discount.test.js", "test/b-checkout.test.js"),
    test: "node --test",
    source: "src/till.js",
    wrong: "cents - Math.floor(cents / 100) * percent",
    right: "cents - Math.floor((cents * percent) / 100)",
};

static PYTHON: Project = Project {
    name: "Python",
    needs: &["python3", "--version"],
    files: bundled!("python", "till.py", "tests/__init__.py", "tests/test_checkout.py"),
    test: "python3 -m unittest -v",
    source: "till.py",
    wrong: "cents - cents // 100 * percent",
    right: "cents - cents * percent // 100",
};

impl Project {
    /// Writes the project's files into a folder.
    pub(super) fn write(&self, dir: &Path) -> std::io::Result<()> {
        for (name, text) in self.files {
            let path = dir.join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, text)?;
        }
        Ok(())
    }

    /// The scripted model's part. Each step says what it must have been told by then, so that a story that goes wrong
    /// stops there.
    pub(super) fn script(&self) -> Value {
        let Self { test, source, wrong, right, .. } = self;
        let run = json!({"tool": "bash", "input": {"command": test, "description": "Run the tests", "run_in_background": true}});
        json!({
            "description": "pillion demo",
            "model": "scripted",
            "paceMs": 25,
            "steps": [
                {
                    "note": "the person asks",
                    "expect": {"lastUserContains": ["Run the tests in the background"]},
                    "answer": [
                        {"text": "I'll start the tests in the background and read the code meanwhile."},
                        run,
                        {"tool": "read_file", "input": {"path": source}},
                    ]
                },
                {
                    "note": "the task's id and the code are here, the tests still run",
                    "expect": {"lastUserContains": ["discounted"], "times": {"<task_notification>": 0}},
                    "answer": [
                        {"text": "While they run, I'll write the notes."},
                        {"tool": "write_file", "input": {"path": "NOTES.md", "content": NOTES}},
                    ]
                },
                {
                    "note": "nothing left to do but wait",
                    "expect": {"times": {"<task_notification>": 0}},
                    "answer": [{"text": "The notes are written. I'll go on when the tests have ended."}]
                },
                {
                    "note": "the notification of the first run",
                    "expect": {
                        "lastUserContains": ["<status>failed</status>"],
                        "times": {"<task_notification>": 1}
                    },
                    "answer": [
                        {"text": "One test fails: the discount divides before it multiplies, and so loses cents."},
                        {"tool": "edit_file", "input": {"path": source, "old_string": wrong, "new_string": right}},
                    ]
                },
                {
                    "note": "the edit is done",
                    "answer": [{"text": "Fixed. I'll run the tests again."}, run]
                },
                {
                    "note": "the second run has started",
                    "answer": [{"text": "I'll tell you what comes of it."}]
                },
                {
                    "note": "the notification of the second run",
                    "expect": {
                        "lastUserContains": ["<status>succeeded</status>"],
                        "times": {"<task_notification>": 2}
                    },
                    "answer": [{"text": "All tests pass now."}]
                }
            ]
        })
    }
}

const NOTES: &str = "# Corner shop\n\nThe till adds up baskets in cents and gives ten per cent off from 50 euros on.\n\
    Discounts are rounded in the customer's favour by less than a cent.\n";

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn every_bug_is_in_its_source_once() {
        for language in Language::ALL {
            let project = language.project();
            let (_, source) = project.files.iter().find(|(name, _)| *name == project.source).unwrap();
            assert_eq!(source.matches(project.wrong).count(), 1, "{}", project.name);
            assert_eq!(source.matches(project.right).count(), 0, "{}", project.name);
        }
    }
}
