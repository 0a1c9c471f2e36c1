//! A client over the real binary: frames on its stdin and stdout, one ordered log of all that passed, and waits for
//! events. Synchronous on purpose: a test reads from top to bottom, and a failed wait prints the whole conversation.

use std::io::BufReader;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connection::{Exit, Message, Op, Question, Shared, State, Way, write_all};
use crate::editor::{Document, did_change, edited, option_of};
use crate::options::{Options, binary, initialize_params, uri};
use crate::process::Process;
use crate::sandbox::Sandbox;
use crate::{DEADLINE, wire};

/// A JSON-RPC error.
#[derive(Clone, Debug)]
pub struct RpcError {
    pub code: i64,
    pub message: String,
    pub data: Value,
}

/// A running sidecar and the editor at its other end.
pub struct Client {
    shared: Arc<Shared>,
    out: mpsc::Sender<Op>,
    next_id: AtomicU64,
    process: Process,
    deadline: Duration,
    /// The reply to `initialize`; null before.
    pub server: Value,
}

impl Client {
    /// Starts the sidecar in the sandbox and shakes hands.
    #[track_caller]
    pub fn start(sandbox: &Sandbox, options: Options) -> Self {
        let mut client = Self::spawn(sandbox, &options);
        client.server = client.call("initialize", initialize_params(sandbox, &options));
        client.notify("initialized", json!({}));
        client
    }

