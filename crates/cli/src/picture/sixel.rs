//! Sixels: bands of six rows, with one pass for each color of a band.

use std::{collections::BTreeSet, fmt::Write as _};

use super::bitmap::Bitmap;

/// Levels of each channel: 216 colors, which every sixel terminal supports.
const LEVELS: usize = 6;
/// Dithering thresholds that hide the steps between levels (Bayer's 4 × 4 matrix).
const DITHER: [[usize; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

/// The image, with one terminal pixel for each of its pixels.
pub(super) fn sixel(picture: &Bitmap) -> String {
    let colours = picture
        .rows()
        .zip(DITHER.iter().cycle())
        .map(|(row, dither)| {
            row.iter().zip(dither.iter().cycle()).map(|(pixel, by)| colour(*pixel, *by)).collect()
        })
        .collect::<Vec<Vec<usize>>>();
    // Square pixels; pixels without a color keep the background.
    let mut text = format!("\x1bP0;1q\"1;1;{};{}", picture.width(), picture.height());
    for colour in colours.iter().flatten().collect::<BTreeSet<_>>() {
        let percent = |level: usize| level % LEVELS * 100 / (LEVELS - 1);
        let (red, green, blue) = (percent(colour / 36), percent(colour / 6), percent(*colour));
        let _ = write!(text, "#{colour};2;{red};{green};{blue}");
    }
    for (at, band) in colours.chunks(6).enumerate() {
        if at > 0 {
            text.push('-');
        }
        self::band(&mut text, band, picture.width());
    }
    text.push_str("\x1b\\");
    text
}

/// Up to six rows, each color over the whole width.
fn band(text: &mut String, rows: &[Vec<usize>], width: usize) {
    for (at, colour) in rows.iter().flatten().collect::<BTreeSet<_>>().into_iter().enumerate() {
        if at > 0 {
            text.push('$');
        }
        let _ = write!(text, "#{colour}");
        let mut run = ('?', 0);
        for x in 0..width {
            let bits = rows.iter().enumerate().filter(|(_, row)| row.get(x) == Some(colour));
            let bits = bits.map(|(y, _)| 1_u8 << y).sum::<u8>();
            let six = char::from(b'?' + bits);
            if six == run.0 {
                run.1 += 1;
            } else {
                repeat(text, run);
                run = (six, 1);
            }
        }
        // Trailing empty pixels of a color can be left out.
        if run.0 != '?' {
            repeat(text, run);
        }
    }
}

fn repeat(text: &mut String, (six, count): (char, usize)) {
    if count > 3 {
        let _ = write!(text, "!{count}{six}");
    } else {
        text.extend(std::iter::repeat_n(six, count));
    }
}

/// The index of one of the 216 colors.
fn colour(pixel: [u8; 3], dither: usize) -> usize {
    let steps = LEVELS - 1;
    pixel.into_iter().fold(0, |sum, level| {
        let scaled = usize::from(level) * steps * 16 / 255;
        sum * LEVELS + ((scaled + dither) / 16).min(steps)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_of_six_rows() {
        let mut pixels = vec![[255, 0, 0]; 5 * 7];
        pixels[6] = [0, 0, 255];
        let picture = Bitmap::new(5, 7, pixels).expect("whole");
        insta::assert_snapshot!(sixel(&picture).escape_debug(), @r#"\u{1b}P0;1q\"1;1;5;7#5;2;0;0;100#180;2;100;0;0#5?A$#180~|~~~-#180!5@\u{1b}\\"#);
    }

    #[test]
    fn grey_is_a_mixture() {
        let grey = Bitmap::new(4, 4, vec![[128; 3]; 16]).expect("whole");
        let text = sixel(&grey);
        assert!(text.contains("#86;2;40;40;40#129;2;60;60;60"), "{text:?}");
    }
}
