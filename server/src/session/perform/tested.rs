//! The results of single tests of a run that was over before this sidecar began: its output is read once more.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::matcher::Origin;
use crate::problem::Finding;
use crate::session::effect::{Reply, Tested};
use crate::task::import;
use crate::task::model::Task;
use crate::workspace::files::WorkspaceFiles;

/// Tests that are told.
const MOST: usize = 20_000;

/// Blocks. An output that is not there any more has none.
pub(super) fn read(task: Task, root: PathBuf) -> Reply {
    let mut task = task;
    task.output.path = newest_attempt(&task.output.path);
    let origin = Origin { command: task.ran().to_owned(), cwd: task.cwd.clone(), root: root.clone() };
    let read = import::read(&task.output.path, origin, Arc::new(WorkspaceFiles::new(root)));
    let found = read.map(|read| read.findings).unwrap_or_default();
    let mut counts = task.progress.counts;
    let mut at = HashMap::new();
    let mut tests: Vec<Tested> = Vec::new();
    for finding in found {
        let test = match finding {
            Finding::Test(test) => test,
            Finding::Counts(found) => {
                counts = found;
                continue;
            }
            _ => continue,
        };
        match at.get(&test.id) {
            Some(known) => tests[*known] = (test, None),
            None if tests.len() < MOST => {
                at.insert(test.id.clone(), tests.len());
                tests.push((test, None));
            }
            None => {}
        }
    }
    Reply::TestResults { task: task.id, run: task.run, tests, counts }
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
