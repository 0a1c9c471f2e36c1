//! What a session may spend, and what wakes it.

use expect_test::expect;

use super::story::{Story, background, idle, words};
use crate::agent::history::{AssistantItem, AssistantPart, ModelStop};
use crate::agent::prices::Cost;
use crate::provider::{Answer, Usage};
use crate::session::budget::Budget;
use crate::session::effect::{Effect, Outgoing, Update, UsageSum};
use crate::session::event::Request;

/// An answer of a model that costs two dollars a million tokens of input.
fn answers(story: &mut Story, model: &str, input: u64, parts: Vec<AssistantPart>) {
    let calls = parts.iter().any(|part| matches!(part, AssistantPart::ToolCall { .. }));
    let stop = if calls { ModelStop::ToolUse } else { ModelStop::EndTurn };
    let item = AssistantItem { parts, stop, provider: "anthropic".into(), model: model.into() };
    story.answered(Ok(Answer { item, usage: Usage { input, ..Usage::default() }, why: None }));
}

const MODEL: &str = "claude-sonnet-5";

fn budgeted(budget: Budget) -> Story {
    Story::with(|settings| settings.budget = budget)
}

fn usage(story: &Story) -> UsageSum {
    story.state.sessions[&story.session].usage
}

#[test]
fn beyond_the_budget_no_request_is_sent() {
    let mut story = budgeted(Budget { session: Some(1_000_000_000), ..Budget::default() });
    story.prompt("go");
    story.commit();
    answers(&mut story, MODEL, 400_000, vec![background("c1", "make")]);
    story.commit();
    story.skip();
    // A dollar and six cents.
    answers(&mut story, MODEL, 130_000, vec![background("c2", "ls")]);
    story.commit();
    let log = story.log().lines().filter(|line| line.starts_with("turn ended")).collect::<Vec<_>>().join("\n");
    expect![[r#"turn ended: Error: This session has cost $1.06, and `budget.session` is $1.00. Raise it in the settings (0 for no limit) and send a prompt to go on, or begin a new session."#]].assert_eq(&log);
    // The result of the call is kept, and a raised limit goes on.
    story.skip();
    story.prompt("more");
    story.commit();
    assert!(story.log().contains("This session has cost $1.06"), "{}", story.log());
    let mut settings = super::story::settings();
    settings.budget.session = Some(5_000_000_000);
    story.event(crate::session::event::Event::Settings(Box::new(settings)));
    story.prompt("and now?");
    story.commit();
    assert_eq!(story.world.asks.len(), 1);
}

#[test]
fn tokens_are_a_limit_where_no_price_is_known() {
    let budget = Budget { session: Some(1), session_tokens: Some(1_000), ..Budget::default() };
    let mut story = budgeted(budget);
    story.prompt("go");
    story.commit();
    answers(&mut story, "nobody-knows", 1_200, vec![words("so")]);
    story.commit();
    assert_eq!(usage(&story).cost, Cost { nanodollars: 0, unpriced: 1 });
    story.skip();
    story.prompt("more");
    story.commit();
    assert!(
        story.log().contains("This session has used 1,200 tokens, and `budget.sessionTokens` is 1,000."),
        "{}",
        story.log()
    );
}

#[test]
fn an_unknown_price_is_said_once() {
    let mut story = budgeted(Budget { session: Some(1), ..Budget::default() });
    for _ in 0..3 {
        story.prompt("go");
        story.commit();
        answers(&mut story, "nobody-knows", 10, vec![words("so")]);
        story.commit();
    }
    assert_eq!(story.log().matches("The price of m is not known").count(), 1, "{}", story.log());
}

#[test]
fn turns_that_start_by_themselves_are_marked_summed_and_stopped() {
    let mut story = idle();
    let mut settings = super::story::settings();
    settings.budget.auto_turns = Some(100_000_000);
    story.event(crate::session::event::Event::Settings(Box::new(settings)));
    story.exits("t5", 0);
    story.wakes();
    story.commit();
    answers(&mut story, MODEL, 50_000, vec![background("c8", "make")]);
    let started = story.state.tasks().last().expect("a task").id.to_string();
    story.commit();
    // Ten cents are spent: the next request of this turn is not sent.
    assert_eq!(usage(&story).auto.nanodollars, 100_000_000);
    let ended = story.effects.iter().find_map(|effect| match effect {
        Effect::Send(Outgoing::Update { update: Update::TurnEnded { auto, error, .. }, .. }) => {
            Some((*auto, error.clone()))
        }
        _ => None,
    });
    let (auto, error) = ended.expect("the turn has ended");
    assert!(auto && error.as_deref().is_some_and(|error| error.contains("`budget.autoTurns` is $0.10")), "{error:?}");
    // Nothing wakes any more; the next prompt carries it.
    story.started(&started);
    story.exits(&started, 1);
    story.skip();
    story.wakes();
    story.tells(expect![[r#"
        wakes paused: true
    "#]]);
    story.prompt("what happened?");
    story.commit();
    assert!(story.log().contains(&format!("told of {started}")), "{}", story.log());
    assert!(!story.log().contains("wakes paused"), "they stay paused");
    answers(&mut story, MODEL, 50_000, vec![words("this")]);
    assert_eq!(usage(&story).auto.nanodollars, 100_000_000, "a prompt's turn is not automatic");
    assert_eq!(usage(&story).cost.nanodollars, 200_000_000);
}

#[test]
fn a_prompt_takes_over_a_turn_that_started_by_itself() {
    let mut story = idle();
    story.exits("t5", 0);
    story.wakes();
    story.commit();
    story.prompt("I am here");
    answers(&mut story, MODEL, 1_000, vec![words("it ended")]);
    story.commit();
    answers(&mut story, MODEL, 1_000, vec![words("hello")]);
    assert_eq!((usage(&story).auto.nanodollars, usage(&story).cost.nanodollars), (2_000_000, 4_000_000));
}

#[test]
fn a_report_tells_what_the_window_holds() {
    let mut story = Story::new();
    story.window(100_000);
    story.prompt("go");
    story.commit();
    answers(&mut story, MODEL, 2_000, vec![background("c1", "make")]);
    story.commit();
    story.ends("done");
    let session = story.session.clone();
    let report = story.state.context_report(&session).expect("a report");
    for part in
        [" tokens (", "Tools", "Your prompts", "Tool results", "estimates", "Spent in this session: more than $0.0040"]
    {
        assert!(report.contains(part), "{part} in\n{report}");
    }
    story.request(Request::Context { session: "s0".into() });
    assert!(story.log().contains("UnknownSession"));
}
