//! Files as ComfyUI names them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Extensions of 3D models. Nodes that show them (`Preview3D`) name the file by its path instead of an object.
const MODELS: [&str; 8] = ["glb", "gltf", "obj", "fbx", "usdz", "stl", "splat", "ply"];

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

    /// Reads one entry of such a list, if it is a file: an object with a `filename`, or the path of a 3D model as text
    /// (`3d/mesh.glb`), which is in the `output` folder. A folder in the file's name counts as its subfolder.
    pub fn read(entry: &Value) -> Option<Self> {
        let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
        let (path, subfolder, folder_type) = match entry.as_str() {
            Some(path) if is_model(path) => (path, "", "output"),
            Some(_) => return None,
            None => (text("filename"), text("subfolder"), text("type")),
        };
        // A path that leads out of its folder is left unchanged: servers refuse such names.
        let is_inside =
            |(folder, _): &(&str, &str)| folder.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let (folder, filename) = path.rsplit_once('/').filter(is_inside).unwrap_or(("", path));
        if filename.is_empty() {
            return None;
        }
        let joint = if subfolder.is_empty() || folder.is_empty() { "" } else { "/" };
        Some(Self {
            filename: filename.to_owned(),
            subfolder: format!("{}{joint}{folder}", subfolder.trim_end_matches('/')),
            folder_type: folder_type.to_owned(),
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

/// Whether a text is the path of a 3D model.
fn is_model(text: &str) -> bool {
    let extension = text.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    !text.contains(['\n', '\r']) && extension.is_some_and(|extension| MODELS.contains(&&*extension))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_read_in_every_form() {
        let read = |entry: Value| {
            NodeFile::read(&entry).map(|file| [file.subfolder, file.filename, file.folder_type])
        };
        let file = |parts: [&str; 3]| Some(parts.map(str::to_owned));
        assert_eq!(
            read(json!({"filename": "a.png", "subfolder": "x", "type": "temp"})),
            file(["x", "a.png", "temp"])
        );
        assert_eq!(read(json!({"filename": "y/z/a.png", "subfolder": "x/"})), file(["x/y/z", "a.png", ""]));
        assert_eq!(read(json!({"filename": "y/a.png", "type": "output"})), file(["y", "a.png", "output"]));
        for odd in ["../a.png", "/etc/a.png", "x/../a.png", "x//a.png"] {
            assert_eq!(read(json!({"filename": odd})), file(["", odd, ""]));
        }
        assert_eq!(read(json!("3d/mesh.GLB")), file(["3d", "mesh.GLB", "output"]));
        assert_eq!(read(json!("mesh.splat")), file(["", "mesh.splat", "output"]));
        for other in
            [json!("a cat"), json!("see mesh.glb\nnow.obj"), json!({"filename": "a/"}), json!(7), json!({})]
        {
            assert_eq!(read(other.clone()), None, "{other}");
        }
    }
}
