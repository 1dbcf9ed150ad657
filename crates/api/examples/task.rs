//! Queries a task's status and results, without following it.
//!
//! ```sh
//! RUNNINGHUB_API_KEY=… cargo run -p runninghub-api --example task -- TASK_ID [BASE_URL]
//! ```
#![expect(clippy::print_stdout, reason = "an example shows something")]

use std::{env, error::Error};

use runninghub_api::{ApiKey, Client};
use runninghub_core::TaskId;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let task = TaskId::from(args.next().ok_or("usage: task TASK_ID [BASE_URL]")?);
    let mut builder = Client::builder(ApiKey::new(&env::var("RUNNINGHUB_API_KEY")?)?);
    if let Some(url) = args.next() {
        builder = builder.base_url(&url);
    }
    let client = builder.build()?;

    match client.outputs(&task).await {
        Ok(answer) => {
            println!("{task} is {}", answer.status.as_str());
            for output in answer.outputs {
                println!("  {:?} of node {:?}", output.file_type, output.node_id);
            }
        }
        // Whether a retry can help, and what else can.
        Err(error) => println!("{error} ({:?}) {}", error.retry(), error.hint().unwrap_or_default()),
    }
    println!("API calls: {}", client.calls());
    Ok(())
}
