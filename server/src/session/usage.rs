//! What a session has used: tokens and money as the services counted them, how full its model's window is, and a report of
//! that for people. The window is measured by the newest answer; what came since is estimated by weight.

use std::fmt::Write as _;

use crate::agent::history::{AssistantPart, Item};
use crate::agent::{compaction, prices};
use crate::ids::SessionId;
use crate::provider::{Answer, ToolSpec, Usage};

use super::conversation::Session;
use super::effect::{Update, UsageSum};
use super::state::State;

/// Tokens a byte, until a service has counted: four letters a token.
const RATE: f64 = 0.25;

/// How full the window is.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    /// The weight of the system text and the tools.
    fixed: u64,
    /// The weight of the request's items.
    items: u64,
    /// What the newest answer counted, and the weight at that time.
    measured: Option<(u64, u64)>,
    /// Tokens a byte.
    rate: f64,
}

impl Default for Meter {
    fn default() -> Self {
        Self { fixed: 0, items: 0, measured: None, rate: RATE }
    }
}

impl Meter {
    /// What goes along with every request.
    pub(super) fn set_fixed(&mut self, system: &str, tools: &[ToolSpec]) {
        self.fixed = system.len() as u64 + tools_weight(tools);
    }

    /// One more item.
    pub(super) fn add(&mut self, item: &Item) {
        self.items += compaction::weight(item);
    }

    /// Other items than before.
    pub(super) fn set_items<'a>(&mut self, items: impl IntoIterator<Item = &'a Item>) {
        self.items = items.into_iter().map(compaction::weight).sum();
        self.measured = None;
    }

    /// The weight of the items alone.
    pub(super) fn items(&self) -> u64 {
        self.items
    }

    fn weight(&self) -> u64 {
        self.fixed + self.items
    }

    /// Tokens of the next request, estimated.
    pub(super) fn tokens(&self) -> u64 {
        match self.measured {
            Some((tokens, at)) => tokens + self.in_tokens(self.weight().saturating_sub(at)),
            None => self.in_tokens(self.weight()),
        }
    }

    /// A weight in tokens.
    pub(super) fn in_tokens(&self, weight: u64) -> u64 {
        (weight as f64 * self.rate) as u64
    }

    /// Tokens as a weight.
    pub(super) fn in_weight(&self, tokens: u64) -> u64 {
        (tokens as f64 / self.rate) as u64
    }

    /// A service has counted a request, and its answer, which is among the items by now.
    fn measure(&mut self, usage: &Usage, answer: u64) {
        let prompt = usage.input + usage.cache_read + usage.cache_write;
        let asked = self.weight().saturating_sub(answer);
        if prompt == 0 || asked == 0 {
            return;
        }
        self.rate = (prompt as f64 / asked as f64).clamp(0.05, 1.0);
        self.measured = Some((prompt + usage.output, self.weight()));
    }
}

/// What the tools weigh in a request.
pub(super) fn tools_weight(tools: &[ToolSpec]) -> u64 {
    let weight = |tool: &ToolSpec| tool.name.len() + tool.description.len() + tool.input_schema.to_string().len();
    tools.iter().map(|tool| weight(tool) as u64).sum()
}

impl UsageSum {
    fn add(&mut self, usage: &Usage, cost: Option<u64>, auto: bool) {
        self.input += usage.input;
        self.output += usage.output;
        self.cache_read += usage.cache_read;
        self.cache_write += usage.cache_write;
        self.cost.add(cost);
        if auto {
            self.auto.add(cost);
        }
    }

    /// All tokens that were sent and received.
    pub(super) fn tokens(&self) -> u64 {
        self.input + self.output + self.cache_read + self.cache_write
    }
}

impl State {
    /// Counts the answer to a turn's request. It is in the history already.
    pub(super) fn count(&mut self, session: &SessionId, answer: &Answer) {
        let cost = prices::cost(&answer.item.provider, &answer.item.model, &answer.usage);
        let Some(owner) = self.sessions.get_mut(session) else { return };
        let auto = owner.turn.as_ref().is_some_and(|turn| turn.auto);
        owner.meter.measure(&answer.usage, compaction::weight(&Item::Assistant(answer.item.clone())));
        let context_used = owner.meter.tokens();
        for sum in [Some(&mut owner.usage), owner.turn.as_mut().map(|turn| &mut turn.usage)].into_iter().flatten() {
            sum.add(&answer.usage, cost, auto);
            sum.context_used = context_used;
        }
        self.count_for_parent(session, &answer.usage, cost, auto);
        self.show_usage(session);
    }

    /// What a subagent uses is its session's, and that of the turn that it works for. The context is each conversation's own.
    fn count_for_parent(&mut self, session: &SessionId, usage: &Usage, cost: Option<u64>, auto: bool) {
        let Some(parent) = self.parent(session).cloned() else { return };
        let Some(owner) = self.sessions.get_mut(&parent.session) else { return };
        owner.usage.add(usage, cost, auto);
        if let Some(turn) = owner.turn.as_mut().filter(|turn| turn.id == parent.turn) {
            turn.usage.add(usage, cost, auto);
        }
    }

