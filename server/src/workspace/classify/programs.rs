//! What a run of a program is for: by the table for most, a few lines for those whose words mean something: script names
//! of package managers, targets of make, tasks of Gradle.

use super::table::{PROGRAMS, SUBCOMMANDS};
use super::wrappers::{Invocation, is_python};
use crate::task::model::Group::{self, Build, Install, Lint, Other, Run, Test};

/// What one program's run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub group: Group,
    /// Known to take long as a rule.
    pub slow: bool,
}

const fn verdict(group: Group, slow: bool) -> Verdict {
    Verdict { group, slow }
}

const PLAIN: Verdict = verdict(Other, false);

/// What a run of a program is for.
pub(super) fn judge(run: &Invocation) -> Verdict {
    let own: Vec<&str> = run.args.iter().map(String::as_str).take_while(|arg| *arg != "--").collect();
    let about = |arg: &&str| matches!(*arg, "--version" | "--help" | "-h");
    // `npm -v` asks for a version, `pytest -v` for more words.
    let asks = table(&run.program).is_none() && matches!(own[..], ["-V" | "-v" | "version" | "help"]);
    if own.iter().any(about) || asks {
        return PLAIN;
    }
    let plain: Vec<&str> = own.iter().copied().filter(|arg| !arg.starts_with(['-', '+'])).collect();
    match run.program.as_str() {
        "npm" | "pnpm" | "yarn" | "bun" => package_manager(&run.program, &without_values(&own)),
        "make" | "gmake" | "just" | "task" | "mage" | "invoke" | "inv" | "rake" => targets(&own),
        "mvn" | "mvnw" | "gradle" | "gradlew" => jvm(&plain),
        "cmake" if own.contains(&"--install") => verdict(Install, true),
        "cmake" => verdict(Build, true),
        "pacman" if own.iter().any(|arg| arg.starts_with("-S")) => verdict(Install, true),
        "node" | "nodejs" | "tsx" | "ts-node" | "deno" if own.contains(&"--test") => verdict(Test, true),
        "docker" | "podman" if plain.first() == Some(&"compose") => subcommand("docker-compose", &plain[1..]),
        "gcloud" | "aws" | "az" if plain.contains(&"deploy") => verdict(Other, true),
        "R" | "Rscript" | "ruby" | "perl" | "php" | "node" | "nodejs" | "tsx" | "ts-node" | "lua" => {
            script(plain.first())
        }
        "bash" | "sh" | "zsh" | "dash" | "ksh" | "fish" => script(plain.first()),
        program if is_python(program) => python(&plain, own.contains(&"-c")),
        program if is_script(&run.written) && table(program).is_none() => script(Some(&run.written.as_str())),
        program => subcommand(program, &plain),
    }
}

fn subcommand(program: &str, plain: &[&str]) -> Verdict {
    let word = plain.first().copied().unwrap_or("");
    let row = |wanted: &str| SUBCOMMANDS.iter().find(|(name, words, ..)| *name == program && words.contains(&wanted));
    if let Some((_, _, group, slow)) = row(word).or_else(|| row("*")) {
        return verdict(*group, *slow);
    }
    table(program).unwrap_or(PLAIN)
}

fn table(program: &str) -> Option<Verdict> {
    let row = PROGRAMS.iter().find(|(names, ..)| names.contains(&program));
    row.map(|(_, group, slow)| verdict(*group, *slow))
}

/// The arguments of a package manager without its options and their values (`--filter web`, `-C web`).
pub(super) fn without_values<'a>(args: &[&'a str]) -> Vec<&'a str> {
    const WITH_VALUE: &[&str] = &["--prefix", "--filter", "-F", "-C", "--dir", "--cwd", "-w", "--workspace"];
    let mut words = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        // pnpm's `-w` takes no value, npm's does; a script's name never follows npm's directly.
        if WITH_VALUE.contains(arg) {
            args.next();
        } else if !arg.starts_with('-') {
            words.push(*arg);
        }
    }
    words
}

fn package_manager(program: &str, words: &[&str]) -> Verdict {
    // `yarn workspace web test`.
    let words = if words.first() == Some(&"workspace") { words.get(2..).unwrap_or_default() } else { words };
    match (program, words.first().copied().unwrap_or("")) {
        ("yarn", "") => verdict(Install, true),
        (_, "install" | "i" | "ci" | "add" | "update" | "up" | "upgrade" | "rebuild" | "link" | "dedupe") => {
            verdict(Install, true)
        }
        (_, "create" | "init") if words.len() > 1 => verdict(Install, true),
        (_, "test" | "t" | "tst") => verdict(Test, true),
        (_, "start") => verdict(Run, true),
        (_, "publish") => verdict(Other, true),
        (_, "run" | "run-script" | "rum") => named(words.get(1).copied().unwrap_or("")),
        ("npm", _) => PLAIN,
        ("bun", "build") => verdict(Build, true),
        ("bun", file) if file.contains('.') => script(Some(&file)),
        // `yarn build`, `pnpm lint`, `yarn eslint .`: a script or a tool of that name.
        (_, name) => table(name).unwrap_or_else(|| named(name)),
    }
}

