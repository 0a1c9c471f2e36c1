//! HTTP for the providers: a POST whose answer comes in pieces, a GET whose answer is small. The only file that names
//! reqwest. Knows no API: it says what happened on the wire, and [`super::failure`] says what that means. Redirects are
//! not followed, because a key would go along.

use std::error::Error as _;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::clock;
use crate::task::model::Timestamp;

/// Most bytes of an error's body that are read.
const ERROR_BODY_CAP: usize = 64 * 1024;

/// Most bytes of an answer that is taken whole: a list of models, or an answer without a stream.
pub const WHOLE_CAP: usize = 16 * 1024 * 1024;

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For TCP and TLS.
    pub connect: Duration,
    /// For the answer's head, after the request went out.
    pub head: Duration,
    /// Between two pieces of the answer. Services send pings well within it.
    pub idle: Duration,
    /// For all of a GET.
    pub whole: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            head: Duration::from_secs(180),
            idle: Duration::from_secs(90),
            whole: Duration::from_secs(20),
        }
    }
}

impl Limits {
    /// With another patience for a silent service: `idle` between two pieces, twice that before the first.
    pub fn with_idle(idle: Duration) -> Self {
        Self { head: idle * 2, idle, ..Self::default() }
    }
}

/// What went wrong on the wire. The texts name no URL and no header, so that no key can be in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The address is none, or not one for HTTP.
    #[error("{0}")]
    Address(String),
    /// A header cannot hold that value. The value may be a key, so it is not told.
    #[error("the header {0} cannot hold the configured value")]
    Header(String),
    /// The name of the host is not found.
    #[error("its name cannot be found ({0})")]
    Name(String),
    /// No connection: refused, no route, no answer.
    #[error("{0}")]
    Connect(String),
    /// The proxy that leads there refuses.
    #[error("the proxy refuses: {0}")]
    Proxy(String),
    /// TLS did not come about; another try would end the same way.
    #[error("{0}")]
    Tls(String),
    /// The connection stood, and nothing came for that long.
    #[error("nothing came for {} s", .0.as_secs_f64())]
    Silent(Duration),
    /// The connection ended too early.
    #[error("the connection was cut ({0})")]
    Cut(String),
    /// More bytes than an answer of that kind can have.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The service answered, with a status outside 200 to 299.
    #[error("status {status}")]
    Status {
        status: u16,
        /// From `retry-after-ms`, or `retry-after` (seconds or a date).
        retry_after: Option<Duration>,
        /// From `x-should-retry`.
        should_retry: Option<bool>,
        /// The start of the body.
        body: String,
    },
}

/// Connections to one service. Makes its client at the first request: who never asks never pays for TLS roots.
#[derive(Debug)]
pub struct Http {
    limits: Limits,
    /// For a service on this machine: a proxy could not reach it.
    direct: bool,
    /// `http://`: no certificates are needed, and a machine that has none (a small container) is no hindrance.
    plain: bool,
    client: OnceLock<reqwest::Client>,
}

impl Http {
    /// For the service at `base`. The system's proxy settings hold, but not for loopback addresses.
    pub fn new(base: &str, limits: Limits) -> Self {
        let url = reqwest::Url::parse(base).ok();
        let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let plain = url.as_ref().is_some_and(|url| url.scheme() == "http");
        Self { limits, direct: loopback || host == "localhost", plain, client: OnceLock::new() }
    }

    fn client(&self) -> Result<reqwest::Client, HttpError> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        // An error means that somebody has installed a provider before, and that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("pillion/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.limits.connect)
            .redirect(reqwest::redirect::Policy::none());
        if self.direct {
            builder = builder.no_proxy();
        }
        if self.plain {
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| HttpError::Tls(root_cause(&error)))?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    /// Sends `body` and waits for a head that says success. Header values are kept out of logs.
    pub async fn post(&self, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Body, HttpError> {
        host(url)?;
        let sending = self.client()?.post(url).headers(header_map(headers)?).body(body);
        self.head(sending).await
    }

    /// Gets a small answer whole, at most [`WHOLE_CAP`] bytes, within [`Limits::whole`].
    pub async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Vec<u8>, HttpError> {
        host(url)?;
        let asking = self.client()?.get(url).headers(header_map(headers)?);
        let getting = async { self.head(asking).await?.whole(Vec::new()).await };
        match tokio::time::timeout(self.limits.whole, getting).await {
            Ok(got) => got,
            Err(_) => Err(HttpError::Silent(self.limits.whole)),
        }
    }

    async fn head(&self, request: reqwest::RequestBuilder) -> Result<Body, HttpError> {
        let response = match tokio::time::timeout(self.limits.head, request.send()).await {
            Ok(response) => response.map_err(classify)?,
            Err(_) => return Err(HttpError::Silent(self.limits.head)),
        };
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let should_retry = match response.headers().get("x-should-retry").map(HeaderValue::as_bytes) {
            Some(b"true") => Some(true),
            Some(b"false") => Some(false),
            _ => None,
        };
        let mut body = Body { response, idle: self.limits.idle };
        if status.is_success() {
            return Ok(body);
        }
        let mut start = Vec::new();
        while start.len() < ERROR_BODY_CAP {
            match body.piece().await {
                Ok(Some(piece)) => start.extend_from_slice(&piece),
                // The status alone says enough.
                Ok(None) | Err(_) => break,
            }
        }
        start.truncate(ERROR_BODY_CAP);
        let body = String::from_utf8_lossy(&start).into_owned();
        Err(HttpError::Status { status: status.as_u16(), retry_after, should_retry, body })
    }
}

fn header_map(headers: &[(&str, &str)]) -> Result<HeaderMap, HttpError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let refused = || HttpError::Header((*name).to_owned());
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| refused())?;
        value.set_sensitive(true);
        map.insert(header, value);
    }
    Ok(map)
}

