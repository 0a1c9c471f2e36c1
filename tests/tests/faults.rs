//! A workspace that is hit again and again: its sidecars and its shims are killed at random moments, and new sidecars go
//! on each time. In the end no process is left, every task has a final status, and every end was told once, and only once;
//! and nothing that tasks hold while they run is held any more.
//!
//! `PILLION_FAULT_SEED` repeats a run (each run prints its seed); `PILLION_FAULTS` says how many faults the long one makes.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use pillion_tests::connection::Message;
use pillion_tests::process::{Process, wait_readable};
use pillion_tests::task::{FINAL, id_of, is_final, status_of};
use pillion_tests::{Client, DEADLINE, Gate, Options, Sandbox};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, inotify, utimensat};
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
    /// A second window, while it is there.
    other: Option<Client>,
    /// Starts so far: no command is another's.
    starts: usize,
    /// Tasks that were seen to run: they may not be forgotten.
    seen: BTreeSet<String>,
    /// Tasks that a stop ends, and little else.
    endless: BTreeSet<String>,
    /// Tasks that ask something.
    asking: BTreeSet<String>,
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
        let (seen, endless, asking) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { sandbox, dice: Dice::new(), session, gate, other: None, starts: 0, seen, endless, asking }
    }

    /// A new sidecar in the same window, with the session open.
    fn window(&self) -> Client {
        let client = client(&self.sandbox);
        client.call("pillion/session/load", json!({"sessionId": self.session}));
        client
    }

    /// Shell code that notes when it is not alone with what one at a time may have.
    fn alone(&self) -> String {
        let at = |name: &str| self.sandbox.base().join(name).display().to_string();
        format!("exec 9>>'{}'; flock -n 9 || echo not alone >> '{}'", at("alone"), at("overlaps"))
    }

    /// Starts a few tasks of all kinds.
    fn start_some(&mut self, client: &Client, session: &Value) {
        for _ in 0..=self.dice.roll(3) {
            self.starts += 1;
            let (number, wait, alone) = (self.starts, self.gate.wait(), self.alone());
            let (mut start, endless) = match self.dice.roll(11) {
                0 => (json!({"command": "echo done"}), false),
                1 => (json!({"command": "seq 1 2000; exit 3"}), false),
                2 => {
                    let failure = "FAILED tests/test_a.py::test_x - assert 1 == 2";
                    (json!({"command": format!("printf '{failure}\\n'; exit 1")}), false)
                }
                3 => (json!({"command": "setsid sleep 1000 >/dev/null 2>&1 & echo left one behind"}), false),
                4 => (json!({"command": format!("echo waits; {wait}; echo went on")}), true),
                5 => (json!({"command": "printf 'Go on? (y/n) '; read -r x; echo got $x", "stdin": "pipe"}), true),
                6 => {
                    let stream = format!("echo ERROR one; {wait}; echo ERROR two; sleep 1000");
                    (json!({"command": stream, "pattern": "^ERROR"}), true)
                }
                7 => {
                    let steps = json!([{"command": format!("exit {}", number % 2)}, {"command": wait}]);
                    (json!({"command": format!("echo after {number}"), "dependsOn": steps}), true)
                }
                8 => (json!({"command": format!("{alone}; echo installed {number}"), "group": "install"}), false),
                9 => (json!({"command": format!("{alone}; {wait}; echo {number}"), "group": "install"}), true),
                _ => (json!({"command": "bash trees.sh"}), true),
            };
            start["sessionId"] = if self.dice.roll(4) == 0 { Value::Null } else { session.clone() };
            start["label"] = json!("one of many");
            let asks = start["stdin"] == "pipe";
            let task = client.start_task(start);
            if asks {
                self.asking.insert(id_of(&task));
            }
            if endless {
                let steps = task["dependsOn"].as_array().into_iter().flatten();
                self.endless.extend(steps.filter_map(Value::as_str).map(str::to_owned));
                self.endless.insert(id_of(&task));
            }
        }
    }

    /// The second window comes, works, or goes: its tasks are its own affair, and end with it.
    fn pass_by(&mut self) {
        match (self.other.take(), self.dice.roll(3)) {
            (other, 0) => self.other = other,
            (None, _) => {
                let other = passing_by(&self.sandbox);
                self.start_some(&other, &Value::Null);
                self.other = Some(other);
            }
            (Some(other), 1) => {
                self.start_some(&other, &Value::Null);
                self.other = Some(other);
            }
            (Some(other), _) => self.gone(other),
        }
    }

    /// The second window is closed, or crashes.
    fn gone(&mut self, other: Client) {
        self.seen.extend(other.log().iter().filter_map(running));
        if self.dice.roll(2) == 0 {
            other.shutdown();
        }
    }

    /// What a person does at any time.
    fn act(&mut self, client: &Client) {
        // What they name may be over, or be another one's for a moment.
        match self.dice.roll(7) {
            0 => {
                if let Some(id) = self.endless.pop_first() {
                    let _ = client.response(client.send("pillion/task/stop", json!({"taskId": id})));
                }
            }
            1 => {
                let prompt = json!([{"type": "text", "text": "hello"}]);
                client.send("pillion/session/prompt", json!({"sessionId": self.session, "prompt": prompt}));
            }
            2 => self.gate.open(),
            3 => {
                if let Some(id) = self.asking.pop_first() {
                    let _ = client.response(client.send("pillion/task/input", json!({"taskId": id, "text": "y\n"})));
                }
            }
            _ => {}
        }
    }

    /// Lets some events pass, does what a person does meanwhile, and then the blow falls.
    fn fault(&mut self) {
        let client = self.window();
        self.start_some(&client, &json!(self.session));
        self.pass_by();
        self.act(&client);
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
    fn settle(mut self) {
        if let Some(other) = self.other.take() {
            self.gone(other);
        }
        // Young ones are spared: these have been there for long.
        sockets(&self.sandbox).iter().for_each(|socket| age(socket));
        let client = self.window();
        let list = || {
            let tasks = client.call("pillion/task/list", json!({}))["tasks"].clone();
            tasks.as_array().cloned().unwrap_or_default()
        };
        for task in list().iter().filter(|task| !is_final(task) || task["stragglers"] != 0) {
            // Some end meanwhile, with those that they depend on or with their window.
            let _ = client.response(client.send("pillion/task/stop", json!({"taskId": task["id"]})));
        }
        // What the second window has left is this one's a moment later, and told from then on.
        let is_settled = |task: &Value| is_final(task) && task["owned"] == true;
        for id in list().iter().map(id_of) {
            if !is_settled(&client.task(&id)) {
                client.wait_task(&format!("the end of {id}, owned"), |task| task["id"] == id && is_settled(task));
            }
        }
        self.starts_at_once(&client);

        let tasks: BTreeMap<String, Value> = list().into_iter().map(|task| (id_of(&task), task)).collect();
        let lost: Vec<&String> = self.seen.iter().filter(|id| !tasks.contains_key(*id)).collect();
        assert!(lost.is_empty(), "seen to run and then forgotten: {lost:?}");

        client.ask(&self.session, "hello");
        let export = json!({"sessionId": self.session, "format": "jsonl"});
        let history = client.call("pillion/session/export", export)["text"].as_str().unwrap_or_default().to_owned();
        let wrong: Vec<String> = tasks
            .iter()
            .filter(|(id, _)| ends_told(&history, id) != 1)
            .map(|(id, task)| {
                let fields = ["command", "sessionId", "status", "stoppedBy", "endedAt", "delivery", "deliveredTurnId"];
                let short: Vec<String> = fields.iter().map(|field| format!("{field} {}", task[field])).collect();
                format!("{id} told {} times: {}", ends_told(&history, id), short.join(", "))
            })
            .collect();
        assert!(wrong.is_empty(), "{} of {} tasks: {wrong:#?}", wrong.len(), tasks.len());
        for task in tasks.values() {
            assert!(matches!(client.task(&id_of(task))["delivery"].as_str(), Some("delivered")), "{task}");
        }
        for process in self.sandbox.task_processes().iter().chain(&shims(&self.sandbox)) {
            assert!(process.wait_gone(DEADLINE), "left: {}", process.command);
        }
        wait_no_sockets(&self.sandbox);
        for run in named(&self.sandbox.base().join("state"), "run.json") {
            let task = run.ancestors().nth(2).and_then(Path::file_name).unwrap_or_default().to_string_lossy();
            assert!(tasks.contains_key(&*task), "a run that no row knows: {}", run.display());
        }
        assert!(!self.sandbox.base().join("overlaps").exists(), "two of what runs one at a time ran at a time");
        eprintln!("{} tasks", tasks.len());
        client.shutdown();
    }

    /// Nothing holds any more what runs one at a time.
    fn starts_at_once(&self, client: &Client) {
        let install = json!({"command": format!("{}; echo the last one", self.alone()), "group": "install"});
        let id = id_of(&client.start_task(install));
        let ended = client.wait_task_end(&id);
        assert_eq!(ended["status"], "succeeded", "{ended}");
        let waited = |message: &Message| status_of(message).is_some_and(|task| task["id"] == id && is_held(task));
        assert!(!client.log().iter().any(waited), "a claim was left over");
    }
}

