//! Submits with a webhook, and waits for the platform to call it instead of watching.
//!
//! ```sh
//! RUNNINGHUB_API_KEY=… cargo run --example webhook --features webhook -- 1979026379880697857 https://your-host/hooks
//! ```
//!
//! The platform must be able to reach the URL: put a gateway with a certificate in front of port 8190.
#![expect(clippy::print_stdout, reason = "an example")]

use std::{env, error::Error, net::SocketAddr};

use futures_util::StreamExt as _;
use runninghub::{Builder, Service as _, Submit, Workspace};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let workflow = arguments.next().ok_or("name a workflow by its id")?;
    let public = arguments.next();
    let hub = Builder::from_env()?.workspace(&Workspace::open("state"))?.build()?;
    let listen: SocketAddr = if public.is_some() { ([0, 0, 0, 0], 8190) } else { ([127, 0, 0, 1], 0) }.into();
    let mut webhooks = hub.webhooks(listen).await?;
    // `{secret}` is replaced by a random secret of this submit, which authenticates a delivery.
    let public = public.unwrap_or_else(|| format!("http://{}", webhooks.address()));
    let run = hub.submit(Submit::workflow(workflow).webhook(format!("{public}/{{secret}}"))).await?;
    let task = run.detach();
    println!("task {task}");
    while let Some(delivery) = webhooks.next().await {
        let entry = delivery?;
        println!("{:?} is {}", entry.task, entry.state);
        if entry.task.as_ref() == Some(&task) {
            break;
        }
    }
    for file in hub.save(&task, "results".as_ref()).await?.complete()? {
        println!("{}", file.path.display());
    }
    Ok(())
}
