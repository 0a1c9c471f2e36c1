//! The shape of files: how they open, how long they get, what never stands in them.

use crate::source::{self, File};

/// More lines than this are two files.
const LONGEST: usize = 600;

#[test]
fn rust_files_open_with_their_job() {
    let silent = source::files()
        .into_iter()
        .filter(|file| file.extension() == "rs" && !file.is_material() && !file.text.starts_with("//! "));
    source::none(&silent.map(|file| format!("{} does not open with //! and its job", file.path)).collect::<Vec<_>>());
}

#[test]
fn files_end_before_they_are_long() {
    let code = |file: &File| ["rs", "lua", "ts", "mjs"].contains(&file.extension()) && !file.is_material();
    let long = source::files().into_iter().filter(code).filter_map(|file| {
        let lines = file.text.lines().count();
        (lines > LONGEST).then(|| format!("{} has {lines} lines; {LONGEST} are the end", file.path))
    });
    source::none(&long.collect::<Vec<_>>());
}

/// Folders of one machine. Written in halves, so that this file is not its own find.
const MACHINE_FOLDERS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

#[test]
fn nothing_names_a_machine() {
    let mut complaints = Vec::new();
    for file in source::files() {
        for folder in MACHINE_FOLDERS {
            // `$ROOT/home/` and `tests/root/` are other folders.
            let absolute = |line: &str| {
                line.match_indices(folder).any(|(at, _)| {
                    !line[..at].ends_with(|before: char| before.is_alphanumeric() || "._-/}*".contains(before))
                })
            };
            let lines = file.text.lines().enumerate().filter(|(_, line)| absolute(line));
            complaints.extend(lines.map(|(at, _)| format!("{}:{}: names {folder}", file.path, at + 1)));
        }
    }
    source::none(&complaints);
}

/// Where packages come from is the machine's own setting.
const REGISTRIES: [&str; 6] = [
    concat!("registry.np", "mjs.org"),
    concat!("registry.ya", "rnpkg.com"),
    concat!("pypi.o", "rg/simple"),
    concat!("files.python", "hosted.org"),
    concat!("static.cra", "tes.io"),
    concat!("index", "-url"),
];

#[test]
fn nothing_names_a_registry() {
    let mut complaints = Vec::new();
    for file in source::files() {
        for registry in REGISTRIES {
            if file.text.contains(registry) {
                complaints.push(format!("{}: names {registry}", file.path));
            }
        }
        match file.name() {
            "package-lock.json" if file.text.contains("\"resolved\"") => {
                complaints.push(format!("{}: names addresses (npm: omit-lockfile-registry-resolved)", file.path));
            }
            "Cargo.lock" => {
                let sources = file.text.lines().filter(|line| line.starts_with("source = "));
                let other = sources.filter(|line| !line.contains("github.com/rust-lang/crates.io-index"));
                complaints.extend(other.map(|line| format!("{}: {line}", file.path)));
            }
            _ => {}
        }
    }
    source::none(&complaints);
}
