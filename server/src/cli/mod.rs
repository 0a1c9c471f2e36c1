//! The commands for a terminal.

pub mod demo;
pub mod log;
pub mod parse;
