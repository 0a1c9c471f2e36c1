//! Changes are taken back exactly, or not at all.

use proptest::prelude::*;

use super::*;

fn change(before: Option<&str>, after: Option<&str>) -> Change {
    Change {
        id: 1,
        turn: "turn1".into(),
        path: "/w/a.txt".into(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
        new_folders: 0,
        omitted: 0,
        accepted: BTreeSet::new(),
        reverted: BTreeSet::new(),
    }
}

fn numbered(from: usize, to: usize) -> String {
    (from..=to).map(|n| format!("line {n}\n")).collect()
}

/// Two hunks: line 3 is another one, and two lines come after line 20.
fn two_hunks() -> Change {
    let before = numbered(1, 30);
    let after = before.replace("line 3\n", "LINE 3\n").replace("line 20\n", "line 20\nnew a\nnew b\n");
    change(Some(&before), Some(&after))
}

#[test]
fn hunks_are_those_of_a_unified_diff() {
    let mut change = two_hunks();
    let hunks = change.hunks();
    assert_eq!(hunks.len(), 2);
    assert_eq!((hunks[0].old.clone(), hunks[0].new.clone()), (0..6, 0..6));
    assert_eq!((hunks[1].old.clone(), hunks[1].new.clone()), (17..23, 17..25));
    let (diff, left_out) = change.unified(10_000);
    assert_eq!(left_out, 0);
    let expected = "--- a/w/a.txt\n+++ b/w/a.txt\n@@ -1,6 +1,6 @@\n line 1\n line 2\n-line 3\n+LINE 3\n line 4\n line 5\n \
                    line 6\n@@ -18,6 +18,8 @@\n line 18\n line 19\n line 20\n+new a\n+new b\n line 21\n line 22\n line 23\n";
    assert_eq!(diff, expected);
    let (diff, left_out) = change.unified(60);
    assert!(diff.len() <= 60 && left_out == expected.lines().count() - diff.lines().count(), "{diff}");
    assert_eq!(change.standing(2), Standing::Pending);
    change.reverted.insert(0);
    assert_eq!((change.hunk_standing(0), change.standing(2)), (Standing::Reverted, Standing::Pending));
    change.accepted.insert(1);
    assert_eq!(change.standing(2), Standing::Accepted);
    let created = self::change(None, Some("a\n")).unified(1_000).0;
    assert_eq!(created, "--- /dev/null\n+++ b/w/a.txt\n@@ -0,0 +1,1 @@\n+a\n");
    let end = self::change(Some("a\nb"), Some("a\nb\n")).unified(1_000).0;
    assert!(end.ends_with("@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"), "{end}");
}

#[test]
fn a_hunk_is_taken_back_where_nobody_wrote() {
    let change = two_hunks();
    let (before, after) = (change.before.clone().unwrap(), change.after.clone().unwrap());
    let one = |hunk: usize, now: &str| change.without(&[hunk].into(), Some(now)).map(Option::unwrap);
    assert_eq!(one(0, &after).unwrap(), after.replace("LINE 3", "line 3"));
    assert_eq!(one(1, &after).unwrap(), after.replace("new a\nnew b\n", ""));
    assert_eq!(change.without(&[0, 1].into(), Some(&after)), Ok(Some(before)));
    // Written elsewhere since: it stays.
    let elsewhere = after.replace("line 10\n", "line 10, by the person\n");
    assert_eq!(one(0, &elsewhere).unwrap(), elsewhere.replace("LINE 3", "line 3"));
    let above = format!("first\n{after}last");
    assert_eq!(one(1, &above).unwrap(), above.replace("new a\nnew b\n", ""));
    // At the place, or beside it.
    let table = [
        (1, after.replace("new a", "mine"), Conflict::Edited(21)),
        (1, after.replace("new b\n", "new b\nmine\n"), Conflict::Edited(23)),
        (1, after.replace("new a\nnew b\nline 21\n", ""), Conflict::Edited(21)),
        (0, after.replace("LINE 3\n", ""), Conflict::Edited(3)),
        (0, String::new(), Conflict::Edited(1)),
        (0, format!("{after}{after}"), Conflict::Ambiguous(3)),
    ];
    for (hunk, now, conflict) in table {
        assert_eq!(one(hunk, &now), Err(conflict), "{now}");
    }
    assert_eq!(change.without(&[0].into(), None), Err(Conflict::File));
}

#[test]
fn what_somebody_has_taken_back_is_no_conflict() {
    let change = two_hunks();
    let (before, after) = (change.before.clone().unwrap(), change.after.clone().unwrap());
    let without = |hunks: &[usize], now: &str| change.without(&hunks.iter().copied().collect(), Some(now));
    let first = after.replace("LINE 3\n", "line 3\n");
    let second = after.replace("new a\nnew b\n", "");
    for (hunk, now) in [(0, &first), (1, &second), (0, &before), (1, &before)] {
        assert_eq!(without(&[hunk], now).as_ref(), Ok(&Some(now.clone())), "hunk {hunk}");
    }
    // The other one goes, and what else was written stays.
    assert_eq!(without(&[0, 1], &first).unwrap().unwrap(), before);
    assert_eq!(without(&[0, 1], &second).unwrap().unwrap(), before);
    let written = second.replace("line 10\n", "line 10, by the person\n");
    assert_eq!(without(&[1], &written).unwrap().unwrap(), written);
    let all = without(&[0, 1], &written).unwrap().unwrap();
    assert_eq!(all, written.replace("LINE 3", "line 3"));
}

#[test]
fn what_a_file_is_stays() {
    // Before, after, now, wanted.
    let table = [
        ("a\nb\nc\n", "a\nB\nc\n", "\u{feff}a\r\nB\r\nc\r\n", "\u{feff}a\r\nb\r\nc\r\n"),
        ("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n", "a\nB\nc\n", "a\nb\nc\n"),
        ("a\nb", "a\nB", "a\nB\n", "a\nb"),
        ("a\nb\nc", "A\nb\nc", "A\nb\nc\n", "a\nb\nc\n"),
        ("a\r\nb\nc\nd\n", "a\r\nx\nc\nd\n", "a\r\nx\nc\nd\n", "a\r\nb\nc\nd\n"),
        ("a\nb\n", "a\nb", "a\nb", "a\nb\n"),
        ("", "a\n", "a\n", ""),
    ];
    for (before, after, now, wanted) in table {
        let back = change(Some(before), Some(after)).without(&[0].into(), Some(now));
        assert_eq!(back, Ok(Some(wanted.to_owned())), "{now:?}");
    }
}

#[test]
fn a_file_that_was_made_goes_and_one_that_was_removed_comes_back() {
    let (made, removed) = (change(None, Some("a\nb\n")), change(Some("a\n"), None));
    let all: BTreeSet<usize> = [0].into();
    assert_eq!(made.hunks().len(), 1);
    assert_eq!(made.without(&all, Some("a\nb\n")), Ok(None));
    assert_eq!(made.without(&all, Some("a\nb")), Ok(None), "an editor may show it so");
    assert_eq!(made.without(&all, Some("a\nb\nmine\n")), Err(Conflict::Edited(3)));
    assert_eq!(made.without(&all, None), Ok(None), "somebody has removed it");
    assert_eq!(made.without(&all, Some("")), Ok(None), "somebody has emptied it");
    assert_eq!(removed.without(&all, Some("a\n")), Ok(Some("a\n".into())), "somebody has made it again");
    assert_eq!(removed.without(&all, None), Ok(Some("a\n".into())));
    assert_eq!(removed.without(&all, Some("new\n")), Err(Conflict::File));
    assert_eq!(change(None, Some("")).without(&all, Some("")), Ok(None));
}

#[test]
fn edits_of_one_turn_are_one_change() {
    let mut all = change(Some(&numbered(1, 20)), Some(&numbered(1, 20).replace("line 2\n", "two\n")));
    all.accepted.insert(0);
    let first = all.after.clone().unwrap();
    let second = first.replace("line 3\n", "three\n");
    assert!(all.extend(Some(&first), Some(&second)));
    assert_eq!((all.before.clone(), all.after.clone()), (Some(numbered(1, 20)), Some(second.clone())));
    assert!(all.accepted.is_empty(), "what was settled was another text");
    // The person wrote elsewhere in between: that is no part of it.
    let written = second.replace("line 15\n", "by the person\n");
    let third = written.replace("line 5\n", "five\n");
    assert!(all.extend(Some(&written), Some(&third)));
    assert_eq!(all.before.as_deref(), Some(&*numbered(1, 20).replace("line 15\n", "by the person\n")));
    assert_eq!(all.hunks().len(), 1);
    // And at the same place: no way to tell them apart.
    let kept = all.clone();
    let written = third.replace("three\n", "drei\n");
    assert!(!all.extend(Some(&written), Some("x")));
    assert_eq!(all.after, kept.after);
}

#[test]
fn a_change_of_everything_is_one_piece_and_quick() {
    let (old, new) = (numbered(1, 9_000), numbered(20_000, 29_000));
    let change = change(Some(&old), Some(&new));
    assert_eq!(change.hunks().len(), 1);
    assert_eq!(change.without(&[0].into(), Some(&new)), Ok(Some(old)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_hunks_back_is_the_text_before(before in "([abc]\n){0,30}[ab]?", after in "([abc]\n){0,30}[ab]?") {
        let mut change = change(Some(&before), Some(&after));
        let count = change.hunks().len();
        let mut now = after.clone();
        // One after the other, in any order: from the middle.
        for hunk in (count / 2..count).chain(0..count / 2) {
            now = change.without(&[hunk].into(), Some(&now)).unwrap().unwrap();
            change.reverted.insert(hunk);
        }
        prop_assert_eq!(&now, &before);
    }

    #[test]
    fn lines_of_others_are_never_lost(
        before in "([a-d]\n){0,25}", after in "([a-d]\n){0,25}", at in 0usize..30, theirs in "(X\n){1,3}",
    ) {
        let change = change(Some(&before), Some(&after));
        let breaks: Vec<usize> = after.match_indices('\n').map(|(at, _)| at + 1).collect();
        let at = breaks.get(at).copied().unwrap_or(0);
        let now = format!("{}{theirs}{}", &after[..at], &after[at..]);
        let all = (0..change.hunks().len()).collect();
        if let Ok(back) = change.without(&all, Some(&now)) {
            let back = back.unwrap();
            prop_assert_eq!(back.matches("X\n").count(), theirs.matches("X\n").count());
            prop_assert_eq!(back.replace("X\n", ""), before);
        }
    }
}
