//! What the user and the system say while a task is watched.

use std::io;

/// A wish.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// Told to stop, or the terminal is gone.
    Terminate,
    /// Ctrl-Z, where a live block has to be taken away first.
    Suspend,
    /// The window has another size.
    Resize,
}

#[cfg(unix)]
pub(crate) use self::unix::{Signals, suspend};

#[cfg(unix)]
mod unix {
    use std::fs;

    use rustix::{
        process::{Signal as Kill, getpgrp, getpid, kill_process},
        termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
    };
    use tokio::signal::unix::{Signal as Source, SignalKind, signal};

    use super::{Signal, io};

    /// Listens for signals; those that were ignored when the process began (`nohup`) stay ignored.
    #[derive(Debug)]
    pub(crate) struct Signals {
        sources: Vec<(Signal, Source)>,
        _calm: Option<Calm>,
    }

    /// Without it a terminal throws away what it has not shown yet when Ctrl-C or Ctrl-Z is pressed: parts of a drawing,
    /// and the answer too if that is quick. Dropping it puts things back.
    #[derive(Debug)]
    struct Calm(Termios);

    impl Calm {
        fn new() -> Option<Self> {
            let terminal = io::stdout();
            // In the background it would be stopped for touching the terminal.
            if tcgetpgrp(&terminal).ok()? != getpgrp() {
                return None;
            }
            let before = tcgetattr(&terminal).ok()?;
            let mut calm = before.clone();
            calm.local_modes.insert(LocalModes::NOFLSH);
            tcsetattr(&terminal, OptionalActions::Now, &calm).ok()?;
            Some(Self(before))
        }
    }

    impl Drop for Calm {
        fn drop(&mut self) {
            let terminal = io::stdout();
            if tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp()) {
                // The terminal may be gone, and then it does not matter.
                let _ = tcsetattr(&terminal, OptionalActions::Now, &self.0);
            }
        }
    }

    impl Signals {
        /// Begins to listen; `is_live` where there is a live block to look after.
        ///
        /// # Errors
        /// When the system refuses.
        pub(crate) fn new(is_live: bool) -> io::Result<Self> {
            let ignored = ignored();
            let wanted = [
                (Signal::Interrupt, SignalKind::interrupt(), true),
                (Signal::Terminate, SignalKind::terminate(), true),
                (Signal::Terminate, SignalKind::hangup(), true),
                (Signal::Suspend, SignalKind::from_raw(Kill::TSTP.as_raw()), is_live),
                (Signal::Resize, SignalKind::window_change(), is_live),
            ];
            let sources = wanted
                .into_iter()
                .filter(|(_, kind, wanted)| *wanted && ignored >> (kind.as_raw_value() - 1) & 1 == 0)
                .map(|(name, kind, _)| Ok((name, signal(kind)?)))
                .collect::<io::Result<_>>()?;
            Ok(Self { sources, _calm: if is_live { Calm::new() } else { None } })
        }

        /// The next one. May be dropped and asked again without losing any.
        pub(crate) async fn next(&mut self) -> Signal {
            std::future::poll_fn(|context| {
                for (name, source) in &mut self.sources {
                    if source.poll_recv(context).is_ready() {
                        return std::task::Poll::Ready(*name);
                    }
                }
                std::task::Poll::Pending
            })
            .await
        }
    }

    /// Stops this process until it is told to go on.
    pub(crate) fn suspend() {
        // Where it cannot be stopped it goes on, which is no harm.
        let _ = kill_process(getpid(), Kill::STOP);
    }

    /// The signals that the parent had ignored, bit `n - 1` for signal `n`. Only Linux tells.
    fn ignored() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }
}

#[cfg(not(unix))]
pub(crate) use self::other::{Signals, suspend};

#[cfg(not(unix))]
mod other {
    use super::{Signal, io};

    /// Listens for Ctrl-C.
    #[derive(Debug)]
    pub(crate) struct Signals;

    impl Signals {
        /// Begins to listen.
        ///
        /// # Errors
        /// Never here.
        pub(crate) fn new(_is_live: bool) -> io::Result<Self> {
            Ok(Self)
        }

        /// The next one.
        pub(crate) async fn next(&mut self) -> Signal {
            match tokio::signal::ctrl_c().await {
                Ok(()) => Signal::Interrupt,
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// There is no such thing here.
    pub(crate) fn suspend() {}
}
