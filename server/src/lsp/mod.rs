//! The edge to the editor: the only code that knows LSP and JSON-RPC.

pub mod client_process;
pub mod documents;
pub mod frames;
pub mod text;
pub mod transport;
pub mod uri;
