//! The turn loop: drain what is new into the history, commit, ask the model, stream, run its tool calls, repeat.
//!
//! Before every request one drain appends everything new as one user item (tool results, the block of task
//! notifications, prompts) and marks the notifications carried in the same transaction; the request leaves when the
//! store has it. History only grows.

use crate::agent::approval::Mode;
use crate::agent::history::{AssistantItem, AssistantPart, Content, Item, ModelStop, Prompt, ToolResult, UserItem};
use crate::agent::{notification, prompt};
use crate::ids::{MessageId, PromptId, SessionId, TaskId, TurnId};
use crate::provider::{Answer, ModelRequest, ProviderError, StreamEvent, names};
use crate::task::model::StoppedBy;

use super::calls::CallState;
use super::conversation::Phase;
use super::effect::{Effect, Refusal, Reply, StopReason, TurnReason, Update, Write};
use super::event::{ReplyId, StoredReport};
use super::state::State;
use super::turn_log::MessageKind;

/// What a model that answered nothing to a block of notifications is told, once a turn.
const CONTINUE: &str = "Go on: say what the notification means for the task at hand, or do what is left.";

/// What a model whose answer the end of its window has cut off is told, once a turn.
const CUT_OFF: &str = "Your answer was cut off: the context window was full. Older parts were left out since. Go on where you \
                       stopped.";

impl State {
    /// A person's prompt: starts a turn, is queued behind the running one, or is the "no" to an open question.
    pub(super) fn prompt(&mut self, reply: ReplyId, session: &SessionId, content: Vec<Content>) {
        if !self.sessions.contains_key(session) {
            return self.refuse(reply, Refusal::UnknownSession(session.clone()));
        }
        let blank = content.iter().all(|block| matches!(block, Content::Text { text } if text.trim().is_empty()));
        if blank {
            return self.refuse(
                reply,
                Refusal::BadField {
                    field: "prompt",
                    message: "the prompt is empty".into(),
                    remedy: "Send at least one content block with text.".into(),
                },
            );
        }
        let Some(content) = self.slash(reply, session, content) else { return };
        let Some(owner) = self.sessions.get(session) else { return };
        let id = self.ids.prompt();
        let running = owner.turn.as_ref().map(|turn| turn.id.clone());
        let words = prompt::words(&content);
        let only_words = content.iter().all(|block| matches!(block, Content::Text { .. }));
        self.person_spoke(session, &content);
        self.adopt_unowned(session);
        let Some(turn) = running else {
            self.refuse_open_questions(session, words.trim());
            let Some(turn) = self.start_turn(session, TurnReason::Prompt) else { return };
            self.reply(reply, Reply::Prompted { turn, prompt: id.clone(), queued: false });
            self.read_mentions(session, &id, &content);
            return self.drain(session, vec![Prompt { id, content }], None);
        };
        // The words are the "no" of the questions that are open; where one holds up the turn, they have thereby arrived.
        if only_words && self.is_held_up(session) {
            self.reply(reply, Reply::Prompted { turn, prompt: id.clone(), queued: false });
            self.show_prompt(session, &id, &content);
        } else {
            self.read_mentions(session, &id, &content);
            if let Some(owner) = self.sessions.get_mut(session) {
                owner.queue.push(Prompt { id: id.clone(), content });
            }
            self.reply(reply, Reply::Prompted { turn, prompt: id, queued: true });
            self.queue_changed(session);
        }
        self.refuse_open_questions(session, words.trim());
    }

    /// The name of the message that streams next.
    fn next_message(&mut self, session: &SessionId, kind: MessageKind) -> MessageId {
        self.ids.pass_over();
        let owner = self.sessions.get(session);
        owner.map_or_else(|| MessageId(String::new()), |owner| owner.message_id(owner.history.len(), kind))
    }

    fn person_spoke(&mut self, session: &SessionId, content: &[Content]) {
        let used_up = self.auto_budget_is_used_up(session);
        let Some(owner) = self.sessions.get_mut(session) else { return };
        owner.spoken = true;
        owner.barred.clear();
        owner.auto_turns = 0;
        let resumed = owner.wakes_paused && !used_up;
        owner.wakes_paused &= used_up;
        let title = owner.title.is_none().then(|| prompt::title(content));
        if let Some(title) = &title {
            owner.title = Some(title.clone());
        }
        if title.is_some() || resumed {
            let wakes_paused = resumed.then_some(false);
            self.update(session, Update::Info { title, mode: None, model: None, wakes_paused });
        }
    }

