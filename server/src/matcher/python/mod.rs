//! Python: its test runners, and programs that end with an exception.

mod pytest;
mod pytest_failure;
mod pytest_letters;
mod source;
mod traceback;
mod uncaught;
mod unittest;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[&pytest::FORMAT, &unittest::FORMAT, &uncaught::FORMAT];
