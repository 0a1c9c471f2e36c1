//! Java and what builds it: javac, stack traces, maven, gradle.

mod gradle;
mod gradle_script;
mod javac;
mod stack;
mod surefire;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] =
    &[&surefire::FORMAT, &gradle::FORMAT, &gradle_script::FORMAT, &javac::FORMAT, &stack::FORMAT];
