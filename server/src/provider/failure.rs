//! What a failure means, for every service that is asked over HTTP: which [`ProviderError`], with the remedy in its text,
//! and whether another try may help. Pure. What differs between services stands in their [`Service`]. No text ever holds
//! the key.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value;

use super::ProviderError;
use super::http::{self, HttpError};
use crate::config::ApiKey;

/// Most tries of one request.
pub const TRIES: u32 = 4;

/// Most tries where a service is busy: it may be for a while, and says nothing of how long. Some 24 s with the usual
/// waits; a person sees each of them, and can cancel.
pub const BUSY_TRIES: u32 = 7;

/// Most characters of the service's own message that are passed on.
const MESSAGE_CAP: usize = 600;

/// A service that asks for a longer wait than this is not waited for: the person decides.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A service as its messages speak of it, and as whom to ask it.
pub struct Service {
    /// For people: `Anthropic`, `Ollama`.
    pub name: &'static str,
    /// What is spoken there: `Anthropic's Messages API`.
    pub api: &'static str,
    /// Without a slash at the end.
    pub base_url: String,
    /// Where the address was set: `the environment variable ANTHROPIC_BASE_URL`.
    pub base_url_source: String,
    /// How an address has to be written: `it is written without /v1`.
    pub base_url_form: &'static str,
    /// What is sent along; `None` for a service that wants none, or that was not given one.
    pub key: Option<ApiKey>,
    /// How a key is set: `Set OPENAI_API_KEY, or …`. For a service that wants one and was given none.
    pub key_remedy: &'static str,
    pub pages: Pages,
    /// A sentence that says how to get, or to name, another model than this one.
    pub model_remedy: fn(&str) -> String,
    /// A sentence for when nobody listens there: `Start it with …`. For services on this machine.
    pub start_remedy: Option<&'static str>,
}

/// Where a person goes on; `None` where a service has no such page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pages {
    pub keys: Option<&'static str>,
    pub billing: Option<&'static str>,
    pub limits: Option<&'static str>,
    pub status: Option<&'static str>,
}

/// How one try failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    Http(HttpError),
    /// The service said so in the middle of its answer; the status is the one that goes with its word for it.
    Told {
        status: u16,
        error: ServiceError,
    },
    /// The answer ended before its end.
    Cut,
    /// A page for people came, for instance a proxy's login. Its title, where it has one.
    WebPage(String),
    /// It is not what the API describes.
    Garbled(String),
}

/// What a service says about an error, in any of the forms that services have for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceError {
    /// The service's word for it: `overloaded_error`; empty where there is none.
    pub kind: String,
    /// A finer word, or a number: `context_length_exceeded`; empty where there is none.
    pub code: String,
    /// The parameter that was refused; empty where none is named.
    pub param: String,
    pub message: String,
}

impl ServiceError {
    /// Reads the body of a refused request: `{"error": {"type", "code", "param", "message"}}`, `{"error": "…"}`, and the
    /// same without the shell (`{"message": "…"}`, `{"detail": "…"}`). `None` for what is no such body.
    pub fn read(body: &str) -> Option<Self> {
        Self::from_value(&serde_json::from_str(body).ok()?)
    }

