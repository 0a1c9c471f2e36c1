//! What a session may spend. Checked before every request: what is over the limit is not sent, and the turn ends with the
//! setting's name and the sum. An answer that is under way is not cut: its tokens are spent already.

use crate::agent::prices;
use crate::ids::SessionId;

use super::effect::Update;
use super::state::State;
use super::usage::number;

/// The limits; `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Nanodollars of one session.
    pub session: Option<u64>,
    /// Nanodollars of those turns of one session that start by themselves.
    pub auto_turns: Option<u64>,
    /// Tokens of one session, sent and received: for models whose price is not known.
    pub session_tokens: Option<u64>,
}

impl State {
    /// Why a session may ask no model now; `None` when it may.
    pub(super) fn over_budget(&self, session: &SessionId) -> Option<String> {
        let turn = self.sessions.get(session)?.turn.as_ref();
        // Subagents spend what is their session's.
        let owner = self.sessions.get(self.root(session))?;
        let (budget, usage) = (self.settings.budget, &owner.usage);
        const REMEDY: &str =
            "Raise it in the settings (0 for no limit) and send a prompt to go on, or begin a new session.";
        if let Some(limit) = budget.session.filter(|limit| usage.cost.nanodollars >= *limit) {
            let (sum, limit) = (prices::shown(usage.cost.nanodollars), prices::shown(limit));
            return Some(format!("This session has cost {sum}, and `budget.session` is {limit}. {REMEDY}"));
        }
        if let Some(limit) = budget.session_tokens.filter(|limit| usage.tokens() >= *limit) {
            let (sum, limit) = (number(usage.tokens()), number(limit));
            return Some(format!(
                "This session has used {sum} tokens, and `budget.sessionTokens` is {limit}. {REMEDY}"
            ));
        }
        let auto = turn.is_some_and(|turn| turn.auto);
        if auto && self.auto_budget_is_used_up(session) {
            let (sum, limit) = (usage.auto.nanodollars, budget.auto_turns.unwrap_or_default());
            let (sum, limit) = (prices::shown(sum), prices::shown(limit));
            return Some(format!(
                "Turns that started by themselves have cost {sum} in this session, and `budget.autoTurns` is {limit}. Your \
                 next prompt goes on with what is to be told; raise the setting (0 for no limit) for more such turns."
            ));
        }
        None
    }

    /// Whether no turn may start by itself any more.
    pub(super) fn auto_budget_is_used_up(&self, session: &SessionId) -> bool {
        let spent = self.sessions.get(self.root(session)).map_or(0, |owner| owner.usage.auto.nanodollars);
        self.settings.budget.auto_turns.is_some_and(|limit| spent >= limit)
    }

    /// No turn starts by itself any more, until a person speaks.
    pub(super) fn pause_wakes(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        if !std::mem::replace(&mut owner.wakes_paused, true) {
            self.update(session, Update::Info { title: None, mode: None, model: None, wakes_paused: Some(true) });
        }
    }

    /// Says once a session that a limit in dollars cannot hold where the price is not known.
    pub(super) fn warn_of_unknown_price(&mut self, session: &SessionId) {
        let budget = self.settings.budget;
        let in_dollars = budget.session.is_some() || budget.auto_turns.is_some();
        let root = self.root(session).clone();
        let Some(owner) = self.sessions.get_mut(&root) else { return };
        if !in_dollars || budget.session_tokens.is_some() || owner.usage.cost.unpriced == 0 || owner.warned_of_price {
            return;
        }
        owner.warned_of_price = true;
        let text = format!(
            "The price of {} is not known, so `budget.session` and `budget.autoTurns` do not count its answers. \
             `budget.sessionTokens` is a limit that holds for it.",
            owner.model
        );
        self.say(false, text);
    }
}
