//! When the window of a session's model is nearly full, or a person asks for it: what requests hold of the history is cut.
//! First the old outputs of tools are left out, those of tasks before others; where that gains too little, the model writes
//! a summary of all but the last exchanges, beside the conversation. The history itself stays whole.
//!
//! It happens between two requests of a turn, or between turns; a turn that comes meanwhile waits with its request. A
//! summary that fails costs nothing but words: older exchanges are left out without one, and the person is told.

use crate::agent::compaction::{self, SUMMARY_SYSTEM};
use crate::agent::history::{Compaction, History, Item};
use crate::agent::notification;
use crate::ids::{SessionId, TurnId};
use crate::provider::ProviderError;

use super::asides::Purpose;
use super::conversation::{Phase, Session};
use super::effect::{CompactionStatus, Effect, Refusal, Reply, StopReason, Update};
use super::event::{AsideId, ReplyId};
use super::state::State;
use super::usage::number;

/// The most tokens of a summary.
const SUMMARY_TOKENS: u32 = 4_000;
/// Characters of a summary that are kept.
const SUMMARY_CHARS: usize = 24_000;
/// Room for an answer, without which asking makes no sense.
const LEAST_ROOM: u64 = 512;

/// A compaction that waits for its summary.
#[derive(Debug)]
pub(super) struct Compacting {
    aside: AsideId,
    kept_from: usize,
    before: u64,
    by_person: bool,
}

/// What a compaction came to, at once.
enum Begun {
    /// A summary is being written.
    Asking,
    /// It is done; the history has so many items now.
    Done(usize),
    /// There is nothing that could be left out.
    Nothing,
}

impl Session {
    /// Tokens that the model's window holds, where known.
    pub(super) fn window(&self) -> Option<u64> {
        self.facts.as_ref()?.window.filter(|window| *window > 0)
    }

    /// Tokens beyond which the next request is compacted first: nine tenths of the window, with room for an answer.
    fn most(&self, max_tokens: u32) -> Option<u64> {
        let window = self.window()?;
        let answer = max_tokens.min(self.facts.as_ref().and_then(|facts| facts.max_output).unwrap_or(u32::MAX));
        Some(window / 10 * 9 - u64::from(answer).min(window / 4))
    }

    /// What requests hold, anew from the history.
    pub(super) fn renew_view(&mut self) {
        self.view = History::from(compaction::view(&self.history));
        self.meter.set_items(self.view.iter().map(|item| &**item));
        self.renew_nested();
    }

    fn is_just_compacted(&self) -> bool {
        matches!(self.history.last().map(|item| &**item), Some(Item::Compaction(_)))
    }
}

impl State {
    /// A person wants the conversation cut.
    pub(super) fn compact_request(&mut self, reply: ReplyId, session: &SessionId, instructions: Option<String>) {
        match self.compact_for_person(session, instructions) {
            Ok(()) => self.reply(reply, Reply::Done),
            Err(refusal) => self.refuse(reply, refusal),
        }
    }

    /// The same, or why not. While a turn runs it is done before the next request.
    pub(super) fn compact_for_person(
        &mut self,
        session: &SessionId,
        instructions: Option<String>,
    ) -> Result<(), Refusal> {
        let Some(owner) = self.sessions.get_mut(session) else {
            return Err(Refusal::UnknownSession(session.clone()));
        };
        let refused = |kind, message: &str, remedy: &str| {
            Err(Refusal::State { kind, message: message.to_owned(), remedy: remedy.to_owned() })
        };
        if self.settings.provider_of(&owner.model) == "offline" {
            let remedy = "Choose a model with /model, or add a key.";
            return refused("no_model", "no model is there that could sum the conversation up", remedy);
        }
        if owner.compacting.is_some() {
            return refused("compacting", "the conversation is being compacted", "Wait for its end, or cancel it.");
        }
        if owner.turn.is_some() {
            owner.compact_wanted = Some(instructions);
            return Ok(());
        }
        if let Some(why) = self.over_budget(session) {
            return Err(Refusal::State { kind: "over_budget", message: why, remedy: String::new() });
        }
        match self.compact(session, Some(instructions)) {
            Begun::Nothing => {
                let remedy = "Go on: only the last exchange is there, and it is kept.";
                refused("nothing_to_compact", "there is nothing that could be left out", remedy)
            }
            Begun::Asking | Begun::Done(_) => Ok(()),
        }
    }

