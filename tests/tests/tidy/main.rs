//! The repository's own rules, checked by reading it. A rule is a table: the way to add an exception is a line with its
//! reason, where the next reader sees it. `CONTRIBUTING.md` tells the rules in words.

mod documents;
mod extension;
mod layers;
mod names;
mod protocol;
mod shape;
mod source;
