//! `pillion run`: a command as a task, in a terminal. Inside a workspace whose sidecar runs it joins that one's ledger; else
//! the same engine runs it here. What is shown is the same. Exits as the command did.

mod alone;
mod command;
mod joined;
mod news;
mod output;
mod view;

use std::path::PathBuf;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::news::{News, Outcome, Task};
use self::output::Output;
use self::view::View;
use crate::config::{self, Config};
use crate::task::model::Group;

/// Pillion itself could not do its part: what `timeout` and container runtimes exit with.
const OWN_FAILURE: u8 = 125;

/// Run a command as a task: live progress and problems here and in the editor whose workspace this is. Exits as the
/// command does; 124 when its time is over, 125 when Pillion itself failed.
#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    /// What it is for; seen from the command when unset.
    #[arg(long, value_parser = ["build", "test", "lint", "install", "run", "other"])]
    pub group: Option<String>,
    /// Where it runs; here when unset.
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// What it is called in lists; the command when unset.
    #[arg(long)]
    pub label: Option<String>,
    /// Ends it after this many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: Option<u64>,
    /// Show the command's output as it comes, in place of the live view. It is what happens when the output is piped.
    #[arg(short, long)]
    pub output: bool,
    /// Run it here, also where a sidecar is there to join.
    #[arg(long)]
    pub alone: bool,
    /// The command. One argument is run by the shell as it is; of several each is one word.
    #[arg(required = true, trailing_var_arg = true)]
    pub command: Vec<String>,
}

/// A command that is to run.
struct Wanted {
    command: String,
    /// Canonical.
    cwd: PathBuf,
    group: Option<Group>,
    label: Option<String>,
    timeout_ms: Option<u64>,
}

/// Runs the command to its end; gives the exit code. `is_plain`: no colours and nothing that moves (NO_COLOR, a dumb
/// terminal).
pub async fn run(args: RunArgs, is_plain: bool) -> u8 {
    match attempt(args, is_plain).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pillion: {error:#}");
            OWN_FAILURE
        }
    }
}

async fn attempt(args: RunArgs, is_plain: bool) -> anyhow::Result<u8> {
    let line = command::line(&args.command);
    anyhow::ensure!(
        !line.trim().is_empty(),
        "the command is empty; give one, for instance `pillion run -- cargo test`"
    );
    let config = Config::from_env();
    let here = std::env::current_dir().context("the working directory is gone")?;
    let cwd = args.cwd.map_or_else(|| here.clone(), |cwd| here.join(cwd));
    let wanted = Wanted {
        command: line,
        cwd: cwd.canonicalize().with_context(|| format!("--cwd {}: no such folder", cwd.display()))?,
        group: args.group.as_deref().and_then(Group::parse),
        label: args.label,
        timeout_ms: args.timeout.map(|seconds| seconds.saturating_mul(1_000)),
    };
    // Before anything starts: a signal that comes early is not lost.
    let signals = Signals::new().context("no signals can be waited for")?;
    let environment = config::environment();
    let joined = match args.alone {
        true => None,
        false => joined::start(&config, &wanted, environment.clone()).await?,
    };
    let task = match joined {
        Some(task) => task,
        None => alone::start(&config, &wanted, environment)?,
    };
    let view = View::new(args.output, is_plain, wanted.cwd);
    Ok(attend(task, view, signals).await)
}

/// Shows a task until it is over.
async fn attend(mut task: Task, mut view: View, mut signals: Signals) -> u8 {
    let mut output = Output::default();
    let mut asked: Option<i32> = None;
    let mut broken = false;
    let outcome = loop {
        tokio::select! {
            news = task.news.recv() => match news {
                Some(News::Row(row)) => {
                    output.is_at(&row.output);
                    if let Some(outcome) = row.outcome() {
                        shown(view.row(*row));
                        break Some(outcome);
                    }
                    shown(view.row(*row));
                }
                Some(News::Found(found)) => shown(view.found(found)),
                Some(News::Refused(why)) => {
                    shown(view.say(&why));
                    return OWN_FAILURE;
                }
                None => break None,
            },
            bytes = output.next(), if view.shows_output() && !broken => {
                // Who reads the output has gone: the command would have got SIGPIPE.
                if !bytes.is_empty() && view.output(&bytes).is_err() {
                    broken = true;
                    asked.get_or_insert(SIGPIPE);
                    task.stop();
                }
            }
            number = signals.next() => {
                asked.get_or_insert(number);
                task.stop();
                shown(view.stopping());
            }
            () = view.tick() => {}
        }
    };
    let Some(outcome) = outcome else {
        shown(view.say("the sidecar that ran this is gone, and the command with it"));
        return OWN_FAILURE;
    };
    if view.shows_output() && !broken {
        for bytes in std::iter::from_fn(|| output.rest()) {
            if view.output(&bytes).is_err() {
                break;
            }
        }
    }
    shown(view.end(&output));
    task.close().await;
    code(outcome, asked)
}

/// What cannot be shown is no reason to leave the command alone: a terminal that is gone sends a signal.
fn shown(_: std::io::Result<()>) {}

const SIGPIPE: i32 = 13;

/// As shells say it.
fn code(outcome: Outcome, asked: Option<i32>) -> u8 {
    let of_signal = |signal: i32| u8::try_from(128 + signal).unwrap_or(u8::MAX);
    match outcome {
        Outcome::Exited(code) => u8::try_from(code.rem_euclid(256)).unwrap_or(u8::MAX),
        Outcome::Signaled(signal) => of_signal(signal),
        Outcome::Stopped(signal) => of_signal(asked.or(signal).unwrap_or(15)),
        Outcome::TimedOut => 124,
        Outcome::NotStarted => 126,
        Outcome::Lost => OWN_FAILURE,
    }
}

/// What asks this process to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The number of the next one.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            // Of two at once the person's own counts first.
            biased;
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
            _ = self.hangup.recv() => SignalKind::hangup().as_raw_value(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_shells() {
        for (outcome, asked, expected) in [
            (Outcome::Exited(3), None, 3),
            (Outcome::Exited(0), Some(2), 0),
            (Outcome::Signaled(9), None, 137),
            (Outcome::Stopped(Some(15)), Some(2), 130),
            (Outcome::Stopped(Some(9)), None, 137),
            (Outcome::Stopped(None), None, 143),
            (Outcome::TimedOut, None, 124),
            (Outcome::NotStarted, None, 126),
            (Outcome::Lost, None, 125),
        ] {
            assert_eq!(code(outcome, asked), expected, "{outcome:?} {asked:?}");
        }
    }
}
