//! Results of tool calls: how many reads are under way, what becomes of a result that is too long, and what a session may
//! read of it.

use expect_test::expect;
use proptest::prelude::*;
use serde_json::json;

use super::story::{Story, bash, call, read, write};
use crate::agent::approval::Mode;
use crate::session::event::Event;
use crate::task::run::OutputSlice;
use crate::tool;

/// The calls that tools work on, oldest first.
fn working(story: &Story) -> Vec<String> {
    story.world.tools.iter().map(|(.., call)| call.to_string()).collect()
}

#[test]
fn so_many_reads_are_under_way_at_a_time() {
    let mut story = Story::new();
    story.turn("go", (1..=12).map(|n| read(&format!("c{n}"))).collect());
    assert_eq!(working(&story), (1..=10).map(|n| format!("c{n}")).collect::<Vec<_>>());
    story.tool_done();
    assert_eq!(working(&story).last().map(String::as_str), Some("c11"));
    story.tool_done();
    story.tool_done();
    assert_eq!(working(&story).len(), 9, "the last ones");
}

proptest! {
    #[test]
    fn reads_overlap_within_the_limit_and_writes_keep_their_order(
        kinds in prop::collection::vec(0u8..3, 1..30), picks in prop::collection::vec(0usize..100, 60),
    ) {
        let mut story = Story::with(|settings| settings.reads_at_once = 3);
        let id = |at: usize| format!("c{at}");
        let part = |(at, kind): (usize, &u8)| match kind {
            0 => write(&id(at)),
            _ => read(&id(at)),
        };
        story.turn("go", kinds.iter().enumerate().map(part).collect());
        let mut begun = Vec::new();
        for pick in picks {
            let at = |id: &String| id[1..].parse::<usize>().unwrap();
            let now: Vec<usize> = working(&story).iter().map(at).collect();
            begun.extend(now.iter().filter(|at| !begun.contains(*at)).copied().collect::<Vec<_>>());
            let writes: Vec<usize> = now.iter().copied().filter(|at| kinds[*at] == 0).collect();
            prop_assert!(now.len() - writes.len() <= 3, "{now:?}");
            prop_assert!(writes.len() <= 1, "one write at a time: {now:?}");
            // Nothing that came after a write in the answer overlaps with it.
            prop_assert!(writes.iter().all(|write| now.iter().all(|other| other <= write)), "{now:?}");
            if now.is_empty() {
                break;
            }
            let (session, turn, call) = story.world.tools.remove(pick % now.len());
            let result = Ok(tool::Output { text: "done".into(), ..tool::Output::default() });
            story.event(Event::ToolDone { session, turn, call, result });
        }
        let written: Vec<usize> = begun.iter().copied().filter(|at| kinds[*at] == 0).collect();
        prop_assert!(written.is_sorted(), "{begun:?}");
        prop_assert_eq!(begun.len(), kinds.len(), "all were begun");
    }
}

#[test]
fn a_result_that_is_too_long_goes_into_a_file_first() {
    let mut story = Story::with(|settings| settings.max_result = 2_000);
    story.turn("go", vec![read("c1"), read("c2")]);
    story.skip();
    let (session, turn, call) = story.world.tools.remove(0);
    let result = Ok(tool::Output { text: "x".repeat(2_001), ..tool::Output::default() });
    story.event(Event::ToolDone { session, turn, call, result });
    story.tool_done();
    story.tells(expect![[r#"
        save the result of c1, 2001 bytes
        call c2 completed: done
    "#]]);
    story.result_saved("xxx and the rest");
    story.tells(expect![[r#"
        call c1 completed: xxx and the rest
        append 2: user{c1 = "xxx and the rest", c2 = "done"}
    "#]]);
}

#[test]
fn a_result_on_its_way_into_a_file_is_cut_when_its_turn_is_cancelled() {
    let mut story = Story::with(|settings| settings.max_result = 2_000);
    story.turn("go", vec![read("c1")]);
    let (session, turn, call) = story.world.tools.remove(0);
    let result = Ok(tool::Output { text: "x".repeat(5_000), ..tool::Output::default() });
    story.event(Event::ToolDone { session: session.clone(), turn: turn.clone(), call: call.clone(), result });
    story.cancel();
    story.event(Event::ResultSaved { session, turn, call, text: "too late".into() });
    story.prompt("and now");
    let items = story.items();
    let crate::agent::history::Item::User(item) = &*items[2] else { panic!("{items:?}") };
    assert!(item.results[0].text.ends_with("(The user cancelled: 3000 more characters are left out.)"));
}

/// The questions that a call leads to.
fn questions(story: &mut Story, name: &str, path: &str) -> usize {
    let input = if name == "grep" { json!({"pattern": "x", "path": path}) } else { json!({"path": path}) };
    story.turn("read it", vec![call("c9", name, input)]);
    let asked = story.world.questions.len();
    story.cancel();
    asked
}

#[test]
fn what_a_session_was_given_is_read_without_a_question() {
    let mut story = Story::with(|settings| settings.mode = Mode::Ask);
    let saved = format!("/results/{}/0197.txt", story.session);
    let (output, other) = ("/runs/t5/1/output", "/runs/t99/1/output");
    assert_eq!(questions(&mut story, "read_file", output), 1, "no result has named it yet");
    let mut story = Story::with(|settings| settings.mode = Mode::Ask);
    story.turn("go", vec![bash("c1", "ls")]);
    story.started("t5");
    story.exits("t5", 0);
    let (session, turn, call) = story.world.reads.remove(0);
    let slice = OutputSlice {
        text: "the end".into(),
        offset: 71_000,
        next_offset: 100_000,
        total_bytes: 100_000,
        eof: true,
        ..OutputSlice::default()
    };
    story.skip();
    story.event(Event::OutputRead { session, turn, call, slice: Ok(slice) });
    story.tells(expect![[r#"
        call c1 completed: (the first 71000 of 100000 bytes are left out: read_file /runs/t5/1/output shows them, from line 1 on)⏎the end
        append 2: user{c1 = "(the first 71000 of 100000 bytes are left out: read_file /runs/t5/1/output shows them, from line 1 on)⏎the end"}
    "#]]);
    story.cancel();
    // A path, and how often a person is asked about it.
    let table = [
        (saved.as_str(), 0),
        (output, 0),
        (other, 1),
        ("/results/s1x/0197.txt", 1),
        ("/results/another/0197.txt", 1),
        ("/results/s1/deeper/0197.txt", 1),
        ("/results/s1/../other/0197.txt", 1),
        ("/results/s1", 1),
        ("/runs/t5/1/output.txt", 1),
        ("/runs/t5/1", 1),
    ];
    for (path, expected) in table {
        assert_eq!(questions(&mut story, "read_file", path), expected, "{path}");
        assert_eq!(questions(&mut story, "grep", path), expected, "grep {path}");
    }
    let write = call_write(&saved);
    story.turn("write it", vec![write]);
    assert_eq!(story.world.questions.len(), 1, "nothing may be written there");
}

fn call_write(path: &str) -> crate::agent::history::AssistantPart {
    call("c10", "write_file", json!({"path": path, "content": "x"}))
}
