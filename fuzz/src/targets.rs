//! One function for each target.

use std::{sync::Arc, time::Duration};

use runninghub_api::{
    CreateOutcome, Retry,
    net::{extension, sanitize},
    read_created,
};
use runninghub_core::{
    Confirm, Connection, FileUrl, Graph, Machine, Message, Phase, Plan, Untrusted, decode_binary, decode_text,
};
use runninghub_transport::{Redactor, TapeReader, TapeWriter};

/// Frames: any bytes decode to some message, and every node of a `progress_state` can be read.
pub fn decode(bytes: &[u8]) {
    drop(decode_binary(bytes));
    let mut scratch = String::new();
    if let Message::ProgressState { nodes, .. } = decode_text(&String::from_utf8_lossy(bytes), &mut scratch) {
        nodes.for_each(drop);
    }
}

/// API responses: a server can send anything, with any status.
pub fn envelope(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for path in ["/task/openapi/outputs", "/openapi/v2/query"] {
        for status in [200, 401, 502] {
            drop(runninghub_api::read_observation(path, status, &text));
        }
    }
}

/// The machine: for any events in any order, overall progress stays within its bounds and never falls.
pub fn machine(bytes: &[u8]) {
    const WORKFLOW: &str = r#"{"1":{"class_type":"A","inputs":{}},"2":{"class_type":"B","inputs":{"x":["1",0]}},
        "3":{"class_type":"C","inputs":{"x":["2",0],"y":["1",0]}},"4":{"class_type":"D","inputs":{"x":["1",0]}}}"#;
    let graph = Graph::parse(WORKFLOW).expect("a workflow");
    let plan = Arc::new(Plan::new(&graph, &["3".into()]));
    for confirm in [Confirm::Frames, Confirm::Http] {
        let mut machine = Machine::new(Some(Arc::clone(&plan)), confirm);
        let (mut overall, mut done) = (0.0, 0);
        // Frames are separated by line breaks; an empty one means a new connection.
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

/// Tapes: any bytes are read or rejected, and a tape that was read can be written and reads the same.
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

/// Responses to a create: the first line is `Retry-After`. The result is a task, or an error that is never both
/// unknown and retried.
pub fn create(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (wait, body) = text.split_once('\n').unwrap_or(("", &text));
    for status in [200, 401, 429, 502] {
        match read_created(status, Some(wait), body) {
            Ok(created) => assert!(status == 200 && !created.task_id.as_str().is_empty()),
            Err(error) => match (error.create_outcome(), error.retry()) {
                (Some(CreateOutcome::Unknown), retry) => assert_eq!(retry, Retry::Ambiguous),
                (Some(CreateOutcome::Refused), Retry::Safe { after }) => {
                    let wait = after.unwrap_or_default().as_secs();
                    assert!(wait <= 600, "{wait} s");
                }
                (Some(CreateOutcome::Refused), retry) => assert_eq!(retry, Retry::Never),
                (outcome, _) => panic!("{outcome:?}"),
            },
        }
    }
}

/// Text for a terminal: one line, without escapes or hidden characters, and of limited length. Masked URLs show no
/// query.
pub fn escape(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let shown = Untrusted::from(&*text).to_string();
    assert!(shown.chars().all(Untrusted::is_safe) && !shown.contains(char::is_control), "{shown:?}");
    assert!(shown.len() <= 100_100);
    let masked = FileUrl::new(&*text).masked();
    assert!(!masked.trim_end_matches("?…").contains(['?', '#']), "{masked}");
}

/// Text for a recording: the first line is a secret. The secret is removed, redaction is idempotent, and JSON stays
/// JSON.
pub fn redact(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (secret, text) = text.split_once('\n').unwrap_or(("", &text));
    let redactor = Redactor::new().secret(secret);
    let clean = redactor.redact(text).into_owned();
    assert!(secret.len() < 6 || !clean.contains(secret), "{secret}: {clean}");
    assert_eq!(redactor.redact(&clean), clean);
    let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) && is_json(text) && clean != "***" {
        assert!(is_json(&clean), "{text} -> {clean}");
    }
    assert_eq!(redactor.redact_bytes(&bytes.to_vec().into()).len(), bytes.len());
}

/// File names: one path component that is valid on every system.
pub fn name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for name in [sanitize(&text), sanitize(&format!("a.{}", extension(Some(&text), None)))] {
        assert!(!name.is_empty() && name.len() <= 200 && name != "." && name != "..", "{name:?}");
        assert!(!name.contains(['/', '\\', ':', '\0']) && !name.contains(char::is_control), "{name:?}");
        assert!(!name.starts_with([' ', '-', '.']) && !name.ends_with([' ', '.']), "{name:?}");
        assert_eq!(sanitize(&name), name);
    }
}
