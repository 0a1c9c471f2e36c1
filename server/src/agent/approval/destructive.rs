//! Commands that a person is always asked about, in every mode and whatever the rules say: what destroys, overwrites
//! history or publishes, and cannot be taken back. Each with a sentence why.

use super::harmless::is_bad;
use super::paths::{Ground, is_harmless_device};
use super::shell::{Piece, Word};

/// Why a command is always asked about, as a sentence; `None` for one that is judged like all others. `words` are the
/// program and its arguments, wrappers taken off.
pub fn why(words: &[Word], ground: &Ground) -> Option<String> {
    let (program, args) = words.split_first()?;
    let program = program.literal()?;
    let program = program.rsplit('/').next().unwrap_or(program);
    let plain: Vec<String> = args.iter().map(|arg| arg.text("\u{fffd}")).filter(|arg| !arg.starts_with('-')).collect();
    let sub = |at: usize| plain.get(at).map(String::as_str).unwrap_or_default();
    let has = |options: &[&str]| args.iter().any(|arg| arg.text("").starts_with('-') && is_bad(arg, options));
    let named = |words: &[&str]| plain.iter().any(|arg| words.contains(&arg.as_str()));
    let always = |is: bool, why: &str| is.then(|| why.to_owned());
    match program {
        "rm" | "unlink" | "shred" | "srm" | "trash" | "rimraf" => removes(program, args, ground),
        "git" | "hub" => git(args, ground),
        "dd" => always(
            args.iter().any(|arg| arg.text("\u{fffd}").strip_prefix("of=").is_some_and(is_device)),
            "It overwrites a device.",
        ),
        "cp" | "mv" | "tee" | "install" => always(plain.iter().any(|arg| is_device(arg)), "It overwrites a device."),
        _ if program.starts_with("mkfs") => always(true, "It makes a file system, which erases what was there."),
        "wipefs" | "fdisk" | "sfdisk" | "parted" | "mkswap" | "cryptsetup" | "blkdiscard" | "hdparm" => {
            always(true, "It changes disks and partitions.")
        }
        "shutdown" | "reboot" | "halt" | "poweroff" => always(true, "It shuts the machine down."),
        "init" | "telinit" => always(matches!(sub(0), "0" | "1" | "6"), "It shuts the machine down."),
        "systemctl" => always(
            matches!(
                sub(0),
                "poweroff" | "reboot" | "halt" | "kexec" | "suspend" | "hibernate" | "rescue" | "emergency"
            ),
            "It shuts the machine down.",
        ),
        "kill" => {
            let all = args.iter().skip(1).any(|arg| arg.text("") == "-1") || named(&["-1"]);
            let first = plain.last().is_some_and(|arg| arg == "1");
            always(all || first, "It ends every process of yours, or the machine's first.")
        }
        "killall5" => always(true, "It ends every process."),
        "killall" | "pkill" => always(true, "It ends every process of that name, those of others among them."),
        "chmod" | "chown" | "chgrp" => {
            let recursive = has(&["-R", "--recursive"]);
            let wide = plain.iter().skip(1).any(|target| is_wide(target, ground));
            always(recursive && wide, "It changes the rights of whole folders, and what they were is lost.")
        }
        "find" => {
            let deletes = args.iter().any(|arg| arg.literal() == Some("-delete"));
            let wide = plain.first().is_none_or(|place| is_wide(place, ground));
            let chosen = args.iter().any(|arg| {
                matches!(arg.literal(), Some("-name" | "-iname" | "-path" | "-regex" | "-empty" | "-newer"))
            });
            let outside = plain.first().is_some_and(|place| is_outside(place, ground));
            always(deletes && ((wide && !chosen) || outside), "It deletes everything that it finds.")
        }
        "truncate" => {
            always(plain.iter().any(|arg| is_outside(arg, ground)), "It empties a file outside the workspace.")
        }
        "psql" | "mysql" | "mariadb" | "sqlite3" | "sqlcmd" | "clickhouse-client" | "duckdb" | "cockroach"
        | "mongosh" | "mongo" | "cqlsh" | "bq" | "snowsql" => {
            always(args.iter().any(|arg| drops(&arg.text(" "))), "It drops or empties tables of a database.")
        }
        "dropdb" | "dropuser" => always(true, "It drops a database."),
        "mysqladmin" => always(named(&["drop", "shutdown"]), "It drops a database."),
        "redis-cli" => always(
            plain.iter().any(|arg| matches!(arg.to_lowercase().as_str(), "flushall" | "flushdb" | "shutdown")),
            "It empties a database.",
        ),
        "terraform" | "tofu" | "terragrunt" => always(
            named(&["destroy"])
                || (named(&["apply"])
                    && args.iter().any(|arg| {
                        let arg = arg.text("");
                        arg.starts_with("-auto-approve") || arg.starts_with("--auto-approve") || arg == "-destroy"
                    }))
                || (sub(0) == "state" && sub(1) == "rm")
                || (sub(0) == "workspace" && sub(1) == "delete"),
            "It changes or destroys real infrastructure without another question.",
        ),
        "pulumi" | "cdk" | "serverless" | "sls" | "sam" => always(
            named(&["destroy", "remove", "delete"]) || (named(&["up"]) && has(&["-y", "--yes"])),
            "It changes or destroys real infrastructure.",
        ),
        "kubectl" | "oc" => {
            always(named(&["delete", "drain"]) || has(&["--force"]), "It removes running services from a cluster.")
        }
        "helm" => always(named(&["uninstall", "delete", "rollback"]), "It removes running services from a cluster."),
        "docker" | "podman" | "nerdctl" => always(
            named(&["prune"])
                || (sub(0) == "volume" && matches!(sub(1), "rm" | "remove"))
                || (sub(0) == "compose" && named(&["down"]) && has(&["-v", "--volumes"])),
            "It removes containers, images or volumes with what is in them.",
        ),
        "docker-compose" => {
            always(named(&["down"]) && has(&["-v", "--volumes"]), "It removes volumes with what is in them.")
        }
        "aws" | "gcloud" | "az" | "gsutil" | "doctl" | "fly" | "flyctl" | "heroku" | "vercel" | "netlify"
        | "wrangler" | "firebase" | "railway" => {
            let removes = |arg: &String| {
                ["delete", "destroy", "terminate", "remove", "purge"].iter().any(|word| {
                    arg == word || arg.starts_with(&format!("{word}-")) || arg.ends_with(&format!(":{word}"))
                })
            };
            let bucket = named(&["rb"]) || (named(&["rm"]) && has(&["-r", "--recursive"]));
            always(plain.iter().any(removes) || bucket, "It removes something in the cloud.")
        }
        "gh" | "glab" => always(
            plain.get(1).is_some_and(|word| matches!(word.as_str(), "delete" | "archive" | "transfer"))
                || (sub(0) == "api" && args.iter().any(|arg| arg.text("").to_uppercase().ends_with("DELETE"))),
            "It removes something on the server.",
        ),
        "npm" | "pnpm" | "yarn" | "bun" | "cargo" | "gem" | "poetry" | "uv" | "flit" | "hatch" | "pdm" | "twine"
        | "vsce" | "ovsx" | "lerna" | "changeset" | "mix" | "dart" | "pub" | "deno" | "jsr" => publishes(&plain),
        "mvn" | "mvnw" => always(named(&["deploy", "release:perform"]), "It publishes, which cannot be taken back."),
        "gradle" | "gradlew" => always(
            plain.iter().any(|arg| arg.trim_start_matches(':').starts_with("publish")),
            "It publishes, which cannot be taken back.",
        ),
        "dotnet" => always(named(&["push"]) && named(&["nuget"]), "It publishes, which cannot be taken back."),
        "crontab" => always(has(&["-r"]), "It removes all of your timed jobs."),
        "userdel" | "groupdel" | "deluser" | "passwd" | "chpasswd" | "visudo" => {
            always(true, "It changes who may use this machine.")
        }
        "iptables" | "nft" | "ufw" => always(true, "It changes what may reach this machine."),
        _ => None,
    }
}

