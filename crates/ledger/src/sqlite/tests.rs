//! Failures that only a file can have.

use std::{fs, path::Path, sync::Arc};

use runninghub_core::TaskId;
use rusqlite::Connection;

use crate::{
    Ask, Claim, Class, Delivery, Digest, ErrorKind, Filter, Intent, ItemRef, Kind, Ledger as _, NativeProxy,
    Place, Pool, Site, SlotFor, SqliteLedger, State, Step,
    conformance::{batch, intent, item, step},
};

crate::ledger_conformance!(sqlite, {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = SqliteLedger::open(folder.path()).expect("a ledger");
    (folder, ledger)
});

crate::batches_conformance!(batches, {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = SqliteLedger::open(folder.path()).expect("a ledger");
    (folder, ledger)
});

crate::shared_ledger_conformance!(shared, {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    (folder, move || SqliteLedger::open(&path).expect("a ledger"))
});

crate::slots_conformance!(slots, {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = SqliteLedger::open(folder.path()).expect("a ledger");
    (folder, ledger)
});

crate::shared_slots_conformance!(shared_slots, {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    (folder, move || SqliteLedger::open(&path).expect("a ledger"))
});

fn open(folder: &Path) -> SqliteLedger {
    SqliteLedger::open(folder).expect("a ledger")
}

fn file(folder: &Path) -> Connection {
    Connection::open(folder.join("ledger.sqlite3")).expect("a file")
}

#[tokio::test]
async fn the_ledger_persists_with_its_salt() {
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

#[test]
fn many_can_create_it_at_once() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, start) = (folder.path(), std::sync::Barrier::new(8));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    drop(open(path));
                });
            }
        });
    }
}

#[tokio::test]
async fn a_store_of_an_older_version_keeps_its_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path());
    let attempt = ledger.begin(intent("w", "k")).await.expect("written");
    ledger.advance(&attempt, step(State::Accepted, &"7".into())).await.expect("accepted");
    drop(ledger);
    // The schema of the first version.
    file(folder.path())
        .execute_batch(
            "DROP INDEX attempt_once; ALTER TABLE attempt DROP COLUMN once;
            ALTER TABLE attempt DROP COLUMN once_sha256;
            DROP TABLE graph; ALTER TABLE attempt DROP COLUMN label; ALTER TABLE attempt DROP COLUMN recipe;
            DROP INDEX attempt_item; DROP INDEX attempt_workflow; DROP INDEX attempt_target;
            ALTER TABLE attempt DROP COLUMN item; DROP TABLE item; DROP TABLE batch;
            ALTER TABLE attempt DROP COLUMN reserve; ALTER TABLE attempt DROP COLUMN guess;
            ALTER TABLE task DROP COLUMN spent;
            DROP INDEX attempt_key; DROP INDEX task_id; DROP TABLE delivery;
            DROP TABLE waiter; DROP TABLE slot; DROP TABLE pool;
            ALTER TABLE attempt DROP COLUMN target; ALTER TABLE task DROP COLUMN cancelling;
            PRAGMA user_version = 1;",
        )
        .expect("an older store");
    let ledger = open(folder.path());
    let entry = ledger.entry(Filter::all()).await.expect("found");
    assert_eq!((entry.task, entry.intent.target), (Some(TaskId::from("7")), None));
    let newer = ledger.begin(intent("w2", "k")).await.expect("written");
    let entry = ledger.entry(Filter::all().attempt(newer.as_str())).await.expect("found");
    assert_eq!(entry.intent, intent("w2", "k"));
    let delivery = Delivery::new(newer, "8".into());
    ledger.keep_delivery(&delivery).await.expect("there is a table for it");
    assert_eq!(ledger.deliveries().await.expect("read"), [delivery]);
    // Its submits hold no slots: most of them have ended unwatched.
    let pool = Pool::of(&intent("w", "k"));
    let claim =
        ledger.claim(&pool, Ask::new(None, Class::Single, 1), SlotFor::New(intent("w3", "k").into())).await;
    assert!(matches!(claim, Ok(Claim::Taken { slot: 0, .. })), "{claim:?}");
}

