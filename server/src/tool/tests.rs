//! The file tools on a real folder, with an editor in memory.

mod edits;
mod reverts;
mod search;

use std::path::Path;
use std::sync::Mutex;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::input::{EditFile, FileCall, ReadFile, WriteFile};
use super::*;
use crate::workspace::documents::{Document, Documents};
use crate::workspace::editor::DocumentEdit;

/// An editor as the tools see one.
#[derive(Default)]
struct MemoryEditor {
    documents: Mutex<Documents>,
    can_save: bool,
    /// What `apply` and `save` answer.
    refuses: Option<&'static str>,
    cannot_save: Option<&'static str>,
    /// What it does to a text at saving.
    formats: Option<fn(&str) -> String>,
    log: Mutex<Vec<String>>,
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

impl MemoryEditor {
    fn note(&self, what: &str, path: &Path) {
        self.log.lock().unwrap().push(format!("{what} {}", name(path)));
    }

    fn put(&self, document: Document) {
        let mut documents = self.documents.lock().unwrap();
        *documents = documents.with(document);
    }
}

impl Editor for MemoryEditor {
    fn documents(&self) -> Documents {
        self.documents.lock().unwrap().clone()
    }

    fn apply(&self, edit: DocumentEdit) -> BoxFuture<'_, Result<(), String>> {
        let mut document = self.documents().all().find(|open| open.uri == edit.uri).expect("it is open").clone();
        assert_eq!((document.version, &*document.text), (edit.version, edit.old_text.as_str()));
        self.note("apply", &document.path);
        let answer = match self.refuses {
            Some(why) => Err(why.to_owned()),
            None => {
                document.version += 1;
                document.text = edit.new_text.into();
                self.put(document);
                Ok(())
            }
        };
        async move { answer }.boxed()
    }

    fn save(&self, path: &Path) -> BoxFuture<'_, Result<(), String>> {
        assert!(self.can_save);
        self.note("save", path);
        let answer = match self.cannot_save {
            Some(why) => Err(why.to_owned()),
            None => {
                let mut document = self.documents().get(path).expect("it is open").clone();
                if let Some(format) = self.formats {
                    document.text = format(&document.text).into();
                }
                document.saved = Arc::clone(&document.text);
                std::fs::write(path, &*document.text).unwrap();
                self.put(document);
                Ok(())
            }
        };
        async move { answer }.boxed()
    }

    fn can_save(&self) -> bool {
        self.can_save
    }

    fn changed_on_disk(&self, paths: &[PathBuf]) {
        for path in paths {
            self.note("look", path);
        }
    }
}

/// A workspace, and a model that works in it.
struct Case {
    folder: tempfile::TempDir,
    editor: Arc<MemoryEditor>,
    seen: HashMap<PathBuf, Fingerprint>,
    max_result: usize,
    results: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self::with(MemoryEditor { can_save: true, ..MemoryEditor::default() })
    }

    fn with(editor: MemoryEditor) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let results = tempfile::tempdir().unwrap();
        Self { folder, editor: Arc::new(editor), seen: HashMap::new(), max_result: 30_000, results }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Puts a file on disk.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn disk(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Opens a document that holds `text`, and of which the editor believes that `saved` is on disk.
    fn open(&self, name: &str, text: &str, saved: &str) {
        let path = self.path(name);
        let uri = format!("file://{}", path.display());
        self.editor.put(Document { uri, path, version: 3, text: text.into(), saved: saved.into() });
    }

    fn held(&self, name: &str) -> (String, bool) {
        let documents = self.editor.documents();
        let document = documents.get(&self.path(name)).unwrap();
        (document.text.to_string(), document.is_dirty())
    }

    fn log(&self) -> String {
        self.editor.log.lock().unwrap().join(", ")
    }

    async fn run(&mut self, call: FileCall) -> Result<Output, String> {
        let root = self.root();
        let context = Context {
            roots: Roots::new(root.clone()),
            cwd: root,
            editor: self.editor.clone(),
            seen: Arc::new(self.seen.clone()),
            max_result: self.max_result,
            results: self.results.path().join("s1"),
        };
        let output = run(call, context).await?;
        self.seen.extend(output.seen.iter().cloned());
        Ok(output)
    }

    async fn text(&mut self, call: FileCall) -> String {
        self.run(call).await.map_or_else(|error| format!("error: {error}"), |output| output.text)
    }

    async fn read(&mut self, path: &str) -> String {
        self.text(FileCall::Read(ReadFile { path: path.into(), offset: None, limit: None })).await
    }

    async fn read_part(&mut self, path: &str, offset: u32, limit: u32) -> String {
        self.text(FileCall::Read(ReadFile { path: path.into(), offset: Some(offset), limit: Some(limit) })).await
    }

    async fn write(&mut self, path: &str, content: &str) -> String {
        self.text(FileCall::Write(WriteFile { path: path.into(), content: content.into() })).await
    }

    async fn edit(&mut self, path: &str, old: &str, new: &str) -> String {
        self.text(edit_call(path, old, new, None)).await
    }
}

