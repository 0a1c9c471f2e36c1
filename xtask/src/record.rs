//! `cargo xtask record`: runs the demo in a pseudo terminal and draws what it shows, for the README.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Command;

use anyhow::{Context, Result, bail};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::command::{self, expect_success, program};
use crate::home::Home;
use crate::terminal::Screen;
use crate::{repository, svg};

const COLUMNS: usize = 100;
const ROWS: usize = 50;

/// Draws `docs/demo.svg` from the demo, or from the command that is given.
pub fn run(arguments: &[String]) -> Result<()> {
    let home = Home::new()?;
    let (mut command, title) = match arguments.split_first() {
        Some((name, rest)) => {
            let mut command = program(name);
            command.args(rest);
            (command, arguments.join(" "))
        }
        None => {
            expect_success(program("cargo").args(["build", "--package", "pillion"]))?;
            let mut command = program(repository::pillion()?);
            home.house(command.arg("demo"))?;
            (command, "pillion demo".to_owned())
        }
    };
    let printed = in_terminal(&mut command)?;
    let mut screen = Screen::new(COLUMNS);
    screen.print(&printed);
    let lines = screen.into_lines();
    let file = repository::root().join("docs").join("demo.svg");
    std::fs::write(&file, svg::draw(&lines, COLUMNS, &title))
        .with_context(|| format!("cannot write {}", file.display()))?;
    println!("\n{}: {} lines", file.display(), lines.len());
    Ok(())
}

/// Runs a program in a terminal of a known size and returns all that it printed there.
fn in_terminal(command: &mut Command) -> Result<String> {
    let control = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).context("cannot open a pseudo terminal")?;
    grantpt(&control)?;
    unlockpt(&control)?;
    let name = ptsname(&control, Vec::new())?.into_string()?;
    let terminal = || File::options().read(true).write(true).open(&name).with_context(|| format!("cannot open {name}"));
    command::quietly(
        program("stty").args(["cols", &COLUMNS.to_string(), "rows", &ROWS.to_string()]).stdin(terminal()?),
    )?;
    command
        .stdin(terminal()?)
        .stdout(terminal()?)
        .stderr(terminal()?)
        .env("TERM", "xterm-256color")
        .env("COLORTERM", "truecolor")
        .env_remove("NO_COLOR")
        .env_remove("CI");
    let mut child = command.spawn().with_context(|| format!("cannot run `{}`", command::line(command)))?;
    // The command holds this side's copies of the terminal; they must be closed for the end to be seen.
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let printed = read_to_end(control);
    let status = child.wait()?;
    if !status.success() {
        bail!("`{}` ended with {status}", command::line(command));
    }
    Ok(printed)
}

/// Reads, and shows, until nobody has the terminal open: Linux tells that as an error (EIO).
fn read_to_end(control: OwnedFd) -> String {
    let mut control = File::from(control);
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = control.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..length]);
        let _ = std::io::stdout().write_all(&buffer[..length]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