fn client(sandbox: &Sandbox) -> Client {
    let settings = json!({"background": {"stopGraceMs": 50, "maxAutoTurns": 1000}});
    // One window all the time: what runs when a blow falls is taken over by the next sidecar.
    Client::start(sandbox, Options::pillion().token(Some("under siege")).settings(settings))
}

/// Another window, which hardly anything waits for.
fn passing_by(sandbox: &Sandbox) -> Client {
    let settings = json!({"background": {"stopGraceMs": 50, "reattachGraceMs": 300}});
    Client::start(sandbox, Options::pillion().token(Some("passing by")).settings(settings))
}

/// It waits for something of which one runs at a time.
fn is_held(task: &Value) -> bool {
    task["waitingFor"]["kind"] == "lock"
}

/// How often a history tells the end of a task. What is told of it while it runs does not count.
fn ends_told(history: &str, id: &str) -> usize {
    let frames = history.split("<task_notification>").skip(1);
    let ends = frames.map(|frame| {
        let is_end = |form: &dyn Fn(&str) -> String| FINAL.iter().any(|status| frame.contains(&form(status)));
        let whole = frame.contains(&format!("<task_id>{id}</task_id>"));
        let end = whole && is_end(&|status| format!("<status>{status}</status>"));
        // Of what has no room there is a list.
        end || frame.contains("<more>") && is_end(&|status| format!("{id} run 1 {status}"))
    });
    ends.filter(|end| *end).count()
}

