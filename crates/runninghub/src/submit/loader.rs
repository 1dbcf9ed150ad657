//! Fields that contain the name of an uploaded file, and checks of their values.

use std::path::Path;

use runninghub_api::FieldKind;
use runninghub_core::{Fact, Node, say};
use serde_json::Value;

use super::check;
use crate::{Error, Workflow, workflow::place_of};

/// Nodes that load an uploaded file, the field with its name, and the kind of file. Other nodes are not restricted.
/// Classes that begin with `VHS` are from `VideoHelperSuite`; its nodes whose names end in `Path` also accept URLs.
const LOADERS: [(&str, &str, FieldKind); 8] = [
    ("LoadImage", "image", FieldKind::Image),
    ("LoadImageMask", "image", FieldKind::Image),
    ("LoadImageOutput", "image", FieldKind::Image),
    ("LoadAudio", "audio", FieldKind::Audio),
    ("LoadVideo", "file", FieldKind::Video),
    ("VHS_LoadVideo", "video", FieldKind::Video),
    ("VHS_LoadVideoFFmpeg", "video", FieldKind::Video),
    ("VHS_LoadAudioUpload", "audio", FieldKind::Audio),
];

fn loader(node: &Node) -> Option<&'static (&'static str, &'static str, FieldKind)> {
    LOADERS.iter().find(|(class, ..)| *class == node.class_type.raw())
}

/// Checks a file to be uploaded for a field: loaders accept only their own kind.
pub(super) fn file(node: &Node, path: &Path) -> Result<(), Error> {
    check::upload(path)?;
    let Some((.., kind)) = loader(node) else { return Ok(()) };
    let allowed = kind.extensions();
    if check::has_extension(path, allowed) {
        return Ok(());
    }
    Err(Error::usage(say!(
        "node `{node}` ({class}) does not accept {path}",
        node = &node.id,
        class = &node.class_type,
        path = Fact::of(path.display())
    ))
    .with_hint(say!("it takes {what}", what = allowed.join(", "))))
}

/// Checks a value to be sent for a field.
pub(super) fn value(node: &Node, field: &str, value: &Value) -> Result<(), Error> {
    if loader(node).is_some() || holds_file(node, field) {
        upload_name(&place_of(&node.id, field), value)
    } else {
        Ok(())
    }
}

/// Checks the loaders of a graph that feed other nodes, as they are in the graph, which may come from another machine,
/// whose paths do not exist on the platform. Fields in `changed` get other values, so they are skipped.
pub(super) fn graph(workflow: &Workflow, changed: impl Fn(&Node, &str) -> bool) -> Result<(), Error> {
    let nodes = workflow.graph().nodes();
    for node in nodes {
        let Some((_, field, _)) = loader(node) else { continue };
        // Loaders that feed nothing are leftovers and don't run.
        let is_used = nodes.iter().any(|user| user.links().any(|source| source == node.id));
        if let Some(value) = node.inputs.get(*field)
            && is_used
            && !changed(node, field)
        {
            upload_name(&place_of(&node.id, field), value)?;
        }
    }
    Ok(())
}

/// Rejects values that can't be the name of an upload: a URL, or a path on this machine. The platform looks names up
/// in its own input folder, so the task would be charged and fail, or run with another file.
pub(crate) fn upload_name(place: &str, value: &Value) -> Result<(), Error> {
    let Some(text) = value.as_str() else { return Ok(()) };
    let value = short(text);
    Err(match Given::of(text) {
        Given::Name => return Ok(()),
        Given::Url => Error::usage(say!(
            "`{place}` takes the name of an uploaded file, not a URL: `{value}`",
            place,
            value
        ))
        .with_hint(say!("download the file, and upload it for `{place}`; only models take URLs", place)),
        Given::Data => Error::usage(say!(
            "`{place}` takes the name of an uploaded file, not data: `{value}`",
            place,
            value
        ))
        .with_hint(say!("save the data as a file, and upload it for `{place}`", place)),
        Given::Path => {
            let path = short(text.trim().trim_start_matches("file://"));
            Error::usage(say!(
                "`{place}` takes the name of an uploaded file, not a path on this machine: `{value}`",
                place,
                value
            ))
            // Shells expand `~` only at the start of a word, and nothing in single quotes.
            .with_hint(if path.starts_with(['~', '$', '%']) {
                say!("upload the file for `{place}`, named by its full path", place)
            } else {
                say!("upload the file `{path}` for `{place}`", path, place)
            })
        }
    })
}

/// Whether this is the name of a file in the current folder, which the user probably meant to upload.
pub(super) fn is_here(node: &Node, field: &str, value: &Value) -> bool {
    let takes_file = loader(node).is_some() || holds_file(node, field);
    takes_file && value.as_str().is_some_and(is_file)
}

/// Whether there is a file of this name in the current folder.
pub(super) fn is_file(name: &str) -> bool {
    Path::new(name.trim()).is_file()
}

