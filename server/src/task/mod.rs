//! Background tasks: the words ([`model`], [`run`]), and the machinery that owns processes.

pub mod exit_file;
mod follow;
pub mod kept;
pub mod lease;
mod link;
pub mod model;
pub mod output;
pub mod process;
pub mod question;
mod reader;
pub mod run;
pub mod run_folder;
mod screen;
pub mod shim;
pub mod slice;
pub mod supervisor;
pub mod sweep_output;
mod system;
mod tail;
mod tree;
