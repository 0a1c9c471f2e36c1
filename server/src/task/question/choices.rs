//! The answers that a question lists: in brackets, as a numbered menu, or as a menu with a pointer. Pure. In doubt nothing
//! is listed: a wrong button is worse than none.

use crate::task::model::AnswerOption;

/// A menu and what stands above it.
pub struct Menu {
    pub title: Option<String>,
    pub options: Vec<AnswerOption>,
}

/// The most answers that are offered.
const MOST: usize = 30;
/// The most words in brackets that are still a choice.
const MOST_WORDS: usize = 12;

/// Words that are answers and not, say, parts of a path or a date. A single letter or digit is one too.
const ANSWERS: [&str; 27] = [
    "yes",
    "no",
    "all",
    "none",
    "quit",
    "exit",
    "always",
    "never",
    "once",
    "skip",
    "abort",
    "retry",
    "ignore",
    "cancel",
    "ok",
    "continue",
    "overwrite",
    "rename",
    "replace",
    "edit",
    "view",
    "diff",
    "help",
    "true",
    "false",
    "on",
    "off",
];

/// The answers in the brackets that end a question: `(y/n)`, `[Y/n]:`, `(yes/no/[fingerprint])?`.
pub fn listed(line: &str) -> Vec<AnswerOption> {
    let line = line.trim_end_matches([' ', ':', '?', '>', '.', '\t']);
    brackets(line).map(words).unwrap_or_default()
}

/// True when any brackets of the line list answers.
pub fn listed_within(line: &str) -> bool {
    line.match_indices([')', ']']).any(|(at, _)| brackets(&line[..=at]).is_some_and(|inner| words(inner).len() > 1))
}

/// What is in the brackets that the line ends with.
fn brackets(line: &str) -> Option<&str> {
    if !line.ends_with([')', ']']) {
        return None;
    }
    let mut depth = 0_usize;
    for (at, character) in line.char_indices().rev() {
        match character {
            ')' | ']' => depth += 1,
            '(' | '[' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&line[at + 1..line.len() - 1]);
        }
    }
    None
}

fn words(inner: &str) -> Vec<AnswerOption> {
    let parts: Vec<&str> = inner.split(['/', '|', ',']).map(str::trim).collect();
    // `[fingerprint]` stands for a text of one's own.
    let stands_for = |part: &&str| part.starts_with(['[', '<']) && part.ends_with([']', '>']);
    let answers: Vec<&str> = parts.into_iter().filter(|part| !stands_for(part)).collect();
    let is_answer = |part: &&str| {
        let one = part.chars().count() == 1 && part.chars().all(|only| only.is_ascii_alphanumeric() || only == '?');
        one && answers.len() > 1 || ANSWERS.contains(&part.to_lowercase().as_str())
    };
    // A number alone is a default, and `(1/2)` says how far something is.
    let counts = answers.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    if answers.len() > MOST_WORDS || counts || !answers.iter().all(is_answer) {
        return Vec::new();
    }
    answers.into_iter().map(|word| AnswerOption { label: word.to_owned(), text: format!("{word}\n") }).collect()
}

/// A menu of numbered lines just above the prompt `open`, which may be empty; one blank line may lie between.
pub fn numbered(above: &[&str], open: &str) -> Option<Menu> {
    let mut end = above.len();
    while end > 0 && above[end - 1].trim().is_empty() && above.len() - end < 1 + usize::from(open.is_empty()) {
        end -= 1;
    }
    let start = above[..end].iter().rposition(|line| entries(line).is_empty()).map_or(0, |at| at + 1);
    let mut found: Vec<(u32, String)> = above[start..end].iter().flat_map(|line| entries(line)).collect();
    found.sort_by_key(|(number, _)| *number);
    let first = found.first()?.0;
    let in_order = found.iter().zip(first..).all(|((number, _), expected)| *number == expected);
    if first > 1 || !in_order || !(2..=MOST).contains(&found.len()) {
        return None;
    }
    let title = start.checked_sub(1).map(|at| above[at].trim()).filter(|title| title.ends_with([':', '?']));
    // Without a prompt and without a title it is a list of something.
    if open.is_empty() && title.is_none() {
        return None;
    }
    let option = |(number, label)| AnswerOption { label, text: format!("{number}\n") };
    Some(Menu { title: title.map(str::to_owned), options: found.into_iter().map(option).collect() })
}

