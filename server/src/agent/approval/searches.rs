//! How far a search goes: what it looks through when nothing limits it, whether it follows links, whether it leaves hidden
//! files out. It knows the options of the programs that search, and neither the disk nor the workspace.

use super::paths::may_be_secret;
use super::shell::Word;

/// Why a search that follows links is asked about: they are not looked up on its way.
const FOLLOWS: &str = "follows links, which may lead out of the workspace";
const HIDDEN: &str = "searches hidden and ignored files, secrets too";

/// How far a search goes.
#[derive(Debug, Default, PartialEq)]
pub struct Reach {
    /// Places that it looks through with all that is in them, secrets too.
    pub everything: Vec<String>,
    /// Why it is asked about wherever it looks.
    pub but: Option<&'static str>,
}

/// Options of a program that take a value: letters, and long ones whose value may be the next word.
fn valued(program: &str) -> (&'static str, &'static [&'static str]) {
    match program {
        "grep" | "egrep" | "fgrep" => (
            "efABCmdD",
            &[
                "--regexp",
                "--file",
                "--after-context",
                "--before-context",
                "--context",
                "--max-count",
                "--directories",
                "--devices",
                "--label",
                "--include",
                "--exclude",
                "--exclude-dir",
                "--exclude-from",
                "--binary-files",
                "--group-separator",
            ],
        ),
        "rg" => (
            "ABCEMTdefgjmrt",
            &[
                "--after-context",
                "--before-context",
                "--context",
                "--context-separator",
                "--color",
                "--colors",
                "--encoding",
                "--engine",
                "--file",
                "--glob",
                "--iglob",
                "--max-columns",
                "--max-count",
                "--max-depth",
                "--max-filesize",
                "--path-separator",
                "--regexp",
                "--replace",
                "--sort",
                "--sortr",
                "--threads",
                "--type",
                "--type-add",
                "--type-clear",
                "--type-not",
            ],
        ),
        _ => ("", &[]),
    }
}

/// The letters of an option, up to the first that takes the rest as its value.
fn letters<'a>(text: &'a str, valued: &str) -> &'a str {
    let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.starts_with('-')) else { return "" };
    match letters.find(|letter| valued.contains(letter)) {
        Some(at) => &letters[..=at],
        None => letters,
    }
}

/// The words that are neither options nor their values.
pub fn places<'a>(program: &str, args: &'a [Word]) -> Vec<&'a Word> {
    let (short, long) = valued(program);
    let (mut places, mut only_words, mut is_value) = (Vec::new(), false, false);
    for arg in args {
        let text = arg.text("\u{fffd}");
        if std::mem::take(&mut is_value) {
            continue;
        }
        if only_words || !text.starts_with('-') || text == "-" {
            places.push(arg);
        } else if text == "--" {
            only_words = true;
        } else if text.starts_with("--") {
            is_value = long.contains(&text.as_str());
        } else {
            let letters = letters(&text, short);
            is_value = letters.len() + 1 == text.len() && letters.ends_with(|letter| short.contains(letter));
        }
    }
    places
}

/// How far these words of a program make it search. `from` is where its places begin among the plain words.
pub fn reach(program: &str, args: &[Word], from: usize, is_piped: bool) -> Reach {
    let (short, _) = valued(program);
    let texts: Vec<String> = args.iter().map(|arg| arg.text("*")).collect();
    let has = |wanted: &str| texts.iter().any(|text| letters(text, short).contains(|letter| wanted.contains(letter)));
    let long = |names: &[&str]| texts.iter().any(|text| names.iter().any(|name| text.starts_with(name)));
    let plain = places(program, args);
    let places: Vec<String> = plain.iter().skip(from).map(|place| place.text("\u{fffd}")).collect();
    let through = |places: &[String]| -> Vec<String> {
        let whole = |place: &String| place.trim_end_matches(['*', '/']).to_owned();
        let named = |place: &String| match whole(place) {
            bare if bare.is_empty() => if place.starts_with('/') { "/" } else { "." }.to_owned(),
            bare => bare,
        };
        places.iter().map(named).collect()
    };
    let follows = |is: bool| is.then_some(FOLLOWS);
    match program {
        "grep" | "egrep" | "fgrep" => {
            let directories = values(&texts, &["-d", "--directories"]).iter().any(|value| "recurse".starts_with(value));
            let follows_links = has("R") || long(&["--deref"]);
            let recursive = has("r") || follows_links || long(&["--recursive", "--rec"]) || directories;
            let chosen = values(&texts, &["--include"]).iter().any(|name| !may_be_secret(name));
            // Only names of files, or numbers.
            let quiet = has("lLcq") || long(&["--files-with", "--count", "--quiet", "--silent"]);
            let mut reach = Reach { but: follows(follows_links), ..Reach::default() };
            let reads_pipe = places.is_empty() && is_piped;
            if recursive && !chosen && !quiet && !reads_pipe {
                reach.everything = if places.is_empty() { vec![".".to_owned()] } else { through(&places) };
            }
            reach
        }
        "rg" => {
            let hidden = has("u.") || long(&["--hidden", "--no-ignore", "--unrestricted", "--type-add"]);
            // A pattern that is given finds hidden and ignored files too.
            let globs = values(&texts, &["-g", "--glob", "--iglob"]);
            let secrets = globs.iter().any(|glob| !glob.starts_with('!') && may_be_secret(glob));
            let but = if hidden || secrets { Some(HIDDEN) } else { follows(has("L") || long(&["--follow"])) };
            Reach { but, ..Reach::default() }
        }
        "diff" => Reach { everything: through(&places), but: None },
        "fd" | "tree" => {
            let letter = if program == "fd" { "L" } else { "l" };
            Reach { but: follows(has(letter) || long(&["--follow"])), ..Reach::default() }
        }
        "du" => Reach { but: follows(has("L") || long(&["--deref"])), ..Reach::default() },
        "ls" | "dir" => {
            let recursive = has("R") || long(&["--recursive"]);
            Reach { but: follows(recursive && (has("L") || long(&["--deref"]))), ..Reach::default() }
        }
        "find" => {
            let follow = texts.iter().any(|text| matches!(text.as_str(), "-L" | "-follow"));
            Reach { but: follows(follow), ..Reach::default() }
        }
        _ => Reach::default(),
    }
}

/// The values of an option, however it is given.
fn values<'a>(texts: &'a [String], names: &[&str]) -> Vec<&'a str> {
    let mut values = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        for name in names {
            let short = name.len() == 2;
            if text == name || short && !text.starts_with("--") && text.starts_with('-') && text.ends_with(&name[1..]) {
                values.extend(texts.get(at + 1).map(String::as_str));
            } else if let Some(value) = text.strip_prefix(name) {
                match value.strip_prefix('=') {
                    Some(value) => values.push(value),
                    None if short => values.push(value),
                    None => {}
                }
            }
        }
    }
    values
}
