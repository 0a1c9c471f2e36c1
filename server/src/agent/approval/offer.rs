//! What "always" may save for a command: a prefix where that is as safe as the command itself, else exactly the command,
//! and for some commands nothing. And what a saved prefix does not stand for.

use super::harmless::is_bad;
use super::rule::Rule;
use super::shell::Word;
use super::unwrap::{ELSEWHERE, SHELLS};

/// Programs and subcommands whose further words choose what they work on; no subcommand: the program alone.
const PREFIXES: &[(&str, &[&str])] = &[
    (
        "cargo",
        &["test", "build", "check", "clippy", "fmt", "doc", "bench", "tree", "metadata", "nextest run", "nextest list"],
    ),
    ("npm", &["test", "t", "ci", "ls", "outdated"]),
    ("pnpm", &["test", "ls", "outdated"]),
    ("yarn", &["test"]),
    ("bun", &["test"]),
    ("go", &["test", "build", "vet", "fmt", "list", "doc"]),
    ("dotnet", &["test", "build", "format"]),
    ("swift", &["test", "build"]),
    ("zig", &["test", "fmt"]),
    ("mix", &["test", "format", "compile"]),
    ("uv", &["run pytest", "run ruff", "run mypy", "run black", "run pyright"]),
    ("poetry", &["run pytest", "run ruff", "run mypy", "run black", "run pyright"]),
    ("python", &["-m pytest", "-m mypy", "-m ruff", "-m unittest"]),
    ("python3", &["-m pytest", "-m mypy", "-m ruff", "-m unittest"]),
    ("npx", &["jest", "vitest", "eslint", "tsc", "prettier"]),
    ("pnpm exec", &["jest", "vitest", "eslint", "tsc", "prettier"]),
    ("bundle", &["exec rspec", "exec rubocop"]),
    ("git", &["status", "diff", "log", "show", "blame", "add", "commit", "fetch", "stash list", "branch", "switch"]),
    ("pytest", &[]),
    ("ruff", &["check", "format"]),
    ("mypy", &[]),
    ("pyright", &[]),
    ("black", &[]),
    ("isort", &[]),
    ("flake8", &[]),
    ("jest", &[]),
    ("vitest", &["run"]),
    ("eslint", &[]),
    ("tsc", &[]),
    ("prettier", &[]),
    ("biome", &["check", "lint", "format"]),
    ("rustfmt", &[]),
    ("gofmt", &[]),
    ("golangci-lint", &["run"]),
    ("shellcheck", &[]),
    ("rspec", &[]),
    ("rubocop", &[]),
    ("phpunit", &[]),
    ("ctest", &[]),
    ("ls", &[]),
    ("mkdir", &[]),
    ("touch", &[]),
];

