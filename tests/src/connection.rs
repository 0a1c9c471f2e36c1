//! The connection to a sidecar: the ordered log of all that passed, and the threads that read and write. What the
//! editor does with a request is [`editor`](crate::editor)'s matter.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead, Read, Write};
use std::process::ChildStdin;
use std::sync::{Condvar, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::editor::{Editor, Reply};
use crate::rules::Rules;
use crate::{DEADLINE, wire};

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

/// A request of the server that waits for the test's answer.
#[derive(Clone, Debug)]
pub struct Question {
    pub(crate) id: Value,
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

/// What the writing thread is asked for.
pub(crate) enum Op {
    Write(Vec<u8>),
    /// Tells when the server has taken everything written so far.
    Drain(mpsc::Sender<()>),
    Close,
}

/// All that is known of the sidecar, and the editor's own state.
pub(crate) struct State {
    pub(crate) began: Instant,
    pub(crate) log: Vec<Message>,
    pub(crate) stderr: String,
    /// The server's stdout has ended.
    pub(crate) closed: bool,
    pub(crate) exit: Option<Exit>,
    pub(crate) editor: Editor,
    pub(crate) rules: Rules,
    pub(crate) questions: VecDeque<Question>,
    pub(crate) broken: Vec<String>,
    /// The conversation has been printed.
    pub(crate) shown: bool,
}

/// The state, and the event that it changed.
pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
    pub(crate) changed: Condvar,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|error| error.into_inner())
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    pub(crate) fn record(&self, way: Way, body: Value) {
        self.change(|state| state.push(way, body));
    }

    pub(crate) fn read(&self, mut stdout: impl BufRead, out: &mpsc::Sender<Op>) {
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

    pub(crate) fn read_stderr(&self, mut stderr: impl Read) {
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = stderr.read(&mut chunk) {
            let text = String::from_utf8_lossy(&chunk[..read]).into_owned();
            self.change(|state| state.stderr.push_str(&text));
        }
    }
}

impl State {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn transcript(&self) -> String {
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

pub(crate) fn write_all(stdin: ChildStdin, operations: &mpsc::Receiver<Op>) {
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
