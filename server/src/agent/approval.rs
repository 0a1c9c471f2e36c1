//! What may be done unasked. Pure: a mode, the person's saved rules and a call in; a verdict out. Deny beats ask beats
//! allow, and nothing that came from a tool or a task can grant anything.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::tool::input::{Call, FileCall};

/// How much the agent may do unasked. The mode belongs to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reads are free; commands and edits ask.
    Ask,
    /// Reads and edits inside the workspace are free; commands ask.
    AcceptEdits,
    /// Reads only.
    Plan,
    /// Nothing asks.
    Auto,
}

impl Mode {
    /// Every mode: id, name and description, in the order in which clients list them.
    pub const ALL: [(Self, &'static str, &'static str, &'static str); 4] = [
        (Self::Ask, "ask", "Ask", "Asks before commands and edits"),
        (
            Self::AcceptEdits,
            "accept_edits",
            "Accept edits",
            "Edits in the workspace without asking; asks before commands",
        ),
        (Self::Plan, "plan", "Plan", "Reads only"),
        (Self::Auto, "auto", "Auto", "Runs commands and edits without asking"),
    ];

    /// The id on the wire.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(mode, ..)| *mode == self).map_or("ask", |(_, id, ..)| id)
    }

    /// The mode of an id; the error lists the ids.
    pub fn parse(id: &str) -> Result<Self, String> {
        Self::ALL.iter().find(|(_, known, ..)| *known == id).map(|(mode, ..)| *mode).ok_or_else(|| {
            let ids: Vec<&str> = Self::ALL.iter().map(|(_, id, ..)| *id).collect();
            format!("there is no mode {id:?}; the modes are {}", ids.join(", "))
        })
    }
}

/// A permission that a person saved for a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Exactly this command, to the letter.
    Command(String),
    /// Edits of files in the workspace.
    Edits,
}

impl Rule {
    /// Reads what [`fmt::Display`] wrote; `None` for a rule of another version.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "edit(workspace)" => Some(Self::Edits),
            _ => text.strip_prefix("bash(")?.strip_suffix(')').map(|command| Self::Command(command.to_owned())),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command) => write!(f, "bash({command})"),
            Self::Edits => f.write_str("edit(workspace)"),
        }
    }
}

/// What is to be done with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    /// Ask a person; `always` is the rule that "always allow" would save, where one makes sense.
    Ask {
        always: Option<Rule>,
    },
    /// Refused without a question; the text is for the model.
    Refuse(String),
}

/// Judges a call. `inside` tells whether a path lies in the workspace; `resolve` makes a printed path absolute.
pub fn judge(mode: Mode, rules: &[Rule], call: &Call, inside: impl Fn(&str) -> (PathBuf, bool)) -> Verdict {
    match call {
        // What a subagent does is judged as it does it.
        Call::Check(_) | Call::Stop(_) | Call::Diagnostics(_) | Call::Todo(_) | Call::Agent(_) => Verdict::Allow,
        Call::Bash(bash) => {
            let rule = Rule::Command(bash.command.clone());
            match mode {
                Mode::Plan => Verdict::Refuse(
                    "Plan mode only reads: no command was run. Describe the plan; the user can switch the mode.".into(),
                ),
                Mode::Auto => Verdict::Allow,
                _ if rules.contains(&rule) => Verdict::Allow,
                _ => Verdict::Ask { always: Some(rule) },
            }
        }
        Call::File(FileCall::Write(_) | FileCall::Edit(_)) => {
            let (path, inside) = inside(path_of(call).unwrap_or_default());
            match mode {
                Mode::Plan => Verdict::Refuse(
                    "Plan mode only reads: nothing was changed. Describe the plan; the user can switch the mode."
                        .into(),
                ),
                Mode::Auto => Verdict::Allow,
                _ if !inside || guarded(&path) => Verdict::Ask { always: None },
                Mode::AcceptEdits => Verdict::Allow,
                Mode::Ask if rules.contains(&Rule::Edits) => Verdict::Allow,
                Mode::Ask => Verdict::Ask { always: Some(Rule::Edits) },
            }
        }
        Call::File(_) => {
            let (path, inside) = inside(path_of(call).unwrap_or_default());
            if mode == Mode::Auto || (inside && !guarded(&path)) {
                Verdict::Allow
            } else {
                Verdict::Ask { always: None }
            }
        }
    }
}

