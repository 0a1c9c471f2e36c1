//! What a service may do beside answering: refuse a thought, not know a parameter, answer without a stream or with a web
//! page, list its models.

use expect_test::expect;
use serde_json::{Value, json};

use super::tests::{KEY, Reply, Server, ask_of, check, provider, refused, request, whole};
use super::*;
use crate::agent::history::{AssistantItem, AssistantPart, Item, ModelStop, UserItem};

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").expect("a body").1).expect("JSON")
}

/// The values of the header `anthropic-beta`.
fn betas(request: &str) -> Option<&str> {
    request.lines().find_map(|line| line.strip_prefix("anthropic-beta: "))
}

fn thinking_request() -> ModelRequest {
    let before = request();
    let thought = AssistantPart::Thinking { text: String::new(), signature: Some("signed".into()) };
    let said = AssistantPart::Text { text: "Hm.".into() };
    let answer = AssistantItem {
        parts: vec![thought, said],
        stop: ModelStop::EndTurn,
        provider: NAME.into(),
        model: "claude-sonnet-5-5".into(),
    };
    let history = vec![before.history[0].clone(), Arc::new(Item::Assistant(answer)), before.history[0].clone()];
    ModelRequest { model: "claude-sonnet-5-5".into(), history: history.into(), max_tokens: 500_000, ..before }
}

#[tokio::test]
async fn betas_thinking_and_the_longest_answer() {
    let server = Server::start(vec![whole(), whole()]).await;
    let options = Options { betas: vec!["one-2026".into(), "two".into()], thinking: "high".into() };
    let provider = provider(&server.url, &options);
    ask_of(&provider, thinking_request()).await.1.expect("an answer");
    let sent = &server.requests()[0];
    assert_eq!(betas(sent), Some("one-2026,two,thinking-binding-controls-2026-08-01"));
    let sent = body(sent);
    assert_eq!(sent["thinking"]["type"], "adaptive");
    assert_eq!(sent["output_config"], json!({"effort": "high"}));
    assert_eq!(sent["max_tokens"], 128_000, "never more than the model gives");
    assert_eq!(
        sent["messages"][1]["content"][0],
        json!({"type": "thinking", "thinking": "", "signature": "signed"}),
        "an empty thought goes back as it came"
    );
    // What is not known is not told, and not capped.
    ask_of(&provider, ModelRequest { model: "house-model".into(), ..thinking_request() }).await.1.expect("an answer");
    let sent = &server.requests()[1];
    assert_eq!(betas(sent), Some("one-2026,two"));
    assert_eq!((&body(sent)["thinking"], &body(sent)["max_tokens"]), (&Value::Null, &json!(500_000)));
}

#[tokio::test]
async fn a_refused_thought_is_left_out() {
    let why = "messages.1.content.0: Invalid `signature` in `thinking` block";
    let server = Server::start(vec![refused("400 Bad Request", "invalid_request_error", why), whole()]).await;
    let (events, answer) = ask_of(&provider(&server.url, &Options::default()), thinking_request()).await;
    answer.expect("an answer");
    assert_eq!(events, ["ContentStarted", "Text(\"Héllo 😀\")"], "nobody has to know");
    let sent: Vec<Value> = server.requests().iter().map(|request| body(request)).collect();
    assert_eq!(sent[0]["messages"][1]["content"][0]["type"], "thinking");
    assert_eq!(sent[1]["messages"][1]["content"], json!([{"type": "text", "text": "Hm."}]));
    assert_eq!(sent[0]["thinking"], sent[1]["thinking"]);
}

