//! The problems that the client shows, and what can be done at them: code actions for clients that have none of their own.
//! What the actions do are the commands of `params`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tower_lsp::ls_types::{Position, Range};

use super::convert::diagnostic;
use super::test_functions::test_functions;
use crate::diagnostics::groups::NAMED;
use crate::session::event::ShownProblem;

/// Actions that are offered at a time.
const MOST: usize = 30;

/// What was published last, by file. Written by the presenter.
#[derive(Clone, Debug, Default)]
pub struct Published(Arc<Mutex<HashMap<PathBuf, Vec<ShownProblem>>>>);

impl Published {
    /// The file's problems from now on. False when they are the same as before.
    pub fn set(&self, path: PathBuf, problems: Vec<ShownProblem>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.is_empty() {
            return all.remove(&path).is_some();
        }
        if all.get(&path) == Some(&problems) {
            return false;
        }
        all.insert(path, problems);
        true
    }

    /// The problems that touch a range of a file.
    fn at(&self, path: &Path, range: Range) -> Vec<ShownProblem> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let touches = |shown: &&ShownProblem| {
            let first = shown.problem.place.line.unwrap_or(1).saturating_sub(1);
            let last = shown.problem.place.end_line.map_or(first, |end| end.saturating_sub(1)).max(first);
            first <= range.end.line && range.start.line <= last
        };
        all.get(path).into_iter().flatten().filter(touches).cloned().collect()
    }

    /// A problem that was found last or is as bad as any, for a command without arguments: any error, with its file.
    pub fn first(&self) -> Option<(PathBuf, ShownProblem)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let each = all.iter().flat_map(|(path, problems)| problems.iter().map(move |it| (path, it)));
        let first = each.min_by_key(|(path, it)| (it.problem.severity, (*path).clone(), it.problem.place.line));
        first.map(|(path, shown)| (path.clone(), shown.clone()))
    }

    /// `textDocument/codeAction`: what can be done at the problems here, and at those of others, that the client names.
    pub fn actions(&self, uri: &str, path: &Path, range: Range, others: &[Value]) -> Vec<Value> {
        let mut actions: Vec<Value> = Vec::new();
        let mut offer = |title: String, command: &str, arguments: Value, of: &Value| {
            let known =
                actions.iter().any(|it| it["title"] == title.as_str() && it["command"]["arguments"] == arguments);
            if !known && actions.len() < MOST {
                actions.push(json!({
                    "title": title,
                    "kind": "quickfix",
                    "diagnostics": [of],
                    "command": {"title": title, "command": command, "arguments": arguments},
                }));
            }
        };
        for shown in self.at(path, range) {
            let of = diagnostic(&shown);
            let (task, tests) = (&shown.task, &shown.tests);
            offer("Fix with Pillion".into(), "pillion.fix", json!([uri, of]), &of);
            if let Some(service) = &shown.service {
                let title = format!("Start {} and rerun", service.name);
                offer(title, "pillion.service.start", json!([task]), &of);
            }
            match tests.as_slice() {
                [] => offer("Rerun".into(), "pillion.task.rerun", json!([task]), &of),
                [test] => offer("Rerun this test".into(), "pillion.task.rerun", json!([task, test]), &of),
                // A list that may be cut names not all of them.
                tests if tests.len() >= NAMED => {}
                tests => {
                    offer(
                        format!("Rerun these {} tests", tests.len()),
                        "pillion.task.rerun",
                        json!([task, tests]),
                        &of,
                    );
                }
            }
            if !tests.is_empty() {
                offer("Rerun failed tests".into(), "pillion.task.rerun", json!([task, "failed"]), &of);
            }
            let found = [
                format!(
                    "{}:{}",
                    path.file_name().unwrap_or_default().to_string_lossy(),
                    shown.problem.place.line.unwrap_or(1)
                ),
                shown.problem.message.clone(),
                tests.first().cloned().unwrap_or_default(),
            ];
            offer("Show output at this line".into(), "pillion.task.show", json!([task, shown.run, found]), &of);
            offer("Dismiss the problems of this task".into(), "pillion.task.dismiss", json!([task]), &of);
        }
        for other in others.iter().filter(|it| it["source"] != "pillion") {
            offer("Fix with Pillion".into(), "pillion.fix", json!([uri, other]), other);
        }
        actions
    }
}

impl Published {
    /// `textDocument/codeLens`: what can be done at the test functions of a file.
    pub fn lenses(&self, uri: &str, path: &Path, text: &str) -> Vec<Value> {
        let functions = test_functions(path, text);
        let mut lenses = Vec::new();
        for (at, function) in functions.iter().enumerate() {
            let end = functions.get(at + 1).map_or(u32::MAX, |next| next.line.saturating_sub(1));
            let position = |line, character| Position { line, character };
            let body = Range { start: position(function.line, 0), end: position(end.max(function.line), 0) };
            let range = json!({
                "start": {"line": function.line, "character": 0}, "end": {"line": function.line, "character": 0},
            });
            let mut lens = |title: &str, command: &str, arguments: Value| {
                let command = json!({"title": title, "command": command, "arguments": arguments});
                lenses.push(json!({"range": range, "command": command}));
            };
            match self.at(path, body).into_iter().find(|shown| !shown.tests.is_empty()) {
                Some(failed) => {
                    lens("Rerun test", "pillion.task.rerun", json!([failed.task, failed.tests]));
                    lens("Fix with Pillion", "pillion.fix", json!([uri, diagnostic(&failed)]));
                    let found = [failed.problem.message.clone()];
                    lens("Show output", "pillion.task.show", json!([failed.task, failed.run, found]));
                }
                None => lens("Run tests", "pillion.test", json!([{"uri": uri}])),
            }
        }
        lenses
    }
}

