//! The store against real files: order, atomicity, what is there after a reopen.

mod claims;
mod moving;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use super::*;
use crate::agent::history::{Item, UserItem};
use crate::ids::{TaskId, TurnId};
use crate::task::model::{
    Delivery, Group, Kind, Lifetime, Monitor, OnExit, Origin, OutputInfo, Progress, Status, Stdin, Timestamp,
};

#[tokio::test]
async fn old_rows_are_forgotten_but_for_what_is_still_to_be_told() {
    let home = tempfile::tempdir().unwrap();
    let (store, _) = open(home.path());
    for (name, status) in
        [("t1", Status::Failed), ("t2", Status::Running), ("t3", Status::Failed), ("t4", Status::Failed)]
    {
        store.write(Write::SaveTask(Box::new(Task { status, ..task(name, 1) })));
    }
    let key = NotificationKey { task: "t3".into(), run: 1, kind: "end".into() };
    store.write(Write::Notify { key, session: None, body: "{}".into(), created_at: Timestamp(1) });
    store.write(Write::ForgetTasks { keep: 1, before: Timestamp(0) });
    let ids = store.task_ids().await.unwrap();
    assert_eq!(ids, ["t2", "t3", "t4"].map(String::from).into());
    store.write(Write::ForgetTasks { keep: 9, before: Timestamp(u64::MAX >> 1) });
    assert_eq!(store.task_ids().await.unwrap(), ["t2", "t3"].map(String::from).into());
}

fn open(home: &Path) -> (Store, Loaded) {
    open_as(home, "me")
}

/// As one of several windows; those whose name begins with `gone` are not alive.
fn open_as(home: &Path, name: &str) -> (Store, Loaded) {
    Store::open(home, Path::new("/w"), owner(name)).expect("the store opens")
}

fn owner(name: &str) -> Owner {
    of_client(name, None)
}

/// What was labelled `held` is watched over.
fn of_client(name: &str, token: Option<&str>) -> Owner {
    let world = World {
        lives: |name| !name.starts_with("gone"),
        gone_within: |name, _| name.starts_with("gone"),
        is_held: |task| task.label == "held",
        runs: |task| task.label == "held",
    };
    Owner { name: name.into(), token: token.map(str::to_owned), grace: Duration::from_secs(3600), world }
}

fn task(id: &str, created_at: u64) -> Task {
    Task {
        id: id.into(),
        kind: Kind::Shell,
        label: "cargo test".into(),
        command: "cargo test".into(),
        cwd: "/w".into(),
        env: Vec::new(),
        environment: Default::default(),
        group: Group::Test,
        origin: Origin::Agent,
        session: Some("s1".into()),
        tool_call: None,
        parent_tool_call: None,
        owned: true,
        status: Status::Queued,
        stopping: false,
        stopped_by: None,
        run: 1,
        attempt: 1,
        max_attempts: 1,
        flaky: false,
        runs: Vec::new(),
        priority: 0,
        on_exit: OnExit::Wake,
        lifetime: Lifetime::Session,
        tied: false,
        stdin: Stdin::Null,
        timeout: None,
        created_at: Timestamp(created_at),
        started_at: None,
        ended_at: None,
        pid: None,
        exit_code: None,
        signal: None,
        stragglers: 0,
        waiting_for: None,
        unsaved: Vec::new(),
        output: OutputInfo::default(),
        monitor: Monitor::default(),
        ready: None,
        watch: None,
        matchers: Vec::new(),
        progress: Progress::default(),
        errors: 0,
        warnings: 0,
        questions: 0,
        wanted_answer: None,
        summary: None,
        delivery: Delivery::None,
        delivered_turn: None,
        checked_in: false,
        depends_on: Vec::new(),
    }
}