/// Options with which a program of the table runs or writes something else: no prefix stands for them.
const BEYOND: &[(&str, &[&str])] = &[
    (
        "cargo",
        &[
            "--config",
            "--config-file",
            "--tool-config-file",
            "--user-config-file",
            "-Z",
            "--target-dir",
            "--out-dir",
            "--artifact-dir",
            "--manifest-path",
            "-C",
            "--lockfile-path",
            "--archive-file",
            "--extract-to",
            "--binaries-metadata",
            "--cargo-metadata",
        ],
    ),
    (
        "npm",
        &[
            "--script-shell",
            "--prefix",
            "--node-options",
            "--userconfig",
            "--globalconfig",
            "--registry",
            "--git",
            "--cache",
            "--python",
            "--call",
            "-c",
            "-C",
            "--shell",
            "-g",
            "--global",
        ],
    ),
    ("pnpm", &["--script-shell", "--shell", "-C", "--dir", "--node-options", "--config*", "--registry"]),
    ("yarn", &["--cwd", "--use-yarnrc", "--rc"]),
    ("bun", &["--preload", "-r", "--require", "--cwd", "--config", "-c", "--env-file", "--reporter-outfile"]),
    ("pyright", &["-p", "--project", "-v", "--venvpath", "--pythonpath"]),
    (
        "go",
        &[
            "-exec",
            "-toolexec",
            "-o",
            "-overlay",
            "-ldflags",
            "-gcflags",
            "-asmflags",
            "-gccgoflags",
            "-modfile",
            "-C",
            "-vettool",
            "-cpuprofile",
            "-memprofile",
            "-blockprofile",
            "-mutexprofile",
            "-trace",
            "-outputdir",
            "-coverprofile",
            "-compiler",
            "-test.*",
        ],
    ),
    (
        "pytest",
        &[
            "-p",
            "-c",
            "-o",
            "--override-ini",
            "--rootdir",
            "--config-file",
            "--confcutdir",
            "--basetemp",
            "--junitxml",
            "--junit-xml",
            "--log-file",
            "--pyargs",
            "--import-mode",
            "--pdbcls",
            "--debug",
            "--pastebin",
            "--tx",
            "--px",
            "--rsyncdir",
            "--cov-config",
            "--report-log",
        ],
    ),
    (
        "uv",
        &[
            "--with",
            "--with-requirements",
            "--python",
            "--project",
            "--directory",
            "--index*",
            "--default-index",
            "--env-file",
        ],
    ),
    (
        "git",
        &[
            "-c",
            "--exec",
            "--upload-pack",
            "--ext-diff",
            "--textconv",
            "--output",
            "--no-index",
            "--open-files-in-pager",
            "-O",
            "--template",
            "--exec-path",
            "--git-dir",
            "--work-tree",
            "--edit-description",
        ],
    ),
    (
        "eslint",
        &[
            "-c",
            "--config",
            "--rulesdir",
            "--resolve-plugins-relative-to",
            "--plugin",
            "--parser",
            "-f",
            "--format",
            "-o",
            "--output-file",
            "--cache-file",
            "--cache-location",
        ],
    ),
    (
        "jest",
        &[
            "-c",
            "--config",
            "--globalSetup",
            "--globalTeardown",
            "--setupFiles",
            "--setupFilesAfterEnv",
            "--transform",
            "--runner",
            "--testRunner",
            "--reporters",
            "--rootDir",
            "--resolver",
            "--outputFile",
            "--testEnvironment",
            "--testResultsProcessor",
            "--testSequencer",
            "--cacheDirectory",
            "--coverageDirectory",
            "--filter",
            "--prettierPath",
            "--preset",
            "--projects",
            "--snapshotSerializers",
            "--dependencyExtractor",
        ],
    ),
    (
        "vitest",
        &["-c", "--config", "--reporter", "--outputFile", "--root", "-r", "--dir", "--environment", "--globalSetup"],
    ),
    (
        "tsc",
        &[
            "-p",
            "--project",
            "-b",
            "--build",
            "--outDir",
            "--outFile",
            "--declarationDir",
            "--tsBuildInfoFile",
            "--generateTrace",
            "--generateCpuProfile",
            "--plugins",
        ],
    ),
    ("prettier", &["--plugin", "--plugin-search-dir", "--config", "--find-config-path"]),
    ("mypy", &["--config-file", "--python-executable", "--cache-dir", "--install-types", "--junit-xml"]),
    ("rspec", &["-r", "--require", "-I", "-o", "--out", "-O", "--options"]),
    ("rubocop", &["-r", "--require", "--plugin", "-c", "--config", "-o", "--out"]),
    ("golangci-lint", &["-c", "--config", "--out-format"]),
    ("flake8", &["--config", "--append-config", "--output-file"]),
    (
        "ctest",
        &[
            "-S",
            "-SP",
            "--script",
            "-D",
            "--build-and-test",
            "--test-command",
            "--build-makeprogram",
            "-O",
            "--output-log",
        ],
    ),
    (
        "phpunit",
        &["-c", "--configuration", "--bootstrap", "--printer", "--log-junit", "--extension", "-d", "--prepend"],
    ),
    ("ruff", &["--config", "--output-file", "-o", "--cache-dir"]),
    (
        "dotnet",
        &[
            "-s",
            "--settings",
            "--logger",
            "-l",
            "-o",
            "--output",
            "-p",
            "--property",
            "--diag",
            "-d",
            "-e",
            "--environment",
            "--test-adapter-path",
        ],
    ),
    ("swift", &["--package-path", "--scratch-path", "-Xlinker", "-Xswiftc", "-Xcc", "--disable-sandbox"]),
    ("rustfmt", &["--config-path", "--config"]),
    ("black", &["--config"]),
    ("mix", &["-r", "--require", "--formatter", "--dot-formatter"]),
    ("zig", &["--test-cmd", "-femit-bin"]),
    ("make", &["-f", "--file", "--makefile", "-C", "--directory", "--eval", "-I", "--include-dir"]),
    ("rg", &["--pre", "--hostname-bin"]),
    ("tar", &["-I", "--use-compress-program", "--to-command", "--checkpoint-action", "--rmt-command", "--rsh-command"]),
    ("rsync", &["-e", "--rsh", "--rsync-path"]),
    ("find", &["-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprintf", "-fls"]),
];

