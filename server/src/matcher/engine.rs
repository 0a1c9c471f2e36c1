//! Which matchers look at a line, and what becomes of what they find.

use std::sync::Arc;

use super::{Files, Origin};
use crate::problem::Finding;

/// All matching for one run's output.
pub struct Engine {
    _origin: Origin,
    _files: Arc<dyn Files>,
}

impl Engine {
    /// An engine for the output of one run.
    pub fn new(origin: Origin, files: Arc<dyn Files>) -> Self {
        Self { _origin: origin, _files: files }
    }

    /// Takes the next bytes of the output, cut anywhere, and appends what they show.
    pub fn push(&mut self, bytes: &[u8], findings: &mut Vec<Finding>) {
        let _ = (bytes, findings);
    }

    /// The output is over: appends what only its end shows.
    pub fn finish(&mut self, findings: &mut Vec<Finding>) {
        let _ = findings;
    }
}
