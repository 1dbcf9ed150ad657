//! Reads the workflow that ComfyUI writes into the images it saves.

use std::{collections::BTreeMap, io::Cursor};

use exif::{In, Tag, Value};
use runninghub_core::say;
use serde_json::json;

use crate::Error;

/// Maximum size of a text in an image: compressed ones can be bombs.
const MAX_TEXT: usize = 64 * 1024 * 1024;
/// Names of the text chunks with a workflow: in API format, and in the editor's.
const KEYS: [&str; 2] = ["prompt", "workflow"];

/// The workflow in an image, as JSON for [`Workflow::parse`](super::Workflow::parse). `None` if the file isn't an image.
///
/// ComfyUI writes `prompt` (API format) and `workflow` (the editor's format) into the text chunks of a PNG, and as
/// `prompt:…` and `workflow:…` into the EXIF fields of a WebP or JPEG.
///
/// # Errors
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for an image without a workflow.
pub fn embedded_workflow(file: &[u8]) -> Result<Option<String>, Error> {
    let texts = if file.starts_with(b"\x89PNG\r\n\x1a\n") {
        of_png(file)
    } else if file.starts_with(b"\xff\xd8\xff")
        || (file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WEBP"))
    {
        of_exif(file)
    } else {
        return Ok(None);
    };
    if texts.is_empty() {
        return Err(Error::usage(say!("the image contains no workflow")).with_hint(say!(
            "only the original file from ComfyUI has it: editors and chat programs remove it"
        )));
    }
    Ok(Some(json!(texts).to_string()))
}

fn of_png(file: &[u8]) -> BTreeMap<&'static str, String> {
    let mut texts = BTreeMap::new();
    let mut decoder = png::Decoder::new(Cursor::new(file));
    decoder.set_ignore_text_chunk(false);
    let Ok(reader) = decoder.read_info() else { return texts };
    let info = reader.info();
    let mut add = |keyword: &str, text: Option<String>| {
        if let (Some(key), Some(text)) = (KEYS.into_iter().find(|key| *key == keyword), text) {
            texts.entry(key).or_insert(text);
        }
    };
    for chunk in &info.uncompressed_latin1_text {
        add(&chunk.keyword, Some(chunk.text.clone()));
    }
    for chunk in &info.compressed_latin1_text {
        let mut chunk = chunk.clone();
        let text = chunk.decompress_text_with_limit(MAX_TEXT).ok().and_then(|()| chunk.get_text().ok());
        add(&chunk.keyword, text);
    }
    for chunk in &info.utf8_text {
        let mut chunk = chunk.clone();
        let text = chunk.decompress_text_with_limit(MAX_TEXT).ok().and_then(|()| chunk.get_text().ok());
        add(&chunk.keyword, text);
    }
    texts
}

fn of_exif(file: &[u8]) -> BTreeMap<&'static str, String> {
    let Ok(exif) = exif::Reader::new().read_from_container(&mut Cursor::new(file)) else {
        return BTreeMap::new();
    };
    let fields = [Tag::Make, Tag::Model, Tag::ImageDescription, Tag::UserComment];
    let texts = fields.into_iter().filter_map(|tag| match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(parts) => Some(String::from_utf8_lossy(parts.first()?).into_owned()),
        _ => None,
    });
    texts
        .filter_map(|text| {
            let (name, json) = text.split_once(':')?;
            let key = KEYS.into_iter().find(|key| key.eq_ignore_ascii_case(name.trim()))?;
            Some((key, json.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Workflow;

    const GRAPH: &str = r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 7, "text": "猫"}}}"#;

    fn png(write: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
        write(&mut encoder);
        encoder.write_header().expect("a header").write_image_data(&[0]).expect("a pixel");
        bytes
    }

    fn seed(file: &[u8]) -> u64 {
        let text = embedded_workflow(file).expect("a workflow").expect("an image");
        let workflow = Workflow::parse(text).expect("API format");
        workflow.graph().nodes()[0].inputs["seed"].as_u64().expect("a seed")
    }

    #[test]
    fn every_kind_of_text_chunk_is_read() {
        let latin = GRAPH.replace('猫', "\\u732b");
        let plain = png(|png| png.add_text_chunk("prompt".into(), latin.clone()).expect("text"));
        let packed = png(|png| png.add_ztxt_chunk("prompt".into(), latin.clone()).expect("text"));
        let utf8 = png(|png| png.add_itxt_chunk("prompt".into(), GRAPH.to_owned()).expect("text"));
        for file in [plain, packed, utf8] {
            assert_eq!(seed(&file), 7);
        }
    }

    #[test]
    fn the_api_format_is_preferred() {
        let ui = r#"{"nodes": [{"id": 3}], "links": []}"#;
        let both = png(|png| {
            png.add_text_chunk("workflow".into(), ui.into()).expect("text");
            png.add_itxt_chunk("prompt".into(), GRAPH.into()).expect("text");
        });
        assert_eq!(seed(&both), 7);
        let only_ui = png(|png| png.add_text_chunk("workflow".into(), ui.into()).expect("text"));
        let text = embedded_workflow(&only_ui).expect("a workflow").expect("an image");
        let error = Workflow::parse(text).expect_err("the editor's format");
        let words = crate::sentence_of(&error).to_string();
        assert!(words.ends_with("the workflow is in the editor's format, not in API format"), "{words}");
    }

    #[test]
    fn exif_fields_are_read() {
        use exif::{Field, experimental::Writer};
        let model = Field {
            tag: Tag::Model,
            ifd_num: In::PRIMARY,
            value: Value::Ascii(vec![format!("prompt:{GRAPH}").into_bytes()]),
        };
        let mut writer = Writer::new();
        writer.push_field(&model);
        let mut tiff = Cursor::new(Vec::new());
        writer.write(&mut tiff, false).expect("written");
        let tiff = tiff.into_inner();
        let size = |length: usize| u32::try_from(length).expect("small").to_le_bytes();
        let padding = &[0][..tiff.len() % 2];
        let chunk = [b"EXIF", &size(tiff.len())[..], &tiff, padding].concat();
        let webp = [b"RIFF", &size(4 + chunk.len())[..], b"WEBP", &chunk].concat();
        assert_eq!(seed(&webp), 7);
        let segment = [b"Exif\0\0", &tiff[..]].concat();
        let length = u16::try_from(segment.len() + 2).expect("small").to_be_bytes();
        let jpeg = [b"\xff\xd8\xff\xe1", &length[..], &segment, b"\xff\xd9"].concat();
        assert_eq!(seed(&jpeg), 7);
    }

    #[test]
    fn other_files_are_not_images_and_stripped_images_have_a_hint() {
        assert_eq!(embedded_workflow(GRAPH.as_bytes()).expect("no image"), None);
        assert_eq!(embedded_workflow(b"").expect("no image"), None);
        for file in [png(|_| {}), b"\x89PNG\r\n\x1a\ntorn".to_vec(), b"\xff\xd8\xff\xd9".to_vec()] {
            let error = embedded_workflow(&file).expect_err("no workflow");
            assert_eq!(error.to_string(), "the image contains no workflow");
        }
    }
}
