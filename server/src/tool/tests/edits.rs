//! `write_file` and `edit_file`.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::*;
use crate::agent::history::FileDiff;

const UNSAVED: &str = "The editor holds unsaved text of the person's in this file: the edit is in the editor, not on disk, \
                       and commands still see the old text until it is saved.";

#[tokio::test]
async fn a_file_is_written_only_when_it_is_known() {
    let mut case = Case::new();
    assert_eq!(case.write("a/b/new.txt", "one\ntwo\n").await, "Created a/b/new.txt (2 lines).");
    assert_eq!(case.write("a/b/new.txt", "one\n").await, "Wrote a/b/new.txt (1 line, before 2).");
    assert_eq!(case.write("a/b/new.txt", "one\n").await, "a/b/new.txt holds exactly this text already.");
    case.file("a/b/new.txt", "person's\n");
    let changed = "error: a/b/new.txt has changed since you read it: read it again. Nothing was written.";
    assert_eq!(case.write("a/b/new.txt", "x").await, changed);
    case.file("old.txt", "precious\n");
    let unread =
        "error: old.txt exists and has not been read in this session: read it with read_file first. Nothing was ";
    assert_eq!(case.write("old.txt", "x").await, format!("{unread}written."));
    assert_eq!(case.edit("old.txt", "precious", "x").await, format!("{unread}changed."));
    case.read("old.txt").await;
    assert!(case.edit("old.txt", "precious", "changed").await.starts_with("Edited old.txt.\n"));
    assert!(case.edit("old.txt", "changed", "again").await.starts_with("Edited"), "what it wrote itself it knows");
    case.file("old.txt", "again, by the person\n");
    let changed = "error: old.txt has changed since you read it: read it again. Nothing was changed.";
    assert_eq!(case.edit("old.txt", "again", "x").await, changed);
    case.read("old.txt").await;
    assert_eq!(case.write("old.txt", "x").await, "Wrote old.txt (1 line, before 1).");
    case.file("empty", "");
    assert_eq!(case.write("empty", "x").await, "Wrote empty (1 line, before 0).");
    assert!(case.write("a", "x").await.starts_with("error: a is a folder."));
    case.file("bin", b"\0");
    assert!(case.write("bin", "x").await.starts_with("error: bin is a binary file"));
    assert!(case.write("old.txt/x", "x").await.starts_with("error: old.txt/x"));
    assert_eq!(case.log(), "look new.txt, look new.txt, look old.txt, look old.txt, look old.txt, look empty");
}

#[tokio::test]
async fn the_output_says_what_changed() {
    let mut case = Case::new();
    case.file("a.txt", "one\ntwo\n");
    case.read("a.txt").await;
    let output = case.run(edit_call("a.txt", "two", "2", None)).await.unwrap();
    let path = case.path("a.txt");
    assert_eq!(output.text, "Edited a.txt.\n1\tone\n2\t2\n");
    assert_eq!(output.locations, [Location { path: path.clone(), line: Some(2) }]);
    let diff = FileDiff {
        path: path.clone(),
        old_text: Some("one\ntwo\n".into()),
        new_text: "one\n2\n".into(),
        new_folders: 0,
    };
    assert_eq!(output.diffs, [diff]);
    let output = case.run(FileCall::Write(WriteFile { path: "b".into(), content: "new".into() })).await.unwrap();
    assert_eq!(
        output.diffs,
        [FileDiff { path: case.path("b"), old_text: None, new_text: "new".into(), new_folders: 0 }]
    );
    assert_eq!(output.seen, [(case.path("b"), files::fingerprint("new"))]);
}