    /// A prompt's message has the prompt's own name.
    fn show_prompt(&mut self, session: &SessionId, prompt: &PromptId, content: &[Content]) {
        self.ids.pass_over();
        let message = MessageId(prompt.0.clone());
        for block in content {
            self.update(session, Update::UserMessage { message: message.clone(), content: block.clone() });
        }
    }

    /// A queued prompt is replaced, or taken out.
    pub(super) fn edit_queue(
        &mut self,
        reply: ReplyId,
        session: &SessionId,
        prompt: &PromptId,
        replace: Option<Vec<Content>>,
    ) {
        let Some(owner) = self.sessions.get_mut(session) else {
            return self.refuse(reply, Refusal::UnknownSession(session.clone()));
        };
        let Some(at) = owner.queue.iter().position(|queued| queued.id == *prompt) else {
            return self.refuse(
                reply,
                Refusal::State {
                    kind: "not_queued",
                    message: format!("the prompt {prompt} is not queued (any more)"),
                    remedy: "It has reached the model, or was taken out. Send a new prompt.".into(),
                },
            );
        };
        match replace {
            Some(content) => {
                owner.queue[at].content.clone_from(&content);
                self.read_mentions(session, prompt, &content);
            }
            None => {
                owner.queue.remove(at);
                owner.pointed.remove(prompt);
            }
        }
        self.reply(reply, Reply::Done);
        self.queue_changed(session);
    }

    /// Appends everything new to the history as one item, and asks the model when that is written. Does nothing where
    /// nothing is new.
    pub(super) fn drain(&mut self, session: &SessionId, mut prompts: Vec<Prompt>, mut nudge: Option<String>) {
        if !self.have_read(session, &mut prompts, &mut nudge) {
            return;
        }
        self.tell_gathered_lines(session);
        let Some(owner) = self.sessions.get_mut(session) else { return };
        let results: Vec<ToolResult> = match owner.turn.as_mut() {
            Some(turn) if !turn.calls.is_empty() => turn.calls.drain(..).map(CallState::into_result).collect(),
            _ => std::mem::take(&mut owner.left_over),
        };
        if !results.is_empty() {
            self.label_batch(session, &results);
        }
        let Some(owner) = self.sessions.get_mut(session) else { return };
        let queued = std::mem::take(&mut owner.queue);
        let had_queue = !queued.is_empty();
        prompts.extend(queued);
        for prompt in &prompts {
            self.show_prompt(session, &prompt.id, &prompt.content);
        }
        if had_queue {
            self.queue_changed(session);
        }
        let told = self.reports.told_by_results(session);
        let (drained, text) = self.reports.drain(session, self.settings.limits);
        if self.is_subagent(session) {
            self.reports.lend(drained.iter().chain(&told));
        }
        let keys = |stored: Vec<StoredReport>| stored.into_iter().map(|stored| stored.report.key).collect::<Vec<_>>();
        let (told, drained) = (keys(told), keys(drained));
        if let Some(text) = &text {
            let tasks = drained.iter().map(|key| key.task.clone()).collect();
            self.update(session, Update::TaskNotification { tasks, text: text.clone() });
        }
        let context = if prompts.is_empty() && !self.has_reverts(session) { None } else { self.context(session) };
        let context: Vec<String> = context.into_iter().chain(self.pointed_at(session, &prompts)).collect();
        let context = (!context.is_empty()).then(|| context.join("\n\n"));
        let mut carried = drained;
        carried.extend(told);
        self.set_delivery(&carried, crate::task::model::Delivery::Carried, None);
        let item = UserItem { results, notification: text, context, prompts, nudge };
        let is_subagent = self.is_subagent(session);
        let Some(owner) = self.sessions.get_mut(session) else { return };
        let Some(turn) = owner.turn.as_mut() else { return };
        turn.carried_block = item.notification.is_some();
        turn.auto &= item.prompts.is_empty() || is_subagent;
        let id = turn.id.clone();
        if item == UserItem::default() {
            return;
        }
        owner.carried.extend(carried.iter().cloned());
        let items = self.append(session, Item::User(item), carried);
        self.ask_when_written(session, &id, items);
    }

