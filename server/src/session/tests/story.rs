//! Drives a state as a story: each step is an event in, and everything that it causes, written down for [`Story::tells`].

use std::path::PathBuf;

use expect_test::Expect;
use serde_json::{Value, json};

use super::words;
use super::world::World;
use crate::agent::approval::Mode;
use crate::agent::history::{AssistantItem, AssistantPart, Content, Item, ModelStop};
use crate::agent::instructions::InstructionFile;
use crate::agent::notification::Limits;
use crate::ids::{IdSource, SessionId, TaskId};
use crate::problem::{Counts, Finding, TestResult, TestStatus};
use crate::provider::{Answer, ModelFacts, ProviderError, StreamEvent, Usage};
use crate::session::budget::Budget;
use crate::session::effect::{Effect, Reply};
use crate::session::event::{
    Choice, Event, Loaded, Moment, Page, QuestionOutcome, ReplyId, Request, StartTask, StoredSession, Timer,
};
use crate::session::schedule::exclusive;
use crate::session::settings::{AgentLimits, Settings};
use crate::session::state::State;
use crate::session::usage::tools_weight;
use crate::task::model::{Delivery, OnClose, Origin, Task, Timestamp};
use crate::task::run::{Ending, OutputSlice, RunEnd, RunEvent, RunId};
use crate::tool;
use crate::workspace::documents::{Document, Documents};

/// 2026-01-31.
const START: u64 = 1_769_817_600_000;

pub(in crate::session) fn settings() -> Settings {
    Settings {
        root: PathBuf::from("/w"),
        roots: vec![PathBuf::from("/w")],
        home: PathBuf::from("/people/me"),
        tests_alone: false,
        path_map: Vec::new().into(),
        said: Vec::new(),
        runs: PathBuf::from("/runs"),
        results: PathBuf::from("/results"),
        mode: Mode::Auto,
        model: "m".into(),
        small_model: None,
        provider: "test".into(),
        known: Vec::new(),
        max_tokens: 1_000,
        slots: 2,
        exclusive: exclusive(&["install"]),
        background_timeout: None,
        foreground_timeout: 120_000,
        check_in: 300_000,
        promote_after: 15_000,
        promote_slow_after: 1_000,
        wake_debounce: 250,
        max_auto_turns: 5,
        since_after: Some(3_600_000),
        max_turn_requests: 200,
        agents: AgentLimits { max_concurrent: 10, max_requests: 50, model: None },
        stop_grace: 5_000,
        stall_after: 45_000,
        output_cap: 1_000_000,
        on_close: OnClose::Grace,
        output_total: 1_000_000_000,
        limits: Limits { task: 4_000, block: 16_000 },
        max_result: 30_000,
        budget: Budget::default(),
        reads_at_once: 10,
    }
}

pub(super) fn text(text: &str) -> Vec<Content> {
    vec![Content::Text { text: text.into() }]
}

/// Parts of an answer: words and calls.
pub(super) fn words(text: &str) -> AssistantPart {
    AssistantPart::Text { text: text.into() }
}

pub(super) fn thought(text: &str) -> AssistantPart {
    AssistantPart::Thinking { text: text.into(), signature: Some("signed".into()) }
}

pub(super) fn call(id: &str, name: &str, input: Value) -> AssistantPart {
    AssistantPart::ToolCall { id: id.into(), name: name.into(), input, invalid: None }
}

pub(super) fn bash(id: &str, command: &str) -> AssistantPart {
    call(id, "bash", json!({"command": command}))
}

pub(super) fn background(id: &str, command: &str) -> AssistantPart {
    call(id, "background_run", json!({"command": command}))
}

pub(super) fn read(id: &str) -> AssistantPart {
    call(id, "read_file", json!({"path": "a.rs"}))
}

pub(super) fn write(id: &str) -> AssistantPart {
    call(id, "write_file", json!({"path": "a.rs", "content": "x"}))
}

pub(super) fn check(id: &str, task: &str) -> AssistantPart {
    call(id, "check_background", json!({"task_id": task}))
}

/// A command that a person starts.
pub(super) fn by_person(command: &str, session: Option<&SessionId>) -> StartTask {
    StartTask { session: session.cloned(), ..StartTask::new(command, Origin::User) }
}

