//! `.vscode/tasks.json`: the tasks that the person has written down for the editor, with what they depend on. Variables
//! that only an editor knows make a task unavailable, with the reason.

use std::path::Path;

use serde_json::Value;

use crate::matcher::problem_matcher;

use super::{Defined, DefinedRun, Package, ProjectCommand, quoted};
use crate::task::model::Group;
use crate::workspace::{classify, roots};

/// Tasks of one file, at most.
const MOST: usize = 500;

/// As commands of the project: the default tasks of their groups, and the other ones.
pub(super) fn find(package: &Package<'_>) -> (Vec<ProjectCommand>, Vec<ProjectCommand>) {
    let mut found: (Vec<_>, Vec<_>) = Default::default();
    for task in read(package, None).unwrap_or_default() {
        let Ok(run) = task.run else { continue };
        let source = format!(".vscode/tasks.json task {:?}", task.label);
        let command = ProjectCommand {
            command: run.command,
            cwd: run.cwd,
            group: task.group,
            source,
            // Only the workspace's own file is asked for a label.
            task: (package.dir == package.root
                && (!task.depends_on.is_empty()
                    || !run.env.is_empty()
                    || !run.matchers.is_empty()
                    || !run.unread.is_empty()))
            .then(|| task.label.clone()),
            label: task.label,
        };
        match (task.is_default, task.is_hidden) {
            (_, true) => {}
            (true, false) => found.0.push(command),
            (false, false) => found.1.push(command),
        }
    }
    found
}

/// The tasks of the package's file; none where there is no file. `file` is the active one. The error is for a person.
pub(super) fn read(package: &Package<'_>, file: Option<&Path>) -> Result<Vec<Defined>, String> {
    let Some(text) = package.read(".vscode/tasks.json") else { return Ok(Vec::new()) };
    let whole = jsonc_parser::parse_to_serde_value::<Value>(&text, &Default::default())
        .map_err(|error| format!(".vscode/tasks.json cannot be read: {error}"))?;
    let known = Known { dir: package.dir, file };
    let tasks = whole["tasks"].as_array().into_iter().flatten().take(MOST);
    Ok(tasks.filter_map(|task| one(&known, &whole, task)).collect())
}

fn one(known: &Known<'_>, whole: &Value, task: &Value) -> Option<Defined> {
    let own = Layers([&task[SYSTEM], task, &whole[SYSTEM], whole]);
    let run = run(known, &own, task);
    let kind = task["group"]["kind"].as_str().or(task["group"].as_str());
    let command = run.as_ref().map_or("", |run| run.command.as_str());
    let group = match kind {
        Some("test") => Group::Test,
        Some("build") => Group::Build,
        _ => classify::group_of(command),
    };
    let label = task["label"].as_str().or(task["taskName"].as_str()).unwrap_or(command).to_owned();
    let named = |name: &Value| name.as_str().or(name["task"].as_str()).map(str::to_owned);
    let depends_on = match &task["dependsOn"] {
        Value::Array(names) => names.iter().filter_map(named).collect(),
        one => named(one).into_iter().collect(),
    };
    (!label.is_empty()).then_some(Defined {
        label,
        group,
        is_default: task["group"]["isDefault"] == true,
        is_hidden: task["hide"] == true,
        run,
        depends_on,
        in_sequence: task["dependsOrder"] == "sequence",
    })
}

const SYSTEM: &str = if cfg!(target_os = "macos") { "osx" } else { "linux" };

/// Problem matchers of one task.
const MOST_MATCHERS: usize = 20;

/// Where a field is looked for: the task's own for this system, the task, and the file's for all tasks.
struct Layers<'a>([&'a Value; 4]);

impl<'a> Layers<'a> {
    fn field(&self, name: &str) -> &'a Value {
        self.0.iter().map(|layer| &layer[name]).find(|value| !value.is_null()).unwrap_or(&Value::Null)
    }

    fn option(&self, name: &str) -> &'a Value {
        let options = self.0.iter().map(|layer| &layer["options"][name]);
        options.into_iter().find(|value| !value.is_null()).unwrap_or(&Value::Null)
    }
}

fn run(known: &Known<'_>, own: &Layers<'_>, task: &Value) -> Result<DefinedRun, String> {
    let cwd = match own.option("cwd").as_str() {
        Some(cwd) => roots::absolute(known.dir, &known.expand(cwd)?),
        None => known.dir.to_owned(),
    };
    let mut env = Vec::new();
    for (name, value) in own.option("env").as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        env.push((name.clone(), known.expand(&value)?));
    }
    let (matchers, unread) = matchers(own.field("problemMatcher"));
    Ok(DefinedRun { command: command_line(known, own, task)?, cwd, env, matchers, unread })
}