    /// The request leaves when the store has that many items. A subagent's are nowhere but here.
    pub(super) fn ask_when_written(&mut self, session: &SessionId, turn: &TurnId, items: usize) {
        let Some(running) = self.running_turn(session, turn) else { return };
        running.phase = Phase::Committing(items);
        if self.is_subagent(session) {
            self.ask(session, turn);
        }
    }

    /// What has changed since the model was told last.
    fn context(&mut self, session: &SessionId) -> Option<String> {
        let today = self.now().date();
        let mode = self.mode_of(session);
        // A subagent is no background task to itself.
        let own = self.parent(session).map(|parent| parent.task.clone());
        let owner = self.sessions.get_mut(session)?;
        let date = (owner.told_date != today).then_some(today.as_str());
        let plans = mode == Mode::Plan;
        let mode = (owner.told_plan != plans).then_some(mode);
        owner.told_date.clone_from(&today);
        owner.told_plan = plans;
        let tasks = self.tasks_in_words(own.as_ref());
        let unsaved = self.unsaved();
        let date = date.map(str::to_owned);
        let reverted = self.tell_reverted(session);
        prompt::context(&prompt::Situation {
            date: date.as_deref(),
            mode,
            unsaved: &unsaved,
            tasks: &tasks,
            reverted: reverted.as_deref(),
        })
    }

    /// The tasks that are not over but this one, for the model.
    pub(super) fn tasks_in_words(&self, but: Option<&TaskId>) -> Vec<String> {
        let open = self.ledger.all_visible().filter(|task| !task.status.is_final() && Some(&task.id) != but);
        let words = open.map(|task| {
            let command = notification::escape(&notification::cut(&task.command, 80));
            format!("{} {command} ({})", task.id, task.status.as_str())
        });
        words.collect()
    }

    /// Sends what requests hold of the history to the model, as soon as it may leave.
    pub(super) fn ask(&mut self, session: &SessionId, turn: &TurnId) {
        let is_subagent = self.is_subagent(session);
        let (limit, tools) = match is_subagent {
            true => (self.settings.agents.max_requests, &self.subagent_tools),
            false => (self.settings.max_turn_requests, &self.tools),
        };
        let tools = tools.clone();
        let Some(running) = self.running_turn(session, turn) else { return };
        if running.requests >= limit {
            return self.end_turn(session, StopReason::MaxTurnRequests, None);
        }
        if let Some(why) = self.over_budget(session) {
            return self.end_turn(session, StopReason::Error, Some(why));
        }
        if self.sessions.get(session).is_some_and(|owner| owner.awaits_instructions) {
            if let Some(running) = self.running_turn(session, turn) {
                running.phase = Phase::Preparing;
            }
            return;
        }
        if !self.fits(session, turn) {
            return;
        }
        self.warn_of_unknown_price(session);
        let Some(running) = self.running_turn(session, turn) else { return };
        running.requests += 1;
        running.phase = Phase::Asking;
        running.message = None;
        running.thought = None;
        running.partial.clear();
        running.thinking.clear();
        running.announced.clear();
        let Some(owner) = self.sessions.get(session) else { return };
        let request = ModelRequest {
            model: owner.model.clone(),
            system: owner.system.clone(),
            tools,
            history: owner.view.clone(),
            max_tokens: self.settings.max_tokens,
        };
        self.effects.push(Effect::AskModel { session: session.clone(), turn: turn.clone(), request });
    }

