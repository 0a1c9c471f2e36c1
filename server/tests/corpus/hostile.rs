//! Lines that nobody would print, against every format: mutations of the corpus, so that each matcher is reached by what
//! it nearly knows. No panic, the same findings for any cut, time that grows as the output does, findings that are bounded
//! by what was printed. A little of it in each test run; `cargo xtask fuzz` goes on for as long as it is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pillion::matcher::engine::format_names;
use pillion::matcher::{Engine, Origin};
use pillion::problem::Finding;

use crate::case::{Case, Tree, cases};
use crate::random::{Random, seed};

/// Input grows by this factor where time is compared: a linear matcher takes as much longer, a quadratic one its square.
const GROWTH: usize = 4;
/// More than this is not linear, whatever else the machine does.
const MOST_GROWTH: f64 = 11.0;
/// Shorter than this says nothing about growth.
const MEASURABLE: Duration = Duration::from_millis(20);
/// The same of one line. On a longer one an expression goes over, once, to an engine that is slower and as linear; what is
/// quadratic takes seconds for the longest line that is read.
const MEASURABLE_LINE: Duration = Duration::from_millis(500);

/// Prefixes, colours and words that formats look for, to be put anywhere.
const BAIT: &[&str] = &[
    "\x1b[31m",
    "\x1b[",
    "\x1b]8;;",
    "\r",
    "\x08",
    "\t",
    "    ",
    "web-1  | ",
    "[web] ",
    "@a/b:test: ",
    "::",
    ":1:",
    ":1:1: ",
    "error: ",
    "warning: ",
    "note: ",
    "error[E0001]: ",
    " --> ",
    "    at ",
    "(((((((",
    "[[[[[",
    "{{{{{",
    "\"\"\"",
    "''''",
    "999999999999999999999",
    "-1",
    "4294967296",
    "\u{2714} ",
    "\u{2716} ",
    "\u{25cf} ",
    "ok 1 - ",
    "not ok 1 - ",
    "FAILED ",
    "FAIL ",
    "=====",
    "_____ ",
    "-----",
    "....F",
    "%",
    "/",
    "../",
    "\\",
    "\u{fffd}",
    "\u{301}",
    "<",
    ">",
    "&",
    "{\"",
    "}",
    "]",
];

struct Hostile {
    cases: Vec<Case>,
    random: Random,
}

impl Hostile {
    fn new(seed: u64) -> Self {
        Self { cases: cases(), random: Random::new(seed) }
    }

    fn case(&mut self) -> &Case {
        let at = self.random.below(self.cases.len() as u64) as usize;
        &self.cases[at]
    }

    /// A line of some case.
    fn line(&mut self) -> Vec<u8> {
        let output = self.case().output.clone();
        let lines: Vec<&[u8]> = output.split(|&byte| byte == b'\n').collect();
        self.random.pick(&lines).to_vec()
    }

    fn mutate(&mut self, line: &mut Vec<u8>) {
        let at = self.random.below(line.len() as u64 + 1) as usize;
        match self.random.below(7) {
            0 => line.truncate(at),
            1 => drop(line.drain(..at)),
            2 => {
                let bait = self.random.pick(BAIT).as_bytes();
                let times = 1 + self.random.below(40) as usize;
                line.splice(at..at, bait.repeat(times));
            }
            3 => {
                let end = at + self.random.below((line.len() - at) as u64 + 1) as usize;
                let piece = line[at..end].repeat(1 + self.random.below(30) as usize);
                line.splice(at..end, piece);
            }
            4 => {
                let noise: Vec<u8> =
                    (0..8).map(|_| self.random.below(256) as u8).filter(|&byte| byte != b'\n').collect();
                line.splice(at..at, noise);
            }
            5 => line.splice(at..at, self.line()).for_each(drop),
            _ => line.iter_mut().filter(|byte| byte.is_ascii_digit()).for_each(|byte| *byte = b'9'),
        }
        line.truncate(200_000);
    }

    /// Some output: a stretch of a case with lines changed, repeated, lost and put in from elsewhere.
    fn output(&mut self) -> Vec<u8> {
        let whole = self.case().output.clone();
        let mut output = Vec::new();
        for line in whole.split(|&byte| byte == b'\n').take(400) {
            let mut line = line.to_vec();
            match self.random.below(12) {
                0 => self.mutate(&mut line),
                1 => line = self.line(),
                2 => continue,
                3 => {
                    (0..3).for_each(|_| self.mutate(&mut line));
                }
                _ => {}
            }
            output.extend(line);
            output.push(b'\n');
        }
        output
    }

    /// One output, through the engine of some case, whole and in pieces.
    fn throw(&mut self) {
        let output = self.output();
        let mut whole = Vec::new();
        let case = self.case();
        let (name, mut engine, mut in_pieces) = (case.name.clone(), case.engine(), case.engine());
        engine.push(&output, &mut whole);
        engine.finish(&mut whole);
        let mut pieces = Vec::new();
        let mut rest = output.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at((1 + self.random.below(300) as usize).min(rest.len()));
            in_pieces.push(now, &mut pieces);
            rest = later;
        }
        in_pieces.finish(&mut pieces);
        assert!(whole == pieces, "{name}: the findings differ by the cut for {}", keep(&output));
        let problems = whole.iter().filter(|finding| matches!(finding, Finding::Problem(_))).count();
        let lines = output.iter().filter(|&&byte| byte == b'\n').count();
        assert!(problems <= 3 * lines + 10, "{name}: {problems} problems of {lines} lines for {}", keep(&output));
    }
}

