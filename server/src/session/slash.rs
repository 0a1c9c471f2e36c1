//! Slash commands: prompts that the server carries out itself. What they answer is shown in the chat and is no part of the
//! history: no model is asked, none hears of it, and it works without one and beside a running turn. Only `/init` is a
//! prompt like any other, in longer words.

mod words;

use crate::agent::approval::Mode;
use crate::agent::history::Content;
use crate::agent::notification::{cut, duration};
use crate::ids::{MessageId, PromptId, SessionId, TaskId, TurnId};
use crate::task::model::StoppedBy;

pub use self::words::{COMMANDS, SlashCommand};
use self::words::{Typed, nearest, typed};
use super::conversation::Session;
use super::effect::{Effect, ModelList, Refusal, Reply, SessionRow, StopReason, TurnReason, Update, UsageSum, Write};
use super::event::ReplyId;
use super::state::State;
use super::waiting_for_input::waits_for;

/// Tasks that `/tasks` shows.
const TASKS: usize = 30;
/// Models that `/model` lists.
const MODELS: usize = 40;
/// Sessions that `/resume` offers.
pub(super) const SESSIONS: usize = 15;

const INIT: &str = "Write the file AGENTS.md at the root of this workspace: what an agent that works here for the first time has \
                    to know. Look around first (the manifest files, the README, the CI's configuration, a few sources). \
                    Say in at most 60 lines: what the project is; how to build it, test it (all of it, and a single test) \
                    and lint it, with the exact commands; how the code is laid out; conventions that are not seen in a \
                    single file; what to be careful with. Nothing that any programmer would guess. If there is such a \
                    file already, improve it and keep what holds.";

/// Where what a command says is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub session: SessionId,
    pub turn: TurnId,
    /// The turn is the command's own, and ends with it.
    pub is_own: bool,
}

impl State {
    /// Carries a prompt out where it is a command. Gives back what goes to the model: every other prompt, and the words of
    /// `/init`.
    pub(super) fn slash(&mut self, reply: ReplyId, session: &SessionId, content: Vec<Content>) -> Option<Vec<Content>> {
        let Some(Typed { name, rest }) = typed(&content) else { return Some(content) };
        if name == "init" {
            let words = if rest.is_empty() { INIT.to_owned() } else { format!("{INIT}\n\nAbove all: {rest}") };
            let more = content.into_iter().skip(1);
            return Some(std::iter::once(Content::Text { text: words }).chain(more).collect());
        }
        let prompt = self.ids.prompt();
        let place = self.command_begins(reply, session, &prompt, &content);
        let text = match name.as_str() {
            "help" => help(),
            "tasks" => self.tasks_in_chat(),
            "stop" => return self.stop_by_command(&place, &rest),
            "clear" => self.clear(&place),
            "compact" => self.compact_by_command(session, &rest),
            "context" => self.context_report(session).unwrap_or_default(),
            "resume" => {
                let wanted = Some(rest).filter(|rest| !rest.is_empty());
                self.effects.push(Effect::RecentSessions { place, wanted });
                return None;
            }
            "model" if rest.is_empty() => {
                let current = self.sessions.get(session).map(|owner| owner.model.clone()).unwrap_or_default();
                self.effects.push(Effect::ListModelsInChat { place, current });
                return None;
            }
            "model" => self.model_by_command(session, &rest),
            "permissions" => self.permissions_by_command(&rest),
            "plan" => self.plan_by_command(session, &rest),
            _ => {
                let meant = nearest(&name).map(|known| format!(" Did you mean `/{}`?", known.name)).unwrap_or_default();
                let text = format!(
                    "There is no command `/{name}`.{meant} `/help` lists them. To send this to the model, begin with another \
                     word than one behind a slash."
                );
                self.command_says(&place, text);
                self.command_ends(&place, vec![(prompt, content)]);
                return None;
            }
        };
        self.command_says(&place, text);
        self.command_ends(&place, Vec::new());
        None
    }

