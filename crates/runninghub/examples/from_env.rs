//! One run of a saved workflow, with the key and the site from the environment.
//!
//! ```sh
//! RUNNINGHUB_API_KEY=… cargo run --example from_env -- 1979026379880697857 6.text="a cat"
//! ```
#![expect(clippy::print_stdout, reason = "an example")]

use std::{env, error::Error};

use futures_util::StreamExt as _;
use runninghub::{Event, RunningHub, Service as _, Submit};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let workflow = arguments.next().ok_or("name a workflow by its id")?;
    let mut submit = Submit::workflow(workflow);
    for change in arguments {
        let (name, value) = change.split_once('=').ok_or("write changes as NODE.FIELD=VALUE")?;
        submit = submit.set(name, value);
    }
    let hub = RunningHub::from_env()?;
    let mut run = hub.submit(submit).await?;
    while let Some(event) = run.next().await {
        if let Event::Progress(progress) = event? {
            println!("{:5.1} %", progress.percent().unwrap_or_default());
        }
    }
    for file in hub.save(run.task_id(), "results".as_ref()).await?.complete()? {
        println!("{}", file.path.display());
    }
    Ok(())
}
