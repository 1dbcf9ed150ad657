//! What only a file can get wrong.

use std::{fs, path::Path, sync::Arc};

use runninghub_core::TaskId;
use rusqlite::Connection;

use crate::{
    ErrorKind, Filter, Ledger as _, SqliteLedger, State, Step,
    conformance::{intent, step},
};

crate::ledger_conformance!(sqlite, {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = SqliteLedger::open(folder.path()).expect("a ledger");
    (folder, ledger)
});

fn open(folder: &Path) -> SqliteLedger {
    SqliteLedger::open(folder).expect("a ledger")
}

fn file(folder: &Path) -> Connection {
    Connection::open(folder.join("ledger.sqlite3")).expect("a file")
}

#[tokio::test]
async fn it_is_there_the_next_time_and_tells_keys_apart_as_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path());
    let attempt = ledger.begin(intent("w", "k")).await.expect("written");
    let print = ledger.salt().fingerprint("a key");
    ledger.advance(&attempt, step(State::Accepted, &"7".into())).await.expect("accepted");
    drop(ledger);
    let ledger = open(folder.path());
    assert_eq!(ledger.entry(Filter::all()).await.expect("found").task, Some(TaskId::from("7")));
    assert_eq!(ledger.salt().fingerprint("a key"), print);
}

#[tokio::test]
async fn a_store_of_an_older_version_keeps_its_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path());
    let attempt = ledger.begin(intent("w", "k")).await.expect("written");
    ledger.advance(&attempt, step(State::Accepted, &"7".into())).await.expect("accepted");
    drop(ledger);
    // As the first version had it.
    file(folder.path())
        .execute_batch("ALTER TABLE attempt DROP COLUMN target; ALTER TABLE task DROP COLUMN cancelling; PRAGMA user_version = 1;")
        .expect("an older store");
    let ledger = open(folder.path());
    let entry = ledger.entry(Filter::all()).await.expect("found");
    assert_eq!((entry.task, entry.intent.target), (Some(TaskId::from("7")), None));
    let newer = ledger.begin(intent("w2", "k")).await.expect("written");
    let entry = ledger.entry(Filter::all().attempt(newer.as_str())).await.expect("found");
    assert_eq!(entry.intent, intent("w2", "k"));
}

#[tokio::test]
async fn a_check_sees_what_does_not_fit_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path());
    for workflow in ["w1", "w2"] {
        ledger.begin(intent(workflow, "k")).await.expect("written");
    }
    ledger.check().await.expect("whole");
    drop(ledger);
    // An index that is said to be of another column than the one that it was made of.
    let sql = "PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, 'attempt (state)', 'attempt (id)') WHERE name = 'attempt_open';";
    file(folder.path()).execute_batch(sql).expect("broken");
    let error = open(folder.path()).check().await.expect_err("it does not fit");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn what_a_dead_process_left_is_unknown_and_what_a_living_one_does_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (living, dead) = (open(folder.path()), open(folder.path()));
    let mine = living.begin(intent("w1", "k")).await.expect("written");
    let left = dead.begin(intent("w2", "k")).await.expect("written");
    let waiting = dead.begin(intent("w3", "k")).await.expect("written");
    dead.advance(&waiting, Step::Waiting { note: "full".into() }).await.expect("waits");
    let states = async |ledger: &SqliteLedger| -> Vec<State> {
        ledger.entries(Filter::all()).await.expect("read").iter().map(|entry| entry.state).collect()
    };
    let watcher = open(folder.path());
    assert_eq!(states(&watcher).await, [State::Waiting, State::Submitting, State::Submitting]);
    drop(dead);
    assert_eq!(states(&watcher).await, [State::Refused, State::Unknown, State::Submitting]);
    // The id comes late all the same.
    watcher.advance(&left, step(State::Accepted, &"8".into())).await.expect("accepted");
    living.advance(&mine, step(State::Accepted, &"9".into())).await.expect("accepted");
    drop((living, watcher));
    let owners = fs::read_dir(folder.path().join("owners")).expect("a folder");
    assert_eq!(owners.count(), 0, "nothing is left behind");
}

#[tokio::test]
async fn what_the_dead_have_left_beside_the_ledger_is_swept_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path());
    ledger.begin(intent("w", "k")).await.expect("written");
    let owners = folder.path().join("owners");
    // Killed with nothing open: nobody asks for it by name.
    fs::write(owners.join("4711"), "").expect("written");
    ledger.entries(Filter::all()).await.expect("read");
    assert!(!owners.join("4711").exists());
    assert_eq!(fs::read_dir(&owners).expect("a folder").count(), 1, "the living stay");
}

#[tokio::test]
async fn many_writers_at_once_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledgers: Vec<_> = (0..4).map(|_| Arc::new(open(folder.path()))).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200_usize {
        let ledger = Arc::clone(&ledgers[number % ledgers.len()]);
        tasks.spawn(async move {
            let attempt = ledger.begin(intent(&format!("w{number}"), "k")).await.expect("written");
            let task = TaskId::from(number.to_string());
            ledger.advance(&attempt, step(State::Accepted, &task)).await.expect("accepted");
            // Half of them claim somebody else's task too, which costs the others in the same transaction nothing.
            let other = Step::Accepted { task: (number / 2).to_string().into() };
            assert_eq!(ledger.advance(&attempt, other).await.is_err(), number > 0);
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.expect("no panic");
    }
    let entries = ledgers[0].entries(Filter::all()).await.expect("read");
    assert_eq!(entries.len(), 200);
    assert!(entries.iter().all(|entry| entry.state == State::Accepted));
    drop(ledgers);
    let check: String =
        file(folder.path()).query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("an answer");
    assert_eq!(check, "ok");
}

#[test]
fn what_is_not_our_ledger_is_left_alone() {
    let kind = |prepare: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().expect("a folder");
        prepare(folder.path());
        SqliteLedger::open(folder.path()).expect_err("refused").kind()
    };
    let later = |folder: &Path| {
        drop(open(folder));
        file(folder).execute_batch("PRAGMA user_version = 99").expect("set");
    };
    assert_eq!(kind(&later), ErrorKind::Newer);
    let other = |folder: &Path| file(folder).execute_batch("CREATE TABLE mine (a)").expect("made");
    assert_eq!(kind(&other), ErrorKind::Corrupt);
    let rubbish = |folder: &Path| fs::write(folder.join("ledger.sqlite3"), [b'x'; 9000]).expect("written");
    assert_eq!(kind(&rubbish), ErrorKind::Corrupt);
    let directory = |folder: &Path| fs::create_dir(folder.join("ledger.sqlite3")).expect("made");
    assert_eq!(kind(&directory), ErrorKind::Store);
    let folder = tempfile::tempdir().expect("a folder");
    let taken = folder.path().join("file");
    fs::write(&taken, "").expect("written");
    assert_eq!(SqliteLedger::open(&taken).expect_err("no folder").kind(), ErrorKind::Store);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("state/rhub");
    let ledger = open(&folder);
    ledger.begin(intent("w", "k")).await.expect("written");
    let mode = |path: &Path| fs::metadata(path).expect("found").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in fs::read_dir(&folder).expect("read").flatten().filter(|file| file.path().is_file()) {
        assert_eq!(mode(&file.path()), 0o600, "{:?}", file.path());
    }
    #[cfg(unix)]
    {
        let link = home.path().join("link");
        fs::create_dir(&link).expect("made");
        std::os::unix::fs::symlink(folder.join("ledger.sqlite3"), link.join("ledger.sqlite3")).expect("made");
        assert!(SqliteLedger::open(&link).is_err(), "a link leads elsewhere");
    }
}
