//! The wire types of `pillion/*`, version 1: the only types that know the names on the wire. PROTOCOL.md describes them
//! with an example each; `editors/nvim/lua/pillion/protocol.lua` mirrors the names.
//!
//! Lines and columns are 1-based, columns in UTF-16 units, paths absolute. Listed fields are always there, `null` when
//! they have no value. Unknown fields of a client are ignored.

mod change;
mod content;
mod diagnostics;
mod model;
mod project;
mod question;
mod session;
mod task;
mod update;

use serde::{Deserialize, Serialize};

pub use self::change::*;
pub use self::content::*;
pub use self::diagnostics::*;
pub use self::model::*;
pub use self::project::*;
pub use self::question::*;
pub use self::session::*;
pub use self::task::*;
pub use self::update::*;

/// The version of this contract.
pub const VERSION: u32 = 1;

/// Names of the methods and notifications.
pub mod method {
    pub const SESSION_NEW: &str = "pillion/session/new";
    pub const SESSION_LIST: &str = "pillion/session/list";
    pub const SESSION_LOAD: &str = "pillion/session/load";
    pub const SESSION_PROMPT: &str = "pillion/session/prompt";
    pub const SESSION_QUEUE: &str = "pillion/session/queue";
    pub const SESSION_CANCEL: &str = "pillion/session/cancel";
    pub const SESSION_SET_MODE: &str = "pillion/session/set_mode";
    pub const SESSION_SET_MODEL: &str = "pillion/session/set_model";
    pub const SESSION_RENAME: &str = "pillion/session/rename";
    pub const SESSION_DELETE: &str = "pillion/session/delete";
    pub const SESSION_COMPACT: &str = "pillion/session/compact";
    pub const SESSION_CONTEXT: &str = "pillion/session/context";
    pub const SESSION_EXPORT: &str = "pillion/session/export";
    pub const COMMAND_LIST: &str = "pillion/command/list";
    pub const SESSION_UPDATE: &str = "pillion/session/update";
    pub const SESSION_REQUEST_PERMISSION: &str = "pillion/session/request_permission";
    pub const DOCUMENT_SAVE: &str = "pillion/document/save";
    pub const MODEL_LIST: &str = "pillion/model/list";
    pub const MODEL_OFFER: &str = "pillion/model/offer";
    pub const MODEL_COMPLETE: &str = "pillion/model/complete";
    pub const MODEL_CHUNK: &str = "pillion/model/chunk";
    pub const SECRET_SET: &str = "pillion/secret/set";
    pub const DIAGNOSTICS_GET: &str = "pillion/diagnostics/get";
    pub const CHANGE_LIST: &str = "pillion/change/list";
    pub const CHANGE_ACCEPT: &str = "pillion/change/accept";
    pub const CHANGE_REVERT: &str = "pillion/change/revert";
    pub const PERMISSION_LIST: &str = "pillion/permission/list";
    pub const PERMISSION_REMOVE: &str = "pillion/permission/remove";
    pub const PROJECT_COMMANDS: &str = "pillion/project/commands";
    pub const TASK_START: &str = "pillion/task/start";
    pub const TASK_REPORT: &str = "pillion/task/report";
    pub const TASK_LIST: &str = "pillion/task/list";
    pub const TASK_GET: &str = "pillion/task/get";
    pub const TASK_OUTPUT: &str = "pillion/task/output";
    pub const TASK_FOLLOW: &str = "pillion/task/follow";
    pub const TASK_STOP: &str = "pillion/task/stop";
    pub const TASK_PROMOTE: &str = "pillion/task/promote";
    pub const TASK_INPUT: &str = "pillion/task/input";
    pub const TASK_RERUN: &str = "pillion/task/rerun";
    pub const TASK_DISMISS: &str = "pillion/task/dismiss";
    pub const TASK_WITHHOLD: &str = "pillion/task/withhold";
    pub const TASK_SET_PRIORITY: &str = "pillion/task/set_priority";
    pub const TEST_RESULTS: &str = "pillion/test/results";
    pub const TASK_STATUS: &str = "pillion/task/status";
    pub const TASK_SNAPSHOT: &str = "pillion/task/snapshot";
}

/// Error codes beside JSON-RPC's own.
pub mod code {
    pub const UNKNOWN_SESSION: i64 = -32010;
    pub const UNKNOWN_TASK: i64 = -32011;
    /// The state forbids it.
    pub const STATE: i64 = -32012;
}

/// `error.data`.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorData {
    /// A word for programs.
    pub kind: String,
    pub field: Option<String>,
    /// What to do, in a sentence.
    pub remedy: Option<String>,
}

/// What a client says of itself in `capabilities.experimental.pillion`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientCapability {
    pub version: u32,
    pub session_updates: bool,
    pub request_permission: bool,
    pub document_save: bool,
    /// It lends models: it serves `pillion/model/complete`.
    pub models: bool,
    pub diagnostics: bool,
    /// It offers the actions at problems itself.
    pub code_actions: bool,
    pub client_token: Option<String>,
}

/// What the server answers there.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerCapability {
    pub version: u32,
    pub instance_id: String,
}
