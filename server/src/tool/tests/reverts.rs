//! Taking edits back in real files and open documents.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::agent::change::{Change, Chosen, MadeFolder};
use crate::task::model::Timestamp;
use crate::tool::files::fingerprint;
use crate::tool::revert::{Refused, Reverted, revert};

fn change(id: i64, turn: &str, path: PathBuf, before: Option<&str>, after: Option<&str>) -> Change {
    let (before, after) = (before.map(str::to_owned), after.map(str::to_owned));
    let (accepted, reverted) = (BTreeSet::new(), BTreeSet::new());
    Change { id, turn: turn.into(), path, before, after, new_folders: 0, omitted: 0, accepted, reverted }
}

impl Case {
    async fn revert(&self, changes: &[Change], chosen: &Chosen) -> Result<Reverted, Refused> {
        self.revert_in(&[], changes, chosen).await
    }

    /// The same where edits have made these folders.
    async fn revert_in(&self, made: &[MadeFolder], changes: &[Change], chosen: &Chosen) -> Result<Reverted, Refused> {
        let context = Context {
            roots: Roots::new(self.root()),
            cwd: self.root(),
            editor: self.editor.clone(),
            seen: Arc::new(self.seen.clone()),
            max_result: self.max_result,
            results: self.results.path().join("s1"),
        };
        revert(changes, chosen, made, &context).await
    }
}

fn all() -> Chosen {
    Chosen::default()
}

fn turn(turn: &str) -> Chosen {
    Chosen { turn: Some(turn.into()), ..Chosen::default() }
}

#[tokio::test]
async fn a_turn_is_taken_back_with_all_its_files() {
    let mut case = Case::new();
    case.file("a.txt", "\u{feff}1\r\nTWO\r\n");
    case.seen.insert(case.path("a.txt"), fingerprint("\u{feff}1\r\nTWO\r\n"));
    case.file("new.txt", "made\n");
    std::fs::set_permissions(case.path("a.txt"), std::fs::Permissions::from_mode(0o750)).unwrap();
    let changes = [
        change(1, "t1", case.path("a.txt"), Some("\u{feff}1\r\n2\r\n"), Some("\u{feff}1\r\nTWO\r\n")),
        change(2, "t1", case.path("new.txt"), None, Some("made\n")),
        change(3, "t1", case.path("gone.txt"), Some("was here\n"), None),
        change(4, "t0", case.path("other.txt"), None, Some("x")),
    ];
    let done = case.revert(&changes, &turn("t1")).await.unwrap();
    assert_eq!(done.failed, None);
    assert_eq!(case.disk("a.txt"), "\u{feff}1\r\n2\r\n");
    assert_eq!(std::fs::metadata(case.path("a.txt")).unwrap().permissions().mode() & 0o777, 0o750);
    assert!(!case.path("new.txt").exists(), "a file that was made goes");
    assert_eq!(case.disk("gone.txt"), "was here\n", "one that was removed comes back");
    let files: Vec<_> = done.files.iter().map(|file| (name(&file.path), file.seen.is_some())).collect();
    assert_eq!(files, [("gone.txt".into(), true), ("new.txt".into(), false), ("a.txt".into(), true)]);
    assert!(done.changes.iter().all(|change| change.reverted == [0].into()));
    assert_eq!(case.log(), "look gone.txt, look new.txt, look a.txt");
    let again = case.revert(&done.changes, &turn("t1")).await.unwrap_err();
    assert_eq!(again.kind, "not_found", "{}", again.message);
}

#[tokio::test]
async fn what_somebody_wrote_beside_an_edit_has_to_be_read_first() {
    let mut case = Case::new();
    let left = "1\nTWO\n3\n4\n5\n6\n7\n8\n";
    case.seen.insert(case.path("a.txt"), fingerprint(left));
    let change = [change(1, "t1", case.path("a.txt"), Some(&left.replace("TWO", "2")), Some(left))];
    for (now, has_read) in [(left.to_owned(), true), (left.replace('8', "eight"), false)] {
        case.file("a.txt", &now);
        let done = case.revert(&change, &all()).await.unwrap();
        assert_eq!(case.disk("a.txt"), now.replace("TWO", "2"));
        assert_eq!(done.files[0].seen.is_some(), has_read, "{now}");
    }
}

