//! The budgets, measured on the real binary: what ARCHITECTURE promises, one row each. Prints a Markdown table for
//! BENCHMARKS.md on stdout and what it does on stderr. `cargo xtask bench` builds the binary and runs this; no check
//! does, since a number that depends on the machine's day fails nobody's change. Linux only.

#![expect(clippy::disallowed_methods, reason = "what is quiet is measured over time")]

mod latency;
mod lines;
mod models;
mod process;
mod sidecar;
mod throughput;

use std::time::Duration;

/// One line of the table.
pub struct Row {
    what: String,
    /// `None` where nothing is promised.
    budget: Option<f64>,
    measured: f64,
    unit: &'static str,
    more: String,
}

/// A quantity with its budget.
pub fn row(what: &str, budget: impl Into<Option<f64>>, measured: f64, unit: &'static str, more: String) -> Row {
    eprintln!("  {what}: {measured:.2} {unit} {more}");
    Row { what: what.to_owned(), budget: budget.into(), measured, unit, more }
}

/// Times, sorted.
pub struct Times(Vec<Duration>);

impl Times {
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    /// Milliseconds at a part of a hundred.
    pub fn percentile(&self, percent: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let at = (self.0.len() * percent).div_ceil(100).saturating_sub(1).min(last);
        self.0.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
    }

    /// A row of the 99th percentile, with the rest beside it.
    pub fn row(&self, what: &str, budget: impl Into<Option<f64>>) -> Row {
        let more = format!("p50 {:.2}, max {:.2}, n {}", self.percentile(50), self.percentile(100), self.0.len());
        row(&format!("{what}, p99"), budget, self.percentile(99), "ms", more)
    }
}

fn main() {
    // Words pick steps by their names; without any, all are done.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut rows = Vec::new();
    let mut step = |name: &str, measure: fn() -> Vec<Row>| {
        if !words.is_empty() && !words.iter().any(|word| name.contains(word.as_str())) {
            return;
        }
        eprintln!("{name}");
        rows.extend(measure());
    };
    step("start", latency::start);
    step("memory and quiet", process::memory);
    step("latencies with 50 running", || latency::with_load(50, 0));
    step("latencies with 100 running and 1,000 queued", || latency::with_load(100, 1_000));
    step("a long conversation", models::conversation);
    step("a gigabyte of output", throughput::gigabyte);
    step("matchers", throughput::matchers);
    step("size", process::size);
    println!("| what | measured | budget | |\n|---|---|---|---|");
    for row in &rows {
        let Row { what, budget, measured, unit, more } = row;
        let digits = if *measured >= 100.0 { 0 } else { 2 };
        let (budget, verdict) = match budget {
            None => ("–".to_owned(), ""),
            // A throughput is promised from below, the rest from above.
            Some(least) if *unit == "MB/s" => {
                (format!("{least} {unit}"), if measured < least { "**under budget** " } else { "" })
            }
            Some(most) => (format!("{most} {unit}"), if measured > most { "**over budget** " } else { "" }),
        };
        println!("| {what} | {measured:.digits$} {unit} | {budget} | {verdict}{more} |");
    }
}