/// Other versions read the same file.
#[tokio::test]
async fn places_and_kinds_are_stored_in_the_words_of_all_versions() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path());
    let words = |at: &str, kind: &str| (at.to_owned(), "https://h".to_owned(), kind.to_owned());
    let wanted = [
        words("cn", "workflow"),
        words("ai", "app"),
        words("cn", "quick"),
        words("cn", "model"),
        words("comfyui", "prompt"),
        words("runninghub", "prompt"),
        words("runninghub-plus", "prompt"),
        words("a place of next year", "a kind of next year"),
    ];
    let at = |site| Place::RunningHub { site, base_url: "https://h".into() };
    let proxy = |proxy| Place::NativeProxy { proxy, base_url: "https://h".into() };
    for (place, kind) in [
        (at(Site::Cn), Kind::Workflow),
        (at(Site::Ai), Kind::App),
        (at(Site::Cn), Kind::Quick),
        (at(Site::Cn), Kind::Model),
        (Place::ComfyUi { url: "https://h".into() }, Kind::Prompt),
        (proxy(NativeProxy::Default), Kind::Prompt),
        (proxy(NativeProxy::Plus), Kind::Prompt),
    ] {
        ledger.begin(Intent::new(place, kind, "k", Digest::of("{}"))).await.expect("written");
    }
    let store = file(folder.path());
    let newer = "INSERT INTO attempt (id, owner, created, changed, site, base_url, key, kind, body, state)
        SELECT 'newer', owner, created, changed, 'a place of next year', base_url, key, 'a kind of next year', body, state
        FROM attempt LIMIT 1";
    store.execute(newer, []).expect("written");
    let mut stored =
        store.prepare("SELECT site, base_url, kind FROM attempt ORDER BY n").expect("a statement");
    let rows = stored.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("rows");
    assert_eq!(rows.collect::<Result<Vec<(String, String, String)>, _>>().expect("text"), wanted);
    let entries = ledger.entries(Filter::all()).await.expect("read");
    let read = entries.iter().rev().map(|entry| &entry.intent);
    let read: Vec<_> =
        read.map(|one| (one.place.to_string(), one.place.url().to_owned(), one.kind.to_string())).collect();
    assert_eq!(read, wanted);
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
    // The schema claims that the index covers another column than the one it was built from.
    let sql = "PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, 'attempt (state)', 'attempt (id)') WHERE name = 'attempt_open';";
    file(folder.path()).execute_batch(sql).expect("broken");
    let error = open(folder.path()).check().await.expect_err("it does not fit");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn attempts_of_a_dead_process_become_unknown_and_of_a_living_one_stay() {
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
    // A late id is still recorded.
    watcher.advance(&left, step(State::Accepted, &"8".into())).await.expect("accepted");
    living.advance(&mine, step(State::Accepted, &"9".into())).await.expect("accepted");
    drop((living, watcher));
    let owners = fs::read_dir(folder.path().join("owners")).expect("a folder");
    assert_eq!(owners.count(), 0, "nothing is left behind");
}

/// A sent submit may have created a task; one that waited for a slot has not.
#[tokio::test]
async fn an_item_of_a_dead_process_runs_again_only_if_nothing_was_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, other) = (open(folder.path()), open(folder.path()));
    ledger.open_batch(batch("cats")).await.expect("opened");
    ledger.freeze("cats", vec![item("sent", "a"), item("waited", "b")]).await.expect("frozen");
    let of = |id: &str| intent(id, "k").item(ItemRef::new("cats", id));
    other.begin(of("sent")).await.expect("written");
    let waits = other.begin(of("waited")).await.expect("written");
    other.advance(&waits, step(State::Waiting, &"7".into())).await.expect("waits");
    for id in ["sent", "waited"] {
        let again = Intent { secret: None, ..of(id) };
        assert_eq!(ledger.begin(again).await.expect_err("it lives").kind(), ErrorKind::Conflict);
    }
    drop(other);
    let states = async || -> Vec<_> {
        let items = ledger.items("cats").await.expect("read").into_iter();
        items.map(|one| one.entry.map(|entry| entry.state)).collect()
    };
    assert_eq!(states().await, [Some(State::Unknown), Some(State::Absent)]);
    let again = |id| Intent { secret: None, ..of(id) };
    assert_eq!(ledger.begin(again("sent")).await.expect_err("unknown").kind(), ErrorKind::Conflict);
    ledger.begin(again("waited")).await.expect("nothing was sent");
    assert_eq!(states().await, [Some(State::Unknown), Some(State::Submitting)]);
}

#[tokio::test]
async fn side_files_of_dead_processes_are_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path());
    ledger.begin(intent("w", "k")).await.expect("written");
    let owners = folder.path().join("owners");
    // The process was killed with no open submits, so no query refers to it.
    fs::write(owners.join("4711"), "").expect("written");
    ledger.entries(Filter::all()).await.expect("read");
    assert!(owners.join("4711").exists(), "questions write nothing");
    let next = open(folder.path());
    next.begin(intent("w2", "k")).await.expect("written");
    assert!(!owners.join("4711").exists());
    assert_eq!(fs::read_dir(&owners).expect("a folder").count(), 2, "the living stay");
}

