//! The client's own diagnostics, as the server asks for them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Serialize)]
pub struct DiagnosticsParams {
    /// A file; all when it is null.
    pub uri: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DiagnosticsResult {
    pub diagnostics: Vec<FileDiagnostics>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FileDiagnostics {
    pub uri: String,
    /// LSP's `Diagnostic`s. One that cannot be read is left out, and counted.
    pub diagnostics: Vec<Value>,
}
