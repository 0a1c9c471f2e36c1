//! What known programs do, by name and subcommand. A table for most, a few lines for those whose words mean something:
//! script names of package managers, targets of make, tasks of Gradle.

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

/// Programs that do one thing, whatever their arguments.
const PROGRAMS: &[(&[&str], Group, bool)] = &[
    (
        &[
            "pytest",
            "py.test",
            "jest",
            "vitest",
            "mocha",
            "ava",
            "tap",
            "karma",
            "cypress",
            "nextest",
            "cargo-nextest",
            "ctest",
            "tox",
            "nox",
            "rspec",
            "phpunit",
            "pest",
            "bats",
            "unittest",
            "nose2",
            "trial",
            "gotestsum",
            "busted",
            "nyc",
            "c8",
            "wtr",
            "testem",
            "behave",
            "cucumber",
            "prove",
            "minitest",
            "tarpaulin",
            "cargo-tarpaulin",
        ],
        Test,
        true,
    ),
    (
        &[
            "tsc",
            "ninja",
            "samu",
            "meson",
            "scons",
            "webpack",
            "rollup",
            "esbuild",
            "parcel",
            "tsup",
            "swc",
            "babel",
            "gcc",
            "g++",
            "clang",
            "clang++",
            "cc",
            "c++",
            "rustc",
            "javac",
            "kotlinc",
            "scalac",
            "ghc",
            "wasm-pack",
            "maturin",
            "cross",
            "buildx",
            "kaniko",
            "pyinstaller",
            "xcodebuild",
            "turbo",
            "nx",
            "lerna",
            "latexmk",
            "pdflatex",
            "tectonic",
            "configure",
            "sphinx-build",
            "build",
            "electron-builder",
            "ant",
            "buck2",
            "protoc",
        ],
        Build,
        true,
    ),
    (
        &[
            "eslint",
            "mypy",
            "pyright",
            "basedpyright",
            "pylint",
            "golangci-lint",
            "clippy-driver",
            "clang-tidy",
            "svelte-check",
            "vue-tsc",
            "rubocop",
            "phpstan",
            "psalm",
            "credo",
            "ktlint",
            "detekt",
            "pre-commit",
            "staticcheck",
            "stylelint",
            "flow",
        ],
        Lint,
        true,
    ),
    (
        &[
            "ruff",
            "flake8",
            "black",
            "isort",
            "prettier",
            "biome",
            "rustfmt",
            "gofmt",
            "goimports",
            "shellcheck",
            "yamllint",
            "markdownlint",
            "hadolint",
            "stylua",
            "luacheck",
            "clang-format",
            "actionlint",
            "standard",
            "xo",
            "oxlint",
            "dprint",
            "taplo",
        ],
        Lint,
        false,
    ),
    (
        &[
            "vite",
            "nodemon",
            "uvicorn",
            "gunicorn",
            "hypercorn",
            "webpack-dev-server",
            "http-server",
            "serve",
            "http.server",
            "streamlit",
            "air",
            "ts-node-dev",
            "storybook",
            "start-storybook",
            "live-server",
            "browser-sync",
            "caddy",
        ],
        Run,
        true,
    ),
    (
        &[
            "vercel",
            "netlify",
            "wrangler",
            "serverless",
            "sls",
            "ansible-playbook",
            "cap",
            "goreleaser",
            "eas",
            "flyctl",
        ],
        Other,
        true,
    ),
];