#[tokio::test]
async fn nothing_is_changed_where_one_file_was_edited_since() {
    let case = Case::new();
    case.file("a.txt", "A\n");
    case.file("b.txt", "B, by the person\n");
    let changes = [
        change(1, "t1", case.path("b.txt"), Some("b\n"), Some("B\n")),
        change(2, "t1", case.path("a.txt"), Some("a\n"), Some("A\n")),
    ];
    let refused = case.revert(&changes, &all()).await.unwrap_err();
    assert_eq!(refused.kind, "edited_since");
    assert_eq!(refused.message, "b.txt was edited since at line 1, where the agent's edit is");
    assert_eq!((case.disk("a.txt").as_str(), case.log().as_str()), ("A\n", ""));
    let one = Chosen { path: Some(case.path("a.txt")), ..all() };
    case.revert(&changes, &one).await.unwrap();
    assert_eq!(case.disk("a.txt"), "a\n");
    // Removed, or no text any more.
    std::fs::remove_file(case.path("a.txt")).unwrap();
    let refused = case.revert(&changes, &one).await.unwrap_err();
    assert_eq!(refused.message, "a.txt was removed or made anew since");
    case.file("a.txt", b"\0\0");
    assert_eq!(case.revert(&changes, &one).await.unwrap_err().kind, "edited_since");
    let mut large = change(3, "t1", case.path("c.txt"), Some(""), Some(""));
    large.omitted = 3 << 20;
    assert_eq!(case.revert(&[large], &all()).await.unwrap_err().kind, "too_large");
}

#[tokio::test]
async fn an_older_turn_goes_where_a_later_one_changed_other_lines_only() {
    let lines = |from: usize, to: usize| (from..=to).map(|n| format!("{n}\n")).collect::<String>();
    let first = lines(1, 30);
    let second = first.replace("\n5\n", "\nfive\n");
    let third = second.replace("\n20\n", "\ntwenty\n");
    let fourth = third.replace("\nfive\n", "\nFIVE\n");
    let case = Case::new();
    let path = case.path("a.txt");
    let mut changes = vec![
        change(1, "t1", path.clone(), Some(&first), Some(&second)),
        change(2, "t2", path.clone(), Some(&second), Some(&third)),
    ];
    case.file("a.txt", &third);
    case.revert(&changes, &turn("t1")).await.unwrap();
    assert_eq!(case.disk("a.txt"), first.replace("\n20\n", "\ntwenty\n"));
    changes.push(change(3, "t3", path, Some(&third), Some(&fourth)));
    case.file("a.txt", &fourth);
    let refused = case.revert(&changes, &turn("t1")).await.unwrap_err();
    assert!(refused.message.contains("(the later turn t3 changed that file too: take that back first)"), "{refused:?}");
    case.revert(&changes, &all()).await.unwrap();
    assert_eq!(case.disk("a.txt"), first, "newest first");
}

#[tokio::test]
async fn a_hunk_is_named_by_its_number_in_the_turns_changes_of_the_file() {
    let before = (1..=30).map(|n| format!("{n}\n")).collect::<String>();
    let after = before.replace("\n5\n", "\nfive\n").replace("\n20\n", "\ntwenty\n");
    let last = "mine\n".to_owned() + &after;
    let case = Case::new();
    let path = case.path("a.txt");
    let mut first = change(1, "t1", path.clone(), Some(&before), Some(&after));
    first.accepted.insert(1);
    // The same turn went on after somebody had written.
    let second = change(2, "t1", path.clone(), Some(&last), Some(&last.replace("\n30\n", "\nthirty\n")));
    case.file("a.txt", second.after.clone().unwrap());
    let hunk = |hunk| Chosen { turn: Some("t1".into()), path: Some(path.clone()), hunk: Some(hunk), ..all() };
    let changes = [first, second.clone()];
    let done = case.revert(&changes, &hunk(2)).await.unwrap();
    assert_eq!((case.disk("a.txt"), done.changes[0].id), (last.clone(), 2));
    case.file("a.txt", second.after.unwrap());
    let done = case.revert(&changes, &hunk(1)).await.unwrap();
    let change = &done.changes[0];
    assert_eq!((change.id, change.accepted.len(), change.reverted.clone()), (1, 0, [1].into()), "accepted, but named");
    assert!(case.disk("a.txt").contains("\n20\n") && case.disk("a.txt").contains("\nfive\n"));
    assert_eq!(case.revert(&changes, &hunk(3)).await.unwrap_err().kind, "not_found");
    let pending = case.revert(&changes[..1], &all()).await;
    assert_eq!(pending.unwrap().changes[0].reverted, [0].into(), "what was accepted is settled");
}

#[tokio::test]
async fn what_somebody_has_taken_back_is_settled_and_nothing_is_written() {
    let case = Case::new();
    let (left, before) = ("1\nTWO\n3\n", "1\n2\n3\n");
    let changes = [change(1, "t1", case.path("a.txt"), Some(before), Some(left)), {
        change(2, "t1", case.path("new.txt"), None, Some("made\n"))
    }];
    let gone = |file: &str| Chosen { path: Some(case.path(file)), gone: true, ..all() };
    case.file("a.txt", left);
    case.file("new.txt", "made\n");
    for file in ["a.txt", "new.txt"] {
        let refused = case.revert(&changes, &gone(file)).await.unwrap_err();
        assert_eq!(refused.kind, "edited_since");
        assert!(refused.message.contains(&format!("{file} still has the agent's edit")), "{}", refused.message);
    }
    assert_eq!((case.disk("a.txt"), case.disk("new.txt")), (left.to_owned(), "made\n".to_owned()));
    case.file("a.txt", "0\n1\n2\n3\n");
    std::fs::remove_file(case.path("new.txt")).unwrap();
    for file in ["a.txt", "new.txt"] {
        let done = case.revert(&changes, &gone(file)).await.unwrap();
        assert_eq!(done.changes[0].reverted, [0].into(), "{file}");
        assert_eq!((done.files.len(), done.failed), (1, None));
    }
    assert_eq!(case.disk("a.txt"), "0\n1\n2\n3\n");
    assert!(!case.path("new.txt").exists());
}

