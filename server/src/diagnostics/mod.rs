//! Problems as they stand: which run they belong to, when they go, where they are after edits. Pure: no clock, no I/O, no
//! LSP; the edge makes an editor's diagnostics of them.

pub mod causes;
pub mod delta;
pub mod shift;
pub mod store;
mod stored;

pub use store::Store;
pub use stored::Stored;
