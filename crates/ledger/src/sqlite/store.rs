//! The statements.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use runninghub_core::TaskId;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::{
    file::{self, failed},
    owner::{self, Owner},
    writer::Writer,
};
use crate::{
    AttemptId, Entry, Error, ErrorKind, Filter, Intent, Ledger, Salt, State, Step,
    failpoint::{self, Place},
    memory::{now_ms, taken_by_another, unknown_attempt},
};

/// Why a submit is unknown that its process has left behind.
const LEFT: &str = "the process ended before the answer";
/// Why a submit is over that its process has left behind.
const LEFT_WAITING: &str = "the process ended while it waited for a free slot";

/// A ledger in a SQLite file of a folder. Any number of processes of one machine may use it at once.
#[derive(Debug)]
pub struct SqliteLedger {
    writer: Writer,
    folder: PathBuf,
    /// Made with the first submit: who only looks leaves no trace.
    owner: Arc<Mutex<Option<Owner>>>,
    salt: Salt,
}

impl SqliteLedger {
    /// Opens the ledger of a folder; makes both where they are missing, for nobody but the user.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] where the folder cannot be used or is on a network file system; [`ErrorKind::Newer`];
    /// [`ErrorKind::Corrupt`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let connection = file::open(folder)?;
        let salt = salt(&connection)?;
        Ok(Self {
            writer: Writer::start(connection)?,
            folder: folder.to_owned(),
            owner: Arc::default(),
            salt,
        })
    }

    /// Whether the file is whole: SQLite's own check of all its pages and indexes.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] where it is not, [`ErrorKind::Store`] where it cannot be read.
    pub async fn check(&self) -> Result<(), Error> {
        self.writer
            .run(|connection| {
                let found: String = connection
                    .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
                    .map_err(failed)?;
                if found == "ok" { Ok(()) } else { Err(Error::new(ErrorKind::Corrupt, found)) }
            })
            .await
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn begin(&self, intent: Intent) -> Result<AttemptId, Error> {
        let (owner, folder) = (Arc::clone(&self.owner), self.folder.clone());
        let attempt = self
            .writer
            .run(move |connection| {
                failpoint::hit(None, State::Submitting, Place::Before);
                let owner = own(&owner, &folder)?;
                let attempt = AttemptId::random()?;
                let sql = "INSERT INTO attempt
                    (id, owner, created, changed, site, base_url, key, kind, workflow, target, body, secret, state)
                    VALUES (:id, :owner, :now, :now, :site, :base_url, :key, :kind, :workflow, :target, :body, :secret, :state)";
                let values = named_params! {
                    ":id": attempt.as_str(),
                    ":owner": owner,
                    ":now": i64::try_from(now_ms()).unwrap_or(i64::MAX),
                    ":site": intent.site,
                    ":base_url": intent.base_url,
                    ":key": intent.key,
                    ":kind": intent.kind,
                    ":workflow": intent.workflow.as_ref().map(AsRef::<str>::as_ref),
                    ":target": intent.target,
                    ":body": intent.body.to_string(),
                    ":secret": intent.secret.map(|secret| secret.to_string()),
                    ":state": State::Submitting.as_str(),
                };
                connection.execute(sql, values).map_err(failed)?;
                Ok(attempt)
            })
            .await?;
        failpoint::hit(None, State::Submitting, Place::After);
        Ok(attempt)
    }

    async fn advance(&self, attempt: &AttemptId, step: Step) -> Result<State, Error> {
        let (attempt, to) = (attempt.clone(), step.state());
        let from = self.writer.run(move |connection| advance(connection, &attempt, &step)).await?;
        failpoint::hit(Some(from), to, Place::After);
        Ok(from)
    }

    async fn saved(&self, attempt: &AttemptId, folder: &str) -> Result<(), Error> {
        let (attempt, folder) = (attempt.clone(), folder.to_owned());
        self.writer
            .run(move |connection| {
                let sql = "UPDATE task SET saved = ?2 WHERE attempt = (SELECT n FROM attempt WHERE id = ?1)";
                let changed = connection.execute(sql, params![attempt.as_str(), folder]).map_err(failed)?;
                if changed == 0 { Err(unknown_attempt()) } else { Ok(()) }
            })
            .await
    }

    async fn cancelling(&self, attempt: &AttemptId, is_cancelling: bool) -> Result<(), Error> {
        let attempt = attempt.clone();
        self.writer
            .run(move |connection| {
                let sql =
                    "UPDATE task SET cancelling = ?2 WHERE attempt = (SELECT n FROM attempt WHERE id = ?1)";
                let changed =
                    connection.execute(sql, params![attempt.as_str(), is_cancelling]).map_err(failed)?;
                if changed == 0 { Err(unknown_attempt()) } else { Ok(()) }
            })
            .await
    }

    async fn entries(&self, filter: Filter) -> Result<Vec<Entry>, Error> {
        let folder = self.folder.clone();
        self.writer
            .run(move |connection| {
                recover(connection, &folder)?;
                select(connection, &filter)
            })
            .await
    }

    fn salt(&self) -> Salt {
        self.salt
    }
}

fn salt(connection: &Connection) -> Result<Salt, Error> {
    let fresh = Salt::random()?;
    connection
        .execute("INSERT OR IGNORE INTO fact (name, value) VALUES ('salt', ?1)", [fresh.as_bytes()])
        .map_err(failed)?;
    let bytes: Vec<u8> = connection
        .query_row("SELECT value FROM fact WHERE name = 'salt'", [], |row| row.get(0))
        .map_err(failed)?;
    Salt::from_bytes(&bytes).ok_or_else(|| Error::new(ErrorKind::Corrupt, "the ledger's salt is damaged"))
}

