//! Running commands that wait for input: the row says so, the model is told that it waits and on what question, once for
//! each question, and a person answers. The answer goes to the command alone. What a model reads later has it taken out
//! where it was a secret, or where the command echoed it behind its question.
//!
//! Answers are kept in memory while their task is, and never written.

use crate::agent::notification::Report;
use crate::ids::{SessionId, TaskId};
use crate::task::model::{Asked, Status, WaitKind, WaitingFor};
use crate::task::run::RunId;

use super::state::State;
use super::watching;

/// Answers of one task that are remembered, and characters of each: longer ones are texts, not answers.
const ANSWERS: usize = 100;
const ANSWER_CHARS: usize = 1_000;
/// A shorter secret cannot be told from the words around it.
const SECRET_CHARS: usize = 3;
/// What a model reads in the place of an answer.
const HIDDEN: &str = "[the user's answer]";

/// What the runs of a task have asked.
#[derive(Debug, Default)]
pub(super) struct InputWait {
    /// The newest question, until it is answered or over.
    open: Option<Asked>,
    /// A person has answered it, and the run has not gone on yet.
    is_answered: bool,
    answers: Answers,
}

/// What a person gave to the commands of a task.
#[derive(Debug, Default)]
pub(super) struct Answers(Vec<Answer>);

#[derive(Debug)]
struct Answer {
    text: String,
    /// The question, where there was one.
    to: Option<String>,
    secret: bool,
}

impl Answers {
    fn add(&mut self, text: &str, asked: Option<&Asked>) {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > ANSWER_CHARS || self.0.len() == ANSWERS {
            return;
        }
        let (to, secret) = asked.map_or((None, false), |asked| (asked.text.clone(), asked.secret));
        self.0.push(Answer { text: text.to_owned(), to, secret });
    }

    /// The text without the answers.
    fn hide(&self, mut text: String) -> String {
        for answer in &self.0 {
            if answer.secret && answer.text.chars().count() >= SECRET_CHARS {
                text = text.replace(&answer.text, HIDDEN);
            } else if let Some(question) = &answer.to {
                text = answer.hide_echo(&text, question);
            }
        }
        text
    }
}

impl Answer {
    fn hide_echo(&self, text: &str, question: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(question) {
            let (before, after) = rest.split_at(at + question.len());
            let gap = after.len() - after.trim_start_matches(' ').len();
            out.push_str(before);
            out.push_str(&after[..gap]);
            rest = &after[gap..];
            if let Some(further) = rest.strip_prefix(self.text.as_str())
                && !further.starts_with(char::is_alphanumeric)
            {
                out.push_str(HIDDEN);
                rest = further;
            }
        }
        out.push_str(rest);
        out
    }
}

impl State {
    /// A run waits for input, still or again; the question may be another one.
    pub(super) fn waits(&mut self, id: &RunId, asked: Asked) {
        let Some(entry) = self.ledger.get_mut(&id.task) else { return };
        if entry.task.stopping || entry.task.started_at.is_none() {
            return;
        }
        // A run that was taken over tells again what it waits on: nobody is told twice.
        let is_known = entry.task.status == Status::WaitingForInput && !entry.input_wait.is_answered;
        if is_known && entry.input_wait.open.is_none() {
            let text = entry.task.waiting_for.as_ref().and_then(|on| on.question.clone());
            entry.input_wait.open = Some(Asked { text, ..asked.clone() });
        }
        let waiting = Some(WaitingFor::input(asked.clone()));
        let was = (entry.task.status, entry.task.waiting_for.clone());
        entry.task.status = Status::WaitingForInput;
        entry.task.waiting_for.clone_from(&waiting);
        if let Some(record) = entry.task.runs.last_mut() {
            record.status = Status::WaitingForInput;
        }
        // The same words again, while nobody has answered: output that went on beside the question.
        let is_new = entry.input_wait.open.as_ref().is_none_or(|open| asked.text.is_some() && open.text != asked.text);
        if is_new {
            entry.task.questions += 1;
            entry.input_wait.open = Some(asked.clone());
            entry.input_wait.is_answered = false;
            let is_foreground = entry.foreground.is_some();
            self.withdraw_input_wait(&id.task, id.run, None);
            if is_foreground {
                // Its call tells the question: nobody but a person can answer, and the turn is not to wait for that.
                self.promote(&id.task);
            } else {
                self.report_wait(id, &asked);
            }
        }
        if was != (Status::WaitingForInput, waiting) {
            self.task_changed(&id.task);
            // It holds nobody up.
            self.place();
        }
    }

    /// A run does not wait any more: it was answered, or went on by itself.
    pub(super) fn resumed(&mut self, id: &RunId) {
        let Some(entry) = self.ledger.get_mut(&id.task) else { return };
        if entry.task.status != Status::WaitingForInput {
            return;
        }
        entry.task.status = Status::Running;
        entry.task.waiting_for = None;
        if let Some(record) = entry.task.runs.last_mut() {
            record.status = Status::Running;
        }
        self.close_input_wait(&id.task, id.run);
        self.task_changed(&id.task);
    }

