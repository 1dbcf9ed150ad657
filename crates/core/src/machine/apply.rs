//! Applies each message to the machine.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{
    estimate::Iteration,
    state::{Confirm, Machine},
};
use crate::{Binary, Event, ExecutionError, Failure, Message, OutputFile, Phase, Sentence, Untrusted};

/// The node class whose results are sent over the socket as PNG and not saved on the server.
const SOCKET_CLASS: &str = "SaveImageWebsocket";
/// How many bytes of such results are kept: hundreds of images.
const MOST_KEPT: usize = 512 << 20;

impl Machine {
    /// Applies a message. Returns whether it belongs to this run.
    pub(super) fn apply(&mut self, message: Message<'_>) -> bool {
        let ours = match &message {
            Message::ExecutionStart { prompt_id }
            | Message::ExecutionCached { prompt_id, .. }
            | Message::Progress { prompt_id, .. }
            | Message::ProgressState { prompt_id, .. }
            | Message::Executed { prompt_id, .. }
            | Message::ExecutionSuccess { prompt_id, .. }
            | Message::ExecutionInterrupted { prompt_id, .. } => self.is_ours(prompt_id.as_deref()),
            Message::Executing { prompt_id, node, .. } => {
                // Messages repeated after a reconnect carry no prompt id and belong to the current run.
                let replayed = prompt_id.is_none() && node.is_some();
                if replayed { self.is_ours_unnamed() } else { self.is_ours(prompt_id.as_deref()) }
            }
            Message::ExecutionError(error) => self.is_ours(error.prompt_id.as_deref()),
            Message::Unreadable => {
                self.unreadable += 1;
                false
            }
            Message::Status { queue_remaining } => {
                self.queue_remaining = *queue_remaining;
                false
            }
            Message::Unknown { .. } => false,
        };
        if !ours {
            self.ignored += 1;
        } else if !self.phase.is_final() {
            self.apply_ours(message);
            if std::mem::take(&mut self.touched) {
                self.settle();
            }
            self.join();
        }
        ours
    }

    fn apply_ours(&mut self, message: Message<'_>) {
        match message {
            Message::ExecutionStart { .. } => self.begun(),
            Message::ExecutionCached { nodes, .. } => {
                self.begun();
                for id in nodes {
                    // This list never contains expanded ids; only the node itself is cached.
                    if let Some(at) = self.owner([Some(&id), None, None])
                        && self.is_own(at, &id)
                        && let Some(track) = self.nodes.get_mut(at)
                    {
                        track.cached |= !track.done;
                        track.done = true;
                        self.touched = true;
                    }
                }
            }
            Message::Executing { node: Some(node), prompt_id, display_node } => {
                self.running();
                self.executing(&node, display_node.as_deref(), prompt_id.is_some());
            }
            Message::Executing { node: None, .. } => self.closing(Phase::Ended),
            Message::Progress { node: Some(node), value, max, .. } => {
                self.running();
                self.report([Some(&node), None, None], value, max);
            }
            Message::ProgressState { nodes, .. } => {
                self.running();
                self.snapshot(nodes);
            }
            Message::Executed { node: Some(node), output, .. } => {
                self.running();
                self.executed(&node, output.map(RawValue::get));
            }
            Message::ExecutionSuccess { node: None, .. } => self.closing(Phase::Success),
            Message::ExecutionSuccess { node: Some(node), .. } => self.executed(&node, None),
            Message::ExecutionError(error) => self.error(&error),
            Message::ExecutionInterrupted { node, .. } => {
                self.note_failure(
                    Failure { node_id: node.map(|id| (*id).into()), ..Failure::default() },
                    false,
                );
                self.closing(Phase::Interrupted);
            }
            _ => {}
        }
    }

    pub(super) fn apply_binary(&mut self, binary: Binary<'_>) -> bool {
        match binary {
            _ if self.phase.is_final() => false,
            Binary::Preview { node_id, prompt_id, mime, image } => {
                let ours = match &prompt_id {
                    Some(_) => self.is_ours(prompt_id.as_deref()),
                    None => self.is_ours_unnamed(),
                };
                if ours {
                    let node = match &node_id {
                        Some(id) => self.owner([Some(id), None, None]),
                        None => self.last_progress,
                    };
                    self.picture(node, mime, image);
                }
                ours
            }
            Binary::Text { node_id, text } if self.is_ours_unnamed() => {
                if let Some(iteration) = Iteration::parse(&text) {
                    self.iterates(&node_id, iteration);
                }
                let title = self.owner([Some(&node_id), None, None]).and_then(|at| self.own_title(at));
                let (node_id, text) = ((*node_id).into(), Untrusted::from(text.into_owned()));
                self.events.push_back(Event::Text { node_id, title, text });
                true
            }
            Binary::Text { .. } | Binary::Unknown { .. } | Binary::Malformed => {
                self.ignored += 1;
                false
            }
        }
    }

