//! Signals: what the console reports.

use std::io;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
};

use crate::signals::Signal;

/// Listens for Ctrl-C, Ctrl-Break, and the end of the window or of the session.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: CtrlC,
    stop: CtrlBreak,
    close: CtrlClose,
    shutdown: CtrlShutdown,
}

impl Signals {
    /// Starts listening.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn new(_is_live: bool) -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            stop: ctrl_break()?,
            close: ctrl_close()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    /// The next signal.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Signal::Interrupt,
            Some(()) = self.stop.recv() => Signal::Terminate,
            Some(()) = self.close.recv() => Signal::Terminate,
            Some(()) = self.shutdown.recv() => Signal::Terminate,
            else => std::future::pending().await,
        }
    }
}

/// Not supported on this system.
pub(crate) fn suspend() {}

/// On this system only a listener knows.
pub(crate) fn has_come() -> bool {
    false
}

/// On this system only a listener knows.
pub(crate) fn take() -> Option<Signal> {
    None
}

/// On this system the exit code reports the signal.
pub(crate) fn die(_signal: Signal) {}
