//! How a program tests its progress handling: it plays a recorded session through its own code, without a server and
//! without waiting.
//!
//! ```sh
//! cargo test -p runninghub-transport --example replay
//! cargo run -p runninghub-transport --example replay -- fixtures/02-ksampler
//! ```
#![expect(clippy::print_stdout, reason = "an example shows something")]

use std::{env, error::Error, path::Path, sync::Arc};

use runninghub_core::{Confirm, Connection, Graph, Machine, Plan, SocketUrl};
use runninghub_transport::{Body, Connect, Recording, ReplayConnect, Speed};

/// The program's own code: it works with any connector, live or recorded. Returns the percentages it displayed.
async fn percentages(connect: &dyn Connect, graph: &Graph) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut machine = Machine::new(Some(Arc::new(Plan::new(graph, &[]))), Confirm::Frames);
    let mut shown = Vec::new();
    let mut source = connect.connect(&SocketUrl::new("ws://127.0.0.1:8188/ws")).await?;
    while let Some(frame) = source.next_frame().await? {
        if let Body::Text(text) = &frame.body {
            machine.text(frame.at, text);
        }
        shown.extend(machine.progress(Connection::default()).percent());
    }
    shown.dedup();
    Ok(shown)
}

/// A recorded session, played at maximum speed.
fn recorded(folder: &Path) -> Result<(ReplayConnect, Graph), Box<dyn Error>> {
    let recording = Recording::open(folder)?;
    let workflow = recording.workflow_text(0)?.ok_or("the recording has no workflow")?;
    Ok((ReplayConnect::new(recording.tapes("a")?, Speed::Max), Graph::parse(&workflow)?))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: replay FOLDER")?;
    let (connect, graph) = recorded(Path::new(&folder))?;
    for percent in percentages(&connect, &graph).await? {
        println!("{percent:5.1} %");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_bar_of_a_recorded_run_rises_to_the_end() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/02-ksampler");
        let (connect, graph) = recorded(&folder).expect("a recording");
        let shown = percentages(&connect, &graph).await.expect("played");
        assert!(shown.len() > 10 && shown.is_sorted(), "{shown:?}");
        assert_eq!(shown.last(), Some(&100.0));
    }
}