#[tokio::test]
async fn reads_work_while_another_process_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let attempt = open(folder.path()).begin(intent("w", "k")).await.expect("written");
    let writer = file(folder.path());
    writer.execute_batch("BEGIN IMMEDIATE; UPDATE attempt SET note = 'not committed'").expect("begun");
    // Opened while the lock is held: opening needs no write.
    let entry = open(folder.path()).entry(Filter::all()).await.expect("read");
    // The process that made it is gone, and detecting this needs no write.
    assert_eq!((entry.attempt, entry.state), (attempt, State::Unknown));
    assert_ne!(entry.note.as_deref(), Some("not committed"));
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
            // Half of them also claim a task of another submit; the failure doesn't affect the others in the
            // transaction.
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
fn a_foreign_database_is_not_touched() {
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
    let other_in_use = |folder: &Path| {
        let other = file(folder);
        other.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE mine (a)").expect("made");
    };
    assert_eq!(kind(&other_in_use), ErrorKind::Corrupt);
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
async fn the_file_is_readable_by_its_owner_only() {
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
}

/// Not even the journal mode changes.
#[test]
fn the_database_of_another_program_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.sqlite3");
    file(folder.path()).execute_batch("CREATE TABLE mine (a)").expect("made");
    let before = fs::read(&path).expect("read");
    for opened in [SqliteLedger::open(folder.path()), SqliteLedger::open_to_read(folder.path())] {
        assert_eq!(opened.expect_err("refused").kind(), ErrorKind::Corrupt);
    }
    assert_eq!(fs::read(&path).expect("read"), before);
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "nothing is written beside it");
}

/// A process was killed while it moved pages from the log into the file: the first page refers to missing pages.
#[tokio::test]
async fn a_file_that_is_half_written_is_completed_from_its_log() {
    let (folder, killed) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let ledger = open(folder.path());
    let attempt = ledger.begin(intent("w", "k")).await.expect("written");
    fs::copy(folder.path().join("ledger.sqlite3-wal"), killed.path().join("ledger.sqlite3-wal"))
        .expect("copied");
    file(folder.path()).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("moved");
    let whole = fs::read(folder.path().join("ledger.sqlite3")).expect("read");
    assert!(whole.len() > 2 * 4096, "there is more than the first page");
    for opened in [SqliteLedger::open, SqliteLedger::open_to_read] {
        fs::write(killed.path().join("ledger.sqlite3"), &whole[..4096]).expect("written");
        let ledger = opened(killed.path()).expect("a ledger");
        assert_eq!(ledger.entry(Filter::all()).await.expect("found").attempt, attempt);
        ledger.check().await.expect("whole");
    }
}

/// The name contains all characters that are special in a URL, because SQLite opens it as one.
#[tokio::test]
async fn a_read_only_ledger_can_be_read() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("100% of ?mine #1");
    let ledger = open(&folder);
    let attempt = ledger.begin(intent("w", "k")).await.expect("written");
    let waiting = ledger.begin(intent("w2", "k")).await.expect("written");
    ledger.advance(&waiting, Step::Waiting { note: "full".into() }).await.expect("waits");
    drop(ledger);
    let read_only = |folder: &Path| {
        let reader = super::file::open_to_read(folder).expect("readable");
        SqliteLedger::start(folder.to_owned(), None, reader).expect("a ledger")
    };
    // Without the owner's file, as after a crash, and with only the database file, as on a read-only disk.
    let copy = home.path().join("copy");
    fs::create_dir(&copy).expect("made");
    file(&folder).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("all of it is in the file");
    fs::copy(folder.join("ledger.sqlite3"), copy.join("ledger.sqlite3")).expect("copied");
    for folder in [&folder, &copy] {
        let ledger = read_only(folder);
        let entries = ledger.entries(Filter::all()).await.expect("read");
        let states: Vec<_> = entries.iter().map(|entry| entry.state).collect();
        assert_eq!(states, [State::Refused, State::Unknown], "as they would be written down");
        let open = ledger.entry(Filter::all().open()).await.expect("only one is open");
        assert_eq!(open.attempt, attempt);
        ledger.check().await.expect("whole");
        let gone = ledger.advance(&attempt, step(State::Accepted, &"8".into())).await.expect_err("read-only");
        assert_eq!(gone.kind(), ErrorKind::Store);
        assert_eq!(ledger.begin(intent("w3", "k")).await.expect_err("read-only").kind(), ErrorKind::Store);
    }
    let none = super::file::open_to_read(home.path()).expect_err("there is none");
    assert_eq!(none.kind(), ErrorKind::Store);
    let error = SqliteLedger::open_to_read(folder.join("ledger.sqlite3")).expect_err("not a folder");
    assert_eq!(error.kind(), ErrorKind::Store);
}