#[tokio::test]
async fn edits_fit_the_text() {
    // The file, `old_string`, `new_string`, the file afterwards.
    let table = [
        ("a\nb\nc\n", "b", "x", "a\nx\nc\n"),
        ("a\r\nb\r\nc\r\n", "a\nb", "x\ny\nz", "x\r\ny\r\nz\r\nc\r\n"),
        ("a\r\nb\r\n", "a\r\nb", "x", "x\r\n"),
        ("a\nb\r\nc\nd\n", "b\nc", "x\ny", "a\nx\ny\nd\n"),
        ("a\nb", "b\n", "x\n", "a\nx"),
        ("a\nb", "a\nb\n", "x", "x"),
        ("a\nb\n", "a\r\n", "x\r\n", "x\nb\n"),
        ("\u{feff}a\n", "a", "b", "\u{feff}b\n"),
        ("ä€😀\r\nü", "😀\nü", "x", "ä€x"),
        ("a\nb\n", "b\n", "", "a\n"),
    ];
    for (text, old, new, expected) in table {
        let mut case = Case::new();
        case.file("f", text);
        case.read("f").await;
        let told = case.edit("f", old, new).await;
        assert_eq!(case.disk("f"), expected, "{text:?} {old:?}: {told}");
        assert!(told.starts_with("Edited f.\n"), "{told}");
    }
}

#[tokio::test]
async fn edits_that_do_not_fit_say_why() {
    let mut case = Case::new();
    case.file("f.rs", "fn a() {\n    x();\n}\n\nfn b() {\n    x();\n}\n");
    case.file("latin", b"caf\xe9\n");
    case.read("f.rs").await;
    let table = [
        (
            "x();",
            "y();",
            "error: `old_string` occurs 2 times in f.rs, at lines 2, 6. Add lines around it so that it is found \
                          once, or set `replace_all`. Nothing was changed.",
        ),
        (
            "fn b() {\n  x();",
            "z",
            "error: `old_string` does not occur in f.rs. Nothing was changed. The nearest text (it \
                                   differs in white space only):\n5\tfn b() {\n6\t    x();\n",
        ),
        (
            "fn b() {\n    y();",
            "z",
            "error: `old_string` does not occur in f.rs. Nothing was changed. The nearest \
                                     text:\n5\tfn b() {\n6\t    x();\n",
        ),
        (
            "quite another thing",
            "z",
            "error: `old_string` does not occur in f.rs. Nothing was changed. Nothing in the file is \
                                      like it: read the file again.",
        ),
        ("x();", "x();", "error: `old_string` and `new_string` are the same. Nothing was changed."),
        ("", "x", "error: `old_string` is empty: give the text to replace. A new file is made with write_file."),
    ];
    for (old, new, expected) in table {
        assert_eq!(case.edit("f.rs", old, new).await, expected);
    }
    assert!(case.edit("f.rx", "a", "b").await.ends_with("Is f.rs meant?"));
    assert!(case.edit("latin", "a", "b").await.contains("not UTF-8"));
    assert_eq!(case.log(), "");
    let all = case.text(edit_call("f.rs", "x", "long_name", Some(true))).await;
    assert_eq!(
        all,
        "Edited f.rs in 2 places.\n1\tfn a() {\n2\t    long_name();\n3\t}\n4\t\n5\tfn b() {\n…\n3\t}\n4\t\n5\tfn b() {\n6\t    \
         long_name();\n7\t}\n"
    );
}

#[tokio::test]
async fn what_a_file_is_stays() {
    let mut case = Case::new();
    case.file("run.sh", "\u{feff}a\r\nb\r\n");
    std::fs::set_permissions(case.path("run.sh"), std::fs::Permissions::from_mode(0o750)).unwrap();
    std::os::unix::fs::symlink("run.sh", case.path("link")).unwrap();
    std::os::unix::fs::symlink("made", case.path("dangling")).unwrap();
    case.file("hard", "one\n");
    std::fs::hard_link(case.path("hard"), case.path("other")).unwrap();
    case.read("hard").await;

    case.read("run.sh").await;
    assert!(case.write("link", "x\ny\n").await.starts_with("Wrote link"), "read under another name");
    assert_eq!(case.disk("run.sh"), "\u{feff}x\r\ny\r\n");
    assert_eq!(std::fs::metadata(case.path("run.sh")).unwrap().mode() & 0o777, 0o750);
    assert!(case.path("link").is_symlink());

    case.write("dangling", "x").await;
    assert_eq!(case.disk("made"), "x");
    case.edit("hard", "one", "two").await;
    assert_eq!(case.disk("other"), "two\n");
    let mut names: Vec<_> = std::fs::read_dir(case.root()).unwrap().map(|entry| name(&entry.unwrap().path())).collect();
    names.sort();
    assert_eq!(names, ["dangling", "hard", "link", "made", "other", "run.sh"], "nothing is left beside the files");
}

