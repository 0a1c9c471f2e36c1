//! What a command line is for, and whether it is of a kind that takes long: judged by the programs that it really runs,
//! never by a word in an argument (`echo "npm install"` installs nothing). Pure. It knows names, not the machine.

mod looking;
mod programs;
mod table;
#[cfg(test)]
mod tests;
mod words;
mod wrappers;

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

/// The programs that a command line runs, as they are written there (`./a.sh`, `cargo`), wrappers such as `sudo` taken off.
pub fn programs(command: &str) -> Vec<String> {
    wrappers::invocations(cut(command)).into_iter().map(|invocation| invocation.written).collect()
}

/// True when a command line does nothing but wait: it sleeps or polls, and all else in it only looks.
pub fn waits(command: &str) -> bool {
    let runs = wrappers::invocations(cut(command));
    runs.iter().any(looking::waits) && runs.iter().all(|run| looking::waits(run) || looking::looks(run))
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
