//! Formats that many tools write: TAP, JUnit XML, SARIF, problem matchers of VS Code, and what only looks like a problem's line.

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[];