fn session(id: &str, updated_at: u64) -> SessionRow {
    SessionRow {
        id: id.into(),
        title: Some("Fix the login".into()),
        title_by: "rule".into(),
        cwd: PathBuf::from("/w"),
        mode: "ask".into(),
        model: None,
        created_at: Timestamp(1),
        updated_at: Timestamp(updated_at),
        turns: 2,
        usage: None,
        open: true,
    }
}

fn key(task: &str) -> NotificationKey {
    NotificationKey { task: task.into(), run: 1, kind: "end".into() }
}

fn notify(task: &str, session: Option<&str>) -> Write {
    Write::Notify { key: key(task), session: session.map(Into::into), body: "{}".into(), created_at: Timestamp(5) }
}

fn item(text: &str) -> Item {
    Item::User(UserItem { nudge: Some(text.into()), ..UserItem::default() })
}

fn append(first_seq: u64, texts: &[&str], carried: &[&str]) -> Write {
    Write::AppendItems {
        session: "s1".into(),
        first_seq,
        items: texts.iter().map(|text| item(text)).collect(),
        carried: carried.iter().map(|task| key(task)).collect(),
    }
}

async fn loaded(store: &Store) -> LoadedSession {
    store.load_session("s1".into()).await.unwrap().expect("the session is there")
}

#[tokio::test]
async fn everything_is_there_after_a_reopen() {
    let home = tempfile::tempdir().unwrap();
    let (store, first) = open(home.path());
    assert_eq!((first.tasks.len(), first.notifications.len()), (0, 0));
    store.write(Write::SaveSession(session("s1", 2)));
    let mut older = task("t1", 10);
    store.write(Write::SaveTask(Box::new(task("t2", 11))));
    store.write(Write::SaveTask(Box::new(older.clone())));
    older.status = Status::Succeeded;
    store.write(Write::SaveTask(Box::new(older.clone())));
    store.write(notify("t1", Some("s1")));
    store.write(notify("t2", None));
    store.write(append(0, &["a", "b"], &["t1"]));
    store.write(Write::SaveRule { rule: "bash: cargo *".into(), script: None });
    store.write(Write::SaveRule { rule: "bash: ls *".into(), script: None });
    store.write(Write::SaveRule { rule: "bash: cargo *".into(), script: None });
    store.write(Write::RemoveRule("bash: ls *".into()));
    drop(store);

    let (store, again) = open(home.path());
    assert_eq!(again.tasks, [older, task("t2", 11)]);
    let states: Vec<_> = again.notifications.iter().map(|n| (n.key.task.as_str(), n.state, n.item)).collect();
    assert_eq!(states, [("t1", Delivery::Carried, Some(1)), ("t2", Delivery::Pending, None)]);
    let session = loaded(&store).await;
    assert_eq!(session.row, self::session("s1", 2));
    assert_eq!(session.items, [item("a"), item("b")]);
    assert_eq!(session.notifications.len(), 1);
    assert_eq!(store.rules().await.unwrap(), [("bash: cargo *".to_owned(), None)]);
    assert_eq!(store.load_session("s9".into()).await.unwrap(), None);
}

#[tokio::test]
async fn appending_and_carrying_are_one() {
    let store = Store::in_memory().unwrap();
    store.write(Write::SaveSession(session("s1", 2)));
    store.write(notify("t1", Some("s1")));
    store.write(notify("t2", Some("s2")));
    store.written(append(0, &["a"], &["t1"])).await.unwrap();

    // Each of these fails as a whole, and takes no neighbour in the same commit with it.
    let refused = [
        (append(1, &["twice"], &["t1"]), StoreError::NotPending(key("t1"))),
        (append(1, &["another session's"], &["t2"]), StoreError::NotPending(key("t2"))),
        (append(1, &["never put in"], &["t9"]), StoreError::NotPending(key("t9"))),
        (append(0, &["replaces"], &[]), StoreError::OutOfOrder(0)),
        (append(7, &["leaves a gap"], &[]), StoreError::OutOfOrder(7)),
    ];
    let waits: Vec<_> = refused.into_iter().map(|(write, error)| (store.written(write), error)).collect();
    let good = store.written(append(1, &["b"], &[]));
    for (wait, error) in waits {
        assert_eq!(wait.await, Err(error));
    }
    good.await.unwrap();
    assert_eq!(*store.trouble().borrow(), None, "the file is fine");
    assert_eq!(loaded(&store).await.items, [item("a"), item("b")]);
}