/// The entries of a line of a menu: `1) apple`, `[2] pear`, ` 3. plum`; bash's `select` puts several on one line.
fn entries(line: &str) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    let mut rest = line.trim();
    while let Some((number, length)) = marker(rest) {
        let next = rest[length..].match_indices(['\t', ' ']).map(|(at, _)| length + at + 1).find(|at| {
            let gap = rest[..*at].ends_with("  ") || rest[..*at].ends_with('\t') || rest[..*at].ends_with("\t ");
            gap && marker(&rest[*at..]).is_some_and(|(_, end)| rest[*at..*at + end].contains(')'))
        });
        let entry = &rest[..next.unwrap_or(rest.len())];
        if entry[length..].trim().is_empty() {
            return Vec::new();
        }
        found.push((number, entry.trim().to_owned()));
        rest = next.map_or("", |at| &rest[at..]);
    }
    if rest.is_empty() { found } else { Vec::new() }
}

/// The number at the start of an entry, and how many bytes it takes with the signs and the space around it.
fn marker(text: &str) -> Option<(u32, usize)> {
    let inner = text.trim_start_matches(['[', '(']);
    let opened = text.len() - inner.len();
    let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
    let number = inner.get(..digits).filter(|_| (1..=3).contains(&digits) && opened <= 1)?.parse().ok()?;
    let close = inner[digits..].chars().next()?;
    let fits = match opened {
        0 => matches!(close, ')' | '.' | ':'),
        _ => matches!(close, ')' | ']'),
    };
    let after = opened + digits + 1;
    (fits && text[after..].starts_with([' ', '\t'])).then_some((number, after))
}

/// Signs that point at a line of a menu. Terminals that lack them get `>`, which only counts under a question.
const POINTERS: [char; 6] = ['❯', '➤', '▸', '▶', '●', '>'];
/// Lines whose boxes are ticked one by one: there is no single answer.
const BOXES: [char; 7] = ['◯', '◉', '☐', '☑', '☒', '◻', '◼'];

/// A menu with a pointer, at the end of the output: the answer is a way with the arrow keys.
pub fn pointed(lines: &[&str]) -> Option<Menu> {
    let bare = |line: &str| line.trim_start_matches([' ', '│', '|']).trim_end().to_owned();
    let rows: Vec<String> = lines.iter().map(|line| bare(line)).collect();
    let at = rows.iter().rposition(|row| row.starts_with(POINTERS))?;
    let title_at = rows[..at].iter().rposition(|row| row.starts_with(['?', '◆']) || row.starts_with("[?]"))?;
    let is_row = |row: &String| !row.is_empty() && !row.starts_with(['└', '(', '?', '◆', '✔']);
    let first = title_at + 1;
    let last = at + rows[at..].iter().take_while(|row| is_row(row)).count();
    // Anything but a frame below, and the menu is history.
    let is_end = rows[last..].iter().all(|row| row.is_empty() || row.starts_with(['└', '(']));
    if !is_end || !rows[first..at].iter().all(is_row) || !(2..=MOST).contains(&(last - first)) {
        return None;
    }
    let title = title(&rows[title_at]);
    if rows[first..last].iter().any(|row| row.contains(BOXES)) {
        return Some(Menu { title, options: Vec::new() });
    }
    let options = rows[first..last].iter().enumerate().map(|(row, text)| {
        let label = text.trim_start_matches(POINTERS).trim_start_matches(['○', ' ']).to_owned();
        let (way, steps) = if first + row < at { ("\x1b[A", at - first - row) } else { ("\x1b[B", first + row - at) };
        AnswerOption { label, text: format!("{}\r", way.repeat(steps)) }
    });
    Some(Menu { title, options: options.collect() })
}

/// The question of a menu without its signs and the word on how to use it.
fn title(row: &str) -> Option<String> {
    let text = row.trim_start_matches("[?]").trim_start_matches(['?', '◆', ' ']);
    let text = text.split(" › ").next().unwrap_or(text);
    let text = text.split(" (Use arrow").next().unwrap_or(text).trim_end_matches(['›', ' ']);
    (!text.is_empty()).then(|| text.to_owned())
}
