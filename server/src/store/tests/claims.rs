//! Claims over several windows: one at a time has a class, whatever becomes of the windows.

use std::sync::Barrier;
use std::thread;

use super::{open_as, task};
use crate::store::{Store, StoreError, Write};
use crate::task::model::Status;

/// A window whose task wants the classes.
async fn claim(store: &Store, id: &str, classes: &[&str]) -> Result<(), StoreError> {
    store.write(Write::SaveTask(Box::new(task(id, 1))));
    let classes = classes.iter().map(|class| (*class).to_owned()).collect();
    store.written(Write::Claim { task: id.into(), run: 1, classes }).await
}

fn release(store: &Store, id: &str) {
    store.write(Write::Release { task: id.into(), run: 1 });
}

fn held(id: &str) -> Result<(), StoreError> {
    Err(StoreError::Held(id.into()))
}

#[tokio::test]
async fn a_class_is_one_windows_until_it_is_released() {
    let home = tempfile::tempdir().unwrap();
    let (a, b) = (open_as(home.path(), "a").0, open_as(home.path(), "b").0);
    assert_eq!(claim(&a, "t1", &["x"]).await, Ok(()));
    assert_eq!(claim(&a, "t1", &["x"]).await, Ok(()), "it is its own");
    assert_eq!(claim(&b, "t2", &["x"]).await, held("t1"));
    assert_eq!(claim(&b, "t3", &["y"]).await, Ok(()));
    release(&a, "t1");
    a.flush().await.unwrap();
    assert_eq!(claim(&b, "t2", &["x"]).await, Ok(()));
    assert_eq!(claim(&a, "t4", &["y", "x"]).await, held("t3"));
}

#[tokio::test]
async fn windows_are_served_in_the_order_in_which_they_came() {
    let home = tempfile::tempdir().unwrap();
    let (a, b, c) = (open_as(home.path(), "c").0, open_as(home.path(), "b").0, open_as(home.path(), "a").0);
    assert_eq!(claim(&a, "t1", &["x"]).await, Ok(()));
    assert_eq!(claim(&b, "t2", &["x", "y"]).await, held("t1"));
    assert_eq!(claim(&c, "t3", &["y"]).await, held("t2"), "who waits longer comes first");
    release(&a, "t1");
    a.flush().await.unwrap();
    assert_eq!(claim(&a, "t4", &["x"]).await, held("t2"), "a window with more to do goes to the end");
    assert_eq!(claim(&b, "t2", &["x", "y"]).await, Ok(()));
    assert_eq!(claim(&c, "t3", &["y"]).await, held("t2"));
    // Stopped while it waited.
    release(&a, "t4");
    release(&b, "t2");
    a.flush().await.unwrap();
    b.flush().await.unwrap();
    assert_eq!(claim(&c, "t5", &["y", "x"]).await, Ok(()));
}

#[tokio::test]
async fn what_a_dead_window_held_is_free_unless_its_task_was_taken_over() {
    let home = tempfile::tempdir().unwrap();
    let gone = open_as(home.path(), "gone").0;
    let b = open_as(home.path(), "b").0;
    assert_eq!(claim(&gone, "t1", &["x"]).await, Ok(()));
    assert_eq!(claim(&gone, "t2", &["y"]).await, Ok(()));
    assert_eq!(claim(&b, "t3", &["x"]).await, Ok(()), "its owner is dead");
    // Under its shim a run outlives its owner for a while.
    assert_eq!(claim(&gone, "t6", &["z"]).await, Ok(()));
    gone.write(Write::SaveTask(Box::new(crate::task::model::Task { label: "held".into(), ..task("t6", 1) })));
    gone.flush().await.unwrap();
    assert_eq!(claim(&b, "t7", &["z"]).await, held("t6"));
    // The other one goes on in a window that has taken it over.
    let a = open_as(home.path(), "a").0;
    a.write(Write::SaveTask(Box::new(task("t2", 1))));
    a.flush().await.unwrap();
    assert_eq!(claim(&b, "t4", &["y"]).await, held("t2"));
    assert_eq!(claim(&a, "t5", &["y"]).await, held("t2"), "nor does the window that has it start another");
    a.write(Write::SaveTask(Box::new(crate::task::model::Task { status: Status::Failed, ..task("t2", 1) })));
    a.flush().await.unwrap();
    release(&a, "t5");
    a.flush().await.unwrap();
    assert_eq!(claim(&b, "t4", &["y"]).await, Ok(()), "it has ended");
}

#[test]
fn of_many_at_the_same_moment_one_gets_it() {
    let home = tempfile::tempdir().unwrap();
    open_as(home.path(), "first");
    let barrier = Barrier::new(6);
    let granted: Vec<bool> = thread::scope(|scope| {
        let windows: Vec<_> = (0..6)
            .map(|at| {
                let (home, barrier) = (home.path(), &barrier);
                scope.spawn(move || {
                    let store = open_as(home, &format!("w{at}")).0;
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    barrier.wait();
                    runtime.block_on(claim(&store, &format!("t{at}"), &["x", "y"])).is_ok()
                })
            })
            .collect();
        windows.into_iter().map(|window| window.join().unwrap()).collect()
    });
    assert_eq!(granted.iter().filter(|granted| **granted).count(), 1, "{granted:?}");
}
