//! The loop that owns the state. Events come in over one channel, in order; effects go to `perform`; what the client is
//! to see goes out as [`Message`]s, coalesced here: a change of status at once, the rest at most a few times a second.
//! It never waits for a model, a process, a person or the disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::clock;
use crate::config::Config;
use crate::ids::{IdSource, SessionId, TaskId, ToolCallId, TurnId};
use crate::problem::Counts;
use crate::task::model::{Task, Timestamp};

use super::effect::{Effect, Growth, Outgoing, Question, Reply, Tested, Update};
use super::event::{Event, FileProblems, Moment, ReplyId, Request};
use super::inbox::{Answered, Inbox, Input, Secret};
use super::perform::{Hands, Parts};
use super::state::State;

/// A running task's row is sent at most this often when its status did not change.
const TASK_EVERY: Duration = Duration::from_millis(250);
/// A file's diagnostics are sent at most this often.
const PROBLEMS_EVERY: Duration = Duration::from_millis(200);

/// What the client is told, in the owner's words. `seq` grows with every message that has one.
#[derive(Clone, Debug)]
pub enum Message {
    Update {
        seq: u64,
        session: SessionId,
        turn: Option<TurnId>,
        parent: Option<ToolCallId>,
        replay: bool,
        update: Box<Update>,
    },
    Task {
        seq: u64,
        task: Box<Task>,
        now: Timestamp,
    },
    Snapshot {
        seq: u64,
        tasks: Vec<Task>,
        now: Timestamp,
    },
    Grew {
        task: TaskId,
        growth: Option<Growth>,
    },
    Problems(FileProblems),
    Tests {
        seq: u64,
        task: TaskId,
        run: u32,
        tests: Vec<Tested>,
        counts: Counts,
    },
    Ask(Box<Question>),
    Withdraw(crate::ids::QuestionId),
    Say {
        error: bool,
        text: String,
    },
}

/// The owner from outside: one synchronous send, in order.
#[derive(Clone, Debug)]
pub struct Handle {
    inputs: mpsc::UnboundedSender<Input>,
}

impl Handle {
    /// Sends a request; the answer comes on the channel. The request is in the owner's queue when this returns.
    pub fn ask(&self, request: Request) -> oneshot::Receiver<Answered> {
        let (send, receive) = oneshot::channel();
        // A closed owner drops the sender: the receiver sees that.
        let _ = self.inputs.send(Input::Ask(request, send));
        receive
    }

    /// Something happened.
    pub fn tell(&self, event: Event) {
        let _ = self.inputs.send(Input::Event(event));
    }

    /// The settings changed.
    pub fn configure(&self, config: Config) {
        let _ = self.inputs.send(Input::Config(Box::new(config)));
    }

    /// A key is set or taken back: what is asked after this has it.
    pub fn set_secret(&self, secret: Secret) -> oneshot::Receiver<Answered> {
        let (send, receive) = oneshot::channel();
        let _ = self.inputs.send(Input::Secret(secret, send));
        receive
    }

    /// Waits until everything that has happened so far is written.
    pub async fn flush(&self) {
        let (send, receive) = oneshot::channel();
        let _ = self.inputs.send(Input::Flush(send));
        // An owner that is gone has written everything.
        let _ = receive.await;
    }
}

/// Starts the owner of a workspace's state, which tells `messages` what the client is to see. It ends when every handle is
/// gone.
pub fn start(parts: Parts, messages: mpsc::UnboundedSender<Message>) -> Handle {
    let (inputs, queue) = mpsc::unbounded_channel();
    tokio::spawn(run(parts, Out::new(messages), Inbox::of(&inputs), queue));
    Handle { inputs }
}

struct Owner {
    state: State,
    hands: Hands,
    waiting: HashMap<ReplyId, oneshot::Sender<Answered>>,
    replies: u64,
    out: Out,
}

async fn run(parts: Parts, out: Out, inbox: Inbox, mut queue: mpsc::UnboundedReceiver<Input>) {
    let (hands, settings, first) = Hands::new(parts, inbox).await;
    let mut owner =
        Owner { state: State::new(settings, IdSource::Random), hands, waiting: HashMap::new(), replies: 0, out };
    for event in first {
        owner.apply(event);
    }
    loop {
        let due = owner.out.due();
        let input = tokio::select! {
            input = queue.recv() => input,
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                owner.out.flush(&owner.state, clock::now());
                continue;
            }
        };
        match input {
            None => break,
            Some(Input::Event(event)) => {
                if let Some(before) = owner.hands.before(&event) {
                    owner.apply(before);
                }
                owner.apply(event);
            }
            Some(Input::Ask(request, answer)) => {
                owner.replies += 1;
                let reply = ReplyId(owner.replies);
                owner.waiting.insert(reply, answer);
                owner.apply(Event::Request { reply, request });
            }
            Some(Input::Again(reply, request)) => owner.apply(Event::Request { reply, request }),
            Some(Input::Answer(reply, answered)) => owner.answer(reply, answered),
            Some(Input::Flush(done)) => owner.hands.flush(done),
            Some(Input::Config(config)) => {
                for event in owner.hands.configure(*config) {
                    owner.apply(event);
                }
            }
            Some(Input::Secret(secret, answer)) => {
                // The client may have cancelled its request.
                let answer = |answered| drop(answer.send(answered));
                for event in owner.hands.set_secret(secret, answer) {
                    owner.apply(event);
                }
            }
        }
    }
    owner.hands.close().await;
}

