//! A workspace that is hit again and again: its sidecar and its shims are killed at random moments, and a new sidecar goes
//! on each time. In the end no process is left, every task has a final status, and every end was told once, and only once.
//!
//! `PILLION_FAULT_SEED` repeats a run (each run prints its seed); `PILLION_FAULTS` says how many faults the long one makes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use pillion_tests::connection::Message;
use pillion_tests::process::Process;
use pillion_tests::task::{id_of, is_final};
use pillion_tests::{Client, DEADLINE, Gate, Options, Sandbox};
use serde_json::{Value, json};

/// Numbers that look random and can be had again (xorshift).
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = std::env::var("PILLION_FAULT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
            u64::from(now.subsec_nanos()) << 20 | u64::from(std::process::id()) | 1
        });
        eprintln!("PILLION_FAULT_SEED={seed}");
        Self(seed | 1)
    }

    /// 0 to `sides` - 1.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }
}

/// A workspace under fire and what its person knows of it.
struct Siege {
    sandbox: Sandbox,
    dice: Dice,
    session: String,
    /// Held so that commands can wait at it.
    gate: Gate,
    /// Tasks that were seen to run: they may not be forgotten.
    seen: BTreeSet<String>,
    /// Tasks that only a stop ends.
    endless: BTreeSet<String>,
}

impl Siege {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let gate = sandbox.gate("gate");
        let trees = "setsid sleep 1000 & ( setsid bash -c 'trap \"\" TERM; sleep 1000; true' & ) ; \
                     nohup sleep 1000 >/dev/null 2>&1 & wait";
        sandbox.write("trees.sh", trees);
        let client = client(&sandbox);
        let session = client.new_session("auto");
        client.ask(&session, "hello");
        client.shutdown();
        Self { sandbox, dice: Dice::new(), session, gate, seen: BTreeSet::new(), endless: BTreeSet::new() }
    }

    /// A new sidecar in the same window, with the session open.
    fn window(&self) -> Client {
        let client = client(&self.sandbox);
        client.call("pillion/session/load", json!({"sessionId": self.session}));
        client
    }

    /// Starts a few tasks of all kinds.
    fn start_some(&mut self, client: &Client) {
        for _ in 0..=self.dice.roll(3) {
            let (command, endless) = match self.dice.roll(6) {
                0 => ("echo done".to_owned(), false),
                1 => ("seq 1 2000; exit 3".to_owned(), false),
                2 => ("printf 'FAILED tests/test_a.py::test_x - assert 1 == 2\\n'; exit 1".to_owned(), false),
                3 => ("setsid sleep 1000 >/dev/null 2>&1 & echo left one behind".to_owned(), false),
                4 => (format!("echo waits; {}; echo went on", self.gate.wait()), true),
                _ => ("bash trees.sh".to_owned(), true),
            };
            let owner = if self.dice.roll(4) == 0 { Value::Null } else { json!(self.session) };
            let task = client.start_task(json!({"command": command, "sessionId": owner, "label": "one of many"}));
            if endless {
                self.endless.insert(id_of(&task));
            }
        }
    }

    /// Lets some events pass, does what a person does meanwhile, and then the blow falls.
    fn fault(&mut self) {
        let client = self.window();
        self.start_some(&client);
        let busy = ["stop", "prompt", "open", "nothing", "nothing"][self.dice.roll(5)];
        match busy {
            "stop" => {
                if let Some(id) = self.endless.pop_first() {
                    // It may be over, or be another one's for a moment.
                    let _ = client.response(client.send("pillion/task/stop", json!({"taskId": id})));
                }
            }
            "prompt" => {
                let prompt = json!([{"type": "text", "text": "hello"}]);
                client.send("pillion/session/prompt", json!({"sessionId": self.session, "prompt": prompt}));
            }
            "open" => self.gate.open(),
            _ => {}
        }
        // A random moment in the stream of events: after so many of them, or when none is on its way.
        let left = std::cell::Cell::new(self.dice.roll(12));
        let now = client.mark();
        let asked = client.send("pillion/task/list", json!({}));
        client.wait_for("the moment", now, |message| {
            left.set(left.get().saturating_sub(1));
            (left.get() == 0 || message.method().is_none() && message.body["id"] == asked).then_some(())
        });
        let shims = shims(&self.sandbox);
        match self.dice.roll(6) {
            0 | 1 => client.process().kill(),
            2 => {
                // A shim alone: its sidecar sees to the rest, until it is hit itself.
                if !shims.is_empty() {
                    shims[self.dice.roll(shims.len())].kill();
                }
                client.call("pillion/task/list", json!({}));
            }
            3 => {
                client.process().kill();
                shims.iter().for_each(Process::kill);
            }
            4 => {
                client.call("shutdown", Value::Null);
                client.notify("exit", Value::Null);
                client.wait_exit();
            }
            _ => client.close_stdin(),
        }
        self.seen.extend(client.log().iter().filter_map(running));
    }

    /// Ends what never ends by itself, and waits until all is told.
    fn settle(self) {
        let client = self.window();
        let list = || {
            let tasks = client.call("pillion/task/list", json!({}))["tasks"].clone();
            tasks.as_array().cloned().unwrap_or_default()
        };
        for task in list().iter().filter(|task| !is_final(task) || task["stragglers"] != 0) {
            client.call("pillion/task/stop", json!({"taskId": task["id"]}));
        }
        for id in list().iter().map(id_of) {
            let task = client.task(&id);
            if !is_final(&task) {
                client.wait_task_end(&id);
            }
        }
        let tasks: BTreeMap<String, Value> = list().into_iter().map(|task| (id_of(&task), task)).collect();
        let lost: Vec<&String> = self.seen.iter().filter(|id| !tasks.contains_key(*id)).collect();
        assert!(lost.is_empty(), "seen to run and then forgotten: {lost:?}");

        client.ask(&self.session, "hello");
        let export = json!({"sessionId": self.session, "format": "jsonl"});
        let history = client.call("pillion/session/export", export)["text"].as_str().unwrap_or_default().to_owned();
        let told = |id: &str| history.matches(&format!("<task_id>{id}</task_id>")).count();
        let wrong: Vec<String> = tasks
            .iter()
            .filter(|(id, _)| told(id) != 1)
            .map(|(id, task)| format!("{id} told {} times: {task}", told(id)))
            .collect();
        assert!(wrong.is_empty(), "{} of {} tasks: {wrong:#?}", wrong.len(), tasks.len());
        for task in tasks.values() {
            assert!(matches!(client.task(&id_of(task))["delivery"].as_str(), Some("delivered")), "{task}");
        }
        for process in self.sandbox.task_processes() {
            assert!(process.wait_gone(DEADLINE), "left: {}", process.command);
        }
        eprintln!("{} tasks", tasks.len());
        client.shutdown();
    }
}

