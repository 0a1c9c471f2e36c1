//! The transcripts of subagents on their way to the disk: in order, one piece at a time.

use std::path::PathBuf;

use tokio::sync::mpsc;

use crate::session::event::Event;
use crate::session::inbox::Inbox;
use crate::task::run::RunId;
use crate::task::transcript;

/// Lines for the output of a task; `bytes` and `lines` are what is there then.
pub(super) struct Piece {
    pub(super) id: RunId,
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) bytes: u64,
    pub(super) lines: u64,
}

/// Writes what comes until nobody sends any more, and says how far it got.
pub(super) async fn write(mut pieces: mpsc::UnboundedReceiver<Piece>, inbox: Inbox) {
    while let Some(Piece { id, path, text, bytes, lines }) = pieces.recv().await {
        let written = tokio::task::spawn_blocking(move || {
            transcript::append(&path, &text).map_err(|error| format!("{}: {error}", path.display()))
        });
        let problem = written.await.unwrap_or_else(|error| Err(error.to_string())).err();
        inbox.tell(Event::Transcribed { id, bytes, lines, problem });
    }
}
