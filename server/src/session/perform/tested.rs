//! The results of single tests of a run that was over before this sidecar began: its output is read once more.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::matcher::Origin;
use crate::problem::Finding;
use crate::session::effect::Reply;
use crate::session::facts::Facts;
use crate::task::import;
use crate::task::model::Task;
use crate::workspace::files::WorkspaceFiles;

/// Blocks. An output that is not there any more has none.
pub(super) fn read(task: Task, root: PathBuf) -> Reply {
    let mut task = task;
    task.output.path = newest_attempt(&task.output.path);
    let origin = Origin { command: task.ran().to_owned(), cwd: task.cwd.clone(), root: root.clone() };
    let read = import::read(&task.output.path, origin, Arc::new(WorkspaceFiles::new(root)));
    let facts = facts(read.map(|read| read.findings).unwrap_or_default());
    let counts = facts.counts.unwrap_or(task.progress.counts);
    let tests = facts.tests.into_iter().map(|test| (test, None)).collect();
    Reply::TestResults { task: task.id, run: task.run, tests, counts }
}

/// What a run comes to is one rule, whether it is read while it grows or afterwards.
fn facts(findings: Vec<Finding>) -> Facts {
    let mut facts = Facts::default();
    for finding in &findings {
        facts.add(finding);
    }
    facts
}

/// The output of a run's last attempt: `RUN.ATTEMPT` beside `RUN`.
fn newest_attempt(output: &Path) -> PathBuf {
    let Some(first) = output.parent() else { return output.to_owned() };
    let attempt = |number: u32| {
        let mut name = first.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{number}"));
        first.with_file_name(name).join("output")
    };
    let later = (2..=100).map(attempt).take_while(|file| file.is_file()).last();
    later.unwrap_or_else(|| output.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::Engine;

    /// The ids that an output's tests have in the end.
    fn told(command: &str, output: &str) -> Vec<String> {
        let root = PathBuf::from("/w");
        let origin = Origin { command: command.to_owned(), cwd: root.clone(), root: root.clone() };
        let mut engine = Engine::new(origin, Arc::new(WorkspaceFiles::new(root)));
        let mut findings = Vec::new();
        engine.push(output.as_bytes(), &mut findings);
        engine.finish(&mut findings);
        facts(findings).tests.into_iter().map(|test| test.id).collect()
    }

    /// What the run's tests are without their programs, and their ids.
    fn of_programs(command: &str, files: &[(&str, &str)], output: &str) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let root = folder.path().canonicalize().unwrap();
        let origin = Origin { command: command.to_owned(), cwd: root.clone(), root: root.clone() };
        let mut engine = Engine::new(origin, Arc::new(WorkspaceFiles::new(root.clone())));
        let mut findings = Vec::new();
        engine.push(output.as_bytes(), &mut findings);
        engine.finish(&mut findings);
        facts(findings).present(&root).of_programs
    }

    #[test]
    fn programs_are_told_from_suites() {
        let pair = |name: &str, id: &str| (name.to_owned(), id.to_owned());
        let test = "fn adds() {}\n";
        let rust = [
            ("Cargo.toml", "[workspace]\nmembers = [\"api\", \"web\"]\n"),
            ("api/Cargo.toml", "[package]\nname = \"api\"\n"),
            ("api/src/lib.rs", test),
            ("web/Cargo.toml", "[package]\nname = \"web\"\n"),
            ("web/src/lib.rs", test),
        ];
        let go_test = "package x\n\nimport \"testing\"\n\nfunc TestAdds(t *testing.T) {}\n";
        let go =
            [("go.mod", "module example.com/shop\n"), ("cart/cart_test.go", go_test), ("order/order_test.go", go_test)];
        for (command, files, output, expected) in [
            (
                "cargo test",
                &rust[..],
                "     Running unittests src/lib.rs (target/debug/deps/api-0a1b2c3d4e5f6071)\n\nrunning 1 test\n\
                 test adds ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; \
                 finished in 0.00s\n",
                vec![pair("adds", "api adds")],
            ),
            (
                "go test -v ./...",
                &go[..],
                "=== RUN   TestAdds\n--- PASS: TestAdds (0.00s)\nPASS\nok  \texample.com/shop/order\t0.002s\n",
                vec![pair("TestAdds", "example.com/shop/order TestAdds")],
            ),
            ("npx mocha", &[], "\n\n  cart\n    ✔ adds\n\n\n  1 passing (2ms)\n\n", vec![]),
        ] {
            assert_eq!(of_programs(command, files, output), expected, "{command}");
        }
    }

    #[test]
    fn a_watcher_s_last_cycle_counts() {
        let cycle = |test: &str| {
            format!(
                "[Running 'cargo test']\nrunning 1 test\ntest {test} ... ok\n\ntest result: ok. 1 passed; 0 failed; \
                     0 ignored; 0 measured; 0 filtered out\n[Finished running. Exit status: 0]\n"
            )
        };
        let output = cycle("renamed_since") + &cycle("adds");
        assert_eq!(told("cargo watch -x test", &output), ["adds"]);
    }
}
