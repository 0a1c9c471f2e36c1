//! Everything in any order: whatever a person, a model and the operating system do, and however their steps interleave, no
//! call stays unanswered, nothing is told twice or lost, no end changes, and no turn waits for nothing.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::story::{Story, background, bash, by_person, call, check, read, words, write};
use crate::agent::approval::{Mode, Rule, Said};
use crate::agent::history::{AssistantPart, Item, ModelStop};
use crate::agent::notification;
use crate::ids::TaskId;
use crate::provider::{Answer, ProviderError, StreamEvent, Usage};
use crate::session::calls::Step;
use crate::session::conversation::{Phase, Session, Turn};
use crate::session::event::{Choice, Event, QuestionOutcome, Request, Timer};
use crate::task::model::{Kind, Status, StoppedBy, WaitKind};
use crate::task::run::Ending;

struct Chaos {
    story: Story,
    calls: u32,
    started: BTreeSet<String>,
    /// Questions that are over.
    old: Vec<crate::ids::QuestionId>,
}

impl Chaos {
    fn new() -> Self {
        let mut story = Story::with(|settings| {
            settings.mode = Mode::Ask;
            settings.slots = 1;
            settings.max_auto_turns = 2;
            settings.max_turn_requests = 4;
            settings.agents.max_concurrent = 2;
            settings.agents.max_requests = 3;
        });
        // So small that a few turns fill it.
        story.window(1_500);
        story.quick_store = false;
        story.quick_past = false;
        story.quick_disk = false;
        story.quick_mentions = false;
        story.state.rules = vec![Said::saved(Rule::command(&["make"], false), None)];
        Self { story, calls: 0, started: BTreeSet::new(), old: Vec::new() }
    }

    fn id(&mut self) -> String {
        self.calls += 1;
        format!("c{}", self.calls)
    }

    fn any_task(&self, pick: usize) -> Option<TaskId> {
        let tasks = self.story.state.tasks();
        tasks.get(pick % tasks.len().max(1)).map(|task| task.id.clone())
    }

    fn parts(&mut self, pick: usize) -> (Vec<AssistantPart>, ModelStop) {
        let (a, b, c) = (self.id(), self.id(), self.id());
        let task = self.any_task(pick).map_or("t0".to_owned(), |task| task.to_string());
        let agent = |id: &str, background: bool| {
            let input = json!({"prompt": "look", "description": "look", "run_in_background": background});
            call(id, "agent", input)
        };
        let parts = match pick % 20 {
            0 | 1 => return (vec![words("so")], ModelStop::EndTurn),
            2 => return (vec![], ModelStop::EndTurn),
            3 => return (vec![words("wait")], ModelStop::Pause),
            4 => return (vec![words("no")], ModelStop::Refusal),
            5 => vec![background(&a, "make"), background(&b, "cargo test"), read(&c)],
            6 => vec![background(&a, "cargo test"), background(&b, "cargo test")],
            7 => vec![bash(&a, "ls")],
            8 => vec![bash(&a, "rm x"), read(&b), bash(&c, "ls")],
            9 => vec![write(&a), background(&b, "make"), read(&c)],
            10 => vec![check(&a, &task), check(&b, &task)],
            11 => vec![call(&a, "stop_background", json!({"task_id": task})), bash(&b, "make")],
            12 => vec![call(&a, "background_run", json!({"command": "make", "retries": 1}))],
            13 => vec![background(&a, "make"), bash(&b, "sleep 30")],
            14 => vec![bash(&a, "sleep 5 && ls"), call(&b, "check_background", json!({}))],
            15 => vec![agent(&a, false), agent(&b, false), agent(&c, false)],
            16 => vec![agent(&a, true), read(&b), agent(&c, true)],
            17 => vec![words("so far"), background(&a, "make"), agent(&b, false)],
            18 => vec![agent(&a, true), bash(&b, "rm x")],
            _ => vec![call(&a, "bash", json!({"command": "make", "retries": 1})), call(&b, "fly", json!({}))],
        };
        (parts, ModelStop::ToolUse)
    }

