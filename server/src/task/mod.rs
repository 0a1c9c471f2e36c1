//! Background tasks: the words ([`model`], [`run`]), and the machinery that owns processes.

mod address;
pub mod exit_file;
mod follow;
pub mod import;
pub mod kept;
pub mod lease;
mod link;
pub mod listen;
pub mod model;
mod news;
pub mod output;
pub mod process;
pub mod question;
mod reader;
mod ready;
pub mod run;
pub mod run_file;
pub mod run_folder;
mod screen;
pub mod shim;
pub mod slice;
pub mod sockets;
pub mod supervisor;
pub mod sweep_output;
mod system;
mod tail;
mod tree;
