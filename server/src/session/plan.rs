//! The plan of a session: the agent's list of steps, as `todo_write` gives it. The newest list replaces the one before; it
//! is stored, shown again after a load, and there for whoever tells the model again what it was about.

use crate::agent::notification::cut;
use crate::ids::{SessionId, ToolCallId};
use crate::tool::input::{Todo, TodoStatus, TodoWrite};

use super::effect::{Effect, ToolChange, Update, Write};
use super::state::State;

/// Steps of a plan, and characters of one.
const STEPS: usize = 100;
const STEP: usize = 500;

impl State {
    /// The plan of a session, in order; empty where there is none.
    pub(super) fn plan_of(&self, session: &SessionId) -> &[Todo] {
        self.sessions.get(session).map_or(&[], |owner| &owner.plan)
    }

    /// The agent has a new plan.
    pub(super) fn write_plan(&mut self, session: &SessionId, id: &ToolCallId, written: TodoWrite) {
        let (plan, left_out) = kept(written.todos);
        if let Some(owner) = self.sessions.get_mut(session) {
            owner.plan.clone_from(&plan);
        }
        self.effects.push(Effect::Store(Write::Plan { session: session.clone(), plan: plan.clone() }));
        let text = told(&plan, left_out);
        self.update(session, Update::Plan(plan));
        self.finish_call(session, id, text, false, ToolChange::default());
    }
}

/// The steps that are kept, and the number of those that are not: empty ones, and what is too much.
fn kept(todos: Vec<Todo>) -> (Vec<Todo>, usize) {
    let all = todos.len();
    let full = todos.into_iter().filter(|todo| !todo.content.trim().is_empty());
    let plan: Vec<Todo> =
        full.take(STEPS).map(|todo| Todo { content: cut(todo.content.trim(), STEP), ..todo }).collect();
    let left_out = all - plan.len();
    (plan, left_out)
}

fn told(plan: &[Todo], left_out: usize) -> String {
    let number = |status| plan.iter().filter(|todo| todo.status == status).count();
    let mut text = match plan.len() {
        0 => "The plan is cleared.".to_owned(),
        steps => format!(
            "The user sees the plan: {steps} step{}, {} completed, {} in progress.",
            if steps == 1 { "" } else { "s" },
            number(TodoStatus::Completed),
            number(TodoStatus::InProgress)
        ),
    };
    if left_out > 0 {
        text += &format!(" {left_out} left out: a plan has at most {STEPS} steps, and none is empty.");
    }
    text
}
