//! Whole exchanges with a little HTTP server: what goes out, refusals that teach, errors, and what is asked about models.

use std::time::Duration;

use expect_test::{Expect, expect};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::agent::history::{Prompt, UserItem};
use crate::provider::ToolSpec;

const KEY: &str = "sk-secret";

/// Answers by path, the replies of one path in turn, the last one for ever; keeps what was asked.
struct Server {
    url: String,
    seen: Arc<Mutex<Vec<(String, String)>>>,
    task: tokio::task::JoinHandle<()>,
}

type Replies = Vec<(&'static str, Vec<(u16, String)>)>;

impl Server {
    async fn start(replies: Replies) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keeping = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut replies: HashMap<&str, std::vec::IntoIter<(u16, String)>> =
                replies.into_iter().map(|(path, replies)| (path, replies.into_iter())).collect();
            loop {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let text = read(&mut stream).await;
                let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
                let reply = replies.get_mut(path.as_str()).and_then(|replies| {
                    if replies.len() > 1 { replies.next() } else { replies.as_slice().first().cloned() }
                });
                let (status, body) = reply.unwrap_or((404, "no such page".into()));
                lock(&keeping).push((path, text));
                let head =
                    format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                // A client that has what it wants may have gone.
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            }
        });
        Self { url, seen, task }
    }

    /// The bodies that were posted to a path.
    fn posted(&self, path: &str) -> Vec<Value> {
        let seen = lock(&self.seen);
        let bodies = seen.iter().filter(|(asked, _)| asked == path).map(|(_, text)| text.split_once("\r\n\r\n"));
        bodies.map(|body| serde_json::from_str(body.expect("a body").1).expect("JSON")).collect()
    }

    fn paths(&self) -> Vec<String> {
        lock(&self.seen).iter().map(|(path, _)| path.clone()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().expect("a number") {
                return text;
            }
        }
        let count = stream.read(&mut buffer).await.expect("a request");
        assert_ne!(count, 0, "the request was cut: {text}");
        read.extend_from_slice(&buffer[..count]);
    }
}

const CHAT: &str = "/v1/chat/completions";

fn hello() -> (u16, String) {
    (200, "data: {\"model\":\"m-1\",\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n".into())
}