/// What a person says who wants a problem fixed: in words, and the line that it is about.
pub fn fix_prompt(root: &Path, path: &Path, uri: &str, diagnostic: &Value) -> Value {
    let line = diagnostic["range"]["start"]["line"].as_u64().unwrap_or(0) + 1;
    let place = path.strip_prefix(root).unwrap_or(path).display();
    let message = diagnostic["message"].as_str().unwrap_or("There is a problem here.");
    let source = [&diagnostic["source"], &diagnostic["code"]];
    let source: Vec<String> = source
        .iter()
        .filter(|it| !it.is_null())
        .map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned))
        .collect();
    let from = if source.is_empty() { String::new() } else { format!(" ({})", source.join(" ")) };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    json!([
        {"type": "text", "text": format!("Fix this at {place}:{line}:\n{message}{from}")},
        {"type": "resource_link", "uri": uri, "name": name, "range": {"start": line, "end": line}},
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Place, Problem, Severity};
    use crate::workspace::Service;

    fn shown(line: u32, tests: &[&str]) -> ShownProblem {
        let place = Place { file: "/w/a.py".into(), line: Some(line), column: None, end_line: None, end_column: None };
        ShownProblem {
            task: "t1".into(),
            run: 2,
            problem: Problem {
                place,
                severity: Severity::Error,
                message: "assert 1 == 2".into(),
                detail: None,
                code: None,
                tool: "pytest".into(),
                test: tests.first().map(|test| (*test).to_owned()),
                related: Vec::new(),
                provisional: false,
                applies: Default::default(),
            },
            edited: false,
            tests: tests.iter().map(|test| (*test).to_owned()).collect(),
            service: None,
        }
    }

    fn titles(published: &Published, line: u32, others: &[Value]) -> Vec<String> {
        let at = |line| tower_lsp::ls_types::Position { line, character: 0 };
        let actions =
            published.actions("file:///w/a.py", Path::new("/w/a.py"), Range { start: at(line), end: at(line) }, others);
        let title = |it: &Value| format!("{} {}", it["title"].as_str().unwrap_or_default(), it["command"]["command"]);
        actions.iter().map(title).collect()
    }

    #[test]
    fn actions_belong_to_the_line() {
        let published = Published::default();
        let group =
            ShownProblem { service: Some(Service { name: "db".into(), folder: "/w".into() }), ..shown(9, &["x", "y"]) };
        assert!(!published.set("/w/b.py".into(), Vec::new()));
        assert!(published.set("/w/a.py".into(), vec![shown(3, &["test_a"]), group, shown(20, &[])]));
        let rest = [
            "Show output at this line \"pillion.task.show\"",
            "Dismiss the problems of this task \"pillion.task.dismiss\"",
        ];
        let fix = "Fix with Pillion \"pillion.fix\"";
        let failed = "Rerun failed tests \"pillion.task.rerun\"";
        let with = |own: &[&str]| own.iter().chain(&rest).map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(titles(&published, 2, &[]), with(&[fix, "Rerun this test \"pillion.task.rerun\"", failed]));
        let start = "Start db and rerun \"pillion.service.start\"";
        let these = "Rerun these 2 tests \"pillion.task.rerun\"";
        assert_eq!(titles(&published, 8, &[]), with(&[fix, start, these, failed]));
        assert_eq!(titles(&published, 19, &[]), with(&[fix, "Rerun \"pillion.task.rerun\""]));
        assert!(titles(&published, 5, &[]).is_empty());
        let other = json!({"source": "pyright", "message": "no", "range": {"start": {"line": 5, "character": 0}}});
        assert_eq!(titles(&published, 5, &[other]), [fix]);
    }

    #[test]
    fn lenses_stand_at_test_functions() {
        let published = Published::default();
        published.set("/w/a.py".into(), vec![shown(2, &["a.py::test_a"])]);
        let text = "def test_a():\n    assert 1 == 2\n\ndef test_b():\n    pass\n";
        let lenses = published.lenses("file:///w/a.py", Path::new("/w/a.py"), text);
        let said: Vec<String> = lenses
            .iter()
            .map(|it| {
                format!("{} {} {}", it["range"]["start"]["line"], it["command"]["title"], it["command"]["command"])
            })
            .collect();
        assert_eq!(
            said,
            [
                "0 \"Rerun test\" \"pillion.task.rerun\"",
                "0 \"Fix with Pillion\" \"pillion.fix\"",
                "0 \"Show output\" \"pillion.task.show\"",
                "3 \"Run tests\" \"pillion.test\"",
            ]
        );
        assert_eq!(lenses[0]["command"]["arguments"], json!(["t1", ["a.py::test_a"]]));
    }

    #[test]
    fn a_fix_is_asked_for_in_words() {
        let diagnostic =
            json!({"range": {"start": {"line": 4}}, "message": "no such name", "source": "rustc", "code": "E0425"});
        let prompt = fix_prompt(Path::new("/w"), Path::new("/w/src/a.rs"), "file:///w/src/a.rs", &diagnostic);
        assert_eq!(prompt[0]["text"], "Fix this at src/a.rs:5:\nno such name (rustc E0425)");
        assert_eq!(prompt[1]["range"], json!({"start": 5, "end": 5}));
    }
}
