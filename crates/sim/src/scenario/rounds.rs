//! Native loops of ComfyUI 0.37 and later: the start node runs a copy of the loop's body for each round.

use bytes::Bytes;
use serde_json::json;

use super::{
    End, Frame,
    script::{ScriptNode, Writer},
};

/// A copy that the start node of a loop has made: of a node of the body, or of one of its own hidden nodes.
struct Copy<'a> {
    id: String,
    /// The node that it is shown as.
    shown: &'a str,
    start: &'a str,
}

impl Writer {
    /// Runs all rounds of a loop. The start node is finished already, and the nodes of the body never run under their
    /// own ids. Returns the end of the run if a round fails.
    pub(super) fn rounds(&mut self, start: &ScriptNode, body: &[&ScriptNode]) -> Option<End> {
        for round in 0..start.rounds {
            let is_last = round + 1 == start.rounds;
            self.hidden(start, &format!("iteration_{round}"), None);
            for node in body {
                let copy = Copy {
                    id: copy_id(start, &format!("{round}_{}", node.id)),
                    shown: &node.id,
                    start: &start.id,
                };
                self.begin_copy(&copy);
                self.steps_as(node, &copy.id, |writer, value, max| {
                    writer.copy_state(&copy, value, max, "running");
                });
                // Errors name the node of the workflow that was expanded.
                if is_last && let Some(end) = self.stop(node, start) {
                    return Some(end);
                }
                let max = f64::from(node.steps.max(1));
                self.copy_state(&copy, max, max, "finished");
                self.executed.push(copy.id);
            }
            self.hidden(start, &format!("progress_{round}"), Some(round + 1));
        }
        None
    }

    /// The text with the number of finished rounds (event 3).
    pub(super) fn iteration(&mut self, start: &ScriptNode, done: u32) {
        let text = format!("Iteration {done} / {}", start.rounds);
        let length = u32::try_from(start.id.len()).unwrap_or_default();
        let bytes = [&3_u32.to_be_bytes()[..], &length.to_be_bytes(), start.id.as_bytes(), text.as_bytes()];
        self.frames.push(Frame::binary(self.at, Bytes::from(bytes.concat())));
    }

    /// A node of the loop's own, which is shown as its start and may say how many rounds are over.
    fn hidden(&mut self, start: &ScriptNode, name: &str, over: Option<u32>) {
        let copy = Copy { id: copy_id(start, name), shown: &start.id, start: &start.id };
        self.begin_copy(&copy);
        if let Some(over) = over {
            self.iteration(start, over);
        }
        self.copy_state(&copy, 1.0, 1.0, "finished");
        self.executed.push(copy.id);
    }

    fn begin_copy(&mut self, copy: &Copy<'_>) {
        self.copy_state(copy, 0.0, 1.0, "running");
        self.send(
            "executing",
            json!({"node": copy.id, "display_node": copy.shown, "prompt_id": self.prompt_id}),
        );
    }

    fn copy_state(&mut self, copy: &Copy<'_>, value: f64, max: f64, state: &str) {
        self.put_state(
            &copy.id,
            json!({
                "value": value, "max": max, "state": state, "node_id": copy.id, "prompt_id": self.prompt_id,
                "display_node_id": copy.shown, "parent_node_id": copy.start, "real_node_id": copy.start,
            }),
        );
    }
}

fn copy_id(start: &ScriptNode, name: &str) -> String {
    format!("{}.0.0.{name}", start.id)
}
