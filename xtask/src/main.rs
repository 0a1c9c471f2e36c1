//! The developer's commands, `cargo xtask …`. This file only reads the arguments; each command has a file of its own.

mod bench;
mod check;
mod command;
mod corpus;
mod counts;
mod failures;
mod faults;
mod home;
mod lua;
mod model;
mod record;
mod repository;
mod svg;
mod terminal;
mod tools;
mod try_nvim;
mod vscode;
mod workbench;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask COMMAND

  check               everything that must hold: format, lints, build, tests, documents, Lua, Neovim, VS Code,
                      the demo
    --step NAME       one step only; may be given again
    --keep-going      run the steps after a failed one too (always so when CI is set)
    --list            name the steps
  fmt                 format Rust and Lua in place
  tools               install what the checks need under target/tools, and say where it is
  try [-- ARGS…]      Neovim on a copy of the demo project, with this plugin and this build
  bench [--dist] [--editor] [--write]
                      measure the budgets; --dist with the shipped profile, --editor those of the VS Code extension,
                      --write into BENCHMARKS.md
  score [CASES]       what the matchers find in the captured outputs: recall, precision, share that is right, by tool
  fuzz [SECONDS]      each captured output made longer, then hostile ones for every matcher, for a minute
  faults [COUNT]      kill sidecars and shims at random moments, 200 times, and see that nothing is lost
  model               compile a real model server (llama.cpp) with a small model, and test against it
  vsix                the VS Code extension with the shipped program: target/vscode/pillion.vsix
  screenshots         take the pictures of its README in a real VS Code
  record [COMMAND…]   draw docs/demo.svg from what `pillion demo` (or COMMAND) prints
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<ExitCode> {
    let Some((name, rest)) = arguments.split_first() else {
        eprint!("{USAGE}");
        return Ok(ExitCode::from(2));
    };
    match name.as_str() {
        "check" => check::run(&check::Options::parse(rest)?),
        "fmt" => lua::format_everything().map(|()| ExitCode::SUCCESS),
        "tools" => {
            println!("{}", tools::Tools::install()?);
            Ok(ExitCode::SUCCESS)
        }
        "try" => try_nvim::run(rest),
        "bench" => bench::run(rest).map(|()| ExitCode::SUCCESS),
        "score" => corpus::score(rest).map(|()| ExitCode::SUCCESS),
        "fuzz" => corpus::fuzz(rest).map(|()| ExitCode::SUCCESS),
        "faults" => faults::run(rest),
        "model" => model::run(rest),
        "vsix" => vscode::ship().map(|()| ExitCode::SUCCESS),
        "screenshots" => vscode::screenshots().map(|()| ExitCode::SUCCESS),
        "record" => record::run(rest).map(|()| ExitCode::SUCCESS),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("there is no command `{other}`; `cargo xtask help` lists them"),
    }
}
