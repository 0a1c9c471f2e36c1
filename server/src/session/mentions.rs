//! What prompts point at, on its way before the model: looked for when the prompt comes, read by an effect, and put into the
//! item that carries the prompt. A drain waits for what its prompts still have to hear.

use crate::agent::history::{Content, Prompt};
use crate::agent::mentions::{self, Mention, Wanted};
use crate::agent::notification;
use crate::ids::{PromptId, SessionId, TaskId};
use crate::problem::Severity;
use crate::tool::SeenFile;
use crate::workspace::roots;

use super::conversation::Phase;
use super::effect::Effect;
use super::state::State;

/// Problems that one mention tells.
const PROBLEMS: usize = 100;

/// What a prompt points at.
#[derive(Debug)]
pub(super) enum Pointed {
    /// It is being read.
    Reading,
    /// The block for the model; `None` when nothing was found.
    Read(Option<String>),
}

impl State {
    /// Looks for what a prompt points at, and has it read.
    pub(super) fn read_mentions(&mut self, session: &SessionId, prompt: &PromptId, content: &[Content]) {
        let (found, more) = mentions::find(content);
        let Some(owner) = self.sessions.get_mut(session) else { return };
        owner.pointed.remove(prompt);
        if found.is_empty() {
            return;
        }
        let cwd = owner.cwd.clone();
        let wanted: Vec<Wanted> = found.into_iter().map(|mention| self.wanted(session, mention)).collect();
        let Some(owner) = self.sessions.get_mut(session) else { return };
        owner.pointed.insert(prompt.clone(), Pointed::Reading);
        let (session, prompt) = (session.clone(), prompt.clone());
        self.effects.push(Effect::ReadMentions { session, prompt, cwd, wanted, more });
    }

    /// What is known at once, and what has to be read.
    fn wanted(&self, session: &SessionId, mention: Mention) -> Wanted {
        match mention {
            Mention::Path { path, lines } => Wanted::Path { path, lines },
            Mention::Link { uri, lines } => Wanted::Link { uri, lines },
            Mention::Diagnostics { path } => Wanted::Known(self.problems_in_words(session, path.as_deref())),
            Mention::Task { id, certain } => {
                let task = TaskId::from(id.as_str());
                match self.ledger.visible(&task) {
                    Some(found) => {
                        let head = self.describe_for_model(&task);
                        Wanted::Task { id, head, output: found.output.path.clone() }
                    }
                    None if certain => Wanted::Known(format!("(@task:{id}: there is no such task.)")),
                    None => Wanted::Path { path: id, lines: None },
                }
            }
        }
    }

    /// The problems of tasks' runs, of everything or below a path, a line each.
    fn problems_in_words(&self, session: &SessionId, path: Option<&str>) -> String {
        let root = &self.settings.root;
        let cwd = self.sessions.get(session).map_or(root, |owner| &owner.cwd);
        let below = path.map(|path| roots::absolute(cwd, path));
        let mut lines: Vec<String> = Vec::new();
        let mut all = 0;
        for stored in self.problems.all() {
            let problem = &stored.problem;
            if below.as_ref().is_some_and(|below| !problem.place.file.starts_with(below)) {
                continue;
            }
            all += 1;
            if lines.len() == PROBLEMS {
                continue;
            }
            let severity = match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                _ => "note",
            };
            let file = problem.place.file.strip_prefix(root).unwrap_or(&problem.place.file).display();
            let line = problem.place.line.map(|line| format!(":{line}")).unwrap_or_default();
            lines.push(format!(
                "{file}{line}: {severity}: {} ({})",
                notification::cut(&problem.message, 400),
                problem.tool
            ));
        }
        if all > lines.len() {
            lines.push(format!("… and {} more", all - lines.len()));
        }
        if lines.is_empty() {
            lines.push("There are none.".into());
        }
        let of = path.map(|path| [("path", path)]);
        mentions::element("diagnostics", of.as_ref().map_or(&[], |of| of.as_slice()), &lines.join("\n"))
    }

    /// What a prompt points at has been read.
    pub(super) fn mentions_read(
        &mut self,
        session: &SessionId,
        prompt: &PromptId,
        block: Option<String>,
        seen: Vec<SeenFile>,
    ) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        let Some(pointed) = owner.pointed.get_mut(prompt).filter(|pointed| matches!(pointed, Pointed::Reading)) else {
            return;
        };
        *pointed = Pointed::Read(block);
        // What a person shows has been seen: it may be edited.
        std::sync::Arc::make_mut(&mut owner.seen).extend(seen);
        let Some(turn) = owner.turn.as_mut().filter(|turn| turn.phase == Phase::Reading) else { return };
        turn.phase = Phase::Working;
        let nudge = turn.nudge.take();
        self.drain(session, Vec::new(), nudge);
    }

    /// Whether everything that the next item's prompts point at has been read. If not, the drain comes again when it has,
    /// with these prompts before all that wait.
    pub(super) fn have_read(
        &mut self,
        session: &SessionId,
        prompts: &mut Vec<Prompt>,
        nudge: &mut Option<String>,
    ) -> bool {
        let Some(owner) = self.sessions.get_mut(session) else { return true };
        let reading = |prompt: &Prompt| matches!(owner.pointed.get(&prompt.id), Some(Pointed::Reading));
        if !prompts.iter().chain(&owner.queue).any(reading) {
            return true;
        }
        owner.queue.splice(0..0, prompts.drain(..));
        if let Some(turn) = owner.turn.as_mut() {
            turn.phase = Phase::Reading;
            turn.nudge = nudge.take();
        }
        false
    }

    /// The blocks of these prompts, taken.
    pub(super) fn pointed_at(&mut self, session: &SessionId, prompts: &[Prompt]) -> Option<String> {
        let owner = self.sessions.get_mut(session)?;
        let blocks = prompts.iter().filter_map(|prompt| match owner.pointed.remove(&prompt.id) {
            Some(Pointed::Read(block)) => block,
            _ => None,
        });
        let blocks: Vec<String> = blocks.collect();
        (!blocks.is_empty()).then(|| blocks.join("\n\n"))
    }
}
