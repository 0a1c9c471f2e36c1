//! What the sidecar and its shims take: memory, wake-ups, disk. Read from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use pillion_tests::Sandbox;
use pillion_tests::options::binary;
use serde_json::json;

use crate::latency::{load, shims};
use crate::sidecar::Sidecar;
use crate::{Row, row};

const RUNNING: usize = 50;
const QUIET: Duration = Duration::from_secs(10);

/// Memory without and with tasks, and how often all of it wakes when nothing happens.
pub fn memory() -> Vec<Row> {
    let sandbox = Sandbox::new();
    let (mut sidecar, _) = Sidecar::start(&sandbox, json!({}));
    thread::sleep(Duration::from_secs(5));
    let idle = pss(sidecar.pid());
    let asleep = wakes(&[sidecar.pid()]);
    load(&mut sidecar, RUNNING, 0);
    thread::sleep(Duration::from_secs(3));
    let shims: Vec<u32> = shims(&sandbox).iter().map(|shim| shim.pid).collect();
    assert_eq!(shims.len(), RUNNING, "one shim a task");
    let of_shims: u64 = shims.iter().map(|pid| pss(*pid)).sum();
    let all = pss(sidecar.pid()) + of_shims;
    let each = (all - idle) as f64 / 1024.0 / RUNNING as f64;
    let quiet = wakes(&[sidecar.pid()]);
    let quiet_shims = wakes(&shims);
    vec![
        row("memory (PSS), idle", 10.0, idle as f64 / 1024.0, "MiB", String::new()),
        row(
            "memory (PSS) a running task, shim included",
            0.6,
            each,
            "MiB",
            format!("{RUNNING} running, {} MiB in all", all / 1024),
        ),
        row("wake-ups of the idle sidecar, no task", None, asleep, "/s", String::new()),
        row(
            &format!("wake-ups of the sidecar, {RUNNING} quiet tasks"),
            5.0,
            quiet,
            "/s",
            format!("all shims together {quiet_shims:.1}/s"),
        ),
    ]
}

/// The shipped binary.
pub fn size() -> Vec<Row> {
    let used = binary();
    let shipped = used.ancestors().nth(2).map(|target| target.join("dist/pillion")).filter(|path| path.is_file());
    let megabytes = |path: &Path| fs::metadata(path).map_or(f64::NAN, |found| found.len() as f64 / 1e6);
    match shipped {
        Some(path) => vec![row("binary as shipped (`dist`)", 15.0, megabytes(&path), "MB", String::new())],
        None => {
            vec![row("binary", None, megabytes(&used), "MB", "not the shipped one: that is built with `--dist`".into())]
        }
    }
}

/// The proportional set size in KiB.
pub fn pss(pid: u32) -> u64 {
    number(&PathBuf::from(format!("/proc/{pid}/smaps_rollup")), "Pss:")
}

/// The most resident memory since [`forget_peak`], in KiB.
pub fn peak(pid: u32) -> u64 {
    number(&PathBuf::from(format!("/proc/{pid}/status")), "VmHWM:")
}

pub fn forget_peak(pid: u32) {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("one's own processes may be asked");
}

/// User and system time so far, in seconds.
pub fn cpu(pid: u32) -> f64 {
    seconds(&pid.to_string(), [11, 12])
}

/// The same of the own children that were waited for.
pub fn cpu_of_children() -> f64 {
    seconds("self", [13, 14])
}

/// The sum of these fields of a process's `stat`, counted from behind its name.
fn seconds(process: &str, fields: [usize; 2]) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a living process");
    let known: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields.iter().filter_map(|at| known.get(*at)?.parse::<u64>().ok()).sum();
    // USER_HZ is 100 on every Linux that this runs on.
    ticks as f64 / 100.0
}

/// How often the threads of these processes woke, a second.
fn wakes(pids: &[u32]) -> f64 {
    let count = || -> HashMap<PathBuf, u64> { pids.iter().flat_map(|pid| switches(*pid)).collect() };
    let before = count();
    thread::sleep(QUIET);
    // A thread that came meanwhile counts from its start; one that went has told nothing.
    let woken = count().into_iter().map(|(thread, after)| after - before.get(&thread).copied().unwrap_or(0));
    woken.sum::<u64>() as f64 / QUIET.as_secs_f64()
}

fn switches(pid: u32) -> impl Iterator<Item = (PathBuf, u64)> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("a living process");
    threads.flatten().map(|thread| (thread.path(), number(&thread.path().join("status"), "voluntary_ctxt_switches:")))
}

fn number(path: &Path, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
