//! Files as ComfyUI names them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A file that a node has written on the machine it ran on. Where it can be fetched is another question: a ComfyUI has an
/// address for each, RunningHub lists those that were saved.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NodeFile {
    /// Its name.
    pub filename: String,
    /// The folder below the one that `folder_type` names; empty for none.
    pub subfolder: String,
    /// `output` for what was saved, `temp` for what is only shown, `input` for what was there before; empty where it is not
    /// told.
    #[serde(rename = "type")]
    pub folder_type: String,
}

impl NodeFile {
    /// The files of a node's output, in its order. The name of the list (`images`, `gifs`, `audio`, `3d`, …) is up to the node;
    /// what counts is what is in it.
    pub fn of_output(output: &Value) -> Vec<Self> {
        let lists =
            output.as_object().into_iter().flat_map(|output| output.values()).filter_map(Value::as_array);
        lists.flatten().filter_map(Self::read).collect()
    }

    /// One entry of such a list, if it is a file.
    pub fn read(entry: &Value) -> Option<Self> {
        let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let named = |text: String| if text.is_empty() { None } else { Some(text) };
        Some(Self {
            filename: named(text("filename"))?,
            subfolder: text("subfolder"),
            folder_type: text("type"),
        })
    }

    /// What ComfyUI's `/view` is asked for it: names and values of a query, not encoded.
    pub fn view_query(&self) -> [(&'static str, &str); 3] {
        [("filename", &self.filename), ("subfolder", &self.subfolder), ("type", self.folder())]
    }

    /// The folder that it is in: `output` where that is not told, as ComfyUI has it.
    pub fn folder(&self) -> &str {
        if self.folder_type.is_empty() { "output" } else { &self.folder_type }
    }

    /// Whether it was saved, and not only shown.
    pub fn is_saved(&self) -> bool {
        self.folder_type == "output"
    }
}
