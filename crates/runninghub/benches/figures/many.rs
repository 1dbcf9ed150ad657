//! Group B: many tasks in one process.

use std::{
    env,
    process::{Command, Stdio},
};

use serde::de::DeserializeOwned;

use crate::{
    Result,
    hold::Held,
    row::{Row, max, median, quantile},
    watch::Watched,
};

const TASKS: usize = 1000;

pub(crate) fn measure(quick: bool) -> Result {
    hold(if quick { 4 } else { 10 })?;
    for tasks in if quick { &[TASKS][..] } else { &[TASKS, 5 * TASKS] } {
        watch(*tasks)?;
    }
    Ok(())
}

fn hold(seconds: u32) -> Result {
    let held = |how: &str| child::<Held>(&["hold", how, &TASKS.to_string(), &seconds.to_string()]);
    let (floor, plain, tls, default) = (held("floor")?, held("live")?, held("tls")?, held("default")?);
    // In percent: microseconds of a frame, times frames a second.
    let share = |held: Held| held.frame * 1e-6 * (10 * TASKS) as f64 * 100.0;
    Row::new("B1", "memory for each of 1,000 tasks", plain.memory, "KiB").at_most(12.0).print()?;
    Row::new("B1", "memory for each of 1,000 tasks, TLS", tls.memory, "KiB").at_most(22.0).print()?;
    Row::new("B1", "… against tungstenite as it comes", plain.memory / default.memory, "×")
        .at_most(0.1)
        .note(format!("{:.0} KiB", default.memory))
        .print()?;
    Row::new("B3", "CPU for 1,000 tasks at 10 frames/s", share(plain), "% of a core")
        .at_most(12.0)
        .note(format!("{:.1} µs a frame; TLS {:.1} %", plain.frame, share(tls)))
        .print()?;
    Row::new("B3", "… against only reading the bytes", plain.frame / floor.frame, "×")
        .at_most(1.4)
        .note(format!("{:.1} µs a frame", floor.frame))
        .print()?;
    Row::new("B3", "… against tungstenite as it comes", plain.frame / default.frame, "×")
        .note(format!("{:.1} µs a frame", default.frame))
        .print()
}

fn watch(tasks: usize) -> Result {
    let watched: Watched = child(&["watch", &tasks.to_string()])?;
    let goal = "B4";
    let all = watched.tasks as f64;
    Row::new(goal, format!("ends noticed, of {tasks} at once"), watched.late.len() as f64, "")
        .at_least(all)
        .print()?;
    Row::new(goal, format!("noticed, 99 % of {tasks}"), quantile(&watched.late, 0.99), "ms")
        .at_most(50.0)
        .note(format!("median {:.1} ms, longest {:.1} ms", median(&watched.late), max(&watched.late)))
        .print()?;
    let mib = watched.peak / 1024.0;
    let row = Row::new(goal, format!("peak memory, {tasks} at once"), mib, "MiB");
    let row = if tasks == 5 * TASKS { row.at_most(160.0) } else { row };
    row.note(format!("{:.1} KiB each", (watched.peak - watched.base) / all)).print()?;
    Row::new(
        "B1",
        format!("memory for each of {tasks}, whole pipeline"),
        (watched.peak - watched.base) / all,
        "KiB",
    )
    .at_most(32.0)
    .print()?;
    let row = Row::new(goal, format!("CPU of {tasks} tasks"), watched.cpu, "s");
    let row = if tasks == 5 * TASKS { row.at_most(all * 1e-3 + watched.frames as f64 * 1e-5) } else { row };
    row.note(format!("{:.2} ms a task, {} frames", watched.cpu * 1e3 / all, watched.frames)).print()?;
    Row::new(goal, format!("calls of a task, {tasks} at once"), watched.calls as f64 / all, "")
        .note("with create and the node map")
        .print()
}

/// Runs this program in another role and parses the line that it prints.
fn child<T: DeserializeOwned>(args: &[&str]) -> Result<T> {
    let output = Command::new(env::current_exe()?).args(args).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{} failed", args.join(" ")).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
