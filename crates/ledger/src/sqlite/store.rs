//! The SQLite ledger and its statements.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use runninghub_core::{Amount, Sentence, TaskId, say};
use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use super::{
    batches,
    file::{self, failed},
    owner::{self, Owner},
    place,
    reader::Reader,
    select, slots,
    writer::Writer,
};
use crate::{
    Ask, AttemptId, Batch, BatchEntry, Claim, Delivery, Digest, Entry, Error, ErrorKind, Escrow, Filter,
    Intent, Item, ItemEntry, Ledger, MOST_DELIVERIES, Measure, Pool, Salt, SlotFor, Slots, Spending, State,
    Step, Ticket,
    failpoint::{self, Failpoint},
    memory::{key_is_taken, now_ms, sent_already, taken_by_another, too_many_deliveries, unknown_attempt},
};

/// A ledger in a SQLite file in a folder. Any number of processes on one machine may use it at once.
#[derive(Debug)]
pub struct SqliteLedger {
    /// `None` if the folder is read-only.
    writer: Option<Writer>,
    reader: Reader,
    folder: PathBuf,
    /// Created with the first submit, so that read-only use leaves no trace.
    owner: Arc<Mutex<Option<Owner>>>,
    salt: Salt,
}

impl SqliteLedger {
    /// Opens the ledger of a folder; creates both if missing, accessible only to the user.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the folder can't be used or is on a network file system; [`ErrorKind::Newer`];
    /// [`ErrorKind::Corrupt`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let folder = place::folder(folder)?;
        let [writer, reader] = file::open(&folder)?;
        if salt(&writer)?.is_none() {
            draw_salt(&writer)?;
        }
        Self::start(folder, Some(writer), reader)
    }

    /// Opens the ledger of a folder for queries: like [`SqliteLedger::open`], but read-only if the folder isn't
    /// writable. Changes to a read-only ledger fail.
    ///
    /// # Errors
    /// As [`SqliteLedger::open`]; [`ErrorKind::Store`] if the folder isn't readable either.
    pub fn open_to_read(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        Self::open(folder).or_else(|error| {
            let read_only = || {
                let folder = place::find(folder)?;
                let reader = file::open_to_read(&folder)?;
                Self::start(folder, None, reader)
            };
            // Report the error of the writable open, because the user can fix that one.
            if error.kind() == ErrorKind::Store { read_only().map_err(|_| error) } else { Err(error) }
        })
    }

    pub(super) fn start(
        folder: PathBuf,
        writer: Option<Connection>,
        reader: Connection,
    ) -> Result<Self, Error> {
        let damaged = || Error::new(ErrorKind::Corrupt, say!("the ledger's salt is damaged"));
        let salt = salt(&reader)?.ok_or_else(damaged)?;
        Ok(Self {
            writer: writer.map(Writer::start).transpose()?,
            reader: Reader::start(reader)?,
            folder,
            owner: Arc::default(),
            salt,
        })
    }

    fn writer(&self) -> Result<&Writer, Error> {
        let read_only = || Error::new(ErrorKind::Store, say!("the ledger is read-only"));
        self.writer.as_ref().ok_or_else(read_only)
    }

    /// Checks that the file is intact, with SQLite's own check of all pages and indexes.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it isn't, [`ErrorKind::Store`] if it can't be read.
    pub async fn check(&self) -> Result<(), Error> {
        self.reader
            .run(|connection| {
                let found: String = connection
                    .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
                    .map_err(failed)?;
                if found == "ok" {
                    Ok(())
                } else {
                    Err(Error::new(ErrorKind::Corrupt, Sentence::verbatim(found)))
                }
            })
            .await
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn begin(&self, intent: Intent) -> Result<AttemptId, Error> {
        let (owner, folder) = (Arc::clone(&self.owner), self.folder.clone());
        let attempt = self
            .writer()?
            .run(move |connection| {
                let name = own(&owner, &folder)?;
                begin(connection, &intent, &name, |name| is_dead(&owner, &folder, name))
                    .map(|(attempt, _)| attempt)
            })
            .await?;
        failpoint::hit(None, State::Submitting, Failpoint::After);
        Ok(attempt)
    }

    async fn advance(&self, attempt: &AttemptId, step: Step) -> Result<State, Error> {
        let (attempt, to, folder) = (attempt.clone(), step.state(), self.folder.clone());
        let owner = Arc::clone(&self.owner);
        let from = self
            .writer()?
            .run(move |connection| {
                advance(connection, &attempt, &step, |name| is_dead(&owner, &folder, name))
                    .map(|(from, _)| from)
            })
            .await?;
        failpoint::hit(Some(from), to, Failpoint::After);
        Ok(from)
    }

    async fn saved(&self, attempt: &AttemptId, folder: &str) -> Result<(), Error> {
        let (attempt, folder) = (attempt.clone(), folder.to_owned());
        self.writer()?
            .run(move |connection| {
                let sql = "UPDATE task SET saved = ?2 WHERE attempt = (SELECT n FROM attempt WHERE id = ?1)";
                let changed = connection.execute(sql, params![attempt.as_str(), folder]).map_err(failed)?;
                if changed == 0 { Err(unknown_attempt()) } else { Ok(()) }
            })
            .await
    }

    async fn cancelling(&self, attempt: &AttemptId, is_cancelling: bool) -> Result<(), Error> {
        let attempt = attempt.clone();
        self.writer()?
            .run(move |connection| {
                let sql =
                    "UPDATE task SET cancelling = ?2 WHERE attempt = (SELECT n FROM attempt WHERE id = ?1)";
                let changed =
                    connection.execute(sql, params![attempt.as_str(), is_cancelling]).map_err(failed)?;
                if changed == 0 { Err(unknown_attempt()) } else { Ok(()) }
            })
            .await
    }

    async fn keep_delivery(&self, delivery: &Delivery) -> Result<(), Error> {
        let delivery = delivery.clone();
        self.writer()?.run(move |connection| keep(connection, &delivery)).await
    }

    async fn deliveries(&self) -> Result<Vec<Delivery>, Error> {
        self.reader.run(select::deliveries).await
    }

    async fn forget_delivery(&self, delivery: &Delivery) -> Result<(), Error> {
        let delivery = delivery.clone();
        self.writer()?
            .run(move |connection| {
                let sql = "DELETE FROM delivery WHERE task = ?2 AND attempt = (SELECT n FROM attempt WHERE id = ?1)";
                let values = params![delivery.attempt.as_str(), delivery.task.as_str()];
                connection.execute(sql, values).map(drop).map_err(failed)
            })
            .await
    }

    async fn keep_graph(&self, json: &str) -> Result<Digest, Error> {
        let digest = Digest::of(json);
        let is_kept = move |connection: &Connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM graph WHERE digest = ?1)";
            connection.query_row(sql, [digest.to_string()], |row| row.get::<_, bool>(0)).map_err(failed)
        };
        // Most are already stored, and a write waits for the disk.
        if !self.reader.run(is_kept).await? {
            let json = json.to_owned();
            let keep = move |connection: &Connection| {
                let sql = "INSERT OR IGNORE INTO graph (digest, json) VALUES (?1, ?2)";
                connection.execute(sql, params![digest.to_string(), json]).map(drop).map_err(failed)
            };
            self.writer()?.run(keep).await?;
        }
        Ok(digest)
    }

    async fn graph(&self, digest: Digest) -> Result<Option<String>, Error> {
        self.reader
            .run(move |connection| {
                let sql = "SELECT json FROM graph WHERE digest = ?1";
                let found = connection.query_row(sql, [digest.to_string()], |row| row.get(0));
                found.optional().map_err(failed)
            })
            .await
    }

    async fn entries(&self, filter: Filter) -> Result<Vec<Entry>, Error> {
        let folder = self.folder.clone();
        self.reader.run(move |connection| select::entries(connection, &folder, &filter)).await
    }

    async fn claim(&self, pool: &Pool, ask: Ask, slot_for: SlotFor) -> Result<Claim, Error> {
        let (pool, owner, folder) = (pool.clone(), Arc::clone(&self.owner), self.folder.clone());
        let from = if matches!(slot_for, SlotFor::New(_)) { None } else { Some(State::Waiting) };
        let claim = self
            .writer()?
            .run(move |connection| {
                let now = now_ms();
                let name = own(&owner, &folder)?;
                let is_dead = |name: &str| is_dead(&owner, &folder, name);
                let set_aside = match set_aside(connection, &ask, &slot_for, is_dead)? {
                    Ok(set_aside) => set_aside,
                    Err(spending) => return Ok(Claim::TooExpensive(spending)),
                };
                let (ticket, taken) = slots::ask(connection, &pool, &ask, &name, now, is_dead)?;
                let Some(taken) = taken else { return Ok(Claim::Wait(ticket)) };
                let (attempt, number) = match slot_for {
                    SlotFor::New(intent) => begin(connection, &intent, &name, is_dead)?,
                    SlotFor::Again(attempt) => {
                        match advance(connection, &attempt, &Step::Sending, is_dead)? {
                            (State::Submitting, _) => return Err(sent_already()),
                            (_, number) => (attempt, number),
                        }
                    }
                };
                if let Some((reserve, escrow)) = set_aside {
                    batches::set_aside(connection, number, reserve, escrow)?;
                }
                taken.give(connection, number, now)?;
                Ok(Claim::Taken { attempt, slot: taken.slot, ticket })
            })
            .await?;
        if matches!(claim, Claim::Taken { .. }) {
            failpoint::hit(from, State::Submitting, Failpoint::After);
        }
        Ok(claim)
    }

    async fn leave(&self, _: &Pool, ticket: Ticket) -> Result<(), Error> {
        self.writer()?.run(move |connection| slots::leave(connection, ticket)).await
    }

    async fn slots(&self, pool: &Pool, ticket: Option<Ticket>) -> Result<Option<Slots>, Error> {
        let (pool, owner, folder) = (pool.clone(), Arc::clone(&self.owner), self.folder.clone());
        self.reader
            .run(move |connection| {
                let is_dead = |name: &str| is_dead(&owner, &folder, name);
                slots::slots(connection, &pool, ticket, now_ms(), is_dead).map(Some)
            })
            .await
    }

    async fn measured(&self, pool: &Pool, measure: Measure) -> Result<(), Error> {
        let pool = pool.clone();
        self.writer()?.run(move |connection| slots::measured(connection, &pool, &measure)).await
    }

    async fn open_batch(&self, batch: Batch) -> Result<(), Error> {
        self.writer()?.run(move |connection| batches::open(connection, &batch, now_ms())).await
    }

    async fn batches(&self) -> Result<Vec<BatchEntry>, Error> {
        let (owner, folder) = (Arc::clone(&self.owner), self.folder.clone());
        let is_dead = move |name: &str| is_dead(&owner, &folder, name);
        self.reader.run(move |connection| batches::batches(connection, is_dead)).await
    }

    async fn freeze(&self, batch: &str, items: Vec<Item>) -> Result<(), Error> {
        let batch = batch.to_owned();
        self.writer()?.run(move |connection| batches::freeze(connection, &batch, &items)).await
    }

    async fn items(&self, batch: &str) -> Result<Vec<ItemEntry>, Error> {
        let (batch, owner, folder) = (batch.to_owned(), Arc::clone(&self.owner), self.folder.clone());
        let is_dead = move |name: &str| is_dead(&owner, &folder, name);
        self.reader.run(move |connection| batches::items(connection, &batch, is_dead)).await
    }

    async fn spending(&self, batch: &str) -> Result<Spending, Error> {
        let (batch, owner, folder) = (batch.to_owned(), Arc::clone(&self.owner), self.folder.clone());
        let is_dead = move |name: &str| is_dead(&owner, &folder, name);
        self.reader.run(move |connection| batches::spending(connection, &batch, is_dead)).await
    }

    async fn halt_batch(&self, batch: &str) -> Result<(), Error> {
        let batch = batch.to_owned();
        self.writer()?.run(move |connection| batches::halt(connection, &batch)).await
    }

    async fn is_halted(&self, batch: &str) -> Result<bool, Error> {
        let batch = batch.to_owned();
        self.reader.run(move |connection| batches::is_halted(connection, &batch)).await
    }

    async fn done(&self, fingerprints: Vec<Digest>) -> Result<Vec<ItemEntry>, Error> {
        self.reader.run(move |connection| batches::done(connection, &fingerprints)).await
    }

    fn salt(&self) -> Salt {
        self.salt
    }
}

