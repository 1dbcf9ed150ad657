//! The reader thread. It has its own connection, so that queries don't wait for writes.

use std::{
    sync::mpsc::{self, Sender},
    thread,
};

use runninghub_core::say;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{Error, ErrorKind};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Sends queries to the thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Reader(Sender<Job>);

impl Reader {
    pub(super) fn start(connection: Connection) -> Result<Self, Error> {
        let (sender, jobs) = mpsc::channel::<Job>();
        let work = move || jobs.iter().for_each(|job| job(&connection));
        thread::Builder::new().name("ledger-read".to_owned()).spawn(work).map_err(|error| {
            Error::new(ErrorKind::Store, say!("the ledger cannot be started")).with_source(error)
        })?;
        Ok(Self(sender))
    }

    /// Runs a query. Each of its statements sees everything committed before it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let stopped = || Error::new(ErrorKind::Store, say!("the ledger has stopped"));
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // The caller may have given up.
            if !sender.is_closed() {
                let _ = sender.send(query(connection));
            }
        });
        self.0.send(job).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}
