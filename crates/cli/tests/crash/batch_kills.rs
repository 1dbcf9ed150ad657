//! `kill -9` at any moment of a batch, combined with lost responses: each row is paid for once, and each file is whole.
//!
//! `cargo xtask kills` does it with more kills and more rows than a test has time for.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use runninghub::ledger::{Entry, Ledger as _, State, Step};
use runninghub_sim::{Fault, FaultProxy, Rate, Scenario, ScriptNode, Sim, Toxic};
use tempfile::TempDir;

use crate::lab::{Lab, kill, rhub};

/// The default number of kills and rows; the environment overrides them.
const KILLS: usize = 12;
const ROWS: usize = 60;
/// When a batch is killed at the latest. By then some rows are over, also on a busy machine.
const LONGEST: Duration = Duration::from_millis(1_200);
/// One in this many kills happens at a state change in the ledger, instead of after a time.
const AT_EDGE: usize = 3;
/// Changes of state at which a batch is killed, before they are written and after it.
const EDGES: [&str; 4] = [
    "none>submitting:after",
    "submitting>accepted:before",
    "submitting>accepted:after",
    "accepted>done:before",
];
/// The share of creates whose responses are lost.
const LOST: f64 = 0.1;
/// A batch that is not killed is over by then, on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(10);

fn scenario(takes: Duration) -> Scenario {
    let text = ScriptNode::new("6", "CLIPTextEncode").input("text", "a cat").takes(takes);
    let image = ScriptNode::new("10", "LoadImage").input("image", "example.png");
    let save = ScriptNode::new("9", "SaveImage").link("images", "6", 0).saves("cat.png");
    Scenario::script("cats").node(text).node(image).node(save).build()
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

/// The lines of a process, as they arrive. It never waits for a reader.
fn lines(child: &mut Child) -> Receiver<String> {
    let (send, lines) = channel();
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    lines
}

/// The exit code of a process that ends by itself.
fn end(mut child: Child, lines: &Receiver<String>) -> Option<i32> {
    let late = Instant::now() + PATIENCE;
    while lines.recv_timeout(PATIENCE).is_ok() {
        if Instant::now() > late {
            kill(child);
            panic!("it does not end");
        }
    }
    child.wait().expect("it ends").code()
}

/// A batch that is killed again and again.
struct Ordeal {
    lab: Lab,
    workflow: String,
    dir: TempDir,
    rows: usize,
}

impl Ordeal {
    fn new(rows: usize) -> Self {
        let scenario = scenario(Duration::from_millis(40));
        let workflow = scenario.workflow_id();
        let lost = Fault::LostCreateAnswer(Rate::Chance(LOST));
        let lab = Lab::new(Sim::builder().concurrency(3).scenario(scenario).fault(lost));
        let dir = tempfile::tempdir().expect("a folder");
        // Nothing listens at the webhooks; they only mark the tasks.
        let line = |row| format!("cat-{row},cat number {row},http://127.0.0.1:9/cat-{row}/\n");
        let table: String = (1..=rows).map(line).collect();
        fs::write(dir.path().join("cats.csv"), format!("_id,6.text,_webhook\n{table}")).expect("written");
        Self { lab, workflow, dir, rows }
    }

    fn start(&self, failpoint: Option<&str>) -> Child {
        let args = ["batch", "run", "cats.csv", "--workflow", &self.workflow, "-o", "results", "--json"];
        let mut command = self.lab.rhub(&args);
        command.current_dir(self.dir.path()).stderr(Stdio::null());
        if let Some(edge) = failpoint {
            command.env("RUNNINGHUB_FAILPOINT", format!("{edge}=abort"));
        }
        command.spawn().expect("the binary")
    }

    /// Starts and kills it this many times, and calls `between` each time.
    fn kill(&self, kills: usize, between: impl Fn(&Self)) {
        for round in 0..kills {
            let golden = (round as f64 * 0.618_033_988_749).fract();
            let edge = EDGES[round / AT_EDGE % EDGES.len()];
            let mut batch = self.start(round.is_multiple_of(AT_EDGE).then_some(edge));
            let lines = lines(&mut batch);
            // Waits for the time to kill it, unless it ends before.
            let moment = Instant::now() + LONGEST.mul_f64(golden);
            while let Some(left) = moment.checked_duration_since(Instant::now())
                && lines.recv_timeout(left) != Err(RecvTimeoutError::Disconnected)
            {}
            kill(batch);
            between(self);
        }
    }

    /// Runs it to its end. Unknown rows are resolved in between.
    fn finish(&self, between: impl Fn(&Self)) {
        for _ in 0..self.rows {
            match self.run() {
                Some(0) => return,
                Some(5) => between(self),
                code => panic!("it ended with {code:?}"),
            }
        }
        panic!("it does not end");
    }

    fn run(&self) -> Option<i32> {
        let mut batch = self.start(None);
        let lines = lines(&mut batch);
        end(batch, &lines)
    }

    /// The tasks that were paid for, by the row.
    fn paid(&self) -> BTreeMap<String, Vec<String>> {
        let mut paid: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for task in self.lab.sim.tasks() {
            let url = task.webhook_url.expect("every task is marked");
            let row = url.split('/').nth(3).expect("a marker").to_owned();
            paid.entry(row).or_default().push(task.task_id);
        }
        paid
    }

    /// Resolves each unknown submit according to the platform's page.
    fn resolve(&self) {
        let (entries, paid) = (self.lab.entries(), self.paid());
        let known: BTreeSet<&str> =
            entries.iter().filter_map(|entry| entry.task.as_ref()).map(runninghub::TaskId::as_str).collect();
        for entry in unknown(&entries) {
            let row = &entry.intent.item.as_ref().expect("a row").id;
            let mut tasks = paid.get(row).into_iter().flatten();
            let step = match tasks.find(|task| !known.contains(task.as_str())) {
                Some(task) => Step::Accepted { task: task.as_str().into() },
                None => Step::Absent { note: "it is not on the page".into() },
            };
            self.lab.wait(self.lab.ledger().advance(&entry.attempt, step)).expect("resolved");
        }
    }

    fn ledger(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.lab.state.path().join("ledger.sqlite3")).expect("a ledger")
    }

    /// Rows that were paid for more than once.
    fn doubled(&self) -> usize {
        self.paid().values().filter(|tasks| tasks.len() > 1).count()
    }
}