/// Interpreters, and the options after which code stands.
const CODE: &[(&str, &[&str])] = &[
    ("python", &["-c"]),
    ("node", &["-e", "-p", "--eval", "--print", "-r", "--require", "--import"]),
    ("deno", &["eval", "--eval"]),
    ("bun", &["-e", "--eval", "-p", "--print"]),
    ("ruby", &["-e"]),
    ("perl", &["-e", "-E", "-n", "-p"]),
    ("php", &["-r", "-B", "-R", "-E"]),
    ("lua", &["-e"]),
    ("Rscript", &["-e"]),
    ("osascript", &["-e"]),
    ("julia", &["-e", "-E", "--eval"]),
    ("elixir", &["-e", "--eval"]),
    ("ghc", &["-e"]),
    ("nvim", &["-c", "--cmd"]),
    ("vim", &["-c", "--cmd"]),
    ("emacs", &["--eval"]),
    ("psql", &["-c"]),
];

/// The rule that "always" saves for a command; `None` for one that is asked about each time.
pub fn rule(words: &[Word]) -> Option<Rule> {
    let words: Vec<&str> = words.iter().map(Word::literal).collect::<Option<_>>()?;
    let (first, args) = words.split_first()?;
    let program = first.rsplit('/').next().unwrap_or(first);
    let reached = [
        "sudo", "doas", "su", "pkexec", "ssh", "eval", "awk", "gawk", "mawk", "trap", "alias", "source", ".", "export",
        "declare", "set", "env", "printenv", "shopt", "unset", "enable", "hash",
        // The same words are another process, another link, another time.
        "kill", "ln", "mount", "crontab", "at",
    ];
    // A shell without a script reads one.
    let input = |arg: &&str| arg.starts_with('-') && !arg.starts_with("--") && arg.contains('s');
    let runs_text = SHELLS.contains(&program)
        && program != "busybox"
        && (args.iter().all(|arg| arg.starts_with(['-', '+']) && *arg != "--version") || args.iter().any(input));
    let reconfigured = program == "git"
        && args.first().is_some_and(|arg| arg.starts_with("-c") || arg.starts_with("--exec") || *arg == "config");
    if reconfigured || reached.contains(&program) || runs_text || is_code(program, args) || carries_text(program, args)
    {
        return None;
    }
    for (name, subs) in PREFIXES {
        let mut wanted: Vec<&str> = name.split(' ').collect();
        if subs.is_empty() && words.starts_with(&wanted) && !goes_beyond(&words[1..], first) {
            return Some(Rule::command(&wanted, true));
        }
        for sub in *subs {
            wanted.truncate(name.split(' ').count());
            wanted.extend(sub.split(' '));
            if words.starts_with(&wanted) && !goes_beyond(&words[1..], first) {
                return Some(Rule::command(&wanted, true));
            }
        }
    }
    // A script has a name: what is after it are its words.
    if let ["npm" | "pnpm" | "yarn" | "bun", "run", name, ..] = words[..]
        && !name.starts_with('-')
        && !goes_beyond(&words[1..], first)
    {
        return Some(Rule::command(&words[..3], true));
    }
    // A person reads the rule in one glance. A substitution in quotes some programs expand.
    let unread = |word: &&str| word.is_empty() || word.contains('\n') || word.len() > 200 || word.contains("$(");
    if words.iter().any(unread) || words.len() > 20 {
        return None;
    }
    Some(Rule::command(&words, false))
}

