//! Prints the true percentage of the prompts a ComfyUI runs for a client id, live.
//!
//! ```sh
//! cargo run -p runninghub-transport --example watch -- "ws://127.0.0.1:8188/ws?clientId=me" workflow_api.json
//! ```
//! Queue the workflow with the same `client_id`: a server reports a prompt's progress only to its own client.
#![expect(clippy::print_stdout, reason = "an example shows something")]

use std::{env, error::Error, fs, sync::Arc};

use runninghub_core::{Confirm, Connection, Graph, Machine, Plan, SocketUrl};
use runninghub_transport::{Body, Connect as _, Live, LiveOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (Some(address), Some(workflow)) = (env::args().nth(1), env::args().nth(2)) else {
        return Err("usage: watch ADDRESS WORKFLOW.json".into());
    };
    let graph = Graph::parse(&fs::read_to_string(workflow)?)?;
    // The outputs are unknown here: assume the nodes that feed no others. Without HTTP the socket decides.
    let mut machine = Machine::new(Some(Arc::new(Plan::new(&graph, &[]))), Confirm::Frames);

    let mut shown = String::new();
    let live = Live::new(LiveOptions::new().allow_insecure(true));
    let mut socket = live.connect(&SocketUrl::new(address)).await?;
    while let Some(frame) = socket.next_frame().await? {
        match &frame.body {
            Body::Text(text) => machine.text(frame.at, text),
            Body::Binary(bytes) => machine.binary(frame.at, bytes),
            _ => continue,
        };
        let progress = machine.progress(Connection::default());
        let node = progress.current.first().map(|node| node.title.to_string()).unwrap_or_default();
        let percent = progress.percent().unwrap_or_default();
        let line =
            format!("{percent:5.1} %  {}/{}  {node}", progress.done, progress.total.unwrap_or_default());
        if line != shown {
            println!("{line}");
            shown = line;
        }
        if machine.phase().is_final() {
            break;
        }
    }
    socket.close().await;
    println!("{}", machine.phase().as_str());
    Ok(())
}
