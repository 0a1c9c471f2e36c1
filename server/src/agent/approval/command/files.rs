//! The files of a command: what it reads, what its redirections write, what its words name. Each is judged by the rules
//! about paths, and by where it lies and what it holds.

use std::path::{Path, PathBuf};

use super::Judge;
use crate::agent::approval::destructive;
use crate::agent::approval::guess;
use crate::agent::approval::harmless;
use crate::agent::approval::paths::{Concern, is_guarded, is_harmless_device, is_secret, may_be_secret};
use crate::agent::approval::rule::{Decision, Tool};
use crate::agent::approval::shell::{Piece, Word};

const CONNECTS: &str = "It opens a connection to another machine.";

/// Programs that change the files that they are given.
const WRITERS: &[&str] = &[
    "rm", "mv", "cp", "tee", "touch", "truncate", "install", "ln", "dd", "chmod", "chown", "sed", "patch", "shred",
    "unlink", "rmdir", "mkdir", "rsync", "tar", "unzip",
];

/// Programs that show, pack or send the files that they are given.
const SHOWERS: &[&str] = &[
    "awk", "gawk", "mawk", "nawk", "less", "more", "bat", "xxd", "vi", "vim", "nvim", "nano", "perl", "openssl",
    "gzip", "bzip2", "xz", "zstd", "zip", "7z", "curl", "wget", "http", "xh", "scp", "sftp", "ftp", "nc", "ncat",
    "socat", "aws", "gcloud", "gsutil", "gh",
];

/// A program's own name.
fn name_of(words: &[Word]) -> &str {
    let program = words.first().and_then(Word::literal).unwrap_or_default();
    program.rsplit('/').next().unwrap_or(program)
}