    /// The same of a body that has been read.
    pub fn from_value(body: &Value) -> Option<Self> {
        let shell = body.get("error").filter(|error| !error.is_null());
        let inner = match shell {
            Some(Value::String(message)) => return Some(Self { message: message.clone(), ..Self::default() }),
            Some(inner) => inner,
            None => body,
        };
        let text = |name: &str| match inner.get(name) {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        };
        let message = [text("message"), text("detail")].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        let error = Self { kind: text("type"), code: text("code"), param: text("param"), message };
        (shell.is_some() || !error.message.is_empty()).then_some(error)
    }
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

impl Verdict {
    /// No further try would help.
    pub fn refused(error: ProviderError) -> Self {
        Self { reason: error.to_string(), error, tries: 1, after: None }
    }
}

impl Service {
    /// Judges a failure of a request that asked `model`.
    pub fn judge(&self, failure: Failure, model: &str) -> Verdict {
        match failure {
            Failure::Http(HttpError::Status { status, retry_after, should_retry, body }) => {
                let mut verdict = self.judge_status(status, ServiceError::read(&body), &body, model);
                verdict.tries = match should_retry {
                    Some(false) => 1,
                    Some(true) => verdict.tries.max(TRIES),
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
            Failure::Told { status, error } => self.judge_status(status, Some(error), "", model),
            Failure::Http(error) => self.judge_wire(error),
            Failure::Cut => self.unreachable("the answer was cut before its end", TRIES),
            Failure::WebPage(title) => Verdict::refused(self.web_page(&title)),
            Failure::Garbled(what) => Verdict {
                error: ProviderError::Service(format!(
                    "{} sent what is not an answer of {}: {}. If this stays so, check the address, which was set by {}.",
                    self.host(),
                    self.api,
                    self.clean(&what),
                    self.base_url_source
                )),
                reason: "the answer could not be read".into(),
                tries: 2,
                after: None,
            },
        }
    }

    /// Judges the failure of a request for the list of models.
    pub fn judge_list(&self, error: HttpError) -> Verdict {
        match error {
            HttpError::Status { status: 404 | 405, .. } => Verdict::refused(ProviderError::Unreachable(format!(
                "{} has no list of models. Name one in `model.name`.",
                self.host()
            ))),
            error => {
                let verdict = self.judge(Failure::Http(error), "of the list");
                // Somebody looks at an empty list meanwhile.
                Verdict { tries: verdict.tries.min(TRIES), ..verdict }
            }
        }
    }

    fn judge_wire(&self, error: HttpError) -> Verdict {
        let (name, host, source) = (self.name, self.host(), &self.base_url_source);
        match error {
            HttpError::Address(what) => Verdict::refused(ProviderError::Unreachable(format!(
                "The address of the {name} API cannot be used: {what}. It was set by {source}; correct it there."
            ))),
            HttpError::Header(header) => Verdict::refused(match &self.key {
                Some(key) if header != "anthropic-beta" => ProviderError::Auth(format!(
                    "The API key from {} holds characters that no key has. Set it again there.",
                    key.source
                )),
                _ => ProviderError::BadRequest(format!(
                    "The header {header} cannot hold the configured value. Correct it in the settings."
                )),
            }),
            HttpError::Tls(what) => Verdict::refused(ProviderError::Unreachable(format!(
                "No trusted connection to {host}: {what}. Check the address (set by {source}), this machine's clock and \
                 its certificates (the package ca-certificates; a proxy that opens TLS needs its own there)."
            ))),
            HttpError::Proxy(what) => Verdict::refused(self.proxy(&what)),
            // A name that is not there stays so; a network that has just come up, or sleeps, does not.
            error @ HttpError::Name(_) => Verdict {
                error: ProviderError::Unreachable(format!(
                    "No answer from {host}: {error}. Is this machine online? The address was set by {source}; check it \
                     there, and the proxy (HTTPS_PROXY) where this network needs one."
                )),
                ..self.unreachable(&error.to_string(), TRIES - 1)
            },
            HttpError::Connect(what) => self.unreachable(&what, TRIES - 1),
            error @ HttpError::TooLarge(_) => self.judge(Failure::Garbled(error.to_string()), ""),
            error @ HttpError::Silent(_) => self.unreachable(&error.to_string(), 2),
            error => self.unreachable(&error.to_string(), TRIES),
        }
    }

    fn judge_status(&self, status: u16, error: Option<ServiceError>, body: &str, model: &str) -> Verdict {
        // A proxy's or a gateway's page says nothing of keys and models, whatever its status is.
        if let (None, 401 | 403 | 511) = (&error, status)
            && let Some(title) = web_page(body.as_bytes())
        {
            return Verdict::refused(self.web_page(&title));
        }
        let understood = error.is_some();
        let error = error.unwrap_or_default();
        let said = [&error.message, &error.kind, &error.code].into_iter().find(|text| !text.is_empty());
        let message = said.map_or_else(|| format!("status {status}"), |text| self.clean(text));
        let name = self.name;
        match status {
            401 => Verdict::refused(ProviderError::Auth(self.key_refused(&message))),
            402 => Verdict::refused(self.billing(&message)),
            400 | 403 | 429 if is_billing(&error) => Verdict::refused(self.billing(&message)),
            403 => Verdict::refused(ProviderError::Auth(format!(
                "{name} does not allow this to {}: {message}. Use a key that may use the model {model}, or another model \
                 (`model.name`).",
                self.whose()
            ))),
            404 if understood => Verdict::refused(ProviderError::UnknownModel(format!(
                "{name} does not know the model {model:?}{} ({message}). {}",
                if self.key.is_some() { " for this key" } else { "" },
                (self.model_remedy)(model)
            ))),
            404 | 405 => Verdict::refused(ProviderError::Unreachable(format!(
                "{} does not speak {} (status {status}). The address was set by {}; check it there ({}).",
                self.host(),
                self.api,
                self.base_url_source,
                self.base_url_form
            ))),
            407 => Verdict::refused(self.proxy("it wants a login")),
            400 | 413 if is_too_long(&error) => Verdict::refused(ProviderError::ContextTooLong(format!(
                "The conversation is too long for {model}: {message}. Start a new session, or choose a model with a \
                 larger window (`model.name`)."
            ))),
            413 => Verdict::refused(ProviderError::BadRequest(format!(
                "{name} does not take a request as large as this one: {message}. Start a new session, or send smaller \
                 images."
            ))),
            429 => Verdict {
                error: ProviderError::RateLimited(format!(
                    "The rate limit of {name} for {} is used up: {message}. Wait a little and send again{}.",
                    self.whose(),
                    page("; the limits are at", self.pages.limits)
                )),
                reason: format!("the rate limit of {name} is used up"),
                tries: BUSY_TRIES,
                after: None,
            },
            529 | 503 => Verdict {
                error: ProviderError::RateLimited(format!(
                    "{name} is overloaded: {message}. Wait a little and send again{}.",
                    page("; its state is at", self.pages.status)
                )),
                reason: format!("{name} is overloaded"),
                tries: BUSY_TRIES,
                after: None,
            },
            408 | 409 | 425 | 500.. => Verdict {
                error: ProviderError::Service(format!(
                    "{name} failed with status {status}: {message}. Send again{}.",
                    page("; its state is at", self.pages.status)
                )),
                reason: format!("{name} failed with status {status}"),
                tries: TRIES,
                after: None,
            },
            300..=399 => Verdict::refused(ProviderError::Unreachable(format!(
                "{} sends requests elsewhere (status {status}), and a key is not sent along. The address was set by {}; \
                 set the one that answers itself.",
                self.host(),
                self.base_url_source
            ))),
            _ => {
                let more = if understood { String::new() } else { format!(" {}", self.clean(body)) };
                Verdict::refused(ProviderError::BadRequest(format!(
                    "{name} refused the request (status {status}): {message}.{more}"
                )))
            }
        }
    }

    fn key_refused(&self, message: &str) -> String {
        let made = page("; keys are made at", self.pages.keys);
        match &self.key {
            Some(key) => format!(
                "{} refused the API key from {}: {message}. Set a valid key there and start Pillion anew{made}.",
                self.name, key.source
            ),
            None => format!("{} wants an API key: {message}. {}{made}.", self.name, self.key_remedy),
        }
    }

    fn billing(&self, message: &str) -> ProviderError {
        let page = self.pages.billing.map_or_else(|| "Pay in".to_owned(), |page| format!("See {page}"));
        ProviderError::Auth(format!(
            "The account of {} cannot pay for this: {message}. {page}, or use another key.",
            self.whose()
        ))
    }

    fn proxy(&self, what: &str) -> ProviderError {
        ProviderError::Unreachable(format!(
            "The proxy on the way to {} refuses: {what}. It was set by HTTPS_PROXY, HTTP_PROXY or ALL_PROXY; write it as \
             http://USER:PASSWORD@HOST:PORT where it wants a login, or name the host in NO_PROXY to go around it.",
            self.host()
        ))
    }

    fn web_page(&self, title: &str) -> ProviderError {
        let title = if title.is_empty() { String::new() } else { format!(" (“{}”)", self.clean(title)) };
        ProviderError::Unreachable(format!(
            "{} answers with a web page{title} and not with {}: a login page, a proxy or a gateway stands in the way, or \
             the address is wrong. Log in with a browser, or correct the address, which was set by {} ({}).",
            self.host(),
            self.api,
            self.base_url_source,
            self.base_url_form
        ))
    }

    fn unreachable(&self, what: &str, tries: u32) -> Verdict {
        let host = self.host();
        let remedy = self.start_remedy.map_or_else(
            || "Check it, the network, and the proxy (HTTPS_PROXY, NO_PROXY).".to_owned(),
            |start| format!("Check it. {start}"),
        );
        Verdict {
            error: ProviderError::Unreachable(format!(
                "No answer from {host}: {what}. The address was set by {}. {remedy}",
                self.base_url_source
            )),
            reason: format!("no answer from {host}: {what}"),
            tries,
            after: None,
        }
    }

    /// As whom it is asked, for the middle of a sentence.
    fn whose(&self) -> String {
        self.key
            .as_ref()
            .map_or_else(|| "requests without a key".into(), |key| format!("the API key from {}", key.source))
    }

    /// The host (and port) that is asked, for messages.
    pub fn host(&self) -> String {
        http::host(&self.base_url).unwrap_or_else(|_| self.base_url.clone())
    }

    /// A text from outside: one line, capped, without the key (a gateway may send it back).
    pub fn clean(&self, text: &str) -> String {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let key = self.key.as_ref().map_or("", |key| key.secret.expose_secret());
        let text = if key.is_empty() { text } else { text.replace(key, "…") };
        let mut cut: String = text.chars().take(MESSAGE_CAP).collect();
        if cut.len() < text.len() {
            cut.push('…');
        }
        cut.trim_end_matches('.').to_owned()
    }
}

fn page(before: &str, page: Option<&str>) -> String {
    page.map_or_else(String::new, |page| format!("{before} {page}"))
}

fn is_too_long(error: &ServiceError) -> bool {
    const WORDS: [&str; 6] = [
        "prompt is too long",
        "exceed context limit",
        "context window",
        "context length",
        "context size",
        "exceed_context_size",
    ];
    let message = error.message.to_lowercase();
    error.code == "context_length_exceeded"
        || WORDS.iter().any(|words| message.contains(words) || error.kind.contains(words))
}

fn is_billing(error: &ServiceError) -> bool {
    error.kind == "billing_error"
        || [&error.kind, &error.code].iter().any(|word| *word == "insufficient_quota")
        || error.message.contains("credit balance")
}

/// The title of a web page (empty where it has none); `None` for what is no web page.
pub fn web_page(start: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    // Case is folded byte by byte, so that places in both are the same.
    let lower = text.to_ascii_lowercase();
    let is_page = ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| lower.starts_with(tag));
    let title = || {
        let from = lower.find("<title")?;
        let from = from + lower[from..].find('>')? + 1;
        let to = from + lower[from..].find("</title")?;
        Some(text[from..to].trim().to_owned())
    };
    is_page.then(|| title().unwrap_or_default())
}
