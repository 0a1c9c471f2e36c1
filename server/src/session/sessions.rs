//! The client's requests about sessions themselves: a new one, an earlier one again, its mode, model and title, its end.

use std::path::PathBuf;

use crate::agent::approval::Mode;
use crate::ids::SessionId;

use super::conversation::Session;
use super::effect::{Effect, Refusal, Reply, Write};
use super::event::{Page, ReplyId, StoredSession};
use super::replay;
use super::small::TitleBy;
use super::state::State;

/// Characters of a title.
const TITLE_MAX: usize = 200;

impl State {
    pub(super) fn new_session(
        &mut self,
        reply: ReplyId,
        cwd: Option<PathBuf>,
        mode: Option<String>,
        model: Option<String>,
    ) {
        let mode = match mode.as_deref().map(Mode::parse) {
            None => self.settings.mode,
            Some(Ok(mode)) => mode,
            Some(Err(message)) => return self.refuse(reply, bad_mode(message)),
        };
        let id = self.ids.session();
        let cwd = cwd.unwrap_or_else(|| self.settings.root.clone());
        let model = match model.as_deref().map(|model| self.model_named(model)) {
            None => self.settings.model.clone(),
            Some(Ok(model)) => model,
            Some(Err(refusal)) => return self.refuse(reply, refusal),
        };
        let session = Session::new(id.clone(), &self.settings, cwd, mode, model, self.now());
        self.sessions.insert(id.clone(), session);
        self.measure_fixed(&id);
        self.describe_model(&id);
        self.save_session(&id);
        self.reply_session(reply, &id);
        self.read_instructions(&id);
    }

    fn reply_session(&mut self, reply: ReplyId, session: &SessionId) {
        let Some(owner) = self.sessions.get(session) else { return };
        let (mode, model) = (owner.mode.as_str(), owner.model.clone());
        self.reply(reply, Reply::Session { session: session.clone(), mode, model });
    }

    pub(super) fn load_session(&mut self, reply: ReplyId, session: SessionId, page: Page) {
        if self.sessions.contains_key(&session) {
            self.show_loaded(reply, &session, &page);
        } else {
            self.effects.push(Effect::LoadSession { reply, session, page });
        }
    }

    /// Answers a load and replays what it asked for.
    fn show_loaded(&mut self, reply: ReplyId, session: &SessionId, page: &Page) {
        let Some(owner) = self.sessions.get(session) else { return };
        let range = match replay::range(&owner.history, page) {
            Ok(range) => range,
            Err(refusal) => return self.refuse(reply, refusal),
        };
        let (mode, model) = (owner.mode.as_str(), owner.model.clone());
        let before = replay::cursor(&range);
        self.reply(reply, Reply::Loaded { session: session.clone(), mode, model, before });
        self.replay(session, page, range);
    }

    /// The store has answered.
    pub(super) fn session_loaded(
        &mut self,
        reply: ReplyId,
        id: &SessionId,
        page: Page,
        stored: Result<Option<Box<StoredSession>>, String>,
    ) {
        match stored {
            Err(error) => self.refuse(reply, Refusal::Internal(error)),
            Ok(None) => self.refuse(reply, Refusal::UnknownSession(id.clone())),
            Ok(Some(_)) if self.sessions.contains_key(id) => self.load_session(reply, id.clone(), page),
            Ok(Some(mut stored)) => {
                self.pending_of(id, std::mem::take(&mut stored.pending));
                let tasks = std::mem::take(&mut stored.tasks);
                let (used_at, head) = (stored.updated_at, stored.head.take());
                let was_cut = stored.log.last().is_some_and(|turn| turn.last.is_none());
                let has_system = stored.system.is_some() || !stored.history.is_empty();
                let session = Session::restored(*stored, &self.settings);
                let newest = session.log.len().saturating_sub(1);
                self.sessions.insert(id.clone(), session);
                if was_cut {
                    self.save_turn(id, newest);
                }
                self.measure_fixed(id);
                self.describe_model(id);
                self.show_loaded(reply, id, &page);
                self.tasks_came(tasks);
                self.look_since(id, used_at, head);
                if !has_system {
                    self.read_instructions(id);
                }
            }
        }
    }

    pub(super) fn set_mode(&mut self, reply: ReplyId, session: &SessionId, mode: &str) {
        let mode = match Mode::parse(mode) {
            Ok(mode) => mode,
            Err(message) => return self.refuse(reply, bad_mode(message)),
        };
        if !self.sessions.contains_key(session) {
            return self.refuse(reply, Refusal::UnknownSession(session.clone()));
        }
        self.reply(reply, Reply::Done);
        self.change_mode(session, mode);
    }

    pub(super) fn change_mode(&mut self, session: &SessionId, mode: Mode) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        owner.mode = mode;
        self.save_session(session);
        self.info(session, None, Some(mode.as_str()), None);
    }

    pub(super) fn rename(&mut self, reply: ReplyId, session: &SessionId, title: String) {
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        let length = title.chars().count();
        if length == 0 || length > TITLE_MAX {
            let (message, remedy) = if length == 0 {
                ("the title is blank".into(), "Give at least one letter.".into())
            } else {
                (format!("the title has {length} characters"), format!("Give at most {TITLE_MAX}."))
            };
            return self.refuse(reply, Refusal::BadField { field: "title", message, remedy });
        }
        let Some(owner) = self.sessions.get_mut(session) else {
            return self.refuse(reply, Refusal::UnknownSession(session.clone()));
        };
        owner.title = Some(title.clone());
        owner.title_by = TitleBy::Person;
        self.reply(reply, Reply::Done);
        self.save_session(session);
        self.info(session, Some(title), None, None);
    }

    pub(super) fn info(
        &mut self,
        session: &SessionId,
        title: Option<String>,
        mode: Option<&'static str>,
        model: Option<String>,
    ) {
        self.update(session, super::effect::Update::Info { title, mode, model, wakes_paused: None });
    }

    pub(super) fn delete_session(&mut self, reply: ReplyId, session: SessionId) {
        if self.sessions.get(&session).is_some_and(|owner| owner.turn.is_some()) {
            return self.refuse(
                reply,
                Refusal::State {
                    kind: "turn_running",
                    message: format!("a turn is running in session {session}"),
                    remedy: "Cancel the turn first.".into(),
                },
            );
        }
        if !self.sessions.contains_key(&session) {
            return self.effects.push(Effect::DeleteStored { reply, session });
        }
        self.withdraw_questions(&session, None);
        self.stop_subagents_of(&session);
        self.drop_asides(&session);
        self.sessions.remove(&session);
        self.disown_tasks(&session);
        self.effects.push(Effect::Store(Write::DeleteSession(session)));
        self.reply(reply, Reply::Done);
    }
}

impl State {
    /// What goes along with every request is known.
    fn measure_fixed(&mut self, session: &SessionId) {
        let tools = self.tools.clone();
        if let Some(owner) = self.sessions.get_mut(session) {
            owner.meter.set_fixed(&owner.system.clone(), &tools);
        }
    }
}

fn bad_mode(message: String) -> Refusal {
    Refusal::BadField { field: "mode", message, remedy: "Choose one of the listed modes.".into() }
}
