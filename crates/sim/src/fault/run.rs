//! The hooks of a run: its start, its frames, its end.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Fault, Faults};
use crate::{
    json::python,
    scenario::{Body, End, Frame, Mark},
};

impl Faults {
    pub(crate) fn queue_delay(&self) -> Option<Duration> {
        self.find(|fault| if let Fault::QueueDelay(delay) = fault { Some(*delay) } else { None })
    }

    pub(crate) fn settle(&self) -> Option<Duration> {
        self.find(|fault| if let Fault::Settle(delay) = fault { Some(*delay) } else { None })
    }

    /// The frames and the end after faults; `None` if they are unchanged.
    pub(crate) fn edit(&self, frames: &[Frame], end: &End) -> Option<(Vec<Frame>, End)> {
        let mut edited = None;
        for active in &self.active {
            let (frames, end) = edited.clone().unwrap_or_else(|| (frames.to_vec(), end.clone()));
            edited = match active.fault {
                Fault::TaskFails => Some(failed(frames, end)),
                Fault::DuplicateFrames(chance) => Some((self.doubled(frames, chance), end)),
                Fault::ReorderFrames(chance) => Some((self.swapped(frames, chance), end)),
                Fault::BinaryGarbage => Some((mixed(frames, &garbage()), end)),
                Fault::UnknownFrames => Some((mixed(frames, &custom()), end)),
                Fault::BigFrame(bytes) => Some((with_big(frames, bytes), end)),
                _ => edited,
            };
        }
        edited
    }

    fn doubled(&self, frames: Vec<Frame>, chance: f64) -> Vec<Frame> {
        let twice = |frame: Frame| std::iter::repeat_n(frame, if self.chance(chance) { 2 } else { 1 });
        frames.into_iter().flat_map(twice).collect()
    }

    fn swapped(&self, mut frames: Vec<Frame>, chance: f64) -> Vec<Frame> {
        let mut index = 1;
        while index < frames.len() {
            if self.chance(chance) {
                let (early, late) = (frames[index - 1].at, frames[index].at);
                frames.swap(index - 1, index);
                (frames[index - 1].at, frames[index].at) = (early, late);
                index += 1;
            }
            index += 1;
        }
        frames
    }
}

/// A success becomes the failure of the node that ran last.
fn failed(mut frames: Vec<Frame>, end: End) -> (Vec<Frame>, End) {
    if end != End::Success {
        return (frames, end);
    }
    let node_id = frames.iter().rev().find_map(|frame| match &frame.mark {
        Mark::Executing(id) => Some(id.clone()),
        _ => None,
    });
    let mut error = json!({
        "prompt_id": null, "node_id": node_id, "node_type": "SaveImage", "executed": [],
        "exception_message": "CUDA out of memory. Tried to allocate 2.00 GiB",
        "exception_type": "torch.OutOfMemoryError",
        "traceback": ["  File \"/comfyui/execution.py\", line 510, in execute\n    …\n"],
        "current_inputs": {}, "current_outputs": [], "timestamp": 1_795_000_000_000_u64,
    });
    if let Some(last) = frames.iter_mut().find(|frame| frame.mark == Mark::End) {
        if let Body::Text(text) = &last.body {
            let success: Value = serde_json::from_str(text).unwrap_or_default();
            error["prompt_id"] = success["data"]["prompt_id"].clone();
        }
        last.body = Body::Text(python(&json!({"type": "execution_error", "data": error})).into());
    }
    (frames, End::Failed(Some(error)))
}

/// Inserts one of `extra` after every third frame.
fn mixed(frames: Vec<Frame>, extra: &[Body]) -> Vec<Frame> {
    let mut extra = extra.iter().cycle();
    let mut all = Vec::with_capacity(frames.len() * 4 / 3 + 1);
    for (index, frame) in frames.into_iter().enumerate() {
        let at = frame.at;
        all.push(frame);
        if index % 3 == 2 {
            all.extend(extra.next().map(|body| Frame { at, body: body.clone(), mark: Mark::None }));
        }
    }
    all
}

fn with_big(mut frames: Vec<Frame>, bytes: usize) -> Vec<Frame> {
    let (head, tail) = (r#"{"type": "big_frame", "data": {"padding": ""#, r#""}}"#);
    let padding = "x".repeat(bytes.saturating_sub(head.len() + tail.len()));
    let index = frames.len().min(3);
    let at = frames.get(index).or(frames.last()).map_or(Duration::ZERO, |frame| frame.at);
    let body = Body::Text(format!("{head}{padding}{tail}").into());
    frames.insert(index, Frame { at, body, mark: Mark::None });
    frames
}

/// Too short, unknown, of a length past the end, invalid UTF-8, and JSON as bytes.
fn garbage() -> [Body; 7] {
    let bodies: [&'static [u8]; 7] = [
        b"",
        b"\0\0\x01",
        b"\0\0\0\x63????????",
        b"\0\0\0\x04\xff\xff\xff\xff{}",
        b"\0\0\0\x03\0\0\0\x01\xff\xfe\xfd",
        b"{\"type\": \"progress\"}",
        b"\0\0\0\x01\0\0\0\x01not an image",
    ];
    bodies.map(|body| Body::Binary(Bytes::from_static(body)))
}

/// Messages like those of custom nodes, some of them not objects.
fn custom() -> [Body; 6] {
    let texts = [
        r#"{"type": "crystools.monitor", "data": {"cpu_utilization": 12.5, "gpus": [{"gpu_utilization": 97}]}}"#,
        r#"{"type": "cm-queue-status", "data": {"status": "in_progress", "total_count": 9, "done_count": 9}}"#,
        r#"{"type": "value-send", "data": {"link_id": 3, "value": 100, "max": 100}}"#,
        r#"{"type": "lab.list", "data": [1, 2, 3]}"#,
        r#"{"type": "lab.null", "data": null}"#,
        r#"{"type": "lab.text", "data": "done"}"#,
    ];
    texts.map(|text| Body::Text(text.into()))
}