    fn step(&mut self, action: u8, pick: usize) {
        let session = self.story.session.clone();
        let world = &self.story.world;
        match action {
            0 => self.story.prompt("words"),
            1 | 2 if !world.commits.is_empty() => self.story.commit_one(),
            3 if !world.asks.is_empty() => {
                let asks = world.asks.len();
                self.story.world.asks.rotate_left(pick % asks);
                self.story.stream(StreamEvent::ContentStarted);
                self.story.stream(StreamEvent::Text("so".into()));
            }
            4..=7 if !world.asks.is_empty() => {
                let asks = world.asks.len();
                self.story.world.asks.rotate_left(pick / 20 % asks);
                let (parts, stop) = self.parts(pick);
                self.story.answer_with(parts, stop);
            }
            8 | 9 if !world.tools.is_empty() => self.story.tool_done(),
            10 | 11 if !world.reads.is_empty() => self.story.output_read("output"),
            12..=14 if !world.runs.is_empty() => {
                let run = world.runs[pick % world.runs.len()].clone();
                self.run_on(&run.task.to_string(), run.run, pick);
            }
            15 if !world.questions.is_empty() => {
                let question = world.questions[pick % world.questions.len()].clone();
                self.answer(question, [Choice::AllowOnce, Choice::Reject, Choice::AllowAlways(0)][pick % 3]);
            }
            16 if !self.old.is_empty() => {
                let question = self.old[pick % self.old.len()].clone();
                self.answer(question, Choice::AllowOnce);
            }
            17 => {
                self.old.extend(world.questions.iter().cloned());
                self.story.cancel();
            }
            18 => self.with_task(pick, |task| Request::StopTask { task: Some(task) }),
            19 => self.with_task(pick, |task| Request::RerunTask { task: Some(task) }),
            20 if pick.is_multiple_of(3) => self.with_task(pick, |task| Request::DismissTask { task }),
            21 | 22 if !world.timers.is_empty() => {
                let timer = world.timers[pick % world.timers.len()].clone();
                self.story.timer(timer);
            }
            23 if !world.asks.is_empty() => self.story.answered(Err(ProviderError::Unreachable("gone".into()))),
            24 if !world.aborted.is_empty() => {
                let (session, turn) = world.aborted[pick % world.aborted.len()].clone();
                let (parts, stop) = self.parts(pick);
                let item =
                    crate::agent::history::AssistantItem { parts, stop, provider: "test".into(), model: "m".into() };
                let result = Box::new(Ok(Answer { item, usage: Usage::default(), why: None }));
                self.story.event(Event::Answered { session, turn, result });
            }
            25 => self.story.request(Request::StartTask(by_person("cargo build", None))),
            26 => self.story.world.full = !world.full && pick.is_multiple_of(2),
            27 => self.story.request(Request::Promote { session: Some(session), call: None }),
            28 if !world.past_reads.is_empty() => self.story.past_read(),
            29 if !world.asides.is_empty() => {
                let failed = Err(ProviderError::Unreachable("gone".into()));
                self.story.aside_answered(if pick.is_multiple_of(3) { failed } else { Ok("a summary") });
            }
            30 => self.story.request(Request::Compact { session, instructions: None }),
            31 if !world.asks.is_empty() => {
                self.story.answered(Err(ProviderError::ContextTooLong("too long".into())));
            }
            32 if !world.asks.is_empty() => self.story.answer_with(vec![words("half")], ModelStop::ContextFull),
            33 => self.story.prompt(&format!("{} @a.rs", "a long word ".repeat(60))),
            35 | 36 if !world.transcripts.is_empty() => self.story.transcribed(),
            37 if pick.is_multiple_of(2) => {
                self.story.request(Request::Promote { session: Some(session), call: None });
            }
            34 if !world.mentions.is_empty() => self.story.mentions_read(pick.is_multiple_of(2).then_some("a block")),
            _ => {}
        }
        self.sound();
    }

    fn with_task(&mut self, pick: usize, request: impl FnOnce(TaskId) -> Request) {
        if let Some(task) = self.any_task(pick) {
            self.story.request(request(task));
        }
    }

    fn answer(&mut self, question: crate::ids::QuestionId, choice: Choice) {
        self.story.world.questions.retain(|open| *open != question);
        self.old.push(question.clone());
        self.story
            .event(Event::QuestionAnswered { question, outcome: QuestionOutcome::Chosen { choice, reason: None } });
    }

    /// A run starts, or ends.
    fn run_on(&mut self, task: &str, run: u32, pick: usize) {
        let key = format!("{task} {run}");
        if self.started.insert(key.clone()) {
            return self.story.started(task);
        }
        // A further attempt starts anew.
        self.started.remove(&key);
        let stopping = self.story.world.stopping.contains(&key);
        let ending = match pick % 3 {
            _ if stopping && !pick.is_multiple_of(5) => Ending::Stopped { code: None, signal: Some(15) },
            0 => Ending::Exited { code: 0 },
            1 => Ending::Exited { code: 1 },
            _ => Ending::Lost,
        };
        self.story.ended(task, ending);
    }