    /// What was wanted while a turn ran that sent no further request.
    pub(super) fn compact_after_turn(&mut self, session: &SessionId) {
        let wanted = self.sessions.get_mut(session).and_then(|owner| owner.compact_wanted.take());
        if wanted.is_some() && self.over_budget(session).is_none() {
            self.compact(session, wanted);
        }
    }

    /// Whether a turn's request may leave now. If not, it leaves when a compaction is done, or the turn has ended.
    pub(super) fn fits(&mut self, session: &SessionId, turn: &TurnId) -> bool {
        let max_tokens = self.settings.max_tokens;
        let Some(owner) = self.sessions.get_mut(session) else { return false };
        if owner.compacting.is_some() {
            self.set_phase(session, turn, Phase::Preparing);
            return false;
        }
        let wanted = owner.compact_wanted.take();
        let overflowed = std::mem::take(&mut owner.overflowed);
        let used = owner.meter.tokens();
        let is_full = owner.most(max_tokens).is_some_and(|most| used > most) && !owner.is_just_compacted();
        let room = owner.window().map(|window| window.saturating_sub(used));
        if is_full && owner.turn.as_ref().is_some_and(|turn| turn.gained_nothing) {
            self.end_too_long(session);
            return false;
        }
        let begun =
            if wanted.is_some() || overflowed || is_full { self.compact(session, wanted) } else { Begun::Nothing };
        match begun {
            Begun::Asking => {
                self.set_phase(session, turn, Phase::Preparing);
                false
            }
            // A subagent's history is nowhere but here.
            Begun::Done(_) if self.is_subagent(session) => true,
            Begun::Done(items) => {
                self.set_phase(session, turn, Phase::Committing(items));
                false
            }
            Begun::Nothing if overflowed || room.is_some_and(|room| room < LEAST_ROOM) => {
                self.end_too_long(session);
                false
            }
            Begun::Nothing => true,
        }
    }

    fn set_phase(&mut self, session: &SessionId, turn: &TurnId, phase: Phase) {
        if let Some(running) = self.running_turn(session, turn) {
            running.phase = phase;
        }
    }

    /// Cutting does not help (any more): the turn ends, and says what does.
    pub(super) fn end_too_long(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get(session) else { return };
        let used = number(owner.meter.tokens());
        let window =
            owner.window().map_or("the model's window".into(), |window| format!("a window of {}", number(window)));
        let text = format!(
            "The conversation, about {used} tokens, does not fit into {window}, and leaving out more would leave out what \
             you asked for. Ask for less at a time (a part of a file, the end of an output), choose a model with a larger \
             window, or begin a new session."
        );
        self.end_turn(session, StopReason::Error, Some(text));
    }

    /// The service says that a request was too long. True when it is tried again, shorter.
    pub(super) fn shorten(&mut self, session: &SessionId, turn: &TurnId) -> bool {
        let Some(running) = self.running_turn(session, turn) else { return false };
        running.overflows += 1;
        // Twice without an answer between: what is left out does not help.
        if running.overflows > 1 {
            return false;
        }
        if let Some(owner) = self.sessions.get_mut(session) {
            owner.overflowed = true;
        }
        self.ask(session, turn);
        true
    }

    /// Whether anything could be left out.
    pub(super) fn can_compact(&self, session: &SessionId) -> bool {
        let Some(owner) = self.sessions.get(session) else { return false };
        let old = compaction::newest(&owner.history).map(|(_, newest)| newest.clone()).unwrap_or_default();
        compaction::end_of(&owner.history, old.kept_from, 0) > old.kept_from
    }

