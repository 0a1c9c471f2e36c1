//! A small LSP client over a pair of streams: framing, requests with their answers, a stream of notifications, and answers
//! to what the server asks. For the commands of the terminal that speak to a sidecar. It knows JSON-RPC, not what the
//! messages mean. One task owns the open requests and the writer; the reader only cuts frames.

use std::collections::HashMap;

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, oneshot};

/// A frame larger than this ends the conversation.
const LARGEST_FRAME: usize = 64 << 20;

/// A notification of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    pub method: String,
    pub params: Value,
}

/// An error answer: JSON-RPC's code and message.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct RpcError {
    pub code: i64,
    pub message: String,
    pub data: Value,
}

impl RpcError {
    /// The answer to a request that this client does not know.
    pub fn unknown_method(method: &str) -> Self {
        Self { code: -32601, message: format!("unknown method {method}"), data: Value::Null }
    }
}

/// Answers the server's requests: method and params to the result.
pub type Answers = Box<dyn Fn(&str, &Value) -> Result<Value, RpcError> + Send>;

enum Outgoing {
    Request { method: String, params: Value, answer: oneshot::Sender<Result<Value, RpcError>> },
    Notification { method: String, params: Value },
}

/// One end of a conversation. Cheap to clone; the conversation ends when all clones are gone.
#[derive(Clone, Debug)]
pub struct Client {
    outgoing: mpsc::Sender<Outgoing>,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Request { method, .. } | Self::Notification { method, .. }) = self;
        f.write_str(method)
    }
}

impl Client {
    /// Starts a conversation over the server's output and input. The receiver ends with the server's output. It must be
    /// read: what arrives is kept until then.
    pub fn over(
        from_server: impl AsyncRead + Unpin + Send + 'static,
        to_server: impl AsyncWrite + Unpin + Send + 'static,
        answers: Answers,
    ) -> (Self, mpsc::UnboundedReceiver<Notification>) {
        let (outgoing, wanted) = mpsc::channel(64);
        let (frames, arrived) = mpsc::channel(64);
        let (notify, notifications) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut reader = BufReader::new(from_server);
            while let Ok(Some(message)) = read_frame(&mut reader).await {
                if frames.send(message).await.is_err() {
                    break;
                }
            }
        });
        tokio::spawn(pump(to_server, wanted, arrived, notify, answers));
        (Self { outgoing }, notifications)
    }

    /// Sends a request and waits for its answer.
    pub async fn request(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        let (answer, answered) = oneshot::channel();
        let gone = || anyhow!("the sidecar went away before it answered {method}");
        let request = Outgoing::Request { method: method.to_owned(), params, answer };
        self.outgoing.send(request).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?.with_context(|| format!("{method} failed"))
    }

    /// Sends a notification.
    pub async fn notify(&self, method: &str, params: Value) -> anyhow::Result<()> {
        let notification = Outgoing::Notification { method: method.to_owned(), params };
        self.outgoing.send(notification).await.map_err(|_| anyhow!("the sidecar went away before {method}"))
    }
}

/// Owns the open requests: dropped with it, they tell their callers that the server went away.
async fn pump(
    mut writer: impl AsyncWrite + Unpin,
    mut wanted: mpsc::Receiver<Outgoing>,
    mut arrived: mpsc::Receiver<Value>,
    notify: mpsc::UnboundedSender<Notification>,
    answers: Answers,
) {
    let mut open: HashMap<i64, oneshot::Sender<Result<Value, RpcError>>> = HashMap::new();
    let mut next_id = 0;
    loop {
        let message = tokio::select! {
            outgoing = wanted.recv() => match outgoing {
                None => return,
                Some(Outgoing::Notification { method, params }) => json!({"jsonrpc": "2.0", "method": method, "params": params}),
                Some(Outgoing::Request { method, params, answer }) => {
                    next_id += 1;
                    open.insert(next_id, answer);
                    json!({"jsonrpc": "2.0", "id": next_id, "method": method, "params": params})
                }
            },
            message = arrived.recv() => match message {
                None => return,
                Some(message) => match incoming(message, &mut open, &notify, &answers) {
                    Some(answer) => answer,
                    None => continue,
                },
            },
        };
        if write_frame(&mut writer, &message).await.is_err() {
            return;
        }
    }
}