pub(super) struct Story {
    pub(super) state: State,
    pub(super) world: World,
    pub(super) session: SessionId,
    pub(super) documents: Documents,
    pub(super) now: u64,
    pub(super) effects: Vec<Effect>,
    /// An answer is written at once.
    pub(super) quick_store: bool,
    /// A transcript is written at once.
    pub(super) quick_disk: bool,
    /// The past of a run is read at once.
    pub(super) quick_past: bool,
    /// What prompts point at is read at once, and is nothing.
    pub(super) quick_mentions: bool,
    /// Instruction files are read at once; there are none.
    pub(super) quick_instructions: bool,
    log: String,
    replies: u64,
}

impl Story {
    /// One session, in a mode that asks nothing.
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut story = Self::loaded(Loaded::default(), change);
        story.session = story.new_session();
        story
    }

    /// A sidecar that finds something in its store, and no session yet.
    pub(super) fn loaded(loaded: Loaded, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings();
        change(&mut settings);
        let mut story = Self {
            state: State::new(settings, IdSource::Sequential(0)),
            world: World::default(),
            session: "none".into(),
            documents: Documents::default(),
            now: START,
            effects: Vec::new(),
            quick_store: true,
            quick_disk: true,
            quick_past: true,
            quick_mentions: true,
            quick_instructions: true,
            log: String::new(),
            replies: 0,
        };
        story.silent(Event::Loaded(Box::new(loaded)));
        story.silent(Event::ClientReady);
        story
    }

    pub(super) fn new_session(&mut self) -> SessionId {
        self.replies += 1;
        let request = Request::NewSession { cwd: None, mode: None, model: None };
        let before = self.log.len();
        self.event(Event::Request { reply: ReplyId(self.replies), request });
        self.log.truncate(before);
        let made = self.effects.iter().find_map(|effect| match effect {
            Effect::Reply { result: Ok(Reply::Session { session, .. }), .. } => Some(session.clone()),
            _ => None,
        });
        made.expect("a session")
    }

    /// Opens a session that the store holds.
    pub(super) fn load(&mut self, mut stored: StoredSession) {
        stored.pending = self.world.reports.clone();
        stored.pending.retain(|pending| {
            pending.session.as_ref() == Some(&stored.id)
                && self.world.outbox.get(&pending.report.key) == Some(&Delivery::Pending)
        });
        self.session = stored.id.clone();
        self.world.stored.insert(stored.id.clone(), stored.history.iter().cloned().map(std::sync::Arc::new).collect());
        let (reply, session) = (ReplyId(0), stored.id.clone());
        self.event(Event::SessionLoaded { reply, session, page: Page::default(), stored: Ok(Some(Box::new(stored))) });
    }

    /// Applies an event and writes down what it causes.
    pub(super) fn event(&mut self, event: Event) {
        self.apply(event);
        while let Some((session, turn, call, scripts)) = self.world.project_reads.pop_front() {
            let effects = std::mem::take(&mut self.effects);
            let own = if scripts { self.world.own.clone() } else { Vec::new() };
            let links = self.world.links.clone();
            self.apply(Event::ProjectRead { session, turn, call, own, links });
            let later = std::mem::replace(&mut self.effects, effects);
            self.effects.extend(later);
        }
        while self.quick_instructions && !self.world.instructions.is_empty() {
            let effects = std::mem::take(&mut self.effects);
            self.instructions_read(Vec::new());
            let later = std::mem::replace(&mut self.effects, effects);
            self.effects.extend(later);
        }
        while self.quick_mentions && !self.world.mentions.is_empty() {
            let effects = std::mem::take(&mut self.effects);
            self.mentions_read(None);
            let later = std::mem::replace(&mut self.effects, effects);
            self.effects.extend(later);
        }
        while self.quick_past && !self.world.past_reads.is_empty() {
            let effects = std::mem::take(&mut self.effects);
            self.past_read();
            let later = std::mem::replace(&mut self.effects, effects);
            self.effects.extend(later);
        }
        while self.quick_disk && !self.world.transcripts.is_empty() {
            let effects = std::mem::take(&mut self.effects);
            self.transcribed();
            let later = std::mem::replace(&mut self.effects, effects);
            self.effects.extend(later);
        }
    }

    /// The oldest piece of a transcript is written.
    pub(super) fn transcribed(&mut self) {
        let (id, bytes, lines) = self.world.transcripts.pop_front().expect("a piece of a transcript");
        self.apply(Event::Transcribed { id, bytes, lines, problem: None });
    }

    /// What the oldest prompt points at is read.
    pub(super) fn mentions_read(&mut self, block: Option<&str>) {
        let (session, prompt, _) = self.world.mentions.remove(0);
        let seen = vec![("/w/a.rs".into(), tool::Fingerprint { length: 1, hash: 1 })];
        self.apply(Event::MentionsRead { session, prompt, block: block.map(str::to_owned), seen });
    }

    /// The model answers what it was asked beside the conversation.
    pub(super) fn aside_answered(&mut self, result: Result<&str, ProviderError>) {
        let (aside, request) = self.world.asides.remove(0);
        let answer = |text: &str| Answer {
            item: AssistantItem {
                parts: vec![words(text)],
                stop: ModelStop::EndTurn,
                provider: "test".into(),
                model: request.model.clone(),
            },
            usage: Usage::default(),
            why: None,
        };
        self.event(Event::AsideAnswered { aside, result: Box::new(result.map(answer)) });
    }

    /// What is known of the session's model: its window, which has this room beside the system text and the tools.
    pub(super) fn window(&mut self, room: u64) -> u64 {
        let (session, model) = (self.session.clone(), self.state.sessions[&self.session].model.clone());
        let system = self.state.sessions[&session].system.len() as u64;
        let tokens = room + (system + tools_weight(&self.state.tools)) / 4;
        let facts = ModelFacts { window: Some(tokens), ..ModelFacts::named("test", &model) };
        self.event(Event::ModelDescribed { session, model, facts });
        tokens
    }

    /// The instruction files of the oldest session that waits for them are read.
    pub(super) fn instructions_read(&mut self, files: Vec<InstructionFile>) {
        let session = self.world.instructions.pop_front().expect("a session waits for its files");
        self.apply(Event::InstructionsRead { session, files });
    }

    /// The store has read the oldest past that was asked for.
    pub(super) fn past_read(&mut self) {
        let (run, command) = self.world.past_reads.pop_front().expect("a past is asked for");
        let past = Box::new(self.world.pasts.get(&command).cloned().unwrap_or_default());
        self.apply(Event::Past { run, past });
    }

    fn apply(&mut self, event: Event) {
        let moment = Moment { now: Timestamp(self.now), documents: self.documents.clone() };
        self.effects = self.state.apply(moment, event);
        for effect in &self.effects {
            self.world.take(effect);
            if let Some(line) = words::effect(&self.state, effect) {
                self.log += &line;
                self.log.push('\n');
            }
        }
    }

    fn silent(&mut self, event: Event) {
        let before = self.log.len();
        self.event(event);
        self.log.truncate(before);
    }

    /// What the story told since the last look.
    pub(super) fn tells(&mut self, expected: Expect) {
        expected.assert_eq(&std::mem::take(&mut self.log));
    }

    /// The same, to look into.
    pub(super) fn log(&self) -> &str {
        &self.log
    }

    /// The same as text.
    pub(super) fn told(&mut self) -> String {
        std::mem::take(&mut self.log)
    }

    /// Nobody looks at what came so far.
    pub(super) fn skip(&mut self) {
        self.log.clear();
    }

    pub(super) fn request(&mut self, request: Request) {
        self.replies += 1;
        self.event(Event::Request { reply: ReplyId(self.replies), request });
    }

    pub(super) fn prompt(&mut self, words: &str) {
        let session = self.session.clone();
        self.request(Request::Prompt { session, content: text(words) });
    }

    pub(super) fn cancel(&mut self) {
        let session = self.session.clone();
        self.event(Event::Cancel { session, turn: None });
    }

    /// The store has dealt with the oldest append.
    pub(super) fn commit_one(&mut self) {
        let (commit, result) = self.world.committed();
        self.event(Event::Committed { commit, result });
    }

    /// The store has dealt with everything.
    pub(super) fn commit(&mut self) {
        while !self.world.commits.is_empty() {
            self.commit_one();
        }
    }

    pub(super) fn stream(&mut self, event: StreamEvent) {
        let (session, turn) = self.world.asks.first().cloned().expect("a request");
        self.event(Event::Stream { session, turn, event });
    }

    pub(super) fn answered(&mut self, result: Result<Answer, ProviderError>) {
        let (session, turn) = self.world.asks.remove(0);
        if result.is_ok() {
            self.world.heard_by(&session);
        }
        self.event(Event::Answered { session, turn, result: Box::new(result) });
        if self.quick_store && !self.world.commits.is_empty() {
            self.commit_one();
        }
    }

    /// The model's whole answer.
    pub(super) fn answer_with(&mut self, parts: Vec<AssistantPart>, stop: ModelStop) {
        let item = AssistantItem { parts, stop, provider: "test".into(), model: "m".into() };
        self.answered(Ok(Answer { item, usage: Usage::default(), why: None }));
    }

    pub(super) fn answer(&mut self, parts: Vec<AssistantPart>) {
        let calls = parts.iter().any(|part| matches!(part, AssistantPart::ToolCall { .. }));
        self.answer_with(parts, if calls { ModelStop::ToolUse } else { ModelStop::EndTurn });
    }

    /// The whole answer of the model that this conversation asked.
    pub(super) fn answers_to(&mut self, session: &SessionId, parts: Vec<AssistantPart>) {
        let at = self.world.asks.iter().position(|(asking, _)| asking == session);
        let asked = self.world.asks.remove(at.unwrap_or_else(|| panic!("{session} asks nothing")));
        self.world.asks.insert(0, asked);
        self.answer(parts);
    }

    /// The subagents that wait for their model, in the order of their requests.
    pub(super) fn children(&self) -> Vec<SessionId> {
        let asking = self.world.asks.iter().map(|(session, _)| session.clone());
        asking.filter(|session| self.world.subagents.contains(session)).collect()
    }

    /// The model says this and ends its turn.
    pub(super) fn ends(&mut self, text: &str) {
        self.answer(vec![words(text)]);
    }

    /// A whole turn: a prompt, and an answer with these parts.
    pub(super) fn turn(&mut self, prompt: &str, parts: Vec<AssistantPart>) {
        self.prompt(prompt);
        self.commit();
        self.answer(parts);
    }

    pub(super) fn tool_done(&mut self) {
        self.tool_says("done");
    }

    pub(super) fn tool_says(&mut self, text: &str) {
        let (session, turn, call) = self.world.tools.remove(0);
        let result = Ok(tool::Output { text: text.into(), ..tool::Output::default() });
        self.event(Event::ToolDone { session, turn, call, result });
    }

    /// A result that was too long is in its file.
    pub(super) fn result_saved(&mut self, text: &str) {
        let (session, turn, call) = self.world.saves.remove(0);
        self.event(Event::ResultSaved { session, turn, call, text: text.into() });
    }

    pub(super) fn output_read(&mut self, text: &str) {
        let (session, turn, call) = self.world.reads.remove(0);
        let total_bytes = text.len() as u64;
        let slice = OutputSlice {
            text: text.into(),
            next_offset: total_bytes,
            total_bytes,
            eof: true,
            ..OutputSlice::default()
        };
        self.event(Event::OutputRead { session, turn, call, slice: Ok(slice) });
    }

    pub(super) fn answers(&mut self, choice: Choice, reason: Option<&str>) {
        let question = self.world.questions.remove(0);
        let outcome = QuestionOutcome::Chosen { choice, reason: reason.map(str::to_owned) };
        self.event(Event::QuestionAnswered { question, outcome });
    }

    pub(super) fn run(&mut self, task: &str, run: u32, event: RunEvent) {
        self.event(Event::Run { id: RunId { task: task.into(), run }, event });
    }

    /// The newest run of a task starts.
    pub(super) fn started(&mut self, task: &str) {
        let run = self.newest(task);
        self.run(task, run, RunEvent::Started { pid: 42, at: Timestamp(self.now) });
    }

    /// The newest run of a task ends.
    pub(super) fn ended(&mut self, task: &str, ending: Ending) {
        let run = RunId { task: task.into(), run: self.newest(task) };
        self.world.over(&run);
        let end = RunEnd {
            ending,
            at: Timestamp(self.now),
            stragglers: 0,
            tail: String::new(),
            bytes: 0,
            lines: 0,
            truncated: false,
        };
        self.run(task, run.run, RunEvent::Ended(end));
    }

    pub(super) fn exits(&mut self, task: &str, code: i32) {
        self.ended(task, Ending::Exited { code });
    }

    /// The newest run of a task shows that these tests failed or passed: `a+ b-`, a failure with its message.
    pub(super) fn tests(&mut self, task: &str, results: &str, message: &str) {
        let run = self.newest(task);
        let result = |word: &str| {
            let (id, failed) = word.strip_suffix('-').map_or((word.trim_end_matches('+'), false), |id| (id, true));
            TestResult {
                id: id.into(),
                name: id.into(),
                program: None,
                status: if failed { TestStatus::Failed } else { TestStatus::Passed },
                place: None,
                duration_ms: None,
                message: failed.then(|| message.to_owned()),
            }
        };
        let tests: Vec<TestResult> = results.split_whitespace().map(result).collect();
        let count = |status| tests.iter().filter(|test| test.status == status).count() as u32;
        let counts = Counts { passed: count(TestStatus::Passed), failed: count(TestStatus::Failed), skipped: 0 };
        let mut findings: Vec<Finding> = tests.into_iter().map(Finding::Test).collect();
        findings.push(Finding::Counts(counts));
        self.run(task, run, RunEvent::Findings(findings));
    }

    /// Its output shows these.
    pub(super) fn finds(&mut self, task: &str, findings: Vec<Finding>) {
        let run = self.newest(task);
        self.run(task, run, RunEvent::Findings(findings));
    }

    fn newest(&self, task: &str) -> u32 {
        let alive = self.world.runs.iter().find(|run| run.task.as_str() == task);
        alive.unwrap_or_else(|| panic!("{task} does not run: {:?}", self.world.runs)).run
    }

    /// What a run was run on is known.
    pub(super) fn fingerprinted(&mut self, task: &str) {
        let id = RunId { task: task.into(), run: self.newest(task) };
        self.event(Event::Fingerprinted { id, fingerprint: Some("seen".into()) });
    }

    /// The disk was looked at.
    pub(super) fn unchanged(&mut self, unchanged: bool) {
        let check = self.world.checks.remove(0);
        self.event(Event::Unchanged { check, unchanged });
    }

    /// The store has answered the oldest claim.
    pub(super) fn claimed(&mut self, result: Result<(), &str>) {
        let id = self.world.claims.remove(0);
        self.event(Event::Claimed { id, result: result.map_err(TaskId::from) });
    }

    pub(super) fn timer(&mut self, timer: Timer) {
        let at = self.world.timers.iter().position(|set| *set == timer);
        self.world.timers.remove(at.unwrap_or_else(|| panic!("{timer:?} is not set: {:?}", self.world.timers)));
        self.event(Event::Timer(timer));
    }

    pub(super) fn wakes(&mut self) {
        self.timer(Timer::Wake(self.session.clone()));
    }

    pub(super) fn task(&self, id: &str) -> &Task {
        self.state.task(&TaskId::from(id)).expect("a task")
    }

    /// A document with text that is not saved.
    pub(super) fn unsaved(&mut self, path: &str) {
        self.documents = self.documents.with(Document {
            uri: format!("file://{path}"),
            path: path.into(),
            version: 2,
            text: "new".into(),
            saved: "old".into(),
        });
    }

    /// The whole history of the session, an item a line.
    pub(super) fn history(&self, expected: Expect) {
        let lines: Vec<String> = self.items().iter().map(|item| words::item(item)).collect();
        expected.assert_eq(&lines.join("\n"));
    }

    pub(super) fn items(&self) -> &[std::sync::Arc<Item>] {
        &self.state.sessions[&self.session].history
    }
}

/// A session that has said "started" and is idle, while `t5` runs.
pub(super) fn idle() -> Story {
    let mut story = Story::new();
    story.turn("go", vec![background("c1", "cargo test")]);
    story.commit();
    story.ends("started");
    story.started("t5");
    story.skip();
    story
}