/// Why a redirection is always asked about.
pub fn why_written(path: &str) -> Option<String> {
    is_device(path).then(|| "It overwrites a device.".to_owned())
}

fn is_device(path: &str) -> bool {
    let harmless = is_harmless_device(std::path::Path::new(path))
        || ["/dev/fd/", "/dev/tcp/", "/dev/udp/", "/dev/tty", "/dev/pts/", "/dev/shm/"]
            .iter()
            .any(|dev| path.starts_with(dev));
    path.starts_with("/dev/") && !harmless
}

/// True for a target that is more than a piece of the project: all of it, what is around it, or what is not known.
fn is_wide(target: &str, ground: &Ground) -> bool {
    let bare = target.trim_end_matches('/');
    let bare = bare.strip_prefix("./").unwrap_or(bare);
    let everything = matches!(bare, "" | "." | ".." | "*" | ".*" | "~" | "{.,.??*}" | "**" | "**/*");
    let unknown = target.starts_with('\u{fffd}') || target.contains("/\u{fffd}");
    let ends = bare.strip_suffix("/*").or_else(|| bare.strip_suffix("/.*")).unwrap_or(bare);
    everything || unknown || is_outside(target, ground) || ground.places(ends).iter().any(|place| ground.is_root(place))
}

fn is_outside(target: &str, ground: &Ground) -> bool {
    !target.is_empty() && ground.places(target).iter().any(|place| !ground.holds(place) && !is_harmless_device(place))
}

