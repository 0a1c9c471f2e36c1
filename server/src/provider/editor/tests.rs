//! An editor in memory: what it is asked, and what becomes of what it says.

use std::sync::Mutex;

use expect_test::expect;
use serde_json::json;

use super::*;
use crate::agent::history::{Content, Prompt, ToolResult, UserItem};
use crate::provider::ToolSpec;
use crate::workspace::editor::lent::{End, Model, Request};

/// Says its pieces, then its end; or nothing at all.
struct Script {
    asked: Mutex<Option<Request>>,
    pieces: Vec<Piece>,
    end: Option<Result<End, Failure>>,
}

impl Lender for Script {
    fn lends(&self) -> bool {
        true
    }

    fn offered(&self) -> Vec<Model> {
        let model =
            |id: &str, window, tools| Model { id: id.into(), name: id.to_uppercase(), window, max_output: None, tools };
        vec![model("gpt", Some(128_000), Some(true)), model("plain", None, Some(false))]
    }

    fn complete(
        &self,
        request: Request,
        pieces: mpsc::UnboundedSender<Piece>,
    ) -> BoxFuture<'static, Result<End, Failure>> {
        *self.asked.lock().expect("not poisoned") = Some(request);
        for piece in self.pieces.clone() {
            pieces.send(piece).expect("somebody listens");
        }
        let end = self.end.clone();
        async move {
            // It keeps its end of the channel open for as long as it answers.
            let _pieces = pieces;
            match end {
                Some(end) => end,
                None => std::future::pending().await,
            }
        }
        .boxed()
    }
}

fn user(text: &str, results: Vec<ToolResult>) -> Arc<Item> {
    let prompt = Prompt { id: "p".into(), content: vec![Content::Text { text: text.into() }] };
    Arc::new(Item::User(UserItem { results, prompts: vec![prompt], ..UserItem::default() }))
}

fn request() -> ModelRequest {
    let answer = AssistantItem {
        parts: vec![
            AssistantPart::Thinking { text: "hm".into(), signature: Some("s".into()) },
            AssistantPart::ToolCall { id: "c1".into(), name: "bash".into(), input: json!({"a": 1}), invalid: None },
        ],
        stop: ModelStop::ToolUse,
        provider: "anthropic".into(),
        model: "claude".into(),
    };
    let result = ToolResult { call: "c1".into(), text: "done".into(), is_error: true };
    ModelRequest {
        model: "gpt".into(),
        system: "be brief".into(),
        tools: Arc::new([ToolSpec {
            name: "bash".into(),
            description: "runs".into(),
            input_schema: json!({"type": "object"}),
        }]),
        history: vec![user("hello", Vec::new()), Arc::new(Item::Assistant(answer)), user("and?", vec![result])].into(),
        max_tokens: 9,
    }
}

async fn ask(
    pieces: Vec<Piece>,
    end: Option<Result<End, Failure>>,
) -> (Result<Answer, ProviderError>, Vec<StreamEvent>) {
    let script = Arc::new(Script { asked: Mutex::default(), pieces, end });
    let (send, mut events) = mpsc::channel(64);
    let answer = EditorModels::with(script, Duration::from_millis(20)).stream(request(), send).await;
    let mut told = Vec::new();
    while let Some(event) = events.recv().await {
        told.push(event);
    }
    (answer, told)
}

fn call(id: &str, input: Value) -> Piece {
    Piece::ToolCall { call: id.into(), name: "bash".into(), input }
}

fn text(text: &str) -> Piece {
    Piece::Text(text.into())
}

#[tokio::test]
async fn what_the_editor_is_asked() {
    let script = Arc::new(Script { asked: Mutex::default(), pieces: Vec::new(), end: Some(Ok(End::default())) });
    let (send, _events) = mpsc::channel(64);
    EditorModels::new(script.clone()).stream(request(), send).await.expect("an answer");
    let asked = script.asked.lock().expect("not poisoned").take().expect("asked");
    let says = |role, content| lent::Message { role, content };
    let part = |text: &str| lent::Part::Text(text.into());
    let called = lent::Part::ToolCall { call: "c1".into(), name: "bash".into(), input: json!({"a": 1}) };
    let result = lent::Part::ToolResult { call: "c1".into(), text: "done".into(), is_error: true };
    assert_eq!(
        asked.messages,
        [
            says(lent::Role::User, vec![part("hello")]),
            // Another provider's thinking stays with it.
            says(lent::Role::Assistant, vec![called]),
            says(lent::Role::User, vec![result, part("and?")]),
        ]
    );
    assert_eq!((asked.model.as_deref(), asked.system.as_str(), asked.max_tokens), (Some("gpt"), "be brief", 9));
    assert_eq!(asked.tools[0].name, "bash");
    let any = ModelRequest { model: ANY_MODEL.into(), ..request() };
    assert_eq!(super::asked(&any).model, None, "the editor chooses");
}

