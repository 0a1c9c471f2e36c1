//! What may be done unasked. Pure: a mode, what has been said beforehand and a call in; a verdict out. Deny beats ask beats
//! allow, and nothing that came from a tool or a task can grant anything: only a person's answer and a person's settings
//! make rules that allow.
//!
//! `rule` has the rules, `mode` the modes. A command goes through `shell` (the grammar), `command` (each of its parts),
//! `unwrap` (what a part really runs), `destructive` (what is always asked about), `guess` (what it may hide), `harmless`
//! (what only reads) with `filters` (awk, sed) and `searches`, `paths` and `variables`; `offer` says what "always" would save. `project` has the project's own commands.

mod command;
mod destructive;
mod filters;
mod guess;
mod harmless;
mod mode;
mod names;
mod offer;
mod paths;
mod project;
mod rule;
mod searches;
mod shell;
#[cfg(test)]
mod tests;
mod unwrap;
mod variables;

use std::path::Path;

use crate::tool::input::{Call, FileCall};

pub use mode::Mode;
pub use names::names;
pub use paths::Ground;
pub use project::{Own, own_commands};
pub use rule::{Decision, Rule, Said};

use paths::Concern;
use rule::Tool;

/// What is to be done with a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Allow,
    Ask(Asking),
    /// Refused without a question; the text is for the model.
    Refuse(String),
}

/// What a person is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asking {
    /// Why, as a sentence or several; empty where the command itself says it.
    pub reason: Option<String>,
    /// What "always" may save, each a choice of its own.
    pub offers: Vec<Offer>,
}

/// One "always": exactly what it saves.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// For a person: names every rule.
    pub label: String,
    /// Rules, each with the project's script that it is bound to.
    pub rules: Vec<(Rule, Option<String>)>,
}

impl Offer {
    /// The choice that saves these rules.
    fn of(rules: Vec<Rule>) -> Option<Self> {
        const MOST: usize = 5;
        if rules.is_empty() || rules.len() > MOST {
            return None;
        }
        let named: Vec<String> = rules.iter().map(shown).collect();
        let label = named.join(", ");
        Some(Self { label, rules: rules.into_iter().map(|rule| (rule, None)).collect() })
    }
}

/// A rule as a person reads it in a choice.
fn shown(rule: &Rule) -> String {
    let text = rule.to_string();
    match text.strip_prefix("bash(").and_then(|text| text.strip_suffix(')')) {
        Some(command) => format!("`{command}`"),
        None if text == "edit(workspace)" => "edits in this workspace".to_owned(),
        None => text,
    }
}

/// Judges a call in a place, by what has been said beforehand.
pub fn judge(mode: Mode, said: &[&Said], call: &Call, ground: &Ground) -> Verdict {
    match call {
        // What a subagent does is judged as it does it.
        Call::Check(_) | Call::Stop(_) | Call::Diagnostics(_) | Call::Todo(_) | Call::Agent(_) => Verdict::Allow,
        Call::Bash(bash) => judge_command(mode, said, &bash.command, ground),
        Call::File(file) if file.edits() => judge_edit(mode, said, file.path(), ground),
        Call::File(file) => judge_read(mode, said, file, ground),
    }
}

/// Whether a command line is known to do nothing but read, what nobody has to be asked about.
pub fn only_reads(text: &str, said: &[&Said], ground: &Ground) -> bool {
    let judged = command::judge(text, said, ground);
    !judged.acts && !judged.asks && judged.denied.is_none()
}

fn judge_command(mode: Mode, said: &[&Said], text: &str, ground: &Ground) -> Verdict {
    let judged = command::judge(text, said, ground);
    if let Some(rule) = judged.denied {
        return denied(&rule, "no command was run");
    }
    let reasons = match mode {
        Mode::Plan if judged.acts => {
            return Verdict::Refuse(
                "Plan mode only reads, and this command is not known to only read: it was not run. Describe the plan; \
                 the user can switch the mode."
                    .into(),
            );
        }
        Mode::Auto if judged.always.is_empty() => return Verdict::Allow,
        Mode::Auto => judged.always,
        _ if !judged.asks => return Verdict::Allow,
        _ => [judged.always, judged.reasons].concat(),
    };
    let offers = judged.rules.filter(|_| mode != Mode::Auto).and_then(Offer::of);
    Verdict::Ask(Asking { reason: sentences(reasons), offers: offers.into_iter().collect() })
}

