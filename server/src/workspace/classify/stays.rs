//! Which programs stay until they are stopped: servers, watchers, followed streams. By name, subcommand and option; scripts
//! of a package manager and targets of make by their own names, since what is behind them is in files.

use super::programs::{self, Verdict};
use super::wrappers::{Invocation, is_python};
use crate::task::model::Group;

/// What stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stays {
    /// It gives out what others write: `tail -f`.
    Stream,
    /// It does its work again when files change: `tsc --watch`.
    Watcher,
    /// It listens on an address: `vite`.
    Server,
}

/// Programs that are servers, whatever their arguments.
const SERVERS: &[&str] = &[
    "uvicorn",
    "gunicorn",
    "hypercorn",
    "daphne",
    "waitress-serve",
    "webpack-dev-server",
    "http-server",
    "serve",
    "http.server",
    "live-server",
    "browser-sync",
    "json-server",
    "start-storybook",
    "puma",
    "rackup",
    "thin",
    "redis-server",
    "mongod",
];

/// Programs that watch files, whatever their arguments.
const WATCHERS: &[&str] = &[
    "nodemon",
    "ts-node-dev",
    "air",
    "watchexec",
    "entr",
    "cargo-watch",
    "bacon",
    "ptw",
    "pytest-watch",
    "pytest-watcher",
];

/// Programs and the subcommands that make them servers; the empty word is none.
const SERVING: &[(&str, &[&str])] = &[
    ("vite", &["", "dev", "serve", "preview"]),
    ("next", &["dev", "start"]),
    ("nuxt", &["dev", "preview"]),
    ("nuxi", &["dev", "preview"]),
    ("astro", &["dev", "preview"]),
    ("remix", &["dev", "vite:dev"]),
    ("gatsby", &["develop", "serve"]),
    ("expo", &["start"]),
    ("webpack", &["serve", "s"]),
    ("parcel", &["", "serve"]),
    ("rspack", &["serve"]),
    ("react-scripts", &["start"]),
    ("vue-cli-service", &["serve"]),
    ("ng", &["serve"]),
    ("storybook", &["dev"]),
    ("wrangler", &["dev"]),
    ("netlify", &["dev"]),
    ("vercel", &["dev"]),
    ("firebase", &["serve", "emulators:start"]),
    ("flask", &["run"]),
    ("fastapi", &["dev", "run"]),
    ("django-admin", &["runserver"]),
    ("streamlit", &["run"]),
    ("jupyter", &["lab", "notebook", "server"]),
    ("mkdocs", &["serve"]),
    ("rails", &["server", "s"]),
    ("jekyll", &["serve", "server", "s"]),
    ("mix", &["phx.server"]),
    ("artisan", &["serve"]),
    ("hugo", &["server", "serve"]),
    ("trunk", &["serve"]),
    ("caddy", &["run", "file-server", "reverse-proxy"]),
];

/// Programs and the subcommands that make them watchers.
const WATCHING: &[(&str, &[&str])] = &[
    ("cargo", &["watch"]),
    ("dotnet", &["watch"]),
    ("tsx", &["watch"]),
    ("vitest", &["watch", "dev"]),
    ("trunk", &["watch"]),
    ("ember", &["serve", "s"]),
];

/// Programs that watch with `-w` too.
const SHORT_WATCH: &[&str] = &[
    "tsc",
    "vue-tsc",
    "webpack",
    "rollup",
    "rspack",
    "mocha",
    "ava",
    "babel",
    "swc",
    "sass",
    "tailwindcss",
    "ng-packagr",
];

/// Programs of no group whose `--watch` is what it says.
const LONG_WATCH: &[&str] = &["tailwindcss", "sass", "postcss", "node", "deno", "bun", "protoc-watch", "elm-watch"];