    /// A person gave this to a command. What the model has not been told of the question it need not be told.
    pub(super) fn answered_by_person(&mut self, id: &RunId, text: &str) {
        let Some(entry) = self.ledger.get_mut(&id.task) else { return };
        let open = entry.input_wait.open.take();
        entry.input_wait.is_answered = true;
        entry.input_wait.answers.add(text, open.as_ref());
        self.withdraw_input_wait(&id.task, id.run, None);
    }

    /// The open question of a run is over.
    pub(super) fn close_input_wait(&mut self, task: &TaskId, run: u32) {
        if let Some(entry) = self.ledger.get_mut(task) {
            entry.input_wait.open = None;
            entry.input_wait.is_answered = false;
        }
        self.withdraw_input_wait(task, run, None);
    }

    /// What was not told of a run's questions is not told any more: to nobody, or not to the session that `told` names.
    pub(super) fn withdraw_input_wait(&mut self, task: &TaskId, run: u32, told: Option<&SessionId>) {
        self.withdraw_reports(|pending| {
            let key = &pending.report.key;
            let is_asked = key.task == *task && key.run == run && key.about.starts_with("input.");
            is_asked && told.is_none_or(|told| pending.session.as_ref().is_none_or(|owner| owner == told))
        });
    }

    fn report_wait(&mut self, id: &RunId, asked: &Asked) {
        let Some(entry) = self.ledger.get(&id.task) else { return };
        let task = &entry.task;
        let report = Report {
            summary: Some(sentence(asked.text.as_deref())),
            notes: vec![TO_THE_MODEL.to_owned()],
            ..entry.report(format!("input.{}", task.questions), self.now())
        };
        let (session, on_exit) = (task.session.clone(), watching::on_exit(task));
        self.report(report, session, on_exit);
    }

    /// A text for a model, without what people gave to commands.
    pub(super) fn without_answers(&self, mut text: String) -> String {
        for entry in self.ledger.entries.iter().filter(|entry| !entry.input_wait.answers.0.is_empty()) {
            text = entry.input_wait.answers.hide(text);
        }
        text
    }
}

/// What a model does about a command that waits: nothing.
const TO_THE_MODEL: &str = "Only the user can answer, and is asked; you are not shown the answer. Go on with other work \
                            or end your turn: you are told when it ends. If it should not ask, stop it and start it in a \
                            way that needs no answer.";

/// That a task waits, and on what question.
fn sentence(question: Option<&str>) -> String {
    match question {
        Some(question) => format!("It waits for the user's input: {question}"),
        None => "It waits for the user's input.".to_owned(),
    }
}

/// The same, for a task that does.
pub(super) fn waits_for(waiting: Option<&WaitingFor>) -> Option<String> {
    waiting.filter(|on| on.kind == WaitKind::Input).map(|on| sentence(on.question.as_deref()))
}

/// What the call of a foreground command is told that waits.
pub(super) fn promoted(id: &TaskId, waiting: Option<&WaitingFor>) -> Option<String> {
    let waits = waits_for(waiting)?;
    Some(format!("{waits}\nIt goes on in the background as {id}. {TO_THE_MODEL}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(given: &[(&str, Option<&str>, bool)]) -> Answers {
        let mut answers = Answers::default();
        for (text, to, secret) in given {
            let asked = Asked { text: to.map(str::to_owned), options: Vec::new(), secret: *secret };
            answers.add(text, Some(&asked));
        }
        answers
    }

    #[test]
    fn an_answer_is_hidden_where_it_was_echoed_and_a_secret_everywhere() {
        let answers = answers(&[
            ("y\n", Some("Go on? [y/n]"), false),
            ("hunter2\n", Some("Password:"), true),
            ("no\n", Some("PIN:"), true),
            ("free words\n", None, false),
        ]);
        for (text, hidden) in [
            ("Go on? [y/n] y\nyes, many years", "Go on? [y/n] [the user's answer]\nyes, many years"),
            ("Go on? [y/n] yesterday", "Go on? [y/n] yesterday"),
            ("Go on? [y/n] \nGo on? [y/n]y", "Go on? [y/n] \nGo on? [y/n][the user's answer]"),
            ("login ada:hunter2@host", "login ada:[the user's answer]@host"),
            ("PIN: no\nno, not now", "PIN: [the user's answer]\nno, not now"),
            ("free words are the command's own", "free words are the command's own"),
        ] {
            assert_eq!(answers.hide(text.to_owned()), hidden);
        }
    }

    #[test]
    fn what_is_no_answer_is_not_kept() {
        assert!(answers(&[("\n", Some("Name:"), false), (&"x".repeat(2_000), None, false)]).0.is_empty());
        assert_eq!(answers(&vec![("y", Some("Go on?"), false); 150]).0.len(), ANSWERS);
    }
}
