//! The shim's door: where the next sidecar knocks when the shim's own is gone, and how long the shim waits for it. While
//! a sidecar is there nobody listens: whoever knocks then waits in the socket's queue. Knows no tree.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Instant;

use rustix::event::PollFlags;

use super::socket::Socket;
use crate::task::link::{OLDEST, Order, Refusal, Report, Takeover, Terms, VERSION};

/// Visitors that have not said what they want; more wait outside.
const VISITORS: usize = 8;

/// The way in for another sidecar.
pub struct Door {
    /// `None` where there is no taking over.
    open: Option<(UnixListener, Terms)>,
    path: PathBuf,
    visitors: Vec<Socket>,
    /// Since when no sidecar is there.
    left: Option<Instant>,
}

impl Door {
    /// Listens at the named place. Without one, or where it cannot be, the sidecar's end is the run's.
    pub fn new(takeover: Option<Takeover>) -> Self {
        let mut door = Self { open: None, path: PathBuf::new(), visitors: Vec::new(), left: None };
        if let Some(Takeover { socket, terms }) = takeover
            && let Ok(listener) = UnixListener::bind(&socket)
        {
            door.path = socket;
            door.open = listener.set_nonblocking(true).is_ok().then_some((listener, terms));
        }
        door
    }

    /// Other terms hold from now on.
    pub fn change(&mut self, terms: Terms) {
        if let Some((_, held)) = &mut self.open {
            *held = terms;
        }
    }

    /// No sidecar is there (any more).
    pub fn left(&mut self, now: Instant) {
        self.left.get_or_insert(now);
    }

    /// When the tree is to be stopped because nobody came; `None` for never, and while a sidecar is there.
    pub fn due(&self) -> Option<Instant> {
        let left = self.left?;
        match &self.open {
            None => Some(left),
            Some((_, terms)) => left.checked_add(terms.patience()?),
        }
    }

    /// What to poll, and for what: nothing while a sidecar is there.
    pub fn interest(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        let here = self.left.is_some();
        let room = here && self.visitors.len() < VISITORS;
        let listener = self.open.as_ref().filter(|_| room).map(|(listener, _)| (listener.as_fd(), PollFlags::IN));
        listener.into_iter().chain(self.visitors.iter().filter(move |_| here).filter_map(Socket::interest))
    }

    /// Hears who is there. The first that may take over is the sidecar from now on; its further orders are appended.
    pub fn answer(&mut self, now: Instant, orders: &mut Vec<Order>) -> Option<Socket> {
        let left = self.left?;
        let (listener, held) = self.open.as_mut()?;
        while self.visitors.len() < VISITORS
            && let Ok((stream, _)) = listener.accept()
        {
            self.visitors.extend(Socket::new(stream));
        }
        for mut visitor in std::mem::take(&mut self.visitors) {
            let mut said = Vec::new();
            visitor.receive(&mut said);
            let mut said = said.into_iter();
            match said.next() {
                // It went away, or says nothing yet.
                None if visitor.is_gone() => {}
                None => self.visitors.push(visitor),
                Some(Order::Attach { version, terms }) => match admit(held, version, &terms, left, now) {
                    Ok(()) => {
                        *held = terms;
                        self.left = None;
                        // Whoever came too late hears the end of the line.
                        self.visitors.clear();
                        orders.extend(said);
                        return Some(visitor);
                    }
                    Err(why) => visitor.send(&Report::Refused { version: VERSION, why }),
                },
                Some(_) => visitor.send(&Report::Refused { version: VERSION, why: Refusal::Version }),
            }
        }
        None
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if self.open.is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Within the grace the same client, afterwards anybody whose words are understood.
fn admit(held: &Terms, version: u32, asks: &Terms, left: Instant, now: Instant) -> Result<(), Refusal> {
    if !(OLDEST..=VERSION).contains(&version) {
        return Err(Refusal::Version);
    }
    let over = left
        .checked_add(held.grace)
        .map_or(u64::MAX, |end| u64::try_from(end.saturating_duration_since(now).as_millis()).unwrap_or(u64::MAX));
    if held.token == asks.token || over == 0 { Ok(()) } else { Err(Refusal::Reserved { for_ms: over }) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::task::model::OnClose;

    fn terms(on_close: OnClose, token: Option<&str>) -> Terms {
        Terms { on_close, grace: Duration::from_secs(60), token: token.map(str::to_owned) }
    }

    #[test]
    fn within_the_grace_the_same_client_and_then_anybody() {
        let left = Instant::now();
        let (mine, nobody) = (terms(OnClose::Keep, Some("mine")), terms(OnClose::Keep, None));
        let other = terms(OnClose::Keep, Some("other"));
        let at = |seconds| left + Duration::from_secs(seconds);
        assert_eq!(admit(&mine, VERSION, &mine, left, at(59)), Ok(()));
        for stranger in [&other, &nobody] {
            assert_eq!(admit(&mine, VERSION, stranger, left, at(59)), Err(Refusal::Reserved { for_ms: 1_000 }));
            assert_eq!(admit(&mine, VERSION, stranger, left, at(60)), Ok(()));
        }
        assert_eq!(admit(&nobody, VERSION, &nobody, left, at(1)), Ok(()), "two without a token are the same");
    }

    #[test]
    fn the_version_before_is_understood_and_no_other() {
        let (terms, now) = (terms(OnClose::Grace, None), Instant::now());
        assert_eq!(admit(&terms, OLDEST, &terms, now, now), Ok(()));
        for version in [OLDEST - 1, VERSION + 1] {
            assert_eq!(admit(&terms, version, &terms, now, now), Err(Refusal::Version));
        }
    }

    #[test]
    fn how_long_it_waits() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let due = |on_close| {
            let socket = folder.path().join("s");
            let mut door = Door::new(Some(Takeover { socket, terms: terms(on_close, None) }));
            assert_eq!(door.due(), None, "while the sidecar is there");
            door.left(now);
            door.due()
        };
        assert_eq!(due(OnClose::Stop), Some(now));
        assert_eq!(due(OnClose::Grace), Some(now + Duration::from_secs(60)));
        assert_eq!(due(OnClose::Keep), None);
        assert!(!folder.path().join("s").exists(), "the socket goes with the shim");
        let mut none = Door::new(None);
        none.left(now);
        assert_eq!(none.due(), Some(now));
    }
}