fn refusal(param: &str, message: &str) -> (u16, String) {
    let error = json!({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": null}});
    (400, error.to_string())
}

fn provider(word: &str, server: &Server, key: Option<&str>) -> OpenAi {
    let key = key.map(|key| ApiKey { secret: SecretString::from(key), source: "the file keys.toml".into() });
    let backoff = Backoff { base: Duration::ZERO, longest: Duration::ZERO };
    let limits = Limits { idle: Duration::from_secs(5), ..Limits::default() };
    OpenAi::with(preset(word).expect("a row"), &server.url, "config.toml:4", key, limits, backoff)
}

fn request(model: &str) -> ModelRequest {
    let text = Content::Text { text: "hello".into() };
    let prompts = vec![Prompt { id: "p".into(), content: vec![text] }];
    let tool =
        ToolSpec { name: "bash".into(), description: "Runs it.".into(), input_schema: json!({"type": "object"}) };
    ModelRequest {
        model: model.into(),
        system: "s".into(),
        tools: vec![tool].into(),
        history: vec![Arc::new(Item::User(UserItem { prompts, ..UserItem::default() }))].into(),
        max_tokens: 32_000,
    }
}

async fn ask(provider: &OpenAi, request: ModelRequest) -> (Vec<StreamEvent>, Result<Answer, ProviderError>) {
    let (send, mut receive) = mpsc::channel(64);
    let answer = provider.stream(request, send).await;
    let mut events = Vec::new();
    while let Some(event) = receive.recv().await {
        events.push(event);
    }
    (events, answer)
}

#[tokio::test]
async fn an_answer_and_what_was_asked() {
    let server = Server::start(vec![(CHAT, vec![hello()])]).await;
    let (events, answer) = ask(&provider("openai", &server, Some(KEY)), request("m")).await;
    assert_eq!(events, [StreamEvent::ContentStarted, StreamEvent::Text("Hi".into())]);
    let item = answer.expect("an answer").item;
    assert_eq!((item.provider.as_str(), item.model.as_str()), ("openai", "m-1"));
    let head = lock(&server.seen)[0].1.split_once("\r\n\r\n").expect("a head").0.to_lowercase();
    assert!(head.contains(&format!("authorization: bearer {KEY}")), "{head}");

    let server = Server::start(vec![(CHAT, vec![hello()])]).await;
    ask(&provider("vllm", &server, None), request("m")).await.1.expect("an answer");
    assert!(!lock(&server.seen)[0].1.to_lowercase().contains("authorization"));
}

#[tokio::test]
async fn a_refused_parameter_is_left_out_once_and_for_all_of_that_model() {
    let server = Server::start(vec![(
        CHAT,
        vec![
            refusal("reasoning_effort", "Function tools with reasoning_effort are not supported: set it to 'none'."),
            refusal("max_completion_tokens", "Unsupported parameter. Use 'max_tokens' instead."),
            refusal("", "Unrecognized request argument supplied: stream_options"),
            hello(),
        ],
    )])
    .await;
    let provider = provider("openai", &server, Some(KEY));
    let (events, answer) = ask(&provider, request("m")).await;
    answer.expect("an answer");
    assert_eq!(events.len(), 2, "a lesson is no failure that people have to see: {events:?}");
    ask(&provider, request("m")).await.1.expect("an answer");
    ask(&provider, request("other")).await.1.expect("an answer");
    let said = |body: &Value| {
        let names = ["reasoning_effort", "max_completion_tokens", "max_tokens", "stream_options"];
        names.into_iter().filter(|name| body.get(name).is_some()).collect::<Vec<_>>().join(" ")
    };
    let bodies: Vec<String> = server.posted(CHAT).iter().map(said).collect();
    expect![[r#"
        max_completion_tokens stream_options
        reasoning_effort max_completion_tokens stream_options
        reasoning_effort max_tokens stream_options
        reasoning_effort max_tokens
        reasoning_effort max_tokens
        max_completion_tokens stream_options"#]]
    .assert_eq(&bodies.join("\n"));
}

#[tokio::test]
async fn a_stream_that_breaks_off_before_its_first_word_is_asked_why() {
    let too_long = r#"{"error":{"message":"This model's maximum context length is 512 tokens, however you requested 900 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
    let server = Server::start(vec![(CHAT, vec![(200, String::new()), (400, too_long.into())])]).await;
    let (events, answer) = ask(&provider("llamacpp", &server, None), request("m")).await;
    let error = answer.expect_err("it is refused").to_string();
    assert!(error.contains("too long for m") && error.contains("512 tokens"), "{error}");
    assert!(events.is_empty(), "it is no failure that another try would mend: {events:?}");
    let streams: Vec<Value> = server.posted(CHAT).iter().map(|body| body["stream"].clone()).collect();
    assert_eq!(streams, [json!(true), json!(false)]);

    // A service far away is just asked again, and a server that answers now has answered.
    let server = Server::start(vec![(CHAT, vec![(200, String::new()), hello()])]).await;
    ask(&provider("openai", &server, Some(KEY)), request("m")).await.1.expect("an answer");
    assert!(server.posted(CHAT).iter().all(|body| body["stream"] == true));
    let whole = json!({"model": "m-1", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]});
    let server = Server::start(vec![(CHAT, vec![(200, String::new()), (200, whole.to_string())])]).await;
    let (events, answer) = ask(&provider("llamacpp", &server, None), request("m")).await;
    answer.expect("an answer");
    assert_eq!(events, [StreamEvent::ContentStarted, StreamEvent::Text("Hi".into())]);
}

#[tokio::test]
async fn a_lesson_is_not_learned_for_ever() {
    let no = || refusal("max_completion_tokens", "Unsupported parameter: 'max_completion_tokens'.");
    let server = Server::start(vec![(CHAT, vec![no()])]).await;
    let (_, answer) = ask(&provider("openai", &server, Some(KEY)), request("m")).await;
    assert!(matches!(answer, Err(ProviderError::BadRequest(_))), "{answer:?}");
    assert_eq!(server.posted(CHAT).len(), 2);
}

#[tokio::test]
async fn errors() {
    let check = async |word: &str, reply: (u16, &str), expected: Expect| {
        let server = Server::start(vec![(CHAT, vec![(reply.0, reply.1.to_owned())])]).await;
        let key = preset(word).expect("a row").needs_key.then_some(KEY);
        let (_, answer) = ask(&provider(word, &server, key), request("m")).await;
        let error = answer.expect_err("an error");
        assert!(!error.to_string().contains(KEY), "{error}");
        let kind = format!("{error:?}").split('(').next().unwrap_or_default().to_owned();
        let host = crate::provider::http::host(&server.url).expect("a host");
        expected.assert_eq(&format!("{kind}: {error}").replace(&host, "HOST"));
    };
    let too_long = r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
    check("openai", (400, too_long), expect!["ContextTooLong: The conversation is too long for m: This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Start a new session, or choose a model with a larger window (`model.name`)."]).await;
    let llama = r#"{"error":{"code":500,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_prompt_tokens":1407,"n_ctx":256}}"#;
    check("llamacpp", (500, llama), expect!["ContextTooLong: The conversation is too long for m: the request exceeds the available context size. Start a new session, or choose a model with a larger window (`model.name`)."]).await;
    let vllm = r#"{"object":"error","message":"This model's maximum context length is 16384 tokens. However, you requested 142000 tokens (110000 in the messages, 32000 in the completion).","type":"BadRequestError","param":null,"code":400}"#;
    check("vllm", (400, vllm), expect!["ContextTooLong: The conversation is too long for m: This model's maximum context length is 16384 tokens. However, you requested 142000 tokens (110000 in the messages, 32000 in the completion). Start a new session, or choose a model with a larger window (`model.name`)."]).await;
    let no_tools = r#"{"error":{"message":"registry.ollama.ai/library/gemma:2b does not support tools","type":"api_error","param":null,"code":null}}"#;
    check("ollama", (400, no_tools), expect!["BadRequest: m cannot call tools, and an agent needs them: registry.ollama.ai/library/gemma:2b does not support tools. Choose one that can: https://ollama.com/search?c=tools."]).await;
    let no_model = r#"{"error":{"message":"model \"m\" not found, try pulling it first","type":"api_error"}}"#;
    check("ollama", (404, no_model), expect![[r#"UnknownModel: Ollama does not know the model "m" (model "m" not found, try pulling it first). Get it with `ollama pull m`, or name one that `ollama list` has in `model.name`."#]]).await;
    let no_key = r#"{"error":{"message":"Incorrect API key provided: sk-secret.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#;
    check("openai", (401, no_key), expect!["Auth: OpenAI refused the API key from the file keys.toml: Incorrect API key provided: …. Set a valid key there and start Pillion anew; keys are made at https://platform.openai.com/api-keys."]).await;
    let quota = r#"{"error":{"message":"You exceeded your current quota.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
    check("openai", (429, quota), expect!["Auth: The account of the API key from the file keys.toml cannot pay for this: You exceeded your current quota. See https://platform.openai.com/settings/organization/billing, or use another key."]).await;
    let credits = r#"{"error":{"code":402,"message":"Insufficient credits"}}"#;
    check("openrouter", (402, credits), expect!["Auth: The account of the API key from the file keys.toml cannot pay for this: Insufficient credits. See https://openrouter.ai/settings/credits, or use another key."]).await;
    let told = "data: {\"error\":{\"code\":402,\"message\":\"Insufficient credits\"}}\n\n";
    check("openrouter", (200, told), expect!["Auth: The account of the API key from the file keys.toml cannot pay for this: Insufficient credits. See https://openrouter.ai/settings/credits, or use another key."]).await;
    check("vllm", (404, r#"{"detail":"Not Found"}"#), expect!["Unreachable: HOST does not speak OpenAI's Chat Completions API (status 404). The address was set by config.toml:4; check it there (it is written with /v1)."]).await;
    let detail = r#"{"detail":[{"type":"missing","loc":["body","messages"],"msg":"Field required"}]}"#;
    check("vllm", (422, detail), expect![[r#"BadRequest: vLLM refused the request (status 422): [{"loc":["body","messages"],"msg":"Field required","type":"missing"}]."#]]).await;
}

#[tokio::test]
async fn nobody_listens() {
    let server = Server::start(vec![]).await;
    let dead = Server { url: "http://127.0.0.1:1/v1".into(), seen: Arc::default(), task: tokio::spawn(async {}) };
    let (_, answer) = ask(&provider("ollama", &dead, None), request("m")).await;
    let error = answer.expect_err("nobody").to_string();
    assert!(error.contains("Start it with `ollama serve`."), "{error}");
    let (_, answer) = ask(&provider("lmstudio", &dead, None), request(ANY_MODEL)).await;
    let error = answer.expect_err("nobody").to_string();
    assert!(error.contains("lms server start"), "{error}");
    drop(server);
}

fn json_reply(value: Value) -> Vec<(u16, String)> {
    vec![(200, value.to_string())]
}

/// Facts in short: window, longest answer, tools, warning.
fn short(facts: &ModelFacts) -> String {
    let ModelFacts { model, window, max_output, tools, warning, .. } = facts;
    format!("{model} {window:?} {max_output:?} {tools:?} {}", warning.as_deref().unwrap_or_default())
        .trim_end()
        .to_owned()
}

async fn check_facts(word: &str, model: &str, replies: Replies, expected: Expect) {
    let server = Server::start(replies).await;
    let provider = provider(word, &server, None);
    let facts = provider.describe(model).await;
    assert_eq!(facts.provider, word);
    expected.assert_eq(&short(&facts));
    assert_eq!(provider.context_window(&facts.model), facts.window, "remembered");
}

#[tokio::test]
async fn what_services_say_of_a_model() {
    check_facts("openai", "gpt-5.6-terra", vec![], expect!["gpt-5.6-terra Some(1050000) Some(128000) None"]).await;
    check_facts(
        "openai",
        "gpt-5.4-mini-2026-03-17",
        vec![],
        expect!["gpt-5.4-mini-2026-03-17 Some(400000) Some(128000) None"],
    )
    .await;
    check_facts("openai", "deepseek-v4", vec![], expect!["deepseek-v4 None None None"]).await;
    let groq = json!({"data": [{"id": "llama", "context_window": 131_072}]});
    check_facts("openai", "llama", vec![("/v1/models", json_reply(groq))], expect!["llama Some(131072) None None"])
        .await;
    let openrouter = json!({"data": [{"id": "a/b", "context_length": 200_000, "supported_parameters": ["max_tokens", "tools"],
        "top_provider": {"context_length": 128_000, "max_completion_tokens": 8_192, "is_moderated": false}}]});
    check_facts(
        "openrouter",
        "a/b",
        vec![("/v1/models", json_reply(openrouter))],
        expect!["a/b Some(128000) Some(8192) Some(true)"],
    )
    .await;
    let vllm =
        |length: u32| json!({"object": "list", "data": [{"id": "q", "max_model_len": length, "owned_by": "vllm"}]});
    check_facts("vllm", "q", vec![("/v1/models", json_reply(vllm(40_960)))], expect!["q Some(40960) None None"]).await;
    check_facts("vllm", "q", vec![("/v1/models", json_reply(vllm(8_192)))], expect!["q Some(8192) None None q runs with a window of 8192 tokens, and an agent needs 32768: what does not fit is forgotten or cut off. Start vLLM with `--max-model-len 32768`, if the model has it."]).await;
    let list = json!({"data": [{"id": "m.gguf", "meta": {"n_ctx_train": 131_072, "n_params": 1}}]});
    let props =
        json!({"default_generation_settings": {"n_ctx": 4_096}, "chat_template_caps": {"supports_tools": true}});
    let replies = vec![("/v1/models", json_reply(list)), ("/props", json_reply(props))];
    check_facts("llamacpp", ANY_MODEL, replies, expect!["m.gguf Some(4096) None Some(true) m.gguf runs with a window of 4096 tokens, and an agent needs 32768: what does not fit is forgotten or cut off. Start llama-server with `-c 32768`."]).await;
    let lm_studio = json!({"data": [
        {"id": "embed", "type": "embeddings", "max_context_length": 2048},
        {"id": "a", "type": "llm", "state": "not-loaded", "max_context_length": 131_072},
        {"id": "b", "type": "llm", "state": "loaded", "max_context_length": 131_072, "loaded_context_length": 4_096,
         "capabilities": ["tool_use"]},
    ]});
    check_facts("lmstudio", ANY_MODEL, vec![("/api/v0/models", json_reply(lm_studio))], expect!["b Some(4096) None Some(true) b runs with a window of 4096 tokens, and an agent needs 32768: what does not fit is forgotten or cut off. Load it with `lms load b --context-length 32768`."]).await;
}

fn ollama(parameters: &str, trained: u32, capabilities: Value, loaded: Option<u32>) -> Replies {
    let show = json!({"parameters": parameters, "capabilities": capabilities,
        "model_info": {"general.architecture": "qwen3", "qwen3.context_length": trained, "qwen3.block_count": 36}});
    let models: Vec<Value> = loaded
        .iter()
        .map(|length| json!({"name": "qwen3:latest", "model": "qwen3:latest", "context_length": length}))
        .collect();
    vec![("/api/show", json_reply(show)), ("/api/ps", json_reply(json!({"models": models})))]
}

#[tokio::test]
async fn what_ollama_says_of_a_model() {
    let able = || json!(["completion", "tools"]);
    check_facts("ollama", "qwen3", ollama("", 40_960, able(), None), expect!["qwen3 None None Some(true)"]).await;
    check_facts(
        "ollama",
        "qwen3",
        ollama("", 40_960, able(), Some(40_960)),
        expect!["qwen3 Some(40960) None Some(true)"],
    )
    .await;
    check_facts("ollama", "qwen3", ollama("", 131_072, able(), Some(4_096)), expect!["qwen3 Some(4096) None Some(true) qwen3 runs with a window of 4096 tokens, and an agent needs 32768: what does not fit is forgotten or cut off. Start Ollama with `OLLAMA_CONTEXT_LENGTH=32768 ollama serve`; where it runs as a service: `sudo systemctl edit ollama`, `[Service]`, `Environment=OLLAMA_CONTEXT_LENGTH=32768`, and restart it."]).await;
    check_facts("ollama", "qwen3", ollama("stop \"x\"\nnum_ctx 8192", 131_072, able(), None), expect![[r#"qwen3 Some(8192) None Some(true) qwen3 runs with a window of 8192 tokens, and an agent needs 32768: what does not fit is forgotten or cut off. Make one with a larger window: `printf 'FROM qwen3\nPARAMETER num_ctx 32768\n' > Modelfile && ollama create qwen3-32k -f Modelfile`, and choose that."#]]).await;
    check_facts("ollama", "qwen3", ollama("", 8_192, able(), Some(8_192)), expect!["qwen3 Some(8192) None Some(true) qwen3 runs with a window of 8192 tokens, and an agent needs 32768: what does not fit is forgotten or cut off. The model was made for 8192 tokens, so choose another one."]).await;
    check_facts("ollama", "qwen3", ollama("", 40_960, json!(["completion"]), Some(40_960)), expect!["qwen3 Some(40960) None Some(false) Ollama says that qwen3 cannot call tools, so it can only talk. Choose one that can: https://ollama.com/search?c=tools."]).await;
    check_facts("ollama", "qwen3", vec![], expect!["qwen3 None None None"]).await;
}

#[tokio::test]
async fn ollamas_window_is_read_once_the_model_is_loaded() {
    let mut replies = ollama("", 131_072, json!(["tools"]), Some(4_096));
    replies.push(("/api/generate", json_reply(json!({"done": true, "done_reason": "load"}))));
    replies.push((CHAT, vec![hello()]));
    let server = Server::start(replies).await;
    let provider = provider("ollama", &server, None);
    let (events, answer) = ask(&provider, request("qwen3")).await;
    answer.expect("an answer");
    let StreamEvent::Described(facts) = &events[0] else { panic!("{events:?}") };
    assert_eq!(facts.window, Some(4_096));
    assert!(facts.warning.is_some());
    assert_eq!(server.paths(), ["/api/generate", "/api/show", "/api/ps", CHAT]);
}

#[tokio::test]
async fn a_model_that_cannot_call_tools_is_talked_to_without_any() {
    for (capabilities, has_tools) in [(json!(["completion"]), false), (json!(["tools"]), true), (Value::Null, true)] {
        let mut replies = ollama("", 131_072, capabilities.clone(), Some(65_536));
        replies.push(("/api/generate", json_reply(json!({"done": true, "done_reason": "load"}))));
        replies.push((CHAT, vec![hello()]));
        let server = Server::start(replies).await;
        ask(&provider("ollama", &server, None), request("qwen3")).await.1.expect("an answer");
        assert_eq!(server.posted(CHAT)[0]["tools"].is_array(), has_tools, "{capabilities}");
    }
}

#[tokio::test]
async fn a_server_is_asked_which_model_it_has() {
    let list = json!({"data": [{"id": "one"}, {"id": "two"}]});
    let server = Server::start(vec![("/v1/models", json_reply(list)), (CHAT, vec![hello()])]).await;
    let provider = provider("vllm", &server, None);
    assert_eq!(provider.default_model(), ANY_MODEL);
    ask(&provider, request(ANY_MODEL)).await.1.expect("an answer");
    assert_eq!(server.posted(CHAT)[0]["model"], "one");
    ask(&provider, request(ANY_MODEL)).await.1.expect("an answer");
    assert_eq!(server.paths(), ["/v1/models", CHAT, CHAT], "once");
    let empty = Server::start(vec![("/v1/models", json_reply(json!({"data": []})))]).await;
    let (_, answer) = ask(&super::tests::provider("vllm", &empty, None), request(ANY_MODEL)).await;
    assert!(matches!(answer, Err(ProviderError::UnknownModel(_))), "{answer:?}");
}

#[tokio::test]
async fn lists() {
    let openai = json!({"data": [
        {"id": "gpt-4o", "created": 1}, {"id": "text-embedding-3-small", "created": 9}, {"id": "gpt-5.6", "created": 8},
        {"id": "gpt-4o-audio-preview", "created": 7}, {"id": "o3", "created": 5}, {"id": "whisper-1", "created": 2},
    ]});
    let server = Server::start(vec![("/v1/models", json_reply(openai))]).await;
    let models = provider("openai", &server, Some(KEY)).models().await.expect("a list");
    assert_eq!(models.iter().map(|facts| facts.model.as_str()).collect::<Vec<_>>(), ["gpt-5.6", "o3", "gpt-4o"]);
    let ollama = json!({"data": [{"id": "a:1b"}, {"id": "b:2b"}]});
    let ps = json!({"models": [{"name": "b:2b", "context_length": 4096}]});
    let server = Server::start(vec![("/v1/models", json_reply(ollama)), ("/api/ps", json_reply(ps))]).await;
    let models = provider("ollama", &server, None).models().await.expect("a list");
    assert_eq!(models.iter().map(|facts| facts.model.as_str()).collect::<Vec<_>>(), ["b:2b", "a:1b"]);
}

#[tokio::test]
async fn an_empty_message_is_not_sent() {
    let server = Server::start(vec![]).await;
    let empty = ModelRequest { history: Vec::new().into(), ..request("m") };
    let (_, answer) = ask(&provider("openai", &server, Some(KEY)), empty).await;
    assert!(matches!(answer, Err(ProviderError::BadRequest(_))), "{answer:?}");
    assert!(server.paths().is_empty());
}
