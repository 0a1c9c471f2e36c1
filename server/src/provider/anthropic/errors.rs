//! What a failure means: which [`ProviderError`], with the remedy in its text, and whether another try may help. Pure.
//! Source: the API reference, "Errors". No text ever holds the key.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde::Deserialize;

use super::stream::{StreamFault, WireError};
use super::{Service, TRIES};
use crate::provider::ProviderError;
use crate::provider::http::{self, HttpError};

/// Most characters of the service's own message that are passed on.
const MESSAGE_CAP: usize = 600;

/// A service that asks for a longer wait than this is not waited for: the person decides.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How one try failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    Http(HttpError),
    Stream(StreamFault),
}

/// What to do about a failure.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What to say when no further try is made.
    pub error: ProviderError,
    /// In a few words, for the line that announces another try.
    pub reason: String,
    /// How many tries in all this failure is worth.
    pub tries: u32,
    /// The wait that the service asked for.
    pub after: Option<Duration>,
}

/// The body of a refused request.
#[derive(Deserialize)]
struct ErrorBody {
    error: WireError,
}

impl Service {
    /// Judges a failure.
    pub fn judge(&self, failure: Failure, model: &str) -> Verdict {
        match failure {
            Failure::Http(HttpError::Status { status, retry_after, should_retry, body }) => {
                let error = serde_json::from_str::<ErrorBody>(&body).ok().map(|body| body.error);
                let mut verdict = self.judge_status(status, error, &body, model);
                verdict.tries = match should_retry {
                    Some(false) => 1,
                    Some(true) => TRIES,
                    None => verdict.tries,
                };
                verdict.after = retry_after;
                if let Some(wait) = retry_after.filter(|wait| *wait > LONGEST_WAIT && verdict.tries > 1) {
                    verdict.tries = 1;
                    let text = format!("{} It asks to wait {} s.", verdict.error, wait.as_secs());
                    verdict.error = ProviderError::RateLimited(text);
                }
                verdict
            }
            Failure::Stream(StreamFault::Api { kind, message }) => {
                let status = status_of(&kind);
                self.judge_status(status, Some(WireError { kind, message }), "", model)
            }
            Failure::Http(error) => self.judge_wire(error),
            Failure::Stream(StreamFault::Cut) => self.unreachable("the answer was cut before its end", TRIES),
            Failure::Stream(StreamFault::Garbled(what)) => Verdict {
                error: ProviderError::Service(format!(
                    "{} sent what is not an answer of Anthropic's Messages API: {}. If this stays so, check the address, \
                     which was set by {}.",
                    self.host(),
                    self.clean(&what),
                    self.base_url_source
                )),
                reason: "the answer could not be read".into(),
                tries: 2,
                after: None,
            },
        }
    }

    fn judge_wire(&self, error: HttpError) -> Verdict {
        match error {
            HttpError::Address(what) => self.refused(ProviderError::Unreachable(format!(
                "The address of the Anthropic API cannot be used: {what}. It was set by {}; correct it there.",
                self.base_url_source
            ))),
            HttpError::Header(_) => self.refused(ProviderError::Auth(format!(
                "The API key from {} holds characters that no key has. Set it again there.",
                self.key.source
            ))),
            HttpError::Tls(what) => self.refused(ProviderError::Unreachable(format!(
                "No trusted connection to {}: {what}. Check the address (set by {}), this machine's clock and its \
                 certificates; a proxy that opens TLS needs its certificate in the system's store.",
                self.host(),
                self.base_url_source
            ))),
            HttpError::Connect(what) => self.unreachable(&what, TRIES - 1),
            error @ HttpError::Silent(_) => self.unreachable(&error.to_string(), 2),
            error => self.unreachable(&error.to_string(), TRIES),
        }
    }

