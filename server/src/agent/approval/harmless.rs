//! Commands that only read, and tell nobody else: a table by program and options. What is not in it is not harmless. The
//! files that such a command reads are judged by `paths`; here they are only found among its words.

use super::filters;
use super::searches::{self, Reach};
use super::shell::{Piece, Word};

/// What a program does with its words.
#[derive(Clone, Copy, PartialEq)]
enum Words {
    /// They are text to it.
    Text,
    /// They are files that it looks at, but not into: names, sizes.
    Names,
    /// They are files whose content it shows.
    Files,
    /// The first is a pattern, unless an option gives one; the others are such files.
    Search,
}

use Words::{Files, Names, Search, Text};

/// Program, what its words are, options that make it more than harmless: the beginnings of short and the whole of long
/// ones; `=` is any word with an `=`.
const PROGRAMS: &[(&str, Words, &[&str])] = &[
    (":", Text, &[]),
    ("true", Text, &[]),
    ("false", Text, &[]),
    ("echo", Text, &[]),
    ("printf", Text, &["-v"]),
    ("pwd", Text, &[]),
    ("seq", Text, &[]),
    ("sleep", Text, &[]),
    ("basename", Text, &[]),
    ("dirname", Text, &[]),
    ("nproc", Text, &[]),
    ("uname", Text, &[]),
    ("arch", Text, &[]),
    ("whoami", Text, &[]),
    ("id", Text, &[]),
    ("groups", Text, &[]),
    ("uptime", Text, &[]),
    ("which", Text, &[]),
    ("type", Text, &[]),
    ("[[", Text, &[]),
    ("[", Names, &["-v", "-R"]),
    ("test", Names, &["-v", "-R"]),
    ("break", Text, &[]),
    ("continue", Text, &[]),
    ("exit", Text, &[]),
    ("wait", Text, &["-p"]),
    ("jobs", Text, &["-x"]),
    ("pgrep", Text, &[]),
    ("free", Text, &[]),
    ("lscpu", Text, &[]),
    ("ss", Text, &["-K", "--kill", "-D", "--diag", "-F", "--filter"]),
    ("tr", Text, &[]),
    ("ls", Names, &[]),
    ("dir", Names, &[]),
    ("stat", Names, &[]),
    ("du", Names, &["--files0-from", "-X", "--exclude-from"]),
    ("df", Names, &[]),
    ("file", Names, &["-f", "--files-from", "-m", "--magic-file", "-C", "--compile", "-z", "-Z"]),
    ("readlink", Names, &[]),
    ("realpath", Names, &[]),
    ("tree", Names, &["-o", "--fromfile", "--fromtabfile", "-R"]),
    ("cat", Files, &[]),
    ("head", Files, &[]),
    ("tail", Files, &[]),
    ("wc", Files, &["--files0-from"]),
    ("nl", Files, &[]),
    ("tac", Files, &[]),
    ("rev", Files, &[]),
    ("cut", Files, &[]),
    ("paste", Files, &[]),
    ("fold", Files, &[]),
    ("fmt", Files, &[]),
    ("expand", Files, &[]),
    ("column", Files, &[]),
    ("comm", Files, &[]),
    ("join", Files, &[]),
    ("cmp", Files, &[]),
    ("diff", Files, &["--to-file", "--from-file", "-X", "--exclude-from"]),
    ("od", Files, &[]),
    ("hexdump", Files, &[]),
    ("strings", Files, &[]),
    ("base64", Files, &[]),
    ("md5sum", Files, &["-c", "--check"]),
    ("sha1sum", Files, &["-c", "--check"]),
    ("sha256sum", Files, &["-c", "--check"]),
    ("sha512sum", Files, &["-c", "--check"]),
    ("cksum", Files, &["-c", "--check"]),
    ("sort", Files, &["-o", "--output", "--compress-program", "--files0-from", "-T", "--temporary-directory"]),
    ("uniq", Files, &[]),
    ("jq", Search, &["-f", "--from-file", "-L", "--rawfile", "--slurpfile"]),
    ("grep", Search, &["-f", "--file", "--exclude-from"]),
    ("egrep", Search, &["-f", "--file", "--exclude-from"]),
    ("fgrep", Search, &["-f", "--file", "--exclude-from"]),
    ("rg", Search, &["--pre", "--hostname-bin", "-f", "--file", "-z", "--search-zip", "--ignore-file"]),
    ("fd", Search, &["-x", "-X", "--exec", "--exec-batch"]),
];

