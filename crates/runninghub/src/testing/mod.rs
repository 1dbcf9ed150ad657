//! Snapshot tests of workflows: what a recorded run did, as a text without anything that differs from run to run.
//!
//! A recording is made by [`Builder::record`](crate::Builder::record) or `rhub run --record`. [`replay`] plays it through
//! the same machine as a live run. The resulting [`Timeline`] has the nodes with their states, the results and the end,
//! but no times, ids of runs, URLs or file names. `rhub test` compares it with a file; in a test of your own, any snapshot
//! library can.
//!
//! To test code that follows runs, give a client the recorded sockets: `Builder::connect` takes
//! [`ReplayConnect`](runninghub_transport::ReplayConnect), which plays the tapes of a recording. The crate `runninghub-sim`
//! serves a recording over real HTTP and sockets: `Sim::builder().scenario(Scenario::load(path)?).start().await?` listens on a
//! free port until it is dropped.

mod collect;
mod timeline;

use std::path::Path;

use futures_util::{FutureExt as _, StreamExt as _};
use runninghub_transport::Recording;

pub use self::timeline::{
    RunTimeline, TEXT_FORMAT, Timeline, TimelineFailure, TimelineNode, TimelineOutput, TimelineText,
};
use crate::{Error, Replay};

/// The timeline of a recording: a folder, or a single tape.
///
/// # Errors
/// As [`timeline`], and if it can't be opened.
pub fn replay(path: impl AsRef<Path>) -> Result<Timeline, Error> {
    timeline(&Recording::open(path)?)
}

/// The timeline of a recording.
///
/// # Errors
/// If the recording is empty, cut off or damaged, or its workflow can't be read.
pub fn timeline(recording: &Recording) -> Result<Timeline, Error> {
    let runs = Replay::new(recording.clone()).runs()?.into_iter().map(|run| {
        // Without a speed nothing is waited for, so all lines are there at once.
        let lines = run.collect::<Vec<_>>().now_or_never().unwrap_or_default();
        collect::run(lines)
    });
    Ok(Timeline { runs: runs.collect() })
}
