//! Sessions and everything that they own: the state machine (`state` and its parts: pure, events in, effects out), the
//! loop that owns it ([`owner`]), and the hands that carry effects out (`perform`).

mod calls;
mod delta;
mod describe;
pub mod effect;
pub mod event;
mod export;
mod facts;
mod folding;
mod history;
mod housekeeping;
mod inquiry;
mod ledger;
mod others;
pub mod owner;
mod perform;
mod questions;
mod replay;
mod reports;
mod requests;
mod runs;
mod schedule;
pub mod settings;
mod start;
pub mod state;
mod stop;
mod storage;
#[cfg(test)]
mod tests;
mod turn;
mod waiting;
