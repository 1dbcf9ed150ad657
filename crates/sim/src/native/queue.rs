//! Queued prompts, and the running one.

use serde_json::{Map, Value, json};
use tokio::sync::watch;

/// An accepted prompt.
#[derive(Clone, Debug)]
pub(crate) struct Prompt {
    pub(crate) number: i64,
    pub(crate) id: String,
    pub(crate) workflow: Map<String, Value>,
    pub(crate) client_id: Option<String>,
    pub(crate) extra_data: Value,
    pub(crate) outputs: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) prompt: Prompt,
    /// The display id of the current node.
    pub(crate) node: Option<String>,
    pub(crate) interrupt: watch::Sender<bool>,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) running: Option<Running>,
    /// Sorted by number.
    pub(crate) pending: Vec<Prompt>,
    next: i64,
}

impl Prompt {
    /// The five fields that queue and history show.
    pub(crate) fn parts(&self) -> Value {
        json!([self.number, self.id, self.workflow, self.extra_data, self.outputs])
    }
}

impl Queue {
    /// The number of the next prompt; negative for prompts queued at the front.
    pub(crate) fn number(&mut self, front: bool) -> i64 {
        self.next += 1;
        if front { -self.next } else { self.next }
    }

    pub(crate) fn put(&mut self, prompt: Prompt) {
        let at = self.pending.partition_point(|other| other.number <= prompt.number);
        self.pending.insert(at, prompt);
    }

    pub(crate) fn take(&mut self) -> Option<(Prompt, watch::Receiver<bool>)> {
        if self.pending.is_empty() {
            return None;
        }
        let prompt = self.pending.remove(0);
        let interrupt = watch::Sender::new(false);
        let interrupted = interrupt.subscribe();
        self.running = Some(Running { prompt: prompt.clone(), node: None, interrupt });
        Some((prompt, interrupted))
    }

    /// Removes a queued prompt. Returns whether it was queued.
    pub(crate) fn delete(&mut self, id: &str) -> bool {
        let before = self.pending.len();
        self.pending.retain(|prompt| prompt.id != id);
        self.pending.len() < before
    }

    /// Interrupts the running prompt at its next event: this prompt, or any if `None`. Returns whether it was
    /// running.
    pub(crate) fn interrupt(&self, id: Option<&str>) -> bool {
        let running = self.running.as_ref().filter(|running| id.is_none_or(|id| running.prompt.id == id));
        running.is_some_and(|running| {
            running.interrupt.send_replace(true);
            true
        })
    }

    pub(crate) fn remaining(&self) -> usize {
        self.pending.len() + usize::from(self.running.is_some())
    }

    pub(crate) fn shown(&self) -> Value {
        let running: Vec<_> = self.running.iter().map(|running| running.prompt.parts()).collect();
        let pending: Vec<_> = self.pending.iter().map(Prompt::parts).collect();
        json!({"queue_running": running, "queue_pending": pending})
    }
}
