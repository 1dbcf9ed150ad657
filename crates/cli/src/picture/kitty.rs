//! Images as files within escapes: Kitty's graphics and iTerm2's inline images. Both take a PNG and the number of
//! cells to fill.

use std::fmt::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use png::{ColorType, Compression, Encoder};

use super::bitmap::Bitmap;

/// This program's image id within the window; a new image with the id replaces the previous one.
const ID: u32 = 0x7268_7562;
/// Removes the image from the screen and from the terminal's memory.
pub(super) const ERASE: &str = "\x1b_Ga=d,d=I,i=1919448418,q=2\x1b\\";
/// The longest chunk that Kitty accepts.
const PIECE: usize = 4096;

/// For Kitty. The terminal sends no response (`q=2`) and leaves the cursor in place (`C=1`).
pub(super) fn kitty(picture: &Bitmap, columns: usize, rows: usize) -> Option<String> {
    let data = png(picture)?;
    let pieces = data.as_bytes().chunks(PIECE).collect::<Vec<_>>();
    let mut text = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        let more = u8::from(at + 1 < pieces.len());
        text.push_str("\x1b_G");
        if at == 0 {
            let _ = write!(text, "a=T,f=100,i={ID},p=1,c={columns},r={rows},C=1,");
        }
        let _ = write!(text, "q=2,m={more};{}\x1b\\", std::str::from_utf8(piece).ok()?);
    }
    Some(text)
}

/// For iTerm2 and compatible terminals.
pub(super) fn iterm2(picture: &Bitmap, columns: usize, rows: usize) -> Option<String> {
    let data = png(picture)?;
    Some(format!(
        "\x1b]1337;File=inline=1;width={columns};height={rows};preserveAspectRatio=0;doNotMoveCursor=1:{data}\x07"
    ))
}

/// Re-encoded, so that the terminal decodes no data from a server.
fn png(picture: &Bitmap) -> Option<String> {
    let (width, height) = (u32::try_from(picture.width()).ok()?, u32::try_from(picture.height()).ok()?);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_compression(Compression::Fast);
    let pixels = picture.rows().flatten().flatten().copied().collect::<Vec<_>>();
    encoder.write_header().ok()?.write_image_data(&pixels).ok()?;
    Some(BASE64_STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::{super::decode::decode, *};

    fn picture(side: usize) -> Bitmap {
        let pixels = (0..side * side).map(|at| u8::try_from(at * at % 251).expect("a byte"));
        Bitmap::new(side, side, pixels.map(|level| [level, level / 2, 255 - level]).collect()).expect("whole")
    }

    #[test]
    fn kitty_gets_it_in_pieces() {
        assert!(ERASE.contains(&format!("i={ID},")));
        let text = kitty(&picture(64), 20, 10).expect("an image");
        let pieces = text
            .split_terminator("\x1b\\")
            .map(|piece| {
                piece.strip_prefix("\x1b_G").and_then(|piece| piece.split_once(';')).expect("a piece")
            })
            .collect::<Vec<_>>();
        assert!(pieces.len() > 1, "{} pieces", pieces.len());
        let heads = pieces.iter().map(|(head, _)| *head).collect::<Vec<_>>();
        assert_eq!(heads[0], "a=T,f=100,i=1919448418,p=1,c=20,r=10,C=1,q=2,m=1");
        assert!(heads[1..heads.len() - 1].iter().all(|head| *head == "q=2,m=1"));
        assert_eq!(heads[heads.len() - 1], "q=2,m=0");
        assert!(pieces.iter().all(|(_, data)| data.len() <= PIECE));
        let data = pieces.iter().map(|(_, data)| *data).collect::<String>();
        assert_eq!(decode(&BASE64_STANDARD.decode(data).expect("base64")), Some(picture(64)));
    }

    #[test]
    fn iterm2_gets_a_file() {
        let text = iterm2(&picture(3), 4, 2).expect("an image");
        let (head, data) = text.split_once(':').expect("a head");
        assert_eq!(head, "\x1b]1337;File=inline=1;width=4;height=2;preserveAspectRatio=0;doNotMoveCursor=1");
        let data = data.strip_suffix('\x07').expect("an end");
        assert_eq!(decode(&BASE64_STANDARD.decode(data).expect("base64")), Some(picture(3)));
    }
}