#[tokio::test]
async fn a_notification_is_told_once() {
    let store = Store::in_memory().unwrap();
    store.write(Write::SaveSession(session("s1", 2)));
    store.write(notify("t1", None));
    store.write(notify("t2", Some("s2")));
    assert_eq!(loaded(&store).await.notifications, []);
    let keys = vec![key("t1"), key("t2")];
    store.write(Write::AssignNotifications { keys: keys.clone(), session: "s1".into() });
    let owned = loaded(&store).await.notifications;
    assert_eq!(owned.iter().map(|n| &n.key).collect::<Vec<_>>(), [&key("t1")]);

    let delivered = Write::MarkDelivered { session: "s1".into(), keys, turn: TurnId::from("turn1") };
    store.write(delivered.clone());
    assert_eq!(loaded(&store).await.notifications[0].state, Delivery::Pending, "what was not carried is not delivered");
    store.write(append(0, &["a"], &["t1"]));
    store.write(delivered);
    store.write(notify("t1", Some("s1")));
    assert_eq!(loaded(&store).await.notifications, []);
    assert_eq!(store.written(append(1, &["b"], &["t1"])).await, Err(StoreError::NotPending(key("t1"))));

    store.write(notify("t3", Some("s1")));
    store.write(Write::Withdraw(vec![key("t3")]));
    store.write(notify("t3", Some("s1")));
    assert_eq!(loaded(&store).await.notifications, []);
}

#[tokio::test]
async fn sessions_are_listed_newest_first_and_deleted_whole() {
    let store = Store::in_memory().unwrap();
    for (id, updated_at) in [("s1", 5), ("s2", 9), ("s3", 5), ("s4", 1)] {
        store.write(Write::SaveSession(session(id, updated_at)));
    }
    let ids = |rows: Vec<SessionRow>| rows.into_iter().map(|row| row.id.0).collect::<Vec<_>>();
    assert_eq!(ids(store.list_sessions(3, None).await.unwrap()), ["s2", "s3", "s1"]);
    assert_eq!(ids(store.list_sessions(9, Some("s3".into())).await.unwrap()), ["s1", "s4"]);
    store.write(append(0, &["a"], &[]));
    store.write(Write::DeleteSession("s1".into()));
    assert_eq!(ids(store.list_sessions(9, None).await.unwrap()), ["s2", "s3", "s4"]);
    store.write(Write::SaveSession(session("s1", 6)));
    assert_eq!(loaded(&store).await.items, []);
}

#[tokio::test]
async fn writes_are_done_in_order_and_completions_come_in_order() {
    let home = tempfile::tempdir().unwrap();
    let (store, _) = open(home.path());
    let (send, receive) = mpsc::channel();
    let start = std::time::Instant::now();
    for n in 0..1000_u64 {
        let send = send.clone();
        store.write_then(append(n, &["an item"], &[]), move |result| send.send((n, result)).unwrap());
    }
    store.flush().await.unwrap();
    eprintln!("1,000 appends: {:?}", start.elapsed());
    drop(send);
    assert!(receive.into_iter().enumerate().all(|(n, done)| done == (n as u64, Ok(()))));
    assert_eq!(*store.trouble().borrow(), None);
}