/// Judges by the first word of a script's or a target's name that says something: `test:unit`, `build-docs`.
fn named(name: &str) -> Verdict {
    let words = name.split(|char: char| !char.is_ascii_alphanumeric()).map(str::to_ascii_lowercase);
    words
        .map(|word| match word.as_str() {
            "test" | "tests" | "spec" | "specs" | "e2e" | "unit" | "integration" | "coverage" | "jest" | "vitest"
            | "pytest" | "bench" | "testing" => verdict(Test, true),
            "build" | "compile" | "bundle" | "dist" | "package" | "all" | "release" | "debug" | "docs" => {
                verdict(Build, true)
            }
            "lint" | "check" | "typecheck" | "types" | "tsc" | "eslint" | "clippy" | "verify" => verdict(Lint, true),
            "fmt" | "format" | "prettier" => verdict(Lint, false),
            "install" | "setup" | "bootstrap" | "deps" => verdict(Install, true),
            "start" | "dev" | "serve" | "server" | "watch" | "preview" => verdict(Run, true),
            "deploy" | "publish" => verdict(Other, true),
            _ => PLAIN,
        })
        .find(|found| *found != PLAIN)
        .unwrap_or(PLAIN)
}

/// `make`, `make -C sub -j 4 test`, `just build`.
fn targets(args: &[&str]) -> Verdict {
    if args.iter().any(|arg| matches!(*arg, "-n" | "--dry-run" | "-l" | "--list" | "--summary" | "-T" | "-q")) {
        return PLAIN;
    }
    let mut names = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match *arg {
            "-C" | "-f" | "-I" | "-o" | "-W" | "--directory" | "--file" => {
                args.next();
            }
            arg if arg.starts_with('-') || arg.contains('=') || arg.chars().all(|char| char.is_ascii_digit()) => {}
            arg => names.push(arg),
        }
    }
    if names.is_empty() {
        return verdict(Build, true);
    }
    names.iter().map(|name| named(name)).max_by_key(|found| weight(found.group)).unwrap_or(PLAIN)
}

/// Maven's phases and Gradle's tasks: `:app:testDebug`, `assemble`.
fn jvm(plain: &[&str]) -> Verdict {
    let judge = |word: &&str| {
        let word = word.rsplit(':').next().unwrap_or(word).to_ascii_lowercase();
        if word.contains("test") || word == "verify" || word == "check" {
            verdict(Test, true)
        } else if word.contains("lint") || word.contains("spotless") {
            verdict(Lint, true)
        } else if word.contains("run") {
            verdict(Run, true)
        } else if word == "clean" || word == "tasks" || word == "dependencies" {
            PLAIN
        } else {
            verdict(Build, true)
        }
    };
    plain.iter().map(judge).max_by_key(|found| weight(found.group)).unwrap_or(verdict(Build, true))
}

fn python(plain: &[&str], inline: bool) -> Verdict {
    match plain {
        _ if inline => PLAIN,
        [file, "test", ..] if file.ends_with("manage.py") || file.ends_with("setup.py") => verdict(Test, true),
        [file, "runserver", ..] if file.ends_with("manage.py") => verdict(Run, true),
        [file, "install" | "develop", ..] if file.ends_with("setup.py") => verdict(Install, true),
        [file, ..] if file.ends_with("setup.py") => verdict(Build, true),
        [file, ..] => script(Some(file)),
        [] => PLAIN,
    }
}

/// True for `./x`, `scripts/x` and names with an extension of scripts.
fn is_script(written: &str) -> bool {
    !written.starts_with('/') && written.contains('/') || written.ends_with(".sh")
}

/// A script of the project, judged by its own name.
fn script(path: Option<&&str>) -> Verdict {
    let Some(path) = path else { return PLAIN };
    let file = path.rsplit('/').next().unwrap_or(path);
    match named(file.rsplit_once('.').map_or(file, |(stem, _)| stem)) {
        PLAIN if file == "configure" => verdict(Build, true),
        PLAIN => verdict(Run, false),
        found => found,
    }
}

fn weight(group: Group) -> u8 {
    match group {
        Test => 5,
        Build => 4,
        Lint => 3,
        Install => 2,
        Run => 1,
        Other => 0,
    }
}
