//! Between the owner's words and the store's: opening, writing in order, reading sessions back.

use std::path::Path;
use std::time::Duration;

use crate::agent::notification::Key;
use crate::ids::SessionId;
use crate::store::{self, LoadedSession, NotificationKey, Others, Owner, Store, StoreError, StoredNotification, World};
use crate::task::lease;
use crate::task::model::Delivery;

use super::effect::{Refusal, Reply, SessionRow, Write};
use super::event::{Event, Loaded, StoredEdit, StoredReport, StoredSession};
use super::inbox::Inbox;
use super::small::TitleBy;
use super::turn_log::TurnRecord;

/// Opens the workspace's store for the client of that token and reads what it holds. When that cannot be, the sidecar
/// goes on without memory and says so.
pub(super) fn open(state_home: &Path, root: &Path, token: Option<String>, grace: Duration) -> (Store, Loaded, Others) {
    let world =
        World { lives: lease::lives, gone_within: lease::gone_within, is_held: lease::is_held, runs: lease::runs };
    let owner = Owner { name: lease::own(), token, grace, world };
    match Store::open(state_home, root, owner) {
        Err(error) => forgetful(error.to_string()),
        Ok((store, found)) => {
            let reports = pending(&found.notifications);
            let loaded = Loaded { tasks: found.tasks, strangers: found.strangers, reports, ..Loaded::default() };
            (store, loaded, found.seen)
        }
    }
}

/// A store that forgets, for when none can be opened.
pub(super) fn forgetful(problem: String) -> (Store, Loaded, Others) {
    let store = Store::in_memory().expect("a database in memory needs nothing from outside");
    let problem = Some(format!("Nothing is remembered beyond this window: {problem}"));
    (store, Loaded { problem, ..Loaded::default() }, Others::default())
}

/// What is still to be told.
pub(super) fn pending(notifications: &[StoredNotification]) -> Vec<StoredReport> {
    notifications
        .iter()
        .filter(|stored| stored.state == Delivery::Pending)
        .filter_map(|stored| serde_json::from_str::<StoredReport>(&stored.body).ok().map(|report| (stored, report)))
        .map(|(stored, report)| StoredReport { session: stored.session.clone(), ..report })
        .collect()
}

fn key(key: &Key) -> NotificationKey {
    NotificationKey { task: key.task.clone(), run: key.run, kind: key.about.clone() }
}

fn keys(keys: &[Key]) -> Vec<NotificationKey> {
    keys.iter().map(key).collect()
}

/// Queues one write. What becomes of an append comes back as an event.
pub(super) fn write(store: &Store, write: Write, inbox: &Inbox) {
    let plain = match write {
        Write::Task(task) => store::Write::SaveTask(task),
        Write::ForgetTask(task) => store::Write::DeleteTask(task),
        Write::Session(session) => store::Write::SaveSession(row(&session)),
        Write::System { session, text } => store::Write::SaveSystem { session, text },
        Write::DeleteSession(session) => store::Write::DeleteSession(session),
        Write::Edit(edit) => {
            let StoredEdit { session, turn, path, before, after, new_folders, at } = *edit;
            store::Write::SaveChange(Box::new(store::FileEdit { session, turn, path, before, after, new_folders, at }))
        }
        Write::RevertsTold(session) => store::Write::ChangesTold(session),
        Write::Plan { session, plan } => {
            store::Write::SavePlan { session, json: serde_json::to_string(&plan).unwrap_or_default() }
        }
        Write::Report(stored) => store::Write::Notify {
            key: key(&stored.report.key),
            session: stored.session.clone(),
            body: serde_json::to_string(&*stored).unwrap_or_default(),
            created_at: stored.at,
        },
        Write::Withdraw(which) => store::Write::Withdraw(keys(&which)),
        Write::Results { command, results } => store::Write::SaveResults { command, results },
        Write::Assign { keys: which, session } => store::Write::AssignNotifications { keys: keys(&which), session },
        Write::Delivered { session, keys: which, turn } => {
            store::Write::MarkDelivered { session, keys: keys(&which), turn }
        }
        Write::GiveReports { from, to } => store::Write::GiveNotifications { from, to },
        Write::Turn { session, at, record } => match serde_json::to_string(&record) {
            Ok(json) => store::Write::SaveTurn { session, seq: at as u64, json },
            Err(error) => return tracing::error!(%error, "a turn cannot be written"),
        },
        Write::Rule { rule, script } => store::Write::SaveRule { rule, script },
        Write::RemoveRule(rule) => store::Write::RemoveRule(rule),
        Write::Release(run) => store::Write::Release { task: run.task, run: run.run },
        Write::Claim { run: id, classes } => {
            let claim = store::Write::Claim { task: id.task.clone(), run: id.run, classes };
            let inbox = inbox.clone();
            return store.write_then(claim, move |result| {
                // A store that cannot be written keeps nobody from working.
                let result = match result {
                    Err(StoreError::Held(task)) => Err(task),
                    _ => Ok(()),
                };
                inbox.tell(Event::Claimed { id, result });
            });
        }
        Write::Append { session, first, items, carried, commit } => {
            let append = store::Write::AppendItems {
                session,
                first_seq: first as u64,
                items: items.iter().map(|item| (**item).clone()).collect(),
                carried: keys(&carried),
            };
            let inbox = inbox.clone();
            return store.write_then(append, move |result| {
                let result = result.map_err(|error| error.to_string());
                inbox.tell(Event::Committed { commit, result });
            });
        }
    };
    store.write(plain);
}

