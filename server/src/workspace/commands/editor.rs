//! `.vscode/tasks.json`: tasks that the person gave to the groups test and build. One marked as the default of its group
//! comes before everything that is found by looking.

use serde_json::Value;

use super::{Package, ProjectCommand, quoted};
use crate::task::model::Group;
use crate::workspace::roots;

/// The default tasks of their groups, and the other ones. Tasks that need the editor (`${file}`, inputs) are left out.
pub(super) fn find(package: &Package<'_>) -> (Vec<ProjectCommand>, Vec<ProjectCommand>) {
    let Some(text) = package.read(".vscode/tasks.json") else { return Default::default() };
    let Ok(file) = jsonc_parser::parse_to_serde_value::<Value>(&text, &Default::default()) else {
        return Default::default();
    };
    let tasks = file["tasks"].as_array().cloned().unwrap_or_default();
    let mut found: (Vec<_>, Vec<_>) = Default::default();
    for task in &tasks {
        match one(package, task) {
            Some((command, true)) => found.0.push(command),
            Some((command, false)) => found.1.push(command),
            None => {}
        }
    }
    found
}

fn one(package: &Package<'_>, task: &Value) -> Option<(ProjectCommand, bool)> {
    let kind = task["group"]["kind"].as_str().or(task["group"].as_str())?;
    let group = match kind {
        "test" => Group::Test,
        "build" => Group::Build,
        _ => return None,
    };
    let command = expand(package, &command_line(task)?)?;
    let cwd = match task["options"]["cwd"].as_str() {
        Some(cwd) => roots::absolute(package.dir, &expand(package, cwd)?),
        None => package.dir.to_owned(),
    };
    let label = task["label"].as_str().or(task["taskName"].as_str()).unwrap_or(&command).to_owned();
    let source = format!(".vscode/tasks.json task {label:?}");
    Some((ProjectCommand { label, command, cwd, group, source }, task["group"]["isDefault"] == true))
}

fn command_line(task: &Value) -> Option<String> {
    let own = &task[if cfg!(target_os = "macos") { "osx" } else { "linux" }];
    let field = |name: &str| if own[name].is_null() { &task[name] } else { &own[name] };
    let text = |value: &Value| value.as_str().or(value["value"].as_str()).map(str::to_owned);
    let kind = task["type"].as_str().unwrap_or("shell");
    let mut line = match kind {
        "npm" => return Some(format!("npm run {}", quoted(task["script"].as_str()?))),
        "cargo" => format!("cargo {}", text(field("command"))?),
        // A shell's command line is the person's own text; a process is one word.
        "shell" => text(field("command"))?,
        "process" => quoted(&text(field("command"))?),
        _ => return None,
    };
    for arg in field("args").as_array().into_iter().flatten() {
        line.push(' ');
        line.push_str(&quoted_around_variables(&text(arg)?));
    }
    Some(line)
}

/// `${workspaceFolder}` is replaced later, and may need no quotes by itself.
fn quoted_around_variables(word: &str) -> String {
    if word.contains("${") && !word.contains(' ') { word.to_owned() } else { quoted(word) }
}

/// Replaces what is known without an editor; `None` when something else is asked for.
fn expand(package: &Package<'_>, text: &str) -> Option<String> {
    let dir = package.dir.display().to_string();
    let text = text
        .replace("${workspaceFolder}", &dir)
        .replace("${workspaceRoot}", &dir)
        .replace("${cwd}", &dir)
        .replace("${pathSeparator}", "/")
        .replace("${/}", "/");
    (!text.contains("${")).then_some(text)
}
