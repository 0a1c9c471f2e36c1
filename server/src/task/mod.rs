//! Background tasks: the words ([`model`], [`run`]), and the machinery that owns processes.

pub mod exit_file;
mod follow;
pub mod lease;
mod link;
pub mod model;
pub mod output;
pub mod process;
mod reader;
pub mod run;
pub mod run_file;
pub mod shim;
pub mod slice;
pub mod sockets;
pub mod supervisor;
mod system;
mod tail;
mod tree;
