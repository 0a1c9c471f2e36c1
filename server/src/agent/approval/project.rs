//! The project's own commands: how they are offered together at a first question, and what their scripts were when a
//! person allowed them. Whoever looks for them reads the disk; here they are words.

use super::rule::{Rule, Said};
use super::{Offer, shell, shown};

/// One of the project's own commands, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    pub command: String,
    /// What the repository's file says that it runs; `None` for a program that is itself, like `cargo test`.
    pub script: Option<String>,
    /// The text of everything that the script may run; `None` where there is no script.
    pub fingerprint: Option<String>,
    /// It is one of those that are offered together: a test, a build, a check.
    pub is_offered: bool,
}

/// "Always" for the project's test, build and lint commands together; `None` where there is none, or all are allowed.
pub fn own_commands(own: &[Own], saved: &[Said]) -> Option<Offer> {
    let mut rules: Vec<(Rule, Option<String>)> = Vec::new();
    for one in own.iter().filter(|one| one.is_offered) {
        let Ok(rule) = Rule::parse(&format!("bash({})", one.command)) else { continue };
        let is_saved = saved.iter().any(|said| said.rule == rule && said.script == one.fingerprint);
        if !is_saved && !rules.iter().any(|(known, _)| *known == rule) && is_sound(&one.command) {
            rules.push((rule, one.fingerprint.clone()));
        }
    }
    let named: Vec<String> = rules.iter().map(|(rule, _)| shown(rule)).collect();
    (!rules.is_empty()).then(|| Offer { label: format!("this project's commands: {}", named.join(", ")), rules })
}

/// A command of plain words; others are not offered.
fn is_sound(command: &str) -> bool {
    shell::parse(command).is_ok_and(|script| match &script.parts[..] {
        [part] => part.assignments.is_empty() && part.words.iter().all(|word| word.literal().is_some()),
        _ => false,
    })
}

impl Own {
    /// Whether a rule is about this command, alone or with more words.
    pub fn is_of(&self, rule: &Rule) -> bool {
        let own = shell::parse(&self.command).map(|own| own.parts).unwrap_or_default();
        matches!(&own[..], [own] if rule.covers(&own.words).is_some())
    }

    /// Whether a command line is this command, alone or among others.
    pub fn is_in(&self, line: &str) -> bool {
        let Ok(script) = shell::parse(line) else { return line.contains(&self.command) };
        let own = shell::parse(&self.command).map(|own| own.parts).unwrap_or_default();
        let [own] = &own[..] else { return false };
        script.parts.iter().any(|part| {
            part.words.len() >= own.words.len()
                && part.words.iter().zip(&own.words).all(|(a, b)| a.literal() == b.literal())
        })
    }
}
