//! What an engine left out of what was found or read, in one sentence each: whoever shows the findings says these too.
//! Knows no format.

use std::fmt::{self, Display};

use super::demux::MAX_LANES;
use super::lines::{MAX_DOCUMENT, MAX_LINE};
use super::once::MAX_PROBLEMS;

/// One kind of what was left out, and how much of it; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// Problems behind the first 10,000 of an output, or of one cycle of a program that watches.
    Problems(u64),
    /// Lines of JSON or XML that are longer than 16 MiB: what stands behind that was not read.
    Documents(u64),
    /// Lines that are no JSON or XML, look like a problem, and are longer than 64 KiB with their prefix: what stands behind
    /// that was not read.
    Lines(u64),
    /// Lines whose prefix was one too many to be told apart: they were read with it, as lines of the output itself.
    Prefixes(u64),
}

impl LeftOut {
    fn count(self) -> u64 {
        match self {
            Self::Problems(count) | Self::Documents(count) | Self::Lines(count) | Self::Prefixes(count) => count,
        }
    }

    /// Those of which there are any.
    pub(super) fn only(all: impl IntoIterator<Item = Self>) -> Vec<Self> {
        all.into_iter().filter(|it| it.count() > 0).collect()
    }
}

impl Display for LeftOut {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.count();
        let lines = if count == 1 { "line" } else { "lines" };
        let was = if count == 1 { "was" } else { "were" };
        match self {
            Self::Problems(_) => {
                let problems = if count == 1 { "problem" } else { "problems" };
                write!(to, "{count} {problems} behind the first {MAX_PROBLEMS} {was} left out")
            }
            Self::Documents(_) => {
                write!(
                    to,
                    "of {count} {lines} longer than {} MiB the rest was not searched for problems",
                    MAX_DOCUMENT >> 20
                )
            }
            Self::Lines(_) => {
                write!(
                    to,
                    "of {count} {lines} longer than {} KiB the rest was not searched for problems",
                    MAX_LINE >> 10
                )
            }
            Self::Prefixes(_) => {
                write!(
                    to,
                    "{count} {lines} {was} read with the prefix: more than {MAX_LANES} programs write into this output"
                )
            }
        }
    }
}

/// An output of which something is left out, and what has to be said of it.
#[cfg(test)]
pub(crate) struct Example {
    pub(crate) command: &'static str,
    /// Problems in it are of `a.c`.
    pub(crate) output: String,
    pub(crate) says: &'static str,
}

/// One for each kind.
#[cfg(test)]
pub(crate) fn examples() -> [Example; 4] {
    use std::fmt::Write;

    let (mut errors, mut programs) = (String::new(), String::new());
    for number in 1..=MAX_PROBLEMS + 2 {
        let _ = writeln!(errors, "a.c:1:1: error: no {number}");
    }
    for number in 0..MAX_LANES + 1 {
        let _ = writeln!(programs, "s{number}  | error: no");
    }
    let long = |what: &str, bytes: usize| what.replace('~', &"x".repeat(bytes));
    [
        Example { command: "gcc a.c", output: errors, says: "2 problems behind the first 10000 were left out" },
        Example {
            command: "eslint -f json .",
            output: long("[{\"filePath\":\"~\"}]\n", MAX_DOCUMENT),
            says: "of 1 line longer than 16 MiB the rest was not searched for problems",
        },
        Example {
            command: "gcc a.c",
            output: long("a.c:1:1: error: ~\nb.c:1:1: error: ~\n", MAX_LINE),
            says: "of 2 lines longer than 64 KiB the rest was not searched for problems",
        },
        Example {
            command: "docker compose up",
            output: programs,
            says: "1 line was read with the prefix: more than 64 programs write into this output",
        },
    ]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::matcher::tree::Tree;
    use crate::matcher::{Engine, Origin};
    use crate::problem::Finding;

    #[test]
    fn each_kind_is_counted_alone_however_the_bytes_are_cut() {
        for Example { command, output, says } in examples() {
            for piece in [1 << 13, usize::MAX >> 1] {
                let origin = Origin { command: command.into(), cwd: "/w".into(), root: "/w".into() };
                let mut engine = Engine::new(origin, Arc::new(Tree(&[("/w/a.c", "x\n")])));
                let mut findings = Vec::new();
                output.as_bytes().chunks(piece).for_each(|piece| engine.push(piece, &mut findings));
                engine.finish(&mut findings);
                let said: Vec<String> = engine.left_out().iter().map(ToString::to_string).collect();
                assert_eq!(said, [says]);
                assert_eq!(findings.last(), Some(&Finding::LeftOut(says.to_owned())));
                let problems = findings.iter().filter(|it| matches!(it, Finding::Problem(_))).count();
                assert!(problems <= MAX_PROBLEMS, "{problems}");
            }
        }
    }
}
