//! `GET /queue` and `POST /queue`.

use runninghub_core::{ClientId, NodeId, PromptId};
use serde_json::{Value, json};

use crate::{Client, Error, http::Call};

/// The prompts on a server that are not over.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Queue {
    /// The running prompts: at most one.
    pub running: Vec<Queued>,
    /// The queued prompts, in the order in which they will run.
    pub pending: Vec<Queued>,
}

/// A prompt that is or was in the queue.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Queued {
    /// Its number: the smallest runs first.
    pub number: f64,
    /// Its id.
    pub prompt_id: PromptId,
    /// The workflow in API format, as JSON text.
    pub workflow: String,
    /// The client whose socket gets its messages; `None` for a prompt without one.
    pub client_id: Option<ClientId>,
    /// The output nodes to run.
    pub outputs_to_execute: Vec<NodeId>,
}

impl Queued {
    /// Parses the five parts that a prompt has in the queue and in the history.
    pub(crate) fn read(parts: &Value) -> Option<Self> {
        let outputs = parts[4].as_array().into_iter().flatten().filter_map(Value::as_str);
        Some(Self {
            number: parts[0].as_f64().unwrap_or_default(),
            prompt_id: parts[1].as_str()?.into(),
            workflow: parts[2].to_string(),
            client_id: parts[3]["client_id"].as_str().map(ClientId::from),
            outputs_to_execute: outputs.map(NodeId::from).collect(),
        })
    }
}

impl Queue {
    /// The prompt, if it is here, and the number of prompts before it: `None` if it is running.
    pub fn find(&self, prompt_id: &str) -> Option<(&Queued, Option<usize>)> {
        let is_it = |one: &&Queued| one.prompt_id.as_str() == prompt_id;
        if let Some(one) = self.running.iter().find(is_it) {
            return Some((one, None));
        }
        let at = self.pending.iter().position(|one| is_it(&one))?;
        Some((self.pending.get(at)?, Some(at + self.running.len())))
    }
}

const QUEUE: Call<'static> = Call { name: "queue", segments: &["queue"] };

pub(crate) async fn get(client: &Client) -> Result<Queue, Error> {
    let answer = client.get(&QUEUE).await?;
    let body = answer.object()?;
    let list = |name: &'static str| -> Result<Vec<Queued>, Error> {
        let list = body[name].as_array().ok_or_else(|| Error::unexpected(name))?;
        Ok(list.iter().filter_map(Queued::read).collect())
    };
    let (running, mut pending) = (list("queue_running")?, list("queue_pending")?);
    // The server's list is a heap, which is not sorted.
    pending.sort_by(|a, b| a.number.total_cmp(&b.number));
    Ok(Queue { running, pending })
}

pub(crate) async fn delete(client: &Client, prompt_id: &str) -> Result<(), Error> {
    client.post(&QUEUE, json!({ "delete": [prompt_id] }).to_string()).await?.done()
}
