//! Which models there are: every provider is asked for its list at the same time, within a bounded time, and what it said
//! holds for some minutes. Knows no settings; the registry says whom to ask.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{ModelFacts, Provider, ProviderError};

/// How long a configured service may take to list its models.
const CONFIGURED: Duration = Duration::from_secs(5);

/// How long a look at a server on this machine may take that nobody configured.
const UNASKED: Duration = Duration::from_secs(1);

/// How long a list holds.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// How long it holds that nothing answered where nobody configured anything.
const ABSENT: Duration = Duration::from_secs(30);

/// Most models of one provider. OpenRouter has some four hundred.
const MODELS_CAP: usize = 2000;

type Answered = Result<Vec<ModelFacts>, ProviderError>;

/// A provider and what it said of its models.
pub struct Listed {
    pub provider: Arc<dyn Provider>,
    /// Whether the answer may be kept: not of a provider that knows at once.
    keeps: bool,
    /// Held while it is asked, so that nobody asks twice.
    answer: Mutex<Option<(Instant, Answered)>>,
}

impl Listed {
    /// A provider that has not been asked yet. `keeps`: asking takes time, so its answer is kept.
    pub fn new(provider: Arc<dyn Provider>, keeps: bool) -> Self {
        Self { provider, keeps, answer: Mutex::new(None) }
    }

    /// Its models, as of some minutes ago at most. One that nobody configured gets a second and no more.
    async fn models(&self, entry: &Entry) -> Answered {
        if !self.keeps {
            return self.provider.models().await;
        }
        let unasked = entry.offered;
        let limit = if unasked { UNASKED } else { CONFIGURED };
        let asking = async {
            let mut kept = self.answer.lock().await;
            if let Some((at, answer)) = &*kept {
                let holds = match answer {
                    Ok(_) => FRESH,
                    // A configured service that failed is asked again: its person has just mended it.
                    Err(_) if unasked => ABSENT,
                    Err(_) => Duration::ZERO,
                };
                if at.elapsed() < holds {
                    return answer.clone();
                }
            }
            let asking = async {
                if let Some(address) = entry.knock.as_deref().filter(|_| unasked) {
                    knock(address).await?;
                }
                self.provider.models().await
            };
            let answer = tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| Err(silent(limit)));
            let answer = answer.map(|mut models| {
                models.truncate(MODELS_CAP);
                models
            });
            *kept = Some((Instant::now(), answer.clone()));
            answer
        };
        // Somebody else's asking may be under way, and take as long.
        tokio::time::timeout(limit * 2, asking).await.unwrap_or_else(|_| Err(silent(limit)))
    }
}

/// Whether anybody listens there at all. A provider would try again and again, and here nobody has asked for it.
async fn knock(address: &str) -> Result<(), ProviderError> {
    match TcpStream::connect(address).await {
        Ok(_) => Ok(()),
        Err(error) => Err(ProviderError::Unreachable(format!("Nothing answers at {address} ({error})."))),
    }
}

fn silent(limit: Duration) -> ProviderError {
    ProviderError::Unreachable(format!("It did not list its models within {} s. Try again later.", limit.as_secs()))
}

/// One provider of the list.
#[derive(Clone)]
pub struct Entry {
    pub word: &'static str,
    /// For people.
    pub label: &'static str,
    /// Nobody has chosen it: it is a server on this machine, or the editor lends it.
    pub offered: bool,
    /// Host and port, for a server on this machine.
    pub knock: Option<String>,
    /// Who is asked, or why nobody can be.
    pub listed: Result<Arc<Listed>, ProviderError>,
}

/// What came of asking one provider.
pub struct Found {
    pub entry: Entry,
    pub models: Answered,
}