fn removes(program: &str, args: &[Word], ground: &Ground) -> Option<String> {
    let recursive = program != "rm" && program != "unlink" && program != "shred"
        || args.iter().any(|arg| {
            arg.text("").starts_with('-') && is_bad(arg, &["-r", "-R", "--recursive", "--no-preserve-root"])
        });
    let mut only_words = false;
    for arg in args {
        let text = arg.text("\u{fffd}");
        if text == "--" {
            only_words = true;
        } else if only_words || !text.starts_with('-') {
            let git = ground.places(text.trim_end_matches("/*")).iter().any(|place| place.ends_with(".git"));
            let unknown =
                arg.pieces.iter().any(|piece| !matches!(piece, Piece::Text(_) | Piece::Glob(_) | Piece::Home(_)));
            if recursive && unknown {
                return Some("It removes whole folders, and which ones is not known before it runs.".into());
            }
            if recursive && is_wide(&text, ground) {
                return Some("It removes everything in a folder that is not just a piece of the project.".into());
            }
            if recursive && git {
                return Some("It removes the repository's history.".into());
            }
            if matches!(&text[..], "*" | "./*" | "~" | "/*") {
                return Some("It removes every file of a folder.".into());
            }
        }
    }
    None
}

fn git(args: &[Word], ground: &Ground) -> Option<String> {
    const MOVED: &str = "It removes or moves a branch whose commits may be nowhere else.";
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        match arg.text("\u{fffd}").as_str() {
            "-C" | "-c" | "--git-dir" | "--work-tree" | "--namespace" | "--exec-path" | "--super-prefix"
            | "--config-env" | "--attr-source" => at += 2,
            option if option.starts_with('-') => at += 1,
            _ => break,
        }
    }
    let rest = args.get(at..)?;
    let (sub, args) = rest.split_first()?;
    let sub = sub.literal()?;
    let has = |options: &[&str]| args.iter().any(|arg| is_bad(arg, options));
    let plain: Vec<String> = args.iter().map(|arg| arg.text("\u{fffd}")).filter(|arg| !arg.starts_with('-')).collect();
    let first = plain.first().map(String::as_str).unwrap_or_default();
    let wide = |path: &String| matches!(path.as_str(), "." | "./" | "*" | ":/" | ":/*") || is_wide(path, ground);
    let lost = "It throws away changes that are not committed.";
    let rewrites = "It rewrites history.";
    let why = match sub {
        "push" => {
            let by_ref = plain.iter().skip(1).any(|spec| spec.starts_with(['+', ':']));
            let forced = has(&["-f", "--force", "--force-with-lease", "--force-if-includes", "--mirror", "--prune"]);
            if forced || by_ref || has(&["-d", "--delete"]) {
                "It overwrites or removes what is on the server."
            } else {
                return None;
            }
        }
        "reset" if has(&["--hard", "--merge", "--keep"]) => lost,
        "clean" if !has(&["-n", "--dry-run"]) => "It deletes files that git does not know.",
        "checkout" if has(&["-f", "--force"]) || plain.iter().any(wide) => lost,
        "switch" if has(&["-f", "--force", "--discard-changes"]) => lost,
        "restore" if (has(&["-W", "--worktree"]) || !has(&["-S", "--staged"])) && plain.iter().any(wide) => lost,
        "switch" if has(&["-C", "--force-create"]) => MOVED,
        "checkout" if has(&["-B"]) => MOVED,
        "branch" if has(&["-D", "-f", "--force"]) || (has(&["-d", "--delete"]) && has(&["-f", "--force"])) => MOVED,
        "stash" if matches!(first, "drop" | "clear") => lost,
        "rebase" if !has(&["--abort", "--quit", "--show-current-patch"]) => rewrites,
        "filter-branch" | "filter-repo" | "fast-import" => rewrites,
        "commit" if has(&["--amend"]) => rewrites,
        "reflog" if matches!(first, "expire" | "delete" | "drop") => rewrites,
        "gc" if has(&["--prune"]) => rewrites,
        "prune" | "replace" => rewrites,
        "update-ref" if has(&["-d", "--stdin"]) => rewrites,
        "worktree" if first == "remove" && has(&["-f", "--force"]) => lost,
        "rm" if plain.iter().any(wide) => "It removes every file of a folder.",
        _ => return None,
    };
    Some(why.to_owned())
}

fn publishes(plain: &[String]) -> Option<String> {
    let words: Vec<&str> = plain.iter().map(String::as_str).collect();
    let is = matches!(
        words[..],
        ["publish" | "unpublish" | "yank" | "upload" | "deprecate" | "push" | "owner" | "dist-tag" | "hex.publish", ..]
            | [_, "publish" | "unpublish" | "yank", ..]
    );
    is.then(|| "It publishes, which cannot be taken back.".to_owned())
}

/// `DROP TABLE`, `TRUNCATE`, `DELETE FROM` without a condition.
fn drops(text: &str) -> bool {
    let text = text.to_lowercase();
    let words: Vec<&str> =
        text.split(|char: char| !char.is_alphanumeric() && char != '_').filter(|w| !w.is_empty()).collect();
    let pair = |first: &str, second: &[&str]| words.windows(2).any(|two| two[0] == first && second.contains(&two[1]));
    pair("drop", &["database", "table", "schema", "view", "user", "role", "index", "collection", "keyspace", "owned"])
        || words.contains(&"truncate")
        || words.contains(&"dropdatabase")
        || (pair("delete", &["from"]) && !words.contains(&"where"))
        || words.contains(&"deletemany")
}
