//! The thread that owns the connection. Jobs are done in the order in which they were sent. Writes that wait in the queue
//! share a commit, each in a savepoint of its own: one that fails takes no other with it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::watch;

use super::backlog::Backlog;
use super::command::Write;
use super::error::StoreError;
use super::owners::Owner;
use super::{Done, apply, checkpoint};

/// Most writes of one commit.
const BATCH: usize = 256;
/// How often a commit is tried while another process holds the file; each try waits for SQLite's own 5 s.
const TRIES: usize = 3;

type Read = Box<dyn FnOnce(&Connection) + Send>;

pub(super) enum Job {
    Write(Write, Option<Done>),
    Read(Read),
}

/// The sending side. The queue has no bound: senders must not wait for a disk, and what they send is bounded by what
/// commands and models produce.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    trouble: watch::Receiver<Option<StoreError>>,
}

impl Writer {
    pub(super) fn start(mut connection: Connection, owner: Owner) -> Result<Self, StoreError> {
        checkpoint::beside(&mut connection)?;
        let (jobs, queue) = channel();
        let (say, trouble) = watch::channel(None);
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || run(connection, &owner, &queue, &say))
            .map_err(|error| StoreError::Other(format!("no thread for it: {error}")))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), trouble })
    }

    pub(super) fn send(&self, job: Job) {
        let unsent = match &self.jobs {
            Some(jobs) => jobs.send(job).err().map(|error| error.0),
            None => Some(job),
        };
        // A read that is dropped tells its waiter that the store is closed.
        if let Some(Job::Write(write, done)) = unsent {
            tracing::error!(?write, "the store is closed: a write is lost");
            if let Some(done) = done {
                done(Err(StoreError::Closed));
            }
        }
    }

    pub(super) fn trouble(&self) -> watch::Receiver<Option<StoreError>> {
        self.trouble.clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}

fn run(mut connection: Connection, owner: &Owner, queue: &Receiver<Job>, trouble: &watch::Sender<Option<StoreError>>) {
    let mut held = None;
    let mut backlog = Backlog::default();
    while let Some(job) = held.take().or_else(|| queue.recv().ok()) {
        match job {
            Job::Read(read) => read(&connection),
            Job::Write(write, done) => {
                let late = backlog.take().into_iter().map(|write| (write, None));
                let mut batch: Vec<_> = late.chain([(write, done)]).collect();
                let most = batch.len() + BATCH;
                while batch.len() < most && held.is_none() {
                    match queue.try_recv() {
                        Ok(Job::Write(write, done)) => batch.push((write, done)),
                        Ok(read) => held = Some(read),
                        Err(_) => break,
                    }
                }
                finish(&mut connection, owner, batch, &mut backlog, trouble);
            }
        }
    }
}

fn finish(
    connection: &mut Connection,
    owner: &Owner,
    batch: Vec<(Write, Option<Done>)>,
    backlog: &mut Backlog,
    trouble: &watch::Sender<Option<StoreError>>,
) {
    let mut tries = 1;
    let outcome = loop {
        match commit(connection, owner, &batch) {
            Err(StoreError::Busy(_)) if tries < TRIES => tries += 1,
            outcome => break outcome,
        }
    };
    // The file may take them later. (A write that is refused for what it says does not end the others.)
    let keep = matches!(outcome, Err(StoreError::NotWritable(_) | StoreError::Busy(_)));
    let results = outcome.unwrap_or_else(|error| batch.iter().map(|_| Err(error.clone())).collect());
    // A write that was refused for what it says is its sender's affair; the file is fine.
    let refused = |error: &&StoreError| {
        matches!(
            error,
            StoreError::NotPending(_) | StoreError::OutOfOrder(_) | StoreError::Held(_) | StoreError::Moved(_)
        )
    };
    let failed = results.iter().filter_map(|result| result.as_ref().err()).find(|error| !refused(error)).cloned();
    if let Some(error) = &failed {
        tracing::error!(%error, "a write to the store failed");
    }
    trouble.send_if_modified(|said| {
        let changed = *said != failed;
        *said = failed;
        changed
    });
    for ((write, done), result) in batch.into_iter().zip(results) {
        // A claim is for now: late it would be nobody's.
        if keep && !matches!(write, Write::Claim { .. }) {
            backlog.keep(write);
        }
        if let Some(done) = done {
            done(result);
        }
    }
}

/// One transaction; the results of its writes, or the error that undid them all.
fn commit(
    connection: &mut Connection,
    owner: &Owner,
    batch: &[(Write, Option<Done>)],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut results = Vec::with_capacity(batch.len());
    for (write, _) in batch {
        let savepoint = transaction.savepoint()?;
        let result = match apply::apply(&savepoint, write, owner) {
            Ok(()) => savepoint.commit().map_err(StoreError::from),
            // Who was refused has a place in the queue now.
            Err(error @ StoreError::Held(_)) => savepoint.commit().map_err(StoreError::from).and(Err(error)),
            // Takes back what this write had done so far.
            Err(error) => match savepoint.finish() {
                Ok(()) => Err(error),
                // SQLite took the whole transaction back, and what it said first is the reason.
                Err(_) => return Err(error),
            },
        };
        // SQLite itself takes the whole transaction back where the disk is full or breaks.
        if transaction.is_autocommit() {
            return Err(result.err().unwrap_or_else(|| StoreError::Other("the transaction was taken back".into())));
        }
        // The disk's affair, and not this write's: none of them is in.
        if let Err(error @ (StoreError::NotWritable(_) | StoreError::Busy(_))) = result {
            return Err(error);
        }
        results.push(result);
    }
    transaction.commit()?;
    Ok(results)
}
