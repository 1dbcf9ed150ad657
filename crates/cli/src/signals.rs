//! Signals from the user and the system while a task is watched.

pub(crate) use crate::platform::{Signals, die, has_come, suspend, take};

/// A signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(windows, expect(dead_code, reason = "a console reports neither Ctrl-Z nor a new size"))]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// The system or another process ends this process.
    Terminate,
    /// The terminal is gone.
    HangUp,
    /// Ctrl-Z, if a live block has to be cleared first.
    Suspend,
    /// The window was resized.
    Resize,
}

impl Signals {
    /// The next signal that ends the process; Ctrl-Z suspends it as usual.
    pub(crate) async fn end(&mut self) -> Signal {
        loop {
            match self.next().await {
                Signal::Suspend => suspend(),
                Signal::Resize => {}
                signal => return signal,
            }
        }
    }
}
