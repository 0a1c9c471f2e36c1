//! C, C++ and what builds them: compilers, the linker, make.

mod gcc;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[&gcc::FORMAT];
