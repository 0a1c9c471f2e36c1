//! The loop with a mock server on one side and raw frames on the other.

use std::sync::Mutex;

use tokio::io::{DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tower_lsp::jsonrpc::Result as RpcResult;
use tower_lsp::ls_types::{InitializeParams, InitializeResult};

use super::*;

/// Notes what it is asked, in order.
struct Mock {
    calls: Mutex<Vec<i64>>,
}

impl LanguageServer for Mock {
    async fn initialize(&self, _: InitializeParams) -> RpcResult<InitializeResult> {
        Ok(InitializeResult::default())
    }

    async fn shutdown(&self) -> RpcResult<()> {
        Ok(())
    }
}

impl Mock {
    /// Notes the number, waits a moment, and gives the number back.
    async fn later(&self, params: Value) -> RpcResult<Value> {
        self.calls.lock().unwrap().push(params["n"].as_i64().unwrap_or(-1));
        tokio::task::yield_now().await;
        Ok(params["n"].clone())
    }

    async fn never(&self, _: Value) -> RpcResult<Value> {
        std::future::pending().await
    }

    async fn panics(&self, _: Value) -> RpcResult<Value> {
        panic!("on purpose")
    }

    async fn seen(&self, _: Value) -> RpcResult<Value> {
        Ok(json!(*self.calls.lock().unwrap()))
    }

    async fn note(&self, params: Value) {
        self.calls.lock().unwrap().push(params["n"].as_i64().unwrap_or(-1));
    }
}

type Answered = (Value, Result<Value, Value>);

struct Client {
    input: WriteHalf<DuplexStream>,
    output: Frames<BufReader<ReadHalf<DuplexStream>>>,
    outgoing: mpsc::Sender<Vec<u8>>,
    answered: UnboundedReceiver<Answered>,
    gone: Option<oneshot::Sender<()>>,
    server: JoinHandle<ExitCause>,
}

impl Client {
    /// A client in the middle of its work; `pipe` is how many bytes fit between the two.
    async fn start(pipe: usize) -> Self {
        let (service, socket) = LspService::build(|_| Mock { calls: Mutex::default() })
            .custom_method("pillion/later", Mock::later)
            .custom_method("pillion/never", Mock::never)
            .custom_method("pillion/panics", Mock::panics)
            .custom_method("pillion/seen", Mock::seen)
            .custom_method("note", Mock::note)
            .finish();
        let (ours, theirs) = tokio::io::duplex(pipe);
        let (output, input) = tokio::io::split(ours);
        let (stdin, stdout) = tokio::io::split(theirs);
        let (outgoing, from_outbox) = mpsc::channel(4);
        let (answers, answered) = mpsc::unbounded_channel();
        let (gone, client_gone) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            let responses = move |id, result| drop(answers.send((id, result)));
            let client_gone = async move { drop(client_gone.await) };
            serve(stdin, stdout, service, socket, from_outbox, responses, client_gone).await
        });
        let output = Frames::new(BufReader::new(output));
        let mut client = Self { input, output, outgoing, answered, gone: Some(gone), server };
        client.send(json!({"id": 0, "method": "initialize", "params": {"capabilities": {}}})).await;
        assert_eq!(client.receive().await["id"], 0);
        client
    }

    async fn raw(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).await.unwrap();
    }

    async fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        let body = message.to_string();
        self.raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
    }

    async fn receive(&mut self) -> Value {
        match self.output.read().await.unwrap() {
            Some(Incoming::Message(message)) => message,
            other => panic!("a message was expected: {other:?}"),
        }
    }

    async fn ask(&mut self, id: i64, method: &str, params: Value) -> Value {
        self.send(json!({"id": id, "method": method, "params": params})).await;
        self.receive().await
    }

    /// The end, within a second: with more, something holds it up.
    async fn end(self) -> ExitCause {
        tokio::time::timeout(Duration::from_secs(1), self.server).await.expect("it ends at once").unwrap()
    }
}

#[tokio::test]
async fn calls_begin_in_the_order_of_the_wire() {
    let mut client = Client::start(1 << 20).await;
    for n in 0..200 {
        let method = if n % 3 == 0 { "note" } else { "pillion/later" };
        let mut message = json!({"method": method, "params": {"n": n}});
        if n % 3 != 0 {
            message["id"] = json!(n);
        }
        client.send(message).await;
    }
    let mut answered = 0;
    while answered < 133 {
        let answer = client.receive().await;
        assert_eq!(answer["id"], answer["result"]);
        answered += 1;
    }
    let seen = client.ask(1000, "pillion/seen", json!({})).await;
    assert_eq!(seen["result"], json!((0..200).collect::<Vec<_>>()));
}

