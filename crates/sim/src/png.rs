//! Generated images: small, valid, and deterministic for a seed.

/// A PNG (RGB, uncompressed) of rings whose colors depend on `seed`, blended with `noise` (0 for none, 1 for nothing
/// else).
pub(crate) fn picture(width: u16, height: u16, seed: u64, noise: f64) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let (hue, centre) = (rng.f64(), (0.3 + 0.4 * rng.f64(), 0.3 + 0.4 * rng.f64()));
    let mut rows = Vec::with_capacity(usize::from(height) * (usize::from(width) * 3 + 1));
    for y in 0..height {
        rows.push(0);
        for x in 0..width {
            let (u, v) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
            let ring = ((u - centre.0).hypot(v - centre.1) * 18.0).sin() * 0.5 + 0.5;
            for channel in 0..3 {
                let clean =
                    ring * (0.5 + 0.5 * (6.3 * (hue + v * 0.4 + f64::from(channel) / 3.0)).cos()) + 0.15 * u;
                rows.push(byte(clean * (1.0 - noise) + rng.f64() * noise));
            }
        }
    }

    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::from(u32::from(width).to_be_bytes());
    header.extend(u32::from(height).to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"IDAT", &zlib(&rows));
    chunk(&mut png, *b"IEND", &[]);
    png
}

/// The image with a text chunk; `None` if it isn't a PNG. The text must be ASCII.
pub(crate) fn with_text(image: &[u8], keyword: &str, text: &str) -> Option<Vec<u8>> {
    // The signature, and the header with its length, type and checksum.
    let (head, rest) = image.split_at_checked(8 + 25).filter(|(head, _)| head.starts_with(b"\x89PNG"))?;
    let mut png = head.to_vec();
    chunk(&mut png, *b"tEXt", &[keyword.as_bytes(), text.as_bytes()].join(&0));
    png.extend(rest);
    Some(png)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to 0..=255"
)]
fn byte(level: f64) -> u8 {
    (level.clamp(0.0, 1.0) * 255.0) as u8
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let start = png.len();
    png.extend(kind);
    png.extend(data);
    let crc = crc32(&png[start..]);
    png.extend(crc.to_be_bytes());
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    store(&mut stream, data);
    stream.extend(adler32(data).to_be_bytes());
    stream
}

/// The data as a gzip file.
pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    store(&mut stream, data);
    stream.extend(crc32(data).to_le_bytes());
    stream.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes());
    stream
}

/// Stored blocks: compression isn't worth a dependency here.
fn store(stream: &mut Vec<u8>, data: &[u8]) {
    let mut blocks = data.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
}

fn adler32(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_the_standard_ones() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

    #[test]
    fn an_image_is_determined_by_its_seed() {
        let png = picture(40, 30, 7, 0.2);
        assert!(png.starts_with(b"\x89PNG") && png.ends_with(b"IEND\xae\x42\x60\x82"));
        assert_eq!(png, picture(40, 30, 7, 0.2));
        assert_ne!(png, picture(40, 30, 8, 0.2));
    }
}