fn unknown(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(|entry| entry.state == State::Unknown)
}

/// Each folder has one complete image, and no partial file under a final name.
fn check_files(results: &Path, rows: usize, image: &[u8]) {
    let mut images = 0;
    for folder in fs::read_dir(results).expect("a folder").map(|entry| entry.expect("readable").path()) {
        if !folder.is_dir() {
            continue;
        }
        for file in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("readable").path()) {
            match file.extension().and_then(|extension| extension.to_str()) {
                Some("png") => {
                    images += 1;
                    assert!(fs::read(&file).expect("readable") == image, "{} is not whole", file.display());
                }
                Some("json") => {
                    let text = fs::read(&file).expect("readable");
                    serde_json::from_slice::<serde_json::Value>(&text).expect("whole");
                }
                // An interrupted download is kept for a while, to be resumed.
                Some("part") => {}
                _ => panic!("{} is left over", file.display()),
            }
        }
    }
    assert_eq!(images, rows, "one image each");
}

#[test]
fn rows_of_a_batch_that_is_killed_at_any_moment_are_paid_once_each() {
    let (kills, rows) = (number("BATCH_KILLS", KILLS), number("BATCH_ROWS", ROWS));
    let ordeal = Ordeal::new(rows);
    ordeal.kill(kills, Ordeal::resolve);
    ordeal.finish(Ordeal::resolve);
    let paid = ordeal.paid();
    assert_eq!(paid.len(), rows, "rows were lost");
    let doubled: Vec<_> = paid.iter().filter(|(_, tasks)| tasks.len() > 1).collect();
    assert!(doubled.is_empty(), "paid twice: {doubled:?}");
    // The ledger agrees, and is whole.
    let done = ordeal.lab.entries().into_iter().filter(|entry| entry.state == State::Done);
    let done: BTreeMap<String, String> = done
        .map(|entry| (entry.intent.item.expect("a row").id, entry.task.expect("a task").as_str().to_owned()))
        .collect();
    assert!(paid.iter().all(|(row, tasks)| done.get(row) == tasks.first()), "{done:?}");
    let check: String =
        ordeal.ledger().query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("an answer");
    assert_eq!(check, "ok");
    let image = scenario(Duration::ZERO).results().next().expect("a result").2.to_vec();
    check_files(&ordeal.dir.path().join("results"), rows, &image);
    // Nothing is sent again, and nothing is fetched again.
    let before = ordeal.lab.sim.stats();
    assert_eq!(ordeal.run(), Some(0));
    let after = ordeal.lab.sim.stats();
    assert_eq!((after.creates, after.download_bytes), (before.creates, before.download_bytes));
}

