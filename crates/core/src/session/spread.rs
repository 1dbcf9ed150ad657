//! Chance from a seed: many clients must not do the same thing in the same moment.

/// `SplitMix64`: good enough to spread clients, also those with neighbouring seeds, and the same for the same seed.
#[derive(Debug)]
pub(super) struct Spread(u64);

impl Spread {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Anywhere from 0 up to 1.
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let random = mixed ^ (mixed >> 31);
        (random >> 11) as f64 / (1u64 << 53) as f64
    }
}