/// The path that a file tool names, where it names one.
pub fn path_of(call: &Call) -> Option<&str> {
    match call {
        Call::File(FileCall::Read(call)) => Some(&call.path),
        Call::File(FileCall::Write(call)) => Some(&call.path),
        Call::File(FileCall::Edit(call)) => Some(&call.path),
        Call::File(FileCall::Glob(call)) => call.path.as_deref(),
        Call::File(FileCall::Grep(call)) => call.path.as_deref(),
        _ => None,
    }
}

/// Files that hold secrets, or that decide what runs later: always asked about.
fn guarded(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name == ".env"
        || name.starts_with(".env.")
        || name.ends_with(".pem")
        || name.starts_with("id_rsa")
        || name.starts_with("id_ed25519")
        || path.components().any(|part| part.as_os_str() == ".git" || part.as_os_str() == ".ssh")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn verdict(mode: &str, rules: &[&str], tool: &str, input: serde_json::Value) -> Verdict {
        let call = crate::tool::input::parse(tool, &input).expect("a good call");
        let rules: Vec<Rule> = rules.iter().map(|rule| Rule::parse(rule).expect("a good rule")).collect();
        judge(Mode::parse(mode).expect("a mode"), &rules, &call, |path| {
            let path = Path::new("/w").join(path);
            let inside = path.starts_with("/w");
            (path, inside)
        })
    }

    #[test]
    fn a_table_of_verdicts() {
        let bash = json!({"command": "cargo test"});
        let edit = json!({"path": "a.rs", "old_string": "a", "new_string": "b"});
        let read = json!({"path": "a.rs"});
        let rows = [
            ("ask", &[][..], "bash", &bash, Verdict::Ask { always: Some(Rule::Command("cargo test".into())) }),
            ("ask", &["bash(cargo test)"], "bash", &bash, Verdict::Allow),
            ("ask", &["bash(cargo)"], "bash", &bash, Verdict::Ask { always: Some(Rule::Command("cargo test".into())) }),
            ("auto", &[], "bash", &bash, Verdict::Allow),
            ("accept_edits", &[], "bash", &bash, Verdict::Ask { always: Some(Rule::Command("cargo test".into())) }),
            ("ask", &[], "edit_file", &edit, Verdict::Ask { always: Some(Rule::Edits) }),
            ("ask", &["edit(workspace)"], "edit_file", &edit, Verdict::Allow),
            ("accept_edits", &[], "edit_file", &edit, Verdict::Allow),
            ("ask", &[], "read_file", &read, Verdict::Allow),
            ("plan", &[], "read_file", &read, Verdict::Allow),
        ];
        for (mode, rules, tool, input, expected) in rows {
            assert_eq!(verdict(mode, rules, tool, input.clone()), expected, "{mode} {rules:?} {tool}");
        }
        assert!(matches!(verdict("plan", &[], "bash", bash), Verdict::Refuse(_)));
        assert!(matches!(verdict("plan", &[], "edit_file", edit), Verdict::Refuse(_)));
        let outside = json!({"path": "/etc/passwd"});
        assert_eq!(verdict("ask", &[], "read_file", outside.clone()), Verdict::Ask { always: None });
        assert_eq!(verdict("auto", &[], "read_file", outside), Verdict::Allow);
        assert_eq!(verdict("ask", &[], "read_file", json!({"path": ".env"})), Verdict::Ask { always: None });
    }

    #[test]
    fn an_unknown_mode_is_answered_with_the_list() {
        let error = Mode::parse("yolo").expect_err("no such mode");
        assert!(error.contains("ask, accept_edits, plan, auto"), "{error}");
    }
}
