use std::fs;

use proptest::prelude::*;
use runninghub_core::{PromptId, SocketUrl, TaskId};
use serde_json::value::RawValue;
use tempfile::TempDir;

use super::{meta::plain_name, *};
use crate::{Body, Connect as _, ErrorKind, FrameSource as _, Redactor, ReplayConnect, RowKind, Speed, Tape};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn tape(text: &str) -> String {
    format!("{}\n", serde_json::json!({"t_ms": 1.0, "at_ms": 2.0, "dir": "in", "kind": "text", "text": text}))
}

fn texts(recording: &Recording, stream: &str) -> Vec<String> {
    let tapes = recording.tapes(stream).unwrap();
    tapes
        .iter()
        .flat_map(|tape| &tape.rows)
        .filter(|row| row.kind == RowKind::Text)
        .filter_map(|row| match &row.body {
            Some(Body::Text(text)) => Some(text.to_string()),
            _ => None,
        })
        .collect()
}

#[test]
fn a_folder_is_read() {
    let meta = r#"{"scenario":"x","about":"a test","prompts":[
        {"prompt_id":"p-1","workflow":"workflow-1.json","http_status":200},
        {"prompt_id":null,"workflow":"gone.json","http_status":400},
        {}]}"#;
    let http = "{\"at_ms\": 1.5, \"took_ms\": 2, \"method\": \"POST\", \"path\": \"/prompt\", \"body\": {\"big\": 1904154698679771137}, \"status\": 200, \"text\": \"{}\"}\n\n{\"method\":\"GET\",\"body\":null}";
    let folder = folder(&[
        ("meta.json", meta),
        ("workflow-1.json", r#"{"1": {"class_type": "X"}}"#),
        ("ws-a10.jsonl", &tape("third")),
        ("ws-a2.jsonl", &tape("second")),
        ("ws-a1.jsonl", &tape("first")),
        ("ws-observer.jsonl", &tape("other")),
        ("http.jsonl", http),
        ("history.json", "{\"p-1\": [1]}"),
        ("notes.txt", "x"),
    ]);
    let recording = Recording::open(folder.path()).unwrap();
    assert_eq!(recording.streams().collect::<Vec<_>>(), ["a", "observer"]);
    assert_eq!(texts(&recording, "a"), ["first", "second", "third"], "in the order of their numbers");
    assert_eq!(texts(&recording, "observer"), ["other"]);
    assert!(recording.tapes("nobody").unwrap().is_empty());
    assert_eq!(recording.about(), Some("a test"));

    let [one, two, three] = recording.prompts() else { panic!() };
    assert_eq!(one.prompt_id.as_ref().map(PromptId::as_str), Some("p-1"));
    assert_eq!((two.prompt_id.as_ref(), two.http_status), (None, Some(400)));
    assert_eq!(three, &Prompt::default());
    assert_eq!(recording.workflow_text(0).unwrap().unwrap(), r#"{"1": {"class_type": "X"}}"#);
    for prompt in 1..4 {
        assert_eq!(recording.workflow_text(prompt).unwrap(), None);
    }

    let [post, get] = &recording.http().unwrap()[..] else { panic!() };
    assert_eq!((post.method.as_str(), post.status, post.path.as_str()), ("POST", 200, "/prompt"));
    assert_eq!(post.body.as_ref().unwrap().get(), "{\"big\": 1904154698679771137}");
    assert!(get.body.is_none());
    let history: serde_json::Value = recording.read_json("history.json").unwrap().unwrap();
    assert_eq!(history["p-1"][0], 1);
    assert!(recording.read_json::<serde_json::Value>("object_info.json").unwrap().is_none());
}

#[test]
fn a_single_tape_is_a_recording() {
    let folder = folder(&[("ws-b2.jsonl", &tape("x")), ("my run.jsonl", &tape("y"))]);
    for (file, stream, text) in [("ws-b2.jsonl", "b", "x"), ("my run.jsonl", "my run", "y")] {
        let recording = Recording::open(folder.path().join(file)).unwrap();
        assert_eq!(recording.streams().collect::<Vec<_>>(), [stream]);
        assert_eq!(texts(&recording, stream), [text]);
        assert!(recording.prompts().is_empty() && recording.http().unwrap().is_empty());
        assert_eq!(recording.workflow_text(0).unwrap(), None);
    }
}

#[test]
fn broken_files_are_named() {
    let open = |files: &[(&str, &str)]| {
        let folder = folder(files);
        let error = Recording::open(folder.path()).err().unwrap();
        let text = error.to_string();
        (error.kind(), text.split_once(": ").map_or(text.clone(), |(_, what)| what.to_owned()))
    };
    let nothing = "not a recording: it contains neither meta.json nor any ws-….jsonl";
    assert_eq!(open(&[("x.txt", "")]), (ErrorKind::Recording, nothing.to_owned()));
    assert_eq!(open(&[("meta.json", "{\"prompts\": [")]), (ErrorKind::Recording, "is cut off".to_owned()));
    assert_eq!(open(&[("meta.json", "{\"prompts\": 7}")]), (ErrorKind::Recording, "is not valid".to_owned()));
    assert_eq!(open(&[("meta.json", "{\"format\": 9}")]).0, ErrorKind::TapeVersion { format: 9 });
    assert_eq!(Recording::open("/nowhere/at/all").unwrap_err().kind(), ErrorKind::Io);

    let folder = folder(&[("meta.json", "{}"), ("http.jsonl", "{}\n{\"at_ms\":"), ("ws-a.jsonl", "{")]);
    let recording = Recording::open(folder.path()).unwrap();
    assert_eq!(recording.http().unwrap_err().to_string(), "http.jsonl: line 2 is cut off");
    assert_eq!(recording.tapes("a").unwrap_err().to_string(), "ws-a.jsonl: line 1 is cut off");
}

#[test]
fn names_that_lead_outside_are_refused() {
    for name in ["../secret.json", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "C:x", "a\0b", "./a"] {
        let meta = serde_json::json!({"prompts": [{"workflow": name}]}).to_string();
        let folder = folder(&[("meta.json", &meta)]);
        let recording = Recording::open(folder.path()).unwrap();
        assert_eq!(recording.workflow_text(0).unwrap_err().kind(), ErrorKind::Recording, "{name:?}");
        assert!(recording.read_json::<serde_json::Value>(name).is_err());
    }
}

proptest! {
    #[test]
    fn a_plain_name_is_one_component(name in "\\PC{0,8}|[./\\\\:a]{0,6}") {
        if plain_name(&name).is_ok() {
            let joined = std::path::Path::new("/folder").join(&name);
            prop_assert_eq!(joined.parent(), Some(std::path::Path::new("/folder")));
            prop_assert_eq!(joined.file_name(), Some(std::ffi::OsStr::new(&name)));
        }
    }
}

#[tokio::test]
async fn recordings_round_trip_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/run");
    let writer = RecordingWriter::create(&path, Redactor::new().secret(KEY)).unwrap();
    writer.about("a run of 0123456789ABCDEF0123456789abcdef");
    writer.task(&TaskId::from("1904154698679771137"));
    writer.prompt(Some(&PromptId::from("p-1")), Some(r#"{"1":{"class_type":"X"}}"#), Some(200));
    writer.prompt(None, Some("{}"), Some(400));
    writer.http(&HttpRow {
        at_ms: writer.ms_at(tokio::time::Instant::now()),
        took_ms: 2.5,
        method: "POST".to_owned(),
        path: format!("/task/openapi/outputs?apiKey={KEY}"),
        body: Some(
            RawValue::from_string(format!("{{\"apiKey\":\"{KEY}\",\"taskId\":1904154698679771137}}"))
                .unwrap(),
        ),
        status: 200,
        text: "{\"data\":{\"netWssUrl\":\"wss://h/ws?Rh-Comfy-Auth=dGlja2V0LXRpY2tldA%3D%3D\"}}".to_owned(),
    });
    writer.secret("late-secret");
    writer.file("object_info.json", "{\"X\":{\"late-secret\":1}}");
    writer.file("../outside.json", "{}");

    let texts_of = ["{\"sid\":\"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f\"}", "{\"b\":\"bGF0ZS1zZWNyZXQ=\"}"];
    let tapes = texts_of.map(|text| Tape::parse(tape(text).as_bytes()).unwrap());
    let connect = writer.connect(ReplayConnect::new(tapes, Speed::Max));
    let address = SocketUrl::new(
        "wss://h/ws?c_host=10.0.0.1&clientId=0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f&Rh-Comfy-Auth=dGlja2V0LXRpY2tldA%3D%3D",
    );
    for text in texts_of {
        let mut source = connect.connect(&address).await.unwrap();
        let frame = source.next_frame().await.unwrap().unwrap();
        assert_eq!(frame.body, Body::Text(text.into()), "the run itself gets everything");
        assert_eq!(source.next_frame().await.unwrap(), None);
        source.close().await;
    }
    assert!(connect.connect(&address).await.is_err(), "the connector's own error comes through");

    let outside = writer.failure().unwrap();
    assert_eq!(outside.kind(), ErrorKind::Recording, "the only one: {outside}");
    assert!(!folder.path().join("new/outside.json").exists());

    let recording = Recording::open(&path).unwrap();
    assert_eq!(recording.about(), Some("a run of ***"));
    assert_eq!(recording.task_id().map(TaskId::as_str), Some("1904154698679771137"));
    assert_eq!(recording.prompts().len(), 2);
    assert_eq!(recording.workflow_text(0).unwrap().unwrap(), r#"{"1":{"class_type":"X"}}"#);
    assert_eq!(recording.workflow_text(1).unwrap().unwrap(), "{}");
    assert_eq!(texts(&recording, "a"), ["{\"sid\":\"***\"}", "{\"b\":\"***=\"}"]);
    let tapes = recording.tapes("a").unwrap();
    let kinds: Vec<Vec<_>> =
        tapes.iter().map(|tape| tape.rows.iter().map(|row| row.kind).collect()).collect();
    assert_eq!(kinds, vec![vec![RowKind::Open, RowKind::Text, RowKind::Eof]; 2]);
    let [row] = &recording.http().unwrap()[..] else { panic!() };
    assert_eq!(row.path, "/task/openapi/outputs?apiKey=***");
    assert_eq!(row.body.as_ref().unwrap().get(), "{\"apiKey\":\"***\",\"taskId\":1904154698679771137}");

    for entry in fs::read_dir(&path).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for secret in [KEY, "0F0F0F", "0f0f0f", "late-secret", "dGlja2V0", "bGF0ZS1"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn a_foreign_folder_is_not_touched() {
    let folder = folder(&[("thesis.txt", "years of work"), ("meta.json", "{\"prompts\":[]}")]);
    let error = RecordingWriter::create(folder.path(), Redactor::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Recording);
    assert!(error.to_string().contains("not empty"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    let file = folder.path().join("thesis.txt");
    assert_eq!(RecordingWriter::create(file, Redactor::new()).unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn an_earlier_recording_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let first = RecordingWriter::create(folder.path(), Redactor::new()).unwrap();
    first.prompt(None, Some("{}"), None);
    let error = RecordingWriter::create(folder.path(), Redactor::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Recording);
    assert_eq!(Recording::open(folder.path()).unwrap().prompts().len(), 1);
}

#[test]
fn a_snapshot_stays_when_its_run_is_recorded_anew() {
    let folder = folder(&[("timeline.snap", "rhub.timeline/1")]);
    let writer = RecordingWriter::create(folder.path(), Redactor::new()).unwrap();
    writer.prompt(None, Some("{}"), None);
    assert_eq!(fs::read_to_string(folder.path().join("timeline.snap")).unwrap(), "rhub.timeline/1");
    assert_eq!(Recording::open(folder.path()).unwrap().prompts().len(), 1);
}
