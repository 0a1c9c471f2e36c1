//! JavaScript and TypeScript: Node's own test runner, and programs that Node ends.

mod source;
mod spec;
mod stack;
mod tap;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[&tap::FORMAT, &spec::FORMAT, &stack::FORMAT];
