//! The binary. Dispatch only.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pillion::cli::{demo, doctor, parse, run};
use pillion::config::Config;

/// A coding agent's sidecar for the editor.
#[derive(Parser)]
#[command(name = "pillion", version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Speak on stdin and stdout; what editors pass. It is what happens anyway.
    #[arg(long, global = true, hide = true)]
    stdio: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Serve one editor on stdin and stdout (the default).
    Serve,
    Run(run::RunArgs),
    /// Play the main job with a little project, real tests and no editor.
    Demo(demo::DemoArgs),
    /// Find problems in captured output on stdin; one JSON object a line.
    Parse(parse::ParseArgs),
    Doctor(doctor::DoctorArgs),
}

fn main() -> ExitCode {
    // Before anything else starts: the shim has one thread and almost no memory.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "shim") {
        return pillion::task::shim::main();
    }
    match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve(),
        Command::Run(arguments) => run(arguments),
        Command::Demo(arguments) => demo(arguments),
        Command::Parse(arguments) => finished(parse::run(arguments)),
        Command::Doctor(arguments) => doctor(arguments),
    }
}

fn finished(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pillion: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: run::RunArgs) -> ExitCode {
    let is_dumb = std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
    match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(run::run(arguments, is_dumb || no_color()));
            // A thread may still be waiting for file events.
            runtime.shutdown_background();
            ExitCode::from(code)
        }
        Err(error) => finished(Err(error.into())),
    }
}

/// The convention of no-color.org.
fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

fn demo(mut arguments: demo::DemoArgs) -> ExitCode {
    arguments.no_color |= no_color();
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => finished(runtime.block_on(demo::run(arguments))),
        Err(error) => finished(Err(error.into())),
    }
}

fn doctor(arguments: doctor::DoctorArgs) -> ExitCode {
    let found = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(doctor::run(arguments)),
        Err(error) => Err(error.into()),
    };
    match found {
        Ok(wrong) if wrong > 0 => ExitCode::FAILURE,
        other => finished(other.map(drop)),
    }
}

fn serve() -> ExitCode {
    let config = Config::from_env();
    pillion::cli::log::start(&config.state_dir());
    if let Err(error) = pillion::task::process::adopt_orphans() {
        tracing::warn!(%error, "orphans of a killed shim cannot be adopted");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return finished(Err(anyhow::Error::from(error).context("the runtime could not start"))),
    };
    let code = runtime.block_on(pillion::lsp::serve(config));
    // A thread may still be reading stdin: the process ends without it.
    runtime.shutdown_background();
    std::process::exit(code);
}