#[test]
fn only_its_owner_may_read_the_file() {
    let home = tempfile::tempdir().unwrap();
    let folder = workspace_dir(home.path(), Path::new("/w"));
    let (store, _) = open(home.path());
    store.write(Write::SaveRule { rule: "a".into(), script: None });
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in std::fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[test]
fn a_file_that_cannot_be_opened_says_why() {
    let home = tempfile::tempdir().unwrap();
    let file = workspace_dir(home.path(), Path::new("/w")).join("state.db");
    drop(open(home.path()));
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    assert!(matches!(Store::open(home.path(), Path::new("/w"), owner("me")), Err(StoreError::Newer(_))));

    std::fs::write(&file, "this is no database, and it is long enough to be looked at").unwrap();
    assert!(matches!(Store::open(home.path(), Path::new("/w"), owner("me")), Err(StoreError::Damaged(_))));

    let blocked = home.path().join("a file");
    std::fs::write(&blocked, "").unwrap();
    assert!(matches!(Store::open(&blocked, Path::new("/w"), owner("me")), Err(StoreError::NotWritable(_))));
}

#[tokio::test]
async fn a_task_of_another_version_is_left_out_and_counted() {
    let home = tempfile::tempdir().unwrap();
    let (store, _) = open(home.path());
    store.written(Write::SaveTask(Box::new(task("t1", 1)))).await.unwrap();
    let raw = rusqlite::Connection::open(workspace_dir(home.path(), Path::new("/w")).join("state.db")).unwrap();
    raw.execute("INSERT INTO tasks VALUES ('t2', NULL, 'new', 2, 2, '{}', NULL)", []).unwrap();
    let (_second_window, loaded) = open(home.path());
    assert_eq!(loaded.tasks.iter().map(|task| &task.id).collect::<Vec<_>>(), [&TaskId::from("t1")]);
    assert_eq!(loaded.unreadable, 1);
}

#[test]
fn several_windows_may_open_it_at_the_same_moment() {
    for _ in 0..5 {
        let home = tempfile::tempdir().unwrap();
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (start, home) = (&start, home.path());
                scope.spawn(move || {
                    start.wait();
                    let (store, _) = open(home);
                    store.write(Write::SaveRule { rule: format!("rule {n}"), script: None });
                });
            }
        });
        let (store, _) = open(home.path());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(store.rules()).unwrap().len(), 8);
    }
}

#[tokio::test]
async fn a_living_window_keeps_its_rows_and_a_gone_one_loses_them_once() {
    let home = tempfile::tempdir().unwrap();
    let written = |name: &'static str, id: &'static str| {
        let (store, _) = open_as(home.path(), name);
        async move { store.written(Write::SaveTask(Box::new(task(id, 1)))).await.unwrap() }
    };
    written("window", "t1").await;
    written("gone", "t2").await;
    let owned = |tasks: &[Task]| tasks.iter().map(|task| (task.id.0.clone(), task.owned)).collect::<Vec<_>>();
    let (second, loaded) = open_as(home.path(), "second");
    assert_eq!(owned(&loaded.tasks), [("t1".into(), false), ("t2".into(), true)]);
    assert!(!second.others(Others::default()).await.unwrap().alone, "the first is there");
    let (_third, loaded) = open_as(home.path(), "third");
    assert_eq!(owned(&loaded.tasks), [("t1".into(), false), ("t2".into(), false)], "taken by the second already");

    let seen = second.others(Others::default()).await.unwrap();
    assert_eq!((owned(&seen.changed), seen.taken.len()), (vec![("t1".into(), false)], 0));
    let seen = second.others(seen).await.unwrap();
    assert_eq!((seen.changed.len(), seen.taken.len()), (0, 0), "nothing new");
    let seen = second.others(Others::default()).await.unwrap();
    written("gone later", "t3").await;
    second.written(notify("t3", None)).await.unwrap();
    let seen = second.others(seen).await.unwrap();
    let untold: Vec<&NotificationKey> = seen.notifications.iter().map(|untold| &untold.key).collect();
    assert_eq!(untold, [&key("t3")], "what it had not told comes with it");
    let taken: Vec<Task> = seen.taken.into_iter().map(|row| row.task).collect();
    assert_eq!(owned(&taken), [("t3".into(), true)]);
}

