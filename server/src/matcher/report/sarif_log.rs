//! What is read of a SARIF document. Everything may be left out of one.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Log {
    pub(super) runs: Vec<Run>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Run {
    pub(super) tool: Tool,
    /// Each read on its own: what one tool does differently in one result is no reason to lose the others.
    pub(super) results: Option<Vec<Box<RawValue>>>,
    pub(super) artifacts: Vec<Artifact>,
    pub(super) invocations: Vec<Invocation>,
    pub(super) original_uri_base_ids: BTreeMap<String, ArtifactLocation>,
    pub(super) column_kind: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Tool {
    pub(super) driver: Component,
    pub(super) extensions: Vec<Component>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Component {
    pub(super) name: String,
    pub(super) rules: Vec<Rule>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) default_configuration: Configuration,
    pub(super) message_strings: BTreeMap<String, Message>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Configuration {
    pub(super) level: Option<String>,
}

/// A result, or a notification: a tool's word about its own run.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Outcome {
    pub(super) rule_id: String,
    /// -1 is none, here and elsewhere.
    pub(super) rule_index: Option<i64>,
    #[serde(alias = "descriptor")]
    pub(super) rule: Reference,
    pub(super) kind: String,
    pub(super) level: Option<String>,
    pub(super) message: Message,
    pub(super) locations: Vec<Location>,
    pub(super) related_locations: Vec<Location>,
    pub(super) suppressions: Vec<Suppression>,
    pub(super) baseline_state: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Reference {
    pub(super) id: String,
    pub(super) index: Option<i64>,
    pub(super) tool_component: ComponentReference,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ComponentReference {
    pub(super) index: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) text: String,
    pub(super) markdown: String,
    pub(super) id: String,
    pub(super) arguments: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Suppression {
    pub(super) status: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Location {
    pub(super) physical_location: PhysicalLocation,
    pub(super) message: Message,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PhysicalLocation {
    pub(super) artifact_location: ArtifactLocation,
    pub(super) region: Region,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Artifact {
    pub(super) location: ArtifactLocation,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ArtifactLocation {
    pub(super) uri: String,
    pub(super) uri_base_id: String,
    pub(super) index: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Region {
    pub(super) start_line: u32,
    pub(super) start_column: u32,
    pub(super) end_line: u32,
    pub(super) end_column: u32,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Invocation {
    pub(super) tool_execution_notifications: Vec<Outcome>,
    pub(super) tool_configuration_notifications: Vec<Outcome>,
}