    fn judge_status(&self, status: u16, error: Option<WireError>, body: &str, model: &str) -> Verdict {
        let understood = error.is_some();
        let message = match &error {
            Some(error) if !error.message.is_empty() => self.clean(&error.message),
            Some(error) => self.clean(&error.kind),
            None => format!("status {status}"),
        };
        let source = &self.key.source;
        match status {
            401 => self.refused(ProviderError::Auth(format!(
                "Anthropic refused the API key from {source}: {message}. Set a valid key there and start Pillion anew; \
                 keys are made at https://console.anthropic.com/settings/keys."
            ))),
            403 => self.refused(ProviderError::Auth(format!(
                "Anthropic does not allow this to the API key from {source}: {message}. Use a key that may use the \
                 model {model}, or another model (`model.name`)."
            ))),
            402 => self.refused(self.billing(&message)),
            400 if message.contains("credit balance") => self.refused(self.billing(&message)),
            404 if understood => self.refused(ProviderError::UnknownModel(format!(
                "Anthropic does not know the model {model:?} for this key ({message}). Name another one in `model.name` \
                 or PILLION_MODEL, or leave it out for {}.",
                super::DEFAULT_MODEL
            ))),
            404 => self.refused(ProviderError::Unreachable(format!(
                "{} has no /v1/messages. The address was set by {}; check it there (it is written without /v1).",
                self.host(),
                self.base_url_source
            ))),
            400 | 413 if is_too_long(&message) => self.refused(ProviderError::ContextTooLong(format!(
                "The conversation is too long for {model}: {message}. Start a new session, or choose a model with a \
                 larger window (`model.name`)."
            ))),
            429 => Verdict {
                error: ProviderError::RateLimited(format!(
                    "Anthropic's rate limit for the API key from {source} is used up: {message}. Wait a little and \
                     send again; the limits are at https://console.anthropic.com/settings/limits."
                )),
                reason: "Anthropic's rate limit is used up".into(),
                tries: TRIES,
                after: None,
            },
            529 | 503 => Verdict {
                error: ProviderError::RateLimited(format!(
                    "Anthropic is overloaded: {message}. Wait a little and send again; its state is at \
                     https://status.anthropic.com."
                )),
                reason: "Anthropic is overloaded".into(),
                tries: TRIES,
                after: None,
            },
            408 | 409 | 500.. => Verdict {
                error: ProviderError::Service(format!(
                    "Anthropic failed with status {status}: {message}. Send again; its state is at \
                     https://status.anthropic.com."
                )),
                reason: format!("Anthropic failed with status {status}"),
                tries: TRIES,
                after: None,
            },
            300..=399 => self.refused(ProviderError::Unreachable(format!(
                "{} sends requests elsewhere (status {status}), and a key is not sent along. The address was set by {}; \
                 set the one that answers itself.",
                self.host(),
                self.base_url_source
            ))),
            _ => {
                let more = if understood { String::new() } else { format!(" {}", self.clean(body)) };
                self.refused(ProviderError::BadRequest(format!(
                    "Anthropic refused the request (status {status}): {message}.{more}"
                )))
            }
        }
    }

    fn billing(&self, message: &str) -> ProviderError {
        ProviderError::Auth(format!(
            "The account of the API key from {} cannot pay for this: {message}. See \
             https://console.anthropic.com/settings/billing, or use another key.",
            self.key.source
        ))
    }

    fn refused(&self, error: ProviderError) -> Verdict {
        Verdict { reason: error.to_string(), error, tries: 1, after: None }
    }

    fn unreachable(&self, what: &str, tries: u32) -> Verdict {
        let host = self.host();
        Verdict {
            error: ProviderError::Unreachable(format!(
                "No answer from {host}: {what}. The address was set by {}. Check it, the network, and the proxy \
                 (HTTPS_PROXY, NO_PROXY).",
                self.base_url_source
            )),
            reason: format!("no answer from {host}: {what}"),
            tries,
            after: None,
        }
    }

    fn host(&self) -> String {
        http::host(&self.base_url).unwrap_or_else(|_| self.base_url.clone())
    }

    /// A text from outside: one line, capped, without the key (a gateway may send it back).
    fn clean(&self, text: &str) -> String {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let key = self.key.secret.expose_secret();
        let text = if key.is_empty() { text } else { text.replace(key, "…") };
        let mut cut: String = text.chars().take(MESSAGE_CAP).collect();
        if cut.len() < text.len() {
            cut.push('…');
        }
        cut.trim_end_matches('.').to_owned()
    }
}

fn is_too_long(message: &str) -> bool {
    ["prompt is too long", "exceed context limit", "context window"].iter().any(|words| message.contains(words))
}

/// The status that goes with an error's word: an `error` event in a stream has no status of its own.
fn status_of(kind: &str) -> u16 {
    match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}
