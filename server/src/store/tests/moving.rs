//! A session is given to another window: all of it at one stroke, and the old one writes no more to it.

use super::*;

#[tokio::test]
async fn what_is_given_away_is_the_others_whole() {
    let home = tempfile::tempdir().unwrap();
    let (one, _) = open_as(home.path(), "one");
    let (two, _) = open_as(home.path(), "two");
    one.write(Write::SaveSession(session("s1", 10)));
    one.write(append(0, &["first"], &[]));
    for id in ["t1", "t2"] {
        one.write(Write::SaveTask(Box::new(Task { status: Status::Running, ..task(id, 1) })));
    }
    one.write(notify("t1", Some("s1")));
    one.flush().await.unwrap();
    let elsewhere = loaded(&two).await.elsewhere.expect("the other one has it");
    assert_eq!(elsewhere.owner, "one");

    let tasks = vec!["t1".into(), "t2".into()];
    one.written(Write::HandOver { session: "s1".into(), tasks, to: "two".into() }).await.unwrap();
    let came = loaded(&two).await;
    assert_eq!((came.elsewhere, came.items.len(), came.notifications.len()), (None, 1, 1));
    let ids: Vec<_> = came.tasks.iter().map(|task| (task.id.to_string(), task.owned)).collect();
    assert_eq!(ids, [("t1".to_owned(), true), ("t2".to_owned(), true)]);
    // The old window sees them as another one's.
    let others = one.others(Others::default()).await.unwrap();
    assert!(others.changed.iter().all(|task| !task.owned) && others.changed.len() == 2, "{:?}", others.changed);

    // A late write of the old window changes nothing, and spoils nothing.
    let refused = one.written(append(1, &["late"], &[])).await;
    assert!(matches!(&refused, Err(StoreError::Moved(id)) if id.as_str() == "s1"), "{refused:?}");
    one.write(Write::SaveSession(SessionRow { title: Some("Late".into()), ..session("s1", 99) }));
    let turn = Write::SaveTurn { session: "s1".into(), seq: 0, json: "{}".into() };
    assert!(matches!(one.written(turn).await, Err(StoreError::Moved(_))));
    two.written(append(1, &["second"], &["t1"])).await.unwrap();
    let kept = loaded(&two).await;
    assert_eq!((kept.row.title.as_deref(), kept.items.len(), kept.turns.len()), (Some("Fix the login"), 2, 0));
    assert_eq!(loaded(&one).await.elsewhere.map(|it| it.owner).as_deref(), Some("two"));
}

#[tokio::test]
async fn only_the_owner_gives() {
    let home = tempfile::tempdir().unwrap();
    let (one, _) = open_as(home.path(), "one");
    let (two, _) = open_as(home.path(), "two");
    one.written(Write::SaveSession(session("s1", 10))).await.unwrap();
    two.written(Write::HandOver { session: "s1".into(), tasks: Vec::new(), to: "two".into() }).await.unwrap();
    assert_eq!(loaded(&two).await.elsewhere.map(|it| it.owner).as_deref(), Some("one"));
}

#[tokio::test]
async fn turns_and_the_title_come_back() {
    let home = tempfile::tempdir().unwrap();
    let (store, _) = open(home.path());
    store.write(Write::SaveSession(SessionRow { title_by: "person".into(), ..session("s1", 10) }));
    for (seq, json) in [(1, "b"), (0, "a"), (1, "c")] {
        store.write(Write::SaveTurn { session: "s1".into(), seq, json: json.into() });
    }
    store.write(Write::SaveHead { session: "s1".into(), head: "abc".into() });
    let came = loaded(&store).await;
    assert_eq!(came.turns, ["a", "c"]);
    assert_eq!((came.row.title_by.as_str(), came.head.as_deref()), ("person", Some("abc")));
    store.written(Write::DeleteSession("s1".into())).await.unwrap();
    store.write(Write::SaveSession(session("s1", 10)));
    assert_eq!(loaded(&store).await.turns.len(), 0);
}
