//! Rust: rustc and what cargo runs.

mod failure;
mod libtest;
mod nextest;
mod panic;
mod rustc;
mod rustc_json;
mod rustfmt;
mod source;
mod units;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] =
    &[&nextest::FORMAT, &libtest::FORMAT, &panic::FORMAT, &rustfmt::FORMAT, &rustc::FORMAT, &rustc_json::FORMAT];
