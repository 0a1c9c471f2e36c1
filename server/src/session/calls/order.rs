//! Which calls of an answer go together. What only reads overlaps, so many at a time: the tools that look, and commands that
//! are known to do nothing else. What writes or runs keeps the order of the answer: it waits for all that was called before
//! it, so that a test never starts before the edit that precedes it, and what reads after it sees what it did. A question
//! holds up neither the tools that look nor background starts that follow a command's question, and nor does a command that
//! waits behind one; subagents and background starts are beside each other.

use super::{CallState, Step};
use crate::tool::input::Call;

/// The first call that may begin now; `most` are reading at a time.
pub(super) fn next(calls: &[CallState], most: usize) -> Option<usize> {
    let full = calls.iter().filter(|call| call.is_reading()).count() >= most;
    let asked = calls.iter().position(|call| !call.reads() && call.is_asked()).unwrap_or(calls.len());
    calls.iter().enumerate().position(|(at, call)| {
        call.step == Step::Waiting
            && !(full && call.reads())
            && !calls[..at].iter().enumerate().any(|(before, earlier)| call.waits_for(earlier, before > asked))
    })
}

impl CallState {
    fn is_background_start(&self) -> bool {
        matches!(&self.call, Ok(Call::Bash(bash)) if bash.run_in_background == Some(true))
    }

    /// It edits files.
    pub(super) fn writes(&self) -> bool {
        matches!(&self.call, Ok(Call::File(file)) if file.edits())
    }

    fn is_agent(&self) -> bool {
        matches!(&self.call, Ok(Call::Agent(_)))
    }

    /// A command that the call waits for.
    fn is_command(&self) -> bool {
        matches!(&self.call, Ok(Call::Bash(_))) && !self.is_background_start()
    }

    /// True when nothing later depends on it.
    fn reads(&self) -> bool {
        self.only_reads || !(self.writes() || matches!(&self.call, Ok(Call::Bash(_) | Call::Agent(_))))
    }

    /// What files hold makes a difference to it.
    fn sees_files(&self) -> bool {
        matches!(&self.call, Ok(Call::File(_) | Call::Diagnostics(_)))
    }

    fn is_asked(&self) -> bool {
        matches!(self.step, Step::Asking(_))
    }

    /// It reads at this moment, or is about to: one of so many at a time.
    fn is_reading(&self) -> bool {
        self.reads() && !self.is_done() && !self.is_asked() && self.step != Step::Waiting
    }

    /// True when `self` must wait for `earlier` to be over, which may itself wait behind a question.
    fn waits_for(&self, earlier: &Self, behind_question: bool) -> bool {
        if earlier.is_done() {
            return false;
        }
        if earlier.reads() {
            // It reads what this would change.
            return !earlier.is_asked() && !self.reads() && (self.writes() || self.is_command());
        }
        if earlier.is_agent() && (self.reads() || self.is_agent() || self.is_background_start()) {
            return false;
        }
        if self.is_background_start() {
            return earlier.writes();
        }
        if self.reads() && !self.is_command() {
            let changes_files = earlier.is_command() && !behind_question && self.sees_files();
            return !earlier.is_asked() && (earlier.writes() || changes_files);
        }
        true
    }
}
