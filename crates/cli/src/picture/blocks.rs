//! Half blocks: text with one color for the upper half of a cell and one for the lower.

use std::fmt::Write as _;

use super::bitmap::Bitmap;

/// The levels of the palette's color cube.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The image, whose pixels are half cells; rows end without a line break.
pub(super) fn blocks(picture: &Bitmap, is_true_color: bool) -> String {
    let mut text = String::new();
    let rows = picture.rows().collect::<Vec<_>>();
    for (at, pair) in rows.chunks(2).enumerate() {
        if at > 0 {
            text.push_str("\r\n");
        }
        let [upper, rest @ ..] = pair else { continue };
        let lower = rest.first().unwrap_or(upper);
        let mut before = None;
        for colours in upper.iter().zip(*lower) {
            if before.replace(colours) != Some(colours) {
                let (fore, back) = (colour(*colours.0, is_true_color), colour(*colours.1, is_true_color));
                let _ = write!(text, "\x1b[38;{fore};48;{back}m");
            }
            text.push('▀');
        }
        text.push_str("\x1b[0m");
    }
    text
}

fn colour([red, green, blue]: [u8; 3], is_true_color: bool) -> String {
    if is_true_color {
        return format!("2;{red};{green};{blue}");
    }
    let [red, green, blue] = [red, green, blue].map(nearest);
    format!("5;{}", 16 + 36 * red + 6 * green + blue)
}

/// The index of the nearest level.
fn nearest(level: u8) -> usize {
    (0..LEVELS.len()).min_by_key(|at| LEVELS.get(*at).map(|known| known.abs_diff(level))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pixels_a_cell() {
        let picture = Bitmap::new(
            2,
            4,
            vec![[255, 0, 0], [255, 0, 0], [0, 0, 255], [0, 0, 255], [0; 3], [9, 100, 255], [0; 3], [0; 3]],
        )
        .expect("whole");
        insta::assert_snapshot!(blocks(&picture, true).escape_debug(), @r"\u{1b}[38;2;255;0;0;48;2;0;0;255m▀▀\u{1b}[0m\r\n\u{1b}[38;2;0;0;0;48;2;0;0;0m▀\u{1b}[38;2;9;100;255;48;2;0;0;0m▀\u{1b}[0m");
        insta::assert_snapshot!(blocks(&picture, false).escape_debug(), @r"\u{1b}[38;5;196;48;5;21m▀▀\u{1b}[0m\r\n\u{1b}[38;5;16;48;5;16m▀\u{1b}[38;5;27;48;5;16m▀\u{1b}[0m");
    }
}
