//! The decision: from the history to what is said and which tools are called. Pure but for the look-up of the project's
//! commands, which the caller gives.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::past::{self, Started};
use super::report;
use super::understand::{Request, Which, understand};
use crate::agent::history::{Content, Item, UserItem};
use crate::task::model::{Group, Status};
use crate::workspace::classify;
use crate::workspace::commands::{LOOKED_FOR, ProjectCommand};

/// The project that requests are about.
pub(super) struct Project<'a> {
    pub root: &'a Path,
    /// The commands of the package nearest to a path.
    pub find: &'a dyn Fn(&Path) -> Vec<ProjectCommand>,
}

/// What is said, and then called.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reply {
    pub text: String,
    pub calls: Vec<Call>,
    /// Something was asked that takes a model.
    pub needs_model: bool,
}

/// A tool call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub name: &'static str,
    pub input: Value,
}

/// What works here.
const HELP: &str = "Without a model I understand plain requests about commands:\n\
    - `run the tests`, `build`, `lint` (in the background; say `and wait` for the foreground)\n\
    - ``run `COMMAND` ``, `!COMMAND`, with `in the background` if you like\n\
    - `status`, `what failed?`, `show the output`, `run it again`, `stop it`\n\
    - `read src/lib.rs`, `show lines 10-20 of src/lib.rs`\n\
    Failures appear in the editor while the command still runs.";

/// How a model is added.
const ADD_A_MODEL: &str = "To add a model, set the environment variable ANTHROPIC_API_KEY, OPENAI_API_KEY or \
    OPENROUTER_API_KEY (in VS Code: \"Pillion: Add API key\"), or choose one of a server on this machine, for instance \
    with `/model ollama:NAME`.";

/// Lines of output that "show the output" asks for.
const TAIL: u32 = 60;

/// Answers the newest item of the history.
pub(super) fn reply(history: &[Arc<Item>], project: &Project<'_>) -> Reply {
    let Some(Item::User(last)) = history.last().map(|item| &**item) else { return Reply::default() };
    let mut said: Vec<String> = past::newest_results(history).iter().map(report::result).collect();
    let mut calls = Vec::new();
    if !last.results.is_empty() && last.prompts.is_empty() {
        follow_up(history, &mut said, &mut calls);
    }
    said.extend(
        last.notification.iter().flat_map(|block| past::parse_block(block)).map(|notice| report::notice(&notice)),
    );
    let mut speaker = Speaker { history, project, last, said, calls, unknown: Vec::new() };
    for prompt in &last.prompts {
        speaker.prompt(&prompt.content);
    }
    speaker.finish()
}

/// "Stop it" of a task that the history does not know asks for the list of tasks first; now it is there.
fn follow_up(history: &[Arc<Item>], said: &mut Vec<String>, calls: &mut Vec<Call>) {
    let asked = history.iter().rposition(|item| matches!(&**item, Item::User(user) if !user.prompts.is_empty()));
    let Some(asked) = asked else { return };
    let Item::User(user) = &*history[asked] else { return };
    let stop =
        user.prompts.iter().flat_map(|prompt| understand(&text_of(&prompt.content))).find_map(
            |request| match request {
                Request::Stop { which } => Some(which),
                _ => None,
            },
        );
    let since = history[asked..].iter().filter_map(|item| match &**item {
        Item::Assistant(answer) => Some(answer.tool_calls().map(|(_, name, _)| name).collect::<Vec<_>>()),
        Item::User(_) | Item::Compaction(_) => None,
    });
    let (Some(which), false) = (stop, since.flatten().any(|name| name == "stop_background")) else { return };
    let results = past::newest_results(history);
    let Some(list) = results.iter().find(|done| done.name == "check_background") else { return };
    // A line each, newest first: the id, the status, the rest.
    let live =
        |line: &&str| line.split_whitespace().nth(1).and_then(Status::parse).is_some_and(|status| !status.is_final());
    let ids: Vec<&str> =
        list.result.text.lines().filter(live).filter_map(|line| line.split_whitespace().next()).collect();
    // The list was asked for to stop something, not to be shown.
    said.clear();
    match (&which, ids.is_empty()) {
        (_, true) => said.push("Nothing is running.".to_owned()),
        (Which::All, false) => calls.extend(ids.iter().map(|id| stop_call(id))),
        (_, false) => calls.extend(ids.first().map(|id| stop_call(id))),
    }
}