fn client(sandbox: &Sandbox) -> Client {
    let settings = json!({"background": {"stopGraceMs": 50, "maxAutoTurns": 1_000_000}});
    Client::start(sandbox, Options::pillion().settings(settings))
}

/// The shims of this workspace's tasks: the parents of the commands' main processes.
fn shims(sandbox: &Sandbox) -> Vec<Process> {
    let base = sandbox.base().display().to_string();
    let mut all = pillion_tests::process::naming(&base);
    all.retain(|process| process.command.split(' ').any(|word| word == "shim"));
    all
}

/// The task that a status names as running.
fn running(message: &Message) -> Option<String> {
    let task = &message.body["params"]["task"];
    let is_status = message.method() == Some("pillion/task/status");
    (is_status && task["status"] == "running").then(|| id_of(task))
}

fn besiege(faults: usize) {
    let mut siege = Siege::new();
    for _ in 0..faults {
        siege.fault();
    }
    siege.settle();
}

#[test]
fn a_few_faults() {
    besiege(12);
}

/// `cargo xtask faults` runs it. In parts: an old workspace forgets its oldest tasks.
#[test]
#[ignore = "takes a minute: `cargo xtask faults`"]
fn two_hundred_faults() {
    let faults: usize = std::env::var("PILLION_FAULTS").ok().and_then(|faults| faults.parse().ok()).unwrap_or(200);
    for part in 0..faults.div_ceil(40) {
        besiege((faults - part * 40).min(40));
    }
}
