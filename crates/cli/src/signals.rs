//! What the user and the system say while a task is watched.

use std::io;

/// A wish.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// The system or another process ends this one.
    Terminate,
    /// The terminal is gone.
    HangUp,
    /// Ctrl-Z, where a live block has to be taken away first.
    Suspend,
    /// The window has another size.
    Resize,
}

impl Signals {
    /// The next one that ends the process; Ctrl-Z stops it like any other.
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

#[cfg(unix)]
pub(crate) use self::unix::{Signals, die, has_come, suspend, take};

#[cfg(unix)]
mod unix {
    use std::{
        fs,
        sync::{
            Arc, LazyLock,
            atomic::{AtomicBool, AtomicUsize, Ordering},
        },
        task::Poll,
    };

    use rustix::{
        process::{Signal as Kill, getpgrp, getpid, kill_process},
        termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
    };
    use signal_hook::{consts, flag, low_level};
    use tokio::signal::unix::{Signal as Source, SignalKind, signal};

    use super::{Signal, io};
    use crate::writer;

    /// The signals that end a process, with their numbers.
    const ENDS: [(Signal, i32); 3] = [
        (Signal::Interrupt, consts::SIGINT),
        (Signal::Terminate, consts::SIGTERM),
        (Signal::HangUp, consts::SIGHUP),
    ];

    /// The number of a signal of [`ENDS`] that came and was not handled yet, or 0. The signal handler itself sets it, so that
    /// no signal is lost between two listeners, or after the last one.
    static CAME: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);
    /// From the first listener on these signals are caught for good.
    static CAUGHT: AtomicBool = AtomicBool::new(false);

    /// Listens for signals; those that were ignored when the process began (`nohup`) stay ignored.
    #[derive(Debug)]
    pub(crate) struct Signals {
        /// Wake for signals of [`ENDS`]; which one came is in [`CAME`].
        ends: Vec<Source>,
        others: Vec<(Signal, Source)>,
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
            let is_ignored = |number: i32| ignored >> (number - 1) & 1 == 1;
            let ends = ENDS.into_iter().map(|(_, number)| number).filter(|number| !is_ignored(*number));
            // Before tokio's handlers: whoever they wake has to find the flag set.
            if !CAUGHT.swap(true, Ordering::Relaxed) {
                for number in ends.clone() {
                    let value = usize::try_from(number).unwrap_or_default();
                    flag::register_usize(number, Arc::clone(&CAME), value)?;
                }
            }
            let ends = ends.map(|number| signal(SignalKind::from_raw(number))).collect::<io::Result<_>>()?;
            let others = [
                (Signal::Suspend, SignalKind::from_raw(Kill::TSTP.as_raw())),
                (Signal::Resize, SignalKind::window_change()),
            ];
            let others = others
                .into_iter()
                .filter(|(_, kind)| is_live && !is_ignored(kind.as_raw_value()))
                .map(|(name, kind)| Ok((name, signal(kind)?)))
                .collect::<io::Result<_>>()?;
            Ok(Self { ends, others, _calm: if is_live { Calm::new() } else { None } })
        }

        /// The next one. May be dropped and asked again without losing any.
        pub(crate) async fn next(&mut self) -> Signal {
            std::future::poll_fn(|context| {
                for source in &mut self.ends {
                    while source.poll_recv(context).is_ready() {}
                }
                if let Some(signal) = take() {
                    return Poll::Ready(signal);
                }
                for (name, source) in &mut self.others {
                    if source.poll_recv(context).is_ready() {
                        return Poll::Ready(*name);
                    }
                }
                Poll::Pending
            })
            .await
        }
    }

    /// Whether a signal that ends the process came and was not handled yet.
    pub(crate) fn has_come() -> bool {
        CAME.load(Ordering::Relaxed) != 0
    }

    /// A signal that ends the process and was not handled yet; from here on it counts as handled.
    pub(crate) fn take() -> Option<Signal> {
        let number = CAME.swap(0, Ordering::Relaxed);
        ENDS.into_iter().find(|(_, known)| usize::try_from(*known) == Ok(number)).map(|(signal, _)| signal)
    }

    /// Ends the process by the signal itself, so that its parent sees why it ended: a shell then ends its loop.
    pub(crate) fn die(signal: Signal) {
        if let Some((_, number)) = ENDS.into_iter().find(|(known, _)| *known == signal) {
            // It only returns for signals that do not end a process.
            let _ = low_level::emulate_default_handler(number);
        }
    }

    /// Stops this process until it is told to go on, once the terminal has what was written.
    pub(crate) fn suspend() {
        writer::settle();
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
pub(crate) use self::other::{Signals, die, has_come, suspend, take};

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

    /// Only listeners know here.
    pub(crate) fn has_come() -> bool {
        false
    }

    /// Only listeners know here.
    pub(crate) fn take() -> Option<Signal> {
        None
    }

    /// The exit code says it here.
    pub(crate) fn die(_signal: Signal) {}
}