/// The salt, if it exists.
fn salt(connection: &Connection) -> Result<Option<Salt>, Error> {
    let sql = "SELECT value FROM fact WHERE name = 'salt'";
    let bytes: Option<Vec<u8>> =
        connection.query_row(sql, [], |row| row.get(0)).optional().map_err(failed)?;
    let damaged = || Error::new(ErrorKind::Corrupt, say!("the ledger's salt is damaged"));
    bytes.map(|bytes| bytes.try_into().map(Salt::from_bytes).map_err(|_| damaged())).transpose()
}

/// Stores a salt. If another process was faster, its salt is used.
fn draw_salt(connection: &Connection) -> Result<(), Error> {
    let fresh = Salt::random()?;
    let sql = "INSERT OR IGNORE INTO fact (name, value) VALUES ('salt', ?1)";
    connection.execute(sql, [fresh.as_bytes().as_slice()]).map(drop).map_err(failed)
}

fn locked(owner: &Mutex<Option<Owner>>) -> MutexGuard<'_, Option<Owner>> {
    owner.lock().unwrap_or_else(PoisonError::into_inner)
}

fn own(owner: &Mutex<Option<Owner>>, folder: &Path) -> Result<String, Error> {
    let mut owner = locked(owner);
    if let Some(owner) = &*owner {
        return Ok(owner.name.clone());
    }
    // Swept here and not in queries, because queries don't write.
    owner::sweep(folder);
    let new = Owner::register(folder)?;
    Ok(owner.insert(new).name.clone())
}

