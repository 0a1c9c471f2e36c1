//! JavaScript and TypeScript: test runners, compilers, linters and bundlers, and programs that Node ends.

mod assertion;
mod ava;
mod banner;
mod bundlers;
mod eslint;
mod jest;
mod linters;
mod mocha;
mod outcome;
mod playwright;
mod report;
mod source;
mod spec;
mod stack;
mod styles;
pub(super) mod tap;
pub(super) mod totals;
mod tsc;
mod vitest;

use super::format::Format;
pub(super) use mocha::rerun;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[
    &banner::FORMAT,
    &report::FORMAT,
    &spec::FORMAT,
    &jest::FORMAT,
    &vitest::FORMAT,
    &playwright::FORMAT,
    &ava::FORMAT,
    &mocha::FORMAT,
    &tsc::FORMAT,
    &eslint::FORMAT,
    &linters::FORMAT,
    &linters::JSHINT,
    &bundlers::FORMAT,
    &styles::FORMAT,
    &stack::FORMAT,
];