fn goes_beyond(args: &[&str], program: &str) -> bool {
    let args: Vec<Word> = args.iter().map(|arg| Word::plain(arg)).collect();
    beyond(program, &args, &args)
}

/// Whether a command runs what the project's files say, which is another thing in another folder.
pub fn runs_scripts(words: &[Word]) -> bool {
    let program = words.first().and_then(Word::literal).unwrap_or_default();
    matches!(
        program,
        "npm" | "pnpm" | "yarn" | "bun" | "make" | "gmake" | "just" | "task" | "rake" | "composer" | "deno" | "mage"
    )
}

/// Code as a word of the command, or as its input.
fn is_code(program: &str, args: &[&str]) -> bool {
    let base = program.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.');
    let Some((_, options)) = CODE.iter().find(|(name, _)| *name == base) else { return false };
    // `-` alone, or nothing, reads it.
    let reads =
        args.iter().all(|arg| arg.starts_with('-')) && !matches!(args, ["--version" | "-V" | "-v" | "--test", ..]);
    reads
        || args
            .iter()
            .take_while(|arg| **arg != "-m")
            .any(|arg| options.contains(arg) || is_bad(&Word::plain(arg), options))
}

/// A program that takes a command as a text of its own.
fn carries_text(program: &str, args: &[&str]) -> bool {
    ELSEWHERE.contains(&program)
        && args.iter().any(|arg| arg.contains([' ', ';', '|', '&', '`']) || *arg == "-c" || *arg == "-S")
}

/// True when words that a `*` stands for reach further than the prefix says: they run or write something else.
/// `more` are those of the arguments that the `*` stands for.
pub fn beyond(program: &str, args: &[Word], more: &[Word]) -> bool {
    let program = program.rsplit('/').next().unwrap_or(program);
    // What comes after the program that a runner runs belongs to that.
    let inner = args.iter().filter_map(Word::literal).find(|arg| BEYOND.iter().any(|(name, _)| name == arg));
    [Some(program), inner].into_iter().flatten().any(|program| {
        let Some((_, options)) = BEYOND.iter().find(|(name, _)| *name == program) else { return false };
        let own = more.iter().take_while(|arg| arg.literal() != Some("--") || program != "cargo");
        // `--index*` is every option that begins so.
        let begins = |arg: &str| options.iter().filter_map(|bad| bad.strip_suffix('*')).any(|bad| arg.starts_with(bad));
        own.map(|arg| arg.text("")).any(|arg| match program {
            // Go's options are whole words, and may have two dashes.
            "go" => {
                let arg = arg.replacen("--", "-", 1);
                begins(&arg) || options.contains(&arg.split('=').next().unwrap_or_default())
            }
            "make" if arg.contains('=') => true,
            // An address that names the program to talk to.
            "git" if arg.starts_with("ext::") || arg.starts_with("fd::") => true,
            _ => begins(&arg) || is_bad(&Word::plain(&arg), options) || is_respelled(&arg, options),
        })
    })
}

/// `--global-setup` for `--globalSetup`: many programs take both.
fn is_respelled(arg: &str, options: &[&str]) -> bool {
    let bare = |option: &str| option.trim_start_matches('-').replace('-', "").to_lowercase();
    let name = bare(arg.split('=').next().unwrap_or_default());
    arg.starts_with("--") && options.iter().any(|option| option.starts_with("--") && bare(option) == name)
}