/// Those that can be used, and what is wrong with the others. Those of extensions (`$rustc`) are known to these alone, and
/// left out: what their tools say is known here anyway.
fn matchers(written: &Value) -> (Vec<Value>, Vec<String>) {
    let all = match written {
        Value::Array(all) => all.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    let (mut good, mut unread) = (Vec::new(), Vec::new());
    for matcher in all {
        let of_extension = || matcher.as_str().is_some_and(|name| name.starts_with('$'));
        match problem_matcher::parse(matcher) {
            Ok(_) if good.len() < MOST_MATCHERS => good.push(matcher.clone()),
            Ok(_) => {}
            Err(_) if of_extension() => {}
            Err(error) if unread.len() < MOST_MATCHERS => unread.push(error.to_string()),
            Err(_) => {}
        }
    }
    if all.len() > MOST_MATCHERS {
        unread
            .push(format!("it has {} problem matchers, of which {MOST_MATCHERS} are used; leave some out", all.len()));
    }
    (good, unread)
}

fn command_line(known: &Known<'_>, own: &Layers<'_>, task: &Value) -> Result<String, String> {
    let word = |value: &Value| {
        let text = value.as_str().or(value["value"].as_str()).ok_or("a word of it is no text")?;
        known.expand(text)
    };
    let command = own.field("command");
    let mut line = match own.field("type").as_str().unwrap_or("shell") {
        "npm" => return Ok(format!("npm run {}", quoted(task["script"].as_str().ok_or("it names no script")?))),
        "cargo" => format!("cargo {}", word(command)?),
        // It only runs others.
        "shell" | "process" if command.is_null() && !task["dependsOn"].is_null() => return Ok(":".to_owned()),
        "shell" | "process" if command.is_null() => return Err("it has no command".into()),
        // A shell's command line is the person's own text; a process is one word.
        "shell" => word(command)?,
        "process" => quoted(&word(command)?),
        other => return Err(format!("tasks of type {other:?} run in the editor alone")),
    };
    for arg in own.field("args").as_array().into_iter().flatten() {
        line.push(' ');
        let text = word(arg)?;
        line.push_str(&match arg["quoting"].as_str() {
            Some("weak") => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            Some("escape") => escaped(&text),
            _ => quoted(&text),
        });
    }
    Ok(line)
}

/// A backslash before each character that means something to the shell.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        if char.is_ascii() && !char.is_ascii_alphanumeric() && !"_-./:=@%+,".contains(char) {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

/// Whether the editor would replace a variable.
fn is_editors(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "userHome",
        "execPath",
        "lineNumber",
        "columnNumber",
        "selectedText",
        "defaultBuildTask",
        "extensionInstallFolder",
    ];
    let kind = name.split_once(':').map(|(kind, _)| kind);
    matches!(kind, Some("env" | "config" | "command" | "input"))
        || NAMES.contains(&name)
        || ["workspaceFolder", "file", "relativeFile"].iter().any(|start| name.starts_with(start))
}

/// What is known without an editor.
struct Known<'a> {
    dir: &'a Path,
    file: Option<&'a Path>,
}

impl Known<'_> {
    /// Replaces the variables; the error names the first that is not known.
    fn expand(&self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after.split_once('}').ok_or_else(|| format!("{text:?} has a `${{` without an end"))?;
            out.push_str(before);
            out.push_str(&self.variable(name)?);
            rest = behind;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn variable(&self, name: &str) -> Result<String, String> {
        let text = |path: Option<&Path>| path.unwrap_or(Path::new("")).display().to_string();
        let file = || self.file.ok_or_else(|| format!("`${{{name}}}` needs an active file"));
        Ok(match name {
            "workspaceFolder" | "workspaceRoot" | "cwd" => text(Some(self.dir)),
            "workspaceFolderBasename" => text(self.dir.file_name().map(Path::new)),
            "pathSeparator" | "/" => "/".to_owned(),
            "file" => text(Some(file()?)),
            "fileDirname" => text(file()?.parent()),
            "fileBasename" => text(file()?.file_name().map(Path::new)),
            "fileBasenameNoExtension" => text(file()?.file_stem().map(Path::new)),
            "relativeFile" => text(Some(file()?.strip_prefix(self.dir).unwrap_or(file()?))),
            _ if is_editors(name) => return Err(format!("`${{{name}}}` is known to the editor alone")),
            // The shell's own.
            _ => format!("${{{name}}}"),
        })
    }
}

#[cfg(test)]
mod tests;
