//! Every example of `PROTOCOL.md`, against the wire types: what a client sends can be read and has no field that nobody
//! reads; what the server sends has the fields that it really sends, no more and no fewer. A Task inside of another
//! message may show a part of its fields.

mod samples;

use std::collections::BTreeSet;

use pillion::lsp::params::COMMANDS;
use pillion::protocol::*;
use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde_json::{Value, json};

use samples::*;

/// One example: a ```json block below a line like `` `pillion/task/get` params, some words: ``.
struct Example {
    name: String,
    kind: String,
    at: String,
    value: Value,
}

fn contract() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../PROTOCOL.md");
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn examples(contract: &str) -> Vec<Example> {
    let lines: Vec<&str> = contract.lines().collect();
    let fences = lines.iter().enumerate().filter(|(_, line)| **line == "```json");
    fences
        .map(|(at, _)| {
            let (name, rest) = lines[at - 1].trim_start_matches('`').split_once('`').expect("a name in backticks");
            let kind = rest.split([',', ':']).next().unwrap_or_default().trim();
            let body =
                lines[at + 1..].iter().take_while(|line| **line != "```").copied().collect::<Vec<_>>().join("\n");
            let place = format!("PROTOCOL.md:{} ({name} {kind})", at + 1);
            let value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{place}: {error}"));
            Example { name: name.to_owned(), kind: kind.to_owned(), at: place, value }
        })
        .collect()
}

/// Asks a type for the names of its fields; nothing is read.
struct Fields<'a>(&'a mut Vec<&'static str>);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.0.extend(fields);
        Err(Error::custom("these are all"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// What a client sends can be read as `T`, which has all its fields.
fn read<T: DeserializeOwned>(value: &Value) -> Vec<String> {
    let mut fields = Vec::new();
    assert!(T::deserialize(Fields(&mut fields)).is_err());
    let keys = value.as_object().into_iter().flat_map(|object| object.keys());
    let mut complaints: Vec<String> =
        keys.filter(|key| !fields.contains(&key.as_str())).map(|key| format!("`{key}` is read by nobody")).collect();
    complaints.extend(T::deserialize(value).err().map(|error| error.to_string()));
    complaints
}

/// Which fields an example must have.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    All,
    /// Some of a thing's fields: a part of a task, what changed of a call.
    Some,
}

/// What the server sends looks like `sample`, a value of the type that it is made from. Null stands for anything.
fn compare(example: &Value, sample: &Value, shown: Shown, path: &str, complaints: &mut Vec<String>) {
    match (example, sample) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(example), Value::Object(sample)) => {
            for (key, value) in example {
                match sample.get(key) {
                    Some(other) => {
                        let shown = if key == "task" { Shown::Some } else { shown };
                        compare(value, other, shown, &format!("{path}/{key}"), complaints);
                    }
                    None => complaints.push(format!("{path}/{key} is never sent")),
                }
            }
            if shown == Shown::All {
                let missing = sample.keys().filter(|key| !example.contains_key(*key));
                complaints.extend(missing.map(|key| format!("{path}/{key} is missing")));
            }
        }
        (Value::Array(examples), Value::Array(samples)) => {
            let shown = if path.ends_with("/tasks") { Shown::Some } else { shown };
            for (at, example) in examples.iter().enumerate() {
                // Content comes in several shapes: one of them.
                let tried = samples.iter().map(|sample| {
                    let mut complaints = Vec::new();
                    compare(example, sample, shown, &format!("{path}/{at}"), &mut complaints);
                    complaints
                });
                complaints.extend(tried.min_by_key(Vec::len).unwrap_or_default());
            }
        }
        (Value::String(_), Value::String(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_)) => {}
        _ => complaints.push(format!("{path} is {example}, and is sent as {sample}")),
    }
}

fn sent(example: &Value, sample: impl serde::Serialize, shown: Shown) -> Vec<String> {
    let mut complaints = Vec::new();
    compare(example, &serde_json::to_value(sample).expect("it can be sent"), shown, "", &mut complaints);
    complaints
}

fn update_named(name: &str) -> Option<(Value, Shown)> {
    let values =
        updates().into_iter().map(|(update, shown)| (serde_json::to_value(update).expect("it can be sent"), shown));
    values.into_iter().find(|(update, _)| update["sessionUpdate"] == name)
}