/// Whether another process is gone. If a live process's owner file is deleted, the process still recognizes its own
/// rows.
fn is_dead(owner: &Mutex<Option<Owner>>, folder: &Path, name: &str) -> bool {
    let is_own = locked(owner).as_ref().is_some_and(|owner| owner.name == name);
    !is_own && owner::is_dead(folder, name)
}

/// The money to set aside for a new submit of a batch, or the spending that leaves too little.
fn set_aside(
    connection: &Connection,
    ask: &Ask,
    slot_for: &SlotFor,
    is_dead: impl Fn(&str) -> bool,
) -> Result<Result<Option<(Amount, Escrow)>, Spending>, Error> {
    let Some(item) = slot_for.item() else { return Ok(Ok(None)) };
    let Some(escrow) = ask.escrow else { return Ok(Ok(None)) };
    let spending = batches::spending(connection, &item.batch, is_dead)?;
    Ok(escrow.of(spending).map(|reserve| Some((reserve, escrow))).ok_or(spending))
}

/// Writes a new submit. Returns its name and its row id.
fn begin(
    connection: &Connection,
    intent: &Intent,
    owner: &str,
    is_dead: impl Fn(&str) -> bool,
) -> Result<(AttemptId, i64), Error> {
    failpoint::hit(None, State::Submitting, Failpoint::Before);
    if let Some(holder) = select::holder(connection, intent, &is_dead)? {
        return Err(key_is_taken(holder.attempt.as_str()));
    }
    let item = intent.item.as_ref().map(|item| batches::claim(connection, item, is_dead)).transpose()?;
    let attempt = AttemptId::random()?;
    let sql = "INSERT INTO attempt
        (id, owner, created, changed, site, base_url, key, kind, workflow, target, body, secret, item, label,
         recipe, once, once_sha256, state)
        VALUES (:id, :owner, :now, :now, :site, :base_url, :key, :kind, :workflow, :target, :body, :secret, :item, :label,
         :recipe, :once, :once_sha256, :state)";
    let values = named_params! {
        ":id": attempt.as_str(),
        ":owner": owner,
        ":now": i64::try_from(now_ms()).unwrap_or(i64::MAX),
        ":site": intent.place.word(),
        ":base_url": intent.place.url(),
        ":key": intent.key,
        ":kind": intent.kind.as_str(),
        ":workflow": intent.workflow.as_ref().map(AsRef::<str>::as_ref),
        ":target": intent.target,
        ":body": intent.body.to_string(),
        ":secret": intent.secret.map(|secret| secret.to_string()),
        ":item": item,
        ":label": intent.label,
        ":recipe": intent.recipe,
        ":once": intent.once.as_ref().map(|once| &once.key),
        ":once_sha256": intent.once.as_ref().map(|once| once.sha256.to_string()),
        ":state": State::Submitting.as_str(),
    };
    connection.execute(sql, values).map_err(failed)?;
    Ok((attempt, connection.last_insert_rowid()))
}

