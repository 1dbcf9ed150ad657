//! The time that is left, as a range.

use std::time::Duration;

use super::super::state::Machine;
use crate::Eta;

/// The shown time follows the computed one with this time constant, however often it is looked at.
const SMOOTHING: f64 = 3.0;
/// Four out of five runs end within the range: so many standard deviations.
const EIGHTY: f64 = 1.28;
/// In a first run the parts are further off together than each says alone.
const FIRST: f64 = 2.0;
/// The spread of the whole stays within this.
const SPREAD: (f64, f64) = (0.08, 1.5);
/// A range whose end is further away than so many times its beginning says nothing: before a pace is measured, and after.
const WIDEST: (f64, f64) = (4.0, 16.0);

impl Machine {
    /// What is left as of the last look.
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
