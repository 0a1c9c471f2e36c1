//! The loop between stdio and the [`LspService`]. tower-lsp's own `Server::serve` stands still while four calls are
//! pending, ends at one malformed frame and hangs at the end of the input while work is in flight; so this is our own.
//!
//! Calls begin in wire order: each is polled once here, so that what a handler does before its first wait is done in the
//! order of the messages, and goes on as a task of its own if it has to wait. Nothing holds up the reading: not a pending
//! call, and not a client that does not read. One task writes.

use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{Stream, StreamExt};
use futures_util::{FutureExt, SinkExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, BufWriter};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tower::Service;
use tower_lsp::jsonrpc::{Error, Id, Request, Response};
use tower_lsp::{ClientSocket, ExitedError, LanguageServer, LspService};

use super::frames::{Frames, INVALID_REQUEST, Incoming};

/// What the ids of our own requests start with.
pub const OWN_ID: &str = "pillion:";

/// Answers that wait for the writer, before the calls that give them have to wait themselves.
const REPLIES: usize = 1024;

/// How long the last answers may take to be written at the end.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What ended the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// The notification `exit`.
    Exit,
    /// Nothing more can be read.
    InputEnded,
    /// Nothing more can be written.
    OutputEnded,
    /// The client's process is gone.
    ClientGone,
}

/// How the connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCause {
    pub reason: ExitReason,
    /// The client asked for `shutdown` before.
    pub shut_down: bool,
}

impl ExitCause {
    /// The exit code that LSP asks for: 0 after `shutdown`, else 1.
    pub fn code(self) -> i32 {
        i32::from(!self.shut_down)
    }
}

/// Serves one client until it is gone, and returns at once then: calls that are pending are dropped.
///
/// - `outgoing`: serialised messages to the client (notifications, and requests whose ids start with [`OWN_ID`]), written
///   in their order. Its sender waits when the client does not read.
/// - `responses`: is given the client's answers to those requests; must not block.
/// - `client_gone`: resolves when the client's process is gone.
///
/// The caller ends the process afterwards: a thread may still be reading stdin.
pub async fn serve<R, W, S>(
    stdin: R,
    stdout: W,
    mut service: LspService<S>,
    socket: ClientSocket,
    outgoing: mpsc::Receiver<Vec<u8>>,
    mut responses: impl FnMut(Value, Result<Value, Value>) + Send,
    client_gone: impl Future<Output = ()> + Send,
) -> ExitCause
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
    S: LanguageServer,
{
    let (requests, mut answers) = socket.split();
    let (replies, queue) = mpsc::channel(REPLIES);
    let (stop, stopped) = oneshot::channel();
    let mut writer = tokio::spawn(write(stdout, queue, outgoing, requests, stopped));
    let mut frames = Frames::new(BufReader::with_capacity(64 << 10, stdin));
    let mut client_gone = pin!(client_gone);
    let mut calls = JoinSet::new();
    let mut shut_down = false;

    let reason = loop {
        let incoming = tokio::select! {
            incoming = frames.read() => incoming,
            () = &mut client_gone => break ExitReason::ClientGone,
            _ = &mut writer => return ExitCause { reason: ExitReason::OutputEnded, shut_down },
        };
        while calls.try_join_next().is_some() {}
        let message = match incoming {
            Ok(Some(Incoming::Message(message))) => message,
            Ok(Some(Incoming::Malformed { code, message, id })) => {
                reply(&replies, &mut calls, refusal(code, &message, id));
                continue;
            }
            Ok(None) | Err(_) => break ExitReason::InputEnded,
        };
        if message.get("method").is_none() {
            match own_response(message) {
                Ok((id, result)) => responses(id, result),
                Err(message) => {
                    if let Ok(response) = serde_json::from_value::<Response>(message) {
                        // Refused only after `exit`.
                        let _ = answers.send(response).await;
                    }
                }
            }
            continue;
        }
        let id = message.get("id").cloned().unwrap_or(Value::Null);
        let request: Request = match serde_json::from_value(tolerate(message)) {
            Ok(request) => request,
            Err(error) => {
                reply(&replies, &mut calls, refusal(INVALID_REQUEST, &error.to_string(), id));
                continue;
            }
        };
        shut_down |= request.method() == "shutdown" && request.id().is_some();
        let exit = request.method() == "exit";
        let id = request.id().cloned();
        // `poll_ready` is not asked: it is pending while `initialize` runs, and nothing may hold up the reading.
        let mut call = Box::pin(answer(service.call(request), id, replies.clone()));
        if futures_util::poll!(call.as_mut()).is_pending() {
            calls.spawn(call);
        }
        if exit {
            break ExitReason::Exit;
        }
    };
    calls.abort_all();
    // The writer stops when what is there has been written; a client that no longer reads is not waited for.
    let _ = stop.send(());
    if tokio::time::timeout(LAST_WORDS, &mut writer).await.is_err() {
        writer.abort();
    }
    ExitCause { reason, shut_down }
}