impl Judge<'_> {
    pub(super) fn reads(&mut self, word: &Word, only_named: bool) {
        if has_unknown(word) {
            // What the braces stand for is known.
            for text in guess::braces(&word.raw).into_iter().flatten().filter(|_| !only_named) {
                for place in self.ground.places(&text).into_iter().filter(|place| is_secret(place)) {
                    self.read_place(&text, &place, false);
                }
            }
            if !word.pieces.contains(&Piece::Substitution) || word.pieces.len() > 1 || !word.raw.starts_with(['<', '>'])
            {
                self.ask("it reads a file whose name is not known before it runs".to_owned());
            }
            return;
        }
        if word.text("").starts_with("/dev/tcp/") || word.text("").starts_with("/dev/udp/") {
            return self.always(CONNECTS.to_owned());
        }
        for text in paths_in(word) {
            let has_glob = word.pieces.iter().any(|piece| matches!(piece, Piece::Glob(_)));
            if has_glob && !only_named && may_be_secret(&text) {
                self.ask(format!("it may read files that hold secrets: {}", word.raw));
            }
            for place in self.ground.places(&text) {
                self.read_place(&text, &place, only_named);
            }
        }
    }

    fn read_place(&mut self, text: &str, place: &Path, only_named: bool) {
        let concern = self.ground.reading(&place.to_string_lossy()).map(|(concern, _)| concern);
        let concern = concern.filter(|concern| !(only_named && *concern == Concern::Secret));
        match self.path_rule(Tool::Read, place, concern) {
            Some((Decision::Deny, about)) => {
                self.found.denied.get_or_insert(about);
            }
            Some((Decision::Ask, about)) => self.always(format!("a rule asks about it: {about}")),
            Some((Decision::Allow, _)) => {}
            None => match concern {
                // In every mode.
                Some(Concern::Secret) => self.always(format!("it reads {}", Concern::Secret.about(place))),
                Some(concern) if !text.is_empty() => self.ask(format!("it reads {}", concern.about(place))),
                _ => {}
            },
        }
    }

    pub(super) fn writes(&mut self, word: &Word) {
        self.shows(std::slice::from_ref(word));
        if has_unknown(word) || word.pieces.iter().any(|piece| matches!(piece, Piece::Glob(_))) {
            self.found.acts = true;
            if word.raw.starts_with(">(") {
                return;
            }
            return self.ask("it writes a file whose name is not known before it runs".to_owned());
        }
        let text = word.text("");
        if text.starts_with("/dev/tcp/") || text.starts_with("/dev/udp/") {
            self.found.acts = true;
            return self.always(CONNECTS.to_owned());
        }
        if let Some(why) = destructive::why_written(&text) {
            self.found.acts = true;
            return self.always(why);
        }
        for place in self.ground.places(&text) {
            if is_harmless_device(&place) || text.starts_with("/dev/fd/") || text == "/dev/tty" {
                continue;
            }
            self.found.acts = true;
            let concern = self.ground.writing(&place.to_string_lossy()).map(|(concern, _)| concern);
            match (self.path_rule(Tool::Edit, &place, concern), concern) {
                (Some((Decision::Deny, about)), _) => {
                    self.found.denied.get_or_insert(about);
                }
                (Some((Decision::Ask, about)), _) => self.always(format!("a rule asks about it: {about}")),
                (Some((Decision::Allow, _)), _) => {}
                (None, Some(Concern::Secret)) => self.always(format!("it writes {}", Concern::Secret.about(&place))),
                (None, Some(concern)) => self.ask(format!("it writes {}", concern.about(&place))),
                (None, None) => self.ask(format!("it writes a file: {}", place.display())),
            }
        }
    }

    /// What rules say of the files that any program is given.
    pub(super) fn touches(&mut self, words: &[Word]) {
        let writer = WRITERS.contains(&name_of(words));
        let shower = SHOWERS.contains(&name_of(words))
            || name_of(words) == "git" && words.iter().any(|word| word.literal() == Some("add"));
        for text in words[1..].iter().flat_map(paths_in) {
            for place in self.ground.places(&text) {
                let tools = if writer { &[Tool::Read, Tool::Edit][..] } else { &[Tool::Read] };
                for tool in tools {
                    match self.path_rule(*tool, &place, None) {
                        Some((Decision::Deny, about)) => {
                            self.found.denied.get_or_insert(about);
                        }
                        Some((Decision::Ask, about)) => self.always(format!("a rule asks about it: {about}")),
                        _ => {}
                    }
                }
            }
        }
        // Secrets are asked about in every mode.
        for (concern, place) in self.concerns(words, 1) {
            let allowed =
                matches!(self.path_rule(Tool::Read, &place, Some(Concern::Secret)), Some((Decision::Allow, _)));
            let reader = harmless::reads(&[words[0].clone()], false).is_some();
            if concern == Concern::Secret && !allowed && (writer || reader || shower) {
                self.always(format!("it names {}", Concern::Secret.about(&place)));
            }
        }
    }

    /// The strictest rule about a path.
    fn path_rule(&self, tool: Tool, place: &Path, concern: Option<Concern>) -> Option<(Decision, String)> {
        crate::agent::approval::path_rule(self.said, tool, place, concern, &self.ground)
    }

    /// What is the matter with the words of a program, where they look like paths.
    pub(super) fn concerns(&self, words: &[Word], from: usize) -> Vec<(Concern, PathBuf)> {
        let writes = WRITERS.contains(&name_of(words));
        let judged = |text: &String| if writes { self.ground.writing(text) } else { self.ground.reading(text) };
        let looks_like_path = |text: &String| {
            text.starts_with(['/', '~'])
                || text.split('/').any(|part| part == "..")
                || may_be_secret(text) && !text.contains('*')
                || writes && is_guarded(Path::new(text))
        };
        let words = words.get(from..).unwrap_or_default();
        words.iter().flat_map(paths_in).filter(looks_like_path).filter_map(|text| judged(&text)).collect()
    }
}

/// True for a word that is not known before it is expanded; marks of globs are.
pub(super) fn has_unknown(word: &Word) -> bool {
    word.pieces.iter().any(|piece| match piece {
        Piece::Text(_) | Piece::Glob(_) => false,
        Piece::Home(name) => !name.is_empty(),
        _ => true,
    })
}

/// The texts in a word that may be paths: it itself, what an option's `=` or letter is followed by, what follows a `:`.
pub(in crate::agent::approval) fn paths_in(word: &Word) -> Vec<String> {
    let text = word.text("\u{fffd}");
    let mut paths = Vec::new();
    if !text.starts_with('-') {
        paths.push(text.clone());
    } else if let Some(at) = text.find(['/', '~', '.']) {
        paths.push(text[at..].to_owned());
    }
    for mark in ['=', ':', '@'] {
        if let Some((_, after)) = text.split_once(mark) {
            paths.push(after.to_owned());
        }
    }
    paths.retain(|path| !path.is_empty() && path != "-" && !path.starts_with("//"));
    paths
}
