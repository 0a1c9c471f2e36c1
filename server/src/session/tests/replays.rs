//! What a client is shown of a session that it loads: pages of whole exchanges, what goes on now, how a cut turn ended.

use expect_test::expect;
use serde_json::json;

use super::story::{Story, bash, call, read, text, words};
use crate::agent::history::{AssistantItem, Item, ModelStop, Prompt, ToolResult, UserItem};
use crate::ids::MessageId;
use crate::provider::StreamEvent;
use crate::session::effect::{Effect, Outgoing, Refusal, Reply, StopReason, TurnReason, Update};
use crate::session::event::{Event, Page, Request, StoredSession};
use crate::session::since::Changes;
use crate::session::turn_log::TurnRecord;
use crate::task::model::Timestamp;

fn stored(history: Vec<Item>, log: Vec<TurnRecord>) -> StoredSession {
    StoredSession { log, ..super::crash::stored(history) }
}

fn prompted(words: &str) -> Item {
    let prompt = Prompt { id: words.into(), content: text(words) };
    Item::User(UserItem { prompts: vec![prompt], ..UserItem::default() })
}

fn answered(parts: Vec<crate::agent::history::AssistantPart>) -> Item {
    Item::Assistant(AssistantItem { parts, stop: ModelStop::ToolUse, provider: "test".into(), model: "m".into() })
}

fn results(calls: &[&str]) -> Item {
    let result = |call: &&str| ToolResult { call: (*call).into(), text: "done".into(), is_error: false };
    Item::User(UserItem { results: calls.iter().map(result).collect(), ..UserItem::default() })
}

fn turn(id: &str, first: usize, last: Option<usize>) -> TurnRecord {
    let mut record = TurnRecord::begins(id.into(), TurnReason::Prompt, first, Timestamp(1_769_817_600_000));
    record.last = last;
    record.stop = last.map(|_| StopReason::EndTurn);
    record
}

/// Two turns; the second one is long.
fn long() -> StoredSession {
    let mut history = vec![prompted("one"), answered(vec![words("1")]), prompted("two")];
    for step in 0..20 {
        let id = format!("c{step}");
        history.push(answered(vec![read(&id)]));
        history.push(results(&[&id]));
    }
    history.push(answered(vec![words("2")]));
    let items = history.len();
    stored(history, vec![turn("turn1", 0, Some(2)), turn("turn2", 2, Some(items))])
}

/// The updates of a replay: which page, and where older items are.
fn page(story: &mut Story, limit: usize, before: Option<&str>) -> (Vec<Update>, Option<String>) {
    let page = Page { limit: Some(limit), before: before.map(str::to_owned) };
    story.request(Request::LoadSession { session: story.session.clone(), page });
    let mut next = None;
    let mut updates = Vec::new();
    for effect in &story.effects {
        match effect {
            Effect::Reply { result: Ok(Reply::Loaded { before, .. }), .. } => next.clone_from(before),
            Effect::Send(Outgoing::Update { replay: true, update, .. }) => updates.push(update.clone()),
            _ => {}
        }
    }
    assert_eq!(updates.last(), Some(&Update::ReplayEnded { before: next.clone() }));
    (updates, next)
}

#[test]
fn pages_are_whole_exchanges_and_together_the_whole() {
    let mut story = Story::new();
    story.load(long());
    let (mut before, mut seen, mut pages) = (None, Vec::new(), 0);
    loop {
        let (updates, next) = page(&mut story, 5, before.as_deref());
        let mut calls = Vec::new();
        let mut items = Vec::new();
        for update in updates {
            match update {
                Update::ToolCall(row) => {
                    items.push(row.call.to_string());
                    calls.push(row.call);
                }
                Update::ToolCallUpdate { call, .. } => assert!(calls.contains(&call), "{call} without its call"),
                Update::AgentMessage { text, .. } => items.push(text),
                Update::UserMessage { message, .. } => items.push(message.to_string()),
                _ => {}
            }
        }
        assert!(!items.is_empty() && items.len() <= 12, "{items:?}");
        items.extend(seen);
        seen = items;
        pages += 1;
        before = next;
        if before.is_none() {
            break;
        }
    }
    let calls = (0..20).map(|step| format!("c{step}"));
    let whole: Vec<String> =
        ["one", "1", "two"].map(str::to_owned).into_iter().chain(calls).chain(["2".into()]).collect();
    assert_eq!(seen, whole);
    assert!(pages > 5, "{pages}");
}