/// Takes a step. Returns the previous state, and the row id.
fn advance(
    connection: &Connection,
    attempt: &AttemptId,
    step: &Step,
    is_dead: impl FnOnce(&str) -> bool,
) -> Result<(State, i64), Error> {
    let sql =
        "SELECT n, state, task.id, attempt.base_url, owner FROM attempt LEFT JOIN task ON task.attempt = n
        WHERE attempt.id = ?1";
    let found = connection
        .query_row(sql, [attempt.as_str()], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<String>>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, String>(4)?,
            ))
        })
        .optional()
        .map_err(failed)?;
    let (number, state, task, base_url, owner) = found.ok_or_else(unknown_attempt)?;
    let state: State = state.parse()?;
    let state = match state.left_behind(false) {
        Some((left, _)) if is_dead(&owner) => left,
        _ => state,
    };
    if !step.applies(state, task.map(TaskId::from).as_ref())? {
        return Ok((state, number));
    }
    failpoint::hit(Some(state), step.state(), Failpoint::Before);
    if let Step::Accepted { task } = step {
        let sql = "INSERT INTO task (base_url, id, attempt) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let inserted = connection.execute(sql, params![base_url, task.as_str(), number]).map_err(failed)?;
        if inserted == 0 {
            return Err(taken_by_another(task.as_str()));
        }
    }
    if let Some(cost) = step.cost() {
        let spent = cost.amount().map(batches::stored);
        let text = serde_json::to_string(cost).map_err(|error| {
            Error::new(ErrorKind::Store, say!("the cost cannot be saved")).with_source(error)
        })?;
        connection
            .execute("UPDATE task SET cost = ?2, spent = ?3 WHERE attempt = ?1", params![number, text, spent])
            .map_err(failed)?;
    }
    set(connection, number, step.state(), step.note())?;
    if !step.state().has_slot() {
        slots::release(connection, number, state)?;
    }
    Ok((state, number))
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

/// The row id of a submit.
fn number(connection: &Connection, attempt: &AttemptId) -> Result<i64, Error> {
    let found =
        connection.query_row("SELECT n FROM attempt WHERE id = ?1", [attempt.as_str()], |row| row.get(0));
    found.optional().map_err(failed)?.ok_or_else(unknown_attempt)
}

fn keep(connection: &Connection, delivery: &Delivery) -> Result<(), Error> {
    let number = number(connection, &delivery.attempt)?;
    let sql = "SELECT count(*), count(*) FILTER (WHERE task = ?2) FROM delivery WHERE attempt = ?1";
    let values = params![number, delivery.task.as_str()];
    let (kept, same) = connection
        .query_row(sql, values, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .map_err(failed)?;
    if same == 0 && usize::try_from(kept).is_ok_and(|kept| kept >= MOST_DELIVERIES) {
        return Err(too_many_deliveries());
    }
    let sql = "INSERT INTO delivery (attempt, task) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection.execute(sql, params![number, delivery.task.as_str()]).map(drop).map_err(failed)
}
