//! Group E: planning batches, from a user's view. `batch_run.rs` has what runs.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use runninghub::{
    Cost,
    ledger::{Batch, Digest, Intent, Item, ItemRef, Kind, Ledger as _, Place, Site, SqliteLedger, Step},
};
use serde_json::{Value, json};
use tokio::runtime;
use xshell::{Shell, cmd};

use super::{batch_run, folder::Folder, pairs::median, row::Row};

/// The rows of the large plan, and of the batch that is resumed.
const LARGE: usize = 100_000;
const RESUMED: usize = 10_000;
/// How often the memory of a process is read while it runs.
const LOOK: Duration = Duration::from_millis(2);
const KIB_PER_MIB: f64 = 1024.0;
/// A result, and its SHA-256.
const CONTENT: &str = "abc";
const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

pub(super) fn measure(shell: &Shell, root: &Path, quick: bool) -> Result<Vec<Row>> {
    cmd!(shell, "cargo build --quiet --release -p runninghub-cli").run()?;
    let lab = Lab::new(root)?;
    let rounds = if quick { 2 } else { 10 };
    fs::write(lab.path("large.csv"), table(LARGE))?;
    let large = lab.plans("large.csv", rounds)?;
    fs::write(lab.path("half.csv"), table(RESUMED))?;
    lab.run_half("half.csv")?;
    let half = lab.plans("half.csv", rounds)?;
    let mut rows = vec![
        Row::new("E1", "`batch plan` of 100,000 rows", large.seconds, "s").at_most(2.0),
        Row::new("E1", "its peak memory", large.peak, "MiB").at_most(150.0),
        Row::new("E2", "`batch plan` of 10,000 rows, half of them done", half.seconds * 1e3, "ms")
            .at_most(300.0)
            .note(format!("peak memory {:.0} MiB", half.peak)),
    ];
    rows.extend(batch_run::measure(&lab.rhub, quick)?);
    Ok(rows)
}

/// Rows as a spreadsheet writes them.
fn table(rows: usize) -> String {
    let mut text = String::from("_id,9.filename_prefix,3.seed,3.steps,_priority\n");
    for row in 0..rows {
        let (steps, priority) = (10 + row % 20, row % 3);
        let prompt = "in the rain, at night, with neon lights";
        let _ = writeln!(text, "cat-{row},\"a cat of row {row}, {prompt}\",{row},{steps},{priority}");
    }
    text
}

/// A folder with the files and the state of one user.
struct Lab {
    rhub: PathBuf,
    folder: Folder,
}

/// The median time of a plan, and the largest peak of its memory.
struct Plans {
    seconds: f64,
    peak: f64,
}

