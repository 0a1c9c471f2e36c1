//! A prompt in ordinary wording, as requests. Pure. A prompt is cut into clauses; each is one request or not understood.

use super::vocabulary::*;
use crate::task::model::Group;
use crate::workspace::classify;

/// One thing that a prompt asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// The project's own command of a group, for the package at `near`.
    Project {
        group: Group,
        near: Option<String>,
        background: Option<bool>,
    },
    /// A command, word for word.
    Run {
        command: String,
        background: Option<bool>,
    },
    /// The last command once more, or that of a task.
    Again {
        task: Option<String>,
    },
    /// What the last runs came to.
    Failures,
    Stop {
        which: Which,
    },
    Status,
    Output {
        task: Option<String>,
    },
    /// An empty path means what the prompt links to.
    Read {
        path: String,
        lines: Option<(u32, u32)>,
    },
    Help,
    /// The clause as it was written.
    Unknown(String),
}

/// Which task is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Newest,
    All,
    /// By its id or its command.
    Named(String),
}

/// What a prompt asks for, in its order. Empty when it says nothing at all.
pub(super) fn understand(prompt: &str) -> Vec<Request> {
    let mut requests = Vec::new();
    for line in prompt.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(command) = literal(line) {
            requests.push(command);
            continue;
        }
        for clause in clauses(line) {
            match one(&clause, requests.last()) {
                Meaning::Request(request) => requests.push(request),
                Meaning::Background(wanted) => set_background(requests.last_mut(), wanted),
                Meaning::Nothing => {}
            }
        }
    }
    // "Run the tests and tell me what fails": the report of the run says it.
    if requests.iter().any(starts) {
        requests.retain(|request| *request != Request::Failures);
    }
    requests.dedup();
    requests
}

fn starts(request: &Request) -> bool {
    matches!(request, Request::Project { .. } | Request::Run { .. } | Request::Again { .. })
}

fn set_background(request: Option<&mut Request>, wanted: bool) {
    if let Some(Request::Project { background, .. } | Request::Run { background, .. }) = request {
        *background = Some(wanted);
    }
}

enum Meaning {
    Request(Request),
    /// "in the background", said on its own.
    Background(bool),
    Nothing,
}

/// `!ls`, `$ ls`, `run: ls`: the rest of the line is a command.
fn literal(line: &str) -> Option<Request> {
    let lower = line.to_ascii_lowercase();
    let prefix = ["! ", "!", "$ ", "run:", "bash:", "sh:", "/run ", "/bash "]
        .into_iter()
        .find(|prefix| lower.starts_with(prefix))?;
    let rest = line[prefix.len()..].trim();
    let named = !prefix.starts_with(['!', '$']);
    let (rest, background) = if named { split_background(rest) } else { (rest.to_owned(), None) };
    let rest = rest.trim_matches('`').trim().to_owned();
    (!rest.is_empty()).then(|| run(&rest, background))
}

/// A command; a single `&` at its end means the background.
fn run(command: &str, background: Option<bool>) -> Request {
    match command.strip_suffix('&').filter(|rest| !rest.ends_with(['&', '>'])) {
        Some(rest) => Request::Run { command: rest.trim_end().to_owned(), background: Some(true) },
        None => Request::Run { command: command.to_owned(), background },
    }
}

/// Cuts a line at sentence ends, commas and the words between requests; nothing inside quotes or backquotes is cut.
fn clauses(line: &str) -> Vec<String> {
    const BETWEEN: &[&str] = &["and", "then", "while", "meanwhile"];
    let mut clauses = vec![Vec::new()];
    for word in words(line) {
        let bare = word.trim_end_matches([',', '.', '!', '?']).to_ascii_lowercase();
        let ends = word.len() > bare.len() && !bare.is_empty();
        if BETWEEN.contains(&bare.as_str()) {
            clauses.push(Vec::new());
            continue;
        }
        // `ls .` ends in a folder, `add -A .` too: only punctuation that hangs on a word ends a clause.
        let kept = if ends { word[..bare.len()].to_owned() } else { word };
        if let Some(last) = clauses.last_mut() {
            last.push(kept);
        }
        if ends {
            clauses.push(Vec::new());
        }
    }
    clauses.into_iter().map(|words| words.join(" ")).filter(|clause| !clause.is_empty()).collect()
}

