//! Reads what the judgement of a command depends on: where links lead, and the project's own commands.

use std::path::PathBuf;

use super::Hands;
use crate::ids::{SessionId, ToolCallId, TurnId};
use crate::session::event::Event;
use crate::session::permission::Look;
use crate::workspace::commands::scripts;
use crate::workspace::links;

/// Where the command would run, and whose home is `~`.
pub(super) struct Site {
    pub cwd: PathBuf,
    pub home: PathBuf,
}

impl Hands {
    pub(super) fn read_project(&mut self, session: SessionId, turn: TurnId, call: ToolCallId, site: Site, look: Look) {
        let Site { cwd, home } = site;
        let root = self.roots.all().find(|root| cwd.starts_with(root)).unwrap_or(&self.root).to_owned();
        self.work(turn.clone(), async move {
            let read = tokio::task::spawn_blocking(move || {
                let own = if look.scripts { scripts::own(&root, &cwd) } else { Vec::new() };
                (own, links::leading(&cwd, &root, &home, &look.names))
            });
            // What cannot be read is not offered, and holds no rule.
            let (own, links) = read.await.unwrap_or_default();
            Event::ProjectRead { session, turn, call, own, links }
        });
    }
}
