//! A problem as it is kept: whose it is, and what has become of it since it was found.

use crate::ids::TaskId;
use crate::problem::Problem;

/// A problem with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub task: TaskId,
    pub run: u32,
    pub problem: Problem,
    /// Its line was edited after it was found: it may be repaired, and speaks of an earlier text.
    pub edited: bool,
    /// Its command runs again and has not named this file yet.
    pub stale: bool,
}
