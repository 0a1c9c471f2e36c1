//! Tells what a listener has heard, when it is time; and finds out who has the address that a command could not have.
//! Knows no ledger.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::address;
use super::listen::Listener;
use super::reporter::{End, Reporter};
use super::run::{Ending, RunEvent};
use super::system;

/// How long a command has to end, or to find another address, before it is told that it goes on without.
const PATIENCE: Duration = Duration::from_secs(2);

/// The news of one run.
pub struct News {
    pub reporter: Reporter,
    command: String,
    epoch: Instant,
    /// When the taken address is told, and then that it was.
    taken: Taken,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Taken {
    Unheard,
    Due(Instant),
    Told,
}

impl News {
    /// News for a reporter. Batches are timed from `epoch`.
    pub fn new(reporter: Reporter, command: &str, epoch: Instant) -> Self {
        Self { reporter, command: command.to_owned(), epoch, taken: Taken::Unheard }
    }

    /// When there is something to tell.
    pub fn due(&self, listener: &Listener) -> Option<Instant> {
        let batch = listener.due().map(|due| self.epoch + due);
        let taken = match self.taken {
            Taken::Due(at) => Some(at),
            Taken::Unheard | Taken::Told => None,
        };
        [batch, taken].into_iter().flatten().min()
    }

    /// Tells what is due.
    pub async fn tell(&mut self, listener: &mut Listener) {
        let now = Instant::now();
        self.heard(listener, false);
        self.taken = match (self.taken, listener.taken()) {
            (Taken::Told, _) => Taken::Told,
            (_, None) => Taken::Unheard,
            (Taken::Unheard, Some(_)) => Taken::Due(now + PATIENCE),
            (Taken::Due(at), Some(_)) => Taken::Due(at),
        };
        if let (Taken::Due(at), Some(port)) = (self.taken, listener.taken())
            && at <= now
        {
            self.address(port, true).await;
        }
    }

    /// The run is over: the rest, and why it could not listen.
    pub async fn tell_last(&mut self, listener: Option<&mut Listener>, end: &End, output: &str) {
        if let Some(listener) = listener {
            self.heard(listener, true);
        }
        let failed =
            matches!(end.ending, Ending::Exited { code } if code != 0) || matches!(end.ending, Ending::Signaled { .. });
        if failed
            && self.taken != Taken::Told
            && let Some(port) = address::taken_in(output, &self.command)
        {
            self.address(port, false).await;
        }
    }

    fn heard(&self, listener: &mut Listener, last: bool) {
        if let Some(batch) = listener.take_batch(self.epoch.elapsed(), last) {
            self.reporter.send(RunEvent::Matched(batch));
        }
        if let Some(ready) = listener.take_ready() {
            self.reporter.send(RunEvent::Ready(ready));
        }
    }

    async fn address(&mut self, port: u16, goes_on: bool) {
        self.taken = Taken::Told;
        let port = if port > 0 { port } else { address::port_of(&self.command).unwrap_or(0) };
        let holder = match port {
            0 => None,
            port => spawn_blocking(move || system::listener(port)).await.ok().flatten(),
        };
        self.reporter.send(RunEvent::AddressTaken { port, holder, goes_on });
    }
}
