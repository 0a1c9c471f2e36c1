//! The tools' editor, over LSP: `workspace/applyEdit`, `pillion/document/save` and `pillion/diagnostics/get`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::documents::OpenDocuments;
use super::editor_diagnostics;
use super::outbox::Outbox;
use super::text;
use super::uri;
use crate::protocol::{DiagnosticsParams, DiagnosticsResult, SaveParams, SaveResult, method};
use crate::workspace::documents::Documents;
use crate::workspace::editor::{DocumentEdit, Editor, EditorDiagnostics};

/// How long the editor may take to tell its diagnostics.
const DIAGNOSTICS_WITHIN: Duration = Duration::from_secs(2);

/// The client as an editor.
pub struct LspEditor {
    pub documents: Arc<OpenDocuments>,
    pub outbox: Outbox,
    /// The client serves `pillion/document/save`.
    pub saves: bool,
    /// The client serves `pillion/diagnostics/get`.
    pub diagnoses: bool,
}

impl Editor for LspEditor {
    fn documents(&self) -> Documents {
        self.documents.now()
    }

    fn apply(&self, edit: DocumentEdit) -> BoxFuture<'_, Result<(), String>> {
        async move {
            let (range, new_text) = text::smallest_edit(&edit.old_text, &edit.new_text);
            let params = json!({
                "label": edit.label,
                "edit": {"documentChanges": [{
                    "textDocument": {"uri": edit.uri, "version": edit.version},
                    "edits": [{"range": range, "newText": new_text}],
                }]},
            });
            let answer = self.outbox.request("workspace/applyEdit", params).await.answer().await;
            match answer {
                Ok(result) if result["applied"] == Value::Bool(true) => Ok(()),
                Ok(result) => Err(result["failureReason"].as_str().unwrap_or("the editor refused the edit").to_owned()),
                Err(error) => Err(error["message"].as_str().unwrap_or("the editor does not answer").to_owned()),
            }
        }
        .boxed()
    }

    fn save(&self, path: &Path) -> BoxFuture<'_, Result<(), String>> {
        let uri = self.documents.now().get(path).map_or_else(|| uri::from_path(path), |open| open.uri.clone());
        async move {
            let params = SaveParams { uris: vec![uri.clone()] };
            let answer = self.outbox.request(method::DOCUMENT_SAVE, params).await.answer().await;
            let result = match answer {
                Ok(result) => serde_json::from_value::<SaveResult>(result).unwrap_or_default(),
                Err(error) => return Err(error["message"].as_str().unwrap_or("the editor does not answer").to_owned()),
            };
            if let Some(failed) = result.failed.first() {
                let why =
                    failed.as_str().or_else(|| failed["reason"].as_str()).unwrap_or("the editor could not save it");
                return Err(why.to_owned());
            }
            self.documents.check_saved(&uri);
            Ok(())
        }
        .boxed()
    }

    fn diagnostics(&self, of: Option<PathBuf>) -> BoxFuture<'_, EditorDiagnostics> {
        async move {
            if !self.diagnoses {
                return EditorDiagnostics::NotOffered;
            }
            // A folder is asked for with everything, and picked out here.
            let file = of.as_deref().filter(|of| !of.is_dir());
            let spelled = |path: &Path| self.documents.now().get(path).map(|open| open.uri.clone());
            let uri = file.map(|file| spelled(file).unwrap_or_else(|| uri::from_path(file)));
            let asked = self.outbox.request(method::DIAGNOSTICS_GET, DiagnosticsParams { uri }).await;
            let id = asked.id.clone();
            match tokio::time::timeout(DIAGNOSTICS_WITHIN, asked.answer()).await {
                Ok(Ok(answer)) => match serde_json::from_value::<DiagnosticsResult>(answer) {
                    Ok(answer) => editor_diagnostics::read(answer, of.as_deref()),
                    Err(error) => EditorDiagnostics::Failed(format!("its answer cannot be read: {error}")),
                },
                Ok(Err(error)) => {
                    EditorDiagnostics::Failed(error["message"].as_str().unwrap_or("it does not answer").to_owned())
                }
                Err(_) => {
                    self.outbox.cancel(&id).await;
                    EditorDiagnostics::Failed(format!("it did not answer within {DIAGNOSTICS_WITHIN:?}"))
                }
            }
        }
        .boxed()
    }

    fn can_save(&self) -> bool {
        self.saves
    }

    fn changed_on_disk(&self, paths: &[PathBuf]) {
        // Editors watch their files; the Neovim client looks when it hears of the tool call.
        tracing::debug!(?paths, "files were written on disk");
    }
}
