//! What a command line is for, and whether it is of a kind that takes long: judged by the programs that it really runs,
//! never by a word in an argument (`echo "npm install"` installs nothing). Pure. It knows names, not the machine.

mod looking;
mod programs;
mod stays;
mod table;
#[cfg(test)]
mod tests;
mod words;
mod wrappers;

pub use stays::Stays;

use crate::task::model::Group;

/// A command longer than this is judged by its beginning.
const LONGEST: usize = 16 * 1024;

/// What a command line is for. Of several parts the weightiest counts: test, build, lint, install, run, other.
pub fn group_of(command: &str) -> Group {
    const ORDER: [Group; 5] = [Group::Test, Group::Build, Group::Lint, Group::Install, Group::Run];
    let groups: Vec<Group> = judged(command).into_iter().map(|verdict| verdict.group).collect();
    ORDER.into_iter().find(|group| groups.contains(group)).unwrap_or(Group::Other)
}

/// True when some part of the command line is of a kind that is known to take long: installs, builds, tests, deploys,
/// compilers, image builds, servers.
pub fn is_slow(command: &str) -> bool {
    judged(command).iter().any(|verdict| verdict.slow)
}

/// What a command line is that stays until it is stopped; `None` for one that ends by itself, or that sends its programs
/// into the background of the shell and ends before them. Of several parts the weightiest counts.
pub fn stays(command: &str) -> Option<Stays> {
    let command = cut(command);
    if words::sends_away(command) {
        return None;
    }
    let runs = wrappers::invocations(command);
    // A limit on the time is an end.
    if runs.is_empty()
        || words::simple_commands(command).iter().any(|words| words.first().is_some_and(|word| word == "timeout"))
    {
        return None;
    }
    runs.iter().filter_map(stays::judge).max()
}

/// The programs that a command line runs, as they are written there (`./a.sh`, `cargo`), wrappers such as `sudo` taken off.
pub fn programs(command: &str) -> Vec<String> {
    wrappers::invocations(cut(command)).into_iter().map(|invocation| invocation.written).collect()
}

/// The programs that a command line runs, by their file names, each with its arguments; wrappers taken off.
pub fn runs(command: &str) -> Vec<(String, Vec<String>)> {
    let found = wrappers::invocations(cut(command)).into_iter();
    found.map(|invocation| (invocation.program, invocation.args)).collect()
}

/// True when a command line does nothing but wait: it sleeps or polls, and all else in it only looks.
pub fn waits(command: &str) -> bool {
    let runs = wrappers::invocations(cut(command));
    runs.iter().any(looking::waits) && runs.iter().all(|run| looking::waits(run) || looking::looks(run))
}

/// True when the point of a command line is the time that passes: it does nothing but sleep, or it polls. What is called
/// after it is meant to come after it.
pub fn lets_time_pass(command: &str) -> bool {
    let mut words = cut(command).split(|char: char| !char.is_alphanumeric());
    let polls = words.any(|word| matches!(word, "while" | "until"));
    waits(command) && (polls || wrappers::invocations(cut(command)).iter().all(looking::waits))
}

/// True when a command line surely changes no source: it looks, waits, tests or builds.
pub fn only_looks(command: &str) -> bool {
    let runs = wrappers::invocations(cut(command));
    let harmless = |run: &wrappers::Invocation| {
        looking::waits(run) || looking::looks(run) || matches!(programs::judge(run).group, Group::Test | Group::Build)
    };
    !runs.is_empty() && !looking::redirects(command) && runs.iter().all(harmless)
}

fn judged(command: &str) -> Vec<programs::Verdict> {
    wrappers::invocations(cut(command)).iter().map(programs::judge).collect()
}

fn cut(command: &str) -> &str {
    &command[..command.floor_char_boundary(LONGEST)]
}
