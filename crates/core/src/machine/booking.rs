//! Measures how long nodes took.

use std::time::Duration;

/// Durations measured so far.
#[derive(Debug)]
pub(super) struct Bookings {
    /// By position. Measured from one `executing` to the next: start-to-finish times are wrong for nodes that wait for
    /// others.
    booked: Vec<Booking>,
    open: Option<(usize, Duration)>,
}

/// The measured duration of one node.
#[derive(Clone, Debug, Default)]
struct Booking {
    seconds: f64,
    started: bool,
    /// Part of its run, possibly the start, was not observed.
    partial: bool,
    /// Seconds between its last step and its end.
    tail: f64,
}

impl Bookings {
    pub(super) fn new(nodes: usize) -> Self {
        Self { booked: vec![Booking::default(); nodes], open: None }
    }

    pub(super) fn add_node(&mut self) {
        self.booked.push(Booking::default());
    }

    /// A node starts; the previous node's time is booked. `seen` means this is the actual start, not a repeat for a
    /// client that joined later.
    pub(super) fn start(&mut self, at: Duration, node: usize, seen: bool) {
        self.stop(at);
        self.open = Some((node, at));
        if let Some(booking) = self.booked.get_mut(node) {
            booking.started = true;
            booking.partial |= !seen;
        }
    }

    /// No node is running anymore.
    pub(super) fn stop(&mut self, at: Duration) {
        if let Some((open, since)) = self.open.take()
            && let Some(booking) = self.booked.get_mut(open)
        {
            booking.seconds += at.saturating_sub(since).as_secs_f64();
        }
    }

    /// Messages are being missed, so the running node's duration will be incomplete.
    pub(super) fn lose(&mut self) {
        if let Some((open, _)) = self.open.take()
            && let Some(booking) = self.booked.get_mut(open)
        {
            booking.partial = true;
        }
    }

    /// How long a node took, if its whole run was observed.
    pub(super) fn seconds(&self, node: usize) -> Option<f64> {
        self.booked
            .get(node)
            .filter(|booking| booking.started && !booking.partial)
            .map(|booking| booking.seconds)
    }

    /// A node ended this many seconds after its last step.
    pub(super) fn end(&mut self, node: usize, tail: f64) {
        self.booked.get_mut(node).into_iter().for_each(|booking| booking.tail = tail);
    }

    pub(super) fn tail(&self, node: usize) -> f64 {
        self.booked.get(node).map_or(0.0, |booking| booking.tail)
    }
}
