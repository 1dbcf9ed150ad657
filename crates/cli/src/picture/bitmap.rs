//! Pixels.

/// An image without alpha.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Bitmap {
    width: usize,
    height: usize,
    /// Row by row; never empty.
    pixels: Vec<[u8; 3]>,
}

impl Bitmap {
    /// `None` unless there are as many pixels as the sides say, and at least one.
    pub(super) fn new(width: usize, height: usize, pixels: Vec<[u8; 3]>) -> Option<Self> {
        let is_whole = width.checked_mul(height) == Some(pixels.len()) && !pixels.is_empty();
        is_whole.then_some(Self { width, height, pixels })
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[[u8; 3]]> {
        self.pixels.chunks_exact(self.width)
    }

    /// The image in another size: every pixel is the mean of the pixels it covers.
    pub(super) fn scaled(&self, width: usize, height: usize) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                pixels.push(self.mean(span(x, width, self.width), span(y, height, self.height)));
            }
        }
        Self { width, height, pixels }
    }

    fn mean(&self, (left, right): (usize, usize), (top, bottom): (usize, usize)) -> [u8; 3] {
        let (mut sums, mut count) = ([0_usize; 3], 0_usize);
        for row in self.rows().skip(top).take(bottom - top) {
            for pixel in row.iter().take(right).skip(left) {
                count += 1;
                for (sum, level) in sums.iter_mut().zip(pixel) {
                    *sum += usize::from(*level);
                }
            }
        }
        sums.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX))
    }
}

/// The range of `whole` that the `at`-th of `parts` covers; never empty.
fn span(at: usize, parts: usize, whole: usize) -> (usize, usize) {
    let from = (at * whole / parts).min(whole - 1);
    (from, ((at + 1) * whole / parts).max(from + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scaled_down_it_is_the_mean_and_up_the_nearest() {
        let checks = Bitmap::new(2, 2, vec![[0; 3], [200, 100, 0], [200, 100, 0], [0; 3]]).expect("whole");
        assert_eq!(checks.scaled(1, 1).pixels, [[100, 50, 0]]);
        assert_eq!(checks.scaled(4, 2).pixels[..4], [[0; 3], [0; 3], [200, 100, 0], [200, 100, 0]]);
        assert_eq!(checks.scaled(2, 2), checks);
        assert_eq!(Bitmap::new(2, 2, vec![[0; 3]; 3]), None);
        assert_eq!(Bitmap::new(0, 0, Vec::new()), None);
    }

    proptest! {
        #[test]
        fn one_color_stays_one_color(
            from in (1_usize..20, 1_usize..20), to in (1_usize..20, 1_usize..20), colour: [u8; 3],
        ) {
            let picture = Bitmap::new(from.0, from.1, vec![colour; from.0 * from.1]).expect("whole");
            let scaled = picture.scaled(to.0, to.1);
            prop_assert_eq!(scaled, Bitmap::new(to.0, to.1, vec![colour; to.0 * to.1]).expect("whole"));
        }
    }
}
