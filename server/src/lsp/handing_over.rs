//! Takes a session from the window that has it open: asks that window's control socket to give it up. Whoever does not
//! answer keeps it. Knows the words between two sidecars and no state.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tower_lsp::jsonrpc;

use super::convert;
use super::frames::{Frames, Incoming};
use crate::control;
use crate::ids::SessionId;
use crate::protocol::code;
use crate::session::moving::Taker;

/// How long the other window may take: its runs are handed over one after another, and written down.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the sidecar named `holder`, whose sockets lie in `dir`, to give a session of the workspace at `root` to `taker`. The
/// error is the other window's own, or says that it does not answer.
pub async fn ask(
    dir: &Path,
    root: &Path,
    holder: &str,
    session: &SessionId,
    taker: &Taker,
) -> Result<(), jsonrpc::Error> {
    let silent = |why: &str| {
        convert::error(
            code::STATE,
            format!("session {session} is open in another window, which {why}"),
            "session_in_use",
            None,
            "Go on in that window, or close it and load the session here.",
        )
    };
    let pid = holder.split(' ').next().and_then(|pid| pid.parse().ok());
    let socket = control::path(dir, root, pid.ok_or_else(|| silent("has no name"))?);
    let params = json!({"sessionId": session.as_str(), "owner": taker.owner, "token": taker.token});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": control::HAND_OVER, "params": params});
    let answer = tokio::time::timeout(PATIENCE, call(&socket, &request)).await;
    match answer {
        Ok(Ok(answer)) => match answer.get("error") {
            None => Ok(()),
            // The words of a jsonrpc error of ours.
            Some(error) => {
                Err(serde_json::from_value(error.clone()).unwrap_or_else(|_| silent("refuses to give it up")))
            }
        },
        Ok(Err(_)) => Err(silent("cannot be reached")),
        Err(_) => Err(silent("does not answer")),
    }
}

/// One request, and the answer to it; what else is told meanwhile is passed over.
async fn call(socket: &Path, request: &Value) -> std::io::Result<Value> {
    let (read, mut write) = UnixStream::connect(socket).await?.into_split();
    let body = request.to_string();
    write.write_all(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
    let mut frames = Frames::new(BufReader::new(read));
    loop {
        match frames.read().await {
            Ok(Some(Incoming::Message(message))) if message["id"] == request["id"] => return Ok(message),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
