//! What a command runs in its place: `timeout 60 cargo test` runs `cargo test`, `sh -c 'make'` a script, `find -exec` a
//! command for each file. Strict: a wrapper with an option that is not known runs something that is not known.

use super::shell::{Assignment, Piece, Word};

/// What a command runs.
#[derive(Debug, PartialEq)]
pub enum Runs {
    /// Itself.
    Itself,
    /// These, with these variables; and `rest`, what it does beside that.
    Commands { commands: Vec<Vec<Word>>, assignments: Vec<Assignment>, rest: Option<Vec<Word>> },
    /// A text that the shell reads.
    Script(String),
    /// Something that is not known before it runs, as the end of "it …".
    Unknown(&'static str),
}

/// A wrapper: its flags without a value, its options with one, the words before the command.
struct Wrapper {
    name: &'static str,
    flags: &'static [&'static str],
    valued: &'static [&'static str],
    between: usize,
}

const WRAPPERS: &[Wrapper] = &[
    Wrapper { name: "nohup", flags: &[], valued: &[], between: 0 },
    Wrapper { name: "builtin", flags: &[], valued: &[], between: 0 },
    Wrapper { name: "chronic", flags: &["-v", "-e"], valued: &[], between: 0 },
    Wrapper { name: "unbuffer", flags: &["-p"], valued: &[], between: 0 },
    Wrapper { name: "setsid", flags: &["-f", "-w", "-c", "--fork", "--wait", "--ctty"], valued: &[], between: 0 },
    Wrapper { name: "command", flags: &["-p"], valued: &[], between: 0 },
    Wrapper { name: "exec", flags: &["-c", "-l"], valued: &["-a"], between: 0 },
    Wrapper {
        name: "time",
        flags: &["-p", "-v", "--verbose", "--portability"],
        valued: &["-f", "--format"],
        between: 0,
    },
    Wrapper { name: "nice", flags: &[], valued: &["-n", "--adjustment"], between: 0 },
    Wrapper { name: "ionice", flags: &["-t"], valued: &["-c", "-n", "--class", "--classdata"], between: 0 },
    Wrapper { name: "stdbuf", flags: &[], valued: &["-i", "-o", "-e", "--input", "--output", "--error"], between: 0 },
    Wrapper {
        name: "timeout",
        flags: &["--foreground", "--preserve-status", "-v", "--verbose"],
        valued: &["-k", "-s", "--kill-after", "--signal"],
        between: 1,
    },
    Wrapper {
        name: "xargs",
        flags: &["-0", "-r", "-t", "-x", "--null", "--no-run-if-empty", "--verbose", "--exit"],
        valued: &[
            "-n",
            "-P",
            "-L",
            "-I",
            "-d",
            "-s",
            "-E",
            "--max-args",
            "--max-procs",
            "--max-lines",
            "--replace",
            "--delimiter",
            "--max-chars",
        ],
        between: 0,
    },
];

/// Shells.
pub const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "busybox", "fish"];

/// Programs that run a command in another place, or as another person: it is theirs, and no rule for it holds.
pub const ELSEWHERE: &[&str] = &[
    "sudo",
    "doas",
    "su",
    "runuser",
    "pkexec",
    "ssh",
    "mosh",
    "docker",
    "podman",
    "nerdctl",
    "kubectl",
    "oc",
    "lxc",
    "chroot",
    "nsenter",
    "unshare",
    "systemd-run",
    "flatpak-spawn",
    "toolbox",
    "distrobox",
    "wsl",
    "vagrant",
    "fly",
    "parallel",
    "watch",
    "entr",
    "watchexec",
    "flock",
    "strace",
    "ltrace",
    "gdb",
    "script",
    "tmux",
    "screen",
    "at",
    "batch",
    "expect",
    "env",
    "xargs",
    "find",
    "fd",
    "npx",
    "bunx",
    "pnpx",
    "uvx",
    "pipx",
    "uv",
    "poetry",
    "pipenv",
    "pnpm",
    "yarn",
    "npm",
    "bundle",
    "nix",
    "nix-shell",
    "direnv",
    "mise",
    "busybox",
    "timeout",
    "nice",
    "exec",
];

