//! What a command line tells about its output: which programs run, and in which folders. A reader of words, not a shell:
//! what it does not understand it passes over.

use std::path::{Path, PathBuf};

use super::place::normal;

/// What was read off a command line.
#[derive(Clone, Debug, Default)]
pub(super) struct Command {
    /// Base names of the programs, wrappers left out, in order.
    pub(super) programs: Vec<String>,
    /// All words of all parts.
    words: Vec<String>,
    /// Folders that parts of the command run in, the most specific first; the last one is the folder it starts in.
    pub(super) folders: Vec<PathBuf>,
}

/// Programs that list other text, where a line like a compiler's is somebody else's news or no news at all.
const LISTERS: &[&str] =
    &["grep", "egrep", "fgrep", "rg", "ag", "ack", "git", "ls", "find", "fd", "tree", "diff", "journalctl", "wc"];

/// Words that start another program.
const WRAPPERS: &[&str] = &["sudo", "env", "time", "nice", "nohup", "exec", "command", "stdbuf", "xvfb-run"];

impl Command {
    pub(super) fn read(line: &str, cwd: &Path) -> Self {
        let mut command = Self::default();
        command.take(line, cwd, 0);
        command.folders.push(normal(cwd));
        command
    }

    fn take(&mut self, line: &str, cwd: &Path, depth: u32) {
        let mut here = cwd.to_owned();
        for words in parts(line) {
            let mut rest = words.as_slice();
            while let [first, tail @ ..] = rest {
                let assignment = first.split_once('=').is_some_and(|(name, _)| {
                    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                });
                if !assignment && !WRAPPERS.contains(&first.as_str()) {
                    break;
                }
                rest = tail;
            }
            let [program, arguments @ ..] = rest else { continue };
            let program = program.rsplit('/').next().unwrap_or(program).to_owned();
            if matches!(program.as_str(), "cd" | "pushd") {
                if let Some(folder) = arguments.iter().find(|word| !word.starts_with('-')) {
                    here = normal(&here.join(folder));
                    self.folders.insert(0, here.clone());
                }
                continue;
            }
            if matches!(program.as_str(), "bash" | "sh" | "zsh" | "dash") && depth < 3 {
                let script = arguments.iter().position(|word| word.starts_with('-') && word.ends_with('c'));
                if let Some(script) = script.and_then(|at| arguments.get(at + 1)) {
                    self.take(script, &here, depth + 1);
                    continue;
                }
            }
            self.folder_option(&program, arguments, &here);
            self.words.extend(words.iter().cloned());
            self.programs.push(program);
        }
    }

    /// Options that name the folder in which a program works.
    fn folder_option(&mut self, program: &str, arguments: &[String], here: &Path) {
        let options: &[&str] = match program {
            "make" | "gmake" | "ninja" => &["-C", "--directory"],
            "cargo" => &["-C", "--manifest-path"],
            "npm" | "pnpm" | "yarn" | "bun" => &["--prefix", "-C", "--dir", "--cwd"],
            "cmake" => &["--build"],
            "uv" | "poetry" => &["--directory", "--project", "-C"],
            "go" => &["-C"],
            _ => return,
        };
        let mut arguments = arguments.iter();
        while let Some(word) = arguments.next() {
            let value = match word.split_once('=') {
                Some((name, value)) if options.contains(&name) => Some(value),
                _ if options.contains(&word.as_str()) => arguments.next().map(String::as_str),
                _ => None,
            };
            if let Some(value) = value {
                let mut folder = normal(&here.join(value));
                if folder.extension().is_some_and(|extension| extension == "toml") {
                    folder.pop();
                }
                self.folders.insert(0, folder);
            }
        }
    }

    /// True when a word of the command is, or is a path to, `name`.
    pub(super) fn mentions(&self, name: &str) -> bool {
        self.words.iter().any(|word| word == name || word.rsplit('/').next() == Some(name))
    }

    /// True when a program's name starts so, for instance `python3.11`.
    pub(super) fn runs(&self, prefix: &str) -> bool {
        self.programs.iter().any(|program| program.starts_with(prefix))
    }

    /// True when the command only lists text: there is nothing to match.
    pub(super) fn only_lists(&self) -> bool {
        !self.programs.is_empty() && self.programs.iter().all(|program| LISTERS.contains(&program.as_str()))
    }
}

/// The simple commands of a line, as words without their quotes.
fn parts(line: &str) -> Vec<Vec<String>> {
    let mut parts = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => word.get_or_insert_default().extend(characters.next()),
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() && c != '\n' => close(&mut parts, word.take()),
            (None, '&' | '|' | ';' | '\n' | '(' | ')' | '{' | '}') => {
                close(&mut parts, word.take());
                parts.push(Vec::new());
            }
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    close(&mut parts, word);
    parts.retain(|part| !part.is_empty());
    parts
}

fn close(parts: &mut [Vec<String>], word: Option<String>) {
    if let (Some(part), Some(word)) = (parts.last_mut(), word) {
        part.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        for (line, programs, first_folder) in [
            ("cargo test", "cargo", "/w"),
            ("cd 'a b' && pytest -q 2>&1 | tail -5", "pytest 1 tail", "/w/a b"),
            ("RUST_LOG=x sudo make -C lib", "make", "/w/lib"),
            ("cargo test --manifest-path=crates/a/Cargo.toml", "cargo", "/w/crates/a"),
            ("bash -lc 'cd x; npm test'", "npm", "/w/x"),
            ("(cd ../v && ./run.sh)", "run.sh", "/v"),
        ] {
            let command = Command::read(line, Path::new("/w"));
            assert_eq!(command.programs.join(" "), programs, "{line}");
            assert_eq!(command.folders[0], Path::new(first_folder), "{line}");
        }
        assert!(Command::read("git diff | grep error", Path::new("/w")).only_lists());
        assert!(!Command::read("make 2>&1 | grep error", Path::new("/w")).only_lists());
        assert!(Command::read(".venv/bin/pytest", Path::new("/w")).mentions("pytest"));
    }
}