#[tokio::test]
async fn pending_requests_hold_up_nothing_and_can_be_cancelled() {
    let mut client = Client::start(1 << 20).await;
    for id in 1..=8 {
        client.send(json!({"id": id, "method": "pillion/never"})).await;
    }
    assert_eq!(client.ask(9, "pillion/seen", Value::Null).await["result"], json!([]));
    client.send(json!({"method": "$/cancelRequest", "params": {"id": 5}})).await;
    let cancelled = client.receive().await;
    assert_eq!((&cancelled["id"], &cancelled["error"]["code"]), (&json!(5), &json!(-32800)));
    client.input.shutdown().await.unwrap();
    assert_eq!(client.end().await, ExitCause { reason: ExitReason::InputEnded, shut_down: false });
}

#[tokio::test]
async fn what_goes_wrong_is_answered_and_survived() {
    let mut client = Client::start(1 << 20).await;
    let table = [
        (json!({"id": 1, "method": "pillion/none"}), json!(1), -32601),
        (json!({"id": 2, "method": "$/none"}), json!(2), -32601),
        (json!({"id": 3, "method": "pillion/panics"}), json!(3), -32603),
        (json!({"id": 4, "method": "initialize", "params": {"capabilities": {}}}), json!(4), -32600),
        (json!({"id": 5}), json!(5), -32600),
        (json!({"id": [], "method": "pillion/seen"}), Value::Null, -32600),
    ];
    for (message, id, code) in table {
        client.send(message.clone()).await;
        let answer = client.receive().await;
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&id, &json!(code)), "{message}");
    }
    client.raw(b"Content-Length: 3\r\n\r\n{!}").await;
    assert_eq!(client.receive().await["error"]["code"], -32700);
    for ignored in [json!({"method": "none"}), json!({"method": "initialize"}), json!({"id": 77, "result": 1})] {
        client.send(ignored).await;
    }
    assert_eq!(client.ask(6, "pillion/seen", json!({})).await["result"], json!([]));
}

#[tokio::test]
async fn own_requests_go_out_in_order_and_their_answers_come_back() {
    let mut client = Client::start(1 << 20).await;
    for n in 0..3 {
        let body = json!({"jsonrpc": "2.0", "id": format!("pillion:{n}"), "method": "m"}).to_string();
        client.outgoing.send(body.into_bytes()).await.unwrap();
    }
    for n in 0..3 {
        assert_eq!(client.receive().await["id"], format!("pillion:{n}"));
    }
    client.send(json!({"id": "pillion:0", "result": {"a": 1}})).await;
    client.send(json!({"id": "pillion:1", "error": {"code": 1, "message": "no"}})).await;
    client.send(json!({"id": "pillion:2", "result": null, "error": null})).await;
    let mut got = Vec::new();
    for _ in 0..3 {
        got.push(client.answered.recv().await.unwrap());
    }
    let expected: [Answered; 3] = [
        (json!("pillion:0"), Ok(json!({"a": 1}))),
        (json!("pillion:1"), Err(json!({"code": 1, "message": "no"}))),
        (json!("pillion:2"), Ok(Value::Null)),
    ];
    assert_eq!(got, expected);
}

#[tokio::test]
async fn shutdown_and_exit_end_it_with_0() {
    let mut client = Client::start(1 << 20).await;
    client.send(json!({"id": 1, "method": "pillion/never"})).await;
    assert_eq!(client.ask(2, "shutdown", json!({})).await, json!({"jsonrpc": "2.0", "id": 2, "result": null}));
    assert_eq!(client.ask(3, "pillion/seen", json!({})).await["error"]["code"], -32600);
    client.send(json!({"method": "exit", "params": {}})).await;
    let cause = client.end().await;
    assert_eq!((cause, cause.code()), (ExitCause { reason: ExitReason::Exit, shut_down: true }, 0));
}

#[tokio::test]
async fn exit_alone_ends_it_with_1() {
    let mut client = Client::start(1 << 20).await;
    client.send(json!({"method": "exit"})).await;
    let cause = client.end().await;
    assert_eq!((cause.reason, cause.code()), (ExitReason::Exit, 1));
}

#[tokio::test]
async fn the_end_of_the_client_ends_it_though_nobody_reads() {
    let mut client = Client::start(512).await;
    client.outgoing.send(vec![b'x'; 4096]).await.unwrap();
    client.send(json!({"id": 1, "method": "pillion/never"})).await;
    drop(client.gone.take());
    assert_eq!(client.end().await, ExitCause { reason: ExitReason::ClientGone, shut_down: false });
}

#[tokio::test]
async fn a_client_that_does_not_read_can_still_write() {
    let mut client = Client::start(512).await;
    for n in 0..3 * REPLIES {
        client.send(json!({"id": n, "method": "pillion/none"})).await;
    }
    client.raw(b"Content-Length: 3\r\n\r\n{!}").await;
    let mut ids: Vec<i64> = Vec::new();
    for _ in 0..=3 * REPLIES {
        ids.extend(client.receive().await["id"].as_i64());
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..3 * REPLIES as i64).collect::<Vec<_>>());
}