fn whole_update(example: &Value) -> Vec<String> {
    let name = example["update"]["sessionUpdate"].as_str().unwrap_or_default();
    let Some((update, _)) = update_named(name) else { return vec![format!("there is no update {name:?}")] };
    let mut sample = serde_json::to_value(UpdateParams {
        session_id: text(),
        turn_id: Some(text()),
        seq: 1,
        parent_tool_call_id: None,
        replay: false,
        update: Update::ReplayStarted { before: None },
    })
    .expect("it can be sent");
    sample["update"] = update;
    sent(example, sample, Shown::All)
}

/// What is wrong with the params of a request or notification; `None` when this test does not know the method.
fn params(method: &str, value: &Value) -> Option<Vec<String>> {
    Some(match method {
        "initialize" => read::<ClientCapability>(&value["capabilities"]["experimental"]["pillion"]),
        "workspace/executeCommand" => {
            let known = value["command"].as_str().is_some_and(|command| COMMANDS.contains(&command));
            let mut complaints = read::<StartTaskParams>(&value["arguments"][0]);
            complaints.extend((!known).then(|| "there is no such command".to_owned()));
            complaints
        }
        method::SESSION_NEW => read::<NewSessionParams>(value),
        method::SESSION_LIST => read::<ListSessionsParams>(value),
        method::SESSION_LOAD => read::<LoadSessionParams>(value),
        method::SESSION_PROMPT => read::<PromptParams>(value),
        method::SESSION_QUEUE => read::<QueueParams>(value),
        method::SESSION_CANCEL => read::<CancelParams>(value),
        method::SESSION_SET_MODE => read::<SetModeParams>(value),
        method::SESSION_SET_MODEL => read::<SetModelParams>(value),
        method::SESSION_RENAME => read::<RenameParams>(value),
        method::SESSION_DELETE => read::<SessionParams>(value),
        method::SESSION_COMPACT => read::<CompactParams>(value),
        method::SESSION_CONTEXT => read::<SessionParams>(value),
        method::SESSION_EXPORT => read::<ExportParams>(value),
        method::SESSION_UPDATE => whole_update(value),
        method::SESSION_REQUEST_PERMISSION => {
            let option = PermissionOption { option_id: "allow_once".into(), name: text(), kind: "allow_once" };
            let sample = PermissionParams {
                session_id: text(),
                question_id: text(),
                parent_tool_call_id: None,
                tool_call: tool_call(),
                reason: None,
                options: vec![option],
            };
            sent(value, sample, Shown::All)
        }
        method::DOCUMENT_SAVE => sent(value, SaveParams { uris: vec![text()] }, Shown::All),
        method::MODEL_LIST => read::<ModelListParams>(value),
        method::MODEL_OFFER => {
            let models = value["models"].as_array().into_iter().flatten();
            let complaints = models.flat_map(read::<OfferedModel>);
            complaints.chain(read::<OfferModelsParams>(value)).collect()
        }
        method::MODEL_COMPLETE => sent(value, complete(), Shown::All),
        method::MODEL_CHUNK => read::<ModelChunkParams>(value),
        method::SECRET_SET => read::<SetSecretParams>(value),
        method::PERMISSION_LIST | method::COMMAND_LIST => sent(value, json!({}), Shown::All),
        method::DIAGNOSTICS_GET => sent(value, DiagnosticsParams { uri: Some(text()) }, Shown::All),
        method::CHANGE_LIST | method::CHANGE_ACCEPT | method::CHANGE_REVERT => read::<ChangeParams>(value),
        method::PERMISSION_REMOVE => read::<RemoveRuleParams>(value),
        method::PROJECT_COMMANDS => read::<ProjectCommandsParams>(value),
        method::TASK_START => read::<StartTaskParams>(value),
        method::TASK_REPORT => read::<ReportTaskParams>(value),
        method::TASK_LIST => read::<ListTasksParams>(value),
        method::TASK_GET | method::TASK_STOP | method::TASK_DISMISS | method::TASK_WITHHOLD => {
            read::<TaskParams>(value)
        }
        // One name for a request and a notification.
        method::TASK_OUTPUT if value["text"].is_string() => {
            let (task_id, next_offset) = (text(), 1);
            let piece =
                TaskOutputParams { task_id, run: 1, offset: 0, next_offset, text: text(), skipped: 0, eof: false };
            sent(value, piece, Shown::All)
        }
        method::TASK_OUTPUT => read::<OutputParams>(value),
        method::TASK_FOLLOW => read::<FollowParams>(value),
        method::TASK_PROMOTE => read::<PromoteParams>(value),
        method::TASK_INPUT => read::<InputParams>(value),
        method::TASK_RERUN => read::<RerunParams>(value),
        method::TASK_SET_PRIORITY => read::<SetPriorityParams>(value),
        method::TEST_RESULTS if value["seq"].is_u64() => {
            sent(value, TestResultsTold { seq: 1, results: test_results() }, Shown::All)
        }
        method::TEST_RESULTS => read::<TestResultsParams>(value),
        method::TASK_STATUS => sent(value, TaskStatusParams { seq: 1, task: task() }, Shown::All),
        method::TASK_SNAPSHOT => sent(value, TaskSnapshotParams { seq: 1, tasks: vec![task()] }, Shown::All),
        _ => return None,
    })
}