#[tokio::test]
async fn open_documents_are_edited_as_the_contract_says() {
    struct Row {
        what: &'static str,
        can_save: bool,
        disk: &'static str,
        /// The document's text, and what the editor believes to be on disk.
        document: (&'static str, &'static str),
        log: &'static str,
        disk_after: &'static str,
        document_after: (&'static str, bool),
        told: &'static str,
    }
    let table = [
        Row {
            what: "clean, and the editor can save",
            can_save: true,
            disk: "one\n",
            document: ("one\n", "one\n"),
            log: "apply f, save f",
            disk_after: "two\n",
            document_after: ("two\n", false),
            told: "Edited f.\n",
        },
        Row {
            what: "clean, and a plain client",
            can_save: false,
            disk: "\u{feff}one\r\n",
            document: ("one\n", "one\n"),
            log: "look f",
            disk_after: "\u{feff}two\r\n",
            document_after: ("one\n", false),
            told: "Edited f.\n",
        },
        Row {
            what: "dirty",
            can_save: true,
            disk: "old\n",
            document: ("one\n", "old\n"),
            log: "apply f",
            disk_after: "old\n",
            document_after: ("two\n", true),
            told: UNSAVED,
        },
        Row {
            what: "dirty, and a plain client",
            can_save: false,
            disk: "old\n",
            document: ("one\n", "old\n"),
            log: "apply f",
            disk_after: "old\n",
            document_after: ("two\n", true),
            told: UNSAVED,
        },
        Row {
            what: "clean, and changed outside",
            can_save: true,
            disk: "one, from outside\n",
            document: ("stale\n", "stale\n"),
            log: "look f",
            disk_after: "two, from outside\n",
            document_after: ("stale\n", false),
            told: "Edited f.\n",
        },
    ];
    for row in table {
        let mut case = Case::with(MemoryEditor { can_save: row.can_save, ..MemoryEditor::default() });
        case.file("f", row.disk);
        case.open("f", row.document.0, row.document.1);
        case.read("f").await;
        let told = case.edit("f", "one", "two").await;
        assert!(told.contains(row.told), "{}: {told}", row.what);
        assert_eq!(case.log(), row.log, "{}", row.what);
        assert_eq!(case.disk("f"), row.disk_after, "{}", row.what);
        assert_eq!(case.held("f"), (row.document_after.0.to_owned(), row.document_after.1), "{}", row.what);
    }
}

#[tokio::test]
async fn an_editor_that_refuses_is_told() {
    let refusing = MemoryEditor { can_save: true, refuses: Some("the version is old"), ..MemoryEditor::default() };
    let mut case = Case::with(refusing);
    case.file("f", "one\n");
    case.open("f", "one\n", "one\n");
    case.read("f").await;
    let told = case.edit("f", "one", "two").await;
    assert!(told.starts_with("error: The editor did not take the change of f: the version is old."), "{told}");
    assert_eq!(case.disk("f"), "one\n");

    let mut case =
        Case::with(MemoryEditor { can_save: true, cannot_save: Some("no space"), ..MemoryEditor::default() });
    case.file("f", "one\n");
    case.open("f", "one\n", "one\n");
    case.read("f").await;
    let told = case.edit("f", "one", "two").await;
    assert!(told.contains("could not be saved: no space"), "{told}");

    let formats: fn(&str) -> String = |text| format!("{text}formatted\n");
    let mut case = Case::with(MemoryEditor { can_save: true, formats: Some(formats), ..MemoryEditor::default() });
    case.file("f", "one\n");
    case.open("f", "one\n", "one\n");
    case.read("f").await;
    let told = case.edit("f", "one", "two").await;
    assert!(told.contains("changed the text while saving"), "{told}");
}

#[tokio::test]
async fn new_files_and_odd_encodings_go_where_they_can() {
    // An empty buffer of a file that is not there yet.
    let mut case = Case::new();
    case.open("new", "", "");
    assert_eq!(case.write("new", "x\n").await, "Created new (1 line).");
    assert_eq!((case.log().as_str(), case.disk("new").as_str()), ("apply new, save new", "x\n"));

    // The editor shows Latin-1 as text; a plain client is asked to edit it, and the person saves.
    let mut case = Case::with(MemoryEditor::default());
    case.file("latin", b"caf\xe9 one\n");
    case.open("latin", "café one\n", "café one\n");
    case.read("latin").await;
    let told = case.edit("latin", "one", "two").await;
    assert!(told.contains("not on disk"), "{told}");
    assert_eq!((case.log().as_str(), case.held("latin")), ("apply latin", ("café two\n".into(), true)));

    // Removed behind a clean document's back.
    let mut case = Case::new();
    case.open("gone", "text\n", "text\n");
    assert!(case.edit("gone", "text", "x").await.starts_with("error: There is no file gone."));
}

#[tokio::test]
async fn why_a_text_is_not_found() {
    // The file, `old_string`, `new_string`, a part of what is told.
    let table = [
        ("let a = 1;\n", "let b = 2;", "let a = 1;", "`new_string` is there already, at line 1: it may be done."),
        ("a\r\nlet a = 1;\r\n", "x\ny", "a\nlet a = 1;", "is there already, at line 1"),
        ("let a = 1;\n", "  1\tlet a = 1;", "x", "line numbers that read_file shows: leave them out"),
        ("a\nb\n", "a\\nb", "x", "a backslash and an `n` where the file has a line break"),
        ("a\rb\r", "a\nb", "x", "carriage returns alone: change it with bash"),
        (
            "say(\"hi\");\n",
            "say(\u{201c}hi\u{201d});",
            "x",
            "(it differs in quotation marks, dashes or spaces only):\n1\tsay",
        ),
        ("\tif  (a)\n", "    if (a)", "x", "(it differs in white space only):\n1\t\tif  (a)"),
        ("Hello World\n", "hello world", "x", "(it differs in upper and lower case only):\n1\tHello World"),
    ];
    for (text, old, new, expected) in table {
        let mut case = Case::new();
        case.file("f", text);
        case.read("f").await;
        let told = case.edit("f", old, new).await;
        let starts = told.starts_with("error: `old_string` does not occur in f. Nothing was changed. ");
        assert!(starts && told.contains(expected), "{old:?} in {text:?}: {told}");
        assert_eq!(case.disk("f"), text);
    }
}

#[tokio::test]
async fn every_place_of_an_ambiguous_match_is_told_and_counted_when_all_are_replaced() {
    let mut case = Case::new();
    case.file("f", "x\n".repeat(130));
    case.read("f").await;
    let told = case.edit("f", "x", "y").await;
    assert!(told.starts_with("error: `old_string` occurs 130 times in f, at lines 1, 2, 3, "), "{told}");
    assert!(told.contains("99, 100 and 30 more. Add lines around it"), "{told}");
    let told = case.text(edit_call("f", "x", "y", Some(true))).await;
    assert!(told.starts_with("Edited f in 130 places.\n") && told.ends_with("(127 places more)\n"), "{told}");
    assert_eq!(case.disk("f"), "y\n".repeat(130));
}

#[tokio::test]
async fn what_cannot_be_changed_stays_as_it_is() {
    let mut case = Case::new();
    case.file("locked", "one\n");
    case.file("bin", b"one\0");
    std::fs::File::create(case.path("huge")).unwrap().set_len(40 << 20).unwrap();
    std::fs::set_permissions(case.path("locked"), std::fs::Permissions::from_mode(0o444)).unwrap();
    case.read("locked").await;
    let told = case.edit("locked", "one", "two").await;
    // Who may do everything may write it.
    if rustix::process::geteuid().is_root() {
        assert_eq!(std::fs::metadata(case.path("locked")).unwrap().mode() & 0o777, 0o444, "{told}");
    } else {
        assert!(told.starts_with("error: locked could not be written: "), "{told}");
        assert_eq!(case.disk("locked"), "one\n");
    }
    assert!(case.edit("bin", "one", "two").await.starts_with("error: bin is a binary file of 4 bytes."));
    assert!(case.edit("huge", "one", "two").await.starts_with("error: huge has 41943040 bytes"));
    assert!(case.edit(".", "one", "two").await.starts_with("error: . is a folder."));
    assert!(case.edit("none/f", "one", "two").await.starts_with("error: There is no file none/f."));
}
