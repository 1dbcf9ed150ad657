//! State changes of nodes.

use serde_json::Value;

use super::state::Machine;
use crate::{Event, NodeFile, NodeState, Phase, StateEntry, StateNodes, say};

impl Machine {
    pub(super) fn executing(&mut self, node: &str, display: Option<&str>, told_run: bool) {
        let Some(at) = self.owner([Some(node), display, None]) else { return self.differs(node) };
        self.touched = true;
        if told_run && !self.snapshots {
            self.infer(node, at);
        }
        if !self.saw_start {
            self.infer_ancestors(at);
        }
        if !self.snapshots {
            // Only this node is known to run.
            self.generation += 1;
        }
        self.booked.start(self.now, at, told_run);
        // A message repeated after a reconnect isn't a start.
        self.runs(at, told_run);
        let (own, now) = (self.is_own(at, node), self.now.as_secs_f64());
        if !own {
            self.nodes.get_mut(at).into_iter().for_each(|track| _ = track.child(node, now));
        }
        if told_run && own && !self.is_current(at) {
            // A lazy node starts twice: in between it only waited.
            let started_at = Some(self.now);
            self.nodes
                .get_mut(at)
                .into_iter()
                .for_each(|track| (track.started_at, track.since) = (started_at, now));
        }
        if self.current.as_ref().is_none_or(|current| current.as_str() != node) {
            self.current = Some(node.into());
        }
    }

    /// Reports once that the run differs from the plan.
    pub(super) fn differs(&mut self, node: &str) {
        if !std::mem::replace(&mut self.differs, true) {
            let message = say!("node {node} runs, although no output of the workflow needs it", node);
            self.events.push_back(Event::warning("plan_differs", message));
        }
    }

    /// Marks the node as running as of the newest snapshot or message. `begins` means this is its start, unless an
    /// earlier message already was.
    fn runs(&mut self, at: usize, begins: bool) {
        let Some(track) = self.nodes.get_mut(at) else { return };
        track.running_in = Some(self.generation);
        if track.started == 0 {
            self.started += 1;
            track.started = self.started;
            track.started_at = begins.then_some(self.now);
        }
    }

    /// Servers before 0.3.45 don't report ends: when another node starts, the previous one is done. Exceptions are a
    /// lazy node that waits for its inputs, and the parent of an expansion.
    fn infer(&mut self, next: &str, next_at: usize) {
        let Some(previous) = self.current.clone().filter(|previous| previous.as_str() != next) else {
            return;
        };
        let Some(previous_at) = self.owner([Some(previous.as_str()), None, None]) else { return };
        let is_child = !self.is_own(previous_at, previous.as_str());
        let waits = self.plan.as_ref().is_some_and(|plan| {
            let mark = plan.ancestors(&[previous_at], |_| false);
            mark.get(next_at) == Some(&true)
        }) && self.nodes.get(next_at).is_some_and(|track| !track.done);
        let Some(track) = self.nodes.get_mut(previous_at) else { return };
        if is_child {
            track.child_done(previous.as_str(), self.now.as_secs_f64());
        } else if previous_at != next_at && !waits {
            track.done = true;
        }
    }

    /// The start was missed: a node runs only when all its ancestors have results.
    fn infer_ancestors(&mut self, at: usize) {
        let Some(plan) = self.plan.clone() else { return };
        let marks = plan.ancestors(&[at], |_| false);
        for (above, (track, mark)) in self.nodes.iter_mut().zip(marks).enumerate() {
            track.done |= mark && above != at;
        }
    }

    pub(super) fn snapshot(&mut self, nodes: StateNodes<'_>) {
        self.snapshots = true;
        self.touched = true;
        self.generation += 1;
        nodes.for_each(|entry| self.entry(&entry));
        if !std::mem::replace(&mut self.saw_start, true) {
            self.infer_from_snapshot();
        }
    }

    /// Snapshots omit cached nodes. All ancestors of a running node have results, unless one of them runs too: then
    /// the node is waiting.
    fn infer_from_snapshot(&mut self) {
        let Some(plan) = self.plan.clone() else { return };
        let running: Vec<usize> = (0..self.nodes.len())
            .filter(|at| self.nodes.get(*at).is_some_and(|track| !track.done && self.is_running(track)))
            .collect();
        for at in &running {
            let above = plan.ancestors(&[*at], |_| false);
            if !running.iter().any(|other| other != at && above.get(*other) == Some(&true)) {
                self.infer_ancestors(*at);
            }
        }
    }

    fn entry(&mut self, entry: &StateEntry<'_>) {
        // A node without a progress bar reports 0 of 1, which isn't a count.
        let counts = (entry.value, entry.max) != (Some(0.0), Some(1.0));
        let (value, max) = if counts { (entry.value, entry.max) } else { (None, None) };
        // A node copied by a native loop belongs to the loop's start node, and is shown as its original.
        let names = [Some(&*entry.id), entry.display_node_id.as_deref(), entry.real_node_id.as_deref()];
        let Some(at) = self.owner(names) else { return };
        let own = self.is_own(at, &entry.id);
        match entry.state.as_deref() {
            Some("finished") => {
                let Some(track) = self.nodes.get_mut(at) else { return };
                if own {
                    track.done = true;
                } else {
                    track.child_done(&entry.id, self.now.as_secs_f64());
                }
            }
            Some("running") => {
                // The first snapshot of a connection may show nodes that started long before.
                self.runs(at, self.saw_start);
                if !own && let Some(track) = self.nodes.get_mut(at) {
                    track.child(&entry.id, self.now.as_secs_f64());
                }
                self.count(at, &entry.id, own, value, max);
            }
            // Comfy Cloud omits the state; other states are unknown.
            _ => self.count(at, &entry.id, own, value, max),
        }
    }