    /// The title of a node, if no other node has it.
    fn own_title(&self, at: usize) -> Option<Untrusted> {
        let nodes = self.plan.as_ref()?.nodes();
        let title = &nodes.get(at)?.title;
        (nodes.iter().filter(|node| node.title == *title).count() == 1).then(|| title.clone())
    }

    /// A preview, or a result that exists nowhere else.
    fn picture(&mut self, node: Option<usize>, mime: &'static str, image: &[u8]) {
        let class = node.and_then(|at| Some(self.plan.as_ref()?.nodes().get(at)?.class_type.raw()));
        let node_id = node.map(|at| self.id(at));
        if mime == "image/png" && class == Some(SOCKET_CLASS) {
            let kept: usize =
                self.pictures.iter().filter_map(|one| one.data.as_ref()).map(|data| data.len()).sum();
            if kept + image.len() <= MOST_KEPT {
                let file_type = Some("png".to_owned());
                let data = Some(image.into());
                self.pictures.push(OutputFile { node_id, file_type, data, ..OutputFile::default() });
            }
        } else if self.previews {
            let (mime, bytes) = (mime.into(), image.len());
            self.events.push_back(Event::Preview { node_id, mime, bytes, data: image.into() });
        }
    }

    fn begun(&mut self) {
        (self.saw_start, self.unbroken) = (true, true);
        self.running();
    }

    pub(super) fn running(&mut self) {
        if matches!(self.phase, Phase::Waiting | Phase::Queued) {
            self.phase = Phase::Running;
        }
        self.running_since.get_or_insert(self.now);
    }

    /// Handles a closing frame. Until HTTP confirms it, it is only a claim that the run has stopped.
    fn closing(&mut self, phase: Phase) {
        if phase != Phase::Ended {
            self.claim = Some(phase);
            if self.confirm == Confirm::Frames {
                self.end(phase);
                return;
            }
        }
        self.booked.stop(self.now);
        self.phase = Phase::Ended;
        self.running_since.get_or_insert(self.now);
    }

    pub(super) fn end(&mut self, phase: Phase) {
        // Only frames from the start to the closing one prove that a node without a frame did not run.
        let saw_all = self.unbroken && (self.confirm == Confirm::Frames || self.phase == Phase::Ended);
        self.booked.stop(self.now);
        self.phase = phase;
        if phase == Phase::Success {
            // On success, every node either finished or wasn't needed, and no earlier failure report counts.
            self.failure = None;
            for (at, track) in self.nodes.iter_mut().enumerate() {
                let required =
                    self.plan.as_ref().is_none_or(|plan| plan.nodes().get(at).is_some_and(|n| n.required));
                if required {
                    track.settle(saw_all);
                }
                track.failed = false;
            }
        }
        self.settle();
    }

    fn error(&mut self, error: &ExecutionError<'_>) {
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().map(Untrusted::from);
        if error.is_blocked() {
            let message = error.exception_message.as_deref().unwrap_or_default();
            self.events.push_back(Event::warning("blocked", Sentence::verbatim(message)));
            return;
        }
        let failure = Failure {
            node_id: error.node_id.as_deref().map(Into::into),
            node: text(&error.node_type),
            exception_type: text(&error.exception_type),
            // Python's messages often end with a line feed.
            message: error.exception_message.as_deref().map(|text| text.trim_end().into()),
            traceback: error.traceback.iter().map(|line| (**line).into()).collect(),
            ..Failure::default()
        };
        self.note_failure(failure, true);
        self.closing(Phase::Failed);
    }

    /// Merges failure details; a later report with less detail doesn't erase anything. An interrupted run also names a
    /// node, but that node didn't raise.
    pub(super) fn note_failure(&mut self, new: Failure, raised: bool) {
        let known = self.failure.take().unwrap_or_default();
        let at = new.node_id.as_ref().or(known.node_id.as_ref()).map(|id| id.as_str().to_owned());
        let at = at.and_then(|id| self.owner([Some(&id), None, None]));
        let copied = at.filter(|_| raised).and_then(|at| self.running_copy(at));
        let node_id = copied.map(|at| self.id(at)).or(new.node_id);
        let node = match copied.or(at) {
            Some(at) => {
                if let Some(track) = self.nodes.get_mut(at) {
                    track.failed |= raised;
                    self.touched = true;
                }
                // Without a workflow, a node is only known by its id.
                let title = self.title(at);
                let is_named = title.raw() != self.id(at).as_str();
                if is_named { Some(title) } else { new.node.clone().or(Some(title)) }
            }
            None => new.node.clone(),
        };
        self.failure = Some(Failure {
            node_id: node_id.or(known.node_id),
            node: node.or(known.node),
            exception_type: new.exception_type.or(known.exception_type),
            message: new.message.or(known.message),
            code: new.code.or(known.code),
            traceback: if new.traceback.is_empty() { known.traceback } else { new.traceback },
            ..Failure::default()
        });
    }
}
