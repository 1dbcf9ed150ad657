//! `POST /prompt`.

use runninghub_core::{ClientId, NodeError, NodeId, PromptId, Sentence, Untrusted, is_task_id, say};
use serde_json::{Map, Value, json};

use crate::{Client, Error, ErrorKind, http::Call};

/// A prompt in the queue.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// Its id: the requested one, or one that the server chose.
    pub prompt_id: PromptId,
    /// Why some outputs will not run.
    pub node_errors: Vec<NodeError>,
    /// These outputs.
    pub dropped: Vec<NodeId>,
}

impl Accepted {
    /// A prompt that was found on the server after its response was lost.
    pub fn found(prompt_id: PromptId) -> Self {
        Self { prompt_id, node_errors: Vec::new(), dropped: Vec::new() }
    }
}

/// Why a prompt was refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rejected {
    /// The kind, for example `prompt_outputs_failed_validation`.
    pub kind: String,
    /// The server's message; may be empty.
    pub message: Untrusted,
    /// Details of the message.
    pub details: Untrusted,
    /// Errors by node.
    pub node_errors: Vec<NodeError>,
}

pub(crate) async fn send(
    client: &Client,
    workflow: &str,
    client_id: &ClientId,
    prompt_id: Option<&str>,
    extra_data: &Map<String, Value>,
) -> Result<Accepted, Error> {
    let call = Call { name: "prompt", segments: &["prompt"] };
    let mut workflow: Value = serde_json::from_str(workflow)
        .map_err(|error| Error::usage(say!("the workflow is not JSON")).because(error))?;
    for node in
        workflow.as_object_mut().into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut)
    {
        // A server that replaces the node's class fails without it.
        node.entry("_meta").or_insert_with(|| json!({}));
    }
    let mut body = json!({ "prompt": workflow, "client_id": client_id.as_str() });
    if let Some(id) = prompt_id {
        body["prompt_id"] = id.into();
    }
    if !extra_data.is_empty() {
        body["extra_data"] = extra_data.clone().into();
    }
    let answer = client.post_prompt(&call, body.to_string()).await?;
    let body = answer.any_json().unwrap_or_default();
    // A refusal that names a prompt proves nothing: the prompt may be queued.
    if !answer.is_success() && body["prompt_id"].is_string() {
        return Err(Error::unexpected("prompt_id"));
    }
    if answer.status == 400 && body.get("error").is_some() {
        return Err(Error::new(ErrorKind::Rejected(Box::new(rejected(&body)))));
    }
    let body = answer.object()?;
    let prompt_id = body["prompt_id"]
        .as_str()
        .filter(|id| is_task_id(id))
        .ok_or_else(|| Error::unexpected("prompt_id"))?
        .into();
    let node_errors = &body["node_errors"];
    Ok(Accepted { prompt_id, node_errors: NodeError::read_all(node_errors), dropped: dropped(node_errors) })
}

/// The outputs that do not run because of these errors.
fn dropped(node_errors: &Value) -> Vec<NodeId> {
    let nodes = node_errors.as_object().into_iter().flat_map(Map::values);
    let lists = nodes.filter_map(|node| node["dependent_outputs"].as_array());
    lists.flatten().filter_map(Value::as_str).map(NodeId::from).collect()
}

fn rejected(body: &Value) -> Rejected {
    let error = &body["error"];
    Rejected {
        kind: error["type"].as_str().unwrap_or_default().to_owned(),
        // Old servers send only the message.
        message: error["message"].as_str().or(error.as_str()).unwrap_or_default().into(),
        details: error["details"].as_str().unwrap_or_default().into(),
        node_errors: NodeError::read_all(&body["node_errors"]),
    }
}

impl Rejected {
    /// The refusal as a message.
    pub fn sentence(&self) -> Sentence {
        let message = match self.message.raw() {
            "" => say!("the prompt was rejected"),
            message => Sentence::verbatim(message),
        };
        if !self.node_errors.is_empty() {
            Sentence::chain([message, Sentence::list(NodeError::sentences(&self.node_errors))])
        } else if self.details.is_empty() {
            message
        } else {
            say!("{message} ({details})", message, details = &self.details)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reports_each_node() {
        let body = json!({
            "error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation",
                "details": "Required input is missing: images", "extra_info": {}},
            "node_errors": {"2": {"errors": [{"type": "required_input_missing", "message": "Required input is missing",
                "details": "images", "extra_info": {"input_name": "images"}}], "dependent_outputs": ["2"],
                "class_type": "SaveImage"}},
        });
        assert_eq!(
            rejected(&body).sentence().to_string(),
            "Prompt outputs failed validation: node 2 (SaveImage): Required input is missing (images)"
        );
        assert_eq!(dropped(&body["node_errors"]), ["2".into()]);
        assert_eq!(rejected(&json!({"error": "No prompt"})).sentence().to_string(), "No prompt");
        assert_eq!(rejected(&json!({"error": {}})).sentence().to_string(), "the prompt was rejected");
    }
}