    /// It runs, or its end waits for what its command came to before.
    fn alive(&self, task: &TaskId) -> bool {
        let world = &self.story.world;
        world.runs.iter().any(|run| run.task == *task) || world.past_reads.iter().any(|(run, _)| run.task == *task)
    }

    /// What holds after every step.
    fn sound(&self) {
        let (state, world) = (&self.story.state, &self.story.world);
        for child in state.sessions.values().filter(|session| session.id != self.story.session) {
            let parent = child.parent.as_ref().expect("a subagent");
            self.sound_turn(child.turn.as_ref().expect("a subagent has a turn"));
            assert!(state.ledger.get(&parent.task).is_some_and(|entry| entry.task.status == Status::Running));
            for item in &child.history {
                let Item::User(item) = &**item else { continue };
                for task in item.notification.iter().flat_map(|block| notification::tasks_of(block)) {
                    let of = state.ledger.get(&task).map(|entry| entry.subagent.clone());
                    assert!(of.is_none_or(|of| of.as_ref() == Some(&child.id)), "{task} is told to a subagent");
                }
            }
        }
        assert!(state.sessions.len() <= 3, "two subagents work at a time");
        let session = &state.sessions[&self.story.session];
        match &session.turn {
            None => {
                assert!(session.queue.is_empty(), "a prompt that nothing will deliver: {:?}", session.queue);
                let own = |of: &crate::ids::SessionId| *of == session.id;
                let works = world.tools.iter().chain(&world.reads).chain(&world.saves).map(|(of, ..)| of);
                let works = world.asks.iter().map(|(of, _)| of).chain(works);
                assert!(!works.into_iter().any(own), "work of no turn");
                let limit = session.auto_turns >= 2;
                let wakes = state.reports.wakes(&session.id) && session.spoken && !limit;
                let set = world.timers.contains(&Timer::Wake(session.id.clone()));
                assert!(set || !wakes, "nothing will wake the session");
            }
            Some(turn) => self.sound_turn(turn),
        }
        let open: BTreeSet<_> = state.questions.of(&session.id).into_iter().map(|question| question.id).collect();
        assert_eq!(open, world.questions.iter().cloned().collect(), "the person sees the open questions");
        let tasks = state.tasks();
        let running = |task: &TaskId| self.alive(task);
        for task in tasks.iter().filter(|task| task.status == Status::Queued && !running(&task.id)) {
            match task.waiting_for.as_ref().map(|waiting| waiting.kind) {
                Some(WaitKind::Permission) => assert!(!open.is_empty(), "{} waits for no question", task.id),
                Some(WaitKind::Slot) if task.kind == Kind::Agent && task.stopping => {
                    let writes = world.transcripts.iter().any(|(run, ..)| run.task == task.id);
                    assert!(writes, "{} is stopped, and nothing is to come", task.id);
                }
                Some(WaitKind::Slot) if task.kind == Kind::Agent => {
                    assert_eq!(state.sessions.len(), 3, "{} waits for no other subagent", task.id);
                }
                Some(WaitKind::Slot) => {
                    assert!(!world.runs.is_empty() || !world.past_reads.is_empty(), "{} waits for no slot", task.id);
                }
                other => panic!("{} waits for {other:?}", task.id),
            }
        }
        for run in &world.runs {
            let visible = state.task(&run.task);
            assert!(visible.is_none_or(|task| !task.status.is_final()), "{run:?} runs on after its end");
        }
    }

    /// A turn waits for something.
    fn sound_turn(&self, turn: &Turn) {
        let (state, world) = (&self.story.state, &self.story.world);
        match turn.phase {
            Phase::Committing(_) => assert!(!world.commits.is_empty(), "no commit is under way"),
            Phase::Reading => assert!(!world.mentions.is_empty(), "nothing is being read"),
            Phase::Preparing => {
                let open = world.asides.len() + world.instructions.len();
                assert!(open > 0, "the request waits for nothing");
            }
            Phase::Asking => assert!(world.asks.iter().any(|(_, of)| *of == turn.id), "no request is under way"),
            Phase::Working => {
                assert!(turn.calls.iter().any(|call| !call.is_done()), "the turn waits for nothing");
                for (at, call) in turn.calls.iter().enumerate() {
                    let under_way = |works: &[super::world::Work]| works.iter().any(|(.., id)| *id == call.id);
                    let waits_for_something = match &call.step {
                        Step::Waiting => turn.calls[..at].iter().any(|earlier| !earlier.is_done()),
                        Step::Asking(question) => world.questions.contains(question),
                        Step::Looking => false,
                        Step::Running => under_way(&world.tools),
                        Step::Foreground(task) => {
                            let works = |session: &Session| session.parent.as_ref().is_some_and(|of| of.task == *task);
                            self.alive(task)
                                || state.sessions.values().any(works)
                                || (state.sessions.len() == 3 && state.waits_for_subagent(task))
                        }
                        Step::Reading { .. } => under_way(&world.reads),
                        Step::Saving { .. } => under_way(&world.saves),
                        Step::Done(_) => true,
                    };
                    assert!(waits_for_something, "{call:?} waits for nothing");
                }
            }
        }
    }

