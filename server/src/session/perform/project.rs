//! Reads the project's own commands, and where links lead, for the judgement of a command.

use std::path::PathBuf;

use super::Hands;
use crate::ids::{SessionId, ToolCallId, TurnId};
use crate::session::event::Event;
use crate::workspace::commands::scripts;
use crate::workspace::links;

/// What is looked at.
pub(super) struct Look {
    pub cwd: PathBuf,
    pub home: PathBuf,
    /// Words of the command.
    pub names: Vec<String>,
}

impl Hands {
    pub(super) fn read_project(&mut self, session: SessionId, turn: TurnId, call: ToolCallId, look: Look) {
        let Look { cwd, home, names } = look;
        let root = self.roots.all().find(|root| cwd.starts_with(root)).unwrap_or(&self.root).to_owned();
        self.work(turn.clone(), async move {
            let read = tokio::task::spawn_blocking(move || {
                (scripts::own(&root, &cwd), links::leading(&cwd, &root, &home, &names))
            });
            // What cannot be read is not offered, and holds no rule.
            let (own, links) = read.await.unwrap_or_default();
            Event::ProjectRead { session, turn, call, own, links }
        });
    }
}