fn own(owner: &Mutex<Option<Owner>>, folder: &Path) -> Result<String, Error> {
    let mut owner = owner.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(owner) = &*owner {
        return Ok(owner.name.clone());
    }
    let new = Owner::register(folder)?;
    Ok(owner.insert(new).name.clone())
}

fn advance(connection: &Connection, attempt: &AttemptId, step: &Step) -> Result<State, Error> {
    let sql = "SELECT n, state, task.id, attempt.base_url FROM attempt LEFT JOIN task ON task.attempt = n
        WHERE attempt.id = ?1";
    let found = connection
        .query_row(sql, [attempt.as_str()], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<String>>(2)?,
                row.get::<_, String>(3)?,
            ))
        })
        .optional()
        .map_err(failed)?;
    let (number, state, task, base_url) = found.ok_or_else(unknown_attempt)?;
    let state: State = state.parse()?;
    if !step.applies(state, task.map(TaskId::from).as_ref())? {
        return Ok(state);
    }
    failpoint::hit(Some(state), step.state(), Place::Before);
    if let Step::Accepted { task } = step {
        let sql = "INSERT INTO task (base_url, id, attempt) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let inserted = connection.execute(sql, params![base_url, task.as_str(), number]).map_err(failed)?;
        if inserted == 0 {
            return Err(taken_by_another(task.as_str()));
        }
    }
    if let Some(cost) = step.cost() {
        let cost = serde_json::to_string(cost)
            .map_err(|error| Error::new(ErrorKind::Store, "the cost cannot be kept").because(error))?;
        connection
            .execute("UPDATE task SET cost = ?2 WHERE attempt = ?1", params![number, cost])
            .map_err(failed)?;
    }
    set(connection, number, step.state(), step.note())?;
    Ok(state)
}

fn set(connection: &Connection, number: i64, state: State, note: Option<&str>) -> Result<(), Error> {
    let now = i64::try_from(now_ms()).unwrap_or(i64::MAX);
    connection
        .execute(
            "UPDATE attempt SET state = ?2, note = ?3, changed = ?4 WHERE n = ?1",
            params![number, state.as_str(), note, now],
        )
        .map_err(failed)?;
    Ok(())
}

/// Takes care of what dead processes have left between two states.
fn recover(connection: &Connection, folder: &Path) -> Result<(), Error> {
    let sql = "SELECT n, owner, state FROM attempt WHERE state IN ('submitting', 'waiting')";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failed)?;
    let mut dead = std::collections::BTreeMap::new();
    for (number, owner, state) in rows {
        if *dead.entry(owner).or_insert_with_key(|owner| owner::is_dead(folder, owner)) {
            let (next, note) = match state.parse()? {
                State::Waiting => (State::Refused, LEFT_WAITING),
                _ => (State::Unknown, LEFT),
            };
            set(connection, number, next, Some(note))?;
        }
    }
    owner::sweep(folder);
    Ok(())
}

const SELECT: &str =
    "SELECT attempt.id, state, created, changed, site, attempt.base_url, key, kind, workflow, body,
    secret, note, task.id, cost, saved, target, cancelling FROM attempt LEFT JOIN task ON task.attempt = n
    WHERE (:attempt IS NULL OR substr(attempt.id, 1, length(:attempt)) = :attempt)
        AND (:task IS NULL OR task.id = :task)
        AND (:secret IS NULL OR secret = :secret)
        AND (:key IS NULL OR key = :key)
        AND (NOT :open OR state IN ('submitting', 'waiting', 'unknown', 'accepted'))
        AND (NOT :with_task OR task.id IS NOT NULL)
    ORDER BY n DESC LIMIT :limit";

fn select(connection: &Connection, filter: &Filter) -> Result<Vec<Entry>, Error> {
    let mut statement = connection.prepare(SELECT).map_err(failed)?;
    let values = named_params! {
        ":attempt": filter.attempt,
        ":task": filter.task.as_ref().map(AsRef::<str>::as_ref),
        ":secret": filter.secret.map(|secret| secret.to_string()),
        ":key": filter.key,
        ":open": filter.open,
        ":with_task": filter.with_task,
        ":limit": filter.limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1),
    };
    let mut rows = statement.query(values).map_err(failed)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}

fn entry(row: &Row<'_>) -> Result<Entry, Error> {
    let text = |at: usize| row.get::<_, String>(at).map_err(failed);
    let maybe = |at: usize| row.get::<_, Option<String>>(at).map_err(failed);
    let time = |at: usize| row.get::<_, i64>(at).map_err(failed).map(|ms| u64::try_from(ms).unwrap_or(0));
    let cost = maybe(13)?.map(|cost| serde_json::from_str(&cost)).transpose().map_err(|error| {
        Error::new(ErrorKind::Corrupt, "the ledger holds a cost that cannot be read").because(error)
    })?;
    Ok(Entry {
        attempt: text(0)?.as_str().into(),
        state: text(1)?.parse()?,
        created_ms: time(2)?,
        changed_ms: time(3)?,
        intent: Intent {
            site: text(4)?,
            base_url: text(5)?,
            key: text(6)?,
            kind: text(7)?,
            workflow: maybe(8)?.map(Into::into),
            target: maybe(15)?,
            body: text(9)?.parse()?,
            secret: maybe(10)?.map(|secret| secret.parse()).transpose()?,
        },
        note: maybe(11)?,
        task: maybe(12)?.map(Into::into),
        cost,
        saved: maybe(14)?,
        cancelling: row.get::<_, Option<bool>>(16).map_err(failed)?.unwrap_or(false),
    })
}
