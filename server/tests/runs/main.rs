//! Runs of real commands under the real shim: how they end, what is left, what is told.

mod ends;
mod output;
mod rig;
mod trees;
mod waiting;