/// The words of a line; a quoted or backquoted part is not cut.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut open: Option<char> = None;
    let chars: Vec<char> = line.chars().collect();
    for (at, &char) in chars.iter().enumerate() {
        match open {
            Some(quote) if char == quote => open = None,
            Some(_) => {}
            // An apostrophe opens nothing: it stands inside a word, or is never closed.
            None if char == '\'' && (at > 0 && !chars[at - 1].is_whitespace() || !chars[at + 1..].contains(&'\'')) => {}
            None if matches!(char, '`' | '"' | '\'') => open = Some(char),
            None if char.is_whitespace() => {
                words.push(String::new());
                continue;
            }
            None => {}
        }
        if let Some(word) = words.last_mut() {
            word.push(char);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Takes "in the background" and its like out of a text.
fn split_background(text: &str) -> (String, Option<bool>) {
    const PHRASES: &[(&str, bool)] = &[
        ("in the background", true),
        ("in background", true),
        ("as a background task", true),
        ("as background task", true),
        ("in the foreground", false),
        ("wait for it", false),
        ("wait for them", false),
        ("wait for the result", false),
        ("wait until it is done", false),
    ];
    let lower = text.to_ascii_lowercase();
    match PHRASES.iter().find_map(|(phrase, wanted)| Some((lower.find(phrase)?, phrase.len(), *wanted))) {
        Some((at, length, wanted)) => {
            let rest = format!("{} {}", text[..at].trim_end(), text[at + length..].trim_start());
            (rest.trim().to_owned(), Some(wanted))
        }
        None => (text.to_owned(), None),
    }
}

/// What one clause means. `before` is the request before it: "read a.rs and b.rs".
fn one(clause: &str, before: Option<&Request>) -> Meaning {
    let (text, background) = split_background(clause);
    let text = text.trim_end_matches([',', ':', '…']).trim();
    if let Some(request) = backquoted(text, background) {
        return Meaning::Request(request);
    }
    let written: Vec<&str> = text.split_whitespace().collect();
    let lower: Vec<String> = written.iter().map(|word| plain_word(word)).collect();
    let known: Vec<&str> = lower.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
    let rest: Vec<&str> = known.iter().copied().filter(|word| !FILLER.contains(word)).collect();
    if rest.is_empty() {
        let all = known.contains(&"everything");
        return match background {
            _ if all && matches!(before, Some(Request::Stop { .. })) => Meaning::Nothing,
            Some(wanted) => Meaning::Background(wanted),
            None if text.contains('?') || known.is_empty() && !text.is_empty() => Meaning::Request(Request::Help),
            None if known.iter().any(|word| ["hi", "hello", "hey", "thanks", "thank"].contains(word)) => {
                Meaning::Request(Request::Unknown(clause.to_owned()))
            }
            None => Meaning::Nothing,
        };
    }
    Meaning::Request(
        words_only(&known, &rest, background)
            .or_else(|| read(&written, before))
            .or_else(|| near(&written, &lower, background))
            .or_else(|| bare_command(text, &written, background))
            .unwrap_or_else(|| Request::Unknown(clause.to_owned())),
    )
}

/// A word without the punctuation around it, small.
fn plain_word(word: &str) -> String {
    word.trim_matches(|char: char| !char.is_alphanumeric()).to_lowercase()
}

/// True for a word that can only be a task's id.
pub(super) fn is_task_id(word: &str) -> bool {
    let rest = word.strip_prefix('t').unwrap_or_default();
    (1..=8).contains(&rest.len())
        && rest.chars().all(|char| char.is_ascii_digit() || char.is_ascii_lowercase())
        && rest.contains(|char: char| char.is_ascii_digit())
}

/// Requests that are words alone: the project's commands, questions about tasks.
fn words_only(known: &[&str], rest: &[&str], background: Option<bool>) -> Option<Request> {
    let task = known.iter().find(|word| is_task_id(word)).map(|word| (*word).to_owned());
    // "make a build" asks, `make build` is a command.
    let makes = known.iter().any(|word| matches!(*word, "a" | "the"));
    let rest = rest.iter().copied().filter(|word| !(is_task_id(word) || makes && *word == "make"));
    let rest: Vec<&str> = rest.collect();
    let some = |set: &[&str]| rest.iter().any(|word| set.contains(word));
    let only = |sets: &[&[&str]]| rest.iter().all(|word| sets.iter().any(|set| set.contains(word)));
    let phrase = known.join(" ");
    if matches!(
        phrase.as_str(),
        "help" | "commands" | "what can you do" | "what do you do" | "how does this work" | "usage"
    ) {
        return Some(Request::Help);
    }
    let once_more = matches!(phrase.as_str(), "once more" | "one more time");
    if once_more || some(AGAIN) && only(&[AGAIN, DO, LAST]) {
        return Some(Request::Again { task });
    }
    if some(STOP) && only(&[STOP, THINGS, TESTS, BUILD, LINT, LAST]) {
        let all = known.iter().any(|word| ["all", "everything", "every", "both"].contains(word));
        let which = task.map_or(if all { Which::All } else { Which::Newest }, Which::Named);
        return Some(Request::Stop { which });
    }
    for (group, set) in [(Group::Test, TESTS), (Group::Build, BUILD), (Group::Lint, LINT)] {
        // "check the tests" runs them; "make a build" builds.
        let others = if group == Group::Test { LINT } else { &[] };
        if some(set) && only(&[set, DO, AGAIN, others]) {
            return Some(Request::Project { group, near: None, background });
        }
    }
    if some(OUTPUT) && only(&[OUTPUT, ASK, THINGS, TESTS, BUILD, LINT, &["lines", "open", "read", "view"]]) {
        return Some(Request::Output { task });
    }
    if some(FAIL) && only(&[FAIL, ASK, TESTS, BUILD, LINT, THINGS]) {
        return Some(Request::Failures);
    }
    let subject = task.is_some() || some(STATUS);
    (subject && only(&[STATUS, ASK, TESTS, BUILD, LINT, THINGS])).then_some(Request::Status)
}

/// "read src/lib.rs", "show me lines 10 to 20 of a.py", "open the Makefile", and one more file after "and".
fn read(written: &[&str], before: Option<&Request>) -> Option<Request> {
    let mut lines = None;
    let mut verb = None;
    let mut paths = Vec::new();
    let mut words = written.iter().map(|word| word.trim_matches(['`', '"', '\'', ',', ':', '?', '(', ')'])).peekable();
    while let Some(word) = words.next() {
        let lower = word.to_lowercase();
        if matches!(lower.as_str(), "line" | "lines") {
            let first = words.next()?;
            let (first, last) = first.split_once('-').unwrap_or((first, first));
            let last = match words.peek() {
                Some(&("to" | "-" | "through" | "until")) => words.nth(1)?,
                _ => last,
            };
            lines = Some((first.parse().ok()?, last.parse().ok()?));
        } else if READ.contains(&lower.as_str()) && paths.is_empty() {
            // "read" says more than the "show" before it.
            verb = if READ_ANY.contains(&lower.as_str()) { Some(true) } else { verb.or(Some(false)) };
        } else if !FILLER.contains(&lower.as_str())
            && !matches!(lower.as_str(), "file" | "files" | "contents" | "content")
        {
            paths.push(word);
        }
    }
    let continues = matches!(before, Some(Request::Read { .. })) && verb.is_none();
    let path = match paths[..] {
        [path] if verb == Some(true) || (verb.is_some() || continues) && looks_like_path(path) => path,
        // "read this": what the prompt links to.
        [] if verb == Some(true) => "",
        _ => return None,
    };
    let (path, from_path) = line_suffix(path);
    Some(Request::Read { path: path.to_owned(), lines: lines.or(from_path) })
}

/// `src/lib.rs:10-20` names lines.
fn line_suffix(path: &str) -> (&str, Option<(u32, u32)>) {
    let split = || {
        let (path, lines) = path.split_once(':')?;
        let lines = lines.split(':').next()?;
        let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
        Some((path, Some((first.parse().ok()?, last.parse().ok()?))))
    };
    split().unwrap_or((path, None))
}

fn looks_like_path(word: &str) -> bool {
    let extension = word.rsplit_once('.').map(|(stem, end)| (stem, end.split(':').next().unwrap_or(end)));
    word.contains('/')
        || FILES.contains(&word)
        || extension.is_some_and(|(stem, end)| {
            !stem.is_empty() && (1..=5).contains(&end.len()) && end.chars().all(|char| char.is_ascii_alphanumeric())
        })
        || word.len() > 1 && word.starts_with('.') && !word.starts_with("..")
}

/// "run the tests in server/": the package there.
fn near(written: &[&str], lower: &[String], background: Option<bool>) -> Option<Request> {
    let at = written.iter().position(|word| looks_like_path(word))?;
    let before = lower.get(at.checked_sub(1)?)?;
    if !matches!(before.as_str(), "in" | "of" | "for" | "under" | "inside" | "the") {
        return None;
    }
    let left: Vec<&str> = lower.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, word)| word.as_str()).collect();
    let rest: Vec<&str> = left.iter().copied().filter(|word| !FILLER.contains(word)).collect();
    match words_only(&left, &rest, background)? {
        Request::Project { group, background, .. } => {
            Some(Request::Project { group, near: Some(written[at].to_owned()), background })
        }
        _ => None,
    }
}