fn edit_call(path: &str, old: &str, new: &str, replace_all: Option<bool>) -> FileCall {
    let (old_string, new_string) = (old.into(), new.into());
    FileCall::Edit(EditFile { path: path.into(), old_string, new_string, replace_all })
}

#[tokio::test]
async fn files_are_read_with_numbers() {
    let mut case = Case::new();
    case.file("a.txt", "one\r\ntwo\n\nfour");
    case.file("empty", "");
    case.file("bom", "\u{feff}x\n");
    case.file("latin", b"caf\xe9\n");
    case.file("long", format!("{}\n", "x".repeat(2005)));
    assert_eq!(case.read("a.txt").await, "1\tone\n2\ttwo\n3\t\n4\tfour\n");
    let part = case.read_part("a.txt", 2, 2).await;
    assert_eq!(part, "2\ttwo\n3\t\n(lines 2 to 3 of 4; go on with offset 4)\n");
    assert_eq!(case.read_part("a.txt", 0, 1).await, "1\tone\n(lines 1 to 1 of 4; go on with offset 2)\n");
    assert_eq!(case.read_part("a.txt", 9, 1).await, "error: a.txt has only 4 lines; offset 9 is behind its end.");
    assert_eq!(case.read("empty").await, "(the file is empty)\n");
    assert_eq!(case.read("bom").await, "1\tx\n");
    let latin = "1\tcaf\u{fffd}\n(not UTF-8: what cannot be read is shown as \u{fffd}, and edits are refused)\n";
    assert_eq!(case.read("latin").await, latin);
    assert_eq!(case.read("long").await, format!("1\t{}… (5 more characters)\n", "x".repeat(2000)));
    case.max_result = 12;
    assert_eq!(case.read("a.txt").await, "1\tone\n2\ttwo\n(lines 1 to 2 of 4; go on with offset 3)\n");
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_the_remedy() {
    let mut case = Case::new();
    case.file("src/main.rs", "x");
    case.file("image.png", b"\x89PNG\0\0");
    rustix::fs::mknodat(rustix::fs::CWD, case.path("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    std::fs::File::create(case.path("huge")).unwrap().set_len(40 << 20).unwrap();
    let table = [
        ("src", "error: src is a folder. List it with glob, pattern `*` and this path."),
        ("src/mian.rs", "error: There is no file src/mian.rs. Is src/main.rs meant?"),
        ("main.rs", "error: There is no file main.rs. Is src/main.rs meant?"),
        ("none", "error: There is no file none. Find it with glob."),
        ("image.png", "error: image.png is a binary file of 6 bytes."),
        ("pipe", "error: pipe is no regular file"),
        ("huge", "error: huge has 41943040 bytes"),
    ];
    for (path, expected) in table {
        let told = case.read(path).await;
        assert!(told.starts_with(expected), "{path}: {told}");
    }
}

#[tokio::test]
async fn the_editor_is_read_where_it_knows_more() {
    let mut case = Case::new();
    case.file("dirty", "old\n");
    case.file("stale", "changed outside\n");
    case.open("dirty", "unsaved\n", "old\n");
    case.open("stale", "before\n", "before\n");
    let dirty = case.read("dirty").await;
    assert!(dirty.starts_with("1\tunsaved\n(this is the editor's text with the person's unsaved changes"), "{dirty}");
    assert_eq!(case.read("stale").await, "1\tchanged outside\n");
    std::os::unix::fs::symlink(case.path("dirty"), case.path("link")).unwrap();
    assert!(case.read("link").await.starts_with("1\tunsaved\n"));
}

#[tokio::test]
async fn a_link_out_of_the_workspace_is_named_by_where_it_leads() {
    let outside = tempfile::tempdir().unwrap();
    let real = outside.path().canonicalize().unwrap();
    std::fs::write(real.join("secret"), "s\n").unwrap();
    let mut case = Case::new();
    case.file("inside/a", "a\n");
    std::os::unix::fs::symlink(&real, case.path("out")).unwrap();
    std::os::unix::fs::symlink(case.path("inside"), case.path("in")).unwrap();
    let leads = format!("error: out/secret leads to {}/secret, outside of the workspace.", real.display());
    assert!(case.read("out/secret").await.starts_with(&leads));
    assert!(case.edit("out/secret", "s", "x").await.starts_with(&leads));
    assert!(case.write("out/new", "x").await.starts_with("error: out/new leads to "));
    assert_eq!(std::fs::read_dir(&real).unwrap().count(), 1);
    assert_eq!(case.read("in/a").await, "1\ta\n");
    assert_eq!(case.read(&real.join("secret").display().to_string()).await, "1\ts\n");
}
