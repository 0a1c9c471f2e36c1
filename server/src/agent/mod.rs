//! What makes a model an agent: the history, the instructions, what may be done unasked, what is told of tasks.

pub mod approval;
pub mod history;
pub mod notification;
pub mod prompt;