/// The negative control: a batch that resends rows with unknown submits. The harness counts the duplicate payments.
#[test]
fn rows_that_are_sent_again_when_in_doubt_are_paid_twice() {
    let in_doubt = |ordeal: &Ordeal| {
        for entry in unknown(&ordeal.lab.entries()) {
            let step = Step::Absent { note: "in doubt".into() };
            ordeal.lab.wait(ordeal.lab.ledger().advance(&entry.attempt, step)).expect("resolved");
        }
    };
    let ordeal = Ordeal::new(ROWS);
    ordeal.kill(KILLS / 2, in_doubt);
    ordeal.finish(in_doubt);
    assert_ne!(ordeal.doubled(), 0, "the harness does not see it");
}

/// Another one: a ledger that forgets the submits that are not over, as if an intent were not on disk before the create.
#[test]
fn rows_whose_submits_the_ledger_forgets_are_paid_twice() {
    let forget = |ordeal: &Ordeal| {
        let open = "(SELECT n FROM attempt WHERE state IN ('submitting', 'waiting', 'unknown', 'accepted'))";
        let sql = format!(
            "DELETE FROM slot WHERE attempt IN {open}; DELETE FROM task WHERE attempt IN {open};
             DELETE FROM attempt WHERE n IN {open};"
        );
        // It may have been killed before it had a ledger: this opens one.
        ordeal.lab.entries();
        ordeal.ledger().execute_batch(&sql).expect("forgotten");
    };
    let ordeal = Ordeal::new(ROWS);
    ordeal.kill(KILLS / 2, forget);
    ordeal.finish(Ordeal::resolve);
    assert_ne!(ordeal.doubled(), 0, "the harness does not see it");
}

/// A table as a spreadsheet writes it: a byte order mark, semicolons, and cells with all kinds of text.
fn spreadsheet() -> String {
    let odd = [
        "\"a \"\"cat\"\", in the rain\"",
        "\"two\r\nlines; one cell\"",
        "null",
        "@handle",
        "{\"\"a\"\":1}",
        "一只猫，在雨中",
        "=1+1",
        "007",
        " spaces ",
        "\"\"\"quoted\"\"\"",
        "-1",
        "🐈",
    ];
    let mut table = String::from("\u{feff}_priority;6.text\r\n");
    for row in 0..60 {
        let text = odd[row % odd.len()];
        // Each is another one.
        let text = match text.strip_suffix('"') {
            Some(text) => format!("{text} {row}\""),
            None if text.contains('"') => format!("\"{text} {row}\""),
            None => format!("{text} {row}"),
        };
        let _ = write!(table, "{};{text}\r\n", row % 3);
    }
    table
}

/// Two batches, a network, and one person's folder.
struct Night {
    lab: Lab,
    network: FaultProxy,
    workflow: String,
    dir: TempDir,
}