/// What is wrong with the result of a request; `None` when this test does not know the method.
fn result(method: &str, value: &Value) -> Option<Vec<String>> {
    let session = || SessionResult {
        session_id: text(),
        mode: text(),
        modes: vec![ModeInfo { id: "ask", name: "Ask", description: "…" }],
        model: text(),
    };
    let sample = match method {
        "initialize" => {
            let capability = &value["capabilities"]["experimental"]["pillion"];
            return Some(sent(capability, ServerCapability { version: 1, instance_id: text() }, Shown::All));
        }
        method::SESSION_REQUEST_PERMISSION => return Some(read::<PermissionResult>(value)),
        method::DOCUMENT_SAVE => return Some(read::<SaveResult>(value)),
        method::CHANGE_LIST | method::CHANGE_ACCEPT | method::CHANGE_REVERT => {
            let hunk = Hunk { index: 0, old_start: 1, old_lines: 1, new_start: 1, new_lines: 1, state: "pending" };
            let change = Change {
                path: text(),
                turn_id: text(),
                kind: "edit",
                state: "pending",
                diff: text(),
                omitted_lines: 0,
                omitted_bytes: 0,
                hunks: vec![hunk],
            };
            serde_json::to_value(ChangesResult { changes: vec![change], notes: vec![text()] })
        }
        method::SESSION_NEW => serde_json::to_value(session()),
        method::SESSION_LOAD => {
            serde_json::to_value(LoadSessionResult { session: session(), has_more: true, before: Some(text()) })
        }
        method::COMMAND_LIST => {
            let command = CommandInfo { name: "stop", description: "…", argument_hint: Some("…") };
            serde_json::to_value(ListCommandsResult { commands: vec![command] })
        }
        method::SESSION_LIST => {
            let info = SessionInfo {
                session_id: text(),
                title: Some(text()),
                cwd: text(),
                created_at: text(),
                updated_at: text(),
                turns: 1,
                open: true,
            };
            serde_json::to_value(ListSessionsResult { sessions: vec![info] })
        }
        method::SESSION_PROMPT => {
            serde_json::to_value(PromptResult { turn_id: text(), prompt_id: text(), queued: false })
        }
        method::MODEL_LIST => {
            let model = ModelInfo {
                id: text(),
                name: text(),
                provider: "ollama",
                context_window: Some(1),
                max_output: Some(1),
                tools: Some(true),
                warning: Some(text()),
                current: false,
                offered: false,
            };
            let provider = ProviderInfo { id: "ollama", name: "Ollama", state: "ready", message: Some(text()) };
            serde_json::to_value(ModelListResult { models: vec![model], providers: vec![provider] })
        }
        method::DIAGNOSTICS_GET => {
            let files = value["diagnostics"].as_array().into_iter().flatten();
            let complaints = files.flat_map(read::<FileDiagnostics>);
            return Some(complaints.chain(read::<DiagnosticsResult>(value)).collect());
        }
        method::MODEL_COMPLETE => {
            let mut complaints = read::<CompleteResult>(value);
            complaints.extend(read::<CompleteUsage>(&value["usage"]));
            return Some(complaints);
        }
        method::SESSION_QUEUE => Ok(json!({})),
        method::SESSION_COMPACT => Ok(json!({})),
        method::SESSION_EXPORT | method::SESSION_CONTEXT => Ok(json!({"text": ""})),
        method::PERMISSION_LIST => {
            let rule = RuleRow { rule: text(), decision: "allow", source: text(), script: None };
            serde_json::to_value(RulesResult { rules: vec![rule] })
        }
        method::PROJECT_COMMANDS => {
            let command =
                ProjectCommandInfo { label: text(), command: text(), cwd: text(), group: "test", source: text() };
            serde_json::to_value(ProjectCommandsResult { commands: vec![command] })
        }
        method::TASK_START if !value["folded"].is_null() => {
            serde_json::to_value(FoldedResult { task: task(), folded: true })
        }
        method::TASK_START
        | method::TASK_REPORT
        | method::TASK_GET
        | method::TASK_STOP
        | method::TASK_RERUN
        | method::TASK_PROMOTE => serde_json::to_value(TaskResult { task: task() }),
        method::TASK_LIST => serde_json::to_value(ListTasksResult { tasks: vec![task()], seq: 1 }),
        method::TASK_OUTPUT => serde_json::to_value(OutputResult {
            text: text(),
            offset: 0,
            skipped: 0,
            next_offset: 1,
            total_bytes: 1,
            eof: true,
        }),
        method::TEST_RESULTS => serde_json::to_value(test_results()),
        _ => return None,
    };
    Some(sent(value, sample.expect("it can be sent"), Shown::All))
}