#[cfg(unix)]
mod links {
    use std::{os::unix::fs::symlink, process::Command};

    use super::*;
    use crate::Error;

    fn text_of(error: &Error) -> String {
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {cause}; {}", error.hint().unwrap_or_default())
    }

    #[tokio::test]
    async fn a_folder_behind_a_link_is_the_folder_itself() {
        let home = tempfile::tempdir().expect("a folder");
        fs::create_dir(home.path().join("real")).expect("made");
        symlink("real", home.path().join("link")).expect("linked");
        // A link inside the path, and a link as the folder itself.
        for path in ["link/state", "link"] {
            let ledger = open(&home.path().join(path));
            let attempt = ledger.begin(intent("w", "k")).await.expect("written");
            assert_eq!(ledger.entry(Filter::all()).await.expect("found").attempt, attempt);
        }
        assert_eq!(open(&home.path().join("real")).entries(Filter::all()).await.expect("read").len(), 1);
    }

    #[test]
    fn a_dangling_link_is_named() {
        let home = tempfile::tempdir().expect("a folder");
        let at = |name: &str| home.path().join(name);
        symlink("nowhere", at("dangling")).expect("linked");
        symlink("two", at("one")).expect("linked");
        symlink("one", at("two")).expect("linked");
        fs::write(at("file"), "mine").expect("written");
        symlink("file", at("to-a-file")).expect("linked");
        for (path, words) in [
            ("dangling", &["dangling", "does not point to a folder", "remove the link"][..]),
            ("dangling/state", &["/dangling ", "does not point to a folder"]),
            ("one", &["does not point to a folder", "symbolic links"]),
            ("to-a-file", &["to-a-file", "not a directory"]),
            ("to-a-file/state", &["to-a-file ", "not a directory"]),
        ] {
            for opened in [SqliteLedger::open(at(path)), SqliteLedger::open_to_read(at(path))] {
                let error = opened.expect_err(path);
                let text = text_of(&error);
                assert_eq!(error.kind(), ErrorKind::Store, "{text}");
                assert!(words.iter().all(|word| text.contains(word)), "{text}");
            }
        }
    }

    #[test]
    fn a_link_in_place_of_a_file_is_refused_and_the_message_says_what_to_do() {
        let home = tempfile::tempdir().expect("a folder");
        let real = home.path().join("real");
        drop(open(&real));
        for name in ["ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"] {
            let linked = home.path().join(format!("link of {name}"));
            fs::create_dir(&linked).expect("made");
            symlink(real.join(name), linked.join(name)).expect("linked");
            for opened in [SqliteLedger::open(&linked), SqliteLedger::open_to_read(&linked)] {
                let error = opened.expect_err("a link leads elsewhere");
                let text = text_of(&error);
                assert_eq!(error.kind(), ErrorKind::Store, "{text}");
                assert!(text.contains(&format!("{name} is a symbolic link")), "{text}");
                assert!(text.contains("the folder may be a link"), "{text}");
            }
        }
    }

    fn pipe(path: &Path) {
        assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
    }

    /// Opening a pipe blocks until a writer opens it.
    #[tokio::test]
    async fn pipes_and_sockets_hang_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = open(folder.path());
        let attempt = ledger.begin(intent("w", "k")).await.expect("written");
        let owners = folder.path().join("owners");
        let [own] = &fs::read_dir(&owners).expect("listed").flatten().collect::<Vec<_>>()[..] else {
            panic!("one owner")
        };
        pipe(&owners.join("4711"));
        let _socket = std::os::unix::net::UnixListener::bind(owners.join("4712")).expect("bound");
        symlink("/dev/zero", owners.join("4713")).expect("linked");
        symlink("nowhere", owners.join("4714")).expect("linked");
        let next = open(folder.path());
        next.begin(intent("w2", "k")).await.expect("written");
        // If a pipe replaces an owner's file, the owner's state is unknown, so the submit is left alone.
        fs::remove_file(own.path()).expect("removed");
        pipe(&own.path());
        let entry = next.entry(Filter::all().attempt(attempt.as_str())).await.expect("found");
        assert_eq!(entry.state, State::Submitting);

        let other = tempfile::tempdir().expect("a folder");
        pipe(&other.path().join("ledger.sqlite3"));
        for opened in [SqliteLedger::open(other.path()), SqliteLedger::open_to_read(other.path())] {
            assert_eq!(opened.expect_err("a pipe").kind(), ErrorKind::Store);
        }
    }
}