#[test]
fn a_page_begins_with_the_words_of_a_person_where_they_are_near() {
    let mut story = Story::new();
    let items = (0..10).flat_map(|at| [prompted(&at.to_string()), answered(vec![words("yes")])]).collect();
    story.load(stored(items, Vec::new()));
    let (updates, before) = page(&mut story, 3, None);
    assert!(matches!(&updates[1], Update::UserMessage { message, .. } if message.as_str() == "8"), "{updates:?}");
    assert_eq!(before.as_deref(), Some("16"));
    let (updates, before) = page(&mut story, 100, before.as_deref());
    assert!(matches!(&updates[1], Update::UserMessage { message, .. } if message.as_str() == "0"), "{updates:?}");
    assert_eq!(before, None);
}

#[test]
fn a_cursor_of_nowhere_is_refused() {
    let mut story = Story::new();
    story.load(long());
    for cursor in ["x", "", "-1", "44000", "1e3"] {
        let page = Page { limit: None, before: Some(cursor.into()) };
        story.request(Request::LoadSession { session: "old".into(), page });
        let refused = story.effects.iter().any(|effect| {
            matches!(effect, Effect::Reply { result: Err(Refusal::BadField { field: "before", .. }), .. })
        });
        assert!(refused && story.effects.len() == 1, "{cursor:?}");
    }
}

#[test]
fn messages_keep_their_names() {
    let names = |story: &Story| -> Vec<MessageId> {
        let names = story.effects.iter().filter_map(|effect| match effect {
            Effect::Send(Outgoing::Update {
                update:
                    Update::UserMessage { message, .. }
                    | Update::AgentMessage { message, .. }
                    | Update::AgentThought { message, .. },
                ..
            }) => Some(message.clone()),
            _ => None,
        });
        names.collect()
    };
    let mut story = Story::new();
    let mut live = Vec::new();
    story.prompt("go");
    live.extend(names(&story));
    story.commit();
    story.stream(StreamEvent::Text("half".into()));
    let discarded = names(&story);
    story.stream(StreamEvent::Restarted { reason: "cut".into() });
    story.stream(StreamEvent::Thinking("hm".into()));
    live.extend(names(&story));
    story.stream(StreamEvent::Text("whole".into()));
    live.extend(names(&story));
    let thinking = crate::agent::history::AssistantPart::Thinking { text: "hm".into(), signature: None };
    story.answer(vec![thinking, words("whole")]);
    let session = story.session.clone();
    for _ in 0..2 {
        story.request(Request::LoadSession { session: session.clone(), page: Page::default() });
        assert_eq!(names(&story), live);
    }
    assert!(!live.contains(&discarded[0]), "what was discarded has a name of its own");
}

