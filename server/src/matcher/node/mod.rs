//! JavaScript and TypeScript: test runners, compilers, linters and bundlers, and programs that Node ends.

mod assertion;
mod eslint;
mod jest;
mod mocha;
mod report;
mod source;
mod spec;
mod stack;
mod tap;
mod tsc;
mod vitest;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[
    &report::FORMAT,
    &tap::FORMAT,
    &spec::FORMAT,
    &jest::FORMAT,
    &vitest::FORMAT,
    &mocha::FORMAT,
    &tsc::FORMAT,
    &eslint::FORMAT,
    &stack::FORMAT,
];