    pub(super) fn report(&mut self, names: [Option<&str>; 3], value: Option<f64>, max: Option<f64>) {
        let [Some(id), ..] = names else { return };
        let Some(at) = self.owner(names) else { return };
        self.last_progress = Some(at);
        let own = self.is_own(at, id);
        let of_child = own && !self.snapshots;
        let child = self.current.as_ref().filter(|current| of_child && current.as_str() != id).cloned();
        match child.filter(|_| self.is_current(at)) {
            // Servers before 0.3.45 report a child's progress under its parent's id.
            Some(child) => self.count(at, child.as_str(), false, value, max),
            None => self.count(at, id, own, value, max),
        }
        if !self.snapshots && self.nodes.get(at).is_some_and(|track| !self.is_running(track)) {
            self.runs(at, false);
            self.touched = true;
        }
    }

    fn count(&mut self, at: usize, id: &str, own: bool, value: Option<f64>, max: Option<f64>) {
        let (passes, now) = (self.passes(at), self.now.as_secs_f64());
        if let (Some(value), Some(max), Some(track)) = (value, max, self.nodes.get_mut(at)) {
            if own {
                track.counter.report(value, max, passes, now);
            } else {
                track.report_child(id, value, max, passes, now);
            }
        }
    }

    pub(super) fn executed(&mut self, node: &str, output: Option<&str>) {
        let Some(at) = self.owner([Some(node), None, None]) else { return };
        let own = self.is_own(at, node);
        self.touched = true;
        let Some(track) = self.nodes.get_mut(at) else { return };
        if own {
            track.done = true;
        } else {
            track.child_done(node, self.now.as_secs_f64());
        }
        let output = output.and_then(|output| serde_json::from_str(output).ok()).unwrap_or(Value::Null);
        let files = NodeFile::of_output(&output);
        // The platform never lists temporary files.
        let saved = files.iter().filter(|file| file.is_saved()).count();
        if saved > 0 {
            // The last message of a node replaces earlier ones: a cached node sends its files again.
            self.saved_files.retain(|(known, _)| *known != at);
            self.saved_files.push((at, saved));
        }
        if !files.is_empty() {
            self.events.push_back(Event::Files { node_id: self.id(at), files });
        }
    }

    /// The original of a node copy that is running in a loop started by this node. Errors of the copy name the loop's
    /// start.
    pub(super) fn running_copy(&self, start: usize) -> Option<usize> {
        let start_id = self.id(start);
        let copies = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(at, track)| *at != start && track.has_open_child_of(start_id.as_str()));
        copies.max_by_key(|(_, track)| track.started).map(|(at, _)| at)
    }

    /// Whether the last `executing` named the node or one of its children.
    fn is_current(&mut self, at: usize) -> bool {
        let current = self.current.clone();
        current.is_some_and(|current| self.owner([Some(current.as_str()), None, None]) == Some(at))
    }

    /// Whether the id is the node itself, not a child of its expansion.
    pub(super) fn is_own(&self, at: usize, id: &str) -> bool {
        match &self.plan {
            Some(plan) => plan.nodes().get(at).is_some_and(|node| node.id.as_str() == id),
            None => self.seen.id(at).is_some_and(|seen| seen.as_str() == id),
        }
    }

    /// Computes which nodes are still needed, and emits an event for each change.
    ///
    /// Needed are the nodes reachable by walking back from unfinished outputs without passing through done nodes. This
    /// one rule covers cached results below nodes that were not run, branches not taken, and nodes that finished
    /// unseen.
    pub(super) fn settle(&mut self) {
        if let Some(plan) = self.plan.clone()
            && self.phase != Phase::Success
            && self.nodes.iter().any(|track| track.done && !track.settled)
        {
            let needed =
                plan.ancestors(plan.outputs(), |at| self.nodes.get(at).is_some_and(|track| track.done));
            for ((track, needed), node) in self.nodes.iter_mut().zip(needed).zip(plan.nodes()) {
                if node.required && !needed {
                    track.settle(self.unbroken);
                }
                track.settled |= track.done;
            }
        }
        if let Some(plan) = &self.plan {
            let nodes = plan.nodes().iter().zip(&self.nodes);
            self.settled = nodes.filter(|(node, track)| node.required && track.settled).count();
        }
        self.report_states();
    }

    fn report_states(&mut self) {
        for at in 0..self.nodes.len() {
            let Some(track) = self.nodes.get(at) else { return };
            let state = self.state_of(track);
            // A change back to waiting isn't reported, because snapshots omit nodes.
            if state == track.reported || state == NodeState::Waiting {
                continue;
            }
            let ran = matches!(state, NodeState::Done | NodeState::Failed);
            let elapsed = track.started_at.filter(|_| ran).map(|since| self.now.saturating_sub(since));
            self.changes(at, state);
            let (id, title) = (self.id(at), self.title(at));
            self.events.push_back(Event::Node { id, title, state, elapsed });
            if let Some(track) = self.nodes.get_mut(at) {
                track.reported = state;
            }
        }
    }
}
