//! Formats that no single tool owns: reports that many write (JUnit XML, SARIF, TAP), lines as many compilers write them,
//! and matchers that a person defines as VS Code's `problemMatcher`.

mod actionlint;
mod clr;
mod failure_text;
mod generic;
mod hadolint;
mod junit;
mod msbuild;
mod no_tests;
pub mod problem_matcher;
mod sarif;
mod sarif_log;
mod tap;
mod tap_diagnostic;
mod tap_stream;
mod terraform;
mod watchers;
mod workflow;
mod xml;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[
    &watchers::FORMAT,
    &no_tests::FORMAT,
    &junit::FORMAT,
    &sarif::FORMAT,
    &tap::FORMAT,
    &msbuild::FORMAT,
    &clr::FORMAT,
    &terraform::FORMAT,
    &hadolint::FORMAT,
    &hadolint::UNPARSED,
    &actionlint::FORMAT,
    &workflow::FORMAT,
    &generic::FORMAT,
];
