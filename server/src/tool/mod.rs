//! The tools that the model sees. [`input`] is their table: names, schemas, parsing. Tools that only touch files run here,
//! as plain functions of a call and a [`Context`]; the tools of background tasks are carried out by the session, which
//! owns the ledger. Tools know no LSP.

mod change;
pub mod edit;
pub mod files;
pub mod input;
pub mod mention;
mod nearest;
pub mod read;
pub mod revert;
pub mod saved;
pub mod search;
pub mod sweep_results;
#[cfg(test)]
mod tests;
mod walk;
pub mod write;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::agent::history::FileDiff;
use crate::agent::instructions::InstructionFile;
use crate::workspace::editor::Editor;
use crate::workspace::roots::Roots;

/// What identifies a file's content at the moment that the model saw it ([`files::fingerprint`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    pub length: u64,
    pub hash: u64,
}

/// The files that the model has read or written, as it saw them.
pub type FileSeen = Arc<HashMap<PathBuf, Fingerprint>>;

/// One of them.
pub type SeenFile = (PathBuf, Fingerprint);

/// What a tool may use.
#[derive(Clone)]
pub struct Context {
    pub roots: Roots,
    /// Where relative paths start.
    pub cwd: PathBuf,
    pub editor: Arc<dyn Editor>,
    /// The files that the model has read or written in this session, as it saw them, by real path (links followed).
    pub seen: FileSeen,
    /// Characters of a result's text; the rest is counted, and said where it is.
    pub max_result: usize,
    /// The folder for results of this session that are longer than that.
    pub results: PathBuf,
}

/// Characters of a result's text where nothing else is said: the settings' limit, and room for what is said about it.
pub const MAX_RESULT: usize = 29_000;

/// A place that a tool worked at; the line is 1-based.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub path: PathBuf,
    pub line: Option<u32>,
}

/// What a tool call came to. `Err` of a tool is text for the model (see [`run`]).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    pub text: String,
    pub diffs: Vec<FileDiff>,
    pub locations: Vec<Location>,
    /// What the model has now seen of which file.
    pub seen: Vec<SeenFile>,
    /// Instruction files of the folders between the session's and the file's, the outermost first.
    pub instructions: Vec<InstructionFile>,
}

/// Runs a file tool. The error is told to the model and names the remedy; nothing was changed then.
pub async fn run(call: input::FileCall, context: Context) -> Result<Output, String> {
    files::stays_inside(&context, call.path()).await?;
    match call {
        input::FileCall::Read(call) => read::read(call, context).await,
        input::FileCall::Write(call) => write::write(call, context).await,
        input::FileCall::Edit(call) => edit::edit(call, context).await,
        input::FileCall::Glob(call) => search::glob(call, context).await,
        input::FileCall::Grep(call) => search::grep(call, context).await,
    }
}
