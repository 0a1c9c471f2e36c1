//! `cargo xtask score` and `cargo xtask fuzz`: what the matchers make of the captured outputs, and what they make of
//! hostile ones. The work is in `server/tests/corpus`.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{expect_success, program};

/// Prints recall, precision and the share that is right, by tool; of the cases whose names begin with the argument.
pub fn score(arguments: &[String]) -> Result<()> {
    let cases = match arguments {
        [] => "",
        [cases] => cases,
        _ => bail!("`score` takes the beginning of the cases' names, for instance `pytest/`"),
    };
    run(corpus("score", &[]).env("PILLION_CASES", cases))
}

/// Throws mutated outputs at every matcher for so many seconds, a minute when it is not said.
pub fn fuzz(arguments: &[String]) -> Result<()> {
    let seconds: u64 = match arguments {
        [] => 60,
        [seconds] => seconds.parse().with_context(|| format!("`fuzz` takes seconds, not `{seconds}`"))?,
        _ => bail!("`fuzz` takes seconds"),
    };
    // Without optimization most of the time goes into the test's own loops.
    run(corpus("hostile::fuzz", &["--release"]).env("PILLION_FUZZ_SECONDS", seconds.to_string()))
}

fn corpus(test: &str, options: &[&str]) -> Command {
    let mut command = program("cargo");
    command.args(["test", "--quiet", "--locked", "--package", "pillion", "--test", "corpus"]).args(options);
    command.args(["--", "--ignored", "--nocapture", "--exact", test]);
    command
}

fn run(command: &mut Command) -> Result<()> {
    expect_success(command).map(drop)
}
