//! Scenarios from recordings.

use std::{fs, path::Path, time::Duration};

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use runninghub_transport::{Body as Recorded, Direction, Prompt, Recording, Row, RowKind};
use serde_json::{Map, Value, json};

use super::{Body, End, File, Frame, Mark, Scenario, saved_files};
use crate::{Error, ErrorKind};

impl Scenario {
    /// Reads a recording: a folder with workflows, histories and tapes, or a single tape. If there are several
    /// prompts, uses the last one that was accepted and ran; if there are several streams, uses all connections of
    /// the first.
    ///
    /// # Errors
    /// [`ErrorKind::Scenario`] if a file cannot be read or no prompt ran.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let source = Source::open(path.as_ref())?;
        let accepted =
            source.recording.prompts().iter().enumerate().filter(|(_, prompt)| is_accepted(prompt));
        let prompts: Vec<_> = accepted.map(|(index, _)| Some(index)).collect();
        let prompts = if prompts.is_empty() { vec![None] } else { prompts };
        let loaded = prompts.into_iter().rev().find_map(|prompt| source.scenario(prompt).transpose());
        loaded
            .unwrap_or_else(|| Err(Error::new(ErrorKind::Scenario, "the recording holds no prompt that ran")))
    }

    /// Like [`Scenario::load`], for one prompt of several. The scenario's name is the folder's name with the prompt's
    /// number, as in `11-queue-three.2`.
    ///
    /// # Errors
    /// [`ErrorKind::Scenario`] if a file cannot be read or this prompt did not run.
    pub fn load_prompt(path: impl AsRef<Path>, prompt_id: &str) -> Result<Self, Error> {
        let source = Source::open(path.as_ref())?;
        let is_it = |prompt: &Prompt| is_accepted(prompt) && id_of(prompt) == Some(prompt_id);
        let index = source.recording.prompts().iter().position(is_it);
        let loaded = index.map_or(Ok(None), |index| source.scenario(Some(index)))?;
        let missing =
            || Error::new(ErrorKind::Scenario, format_args!("no prompt {prompt_id} ran in the recording"));
        let mut scenario = loaded.ok_or_else(missing)?;
        scenario.name = format!("{}.{}", scenario.name, index.unwrap_or_default() + 1);
        Ok(scenario)
    }
}

fn is_accepted(prompt: &Prompt) -> bool {
    prompt.http_status.is_none_or(|status| status == 200)
}

fn id_of(prompt: &Prompt) -> Option<&str> {
    Some(prompt.prompt_id.as_ref()?.as_str())
}

/// A recording with the rows of the replayed client.
struct Source<'a> {
    path: &'a Path,
    recording: Recording,
    rows: Vec<Row>,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let unreadable = |error| Error::unreadable(path, error);
        let recording = Recording::open(path).map_err(unreadable)?;
        let stream = recording.streams().next().unwrap_or_default();
        let tapes = recording.tapes(stream).map_err(unreadable)?;
        let mut rows: Vec<_> = tapes.into_iter().flat_map(|tape| broken_ends_only(tape.rows)).collect();
        rows.sort_by(|a, b| a.at_ms.total_cmp(&b.at_ms));
        Ok(Self { path, recording, rows })
    }

    /// `None` if the prompt has no frames.
    fn scenario(&self, index: Option<usize>) -> Result<Option<Scenario>, Error> {
        let prompt = index.and_then(|index| self.recording.prompts().get(index));
        let Some(prompt_id) = prompt.and_then(id_of).map(str::to_owned).or_else(|| self.first_prompt_id())
        else {
            return Ok(None);
        };
        let frames = self.frames(&prompt_id);
        if frames.is_empty() {
            return Ok(None);
        }
        let workflow = self.workflow(index)?;
        let history = self.history(prompt, &prompt_id);
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Some(Scenario {
            has_metadata: false,
            name: name.trim_end_matches(".jsonl").to_owned(),
            outputs_to_execute: strings(&history["prompt"][4]).unwrap_or_else(|| sinks(&workflow)),
            node_errors: self.node_errors(&prompt_id),
            end: end_of(&frames, &history),
            files: self.files(&frames, &history).into(),
            frames: frames.into(),
            id: None,
            prompt_id,
            workflow,
        }))
    }

    /// The recording of a single task may not contain its prompt's id; the socket does.
    fn first_prompt_id(&self) -> Option<String> {
        let mut messages = self.rows.iter().filter_map(|row| serde_json::from_str::<Value>(text(row)?).ok());
        messages.find_map(|message| message["data"]["prompt_id"].as_str().map(str::to_owned))
    }

    /// The frames of one prompt, from the `status` frames before its start to the last one with its id.
    fn frames(&self, prompt_id: &str) -> Vec<Frame> {
        let names = |row: &Row| text(row).is_some_and(|text| text.contains(prompt_id));
        let starts = |row: &Row| names(row) && is(row, "execution_start");
        let rows: Vec<_> = self.rows.iter().filter(|row| !of_the_connection(row)).collect();
        let first =
            rows.iter().rposition(|row| starts(row)).or_else(|| rows.iter().position(|row| names(row)));
        let Some(first) = first else { return Vec::new() };
        let last = rows.iter().rposition(|row| names(row)).unwrap_or(first);
        let first = first - rows[..first].iter().rev().take_while(|row| is(row, "status")).count().min(2);
        let broken = rows[last + 1..].iter().find(|row| row.kind == RowKind::Eof);
        let start = rows[first].at_ms;
        let frames = rows[first..=last].iter().chain(broken).filter_map(|row| {
            let at = Duration::from_secs_f64((row.at_ms - start).max(0.0) / 1000.0);
            match &row.body {
                _ if row.kind == RowKind::Eof => Some(Frame { at, body: Body::Cut, mark: Mark::None }),
                Some(Recorded::Text(text)) => {
                    Some(Frame::text(at, Utf8Bytes::try_from(text.clone().into_bytes()).ok()?, prompt_id))
                }
                Some(Recorded::Binary(bytes)) => Some(Frame::binary(at, bytes.clone())),
                _ => None,
            }
        });
        frames.collect()
    }

    /// Empty if the recording has none, as for a single tape.
    fn workflow(&self, index: Option<usize>) -> Result<Map<String, Value>, Error> {
        let text = self.recording.workflow_text(index.unwrap_or_default());
        let text = text.map_err(|error| Error::unreadable(self.path, error))?;
        let read = text.map_or(Ok(Map::new()), |text| serde_json::from_str(&text));
        read.map_err(|error| Error::unreadable(self.path, error))
    }

    /// The prompt's history entry. A history file has the same name as its workflow's.
    fn history(&self, prompt: Option<&Prompt>, prompt_id: &str) -> Value {
        let workflow = prompt.and_then(|prompt| prompt.workflow.as_deref()).unwrap_or("workflow.json");
        let name = workflow.replacen("workflow", "history", 1);
        // A file that isn't JSON (it may contain `NaN`) is ignored.
        let read = self.recording.read_json::<Value>(&name).ok().flatten();
        read.map_or(Value::Null, |mut all| all[prompt_id].take())
    }

    /// The saved files according to the history, or without one according to the `executed` frames.
    fn files(&self, frames: &[Frame], history: &Value) -> Vec<File> {
        let kept = |name: &str| {
            let is_plain = !name.contains(['/', '\\']);
            is_plain.then(|| fs::read(self.path.join(format!("output-{name}"))).ok().map(Bytes::from))?
        };
        if let Some(outputs) = history["outputs"].as_object() {
            return outputs.iter().flat_map(|(node_id, output)| saved_files(node_id, output, kept)).collect();
        }
        let executed = frames.iter().filter_map(json_of).filter(|message| message["type"] == "executed");
        let saved = executed.flat_map(|message| {
            let node_id = message["data"]["node"].as_str().unwrap_or_default();
            saved_files(node_id, &message["data"]["output"], kept)
        });
        saved.collect()
    }

    /// The node errors in the response to the accepted prompt.
    fn node_errors(&self, prompt_id: &str) -> Value {
        let exchanges = self.recording.http().unwrap_or_default();
        let answers = exchanges.iter().filter(|exchange| exchange.method == "POST");
        let mut answers = answers.filter_map(|exchange| serde_json::from_str::<Value>(&exchange.text).ok());
        let answer = answers.rfind(|answer| answer["prompt_id"] == prompt_id);
        answer.map_or_else(|| json!({}), |mut answer| answer["node_errors"].take())
    }
}

