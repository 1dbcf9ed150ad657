//! Group E: running batches, against the simulator in this process.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use portable_pty::CommandBuilder;
use runninghub_sim::{Sim, TaskInfo};
use tokio::runtime::{self, Runtime};

use super::{drawing, folder::Folder, row::Row};

/// The slots of the key.
const SLOTS: usize = 3;
/// Steps of the shortest and of the longest row: 2 and 10 s at this speed of the simulator.
const STEPS: (u32, u32) = (9, 49);
const SPEED: f64 = 0.125;
/// The rows of the batch that is resumed, and of the one on the screen.
const RESUMED: usize = 10_000;
const SHOWN: usize = 1_000;
/// How long the batch on the screen is watched.
const WATCHED: Duration = Duration::from_secs(20);
const GRAPH: &str = r#"{"3":{"class_type":"KSampler","inputs":{"seed":1,"steps":20,"text":"a cat"}},
    "9":{"class_type":"SaveImage","inputs":{"images":["3",0],"filename_prefix":"cat"}}}"#;

pub(super) fn measure(rhub: &Path, quick: bool) -> Result<Vec<Row>> {
    let mut rows = makespan(rhub, if quick { 12 } else { 30 }, Duration::ZERO, 1.02)?;
    rows.extend(makespan(rhub, if quick { 12 } else { 30 }, Duration::from_millis(400), 1.03)?);
    rows.push(resume(rhub, if quick { 3 } else { 7 })?);
    rows.extend(screen(rhub)?);
    Ok(rows)
}

/// A simulator, and the folder of one user.
struct Lab {
    // Declared before the runtime, since it must be dropped on it.
    sim: Sim,
    _runtime: Runtime,
    folder: Folder,
    rhub: PathBuf,
}

impl Lab {
    fn new(rhub: &Path, speed: f64, settle: Duration) -> Result<Self> {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let sim = runtime.block_on(Sim::builder().concurrency(SLOTS).speed(speed).settle(settle).start())?;
        let lab = Self { sim, _runtime: runtime, folder: Folder::new("batch-run")?, rhub: rhub.to_owned() };
        fs::write(lab.folder.path().join("graph.json"), GRAPH)?;
        // What is known of the target: without it, the first row would run alone.
        lab.table("first.csv", [STEPS.0])?;
        lab.run("first.csv")?;
        Ok(lab)
    }

    /// Writes a table with a row for each number of steps.
    fn table(&self, name: &str, steps: impl IntoIterator<Item = u32>) -> Result<()> {
        let mut text = String::from("_id,3.steps,3.seed\n");
        for (row, steps) in steps.into_iter().enumerate() {
            let _ = writeln!(text, "row-{row},{steps},{row}");
        }
        Ok(fs::write(self.folder.path().join(name), text)?)
    }

