//! The client's requests about sessions themselves: a new one, an earlier one again, its mode, model and title, its end.

use std::path::PathBuf;
use std::sync::Arc;

use crate::agent::approval::Mode;
use crate::agent::history::Item;
use crate::agent::prompt;
use crate::ids::SessionId;

use super::effect::{Effect, Refusal, Reply, UsageSum, Write};
use super::event::{ReplyId, StoredSession};
use super::history::Written;
use super::looks::Looks;
use super::settings::Settings;
use super::state::{Session, State};

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
        let session = Session {
            title: None,
            mode,
            model: model.unwrap_or_else(|| self.settings.model.clone()),
            created_at: self.now(),
            updated_at: self.now(),
            turns: 0,
            system: prompt::system(&self.settings.root, &cwd, &self.now().date()).into(),
            told_date: self.now().date(),
            told_plan: false,
            cwd,
            history: Vec::new(),
            written: Written::default(),
            left_over: Vec::new(),
            queue: Vec::new(),
            turn: None,
            seen: Arc::default(),
            has_acted: false,
            looks: Looks::default(),
            barred: Vec::new(),
            spoken: false,
            waking: false,
            auto_turns: 0,
            wakes_paused: false,
            usage: UsageSum::default(),
            carried: Vec::new(),
            id: id.clone(),
        };
        self.sessions.insert(id.clone(), session);
        self.save_session(&id);
        self.reply_session(reply, &id);
    }

    fn reply_session(&mut self, reply: ReplyId, session: &SessionId) {
        let Some(owner) = self.sessions.get(session) else { return };
        let (mode, model) = (owner.mode.as_str(), owner.model.clone());
        self.reply(reply, Reply::Session { session: session.clone(), mode, model });
    }

    pub(super) fn load_session(&mut self, reply: ReplyId, session: SessionId) {
        if self.sessions.contains_key(&session) {
            self.reply_session(reply, &session);
            self.replay(&session);
        } else {
            self.effects.push(Effect::LoadSession { reply, session });
        }
    }

    /// The store has answered.
    pub(super) fn session_loaded(
        &mut self,
        reply: ReplyId,
        id: &SessionId,
        stored: Result<Option<Box<StoredSession>>, String>,
    ) {
        match stored {
            Err(error) => self.refuse(reply, Refusal::Internal(error)),
            Ok(None) => self.refuse(reply, Refusal::UnknownSession(id.clone())),
            Ok(Some(_)) if self.sessions.contains_key(id) => self.load_session(reply, id.clone()),
            Ok(Some(mut stored)) => {
                self.pending_of(id, std::mem::take(&mut stored.pending));
                let session = Session::restored(*stored, &self.settings);
                self.sessions.insert(id.clone(), session);
                self.reply_session(reply, id);
                self.replay(id);
            }
        }
    }

    pub(super) fn set_mode(&mut self, reply: ReplyId, session: &SessionId, mode: &str) {
        let mode = match Mode::parse(mode) {
            Ok(mode) => mode,
            Err(message) => return self.refuse(reply, bad_mode(message)),
        };
        let Some(owner) = self.sessions.get_mut(session) else {
            return self.refuse(reply, Refusal::UnknownSession(session.clone()));
        };
        owner.mode = mode;
        self.reply(reply, Reply::Done);
        self.save_session(session);
        self.info(session, None, Some(mode.as_str()), None);
    }

    pub(super) fn set_model(&mut self, reply: ReplyId, session: &SessionId, model: String) {
        let Some(owner) = self.sessions.get_mut(session) else {
            return self.refuse(reply, Refusal::UnknownSession(session.clone()));
        };
        owner.model.clone_from(&model);
        self.reply(reply, Reply::Done);
        self.save_session(session);
        self.info(session, None, None, Some(model));
    }

    pub(super) fn rename(&mut self, reply: ReplyId, session: &SessionId, title: String) {
        let Some(owner) = self.sessions.get_mut(session) else {
            return self.refuse(reply, Refusal::UnknownSession(session.clone()));
        };
        owner.title = Some(title.clone());
        self.reply(reply, Reply::Done);
        self.save_session(session);
        self.info(session, Some(title), None, None);
    }

    fn info(&mut self, session: &SessionId, title: Option<String>, mode: Option<&'static str>, model: Option<String>) {
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
        self.sessions.remove(&session);
        self.disown_tasks(&session);
        self.effects.push(Effect::Store(Write::DeleteSession(session)));
        self.reply(reply, Reply::Done);
    }
}

fn bad_mode(message: String) -> Refusal {
    Refusal::BadField { field: "mode", message, remedy: "Choose one of the listed modes.".into() }
}

impl Session {
    /// A session of an earlier sidecar. It does not wake before a person speaks in it.
    fn restored(stored: StoredSession, settings: &Settings) -> Self {
        let history: Vec<Arc<Item>> = stored.history.into_iter().map(Arc::new).collect();
        // A model's name means something to the provider that answered last, and to no other.
        let provider = history.iter().rev().find_map(|item| match &**item {
            Item::Assistant(answer) => Some(answer.provider.as_str()),
            Item::User(_) => None,
        });
        let known_there = provider.is_none_or(|provider| provider == settings.provider);
        let left_over = match history.last().map(|item| &**item) {
            Some(Item::Assistant(answer)) => {
                let text = "Pillion went away before this call was answered: its result is not known.";
                answer.tool_calls().map(|(call, ..)| super::turn::result(call, text, true)).collect()
            }
            _ => Vec::new(),
        };
        Self {
            id: stored.id,
            title: stored.title,
            mode: Mode::parse(&stored.mode).unwrap_or(Mode::Ask),
            model: if known_there { stored.model } else { settings.model.clone() },
            created_at: stored.created_at,
            updated_at: stored.updated_at,
            turns: stored.turns,
            system: prompt::system(&settings.root, &stored.cwd, &stored.created_at.date()).into(),
            told_date: stored.created_at.date(),
            told_plan: false,
            cwd: stored.cwd,
            written: Written::all(history.len()),
            history,
            left_over,
            queue: Vec::new(),
            turn: None,
            seen: Arc::default(),
            // What it did before is in its history, and not asked for.
            has_acted: true,
            looks: Looks::default(),
            barred: Vec::new(),
            spoken: false,
            waking: false,
            auto_turns: 0,
            wakes_paused: false,
            usage: UsageSum::default(),
            carried: stored.carried,
        }
    }
}