/// Keeps what failed, and says where.
fn keep(output: &[u8]) -> String {
    let path = std::env::temp_dir().join("pillion-hostile-output");
    match std::fs::write(&path, output) {
        Ok(()) => path.display().to_string(),
        Err(error) => format!("an output that could not be kept: {error}"),
    }
}

/// What this thread has worked: a busy machine makes an output wait, and does not make it more work.
fn worked() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock is one that every system has, and `time` is there to be written.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).expect("less than a second"))
}

fn timed(engine: Engine, output: &[u8]) -> Duration {
    let mut engine = engine;
    let start = worked();
    let mut findings = Vec::new();
    engine.push(output, &mut findings);
    engine.finish(&mut findings);
    worked() - start
}

/// Fails when `output(GROWTH)` takes much more than `GROWTH` times as long as `output(1)`, and is `measurable`.
fn is_linear(name: &str, measurable: Duration, engine: impl Fn() -> Engine, output: impl Fn(usize) -> Vec<u8>) {
    let (small, large) = (output(1), output(GROWTH));
    let mut ratio = f64::MAX;
    // What else runs takes the caches away: the best of some is compared.
    let (mut least_small, mut least_large) = (Duration::MAX, Duration::MAX);
    for _ in 0..6 {
        least_small = least_small.min(timed(engine(), &small));
        least_large = least_large.min(timed(engine(), &large));
        ratio = least_large.as_secs_f64() / least_small.as_secs_f64();
        if least_large < measurable || ratio < MOST_GROWTH {
            return;
        }
    }
    panic!("{name}: {GROWTH} times the output takes {ratio:.1} times as long, for {}", keep(&large));
}

/// A case printed over and over, some numbers in it changed each time, so that nothing is known already.
fn repeats(case: &Case) {
    let rounds = 200_000 / (case.output.len() + 1) + 1;
    let output = |times: usize| {
        let mut output = Vec::new();
        for round in 0..rounds * times {
            let round = round.to_string();
            let parts = case.output.split(|&byte| byte == b'5');
            let text = parts.collect::<Vec<_>>().join(round.as_bytes());
            output.extend(text);
            output.push(b'\n');
        }
        output
    };
    is_linear(&case.name, MEASURABLE, || case.engine(), output);
}

/// One line whose middle is repeated until it is longer than any that is read.
fn long_line(case: &Case, line: &[u8]) {
    let middle = line.len() / 3;
    let output = |times: usize| {
        let piece = &line[middle..line.len() - middle];
        let piece = if piece.is_empty() { b"x" } else { piece };
        let middle_part = piece.repeat(14_000 * times / piece.len() + 1);
        [&line[..middle], &middle_part, &line[line.len() - middle..], b"\n"].concat()
    };
    is_linear(&case.name, MEASURABLE_LINE, || case.engine(), output);
}

#[test]
fn survives_what_nobody_prints() {
    let seed = seed();
    eprintln!("PILLION_SEED={seed}");
    let mut hostile = Hostile::new(seed);
    for _ in 0..60 {
        hostile.throw();
    }
}

#[test]
fn takes_time_as_the_output_grows() {
    let seed = seed();
    eprintln!("PILLION_SEED={seed}");
    let mut hostile = Hostile::new(seed);
    for _ in 0..4 {
        repeats(hostile.case());
        let mut line = hostile.line();
        hostile.mutate(&mut line);
        long_line(hostile.case(), &line);
    }
}

/// Deep nesting and long runs of one byte, which regular expressions and recursive readers dislike.
#[test]
fn survives_runs_of_one_byte() {
    for command in ["", "pytest", "cargo test", "make", "docker compose up", "turbo run test"] {
        for bait in BAIT.iter().copied().chain(["a", " ", "\0", "(a", "[1] ", "a/", "a:"]) {
            let origin = Origin { command: command.to_owned(), cwd: "/w".into(), root: "/w".into() };
            let mut engine = Engine::new(origin, Arc::new(Tree::new([("/w/a.c", "x\n")])));
            engine.push(&bait.as_bytes().repeat(70_000 / bait.len()), &mut Vec::new());
            engine.push(b"\na.c:1:1: error: x\n", &mut Vec::new());
            engine.finish(&mut Vec::new());
        }
    }
}

/// Not a test: what `cargo xtask fuzz` runs, for `PILLION_FUZZ_SECONDS`, after each case has grown once.
#[test]
#[ignore = "runs for as long as `cargo xtask fuzz` says"]
fn fuzz() {
    let seconds = std::env::var("PILLION_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let seed = seed();
    println!(
        "PILLION_SEED={seed}, {} formats: {}",
        format_names().count(),
        format_names().collect::<Vec<_>>().join(", ")
    );
    let mut hostile = Hostile::new(seed);
    cases().iter().for_each(repeats);
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut thrown, mut grown) = (0, 0);
    while Instant::now() < end {
        for _ in 0..50 {
            hostile.throw();
            thrown += 1;
        }
        let mut line = hostile.line();
        hostile.mutate(&mut line);
        repeats(hostile.case());
        long_line(hostile.case(), &line);
        grown += 2;
    }
    println!("{thrown} outputs survived, {grown} grew as they should");
}
