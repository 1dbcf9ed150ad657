//! The true percentage of a run, from a file of messages, one JSON text per line.
//!
//! ```sh
//! jq -r 'select(.kind == "text").text' fixtures/02-ksampler/ws-a.jsonl |
//!     cargo run -p runninghub-core --example percent -- fixtures/02-ksampler/workflow.json
//! ```
#![expect(clippy::print_stdout, reason = "an example shows something")]

use std::{env, error::Error, fs, io, sync::Arc, time::Instant};

use runninghub_core::{Confirm, Connection, Graph, Machine, Plan};

fn main() -> Result<(), Box<dyn Error>> {
    let workflow = env::args().nth(1).ok_or("usage: percent WORKFLOW.json < MESSAGES")?;
    let graph = Graph::parse(&fs::read_to_string(workflow)?)?;
    // The outputs are unknown here: assume the nodes that feed no others.
    let plan = Arc::new(Plan::new(&graph, &[]));
    // Without HTTP, the socket's own closing message decides.
    let mut machine = Machine::new(Some(plan), Confirm::Frames);

    let start = Instant::now();
    let mut shown = String::new();
    for message in io::stdin().lines() {
        machine.text(start.elapsed(), &message?);
        let progress = machine.progress(Connection::default());
        let percent = progress.percent().unwrap_or_default();
        let node = progress.current.first().map(|node| node.title.to_string()).unwrap_or_default();
        let line =
            format!("{percent:5.1} %  {}/{}  {node}", progress.done, progress.total.unwrap_or_default());
        if line != shown {
            println!("{line}");
            shown = line;
        }
    }
    println!("{}", machine.phase().as_str());
    Ok(())
}
