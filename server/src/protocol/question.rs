//! What the server asks the client: a permission, a save; and the rules that "always" saved.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ToolCall;

/// `pillion/session/request_permission`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionParams {
    pub session_id: String,
    pub question_id: String,
    pub parent_tool_call_id: Option<String>,
    pub tool_call: ToolCall,
    pub options: Vec<PermissionOption>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionOption {
    pub option_id: &'static str,
    pub name: String,
    /// `allow_once`, `allow_always`, `reject_once`, `reject_always`.
    pub kind: &'static str,
}

#[derive(Debug, Deserialize)]
pub struct PermissionResult {
    pub outcome: PermissionOutcome,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum PermissionOutcome {
    Selected {
        option_id: String,
        #[serde(default)]
        reason: Option<String>,
    },
    Cancelled,
}

#[derive(Debug, Serialize)]
pub struct RulesResult {
    pub rules: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct RemoveRuleParams {
    pub rule: String,
}

/// `pillion/document/save`.
#[derive(Clone, Debug, Serialize)]
pub struct SaveParams {
    pub uris: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SaveResult {
    pub saved: Vec<String>,
    /// URIs, or objects with a reason: whatever is in it was not saved.
    pub failed: Vec<Value>,
}
