//! One try of a streamed request: the POST goes out, and its answer's events come in. Knows no API: a [`Reader`] reads the
//! events. What comes instead of a stream (one JSON document, a web page) is recognised here.

use super::failure::{Failure, web_page};
use super::http::{Body, Http};
use super::retry::Watcher;
use super::{Answer, StreamEvent, sse};

/// Puts one answer together from its events, in order. Pure.
pub trait Reader {
    /// Takes one event and returns what people may see of it.
    fn take(&mut self, event: &sse::Event) -> Result<Vec<StreamEvent>, Failure>;

    /// Takes an answer that came as one JSON document and not as a stream.
    fn take_whole(&mut self, document: &[u8]) -> Result<Vec<StreamEvent>, Failure>;

    /// The answer has ended; nothing more is to be read.
    fn ended(&self) -> bool;

    /// The whole answer, or [`Failure::Cut`] where its end is missing.
    fn finish(self) -> Result<Answer, Failure>;
}

/// Sends `body` to `url` and reads the answer.
pub async fn ask<R: Reader>(
    http: &Http,
    url: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
    mut reader: R,
    watcher: &mut Watcher,
) -> Result<Answer, Failure> {
    let mut answer = http.post(url, headers, body).await.map_err(Failure::Http)?;
    let first = first_piece(&mut answer).await?;
    let start = first.trim_ascii_start();
    if let Some(title) = web_page(start) {
        return Err(Failure::WebPage(title));
    }
    if answer.media_type() == "text/html" {
        return Err(Failure::WebPage(String::new()));
    }
    // Some servers send a stream under another type, and some a document under the stream's: the first byte tells.
    if start.first() == Some(&b'{') {
        let document = answer.whole(first).await.map_err(Failure::Http)?;
        for event in reader.take_whole(&document)? {
            watcher.show(event).await;
        }
        return reader.finish();
    }
    let mut parser = sse::Parser::default();
    let mut events_seen = false;
    let excerpt: String = String::from_utf8_lossy(start).chars().take(200).collect();
    let is_stream = ["data", "event", "id", "retry", ":"].iter().any(|field| excerpt.starts_with(field));
    let mut piece = Some(first);
    let mut broken = None;
    while let Some(bytes) = piece.take() {
        let events = parser.push(&bytes).map_err(|large| Failure::Garbled(large.to_string()))?;
        for event in events {
            events_seen = true;
            for told in reader.take(&event)? {
                watcher.show(told).await;
            }
        }
        if reader.ended() {
            break;
        }
        piece = answer.piece().await.unwrap_or_else(|error| {
            broken = Some(error);
            None
        });
    }
    reader.finish().map_err(|failure| match (broken, failure) {
        (Some(error), Failure::Cut) => Failure::Http(error),
        (None, Failure::Cut) if !events_seen && !is_stream && !excerpt.is_empty() => {
            Failure::Garbled(format!("no stream of events, but {excerpt:?}"))
        }
        (_, failure) => failure,
    })
}

/// The answer's start, long enough to see what it is; empty where nothing came.
async fn first_piece(answer: &mut Body) -> Result<Vec<u8>, Failure> {
    /// What the start of a web page needs at most, to its title.
    const ENOUGH: usize = 2048;
    let mut first = Vec::new();
    while let Some(piece) = answer.piece().await.map_err(Failure::Http)? {
        first.extend_from_slice(&piece);
        let is_page = first.trim_ascii_start().first() == Some(&b'<');
        // A stream is read as it comes: only of a page more is wanted.
        if !first.trim_ascii().is_empty() && (!is_page || first.len() > ENOUGH) {
            break;
        }
    }
    Ok(first)
}
