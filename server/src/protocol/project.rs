//! The project's own commands, and the commands of `workspace/executeCommand` that run them.

use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProjectCommandsParams {
    /// The active file.
    pub uri: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct ProjectCommandsResult {
    pub commands: Vec<ProjectCommandInfo>,
}

#[derive(Debug, Serialize)]
pub struct ProjectCommandInfo {
    pub label: String,
    pub command: String,
    pub cwd: String,
    pub group: &'static str,
    pub source: String,
}

/// Arguments of `pillion.test`, `pillion.build`, `pillion.lint`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProjectRunArguments {
    /// `file`, `package` or `workspace`.
    pub scope: Option<String>,
    pub uri: Option<String>,
}
