//! Wordings and conversations as data.

mod conversations;
mod phrases;