/// The sockets at which shims listen.
fn sockets(sandbox: &Sandbox) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(sandbox.base().join("run/pillion")) else { return Vec::new() };
    let of_shim = |entry: &std::fs::DirEntry| {
        // Those that start so are for terminals.
        !entry.file_name().to_string_lossy().starts_with("w-") && entry.file_type().is_ok_and(|is| is.is_socket())
    };
    entries.flatten().filter(of_shim).map(|entry| entry.path()).collect()
}

/// Makes a file old.
fn age(path: &Path) {
    let long_ago = Timespec { tv_sec: 1_000_000, tv_nsec: 0 };
    let times = Timestamps { last_access: long_ago, last_modification: long_ago };
    // Its shim may end meanwhile.
    let _ = utimensat(CWD, path, &times, AtFlags::empty());
}

/// Waits until no shim's socket is there: the sweep of a start may be on its way.
fn wait_no_sockets(sandbox: &Sandbox) {
    let removals = inotify::init(inotify::CreateFlags::CLOEXEC).expect("inotify");
    inotify::add_watch(&removals, sandbox.base().join("run/pillion"), inotify::WatchFlags::DELETE).expect("a watch");
    loop {
        let left = sockets(sandbox);
        if left.is_empty() {
            return;
        }
        assert!(wait_readable(&removals, DEADLINE), "sockets of shims that are gone: {left:?}");
        // Taken, so that the next wait is for the next removal.
        let _ = rustix::io::read(&removals, &mut [0_u8; 4096]);
    }
}

/// Every file of that name below a folder.
fn named(folder: &Path, name: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|is| is.is_dir()) {
            found.extend(named(&entry.path(), name));
        } else if entry.file_name() == name {
            found.push(entry.path());
        }
    }
    found
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