/// What these words run. `input` is the text that the command reads, where it stands in the command line.
pub fn runs(words: &[Word], input: Option<&Word>, is_piped: bool) -> Runs {
    let Some((program, args)) = words.split_first() else { return Runs::Itself };
    let Some(program) = program.literal() else { return Runs::Itself };
    let program = program.rsplit('/').next().unwrap_or(program);
    match program {
        "command" if matches!(args.first().and_then(Word::literal), Some("-v" | "-V")) => Runs::Itself,
        "env" => env(args),
        "eval" => match script(args) {
            Some(text) => Runs::Script(text),
            None => Runs::Unknown("runs a command that is put together when it runs"),
        },
        "trap" => match args.first().map(Word::literal) {
            None | Some(Some("-" | "-l" | "-p" | "" | "--")) => Runs::Itself,
            Some(Some(text)) => Runs::Script(text.to_owned()),
            Some(None) => Runs::Unknown("runs a command that is put together when it runs"),
        },
        "find" => find(args),
        _ if SHELLS.contains(&program) => shell(program, args, input, is_piped),
        _ => match WRAPPERS.iter().find(|wrapper| wrapper.name == program) {
            Some(wrapper) => wrapped(wrapper, args),
            None => Runs::Itself,
        },
    }
}

/// The words as one script, when nothing in them is expanded.
fn script(args: &[Word]) -> Option<String> {
    let words: Option<Vec<&str>> = args.iter().map(Word::literal).collect();
    words.map(|words| words.join(" "))
}

fn wrapped(wrapper: &Wrapper, args: &[Word]) -> Runs {
    const UNKNOWN: Runs = Runs::Unknown("runs a command through an option that is not known");
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        let Some(text) = arg.literal() else { break };
        if !text.starts_with('-') || text == "-" {
            break;
        }
        at += 1;
        if text == "--" {
            break;
        }
        let name = text.split('=').next().unwrap_or(text);
        let has_value = text.contains('=') && text.starts_with("--");
        let digits = |text: &str| !text.is_empty() && text.chars().all(|char| char.is_ascii_digit());
        if wrapper.flags.contains(&text) || (wrapper.name == "nice" && digits(&text[1..])) {
            continue;
        }
        if has_value && wrapper.valued.contains(&name) {
            continue;
        }
        if wrapper.valued.contains(&text) {
            if args.get(at).and_then(Word::literal).is_none() {
                return UNKNOWN;
            }
            at += 1;
            continue;
        }
        // `-n1`, `-oL`, `-0r`.
        let glued = !text.starts_with("--")
            && wrapper.valued.iter().any(|option| option.len() == 2 && text.starts_with(option) && text.len() > 2);
        let letters = !text.starts_with("--")
            && text[1..].chars().all(|letter| wrapper.flags.contains(&format!("-{letter}").as_str()));
        if !glued && !letters {
            return UNKNOWN;
        }
    }
    let inner = args.get(at + wrapper.between..).unwrap_or_default();
    if args.iter().take(at + wrapper.between).any(|word| word.literal().is_none()) {
        return UNKNOWN;
    }
    let mut inner = inner.to_vec();
    if wrapper.name == "xargs" {
        if inner.is_empty() {
            inner.push(Word::plain("echo"));
        }
        inner.push(Word { raw: "…".into(), pieces: vec![Piece::Substitution] });
        // `-I {}`: what comes in may stand anywhere.
        if let Some(mark) = replaced(&args[..at]) {
            for word in &mut inner {
                if word.text("").contains(&mark) {
                    word.pieces = vec![Piece::Substitution];
                }
            }
        }
    }
    if inner.is_empty() {
        return Runs::Itself;
    }
    Runs::Commands { commands: vec![inner], assignments: Vec::new(), rest: None }
}

