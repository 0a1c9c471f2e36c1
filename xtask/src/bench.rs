//! `cargo xtask bench`: builds the sidecar as people run it, measures it against the budgets, prints the table, and with
//! `--write` puts it into BENCHMARKS.md. What is measured, and how, is in `tests/benches/budgets`; with `--editor` it is the
//! packaged VS Code extension in a real window, as `vscode-extension/test/harness/budgets.mjs` says.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::command::{expect_success, program, quietly};
use crate::{repository, vscode};

const END: &str = "<!-- end of what was measured -->\n";

/// What was asked for.
#[derive(Debug, Default)]
struct Options {
    /// The shipped profile, whose build takes minutes.
    dist: bool,
    write: bool,
    /// The VS Code extension, and not the sidecar alone.
    editor: bool,
}

impl Options {
    /// What stands before its table in BENCHMARKS.md.
    fn mark(&self) -> &'static str {
        if self.editor {
            "<!-- measured by `cargo xtask bench --editor --write` -->\n"
        } else {
            "<!-- measured by `cargo xtask bench --write` -->\n"
        }
    }
}

/// Measures. The arguments are `--dist`, `--editor` and `--write`.
pub fn run(arguments: &[String]) -> Result<()> {
    let mut options = Options::default();
    for argument in arguments {
        match argument.as_str() {
            "--dist" => options.dist = true,
            "--write" => options.write = true,
            "--editor" => options.editor = true,
            other => bail!("`bench` takes --dist, --editor and --write, not `{other}`"),
        }
    }
    let profile = if options.dist { "dist" } else { "release" };
    expect_success(program("cargo").args(["build", "--locked", "--package", "pillion", "--profile", profile]))?;
    let binary = repository::target()?.join(profile).join(format!("pillion{}", std::env::consts::EXE_SUFFIX));
    let mut bench = if options.editor {
        vscode::budgets(&binary)?
    } else {
        let mut bench = program("cargo");
        bench.args(["bench", "--quiet", "--locked", "--package", "pillion-tests", "--bench", "budgets"]);
        bench.env("PILLION_BIN", &binary);
        bench
    };
    let before = load();
    let table = printed(&mut bench)?;
    let text = format!("{}\n{table}", head(profile, &before)?);
    println!("\n{text}");
    if options.write { write(options.mark(), &text) } else { Ok(()) }
}

/// What it printed on standard output; its other words go to the terminal.
fn printed(command: &mut std::process::Command) -> Result<String> {
    let output = command.stderr(std::process::Stdio::inherit()).output().context("it did not start")?;
    if !output.status.success() {
        bail!("the measurement ended with {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Where and when: without it a number says nothing.
fn head(profile: &str, load_before: &str) -> Result<String> {
    let said =
        |name: &str, arguments: &[&str]| quietly(program(name).args(arguments)).map(|text| text.trim().to_owned());
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|it| it.1);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (system, date, commit) =
        (said("uname", &["-sr"])?, said("date", &["-u", "+%F"])?, said("git", &["rev-parse", "--short", "HEAD"])?);
    Ok(format!(
        "{date}, commit {commit}, profile `{profile}`: {cores} cores ({}), {system}; load average before {load_before}, after {}.\n",
        processor.unwrap_or("unknown"),
        load()
    ))
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

/// Replaces what was measured before; the words around it stay.
fn write(begin: &str, text: &str) -> Result<()> {
    let path: PathBuf = repository::root().join("BENCHMARKS.md");
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (before, rest) = page.split_once(begin).context("BENCHMARKS.md has lost the mark before its table")?;
    let (_, after) = rest.split_once(END).context("BENCHMARKS.md has lost the mark behind its table")?;
    fs::write(&path, format!("{before}{begin}\n{text}\n{END}{after}"))
        .with_context(|| format!("cannot write {}", path.display()))
}