/// The received rows of one connection; its end is included only if the client did not request it.
fn broken_ends_only(rows: Vec<Row>) -> impl Iterator<Item = Row> {
    let mut closed = false;
    rows.into_iter().filter(move |row| {
        let by_us = row.dir == Direction::Out;
        closed |= by_us && matches!(row.kind, RowKind::Close | RowKind::Abort);
        match row.kind {
            RowKind::Text | RowKind::Binary => !by_us,
            RowKind::Eof => !closed,
            _ => false,
        }
    })
}

/// Frames of a connection rather than the run: the greeting with `sid`, the replayed `executing`, and responses to
/// the client. The simulator sends its own.
fn of_the_connection(row: &Row) -> bool {
    let lacks = |field| text(row).is_some_and(|text| !text.contains(field));
    is(row, "feature_flags")
        || (is(row, "status") && !lacks("\"sid\""))
        || (is(row, "executing") && lacks("\"prompt_id\""))
}

/// Whether a row is a message of this type. Compared as text, since not every row is JSON.
fn is(row: &Row, kind: &str) -> bool {
    let rest = text(row).and_then(|text| text.strip_prefix(r#"{"type": ""#));
    rest.and_then(|rest| rest.strip_prefix(kind)).is_some_and(|rest| rest.starts_with('"'))
}

fn text(row: &Row) -> Option<&str> {
    match &row.body {
        Some(Recorded::Text(text)) if row.kind == RowKind::Text => Some(text),
        _ => None,
    }
}

fn end_of(frames: &[Frame], history: &Value) -> End {
    let last = frames.iter().rfind(|frame| frame.mark == Mark::End).and_then(json_of);
    match last.as_ref().and_then(|message| message["type"].as_str()) {
        Some("execution_success") => return End::Success,
        Some("execution_interrupted") => return End::Interrupted,
        Some(_) => return End::Failed(last.map(|mut message| message["data"].take())),
        None => {}
    }
    let messages = history["status"]["messages"].as_array().into_iter().flatten();
    let error =
        messages.clone().find(|message| message[0] == "execution_error").map(|message| message[1].clone());
    match history["status"]["status_str"].as_str() {
        Some("success") => End::Success,
        _ if messages.into_iter().any(|message| message[0] == "execution_interrupted") => End::Interrupted,
        _ => End::Failed(error),
    }
}

fn json_of(frame: &Frame) -> Option<Value> {
    match &frame.body {
        Body::Text(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// Nodes that no other node links to.
fn sinks(workflow: &Map<String, Value>) -> Vec<String> {
    let inputs = workflow.values().filter_map(|node| node["inputs"].as_object());
    let sources: Vec<_> = inputs.flat_map(Map::values).filter_map(|input| input[0].as_str()).collect();
    workflow.keys().filter(|id| !sources.contains(&id.as_str())).cloned().collect()
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|entry| entry.as_str().map(str::to_owned)).collect()
}
