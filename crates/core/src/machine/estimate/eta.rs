//! The remaining time, as a range.

use std::time::Duration;

use super::super::state::Machine;
use crate::Eta;

/// Time constant of the smoothing, in seconds; independent of how often the ETA is read.
const SMOOTHING: f64 = 3.0;
/// Standard deviations that make a range in which 80% of runs end.
const EIGHTY: f64 = 1.28;
/// In a first run, the errors of the parts are correlated, so the total spread is larger than the parts suggest.
const FIRST: f64 = 2.0;
/// Bounds for the relative spread of the total.
const SPREAD: (f64, f64) = (0.08, 1.5);
/// The largest useful ratio of a range's end to its start, before and after a pace is measured.
const WIDEST: (f64, f64) = (4.0, 16.0);

impl Machine {
    /// The remaining time as of the last refresh.
    pub(in super::super) fn eta(&mut self) -> Option<Eta> {
        let plan = self.plan.as_ref()?;
        let now = self.now.as_secs_f64();
        let left = self.estimate.left;
        if self.estimate.at.is_none() || left.seconds <= 0.0 {
            return None;
        }
        let spread = (left.variance.sqrt() / left.seconds).clamp(SPREAD.0, SPREAD.1);
        let width = EIGHTY * if plan.is_learned() { 1.0 } else { FIRST } * spread;
        let end = now + left.seconds;
        let shown = self
            .estimate
            .eta
            .map_or(end, |(shown, at)| shown + (end - shown) * (1.0 - (-(now - at) / SMOOTHING).exp()));
        self.estimate.eta = Some((shown, now));
        let widest = if self.estimate.measured { WIDEST.1 } else { WIDEST.0 };
        if !plan.is_learned() && (2.0 * width).exp() > widest {
            return None;
        }
        let left = (shown - now).max(0.0);
        Some(Eta {
            low: Duration::try_from_secs_f64(left * (-width).exp()).ok()?,
            high: Duration::try_from_secs_f64(left * width.exp()).ok()?,
        })
    }
}