    /// Starts the sidecar and says nothing yet.
    #[track_caller]
    pub fn spawn(sandbox: &Sandbox, options: &Options) -> Self {
        let mut child = Command::new(binary())
            .current_dir(sandbox.workspace())
            .env_clear()
            .envs(sandbox.environment())
            .envs(options.env.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("the sidecar starts");
        let process = Process::open(child.id()).expect("the sidecar's process");
        let (out, operations) = mpsc::channel();
        let shared = Arc::new(Shared { state: Mutex::new(State::new()), changed: Condvar::new() });
        let stdin = child.stdin.take().expect("its stdin");
        let stdout = child.stdout.take().expect("its stdout");
        let stderr = child.stderr.take().expect("its stderr");
        thread::spawn(move || write_all(stdin, &operations));
        thread::spawn({
            let (shared, out) = (shared.clone(), out.clone());
            move || shared.read(BufReader::new(stdout), &out)
        });
        thread::spawn({
            let shared = shared.clone();
            move || shared.read_stderr(stderr)
        });
        thread::spawn({
            let shared = shared.clone();
            move || {
                let status = child.wait().expect("the sidecar's end");
                shared.change(|state| state.exit = Some(Exit { code: status.code(), at: Instant::now() }));
            }
        });
        Self { shared, out, next_id: AtomicU64::new(1), process, deadline: options.deadline, server: Value::Null }
    }

    /// The sidecar's own process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Writes bytes as they are.
    pub fn write_raw(&self, bytes: &[u8]) {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        self.shared.record(Way::Sent, Value::String(shown));
        let _ = self.out.send(Op::Write(bytes.to_vec()));
    }

    /// Waits until the server has read all that was written.
    #[track_caller]
    pub fn drain(&self) {
        let (done, wait) = mpsc::channel();
        let _ = self.out.send(Op::Drain(done));
        if wait.recv_timeout(self.deadline).is_err() {
            self.fail("the server does not read its stdin");
        }
    }

    /// Closes the server's stdin.
    pub fn close_stdin(&self) {
        let _ = self.out.send(Op::Close);
    }

    fn write(&self, message: Value) {
        let bytes = wire::frame(message.to_string().as_bytes());
        self.shared.record(Way::Sent, message);
        let _ = self.out.send(Op::Write(bytes));
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: Value) {
        let mut message = json!({"jsonrpc": "2.0", "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        self.write(message);
    }

    /// Sends a request and returns its id: the answer may come later.
    pub fn send(&self, method: &str, params: Value) -> u64 {
        let id = self.take_id();
        let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        self.write(message);
        id
    }

    /// An id that no request had yet.
    pub fn take_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits for the answer to a request.
    #[track_caller]
    pub fn response(&self, id: u64) -> Result<Value, RpcError> {
        let (_, body) = self.wait_for(&format!("the answer to request {id}"), 0, |message| {
            (message.method().is_none() && message.body["id"] == id).then(|| message.body.clone())
        });
        match body.get("error") {
            Some(error) => Err(RpcError {
                code: error["code"].as_i64().unwrap_or_default(),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
                data: error["data"].clone(),
            }),
            None => Ok(body["result"].clone()),
        }
    }

    /// A request that must succeed.
    #[track_caller]
    pub fn call(&self, method: &str, params: Value) -> Value {
        match self.response(self.send(method, params)) {
            Ok(result) => result,
            Err(error) => self.fail(&format!("{method} was refused: {error:?}")),
        }
    }

    /// A request that must be refused.
    #[track_caller]
    pub fn refused(&self, method: &str, params: Value) -> RpcError {
        match self.response(self.send(method, params)) {
            Ok(result) => self.fail(&format!("{method} was not refused: {result}")),
            Err(error) => error,
        }
    }

    /// The end of the log: where the next message will stand.
    pub fn mark(&self) -> usize {
        self.shared.lock().log.len()
    }

    /// Every message so far.
    pub fn log(&self) -> Vec<Message> {
        self.shared.lock().log.clone()
    }

    /// Waits for the first received message from index `from` on for which `pick` gives a value; returns its index too.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, from: usize, pick: impl Fn(&Message) -> Option<T>) -> (usize, T) {
        let mut at = from;
        self.wait_state(what, |state| {
            while let Some(message) = state.log.get(at) {
                if let Some(found) = (message.way == Way::Received).then(|| pick(message)).flatten() {
                    return Some((at, found));
                }
                at += 1;
            }
            None
        })
    }

    #[track_caller]
    fn wait_state<T>(&self, what: &str, mut ready: impl FnMut(&mut State) -> Option<T>) -> T {
        let end = Instant::now() + self.deadline;
        let mut state = self.shared.lock();
        loop {
            if let Some(found) = ready(&mut state) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            if state.closed && state.exit.is_some() || left.is_zero() {
                let why = if left.is_zero() { "nothing came in time" } else { "the server ended" };
                drop(state);
                self.fail(&format!("{why}, waiting for: {what}"));
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(|error| error.into_inner()).0;
        }
    }

    /// Waits for a notification of that method whose params `wanted` accepts.
    #[track_caller]
    pub fn wait_notification(&self, method: &str, from: usize, wanted: impl Fn(&Value) -> bool) -> (usize, Value) {
        self.wait_for(method, from, |message| {
            let params = &message.body["params"];
            (message.method() == Some(method) && wanted(params)).then(|| params.clone())
        })
    }

    /// The next request of the server that the test has to answer.
    #[track_caller]
    pub fn question(&self, method: &str) -> Question {
        self.wait_state(&format!("a request {method}"), |state| {
            let at = state.questions.iter().position(|question| question.method == method)?;
            state.questions.remove(at)
        })
    }

    /// Answers a request of the server.
    pub fn answer(&self, question: &Question, result: Value) {
        self.write(json!({"jsonrpc": "2.0", "id": question.id, "result": result}));
    }

    /// Answers a request of the server with an error.
    pub fn answer_error(&self, question: &Question, error: Value) {
        self.write(json!({"jsonrpc": "2.0", "id": question.id, "error": error}));
    }

    /// Answers a permission question with its option of that kind, for instance `allow_once`.
    #[track_caller]
    pub fn choose(&self, question: &Question, kind: &str) {
        let Some(option) = option_of(&question.params, kind) else {
            self.fail(&format!("the question has no option of kind {kind}: {}", question.params));
        };
        self.answer(question, json!({"outcome": {"outcome": "selected", "optionId": option}}));
    }

    /// Answers every permission question from now on with its option of that kind.
    pub fn always_choose(&self, kind: &str) {
        self.shared.change(|state| state.editor.permission = Some(kind.into()));
    }

    /// Answers `applied: false` to every edit from now on.
    pub fn refuse_edits(&self) {
        self.shared.change(|state| state.editor.refuse_edits = true);
    }

    /// Opens a file of the disk in the editor.
    #[track_caller]
    pub fn open(&self, path: &Path) {
        let text = std::fs::read_to_string(path).expect("the file to open");
        let uri = uri(path);
        let document = Document { path: path.into(), version: 1, text: text.clone(), dirty: false };
        self.shared.change(|state| state.editor.documents.insert(uri.clone(), document));
        let item = json!({"uri": uri, "languageId": "plaintext", "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": item}));
    }

    /// The person types: the document holds this text, unsaved.
    #[track_caller]
    pub fn type_text(&self, path: &Path, text: &str) {
        let uri = uri(path);
        let mut state = self.shared.lock();
        let document = state.editor.documents.get_mut(&uri).expect("an open document");
        document.text = text.into();
        document.version += 1;
        document.dirty = true;
        let params = did_change(&uri, document);
        drop(state);
        self.notify("textDocument/didChange", params);
    }

    /// The person edits: LSP text edits, told as ranges where the server takes them, else as the whole text.
    #[track_caller]
    pub fn edit(&self, path: &Path, start: (u32, u32), end: (u32, u32), new: &str) {
        let position = |(line, character): (u32, u32)| json!({"line": line, "character": character});
        let range = json!({"start": position(start), "end": position(end)});
        let uri = uri(path);
        let mut state = self.shared.lock();
        let document = state.editor.documents.get_mut(&uri).expect("an open document");
        let edits = json!([{"range": range, "newText": new}]);
        document.text = edited(&document.text, &edits).expect("an edit that fits");
        document.version += 1;
        document.dirty = true;
        let mut params = did_change(&uri, document);
        drop(state);
        let sync = &self.server["capabilities"]["textDocumentSync"];
        if *sync == 2 || sync["change"] == 2 {
            params["contentChanges"] = json!([{"range": range, "text": new}]);
        }
        self.notify("textDocument/didChange", params);
    }

    /// An open document as it stands.
    #[track_caller]
    pub fn document(&self, path: &Path) -> Document {
        self.shared.lock().editor.documents.get(&uri(path)).expect("an open document").clone()
    }

    /// Waits for the sidecar's end.
    #[track_caller]
    pub fn wait_exit(&self) -> Exit {
        self.wait_state("the sidecar's end", |state| state.exit)
    }

    /// `shutdown`, `exit`, and the end: as an editor closes.
    #[track_caller]
    pub fn shutdown(self) {
        assert_eq!(self.call("shutdown", Value::Null), Value::Null, "the answer to shutdown");
        self.notify("exit", Value::Null);
        assert_eq!(self.wait_exit().code, Some(0), "the exit code after shutdown");
    }

    /// Fails the test with the whole conversation.
    #[track_caller]
    pub fn fail(&self, why: &str) -> ! {
        let text = self.shared.change(|state| {
            state.shown = true;
            state.transcript()
        });
        panic!("{why}\n{text}")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The sidecar alone, as a crash: tests of what survives depend on it. The sandbox ends the rest.
        self.process.kill();
        self.process.wait_gone(DEADLINE);
        let mut state = self.shared.lock();
        let mut broken = std::mem::take(&mut state.broken);
        // What it was writing when it was killed here says nothing against it.
        let is_cut = |text: &str| text.contains("a body cut short") || text.contains("a header line without CR LF");
        broken.retain(|text| !is_cut(text));
        broken.extend(
            state
                .questions
                .iter()
                .map(|question| format!("a request that nobody looked at: {} {}", question.method, question.params)),
        );
        if thread::panicking() {
            if !state.shown {
                eprintln!("{}", state.transcript());
            }
            broken.iter().for_each(|text| eprintln!("also: {text}"));
        } else if !broken.is_empty() {
            let text = state.transcript();
            drop(state);
            panic!("the server broke the contract:\n{}\n{text}", broken.join("\n"));
        }
    }
}
