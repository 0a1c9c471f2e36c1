//! Tests of the pure state machine. A [`story::Story`] feeds events and writes down what they cause, as text that stands
//! beside the expectation; a [`world::World`] stands for store, model, tools and processes, and is as strict as they are.
//! No clock, no process, no socket.

mod agent_ends;
mod agents;
mod calls;
mod changes;
mod chaos;
mod compaction;
mod crash;
mod delta;
mod folding;
mod ledger;
mod locks;
mod mentions;
mod models;
mod monitors;
mod moving;
mod notifications;
mod order;
mod questions;
mod races;
mod replays;
mod results;
mod slash;
mod slots;
mod small;
mod spending;
pub(super) mod story;
mod tools;
mod turns;
mod waiting_for_input;
mod waits;
mod waking;
mod watching;
mod words;
mod workflows;
mod world;
