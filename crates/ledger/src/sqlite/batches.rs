//! The statements for batches and their items.

use std::collections::{HashMap, hash_map::Entry as Slot};

use runninghub_core::{Amount, Place};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{file::failed, select};
use crate::{
    Batch, BatchEntry, Digest, Entry, Error, Escrow, Item, ItemEntry, ItemRef, Spending, State,
    batch::{name_is_taken, runs_already, unknown_batch, unknown_item, weight},
};

pub(super) fn open(connection: &Connection, batch: &Batch, now_ms: u64) -> Result<(), Error> {
    let sql = "SELECT origin FROM batch WHERE name = ?1";
    let origin: Option<String> =
        connection.query_row(sql, [&batch.name], |row| row.get(0)).optional().map_err(failed)?;
    if let Some(origin) = origin.filter(|origin| *origin != batch.origin) {
        return Err(name_is_taken(batch, &origin));
    }
    let sql = "INSERT INTO batch (name, origin, spec, site, base_url, kind, target, folder, created, opened, limits)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)
        ON CONFLICT (name) DO UPDATE SET spec = ?3, site = ?4, base_url = ?5, kind = ?6, target = ?7, folder = ?8, opened = ?9,
            limits = ?10, is_halted = 0";
    let values = params![
        batch.name,
        batch.origin,
        batch.spec.to_string(),
        batch.place.word(),
        batch.place.url(),
        batch.kind.as_str(),
        batch.target,
        batch.folder,
        i64::try_from(now_ms).unwrap_or(i64::MAX),
        batch.limits,
    ];
    connection.execute(sql, values).map(drop).map_err(failed)
}

/// Requests a halt of a batch.
pub(super) fn halt(connection: &Connection, name: &str) -> Result<(), Error> {
    let sql = "UPDATE batch SET is_halted = 1 WHERE name = ?1";
    match connection.execute(sql, [name]).map_err(failed)? {
        0 => Err(unknown_batch(name)),
        _ => Ok(()),
    }
}

/// Whether a halt was requested.
pub(super) fn is_halted(connection: &Connection, name: &str) -> Result<bool, Error> {
    let found = connection.query_row("SELECT is_halted FROM batch WHERE name = ?1", [name], |row| row.get(0));
    found.optional().map_err(failed)?.ok_or_else(|| unknown_batch(name))
}

/// The row of a batch.
fn number(connection: &Connection, name: &str) -> Result<i64, Error> {
    let found = connection.query_row("SELECT n FROM batch WHERE name = ?1", [name], |row| row.get(0));
    found.optional().map_err(failed)?.ok_or_else(|| unknown_batch(name))
}

/// Stores items. The current version of an item is updated if it has the same fingerprint, and replaced otherwise.
pub(super) fn freeze(connection: &Connection, batch: &str, items: &[Item]) -> Result<(), Error> {
    let batch = number(connection, batch)?;
    let prepare = |sql| connection.prepare(sql).map_err(failed);
    let mut find =
        prepare("SELECT n, fingerprint, body FROM item WHERE batch = ?1 AND id = ?2 AND is_current")?;
    let mut update = prepare("UPDATE item SET body = ?2 WHERE n = ?1")?;
    let mut retire = prepare("UPDATE item SET is_current = 0 WHERE n = ?1")?;
    let mut insert =
        prepare("INSERT INTO item (batch, id, fingerprint, body, is_current) VALUES (?1, ?2, ?3, ?4, 1)")?;
    for Item { id, fingerprint, body } in items {
        let fingerprint = fingerprint.to_string();
        let known = find.query_row(params![batch, id], |row| {
            let (number, same) = (row.get::<_, i64>(0)?, row.get_ref(1)?.as_str()? == fingerprint);
            Ok((number, same, row.get_ref(2)?.as_str()? == body))
        });
        match known.optional().map_err(failed)? {
            Some((_, true, true)) => continue,
            Some((number, true, false)) => {
                update.execute(params![number, body]).map_err(failed)?;
                continue;
            }
            Some((number, false, _)) => _ = retire.execute([number]).map_err(failed)?,
            None => {}
        }
        insert.execute(params![batch, id, fingerprint, body]).map_err(failed)?;
    }
    Ok(())
}

