//! Permission, cancel, promotion, stop and end of one command, in every order: each has one outcome.

use super::story::{Story, background, bash};
use crate::agent::approval::Mode;
use crate::agent::history::Item;
use crate::agent::notification::Key;
use crate::ids::{QuestionId, TaskId};
use crate::session::event::{Choice, Event, QuestionOutcome, Request, Timer};
use crate::task::run::Ending;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    /// The person answers the question, or has answered one that is over.
    Answer,
    /// The person cancels the turn.
    Cancel,
    /// The person sends the command to the background.
    Promote,
    /// The command's time in the foreground is over, or was over just before something else came.
    Timer,
    /// The operating system reports the end, where something runs.
    End,
    /// The person stops what is running.
    Stop,
}

const STEPS: [Step; 6] = [Step::Answer, Step::Cancel, Step::Promote, Step::Timer, Step::End, Step::Stop];

/// Every order of these steps.
fn orders(steps: &[Step]) -> Vec<Vec<Step>> {
    if steps.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, first) in steps.iter().enumerate() {
        let rest: Vec<Step> = steps[..at].iter().chain(&steps[at + 1..]).copied().collect();
        all.extend(orders(&rest).into_iter().map(|order| [&[*first], order.as_slice()].concat()));
    }
    all
}

struct Race {
    story: Story,
    question: QuestionId,
    choice: Choice,
    started: bool,
    starts_at_once: bool,
}

impl Race {
    fn new(in_background: bool, choice: Choice, starts_at_once: bool) -> Self {
        let mut story = Story::with(|settings| settings.mode = Mode::Ask);
        story.turn("go", vec![if in_background { background("c1", "make") } else { bash("c1", "make") }]);
        story.commit();
        let question = story.world.questions[0].clone();
        let mut race = Self { story, question, choice, started: false, starts_at_once };
        race.start();
        race
    }

    /// The task, as far as there is one.
    fn task(&self) -> Option<TaskId> {
        self.story.state.ledger.entries.first().map(|entry| entry.task.id.clone())
    }

    fn start(&mut self) {
        if let Some(run) = self.story.world.runs.first().cloned().filter(|_| !self.started && self.starts_at_once) {
            self.started = true;
            self.story.started(run.task.as_str());
        }
    }

    fn end(&mut self) {
        let Some(run) = self.story.world.runs.first().cloned() else { return };
        if !std::mem::replace(&mut self.started, true) {
            self.story.started(run.task.as_str());
        }
        let stopping = self.story.world.stopping.contains(&format!("{} {}", run.task, run.run));
        let ending =
            if stopping { Ending::Stopped { code: None, signal: Some(15) } } else { Ending::Exited { code: 1 } };
        self.story.ended(run.task.as_str(), ending);
    }

    fn step(&mut self, step: Step) {
        let session = self.story.session.clone();
        match step {
            Step::Answer => {
                self.story.world.questions.retain(|open| *open != self.question);
                let outcome = QuestionOutcome::Chosen { choice: self.choice, reason: None };
                self.story.event(Event::QuestionAnswered { question: self.question.clone(), outcome });
            }
            Step::Cancel => self.story.cancel(),
            Step::Promote => self.story.request(Request::Promote { session: Some(session), call: None }),
            Step::Timer => {
                if let Some(task) = self.task() {
                    let timer = Timer::Promote(task, 1);
                    self.story.world.timers.retain(|set| *set != timer);
                    self.story.event(Event::Timer(timer));
                }
            }
            Step::End => self.end(),
            Step::Stop => self.story.request(Request::StopTask { task: None }),
        }
        self.start();
    }

    /// Everything that is under way comes to its end.
    fn settle(&mut self) {
        for _ in 0..50 {
            let world = &self.story.world;
            if !world.commits.is_empty() {
                self.story.commit_one();
            } else if !world.runs.is_empty() {
                self.end();
            } else if !world.reads.is_empty() {
                self.story.output_read("output");
            } else if !world.asks.is_empty() {
                self.story.ends("so");
            } else if world.timers.contains(&Timer::Wake(self.story.session.clone())) {
                self.story.wakes();
            } else {
                return;
            }
        }
        panic!("it never ends");
    }

    /// What holds when all is over.
    fn check(&mut self) {
        assert!(self.story.world.questions.is_empty(), "a question is open");
        self.settle();
        self.story.prompt("the last word");
        self.settle();
        let (world, state) = (&self.story.world, &self.story.state);
        assert!(world.runs.is_empty() && world.timers.is_empty(), "{:?} {:?}", world.runs, world.timers);
        assert_eq!(world.undelivered(), Vec::<&Key>::new());
        assert!(state.tasks().iter().all(|task| task.status.is_final() && !task.stopping), "{:?}", state.tasks());
        assert!(state.ledger.entries.iter().all(|entry| entry.foreground.is_none()), "a foreground command of no call");
        let users = || {
            self.story.items().iter().filter_map(|item| match &**item {
                Item::User(item) => Some(item),
                Item::Assistant(_) | Item::Compaction(_) => None,
            })
        };
        let results: Vec<&str> = users()
            .flat_map(|item| &item.results)
            .filter(|result| result.call.as_str() == "c1")
            .map(|result| result.text.as_str())
            .collect();
        assert_eq!(results.len(), 1, "{results:?}");
        let goes_on = results[0].starts_with("Still running after") || results[0].contains("waits for the user's");
        let blocks: usize =
            users().filter_map(|item| item.notification.as_ref()).map(|block| block.matches("<task_id>").count()).sum();
        assert_eq!(blocks, usize::from(goes_on), "told once, by the result or by a notification: {results:?}");
        // A row that people see is there exactly when the task outlived its call, and says what the notification says.
        assert_eq!(state.tasks().len(), blocks);
        for task in state.tasks() {
            let ends: Vec<_> = world.ends.keys().filter(|(of, _)| *of == task.id).collect();
            assert_eq!(ends.len(), 1, "one end");
            assert_eq!(task.delivery, crate::task::model::Delivery::Delivered);
        }
    }
}

#[test]
fn every_order_of_answer_cancel_promotion_stop_and_end_has_one_outcome() {
    for in_background in [false, true] {
        for choice in [Choice::AllowOnce, Choice::Reject] {
            for starts_at_once in [true, false] {
                for order in orders(&STEPS) {
                    let told = format!("{order:?}, background {in_background}, {choice:?}, {starts_at_once}");
                    let played = std::panic::catch_unwind(|| {
                        let mut race = Race::new(in_background, choice, starts_at_once);
                        for step in &order {
                            race.step(*step);
                        }
                        race.check();
                    });
                    assert!(played.is_ok(), "{told}");
                }
            }
        }
    }
}