fn object(name: &str, value: &Value) -> Option<Vec<String>> {
    if let Some((sample, shown)) = update_named(name) {
        return Some(sent(value, sample, shown));
    }
    match name {
        "Task" => Some(sent(value, task(), Shown::All)),
        "waitingFor" => Some(sent(value, waiting(), Shown::All)),
        "error" => {
            let data = ErrorData { kind: text(), field: Some(text()), remedy: Some(text()) };
            Some(sent(value, json!({"code": -1, "message": "", "data": data}), Shown::All))
        }
        // Of `pillion parse`, which has tests of its own.
        "diagnostic" | "summary" => Some(Vec::new()),
        _ => None,
    }
}

#[test]
fn every_example_is_what_is_sent() {
    let mut complaints = Vec::new();
    for Example { name, kind, at, value } in examples(&contract()) {
        let found = match kind.as_str() {
            "params" => params(&name, &value),
            "result" => result(&name, &value),
            _ => object(&name, &value),
        };
        let found = found.unwrap_or_else(|| vec!["this test does not know it".to_owned()]);
        complaints.extend(found.into_iter().map(|complaint| format!("{at}: {complaint}")));
    }
    assert!(complaints.is_empty(), "\n  {}\n", complaints.join("\n  "));
}

#[test]
fn every_update_and_every_command_is_told() {
    let contract = contract();
    let shown: BTreeSet<String> = examples(&contract).into_iter().map(|example| example.name).collect();
    for (update, _) in updates() {
        let update = serde_json::to_value(update).expect("it can be sent");
        let name = update["sessionUpdate"].as_str().expect("updates have names");
        assert!(shown.contains(name), "PROTOCOL.md has no example of the update {name}");
    }
    for command in COMMANDS {
        assert!(contract.contains(&format!("`{command}`")), "PROTOCOL.md does not name {command}");
    }
}

#[test]
fn mistakes_are_found() {
    let wrong = |found: Vec<String>| assert!(!found.is_empty());
    wrong(read::<TaskParams>(&json!({})));
    wrong(read::<TaskParams>(&json!({"taskId": "t1", "id": 1})));
    wrong(read::<ListTasksParams>(&json!({"sessionId": 1})));
    wrong(sent(&json!({"taskIds": ["a"], "more": 1}), json!({"taskIds": ["b"]}), Shown::All));
    wrong(sent(&json!({}), json!({"a": 1}), Shown::All));
    wrong(sent(&json!({"a": {"b": 1}}), json!({"a": {"b": "1"}}), Shown::All));
    wrong(sent(&json!({"task": {"no": 1}}), TaskResult { task: task() }, Shown::All));
    assert_eq!(sent(&json!({"task": {"id": "t"}}), TaskResult { task: task() }, Shown::All), Vec::<String>::new());
    assert_eq!(read::<TaskParams>(&json!({"taskId": "t1"})), Vec::<String>::new());
}
