//! What makes a model an agent: the history, the instructions, what may be done unasked, what is told of tasks, what edits made
//! of files.

pub mod approval;
pub mod change;
pub mod compaction;
pub mod history;
pub mod instructions;
pub mod mentions;
pub mod notification;
pub mod prices;
pub mod prompt;