fn replaced(options: &[Word]) -> Option<String> {
    let texts: Vec<String> = options.iter().map(|word| word.text("")).collect();
    texts.iter().enumerate().find_map(|(at, text)| match text.as_str() {
        "-I" => texts.get(at + 1).cloned(),
        "--replace" => Some("{}".to_owned()),
        other => other.strip_prefix("-I").or_else(|| other.strip_prefix("--replace=")).map(str::to_owned),
    })
}

fn env(args: &[Word]) -> Runs {
    let mut assignments = Vec::new();
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        let text = arg.text("\u{fffd}");
        let set = text.split_once('=').filter(|_| !text.starts_with('-'));
        match (text.as_str(), set) {
            (_, Some((name, _))) => {
                assignments.push(Assignment { name: name.to_owned(), value: arg.clone() });
                at += 1;
            }
            ("-i" | "-" | "--ignore-environment", _) => at += 1,
            ("-u" | "--unset", _) => at += 2,
            (unset, _) if unset.starts_with("--unset=") => at += 1,
            (option, _) if option.starts_with('-') => {
                return Runs::Unknown("runs a command through an option that is not known");
            }
            _ => break,
        }
    }
    let inner = args.get(at..).unwrap_or_default().to_vec();
    if inner.is_empty() {
        return Runs::Itself;
    }
    Runs::Commands { commands: vec![inner], assignments, rest: None }
}

fn find(args: &[Word]) -> Runs {
    let (mut commands, mut rest, mut at) = (Vec::new(), vec![Word::plain("find")], 0);
    while let Some(arg) = args.get(at) {
        at += 1;
        if !matches!(arg.literal(), Some("-exec" | "-execdir" | "-ok" | "-okdir")) {
            rest.push(arg.clone());
            continue;
        }
        let end = args[at..].iter().position(|arg| matches!(arg.literal(), Some(";" | "+")));
        let Some(end) = end else { return Runs::Unknown("runs a command whose end is not seen") };
        let mut inner = args[at..at + end].to_vec();
        for word in &mut inner {
            if word.text("").contains("{}") {
                word.pieces = vec![Piece::Substitution];
            }
        }
        commands.push(inner);
        at += end + 1;
    }
    if commands.is_empty() {
        return Runs::Itself;
    }
    Runs::Commands { commands, assignments: Vec::new(), rest: Some(rest) }
}

fn shell(program: &str, args: &[Word], input: Option<&Word>, is_piped: bool) -> Runs {
    let mut args = args;
    if program == "busybox" {
        match args.split_first() {
            Some((applet, rest)) if applet.literal().is_some_and(|name| SHELLS.contains(&name)) => args = rest,
            _ => return Runs::Itself,
        }
    }
    let (mut at, mut takes_script, mut reads_input) = (0, false, false);
    while let Some(arg) = args.get(at) {
        let Some(text) = arg.literal() else { break };
        if !text.starts_with(['-', '+']) || text == "-" {
            break;
        }
        at += 1;
        if text == "--" {
            break;
        }
        if text.starts_with("--") {
            match text {
                "--version" | "--help" => return Runs::Itself,
                "--login" | "--noprofile" | "--norc" | "--posix" | "--noediting" | "--restricted" | "--verbose" => {}
                _ => return Runs::Unknown("runs a script through an option that is not known"),
            }
            continue;
        }
        takes_script |= text.starts_with('-') && text.contains('c');
        reads_input |= text.contains('s');
        if text.ends_with(['o', 'O']) {
            at += 1;
        }
    }
    if takes_script {
        return match args.get(at).map(Word::literal) {
            Some(Some(text)) => Runs::Script(text.to_owned()),
            _ => Runs::Unknown("runs a script that is put together when it runs"),
        };
    }
    if at < args.len() && !reads_input && args[at].text("") != "-" {
        return match args[at].literal() {
            Some(_) => Runs::Itself,
            None => Runs::Unknown("runs a script whose name is not known"),
        };
    }
    match input.map(Word::literal) {
        Some(Some(text)) => Runs::Script(text.to_owned()),
        Some(None) => Runs::Unknown("runs a script that is put together when it runs"),
        None if is_piped => Runs::Unknown("runs whatever another command gives it"),
        None => Runs::Itself,
    }
}
