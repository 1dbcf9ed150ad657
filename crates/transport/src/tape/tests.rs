use std::{fs, io};

use proptest::prelude::*;

use super::*;
use crate::{Body, Error, ErrorKind};

const ROWS: &str = concat!(
    r#"{"t_ms": 0.018, "at_ms": 7.052, "dir": "in", "kind": "open", "text": "{\"path\": \"/ws\"}"}"#,
    "\n",
    r#"{"t_ms": 1.461, "at_ms": 8.495, "dir": "in", "kind": "text", "text": "{\"type\": \"采\\ud800\"}"}"#,
    "\n\n",
    r#"{"t_ms": 3, "at_ms": 9, "dir": "in", "kind": "binary", "b64": "AAAAAf/Y/w=="}"#,
    "\r\n",
    r#"{"t_ms": 4.5, "dir": "out", "kind": "close", "text": "{\"code\": 1000}", "later": [1]}"#,
    "\n",
    r#"{"t_ms": 5.0, "at_ms": 12.0, "dir": "in", "kind": "eof"}"#,
);

fn kinds(tape: &Tape) -> Vec<RowKind> {
    tape.rows.iter().map(|row| row.kind).collect()
}

fn read(bytes: &[u8]) -> Vec<Result<Row, Error>> {
    TapeReader::new(bytes).map_or_else(|error| vec![Err(error)], Iterator::collect)
}

#[test]
fn raw_recordings_are_read() {
    let tape = Tape::parse(ROWS.as_bytes()).unwrap();
    assert_eq!(tape.header, None);
    assert_eq!(kinds(&tape), [RowKind::Open, RowKind::Text, RowKind::Binary, RowKind::Close, RowKind::Eof]);
    let frames: Vec<_> = tape.rows.iter().filter_map(Row::frame).collect();
    assert_eq!(frames[0].body, Body::Text("{\"type\": \"采\\ud800\"}".into()));
    assert_eq!(frames[0].at.as_micros(), 1461);
    assert_eq!(frames[1].body, Body::Binary(vec![0, 0, 0, 1, 0xff, 0xd8, 0xff].into()));
    assert_eq!(frames.len(), 2, "what the client sent is no frame");
    let [.., close, eof] = &tape.rows[..] else { panic!() };
    assert!((close.at_ms - 4.5).abs() < f64::EPSILON && !close.is_end() && eof.is_end());
}

#[test]
fn the_header_contains_the_format() {
    let mut writer = TapeWriter::new(Vec::new()).unwrap();
    for row in Tape::parse(ROWS.as_bytes()).unwrap().rows {
        writer.write(&row).unwrap();
    }
    let tape = Tape::parse(&*writer.into_inner()).unwrap();
    let header = tape.header.as_ref().unwrap();
    assert_eq!(header.format, 1);
    assert!(header.software.as_ref().unwrap().starts_with("runninghub-transport "));
    assert_eq!(tape.rows, Tape::parse(ROWS.as_bytes()).unwrap().rows);
}

#[test]
fn a_tape_of_a_later_version_is_refused_by_its_number() {
    let tape = "{\"format\":7,\"kind\":\"runninghub-tape\",\"more\":{}}\nwhatever";
    let error = Tape::parse(tape.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TapeVersion { format: 7 });
    assert_eq!(error.to_string(), "made by a newer version: it has format 7, and this version reads up to 1");
}