impl Lab {
    fn new(root: &Path) -> Result<Self> {
        let lab = Self { rhub: root.join("target/release/rhub"), folder: Folder::new("batch")? };
        fs::copy(root.join("fixtures/02-ksampler/workflow.json"), lab.path("graph.json"))?;
        Ok(lab)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn plan(&self, table: &str, options: &[&str]) -> Command {
        let mut command = Command::new(&self.rhub);
        command.env_clear();
        command
            .env("RUNNINGHUB_STATE_DIR", self.path("state"))
            .env("RUNNINGHUB_CONFIG", self.path("config.toml"));
        command.current_dir(self.folder.path()).args(["batch", "plan", table, "--workflow", "graph.json"]);
        command.args(options).stdin(Stdio::null());
        command
    }

    /// Measures a plan in several processes.
    fn plans(&self, table: &str, rounds: usize) -> Result<Plans> {
        let (mut seconds, mut peak) = (Vec::new(), 0.0_f64);
        // The first round warms up and does not count.
        for round in 0..=rounds {
            let start = Instant::now();
            let mut child = self.plan(table, &[]).stdout(Stdio::null()).spawn()?;
            let most = watch(&mut child)?;
            if round > 0 {
                seconds.push(start.elapsed().as_secs_f64());
                peak = peak.max(most);
            }
        }
        Ok(Plans { seconds: median(seconds.into_iter()), peak })
    }

    /// The events of a plan.
    fn events(&self, table: &str) -> Result<Vec<Value>> {
        let done = self.plan(table, &["--rows", "--json"]).output()?;
        ensure!(done.status.success(), "a plan failed: {}", String::from_utf8_lossy(&done.stderr));
        let text = String::from_utf8(done.stdout)?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// Writes what a batch leaves behind of which every other row is done: in the ledger, and in the folder of its results.
    fn run_half(&self, table: &str) -> Result<()> {
        let events = self.events(table)?;
        let plan = last(&events, "batch_plan")?;
        let target =
            json!({"place": "cn", "url": plan["base_url"], "kind": plan["kind"], "id": plan["target"]});
        let (results, base) = (self.path("results"), text(plan, "base_url")?);
        let (kind, id) = (text(plan, "kind")?.parse::<Kind>()?, text(plan, "target")?);
        let place = Place::RunningHub { site: Site::Cn, base_url: base };
        let runtime = runtime::Builder::new_current_thread().build()?;
        let ledger = SqliteLedger::open(self.path("state"))?;
        let origin = fs::canonicalize(self.path(table))?;
        let batch = Batch::new(
            "half",
            origin.to_string_lossy(),
            Digest::of(table),
            (place.clone(), kind.clone(), id.clone()),
        );
        runtime.block_on(ledger.open_batch(batch.folder(results.to_string_lossy())))?;
        let (mut items, mut records, mut done) = (Vec::new(), String::new(), Vec::new());
        for (row, item) in events.iter().filter(|event| event["event"] == "item").enumerate() {
            let (name, fingerprint) = (text(item, "item")?, text(item, "fingerprint")?);
            let body = json!({
                "id": name, "set": item["set"], "out": item["out"], "row": item["row"], "repeat": 1,
                "fingerprint": fingerprint, "priority": 0, "target": target,
            });
            items.push(Item::new(name.clone(), fingerprint.parse()?, body.to_string()));
            if row % 2 == 0 {
                let file = format!("{name}/{name}.png");
                fs::create_dir_all(results.join(&name))?;
                fs::write(results.join(&file), CONTENT)?;
                let changed = fs::metadata(results.join(&file))?.modified()?.duration_since(UNIX_EPOCH)?;
                let record = json!({
                    "id": name, "state": "done", "row": item["row"], "out": item["out"], "set": item["set"],
                    "fingerprint": fingerprint, "timings": {"saved_ms": 1},
                    "files": [{"path": file, "bytes": CONTENT.len(), "sha256": DIGEST, "modified_ms": changed.as_millis()}],
                });
                let _ = writeln!(records, "{record}");
                done.push(name);
            }
        }
        runtime.block_on(ledger.freeze("half", items))?;
        for (number, name) in done.iter().enumerate() {
            let intent = Intent::new(place.clone(), kind.clone(), "k", Digest::of(name)).target(&*id);
            let attempt = runtime.block_on(ledger.begin(intent.item(ItemRef::new("half", &**name))))?;
            let cost = Cost { coins: Some("2".into()), seconds: Some("20".into()), ..Cost::default() };
            let task = format!("20000000000000{number:05}").into();
            for step in [Step::Accepted { task }, Step::Done { cost: Some(cost) }] {
                runtime.block_on(ledger.advance(&attempt, step))?;
            }
        }
        let report = json!({
            "schema": "rhub.batch/1", "batch": "half", "spec_sha256": Digest::of(table).to_string(), "target": target,
            "created_ms": 0, "updated_ms": 0, "counts": {}, "versions": [],
            "cost": {"coins": "0", "money": "0", "seconds": "0", "unknown": 0},
        });
        fs::write(results.join("items.jsonl"), records)?;
        fs::write(results.join("batch.json"), report.to_string())?;
        let counts = last(&self.events(table)?, "batch_plan")?["counts"].clone();
        ensure!(
            counts["done"] == RESUMED / 2 && counts["ready"] == RESUMED / 2,
            "another batch is resumed: {counts}"
        );
        Ok(())
    }
}

fn last<'e>(events: &'e [Value], name: &str) -> Result<&'e Value> {
    events.iter().rev().find(|event| event["event"] == name).with_context(|| format!("there is no `{name}`"))
}

fn text(event: &Value, name: &str) -> Result<String> {
    Ok(event[name].as_str().with_context(|| format!("`{name}` is no text"))?.to_owned())
}

/// Waits for a process to succeed. Returns the peak of its resident memory, in MiB.
#[expect(clippy::disallowed_methods, reason = "memory can only be read while the process runs")]
fn watch(child: &mut Child) -> Result<f64> {
    let file = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    loop {
        let status = fs::read_to_string(&file).unwrap_or_default();
        // Once it is over, it has no memory.
        if let Some(line) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
            peak = line.trim().trim_end_matches(" kB").parse::<f64>()? / KIB_PER_MIB;
        }
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "a plan failed: {status}");
            return Ok(peak);
        }
        thread::sleep(LOOK);
    }
}
