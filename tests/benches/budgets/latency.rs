//! How long the sidecar takes: to be there, to take a task, to tell an end, to show a failing line.

use std::fs::OpenOptions;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use pillion_tests::Sandbox;
use pillion_tests::process::{self, Process};
use pillion_tests::task::FINAL;
use serde_json::{Value, json};

use crate::sidecar::Sidecar;
use crate::{Row, Times};

const STARTS: usize = 60;
const TASKS: usize = 200;
const LINES: usize = 60;

/// From exec to the answer to `initialize`.
pub fn start() -> Vec<Row> {
    let sandbox = Sandbox::new();
    let times = (0..STARTS).map(|_| Sidecar::start(&sandbox, json!({})).1).collect();
    let times = Times::new(times);
    let median = times.percentile(50);
    let more = format!("p99 {:.2}, n {STARTS}", times.percentile(99));
    vec![crate::row("exec to `initialize` answered, p50", 4.0, median, "ms", more)]
}

/// The latencies, with so many tasks running and queued besides.
pub fn with_load(running: usize, queued: usize) -> Vec<Row> {
    let sandbox = Sandbox::new();
    for file in 0..LINES {
        sandbox.write(&format!("src/f{file}.c"), "int x\n");
    }
    let slots = if queued > 0 { 1 } else { 2 };
    let (mut sidecar, _) = Sidecar::start(&sandbox, json!({"background": {"maxConcurrent": slots}}));
    load(&mut sidecar, running, queued);
    let with = match queued {
        0 => format!("{running} running"),
        _ => format!("{running} running and {queued} queued"),
    };
    let (ids, ends) = short_tasks(&sandbox, &mut sidecar);
    vec![
        ids.row(&format!("`task/start` to task id, {with}"), 1.0),
        ends.row(&format!("process exit to `task/status` at the client, {with}"), 10.0),
        lines(&sandbox, &mut sidecar).row(&format!("failing line written to its diagnostic, {with}"), 50.0),
    ]
}

/// Quiet tasks, all of them where they shall be.
pub fn load(sidecar: &mut Sidecar, running: usize, queued: usize) {
    let mut last = String::new();
    // Each its own command: what runs already would be answered with the running task.
    for number in 0..running {
        last = sidecar.task(json!({"command": format!("sleep 37{number:03}"), "group": "run"})).0;
        sidecar.status(&last, &["running"]);
    }
    for number in 0..=queued.saturating_sub(1) {
        if queued > 0 {
            last = sidecar.task(json!({"command": format!("sleep 36{number}"), "group": "build"})).0;
        }
    }
    if queued > 0 {
        let _ = sidecar.call("pillion/task/get", json!({"taskId": last}));
    }
    // The first seconds of a run have more to do than the quiet ones.
    thread::sleep(Duration::from_secs(2));
}

/// Short tasks, one after the other: from the request to the id, and from the end of the process to the status.
fn short_tasks(sandbox: &Sandbox, sidecar: &mut Sidecar) -> (Times, Times) {
    let gate = sandbox.gate("end");
    let (mut ids, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..TASKS {
        let (id, took) = sidecar.task(json!({"command": gate.wait(), "group": "run"}));
        ids.push(took);
        let (_, task) = sidecar.status(&id, &["running"]);
        let pid = task["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a pid");
        let process = Process::open(pid).expect("the process lives");
        let watch = thread::spawn(move || {
            process.wait_gone(pillion_tests::DEADLINE);
            Instant::now()
        });
        gate.open();
        let (told, _) = sidecar.status(&id, FINAL);
        let ended = watch.join().expect("the end of the process");
        // The thread that looks at the process may be the slower one.
        ends.push(told.saturating_duration_since(ended));
    }
    (Times::new(ids), Times::new(ends))
}

/// A compiler's line, written by this process itself into what the task reads.
fn lines(sandbox: &Sandbox, sidecar: &mut Sidecar) -> Times {
    let fifo = sandbox.gate("lines");
    let (id, _) = sidecar.task(json!({"command": format!("exec cat '{}' # make", fifo.path()), "group": "run"}));
    sidecar.status(&id, &["running"]);
    let mut lines = OpenOptions::new().write(true).open(fifo.path()).expect("the task reads");
    let mut times = Vec::new();
    for file in 0..LINES {
        // Each line finds a quiet output, as the last line of a failing test does.
        thread::sleep(Duration::from_millis(120));
        let name = format!("f{file}.c");
        let began = Instant::now();
        // With the line that follows: until then it may go on.
        let text = format!("src/{name}:1:5: error: expected ';' after this\n    1 | int x\nmake: went on\n");
        lines.write_all(text.as_bytes()).expect("the task reads");
        let shows = |method: &str, params: &Value| {
            let of = params["uri"].as_str().is_some_and(|uri| uri.ends_with(&name));
            let some = params["diagnostics"].as_array().is_some_and(|found| !found.is_empty());
            (method == "textDocument/publishDiagnostics" && of && some).then_some(())
        };
        let (at, ()) = sidecar.until(shows);
        times.push(at - began);
    }
    let _ = sidecar.call("pillion/task/stop", json!({"taskId": id}));
    Times::new(times)
}

/// The processes of this sandbox that are shims.
pub fn shims(sandbox: &Sandbox) -> Vec<Process> {
    let mut found = process::naming(&sandbox.base().display().to_string());
    found.retain(|process| process.command.split(' ').any(|word| word == "shim"));
    found
}
