//! One function for each target.

use std::{sync::Arc, time::Duration};

use runninghub_core::{
    Confirm, Connection, Graph, Machine, Message, Phase, Plan, decode_binary, decode_text,
};
use runninghub_transport::{TapeReader, TapeWriter};

/// Frames: any bytes are some message, and every node of a `progress_state` can be read.
pub fn decode(bytes: &[u8]) {
    drop(decode_binary(bytes));
    let mut scratch = String::new();
    if let Message::ProgressState { nodes, .. } = decode_text(&String::from_utf8_lossy(bytes), &mut scratch) {
        nodes.for_each(drop);
    }
}

/// API answers: anything can come back from a server, with any status.
pub fn envelope(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for path in ["/task/openapi/outputs", "/openapi/v2/query"] {
        for status in [200, 401, 502] {
            drop(runninghub_api::read_observation(path, status, &text));
        }
    }
}

/// The machine: whatever comes, in whatever order, the figure stays within its bounds and never falls.
pub fn machine(bytes: &[u8]) {
    const WORKFLOW: &str = r#"{"1":{"class_type":"A","inputs":{}},"2":{"class_type":"B","inputs":{"x":["1",0]}},
        "3":{"class_type":"C","inputs":{"x":["2",0],"y":["1",0]}},"4":{"class_type":"D","inputs":{"x":["1",0]}}}"#;
    let graph = Graph::parse(WORKFLOW).expect("a workflow");
    let plan = Arc::new(Plan::new(&graph, &["3".into()]));
    for confirm in [Confirm::Frames, Confirm::Http] {
        let mut machine = Machine::new(Some(Arc::clone(&plan)), confirm);
        let (mut overall, mut done) = (0.0, 0);
        // Frames are separated by line breaks; an empty one stands for a new connection.
        for (at, frame) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let now = Duration::from_millis(at as u64);
            match std::str::from_utf8(frame) {
                Ok("") => machine.connected(),
                Ok(text) => drop(machine.text(now, text)),
                Err(_) => drop(machine.binary(now, frame)),
            }
            let progress = machine.progress(Connection::default());
            let figure = progress.overall.expect("there is a plan");
            assert!((0.0..=1.0).contains(&figure) && figure >= overall, "{overall} then {figure}");
            assert!(progress.done >= done && Some(progress.done) <= progress.total);
            assert_eq!(progress.total, Some(plan.total()));
            assert_eq!(figure >= 1.0, progress.phase == Phase::Success);
            assert!(confirm == Confirm::Frames || !progress.phase.is_final());
            (overall, done) = (figure, progress.done);
        }
    }
}

/// Tapes: any bytes are read or refused, and what was read can be written and reads the same.
pub fn tape(bytes: &[u8]) {
    let Ok(reader) = TapeReader::new(bytes) else { return };
    let rows: Vec<_> = reader.map_while(Result::ok).collect();
    let mut writer = TapeWriter::new(Vec::new()).expect("memory can be written to");
    for row in &rows {
        writer.write(row).expect("memory can be written to");
    }
    let written = writer.into_inner();
    let again: Vec<_> =
        TapeReader::new(&*written).expect("our own header").collect::<Result<_, _>>().expect("our own rows");
    assert_eq!(rows, again);
}
