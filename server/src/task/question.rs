//! Reads a question off the end of a command's output: what is asked, the answers that it lists, whether the answer is a
//! secret. Pure: text in, words out. It looks at the screen only; whether the command waits at all is seen elsewhere, and
//! only where that is not certain does it matter whether this looks like a question.

mod choices;

use super::model::Asked;

/// Characters of a question that are kept; its end counts.
const TEXT_CHARS: usize = 400;
/// Lines above the last one that are looked at for a menu.
const LINES: usize = 60;

/// What the end of an output looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    pub asked: Asked,
    /// It looks like a question also to somebody who does not know that the command waits.
    pub is_likely: bool,
}

/// Words for what is not to be shown.
const SECRETS: [&str; 11] = [
    "password",
    "passphrase",
    "passcode",
    "passwort",
    "secret",
    "token",
    "api key",
    "api-key",
    "otp",
    "pin:",
    "one-time code",
];
/// Invitations that need no question mark.
const INVITATIONS: [&str; 8] = [
    "press enter",
    "press return",
    "hit enter",
    "hit return",
    "press any key",
    "press a key",
    "type yes",
    "type 'yes'",
];
/// First words of a line that asks for something and ends in a colon.
const REQUESTS: [&str; 10] =
    ["enter", "type", "choose", "select", "pick", "please", "input", "username", "user name", "login"];
/// What programs say when they wanted to ask and found nobody.
const REFUSED: [&str; 10] = [
    "EOF when reading a line",
    "EOFError",
    "could not read Username",
    "could not read Password",
    "terminal is required to read",
    "no tty present",
    "terminal prompts disabled",
    "not a terminal",
    "not a tty",
    "Inappropriate ioctl for device",
];

/// Reads the end of an output, colours and overwrites resolved.
pub fn read(tail: &str) -> Reading {
    let lines: Vec<&str> = tail.split('\n').map(str::trim_end).collect();
    let lines = &lines[lines.len().saturating_sub(LINES)..];
    let (open, above) = lines.split_last().map_or(("", lines), |(last, above)| (last.trim(), above));
    if let Some(menu) = choices::pointed(lines) {
        let asked = Asked { text: menu.title.as_deref().map(cut), options: menu.options, secret: false };
        return Reading { asked, is_likely: true };
    }
    let last = above.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or_default();
    let is_open = !open.is_empty();
    let line = if is_open { open } else { last };
    let secret = is_secret(line) && (is_open || asks(line));
    if !secret && let Some(menu) = choices::numbered(above, open) {
        // The prompt of bash's `select` says nothing.
        let bare = open.is_empty() || open == "#?" || open == ">";
        let text =
            if bare { menu.title.or((!open.is_empty()).then(|| open.to_owned())) } else { Some(open.to_owned()) };
        let is_likely = is_open || text.as_deref().is_some_and(asks);
        return Reading { asked: Asked { text: text.as_deref().map(cut), options: menu.options, secret }, is_likely };
    }
    let is_likely = if is_open { asks(open) || opens(open) } else { asks(last) };
    // A finished line that does not ask is what the command said before, and not a question.
    let text = (is_open || is_likely).then(|| cut(line)).filter(|text| !text.is_empty());
    let options = if secret || text.is_none() { Vec::new() } else { choices::listed(line) };
    Reading { asked: Asked { text, options, secret }, is_likely }
}

/// The last line of a command that had nobody to ask, if it looks as if it had wanted to.
pub fn wanted(tail: &str) -> Option<String> {
    let last = tail.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    let read = read(tail);
    let refused = REFUSED.iter().any(|words| last.contains(words));
    // `Do you want to continue? [Y/n] Abort.`
    let went_on = || last.contains('?') && choices::listed_within(last);
    if refused || went_on() {
        return Some(cut(last));
    }
    read.asked.text.filter(|_| read.is_likely)
}

