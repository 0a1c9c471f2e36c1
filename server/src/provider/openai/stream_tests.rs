//! Streams in the shapes that services are documented, or were seen, to send; cut anywhere, they are the same answer.

use std::collections::HashSet;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::json;

use super::stream::Assembler;
use crate::agent::history::{AssistantPart, ModelStop};
use crate::provider::exchange::Reader;
use crate::provider::failure::Failure;
use crate::provider::{Answer, StreamEvent, Usage, sse};

fn assembler(taken: &[&str]) -> Assembler {
    let taken: HashSet<String> = taken.iter().map(|id| (*id).to_owned()).collect();
    Assembler::new("openai", "asked", "salt".into(), taken)
}

/// Reads the bytes of a body as the exchange does.
fn read(pieces: &[&[u8]]) -> (Vec<StreamEvent>, Result<Answer, Failure>) {
    let mut assembler = assembler(&["taken"]);
    let mut events = Vec::new();
    let whole = pieces.concat();
    if whole.trim_ascii_start().first() == Some(&b'{') {
        return match assembler.take_whole(&whole) {
            Ok(more) => (more, assembler.finish()),
            Err(failure) => (events, Err(failure)),
        };
    }
    let mut parser = sse::Parser::default();
    for event in pieces.iter().flat_map(|piece| parser.push(piece).expect("small events")).collect::<Vec<_>>() {
        match assembler.take(&event) {
            Ok(more) => events.extend(more),
            Err(failure) => return (events, Err(failure)),
        }
        if assembler.ended() {
            break;
        }
    }
    (events, assembler.finish())
}

/// What people saw, pieces joined, and the answer; both in short.
fn told(pieces: &[&[u8]]) -> String {
    let (events, answer) = read(pieces);
    let mut seen: Vec<String> = Vec::new();
    for event in events {
        let (mark, text) = match event {
            StreamEvent::ContentStarted => ("*", String::new()),
            StreamEvent::Text(text) => ("text ", text),
            StreamEvent::Thinking(text) => ("thought ", text),
            StreamEvent::ToolCallStarted { id, name } => ("call ", format!("{id}={name}")),
            other => ("?", format!("{other:?}")),
        };
        match seen.last_mut() {
            Some(last) if mark.len() > 5 && last.starts_with(mark) || mark == "text " && last.starts_with(mark) => {
                last.push_str(&text);
            }
            _ => seen.push(format!("{mark}{text}")),
        }
    }
    let answer = match answer {
        Err(failure) => format!("{failure:?}"),
        Ok(Answer { item, usage, .. }) => {
            let parts = item.parts.iter().map(|part| match part {
                AssistantPart::Text { text } => format!("text {text:?}"),
                AssistantPart::Thinking { text, signature } => format!("thinking {text:?} {signature:?}"),
                AssistantPart::RedactedThinking { data } => format!("details {data}"),
                AssistantPart::ToolCall { id, name, input, invalid } => {
                    format!("call {id} {name} {input} {}", invalid.as_deref().unwrap_or_default()).trim_end().to_owned()
                }
            });
            let Usage { input, output, cache_read, cache_write, .. } = usage;
            let stop = format!("{:?} {} {input}/{output}/{cache_read}/{cache_write}", item.stop, item.model);
            parts.chain([stop]).collect::<Vec<_>>().join("\n")
        }
    };
    format!("{}\n{answer}", seen.join(", "))
}

/// `data:` lines from chunks, one a line.
fn stream(chunks: &str) -> String {
    let lines = chunks.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| if line.starts_with(':') { format!("{line}\n\n") } else { format!("data: {line}\n\n") }).collect()
}