fn judge_edit(mode: Mode, said: &[&Said], path: &str, ground: &Ground) -> Verdict {
    let Some(place) = ground.places(path).into_iter().next() else { return Verdict::Ask(Asking::default()) };
    let concern = ground.writing(path).map(|(concern, _)| concern);
    if let Some(refused) = path_rule(said, Tool::Edit, &place, concern, ground) {
        return match refused {
            (Decision::Deny, rule) => denied(&rule, "nothing was changed"),
            _ if mode == Mode::Plan => not_in_plan_mode(),
            (Decision::Ask, rule) => ask(format!("a rule asks about it: {rule}"), None),
            (Decision::Allow, _) => Verdict::Allow,
        };
    }
    match (mode, concern) {
        (Mode::Plan, _) => not_in_plan_mode(),
        (_, Some(Concern::Secret)) => ask(format!("it writes {}", Concern::Secret.about(&place)), None),
        (Mode::Auto, _) => Verdict::Allow,
        (_, Some(concern)) => ask(format!("it writes {}", concern.about(&place)), None),
        (Mode::AcceptEdits, None) => Verdict::Allow,
        (Mode::Ask, None) => {
            let offers = Offer::of(vec![Rule::edits()]).into_iter().collect();
            Verdict::Ask(Asking { reason: None, offers })
        }
    }
}

fn judge_read(mode: Mode, said: &[&Said], call: &FileCall, ground: &Ground) -> Verdict {
    let path = call.path();
    let Some(place) = ground.places(path).into_iter().next() else { return Verdict::Ask(Asking::default()) };
    let concern = ground.reading(path).map(|(concern, _)| concern);
    match path_rule(said, Tool::Read, &place, concern, ground) {
        Some((Decision::Deny, rule)) => return denied(&rule, "nothing was read"),
        Some((Decision::Ask, rule)) => return ask(format!("a rule asks about it: {rule}"), None),
        Some((Decision::Allow, _)) => return Verdict::Allow,
        None => {}
    }
    match concern {
        Some(Concern::Secret) => ask(format!("it reads {}", Concern::Secret.about(&place)), None),
        Some(concern) if mode != Mode::Auto => ask(format!("it reads {}", concern.about(&place)), None),
        _ => Verdict::Allow,
    }
}

/// The strictest rule about a path, and its place. A rule allows a path of concern where it names what is of concern:
/// `read(~/.ssh/**)`, and not `read(~/**)`.
fn path_rule(
    said: &[&Said],
    tool: Tool,
    path: &Path,
    concern: Option<Concern>,
    ground: &Ground,
) -> Option<(Decision, String)> {
    [Decision::Deny, Decision::Ask, Decision::Allow].into_iter().find_map(|decision| {
        let holds = |said: &&&Said| {
            said.decision == decision
                && said.rule.covers_path(tool, path, ground)
                && (decision != Decision::Allow || concern.is_none_or(|concern| said.rule.names(concern)))
        };
        said.iter().find(holds).map(|said| (decision, said.described()))
    })
}

fn ask(reason: String, offer: Option<Offer>) -> Verdict {
    Verdict::Ask(Asking { reason: sentences(vec![reason]), offers: offer.into_iter().collect() })
}

fn denied(rule: &str, outcome: &str) -> Verdict {
    Verdict::Refuse(format!("The rule {rule} denies this: {outcome}. Do not try it again in another way."))
}

fn not_in_plan_mode() -> Verdict {
    Verdict::Refuse(
        "Plan mode only reads: nothing was changed. Describe the plan; the user can switch the mode.".into(),
    )
}

/// Reasons as people read them: each a sentence.
fn sentences(reasons: Vec<String>) -> Option<String> {
    /// The most characters of what is shown.
    const LONGEST: usize = 1_000;
    let sentence = |reason: String| {
        let mut chars = reason.chars();
        let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
        let end = if reason.ends_with('.') { "" } else { "." };
        format!("{first}{}{end}", chars.as_str())
    };
    let text = reasons.into_iter().map(sentence).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then(|| text.chars().take(LONGEST).collect())
}
