//! What a long conversation keeps, what it costs, and that it never outgrows its window.

use expect_test::expect;
use serde_json::json;

use super::story::{Story, background, call, read, words};
use crate::agent::compaction::{self, SUMMARY_OPENING};
use crate::agent::history::{AssistantItem, AssistantPart, Content, Item, ModelStop, Prompt, ToolResult};
use crate::provider::{Answer, ProviderError, Usage};
use crate::session::effect::Effect;
use crate::session::event::{Event, Request, Timer};
use crate::session::usage::tools_weight;
use crate::tool;

/// A turn that reads a file of so many characters.
fn reads(story: &mut Story, prompt: &str, id: &str, characters: usize) {
    story.turn(prompt, vec![read(id)]);
    tool_gives(story, &"x".repeat(characters));
    story.commit();
    story.ends("read");
    story.commit();
}

fn tool_gives(story: &mut Story, text: &str) {
    let (session, turn, call) = story.world.tools.remove(0);
    let output = tool::Output { text: text.into(), ..tool::Output::default() };
    story.event(Event::ToolDone { session, turn, call, result: Ok(output) });
}

/// The request that is under way.
fn sent(story: &Story) -> Vec<std::sync::Arc<Item>> {
    story.world.sent[&story.session].1.to_vec()
}

fn compact(story: &mut Story, instructions: Option<&str>) {
    let (session, instructions) = (story.session.clone(), instructions.map(str::to_owned));
    story.request(Request::Compact { session, instructions });
}

#[test]
fn old_outputs_are_left_out_first() {
    let mut story = Story::new();
    story.window(20_000);
    reads(&mut story, "one", "c1", 30_000);
    reads(&mut story, "two", "c2", 20_000);
    reads(&mut story, "three", "c3", 2_000);
    story.skip();
    // Past nine tenths, less the answer's room.
    story.prompt(&"y".repeat(20_000));
    story.commit_one();
    let log = story.log().lines().filter(|line| line.contains("compaction")).collect::<Vec<_>>().join("\n");
    assert!(log.contains("append 13: compaction{from 0, 3 left out}"), "{log}");
    assert!(story.world.asks.is_empty(), "the request waits for the store");
    story.commit();
    assert_eq!(story.world.asks.len(), 1);
    let request = format!("{:?}", sent(&story));
    assert!(request.contains("[output left out: 30000 characters; read_file a.rs shows the file as it is now]"));
    assert!(story.world.asides.is_empty(), "no summary was needed");
    assert!(story.items().iter().any(|item| format!("{item:?}").contains(&"x".repeat(30_000))), "the history is whole");
}

#[test]
fn a_summary_stands_for_the_rest() {
    let mut story = Story::new();
    story.window(14_000);
    for number in 0..60 {
        story.prompt(&format!("prompt {number} {}", "p".repeat(2_000)));
        story.commit();
        if !story.world.asides.is_empty() {
            break;
        }
        story.ends(&"a".repeat(2_000));
        story.commit();
    }
    let (_, request) = story.world.asides.first().expect("a summary is asked for");
    assert!(request.tools.is_empty() && request.system.contains("summary"), "{request:?}");
    let asked = format!("{:?}", request.history);
    assert!(asked.contains("[user] prompt 0 ") && asked.contains("[agent] aaa"), "the old exchanges are in it");
    assert!(!asked.contains("Task notifications"), "it carries none");
    assert!(story.world.asks.is_empty(), "the turn's request waits");
    story.aside_answered(Ok("They said p and a."));
    story.commit();
    let view = sent(&story);
    let Item::User(head) = &*view[0] else { panic!("{view:?}") };
    let context = head.context.as_deref().unwrap_or_default();
    assert!(context.starts_with(SUMMARY_OPENING) && context.contains("They said p and a."), "{context}");
    assert!(view.len() < story.items().len(), "it is shorter");
    story.ends("on we go");
    assert_eq!(story.world.asks.len(), 0);
}

