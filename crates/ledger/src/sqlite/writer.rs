//! The only thread that writes to the store. Jobs that arrive during a write are committed together afterwards.

use std::{
    sync::mpsc::{self, Sender},
    thread,
};

use runninghub_core::say;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::file::failed;
use crate::{Error, ErrorKind};

/// The maximum number of jobs per commit: they share a flush of the disk, and no caller waits long for others.
const TOGETHER: usize = 256;

/// Does its work in an open transaction, and returns the function that reports the result to the caller.
type Job = Box<dyn FnOnce(Result<&Connection, Error>) -> Reply + Send>;
type Reply = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Sends jobs to the thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Writer(Sender<Job>);

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, Error> {
        let (sender, jobs) = mpsc::channel::<Job>();
        let work = move || {
            while let Ok(first) = jobs.recv() {
                let more = jobs.try_iter().take(TOGETHER - 1);
                commit(&connection, std::iter::once(first).chain(more));
            }
        };
        thread::Builder::new().name("ledger".to_owned()).spawn(work).map_err(|error| {
            Error::new(ErrorKind::Store, say!("the ledger cannot be started")).with_source(error)
        })?;
        Ok(Self(sender))
    }

    /// Runs the work in a transaction. When this returns, either all of the work is on disk or none.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let stopped = || Error::new(ErrorKind::Store, say!("the ledger has stopped"));
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = connection.and_then(|connection| with_savepoint(connection, work));
            // The caller may have given up by now; committed work stays committed.
            Box::new(move |committed| drop(sender.send(committed.and(result))))
        });
        self.0.send(job).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

fn commit(connection: &Connection, jobs: impl Iterator<Item = Job>) {
    let run = |sql| connection.execute_batch(sql).map_err(failed);
    let begun = run("BEGIN IMMEDIATE");
    let replies: Vec<Reply> = jobs.map(|job| job(begun.clone().map(|()| connection))).collect();
    let committed = begun.and_then(|()| run("COMMIT"));
    if committed.is_err() {
        // On a full disk SQLite has already rolled back, and this fails.
        let _ = run("ROLLBACK");
    }
    for reply in replies {
        reply(committed.clone());
    }
}

/// Runs work in a savepoint: if it fails, only its own changes are rolled back, not those of other jobs.
fn with_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let run = |sql| connection.execute_batch(sql).map_err(failed);
    run("SAVEPOINT work")?;
    let result = work(connection);
    if result.is_err() {
        run("ROLLBACK TO work")?;
    }
    run("RELEASE work")?;
    result
}
