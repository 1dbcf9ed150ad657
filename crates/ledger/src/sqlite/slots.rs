//! The statements for slots and the queue for them.

use runninghub_core::say;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::file::failed;
use crate::{
    Ask, Class, Error, ErrorKind, Held, Measure, Pool, Slots, State, Ticket, Turns, Waiter, slots::first_free,
};

/// The row of a key.
pub(super) struct Found {
    number: i64,
    turns: Turns,
    /// Waiters whose processes have ended.
    dead: Vec<Ticket>,
    measure: Option<Measure>,
}

/// Requests a slot. Returns the ticket, and the slot if the waiter gets it.
pub(super) fn ask(
    connection: &Connection,
    pool: &Pool,
    ask: &Ask,
    owner: &str,
    now_ms: u64,
    is_dead: impl Fn(&str) -> bool,
) -> Result<(Ticket, Option<Taken>), Error> {
    let sql = "INSERT INTO pool (base_url, key) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection.execute(sql, params![pool.url, pool.key]).map_err(failed)?;
    let Some(mut found) = find(connection, pool, is_dead)? else { return Err(damaged()) };
    let ticket = match ask.ticket {
        Some(ticket) => ticket,
        None => next_ticket(connection)?,
    };
    let taken = taken(connection, found.number)?;
    let held = u32::try_from(taken.len()).unwrap_or(u32::MAX);
    let before = (found.turns.singles, found.turns.floor);
    let is_taken = found.turns.ask(ticket, ask, held, now_ms);
    keep(connection, &found, ticket, ask.ticket.is_some(), owner)?;
    let turns = &found.turns;
    if before != (turns.singles, turns.floor) {
        let [single, batch] = turns.floor;
        let sql = "UPDATE pool SET singles = ?2, floor_single = ?3, floor_batch = ?4 WHERE n = ?1";
        let values = params![found.number, turns.singles, stored(single), stored(batch)];
        connection.execute(sql, values).map_err(failed)?;
    }
    let taken = is_taken.then(|| Taken { pool: found.number, slot: first_free(taken) });
    Ok((ticket, taken))
}

/// A slot that a submit gets.
pub(super) struct Taken {
    pool: i64,
    pub(super) slot: u32,
}

impl Taken {
    /// Gives the slot to a submit, by its row id.
    pub(super) fn give(&self, connection: &Connection, attempt: i64, now_ms: u64) -> Result<(), Error> {
        let sql = "INSERT INTO slot (pool, n, attempt, since) VALUES (?1, ?2, ?3, ?4)";
        let values = params![self.pool, self.slot, attempt, stored(now_ms)];
        connection.execute(sql, values).map(drop).map_err(failed)
    }
}

/// Frees the slot of a submit, by its row id, that was in this state.
pub(super) fn release(connection: &Connection, attempt: i64, from: State) -> Result<(), Error> {
    let sql = "DELETE FROM slot WHERE attempt = ?1 RETURNING pool";
    let pool: Option<i64> =
        connection.query_row(sql, [attempt], |row| row.get(0)).optional().map_err(failed)?;
    let Some(pool) = pool else { return Ok(()) };
    let sql = "SELECT measure FROM pool WHERE n = ?1";
    let known: Option<String> = connection.query_row(sql, [pool], |row| row.get(0)).map_err(failed)?;
    let Some(mut measure) = measure(known)? else { return Ok(()) };
    measure.released(from);
    set_measure(connection, pool, &measure)
}

pub(super) fn leave(connection: &Connection, ticket: Ticket) -> Result<(), Error> {
    let sql = "DELETE FROM waiter WHERE ticket = ?1";
    connection.execute(sql, [stored(ticket)]).map(drop).map_err(failed)
}

pub(super) fn measured(connection: &Connection, pool: &Pool, measure: &Measure) -> Result<(), Error> {
    let sql = "INSERT INTO pool (base_url, key) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET n = n RETURNING n";
    let number = connection.query_row(sql, params![pool.url, pool.key], |row| row.get(0)).map_err(failed)?;
    set_measure(connection, number, measure)
}

/// The queue as seen from one position.
pub(super) fn slots(
    connection: &Connection,
    pool: &Pool,
    ticket: Option<Ticket>,
    now_ms: u64,
    is_dead: impl Fn(&str) -> bool,
) -> Result<Slots, Error> {
    let Some(mut found) = find(connection, pool, &is_dead)? else {
        return Ok(Turns::default().slots(ticket, Vec::new(), None));
    };
    found.turns.at(now_ms);
    let sql = "SELECT slot.n, attempt.id, state, task.id, since, owner FROM slot
        JOIN attempt ON attempt.n = slot.attempt LEFT JOIN task ON task.attempt = attempt.n
        WHERE pool = ?1 ORDER BY slot.n";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([found.number]).map_err(failed)?;
    let mut held = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        held.push(holder(row, &is_dead)?);
    }
    Ok(found.turns.slots(ticket, held, found.measure))
}

