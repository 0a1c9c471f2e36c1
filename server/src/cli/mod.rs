//! The commands for a terminal.

pub mod client;
pub mod demo;
pub mod parse;
pub mod terminal;
