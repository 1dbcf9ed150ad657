//! Binary messages: an event number, then its payload. All integers are u32, big-endian.

use std::borrow::Cow;

use serde::Deserialize;

use super::lenient::lenient_text;

/// A binary message.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub enum Binary<'a> {
    /// A preview image (events 1 and 4). Event 1 names no node: the image belongs to the node of the `progress` right
    /// before it.
    Preview {
        /// The node, if named.
        node_id: Option<Cow<'a, str>>,
        /// The run, if named.
        prompt_id: Option<Cow<'a, str>>,
        /// `image/jpeg` or `image/png`, from the magic number.
        mime: &'static str,
        /// The image.
        image: &'a [u8],
    },
    /// Text that a node shows while it runs (event 3).
    Text {
        /// The node.
        node_id: Cow<'a, str>,
        /// The text.
        text: Cow<'a, str>,
    },
    /// An event that this version does not know.
    Unknown {
        /// The event number.
        event: u32,
    },
    /// Too short, or a length that points past the end, or a preview without an image.
    Malformed,
}

/// How far into an event-1 message an image may begin. Animated-preview packs prepend 24 bytes of their own.
const IMAGE_SEARCH: usize = 64;

/// Decodes a binary message. Total: any bytes decode to a value.
pub fn decode_binary(bytes: &[u8]) -> Binary<'_> {
    decode(bytes).unwrap_or(Binary::Malformed)
}

fn decode(bytes: &[u8]) -> Option<Binary<'_>> {
    let (event, rest) = split_u32(bytes)?;
    match event {
        1 => {
            let (mime, image) = find_image(rest)?;
            Some(Binary::Preview { node_id: None, prompt_id: None, mime, image })
        }
        3 => {
            let (node_id, text) = split_block(rest)?;
            Some(Binary::Text {
                node_id: String::from_utf8_lossy(node_id),
                text: String::from_utf8_lossy(text),
            })
        }
        4 => {
            let (metadata, rest) = split_block(rest)?;
            // Unreadable metadata loses only the names, not the image.
            let metadata: Metadata<'_> = serde_json::from_slice(metadata).unwrap_or_default();
            let (mime, image) = find_image(rest)?;
            Some(Binary::Preview { node_id: metadata.node_id, prompt_id: metadata.prompt_id, mime, image })
        }
        event => Some(Binary::Unknown { event }),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow, deserialize_with = "lenient_text")]
    node_id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "lenient_text")]
    prompt_id: Option<Cow<'a, str>>,
}

fn split_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*head), rest))
}

/// Splits off a length-prefixed block.
fn split_block(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = split_u32(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

/// Finds the image by its magic number: offsets differ between servers and packs.
fn find_image(bytes: &[u8]) -> Option<(&'static str, &[u8])> {
    (0..bytes.len().min(IMAGE_SEARCH)).find_map(|at| {
        let image = bytes.get(at..)?;
        if image.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(("image/jpeg", image))
        } else if image.starts_with(&[0x89, 0x50, 0x4e, 0x47]) {
            Some(("image/png", image))
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JPEG: &[u8] = &[0xff, 0xd8, 0xff, 0xe0, 1, 2];

    fn message(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn every_layout_is_read() {
        let plain = message(&[&[0, 0, 0, 1, 0, 0, 0, 1], JPEG]);
        assert_eq!(
            decode_binary(&plain),
            Binary::Preview { node_id: None, prompt_id: None, mime: "image/jpeg", image: JPEG }
        );

        let animated =
            message(&[&[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7], b"\x0212", &[0; 13], JPEG]);
        assert!(matches!(decode_binary(&animated), Binary::Preview { image, .. } if image == JPEG));

        let text = message(&[&[0, 0, 0, 3, 0, 0, 0, 2], b"17", "你好".as_bytes()]);
        assert_eq!(decode_binary(&text), Binary::Text { node_id: "17".into(), text: "你好".into() });

        let json = br#"{"node_id":"3.0.0.1","prompt_id":"p","image_type":"image/jpeg"}"#;
        let length = u32::try_from(json.len()).expect("short").to_be_bytes();
        let with_metadata = message(&[&[0, 0, 0, 4], &length, json, JPEG]);
        assert_eq!(
            decode_binary(&with_metadata),
            Binary::Preview {
                node_id: Some("3.0.0.1".into()),
                prompt_id: Some("p".into()),
                mime: "image/jpeg",
                image: JPEG
            }
        );

        assert_eq!(decode_binary(&[0, 0, 0, 99, 1]), Binary::Unknown { event: 99 });
        for bad in
            [&[][..], &[0, 0, 0], &[0, 0, 0, 1], &[0, 0, 0, 3, 255, 255, 255, 255, 1], &[0, 0, 0, 4, 0, 0]]
        {
            assert_eq!(decode_binary(bad), Binary::Malformed, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn it_is_total(event in 0u32..6, tail in proptest::collection::vec(any::<u8>(), 0..80)) {
            drop(decode_binary(&message(&[&event.to_be_bytes(), &tail])));
            drop(decode_binary(&tail));
        }
    }
}
