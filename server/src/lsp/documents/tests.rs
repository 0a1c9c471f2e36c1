//! Documents against real files.

use tower_lsp::ls_types::{Position, Range};

use super::*;

struct Case {
    folder: tempfile::TempDir,
    documents: OpenDocuments,
}

impl Case {
    /// A file with this text, and no open document.
    fn new(text: &str) -> Self {
        let case = Self { folder: tempfile::tempdir().unwrap(), documents: OpenDocuments::default() };
        case.on_disk(text);
        case
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a b.rs")
    }

    fn uri(&self) -> String {
        uri::from_path(&self.path())
    }

    fn on_disk(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    fn open(&self, text: &str) {
        self.documents.did_open(&self.uri(), 1, text.to_owned());
    }

    fn change(&self, range: Option<((u32, u32), (u32, u32))>, text: &str) -> Vec<LineEdit> {
        let position = |(line, character)| Position::new(line, character);
        let range = range.map(|(start, end)| Range::new(position(start), position(end)));
        let change = TextDocumentContentChangeEvent { range, range_length: None, text: text.to_owned() };
        self.documents.did_change(&self.uri(), 2, [change])
    }

    fn text(&self) -> (String, bool) {
        let now = self.documents.now();
        let document = now.get(&self.path()).expect("it is open");
        (document.text.to_string(), document.is_dirty())
    }
}

#[test]
fn lines_are_elsewhere_while_a_text_is_unsaved() {
    let case = Case::new("a\nb\nc\n");
    let edit = |start_line, old_end_line, new_line_count| LineEdit {
        path: case.path(),
        start_line,
        old_end_line,
        new_line_count,
    };
    let open = |text: &str| case.documents.did_open(&case.uri(), 1, text.to_owned());
    assert_eq!(open("a\nb\nc\n"), []);
    assert_eq!(open("new\na\nb\n"), [edit(2, 3, 0), edit(0, 0, 1)], "as an editor restores it");
    let closed = case.documents.did_close(&case.uri());
    assert_eq!(closed, Some((case.path(), vec![edit(3, 3, 1), edit(0, 1, 0)])), "what was not saved is given up");
}

#[test]
fn a_document_is_followed_from_open_to_close() {
    let case = Case::new("a\nb\n");
    let seen = case.documents.subscribe();
    case.open("a\nb\n");
    assert_eq!(case.text(), ("a\nb\n".into(), false));
    let edits = case.change(Some(((1, 0), (1, 1))), "x\ny");
    assert_eq!(edits, [LineEdit { path: case.path(), start_line: 1, old_end_line: 2, new_line_count: 2 }]);
    assert_eq!(case.text(), ("a\nx\ny\n".into(), true));
    assert_eq!(case.documents.did_save(&case.uri()), Some(case.path()));
    assert_eq!(case.text(), ("a\nx\ny\n".into(), false));
    let edits = case.change(None, "a\nb\nx\ny\n");
    assert_eq!(edits, [LineEdit { path: case.path(), start_line: 1, old_end_line: 1, new_line_count: 1 }]);
    assert_eq!(case.text(), ("a\nb\nx\ny\n".into(), true));
    assert_eq!(seen.borrow().unsaved(), [case.path()]);
    assert_eq!(
        case.documents.did_close(&case.uri()),
        Some((case.path(), vec![LineEdit { path: case.path(), start_line: 1, old_end_line: 2, new_line_count: 0 }]))
    );
    assert!(case.documents.now().get(&case.path()).is_none());
    assert_eq!(case.documents.did_close(&case.uri()), None);
    assert_eq!(case.change(None, "late"), []);
}

#[test]
fn a_document_is_dirty_when_it_is_not_what_the_file_holds() {
    // The file, the text at open, whether that is dirty.
    let table = [
        ("a\n", "a\n", false),
        ("a\n", "a\nrestored\n", true),
        ("", "new text", true),
        ("\u{feff}a\r\nb", "a\nb\n", false),
        ("a\r\n", "a\r\n", false),
    ];
    for (disk, text, dirty) in table {
        let case = Case::new(disk);
        case.open(text);
        assert_eq!(case.text(), (text.to_owned(), dirty), "{disk:?}");
    }
    let case = Case::new("");
    std::fs::remove_file(case.path()).unwrap();
    case.open("");
    assert!(!case.text().1);
    case.change(None, "first words");
    assert!(case.text().1);
}

#[test]
fn a_reload_is_no_unsaved_text() {
    let case = Case::new("a\n");
    case.open("a\n");
    case.on_disk("changed outside\n");
    case.change(None, "changed outside\n");
    assert!(!case.text().1);
    case.change(None, "changed outsidE\n");
    assert!(case.text().1);
}

#[test]
fn several_changes_of_one_message_follow_each_other() {
    let case = Case::new("abc");
    case.open("abc");
    let change = |from, to, text: &str| TextDocumentContentChangeEvent {
        range: Some(Range::new(Position::new(0, from), Position::new(0, to))),
        range_length: None,
        text: text.into(),
    };
    case.documents.did_change(&case.uri(), 7, [change(0, 0, "1"), change(1, 2, "2"), change(4, 4, "3")]);
    assert_eq!(case.text().0, "12bc3");
    assert_eq!(case.documents.now().get(&case.path()).unwrap().version, 7);
}

#[test]
fn what_is_no_file_is_not_kept() {
    let documents = OpenDocuments::default();
    documents.did_open("untitled:Untitled-1", 1, "x".into());
    assert_eq!(documents.now().all().count(), 0);
    assert_eq!(documents.did_save("untitled:Untitled-1"), None);
}