fn holder(row: &Row<'_>, is_dead: impl Fn(&str) -> bool) -> Result<Held, Error> {
    let text = |at: usize| row.get::<_, String>(at).map_err(failed);
    let task = row.get::<_, Option<String>>(3).map_err(failed)?.map(Into::into);
    let (slot, since) = (row.get(0).map_err(failed)?, read(row.get(4).map_err(failed)?));
    let held = Held::new(slot, text(1)?.as_str().into(), text(2)?.parse()?, task, since);
    Ok(if is_dead(&text(5)?) { held.left_behind() } else { held })
}

/// The row of a key, and its waiters with live processes.
fn find(
    connection: &Connection,
    pool: &Pool,
    is_dead: impl Fn(&str) -> bool,
) -> Result<Option<Found>, Error> {
    let sql =
        "SELECT n, singles, floor_single, floor_batch, measure FROM pool WHERE base_url = ?1 AND key = ?2";
    let found = connection.prepare(sql).and_then(|mut statement| {
        statement
            .query_row(params![pool.url, pool.key], |row| {
                let floor = [read(row.get(2)?), read(row.get(3)?)];
                let turns = Turns { waiters: Vec::new(), singles: row.get(1)?, floor };
                Ok((row.get(0)?, turns, row.get::<_, Option<String>>(4)?))
            })
            .optional()
    });
    let Some((number, mut turns, known)) = found.map_err(failed)? else { return Ok(None) };
    let sql = "SELECT ticket, class, weight, pass, wants, beat, owner FROM waiter WHERE pool = ?1";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([number]).map_err(failed)?;
    let mut dead = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let owner: String = row.get(6).map_err(failed)?;
        let waiter = waiter(row).map_err(failed)?;
        if is_dead(&owner) {
            dead.push(waiter.ticket);
        } else {
            turns.waiters.push(waiter);
        }
    }
    Ok(Some(Found { number, turns, dead, measure: measure(known)? }))
}

fn waiter(row: &Row<'_>) -> rusqlite::Result<Waiter> {
    Ok(Waiter {
        ticket: read(row.get(0)?),
        class: if row.get::<_, String>(1)? == BATCH { Class::Batch } else { Class::Single },
        weight: row.get(2)?,
        pass: read(row.get(3)?),
        wants: row.get(4)?,
        beat_ms: read(row.get(5)?),
    })
}

const BATCH: &str = "batch";

/// A new ticket. Its row is written only if it waits.
fn next_ticket(connection: &Connection) -> Result<Ticket, Error> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'waiter'";
    let last: Option<i64> = connection.query_row(sql, [], |row| row.get(0)).optional().map_err(failed)?;
    Ok(read(last.unwrap_or(0)).saturating_add(1))
}

/// Writes the changes to the queue: the requesting waiter, and those whose processes have ended.
fn keep(
    connection: &Connection,
    found: &Found,
    ticket: Ticket,
    was_there: bool,
    owner: &str,
) -> Result<(), Error> {
    for dead in &found.dead {
        leave(connection, *dead)?;
    }
    let Some(waiter) = found.turns.waiters.iter().find(|waiter| waiter.ticket == ticket) else {
        return if was_there { leave(connection, ticket) } else { Ok(()) };
    };
    let sql = "INSERT OR REPLACE INTO waiter (ticket, pool, class, weight, pass, wants, beat, owner)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let values = params![
        stored(ticket),
        found.number,
        if waiter.class == Class::Batch { BATCH } else { "single" },
        waiter.weight,
        stored(waiter.pass),
        waiter.wants,
        stored(waiter.beat_ms),
        owner
    ];
    connection.execute(sql, values).map(drop).map_err(failed)
}

fn taken(connection: &Connection, pool: i64) -> Result<Vec<u32>, Error> {
    let mut statement = connection.prepare("SELECT n FROM slot WHERE pool = ?1").map_err(failed)?;
    statement.query_map([pool], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)
}

fn measure(stored: Option<String>) -> Result<Option<Measure>, Error> {
    stored.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| damaged().with_source(error))
}

fn set_measure(connection: &Connection, pool: i64, measure: &Measure) -> Result<(), Error> {
    let text = serde_json::to_string(measure).map_err(|error| damaged().with_source(error))?;
    let sql = "UPDATE pool SET measure = ?2 WHERE n = ?1";
    connection.execute(sql, params![pool, text]).map(drop).map_err(failed)
}

fn damaged() -> Error {
    Error::new(ErrorKind::Corrupt, say!("the ledger contains unreadable slots"))
}

/// SQLite has no unsigned numbers.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn read(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