/// The row of the present version of an item that a submit is about to run: no other submit of the item may be open.
pub(super) fn claim(
    connection: &Connection,
    item: &ItemRef,
    is_dead: impl Fn(&str) -> bool,
) -> Result<i64, Error> {
    let batch = number(connection, &item.batch)?;
    let sql = "SELECT n FROM item WHERE batch = ?1 AND id = ?2 AND is_current";
    let found = connection.query_row(sql, params![batch, item.id], |row| row.get(0));
    let number = found.optional().map_err(failed)?.ok_or_else(|| unknown_item(item))?;
    let sql = "SELECT attempt.id, state, owner FROM item JOIN attempt ON attempt.item = item.n
        WHERE item.batch = ?1 AND item.id = ?2";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query(params![batch, item.id]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        if state(row, 1, 2, &is_dead)?.is_open() {
            return Err(runs_already(item, &row.get::<_, String>(0).map_err(failed)?));
        }
    }
    Ok(number)
}

/// The money of a batch. A submit that a dead process has left before it was sent again needs none.
pub(super) fn spending(
    connection: &Connection,
    batch: &str,
    is_dead: impl Fn(&str) -> bool,
) -> Result<Spending, Error> {
    let sql = "SELECT state, owner, sum(coalesce(spent, guess, 0)), sum(coalesce(reserve, 0))
        FROM item JOIN attempt ON attempt.item = item.n LEFT JOIN task ON task.attempt = attempt.n
        WHERE item.batch = ?1 GROUP BY state, owner";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([number(connection, batch)?]).map_err(failed)?;
    let mut all = Spending::default();
    while let Some(row) = rows.next().map_err(failed)? {
        let amount = |at: usize| row.get::<_, i64>(at).map_err(failed).map(read);
        all = all.with(state(row, 0, 1, &is_dead)?, amount(2)?, amount(3)?);
    }
    Ok(all)
}

/// Sets money aside for a submit, by its row id.
pub(super) fn set_aside(
    connection: &Connection,
    attempt: i64,
    reserve: Amount,
    escrow: Escrow,
) -> Result<(), Error> {
    let sql = "UPDATE attempt SET reserve = ?2, guess = ?3 WHERE n = ?1";
    let values = params![attempt, stored(reserve), stored(escrow.guess())];
    connection.execute(sql, values).map(drop).map_err(failed)
}

/// SQLite has no unsigned numbers.
pub(super) fn stored(amount: Amount) -> i64 {
    i64::try_from(amount.millionths()).unwrap_or(i64::MAX)
}

fn read(millionths: i64) -> Amount {
    Amount::from_millionths(u64::try_from(millionths).unwrap_or(0))
}

/// The state in a row, as every process must see it.
fn state(row: &Row<'_>, state: usize, owner: usize, is_dead: impl Fn(&str) -> bool) -> Result<State, Error> {
    let found: State = row.get_ref(state).map_err(failed)?.as_str().map_err(from_sql)?.parse()?;
    match found.left_behind(true) {
        Some((left, _)) if is_dead(&row.get::<_, String>(owner).map_err(failed)?) => Ok(left),
        _ => Ok(found),
    }
}

fn from_sql(error: rusqlite::types::FromSqlError) -> Error {
    failed(rusqlite::Error::from(error))
}

/// All batches with their counts, the newest first.
pub(super) fn batches(
    connection: &Connection,
    is_dead: impl Fn(&str) -> bool,
) -> Result<Vec<BatchEntry>, Error> {
    let sql = "SELECT n, name, origin, spec, site, base_url, kind, target, folder, created, opened, limits
        FROM batch ORDER BY n DESC";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let text = |at: usize| row.get::<_, String>(at).map_err(failed);
        let time = |at: usize| row.get::<_, i64>(at).map_err(failed).map(|ms| u64::try_from(ms).unwrap_or(0));
        let Ok(kind) = text(6)?.parse();
        let batch = Batch {
            name: text(1)?,
            origin: text(2)?,
            spec: text(3)?.parse()?,
            place: Place::new(text(4)?, text(5)?),
            kind,
            target: text(7)?,
            folder: row.get(8).map_err(failed)?,
            limits: row.get(11).map_err(failed)?,
        };
        let number: i64 = row.get(0).map_err(failed)?;
        let states = states(connection, number, &is_dead)?;
        found.push(BatchEntry::new(batch, time(9)?, time(10)?).counting(states));
    }
    Ok(found)
}

