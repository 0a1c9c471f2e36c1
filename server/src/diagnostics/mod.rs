//! Problems as they stand: which run they belong to, when they go, where they are after edits. Pure: no clock, no I/O, no
//! LSP; the edge makes an editor's diagnostics of them.

pub mod causes;
mod cycles;
pub mod delta;
pub mod groups;
pub mod shift;
pub mod store;
mod stored;
pub mod unsaved;

pub use store::Store;
pub use stored::{Changed, Stored};
