//! The provider `scripted:FILE`: answers from a file, for tests and demonstrations. Strict: a request that the script does
//! not expect, or that breaks a service's rules, fails with what was expected and what came. `script` is the file's
//! shape, `seen` what expectations look at; this file keeps the place in the script and plays the answers.
//!
//! Two waits here are polls: `waitForFile` (a gate that a test opens by making a file) and `paceMs` (a demonstration).

mod script;
mod seen;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use self::script::{Names, Part, Script, Step, fill, fill_value};
use self::seen::Seen;
use super::{Answer, ModelRequest, Provider, ProviderError, StreamEvent, ToolSpec, check};
use crate::agent::history::{AssistantItem, AssistantPart, History, ModelStop};
use crate::ids::ToolCallId;

/// The word of the settings, and of [`AssistantItem::provider`].
pub const NAME: &str = "scripted";

/// Characters of one piece of streamed text, unless the script names a number of pieces.
const PIECE: usize = 24;

/// How often `waitForFile` looks.
const GATE_POLL: Duration = Duration::from_millis(10);

/// The provider `scripted:FILE`. Its place in the script is shared by all sessions that use this instance.
pub struct Scripted {
    stage: Arc<Stage>,
}

struct Stage {
    script: Script,
    /// Relative gates are looked for beside the script.
    folder: PathBuf,
    place: Mutex<Place>,
}

#[derive(Default)]
struct Place {
    /// By step: whether it has answered.
    used: Vec<bool>,
    requests: usize,
    calls: usize,
    names: Names,
    conversations: Vec<Conversation>,
}

/// The last request of a conversation: the next one has to continue it.
struct Conversation {
    system: Arc<str>,
    tools: Arc<[ToolSpec]>,
    history: History,
}

impl Scripted {
    /// Reads the script at `path`. The error names the file and what is wrong in it.
    pub fn open(path: &Path) -> Result<Self, ProviderError> {
        let wrong = |what: String| {
            ProviderError::NotConfigured(format!("The script {} cannot be used: {what}.", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self::parse(&text, folder).map_err(wrong)
    }

    /// A provider for the script in `text`; gates are looked for in `folder`.
    pub fn parse(text: &str, folder: PathBuf) -> Result<Self, String> {
        let script = Script::parse(text)?;
        let place = Mutex::new(Place { used: vec![false; script.steps.len()], ..Place::default() });
        Ok(Self { stage: Arc::new(Stage { script, folder, place }) })
    }

    /// The steps that no request has used, for a test's end. The last step of a script with `repeatLast` may be unused.
    pub fn unused(&self) -> Vec<String> {
        self.stage.unused()
    }
}

impl Provider for Scripted {
    fn name(&self) -> &'static str {
        NAME
    }

    fn default_model(&self) -> String {
        self.stage.script.model.clone()
    }

    fn context_window(&self, _model: &str) -> Option<u64> {
        Some(self.stage.script.context_window)
    }

    fn stream(
        &self,
        request: ModelRequest,
        events: mpsc::Sender<StreamEvent>,
    ) -> BoxFuture<'static, Result<Answer, ProviderError>> {
        let stage = Arc::clone(&self.stage);
        async move {
            let (step, names) = stage.claim(&request).map_err(ProviderError::OffScript)?;
            stage.play(step, &names, request.model, &events).await
        }
        .boxed()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for step in self.unused() {
            tracing::warn!("the script ended with a step that no request used: {step}");
        }
    }
}

impl Stage {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unused(&self) -> Vec<String> {
        let place = self.place();
        let steps = self.script.steps.len() - usize::from(self.script.repeat_last);
        (0..steps).filter(|number| !place.used[*number]).map(|number| self.describe(number)).collect()
    }

    fn describe(&self, number: usize) -> String {
        let note = &self.script.steps[number].note;
        let of = self.script.steps.len();
        if note.is_empty() {
            format!("step {} of {of}", number + 1)
        } else {
            format!("step {} of {of} ({note})", number + 1)
        }
    }

    /// Checks a request and gives it its step, with the names as they are after the step's captures.
    fn claim(&self, request: &ModelRequest) -> Result<(Step, Names), String> {
        let mut place = self.place();
        place.requests += 1;
        let number = place.requests;
        let seen = Seen::of(request);
        let failed = |what: String| format!("request {number}: {what}\n{}", seen.last_message());
        check::check(&request.history)
            .map_err(|what| failed(format!("it breaks the rules of model services: {what}")))?;
        place.continue_conversation(request).map_err(failed)?;

        let mut candidates: Vec<usize> = (0..place.used.len()).filter(|step| !place.used[*step]).collect();
        if !self.script.any_order {
            candidates.truncate(1);
        }
        if candidates.is_empty() && self.script.repeat_last {
            candidates.push(place.used.len() - 1);
        }
        if candidates.is_empty() {
            return Err(failed("the script has no further step".into()));
        }
        let mut misses = Vec::new();
        for index in candidates {
            let step = &self.script.steps[index];
            match seen.meets(&step.expect, &place.names).and_then(|()| seen.capture(step, &place.names)) {
                Ok(names) => {
                    place.used[index] = true;
                    place.names = names.clone();
                    return Ok((step.clone(), names));
                }
                Err(miss) => misses.push(format!("{}: {miss}", self.describe(index))),
            }
        }
        Err(failed(misses.join("\n")))
    }

