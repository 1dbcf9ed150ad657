//! Snapshot tests of workflows: the behavior of a recorded run, as text without anything that varies between runs.
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

pub use self::{
    collect::{Spent, replay, spent, timeline},
    timeline::{
        RunTimeline, TEXT_FORMAT, Timeline, TimelineFailure, TimelineFile, TimelineNode, TimelineOutput,
        TimelineText,
    },
};
