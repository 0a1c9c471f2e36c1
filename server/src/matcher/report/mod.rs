//! Formats that no single tool owns: lines as many compilers write them, and matchers that a person defines as VS Code's
//! `problemMatcher`.

mod actionlint;
mod clr;
mod generic;
mod hadolint;
mod msbuild;
pub mod problem_matcher;
mod terraform;
mod watchers;
mod workflow;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[
    &watchers::FORMAT,
    &msbuild::FORMAT,
    &clr::FORMAT,
    &terraform::FORMAT,
    &hadolint::FORMAT,
    &hadolint::UNPARSED,
    &actionlint::FORMAT,
    &workflow::FORMAT,
    &generic::FORMAT,
];