/// OpenAI: the call's id and name once, then pieces; the usage in a chunk of its own without choices.
const OPENAI: &str = r#"
{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-x-2026","service_tier":"default","system_fingerprint":"fp","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"a"}
{"id":"chatcmpl-1","model":"gpt-x-2026","choices":[{"index":0,"delta":{"content":"Let me "},"finish_reason":null}],"usage":null}
{"id":"chatcmpl-1","model":"gpt-x-2026","choices":[{"index":0,"delta":{"content":"sée."},"finish_reason":null}],"usage":null}
{"id":"chatcmpl-1","model":"gpt-x-2026","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_A","type":"function","function":{"name":"bash","arguments":""}}]},"finish_reason":null}],"usage":null}
{"id":"chatcmpl-1","model":"gpt-x-2026","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"comm"}}]},"finish_reason":null}],"usage":null}
{"id":"chatcmpl-1","model":"gpt-x-2026","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"and\":\"ls\"}"}}]},"finish_reason":null}],"usage":null}
{"id":"chatcmpl-1","model":"gpt-x-2026","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_B","type":"function","function":{"name":"glob","arguments":"{}"}}]},"finish_reason":null}],"usage":null}
{"id":"chatcmpl-1","model":"gpt-x-2026","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}],"usage":null}
{"id":"chatcmpl-1","model":"gpt-x-2026","choices":[],"usage":{"prompt_tokens":125,"completion_tokens":17,"total_tokens":142,"prompt_tokens_details":{"cached_tokens":100,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}
[DONE]
"#;

/// llama-cpp-python: id, type and name in every delta, the old `function_call` beside it, nulls, and no usage.
const LLAMA_CPP_PYTHON: &str = r#"
{"id":"chat1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"logprobs":null,"delta":{"role":"assistant","content":null,"function_call":null,"tool_calls":null},"finish_reason":null}]}
{"id":"chat1","model":"m","choices":[{"index":0,"finish_reason":null,"logprobs":null,"delta":{"role":null,"content":null,"function_call":{"name":"bash","arguments":"{ \"command\""},"tool_calls":[{"index":0,"id":"call__0_bash_cmpl-1","type":"function","function":{"name":"bash","arguments":"{ \"command\""}}]}}]}
{"id":"chat1","model":"m","choices":[{"index":0,"finish_reason":null,"logprobs":null,"delta":{"role":null,"content":null,"function_call":{"name":"bash","arguments":": \"ls\" "},"tool_calls":[{"index":0,"id":"call__0_bash_cmpl-1","type":"function","function":{"name":"bash","arguments":": \"ls\" "}}]}}]}
{"id":"chat1","model":"m","choices":[{"index":0,"finish_reason":null,"logprobs":null,"delta":{"role":null,"content":null,"function_call":{"name":"bash","arguments":"}"},"tool_calls":[{"index":0,"id":"call__0_bash_cmpl-1","type":"function","function":{"name":"bash","arguments":"}"}}]}}]}
{"id":"chat1","model":"m","choices":[{"index":0,"finish_reason":"tool_calls","logprobs":null,"delta":{"role":null,"content":null,"function_call":null,"tool_calls":null}}]}
[DONE]
"#;

/// Ollama: reasoning under its newer name, every call whole and at index 0, `stop`-like end, usage at the end.
const OLLAMA: &str = r#"
{"id":"chatcmpl-7","object":"chat.completion.chunk","created":1,"model":"qwen3:8b","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":"I need "},"finish_reason":null}]}
{"id":"chatcmpl-7","model":"qwen3:8b","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":"both."},"finish_reason":null}]}
{"id":"chatcmpl-7","model":"qwen3:8b","choices":[{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_1","index":0,"type":"function","function":{"name":"bash","arguments":"{\"command\":\"a\"}"}}]},"finish_reason":null}]}
{"id":"chatcmpl-7","model":"qwen3:8b","choices":[{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_2","index":0,"type":"function","function":{"name":"bash","arguments":"{\"command\":\"b\"}"}}]},"finish_reason":null}]}
{"id":"chatcmpl-7","model":"qwen3:8b","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop"}]}
{"id":"chatcmpl-7","model":"qwen3:8b","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":5,"total_tokens":17}}
[DONE]
"#;