#[tokio::test]
async fn a_gateway_that_cannot_be_told_how_to_think_is_not_told_again() {
    let why = "thinking.display: Extra inputs are not permitted";
    let refusal = || refused("400 Bad Request", "invalid_request_error", why);
    let server = Server::start(vec![refusal(), whole(), whole(), refusal()]).await;
    let provider = provider(&server.url, &Options::default());
    for _ in 0..2 {
        ask_of(&provider, thinking_request()).await.1.expect("an answer");
    }
    let told: Vec<bool> = server.requests().iter().map(|request| body(request)["thinking"].is_object()).collect();
    assert_eq!(told, [true, false, false]);
    assert_eq!(betas(&server.requests()[1]), None);
    // The same refusal, where nothing is left to leave out, is an error.
    let error = ask_of(&provider, thinking_request()).await.1.expect_err("refused");
    assert!(matches!(error, ProviderError::BadRequest(_)), "{error:?}");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn an_answer_without_a_stream() {
    let answer = json!({"type": "message", "model": "claude-real", "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 2}});
    check(
        vec![Reply::Whole("application/json", answer.to_string())],
        expect![[r#"
            ContentStarted
            Text("Hi")
            answered: 1"#]],
    )
    .await;
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    check(
        vec![Reply::Whole("application/json", error.to_string()), whole()],
        expect![[r#"
            Retrying 2: Anthropic is overloaded
            ContentStarted
            Text("Héllo 😀")
            answered: 1"#]],
    )
    .await;
}

#[tokio::test]
async fn web_pages_and_other_things() {
    let page = "<!DOCTYPE html><html><head><title>Sign in to Corp WiFi</title></head></html>";
    check(vec![Reply::Whole("text/html; charset=utf-8", page.into())], expect!["Unreachable: {url} answers with a web page (“Sign in to Corp WiFi”) and not with Anthropic's Messages API: a login page, a proxy or a gateway stands in the way, or the address is wrong. Log in with a browser, or correct the address, which was set by the environment variable ANTHROPIC_BASE_URL (it is written without /v1)."]).await;
    check(vec![Reply::Whole("text/plain", page.into())], expect!["Unreachable: {url} answers with a web page (“Sign in to Corp WiFi”) and not with Anthropic's Messages API: a login page, a proxy or a gateway stands in the way, or the address is wrong. Log in with a browser, or correct the address, which was set by the environment variable ANTHROPIC_BASE_URL (it is written without /v1)."]).await;
    check(vec![Reply::Refuse("403 Forbidden", "", page.into())], expect!["Unreachable: {url} answers with a web page (“Sign in to Corp WiFi”) and not with Anthropic's Messages API: a login page, a proxy or a gateway stands in the way, or the address is wrong. Log in with a browser, or correct the address, which was set by the environment variable ANTHROPIC_BASE_URL (it is written without /v1)."]).await;
    let nonsense = || Reply::Whole("text/plain", "It works!\n".into());
    check(vec![nonsense(), nonsense()], expect![[r#"
        Retrying 2: the answer could not be read
        Service: {url} sent what is not an answer of Anthropic's Messages API: no stream of events, but "It works!\n". If this stays so, check the address, which was set by the environment variable ANTHROPIC_BASE_URL."#]]).await;
    let json = || Reply::Whole("application/json", "{\"hello\":".into());
    check(vec![json(), json()], expect![[r#"
        Retrying 2: the answer could not be read
        Service: {url} sent what is not an answer of Anthropic's Messages API: the event "the whole answer" cannot be read: EOF while parsing a value at line 1 column 9. If this stays so, check the address, which was set by the environment variable ANTHROPIC_BASE_URL."#]]).await;
}

#[tokio::test]
async fn the_list_of_models() {
    let page = |ids: &[&str], more: bool| {
        let data: Vec<Value> = ids
            .iter()
            .map(|id| json!({"type": "model", "id": id, "max_input_tokens": 300_000, "max_tokens": 9_000}))
            .collect();
        Reply::Whole("application/json", json!({"data": data, "has_more": more, "last_id": ids.last()}).to_string())
    };
    let server = Server::start(vec![page(&["claude-new", "a b&c"], true), page(&["claude-old"], false), whole()]).await;
    let provider = provider(&server.url, &Options::default());
    assert_eq!(provider.describe("claude-new").await.window, Some(200_000), "nobody is asked unasked");
    let models = provider.models().await.expect("a list");
    let names: Vec<&str> = models.iter().map(|facts| facts.model.as_str()).collect();
    assert_eq!(names, ["claude-new", "a b&c", "claude-old"]);
    let lines: Vec<String> =
        server.requests().iter().map(|request| request.lines().next().unwrap_or_default().to_owned()).collect();
    assert_eq!(lines, ["GET /v1/models?limit=1000 HTTP/1.1", "GET /v1/models?limit=1000&after_id=a%20b%26c HTTP/1.1"]);
    assert!(server.requests()[0].contains(&format!("x-api-key: {KEY}")));
    // What the list said holds from then on.
    assert_eq!(provider.describe("claude-new").await.window, Some(300_000));
    assert_eq!(provider.context_window("claude-old"), Some(300_000));
    ask_of(&provider, ModelRequest { model: "claude-new".into(), max_tokens: 32_000, ..request() })
        .await
        .1
        .expect("ok");
    assert_eq!(body(&server.requests()[2])["max_tokens"], 9_000);
}

#[tokio::test]
async fn lists_that_cannot_be_had() {
    let busy = || {
        Reply::Refuse("529 Overloaded", "", json!({"error": {"type": "overloaded_error", "message": "!"}}).to_string())
    };
    let list = async |replies: Vec<Reply>| {
        let server = Server::start(replies).await;
        let error = provider(&server.url, &Options::default()).models().await.expect_err("no list");
        error.to_string().replace(server.url.trim_start_matches("http://"), "{url}")
    };
    let not_found = || Reply::Refuse("404 Not Found", "", json!({"detail": "Not Found"}).to_string());
    expect!["{url} has no list of models. Name one in `model.name`."].assert_eq(&list(vec![not_found()]).await);
    expect!["{url} answers with a web page (“Hello”) and not with Anthropic's Messages API: a login page, a proxy or a gateway stands in the way, or the address is wrong. Log in with a browser, or correct the address, which was set by the environment variable ANTHROPIC_BASE_URL (it is written without /v1)."].assert_eq(&list(vec![Reply::Whole("text/html", "<html><title>Hello</title>".into())]).await);
    let data = || Reply::Whole("application/json", "{\"data\": 3}".into());
    expect!["{url} sent what is not an answer of Anthropic's Messages API: the list of models: invalid type: integer `3`, expected a sequence at line 1 column 10. If this stays so, check the address, which was set by the environment variable ANTHROPIC_BASE_URL."].assert_eq(&list(vec![data(), data()]).await);
    expect!["Anthropic is overloaded: !. Wait a little and send again; its state is at https://status.claude.com."]
        .assert_eq(&list(vec![busy(), busy(), busy(), busy()]).await);
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_not_sent() {
    let answer = AssistantItem {
        parts: vec![AssistantPart::Text { text: "x".into() }],
        stop: ModelStop::EndTurn,
        provider: NAME.into(),
        model: "m".into(),
    };
    let history = vec![Arc::new(Item::User(UserItem::default())), Arc::new(Item::Assistant(answer))];
    let provider = provider("http://127.0.0.1:1", &Options::default());
    let error = ask_of(&provider, ModelRequest { history: history.into(), ..request() })
        .await
        .1
        .expect_err("nothing to answer");
    assert!(matches!(error, ProviderError::BadRequest(_)), "{error:?}");
}