/// What one program's run is, when it stays.
pub(super) fn judge(run: &Invocation) -> Option<Stays> {
    let args: Vec<&str> = run.args.iter().map(String::as_str).collect();
    let own: Vec<&str> = args.iter().copied().take_while(|arg| *arg != "--").collect();
    let verdict = programs::judge(run);
    if own.iter().any(|arg| matches!(*arg, "--version" | "--help" | "-h")) {
        return None;
    }
    let plain: Vec<&str> = own.iter().copied().filter(|arg| !arg.starts_with('-')).collect();
    let program = run.program.as_str();
    let first = plain.first().copied().unwrap_or("");
    let listed =
        |table: &[(&str, &[&str])]| table.iter().any(|(name, words)| *name == program && words.contains(&first));
    if SERVERS.contains(&program) || listed(SERVING) {
        return Some(Stays::Server);
    }
    if WATCHERS.contains(&program) || listed(WATCHING) || watches(program, &args, verdict) {
        return Some(Stays::Watcher);
    }
    match program {
        "npm" | "pnpm" | "yarn" | "bun" => script(program, &programs::without_values(&own)),
        "make" | "gmake" | "just" | "task" | "mage" | "rake" if verdict.group == Group::Run => {
            plain.iter().find_map(|target| named(target))
        }
        "docker" | "podman" if first == "compose" => compose(&plain[1..], &own),
        "docker-compose" | "podman-compose" => compose(&plain, &own),
        "docker" | "podman" | "kubectl" if first == "logs" => follows(&own).then_some(Stays::Stream),
        "kubectl" if first == "port-forward" => Some(Stays::Server),
        "tail" => (follows(&own) || own.iter().any(|arg| bundled(arg, "F"))).then_some(Stays::Stream),
        "journalctl" | "stern" => (program == "stern" || follows(&own)).then_some(Stays::Stream),
        "php" if own.contains(&"-S") => Some(Stays::Server),
        "php" if first == "artisan" && plain.get(1) == Some(&"serve") => Some(Stays::Server),
        "node" | "nodejs" | "deno" | "tsx" | "ts-node" | "ruby" => server_file(first),
        _ if is_python(program) => match plain[..] {
            [file, "runserver", ..] if file.ends_with("manage.py") => Some(Stays::Server),
            _ => server_file(first),
        },
        _ if matches!(first, "runserver") && program == "manage.py" => Some(Stays::Server),
        _ => None,
    }
}

/// `--watch`, `--watchAll`, `--watch=true`, `-w` where it means that.
fn watches(program: &str, args: &[&str], verdict: Verdict) -> bool {
    let manager = matches!(program, "npm" | "pnpm" | "yarn" | "bun");
    if verdict.group == Group::Other && !LONG_WATCH.contains(&program) && !manager {
        return false;
    }
    args.iter().enumerate().any(|(at, arg)| match arg.split_once('=') {
        Some(("--watch" | "--watchAll", value)) => value != "false",
        Some(_) => false,
        None if matches!(*arg, "--watch" | "--watchAll") => args.get(at + 1) != Some(&"false"),
        None => *arg == "-w" && SHORT_WATCH.contains(&program),
    })
}

/// The script that a package manager runs: `npm run dev`, `yarn start`, `pnpm dev`.
fn script(program: &str, words: &[&str]) -> Option<Stays> {
    let words = if words.first() == Some(&"workspace") { words.get(2..).unwrap_or_default() } else { words };
    match words {
        ["run" | "run-script", name, ..] => named(name),
        ["start", ..] => Some(Stays::Server),
        // npm alone wants `run` before the name of a script.
        [name, ..] if program != "npm" => named(name),
        _ => None,
    }
}

/// Judges a script or a target by its name: `dev`, `start:web`, `test:watch`, and not `build:dev` or `serve-build`.
fn named(name: &str) -> Option<Stays> {
    let words: Vec<String> =
        name.split(|char: char| !char.is_ascii_alphanumeric()).map(str::to_ascii_lowercase).collect();
    if words.iter().any(|word| word == "watch") {
        return Some(Stays::Watcher);
    }
    const ENDS: &[&str] = &[
        "build", "test", "tests", "lint", "check", "stop", "install", "deps", "setup", "clean", "migrate", "seed",
        "e2e", "format", "fmt", "types", "ci",
    ];
    let starts = matches!(words.first()?.as_str(), "dev" | "serve" | "server" | "start" | "preview" | "storybook");
    (starts && !words.iter().any(|word| ENDS.contains(&word.as_str()))).then_some(Stays::Server)
}

/// `docker compose up` in the foreground, `docker compose logs -f`.
fn compose(plain: &[&str], own: &[&str]) -> Option<Stays> {
    let has = |flags: &[&str]| own.iter().any(|arg| flags.contains(arg));
    // Words before the subcommand are values of options: `-f compose.yml`.
    match plain.iter().copied().find(|word| matches!(*word, "up" | "logs" | "watch"))? {
        "up" => (!has(&["-d", "--detach", "--wait", "--no-start"])).then_some(Stays::Server),
        "logs" => {
            let after = own.iter().position(|arg| *arg == "logs").unwrap_or(0);
            follows(&own[after..]).then_some(Stays::Stream)
        }
        _ => Some(Stays::Watcher),
    }
}

fn follows(own: &[&str]) -> bool {
    own.iter().any(|arg| *arg == "--follow" || arg.starts_with("--follow=") || bundled(arg, "f"))
}

/// A short option, alone or among others: `-f`, `-fn100`.
fn bundled(arg: &str, letter: &str) -> bool {
    arg.strip_prefix('-').is_some_and(|rest| !rest.starts_with('-') && rest.contains(letter))
}

/// `node server.js`, `python dev_server.py`.
fn server_file(path: &str) -> Option<Stays> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.split('.').next().unwrap_or(file).to_ascii_lowercase().replace(['-', '_'], "");
    matches!(stem.as_str(), "server" | "devserver" | "webserver" | "httpserver").then_some(Stays::Server)
}
