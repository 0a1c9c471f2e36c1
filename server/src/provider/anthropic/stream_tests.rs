//! Streams of the shapes that the documentation describes, and of what gateways make of them: what becomes of each, in
//! whatever pieces it comes. `fixtures/NAME.sse` is the stream, `fixtures/NAME.txt` what it comes to.

use std::fmt::Write as _;
use std::path::PathBuf;

use expect_test::expect_file;
use proptest::prelude::*;

use super::stream::Assembler;
use crate::provider::exchange::Reader;
use crate::provider::{StreamEvent, Usage, sse};

fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/provider/anthropic/fixtures");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sse"))
        .collect();
    found.sort();
    found.into_iter().map(|path| (path.clone(), std::fs::read(path).expect("a fixture"))).collect()
}

/// What a stream comes to, in words: what people see while it comes, then the whole of it.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut parser = sse::Parser::default();
    let mut assembler = Assembler::new("claude-asked");
    let mut text = String::new();
    for piece in pieces {
        for event in parser.push(piece).expect("small events") {
            match assembler.take(&event) {
                Ok(told) => {
                    for event in told {
                        let line = match event {
                            StreamEvent::ContentStarted => "content".to_owned(),
                            StreamEvent::Text(text) => format!("text {text:?}"),
                            StreamEvent::Thinking(text) => format!("thought {text:?}"),
                            StreamEvent::ToolCallStarted { id, name } => format!("call {id} {name}"),
                            other => format!("{other:?}"),
                        };
                        writeln!(text, "{line}").expect("text");
                    }
                }
                Err(failure) => {
                    writeln!(text, "failed: {failure:?}").expect("text");
                    return text;
                }
            }
        }
    }
    match assembler.finish() {
        Ok(answer) => {
            let item = answer.item;
            let Usage { input, output, cache_read, cache_write, .. } = answer.usage;
            let usage = format!("{input} in, {output} out, {cache_read} from the cache, {cache_write} into it");
            writeln!(text, "\n{:?} of {}: {usage}; {:?}", item.stop, item.model, answer.why).expect("text");
            for part in &item.parts {
                writeln!(text, "{}", serde_json::to_string(part).expect("JSON")).expect("text");
            }
        }
        Err(failure) => writeln!(text, "failed: {failure:?}").expect("text"),
    }
    text
}

#[test]
fn what_streams_come_to() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 15, "the fixtures are there");
    for (path, stream) in fixtures {
        expect_file![path.with_extension("txt")].assert_eq(&read([stream.as_slice()]));
    }
}

#[test]
fn every_single_byte_alone() {
    for (path, stream) in fixtures() {
        assert_eq!(read(stream.chunks(1)), read([stream.as_slice()]), "{}", path.display());
    }
}

proptest! {
    #[test]
    fn the_same_for_every_cut(
        which in any::<proptest::sample::Index>(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let fixtures = fixtures();
        let (_, stream) = &fixtures[which.index(fixtures.len())];
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        prop_assert_eq!(read(at.windows(2).map(|ends| &stream[ends[0]..ends[1]])), read([stream.as_slice()]));
    }

    /// A stream that ends too early is never taken for a whole one: unless its stop reason has come, it is a failure.
    #[test]
    fn what_is_cut_off_is_noticed(which in any::<proptest::sample::Index>(), at in any::<proptest::sample::Index>()) {
        let fixtures = fixtures();
        let (_, stream) = &fixtures[which.index(fixtures.len())];
        let start = &stream[..at.index(stream.len())];
        let stopped = String::from_utf8_lossy(start).contains("\"stop_reason\":\"");
        let read = read([start]);
        prop_assert!(stopped || read.contains("failed: "), "{}", read);
    }
}

#[test]
fn an_answer_without_a_stream() {
    let mut assembler = Assembler::new("claude-asked");
    let document = br#"{"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-real",
        "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "Hi"},
                    {"type": "tool_use", "id": "a", "name": "glob", "input": {"pattern": "*"}}],
        "stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 3, "output_tokens": 9}}"#;
    let events = assembler.take_whole(document).expect("an answer");
    assert_eq!(
        events,
        [
            StreamEvent::ContentStarted,
            StreamEvent::Thinking("hm".into()),
            StreamEvent::Text("Hi".into()),
            StreamEvent::ToolCallStarted { id: "a".into(), name: "glob".into() },
        ]
    );
    let answer = assembler.finish().expect("an answer");
    assert_eq!((answer.item.parts.len(), answer.usage.input, answer.usage.output), (3, 3, 9));
    assert_eq!(answer.item.model, "claude-real");
}

#[test]
fn what_is_no_answer() {
    for document in
        ["{}", r#"{"object": "chat.completion", "choices": []}"#, "{\"type\":", r#"{"type": "message", "content": 3}"#]
    {
        let mut assembler = Assembler::new("claude-asked");
        let taken = assembler.take_whole(document.as_bytes());
        assert!(taken.is_err() || assembler.finish().is_err(), "{document}");
    }
}
