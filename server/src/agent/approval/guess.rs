//! What a command may hide: a program whose name is put together when it runs, a command in a text that another program
//! runs, a script that nobody has seen. Only what is always asked about is looked for; it is never taken for harmless.

use super::destructive;
use super::paths::Ground;
use super::shell::{Piece, Script, Word};

/// Programs that decode: what comes out of them is not what a person reads.
const DECODERS: &[&str] =
    &["base64", "base32", "xxd", "openssl", "uudecode", "gunzip", "zcat", "bzcat", "xzcat", "gpg", "rev", "tr"];
/// Programs that fetch from the network.
const FETCHERS: &[&str] = &["curl", "wget", "fetch", "http", "xh", "aria2c"];

/// Programs that run what a word of theirs says, beside those that run a command elsewhere.
const TEXTS: &[&str] = &[
    "awk",
    "gawk",
    "mawk",
    "nawk",
    "python",
    "perl",
    "ruby",
    "node",
    "php",
    "lua",
    "deno",
    "bun",
    "tar",
    "rsync",
    "less",
    "more",
    "man",
    "vim",
    "vi",
    "nvim",
    "emacs",
    "ed",
    "ex",
    "make",
    "gmake",
    "sed",
    "scp",
    "sftp",
    "zip",
    "env",
    "xargs",
    "osascript",
    "tclsh",
    "expect",
    "Rscript",
    "julia",
    "elixir",
    "ghc",
];

/// Programs that are looked for in texts.
const DESTROYERS: &[&str] =
    &["rm", "git", "dd", "mkfs", "shred", "chmod", "chown", "wipefs", "shutdown", "reboot", "kill", "find"];

/// Names in code that remove whole folders.
const REMOVERS: &[&str] = &["rmtree", "rmsync", "rm_rf", "rm_r(", "remove_tree", "rmdirsync", "removeall(", "rimraf"];

/// What comes into a line from elsewhere.
#[derive(Debug, Default, PartialEq)]
pub struct Sources {
    /// Something is fetched from the network.
    pub fetches: bool,
    /// Something is decoded.
    pub decodes: bool,
    /// The names that fetched files may have.
    pub fetched: Vec<String>,
    /// Texts that stand in the line and may be read by another of its commands.
    pub texts: Vec<String>,
}

impl Sources {
    /// What the commands of a script bring in.
    pub fn of(script: &Script) -> Self {
        use super::shell::Redirection;
        let mut sources = Self::default();
        for part in &script.parts {
            let program = part.words.first().and_then(Word::literal).unwrap_or_default();
            let program = program.rsplit('/').next().unwrap_or_default();
            let args = part.words.iter().skip(1).filter_map(Word::literal);
            sources.decodes |= DECODERS.contains(&program);
            if FETCHERS.contains(&program) {
                sources.fetches = true;
                let names = args.clone().filter_map(|arg| arg.rsplit('/').next());
                sources.fetched.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
            }
            if matches!(program, "echo" | "printf") {
                sources.texts.extend(args.map(str::to_owned));
            }
            for redirection in &part.redirections {
                match redirection {
                    Redirection::Text(text) => sources.texts.extend(text.literal().map(str::to_owned)),
                    Redirection::Write(file) if FETCHERS.contains(&program) => {
                        let name = file.literal().and_then(|file| file.rsplit('/').next());
                        sources.fetched.extend(name.map(str::to_owned));
                    }
                    _ => {}
                }
            }
        }
        sources
    }

    /// Whether a file is one that was fetched.
    pub fn has_fetched(&self, file: &str) -> bool {
        let name = file.rsplit('/').next().unwrap_or(file);
        self.fetched.iter().any(|fetched| fetched == name)
    }
}

/// Why a command whose program is not known before it runs is always asked about: with one of the names that it may have
/// it would be.
pub fn program(words: &[Word], ground: &Ground) -> Option<String> {
    let (first, args) = words.split_first()?;
    let mut candidates: Vec<Vec<Word>> = DESTROYERS.iter().take(2).map(|name| vec![Word::plain(name)]).collect();
    candidates.extend(
        braces(&first.raw).filter(|words| words.len() > 1).map(|words| words.iter().map(|w| Word::plain(w)).collect()),
    );
    // `rm${IFS}-rf${IFS}/`.
    if first.pieces.iter().any(|piece| matches!(piece, Piece::Variable(_))) {
        candidates.push(first.text(" ").split_whitespace().map(Word::plain).collect());
    }
    candidates.into_iter().find_map(|mut candidate| {
        candidate.extend(args.iter().cloned());
        destructive::why(&candidate, ground)
    })
}

/// The words that `a{b,c}d` stands for; `None` for what is not as plain as that.
pub fn braces(raw: &str) -> Option<Vec<String>> {
    /// More alternatives than anyone writes.
    const MOST: usize = 64;
    let (before, rest) = raw.split_once('{')?;
    let (inside, after) = rest.split_once('}')?;
    let plain = |text: &str| !text.contains(['{', '}', '\'', '"', '$', '`', '\\']);
    let words: Vec<String> =
        inside.split(',').take(MOST).map(|alternative| format!("{before}{alternative}{after}")).collect();
    (plain(before) && plain(inside) && plain(after) && words.len() > 1).then_some(words)
}

/// Whether a program runs what a word of it says.
pub fn runs_texts(words: &[Word]) -> bool {
    let Some(program) = words.first().and_then(Word::literal) else { return false };
    let program = program.rsplit('/').next().unwrap_or(program);
    let bare = program.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.');
    TEXTS.contains(&bare) || super::unwrap::ELSEWHERE.contains(&program) || runs_words(words)
}

/// Whether the words after a subcommand may be a command of their own.
pub fn runs_words(words: &[Word]) -> bool {
    let is_git = matches!(words.first().and_then(Word::literal), Some("git" | "hub"));
    let mut plain = words.iter().skip(1).filter_map(Word::literal).filter(|word| !word.starts_with('-'));
    is_git && plain.any(|word| matches!(word, "submodule" | "bisect" | "rebase" | "config" | "filter-branch"))
}

/// Why a command is always asked about for what stands in its words: a command that destroys, as a text.
pub fn in_texts(words: &[Word], ground: &Ground) -> Option<String> {
    words.iter().skip(1).filter_map(Word::literal).find_map(|text| in_text(text, ground))
}

fn in_text(text: &str, ground: &Ground) -> Option<String> {
    /// Longer texts are not looked through to their end.
    const LONGEST: usize = 20_000;
    if !text.contains([' ', '"', '\'', '(', '\n']) {
        return None;
    }
    let text: String = text.chars().take(LONGEST).collect();
    let lower = text.to_lowercase();
    if REMOVERS.iter().any(|name| lower.contains(name)) {
        return Some("It removes whole folders by code, and which ones is not judged.".to_owned());
    }
    for command in text.split([';', '|', '&', '\n', '`']) {
        let words: Vec<&str> = command
            .split([' ', '\t', '"', '\'', ',', '[', ']', '(', ')', '=', '!', '{', '}'])
            .filter(|w| !w.is_empty())
            .collect();
        for (at, word) in words.iter().enumerate() {
            let name = word.rsplit('/').next().unwrap_or(word);
            if DESTROYERS.contains(&name) || name.starts_with("mkfs.") {
                let inner: Vec<Word> = words[at..].iter().take(40).map(|word| Word::plain(word)).collect();
                if let Some(why) = destructive::why(&inner, ground) {
                    return Some(why);
                }
            }
        }
    }
    None
}
