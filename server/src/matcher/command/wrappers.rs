//! Programs that run another program: which of their words are theirs. Tables alone; `command` walks over them.

/// What takes the rest of its words as a command: name, options with a value, words before the command.
const WRAPPERS: &[(&str, &[&str], usize)] = &[
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "-D", "--user", "--group", "--chdir"], 0),
    ("doas", &["-u", "-C"], 0),
    ("env", &["-u", "--unset", "-S"], 0),
    ("cross-env", &[], 0),
    ("time", &["-f", "-o", "--format", "--output"], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("ionice", &["-c", "-n"], 0),
    ("nohup", &[], 0),
    ("setsid", &[], 0),
    ("exec", &["-a"], 0),
    ("command", &[], 0),
    ("builtin", &[], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("unbuffer", &[], 0),
    ("chronic", &[], 0),
    ("xvfb-run", &["-s", "-n", "-e", "-f", "-p", "-w"], 0),
    ("timeout", &["-k", "-s", "--kill-after", "--signal"], 1),
    ("taskset", &["-c"], 1),
    ("npx", &["-p", "--package", "-w", "--workspace"], 0),
    ("pnpx", &["-p", "--package"], 0),
    ("bunx", &["-p", "--package"], 0),
    ("uvx", &["--from", "--with", "-p", "--python"], 0),
    ("dotenv", &["-e", "-f"], 0),
];

/// The same behind a word of its own: `uv run pytest`.
const RUNNERS: &[(&str, &[&str], &[&str])] = &[
    ("uv", &["run"], &["--with", "--extra", "--group", "-p", "--python", "--package", "--env-file"]),
    ("poetry", &["run"], &[]),
    ("pipenv", &["run"], &[]),
    ("pdm", &["run"], &["-p", "--project"]),
    ("hatch", &["run"], &[]),
    ("rye", &["run"], &[]),
    ("conda", &["run"], &["-n", "--name", "-p", "--prefix"]),
    ("bundle", &["exec"], &[]),
    ("rbenv", &["exec"], &[]),
    ("mise", &["exec", "x"], &[]),
    ("npm", &["exec", "x"], &["-w", "--workspace"]),
    ("pnpm", &["exec", "dlx"], &[]),
    ("yarn", &["exec", "dlx"], &[]),
    ("bun", &["x"], &[]),
    ("rustup", &["run"], &[]),
    ("coverage", &["run"], &["--source", "--rcfile", "--omit", "--include"]),
];

/// What a program runs, when it is one that runs others: the words from the other program's name on.
pub(super) fn wrapped<'w>(program: &str, arguments: &'w [String]) -> Option<&'w [String]> {
    if let Some((_, options, before)) = WRAPPERS.iter().find(|(name, ..)| *name == program) {
        return Some(behind(arguments, options, *before));
    }
    let (_, words, options) = RUNNERS.iter().find(|(name, ..)| *name == program)?;
    let at = arguments.iter().position(|word| words.contains(&word.as_str()))?;
    Some(behind(&arguments[at + 1..], options, usize::from(program == "rustup")))
}

/// The words behind a program's options, assignments of variables, `--`, and `before` more words.
pub(super) fn behind<'w>(arguments: &'w [String], with_value: &[&str], before: usize) -> &'w [String] {
    let (mut rest, mut before) = (arguments, before);
    while let [word, tail @ ..] = rest {
        let assigns = word
            .split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        if word == "--" {
            return tail;
        }
        if word.starts_with('-') && word.len() > 1 {
            // `-m module` is what Python's runners are given instead of a program.
            if word == "-m" {
                return tail;
            }
            let takes = with_value.contains(&word.as_str());
            rest = if takes { tail.get(1..).unwrap_or_default() } else { tail };
        } else if assigns {
            rest = tail;
        } else if before > 0 {
            before -= 1;
            rest = tail;
        } else {
            break;
        }
    }
    rest
}
