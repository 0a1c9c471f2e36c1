//! The variables that Pillion sets for commands, each with its reason: output that is plain, and nobody who would answer.
//! Tables and their lookup; reads nothing and starts nothing.

use crate::task::model::Stdin;
use crate::workspace::classify;

/// What every command gets. No `CI`: it changes what tools do (frozen lock files, warnings as errors), not how they
/// print.
const PLAIN: &[(&str, &str)] = &[
    ("NO_COLOR", "1"),
    ("PYTHONUNBUFFERED", "1"),
    // A pager waits for a key. Programs have pagers of their own, which count more than PAGER.
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("MANPAGER", "cat"),
    ("SYSTEMD_PAGER", "cat"),
    ("GH_PAGER", "cat"),
    ("GLAB_PAGER", "cat"),
    ("BAT_PAGER", "cat"),
    ("DELTA_PAGER", "cat"),
    ("PSQL_PAGER", "cat"),
    // Empty means none; a program's name would be looked for.
    ("AWS_PAGER", ""),
    // For `less` by name on a terminal: ends at the end of what fits.
    ("LESS", "-FRX"),
    // Asks on the terminal for what no credential helper knows.
    ("GIT_TERMINAL_PROMPT", "0"),
];

/// The terminal that a command believes to have: none, or with `pty` one that a person types into.
fn terminal(stdin: Stdin) -> &'static str {
    if stdin == Stdin::Pty { "xterm-256color" } else { "dumb" }
}

/// A program that would wait for a person, and the variable that stops it from that.
struct Cure {
    programs: &'static [&'static str],
    /// The first argument that is no option; `None` for any.
    subcommand: Option<&'static str>,
    /// With one of these the person asked for it.
    unless: &'static [&'static str],
    set: &'static [(&'static str, &'static str)],
}

/// Judged by the program that is run. Not here, because they look themselves whether somebody is there: vitest, `ng test`
/// of Angular 20, npx, pip, corepack. Jest and tsc watch only when they are told to.
const CURES: &[Cure] = &[
    // These watch unless CI is set. For tests alone: in a build CI turns warnings into errors.
    Cure {
        programs: &["react-scripts", "react-app-rewired", "craco", "rescripts", "kcd-scripts"],
        subcommand: Some("test"),
        unless: &["--watch", "--watchAll"],
        set: &[("CI", "true")],
    },
    // Before 1.57 it serves its report after a failure, until Ctrl-C. The second name is that of versions before 1.45.
    Cure {
        programs: &["playwright"],
        subcommand: Some("test"),
        unless: &[],
        set: &[("PLAYWRIGHT_HTML_OPEN", "never"), ("PW_TEST_HTML_REPORT_OPEN", "never")],
    },
    // debconf asks while it configures packages.
    Cure {
        programs: &["apt", "apt-get", "aptitude", "dpkg", "dpkg-reconfigure"],
        subcommand: None,
        unless: &[],
        set: &[("DEBIAN_FRONTEND", "noninteractive")],
    },
];

/// Never handed on: marks of other tasks, colours by force, what belongs to the process of the editor or of a shell.
pub(super) const DROPPED: &[&str] = &[
    "PILLION_TASK",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "CARGO_TERM_COLOR",
    "PY_COLORS",
    "COLORTERM",
    "ELECTRON_RUN_AS_NODE",
    "ELECTRON_NO_ATTACH_CONSOLE",
    "VSCODE_ESM_ENTRYPOINT",
    "VSCODE_HANDLES_UNCAUGHT_ERRORS",
    "VSCODE_NLS_CONFIG",
    "VSCODE_PID",
    "SHLVL",
    "OLDPWD",
    "_",
];

