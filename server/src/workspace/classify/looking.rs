//! Commands that only wait, and commands that only look: judged by the programs that they run. Where it is not clear that a
//! program changes nothing, it may.

use super::wrappers::Invocation;

/// Programs that change nothing, whatever their arguments.
const LOOKERS: &[&str] = &[
    ":",
    "[",
    "awk",
    "basename",
    "break",
    "cal",
    "cat",
    "cd",
    "cmp",
    "column",
    "comm",
    "continue",
    "cut",
    "date",
    "df",
    "diff",
    "dig",
    "dirname",
    "du",
    "echo",
    "egrep",
    "env",
    "exit",
    "export",
    "false",
    "fgrep",
    "file",
    "free",
    "fuser",
    "getent",
    "grep",
    "head",
    "host",
    "hostname",
    "id",
    "jobs",
    "jq",
    "less",
    "local",
    "ls",
    "lscpu",
    "lsof",
    "md5sum",
    "more",
    "nc",
    "netstat",
    "nl",
    "nproc",
    "nslookup",
    "od",
    "pgrep",
    "pidof",
    "ping",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "read",
    "readlink",
    "realpath",
    "return",
    "rg",
    "seq",
    "set",
    "sha256sum",
    "sort",
    "ss",
    "stat",
    "strings",
    "tac",
    "tail",
    "test",
    "tr",
    "tree",
    "true",
    "type",
    "uname",
    "uniq",
    "uptime",
    "wc",
    "whereis",
    "which",
    "whoami",
    "xxd",
    "yq",
];

/// Programs of which these subcommands change nothing.
const LOOKING: &[(&str, &[&str])] = &[
    ("git", &["status", "log", "diff", "show", "rev-parse", "ls-files", "blame", "describe", "grep", "shortlog"]),
    ("docker", &["ps", "logs", "inspect", "images", "stats", "top", "port"]),
    ("podman", &["ps", "logs", "inspect", "images", "stats", "top", "port"]),
    ("kubectl", &["get", "describe", "logs", "top", "wait"]),
    ("systemctl", &["status", "is-active", "list-units"]),
    ("gh", &["run"]),
];

/// True for a program that does nothing but let time pass.
pub(super) fn waits(run: &Invocation) -> bool {
    let has = |wanted: &[&str]| run.args.iter().any(|arg| wanted.contains(&arg.as_str()));
    match run.program.as_str() {
        "sleep" | "usleep" | "wait" | "inotifywait" | "fswatch" | "wait-for-it" | "wait-for-it.sh" | "wait-on"
        | "watch" => true,
        "tail" => run.args.iter().any(|arg| arg.starts_with("--pid") || arg.starts_with("--follow") || is_follow(arg)),
        "read" => has(&["-t"]),
        "kubectl" => run.args.first().is_some_and(|first| first == "wait"),
        "gh" => has(&["watch"]),
        _ => false,
    }
}

/// `-f`, `-F`, `-fn20`, `-20f`.
fn is_follow(arg: &str) -> bool {
    arg.starts_with('-') && !arg.starts_with("--") && arg.contains(['f', 'F'])
}

/// True for a program that changes nothing.
pub(super) fn looks(run: &Invocation) -> bool {
    let program = run.program.as_str();
    let args = || run.args.iter().map(String::as_str);
    match program {
        "kill" => run.args.first().is_some_and(|first| first == "-0"),
        "sed" => !args().any(|arg| arg.starts_with("-i") || arg.starts_with("--in-place")),
        "find" => !args().any(|arg| matches!(arg, "-delete" | "-exec" | "-execdir" | "-ok" | "-fprint" | "-okdir")),
        "curl" | "wget" | "http" | "xh" => !args().any(|arg| {
            let long = ["--data", "--form", "--upload", "--json", "--request", "--output", "--post", "--method"];
            let short = ["-d", "-F", "-T", "-X", "-O"];
            long.iter().any(|option| arg.starts_with(option)) || short.iter().any(|option| arg.starts_with(option))
        }),
        _ => {
            let word = args().find(|arg| !arg.starts_with('-'));
            LOOKERS.binary_search(&program).is_ok()
                || LOOKING.iter().any(|(name, subs)| *name == program && word.is_some_and(|word| subs.contains(&word)))
        }
    }
}

/// True where the text may send output into a file.
pub(super) fn redirects(command: &str) -> bool {
    const HARMLESS: [&str; 6] = ["2>&1", ">&2", "&>/dev/null", "2>/dev/null", ">/dev/null", "> /dev/null"];
    let rest = HARMLESS.iter().fold(command.to_owned(), |text, harmless| text.replace(harmless, " "));
    rest.contains('>')
}

#[cfg(test)]
mod tests {
    use super::LOOKERS;
    use crate::workspace::classify::{only_looks, waits};

    #[test]
    fn lookers_are_in_order() {
        assert!(LOOKERS.is_sorted(), "they are searched by halves");
    }

    #[test]
    fn waiting_is_known_by_the_program() {
        for command in [
            "sleep 30",
            "sleep 5 && cat log",
            "sleep 5; tail -n 20 /tmp/x.log",
            "while ! curl -sf http://localhost:3000; do sleep 1; done",
            "until nc -z localhost 5432; do sleep 0.5; done; echo ready",
            "for i in $(seq 1 30); do curl -s localhost:8080/health && break; sleep 2; done",
            "watch -n 1 cat status",
            "tail --pid=1234 -f /dev/null",
            "tail -f build.log | grep -m1 done",
            "timeout 60 bash -c 'until grep -q ready log; do sleep 1; done'",
            "cd sub && sleep 10",
            "while kill -0 1234 2>/dev/null; do sleep 1; done",
            "while [ ! -f done ]; do sleep 1; done",
        ] {
            assert!(waits(command), "{command}");
        }
        for command in [
            "echo sleep 30",
            "echo \"sleep 5 && cat log\"",
            "sleep 1 && npm test",
            "npm start & sleep 5",
            "cargo test",
            "cat log",
            "grep -r 'sleep 30' src",
            "sleep 5 && rm -rf build",
            "sleep 5 && curl -X POST localhost/deploy",
            "sleep 2 && kill 1234",
            "tail -n 20 log",
            "./sleep.sh",
            "python sleep.py",
            "git commit -m 'sleep 10'",
            "sleep 1; sed -i s/a/b/ x",
            "sleep 1; find . -name x -delete",
            "",
        ] {
            assert!(!waits(command), "{command}");
        }
    }

    #[test]
    fn looking_changes_nothing() {
        for command in
            ["ls -la", "git status && git diff", "cat a | grep b", "cargo test 2>&1 | tail -20", "make", "sleep 3"]
        {
            assert!(only_looks(command), "{command}");
        }
        for command in [
            "echo x > a.rs",
            "rm a",
            "git checkout .",
            "sed -i s/a/b/ x",
            "npm install",
            "cargo fmt",
            "cp a b",
            "./x.sh",
            "python a.py",
            "",
        ] {
            assert!(!only_looks(command), "{command}");
        }
    }
}
