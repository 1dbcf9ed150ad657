//! Decodes the bytes of a preview to pixels. The bytes are untrusted: any node can send them.

use std::io::Cursor;

use png::{Limits, Transformations};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::bitmap::Bitmap;

/// Servers send 512 pixels by default. At this size even the worst image decodes quickly.
const MAX_SIDE: usize = 1024;
/// Far more than an image of that size needs.
const MAX_BYTES: usize = 4 << 20;
/// Memory limit for a PNG: its pixels in the deepest format, twice.
const MAX_MEMORY: usize = 16 << 20;
/// A progressive JPEG has about ten; each costs a pass over the whole image.
const MAX_SCANS: usize = 20;

/// The image, or `None` if it is too large or invalid.
pub(super) fn decode(data: &[u8]) -> Option<Bitmap> {
    if data.len() > MAX_BYTES {
        return None;
    }
    if data.starts_with(&[0xff, 0xd8]) { jpeg(data) } else { png(data) }
}

fn jpeg(data: &[u8]) -> Option<Bitmap> {
    let options = DecoderOptions::new_safe()
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE)
        .jpeg_set_max_scans(MAX_SCANS)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
    let bytes = decoder.decode().ok()?;
    let info = decoder.info()?;
    Bitmap::new(info.width.into(), info.height.into(), bytes.as_chunks::<3>().0.to_vec())
}

fn png(data: &[u8]) -> Option<Bitmap> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(data), Limits { bytes: MAX_MEMORY });
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let (width, height) = reader.info().size();
    let (width, height) = (usize::try_from(width).ok()?, usize::try_from(height).ok()?);
    if width > MAX_SIDE || height > MAX_SIDE {
        return None;
    }
    let mut bytes = vec![0; reader.output_buffer_size()?];
    reader.next_frame(&mut bytes).ok()?;
    let pixels = match reader.output_color_type().0.samples() {
        1 => bytes.iter().map(|grey| [*grey; 3]).collect(),
        2 => bytes.as_chunks::<2>().0.iter().map(|[grey, alpha]| [over(*grey, *alpha); 3]).collect(),
        3 => bytes.as_chunks::<3>().0.to_vec(),
        _ => bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|[red, green, blue, alpha]| [red, green, blue].map(|level| over(*level, *alpha)))
            .collect(),
    };
    Bitmap::new(width, height, pixels)
}

/// Blends over black, the background of most terminals.
fn over(level: u8, alpha: u8) -> u8 {
    u8::try_from(u16::from(level) * u16::from(alpha) / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use proptest::prelude::*;

    use super::*;

    /// 8 × 8 pixels, all of them (200, 40, 40).
    const JPEG: &str = "/9j/2wBDAAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAj/wAARCAAIAAgDAREAAhEAAxEA/8QAFgAAAwAAAAAAAAAAAAAAAAAABQYH/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAwDAQACAAMAAD8AVwRUH//Z";

    fn jpeg() -> Vec<u8> {
        BASE64_STANDARD.decode(JPEG).expect("base64")
    }

    fn png(width: u32, height: u32, color: png::ColorType, pixels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(color);
        encoder.write_header().expect("a header").write_image_data(pixels).expect("pixels");
        bytes
    }

    #[test]
    fn every_kind_of_pixel_is_read() {
        let one = |pixel| Bitmap::new(1, 1, vec![pixel]);
        assert_eq!(decode(&png(1, 1, png::ColorType::Rgb, &[1, 2, 3])), one([1, 2, 3]));
        assert_eq!(decode(&png(1, 1, png::ColorType::Rgba, &[255, 0, 100, 128])), one([128, 0, 50]));
        assert_eq!(decode(&png(1, 1, png::ColorType::Grayscale, &[7])), one([7; 3]));
        assert_eq!(decode(&png(1, 1, png::ColorType::GrayscaleAlpha, &[255, 128])), one([128; 3]));
        let red = decode(&jpeg()).expect("an image");
        assert_eq!((red.width(), red.height()), (8, 8));
        let [r, g, b] = red.rows().next().expect("a row")[0];
        assert!(r.abs_diff(200) < 6 && g.abs_diff(40) < 6 && b.abs_diff(40) < 6, "{r} {g} {b}");
    }

    #[test]
    fn oversized_images_are_rejected() {
        let wide = 1025;
        assert_eq!(decode(&png(wide, 1, png::ColorType::Grayscale, &vec![0; 1025])), None);
        let mut huge = png(1, 1, png::ColorType::Rgb, &[1, 2, 3]);
        huge.resize(MAX_BYTES + 1, 0);
        assert_eq!(decode(&huge), None);
        // The height in its frame header, after `ff c0`, a length and a depth.
        let mut tall = jpeg();
        let at = tall.windows(2).position(|two| two == [0xff, 0xc0]).expect("a frame header") + 5;
        tall[at..at + 2].copy_from_slice(&u16::MAX.to_be_bytes());
        assert_eq!(decode(&tall), None);
    }

    proptest! {
        #[test]
        fn damaged_images_are_harmless(at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>()) {
            for mut bytes in [jpeg(), png(4, 4, png::ColorType::Rgb, &[9; 48])] {
                let (at, cut) = (at.index(bytes.len()), cut.index(bytes.len()));
                bytes[at] = byte;
                let _ = decode(&bytes);
                bytes.truncate(cut);
                let _ = decode(&bytes);
            }
        }
    }
}
