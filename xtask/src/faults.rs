//! The long fault test: sidecars and shims killed at random moments. Minutes, not seconds: no part of `check`.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::command::{expect_success, program};

/// Makes `arguments[0]` faults (200 when it is left out).
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let faults: u32 = match arguments {
        [] => 200,
        [count] => count.parse()?,
        [..] => bail!("`cargo xtask faults` takes one number at most"),
    };
    expect_success(program("cargo").args(["build", "--locked", "--package", "pillion"]))?;
    expect_success(
        program("cargo")
            .args(["nextest", "run", "--locked", "--package", "pillion-tests", "--test", "faults"])
            .args(["--run-ignored", "only", "--no-capture"])
            .env("PILLION_FAULTS", faults.to_string()),
    )?;
    Ok(ExitCode::SUCCESS)
}