#[tokio::test]
async fn who_is_alone_hears_who_comes() {
    let home = tempfile::tempdir().unwrap();
    let (first, _) = open_as(home.path(), "first");
    assert!(first.others(Others::default()).await.unwrap().alone);
    let log = first.log().expect("a file").to_owned();
    let length = || std::fs::metadata(&log).unwrap().len();
    let before = length();
    let (_second, _) = open_as(home.path(), "second");
    assert!(length() > before, "the newcomer's lease is in the log");
    assert!(!first.others(Others::default()).await.unwrap().alone);
}

#[tokio::test]
async fn a_session_that_was_loaded_is_its_windows() {
    let home = tempfile::tempdir().unwrap();
    let (gone, _) = open_as(home.path(), "gone");
    gone.written(Write::SaveSession(session("s1", 1))).await.unwrap();
    let (first, second) = (open_as(home.path(), "first").0, open_as(home.path(), "second").0);
    assert_eq!(loaded(&first).await.elsewhere, None, "its window is gone");
    let elsewhere = loaded(&second).await.elsewhere.map(|elsewhere| elsewhere.owner);
    assert_eq!(elsewhere.as_deref(), Some("first"), "nothing was written in it, and it is open there all the same");
    assert_eq!(loaded(&first).await.elsewhere, None);
}

