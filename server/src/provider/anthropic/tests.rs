//! Whole exchanges with a little HTTP server that plays prepared replies: streams in any cut, refusals, cuts, silence.

use std::sync::Mutex;
use std::time::Duration;

use expect_test::{Expect, expect};
use secrecy::SecretString;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::agent::history::{AssistantPart, Content, Item, Prompt, UserItem};

pub(super) const KEY: &str = "sk-ant-secret";

/// What the server does with one request.
pub(super) enum Reply {
    /// A status line's rest (`429 Too Many Requests`), further headers, a body.
    Refuse(&'static str, &'static str, String),
    /// Status 200 with a body of that type.
    Whole(&'static str, String),
    /// A stream, written in pieces of these sizes in turn, ended properly.
    Stream(String, Vec<usize>),
    /// A stream that breaks off.
    Cut(String),
    /// A stream that falls silent.
    Hang(String),
    /// No answer's head at all.
    Mute,
}

/// Plays one reply a connection, in order, and keeps the requests.
pub(super) struct Server {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            let mut open = Vec::new();
            for reply in replies {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let request = read_request(&mut stream).await;
                seen.lock().expect("a lock").push(request);
                play(&mut stream, &reply).await;
                if matches!(reply, Reply::Hang(_) | Reply::Mute) {
                    open.push(stream);
                }
            }
            // Until the test ends, so that a silent connection stays open.
            std::future::pending::<()>().await;
        });
        Self { url, requests, task }
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("a lock").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().expect("a number") {
                return text;
            }
        }
        let count = stream.read(&mut buffer).await.expect("a request");
        assert_ne!(count, 0, "the request was cut: {text}");
        read.extend_from_slice(&buffer[..count]);
    }
}

async fn play(stream: &mut TcpStream, reply: &Reply) {
    const HEAD: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let (events, sizes, end) = match reply {
        Reply::Refuse(status, headers, body) => {
            let length = body.len();
            let text =
                format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).await.expect("written");
            return;
        }
        Reply::Whole(kind, body) => {
            let length = body.len();
            let text = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(text.as_bytes()).await.expect("written");
            return;
        }
        Reply::Mute => return,
        Reply::Stream(events, sizes) => (events, sizes.clone(), "0\r\n\r\n"),
        Reply::Cut(events) | Reply::Hang(events) => (events, vec![usize::MAX], ""),
    };
    stream.write_all(HEAD.as_bytes()).await.expect("written");
    let mut rest = events.as_bytes();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, later) = rest.split_at((*size).min(rest.len()));
        rest = later;
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        if stream.write_all(&chunk).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    let _ = stream.write_all(end.as_bytes()).await;
}

fn stream_of(events: &[serde_json::Value]) -> String {
    events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or("x"))).collect()
}

