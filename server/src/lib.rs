//! Pillion: a coding agent's sidecar for the editor. `ARCHITECTURE.md` in the repository's root is the map.

pub mod agent;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod diagnostics;
pub mod ids;
pub mod line_diff;
pub mod lsp;
pub mod matcher;
pub mod problem;
pub mod protocol;
pub mod provider;
pub mod session;
pub mod store;
pub mod task;
pub mod tool;
pub mod workspace;
