//! A scripted model server that speaks Anthropic's Messages API or OpenAI's Chat Completions ([`api`]) over plain HTTP and
//! is as strict as the real services: each request must be expected, and is checked against the rules of [`rules`] and
//! [`chat_rules`]. What is wrong fails the test.

mod answer;
pub mod api;
mod body;
mod chat;
pub mod chat_rules;
mod chat_stream;
mod http;
mod messages_stream;
mod request;
pub mod rules;

use std::collections::VecDeque;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

pub use answer::{Answer, Hold};
pub use api::Api;
pub use http::{Call, read_request};
pub use request::{OPENING, Request};

use crate::DEADLINE;
use rules::Conversations;

/// The key that clients of this server send.
pub const KEY: &str = "sk-ant-test-key";
/// The model that they ask.
pub const MODEL: &str = "claude-test";

type Step = Box<dyn FnOnce(&Request) -> Answer + Send>;
type Always = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

/// A running server with its script.
pub struct Model {
    api: Api,
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    script: VecDeque<(String, Step)>,
    /// Answers what the script does not expect.
    always: Option<Always>,
    requests: Vec<Request>,
    conversations: Conversations,
    broken: Vec<String>,
}

impl Default for Model {
    fn default() -> Self {
        Self::start()
    }
}

impl Model {
    /// Starts a server with an empty script: every request fails the test until a step expects it. It speaks the API of
    /// this test binary.
    pub fn start() -> Self {
        Self::speaking(Api::of_this_binary())
    }

    /// The same with an API that the test chooses.
    pub fn speaking(api: Api) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of this machine");
        let address = listener.local_addr().expect("the server's address");
        let shared = Arc::new(Shared::default());
        let accepting = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = accepting.clone();
                thread::spawn(move || shared.serve(api, &stream));
            }
        });
        Self { api, shared, address }
    }

    /// The API that it speaks.
    pub fn api(&self) -> Api {
        self.api
    }

    /// The base URL, without `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Expects one more request; `step` looks at it (a panic fails the test) and gives the answer.
    pub fn then(&self, what: &str, step: impl FnOnce(&Request) -> Answer + Send + 'static) -> &Self {
        self.shared.lock().script.push_back((what.to_owned(), Box::new(step)));
        self
    }

    /// Expects one more request, whatever it says.
    pub fn answer(&self, what: &str, answer: Answer) -> &Self {
        self.then(what, move |_| answer)
    }

    /// Answers every request that the script does not expect.
    pub fn always(&self, step: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> &Self {
        self.shared.lock().always = Some(Arc::new(step));
        self
    }

    /// How many conversations may reach this server; one unless said otherwise.
    pub fn allow_conversations(&self, most: usize) -> &Self {
        self.shared.lock().conversations.most = most;
        self
    }

    /// How often a conversation may change what it has sent before, by a compaction; never unless said otherwise.
    pub fn allow_compactions(&self, most: usize) -> &Self {
        self.shared.lock().conversations.compactions = most;
        self
    }

    /// Waits for the request with that number, 1 for the first.
    pub fn wait_request(&self, number: usize) -> Request {
        let end = Instant::now() + DEADLINE;
        let mut state = self.shared.lock();
        while state.requests.len() < number {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "request {number} did not come; there were {}", state.requests.len());
            state = self.shared.wait(state, left);
        }
        state.requests[number - 1].clone()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let state = self.shared.lock();
        let mut broken = state.broken.clone();
        broken.extend(state.script.iter().map(|(what, _)| format!("a request that never came: {what}")));
        if broken.is_empty() {
            return;
        }
        let mut text = format!("--- the model server\n{}\n", broken.join("\n"));
        for (index, request) in state.requests.iter().enumerate() {
            text.push_str(&format!("--- request {}\n{:#}\n", index + 1, request.body["messages"]));
        }
        drop(state);
        assert!(thread::panicking(), "{text}");
        eprintln!("{text}");
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|error| error.into_inner())
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, left: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, left).unwrap_or_else(|error| error.into_inner()).0
    }

    fn serve(&self, api: Api, stream: &TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut reader = std::io::BufReader::new(stream);
        loop {
            match http::read_request(&mut reader) {
                Ok(Some(call)) if call.method == "GET" => {
                    if !self.list(api, &call, stream) {
                        break;
                    }
                }
                Ok(Some(call)) => {
                    let (number, answer) = self.take(api, &call);
                    let model = self.lock().requests[number].body["model"].clone();
                    // Only an answer that went out whole must be in the next request. One that the test holds back may
                    // never do so; any other counts before its last byte, after which the next request may come.
                    if !answer.is_held() {
                        self.lock().conversations.answered(number, answer.blocks(api));
                    }
                    let sent = answer.send(api, stream, &model);
                    if answer.is_held() || !sent {
                        // What was written may have come too late: only who asks on has read it to its end.
                        let arrived = sent && stream.peek(&mut [0]).is_ok_and(|bytes| bytes > 0);
                        let answered = if arrived { answer.blocks(api) } else { None };
                        self.lock().conversations.answered(number, answered);
                    }
                    if !sent || answer.closes() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    self.lock().broken.push(format!("bad HTTP: {error}"));
                    break;
                }
            }
        }
    }

    /// Answers a question about the models, which no script has to expect; false when the client went away.
    fn list(&self, api: Api, call: &http::Call, mut stream: &TcpStream) -> bool {
        let mut broken = rules::check_key(api, call);
        // The query asks for a page.
        if call.path.split('?').next() != Some("/v1/models") {
            broken.push(format!("GET {}", call.path));
        }
        self.lock().broken.extend(broken);
        let entry = serde_json::json!({"id": MODEL, "type": "model", "object": "model", "display_name": "Test"});
        let body = serde_json::json!({"object": "list", "data": [entry], "has_more": false}).to_string();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).is_ok()
    }

    /// Matches a call to the script; returns the request's number (0 for the first) and the answer.
    fn take(&self, api: Api, call: &http::Call) -> (usize, Answer) {
        let mut state = self.lock();
        let mut broken = rules::check_call(api, call);
        let request = Request::new(api, serde_json::from_slice(&call.body).unwrap_or_default());
        broken.extend(rules::check_body_of(api, &request.body));
        let number = state.requests.len();
        broken.extend(state.conversations.check_of(api, number, &request.body));
        broken.extend(state.conversations.check_bytes(number, &call.body));
        state.requests.push(request.clone());
        let always = state
            .always
            .clone()
            .map(|step| ("any".to_owned(), Box::new(move |request: &Request| step(request)) as Step));
        let step = state.script.pop_front().or(always);
        let asked = number + 1;
        let answer = match step {
            None => {
                state.broken.push(format!("request {asked} is not expected"));
                Answer::status(400, "invalid_request_error", "the test does not expect this request")
            }
            Some((what, step)) => {
                state.broken.extend(broken.iter().map(|text| format!("request {asked} ({what}): {text}")));
                drop(state);
                let answer = catch_unwind(AssertUnwindSafe(|| step(&request))).unwrap_or_else(|panic| {
                    let text = panic
                        .downcast_ref::<String>()
                        .cloned()
                        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                        .unwrap_or_default();
                    self.lock().broken.push(format!("request {asked} ({what}): {text}"));
                    Answer::status(400, "invalid_request_error", &text)
                });
                state = self.lock();
                if broken.is_empty() {
                    answer
                } else {
                    // As the real service: a request that breaks its rules gets no answer.
                    Answer::status(400, "invalid_request_error", &broken.join("; "))
                }
            }
        };
        drop(state);
        self.changed.notify_all();
        (number, answer)
    }
}
