//! Variables of commands: which may be set without changing what a program is, and which may be shown.

/// Variables that only change how much a program says or how it looks.
const GIVEN: &[&str] = &[
    "RUST_BACKTRACE",
    "RUST_LOG",
    "RUST_LIB_BACKTRACE",
    "RUST_TEST_THREADS",
    "RUST_MIN_STACK",
    "CARGO_TERM_COLOR",
    "CARGO_INCREMENTAL",
    "CARGO_NET_OFFLINE",
    "CARGO_BUILD_JOBS",
    "CARGO_TERM_PROGRESS_WHEN",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "TERM",
    "COLUMNS",
    "LINES",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_COLLATE",
    "LANGUAGE",
    "TZ",
    "CI",
    "DEBUG",
    "VERBOSE",
    "LOG_LEVEL",
    "NODE_ENV",
    "RAILS_ENV",
    "RACK_ENV",
    "APP_ENV",
    "MIX_ENV",
    "FLASK_ENV",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONWARNINGS",
    "GOMAXPROCS",
    "GOOS",
    "GOARCH",
    "CGO_ENABLED",
    "GOTRACEBACK",
    "PORT",
    "HOST",
    "HEADLESS",
    "INSTA_UPDATE",
    "UPDATE_EXPECT",
    "PROPTEST_CASES",
    "NEXTEST_PROFILE",
    "GIT_TERMINAL_PROMPT",
    "DEBIAN_FRONTEND",
    "SOURCE_DATE_EPOCH",
];

/// Variables that hold no secret.
const SHOWN: &[&str] = &[
    "HOME",
    "PWD",
    "OLDPWD",
    "USER",
    "LOGNAME",
    "SHELL",
    "HOSTNAME",
    "PATH",
    "LANG",
    "TERM",
    "RANDOM",
    "SECONDS",
    "LINENO",
    "PIPESTATUS",
    "UID",
    "EUID",
    "PPID",
    "OSTYPE",
    "MACHTYPE",
    "BASH_VERSION",
    "BASHPID",
    "COLUMNS",
    "LINES",
    "TMPDIR",
    "EDITOR",
    "DISPLAY",
    "VIRTUAL_ENV",
    "GOPATH",
    "CARGO_HOME",
    "JAVA_HOME",
    "NODE_ENV",
    "CI",
    "SHLVL",
    "EPOCHSECONDS",
    "REPLY",
    "OPTARG",
    "OPTIND",
    "IFS",
    "PS1",
];

/// Whether a variable may be given to one command.
pub fn may_be_given(name: &str) -> bool {
    GIVEN.contains(&name)
}

/// Whether a variable of the shell may be set: one that no program reads.
pub fn may_be_set(name: &str) -> bool {
    // By custom the environment has capitals; but for these.
    let plain = !name.contains(|char: char| char.is_ascii_uppercase());
    (plain && !name.contains("proxy") && !name.starts_with("npm_")) || may_be_given(name)
}

/// Whether a variable's value may be shown.
pub fn may_be_shown(name: &str) -> bool {
    let capital = name.contains(|char: char| char.is_ascii_uppercase());
    let secret =
        ["key", "token", "secret", "passw", "credential"].iter().any(|word| name.to_lowercase().contains(word));
    (!capital && !secret && !name.is_empty()) || SHOWN.contains(&name) || may_be_given(name)
}