/// Asks all of them at a time. In their order.
pub async fn list(entries: Vec<Entry>) -> Vec<Found> {
    let asked = entries.into_iter().map(|entry| async {
        let models = match &entry.listed {
            Ok(listed) => listed.models(&entry).await,
            Err(error) => Err(error.clone()),
        };
        Found { entry, models }
    });
    future::join_all(asked).await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;
    use tokio::sync::{Notify, mpsc};

    use super::*;
    use crate::provider::{Answer, ModelRequest, StreamEvent};

    /// Answers when it is told to; counts how often it was asked.
    #[derive(Default)]
    struct Service {
        asked: AtomicUsize,
        gate: Arc<Notify>,
        fails: bool,
    }

    impl Provider for Service {
        fn name(&self) -> &'static str {
            "openai"
        }

        fn default_model(&self) -> String {
            "m".into()
        }

        fn context_window(&self, _model: &str) -> Option<u64> {
            None
        }

        fn models(&self) -> BoxFuture<'static, Answered> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let (gate, fails) = (self.gate.clone(), self.fails);
            async move {
                gate.notified().await;
                if fails {
                    Err(ProviderError::Service("down".into()))
                } else {
                    Ok(vec![ModelFacts::named("openai", "m")])
                }
            }
            .boxed()
        }

        fn stream(
            &self,
            _request: ModelRequest,
            _events: mpsc::Sender<StreamEvent>,
        ) -> BoxFuture<'static, Result<Answer, ProviderError>> {
            unreachable!("nobody asks it anything else")
        }
    }

    fn entry(service: &Arc<Service>, offered: bool) -> Entry {
        let listed = Listed::new(service.clone(), true);
        Entry { word: "openai", label: "OpenAI", offered, knock: None, listed: Ok(Arc::new(listed)) }
    }

    #[tokio::test]
    async fn one_question_serves_all_and_its_answer_holds() {
        let service = Arc::new(Service::default());
        let entry = entry(&service, false);
        service.gate.notify_one();
        let (first, second) = tokio::join!(list(vec![entry.clone()]), list(vec![entry.clone()]));
        assert_eq!(first[0].models, Ok(vec![ModelFacts::named("openai", "m")]));
        assert_eq!(first[0].models, second[0].models);
        assert_eq!(list(vec![entry]).await[0].models, first[0].models);
        assert_eq!(service.asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_failure_of_what_is_configured_does_not_hold() {
        let service = Arc::new(Service { fails: true, ..Service::default() });
        let (asked, looked_for) = (entry(&service, false), entry(&service, true));
        for expected in [1, 2] {
            service.gate.notify_one();
            assert_eq!(list(vec![asked.clone()]).await[0].models, Err(ProviderError::Service("down".into())));
            assert_eq!(service.asked.load(Ordering::Relaxed), expected);
        }
        service.gate.notify_one();
        for _ in 0..2 {
            assert!(list(vec![looked_for.clone()]).await[0].models.is_err());
            assert_eq!(service.asked.load(Ordering::Relaxed), 3, "nothing is there: not looked for again at once");
        }
    }

    #[tokio::test]
    async fn where_nobody_listens_nobody_is_asked() {
        let service = Arc::new(Service::default());
        // A port that was free a moment ago.
        let address = std::net::TcpListener::bind("127.0.0.1:0").and_then(|held| held.local_addr()).expect("a port");
        let found = list(vec![Entry { knock: Some(address.to_string()), ..entry(&service, true) }]).await;
        let said = found[0].models.as_ref().expect_err("nobody is there").to_string();
        assert!(said.starts_with(&format!("Nothing answers at {address}")), "{said}");
        assert_eq!(service.asked.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn who_is_silent_holds_up_nobody_for_long() {
        let (silent, quick) = (Arc::new(Service::default()), Arc::new(Service::default()));
        quick.gate.notify_one();
        let found = list(vec![entry(&silent, true), entry(&quick, false)]).await;
        assert_eq!(
            found[0].models,
            Err(ProviderError::Unreachable("It did not list its models within 1 s. Try again later.".into()))
        );
        assert!(found[1].models.is_ok());
    }
}
