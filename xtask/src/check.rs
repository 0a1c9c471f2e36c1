//! `cargo xtask check`: the definition of done. Its steps run in order. What failed is told once more at the end, and the last
//! line of the output is the truthful sum of all tests, alone on a line, because machines read it.

use std::cell::OnceCell;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command::{self, Outcome, expect_success, program};
use crate::counts::{self, Counts};
use crate::home::Home;
use crate::tools::Tools;
use crate::workbench::Workbench;
use crate::{failures, lua, repository, vscode};

/// The longest that one editor test run or one demo may take.
const LIMIT: Duration = Duration::from_secs(600);

/// What to run.
#[derive(Debug, Default)]
pub struct Options {
    /// Every step when empty.
    steps: Vec<String>,
    keep_going: bool,
    list: bool,
}

impl Options {
    /// Reads the arguments after `check`.
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self { keep_going: std::env::var_os("CI").is_some(), ..Self::default() };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--keep-going" => options.keep_going = true,
                "--list" => options.list = true,
                "--step" => options.steps.push(rest.next().context("--step needs a name")?.clone()),
                other => bail!("check does not know `{other}`"),
            }
        }
        if let Some(name) = options.steps.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
            bail!("there is no step `{name}`; the steps are {}", STEPS.map(|step| step.name).join(", "));
        }
        Ok(options)
    }
}

struct Step {
    name: &'static str,
    about: &'static str,
    /// Runs only when it is asked for: another step contains it.
    on_request: bool,
    run: fn(&Machine) -> Result<Verdict>,
}

const fn step(name: &'static str, about: &'static str, run: fn(&Machine) -> Result<Verdict>) -> Step {
    Step { name, about, on_request: false, run }
}

const STEPS: [Step; 15] = [
    step("tools", "what the other steps need is there", install_tools),
    step("fmt", "the Rust code is formatted", fmt),
    step("clippy", "no lint complains", clippy),
    step("build", "the binary builds", build),
    step("test", "unit tests, black-box tests, the repository's own rules", test),
    Step { on_request: true, ..step("tidy", "the repository's own rules alone", tidy) },
    step("doctest", "the examples in the documentation run", doctest),
    step("doc", "the documentation builds without a warning", doc),
    step("lua", "the Lua code is formatted and clean", lua_code),
    step("nvim", "the plugin's tests in a real Neovim", nvim),
    step("vscode", "the extension's code has no complaint of types, lints and format", vscode_code),
    step("vscode-unit", "the extension's tests without an editor", vscode_unit),
    step("vscode-host", "the extension's tests inside the extension host of a real VS Code", vscode_host),
    step("vscode-ui", "what a person does in a real VS Code with the packaged extension", vscode_ui),
    step("demo", "the demo tells its whole story", demo),
];

/// How a step ended: tests that it ran, and what failed of it.
struct Verdict {
    counts: Counts,
    /// `None` when the step holds.
    failure: Option<String>,
}

impl Verdict {
    const HOLDS: Self = Self { counts: Counts { passed: 0, failed: 0 }, failure: None };

    fn fails(failure: String) -> Self {
        Self { counts: Counts::default(), failure: Some(failure) }
    }

    /// A test run holds when its runner was content, counted something and counted no failure.
    fn of_tests(outcome: &Outcome, counts: Option<Counts>) -> Self {
        match counts {
            Some(counts) => {
                let holds = outcome.success && counts.failed == 0;
                Self { counts, failure: (!holds).then(|| failures::told(&outcome.text)) }
            }
            None => {
                let why = format!("no count of tests was found in what was printed ({})", outcome.status);
                eprintln!("{why}");
                Self::fails(format!("{}\n{why}", failures::told(&outcome.text)))
            }
        }
    }
}

/// The tools, found or installed at first use.
#[derive(Default)]
struct Machine {
    tools: OnceCell<Tools>,
    workbench: OnceCell<Workbench>,
}

impl Machine {
    fn tools(&self) -> Result<&Tools> {
        if self.tools.get().is_none() {
            let _ = self.tools.set(Tools::install()?);
        }
        self.tools.get().context("no tools")
    }

    fn workbench(&self) -> Result<&Workbench> {
        if self.workbench.get().is_none() {
            let _ = self.workbench.set(Workbench::install()?);
        }
        self.workbench.get().context("no workbench")
    }
}

