//! The commands for a terminal.

pub mod demo;
pub mod parse;
