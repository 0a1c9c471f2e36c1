//! A client over the real binary: frames on its stdin and stdout, one ordered log of all that passed, and waits for
//! events. Synchronous on purpose: a test reads from top to bottom, and a failed wait prints the whole conversation.

use std::collections::VecDeque;
use std::env;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::editor::{Document, Editor, Reply, did_change, edited, option_of};
use crate::process::Process;
use crate::rules::Rules;
use crate::sandbox::Sandbox;
use crate::{DEADLINE, Model, wire};

/// How a client is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Declares `experimental.pillion`.
    pillion: bool,
    env: Vec<(String, String)>,
    settings: Value,
    process_id: u32,
    deadline: Duration,
}

impl Options {
    /// A client that renders the panel itself.
    pub fn pillion() -> Self {
        Self { pillion: true, env: Vec::new(), settings: json!({}), process_id: std::process::id(), deadline: DEADLINE }
    }

    /// Any LSP client, with the capabilities that most have.
    pub fn plain() -> Self {
        Self { pillion: false, ..Self::pillion() }
    }

    /// Sets a variable of the sidecar's environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// `initializationOptions`: the settings under their names in the config file.
    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// Which process claims to be the editor.
    pub fn process_id(mut self, pid: u32) -> Self {
        self.process_id = pid;
        self
    }

    /// For tools that compile.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Answers come from this server.
    pub fn model(self, model: &Model) -> Self {
        self.env("PILLION_PROVIDER", "anthropic")
            .env("PILLION_MODEL", crate::model::MODEL)
            .env("ANTHROPIC_API_KEY", crate::model::KEY)
            .env("ANTHROPIC_BASE_URL", &model.url())
    }
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Sent,
    Received,
}

/// One message, in the order in which it passed.
#[derive(Clone, Debug)]
pub struct Message {
    /// Since the client's start.
    pub at: Duration,
    pub way: Way,
    pub body: Value,
}

impl Message {
    /// The method of a notification or request.
    pub fn method(&self) -> Option<&str> {
        self.body["method"].as_str()
    }
}

/// A JSON-RPC error.
#[derive(Clone, Debug)]
pub struct RpcError {
    pub code: i64,
    pub message: String,
    pub data: Value,
}

/// A request of the server that waits for the test's answer.
#[derive(Clone, Debug)]
pub struct Question {
    id: Value,
    pub method: String,
    pub params: Value,
    /// Where it stands in the log.
    pub index: usize,
}

/// How the sidecar ended.
#[derive(Clone, Copy, Debug)]
pub struct Exit {
    /// `None` after a signal.
    pub code: Option<i32>,
    pub at: Instant,
}

enum Op {
    Write(Vec<u8>),
    /// Tells when the server has taken everything written so far.
    Drain(mpsc::Sender<()>),
    Close,
}

struct State {
    began: Instant,
    log: Vec<Message>,
    stderr: String,
    /// The server's stdout has ended.
    closed: bool,
    exit: Option<Exit>,
    editor: Editor,
    rules: Rules,
    questions: VecDeque<Question>,
    broken: Vec<String>,
    /// The conversation has been printed.
    shown: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
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
    pub fn start(sandbox: &Sandbox, options: Options) -> Self {
        let mut client = Self::spawn(sandbox, &options);
        client.server = client.call("initialize", initialize_params(sandbox, &options));
        client.notify("initialized", json!({}));
        client
    }

    /// Starts the sidecar and says nothing yet.
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
    pub fn call(&self, method: &str, params: Value) -> Value {
        match self.response(self.send(method, params)) {
            Ok(result) => result,
            Err(error) => self.fail(&format!("{method} was refused: {error:?}")),
        }
    }

    /// A request that must be refused.
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
    pub fn wait_notification(&self, method: &str, from: usize, wanted: impl Fn(&Value) -> bool) -> (usize, Value) {
        self.wait_for(method, from, |message| {
            let params = &message.body["params"];
            (message.method() == Some(method) && wanted(params)).then(|| params.clone())
        })
    }

    /// The next request of the server that the test has to answer.
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