#[test]
fn broken_lines_are_named() {
    let good = ROWS.lines().next().unwrap();
    let cases = [
        ("{\"t_ms\":1,\"at_ms\":1,\"dir\":\"in\",\"kind\":\"te", "line 2 is cut off"),
        ("not json", "line 2 is not a row of a recording"),
        ("[]", "line 2 is not a row of a recording"),
        ("{\"t_ms\":1,\"dir\":\"in\",\"kind\":\"sent\"}", "line 2 is not a row of a recording"),
        ("{\"t_ms\":1e999,\"dir\":\"in\",\"kind\":\"eof\"}", "line 2 is not a row of a recording"),
        ("{\"t_ms\":1,\"dir\":\"in\",\"kind\":\"text\"}", "line 2 is a text frame without its text"),
        ("{\"t_ms\":1,\"dir\":\"in\",\"kind\":\"binary\"}", "line 2 is a binary frame without its bytes"),
        (
            "{\"t_ms\":1,\"dir\":\"in\",\"kind\":\"binary\",\"b64\":\"*\"}",
            "line 2 is not a row of a recording",
        ),
    ];
    for (line, what) in cases {
        let text = format!("{good}\n{line}\n{good}\n");
        let error = Tape::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), what, "{line}");
        assert_eq!(error.kind(), ErrorKind::TapeFormat { line: 2 });
        let rows: Vec<_> = read(text.as_bytes()).iter().map(Result::is_ok).collect();
        assert_eq!(rows, [true, false, true], "the lines around it are good: {line}");
    }
    let deep = "[".repeat(100_000);
    assert!(Tape::parse(deep.as_bytes()).is_err());
    assert!(Tape::parse(&b"\xff\xfe\n"[..]).is_err());
    assert!(Tape::parse(&b""[..]).unwrap().rows.is_empty());
}

#[test]
fn an_endless_line_is_not_read_to_its_end() {
    let error = TapeReader::new(io::BufReader::new(io::repeat(b'x'))).unwrap_err();
    assert_eq!(error.to_string(), "line 1 is too long for a recording");
}

#[test]
fn files_are_named_in_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ws-a1.jsonl");
    assert_eq!(Tape::read(&path).unwrap_err().to_string(), "ws-a1.jsonl: cannot be opened");
    fs::write(&path, &ROWS[..150]).unwrap();
    assert_eq!(Tape::read(&path).unwrap_err().to_string(), "ws-a1.jsonl: line 2 is cut off");
}

fn rows() -> impl Strategy<Value = Row> {
    let micros = 0_u64..1_000_000_000_000;
    let kind = prop_oneof![
        any::<String>().prop_map(|text| (RowKind::Text, Some(Body::Text(text.into())))),
        any::<Vec<u8>>().prop_map(|bytes| (RowKind::Binary, Some(Body::Binary(bytes.into())))),
        proptest::option::of(any::<String>()).prop_flat_map(|note| {
            use RowKind::{Abort, Close, Eof, Open, Ping, Pong};
            let body = note.map(|note| Body::Text(note.into()));
            proptest::sample::select(vec![Open, Ping, Pong, Close, Abort, Eof])
                .prop_map(move |kind| (kind, body.clone()))
        }),
    ];
    let dir = prop_oneof![Just(Direction::In), Just(Direction::Out)];
    (micros.clone(), micros, dir, kind).prop_map(|(t, at, dir, (kind, body))| {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let ms = |micros: u64| micros as f64 / 1000.0;
        Row { t_ms: ms(t), at_ms: ms(at), dir, kind, body }
    })
}

fn written(rows: &[Row]) -> Vec<u8> {
    let mut writer = TapeWriter::new(Vec::new()).unwrap();
    for row in rows {
        writer.write(row).unwrap();
    }
    writer.into_inner()
}

proptest! {
    #[test]
    fn written_files_read_back(rows in proptest::collection::vec(rows(), 0..20)) {
        prop_assert_eq!(Tape::parse(&*written(&rows)).unwrap().rows, rows);
    }

    /// After a crash, whole lines are valid, and only the last may be truncated.
    #[test]
    fn a_prefix_is_readable(rows in proptest::collection::vec(rows(), 1..8), cut in any::<proptest::sample::Index>()) {
        let bytes = written(&rows);
        let bytes = &bytes[..cut.index(bytes.len())];
        let lines = bytes.split(|byte| *byte == b'\n').count() - 1;
        let got = read(bytes);
        let good: Vec<_> = got.iter().map_while(|row| row.as_ref().ok()).cloned().collect();
        prop_assert!(good.len() + 1 >= lines && rows.starts_with(&good));
        prop_assert!(got.len() <= good.len() + 1);
    }

    #[test]
    fn noise_never_panics(bytes in any::<Vec<u8>>()) {
        read(&bytes);
    }

    #[test]
    fn damage_never_panics(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = ROWS.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        read(&bytes);
    }
}