#[tokio::test]
async fn within_the_grace_only_the_same_client_takes_what_lives() {
    let home = tempfile::tempdir().unwrap();
    let open = |name: &str, token| Store::open(home.path(), Path::new("/w"), of_client(name, token)).unwrap();
    let (gone, _) = open("gone", Some("mine"));
    let held = |id: &str, status| Task { label: "held".into(), status, ..task(id, 1) };
    gone.write(Write::SaveTask(Box::new(held("t1", Status::Running))));
    gone.write(Write::SaveTask(Box::new(task("t2", 1))));
    gone.write(Write::SaveTask(Box::new(Task { stragglers: 1, ..held("t3", Status::Succeeded) })));
    gone.write(Write::SaveTask(Box::new(held("t4", Status::Failed))));
    gone.flush().await.unwrap();
    drop(gone);
    let rows = |loaded: &Loaded| {
        let ids = loaded.tasks.iter().map(|task| (task.id.to_string(), task.owned)).collect::<Vec<_>>();
        (ids, loaded.strangers.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let all = |owned: [bool; 4]| ["t1", "t2", "t3", "t4"].map(str::to_owned).into_iter().zip(owned).collect::<Vec<_>>();
    for other in [Some("other"), None] {
        let (_, loaded) = open("other", other);
        assert_eq!(rows(&loaded).0, all([false, true, false, true]), "what nobody watches over is anybody's");
    }
    let (mine, loaded) = open("mine", Some("mine"));
    assert_eq!(rows(&loaded), (all([true, false, true, true]), vec![]));
    drop(mine);
    let (_, loaded) = open("other", Some("other"));
    assert_eq!(rows(&loaded).0, all([false, true, false, true]), "it has an owner that lives");
}

#[tokio::test]
async fn after_the_grace_anybody_takes_it() {
    let home = tempfile::tempdir().unwrap();
    let (gone, _) =
        Store::open(home.path(), Path::new("/w"), Owner { grace: Duration::ZERO, ..of_client("gone", Some("a")) })
            .unwrap();
    let held = Task { label: "held".into(), status: Status::Running, ..task("t1", 1) };
    gone.written(Write::SaveTask(Box::new(held))).await.unwrap();
    drop(gone);
    let (_, loaded) = Store::open(home.path(), Path::new("/w"), of_client("other", Some("b"))).unwrap();
    assert!(loaded.tasks[0].owned);
    assert_eq!(loaded.strangers, ["t1".into()]);
}

#[tokio::test]
async fn what_lives_is_loaded_however_old_it_is() {
    let home = tempfile::tempdir().unwrap();
    let (gone, _) = open_as(home.path(), "gone");
    gone.write(Write::SaveTask(Box::new(Task { status: Status::Running, ..task("old", 1) })));
    for n in 0..300 {
        gone.write(Write::SaveTask(Box::new(Task { status: Status::Succeeded, ..task(&format!("n{n}"), 2 + n) })));
    }
    gone.flush().await.unwrap();
    drop(gone);
    let (_, loaded) = open_as(home.path(), "next");
    assert_eq!((loaded.tasks.len(), loaded.tasks[0].id.as_str()), (201, "old"));
}

#[tokio::test]
async fn what_a_living_window_will_tell_is_not_told_by_another() {
    let home = tempfile::tempdir().unwrap();
    let (first, _) = open_as(home.path(), "first");
    for id in ["t1", "t2"] {
        let ended = Task { status: Status::Succeeded, ..task(id, 1) };
        first.write(Write::SaveTask(Box::new(ended)));
        first.write(notify(id, Some("s1")));
    }
    first.write(Write::SaveSession(session("s1", 2)));
    first.flush().await.unwrap();
    let (second, loaded) = open_as(home.path(), "second");
    assert_eq!(loaded.notifications, []);
    let elsewhere = Elsewhere { owner: "first".into(), same_client: false };
    assert_eq!(second.load_session("s1".into()).await.unwrap().unwrap().elsewhere, Some(elsewhere));
    assert_eq!(first.load_session("s1".into()).await.unwrap().unwrap().elsewhere, None);
}

#[tokio::test]
async fn what_was_told_of_another_ones_row_counts() {
    let home = tempfile::tempdir().unwrap();
    let (first, _) = open_as(home.path(), "first");
    let ended = Task { status: Status::Succeeded, delivery: Delivery::Pending, ..task("t1", 1) };
    first.write(Write::SaveTask(Box::new(ended)));
    first.write(notify("t1", Some("s1")));
    first.flush().await.unwrap();
    let delivery = |name: &str| {
        let task = open_as(home.path(), name).1.tasks.remove(0);
        (task.delivery, task.delivered_turn)
    };
    // The session is the second one's.
    let (second, _) = open_as(home.path(), "second");
    assert_eq!(delivery("third"), (Delivery::Pending, None));
    second.written(append(0, &["a"], &["t1"])).await.unwrap();
    assert_eq!(delivery("third"), (Delivery::Carried, None));
    let turn = TurnId::from("turn1");
    let delivered = Write::MarkDelivered { session: "s1".into(), keys: vec![key("t1")], turn: turn.clone() };
    second.written(delivered).await.unwrap();
    assert_eq!(delivery("third"), (Delivery::Delivered, Some(turn)));
}

#[tokio::test]
async fn what_a_full_disk_kept_out_goes_in_later() {
    let home = tempfile::tempdir().unwrap();
    let (store, _) = open(home.path());
    store.written(Write::SaveSession(session("s1", 2))).await.unwrap();
    let pages = |most: u32| store.read(move |file| Ok(file.pragma_update(None, "max_page_count", most)?));
    pages(1).await.unwrap();
    let long = "long ".repeat(10_000);
    store.write(Write::SaveTask(Box::new(Task { command: long.clone(), ..task("t1", 1) })));
    store.write(notify("t1", Some("s1")));
    let refused = store.written(append(0, &[&long], &["t1"])).await;
    assert!(matches!(refused, Err(StoreError::NotWritable(_))), "{refused:?}");
    assert!(store.trouble().borrow().is_some());

    pages(1_000_000).await.unwrap();
    store.written(append(1, &["the next prompt"], &[])).await.unwrap();
    assert_eq!(*store.trouble().borrow(), None);
    assert_eq!(loaded(&store).await.items, [item(&long), item("the next prompt")]);
    let (_again, found) = open(home.path());
    assert_eq!(found.tasks.len(), 1);
    assert_eq!(found.notifications[0].state, Delivery::Carried);
}