    /// Answers a permission question with its option of that kind, for instance `allow_once`.
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
    pub fn open(&self, path: &Path) {
        let text = std::fs::read_to_string(path).expect("the file to open");
        let uri = uri(path);
        let document = Document { path: path.into(), version: 1, text: text.clone(), dirty: false };
        self.shared.change(|state| state.editor.documents.insert(uri.clone(), document));
        let item = json!({"uri": uri, "languageId": "plaintext", "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": item}));
    }

    /// The person types: the document holds this text, unsaved.
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
    pub fn document(&self, path: &Path) -> Document {
        self.shared.lock().editor.documents.get(&uri(path)).expect("an open document").clone()
    }

    /// Waits for the sidecar's end.
    pub fn wait_exit(&self) -> Exit {
        self.wait_state("the sidecar's end", |state| state.exit)
    }

    /// `shutdown`, `exit`, and the end: as an editor closes.
    pub fn shutdown(self) {
        assert_eq!(self.call("shutdown", Value::Null), Value::Null, "the answer to shutdown");
        self.notify("exit", Value::Null);
        assert_eq!(self.wait_exit().code, Some(0), "the exit code after shutdown");
    }

    /// Fails the test with the whole conversation.
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

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|error| error.into_inner())
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    fn record(&self, way: Way, body: Value) {
        self.change(|state| state.push(way, body));
    }

    fn read(&self, mut stdout: impl BufRead, out: &mpsc::Sender<Op>) {
        loop {
            let body = match wire::read_frame(&mut stdout) {
                Ok(Some(body)) => body,
                Ok(None) => break,
                Err(error) => {
                    self.change(|state| state.broken.push(format!("stdout carries what is no frame: {error}")));
                    break;
                }
            };
            match serde_json::from_slice::<Value>(&body) {
                Ok(message) => self.change(|state| {
                    for reply in state.receive(message) {
                        let bytes = wire::frame(reply.to_string().as_bytes());
                        state.push(Way::Sent, reply);
                        let _ = out.send(Op::Write(bytes));
                    }
                }),
                Err(error) => {
                    let text = String::from_utf8_lossy(&body).into_owned();
                    self.change(|state| state.broken.push(format!("a body that is no JSON: {error}: {text}")));
                }
            }
        }
        self.change(|state| state.closed = true);
    }

    fn read_stderr(&self, mut stderr: impl Read) {
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = stderr.read(&mut chunk) {
            let text = String::from_utf8_lossy(&chunk[..read]).into_owned();
            self.change(|state| state.stderr.push_str(&text));
        }
    }
}

impl State {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            log: Vec::new(),
            stderr: String::new(),
            closed: false,
            exit: None,
            editor: Editor::default(),
            rules: Rules::default(),
            questions: VecDeque::new(),
            broken: Vec::new(),
            shown: false,
        }
    }

    fn push(&mut self, way: Way, body: Value) {
        let at = self.began.elapsed();
        self.log.push(Message { at, way, body });
    }

    /// Takes a message in and returns what the editor writes back at once.
    fn receive(&mut self, message: Value) -> Vec<Value> {
        let index = self.log.len();
        self.push(Way::Received, message.clone());
        if message["jsonrpc"] != "2.0" {
            self.broken.push(format!("a message that is no JSON-RPC 2.0: {message}"));
        }
        let (id, params) = (&message["id"], &message["params"]);
        let Some(method) = message["method"].as_str() else { return Vec::new() };
        self.broken.extend(self.rules.observe(method, params));
        if method == "$/cancelRequest" {
            let at = self.questions.iter().position(|question| question.id == params["id"]);
            let withdrawn = at.and_then(|at| self.questions.remove(at));
            let error = json!({"code": -32800, "message": "cancelled"});
            return withdrawn.map(|question| response(&question.id, Err(error))).into_iter().collect();
        }
        if id.is_null() {
            return Vec::new();
        }
        match self.editor.answer(method, params) {
            Reply::Now { before, result } => {
                let notification =
                    |(method, params): (&str, Value)| json!({"jsonrpc": "2.0", "method": method, "params": params});
                before.into_iter().map(notification).chain([response(id, result)]).collect()
            }
            Reply::Queue => {
                let question = Question { id: id.clone(), method: method.into(), params: params.clone(), index };
                self.questions.push_back(question);
                Vec::new()
            }
            Reply::Unknown => {
                self.broken.push(format!("a request that no editor knows: {method}"));
                vec![response(id, Err(json!({"code": -32601, "message": "unknown method"})))]
            }
        }
    }

    fn transcript(&self) -> String {
        const MOST: usize = 3000;
        let mut text = String::from("--- the conversation (> to the server, < from it)\n");
        for (index, message) in self.log.iter().enumerate() {
            let way = if message.way == Way::Sent { '>' } else { '<' };
            let mut body = message.body.to_string();
            if body.len() > MOST {
                let length = body.len();
                body.truncate(body.floor_char_boundary(MOST));
                let _ = write!(body, "… ({length} bytes)");
            }
            let _ = writeln!(text, "{index:4} {:8.3} {way} {body}", message.at.as_secs_f64());
        }
        let _ = write!(text, "--- exit: {:?}\n--- stderr\n{}", self.exit.map(|exit| exit.code), self.stderr);
        text
    }
}

