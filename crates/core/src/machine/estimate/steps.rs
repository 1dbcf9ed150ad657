//! The pace of a counter.

/// A counter's steps over all its passes, and when they came.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Steps {
    /// Counted in this pass, and in those before it.
    value: f64,
    before: f64,
    /// How many reports have brought it forward.
    reports: u32,
    /// What the first of them said, and when.
    first: (f64, f64),
    /// When the last of them came.
    last: f64,
}

/// No node counts further; what is beyond says nothing.
const MOST: f64 = 1e12;

impl Steps {
    /// The counter stands at a value, within its maximum.
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

    /// A new pass begins.
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

    /// What the first report said.
    pub(super) fn first(&self) -> f64 {
        if self.reports > 0 { self.first.0 } else { 0.0 }
    }

    /// Since the first report.
    pub(super) fn watched(&self, now: f64) -> f64 {
        now - self.first.1
    }

    /// Since the last report.
    pub(super) fn silent(&self, now: f64) -> f64 {
        now - self.last
    }

    /// Seconds a step, from the first report on, so that loading is not in it.
    pub(super) fn pace(&self) -> Option<f64> {
        (self.reports >= 2).then(|| (self.last - self.first.1) / (self.counted() - self.first.0))
    }

    /// Seconds a step as well as one report tells it: loading is in it.
    pub(super) fn rough_pace(&self, since: f64) -> f64 {
        (self.last - since) / self.value.max(1.0)
    }
}
