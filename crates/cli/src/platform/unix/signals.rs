//! Signals.

use std::{
    fs, io,
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

use crate::{signals::Signal, writer};

/// The signals that end a process, with their numbers.
const ENDS: [(Signal, i32); 3] = [
    (Signal::Interrupt, consts::SIGINT),
    (Signal::Terminate, consts::SIGTERM),
    (Signal::HangUp, consts::SIGHUP),
];

/// The number of a signal of [`ENDS`] that is not handled yet, or 0. The signal handler itself sets it, so that
/// no signal is lost between two listeners, or after the last one.
static CAME: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);
/// Set by the first listener: from then on these signals are always caught.
static CAUGHT: AtomicBool = AtomicBool::new(false);

/// Listens for signals; those that were ignored at process start (`nohup`) stay ignored.
#[derive(Debug)]
pub(crate) struct Signals {
    /// Wake-ups for signals of [`ENDS`]; the number is in [`CAME`].
    ends: Vec<Source>,
    others: Vec<(Signal, Source)>,
    _calm: Option<Calm>,
}

/// Keeps the terminal from discarding pending output when Ctrl-C or Ctrl-Z is pressed: parts of a redraw, and the
/// response to the key if that is quick. Dropping it restores the settings.
#[derive(Debug)]
struct Calm(Termios);

impl Calm {
    fn new() -> Option<Self> {
        let terminal = io::stdout();
        // A background process would be stopped for changing the terminal.
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
            // If the terminal is gone, this doesn't matter.
            let _ = tcsetattr(&terminal, OptionalActions::Now, &self.0);
        }
    }
}

impl Signals {
    /// Starts listening; `is_live` if there is a live block.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn new(is_live: bool) -> io::Result<Self> {
        let ignored = ignored();
        let is_ignored = |number: i32| ignored >> (number - 1) & 1 == 1;
        let ends = ENDS.into_iter().map(|(_, number)| number).filter(|number| !is_ignored(*number));
        // Registered before tokio's handlers: the tasks that those wake need the flag.
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

    /// The next signal. Cancel safe: no signal is lost if the future is dropped.
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

/// Whether a signal that ends the process is not handled yet.
pub(crate) fn has_come() -> bool {
    CAME.load(Ordering::Relaxed) != 0
}

/// Takes an unhandled signal that ends the process, and marks it as handled.
pub(crate) fn take() -> Option<Signal> {
    let number = CAME.swap(0, Ordering::Relaxed);
    ENDS.into_iter().find(|(_, known)| usize::try_from(*known) == Ok(number)).map(|(signal, _)| signal)
}

/// Ends the process by the signal itself, so that its parent sees the cause: a shell then ends its loop.
pub(crate) fn die(signal: Signal) {
    if let Some((_, number)) = ENDS.into_iter().find(|(known, _)| *known == signal) {
        // Returns only for signals that do not end a process.
        let _ = low_level::emulate_default_handler(number);
    }
}

/// Stops this process until it is continued, after the terminal has received all output.
pub(crate) fn suspend() {
    writer::settle();
    // If the process cannot be stopped, it continues, which does no harm.
    let _ = kill_process(getpid(), Kill::STOP);
}

/// The signals that the parent had ignored, bit `n - 1` for signal `n`. Only Linux reports them.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
