//! Tasks as the contract describes them: the fields of the one object, and a client's calls about tasks.

use std::time::Instant;

use serde_json::{Value, json};

use crate::DEADLINE;
use crate::client::Client;
use crate::connection::Message;

/// The statuses after which a run is over.
pub const FINAL: &[&str] = &["succeeded", "failed", "timed_out", "killed", "interrupted"];

const LIVE: &[&str] = &["queued", "running", "waiting_for_input"];

/// Every field of a task with the JSON types that it may have.
const FIELDS: &[(&str, &str)] = &[
    ("id", "string"),
    ("kind", "string"),
    ("label", "string"),
    ("command", "string"),
    ("cwd", "string"),
    ("environment", "object"),
    ("group", "string"),
    ("origin", "string"),
    ("sessionId", "string|null"),
    ("toolCallId", "string|null"),
    ("owned", "bool"),
    ("status", "string"),
    ("stopping", "bool"),
    ("stoppedBy", "string|null"),
    ("run", "number"),
    ("attempt", "number"),
    ("maxAttempts", "number"),
    ("flaky", "bool"),
    ("runs", "array"),
    ("priority", "number"),
    ("onExit", "string"),
    ("lifetime", "string"),
    ("timeoutMs", "number|null"),
    ("createdAt", "string"),
    ("startedAt", "string|null"),
    ("endedAt", "string|null"),
    ("elapsedMs", "number"),
    ("pid", "number|null"),
    ("exitCode", "number|null"),
    ("signal", "number|string|null"),
    ("stragglers", "number"),
    ("waitingFor", "object|null"),
    ("unsaved", "array"),
    ("output", "object"),
    ("pattern", "string|null"),
    ("ready", "object|null"),
    ("watching", "bool"),
    ("progress", "object"),
    ("diagnostics", "object"),
    ("summary", "string|null"),
    ("delivery", "string"),
    ("deliveredTurnId", "string|null"),
    ("dependsOn", "array"),
];

const INNER: &[(&str, &[(&str, &str)])] = &[
    (
        "output",
        &[
            ("path", "string|null"),
            ("bytes", "number"),
            ("lines", "number"),
            ("lastLine", "string|null"),
            ("truncated", "bool"),
        ],
    ),
    (
        "progress",
        &[
            ("message", "string|null"),
            ("percent", "number|null"),
            ("passed", "number|null"),
            ("failed", "number|null"),
            ("skipped", "number|null"),
        ],
    ),
    ("diagnostics", &[("errors", "number"), ("warnings", "number")]),
];

const WORDS: &[(&str, &[&str])] = &[
    ("kind", &["shell", "agent", "monitor"]),
    ("group", &["build", "test", "lint", "install", "run", "other"]),
    ("origin", &["agent", "user", "watch"]),
    ("onExit", &["none", "next_turn", "wake"]),
    ("lifetime", &["turn", "session", "detached"]),
    ("delivery", &["none", "pending", "carried", "delivered"]),
];

/// What is wrong with a task object by the contract.
pub fn check(task: &Value) -> Vec<String> {
    let id = &task["id"];
    let mut broken = Vec::new();
    fields(&format!("task {id}"), task, FIELDS, &mut broken);
    for (name, inner) in INNER {
        fields(&format!("task {id}: {name}"), &task[name], inner, &mut broken);
    }
    for (name, words) in WORDS {
        if !words.iter().any(|word| task[name] == *word) {
            broken.push(format!("task {id}: {name} is {}", task[name]));
        }
    }
    let status = task["status"].as_str().unwrap_or_default();
    if !FINAL.contains(&status) && !LIVE.contains(&status) {
        broken.push(format!("task {id}: status is {status:?}"));
    }
    for name in ["createdAt", "startedAt", "endedAt"] {
        if task[name].as_str().is_some_and(|text| !is_timestamp(text)) {
            broken.push(format!("task {id}: {name} is {}", task[name]));
        }
    }
    // The end of an interrupted run was not seen.
    if FINAL.contains(&status) && status != "interrupted" && task["endedAt"].is_null() {
        broken.push(format!("task {id}: {status} without endedAt"));
    }
    // A queued one may still show the exit code of the attempt before.
    if ["running", "waiting_for_input"].contains(&status) && !task["exitCode"].is_null() {
        broken.push(format!("task {id}: {status} with an exit code"));
    }
    broken
}