fn row(session: &StoredSession) -> store::SessionRow {
    store::SessionRow {
        id: session.id.clone(),
        title: session.title.clone(),
        title_by: session.title_by.as_str().to_owned(),
        cwd: session.cwd.clone(),
        mode: session.mode.clone(),
        model: Some(session.model.clone()),
        created_at: session.created_at,
        updated_at: session.updated_at,
        turns: session.turns,
        usage: serde_json::to_string(&session.usage).ok(),
        open: true,
    }
}

/// A session that was read, in the owner's words.
pub(super) fn session(read: Result<Option<LoadedSession>, StoreError>) -> Result<Option<Box<StoredSession>>, String> {
    let Some(loaded) = read.map_err(|error| error.to_string())? else { return Ok(None) };
    let pending = pending(&loaded.notifications);
    let carried = loaded
        .notifications
        .iter()
        .filter(|stored| stored.state == Delivery::Carried)
        .map(|stored| Key { task: stored.key.task.clone(), run: stored.key.run, about: stored.key.kind.clone() })
        .collect();
    let row = loaded.row;
    Ok(Some(Box::new(StoredSession {
        id: row.id,
        title: row.title,
        title_by: TitleBy::parse(&row.title_by),
        cwd: row.cwd,
        mode: row.mode,
        model: row.model.unwrap_or_default(),
        created_at: row.created_at,
        updated_at: row.updated_at,
        turns: row.turns,
        usage: row.usage.and_then(|usage| serde_json::from_str(&usage).ok()).unwrap_or_default(),
        system: loaded.system,
        history: loaded.items,
        tasks: loaded.tasks,
        head: loaded.head,
        log: turns(&loaded.turns),
        carried,
        pending,
        reverted: loaded.reverted,
        // One of another version is as none.
        plan: loaded.plan.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default(),
    })))
}

/// The turns of a session, up to the first that cannot be read: a number would mean another one behind it.
fn turns(stored: &[String]) -> Vec<TurnRecord> {
    stored.iter().map_while(|json| serde_json::from_str(json).ok()).collect()
}

/// The list of sessions, for the client.
pub(super) fn rows(read: Result<Vec<store::SessionRow>, StoreError>, open: &[SessionId]) -> Result<Reply, Refusal> {
    let rows = read.map_err(|error| Refusal::Internal(error.to_string()))?;
    let rows = rows.into_iter().map(|row| SessionRow {
        open: open.contains(&row.id),
        id: row.id,
        title: row.title,
        cwd: row.cwd,
        created_at: row.created_at,
        updated_at: row.updated_at,
        turns: row.turns,
    });
    Ok(Reply::Sessions(rows.collect()))
}
