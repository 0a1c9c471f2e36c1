//! What a format says of itself: for which commands it is there, which lines it wants to see, who comes first where two
//! want the same line. Data alone; each format's file has its own [`Format`].

use super::Matcher;
use super::command::Command;
use super::scope::Scope;

/// One format of the table.
pub(super) struct Format {
    /// The tool's name, for tests and for the fuzzer's report.
    pub(super) name: &'static str,
    pub(super) rank: Rank,
    /// False where the format makes no sense for the command: its lines are somebody else's then. [`always`] for a format
    /// that is known by its own words.
    pub(super) gate: fn(&Command) -> bool,
    /// How a line begins that the matcher wants: expressions over the text without colours, after spaces and tabs. ASCII
    /// classes; each must begin with few different bytes, else it belongs under `inside`.
    pub(super) starts: &'static [&'static str],
    /// Lines that are known by a word anywhere in them.
    pub(super) inside: &'static [Inside],
    /// A fresh line machine.
    pub(super) new: fn(&Scope) -> Box<dyn Matcher>,
}

/// Lines with one of some words, which are looked for in all bytes of the output at once.
pub(super) struct Inside {
    /// Words of three bytes and more, the rarer the better: a line with none of them costs nothing.
    pub(super) words: &'static [&'static str],
    /// What such a line must match, over the text without colours; empty where the word is enough.
    pub(super) text: &'static str,
}

/// Who sees a line first. Who calls [`Scope::claim`] keeps it from those behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Structured output: JSON, JUnit XML, SARIF.
    Structured,
    /// Test runners: what is printed in a test is the test's.
    Runner,
    /// Tools that are known by their own words.
    Tool,
    /// Forms that several tools share, such as `file:line:column: error: message`.
    Shared,
    /// Guesses, for what nobody else wanted.
    Generic,
}

/// The gate that is always open.
pub(super) fn always(_: &Command) -> bool {
    true
}
