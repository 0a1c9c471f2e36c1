//! What a simple command really runs: `env A=1 nice npx jest@29` runs `jest`, `bash -c "cd x && make"` runs `cd` and
//! `make`, `python -m pytest` runs `pytest`. Options of wrappers are skipped with their values.

use super::words::simple_commands;

/// How often wrappers may wrap each other.
const DEPTH: usize = 8;

/// A program, by its file name, and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invocation {
    /// The name without its folder.
    pub program: String,
    /// The word as it was written.
    pub written: String,
    pub args: Vec<String>,
}

/// Everything that a script runs itself, wrappers taken off.
pub(super) fn invocations(script: &str) -> Vec<Invocation> {
    let mut found = Vec::new();
    collect(script, 0, &mut found);
    found
}

fn collect(script: &str, depth: usize, found: &mut Vec<Invocation>) {
    for words in simple_commands(script) {
        unwrap(&words, depth, found);
    }
}

/// A wrapper that takes a command after its options: name, options with a value, words between options and command.
const WRAPPERS: &[(&str, &[&str], usize)] = &[
    ("env", &["-u", "-C", "--unset", "--chdir"], 0),
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "--user", "--group"], 0),
    ("doas", &["-u", "-C"], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("ionice", &["-c", "-n", "-p"], 0),
    ("chrt", &[], 1),
    ("taskset", &[], 1),
    ("nohup", &[], 0),
    ("setsid", &[], 0),
    ("exec", &["-a"], 0),
    ("builtin", &[], 0),
    ("command", &[], 0),
    ("time", &["-f", "-o", "--format", "--output"], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("unbuffer", &[], 0),
    ("chronic", &[], 0),
    ("caffeinate", &["-t", "-w"], 0),
    ("xvfb-run", &["-s", "-n", "-e", "-f", "-p", "-w"], 0),
    ("timeout", &["-k", "-s", "--kill-after", "--signal"], 1),
    ("flock", &["-w", "-E"], 1),
    ("xargs", &["-n", "-P", "-I", "-L", "-d", "-a", "-s", "-E"], 0),
    ("npx", &["-p", "--package", "-w", "--workspace"], 0),
    ("pnpx", &["-p", "--package"], 0),
    ("bunx", &["-p", "--package"], 0),
    ("uvx", &["--from", "--with", "-p", "--python"], 0),
];

/// Programs with a subcommand that takes a command: name, subcommand, options with a value, words in between.
const RUNNERS: &[(&str, &str, &[&str], usize)] = &[
    ("pnpm", "exec", &[], 0),
    ("pnpm", "dlx", &["--package"], 0),
    ("npm", "exec", &["-p", "--package", "-w"], 0),
    ("npm", "x", &["-p", "--package", "-w"], 0),
    ("yarn", "exec", &[], 0),
    ("yarn", "dlx", &["-p"], 0),
    ("bun", "x", &[], 0),
    ("uv", "run", &["--with", "--extra", "--group", "-p", "--python", "--project", "--directory", "--package"], 0),
    ("poetry", "run", &[], 0),
    ("pipenv", "run", &[], 0),
    ("pdm", "run", &[], 0),
    ("hatch", "run", &[], 0),
    ("rye", "run", &[], 0),
    ("pixi", "run", &["-e", "--environment"], 0),
    ("pipx", "run", &["--spec"], 0),
    ("conda", "run", &["-n", "-p", "--name", "--prefix"], 0),
    ("bundle", "exec", &[], 0),
    ("rustup", "run", &[], 1),
    ("direnv", "exec", &[], 1),
    ("asdf", "exec", &[], 0),
    ("op", "run", &["--env-file"], 0),
    ("doppler", "run", &["-c", "-p"], 0),
];

fn unwrap(words: &[String], depth: usize, found: &mut Vec<Invocation>) {
    let words = after_assignments(words);
    let Some((written, args)) = words.split_first() else { return };
    let program = written.rsplit('/').next().unwrap_or(written);
    // `npx jest@29`, `npx @scope/tool`.
    let program = program.split_once('@').map_or(program, |(name, _)| if name.is_empty() { program } else { name });
    let leaf = || Invocation { program: program.to_owned(), written: written.clone(), args: args.to_vec() };
    if depth >= DEPTH {
        return found.push(leaf());
    }
    let inner = match program {
        "command" if args.first().is_some_and(|first| matches!(first.as_str(), "-v" | "-V")) => None,
        "bash" | "sh" | "zsh" | "dash" | "ksh" | "fish" => return shell(args, depth, leaf(), found),
        "eval" => return collect(&args.join(" "), depth + 1, found),
        "nix-shell" | "nix" => match option_value(args, &["--run", "-c", "--command"]) {
            Some((script, rest)) if program == "nix-shell" || rest.is_empty() => {
                return collect(script, depth + 1, found);
            }
            Some(_) => args.iter().position(|arg| arg == "-c" || arg == "--command").map(|at| &args[at + 1..]),
            None => None,
        },
        "mise" | "rtx" => args.iter().position(|arg| arg == "--").map(|at| &args[at + 1..]),
        "docker" | "podman" => containers(args),
        _ if is_python(program) => module(args),
        _ => wrapped(program, args),
    };
    match inner {
        Some(inner) if !inner.is_empty() => unwrap(inner, depth + 1, found),
        _ => found.push(leaf()),
    }
}

fn wrapped<'a>(program: &str, args: &'a [String]) -> Option<&'a [String]> {
    if let Some((_, with_value, between)) = WRAPPERS.iter().find(|(name, ..)| *name == program) {
        return Some(after_options(args, with_value, *between));
    }
    let at = args.iter().position(|arg| !arg.starts_with('-'))?;
    let (_, _, with_value, between) = RUNNERS.iter().find(|(name, sub, ..)| *name == program && *sub == args[at])?;
    Some(after_options(&args[at + 1..], with_value, *between))
}