    /// Shows what was typed: in the running turn, or in a turn of its own of which nothing is kept.
    fn command_begins(&mut self, reply: ReplyId, session: &SessionId, prompt: &PromptId, content: &[Content]) -> Place {
        let running = self.sessions.get(session).and_then(|owner| owner.turn.as_ref()).map(|turn| turn.id.clone());
        let is_own = running.is_none();
        let turn = running.unwrap_or_else(|| self.ids.turn());
        self.reply(reply, Reply::Prompted { turn: turn.clone(), prompt: prompt.clone(), queued: false });
        let place = Place { session: session.clone(), turn, is_own };
        if is_own {
            self.command_tells(&place, Update::TurnStarted { reason: TurnReason::Prompt });
        }
        for block in content {
            let message = MessageId(prompt.0.clone());
            self.command_tells(&place, Update::UserMessage { message, content: block.clone() });
        }
        place
    }

    /// Of a running turn that is over by now it is told as of none.
    fn command_tells(&mut self, place: &Place, update: Update) {
        let running = self.sessions.get(&place.session).and_then(|owner| owner.turn.as_ref());
        let is_there = place.is_own || running.is_some_and(|turn| turn.id == place.turn);
        self.update_of_turn(&place.session, is_there.then(|| place.turn.clone()), false, update);
    }

    fn command_says(&mut self, place: &Place, text: String) {
        let message = self.ids.message();
        self.command_tells(place, Update::AgentMessage { message, text });
    }

    fn command_ends(&mut self, place: &Place, unsent: Vec<(PromptId, Vec<Content>)>) {
        if place.is_own {
            let (stop, usage, window) = (StopReason::EndTurn, UsageSum::default(), None);
            let (auto, error, needs_model) = (false, None, Vec::new());
            self.command_tells(place, Update::TurnEnded { stop, usage, window, auto, error, needs_model, unsent });
        }
    }

    fn tasks_in_chat(&self) -> String {
        let now = self.now();
        let all: Vec<_> = self.ledger.all_visible().collect();
        let (live, over): (Vec<_>, Vec<_>) = all.into_iter().rev().partition(|task| !task.status.is_final());
        let left_out = (live.len() + over.len()).saturating_sub(TASKS);
        let lines = live.iter().chain(&over).take(TASKS).map(|task| {
            let detail = waits_for(task.waiting_for.as_ref())
                .or_else(|| task.summary.clone())
                .or_else(|| task.progress.message.clone());
            let detail = detail.map(|detail| format!(" · {}", cut(&detail, 120))).unwrap_or_default();
            let elapsed = duration(task.elapsed_ms(now));
            format!("- `{}` {} · `{}` · {elapsed}{detail}", task.id, task.status.as_str(), cut(&task.command, 80))
        });
        let mut lines: Vec<String> = lines.collect();
        lines.extend((left_out > 0).then(|| format!("- … and {left_out} older ones")));
        if lines.is_empty() { "There are no tasks.".to_owned() } else { lines.join("\n") }
    }

    /// Without a word the turn is stopped, and the words say what else could be.
    fn stop_by_command(&mut self, place: &Place, wanted: &str) -> Option<Vec<Content>> {
        let live = |state: &Self, of: Option<&SessionId>| -> Vec<TaskId> {
            let live = state.ledger.all_visible().filter(|task| !task.status.is_final() || task.stragglers > 0);
            live.filter(|task| of.is_none_or(|of| task.session.as_ref() == Some(of)))
                .map(|task| task.id.clone())
                .collect()
        };
        let list = |tasks: &[TaskId]| tasks.iter().map(|task| format!("`{task}`")).collect::<Vec<_>>().join(", ");
        let mut stops_turn = false;
        let text = match wanted {
            "" => {
                stops_turn = !place.is_own;
                let going = live(self, None);
                let stopped = if stops_turn { "Stopped the turn." } else { "No turn is running." };
                match going.len() {
                    0 => stopped.to_owned(),
                    _ => format!("{stopped} Tasks go on: {}. `/stop TASK` or `/stop all` stops them.", list(&going)),
                }
            }
            "all" => {
                let going = live(self, Some(&place.session));
                going.iter().for_each(|task| self.stop_by_person(task));
                match going.len() {
                    0 => "No task of this conversation is running.".to_owned(),
                    _ => format!("Stopping {}.", list(&going)),
                }
            }
            id => match self.ledger.visible(&id.into()).map(|task| (task.id.clone(), task.status.is_final())) {
                None => format!("There is no task `{id}`. `/tasks` lists them."),
                Some((task, true)) if !live(self, None).contains(&task) => format!("Task `{task}` is over already."),
                Some((task, _)) => {
                    self.stop_by_person(&task);
                    format!("Stopping `{task}` and everything that it started.")
                }
            },
        };
        self.command_says(place, text);
        if stops_turn {
            self.cancel(&place.session, Some(&place.turn));
        }
        self.command_ends(place, Vec::new());
        None
    }