/// Sorts a message of the server; a request gives its answer.
fn incoming(
    message: Value,
    open: &mut HashMap<i64, oneshot::Sender<Result<Value, RpcError>>>,
    notify: &mpsc::UnboundedSender<Notification>,
    answers: &Answers,
) -> Option<Value> {
    let params = message["params"].clone();
    match (message["method"].as_str(), message.get("id")) {
        (Some(method), Some(id)) => Some(match answers(method, &params) {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(error) => {
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": error.code, "message": error.message}})
            }
        }),
        (Some(method), None) => {
            // Nobody may want to know any more.
            let _ = notify.send(Notification { method: method.to_owned(), params });
            None
        }
        (None, id) => {
            if let Some(answer) = id.and_then(Value::as_i64).and_then(|id| open.remove(&id)) {
                let error = &message["error"];
                let result = if error.is_object() {
                    let text = error["message"].as_str().unwrap_or_default().to_owned();
                    let code = error["code"].as_i64().unwrap_or_default();
                    Err(RpcError { code, message: text, data: error["data"].clone() })
                } else {
                    Ok(message["result"].clone())
                };
                // The caller may have stopped waiting.
                let _ = answer.send(result);
            }
            None
        }
    }
}

async fn write_frame(writer: &mut (impl AsyncWrite + Unpin), message: &Value) -> std::io::Result<()> {
    let body = message.to_string();
    writer.write_all(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
    writer.flush().await
}

/// The next message; `None` at the end of the stream.
async fn read_frame(reader: &mut (impl AsyncBufReadExt + Unpin)) -> anyhow::Result<Option<Value>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = Some(value.trim().parse::<usize>()?);
        }
    }
    let length = length.context("a frame without Content-Length")?;
    if length > LARGEST_FRAME {
        bail!("a frame of {length} bytes");
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await?;
    Ok(Some(serde_json::from_slice(&body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client and the server's two ends.
    fn pair() -> (Client, mpsc::UnboundedReceiver<Notification>, BufReader<impl AsyncRead>, impl AsyncWrite) {
        let (from_server, server_writes) = tokio::io::duplex(1 << 16);
        let (server_reads, to_server) = tokio::io::duplex(1 << 16);
        let answers: Answers = Box::new(|method, params| match method {
            "ask" => Ok(json!({"echo": params})),
            _ => Err(RpcError::unknown_method(method)),
        });
        let (client, notifications) = Client::over(from_server, to_server, answers);
        (client, notifications, BufReader::new(server_reads), server_writes)
    }

    #[tokio::test]
    async fn requests_get_their_own_answers_in_any_order() {
        let (client, _notifications, mut reads, mut writes) = pair();
        let server = async {
            let first = read_frame(&mut reads).await.unwrap().unwrap();
            let second = read_frame(&mut reads).await.unwrap().unwrap();
            for (request, answer) in
                [(&second, json!({"result": 2})), (&first, json!({"error": {"code": -1, "message": "no"}}))]
            {
                let mut answer = answer;
                answer["id"] = request["id"].clone();
                write_frame(&mut writes, &answer).await.unwrap();
            }
        };
        let (first, second, ()) = tokio::join!(client.request("a", json!({})), client.request("b", json!({})), server);
        assert_eq!(second.unwrap(), json!(2));
        assert_eq!(format!("{:#}", first.unwrap_err()), "a failed: no (-1)");
    }

    #[tokio::test]
    async fn the_server_is_answered_and_heard() {
        let (client, mut notifications, mut reads, mut writes) = pair();
        for message in [
            json!({"id": "q1", "method": "ask", "params": [1]}),
            json!({"id": 7, "method": "other"}),
            json!({"method": "told", "params": {"a": 1}}),
        ] {
            write_frame(&mut writes, &message).await.unwrap();
        }
        let answer = read_frame(&mut reads).await.unwrap().unwrap();
        assert_eq!(answer, json!({"jsonrpc": "2.0", "id": "q1", "result": {"echo": [1]}}));
        assert_eq!(read_frame(&mut reads).await.unwrap().unwrap()["error"]["code"], -32601);
        assert_eq!(
            notifications.recv().await.unwrap(),
            Notification { method: "told".into(), params: json!({"a": 1}) }
        );
        drop(writes);
        assert_eq!(notifications.recv().await, None);
        assert!(client.request("a", json!({})).await.is_err());
    }
}
