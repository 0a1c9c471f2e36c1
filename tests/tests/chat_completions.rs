//! The stories of other files once more, with a model server that speaks Chat Completions: [`pillion_tests::Api`] goes by
//! this binary's name.

#[path = "context.rs"]
mod context;
#[path = "errors.rs"]
mod errors;
#[path = "long.rs"]
mod long;
#[path = "notifications.rs"]
mod notifications;
#[path = "permissions.rs"]
mod permissions;
#[path = "turns.rs"]
mod turns;

#[test]
fn this_binary_speaks_chat_completions() {
    use pillion_tests::{Api, Model};
    assert_eq!(Model::start().api(), Api::ChatCompletions);
}