#[tokio::test]
async fn open_documents_are_put_back_in_the_editor() {
    struct Row {
        what: &'static str,
        can_save: bool,
        before: Option<&'static str>,
        disk: Option<&'static str>,
        document: (&'static str, &'static str),
        log: &'static str,
        disk_after: Option<&'static str>,
        document_after: (&'static str, bool),
        note: &'static str,
    }
    let base = Row {
        what: "clean",
        can_save: true,
        before: Some("old\n"),
        disk: Some("new\n"),
        document: ("new\n", "new\n"),
        log: "apply f, save f",
        disk_after: Some("old\n"),
        document_after: ("old\n", false),
        note: "",
    };
    let rows = [
        Row { what: "clean", ..base },
        Row { what: "clean, a plain client", can_save: false, log: "look f", document_after: ("new\n", false), ..base },
        Row {
            what: "never saved",
            disk: Some("older\n"),
            document: ("new\n", "older\n"),
            log: "apply f",
            disk_after: Some("older\n"),
            document_after: ("old\n", true),
            note: "not on disk",
            ..base
        },
        Row {
            what: "made by the agent",
            before: None,
            log: "apply f, save f, look f",
            disk_after: None,
            document_after: ("", false),
            ..base
        },
        Row {
            what: "made by the agent, never saved",
            before: None,
            disk: None,
            document: ("new\n", ""),
            log: "apply f, look f",
            disk_after: None,
            document_after: ("", false),
            note: "empty in the editor",
            ..base
        },
    ];
    for row in rows {
        let case = Case::with(MemoryEditor { can_save: row.can_save, ..MemoryEditor::default() });
        if let Some(text) = row.disk {
            case.file("f", text);
        }
        case.open("f", row.document.0, row.document.1);
        let changes = [change(1, "t1", case.path("f"), row.before, Some("new\n"))];
        let done = case.revert(&changes, &all()).await.unwrap();
        assert!(done.files[0].note.contains(row.note), "{}: {}", row.what, done.files[0].note);
        assert_eq!(case.log(), row.log, "{}", row.what);
        assert_eq!(std::fs::read_to_string(case.path("f")).ok().as_deref(), row.disk_after, "{}", row.what);
        assert_eq!(case.held("f"), (row.document_after.0.to_owned(), row.document_after.1), "{}", row.what);
    }
}

#[tokio::test]
async fn an_editor_that_refuses_stops_it_there() {
    let refusing = MemoryEditor { can_save: true, refuses: Some("the version is old"), ..MemoryEditor::default() };
    let case = Case::with(refusing);
    case.file("a", "A\n");
    case.file("b", "B\n");
    case.open("a", "A\n", "A\n");
    let changes = [
        change(1, "t1", case.path("a"), Some("a\n"), Some("A\n")),
        change(2, "t1", case.path("b"), Some("b\n"), Some("B\n")),
    ];
    let done = case.revert(&changes, &all()).await.unwrap();
    let failed = done.failed.unwrap();
    assert!(failed.kind == "not_written" && failed.message.contains("the version is old"), "{failed:?}");
    assert_eq!((done.changes.len(), done.changes[0].id), (1, 2), "what was done is told");
    assert_eq!((case.disk("a").as_str(), case.disk("b").as_str()), ("A\n", "b\n"));
}

#[tokio::test]
async fn a_made_folder_goes_with_its_last_file_and_no_other_folder_does() {
    let case = Case::new();
    for path in ["made/deep/one", "made/two", "there/three", "again/four"] {
        case.file(path, "x\n");
    }
    let (now, early) = (Timestamp(u64::MAX), Timestamp(1));
    let folder = |name: &str, by| MadeFolder { path: case.path(name), by };
    // One of these was removed by somebody, and stands there anew.
    let made = [folder("made/deep", now), folder("made", now), folder("again", early), folder("made/two", now)];
    let change = |id, path: &str| change(id, "t1", case.path(path), None, Some("x\n"));
    case.revert_in(&made, &[change(1, "made/deep/one")], &all()).await.unwrap();
    assert!(!case.path("made/deep").exists() && case.path("made/two").exists());
    case.revert_in(&made, &[change(2, "made/two")], &all()).await.unwrap();
    assert!(!case.path("made").exists(), "it was made for the first file, and goes with the last");
    for path in ["there/three", "again/four"] {
        case.revert_in(&made, &[change(3, path)], &all()).await.unwrap();
    }
    assert!(case.path("there").is_dir(), "no edit made it");
    assert!(case.path("again").is_dir(), "it is younger than the edit that made one of its name");
}
