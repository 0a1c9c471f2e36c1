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
    /// Why it is asked, where the call itself does not say it.
    pub reason: Option<String>,
    pub options: Vec<PermissionOption>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionOption {
    /// Names the option: `allow_once`, `allow_always`, `reject_once`, and `allow_always_2` and so on for more of a kind.
    pub option_id: String,
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
    pub rules: Vec<RuleRow>,
}

/// One rule, and who made it.
#[derive(Debug, Serialize)]
pub struct RuleRow {
    pub rule: String,
    /// `allow`, `ask`, `deny`.
    pub decision: &'static str,
    /// `saved` for one that "always" saved, else the file and the line.
    pub source: String,
    /// The project's script that it is bound to: another text is asked about again.
    pub script: Option<String>,
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