    fn env(&self) -> [(&'static str, String); 4] {
        let path = |name: &str| self.folder.path().join(name).to_string_lossy().into_owned();
        [
            ("RUNNINGHUB_API_KEY", Sim::DEMO_KEY.to_owned()),
            ("RUNNINGHUB_BASE_URL", self.sim.base_url().to_owned()),
            ("RUNNINGHUB_STATE_DIR", path("state")),
            ("RUNNINGHUB_CONFIG", path("config.toml")),
        ]
    }

    fn command(&self, table: &str) -> Command {
        let mut command = Command::new(&self.rhub);
        command.env_clear().envs(self.env()).current_dir(self.folder.path());
        command
            .args(["batch", "run", table, "--workflow", "graph.json", "-o"])
            .arg(format!("{table}.results"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn run(&self, table: &str) -> Result<()> {
        let status = self.command(table).status()?;
        ensure!(status.success(), "a batch failed: {status}");
        Ok(())
    }

    /// The tasks since the first ones.
    fn tasks(&self, first: usize) -> Vec<TaskInfo> {
        let mut tasks = self.sim.tasks();
        tasks.sort_by_key(|task| task.created_at);
        tasks.split_off(first.min(tasks.len()))
    }
}

/// How long a batch takes, of how long it would take if each slot was never free.
fn makespan(rhub: &Path, rows: usize, settle: Duration, goal: f64) -> Result<Vec<Row>> {
    let lab = Lab::new(rhub, SPEED, settle)?;
    let mut rng = fastrand::Rng::with_seed(7);
    lab.table("rows.csv", (0..rows).map(|_| rng.u32(STEPS.0..=STEPS.1)))?;
    let (before, known) = (lab.sim.stats(), lab.tasks(0).len());
    lab.run("rows.csv")?;
    let (after, tasks) = (lab.sim.stats(), lab.tasks(known));
    ensure!(tasks.len() == rows, "{} tasks of {rows} rows", tasks.len());
    let start = tasks.iter().map(|task| task.created_at).min().unwrap_or_else(Instant::now);
    let end = tasks.iter().map(|task| task.ready_at).max().unwrap_or(start);
    // The next row goes to the slot that is free first.
    let mut lanes = [Duration::ZERO; SLOTS];
    for task in &tasks {
        lanes.sort_unstable();
        if let Some(lane) = lanes.first_mut() {
            *lane += task.ready_at - task.created_at;
        }
    }
    let ideal = lanes.iter().max().copied().unwrap_or_default();
    let took = end - start;
    let creates = |stats: &runninghub_sim::Stats| {
        stats.calls.iter().filter(|(path, _)| path.contains("create")).map(|(_, count)| count).sum::<u64>()
    };
    let refused = (creates(&after) - creates(&before)) - (after.creates - before.creates);
    let calls = (after.api_calls() - before.api_calls()) as f64 / rows as f64;
    let what =
        if settle.is_zero() { String::new() } else { format!(", results {} ms late", settle.as_millis()) };
    let note = format!("{:.1} s of {:.1} s", took.as_secs_f64(), ideal.as_secs_f64());
    let ratio = took.as_secs_f64() / ideal.as_secs_f64();
    Ok(vec![
        Row::new(
            "E3",
            format!("makespan of {rows} tasks of 2 to 10 s on 3 slots, against the ideal{what}"),
            ratio,
            "×",
        )
        .at_most(goal)
        .note(note),
        Row::new("E3", format!("creates that were refused for lack of a slot{what}"), refused as f64, "")
            .at_most(0.0),
        Row::new("E3", format!("API calls a row{what}"), calls, "").at_most(6.0),
    ])
}

/// The time from the start of a process to the first submit of a batch that goes on.
fn resume(rhub: &Path, rounds: usize) -> Result<Row> {
    let lab = Lab::new(rhub, 1.0, Duration::ZERO)?;
    lab.table("many.csv", (0..RESUMED).map(|_| STEPS.1))?;
    let mut times = Vec::new();
    for _ in 0..=rounds {
        // All slots are free.
        while lab.tasks(0).iter().any(|task| task.ready_at > Instant::now()) {
            std::thread::yield_now();
        }
        let known = lab.tasks(0).len();
        let start = Instant::now();
        let mut child = lab.command("many.csv").arg("--json").stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("a pipe")?).lines().map_while(Result::ok);
        // The row is in the ledger, so that the kill leaves nothing unknown.
        let is_new =
            |line: &String| line.contains("\"action\":\"run\"") && line.contains("\"state\":\"running\"");
        ensure!(lines.any(|line| is_new(&line)), "nothing was submitted");
        child.kill()?;
        child.wait()?;
        let task = lab.tasks(known).into_iter().next().context("a task")?;
        times.push((task.created_at - start).as_secs_f64() * 1e3);
    }
    // The first round is a start.
    let times = times.split_off(1);
    Ok(Row::new(
        "E4",
        "first submit when 10,000 rows are resumed",
        super::pairs::median(times.into_iter()),
        "ms",
    )
    .at_most(300.0))
}

/// What the live block of a large batch costs.
fn screen(rhub: &Path) -> Result<Vec<Row>> {
    let lab = Lab::new(rhub, 1.0, Duration::ZERO)?;
    lab.table("shown.csv", (0..SHOWN).map(|_| STEPS.1))?;
    let mut command = CommandBuilder::new(rhub);
    command.args(["batch", "run", "shown.csv", "--workflow", "graph.json"]);
    command.cwd(lab.folder.path());
    for (name, value) in lab.env() {
        command.env(name, value);
    }
    let drawn = drawing::watch(command, WATCHED)?;
    let rate = drawn.drawings as f64 / drawn.seconds;
    let share = drawn.cpu / drawn.seconds * 100.0;
    Ok(vec![
        Row::new("E5", "drawings a second of a batch of 1,000 rows", rate, "").at_most(10.0),
        Row::new("E5", "processor time of it", share, "% of a core").at_most(3.0),
    ])
}