    fn stop_by_person(&mut self, task: &TaskId) {
        self.bar(task);
        self.stop_task(task, StoppedBy::User);
    }

    /// A new conversation, in which the person goes on: with the same folder, mode and model, and with what still runs.
    fn clear(&mut self, place: &Place) -> String {
        if !place.is_own {
            return "A turn is running: `/stop` it first, then `/clear`.".to_owned();
        }
        let Some(owner) = self.sessions.get(&place.session) else { return String::new() };
        let (cwd, mode, model, spoken) = (owner.cwd.clone(), owner.mode, owner.model.clone(), owner.spoken);
        let id = self.ids.session();
        let mut fresh = Session::new(id.clone(), &self.settings, cwd, mode, model, self.now());
        fresh.spoken = spoken;
        self.sessions.insert(id.clone(), fresh);
        self.describe_model(&id);
        self.save_session(&id);
        self.tasks_go_along(&place.session, &id);
        self.command_tells(place, Update::SwitchSession { session: id });
        "A new conversation begins; running tasks go along. `/resume` comes back to this one.".to_owned()
    }

    /// What still runs, or is still to be told, belongs to another session from now on.
    fn tasks_go_along(&mut self, from: &SessionId, to: &SessionId) {
        let mine = |entry: &&mut super::ledger::Entry| {
            entry.task.owned && entry.task.session.as_ref() == Some(from) && !entry.task.status.is_final()
        };
        let mut moved = Vec::new();
        for entry in self.ledger.entries.iter_mut().filter(mine) {
            entry.task.session = Some(to.clone());
            moved.push(entry.task.id.clone());
        }
        if self.reports.give(from, to) {
            self.effects.push(Effect::Store(Write::GiveReports { from: from.clone(), to: to.clone() }));
        }
        moved.iter().for_each(|task| self.task_changed(task));
        self.wake_soon(to);
    }

    /// The store has listed the newest sessions.
    pub(super) fn recent_sessions(&mut self, place: &Place, wanted: Option<&str>, rows: Vec<SessionRow>) {
        let rows: Vec<SessionRow> = rows.into_iter().filter(|row| row.id != place.session && row.turns > 0).collect();
        let title = |row: &SessionRow| row.title.clone().unwrap_or_else(|| "Untitled".to_owned());
        let text = match wanted {
            None if rows.is_empty() => "There is no other conversation in this workspace.".to_owned(),
            None => {
                let lines = rows.iter().take(SESSIONS).enumerate().map(|(at, row)| {
                    let day = row.updated_at.date();
                    format!("{}. {} · {} turns · {day} · `{}`", at + 1, title(row), row.turns, row.id)
                });
                let lines: Vec<String> = lines.collect();
                format!("{}\n\n`/resume NUMBER` opens one.", lines.join("\n"))
            }
            Some(wanted) => {
                let by_number = wanted.parse::<usize>().ok().and_then(|number| rows.get(number.checked_sub(1)?));
                let named = |row: &&SessionRow| row.id.as_str() == wanted;
                let titled = |row: &&SessionRow| title(row).to_lowercase().contains(&wanted.to_lowercase());
                match by_number.or_else(|| rows.iter().find(named)).or_else(|| rows.iter().find(titled)) {
                    None => format!("No conversation is {wanted:?}. `/resume` lists them."),
                    Some(row) => {
                        self.command_tells(place, Update::SwitchSession { session: row.id.clone() });
                        format!("Going on with \"{}\" (`{}`).", title(row), row.id)
                    }
                }
            }
        };
        self.command_says(place, text);
        self.command_ends(place, Vec::new());
    }

    fn model_by_command(&mut self, session: &SessionId, name: &str) -> String {
        match self.model_named(name) {
            Ok(model) => {
                self.take_model(session, model.clone());
                format!("The model is `{model}` from the next request on.")
            }
            Err(Refusal::BadField { message, remedy, .. }) => format!("{message}. {remedy}"),
            Err(_) => format!("{name:?} cannot be taken. `/model` lists the models."),
        }
    }

