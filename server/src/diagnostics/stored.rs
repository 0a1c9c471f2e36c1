//! A problem as it is kept: whose it is, and what has become of it since it was found.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::causes::Cause;
use crate::ids::TaskId;
use crate::problem::Problem;

/// A problem with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub task: TaskId,
    pub run: u32,
    /// The place of that run among those of all tasks, in the order in which they began.
    pub serial: u64,
    pub problem: Problem,
    /// Its line was edited after it was found: it may be repaired, and speaks of an earlier text.
    pub edited: bool,
    /// Its command, or a watching program in it, runs again and has not named this file yet.
    pub stale: bool,
    /// The program that printed it, among those that write into the output.
    pub lane: u16,
    /// What it may have in common with others, and how many make a group.
    pub(super) cause: Option<(Cause, usize)>,
    /// One of a group is shown for it.
    pub grouped: bool,
}

/// Files whose problems changed: what an editor has to hear about again.
pub type Changed = BTreeSet<PathBuf>;
