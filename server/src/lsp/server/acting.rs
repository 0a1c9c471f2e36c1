//! What is done at a problem, for clients that have no panel: the actions that are offered, `pillion.fix`, and
//! `pillion.task.show`.

use std::path::PathBuf;

use serde_json::{Value, json};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{CodeActionKind, CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams};

use super::Server;
use crate::ids::SessionId;
use crate::lsp::{convert, params, problems, uri};
use crate::session::event::Request;
use crate::task::slice;

impl Server {
    /// `textDocument/codeAction`.
    pub(super) fn actions_at(&self, asked: CodeActionParams) -> Option<CodeActionResponse> {
        let CodeActionParams { text_document, range, context, .. } = asked;
        let ours = CodeActionKind::QUICKFIX;
        // An empty kind is every kind.
        let wanted = |kind: &CodeActionKind| kind.as_str().is_empty() || *kind == ours;
        if context.only.as_ref().is_some_and(|only| !only.iter().any(wanted)) {
            return None;
        }
        let uri = text_document.uri.as_str();
        let path = uri::to_path(uri)?;
        let others: Vec<Value> = context.diagnostics.iter().filter_map(|it| serde_json::to_value(it).ok()).collect();
        let actions = self.published.actions(uri, &path, range, &others);
        serde_json::from_value(Value::Array(actions)).ok()
    }

    /// `textDocument/codeLens`. Of an open document by its text, of another by the file's.
    pub(super) fn lenses_of(&self, asked: CodeLensParams) -> Option<Vec<CodeLens>> {
        let uri = asked.text_document.uri.as_str();
        let path = uri::to_path(uri)?;
        let text = match self.documents.now().get(&path) {
            Some(document) => document.text.to_string(),
            None => std::fs::read_to_string(&path).ok()?,
        };
        serde_json::from_value(Value::Array(self.published.lenses(uri, &path, &text))).ok()
    }

    /// `pillion.fix`: asks for a problem to be fixed, the worst that is shown where none is named.
    pub(super) async fn fix(&self, arguments: Vec<Value>) -> Result<Value> {
        let mut arguments = arguments.into_iter();
        let (uri, diagnostic) = match (arguments.next(), arguments.next()) {
            (Some(Value::String(uri)), Some(diagnostic)) => (uri, diagnostic),
            _ => {
                let (path, shown) = self.published.first().ok_or_else(params::no_problem)?;
                (uri::from_path(&path), convert::diagnostic(&shown))
            }
        };
        let path = uri::to_path(&uri).ok_or_else(params::no_problem)?;
        let mut chat = self.chat.lock().await;
        let prompt = |session: &SessionId| {
            let prompt = problems::fix_prompt(self.root(), &path, &uri, &diagnostic);
            self.ask(params::prompt(json!({"sessionId": session, "prompt": prompt})))
        };
        if let Some(session) = &*chat
            && let Ok(told) = prompt(session).await
        {
            return Ok(with_session(told, session));
        }
        // The first, or the one before was deleted.
        let made = self.ask(params::new_session(json!({}), self.root())).await?;
        let session = SessionId(made["sessionId"].as_str().unwrap_or_default().to_owned());
        let told = prompt(&session).await?;
        *chat = Some(session.clone());
        Ok(with_session(told, &session))
    }

    /// `pillion.task.show`: opens a task's output where the first of some texts stands.
    pub(super) async fn show_output(&self, arguments: Vec<Value>) -> Result<Value> {
        let mut arguments = arguments.into_iter();
        let task = arguments.next().and_then(|it| it.as_str().map(str::to_owned));
        let (run, texts) = (arguments.next(), arguments.next());
        if self.shows_documents.get() != Some(&true) {
            return self.command_output(task.as_deref()).await;
        }
        let found = self
            .ask(params::task(json!({"taskId": task.unwrap_or_default()}), |task| Request::GetTask { task }))
            .await?;
        let newest = found["task"]["output"]["path"].as_str().map(PathBuf::from).unwrap_or_default();
        let of_run = run.and_then(|run| run.as_u64()).and_then(|run| {
            Some(newest.ancestors().nth(2)?.join(run.to_string()).join("output")).filter(|file| file.is_file())
        });
        let file = of_run.unwrap_or(newest);
        let texts: Vec<String> = texts.and_then(|it| serde_json::from_value(it).ok()).unwrap_or_default();
        let at = file.clone();
        let line = tokio::task::spawn_blocking(move || slice::line_of(&at, &texts)).await.unwrap_or(0);
        let place = json!({"line": line, "character": 0});
        let shown = json!({
            "uri": uri::from_path(&file), "takeFocus": true, "selection": {"start": place, "end": place},
        });
        self.outbox.request("window/showDocument", shown).await;
        Ok(json!({}))
    }
}

/// What a prompt came to, and in which conversation.
fn with_session(mut told: Value, session: &SessionId) -> Value {
    told["sessionId"] = json!(session);
    told
}