/// Whether the field takes files: because of its node's class, or because it contains a file name now.
pub(crate) fn takes_file(node: &Node, field: &str) -> bool {
    loader(node).is_some_and(|(_, of_file, _)| *of_file == field) || holds_file(node, field)
}

/// Whether the field holds text now, and not the name of a file.
pub(super) fn takes_text(node: &Node, field: &str) -> bool {
    let is_text = node.inputs.get(field).is_some_and(Value::is_string);
    is_text && loader(node).is_none() && !holds_file(node, field)
}

/// The form of a text that should be the name of an upload.
#[derive(Debug, PartialEq)]
enum Given {
    Name,
    Url,
    Data,
    Path,
}

impl Given {
    fn of(text: &str) -> Self {
        let text = text.trim();
        let lower = text.to_lowercase();
        let starts = |all: &[&str]| all.iter().any(|start| lower.starts_with(start));
        let is_drive = matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        if starts(&["http://", "https://", "ftp://", "s3://"]) {
            Self::Url
        } else if starts(&["data:", "blob:"]) {
            Self::Data
        } else if starts(&["/", "~", "file:"])
            || is_drive
            || text.starts_with('$') && text.contains('/')
            || text.contains('\\')
            || text.split('/').any(|part| matches!(part, "." | ".."))
        {
            Self::Path
        } else {
            Self::Name
        }
    }
}

/// Whether the field now contains the name of a media file, whatever the class of its node.
fn holds_file(node: &Node, field: &str) -> bool {
    let Some(Value::String(name)) = node.inputs.get(field) else { return false };
    let kinds = [FieldKind::Image, FieldKind::Audio, FieldKind::Video, FieldKind::Zip];
    // A name has no whitespace; a prompt may well end in `.png`.
    let is_name = !name.contains(char::is_whitespace) && Given::of(name) == Given::Name;
    is_name && kinds.iter().any(|kind| check::has_extension(Path::new(name), kind.extensions()))
}

/// Shortens a value for messages: image data is long.
fn short(text: &str) -> String {
    const MOST: usize = 120;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_a_url_and_data_are_not_names_of_uploads() {
        for name in [
            "api/0a1b.png",
            "openapi/x.png",
            "a.png",
            "cat photo.png",
            "a.png [output]",
            "a..b.png",
            "",
            "$1.png",
            "猫.png",
        ] {
            assert_eq!(Given::of(name), Given::Name, "{name}");
            assert!(upload_name("1.image", &json!(name)).is_ok());
        }
        for path in [
            "/home/me/a.png",
            "~/a.png",
            "./a.png",
            "../a.png",
            "x/../a.png",
            r"C:\Users\me\a.png",
            "d:/a.png",
            r"sub\a.png",
            "file:///a.png",
            " /a.png",
            "$HOME/a.png",
            "${PICTURES}/a.png",
        ] {
            assert_eq!(Given::of(path), Given::Path, "{path}");
        }
        let error = upload_name("1.image", &json!("file:///a.png")).expect_err("a path");
        assert!(
            error.hint().is_some_and(|hint| hint.to_string() == "upload the file `/a.png` for `1.image`"),
            "{error:?}"
        );
        assert_eq!(Given::of("HTTPS://h/a.png"), Given::Url);
        assert_eq!(Given::of("data:image/png;base64,AAAA"), Given::Data);
        assert_eq!(Given::of("blob:https://h/0a1b"), Given::Data);
        let long = format!("data:image/png;base64,{}", "A".repeat(100_000));
        let error = upload_name("1.image", &json!(long)).expect_err("not a name");
        assert!(error.to_string().len() < 400, "the data isn't repeated");
        assert!(upload_name("1.image", &json!(7)).is_ok());
    }

    #[test]
    fn media_fields_reject_paths_and_text_fields_accept_anything() {
        let graph = json!({
            "1": {"class_type": "SomeLoader", "inputs": {"clip": "dance.mp4", "text": "a photo of a.png", "model": "x.safetensors"}},
        });
        let workflow = Workflow::parse(graph.to_string()).expect("a workflow");
        let node = workflow.find("1").expect("the node");
        assert!(value(node, "clip", &json!("/home/me/a.mp4")).is_err());
        assert!(value(node, "clip", &json!("api/a.mp4")).is_ok());
        assert!(value(node, "text", &json!("/home/me/a.mp4")).is_ok());
        assert!(value(node, "model", &json!("sub\\x.safetensors")).is_ok());
    }

    #[test]
    fn a_graph_is_checked_where_it_runs_and_is_not_changed() {
        let graph = json!({
            "1": {"class_type": "LoadImage", "inputs": {"image": r"C:\pics\a.png"}},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
            "3": {"class_type": "LoadImage", "inputs": {"image": "/left/over.png"}},
        });
        let workflow = Workflow::parse(graph.to_string()).expect("a workflow");
        let error = super::graph(&workflow, |_, _| false).expect_err("its path leads nowhere");
        assert!(error.to_string().starts_with("`1.image`"), "{error}");
        assert!(super::graph(&workflow, |node, field| node.id.as_str() == "1" && field == "image").is_ok());
    }
}
