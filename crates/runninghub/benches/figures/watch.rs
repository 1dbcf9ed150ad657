//! Thousands of tasks at once, from create to result, through the facade.

use std::{cell::RefCell, collections::BTreeMap, pin::pin, rc::Rc, time::Duration};

use futures_util::{StreamExt as _, stream};
use runninghub::{ApiKey, Phase, RunningHub, Service as _, Submit};
use runninghub_sim::Sim;
use serde::{Deserialize, Serialize};
use tokio::{
    task::{LocalSet, spawn_local},
    time::interval,
};

use crate::{
    Result,
    server::{Server, WORKFLOW},
    usage,
};

/// Delay between submits, and between the ends of tasks.
const APART: Duration = Duration::from_millis(1);
/// Concurrent submits.
const SUBMITTING: usize = 32;

/// The cost of watching them.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Watched {
    /// Delay until each end was noticed, in ms; ends that were not noticed are missing.
    pub(crate) late: Vec<f64>,
    pub(crate) tasks: usize,
    pub(crate) calls: u64,
    pub(crate) frames: u64,
    /// CPU time in seconds.
    pub(crate) cpu: f64,
    /// Peak resident memory, in KiB.
    pub(crate) peak: f64,
    /// Peak resident memory before the first task, in KiB.
    pub(crate) base: f64,
}

pub(crate) async fn watch(tasks: usize) -> Result {
    let server = Server::start("sim", tasks)?;
    let hub = RunningHub::builder(ApiKey::new(Sim::DEMO_KEY)?).base_url(&server.hello.address).build()?;
    let base = usage::resident()?;
    let noticed = Rc::new(RefCell::new(BTreeMap::new()));
    LocalSet::new()
        .run_until(async {
            let ticks = stream::unfold(interval(APART), async |mut ticks| Some((ticks.tick().await, ticks)));
            let submitted = ticks.take(tasks).map(|_| hub.submit(Submit::workflow(WORKFLOW)));
            let mut submitted = pin!(submitted.buffer_unordered(SUBMITTING));
            let mut watchers = Vec::with_capacity(tasks);
            while let Some(run) = submitted.next().await {
                match run {
                    Ok(mut run) => {
                        let noticed = Rc::clone(&noticed);
                        watchers.push(spawn_local(async move {
                            match run.finish().await {
                                Ok(end) if end.phase == Phase::Success && end.outputs.len() == 1 => {
                                    let at = usage::shared_clock();
                                    noticed.borrow_mut().insert(run.task_id().as_str().to_owned(), at);
                                }
                                Ok(end) => eprintln!("a task ended as {}", end.phase.as_str()),
                                Err(error) => eprintln!("not watched to the end: {error}"),
                            }
                        }));
                    }
                    Err(error) => eprintln!("not submitted: {error}"),
                }
            }
            for watcher in watchers {
                _ = watcher.await;
            }
        })
        .await;
    let (cpu, peak) = (usage::process_time(), usage::peak()?);
    let seen = server.finish()?;
    let late = noticed
        .borrow()
        .iter()
        .filter_map(|(task, at)| {
            let late = at.as_nanos().saturating_sub(u128::from(*seen.ready.get(task)?));
            Some(late as f64 / 1e6)
        })
        .collect();
    let watched = Watched { late, tasks, calls: seen.calls, frames: seen.frames, cpu, peak, base };
    println!("{}", serde_json::to_string(&watched)?);
    Ok(())
}