/// OpenRouter: comments while it waits, reasoning in both forms, the details to be given back.
const OPENROUTER: &str = r#"
: OPENROUTER PROCESSING
: OPENROUTER PROCESSING
{"id":"gen-1","provider":"Anthropic","model":"anthropic/claude-x","object":"chat.completion.chunk","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":"First","reasoning_details":[{"type":"reasoning.text","text":"First","format":"anthropic-claude-v1","index":0}]},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}
{"id":"gen-1","provider":"Anthropic","model":"anthropic/claude-x","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":" this.","reasoning_details":[{"type":"reasoning.text","text":" this.","format":"anthropic-claude-v1","index":0}]},"finish_reason":null}]}
{"id":"gen-1","provider":"Anthropic","model":"anthropic/claude-x","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":null,"reasoning_details":[{"type":"reasoning.text","signature":"c2ln","format":"anthropic-claude-v1","index":0}]},"finish_reason":null}]}
{"id":"gen-1","provider":"Anthropic","model":"anthropic/claude-x","choices":[{"index":0,"delta":{"role":"assistant","content":"Done."},"finish_reason":"stop","native_finish_reason":"end_turn"}]}
: OPENROUTER PROCESSING
{"id":"gen-1","provider":"Anthropic","model":"anthropic/claude-x","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":{"prompt_tokens":20,"completion_tokens":9,"total_tokens":29,"cost":0.01,"prompt_tokens_details":{"cached_tokens":5,"cache_write_tokens":10}}}
[DONE]
"#;

/// llama.cpp's own server: reasoning by DeepSeek's name, timings, the usage beside an empty list of choices.
const LLAMA_CPP: &str = r#"
{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1,"id":"chatcmpl-x","model":"m.gguf","system_fingerprint":"b8681","object":"chat.completion.chunk"}
{"choices":[{"finish_reason":null,"index":0,"delta":{"reasoning_content":"Hm."}}],"created":1,"id":"chatcmpl-x","model":"m.gguf","object":"chat.completion.chunk"}
{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Yes"}}],"created":1,"id":"chatcmpl-x","model":"m.gguf","object":"chat.completion.chunk"}
{"choices":[{"finish_reason":"length","index":0,"delta":{}}],"created":1,"id":"chatcmpl-x","model":"m.gguf","object":"chat.completion.chunk"}
{"choices":[],"created":1,"id":"chatcmpl-x","model":"m.gguf","object":"chat.completion.chunk","usage":{"completion_tokens":2,"prompt_tokens":9,"total_tokens":11},"timings":{"prompt_n":1}}
[DONE]
"#;

/// vLLM: `role` and usage in every chunk (continuous usage), names before arguments, no `[DONE]` here.
const VLLM: &str = r#"
{"id":"chatcmpl-v","object":"chat.completion.chunk","created":1,"model":"q","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":7,"total_tokens":7,"completion_tokens":0}}
{"id":"chatcmpl-v","model":"q","choices":[{"index":0,"delta":{"tool_calls":[{"id":"chatcmpl-tool-1","type":"function","index":0,"function":{"name":"bash"}}]},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":7,"total_tokens":9,"completion_tokens":2}}
{"id":"chatcmpl-v","model":"q","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"command\": \""}}]},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":7,"total_tokens":11,"completion_tokens":4}}
{"id":"chatcmpl-v","model":"q","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"ls\"}"}}]},"logprobs":null,"finish_reason":"tool_calls","stop_reason":null}],"usage":{"prompt_tokens":7,"total_tokens":13,"completion_tokens":6}}
"#;

/// LM Studio and others that answer without streaming, arguments as an object and no id.
const WHOLE: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Here.","reasoning_content":"Hm","tool_calls":[{"type":"function","function":{"name":"bash","arguments":{"command":"ls"}}},{"type":"function","function":{"name":"bash","arguments":{"command":"ps"}}}]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#;

/// Neither index nor id; the next name begins the next call.
const BARE: &str = r#"
{"choices":[{"delta":{"tool_calls":[{"function":{"name":"bash","arguments":"{\"command\":"}}]}}]}
{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"\"a\"}"}}]}}]}
{"choices":[{"delta":{"tool_calls":[{"function":{"name":"bash","arguments":"{\"command\":\"b\"}"}}]}}]}
{"choices":[{"delta":{},"finish_reason":"a_reason_to_come"}]}
"#;