fn start() -> Vec<serde_json::Value> {
    vec![
        json!({"type": "message_start", "message": {"model": "claude-real", "usage": {"input_tokens": 3, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Héllo 😀"}}),
    ]
}

fn end() -> Vec<serde_json::Value> {
    vec![
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ]
}

pub(super) fn whole() -> Reply {
    Reply::Stream(stream_of(&[start(), end()].concat()), vec![usize::MAX])
}

pub(super) fn request() -> ModelRequest {
    let content = vec![Content::Text { text: "hello".into() }];
    let item = UserItem { prompts: vec![Prompt { id: "p".into(), content }], ..UserItem::default() };
    ModelRequest {
        model: "claude-asked".into(),
        system: "system".into(),
        tools: Vec::new().into(),
        history: vec![Arc::new(Item::User(item))].into(),
        max_tokens: 100,
    }
}

pub(super) fn provider(url: &str, options: &Options) -> Anthropic {
    let key = ApiKey { secret: SecretString::from(KEY), source: "the environment variable ANTHROPIC_API_KEY".into() };
    let limits = Limits {
        connect: Duration::from_secs(5),
        head: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        ..Limits::default()
    };
    let backoff = Backoff { base: Duration::from_millis(1), longest: Duration::from_millis(2) };
    Anthropic::with(key, url, "the environment variable ANTHROPIC_BASE_URL", options, limits, backoff)
}

/// Asks once, and writes the events down, waits left out.
async fn ask(url: &str) -> (Vec<String>, Result<Answer, ProviderError>) {
    ask_of(&provider(url, &Options::default()), request()).await
}

pub(super) async fn ask_of(
    provider: &Anthropic,
    request: ModelRequest,
) -> (Vec<String>, Result<Answer, ProviderError>) {
    let (sender, mut receiver) = mpsc::channel(4);
    let asking = tokio::spawn(provider.stream(request, sender));
    let mut events = Vec::new();
    while let Some(event) = receiver.recv().await {
        events.push(match event {
            StreamEvent::Retrying { reason, attempt, .. } => format!("Retrying {attempt}: {reason}"),
            other => format!("{other:?}"),
        });
    }
    (events, asking.await.expect("no panic"))
}

#[tokio::test]
async fn the_request_on_the_wire() {
    let server = Server::start(vec![whole()]).await;
    ask(&format!("{}/", server.url)).await.1.expect("an answer");
    let request = &server.requests()[0];
    let lower = request.to_lowercase();
    assert!(request.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{request}");
    for header in ["x-api-key: sk-ant-secret", "anthropic-version: 2023-06-01", "content-type: application/json"] {
        assert_eq!(lower.matches(&format!("\r\n{header}\r\n")).count(), 1, "{header} in {request}");
    }
    let (_, body) = request.split_once("\r\n\r\n").expect("a body");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!((&body["stream"], &body["model"]), (&json!(true), &json!("claude-asked")));
}

#[tokio::test]
async fn a_stream_in_any_cut() {
    let events = stream_of(&[start(), end()].concat());
    // Sizes by a simple generator: different, and the same every time.
    let mut seed: u64 = 7;
    for round in 0..12 {
        let sizes: Vec<usize> = (0..9)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                1 + (seed >> 33) as usize % (1 << (round % 7))
            })
            .collect();
        let server = Server::start(vec![Reply::Stream(events.clone(), sizes.clone())]).await;
        let (events, answer) = ask(&server.url).await;
        assert_eq!(events, ["ContentStarted", "Text(\"Héllo 😀\")"], "{sizes:?}");
        let answer = answer.expect("an answer");
        assert_eq!(answer.item.parts, [AssistantPart::Text { text: "Héllo 😀".into() }]);
        assert_eq!(answer.item.model, "claude-real");
        assert_eq!((answer.usage.input, answer.usage.output), (3, 9));
    }
}

#[tokio::test]
async fn a_lost_last_event_is_no_cut() {
    let mut events = [start(), end()].concat();
    events.pop();
    let server = Server::start(vec![Reply::Cut(stream_of(&events))]).await;
    ask(&server.url).await.1.expect("an answer");
}

/// Replies, then what people see and how it ends. `{url}` stands for the server's host.
pub(super) async fn check(replies: Vec<Reply>, expected: Expect) {
    let count = replies.len();
    let server = Server::start(replies).await;
    let (events, answer) = ask(&server.url).await;
    assert_eq!(server.requests().len(), count, "every reply was asked for: {events:?}");
    let first = &server.requests()[0];
    assert!(server.requests().iter().all(|request| request == first), "every try sends the same bytes");
    let last = match answer {
        Ok(answer) => format!("answered: {}", answer.item.parts.len()),
        Err(error) => {
            let debug = format!("{error:?}");
            format!("{}: {error}", debug.split('(').next().unwrap_or_default())
        }
    };
    let text = [events, vec![last]].concat().join("\n").replace(server.url.trim_start_matches("http://"), "{url}");
    assert!(!text.contains(KEY), "{text}");
    expected.assert_eq(&text);
}

pub(super) fn refused(status: &'static str, kind: &str, message: &str) -> Reply {
    let body = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
    Reply::Refuse(status, "", body.to_string())
}

fn busy(headers: &'static str) -> Reply {
    let body = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down."}});
    Reply::Refuse("429 Too Many Requests", headers, body.to_string())
}

#[tokio::test]
async fn refusals_that_stay() {
    check(vec![refused("401 Unauthorized", "authentication_error", &format!("invalid x-api-key {KEY}"))], expect!["Auth: Anthropic refused the API key from the environment variable ANTHROPIC_API_KEY: invalid x-api-key …. Set a valid key there and start Pillion anew; keys are made at https://platform.claude.com/settings/keys."]).await;
    check(vec![refused("403 Forbidden", "permission_error", "not yours")], expect!["Auth: Anthropic does not allow this to the API key from the environment variable ANTHROPIC_API_KEY: not yours. Use a key that may use the model claude-asked, or another model (`model.name`)."]).await;
    check(vec![refused("400 Bad Request", "invalid_request_error", "Your credit balance is too low")], expect!["Auth: The account of the API key from the environment variable ANTHROPIC_API_KEY cannot pay for this: Your credit balance is too low. See https://platform.claude.com/settings/billing, or use another key."]).await;
    check(vec![refused("404 Not Found", "not_found_error", "model: claude-asked")], expect![[r#"UnknownModel: Anthropic does not know the model "claude-asked" for this key (model: claude-asked). Name another one in `model.name` or PILLION_MODEL, or leave it out for claude-sonnet-5."#]]).await;
    check(vec![Reply::Refuse("404 Not Found", "", "<html>nothing here</html>".into())], expect!["Unreachable: {url} does not speak Anthropic's Messages API (status 404). The address was set by the environment variable ANTHROPIC_BASE_URL; check it there (it is written without /v1)."]).await;
    check(
        vec![refused("400 Bad Request", "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")],
        expect!["ContextTooLong: The conversation is too long for claude-asked: prompt is too long: 210000 tokens > 200000 maximum. Start a new session, or choose a model with a larger window (`model.name`)."],
    )
    .await;
    check(
        vec![refused("400 Bad Request", "invalid_request_error", "messages.3: blank text")],
        expect!["BadRequest: Anthropic refused the request (status 400): messages.3: blank text."],
    )
    .await;
    check(
        vec![refused("413 Payload Too Large", "request_too_large", "Request exceeds the maximum size")],
        expect!["BadRequest: Anthropic does not take a request as large as this one: Request exceeds the maximum size. Start a new session, or send smaller images."],
    )
    .await;
    check(vec![Reply::Refuse("302 Found", "location: https://elsewhere/\r\n", String::new())], expect!["Unreachable: {url} sends requests elsewhere (status 302), and a key is not sent along. The address was set by the environment variable ANTHROPIC_BASE_URL; set the one that answers itself."]).await;
}

#[tokio::test]
async fn refusals_that_pass() {
    check(
        vec![busy("retry-after: 0\r\n"), whole()],
        expect![[r#"
            Retrying 2: the rate limit of Anthropic is used up
            ContentStarted
            Text("Héllo 😀")
            answered: 1"#]],
    )
    .await;
    check(
        vec![refused("529 Overloaded", "overloaded_error", "Overloaded"), whole()],
        expect![[r#"
        Retrying 2: Anthropic is overloaded
        ContentStarted
        Text("Héllo 😀")
        answered: 1"#]],
    )
    .await;
    check(
        vec![Reply::Refuse("502 Bad Gateway", "", "<html>".into()), whole()],
        expect![[r#"
        Retrying 2: Anthropic failed with status 502
        ContentStarted
        Text("Héllo 😀")
        answered: 1"#]],
    )
    .await;
    check((0..7).map(|_| busy("")).collect(), expect![[r#"
        Retrying 2: the rate limit of Anthropic is used up
        Retrying 3: the rate limit of Anthropic is used up
        Retrying 4: the rate limit of Anthropic is used up
        Retrying 5: the rate limit of Anthropic is used up
        Retrying 6: the rate limit of Anthropic is used up
        Retrying 7: the rate limit of Anthropic is used up
        RateLimited: The rate limit of Anthropic for the API key from the environment variable ANTHROPIC_API_KEY is used up: Slow down. Wait a little and send again; the limits are at https://platform.claude.com/settings/limits."#]]).await;
}

#[tokio::test]
async fn the_service_says_whether_to_try_again() {
    check(vec![busy("x-should-retry: false\r\n")], expect!["RateLimited: The rate limit of Anthropic for the API key from the environment variable ANTHROPIC_API_KEY is used up: Slow down. Wait a little and send again; the limits are at https://platform.claude.com/settings/limits."]).await;
    check(vec![busy("retry-after: 3600\r\n")], expect!["RateLimited: The rate limit of Anthropic for the API key from the environment variable ANTHROPIC_API_KEY is used up: Slow down. Wait a little and send again; the limits are at https://platform.claude.com/settings/limits. It asks to wait 3600 s."]).await;
}

#[tokio::test]
async fn streams_that_break() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let overloaded = [start(), vec![error]].concat();
    check(
        vec![Reply::Cut(stream_of(&start())), whole()],
        expect![[r#"
        ContentStarted
        Text("Héllo 😀")
        Restarted { reason: "no answer from {url}: the connection was cut (unexpected EOF during chunk size line)" }
        Retrying 2: no answer from {url}: the connection was cut (unexpected EOF during chunk size line)
        Text("Héllo 😀")
        answered: 1"#]],
    )
    .await;
    check(
        vec![Reply::Stream(stream_of(&overloaded), vec![10]), whole()],
        expect![[r#"
        ContentStarted
        Text("Héllo 😀")
        Restarted { reason: "Anthropic is overloaded" }
        Retrying 2: Anthropic is overloaded
        Text("Héllo 😀")
        answered: 1"#]],
    )
    .await;
    check(
        vec![Reply::Hang(stream_of(&start())), whole()],
        expect![[r#"
        ContentStarted
        Text("Héllo 😀")
        Restarted { reason: "no answer from {url}: nothing came for 0.3 s" }
        Retrying 2: no answer from {url}: nothing came for 0.3 s
        Text("Héllo 😀")
        answered: 1"#]],
    )
    .await;
    check(
        vec![Reply::Mute, whole()],
        expect![[r#"
        Retrying 2: no answer from {url}: nothing came for 0.3 s
        ContentStarted
        Text("Héllo 😀")
        answered: 1"#]],
    )
    .await;
    check(vec![Reply::Stream("data: <html>\n\n".into(), vec![5]), Reply::Stream("data: x\n\n".into(), vec![5])], expect![[r#"
        Retrying 2: the answer could not be read
        Service: {url} sent what is not an answer of Anthropic's Messages API: the event "message" cannot be read: expected value at line 1 column 1. If this stays so, check the address, which was set by the environment variable ANTHROPIC_BASE_URL."#]])
        .await;
}

#[tokio::test]
async fn nobody_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let (events, answer) = ask(&format!("http://{host}")).await;
    let error = answer.expect_err("nobody answers");
    assert!(matches!(error, ProviderError::Unreachable(_)), "{error:?}");
    let text = format!("{}\n{error}", events.join("\n")).replace(&host, "{url}");
    expect![[r#"
        Retrying 2: no answer from {url}: Connection refused (os error 111)
        Retrying 3: no answer from {url}: Connection refused (os error 111)
        No answer from {url}: Connection refused (os error 111). The address was set by the environment variable ANTHROPIC_BASE_URL. Check it, the network, and the proxy (HTTPS_PROXY, NO_PROXY)."#]].assert_eq(&text);

    let (events, answer) = ask("api.anthropic.com").await;
    assert_eq!(events, Vec::<String>::new());
    expect![[r#"The address of the Anthropic API cannot be used: "api.anthropic.com/v1/messages" is no address: relative URL without a base. It was set by the environment variable ANTHROPIC_BASE_URL; correct it there."#]].assert_eq(&answer.expect_err("no address").to_string());
}

#[tokio::test]
async fn somebody_else_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let plain = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.write_all(b"HTTP/1.1 400 this port speaks no TLS\r\n\r\n").await.expect("written");
        stream
    });
    let (events, answer) = ask(&format!("https://{host}")).await;
    plain.abort();
    assert_eq!(events, Vec::<String>::new(), "not tried again");
    expect!["No trusted connection to {url}: received corrupt message of type InvalidContentType. Check the address (set by the environment variable ANTHROPIC_BASE_URL), this machine's clock and its certificates (the package ca-certificates; a proxy that opens TLS needs its own there)."].assert_eq(&answer.expect_err("no TLS").to_string().replace(&host, "{url}"));
}

#[tokio::test]
async fn an_empty_message_is_not_sent() {
    let provider = Anthropic::new(
        ApiKey { secret: SecretString::from(KEY), source: "x".into() },
        "http://127.0.0.1:1",
        "the default",
        &Options::default(),
        Limits::default(),
    );
    let (sender, _receiver) = mpsc::channel(1);
    let error =
        provider.stream(ModelRequest { history: Vec::new().into(), ..request() }, sender).await.expect_err("empty");
    assert!(matches!(error, ProviderError::BadRequest(_)), "{error:?}");
}
