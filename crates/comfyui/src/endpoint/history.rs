//! `GET /history/{prompt_id}`.

use runninghub_core::{Failure, NodeFile, NodeId, Untrusted};
use serde_json::Value;

use crate::{Client, Error, Queued, http::Call};

/// Maximum number of products read per prompt: far more than a workflow makes.
const MOST: usize = 10_000;

/// A finished prompt.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finished {
    /// The queued prompt, if it is still in the history.
    pub prompt: Option<Queued>,
    /// How it ended.
    pub outcome: Outcome,
    /// The products of its nodes, in the order of the response: also before a failure.
    pub products: Vec<Product>,
}

/// How a prompt ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// All nodes succeeded.
    Success,
    /// A node raised an exception.
    Failed(Box<Failure>),
    /// The prompt was interrupted.
    Interrupted,
}

/// One product of a node.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Product {
    /// A file on the server, fetched by [`Client::view`].
    File {
        /// The node, or the one that it was expanded from.
        node: NodeId,
        /// The file as the node names it.
        file: NodeFile,
    },
    /// A text.
    Text {
        /// The node, or the one that it was expanded from.
        node: NodeId,
        /// The content.
        text: String,
    },
}

pub(crate) async fn get(client: &Client, prompt_id: &str) -> Result<Option<Finished>, Error> {
    let call = Call { name: "history", segments: &["history", prompt_id] };
    let mut body = client.get(&call).await?.object()?;
    Ok(body.get_mut(prompt_id).filter(|entry| entry.is_object()).map(|entry| read(&entry.take())))
}

pub(crate) fn read(entry: &Value) -> Finished {
    Finished {
        prompt: Queued::read(&entry["prompt"]),
        outcome: outcome(&entry["status"]),
        products: products(&entry["outputs"], &entry["meta"]),
    }
}

fn outcome(status: &Value) -> Outcome {
    let messages = status["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let last = |kind: &str| messages.iter().rev().find(|message| message[0] == kind).map(|one| &one[1]);
    // An entry without a status is from a server before 2024, which writes entries for successful prompts only.
    if status["status_str"].as_str().is_none_or(|word| word == "success") {
        Outcome::Success
    } else if last("execution_interrupted").is_some() {
        Outcome::Interrupted
    } else {
        Outcome::Failed(last("execution_error").map(failure).unwrap_or_default().into())
    }
}

fn failure(error: &Value) -> Failure {
    let text = |field: &str| error[field].as_str().map(|text| Untrusted::from(text.trim_end()));
    let frames = error["traceback"].as_array().into_iter().flatten();
    Failure {
        node_id: error["node_id"].as_str().map(NodeId::from),
        node: text("node_type"),
        exception_type: text("exception_type"),
        message: text("exception_message"),
        traceback: frames.filter_map(Value::as_str).map(Untrusted::from).collect(),
        ..Failure::default()
    }
}

fn products(outputs: &Value, meta: &Value) -> Vec<Product> {
    let mut products = Vec::new();
    for (id, output) in outputs.as_object().into_iter().flatten() {
        let node = NodeId::from(meta[id]["real_node_id"].as_str().unwrap_or(id));
        // Nodes choose the name of the list (`images`, `gifs`, `audio`, `3d`, …), so only its items are checked.
        let entries = output.as_object().into_iter().flatten().filter_map(|(_, list)| list.as_array());
        products.extend(entries.flatten().filter_map(|entry| product(&node, entry)));
        if products.len() >= MOST {
            products.truncate(MOST);
            break;
        }
    }
    products
}

fn product(node: &NodeId, entry: &Value) -> Option<Product> {
    if let Some(file) = NodeFile::read(entry) {
        return Some(Product::File { node: node.clone(), file });
    }
    entry.as_str().map(|text| Product::Text { node: node.clone(), text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_output_is_found() {
        let finished = read(&json!({
            "prompt": [3, "p", {"1": {}}, {"client_id": "me"}, ["1"]],
            "outputs": {
                "1": {"images": [{"filename": "a.png", "subfolder": "", "type": "output"}], "animated": [true]},
                "2": {"gifs": [{"filename": "b.mp4", "subfolder": "v", "type": "temp", "frame_rate": 8}]},
                "3.0.0.2": {"text": ["hello", 7, null, {"filename": ""}]},
                "4": null, "5": {"a": 1},
            },
            "meta": {"3.0.0.2": {"real_node_id": "3"}},
            "status": {"status_str": "success", "completed": true, "messages": []},
        }));
        let file = |node: &str, filename: &str, subfolder: &str, folder_type: &str| Product::File {
            node: node.into(),
            file: NodeFile::read(&json!({"filename": filename, "subfolder": subfolder, "type": folder_type}))
                .expect("a file"),
        };
        assert_eq!(
            finished.products,
            [
                file("1", "a.png", "", "output"),
                file("2", "b.mp4", "v", "temp"),
                Product::Text { node: "3".into(), text: "hello".into() },
            ]
        );
        assert_eq!(finished.outcome, Outcome::Success);
        assert_eq!(finished.prompt.expect("a prompt").client_id.expect("one").as_str(), "me");
    }

    #[test]
    fn an_end_is_what_the_messages_say() {
        let of = |word: &str, kind: &str| {
            outcome(&json!({"status_str": word, "messages": [[kind, {"node_id": "3"}]]}))
        };
        assert_eq!(of("error", "execution_interrupted"), Outcome::Interrupted);
        let failed = Failure { node_id: Some("3".into()), ..Failure::default() };
        assert_eq!(of("error", "execution_error"), Outcome::Failed(failed.into()));
        assert_eq!(of("error", "execution_start"), Outcome::Failed(Box::default()));
        // On some servers the messages contain an error of a blocked node; the status word decides.
        assert_eq!(of("success", "execution_error"), Outcome::Success);
        assert_eq!(outcome(&Value::Null), Outcome::Success);
    }
}
