//! Holds the newest preview until it is drawn.

use std::{env, sync::Arc};

use super::{
    bitmap::Bitmap,
    blocks::blocks,
    decode::decode,
    kitty::{ERASE, iterm2, kitty},
    protocol::{PreviewMode, Protocol, choose},
    sixel::sixel,
};
use crate::{live::Image, platform};

/// Rows of the window reserved for everything but the image: the size of a whole block without one.
const OTHER_ROWS: usize = 10;
/// With fewer rows an image shows nothing; with more it leaves too little of the window.
const ROWS: std::ops::RangeInclusive<usize> = 3..=16;
/// Maximum pixels per side: a quarter of a megabyte, four times a second, over a slow connection.
const MAX_PIXELS: usize = 320;
/// A cell's size if the terminal doesn't report it. Rather too small, since an image must not need more rows than it
/// has.
const CELL: (usize, usize) = (6, 12);

/// The newest preview, and how this terminal displays it.
#[derive(Debug, Default)]
pub(crate) struct PreviewRenderer {
    protocol: Option<Protocol>,
    newest: Option<Arc<[u8]>>,
    is_new: bool,
}

impl PreviewRenderer {
    /// Uses the terminal of this process.
    pub(crate) fn new(mode: PreviewMode, has_color: bool) -> Self {
        let env = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        Self { protocol: choose(mode, has_color, env), ..Self::default() }
    }

    /// Whether previews can be shown.
    pub(crate) fn is_wanted(&self) -> bool {
        self.protocol.is_some()
    }

    /// Replaces the preview.
    pub(crate) fn offer(&mut self, data: &Arc<[u8]>) {
        self.newest = Some(Arc::clone(data));
        self.is_new = true;
    }

    /// Draws the preview again, after a resize.
    pub(crate) fn again(&mut self) {
        self.is_new = self.newest.is_some();
    }

    /// The next drawing, for a window of this size. `None` if the preview is invalid: the previous one stays.
    pub(crate) fn image(&mut self, (columns, rows): (usize, usize)) -> Option<Image> {
        if !std::mem::take(&mut self.is_new) {
            return None;
        }
        let room = rows.saturating_sub(OTHER_ROWS).min(*ROWS.end());
        if room < *ROWS.start() {
            return None;
        }
        let picture = decode(self.newest.as_ref()?)?;
        paint(&picture, self.protocol?, (columns.saturating_sub(1), room), platform::cell())
    }
}

fn paint(
    picture: &Bitmap,
    protocol: Protocol,
    room: (usize, usize),
    cell: Option<(usize, usize)>,
) -> Option<Image> {
    let (width, height) = cell.unwrap_or(CELL);
    let pixels = |cells: usize, side: usize| (cells * side).min(MAX_PIXELS);
    match protocol {
        Protocol::Blocks { is_true_color } => {
            let (columns, halves) = fit(picture, (room.0, room.1 * 2));
            // Round up to whole cells.
            let rows = halves.div_ceil(2);
            let text = blocks(&picture.scaled(columns, rows * 2), is_true_color);
            Some(Image { rows, text, erase: "" })
        }
        Protocol::Sixel => {
            // Keep a row free below: some terminals move the cursor to the next one.
            let room = (pixels(room.0, width), pixels(room.1 - 1, height));
            let (across, down) = fit(picture, room);
            Some(Image {
                rows: down.div_ceil(height) + 1,
                text: sixel(&picture.scaled(across, down)),
                erase: "",
            })
        }
        Protocol::Kitty | Protocol::Iterm2 => {
            let (across, down) = fit(picture, (room.0 * width, room.1 * height));
            let (columns, rows) = (across.div_ceil(width).min(room.0), down.div_ceil(height).min(room.1));
            let (across, down) = fit(picture, (across.min(MAX_PIXELS), down.min(MAX_PIXELS)));
            let picture = picture.scaled(across, down);
            if protocol == Protocol::Kitty {
                Some(Image { rows, text: kitty(&picture, columns, rows)?, erase: ERASE })
            } else {
                Some(Image { rows, text: iterm2(&picture, columns, rows)?, erase: "" })
            }
        }
    }
}

/// The largest size with the image's aspect ratio that fits; at least one pixel each way.
fn fit(picture: &Bitmap, (across, down): (usize, usize)) -> (usize, usize) {
    let (width, height) = (picture.width(), picture.height());
    if width * down <= across * height {
        ((width * down / height).max(1), down)
    } else {
        (across, (height * across / width).max(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROTOCOLS: [Protocol; 4] =
        [Protocol::Kitty, Protocol::Iterm2, Protocol::Sixel, Protocol::Blocks { is_true_color: true }];

    proptest! {
        #[test]
        fn images_never_exceed_the_available_space(
            size in (1_usize..90, 1_usize..90), room in (39_usize..200, 3_usize..=16),
            cell in prop::option::of((1_usize..20, 1_usize..40)),
        ) {
            let picture = Bitmap::new(size.0, size.1, vec![[1, 2, 3]; size.0 * size.1]).expect("whole");
            for protocol in PROTOCOLS {
                let image = paint(&picture, protocol, room, cell).expect("an image");
                prop_assert!((1..=room.1).contains(&image.rows), "{:?}: {} rows", protocol, image.rows);
                let cells = image.text.lines().map(|line| line.matches('▀').count()).max().unwrap_or(0);
                prop_assert!(cells <= room.0);
                if let Protocol::Blocks { .. } = protocol {
                    prop_assert_eq!(image.text.lines().count(), image.rows);
                }
            }
        }
    }

    #[test]
    fn a_preview_is_drawn_once_and_again_when_the_window_changes() {
        let mut renderer = PreviewRenderer {
            protocol: Some(Protocol::Blocks { is_true_color: true }),
            ..PreviewRenderer::default()
        };
        assert!(renderer.image((80, 24)).is_none());
        renderer.offer(&Arc::from(&b"no picture"[..]));
        assert!(renderer.image((80, 24)).is_none());
        let mut bytes = Vec::new();
        let encoder = png::Encoder::new(&mut bytes, 1, 1);
        encoder.write_header().expect("a header").write_image_data(&[9]).expect("a pixel");
        renderer.offer(&bytes.into());
        assert_eq!(renderer.image((80, 24)).expect("new").rows, 14);
        assert!(renderer.image((80, 24)).is_none());
        renderer.again();
        assert!(renderer.image((80, 12)).is_none(), "no room");
        renderer.again();
        assert_eq!(renderer.image((40, 50)).expect("new").rows, 16);
    }
}