/// Runs one call to its end and queues the answer.
async fn answer(
    call: impl Future<Output = Result<Option<Response>, ExitedError>>,
    id: Option<Id>,
    replies: mpsc::Sender<Vec<u8>>,
) {
    let response = match AssertUnwindSafe(call).catch_unwind().await {
        Ok(Ok(Some(response))) => Some(response),
        // The service is silent on requests under `$/` that it does not know; a request must be answered.
        Ok(Ok(None)) => id.map(|id| Response::from_error(id, Error::method_not_found())),
        Ok(Err(_exited)) => None,
        Err(_panicked) => id.map(|id| Response::from_error(id, Error::internal_error())),
    };
    if let Some(body) = response.and_then(|response| serde_json::to_vec(&response).ok()) {
        // Fails only when the writer has ended, which ends everything.
        let _ = replies.send(body).await;
    }
}

/// Queues a reply without waiting.
fn reply(replies: &mpsc::Sender<Vec<u8>>, calls: &mut JoinSet<()>, body: Vec<u8>) {
    if let Err(mpsc::error::TrySendError::Full(body)) = replies.try_send(body) {
        let replies = replies.clone();
        calls.spawn(async move { drop(replies.send(body).await) });
    }
}

fn refusal(code: i64, message: &str, id: Value) -> Vec<u8> {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}).to_string().into_bytes()
}

/// The client's answer to one of our own requests; anything else comes back.
fn own_response(mut message: Value) -> Result<(Value, Result<Value, Value>), Value> {
    if !message["id"].as_str().is_some_and(|id| id.starts_with(OWN_ID)) {
        return Err(message);
    }
    let result = match message["error"].take() {
        Value::Null => Ok(message["result"].take()),
        error => Err(error),
    };
    Ok((message["id"].take(), result))
}

/// Takes `params` as clients send them: `shutdown` and `exit` have none, whatever came along, and a method of ours may be
/// called without any when all of its fields are optional.
fn tolerate(mut message: Value) -> Value {
    if let Some(object) = message.as_object_mut() {
        let method = object.get("method").and_then(Value::as_str).unwrap_or_default();
        let (ours, none) = (method.starts_with("pillion/"), matches!(method, "shutdown" | "exit"));
        if none {
            object.remove("params");
        } else if ours && object.get("params").is_none_or(Value::is_null) {
            object.insert("params".into(), json!({}));
        }
    }
    message
}

/// Writes everything that goes to the client: answers before the rest. Flushes when nothing more is waiting.
async fn write<W: AsyncWrite + Unpin>(
    stdout: W,
    mut replies: mpsc::Receiver<Vec<u8>>,
    mut outgoing: mpsc::Receiver<Vec<u8>>,
    mut requests: impl Stream<Item = Request> + Unpin,
    mut stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let mut stdout = BufWriter::with_capacity(64 << 10, stdout);
    loop {
        let waiting = replies.try_recv().or_else(|_| outgoing.try_recv());
        let body = match waiting {
            Ok(body) => body,
            Err(_) => {
                stdout.flush().await?;
                tokio::select! {
                    biased;
                    Some(body) = replies.recv() => body,
                    Some(body) = outgoing.recv() => body,
                    Some(request) = requests.next() => serde_json::to_vec(&request)?,
                    _ = &mut stopped => return Ok(()),
                }
            }
        };
        stdout.write_all(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes()).await?;
        stdout.write_all(&body).await?;
    }
}

#[cfg(test)]
mod tests;