    /// Begins a compaction. `by_person` has what a person wants of the summary.
    fn compact(&mut self, session: &SessionId, by_person: Option<Option<String>>) -> Begun {
        let max_tokens = self.settings.max_tokens;
        let Some(owner) = self.sessions.get(session) else { return Begun::Nothing };
        let before = owner.meter.tokens();
        let most = owner.most(max_tokens).unwrap_or(before).min(before);
        let old = compaction::newest(&owner.history).map(|(_, newest)| newest.clone()).unwrap_or_default();
        // The last exchanges are kept, up to a fifth of what there may be, and a quarter of what there is.
        let end = owner.meter.in_weight(most / 5).min(owner.meter.items() / 4);
        let kept_from = compaction::end_of(&owner.history, old.kept_from, end);
        if by_person.is_none()
            && let Some(pruned) = self.pruned(session, &old, kept_from, most / 10 * 6)
        {
            let items = self.append_compaction(session, pruned, before, None);
            return Begun::Done(items);
        }
        if kept_from <= old.kept_from {
            return Begun::Nothing;
        }
        let Some(owner) = self.sessions.get(session) else { return Begun::Nothing };
        // The part of the view that goes: its head, and the items before the kept ones.
        let kept = owner.history[kept_from..].iter().filter(|item| !matches!(***item, Item::Compaction(_))).count();
        let going = &owner.view[..owner.view.len() - kept.min(owner.view.len())];
        let window = owner.window().unwrap_or(32_000);
        let tokens = SUMMARY_TOKENS.min(max_tokens).min(u32::try_from(window / 6).unwrap_or(u32::MAX)).max(1);
        let room = window.saturating_sub(u64::from(tokens) + 2_000).max(window / 2) / 10 * 8;
        let mut text = compaction::transcript(going, owner.meter.in_weight(room) as usize);
        if let Some(wishes) = by_person.as_ref().and_then(|wishes| wishes.as_deref()) {
            text.push_str(&format!("\n\nThe user adds for this summary: {}", notification::cut(wishes, 2_000)));
        }
        text.push_str("\n\nWrite the summary.");
        let model = owner.model.clone();
        let aside = self.ask_aside(session, Purpose::Summary, model, SUMMARY_SYSTEM, text, tokens);
        if let Some(owner) = self.sessions.get_mut(session) {
            owner.compacting = Some(Compacting { aside, kept_from, before, by_person: by_person.is_some() });
        }
        self.tell_compaction(session, CompactionStatus::Started, before, None, None);
        Begun::Asking
    }

    /// A compaction that leaves out old outputs alone; `None` where requests would still have more than `enough` tokens.
    fn pruned(&self, session: &SessionId, old: &Compaction, kept_from: usize, enough: u64) -> Option<Compaction> {
        let owner = self.sessions.get(session)?;
        let found = compaction::prunable(&owner.history[old.kept_from..kept_from], &old.left_out);
        let used = owner.meter.tokens();
        let after = |gain: u64| used.saturating_sub(owner.meter.in_tokens(gain));
        let mut left_out = old.left_out.clone();
        left_out.extend(found.tasks.0);
        if after(found.tasks.1) > enough {
            left_out.extend(found.others.0);
            if after(found.tasks.1 + found.others.1) > enough {
                return None;
            }
        }
        Some(Compaction { left_out, ..old.clone() })
    }