/// Programs that say only which version they are when asked so.
const VERSIONED: &[&str] = &[
    "bash",
    "bun",
    "cargo",
    "clang",
    "cmake",
    "deno",
    "docker",
    "dotnet",
    "gcc",
    "gh",
    "git",
    "go",
    "gradle",
    "java",
    "javac",
    "just",
    "kubectl",
    "make",
    "mvn",
    "node",
    "npm",
    "npx",
    "perl",
    "php",
    "pip",
    "pip3",
    "pnpm",
    "poetry",
    "pytest",
    "python",
    "python3",
    "ruby",
    "rustc",
    "rustup",
    "swift",
    "terraform",
    "tsc",
    "uv",
    "yarn",
    "zig",
];

/// The same, in words of their own.
const SHORT_VERSIONS: &[(&str, &str)] = &[
    ("bun", "-v"),
    ("cargo", "-v"),
    ("cargo", "-vV"),
    ("cargo", "version"),
    ("go", "version"),
    ("java", "-version"),
    ("node", "-v"),
    ("npm", "-v"),
    ("perl", "-v"),
    ("php", "-v"),
    ("pnpm", "-v"),
    ("ruby", "-v"),
    ("rustc", "-vV"),
    ("terraform", "version"),
    ("tsc", "-v"),
    ("yarn", "-v"),
];

/// Subcommands of git that only read, and for those that also write: what their words must be.
const GIT: &[(&str, GitWords)] = &[
    ("status", GitWords::Any),
    ("diff", GitWords::Any),
    ("log", GitWords::Any),
    ("show", GitWords::Any),
    ("blame", GitWords::Any),
    ("annotate", GitWords::Any),
    ("shortlog", GitWords::Any),
    ("rev-parse", GitWords::Any),
    ("rev-list", GitWords::Any),
    ("ls-files", GitWords::Any),
    ("ls-tree", GitWords::Any),
    ("cat-file", GitWords::Any),
    ("describe", GitWords::Any),
    ("merge-base", GitWords::Any),
    ("name-rev", GitWords::Any),
    ("for-each-ref", GitWords::Any),
    ("show-ref", GitWords::Any),
    ("diff-tree", GitWords::Any),
    ("diff-index", GitWords::Any),
    ("count-objects", GitWords::Any),
    ("check-ignore", GitWords::Any),
    ("whatchanged", GitWords::Any),
    ("cherry", GitWords::Any),
    ("grep", GitWords::Any),
    ("version", GitWords::Any),
    (
        "branch",
        GitWords::Only(&["-a", "-r", "-v", "-vv", "-l", "--all", "--remotes", "--list", "--show-current", "--verbose"]),
    ),
    ("tag", GitWords::Only(&["-l", "--list", "-n"])),
    ("remote", GitWords::Only(&["-v", "--verbose"])),
    ("stash", GitWords::First(&["list", "show"])),
    ("reflog", GitWords::First(&["show", "list"])),
    ("worktree", GitWords::First(&["list"])),
    ("submodule", GitWords::First(&["status", "summary"])),
];

/// What the words of a git command may be.
#[derive(Clone, Copy)]
enum GitWords {
    Any,
    Only(&'static [&'static str]),
    First(&'static [&'static str]),
}

/// Options of git that run programs, write files or read beyond the repository.
const GIT_BAD: &[&str] = &[
    "--output",
    "--ext-diff",
    "--textconv",
    "--no-index",
    "--open-files-in-pager",
    "--contents",
    "--filters",
    "--untracked",
    "--no-exclude-standard",
    "--upload-pack",
    "--exec",
    "--paginate",
];

/// What a harmless command looks at.
#[derive(Debug, Default, PartialEq)]
pub struct Reads<'a> {
    /// Words that are files whose content it shows.
    pub files: Vec<&'a Word>,
    /// Words that are only looked up.
    pub names: Vec<&'a Word>,
    /// Places that it looks through with all that is in them.
    pub everything: Vec<String>,
    /// Why it is asked about all the same.
    pub but: Option<&'static str>,
}

