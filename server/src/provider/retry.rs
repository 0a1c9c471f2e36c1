//! The order of events around one request to a service: try, judge, tell, wait, try again, with the same bytes each time.
//! Knows no API and no session. Dropping the future at any point ends the request and whatever wait there is.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::sync::mpsc;

use super::failure::Verdict;
use super::{ProviderError, StreamEvent};

/// The waits between tries: the base doubles each time, up to the longest, and each is shifted by chance.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub base: Duration,
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(500), longest: Duration::from_secs(8) }
    }
}

impl Backoff {
    /// The wait after the `failed`th try (1-based); `chance` is between 0 and 1. What the service asks for is the least.
    fn wait(&self, failed: u32, asked: Option<Duration>, chance: f64) -> Duration {
        let doubled = self.base.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(self.longest);
        let shifted = doubled.mul_f64(0.75 + chance / 2.0);
        // Those who were all told the same wait should not come back in one moment.
        asked.map_or(shifted, |asked| asked.max(shifted) + asked.min(self.longest).mul_f64(chance / 10.0))
    }
}

/// Who watches an answer come. The other end may go away at any time; the answer is still wanted then.
pub struct Watcher {
    events: Option<mpsc::Sender<StreamEvent>>,
    /// That content comes has been told, once for all tries.
    announced: bool,
    /// Content of the try that runs has been told.
    shown: bool,
}

impl Watcher {
    pub fn new(events: mpsc::Sender<StreamEvent>) -> Self {
        Self { events: Some(events), announced: false, shown: false }
    }

    /// For a request without a stream.
    pub fn nobody() -> Self {
        Self { events: None, announced: false, shown: false }
    }

    /// Tells a piece of an answer. [`StreamEvent::ContentStarted`] goes out once, whatever the number of tries.
    pub async fn show(&mut self, event: StreamEvent) {
        self.shown = true;
        if event == StreamEvent::ContentStarted && std::mem::replace(&mut self.announced, true) {
            return;
        }
        self.tell(event).await;
    }

    /// Whether content of the try that runs has been told.
    pub fn has_shown(&self) -> bool {
        self.shown
    }

    async fn tell(&self, event: StreamEvent) {
        if let Some(events) = &self.events {
            let _ = events.send(event).await;
        }
    }
}

/// A request that can be sent again. Its bytes are made once, before the first try.
pub trait Request: Sync {
    type Answer: Send;

    /// One try. What arrives is shown to the watcher.
    fn attempt(&self, watcher: &mut Watcher) -> impl Future<Output = Result<Self::Answer, Verdict>> + Send;
}

/// Tries until there is an answer, or until another try would not help.
pub async fn until_answered<R: Request>(
    request: &R,
    watcher: &mut Watcher,
    backoff: Backoff,
) -> Result<R::Answer, ProviderError> {
    let mut attempt = 1;
    loop {
        watcher.shown = false;
        let verdict = match request.attempt(watcher).await {
            Ok(answer) => return Ok(answer),
            Err(verdict) => verdict,
        };
        tracing::warn!(attempt, reason = %verdict.reason, "a request to a model service failed");
        if attempt >= verdict.tries {
            return Err(verdict.error);
        }
        if watcher.shown {
            watcher.tell(StreamEvent::Restarted { reason: verdict.reason.clone() }).await;
        }
        let after = backoff.wait(attempt, verdict.after, chance());
        attempt += 1;
        watcher.tell(StreamEvent::Retrying { reason: verdict.reason, after, attempt }).await;
        tokio::time::sleep(after).await;
    }
}

/// A number between 0 and 1, different each time. For spreading retries only.
fn chance() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_obey() {
        let backoff = Backoff::default();
        let ms = |failed, asked: Option<u64>, chance| {
            backoff.wait(failed, asked.map(Duration::from_millis), chance).as_millis()
        };
        assert_eq!((ms(1, None, 0.0), ms(1, None, 1.0)), (375, 625));
        assert_eq!((ms(2, None, 0.5), ms(3, None, 0.5), ms(60, None, 0.5)), (1000, 2000, 8000));
        assert_eq!((ms(1, Some(3000), 0.0), ms(1, Some(3000), 1.0), ms(3, Some(10), 0.0)), (3000, 3300, 1500));
        assert_eq!(ms(1, Some(60_000), 1.0), 60_800, "the spread has its bound");
    }
}
