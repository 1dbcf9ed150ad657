//! Failpoints around every change of state, where a test can make the process die or hang. Not in release builds.
//!
//! `RUNNINGHUB_FAILPOINT=submitting>accepted:before=abort` aborts before that change is written, `…:after=abort` when
//! it is on disk but not yet reported to the caller. `hang` instead of `abort` prints a message on stderr and waits
//! forever; `panic …` panics with the text that follows. A new submit comes from `none`.
//! `RUNNINGHUB_FAILPOINT=folder=network` takes the folder of the ledger for one on a network file system.

#[cfg(debug_assertions)]
use std::sync::LazyLock;

use crate::State;

/// The failpoint and its action, from the environment.
#[cfg(debug_assertions)]
static WANTED: LazyLock<Option<(String, String)>> = LazyLock::new(|| {
    let wanted = std::env::var("RUNNINGHUB_FAILPOINT").ok()?;
    wanted.split_once('=').map(|(place, action)| (place.to_owned(), action.to_owned()))
});

/// Before the change is written, or after it is on disk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failpoint {
    After,
    Before,
}

/// Executes the action that the environment sets for this failpoint, usually none.
#[cfg(debug_assertions)]
pub(crate) fn hit(from: Option<State>, to: State, place: Failpoint) {
    use std::io::{self, Write as _};

    let Some((wanted, action)) = &*WANTED else { return };
    let place = if matches!(place, Failpoint::Before) { "before" } else { "after" };
    if *wanted != format!("{}>{to}:{place}", from.map_or("none", State::as_str)) {
        return;
    }
    let _ = writeln!(io::stderr(), "failpoint {wanted}");
    #[expect(clippy::panic, reason = "that is what is asked for")]
    match action.as_str() {
        "hang" => loop {
            std::thread::park();
        },
        action if action.starts_with("panic") => panic!("failpoint {wanted}: {action}"),
        _ => std::process::abort(),
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn hit(_: Option<State>, _: State, _: Failpoint) {}

/// Whether the folder of the ledger counts as one on a network file system.
pub(crate) fn is_on_network() -> bool {
    #[cfg(debug_assertions)]
    return WANTED.as_ref().is_some_and(|(place, action)| place == "folder" && action == "network");
    #[cfg(not(debug_assertions))]
    false
}