/// What a command reads, when it is known to do nothing else. `None` for every other one. Its variables have been looked
/// at.
pub fn reads<'a>(words: &'a [Word], is_piped: bool) -> Option<Reads<'a>> {
    let (program, args) = words.split_first()?;
    let program = program.literal()?;
    let program = ["/bin/", "/usr/bin/"].iter().find_map(|folder| program.strip_prefix(folder)).unwrap_or(program);
    if VERSIONED.contains(&program) && matches!(args, [only] if matches!(only.literal(), Some("--version" | "-V"))) {
        return Some(Reads::default());
    }
    if SHORT_VERSIONS
        .iter()
        .any(|(name, option)| *name == program && args.len() == 1 && args[0].literal() == Some(option))
    {
        return Some(Reads::default());
    }
    match program {
        "git" => git(args),
        "find" => find(args),
        "sed" => filters::sed(args).map(contents),
        "awk" | "gawk" | "mawk" | "nawk" => filters::awk(args).map(contents),
        "set" => set(args),
        "ps" => ps(args),
        "date" => date(args),
        "command" => matches!(args, [first, _] if matches!(first.literal(), Some("-v" | "-V"))).then(Reads::default),
        "hostname" => args.is_empty().then(Reads::default),
        _ => {
            let (_, kind, bad) = PROGRAMS.iter().find(|(name, ..)| *name == program)?;
            if args.iter().any(|arg| is_bad(arg, bad)) {
                return None;
            }
            // Its second file is the one that it writes.
            if program == "uniq" && plain(args).len() > 1 {
                return None;
            }
            listed(program, *kind, args, is_piped)
        }
    }
}

fn listed<'a>(program: &str, kind: Words, args: &'a [Word], is_piped: bool) -> Option<Reads<'a>> {
    let mut reads = Reads::default();
    let mut pattern_words = 0;
    match kind {
        Text => {}
        Names => reads.names = args.iter().collect(),
        Files => reads.files = args.iter().collect(),
        Search => {
            let pattern_by_option = args.iter().any(|arg| {
                let text = arg.text("");
                let short = text.starts_with('-') && !text.starts_with("--") && text.contains('e') && program != "fd";
                text.starts_with("--regexp") || text == "--files" || short && program != "jq"
            });
            let plain = searches::places(program, args);
            let pattern = if pattern_by_option { None } else { plain.first().copied() };
            let is = |arg: &Word, one: &Word| std::ptr::eq(arg, one);
            // What an option chooses names by is no file.
            let chooses = |arg: &Word| arg.literal().is_some_and(|text| text.contains('*'));
            let is_place = |arg: &Word| plain.iter().any(|place| is(arg, place));
            reads.files = args
                .iter()
                .filter(|arg| pattern.is_none_or(|pattern| !is(arg, pattern)) && (is_place(arg) || !chooses(arg)))
                .collect();
            pattern_words = usize::from(!pattern_by_option);
            if program == "jq" && pattern.is_some_and(|filter| names_environment(&filter.text("$"))) {
                reads.but = Some("shows the environment");
            }
            if program == "fd" {
                reads.names = std::mem::take(&mut reads.files);
            }
        }
    }
    let Reach { everything, but } = searches::reach(program, args, pattern_words, is_piped);
    reads.everything = everything;
    reads.but = reads.but.or(but);
    Some(reads)
}

/// Files whose contents are shown.
fn contents(files: Vec<&Word>) -> Reads<'_> {
    Reads { files, ..Reads::default() }
}

/// `set -e`, `set -euo pipefail`: how the shell takes failures, and nothing that a later command gets to see.
fn set(args: &[Word]) -> Option<Reads<'static>> {
    const NAMES: &[&str] = &["errexit", "nounset", "xtrace", "pipefail", "noglob", "noclobber"];
    let mut is_name = false;
    for arg in args {
        let text = arg.literal()?;
        if std::mem::take(&mut is_name) {
            NAMES.contains(&text).then_some(())?;
            continue;
        }
        let letters = text.strip_prefix(['-', '+'])?;
        (!letters.is_empty() && letters.chars().all(|letter| "euxfCo".contains(letter))).then_some(())?;
        is_name = letters.ends_with('o');
    }
    (!is_name && !args.is_empty()).then(Reads::default)
}

/// `ps`, but for the environments of processes, in which keys lie.
fn ps(args: &[Word]) -> Option<Reads<'static>> {
    let harmless = |arg: &Word| {
        arg.literal().is_some_and(|text| match text.strip_prefix('-') {
            Some(option) => !option.contains('E') && !option.to_lowercase().contains("env"),
            None => !text.contains('e') && !text.to_lowercase().contains("env"),
        })
    };
    args.iter().all(harmless).then(Reads::default)
}

/// `date`, asked and not set.
fn date(args: &[Word]) -> Option<Reads<'static>> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.literal() {
            Some("-d" | "--date") => drop(args.next()?.literal()?),
            _ if arg.text("\u{fffd}").starts_with('+') => {}
            Some(option) if option.starts_with("--date=") || option.starts_with("--iso-8601") => {}
            Some("-u" | "--utc" | "-R" | "--rfc-email" | "-I" | "-Iseconds" | "-Iminutes" | "-Idate") => {}
            _ => return None,
        }
    }
    Some(Reads::default())
}

