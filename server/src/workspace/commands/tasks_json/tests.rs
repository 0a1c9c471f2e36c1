//! What a `tasks.json` comes to, field by field.

use std::fs;

use super::*;

/// The tasks of a file, a line each: label, command or reason, folder, environment, dependencies.
fn lines(text: &str, file: Option<&str>) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("w");
    fs::create_dir_all(root.join(".vscode")).unwrap();
    fs::write(root.join(".vscode/tasks.json"), text).unwrap();
    let package = Package { root: &root, dir: &root };
    let file = file.map(|file| root.join(file));
    let tasks = read(&package, file.as_deref()).unwrap();
    let line = |task: Defined| {
        let run = match task.run {
            Ok(run) => format!("{} | {} | {:?}", run.command, run.cwd.display(), run.env),
            Err(reason) => format!("not: {reason}"),
        };
        let order = if task.in_sequence { " in sequence" } else { "" };
        format!("{} | {} | {run} | {:?}{order}", task.label, task.group.as_str(), task.depends_on)
            .replace(&root.display().to_string(), "W")
    };
    tasks.into_iter().map(line).collect()
}

#[test]
fn tasks_are_read_as_the_editor_reads_them() {
    let text = r#"{
        // Comments and commas at the end are allowed.
        "version": "2.0.0",
        "options": {"env": {"ALL": "1"}},
        "tasks": [
            {"label": "build", "type": "shell", "command": "make", "args": ["-j", "a b", {"value": "$X", "quoting": "weak"},
             {"value": "c d", "quoting": "escape"}, {"value": "$Y", "quoting": "strong"}], "group": "build",},
            {"label": "process", "type": "process", "command": "/opt/my tool", "args": ["x;y"],
             "options": {"cwd": "${workspaceFolder}/sub", "env": {"A": "${workspaceFolderBasename}", "N": 1}}},
            {"label": "here", "command": "other", "linux": {"command": "mine"}, "osx": {"command": "mine"}},
            {"label": "all", "dependsOn": ["build", {"task": "process"}], "dependsOrder": "sequence"},
            {"label": "one", "command": "x", "dependsOn": "build"},
            {"type": "npm", "script": "lint it"},
        ]
    }"#;
    let all = r#"[("ALL", "1")]"#;
    assert_eq!(
        lines(text, None),
        [
            format!(r#"build | build | make -j 'a b' "$X" c\ d '$Y' | W | {all} | []"#),
            r#"process | other | '/opt/my tool' 'x;y' | W/sub | [("A", "w"), ("N", "1")] | []"#.to_owned(),
            format!("here | other | mine | W | {all} | []"),
            format!(r#"all | other | : | W | {all} | ["build", "process"] in sequence"#),
            format!(r#"one | other | x | W | {all} | ["build"]"#),
            format!("npm run 'lint it' | lint | npm run 'lint it' | W | {all} | []"),
        ]
    );
}

#[test]
fn what_needs_the_editor_says_so() {
    let text = r#"{"tasks": [
        {"label": "file", "command": "test ${file} ${relativeFile} ${fileBasenameNoExtension}"},
        {"label": "input", "command": "x ${input:which}"},
        {"label": "setting", "command": "x", "options": {"cwd": "${config:a.b}"}},
        {"label": "gulp", "type": "gulp", "task": "x"},
        {"label": "nothing"},
        {"label": "shell", "command": "x ${HOME} ${A:-1} ${workspaceFolder}"},
    ]}"#;
    let found = lines(text, Some("src/a.rs"));
    assert_eq!(found[0], "file | other | test W/src/a.rs src/a.rs a | W | [] | []");
    assert_eq!(lines(text, None)[0], "file | other | not: `${file}` needs an active file | []");
    assert_eq!(found[1], "input | other | not: `${input:which}` is known to the editor alone | []");
    assert_eq!(found[2], "setting | other | not: `${config:a.b}` is known to the editor alone | []");
    assert_eq!(found[3], "gulp | other | not: tasks of type \"gulp\" run in the editor alone | []");
    assert_eq!(found[5], "shell | other | x ${HOME} ${A:-1} W | W | [] | []");
    assert_eq!(found[4], "nothing | other | not: it has no command | []");
}

#[test]
fn a_broken_file_says_where() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join(".vscode")).unwrap();
    let package = Package { root: dir.path(), dir: dir.path() };
    assert_eq!(read(&package, None), Ok(Vec::new()));
    fs::write(dir.path().join(".vscode/tasks.json"), "{\n \"tasks\": [").unwrap();
    assert!(read(&package, None).unwrap_err().starts_with(".vscode/tasks.json cannot be read"));
}
