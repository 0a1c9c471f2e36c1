//! The commands for a terminal.

pub mod client;
pub mod demo;
pub mod doctor;
pub mod log;
pub mod parse;
pub mod run;
pub mod terminal;
