//! Forty runs on the slots of an account, with all of their lines in one stream.
//!
//! ```sh
//! RUNNINGHUB_API_KEY=… cargo run --example many -- 1979026379880697857 3.seed
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example")]

use std::{env, error::Error, sync::Arc};

use futures_util::{StreamExt as _, stream};
use runninghub::{Builder, Destination, Event, Finished, Service, Submit, Workspace};
use tokio::sync::broadcast::error::RecvError;

const RUNS: u64 = 40;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let workflow = arguments.next().ok_or("name a workflow by its id")?;
    let seed = arguments.next().ok_or("name the field of the seed")?;
    let workspace = Workspace::open("state");
    let hub = Builder::from_env()?.workspace(&workspace)?.build()?;
    let slots = hub.queue().await?.concurrent_limit.unwrap_or(3);
    let service: Arc<dyn Service> = Arc::new(hub);
    let mut lines = workspace.lines();
    let runs = stream::iter(1..=RUNS).map(|number| {
        let submit = Submit::workflow(&*workflow).set(&seed, number);
        let (workspace, service) = (&workspace, &service);
        async move {
            let run = workspace.start(service, submit, Some(Destination::folder("results"))).await?;
            Ok::<_, runninghub::Error>(run.wait().await)
        }
    });
    let mut ends = runs.buffer_unordered(usize::try_from(slots)?);
    let mut done = 0;
    while done < RUNS {
        tokio::select! {
            biased;
            line = lines.recv() => match line {
                Ok(line) if !matches!(line.event, Event::Progress(_)) => println!("{line}"),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            },
            Some(end) = ends.next() => {
                done += 1;
                if let Finished::Ended { outcome, .. } = end? {
                    eprintln!("{done} of {RUNS}: {:?}", outcome.status);
                }
            }
        }
    }
    Ok(())
}