/// Programs whose first plain argument decides: program, subcommands, verdict. `*` is any other, the empty word is none.
const SUBCOMMANDS: &[(&str, &[&str], Group, bool)] = &[
    ("cargo", &["test", "t", "nextest", "bench", "tarpaulin", "llvm-cov", "miri", "mutants"], Test, true),
    ("cargo", &["build", "b", "rustc", "doc", "d", "package", "dist", "zigbuild", "xtask", "ndk"], Build, true),
    ("cargo", &["clippy", "check", "c", "deny", "audit", "udeps", "machete"], Lint, true),
    ("cargo", &["fmt"], Lint, false),
    ("cargo", &["install", "fetch", "update", "binstall", "vendor"], Install, true),
    ("cargo", &["run", "r", "watch", "leptos"], Run, true),
    ("cargo", &["publish"], Other, true),
    ("go", &["test"], Test, true),
    ("go", &["build", "generate"], Build, true),
    ("go", &["vet"], Lint, true),
    ("go", &["fmt"], Lint, false),
    ("go", &["install", "get"], Install, true),
    ("go", &["run"], Run, true),
    ("pip", &["install", "download", "wheel", "sync"], Install, true),
    ("pip3", &["install", "download", "wheel"], Install, true),
    ("uv", &["sync", "pip", "add", "lock", "tool", "python"], Install, true),
    ("uv", &["build"], Build, true),
    ("uv", &["publish"], Other, true),
    ("poetry", &["install", "add", "update", "lock", "sync", "remove"], Install, true),
    ("poetry", &["build"], Build, true),
    ("poetry", &["publish"], Other, true),
    ("pipenv", &["install", "sync", "update", "lock"], Install, true),
    ("pdm", &["install", "sync", "add", "update", "lock"], Install, true),
    ("pdm", &["build"], Build, true),
    ("conda", &["install", "create", "update", "env"], Install, true),
    ("mamba", &["install", "create", "update", "env"], Install, true),
    ("pixi", &["install", "add"], Install, true),
    ("pipx", &["install", "upgrade"], Install, true),
    ("apt", &["install", "update", "upgrade", "full-upgrade", "dist-upgrade", "build-dep"], Install, true),
    ("apt-get", &["install", "update", "upgrade", "dist-upgrade", "build-dep"], Install, true),
    ("dnf", &["install", "update", "upgrade", "group"], Install, true),
    ("yum", &["install", "update", "upgrade"], Install, true),
    ("zypper", &["install", "in", "update", "up"], Install, true),
    ("apk", &["add", "update", "upgrade"], Install, true),
    ("brew", &["install", "upgrade", "update", "bundle"], Install, true),
    ("snap", &["install", "refresh"], Install, true),
    ("flatpak", &["install", "update"], Install, true),
    ("rustup", &["update", "install", "component", "target", "toolchain"], Install, true),
    ("gem", &["install", "update"], Install, true),
    ("bundle", &["install", "update", ""], Install, true),
    ("composer", &["install", "update", "require"], Install, true),
    ("mix", &["test"], Test, true),
    ("mix", &["compile", "release"], Build, true),
    ("mix", &["deps.get", "deps.update", "setup"], Install, true),
    ("mix", &["credo", "dialyzer"], Lint, true),
    ("mix", &["phx.server"], Run, true),
    ("rails", &["test", "spec"], Test, true),
    ("rails", &["server", "s"], Run, true),
    ("dotnet", &["test"], Test, true),
    ("dotnet", &["build", "publish", "pack", "msbuild"], Build, true),
    ("dotnet", &["restore", "add"], Install, true),
    ("dotnet", &["format"], Lint, true),
    ("dotnet", &["run", "watch"], Run, true),
    ("swift", &["test"], Test, true),
    ("swift", &["build"], Build, true),
    ("swift", &["run"], Run, true),
    ("zig", &["test"], Test, true),
    ("zig", &["build", "build-exe", "build-lib"], Build, true),
    ("flutter", &["test"], Test, true),
    ("flutter", &["build"], Build, true),
    ("flutter", &["analyze"], Lint, true),
    ("flutter", &["run"], Run, true),
    ("dart", &["test"], Test, true),
    ("dart", &["analyze"], Lint, true),
    ("deno", &["test", "bench"], Test, true),
    ("deno", &["compile"], Build, true),
    ("deno", &["lint", "check"], Lint, true),
    ("deno", &["install"], Install, true),
    ("bazel", &["test", "coverage"], Test, true),
    ("bazel", &["build"], Build, true),
    ("bazel", &["run"], Run, true),
    ("stack", &["test"], Test, true),
    ("stack", &["build"], Build, true),
    ("cabal", &["test"], Test, true),
    ("cabal", &["build"], Build, true),
    ("sbt", &["test"], Test, true),
    ("sbt", &["compile", "package", "assembly"], Build, true),
    ("playwright", &["test"], Test, true),
    ("playwright", &["install"], Install, true),
    ("next", &["build"], Build, true),
    ("next", &["lint"], Lint, true),
    ("next", &["dev", "start"], Run, true),
    ("vite", &["build"], Build, true),
    ("ng", &["test", "e2e"], Test, true),
    ("ng", &["build"], Build, true),
    ("ng", &["lint"], Lint, true),
    ("ng", &["serve"], Run, true),
    ("docker", &["build", "buildx"], Build, true),
    ("docker", &["pull"], Install, true),
    ("docker", &["push"], Other, true),
    ("docker", &["run", "start"], Run, true),
    ("podman", &["build"], Build, true),
    ("podman", &["pull"], Install, true),
    ("podman", &["run"], Run, true),
    ("docker-compose", &["build"], Build, true),
    ("docker-compose", &["up", "run"], Run, true),
    ("terraform", &["apply", "plan", "destroy", "init"], Other, true),
    ("tofu", &["apply", "plan", "destroy", "init"], Other, true),
    ("pulumi", &["up", "preview", "destroy"], Other, true),
    ("kubectl", &["apply", "rollout", "wait", "drain"], Other, true),
    ("helm", &["install", "upgrade"], Other, true),
    ("fly", &["deploy"], Other, true),
    ("firebase", &["deploy"], Other, true),
    ("cdk", &["deploy", "synth", "destroy"], Other, true),
    ("sam", &["deploy"], Other, true),
    ("sam", &["build"], Build, true),
    ("heroku", &["container:push"], Other, true),
    ("gcloud", &["deploy"], Other, true),
    ("twine", &["upload"], Other, true),
    ("flask", &["run"], Run, true),
    ("hugo", &["server", "serve"], Run, true),
    ("hugo", &[""], Build, true),
    ("mkdocs", &["build"], Build, true),
    ("mkdocs", &["serve"], Run, true),
    ("git", &["clone"], Other, true),
    ("nix", &["build", "flake"], Build, true),
    ("nix-build", &["*", ""], Build, true),
    ("pre-commit", &["install"], Install, false),
];

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
fn without_values<'a>(args: &[&'a str]) -> Vec<&'a str> {
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
