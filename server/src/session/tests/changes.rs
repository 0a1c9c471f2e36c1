//! The agent's edits: recorded when they are done, taken back when nobody works, told to the model once.

use expect_test::expect;

use super::story::{Story, read, words, write};
use crate::agent::change::{Change, Chosen, Standing};
use crate::agent::history::FileDiff;
use crate::session::changes::rows;
use crate::session::effect::{ChangeRow, Effect};
use crate::session::event::{Choose, Event, Request, Reverted, RevertedFile};
use crate::session::tests::crash::stored;
use crate::tool::{self, Fingerprint};

fn edited(path: &str) -> tool::Output {
    let diff = FileDiff { path: path.into(), old_text: Some("old\n".into()), new_text: "new\n".into(), new_folders: 0 };
    let seen = vec![(path.into(), Fingerprint { length: 4, hash: 1 })];
    tool::Output { text: "Edited.".into(), diffs: vec![diff], seen, ..tool::Output::default() }
}

fn row(path: &str) -> ChangeRow {
    let change = Change {
        id: 1,
        turn: "turn3".into(),
        path: path.into(),
        before: Some("old\n".into()),
        after: Some("new\n".into()),
        new_folders: 0,
        omitted: 0,
        accepted: [].into(),
        reverted: [0].into(),
    };
    rows(&[change], &Chosen::default()).remove(0)
}

/// The agent edits a file; its turn goes on.
fn edit(story: &mut Story) {
    story.turn("go", vec![write("c1")]);
    let (session, turn, call) = story.world.tools.remove(0);
    story.skip();
    story.event(Event::ToolDone { session, turn, call, result: Ok(edited("/w/a.rs")) });
}

fn choose(story: &mut Story, choose: Choose) {
    let session = story.session.clone();
    story.request(Request::Changes { session, chosen: Chosen::default(), choose });
}

fn took_back(story: &mut Story, files: &[&str]) {
    let reply = story.effects.iter().find_map(|effect| match effect {
        Effect::RevertChanges { reply, .. } => Some(*reply),
        _ => None,
    });
    let file = |path: &&str| RevertedFile {
        path: path.into(),
        real: path.into(),
        seen: Some(Fingerprint { length: 4, hash: 2 }),
        note: String::new(),
    };
    let rows = files.iter().map(|path| row(path)).collect();
    let result = Ok(Reverted { rows, files: files.iter().map(file).collect(), failed: None });
    let session = story.session.clone();
    story.event(Event::ChangesReverted { reply: reply.expect("a revert"), session, result });
}

#[test]
fn an_edit_is_recorded_and_shown() {
    let mut story = Story::new();
    edit(&mut story);
    story.tells(expect![[r#"
        edit of /w/a.rs in turn3
        call c1 completed: Edited.
        append 2: user{c1 = "Edited."}
    "#]]);
    choose(&mut story, Choose::Revert);
    let told = story.told();
    assert!(told.contains("turn_running"), "{told}");
    choose(&mut story, Choose::List);
    story.tells(expect![[r#"
        list the changes
    "#]]);
}

#[test]
fn an_edit_whose_turn_was_cancelled_is_recorded_too() {
    let mut story = Story::new();
    story.turn("go", vec![write("c1"), read("c2")]);
    let (session, turn, call) = story.world.tools[0].clone();
    story.cancel();
    story.skip();
    story.event(Event::ToolDone { session, turn, call, result: Ok(edited("/w/a.rs")) });
    story.tells(expect![[r#"
        edit of /w/a.rs in turn3
    "#]]);
}

#[test]
fn what_was_taken_back_is_told_with_the_next_message_once() {
    let mut story = Story::new();
    edit(&mut story);
    story.commit();
    story.ends("done");
    story.skip();
    choose(&mut story, Choose::Revert);
    let revert = std::mem::take(&mut story.effects);
    choose(&mut story, Choose::Revert);
    let told = story.told();
    assert!(told.contains("revert_running"), "one at a time: {told}");
    story.effects = revert;
    took_back(&mut story, &["/w/a.rs", "/w/sub/b.rs"]);
    let told = story.told();
    assert!(told.contains("reply Changes"), "{told}");
    let session = story.session.clone();
    let seen = &story.state.sessions[&session].seen;
    assert_eq!(seen[std::path::Path::new("/w/a.rs")].hash, 2);
    story.prompt("and now");
    story.commit();
    story.ends("so");
    story.prompt("again");
    story.commit();
    let told = story.told();
    assert_eq!(told.matches("s1 is told what was reverted").count(), 1, "{told}");
    story.history(expect![[r#"
        user{"go"}
        assistant{c1 write_file}
        user{c1 = "Edited."}
        assistant{"done"}
        user{[Context from the editor. The user took back edits of yours, all or in part, in: a.rs, sub/b.rs. They are not in the files any more; do not make them again unless asked.], "and now"}
        assistant{"so"}
        user{"again"}"#]]);
}

#[test]
fn a_later_sidecar_tells_what_the_one_before_did_not() {
    let mut story = Story::loaded(crate::session::event::Loaded::default(), |_| {});
    let mut found = stored(Vec::new());
    found.reverted = vec!["/w/a.rs".into()];
    story.load(found);
    story.turn("and now", vec![words("so")]);
    let told = story.told();
    assert!(told.contains("took back edits of yours") && told.contains("old is told what was reverted"), "{told}");
}

#[test]
fn the_edits_of_no_session_are_nobodys() {
    let mut story = Story::new();
    let request = |choose| Request::Changes { session: "nobody".into(), chosen: Chosen::default(), choose };
    for what in [Choose::List, Choose::Accept, Choose::Revert] {
        story.request(request(what));
        assert!(story.told().starts_with("refused UnknownSession"), "{what:?}");
    }
}

#[test]
fn rows_say_how_each_hunk_stands() {
    let before: String = (1..=30).map(|n| format!("{n}\n")).collect();
    let after = before.replace("\n5\n", "\nfive\n").replace("\n20\n", "\ntwenty\nand more\n");
    let change = |id, before: Option<&str>, after: &str| Change {
        id,
        turn: "turn1".into(),
        path: "/w/a".into(),
        before: before.map(str::to_owned),
        after: Some(after.to_owned()),
        new_folders: 0,
        omitted: 0,
        accepted: [0].into(),
        reverted: [].into(),
    };
    let mut large = change(3, None, "");
    (large.omitted, large.accepted) = (5 << 20, [].into());
    let rows = rows(&[change(1, Some(&before), &after), change(2, None, "x\n"), large], &Chosen::default());
    let hunks: Vec<_> =
        rows[0].hunks.iter().map(|hunk| (hunk.index, hunk.old_start, hunk.old_lines, hunk.state)).collect();
    assert_eq!(hunks, [(0, 2, 7, Standing::Accepted), (1, 17, 7, Standing::Pending)]);
    assert_eq!((rows[0].state, rows[0].kind), (Standing::Pending, "edit"));
    let new = &rows[1];
    assert_eq!((new.kind, new.state, new.hunks[0].index, new.hunks[0].old_start), ("create", Standing::Accepted, 2, 0));
    assert_eq!((rows[2].diff.as_str(), rows[2].omitted_bytes, rows[2].state), ("", 5 << 20, Standing::Pending));
}
