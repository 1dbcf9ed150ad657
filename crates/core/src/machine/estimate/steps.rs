//! The pace of a counter.

/// A counter's steps over all its passes, with their times.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Steps {
    /// Steps counted in this pass, and in earlier passes.
    value: f64,
    before: f64,
    /// The number of reports that advanced the counter.
    reports: u32,
    /// Value and time of the first such report.
    first: (f64, f64),
    /// Time of the last such report.
    last: f64,
}

/// The highest accepted count; anything higher is bogus.
const MOST: f64 = 1e12;

impl Steps {
    /// Records a counter value, within its maximum.
    pub(in super::super) fn report(&mut self, value: f64, now: f64) {
        let value = value.min(MOST);
        if value <= self.value {
            return;
        }
        self.value = value;
        self.reports = self.reports.saturating_add(1);
        if self.reports == 1 {
            self.first = (self.counted(), now);
        }
        self.last = now;
    }

    /// Starts a new pass.
    pub(in super::super) fn start_over(&mut self) {
        self.before = self.counted();
        self.value = 0.0;
    }

    /// Reports were missed.
    pub(super) fn lose(&mut self) {
        self.reports = 0;
    }

    fn counted(&self) -> f64 {
        self.before + self.value
    }

    pub(super) fn reports(&self) -> u32 {
        self.reports
    }

    /// The value of the first report.
    pub(super) fn first(&self) -> f64 {
        if self.reports > 0 { self.first.0 } else { 0.0 }
    }

    /// Seconds since the first report.
    pub(super) fn watched(&self, now: f64) -> f64 {
        now - self.first.1
    }

    /// Seconds since the last report.
    pub(super) fn silent(&self, now: f64) -> f64 {
        now - self.last
    }

    /// Seconds per step, measured from the first report on, which excludes loading.
    pub(super) fn pace(&self) -> Option<f64> {
        (self.reports >= 2).then(|| (self.last - self.first.1) / (self.counted() - self.first.0))
    }

    /// Seconds per step from a single report; this includes loading.
    pub(super) fn rough_pace(&self, since: f64) -> f64 {
        (self.last - since) / self.value.max(1.0)
    }
}