/// The state of each item of a batch.
fn states(
    connection: &Connection,
    batch: i64,
    is_dead: impl Fn(&str) -> bool,
) -> Result<Vec<Option<State>>, Error> {
    let sql = "SELECT count(*) FROM item WHERE batch = ?1 AND is_current";
    let all: i64 = connection.query_row(sql, [batch], |row| row.get(0)).map_err(failed)?;
    let sql =
        "SELECT item.id, item.is_current, state, owner FROM item CROSS JOIN attempt ON attempt.item = item.n
        WHERE item.batch = ?1 ORDER BY item.n, attempt.n";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([batch]).map_err(failed)?;
    let mut heaviest: HashMap<String, (u8, State)> = HashMap::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let state = state(row, 2, 3, &is_dead)?;
        if let Some(weight) = weight(row.get(1).map_err(failed)?, state) {
            keep(&mut heaviest, row.get(0).map_err(failed)?, (weight, state));
        }
    }
    let known: Vec<_> = heaviest.into_values().map(|(_, state)| Some(state)).collect();
    let unknown = usize::try_from(all).unwrap_or_default().saturating_sub(known.len());
    Ok(known.into_iter().chain(std::iter::repeat_n(None, unknown)).collect())
}

/// Keeps the submit with the highest rank; among equals, the last.
fn keep<T>(heaviest: &mut HashMap<String, (u8, T)>, id: String, new: (u8, T)) {
    match heaviest.entry(id) {
        Slot::Occupied(mut known) if known.get().0 <= new.0 => _ = known.insert(new),
        Slot::Occupied(_) => {}
        Slot::Vacant(free) => _ = free.insert(new),
    }
}

/// The items of a batch in the order in which they were frozen, each with its submit.
pub(super) fn items(
    connection: &Connection,
    name: &str,
    is_dead: impl Fn(&str) -> bool,
) -> Result<Vec<ItemEntry>, Error> {
    let batch = number(connection, name)?;
    let sql = select::of_items("item.batch = ?1 ORDER BY item.n, attempt.n");
    let mut statement = connection.prepare(&sql).map_err(failed)?;
    let mut rows = statement.query([batch]).map_err(failed)?;
    let mut heaviest: HashMap<String, (u8, Entry)> = HashMap::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let entry = select::seen(row, &is_dead)?;
        if let Some(weight) = weight(row.get(select::IS_CURRENT).map_err(failed)?, entry.state) {
            keep(&mut heaviest, row.get(select::ITEM_ID).map_err(failed)?, (weight, entry));
        }
    }
    let sql = "SELECT id, fingerprint, body FROM item WHERE batch = ?1 AND is_current ORDER BY n";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([batch]).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let item = item(row, 0)?;
        let entry = heaviest.remove(&item.id).map(|(_, entry)| entry);
        found.push(ItemEntry::new(name, item, entry));
    }
    Ok(found)
}

/// Items that have succeeded with one of these fingerprints, in the order of the fingerprints.
pub(super) fn done(connection: &Connection, fingerprints: &[Digest]) -> Result<Vec<ItemEntry>, Error> {
    let sql = select::of_items("item.fingerprint = ?1 AND state = 'done' ORDER BY attempt.n DESC LIMIT 1");
    let mut statement = connection.prepare(&sql).map_err(failed)?;
    let mut found = Vec::new();
    for fingerprint in fingerprints {
        let mut rows = statement.query([fingerprint.to_string()]).map_err(failed)?;
        if let Some(row) = rows.next().map_err(failed)? {
            // Over, so whether the process is alive makes no difference.
            let entry = select::seen(row, |_| false)?;
            let batch: String = row.get(select::BATCH_NAME).map_err(failed)?;
            found.push(ItemEntry::new(batch, item(row, select::ITEM_ID)?, Some(entry)));
        }
    }
    Ok(found)
}

/// Id, fingerprint and body, from this column on.
fn item(row: &Row<'_>, at: usize) -> Result<Item, Error> {
    let text = |at: usize| row.get::<_, String>(at).map_err(failed);
    Ok(Item::new(text(at)?, text(at + 1)?.parse()?, text(at + 2)?))
}