/// `env`, `$ENV`: jq's names for the environment, and keys lie there.
fn names_environment(filter: &str) -> bool {
    filter
        .split(|char: char| !char.is_ascii_alphanumeric() && char != '_')
        .any(|word| matches!(word, "env" | "ENV" | "input_filename" | "include" | "import"))
}

fn git(args: &[Word]) -> Option<Reads<'_>> {
    let mut reads = Reads::default();
    let mut at = 0;
    let subcommand = loop {
        let arg = args.get(at)?;
        match arg.literal()? {
            "--no-pager" | "--no-optional-locks" | "--literal-pathspecs" | "-P" => at += 1,
            "-C" => {
                reads.names.push(args.get(at + 1)?);
                at += 2;
            }
            option if option.starts_with('-') => return None,
            name => break name,
        }
    };
    let args = &args[at + 1..];
    // Who commits; other settings may hold keys.
    if subcommand == "config" {
        let key = match args {
            [key] => key,
            [get, key] if get.literal() == Some("--get") => key,
            _ => return None,
        };
        return key.literal().is_some_and(|key| key.starts_with("user.")).then_some(reads);
    }
    let (_, words) = GIT.iter().find(|(name, _)| *name == subcommand)?;
    if args.iter().any(|arg| is_bad(arg, GIT_BAD) || (subcommand == "grep" && is_bad(arg, &["-O", "-f"]))) {
        return None;
    }
    let is = |arg: &Word, known: &[&str]| arg.literal().is_some_and(|arg| known.contains(&arg));
    let known = match words {
        GitWords::Any => true,
        GitWords::Only(known) => {
            let lists = args.first().is_some_and(|first| is(first, &["-l", "--list"]));
            args.iter().all(|arg| is(arg, known) || (lists && !arg.text("").starts_with('-')))
        }
        GitWords::First(known) => args.first().is_some_and(|first| is(first, known)),
    };
    if !known {
        return None;
    }
    reads.files.extend(args);
    Some(reads)
}

fn find(args: &[Word]) -> Option<Reads<'_>> {
    const WRITES: &[&str] =
        &["-delete", "-exec", "-execdir", "-ok", "-okdir", "-fprint", "-fprint0", "-fprintf", "-fls", "-files0-from"];
    if args.iter().any(|arg| {
        arg.literal().is_some_and(|arg| WRITES.contains(&arg))
            || arg.text("-").starts_with("-f") && arg.literal().is_none()
    }) {
        return None;
    }
    let mut reads = Reads::default();
    let places = args.iter().take_while(|arg| !arg.text("").starts_with(['-', '(', '!']));
    reads.names = places.collect();
    let newer =
        args.windows(2).filter(|pair| pair[0].text("").starts_with("-newer") || pair[0].text("") == "-samefile");
    reads.names.extend(newer.map(|pair| &pair[1]));
    reads.but = searches::reach("find", args, 0, false).but;
    // An expression that is not known may be any of those above.
    args[reads.names.len().min(args.len())..].iter().all(|arg| !is_unknown(arg)).then_some(reads)
}

/// The words that are no options.
fn plain(args: &[Word]) -> Vec<&Word> {
    let mut only_words = false;
    let mut plain = Vec::new();
    for arg in args {
        match arg.literal() {
            Some("--") if !only_words => only_words = true,
            _ if only_words || !arg.text("").starts_with('-') || arg.text("") == "-" => plain.push(arg),
            _ => {}
        }
    }
    plain
}

/// True for a word that may become anything.
fn is_unknown(word: &Word) -> bool {
    word.pieces.iter().any(|piece| !matches!(piece, Piece::Text(_) | Piece::Glob(_) | Piece::Home(_)))
}

/// Whether a word is one of these options, or may be: long ones may be shortened, short ones stand together.
pub fn is_bad(word: &Word, bad: &[&str]) -> bool {
    let text = word.text("");
    if matches!(word.pieces.first(), Some(piece) if !matches!(piece, Piece::Text(_) | Piece::Glob(_) | Piece::Home(_)))
    {
        // `$X` may be an option; the name of a pipe is none.
        return !bad.is_empty() && !word.raw.starts_with(['<', '>']);
    }
    if let Some(long) = text.strip_prefix("--") {
        let name = long.split('=').next().unwrap_or_default();
        return bad
            .iter()
            .filter_map(|bad| bad.strip_prefix("--"))
            .any(|bad| !name.is_empty() && bad.starts_with(name));
    }
    text.strip_prefix('-').is_some_and(|letters| {
        bad.iter().filter(|bad| !bad.starts_with("--")).filter_map(|bad| bad.strip_prefix('-')).any(|bad| {
            match bad.len() {
                1 => letters.contains(bad),
                _ => letters.split('=').next() == Some(bad),
            }
        })
    })
}
