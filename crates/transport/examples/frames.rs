//! Prints the frames of a tape, or of a live socket, with the same code for both.
//!
//! ```sh
//! cargo run -p runninghub-transport --example frames -- fixtures/02-ksampler/ws-a.jsonl
//! cargo run -p runninghub-transport --example frames -- "ws://127.0.0.1:8188/ws?clientId=me"
//! ```
#![expect(clippy::print_stdout, reason = "an example shows something")]

use std::{env, error::Error};

use runninghub_core::SocketUrl;
use runninghub_transport::{Body, Connect, Live, LiveOptions, ReplayConnect, Speed, Tape};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let from = env::args().nth(1).ok_or("usage: frames TAPE.jsonl | ADDRESS")?;
    let connect: Box<dyn Connect> = if from.starts_with("ws://") || from.starts_with("wss://") {
        Box::new(Live::new(LiveOptions::new()))
    } else {
        Box::new(ReplayConnect::new([Tape::read(&from)?], Speed::Times(1.0)))
    };
    let mut source = connect.connect(&SocketUrl::new(from)).await?;
    while let Some(frame) = source.next_frame().await? {
        let at = frame.at.as_secs_f64();
        match frame.body {
            Body::Text(text) => println!("{at:8.3}  {}", text.escape_debug()),
            Body::Binary(bytes) => println!("{at:8.3}  {} bytes", bytes.len()),
            _ => {}
        }
    }
    source.close().await;
    Ok(())
}
