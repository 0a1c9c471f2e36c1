//! May a call be made: the judgement of `agent/approval` with what this state knows, and the rules that "always" has
//! saved. What it depends on is read first, as it is now: where links lead that a command's words name, and the project's own
//! scripts where a person is asked or has allowed one of them.

use std::path::PathBuf;

use crate::agent::approval::{self, Ground, Mode, Offer, Own, Rule, Said, Verdict};
use crate::ids::{SessionId, ToolCallId, TurnId};
use crate::tool::input::{Bash, Call};
use crate::workspace::classify;

use super::calls::Step;
use super::effect::{Effect, Refusal, Reply, Write};
use super::event::ReplyId;
use super::state::State;

/// What is to be done with a call.
pub(super) enum Judged {
    Now(Verdict),
    /// When this is known.
    AfterLooking(Look),
}

/// What a judgement depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The project's own commands and scripts.
    pub scripts: bool,
    /// Words of the command that may be links, or lie behind one.
    pub names: Vec<String>,
}

impl State {
    /// Judges a call with what is known without looking.
    pub(super) fn judge(&self, session: &SessionId, call: &Call) -> Judged {
        let verdict = self.verdict(session, call, &[], |_| true);
        match self.depends_on(session, call, &verdict) {
            Some(look) => Judged::AfterLooking(look),
            None => Judged::Now(self.unless_stopped(session, call, verdict)),
        }
    }

    /// What has to be read before a verdict holds; `None` where it holds already.
    fn depends_on(&self, session: &SessionId, call: &Call, verdict: &Verdict) -> Option<Look> {
        let Call::Bash(bash) = call else { return None };
        let scripts = match verdict {
            // What is asked names the scripts that would run, and may offer them.
            Verdict::Ask(_) if matches!(self.mode_of(session), Mode::Ask | Mode::AcceptEdits) => true,
            // A rule that a person gave may speak of a script that has changed.
            Verdict::Allow => {
                self.rules.iter().any(|said| said.script.is_some())
                    && self.verdict(session, call, &[], |said| said.script.is_none()) != Verdict::Allow
            }
            _ => return None,
        };
        let names = approval::names(&bash.command);
        (scripts || !names.is_empty()).then_some(Look { scripts, names })
    }

    /// Whether a command is known to do nothing but read, and is waited for as any other: no other call waits for what it
    /// does, and none is spoiled by it. What it reads may be asked about all the same.
    pub(super) fn only_reads(&self, session: &SessionId, bash: &Bash) -> bool {
        let is_plain = bash.run_in_background != Some(true)
            && bash.kind.is_none()
            && bash.pattern.is_none()
            && bash.ready.is_none()
            && bash.stdin.as_deref().is_none_or(|stdin| stdin == "null");
        is_plain
            && !classify::lets_time_pass(&bash.command)
            && approval::only_reads(&bash.command, &self.said(|_| true), &self.ground(session, &[]))
    }

    /// Judges a command when the project's own commands are known.
    fn judge_with(&self, session: &SessionId, call: &Call, own: &[Own], links: &[(PathBuf, PathBuf)]) -> Verdict {
        let holds = |said: &Said| {
            said.script.is_none() || own.iter().any(|one| one.fingerprint == said.script && one.is_of(&said.rule))
        };
        let verdict = self.verdict(session, call, links, holds);
        let (Verdict::Ask(mut asking), Call::Bash(bash)) = (verdict.clone(), call) else {
            return self.unless_stopped(session, call, verdict);
        };
        // What the repository says that it runs; the same script has several names.
        let run: Vec<&Own> = own.iter().filter(|one| one.script.is_some() && one.is_in(&bash.command)).collect();
        let mut why: Vec<String> = asking.reason.take().into_iter().collect();
        for one in &run {
            let changed = self.rules.iter().any(|said| said.script.is_some() && one.is_of(&said.rule));
            let script = one.script.as_deref().unwrap_or_default();
            let shown = if changed { ", which has changed since it was allowed" } else { "" };
            why.push(format!("`{}` runs this project's script{shown}: {script}", one.command));
        }
        asking.reason = (!why.is_empty()).then(|| why.join("\n"));
        for (rule, script) in asking.offers.iter_mut().flat_map(|offer| &mut offer.rules) {
            *script = run.iter().find(|one| one.is_of(rule)).and_then(|one| one.fingerprint.clone());
        }
        if !asking.offers.is_empty() && !self.has_own_rules(own) {
            let together = approval::own_commands(own, &self.rules);
            let known = |offer: &Offer| asking.offers.iter().any(|other| other.rules == offer.rules);
            asking.offers.extend(together.filter(|offer| !known(offer)));
        }
        Verdict::Ask(asking)
    }

    /// The project's commands have been offered and taken, all that there are; a script that has changed is asked for alone.
    fn has_own_rules(&self, own: &[Own]) -> bool {
        own.iter().filter(|one| one.is_offered).any(|one| self.rules.iter().any(|said| one.is_of(&said.rule)))
    }

    fn verdict(
        &self,
        session: &SessionId,
        call: &Call,
        links: &[(PathBuf, PathBuf)],
        holds: impl Fn(&Said) -> bool,
    ) -> Verdict {
        if !self.sessions.contains_key(session) {
            return Verdict::Allow;
        }
        approval::judge(self.mode_of(session), &self.said(holds), call, &self.ground(session, links))
    }