    async fn play(
        &self,
        step: Step,
        names: &Names,
        model: String,
        events: &mpsc::Sender<StreamEvent>,
    ) -> Result<Answer, ProviderError> {
        let filled = |text: &str| fill(text, names).map_err(ProviderError::OffScript);
        if let Some(gate) = &step.wait_for_file {
            self.wait_for(&filled(gate)?).await;
        }
        let mut parts = Vec::new();
        let mut told = Teller { events, announced: false, pace: Duration::from_millis(self.script.pace_ms) };
        for part in &step.answer {
            match part {
                Part::Thinking { text, signature } => {
                    let text = filled(text)?;
                    for piece in pieces(&text, None) {
                        told.content(StreamEvent::Thinking(piece)).await;
                    }
                    parts.push(AssistantPart::Thinking { text, signature: signature.clone() });
                }
                Part::Text { text, chunks } => {
                    let text = filled(text)?;
                    for piece in pieces(&text, *chunks) {
                        told.content(StreamEvent::Text(piece)).await;
                    }
                    parts.push(AssistantPart::Text { text });
                }
                Part::Tool { name, id, input } => {
                    let input = fill_value(input, names).map_err(ProviderError::OffScript)?;
                    let id = self.call_id(id.as_deref());
                    told.content(StreamEvent::ToolCallStarted { id: id.clone(), name: name.clone() }).await;
                    parts.push(AssistantPart::ToolCall { id, name: name.clone(), input, invalid: None });
                }
                Part::BrokenTool { name, id, raw } => {
                    let id = self.call_id(id.as_deref());
                    told.content(StreamEvent::ToolCallStarted { id: id.clone(), name: name.clone() }).await;
                    let invalid = Some(format!("the input is not valid JSON: {raw}"));
                    parts.push(AssistantPart::ToolCall {
                        id,
                        name: name.clone(),
                        input: Value::Object(Map::new()),
                        invalid,
                    });
                }
                Part::WaitForFile(gate) => self.wait_for(&filled(gate)?).await,
                Part::Restart(reason) => {
                    parts.clear();
                    told.tell(StreamEvent::Restarted { reason: reason.clone() }).await;
                }
                Part::Retrying { reason, after, attempt } => {
                    told.tell(StreamEvent::Retrying { reason: reason.clone(), after: *after, attempt: *attempt }).await;
                }
            }
        }
        if let Some(error) = step.error {
            return Err(error.into());
        }
        let calls = parts.iter().any(|part| matches!(part, AssistantPart::ToolCall { .. }));
        let stop = step.stop.unwrap_or(if calls { ModelStop::ToolUse } else { ModelStop::EndTurn });
        let item = AssistantItem { parts, stop, provider: NAME.to_owned(), model };
        Ok(Answer { item, usage: step.usage.into(), why: None })
    }

    fn call_id(&self, given: Option<&str>) -> ToolCallId {
        let mut place = self.place();
        place.calls += 1;
        given.map_or_else(|| ToolCallId(format!("call_{}", place.calls)), ToolCallId::from)
    }

    async fn wait_for(&self, gate: &str) {
        let gate = self.folder.join(gate);
        while !gate.exists() {
            tokio::time::sleep(GATE_POLL).await;
        }
    }
}

impl Place {
    /// A conversation is known by its first item. Its next request has the same system text and tools and begins with all
    /// that was sent before.
    fn continue_conversation(&mut self, request: &ModelRequest) -> Result<(), String> {
        let known = self.conversations.iter_mut().find(|known| known.history.first() == request.history.first());
        let Some(known) = known else {
            self.conversations.push(Conversation {
                system: Arc::clone(&request.system),
                tools: Arc::clone(&request.tools),
                history: request.history.clone(),
            });
            return Ok(());
        };
        if known.system != request.system {
            return Err("the system text is not the one of the conversation's request before".into());
        }
        if known.tools != request.tools {
            return Err("the tools are not those of the conversation's request before".into());
        }
        check::check_continues(&known.history, &request.history)?;
        known.history.clone_from(&request.history);
        Ok(())
    }
}

/// Sends events, the start of content once.
struct Teller<'a> {
    events: &'a mpsc::Sender<StreamEvent>,
    announced: bool,
    pace: Duration,
}

impl Teller<'_> {
    async fn tell(&self, event: StreamEvent) {
        // Nobody may be listening any more; the answer is still wanted.
        let _ = self.events.send(event).await;
    }

    async fn content(&mut self, event: StreamEvent) {
        if !std::mem::replace(&mut self.announced, true) {
            self.tell(StreamEvent::ContentStarted).await;
        } else if !self.pace.is_zero() {
            tokio::time::sleep(self.pace).await;
        }
        self.tell(event).await;
    }
}

/// A text in so many pieces, or in small ones; never inside a character, never an empty one.
fn pieces(text: &str, chunks: Option<usize>) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let size = chunks.map_or(PIECE, |chunks| characters.len().div_ceil(chunks.max(1)));
    characters.chunks(size.max(1)).map(|piece| piece.iter().collect()).collect()
}
