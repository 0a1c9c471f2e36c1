//! A client that measures: one thread, no checks, and the moment at which each message was read. What the tests' client
//! does for people (a log, rules, waits in other threads) would be measured as well.

use std::collections::VecDeque;
use std::io::{BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use pillion_tests::options::{Options, binary, initialize_params};
use pillion_tests::process::wait_readable;
use pillion_tests::{Sandbox, wire};
use serde_json::{Value, json};

/// Only a benchmark that is wrong waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running sidecar.
pub struct Sidecar {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    waiting: VecDeque<(Instant, Value)>,
    next: u64,
}

impl Sidecar {
    /// Starts it and shakes hands; also: how long that took from before the exec.
    pub fn start(sandbox: &Sandbox, settings: Value) -> (Self, Duration) {
        Self::start_with(sandbox, settings, &[("PILLION_PROVIDER", "offline")])
    }

    /// The same with these variables.
    pub fn start_with(sandbox: &Sandbox, settings: Value, env: &[(&str, &str)]) -> (Self, Duration) {
        let options = Options::pillion().settings(settings);
        let params = initialize_params(sandbox, &options);
        let began = Instant::now();
        let mut child = Command::new(binary())
            .current_dir(sandbox.workspace())
            .env_clear()
            .envs(sandbox.environment())
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the sidecar starts");
        let stdin = child.stdin.take().expect("its stdin");
        let stdout = BufReader::new(child.stdout.take().expect("its stdout"));
        let mut sidecar = Self { child, stdin, stdout, waiting: VecDeque::new(), next: 0 };
        sidecar.call("initialize", params);
        let took = began.elapsed();
        sidecar.notify("initialized", json!({}));
        (sidecar, took)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn write(&mut self, message: &Value) {
        self.stdin.write_all(&wire::frame(message.to_string().as_bytes())).expect("the sidecar reads");
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.write(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// A request and its result; also: how long the answer took.
    pub fn call(&mut self, method: &str, params: Value) -> (Value, Duration) {
        self.next += 1;
        let id = self.next;
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let bytes = wire::frame(message.to_string().as_bytes());
        let began = Instant::now();
        self.stdin.write_all(&bytes).expect("the sidecar reads");
        loop {
            let (at, message) = self.read();
            if message["id"] == id && message.get("method").is_none() {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return (message["result"].clone(), at - began);
            }
            self.waiting.push_back((at, message));
        }
    }

    /// Starts a task; also: how long its id took.
    pub fn task(&mut self, params: Value) -> (String, Duration) {
        let (result, took) = self.call("pillion/task/start", params);
        (result["task"]["id"].as_str().expect("an id").to_owned(), took)
    }

    /// The next message for which `pick` gives something; what comes before it is forgotten.
    pub fn until<T>(&mut self, pick: impl Fn(&str, &Value) -> Option<T>) -> (Instant, T) {
        loop {
            let (at, message) = match self.waiting.pop_front() {
                Some(message) => message,
                None => self.read(),
            };
            if let Some(found) = message["method"].as_str().and_then(|method| pick(method, &message["params"])) {
                return (at, found);
            }
        }
    }

    /// Waits for a status of a task.
    pub fn status(&mut self, id: &str, wanted: &[&str]) -> (Instant, Value) {
        self.until(|method, params| {
            let task = &params["task"];
            let is = method == "pillion/task/status" && task["id"] == id;
            (is && wanted.iter().any(|status| task["status"] == *status)).then(|| task.clone())
        })
    }

    fn read(&mut self) -> (Instant, Value) {
        if self.stdout.buffer().is_empty() {
            assert!(wait_readable(self.stdout.get_ref(), PATIENCE), "the sidecar says nothing more");
        }
        let body = wire::read_frame(&mut self.stdout).expect("a frame").expect("the sidecar lives");
        let at = Instant::now();
        let message: Value = serde_json::from_slice(&body).expect("JSON");
        if message.get("method").is_some() && message.get("id").is_some() {
            // A client that agrees to everything: progress tokens.
            let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": null});
            self.write(&answer);
        }
        (at, message)
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