/// True for a line that asks, finished or not.
fn asks(line: &str) -> bool {
    let lower = line.to_lowercase();
    let lower = lower.trim_end();
    let requests = || {
        let start = lower.trim_start_matches(|first: char| !first.is_alphanumeric());
        lower.ends_with(':') && (REQUESTS.iter().any(|word| start.starts_with(word)) || is_secret(lower))
    };
    lower.ends_with('?')
        || INVITATIONS.iter().any(|words| lower.contains(words))
        || !choices::listed(line).is_empty()
        || requests()
}

/// True for an unfinished line that stands as a prompt does.
fn opens(line: &str) -> bool {
    let line = line.trim_end();
    // `package name: (demo)`, `Port [8080]:`
    let without_default = match line.rfind(['(', '[']) {
        Some(at) if line.ends_with([')', ']']) => line[..at].trim_end(),
        _ => line,
    };
    [line, without_default].iter().any(|line| line.ends_with([':', '?', '>', '›', '»', '$', '#']))
}

fn is_secret(line: &str) -> bool {
    let lower = line.to_lowercase();
    SECRETS.iter().any(|word| lower.contains(word))
}

/// The end of a long line, without the space around it.
fn cut(line: &str) -> String {
    let line = line.trim();
    match line.char_indices().rev().nth(TEXT_CHARS - 1) {
        Some((start, _)) if start > 0 => format!("…{}", &line[start..]),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text, the labels, `secret` where it is one, and `likely`: on one line.
    fn shown(tail: &str) -> String {
        let Reading { asked, is_likely } = read(tail);
        let labels: Vec<&str> = asked.options.iter().map(|option| option.label.as_str()).collect();
        let mut words = vec![asked.text.unwrap_or_else(|| "(nothing)".into())];
        if !labels.is_empty() {
            words.push(labels.join(", "));
        }
        words.extend(asked.secret.then(|| "secret".to_owned()));
        words.extend((!is_likely).then(|| "unlikely".to_owned()));
        words.join(" | ")
    }

    #[test]
    fn questions_as_programs_ask_them() {
        for (tail, expected) in [
            // bash
            ("", "(nothing) | unlikely"),
            ("building\n", "(nothing) | unlikely"),
            ("Name: ", "Name:"),
            ("What is your name?\n", "What is your name?"),
            ("1) apple\n2) pear\n3) plum\n#? ", "#? | 1) apple, 2) pear, 3) plum"),
            ("Which fruit?\n1) apple\n2) pear\n#? ", "Which fruit? | 1) apple, 2) pear"),
            ("1) one\t 3) three  5) five\n2) two\t 4) four\n#? ", "#? | 1) one, 2) two, 3) three, 4) four, 5) five"),
            // Python
            ("How many? ", "How many?"),
            ("Password: ", "Password: | secret"),
            // Choices in brackets
            ("Overwrite config.json? (y/n) ", "Overwrite config.json? (y/n) | y, n"),
            ("Continue [Y/n]? ", "Continue [Y/n]? | Y, n"),
            (
                "After this operation, 12 MB will be used.\nDo you want to continue? [Y/n] ",
                "Do you want to continue? [Y/n] | Y, n",
            ),
            (
                "The authenticity of host 'a (1.2.3.4)' can't be established.\nED25519 key fingerprint is SHA256:x.\n\
                 Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
                "Are you sure you want to continue connecting (yes/no/[fingerprint])? | yes, no",
            ),
            ("(1/2) Stage this hunk [y,n,q,a,d,e,?]? ", "(1/2) Stage this hunk [y,n,q,a,d,e,?]? | y, n, q, a, d, e, ?"),
            ("Is this OK? (yes) ", "Is this OK? (yes) | yes"),
            ("Born (dd/mm/yyyy): ", "Born (dd/mm/yyyy):"),
            // Secrets
            ("Enter passphrase for key '/k/id': ", "Enter passphrase for key '/k/id': | secret"),
            ("Enter passphrase (empty for no passphrase): ", "Enter passphrase (empty for no passphrase): | secret"),
            ("[sudo] password for ada: ", "[sudo] password for ada: | secret"),
            ("Username for 'https://github.com': ", "Username for 'https://github.com':"),
            ("Password for 'https://ada@github.com': ", "Password for 'https://ada@github.com': | secret"),
            ("the token was written\n", "(nothing) | unlikely"),
            // npm init
            ("Press ^C at any time to quit.\npackage name: (demo) ", "package name: (demo)"),
            ("version: (1.0.0) ", "version: (1.0.0)"),
            ("Port [8080]: ", "Port [8080]:"),
            // Menus
            (
                "Choose a template:\n  1. web\n  2. cli\n\nEnter a number (1-2): ",
                "Enter a number (1-2): | 1. web, 2. cli",
            ),
            ("Pick one:\n[1] red\n[2] blue\n", "Pick one: | [1] red, [2] blue"),
            (
                "\u{2714} Project name: demo\n? Which size? (Use arrow keys)\n❯ Jumbo\n  Large\n  Standard",
                "Which size? | Jumbo, Large, Standard",
            ),
            (
                "? Select a framework: › - Use arrow-keys. Return to submit.\n    Vanilla\n❯   Vue\n    React\n",
                "Select a framework: | Vanilla, Vue, React",
            ),
            (
                "◆  Pick a type.\n│  ● TypeScript (recommended)\n│  ○ JavaScript\n└\n",
                "Pick a type. | TypeScript (recommended), JavaScript",
            ),
            ("? Which features?\n❯◯ Router\n ◯ Tests\n", "Which features?"),
            // What goes on
            ("Press ENTER to continue", "Press ENTER to continue"),
            ("Compiling:\n", "(nothing) | unlikely"),
            ("error: 1) failed\n2) failed\n", "(nothing) | unlikely"),
            ("[3/7] Linking", "[3/7] Linking | unlikely"),
            ("10:32:01 GET /index.html 200\n", "(nothing) | unlikely"),
            (">>> ", ">>>"),
            // The next question, where the answer to the one before was not echoed
            ("Name: \nAge: ", "Age:"),
        ] {
            assert_eq!(shown(tail), expected, "{tail:?}");
        }
    }

    #[test]
    fn an_option_is_what_a_person_would_type() {
        let texts =
            |tail: &str| -> Vec<String> { read(tail).asked.options.into_iter().map(|option| option.text).collect() };
        assert_eq!(texts("Go on? [Y/n] "), ["Y\n", "n\n"]);
        assert_eq!(texts("1) apple\n2) pear\n#? "), ["1\n", "2\n"]);
        assert_eq!(texts("? Size?\n  Jumbo\n❯ Large\n  Small"), ["\x1b[A\r", "\r", "\x1b[B\r"]);
    }

    #[test]
    fn a_long_question_keeps_its_end() {
        let text = read(&format!("{}end? ", "x".repeat(5_000))).asked.text.unwrap();
        assert!(text.starts_with("…x") && text.ends_with("end?"), "{text}");
        assert_eq!(text.chars().count(), TEXT_CHARS + 1);
    }

    #[test]
    fn what_nobody_could_answer_is_found_at_the_end() {
        for (tail, expected) in [
            ("Do you want to continue? [Y/n] Abort.\n", Some("Do you want to continue? [Y/n] Abort.")),
            (
                "Name? Traceback (most recent call last):\n  …\nEOFError: EOF when reading a line\n",
                Some("EOFError: EOF when reading a line"),
            ),
            ("package name: (demo) ", Some("package name: (demo)")),
            ("Enter your name:\n", Some("Enter your name:")),
            (
                "fatal: could not read Username for 'https://x': No such device or address\n",
                Some("fatal: could not read Username for 'https://x': No such device or address"),
            ),
            (
                "sudo: a terminal is required to read the password\n",
                Some("sudo: a terminal is required to read the password"),
            ),
            ("test result: FAILED. 3 passed; 1 failed\n", None),
            ("error: could not compile `a`\n", None),
            ("Errors:\n", None),
            ("", None),
        ] {
            assert_eq!(wanted(tail).as_deref(), expected, "{tail:?}");
        }
    }
}
