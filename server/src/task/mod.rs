//! Background tasks: the words ([`model`], [`run`]), and the machinery that owns processes.

pub mod model;
pub mod output;
pub mod process;
pub mod run;
pub mod shim;
pub mod supervisor;