fn stop_call(id: &str) -> Call {
    Call { name: "stop_background", input: json!({"task_id": id}) }
}

fn text_of(content: &[Content]) -> String {
    let texts = content.iter().filter_map(|block| match block {
        Content::Text { text } => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Collects the answer to the prompts of one item.
struct Speaker<'a> {
    history: &'a [Arc<Item>],
    project: &'a Project<'a>,
    last: &'a UserItem,
    said: Vec<String>,
    calls: Vec<Call>,
    /// Clauses that need a model.
    unknown: Vec<String>,
}

impl Speaker<'_> {
    fn prompt(&mut self, content: &[Content]) {
        let links: Vec<(String, Option<(u32, u32)>)> = content
            .iter()
            .filter_map(|block| match block {
                Content::Link { uri, lines, .. } => Some((path_of(uri), *lines)),
                Content::Resource { uri, .. } => Some((path_of(uri), None)),
                _ => None,
            })
            .collect();
        let text = text_of(content);
        let requests = understand(&text);
        if requests.is_empty() {
            self.unknown.push(text.trim().to_owned());
        }
        for request in requests {
            match request {
                Request::Project { group, near, background } => {
                    self.project_command(group, near.as_deref(), background)
                }
                Request::Run { command, background } => self.run(&command, background),
                Request::Again { task } => self.again(task.as_deref()),
                Request::Failures => self.failures(),
                Request::Stop { which } => self.stop(&which),
                Request::Status => self.call("check_background", json!({})),
                Request::Output { task } => self.output(task),
                Request::Read { path, .. } if path.is_empty() => {
                    if links.is_empty() {
                        self.said.push("Say which file, for instance `read src/lib.rs`.".to_owned());
                    }
                    for (path, lines) in &links {
                        self.read(path, *lines);
                    }
                }
                Request::Read { path, lines } => self.read(&path, lines),
                Request::Help => self.said.push(HELP.to_owned()),
                Request::Unknown(clause) => self.unknown.push(clause),
            }
        }
    }

    fn call(&mut self, name: &'static str, input: Value) {
        self.calls.push(Call { name, input });
    }

    fn project_command(&mut self, group: Group, near: Option<&str>, background: Option<bool>) {
        let at = near.map_or(self.project.root.to_owned(), |near| self.project.root.join(near));
        let found: Vec<ProjectCommand> =
            (self.project.find)(&at).into_iter().filter(|command| command.group == group).collect();
        let Some(best) = found.first() else {
            let word = group.as_str();
            return self.said.push(format!(
                "I found no {word} command in {}. I looked for {LOOKED_FOR}. Name one: ``run `COMMAND` ``.",
                at.display()
            ));
        };
        let folder = |command: &ProjectCommand| {
            command.cwd.strip_prefix(self.project.root).map(|path| path.display().to_string()).unwrap_or_default()
        };
        let mut folders: Vec<String> = found.iter().map(folder).collect();
        folders.dedup();
        if near.is_none() && folders.len() > 1 && !folders.contains(&String::new()) {
            let list: Vec<String> =
                found.iter().map(|command| format!("\n- `{}` in {}/", command.command, folder(command))).collect();
            return self.said.push(format!(
                "There is more than one package; say which, for instance `{} in {}/`:{}",
                group.as_str(),
                folders[0],
                list.concat()
            ));
        }
        let command = match folder(best) {
            folder if folder.is_empty() => best.command.clone(),
            folder => format!("cd {} && {}", shell_word(&folder), best.command),
        };
        self.run(&command, background.or(Some(true)));
    }

    fn run(&mut self, command: &str, background: Option<bool>) {
        let background = background.or(classify::is_slow(command).then_some(true));
        let mut input = json!({"command": command});
        if let Some(background) = background {
            input["run_in_background"] = background.into();
        }
        self.call("bash", input);
    }

    fn again(&mut self, task: Option<&str>) {
        let started = past::started(self.history);
        let found = match task {
            None => started.last().cloned(),
            Some(id) => started.iter().rfind(|one| one.task.as_deref() == Some(id)).cloned().or_else(|| {
                let notices = past::notices(self.history);
                let told = notices.iter().rfind(|notice| notice.task == id)?;
                Some(Started { command: told.command.clone(), task: None, background: Some(true) })
            }),
        };
        match (found, task) {
            (Some(Started { command, background, .. }), _) => self.run(&command, background),
            (None, Some(id)) => self.said.push(format!("I know no task {id} in this conversation.")),
            (None, None) => self.said.push("Nothing was run in this conversation yet. Say `run the tests`.".to_owned()),
        }
    }

    fn failures(&mut self) {
        // A block that is told right now has said it.
        if self.last.notification.is_some() {
            return;
        }
        match report::failures(&past::notices(self.history)) {
            Some(text) => self.said.push(text),
            None => self.call("check_background", json!({})),
        }
    }

    fn stop(&mut self, which: &Which) {
        let ended: Vec<String> = past::notices(self.history).into_iter().map(|notice| notice.task).collect();
        let live: Vec<Started> = past::started(self.history)
            .into_iter()
            .filter(|one| one.task.as_ref().is_some_and(|id| !ended.contains(id)))
            .collect();
        let id = match which {
            Which::Named(name) => {
                let by_command = live.iter().rfind(|one| one.command == *name).and_then(|one| one.task.clone());
                Some(by_command.unwrap_or_else(|| name.clone()))
            }
            Which::Newest => live.last().and_then(|one| one.task.clone()),
            Which::All => None,
        };
        match id {
            Some(id) => self.calls.push(stop_call(&id)),
            // Tasks that the person started are not in the history.
            None => self.call("check_background", json!({})),
        }
    }

    fn output(&mut self, task: Option<String>) {
        let known = past::started(self.history).into_iter().filter_map(|one| one.task).next_back();
        let told = || past::notices(self.history).pop().map(|notice| notice.task);
        match task.or(known).or_else(told) {
            Some(id) => self.call("check_background", json!({"task_id": id, "tail": TAIL})),
            None => self.call("check_background", json!({})),
        }
    }

    fn read(&mut self, path: &str, lines: Option<(u32, u32)>) {
        let mut input = json!({"path": path});
        if let Some((first, last)) = lines {
            input["offset"] = first.into();
            input["limit"] = (last.saturating_sub(first) + 1).into();
        }
        self.call("read_file", input);
    }

    fn finish(mut self) -> Reply {
        let needs_model = !self.unknown.is_empty();
        if needs_model {
            let done = !self.said.is_empty() || !self.calls.is_empty();
            let what =
                self.unknown.iter().map(|clause| format!("\"{}\"", first_line(clause))).collect::<Vec<_>>().join(", ");
            let lead = if done && self.last.results.is_empty() {
                format!("This part needs a model, and none is configured: {what}.")
            } else {
                format!(
                    "No model is configured, so I cannot answer {what}. Tests, builds and other commands work; chat does not."
                )
            };
            self.said.push(format!(
                "{lead} {ADD_A_MODEL} Your message stays in this conversation, to be sent once a model is there. \
                 Say `help` for what works without one."
            ));
        }
        if self.said.is_empty() && self.calls.is_empty() {
            self.said.push("There is nothing new.".to_owned());
        }
        Reply { text: self.said.join("\n\n"), calls: self.calls, needs_model }
    }
}

fn first_line(text: &str) -> String {
    const SHOWN: usize = 80;
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(SHOWN).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

fn path_of(uri: &str) -> String {
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = (*first == b'%').then(|| path_byte(tail)).flatten();
        bytes.push(hex.unwrap_or(*first));
        rest = if hex.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte that two hexadecimal digits stand for.
fn path_byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits.get(..2)?).ok()?, 16).ok()
}

fn shell_word(word: &str) -> String {
    let plain = word.chars().all(|char| char.is_ascii_alphanumeric() || "_-./".contains(char));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
