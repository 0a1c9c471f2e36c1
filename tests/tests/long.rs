//! A session of 200 turns: it stays within its model's window, every call is answered once, every end is told once, and the
//! person still has all of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pillion_tests::{Answer, Api, Client, Model, Options, Request, Sandbox};
use serde_json::{Value, json};

const TURNS: usize = 200;
/// Tokens that the service counts for a byte, so that the window is full after some dozen turns.
const TOKENS_A_BYTE: usize = 2;

/// A model, and the tokens of its window, which its name tells.
fn model_of(api: Api) -> (&'static str, usize) {
    match api {
        Api::Messages => ("claude-test", 200_000),
        Api::ChatCompletions => ("o3", 200_000),
    }
}

/// What the model does: a call in each turn, a task in every tenth, then words; a summary where that is asked for.
#[derive(Default)]
struct Script {
    window: usize,
    turns: AtomicUsize,
    summaries: AtomicUsize,
    /// How often each task's end was in a request that grew by it.
    told: Mutex<BTreeMap<String, usize>>,
}

impl Script {
    fn answer(&self, request: &Request) -> Answer {
        let tokens = request.body.to_string().len() * TOKENS_A_BYTE;
        assert!(tokens <= self.window, "{tokens} tokens do not fit");
        let tokens = u64::try_from(tokens).expect("a number");
        if request.body["tools"].is_null() {
            let number = self.summaries.fetch_add(1, Ordering::SeqCst);
            return Answer::say(&format!("SUMMARY {number}: the user counts.")).input_tokens(tokens);
        }
        let last = request.last_content();
        for block in &last {
            let text = block.to_string();
            for part in text.split("<task_id>").skip(1) {
                let id = part.split('<').next().unwrap_or_default().to_owned();
                *self.told.lock().expect("not poisoned").entry(id).or_default() += 1;
            }
        }
        if last.iter().any(|block| block["type"] == "tool_result") {
            return Answer::say("Counted.").input_tokens(tokens);
        }
        let turn = self.turns.fetch_add(1, Ordering::SeqCst);
        let id = format!("toolu_{turn}");
        match turn % 10 {
            3 => Answer::call(&id, "background_run", json!({"command": format!("echo {turn}")})),
            _ => Answer::call(&id, "read_file", json!({"path": "a.txt"})),
        }
        .input_tokens(tokens)
    }
}

#[test]
fn a_session_of_200_turns_stays_within_its_window() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("a.txt", &"a line of the file, which the model reads each time\n".repeat(30));
    let (name, window) = model_of(model.api());
    let script = Arc::new(Script { window, ..Script::default() });
    let answers = script.clone();
    // Each summary is asked for beside the conversation, and makes its beginning anew.
    model.allow_conversations(500).allow_compactions(500).always(move |request| answers.answer(request));
    let client = Client::start(&sandbox, Options::pillion().model(&model).env("PILLION_MODEL", name));
    let session = client.new_session("auto");
    let mut tasks = Vec::new();
    for turn in 0..TURNS {
        let from = client.mark();
        client.ask(&session, &format!("This is prompt {turn}."));
        if turn % 10 == 3 {
            let started = |task: &Value| task["command"] == format!("echo {turn}");
            let task = client.wait_task_from(from, "the task", started).1["id"].as_str().expect("an id").to_owned();
            client.wait_task_end(&task);
            tasks.push(task);
        }
    }
    let summaries = script.summaries.load(Ordering::SeqCst);
    assert!(summaries >= 3, "it was cut {summaries} times");
    let export = client.call("pillion/session/export", json!({"sessionId": session, "format": "jsonl"}));
    let export = export["text"].as_str().expect("a text");
    let (mut prompts, mut results, mut told) = (0, BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    for line in export.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let text = line.to_string();
        prompts += usize::from(text.contains("This is prompt ") && !text.contains("SUMMARY"));
        for part in text.split("<task_id>").skip(1) {
            *told.entry(part.split('<').next().unwrap_or_default().to_owned()).or_default() += 1;
        }
        for result in line["results"].as_array().into_iter().flatten() {
            *results.entry(result["call"].as_str().expect("an id").to_owned()).or_default() += 1;
        }
    }
    assert_eq!(prompts, TURNS, "every prompt is kept");
    assert_eq!(results.len(), TURNS, "every call has its result");
    assert!(results.values().all(|times| *times == 1), "{results:?}");
    let once: BTreeMap<String, usize> = tasks.into_iter().map(|task| (task, 1)).collect();
    assert_eq!(told, once, "every end is told once");
    assert_eq!(*script.told.lock().expect("not poisoned"), once, "and in one new message");
}
