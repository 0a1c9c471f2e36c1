//! What a task needs for itself while it runs: a slot, and the classes that it belongs to.

use crate::task::model::{Group, Kind, Task, WaitKind};
use crate::workspace::classify;

use super::decide::{Class, Needs};

/// One setting of `background.exclusive`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusive {
    /// A group or a program.
    name: String,
    /// One at a time in the whole workspace, of all with this class; in a folder where there is none.
    class: Option<String>,
}

/// Reads `background.exclusive`: names of groups or programs, `NAME` or `NAME = CLASS`.
pub fn exclusive(names: &[impl AsRef<str>]) -> Vec<Exclusive> {
    let read = |name: &str| match name.split_once('=') {
        Some((name, class)) => Exclusive { name: name.trim().to_owned(), class: Some(class.trim().to_owned()) },
        None => Exclusive { name: name.trim().to_owned(), class: None },
    };
    names.iter().map(|name| read(name.as_ref())).collect()
}

/// Whether tasks of a group compete for the machine.
pub(in crate::session) fn is_heavy(group: Group) -> bool {
    matches!(group, Group::Build | Group::Test | Group::Lint | Group::Install)
}

impl Needs {
    /// What this task needs. Nothing waits behind what never ends: a server, a watcher and a watched stream need nothing.
    pub(in crate::session) fn of(task: &Task, rules: &[Exclusive]) -> Self {
        if task.kind != Kind::Shell || classify::stays(&task.command).is_some() {
            return Self::default();
        }
        let programs = if rules.is_empty() { Vec::new() } else { classify::programs(&task.command) };
        let is_of = |rule: &&Exclusive| {
            rule.name == task.group.as_str() || programs.iter().any(|program| file_name(program) == rule.name)
        };
        let mut classes: Vec<Class> = rules
            .iter()
            .filter(is_of)
            .map(|rule| Class {
                name: match &rule.class {
                    Some(class) => format!("class {class}"),
                    None => format!("{} in {}", rule.name, task.cwd.display()),
                },
                wait: WaitKind::Lock,
            })
            .collect();
        let slot = is_heavy(task.group);
        if slot {
            // The same build twice at a time helps nobody: both would be slower, and one may see what the other half wrote.
            classes.push(Class {
                name: format!("{}\0{}\0{:?}", task.cwd.display(), task.command, task.env),
                wait: WaitKind::Slot,
            });
        }
        Self { slot, classes }
    }

    /// The classes of one that waits for a person's answer: the same command may run beside it meanwhile.
    pub(in crate::session) fn while_asking(&self) -> &[Class] {
        let same = self.classes.iter().position(|class| class.wait == WaitKind::Slot);
        &self.classes[..same.unwrap_or(self.classes.len())]
    }

    /// The classes that hold over all windows of the workspace.
    pub(in crate::session) fn shared(&self) -> Vec<String> {
        let shared = self.classes.iter().filter(|class| class.wait == WaitKind::Lock);
        shared.map(|class| class.name.clone()).collect()
    }
}

fn file_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_read() {
        let rule = |name: &str, class: Option<&str>| Exclusive { name: name.into(), class: class.map(str::to_owned) };
        assert_eq!(
            exclusive(&[" install", "terraform = infra", "ansible=infra "]),
            [rule("install", None), rule("terraform", Some("infra")), rule("ansible", Some("infra"))]
        );
    }
}