    /// The summary is there, or is not.
    pub(super) fn summarised(&mut self, session: &SessionId, aside: AsideId, result: Result<String, ProviderError>) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        let Some(Compacting { kept_from, before, by_person, .. }) = owner.compacting.take_if(|it| it.aside == aside)
        else {
            return;
        };
        let old = compaction::newest(&owner.history).map(|(_, newest)| newest.clone()).unwrap_or_default();
        let items = match result {
            Ok(text) if !text.trim().is_empty() => {
                // A model that does not heed its limit does not fill the window with its summary.
                let most =
                    owner.window().map_or(SUMMARY_CHARS, |window| usize::try_from(window).unwrap_or(SUMMARY_CHARS));
                let summary = Some(notification::cut(text.trim(), most.min(SUMMARY_CHARS)));
                let standing = self.standing(session);
                let done = Compaction { kept_from, summary, standing, left_out: old.left_out, before, after: 0 };
                Some(self.append_compaction(session, done, before, None))
            }
            other => {
                let why = other.err().map_or("the model wrote nothing".to_owned(), |error| error.to_string());
                self.without_summary(session, &old, kept_from, before, by_person, &why)
            }
        };
        let waiting = self.sessions.get(session).and_then(|owner| owner.turn.as_ref());
        let Some((turn, phase)) = waiting.map(|turn| (turn.id.clone(), turn.phase)) else { return };
        match (items, phase) {
            // A request that waits for the store already is one that begins with the summary.
            (Some(_), Phase::Preparing | Phase::Committing(_)) | (None, Phase::Preparing) => {
                self.go_on_with_what_came(session, &turn, items);
            }
            _ => {}
        }
    }

    /// The request that has waited leaves, with what was typed and what ended meanwhile; when the store has these items,
    /// where some are new.
    fn go_on_with_what_came(&mut self, session: &SessionId, turn: &TurnId, items: Option<usize>) {
        let Some(running) = self.running_turn(session, turn) else { return };
        let had_block = running.carried_block;
        running.phase = Phase::Preparing;
        self.drain(session, Vec::new(), None);
        let Some(running) = self.running_turn(session, turn) else { return };
        running.carried_block |= had_block;
        match items {
            _ if running.phase != Phase::Preparing => {}
            Some(items) => self.ask_when_written(session, turn, items),
            None => self.ask(session, turn),
        }
    }

    /// There is no summary. A person who asked for one is told; where the window is full, more is left out instead.
    fn without_summary(
        &mut self,
        session: &SessionId,
        old: &Compaction,
        kept_from: usize,
        before: u64,
        by_person: bool,
        why: &str,
    ) -> Option<usize> {
        if by_person {
            let text = format!("There is no summary, and nothing was left out: {why}");
            self.tell_compaction(session, CompactionStatus::Failed, before, None, Some(text));
            return None;
        }
        let most = self.sessions.get(session)?.most(self.settings.max_tokens).unwrap_or(before / 2);
        // All old outputs, where that is enough to go on for now; else the old exchanges as a whole.
        let (done, what) = match self.pruned(session, old, kept_from, most) {
            Some(pruned) => (pruned, "old outputs of tools are left out"),
            None => {
                let number = kept_from - old.kept_from;
                let summary = format!(
                    "{}(The last {number} messages before this could not be summarised and are left out. Ask the user where \
                     you miss something.)",
                    old.summary.as_ref().map(|summary| format!("{summary}\n")).unwrap_or_default()
                );
                let standing = self.standing(session);
                let left_out = old.left_out.clone();
                let done = Compaction { kept_from, summary: Some(summary), standing, left_out, before, after: 0 };
                (done, "older messages are left out")
            }
        };
        let text = format!("There is no summary ({why}), so {what} without one.");
        Some(self.append_compaction(session, done, before, Some(text)))
    }

    /// What goes on at this moment, which no summary of the past can know.
    fn standing(&self, session: &SessionId) -> Option<String> {
        let owner = self.sessions.get(session)?;
        let mut lines = Vec::new();
        let tasks = self.tasks_in_words(owner.parent.as_ref().map(|parent| &parent.task));
        if !tasks.is_empty() {
            lines.push(format!("Background tasks when it was cut: {}.", tasks.join("; ")));
        }
        for question in self.questions.of(session) {
            lines.push(format!("The user is being asked: {}.", notification::cut(&question.row.title, 200)));
        }
        if !owner.plan.is_empty() {
            let steps = owner.plan.iter().map(|step| format!("\n- {} ({})", step.content, step.status.as_str()));
            lines.push(format!("Your list of steps:{}", steps.collect::<String>()));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Appends a compaction to the history; requests follow it from now on. Returns the number of items.
    fn append_compaction(
        &mut self,
        session: &SessionId,
        mut done: Compaction,
        before: u64,
        message: Option<String>,
    ) -> usize {
        let Some(owner) = self.sessions.get_mut(session) else { return 0 };
        let mut meter = owner.meter.clone();
        let view = compaction::view_with(&owner.history, &done, &[]);
        meter.set_items(view.iter().map(|item| &**item));
        done.before = before;
        done.after = meter.tokens();
        let after = done.after;
        let items = self.append(session, Item::Compaction(done), Vec::new());
        if let Some(owner) = self.sessions.get_mut(session) {
            owner.usage.context_used = after;
            if let Some(turn) = owner.turn.as_mut().filter(|_| after > before / 5 * 4) {
                turn.gained_nothing = true;
            }
        }
        self.tell_compaction(session, CompactionStatus::Completed, before, Some(after), message);
        self.show_usage(session);
        items
    }

    fn tell_compaction(
        &mut self,
        session: &SessionId,
        status: CompactionStatus,
        before: u64,
        after: Option<u64>,
        message: Option<String>,
    ) {
        self.update(session, Update::Compaction { status, before, after, message });
    }

    /// Nobody waits for the summary any more.
    pub(super) fn cancel_compaction(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        owner.compact_wanted = None;
        let Some(Compacting { aside, before, .. }) = owner.compacting.take() else { return };
        self.drop_aside(aside);
        self.effects.push(Effect::AbortAside(aside));
        self.tell_compaction(session, CompactionStatus::Cancelled, before, None, None);
    }
}
