//! Who may name what: each thing that touches the world has one place in the server.

use crate::source;

/// `environment.rs` asks the person's login shell once.
const PROCESSES: &[&str] = &["task/shim", "task/process", "workspace/environment.rs", "cli/"];

/// A name, the files (or beginnings of paths, below `server/src/`) that may have it, and why there.
const PLACES: &[(&str, &[&str], &str)] = &[
    ("reqwest", &["provider/http.rs"], "HTTP"),
    ("notify::", &["workspace/watch.rs"], "file events"),
    ("tower_lsp", &["lsp/"], "only the edge knows LSP"),
    ("rusqlite", &["store.rs", "store/"], "the database"),
    ("env::var", &["config.rs", "main.rs"], "settings are read in one place"),
    ("env::var_os", &["config.rs", "main.rs"], "settings are read in one place"),
    ("env::vars", &["config.rs", "workspace/environment.rs"], "the environment that commands get"),
    ("env::vars_os", &["config.rs", "workspace/environment.rs"], "the environment that commands get"),
    ("SystemTime::now", &["clock.rs"], "the time of day"),
    ("process::Command", PROCESSES, "processes are started in one place"),
    ("Command::new", PROCESSES, "processes are started in one place"),
];

/// Names that say nothing of the job.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "manager", "misc", "common", "stuff"];

#[test]
fn things_have_one_place() {
    let mut complaints = Vec::new();
    for file in source::files() {
        let Some(inside) = file.path.strip_prefix("server/src/") else { continue };
        if file.extension() != "rs" || file.is_tests() {
            continue;
        }
        let code = source::code(&file.text);
        for (name, places, what) in PLACES {
            if places.iter().any(|place| inside.starts_with(place)) {
                continue;
            }
            for line in source::lines_with(&code, name) {
                complaints.push(format!("{}:{line}: names {name} ({what}: {})", file.path, places.join(", ")));
            }
        }
    }
    source::none(&complaints);
}

#[test]
fn names_tell_the_job() {
    let mut complaints = Vec::new();
    for file in source::files().iter().filter(|file| ["rs", "lua", "ts"].contains(&file.extension())) {
        let path = file.path.strip_suffix(&format!(".{}", file.extension())).unwrap_or(&file.path);
        if !file.is_material() && path.split('/').any(|part| EMPTY_NAMES.contains(&part)) {
            complaints.push(format!("{}: the name does not tell the job", file.path));
        }
    }
    source::none(&complaints);
}