    /// Lets everything come to its end.
    fn settle(&mut self) {
        self.story.world.full = false;
        for _ in 0..2_000 {
            let world = &self.story.world;
            if !world.past_reads.is_empty() {
                self.story.past_read();
            } else if !world.transcripts.is_empty() {
                self.story.transcribed();
            } else if !world.mentions.is_empty() {
                self.story.mentions_read(None);
            } else if !world.asides.is_empty() {
                self.story.aside_answered(Ok("a summary"));
            } else if !world.commits.is_empty() {
                self.story.commit_one();
            } else if !world.asks.is_empty() {
                self.story.ends("so");
            } else if !world.tools.is_empty() {
                self.story.tool_done();
            } else if !world.reads.is_empty() {
                self.story.output_read("output");
            } else if !world.saves.is_empty() {
                self.story.result_saved("saved");
            } else if let Some(question) = world.questions.first().cloned() {
                self.answer(question, Choice::Reject);
            } else if let Some(run) = world.runs.first().cloned() {
                self.run_on(&run.task.to_string(), run.run, 0);
            } else if world.timers.contains(&Timer::Wake(self.story.session.clone())) {
                self.story.wakes();
            } else {
                return;
            }
            self.sound();
        }
        panic!("it never ends");
    }

    /// What holds at the end.
    fn whole(&self) {
        let world = &self.story.world;
        assert!(self.story.state.sessions[&self.story.session].turn.is_none(), "the turn has ended");
        assert_eq!(self.story.state.sessions.len(), 1, "no subagent is left");
        assert_eq!(world.undelivered(), Vec::<&crate::agent::notification::Key>::new(), "a report was lost");
        assert_eq!(world.timers, [], "a timer of something that is over");
        for ((task, run), (status, by)) in &world.ends {
            let key = crate::agent::notification::Key { task: task.clone(), run: *run, about: "end".into() };
            let silent = *status == Status::Killed && *by == Some(StoppedBy::Agent);
            assert_eq!(world.outbox.contains_key(&key), !silent, "{key:?} {status:?} {by:?}");
            let opening = format!("<task_id>{task}</task_id>\n<run>{run}</run>\n<status>{}</status>", status.as_str());
            let mut blocks = 0;
            let mut results = 0;
            for item in self.story.items().iter().chain(&world.heard) {
                let Item::User(item) = &**item else { continue };
                blocks += item.notification.iter().map(|block| block.matches(&opening).count()).sum::<usize>();
                results += item
                    .results
                    .iter()
                    .filter(|result| result.text.contains(task.as_str()) && result.text.contains(status.as_str()))
                    .count();
            }
            assert!(blocks <= 1, "{key:?} was told {blocks} times");
            assert!(silent || blocks + results > 0, "{key:?} {status:?} was never told");
        }
    }
}

/// The parent hears of it when the answer to it breaks off, and the subagent with it.
#[test]
fn what_a_subagent_began_to_answer_is_told_to_its_parent() {
    play(&[(0, 0), (1, 0), (4, 737), (4, 573), (27, 0), (18, 113), (3, 0), (23, 0)]);
}

/// A subagent reads of an end; then its window is full, and its summary does not speak of it.
#[test]
fn what_a_subagent_has_read_is_told_though_its_conversation_was_cut() {
    play(&[(0, 0), (1, 0), (4, 357), (4, 145), (33, 0), (8, 0), (32, 0)]);
}

fn play(steps: &[(u8, usize)]) {
    let mut chaos = Chaos::new();
    for (action, pick) in steps {
        chaos.step(*action, *pick);
    }
    chaos.settle();
    chaos.story.prompt("the last word");
    chaos.settle();
    chaos.whole();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_keeps_every_promise(steps in prop::collection::vec((0u8..38, 0usize..1_000), 0..120)) {
        play(&steps);
    }
}