impl Owner {
    fn apply(&mut self, event: Event) {
        let moment = Moment { now: clock::now(), documents: self.hands.documents() };
        let now = moment.now;
        let effects = self.state.apply(moment, event).into_iter();
        // Who asked does not wait for what follows from it: that starts processes.
        let (replies, rest): (Vec<_>, Vec<_>) = effects.partition(|effect| matches!(effect, Effect::Reply { .. }));
        for effect in replies.into_iter().chain(rest) {
            match effect {
                Effect::Reply { reply, result } => self.answer(reply, result),
                Effect::Send(outgoing) => self.out.send(&self.state, outgoing, now),
                effect => self.hands.perform(effect),
            }
        }
    }

    fn answer(&mut self, reply: ReplyId, mut answered: Answered) {
        if let Ok(Reply::Tasks(_, seq)) = &mut answered {
            *seq = self.out.seq;
        }
        if let Some(waiting) = self.waiting.remove(&reply) {
            // The client may have cancelled its request.
            let _ = waiting.send(answered);
        }
    }
}

/// The way out, with what may still wait a little.
struct Out {
    messages: mpsc::UnboundedSender<Message>,
    seq: u64,
    tasks_sent: HashMap<TaskId, Instant>,
    late_tasks: BTreeSet<TaskId>,
    problems_sent: HashMap<PathBuf, Instant>,
    late_problems: BTreeMap<PathBuf, FileProblems>,
    due: Option<Instant>,
}

impl Out {
    fn new(messages: mpsc::UnboundedSender<Message>) -> Self {
        Self {
            messages,
            seq: 0,
            tasks_sent: HashMap::new(),
            late_tasks: BTreeSet::new(),
            problems_sent: HashMap::new(),
            late_problems: BTreeMap::new(),
            due: None,
        }
    }

    fn due(&self) -> Option<Instant> {
        self.due
    }

    fn message(&mut self, make: impl FnOnce(u64) -> Message) {
        self.seq += 1;
        // The edge outlives the owner; at the very end nobody reads any more.
        let _ = self.messages.send(make(self.seq));
    }

    fn send(&mut self, state: &State, outgoing: Outgoing, now: Timestamp) {
        match outgoing {
            Outgoing::Update { session, turn, parent, replay, update } => {
                let update = Box::new(update);
                self.message(|seq| Message::Update { seq, session, turn, parent, replay, update });
            }
            Outgoing::Task { task, urgent } => {
                if urgent {
                    // Diagnostics of a run are there before its new status is.
                    self.send_late_problems();
                    self.send_task(state, &task, now);
                } else if self.may_send(&task) {
                    self.send_task(state, &task, now);
                } else {
                    self.late_tasks.insert(task);
                    self.later(TASK_EVERY);
                }
            }
            Outgoing::Snapshot => {
                self.late_tasks.clear();
                let tasks = state.tasks();
                self.message(|seq| Message::Snapshot { seq, tasks, now });
            }
            Outgoing::Problems(problems) => {
                let recent = self.problems_sent.get(&problems.path).is_some_and(|sent| sent.elapsed() < PROBLEMS_EVERY);
                if recent {
                    self.late_problems.insert(problems.path.clone(), problems);
                    self.later(PROBLEMS_EVERY);
                } else {
                    self.late_problems.remove(&problems.path);
                    self.send_problems(problems);
                }
            }
            Outgoing::Tests { task, run, tests, counts } => {
                self.message(|seq| Message::Tests { seq, task, run, tests, counts });
            }
            Outgoing::Grew { task, growth } => self.message(|_| Message::Grew { task, growth }),
            Outgoing::Ask(question) => self.message(|_| Message::Ask(question)),
            Outgoing::Withdraw(question) => self.message(|_| Message::Withdraw(question)),
            Outgoing::Say { error, text } => self.message(|_| Message::Say { error, text }),
        }
    }

    fn may_send(&self, task: &TaskId) -> bool {
        self.tasks_sent.get(task).is_none_or(|sent| sent.elapsed() >= TASK_EVERY)
    }

    fn send_task(&mut self, state: &State, id: &TaskId, now: Timestamp) {
        self.late_tasks.remove(id);
        let Some(task) = state.task(id).cloned() else { return };
        if task.status.is_final() {
            self.tasks_sent.remove(id);
        } else {
            self.tasks_sent.insert(id.clone(), Instant::now());
        }
        self.message(|seq| Message::Task { seq, task: Box::new(task), now });
    }

    fn send_problems(&mut self, problems: FileProblems) {
        self.problems_sent.insert(problems.path.clone(), Instant::now());
        self.message(|_| Message::Problems(problems));
    }

    fn send_late_problems(&mut self) {
        for (_, problems) in std::mem::take(&mut self.late_problems) {
            self.send_problems(problems);
        }
        self.problems_sent.retain(|_, sent| sent.elapsed() < PROBLEMS_EVERY);
    }

    fn later(&mut self, wait: Duration) {
        let at = Instant::now() + wait;
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    fn flush(&mut self, state: &State, now: Timestamp) {
        self.due = None;
        self.send_late_problems();
        for task in std::mem::take(&mut self.late_tasks) {
            self.send_task(state, &task, now);
        }
    }
}