/// The body of a successful answer, on its way.
#[derive(Debug)]
pub struct Body {
    response: reqwest::Response,
    idle: Duration,
}

impl Body {
    /// What the service says that it is, in small letters, without parameters: `text/event-stream`; empty where it says
    /// nothing.
    pub fn media_type(&self) -> String {
        let value = self.response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The next bytes; `None` at the end.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>, HttpError> {
        match tokio::time::timeout(self.idle, self.response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece.map(Into::into)),
            Ok(Err(error)) => Err(HttpError::Cut(root_cause(&error))),
            Err(_) => Err(HttpError::Silent(self.idle)),
        }
    }

    /// All the rest, after `start`.
    pub async fn whole(mut self, mut start: Vec<u8>) -> Result<Vec<u8>, HttpError> {
        while let Some(piece) = self.piece().await? {
            if start.len() + piece.len() > WHOLE_CAP {
                return Err(HttpError::TooLarge(WHOLE_CAP));
            }
            start.extend_from_slice(&piece);
        }
        Ok(start)
    }
}

/// The host (and port, where one is named) of an address, for messages.
pub fn host(url: &str) -> Result<String, HttpError> {
    let parsed =
        reqwest::Url::parse(url).map_err(|error| HttpError::Address(format!("{url:?} is no address: {error}")))?;
    match (parsed.scheme(), parsed.host_str(), parsed.port()) {
        ("http" | "https", Some(host), None) => Ok(host.to_owned()),
        ("http" | "https", Some(host), Some(port)) => Ok(format!("{host}:{port}")),
        _ => Err(HttpError::Address(format!("{url:?} does not begin with https:// or http://"))),
    }
}

/// A value for the query of an address.
pub fn escape(value: &str) -> String {
    let mut escaped = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str| text(name)?.parse::<f64>().ok().filter(|number| (0.0..1e9).contains(number));
    number("retry-after-ms")
        .map(|ms| ms / 1000.0)
        .or_else(|| number("retry-after"))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .or_else(|| {
            // By the service's own clock where it tells the time: this machine's may be wrong.
            let now = text("date").and_then(http_date).unwrap_or_else(clock::now);
            let then = text("retry-after").and_then(http_date)?;
            Some(Duration::from_millis(then.0.saturating_sub(now.0)))
        })
}

/// A date in the form that servers have to write, `Wed, 21 Oct 2026 07:28:00 GMT` (RFC 9110, section 5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.split_once(", ")?;
    let [day, month, year, time, "GMT"] = rest.split(' ').collect::<Vec<_>>()[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}Z"))
}

fn classify(error: reqwest::Error) -> HttpError {
    let cause = root_cause(&error);
    if error.is_builder() {
        return HttpError::Address(cause);
    }
    let mut source = error.source();
    while let Some(inner) = source {
        if is_tls(inner) {
            return HttpError::Tls(cause);
        }
        // The types behind these two are not public, so their words have to do.
        let text = inner.to_string();
        if text == "dns error" {
            return HttpError::Name(cause);
        }
        if let Some(why) = text.strip_prefix("tunnel error: ") {
            let why = match (why, inner.source()) {
                ("proxy authorization required", _) => "it wants a login".to_owned(),
                ("unsuccessful", _) => "it makes no connection to that host".to_owned(),
                (_, Some(_)) => cause,
                (why, None) => why.to_owned(),
            };
            return HttpError::Proxy(why);
        }
        source = inner.source();
    }
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => HttpError::Connect("no connection in time".into()),
        (true, false) => HttpError::Connect(cause),
        _ => HttpError::Cut(cause),
    }
}

/// rustls errors travel inside `io::Error`s, which hide what they hold from `source`.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || held.is_some_and(|held| is_tls(held))
}

/// The innermost error's text: the one that a person can act on.
fn root_cause(error: &reqwest::Error) -> String {
    let mut text = String::from("unknown");
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (url, expected) in [
            ("https://api.anthropic.com/v1", Ok("api.anthropic.com")),
            ("http://localhost:8080", Ok("localhost:8080")),
            ("http://user:password@[::1]:9", Ok("[::1]:9")),
            ("file:///etc", Err(())),
            ("localhost:8080", Err(())),
            ("", Err(())),
        ] {
            assert_eq!(host(url).as_deref().map_err(|_| ()), expected, "{url}");
        }
    }

    #[test]
    fn what_is_on_this_machine_is_asked_directly() {
        for (url, direct) in [
            ("http://localhost:8080", true),
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1/x", true),
            ("http://127.0.0.1", true),
            ("https://api.anthropic.com", false),
            ("http://192.168.0.1:80", false),
        ] {
            assert_eq!(Http::new(url, Limits::default()).direct, direct, "{url}");
        }
    }

    #[test]
    fn waits_that_a_service_asks_for() {
        for (name, value, expected) in [
            ("retry-after", "3", Some(3000)),
            ("retry-after", "0.5", Some(500)),
            ("retry-after-ms", "20", Some(20)),
            ("retry-after", "Wed, 21 Oct 2026 07:28:07 GMT", Some(7000)),
            ("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT", Some(0)),
            ("retry-after", "Wednesday, 21-Oct-26 07:28:07 GMT", None),
            ("retry-after", "soon", None),
            ("retry-after", "-1", None),
            ("retry-after", "NaN", None),
            ("retry-after", "1e300", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("date", HeaderValue::from_static("Wed, 21 Oct 2026 07:28:00 GMT"));
            headers.insert(name, HeaderValue::from_static(value));
            assert_eq!(retry_after(&headers), expected.map(Duration::from_millis), "{name}: {value}");
        }
    }
}
