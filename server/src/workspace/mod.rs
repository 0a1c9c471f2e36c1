//! The folder that the person works in: its roots, the editor's open documents, its own build and test commands.

pub mod changes;
pub mod classify;
pub mod commands;
pub mod compose;
pub mod documents;
pub mod editor;
pub mod environment;
pub mod files;
pub mod folders;
mod head;
pub mod instructions;
pub mod links;
pub mod looks;
pub mod roots;
pub mod uri;
pub mod watch;
pub mod written;

use std::path::PathBuf;

/// A service of a compose file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    /// Where its compose file is.
    pub folder: PathBuf,
}
