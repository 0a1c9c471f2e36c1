//! What the black-box tests share: a client that speaks to the real binary as an editor does, a model server that is as
//! strict as the real service, and small projects for real tools. Nothing here knows the server's code; the contract is
//! the protocol page alone.

pub mod client;
pub mod connection;
pub mod editor;
pub mod model;
pub mod options;
pub mod process;
pub mod project;
pub mod relay;
pub mod rules;
pub mod sandbox;
pub mod session;
pub mod task;
pub mod terminal;
pub mod wire;

use std::time::Duration;

pub use client::{Client, RpcError};
pub use model::{Answer, Api, Hold, Model, Request};
pub use options::Options;
pub use sandbox::{Gate, Sandbox, Signal};
pub use terminal::Terminal;

/// How long a test waits for an event before it fails. Generous, because machines are busy; no test waits it out when
/// all is well.
pub const DEADLINE: Duration = Duration::from_secs(30);
