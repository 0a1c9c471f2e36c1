//! Java and what builds it: javac, stack traces, maven, gradle.

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[];