/// Ids alone, pieces of two calls in turn, an id that the conversation has already, and one that comes twice.
const IDS_ALONE: &str = r#"
{"choices":[{"delta":{"tool_calls":[{"id":"x","function":{"name":"bash","arguments":"{\"command\":"}},{"id":"taken","function":{"name":"glob","arguments":"{\"pattern\":"}}]}}]}
{"choices":[{"delta":{"tool_calls":[{"id":"x","function":{"arguments":"\"a\"}"}},{"id":"taken","function":{"arguments":"\"b\"}"}}]}}]}
[DONE]
"#;

const SAME_ID: &str = r#"
{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"bash","arguments":"{}"}},{"index":1,"id":"x","function":{"name":"bash","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}
"#;

/// A name in pieces, a name that grows, arguments that are no JSON, no object, twice a string, or null.
const ODD: &str = r#"
{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"ba"}},{"index":1,"id":"b","function":{"name":"gl"}},{"index":2,"id":"c","function":{"name":"grep","arguments":"{\"pattern\":"}}]}}]}
{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"sh","arguments":"[1]"}},{"index":1,"id":"b","function":{"name":"glob","arguments":"\"{\\\"pattern\\\":\\\"x\\\"}\""}},{"index":3,"id":"d","function":{"name":"read_file","arguments":null}},{"index":4,"function":{"arguments":"{}"}}]}}]}
{"choices":[{"delta":null,"finish_reason":"stop"}]}
"#;

/// The old form alone.
const FUNCTION_CALL: &str = r#"
{"choices":[{"delta":{"role":"assistant","content":null,"function_call":{"name":"bash","arguments":""}}}]}
{"choices":[{"delta":{"function_call":{"arguments":"{\"command\":\"ls\"}"}}}]}
{"choices":[{"delta":{},"finish_reason":"function_call"}]}
[DONE]
"#;

/// Mistral's reasoning models: content in parts.
const PARTS: &str = r#"
{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]}]}}]}
{"choices":[{"index":0,"delta":{"content":[{"type":"text","text":"Yes"}]}}]}
{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}
"#;

const REFUSAL: &str = r#"
{"choices":[{"index":0,"delta":{"role":"assistant","refusal":"I cannot"}}]}
{"choices":[{"index":0,"delta":{"refusal":" do that."}}]}
{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
[DONE]
"#;

const FILTERED: &str = r#"
{"choices":[{"index":0,"delta":{"content":"So"}}]}
{"choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}
[DONE]
"#;

/// Another answer beside the one that was asked for, chunks without anything, and one with DeepSeek's usage.
const NOISE: &str = r#"
{}
{"choices":null,"usage":null,"model":null}
{"choices":[{"index":1,"delta":{"content":"other"}}]}
{"choices":[{"index":0,"delta":{"content":"Hi"}}],"x":{"y":1}}
{"choices":[{"index":0,"delta":{"content":""},"finish_reason":""}],"usage":{"prompt_tokens":10,"completion_tokens":1,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":6}}
[DONE]
"#;

const OPENROUTER_ERROR: &str = r#"
{"id":"gen-1","choices":[{"index":0,"delta":{"content":"So"},"finish_reason":null}]}
{"id":"gen-1","error":{"code":502,"message":"Provider disconnected"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}
"#;

const VLLM_ERROR: &str = r#"
{"object":"error","message":"This model's maximum context length is 8192 tokens.","type":"BadRequestError","param":null,"code":400}
"#;

const LLAMA_CPP_ERROR: &str = r#"
{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":14429,"n_ctx":8192}}
"#;

const CUT: &str = r#"
{"choices":[{"index":0,"delta":{"content":"Half an ans"}}]}
"#;

/// llama-cpp-python, when another request came in between.
const INTERRUPTED: &str = r#"
: ping - 2026-11-21 18:45:24.256904+00:00
{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"finish_reason":null,"logprobs":null,"delta":{"role":"assistant","content":null,"function_call":null,"tool_calls":null}}]}
[DONE]
"#;

/// The bound on the answer ended it within the second call.
const LENGTH: &str = r#"
{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"bash","arguments":"{}"}}]}}]}
{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"write_file","arguments":"{\"path\": \"x"}}]}}]}
{"choices":[{"delta":{},"finish_reason":"length"}]}
"#;

