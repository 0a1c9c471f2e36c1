//! Which calls of an answer go together, and what is looked at before one is judged.

use serde_json::json;

use super::story::{Story, background, bash, call, read, write};
use crate::agent::approval::{Decision, Mode, Own, Rule, Said};
use crate::agent::history::{AssistantPart, Item};
use crate::session::calls::Step;
use crate::session::event::Choice;
use crate::session::permission::Look;

/// The calls that go on at this moment, in their order.
fn under_way(story: &Story) -> Vec<&str> {
    let turn = story.state.sessions[&story.session].turn.as_ref().expect("a turn");
    let goes_on = |step: &Step| !matches!(step, Step::Waiting | Step::Asking(_) | Step::Done(_));
    turn.calls.iter().filter(|call| goes_on(&call.step)).map(|call| call.id.as_str()).collect()
}

fn of(parts: Vec<AssistantPart>) -> Story {
    let mut story = Story::new();
    story.turn("go", parts);
    story
}

/// A foreground command runs, and ends with this output.
fn ends(story: &mut Story, task: &str, output: &str) {
    story.started(task);
    story.exits(task, 0);
    story.output_read(output);
}

#[test]
fn commands_that_only_read_go_together_with_all_that_reads() {
    let mut story = of(vec![
        bash("c1", "cat a.rs"),
        read("c2"),
        bash("c3", "sleep 1; git log | head -3"),
        bash("c4", "grep -n x a.rs"),
    ]);
    assert_eq!(under_way(&story), ["c1", "c2", "c3", "c4"]);
    ends(&mut story, "t7", "third\n");
    ends(&mut story, "t5", "first\n");
    story.tool_done();
    assert_eq!(under_way(&story), ["c3"]);
    ends(&mut story, "t6", "second\n");
    story.commit();
    let Item::User(item) = &**story.items().last().expect("an item") else { panic!("results") };
    let results: Vec<(&str, &str)> = item.results.iter().map(|it| (it.call.as_str(), it.text.trim())).collect();
    assert_eq!(
        results,
        [("c1", "first"), ("c2", "done"), ("c3", "second"), ("c4", "third")],
        "in the order of the calls"
    );
}

#[test]
fn what_writes_waits_for_all_before_it_and_all_after_it_waits_for_it() {
    let mut story = of(vec![
        bash("c1", "cat a.rs"),
        read("c2"),
        bash("c3", "make"),
        bash("c4", "cat out"),
        read("c5"),
        write("c6"),
    ]);
    assert_eq!(under_way(&story), ["c1", "c2"]);
    story.tool_done();
    assert_eq!(under_way(&story), ["c1"], "make may change what is being read");
    ends(&mut story, "t5", "");
    assert_eq!(under_way(&story), ["c3"]);
    ends(&mut story, "t6", "");
    assert_eq!(under_way(&story), ["c4", "c5"], "they see what make has made");
    story.tool_done();
    ends(&mut story, "t7", "");
    assert_eq!(under_way(&story), ["c6"]);
}

#[test]
fn a_command_that_is_not_known_to_only_read_keeps_its_place() {
    let unsure = [
        ("cat a > b", json!({})),
        ("cat a; ./x", json!({})),
        ("sort -o a a", json!({})),
        ("cat /etc/hosts", json!({})),
        ("cat `which x`", json!({})),
        // What follows was called to come after it.
        ("sleep 5", json!({})),
        ("until grep -q ready log; do sleep 1; done", json!({})),
        // A person answers it, or it stays.
        ("cat a", json!({"stdin": "pty"})),
        ("tail -f a", json!({"pattern": "x"})),
    ];
    for (command, more) in unsure {
        let mut input = json!({"command": command});
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let story = of(vec![call("c1", "bash", input.clone()), bash("c2", "ls")]);
        assert_eq!(under_way(&story), ["c1"], "{input}");
        let story = of(vec![bash("c1", "ls"), call("c2", "bash", input.clone())]);
        assert_eq!(under_way(&story), ["c1"], "{input}");
    }
}

#[test]
fn so_many_read_at_a_time() {
    let mut story = Story::with(|settings| settings.reads_at_once = 2);
    story.turn("go", vec![bash("c1", "cat a"), bash("c2", "cat b"), read("c3"), bash("c4", "cat d")]);
    assert_eq!(under_way(&story), ["c1", "c2"]);
    ends(&mut story, "t5", "");
    assert_eq!(under_way(&story), ["c2", "c3"]);
}

#[test]
fn a_read_that_is_asked_about_holds_up_nothing() {
    let mut story = Story::with(|settings| settings.mode = Mode::Ask);
    let secret = call("c1", "read_file", json!({"path": ".env"}));
    story.turn("go", vec![secret, bash("c2", "cat a"), background("c3", "make")]);
    assert_eq!(under_way(&story), ["c2"]);
    // A command that reads sees what one before it does, also where a person has to allow that.
    let mut story = Story::with(|settings| settings.mode = Mode::Ask);
    story.turn("go", vec![bash("c1", "touch a"), bash("c2", "ls")]);
    assert_eq!(under_way(&story), [""; 0]);
    story.answers(Choice::AllowOnce, None);
    assert_eq!(under_way(&story), ["c1"]);
}

fn looked(mode: Mode, rules: Vec<Said>, command: &str) -> Option<(bool, Vec<String>)> {
    let mut story = Story::with(|settings| settings.mode = mode);
    story.state.rules = rules;
    story.world.own = vec![Own {
        command: "npm test".into(),
        script: Some("jest".into()),
        fingerprint: Some("jest".into()),
        is_offered: true,
    }];
    story.turn("go", vec![bash("c1", command)]);
    let mut looked = std::mem::take(&mut story.world.looked);
    assert!(looked.len() < 2, "{looked:?}");
    looked.pop().map(|Look { scripts, names }| (scripts, names))
}

#[test]
fn what_a_judgement_depends_on_is_read_and_no_more() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let rule = |text: &str, script: Option<&str>| {
        let rule = Rule::parse(text).expect("a rule");
        assert_eq!(Said::saved(rule.clone(), None).decision, Decision::Allow);
        vec![Said::saved(rule, script.map(str::to_owned))]
    };
    assert_eq!(looked(Mode::Ask, vec![], "pwd"), None, "it names nothing");
    assert_eq!(looked(Mode::Ask, vec![], "cat a.rs"), Some((false, names(&["a.rs"]))), "a link may be read");
    assert_eq!(looked(Mode::Ask, vec![], "npm test"), Some((true, names(&["test"]))), "a person is asked");
    assert_eq!(looked(Mode::Auto, vec![], "npm test"), Some((false, names(&["test"]))), "nobody is asked");
    let saved = rule("bash(npm test)", Some("jest"));
    assert_eq!(looked(Mode::Ask, saved.clone(), "npm test"), Some((true, names(&["test"]))), "the rule is of a script");
    assert_eq!(looked(Mode::Ask, saved, "cat a.rs"), Some((false, names(&["a.rs"]))), "it is not about that");
    let saved = rule("bash(cargo test *)", None);
    assert_eq!(looked(Mode::Ask, saved, "cargo test"), Some((false, names(&["test"]))), "the rule is of no script");
}