/// Runs the steps and tells how they ended.
pub fn run(options: &Options) -> Result<ExitCode> {
    if options.list {
        for step in &STEPS {
            println!("{:11} {}", step.name, step.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let machine = Machine::default();
    let wanted: Vec<&Step> = if options.steps.is_empty() {
        STEPS.iter().filter(|step| !step.on_request).collect()
    } else {
        STEPS.iter().filter(|step| options.steps.iter().any(|name| name == step.name)).collect()
    };
    let mut report = Vec::new();
    let mut failures = Vec::new();
    let mut total = Counts::default();
    let mut failed_steps = 0;
    for step in wanted {
        if failed_steps > 0 && !options.keep_going {
            report.push(format!("-     {:11} not run", step.name));
            continue;
        }
        println!("\n==> {}: {}", step.name, step.about);
        let start = Instant::now();
        let verdict = (step.run)(&machine).unwrap_or_else(|error| {
            let why = format!("{error:#}");
            eprintln!("{}: {}", step.name, why.lines().next().unwrap_or_default());
            Verdict::fails(why)
        });
        let word = if verdict.failure.is_none() { "ok" } else { "FAIL" };
        let line = format!("{word:5} {:11} {:6.1} s", step.name, start.elapsed().as_secs_f64());
        println!("<== {line}");
        report.push(line);
        total += verdict.counts;
        if let Some(failure) = verdict.failure {
            failed_steps += 1;
            failures.push(format!("==> what failed in {}\n{failure}", step.name));
            // A step that fails without a failed test counts as one failure: the sum never looks better than it is.
            total.failed += u64::from(verdict.counts.failed == 0);
        }
    }
    println!("\n{}\n", report.join("\n"));
    for failure in failures {
        println!("{failure}\n");
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if failed_steps == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cargo(arguments: &[&str]) -> Result<Verdict> {
    expect_success(program("cargo").args(arguments))?;
    Ok(Verdict::HOLDS)
}

fn install_tools(machine: &Machine) -> Result<Verdict> {
    println!("{}", machine.tools()?);
    Ok(Verdict::HOLDS)
}

fn fmt(_: &Machine) -> Result<Verdict> {
    cargo(&["fmt", "--all", "--check"])
}

fn clippy(_: &Machine) -> Result<Verdict> {
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
}

fn build(_: &Machine) -> Result<Verdict> {
    cargo(&["build", "--package", "pillion", "--locked"])
}

fn test(machine: &Machine) -> Result<Verdict> {
    nextest(machine, &["--workspace"])
}

fn tidy(machine: &Machine) -> Result<Verdict> {
    nextest(machine, &["--package", "pillion-tests", "--test", "tidy"])
}

fn nextest(machine: &Machine, which: &[&str]) -> Result<Verdict> {
    let tools = machine.tools()?;
    let mut run = program(&tools.nextest);
    run.args(["nextest", "run", "--locked", "--no-fail-fast"])
        .args(which)
        .env("PILLION_BIN", repository::pillion()?)
        .env("PILLION_TEST_PYTHON", &tools.python)
        .env("PILLION_NVIM", &tools.nvim);
    if std::env::var_os("CI").is_some() {
        run.args(["--profile", "ci"]);
    }
    let outcome = command::show(&mut run)?;
    Ok(Verdict::of_tests(&outcome, counts::nextest(&outcome.text)))
}

fn doctest(_: &Machine) -> Result<Verdict> {
    let outcome = command::show(program("cargo").args(["test", "--doc", "--workspace", "--locked"]))?;
    Ok(Verdict::of_tests(&outcome, counts::cargo_test(&outcome.text)))
}

fn doc(_: &Machine) -> Result<Verdict> {
    let arguments = ["doc", "--no-deps", "--workspace", "--lib", "--locked"];
    expect_success(program("cargo").args(arguments).env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Verdict::HOLDS)
}

fn lua_code(machine: &Machine) -> Result<Verdict> {
    lua::check(machine.tools()?)?;
    Ok(Verdict::HOLDS)
}

fn nvim(machine: &Machine) -> Result<Verdict> {
    let script = repository::nvim_plugin().join("tests").join("run.sh");
    let mut run = program(&script);
    run.arg(&machine.tools()?.nvim).env("PILLION_BIN", repository::pillion()?);
    let outcome = command::show_within(&mut run, LIMIT)?;
    Ok(Verdict::of_tests(&outcome, counts::last_line(&outcome.text)))
}

fn vscode_code(machine: &Machine) -> Result<Verdict> {
    vscode::code(machine.workbench()?)?;
    Ok(Verdict::HOLDS)
}

fn vscode_unit(machine: &Machine) -> Result<Verdict> {
    let outcome = vscode::unit(machine.workbench()?)?;
    Ok(Verdict::of_tests(&outcome, counts::mocha(&outcome.text)))
}

fn vscode_host(machine: &Machine) -> Result<Verdict> {
    let outcome = vscode::host(machine.workbench()?)?;
    Ok(Verdict::of_tests(&outcome, counts::last_line(&outcome.text)))
}

fn vscode_ui(machine: &Machine) -> Result<Verdict> {
    let outcome = vscode::ui(machine.workbench()?)?;
    Ok(Verdict::of_tests(&outcome, counts::mocha(&outcome.text)))
}

fn demo(_: &Machine) -> Result<Verdict> {
    let home = Home::new()?;
    let mut run = program(repository::pillion()?);
    home.house(run.arg("demo"))?;
    let outcome = command::show_within(&mut run, LIMIT)?;
    if !outcome.success {
        bail!("`pillion demo` ended with {}", outcome.status);
    }
    if outcome.text.trim().is_empty() {
        bail!("`pillion demo` said nothing");
    }
    Ok(Verdict::HOLDS)
}
