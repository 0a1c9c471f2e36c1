//! Python: its test runners, and programs that end with an exception.

mod black;
mod doctest;
mod lint;
mod lint_json;
mod mypy;
mod pyright;
mod pytest;
mod pytest_failure;
mod pytest_letters;
mod ruff;
mod source;
mod traceback;
mod uncaught;
mod unittest;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[
    &pytest::FORMAT,
    &unittest::FORMAT,
    &doctest::FORMAT,
    &uncaught::FORMAT,
    &lint_json::FORMAT,
    &ruff::FORMAT,
    &mypy::FORMAT,
    &pyright::FORMAT,
    &lint::FORMAT,
    &black::FORMAT,
];