    /// A piece of the answer.
    pub(super) fn streamed(&mut self, session: &SessionId, turn: &TurnId, event: StreamEvent) {
        if self.running_turn(session, turn).is_none_or(|turn| turn.phase != Phase::Asking) {
            return;
        }
        match event {
            // A subagent's history goes with it: only a whole answer shows that what it was told came to something.
            StreamEvent::ContentStarted if self.is_subagent(session) => {}
            StreamEvent::ContentStarted => self.delivered(session),
            StreamEvent::Text(text) => {
                let fresh = self.next_message(session, MessageKind::Text);
                let Some(running) = self.running_turn(session, turn) else { return };
                let message = running.message.get_or_insert(fresh).clone();
                running.partial.push_str(&text);
                self.update(session, Update::AgentMessage { message, text });
            }
            StreamEvent::Thinking(text) => {
                let fresh = self.next_message(session, MessageKind::Thought);
                let Some(running) = self.running_turn(session, turn) else { return };
                running.thinking.push_str(&text);
                let message = running.thought.get_or_insert(fresh).clone();
                self.update(session, Update::AgentThought { message, text });
            }
            StreamEvent::ToolCallStarted { id, name } => {
                let Some(running) = self.running_turn(session, turn) else { return };
                running.announced.push((id.clone(), name.clone()));
                self.announce_call(session, &id, &name);
            }
            StreamEvent::Described(facts) => {
                let Some(model) = self.sessions.get(session).map(|owner| owner.model.clone()) else { return };
                self.model_described(session, &model, *facts);
            }
            StreamEvent::Restarted { .. } => {
                let Some(running) = self.running_turn(session, turn) else { return };
                let discarded: Vec<_> =
                    [running.message.take(), running.thought.take()].into_iter().flatten().collect();
                running.partial.clear();
                running.thinking.clear();
                let calls = std::mem::take(&mut running.announced);
                self.answer_begins_anew(session);
                for message in discarded {
                    self.update(session, Update::MessageDiscarded { message });
                }
                for (call, _) in calls {
                    self.discard_call(session, &call);
                }
            }
            StreamEvent::Retrying { reason, after, attempt } => {
                let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                self.update(session, Update::Retrying { reason, after_ms, attempt });
            }
        }
    }

    /// A model has answered, or begun to answer, a request that contained every carried report.
    fn delivered(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        let keys = std::mem::take(&mut owner.carried);
        let Some(turn) = owner.turn.as_ref().map(|turn| turn.id.clone()) else { return };
        if keys.is_empty() {
            return;
        }
        let parent = self.parent(session).map(|parent| parent.turn.clone());
        let told_in = parent.as_ref().unwrap_or(&turn);
        self.set_delivery(&keys, crate::task::model::Delivery::Delivered, Some(told_in));
        if parent.is_some() {
            return self.told_to_subagent(session, keys);
        }
        self.effects.push(Effect::Store(Write::Delivered { session: session.clone(), keys, turn }));
    }

    /// The answer is whole, or there is none.
    pub(super) fn answered(&mut self, session: &SessionId, turn: &TurnId, result: Result<Answer, ProviderError>) {
        if self.running_turn(session, turn).is_none_or(|turn| turn.phase != Phase::Asking) {
            return;
        }
        match result {
            Err(ProviderError::ContextTooLong(_)) if self.shorten(session, turn) => {}
            Err(error) => {
                self.keep_partial(session);
                self.end_turn(session, StopReason::Error, Some(error.to_string()));
            }
            Ok(answer) => {
                self.delivered(session);
                let written = self.append(session, Item::Assistant(answer.item.clone()), Vec::new());
                self.count(session, &answer);
                if let Some(running) = self.running_turn(session, turn) {
                    running.overflows = 0;
                }
                self.act_on(session, turn, answer.item, written, answer.why.as_deref());
            }
        }
    }

    /// The calls of an answer after which the turn is over: none is run, and each has its result in the next request.
    fn leave_calls(&mut self, session: &SessionId, item: &AssistantItem) {
        let left: Vec<ToolResult> = item
            .tool_calls()
            .map(|(call, ..)| result(call, "Not run: the answer ended before its end.", true))
            .collect();
        for result in &left {
            self.discard_call(session, &result.call);
        }
        if let Some(owner) = self.sessions.get_mut(session) {
            owner.left_over.extend(left);
        }
    }

