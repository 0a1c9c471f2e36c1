//! Sessions and everything that they own: the state machine (`state` and its parts: pure, events in, effects out), the
//! loop that owns it ([`owner`]), and the hands that carry effects out (`perform`).

mod agents;
mod asides;
mod background;
mod calls;
mod claims;
mod conversation;
mod delta;
mod describe;
pub mod effect;
pub mod event;
mod export;
mod facts;
mod folding;
mod following;
mod history;
mod housekeeping;
mod ledger;
mod locks;
mod looks;
mod monitor;
mod others;
pub mod owner;
mod perform;
mod questions;
mod replay;
mod reported;
mod reports;
mod requests;
mod runs;
mod schedule;
mod sessions;
pub mod settings;
mod start;
pub mod state;
mod stop;
mod storage;
#[cfg(test)]
mod tests;
mod turn;
mod waiting_for_input;
mod waits;
mod watching;
mod workflow;