    /// The providers have said which models there are.
    pub(super) fn models_in_chat(&mut self, place: &Place, current: &str, list: &ModelList) {
        let offered = list.models.iter().filter(|row| !row.is_current);
        let left_out = offered.clone().count().saturating_sub(MODELS);
        let lines = offered.take(MODELS).map(|row| {
            let warning = row.warning.as_ref().map(|warning| format!(" · {warning}")).unwrap_or_default();
            format!("- `{}`{warning}", row.id)
        });
        let mut lines: Vec<String> = lines.collect();
        lines.extend((left_out > 0).then(|| format!("- … and {left_out} more")));
        let others = if lines.is_empty() { String::new() } else { format!(" Others:\n{}\n", lines.join("\n")) };
        let how = "`/model NAME` takes one from the next request on.";
        self.command_says(place, format!("The model is `{current}`.{others}\n{how}"));
        self.command_ends(place, Vec::new());
    }

    fn permissions_by_command(&mut self, words: &str) -> String {
        if words.is_empty() {
            let saved = self.rules.iter().enumerate().map(|(at, said)| format!("{}. {}", at + 1, said.described()));
            let written = self.settings.said.iter();
            let written = written.map(|said| format!("- {}: {}", said.decision.as_str(), said.described()));
            let (saved, written): (Vec<String>, Vec<String>) = (saved.collect(), written.collect());
            let saved = match saved.len() {
                0 => "No rule is saved. \"Always\" at a question saves one, and it is listed here.".to_owned(),
                _ => format!("Always allowed:\n\n{}\n\n`/permissions remove NUMBER` takes one back.", saved.join("\n")),
            };
            let written = (!written.is_empty()).then(|| format!("In files:\n\n{}", written.join("\n")));
            return [Some(saved), written].into_iter().flatten().collect::<Vec<_>>().join("\n\n");
        }
        let number = words.strip_prefix("remove").and_then(|rest| rest.trim().parse::<usize>().ok());
        let rule = number.and_then(|number| number.checked_sub(1)).and_then(|at| self.rules.get(at));
        match rule.map(|said| said.rule.clone()) {
            Some(rule) => {
                self.forget_rule(&rule);
                format!("`{rule}` is not always allowed any more.")
            }
            None => "Say `/permissions remove NUMBER`, with a number of the list of `/permissions`.".to_owned(),
        }
    }

    fn plan_by_command(&mut self, session: &SessionId, words: &str) -> String {
        let Some(owner) = self.sessions.get_mut(session) else { return String::new() };
        let leaves = match words {
            "" => owner.mode == Mode::Plan,
            "off" => true,
            "on" => false,
            _ => return "Say `/plan`, or `/plan off`.".to_owned(),
        };
        if leaves {
            let before = owner.before_plan.take().unwrap_or(self.settings.mode);
            let mode = if before == Mode::Plan { Mode::Ask } else { before };
            if owner.mode != Mode::Plan {
                return format!("Plan mode is off; the mode is `{}`.", owner.mode.as_str());
            }
            self.change_mode(session, mode);
            return format!("Plan mode is off; the mode is `{}`.", mode.as_str());
        }
        if owner.mode != Mode::Plan {
            owner.before_plan = Some(owner.mode);
            self.change_mode(session, Mode::Plan);
        }
        "Plan mode: the agent reads and plans, and changes nothing. `/plan off` ends it.".to_owned()
    }

    fn compact_by_command(&mut self, session: &SessionId, keep: &str) -> String {
        let keep = Some(keep.to_owned()).filter(|keep| !keep.is_empty());
        let runs = self.sessions.get(session).is_some_and(|owner| owner.turn.is_some());
        match self.compact_for_person(session, keep) {
            Ok(()) if runs => "The conversation is compacted before the next request.".to_owned(),
            Ok(()) => "Compacting.".to_owned(),
            Err(Refusal::State { message, remedy, .. }) => {
                let mut message = message.chars();
                let first: String = message.next().into_iter().flat_map(char::to_uppercase).collect();
                format!("{first}{}. {remedy}", message.as_str()).trim_end().to_owned()
            }
            Err(_) => "The conversation cannot be compacted.".to_owned(),
        }
    }
}

fn help() -> String {
    let lines = COMMANDS.iter().map(|command| {
        let argument = command.argument.map(|argument| format!(" {argument}")).unwrap_or_default();
        format!("- `/{}{argument}` {}", command.name, command.description)
    });
    lines.collect::<Vec<_>>().join("\n")
}
