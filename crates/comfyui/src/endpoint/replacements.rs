//! `GET /node_replacements`: classes that the server replaces with others in prompts. Since 0.13.

use std::collections::HashMap;

use serde_json::Value;

use crate::{Client, Error, http::Call};

/// The new class of each class that the server replaces; empty if the server doesn't have the endpoint.
pub(crate) async fn get(client: &Client) -> Result<HashMap<String, String>, Error> {
    let answer = client.get(&Call { name: "node_replacements", segments: &["node_replacements"] }).await?;
    if answer.status == 404 {
        return Ok(HashMap::new());
    }
    Ok(read(&answer.object()?))
}

/// By the old class: one replacement, or a list whose first entry counts.
fn read(body: &Value) -> HashMap<String, String> {
    let new = |entry: &Value| {
        let entry = entry.get(0).unwrap_or(entry);
        let class = entry.as_str().or_else(|| entry["new_node_id"].as_str());
        class.unwrap_or_default().to_owned()
    };
    body.as_object().into_iter().flatten().map(|(old, entry)| (old.clone(), new(entry))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn replacements_are_read_in_every_form() {
        let body = json!({
            "T2IAdapterLoader": [{"old_node_id": "T2IAdapterLoader", "new_node_id": "ControlNetLoader"}],
            "A": {"new_node_id": "B"},
            "C": "D",
            "E": [],
        });
        let read = read(&body);
        let new = |old: &str| read.get(old).map(String::as_str);
        assert_eq!(
            ["T2IAdapterLoader", "A", "C", "E", "F"].map(new),
            [Some("ControlNetLoader"), Some("B"), Some("D"), Some(""), None]
        );
    }
}