fn response(id: &Value, result: Result<Value, Value>) -> Value {
    match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => json!({"jsonrpc": "2.0", "id": id, "error": error}),
    }
}

fn write_all(stdin: ChildStdin, operations: &mpsc::Receiver<Op>) {
    let mut stdin = Some(stdin);
    for operation in operations {
        match (operation, &mut stdin) {
            // A server that has ended is noticed by whoever waits for it.
            (Op::Write(bytes), Some(stdin)) => drop(stdin.write_all(&bytes)),
            (Op::Drain(done), Some(stdin)) => {
                let end = Instant::now() + DEADLINE;
                let unread = || rustix::io::ioctl_fionread(&*stdin).is_ok_and(|left| left > 0);
                // No event tells that a pipe is empty: look until it is.
                while unread() && Instant::now() < end {
                    thread::yield_now();
                }
                if !unread() {
                    let _ = done.send(());
                }
            }
            (Op::Close, _) => stdin = None,
            (_, None) => {}
        }
    }
}

/// The binary under test.
fn binary() -> PathBuf {
    let path = env::var_os("PILLION_BIN").map_or_else(
        || {
            let test = env::current_exe().expect("the test's own path");
            test.ancestors().nth(2).expect("the folder of the build").join("pillion")
        },
        PathBuf::from,
    );
    assert!(
        path.is_file(),
        "there is no binary at {}: run `cargo build -p pillion`, or set PILLION_BIN",
        path.display()
    );
    path
}

/// The `file:` URI of a path without letters that need escapes, as all paths of these tests are.
pub fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// What `initialize` is asked with.
pub fn initialize_params(sandbox: &Sandbox, options: &Options) -> Value {
    let uri = uri(&sandbox.workspace());
    let mut capabilities = json!({
        "workspace": {
            "applyEdit": true,
            "workspaceEdit": {"documentChanges": true},
            "didChangeConfiguration": {"dynamicRegistration": false},
            "executeCommand": {"dynamicRegistration": false},
            "workspaceFolders": true
        },
        "textDocument": {
            "synchronization": {"didSave": true},
            "publishDiagnostics": {"relatedInformation": true, "versionSupport": true, "dataSupport": true},
            "codeAction": {"dataSupport": true}
        },
        "window": {
            "workDoneProgress": true,
            "showMessage": {"messageActionItem": {"additionalPropertiesSupport": false}},
            "showDocument": {"support": true}
        },
        "general": {"positionEncodings": ["utf-16"]}
    });
    if options.pillion {
        capabilities["experimental"]["pillion"] = json!({
            "version": 1,
            "sessionUpdates": true,
            "requestPermission": true,
            "documentSave": true,
            "clientToken": "the window of this test"
        });
    }
    json!({
        "processId": options.process_id,
        "clientInfo": {"name": "pillion-tests", "version": "1"},
        "rootUri": uri,
        "workspaceFolders": [{"uri": uri, "name": "w"}],
        "capabilities": capabilities,
        "initializationOptions": options.settings
    })
}