#[test]
fn a_load_shows_what_goes_on() {
    let mut story = Story::new();
    story.turn("go", vec![words("I look."), read("c1"), bash("c2", "make")]);
    story.tool_done();
    story.skip();
    let session = story.session.clone();
    story.request(Request::LoadSession { session: session.clone(), page: Page::default() });
    story.tells(expect![[r#"
        reply Loaded { session: SessionId("s1"), mode: "auto", model: "m", before: None }
        replay: started
        replay: turn started: Prompt
        replay: user: go
        replay: agent: I look.
        replay: call c1 read_file: Read a.rs
        replay: call c2 bash: make
        replay: wakes paused: false
        replay: queue []
        replay: call c1 completed: done
        replay: ended
    "#]]);
    let running = story.effects.iter().any(|effect| match effect {
        Effect::Send(Outgoing::Update { update: Update::ToolCallUpdate { call, change }, .. }) => {
            call.as_str() == "c2" && change.status == Some(crate::session::effect::ToolStatus::InProgress)
        }
        _ => false,
    });
    assert!(running, "the command that runs is shown as running");
    story.prompt("and this");
    story.skip();
    story.request(Request::LoadSession { session, page: Page { limit: Some(1), before: None } });
    let log = story.effects.iter().any(|effect| {
        matches!(effect, Effect::Send(Outgoing::Update { replay: true, update: Update::Queue(queue), .. }) if queue.len() == 1)
    });
    assert!(log, "the queue is shown");
}

#[test]
fn a_load_shows_the_answer_so_far() {
    let mut story = Story::new();
    story.prompt("go");
    story.commit();
    story.stream(StreamEvent::Thinking("hm".into()));
    story.stream(StreamEvent::Text("half an ".into()));
    story.stream(StreamEvent::Text("answer".into()));
    story.stream(StreamEvent::ToolCallStarted { id: "c1".into(), name: "bash".into() });
    story.skip();
    let session = story.session.clone();
    story.request(Request::LoadSession { session, page: Page::default() });
    story.tells(expect![[r#"
        reply Loaded { session: SessionId("s1"), mode: "auto", model: "m", before: None }
        replay: started
        replay: turn started: Prompt
        replay: user: go
        replay: wakes paused: false
        replay: queue []
        replay: thought: hm
        replay: agent: half an answer
        replay: call c1 bash: bash
        replay: ended
    "#]]);
}

#[test]
fn a_cut_turn_ends_interrupted_and_nothing_spins() {
    let mut story = Story::new();
    let history = vec![prompted("go"), answered(vec![words("I look."), read("c1"), bash("c2", "make")])];
    story.load(stored(history, vec![turn("turn1", 0, None)]));
    story.tells(expect![[r#"
        reply Loaded { session: SessionId("old"), mode: "auto", model: "m", before: None }
        replay: started
        replay: turn started: Prompt
        replay: user: go
        replay: agent: I look.
        replay: call c1 read_file: Read a.rs
        replay: call c2 bash: make
        replay: call c1 failed: Pillion went away before this call was answered: its result is not known.
        replay: call c2 failed: Pillion went away before this call was answered: its result is not known.
        replay: turn ended: Interrupted: Pillion went away while this turn ran. What had been written down is here; an answer that was still on its way is not. Say "go on" to continue.
        replay: wakes paused: false
        replay: queue []
        replay: ended
    "#]]);
    // The next turn answers the calls once, and the cut one stays what it was.
    story.turn("go on", vec![words("well")]);
    story.commit();
    story.skip();
    story.request(Request::LoadSession { session: "old".into(), page: Page::default() });
    let ends = story.effects.iter().filter_map(|effect| match effect {
        Effect::Send(Outgoing::Update { replay: true, turn, update: Update::TurnEnded { stop, .. }, .. }) => {
            Some((turn.as_ref().map(ToString::to_string).unwrap_or_default(), *stop))
        }
        _ => None,
    });
    let ends: Vec<_> = ends.collect();
    assert_eq!(ends[0], ("turn1".to_owned(), StopReason::Interrupted));
    assert_eq!((ends.len(), ends[1].1), (2, StopReason::EndTurn));
}

#[test]
fn every_batch_has_its_label_live_and_later() {
    let labels = |story: &Story| -> Vec<(usize, String)> {
        let labels = story.effects.iter().filter_map(|effect| match effect {
            Effect::Send(Outgoing::Update { update: Update::Label { calls, text }, .. }) => {
                Some((calls.len(), text.clone()))
            }
            _ => None,
        });
        labels.collect()
    };
    let mut story = Story::new();
    let grep = call("c2", "grep", json!({"pattern": "needle"}));
    story.turn("go", vec![read("c1"), grep]);
    story.tool_done();
    story.tool_done();
    let live = labels(&story);
    assert_eq!(live, [(2, "Read a.rs, searched for needle".to_owned())]);
    story.commit();
    story.ends("done");
    story.request(Request::LoadSession { session: story.session.clone(), page: Page::default() });
    assert_eq!(labels(&story), live);
}

#[test]
fn after_a_while_away_a_person_is_told_what_happened() {
    let mut story = Story::new();
    let from = story.now;
    story.now += 50 * 3_600_000;
    story.load(long());
    let asked = story.effects.iter().any(|effect| matches!(effect, Effect::LookSince { .. }));
    assert!(asked);
    let session = story.session.clone();
    let looked = |files| Event::SinceLooked {
        session: session.clone(),
        from: Timestamp(from),
        changes: Changes { files, ..Changes::default() },
    };
    story.skip();
    story.event(looked(0));
    story.tells(expect![""]);
    story.event(looked(2));
    story.tells(expect![[r#"
        since: While this was closed (2 days):⏎- 2 files changed
    "#]]);
    // The model is not told.
    story.turn("go", vec![words("yes")]);
    assert!(story.items().iter().all(|item| !format!("{item:?}").contains("While this was closed")));
}
