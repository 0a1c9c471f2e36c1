//! The edge to the editor: the only code that knows LSP and JSON-RPC.

pub mod client_process;
pub mod control;
pub mod convert;
pub mod documents;
pub mod editor;
mod editor_diagnostics;
pub mod following;
pub mod frames;
mod handing_over;
pub mod models;
pub mod outbox;
pub mod params;
pub mod presenter;
mod problems;
pub mod progress;
pub mod server;
mod test_functions;
pub mod text;
mod tokens;
pub mod transport;
mod waiting_for_input;
mod words;

use std::os::fd::AsFd;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::config::Config;
use crate::session::owner::Handle;
use crate::workspace::uri;

/// How long the store may take to write what is queued, at the end.
const LAST_WRITES: Duration = Duration::from_millis(300);

/// The owner's handle, set once it has started: messages may come before that.
pub type Owner = std::sync::OnceLock<Handle>;

/// Serves one client on stdin and stdout until it is gone; gives the exit code.
pub async fn serve(config: Config) -> i32 {
    let (outbox, outgoing) = outbox::Outbox::new();
    let (tell_client, client) = oneshot::channel();
    let server = server::Server::new(config, outbox.clone(), tell_client);
    let owner = server.owner();
    let (service, socket) = server.service();
    let client_gone = async {
        match client.await {
            Ok(pid) => client_process::process_gone(pid).await,
            // A client that names no process is watched by its end of stdin alone.
            Err(_) => std::future::pending().await,
        }
    };
    let answered = move |id: serde_json::Value, result| outbox.answered(&id, result);
    let ended = transport::serve(tokio::io::stdin(), stdout(), service, socket, outgoing, answered, client_gone).await;
    if let Some(owner) = owner.get() {
        // What could not be written in this time is told from the tasks' own folders at the next start.
        let _ = tokio::time::timeout(LAST_WRITES, owner.flush()).await;
    }
    ended.code()
}

/// Standard output without the line buffering of the standard library, which would write a message's header and body apart.
fn stdout() -> tokio::fs::File {
    let plain = std::io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from);
    // Fails only when no descriptor is left, at the very start.
    tokio::fs::File::from_std(plain.expect("a descriptor for stdout"))
}
