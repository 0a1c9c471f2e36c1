//! Matchers that a person defines as VS Code's `problemMatcher` (code.visualstudio.com/docs/debugtest/tasks, "Defining a
//! problem matcher"): read from JSON by [`parse`], run by the engine before its own formats. Pure. What VS Code takes in
//! silence and would never match is an error here, which names the field and what to write.

mod definition;
mod expression;
mod lines;
mod named;

pub use definition::{Definition, Error, parse};
pub(in crate::matcher) use lines::Custom;
