//! Much output: what a task costs against a plain redirection, and how quick the matchers are.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pillion_tests::Sandbox;
use pillion_tests::options::binary;
use pillion_tests::process::Process;
use pillion_tests::task::FINAL;
use serde_json::json;

use crate::lines::{FILES, lines, source};
use crate::process::{cpu, cpu_of_children, forget_peak, peak};
use crate::sidecar::Sidecar;
use crate::{Row, row};

const GIGABYTE: u64 = 1_000_000_000;
const LINE: &str = "   Fresh some-crate v1.2.3 (a line that no matcher cares about)";
/// Each once as a task and once as `> file`, in turns.
const ROUNDS: usize = 7;

/// The same command as a task and with `> file`.
pub fn gigabyte() -> Vec<Row> {
    let sandbox = Sandbox::new();
    let command = format!("yes '{LINE}' | head -c {GIGABYTE}");
    let (mut sidecar, _) = Sidecar::start(&sandbox, json!({}));
    let (mut plain, mut tasks, mut told, mut spent) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut most = 0;
    // The first of each is not counted: it pays for what is touched for the first time.
    for round in 0..=ROUNDS {
        let file = sandbox.base().join("plain");
        let redirected = redirect(&command, &file);
        fs::remove_file(&file).expect("its output");
        let before = cpu(sidecar.pid());
        forget_peak(sidecar.pid());
        let base = peak(sidecar.pid());
        let (task, until_told, output) = as_task(&mut sidecar, &command);
        let used = cpu(sidecar.pid()) - before;
        let grown = peak(sidecar.pid()).saturating_sub(base);
        fs::remove_file(output).expect("its output");
        eprintln!("    > file {redirected:.3?}, task {task:.3?}, told after {until_told:.3?}, {used:.2} s CPU");
        if round > 0 {
            plain.push(redirected);
            tasks.push(task);
            told.push(until_told);
            spent.push(used);
            most = most.max(grown);
        }
    }
    let ratio = median(&tasks).as_secs_f64() / median(&plain).as_secs_f64();
    let best = least(&tasks) / least(&plain);
    let spent_most = spent.iter().copied().fold(0.0, f64::max);
    vec![
        row(
            "1 GB of output against `> file`, wall, medians",
            1.05,
            ratio,
            "×",
            format!(
                "best against best {best:.2}; {:.2} s against {:.2} s; told after {:.2} s",
                median(&tasks).as_secs_f64(),
                median(&plain).as_secs_f64(),
                median(&told).as_secs_f64()
            ),
        ),
        row("CPU of the sidecar for 1 GB, matching on", 2.0, spent_most, "s", "the most of all rounds".into()),
        row(
            "growth of its memory (RSS) on the way",
            None,
            most as f64 / 1024.0,
            "MiB",
            "the most of all rounds".into(),
        ),
    ]
}

fn redirect(command: &str, file: &Path) -> Duration {
    let output = File::create(file).expect("a file");
    let began = Instant::now();
    let done = Command::new("bash").args(["-c", command]).stdin(Stdio::null()).stdout(output).status();
    assert!(done.expect("bash").success());
    began.elapsed()
}

/// From the command's start to its end, and to the status at the client; also: where the output lies.
fn as_task(sidecar: &mut Sidecar, command: &str) -> (Duration, Duration, String) {
    let began = Instant::now();
    let (id, _) = sidecar.task(json!({"command": command, "group": "run"}));
    let (_, task) = sidecar.status(&id, &["running"]);
    let pid = task["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a pid");
    let process = Process::open(pid).expect("the process lives");
    let watch = std::thread::spawn(move || {
        process.wait_gone(Duration::from_secs(300));
        Instant::now()
    });
    let (told, task) = sidecar.status(&id, FINAL);
    assert_eq!(task["output"]["bytes"], GIGABYTE, "{task}");
    let ended = watch.join().expect("the end of the process");
    (ended - began, told - began, task["output"]["path"].as_str().expect("a path").to_owned())
}

/// `pillion parse`, reading included, by the CPU time that it takes: what else runs on the machine does not count.
pub fn matchers() -> Vec<Row> {
    let sandbox = Sandbox::new();
    for file in FILES {
        let path = sandbox.workspace().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, source()).expect("a source");
    }
    [("that match nothing", false, 300.0, 400_000_000), ("of which one in ten matches", true, 100.0, 120_000_000)]
        .map(|(what, failing, budget, bytes)| {
            let path = sandbox.base().join("lines");
            let text = lines(bytes, failing);
            fs::write(&path, &text).expect("room for it");
            let mut rates: Vec<f64> = (0..5).map(|_| text.len() as f64 / 1e6 / parsed(&sandbox, &path)).collect();
            rates.sort_by(f64::total_cmp);
            let more = format!("of 5 the least {:.0}, the best {:.0}", rates[0], rates[4]);
            row(&format!("matchers on lines {what}, CPU time, median"), budget, rates[2], "MB/s", more)
        })
        .into()
}

/// Seconds of CPU that `pillion parse` takes for a file.
fn parsed(sandbox: &Sandbox, path: &Path) -> f64 {
    let before = cpu_of_children();
    let done = Command::new(binary())
        .args(["parse", "--root"])
        .arg(sandbox.workspace())
        .env_clear()
        .envs(sandbox.environment())
        .stdin(File::open(path).expect("the lines"))
        .stdout(Stdio::null())
        .status();
    assert!(done.expect("the binary").success());
    cpu_of_children() - before
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2]
}

fn least(times: &[Duration]) -> f64 {
    times.iter().min().map_or(f64::NAN, Duration::as_secs_f64)
}