fn recorded() -> Vec<(&'static str, String, Expect)> {
    let row = |name, chunks: &str, expected| {
        (name, if chunks.starts_with('{') { chunks.to_owned() } else { stream(chunks) }, expected)
    };
    vec![
        row(
            "interrupted",
            INTERRUPTED,
            expect![[r#"

            Cut"#]],
        ),
        row(
            "cut by its bound",
            LENGTH,
            expect![[r#"
            *, call a=bash, call b=write_file
            call a bash {}
            call b write_file {} the answer reached its limit of tokens in the middle of it; say less in one call, and write a long file in several pieces
            MaxTokens asked 0/0/0/0"#]],
        ),
        row(
            "OpenAI",
            OPENAI,
            expect![[r#"
            *, text Let me sée., call call_A=bash, call call_B=glob
            text "Let me sée."
            call call_A bash {"command":"ls"}
            call call_B glob {}
            ToolUse gpt-x-2026 25/17/100/0"#]],
        ),
        row(
            "llama-cpp-python",
            LLAMA_CPP_PYTHON,
            expect![[r#"
            *, call call__0_bash_cmpl-1=bash
            call call__0_bash_cmpl-1 bash {"command":"ls"}
            ToolUse m 0/0/0/0"#]],
        ),
        row(
            "Ollama",
            OLLAMA,
            expect![[r#"
            *, thought I need both., call call_1=bash, call call_2=bash
            thinking "I need both." Some("reasoning")
            call call_1 bash {"command":"a"}
            call call_2 bash {"command":"b"}
            ToolUse qwen3:8b 12/5/0/0"#]],
        ),
        row(
            "OpenRouter",
            OPENROUTER,
            expect![[r#"
            *, thought First this., text Done.
            details [{"format":"anthropic-claude-v1","index":0,"signature":"c2ln","text":"First this.","type":"reasoning.text"}]
            thinking "First this." Some("reasoning")
            text "Done."
            EndTurn anthropic/claude-x 5/9/5/10"#]],
        ),
        row(
            "llama.cpp",
            LLAMA_CPP,
            expect![[r#"
            *, thought Hm., text Yes
            thinking "Hm." Some("reasoning_content")
            text "Yes"
            MaxTokens m.gguf 9/2/0/0"#]],
        ),
        row(
            "vLLM",
            VLLM,
            expect![[r#"
            *, call chatcmpl-tool-1=bash
            call chatcmpl-tool-1 bash {"command":"ls"}
            ToolUse q 7/6/0/0"#]],
        ),
        row(
            "one document",
            WHOLE,
            expect![[r#"
            *, thought Hm, text Here., call call_salt_1=bash, call call_salt_2=bash
            thinking "Hm" Some("reasoning_content")
            text "Here."
            call call_salt_1 bash {"command":"ls"}
            call call_salt_2 bash {"command":"ps"}
            ToolUse m 3/4/0/0"#]],
        ),
        row(
            "neither index nor id",
            BARE,
            expect![[r#"
            *, call call_salt_1=bash, call call_salt_2=bash
            call call_salt_1 bash {"command":"a"}
            call call_salt_2 bash {"command":"b"}
            ToolUse asked 0/0/0/0"#]],
        ),
        row(
            "ids alone",
            IDS_ALONE,
            expect![[r#"
            *, call x=bash, call call_salt_1=glob
            call x bash {"command":"a"}
            call call_salt_1 glob {"pattern":"b"}
            ToolUse asked 0/0/0/0"#]],
        ),
        row(
            "the same id",
            SAME_ID,
            expect![[r#"
            *, call x=bash, call call_salt_1=bash
            call x bash {}
            call call_salt_1 bash {}
            ToolUse asked 0/0/0/0"#]],
        ),
        row(
            "odd names and arguments",
            ODD,
            expect![[r#"
                *, call c=grep, call a=bash, call b=glob, call d=read_file
                call a bash {} the arguments are not a JSON object
                call b glob {"pattern":"x"}
                call c grep {} the arguments are not valid JSON: EOF while parsing a value at line 1 column 11
                call d read_file {}
                ToolUse asked 0/0/0/0"#]],
        ),
        row(
            "function_call",
            FUNCTION_CALL,
            expect![[r#"
            *, call call_salt_1=bash
            call call_salt_1 bash {"command":"ls"}
            ToolUse asked 0/0/0/0"#]],
        ),
        row(
            "content in parts",
            PARTS,
            expect![[r#"
            *, thought Hm, text Yes
            thinking "Hm" Some("content")
            text "Yes"
            EndTurn asked 1/2/0/0"#]],
        ),
        row(
            "refusal",
            REFUSAL,
            expect![[r#"
            *, text I cannot do that.
            text "I cannot do that."
            Refusal asked 0/0/0/0"#]],
        ),
        row(
            "filtered",
            FILTERED,
            expect![[r#"
            *, text So
            text "So"
            Refusal asked 0/0/0/0"#]],
        ),
        row(
            "noise",
            NOISE,
            expect![[r#"
            *, text Hi
            text "Hi"
            EndTurn asked 6/1/4/0"#]],
        ),
        row(
            "an error of OpenRouter",
            OPENROUTER_ERROR,
            expect![[r#"
            *, text So
            Told { status: 502, error: ServiceError { kind: "", code: "502", param: "", message: "Provider disconnected" } }"#]],
        ),
        row(
            "an error of vLLM",
            VLLM_ERROR,
            expect![[r#"

            Told { status: 400, error: ServiceError { kind: "BadRequestError", code: "400", param: "", message: "This model's maximum context length is 8192 tokens." } }"#]],
        ),
        row(
            "an error of llama.cpp",
            LLAMA_CPP_ERROR,
            expect![[r#"

            Told { status: 400, error: ServiceError { kind: "exceed_context_size_error", code: "400", param: "", message: "the request exceeds the available context size, try increasing it" } }"#]],
        ),
        row(
            "cut",
            CUT,
            expect![[r#"
            *, text Half an ans
            Cut"#]],
        ),
    ]
}

#[test]
fn recorded_streams() {
    for (_, stream, expected) in recorded() {
        expected.assert_eq(&told(&[stream.as_bytes()]));
    }
}

#[test]
fn byte_by_byte() {
    for (name, stream, _) in recorded() {
        let alone: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(told(&alone), told(&[stream.as_bytes()]), "{name}");
    }
}

#[test]
fn what_is_no_answer() {
    for text in ["data: <html>\n\n", "{\"hello\": 1}", "data: [1]\n\n", "{\"choices\": 1}", "[DONE]"] {
        let (_, answer) = read(&[text.as_bytes()]);
        assert!(matches!(answer, Err(Failure::Garbled(_) | Failure::Cut)), "{text}: {answer:?}");
    }
}

#[test]
fn ids_are_new_in_the_conversation() {
    let mut assembler = assembler(&["call_1"]);
    let chunk = json!({"choices": [{"delta": {"tool_calls": [
        {"index": 0, "id": "call_1", "function": {"name": "a", "arguments": "{}"}},
        {"index": 1, "function": {"name": "b", "arguments": "{}"}},
    ]}, "finish_reason": "tool_calls"}]});
    assembler.take(&sse::Event { name: "message".into(), data: chunk.to_string() }).expect("a chunk");
    let answer = assembler.finish().expect("whole");
    let ids: Vec<&str> = answer.item.tool_calls().map(|(id, ..)| id.as_str()).collect();
    assert_eq!(ids, ["call_salt_1", "call_salt_2"]);
    assert_eq!(answer.item.stop, ModelStop::ToolUse);
}

proptest! {
    #[test]
    fn any_cuts_give_the_same_answer(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let all = recorded();
        let (name, stream, _) = which.get(&all);
        let bytes = stream.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
        prop_assert_eq!(told(&pieces), told(&[bytes]), "{}", name);
    }
}
