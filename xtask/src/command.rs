//! Runs other programs: no standard input, what they print is shown as it comes and kept for counting.

use std::ffi::OsStr;
use std::io::{IsTerminal, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{failures, repository};

/// What a program printed and whether it was content.
#[derive(Debug)]
pub struct Outcome {
    /// Standard output and error, in the order in which they arrived, colours included.
    pub text: String,
    pub success: bool,
    /// For messages: `exit status: 101`.
    pub status: String,
}

/// A program in the repository's root, without standard input. Cargo is the one that runs xtask.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let name = name.as_ref();
    let mut command = if name == "cargo" {
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    } else {
        Command::new(name)
    };
    command.current_dir(repository::root()).stdin(Stdio::null());
    // `cargo run` tells xtask what package it is. Build scripts that look at these would run again, with all that follows.
    let told = |name: &str| {
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_PRIMARY_"].iter().any(|start| name.starts_with(start))
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| told(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// Runs to the end, showing what is printed.
pub fn show(command: &mut Command) -> Result<Outcome> {
    watch(command, None)
}

/// Runs for at most `limit`; then the program and all that it started are killed, and that is an error.
pub fn show_within(command: &mut Command, limit: Duration) -> Result<Outcome> {
    // A group of its own, so that all of it can be ended.
    watch(command.process_group(0), Some(limit))
}

/// Runs in silence; an error holds what was printed.
pub fn quietly(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| missing(command))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` ended with {}\n{text}{errors}", line(command), output.status);
    }
    Ok(text)
}

/// An error, with what it said of its failure, unless the program was content.
pub fn expect_success(command: &mut Command) -> Result<Outcome> {
    let outcome = show(command)?;
    if !outcome.success {
        bail!("`{}` ended with {}\n{}", line(command), outcome.status, failures::told(&outcome.text));
    }
    Ok(outcome)
}

/// The command as a person would type it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn missing(command: &Command) -> String {
    format!("cannot run `{}`", command.get_program().to_string_lossy())
}

fn watch(command: &mut Command, limit: Option<Duration>) -> Result<Outcome> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().with_context(|| missing(command))?;
    let (chunks, arriving) = mpsc::channel();
    let readers = [
        child.stdout.take().map(|pipe| copy(pipe, std::io::stdout(), chunks.clone())),
        child.stderr.take().map(|pipe| copy(pipe, std::io::stderr(), chunks)),
    ];
    let end = limit.map(|limit| Instant::now() + limit);
    let mut bytes = Vec::new();
    let mut late = false;
    loop {
        let next = match end {
            Some(end) => arriving.recv_timeout(end.saturating_duration_since(Instant::now())),
            None => arriving.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                late = true;
                kill_group(&mut child);
                break;
            }
        }
    }
    let status = child.wait()?;
    if late {
        bail!("`{}` was still running after {} s and was killed", line(command), limit.unwrap_or_default().as_secs());
    }
    for reader in readers.into_iter().flatten() {
        let _ = reader.join();
    }
    Ok(Outcome {
        text: String::from_utf8_lossy(&bytes).into_owned(),
        success: status.success(),
        status: status.to_string(),
    })
}

fn kill_group(child: &mut std::process::Child) {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // It may be gone by now; then there is nothing to do.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

fn copy(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    chunks: mpsc::Sender<Vec<u8>>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let _ = to.write_all(&buffer[..length]).and_then(|()| to.flush());
            let _ = chunks.send(buffer[..length].to_vec());
        }
    })
}