/// What tells of the terminal that somebody sits at, or of this very process: no command elsewhere needs it.
const OF_A_TERMINAL: &[&str] = &[
    "PWD",
    "TERM",
    "TERMCAP",
    "TERMINFO",
    "COLUMNS",
    "LINES",
    "WINDOWID",
    "TTY",
    "GPG_TTY",
    "STY",
    "WINDOW",
    "VTE_VERSION",
    "SHELL_SESSION_ID",
    "ITERM_SESSION_ID",
    "PS1",
    "PS2",
    "PROMPT_COMMAND",
];
const OF_A_TERMINAL_BY_START: &[&str] =
    &["TERM_", "TMUX", "KITTY_", "WEZTERM_", "ALACRITTY_", "KONSOLE_", "ZELLIJ", "SSH_", "VSCODE_"];

/// Whether a variable of a terminal is of use only there: never sent along with a command.
pub(super) fn is_of_a_terminal(name: &str) -> bool {
    // The agent that holds the person's keys is of use everywhere.
    let kept = name == "SSH_AUTH_SOCK";
    let starts = OF_A_TERMINAL_BY_START.iter().any(|start| name.starts_with(start));
    !kept && (OF_A_TERMINAL.contains(&name) || DROPPED.contains(&name) || starts || is_set_anyway(name))
}

fn is_set_anyway(name: &str) -> bool {
    PLAIN.iter().any(|(known, _)| *known == name)
}

/// What Pillion sets for a command, in the order in which later ones count more.
pub(super) fn settings(command: &str, stdin: Stdin) -> Vec<(&'static str, &'static str)> {
    let mut set = vec![("TERM", terminal(stdin))];
    set.extend(PLAIN);
    // Where a person can answer, nothing has to be cured, and git may ask.
    if stdin == Stdin::Pty {
        set.push(("GIT_TERMINAL_PROMPT", "1"));
    } else {
        let runs = classify::runs(command);
        let cures = CURES.iter().filter(|cure| runs.iter().any(|(program, args)| cure.fits(program, args)));
        set.extend(cures.flat_map(|cure| cure.set));
    }
    set
}

impl Cure {
    fn fits(&self, program: &str, args: &[String]) -> bool {
        let first = args.iter().find(|arg| !arg.starts_with('-'));
        self.programs.contains(&program)
            && self.subcommand.is_none_or(|wanted| first.is_some_and(|first| first == wanted))
            && !args.iter().any(|arg| self.unless.contains(&arg.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(command: &str, stdin: Stdin, name: &str) -> Option<&'static str> {
        settings(command, stdin).into_iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    #[test]
    fn cures_go_by_the_program_that_is_run() {
        for (command, name, value) in [
            ("react-scripts test", "CI", Some("true")),
            ("cd web && npx react-scripts test --coverage", "CI", Some("true")),
            ("react-scripts test --watchAll", "CI", None),
            ("react-scripts build", "CI", None),
            ("echo react-scripts test", "CI", None),
            ("cargo test", "CI", None),
            ("pnpm exec playwright test e2e", "PLAYWRIGHT_HTML_OPEN", Some("never")),
            ("sudo apt-get install -y jq", "DEBIAN_FRONTEND", Some("noninteractive")),
            ("grep apt-get README.md", "DEBIAN_FRONTEND", None),
        ] {
            assert_eq!(set(command, Stdin::Null, name), value, "{command}");
        }
        assert_eq!(set("react-scripts test", Stdin::Pty, "CI"), None);
        assert_eq!(set("true", Stdin::Pty, "TERM"), Some("xterm-256color"));
        assert_eq!(set("git fetch", Stdin::Null, "GIT_TERMINAL_PROMPT"), Some("0"));
        assert_eq!(set("git fetch", Stdin::Pty, "GIT_TERMINAL_PROMPT"), Some("1"));
        assert_eq!(set("true", Stdin::Pipe, "TERM"), Some("dumb"));
    }

    #[test]
    fn a_terminals_own_variables_stay_there() {
        for (name, stays) in [
            ("TERM_PROGRAM", true),
            ("TMUX_PANE", true),
            ("PWD", true),
            ("PAGER", true),
            ("SSH_TTY", true),
            ("SSH_AUTH_SOCK", false),
            ("DATABASE_URL", false),
            ("PATH", false),
        ] {
            assert_eq!(is_of_a_terminal(name), stays, "{name}");
        }
    }
}
