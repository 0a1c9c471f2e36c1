//! The stories of other files once more, with a model server that speaks Chat Completions: [`pillion_tests::Api`] goes by
//! this binary's name.

#[path = "agents.rs"]
mod agents;
#[path = "changes.rs"]
mod changes;
#[path = "context.rs"]
mod context;
#[path = "edits.rs"]
mod edits;
#[path = "errors.rs"]
mod errors;
#[path = "following.rs"]
mod following;
#[path = "lent_models.rs"]
mod lent_models;
#[path = "long.rs"]
mod long;
#[path = "models.rs"]
mod models;
#[path = "monitors.rs"]
mod monitors;
#[path = "moving.rs"]
mod moving;
#[path = "notifications.rs"]
mod notifications;
#[path = "permissions.rs"]
mod permissions;
#[path = "sessions.rs"]
mod sessions;
#[path = "steering.rs"]
mod steering;
#[path = "tools.rs"]
mod tools;
#[path = "transport.rs"]
mod transport;
#[path = "turns.rs"]
mod turns;
#[path = "waiting.rs"]
mod waiting;

#[test]
fn this_binary_speaks_chat_completions() {
    use pillion_tests::{Api, Model};
    assert_eq!(Model::start().api(), Api::ChatCompletions);
}