    /// The rules that hold.
    fn said(&self, holds: impl Fn(&Said) -> bool) -> Vec<&Said> {
        self.rules.iter().filter(|said| holds(said)).chain(&self.settings.said).collect()
    }

    /// Where the calls of a session act.
    fn ground(&self, session: &SessionId, links: &[(PathBuf, PathBuf)]) -> Ground {
        let owner = self.sessions.get(session);
        // What its results have named: the outputs of tasks.
        let outputs = self.ledger.all_visible().map(|task| task.output.path.clone());
        let given = owner.into_iter().flat_map(|owner| owner.given_outputs.iter().cloned());
        Ground {
            folders: vec![owner.map_or_else(|| self.settings.root.clone(), |owner| owner.cwd.clone())],
            roots: self.settings.roots.clone(),
            readable: given.chain(outputs).collect(),
            home: self.settings.home.clone(),
            links: links.to_vec(),
        }
    }

    /// What was given out as a file may be read. Where a person is asked anyway, the person decides.
    fn unless_stopped(&self, session: &SessionId, call: &Call, verdict: Verdict) -> Verdict {
        match (call, verdict) {
            (Call::File(file), Verdict::Ask(_)) if self.has_given(session, file) => Verdict::Allow,
            (Call::Bash(bash), Verdict::Allow) => {
                self.refused_by_stop(session, &bash.command).map_or(Verdict::Allow, Verdict::Refuse)
            }
            (_, verdict) => verdict,
        }
    }

    /// Looks at what the judgement of a call depends on.
    pub(super) fn look_at_project(&mut self, session: &SessionId, id: &ToolCallId, look: Look) {
        let Some(owner) = self.sessions.get(session) else { return };
        let Some(turn) = owner.turn.as_ref().map(|turn| turn.id.clone()) else { return };
        let cwd = owner.cwd.clone();
        let home = self.settings.home.clone();
        let Some(state) = self.call(session, id) else { return };
        state.step = Step::Looking;
        self.effects.push(Effect::ReadProject { session: session.clone(), turn, call: id.clone(), cwd, home, look });
    }

    /// The project's own commands, and where links lead, as they are now.
    pub(super) fn project_read(
        &mut self,
        session: &SessionId,
        turn: &TurnId,
        id: &ToolCallId,
        own: &[Own],
        links: &[(PathBuf, PathBuf)],
    ) {
        if self.running_turn(session, turn).is_none() {
            return;
        }
        let Some(state) = self.call(session, id).filter(|state| state.step == Step::Looking) else { return };
        let Ok(call) = state.call.clone() else { return };
        state.step = Step::Waiting;
        let verdict = self.judge_with(session, &call, own, links);
        self.decided(session, id, call, verdict);
        self.advance(session);
    }

    /// Saves exactly what was offered.
    pub(super) fn save_rules(&mut self, offer: &Offer) {
        for (rule, script) in &offer.rules {
            let said = Said::saved(rule.clone(), script.clone());
            if self.rules.contains(&said) {
                continue;
            }
            self.rules.retain(|known| known.rule != said.rule);
            self.effects.push(Effect::Store(Write::Rule { rule: rule.to_string(), script: script.clone() }));
            self.rules.push(said);
        }
    }

    /// The rules that the store holds. What is no rule of this version allows nothing, and can be removed.
    pub(super) fn rules_loaded(&mut self, rules: Vec<(String, Option<String>)>) {
        for (text, script) in rules {
            match Rule::parse(&text) {
                Ok(rule) => self.rules.push(Said::saved(rule, script)),
                Err(_) => {
                    self.effects.push(Effect::Store(Write::RemoveRule(text.clone())));
                    self.say(
                        false,
                        format!("The saved permission {text} is of another version; it is asked about again."),
                    );
                }
            }
        }
    }

    /// Removes a rule that "always" saved. Those of files are removed there.
    pub(super) fn remove_rule(&mut self, reply: ReplyId, text: &str) {
        let rule = Rule::parse(text).ok();
        let of_file = self.settings.said.iter().find(|said| rule.as_ref() == Some(&said.rule));
        let is_saved = self.rules.iter().any(|said| rule.as_ref() == Some(&said.rule));
        if let Some(place) = of_file.filter(|_| !is_saved).and_then(|said| said.place.clone()) {
            return self.refuse(
                reply,
                Refusal::State {
                    kind: "not_saved",
                    message: format!("the rule {text} stands in {place}"),
                    remedy: "Remove it in that file.".into(),
                },
            );
        }
        match rule {
            Some(rule) => self.forget_rule(&rule),
            // One of another version.
            None => self.effects.push(Effect::Store(Write::RemoveRule(text.to_owned()))),
        }
        self.reply(reply, Reply::Done);
    }

    /// What was always allowed is asked again.
    pub(super) fn forget_rule(&mut self, rule: &Rule) {
        self.rules.retain(|said| said.rule != *rule);
        self.effects.push(Effect::Store(Write::RemoveRule(rule.to_string())));
    }

    /// Does with a call what its verdict says.
    pub(super) fn decided(&mut self, session: &SessionId, id: &ToolCallId, call: Call, verdict: Verdict) {
        match verdict {
            Verdict::Allow => self.run_call(session, id, call),
            Verdict::Refuse(why) => self.finish_call(session, id, why, true, super::effect::ToolChange::default()),
            Verdict::Ask(asking) => self.ask_for_call(session, id, call, asking),
        }
    }
}