    /// Counts the answer to a question beside the conversation.
    pub(super) fn count_aside(&mut self, session: &SessionId, answer: &Answer) {
        let cost = prices::cost(&answer.item.provider, &answer.item.model, &answer.usage);
        let Some(owner) = self.sessions.get_mut(session) else { return };
        let auto = owner.turn.as_ref().is_some_and(|turn| turn.auto);
        owner.usage.add(&answer.usage, cost, auto);
        if let Some(turn) = owner.turn.as_mut() {
            turn.usage.add(&answer.usage, cost, auto);
        }
        self.count_for_parent(session, &answer.usage, cost, auto);
        self.show_usage(session);
    }

    /// Tells the sums, and keeps them: a bill survives a reload.
    pub(super) fn show_usage(&mut self, session: &SessionId) {
        let session = self.root(session).clone();
        let Some(owner) = self.sessions.get(&session) else { return };
        let (sum, window) = (owner.usage, owner.window());
        self.update(&session, Update::Usage { sum, window });
        self.save_session(&session);
    }

    /// What the window holds and what was spent, for a person.
    pub(super) fn context_report(&self, session: &SessionId) -> Option<String> {
        let owner = self.sessions.get(session)?;
        let shares = Shares::of(owner, &self.tools);
        let used = owner.meter.tokens();
        let mut text = match owner.window() {
            Some(window) => {
                let percent = used * 100 / window.max(1);
                format!("About {} of {} tokens ({percent} %), model {}.\n", number(used), number(window), owner.model)
            }
            None => format!("About {} tokens; the window of {} is not known.\n", number(used), owner.model),
        };
        // Writing into a string does not fail.
        for (name, weight) in shares.lines() {
            let _ = writeln!(text, "  {name:<28}{:>10}", number(owner.meter.in_tokens(weight)));
        }
        let what = if owner.meter.measured.is_some() { "the service's last count" } else { "four letters a token" };
        let _ = writeln!(text, "The parts are estimates, by their length and {what}.");
        let usage = &owner.usage;
        let cost = match usage.cost.dollars() {
            Some(_) => prices::shown(usage.cost.nanodollars),
            None if usage.cost.nanodollars > 0 => format!("more than {}", prices::shown(usage.cost.nanodollars)),
            None => "–".to_owned(),
        };
        let _ = write!(
            text,
            "Spent in this session: {cost} ({} tokens in, {} from and {} into the cache, {} out).",
            number(usage.input),
            number(usage.cache_read),
            number(usage.cache_write),
            number(usage.output)
        );
        if usage.auto.nanodollars > 0 {
            let _ = write!(
                text,
                " Of that by turns that started by themselves: {}.",
                prices::shown(usage.auto.nanodollars)
            );
        }
        Some(text)
    }
}

/// What the parts of a request weigh.
#[derive(Default)]
struct Shares {
    system: u64,
    tools: u64,
    prompts: u64,
    answers: u64,
    calls: u64,
    results: u64,
    notifications: u64,
    context: u64,
}

impl Shares {
    fn of(owner: &Session, tools: &[ToolSpec]) -> Self {
        let mut shares = Self { system: owner.system.len() as u64, tools: tools_weight(tools), ..Self::default() };
        for item in &owner.view {
            match &**item {
                Item::Compaction(_) => {}
                Item::User(user) => {
                    shares.results += user.results.iter().map(|result| result.text.len() as u64).sum::<u64>();
                    shares.notifications += length(&user.notification);
                    shares.context += length(&user.context) + length(&user.nudge);
                    let own = crate::agent::history::UserItem { prompts: user.prompts.clone(), ..Default::default() };
                    shares.prompts += compaction::weight(&Item::User(own));
                }
                Item::Assistant(answer) => {
                    let all = compaction::weight(item);
                    let is_call = |part: &&AssistantPart| matches!(part, AssistantPart::ToolCall { .. });
                    let parts = answer.parts.iter().filter(is_call).cloned().collect();
                    let calls = compaction::weight(&Item::Assistant(crate::agent::history::AssistantItem {
                        parts,
                        ..answer.clone()
                    }));
                    shares.calls += calls;
                    shares.answers += all - calls;
                }
            }
        }
        shares
    }

    fn lines(&self) -> [(&'static str, u64); 8] {
        [
            ("System and instructions", self.system),
            ("Tools", self.tools),
            ("Your prompts", self.prompts),
            ("Answers", self.answers),
            ("Tool calls", self.calls),
            ("Tool results", self.results),
            ("Task notifications", self.notifications),
            ("Context and summaries", self.context),
        ]
    }
}

fn length(text: &Option<String>) -> u64 {
    text.as_ref().map_or(0, |text| text.len() as u64)
}

/// `1,234,567`.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
