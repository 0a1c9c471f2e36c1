//! The slash commands in words: which there are, and whether a prompt is one. Pure; knows no session.

use crate::agent::history::Content;

/// A command of the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlashCommand {
    /// Without the slash.
    pub name: &'static str,
    /// For a list beside the name.
    pub description: &'static str,
    /// What may stand behind the name; `None` for nothing.
    pub argument: Option<&'static str>,
}

const fn command(name: &'static str, description: &'static str, argument: Option<&'static str>) -> SlashCommand {
    SlashCommand { name, description, argument }
}

/// Every command, in the order of lists.
pub const COMMANDS: &[SlashCommand] = &[
    command("tasks", "Background tasks and where they stand", None),
    command("stop", "Stop the turn, or a task", Some("[TASK | all]")),
    command("clear", "Begin a new conversation; tasks go along", None),
    command("compact", "Make room: sum up the conversation so far", Some("[what to keep]")),
    command("context", "What fills the model's context", None),
    command("resume", "Go on with an earlier conversation", Some("[number | id | title]")),
    command("model", "Show or change the model", Some("[NAME]")),
    command("permissions", "What is always allowed, and how to take it back", Some("[remove NUMBER]")),
    command("plan", "Plan mode: read only, until /plan off", Some("[off]")),
    command("init", "Have AGENTS.md written for this project", Some("[what matters]")),
    command("help", "These commands", None),
];

/// Folders that a path may begin with: a prompt that begins with one is a sentence about it.
const FOLDERS: [&str; 20] = [
    "bin", "boot", "data", "dev", "etc", "home", "lib", "media", "mnt", "nix", "opt", "proc", "root", "run", "sbin",
    "srv", "sys", "tmp", "usr", "var",
];

/// A prompt that is a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) name: String,
    /// What stands behind the name, without the spaces around it.
    pub(super) rest: String,
}

/// The command that a prompt is: its first text begins with a slash and one word of small letters.
pub(super) fn typed(content: &[Content]) -> Option<Typed> {
    let Some(Content::Text { text }) = content.first() else { return None };
    let after = text.trim_start().strip_prefix('/')?;
    let (name, rest) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
    let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_word && !FOLDERS.contains(&name)).then(|| Typed { name: name.to_owned(), rest: rest.trim().to_owned() })
}

/// The command that was most likely meant; `None` where nothing is near.
pub(super) fn nearest(name: &str) -> Option<&'static SlashCommand> {
    let begun = COMMANDS.iter().filter(|known| known.name.starts_with(name));
    let one_begun = Some(begun.collect::<Vec<_>>()).filter(|begun| begun.len() == 1).map(|begun| begun[0]);
    one_begun.or_else(|| {
        let near = COMMANDS.iter().map(|known| (distance(name, known.name), known));
        near.min_by_key(|(distance, _)| *distance)
            .filter(|(distance, known)| distance * 2 <= known.name.len())
            .map(|(_, known)| known)
    })
}

/// How many letters have to be put in, taken out, replaced or swapped with the next one.
fn distance(from: &str, to: &str) -> usize {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    // Names are short; a text that is no name is far from all of them.
    let from = &from[..from.len().min(32)];
    let mut rows = vec![(0..=to.len()).collect::<Vec<_>>()];
    for at in 1..=from.len() {
        let mut row = vec![at];
        for other in 1..=to.len() {
            let same = usize::from(from[at - 1] != to[other - 1]);
            let mut best = (rows[at - 1][other - 1] + same).min(rows[at - 1][other] + 1).min(row[other - 1] + 1);
            if at > 1 && other > 1 && from[at - 1] == to[other - 2] && from[at - 2] == to[other - 1] {
                best = best.min(rows[at - 2][other - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, String)> {
        typed(&[Content::Text { text: text.into() }]).map(|typed| (typed.name, typed.rest))
    }

    #[test]
    fn only_a_word_behind_a_slash_is_a_command() {
        for (text, name, rest) in [
            ("/tasks", "tasks", ""),
            ("  /stop t1k9 ", "stop", "t1k9"),
            ("/compact keep the\nplan", "compact", "keep the\nplan"),
            ("/frobnicate it", "frobnicate", "it"),
        ] {
            assert_eq!(read(text), Some((name.into(), rest.into())), "{text}");
        }
        for text in [
            "/usr/bin/env is broken",
            "/w/src",
            "/tmp is full",
            "/",
            "/ tasks",
            "// TODO: this",
            "/Tasks",
            "/tasks, please",
            "see /tasks",
            "/*.rs",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(typed(&[]), None);
    }

    #[test]
    fn the_nearest_command_is_what_was_meant() {
        for (typed, meant) in [
            ("taks", Some("tasks")),
            ("tsaks", Some("tasks")),
            ("task", Some("tasks")),
            ("perm", Some("permissions")),
            ("models", Some("model")),
            ("halp", Some("help")),
            ("comapct", Some("compact")),
            ("frobnicate", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typed).map(|known| known.name), meant, "{typed}");
        }
    }
}
