//! The instruction files of a session: read once, when it is made, and frozen in its system text; those that lie deeper go
//! along with the first tool result that has to do with their folder.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::agent::history::Item;
use crate::agent::instructions::{self, InstructionFile};
use crate::agent::prompt;
use crate::ids::SessionId;

use super::conversation::{Phase, Session};
use super::effect::{Effect, Write};
use super::state::State;

/// The nested files that the model has been given, as far as requests still hold them.
#[derive(Debug, Default)]
pub(super) struct Nested {
    /// Those of the system text.
    frozen: BTreeSet<PathBuf>,
    told: BTreeSet<PathBuf>,
}

impl Session {
    /// After a compaction, or when it was read: what is left out may be told again.
    pub(super) fn renew_nested(&mut self) {
        let users = self.view.iter().filter_map(|item| match &**item {
            Item::User(user) => Some(user),
            _ => None,
        });
        let results = users.flat_map(|user| &user.results);
        self.nested.told = results.flat_map(|result| instructions::nested_in(&result.text)).collect();
    }
}

impl Nested {
    /// For a subagent, whose system text has the same files.
    pub(super) fn for_subagent(&self) -> Self {
        Self { frozen: self.frozen.clone(), told: BTreeSet::new() }
    }
}

impl State {
    /// Has the files read. The session's first request waits for them.
    pub(super) fn read_instructions(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        owner.awaits_instructions = true;
        let cwd = owner.cwd.clone();
        self.effects.push(Effect::ReadInstructions { session: session.clone(), cwd });
    }

    /// They are read: the system text is what it is from now on.
    pub(super) fn instructions_read(&mut self, session: &SessionId, files: &[InstructionFile]) {
        let root = self.settings.root.clone();
        let Some(owner) = self.sessions.get_mut(session).filter(|owner| owner.awaits_instructions) else { return };
        owner.awaits_instructions = false;
        let section = instructions::section(files);
        owner.system = prompt::system(&root, &owner.cwd, &owner.created_at.date(), section.as_deref()).into();
        owner.nested.frozen = files.iter().map(|file| file.path.clone()).collect();
        owner.meter.set_fixed(&owner.system, &self.tools);
        let (id, text) = (session.clone(), owner.system.clone());
        let waiting = owner.turn.as_ref().filter(|turn| turn.phase == Phase::Preparing).map(|turn| turn.id.clone());
        self.effects.push(Effect::Store(Write::System { session: id, text }));
        if let Some(turn) = waiting {
            self.ask(session, &turn);
        }
    }

    /// A tool result, with the files that hold for the folder that it has to do with and that the model has not been given.
    pub(super) fn with_nested(&mut self, session: &SessionId, mut text: String, files: &[InstructionFile]) -> String {
        let Some(owner) = self.sessions.get_mut(session) else { return text };
        for file in files {
            let nested = &mut owner.nested;
            if !nested.frozen.contains(&file.path) && nested.told.insert(file.path.clone()) {
                text.push_str("\n\n");
                text.push_str(&instructions::nested(file));
            }
        }
        text
    }
}
