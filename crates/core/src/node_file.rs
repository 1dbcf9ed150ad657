//! Files as ComfyUI names them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A file that a node has written on the machine it ran on. Where to download it depends on the server: ComfyUI has a
/// URL for each file, RunningHub lists the saved ones.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NodeFile {
    /// The file's name.
    pub filename: String,
    /// The subfolder of the folder named by `folder_type`; empty if there is none.
    pub subfolder: String,
    /// `output` for saved files, `temp` for files that are only shown, `input` for files that existed before; empty if
    /// unknown.
    #[serde(rename = "type")]
    pub folder_type: String,
}

impl NodeFile {
    /// The files in a node's output, in order. The list's name (`images`, `gifs`, `audio`, `3d`, …) depends on the
    /// node; any list that contains files counts.
    pub fn of_output(output: &Value) -> Vec<Self> {
        let lists =
            output.as_object().into_iter().flat_map(|output| output.values()).filter_map(Value::as_array);
        lists.flatten().filter_map(Self::read).collect()
    }

    /// Reads one entry of such a list, if it is a file.
    pub fn read(entry: &Value) -> Option<Self> {
        let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let named = |text: String| if text.is_empty() { None } else { Some(text) };
        Some(Self {
            filename: named(text("filename"))?,
            subfolder: text("subfolder"),
            folder_type: text("type"),
        })
    }

    /// The query parameters for ComfyUI's `/view`: names and values, not encoded.
    pub fn view_query(&self) -> [(&'static str, &str); 3] {
        [("filename", &self.filename), ("subfolder", &self.subfolder), ("type", self.folder())]
    }

    /// The file's folder; `output` if unknown, as in ComfyUI.
    pub fn folder(&self) -> &str {
        if self.folder_type.is_empty() { "output" } else { &self.folder_type }
    }

    /// Whether the file was saved, not only shown.
    pub fn is_saved(&self) -> bool {
        self.folder_type == "output"
    }
}
