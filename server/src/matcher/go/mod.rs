//! Go: its compiler, vet, its tests, gofmt.

mod compile;
mod example;
mod log;
mod source;
mod test;
mod trace;
mod whose;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[&test::FORMAT, &compile::FORMAT];
