//! Queries: each filter finds its rows through an index.

use std::path::Path;

use runninghub_core::{Kind, Place, say};
use rusqlite::{Connection, Row, params_from_iter, types::Value};

use super::{file::failed, owner};
use crate::{Delivery, Entry, Error, ErrorKind, Filter, Intent, ItemRef, Once};

/// The first columns of the following queries.
const COLUMNS: &str = "attempt.id, state, attempt.created, changed, attempt.site, attempt.base_url, key, attempt.kind,
    workflow, attempt.body, secret, note, task.id, cost, saved, attempt.target, owner, cancelling, label, recipe, once,
    once_sha256, batch.name, item.id";
/// The additional columns of [`of_items`]. The fingerprint and the body of the item follow its id.
pub(super) const BATCH_NAME: usize = 22;
pub(super) const ITEM_ID: usize = 23;
pub(super) const IS_CURRENT: usize = 26;
const OWNER: usize = 16;

/// Entries that match the filter, newest first.
pub(super) fn entries(connection: &Connection, folder: &Path, filter: &Filter) -> Result<Vec<Entry>, Error> {
    matching(connection, filter, |name| owner::is_dead(folder, name))
}

fn matching(
    connection: &Connection,
    filter: &Filter,
    is_dead: impl Fn(&str) -> bool,
) -> Result<Vec<Entry>, Error> {
    let (sql, values) = statement(filter);
    let mut statement = connection.prepare(&sql).map_err(failed)?;
    let mut rows = statement.query(params_from_iter(values)).map_err(failed)?;
    let mut entries = Vec::new();
    // Rows are fetched one by one, so that none is read beyond the limit.
    while entries.len() < filter.max()
        && let Some(row) = rows.next().map_err(failed)?
    {
        let entry = seen(row, &is_dead)?;
        if filter.matches(&entry) {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// A submit as every process must see it. The store isn't changed: the state follows from the death of the owner, and
/// the next step starts from it.
pub(super) fn seen(row: &Row<'_>, is_dead: impl Fn(&str) -> bool) -> Result<Entry, Error> {
    let entry = entry(row)?;
    // Only for states that can be left behind: it opens a file.
    let is_left =
        entry.state.left_behind(false).is_some() && is_dead(&row.get::<_, String>(OWNER).map_err(failed)?);
    Ok(if is_left { entry.left_behind() } else { entry })
}

/// A query of items with their submits. The condition is the query's own.
pub(super) fn of_items(condition: &str) -> String {
    format!(
        "SELECT {COLUMNS}, item.fingerprint, item.body, item.is_current FROM item
        CROSS JOIN attempt ON attempt.item = item.n JOIN batch ON batch.n = item.batch
        LEFT JOIN task ON task.attempt = attempt.n WHERE {condition}"
    )
}

/// Contains only the conditions in use: SQLite wouldn't use an index for `:x IS NULL OR x = :x`.
fn statement(filter: &Filter) -> (String, Vec<Value>) {
    let (mut conditions, mut values) = (Vec::new(), Vec::<Value>::new());
    if let Some(prefix) = filter.attempt_prefix().filter(|prefix| !prefix.is_empty()) {
        conditions.push("attempt.id >= ? AND attempt.id < ?");
        values.extend([prefix.to_owned().into(), format!("{prefix}{}", char::MAX).into()]);
    }
    if let Some(task) = filter.wanted_task() {
        conditions.push("task.id = ?");
        values.push(task.to_string().into());
    }
    if let Some(secret) = filter.wanted_secret() {
        conditions.push("secret = ?");
        values.push(secret.to_string().into());
    }
    if let Some(key) = filter.wanted_key() {
        conditions.push("key = ?");
        values.push(key.to_owned().into());
    }
    if let Some((kind, id)) = filter.wanted_runs() {
        conditions.push(if *kind == Kind::Workflow { "workflow = ?" } else { "attempt.target = ?" });
        values.push(id.to_owned().into());
    }
    if let Some(key) = filter.wanted_once() {
        conditions.push("once = ?");
        values.push(key.to_owned().into());
    }
    if filter.only_open() {
        // Must equal the condition of the index literally.
        conditions.push("state IN ('submitting', 'waiting', 'unknown', 'accepted')");
    }
    if filter.only_with_task() {
        conditions.push("task.id IS NOT NULL");
    }
    let mut sql = format!(
        "SELECT {COLUMNS} FROM attempt LEFT JOIN task ON task.attempt = attempt.n
        LEFT JOIN item ON item.n = attempt.item LEFT JOIN batch ON batch.n = item.batch"
    );
    if !conditions.is_empty() {
        sql.push_str(" WHERE ");
        sql.push_str(&conditions.join(" AND "));
    }
    sql.push_str(" ORDER BY attempt.n DESC");
    (sql, values)
}

/// The submit that holds the idempotency key of an intent.
pub(super) fn holder(
    connection: &Connection,
    intent: &Intent,
    is_dead: impl Fn(&str) -> bool,
) -> Result<Option<Entry>, Error> {
    let Some(once) = &intent.once else { return Ok(None) };
    let entries = matching(connection, &Filter::all().once(&*once.key), is_dead)?;
    Ok(entries.into_iter().find(|entry| entry.holds_key_of(intent)))
}

pub(super) fn deliveries(connection: &Connection) -> Result<Vec<Delivery>, Error> {
    let sql = "SELECT attempt.id, task FROM delivery JOIN attempt ON attempt.n = delivery.attempt ORDER BY delivery.attempt, task";
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let delivery = |row: &Row<'_>| {
        let (attempt, task) = (row.get::<_, String>(0)?, row.get::<_, String>(1)?);
        Ok(Delivery::new(attempt.as_str().into(), task.into()))
    };
    statement.query_map([], delivery).and_then(Iterator::collect).map_err(failed)
}

fn entry(row: &Row<'_>) -> Result<Entry, Error> {
    let text = |at: usize| row.get::<_, String>(at).map_err(failed);
    let maybe = |at: usize| row.get::<_, Option<String>>(at).map_err(failed);
    let time = |at: usize| row.get::<_, i64>(at).map_err(failed).map(|ms| u64::try_from(ms).unwrap_or(0));
    let cost = maybe(13)?.map(|cost| serde_json::from_str(&cost)).transpose().map_err(|error| {
        Error::new(ErrorKind::Corrupt, say!("the ledger contains an unreadable cost")).with_source(error)
    })?;
    let once = match maybe(20)?.zip(maybe(21)?) {
        Some((key, sha256)) => Some(Once { key, sha256: sha256.parse()? }),
        None => None,
    };
    let Ok(kind) = text(7)?.parse();
    Ok(Entry {
        attempt: text(0)?.as_str().into(),
        state: text(1)?.parse()?,
        created_ms: time(2)?,
        changed_ms: time(3)?,
        intent: Intent {
            place: Place::new(text(4)?, text(5)?),
            key: text(6)?,
            kind,
            workflow: maybe(8)?.map(Into::into),
            target: maybe(15)?,
            body: text(9)?.parse()?,
            secret: maybe(10)?.map(|secret| secret.parse()).transpose()?,
            item: maybe(BATCH_NAME)?.zip(maybe(ITEM_ID)?).map(|(batch, id)| Box::new(ItemRef { batch, id })),
            label: maybe(18)?,
            recipe: maybe(19)?.map(Into::into),
            once: once.map(Box::new),
        },
        note: maybe(11)?,
        task: maybe(12)?.map(Into::into),
        cost,
        saved: maybe(14)?,
        cancelling: row.get::<_, Option<bool>>(17).map_err(failed)?.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use runninghub_core::TaskId;

    use super::*;
    use crate::{Digest, SqliteLedger};

    /// SQLite's query plan, one line per table.
    fn plan(connection: &Connection, sql: &str, values: Vec<Value>) -> Vec<String> {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("a statement");
        let steps = statement.query_map(params_from_iter(values), |row| row.get(3)).expect("a plan");
        steps.collect::<Result<_, _>>().expect("text")
    }

    #[test]
    fn no_filter_reads_the_whole_table() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(SqliteLedger::open(folder.path()).expect("a ledger"));
        let connection = Connection::open(folder.path().join("ledger.sqlite3")).expect("a file");
        let all = Filter::all;
        let task = TaskId::from("7");
        let filters = [
            all().attempt("abc"),
            all().task(&task),
            all().secret(Digest::of("secret")),
            all().key("0123abcd"),
            all().open(),
            all().open().with_task(),
            all().key("0123abcd").open(),
            all().runs(&Kind::Workflow, "1979"),
            all().runs(&Kind::App, "1877"),
            all().once("tonight"),
            all().task(&task).with_task(),
        ];
        for filter in filters {
            let (sql, values) = statement(&filter);
            for step in plan(&connection, &sql, values) {
                let is_search =
                    step.starts_with("SEARCH ") && step.contains(" INDEX ") || step.contains("PRIMARY KEY");
                assert!(is_search || step.starts_with("USE TEMP B-TREE"), "{filter:?}: {step}");
            }
        }
        // Without a selective filter, rows are read from the newest on, up to the limit, without sorting.
        for filter in [all(), all().with_task()] {
            let (sql, values) = statement(&filter);
            let steps = plan(&connection, &sql, values);
            assert!(steps.iter().all(|step| !step.starts_with("USE TEMP")), "{filter:?}: {steps:?}");
        }
    }
}