impl Night {
    fn new() -> Self {
        let scenario = scenario(Duration::from_millis(40));
        let workflow = scenario.workflow_id();
        let (lab, network) = Lab::behind_a_proxy(Sim::builder().concurrency(3).scenario(scenario));
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("prompts.csv"), spreadsheet()).expect("written");
        fs::create_dir(dir.path().join("pictures")).expect("a folder");
        for picture in 1..=200 {
            let mut content = b"\x89PNG\r\n\x1a\n".to_vec();
            content.extend(format!("picture {picture}").into_bytes());
            fs::write(dir.path().join(format!("pictures/IMG {picture:04}.png")), content).expect("written");
        }
        Self { lab, network, workflow, dir }
    }

    fn rhub(&self, args: &[&str]) -> Child {
        let url = format!("http://{}", self.network.address());
        let mut command = rhub(&url, self.lab.state.path(), args);
        command.current_dir(self.dir.path()).stderr(Stdio::null());
        command.spawn().expect("the binary")
    }

    fn start(&self) -> [(Child, Receiver<String>); 2] {
        let table = ["batch", "run", "prompts.csv", "--workflow", &self.workflow, "-o", "prompts", "--json"];
        let pictures = ["--each", "10.image=@pictures/*.png", "--batch", "pictures", "-o", "done", "--json"];
        let pictures = [&["batch", "run", "--workflow", &self.workflow], &pictures[..]].concat();
        [&table[..], &pictures].map(|args| {
            let mut batch = self.rhub(args);
            let lines = lines(&mut batch);
            (batch, lines)
        })
    }

    /// Resolves submits according to the platform's page. No process is running, so each task missing in the ledger
    /// belongs to one of the unknown submits.
    fn resolve(&self) {
        let entries = self.lab.entries();
        let known: BTreeSet<String> =
            entries.iter().filter_map(|entry| Some(entry.task.as_ref()?.as_str().to_owned())).collect();
        let tasks = self.lab.sim.tasks().into_iter().map(|task| task.task_id);
        let mut strays = tasks.filter(|task| !known.contains(task));
        for entry in unknown(&entries) {
            let step = match strays.next() {
                Some(task) => Step::Accepted { task: task.into() },
                None => Step::Absent { note: "it is not on the page".into() },
            };
            self.lab.wait(self.lab.ledger().advance(&entry.attempt, step)).expect("resolved");
        }
        assert_eq!(strays.count(), 0, "a task was lost");
    }
}

/// Waits for this many rows to be done, for an unknown one, or for the end.
fn wait_for_rows(lines: &Receiver<String>, rows: usize) {
    let mut done = 0;
    while done < rows
        && let Ok(line) = lines.recv_timeout(PATIENCE)
        && !line.contains("\"state\":\"unknown\"")
    {
        done += usize::from(line.contains("\"state\":\"done\""));
    }
}

#[test]
fn a_strangers_table_and_two_hundred_pictures_are_paid_once_each_in_a_rough_night() {
    let night = Night::new();
    let mut singles = 0;
    for phase in 0..5 {
        let batches = night.start();
        for (_, lines) in &batches {
            wait_for_rows(lines, 2 + phase);
        }
        if phase % 2 == 0 {
            // A single run takes a slot of the same key.
            let mut run = night.rhub(&["run", &night.workflow, "--json"]);
            let lines = lines(&mut run);
            assert_eq!(end(run, &lines), Some(0));
            singles += 1;
        } else {
            // The network drops requests or responses, and recovers once that has been noticed.
            let before = night.network.seen().connections;
            night.network.add(if phase == 1 { Toxic::reset(0).up() } else { Toxic::reset(1) });
            night.network.reset_all();
            night.lab.wait(night.network.wait(|seen| seen.connections > before + 3));
            night.network.clear();
            // They go on by themselves, unless lost creates hold all slots.
            for (_, lines) in &batches {
                wait_for_rows(lines, 1);
            }
        }
        for (batch, _) in batches {
            kill(batch);
        }
        night.resolve();
    }
    for (batch, lines) in night.start() {
        assert_eq!(end(batch, &lines), Some(0));
    }
    let done: Vec<Entry> =
        night.lab.entries().into_iter().filter(|entry| entry.state == State::Done).collect();
    let items: BTreeSet<_> = done.iter().filter_map(|entry| entry.intent.item.clone()).collect();
    let of = |batch: &str| items.iter().filter(|item| item.batch == batch).count();
    assert_eq!((of("prompts"), of("pictures")), (60, 200));
    assert_eq!(night.lab.sim.stats().creates, 260 + singles, "each was paid once");
    let image = scenario(Duration::ZERO).results().next().expect("a result").2.to_vec();
    check_files(&night.dir.path().join("prompts"), 60, &image);
    check_files(&night.dir.path().join("done"), 200, &image);
}