/// A clause around one backquoted part: a command, a file or a task's command.
fn backquoted(text: &str, background: Option<bool>) -> Option<Request> {
    let (before, rest) = text.split_once('`')?;
    let (inside, after) = rest.split_once('`')?;
    let around = format!("{before} {after}");
    let words: Vec<String> = around.split_whitespace().map(plain_word).filter(|word| !word.is_empty()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !FILLER.contains(word)).collect();
    let inside = inside.trim();
    let only = |sets: &[&[&str]]| words.iter().all(|word| sets.iter().any(|set| set.contains(word)));
    if inside.is_empty() {
        return None;
    }
    if !words.is_empty() && words.iter().any(|word| STOP.contains(word)) && only(&[STOP, THINGS]) {
        return Some(Request::Stop { which: Which::Named(inside.to_owned()) });
    }
    if !words.is_empty() && only(&[READ, &["file"]]) {
        let (path, lines) = line_suffix(inside);
        return Some(Request::Read { path: path.to_owned(), lines });
    }
    only(&[DO, AGAIN, THINGS, &["use", "execute", "with"], TESTS, BUILD]).then(|| run(inside, background))
}

/// "run cargo test -q", "cargo build": a command without backquotes.
fn bare_command(text: &str, written: &[&str], background: Option<bool>) -> Option<Request> {
    let lead = written.iter().take_while(|word| {
        let word = plain_word(word);
        FILLER.contains(&word.as_str()) && !AMBIGUOUS.contains(&word.as_str())
    });
    let mut at = lead.count();
    let asked =
        written.get(at).is_some_and(|word| matches!(plain_word(word).as_str(), "run" | "execute" | "start" | "launch"));
    at += usize::from(asked);
    let words = &written[at..];
    let first = *words.first()?;
    let command = text[text.find(first)?..].trim();
    let command = command.strip_suffix(" please").or(command.strip_suffix(" now")).unwrap_or(command);
    let second = words.get(1).copied().unwrap_or("");
    let flagged = words[1..].iter().any(|word| word.starts_with('-'));
    // A sentence has its small words; a command has none.
    const SMALL: &[&str] =
        &["the", "a", "an", "my", "our", "it", "its", "so", "that", "whose", "which", "how", "why", "is", "are"];
    let sentence = words[1..].iter().any(|word| SMALL.contains(word));
    let of_known_kind = classify::group_of(command) != Group::Other || classify::is_slow(command);
    let is_command = if AMBIGUOUS.contains(&first) {
        (asked || of_known_kind)
            && !sentence
            && (flagged || words.len() <= 2 || looks_like_path(second))
            && (of_known_kind || flagged || looks_like_path(second))
    } else {
        let program = PROGRAMS.contains(&first) || first.starts_with("./") || of_known_kind && !looks_like_path(first);
        !sentence && (program || asked && (flagged || first.contains('/')))
    };
    is_command.then(|| run(command, background))
}
