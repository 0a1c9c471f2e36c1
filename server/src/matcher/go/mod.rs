//! Go: its compiler, vet, its tests, gofmt.

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[];