#[test]
fn a_person_asks_for_it_between_turns_and_a_turn_waits() {
    let mut story = Story::new();
    compact(&mut story, None);
    reads(&mut story, "one", "c1", 3_000);
    reads(&mut story, "two", "c2", 3_000);
    story.turn("last", vec![words("fine")]);
    story.commit();
    story.skip();
    compact(&mut story, Some("Keep the numbers."));
    compact(&mut story, None);
    let asked = format!("{:?}", story.world.asides[0].1.history);
    assert!(asked.contains("The user adds for this summary: Keep the numbers."), "{asked}");
    story.prompt("and now?");
    story.commit();
    assert!(story.world.asks.is_empty(), "the request waits for the summary");
    story.aside_answered(Ok("Numbers: 1, 2."));
    story.commit();
    story.ends("2");
    story.tells(expect![[r#"
        ask beside, at most 1000 tokens
        compaction Started
        refused State { kind: "compacting", message: "the conversation is being compacted", remedy: "Wait for its end, or can…
        turn started: Prompt
        reply p11 in turn12
        user: and now?
        append 10: user{"and now?"}
        append 11: compaction{from 7 with a summary, 0 left out}
        compaction Completed
        ask the model, 5 items
        append 12: assistant{"2"}
        turn ended: EndTurn
    "#]]);
    let view = format!("{:?}", sent(&story));
    assert!(view.contains("Numbers: 1, 2.") && view.contains("and now?"), "{view}");
}

#[test]
fn what_goes_on_stands_beside_the_summary() {
    let mut story = Story::new();
    let todo = json!({"todos": [{"content": "fix the parser", "status": "in_progress"}]});
    story.turn("plan", vec![call("c1", "todo_write", todo)]);
    story.commit();
    story.ends("planned");
    story.commit();
    story.turn("go", vec![background("c2", "cargo test")]);
    story.commit();
    story.ends("started");
    story.commit();
    reads(&mut story, "read", "c3", 30_000);
    compact(&mut story, None);
    story.aside_answered(Ok("So far."));
    story.commit();
    let view = compaction::view(story.items());
    let Item::User(head) = &*view[0] else { panic!("{view:?}") };
    let context = head.context.as_deref().unwrap_or_default();
    assert!(context.contains("Background tasks when it was cut: t") && context.contains("cargo test"), "{context}");
    assert!(context.contains("Your list of steps:\n- fix the parser (in_progress)"), "{context}");
}

#[test]
fn a_request_that_is_too_long_is_tried_again_shorter_once() {
    let too_long = || Err(ProviderError::ContextTooLong("prompt is too long".into()));
    let mut story = Story::new();
    reads(&mut story, "one", "c1", 9_000);
    reads(&mut story, "two", "c2", 9_000);
    story.prompt("three");
    story.commit();
    story.skip();
    story.answered(too_long());
    story.commit();
    if !story.world.asides.is_empty() {
        story.aside_answered(Ok("Two files."));
        story.commit();
    }
    assert_eq!(story.world.asks.len(), 1, "it is asked again");
    story.skip();
    story.answered(too_long());
    story.tells(expect![[r#"
        turn ended: Error: prompt is too long
    "#]]);
    // And the session goes on.
    story.turn("four", vec![words("yes")]);
    story.commit();
    assert_eq!(story.world.asks.len(), 0);
}

#[test]
fn what_cannot_be_cut_ends_the_turn_with_what_to_do() {
    let mut story = Story::new();
    story.window(4_000);
    story.prompt(&"z".repeat(40_000));
    story.commit();
    let log = story.log();
    assert!(log.contains("turn ended: Error: The conversation, about"), "{log}");
    assert!(log.contains("Ask for less at a time"), "{log}");
    assert!(story.world.asks.is_empty() && story.world.asides.is_empty());
}

#[test]
fn a_summary_that_fails_is_done_without() {
    let mut story = Story::new();
    story.window(14_000);
    for number in 0..60 {
        story.prompt(&format!("prompt {number} {}", "p".repeat(3_000)));
        story.commit();
        if !story.world.asides.is_empty() {
            break;
        }
        story.ends("so");
        story.commit();
    }
    story.skip();
    story.aside_answered(Err(ProviderError::Unreachable("no network".into())));
    story.commit();
    let log = story.log();
    assert!(log.contains("There is no summary (no network), so older messages are left out without one."), "{log}");
    assert_eq!(story.world.asks.len(), 1, "the turn goes on");
    let view = format!("{:?}", sent(&story));
    assert!(view.contains("could not be summarised and are left out"), "{view}");
}

#[test]
fn a_compaction_that_gains_nothing_is_not_tried_over_and_over() {
    let mut story = Story::new();
    story.window(9_000);
    story.turn("hello", vec![words("so")]);
    story.commit();
    // Nearly all of the window, and it stays to the letter.
    story.prompt(&"p".repeat(28_000));
    story.commit();
    story.aside_answered(Ok("They said hello."));
    story.commit();
    story.skip();
    story.answer(vec![read("c1")]);
    tool_gives(&mut story, "a short result");
    story.commit();
    assert!(story.world.asides.is_empty(), "it is not tried again");
    assert!(story.log().contains("turn ended: Error: The conversation, about"), "{}", story.log());
}

#[test]
fn a_cancel_ends_a_compaction_and_nothing_is_left_out() {
    let mut story = Story::new();
    reads(&mut story, "one", "c1", 9_000);
    reads(&mut story, "two", "c2", 9_000);
    compact(&mut story, None);
    story.prompt("three");
    story.commit();
    story.skip();
    story.cancel();
    story.tells(expect![[r#"
        abort what was asked beside
        compaction Cancelled
        abort turn9
        turn ended: Cancelled
    "#]]);
    assert!(story.world.asides.is_empty());
    assert_eq!(compaction::newest(story.items()), None);
    compact(&mut story, None);
    story.skip();
    story.cancel();
    story.tells(expect![[r#"
        abort what was asked beside
        compaction Cancelled
    "#]]);
    story.turn("four", vec![words("still here")]);
    story.commit();
}

#[test]
fn what_is_typed_and_what_ends_while_it_is_summed_up_is_in_the_next_request() {
    let mut story = Story::new();
    reads(&mut story, "one", "c1", 9_000);
    reads(&mut story, "two", "c2", 9_000);
    story.turn("three", vec![background("c3", "cargo test"), read("c4")]);
    let task = story.state.tasks()[0].id.clone();
    story.started(task.as_str());
    compact(&mut story, None);
    tool_gives(&mut story, "done");
    story.commit();
    assert_eq!((story.world.asides.len(), story.world.asks.len()), (1, 0), "the request waits for the summary");
    story.exits(task.as_str(), 1);
    story.prompt("use ninja");
    story.aside_answered(Ok("Files were read."));
    story.commit();
    assert_eq!(story.world.asks.len(), 1);
    let view = sent(&story);
    let Some(Item::User(newest)) = view.last().map(|item| &**item) else { panic!("{view:?}") };
    let told = newest.notification.as_deref().unwrap_or_default();
    assert!(told.contains("<status>failed</status>"), "{newest:?}");
    assert!(format!("{:?}", newest.prompts).contains("use ninja"), "{newest:?}");
    story.ends("I see");
    story.commit();
    assert!(story.world.asks.is_empty() && story.world.undelivered().is_empty(), "no turn is needed to tell it");
}

#[test]
fn a_compaction_that_was_wanted_in_a_turn_comes_before_its_next_request() {
    let mut story = Story::new();
    reads(&mut story, "one", "c1", 9_000);
    reads(&mut story, "two", "c2", 9_000);
    story.turn("three", vec![read("c3")]);
    compact(&mut story, None);
    assert!(story.world.asides.is_empty(), "a tool works");
    tool_gives(&mut story, "done");
    story.commit();
    assert_eq!((story.world.asides.len(), story.world.asks.len()), (1, 0));
    story.aside_answered(Ok("Files were read."));
    story.commit();
    story.ends("three is done");
    // And after a turn that sends no further request.
    reads(&mut story, "four", "c4", 9_000);
    story.prompt("five");
    story.commit();
    compact(&mut story, None);
    story.ends("five is done");
    assert_eq!(story.world.asides.len(), 1);
}

#[test]
fn an_answer_that_the_window_cut_off_goes_on_after_a_compaction() {
    let mut story = Story::new();
    reads(&mut story, "one", "c1", 9_000);
    reads(&mut story, "two", "c2", 9_000);
    story.prompt("three");
    story.commit();
    story.answer_with(vec![words("half of it")], ModelStop::ContextFull);
    story.commit();
    if !story.world.asides.is_empty() {
        story.aside_answered(Ok("Files."));
        story.commit();
    }
    assert_eq!(story.world.asks.len(), 1, "{}", story.log());
    let view = format!("{:?}", sent(&story));
    assert!(view.contains("half of it") && view.contains("Your answer was cut off"), "{view}");
    story.ends("the other half");
}

#[test]
fn a_loaded_session_goes_on_from_its_compaction() {
    let mut story = Story::new();
    reads(&mut story, "one", "c1", 9_000);
    reads(&mut story, "two", "c2", 9_000);
    story.turn("three", vec![words("three")]);
    story.commit();
    compact(&mut story, None);
    story.aside_answered(Ok("Short."));
    story.commit();
    let before = compaction::view(story.items());
    let system = story.state.sessions[&story.session].system.clone();
    let mut stored = story.state.sessions[&story.session].row();
    stored.history = story.items().iter().map(|item| (**item).clone()).collect();
    stored.system = Some(system.to_string());
    let mut later = Story::loaded(Default::default(), |_| {});
    later.load(stored);
    let owner = &later.state.sessions[&later.session];
    assert_eq!((&owner.system, owner.view.to_vec()), (&system, before));
}

/// A model that counts a byte as a quarter of a token, answers at length, and calls tools.
struct Long {
    story: Story,
    window: u64,
    calls: u32,
    compactions: usize,
    most: u64,
}

impl Long {
    fn tokens(&self) -> u64 {
        let owner = &self.story.state.sessions[&self.story.session];
        let (_, items) = &self.story.world.sent[&self.story.session];
        let fixed = owner.system.len() as u64 + tools_weight(&self.story.state.tools);
        (fixed + items.iter().map(|item| compaction::weight(item)).sum::<u64>()) / 4
    }

    fn answer(&mut self, parts: Vec<AssistantPart>) {
        let input = self.tokens();
        assert!(input + 1_000 <= self.window, "a request of {input} tokens leaves no room");
        self.most = self.most.max(input);
        let calls = parts.iter().any(|part| matches!(part, AssistantPart::ToolCall { .. }));
        let stop = if calls { ModelStop::ToolUse } else { ModelStop::EndTurn };
        let item = AssistantItem { parts, stop, provider: "anthropic".into(), model: "claude-sonnet-5".into() };
        let output = compaction::weight(&Item::Assistant(item.clone())) / 4;
        let usage = Usage { input, output, ..Usage::default() };
        self.story.answered(Ok(Answer { item, usage, why: None }));
    }

    /// Everything that is under way comes to its end, until the session is idle.
    fn settle(&mut self) {
        for step in 0..1_000 {
            let world = &self.story.world;
            if !world.commits.is_empty() {
                self.story.commit_one();
            } else if !world.asides.is_empty() {
                self.compactions += 1;
                self.story.aside_answered(Ok("A summary of what was said and done so far, in some words."));
            } else if !world.tools.is_empty() {
                let text = format!("{} {}", step, "r".repeat(1_500 + 700 * (step % 5)));
                tool_gives(&mut self.story, &text);
            } else if let Some(run) = world.runs.first().cloned() {
                self.story.started(run.task.as_str());
                self.story.exits(run.task.as_str(), i32::from(step % 2 == 0));
            } else if !world.asks.is_empty() {
                self.answer(vec![words(&format!("answer {}", "a".repeat(400)))]);
            } else if world.timers.contains(&Timer::Wake(self.story.session.clone())) {
                self.story.wakes();
            } else {
                return;
            }
        }
        panic!("it never ends");
    }
}

#[test]
fn two_hundred_turns_stay_within_the_window_and_lose_nothing() {
    let mut story = Story::new();
    let window = story.window(22_000);
    let mut long = Long { story, window, calls: 0, compactions: 0, most: 0 };
    for turn in 0..200_u32 {
        long.story.prompt(&format!("prompt number {turn}: {}", "p".repeat(200)));
        long.settle_until_asked();
        let ids: Vec<String> = (0..3).map(|_| long.id()).collect();
        let parts = match turn % 4 {
            0 => vec![read(&ids[0]), read(&ids[1])],
            1 => vec![background(&ids[0], &format!("cargo test {turn}"))],
            2 => vec![read(&ids[0]), background(&ids[1], "make"), read(&ids[2])],
            _ => vec![words("no tools today")],
        };
        long.answer(parts);
        long.settle();
        let last = format!("prompt number {turn}:");
        let view = compaction::view(long.story.items());
        assert!(format!("{view:?}").contains(&last), "turn {turn}: the last prompt is in the view");
    }
    assert!(long.compactions >= 5, "only {} compactions", long.compactions);
    assert!(long.story.world.undelivered().is_empty(), "a notification was not told");
    // Every call is answered once, every end is told once, in the whole history.
    let items = long.story.items();
    let results: Vec<&ToolResult> = items
        .iter()
        .filter_map(|item| match &**item {
            Item::User(item) => Some(&item.results),
            _ => None,
        })
        .flatten()
        .collect();
    let calls: Vec<_> = items
        .iter()
        .filter_map(|item| match &**item {
            Item::Assistant(item) => Some(item.tool_calls().map(|(id, ..)| id.clone()).collect::<Vec<_>>()),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(results.len(), calls.len());
    assert!(calls.iter().all(|id| results.iter().filter(|result| result.call == *id).count() == 1));
    let told: Vec<&String> = items
        .iter()
        .filter_map(|item| match &**item {
            Item::User(item) => item.notification.as_ref(),
            _ => None,
        })
        .collect();
    for task in long.story.state.tasks() {
        let end = format!("<task_id>{}</task_id>\n<run>{}</run>", task.id, task.run);
        let times = told.iter().filter(|block| block.contains(&end)).count();
        let by_result =
            results.iter().any(|result| result.text.contains(task.id.as_str()) && result.text.contains("exit"));
        assert!(times == 1 || (times == 0 && by_result), "{} is told {times} times", task.id);
    }
    assert_eq!(long.story.state.sessions[&long.story.session].turns as usize, 200 + long.woken());
    assert!(long.most > window / 2, "the window is used: {}", long.most);
}

impl Long {
    fn id(&mut self) -> String {
        self.calls += 1;
        format!("c{}", self.calls)
    }

    /// Until the request of a prompt has left.
    fn settle_until_asked(&mut self) {
        for _ in 0..100 {
            let world = &self.story.world;
            if !world.asks.is_empty() {
                return;
            }
            if !world.asides.is_empty() {
                self.compactions += 1;
                self.story.aside_answered(Ok("A summary of what was said and done so far, in some words."));
            } else {
                self.story.commit_one();
            }
        }
        panic!("nothing is asked");
    }

    /// Turns that began by themselves.
    fn woken(&self) -> usize {
        let turns = self.story.state.sessions[&self.story.session].turns as usize;
        turns.saturating_sub(200)
    }
}

#[test]
fn a_request_shares_the_list_of_items_and_copies_nothing() {
    let mut story = Story::new();
    for number in 0..100 {
        story.turn(&format!("prompt {number}"), vec![words("so")]);
        story.commit();
    }
    // Nobody else holds the list: a push moves nothing.
    story.world.sent.clear();
    story.prompt("and now?");
    story.commit();
    let request = story.effects.iter().find_map(|effect| match effect {
        Effect::AskModel { request, .. } => Some(request.history.clone()),
        _ => None,
    });
    let owner = &story.state.sessions[&story.session];
    let request = request.expect("a request");
    assert_eq!((request.len(), request.as_ptr()), (201, owner.view.as_ptr()), "it is the session's own list");
    let items = story.items();
    assert!(request.iter().zip(items).all(|(sent, kept)| std::sync::Arc::ptr_eq(sent, kept)), "the items are its own");
}

#[test]
fn prompts_keep_their_pictures() {
    let mut story = Story::new();
    let picture = Content::Image { data: "iVBO".into(), mime_type: "image/png".into() };
    let content = vec![Content::Text { text: "what is it?".into() }, picture.clone()];
    let session = story.session.clone();
    story.request(Request::Prompt { session, content });
    story.commit();
    let view = sent(&story);
    let Item::User(item) = &*view[0] else { panic!("{view:?}") };
    let [Prompt { content, .. }] = &item.prompts[..] else { panic!("{item:?}") };
    assert_eq!(content[1], picture);
}
