//! The test against a real model server, which is compiled for it. Minutes, not seconds: no part of `check`.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::command::{expect_success, program};
use crate::tools;

/// Installs the server where it is not, and runs the test.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    if !arguments.is_empty() {
        bail!("`cargo xtask model` takes no arguments");
    }
    let python = tools::install_model_server()?;
    expect_success(program("cargo").args(["build", "--locked", "--package", "pillion"]))?;
    expect_success(
        program("cargo")
            .args(["nextest", "run", "--locked", "--package", "pillion-tests", "--test", "real_model"])
            // One at a time: each has a server that takes all cores.
            .args(["--run-ignored", "only", "--no-capture"])
            .env("PILLION_MODEL_PYTHON", python),
    )?;
    Ok(ExitCode::SUCCESS)
}