    fn act_on(&mut self, session: &SessionId, turn: &TurnId, item: AssistantItem, written: usize, why: Option<&str>) {
        let calls: Vec<AssistantPart> =
            item.parts.iter().filter(|part| matches!(part, AssistantPart::ToolCall { .. })).cloned().collect();
        let over = matches!(item.stop, ModelStop::Refusal | ModelStop::ContextFull);
        if over {
            self.leave_calls(session, &item);
        } else if !calls.is_empty() {
            return self.begin_calls(session, turn, calls);
        }
        let queued = self.sessions.get(session).is_some_and(|owner| !owner.queue.is_empty());
        if queued && !over {
            return self.drain(session, Vec::new(), None);
        }
        // Thoughts alone say nothing to anybody.
        let empty =
            !item.parts.iter().any(|part| matches!(part, AssistantPart::Text { text } if !text.trim().is_empty()));
        let can_compact = self.can_compact(session);
        let Some(running) = self.running_turn(session, turn) else { return };
        match item.stop {
            ModelStop::Pause => {
                // It goes on as soon as it is written, or what is new is.
                running.phase = Phase::Committing(written);
                self.drain(session, Vec::new(), None);
                if self.running_turn(session, turn).is_some_and(|turn| turn.phase == Phase::Committing(written)) {
                    self.ask_when_written(session, turn, written);
                }
            }
            ModelStop::EndTurn | ModelStop::ToolUse | ModelStop::NeedsModel
                if empty && running.carried_block && !running.continued =>
            {
                running.continued = true;
                self.drain(session, Vec::new(), Some(CONTINUE.to_owned()));
            }
            ModelStop::EndTurn | ModelStop::ToolUse | ModelStop::NeedsModel => {
                self.end_turn(session, StopReason::EndTurn, None)
            }
            ModelStop::MaxTokens => self.end_turn(session, StopReason::MaxTokens, None),
            ModelStop::Refusal => self.end_turn(session, StopReason::Refusal, Some(prompt::refused(why))),
            // What there is of the answer stays; it goes on after a compaction, once.
            ModelStop::ContextFull if running.continued || !can_compact => self.end_too_long(session),
            ModelStop::ContextFull => {
                running.continued = true;
                if let Some(owner) = self.sessions.get_mut(session) {
                    owner.overflowed = true;
                }
                self.drain(session, Vec::new(), Some(CUT_OFF.to_owned()));
            }
        }
    }

    /// The person stops the turn. Tasks go on; the foreground command of the turn is stopped; queued prompts come back.
    pub(super) fn cancel(&mut self, session: &SessionId, turn: Option<&TurnId>) {
        let Some(running) = self.sessions.get(session).and_then(|owner| owner.turn.as_ref()) else {
            if turn.is_none() {
                self.cancel_compaction(session);
            }
            return;
        };
        if turn.is_some_and(|turn| *turn != running.id) {
            return;
        }
        let id = running.id.clone();
        self.cancel_compaction(session);
        self.effects.push(Effect::Abort(id.clone()));
        self.keep_partial(session);
        self.cancel_calls(session, StoppedBy::User);
        self.forget_looks(session);
        self.withdraw_questions(session, Some(&id));
        self.end_turn(session, StopReason::Cancelled, None);
    }

    /// What had arrived of an answer that was cut stays in the history, tool calls apart: nothing of them ran.
    pub(super) fn keep_partial(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        let model = names::parse(&owner.model).name.to_owned();
        let provider = self.settings.provider_of(&owner.model).to_owned();
        let Some(turn) = owner.turn.as_mut().filter(|turn| turn.phase == Phase::Asking) else { return };
        let text = std::mem::take(&mut turn.partial);
        let announced = std::mem::take(&mut turn.announced);
        for (call, _) in announced {
            self.discard_call(session, &call);
        }
        if !text.trim().is_empty() {
            let parts = vec![AssistantPart::Text { text }];
            let item = AssistantItem { parts, stop: ModelStop::EndTurn, provider, model };
            self.append(session, Item::Assistant(item), Vec::new());
        }
    }
}

/// A result for the model.
pub(super) fn result(call: &crate::ids::ToolCallId, text: impl Into<String>, is_error: bool) -> ToolResult {
    ToolResult { call: call.clone(), text: text.into(), is_error }
}