fn shell(args: &[String], depth: usize, leaf: Invocation, found: &mut Vec<Invocation>) {
    let script = args.iter().position(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.contains('c'));
    match script.and_then(|at| args.get(at + 1)) {
        Some(script) => collect(script, depth + 1, found),
        None => found.push(leaf),
    }
}

/// `docker run IMAGE COMMAND`, `docker compose exec SERVICE COMMAND`.
fn containers(args: &[String]) -> Option<&[String]> {
    let rest = if args.first().is_some_and(|first| first == "compose") { &args[1..] } else { args };
    let (sub, rest) = rest.split_first()?;
    matches!(sub.as_str(), "run" | "exec").then(|| {
        let with_value =
            &["-e", "--env", "-w", "--workdir", "-u", "--user", "-v", "--volume", "-p", "--publish", "--name"];
        after_options(rest, with_value, 1)
    })
}

/// True for `python`, `python3`, `python3.12`, `py`.
pub(super) fn is_python(program: &str) -> bool {
    program == "py"
        || program.strip_prefix("python").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn module(args: &[String]) -> Option<&[String]> {
    let mut at = 0;
    while let Some(arg) = args.get(at).filter(|arg| arg.starts_with('-')) {
        match arg.as_str() {
            "-m" => return args.get(at + 1..),
            "-W" | "-X" => at += 2,
            "-c" => return None,
            _ => at += 1,
        }
    }
    None
}

fn after_assignments(words: &[String]) -> &[String] {
    &words[words.iter().take_while(|word| is_assignment(word)).count()..]
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// What follows the options, `--` and the words `between` them and the command.
fn after_options<'a>(args: &'a [String], with_value: &[&str], between: usize) -> &'a [String] {
    let mut at = 0;
    while let Some(arg) = args.get(at).filter(|arg| arg.starts_with('-') && arg.len() > 1) {
        at += 1;
        if arg == "--" {
            break;
        }
        if with_value.contains(&arg.as_str()) {
            at += 1;
        }
    }
    args.get(at + between..).unwrap_or_default()
}

/// The word after one of the options, and what follows it.
fn option_value<'a>(args: &'a [String], options: &[&str]) -> Option<(&'a str, &'a [String])> {
    let at = args.iter().position(|arg| options.contains(&arg.as_str()))?;
    Some((args.get(at + 1)?, &args[at + 2..]))
}