#[tokio::test]
async fn an_answer_is_put_together() {
    let end = End { stop: None, usage: Some((5, 6, 7)), model: Some("gpt-exact".into()) };
    let pieces = vec![
        Piece::Thinking("a".into()),
        text("one "),
        text(""),
        text("two"),
        call("c1", json!({"x": 1})),
        call("c2", json!([1])),
        call("c2", json!({})),
    ];
    let (answer, events) = ask(pieces, Some(Ok(end))).await;
    let answer = answer.expect("an answer");
    assert_eq!(
        events[..4],
        [
            StreamEvent::ContentStarted,
            StreamEvent::Thinking("a".into()),
            StreamEvent::Text("one ".into()),
            StreamEvent::Text("two".into()),
        ]
    );
    let AssistantItem { parts, stop, provider, model } = answer.item;
    assert_eq!((stop, provider.as_str(), model.as_str()), (ModelStop::ToolUse, "editor", "gpt-exact"));
    assert_eq!(answer.usage, Usage { input: 5, output: 6, cache_read: 7, ..Usage::default() });
    assert_eq!(parts[1], AssistantPart::Text { text: "one two".into() });
    let calls: Vec<_> = parts
        .iter()
        .filter_map(|part| match part {
            AssistantPart::ToolCall { id, input, invalid, .. } => {
                Some((id.to_string(), input.clone(), invalid.clone()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(calls.len(), 3);
    assert_ne!(calls[0].0, "c1", "the conversation has a call of that id");
    assert_eq!((calls[1].0.as_str(), &calls[1].1), ("c2", &json!({})));
    assert_eq!(calls[1].2.as_deref(), Some("the input is no JSON object: [1]"));
    assert_ne!(calls[2].0, "c2");
}

#[tokio::test]
async fn the_end_is_what_the_answer_says_where_the_editor_does_not() {
    let stop = async |pieces, stop| {
        let (answer, _) = ask(pieces, Some(Ok(End { stop, ..End::default() }))).await;
        answer.expect("an answer").item.stop
    };
    assert_eq!(stop(vec![text("x")], None).await, ModelStop::EndTurn);
    assert_eq!(stop(vec![text("x")], Some(Stop::ToolUse)).await, ModelStop::EndTurn);
    assert_eq!(stop(vec![call("n", json!({}))], Some(Stop::EndTurn)).await, ModelStop::ToolUse);
    assert_eq!(stop(vec![text("x")], Some(Stop::MaxTokens)).await, ModelStop::MaxTokens);
    assert_eq!(stop(vec![], Some(Stop::Refusal)).await, ModelStop::Refusal);
}

#[tokio::test]
async fn what_goes_wrong_names_the_remedy() {
    let failed = async |pieces, end| ask(pieces, end).await.0.expect_err("no answer");
    let no = |kind| Some(Err(Failure { kind, message: "because".into() }));
    assert!(matches!(failed(vec![], no(Kind::NoPermissions)).await, ProviderError::Auth(_)));
    assert!(matches!(failed(vec![], no(Kind::RateLimited)).await, ProviderError::RateLimited(_)));
    assert!(matches!(failed(vec![], no(Kind::ContextTooLong)).await, ProviderError::ContextTooLong(_)));
    expect![[
        r#"The editor does not have the model "gpt" (because). It lends gpt, plain: choose one with `/model editor:NAME`."#
    ]]
    .assert_eq(&failed(vec![], no(Kind::NotFound)).await.to_string());
    expect![
        "The editor sent a piece of the answer that cannot be read: part: no. Send your message again; if it happens each time, update the editor's plugin or choose another model."
    ]
    .assert_eq(&failed(vec![text("x"), Piece::Unreadable("part: no".into())], Some(Ok(End::default()))).await.to_string());
    let silent = failed(vec![text("x")], None).await;
    assert!(
        matches!(&silent, ProviderError::Unreachable(text) if text.starts_with("The editor has said nothing for")),
        "{silent}"
    );
    let much = failed(vec![text(&"x".repeat(ANSWER_CAP)), text("y")], Some(Ok(End::default()))).await;
    assert!(matches!(&much, ProviderError::Service(text) if text.contains("16 MiB")), "{much}");
}

#[tokio::test]
async fn what_is_known_of_a_model_is_what_the_editor_says() {
    let provider = EditorModels::new(Arc::new(Script { asked: Mutex::default(), pieces: Vec::new(), end: None }));
    assert_eq!(provider.describe("gpt").await.window, Some(128_000));
    let any = provider.describe(ANY_MODEL).await;
    assert_eq!((any.model.as_str(), any.window), (ANY_MODEL, Some(128_000)), "its favourite");
    assert_eq!(provider.describe("other").await, ModelFacts::named(NAME, "other"));
    let models = provider.models().await.expect("a list");
    expect!["PLAIN cannot call tools, so it can neither read files nor run commands. Choose another model."]
        .assert_eq(models[1].warning.as_deref().unwrap_or_default());
}
