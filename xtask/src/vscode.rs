//! The VS Code extension: its packages, its checks, its .vsix, its tests in a real VS Code, and the README's pictures.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::command::{self, Outcome, expect_success, program};
use crate::repository;
use crate::workbench::Workbench;

/// The longest that one suite may take.
const LIMIT: Duration = Duration::from_secs(1800);
/// Mocha's words against tests that are not run.
const MOCHA: [&str; 2] = ["--forbid-only", "--forbid-pending"];

fn folder() -> PathBuf {
    repository::root().join("vscode-extension")
}

/// A program of the extension's packages, on the Node that is installed for it.
fn tool(workbench: &Workbench, name: &str) -> Result<Command> {
    let mut tool = program(workbench.node_bin.join("node"));
    tool.current_dir(folder()).env("PATH", workbench.path()?);
    tool.arg(folder().join("node_modules").join(".bin").join(name));
    Ok(tool)
}

/// A script of the extension's own.
fn script(workbench: &Workbench, path: &str) -> Result<Command> {
    let mut script = program(workbench.node_bin.join("node"));
    script.current_dir(folder()).env("PATH", workbench.path()?).arg(path);
    script
        .env("PILLION_CODE_SERVER", &workbench.code_server)
        .env("PILLION_CHROMIUM", &workbench.chromium)
        .env("PILLION_BIN", repository::pillion()?)
        .env("PILLION_VSIX", vsix()?);
    Ok(script)
}

/// The packages of the lock file, installed once for each lock file.
pub fn install(workbench: &Workbench) -> Result<()> {
    let wanted = std::fs::read(folder().join("package-lock.json"))?;
    let stamp = folder().join("node_modules").join(".installed-lock.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("installing the extension's packages");
    let mut npm = program("npm");
    npm.current_dir(folder()).env("PATH", workbench.path()?);
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]);
    command::quietly(&mut npm).context("the extension's packages could not be installed; is the network reachable?")?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}

/// Types, lints and format.
pub fn code(workbench: &Workbench) -> Result<()> {
    install(workbench)?;
    expect_success(&mut tool(workbench, "tsc")?)?;
    expect_success(tool(workbench, "tsc")?.args(["-p", "webview"]))?;
    expect_success(tool(workbench, "eslint")?.arg("."))?;
    expect_success(tool(workbench, "prettier")?.args(["--check", "."]))?;
    Ok(())
}

/// Tests without an editor: reducers, words, the contract's examples; the chat's page alone in Chromium.
pub fn unit(workbench: &Workbench) -> Result<Outcome> {
    install(workbench)?;
    expect_success(script(workbench, "esbuild.mjs")?.arg("--tests"))?;
    let mut mocha = script(workbench, "node_modules/.bin/mocha")?;
    mocha.args(MOCHA).args(["dist/test/unit/*.js", "test/unit/*.test.mjs", "test/webview/*.test.mjs"]);
    command::show_within(&mut mocha, LIMIT)
}

/// The suite inside the extension host of VS Code.
pub fn host(workbench: &Workbench) -> Result<Outcome> {
    install(workbench)?;
    expect_success(script(workbench, "esbuild.mjs")?.arg("--tests"))?;
    command::show_within(&mut script(workbench, "test/harness/host.mjs")?, LIMIT)
}

/// What a person does in VS Code, over the packaged extension.
pub fn ui(workbench: &Workbench) -> Result<Outcome> {
    install(workbench)?;
    package(workbench, &repository::pillion()?)?;
    let mut mocha = script(workbench, "node_modules/.bin/mocha")?;
    mocha.args(MOCHA).arg("test/ui/*.test.mjs");
    command::show_within(&mut mocha, LIMIT)
}

fn vsix() -> Result<PathBuf> {
    Ok(repository::target()?.join("vscode").join("pillion.vsix"))
}

fn package(workbench: &Workbench, binary: &std::path::Path) -> Result<()> {
    let out = vsix()?;
    std::fs::create_dir_all(out.parent().context("the .vsix has no folder")?)?;
    let mut package = script(workbench, "package.mjs")?;
    command::quietly(package.arg("--binary").arg(binary).arg("--out").arg(&out))?;
    Ok(())
}

/// `cargo xtask vsix`: the extension with the program as it is shipped.
pub fn ship() -> Result<()> {
    /// What the design promises.
    const MOST_BYTES: u64 = 12_000_000;
    let workbench = Workbench::install()?;
    install(&workbench)?;
    expect_success(program("cargo").args(["build", "--package", "pillion", "--profile", "dist", "--locked"]))?;
    package(&workbench, &repository::target()?.join("dist").join("pillion"))?;
    let file = vsix()?;
    let bytes = std::fs::metadata(&file)?.len();
    println!("{}: {bytes} bytes", file.display());
    if bytes > MOST_BYTES {
        let over = bytes - MOST_BYTES;
        bail!(
            "{} has {bytes} bytes, {over} more than the {MOST_BYTES} that a .vsix may have; `unzip -v` names the largest files in it",
            file.display()
        );
    }
    Ok(())
}

/// What measures the packaged extension with this program: `cargo xtask bench --editor`. The table is its standard output.
pub fn budgets(binary: &std::path::Path) -> Result<Command> {
    let workbench = Workbench::install()?;
    install(&workbench)?;
    package(&workbench, binary)?;
    script(&workbench, "test/harness/budgets.mjs")
}

/// `cargo xtask screenshots`: the README's pictures, taken in the real editor.
pub fn screenshots() -> Result<()> {
    let workbench = Workbench::install()?;
    install(&workbench)?;
    package(&workbench, &repository::pillion()?)?;
    let outcome = command::show_within(&mut script(&workbench, "test/harness/screenshots.mjs")?, LIMIT)?;
    if !outcome.success {
        bail!("the pictures were not taken: {}", outcome.status);
    }
    Ok(())
}