fn fields(of: &str, value: &Value, fields: &[(&str, &str)], broken: &mut Vec<String>) {
    for (name, types) in fields {
        match value.get(name) {
            None => broken.push(format!("{of}: no field {name}")),
            Some(value) if !types.split('|').any(|word| word == type_of(value)) => {
                broken.push(format!("{of}: {name} is {value}, not {types}"));
            }
            Some(_) => {}
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// `2026-01-01T00:00:00.000Z`, and nothing else.
fn is_timestamp(text: &str) -> bool {
    let shape: String = text.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    shape == "0000-00-00T00:00:00.000Z"
}

/// The task of a status notification; `None` for any other message.
pub fn status_of(message: &Message) -> Option<&Value> {
    (message.method() == Some("pillion/task/status")).then(|| &message.body["params"]["task"])
}

impl Client {
    /// Starts a task and returns its object as answered, checked.
    #[track_caller]
    pub fn start_task(&self, params: Value) -> Value {
        let task = self.call("pillion/task/start", params)["task"].clone();
        let broken = check(&task);
        assert!(broken.is_empty(), "pillion/task/start: {broken:#?}");
        task
    }

    /// Starts a command and returns the task's id.
    #[track_caller]
    pub fn start_command(&self, command: &str) -> String {
        id_of(&self.start_task(json!({"command": command})))
    }

    /// Starts what runs already until it is folded, and returns the running task: what a run was run on is known a moment
    /// after its start. What was started instead is stopped.
    #[track_caller]
    pub fn start_folded(&self, params: &Value) -> Value {
        let end = Instant::now() + DEADLINE;
        loop {
            let answer = self.call("pillion/task/start", params.clone());
            if answer["folded"] == true {
                return answer["task"].clone();
            }
            assert!(Instant::now() < end, "it is never folded: {answer}");
            let id = id_of(&answer["task"]);
            self.call("pillion/task/stop", json!({"taskId": id}));
            self.wait_task_end(&id);
        }
    }

    /// The task as it stands.
    #[track_caller]
    pub fn task(&self, id: &str) -> Value {
        self.call("pillion/task/get", json!({"taskId": id}))["task"].clone()
    }

    /// Waits for a status notification that `wanted` accepts; from the start of the log.
    #[track_caller]
    pub fn wait_task(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_task_from(0, what, wanted).1
    }

    /// The same from an index on; returns the index too.
    #[track_caller]
    pub fn wait_task_from(&self, from: usize, what: &str, wanted: impl Fn(&Value) -> bool) -> (usize, Value) {
        self.wait_for(what, from, |message| status_of(message).filter(|task| wanted(task)).cloned())
    }

    /// Waits until the task has this status.
    #[track_caller]
    pub fn wait_task_status(&self, id: &str, status: &str) -> Value {
        self.wait_task(&format!("task {id} {status}"), |task| task["id"] == id && task["status"] == status)
    }

    /// Waits for the end of the first run.
    #[track_caller]
    pub fn wait_task_end(&self, id: &str) -> Value {
        self.wait_run_end(id, 1)
    }

    /// Waits until the task is known as over, by the snapshot or by its status: for what an earlier server has left.
    #[track_caller]
    pub fn wait_task_over(&self, id: &str) -> Value {
        self.wait_for(&format!("task {id}, over"), 0, |message| {
            let rows = match message.method() {
                Some("pillion/task/snapshot") => {
                    message.body["params"]["tasks"].as_array().cloned().unwrap_or_default()
                }
                _ => status_of(message).cloned().into_iter().collect(),
            };
            rows.into_iter().find(|task| task["id"] == id && is_final(task))
        })
        .1
    }

    /// Waits for the end of a run.
    #[track_caller]
    pub fn wait_run_end(&self, id: &str, run: u64) -> Value {
        self.wait_task(&format!("the end of task {id} run {run}"), |task| {
            task["id"] == id && task["run"] == run && is_final(task)
        })
    }

    /// The whole output of the newest run, once it is over.
    #[track_caller]
    pub fn output(&self, id: &str) -> String {
        let page = self.call("pillion/task/output", json!({"taskId": id}));
        page["text"].as_str().unwrap_or_else(|| panic!("no text in {page}")).to_owned()
    }
}

/// The task's id.
pub fn id_of(task: &Value) -> String {
    task["id"].as_str().unwrap_or_else(|| panic!("a task without an id: {task}")).to_owned()
}

/// True when the task's newest run is over.
pub fn is_final(task: &Value) -> bool {
    task["status"].as_str().is_some_and(|status| FINAL.contains(&status))
}
