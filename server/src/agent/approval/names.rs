//! The words of a command that may name files: what has to be looked up on the disk before the command is judged, for a
//! link may lead anywhere. More of them than there are files, never fewer of those that the judge sees. The name of a program
//! is none: the shell looks for it elsewhere.

use super::command::paths_in;
use super::shell::{self, Redirection, Word};

/// Words that are looked up.
const MOST: usize = 300;
/// How deep scripts in scripts are read.
const DEPTH: usize = 3;

/// The words of a command line, of the scripts in its words too.
pub fn names(command: &str) -> Vec<String> {
    let mut names = Vec::new();
    collect(command, 0, &mut names);
    names
}

fn collect(command: &str, depth: usize, names: &mut Vec<String>) {
    let Ok(script) = shell::parse(command) else { return };
    for part in &script.parts {
        let values = part.assignments.iter().map(|set| &set.value);
        let files = part.redirections.iter().map(|redirection| match redirection {
            Redirection::Read(word) | Redirection::Write(word) | Redirection::Text(word) => word,
        });
        let is_program = |word: &Word| word.literal().is_some_and(|name| !name.contains('/'));
        let words = part.words.iter().skip(usize::from(part.words.first().is_some_and(is_program)));
        for word in words.chain(values).chain(files) {
            add(word, depth, names);
        }
    }
}

fn add(word: &Word, depth: usize, names: &mut Vec<String>) {
    if names.len() >= MOST {
        return;
    }
    for path in paths_in(word) {
        if path.len() <= 4_096 && !path.contains(['\u{fffd}', '\0', '\n']) && !names.contains(&path) {
            names.push(path);
        }
    }
    let text = word.literal().unwrap_or_default();
    if depth < DEPTH && text.contains([' ', ';', '|', '&', '\n']) {
        collect(text, depth + 1, names);
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn every_word_that_may_be_a_file_is_named() {
        for (command, expected) in [
            ("pwd", ""),
            ("./cat a 'b c' ev''il", "./cat|a|b c|evil"),
            ("A=x grep -rf ./p --include=*.rs q <in >out", "./p|--include=*.rs|q|in|out"),
            ("sh -c 'cat inner && head ~/x' | tee log", "cat inner && head ~/x|inner|~/x|log"),
            ("echo $(cat deep)", "deep"),
            ("for f in one; do cat two; done", "two"),
        ] {
            let found = names(command);
            for name in expected.split('|').filter(|name| !name.is_empty() && !name.starts_with("--")) {
                assert!(found.iter().any(|one| one == name), "{name} of {command}: {found:?}");
            }
            let programs = ["pwd", "grep", "sh", "head", "tee", "echo", "cat"];
            assert!(!found.iter().any(|one| programs.contains(&one.as_str())), "{command}: {found:?}");
        }
        assert!(names("echo 'unclosed").is_empty());
        assert!(names(&"a b c ".repeat(2_000)).len() <= 300);
    }
}
