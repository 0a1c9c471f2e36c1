//! Formats that no single tool owns: lines as many compilers write them, and matchers that a person defines as VS Code's
//! `problemMatcher`.

mod generic;
mod msbuild;
pub mod problem_matcher;
mod terraform;
mod watchers;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[&watchers::FORMAT, &msbuild::FORMAT, &terraform::FORMAT, &generic::FORMAT];
