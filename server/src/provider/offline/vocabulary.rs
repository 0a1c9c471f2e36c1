//! The words of plain requests, by what they mean. A clause is understood when every one of its words is known here: a word
//! that is not ("run the tests *that touch login*") asks for more than this provider can do.

/// Words that change nothing.
pub(super) const FILLER: &[&str] = &[
    "please",
    "can",
    "could",
    "would",
    "you",
    "will",
    "now",
    "the",
    "a",
    "an",
    "all",
    "my",
    "our",
    "your",
    "me",
    "for",
    "us",
    "just",
    "quickly",
    "also",
    "it",
    "its",
    "this",
    "that",
    "these",
    "those",
    "whole",
    "full",
    "entire",
    "complete",
    "project",
    "project's",
    "code",
    "codebase",
    "repo",
    "repository",
    "workspace",
    "package",
    "everything",
    "go",
    "ahead",
    "and",
    "to",
    "want",
    "i",
    "i'd",
    "like",
    "let's",
    "lets",
    "let",
    "hey",
    "hi",
    "hello",
    "ok",
    "okay",
    "pillion",
    "first",
    "then",
    "slow",
    "of",
    "on",
    "in",
    "at",
    "up",
    "once",
    "meanwhile",
    "while",
    "same",
    "time",
    "thanks",
    "thank",
    "kindly",
    "should",
    "need",
    "from",
    "yet",
    "right",
    "so",
    "well",
    "some",
    "next",
    "every",
    "i'll",
    "here",
    "there",
    "background",
    "soon",
    "them",
];

/// Words that only say "do it".
pub(super) const DO: &[&str] =
    &["run", "start", "execute", "launch", "kick", "off", "do", "begin", "trigger", "perform", "fire", "try"];

pub(super) const TESTS: &[&str] = &[
    "test",
    "tests",
    "testsuite",
    "suite",
    "suites",
    "testing",
    "unit",
    "spec",
    "specs",
    "unittests",
    "test-suite",
    "unittest",
    "integration",
];

pub(super) const BUILD: &[&str] = &["build", "builds", "compile", "compilation", "rebuild", "building"];

pub(super) const LINT: &[&str] = &[
    "lint",
    "linter",
    "linters",
    "lints",
    "linting",
    "check",
    "checks",
    "typecheck",
    "type-check",
    "clippy",
    "checker",
    "analysis",
];

pub(super) const AGAIN: &[&str] = &["again", "rerun", "re-run", "retry", "repeat", "retest"];

/// What "again" may be about.
pub(super) const LAST: &[&str] =
    &["last", "command", "one", "task", "failed", "failing", "previous", "more", "job", "same"];

pub(super) const FAIL: &[&str] = &[
    "failed", "fail", "fails", "failing", "failure", "failures", "broke", "broken", "wrong", "errors", "error",
    "passed", "pass", "passes", "problems", "green", "red", "result", "results", "outcome", "breaks",
];

/// Words of questions.
pub(super) const ASK: &[&str] = &[
    "what", "what's", "whats", "which", "why", "did", "does", "show", "list", "any", "tell", "give", "report", "how",
    "how's", "many", "is", "are", "was", "were", "went", "has", "have", "see", "get", "last", "who", "know", "about",
    "when", "do", "not", "print", "display",
];

pub(super) const STOP: &[&str] =
    &["stop", "kill", "cancel", "abort", "terminate", "end", "quit", "halt", "interrupt", "stopping"];

/// What can be stopped or asked for.
pub(super) const THINGS: &[&str] = &[
    "task",
    "tasks",
    "run",
    "running",
    "server",
    "command",
    "commands",
    "job",
    "jobs",
    "last",
    "process",
    "processes",
    "newest",
    "one",
    "current",
    "watcher",
];

pub(super) const STATUS: &[&str] = &[
    "status",
    "tasks",
    "task",
    "running",
    "progress",
    "going",
    "doing",
    "done",
    "finished",
    "ready",
    "far",
    "still",
    "jobs",
    "ps",
    "state",
    "happening",
    "over",
    "complete",
    "completed",
];

pub(super) const OUTPUT: &[&str] = &["output", "log", "logs", "tail", "stdout", "stderr", "printed", "outputs"];

pub(super) const READ: &[&str] =
    &["read", "show", "open", "view", "display", "print", "look", "see", "inspect", "cat", "what's", "what", "is"];

/// Verbs after which one word is a file, whatever it looks like.
pub(super) const READ_ANY: &[&str] = &["read", "open", "view", "inspect", "cat"];

/// Files without an extension that are known by name.
pub(super) const FILES: &[&str] = &[
    "Makefile",
    "GNUmakefile",
    "makefile",
    "Dockerfile",
    "README",
    "LICENSE",
    "Justfile",
    "justfile",
    "CHANGELOG",
    "Procfile",
    "Gemfile",
    "Rakefile",
    "Jenkinsfile",
    "Containerfile",
];

/// Programs that a line may begin with to be taken as a command, beside those of known kinds.
pub(super) const PROGRAMS: &[&str] = &[
    "ls",
    "pwd",
    "git",
    "grep",
    "rg",
    "echo",
    "printf",
    "curl",
    "wget",
    "ps",
    "df",
    "du",
    "env",
    "uname",
    "whoami",
    "date",
    "wc",
    "tree",
    "stat",
    "node",
    "python",
    "python3",
    "bash",
    "sh",
    "cargo",
    "npm",
    "npx",
    "pnpm",
    "yarn",
    "bun",
    "deno",
    "pip",
    "uv",
    "poetry",
    "docker",
    "docker-compose",
    "podman",
    "kubectl",
    "terraform",
    "rustc",
    "rustup",
    "mkdir",
    "cp",
    "mv",
    "rm",
    "touch",
    "sed",
    "awk",
    "jq",
    "gh",
    "ssh",
    "sleep",
    "true",
    "false",
    "cd",
    "export",
    "sudo",
    "timeout",
    "nohup",
    "ruby",
    "perl",
    "php",
    "java",
    "sqlite3",
    "psql",
    "redis-cli",
    "systemctl",
    "journalctl",
];

/// Programs whose names begin many sentences too: taken as a command only when what follows looks like one.
pub(super) const AMBIGUOUS: &[&str] = &[
    "make", "go", "just", "find", "which", "sort", "time", "kill", "cut", "split", "head", "watch", "touch", "look",
    "who", "more", "less", "yes", "type", "task", "build", "serve", "flow", "cap", "air", "standard", "cross", "mix",
    "swift", "stack", "next", "rails", "tap", "pest", "test", "bundle", "black", "fly", "flask", "gem", "dart", "hugo",
    "brew", "snap", "nx", "sam", "trial",
];
